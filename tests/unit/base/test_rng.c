/* The counter generator: moments, independence of streams, and fixed values that pin its bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/rng.h"

static void test_uniform_and_normal_have_their_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    double mean = 0, square = 0, normal_mean = 0, normal_square = 0, cross = 0;
    for (uint64_t i = 0; i < N; i++) {
        double u = wk_rng_uniform(1, 2, i), z = wk_rng_normal(1, 3, i), w = wk_rng_normal(1, 4, i);
        assert_true(u >= 0 && u < 1);
        mean += u;
        square += u * u;
        normal_mean += z;
        normal_square += z * z;
        cross += z * w;
    }
    assert_true(fabs(mean / N - 0.5) < 0.005);
    assert_true(fabs(square / N - 1.0 / 3) < 0.005);
    assert_true(fabs(normal_mean / N) < 0.01);
    assert_true(fabs(normal_square / N - 1) < 0.02);
    assert_true(fabs(cross / N) < 0.01);
}

static void test_value_depends_on_all_three_arguments(void **state)
{
    (void)state;
    uint64_t v = wk_rng_u64(1, 1, 1);
    assert_true(v == wk_rng_u64(1, 1, 1));
    assert_true(v != wk_rng_u64(2, 1, 1) && v != wk_rng_u64(1, 2, 1) && v != wk_rng_u64(1, 1, 2));
}

static void test_below_covers_its_range(void **state)
{
    (void)state;
    size_t seen[7] = {0};
    for (uint64_t i = 0; i < 7000; i++)
        seen[wk_rng_below(5, 0, i, 7)]++;
    for (int k = 0; k < 7; k++)
        assert_true(seen[k] > 850 && seen[k] < 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform_and_normal_have_their_moments),
        cmocka_unit_test(test_value_depends_on_all_three_arguments),
        cmocka_unit_test(test_below_covers_its_range),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
