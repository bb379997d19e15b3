/* The simulated venue, one market and a few bars at a time. Tick 0.01, lot 0.001. */
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

static wk_sim_config plain_config(void)
{
    return (wk_sim_config){.latency_ms = 250,
                           .funding = true,
                           .leverage = 1,
                           .maintenance_margin = 0.005,
                           .initial_cash = 10000,
                           .cost_multiplier = 1};
}

static void setup(fixture *f, const wk_sim_config *config)
{
    wk_trade_instrument in = {.symbol = "X", .tick = 0.01, .lot = 0.001, .min_lots = 1};
    wk_err err;
    wk_arena_init(&f->arena);
    assert_int_equal(wk_sim_venue_plan(&f->arena, config, &in, 1, HOUR, &f->venue, &err), WK_OK);
    f->list = (wk_events){0, 64, f->events};
    f->step = 0;
    assert_true(wk_sim_events_max(f->venue) <= 64);
}

static void place(fixture *f, wk_order order)
{
    wk_err err;
    order.id = order.id ? order.id : 1;
    order.qty_lots = order.qty_lots ? order.qty_lots : LOTS;
    assert_int_equal(wk_sim_place(f->venue, &order, f->step, &err), WK_OK);
}

static void play(fixture *f, wk_bar bar, uint8_t provenance, double funding)
{
    wk_err err = {0};
    double sigma = 0.01;
    f->step++;
    f->list.n = 0;
    if (wk_sim_bar(f->venue, f->step, (f->step + 1) * HOUR, &bar, &provenance, &funding, &sigma,
                   &f->list, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static void bar(fixture *f, double o, double h, double l, double c)
{
    play(f, (wk_bar){0, o, h, l, c, 1}, WK_PROV_TRADED, 0);
}

static void expect_fill(const fixture *f, size_t i, wk_reason reason, int64_t ticks, bool maker)
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

static double cash(const fixture *f)
{
    return (double)wk_sim_cash_e8(f->venue) / 1e8;
}

static const wk_order buy = {.side = 1, .kind = WK_ORDER_MARKET};

static void test_market_order_fills_at_the_next_open_with_costs(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.fees = WK_FEES_FUTURES;
    c.slippage_bps = 2;
    c.slippage_sigma = 0.05; /* 5 bp of sigma 1 % */
    setup(&f, &c);
    place(&f, buy);
    bar(&f, 100, 101, 99, 100.5);
    expect_fill(&f, 0, WK_REASON_ENTRY, 10000, false);
    assert_int_equal(f.events[0].fee_e8, 5000000);      /* 5 bp of 100 */
    assert_int_equal(f.events[0].slippage_e8, 7000000); /* 2 + 5 bp */
    assert_int_equal(wk_sim_cash_e8(f.venue), 1000000000000 - 10000000000 - 5000000 - 7000000);
    wk_arena_finish(&f.arena);
}

static void test_cost_multiplier_scales_fee_and_slippage(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.fees = WK_FEES_LEGACY_016;
    c.slippage_bps = 2;
    c.cost_multiplier = 1.5;
    setup(&f, &c);
    place(&f, buy);
    bar(&f, 100, 101, 99, 100.5);
    assert_int_equal(f.events[0].fee_e8, 39000000);
    assert_int_equal(f.events[0].slippage_e8, 3000000);
    wk_arena_finish(&f.arena);
}

static void test_orders_wait_for_the_delay_and_for_a_bar(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.delay_bars = 1;
    setup(&f, &c);
    place(&f, buy);
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(f.list.n, 0);
    play(&f, (wk_bar){0, NAN, NAN, NAN, NAN, 0}, WK_PROV_UNKNOWN, 0);
    assert_int_equal(f.list.n, 0);
    bar(&f, 103, 104, 102, 103);
    expect_fill(&f, 0, WK_REASON_ENTRY, 10300, false);
    wk_arena_finish(&f.arena);
}

static void test_a_touch_is_not_a_fill(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.fees = WK_FEES_FUTURES;
    c.slippage_bps = 2;
    setup(&f, &c);
    place(&f, (wk_order){.side = 1, .kind = WK_ORDER_LIMIT, .price_ticks = 9900});
    bar(&f, 100, 101, 99.00, 100);
    assert_int_equal(f.list.n, 0);
    bar(&f, 100, 101, 98.99, 100);
    expect_fill(&f, 0, WK_REASON_ENTRY, 9900, true);
    assert_int_equal(f.events[0].fee_e8, 1980000); /* maker 2 bp of 99 */
    assert_int_equal(f.events[0].slippage_e8, 0);
    wk_arena_finish(&f.arena);
}

static void test_limit_fills_at_the_open_that_gaps_beyond(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    setup(&f, &c);
    place(&f, (wk_order){.side = -1, .kind = WK_ORDER_LIMIT, .price_ticks = 10100});
    bar(&f, 100, 101, 99, 100);
    bar(&f, 102, 103, 101.5, 102);
    expect_fill(&f, 0, WK_REASON_ENTRY, 10200, true);
    wk_arena_finish(&f.arena);
}

static void test_marketable_limit_takes_within_its_price(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.fees = WK_FEES_FUTURES;
    c.slippage_bps = 10;
    setup(&f, &c);
    place(&f, (wk_order){.side = 1, .kind = WK_ORDER_LIMIT, .price_ticks = 10003});
    bar(&f, 100, 101, 99, 100);
    expect_fill(&f, 0, WK_REASON_ENTRY, 10000, false);
    assert_int_equal(f.events[0].slippage_e8, 3000000); /* 3 ticks, not 10 bp */
    wk_arena_finish(&f.arena);
}

static void test_limit_expires_and_cancels(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    setup(&f, &c);
    place(&f, (wk_order){.id = 7,
                         .side = 1,
                         .kind = WK_ORDER_LIMIT,
                         .price_ticks = 9000,
                         .expires_ns = 3 * HOUR});
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(f.list.n, 0);
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(f.list.n, 1);
    assert_true(f.events[0].kind == WK_TRADER_EVENT_CANCELED &&
                f.events[0].reason == WK_REASON_EXPIRED && f.events[0].order_id == 7);
    place(&f, (wk_order){.id = 8, .side = 1, .kind = WK_ORDER_LIMIT, .price_ticks = 9000});
    wk_sim_cancel(f.venue, 0, 8, f.step);
    bar(&f, 80, 81, 79, 80); /* would have filled */
    assert_int_equal(f.list.n, 1);
    assert_true(f.events[0].kind == WK_TRADER_EVENT_CANCELED &&
                f.events[0].reason != WK_REASON_EXPIRED);
    assert_int_equal(wk_sim_positions(f.venue)[0], 0);
    wk_arena_finish(&f.arena);
}

static wk_order bracketed(int side, int kind, int64_t price, int64_t stop, int64_t profit)
{
    return (wk_order){.side = (int8_t)side,
                      .kind = (uint8_t)kind,
                      .price_ticks = price,
                      .stop_ticks = stop,
                      .profit_ticks = profit};
}

static void test_stop_comes_before_take_profit(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        fixture f;
        wk_sim_config c = plain_config();
        setup(&f, &c);
        place(&f, bracketed(side, WK_ORDER_MARKET, 0, 10000 - side * 200, 10000 + side * 200));
        bar(&f, 100, 103, 97, 100); /* both, on the entry bar */
        expect_fill(&f, 0, WK_REASON_ENTRY, 10000, false);
        expect_fill(&f, 1, WK_REASON_STOP_LOSS, 10000 - side * 200, false);
        assert_true(cash(&f) == 9998);
        wk_arena_finish(&f.arena);
    }
}

static void test_stop_gaps_to_the_open_and_pays_slippage(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.slippage_bps = 10;
    setup(&f, &c);
    place(&f, bracketed(1, WK_ORDER_MARKET, 0, 9800, 0));
    bar(&f, 100, 101, 99, 100);
    bar(&f, 95, 96, 94, 95);
    expect_fill(&f, 0, WK_REASON_STOP_LOSS, 9500, false);
    assert_int_equal(f.events[0].slippage_e8, 9500000);
    wk_arena_finish(&f.arena);
}

static void test_take_profit_is_a_resting_limit(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    setup(&f, &c);
    place(&f, bracketed(1, WK_ORDER_MARKET, 0, 0, 10200));
    bar(&f, 100, 102.00, 99, 101); /* a touch */
    assert_int_equal(f.list.n, 1);
    bar(&f, 101, 102.01, 100, 101);
    expect_fill(&f, 0, WK_REASON_TAKE_PROFIT, 10200, true);
    place(&f, bracketed(-1, WK_ORDER_MARKET, 0, 0, 9800));
    bar(&f, 100, 101, 99, 100);
    bar(&f, 97, 98, 96, 97);
    expect_fill(&f, 0, WK_REASON_TAKE_PROFIT, 9700, true);
    wk_arena_finish(&f.arena);
}

static void test_limit_filled_inside_a_bar_can_be_stopped_in_it_but_not_win(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    setup(&f, &c);
    place(&f, bracketed(1, WK_ORDER_LIMIT, 9900, 9800, 10000));
    bar(&f, 99.50, 102, 98.50, 99.50); /* the high may have come first */
    assert_int_equal(f.list.n, 1);
    expect_fill(&f, 0, WK_REASON_ENTRY, 9900, true);
    bar(&f, 99.5, 100.01, 99, 99.5);
    expect_fill(&f, 0, WK_REASON_TAKE_PROFIT, 10000, true);
    place(&f, bracketed(1, WK_ORDER_LIMIT, 9900, 9800, 10000));
    bar(&f, 99.5, 102, 97, 99);
    expect_fill(&f, 0, WK_REASON_ENTRY, 9900, true);
    expect_fill(&f, 1, WK_REASON_STOP_LOSS, 9800, false);
    wk_arena_finish(&f.arena);
}

static void test_funding_is_paid_by_longs_and_received_by_shorts(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        fixture f;
        wk_sim_config c = plain_config();
        setup(&f, &c);
        place(&f, (wk_order){.side = (int8_t)side});
        play(&f, (wk_bar){0, 100, 101, 99, 100, 1}, WK_PROV_TRADED,
             0.001); /* not held across this open */
        assert_int_equal(f.list.n, 1);
        play(&f, (wk_bar){0, 110, 111, 109, 110, 1}, WK_PROV_TRADED, 0.001);
        assert_int_equal(f.list.n, 1);
        assert_true(f.events[0].kind == WK_TRADER_EVENT_FUNDING);
        assert_int_equal(f.events[0].amount_e8, -side * 11000000);
        /* Held across the open at which it is closed: charged before the exit. */
        place(&f, (wk_order){.side = (int8_t)-side, .reduce_only = true, .reason = WK_REASON_FLIP});
        play(&f, (wk_bar){0, 100, 101, 99, 100, 1}, WK_PROV_TRADED, -0.002);
        assert_int_equal(f.list.n, 2);
        assert_int_equal(f.events[0].amount_e8, side * 20000000);
        expect_fill(&f, 1, WK_REASON_FLIP, 10000, false);
        wk_arena_finish(&f.arena);
    }
}

/* The sum of a bar's payments for holding. */
static int64_t paid(const fixture *f)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->list.n; i++)
        if (f->events[i].kind == WK_TRADER_EVENT_FUNDING)
            sum += f->events[i].amount_e8;
    return sum;
}

