/* The trader alone: events in, actions out. Tick 0.01, lot 0.001, hourly bars at 100.00. */
#include "trader_fixture.h"

static int64_t position(const fixture *f)
{
    return wk_trader_position(f->trader, 0, NULL);
}

static void test_enters_holds_and_leaves_at_zero(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.49), 0);
    assert_int_equal(close_score(&f, 0.5), 1);
    expect_place(&f, 0, 1, WK_REASON_ENTRY);
    assert_int_equal(f.actions.v[0].order.qty_lots, 10000); /* 1000 quote at 100 */
    assert_int_equal(wk_order_id_bar(f.actions.v[0].order.id), 19000 * 24 + 2);
    fill_all(&f, 10010);
    int64_t entry;
    assert_int_equal(wk_trader_position(f.trader, 0, &entry), 10000);
    assert_int_equal(entry, 10010);
    assert_int_equal(close_score(&f, 0.01), 0);
    assert_true(wk_trader_equity_e8(f.trader) == 9999 * WK_E8); /* marked at 100.00 */
    assert_int_equal(close_score(&f, 0.0), 1);
    expect_place(&f, 0, -1, WK_REASON_SCORE_ZERO);
    assert_true(f.actions.v[0].order.reduce_only);
    fill_all(&f, 10030);
    assert_int_equal(position(&f), 0);
    assert_true(wk_trader_cash_e8(f.trader) == 10002 * WK_E8);
    finish(&f);
}

static void test_flip_leaves_and_enters_at_once(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    setup(&f, &c);
    close_score(&f, 0.9);
    fill_all(&f, 10000);
    assert_int_equal(close_score(&f, -0.9), 2);
    expect_place(&f, 0, -1, WK_REASON_FLIP);
    expect_place(&f, 1, -1, WK_REASON_ENTRY);
    fill_all(&f, 10000);
    assert_int_equal(position(&f), -10000);
    finish(&f);
}

static void test_forbidden_side_only_closes(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.allow_short = false;
    c.exit_at_zero = false;
    setup(&f, &c);
    assert_int_equal(close_score(&f, -0.9), 0);
    close_score(&f, 0.9);
    fill_all(&f, 10000);
    assert_int_equal(close_score(&f, -0.1), 0);
    assert_int_equal(close_score(&f, -0.9), 1);
    expect_place(&f, 0, -1, WK_REASON_FLIP);
    finish(&f);
}

static void test_confirmation_counts_consecutive_signals(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.confirm_bars = 3;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.1), 0);
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, -0.9), 0);
    assert_int_equal(close_score(&f, -0.9), 0);
    assert_int_equal(close_score(&f, -0.9), 1);
    finish(&f);
}

static void test_cooldown_follows_a_stop_but_not_a_take_profit(void **state)
{
    (void)state;
    for (int stop = 0; stop <= 1; stop++) {
        fixture f;
        wk_trade_config c = plain_config();
        c.cooldown_bars = 3;
        setup(&f, &c);
        close_score(&f, 0.9);
        wk_order entry = fill_all(&f, 10000);
        /* The bracket closes it in bar 1; bars 2 and 3 are barred, bar 4 may enter: the signal
         * of 3. */
        fill(&f, &entry, 9900, stop ? WK_REASON_STOP_LOSS : WK_REASON_TAKE_PROFIT, -1);
        assert_int_equal(position(&f), 0);
        assert_int_equal(close_score(&f, 0.9), stop ? 0 : 1);
        if (stop) {
            assert_int_equal(close_score(&f, 0.9), 0);
            assert_int_equal(close_score(&f, 0.9), 1);
        }
        finish(&f);
    }
}

static void test_holds_for_a_time(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.hold_bars = 3;
    setup(&f, &c);
    close_score(&f, 0.9);
    fill_all(&f, 10000); /* at the open of bar 1, so out at the open of bar 4 */
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.9), 1);
    expect_place(&f, 0, -1, WK_REASON_TIME);
    finish(&f);
}

static void test_strongest_signals_fill_the_slots_ties_by_index(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.max_positions = 2;
    setup(&f, &c);
    const float score[S] = {0.6f, -0.9f, 0.6f};
    for (size_t s = 0; s < S; s++)
        f.forecasts[s].score = score[s];
    assert_int_equal(close_bar(&f), 2);
    assert_int_equal(f.actions.v[0].order.symbol, 1);
    assert_int_equal(f.actions.v[1].order.symbol, 0);
    fill_all(&f, 10000);
    assert_int_equal(close_bar(&f), 0);
    f.sigma[2] = 0.05; /* stronger by volatility, but the slots are taken until one is left */
    f.forecasts[0].score = -0.1f;
    assert_int_equal(close_bar(&f), 2);
    expect_place(&f, 0, -1, WK_REASON_SCORE_ZERO);
    expect_place(&f, 1, 1, WK_REASON_ENTRY);
    assert_int_equal(f.actions.v[1].order.symbol, 2);
    finish(&f);
}

