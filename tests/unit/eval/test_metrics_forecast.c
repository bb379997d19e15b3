/* Metrics of forecasts. Golden values: tests/golden/eval/make_golden.py and the published vectors.
 */
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

static void test_auc_counts_ties_half_and_skips_nan(void **state)
{
    (void)state;
    const float score[] = {.1f, .4f, .35f, .8f, .35f, .9f, .2f, .6f, NAN, 1};
    const float y[] = {0, 0, 1, 1, -1, 1, 0, 1, 1, NAN};
    assert_near(wk_auc(score, y, 8), 0.90625, 1e-15);
    assert_near(wk_auc(score, y, 10), 0.90625, 1e-15);
    assert_true(isnan(wk_auc(score, y, 2)));
}

static void test_rank_correlation_equals_scipy(void **state)
{
    (void)state;
    const float a[] = {.1f, .4f, .35f, .8f, .35f, .9f, .2f, .6f, NAN},
                b[] = {3, 1, 4, 1, 5, 9, 2, 6, 7};
    const float rise[] = {1, 2, 3}, fall[] = {30, 20, -10}, flat[] = {1, 1, 1};
    assert_near(wk_rank_correlation(a, b, 9), 0.25301204819277107, 1e-14);
    assert_near(wk_rank_correlation(rise, fall, 3), -1, 0);
    assert_true(isnan(wk_rank_correlation(rise, flat, 3)));
}

static void test_qlike_is_zero_for_the_truth(void **state)
{
    (void)state;
    const float f[] = {.01f, .02f, .015f, 0, .01f}, r[] = {.012f, .015f, .03f, .01f, NAN};
    assert_near(wk_qlike(f, r, 3), 0.6089755567319205, 1e-6);
    assert_near(wk_qlike(f, r, 5), wk_qlike(f, r, 3), 0);
    assert_near(wk_qlike(f, f, 3), 0, 0);
}

static void test_log_loss_and_brier_skip_absent_labels(void **state)
{
    (void)state;
    const float p[] = {.7f, .2f, .1f, .1f, .5f, .4f, .3f, .3f, .4f, 1, 0, 0};
    const int8_t y[] = {0, 1, 0, -1};
    assert_near(wk_log_loss(p, y, 4, 3), 0.7512649762748712, 1e-7);
    assert_near(wk_brier(p, y, 4, 3), 0.43333333333333335, 1e-7);
    const float q[] = {.8f, .3f};
    const int8_t up[] = {1, 0};
    assert_near(wk_brier(q, up, 2, 1), (0.04 + 0.09) / 2, 1e-7);
    assert_near(wk_log_loss(q, up, 2, 1), -(log(.8) + log(.7)) / 2, 1e-7);
}

static void test_ece_measures_the_gap_of_equal_mass_bins(void **state)
{
    (void)state;
    /* Bins {.1 .2} with 0 of 2 hits, {.6 .8} with 1 of 2: |.3 - 0| and |1.4 - 1| over 4 rows. */
    const float p[] = {.8f, .1f, .6f, .2f};
    const int8_t hit[] = {1, 0, 0, 0};
    assert_near(wk_ece(p, hit, 4, 2), (0.3 + 0.4) / 4, 1e-7);
    assert_near(wk_ece(p, hit, 4, 1), (1.7 - 1) / 4, 1e-7);
}

static void test_reliability_bins_skip_nan_and_may_be_empty(void **state)
{
    (void)state;
    const float p[] = {.8f, .1f, NAN, .6f, .2f};
    const int8_t hit[] = {1, 0, 1, 0, 0};
    double said[8], seen[8];
    size_t count[8];
    wk_reliability(p, hit, 5, 2, said, seen, count);
    assert_near(said[0], 0.15, 1e-7);
    assert_near(seen[1], 0.5, 0);
    assert_int_equal(count[0] + count[1], 4);
    wk_reliability(p, hit, 5, 8, said, seen, count);
    assert_true(count[0] == 0 && isnan(said[0]));
    assert_true(isnan(wk_ece(p, hit, 0, 4)));
}

static void test_confusion_counts_the_likeliest_class(void **state)
{
    (void)state;
    const float p[] = {.7f, .2f, .1f, .1f, .5f, .4f, .4f, .4f, .2f, NAN, 0, 0, 0, 0, 1};
    const int8_t y[] = {0, 2, 1, 1, -1};
    size_t counts[9], expected[9] = {1, 0, 0, 1, 0, 0, 0, 1, 0};
    wk_confusion(p, y, 5, 3, counts);
    assert_memory_equal(counts, expected, sizeof counts);
}

static void test_binomial_lower_bounds_are_the_published_ones(void **state)
{
    (void)state;
    double z = 1.6448536269514722;
    assert_near(wk_wilson_lower(120, 200, z), .54205, 5e-6);
    assert_near(wk_wilson_lower(600, 1000, z), .57428, 5e-6);
    assert_near(wk_wilson_lower(1100, 2000, z), .53165, 5e-6);
    assert_near(wk_clopper_pearson_lower(120, 200, .05), .53968, 5e-6);
    assert_near(wk_clopper_pearson_lower(600, 1000, .05), .57382, 5e-6);
    assert_near(wk_clopper_pearson_lower(57, 100, .05), .48282449965716084, 1e-12);
    assert_near(wk_clopper_pearson_lower(1100, 2000, .05), .5314065353301884, 1e-12);
    assert_near(wk_clopper_pearson_lower(1, 10, .025), .0025285785444617848, 1e-13);
    assert_near(wk_clopper_pearson_lower(0, 10, .05), 0, 0);
    assert_near(wk_clopper_pearson_lower(10, 10, .05), 0.7411344491069477, 1e-12);
    assert_true(isnan(wk_wilson_lower(0, 0, z)));
}

static void test_drift_measures_are_the_published_ones(void **state)
{
    (void)state;
    const double e[] = {.25, .25, .25, .25}, a[] = {.4, .3, .2, .1};
    assert_near(wk_psi(e, a, 4), 0.22821740957339182, 1e-15);
    assert_near(wk_psi(e, e, 4), 0, 0);
    const double empty[] = {.5, .5, 0, 0};
    assert_true(isfinite(wk_psi(e, empty, 4)));
    const float u[] = {1, 2, 3, 4, 5}, v[] = {8, 7, 6, 5, 4, 3, NAN};
    assert_near(wk_ks(u, 5, v, 7), 0.5, 1e-15);
    const float s[] = {.3f, .1f, .9f, .5f}, t[] = {.2f, .1f, .5f, .5f, .7f};
    assert_near(wk_ks(s, 4, t, 5), 0.25, 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_auc_counts_ties_half_and_skips_nan),
        cmocka_unit_test(test_rank_correlation_equals_scipy),
        cmocka_unit_test(test_qlike_is_zero_for_the_truth),
        cmocka_unit_test(test_log_loss_and_brier_skip_absent_labels),
        cmocka_unit_test(test_ece_measures_the_gap_of_equal_mass_bins),
        cmocka_unit_test(test_reliability_bins_skip_nan_and_may_be_empty),
        cmocka_unit_test(test_confusion_counts_the_likeliest_class),
        cmocka_unit_test(test_binomial_lower_bounds_are_the_published_ones),
        cmocka_unit_test(test_drift_measures_are_the_published_ones),
    };
    return cmocka_run_group_tests_name("metrics_forecast", tests, NULL, NULL);
}
