/* Kraken Futures: public REST. Charts come oldest first with a flag when there is more, funding in
 * both orders that were recorded, rates as an absolute and a relative number. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

static void serve(request *r);

static const market_instrument instruments[] = {
    {"PF_XBTUSD",
     {"pf_xbtusd"},
     "BTC",
     "USD",
     1,
     4,
     10,
     902340,
     1,
     50000,
     101,
     "1",
     "flexible_futures"},
    {"PI_XBTUSD",
     {"pi_xbtusd"},
     "BTC",
     "USD",
     1,
     0,
     5,
     902345,
     1,
     90000,
     102,
     "1",
     "futures_inverse"},
    {"PF_ETHUSD",
     {"pf_ethusd"},
     "ETH",
     "USD",
     1,
     3,
     1,
     31234,
     1,
     90000,
     103,
     "1",
     "flexible_futures"},
};

const protocol protocol_kraken_futures = {
    .name = "kraken-futures",
    .instruments = instruments,
    .n_instruments = sizeof instruments / sizeof instruments[0],
    .serve = serve,
    .status_body = "{\"result\":\"error\",\"error\":\"unavailable\"}",
};

static void fail(request *r, const char *error)
{
    complain_request(r, "%s", error);
    text_clear(&r->body);
    text_add(&r->body, "{\"result\":\"error\",\"error\":\"%s\",\"serverTime\":\"", error);
    text_add_time(&r->body, r->now_ns, 3);
    text_add(&r->body, "\"}");
}

/* JSON numbers keep one decimal, the strings of charts none. */
static void add_price(text *t, const market *m, int64_t price)
{
    text_add_short(t, price, m->instrument->price_decimals, 1);
}

/* The rate in quote units: the relative one, in 1e-12, times the price. */
static int64_t absolute_funding(const market *m, int64_t hour, int64_t price)
{
    int64_t scale = 1;
    for (int i = 0; i < m->instrument->price_decimals; i++)
        scale *= 10;
    return market_funding(m, hour) / 1000 * (price / scale);
}

static void add_ticker(text *t, market *m, int64_t now_ns)
{
    const market_instrument *p = m->instrument;
    int64_t now_s = now_ns / NS_A_SECOND;
    market_candle day = {0};
    market_candle_at(m, now_s - 86399, 86400, now_ns, &day);
    const market_trade *last = market_last(m, now_ns);
    market_book_advance(m, now_ns);
    const market_level *bid = &m->book_now.side[0][0], *ask = &m->book_now.side[1][0];
    text_add(t, "{\"symbol\":\"%s\",\"last\":", p->name);
    add_price(t, m, day.close);
    text_add(t, ",\"lastTime\":\"");
    text_add_time(t, last ? last->time_ns : now_ns, 6);
    text_add(t, "\",\"tag\":\"perpetual\",\"pair\":\"%s:%s\"", p->base, p->quote);
    const struct {
        const char *key;
        int64_t value;
        int decimals;
    } fields[] = {
        {"markPrice", day.close + p->tick, p->price_decimals},
        {"bid", bid->price, p->price_decimals},
        {"bidSize", bid->qty, p->qty_decimals},
        {"ask", ask->price, p->price_decimals},
        {"askSize", ask->qty, p->qty_decimals},
        {"vol24h", day.volume, p->qty_decimals},
        {"volumeQuote", day.volume, p->qty_decimals},
        {"openInterest", market_open_interest(m, now_s / 60), 0},
        {"open24h", day.open, p->price_decimals},
        {"high24h", day.high, p->price_decimals},
        {"low24h", day.low, p->price_decimals},
        {"lastSize", last ? last->qty : 0, p->qty_decimals},
        {"fundingRate", absolute_funding(m, now_s / 3600, day.close), 9},
        {"fundingRatePrediction", absolute_funding(m, now_s / 3600 + 1, day.close), 9},
        {"indexPrice", day.close, p->price_decimals},
        {"change24h", 157, 2},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        text_add(t, ",\"%s\":", fields[i].key);
        text_add_short(t, fields[i].value, fields[i].decimals, 1);
        text_add(t, fields[i].decimals == 0 ? ".0" : "");
    }
    text_add(t, ",\"suspended\":false,\"postOnly\":false}");
}

static void begin(request *r, const char *list)
{
    text_add(&r->body, "{\"result\":\"success\",\"serverTime\":\"");
    text_add_time(&r->body, r->now_ns, 3);
    text_add(&r->body, "\",\"%s\":", list);
}

