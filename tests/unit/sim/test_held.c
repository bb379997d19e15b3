/* What a position costs and risks while it is held at the simulated venue: funding, borrowed money,
 * liquidation. */
#include "venue_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_funding_is_paid_by_longs_and_received_by_shorts),
        cmocka_unit_test(test_borrowed_money_costs_at_the_opening_and_every_four_hours),
        cmocka_unit_test(test_a_rollover_at_the_exit_is_paid_and_the_count_begins_anew),
        cmocka_unit_test(test_rollovers_inside_a_long_bar),
        cmocka_unit_test(test_a_restored_position_is_rolled_over_as_if_nothing_had_happened),
        cmocka_unit_test(test_liquidation_at_the_published_price),
        cmocka_unit_test(test_liquidation_loses_no_more_than_the_margin_and_fees),
        cmocka_unit_test(test_funding_moves_the_liquidation_price),
        cmocka_unit_test(test_unlevered_long_is_never_liquidated),
        cmocka_unit_test(test_nearer_of_stop_and_liquidation_is_hit),
    };
    return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
