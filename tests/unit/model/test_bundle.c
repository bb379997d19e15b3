/* A model that comes back from disk decides as the one that was written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "walk_forward.h"
#include "wick/file.h"
#include "wick/log.h"

static const char config_text[] =
    "{\"name\": \"bundle\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 1, "
    "\"bars\": 4000}}, \"features\": {\"families\": [\"momentum\"], \"anchor_bars\": 1024, "
    "\"warmup_bars\": 300, \"warmup_valid_bars\": 200}, \"branches\": [], "
    "\"split\": {\"refit_months\": 120}, "
    "\"meta\": {\"score\": \"direction\", \"params\": {\"num_boost_round\": 3, \"max_depth\": 2}}, "
    "\"trade\": {\"policy\": \"expected_value\", \"stop_loss\": 0.01, \"take_profit\": 0.01}}";

static void remove_model(const char *dir)
{
    static const char *const files[] = {"model.json", "meta.0.xgb.json", "magnitude.xgb.json",
                                        "volatility.xgb.json", "direction.xgb.json"};
    char path[256];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void test_a_loaded_model_decides_as_the_saved_one(void **state)
{
    (void)state;
    static const double thresholds[] = {0.002, NAN, INFINITY};
    wk_run_config config;
    wk_dataset dataset = {0};
    wk_targets targets;
    wk_walk_forward walk = {0};
    wk_err err = {0};
    wk_arena arena;
    char parent[] = "/tmp/wick-bundle-XXXXXX", dir[64];
    assert_non_null(mkdtemp(parent));
    snprintf(dir, sizeof dir, "%s/model", parent);
    const wk_loop loop = {0};
    wk_arena_init(&arena);
    if (wk_config_parse(&wk_run_config_table, "bundle", config_text, NULL, 0, &arena, &config,
                        &err) ||
        wk_dataset_load(&config, NULL, &dataset, &err) ||
        wk_targets_make(&config, &dataset.panel, dataset.table.sigma, &dataset.arena, &targets,
                        &err) ||
        wk_walk_forward_run(&config, &dataset, &targets, 1, &walk, &err))
        fail_msg("%s", err.msg);
    size_t T = dataset.panel.T;
    wk_forecast *forecasts = wk_arena_array(&arena, wk_forecast, T);
    for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
        wk_model model = {0};
        walk.model.meta.threshold = thresholds[i];
        if (wk_model_save(&walk.model, &config, &dataset, dir, &err) ||
            wk_model_load(dir, &model, &err) ||
            wk_model_forecast(&model, &config, &dataset, T - 10, T, &loop, forecasts, &err))
            fail_msg("%s", err.msg);
        /* What the trader reads: 0 stands for the configuration's, infinity for no entry. */
        float want = isnan(thresholds[i]) ? 0.0f : (float)thresholds[i];
        assert_true(forecasts[T - 1].valid);
        assert_true(forecasts[T - 1].threshold == want);
        model.meta.columns[0] = 1 << 20;
        assert_int_equal(
            wk_model_forecast(&model, &config, &dataset, T - 10, T, &loop, forecasts, &err),
            WK_E_MODEL);
        assert_non_null(strstr(err.msg, "1048576"));
        wk_model_finish(&model);
    }
    remove_model(dir);
    rmdir(parent);
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&dataset);
    wk_arena_finish(&arena);
}

/* Beside a score of regressions the three classes have a forest of their own. */
static void test_every_head_comes_back_as_it_was_saved(void **state)
{
    (void)state;
    static const char *const overrides[] = {
        "meta.score=targets", "meta.scale_min_days=1",
        "meta.targets=[{\"kind\": \"bounded\", \"horizon_bars\": 2, \"bound\": 0.01}]"};
    wk_run_config config;
    wk_dataset dataset = {0};
    wk_targets targets;
    wk_walk_forward walk = {0};
    wk_model model = {0};
    wk_err err = {0};
    wk_arena arena;
    char parent[] = "/tmp/wick-bundle-XXXXXX", dir[64];
    assert_non_null(mkdtemp(parent));
    snprintf(dir, sizeof dir, "%s/model", parent);
    const wk_loop loop = {0};
    wk_arena_init(&arena);
    if (wk_config_parse(&wk_run_config_table, "bundle", config_text, overrides, 3, &arena, &config,
                        &err) ||
        wk_dataset_load(&config, NULL, &dataset, &err) ||
        wk_targets_make(&config, &dataset.panel, dataset.table.sigma, &dataset.arena, &targets,
                        &err) ||
        wk_walk_forward_run(&config, &dataset, &targets, 1, &walk, &err))
        fail_msg("%s", err.msg);
    size_t T = dataset.panel.T, t0 = T - 100;
    wk_forecast *kept = wk_arena_array(&arena, wk_forecast, T);
    wk_forecast *loaded = wk_arena_array(&arena, wk_forecast, T);
    if (wk_model_save(&walk.model, &config, &dataset, dir, &err) ||
        wk_model_load(dir, &model, &err) ||
        wk_model_forecast(&walk.model, &config, &dataset, t0, T, &loop, kept, &err) ||
        wk_model_forecast(&model, &config, &dataset, t0, T, &loop, loaded, &err))
        fail_msg("%s", err.msg);
    for (size_t t = T - 20; t < T; t++) {
        const wk_forecast *a = &kept[t], *b = &loaded[t];
        assert_true(a->valid && b->valid);
        for (int k = 0; k < 3; k++)
            assert_true(a->p[k] > 0 && a->p[k] == b->p[k]);
        assert_float_equal(a->p[0] + a->p[1] + a->p[2], 1, 1e-5);
        assert_true(a->score == b->score && a->magnitude == b->magnitude &&
                    a->volatility == b->volatility);
        /* What the walk forecast of these bars as out-of-sample ones. */
        assert_true(walk.strategies[0].forecasts[t].p[2] == a->p[2]);
    }
    wk_model_finish(&model);
    remove_model(dir);
    rmdir(parent);
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&dataset);
    wk_arena_finish(&arena);
}

int main(void)
{
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loaded_model_decides_as_the_saved_one),
        cmocka_unit_test(test_every_head_comes_back_as_it_was_saved),
    };
    return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
