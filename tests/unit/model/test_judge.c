/* The judged experiment: marks sit on their candles, days are days whatever the bar, and settings
 * that cannot be judged are refused by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "judge.h"
#include "wick/clock.h"
#include "wick/log.h"

static const char config_text[] =
    "{\"name\": \"judge\", \"data\": {\"source\": \"synthetic\", \"timeframe\": \"1d\", "
    "\"synthetic\": {\"symbols\": 2, \"bars\": 1400, \"edge\": 0.3}}, "
    "\"features\": {\"families\": [\"momentum\"], \"anchor_bars\": 1024, \"warmup_bars\": 300, "
    "\"warmup_valid_bars\": 200}, \"branches\": [], \"ablations\": false, "
    "\"split\": {\"forecast_from\": \"2023-07-01\", \"refit_months\": 120, \"embargo_bars\": 4}, "
    "\"meta\": {\"score\": \"direction\", \"params\": {\"num_boost_round\": 5, \"max_depth\": 2}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.01, \"slots\": 2}, "
    "\"sim\": {\"slippage_bps\": 0}}";

typedef struct {
    wk_run_config config;
    wk_dataset dataset;
    wk_targets targets;
    wk_walk_forward walk;
    wk_judgement judged;
    wk_arena arena;
} experiment;

static wk_status train(experiment *x, const char *const *overrides, size_t n, wk_err *err)
{
    *x = (experiment){0};
    wk_arena_init(&x->arena);
    WK_TRY(wk_config_parse(&wk_run_config_table, "judge", config_text, overrides, n, &x->arena,
                           &x->config, err));
    WK_TRY(wk_dataset_load(&x->config, NULL, &x->dataset, err));
    WK_TRY(wk_targets_make(&x->config, &x->dataset.panel, x->dataset.table.sigma, &x->dataset.arena,
                           &x->targets, err));
    return wk_walk_forward_run(&x->config, &x->dataset, &x->targets, 1, &x->walk, err);
}

static void finish(experiment *x)
{
    wk_judgement_finish(&x->judged);
    wk_walk_forward_finish(&x->walk);
    wk_dataset_finish(&x->dataset);
    wk_arena_finish(&x->arena);
}

static void run(experiment *x, const char *const *overrides, size_t n)
{
    wk_err err = {0};
    if (train(x, overrides, n, &err) != WK_OK ||
        wk_judge(&x->config, &x->dataset, &x->targets, &x->walk, &x->judged, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static json_int_t time_of(const json_t *point)
{
    return json_integer_value(json_object_get(point, "time"));
}

static void test_marks_of_trades_lie_within_their_candles(void **state)
{
    (void)state;
    experiment x;
    run(&x, NULL, 0);
    const char *symbol;
    json_t *market;
    size_t n = 0;
    json_object_foreach(json_object_get(x.judged.document, "candles"), symbol, market)
    {
        const json_t *bars = json_object_get(market, "bars"),
                     *marks = json_object_get(market, "trades");
        for (size_t i = 0, b = 0; i + 1 < json_array_size(marks); i += 2) {
            const json_t *entry = json_array_get(marks, i), *exit = json_array_get(marks, i + 1);
            for (b = 0; time_of(json_array_get(bars, b)) != time_of(entry); b++)
                assert_true(b + 1 < json_array_size(bars));
            const json_t *bar = json_array_get(bars, b);
            /* A market entry fills at the open of the candle that it is drawn on. */
            assert_float_equal(json_real_value(json_object_get(entry, "price")),
                               json_real_value(json_object_get(bar, "open")), 0.01);
            assert_int_equal(json_integer_value(json_object_get(entry, "side")),
                             json_integer_value(json_object_get(exit, "side")));
            n++;
        }
    }
    assert_true(n > 20);
    finish(&x);
}

static void test_equity_begins_when_the_judged_span_opens(void **state)
{
    (void)state;
    experiment x;
    run(&x, NULL, 0);
    const json_t *equity = json_object_get(x.judged.document, "equity");
    const wk_panel *p = &x.dataset.panel;
    assert_int_equal(time_of(json_array_get(equity, 0)),
                     (p->start_ns + (int64_t)x.walk.judge_step * p->timeframe_ns) / WK_NS_PER_S);
    assert_int_equal(json_array_size(equity), x.walk.end_step - x.walk.judge_step + 1);
    finish(&x);
}

