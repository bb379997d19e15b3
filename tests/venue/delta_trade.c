/* Delta's private REST calls. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trading.h"

#define USER_ID 453671

static const char *word(const json_t *said, const char *name)
{
    return json_string_value(json_object_get(said, name));
}

static void fail(request *r, int status, const char *code, json_t *context)
{
    json_t *error = json_pack("{s:s}", "code", code);
    if (context)
        json_object_set_new(error, "context", context);
    r->status = status;
    reply_json(r, json_pack("{s:b,s:o}", "success", 0, "error", error));
}

static void done(request *r, json_t *result)
{
    reply_json(r, json_pack("{s:b,s:o}", "success", 1, "result", result));
}

static void set_price(json_t *out, const char *name, int64_t units, int decimals)
{
    json_object_set_new(out, name, units ? json_short(units, decimals) : json_null());
}

static json_t *micros(int64_t time_ns)
{
    char word_of[32];
    snprintf(word_of, sizeof word_of, "%lld", (long long)(time_ns / 1000));
    return json_string(word_of);
}

json_t *delta_order(trading *t, const engine_order *o)
{
    static const char *const states[] = {"pending", "open", "closed", "cancelled", "cancelled"};
    const engine_market *m = &t->e.markets[o->market];
    const market_instrument *p = t->v->markets[o->market].instrument;
    int decimals = m->price_decimals;
    json_t *out = json_pack(
        "{s:I,s:i,s:I,s:I,s:s,s:s,s:s,s:b,s:s,s:i,s:s,s:b}", "id", (json_int_t)o->id, "user_id",
        USER_ID, "size", (json_int_t)o->qty, "unfilled_size", (json_int_t)(o->qty - o->filled),
        "side", o->side == SIDE_BUY ? "buy" : "sell", "order_type",
        o->kind == KIND_LIMIT ? "limit_order" : "market_order", "state", states[o->state],
        "reduce_only", o->is_reduce_only, "time_in_force", o->is_ioc ? "ioc" : "gtc", "product_id",
        p->product_id, "product_symbol", p->name, "post_only", o->is_post_only);
    set_price(out, "limit_price", o->kind == KIND_LIMIT ? o->price : 0, decimals);
    json_object_set_new(out, "stop_order_type",
                        o->trigger == TRIGGER_STOP     ? json_string("stop_loss_order")
                        : o->trigger == TRIGGER_PROFIT ? json_string("take_profit_order")
                                                       : json_null());
    set_price(out, "stop_price", o->trigger_price, decimals);
    set_price(out, "average_fill_price", engine_average_price(&t->e, o), decimals);
    json_object_set_new(out, "paid_commission", json_short(o->fee_e8, 8));
    json_object_set_new(out, "commission", json_short(0, 8));
    json_object_set_new(out, "client_order_id",
                        *o->client_id ? json_string(o->client_id) : json_null());
    json_object_set_new(out, "created_at", micros(o->created_ns));
    json_object_set_new(out, "updated_at", micros(o->updated_ns));
    json_object_set_new(out, "bracket_order", json_boolean(o->is_bracket));
    set_price(out, "bracket_stop_loss_price", o->bracket_stop, decimals);
    set_price(out, "bracket_stop_loss_limit_price", o->bracket_stop_limit, decimals);
    set_price(out, "bracket_take_profit_price", o->bracket_profit, decimals);
    set_price(out, "bracket_take_profit_limit_price", o->bracket_profit_limit, decimals);
    json_object_set_new(out, "cancellation_reason",
                        *o->reason ? json_string(o->reason) : json_null());
    return out;
}

json_t *delta_position(trading *t, int which, int is_margined)
{
    const engine_market *m = &t->e.markets[which];
    const market_instrument *p = t->v->markets[which].instrument;
    json_t *out = json_pack("{s:i,s:I}", "user_id", USER_ID, "size", (json_int_t)m->position);
    set_price(out, "entry_price", engine_entry_price(m), m->price_decimals);
    if (!is_margined)
        return out;
    json_object_set_new(out, "product_id", json_integer(p->product_id));
    json_object_set_new(out, "product_symbol", json_string(p->name));
    json_object_set_new(out, "margin", json_short(engine_position_margin(m), 8));
    set_price(out, "liquidation_price", engine_liquidation_price(m), m->price_decimals);
    set_price(out, "bankruptcy_price", engine_liquidation_price(m), m->price_decimals);
    json_object_set_new(out, "adl_level", json_integer(0));
    json_object_set_new(out, "commission", json_short(0, 8));
    json_object_set_new(out, "realized_pnl", json_short(m->realized_e8, 8));
    json_object_set_new(out, "realized_funding", json_short(m->funding_e8, 8));
    return out;
}

static void refuse(request *r, trading *t, engine_refusal why, int64_t more_e8)
{
    (void)t;
    switch (why) {
    case REFUSE_TICK:
        complain_request(r, "a price is no multiple of the tick");
        fail(r, 400, "bad_schema", NULL);
        break;
    case REFUSE_FUNDS:
    case REFUSE_MARGIN:
        fail(r, 400, "insufficient_margin",
             json_pack("{s:o}", "additional_margin_required", json_short(more_e8, 8)));
        break;
    case REFUSE_POST_ONLY:
        fail(r, 400, "immediate_execution_post_only", NULL);
        break;
    case REFUSE_REDUCE_ONLY:
        fail(r, 400, "no_position_for_reduce_only", NULL);
        break;
    case REFUSE_NO_PRICE:
        fail(r, 400, "order_size_exceed_available", NULL);
        break;
    default:
        fail(r, 400, "bad_schema", NULL);
        break;
    }
}

/* The product that the request names; -1 and an error when there is none. */
static int product_of(request *r, trading *t)
{
    const char *symbol = word(t->said, "product_symbol");
    json_t *id = json_object_get(t->said, "product_id");
    int64_t number = json_is_string(id) ? atoll(json_string_value(id)) : json_integer_value(id);
    int which = symbol ? traded_named(t, symbol) : traded_with_id(t, number);
    if (which < 0) {
        complain_request(r, "there is no such product");
        fail(r, 400, "invalid_contract", NULL);
    }
    return which;
}

