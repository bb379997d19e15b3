/* `wick bench signal.path`: from a bar's close to the order intent, in a running bot: features,
 * three networks of the reference sizes, trees, policy and trader, with the journal writing on its
 * own thread; then the same with bars that come through the feed's ring at a pace, as in a live
 * process, quiet and while REST is slow, a lookup hangs and the journal's disk stalls. */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_allocations.h"
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
    PACE_SPREAD_NS = 4000000,
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

/* Of each bar: from the step's begin to the intents, and to the end of the step, with all rows in
 * the journal's ring and everything ready for the next bar; from the push of the bar by the feed's
 * thread to the intents. */
typedef struct {
    double *intent_us, *step_us, *close_us;
    size_t n;
    uint64_t allocations;
    bool is_awake; /* no processor slept deeply */
    wk_bot_counts counts;
} measured;

static wk_status measured_init(measured *m, size_t n, wk_err *err)
{
    *m = (measured){.intent_us = calloc(n, sizeof(double)),
                    .step_us = calloc(n, sizeof(double)),
                    .close_us = calloc(n, sizeof(double))};
    return m->intent_us && m->step_us && m->close_us ? WK_OK
                                                     : wk_fail(err, WK_E_NOMEM, "out of memory");
}

static void measured_finish(measured *m)
{
    free(m->intent_us);
    free(m->step_us);
    free(m->close_us);
}

static wk_status timed_step(wk_bot *bot, const wk_features_step *step, int64_t pushed_ns,
                            measured *m, wk_err *err)
{
    uint64_t before = wk__bench_allocations();
    int64_t start = wk_clock_monotonic_ns();
    WK_TRY(wk_bot_step(bot, step, false, err));
    int64_t end = wk_clock_monotonic_ns();
    m->allocations += wk__bench_allocations() - before;
    wk_bot_count(bot, &m->counts);
    m->intent_us[m->n] = (double)(m->counts.decided_ns - start) * 1e-3;
    m->step_us[m->n] = (double)(end - start) * 1e-3;
    m->close_us[m->n++] = (double)(m->counts.decided_ns - pushed_ns) * 1e-3;
    return WK_OK;
}

/* The figures that all cases have; the line goes on. */
static void print_measured(const char *name, measured *m)
{
    size_t at = m->n - 1 - m->n / 100;
    qsort(m->intent_us, m->n, sizeof(double), by_value);
    qsort(m->step_us, m->n, sizeof(double), by_value);
    qsort(m->close_us, m->n, sizeof(double), by_value);
    printf("{\"name\": \"signal.path\", \"case\": \"%s\", \"value\": %.4g, \"unit\": \"us\", "
           "\"p50\": %.4g, \"p99\": %.4g, \"best\": %.4g, \"allocs\": %llu, "
           "\"whole_step_p50\": %.4g, \"whole_step_p99\": %.4g, \"bars\": %zu, \"orders\": %llu",
           name, m->intent_us[m->n / 2], m->intent_us[m->n / 2], m->intent_us[at], m->intent_us[0],
           (unsigned long long)m->allocations, m->step_us[m->n / 2], m->step_us[at], m->n,
           (unsigned long long)m->counts.orders);
}

/* Every step of the panel; `evict` walks over other memory before each. */
static wk_status measure(wk_bot *bot, const wk_panel *panel, bool evict, measured *out, wk_err *err)
{
    volatile char *other = malloc(EVICT_BYTES);
    if (!other)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    for (size_t t = 0; t < panel->T && status == WK_OK; t++) {
        wk_features_step step = wk_panel_step(panel, t);
        for (size_t i = 0; evict && i < EVICT_BYTES; i += 64)
            other[i] = (char)t;
        if (t < BARS_SKIPPED)
            status = wk_bot_step(bot, &step, false, err);
        else
            status = timed_step(bot, &step, wk_clock_monotonic_ns(), out, err);
        if (status == WK_OK)
            status = wk_bot_tend(bot, false, err);
    }
    free((char *)other);
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
    measured m;
    wk_status status = measured_init(&m, panel->T, err);
    if (status == WK_OK && journals)
        status = wk_journal_open(path, &journal, err);
    if (status == WK_OK)
        status = wk_bot_open(&config, NULL, journal, &bot, err);
    if (status == WK_OK)
        status = measure(bot, panel, evict, &m, err);
    if (status == WK_OK) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", journals ? "journal on its thread" : "no journal",
                 evict ? ", caches cold" : "");
        print_measured(name, &m);
        printf(", \"threads\": 1}\n");
        fflush(stdout);
    }
    wk_bot_close(bot);
    wk_journal_close(journal);
    measured_finish(&m);
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

/* The session's thread: a bar closes every PACE_NS, give or take what nobody can foresee. */
static void *feed_bars(void *context)
{
    feeder *f = context;
    int64_t begin_ns = wk_clock_monotonic_ns();
    uint64_t random = 1;
    for (size_t t = f->from; t < f->to; t++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t late_ns = (int64_t)((random >> 33) % PACE_SPREAD_NS);
        int64_t next_ns = begin_ns + (int64_t)(t - f->from + 1) * PACE_NS + late_ns;
        int64_t wait = next_ns - wk_clock_monotonic_ns();
        if (wait > 0)
            nanosleep(&(struct timespec){.tv_nsec = wait}, NULL);
        closed_bar bar = {t, wk_clock_monotonic_ns()};
        wk_ring_push(f->ring, &bar);
    }
    return NULL;
}

