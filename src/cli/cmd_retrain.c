/* wick retrain: renews a model, once or every so often. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli_internal.h"
#include "retrain.h"
#include "stop_signal.h"
#include "wick/clock.h"
#include "wick/log.h"

static void print_result(const wk_retrain_result *r, bool json)
{
    wk_text text = {0};
    if (json) {
        wk_text_printf(&text, "{\"published\": %s, \"version\": \"%s\", \"why\": ",
                       r->published ? "true" : "false", r->version);
        wk_text_add_json_string(&text, r->why);
        wk_text_add(&text, "}");
    } else {
        wk_text_add(&text, r->why);
    }
    puts(text.s);
    fflush(stdout);
    free(text.s);
}

/* For tests of the schedule: WICK_RETRAIN_SPEED=3600 makes an hour a second. */
static wk_status parse_every(const char *text, int64_t *every_ns, wk_err *err)
{
    const char *speed = getenv("WICK_RETRAIN_SPEED");
    char *end = NULL;
    double times = speed && speed[0] ? strtod(speed, &end) : 1;
    WK_TRY(wk_timeframe_parse(text, every_ns, err));
    if (!(times >= 1) || (end && *end))
        return wk_fail(err, WK_E_ARG, "WICK_RETRAIN_SPEED=%s: write a number from 1", speed);
    *every_ns = (int64_t)((double)*every_ns / times);
    return WK_OK;
}

static wk_status rounds(const wk_cli *cli, const wk_retrain_config *config, int64_t every_ns,
                        wk_err *err)
{
    char program[PATH_MAX];
    wk_loop loop = wk_cli_loop(cli);
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return wk_fail(err, WK_E_IO, "cannot find the program's own file");
    program[n] = 0;
    for (int64_t next = wk_clock_monotonic_ns();;) {
        wk_retrain_result result;
        while (wk_clock_monotonic_ns() < next && !atomic_load(&wk__stop))
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
        if (atomic_load(&wk__stop))
            return WK_OK;
        wk_status status =
            wk_retrain_once(config, program, wk_cli_store(), &loop, &wk__stop, &result, err);
        if (status == WK_OK)
            print_result(&result, wk_cli_json(cli));
        if (!every_ns || status == WK_E_CANCELLED)
            return status;
        if (status != WK_OK) /* the champion serves on; the next round may do better */
            wk_log_write(WK_LOG_ERROR, "retrain", "error=\"%s\"", err->msg);
        next = wk_retrain_next_ns(next, every_ns, wk_clock_monotonic_ns());
    }
}

static int cmd_retrain(const wk_cli *cli, wk_err *err)
{
    const char *every = wk_cli_option_value(cli, "every");
    int64_t every_ns = 0;
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    wk_arena arena;
    wk_retrain_config config;
    bool back = wk_cli_flag(cli, "rollback");
    if ((every != NULL) + wk_cli_flag(cli, "once") + back != 1)
        return wk_fail(err, WK_E_ARG, "choose one of --once, --every 6h and --rollback");
    if (every)
        WK_TRY(parse_every(every, &every_ns, err));
    wk__stop_on_signals();
    wk_arena_init(&arena);
    wk_status status = wk_config_load(&wk_retrain_config_table, wk_cli_arg(cli, 0), overrides, n,
                                      &arena, &config, err);
    if (status == WK_OK && back) {
        wk_retrain_result result;
        status = wk_retrain_rollback(&config, &result, err);
        if (status == WK_OK)
            print_result(&result, wk_cli_json(cli));
    } else if (status == WK_OK)
        status = rounds(cli, &config, every_ns, err);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"once", NULL, "one round, now"},
    {"every", "6h|1d|1w", "now and then every so often, until it is stopped"},
    {"rollback", NULL, "goes back to the champion before; again: forward. Bots follow"},
    {.name = NULL}};

const wk_cli_command wk_cmd_retrain = {
    .name = "retrain",
    .usage = "CONFIG --once | --every 6h | --rollback",
    .summary =
        "renews a published model: fetches, trains a challenger, publishes it if it is better",
    .details =
        "The challenger is trained on the rolling window before the newest block in a niced "
        "process of its\n"
        "own; both models are judged on the block. What was decided and why: retrain.jsonl and "
        "the\n"
        "journal in `dir`, the training's log in train.log. A bot or a service whose model is "
        "`publish` "
        "takes the\n"
        "new champion over while it runs, and goes back with --rollback.",
    .example = "wick retrain configs/retrain.json --once",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_retrain};