static wk_sim_config margin_config(double long_bps, double short_bps)
{
    wk_sim_config c = plain_config();
    c.leverage = 2;
    c.margin_long_bps = long_bps;
    c.margin_short_bps = short_bps;
    c.margin_rollover_h = 4;
    return c;
}

/* reference/trading.md 3.1: at 0.02 % every four hours carry is 0.12 % a day; 0.025 % for USD. */
static void test_borrowed_money_costs_at_the_opening_and_every_four_hours(void **state)
{
    (void)state;
    static const struct {
        int8_t side;
        double long_bps, short_bps;
        int64_t opening_e8, day_e8; /* of 100 quote */
    } rows[] = {{1, 2, 0, 2000000, -12000000},
                {1, 2.5, 1, 2500000, -15000000},
                {-1, 2.5, 1, 1000000, -6000000},
                {-1, 2, 2, 2000000, -12000000},
                {1, 0, 0, 0, 0},
                {-1, 2.5, 0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        wk_sim_config c = margin_config(rows[i].long_bps, rows[i].short_bps);
        setup(&f, &c);
        place(&f, (wk_order){.side = rows[i].side});
        bar(&f, 100, 100.5, 99.5, 100);
        expect_fill(&f, 0, WK_REASON_ENTRY, 10000, false);
        assert_int_equal(f.events[0].fee_e8, rows[i].opening_e8);
        int64_t sum = paid(&f);
        assert_int_equal(sum, 0);
        for (int h = 1; h <= 24; h++) {
            bar(&f, 120, 120.5, 119.5, 120); /* what it cost counts, not what it is worth */
            assert_int_equal(paid(&f), h % 4 == 0 ? rows[i].day_e8 / 6 : 0);
            sum += paid(&f);
        }
        assert_int_equal(sum, rows[i].day_e8);
        assert_int_equal(wk_sim_cash_e8(f.venue), INT64_C(1000000000000) -
                                                      rows[i].side * INT64_C(10000000000) -
                                                      rows[i].opening_e8 + sum);
        wk_arena_finish(&f.arena);
    }
}

/* Closed at the open at which it would be rolled over: it was held until then. Nothing is borrowed
 * by an exit, and the next position counts from its own opening. */
static void test_a_rollover_at_the_exit_is_paid_and_the_count_begins_anew(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = margin_config(2, 2);
    setup(&f, &c);
    place(&f, buy);
    for (int h = 0; h < 4; h++)
        bar(&f, 100, 101, 99, 100);
    place(&f, (wk_order){.side = -1, .reduce_only = true, .reason = WK_REASON_FLIP});
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(paid(&f), -2000000);
    expect_fill(&f, 1, WK_REASON_FLIP, 10000, false);
    assert_int_equal(f.events[1].fee_e8, 0);
    bar(&f, 100, 101, 99, 100);
    place(&f, buy);
    for (int h = 0; h < 4; h++) {
        bar(&f, 100, 101, 99, 100);
        assert_int_equal(paid(&f), 0);
    }
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(paid(&f), -2000000);
    wk_arena_finish(&f.arena);
}

/* A bar of a day holds five rollovers behind its open: all are paid when a stop ends the position
 * at an unknown time within, none when it is closed at the open. */
static void test_rollovers_inside_a_long_bar(void **state)
{
    (void)state;
    for (int stopped = 0; stopped < 2; stopped++) {
        fixture f;
        wk_sim_config c = margin_config(2, 2);
        wk_trade_instrument in = {.symbol = "X", .tick = 0.01, .lot = 0.001, .min_lots = 1};
        wk_err err;
        double sigma = 0.01, funding = 0;
        uint8_t provenance = WK_PROV_TRADED;
        wk_arena_init(&f.arena);
        assert_int_equal(wk_sim_venue_plan(&f.arena, &c, &in, 1, 24 * HOUR, &f.venue, &err), WK_OK);
        f.list = (wk_events){0, 64, f.events};
        f.step = 0;
        place(&f, (wk_order){.side = 1, .stop_ticks = stopped ? 9000 : 0});
        wk_bar day = {0, 100, 101, 80, 100, 1};
        assert_int_equal(
            wk_sim_bar(f.venue, 1, 48 * HOUR, &day, &provenance, &funding, &sigma, &f.list, &err),
            WK_OK);
        assert_int_equal(paid(&f), -5 * 2000000);
        if (stopped) {
            expect_fill(&f, 2, WK_REASON_STOP_LOSS, 9000, false);
        } else {
            f.list.n = 0;
            f.step = 1;
            place(&f, (wk_order){.side = -1, .reduce_only = true, .reason = WK_REASON_FLIP});
            assert_int_equal(wk_sim_bar(f.venue, 2, 72 * HOUR, &day, &provenance, &funding, &sigma,
                                        &f.list, &err),
                             WK_OK);
            assert_int_equal(paid(&f), -2000000); /* of the open itself */
        }
        wk_arena_finish(&f.arena);
    }
}

/* A venue that begins anew goes on where the one before would have. */
static void test_a_restored_position_is_rolled_over_as_if_nothing_had_happened(void **state)
{
    (void)state;
    for (int after = 1; after < 9; after++) {
        fixture f, again;
        wk_sim_config c = margin_config(2, 2);
        wk_err err;
        setup(&f, &c);
        setup(&again, &c);
        place(&f, buy);
        for (int h = 0; h < after; h++)
            bar(&f, 100, 101, 99, 100);
        wk_sim_position p = {
            .lots = LOTS, .entry_ticks = 10000, .mark_ticks = 10000, .opened_ns = HOUR};
        assert_int_equal(wk_sim_restore(again.venue, &p, &err), WK_OK);
        wk_sim_restore_cash(again.venue, wk_sim_cash_e8(f.venue));
        again.step = f.step;
        for (int h = 0; h < 10; h++) {
            bar(&f, 100, 101, 99, 100);
            bar(&again, 100, 101, 99, 100);
            assert_int_equal(paid(&again), paid(&f));
        }
        assert_int_equal(wk_sim_cash_e8(again.venue), wk_sim_cash_e8(f.venue));
        wk_arena_finish(&f.arena);
        wk_arena_finish(&again.arena);
    }
}

static void test_reduce_only_never_opens(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    setup(&f, &c);
    place(&f, (wk_order){.side = -1, .reduce_only = true, .reason = WK_REASON_FLIP});
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(f.list.n, 1);
    assert_true(f.events[0].kind == WK_TRADER_EVENT_CANCELED);
    place(&f, buy);
    place(&f, (wk_order){
                  .side = -1, .qty_lots = 5 * LOTS, .reduce_only = true, .reason = WK_REASON_FLIP});
    bar(&f, 100, 101, 99, 100);
    assert_int_equal(f.list.n, 2);
    assert_int_equal(f.events[1].qty_lots, LOTS);
    assert_int_equal(wk_sim_positions(f.venue)[0], 0);
    wk_arena_finish(&f.arena);
}

static void test_liquidation_at_the_published_price(void **state)
{
    (void)state;
    const struct {
        double leverage;
        int side;
        int64_t ticks;
    } v[] = {{5, 1, 8081},    {5, -1, 11881}, {10, 1, 9091},
             {10, -1, 10891}, {25, 1, 9697},  {25, -1, 10297}};
    for (size_t i = 0; i < 6; i++) {
        fixture f;
        wk_sim_config c = plain_config();
        c.leverage = v[i].leverage;
        c.maintenance_margin = 0.01;
        setup(&f, &c);
        place(&f, (wk_order){.side = (int8_t)v[i].side});
        bar(&f, 100, 100.5, 99.5, 100);
        assert_int_equal(wk_sim_liquidation_ticks(f.venue, 0), v[i].ticks);
        double p = (double)v[i].ticks / 100;
        bar(&f, 100, v[i].side < 0 ? p : 100.5, v[i].side > 0 ? p : 99.5, 100);
        expect_fill(&f, 0, WK_REASON_LIQUIDATION, v[i].ticks, false);
        wk_arena_finish(&f.arena);
    }
}

static void test_liquidation_loses_no_more_than_the_margin_and_fees(void **state)
{
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        fixture f;
        wk_sim_config c = plain_config();
        c.leverage = 10;
        c.slippage_bps = 500;
        c.liquidation_penalty = 0.01;
        c.fees = WK_FEES_CUSTOM;
        c.taker_fee_bps = 0;
        setup(&f, &c);
        place(&f, (wk_order){.side = (int8_t)side});
        bar(&f, 100, 100.5, 99.5, 100);
        int64_t entry_slip = f.events[0].slippage_e8;
        double gap = side > 0 ? 50 : 150;
        bar(&f, gap, gap, gap, gap);
        expect_fill(&f, 0, WK_REASON_LIQUIDATION, 10000 - side * 1000, false);
        assert_int_equal(f.events[0].slippage_e8,
                         0); /* at bankruptcy there is nothing left to slip */
        assert_int_equal(f.events[0].fee_e8,
                         (int64_t)((100 - side * 10) * 1000000)); /* the penalty */
        double lost = 10000 - cash(&f) - (double)(f.events[0].fee_e8 + entry_slip) / 1e8;
        assert_true(fabs(lost - 10) < 1e-9);
        wk_arena_finish(&f.arena);
    }
}

