/* Orders: taken, filled, changed and ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

uint64_t engine_add(engine *e, const engine_order *want)
{
    e->orders = engine_grow(e->orders, e->n_orders, &e->orders_size, sizeof *e->orders);
    engine_order *o = &e->orders[e->n_orders++];
    *o = *want;
    o->id = e->n_orders;
    o->state = o->trigger == TRIGGER_NONE ? ORDER_OPEN : ORDER_PENDING;
    o->created_ns = o->updated_ns = e->now_ns;
    engine_hold(e, o);
    engine_tell(e, EVENT_NEW, o->market, o, 0);
    return o->id;
}

void engine_end(engine *e, engine_order *o, engine_state state, const char *reason)
{
    o->state = state;
    o->updated_ns = e->now_ns;
    o->hold_e8 = 0;
    if (reason)
        snprintf(o->reason, sizeof o->reason, "%s", reason);
    if (state != ORDER_CLOSED)
        engine_tell(e, state == ORDER_EXPIRED ? EVENT_EXPIRED : EVENT_CANCELLED, o->market, o, 0);
    while (e->first_live < e->n_orders && !engine_is_live(&e->orders[e->first_live]))
        e->first_live++;
}

/* How much of an order would make the position larger. */
static int64_t opening(const engine_market *m, const engine_order *o, int64_t qty)
{
    int64_t against = m->position * (int)o->side;
    if (against >= 0)
        return qty;
    return qty > -against ? qty + against : 0;
}

static int64_t price_for(const engine_market *m, const engine_order *o)
{
    if (o->kind == KIND_LIMIT)
        return o->price;
    if (o->trigger != TRIGGER_NONE)
        return o->trigger_price;
    return m->price + (int)o->side * m->half_spread;
}

static int64_t need_of(const engine *e, const engine_order *o)
{
    const engine_market *m = &e->markets[o->market];
    int64_t left = o->qty - o->filled;
    if (m->is_spot && !o->is_margin) {
        if (o->side == SIDE_SELL)
            return left;
        int64_t cost = engine_value(m, left, price_for(m, o));
        return cost + engine_round(engine_share(cost, m->taker_ppt), m->fee_step_e8, 1);
    }
    if (o->is_reduce_only)
        return 0;
    int64_t more = opening(m, o, left);
    int64_t cost = engine_value(m, more, price_for(m, o));
    int64_t leverage = o->leverage ? o->leverage : m->leverage;
    return engine_share(cost, 100000000000000 / leverage) + engine_share(cost, m->taker_ppt);
}

void engine_hold(engine *e, engine_order *o)
{
    const engine_market *m = &e->markets[o->market];
    int waits = o->trigger != TRIGGER_NONE && !o->is_triggered;
    o->hold_e8 = 0;
    if (waits && m->is_spot && !e->stops_hold)
        return;
    o->hold_e8 = need_of(e, o);
}

/* Moves the netted position; returns what closing realized. */
static int64_t net(engine_market *m, engine_side side, int64_t qty, int64_t value, int64_t leverage,
                   int64_t now_ns)
{
    int64_t size = m->position < 0 ? -m->position : m->position, realized = 0;
    int64_t closes = m->position * (int)side < 0 ? (qty < size ? qty : size) : 0;
    if (closes > 0) {
        /* The last part takes all of the basis, so that nothing is lost to rounding. */
        wide part = (wide)m->basis_e8 * closes / size;
        wide got = (wide)value * closes / qty;
        int64_t basis = closes == size ? m->basis_e8 : (int64_t)part;
        realized = m->position > 0 ? (int64_t)got - basis : basis - (int64_t)got;
        m->basis_e8 -= basis;
        m->position += (int)side * closes;
        value -= (int64_t)got;
        qty -= closes;
    }
    if (qty > 0) {
        if (m->position == 0) {
            m->position_leverage = leverage;
            m->opened_ns = now_ns;
        }
        m->position += (int)side * qty;
        m->basis_e8 += value;
    }
    return realized;
}

