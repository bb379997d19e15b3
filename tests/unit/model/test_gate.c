/* The gate: networks count in a fold only on the record of the blocks before it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gate.h"
#include "walk_forward.h"
#include "wick/log.h"
#include "wick/rng.h"

static wk_gate_finding judge(const double *stacked, const double *plain, size_t n_losses, size_t n)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_gate gate = wk_gate_make(&arena, n_losses, n);
    wk_gate_add(&gate, stacked, plain, n);
    wk_gate_finding found = wk_gate_judge(&gate);
    wk_arena_finish(&arena);
    return found;
}

static void test_a_gain_above_its_standard_error_earns_the_place(void **state)
{
    (void)state;
    /* Savings .02 .04 .00 .06 of a mean loss of 2: mean .015, deviation .0129, error .00645. */
    const double plain[] = {2, 2, 1, 3}, stacked[] = {1.98, 1.96, 1, 2.94};
    wk_gate_finding found = judge(stacked, plain, 1, 4);
    assert_true(found.earned);
    assert_int_equal(found.n, 4);
    assert_float_equal(found.gain, 0.015, 1e-12);
    assert_float_equal(found.error, 0.0064549722436790, 1e-12);
}

static void test_a_gain_within_its_standard_error_does_not(void **state)
{
    (void)state;
    /* Savings .06 -.05 .02 -.01: mean .005, error .02327. */
    const double plain[] = {1, 1, 1, 1}, stacked[] = {0.94, 1.05, 0.98, 1.01};
    wk_gate_finding found = judge(stacked, plain, 1, 4);
    assert_false(found.earned);
    assert_float_equal(found.gain, 0.005, 1e-12);
    assert_float_equal(found.error, 0.0232737334061, 1e-12);
}

static void test_without_two_slices_nothing_is_proved(void **state)
{
    (void)state;
    const double plain[] = {1, NAN, 1}, stacked[] = {0.5, 0.5, NAN};
    assert_false(judge(stacked, plain, 1, 0).earned);
    wk_gate_finding found = judge(stacked, plain, 1, 3);
    assert_int_equal(found.n, 1);
    assert_true(!found.earned && isnan(found.gain) && isnan(found.error));
}

static void test_labels_of_any_unit_count_alike(void **state)
{
    (void)state;
    /* Two labels, the second a thousand times the first: savings .1 and -.1 cancel. */
    const double plain[] = {1, 1000, 1, 1000}, stacked[] = {0.9, 1100, 0.9, 1100};
    assert_float_equal(judge(stacked, plain, 2, 2).gain, 0, 1e-12);
}

/* Networks of no worth come in one time of six, harmful ones hardly ever, good ones nearly always.
 */
static void test_noise_rarely_passes(void **state)
{
    (void)state;
    enum { SLICES = 40, SEEDS = 1000 };
    const double truth[] = {0, -0.01, 0.01}; /* in errors: 0, -2, +2 */
    int passed[3] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (int k = 0; k < 3; k++) {
            double plain[SLICES], stacked[SLICES];
            for (size_t i = 0; i < SLICES; i++) {
                plain[i] = 1;
                stacked[i] = 1 - truth[k] - 0.0316 * wk_rng_normal(seed, 1, i);
            }
            passed[k] += judge(stacked, plain, 1, SLICES).earned;
        }
    if (passed[0] < 120 || passed[0] > 200 || passed[1] > 10 || passed[2] < 780)
        fail_msg("of 1000: noise %d, harmful %d, good %d", passed[0], passed[1], passed[2]);
}

/* ---- in the walk ---- */

