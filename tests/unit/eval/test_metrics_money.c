/* Metrics of money against the published vectors of trading practice. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/metrics.h"

#include "near.h"

static const double A[] = {.010, -.020, .015, .003, -.007, .012, -.004, .009, -.011, .006};
enum { N = 10 };

static void equity_of(const double *r, size_t n, double *equity)
{
    equity[0] = 1;
    for (size_t i = 0; i < n; i++)
        equity[i + 1] = equity[i] * (1 + r[i]);
}

static void test_series_a_has_its_published_moments_and_ratios(void **state)
{
    (void)state;
    double equity[N + 1];
    equity_of(A, N, equity);
    assert_near(wk_mean(A, N), 0.0013, 1e-17);
    assert_near(wk_stdev(A, N), 0.011372969904314547, 1e-16);
    assert_near(wk_skewness(A, N), -0.5752412391907143, 1e-13);
    assert_near(wk_kurtosis(A, N), 2.157243317703502, 1e-13);
    assert_near(wk_sharpe(A, N, 0, 1), 0.11430611449229469, 1e-14);
    assert_near(wk_sharpe(A, N, 0, 35040), 21.39693223043454, 1e-12);
    assert_near(wk_sharpe(A, N, 0, 8760), 10.69846611521727, 1e-12);
    assert_near(wk_sharpe(A, N, 0, 2190), 5.349233057608635, 1e-12);
    assert_near(wk_sharpe(A, N, 0, 365), 2.183815251061508, 1e-12);
    assert_near(wk_sortino(A, N, 0, 1), 0.1698222318887784, 1e-14);
    assert_near(wk_sortino(A, N, 0, 365), 3.244449184676098, 1e-12);
    assert_near(equity[N] - 1, 0.012485850645259866, 1e-15);
    assert_near(wk_max_drawdown(equity, N + 1), 0.02, 1e-15);
    assert_near(wk_cagr(equity, N + 1, 365), 0.572885610570365, 1e-12);
    assert_near(wk_calmar(equity, N + 1, 365), 28.644280528518227, 1e-10);
    assert_near(wk_profit_factor(A, N), 1.3095238095238098, 1e-14);
    assert_near(wk_psr(wk_sharpe(A, N, 0, 1), 0, N, wk_skewness(A, N), wk_kurtosis(A, N)),
                0.6298982742071673, 1e-12);
}

static void test_vectorbt_values_hold(void **state)
{
    (void)state;
    const double up[] = {1, .5, 1.0 / 3, .25}, down[] = {-.2, -.25, -1.0 / 3, -.5},
                 mixed[] = {1, .5, -1.0 / 3, -.5};
    assert_near(wk_sharpe(up, 4, .01, 365), 29.052280196490333, 1e-11);
    assert_near(wk_sharpe(down, 4, .01, 365), -48.06592068111974, 1e-11);
    assert_near(wk_sharpe(mixed, 4, .01, 365), 4.232900240313306, 1e-11);
    assert_near(wk_sortino(down, 4, .1, 365), -18.441677017667562, 1e-11);
    assert_near(wk_sortino(mixed, 4, .1, 365), 3.4417788692752858, 1e-11);
}

static void test_undefined_ratios_are_nan_and_never_a_number(void **state)
{
    (void)state;
    const double flat[] = {.1, .1, .1, .1}, gains[] = {.1, .2}, zero[] = {0, 0, 0};
    assert_true(isnan(wk_sharpe(flat, 4, 0, 365)));
    assert_true(isnan(wk_sharpe(zero, 3, 0, 365)));
    assert_true(isnan(wk_sharpe(flat, 1, 0, 365)));
    assert_true(isnan(wk_sortino(gains, 2, 0, 365)));
    assert_true(isnan(wk_profit_factor(NULL, 0)));
    assert_true(isnan(wk_profit_factor(zero, 3)));
    assert_true(isinf(wk_profit_factor(gains, 2)));
    assert_true(isnan(wk_max_drawdown(NULL, 0)));
    assert_true(isnan(wk_skewness(flat, 4)));
}

static void test_drawdown_counts_from_the_start_and_finds_its_recovery(void **state)
{
    (void)state;
    const double equity[] = {100, 90, 95, 110, 100, 88, 99, 111, 105};
    wk_drawdown d = wk_drawdown_find(equity, 9);
    assert_near(d.depth, 0.2, 1e-15);
    assert_int_equal(d.peak, 3);
    assert_int_equal(d.trough, 5);
    assert_int_equal(d.recovered, 7);
    assert_int_equal(d.longest_periods, 3);
    assert_near(wk_max_drawdown(equity, 3), 0.1, 1e-15);
    assert_int_equal(wk_drawdown_find(equity, 6).recovered, 6);
}

static void test_ruin_ends_at_minus_everything(void **state)
{
    (void)state;
    const double equity[] = {100, 50, 0};
    assert_near(wk_cagr(equity, 3, 365), -1, 0);
    assert_near(wk_max_drawdown(equity, 3), 1, 0);
}

static void test_minimum_track_record_table_holds(void **state)
{
    (void)state;
    const double annual[] = {1, 1.5, 2, 3}, normal[] = {990, 441, 249, 112},
                 fat[] = {1045, 479, 278, 133};
    double z = 1.6448536269514722;
    for (int i = 0; i < 4; i++) {
        double sharpe = annual[i] / sqrt(365);
        assert_near(wk_min_track_record(sharpe, 0, 0, 3, z), normal[i], 1);
        assert_near(wk_min_track_record(sharpe, 0, -1, 8, z), fat[i], 1);
    }
    assert_true(isinf(wk_min_track_record(0.1, 0.1, 0, 3, z)));
}

static void test_deflated_sharpe_of_the_paper(void **state)
{
    (void)state;
    const double trials[] = {2, 5, 10, 46, 100, 1000},
                 bracket[] = {.51976, 1.19259, 1.57460, 2.24417, 2.53060, 3.25512};
    for (int i = 0; i < 6; i++)
        assert_near(wk_dsr_reference(1, trials[i]), bracket[i], 6e-6);
    assert_near(wk_dsr_reference(1, 1), 0, 0);
    double sharpe = 2.5 / sqrt(250), V = 0.5 / 250, reference = wk_dsr_reference(V, 100);
    assert_near(reference, .11317200, 6e-9);
    assert_near(wk_psr(sharpe, reference, 1250, -3, 10), .90039683, 6e-9);
    reference = wk_dsr_reference(V, 46);
    assert_near(reference, .10036237, 6e-9);
    assert_near(wk_psr(sharpe, reference, 1250, -3, 10), .95050171, 6e-9);
    assert_near(wk_psr(sharpe, wk_dsr_reference(V, 88), 1250, 0, 3), .95049082, 6e-9);
    assert_near(wk_psr(sharpe, wk_dsr_reference(V, 10), 1250, -3, 10), .99387964, 6e-9);
    assert_near(wk_effective_trials(100, 0.25), 75.25, 1e-12);
}

static void test_psr_is_a_half_against_itself(void **state)
{
    (void)state;
    assert_near(wk_psr(0.1, 0.1, 500, -1, 5), 0.5, 1e-15);
    assert_true(wk_psr(0.5, 0.1, 500, 0, 3) > 0.999);
    assert_true(wk_psr(0.1, 0.5, 500, 0, 3) < 0.001);
}

static void test_lo_eta_is_root_q_without_and_less_with_autocorrelation(void **state)
{
    (void)state;
    double r[4000], last = 0;
    uint32_t x = 7;
    for (int i = 0; i < 4000; i++) {
        x = 1664525u * x + 1013904223u;
        last = 0.5 * last + (x / 4294967296.0 - 0.5);
        r[i] = last;
    }
    assert_near(wk_lo_eta(r, 4000, 1), 1, 1e-15);
    /* AR(1) with rho .5: q + 2 sum (q - k) rho^k = 4 + 2 (3 .5 + 2 .25 + 1 .125) = 8.25 for q = 4.
     */
    assert_near(wk_lo_eta(r, 4000, 4), 4 / sqrt(8.25), 0.04);
    assert_true(wk_lo_eta(r, 4000, 4) < 2);
}