static void test_sizes(void **state)
{
    (void)state;
    const struct {
        int size;
        double target, cap, leverage;
        int64_t lots;
    } v[] = {{0, 0, 0, 1, 10000},
             {0, 0, 0.05, 1, 5000},
             {0, 0, 0, 2.5, 25000},
             {1, 0.01 * 93.594871654380718, 0, 1, 10000},
             {1, 0.02 * 93.594871654380718, 0, 1, 20000},
             {1, 0.02 * 93.594871654380718, 0.15, 1, 15000}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        fixture f;
        wk_trade_config c = plain_config();
        c.size = v[i].size;
        c.target_volatility = v[i].target;
        c.max_position_fraction = v[i].cap;
        c.leverage = v[i].leverage;
        setup(&f, &c);
        assert_int_equal(close_score(&f, 0.9), 1);
        int64_t lots = f.actions.v[0].order.qty_lots;
        if (lots < v[i].lots - 1 || lots > v[i].lots)
            fail_msg("case %zu: %lld lots, expected %lld", i, (long long)lots,
                     (long long)v[i].lots);
        finish(&f);
    }
}

static void test_compounding_sizes_from_equity(void **state)
{
    (void)state;
    for (int compound = 0; compound <= 1; compound++) {
        fixture f;
        wk_trade_config c = plain_config();
        c.compound = compound;
        setup(&f, &c);
        close_score(&f, 0.9);
        fill_all(&f, 10000);
        close_score(&f, -0.1);
        fill_all(&f, 20000); /* a gain of 1000 on 10000 */
        close_score(&f, 0.9);
        assert_int_equal(f.actions.v[0].order.qty_lots, compound ? 11000 : 10000);
        finish(&f);
    }
}

static void test_drawdown_flattens_and_halts(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.max_drawdown_stop = 0.04;
    setup(&f, &c);
    close_score(&f, 0.9);
    fill_all(&f, 10000);
    f.bars[0].close = 61; /* 3.9 % of the capital */
    assert_int_equal(close_score(&f, 0.9), 0);
    f.bars[0].close = 60;
    f.forecasts[1].score = 0.9f;
    assert_int_equal(close_score(&f, 0.9), 1);
    expect_place(&f, 0, -1, WK_REASON_DRAWDOWN);
    fill_all(&f, 6000);
    f.bars[0].close = 200;
    for (int i = 0; i < 50; i++)
        assert_int_equal(close_score(&f, 0.9), 0);
    finish(&f);
}

static void test_daily_loss_waits_for_the_next_utc_day(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.daily_loss_stop = 0.03;
    setup(&f, &c);
    close_score(&f, 0.9);
    fill_all(&f, 10000);
    f.bars[0].close = 70;
    assert_int_equal(close_score(&f, 0.9), 1);
    expect_place(&f, 0, -1, WK_REASON_DRAWDOWN);
    fill_all(&f, 7000);
    while (f.step < 23)
        assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.9), 1); /* the first bar that opens on the next day */
    finish(&f);
}

static void test_limit_price_brackets_and_expiry(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_offset_sigma = 0.123;
    c.limit_expiry_bars = 2;
    c.stop_kind = 1;
    c.stop_loss = 0.02;
    c.take_profit = 0.03;
    setup(&f, &c);
    close_score(&f, 0.9);
    const wk_order *o = &f.actions.v[0].order;
    assert_int_equal(o->kind, WK_ORDER_LIMIT);
    assert_int_equal(o->price_ticks, 9987); /* 99.877 down */
    assert_int_equal(o->stop_ticks, 9787);  /* 9787.26 */
    assert_int_equal(o->profit_ticks, 10287);
    assert_true(o->expires_ns == START + 3 * HOUR);
    assert_int_equal(close_score(&f, 0.9), 0); /* it waits; no second order */
    finish(&f);
}

static void test_limit_is_cancelled_when_its_signal_ends(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_expiry_bars = 0;
    setup(&f, &c);
    close_score(&f, 0.9);
    uint64_t id = f.actions.v[0].order.id;
    f.bars[0].close = 103;
    assert_int_equal(close_score(&f, 0.1), 0);
    assert_int_equal(close_score(&f, -0.9), 2);
    assert_true(f.actions.v[0].kind == WK_ACTION_CANCEL && f.actions.v[0].order.id == id);
    expect_place(&f, 1, -1, WK_REASON_ENTRY);
    /* 10 coins from 100 to 103 were missed. */
    assert_true(wk_trader_missed_e8(f.trader) == 30 * WK_E8);
    finish(&f);
}

