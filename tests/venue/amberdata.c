/* Amberdata: one envelope for everything, pages joined by absolute links with an opaque cursor, a
 * key in a header, gzip always. Minutes without trades are missing; the running candle is served.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server.h"

static void serve(request *r);

/* name: instrument@exchange. */
static const market_instrument instruments[] = {
    {"btc_usd@kraken", {NULL}, "btc", "usd", 2, 8, 10, 9023450, 1, 500000000, 201},
    {"btc_usd@gdax", {NULL}, "btc", "usd", 2, 8, 1, 9023400, 1, 300000000, 202},
    {"eth_usd@kraken", {NULL}, "eth", "usd", 2, 8, 1, 312345, 1, 3000000000, 203},
    {"BTCUSDT@binance", {NULL}, "BTC", "USDT", 1, 3, 1, 902300, 1, 90000, 204, "1", "futures"},
};

const protocol protocol_amberdata = {
    .name = "amberdata",
    .instruments = instruments,
    .n_instruments = sizeof instruments / sizeof instruments[0],
    .serve = serve,
    .status_body = "{\"message\":\"Service unavailable\"}",
};

#define PAGE_ROWS 200
#define OPEN_ENDED INT64_C(1000000000000000)

static void fail(request *r, int status, const char *title, const char *why)
{
    r->status = status;
    r->did_page = 0;
    text_clear(&r->body);
    text_add(&r->body, "{\"status\":%d,\"title\":\"%s\",\"description\":\"%s\",\"payload\":null}",
             status, title, why);
}

static void bad(request *r, const char *why)
{
    complain_request(r, "%s", why);
    fail(r, 400, "BAD REQUEST", why);
}

/* Seconds, milliseconds or ISO-8601, as milliseconds; -1 when it is none of them. */
static int64_t date_ms(const char *word)
{
    if (strspn(word, "0123456789") == strlen(word) && *word) {
        int64_t n = strtoll(word, NULL, 10);
        return n < INT64_C(100000000000) ? n * 1000 : n;
    }
    struct tm at = {0};
    const char *end = strptime(word, "%Y-%m-%dT%H:%M:%S", &at);
    if (!end || (*end && strcmp(end, "Z") != 0))
        return -1;
    return (int64_t)timegm(&at) * 1000;
}

typedef struct {
    char exchanges[128], instrument[64], interval[16];
    int64_t start_ms, end_ms, at_ms; /* [start, end); the page begins at `at` */
} window;

static int64_t interval_ms(const char *word)
{
    return strcmp(word, "minutes") == 0 ? 60000
           : strcmp(word, "hours") == 0 ? 3600000
           : strcmp(word, "days") == 0  ? 86400000
                                        : 0;
}

/* The cursor is the window and where to go on, in hex: opaque enough. */
static void add_cursor(text *t, const window *w)
{
    text plain = {0};
    text_add(&plain, "%s %s %s %lld %lld %lld", w->exchanges, w->instrument, w->interval,
             (long long)w->start_ms, (long long)w->end_ms, (long long)w->at_ms);
    for (size_t i = 0; i < plain.n; i++)
        text_add(t, "%02x", (unsigned char)plain.data[i]);
    text_finish(&plain);
}

static int read_cursor(const char *cursor, window *w)
{
    char plain[512];
    size_t n = strlen(cursor) / 2;
    long long start, end, at;
    if (n >= sizeof plain || strlen(cursor) % 2)
        return 0;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        if (sscanf(cursor + 2 * i, "%2x", &byte) != 1)
            return 0;
        plain[i] = (char)byte;
    }
    plain[n] = 0;
    if (sscanf(plain, "%127s %63s %15s %lld %lld %lld", w->exchanges, w->instrument, w->interval,
               &start, &end, &at) != 6)
        return 0;
    w->start_ms = start;
    w->end_ms = end;
    w->at_ms = at;
    return 1;
}

