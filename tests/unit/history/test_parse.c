/* The parsers of REST replies against recorded and documented payloads, and against bytes that
 * are none. Values are those that the files show. */
#include "../data/temp.h"

#include <math.h>

#include "build.h"
#include "rows.h"

static wk_err err;

/* Skips without recordings. The text is the caller's to free. */
static char *fixture(const char *name, size_t *n)
{
    const char *root = getenv("WICK_TEST_ROOT");
    char path[512], *text;
    if (!root)
        skip();
    snprintf(path, sizeof path, "%s/api/fixtures/%s", root, name);
    if (wk_file_read(path, &text, n, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return text;
}

static void read_doc(wk_doc *doc, const char *text, size_t n)
{
    if (wk__doc_read(doc, text, n, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

/* Kraken.Net's files begin with method, path and a word. */
static const char *behind_lines(const char *text, int lines)
{
    while (lines-- > 0)
        text = strchr(text, '\n') + 1;
    return text;
}

#define ASSERT_DECIMAL(value, digits_, scale_)                                                     \
    do {                                                                                           \
        assert_int_equal((value).digits, digits_);                                                 \
        assert_int_equal((value).scale, scale_);                                                   \
    } while (0)

static void kraken_ohlc_keeps_closed_candles_exactly(void **state)
{
    (void)state;
    size_t n;
    char *text = fixture("kraken/nautilus/http_ohlc.json", &n);
    wk_doc doc = {0};
    wk_rest_candles rows = {0};
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_kraken_ohlc(&doc, &rows, &err), WK_OK);
    assert_int_equal(rows.n, 720); /* the 721st is running */
    assert_int_equal(rows.v[0].open_ns, INT64_C(1762777020) * WK_NS_PER_S);
    ASSERT_DECIMAL(rows.v[0].close, 1060382, 1);
    ASSERT_DECIMAL(rows.v[3].volume, 8317981, 8);
    ASSERT_DECIMAL(rows.v[3].high, 1060443, 1);
    assert_int_equal(rows.v[719].open_ns, INT64_C(1762820160) * WK_NS_PER_S);
    size_t n_empty = 0;
    for (size_t i = 0; i < rows.n; i++) {
        n_empty += rows.v[i].volume.digits == 0;
        if (i > 0)
            assert_int_equal(rows.v[i].open_ns - rows.v[i - 1].open_ns, 60 * WK_NS_PER_S);
    }
    assert_in_range(n_empty, 214,
                    216); /* 216 of 721 by the notes; the running one is none of ours */
    wk__doc_finish(&doc);
    free(rows.v);
    free(text);

    text = fixture("kraken/kraken.net/Spot_ExchangeData_GetKlines.txt", &n);
    const char *body = behind_lines(text, 3);
    rows = (wk_rest_candles){0};
    read_doc(&doc, body, n - (size_t)(body - text));
    assert_int_equal(wk__parse_kraken_ohlc(&doc, &rows, &err), WK_OK);
    ASSERT_DECIMAL(rows.v[0].volume, 339243896, 8);
    wk__doc_finish(&doc);
    free(rows.v);
    free(text);
}

static void kraken_pairs_have_both_names(void **state)
{
    (void)state;
    size_t n;
    char *text = fixture("kraken/nautilus/http_asset_pairs.json", &n);
    wk_doc doc = {0};
    wk_instruments list = {0};
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_kraken_pairs(&doc, 5, &list, &err), WK_OK);
    assert_int_equal(list.n, 1);
    const wk_instrument *p = &list.v[0];
    assert_string_equal(p->symbol, "BTCUSDT");
    assert_string_equal(p->name_rest, "XBTUSDT");
    assert_string_equal(p->name_stream, "BTC/USDT");
    ASSERT_DECIMAL(p->tick, 1, 1);
    ASSERT_DECIMAL(p->qty_min, 5, 5);
    ASSERT_DECIMAL(p->cost_min, 5, 1);
    assert_true(p->taker_fee == 0.004 && p->maker_fee == 0.0025);
    assert_true(p->initial_margin == 0.1 && isnan(p->maintenance_margin));
    assert_int_equal(p->read_ns, 5);
    wk__doc_finish(&doc);
    free(list.v);
    free(text);

    text = fixture("kraken/cryptofeed/asset_pairs_2021_a.json", &n); /* without tick_size, status */
    list = (wk_instruments){0};
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_kraken_pairs(&doc, 5, &list, &err), WK_OK);
    assert_true(list.n > 100);
    assert_string_equal(list.v[0].symbol, "AAVEAUD");
    ASSERT_DECIMAL(list.v[0].tick, 1, 2);
    assert_true(list.v[0].taker_fee == 0.0026 && list.v[0].is_tradable);
    wk__doc_finish(&doc);
    free(list.v);
    free(text);
}

static void futures_payloads_parse(void **state)
{
    (void)state;
    size_t n;
    wk_doc doc = {0};
    wk_rest_candles candles = {0};
    wk_rest_values values = {0};
    wk_instruments list = {0};
    char *text = fixture("kraken/nautilus/http_futures_candles_trade.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_futures_candles(&doc, &candles, &err), WK_OK);
    assert_int_equal(candles.n, 3);
    assert_int_equal(candles.v[1].open_ns, INT64_C(1731718800) * WK_NS_PER_S);
    ASSERT_DECIMAL(candles.v[1].high, 914885, 1);
    ASSERT_DECIMAL(candles.v[1].volume, 2407, 0);
    free(text);
    text = fixture("kraken/kraken.net/Futures_ExchangeData_GetKlines.txt", &n);
    const char *body = behind_lines(text, 3);
    read_doc(&doc, body, n - (size_t)(body - text));
    assert_int_equal(wk__parse_futures_candles(&doc, &candles, &err), WK_OK);
    assert_true(wk_decimal_to_double(candles.v[3].high) == 56475);
    free(text);
    text = fixture("kraken/nautilus/http_futures_historical_funding_rates.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_futures_funding(&doc, &values, &err), WK_OK);
    assert_int_equal(values.n, 3);
    assert_int_equal(values.v[0].time_ns, INT64_C(1752220800) * WK_NS_PER_S);
    assert_true(values.v[1].value == -0.00005);
    free(text);
    text = fixture("kraken/nautilus/http_futures_tickers.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_futures_open_interest(&doc, "pi_xbtusd", 9, &values, &err), WK_OK);
    assert_true(values.v[3].value == 21279580.0 && values.v[3].known_ns == 9);
    assert_int_equal(wk__parse_futures_open_interest(&doc, "PF_NONE", 9, &values, &err),
                     WK_E_NOT_FOUND);
    free(text);
    text = fixture("kraken/nautilus/http_futures_instruments.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_futures_instruments(&doc, 1, &list, &err), WK_OK);
    assert_string_equal(list.v[0].symbol, "PI_XBTUSD");
    assert_true(list.v[0].is_inverse && list.v[0].n_tiers == 2);
    assert_true(list.v[0].tiers[1].notional_from == 500000);
    assert_true(list.v[1].tiers[1].initial_margin == 0.04 && !list.v[1].is_inverse);
    ASSERT_DECIMAL(list.v[2].tick, 1, 10);  /* 1e-10 */
    ASSERT_DECIMAL(list.v[2].lot, 1000, 0); /* precision -3 */
    assert_string_equal(list.v[3].symbol, "PF_AAPLxUSD");
    free(text);
    text = fixture("kraken/cryptofeed/futures_instruments_2021.json", &n);
    size_t before = list.n;
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_futures_instruments(&doc, 1, &list, &err), WK_OK);
    assert_string_equal(list.v[before].symbol, "PI_XBTUSD");
    assert_string_equal(list.v[before].base, "BTC");
    assert_int_equal(list.v[before].n_tiers, 8);
    free(text);
    wk__doc_finish(&doc);
    free(candles.v);
    free(values.v);
    free(list.v);
}

static void delta_payloads_parse(void **state)
{
    (void)state;
    size_t n;
    wk_doc doc = {0};
    wk_rest_candles rows = {0};
    wk_instruments list = {0};
    char after[256];
    char *text = fixture("delta/live2026/rest_history_candles_DOGEUSD_1m_newest.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_delta_candles(&doc, &rows, &err), WK_OK);
    assert_int_equal(rows.n, 20);
    assert_int_equal(rows.v[0].open_ns, INT64_C(1783835940) * WK_NS_PER_S);
    ASSERT_DECIMAL(rows.v[0].open, 7323, 5);
    ASSERT_DECIMAL(rows.v[12].low, 73172, 6);
    assert_int_equal(rows.v[1].volume.digits, 0);
    free(text);
    text = fixture("delta/live2026/product_DOGEUSD.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_delta_products(&doc, "delta-india", 3, &list, after, &err), WK_OK);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.v[0].symbol, "DOGEUSD");
    assert_int_equal(list.v[0].venue_id, 14745);
    ASSERT_DECIMAL(list.v[0].tick, 1, 6);
    ASSERT_DECIMAL(list.v[0].contract_value, 100, 0);
    assert_true(list.v[0].initial_margin == 0.01 && list.v[0].maintenance_margin == 0.005);
    assert_true(list.v[0].taker_fee == 0.0005 && list.v[0].is_tradable);
    assert_int_equal(list.v[0].funding_interval_ns, 28800 * WK_NS_PER_S);
    assert_string_equal(list.v[0].base, "DOGE");
    assert_int_equal(wk__parse_delta_settlement(&doc), 0);
    free(text);
    read_doc(&doc, "{\"result\":{\"settlement_time\":\"2021-11-30T12:00:00Z\"}}", 53);
    assert_int_equal(wk__parse_delta_settlement(&doc), INT64_C(1638273600) * WK_NS_PER_S);
    text = fixture("delta/cryptofeed/products_2021_a.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_delta_products(&doc, "delta-global", 3, &list, after, &err), WK_OK);
    assert_true(list.n > 50);
    assert_string_equal(after, "");
    free(text);
    wk__doc_finish(&doc);
    free(rows.v);
    free(list.v);
}

static void amberdata_payloads_parse(void **state)
{
    (void)state;
    size_t n;
    wk_doc doc = {0};
    wk_rest_candles rows = {0};
    wk_rest_values values = {0};
    wk_rest_books books = {0};
    wk_instruments list = {0};
    char next[2048];
    char *text = fixture("amberdata/spot_ohlcv_instrument_.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_amberdata_candles(&doc, "gdax", &rows, next, &err), WK_OK);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows.v[0].open_ns, INT64_C(1690156800) * WK_NS_PER_S); /* 2023-07-24 */
    ASSERT_DECIMAL(rows.v[0].low, 28850, 0);
    ASSERT_DECIMAL(rows.v[0].volume, INT64_C(1448427543962), 8);
    ASSERT_CONTAINS(next, "https://api.amberdata.com/markets/spot/ohlcv/btc_usd?cursor=N4Ig");
    assert_int_equal(wk__parse_amberdata_candles(&doc, "kraken", &rows, next, &err), WK_OK);
    assert_int_equal(rows.n, 1); /* another exchange's */
    free(text);
    text = fixture("amberdata/futures_open-interest_instrument_.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_amberdata_open_interest(&doc, &values, next, &err), WK_OK);
    assert_int_equal(values.n, 3);
    assert_int_equal(values.v[0].time_ns, INT64_C(1717518065771) * 1000000);
    assert_true(values.v[2].value == 16866686);
    free(text);
    text = fixture("amberdata/spot_order-book-snapshots_instrument_.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_amberdata_books(&doc, &books, next, &err), WK_OK);
    assert_true(books.v[0].ask == 3780.7 && isnan(books.v[0].bid));
    assert_true(fabs(books.v[0].ask_qty - 18.93410568) < 1e-12);
    free(text);
    text = fixture("amberdata/spot_ohlcv_information.json", &n);
    read_doc(&doc, text, n);
    assert_int_equal(wk__parse_amberdata_instruments(&doc, "binance", 2, &list, next, &err), WK_OK);
    assert_string_equal(list.v[0].name_rest, "1000sats_fdusd");
    assert_int_equal(list.v[0].launch_ns, INT64_C(1702339200) * WK_NS_PER_S);
    free(text);
    wk__doc_finish(&doc);
    free(rows.v);
    free(values.v);
    free(books.v);
    free(list.v);
}

static void legacy_columns_parse_in_any_nesting(void **state)
{
    static const char *const texts[] = {
        "{\"payload\":{\"metadata\":{\"columns\":[\"timestamp\",\"open\",\"high\",\"low\","
        "\"close\","
        "\"volume\"]},\"data\":{\"gdax\":[[1690156800000,1,4,0.5,2,1e-08]]}}}",
        "{\"payload\":{\"metadata\":{\"columns\":[\"volume\",\"timestamp\",\"open\",\"high\","
        "\"low\","
        "\"close\"]},\"data\":{\"gdax\":{\"btc_usd\":[1e-08,1690156800000,1,4,0.5,2]}}}}"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wk_doc doc = {0};
        wk_rest_candles rows = {0};
        char next[2048];
        read_doc(&doc, texts[i], strlen(texts[i]));
        if (wk__parse_amberdata_candles(&doc, "gdax", &rows, next, &err) != WK_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(rows.n, 1);
        ASSERT_DECIMAL(rows.v[0].volume, 1, 8);
        ASSERT_DECIMAL(rows.v[0].high, 4, 0);
        wk__doc_finish(&doc);
        free(rows.v);
    }
}

/* Times have 1e-7 s and ids exceed 2^53: neither goes through a double. */
static void trades_keep_every_digit(void **state)
{
    static const char text[] =
        "{\"error\":[],\"result\":{\"XXBTZUSD\":[[\"30243.40000\",\"0.34507674\",1688669597."
        "8277369,"
        "\"b\",\"m\",\"\",9007199254740993],[\"30243.3\",\"1e-08\",\"1688669597.8277370\",\"s\","
        "\"l\",\"\",9007199254740994]],\"last\":\"1688669597827736901\"}}";
    wk_doc doc = {0};
    wk_rest_trades trades = {0};
    int64_t last_ns;
    (void)state;
    read_doc(&doc, text, strlen(text));
    assert_int_equal(wk__parse_kraken_trades(&doc, &trades, &last_ns, &err), WK_OK);
    assert_int_equal(last_ns, INT64_C(1688669597827736901));
    assert_int_equal(trades.v[0].time_ns, INT64_C(1688669597827736900));
    assert_int_equal(trades.v[0].id, INT64_C(9007199254740993));
    ASSERT_DECIMAL(trades.v[0].price, INT64_C(3024340000), 5);
    ASSERT_DECIMAL(trades.v[1].qty, 1, 8);
    wk__doc_finish(&doc);
    free(trades.v);
}

/* Nothing is appended, and the reason says what and where. */
static void wrong_types_are_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"{\"success\":true,\"result\":{}}", "result is no list"},
        {"{\"success\":true,\"result\":[{\"time\":\"x\",\"open\":1}]}",
         "candle's time is not a number: x (byte 35)"},
        {"{\"result\":[{\"time\":60,\"open\":1,\"high\":2,\"low\":1,\"close\":true,\"volume\":1}]}",
         "close is not a number: true"},
        {"{\"result\":[{\"time\":60,\"open\":1,\"high\":2,\"low\":1,\"close\":null,\"volume\":1}]}",
         "close is null"},
        {"{\"result\":[{\"time\":60,\"open\":1,\"high\":2,\"low\":1,\"close\":1,\"volume\":-1}]}",
         "volume is negative"},
        {"{\"result\":[{\"time\":60.5,\"open\":1,\"high\":2,\"low\":1,\"close\":1,\"volume\":1}]}",
         "is not a whole number"},
        {"{\"result\":[{\"time\":60,\"open\":1,\"high\":2,\"low\":3,\"close\":1,\"volume\":1}]}",
         "candle is impossible"},
        {"{\"result\":[{\"time\":99999999999999,\"open\":1,\"high\":2,\"low\":1,\"close\":1}]}",
         "is no time of this age"},
        {"{\"result\":[7]}", "candle's time is missing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_doc doc = {0};
        wk_rest_candles rows = {0};
        read_doc(&doc, cases[i].text, strlen(cases[i].text));
        assert_int_equal(wk__parse_delta_candles(&doc, &rows, &err), WK_E_PARSE);
        ASSERT_CONTAINS(err.msg, cases[i].reason);
        assert_int_equal(rows.n, 0);
        wk__doc_finish(&doc);
        free(rows.v);
    }
}

/* Each parser of a reply by one name. */
enum {
    PAIRS,
    OHLC,
    TRADES,
    DEPTH,
    FUTURES_INSTRUMENTS,
    FUTURES_CANDLES,
    FUTURES_FUNDING,
    FUTURES_INTEREST,
    FUTURES_BOOK,
    DELTA_PRODUCTS,
    DELTA_BOOK,
    AMBER_CANDLES,
    AMBER_FUNDING,
    AMBER_INTEREST,
    AMBER_BOOKS,
    AMBER_INSTRUMENTS
};

/* Rows are appended to what is there already; *n is how many there are then. */
static wk_status parse_as(int parser, const wk_doc *doc, size_t *n)
{
    wk_rest_candles candles = {0};
    wk_rest_trades trades = {0};
    wk_rest_values values = {0};
    wk_rest_books books = {0};
    wk_instruments instruments = {0};
    wk_status status;
    char text[2048];
    int64_t ns;
    err.msg[0] = 0;
    switch (parser) {
    case PAIRS:
        status = wk__parse_kraken_pairs(doc, 1, &instruments, &err);
        break;
    case OHLC:
        status = wk__parse_kraken_ohlc(doc, &candles, &err);
        break;
    case TRADES:
        status = wk__parse_kraken_trades(doc, &trades, &ns, &err);
        break;
    case DEPTH:
        status = wk__parse_kraken_depth(doc, 1, &books, &err);
        break;
    case FUTURES_INSTRUMENTS:
        status = wk__parse_futures_instruments(doc, 1, &instruments, &err);
        break;
    case FUTURES_CANDLES:
        status = wk__parse_futures_candles(doc, &candles, &err);
        break;
    case FUTURES_FUNDING:
        status = wk__parse_futures_funding(doc, &values, &err);
        break;
    case FUTURES_INTEREST:
        status = wk__parse_futures_open_interest(doc, "PF_XBTUSD", 1, &values, &err);
        break;
    case FUTURES_BOOK:
        status = wk__parse_futures_book(doc, 1, &books, &err);
        break;
    case DELTA_PRODUCTS:
        status = wk__parse_delta_products(doc, "delta-india", 1, &instruments, text, &err);
        break;
    case DELTA_BOOK:
        status = wk__parse_delta_book(doc, &books, &err);
        break;
    case AMBER_CANDLES:
        status = wk__parse_amberdata_candles(doc, "gdax", &candles, text, &err);
        break;
    case AMBER_FUNDING:
        status = wk__parse_amberdata_funding(doc, &values, text, &err);
        break;
    case AMBER_INTEREST:
        status = wk__parse_amberdata_open_interest(doc, &values, text, &err);
        break;
    case AMBER_BOOKS:
        status = wk__parse_amberdata_books(doc, &books, text, &err);
        break;
    default:
        status = wk__parse_amberdata_instruments(doc, "gdax", 1, &instruments, text, &err);
    }
    *n = candles.n + trades.n + values.n + books.n + instruments.n;
    free(candles.v);
    free(trades.v);
    free(values.v);
    free(books.v);
    free(instruments.v);
    return status;
}

/* Sound JSON of the wrong types, the same for all parsers and one of each parser's own. */
static void every_parser_refuses_wrong_types_with_a_reason(void **state)
{
    static const char *const common[] = {"3",
                                         "[]",
                                         "\"text\"",
                                         "{}",
                                         "{\"result\":7,\"candles\":7,\"payload\":7}",
                                         "{\"payload\":{\"data\":\"x\"}}"};
    static const struct {
        int parser;
        const char *text, *reason;
    } own[] = {
        {PAIRS, "{\"result\":{\"A\":{\"altname\":\"A\",\"pair_decimals\":\"x\"}}}",
         "pair_decimals"},
        {OHLC, "{\"result\":{\"A\":[[60,true]]}}", "open is not a number"},
        {TRADES, "{\"result\":{\"A\":[[\"1\",{}]],\"last\":1}}", "volume is not a number"},
        {DEPTH, "{\"result\":{\"A\":{\"bids\":[[null]],\"asks\":[]}}}", "level is null"},
        {FUTURES_INSTRUMENTS, "{\"instruments\":[{\"symbol\":true}]}", "has no symbol"},
        {FUTURES_CANDLES, "{\"candles\":[{\"time\":[]}]}", "time is not a number"},
        {FUTURES_FUNDING, "{\"rates\":[{\"timestamp\":1,\"relativeFundingRate\":1}]}",
         "timestamp is no time"},
        {FUTURES_INTEREST, "{\"tickers\":[{\"symbol\":\"PF_XBTUSD\",\"openInterest\":{}}]}",
         "openInterest is not a number"},
        {FUTURES_BOOK, "{\"orderBook\":{\"bids\":[[1,1]],\"asks\":{}}}", "asks is no list"},
        {DELTA_PRODUCTS, "{\"result\":[{\"symbol\":\"A\",\"id\":[]}]}", "id is not a number"},
        {DELTA_BOOK, "{\"result\":{\"last_updated_at\":true}}", "last_updated_at is not a number"},
        {AMBER_CANDLES, "{\"payload\":{\"data\":[{\"exchangeTimestamp\":1,\"open\":[]}]}}",
         "open is not a number"},
        {AMBER_FUNDING,
         "{\"payload\":{\"data\":[{\"exchangeTimestamp\":1,\"fundingRate\":\"x\"}]}}",
         "fundingRate"},
        {AMBER_INTEREST, "{\"payload\":{\"data\":[{\"exchangeTimestamp\":{},\"value\":1}]}}",
         "value"},
        {AMBER_BOOKS, "{\"payload\":{\"data\":[{\"timestamp\":1,\"bid\":true}]}}",
         "bid is no list of levels"},
        {AMBER_INSTRUMENTS, "{\"payload\":{\"data\":{}}}", "data is no list of instruments"},
    };
    wk_doc doc = {0};
    size_t n;
    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        assert_int_equal(own[i].parser, i); /* none is left out */
        read_doc(&doc, own[i].text, strlen(own[i].text));
        if (parse_as(own[i].parser, &doc, &n) != WK_E_PARSE || n || !strstr(err.msg, own[i].reason))
            fail_msg("%s: \"%s\", not \"%s\"", own[i].text, err.msg, own[i].reason);
        for (size_t k = 0; k < sizeof common / sizeof *common; k++) {
            read_doc(&doc, common[k], strlen(common[k]));
            if (parse_as(own[i].parser, &doc, &n) != WK_E_PARSE || n || !err.msg[0])
                fail_msg("parser %zu takes %s", i, common[k]);
        }
    }
    wk__doc_finish(&doc);
}

static void unsound_texts_are_refused(void **state)
{
    wk_doc doc = {0};
    (void)state;
    char *deep = malloc(100001);
    memset(deep, '[', 100000);
    assert_int_equal(wk__doc_read(&doc, deep, 100000, &err), WK_E_PARSE);
    ASSERT_CONTAINS(err.msg, "no sound JSON");
    free(deep);
    assert_int_equal(wk__doc_read(&doc, "{\"a\":\"\xff\"}", 9, &err), WK_E_PARSE);
    assert_int_equal(wk__doc_read(&doc, "{\"a\":[1,2}", 10, &err), WK_E_PARSE);
    assert_int_equal(wk__doc_read(&doc, "", 0, &err), WK_E_PARSE);
    assert_int_equal(wk__doc_read(&doc, "[]", (size_t)50 << 20, &err), WK_E_RANGE);
    ASSERT_CONTAINS(err.msg, "52428800 bytes is refused");
    assert_int_equal(doc.n, 0);
    wk__doc_finish(&doc);
}

static void candles_build_exactly(void **state)
{
    const wk_rest_candle rows[] = {
        {0, {100, 1}, {120, 1}, {90, 1}, {110, 1}, {1, 8}},
        {60 * WK_NS_PER_S, {110, 1}, {110, 1}, {110, 1}, {110, 1}, {0, 8}},
        {120 * WK_NS_PER_S, {11, 0}, {125, 1}, {11, 0}, {12, 0}, {2, 1}},
        {180 * WK_NS_PER_S, {12, 0}, {12, 0}, {12, 0}, {12, 0}, {0, 0}},
        {240 * WK_NS_PER_S, {12, 0}, {12, 0}, {12, 0}, {12, 0}, {0, 0}}};
    wk_fresh_bar bars[5];
    (void)state;
    size_t n = wk__build_bars(rows, 5, 180 * WK_NS_PER_S, (wk_decimal){1, 0}, 7, bars);
    assert_int_equal(n, 2);
    assert_true(bars[0].bar.open == 10 && bars[0].bar.high == 12.5 && bars[0].bar.low == 9);
    assert_true(bars[0].bar.close == 12 && bars[0].bar.volume == 0.20000001);
    assert_int_equal(bars[0].provenance, WK_PROV_TRADED);
    assert_true(bars[1].bar.open == 12 && bars[1].bar.volume == 0);
    assert_int_equal(bars[1].provenance, WK_PROV_CONFIRMED_EMPTY);
    /* contracts of 0.001 */
    n = wk__build_bars(rows + 2, 1, 60 * WK_NS_PER_S, (wk_decimal){1, 3}, 7, bars);
    assert_true(n == 1 && bars[0].bar.volume == 0.0002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kraken_ohlc_keeps_closed_candles_exactly),
        cmocka_unit_test(kraken_pairs_have_both_names),
        cmocka_unit_test(futures_payloads_parse),
        cmocka_unit_test(delta_payloads_parse),
        cmocka_unit_test(amberdata_payloads_parse),
        cmocka_unit_test(legacy_columns_parse_in_any_nesting),
        cmocka_unit_test(trades_keep_every_digit),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(every_parser_refuses_wrong_types_with_a_reason),
        cmocka_unit_test(unsound_texts_are_refused),
        cmocka_unit_test(candles_build_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
