/* libFuzzer target over the parsers of REST replies: the first byte chooses the parser, the rest is
 * the body. What they accept must be in range; the rest must only be refused, without a row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "rows.h"
#include "spans.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static wk_err err;

/* A refusal says why. */
static wk_status said(wk_status status)
{
    MUST(status == WK_OK || err.msg[0]);
    return status;
}

static void check_candles(wk_rest_candles *rows, wk_status status)
{
    MUST(said(status) == WK_OK || rows->n == 0);
    wk_fresh_bar *bars = malloc((rows->n + 1) * sizeof *bars);
    size_t kept = 0;
    for (size_t i = 0; i < rows->n; i++) {
        const wk_rest_candle *c = &rows->v[i];
        MUST(c->open_ns >= 0 && c->volume.digits >= 0);
        MUST(wk_decimal_to_double(c->high) >= wk_decimal_to_double(c->low));
        if (kept == 0 || rows->v[kept - 1].open_ns < c->open_ns) /* the builder wants order */
            rows->v[kept++] = *c;
    }
    size_t n =
        bars ? wk__build_bars(rows->v, kept, INT64_C(180000000000), (wk_decimal){1, 3}, 1, bars)
             : 0;
    MUST(n <= kept);
    for (size_t i = 0; i < n; i++)
        MUST(isfinite(bars[i].bar.volume) && bars[i].bar.low <= bars[i].bar.high);
    free(bars);
}

static void check_values(const wk_rest_values *list, wk_status status)
{
    MUST(said(status) == WK_OK || list->n == 0);
    for (size_t i = 0; i < list->n; i++)
        MUST(isfinite(list->v[i].value) && list->v[i].time_ns >= 0);
}

static void check_instruments(const wk_instruments *list, wk_status status)
{
    MUST(said(status) == WK_OK || list->n == 0);
    for (size_t i = 0; i < list->n; i++) {
        const wk_instrument *p = &list->v[i];
        MUST(memchr(p->symbol, 0, sizeof p->symbol) &&
             memchr(p->name_rest, 0, sizeof p->name_rest));
        MUST(p->n_tiers >= 0 && p->n_tiers <= WK_MARGIN_TIERS_MAX);
        MUST(p->price_decimals >= 0 && p->price_decimals <= 36);
    }
}

static void check_trades(const wk_rest_trades *list, wk_status status)
{
    MUST(said(status) == WK_OK || list->n == 0);
    for (size_t i = 0; i < list->n; i++)
        MUST(list->v[i].time_ns >= 0 && list->v[i].price.digits > 0 && list->v[i].qty.digits >= 0);
}

/* What each venue would mean by it, under each kind of HTTP status. */
static void judge(const wk_doc *doc)
{
    static const int statuses[] = {200, 302, 400, 401, 403, 404, 408, 429, 500, 504};
    char words[256];
    int64_t until_ns;
    for (int dialect = WK_REST_KRAKEN; dialect <= WK_REST_AMBERDATA; dialect++)
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
            wk_reply reply =
                wk__rest_judge((wk_rest_dialect)dialect, statuses[i], doc, words, &until_ns);
            MUST(memchr(words, 0, sizeof words) && until_ns >= 0);
            MUST(reply == WK_REPLY_OK ? statuses[i] < 300 : words[0] != 0);
            MUST(statuses[i] != 429 || reply == WK_REPLY_WAIT);
        }
}