static void test_cvar_takes_the_straddling_period_in_part(void **state)
{
    (void)state;
    assert_near(wk_cvar(A, N, 0.1), -0.020, 1e-17);
    assert_near(wk_cvar(A, N, 0.2), (-0.020 - 0.011) / 2, 1e-17);
    assert_near(wk_cvar(A, N, 0.15), (-0.020 - 0.5 * 0.011) / 1.5, 1e-16);
    assert_near(wk_cvar(A, N, 0.05), -0.020, 1e-17);
    assert_near(wk_cvar(A, N, 1), 0.0013, 1e-16);
}

static void test_days_end_at_midnight_and_missing_days_are_flat(void **state)
{
    (void)state;
    const int64_t hour = (int64_t)3600 * 1000000000;
    const int64_t time[] = {23 * hour, 24 * hour, 25 * hour, 97 * hour};
    const double equity[] = {101, 102, 103, 51};
    double r[5], at_end[5];
    int64_t day[5];
    assert_int_equal(wk_daily_count(23 * hour, 97 * hour), 5);
    assert_int_equal(wk_daily_returns(time, equity, 4, 100, r, day, at_end), 5);
    const double expected[] = {102 / 100.0 - 1, 103 / 102.0 - 1, 0, 0, 51 / 103.0 - 1};
    for (int i = 0; i < 5; i++) {
        assert_near(r[i], expected[i], 1e-15);
        assert_int_equal(day[i], i * 24 * hour);
    }
    assert_near(at_end[3], 103, 0);
    const double ruin[] = {101, -2, 50, 60};
    wk_daily_returns(time, ruin, 4, 100, r, NULL, NULL);
    assert_near(r[0], -1, 0);
    assert_near(r[1], 0, 0);
    assert_near(r[4], 0, 0);
    assert_int_equal(wk_daily_count(-hour, hour), 2);
}