static wk_trader_event expired(const fixture *f, const wk_order *o)
{
    return (wk_trader_event){.kind = WK_TRADER_EVENT_CANCELED,
                             .time_ns = START + (f->step + 2) * HOUR,
                             .symbol = o->symbol,
                             .order_id = o->id,
                             .side = o->side,
                             .reason = WK_REASON_EXPIRED,
                             .qty_lots = o->qty_lots};
}

static void test_expired_limit_is_taken_or_followed_until_its_signal_ends(void **state)
{
    (void)state;
    for (int take = 0; take <= 1; take++) {
        fixture f;
        wk_trade_config c = plain_config();
        c.entry = 1;
        c.market_after_expiry = take;
        c.threshold = 0.5;
        setup(&f, &c);
        close_score(&f, 0.9);
        wk_trader_event e = expired(&f, &f.actions.v[0].order);
        wk_actions none = {0, 0, NULL};
        wk_trader_step(f.trader, &e, &none);
        assert_int_equal(close_score(&f, 0.3), take ? 1 : 0);
        if (take) {
            expect_place(&f, 0, 1, WK_REASON_ENTRY);
            assert_int_equal(f.actions.v[0].order.kind, WK_ORDER_MARKET);
            assert_true(f.actions.v[0].order.id != e.order_id);
            fill_all(&f, 10000);
            assert_int_equal(position(&f), 10000);
        }
        f.bars[0].close = 102;
        assert_int_equal(close_score(&f, -0.1), take ? 1 : 0);
        assert_true(wk_trader_missed_e8(f.trader) == (take ? 0 : 20 * WK_E8));
        finish(&f);
    }
}

static void test_late_fill_of_a_cancelled_limit_is_dealt_with(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    setup(&f, &c);
    close_score(&f, 0.9);
    wk_order o = f.actions.v[0].order;
    assert_int_equal(close_score(&f, -0.1), 1); /* the cancel */
    fill(&f, &o, 10000, WK_REASON_ENTRY, 1);
    assert_int_equal(position(&f), 10000);
    assert_int_equal(close_score(&f, -0.1), 1);
    expect_place(&f, 0, -1, WK_REASON_SCORE_ZERO);
    fill_all(&f, 10000);
    assert_int_equal(close_score(&f, -0.1), 0);
    finish(&f);
}

static void test_exit_overtaken_by_a_stop_is_forgotten(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    setup(&f, &c);
    close_score(&f, 0.9);
    wk_order entry = fill_all(&f, 10000);
    close_score(&f, -0.1); /* the exit is late */
    wk_order leave = f.actions.v[0].order;
    fill(&f, &entry, 9900, WK_REASON_STOP_LOSS, -1);
    assert_int_equal(close_score(&f, -0.1), 0);
    wk_trader_event e = expired(&f, &leave);
    e.reason = leave.reason;
    wk_actions none = {0, 0, NULL};
    wk_trader_step(f.trader, &e, &none);
    assert_int_equal(close_score(&f, -0.1), 0);
    assert_int_equal(close_score(&f, 0.9), 1);
    expect_place(&f, 0, 1, WK_REASON_ENTRY);
    finish(&f);
}

static void test_expected_value_policy(void **state)
{
    (void)state;
    const struct {
        float p[3];
        double threshold;
        int side;
    } v[] = {
        {{0.2f, 0.2f, 0.6f}, 0.004, 1}, /* .6 x .02 - .2 x .03 - .0014 = .0046 */
        {{0.2f, 0.2f, 0.6f}, 0.005, 0},   {{0.6f, 0.2f, 0.2f}, 0.004, -1},
        {{0.45f, 0.1f, 0.45f}, -0.01, 1}, /* a tie goes long, and needs a negative bar to pass */
        {{0.0f, 0.0f, 0.0f}, -1, 0},      /* a model without classes never trades */
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        fixture f;
        wk_trade_config c = plain_config();
        c.policy = WK_POLICY_EXPECTED_VALUE;
        c.threshold = v[i].threshold;
        c.take_profit = 0.02;
        c.stop_loss = 0.03;
        c.cost_estimate = 0.0014;
        setup(&f, &c);
        memcpy(f.forecasts[0].p, v[i].p, sizeof v[i].p);
        size_t n = close_score(&f, (double)v[i].p[2] - (double)v[i].p[0]);
        if (n != (v[i].side != 0) || (n == 1 && f.actions.v[0].order.side != v[i].side))
            fail_msg("case %zu: %zu actions, expected side %d", i, n, v[i].side);
        finish(&f);
    }
}