static void parse(int which, const wk_doc *doc)
{
    wk_rest_candles candles = {0};
    wk_rest_trades trades = {0};
    wk_rest_values values = {0};
    wk_rest_books books = {0};
    wk_instruments list = {0};
    char text[2048] = "";
    int64_t ns;
    err.msg[0] = 0;
    switch (which) {
    case 0:
        check_instruments(&list, wk__parse_kraken_pairs(doc, 1, &list, &err));
        break;
    case 1:
        check_candles(&candles, wk__parse_kraken_ohlc(doc, &candles, &err));
        break;
    case 2:
        check_trades(&trades, wk__parse_kraken_trades(doc, &trades, &ns, &err));
        break;
    case 3:
        MUST(said(wk__parse_kraken_depth(doc, 1, &books, &err)) == WK_OK || books.n == 0);
        break;
    case 4:
        check_instruments(&list, wk__parse_futures_instruments(doc, 1, &list, &err));
        break;
    case 5:
        check_candles(&candles, wk__parse_futures_candles(doc, &candles, &err));
        break;
    case 6:
        check_values(&values, wk__parse_futures_funding(doc, &values, &err));
        break;
    case 7:
        check_values(&values, wk__parse_futures_open_interest(doc, "PF_XBTUSD", 1, &values, &err));
        break;
    case 8:
        MUST(said(wk__parse_futures_book(doc, 1, &books, &err)) == WK_OK || books.n == 0);
        break;
    case 9:
        check_instruments(&list,
                          wk__parse_delta_products(doc, "delta-india", 1, &list, text, &err));
        MUST(wk__parse_delta_settlement(doc) >= 0);
        break;
    case 10:
        check_candles(&candles, wk__parse_delta_candles(doc, &candles, &err));
        break;
    case 11:
        MUST(said(wk__parse_delta_book(doc, &books, &err)) == WK_OK || books.n == 0);
        break;
    case 12:
        check_candles(&candles, wk__parse_amberdata_candles(doc, "gdax", &candles, text, &err));
        break;
    case 13:
        check_values(&values, wk__parse_amberdata_funding(doc, &values, text, &err));
        break;
    case 14:
        check_values(&values, wk__parse_amberdata_open_interest(doc, &values, text, &err));
        break;
    case 15:
        MUST(said(wk__parse_amberdata_books(doc, &books, text, &err)) == WK_OK || books.n == 0);
        break;
    default:
        check_instruments(&list,
                          wk__parse_amberdata_instruments(doc, "gdax", 1, &list, text, &err));
    }
    free(candles.v);
    free(trades.v);
    free(values.v);
    free(books.v);
    free(list.v);
}

/* The note of a cursor comes from a database, which anybody may have edited. */
static void read_spans(const char *text)
{
    static wk_spans spans;
    wk_span gap;
    wk__spans_read(text, &spans);
    for (size_t i = 0; i < spans.n; i++)
        MUST(spans.v[i].from_ns < spans.v[i].to_ns &&
             (i == 0 || spans.v[i - 1].to_ns < spans.v[i].from_ns));
    if (wk__spans_missing(&spans, 100, 1000, &gap))
        MUST(gap.from_ns >= 100 && gap.from_ns < gap.to_ns && gap.to_ns <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static wk_doc doc;
    err.msg[0] = 0;
    if (n == 0)
        return 0;
    /* A copy of exact size, so that a read past the end is caught. */
    char *copy = malloc(n);
    if (!copy)
        return 0;
    memcpy(copy, bytes + 1, n - 1);
    copy[n - 1] = 0;
    if (n == 1) {
        wk__doc_finish(NULL);
        if (wk__doc_read(&doc, copy, (size_t)WK_DOC_BYTES_MAX + 1, &err) != WK_E_RANGE)
            abort();
    } else if (bytes[0] == 'z') {
        read_spans(copy);
    } else {
        char *exact = malloc(n > 1 ? n - 1 : 1);
        if (exact) {
            memcpy(exact, copy, n - 1);
            if (said(wk__doc_read(&doc, exact, n - 1, &err)) == WK_OK)
                parse(bytes[0] % 17, &doc);
            if (bytes[1] % 4 == 3 || doc.n == 0) /* '{' is one */
                judge(&doc);
            if (bytes[0] == 'y') /* the room goes, and is made again */
                wk__doc_finish(&doc);
            free(exact);
        }
    }
    free(copy);
    return 0;
}