static void serve_tickers(request *r)
{
    for (size_t i = 0; i < r->v->n_markets; i++)
        add_ticker(row_add(r), &r->v->markets[i], r->now_ns);
    text *index = row_add(r);
    text_add(index, "{\"symbol\":\"in_xbtusd\",\"last\":90234,\"lastTime\":\"");
    text_add_time(index, r->now_ns, 3);
    text_add(index, "\"}");
    begin(r, "tickers");
    text_add(&r->body, "[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}");
}

static void serve_ticker(request *r, const char *symbol)
{
    market *m = market_named(r->v, symbol);
    if (!m) {
        fail(r, "contractNotFound");
        return;
    }
    begin(r, "ticker");
    add_ticker(&r->body, m, r->now_ns);
    text_add(&r->body, "}");
}

static void serve_instruments(request *r)
{
    for (size_t i = 0; i < r->v->n_markets; i++) {
        const market_instrument *p = r->v->markets[i].instrument;
        int inverse = strcmp(p->contract_type, "futures_inverse") == 0;
        text *t = row_add(r);
        text_add(t, "{\"symbol\":\"%s\",\"type\":\"%s\",%s\"tickSize\":", p->name, p->contract_type,
                 inverse ? "\"underlying\":\"rr_xbtusd\"," : "");
        text_add_short(t, p->tick, p->price_decimals, 1);
        text_add(t,
                 ",\"contractSize\":1,\"tradeable\":true,\"impactMidSize\":1.5,"
                 "\"maxPositionSize\":16000.0,\"openingDate\":\"2022-03-22T13:18:45Z\","
                 "\"marginLevels\":[{\"%s\":0,\"initialMargin\":0.02,\"maintenanceMargin\":0.01},"
                 "{\"%s\":2000000,\"initialMargin\":0.04,\"maintenanceMargin\":0.02}],"
                 "\"fundingRateCoefficient\":24,\"maxRelativeFundingRate\":0.0025,"
                 "\"isin\":\"GB00BQ84K502\",\"contractValueTradePrecision\":%d,\"postOnly\":false,"
                 "\"feeScheduleUid\":\"723888f7-0a8e-4183-8648-f920a22339e3\",\"mtf\":true,"
                 "\"base\":\"%s\",\"quote\":\"%s\",\"pair\":\"%s:%s\"}",
                 inverse ? "contracts" : "numNonContractUnits",
                 inverse ? "contracts" : "numNonContractUnits", p->qty_decimals, p->base, p->quote,
                 p->base, p->quote);
    }
    text_add(&r->body, "{\"result\":\"success\",\"instruments\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "],\"serverTime\":\"");
    text_add_time(&r->body, r->now_ns, 3);
    text_add(&r->body, "\"}");
}

static void serve_funding(request *r)
{
    const char *symbol = param(r, "symbol");
    market *m = symbol ? market_named(r->v, symbol) : NULL;
    if (!m) {
        fail(r, symbol ? "contractNotFound" : "requiredArgumentMissing: symbol");
        return;
    }
    int64_t first = m->begin_ns / NS_A_SECOND / 3600 + 1, last = r->now_ns / NS_A_SECOND / 3600;
    size_t n = page_rows(r, last < first ? 0 : (size_t)(last - first + 1));
    for (size_t i = 0; i < n; i++) {
        int64_t hour = r->v->options.seed % 2 ? first + (int64_t)i : last - (int64_t)i;
        market_candle c = {0};
        market_candle_at(m, hour * 3600, 3600, r->now_ns, &c);
        text *t = row_add(r);
        text_add(t, "{\"timestamp\":\"");
        text_add_time(t, hour * 3600 * NS_A_SECOND, 3);
        text_add(t, "\",\"relativeFundingRate\":");
        text_add_short(t, market_funding(m, hour), 12, 1);
        text_add(t, ",\"fundingRate\":");
        text_add_short(t, absolute_funding(m, hour, c.close), 9, 1);
        text_add(t, "}");
    }
    text_add(&r->body, "{\"result\":\"success\",\"rates\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}");
}

static void add_candle(request *r, const market *m, const market_candle *c, int64_t shift)
{
    const struct {
        const char *key;
        int64_t value;
    } fields[] = {{"open", c->open}, {"high", c->high}, {"low", c->low}, {"close", c->close}};
    text *t = row_add(r);
    text_add(t, "{\"time\":%lld", (long long)c->open_s * 1000);
    for (size_t i = 0; i < 4; i++) {
        text_add(t, ",\"%s\":\"", fields[i].key);
        text_add_short(t, fields[i].value + shift, m->instrument->price_decimals, 0);
        text_add(t, "\"");
    }
    text_add(t, ",\"volume\":\"");
    text_add_short(t, shift ? 0 : c->volume, m->instrument->qty_decimals, 0);
    text_add(t, "\"}");
}

#define ROWS_MAX 2000

