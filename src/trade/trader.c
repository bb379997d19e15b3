/* The trader's books: what it was told by the venue. Decisions are in decide.c. */
#include <math.h>
#include <string.h>

#include "trader.h"
#include "wick/hash.h"

int64_t wk_order_id_bar(uint64_t id)
{
    return (int64_t)(id >> 8 & ((UINT64_C(1) << 40) - 1));
}

static wk_status check(const wk_trade_config *c, size_t S, int64_t timeframe_ns, int64_t cash_e8,
                       wk_err *err)
{
    if (S == 0 || S > 65535 || timeframe_ns <= 0 || cash_e8 <= 0)
        return wk_fail(err, WK_E_ARG,
                       "trader: %zu markets (1..65535), timeframe %lld ns, cash %lld e-8; all must "
                       "be positive",
                       S, (long long)timeframe_ns, (long long)cash_e8);
    if (!(c->slots > 0.0))
        return wk_fail(err, WK_E_ARG, "trader: slots %g; must be positive", c->slots);
    if (c->policy < WK_POLICY_QUANTILE || c->policy > WK_POLICY_THRESHOLD || c->entry < 0 ||
        c->entry > 1 || c->stop_kind < 0 || c->stop_kind > 2 || c->size < 0 || c->size > 1)
        return wk_fail(err, WK_E_ARG,
                       "trader: policy %d, entry %d, stop_kind %d, size %d; one is not known",
                       c->policy, c->entry, c->stop_kind, c->size);
    if (c->policy == WK_POLICY_QUANTILE &&
        !(c->coverage > 0.0 && c->coverage <= 1.0 && c->quantile_window_days > 0.0 &&
          c->quantile_min_days >= 0.0))
        return wk_fail(err, WK_E_ARG,
                       "trader: coverage %g (0..1], quantile_window_days %g, quantile_min_days %g; "
                       "one is out of range",
                       c->coverage, c->quantile_window_days, c->quantile_min_days);
    if (c->size == 1 && !(c->target_volatility > 0.0))
        return wk_fail(err, WK_E_ARG,
                       "trader: target_volatility %g; must be positive for size volatility",
                       c->target_volatility);
    if (!(c->stop_loss >= 0.0 && c->take_profit >= 0.0))
        return wk_fail(err, WK_E_ARG, "trader: stop_loss %g, take_profit %g; must not be negative",
                       c->stop_loss, c->take_profit);
    if (c->liquidation_factor > 0.0 && (c->stop_kind == 0 || !(c->stop_loss > 0.0)))
        return wk_fail(err, WK_E_ARG,
                       "trader: liquidation_factor %g needs a stop; set stop_kind and stop_loss",
                       c->liquidation_factor);
    if (c->confidence_full > 0.0 && !(c->confidence_full > c->confidence_low &&
                                      c->confidence_share >= 0.0 && c->confidence_share <= 1.0))
        return wk_fail(err, WK_E_ARG,
                       "trader: confidence_full %g must be above confidence_low %g, and "
                       "confidence_share %g between 0 and 1",
                       c->confidence_full, c->confidence_low, c->confidence_share);
    if (c->stale_markets_max > 0.0 && c->stale_bars == 0)
        return wk_fail(err, WK_E_ARG,
                       "trader: stale_markets_max %g needs stale_bars, which says what stale is",
                       c->stale_markets_max);
    if (c->reprice_max < 0 || c->reprice_max > 14)
        return wk_fail(err, WK_E_ARG, "trader: reprice_max %lld is not between 0 and 14",
                       (long long)c->reprice_max);
    return WK_OK;
}

/* A part of the block, 0 [S] of so many bytes; only counted while there is no block. */
static void *part(wk_trader *t, size_t size_bytes)
{
    char *at = t->by_market ? t->by_market + t->by_market_bytes : NULL;
    t->by_market_bytes += (t->S * size_bytes + 7) / 8 * 8;
    return at;
}

static void lay_out(wk_trader *t)
{
    t->by_market_bytes = 0;
    t->pos = part(t, sizeof *t->pos);
    t->mark = part(t, sizeof *t->mark);
    t->entry = part(t, sizeof *t->entry);
    t->entry_flight = part(t, sizeof *t->entry_flight);
    t->exit_flight = part(t, sizeof *t->exit_flight);
    t->exit_void = part(t, sizeof *t->exit_void);
    t->entered = part(t, sizeof *t->entered);
    t->cool = part(t, sizeof *t->cool);
    t->run = part(t, sizeof *t->run);
    t->x = part(t, sizeof *t->x);
    t->limit = part(t, sizeof *t->limit);
    t->take = part(t, sizeof *t->take);
    t->missed = part(t, sizeof *t->missed);
    t->rule = part(t, sizeof *t->rule);
    t->last = part(t, sizeof *t->last);
    t->verdict = part(t, sizeof *t->verdict);
}

static void plan_by_market(wk_trader *t, wk_arena *arena)
{
    lay_out(t);
    t->by_market = wk_arena_alloc(arena, t->by_market_bytes);
    t->before = wk_arena_alloc(arena, t->by_market_bytes);
    lay_out(t);
}

