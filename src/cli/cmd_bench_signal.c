/* `wick bench signal.path`: from a bar's close to the order intent, in a running bot: features,
 * three networks of the reference sizes, trees, policy and trader, with the journal writing on its
 * own thread. */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_internal.h"
#include "wick/bot.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/log.h"

enum { BARS_SKIPPED = 3000, EVICT_BYTES = 2 << 20 };

/* The flagship's features, the reference network's branches (64 channels), 300 trees of 63 leaves
 * over both. */
static const char experiment[] =
    "{\"name\": \"signal path\", \"data\": {\"source\": \"synthetic\", \"synthetic\": "
    "{\"symbols\": 1, \"bars\": 9000, "
    "\"edge\": 0.3}}, \"features\": {\"anchor_bars\": 2048, \"warmup_bars\": 1000, "
    "\"warmup_valid_bars\": 200}, "
    "\"labels\": {\"direction\": {\"kind\": \"threshold\"}}, "
    "\"split\": {\"forecast_from_fraction\": 0.5, \"refit_months\": 12, \"row_stride\": 4, "
    "\"branch_generations\": 0, "
    "\"early_stop_fraction\": 0, \"calibration_fraction\": 0, \"policy_fraction\": 0}, "
    "\"branches\": ["
    "{\"name\": \"cnn\", \"families\": [\"momentum\", \"volatility\"], \"layers\": [{\"type\": "
    "\"conv1d\", \"units\": 64, "
    "\"kernel\": 3}, {\"type\": \"relu\"}, {\"type\": \"conv1d\", \"units\": 64, \"kernel\": 3}, "
    "{\"type\": \"relu\"}, "
    "{\"type\": \"mean\", \"units\": 64}], \"train\": {\"epochs\": 1}}, "
    "{\"name\": \"lstm\", \"families\": [\"momentum\", \"volatility\"], \"layers\": [{\"type\": "
    "\"lstm\", \"units\": 64}], "
    "\"train\": {\"epochs\": 1}}, "
    "{\"name\": \"tcn\", \"families\": [\"momentum\", \"volatility\"], \"layers\": [{\"type\": "
    "\"tcn\", \"units\": 64, "
    "\"kernel\": 3, \"dilation\": 1}, {\"type\": \"tcn\", \"units\": 64, \"kernel\": 3, "
    "\"dilation\": 2}, {\"type\": \"tcn\", "
    "\"units\": 64, \"kernel\": 3, \"dilation\": 4}, {\"type\": \"tcn\", \"units\": 64, "
    "\"kernel\": 3, \"dilation\": 8}], "
    "\"train\": {\"epochs\": 1}}], "
    "\"meta\": {\"score\": \"targets\", \"networks_must_earn\": false, \"targets\": [{\"kind\": "
    "\"bounded\"}], "
    "\"scale_days\": 20, \"scale_min_days\": 2, \"seeds\": 1, \"params\": {\"num_boost_round\": "
    "300, \"grow_policy\": "
    "\"lossguide\", \"max_depth\": 0, \"max_leaves\": 63, \"min_rows_leaf\": 5, "
    "\"min_child_weight\": 0}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.7}, \"ablations\": false}";