static void serve_charts(request *r, const char *path)
{
    static const struct {
        const char *word;
        int64_t seconds;
    } resolutions[] = {{"1m", 60},    {"5m", 300},    {"15m", 900},  {"30m", 1800}, {"1h", 3600},
                       {"4h", 14400}, {"12h", 43200}, {"1d", 86400}, {"1w", 604800}};
    char type[16], symbol[40], word[8], rest;
    int64_t step = 0;
    int64_t now_s = r->now_ns / NS_A_SECOND;
    int64_t from = param_int(r, "from", 0, INT64_C(9999999999), 0);
    int64_t to = param_int(r, "to", 0, INT64_C(9999999999), now_s);
    if (sscanf(path, "%15[^/]/%39[^/]/%7[^/]%c", type, symbol, word, &rest) != 3 ||
        !one_of(type, "trade mark spot")) {
        fail(r, "the path is no tick_type, symbol and resolution");
        return;
    }
    for (size_t i = 0; i < sizeof resolutions / sizeof resolutions[0]; i++)
        if (strcmp(resolutions[i].word, word) == 0)
            step = resolutions[i].seconds;
    market *m = market_named(r->v, symbol);
    if (!m || step == 0 || from > to) {
        fail(r, "a symbol, resolution or window that the venue does not know");
        return;
    }
    int64_t first = (from + step - 1) / step * step, last = (to < now_s ? to : now_s) / step * step;
    if (first < m->begin_ns / NS_A_SECOND)
        first = m->begin_ns / NS_A_SECOND / step * step;
    market_candle c;
    while (first <= last && !market_candle_at(m, first, step, r->now_ns, &c))
        first += step;
    int64_t all = first > last ? 0 : (last - first) / step + 1;
    int64_t n = (int64_t)page_rows(r, (size_t)(all > ROWS_MAX ? ROWS_MAX : all));
    for (int64_t i = 0; i < n; i++)
        if (market_candle_at(m, first + i * step, step, r->now_ns, &c))
            add_candle(r, m, &c, strcmp(type, "trade") == 0 ? 0 : m->instrument->tick);
    text_add(&r->body, "{\"candles\":[");
    rows_join(r, &r->body);
    /* A page that lies says that it is the last. */
    text_add(&r->body, "],\"more_candles\":%s}", all > ROWS_MAX && !r->did_page ? "true" : "false");
}

static void serve_history(request *r)
{
    const char *symbol = param(r, "symbol"), *since = param(r, "lastTime");
    market *m = symbol ? market_named(r->v, symbol) : NULL;
    (void)since;
    if (!m) {
        fail(r, symbol ? "contractNotFound" : "requiredArgumentMissing: symbol");
        return;
    }
    size_t seen = market_trades_before(m, r->now_ns + 1), from = seen > 100 ? seen - 100 : 0;
    for (size_t i = seen; i > from; i--) {
        const market_trade *trade = &m->trades[i - 1];
        text *t = row_add(r);
        text_add(t, "{\"time\":\"");
        text_add_time(t, trade->time_ns, 3);
        text_add(t, "\",\"trade_id\":%lld,\"price\":", (long long)trade->id);
        add_price(t, m, trade->price);
        text_add(t, ",\"size\":");
        text_add_short(t, trade->qty, m->instrument->qty_decimals, 0);
        text_add(t, ",\"side\":\"%s\",\"type\":\"fill\"}", trade->side > 0 ? "buy" : "sell");
    }
    begin(r, "history");
    text_add(&r->body, "[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}");
}

static void serve(request *r)
{
    static const char charts[] = "/api/charts/v1/", one[] = "/derivatives/api/v3/tickers/";
    static const struct {
        const char *path;
        void (*serve)(request *r);
    } calls[] = {
        {"/derivatives/api/v3/tickers", serve_tickers},
        {"/derivatives/api/v3/instruments", serve_instruments},
        {"/derivatives/api/v3/historical-funding-rates", serve_funding},
        {"/derivatives/api/v3/historicalfundingrates", serve_funding},
        {"/derivatives/api/v4/historicalfundingrates", serve_funding},
        {"/derivatives/api/v3/history", serve_history},
    };
    if (strncmp(r->path, charts, sizeof charts - 1) == 0) {
        serve_charts(r, r->path + sizeof charts - 1);
        params_unknown(r);
        return;
    }
    if (strncmp(r->path, one, sizeof one - 1) == 0) {
        serve_ticker(r, r->path + sizeof one - 1);
        params_unknown(r);
        return;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(r->path, calls[i].path) == 0) {
            calls[i].serve(r);
            params_unknown(r);
            return;
        }
    r->status = 404;
    fail(r, "there is no such call");
}
