/* A trader alone: events in, actions out. Tick 0.01, lot 0.001, hourly bars at 100.00, 10000 of the
 * quote, ten slots: a plain entry is 10.000 = 10000 lots. */
#ifndef WICK_TESTS_TRADER_FIXTURE_H
#define WICK_TESTS_TRADER_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wick/money.h"
#include "wick/trade.h"

#define HOUR INT64_C(3600000000000)
#define START (INT64_C(19000) * 24 * HOUR) /* a UTC midnight */
enum { S = 3 };

typedef struct {
    wk_arena arena;
    wk_trader *trader;
    wk_action storage[4 * S];
    wk_actions actions;
    wk_bar bars[S];
    uint8_t provenance[S];
    wk_forecast forecasts[S];
    double sigma[S];
    int64_t step; /* of the last bar */
} fixture;

static inline wk_trade_config plain_config(void)
{
    return (wk_trade_config){.policy = WK_POLICY_THRESHOLD,
                             .threshold = 0.5,
                             .exit_at_zero = true,
                             .allow_long = true,
                             .allow_short = true,
                             .confirm_bars = 1,
                             .cancel_on_flip = true,
                             .limit_expiry_bars = 1,
                             .slots = 10,
                             .leverage = 1};
}

static inline void setup(fixture *f, const wk_trade_config *config)
{
    wk_trade_instrument in[S];
    wk_err err = {0};
    memset(f, 0, sizeof *f);
    for (size_t s = 0; s < S; s++) {
        in[s] = (wk_trade_instrument){.tick = 0.01, .lot = 0.001, .min_lots = 1};
        f->sigma[s] = 0.01;
        f->bars[s] = (wk_bar){0, 100, 100, 100, 100, 1};
        f->forecasts[s] = (wk_forecast){.score = 0.1f, .volatility = 0.01f, .valid = 1};
    }
    wk_arena_init(&f->arena);
    if (wk_trader_plan(&f->arena, config, in, S, HOUR, 10000 * WK_E8, &f->trader, &err) != WK_OK)
        fail_msg("%s", err.msg);
    wk_arena_freeze(&f->arena); /* from here any allocation stops the test */
    f->actions = (wk_actions){0, 4 * S, f->storage};
    f->step = -1;
}

static inline void finish(fixture *f)
{
    wk_arena_finish(&f->arena);
}

static inline size_t close_bar(fixture *f)
{
    f->step++;
    f->actions.n = 0;
    wk_trader_event e = {.kind = WK_TRADER_EVENT_BARS,
                         .time_ns = START + (f->step + 1) * HOUR,
                         .bars = f->bars,
                         .provenance = f->provenance,
                         .forecasts = f->forecasts,
                         .sigma = f->sigma};
    wk_trader_step(f->trader, &e, &f->actions);
    return f->actions.n;
}

/* Market 0 closes with this score. */
static inline size_t close_score(fixture *f, double score)
{
    f->forecasts[0].score = (float)score;
    return close_bar(f);
}

static inline void probabilities(wk_forecast *forecast, double sell, double hold, double buy)
{
    forecast->p[0] = (float)sell;
    forecast->p[1] = (float)hold;
    forecast->p[2] = (float)buy;
    forecast->score = (float)(buy - sell);
}

static inline void fill(fixture *f, const wk_order *o, int64_t ticks, wk_reason reason, int side)
{
    wk_actions none = {0, 0, NULL};
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FILL,
                         .time_ns = START + (f->step + 2) * HOUR,
                         .symbol = o->symbol,
                         .order_id = o->id,
                         .side = (int8_t)side,
                         .reason = (uint8_t)reason,
                         .qty_lots = o->qty_lots,
                         .price_ticks = ticks};
    wk_trader_step(f->trader, &e, &none);
}

static inline wk_order fill_all(fixture *f, int64_t ticks)
{
    wk_order last = {0};
    for (size_t i = 0; i < f->actions.n; i++) {
        const wk_order *o = &f->actions.v[i].order;
        if (f->actions.v[i].kind != WK_ACTION_PLACE || o->kind != WK_ORDER_MARKET)
            continue;
        fill(f, o, ticks, (wk_reason)o->reason, o->side);
        last = *o;
    }
    return last;
}

static inline void expire(fixture *f, const wk_order *o, int64_t lots)
{
    wk_actions none = {0, 0, NULL};
    wk_trader_event e = {.kind = WK_TRADER_EVENT_CANCELED,
                         .time_ns = START + (f->step + 2) * HOUR,
                         .symbol = o->symbol,
                         .order_id = o->id,
                         .side = o->side,
                         .reason = WK_REASON_EXPIRED,
                         .qty_lots = lots};
    wk_trader_step(f->trader, &e, &none);
}

/* Between two closes a person speaks. */
static inline size_t say(fixture *f, wk_override what, uint32_t symbol, int side, int64_t until_ns)
{
    f->actions.n = 0;
    wk_trader_event e = {.kind = WK_TRADER_EVENT_OVERRIDE,
                         .time_ns = START + (f->step + 1) * HOUR + 1,
                         .symbol = symbol,
                         .side = (int8_t)side,
                         .override = (uint8_t)what,
                         .until_ns = until_ns};
    wk_trader_step(f->trader, &e, &f->actions);
    return f->actions.n;
}

static inline void expect_place(const fixture *f, size_t i, int side, wk_reason reason)
{
    assert_true(i < f->actions.n);
    const wk_action *a = &f->actions.v[i];
    if (a->kind != WK_ACTION_PLACE || a->order.side != side || a->order.reason != reason)
        fail_msg("action %zu: kind %d side %d reason %s; expected side %d reason %s", i,
                 (int)a->kind, a->order.side, wk_reason_name(a->order.reason), side,
                 wk_reason_name(reason));
}

static inline void expect_verdict(const fixture *f, size_t s, wk_trade_verdict expected)
{
    wk_trade_verdict got = wk_trader_verdict(f->trader, s);
    if (got != expected)
        fail_msg("market %zu: verdict %s, expected %s", s, wk_trade_verdict_name(got),
                 wk_trade_verdict_name(expected));
}

#endif