/* Reads what all calls of one instrument share; 0 when it does not hold. */
static int read_window(request *r, const char *instrument, int needs_interval, window *w)
{
    memset(w, 0, sizeof *w);
    const char *cursor = param(r, "cursor");
    if (cursor) {
        if (r->n_params > 1)
            complain_request(r, "a link was not followed as it is: more than its cursor");
        if (read_cursor(cursor, w))
            return 1;
        bad(r, "the cursor is not one of ours");
        return 0;
    }
    const char *exchange = param(r, "exchange"), *format = param(r, "timeFormat");
    const char *start = param(r, "startDate"), *end = param(r, "endDate");
    const char *interval = needs_interval ? param(r, "timeInterval") : "minutes";
    if (!exchange || strlen(exchange) >= sizeof w->exchanges) {
        bad(r, "exchange is required");
        return 0;
    }
    if (!format || !one_of(format, "milliseconds ms")) {
        complain_request(r, "timeFormat has to be sent, as milliseconds");
    }
    interval = interval ? interval : "days";
    if (!interval_ms(interval)) {
        bad(r, "timeInterval is none of minutes, hours and days");
        return 0;
    }
    w->start_ms = start ? date_ms(start) : r->now_ns / 1000000 - INT64_C(86400000);
    w->end_ms = end ? date_ms(end) : OPEN_ENDED;
    if (w->start_ms < 0 || w->end_ms < 0 || w->start_ms >= w->end_ms) {
        bad(r, "startDate and endDate are no window");
        return 0;
    }
    int64_t most = strcmp(interval, "minutes") == 0 ? 86400
                   : strcmp(interval, "hours") == 0 ? 30 * 86400
                                                    : 366 * 86400;
    if (end && needs_interval && w->end_ms - w->start_ms > most * 1000)
        complain_request(r, "page: the window is wider than %lld s", (long long)most);
    snprintf(w->exchanges, sizeof w->exchanges, "%s", exchange);
    snprintf(w->instrument, sizeof w->instrument, "%s", instrument);
    snprintf(w->interval, sizeof w->interval, "%s", interval);
    w->at_ms = w->start_ms;
    return 1;
}

static market *market_of(request *r, const char *instrument, const char *exchange)
{
    char name[256];
    snprintf(name, sizeof name, "%s@%s", instrument, exchange);
    return market_named(r->v, name);
}

/* The envelope around the rows; `next` non-NULL: there is a page after this one. */
static void envelope(request *r, const window *next, const char *metadata)
{
    text_add(&r->body,
             "{\"status\":200,\"title\":\"OK\",\"description\":\"Successful request\","
             "\"payload\":{\"metadata\":{%s\"next\":",
             metadata);
    const char *host = r->v->url;
    char foreign[64];
    if (r->fault.kind == FAULT_FOREIGN_NEXT && next) {
        snprintf(foreign, sizeof foreign, "https://127.0.0.1:%d", r->v->port);
        host = foreign;
        r->did_page = 1;
    }
    if (r->fault.kind == FAULT_SAME_NEXT && next) {
        text_add(&r->body, "\"%s%s\"", host, r->http->target);
        r->did_page = 1;
    } else if (next) {
        text_add(&r->body, "\"%s%s?cursor=", host, r->path);
        add_cursor(&r->body, next);
        text_add(&r->body, "\"");
    } else {
        text_add(&r->body, "null");
    }
    text_add(&r->body, ",\"api-version\":\"2023-09-30\"},\"data\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}}");
}

static void add_candle(text *t, const market *m, const market_candle *c)
{
    const struct {
        const char *key;
        int64_t value;
    } fields[] = {{"open", c->open}, {"high", c->high}, {"low", c->low}, {"close", c->close}};
    text_add(t, "\"exchangeTimestamp\":%lld", (long long)c->open_s * 1000);
    for (size_t i = 0; i < 4; i++) {
        text_add(t, ",\"%s\":", fields[i].key);
        text_add_short(t, fields[i].value, m->instrument->price_decimals, 0);
    }
    text_add(t, ",\"volume\":");
    text_add_short(t, c->volume, m->instrument->qty_decimals, 0);
}

/* Walks the steps of the window and lets `add` make rows, a page at most. */
static void serve_steps(request *r, window *w, int64_t step_ms,
                        int (*add)(request *r, const window *w, int64_t at_ms, int64_t step_ms))
{
    int64_t now_ms = r->now_ns / 1000000, end = w->end_ms < now_ms + 1 ? w->end_ms : now_ms + 1;
    int64_t begin = r->v->markets[0].begin_ns / 1000000;
    int64_t at = w->at_ms > begin ? w->at_ms : begin;
    size_t limit = page_rows(r, PAGE_ROWS);
    at = (at + step_ms - 1) / step_ms * step_ms;
    for (; at < end && r->n_rows < limit; at += step_ms)
        if (!add(r, w, at, step_ms))
            return;
    w->at_ms = at;
    envelope(r, at < end ? w : NULL, "");
}

