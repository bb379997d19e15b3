/* Kraken's WebSocket v2: one acknowledgement a symbol, numbers written at the pair's precision, a
 * book without sequence numbers but with a checksum over the best ten levels a side. */
#include <stdio.h>
#include <string.h>

#include "kraken.h"
#include "kraken_frames.h"
#include "trading.h"

static market *ws_market(venue *v, const char *name)
{
    for (size_t i = 0; i < v->n_markets; i++)
        if (strcmp(kraken_ws_name(&v->markets[i]), name) == 0)
            return &v->markets[i];
    return NULL;
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

static subscription *find(session *s, int channel, const market *m)
{
    for (size_t i = 0; i < s->n_subs; i++)
        if (s->subs[i].channel == channel && s->subs[i].m == m)
            return &s->subs[i];
    return NULL;
}

static void start(session *s, json_t *message, const kraken_wanted *what, market *m)
{
    if (find(s, what->channel, m)) {
        complain_session(s, "%s %s is subscribed already", kraken_channels[what->channel].name,
                         m ? kraken_ws_name(m) : "");
        kraken_refuse(s, message, "subscribe", m ? kraken_ws_name(m) : NULL,
                      "Already subscribed to");
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
    kraken_acknowledge(s, message, "subscribe", what, m);
    if (what->channel == CHANNEL_BOOK && what->snapshot) {
        kraken_book_snapshot(s, sub);
    } else if (what->channel == CHANNEL_BOOK) {
        market_book_advance(m, now);
        sub->book = m->book_now;
        sub->at_event = m->n_events;
    } else if (what->snapshot && what->channel == CHANNEL_OHLC) {
        kraken_ohlc_snapshot(s, sub);
    } else if (what->snapshot && what->channel == CHANNEL_TRADE) {
        kraken_trade_snapshot(s, sub);
    } else if (what->snapshot && what->channel == CHANNEL_TICKER) {
        kraken_ticker_frame(s, sub, "snapshot");
    } else if (what->channel == CHANNEL_INSTRUMENT && what->snapshot) {
        kraken_instrument_frame(s);
    }
}

static int is_bool_or_absent(json_t *value)
{
    return !value || json_is_boolean(value);
}

/* Reads the params into *out; 0 and a complaint when they are wrong. */
static int read_params(session *s, json_t *params, kraken_wanted *out)
{
    const char *channel = json_string_value(json_object_get(params, "channel"));
    *out = (kraken_wanted){.channel = -1, .interval = 1, .depth = 10, .snapshot = 1};
    for (int i = 0; channel && i < N_CHANNELS; i++)
        if (strcmp(kraken_channels[i].name, channel) == 0)
            out->channel = i;
    if (out->channel < 0) {
        complain_session(s, "params.channel is missing or unknown: \"%s\"", channel ? channel : "");
        return 0;
    }
    out->snapshot = out->channel != CHANNEL_TRADE;
    int ok = keys_unknown(s, params, channel, kraken_channels[out->channel].params) == 0;
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
    return ok;
}

static void stop(session *s, json_t *message, const kraken_wanted *what, market *m)
{
    subscription *sub = find(s, what->channel, m);
    if (!sub) {
        kraken_refuse(s, message, "unsubscribe", m ? kraken_ws_name(m) : NULL,
                      "Subscription Not Found");
        return;
    }
    session_unsubscribe(s, sub);
    kraken_acknowledge(s, message, "unsubscribe", what, m);
}

static void subscribe(session *s, json_t *message, const char *method)
{
    int is_stop = strcmp(method, "unsubscribe") == 0;
    json_t *params = json_object_get(message, "params");
    kraken_wanted what;
    if (keys_unknown(s, message, method, "method params req_id") ||
        !read_params(s, params, &what)) {
        kraken_refuse(s, message, method, NULL, "Invalid arguments");
        return;
    }
    log_line(s->v, kraken_channels[what.channel].name);
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
        fault f = is_stop
                      ? (fault){FAULT_NONE}
                      : fault_for_subscription(s->v->faults, kraken_channels[what.channel].name);
        if (f.kind != FAULT_NONE)
            s->v->n_faults++;
        if (!m)
            complain_session(s, "%s: the symbol \"%s\" is not listed",
                             kraken_channels[what.channel].name, name);
        if (!m || f.kind != FAULT_NONE)
            kraken_refuse(s, message, method, name, "Currency pair not supported");
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
        kraken_reply_end(s, &t, message);
        text_finish(&t);
    } else if (method && one_of(method, "subscribe unsubscribe")) {
        subscribe(s, message, method);
    } else {
        complain_session(s, "method \"%s\" is unknown", method ? method : "");
        kraken_refuse(s, message, method ? method : "", NULL, "Unsupported method");
    }
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
            kraken_ohlc_update(s, sub, trade);
        if (sub->channel == CHANNEL_TRADE) {
            if (n == 0)
                kraken_open_frame(&t, sub, "update", now_ns);
            else
                text_add(&t, ",");
            kraken_add_trade(s, &t, sub, trade);
        }
        n++;
    }
    if (sub->channel == CHANNEL_TRADE && n > 0) {
        text_add(&t, "]}");
        session_push(s, "trade", &t);
    }
    if (sub->channel == CHANNEL_TICKER && n > 0 && !sub->is_bbo)
        kraken_ticker_frame(s, sub, "update");
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
                kraken_book_update(s, sub, &sub->m->events[sub->at_event++]);
        } else if (sub->m) {
            trades_tick(s, sub, now_ns);
        }
        if (sub->channel == CHANNEL_TICKER && sub->is_bbo) {
            market_book_advance(sub->m, now_ns);
            const market_book *book = &sub->m->book_now;
            if (book->side[0][0].price != sub->bbo[0] || book->side[1][0].price != sub->bbo[1])
                kraken_ticker_frame(s, sub, "update");
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