static void make_close(engine *e, const engine_order *from, int64_t qty)
{
    engine_order want = {.market = from->market,
                         .side = from->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY,
                         .kind = from->close_kind,
                         .trigger = from->close_trigger,
                         .price = from->close_price,
                         .trigger_price = from->close_trigger_price,
                         .qty = qty,
                         .is_margin = from->is_margin,
                         .leverage = from->leverage,
                         .has_userref = from->has_userref,
                         .userref = from->userref};
    engine_add(e, &want);
}

static void fill(engine *e, uint64_t id, int64_t qty, int64_t price, int is_maker)
{
    engine_order *o = engine_order_at(e, id);
    engine_market *m = &e->markets[o->market];
    int64_t value = engine_value(m, qty, price);
    int64_t fee = engine_round(engine_share(value, is_maker ? m->maker_ppt : m->taker_ppt),
                               m->fee_step_e8, 1);
    int was_flat = m->position == 0;
    o->filled += qty;
    o->value_e8 += value;
    o->fee_e8 += fee;
    o->updated_ns = e->now_ns;
    m->fees_e8 += fee;
    if (o->filled == o->qty)
        engine_end(e, o, ORDER_CLOSED, NULL);
    else
        engine_hold(e, o);
    int64_t realized = 0;
    if (m->is_spot && !o->is_margin) {
        m->held += (int)o->side * qty;
        engine_pay(e, m->base, (int)o->side * qty);
        engine_pay(e, m->quote, -(int)o->side * value - fee);
    } else {
        realized = net(m, o->side, qty, value, o->leverage ? o->leverage : m->leverage, e->now_ns);
        m->realized_e8 += realized;
        engine_pay(e, m->quote, realized - fee);
    }
    e->fills = engine_grow(e->fills, e->n_fills, &e->fills_size, sizeof *e->fills);
    e->fills[e->n_fills] = (engine_fill){.id = e->n_fills + 1,
                                         .order = id,
                                         .market = o->market,
                                         .side = o->side,
                                         .qty = qty,
                                         .price = price,
                                         .value_e8 = value,
                                         .fee_e8 = fee,
                                         .time_ns = e->now_ns,
                                         .position_after = m->position,
                                         .is_maker = is_maker,
                                         .is_margin = o->is_margin};
    engine_tell(e, EVENT_FILL, o->market, o, ++e->n_fills);
    engine_tell(e, EVENT_POSITION, o->market, NULL, 0);
    if (!o->is_reduce_only && m->position * (int)o->side > 0 &&
        (o->bracket_stop || o->bracket_profit)) {
        m->bracket_stop = o->bracket_stop;
        m->bracket_stop_limit = o->bracket_stop_limit;
        m->bracket_profit = o->bracket_profit;
        m->bracket_profit_limit = o->bracket_profit_limit;
    } else if (was_flat && m->position != 0) {
        m->bracket_stop = m->bracket_profit = 0;
    }
    int market = o->market;
    if (o->has_close)
        make_close(e, o, qty);
    engine_legs(e, market);
    engine_watch(e, market);
}

/* What is left of a reduce-only order once the position is smaller; 0: nothing. */
static int64_t reducible(const engine_market *m, const engine_order *o)
{
    int64_t against = -m->position * (int)o->side, left = o->qty - o->filled;
    if (!o->is_reduce_only)
        return left;
    return against <= 0 ? 0 : against < left ? against : left;
}

static int affords(engine *e, const engine_order *o, int64_t qty, int64_t price)
{
    const engine_market *m = &e->markets[o->market];
    if (!m->is_spot || o->is_margin)
        return 1; /* margin was checked when it was taken */
    if (o->side == SIDE_SELL)
        return e->assets[m->base].amount >= qty;
    int64_t cost = engine_value(m, qty, price);
    return e->assets[m->quote].amount >=
           cost + engine_round(engine_share(cost, m->taker_ppt), m->fee_step_e8, 1);
}