static void test_funding_moves_the_liquidation_price(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    c.leverage = 10;
    c.maintenance_margin = 0;
    setup(&f, &c);
    place(&f, buy);
    bar(&f, 100, 100.5, 99.5, 100);
    assert_int_equal(wk_sim_liquidation_ticks(f.venue, 0), 9000);
    play(&f, (wk_bar){0, 100, 100.5, 99.5, 100, 1}, WK_PROV_TRADED, 0.01);
    assert_int_equal(wk_sim_liquidation_ticks(f.venue, 0), 9100);
    wk_arena_finish(&f.arena);
}

static void test_unlevered_long_is_never_liquidated(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    setup(&f, &c);
    place(&f, buy);
    bar(&f, 100, 100.5, 99.5, 100);
    bar(&f, 100, 100.5, 0.01, 0.01);
    assert_int_equal(f.list.n, 0);
    assert_int_equal(wk_sim_positions(f.venue)[0], LOTS);
    wk_arena_finish(&f.arena);
}

static void test_nearer_of_stop_and_liquidation_is_hit(void **state)
{
    (void)state;
    for (int far = 0; far <= 1; far++) {
        fixture f;
        wk_sim_config c = plain_config();
        c.leverage = 10;
        setup(&f, &c);
        place(&f, bracketed(1, WK_ORDER_MARKET, 0, far ? 8500 : 9500, 0));
        bar(&f, 100, 100.5, 99.5, 100);
        bar(&f, 100, 100, 80, 81);
        if (far)
            expect_fill(&f, 0, WK_REASON_LIQUIDATION, 9046, false);
        else
            expect_fill(&f, 0, WK_REASON_STOP_LOSS, 9500, false);
        wk_arena_finish(&f.arena);
    }
}

