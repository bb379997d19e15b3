/* Kraken's WebSocket v2: one acknowledgement a symbol, numbers written at the pair's precision, a
 * book without sequence numbers but with a checksum over the best ten levels a side. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "kraken.h"
#include "trading.h"

enum { CHANNEL_OHLC, CHANNEL_TRADE, CHANNEL_BOOK, CHANNEL_TICKER, CHANNEL_INSTRUMENT, N_CHANNELS };

static const struct {
    const char *name, *params;
} channels[N_CHANNELS] = {
    {"ohlc", "channel symbol interval snapshot"},
    {"trade", "channel symbol snapshot"},
    {"book", "channel symbol depth snapshot"},
    {"ticker", "channel symbol event_trigger snapshot"},
    {"instrument", "channel snapshot include_tokenized_assets"},
};

/* BTC/USD: the only spelling that v2 knows. */
static const char *ws_name(const market *m)
{
    const market_instrument *p = m->instrument;
    return p->alias[2] ? p->alias[2] : p->alias[1];
}

static market *ws_market(venue *v, const char *name)
{
    for (size_t i = 0; i < v->n_markets; i++)
        if (strcmp(ws_name(&v->markets[i]), name) == 0)
            return &v->markets[i];
    return NULL;
}

void kraken_checksum_text(const market_book *book, text *out)
{
    for (int side = 1; side >= 0; side--)
        for (int i = 0; i < book->n[side] && i < 10; i++) {
            text_add_digits(out, book->side[side][i].price);
            text_add_digits(out, book->side[side][i].qty);
        }
}

uint32_t kraken_checksum(const market_book *book)
{
    text t = {0};
    text_clear(&t);
    kraken_checksum_text(book, &t);
    uint32_t sum = (uint32_t)crc32(0, (const unsigned char *)t.data, (unsigned)t.n);
    text_finish(&t);
    return sum;
}

void kraken_ws_opened(session *s)
{
    text t = {0};
    text_add(&t,
             "{\"channel\":\"status\",\"data\":[{\"api_version\":\"v2\",\"connection_id\":"
             "%llu,\"system\":\"online\",\"version\":\"2.0.0\"}],\"type\":\"update\"}",
             13834774380200032777ull + (unsigned long long)s->number);
    session_send(s, &t);
    text_finish(&t);
}

/* The end of every reply: whether it worked, the times, and the number of the request. */
static void reply_end(session *s, text *t, json_t *message)
{
    int64_t now = now_of(s->v);
    text_add(t, ",\"time_in\":\"");
    text_add_time(t, now, 6);
    text_add(t, "\",\"time_out\":\"");
    text_add_time(t, now + 40000, 6);
    text_add(t, "\"");
    json_t *id = json_object_get(message, "req_id");
    if (json_is_integer(id))
        text_add(t, ",\"req_id\":%lld", (long long)json_integer_value(id));
    text_add(t, "}");
    session_send(s, t);
}

static void refuse(session *s, json_t *message, const char *method, const char *symbol,
                   const char *why)
{
    text t = {0};
    text_add(&t, "{\"error\":\"%s%s%s\",\"method\":\"%s\"", why, symbol ? " " : "",
             symbol ? symbol : "", method);
    if (symbol)
        text_add(&t, ",\"symbol\":\"%s\"", symbol);
    text_add(&t, ",\"success\":false");
    reply_end(s, &t, message);
    text_finish(&t);
}

/* Numbers of the feed: half of the connections keep trailing zeros, as live frames do, the others
 * drop them, as the documentation does. */
static void add_number(session *s, text *t, int64_t value, int decimals)
{
    if (s->number % 2)
        text_add_fixed(t, value, decimals);
    else if (value == 1 && decimals == 8)
        text_add(t, "1e-08");
    else
        text_add_short(t, value, decimals, 1);
}

