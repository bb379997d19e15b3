/* `wick bench box.footprint`: what wickd takes of a small machine. A bot of ten pairs on four
 * timeframes warms up on the fresh store and trades a replayed week of trades; its memory is looked
 * at every day of that week, from outside. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli_internal.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/recording.h"
#include "wick/rng.h"
#include "wick/store.h"
#include "wick/synthetic.h"
#include "wick/version.h"

enum { PAIRS = 10, TIMEFRAMES = 4, DAYS = 7, TRADES_A_BAR = 8, HISTORY_BARS = 13000 };
#define BAR_NS (300 * WK_NS_PER_S)
#define DAY_NS (86400 * WK_NS_PER_S)

static const char *const timeframes[TIMEFRAMES] = {"5m", "15m", "30m", "1h"};

/* The demo's model for each timeframe: its families of features with the default anchors, its three
 * networks, three targets of two seeds of 150 trees. */
static const char experiment[] =
    "{\"name\": \"box\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 10, "
    "\"bars\": 3000, \"edge\": 0.3}}, \"features\": {\"families\": [\"momentum\", \"lead\", "
    "\"cross\", \"volatility\", \"calendar\"], \"warmup_valid_bars\": 200}, "
    "\"labels\": {\"direction\": {\"kind\": \"threshold\"}}, "
    "\"split\": {\"forecast_from_fraction\": 0.7, \"refit_months\": 12, \"row_stride\": 16, "
    "\"branch_generations\": 0, \"early_stop_fraction\": 0, \"calibration_fraction\": 0, "
    "\"policy_fraction\": 0}, \"branches\": ["
    "{\"name\": \"cnn\", \"families\": [\"momentum\", \"lead\"], \"layers\": [{\"type\": "
    "\"conv1d\", \"units\": 16, \"kernel\": 3}, {\"type\": \"relu\"}, {\"type\": \"conv1d\", "
    "\"units\": 16, \"kernel\": 3, \"dilation\": 2}, {\"type\": \"relu\"}], \"train\": "
    "{\"epochs\": 1}}, "
    "{\"name\": \"lstm\", \"families\": [\"momentum\", \"lead\"], \"layers\": [{\"type\": "
    "\"lstm\", \"units\": 16}], \"train\": {\"epochs\": 1}}, "
    "{\"name\": \"tcn\", \"families\": [\"momentum\", \"lead\"], \"layers\": [{\"type\": \"tcn\", "
    "\"units\": 16, \"kernel\": 3, \"dilation\": 1}, {\"type\": \"tcn\", \"units\": 16, "
    "\"kernel\": 3, \"dilation\": 2}, {\"type\": \"tcn\", \"units\": 16, \"kernel\": 3, "
    "\"dilation\": 4}], \"train\": {\"epochs\": 1}}], "
    "\"meta\": {\"score\": \"targets\", \"networks_must_earn\": false, \"targets\": ["
    "{\"kind\": \"bounded\", \"horizon_bars\": 3, \"bound\": 0.005}, "
    "{\"kind\": \"bounded\", \"horizon_bars\": 3, \"bound\": 0.01}, "
    "{\"kind\": \"bounded\", \"horizon_bars\": 4, \"bound\": 0.01}], \"scale_days\": 180, "
    "\"scale_min_days\": 2, \"seeds\": 2, \"params\": {\"num_boost_round\": 150, "
    "\"grow_policy\": \"lossguide\", \"max_depth\": 0, \"max_leaves\": 15, \"min_rows_leaf\": 5, "
    "\"min_child_weight\": 0, \"colsample_bytree\": 0.4, \"max_bin\": 63}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.7, \"slots\": 10}, \"ablations\": "
    "false}";

static wk_status train(const char *dir, int threads, wk_err *err)
{
    wk_status status = WK_OK;
    for (int k = 0; k < TIMEFRAMES && status == WK_OK; k++) {
        char set[64], where[PATH_MAX];
        const char *const overrides[] = {set};
        wk_arena arena;
        wk_run_config config;
        snprintf(set, sizeof set, "data.timeframe=%s", timeframes[k]);
        snprintf(where, sizeof where, "%.4000s/%s", dir, timeframes[k]);
        wk_arena_init(&arena);
        status = wk_config_parse(&wk_run_config_table, "box.footprint", experiment, overrides, 1,
                                 &arena, &config, err);
        if (status == WK_OK)
            status = wk_stage_train(&config, where, threads, err);
        wk_arena_finish(&arena);
    }
    return status;
}

