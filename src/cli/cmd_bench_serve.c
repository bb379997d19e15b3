/* `wick bench serve.predict`: the service on loopback under wrk. A server process of its own, which
 * has one thread, answers bars of sessions and raw windows; its processor time is read from
 * outside, so that the rate of one core is known on a busy machine, too. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_scripts.h"
#include "cli_internal.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/version.h"

/* Bars of one market. The hybrid has the default features, three networks and 300 trees; windows go
 * to trees alone, whose warm-up is a window. */
#define HEAD                                                                                       \
    "{\"name\": \"serve\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 1, " \
    "\"bars\": 4000, \"edge\": 0.3}}, \"labels\": {\"direction\": {\"kind\": \"threshold\"}}, "    \
    "\"split\": {\"forecast_from_fraction\": 0.7, \"refit_months\": 12, \"row_stride\": 4, "       \
    "\"branch_generations\": 0, \"early_stop_fraction\": 0, \"calibration_fraction\": 0, "         \
    "\"policy_fraction\": 0}, \"meta\": {\"score\": \"direction\", \"networks_must_earn\": "       \
    "false, \"params\": {\"num_boost_round\": 100, \"max_depth\": 6}}, \"ablations\": false, "
static const char hybrid[] =
    HEAD "\"features\": {\"anchor_bars\": 512, \"warmup_bars\": 400, \"warmup_valid_bars\": 200}, "
         "\"branches\": ["
         "{\"name\": \"cnn\", \"families\": [\"momentum\", \"lead\"], \"layers\": [{\"type\": "
         "\"conv1d\", \"units\": 16, \"kernel\": 3}, {\"type\": \"relu\"}], \"train\": "
         "{\"epochs\": 1}}, "
         "{\"name\": \"lstm\", \"families\": [\"momentum\", \"lead\"], \"layers\": [{\"type\": "
         "\"lstm\", \"units\": 16}], \"train\": {\"epochs\": 1}}, "
         "{\"name\": \"tcn\", \"families\": [\"momentum\", \"lead\"], \"layers\": [{\"type\": "
         "\"tcn\", \"units\": 16, \"kernel\": 3, \"dilation\": 1}, {\"type\": \"tcn\", \"units\": "
         "16, \"kernel\": 3, \"dilation\": 2}], \"train\": {\"epochs\": 1}}]}";
static const char trees[] =
    HEAD "\"features\": {\"families\": [\"momentum\", \"volatility\"], \"anchor_bars\": 64, "
         "\"warmup_bars\": 64, \"warmup_valid_bars\": 32}, \"branches\": []}";

typedef struct {
    const char *what, *kind;
    int model, threads, batch, bars;
    double bar_per_s;
} bench_case;
enum { WINDOW_BARS = 128 };
static const bench_case cases[] = {
    {"one bar of a session", "step", 0, 1, 1, 1, 20000},
    {"one bar of a session, 4 connections", "step", 0, 4, 1, 1, 20000},
    {"one bar of a session, batches of 16", "step", 0, 1, 16, 1, 20000},
    {"raw window of 128 candles", "window", 1, 1, 1, WINDOW_BARS, 3000},
    {"raw window of 128 candles, 4 connections", "window", 1, 4, 1, WINDOW_BARS, 3000},
    {"raw window of 128 candles, batches of 8", "window", 1, 1, 8, WINDOW_BARS, 3000},
};

static wk_status train(const char *dir, const char *name, const char *experiment, int threads,
                       wk_err *err)
{
    char where[PATH_MAX];
    wk_arena arena;
    wk_run_config config;
    snprintf(where, sizeof where, "%.4000s/%s", dir, name);
    wk_arena_init(&arena);
    wk_status status = wk_config_parse(&wk_run_config_table, "serve.predict", experiment, NULL, 0,
                                       &arena, &config, err);
    if (status == WK_OK)
        status = wk_stage_train(&config, where, threads, err);
    wk_arena_finish(&arena);
    return status;
}

static wk_status write_file(const char *dir, const char *name, const void *bytes, size_t n,
                            wk_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/%s", dir, name);
    return wk_file_write_atomic(path, bytes, n, err);
}

static wk_status prepare(const char *dir, int threads, wk_err *err)
{
    char text[2 * PATH_MAX];
    static const char *const names[] = {"hybrid", "trees"};
    WK_TRY(train(dir, names[0], hybrid, threads, err));
    WK_TRY(train(dir, names[1], trees, threads, err));
    WK_TRY(write_file(dir, "serve.lua", wk__bench_serve_lua, wk__bench_serve_lua_size, err));
    for (int k = 0; k < 2; k++) {
        char name[32];
        int n = snprintf(text, sizeof text,
                         "{\"port\": 0, \"models\": [{\"name\": \"%s\", \"dir\": "
                         "\"%.4000s/%s/model\"}], \"sessions_max\": 256}",
                         names[k], dir, names[k]);
        snprintf(name, sizeof name, "serve%d.json", k);
        WK_TRY(write_file(dir, name, text, (size_t)n, err));
    }
    return WK_OK;
}

/* ---- the server ---- */

typedef struct {
    pid_t pid;
    FILE *out;
    char url[128];
} server;

static void stop_server(server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGTERM);
        waitpid(s->pid, NULL, 0);
    }
    if (s->out)
        fclose(s->out);
    *s = (server){0};
}

