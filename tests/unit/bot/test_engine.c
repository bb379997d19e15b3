/* The engine against the backtest: the same bars and the same venue give the same orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "walk_forward.h"
#include "wick/backtest.h"
#include "wick/engine.h"
#include "wick/log.h"

static const char config_text[] =
    "{\"name\": \"engine\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 3, "
    "\"bars\": 3600, "
    "\"edge\": 0.3}}, \"features\": {\"families\": [\"momentum\"], \"anchor_bars\": 512, "
    "\"warmup_bars\": 300, \"warmup_valid_bars\": 100}, "
    "\"split\": {\"forecast_from\": \"2021-05-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"early_stop_fraction\": 0, \"calibration_fraction\": 0, \"policy_fraction\": 0}, "
    "\"branches\": [], \"meta\": {\"score\": \"targets\", \"targets\": [{\"kind\": \"bounded\"}], "
    "\"scale_days\": 20, "
    "\"scale_min_days\": 2, \"params\": {\"num_boost_round\": 8, \"max_depth\": 3}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.8, \"entry\": \"limit\", "
    "\"limit_expiry_bars\": 2, "
    "\"market_after_expiry\": true, \"stop_kind\": \"fraction\", \"stop_loss\": 0.02, "
    "\"take_profit\": 0.04, "
    "\"cooldown_bars\": 3}}";

static wk_arena arena;
static wk_run_config config;
static wk_dataset d;
static wk_walk_forward walk;

static int set_up(void **state)
{
    wk_err err = {0};
    wk_targets targets;
    (void)state;
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    if (wk_config_parse(&wk_run_config_table, "engine", config_text, NULL, 0, &arena, &config,
                        &err) ||
        wk_dataset_load(&config, NULL, &d, &err) || wk_dataset_instruments(&config, &d, &err) ||
        wk_targets_make(&config, &d.panel, d.table.sigma, &d.arena, &targets, &err) ||
        wk_walk_forward_run(&config, &d, &targets, 1, &walk, &err)) {
        printf("# %s\n", err.msg);
        return -1;
    }
    snprintf(walk.model.feature_hash, sizeof walk.model.feature_hash, "%s", d.feature_hash);
    /* The simulated market is named by number; the model must find its markets by name. */
    config.data.symbols.n = d.panel.S;
    config.data.symbols.v = wk_arena_array(&arena, const char *, d.panel.S);
    for (size_t s = 0; s < d.panel.S; s++)
        config.data.symbols.v[s] = d.panel.symbols[s];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&d);
    wk_arena_finish(&arena);
    return 0;
}

static wk_engine *plan(wk_arena *memory, const wk_engine_model *models, size_t n,
                       int64_t timeframe_ns, int rule)
{
    wk_err err = {0};
    wk_engine *engine = NULL;
    wk_engine_config c = {.models = models,
                          .n_models = n,
                          .combine = rule,
                          .timeframe_ns = timeframe_ns,
                          .symbols = (const char(*)[32])d.panel.symbols,
                          .instruments = d.instruments,
                          .S = d.panel.S,
                          .trade = &config.trade,
                          .initial_cash_e8 = (int64_t)(config.sim.initial_cash * 1e8)};
    if (wk_engine_plan(memory, &c, &engine, &err))
        fail_msg("%s", err.msg);
    wk_arena_freeze(memory);
    return engine;
}

static void execute(wk_sim_venue *venue, const wk_actions *actions, size_t t)
{
    wk_err err = {0};
    for (size_t i = 0; i < actions->n; i++) {
        const wk_action *a = &actions->v[i];
        if (a->kind == WK_ACTION_CANCEL)
            wk_sim_cancel(venue, a->order.symbol, a->order.id, (int64_t)t);
        else if (wk_sim_place(venue, &a->order, (int64_t)t, &err))
            fail_msg("%s", err.msg);
    }
}