static void test_no_forecast_means_no_decision(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    setup(&f, &c);
    f.forecasts[0].valid = 0;
    assert_int_equal(close_score(&f, 0.9), 0);
    f.forecasts[0].valid = 1;
    f.sigma[0] = NAN;
    assert_int_equal(close_score(&f, 0.9), 0);
    f.sigma[0] = 0.01;
    assert_int_equal(close_score(&f, NAN), 0);
    f.provenance[0] = WK_PROV_UNKNOWN;
    f.bars[0] = (wk_bar){0, NAN, NAN, NAN, NAN, 0};
    assert_int_equal(close_score(&f, 0.9), 0);
    f.provenance[0] = WK_PROV_TRADED;
    f.bars[0] = (wk_bar){0, 100, 100, 100, 100, 1};
    close_score(&f, 0.9);
    fill_all(&f, 10000);
    f.forecasts[0].valid = 0;
    assert_int_equal(close_score(&f, -0.9), 0); /* the position stays */
    finish(&f);
}

static void test_a_model_may_bring_its_threshold(void **state)
{
    (void)state;
    for (int policy = WK_POLICY_EXPECTED_VALUE; policy <= WK_POLICY_THRESHOLD; policy++) {
        fixture f;
        wk_trade_config c = plain_config();
        c.policy = policy;
        c.threshold = policy == WK_POLICY_THRESHOLD ? 0.5 : 0.001;
        c.take_profit = c.stop_loss = 0.02;
        setup(&f, &c);
        f.forecasts[0].p[2] = 1;
        f.forecasts[0].threshold = INFINITY;
        assert_int_equal(close_score(&f, 0.9), 0);
        f.forecasts[0].threshold = 0.95f;
        assert_int_equal(close_score(&f, 0.9), 0);
        f.forecasts[0].threshold = 0;
        assert_int_equal(close_score(&f, 0.9), 1);
        finish(&f);
    }
}

static void test_no_entry_before_the_given_time(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry_from_ns = START + 2 * HOUR; /* the close of bar 1 */
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.9), 1);
    finish(&f);
}

static void test_overflow_halts(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    setup(&f, &c);
    wk_order o = {.symbol = 0, .qty_lots = INT64_C(4000000000000000000)};
    fill(&f, &o, INT64_C(4000000000), WK_REASON_ENTRY, 1);
    assert_true(wk_trader_failed(f.trader));
    finish(&f);
}

static void test_wrong_configurations_are_refused(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_trade_instrument in = {.symbol = "X", .tick = 0.01, .lot = 0.001};
    wk_trader *trader = NULL;
    wk_err err;
    wk_trade_config c = plain_config();
    c.slots = 0;
    assert_int_equal(wk_trader_plan(&arena, &c, &in, 1, HOUR, WK_E8, &trader, &err), WK_E_ARG);
    c = plain_config();
    c.policy = WK_POLICY_QUANTILE; /* coverage 0 */
    assert_int_equal(wk_trader_plan(&arena, &c, &in, 1, HOUR, WK_E8, &trader, &err), WK_E_ARG);
    c = plain_config();
    in.tick = 0;
    assert_int_equal(wk_trader_plan(&arena, &c, &in, 1, HOUR, WK_E8, &trader, &err), WK_E_ARG);
    assert_null(trader);
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enters_holds_and_leaves_at_zero),
        cmocka_unit_test(test_flip_leaves_and_enters_at_once),
        cmocka_unit_test(test_forbidden_side_only_closes),
        cmocka_unit_test(test_confirmation_counts_consecutive_signals),
        cmocka_unit_test(test_cooldown_follows_a_stop_but_not_a_take_profit),
        cmocka_unit_test(test_holds_for_a_time),
        cmocka_unit_test(test_strongest_signals_fill_the_slots_ties_by_index),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_compounding_sizes_from_equity),
        cmocka_unit_test(test_drawdown_flattens_and_halts),
        cmocka_unit_test(test_daily_loss_waits_for_the_next_utc_day),
        cmocka_unit_test(test_limit_price_brackets_and_expiry),
        cmocka_unit_test(test_limit_is_cancelled_when_its_signal_ends),
        cmocka_unit_test(test_expired_limit_is_taken_or_followed_until_its_signal_ends),
        cmocka_unit_test(test_late_fill_of_a_cancelled_limit_is_dealt_with),
        cmocka_unit_test(test_exit_overtaken_by_a_stop_is_forgotten),
        cmocka_unit_test(test_expected_value_policy),
        cmocka_unit_test(test_no_forecast_means_no_decision),
        cmocka_unit_test(test_a_model_may_bring_its_threshold),
        cmocka_unit_test(test_no_entry_before_the_given_time),
        cmocka_unit_test(test_overflow_halts),
        cmocka_unit_test(test_wrong_configurations_are_refused),
    };
    return cmocka_run_group_tests_name("trader", tests, NULL, NULL);
}
