/* The private streams of both venues: frames of what the engine tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trade_sign.h"
#include "trading.h"

enum { ORDERS = 1, TRADES = 2, TRADES_LONG = 4, POSITIONS = 8, MARGINS = 16 };
enum { EXECUTIONS = 1, BALANCES = 2 };

static void send_json(session *s, json_t *taken)
{
    char *out = json_dumps(taken, JSON_COMPACT | JSON_REAL_PRECISION(15));
    text t = {0};
    text_add(&t, "%s", out);
    session_send(s, &t);
    text_finish(&t);
    free(out);
    json_decref(taken);
}

void stream_push(session *s, const char *channel, json_t *taken)
{
    char *out = json_dumps(taken, JSON_COMPACT | JSON_REAL_PRECISION(15));
    text t = {0};
    text_add(&t, "%s", out);
    session_push(s, channel, &t);
    text_finish(&t);
    free(out);
    json_decref(taken);
}

/* ---- Delta ---- */

static const struct {
    const char *name;
    int bit;
} delta_channels_of[] = {{"orders", ORDERS},
                         {"v2/user_trades", TRADES},
                         {"user_trades", TRADES_LONG},
                         {"positions", POSITIONS},
                         {"margins", MARGINS}};
enum { N_DELTA = sizeof delta_channels_of / sizeof delta_channels_of[0] };

static int delta_bit(const char *name)
{
    for (int i = 0; name && i < N_DELTA; i++)
        if (strcmp(delta_channels_of[i].name, name) == 0)
            return delta_channels_of[i].bit;
    return 0;
}

static void authenticate(session *s, json_t *message)
{
    trading *t = s->v->trading;
    json_t *payload = json_object_get(message, "payload"), *stamp;
    const char *key = json_string_value(json_object_get(payload, "api-key"));
    const char *given = json_string_value(json_object_get(payload, "signature"));
    char mac[65], seconds[24] = "";
    keys_unknown(s, message, "key-auth", "type payload");
    keys_unknown(s, payload, "key-auth", "api-key timestamp signature");
    stamp = json_object_get(payload, "timestamp");
    if (json_is_string(stamp))
        snprintf(seconds, sizeof seconds, "%s", json_string_value(stamp));
    else if (json_is_integer(stamp))
        snprintf(seconds, sizeof seconds, "%lld", (long long)json_integer_value(stamp));
    if (!key || !given || !*seconds) {
        complain_session(s, "key-auth is incomplete");
        send_json(s, json_pack("{s:s,s:b,s:i,s:s}", "type", "key-auth", "success", 0, "status_code",
                               400, "status", "incomplete_payload"));
        return;
    }
    sign_delta(t->secret, "GET", seconds, "/live", "", 0, mac);
    int64_t away = now_of(s->v) / NS_A_SECOND - atoll(seconds);
    int virtual_time = s->v->options.virtual_time;
    const char *why = strcmp(key, t->key) != 0                   ? "api_key_not_found"
                      : strcmp(mac, given) != 0                  ? "invalid_signature"
                      : !virtual_time && (away > 5 || away < -5) ? "request_expired"
                                                                 : NULL;
    if (why) {
        if (strcmp(why, "request_expired") != 0 || !s->v->options.skew_ns)
            complain_session(s, "key-auth: %s", why);
        send_json(s, json_pack("{s:s,s:b,s:i,s:s}", "type", "key-auth", "success", 0, "status_code",
                               *why == 'a'   ? 404
                               : *why == 'r' ? 408
                                             : 401,
                               "status", why));
        return;
    }
    s->account.is_authenticated = 1;
    send_json(s, json_pack("{s:s,s:b,s:i,s:s}", "type", "key-auth", "success", 1, "status_code",
                           200, "status", "authenticated"));
}

static int64_t micros_now(session *s)
{
    return now_of(s->v) / 1000;
}