/* ---- the market: history in the fresh store, then a week of trades in a recording ---- */

static wk_status keep_history(const char *root, const wk_panel *panel, wk_err *err)
{
    wk_fresh *fresh = NULL;
    wk_fresh_bar *bars = calloc(HISTORY_BARS, sizeof *bars);
    if (!bars)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = wk_fresh_open(root, &fresh, err);
    for (size_t s = 0; s < PAIRS && status == WK_OK; s++) {
        for (size_t t = 0; t < HISTORY_BARS; t++)
            bars[t] = (wk_fresh_bar){panel->bars[t * PAIRS + s], WK_PROV_TRADED,
                                     panel->bars[t * PAIRS + s].time_ns + BAR_NS};
        char symbol[32];
        snprintf(symbol, sizeof symbol, "SYN%zuUSD", s);
        status =
            wk_fresh_put_bars(fresh, "kraken", symbol, BAR_NS, bars, HISTORY_BARS, NULL, NULL, err);
    }
    wk_fresh_close(fresh);
    free(bars);
    return status;
}

static wk_status put_trade(wk_recorder *recorder, int64_t time_ns, size_t s, double price,
                           double quantity, uint64_t number, wk_err *err)
{
    char text[320], when[40];
    wk_time_format(time_ns, when);
    int n = snprintf(text, sizeof text,
                     "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"SYN%zu/"
                     "USD\",\"side\":\"%s\",\"price\":%.6f,\"qty\":%.8f,\"ord_type\":\"limit\","
                     "\"trade_id\":%llu,\"timestamp\":\"%.19s.%06lldZ\"}]}",
                     s, number % 2 ? "buy" : "sell", price, quantity, (unsigned long long)number,
                     when, (long long)(time_ns % WK_NS_PER_S / 1000));
    return wk_recorder_put(recorder, time_ns + 20000000, "kraken-1", '<', text, (size_t)n, err);
}

static wk_status put_text(wk_recorder *recorder, int64_t time_ns, const char *who, const char *text,
                          wk_err *err)
{
    return wk_recorder_put(recorder, time_ns, who, '!', text, strlen(text), err);
}

static wk_status record_week(const char *dir, const wk_panel *panel, const char *feed,
                             uint64_t *n_trades, wk_err *err)
{
    wk_recorder *recorder = NULL;
    wk_text start = {0};
    int64_t begin_ns = panel->start_ns + (int64_t)HISTORY_BARS * BAR_NS;
    wk_text_printf(&start, "start %s", feed);
    WK_TRY(wk_recorder_open(dir, &recorder, err));
    wk_status status = put_text(recorder, begin_ns - WK_NS_PER_S, "wick", start.s, err);
    free(start.s);
    if (status == WK_OK)
        status = put_text(recorder, begin_ns - WK_NS_PER_S / 2, "kraken-1", "open", err);
    for (size_t t = HISTORY_BARS; t < panel->T && status == WK_OK; t++)
        for (int k = 0; k < TRADES_A_BAR && status == WK_OK; k++)
            for (size_t s = 0; s < PAIRS && status == WK_OK; s++) {
                const wk_bar *b = &panel->bars[t * PAIRS + s];
                double path[TRADES_A_BAR] = {b->open, b->high,  b->open, b->low,
                                             b->open, b->close, b->open, b->close};
                int64_t time_ns =
                    b->time_ns + (2 * k + 1) * BAR_NS / (2 * TRADES_A_BAR) + (int64_t)s * 1000000;
                status = put_trade(recorder, time_ns, s, path[k], b->volume / TRADES_A_BAR,
                                   ++*n_trades, err);
            }
    int64_t end_ns = panel->start_ns + (int64_t)panel->T * BAR_NS + 10 * WK_NS_PER_S;
    if (status == WK_OK)
        status = put_text(recorder, end_ns, "wick", "stop", err);
    wk_recorder_close(recorder);
    return status;
}

