/* Integer money: units, rounding against us, refusal of overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/money.h"

static void test_units_are_exact(void **state)
{
    (void)state;
    wk_unit u = {0};
    assert_true(wk_unit_init(&u, 0.01, 1e-6)); /* 1e-8 quote: one unit of cash */
    assert_true(u.mul == 1 && u.div == 1);
    assert_true(wk_unit_init(&u, 0.5, 0.001));
    assert_true(u.mul == 50000 && u.div == 1);
    assert_true(wk_unit_init(&u, 1e-8, 1e-8));
    assert_true(u.mul == 1 && u.div == 100000000);
    assert_true(wk_unit_init(&u, 0.25, 10.0));
    assert_true(u.mul == 250000000 && u.div == 1);
    assert_false(wk_unit_init(&u, 0.0, 1.0));
    assert_false(wk_unit_init(&u, -0.01, 1.0));
    assert_false(wk_unit_init(&u, 1.0 / 3.0, 1.0));
}

static void test_rounding_is_against_us(void **state)
{
    (void)state;
    wk_unit u = {0};
    int64_t v = 0;
    assert_true(wk_unit_init(&u, 1e-5, 1e-5)); /* 0.01 units of cash */
    assert_true(wk_money_fill(&u, 1, 1, 150, &v));
    assert_int_equal(v, -2);
    assert_true(wk_money_fill(&u, -1, 1, 150, &v));
    assert_int_equal(v, 1);
    assert_true(wk_money_value(&u, -1, 150, false, &v));
    assert_int_equal(v, -2);
    assert_true(wk_money_share(1, 1, true, &v));
    assert_int_equal(v, 1);
    assert_true(wk_money_share(-1, 1, false, &v));
    assert_int_equal(v, -1);
}

static void test_products_run_in_128_bits_and_overflow_is_refused(void **state)
{
    (void)state;
    int64_t v = 77;
    assert_true(wk_money_mul_div(INT64_C(9000000000000000000), 1000000, 1, 1000000, false, &v));
    assert_true(v == INT64_C(9000000000000000000));
    assert_true(wk_money_mul_div(INT64_C(4000000000000), INT64_C(4000000000000), 3,
                                 INT64_C(7000000000000), true, &v));
    assert_true(v == INT64_C(6857142857143)); /* 6857142857142.86 up */
    assert_true(wk_money_mul_div(INT64_C(-4000000000000), INT64_C(4000000000000), 3,
                                 INT64_C(7000000000000), false, &v));
    assert_true(v == INT64_C(-6857142857143));
    v = 77;
    assert_false(wk_money_mul_div(INT64_MAX, INT64_MAX, 1, 1, false, &v));
    assert_false(wk_money_mul_div(INT64_MAX, INT64_MAX, INT64_MAX, 1, false, &v));
    assert_int_equal(v, 77);
}

static void test_ticks_of_decimal_prices(void **state)
{
    (void)state;
    double per = wk_money_per_tick(0.00001);
    assert_true(per == 100000.0);
    for (int64_t i = 1; i < 200000; i += 7)
        assert_int_equal(wk_money_ticks((double)i / 100000.0, per), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_exact),
        cmocka_unit_test(test_rounding_is_against_us),
        cmocka_unit_test(test_products_run_in_128_bits_and_overflow_is_refused),
        cmocka_unit_test(test_ticks_of_decimal_prices),
    };
    return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
