/* The simulated venue: books of orders a market, played against one bar at a time. */
#include <math.h>
#include <string.h>

#include "wick/sim.h"

typedef struct {
    wk_order order;
    int64_t arrive;    /* first bar that can fill it */
    int64_t cancel_at; /* first bar in which it is cancelled; INT64_MAX: none */
    bool rested;       /* a limit that a bar has passed over */
} slot;

struct wk_sim_venue {
    wk_sim_config config;
    size_t S, K; /* K order slots a market */
    int64_t timeframe_ns,
        delay; /* whole bars from the close of the signal to the bar of the fill, less one */
    int64_t maker_ppt, taker_ppt, penalty_ppt;
    int64_t borrow_ppt[2], rollover_ns; /* of a short, of a long; the time between two */
    int64_t cash_e8;
    wk_unit *unit;
    double *per_tick;
    int64_t *pos, *mark, *entry_cost_e8, *margin_e8; /* margin: posted, less funding paid from it */
    double *entry;                                   /* average, ticks */
    double *lever;                                   /* of the last entry */
    int64_t *stop, *profit, *liquidation, *bankrupt; /* ticks; 0: none */
    int64_t *opened_ns;   /* of a restored position, until its first bar */
    int64_t *roll_due_ns; /* 0: not known yet */
    uint64_t *parent;
    slot *slots;
    uint32_t *n_slots;
};

static int64_t ppt_of(double fraction)
{
    double x = fraction * 1e12;
    int64_t n = (int64_t)x;
    return n + ((double)n < x - 1e-4); /* up, but not for the last bit of a decimal */
}

size_t wk_sim_events_max(const wk_sim_venue *v)
{
    return v->S * (v->K + 4); /* every order, one bracket, funding, rollovers before and after */
}

wk_status wk_sim_venue_plan(wk_arena *arena, const wk_sim_config *config,
                            const wk_trade_instrument *instruments, size_t S, int64_t timeframe_ns,
                            wk_sim_venue **out, wk_err *err)
{
    if (S == 0 || timeframe_ns <= 0)
        return wk_fail(err, WK_E_ARG,
                       "simulated venue: %zu markets, timeframe %lld ns; both must be positive", S,
                       (long long)timeframe_ns);
    if (!(config->leverage >= 1.0) || !(config->maintenance_margin >= 0.0) ||
        !(config->cost_multiplier >= 0.0) || config->delay_bars < 0 || config->delay_bars > 1000 ||
        !(config->initial_cash > 0.0 && config->initial_cash <= 9e10))
        return wk_fail(err, WK_E_ARG,
                       "simulated venue: leverage %g (>= 1), maintenance_margin %g (>= 0), "
                       "cost_multiplier %g (>= 0), "
                       "delay_bars %lld (0..1000), initial_cash %g (0..9e10); one is out of range",
                       config->leverage, config->maintenance_margin, config->cost_multiplier,
                       (long long)config->delay_bars, config->initial_cash);
    wk_sim_venue *v = wk_arena_alloc(arena, sizeof *v);
    double late = config->latency_ms * 1e6 / (double)timeframe_ns;
    if (!(late >= 0.0 && late < 1000.0))
        return wk_fail(err, WK_E_ARG,
                       "simulated venue: latency_ms %g is not between 0 and 1000 bars",
                       config->latency_ms);
    v->config = *config;
    v->S = S;
    v->timeframe_ns = timeframe_ns;
    v->delay = config->delay_bars + (int64_t)late;
    v->K = 4 * (size_t)(v->delay + 2);
    double maker, taker;
    wk_sim_fees(config, &maker, &taker);
    v->maker_ppt = ppt_of(maker * 1e-4 * config->cost_multiplier);
    v->taker_ppt = ppt_of(taker * 1e-4 * config->cost_multiplier);
    v->penalty_ppt = ppt_of(config->liquidation_penalty);
    v->borrow_ppt[0] = ppt_of(config->margin_short_bps * 1e-4 * config->cost_multiplier);
    v->borrow_ppt[1] = ppt_of(config->margin_long_bps * 1e-4 * config->cost_multiplier);
    v->rollover_ns = (int64_t)(config->margin_rollover_h * 3600e9);
    if ((v->borrow_ppt[0] > 0 || v->borrow_ppt[1] > 0) && v->rollover_ns <= 0)
        return wk_fail(err, WK_E_ARG,
                       "simulated venue: margin_rollover_h %g; must be positive where margin costs",
                       config->margin_rollover_h);
    v->cash_e8 = (int64_t)(config->initial_cash * 1e8 + 0.5);
    v->unit = wk_arena_array(arena, wk_unit, S);
    v->per_tick = wk_arena_array(arena, double, S);
    v->pos = wk_arena_array(arena, int64_t, S);
    v->mark = wk_arena_array(arena, int64_t, S);
    v->entry = wk_arena_array(arena, double, S);
    v->lever = wk_arena_array(arena, double, S);
    v->entry_cost_e8 = wk_arena_array(arena, int64_t, S);
    v->margin_e8 = wk_arena_array(arena, int64_t, S);
    v->stop = wk_arena_array(arena, int64_t, S);
    v->profit = wk_arena_array(arena, int64_t, S);
    v->liquidation = wk_arena_array(arena, int64_t, S);
    v->bankrupt = wk_arena_array(arena, int64_t, S);
    v->opened_ns = wk_arena_array(arena, int64_t, S);
    v->roll_due_ns = wk_arena_array(arena, int64_t, S);
    v->parent = wk_arena_array(arena, uint64_t, S);
    v->slots = wk_arena_array(arena, slot, S * v->K);
    v->n_slots = wk_arena_array(arena, uint32_t, S);
    for (size_t s = 0; s < S; s++) {
        if (!wk_unit_init(&v->unit[s], instruments[s].tick, instruments[s].lot))
            return wk_fail(err, WK_E_ARG,
                           "instrument %s: tick %g or lot %g is no positive decimal that the money "
                           "type can hold",
                           instruments[s].symbol, instruments[s].tick, instruments[s].lot);
        v->per_tick[s] = wk_money_per_tick(instruments[s].tick);
    }
    *out = v;
    return WK_OK;
}

