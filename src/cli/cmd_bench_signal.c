/* `wick bench signal.path`: from a bar's close to the order intent, in a running bot: features,
 * three networks of the reference sizes, trees, policy and trader, with the journal writing on its
 * own thread; then the same with bars that come through the feed's ring at a pace, as in a live
 * process, quiet and while REST is slow, a lookup hangs and the journal's disk stalls. */
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_signal_load.h"
#include "cli_internal.h"
#include "wick/bot.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/ring.h"

enum {
    BARS_SKIPPED = 3000,
    EVICT_BYTES = 2 << 20,
    PACE_NS = 11000000,
    IDLE_NS = 5000000,
    PACED_BARS = 1000
};

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

/* ---- at a pace ---- */

typedef struct {
    size_t t;
    int64_t pushed_ns;
} closed_bar;

typedef struct {
    wk_ring *ring;
    size_t from, to;
} feeder;

/* The session's thread: a bar closes every PACE_NS. */
static void *feed_bars(void *context)
{
    feeder *f = context;
    int64_t next_ns = wk_clock_monotonic_ns();
    for (size_t t = f->from; t < f->to; t++) {
        next_ns += PACE_NS;
        int64_t wait = next_ns - wk_clock_monotonic_ns();
        if (wait > 0)
            nanosleep(&(struct timespec){.tv_nsec = wait}, NULL);
        closed_bar bar = {t, wk_clock_monotonic_ns()};
        wk_ring_push(f->ring, &bar);
    }
    return NULL;
}

typedef struct {
    double *path_us, *close_us; /* from the trader's hands; from the push, with the wake-up */
    size_t n;
} paced;

/* The trader's thread, as the feed of wick live has it. */
static wk_status measure_paced(wk_bot *bot, const wk_panel *panel, wk_ring *ring, paced *out,
                               wk_err *err)
{
    size_t from = panel->T > PACED_BARS ? panel->T - PACED_BARS : 0;
    feeder f = {ring, from, panel->T};
    pthread_t thread;
    wk_status status = WK_OK;
    for (size_t t = 0; t < from && status == WK_OK; t++) {
        wk_features_step step = wk_panel_step(panel, t);
        status = wk_bot_step(bot, &step, true, err);
    }
    if (status != WK_OK)
        return status;
    if (pthread_create(&thread, NULL, feed_bars, &f) != 0)
        return wk_fail(err, WK_E_IO, "cannot start the feed's thread");
    for (closed_bar bar = {0}; status == WK_OK && bar.t + 1 < panel->T;) {
        wk_bot_warm(bot);
        if (wk_ring_wait(ring, IDLE_NS))
            while (status == WK_OK && wk_ring_pop(ring, &bar)) {
                wk_features_step step = wk_panel_step(panel, bar.t);
                int64_t start = wk_clock_monotonic_ns();
                status = wk_bot_step(bot, &step, false, err);
                int64_t end = wk_clock_monotonic_ns();
                out->path_us[out->n] = (double)(end - start) * 1e-3;
                out->close_us[out->n++] = (double)(end - bar.pushed_ns) * 1e-3;
            }
        if (status == WK_OK)
            status = wk_bot_tend(bot, false, err);
    }
    pthread_join(thread, NULL);
    return status;
}

static void print_paced(paced *p, const wk__bench_load *load, const wk_bot *bot)
{
    size_t requests = 0, stalls = 0, at = p->n - 1 - p->n / 100;
    wk_bot_counts counts;
    wk_bot_count(bot, &counts);
    if (load)
        wk__bench_load_count(load, &requests, &stalls);
    qsort(p->path_us, p->n, sizeof(double), by_value);
    qsort(p->close_us, p->n, sizeof(double), by_value);
    printf(
        "{\"name\": \"signal.path\", \"case\": \"a bar every 11 ms%s\", \"value\": %.4g, \"unit\": "
        "\"us\", \"p50\": %.4g, \"p99\": %.4g, \"best\": %.4g, \"with_wake_up_p50\": %.4g, "
        "\"with_wake_up_p99\": %.4g, \"bars\": %zu, \"orders\": "
        "%llu, \"held_back\": %llu, \"slow_requests\": %zu, \"stalled_syncs\": %zu}\n",
        load ? "; REST takes 0.4 s, a lookup hangs, syncs stall 150 ms" : "", p->path_us[p->n / 2],
        p->path_us[p->n / 2], p->path_us[at], p->path_us[0], p->close_us[p->n / 2], p->close_us[at],
        p->n, (unsigned long long)counts.orders, (unsigned long long)counts.held_back, requests,
        stalls);
    fflush(stdout);
}

/* Lines of the log are made as in a live process, and go nowhere. */
static int hide_log(void)
{
    int saved = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    fflush(stderr);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
    wk_log_set_level(WK_LOG_INFO);
    return saved;
}

static void show_log(int saved)
{
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    wk_log_set_level(WK_LOG_ERROR);
}

static wk_status run_paced(const char *dir, const wk_panel *panel, bool loaded, wk_err *err)
{
    char model[PATH_MAX], path[PATH_MAX];
    snprintf(model, sizeof model, "%.4000s/model", dir);
    snprintf(path, sizeof path, "%.4000s/journal-paced-%d.sqlite", dir, loaded);
    wk_bot_model_config one = {.dir = model, .weight = 1};
    wk_bot_config config = {.name = "signal",
                            .models = {&one, 1},
                            .feed = "",
                            .store = "",
                            .history_venue = "",
                            .dir = "",
                            .venue = loaded ? WK_BOT_DELTA_INDIA : WK_BOT_PAPER,
                            .initial_cash = 10000};
    wk_journal *journal = NULL;
    wk_bot *bot = NULL;
    wk_ring *ring = NULL;
    wk__bench_load *load = NULL;
    paced p = {.path_us = calloc(PACED_BARS, sizeof(double)),
               .close_us = calloc(PACED_BARS, sizeof(double))};
    int saved = hide_log();
    wk_status status = p.path_us && p.close_us ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK && loaded)
        status = wk__bench_load_start(&load, err);
    if (status == WK_OK)
        status = wk_journal_open(path, &journal, err);
    if (status == WK_OK)
        status = wk_bot_open(&config, NULL, journal, &bot, err);
    if (status == WK_OK && loaded)
        status = wk__bench_load_executor(load, bot, err);
    if (status == WK_OK)
        status = wk_ring_create(sizeof(closed_bar), 1 << 14, &ring, err);
    bool logs = false;
    if (status == WK_OK)
        logs = (status = wk_log_start(err)) == WK_OK;
    if (status == WK_OK)
        status = measure_paced(bot, panel, ring, &p, err);
    if (status == WK_OK)
        print_paced(&p, load, bot);
    wk__bench_load_close(load);
    wk_bot_close(bot);
    wk_journal_close(journal);
    if (logs)
        wk_log_stop();
    wk__bench_load_stop(load);
    wk_ring_destroy(ring);
    show_log(saved);
    free(p.path_us);
    free(p.close_us);
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
    for (int k = 0; k < 2 && status == WK_OK; k++)
        status = run_paced(dir, &dataset.panel, k == 1, err);
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
               "journal. Then 1,000 bars, one every 11 ms, through the feed's ring: quiet, and "
               "while every REST call takes\n"
               "0.4 s, a name's lookup hangs and the journal's syncs stall. One JSON line a case; "
               "the bar is p50 15 us\n"
               "and p99 100 us. with_wake_up counts from the push of the bar, with the wake-up of "
               "the sleeping trader.",
    .example = "wick bench signal.path",
    .options = options,
    .run = cmd_bench_signal_path};
