/* wick replay: a recording through the path of the live session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"
#include "live_output.h"
#include "stop_signal.h"
#include "wick/live.h"

static void on_bar(void *ctx, const wk_live_market *market, const wk_live_bar *bar)
{
    (void)ctx;
    wk__print_bar(market, bar);
}

static wk_status read_speed(const wk_cli *cli, double *speed, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, "speed");
    char *end;
    *speed = 0;
    if (!text || strcmp(text, "max") == 0)
        return WK_OK;
    *speed = strtod(text, &end);
    if (end == text || *end || !(*speed > 0 && *speed <= 1e6))
        return wk_fail(err, WK_E_ARG, "--speed %.40s: write max, or 1 for the speed it was", text);
    return WK_OK;
}

static int cmd_replay(const wk_cli *cli, wk_err *err)
{
    wk_live_summary summary;
    wk_live_replay_options options = {.store = wk_cli_option_value(cli, "store"),
                                      .bar = wk_cli_flag(cli, "bars") ? on_bar : NULL};
    WK_TRY(read_speed(cli, &options.speed, err));
    wk__stop_on_signals();
    WK_TRY(wk_live_replay_run(wk_cli_arg(cli, 0), &options, &wk__stop, &summary, err));
    if (!options.bar)
        wk__print_summary(&summary, wk_cli_json(cli));
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"speed", "X|max", "1: as it was, 60: a minute in a second; default: as fast as it goes"},
    {"store", "DIR", "store the bars there; otherwise they are only counted"},
    {"bars", NULL, "print each bar as CSV instead of a summary"},
    {.name = NULL}};

const wk_cli_command wk_cmd_replay = {
    .name = "replay",
    .usage = "RECORDING [--speed X|max] [--store DIR] [--bars]",
    .summary = "feeds a recording of wick record through exactly the live path",
    .details = "RECORDING is a .wkr.gz file or a directory of them (keep_raw in the configuration "
               "of wick\n"
               "record). The bars are those of the session that made it, bit for bit: both print "
               "the same\n"
               "bars_hash.",
    .example = "wick replay tests/golden/live --bars",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_replay};