static int add_ohlcv(request *r, const window *w, int64_t at_ms, int64_t step_ms)
{
    char list[128], *save = NULL;
    snprintf(list, sizeof list, "%s", w->exchanges);
    for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        market *m = market_of(r, w->instrument, one);
        market_candle c;
        if (!m) {
            complain_request(r, "%s is not known on %s", w->instrument, one);
            fail(r, 404, "NOT FOUND", "unknown instrument or exchange");
            return 0;
        }
        if (!market_candle_at(m, at_ms / 1000, step_ms / 1000, r->now_ns, &c) || c.n_trades == 0)
            continue;
        text *t = row_add(r);
        text_add(t, "{\"instrument\":\"%s\",\"exchange\":\"%s\",", w->instrument, one);
        add_candle(t, m, &c);
        text_add(t, "}");
    }
    return 1;
}

static void serve_ohlcv(request *r, const char *instrument)
{
    window w;
    const char *direction = param(r, "sortDirection");
    if (direction && !one_of(direction, "asc desc"))
        complain_request(r, "sortDirection is neither asc nor desc");
    if (read_window(r, instrument, 1, &w))
        serve_steps(r, &w, interval_ms(w.interval), add_ohlcv);
}

static void serve_batch(request *r, const char *exchange)
{
    const char *list = param(r, "instruments"), *interval = param(r, "timeInterval");
    const char *start = param(r, "startDate"), *end = param(r, "endDate");
    param(r, "timeFormat");
    int64_t step = interval_ms(interval ? interval : "days");
    int64_t from = start ? date_ms(start) : 0, to = end ? date_ms(end) : OPEN_ENDED;
    if (!list || !step || from < 0 || to < 0) {
        bad(r, "instruments, a timeInterval and dates");
        return;
    }
    if (from < r->now_ns / 1000000 - INT64_C(62) * 86400000) {
        complain_request(r, "startDate is more than 62 days ago");
        fail(r, 410, "GONE", "use the historical endpoint");
        return;
    }
    char copy[2048], *save = NULL;
    snprintf(copy, sizeof copy, "%s", list);
    for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        market *m = market_of(r, one, exchange);
        for (int64_t at = (from + step - 1) / step * step;
             m && at < to && at <= r->now_ns / 1000000; at += step) {
            market_candle c;
            if (!market_candle_at(m, at / 1000, step / 1000, r->now_ns, &c) || c.n_trades == 0)
                continue;
            text *t = row_add(r);
            text_add(t, "{\"instrument\":\"%s\",", one);
            add_candle(t, m, &c);
            text_add(t, "}");
        }
    }
    envelope(r, NULL, "");
}

/* The old form: names of columns, and values under the pair. */
static void serve_legacy(request *r, const char *exchange)
{
    const char *pair = param(r, "pair"), *interval = param(r, "timeInterval");
    param(r, "timeFormat");
    int64_t step = interval_ms(interval ? interval : "minutes") / 1000;
    int n = 0;
    if (!step) {
        bad(r, "timeInterval is none of minutes, hours and days");
        return;
    }
    text_add(&r->body, "{\"status\":200,\"title\":\"OK\",\"description\":\"Successful request\","
                       "\"payload\":{\"metadata\":{\"columns\":[\"timestamp\",\"open\",\"high\","
                       "\"low\",\"close\",\"volume\"]},\"data\":{");
    for (size_t i = 0; i < r->v->n_markets; i++) {
        const market *m = &r->v->markets[i];
        const char *name = m->instrument->name, *at = strchr(name, '@');
        market_candle c;
        if (strcmp(at + 1, exchange) != 0 ||
            (pair && strncmp(pair, name, (size_t)(at - name)) != 0) ||
            !market_candle_at(m, r->now_ns / NS_A_SECOND / step * step, step, r->now_ns, &c))
            continue;
        const int64_t prices[4] = {c.open, c.high, c.low, c.close};
        text_add(&r->body, "%s\"%.*s\":[%lld", n++ ? "," : "", (int)(at - name), name,
                 (long long)c.open_s * 1000);
        for (int k = 0; k < 4; k++) {
            text_add(&r->body, ",");
            text_add_short(&r->body, prices[k], m->instrument->price_decimals, 0);
        }
        text_add(&r->body, ",");
        text_add_short(&r->body, c.volume, m->instrument->qty_decimals, 0);
        text_add(&r->body, "]");
    }
    text_add(&r->body, "}}}");
}