wk_status wk_trader_plan(wk_arena *arena, const wk_trade_config *config,
                         const wk_trade_instrument *instruments, size_t S, int64_t timeframe_ns,
                         int64_t initial_cash_e8, wk_trader **out, wk_err *err)
{
    WK_TRY(check(config, S, timeframe_ns, initial_cash_e8, err));
    wk_trader *t = wk_arena_alloc(arena, sizeof *t);
    t->config = *config;
    if (!(t->config.leverage > 0.0))
        t->config.leverage = 1.0;
    t->S = S;
    t->timeframe_ns = timeframe_ns;
    t->sqrt_bars_year = sqrt(365.0 * (double)WK_DAY_NS / (double)timeframe_ns);
    t->initial_e8 = t->cash_e8 = t->equity_e8 = t->peak_e8 = t->day_equity_e8 = initial_cash_e8;
    t->day = INT64_MIN;
    t->intents = WK_DIGEST_START;
    t->unit = wk_arena_array(arena, wk_unit, S);
    t->per_tick = wk_arena_array(arena, double, S);
    t->min_lots = wk_arena_array(arena, int64_t, S);
    plan_by_market(t, arena);
    t->candidates = wk_arena_array(arena, wk__candidate, S);
    t->exposed = config->max_gross_exposure > 0.0 || config->max_net_exposure > 0.0;
    t->guarded = config->stale_bars > 0 || config->loss_streak > 0;
    t->pause_until = INT64_MIN;
    for (size_t s = 0; s < S; s++) {
        if (!wk_unit_init(&t->unit[s], instruments[s].tick, instruments[s].lot))
            return wk_fail(err, WK_E_ARG,
                           "instrument %s: tick %g or lot %g is no positive decimal that the money "
                           "type can hold",
                           instruments[s].symbol, instruments[s].tick, instruments[s].lot);
        t->per_tick[s] = wk_money_per_tick(instruments[s].tick);
        t->min_lots[s] = instruments[s].min_lots > 1 ? instruments[s].min_lots : 1;
        t->cool[s] = t->exit_void[s] = INT64_MIN;
        t->rule[s].block_until_ns = t->rule[s].exits_step = INT64_MIN;
    }
    wk__signal_plan(arena, &t->config, S, timeframe_ns, &t->signal);
    *out = t;
    return WK_OK;
}

static void fail(wk_trader *t)
{
    t->failed = t->halted = true;
}

void wk__trader_missed(wk_trader *t, size_t s, const wk__limit *limit, int64_t ticks)
{
    int64_t value, delta = limit->side * (ticks - limit->ticks);
    if (!wk_money_value(&t->unit[s], limit->lots, delta, false, &value) ||
        __builtin_add_overflow(t->missed_e8, value, &t->missed_e8))
        fail(t);
}

static int64_t average(int64_t ticks_a, int64_t lots_a, int64_t ticks_b, int64_t lots_b)
{
    wk_i128 sum = (wk_i128)ticks_a * lots_a + (wk_i128)ticks_b * lots_b;
    return (int64_t)(sum / ((wk_i128)lots_a + lots_b));
}

static bool closes(uint8_t reason)
{
    return reason != WK_REASON_ENTRY;
}

static bool by_venue(uint8_t reason)
{
    return reason == WK_REASON_STOP_LOSS || reason == WK_REASON_TAKE_PROFIT ||
           reason == WK_REASON_LIQUIDATION || reason == WK_REASON_END;
}

static void on_fill(wk_trader *t, const wk_trader_event *e)
{
    size_t s = e->symbol;
    int64_t signed_lots = e->side * e->qty_lots, cash;
    if (!wk_money_fill(&t->unit[s], e->side, e->qty_lots, e->price_ticks, &cash) ||
        __builtin_add_overflow(t->cash_e8, cash, &t->cash_e8) ||
        __builtin_sub_overflow(t->cash_e8, e->fee_e8, &t->cash_e8) ||
        __builtin_sub_overflow(t->cash_e8, e->slippage_e8, &t->cash_e8)) {
        fail(t);
        return;
    }
    int64_t before = t->pos[s];
    t->pos[s] += signed_lots;
    t->mark[s] = e->price_ticks;
    if (!closes(e->reason)) {
        if (e->order_id == t->limit[s].id && t->limit[s].id != 0) {
            t->limit[s].lots -= e->qty_lots;
            if (t->limit[s].lots <= 0)
                t->limit[s].id = 0;
        } else if (wk__order_id_leg(e->order_id) == WK__LEG_ENTRY) {
            t->entry_flight[s] -= signed_lots;
        } /* else a limit whose cancel came too late: the next bar deals with the position */
        bool adds = (before > 0) == (signed_lots > 0) && before != 0;
        t->entry[s] =
            adds ? average(t->entry[s], before, e->price_ticks, signed_lots) : e->price_ticks;
        t->entered[s] = t->step + 1;
    } else if (by_venue(e->reason)) {
        t->run[s] = 0;
        if (e->reason == WK_REASON_STOP_LOSS || e->reason == WK_REASON_LIQUIDATION)
            t->cool[s] = t->step + 1 + t->config.cooldown_bars;
        if (t->pos[s] == 0) {
            /* An exit still on its way will find nothing to reduce. */
            t->exit_flight[s] = 0;
            t->exit_void[s] = t->step;
        }
    } else {
        t->exit_flight[s] -= signed_lots;
    }
    if (t->pos[s] == 0)
        t->entry[s] = 0;
    if (t->config.loss_streak > 0)
        wk__rules_fill(t, s, cash - e->fee_e8 - e->slippage_e8);
}

