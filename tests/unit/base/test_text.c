/* Text: exact shortest numbers, JSON strings, edit distance. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/rng.h"
#include "wick/text.h"

static void test_doubles_are_short_and_exact(void **state)
{
    (void)state;
    static const struct {
        double x;
        const char *text;
    } known[] = {{0.1, "0.1"},
                 {0.05, "0.05"},
                 {1.0 / 3, "0.3333333333333333"},
                 {250000, "250000"},
                 {1e22, "1e+22"},
                 {-2.5, "-2.5"},
                 {20000.6, "20000.6"},
                 {1e-4, "0.0001"},
                 {-1e-5, "-1e-05"},
                 {999999999999999, "999999999999999"},
                 {1e15, "1e+15"},
                 {99999.9999999999, "99999.9999999999"},
                 {0.30000000000000010, "0.3000000000000001"},
                 {5e-324, "5e-324"},
                 {0.0, "0"},
                 {DBL_MAX, "1.7976931348623157e+308"},
                 {-0.0, "-0.0"},
                 {0.1 + 0.2, "0.30000000000000004"}};
    char text[32];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_string_equal(wk_double_format(known[i].x, text), known[i].text);
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = wk_rng_u64(7, 0, i);
        double x, back;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        back = strtod(wk_double_format(x, text), NULL);
        assert_memory_equal(&back, &x, sizeof x);
    }
}

static void test_json_strings_are_escaped(void **state)
{
    (void)state;
    wk_text text = {0};
    wk_text_add_json_string(&text, "a\"b\\c\n\t\x01 é");
    assert_string_equal(text.s, "\"a\\\"b\\\\c\\n\\t\\u0001 é\"");
    free(text.s);
}

static void test_text_grows(void **state)
{
    (void)state;
    wk_text text = {0};
    for (int i = 0; i < 5000; i++)
        wk_text_printf(&text, "%d,", i % 10);
    assert_int_equal(text.n, 10000);
    assert_int_equal(strlen(text.s), 10000);
    assert_memory_equal(text.s + 9990, "5,6,7,8,9,", 10);
    free(text.s);
}

static void test_edit_distance_counts_edits_and_swaps(void **state)
{
    (void)state;
    assert_int_equal(wk_edit_distance("", ""), 0);
    assert_int_equal(wk_edit_distance("kitten", "sitting"), 3);
    assert_int_equal(wk_edit_distance("coverag", "coverage"), 1);
    assert_int_equal(wk_edit_distance("coevrage", "coverage"), 1);
    assert_int_equal(wk_edit_distance("abc", ""), 3);
}

static void test_nearer_refuses_what_is_far(void **state)
{
    (void)state;
    size_t best = SIZE_MAX;
    assert_false(wk_nearer("coverage", "slots", &best));
    assert_true(wk_nearer("coverag", "coverage", &best));
    assert_int_equal(best, 1);
    assert_false(wk_nearer("coverag", "coverages", &best));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_are_short_and_exact),
        cmocka_unit_test(test_json_strings_are_escaped),
        cmocka_unit_test(test_text_grows),
        cmocka_unit_test(test_edit_distance_counts_edits_and_swaps),
        cmocka_unit_test(test_nearer_refuses_what_is_far),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