wk_status wk_sim_place(wk_sim_venue *v, const wk_order *order, int64_t step, wk_err *err)
{
    size_t s = order->symbol;
    WK_ASSERT(s < v->S && order->qty_lots > 0 && (order->side == 1 || order->side == -1));
    if (v->n_slots[s] == v->K)
        return wk_fail(err, WK_E_STATE, "simulated venue: market %zu already holds %zu orders", s,
                       v->K);
    slot *o = &v->slots[s * v->K + v->n_slots[s]++];
    o->order = *order;
    o->arrive = step + 1 + v->delay;
    o->cancel_at = INT64_MAX;
    o->rested = false;
    /* The delay postpones the signal, so the order's life starts later too. */
    if (o->order.expires_ns > 0)
        o->order.expires_ns += v->delay * v->timeframe_ns;
    return WK_OK;
}

void wk_sim_cancel(wk_sim_venue *v, uint32_t symbol, uint64_t id, int64_t step)
{
    WK_ASSERT(symbol < v->S);
    slot *o = &v->slots[symbol * v->K];
    for (uint32_t i = 0; i < v->n_slots[symbol]; i++)
        if (o[i].order.id == id && o[i].cancel_at > step + 1 + v->delay)
            o[i].cancel_at = step + 1 + v->delay;
}

static wk_trader_event *append(wk_events *events)
{
    WK_ASSERT(events->n < events->capacity);
    wk_trader_event *e = &events->v[events->n++];
    memset(e, 0, sizeof *e);
    return e;
}

static void emit_canceled(wk_events *events, const wk_order *o, int64_t time_ns, wk_reason reason)
{
    wk_trader_event *e = append(events);
    e->kind = WK_TRADER_EVENT_CANCELED;
    e->time_ns = time_ns;
    e->symbol = o->symbol;
    e->order_id = o->id;
    e->side = o->side;
    e->qty_lots = o->qty_lots;
    e->reason = (uint8_t)reason;
}

static wk_status overflow(wk_err *err, size_t s)
{
    return wk_fail(err, WK_E_RANGE,
                   "money overflow in market %zu: price, size and lot exceed 128-bit products or "
                   "int64 cash; use a larger lot",
                   s);
}

