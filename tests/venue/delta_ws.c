/* Delta's WebSocket, public channels in both generations: the compact ones of the public socket and
 * the legacy ones of the other. One connection speaks one of them, as the venue has them on two
 * hosts. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "delta.h"

enum {
    CHANNEL_TICKER,
    CHANNEL_L1,
    CHANNEL_L2,
    CHANNEL_UPDATES,
    CHANNEL_TRADES,
    CHANNEL_MARK,
    CHANNEL_FUNDING,
    CHANNEL_STATUS,
    CHANNEL_CANDLES /* last: the resolution is in interval_min */
};

enum { COMPACT = 1, LEGACY = 2, BOTH = 3 };

static const struct {
    const char *name;
    int channel, generation;
    int64_t every_ms; /* how often a frame comes, 0: when something happens */
} channels[] = {
    {"ticker", CHANNEL_TICKER, COMPACT, 5000},   {"v2/ticker", CHANNEL_TICKER, LEGACY, 5000},
    {"ob_l1", CHANNEL_L1, COMPACT, 100},         {"l1_orderbook", CHANNEL_L1, LEGACY, 100},
    {"ob_l2", CHANNEL_L2, COMPACT, 500},         {"l2_orderbook", CHANNEL_L2, LEGACY, 500},
    {"ob_updates", CHANNEL_UPDATES, COMPACT, 0}, {"l2_updates", CHANNEL_UPDATES, LEGACY, 0},
    {"trades", CHANNEL_TRADES, COMPACT, 0},      {"all_trades", CHANNEL_TRADES, LEGACY, 0},
    {"mark_price", CHANNEL_MARK, BOTH, 2000},    {"funding_rate", CHANNEL_FUNDING, BOTH, 5000},
    {"system_status", CHANNEL_STATUS, BOTH, 0},
};
#define N_CHANNELS (sizeof channels / sizeof channels[0])

static const int candle_minutes[] = {1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 10080};

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

void delta_ws_opened(session *s)
{
    (void)s;
}

static int is_legacy(const session *s)
{
    return s->generation == LEGACY;
}

static const char *name_of(const session *s, int channel)
{
    for (size_t i = 0; i < N_CHANNELS; i++)
        if (channels[i].channel == channel &&
            (channels[i].generation & (is_legacy(s) ? LEGACY : COMPACT)))
            return channels[i].name;
    return "";
}

static int64_t every_ms_of(int channel)
{
    for (size_t i = 0; i < N_CHANNELS; i++)
        if (channels[i].channel == channel)
            return channels[i].every_ms;
    return 0;
}

static const char *resolution_of(int minutes, char *out, size_t size)
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
static const char *full_name(const session *s, const subscription *sub, char *out, size_t size)
{
    char word[16];
    if (sub->channel == CHANNEL_CANDLES)
        snprintf(out, size, "candlestick_%s", resolution_of(sub->interval_min, word, sizeof word));
    else
        snprintf(out, size, "%s", name_of(s, sub->channel));
    return out;
}

static void push(session *s, subscription *sub, text *t, int64_t now_ns)
{
    char name[32];
    full_name(s, sub, name, sizeof name);
    if (now_ns)
        text_add(t, ",\"%s\":%lld", is_legacy(s) ? "timestamp" : "ts", (long long)(now_ns / 1000));
    text_add(t, ",\"type\":\"%s\"}", name);
    session_push(s, name, t);
    text_finish(t);
}

