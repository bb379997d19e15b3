/* Temperature and isotonic calibration against scipy and scikit-learn
 * (tests/golden/eval/make_golden.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/calibrate.h"
#include "wick/metrics.h"

#include "lcg.h"
#include "near.h"

enum { N = 300, K = 3 };

/* Logits eight times a uniform draw; labels drawn from softmax(z / 2), so the truth is T = 2. */
static void over_confident(float *z, int8_t *y)
{
    uint32_t x = 7, u = 99;
    for (size_t i = 0; i < N * K; i++)
        z[i] = (float)(lcg_next(&x) * 8);
    for (size_t i = 0; i < N; i++) {
        double p[K], sum = 0, draw = lcg_next(&u) + 0.5, reached = 0;
        for (size_t k = 0; k < K; k++)
            sum += p[k] = exp((double)z[i * K + k] / 2);
        int8_t label = 0;
        for (size_t k = 0; k + 1 < K; k++) {
            reached += p[k] / sum;
            label += draw > reached;
        }
        y[i] = label;
    }
}

static void test_temperature_equals_scipys_minimum(void **state)
{
    (void)state;
    float z[N * K], p[N * K];
    int8_t y[N];
    over_confident(z, y);
    double T = wk_temperature_fit(z, y, NULL, N, K);
    assert_near(T, 1.9673141512743284, 1e-6);
    wk_temperature_apply(T, z, N, K, p);
    assert_near(wk_log_loss(p, y, N, K), 0.7876980360085336, 1e-7);
}

static void test_probabilities_give_the_temperature_of_their_logits(void **state)
{
    (void)state;
    float z[N * K], p[N * K], from_z[N * K], from_p[N * K];
    int8_t y[N];
    over_confident(z, y);
    wk_temperature_apply(1, z, N, K, p);
    double T = wk_temperature_fit(z, y, NULL, N, K);
    assert_near(wk_temperature_fit_probabilities(p, y, NULL, N, K), T, 1e-5);
    wk_temperature_apply(T, z, N, K, from_z);
    wk_temperature_apply_probabilities(T, p, N, K, from_p);
    for (size_t i = 0; i < N * K; i++)
        assert_near((double)from_p[i], (double)from_z[i], 1e-6);
}

static void test_weights_and_absent_labels_choose_the_rows(void **state)
{
    (void)state;
    float z[N * K], w[N];
    int8_t y[N], half[N];
    over_confident(z, y);
    for (size_t i = 0; i < N; i++) {
        w[i] = i % 2 ? 1.0f : 0.0f;
        half[i] = i % 2 ? y[i] : -1;
    }
    assert_near(wk_temperature_fit(z, y, w, N, K), wk_temperature_fit(z, half, NULL, N, K), 1e-9);
    assert_true(fabs(wk_temperature_fit(z, y, w, N, K) - wk_temperature_fit(z, y, NULL, N, K)) >
                1e-3);
}

static void test_extreme_rows_stay_within_bounds(void **state)
{
    (void)state;
    const float right[] = {1, 0, 0, 1}, sure[] = {30, 0, 0, 0, 30, 0};
    const int8_t y[] = {0, 1}, wrong[] = {1, 2};
    assert_near(wk_temperature_fit(right, y, NULL, 2, 2), 0.05, 1e-3);
    assert_near(wk_temperature_fit(sure, wrong, NULL, 2, 3), 20, 0.1);
    assert_near(wk_temperature_fit(NULL, NULL, NULL, 0, 3), 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_temperature_equals_scipys_minimum),
        cmocka_unit_test(test_probabilities_give_the_temperature_of_their_logits),
        cmocka_unit_test(test_weights_and_absent_labels_choose_the_rows),
        cmocka_unit_test(test_extreme_rows_stay_within_bounds),
    };
    return cmocka_run_group_tests_name("calibrate", tests, NULL, NULL);
}