/* Where the maintenance margin is reached, after a fill or a funding payment moved the margin. */
static void set_liquidation(wk_sim_venue *v, size_t s)
{
    int64_t pos = v->pos[s];
    v->liquidation[s] = v->bankrupt[s] = 0;
    if (pos == 0)
        return;
    int side = pos > 0 ? 1 : -1;
    double per_lot = (double)v->margin_e8[s] / ((double)(side * pos) * v->unit[s].e8);
    double broke = v->entry[s] - side * per_lot;
    double price = broke / (1.0 - side * v->config.maintenance_margin);
    if (side > 0) {
        /* Rounded up for a long and down for a short: the earlier liquidation. */
        if (price > 0.0)
            v->liquidation[s] = (int64_t)price + ((double)(int64_t)price < price);
        if (broke > 0.0)
            v->bankrupt[s] = (int64_t)broke + ((double)(int64_t)broke < broke);
    } else if (price > 1.0 && price < 9e18) {
        v->liquidation[s] = (int64_t)price;
        v->bankrupt[s] = (int64_t)broke;
    }
}

typedef struct {
    wk_sim_venue *v;
    size_t s;
    int64_t close_ns, slip_ppt;
    wk_events *events;
    wk_err *err;
} context;

/* Books one fill. `slip_room_ticks` < 0: slippage as configured; else at most so many ticks a lot.
 */
static wk_status fill(const context *c, uint64_t id, int side, int64_t lots, int64_t ticks,
                      bool maker, wk_reason reason, int64_t slip_room_ticks)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    const wk_unit *unit = &v->unit[s];
    int64_t value, fee, slip = 0, cash, penalty = 0, borrow = 0, room;
    int64_t before = v->pos[s], after = before + side * lots;
    bool opens = before == 0 || (before > 0) == (side > 0);
    if (!wk_money_fill(unit, side, lots, ticks, &cash))
        return overflow(c->err, s);
    value = cash < 0 ? -cash : cash;
    if (!wk_money_share(value, maker ? v->maker_ppt : v->taker_ppt, true, &fee) ||
        (!maker && !wk_money_share(value, c->slip_ppt, true, &slip)) ||
        (reason == WK_REASON_LIQUIDATION &&
         !wk_money_share(value, v->penalty_ppt, true, &penalty)) ||
        (opens && !wk_money_share(value, v->borrow_ppt[side > 0], true, &borrow)))
        return overflow(c->err, s);
    if (slip_room_ticks >= 0) {
        if (!wk_money_value(unit, lots, slip_room_ticks, false, &room))
            return overflow(c->err, s);
        slip = slip < room ? slip : room;
    }
    fee += penalty + borrow;
    if (__builtin_add_overflow(v->cash_e8, cash, &v->cash_e8) ||
        __builtin_sub_overflow(v->cash_e8, fee + slip, &v->cash_e8))
        return overflow(c->err, s);
    if (before == 0)
        v->roll_due_ns[s] = c->close_ns - v->timeframe_ns + v->rollover_ns;
    if (opens) {
        double held = (double)(before > 0 ? before : -before);
        v->entry[s] = (v->entry[s] * held + (double)ticks * (double)lots) / (held + (double)lots);
        v->entry_cost_e8[s] += value;
        v->margin_e8[s] += (int64_t)((double)value / v->lever[s]);
    } else if (after == 0) {
        v->entry[s] = 0.0;
        v->entry_cost_e8[s] = v->margin_e8[s] = 0;
        v->stop[s] = v->profit[s] = 0;
    } else {
        /* Only reduce-only orders meet an opposite position, so the side stays; margin leaves pro
         * rata. */
        double left = (double)after / (double)before;
        WK_ASSERT(left > 0.0 && left < 1.0);
        v->entry_cost_e8[s] = (int64_t)((double)v->entry_cost_e8[s] * left);
        v->margin_e8[s] = (int64_t)((double)v->margin_e8[s] * left);
    }
    v->pos[s] = after;
    v->mark[s] = ticks;
    set_liquidation(v, s);
    wk_trader_event *e = append(c->events);
    e->kind = WK_TRADER_EVENT_FILL;
    e->time_ns = c->close_ns;
    e->symbol = (uint32_t)s;
    e->order_id = id;
    e->side = (int8_t)side;
    e->reason = (uint8_t)reason;
    e->maker = maker;
    e->qty_lots = lots;
    e->price_ticks = ticks;
    e->fee_e8 = fee;
    e->slippage_e8 = slip;
    return WK_OK;
}