static const char config_text[] =
    "{\"name\": \"gate\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 2, "
    "\"bars\": 5200, \"edge\": 0.2}}, \"features\": {\"families\": [\"momentum\", \"cross\"], "
    "\"anchor_bars\": 1024, \"warmup_bars\": 600, \"warmup_valid_bars\": 200}, "
    "\"split\": {\"forecast_from\": \"2021-04-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"branch_generations\": 0, \"early_stop_fraction\": 0.1, \"calibration_fraction\": 0, "
    "\"policy_fraction\": 0}, \"branches\": [{\"name\": \"gru\", \"families\": [\"momentum\"], "
    "\"layers\": [{\"type\": \"gru\", \"units\": 6}], \"train\": {\"epochs\": 2}}], "
    "\"ablations\": false, \"meta\": {\"score\": \"targets\", \"seeds\": 2, \"scale_min_days\": 1, "
    "\"targets\": [{\"kind\": \"bounded\", \"horizon_bars\": 2, \"bound\": 0.01}], "
    "\"params\": {\"num_boost_round\": 12, \"max_depth\": 3}}}";

typedef struct {
    wk_run_config config;
    wk_dataset dataset;
    wk_targets targets;
    wk_walk_forward walk;
    wk_arena arena;
} experiment;

/* A target that trees cannot see and a convolution can: the mean of a noisy column's last four
 * bars. */
static void plant_memory(wk_dataset *d, wk_targets *targets)
{
    size_t S = d->panel.S, F = d->table.F;
    for (size_t t = 0; t < d->panel.T; t++)
        for (size_t s = 0; s < S; s++) {
            size_t r = t * S + s;
            float sum = 0;
            d->table.X[r * F] = (float)wk_rng_normal(9, s, t);
            for (size_t k = 0; k < 4 && k <= t; k++)
                sum += d->table.X[(r - k * S) * F];
            float y = 0.4f * sum;
            targets->targets[0].y[r] = targets->magnitude.y[r] = y;
            targets->direction.y[r] = y < -0.3f ? 0 : y > 0.3f ? 2 : 1;
        }
}

static void run_planted(experiment *x, const char *const *overrides, size_t n, bool planted)
{
    wk_err err = {0};
    *x = (experiment){0};
    wk_arena_init(&x->arena);
    if (wk_config_parse(&wk_run_config_table, "gate", config_text, overrides, n, &x->arena,
                        &x->config, &err) ||
        wk_dataset_load(&x->config, NULL, &x->dataset, &err) ||
        wk_targets_make(&x->config, &x->dataset.panel, x->dataset.table.sigma, &x->dataset.arena,
                        &x->targets, &err))
        fail_msg("%s", err.msg);
    if (planted)
        plant_memory(&x->dataset, &x->targets);
    if (wk_walk_forward_run(&x->config, &x->dataset, &x->targets, 2, &x->walk, &err))
        fail_msg("%s", err.msg);
}

static void run(experiment *x, const char *const *overrides, size_t n)
{
    run_planted(x, overrides, n, false);
}

static void finish(experiment *x)
{
    wk_walk_forward_finish(&x->walk);
    wk_dataset_finish(&x->dataset);
    wk_arena_finish(&x->arena);
}

static const wk_forecast *forecasts_of(const experiment *x, const char *name)
{
    for (size_t i = 0; i < x->walk.n_strategies; i++)
        if (strcmp(x->walk.strategies[i].name, name) == 0)
            return x->walk.strategies[i].forecasts;
    fail_msg("no strategy \"%s\"", name);
    return NULL;
}

static const char *networks_of(const json_t *fold)
{
    return json_string_value(json_object_get(fold, "networks"));
}

/* Every fold of the hybrid is one of its two candidates, as its record says. Returns how many are
 * stacked. */