static void test_overflow_is_an_error(void **state)
{
    (void)state;
    fixture f;
    wk_sim_config c = plain_config();
    wk_err err = {0};
    setup(&f, &c);
    place(&f, (wk_order){.side = 1, .qty_lots = INT64_C(4000000000000000000)});
    wk_bar b = {0, 1e6, 1e6, 1e6, 1e6, 1};
    uint8_t provenance = WK_PROV_TRADED;
    assert_int_equal(wk_sim_bar(f.venue, 1, 2 * HOUR, &b, &provenance, NULL, NULL, &f.list, &err),
                     WK_E_RANGE);
    assert_true(err.msg[0] != 0);
    wk_arena_finish(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_market_order_fills_at_the_next_open_with_costs),
        cmocka_unit_test(test_cost_multiplier_scales_fee_and_slippage),
        cmocka_unit_test(test_orders_wait_for_the_delay_and_for_a_bar),
        cmocka_unit_test(test_a_touch_is_not_a_fill),
        cmocka_unit_test(test_limit_fills_at_the_open_that_gaps_beyond),
        cmocka_unit_test(test_marketable_limit_takes_within_its_price),
        cmocka_unit_test(test_limit_expires_and_cancels),
        cmocka_unit_test(test_stop_comes_before_take_profit),
        cmocka_unit_test(test_stop_gaps_to_the_open_and_pays_slippage),
        cmocka_unit_test(test_take_profit_is_a_resting_limit),
        cmocka_unit_test(test_limit_filled_inside_a_bar_can_be_stopped_in_it_but_not_win),
        cmocka_unit_test(test_funding_is_paid_by_longs_and_received_by_shorts),
        cmocka_unit_test(test_borrowed_money_costs_at_the_opening_and_every_four_hours),
        cmocka_unit_test(test_a_rollover_at_the_exit_is_paid_and_the_count_begins_anew),
        cmocka_unit_test(test_rollovers_inside_a_long_bar),
        cmocka_unit_test(test_a_restored_position_is_rolled_over_as_if_nothing_had_happened),
        cmocka_unit_test(test_reduce_only_never_opens),
        cmocka_unit_test(test_liquidation_at_the_published_price),
        cmocka_unit_test(test_liquidation_loses_no_more_than_the_margin_and_fees),
        cmocka_unit_test(test_funding_moves_the_liquidation_price),
        cmocka_unit_test(test_unlevered_long_is_never_liquidated),
        cmocka_unit_test(test_nearer_of_stop_and_liquidation_is_hit),
        cmocka_unit_test(test_overflow_is_an_error),
    };
    return cmocka_run_group_tests_name("venue", tests, NULL, NULL);
}