static void add_candle(session *s, text *t, subscription *sub, const market_candle *c)
{
    int d = sub->m->instrument->price_decimals;
    const struct {
        const char *key;
        int64_t value;
        int decimals;
    } fields[] = {{"open", c->open, d},
                  {"high", c->high, d},
                  {"low", c->low, d},
                  {"close", c->close, d},
                  {"volume", c->volume, sub->m->instrument->qty_decimals},
                  {"vwap", c->vwap, d}};
    text_add(t, "{\"symbol\":\"%s\"", ws_name(sub->m));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        text_add(t, ",\"%s\":", fields[i].key);
        add_number(s, t, fields[i].value, fields[i].decimals);
    }
    text_add(t, ",\"trades\":%lld,\"interval_begin\":\"", (long long)c->n_trades);
    text_add_time(t, c->open_s * NS_A_SECOND, 9);
    text_add(t, "\",\"interval\":%d,\"timestamp\":\"", sub->interval_min);
    text_add_time(t, (c->open_s + 60 * sub->interval_min) * NS_A_SECOND, 6);
    text_add(t, "\"}");
}

static void open_frame(text *t, subscription *sub, const char *type, int64_t now_ns)
{
    text_clear(t);
    text_add(t, "{\"channel\":\"%s\",\"type\":\"%s\"", channels[sub->channel].name, type);
    if (sub->channel == CHANNEL_OHLC) {
        text_add(t, ",\"timestamp\":\"");
        text_add_time(t, now_ns, 9);
        text_add(t, "\"");
    }
    text_add(t, ",\"data\":[");
}

static void add_trade(session *s, text *t, subscription *sub, const market_trade *trade)
{
    const market_instrument *p = sub->m->instrument;
    text_add(t, "{\"symbol\":\"%s\",\"side\":\"%s\",\"price\":", ws_name(sub->m),
             trade->side > 0 ? "buy" : "sell");
    add_number(s, t, trade->price, p->price_decimals);
    text_add(t, ",\"qty\":");
    add_number(s, t, trade->qty, p->qty_decimals);
    text_add(t, ",\"ord_type\":\"%s\",\"trade_id\":%lld,\"timestamp\":\"",
             trade->is_market ? "market" : "limit", (long long)trade->id);
    text_add_time(t, trade->time_ns, 6);
    text_add(t, "\"}");
}

static void add_side(session *s, text *t, subscription *sub, const char *name, int n,
                     const market_level *levels)
{
    text_add(t, "\"%s\":[", name);
    for (int i = 0; i < n; i++) {
        text_add(t, "%s{\"price\":", i ? "," : "");
        add_number(s, t, levels[i].price, sub->m->instrument->price_decimals);
        text_add(t, ",\"qty\":");
        add_number(s, t, levels[i].qty, sub->m->instrument->qty_decimals);
        text_add(t, "}");
    }
    text_add(t, "],");
}

static void book_frame(session *s, subscription *sub, const char *type, const int n[2],
                       market_level levels[2][BOOK_LEVELS_MAX], int64_t time_ns)
{
    text t = {0};
    open_frame(&t, sub, type, time_ns);
    text_add(&t, "{\"symbol\":\"%s\",", ws_name(sub->m));
    add_side(s, &t, sub, "bids", n[0], levels[0]);
    add_side(s, &t, sub, "asks", n[1], levels[1]);
    text_add(&t, "\"checksum\":%u,\"timestamp\":\"", kraken_checksum(&sub->book));
    text_add_time(&t, time_ns, 6);
    text_add(&t, "\"}]}");
    session_push(s, "book", &t);
    text_finish(&t);
}

static int64_t qty_in(const market_level *levels, int n, int64_t price)
{
    for (int i = 0; i < n; i++)
        if (levels[i].price == price)
            return levels[i].qty;
    return 0;
}

/* What changed in the subscribed depth: levels that left the book are deleted, those that only fell
 * out of the depth are not mentioned, those that came into it are. */
static void book_update(session *s, subscription *sub, const market_book_event *event)
{
    static __thread market_book before;
    static __thread market_level changed[2][BOOK_LEVELS_MAX];
    int n[2] = {0, 0};
    before = sub->book;
    market_book_apply(&sub->book, event);
    for (int side = 0; side < 2; side++) {
        const market_level *old = before.side[side], *new = sub->book.side[side];
        int n_old = before.n[side] < sub->depth ? before.n[side] : sub->depth;
        int n_new = sub->book.n[side] < sub->depth ? sub->book.n[side] : sub->depth;
        for (int i = 0; i < n_old; i++)
            if (qty_in(new, sub->book.n[side], old[i].price) == 0)
                changed[side][n[side]++] = (market_level){old[i].price, 0};
        for (int i = 0; i < n_new; i++) {
            if (qty_in(old, n_old, new[i].price) == new[i].qty)
                continue;
            /* The same price twice in one message: the later entry counts. */
            if (new[i].qty % 7 == 0)
                changed[side][n[side]++] = (market_level){new[i].price, new[i].qty + 1};
            changed[side][n[side]++] = new[i];
        }
    }
    if (n[0] + n[1] > 0)
        book_frame(s, sub, "update", n, changed, event->time_ns);
}

