/* Probability of backtest overfitting against values computed from the published generator. */
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

/* The vector generator of the reference: a linear congruence, row-major, drift on the last column.
 */
static double *matrix(size_t T, size_t N, double drift)
{
    double *M = malloc(T * N * sizeof *M);
    uint32_t x = 12345;
    for (size_t i = 0; i < T * N; i++) {
        x = 1664525u * x + 1013904223u;
        M[i] = (((double)x + 0.5) / 4294967296.0 - 0.5) * 0.02 + (i % N == N - 1 ? drift : 0);
    }
    return M;
}

static void check(size_t T, size_t Sb, double drift, const double expected[4])
{
    double *M = matrix(T, 8, drift), loss, slope, lambda;
    assert_near(wk_pbo(M, T, 8, Sb, &loss, &slope, &lambda), expected[0], 6e-9);
    if (!isnan(expected[1]))
        assert_near(loss, expected[1], 6e-9);
    if (!isnan(expected[2]))
        assert_near(slope, expected[2], 6e-9);
    if (!isnan(expected[3]))
        assert_near(lambda, expected[3], 6e-9);
    free(M);
}

static void test_generator_starts_as_published(void **state)
{
    (void)state;
    double *M = matrix(64, 8, 0);
    assert_near(M[0], -.009591946282889695, 1e-16);
    assert_near(M[1], -.009669043032918125, 1e-16);
    assert_near(M[2], .0008631158922798932, 1e-16);
    free(M);
}

static void test_noise_gives_the_published_values(void **state)
{
    (void)state;
    check(64, 8, 0, (double[]){.45714286, .24285714, -.92057771, .16493490});
    check(240, 8, 0, (double[]){.52857143, .55714286, -.56144109, -.15770535});
    check(240, 16, 0, (double[]){.35159285, .35850816, -.46464429, .59835424});
}

static void test_a_real_edge_is_not_overfit(void **state)
{
    (void)state;
    check(64, 8, .004, (double[]){.31428571, NAN, NAN, NAN});
    check(240, 8, .004, (double[]){0, NAN, NAN, 2.07944154});
    check(240, 16, .004, (double[]){0, NAN, NAN, NAN});
}

static void test_too_little_data_is_undefined(void **state)
{
    (void)state;
    double M[16] = {0}, loss = 0;
    assert_true(isnan(wk_pbo(M, 8, 2, 8, &loss, NULL, NULL)) && isnan(loss));
    assert_true(isnan(wk_pbo(M, 16, 1, 4, NULL, NULL, NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator_starts_as_published),
        cmocka_unit_test(test_noise_gives_the_published_values),
        cmocka_unit_test(test_a_real_edge_is_not_overfit),
        cmocka_unit_test(test_too_little_data_is_undefined),
    };
    return cmocka_run_group_tests_name("pbo", tests, NULL, NULL);
}
