/* The outside family: its forms, and that a peek equals the push and leaves no trace. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wick/features.h"

#define HOUR_NS (3600 * INT64_C(1000000000))
enum { T = 200 };

static const char symbols[1][32] = {"AAA"};

static wk_features *plan(wk_arena *arena, size_t n_names)
{
    static const char *names[] = {"outside.mood", "flow.x"}, *families[] = {"outside"};
    wk_features_config config;
    wk_config_defaults(&wk_features_config_table, arena, &config);
    config.families = (wk_strings){families, 1};
    config.outside = (wk_strings){names, n_names};
    wk_features *f = NULL;
    wk_err err;
    if (wk_features_plan(arena, &config, symbols, 1, HOUR_NS, &f, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return f;
}

static double value(int t)
{
    return t % 50 == 7 ? NAN : (t * 37 % 101) * 0.25;
}

static void test_each_series_gives_level_z_change_and_missing(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features *f = plan(&arena, 2);
    assert_int_equal(wk_features_n(f), 8);
    assert_string_equal(wk_features_name(f, 1), "outside.mood.z");
    assert_string_equal(wk_features_name(f, 6), "flow.x.change");
    double num = 0, den = 0, square = 0;
    int n = 0;
    for (int t = 0; t < T; t++) {
        wk_bar bar = {t * HOUR_NS, 1, 1, 1, 1, 1};
        uint8_t provenance = WK_PROV_TRADED, valid, valid_peek;
        double outside[2] = {value(t), -value(t)}, other[2] = {1e9, NAN}, row[8], peeked[8];
        wk_features_step step = {bar.time_ns, &bar, &provenance, NULL, other};
        wk_features_peek(f, &step, peeked, &valid_peek);
        step.outside = outside;
        wk_features_peek(f, &step, peeked, &valid_peek);
        wk_features_push(f, &step, row, &valid);
        assert_memory_equal(row, peeked, sizeof row);

        /* pandas: ewm(span=96, adjust=True), ignore_na=False, deviation without correction. */
        double keep = 1 - 2.0 / 97, v = value(t);
        num *= keep, den *= keep, square *= keep;
        if (!isnan(v)) {
            num += v, den += 1, square += v * v;
            n++;
        }
        assert_true(row[0] == v || (isnan(row[0]) && isnan(v)));
        assert_true(row[3] == (isnan(v) ? 1 : 0) && row[7] == row[3]);
        double z = (v - num / den) / sqrt(square / den - num / den * (num / den));
        assert_true(n < 24 || isnan(v) ? isnan(row[1]) : fabs(row[1] - z) < 1e-9);
        double change = t >= 24 ? v - value(t - 24) : NAN;
        assert_true(row[2] == change || (isnan(row[2]) && isnan(change)));
        assert_true(row[6] == -row[2] || isnan(row[6]));
    }
    wk_arena_finish(&arena);
}

static void test_without_series_the_family_has_no_columns_and_the_hash_is_another(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config;
    wk_config_defaults(&wk_features_config_table, &arena, &config);
    wk_features *none, *one;
    wk_err err;
    assert_int_equal(wk_features_plan(&arena, &config, symbols, 1, HOUR_NS, &none, &err), WK_OK);
    const char *name = "outside.mood";
    config.outside = (wk_strings){&name, 1};
    assert_int_equal(wk_features_plan(&arena, &config, symbols, 1, HOUR_NS, &one, &err), WK_OK);
    assert_int_equal(wk_features_n(one), wk_features_n(none) + 4);
    assert_string_not_equal(wk_features_hash(one), wk_features_hash(none));
    config.outside_forms = (wk_strings){&name, 1};
    assert_int_equal(wk_features_plan(&arena, &config, symbols, 1, HOUR_NS, &one, &err),
                     WK_E_CONFIG);
    assert_non_null(strstr(err.msg, "known are level z change missing"));
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_series_gives_level_z_change_and_missing),
        cmocka_unit_test(test_without_series_the_family_has_no_columns_and_the_hash_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