static void delta_snapshot(session *s, int bit)
{
    trading *t = s->v->trading;
    for (int m = 0; m < t->e.n_markets && bit != TRADES && bit != TRADES_LONG; m++) {
        json_t *rows = json_array();
        if (bit == ORDERS)
            for (size_t i = t->e.first_live; i < t->e.n_orders; i++)
                if (t->e.orders[i].market == m && engine_is_live(&t->e.orders[i]))
                    json_array_append_new(rows, delta_order(t, &t->e.orders[i]));
        if (bit == POSITIONS && t->e.markets[m].position)
            json_array_append_new(rows, delta_position(t, m, 1));
        if (bit == MARGINS) {
            json_decref(rows);
            continue;
        }
        stream_push(s, bit == ORDERS ? "orders" : "positions",
                    json_pack("{s:s,s:s,s:b,s:s,s:{s:I,s:I},s:o}", "type",
                              bit == ORDERS ? "orders" : "positions", "action", "snapshot",
                              "success", 1, "symbol", t->v->markets[m].instrument->name, "meta",
                              "seq_no", (json_int_t)s->account.sequence, "timestamp",
                              (json_int_t)micros_now(s), "result", rows));
    }
}

static void delta_subscribe(session *s, json_t *message, int is_off)
{
    json_t *channels = json_object_get(json_object_get(message, "payload"), "channels"), *one,
           *told = json_array();
    trading *t = s->v->trading;
    size_t i;
    keys_unknown(s, message, "subscribe", "type payload");
    json_array_foreach(channels, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        json_t *symbols = json_object_get(one, "symbols"), *symbol;
        int bit = delta_bit(name);
        size_t k;
        keys_unknown(s, one, "subscribe", "name symbols");
        json_array_foreach(symbols, k, symbol)
        {
            const char *word = json_string_value(symbol);
            if (!word || (strcmp(word, "all") != 0 && traded_named(t, word) < 0))
                complain_session(s, "subscribe: there is no symbol \"%s\"", word ? word : "");
        }
        if (!s->account.is_authenticated) {
            complain_session(s, "a private channel before key-auth");
            json_array_append_new(told, json_pack("{s:s,s:s}", "name", name ? name : "", "error",
                                                  "subscription forbidden on this channel"));
            continue;
        }
        if (bit != MARGINS && !is_off && json_array_size(symbols) == 0) {
            complain_session(s, "channel %s without symbols: no data would come", name);
            continue;
        }
        if (is_off)
            s->account.channels &= ~bit;
        else
            s->account.channels |= bit;
        json_array_append(told, one);
    }
    send_json(s, json_pack("{s:s,s:o}", "type", "subscriptions", "channels", told));
    s->account.at_event = t->e.n_events;
    json_array_foreach(channels, i, one)
    {
        json_t *symbols = json_object_get(one, "symbols");
        const char *first = json_string_value(json_array_get(symbols, 0));
        if (s->account.is_authenticated && !is_off && !(first && strcmp(first, "all") == 0))
            delta_snapshot(s, delta_bit(json_string_value(json_object_get(one, "name"))));
    }
}

int delta_stream_received(session *s, json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));
    if (!s->v->trading || !type)
        return 0;
    if (strcmp(type, "key-auth") == 0) {
        authenticate(s, message);
        return 1;
    }
    if (strcmp(type, "unauth") == 0) {
        s->account.is_authenticated = s->account.channels = 0;
        return 1;
    }
    if (strcmp(type, "subscribe") == 0 || strcmp(type, "unsubscribe") == 0) {
        json_t *channels = json_object_get(json_object_get(message, "payload"), "channels"), *one;
        size_t i;
        int is_private = 0;
        json_array_foreach(channels, i, one) is_private |=
            delta_bit(json_string_value(json_object_get(one, "name")));
        if (is_private)
            delta_subscribe(s, message, *type == 'u');
        return is_private != 0;
    }
    return 0;
}