/* The trader's thread, as the feed of wick live has it. */
static wk_status measure_paced(wk_bot *bot, const wk_panel *panel, wk_ring *ring, bool keep_awake,
                               measured *out, wk_err *err)
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
    int awake = keep_awake ? wk_cpu_keep_awake() : -1;
    out->is_awake = awake >= 0;
    for (closed_bar bar = {0}; status == WK_OK && bar.t + 1 < panel->T;) {
        if (wk_ring_wait(ring, wk_bot_warm(bot)))
            while (status == WK_OK && wk_ring_pop(ring, &bar)) {
                wk_features_step step = wk_panel_step(panel, bar.t);
                status = timed_step(bot, &step, bar.pushed_ns, out, err);
            }
        if (status == WK_OK)
            status = wk_bot_tend(bot, false, err);
    }
    wk_cpu_let_sleep(awake);
    pthread_join(thread, NULL);
    return status;
}

static void print_paced(measured *m, const wk__bench_load *load, const wk_bot_config *config)
{
    size_t requests = 0, stalls = 0;
    if (load)
        wk__bench_load_count(load, &requests, &stalls);
    char name[128];
    snprintf(name, sizeof name, "a bar every 11 ms%s%s",
             load ? "; REST takes 0.4 s, a lookup hangs, syncs stall 150 ms" : "",
             config->warm_share > 0 ? "" : "; nothing warmed");
    print_measured(name, m);
    printf(", \"with_wake_up_p50\": %.4g, \"with_wake_up_p99\": %.4g, \"held_back\": %llu, "
           "\"slow_requests\": %zu, \"stalled_syncs\": %zu, \"warm_share\": %g, "
           "\"awake\": %s}\n",
           m->close_us[m->n / 2], m->close_us[m->n - 1 - m->n / 100],
           (unsigned long long)m->counts.held_back, requests, stalls, config->warm_share,
           m->is_awake ? "true" : "false");
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

/* `as`: what a bot's configuration says of warming. */
static wk_status run_paced(const char *dir, const wk_panel *panel, bool loaded,
                           const wk_bot_config *as, wk_err *err)
{
    char model[PATH_MAX], path[PATH_MAX];
    snprintf(model, sizeof model, "%.4000s/model", dir);
    snprintf(path, sizeof path, "%.4000s/journal-paced-%d%d.sqlite", dir, loaded,
             as->warm_share > 0);
    wk_bot_model_config one = {.dir = model, .weight = 1};
    wk_bot_config config = {.name = "signal",
                            .models = {&one, 1},
                            .feed = "",
                            .store = "",
                            .history_venue = "",
                            .dir = "",
                            .warm_share = as->warm_share,
                            .keep_awake = as->keep_awake,
                            .venue = loaded ? WK_BOT_DELTA_INDIA : WK_BOT_PAPER,
                            .initial_cash = 10000};
    wk_journal *journal = NULL;
    wk_bot *bot = NULL;
    wk_ring *ring = NULL;
    wk__bench_load *load = NULL;
    measured m;
    int saved = hide_log();
    wk_status status = measured_init(&m, PACED_BARS, err);
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
        status = measure_paced(bot, panel, ring, config.keep_awake, &m, err);
    if (status == WK_OK)
        print_paced(&m, load, &config);
    wk__bench_load_close(load);
    wk_bot_close(bot);
    wk_journal_close(journal);
    if (logs)
        wk_log_stop();
    wk__bench_load_stop(load);
    wk_ring_destroy(ring);
    show_log(saved);
    measured_finish(&m);
    return status;
}

/* As a bot has it whose configuration says nothing of it. */
static wk_status default_config(wk_arena *arena, wk_bot_config *out, wk_err *err)
{
    static const char text[] = "{\"name\": \"signal\", \"models\": [{\"dir\": \"model\"}]}";
    return wk_config_parse(&wk_bot_config_table, "signal.path", text, NULL, 0, arena, out, err);
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
    wk_bot_config usual = {.name = NULL}, cold = {.name = NULL};
    if (status == WK_OK)
        status = default_config(&arena, &usual, err);
    for (int k = 0; k < 3 && status == WK_OK; k++)
        status = run_paced(dir, &dataset.panel, k > 0, k < 2 ? &usual : &cold, err);
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
    .details =
        "Trains a model of the reference sizes on a simulated market first (seconds), then "
        "steps 6,000 bars through\n"
        "a bot: default features, CNN, LSTM and TCN of 64 channels, 300 trees of 63 leaves, "
        "policy, trader and\n"
        "journal. Then 1,000 bars, one every 11 ms, through the feed's ring: quiet, and "
        "while every REST call takes\n"
        "0.4 s, a name's lookup hangs and the journal's syncs stall. One JSON line a case; "
        "the bar is p50 15 us\n"
        "and p99 100 us from the closed bar in the trader's hands to its order intents: exits "
        "with the executor,\n"
        "entries decided. whole_step counts on until their rows are in the journal's ring and "
        "all is ready for\n"
        "the next bar, with_wake_up from the push of the bar by the feed's thread; allocs are "
        "those of all whole\n"
        "steps on the trader's thread. Around a bar's close the trader goes its way with the last "
        "bar, without\n"
        "effect, for warm_share of the time, and no processor sleeps deeply (keep_awake; see the "
        "bot's configuration);\n"
        "a bar that is due every 11 ms has it so always. The last case is without.",
    .example = "wick bench signal.path",
    .options = options,
    .run = cmd_bench_signal_path};
