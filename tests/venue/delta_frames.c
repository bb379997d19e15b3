#include "delta_frames.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

const delta_channel delta_channels[DELTA_N_CHANNELS] = {
    {"ticker", CHANNEL_TICKER, COMPACT, 5000},   {"v2/ticker", CHANNEL_TICKER, LEGACY, 5000},
    {"ob_l1", CHANNEL_L1, COMPACT, 100},         {"l1_orderbook", CHANNEL_L1, LEGACY, 100},
    {"ob_l2", CHANNEL_L2, COMPACT, 500},         {"l2_orderbook", CHANNEL_L2, LEGACY, 500},
    {"ob_updates", CHANNEL_UPDATES, COMPACT, 0}, {"l2_updates", CHANNEL_UPDATES, LEGACY, 0},
    {"trades", CHANNEL_TRADES, COMPACT, 0},      {"all_trades", CHANNEL_TRADES, LEGACY, 0},
    {"mark_price", CHANNEL_MARK, BOTH, 2000},    {"funding_rate", CHANNEL_FUNDING, BOTH, 5000},
    {"system_status", CHANNEL_STATUS, BOTH, 0},
};

void delta_checksum_text(const market_book *book, const market_instrument *p, text *out)
{
    for (int side = 1; side >= 0; side--) {
        for (int i = 0; i < book->n[side] && i < 10; i++) {
            if (i)
                text_add(out, ",");
            text_add_fixed(out, book->side[side][i].price, p->price_decimals);
            text_add(out, ":%lld", (long long)book->side[side][i].qty);
        }
        if (side)
            text_add(out, "|");
    }
}

uint32_t delta_checksum(const market_book *book, const market_instrument *p)
{
    text t = {0};
    delta_checksum_text(book, p, &t);
    uint32_t sum = (uint32_t)crc32(0, (const unsigned char *)t.data, (unsigned)t.n);
    text_finish(&t);
    return sum;
}

int delta_is_legacy(const session *s)
{
    return s->generation == LEGACY;
}

static const char *name_of(const session *s, int channel)
{
    for (size_t i = 0; i < DELTA_N_CHANNELS; i++)
        if (delta_channels[i].channel == channel &&
            (delta_channels[i].generation & (delta_is_legacy(s) ? LEGACY : COMPACT)))
            return delta_channels[i].name;
    return "";
}

int64_t delta_every_ms_of(int channel)
{
    for (size_t i = 0; i < DELTA_N_CHANNELS; i++)
        if (delta_channels[i].channel == channel)
            return delta_channels[i].every_ms;
    return 0;
}

const char *delta_resolution_of(int minutes, char *out, size_t size)
{
    int n = minutes, unit = 'm';
    if (n % 10080 == 0)
        n /= 10080, unit = 'w';
    else if (n % 1440 == 0)
        n /= 1440, unit = 'd';
    else if (n % 60 == 0)
        n /= 60, unit = 'h';
    snprintf(out, size, "%d%c", n, unit);
    return out;
}

/* The channel as the client named it. */
const char *delta_full_name(const session *s, const subscription *sub, char *out, size_t size)
{
    char word[16];
    if (sub->channel == CHANNEL_CANDLES)
        snprintf(out, size, "candlestick_%s",
                 delta_resolution_of(sub->interval_min, word, sizeof word));
    else
        snprintf(out, size, "%s", name_of(s, sub->channel));
    return out;
}

static void push(session *s, subscription *sub, text *t, int64_t now_ns)
{
    char name[32];
    delta_full_name(s, sub, name, sizeof name);
    if (now_ns)
        text_add(t, ",\"%s\":%lld", delta_is_legacy(s) ? "timestamp" : "ts",
                 (long long)(now_ns / 1000));
    text_add(t, ",\"type\":\"%s\"}", name);
    session_push(s, name, t);
    text_finish(t);
}

static void open_frame(session *s, subscription *sub, text *t, const char *prefix)
{
    text_add(t, "{\"%s\":\"%s%s\"", delta_is_legacy(s) ? "symbol" : "sy", prefix,
             sub->m->instrument->name);
}

static void add_quoted(text *t, int64_t value, int decimals)
{
    text_add(t, "\"");
    text_add_fixed(t, value, decimals);
    text_add(t, "\"");
}