/* What is got or paid for holding. */
static wk_status book_funding(const context *c, int64_t amount, int64_t time_ns)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    if (__builtin_add_overflow(v->cash_e8, amount, &v->cash_e8))
        return overflow(c->err, s);
    v->margin_e8[s] += amount;
    set_liquidation(v, s);
    wk_trader_event *e = append(c->events);
    e->kind = WK_TRADER_EVENT_FUNDING;
    e->time_ns = time_ns;
    e->symbol = (uint32_t)s;
    e->amount_e8 = amount;
    return WK_OK;
}

static wk_status charge_funding(const context *c, double rate, int64_t open_ticks)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    int64_t value, amount;
    if (!wk_money_value(&v->unit[s], v->pos[s], open_ticks, false, &value) ||
        !wk_money_share(-value, (int64_t)(rate * 1e12 + (rate < 0 ? -0.5 : 0.5)), false, &amount))
        return overflow(c->err, s);
    return book_funding(c, amount, c->close_ns - v->timeframe_ns);
}

/* The rollovers up to and with until_ns, as one payment. */
static wk_status roll_over(const context *c, int64_t until_ns)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    int64_t ppt = v->borrow_ppt[v->pos[s] > 0], open_ns = c->close_ns - v->timeframe_ns, fee;
    if (ppt == 0)
        return WK_OK;
    if (v->roll_due_ns[s] == 0) { /* restored: those before this bar have been paid */
        int64_t opened_ns = v->opened_ns[s] ? v->opened_ns[s] : open_ns;
        int64_t ago = open_ns - 1 - opened_ns;
        v->roll_due_ns[s] = opened_ns + ((ago < 0 ? 0 : ago / v->rollover_ns) + 1) * v->rollover_ns;
    }
    if (v->roll_due_ns[s] > until_ns)
        return WK_OK;
    int64_t n = (until_ns - v->roll_due_ns[s]) / v->rollover_ns + 1;
    v->roll_due_ns[s] += n * v->rollover_ns;
    if (!wk_money_share(v->entry_cost_e8[s], ppt, true, &fee) ||
        __builtin_mul_overflow(fee, -n, &fee))
        return overflow(c->err, s);
    return book_funding(c, fee, v->roll_due_ns[s] - v->rollover_ns);
}

/* Stop, take-profit and liquidation of the position inside the bar. `inside`: it was opened by a
 * limit within the bar, so nothing is known about what came after but the worse. */
static wk_status play_brackets(const context *c, const int64_t ohl[3], bool inside)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    int64_t pos = v->pos[s];
    int side = pos > 0 ? 1 : -1;
    int64_t lots = side * pos, worst = side > 0 ? ohl[2] : ohl[1],
            best = side > 0 ? ohl[1] : ohl[2];
    int64_t open = ohl[0], stop = v->stop[s], liq = v->liquidation[s], profit = v->profit[s];
    bool liq_hit = liq > 0 && side * (worst - liq) <= 0;
    bool stop_hit = stop > 0 && side * (worst - stop) <= 0;
    bool liq_gap = liq_hit && !inside && side * (open - liq) <= 0;
    if (liq_hit && (liq_gap || !stop_hit || side * (liq - stop) > 0)) {
        /* The venue takes over at the bankruptcy price, so no more than the margin is lost. */
        int64_t price = liq_gap ? open : liq;
        if (v->bankrupt[s] > 0 && side * (price - v->bankrupt[s]) < 0)
            price = v->bankrupt[s];
        return fill(c, v->parent[s], -side, lots, price, false, WK_REASON_LIQUIDATION,
                    side * (price - v->bankrupt[s]));
    }
    if (stop_hit) {
        int64_t price = !inside && side * (open - stop) < 0 ? open : stop;
        return fill(c, v->parent[s], -side, lots, price, false, WK_REASON_STOP_LOSS, -1);
    }
    if (profit > 0 && !inside && side * (best - profit) > 0) {
        int64_t price = side * (open - profit) > 0 ? open : profit;
        return fill(c, v->parent[s], -side, lots, price, true, WK_REASON_TAKE_PROFIT, -1);
    }
    return WK_OK;
}

