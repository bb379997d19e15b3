/* A simulated venue of one market. Tick 0.01, lot 0.001, bars of an hour. */
#ifndef WICK_TEST_VENUE_FIXTURE_H
#define WICK_TEST_VENUE_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wick/sim.h"

#define HOUR INT64_C(3600000000000)
#define LOTS 1000 /* one coin */

typedef struct {
    wk_arena arena;
    wk_sim_venue *venue;
    wk_trader_event events[64];
    wk_events list;
    int64_t step;
} fixture;

static inline wk_sim_config plain_config(void)
{
    return (wk_sim_config){.latency_ms = 250,
                           .funding = true,
                           .leverage = 1,
                           .maintenance_margin = 0.005,
                           .initial_cash = 10000,
                           .cost_multiplier = 1};
}

static inline void setup(fixture *f, const wk_sim_config *config)
{
    wk_trade_instrument in = {.symbol = "X", .tick = 0.01, .lot = 0.001, .min_lots = 1};
    wk_err err;
    wk_arena_init(&f->arena);
    assert_int_equal(wk_sim_venue_plan(&f->arena, config, &in, 1, HOUR, &f->venue, &err), WK_OK);
    f->list = (wk_events){0, 64, f->events};
    f->step = 0;
    assert_true(wk_sim_events_max(f->venue) <= 64);
}

static inline void place(fixture *f, wk_order order)
{
    wk_err err;
    order.id = order.id ? order.id : 1;
    order.qty_lots = order.qty_lots ? order.qty_lots : LOTS;
    assert_int_equal(wk_sim_place(f->venue, &order, f->step, &err), WK_OK);
}

static inline void play(fixture *f, wk_bar bar, uint8_t provenance, double funding)
{
    wk_err err = {0};
    double sigma = 0.01;
    f->step++;
    f->list.n = 0;
    if (wk_sim_bar(f->venue, f->step, (f->step + 1) * HOUR, &bar, &provenance, &funding, &sigma,
                   &f->list, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static inline void bar(fixture *f, double o, double h, double l, double c)
{
    play(f, (wk_bar){0, o, h, l, c, 1}, WK_PROV_TRADED, 0);
}

static inline void expect_fill(const fixture *f, size_t i, wk_reason reason, int64_t ticks,
                               bool maker)
{
    assert_true(i < f->list.n);
    const wk_trader_event *e = &f->events[i];
    if (e->kind != WK_TRADER_EVENT_FILL || e->reason != reason || e->price_ticks != ticks ||
        e->maker != maker)
        fail_msg("event %zu: kind %d reason %d price %lld maker %d; expected a fill, reason %d "
                 "price %lld maker %d",
                 i, (int)e->kind, e->reason, (long long)e->price_ticks, e->maker, (int)reason,
                 (long long)ticks, maker);
}

static inline double cash(const fixture *f)
{
    return (double)wk_sim_cash_e8(f->venue) / 1e8;
}

static const wk_order buy = {.side = 1, .kind = WK_ORDER_MARKET};

static inline wk_order bracketed(int side, int kind, int64_t price, int64_t stop, int64_t profit)
{
    return (wk_order){.side = (int8_t)side,
                      .kind = (uint8_t)kind,
                      .price_ticks = price,
                      .stop_ticks = stop,
                      .profit_ticks = profit};
}

#endif