static size_t check_folds(const experiment *x)
{
    size_t S = x->dataset.panel.S, i, n = json_array_size(x->walk.folds), earned_folds = 0;
    const wk_forecast *hybrid = forecasts_of(x, "hybrid"), *trees = forecasts_of(x, "gbdt");
    const wk_forecast *stacked = forecasts_of(x, "hybrid, networks always");
    json_t *fold;
    assert_true(n >= 4);
    json_array_foreach(x->walk.folds, i, fold)
    {
        const char *networks = networks_of(fold);
        size_t begin = (size_t)json_integer_value(json_object_get(fold, "begin_step"));
        size_t end = (size_t)json_integer_value(json_object_get(fold, "end_step"));
        bool earned = strcmp(networks, "earned") == 0;
        double gain = json_number_value(json_object_get(fold, "network_gain_pct"));
        double error = json_number_value(json_object_get(fold, "network_error_pct"));
        /* The first generation has no out-of-fold outputs to train on, so the second has no record.
         */
        if (i < 2)
            assert_string_equal(networks, "no record");
        else
            assert_int_equal(earned, gain > error);
        /* Scores are scaled by the past's forecasts; the magnitude is the fold's alone. */
        for (size_t r = begin * S; r < end * S; r++)
            assert_memory_equal(&hybrid[r].magnitude, &(earned ? stacked : trees)[r].magnitude,
                                sizeof hybrid[r].magnitude);
        earned_folds += earned;
    }
    bool kept = strcmp(networks_of(json_array_get(x->walk.folds, n - 1)), "earned") == 0;
    assert_int_equal(x->walk.model.n_branches, kept ? 1 : 0);
    assert_true((x->walk.model.meta.n_columns > x->dataset.table.F) == kept);
    return earned_folds;
}

/* The trees see everything that there is to see on this market. */
static void test_networks_that_add_nothing_leave_the_trees_alone(void **state)
{
    (void)state;
    experiment x;
    run(&x, NULL, 0);
    assert_int_equal(check_folds(&x), 0);
    finish(&x);
}

static void test_networks_that_see_more_than_the_trees_are_used(void **state)
{
    (void)state;
    static const char *const conv[] = {
        "branches.0.layers=[{\"type\": \"conv1d\", \"units\": 4, \"kernel\": 4}]",
        "branches.0.train.epochs=6"};
    experiment x;
    run_planted(&x, conv, 2, true);
    assert_true(check_folds(&x) >= 2);
    assert_int_equal(x.walk.model.n_branches, 1);
    finish(&x);
}

/* Generations before the first fold, from the second on, give even that one a record. */
static void test_earlier_generations_are_a_record(void **state)
{
    (void)state;
    static const char *const two[] = {"split.branch_generations=2",
                                      "split.forecast_from=\"2021-06-01\""};
    experiment x;
    run(&x, two, 2);
    const json_t *first = json_array_get(x.walk.folds, 0);
    assert_string_not_equal(networks_of(first), "no record");
    assert_true(json_is_number(json_object_get(first, "network_gain_pct")));
    /* Nothing is forecast before the first fold. */
    const wk_forecast *trees = forecasts_of(&x, "gbdt");
    for (size_t r = 0; r < x.walk.first_step * x.dataset.panel.S; r++)
        assert_int_equal(trees[r].valid, 0);
    finish(&x);
}

static void test_networks_that_need_not_earn_always_count(void **state)
{
    (void)state;
    static const char *const always[] = {"meta.networks_must_earn=false"};
    experiment x;
    run(&x, always, 1);
    assert_null(networks_of(json_array_get(x.walk.folds, 0)));
    assert_int_equal(x.walk.model.n_branches, 1);
    assert_int_equal(x.walk.n_strategies, 3);
    finish(&x);
}

int main(void)
{
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gain_above_its_standard_error_earns_the_place),
        cmocka_unit_test(test_a_gain_within_its_standard_error_does_not),
        cmocka_unit_test(test_without_two_slices_nothing_is_proved),
        cmocka_unit_test(test_labels_of_any_unit_count_alike),
        cmocka_unit_test(test_noise_rarely_passes),
        cmocka_unit_test(test_networks_that_add_nothing_leave_the_trees_alone),
        cmocka_unit_test(test_networks_that_see_more_than_the_trees_are_used),
        cmocka_unit_test(test_earlier_generations_are_a_record),
        cmocka_unit_test(test_networks_that_need_not_earn_always_count),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
