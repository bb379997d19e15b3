/* Kraken's private REST calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kraken_trade.h"

static const char *word(const trading *t, const char *name)
{
    const char *s = json_string_value(json_object_get(t->said, name));
    return s ? s : "";
}

static void fail(request *r, const char *error)
{
    reply_json(r, json_pack("{s:[s]}", "error", error));
}

static void done(request *r, json_t *result)
{
    reply_json(r, json_pack("{s:[],s:o}", "error", "result", result));
}

static engine_order *order_with_txid(trading *t, const char *txid)
{
    char one[24];
    for (size_t i = t->e.n_orders; i-- > 0;)
        if (strcmp(kraken_txid('O', t->e.orders[i].id, one), txid) == 0)
            return &t->e.orders[i];
    return NULL;
}

static engine_order *open_with_client_id(trading *t, const char *id)
{
    for (size_t i = t->e.first_live; i < t->e.n_orders; i++)
        if (engine_is_live(&t->e.orders[i]) && strcmp(t->e.orders[i].client_id, id) == 0)
            return &t->e.orders[i];
    return NULL;
}

static void refuse(request *r, engine_refusal why)
{
    static const char *const errors[] = {[REFUSE_TICK] = "EOrder:Tick size check failed",
                                         [REFUSE_LOT] = "EGeneral:Invalid arguments:volume",
                                         [REFUSE_MINIMUM] = "EOrder:Order minimum not met",
                                         [REFUSE_COST_MINIMUM] = "EOrder:Cost minimum not met",
                                         [REFUSE_FUNDS] = "EOrder:Insufficient funds",
                                         [REFUSE_MARGIN] = "EOrder:Insufficient margin",
                                         [REFUSE_POST_ONLY] = "EOrder:Post only order",
                                         [REFUSE_REDUCE_ONLY] =
                                             "EOrder:Reduce only:No position exists",
                                         [REFUSE_NO_PRICE] = "EService:Unavailable",
                                         [REFUSE_STATE] = "EOrder:Unknown order"};
    if (why == REFUSE_TICK || why == REFUSE_LOT)
        complain_request(r, "%s", errors[why]);
    fail(r, why < sizeof errors / sizeof errors[0] && errors[why] ? errors[why]
                                                                  : "EGeneral:Internal error");
}

/* RFC 3339 in UTC into nanoseconds. */
static int64_t time_of(const char *s)
{
    struct tm at = {0};
    char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &at);
    if (!rest)
        return 0;
    int64_t ns = timegm(&at) * NS_A_SECOND, unit = NS_A_SECOND / 10;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            ns += (*rest - '0') * unit;
    return ns;
}

static int kind_of(const char *type, engine_kind *kind, engine_trigger *trigger)
{
    static const struct {
        const char *name;
        engine_kind kind;
        engine_trigger trigger;
    } names[] = {{"market", KIND_MARKET, TRIGGER_NONE},
                 {"limit", KIND_LIMIT, TRIGGER_NONE},
                 {"stop-loss", KIND_MARKET, TRIGGER_STOP},
                 {"stop-loss-limit", KIND_LIMIT, TRIGGER_STOP},
                 {"take-profit", KIND_MARKET, TRIGGER_PROFIT},
                 {"take-profit-limit", KIND_LIMIT, TRIGGER_PROFIT}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].name, type) == 0) {
            *kind = names[i].kind;
            *trigger = names[i].trigger;
            return 1;
        }
    return 0;
}

static int prices(trading *t, int which, const char *first, const char *second, engine_kind kind,
                  engine_trigger trigger, int64_t *price, int64_t *trigger_price)
{
    int decimals = t->e.markets[which].price_decimals;
    *price = *trigger_price = 0;
    if (trigger != TRIGGER_NONE)
        return units_of(first, decimals, trigger_price) &&
               (kind == KIND_MARKET || units_of(second, decimals, price));
    return kind == KIND_MARKET || units_of(first, decimals, price);
}

