/* Walk-forward folds and purging. */
#include "temp.h"

#include "wick/split.h"

static void test_a_label_keeps_clear_of_the_next_block(void **state)
{
    (void)state;
    assert_true(wk_split_keeps(7, 2, 10));
    assert_false(wk_split_keeps(8, 2, 10));
    assert_false(wk_split_keeps(0, 0, 10));
}

static void test_folds_follow_civil_months(void **state)
{
    (void)state;
    const int64_t day = 24 * HOUR;
    wk_panel p = {.T = 1000, .S = 1, .timeframe_ns = day, .start_ns = wk_civil_to_ns(2020, 1, 1)};
    wk_fold *f;
    size_t n;
    wk_err err;
    assert_int_equal(wk_folds_make(&p, wk_civil_to_ns(2020, 7, 1), wk_civil_to_ns(2021, 9, 1), 6, 0,
                                   &f, &n, &err),
                     WK_OK);
    assert_int_equal(n, 3);
    static const int edges[4][3] = {{2020, 7, 1}, {2021, 1, 1}, {2021, 7, 1}, {2021, 9, 1}};
    for (size_t i = 0; i < n; i++) {
        size_t a =
            (size_t)((wk_civil_to_ns(edges[i][0], edges[i][1], edges[i][2]) - p.start_ns) / day);
        size_t b = (size_t)((wk_civil_to_ns(edges[i + 1][0], edges[i + 1][1], edges[i + 1][2]) -
                             p.start_ns) /
                            day);
        assert_true(f[i].test_begin == a && f[i].test_end == b && f[i].train_begin == 0 &&
                    f[i].train_end == a);
    }
    free(f);
    assert_int_equal(wk_folds_make(&p, wk_civil_to_ns(2020, 7, 15), 0, 1, 100, &f, &n, &err),
                     WK_OK);
    assert_int_equal(f[0].test_begin, 196);
    assert_int_equal(f[0].test_end, 213); /* 2020-08-01 */
    assert_int_equal(f[0].train_begin, 96);
    assert_int_equal(f[n - 1].test_end, 1000);
    for (size_t i = 1; i < n; i++)
        assert_true(f[i].test_begin == f[i - 1].test_end &&
                    f[i].train_begin == f[i].test_begin - 100);
    free(f);
}

static void test_a_test_outside_the_bars_is_refused(void **state)
{
    (void)state;
    wk_panel p = {.T = 100, .S = 1, .timeframe_ns = HOUR, .start_ns = wk_civil_to_ns(2020, 1, 1)};
    wk_fold *f = NULL;
    size_t n;
    wk_err err;
    assert_int_equal(wk_folds_make(&p, wk_civil_to_ns(2021, 1, 1), 0, 6, 0, &f, &n, &err),
                     WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "2020-01-05T04:00:00Z");
    assert_int_equal(wk_folds_make(&p, wk_civil_to_ns(2020, 1, 1), 0, 6, 0, &f, &n, &err),
                     WK_E_DATA);
    assert_int_equal(wk_folds_make(&p, wk_civil_to_ns(2020, 1, 3), 0, 0, 0, &f, &n, &err),
                     WK_E_ARG);
    assert_null(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_label_keeps_clear_of_the_next_block),
        cmocka_unit_test(test_folds_follow_civil_months),
        cmocka_unit_test(test_a_test_outside_the_bars_is_refused),
    };
    return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
