/* Exact decimals: what venues write comes back digit for digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/decimal.h"
#include "wick/rng.h"

static void accepts(const char *text, int64_t digits, int scale)
{
    wk_decimal d = {-1, -1};
    const char *why = wk_decimal_parse(text, strlen(text), &d);
    if (why)
        print_error("%s %s\n", text, why);
    assert_null(why);
    assert_int_equal(d.digits, digits);
    assert_int_equal(d.scale, scale);
}

static void refuses(const char *text, const char *reason)
{
    wk_decimal d = {-7, -7};
    const char *why = wk_decimal_parse(text, strlen(text), &d);
    if (!why)
        print_error("%s was accepted\n", text);
    assert_non_null(why);
    assert_string_equal(why, reason);
    assert_int_equal(d.digits, -7);
    assert_int_equal(d.scale, -7);
}

static void test_decimal_keeps_every_digit_of_a_venue(void **state)
{
    (void)state;
    accepts("4.21870000", 421870000, 8);
    accepts("1e-08", 1, 8);
    accepts("1E-08", 1, 8);
    accepts("1.50e+2", 150, 0);
    accepts("0", 0, 0);
    accepts("-0.0", 0, 1);
    accepts("0e9", 0, 0);
    accepts("0e-99", 0, 36);
    accepts("-1.380384722222e-6", -1380384722222, 18);
    accepts("-6.2604214e-11", -62604214, 18);
    accepts("0.010000000000000002", 10000000000000002, 18);
    accepts("9007199254740993", 9007199254740993, 0);
    accepts("9223372036854775807", INT64_MAX, 0);
    accepts("-9223372036854775807", -INT64_MAX, 0);
    accepts("922337203685477580.7", INT64_MAX, 1);
    accepts("0.000000000000000000000000000000000001", 1, 36);
    accepts("00012.50", 1250, 2);
}

static void test_decimal_drops_only_zeros_that_no_longer_fit(void **state)
{
    (void)state;
    accepts("100.000000000000000000", 1000000000000000000, 16);
    accepts("1.00000000000000000000000000000000000000000", 1000000000000000000, 18);
    accepts("10e-37", 1, 36);
    refuses("100.0000000000000000001", "has too many digits");
    refuses("0.0000000000000000000000000000000000001", "has too many digits");
}

static void test_decimal_refuses_what_does_not_fit(void **state)
{
    (void)state;
    refuses("13834774380200032777", "has too many digits");
    refuses("9223372036854775808", "has too many digits");
    refuses("-9223372036854775808", "has too many digits");
    refuses("1e19", "has too many digits");
    refuses("1e99999999999999999999", "has too many digits");
    refuses("1e-99999999999999999999", "has too many digits");
}

static void test_decimal_refuses_other_texts(void **state)
{
    (void)state;
    refuses("", "is empty");
    static const char *const wrong[] = {"-",   ".",   "1.",    ".5",    "+1",  " 1",       "1 ",
                                        "1e",  "1e+", "1e-",   "1.e5",  "--1", "0x10",     "nan",
                                        "inf", "1,5", "1.2.3", "1e5.0", "1_0", "Infinity", "1-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(wrong[i], "is not a number");
}

static void test_decimal_units_are_exact_or_refused(void **state)
{
    (void)state;
    int64_t units = -7;
    assert_null(wk_decimal_units((wk_decimal){566, 3}, 4, &units));
    assert_int_equal(units, 5660);
    assert_null(wk_decimal_units((wk_decimal){180971547, 4}, 8, &units));
    assert_int_equal(units, 1809715470000);
    assert_null(wk_decimal_units((wk_decimal){1500, 3}, 1, &units));
    assert_int_equal(units, 15);
    assert_null(wk_decimal_units((wk_decimal){0, 36}, 0, &units));
    assert_int_equal(units, 0);
    assert_null(wk_decimal_units((wk_decimal){-25, 1}, 2, &units));
    assert_int_equal(units, -250);
    units = -7;
    assert_string_equal(wk_decimal_units((wk_decimal){1234, 3}, 2, &units),
                        "has more than 2 decimals");
    assert_string_equal(wk_decimal_units((wk_decimal){1, 36}, 1, &units),
                        "has more than 1 decimal");
    assert_string_equal(wk_decimal_units((wk_decimal){INT64_MAX, 0}, 1, &units), "is too large");
    assert_string_equal(wk_decimal_units((wk_decimal){1, 0}, 36, &units), "is too large");
    assert_int_equal(units, -7);
}

static void test_decimal_double_equals_strtod(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        wk_decimal d = {(int64_t)(wk_rng_u64(3, 1, i) >> (1 + wk_rng_u64(3, 2, i) % 60)),
                        (int)(wk_rng_u64(3, 3, i) % 37)};
        if (i & 1)
            d.digits = -d.digits;
        char text[64];
        snprintf(text, sizeof text, "%llde-%d", (long long)d.digits, d.scale);
        double expected = strtod(text, NULL), got = wk_decimal_to_double(d);
        assert_memory_equal(&expected, &got, sizeof got);
    }
    assert_true(wk_units_to_double(1, 1) == 0.1);
    assert_true(wk_units_to_double(4528520, 2) == 45285.2);
}

static void test_units_text_reads_back_to_the_same_units(void **state)
{
    (void)state;
    char text[40];
    assert_int_equal(wk_units_format(5660, 4, text), 6);
    assert_string_equal(text, "0.5660");
    wk_units_format(-5, 0, text);
    assert_string_equal(text, "-5");
    wk_units_format(INT64_MIN, 36, text);
    assert_string_equal(text, "-0.000000000000000009223372036854775808");
    for (uint64_t i = 0; i < 20000; i++) {
        int64_t units = (int64_t)(wk_rng_u64(4, 1, i) >> (1 + wk_rng_u64(4, 2, i) % 62));
        int decimals = (int)(wk_rng_u64(4, 3, i) % 19);
        units = i & 1 ? -units : units;
        size_t n = wk_units_format(units, decimals, text);
        assert_int_equal(n, strlen(text));
        wk_decimal d;
        int64_t back;
        assert_null(wk_decimal_parse(text, n, &d));
        assert_int_equal(d.scale, decimals);
        assert_null(wk_decimal_units(d, decimals, &back));
        assert_int_equal(back, units);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decimal_keeps_every_digit_of_a_venue),
        cmocka_unit_test(test_decimal_drops_only_zeros_that_no_longer_fit),
        cmocka_unit_test(test_decimal_refuses_what_does_not_fit),
        cmocka_unit_test(test_decimal_refuses_other_texts),
        cmocka_unit_test(test_decimal_units_are_exact_or_refused),
        cmocka_unit_test(test_decimal_double_equals_strtod),
        cmocka_unit_test(test_units_text_reads_back_to_the_same_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
