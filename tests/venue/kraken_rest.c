/* Kraken spot REST: the public calls, as documented; the spelling of the result's key is the
 * venue's own, whatever the request said. */
#include <stdlib.h>
#include <string.h>

#include "kraken.h"

/* name: key of results; alias: altname, wsname of v1, name of WebSocket v2. */
static const market_instrument instruments[] = {
    {"XXBTZUSD",
     {"XBTUSD", "XBT/USD", "BTC/USD"},
     "XXBT",
     "ZUSD",
     1,
     8,
     1,
     902345,
     1,
     500000000,
     1},
    {"XETHZUSD", {"ETHUSD", "ETH/USD"}, "XETH", "ZUSD", 2, 8, 1, 312345, 1, 3000000000, 2},
    {"XDGUSD",
     {"XDGUSD", "XDG/USD", "DOGE/USD"},
     "XXDG",
     "ZUSD",
     7,
     8,
     1,
     1234567,
     100,
     500000000000,
     3},
    {"XBTUSDT",
     {"XBTUSDT", "XBT/USDT", "BTC/USDT"},
     "XXBT",
     "USDT",
     1,
     8,
     1,
     902100,
     1,
     200000000,
     4},
};

const protocol protocol_kraken = {
    .name = "kraken",
    .instruments = instruments,
    .n_instruments = sizeof instruments / sizeof instruments[0],
    .serve = kraken_serve,
    .opened = kraken_ws_opened,
    .received = kraken_ws_received,
    .tick = kraken_ws_tick,
    .status_body = "{\"error\":[\"EService:Unavailable\"]}",
    .connections_ms = 600000,
};

static void fail(request *r, const char *error)
{
    text_clear(&r->body);
    text_add(&r->body, "{\"error\":[\"%s\"]}", error);
}

static void bad(request *r, const char *what)
{
    complain_request(r, "%s", what);
    text_clear(&r->body);
    text_add(&r->body, "{\"error\":[\"EGeneral:Invalid arguments:%s\"]}", what);
}

static void begin(request *r)
{
    text_add(&r->body, "{\"error\":[],\"result\":{");
}

static void end(request *r)
{
    text_add(&r->body, "}}");
}

static market *pair_of(request *r)
{
    const char *pair = param(r, "pair");
    if (!pair) {
        bad(r, "pair is missing");
        return NULL;
    }
    market *m = market_named(r->v, pair);
    if (!m) {
        complain_request(r, "the pair \"%s\" is not listed", pair);
        fail(r, "EQuery:Unknown asset pair");
    }
    return m;
}

/* Prices are quoted, with exactly the pair's decimals. */
static void add_quoted(text *t, int64_t value, int decimals)
{
    text_add_bytes(t, "\"", 1);
    text_add_fixed(t, value, decimals);
    text_add_bytes(t, "\"", 1);
}

static void serve_time(request *r)
{
    begin(r);
    text_add(&r->body, "\"unixtime\":%lld,\"rfc1123\":\"", (long long)(r->now_ns / NS_A_SECOND));
    text_add_time_kraken(&r->body, r->now_ns);
    text_add(&r->body, "\"");
    end(r);
}

static void serve_status(request *r)
{
    begin(r);
    text_add(&r->body, "\"status\":\"online\",\"timestamp\":\"");
    text_add_time(&r->body, r->now_ns, 0);
    text_add(&r->body, "\"");
    end(r);
}

static void add_pair(text *t, const market_instrument *p)
{
    text_add(t,
             "\"%s\":{\"altname\":\"%s\",\"wsname\":\"%s\",\"aclass_base\":\"currency\","
             "\"base\":\"%s\",\"aclass_quote\":\"currency\",\"quote\":\"%s\",\"lot\":\"unit\","
             "\"cost_decimals\":5,\"pair_decimals\":%d,\"lot_decimals\":%d,\"lot_multiplier\":1,"
             "\"leverage_buy\":[2,3,4,5],\"leverage_sell\":[2,3,4,5],"
             "\"fees\":[[0,0.4],[10000,0.35],[50000,0.24]],"
             "\"fees_maker\":[[0,0.25],[10000,0.2],[10000000,0.0]],"
             "\"fee_volume_currency\":\"ZUSD\",\"margin_call\":80,\"margin_stop\":40,"
             "\"ordermin\":\"0.00005\",\"costmin\":\"0.5\",\"tick_size\":",
             p->name, p->alias[0], p->alias[1] ? p->alias[1] : "", p->base, p->quote,
             p->price_decimals, p->qty_decimals);
    add_quoted(t, p->tick, p->price_decimals);
    text_add(t, ",\"status\":\"online\",\"long_position_limit\":80,\"short_position_limit\":80}");
}