void engine_execute(engine *e, uint64_t id, int64_t price, int is_maker)
{
    engine_order *o = engine_order_at(e, id);
    engine_market *m = &e->markets[o->market];
    int64_t qty = reducible(m, o);
    if (qty == 0 || !affords(e, o, qty, price)) {
        engine_end(e, o, ORDER_CANCELLED, qty ? "Insufficient funds" : "reduce_only");
        engine_watch(e, o->market);
        return;
    }
    if (o->partial_ppm > 0) {
        int64_t part = (int64_t)((wide)qty * o->partial_ppm / 1000000);
        part -= part % m->qty_step;
        o->partial_ppm = 0;
        if (part > 0 && part < qty) {
            o->resume_ns = e->now_ns + o->partial_wait_ns;
            fill(e, id, part, price, is_maker);
            return;
        }
    }
    fill(e, id, qty, price, is_maker);
    o = engine_order_at(e, id);
    if (engine_is_live(o) && o->is_reduce_only && !o->is_bracket) {
        engine_end(e, o, ORDER_CANCELLED, "reduce_only");
        engine_watch(e, o->market);
    }
}

void engine_strike(engine *e, uint64_t id, int64_t price)
{
    engine_order *o = engine_order_at(e, id);
    engine_market *m = &e->markets[o->market];
    if (o->trigger != TRIGGER_NONE && !o->is_triggered) {
        o->is_triggered = 1;
        o->state = ORDER_OPEN;
        o->triggered_ns = o->updated_ns = e->now_ns;
        engine_hold(e, o);
        engine_tell(e, EVENT_TRIGGERED, o->market, o, 0);
        int64_t touch = price + (int)o->side * m->half_spread;
        if (o->kind == KIND_MARKET)
            engine_execute(e, id, touch, 0);
        else if ((o->price - touch) * (int)o->side >= 0)
            engine_execute(e, id, touch, 0);
        return;
    }
    if (o->kind == KIND_MARKET)
        engine_execute(e, id, price + (int)o->side * m->half_spread, 0);
    else
        engine_execute(e, id, o->price, 1);
}

void engine_liquidate(engine *e, int market, int64_t price)
{
    engine_market *m = &e->markets[market];
    e->n_liquidations++;
    engine_cancel_all(e, market, "liquidation");
    engine_order want = {.market = market,
                         .side = m->position > 0 ? SIDE_SELL : SIDE_BUY,
                         .kind = KIND_MARKET,
                         .qty = m->position < 0 ? -m->position : m->position,
                         .is_reduce_only = 1,
                         .is_margin = 1};
    uint64_t id = engine_add(e, &want);
    snprintf(engine_order_at(e, id)->reason, ENGINE_TEXT, "liquidation");
    fill(e, id, want.qty, price, 0);
    e->fills[e->n_fills - 1].is_liquidation = 1;
}

static engine_refusal check_steps(const engine_market *m, const engine_order *o)
{
    const int64_t prices[] = {o->price,          o->trigger_price,      o->bracket_stop,
                              o->bracket_profit, o->bracket_stop_limit, o->bracket_profit_limit,
                              o->close_price,    o->close_trigger_price};
    for (size_t i = 0; i < sizeof prices / sizeof prices[0]; i++)
        if (prices[i] < 0 || prices[i] % m->tick)
            return REFUSE_TICK;
    if (o->qty <= 0 || o->qty % m->qty_step)
        return REFUSE_LOT;
    if (o->qty < m->qty_min)
        return REFUSE_MINIMUM;
    if (m->cost_min_e8 && engine_value(m, o->qty, price_for(m, o)) < m->cost_min_e8)
        return REFUSE_COST_MINIMUM;
    return REFUSE_NONE;
}

static int crosses(const engine_market *m, const engine_order *o)
{
    int64_t touch = m->price + (int)o->side * m->half_spread;
    return (o->price - touch) * (int)o->side >= 0;
}

