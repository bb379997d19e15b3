/* Ridge and logistic regression against scikit-learn (tests/golden/eval/make_golden.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/linear.h"

#include "lcg.h"
#include "near.h"

enum { N = 200, F = 3 };

typedef struct {
    float X[N * F], y[N];
} table;

static wk_linear_data make(table *t)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < F; j++)
            t->X[i * F + j] = (float)lcg_next(&x);
        t->y[i] = (float)((double)t->X[i * F] * 2 - (double)t->X[i * F + 1] +
                          (double)(float)lcg_next(&x));
    }
    return (wk_linear_data){.X = t->X, .stride = F, .n_cols = F, .n_rows = N, .y = t->y};
}

static void test_ridge_equals_scikit_learn(void **state)
{
    (void)state;
    table t;
    wk_linear_data d = make(&t);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear m;
    wk_err err;
    assert_int_equal(wk_linear_fit(&arena, &d, 5, 1, &m, &err), WK_OK);
    assert_near(m.coefficient[0], 0.55803508335527, 1e-9);
    assert_near(m.coefficient[1], -0.2500458992546396, 1e-9);
    assert_near(m.coefficient[2], -0.0164771823214995, 1e-9);
    assert_near(m.intercept, 0.09761385093443094, 1e-9);
    wk_arena_finish(&arena);
}

static void test_logistic_equals_scikit_learn(void **state)
{
    (void)state;
    table t;
    wk_linear_data d = make(&t);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear m;
    wk_err err;
    assert_int_equal(wk_logistic_fit(&arena, &d, 5, 1, &m, &err), WK_OK);
    assert_near(m.coefficient[0], 1.8805037747948858, 1e-7);
    assert_near(m.coefficient[1], -0.8184224684894704, 1e-7);
    assert_near(m.coefficient[2], -0.1755369335630984, 1e-7);
    assert_near(m.intercept, 0.45066959165326814, 1e-7);
    double p = wk_linear_predict(&m, t.X);
    assert_true(p > 0 && p < 1);
    wk_arena_finish(&arena);
}

static void test_weights_equal_repeated_rows_and_rows_select(void **state)
{
    (void)state;
    table t;
    wk_linear_data d = make(&t), weighted = d;
    uint32_t rows[2 * N];
    float weight[N];
    size_t n = 0;
    for (uint32_t i = 0; i < N; i++) {
        weight[i] = (float)(i % 3);
        for (uint32_t k = 0; k < i % 3; k++)
            rows[n++] = i;
    }
    d.rows = rows;
    d.n_rows = n;
    weighted.weight = weight;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear a, b;
    wk_err err;
    /* Weights are scaled to mean 1 over the rows given: 200 rows of l2 = 2 carry as much as n of l2
     * = n / 100. */
    assert_int_equal(wk_linear_fit(&arena, &d, (double)n / 100, 1, &a, &err), WK_OK);
    assert_int_equal(wk_linear_fit(&arena, &weighted, 2, 1, &b, &err), WK_OK);
    for (size_t j = 0; j < F; j++)
        assert_near(a.coefficient[j], b.coefficient[j], 1e-10);
    assert_near(a.intercept, b.intercept, 1e-10);
    wk_arena_finish(&arena);
}

static void test_threads_do_not_change_a_bit(void **state)
{
    (void)state;
    table t;
    wk_linear_data d = make(&t);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear one, three;
    wk_err err;
    assert_int_equal(wk_logistic_fit(&arena, &d, 1, 1, &one, &err), WK_OK);
    assert_int_equal(wk_logistic_fit(&arena, &d, 1, 3, &three, &err), WK_OK);
    assert_memory_equal(one.coefficient, three.coefficient, F * sizeof(double));
    assert_memory_equal(&one.intercept, &three.intercept, sizeof(double));
    wk_arena_finish(&arena);
}

static void test_missing_constant_and_repeated_columns_are_harmless(void **state)
{
    (void)state;
    table t;
    make(&t);
    float X[N * 5];
    for (size_t i = 0; i < N; i++) {
        X[i * 5] = t.X[i * F];
        X[i * 5 + 1] = 7;
        X[i * 5 + 2] = t.X[i * F];
        X[i * 5 + 3] = NAN;
        X[i * 5 + 4] = i % 4 ? t.X[i * F + 1] : NAN;
    }
    wk_linear_data d = {.X = X, .stride = 5, .n_cols = 5, .n_rows = N, .y = t.y};
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear m;
    wk_err err;
    assert_int_equal(wk_linear_fit(&arena, &d, 0, 1, &m, &err), WK_OK);
    for (size_t j = 0; j < 5; j++)
        assert_true(isfinite(m.coefficient[j]));
    assert_near(m.coefficient[1], 0, 0);
    assert_near(m.coefficient[3], 0, 0);
    assert_near(m.coefficient[0] + m.coefficient[2], 0.55803508335527 * 1.025, 0.03);
    const float missing[5] = {NAN, NAN, NAN, NAN, NAN};
    assert_near(wk_linear_predict(&m, missing), m.intercept, 0);
    wk_arena_finish(&arena);
}

static void test_separable_classes_stay_finite(void **state)
{
    (void)state;
    table t;
    wk_linear_data d = make(&t);
    for (size_t i = 0; i < N; i++)
        t.y[i] = t.X[i * F] > 0 ? 1.0f : 0.0f;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear m;
    wk_err err;
    assert_int_equal(wk_logistic_fit(&arena, &d, 0, 1, &m, &err), WK_OK);
    assert_true(isfinite(m.coefficient[0]) && m.coefficient[0] > 5);
    wk_arena_finish(&arena);
}

static void test_useless_data_is_one_clear_error(void **state)
{
    (void)state;
    table t;
    wk_linear_data d = make(&t);
    for (size_t i = 0; i < N; i++)
        t.y[i] = NAN;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_linear m;
    wk_err err;
    assert_int_equal(wk_linear_fit(&arena, &d, 1, 1, &m, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "200 rows"));
    assert_int_equal(wk_linear_fit(&arena, &d, -1, 1, &m, &err), WK_E_ARG);
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ridge_equals_scikit_learn),
        cmocka_unit_test(test_logistic_equals_scikit_learn),
        cmocka_unit_test(test_weights_equal_repeated_rows_and_rows_select),
        cmocka_unit_test(test_threads_do_not_change_a_bit),
        cmocka_unit_test(test_missing_constant_and_repeated_columns_are_harmless),
        cmocka_unit_test(test_separable_classes_stay_finite),
        cmocka_unit_test(test_useless_data_is_one_clear_error),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