static void serve_information(request *r)
{
    const char *exchange = param(r, "exchange"), *instrument = param(r, "instrument");
    param(r, "timeFormat");
    for (size_t i = 0; i < r->v->n_markets; i++) {
        const market *m = &r->v->markets[i];
        const char *name = m->instrument->name, *at = strchr(name, '@');
        if ((exchange && !strstr(exchange, at + 1)) ||
            (instrument && strncmp(instrument, name, (size_t)(at - name)) != 0))
            continue;
        text_add(row_add(r),
                 "{\"address\":null,\"exchange\":\"%s\",\"instrument\":\"%.*s\",\"startDate\":%lld,"
                 "\"endDate\":%lld}",
                 at + 1, (int)(at - name), name, (long long)(m->begin_ns / 1000000),
                 (long long)(r->now_ns / 60000000000 * 60000));
    }
    envelope(r, NULL, "");
}

static void serve_reference(request *r)
{
    const char *exchange = param(r, "exchange"), *instrument = param(r, "instrument");
    param(r, "includeInactive");
    param(r, "contractType");
    for (size_t i = 0; i < r->v->n_markets; i++) {
        const market_instrument *p = r->v->markets[i].instrument;
        const char *at = strchr(p->name, '@');
        if ((exchange && !strstr(exchange, at + 1)) ||
            (instrument && strncmp(instrument, p->name, (size_t)(at - p->name)) != 0))
            continue;
        text *t = row_add(r);
        text_add(t,
                 "{\"exchange\":\"%s\",\"instrument\":\"%.*s\",\"exchangeEnabled\":true,"
                 "\"precisionPrice\":",
                 at + 1, (int)(at - p->name), p->name);
        text_add_short(t, p->tick, p->price_decimals, 0);
        text_add(t, ",\"precisionVolume\":");
        text_add_short(t, 1, p->qty_decimals, 0);
        text_add(t, ",\"limitsPriceMin\":null,\"limitsPriceMax\":null,\"limitsVolumeMin\":0.0001,"
                    "\"limitsVolumeMax\":null,\"limitsCostMin\":0.5}");
    }
    envelope(r, NULL, "");
}

static int add_open_interest(request *r, const window *w, int64_t at_ms, int64_t step_ms)
{
    market *m = market_of(r, w->instrument, w->exchanges);
    (void)step_ms;
    if (!m) {
        complain_request(r, "%s is not known on %s", w->instrument, w->exchanges);
        fail(r, 404, "NOT FOUND", "unknown instrument or exchange");
        return 0;
    }
    text_add(row_add(r),
             "{\"instrument\":\"%s\",\"exchange\":\"%s\",\"exchangeTimestamp\":%lld,"
             "\"exchangeTimestampNanoseconds\":0,\"value\":%lld,\"type\":\"PERPETUAL\"}",
             w->instrument, w->exchanges, (long long)at_ms,
             (long long)market_open_interest(m, at_ms / 60000));
    return 1;
}

/* Hourly rows; only each eighth is a payment, the others are what was predicted then. */
static int add_funding(request *r, const window *w, int64_t at_ms, int64_t step_ms)
{
    market *m = market_of(r, w->instrument, w->exchanges);
    (void)step_ms;
    if (!m) {
        complain_request(r, "%s is not known on %s", w->instrument, w->exchanges);
        fail(r, 404, "NOT FOUND", "unknown instrument or exchange");
        return 0;
    }
    int64_t index = at_ms / 28800000;
    int actual = at_ms % 28800000 == 0;
    text *t = row_add(r);
    text_add(t,
             "{\"instrument\":\"%s\",\"exchange\":\"%s\",\"exchangeTimestamp\":%lld,"
             "\"fundingInterval\":28800000,\"nextFundingRate\":null,\"nextFundingTime\":%lld,"
             "\"isActualFundingRate\":%s,\"fundingRate\":",
             w->instrument, w->exchanges, (long long)at_ms, (long long)(index + 1) * 28800000,
             actual ? "true" : "false");
    text_add_short(t, actual ? market_funding(m, index) : market_funding(m, index) / 2, 12, 1);
    text_add(t, "}");
    return 1;
}

static void serve_open_interest(request *r, const char *instrument)
{
    window w;
    if (read_window(r, instrument, 0, &w))
        serve_steps(r, &w, 60000, add_open_interest);
}

static void serve_funding(request *r, const char *instrument)
{
    window w;
    const char *type = param(r, "rateType");
    if (type && !one_of(type, "applied predicted both"))
        complain_request(r, "rateType is none of applied, predicted and both");
    if (read_window(r, instrument, 0, &w))
        serve_steps(r, &w, 3600000, add_funding);
}

