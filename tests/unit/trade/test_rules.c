/* The rules that are off by default, by hand-computed cases. */
#include "trader_fixture.h"
#include "wick/sim.h"

static void test_a_side_below_the_confidence_is_hold(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.threshold = 0.2;
    c.confidence_min = 0.6;
    setup(&f, &c);
    expect_verdict(&f, 0, WK_TRADE_NONE);
    probabilities(&f.forecasts[0], 0.125, 0.375, 0.5); /* score 0.375, but p_buy 0.5 */
    probabilities(&f.forecasts[1], 0.625, 0.25, 0.125);
    f.forecasts[2].score = 0.3f; /* no classes: confidence says nothing */
    assert_int_equal(close_bar(&f), 2);
    expect_verdict(&f, 0, WK_TRADE_UNSURE);
    expect_verdict(&f, 1, WK_TRADE_ENTER);
    expect_verdict(&f, 2, WK_TRADE_ENTER);
    expect_place(&f, 0, -1, WK_REASON_ENTRY);
    expect_place(&f, 1, 1, WK_REASON_ENTRY);
    fill_all(&f, 10000);
    /* An unsure flip is HOLD too: the short stays, for its score has not changed sides. */
    probabilities(&f.forecasts[1], 0.5, 0.25, 0.25);
    assert_int_equal(close_bar(&f), 0);
    expect_verdict(&f, 1, WK_TRADE_HOLD);
    finish(&f);
}

static void test_a_signal_that_stands_enters_once(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.act_on_change = true;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    wk_order o = fill_all(&f, 10000);
    fill(&f, &o, 9900, WK_REASON_STOP_LOSS, -1); /* stopped; the signal stands */
    assert_int_equal(close_score(&f, 0.9), 0);
    expect_verdict(&f, 0, WK_TRADE_UNCHANGED);
    f.forecasts[0].valid = 0; /* a gap is no change */
    assert_int_equal(close_bar(&f), 0);
    expect_verdict(&f, 0, WK_TRADE_NO_FORECAST);
    f.forecasts[0].valid = 1;
    assert_int_equal(close_score(&f, 0.9), 0);
    assert_int_equal(close_score(&f, 0.1), 0); /* HOLD is one */
    expect_verdict(&f, 0, WK_TRADE_WEAK);
    assert_int_equal(close_score(&f, 0.9), 1);
    fill_all(&f, 10000);
    assert_int_equal(close_score(&f, -0.9), 2); /* and so is the other side */
    expect_place(&f, 1, -1, WK_REASON_ENTRY);
    finish(&f);
}

static void test_an_expired_limit_is_placed_anew_and_then_given_up(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_offset_sigma = 1;
    c.reprice_max = 2;
    setup(&f, &c);
    static const struct {
        double close;
        int64_t limit;
    } closes[] = {{100, 9900}, {102, 10098}, {104, 10296}}; /* close x 0.99 */
    uint64_t last = 0;
    for (int i = 0; i < 3; i++) {
        f.bars[0].close = closes[i].close;
        assert_int_equal(close_score(&f, 0.9), 1);
        expect_place(&f, 0, 1, WK_REASON_ENTRY);
        const wk_order *o = &f.actions.v[0].order;
        assert_int_equal(o->kind, WK_ORDER_LIMIT);
        assert_int_equal(o->price_ticks, closes[i].limit);
        assert_int_equal(o->expires_ns, START + (f.step + 2) * HOUR);
        assert_int_equal(o->qty_lots, i < 1 ? 10101 : 8101); /* 1000 at 99, less what was filled */
        assert_true(o->id != last);
        last = o->id;
        expect_verdict(&f, 0, i == 0 ? WK_TRADE_ENTER : WK_TRADE_WORKING);
        wk_order placed = *o;
        if (i == 0) {
            placed.qty_lots = 2000;
            fill(&f, &placed, 9900, WK_REASON_ENTRY, 1);
        }
        expire(&f, &placed, 8101);
        if (i == 0) { /* leave the part, to see the entry alone */
            placed.qty_lots = 2000;
            fill(&f, &placed, 9900, WK_REASON_TAKE_PROFIT, -1);
        }
    }
    /* Given up after two; the signal stands, so the next close may enter anew. */
    f.forecasts[0].score = 0.1f;
    assert_int_equal(close_bar(&f), 0);
    assert_int_equal(wk_trader_missed_e8(f.trader), 0); /* still followed: 0.1 keeps its side */
    f.bars[0].close = 105;
    assert_int_equal(close_score(&f, 0.0), 0);
    /* 8.101 x (105 - 102.96) */
    assert_int_equal(wk_trader_missed_e8(f.trader), INT64_C(1652604000));
    finish(&f);
}

