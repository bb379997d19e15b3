/* The stream of a model gives the bits of the batch, over anchors, with trees, networks, and a
 * network on top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "walk_forward.h"
#include "wick/forecaster.h"
#include "wick/log.h"

static const char config_text[] =
    "{\"name\": \"stream\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 2, "
    "\"bars\": 3600, "
    "\"edge\": 0.2}}, \"features\": {\"families\": [\"momentum\", \"cross\"], \"anchor_bars\": "
    "512, "
    "\"warmup_bars\": 300, \"warmup_valid_bars\": 100}, "
    "\"split\": {\"forecast_from\": \"2021-05-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"branch_generations\": 0, \"early_stop_fraction\": 0.1, \"calibration_fraction\": 0.1, "
    "\"policy_fraction\": 0.1}, "
    "\"branches\": [{\"name\": \"gru\", \"families\": [\"momentum\"], \"layers\": [{\"type\": "
    "\"gru\", \"units\": 6}], "
    "\"train\": {\"epochs\": 1}}, {\"name\": \"cnn\", \"families\": [\"momentum\"], \"layers\": "
    "[{\"type\": "
    "\"conv1d\", \"units\": 4, \"kernel\": 3, \"dilation\": 2}, {\"type\": \"relu\"}], \"train\": "
    "{\"epochs\": 1}}], "
    "\"ablations\": false, \"meta\": {\"networks_must_earn\": false, \"scale_days\": 20, "
    "\"scale_min_days\": 2, \"params\": "
    "{\"num_boost_round\": 8, \"max_depth\": 3}, \"mlp_layers\": [{\"type\": \"dense\", \"units\": "
    "5}, "
    "{\"type\": \"lstm\", \"units\": 3}], \"mlp_train\": {\"epochs\": 1}}}";

static void expect_same_bits(const wk_forecast *a, const wk_forecast *b, size_t r)
{
    const float x[] = {a->p[0],      a->p[1],       a->p[2],     a->score,
                       a->magnitude, a->volatility, a->threshold};
    const float y[] = {b->p[0],      b->p[1],       b->p[2],     b->score,
                       b->magnitude, b->volatility, b->threshold};
    if (a->valid != b->valid || memcmp(x, y, sizeof x) != 0)
        fail_msg("row %zu: stream %d %.9g %.9g, batch %d %.9g %.9g", r, a->valid, (double)a->score,
                 (double)a->magnitude, b->valid, (double)b->score, (double)b->magnitude);
}

static void compare(const char *const *overrides, size_t n_overrides)
{
    wk_err err = {0};
    wk_arena arena;
    wk_run_config config;
    wk_dataset d;
    wk_targets targets;
    wk_walk_forward walk = {0};
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    if (wk_config_parse(&wk_run_config_table, "stream", config_text, overrides, n_overrides, &arena,
                        &config, &err) ||
        wk_dataset_load(&config, NULL, &d, &err) ||
        wk_targets_make(&config, &d.panel, d.table.sigma, &d.arena, &targets, &err) ||
        wk_walk_forward_run(&config, &d, &targets, 2, &walk, &err))
        fail_msg("%s", err.msg);
    size_t S = d.panel.S, T = d.panel.T;
    wk_forecast *batch = calloc(T * S, sizeof *batch);
    snprintf(walk.model.feature_hash, sizeof walk.model.feature_hash, "%s", d.feature_hash);
    if (wk_model_forecast(&walk.model, &config, &d, 0, T, &(wk_loop){0}, batch, &err))
        fail_msg("%s", err.msg);

    wk_arena stream;
    wk_arena_init(&stream);
    wk_forecaster *f;
    if (wk_forecaster_plan(&stream, &walk.model, &config, (const char(*)[32])d.panel.symbols, S, &f,
                           &err))
        fail_msg("%s", err.msg);
    /* One that goes in parts, and walks ahead between them. */
    wk_forecaster *parts;
    if (wk_forecaster_plan(&stream, &walk.model, &config, (const char(*)[32])d.panel.symbols, S,
                           &parts, &err))
        fail_msg("%s", err.msg);
    wk_arena_freeze(&stream);
    uint64_t a = WK_DIGEST_START, b = WK_DIGEST_START;
    size_t valid = 0, F;
    for (size_t t = 0; t < T; t++) {
        wk_features_step step = wk_panel_step(&d.panel, t);
        wk_forecast now[2];
        wk_forecaster_push(f, &step, now);
        wk_forecast early[2], late[2];
        wk_forecaster_warm(parts, t % 3 == 0);
        wk_forecaster_answer(parts, &step, late);
        memcpy(early, late, sizeof early);
        wk_forecaster_heads(parts, late);
        wk_forecaster_finish(parts, &step);
        if (t % 2)
            wk_forecaster_warm(parts, true);
        for (size_t s = 0; s < S; s++) {
            expect_same_bits(&now[s], &batch[t * S + s], t * S + s);
            expect_same_bits(&late[s], &now[s], t * S + s);
            assert_true(early[s].valid == now[s].valid && early[s].threshold == now[s].threshold);
            assert_memory_equal(&early[s].score, &now[s].score, sizeof now[s].score);
            valid += now[s].valid;
        }
        const float *rows = wk_forecaster_rows(f, &F);
        a = wk_digest_step(a, rows, wk_forecaster_valid(f), S, F, now);
        b = wk_digest_step(b, d.table.X + t * S * F, d.table.valid + t * S, S, F, batch + t * S);
    }
    assert_true(valid > 4000);
    assert_true(a == b && a != WK_DIGEST_START);
    strcpy(walk.model.feature_hash, "another");
    wk_arena refused;
    wk_arena_init(&refused);
    assert_int_equal(wk_forecaster_plan(&refused, &walk.model, &config,
                                        (const char(*)[32])d.panel.symbols, S, &f, &err),
                     WK_E_MODEL);
    wk_arena_finish(&refused);
    wk_arena_finish(&stream);
    free(batch);
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&d);
    wk_arena_finish(&arena);
}

static void test_trees_over_networks(void **state)
{
    (void)state;
    compare((const char *[]){"meta.score=targets", "meta.targets.0.kind=bounded"}, 2);
}

static void test_direction_classes(void **state)
{
    (void)state;
    compare((const char *[]){"meta.score=direction"}, 1);
}

static void test_trees_alone(void **state)
{
    (void)state;
    compare((const char *[]){"meta.score=targets", "meta.targets.0.kind=bounded", "branches=[]"},
            3);
}

static void test_a_network_on_top(void **state)
{
    (void)state;
    compare((const char *[]){"meta.score=direction", "meta.kind=mlp"}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees_over_networks),
        cmocka_unit_test(test_direction_classes),
        cmocka_unit_test(test_trees_alone),
        cmocka_unit_test(test_a_network_on_top),
    };
    return cmocka_run_group_tests_name("forecaster", tests, NULL, NULL);
}