static void delta_order_frame(session *s, const engine_event *e)
{
    static const char *const actions[] = {
        [EVENT_NEW] = "create",       [EVENT_TRIGGERED] = "update", [EVENT_FILL] = "update",
        [EVENT_CANCELLED] = "delete", [EVENT_EXPIRED] = "delete",   [EVENT_AMENDED] = "update"};
    trading *t = s->v->trading;
    json_t *frame = delta_order(t, &e->order);
    const char *action = actions[e->kind], *reason = NULL;
    if (e->kind == EVENT_FILL) {
        reason = "fill";
        if (e->order.state == ORDER_CLOSED)
            action = "delete";
    }
    if (e->kind == EVENT_TRIGGERED)
        reason = "stop_trigger";
    if (e->kind == EVENT_AMENDED && e->order.trigger)
        reason = "stop_update";
    if (e->kind == EVENT_CANCELLED && e->order.trigger)
        reason = "stop_cancel";
    json_object_set(frame, "order_id", json_object_get(frame, "id"));
    json_object_del(frame, "id");
    json_object_set_new(frame, "type", json_string("orders"));
    json_object_set_new(frame, "action", json_string(action));
    json_object_set_new(frame, "reason", reason ? json_string(reason) : json_null());
    json_object_set(frame, "symbol", json_object_get(frame, "product_symbol"));
    json_object_set_new(frame, "seq_no", json_integer(++s->account.sequence));
    json_object_set_new(frame, "timestamp", json_integer(e->time_ns / 1000));
    stream_push(s, "orders", frame);
}

static void delta_fill_frame(session *s, const engine_event *e, int is_long)
{
    trading *t = s->v->trading;
    const engine_fill *f = &t->e.fills[e->fill - 1];
    const char *symbol = t->v->markets[f->market].instrument->name;
    json_t *price = json_short(f->price, t->e.markets[f->market].price_decimals);
    const char *side = f->side == SIDE_BUY ? "buy" : "sell",
               *role = f->is_maker ? "maker" : "taker";
    const char *kind = f->is_liquidation ? "liquidation" : "normal";
    json_t *client = *e->order.client_id ? json_string(e->order.client_id) : json_null();
    char id[24];
    snprintf(id, sizeof id, "%llu", (unsigned long long)f->id);
    if (is_long)
        stream_push(s, "user_trades",
                    json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:o,s:I,s:s,s:o,s:I,s:I}", "type",
                              "user_trades", "symbol", symbol, "fill_id", id, "reason", kind,
                              "order_id", (json_int_t)f->order, "side", side, "size",
                              (json_int_t)f->qty, "price", price, "position",
                              (json_int_t)f->position_after, "role", role, "client_order_id",
                              client, "timestamp", (json_int_t)(f->time_ns / 1000), "seq_no",
                              (json_int_t)++s->account.sequence));
    else
        stream_push(s, "v2/user_trades",
                    json_pack("{s:s,s:s,s:s,s:s,s:i,s:I,s:s,s:I,s:o,s:I,s:s,s:o,s:I,s:I}", "type",
                              "v2/user_trades", "sy", symbol, "f", id, "R", kind, "u", 453671, "o",
                              (json_int_t)f->order, "S", side, "s", (json_int_t)f->qty, "p", price,
                              "po", (json_int_t)f->position_after, "r", role, "c", client, "t",
                              (json_int_t)(f->time_ns / 1000), "se",
                              (json_int_t)++s->account.sequence));
}