/* Calls `add` for each pair of the comma list, or for all; 0 when one is unknown. */
static int each_pair(request *r, const char *list, void (*add)(request *, market *))
{
    if (!list) {
        for (size_t i = 0; i < r->v->n_markets; i++)
            add(r, &r->v->markets[i]);
        return 1;
    }
    char copy[2048], *save = NULL;
    strcpy(copy, list);
    for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        market *m = market_named(r->v, one);
        if (!m) {
            complain_request(r, "the pair \"%s\" is not listed", one);
            fail(r, "EQuery:Unknown asset pair");
            return 0;
        }
        add(r, m);
    }
    return 1;
}

static void add_pair_row(request *r, market *m)
{
    add_pair(row_add(r), m->instrument);
}

static void serve_pairs(request *r)
{
    const char *list = param(r, "pair"), *info = param(r, "info");
    if (info && !one_of(info, "info leverage fees margin")) {
        bad(r, "info");
        return;
    }
    if (each_pair(r, list, add_pair_row)) {
        begin(r);
        r->fault.kind = r->fault.kind == FAULT_DUPLICATE_ROWS ? FAULT_NONE : r->fault.kind;
        rows_join(r, &r->body);
        end(r);
    }
}

static void add_candle(request *r, const market_instrument *p, const market_candle *c)
{
    text *t = row_add(r);
    int64_t prices[4] = {c->open, c->high, c->low, c->close};
    text_add(t, "[%lld", (long long)c->open_s);
    for (int i = 0; i < 4; i++) {
        text_add_bytes(t, ",", 1);
        add_quoted(t, prices[i], p->price_decimals);
    }
    if (c->n_trades == 0) {
        text_add(t, ",\"0.0\",\"0.00000000\",0]");
        return;
    }
    text_add_bytes(t, ",", 1);
    add_quoted(t, c->vwap, p->price_decimals);
    text_add_bytes(t, ",", 1);
    add_quoted(t, c->volume, p->qty_decimals);
    text_add(t, ",%lld]", (long long)c->n_trades);
}

static void serve_ohlc(request *r)
{
    market *m = pair_of(r);
    int64_t interval = param_int(r, "interval", 1, 21600, 1);
    int64_t since = param_int(r, "since", 0, INT64_C(9999999999), 0);
    if (!m || !rate_take(r, 0, 5, 1, 1)) {
        if (m)
            fail(r, "EAPI:Rate limit exceeded");
        return;
    }
    char word[24];
    snprintf(word, sizeof word, "%lld", (long long)interval);
    if (!one_of(word, "1 5 15 30 60 240 1440 10080 21600")) {
        bad(r, "interval");
        return;
    }
    int64_t step = interval * 60, now_s = r->now_ns / NS_A_SECOND, running = now_s - now_s % step;
    int64_t first = running - 720 * step;
    while (first <= since && first < running)
        first += step;
    /* Committed rows may lie about their end; the running one is always there. */
    size_t n = page_rows(r, (size_t)((running - first) / step)),
           skip = (size_t)((running - first) / step) - n;
    market_candle c;
    int64_t last = running - step;
    for (int64_t at = first + (int64_t)skip * step; at <= running; at += step)
        if (market_candle_at(m, at, step, r->now_ns, &c))
            add_candle(r, m->instrument, &c);
    begin(r);
    text_add(&r->body, "\"%s\":[", m->instrument->name);
    rows_join(r, &r->body);
    text_add(&r->body, "],\"last\":%lld", (long long)last);
    end(r);
}

/* `since` is exclusive, but where several trades share its very nanosecond all of them come, since
 * the cursor cannot tell which ones the client has: a page edge may therefore repeat trades, never
 * lose. */
static size_t first_trade(const market *m, int64_t since_ns)
{
    size_t from = market_trades_before(m, since_ns), to = market_trades_before(m, since_ns + 1);
    return to - from > 1 ? from : to;
}

static void serve_trades(request *r)
{
    market *m = pair_of(r);
    const char *since = param(r, "since");
    int64_t count = param_int(r, "count", 1, 1000, 1000), since_ns = -1;
    if (since) {
        since_ns = strtoll(since, NULL, 10);
        if (!*since || strspn(since, "0123456789") != strlen(since)) {
            bad(r, "since");
            return;
        }
        if (since_ns < INT64_C(100000000000))
            since_ns *= NS_A_SECOND; /* seconds work too */
    }
    if (!m || !rate_take(r, 1, 5, 1, 1)) {
        if (m)
            fail(r, "EAPI:Rate limit exceeded");
        return;
    }
    size_t seen = market_trades_before(m, r->now_ns + 1);
    size_t from =
        since ? first_trade(m, since_ns) : seen - (seen > (size_t)count ? (size_t)count : seen);
    if (since_ns == 0)
        from = 0;
    from = from > seen ? seen : from;
    size_t n = seen - from > (size_t)count ? (size_t)count : seen - from;
    n = page_rows(r, n);
    int64_t last = since_ns < 0 ? 0 : since_ns;
    for (size_t i = from; i < from + n; i++) {
        const market_trade *t = &m->trades[i];
        last = t->time_ns;
        if (t->arrival_ns > r->now_ns)
            continue;
        text *row = row_add(r);
        text_add_bytes(row, "[", 1);
        add_quoted(row, t->price, m->instrument->price_decimals);
        text_add_bytes(row, ",", 1);
        add_quoted(row, t->qty, m->instrument->qty_decimals);
        text_add_bytes(row, ",", 1);
        text_add_short(row, t->time_ns / 100, 7, 1);
        text_add(row, ",\"%s\",\"%s\",\"\",%lld]", t->side > 0 ? "b" : "s",
                 t->is_market ? "m" : "l", (long long)t->id);
    }
    begin(r);
    text_add(&r->body, "\"%s\":[", m->instrument->name);
    rows_join(r, &r->body);
    text_add(&r->body, "],\"last\":\"%lld\"", (long long)last);
    end(r);
}