static int add_snapshot(request *r, const window *w, int64_t at_ms, int64_t step_ms)
{
    static __thread market_book book;
    market *m = market_of(r, w->instrument, w->exchanges);
    (void)step_ms;
    if (!m) {
        complain_request(r, "%s is not known on %s", w->instrument, w->exchanges);
        fail(r, 404, "NOT FOUND", "unknown instrument or exchange");
        return 0;
    }
    if (at_ms * 1000000 < m->live_ns)
        return 1;
    market_book_advance(m, r->now_ns);
    market_book_at(m, at_ms * 1000000, &book);
    text *t = row_add(r);
    text_add(t, "{\"exchange\":\"%s\",\"instrument\":\"%s\",\"timestamp\":%lld,\"sequence\":null",
             w->exchanges, w->instrument, (long long)at_ms);
    for (int side = 1; side >= 0; side--) {
        if (side == 0 && at_ms / 60000 % 3 == 0)
            continue; /* one side may be missing */
        text_add(t, ",\"%s\":[", side ? "ask" : "bid");
        for (int i = 0; i < book.n[side] && i < 20; i++) {
            text_add(t, "%s{\"price\":", i ? "," : "");
            text_add_short(t, book.side[side][i].price, m->instrument->price_decimals, 0);
            text_add(t, ",\"volume\":");
            text_add_short(t, book.side[side][i].qty, m->instrument->qty_decimals, 0);
            text_add(t, ",\"numOrders\":1}");
        }
        text_add(t, "]");
    }
    text_add(t, "}");
    return 1;
}

static void serve_snapshots(request *r, const char *instrument)
{
    window w;
    param(r, "maxLevel");
    param(r, "timestamp");
    if (read_window(r, instrument, 0, &w))
        serve_steps(r, &w, 60000, add_snapshot);
}

/* The key, what it may do a second, and gzip. */
static int admitted(request *r)
{
    const char *key = wire_header(r->http, "x-api-key");
    const char *accepts = wire_header(r->http, "accept-encoding");
    if (!key || strcmp(key, r->v->api_key) != 0) {
        complain_request(r, "the header x-api-key is missing or wrong");
        fail(r, 401, "UNAUTHORIZED", "key");
        return 0;
    }
    if (!accepts || !strstr(accepts, "gzip"))
        complain_request(r, "Accept-Encoding does not name gzip");
    if (strstr(r->http->target, r->v->api_key))
        complain_request(r, "the key is in the address");
    double a_second = strncmp(key, "UAT", 3) == 0 ? 15 : strncmp(key, "UAO", 3) == 0 ? 20 : 60;
    if (!rate_take(r, 0, a_second, a_second, 1)) {
        fail(r, 429, "TOO MANY REQUESTS", "rate limit");
        return 0;
    }
    return 1;
}

static void serve(request *r)
{
    static const struct {
        const char *before, *after;
        void (*serve)(request *r, const char *part);
        void (*serve_alone)(request *r);
    } calls[] = {
        {"/markets/spot/ohlcv/information", "", NULL, serve_information},
        {"/markets/spot/exchanges/reference", "", NULL, serve_reference},
        {"/markets/futures/exchanges/reference", "", NULL, serve_reference},
        {"/markets/spot/ohlcv/", "", serve_ohlcv, NULL},
        {"/markets/futures/ohlcv/", "", serve_ohlcv, NULL},
        {"/markets/spot/batch-ohlcv/", "", serve_batch, NULL},
        {"/markets/spot/order-book-snapshots/", "", serve_snapshots, NULL},
        {"/markets/futures/funding-rates/", "", serve_funding, NULL},
        {"/markets/futures/open-interest/", "", serve_open_interest, NULL},
        {"/market/spot/ohlcv/exchange/", "/latest", serve_legacy, NULL},
    };
    r->always_gzip = 1;
    if (!admitted(r))
        return;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t n = strlen(calls[i].before), m = strlen(r->path), tail = strlen(calls[i].after);
        char part[256];
        if (strncmp(r->path, calls[i].before, n) != 0 || m < n + tail ||
            strcmp(r->path + m - tail, calls[i].after) != 0)
            continue;
        if (calls[i].serve_alone) {
            if (m != n)
                continue;
            calls[i].serve_alone(r);
        } else {
            snprintf(part, sizeof part, "%.*s", (int)(m - n - tail), r->path + n);
            calls[i].serve(r, part);
        }
        params_unknown(r);
        return;
    }
    complain_request(r, "there is no such call");
    fail(r, 404, "NOT FOUND", "path");
}
