#include "kraken_frames.h"

#include <string.h>
#include <zlib.h>

const kraken_channel kraken_channels[N_CHANNELS] = {
    {"ohlc", "channel symbol interval snapshot"},
    {"trade", "channel symbol snapshot"},
    {"book", "channel symbol depth snapshot"},
    {"ticker", "channel symbol event_trigger snapshot"},
    {"instrument", "channel snapshot include_tokenized_assets"},
};

const char *kraken_ws_name(const market *m)
{
    const market_instrument *p = m->instrument;
    return p->alias[2] ? p->alias[2] : p->alias[1];
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

void kraken_reply_end(session *s, text *t, json_t *message)
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

void kraken_refuse(session *s, json_t *message, const char *method, const char *symbol,
                   const char *why)
{
    text t = {0};
    text_add(&t, "{\"error\":\"%s%s%s\",\"method\":\"%s\"", why, symbol ? " " : "",
             symbol ? symbol : "", method);
    if (symbol)
        text_add(&t, ",\"symbol\":\"%s\"", symbol);
    text_add(&t, ",\"success\":false");
    kraken_reply_end(s, &t, message);
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
    text_add(t, "{\"symbol\":\"%s\"", kraken_ws_name(sub->m));
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

void kraken_open_frame(text *t, subscription *sub, const char *type, int64_t now_ns)
{
    text_clear(t);
    text_add(t, "{\"channel\":\"%s\",\"type\":\"%s\"", kraken_channels[sub->channel].name, type);
    if (sub->channel == CHANNEL_OHLC) {
        text_add(t, ",\"timestamp\":\"");
        text_add_time(t, now_ns, 9);
        text_add(t, "\"");
    }
    text_add(t, ",\"data\":[");
}

void kraken_add_trade(session *s, text *t, subscription *sub, const market_trade *trade)
{
    const market_instrument *p = sub->m->instrument;
    text_add(t, "{\"symbol\":\"%s\",\"side\":\"%s\",\"price\":", kraken_ws_name(sub->m),
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
    kraken_open_frame(&t, sub, type, time_ns);
    text_add(&t, "{\"symbol\":\"%s\",", kraken_ws_name(sub->m));
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

void kraken_book_update(session *s, subscription *sub, const market_book_event *event)
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

void kraken_book_snapshot(session *s, subscription *sub)
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

void kraken_ohlc_snapshot(session *s, subscription *sub)
{
    int64_t now = now_of(s->v), step = 60 * sub->interval_min, rows[20];
    int64_t at = now / NS_A_SECOND / step * step;
    int n = 0;
    market_candle c;
    for (int i = 0; i < 200 && n < 20; i++, at -= step)
        if (market_candle_at(sub->m, at, step, now, &c) && c.n_trades > 0)
            rows[n++] = at;
    text t = {0};
    kraken_open_frame(&t, sub, "snapshot", now);
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

void kraken_trade_snapshot(session *s, subscription *sub)
{
    text t = {0};
    kraken_open_frame(&t, sub, "snapshot", 0);
    size_t first = sub->at_trade > 50 ? sub->at_trade - 50 : 0;
    for (size_t i = first; i < sub->at_trade; i++) {
        if (i > first)
            text_add(&t, ",");
        kraken_add_trade(s, &t, sub, &sub->m->trades[sub->m->by_arrival[i]]);
    }
    text_add(&t, "]}");
    session_push(s, "trade", &t);
    text_finish(&t);
}

void kraken_ticker_frame(session *s, subscription *sub, const char *type)
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
    kraken_open_frame(&t, sub, type, now);
    text_add(&t, "{\"symbol\":\"%s\"", kraken_ws_name(m));
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

void kraken_instrument_frame(session *s)
{
    text t = {0};
    text_add(&t,
             "{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{\"assets\":["
             "{\"id\":\"USD\",\"status\":\"enabled\",\"precision\":4,\"precision_display\":2,"
             "\"borrowable\":true,\"collateral_value\":1.0,\"margin_rate\":0.025}],\"pairs\":[");
    for (size_t i = 0; i < s->v->n_markets; i++) {
        const market *m = &s->v->markets[i];
        const market_instrument *p = m->instrument;
        const char *name = kraken_ws_name(m), *slash = strchr(name, '/');
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

void kraken_acknowledge(session *s, json_t *message, const char *method, const kraken_wanted *what,
                        const market *m)
{
    text t = {0};
    text_add(&t, "{\"method\":\"%s\",\"result\":{\"channel\":\"%s\"", method,
             kraken_channels[what->channel].name);
    if (strcmp(method, "subscribe") == 0)
        text_add(&t, ",\"snapshot\":%s", what->snapshot ? "true" : "false");
    if (m)
        text_add(&t, ",\"symbol\":\"%s\"", kraken_ws_name(m));
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
    kraken_reply_end(s, &t, message);
    text_finish(&t);
}

void kraken_ohlc_update(session *s, subscription *sub, const market_trade *trade)
{
    int64_t step = 60 * sub->interval_min, at = trade->time_ns / NS_A_SECOND / step * step;
    market_candle c;
    text t = {0};
    market_candle_at(sub->m, at, step, trade->arrival_ns, &c);
    kraken_open_frame(&t, sub, "update", trade->arrival_ns);
    add_candle(s, &t, sub, &c);
    text_add(&t, "]}");
    session_push(s, "ohlc", &t);
    text_finish(&t);
}
