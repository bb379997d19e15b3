/* What wk_trader_halts says is what the trader does: the first close that may enter again is the
 * one at which it enters. */
#include "trader_fixture.h"

static int64_t newest_close(const fixture *f)
{
    return START + (f->step + 1) * HOUR;
}

static wk_trade_halts halts(const fixture *f)
{
    wk_trade_halts h;
    wk_trader_halts(f->trader, &h);
    return h;
}

static void test_a_pause_ends_at_the_close_that_enters(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.loss_streak = 1;
    c.loss_pause_bars = 4;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    fill_all(&f, 10000);
    assert_int_equal(close_score(&f, 0.0), 1);
    assert_int_equal(halts(&f).pause_until_ns, 0);
    fill_all(&f, 9999);
    int64_t until_ns = halts(&f).pause_until_ns;
    assert_int_equal(until_ns, newest_close(&f) + 5 * HOUR);
    while (close_score(&f, 0.9) == 0)
        assert_int_equal(halts(&f).pause_until_ns, until_ns);
    assert_int_equal(newest_close(&f), until_ns);
    assert_int_equal(halts(&f).pause_until_ns, 0);
    finish(&f);
}

static void test_a_lost_day_ends_at_the_close_that_enters(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.daily_loss_stop = 0.005;
    c.slots = 1;
    setup(&f, &c);
    close_score(&f, 0.0);
    assert_int_equal(close_score(&f, 0.9), 1);
    fill_all(&f, 10000);
    f.bars[0].close = 99;
    close_score(&f, 0.9);
    expect_place(&f, 0, -1, WK_REASON_DRAWDOWN);
    wk_trade_halts h = halts(&f);
    assert_true(h.day_halted && !h.halted);
    assert_int_equal(h.day_equity_e8, 10000 * WK_E8);
    assert_int_equal(h.equity_e8, 9900 * WK_E8);
    assert_int_equal(h.day_until_ns, START + 25 * HOUR); /* of the bar from midnight to one */
    fill_all(&f, 9900);
    while (close_score(&f, 0.9) == 0)
        assert_int_equal(halts(&f).day_until_ns, h.day_until_ns);
    assert_int_equal(newest_close(&f), h.day_until_ns);
    assert_false(halts(&f).day_halted);
    finish(&f);
}

static void test_a_drawdown_names_its_peak(void **state)
{
    (void)state;
    fixture f;
    wk_trade_config c = plain_config();
    c.max_drawdown_stop = 0.05;
    c.slots = 1;
    setup(&f, &c);
    assert_int_equal(close_score(&f, 0.9), 1);
    fill_all(&f, 10000);
    f.bars[0].close = 110;
    close_score(&f, 0.9);
    assert_false(halts(&f).halted);
    f.bars[0].close = 104;
    close_score(&f, 0.9);
    wk_trade_halts h = halts(&f);
    assert_true(h.halted && !h.day_halted);
    assert_int_equal(h.peak_e8, 11000 * WK_E8);
    assert_int_equal(h.equity_e8, 10400 * WK_E8);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pause_ends_at_the_close_that_enters),
        cmocka_unit_test(test_a_lost_day_ends_at_the_close_that_enters),
        cmocka_unit_test(test_a_drawdown_names_its_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