static void add_levels(text *t, const market_instrument *p, const market_level *levels, int n)
{
    text_add(t, "[");
    for (int i = 0; i < n; i++) {
        text_add(t, i ? ",[" : "[");
        add_quoted(t, levels[i].price, p->price_decimals);
        text_add(t, ",\"%lld\"]", (long long)levels[i].qty);
    }
    text_add(t, "]");
}

static void updates_frame(session *s, subscription *sub, const char *action, const int n[2],
                          market_level levels[2][BOOK_LEVELS_MAX], int64_t time_ns)
{
    const market_instrument *p = sub->m->instrument;
    text t = {0};
    open_frame(s, sub, &t, "");
    text_add(&t, ",\"action\":\"%s\",\"%s\":", action, delta_is_legacy(s) ? "asks" : "a");
    add_levels(&t, p, levels[1], n[1]);
    text_add(&t, ",\"%s\":", delta_is_legacy(s) ? "bids" : "b");
    add_levels(&t, p, levels[0], n[0]);
    text_add(&t, ",\"%s\":%lld,\"cs\":%u", delta_is_legacy(s) ? "sequence_no" : "seq",
             (long long)(6199 + (int64_t)sub->at_event), delta_checksum(&sub->book, p));
    push(s, sub, &t, time_ns);
}

void delta_updates_snapshot(session *s, subscription *sub)
{
    static __thread market_level levels[2][BOOK_LEVELS_MAX];
    market *m = sub->m;
    market_book_advance(m, now_of(s->v));
    sub->book = m->book_now;
    sub->at_event = m->n_events;
    int n[2] = {sub->book.n[0], sub->book.n[1]};
    memcpy(levels, sub->book.side, sizeof levels);
    updates_frame(s, sub, "snapshot", n, levels,
                  m->n_events ? m->events[m->n_events - 1].time_ns : m->live_ns);
}

void delta_updates_tick(session *s, subscription *sub, int64_t now_ns)
{
    static __thread market_level levels[2][BOOK_LEVELS_MAX];
    market_book_advance(sub->m, now_ns);
    while (sub->at_event < sub->m->n_events) {
        const market_book_event *event = &sub->m->events[sub->at_event++];
        int n[2] = {0, 0};
        for (int i = 0; i < event->n; i++) {
            int side = event->change[i].side;
            levels[side][n[side]++] = (market_level){event->change[i].price, event->change[i].qty};
        }
        market_book_apply(&sub->book, event);
        updates_frame(s, sub, "update", n, levels, event->time_ns);
    }
}

static void add_legacy_trade(text *t, const market_instrument *p, const market_trade *trade)
{
    text_add(t, "\"buyer_role\":\"%s\",\"price\":", trade->side > 0 ? "taker" : "maker");
    add_quoted(t, trade->price, p->price_decimals);
    text_add(t, ",\"seller_role\":\"%s\",\"size\":%lld,\"timestamp\":%lld",
             trade->side > 0 ? "maker" : "taker", (long long)trade->qty,
             (long long)(trade->time_ns / 1000));
}

void delta_trade_frame(session *s, subscription *sub, const market_trade *trade, int64_t now_ns)
{
    const market_instrument *p = sub->m->instrument;
    text t = {0};
    open_frame(s, sub, &t, "");
    if (delta_is_legacy(s)) {
        text_add(&t, ",");
        add_legacy_trade(&t, p, trade);
        push(s, sub, &t, 0);
        return;
    }
    text_add(&t, ",\"p\":");
    add_quoted(&t, trade->price, p->price_decimals);
    text_add(&t, ",\"r\":\"%s\",\"s\":%lld.0,\"t\":%lld", trade->side > 0 ? "t" : "m",
             (long long)trade->qty, (long long)(trade->time_ns / 1000));
    push(s, sub, &t, now_ns);
}

void delta_trades_snapshot(session *s, subscription *sub)
{
    text t = {0};
    text_add(&t, "{\"symbol\":\"%s\",\"trades\":[", sub->m->instrument->name);
    size_t first = sub->at_trade > 50 ? sub->at_trade - 50 : 0;
    for (size_t i = sub->at_trade; i > first; i--) {
        text_add(&t, i < sub->at_trade ? ",{" : "{");
        add_legacy_trade(&t, sub->m->instrument, &sub->m->trades[sub->m->by_arrival[i - 1]]);
        text_add(&t, "}");
    }
    text_add(&t, "],\"type\":\"all_trades_snapshot\"}");
    session_push(s, "all_trades", &t);
    text_finish(&t);
}

