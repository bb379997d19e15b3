/* What a person says to the trader, by hand-computed cases. */
#include "trader_fixture.h"

static void test_by_hand_flat_leaves_at_once_and_blocks(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    setup(&f, &c);
    f.forecasts[1].score = -0.9f;
    assert_int_equal(close_score(&f, 0.9), 2);
    fill_all(&f, 10000);
    int64_t until = START + 4 * HOUR; /* the close of bar 3 may enter again */
    assert_int_equal(say(&f, WK_OVERRIDE_FLAT, WK_ALL_MARKETS, 0, until), 2);
    expect_place(&f, 0, -1, WK_REASON_MANUAL);
    expect_place(&f, 1, 1, WK_REASON_MANUAL);
    assert_true(f.actions.v[0].order.reduce_only);
    assert_int_equal(f.actions.v[0].order.qty_lots, 10000);
    wk_action first = f.actions.v[0];
    assert_int_equal(say(&f, WK_OVERRIDE_FLAT, 0, 0, until), 0); /* it is on its way */
    f.actions.n = 1;
    f.actions.v[0] = first;
    fill_all(&f, 10000); /* market 0; market 1 is not filled, its order is refused */
    wk_actions none = {0, 0, NULL};
    wk_trader_event e = {.kind = WK_TRADER_EVENT_REJECT,
                         .symbol = 1,
                         .order_id = f.storage[1].order.id,
                         .side = 1,
                         .reason = WK_REASON_MANUAL,
                         .qty_lots = 10000};
    wk_trader_step(f.trader, &e, &none);
    assert_int_equal(close_score(&f, 0.9), 1); /* market 1 is left again */
    expect_place(&f, 0, 1, WK_REASON_MANUAL);
    assert_int_equal(f.actions.v[0].order.symbol, 1);
    expect_verdict(&f, 0, WK_TRADE_BLOCKED);
    expect_verdict(&f, 1, WK_TRADE_LEAVE);
    fill_all(&f, 10000);
    assert_int_equal(close_score(&f, 0.9), 0);
    expect_verdict(&f, 1, WK_TRADE_BLOCKED);
    assert_int_equal(close_score(&f, 0.9), 2);
    expect_place(&f, 0, 1, WK_REASON_ENTRY);
    finish(&f);
}

/* A person wants to be flat while an entry rests; it fills before its cancel comes, and that is
 * told after a close at which nothing was held. */
static void test_by_hand_flat_leaves_what_filled_before_its_cancel(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_expiry_bars = 0;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    wk_order entry = f.actions.v[0].order;
    assert_int_equal(say(&f, WK_OVERRIDE_FLAT, WK_ALL_MARKETS, 0, WK_FOREVER), 1);
    assert_int_equal(f.actions.v[0].kind, WK_ACTION_CANCEL);
    assert_int_equal(close_score(&f, 0.9), 0); /* flat, as far as anyone knows */
    fill(&f, &entry, 10000, WK_REASON_ENTRY, 1);
    assert_int_equal(close_score(&f, 0.9), 1);
    expect_place(&f, 0, -1, WK_REASON_MANUAL);
    assert_int_equal(f.actions.v[0].order.qty_lots, 10000);
    assert_true(f.actions.v[0].order.reduce_only);
    finish(&f);
}

static void test_by_hand_a_block_cancels_waiting_entries_and_keeps_positions(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_expiry_bars = 0;
    setup(&f, &c);
    f.forecasts[1].score = 0.9f;
    assert_int_equal(close_score(&f, 0.9), 2);
    wk_order o = f.actions.v[0].order;
    fill(&f, &o, 10000, WK_REASON_ENTRY, 1);
    assert_int_equal(say(&f, WK_OVERRIDE_BLOCK, WK_ALL_MARKETS, 0, WK_FOREVER), 1);
    assert_int_equal(f.actions.v[0].kind, WK_ACTION_CANCEL);
    assert_int_equal(f.actions.v[0].order.symbol, 1);
    assert_int_equal(close_score(&f, 0.9), 0);
    expect_verdict(&f, 0, WK_TRADE_HOLD);
    expect_verdict(&f, 1, WK_TRADE_BLOCKED);
    say(&f, WK_OVERRIDE_CLEAR, 1, 0, 0);
    assert_int_equal(close_score(&f, 0.9), 1);
    expect_verdict(&f, 1, WK_TRADE_ENTER);
    assert_int_equal(close_score(&f, 0.0), 1); /* exits were never blocked */
    expect_place(&f, 0, -1, WK_REASON_SCORE_ZERO);
    finish(&f);
}