/* The order is gone with e->qty_lots unfilled. */
static void on_canceled(wk_trader *t, const wk_trader_event *e)
{
    size_t s = e->symbol;
    wk__limit *limit = &t->limit[s];
    if (limit->id != 0 && e->order_id == limit->id) {
        wk__limit gone = *limit;
        limit->id = 0;
        gone.reprice = gone.attempt < t->config.reprice_max;
        if (e->reason == WK_REASON_EXPIRED && (gone.reprice || t->config.market_after_expiry))
            t->take[s] = gone;
        else
            t->missed[s] = gone;
        return;
    }
    int64_t signed_lots = e->side * e->qty_lots;
    if (wk__order_id_leg(e->order_id) == WK__LEG_ENTRY) {
        t->entry_flight[s] -= signed_lots;
    } else if (wk__order_id_leg(e->order_id) == WK__LEG_EXIT &&
               wk_order_id_bar(e->order_id) > t->exit_void[s]) {
        t->exit_flight[s] -= signed_lots;
    }
}

static void digest_action(wk_trader *t, const wk_action *a)
{
    const wk_order *o = &a->order;
    const int64_t values[] = {a->kind,        (int64_t)o->id, o->symbol,       o->side,
                              o->kind,        o->reason,      o->reduce_only,  o->qty_lots,
                              o->price_ticks, o->stop_ticks,  o->profit_ticks, o->expires_ns};
    t->intents = wk_digest_bytes(t->intents, values, sizeof values);
    if (o->leverage > 0.0)
        t->intents = wk_digest_bytes(t->intents, &o->leverage, sizeof o->leverage);
}

void wk_trader_step(wk_trader *t, const wk_trader_event *e, wk_actions *actions)
{
    size_t first = actions->n;
    WK_ASSERT(e->kind == WK_TRADER_EVENT_BARS || e->kind == WK_TRADER_EVENT_OVERRIDE ||
              e->symbol < t->S);
    switch (e->kind) {
    case WK_TRADER_EVENT_BARS:
        wk__trader_bars(t, e, actions);
        break;
    case WK_TRADER_EVENT_FILL:
        on_fill(t, e);
        break;
    case WK_TRADER_EVENT_CANCELED:
    case WK_TRADER_EVENT_REJECT:
        on_canceled(t, e);
        break;
    case WK_TRADER_EVENT_FUNDING:
        if (__builtin_add_overflow(t->cash_e8, e->amount_e8, &t->cash_e8))
            fail(t);
        else if (t->pos[e->symbol] != 0)
            t->rule[e->symbol].trip_e8 += e->amount_e8;
        break;
    case WK_TRADER_EVENT_OVERRIDE:
        wk__trader_override(t, e, actions);
        break;
    case WK_TRADER_EVENT_ACK:
        break;
    }
    for (size_t i = first; i < actions->n; i++)
        digest_action(t, &actions->v[i]);
}

void wk_trader_warm(wk_trader *t, const wk_trader_event *e, wk_actions *actions)
{
    WK_ASSERT(e->kind == WK_TRADER_EVENT_BARS);
    struct wk_trader before = *t;
    memcpy(t->before, t->by_market, t->by_market_bytes);
    if (t->signal.pool)
        wk__signal_warm(&t->signal, t->x, t->S);
    t->signal.pool = NULL; /* too large to put back */
    wk_trader_step(t, e, actions);
    *t = before;
    memcpy(t->by_market, t->before, t->by_market_bytes);
}

uint64_t wk_trader_intents_digest(const wk_trader *t)
{
    return t->intents;
}

int64_t wk_trader_position(const wk_trader *t, size_t s, int64_t *entry_ticks)
{
    WK_ASSERT(s < t->S);
    if (entry_ticks != NULL)
        *entry_ticks = t->entry[s];
    return t->pos[s];
}

void wk_trader_brackets(const wk_trader *t, size_t s, int64_t *stop_ticks, int64_t *profit_ticks)
{
    WK_ASSERT(s < t->S);
    bool held = t->pos[s] != 0;
    *stop_ticks = held ? t->rule[s].stop : 0;
    *profit_ticks = held ? t->rule[s].profit : 0;
}

int64_t wk_trader_cash_e8(const wk_trader *t)
{
    return t->cash_e8;
}

int64_t wk_trader_equity_e8(const wk_trader *t)
{
    return t->equity_e8;
}

int64_t wk_trader_missed_e8(const wk_trader *t)
{
    return t->missed_e8;
}

bool wk_trader_failed(const wk_trader *t)
{
    return t->failed;
}

double wk_trader_threshold(const wk_trader *t)
{
    return t->signal.threshold;
}