static void delta_event(session *s, const engine_event *e)
{
    trading *t = s->v->trading;
    int channels = s->account.channels;
    if (e->kind <= EVENT_AMENDED && (channels & ORDERS))
        delta_order_frame(s, e);
    if (e->kind == EVENT_FILL && (channels & TRADES))
        delta_fill_frame(s, e, 0);
    if (e->kind == EVENT_FILL && (channels & TRADES_LONG))
        delta_fill_frame(s, e, 1);
    if (e->kind == EVENT_POSITION && (channels & POSITIONS)) {
        engine_market then = t->e.markets[e->market];
        engine_market now = then;
        then.position = e->position;
        then.basis_e8 = e->basis_e8;
        t->e.markets[e->market] = then;
        json_t *frame = delta_position(t, e->market, 1);
        t->e.markets[e->market] = now;
        json_object_set_new(frame, "type", json_string("positions"));
        json_object_set_new(frame, "action", json_string(e->position ? "update" : "delete"));
        json_object_set_new(frame, "reason", json_null());
        json_object_set(frame, "symbol", json_object_get(frame, "product_symbol"));
        stream_push(s, "positions", frame);
    }
    if (e->kind == EVENT_BALANCE && (channels & MARGINS))
        stream_push(s, "margins",
                    json_pack("{s:s,s:s,s:o,s:o,s:I}", "type", "margins", "asset_symbol",
                              t->e.assets[e->asset].name, "balance", json_fixed(e->balance_e8, 8),
                              "available_balance", json_fixed(engine_available(&t->e, e->asset), 8),
                              "timestamp", (json_int_t)(e->time_ns / 1000)));
}

void delta_stream_tick(session *s)
{
    trading *t = s->v->trading;
    if (!t)
        return;
    if (!s->v->options.virtual_time)
        trading_advance(t, now_of(s->v));
    if (!s->account.channels)
        s->account.at_event = t->e.n_events;
    while (s->account.at_event < t->e.n_events)
        delta_event(s, &t->e.events[s->account.at_event++]);
}

/* ---- Kraken ---- */

static json_t *number(int64_t units, int decimals)
{
    char out[40];
    return json_real(strtod(fixed_of(units, decimals, out), NULL));
}

static json_t *time_text(int64_t time_ns)
{
    text t = {0};
    text_add_time(&t, time_ns, 6);
    json_t *out = json_string(t.data);
    text_finish(&t);
    return out;
}

static const char *stream_name(const market_instrument *p)
{
    return p->alias[2] ? p->alias[2] : p->alias[1];
}

static json_t *execution(trading *t, const engine_order *o, const char *exec_type)
{
    static const char *const types[3][2] = {{"limit", "market"},
                                            {"stop-loss-limit", "stop-loss"},
                                            {"take-profit-limit", "take-profit"}};
    static const char *const states[] = {"new", "new", "filled", "canceled", "expired"};
    const engine_market *m = &t->e.markets[o->market];
    char txid[24];
    const char *state = o->state == ORDER_OPEN && o->filled ? "partially_filled" : states[o->state];
    json_t *out = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "order_id", kraken_txid('O', o->id, txid),
        "exec_type", exec_type, "order_status", state, "symbol",
        stream_name(t->v->markets[o->market].instrument), "side",
        o->side == SIDE_BUY ? "buy" : "sell", "order_type",
        types[o->trigger][o->kind == KIND_MARKET], "order_qty", number(o->qty, m->qty_decimals),
        "cum_qty", number(o->filled, m->qty_decimals), "cum_cost", number(o->value_e8 / 1000, 5));
    if (*o->client_id)
        json_object_set_new(out, "cl_ord_id", json_string(o->client_id));
    if (o->has_userref)
        json_object_set_new(out, "order_userref", json_integer(o->userref));
    if (o->kind == KIND_LIMIT)
        json_object_set_new(out, "limit_price", number(o->price, m->price_decimals));
    if (o->filled)
        json_object_set_new(out, "avg_price",
                            number(engine_average_price(&t->e, o), m->price_decimals));
    if (o->trigger != TRIGGER_NONE)
        json_object_set_new(out, "triggers",
                            json_pack("{s:s,s:o,s:s,s:s}", "reference", "last", "price",
                                      number(o->trigger_price, m->price_decimals), "price_type",
                                      "static", "status",
                                      o->is_triggered ? "triggered" : "untriggered"));
    json_object_set_new(out, "reduce_only", json_boolean(o->is_reduce_only));
    json_object_set_new(out, "post_only", json_boolean(o->is_post_only));
    json_object_set_new(out, "time_in_force",
                        json_string(o->is_ioc       ? "IOC"
                                    : o->expires_ns ? "GTD"
                                                    : "GTC"));
    if (*o->reason)
        json_object_set_new(out, "reason", json_string(o->reason));
    return out;
}