static void book_snapshot(session *s, subscription *sub)
{
    static __thread market_level levels[2][BOOK_LEVELS_MAX];
    market *m = sub->m;
    market_book_advance(m, now_of(s->v));
    sub->book = m->book_now;
    sub->at_event = m->n_events;
    int n[2];
    for (int side = 0; side < 2; side++) {
        n[side] = sub->book.n[side] < sub->depth ? sub->book.n[side] : sub->depth;
        memcpy(levels[side], sub->book.side[side], (size_t)n[side] * sizeof levels[0][0]);
    }
    book_frame(s, sub, "snapshot", n, levels,
               m->n_events ? m->events[m->n_events - 1].time_ns : m->live_ns);
}

static void ohlc_snapshot(session *s, subscription *sub)
{
    int64_t now = now_of(s->v), step = 60 * sub->interval_min, rows[20];
    int64_t at = now / NS_A_SECOND / step * step;
    int n = 0;
    market_candle c;
    for (int i = 0; i < 200 && n < 20; i++, at -= step)
        if (market_candle_at(sub->m, at, step, now, &c) && c.n_trades > 0)
            rows[n++] = at;
    text t = {0};
    open_frame(&t, sub, "snapshot", now);
    for (int i = n - 1; i >= 0; i--) {
        market_candle_at(sub->m, rows[i], step, now, &c);
        add_candle(s, &t, sub, &c);
        if (i)
            text_add(&t, ",");
    }
    text_add(&t, "]}");
    session_push(s, "ohlc", &t);
    text_finish(&t);
}

static void trade_snapshot(session *s, subscription *sub)
{
    text t = {0};
    open_frame(&t, sub, "snapshot", 0);
    size_t first = sub->at_trade > 50 ? sub->at_trade - 50 : 0;
    for (size_t i = first; i < sub->at_trade; i++) {
        if (i > first)
            text_add(&t, ",");
        add_trade(s, &t, sub, &sub->m->trades[sub->m->by_arrival[i]]);
    }
    text_add(&t, "]}");
    session_push(s, "trade", &t);
    text_finish(&t);
}

static void ticker_frame(session *s, subscription *sub, const char *type)
{
    market *m = sub->m;
    int64_t now = now_of(s->v), now_s = now / NS_A_SECOND;
    market_candle day = {0};
    market_candle_at(m, now_s - 86399, 86400, now, &day);
    market_book_advance(m, now);
    int d = m->instrument->price_decimals, q = m->instrument->qty_decimals;
    const market_level *bid = &m->book_now.side[0][0], *ask = &m->book_now.side[1][0];
    const struct {
        const char *key;
        int64_t value;
        int decimals;
    } fields[] = {{"bid", bid->price, d}, {"bid_qty", bid->qty, q},
                  {"ask", ask->price, d}, {"ask_qty", ask->qty, q},
                  {"last", day.close, d}, {"volume", day.volume, q},
                  {"vwap", day.vwap, d},  {"low", day.low, d},
                  {"high", day.high, d},  {"change", day.close - day.open, d},
                  {"change_pct", 24, 2}};
    text t = {0};
    open_frame(&t, sub, type, now);
    text_add(&t, "{\"symbol\":\"%s\"", ws_name(m));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        text_add(&t, ",\"%s\":", fields[i].key);
        add_number(s, &t, fields[i].value, fields[i].decimals);
    }
    text_add(&t, ",\"timestamp\":\"");
    text_add_time(&t, now, 6);
    text_add(&t, "\"}]}");
    session_push(s, "ticker", &t);
    text_finish(&t);
}

