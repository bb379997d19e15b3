/* Columns against the pandas definitions of tests/golden/features/make_columns.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/features/panel.h"

enum { LINE_MAX_BYTES = 1 << 16, FIELDS_MAX = 512 };

static size_t split(char *line, char **field)
{
    size_t n = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *at = line; at; n++) {
        assert_true(n < FIELDS_MAX);
        field[n] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = 0;
    }
    return n;
}

static bool agree(double got, double want)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return fabs(got - want) <= 1e-9 * (1 + fabs(want));
}

static void test_columns_equal_the_pandas_definitions(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_panel panel = test_panel(&arena, 2600, 42);
    wk_features_config config = test_config_unanchored();
    wk_features *f = test_plan(&arena, &config);
    size_t F = wk_features_n(f);
    double *rows = wk_arena_array(&arena, double, 3 * F);
    uint8_t valid[3];

    FILE *file = fopen(WICK_GOLDEN_DIR "/columns.csv", "r");
    assert_non_null(file);
    static char head[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
    char *name[FIELDS_MAX], *field[FIELDS_MAX];
    assert_non_null(fgets(head, sizeof head, file));
    size_t n = split(head, name), t = 0, n_wrong = 0;
    size_t column[FIELDS_MAX], n_seen = 0;
    for (size_t k = 4; k < n; k++) {
        column[k] = F;
        for (size_t i = 0; i < F; i++)
            if (strcmp(wk_features_name(f, i), name[k]) == 0)
                column[k] = i;
        if (column[k] == F)
            fail_msg("no column %s", name[k]);
        n_seen++;
    }
    assert_int_equal(n_seen, 135);
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(split(line, field), n);
        size_t at = (size_t)atoi(field[0]), s = (size_t)atoi(field[1]);
        for (; t <= at; t++) {
            wk_features_step step = wk_panel_step(&panel, t);
            wk_features_push(f, &step, rows, valid);
        }
        double close = panel.bars[at * 3 + s].close, wanted = strtod(field[2], NULL);
        assert_true(close == wanted || (isnan(close) && isnan(wanted)));
        if (!agree(wk_features_sigma(f, s), strtod(field[3], NULL)))
            fail_msg("t %zu s %zu sigma: %.17g, golden %s", at, s, wk_features_sigma(f, s),
                     field[3]);
        for (size_t k = 4; k < n; k++) {
            double got = rows[s * F + column[k]], want = strtod(field[k], NULL);
            if (!agree(got, want) && n_wrong++ < 40)
                print_error("t %zu s %zu %s: %.17g, golden %.12g\n", at, s, name[k], got, want);
        }
    }
    fclose(file);
    wk_arena_finish(&arena);
    assert_int_equal(n_wrong, 0);
}

static void test_flagship_has_79_columns_in_five_families(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    const char *five[] = {"momentum", "lead", "cross", "volatility", "calendar"};
    wk_features_config config = test_config_unanchored();
    config.families = (wk_strings){five, 5};
    wk_features *f = test_plan(&arena, &config);
    assert_int_equal(wk_features_n(f), 79);
    assert_string_equal(wk_features_name(f, 0), "mom.r1");
    assert_string_equal(wk_features_family(f, 0), "momentum");
    assert_string_equal(wk_features_name(f, 78), "cal.dom");
    assert_string_equal(wk_features_family(f, 78), "calendar");
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_equal_the_pandas_definitions),
        cmocka_unit_test(test_flagship_has_79_columns_in_five_families),
    };
    return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
