/* No look-ahead, end to end: every feature, label and out-of-sample forecast of a bar is bit-equal
 * whether or not later bars exist, through feature streaming, scalers, branches, calibration and
 * the policy's threshold. A planted look-ahead feature must be caught by the same comparison. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "walk_forward.h"
#include "wick/log.h"

static const char config_text[] =
    "{\"name\": \"prefix\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 2, "
    "\"bars\": 5200, "
    "\"edge\": 0.2}}, \"features\": {\"families\": [\"momentum\", \"cross\"], \"anchor_bars\": "
    "1024, "
    "\"warmup_bars\": 600, \"warmup_valid_bars\": 200}, "
    "\"split\": {\"forecast_from\": \"2021-05-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"branch_generations\": 1, \"early_stop_fraction\": 0.1, \"calibration_fraction\": 0.1, "
    "\"policy_fraction\": 0.1}, "
    "\"branches\": [{\"name\": \"gru\", \"families\": [\"momentum\"], \"layers\": [{\"type\": "
    "\"gru\", \"units\": 6}], "
    "\"train\": {\"epochs\": 2}}], \"ablations\": false, "
    "\"meta\": {\"score\": \"direction\", \"params\": {\"num_boost_round\": 12, \"max_depth\": "
    "3}}, "
    "\"trade\": {\"policy\": \"expected_value\", \"stop_kind\": \"fraction\", \"stop_loss\": 0.01, "
    "\"take_profit\": 0.01}}";

typedef struct {
    wk_run_config config;
    wk_dataset dataset;
    wk_targets targets;
    wk_walk_forward walk;
    wk_arena arena;
} experiment;

/* A column that knows the next bar's close: what must never happen. */
static void plant_look_ahead(wk_dataset *d)
{
    size_t S = d->panel.S, F = d->table.F;
    for (size_t t = 0; t < d->panel.T; t++)
        for (size_t s = 0; s < S; s++) {
            bool last = t + 1 == d->panel.T;
            const wk_bar *next = &d->panel.bars[(last ? t : t + 1) * S + s];
            d->table.X[(t * S + s) * F] = (float)(next->close / d->panel.bars[t * S + s].close - 1);
        }
}

static void run(experiment *x, int64_t bars, bool planted)
{
    wk_err err = {0};
    *x = (experiment){0};
    wk_arena_init(&x->arena);
    if (wk_config_parse(&wk_run_config_table, "prefix", config_text, NULL, 0, &x->arena, &x->config,
                        &err))
        fail_msg("%s", err.msg);
    x->config.data.synthetic.bars = bars;
    if (wk_dataset_load(&x->config, NULL, &x->dataset, &err))
        fail_msg("%s", err.msg);
    if (planted)
        plant_look_ahead(&x->dataset);
    if (wk_targets_make(&x->config, &x->dataset.panel, x->dataset.table.sigma, &x->dataset.arena,
                        &x->targets, &err))
        fail_msg("%s", err.msg);
    if (wk_walk_forward_run(&x->config, &x->dataset, &x->targets, 2, &x->walk, &err))
        fail_msg("%s", err.msg);
}

static void finish(experiment *x)
{
    wk_walk_forward_finish(&x->walk);
    wk_dataset_finish(&x->dataset);
    wk_arena_finish(&x->arena);
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Cells of the shorter experiment whose features or forecasts differ in the longer one. */
static size_t differences(const experiment *full, const experiment *prefix)
{
    size_t S = prefix->dataset.panel.S, F = prefix->dataset.table.F, n = 0;
    for (size_t r = 0; r < prefix->dataset.panel.T * S; r++) {
        const float *a = full->dataset.table.X + r * F, *b = prefix->dataset.table.X + r * F;
        bool same = full->dataset.table.valid[r] == prefix->dataset.table.valid[r];
        for (size_t i = 0; same && prefix->dataset.table.valid[r] && i < F; i++)
            same = same_bits(a[i], b[i]);
        for (size_t k = 0; same && k < prefix->walk.n_strategies; k++) {
            const wk_forecast *f = &full->walk.strategies[k].forecasts[r];
            const wk_forecast *g = &prefix->walk.strategies[k].forecasts[r];
            same = f->valid == g->valid;
            if (same && f->valid)
                same = same_bits(f->p[0], g->p[0]) && same_bits(f->p[2], g->p[2]) &&
                       same_bits(f->score, g->score) && same_bits(f->magnitude, g->magnitude) &&
                       same_bits(f->volatility, g->volatility) &&
                       same_bits(f->threshold, g->threshold);
        }
        n += !same;
    }
    return n;
}

static void test_forecasts_do_not_depend_on_later_bars(void **state)
{
    (void)state;
    experiment full, prefix;
    wk_log_set_level(WK_LOG_ERROR);
    run(&full, 5200, false);
    /* The cuts lie inside a test block, at its first bar and inside a calibration block's future.
     */
    static const int64_t cuts[] = {4700, 4345, 4001};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        run(&prefix, cuts[i], false);
        size_t valid = 0;
        for (size_t r = 0; r < prefix.dataset.panel.T * prefix.dataset.panel.S; r++)
            valid += prefix.walk.strategies[0].forecasts[r].valid;
        assert_true(valid > 500);
        assert_int_equal(differences(&full, &prefix), 0);
        finish(&prefix);
    }
    finish(&full);
}

static void test_labels_do_not_depend_on_later_bars(void **state)
{
    (void)state;
    experiment full, prefix;
    run(&full, 5200, false);
    run(&prefix, 4700, false);
    size_t S = prefix.dataset.panel.S, T = prefix.dataset.panel.T, present = 0;
    for (size_t r = 0; r < T * S; r++) {
        int32_t end = full.targets.direction.end[r];
        if (end > 0 && (size_t)end < T) {
            assert_int_equal(prefix.targets.direction.end[r], end);
            assert_true(same_bits(prefix.targets.direction.y[r], full.targets.direction.y[r]));
            assert_true(same_bits(prefix.targets.judge.y[r], full.targets.judge.y[r]));
            present++;
        } else {
            assert_int_equal(prefix.targets.direction.end[r], 0);
        }
    }
    assert_true(present > 8000);
    finish(&full);
    finish(&prefix);
}

static void test_planted_look_ahead_is_caught(void **state)
{
    (void)state;
    experiment full, prefix;
    run(&full, 5200, true);
    run(&prefix, 4700, true);
    assert_true(differences(&full, &prefix) > 0);
    finish(&full);
    finish(&prefix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forecasts_do_not_depend_on_later_bars),
        cmocka_unit_test(test_labels_do_not_depend_on_later_bars),
        cmocka_unit_test(test_planted_look_ahead_is_caught),
    };
    return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