static int price_of(trading *t, int which, const json_t *said, const char *name, int64_t *out)
{
    const char *price = word(said, name);
    *out = 0;
    return !price || units_of(price, t->e.markets[which].price_decimals, out);
}

static engine_order *with_client_id(trading *t, const char *client_id)
{
    for (size_t i = t->e.n_orders; i-- > 0;)
        if (strcmp(t->e.orders[i].client_id, client_id) == 0)
            return &t->e.orders[i];
    return NULL;
}

static void place(request *r, trading *t)
{
    int which = product_of(r, t);
    if (which < 0)
        return;
    const json_t *s = t->said;
    const char *stop = word(s, "stop_order_type"), *client_id = word(s, "client_order_id");
    engine_order want = {.market = which,
                         .side = strcmp(word(s, "side"), "buy") == 0 ? SIDE_BUY : SIDE_SELL,
                         .kind = strcmp(word(s, "order_type"), "limit_order") == 0 ? KIND_LIMIT
                                                                                   : KIND_MARKET,
                         .trigger = !stop                                  ? TRIGGER_NONE
                                    : strcmp(stop, "stop_loss_order") == 0 ? TRIGGER_STOP
                                                                           : TRIGGER_PROFIT,
                         .qty = json_integer_value(json_object_get(s, "size")),
                         .is_margin = 1};
    want.is_reduce_only = json_is_true(json_object_get(s, "reduce_only"));
    want.is_post_only = json_is_true(json_object_get(s, "post_only"));
    want.is_ioc = word(s, "time_in_force") && strcmp(word(s, "time_in_force"), "ioc") == 0;
    snprintf(want.client_id, sizeof want.client_id, "%s", client_id ? client_id : "");
    if (!price_of(t, which, s, "limit_price", &want.price) ||
        !price_of(t, which, s, "stop_price", &want.trigger_price) ||
        !price_of(t, which, s, "bracket_stop_loss_price", &want.bracket_stop) ||
        !price_of(t, which, s, "bracket_stop_loss_limit_price", &want.bracket_stop_limit) ||
        !price_of(t, which, s, "bracket_take_profit_price", &want.bracket_profit) ||
        !price_of(t, which, s, "bracket_take_profit_limit_price", &want.bracket_profit_limit)) {
        refuse(r, t, REFUSE_TICK, 0);
        return;
    }
    if (json_object_get(s, "trail_amount") || json_object_get(s, "bracket_trail_amount")) {
        complain_request(r, "trailing stops are not served here");
        fail(r, 400, "bad_schema", NULL);
        return;
    }
    if (client_id && with_client_id(t, client_id))
        complain_request(r, "the client_order_id \"%s\" was accepted before", client_id);
    trading_partial(r, &want);
    uint64_t id = 0;
    int64_t more = 0;
    engine_refusal refusal = engine_place(&t->e, &want, 0, &id, &more);
    if (refusal != REFUSE_NONE)
        refuse(r, t, refusal, more);
    else
        done(r, delta_order(t, engine_order_at(&t->e, id)));
}