static void instrument_frame(session *s)
{
    text t = {0};
    text_add(&t,
             "{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{\"assets\":["
             "{\"id\":\"USD\",\"status\":\"enabled\",\"precision\":4,\"precision_display\":2,"
             "\"borrowable\":true,\"collateral_value\":1.0,\"margin_rate\":0.025}],\"pairs\":[");
    for (size_t i = 0; i < s->v->n_markets; i++) {
        const market *m = &s->v->markets[i];
        const market_instrument *p = m->instrument;
        const char *name = ws_name(m), *slash = strchr(name, '/');
        text_add(&t,
                 "%s{\"symbol\":\"%s\",\"base\":\"%.*s\",\"quote\":\"%s\",\"status\":\"online\","
                 "\"qty_precision\":%d,\"qty_increment\":",
                 i ? "," : "", name, (int)(slash - name), name, slash + 1, p->qty_decimals);
        add_number(s, &t, 1, p->qty_decimals);
        text_add(&t,
                 ",\"price_precision\":%d,\"cost_precision\":5,\"marginable\":true,"
                 "\"has_index\":true,\"cost_min\":0.50000,\"margin_initial\":0.10,"
                 "\"position_limit_long\":300,\"position_limit_short\":240,\"tick_size\":",
                 p->price_decimals);
        add_number(s, &t, p->tick, p->price_decimals);
        text_add(&t, ",\"price_increment\":");
        add_number(s, &t, p->tick, p->price_decimals);
        text_add(&t, ",\"qty_min\":0.00005000}");
    }
    text_add(&t, "]}}");
    session_push(s, "instrument", &t);
    text_finish(&t);
}

static subscription *find(session *s, int channel, const market *m)
{
    for (size_t i = 0; i < s->n_subs; i++)
        if (s->subs[i].channel == channel && s->subs[i].m == m)
            return &s->subs[i];
    return NULL;
}

typedef struct {
    int channel, interval, depth, is_bbo, snapshot;
} wanted;

static void acknowledge(session *s, json_t *message, const char *method, const wanted *what,
                        const market *m)
{
    text t = {0};
    text_add(&t, "{\"method\":\"%s\",\"result\":{\"channel\":\"%s\"", method,
             channels[what->channel].name);
    if (strcmp(method, "subscribe") == 0)
        text_add(&t, ",\"snapshot\":%s", what->snapshot ? "true" : "false");
    if (m)
        text_add(&t, ",\"symbol\":\"%s\"", ws_name(m));
    if (what->channel == CHANNEL_OHLC)
        text_add(&t,
                 ",\"interval\":%d,\"warnings\":[\"timestamp is deprecated, use "
                 "interval_begin\"]",
                 what->interval);
    if (what->channel == CHANNEL_BOOK)
        text_add(&t, ",\"depth\":%d", what->depth);
    if (what->channel == CHANNEL_TICKER)
        text_add(&t, ",\"event_trigger\":\"%s\"", what->is_bbo ? "bbo" : "trades");
    text_add(&t, "},\"success\":true");
    reply_end(s, &t, message);
    text_finish(&t);
}

static void start(session *s, json_t *message, const wanted *what, market *m)
{
    if (find(s, what->channel, m)) {
        complain_session(s, "%s %s is subscribed already", channels[what->channel].name,
                         m ? ws_name(m) : "");
        refuse(s, message, "subscribe", m ? ws_name(m) : NULL, "Already subscribed to");
        return;
    }
    subscription *sub = session_subscribe(s, what->channel, m);
    sub->interval_min = what->interval;
    sub->depth = what->depth;
    sub->is_bbo = what->is_bbo;
    int64_t now = now_of(s->v);
    while (m && sub->at_trade < m->n_trades &&
           m->trades[m->by_arrival[sub->at_trade]].arrival_ns <= now)
        sub->at_trade++;
    acknowledge(s, message, "subscribe", what, m);
    if (what->channel == CHANNEL_BOOK && what->snapshot) {
        book_snapshot(s, sub);
    } else if (what->channel == CHANNEL_BOOK) {
        market_book_advance(m, now);
        sub->book = m->book_now;
        sub->at_event = m->n_events;
    } else if (what->snapshot && what->channel == CHANNEL_OHLC) {
        ohlc_snapshot(s, sub);
    } else if (what->snapshot && what->channel == CHANNEL_TRADE) {
        trade_snapshot(s, sub);
    } else if (what->snapshot && what->channel == CHANNEL_TICKER) {
        ticker_frame(s, sub, "snapshot");
    } else if (what->channel == CHANNEL_INSTRUMENT && what->snapshot) {
        instrument_frame(s);
    }
}

