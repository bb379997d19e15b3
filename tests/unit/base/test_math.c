/* wick's elementary functions against libm, and the normal distribution against published values.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/math.h"
#include "wick/rng.h"

static double relative_error(double got, double want)
{
    if (got == want || (isnan(got) && isnan(want)))
        return 0;
    double scale = fabs(want) > 1e-300 ? fabs(want) : 1e-300;
    return fabs(got - want) / scale;
}

static void test_functions_agree_with_libm(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        double u = wk_rng_uniform(7, 1, i) * 2 - 1;
        double x = u * 700;
        assert_true(relative_error(wk_exp(x), exp(x)) < 4e-16);
        double small = u * 3;
        assert_true(relative_error(wk_tanh(small), tanh(small)) < 2e-15);
        assert_true(relative_error(wk_sigmoid(small), 1 / (1 + exp(-small))) < 1e-15);
        double y = exp(u * 600);
        assert_true(fabs(wk_log(y) - log(y)) <= 3e-16 * fmax(1, fabs(log(y))));
        assert_true(relative_error(wk_log1p(u * 0.2), log1p(u * 0.2)) < 1e-15);
        assert_true(relative_error(wk_expm1(u * 0.5), expm1(u * 0.5)) < 1e-15);
        double angle = u * 1000;
        assert_true(fabs(wk_sin(angle) - sin(angle)) < 1e-15 * 8);
        assert_true(fabs(wk_cos(angle) - cos(angle)) < 1e-15 * 8);
        assert_true(relative_error(wk_pow(fabs(u) + 0.01, 2.37), pow(fabs(u) + 0.01, 2.37)) <
                    1e-14);
    }
}

static void test_edges_are_defined(void **state)
{
    (void)state;
    assert_true(isinf(wk_exp(1000)) && wk_exp(-1000) == 0);
    assert_true(isinf(wk_log(0)) && wk_log(0) < 0);
    assert_true(isnan(wk_log(-1)) && isnan(wk_exp(NAN)) && isnan(wk_tanh(NAN)));
    assert_true(wk_tanh(100) == 1 && wk_tanh(-100) == -1);
    assert_true(wk_log(5e-324) < -744 && wk_log(5e-324) > -745);
    assert_true(relative_error(wk_exp(-740), exp(-740)) < 1e-2);
    assert_true(wk_pow(3, 4) == 81 && wk_pow(2, -2) == 0.25);
}

static void test_normal_distribution(void **state)
{
    (void)state;
    assert_true(fabs(wk_normal_cdf(1.959963984540054) - 0.975) < 1e-14);
    assert_true(fabs(wk_normal_quantile(0.975) - 1.959963984540054) < 1e-14);
    assert_true(fabs(wk_normal_quantile(1e-10) + 6.361340902404056) < 1e-12);
    for (double p = 0.001; p < 1; p += 0.013)
        assert_true(fabs(wk_normal_cdf(wk_normal_quantile(p)) - p) < 1e-13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_agree_with_libm),
        cmocka_unit_test(test_edges_are_defined),
        cmocka_unit_test(test_normal_distribution),
    };
    return cmocka_run_group_tests_name("math", tests, NULL, NULL);
}
