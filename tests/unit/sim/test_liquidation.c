/* Published liquidation prices and fees: reference/trading.md 3.1, 3.2, 3.5. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/sim.h"

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.10g, expected %.10g", got, want);
}

static void test_mark_based_vectors(void **state)
{
    (void)state;
    const double v[][3] = {{3, 67.340, 132.013},
                           {5, 80.8081, 118.8119},
                           {10, 90.9091, 108.9109},
                           {25, 96.9697, 102.9703}};
    for (size_t i = 0; i < 4; i++) {
        near(wk_liquidation_mark_based(1, 100, v[i][0], 0.01), v[i][1], 5e-4);
        near(wk_liquidation_mark_based(-1, 100, v[i][0], 0.01), v[i][2], 5e-4);
    }
}

static void test_entry_based_vectors(void **state)
{
    (void)state;
    const double v[][3] = {
        {3, 66.9167, 133.0833}, {5, 80.25, 119.75}, {10, 90.25, 109.75}, {25, 96.25, 103.75}};
    for (size_t i = 0; i < 4; i++) {
        near(wk_liquidation_entry_based(1, 100, v[i][0], 0.0025), v[i][1], 5e-5);
        near(wk_liquidation_entry_based(-1, 100, v[i][0], 0.0025), v[i][2], 5e-5);
    }
}

static void test_inverse_examples_of_the_venues(void **state)
{
    (void)state;
    near(wk_liquidation_inverse_long(8000, 1000, 0.01, 0.01), 7481.48, 5e-3);
    near(wk_liquidation_inverse_long(8000, 1000, 0.01, 0.0), 7407.41, 5e-3);
    /* Delta counts the maintenance margin on the entry value: it leaves the margin beforehand. */
    double coins = 50.0 / 8000.0;
    near(wk_liquidation_inverse_long(8000, 50, coins / 50 - 0.005 * coins, 0.0), 7881.77, 5e-3);
}

static void test_bankruptcy_is_zero_maintenance(void **state)
{
    (void)state;
    near(wk_liquidation_mark_based(1, 100, 10, 0), 90, 1e-12);
    near(wk_liquidation_mark_based(-1, 100, 10, 0), 110, 1e-12);
    near(wk_liquidation_mark_based(1, 100, 1, 0.005), 0, 1e-12);
}

/* Round trips of the table in 3.2, in percent, less the slippage. */
static void test_fee_scenarios(void **state)
{
    (void)state;
    const double want[][2] = {{1.5, 2.5}, {2, 5}, {16, 26}, {25, 40}, {2.36, 5.9}};
    for (int i = 0; i < 5; i++) {
        wk_sim_config c = {.fees = i, .maker_fee_bps = 1.5, .taker_fee_bps = 2.5};
        double maker, taker;
        wk_sim_fees(&c, &maker, &taker);
        near(maker, want[i][0], 0);
        near(taker, want[i][1], 0);
    }
    near(want[3][1] * 2 + 4, 84, 1e-12);
    near(want[4][1] * 2 + 6, 17.8, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mark_based_vectors),
        cmocka_unit_test(test_entry_based_vectors),
        cmocka_unit_test(test_inverse_examples_of_the_venues),
        cmocka_unit_test(test_bankruptcy_is_zero_maintenance),
        cmocka_unit_test(test_fee_scenarios),
    };
    return cmocka_run_group_tests_name("liquidation", tests, NULL, NULL);
}
