/* Delta's WebSocket, public channels in both generations: the compact ones of the public socket and
 * the legacy ones of the other. One connection speaks one of them, as the venue has them on two
 * hosts. */
#include <stdlib.h>
#include <string.h>

#include "delta_frames.h"
#include "trading.h"

static const int candle_minutes[] = {1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440, 10080};

void delta_ws_opened(session *s)
{
    (void)s;
}

/* The channel's number, and its minutes for candles; -1 when unknown. */
static int channel_named(const char *name, int *minutes, int *generation)
{
    *minutes = 0;
    *generation = BOTH;
    if (strncmp(name, "candlestick_", 12) == 0) {
        char word[16];
        for (size_t i = 0; i < sizeof candle_minutes / sizeof candle_minutes[0]; i++)
            if (strcmp(delta_resolution_of(candle_minutes[i], word, sizeof word), name + 12) == 0)
                *minutes = candle_minutes[i];
        return *minutes ? CHANNEL_CANDLES : -1;
    }
    for (size_t i = 0; i < DELTA_N_CHANNELS; i++)
        if (strcmp(delta_channels[i].name, name) == 0) {
            *generation = delta_channels[i].generation;
            return delta_channels[i].channel;
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
            delta_updates_snapshot(s, sub);
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
        delta_updates_snapshot(s, sub);
    if (channel == CHANNEL_TRADES && delta_is_legacy(s) && with_snapshot)
        delta_trades_snapshot(s, sub);
    if (channel == CHANNEL_STATUS)
        delta_status_frame(s);
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
        delta_full_name(s, sub, name, sizeof name);
        while (strcmp(delta_full_name(s, &s->subs[first], other, sizeof other), name) != 0)
            first++;
        if (first < i)
            continue;
        text_add(&t, "%s{\"name\":\"%s\",\"symbols\":[", n++ ? "," : "", name);
        for (size_t k = i, m = 0; k < s->n_subs; k++) {
            subscription *one = &s->subs[k];
            if (one->m && strcmp(delta_full_name(s, one, other, sizeof other), name) == 0)
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
    if (delta_stream_received(s, message))
        return;
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
            delta_trade_frame(s, sub, trade, now_ns);
        else
            delta_candle_frame(s, sub, trade->time_ns, trade->arrival_ns);
    }
}

void delta_ws_tick(session *s, int64_t now_ns)
{
    static void (*const frames[])(session * s, subscription * sub, int64_t now_ns) = {
        [CHANNEL_TICKER] = delta_ticker_frame,   [CHANNEL_L1] = delta_l1_frame,
        [CHANNEL_L2] = delta_l2_frame,           [CHANNEL_MARK] = delta_mark_frame,
        [CHANNEL_FUNDING] = delta_funding_frame,
    };
    int64_t now_ms = real_ms();
    delta_stream_tick(s);
    for (size_t i = 0; i < s->n_subs; i++) {
        subscription *sub = &s->subs[i];
        int64_t every_ms = delta_every_ms_of(sub->channel);
        if (sub->channel == CHANNEL_UPDATES)
            delta_updates_tick(s, sub, now_ns);
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