/* One order against the bar. *done: it left the book; *inside: a limit filled after the open. */
static wk_status play_order(const context *c, slot *o, const int64_t ohl[3], bool *done,
                            bool *inside)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    const wk_order *q = &o->order;
    int side = q->side;
    int64_t lots = q->qty_lots, price = ohl[0], room = -1;
    bool maker = false;
    *done = false;
    if (q->kind == WK_ORDER_LIMIT) {
        int64_t through = side > 0 ? q->price_ticks - ohl[2] : ohl[1] - q->price_ticks;
        int64_t better = side * (q->price_ticks - ohl[0]);
        if (better > 0 && !o->rested) {
            room = better; /* it takes, and its limit bounds the slippage */
        } else if (better > 0) {
            maker = true; /* a resting limit that the open jumps over */
        } else if (through >= 1) {
            maker = true;
            price = q->price_ticks;
            *inside = true;
        } else {
            o->rested = true;
            return WK_OK;
        }
    }
    *done = true;
    if (q->reduce_only) {
        int64_t held = -side * v->pos[s];
        if (held <= 0) {
            emit_canceled(c->events, q, c->close_ns, q->reason);
            return WK_OK;
        }
        lots = lots < held ? lots : held;
    } else if (v->pos[s] != 0 && (v->pos[s] > 0) != (side > 0)) {
        /* One position a market: an entry against it is refused rather than netted silently. */
        emit_canceled(c->events, q, c->close_ns, q->reason);
        *inside = false;
        return WK_OK;
    }
    if (!q->reduce_only)
        v->lever[s] = q->leverage > 0.0 ? q->leverage : v->config.leverage;
    WK_TRY(fill(c, q->id, side, lots, price, maker, q->reason, room));
    if (!q->reduce_only) {
        v->stop[s] = q->stop_ticks;
        v->profit[s] = q->profit_ticks;
        v->parent[s] = q->id;
    }
    return WK_OK;
}

static wk_status play_market(const context *c, int64_t step, const wk_bar *bar, bool traded,
                             double funding)
{
    wk_sim_venue *v = c->v;
    size_t s = c->s;
    int64_t ohl[3] = {0, 0, 0};
    if (traded) {
        ohl[0] = wk_money_ticks(bar->open, v->per_tick[s]);
        ohl[1] = wk_money_ticks(bar->high, v->per_tick[s]);
        ohl[2] = wk_money_ticks(bar->low, v->per_tick[s]);
    }
    if (funding != 0.0 && v->pos[s] != 0)
        WK_TRY(charge_funding(c, funding, traded ? ohl[0] : v->mark[s]));
    if (v->pos[s] != 0)
        WK_TRY(roll_over(c, c->close_ns - v->timeframe_ns));
    slot *o = &v->slots[s * v->K];
    uint32_t kept = 0, n = v->n_slots[s];
    bool inside = false;
    for (uint32_t i = 0; i < n; i++) {
        bool done = false;
        if (o[i].cancel_at <= step) {
            emit_canceled(c->events, &o[i].order, c->close_ns, o[i].order.reason);
            continue;
        }
        if (traded && o[i].arrive <= step)
            WK_TRY(play_order(c, &o[i], ohl, &done, &inside));
        if (!done && o[i].order.expires_ns > 0 && c->close_ns >= o[i].order.expires_ns) {
            emit_canceled(c->events, &o[i].order, c->close_ns, WK_REASON_EXPIRED);
            done = true;
        }
        if (!done) {
            if (kept != i)
                o[kept] = o[i];
            kept++;
        }
    }
    v->n_slots[s] = kept;
    /* When a bracket ends it inside the bar, it may have been at its end. */
    if (v->pos[s] != 0)
        WK_TRY(roll_over(c, c->close_ns - 1));
    if (!traded)
        return WK_OK;
    if (v->pos[s] != 0)
        WK_TRY(play_brackets(c, ohl, inside));
    if (v->pos[s] != 0)
        v->mark[s] = wk_money_ticks(bar->close, v->per_tick[s]);
    return WK_OK;
}

static int64_t slippage_ppt(const wk_sim_venue *v, const double *sigma, size_t s)
{
    double share = v->config.slippage_bps * 1e-4;
    if (v->config.slippage_sigma > 0.0 && sigma != NULL && sigma[s] > 0.0)
        share += v->config.slippage_sigma * sigma[s];
    share *= v->config.cost_multiplier;
    return ppt_of(share < 1.0 ? share : 1.0);
}