static void frame(session *s, const char *channel, const char *type, json_t *data)
{
    stream_push(s, channel,
                json_pack("{s:s,s:s,s:o,s:I}", "channel", channel, "type", type, "data", data,
                          "sequence", (json_int_t)++s->account.sequence));
}

static json_t *timed(json_t *out, int64_t time_ns)
{
    json_object_set_new(out, "timestamp", time_text(time_ns));
    return out;
}

static json_t *fill_execution(trading *t, const engine_event *e)
{
    const engine_fill *f = &t->e.fills[e->fill - 1];
    const engine_market *m = &t->e.markets[f->market];
    engine_order then = e->order;
    char txid[24];
    /* A trade says partially filled even when it is the last. */
    if (then.state == ORDER_CLOSED)
        then.state = ORDER_OPEN;
    json_t *out = execution(t, &then, "trade");
    json_object_set_new(out, "exec_id", json_string(kraken_txid('T', f->id, txid)));
    json_object_set_new(out, "trade_id", json_integer((json_int_t)f->id));
    json_object_set_new(out, "last_qty", number(f->qty, m->qty_decimals));
    json_object_set_new(out, "last_price", number(f->price, m->price_decimals));
    json_object_set_new(out, "cost", number(f->value_e8 / 1000, 5));
    json_object_set_new(out, "liquidity_ind", json_string(f->is_maker ? "m" : "t"));
    json_object_set_new(out, "fees",
                        json_pack("[{s:s,s:o}]", "asset",
                                  strncmp(t->e.assets[m->quote].name, "Z", 1) == 0
                                      ? t->e.assets[m->quote].name + 1
                                      : t->e.assets[m->quote].name,
                                  "qty", number(f->fee_e8 / 1000, 5)));
    json_object_set_new(out, "fee_usd_equiv", number(f->fee_e8 / 1000, 5));
    return out;
}

static void kraken_reply(session *s, json_t *message, json_t *result, const char *error)
{
    json_t *out =
        json_pack("{s:s,s:b,s:o,s:o}", "method",
                  json_string_value(json_object_get(message, "method")), "success", error == NULL,
                  "time_in", time_text(now_of(s->v)), "time_out", time_text(now_of(s->v) + 40000));
    if (error)
        json_object_set_new(out, "error", json_string(error));
    if (result)
        json_object_set_new(out, "result", result);
    if (json_object_get(message, "req_id"))
        json_object_set(out, "req_id", json_object_get(message, "req_id"));
    send_json(s, out);
}

static void kraken_snapshots(session *s, int bit, json_t *params)
{
    trading *t = s->v->trading;
    json_t *rows = json_array();
    if (bit == EXECUTIONS) {
        if (!json_is_false(json_object_get(params, "snap_orders")))
            for (size_t i = t->e.first_live; i < t->e.n_orders; i++)
                if (engine_is_live(&t->e.orders[i]))
                    json_array_append_new(rows, timed(execution(t, &t->e.orders[i], "new"),
                                                      t->e.orders[i].updated_ns));
        if (json_is_true(json_object_get(params, "snap_trades")))
            for (size_t i = t->e.n_fills > 50 ? t->e.n_fills - 50 : 0; i < t->e.n_fills; i++) {
                engine_event e = {.fill = i + 1,
                                  .order = *engine_order_at(&t->e, t->e.fills[i].order)};
                json_array_append_new(rows, timed(fill_execution(t, &e), t->e.fills[i].time_ns));
            }
        frame(s, "executions", "snapshot", rows);
        return;
    }
    for (int i = 0; i < t->e.n_assets; i++)
        json_array_append_new(rows, json_pack("{s:s,s:s,s:o,s:[]}", "asset", t->e.assets[i].name,
                                              "asset_class", "currency", "balance",
                                              number(t->e.assets[i].amount, 8), "wallets"));
    frame(s, "balances", "snapshot", rows);
}