/* Reads the form into an order; 0 when an answer has been given. */
static int order_of(request *r, trading *t, engine_order *want)
{
    int which = traded_named(t, word(t, "pair"));
    if (which < 0) {
        complain_request(r, "there is no pair \"%s\"", word(t, "pair"));
        fail(r, "EQuery:Unknown asset pair");
        return 0;
    }
    want->market = which;
    want->side = strcmp(word(t, "type"), "buy") == 0 ? SIDE_BUY : SIDE_SELL;
    const char *close = word(t, "close[ordertype]"), *leverage = word(t, "leverage");
    if (!kind_of(word(t, "ordertype"), &want->kind, &want->trigger) ||
        (*close && !kind_of(close, &want->close_kind, &want->close_trigger)) ||
        strstr(word(t, "oflags"), "viqc") || strstr(word(t, "oflags"), "fcib") ||
        atoi(word(t, "starttm")) != 0) {
        complain_request(r, "this kind of order is not served here");
        fail(r, "EGeneral:Invalid arguments:ordertype");
        return 0;
    }
    want->has_close = *close != 0;
    if (!units_of(word(t, "volume"), t->e.markets[which].qty_decimals, &want->qty)) {
        refuse(r, REFUSE_LOT);
        return 0;
    }
    if (!prices(t, which, word(t, "price"), word(t, "price2"), want->kind, want->trigger,
                &want->price, &want->trigger_price) ||
        (*close &&
         !prices(t, which, word(t, "close[price]"), word(t, "close[price2]"), want->close_kind,
                 want->close_trigger, &want->close_price, &want->close_trigger_price))) {
        refuse(r, REFUSE_TICK);
        return 0;
    }
    want->is_margin = *leverage != 0;
    want->leverage = atoll(leverage) * 100;
    want->is_reduce_only = strcmp(word(t, "reduce_only"), "true") == 0;
    want->is_post_only = strstr(word(t, "oflags"), "post") != NULL;
    want->is_ioc = strcmp(word(t, "timeinforce"), "IOC") == 0;
    const char *expires = word(t, "expiretm");
    if (*expires == '+')
        want->expires_ns = t->e.now_ns + atoll(expires + 1) * NS_A_SECOND;
    else if (*expires)
        want->expires_ns = atoll(expires) * NS_A_SECOND;
    snprintf(want->client_id, sizeof want->client_id, "%s", word(t, "cl_ord_id"));
    want->has_userref = *word(t, "userref") != 0;
    want->userref = atoi(word(t, "userref"));
    return 1;
}

/* 0 and an answer when the order came too late, or its deadline is none. */
static int in_time(request *r, trading *t)
{
    const char *deadline = word(t, "deadline");
    if (!*deadline)
        return 1;
    int64_t left = time_of(deadline) - r->now_ns;
    if (left < 0) {
        fail(r, "EService:Deadline elapsed");
        return 0;
    }
    if (left > INT64_C(60) * NS_A_SECOND) {
        complain_request(r, "the deadline is more than 60 s ahead");
        fail(r, "EGeneral:Invalid arguments:deadline");
        return 0;
    }
    return 1;
}

static void add_order(request *r, trading *t)
{
    engine_order want = {0};
    if (!in_time(r, t) || !order_of(r, t, &want))
        return;
    if (*want.client_id && open_with_client_id(t, want.client_id)) {
        fail(r, "EGeneral:Invalid arguments:cl_ord_id");
        return;
    }
    for (size_t i = 0; *want.client_id && i < t->e.n_orders; i++)
        if (strcmp(t->e.orders[i].client_id, want.client_id) == 0 &&
            (t->e.orders[i].filled > 0 || t->e.orders[i].trigger == TRIGGER_NONE))
            complain_request(r, "the cl_ord_id \"%s\" was accepted before", want.client_id);
    int validate = strcmp(word(t, "validate"), "true") == 0;
    uint64_t id = 0;
    int64_t more = 0;
    trading_partial(r, &want);
    engine_refusal refusal = engine_place(&t->e, &want, validate, &id, &more);
    if (refusal != REFUSE_NONE) {
        refuse(r, refusal);
        return;
    }
    text order = {0}, close = {0};
    kraken_describe(t, &want, &order, &close);
    json_t *descr = json_pack("{s:s}", "order", order.data);
    if (want.has_close)
        json_object_set_new(descr, "close", json_string(close.data));
    json_t *result = json_pack("{s:o}", "descr", descr);
    char txid[24];
    if (!validate)
        json_object_set_new(result, "txid", json_pack("[s]", kraken_txid('O', id, txid)));
    done(r, result);
    text_finish(&order);
    text_finish(&close);
}

