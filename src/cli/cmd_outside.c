/* wick outside fetch: series from JSON endpoints into the store. */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "cli_internal.h"
#include "stop_signal.h"
#include "wick/log.h"
#include "wick/outside_fetch.h"
#include "wick/store.h"

/* One round over all series. A failure ends it unless we follow: then it is logged, and the next
 * round tries again. */
static wk_status round_of(const wk_outside_fetch_config *config, wk_fresh *fresh, bool follows,
                          bool json, wk_err *err)
{
    const wk_outside_source *sources = config->series.v;
    for (size_t i = 0; i < config->series.n && !atomic_load(&wk__stop); i++) {
        wk_fresh_outcome o = {0};
        wk_status status = wk_outside_fetch(config, &sources[i], fresh, &o, err);
        if (status == WK_OK)
            printf(json ? "{\"series\": \"%s\", \"added\": %zu, \"equal\": %zu, \"revised\": %zu}\n"
                        : "%s: %zu new, %zu known, %zu revised\n",
                   sources[i].name, o.n_added, o.n_equal, o.n_revised);
        else if (follows)
            wk_log_write(WK_LOG_ERROR, "outside.fetch", "series=%s error=\"%s\"", sources[i].name,
                         err->msg);
        else
            return status;
    }
    fflush(stdout);
    return WK_OK;
}

static wk_status run(const wk_cli *cli, wk_arena *arena, wk_fresh **fresh, wk_err *err)
{
    wk_outside_fetch_config config;
    char root[PATH_MAX];
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    bool follows = wk_cli_flag(cli, "follow");
    WK_TRY(wk_config_load(&wk_outside_fetch_config_table, wk_cli_arg(cli, 0), overrides, n, arena,
                          &config, err));
    WK_TRY(wk_store_root(config.store[0] ? config.store : NULL, root, sizeof root, err));
    WK_TRY(wk_fresh_open(root, fresh, err));
    wk__stop_on_signals();
    WK_TRY(round_of(&config, *fresh, follows, wk_cli_json(cli), err));
    while (follows && !atomic_load(&wk__stop)) {
        struct timespec pause = {.tv_sec = (time_t)config.every_s};
        nanosleep(&pause, NULL); /* a signal wakes it */
        if (!atomic_load(&wk__stop))
            WK_TRY(round_of(&config, *fresh, true, wk_cli_json(cli), err));
    }
    return WK_OK;
}

static int cmd_outside_fetch(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_fresh *fresh = NULL;
    wk_arena_init(&arena);
    wk_status status = run(cli, &arena, &fresh, err);
    wk_fresh_close(fresh);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"follow", NULL, "ask again every every_s seconds until SIGINT or SIGTERM"}, {.name = NULL}};

const wk_cli_command wk_cmd_outside_fetch = {
    .name = "outside fetch",
    .usage = "CONFIG [--follow]",
    .summary =
        "asks JSON endpoints for outside series (sentiment, ratios, on-chain) and stores them",
    .details = "Each row is stored with the time at which it arrived, and experiments join it as "
               "of that time:\n"
               "\"outside\": [{\"name\": \"sentiment\", \"venue\": \"outside\", \"symbol\": "
               "\"ALL\"}] in the data section.\n"
               "A row that comes again with another value is kept beside the first one.",
    .example = "wick outside fetch configs/outside.json --set store=out/store",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_outside_fetch};