/* The compact frame has no start: it always shows the bucket of its own time. */
void delta_candle_frame(session *s, subscription *sub, int64_t trade_ns, int64_t now_ns)
{
    int64_t step = 60 * sub->interval_min;
    int64_t at = (delta_is_legacy(s) ? trade_ns : now_ns) / NS_A_SECOND / step * step;
    int d = sub->m->instrument->price_decimals;
    market_candle c;
    if (!market_candle_at(sub->m, at, step, now_ns, &c))
        return;
    char word[16];
    delta_resolution_of(sub->interval_min, word, sizeof word);
    static const char *const keys[2][4] = {{"o", "h", "l", "c"}, {"open", "high", "low", "close"}};
    const int64_t prices[4] = {c.open, c.high, c.low, c.close};
    text t = {0};
    open_frame(s, sub, &t, sub->is_bbo ? "MARK:" : "");
    for (int i = 0; i < 4; i++) {
        text_add(&t, ",\"%s\":", keys[delta_is_legacy(s)][i]);
        if (delta_is_legacy(s) && c.n_trades == 0)
            text_add(&t, "null");
        else
            text_add_short(&t, prices[i] + (sub->is_bbo ? sub->m->instrument->tick : 0), d, 1);
    }
    if (delta_is_legacy(s))
        text_add(&t, ",\"candle_start_time\":%lld,\"last_updated\":%lld,\"resolution\":\"%s\"",
                 (long long)(at * 1000000), (long long)(now_ns / 1000), word);
    else
        text_add(&t, ",\"res\":\"%s\"", word);
    if (!sub->is_bbo)
        text_add(&t, c.n_trades ? ",\"%s\":%lld.0" : ",\"%s\":%lld",
                 delta_is_legacy(s) ? "volume" : "v", (long long)c.volume);
    push(s, sub, &t, now_ns);
}

void delta_ticker_frame(session *s, subscription *sub, int64_t now_ns)
{
    market *m = sub->m;
    const market_instrument *p = m->instrument;
    int d = p->price_decimals;
    text t = {0};
    if (delta_is_legacy(s)) {
        text_add(&t, "{");
        delta_add_ticker(&t, m, now_ns);
        push(s, sub, &t, 0);
        return;
    }
    market_candle c = {0};
    market_candle_at(m, now_ns / NS_A_SECOND - 86399, 86400, now_ns, &c);
    market_book_advance(m, now_ns);
    const market_level *bid = &m->book_now.side[0][0], *ask = &m->book_now.side[1][0];
    const int64_t prices[4] = {c.open, c.high, c.low, c.close};
    open_frame(s, sub, &t, "");
    text_add(&t, ",\"d\":[{\"g\":[null,null,null,null,null],\"i\":%d,\"m\":", p->product_id);
    add_quoted(&t, c.close + p->tick, d);
    text_add(&t, ",\"m24hc\":\"0.0716\",\"ohlc\":[");
    for (int i = 0; i < 4; i++) {
        text_add(&t, i ? "," : "");
        text_add_short(&t, prices[i], d, 1);
    }
    text_add(&t, "],\"oi\":[\"%lld\",\"768171.7700\"],\"pb\":[",
             (long long)market_open_interest(m, now_ns / NS_A_MINUTE));
    add_quoted(&t, c.low / 2, d);
    text_add(&t, ",");
    add_quoted(&t, c.high * 2, d);
    text_add(&t, "],\"q\":[");
    add_quoted(&t, ask->price, d);
    text_add(&t, ",\"%lld\",", (long long)ask->qty);
    add_quoted(&t, bid->price, d);
    text_add(&t,
             ",\"%lld\",null],\"qiv\":[null,null,\"-0.38617139\"],\"s\":\"%s\","
             "\"to\":[424418623.002998,424418623.002998]}],\"sp\":",
             (long long)bid->qty, p->name);
    add_quoted(&t, c.close, d);
    push(s, sub, &t, now_ns);
}