static wk_status start_server(const char *program, const char *dir, int model, server *out,
                              wk_err *err)
{
    int fds[2];
    char config[PATH_MAX];
    snprintf(config, sizeof config, "%.4000s/serve%d.json", dir, model);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return wk_fail(err, WK_E_IO, "cannot make a pipe: %s", strerror(errno));
    out->pid = fork();
    if (out->pid == 0) {
        unsetenv("WICK_SERVE_TOKEN");
        dup2(fds[1], 1);
        execl(program, program, "serve", config, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    out->out = fdopen(fds[0], "r");
    if (out->pid < 0 || !out->out || !fgets(out->url, sizeof out->url, out->out)) {
        stop_server(out);
        return wk_fail(err, WK_E_STATE, "%s serve did not start", program);
    }
    out->url[strcspn(out->url, "\n")] = 0;
    return WK_OK;
}

static double cpu_s_of(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file && fgets(line, sizeof line, file)) {
        const char *after = strrchr(line, ')');
        if (!after || sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                             &user, &system) != 2)
            user = system = 0;
    }
    if (file)
        fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- wrk ---- */

static wk_status run_case(const bench_case *c, const server *s, const char *dir, int seconds,
                          wk_err *err)
{
    char command[2 * PATH_MAX], line[512];
    double per_s = 0, p50 = 0, p99 = 0;
    unsigned long long requests = 0, errors = 0;
    bool found = false;
    snprintf(command, sizeof command,
             "wrk -t%d -c%d -d%ds -s '%.4000s/serve.lua' '%s' -- %s 1 %d %d 3600000 %lld 2>&1",
             c->threads, c->threads, seconds, dir, s->url, c->kind, c->batch, c->bars,
             (long long)wk_clock_monotonic_ns());
    double cpu_before = cpu_s_of(s->pid);
    FILE *pipe = popen(command, "re");
    while (pipe && fgets(line, sizeof line, pipe))
        found |= sscanf(line, "result %lf %lf %lf %llu %llu", &per_s, &p50, &p99, &requests,
                        &errors) == 5;
    bool ended = pipe && pclose(pipe) == 0;
    double cpu_us = (cpu_s_of(s->pid) - cpu_before) * 1e6 / (double)(requests * (size_t)c->batch);
    if (!ended || !found || requests == 0)
        return wk_fail(err, WK_E_STATE, "wrk failed: is the Debian package wrk installed?");
    printf("{\"name\": \"serve.predict\", \"case\": \"%s\", \"value\": %.0f, \"unit\": "
           "\"predictions/s\", \"p50\": %.1f, \"p99\": %.1f, \"allocs\": null, \"peer\": null, "
           "\"peer_version\": null, \"peer_value\": null, \"ratio\": null, \"bar\": %.0f, "
           "\"cpu_us\": %.2f, \"per_core\": %.0f, \"connections\": %d, \"batch\": %d, "
           "\"errors\": %llu, \"threads\": 1, \"cpu\": \"%s\", \"commit\": \"%s\"}\n",
           c->what, per_s * c->batch, p50, p99, c->bar_per_s, cpu_us, 1e6 / cpu_us, c->threads,
           c->batch, errors, wk_cpu_name(), wk_commit());
    fflush(stdout);
    return errors ? wk_fail(err, WK_E_STATE, "%llu of %llu requests failed", errors, requests)
                  : WK_OK;
}

static wk_status run_all(const char *dir, int seconds, wk_err *err)
{
    char program[PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return wk_fail(err, WK_E_IO, "cannot tell which program this is");
    server s = {0};
    int running = -1;
    wk_status status = WK_OK;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && status == WK_OK; i++) {
        if (cases[i].model != running) {
            stop_server(&s);
            running = cases[i].model;
            status = start_server(program, dir, running, &s, err);
        }
        if (status == WK_OK)
            status = run_case(&cases[i], &s, dir, seconds, err);
    }
    stop_server(&s);
    return status;
}

static int cmd_bench_serve(const wk_cli *cli, wk_err *err)
{
    char dir[512], command[600];
    const char *tmp = getenv("TMPDIR"), *text = wk_cli_option_value(cli, "seconds");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : 1;
    if (text && (end == text || *end || seconds < 1 || seconds > 3600))
        return wk_fail(err, WK_E_ARG, "--seconds %.40s: write 1 to 3600", text);
    if (system("command -v wrk >/dev/null") != 0)
        return wk_fail(err, WK_E_STATE, "there is no wrk; install the Debian package wrk");
    snprintf(dir, sizeof dir, "%.400s/wick-serve-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return wk_fail(err, WK_E_IO, "cannot make a directory %s; set TMPDIR", dir);
    wk_log_set_level(WK_LOG_ERROR);
    wk_status status = prepare(dir, wk_cli_threads(cli), err);
    if (status == WK_OK)
        status = run_all(dir, (int)seconds, err);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        wk_log_write(WK_LOG_WARN, "bench", "left=%s", dir);
    return status;
}

static const wk_cli_option options[] = {{"seconds", "N", "of each case (default 1)"},
                                        {.name = NULL}};

const wk_cli_command wk_cmd_bench_serve_predict = {
    .name = "bench serve.predict",
    .usage = "[--seconds N]",
    .summary = "forecasts a second of wick serve on loopback, measured with wrk",
    .details =
        "Trains two small models, starts the service in a process of its own (one thread) and asks "
        "it with\n"
        "wrk: one bar of a session (bar: 20,000 a second), raw windows of 128 candles (3,000), "
        "alone "
        "and in\n"
        "batches. p50 and p99 are of a request, in us; cpu_us is the server's processor time a "
        "forecast, and\n"
        "per_core what one core of its own would answer.",
    .example = "wick bench serve.predict",
    .options = options,
    .run = cmd_bench_serve};