static int is_bool_or_absent(json_t *value)
{
    return !value || json_is_boolean(value);
}

/* Reads the params into *out; 0 and a complaint when they are wrong. */
static int read_params(session *s, json_t *params, int is_unsubscribe, wanted *out)
{
    const char *channel = json_string_value(json_object_get(params, "channel"));
    *out = (wanted){.channel = -1, .interval = 1, .depth = 10, .snapshot = 1};
    for (int i = 0; channel && i < N_CHANNELS; i++)
        if (strcmp(channels[i].name, channel) == 0)
            out->channel = i;
    if (out->channel < 0) {
        complain_session(s, "params.channel is missing or unknown: \"%s\"", channel ? channel : "");
        return 0;
    }
    out->snapshot = out->channel != CHANNEL_TRADE;
    int ok = keys_unknown(s, params, channel, channels[out->channel].params) == 0;
    json_t *interval = json_object_get(params, "interval"),
           *depth = json_object_get(params, "depth");
    json_t *snapshot = json_object_get(params, "snapshot");
    json_t *trigger = json_object_get(params, "event_trigger");
    char word[24];
    if (interval) {
        snprintf(word, sizeof word, "%lld", (long long)json_integer_value(interval));
        if (!json_is_integer(interval) || !one_of(word, "1 5 15 30 60 240 1440 10080 21600")) {
            complain_session(s, "ohlc: interval is not one of the venue's");
            ok = 0;
        }
        out->interval = (int)json_integer_value(interval);
    }
    if (depth) {
        snprintf(word, sizeof word, "%lld", (long long)json_integer_value(depth));
        if (!json_is_integer(depth) || !one_of(word, "10 25 100 500 1000")) {
            complain_session(s, "book: depth is not one of the venue's");
            ok = 0;
        }
        out->depth = (int)json_integer_value(depth);
    }
    if (trigger &&
        (!json_is_string(trigger) || !one_of(json_string_value(trigger), "trades bbo"))) {
        complain_session(s, "ticker: event_trigger is neither trades nor bbo");
        ok = 0;
    }
    out->is_bbo =
        trigger && json_is_string(trigger) && strcmp(json_string_value(trigger), "bbo") == 0;
    if (!is_bool_or_absent(snapshot) ||
        !is_bool_or_absent(json_object_get(params, "include_tokenized_assets"))) {
        complain_session(s, "%s: snapshot is no boolean", channel);
        ok = 0;
    }
    if (snapshot)
        out->snapshot = json_is_true(snapshot);
    json_t *symbols = json_object_get(params, "symbol");
    if (out->channel != CHANNEL_INSTRUMENT &&
        (!json_is_array(symbols) || json_array_size(symbols) == 0)) {
        complain_session(s, "%s: symbol is no list of names", channel);
        ok = 0;
    }
    (void)is_unsubscribe;
    return ok;
}

static void stop(session *s, json_t *message, const wanted *what, market *m)
{
    subscription *sub = find(s, what->channel, m);
    if (!sub) {
        refuse(s, message, "unsubscribe", m ? ws_name(m) : NULL, "Subscription Not Found");
        return;
    }
    session_unsubscribe(s, sub);
    acknowledge(s, message, "unsubscribe", what, m);
}

static void subscribe(session *s, json_t *message, const char *method)
{
    int is_stop = strcmp(method, "unsubscribe") == 0;
    json_t *params = json_object_get(message, "params");
    wanted what;
    if (keys_unknown(s, message, method, "method params req_id") ||
        !read_params(s, params, is_stop, &what)) {
        refuse(s, message, method, NULL, "Invalid arguments");
        return;
    }
    log_line(s->v, channels[what.channel].name);
    if (what.channel == CHANNEL_INSTRUMENT) {
        (is_stop ? stop : start)(s, message, &what, NULL);
        return;
    }
    size_t i;
    json_t *symbol;
    json_array_foreach(json_object_get(params, "symbol"), i, symbol)
    {
        const char *name = json_is_string(symbol) ? json_string_value(symbol) : "";
        market *m = ws_market(s->v, name);
        fault f = is_stop ? (fault){FAULT_NONE}
                          : fault_for_subscription(s->v->faults, channels[what.channel].name);
        if (f.kind != FAULT_NONE)
            s->v->n_faults++;
        if (!m)
            complain_session(s, "%s: the symbol \"%s\" is not listed", channels[what.channel].name,
                             name);
        if (!m || f.kind != FAULT_NONE)
            refuse(s, message, method, name, "Currency pair not supported");
        else
            (is_stop ? stop : start)(s, message, &what, m);
    }
}

