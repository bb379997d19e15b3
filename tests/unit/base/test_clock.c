/* Civil dates, time and timeframe texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/clock.h"

static void test_time_text_round_trips(void **state)
{
    (void)state;
    wk_err err;
    int64_t t;
    char text[32];
    assert_int_equal(wk_time_parse("2024-02-29T23:45:01Z", &t, &err), WK_OK);
    assert_true(t == INT64_C(1709250301) * WK_NS_PER_S);
    assert_string_equal(wk_time_format(t, text), "2024-02-29T23:45:01Z");
    wk_civil c = wk_civil_from_ns(t);
    assert_int_equal(c.weekday, 3); /* a Thursday */
    for (int y = 1970; y < 2100; y++)
        for (int m = 1; m <= 12; m++) {
            wk_civil back = wk_civil_from_ns(wk_civil_to_ns(y, m, 1));
            assert_true(back.year == y && back.month == m && back.day == 1 && back.hour == 0);
        }
}

static void test_wrong_texts_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "2024", "2024-13-01", "2023-02-29", "2024-01-01T25:00", "2024-01-01x", "yesterday"};
    wk_err err;
    int64_t t = 42;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(wk_time_parse(wrong[i], &t, &err), WK_E_PARSE);
        assert_true(t == 42);
    }
    assert_int_equal(wk_timeframe_parse("15", &t, &err), WK_E_PARSE);
    assert_int_equal(wk_timeframe_parse("-1h", &t, &err), WK_E_PARSE);
}

static void test_timeframes(void **state)
{
    (void)state;
    wk_err err;
    int64_t ns;
    char text[16];
    assert_int_equal(wk_timeframe_parse("15m", &ns, &err), WK_OK);
    assert_true(ns == 900 * WK_NS_PER_S);
    assert_string_equal(wk_timeframe_format(ns, text), "15m");
    assert_string_equal(wk_timeframe_format(4 * 3600 * WK_NS_PER_S, text), "4h");
    assert_string_equal(wk_timeframe_format(86400 * WK_NS_PER_S, text), "1d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_text_round_trips),
        cmocka_unit_test(test_wrong_texts_are_refused),
        cmocka_unit_test(test_timeframes),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