/* `warms`: the engine goes its way without effect before every event and step. */
static void compare_with_backtest(bool warms)
{
    wk_err err = {0};
    size_t S = d.panel.S, T = d.panel.T;
    wk_forecast *batch = calloc(T * S, sizeof *batch);
    if (wk_model_forecast(&walk.model, &config, &d, 0, T, &(wk_loop){0}, batch, &err))
        fail_msg("%s", err.msg);
    wk_backtest backtest;
    if (wk_backtest_run(&d.panel, batch, d.table.sigma, 0, T, &config.trade, &config.sim,
                        d.instruments, &backtest, &err))
        fail_msg("%s", err.msg);

    wk_arena memory, venue_memory;
    wk_arena_init(&memory);
    wk_arena_init(&venue_memory);
    wk_engine_model model = {.model = &walk.model, .config = &config, .weight = 1};
    wk_engine *engine = plan(&memory, &model, 1, d.panel.timeframe_ns, WK_COMBINE_VETO);
    wk_sim_venue *venue;
    if (wk_sim_venue_plan(&venue_memory, &config.sim, d.instruments, S, d.panel.timeframe_ns,
                          &venue, &err))
        fail_msg("%s", err.msg);
    wk_events events = {.capacity = wk_sim_events_max(venue)};
    events.v = wk_arena_array(&venue_memory, wk_trader_event, events.capacity);
    wk_engine_outcome out;
    uint64_t inputs = WK_DIGEST_START;
    for (size_t t = 0; t < T; t++) {
        int64_t close_ns = d.panel.start_ns + ((int64_t)t + 1) * d.panel.timeframe_ns;
        events.n = 0;
        if (wk_sim_bar(venue, (int64_t)t, close_ns, d.panel.bars + t * S,
                       d.panel.provenance + t * S, d.panel.funding ? d.panel.funding + t * S : NULL,
                       d.table.sigma + (t ? t - 1 : 0) * S, &events, &err))
            fail_msg("%s", err.msg);
        for (size_t i = 0; i < events.n; i++) {
            if (warms)
                wk_engine_warm(engine);
            wk_engine_event(engine, &events.v[i], &out);
            execute(venue, out.actions, t);
        }
        for (size_t i = 0; warms && i < 1 + t % 2; i++)
            wk_engine_warm(engine);
        wk_features_step step = wk_panel_step(&d.panel, t);
        wk_engine_step(engine, &step, false, &out);
        execute(venue, out.actions, t);
        uint64_t now = wk_digest_step(WK_DIGEST_START, d.table.X + t * S * d.table.F,
                                      d.table.valid + t * S, S, d.table.F, batch + t * S);
        assert_true(out.inputs_digest == now);
        inputs = wk_digest_bytes(inputs, &now, sizeof now);
    }
    assert_true(out.running_digest == inputs);
    events.n = 0;
    if (wk_sim_flatten(venue, d.panel.start_ns + (int64_t)T * d.panel.timeframe_ns,
                       d.table.sigma + (T - 1) * S, &events, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < events.n; i++)
        wk_engine_event(engine, &events.v[i], &out);
    assert_true(backtest.n_trades > 50);
    assert_true(wk_engine_intents_digest(engine) == backtest.intents_digest);
    assert_true(wk_trader_cash_e8(wk_engine_trader(engine)) == wk_sim_cash_e8(venue));
    wk_backtest_finish(&backtest);
    free(batch);
    wk_arena_finish(&memory);
    wk_arena_finish(&venue_memory);
}

static void test_the_engine_sends_the_orders_of_the_backtest(void **state)
{
    (void)state;
    compare_with_backtest(false);
}

static void test_a_step_without_effect_changes_no_bit(void **state)
{
    (void)state;
    const wk_trade_config before = config.trade;
    compare_with_backtest(true);
    config.trade.entry = 0;
    config.trade.policy = WK_POLICY_QUANTILE;
    config.trade.coverage = 0.2;
    config.trade.quantile_window_days = 20;
    config.trade.quantile_min_days = 2;
    config.trade.max_gross_exposure = 1.5;
    config.trade.stale_bars = 3;
    config.trade.act_on_change = true;
    compare_with_backtest(true);
    config.trade = before;
}

static void test_history_teaches_without_an_entry(void **state)
{
    (void)state;
    wk_arena memory;
    wk_arena_init(&memory);
    wk_engine_model model = {.model = &walk.model, .config = &config, .weight = 1};
    wk_engine *engine = plan(&memory, &model, 1, d.panel.timeframe_ns, WK_COMBINE_NET);
    size_t valid = 0, orders = 0;
    for (size_t t = 0; t < d.panel.T; t++) {
        wk_features_step step = wk_panel_step(&d.panel, t);
        wk_engine_outcome out;
        bool warming = t + 200 < d.panel.T;
        wk_engine_step(engine, &step, warming, &out);
        valid += out.forecasts[0].valid;
        orders += out.actions->n;
        if (warming)
            assert_int_equal(out.actions->n, 0);
    }
    assert_true(valid > 2000 && orders > 0);
    wk_arena_finish(&memory);
}

/* A second model that sees the same bars at four times the timeframe: its buckets are whole from
 * the first. */
static void test_a_slower_model_speaks_at_its_own_closes(void **state)
{
    (void)state;
    wk_arena memory;
    wk_arena_init(&memory);
    wk_run_config slow = config;
    slow.data.timeframe_ns *= 4;
    wk_model as_slow = walk.model;
    wk_features *features;
    wk_err err = {0};
    if (wk_features_plan(&memory, &slow.features, (const char(*)[32])d.panel.symbols, d.panel.S,
                         slow.data.timeframe_ns, &features, &err))
        fail_msg("%s", err.msg);
    snprintf(as_slow.feature_hash, sizeof as_slow.feature_hash, "%s", wk_features_hash(features));
    wk_engine_model models[] = {{.model = &walk.model, .config = &config, .weight = 1},
                                {.model = &as_slow, .config = &slow, .weight = 1}};
    wk_engine *engine = plan(&memory, models, 2, d.panel.timeframe_ns, WK_COMBINE_NET);
    wk_forecast before[3];
    memset(before, 0, sizeof before);
    size_t changes = 0, wrong = 0;
    for (size_t t = 0; t < d.panel.T; t++) {
        wk_features_step step = wk_panel_step(&d.panel, t);
        wk_engine_outcome out;
        wk_engine_step(engine, &step, true, &out);
        const wk_forecast *now = wk_engine_model_forecasts(engine, 1);
        bool closes = (step.time_ns + d.panel.timeframe_ns) % slow.data.timeframe_ns == 0;
        if (memcmp(now, before, sizeof before) != 0) {
            changes++;
            wrong += !closes;
        }
        memcpy(before, now, sizeof before);
    }
    assert_true(changes > 300);
    assert_int_equal(wrong, 0);
    wk_arena_finish(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_engine_sends_the_orders_of_the_backtest),
        cmocka_unit_test(test_a_step_without_effect_changes_no_bit),
        cmocka_unit_test(test_history_teaches_without_an_entry),
        cmocka_unit_test(test_a_slower_model_speaks_at_its_own_closes),
    };
    return cmocka_run_group_tests_name("engine", tests, set_up, tear_down);
}