static void test_an_expired_limit_whose_signal_ended_is_not_placed_anew(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.reprice_max = 2;
    setup(&f, &c);
    close_score(&f, 0.9);
    expire(&f, &f.actions.v[0].order, 10000);
    assert_int_equal(close_score(&f, -0.1), 0);
    finish(&f);
}

static void test_size_follows_confidence_within_bounds(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.threshold = 0.1;
    c.confidence_full = 0.75;
    c.confidence_low = 0.25;
    c.confidence_share = 0.2;
    setup(&f, &c);
    probabilities(&f.forecasts[0], 0.125, 0.375, 0.5); /* half way: 0.2 + 0.8 / 2 = 0.6 */
    probabilities(&f.forecasts[1], 0.875, 0.125, 0.0); /* beyond: whole */
    f.forecasts[2].score = 0.125f;                     /* below, by |score|: 0.2 */
    assert_int_equal(close_bar(&f), 3);
    assert_int_equal(f.actions.v[0].order.qty_lots, 6000);
    assert_int_equal(f.actions.v[1].order.qty_lots, 10000);
    assert_int_equal(f.actions.v[2].order.qty_lots, 2000);
    finish(&f);
}

static void test_leverage_keeps_liquidation_beyond_the_stop(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.leverage = 50;
    c.stop_kind = 1;
    c.stop_loss = 0.02;
    c.liquidation_factor = 2;
    c.maintenance_margin = 0.005;
    setup(&f, &c);
    f.forecasts[1].score = -0.9f;
    assert_int_equal(close_score(&f, 0.9), 2);
    /* 1 / (0.005 + 0.04 x 0.995) = 22.3214..: 22321.4 of the quote; 1.005 for the short: 22.1239..
     */
    const wk_order *l = &f.actions.v[0].order, *s = &f.actions.v[1].order;
    assert_int_equal(l->qty_lots, 223214);
    assert_int_equal(s->qty_lots, 221238);
    assert_true(fabs(l->leverage - 22.321428571428573) < 1e-12);
    assert_true(fabs(s->leverage - 22.123893805309734) < 1e-12);
    /* The venue's own formula puts liquidation at two stops: 96 and 104. */
    assert_true(fabs(wk_liquidation_mark_based(1, 100, l->leverage, 0.005) - 96) < 1e-9);
    assert_true(fabs(wk_liquidation_mark_based(-1, 100, s->leverage, 0.005) - 104) < 1e-9);
    assert_int_equal(l->stop_ticks, 9800);
    finish(&f);
    c.leverage = 3; /* low enough already */
    setup(&f, &c);
    close_score(&f, 0.9);
    assert_int_equal(f.actions.v[0].order.qty_lots, 30000);
    assert_true(f.actions.v[0].order.leverage == 3.0);
    finish(&f);
}

static void test_exposure_cuts_the_weaker_entries(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.slots = 1; /* 10000 a position */
    c.max_gross_exposure = 1.5;
    setup(&f, &c);
    f.forecasts[0].score = 0.6f;
    f.forecasts[1].score = 0.7f;
    f.forecasts[2].score = -0.8f;
    assert_int_equal(close_bar(&f), 2);
    assert_int_equal(f.actions.v[0].order.symbol, 2);
    assert_int_equal(f.actions.v[0].order.qty_lots, 100000);
    assert_int_equal(f.actions.v[1].order.symbol, 1);
    assert_int_equal(f.actions.v[1].order.qty_lots, 50000);
    expect_verdict(&f, 0, WK_TRADE_EXPOSURE);
    expect_verdict(&f, 1, WK_TRADE_ENTER);
    fill_all(&f, 10000);
    assert_int_equal(close_bar(&f), 0); /* held now, and still no room */
    expect_verdict(&f, 0, WK_TRADE_EXPOSURE);
    expect_verdict(&f, 1, WK_TRADE_HOLD);
    f.forecasts[2].score = 0.1f; /* the short ends: 100000 lots of room at the next close */
    assert_int_equal(close_bar(&f), 2);
    expect_place(&f, 0, 1, WK_REASON_SCORE_ZERO);
    assert_int_equal(f.actions.v[1].order.symbol, 0); /* an exit on its way counts as done */
    assert_int_equal(f.actions.v[1].order.qty_lots, 100000);
    finish(&f);
}