static engine_order *named_order(trading *t)
{
    const char *txid = word(t, "txid");
    return *txid ? order_with_txid(t, txid) : open_with_client_id(t, word(t, "cl_ord_id"));
}

static void cancel_order(request *r, trading *t)
{
    const char *txid = word(t, "txid");
    engine_order *o = named_order(t);
    int n = 0;
    if (!o && *txid && strspn(txid, "-0123456789") == strlen(txid)) {
        /* A userref names a group. */
        for (size_t i = t->e.first_live; i < t->e.n_orders; i++)
            if (t->e.orders[i].has_userref && t->e.orders[i].userref == atoi(txid))
                n += engine_cancel(&t->e, t->e.orders[i].id, "User requested");
    } else if (o) {
        n = engine_cancel(&t->e, o->id, "User requested");
    }
    if (n == 0)
        fail(r, "EOrder:Unknown order");
    else
        done(r, json_pack("{s:i}", "count", n));
}

static void amend_order(request *r, trading *t)
{
    engine_order *o = named_order(t);
    int64_t price = 0, trigger = 0, qty = 0;
    if (!in_time(r, t))
        return;
    if (!o || !engine_is_live(o)) {
        fail(r, "EOrder:Unknown order");
        return;
    }
    const engine_market *m = &t->e.markets[o->market];
    if ((*word(t, "limit_price") && !units_of(word(t, "limit_price"), m->price_decimals, &price)) ||
        (*word(t, "trigger_price") &&
         !units_of(word(t, "trigger_price"), m->price_decimals, &trigger)) ||
        (*word(t, "order_qty") && !units_of(word(t, "order_qty"), m->qty_decimals, &qty))) {
        refuse(r, REFUSE_TICK);
        return;
    }
    engine_refusal refusal = engine_amend(&t->e, o->id, price, trigger, qty);
    if (refusal != REFUSE_NONE)
        refuse(r, refusal);
    else
        done(r, json_pack("{s:s}", "amend_id", "TTW6PD-RC36L-ZZSWNU"));
}

static void open_orders(request *r, trading *t)
{
    json_t *open = json_object();
    char txid[24];
    for (size_t i = t->e.first_live; i < t->e.n_orders; i++) {
        const engine_order *o = &t->e.orders[i];
        const char *id = word(t, "cl_ord_id"), *ref = word(t, "userref");
        if (engine_is_live(o) && (!*id || strcmp(id, o->client_id) == 0) &&
            (!*ref || (o->has_userref && o->userref == atoi(ref))))
            json_object_set_new(open, kraken_txid('O', o->id, txid),
                                kraken_order_json(t, o, strcmp(word(t, "trades"), "true") == 0));
    }
    done(r, json_pack("{s:o}", "open", open));
}

/* The time of `start` or `end`: unix seconds, or the transaction itself. */
static int64_t bound(trading *t, const char *name, int64_t otherwise)
{
    const char *s = word(t, name);
    engine_order *o = *s == 'O' ? order_with_txid(t, s) : NULL;
    if (o)
        return o->created_ns;
    char txid[24];
    for (size_t i = 0; *s == 'T' && i < t->e.n_fills; i++)
        if (strcmp(kraken_txid('T', t->e.fills[i].id, txid), s) == 0)
            return t->e.fills[i].time_ns;
    return *s ? (int64_t)(strtod(s, NULL) * 1e6) * 1000 : otherwise;
}

static void closed_orders(request *r, trading *t)
{
    json_t *closed = json_object();
    int64_t start = bound(t, "start", 0), end = bound(t, "end", INT64_MAX);
    int64_t skip = atoll(word(t, "ofs"));
    int n = 0;
    char txid[24];
    for (size_t i = t->e.n_orders; i-- > 0;) {
        const engine_order *o = &t->e.orders[i];
        const char *id = word(t, "cl_ord_id"), *ref = word(t, "userref");
        int by_open = strcmp(word(t, "closetime"), "open") == 0;
        int64_t at = by_open ? o->created_ns : o->updated_ns;
        if (engine_is_live(o) || at <= start || at > end || (*id && strcmp(id, o->client_id)) ||
            (*ref && (!o->has_userref || o->userref != atoi(ref))))
            continue;
        if (n >= skip && n < skip + 50)
            json_object_set_new(closed, kraken_txid('O', o->id, txid),
                                kraken_order_json(t, o, strcmp(word(t, "trades"), "true") == 0));
        n++;
    }
    done(r, json_pack("{s:o,s:i}", "closed", closed, "count", n));
}