static void serve_depth(request *r)
{
    market *m = pair_of(r);
    int64_t count = param_int(r, "count", 1, 500, 100);
    if (!m || !rate_take(r, 2, 5, 1, 1)) {
        if (m)
            fail(r, "EAPI:Rate limit exceeded");
        return;
    }
    market_book_advance(m, r->now_ns);
    begin(r);
    text_add(&r->body, "\"%s\":{", m->instrument->name);
    for (int side = 1; side >= 0; side--) {
        text_add(&r->body, side ? "\"asks\":[" : ",\"bids\":[");
        for (int i = 0; i < m->book_now.n[side] && i < count; i++) {
            text_add(&r->body, i ? ",[" : "[");
            add_quoted(&r->body, m->book_now.side[side][i].price, m->instrument->price_decimals);
            text_add(&r->body, ",\"");
            /* REST cuts sizes to three decimals. */
            text_add_fixed(&r->body, m->book_now.side[side][i].qty / 100000, 3);
            text_add(&r->body, "\",%lld]", (long long)(r->now_ns / NS_A_SECOND));
        }
        text_add(&r->body, "]");
    }
    text_add(&r->body, "}");
    end(r);
}

static void add_ticker_row(request *r, market *m)
{
    int decimals = m->instrument->price_decimals, lots = m->instrument->qty_decimals;
    int64_t now_s = r->now_ns / NS_A_SECOND, today = now_s - now_s % 86400;
    market_candle day = {0}, full = {0};
    market_candle_at(m, today, now_s - today + 1, r->now_ns, &day);
    market_candle_at(m, now_s - 86399, 86400, r->now_ns, &full);
    const market_trade *last = market_last(m, r->now_ns);
    market_book_advance(m, r->now_ns);
    text *t = row_add(r);
    text_add(t, "\"%s\":{", m->instrument->name);
    for (int side = 1; side >= 0; side--) {
        text_add(t, side ? "\"a\":[" : ",\"b\":[");
        add_quoted(t, m->book_now.side[side][0].price, decimals);
        text_add(t, ",\"%lld\",", (long long)(m->book_now.side[side][0].qty / 100000000));
        add_quoted(t, m->book_now.side[side][0].qty / 100000, 3);
        text_add(t, "]");
    }
    struct {
        const char *key;
        int64_t today, full;
        int decimals;
    } pairs[] = {{"v", day.volume, full.volume, lots},
                 {"p", day.vwap, full.vwap, decimals},
                 {"l", day.low, full.low, decimals},
                 {"h", day.high, full.high, decimals},
                 {"c", last ? last->price : 0, 0, decimals}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        text_add(t, ",\"%s\":[", pairs[i].key);
        add_quoted(t, pairs[i].today, pairs[i].decimals);
        text_add(t, ",");
        if (*pairs[i].key == 'c')
            add_quoted(t, last ? last->qty : 0, lots);
        else
            add_quoted(t, pairs[i].full, pairs[i].decimals);
        text_add(t, "]");
    }
    text_add(t, ",\"t\":[%lld,%lld],\"o\":", (long long)day.n_trades, (long long)full.n_trades);
    add_quoted(t, day.open, decimals);
    text_add(t, "}");
}

static void serve_ticker(request *r)
{
    if (each_pair(r, param(r, "pair"), add_ticker_row)) {
        begin(r);
        r->fault.kind = r->fault.kind == FAULT_DUPLICATE_ROWS ? FAULT_NONE : r->fault.kind;
        rows_join(r, &r->body);
        end(r);
    }
}

void kraken_serve(request *r)
{
    static const struct {
        const char *path;
        void (*serve)(request *r);
    } calls[] = {
        {"/0/public/Time", serve_time},        {"/0/public/SystemStatus", serve_status},
        {"/0/public/AssetPairs", serve_pairs}, {"/0/public/OHLC", serve_ohlc},
        {"/0/public/Trades", serve_trades},    {"/0/public/Depth", serve_depth},
        {"/0/public/Ticker", serve_ticker},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(r->path, calls[i].path) == 0) {
            calls[i].serve(r);
            params_unknown(r);
            return;
        }
    complain_request(r, "there is no such call");
    fail(r, "EGeneral:Unknown method");
}