static void test_net_exposure_counts_shorts_against_longs(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.slots = 1;
    c.max_net_exposure = 0.5;
    setup(&f, &c);
    f.forecasts[0].score = 0.9f;  /* +0.5 */
    f.forecasts[1].score = -0.8f; /* -1: net -0.5 */
    f.forecasts[2].score = -0.7f; /* no room left */
    assert_int_equal(close_bar(&f), 2);
    assert_int_equal(f.actions.v[0].order.qty_lots, 50000);
    assert_int_equal(f.actions.v[1].order.qty_lots, 100000);
    expect_verdict(&f, 2, WK_TRADE_EXPOSURE);
    finish(&f);
}

static void test_waiting_limits_count_for_exposure(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.slots = 1;
    c.entry = 1;
    c.limit_expiry_bars = 0;
    c.max_gross_exposure = 1;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    f.forecasts[1].score = 0.9f;
    assert_int_equal(close_bar(&f), 0);
    expect_verdict(&f, 0, WK_TRADE_WORKING);
    expect_verdict(&f, 1, WK_TRADE_EXPOSURE);
    finish(&f);
}

/* One round trip of market 0: a close that enters, a close that leaves; both fill at these prices.
 */
static void trip(fixture *f, int64_t in, int64_t out)
{
    assert_int_equal(close_score(f, 0.9), 1);
    fill_all(f, in);
    assert_int_equal(close_score(f, 0.0), 1);
    fill_all(f, out);
}

static void test_losses_in_a_row_pause_entries_everywhere(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.loss_streak = 2;
    c.loss_pause_bars = 3;
    setup(&f, &c);
    trip(&f, 10000, 9999);
    trip(&f, 10000, 10001); /* a win begins anew */
    trip(&f, 10000, 9999);
    trip(&f, 10000, 9999);
    f.forecasts[1].score = 0.9f;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(close_score(&f, 0.9), 0);
        expect_verdict(&f, 0, WK_TRADE_LOSS_PAUSE);
        expect_verdict(&f, 1, WK_TRADE_LOSS_PAUSE);
    }
    assert_int_equal(close_score(&f, 0.9), 2);
    finish(&f);
}

static void test_funding_and_fees_turn_a_win_into_a_loss(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.loss_streak = 1;
    c.loss_pause_bars = 1;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    fill_all(&f, 10000);
    wk_actions none = {0, 0, NULL};
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FUNDING, .amount_e8 = -WK_E8}; /* 1 paid */
    wk_trader_step(f.trader, &e, &none);
    assert_int_equal(close_score(&f, 0.0), 1);
    fill_all(&f, 10009); /* 0.9 won */
    assert_int_equal(close_score(&f, 0.9), 0);
    expect_verdict(&f, 0, WK_TRADE_LOSS_PAUSE);
    assert_int_equal(close_score(&f, 0.9), 1);
    finish(&f);
}

static void missing(fixture *f, size_t s, bool gone)
{
    f->provenance[s] = gone ? WK_PROV_IMPUTED : WK_PROV_TRADED;
}

static void test_a_market_without_data_is_not_entered(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.stale_bars = 2;
    setup(&f, &c);
    close_score(&f, 0.1);
    missing(&f, 0, true); /* imputed: there are a price and a forecast, but no data */
    close_score(&f, 0.1);
    expect_verdict(&f, 0, WK_TRADE_WEAK);
    assert_int_equal(close_score(&f, 0.9), 0); /* the second bar without */
    expect_verdict(&f, 0, WK_TRADE_STALE);
    missing(&f, 0, false);
    assert_int_equal(close_score(&f, 0.9), 1);
    finish(&f);
}

static void test_a_waiting_entry_of_a_stale_market_is_cancelled(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_expiry_bars = 0;
    c.stale_bars = 1;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    missing(&f, 0, true);
    assert_int_equal(close_score(&f, 0.9), 1);
    assert_int_equal(f.actions.v[0].kind, WK_ACTION_CANCEL);
    expect_verdict(&f, 0, WK_TRADE_STALE);
    finish(&f);
}

static void test_many_stale_markets_stop_all_entries(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.stale_bars = 1;
    c.stale_markets_max = 0.5;
    setup(&f, &c);
    f.provenance[2] = WK_PROV_UNKNOWN;
    close_score(&f, 0.1); /* market 2 is not listed yet and does not count */
    missing(&f, 1, true);
    assert_int_equal(close_score(&f, 0.9), 1); /* one of two: not more than half */
    fill_all(&f, 10000);
    f.provenance[2] = WK_PROV_TRADED;
    f.forecasts[2].score = 0.9f;
    missing(&f, 0, true);
    assert_int_equal(close_bar(&f), 0); /* two of three */
    expect_verdict(&f, 2, WK_TRADE_MARKETS_STALE);
    expect_verdict(&f, 0, WK_TRADE_HOLD);
    missing(&f, 1, false);
    assert_int_equal(close_bar(&f), 1);
    finish(&f);
}