int kraken_stream_received(session *s, json_t *message)
{
    const char *method = json_string_value(json_object_get(message, "method"));
    json_t *params = json_object_get(message, "params");
    const char *channel = json_string_value(json_object_get(params, "channel"));
    trading *t = s->v->trading;
    if (!t || !method || !channel ||
        (strcmp(method, "subscribe") != 0 && strcmp(method, "unsubscribe") != 0))
        return 0;
    int bit = strcmp(channel, "executions") == 0 ? EXECUTIONS
              : strcmp(channel, "balances") == 0 ? BALANCES
                                                 : 0;
    if (!bit)
        return 0;
    const char *token = json_string_value(json_object_get(params, "token"));
    keys_unknown(s, message, method, "method params req_id");
    keys_unknown(s, params, method,
                 bit == EXECUTIONS
                     ? "channel token snap_orders snap_trades order_status ratecounter"
                     : "channel token snapshot");
    if (!token || !*t->token || strcmp(token, t->token) != 0) {
        complain_session(s, "%s without the newest token", method);
        kraken_reply(s, message, NULL, "ESession:Invalid session");
        return 1;
    }
    if (!s->v->options.virtual_time && now_of(s->v) - t->token_ns > 900 * NS_A_SECOND) {
        complain_session(s, "the token is older than 15 min");
        kraken_reply(s, message, NULL, "ESession:Invalid session");
        return 1;
    }
    int is_on = *method == 's';
    kraken_reply(s, message, json_pack("{s:s}", "channel", channel), NULL);
    if (!is_on) {
        s->account.channels &= ~bit;
        return 1;
    }
    if (!s->account.channels)
        s->account.at_event = t->e.n_events;
    s->account.channels |= bit;
    kraken_snapshots(s, bit, params);
    return 1;
}

static void kraken_event(session *s, const engine_event *e)
{
    static const char *const types[] = {[EVENT_NEW] = "new",
                                        [EVENT_TRIGGERED] = "status",
                                        [EVENT_CANCELLED] = "canceled",
                                        [EVENT_EXPIRED] = "expired",
                                        [EVENT_AMENDED] = "amended"};
    trading *t = s->v->trading;
    if (e->kind == EVENT_BALANCE && (s->account.channels & BALANCES)) {
        frame(s, "balances", "update",
              json_pack("[{s:s,s:s,s:o,s:o,s:s,s:o}]", "asset", t->e.assets[e->asset].name,
                        "asset_class", "currency", "amount", number(e->change_e8, 8), "balance",
                        number(e->balance_e8, 8), "type", "trade", "timestamp",
                        time_text(e->time_ns)));
        return;
    }
    if (e->kind > EVENT_AMENDED || !(s->account.channels & EXECUTIONS))
        return;
    if (e->kind == EVENT_FILL) {
        frame(s, "executions", "update", json_pack("[o]", timed(fill_execution(t, e), e->time_ns)));
        if (e->order.state == ORDER_CLOSED)
            frame(s, "executions", "update",
                  json_pack("[o]", timed(execution(t, &e->order, "filled"), e->time_ns)));
        return;
    }
    if (e->kind == EVENT_NEW) {
        json_t *pending = execution(t, &e->order, "pending_new");
        json_object_set_new(pending, "order_status", json_string("pending_new"));
        frame(s, "executions", "update", json_pack("[o]", timed(pending, e->time_ns)));
    }
    frame(s, "executions", "update",
          json_pack("[o]", timed(execution(t, &e->order, types[e->kind]), e->time_ns)));
}

void kraken_stream_tick(session *s)
{
    trading *t = s->v->trading;
    if (!t)
        return;
    if (!s->v->options.virtual_time)
        trading_advance(t, now_of(s->v));
    if (!s->account.channels)
        s->account.at_event = t->e.n_events;
    while (s->account.at_event < t->e.n_events)
        kraken_event(s, &t->e.events[s->account.at_event++]);
    if (s->account.channels && s->n_subs == 0 && real_ms() - s->sent_ms >= 1000)
        send_json(s, json_pack("{s:s}", "channel", "heartbeat"));
}