static wk_status write_configs(const char *dir, wk_text *feed, wk_err *err)
{
    char path[PATH_MAX];
    wk_text bot = {0};
    wk_text_add(feed, "{\"venues\":[{\"name\":\"kraken\",\"dialect\":\"kraken\",\"url\":"
                      "\"wss://localhost/v2\",\"book_depth\":10,\"book\":false,\"symbols\":[");
    for (int s = 0; s < PAIRS; s++)
        wk_text_printf(feed, "%s\"SYN%d/USD\"", s ? "," : "", s);
    wk_text_printf(feed, "]}],\"timeframes\":[\"5m\"],\"store\":\"%s/store\"}", dir);
    wk_text_add(&bot, "{\"name\":\"box\",\"models\":[");
    for (int k = 0; k < TIMEFRAMES; k++)
        wk_text_printf(&bot, "%s{\"dir\":\"%s/%s/model\"}", k ? "," : "", dir, timeframes[k]);
    wk_text_add(&bot, "],\"markets\":[");
    for (int s = 0; s < PAIRS; s++)
        wk_text_printf(&bot, "%s{\"symbol\":\"SYN%d\",\"feed\":\"kraken:SYN%dUSD\"}", s ? "," : "",
                       s, s);
    wk_text_printf(&bot, "],\"dir\":\"%s/bot\",\"feed\":\"%s/feed.json\"}", dir, dir);
    snprintf(path, sizeof path, "%.4000s/feed.json", dir);
    wk_status status = wk_file_write_atomic(path, feed->s, feed->n, err);
    snprintf(path, sizeof path, "%.4000s/bot.json", dir);
    if (status == WK_OK)
        status = wk_file_write_atomic(path, bot.s, bot.n, err);
    free(bot.s);
    return status;
}

static wk_status prepare(const char *dir, int threads, uint64_t *n_trades, wk_err *err)
{
    char path[PATH_MAX];
    wk_panel panel;
    wk_text feed = {0};
    wk_synthetic_params market = {.seed = 7,
                                  .S = PAIRS,
                                  .T = HISTORY_BARS + (size_t)(DAYS * DAY_NS / BAR_NS),
                                  .start_ns = wk_civil_to_ns(2024, 1, 1),
                                  .timeframe_ns = BAR_NS,
                                  .edge = 0.3,
                                  .sigma_bar = 0.002};
    WK_TRY(train(dir, threads, err));
    WK_TRY(wk_synthetic_panel(&market, &panel, NULL, err));
    wk_status status = write_configs(dir, &feed, err);
    snprintf(path, sizeof path, "%.4000s/store", dir);
    if (status == WK_OK)
        status = wk_dir_create(path, err);
    if (status == WK_OK)
        status = keep_history(path, &panel, err);
    snprintf(path, sizeof path, "%.4000s/raw", dir);
    if (status == WK_OK)
        status = record_week(path, &panel, feed.s, n_trades, err);
    free(feed.s);
    wk_panel_finish(&panel);
    return status;
}

/* ---- wickd from outside ---- */

typedef struct {
    double rss_mb[DAYS + 2]; /* at the end of each day */
    size_t n_days;
    double peak_mb, cpu_s, wall_s;
    unsigned long long steps, orders;
} measured;

/* Its resident memory now and at most so far. (What getrusage says of a child starts from the
 * memory of the parent that was forked.) False: it is gone. */
static bool rss_mb(pid_t pid, double *now, double *peak)
{
    char path[64], line[256];
    double kb[2] = {0};
    snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %lf", &kb[1]) != 1 && sscanf(line, "VmRSS: %lf", &kb[0]) == 1)
            break;
    if (file)
        fclose(file);
    *now = kb[0] * 1024e-6;
    if (kb[1] * 1024e-6 > *peak)
        *peak = kb[1] * 1024e-6;
    return kb[0] > 0;
}