static void test_every_refusal_has_a_reason(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.confirm_bars = 2;
    c.cooldown_bars = 3;
    c.max_positions = 1;
    c.max_drawdown_stop = 0.3;
    setup(&f, &c);
    f.forecasts[1].score = 0.8f;
    f.provenance[2] = WK_PROV_UNKNOWN;
    close_score(&f, 0.9);
    expect_verdict(&f, 0, WK_TRADE_UNCONFIRMED);
    expect_verdict(&f, 2, WK_TRADE_NO_BAR);
    close_score(&f, 0.9);
    expect_verdict(&f, 0, WK_TRADE_ENTER);
    expect_verdict(&f, 1, WK_TRADE_NO_ROOM);
    wk_order o = fill_all(&f, 10000);
    f.forecasts[1].score = 0.1f;
    fill(&f, &o, 9900, WK_REASON_STOP_LOSS, -1);
    close_score(&f, 0.9);
    close_score(&f, 0.9);
    expect_verdict(&f, 0, WK_TRADE_COOLDOWN);
    close_score(&f, 0.0);
    wk_order huge = {.symbol = 1, .qty_lots = 100000};
    fill(&f, &huge, 10000, WK_REASON_ENTRY, 1);
    f.bars[1].close = 60; /* 10000 x 40 % lost */
    close_score(&f, 0.9);
    expect_verdict(&f, 1, WK_TRADE_LEAVE);
    fill_all(&f, 6000);
    close_score(&f, 0.9);
    expect_verdict(&f, 0, WK_TRADE_HALTED);
    finish(&f);
    for (int v = 0; v < WK_TRADE_COUNT; v++) {
        assert_true(strcmp(wk_trade_verdict_name((wk_trade_verdict)v), "unknown") != 0);
        for (int w = 0; w < v; w++)
            assert_true(strcmp(wk_trade_verdict_name((wk_trade_verdict)v),
                               wk_trade_verdict_name((wk_trade_verdict)w)) != 0);
    }
}

static void test_a_size_below_the_least_order_says_so(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.slots = 1e9; /* 1e-5 of the quote: under one lot */
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 0);
    expect_verdict(&f, 0, WK_TRADE_TOO_SMALL);
    finish(&f);
}

static void expect_refused(const wk_trade_config *c)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_trade_instrument in = {.symbol = "X", .tick = 0.01, .lot = 0.001};
    wk_trader *trader = NULL;
    wk_err err;
    assert_int_equal(wk_trader_plan(&arena, c, &in, 1, HOUR, WK_E8, &trader, &err), WK_E_ARG);
    wk_arena_finish(&arena);
}

static void test_rules_that_cannot_work_are_refused(void **state)
{
    (void)state;
    wk_trade_config c = plain_config();
    c.liquidation_factor = 2; /* without a stop */
    expect_refused(&c);
    c = plain_config();
    c.confidence_full = 0.5;
    c.confidence_low = 0.5;
    expect_refused(&c);
    c = plain_config();
    c.stale_markets_max = 0.5;
    expect_refused(&c);
    c = plain_config();
    c.reprice_max = 15;
    expect_refused(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_side_below_the_confidence_is_hold),
        cmocka_unit_test(test_a_signal_that_stands_enters_once),
        cmocka_unit_test(test_an_expired_limit_is_placed_anew_and_then_given_up),
        cmocka_unit_test(test_an_expired_limit_whose_signal_ended_is_not_placed_anew),
        cmocka_unit_test(test_size_follows_confidence_within_bounds),
        cmocka_unit_test(test_leverage_keeps_liquidation_beyond_the_stop),
        cmocka_unit_test(test_exposure_cuts_the_weaker_entries),
        cmocka_unit_test(test_net_exposure_counts_shorts_against_longs),
        cmocka_unit_test(test_waiting_limits_count_for_exposure),
        cmocka_unit_test(test_losses_in_a_row_pause_entries_everywhere),
        cmocka_unit_test(test_funding_and_fees_turn_a_win_into_a_loss),
        cmocka_unit_test(test_a_market_without_data_is_not_entered),
        cmocka_unit_test(test_a_waiting_entry_of_a_stale_market_is_cancelled),
        cmocka_unit_test(test_many_stale_markets_stop_all_entries),
        cmocka_unit_test(test_every_refusal_has_a_reason),
        cmocka_unit_test(test_a_size_below_the_least_order_says_so),
        cmocka_unit_test(test_rules_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests_name("trader_rules", tests, NULL, NULL);
}