static void test_ulcer_and_tail_ratio(void **state)
{
    (void)state;
    const double equity[] = {100, 90, 80, 100}, r[] = {-2, -1, 0, 1, 4};
    assert_near(wk_ulcer(equity, 4), sqrt((0.01 + 0.04) / 4), 1e-15);
    /* numpy.quantile: 5 % -> -1.8, 95 % -> 3.4 */
    assert_near(wk_tail_ratio(r, 5), 3.4 / 1.8, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series_a_has_its_published_moments_and_ratios),
        cmocka_unit_test(test_vectorbt_values_hold),
        cmocka_unit_test(test_undefined_ratios_are_nan_and_never_a_number),
        cmocka_unit_test(test_drawdown_counts_from_the_start_and_finds_its_recovery),
        cmocka_unit_test(test_ruin_ends_at_minus_everything),
        cmocka_unit_test(test_minimum_track_record_table_holds),
        cmocka_unit_test(test_deflated_sharpe_of_the_paper),
        cmocka_unit_test(test_psr_is_a_half_against_itself),
        cmocka_unit_test(test_lo_eta_is_root_q_without_and_less_with_autocorrelation),
        cmocka_unit_test(test_cvar_takes_the_straddling_period_in_part),
        cmocka_unit_test(test_days_end_at_midnight_and_missing_days_are_flat),
        cmocka_unit_test(test_ulcer_and_tail_ratio),
    };
    return cmocka_run_group_tests_name("metrics_money", tests, NULL, NULL);
}