engine_refusal engine_place(engine *e, const engine_order *want, int validate, uint64_t *id,
                            int64_t *more_e8)
{
    engine_market *m = &e->markets[want->market];
    engine_order o = *want;
    if (m->price == 0)
        return REFUSE_NO_PRICE;
    if (o.kind == KIND_MARKET)
        o.is_ioc = o.trigger == TRIGGER_NONE;
    engine_refusal refusal = check_steps(m, &o);
    if (refusal != REFUSE_NONE)
        return refusal;
    if (o.is_reduce_only && o.trigger == TRIGGER_NONE && reducible(m, &o) == 0)
        return REFUSE_REDUCE_ONLY;
    int is_now = o.trigger == TRIGGER_NONE && (o.kind == KIND_MARKET || crosses(m, &o));
    if (o.is_post_only && is_now)
        return REFUSE_POST_ONLY;
    engine_hold(e, &o);
    int asset = m->is_spot && !o.is_margin && o.side == SIDE_SELL ? m->base : m->quote;
    int64_t left = engine_available(e, asset);
    if (o.hold_e8 > left && o.hold_e8 > 0) {
        *more_e8 = o.hold_e8 - left;
        return m->is_spot && !o.is_margin ? REFUSE_FUNDS : REFUSE_MARGIN;
    }
    if (validate)
        return REFUSE_NONE;
    *id = engine_add(e, &o);
    engine_watch(e, o.market);
    if (is_now)
        engine_execute(e, *id, m->price + (int)o.side * m->half_spread, 0);
    engine_order *now = engine_order_at(e, *id);
    if (now->is_ioc && engine_is_live(now) && now->resume_ns == 0) {
        engine_end(e, now, ORDER_CANCELLED, "IOC");
        engine_watch(e, o.market);
    }
    return REFUSE_NONE;
}

int engine_cancel(engine *e, uint64_t id, const char *reason)
{
    engine_order *o = engine_order_at(e, id);
    if (!o || !engine_is_live(o))
        return 0;
    int market = o->market;
    if (o->is_bracket && o->trigger == TRIGGER_STOP)
        e->markets[market].bracket_stop = e->markets[market].bracket_stop_limit = 0;
    if (o->is_bracket && o->trigger == TRIGGER_PROFIT)
        e->markets[market].bracket_profit = e->markets[market].bracket_profit_limit = 0;
    engine_end(e, o, ORDER_CANCELLED, reason);
    engine_watch(e, market);
    return 1;
}

int engine_cancel_all(engine *e, int market, const char *reason)
{
    int n = 0;
    for (size_t i = e->first_live; i < e->n_orders; i++)
        if (market < 0 || e->orders[i].market == market)
            n += engine_cancel(e, e->orders[i].id, reason);
    return n;
}

engine_refusal engine_amend(engine *e, uint64_t id, int64_t price, int64_t trigger_price,
                            int64_t qty)
{
    engine_order *o = engine_order_at(e, id);
    if (!o || !engine_is_live(o))
        return REFUSE_STATE;
    engine_market *m = &e->markets[o->market];
    engine_order changed = *o;
    if (price > 0)
        changed.price = price;
    if (trigger_price > 0)
        changed.trigger_price = trigger_price;
    if (qty > 0 && !o->is_bracket)
        changed.qty = qty;
    engine_refusal refusal = check_steps(m, &changed);
    if (refusal != REFUSE_NONE)
        return refusal;
    if (changed.qty <= o->filled)
        return REFUSE_LOT;
    if (o->is_post_only && o->kind == KIND_LIMIT && crosses(m, &changed))
        return REFUSE_POST_ONLY;
    changed.updated_ns = e->now_ns;
    *o = changed;
    engine_hold(e, o);
    if (o->is_bracket && o->trigger == TRIGGER_STOP) {
        m->bracket_stop = o->trigger_price;
        m->bracket_stop_limit = o->price;
    } else if (o->is_bracket) {
        m->bracket_profit = o->trigger_price;
        m->bracket_profit_limit = o->price;
    }
    engine_tell(e, EVENT_AMENDED, o->market, o, 0);
    if (o->state == ORDER_OPEN && o->kind == KIND_LIMIT && crosses(m, o))
        engine_execute(e, id, m->price + (int)o->side * m->half_spread, 0);
    engine_watch(e, (int)(m - e->markets));
    return REFUSE_NONE;
}
