/* The circular block bootstrap: known standard errors, block effects, coverage, fixed bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/metrics.h"
#include "wick/rng.h"

#include "near.h"

enum { N = 400 };

static void noise(double *x, size_t n, double mean, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = mean + wk_rng_normal(seed, 1, i);
}

static void test_interval_of_the_mean_has_the_classical_width(void **state)
{
    (void)state;
    double x[N];
    noise(x, N, 0.2, 3);
    wk_interval i = wk_bootstrap_mean(x, N, 1, 4000, 1);
    double mean = wk_mean(x, N), width = 2 * 1.959964 * wk_stdev(x, N) / sqrt(N);
    assert_near(i.hi - i.lo, width, 0.06 * width);
    assert_near((i.lo + i.hi) / 2, mean, 0.05 * width);
    /* Sharpe of independent normal draws: standard error sqrt((1 + SR^2 / 2) / n) a day. */
    wk_interval s = wk_bootstrap_sharpe(x, N, 1, 4000, 1);
    double sr = wk_sharpe(x, N, 0, 1), se = sqrt((1 + sr * sr / 2) / N * 365);
    assert_near(s.hi - s.lo, 2 * 1.96 * se, 0.08 * 2 * 1.96 * se);
    assert_true(s.lo < sr * sqrt(365) && sr * sqrt(365) < s.hi);
}

/* The exact standard error of the scheme: the mean of n / block independent blocks, each of which
 * may start anywhere on the circle. */
static double exact_error(const double *x, size_t n, size_t block)
{
    double mean = wk_mean(x, n), square = 0;
    for (size_t start = 0; start < n; start++) {
        double sum = 0;
        for (size_t k = 0; k < block; k++)
            sum += x[(start + k) % n] - mean;
        square += sum * sum;
    }
    return sqrt(square / (double)n / (double)(n * block));
}

static void test_blocks_widen_the_interval_of_a_persistent_series(void **state)
{
    (void)state;
    enum { LONG = 4000 };
    static double x[LONG];
    double last = 0, error[2];
    for (size_t i = 0; i < LONG; i++)
        x[i] = last = 0.8 * last + wk_rng_normal(9, 1, i);
    const size_t block[] = {1, 40};
    for (int i = 0; i < 2; i++) {
        wk_interval w = wk_bootstrap_mean(x, LONG, block[i], 4000, 1);
        error[i] = exact_error(x, LONG, block[i]);
        assert_near((w.hi - w.lo) / (2 * 1.959964 * error[i]), 1, 0.06);
    }
    /* Neighbours that agree carry less: sqrt(8) times the error for rho .8 in blocks of 40. */
    assert_near(error[1] / error[0], sqrt(8), 0.5);
}

static void test_every_period_is_drawn_equally_when_blocks_wrap(void **state)
{
    (void)state;
    double x[10] = {0};
    for (int spike = 0; spike < 10; spike++) {
        x[spike] = 1;
        double sum = 0;
        wk_interval i = wk_bootstrap_mean(x, 10, 10, 2000, 4);
        sum = i.lo + i.hi;
        /* A block as long as the series is the series turned round: the mean never moves. */
        assert_near(sum / 2, 0.1, 1e-15);
        assert_near(i.hi - i.lo, 0, 1e-15);
        x[spike] = 0;
    }
}

static void test_ninety_five_percent_interval_covers_the_truth(void **state)
{
    (void)state;
    int covered = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        double x[200];
        noise(x, 200, 0.1, 1000 + seed);
        wk_interval i = wk_bootstrap_mean(x, 200, 5, 500, seed);
        covered += i.lo <= 0.1 && 0.1 <= i.hi;
    }
    if (covered < 270 || covered > 297)
        fail_msg("covered %d of 300", covered);
}

static void test_paired_test_sees_a_small_common_difference(void **state)
{
    (void)state;
    double a[N], b[N], c[N];
    noise(b, N, 0, 21);
    for (size_t i = 0; i < N; i++) {
        a[i] = b[i] + 0.02 + 0.1 * wk_rng_normal(22, 1, i);
        c[i] = b[i] + 0.1 * wk_rng_normal(23, 1, i);
    }
    wk_interval diff;
    assert_true(wk_bootstrap_paired(a, b, N, 5, 2000, 1, &diff) < 0.01);
    assert_true(diff.lo > 0 && diff.lo < 0.02 + 0.01 && diff.hi > 0.02 - 0.01);
    assert_true(wk_bootstrap_paired(c, b, N, 5, 2000, 1, NULL) > 0.05);
    assert_near(wk_bootstrap_paired(b, b, N, 5, 2000, 1, NULL), 1, 0);
}

static void test_same_seed_same_bits_and_too_short_is_nan(void **state)
{
    (void)state;
    double x[N];
    noise(x, N, 0, 2);
    wk_interval a = wk_bootstrap_mean(x, N, 7, 300, 5), b = wk_bootstrap_mean(x, N, 7, 300, 5),
                c = wk_bootstrap_mean(x, N, 7, 300, 6);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.lo != c.lo);
    assert_true(isnan(wk_bootstrap_mean(x, 1, 7, 300, 5).lo));
    const double flat[4] = {1, 1, 1, 1};
    assert_true(isnan(wk_bootstrap_sharpe(flat, 4, 1, 50, 1).lo));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval_of_the_mean_has_the_classical_width),
        cmocka_unit_test(test_blocks_widen_the_interval_of_a_persistent_series),
        cmocka_unit_test(test_every_period_is_drawn_equally_when_blocks_wrap),
        cmocka_unit_test(test_ninety_five_percent_interval_covers_the_truth),
        cmocka_unit_test(test_paired_test_sees_a_small_common_difference),
        cmocka_unit_test(test_same_seed_same_bits_and_too_short_is_nan),
    };
    return cmocka_run_group_tests_name("bootstrap", tests, NULL, NULL);
}