static void query_orders(request *r, trading *t)
{
    json_t *found = json_object();
    char list[1200], *save = NULL;
    snprintf(list, sizeof list, "%s", word(t, "txid"));
    for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        engine_order *o = order_with_txid(t, one);
        if (!o) {
            json_decref(found);
            fail(r, "EOrder:Unknown order");
            return;
        }
        json_object_set_new(found, one,
                            kraken_order_json(t, o, strcmp(word(t, "trades"), "true") == 0));
    }
    done(r, found);
}

static void trades_history(request *r, trading *t)
{
    json_t *trades = json_object();
    int64_t start = bound(t, "start", 0), end = bound(t, "end", INT64_MAX);
    int64_t skip = atoll(word(t, "ofs"));
    int n = 0;
    char txid[24];
    for (size_t i = t->e.n_fills; i-- > 0;) {
        const engine_fill *f = &t->e.fills[i];
        if (f->time_ns <= start || f->time_ns > end)
            continue;
        if (n >= skip && n < skip + 50)
            json_object_set_new(trades, kraken_txid('T', f->id, txid), kraken_trade_json(t, f));
        n++;
    }
    done(r, json_pack("{s:o,s:i}", "trades", trades, "count", n));
}

static void query_trades(request *r, trading *t)
{
    json_t *found = json_object();
    char list[1200], *save = NULL, txid[24];
    snprintf(list, sizeof list, "%s", word(t, "txid"));
    for (char *one = strtok_r(list, ",", &save); one; one = strtok_r(NULL, ",", &save))
        for (size_t i = 0; i < t->e.n_fills; i++)
            if (strcmp(kraken_txid('T', t->e.fills[i].id, txid), one) == 0)
                json_object_set_new(found, one, kraken_trade_json(t, &t->e.fills[i]));
    done(r, found);
}

static void balance(request *r, trading *t, int is_extended)
{
    json_t *out = json_object();
    for (int i = 0; i < t->e.n_assets; i++) {
        const engine_asset *a = &t->e.assets[i];
        int64_t cut = a->decimals == 4 ? a->amount / 10000 : a->amount * 100;
        int64_t held = engine_order_margin(&t->e, i);
        if (!is_extended)
            json_object_set_new(out, a->name, json_fixed(cut, a->decimals));
        else
            json_object_set_new(out, a->name,
                                json_pack("{s:o,s:o}", "balance", json_fixed(cut, a->decimals),
                                          "hold_trade", json_fixed(held, 8)));
    }
    done(r, out);
}

static void trade_balance(request *r, trading *t)
{
    int quote = t->e.markets[0].quote;
    int64_t cash = t->e.assets[quote].amount, worth = cash, margin = 0, pnl = 0, cost = 0;
    for (int i = 0; i < t->e.n_markets; i++) {
        const engine_market *m = &t->e.markets[i];
        if (m->quote != quote)
            continue;
        worth += m->price ? engine_value(m, t->e.assets[m->base].amount, m->price) : 0;
        margin += engine_position_margin(m);
        cost += m->basis_e8;
        pnl += m->position ? engine_unrealized(m) : 0;
    }
    int64_t equity = worth + pnl;
    json_t *out =
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "eb", json_fixed(worth / 10000, 4), "tb",
                  json_fixed(worth / 10000, 4), "m", json_fixed(margin / 10000, 4), "n",
                  json_fixed(pnl / 10000, 4), "c", json_fixed(cost / 10000, 4), "v",
                  json_fixed((cost + pnl) / 10000, 4), "e", json_fixed(equity / 10000, 4), "mf",
                  json_fixed((equity - margin) / 10000, 4), "uv", "0.0000");
    if (margin)
        json_object_set_new(out, "ml", json_fixed(equity / (margin / 10000), 2));
    done(r, out);
}