/* A bar of a week is seven days to a ratio that is yearly by 365 of them. */
static void test_days_are_days_when_a_bar_is_a_week(void **state)
{
    (void)state;
    static const char *const weekly[] = {"data.timeframe=\"1w\"",
                                         "split.forecast_from=\"2035-01-01\""};
    experiment x;
    run(&x, weekly, 2);
    const json_t *equity = json_object_get(x.judged.document, "equity");
    size_t bars = x.walk.end_step - x.walk.judge_step;
    assert_int_equal(json_array_size(equity), 7 * (bars - 1) + 2);
    finish(&x);
}

/* The most that can be earned by holding is what the prices did less two fees: both ends are
 * charged. */
static void test_buy_and_hold_pays_to_get_in_and_out(void **state)
{
    (void)state;
    static const char *const one[] = {"data.synthetic.symbols=1"};
    experiment x;
    run(&x, one, 1);
    const json_t *line =
        json_object_get(json_object_get(x.judged.document, "baselines_equity"), "buy and hold");
    const json_t *last = json_array_get(line, json_array_size(line) - 1);
    double open = x.dataset.panel.bars[x.walk.judge_step].open;
    double close = x.dataset.panel.bars[x.walk.end_step - 1].close;
    assert_float_equal(json_real_value(json_object_get(last, "value")),
                       close / (open * 1.0005) * 0.9995, 1e-9);
    finish(&x);
}

static void test_the_table_says_what_each_strategy_is(void **state)
{
    (void)state;
    static const char *const want[][2] = {{"gbdt", "strategy"},
                                          {"logistic", "baseline"},
                                          {"momentum 4 weeks", "baseline"},
                                          {"buy and hold", "baseline"},
                                          {"always flat", "baseline"}};
    experiment x;
    run(&x, NULL, 0);
    const json_t *rows = json_object_get(x.judged.metrics, "strategies");
    assert_int_equal(json_array_size(rows), sizeof want / sizeof *want);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        assert_string_equal(json_string_value(json_object_get(row, "strategy")), want[i][0]);
        assert_string_equal(json_string_value(json_object_get(row, "kind")), want[i][1]);
    }
    finish(&x);
}

/* A generation before the first fold needs rows behind the warm-up; without them it is left out. */
static void test_a_branch_generation_without_rows_is_left_out(void **state)
{
    (void)state;
    static const char *const early[] = {"split.branch_generations=1", "split.refit_months=12",
                                        "features.warmup_bars=500",
                                        "features.warmup_valid_bars=450",
                                        ("branches=[{\"name\":\"gru\",\"families\":[\"momentum\"],"
                                         "\"layers\":[{\"type\":\"gru\",\"units\":2}],"
                                         "\"train\":{\"epochs\":1}}]")};
    experiment x;
    wk_err err = {0};
    if (train(&x, early, sizeof early / sizeof *early, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(json_array_size(x.walk.folds) > 0);
    finish(&x);
}

static void expect_refusal(const char *const *overrides, size_t n, const char *word)
{
    experiment x;
    wk_err err = {0};
    assert_int_equal(train(&x, overrides, n, &err), WK_E_CONFIG);
    assert_non_null(strstr(err.msg, word));
    finish(&x);
}

static void test_settings_that_leave_nothing_to_judge_are_refused(void **state)
{
    (void)state;
    static const char *const late[] = {"split.judge_from=\"2090-01-01\""};
    static const char *const greedy[] = {"split.early_stop_fraction=0.4",
                                         "split.policy_fraction=0.4",
                                         "split.calibration_fraction=0.4"};
    static const char *const twins[] = {"branches=[{\"name\":\"a\"},{\"name\":\"a\"}]"};
    static const char *const path[] = {"branches=[{\"name\":\"a/b\"}]"};
    expect_refusal(late, 1, "judge_from");
    expect_refusal(greedy, 3, "policy_fraction");
    expect_refusal(twins, 1, "\"a\"");
    expect_refusal(path, 1, "slash");
}

int main(void)
{
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_of_trades_lie_within_their_candles),
        cmocka_unit_test(test_equity_begins_when_the_judged_span_opens),
        cmocka_unit_test(test_days_are_days_when_a_bar_is_a_week),
        cmocka_unit_test(test_buy_and_hold_pays_to_get_in_and_out),
        cmocka_unit_test(test_a_branch_generation_without_rows_is_left_out),
        cmocka_unit_test(test_the_table_says_what_each_strategy_is),
        cmocka_unit_test(test_settings_that_leave_nothing_to_judge_are_refused),
    };
    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
