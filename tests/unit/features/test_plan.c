/* Plans: what is chosen, what is refused with which words, and what changes the hash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/features/panel.h"

static wk_arena arena;

static int open_arena(void **state)
{
    (void)state;
    wk_arena_init(&arena);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    wk_arena_finish(&arena);
    return 0;
}

static void expect_refusal(const wk_features_config *config, const char *words)
{
    wk_features *f = NULL;
    wk_err err = {0};
    assert_int_equal(wk_features_plan(&arena, config, TEST_SYMBOLS, 3, TEST_HOUR_NS, &f, &err),
                     WK_E_CONFIG);
    assert_null(f);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
}

static void test_default_has_every_family_and_unique_names(void **state)
{
    (void)state;
    static const char *const families[] = {
        "momentum", "lead",   "cross",  "volatility", "calendar", "ribbon",  "oscillator",
        "range",    "volume", "candle", "divergence", "htf",      "funding", "cycle"};
    wk_features_config config = test_config_unanchored();
    wk_features *f = test_plan(&arena, &config);
    size_t F = wk_features_n(f), seen = 0;
    assert_true(F >= 120);
    for (size_t i = 0; i < F; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(wk_features_name(f, i), wk_features_name(f, k));
        if (i == 0 || strcmp(wk_features_family(f, i), wk_features_family(f, i - 1)) != 0)
            assert_string_equal(wk_features_family(f, i), families[seen++]);
    }
    assert_int_equal(seen, 14);
}

static size_t n_with_prefix(const wk_features *f, const char *prefix)
{
    size_t n = 0;
    for (size_t i = 0; i < wk_features_n(f); i++)
        n += strncmp(wk_features_name(f, i), prefix, strlen(prefix)) == 0;
    return n;
}

static void test_higher_timeframes_are_those_above_the_base(void **state)
{
    (void)state;
    wk_features_config config = test_config_unanchored();
    static const struct {
        int64_t minutes;
        size_t n_1h, n_4h, n_1d;
    } cases[] = {{15, 8, 8, 8}, {60, 0, 8, 8}, {240, 0, 0, 8}, {1440, 0, 0, 0}};
    for (size_t i = 0; i < 4; i++) {
        wk_features *f = NULL;
        wk_err err;
        assert_int_equal(wk_features_plan(&arena, &config, TEST_SYMBOLS, 3,
                                          TEST_HOUR_NS / 60 * cases[i].minutes, &f, &err),
                         WK_OK);
        assert_int_equal(n_with_prefix(f, "htf.1h."), cases[i].n_1h);
        assert_int_equal(n_with_prefix(f, "htf.4h."), cases[i].n_4h);
        assert_int_equal(n_with_prefix(f, "htf.1d."), cases[i].n_1d);
    }
}

static void test_dropped_columns_leave_the_others_as_they_were(void **state)
{
    (void)state;
    const char *drop[] = {"mom.r1", "vola.ac1", "cal.dom"};
    wk_features_config config = test_config_unanchored();
    wk_panel p = test_panel(&arena, 300, 42);
    wk_features *all = test_plan(&arena, &config);
    config.drop = (wk_strings){drop, 3};
    wk_features *few = test_plan(&arena, &config);
    size_t F = wk_features_n(all), G = wk_features_n(few);
    assert_int_equal(G, F - 3);
    assert_string_not_equal(wk_features_hash(all), wk_features_hash(few));
    wk_feature_table a, b;
    wk_err err;
    assert_int_equal(wk_features_batch(all, &p, &arena, &a, &err), WK_OK);
    assert_int_equal(wk_features_batch(few, &p, &arena, &b, &err), WK_OK);
    for (size_t i = 0, k = 0; i < F; i++) {
        const char *name = wk_features_name(all, i);
        if (strcmp(name, drop[0]) == 0 || strcmp(name, drop[1]) == 0 || strcmp(name, drop[2]) == 0)
            continue;
        assert_string_equal(wk_features_name(few, k), name);
        for (size_t row = 0; row < p.T * 3; row++)
            assert_memory_equal(&a.X[row * F + i], &b.X[row * G + k], sizeof(float));
        k++;
    }
}

static void test_hash_changes_with_every_parameter(void **state)
{
    (void)state;
    const char *one[] = {"momentum"};
    wk_features_config configs[5];
    for (int i = 0; i < 5; i++)
        configs[i] = (wk_features_config){
            .anchor_bars = 4096, .warmup_bars = 2400, .warmup_valid_bars = 744};
    configs[1].anchor_bars = 8192;
    configs[2].warmup_bars = 2048;
    configs[3].warmup_valid_bars = 743;
    configs[4].families = (wk_strings){one, 1};
    char hash[5][65];
    for (int i = 0; i < 5; i++) {
        snprintf(hash[i], sizeof hash[i], "%s", wk_features_hash(test_plan(&arena, &configs[i])));
        assert_int_equal(strlen(hash[i]), 64);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hash[i], hash[k]);
    }
    assert_string_equal(hash[0], wk_features_hash(test_plan(&arena, &configs[0])));
}

static void test_wrong_configurations_are_refused_by_name(void **state)
{
    (void)state;
    const char *unknown[] = {"momentun"}, *column[] = {"mom.r7"}, *leader[] = {"DOGE*"},
               *twice[] = {"BTC*", "BTC*"};
    wk_features_config config = test_config_unanchored();
    config.families = (wk_strings){unknown, 1};
    expect_refusal(&config, "momentun");
    config = test_config_unanchored();
    config.drop = (wk_strings){column, 1};
    expect_refusal(&config, "mom.r7");
    config = test_config_unanchored();
    config.leaders = (wk_strings){leader, 1};
    expect_refusal(&config, "DOGE*");
    config = test_config_unanchored();
    config.leaders = (wk_strings){twice, 2};
    expect_refusal(&config, "twice");
    config = test_config_unanchored();
    config.warmup_bars = config.anchor_bars + 1;
    expect_refusal(&config, "warmup_bars");
    config = test_config_unanchored();
    config.warmup_valid_bars = config.warmup_bars + 1;
    expect_refusal(&config, "warmup_valid_bars");
    config = test_config_unanchored();
    config.anchor_bars = 0;
    expect_refusal(&config, "anchor_bars");
}

static void test_absent_default_leaders_give_nan_columns(void **state)
{
    (void)state;
    const char *lead[] = {"lead"};
    static const char symbols[1][32] = {"XRPUSDT"};
    wk_features_config config = test_config_unanchored();
    config.families = (wk_strings){lead, 1};
    wk_features *f = NULL;
    wk_err err;
    assert_int_equal(wk_features_plan(&arena, &config, symbols, 1, TEST_HOUR_NS, &f, &err), WK_OK);
    assert_int_equal(wk_features_n(f), 16);
    double row[16];
    uint8_t valid, provenance = 0;
    for (int t = 0; t < 200; t++) {
        wk_bar bar = {t * TEST_HOUR_NS, 1, 1.1, 0.9, 1 + 0.01 * (t % 7), 5};
        wk_features_step step = {.time_ns = bar.time_ns, .bars = &bar, .provenance = &provenance};
        wk_features_push(f, &step, row, &valid);
    }
    for (int i = 0; i < 16; i++)
        assert_true(isnan(row[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_default_has_every_family_and_unique_names, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_higher_timeframes_are_those_above_the_base, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_dropped_columns_leave_the_others_as_they_were,
                                        open_arena, close_arena),
        cmocka_unit_test_setup_teardown(test_hash_changes_with_every_parameter, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_wrong_configurations_are_refused_by_name, open_arena,
                                        close_arena),
        cmocka_unit_test_setup_teardown(test_absent_default_leaders_give_nan_columns, open_arena,
                                        close_arena),
    };
    return cmocka_run_group_tests_name("features plan", tests, NULL, NULL);
}
