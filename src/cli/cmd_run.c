/* wick run, and its stages train, backtest and report. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"
#include "monitor.h"
#include "wick/clock.h"
#include "wick/file.h"

static wk_status load_config(const wk_cli *cli, const char *path, wk_arena *arena,
                             wk_run_config *config, wk_err *err)
{
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    wk_arena_init(arena);
    wk_status status = wk_config_load(&wk_run_config_table, path, overrides, n, arena, config, err);
    if (status != WK_OK)
        wk_arena_finish(arena);
    return status;
}

static wk_status need_out(const wk_cli *cli, const char **dir, wk_err *err)
{
    *dir = wk_cli_option_value(cli, "out");
    return *dir ? WK_OK
                : wk_fail(err, WK_E_ARG, "--out DIR is missing: where should the results go?");
}

/* Says where the result is. */
static void announce(const wk_cli *cli, const char *dir, const char *file)
{
    if (wk_cli_json(cli))
        printf("{\"%s\": \"%s/%s\"}\n", strcmp(file, "report.html") == 0 ? "report" : "out", dir,
               file);
    else
        printf("%s/%s\n", dir, file);
}

static int cmd_run(const wk_cli *cli, wk_err *err)
{
    const char *dir;
    wk_arena arena;
    wk_run_config config;
    WK_TRY(need_out(cli, &dir, err));
    WK_TRY(load_config(cli, wk_cli_arg(cli, 0), &arena, &config, err));
    wk_status status = wk_stage_train(&config, dir, wk_cli_threads(cli), err);
    if (status == WK_OK)
        status = wk_stage_backtest(&config, dir, dir, err);
    if (status == WK_OK)
        status = wk_stage_report(dir, err);
    wk_arena_finish(&arena);
    if (status == WK_OK)
        announce(cli, dir, "report.html");
    return status;
}

static int cmd_train(const wk_cli *cli, wk_err *err)
{
    const char *dir;
    wk_arena arena;
    wk_run_config config;
    WK_TRY(need_out(cli, &dir, err));
    WK_TRY(load_config(cli, wk_cli_arg(cli, 0), &arena, &config, err));
    wk_status status = wk_stage_train(&config, dir, wk_cli_threads(cli), err);
    wk_arena_finish(&arena);
    if (status == WK_OK)
        announce(cli, dir, "model");
    return status;
}

/* One finished model over all candles, as a bot would have traded them. */
static wk_status backtest_model(const wk_cli *cli, const wk_run_config *config, const char *model,
                                const char *dir, wk_err *err)
{
    char path[PATH_MAX];
    wk_model_backtest done;
    wk_loop loop = wk_cli_loop(cli);
    WK_TRY(wk_dir_create(dir, err));
    snprintf(path, sizeof path, "%s/trades.csv", dir);
    WK_TRY(wk_model_backtest_run(config, model, &loop, path, &done, err));
    printf(wk_cli_json(cli)
               ? "{\"steps\": %zu, \"trades\": %zu, \"net\": %.8f, \"inputs\": \"%016" PRIx64
                 "\", \"intents\": \"%016" PRIx64 "\"}\n"
               : "steps %zu  trades %zu  net %.8f  inputs %016" PRIx64 "  intents %016" PRIx64 "\n",
           done.steps, done.trades, done.net, done.inputs_digest, done.intents_digest);
    return WK_OK;
}

static int cmd_backtest(const wk_cli *cli, wk_err *err)
{
    const char *dir, *model = wk_cli_option_value(cli, "model");
    char bundle[PATH_MAX];
    wk_arena arena;
    wk_run_config config;
    WK_TRY(need_out(cli, &dir, err));
    WK_TRY(load_config(cli, wk_cli_arg(cli, 0), &arena, &config, err));
    snprintf(bundle, sizeof bundle, "%s/model.json", model ? model : dir);
    bool is_bundle = wk_file_exists(bundle);
    wk_status status = is_bundle ? backtest_model(cli, &config, model, dir, err)
                                 : wk_stage_backtest(&config, model ? model : dir, dir, err);
    wk_arena_finish(&arena);
    if (status == WK_OK && !is_bundle)
        announce(cli, dir, "metrics.json");
    return status;
}