static void open_frame(session *s, subscription *sub, text *t, const char *prefix)
{
    text_add(t, "{\"%s\":\"%s%s\"", is_legacy(s) ? "symbol" : "sy", prefix,
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
    text_add(&t, ",\"action\":\"%s\",\"%s\":", action, is_legacy(s) ? "asks" : "a");
    add_levels(&t, p, levels[1], n[1]);
    text_add(&t, ",\"%s\":", is_legacy(s) ? "bids" : "b");
    add_levels(&t, p, levels[0], n[0]);
    text_add(&t, ",\"%s\":%lld,\"cs\":%u", is_legacy(s) ? "sequence_no" : "seq",
             (long long)(6199 + (int64_t)sub->at_event), delta_checksum(&sub->book, p));
    push(s, sub, &t, time_ns);
}

static void updates_snapshot(session *s, subscription *sub)
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

static void updates_tick(session *s, subscription *sub, int64_t now_ns)
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

static void trade_frame(session *s, subscription *sub, const market_trade *trade, int64_t now_ns)
{
    const market_instrument *p = sub->m->instrument;
    text t = {0};
    open_frame(s, sub, &t, "");
    if (is_legacy(s)) {
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

static void trades_snapshot(session *s, subscription *sub)
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
static void candle_frame(session *s, subscription *sub, int64_t trade_ns, int64_t now_ns)
{
    int64_t step = 60 * sub->interval_min;
    int64_t at = (is_legacy(s) ? trade_ns : now_ns) / NS_A_SECOND / step * step;
    int d = sub->m->instrument->price_decimals;
    market_candle c;
    if (!market_candle_at(sub->m, at, step, now_ns, &c))
        return;
    char word[16];
    resolution_of(sub->interval_min, word, sizeof word);
    static const char *const keys[2][4] = {{"o", "h", "l", "c"}, {"open", "high", "low", "close"}};
    const int64_t prices[4] = {c.open, c.high, c.low, c.close};
    text t = {0};
    open_frame(s, sub, &t, sub->is_bbo ? "MARK:" : "");
    for (int i = 0; i < 4; i++) {
        text_add(&t, ",\"%s\":", keys[is_legacy(s)][i]);
        if (is_legacy(s) && c.n_trades == 0)
            text_add(&t, "null");
        else
            text_add_short(&t, prices[i] + (sub->is_bbo ? sub->m->instrument->tick : 0), d, 1);
    }
    if (is_legacy(s))
        text_add(&t, ",\"candle_start_time\":%lld,\"last_updated\":%lld,\"resolution\":\"%s\"",
                 (long long)(at * 1000000), (long long)(now_ns / 1000), word);
    else
        text_add(&t, ",\"res\":\"%s\"", word);
    if (!sub->is_bbo)
        text_add(&t, c.n_trades ? ",\"%s\":%lld.0" : ",\"%s\":%lld", is_legacy(s) ? "volume" : "v",
                 (long long)c.volume);
    push(s, sub, &t, now_ns);
}

static void ticker_frame(session *s, subscription *sub, int64_t now_ns)
{
    market *m = sub->m;
    const market_instrument *p = m->instrument;
    int d = p->price_decimals;
    text t = {0};
    if (is_legacy(s)) {
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

static void funding_frame(session *s, subscription *sub, int64_t now_ns)
{
    int64_t now_s = now_ns / NS_A_SECOND, next = (now_s / DELTA_FUNDING_S + 1) * DELTA_FUNDING_S;
    text t = {0};
    open_frame(s, sub, &t, "");
    if (is_legacy(s)) {
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

static void l1_frame(session *s, subscription *sub, int64_t now_ns)
{
    static const char *const keys[2][4] = {{"ap", "as", "bp", "bs"},
                                           {"best_ask", "ask_qty", "best_bid", "bid_qty"}};
    market *m = sub->m;
    market_book_advance(m, now_ns);
    text t = {0};
    open_frame(s, sub, &t, "");
    for (int side = 1; side >= 0; side--) {
        const market_level *level = &m->book_now.side[side][0];
        text_add(&t, ",\"%s\":", keys[is_legacy(s)][side ? 0 : 2]);
        add_quoted(&t, level->price, m->instrument->price_decimals);
        text_add(&t, ",\"%s\":\"%lld\"", keys[is_legacy(s)][side ? 1 : 3], (long long)level->qty);
    }
    text_add(&t, ",\"%s\":%lld", is_legacy(s) ? "last_updated_at" : "lts",
             (long long)((m->n_events ? m->events[m->n_events - 1].time_ns : m->live_ns) / 1000));
    push(s, sub, &t, now_ns);
}

static void l2_frame(session *s, subscription *sub, int64_t now_ns)
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
        if (!is_legacy(s)) {
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
    if (is_legacy(s))
        text_add(&t, ",\"last_sequence_no\":%lld,\"last_updated_at\":%lld,\"product_id\":%d",
                 (long long)(6199 + (int64_t)m->n_events), changed, p->product_id);
    else
        text_add(&t, ",\"lts\":%lld", changed);
    push(s, sub, &t, now_ns);
}

static void mark_frame(session *s, subscription *sub, int64_t now_ns)
{
    const market_trade *last = market_last(sub->m, now_ns);
    text t = {0};
    open_frame(s, sub, &t, "MARK:");
    text_add(&t, ",\"%s\":", is_legacy(s) ? "price" : "p");
    add_quoted(&t, (last ? last->price : 0) + sub->m->instrument->tick,
               sub->m->instrument->price_decimals);
    push(s, sub, &t, now_ns);
}

static void status_frame(session *s)
{
    text t = {0};
    text_add(&t,
             "{\"type\":\"system_status\",\"event\":\"snapshot\",\"status\":\"live\",\"%s\":%lld}",
             is_legacy(s) ? "timestamp" : "ts", (long long)(now_of(s->v) / 1000));
    session_push(s, "system_status", &t);
    text_finish(&t);
}

/* The channel's number, and its minutes for candles; -1 when unknown. */
static int channel_named(const char *name, int *minutes, int *generation)
{
    *minutes = 0;
    *generation = BOTH;
    if (strncmp(name, "candlestick_", 12) == 0) {
        char word[16];
        for (size_t i = 0; i < sizeof candle_minutes / sizeof candle_minutes[0]; i++)
            if (strcmp(resolution_of(candle_minutes[i], word, sizeof word), name + 12) == 0)
                *minutes = candle_minutes[i];
        return *minutes ? CHANNEL_CANDLES : -1;
    }
    for (size_t i = 0; i < N_CHANNELS; i++)
        if (strcmp(channels[i].name, name) == 0) {
            *generation = channels[i].generation;
            return channels[i].channel;
        }
    return -1;
}

static subscription *find(session *s, int channel, int minutes, const market *m, int is_mark)
{
    for (size_t i = 0; i < s->n_subs; i++)
        if (s->subs[i].channel == channel && s->subs[i].interval_min == minutes &&
            s->subs[i].m == m && s->subs[i].is_bbo == is_mark)
            return &s->subs[i];
    return NULL;
}

static void start(session *s, int channel, int minutes, market *m, int is_mark, int with_snapshot)
{
    subscription *sub = find(s, channel, minutes, m, is_mark);
    if (sub) { /* again: a fresh start, as after a lost message */
        if (channel == CHANNEL_UPDATES)
            updates_snapshot(s, sub);
        return;
    }
    sub = session_subscribe(s, channel, m);
    sub->interval_min = minutes;
    sub->is_bbo = is_mark;
    int64_t now = now_of(s->v);
    while (m && sub->at_trade < m->n_trades &&
           m->trades[m->by_arrival[sub->at_trade]].arrival_ns <= now)
        sub->at_trade++;
    if (channel == CHANNEL_UPDATES)
        updates_snapshot(s, sub);
    if (channel == CHANNEL_TRADES && is_legacy(s) && with_snapshot)
        trades_snapshot(s, sub);
    if (channel == CHANNEL_STATUS)
        status_frame(s);
}

/* One symbol of a channel; 0 when the venue would refuse it. */
static int one_symbol(session *s, const char *name, int channel, int minutes, const char *symbol,
                      int is_stop)
{
    int is_mark = strncmp(symbol, "MARK:", 5) == 0;
    int is_all = one_of(symbol, "all perpetual_futures");
    if (is_all && (channel == CHANNEL_UPDATES || channel == CHANNEL_L2)) {
        complain_session(s, "%s: \"%s\" is not possible here", name, symbol);
        return 0;
    }
    if ((is_mark && channel != CHANNEL_CANDLES && channel != CHANNEL_MARK) ||
        (channel == CHANNEL_MARK && !is_mark && !is_all)) {
        complain_session(s, "%s: \"%s\" is no symbol of this channel", name, symbol);
        return 0;
    }
    for (size_t i = 0; i < s->v->n_markets; i++) {
        market *m = &s->v->markets[i];
        if (!is_all && strcmp(m->instrument->name, symbol + 5 * is_mark) != 0)
            continue;
        subscription *sub = find(s, channel, minutes, m, is_mark);
        if (!is_stop)
            start(s, channel, minutes, m, is_mark, !is_all);
        else if (sub)
            session_unsubscribe(s, sub);
        if (!is_all)
            return 1;
    }
    if (!is_all)
        complain_session(s, "%s: the symbol \"%s\" is not listed", name, symbol);
    return is_all;
}

static int one_channel(session *s, json_t *one, int is_stop, text *reply)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    json_t *symbols = json_object_get(one, "symbols");
    int minutes, generation, channel = name ? channel_named(name, &minutes, &generation) : -1;
    int ok = channel >= 0 && keys_unknown(s, one, "channels", "name symbols") == 0;
    if (channel < 0)
        complain_session(s, "there is no channel \"%s\"", name ? name : "");
    if (ok && generation != BOTH && s->generation && s->generation != generation)
        complain_session(s, "%s: the channels of the two generations are on two hosts", name);
    if (ok && generation != BOTH)
        s->generation = generation;
    fault f = ok && !is_stop ? fault_for_subscription(s->v->faults, name) : (fault){FAULT_NONE};
    s->v->n_faults += f.kind != FAULT_NONE;
    if (ok && channel == CHANNEL_STATUS) {
        start(s, channel, 0, NULL, 0, 1);
    } else if (ok && (!json_is_array(symbols) || json_array_size(symbols) == 0)) {
        complain_session(s, "%s: without symbols there are no data", name);
        ok = 0;
    }
    if (!ok || f.kind != FAULT_NONE) {
        text_add(reply, "%s{\"name\":\"%s\",\"error\":\"subscription forbidden on %s\"}",
                 reply->n ? "," : "", name ? name : "", name ? name : "");
        return 0;
    }
    log_line(s->v, name);
    return 1;
}

/* Everything that is active now, and the errors of this request. */
static void acknowledge(session *s, const text *errors)
{
    text t = {0};
    int n = 0;
    text_add(&t, "{\"type\":\"subscriptions\",\"channels\":[");
    for (size_t i = 0; i < s->n_subs; i++) {
        subscription *sub = &s->subs[i];
        char name[32], other[32];
        size_t first = 0;
        full_name(s, sub, name, sizeof name);
        while (strcmp(full_name(s, &s->subs[first], other, sizeof other), name) != 0)
            first++;
        if (first < i)
            continue;
        text_add(&t, "%s{\"name\":\"%s\",\"symbols\":[", n++ ? "," : "", name);
        for (size_t k = i, m = 0; k < s->n_subs; k++) {
            subscription *one = &s->subs[k];
            if (one->m && strcmp(full_name(s, one, other, sizeof other), name) == 0)
                text_add(&t, "%s\"%s%s\"", m++ ? "," : "",
                         one->is_bbo || one->channel == CHANNEL_MARK ? "MARK:" : "",
                         one->m->instrument->name);
        }
        text_add(&t, "]}");
    }
    text_add(&t, "%s%s]}", n && errors->n ? "," : "", errors->n ? errors->data : "");
    session_send(s, &t);
    text_finish(&t);
}

static void subscribe(session *s, json_t *message, int is_stop)
{
    json_t *payload = json_object_get(message, "payload"), *one, *symbol;
    json_t *list = json_object_get(payload, "channels");
    size_t i, k;
    keys_unknown(s, message, "subscribe", "type payload");
    keys_unknown(s, payload, "payload", "channels");
    if (!json_is_array(list) || json_array_size(list) == 0) {
        complain_session(s, "payload.channels is no list of channels");
        return;
    }
    text errors = {0}, before = s->out;
    s->out = (text){0};
    char taken[64] = {0};
    json_array_foreach(list, i, one)
    {
        int ok = one_channel(s, one, is_stop, &errors);
        if (i < sizeof taken)
            taken[i] = (char)ok;
    }
    json_array_foreach(list, i, one)
    {
        int minutes, generation;
        const char *name = json_string_value(json_object_get(one, "name"));
        if (i >= sizeof taken || !taken[i])
            continue;
        int channel = channel_named(name, &minutes, &generation);
        json_array_foreach(json_object_get(one, "symbols"), k, symbol)
        {
            if (json_is_string(symbol))
                one_symbol(s, name, channel, minutes, json_string_value(symbol), is_stop);
        }
    }
    /* The acknowledgement comes ahead of the snapshots that were just made. */
    text data = s->out;
    s->out = before;
    acknowledge(s, &errors);
    text_add_bytes(&s->out, data.data, data.n);
    text_finish(&data);
    text_finish(&errors);
}

void delta_ws_received(session *s, json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));
    text t = {0};
    if (!type) {
        complain_session(s, "a message without type");
    } else if (strcmp(type, "enable_heartbeat") == 0) {
        keys_unknown(s, message, type, "type");
        s->has_heartbeat = 1;
        s->beat_ms = real_ms();
    } else if (strcmp(type, "disable_heartbeat") == 0) {
        s->has_heartbeat = 0;
    } else if (strcmp(type, "ping") == 0) {
        keys_unknown(s, message, type, "type");
        text_add(&t, "{\"type\":\"pong\"}");
        session_send(s, &t);
    } else if (strcmp(type, "subscribe") == 0 || strcmp(type, "unsubscribe") == 0) {
        subscribe(s, message, *type == 'u');
    } else {
        complain_session(s, "the type \"%s\" is unknown", type);
        text_add(&t, "{\"type\":\"error\",\"message\":\"invalid type\"}");
        session_send(s, &t);
    }
    text_finish(&t);
}

static void trades_tick(session *s, subscription *sub, int64_t now_ns)
{
    const market *m = sub->m;
    for (; sub->at_trade < m->n_trades; sub->at_trade++) {
        const market_trade *trade = &m->trades[m->by_arrival[sub->at_trade]];
        if (trade->arrival_ns > now_ns)
            return;
        if (sub->channel == CHANNEL_TRADES)
            trade_frame(s, sub, trade, now_ns);
        else
            candle_frame(s, sub, trade->time_ns, trade->arrival_ns);
    }
}

void delta_ws_tick(session *s, int64_t now_ns)
{
    static void (*const frames[])(session * s, subscription * sub, int64_t now_ns) = {
        [CHANNEL_TICKER] = ticker_frame, [CHANNEL_L1] = l1_frame,           [CHANNEL_L2] = l2_frame,
        [CHANNEL_MARK] = mark_frame,     [CHANNEL_FUNDING] = funding_frame,
    };
    int64_t now_ms = real_ms();
    for (size_t i = 0; i < s->n_subs; i++) {
        subscription *sub = &s->subs[i];
        int64_t every_ms = every_ms_of(sub->channel);
        if (sub->channel == CHANNEL_UPDATES)
            updates_tick(s, sub, now_ns);
        else if (sub->channel == CHANNEL_TRADES || sub->channel == CHANNEL_CANDLES)
            trades_tick(s, sub, now_ns);
        else if (every_ms && now_ns >= sub->next_ns) {
            sub->next_ns = now_ns + every_ms * 1000000;
            frames[sub->channel](s, sub, now_ns);
        }
    }
    if (s->has_heartbeat && now_ms - s->beat_ms >= (int64_t)(30000 / s->v->options.speed)) {
        text t = {0};
        text_add(&t, "{\"type\":\"heartbeat\"}");
        session_send(s, &t);
        text_finish(&t);
        s->beat_ms = now_ms;
    }
    if (!s->has_spoken && now_ms - s->opened_ms >= 60000)
        s->close_code = 1000;
}