void kraken_ws_received(session *s, json_t *message)
{
    const char *method = json_string_value(json_object_get(message, "method"));
    json_t *id = json_object_get(message, "req_id");
    if (kraken_stream_received(s, message))
        return;
    if (id && !json_is_integer(id))
        complain_session(s, "req_id is no whole number");
    if (method && strcmp(method, "ping") == 0) {
        text t = {0};
        keys_unknown(s, message, "ping", "method req_id");
        text_add(&t, "{\"method\":\"pong\"");
        reply_end(s, &t, message);
        text_finish(&t);
    } else if (method && one_of(method, "subscribe unsubscribe")) {
        subscribe(s, message, method);
    } else {
        complain_session(s, "method \"%s\" is unknown", method ? method : "");
        refuse(s, message, method ? method : "", NULL, "Unsupported method");
    }
}

static void ohlc_update(session *s, subscription *sub, const market_trade *trade)
{
    int64_t step = 60 * sub->interval_min, at = trade->time_ns / NS_A_SECOND / step * step;
    market_candle c;
    text t = {0};
    market_candle_at(sub->m, at, step, trade->arrival_ns, &c);
    open_frame(&t, sub, "update", trade->arrival_ns);
    add_candle(s, &t, sub, &c);
    text_add(&t, "]}");
    session_push(s, "ohlc", &t);
    text_finish(&t);
}

/* Trades that arrived since the last tick: one message of all of them for `trade`, one each for
 * ohlc. */
static void trades_tick(session *s, subscription *sub, int64_t now_ns)
{
    const market *m = sub->m;
    text t = {0};
    int n = 0;
    for (; sub->at_trade < m->n_trades; sub->at_trade++) {
        const market_trade *trade = &m->trades[m->by_arrival[sub->at_trade]];
        if (trade->arrival_ns > now_ns)
            break;
        if (sub->channel == CHANNEL_OHLC)
            ohlc_update(s, sub, trade);
        if (sub->channel == CHANNEL_TRADE) {
            if (n == 0)
                open_frame(&t, sub, "update", now_ns);
            else
                text_add(&t, ",");
            add_trade(s, &t, sub, trade);
        }
        n++;
    }
    if (sub->channel == CHANNEL_TRADE && n > 0) {
        text_add(&t, "]}");
        session_push(s, "trade", &t);
    }
    if (sub->channel == CHANNEL_TICKER && n > 0 && !sub->is_bbo)
        ticker_frame(s, sub, "update");
    text_finish(&t);
}

void kraken_ws_tick(session *s, int64_t now_ns)
{
    kraken_stream_tick(s);
    for (size_t i = 0; i < s->n_subs; i++) {
        subscription *sub = &s->subs[i];
        if (sub->channel == CHANNEL_BOOK) {
            market_book_advance(sub->m, now_ns);
            while (sub->at_event < sub->m->n_events)
                book_update(s, sub, &sub->m->events[sub->at_event++]);
        } else if (sub->m) {
            trades_tick(s, sub, now_ns);
        }
        if (sub->channel == CHANNEL_TICKER && sub->is_bbo) {
            market_book_advance(sub->m, now_ns);
            const market_book *book = &sub->m->book_now;
            if (book->side[0][0].price != sub->bbo[0] || book->side[1][0].price != sub->bbo[1])
                ticker_frame(s, sub, "update");
            sub->bbo[0] = book->side[0][0].price;
            sub->bbo[1] = book->side[1][0].price;
        }
    }
    if (s->n_subs > 0 && real_ms() - s->sent_ms >= 1000) {
        text t = {0};
        text_add(&t, "{\"channel\":\"heartbeat\"}");
        session_send(s, &t);
        text_finish(&t);
    }
}