/* The summary of a bot instead of an experiment's page. */
static wk_status report_live(const wk_cli *cli, wk_err *err)
{
    const char *from = wk_cli_option_value(cli, "from"), *to = wk_cli_option_value(cli, "to"),
               *model = wk_cli_option_value(cli, "model");
    wk_monitor_options o = {
        .journal = wk_cli_arg(cli, 0), .model = model ? model : "", .store = wk_cli_store()};
    json_t *document = NULL;
    wk_text text = {0};
    if (wk_cli_flag(cli, "weekly"))
        o.days = 7;
    o.overrides = wk_cli_overrides(cli, &o.n_overrides);
    if (from && wk_time_parse(from, &o.from_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--from %s: write 2024-06-30 or 2024-06-30T23:45:00Z", from);
    if (to && wk_time_parse(to, &o.to_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--to %s: write 2024-06-30 or 2024-06-30T23:45:00Z", to);
    WK_TRY(wk_monitor_read(&o, &document, err));
    if (wk_cli_json(cli)) {
        json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        wk_monitor_text(document, &text);
        fputs(text.s, stdout);
    }
    free(text.s);
    json_decref(document);
    return WK_OK;
}

static int cmd_report(const wk_cli *cli, wk_err *err)
{
    if (wk_cli_flag(cli, "live"))
        return report_live(cli, err);
    WK_TRY(wk_stage_report(wk_cli_arg(cli, 0), err));
    announce(cli, wk_cli_arg(cli, 0), "report.html");
    return WK_OK;
}

static const wk_cli_option out_option[] = {{"out", "DIR", "the run directory"}, {.name = NULL}};
static const wk_cli_option backtest_options[] = {
    {"out", "DIR", "where metrics.json, report.json and trades.csv go"},
    {"model", "DIR",
     "the run directory that wick train made; default: --out. Or the model/ in it: then\n"
     "this one model trades all candles, and the digests of its inputs and orders are\n"
     "printed, to be compared with a bot's"},
    {.name = NULL}};
static const wk_cli_option report_options[] = {
    {"live", NULL, "DIR is a bot's: the summary of its last day, as text"},
    {"model", "DIR",
     "with --live: its model, to judge signals by its candles and measure drift anew"},
    {"weekly", NULL, "with --live: the journal's last seven UTC days, and each of them"},
    {"from", "TIME", "with --live: from here; default: the journal's last UTC day"},
    {"to", "TIME", "with --live: up to here"},
    {.name = NULL}};

const wk_cli_command wk_cmd_run = {
    .name = "run",
    .usage = "CONFIG --out DIR",
    .summary =
        "the main job: candles to features, labels, models, walk-forward backtest and report",
    .details =
        "Does what train, backtest and report do, one after the other. The directory holds the\n"
        "resolved config, the model, forecasts.h5, metrics.json, trades.csv and report.html.",
    .example = "wick run configs/demo.json --out out/demo",
    .args_min = 1,
    .args_max = 1,
    .options = out_option,
    .run = cmd_run};

const wk_cli_command wk_cmd_train = {
    .name = "train",
    .usage = "CONFIG --out DIR",
    .summary =
        "trains every fold of an experiment; leaves the model and its out-of-sample forecasts",
    .example = "wick train configs/demo.json --out out/demo",
    .args_min = 1,
    .args_max = 1,
    .options = out_option,
    .run = cmd_train};

const wk_cli_command wk_cmd_backtest = {
    .name = "backtest",
    .usage = "CONFIG --out DIR [--model DIR]",
    .summary = "trades the forecasts that wick train left, beside baselines, with all costs",
    .example = "wick backtest configs/demo.json --model out/demo --out out/demo",
    .args_min = 1,
    .args_max = 1,
    .options = backtest_options,
    .run = cmd_backtest};

const wk_cli_command wk_cmd_report = {
    .name = "report",
    .usage = "DIR | --live DIR [--weekly] [--model DIR] [--from TIME] [--to TIME]",
    .summary =
        "draws report.html from a run directory's report.json; --live: a bot's daily summary",
    .details =
        "--live splits profit by symbol; by strategy: name and timeframe of the experiment whose\n"
        "model decided the entry (of several that agree, combine's first or the heaviest), or\n"
        "\"manual\" where a person forced it; by model: that model's version; and by side and way\n"
        "out. What the bot gave no signal for is \"not named\".",
    .example = "wick report out/demo",
    .args_min = 1,
    .args_max = 1,
    .options = report_options,
    .run = cmd_report};