static void edit(request *r, trading *t)
{
    int which = product_of(r, t);
    if (which < 0)
        return;
    int64_t limit, stop;
    engine_order *o =
        engine_order_at(&t->e, (uint64_t)json_integer_value(json_object_get(t->said, "id")));
    if (!o || o->market != which || !engine_is_live(o)) {
        fail(r, 404, "open_order_not_found", NULL);
        return;
    }
    if (!price_of(t, which, t->said, "limit_price", &limit) ||
        !price_of(t, which, t->said, "stop_price", &stop)) {
        refuse(r, t, REFUSE_TICK, 0);
        return;
    }
    uint64_t id = o->id;
    engine_refusal refusal =
        engine_amend(&t->e, id, limit, stop, json_integer_value(json_object_get(t->said, "size")));
    if (refusal != REFUSE_NONE)
        refuse(r, t, refusal, 0);
    else
        done(r, delta_order(t, engine_order_at(&t->e, id)));
}

static void cancel(request *r, trading *t)
{
    int which = product_of(r, t);
    if (which < 0)
        return;
    const char *client_id = word(t->said, "client_order_id");
    engine_order *o =
        client_id
            ? with_client_id(t, client_id)
            : engine_order_at(&t->e, (uint64_t)json_integer_value(json_object_get(t->said, "id")));
    if (!o || o->market != which || !engine_is_live(o)) {
        fail(r, 404, "open_order_not_found", NULL);
        return;
    }
    uint64_t id = o->id;
    engine_cancel(&t->e, id, "cancelled_by_user");
    done(r, delta_order(t, engine_order_at(&t->e, id)));
}

static void cancel_all(request *r, trading *t)
{
    const json_t *s = t->said;
    int which = json_object_get(s, "product_id") ? product_of(r, t) : -1;
    if (json_object_get(s, "product_id") && which < 0)
        return;
    const json_t *kinds[] = {json_object_get(s, "cancel_limit_orders"),
                             json_object_get(s, "cancel_stop_orders"),
                             json_object_get(s, "cancel_reduce_only_orders")};
    for (size_t i = t->e.first_live; i < t->e.n_orders; i++) {
        engine_order *o = &t->e.orders[i];
        int kind = o->is_reduce_only ? 2 : o->trigger != TRIGGER_NONE ? 1 : 0;
        if ((which < 0 || o->market == which) && engine_is_live(o) && !json_is_false(kinds[kind]))
            engine_cancel(&t->e, o->id, "cancelled_by_user");
    }
    done(r, json_object());
}

/* A page of rows, newest first: those whose number is below the cursor. */
typedef struct {
    int64_t start_ns, end_ns, below, page;
    const char *products;
} paging;

static paging paging_of(trading *t, int64_t page)
{
    const char *start = word(t->said, "start_time"), *end = word(t->said, "end_time");
    const char *size = word(t->said, "page_size"), *after = word(t->said, "after");
    paging p = {.end_ns = INT64_MAX, .below = INT64_MAX, .page = page};
    if (start)
        p.start_ns = atoll(start) * 1000;
    if (end)
        p.end_ns = atoll(end) < INT64_MAX / 1000 ? atoll(end) * 1000 : INT64_MAX;
    if (size)
        p.page = atoll(size);
    if (after && strncmp(after, "b3Bh", 4) == 0)
        p.below = atoll(after + 4);
    p.products = word(t->said, "product_ids");
    return p;
}