static pid_t begin_wickd(const char *wickd, const char *dir, FILE **log)
{
    int fds[2];
    char bot[PATH_MAX], raw[PATH_MAX], out[PATH_MAX];
    snprintf(bot, sizeof bot, "%.4000s/bot.json", dir);
    snprintf(raw, sizeof raw, "%.4000s/raw", dir);
    snprintf(out, sizeof out, "%.4000s/summary.json", dir);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        int file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(file, 1);
        dup2(fds[1], 2);
        execl(wickd, wickd, "paper", bot, "--replay", raw, "--json", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    *log = pid > 0 ? fdopen(fds[0], "r") : NULL;
    return pid;
}

static wk_status run_wickd(const char *wickd, const char *dir, measured *out, wk_err *err)
{
    FILE *log = NULL;
    char line[1024], last[1024] = "", path[PATH_MAX];
    int64_t begin_ns = wk_clock_monotonic_ns();
    pid_t pid = begin_wickd(wickd, dir, &log);
    if (pid < 0 || !log)
        return wk_fail(err, WK_E_IO, "cannot start %s: %s", wickd, strerror(errno));
    while (fgets(line, sizeof line, log)) {
        double now;
        bool alive = rss_mb(pid, &now, &out->peak_mb);
        if (alive && strstr(line, "topic=trade.day") && out->n_days < DAYS + 2)
            out->rss_mb[out->n_days++] = now;
        if (!strstr(line, "topic=trade."))
            snprintf(last, sizeof last, "%s", line);
    }
    fclose(log);
    struct rusage usage;
    int status = 0;
    if (wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return wk_fail(err, WK_E_STATE, "%s paper failed: %.300s", wickd, last);
    out->cpu_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6;
    out->wall_s = (double)(wk_clock_monotonic_ns() - begin_ns) * 1e-9;
    snprintf(path, sizeof path, "%.4000s/summary.json", dir);
    FILE *summary = fopen(path, "re");
    bool read = summary && fgets(line, sizeof line, summary) &&
                sscanf(line, "{\"steps\": %llu, \"orders\": %llu", &out->steps, &out->orders) == 2;
    if (summary)
        fclose(summary);
    if (!read || out->n_days < DAYS - 1)
        return wk_fail(err, WK_E_STATE, "%s paper ended after %zu days: %.300s", wickd, out->n_days,
                       last);
    return WK_OK;
}

/* Bytes of a command's output file, such as what strip leaves. */
static double size_mb(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 ? (double)about.st_size / 1e6 : -1;
}

static double stripped_mb(const char *wickd, const char *dir)
{
    char command[3 * PATH_MAX], path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/stripped", dir);
    snprintf(command, sizeof command, "strip -o '%s' '%s' 2>/dev/null", path, wickd);
    return system(command) == 0 ? size_mb(path) : -1;
}

/* All libraries that the loader brings, with those that they bring in turn; `direct`: only those
 * that wickd itself names. */
static double libraries_mb(const char *wickd, bool direct, size_t *n)
{
    char command[3 * PATH_MAX], line[PATH_MAX];
    double sum = 0;
    *n = 0;
    snprintf(command, sizeof command,
             direct
                 ? "for l in $(readelf -d '%s' | sed -n 's/.*(NEEDED).*\\[\\(.*\\)\\].*/\\1/p'); "
                   "do ldd '%s' | sed -n \"s#^[[:space:]]*$l => \\([^ ]*\\).*#\\1#p\"; done"
                 : "ldd '%s' '%s' | sed -n 's/.* => \\([^ ]*\\) .*/\\1/p' | sort -u",
             wickd, wickd);
    FILE *pipe = popen(command, "re");
    while (pipe && fgets(line, sizeof line, pipe)) {
        line[strcspn(line, "\n")] = 0;
        double size = size_mb(line);
        sum += size > 0 ? size : 0;
        *n += size > 0;
    }
    return pipe && pclose(pipe) == 0 && *n ? sum : -1;
}

static void print(const measured *m, const char *wickd, const char *dir, uint64_t n_trades)
{
    size_t n_direct, n_all;
    double direct = libraries_mb(wickd, true, &n_direct), all = libraries_mb(wickd, false, &n_all);
    double low = m->rss_mb[0], high = low;
    for (size_t i = 0; i < m->n_days; i++) {
        low = m->rss_mb[i] < low ? m->rss_mb[i] : low;
        high = m->rss_mb[i] > high ? m->rss_mb[i] : high;
    }
    printf("{\"name\": \"box.footprint\", \"value\": %.2f, \"unit\": \"MB\", \"p50\": null, "
           "\"p99\": null, \"allocs\": null, \"peer\": null, \"peer_version\": null, "
           "\"peer_value\": null, \"ratio\": null, \"threads\": 1, \"cpu\": \"%s\", \"commit\": "
           "\"%s\", \"pairs\": %d, \"timeframes\": %d, \"days\": %d, \"steps\": %llu, \"orders\": "
           "%llu, \"trades_replayed\": %llu, \"rss_by_day_mb\": [",
           m->peak_mb, wk_cpu_name(), wk_commit(), PAIRS, TIMEFRAMES, DAYS, m->steps, m->orders,
           (unsigned long long)n_trades);
    for (size_t i = 0; i < m->n_days; i++)
        printf("%s%.2f", i ? ", " : "", m->rss_mb[i]);
    printf("], \"rss_week_begin_mb\": %.2f, \"rss_week_end_mb\": %.2f, \"rss_spread_mb\": %.2f, "
           "\"cpu_s\": %.2f, \"wall_s\": %.2f, \"stripped_mb\": %.3f, "
           "\"libraries\": %zu, \"libraries_mb\": %.2f, \"libraries_named\": %zu, "
           "\"libraries_named_mb\": %.2f}\n",
           m->rss_mb[0], m->rss_mb[m->n_days - 1], high - low, m->cpu_s, m->wall_s,
           stripped_mb(wickd, dir), n_all, all, n_direct, direct);
    fflush(stdout);
}

/* wickd lies beside wick, where no other is named. */
static wk_status find_wickd(const wk_cli *cli, char out[PATH_MAX], wk_err *err)
{
    const char *given = wk_cli_option_value(cli, "wickd");
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 8);
    if (given || n <= 0) {
        snprintf(out, PATH_MAX, "%s", given ? given : "wickd");
    } else {
        out[n] = 0;
        char *slash = strrchr(out, '/');
        strcpy(slash ? slash + 1 : out, "wickd");
    }
    if (access(out, X_OK) != 0)
        return wk_fail(err, WK_E_ARG, "there is no program %s; name it with --wickd", out);
    return WK_OK;
}

static int cmd_bench_box(const wk_cli *cli, wk_err *err)
{
    char dir[512], command[600], wickd[PATH_MAX], bot[600];
    const char *tmp = getenv("TMPDIR"), *given = wk_cli_option_value(cli, "dir");
    measured m = {0};
    uint64_t n_trades = 0;
    wk_status status = WK_OK;
    WK_TRY(find_wickd(cli, wickd, err));
    snprintf(dir, sizeof dir, "%.400s", given ? given : tmp && *tmp ? tmp : "/tmp");
    if (given)
        status = wk_dir_create(dir, err);
    else if (!mkdtemp(strcat(dir, "/wick-box-XXXXXX")))
        status = wk_fail(err, WK_E_IO, "cannot make a directory %s; set TMPDIR", dir);
    snprintf(bot, sizeof bot, "%s/bot.json", dir);
    wk_log_set_level(WK_LOG_ERROR);
    if (status == WK_OK && !wk_file_exists(bot))
        status = prepare(dir, wk_cli_threads(cli), &n_trades, err);
    snprintf(command, sizeof command, "rm -rf '%s/bot'", dir);
    if (status == WK_OK && system(command) == 0)
        status = run_wickd(wickd, dir, &m, err);
    if (status == WK_OK)
        print(&m, wickd, dir, n_trades);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (!given && system(command) != 0)
        wk_log_write(WK_LOG_WARN, "bench", "left=%s", dir);
    return status;
}

static const wk_cli_option options[] = {
    {"wickd", "PROGRAM", "which one; otherwise the one beside this program"},
    {"dir", "DIR", "models and recording are made here and stay for the next run"},
    {.name = NULL}};

const wk_cli_command wk_cmd_bench_box_footprint = {
    .name = "bench box.footprint",
    .usage = "[--wickd PROGRAM] [--dir DIR]",
    .summary = "memory and size of wickd with a bot of ten pairs on four timeframes",
    .details =
        "Trains four models on simulated markets, fills a store, records a week of trades and lets "
        "wickd\n"
        "trade the recording. The value is its peak memory (bar: 32 MB, of 10^6 bytes); "
        "rss_by_day_mb and\n"
        "what the week begins and ends with show whether it grows; stripped_mb has the bar 2 MB, "
        "libraries_mb\n"
        "(all that the loader brings) 12 MB.",
    .example = "wick bench box.footprint",
    .options = options,
    .run = cmd_bench_box};