wk_status wk_sim_bar(wk_sim_venue *v, int64_t step, int64_t close_ns, const wk_bar *bars,
                     const uint8_t *provenance, const double *funding, const double *sigma,
                     wk_events *events, wk_err *err)
{
    bool charge = v->config.funding && funding != NULL;
    for (size_t s = 0; s < v->S; s++) {
        if (v->pos[s] == 0 && v->n_slots[s] == 0)
            continue;
        const wk_bar *b = &bars[s];
        bool traded = provenance[s] != WK_PROV_UNKNOWN && b->open > 0.0 && b->low > 0.0 &&
                      b->high >= b->low && b->close > 0.0;
        context c = {v, s, close_ns, slippage_ppt(v, sigma, s), events, err};
        double rate = charge && funding[s] > -1.0 && funding[s] < 1.0 ? funding[s] : 0.0;
        WK_TRY(play_market(&c, step, b, traded, rate));
    }
    return WK_OK;
}

wk_status wk_sim_flatten(wk_sim_venue *v, int64_t close_ns, const double *sigma, wk_events *events,
                         wk_err *err)
{
    for (size_t s = 0; s < v->S; s++) {
        for (uint32_t i = 0; i < v->n_slots[s]; i++)
            emit_canceled(events, &v->slots[s * v->K + i].order, close_ns, WK_REASON_END);
        v->n_slots[s] = 0;
        if (v->pos[s] == 0)
            continue;
        context c = {v, s, close_ns, slippage_ppt(v, sigma, s), events, err};
        int side = v->pos[s] > 0 ? 1 : -1;
        WK_TRY(
            fill(&c, v->parent[s], -side, side * v->pos[s], v->mark[s], false, WK_REASON_END, -1));
    }
    return WK_OK;
}

wk_status wk_sim_restore(wk_sim_venue *v, const wk_sim_position *p, wk_err *err)
{
    size_t s = p->symbol;
    WK_ASSERT(s < v->S);
    if (v->pos[s] != 0 || v->n_slots[s] != 0)
        return wk_fail(
            err, WK_E_STATE,
            "simulated venue: market %zu holds something already; restore before trading", s);
    if (p->lots == 0)
        return WK_OK;
    int64_t cash;
    if (p->entry_ticks <= 0 || p->mark_ticks <= 0 || p->lots == INT64_MIN)
        return wk_fail(
            err, WK_E_ARG,
            "simulated venue: market %zu: entry %lld and mark %lld ticks must be positive", s,
            (long long)p->entry_ticks, (long long)p->mark_ticks);
    int side = p->lots > 0 ? 1 : -1;
    if (!wk_money_fill(&v->unit[s], side, side * p->lots, p->entry_ticks, &cash))
        return overflow(err, s);
    int64_t value = cash < 0 ? -cash : cash;
    v->lever[s] = p->leverage > 0.0 ? p->leverage : v->config.leverage;
    v->pos[s] = p->lots;
    v->mark[s] = p->mark_ticks;
    v->entry[s] = (double)p->entry_ticks;
    v->entry_cost_e8[s] = value;
    v->margin_e8[s] = (int64_t)((double)value / v->lever[s]) + p->funding_e8;
    v->stop[s] = p->stop_ticks;
    v->profit[s] = p->profit_ticks;
    v->parent[s] = p->parent;
    v->opened_ns[s] = p->opened_ns;
    set_liquidation(v, s);
    return WK_OK;
}

void wk_sim_restore_cash(wk_sim_venue *v, int64_t cash_e8)
{
    v->cash_e8 = cash_e8;
}

const int64_t *wk_sim_positions(const wk_sim_venue *v)
{
    return v->pos;
}

const int64_t *wk_sim_marks(const wk_sim_venue *v)
{
    return v->mark;
}

int64_t wk_sim_cash_e8(const wk_sim_venue *v)
{
    return v->cash_e8;
}

const wk_unit *wk_sim_units(const wk_sim_venue *v)
{
    return v->unit;
}

int64_t wk_sim_liquidation_ticks(const wk_sim_venue *v, size_t s)
{
    WK_ASSERT(s < v->S);
    return v->liquidation[s];
}