static int is_wanted(trading *t, const paging *p, int which, int64_t time_ns)
{
    if (time_ns < p->start_ns || time_ns > p->end_ns)
        return 0;
    int64_t id = t->v->markets[which].instrument->product_id;
    for (const char *at = p->products; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (atoll(at) == id)
            return 1;
    return p->products == NULL;
}

static void done_page(request *r, json_t *rows, int64_t cursor)
{
    char after[32];
    snprintf(after, sizeof after, "b3Bh%lld", (long long)cursor);
    reply_json(r, json_pack("{s:b,s:o,s:{s:o,s:n}}", "success", 1, "result", rows, "meta", "after",
                            cursor ? json_string(after) : json_null(), "before"));
}

static void list_orders(request *r, trading *t, int is_open)
{
    paging p = paging_of(t, is_open ? 100 : 10);
    const char *states = word(t->said, "states");
    json_t *rows = json_array();
    int64_t cursor = 0;
    for (size_t i = t->e.n_orders; i-- > 0 && !cursor;) {
        const engine_order *o = &t->e.orders[i];
        const char *state = o->state == ORDER_OPEN ? "open" : "pending";
        if (engine_is_live(o) != is_open || (int64_t)o->id >= p.below ||
            !is_wanted(t, &p, o->market, o->created_ns) ||
            (is_open && states && !strstr(states, state)))
            continue;
        if ((int64_t)json_array_size(rows) == p.page)
            cursor = (int64_t)o->id + 1;
        else
            json_array_append_new(rows, delta_order(t, o));
    }
    done_page(r, rows, cursor);
}

static void fills(request *r, trading *t)
{
    paging p = paging_of(t, 10);
    json_t *rows = json_array();
    int64_t cursor = 0;
    for (size_t i = t->e.n_fills; i-- > 0 && !cursor;) {
        const engine_fill *f = &t->e.fills[i];
        const market_instrument *m = t->v->markets[f->market].instrument;
        char order[24];
        if ((int64_t)f->id >= p.below || !is_wanted(t, &p, f->market, f->time_ns))
            continue;
        if ((int64_t)json_array_size(rows) == p.page) {
            cursor = (int64_t)f->id + 1;
            break;
        }
        snprintf(order, sizeof order, "%llu", (unsigned long long)f->order);
        json_array_append_new(
            rows, json_pack("{s:I,s:I,s:s,s:s,s:o,s:s,s:o,s:o,s:i,s:s,s:s,s:s,s:{}}", "id",
                            (json_int_t)f->id, "size", (json_int_t)f->qty, "fill_type",
                            f->is_liquidation ? "liquidation" : "normal", "side",
                            f->side == SIDE_BUY ? "buy" : "sell", "price",
                            json_short(f->price, t->e.markets[f->market].price_decimals), "role",
                            f->is_maker ? "maker" : "taker", "commission", json_short(f->fee_e8, 8),
                            "created_at", micros(f->time_ns), "product_id", m->product_id,
                            "product_symbol", m->name, "order_id", order, "settling_asset_symbol",
                            m->quote, "meta_data"));
    }
    done_page(r, rows, cursor);
}

/* Only funding: nobody asks for the rest. */
static void transactions(request *r, trading *t)
{
    paging p = paging_of(t, 10);
    json_t *rows = json_array();
    int64_t cursor = 0;
    for (size_t i = t->e.n_fundings; i-- > 0 && !cursor;) {
        const engine_funding *f = &t->e.fundings[i];
        const engine_market *m = &t->e.markets[f->market];
        text at = {0};
        if ((int64_t)i + 1 >= p.below || !is_wanted(t, &p, f->market, f->time_ns))
            continue;
        if ((int64_t)json_array_size(rows) == p.page) {
            cursor = (int64_t)i + 2;
            break;
        }
        text_add_time(&at, f->time_ns, 6);
        json_array_append_new(
            rows, json_pack("{s:n,s:o,s:o,s:s,s:{},s:i,s:s,s:s}", "id", "amount",
                            json_fixed(f->amount_e8, 8), "balance", json_fixed(f->balance_e8, 8),
                            "transaction_type", "funding", "meta_data", "product_id",
                            t->v->markets[f->market].instrument->product_id, "asset_symbol",
                            t->e.assets[m->quote].name, "created_at", at.data));
        text_finish(&at);
    }
    done_page(r, rows, cursor);
}

static void bracket_place(request *r, trading *t)
{
    int which = product_of(r, t);
    if (which < 0)
        return;
    const json_t *stop = json_object_get(t->said, "stop_loss_order");
    const json_t *profit = json_object_get(t->said, "take_profit_order");
    int64_t at[4] = {-1, 0, -1, 0};
    if ((stop && (!price_of(t, which, stop, "stop_price", &at[0]) ||
                  !price_of(t, which, stop, "limit_price", &at[1]))) ||
        (profit && (!price_of(t, which, profit, "stop_price", &at[2]) ||
                    !price_of(t, which, profit, "limit_price", &at[3])))) {
        refuse(r, t, REFUSE_TICK, 0);
        return;
    }
    engine_refusal refusal = engine_bracket(&t->e, which, at[0], at[1], at[2], at[3]);
    if (refusal == REFUSE_STATE)
        fail(r, 400, "no_open_position", NULL);
    else if (refusal == REFUSE_POST_ONLY)
        fail(r, 400, "immediate_liquidation", NULL);
    else if (refusal != REFUSE_NONE)
        refuse(r, t, refusal, 0);
    else
        done(r, json_object());
}

static void bracket_edit(request *r, trading *t)
{
    int which = product_of(r, t);
    if (which < 0)
        return;
    engine_order *o =
        engine_order_at(&t->e, (uint64_t)json_integer_value(json_object_get(t->said, "id")));
    if (!o || o->market != which || !engine_is_live(o)) {
        fail(r, 404, "open_order_not_found", NULL);
        return;
    }
    int64_t at[4];
    if (!price_of(t, which, t->said, "bracket_stop_loss_price", &at[0]) ||
        !price_of(t, which, t->said, "bracket_stop_loss_limit_price", &at[1]) ||
        !price_of(t, which, t->said, "bracket_take_profit_price", &at[2]) ||
        !price_of(t, which, t->said, "bracket_take_profit_limit_price", &at[3])) {
        refuse(r, t, REFUSE_TICK, 0);
        return;
    }
    if (at[0]) {
        o->bracket_stop = at[0];
        o->bracket_stop_limit = at[1];
    }
    if (at[2]) {
        o->bracket_profit = at[2];
        o->bracket_profit_limit = at[3];
    }
    done(r, delta_order(t, o));
}

static void one_order(request *r, trading *t)
{
    const char *tail = strrchr(r->path, '/') + 1;
    engine_order *o = strncmp(r->path, "/v2/orders/client_order_id/", 27) == 0
                          ? with_client_id(t, tail)
                          : engine_order_at(&t->e, strtoull(tail, NULL, 10));
    if (o)
        done(r, delta_order(t, o));
    else
        fail(r, 404, "not_found", NULL);
}

static void positions(request *r, trading *t)
{
    const char *base = word(t->said, "underlying_asset_symbol");
    if (base) {
        json_t *rows = json_array();
        for (int i = 0; i < t->e.n_markets; i++)
            if (strcmp(t->v->markets[i].instrument->base, base) == 0)
                json_array_append_new(rows, delta_position(t, i, 0));
        done(r, rows);
        return;
    }
    int which = product_of(r, t);
    if (which >= 0)
        done(r, delta_position(t, which, 0));
}

static void margined(request *r, trading *t)
{
    paging p = {.end_ns = INT64_MAX, .products = word(t->said, "product_ids")};
    json_t *rows = json_array();
    for (int i = 0; i < t->e.n_markets; i++)
        if (t->e.markets[i].position && is_wanted(t, &p, i, 1))
            json_array_append_new(rows, delta_position(t, i, 1));
    done(r, rows);
}

static void balances(request *r, trading *t)
{
    int asset = t->e.markets[0].quote;
    int64_t held = 0, pnl = 0, orders = engine_order_margin(&t->e, asset);
    for (int i = 0; i < t->e.n_markets; i++) {
        held += engine_position_margin(&t->e.markets[i]);
        pnl += t->e.markets[i].position ? engine_unrealized(&t->e.markets[i]) : 0;
    }
    int64_t cash = t->e.assets[asset].amount;
    json_t *row = json_pack(
        "{s:i,s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:s,s:s}", "asset_id", 14, "asset_symbol",
        t->e.assets[asset].name, "user_id", USER_ID, "balance", json_fixed(cash, 8),
        "available_balance", json_fixed(cash - held - orders, 8), "blocked_margin",
        json_fixed(held + orders, 8), "order_margin", json_fixed(orders, 8), "position_margin",
        json_fixed(held, 8), "commission", "0", "portfolio_margin", "0");
    reply_json(r, json_pack("{s:b,s:[o],s:{s:o}}", "success", 1, "result", row, "meta",
                            "net_equity", json_fixed(cash + pnl, 8)));
}

static void leverage(request *r, trading *t)
{
    int which = traded_with_id(t, atoll(r->path + strlen("/v2/products/")));
    if (which < 0) {
        complain_request(r, "there is no such product");
        fail(r, 404, "not_found", NULL);
        return;
    }
    engine_market *m = &t->e.markets[which];
    const char *wanted = word(t->said, "leverage");
    int64_t percent;
    if (wanted) {
        if (!units_of(wanted, 2, &percent) || percent < 100 || percent > 10000) {
            fail(r, 400, "max_leverage_exceeded", NULL);
            return;
        }
        m->leverage = percent;
        if (m->position)
            m->position_leverage = percent;
    }
    done(r, json_pack("{s:o,s:o,s:i}", "leverage", json_short(m->leverage, 2), "order_margin",
                      json_short(engine_order_margin(&t->e, m->quote), 8), "product_id",
                      t->v->markets[which].instrument->product_id));
}

static void heartbeat(request *r, trading *t)
{
    const char *id = word(t->said, "heartbeat_id");
    if (strcmp(r->http->method, "GET") == 0) {
        done(r, *t->heartbeat ? json_pack("[{s:s,s:s}]", "heartbeat_id", t->heartbeat, "status",
                                          t->e.cancel_all_ns ? "active" : "inactive")
                              : json_array());
        return;
    }
    if (strcmp(r->path, "/v2/heartbeat/create") == 0) {
        snprintf(t->heartbeat, sizeof t->heartbeat, "%s", id);
        done(r, json_pack("{s:s}", "heartbeat_id", id));
        return;
    }
    if (strcmp(id, t->heartbeat) != 0) {
        complain_request(r, "the heartbeat \"%s\" was not created", id);
        fail(r, 404, "not_found", NULL);
        return;
    }
    int64_t ttl = json_integer_value(json_object_get(t->said, "ttl"));
    t->e.cancel_all_ns = ttl ? t->e.now_ns + ttl * 1000000 : 0;
    done(r, json_pack("{s:o,s:s}", "heartbeat_timestamp", micros(t->e.now_ns), "process_enabled",
                      ttl ? "true" : "false"));
}

static void cancel_after(request *r, trading *t)
{
    int64_t ms = atoll(word(t->said, "cancel_after"));
    t->e.cancel_all_ns = ms ? t->e.now_ns + ms * 1000000 : 0;
    done(r, json_pack("{s:b,s:o}", "cancel_after_enabled", ms > 0, "cancel_after_timestamp",
                      micros(t->e.cancel_all_ns)));
}

void delta_trade(request *r, trading *t)
{
    const char *path = r->path, *method = r->http->method;
    int is_get = strcmp(method, "GET") == 0, is_post = strcmp(method, "POST") == 0;
    int is_delete = strcmp(method, "DELETE") == 0;
    if (strcmp(path, "/v2/orders") == 0 && is_get)
        list_orders(r, t, 1);
    else if (strcmp(path, "/v2/orders") == 0)
        (is_post ? place : is_delete ? cancel : edit)(r, t);
    else if (strcmp(path, "/v2/orders/all") == 0)
        cancel_all(r, t);
    else if (strcmp(path, "/v2/orders/history") == 0)
        list_orders(r, t, 0);
    else if (strcmp(path, "/v2/orders/bracket") == 0)
        (is_post ? bracket_place : bracket_edit)(r, t);
    else if (strcmp(path, "/v2/orders/cancel_after") == 0)
        cancel_after(r, t);
    else if (strncmp(path, "/v2/orders/", 11) == 0)
        one_order(r, t);
    else if (strcmp(path, "/v2/fills") == 0)
        fills(r, t);
    else if (strcmp(path, "/v2/positions") == 0)
        positions(r, t);
    else if (strcmp(path, "/v2/positions/margined") == 0)
        margined(r, t);
    else if (strcmp(path, "/v2/wallet/balances") == 0)
        balances(r, t);
    else if (strcmp(path, "/v2/wallet/transactions") == 0)
        transactions(r, t);
    else if (strncmp(path, "/v2/products/", 13) == 0)
        leverage(r, t);
    else if (strncmp(path, "/v2/heartbeat", 13) == 0)
        heartbeat(r, t);
    else
        done(r, json_pack("{s:i,s:s}", "id", USER_ID, "margin_mode", "isolated"));
}