static void open_positions(request *r, trading *t)
{
    json_t *out = json_object();
    char txid[24], order[24] = "";
    for (int i = 0; i < t->e.n_markets; i++) {
        const engine_market *m = &t->e.markets[i];
        int64_t size = m->position < 0 ? -m->position : m->position;
        if (size == 0)
            continue;
        for (size_t k = 0; k < t->e.n_fills; k++)
            if (t->e.fills[k].market == i)
                kraken_txid('O', t->e.fills[k].order, order);
        json_t *one = json_pack(
            "{s:s,s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:s,s:s}", "ordertxid", order, "pair",
            t->v->markets[i].instrument->name, "time", kraken_seconds_of(m->opened_ns), "type",
            m->position > 0 ? "buy" : "sell", "ordertype", "market", "cost",
            json_fixed(m->basis_e8 / 1000, 5), "fee", json_fixed(0, 5), "vol",
            json_fixed(size, m->qty_decimals), "vol_closed", json_fixed(0, m->qty_decimals),
            "margin", json_fixed(engine_position_margin(m) / 1000, 5), "posstatus", "open", "terms",
            "0.0200% per 4 hours", "rollovertm", "0");
        if (strcmp(word(t, "docalcs"), "true") == 0) {
            int64_t pnl = engine_unrealized(m);
            json_object_set_new(one, "value", json_fixed((m->basis_e8 + pnl) / 1000, 5));
            json_object_set_new(one, "net", json_fixed(pnl / 1000, 5));
        }
        json_object_set_new(out, kraken_txid('T', (uint64_t)m->opened_ns + (uint64_t)i, txid), one);
    }
    done(r, out);
}

static void cancel_after(request *r, trading *t)
{
    int64_t seconds = atoll(word(t, "timeout"));
    text now = {0}, then = {0};
    t->e.cancel_all_ns = seconds ? t->e.now_ns + seconds * NS_A_SECOND : 0;
    text_add_time(&now, t->e.now_ns, 0);
    text_add_time(&then, t->e.cancel_all_ns, 0);
    done(r,
         json_pack("{s:s,s:s}", "currentTime", now.data, "triggerTime", seconds ? then.data : "0"));
    text_finish(&now);
    text_finish(&then);
}

/* The call counter of the Pro tier; 0 when the client is too fast. */
static int count(request *r, trading *t)
{
    double scale = r->v->options.rate_scale;
    int64_t now = real_ms();
    if (scale < 0)
        return 1;
    t->counter -= (double)(now - t->counter_ns) * 1e-3 * scale;
    t->counter_ns = now;
    if (t->counter < 0)
        t->counter = 0;
    if (t->counter + t->call->weight > 20 * scale) {
        fail(r, "EAPI:Rate limit exceeded");
        return 0;
    }
    t->counter += t->call->weight;
    return 1;
}

void kraken_trade(request *r, trading *t)
{
    static const struct {
        const char *name;
        void (*serve)(request *r, trading *t);
    } calls[] = {{"AddOrder", add_order},
                 {"AmendOrder", amend_order},
                 {"CancelOrder", cancel_order},
                 {"OpenOrders", open_orders},
                 {"ClosedOrders", closed_orders},
                 {"QueryOrders", query_orders},
                 {"TradesHistory", trades_history},
                 {"QueryTrades", query_trades},
                 {"TradeBalance", trade_balance},
                 {"OpenPositions", open_positions},
                 {"CancelAllOrdersAfter", cancel_after}};
    const char *name = r->path + strlen("/0/private/");
    if (!count(r, t))
        return;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0) {
            calls[i].serve(r, t);
            return;
        }
    if (strcmp(name, "CancelAll") == 0) {
        done(r, json_pack("{s:i}", "count", engine_cancel_all(&t->e, -1, "User requested")));
    } else if (strcmp(name, "GetWebSocketsToken") == 0) {
        snprintf(t->token, sizeof t->token, "wick%016llx",
                 (unsigned long long)market_hash(5, t->nonce, 1));
        t->token_ns = r->now_ns;
        done(r, json_pack("{s:s,s:i}", "token", t->token, "expires", 900));
    } else {
        balance(r, t, strcmp(name, "BalanceEx") == 0);
    }
}