static void test_entries_given_up_are_cancelled_and_nothing_else_changes(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.entry = 1;
    c.limit_expiry_bars = 0;
    setup(&f, &c);
    f.forecasts[1].score = 0.9f;
    say(&f, WK_OVERRIDE_BLOCK, 2, 0, WK_FOREVER);
    assert_int_equal(close_score(&f, 0.9), 2);
    wk_order o = f.actions.v[0].order;
    fill(&f, &o, 10000, WK_REASON_ENTRY, 1);
    assert_int_equal(say(&f, WK_OVERRIDE_GIVE_UP, WK_ALL_MARKETS, 0, 0), 1);
    assert_int_equal(f.actions.v[0].kind, WK_ACTION_CANCEL);
    assert_int_equal(f.actions.v[0].order.symbol, 1);
    assert_int_equal(say(&f, WK_OVERRIDE_GIVE_UP, WK_ALL_MARKETS, 0, 0), 0);
    f.forecasts[2].score = 0.9f;
    assert_int_equal(close_score(&f, 0.9), 1); /* the next bar may enter again */
    expect_verdict(&f, 0, WK_TRADE_HOLD);
    expect_verdict(&f, 1, WK_TRADE_ENTER);
    expect_verdict(&f, 2, WK_TRADE_BLOCKED); /* a person's block stands */
    finish(&f);
}

static void test_by_hand_a_forced_side_replaces_the_signal(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.confirm_bars = 1;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    fill_all(&f, 10000);
    assert_int_equal(say(&f, WK_OVERRIDE_FORCE, 0, -1, START + 4 * HOUR), 0);
    f.forecasts[0].valid = 0; /* needs no forecast */
    assert_int_equal(close_bar(&f), 2);
    expect_place(&f, 0, -1, WK_REASON_MANUAL);
    expect_place(&f, 1, -1, WK_REASON_ENTRY);
    expect_verdict(&f, 0, WK_TRADE_FORCED);
    fill_all(&f, 10000);
    f.forecasts[0].valid = 1;
    assert_int_equal(close_score(&f, 0.9), 0); /* the model's long does not matter */
    expect_verdict(&f, 0, WK_TRADE_HOLD);
    assert_int_equal(close_score(&f, 0.9), 2); /* lapsed: the signal rules again */
    expect_place(&f, 0, 1, WK_REASON_FLIP);
    finish(&f);
}

static void test_by_hand_protection_stands_above_a_forced_side(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.allow_short = false;
    setup(&f, &c);
    say(&f, WK_OVERRIDE_FORCE, 0, -1, WK_FOREVER);
    say(&f, WK_OVERRIDE_FORCE, 1, 1, WK_FOREVER);
    say(&f, WK_OVERRIDE_BLOCK, 1, 0, WK_FOREVER);
    assert_int_equal(close_bar(&f), 0);
    expect_verdict(&f, 0, WK_TRADE_SIDE_FORBIDDEN);
    expect_verdict(&f, 1, WK_TRADE_BLOCKED);
    f.provenance[1] = WK_PROV_UNKNOWN;
    say(&f, WK_OVERRIDE_CLEAR, 1, 0, 0);
    say(&f, WK_OVERRIDE_FORCE, 1, 1, WK_FOREVER);
    assert_int_equal(close_bar(&f), 0);
    expect_verdict(&f, 1, WK_TRADE_NO_BAR); /* no price to size by */
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand_flat_leaves_at_once_and_blocks),
        cmocka_unit_test(test_by_hand_flat_leaves_what_filled_before_its_cancel),
        cmocka_unit_test(test_by_hand_a_block_cancels_waiting_entries_and_keeps_positions),
        cmocka_unit_test(test_entries_given_up_are_cancelled_and_nothing_else_changes),
        cmocka_unit_test(test_by_hand_a_forced_side_replaces_the_signal),
        cmocka_unit_test(test_by_hand_protection_stands_above_a_forced_side),
    };
    return cmocka_run_group_tests_name("trader_override", tests, NULL, NULL);
}