static wk_status train(const char *dir, int threads, wk_arena *arena, wk_err *err)
{
    wk_run_config config;
    WK_TRY(wk_config_parse(&wk_run_config_table, "signal.path", experiment, NULL, 0, arena, &config,
                           err));
    wk_log_set_level(WK_LOG_ERROR);
    return wk_stage_train(&config, dir, threads, err);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

typedef struct {
    double *us;
    size_t n, orders;
    long long heap_growth_bytes;
} measured;

/* Every step of the panel; `evict` walks over other memory before each. */
static wk_status measure(wk_bot *bot, const wk_panel *panel, bool evict, measured *out, wk_err *err)
{
    volatile char *other = malloc(EVICT_BYTES);
    if (!other)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    size_t before = 0;
    for (size_t t = 0; t < panel->T && status == WK_OK; t++) {
        wk_features_step step = wk_panel_step(panel, t);
        for (size_t i = 0; evict && i < EVICT_BYTES; i += 64)
            other[i] = (char)t;
        if (t == BARS_SKIPPED)
            before = mallinfo2().uordblks;
        int64_t start = wk_clock_monotonic_ns();
        status = wk_bot_step(bot, &step, false, err);
        int64_t end = wk_clock_monotonic_ns();
        if (t >= BARS_SKIPPED)
            out->us[out->n++] = (double)(end - start) * 1e-3;
        if (status == WK_OK)
            status = wk_bot_tend(bot, false, err);
    }
    out->heap_growth_bytes = (long long)mallinfo2().uordblks - (long long)before;
    free((char *)other);
    wk_bot_counts counts;
    wk_bot_count(bot, &counts);
    out->orders = (size_t)counts.orders;
    return status;
}

static wk_status run_case(const char *dir, const wk_panel *panel, bool journals, bool evict,
                          wk_err *err)
{
    char model[PATH_MAX], path[PATH_MAX];
    snprintf(model, sizeof model, "%.4000s/model", dir);
    snprintf(path, sizeof path, "%.4000s/journal-%d%d.sqlite", dir, journals, evict);
    wk_bot_model_config one = {.dir = model, .weight = 1};
    wk_bot_config config = {.name = "signal",
                            .models = {&one, 1},
                            .feed = "",
                            .store = "",
                            .history_venue = "",
                            .dir = "",
                            .initial_cash = 10000};
    wk_journal *journal = NULL;
    wk_bot *bot = NULL;
    measured m = {.us = malloc(panel->T * sizeof(double))};
    wk_status status = m.us ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK && journals)
        status = wk_journal_open(path, &journal, err);
    if (status == WK_OK)
        status = wk_bot_open(&config, NULL, journal, &bot, err);
    if (status == WK_OK)
        status = measure(bot, panel, evict, &m, err);
    if (status == WK_OK) {
        qsort(m.us, m.n, sizeof *m.us, by_value);
        char growth[32] = "null"; /* the journal's thread has a heap of its own to grow */
        if (!journals)
            snprintf(growth, sizeof growth, "%lld", m.heap_growth_bytes);
        printf("{\"name\": \"signal.path\", \"case\": \"%s%s\", \"value\": %.4g, \"unit\": \"us\", "
               "\"p50\": %.4g, \"p99\": %.4g, \"best\": %.4g, \"allocs\": null, "
               "\"heap_growth_bytes\": %s, \"bars\": %zu, \"orders\": %zu, \"threads\": 1}\n",
               journals ? "journal on its thread" : "no journal", evict ? ", caches cold" : "",
               m.us[m.n / 2], m.us[m.n / 2], m.us[m.n - 1 - m.n / 100], m.us[0], growth, m.n,
               m.orders);
        fflush(stdout);
    }
    wk_bot_close(bot);
    wk_journal_close(journal);
    free(m.us);
    return status;
}

static wk_status bench(const char *dir, int threads, wk_err *err)
{
    wk_arena arena;
    wk_run_config config;
    wk_dataset dataset = {0};
    wk_arena_init(&arena);
    wk_status status = train(dir, threads, &arena, err);
    if (status == WK_OK)
        status = wk_config_parse(&wk_run_config_table, "signal.path", experiment, NULL, 0, &arena,
                                 &config, err);
    if (status == WK_OK)
        status = wk_dataset_load_panel(&config, NULL, &dataset, err);
    for (int k = 0; k < 3 && status == WK_OK; k++)
        status = run_case(dir, &dataset.panel, k > 0, k == 2, err);
    wk_dataset_finish(&dataset);
    wk_arena_finish(&arena);
    return status;
}

static int cmd_bench_signal_path(const wk_cli *cli, wk_err *err)
{
    char dir[] = "/tmp/wick-signal-XXXXXX", command[64];
    if (!mkdtemp(dir))
        return wk_fail(err, WK_E_IO, "cannot make a directory in /tmp");
    wk_status status = bench(dir, wk_cli_threads(cli), err);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0)
        wk_log_write(WK_LOG_WARN, "bench", "left=%s", dir);
    return status;
}

static const wk_cli_option options[] = {{.name = NULL}};

const wk_cli_command wk_cmd_bench_signal_path = {
    .name = "bench signal.path",
    .usage = "",
    .summary = "times a bar's way to the order intent in a running bot",
    .details = "Trains a model of the reference sizes on a simulated market first (seconds), then "
               "steps 6,000 bars through\n"
               "a bot: default features, CNN, LSTM and TCN of 64 channels, 300 trees of 63 leaves, "
               "policy, trader and\n"
               "journal. One JSON line a case; the bar is p50 15 us and p99 100 us.",
    .example = "wick bench signal.path",
    .options = options,
    .run = cmd_bench_signal_path};