void delta_funding_frame(session *s, subscription *sub, int64_t now_ns)
{
    int64_t now_s = now_ns / NS_A_SECOND, next = (now_s / DELTA_FUNDING_S + 1) * DELTA_FUNDING_S;
    text t = {0};
    open_frame(s, sub, &t, "");
    if (delta_is_legacy(s)) {
        const char *keys[3] = {"funding_rate", "funding_rate_8h", "predicted_funding_rate"};
        for (int i = 0; i < 3; i++) {
            text_add(&t, ",\"%s\":", keys[i]);
            delta_add_funding(&t, sub->m, now_s);
        }
        text_add(&t, ",\"product_id\":%d,\"next_funding_realization\":%lld",
                 sub->m->instrument->product_id, (long long)next * 1000000);
    } else {
        text_add(&t, ",\"fi\":%d,\"fr\":", DELTA_FUNDING_S);
        delta_add_funding(&t, sub->m, now_s);
        text_add(&t, ",\"nfr\":%lld", (long long)next * 1000000);
    }
    push(s, sub, &t, now_ns);
}

void delta_l1_frame(session *s, subscription *sub, int64_t now_ns)
{
    static const char *const keys[2][4] = {{"ap", "as", "bp", "bs"},
                                           {"best_ask", "ask_qty", "best_bid", "bid_qty"}};
    market *m = sub->m;
    market_book_advance(m, now_ns);
    text t = {0};
    open_frame(s, sub, &t, "");
    for (int side = 1; side >= 0; side--) {
        const market_level *level = &m->book_now.side[side][0];
        text_add(&t, ",\"%s\":", keys[delta_is_legacy(s)][side ? 0 : 2]);
        add_quoted(&t, level->price, m->instrument->price_decimals);
        text_add(&t, ",\"%s\":\"%lld\"", keys[delta_is_legacy(s)][side ? 1 : 3],
                 (long long)level->qty);
    }
    text_add(&t, ",\"%s\":%lld", delta_is_legacy(s) ? "last_updated_at" : "lts",
             (long long)((m->n_events ? m->events[m->n_events - 1].time_ns : m->live_ns) / 1000));
    push(s, sub, &t, now_ns);
}

void delta_l2_frame(session *s, subscription *sub, int64_t now_ns)
{
    market *m = sub->m;
    market_book_advance(m, now_ns);
    const market_instrument *p = m->instrument;
    long long changed =
        (long long)((m->n_events ? m->events[m->n_events - 1].time_ns : m->live_ns) / 1000);
    text t = {0};
    open_frame(s, sub, &t, "");
    for (int side = 1; side >= 0; side--) {
        int n = m->book_now.n[side] < 15 ? m->book_now.n[side] : 15;
        const market_level *levels = m->book_now.side[side];
        if (!delta_is_legacy(s)) {
            text_add(&t, ",\"%s\":", side ? "a" : "b");
            add_levels(&t, p, levels, n);
            continue;
        }
        int64_t sum = 0;
        text_add(&t, ",\"%s\":[", side ? "sell" : "buy");
        for (int i = 0; i < n; i++) {
            sum += levels[i].qty;
            text_add(&t, "%s{\"depth\":\"%lld\",\"limit_price\":", i ? "," : "", (long long)sum);
            add_quoted(&t, levels[i].price, p->price_decimals);
            text_add(&t, ",\"size\":%lld}", (long long)levels[i].qty);
        }
        text_add(&t, "]");
    }
    if (delta_is_legacy(s))
        text_add(&t, ",\"last_sequence_no\":%lld,\"last_updated_at\":%lld,\"product_id\":%d",
                 (long long)(6199 + (int64_t)m->n_events), changed, p->product_id);
    else
        text_add(&t, ",\"lts\":%lld", changed);
    push(s, sub, &t, now_ns);
}

void delta_mark_frame(session *s, subscription *sub, int64_t now_ns)
{
    const market_trade *last = market_last(sub->m, now_ns);
    text t = {0};
    open_frame(s, sub, &t, "MARK:");
    text_add(&t, ",\"%s\":", delta_is_legacy(s) ? "price" : "p");
    add_quoted(&t, (last ? last->price : 0) + sub->m->instrument->tick,
               sub->m->instrument->price_decimals);
    push(s, sub, &t, now_ns);
}

void delta_status_frame(session *s)
{
    text t = {0};
    text_add(&t,
             "{\"type\":\"system_status\",\"event\":\"snapshot\",\"status\":\"live\",\"%s\":%lld}",
             delta_is_legacy(s) ? "timestamp" : "ts", (long long)(now_of(s->v) / 1000));
    session_push(s, "system_status", &t);
    text_finish(&t);
}
