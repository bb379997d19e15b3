/* The simulated venue, one market and a few bars at a time: orders and what they cost. */
#include "venue_fixture.h"

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
        cmocka_unit_test(test_reduce_only_never_opens),
        cmocka_unit_test(test_overflow_is_an_error),
    };
    return cmocka_run_group_tests_name("venue", tests, NULL, NULL);
}
