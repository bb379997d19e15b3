/* wick paper: a bot with simulated fills, on live data, a recording, or recorded candles. */
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bot_feed.h"
#include "cli_internal.h"
#include "monitor.h"
#include "wick/bot.h"
#include "wick/clock.h"
#include "wick/file.h"

static atomic_bool stop;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&stop, true);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* All candles of the first model's configuration, every step traded. */
static wk_status run_candles(wk_bot *bot, wk_err *err)
{
    const wk_run_config *config = wk_bot_model_run_config(bot, 0);
    wk_dataset dataset = {0};
    WK_TRY(wk_dataset_load_panel(config, wk_cli_store(), &dataset, err));
    const wk_panel *panel = &dataset.panel;
    wk_status status = WK_OK;
    if (panel->S != wk_bot_n_markets(bot) || panel->timeframe_ns != wk_bot_timeframe_ns(bot))
        status = wk_fail(
            err, WK_E_CONFIG,
            "--candles takes the first model's candles, so the bot must have its %zu markets and "
            "its timeframe",
            panel->S);
    for (size_t s = 0; s < panel->S && status == WK_OK; s++)
        if (strcmp(panel->symbols[s], wk_bot_market(bot, s)->symbol) != 0)
            status = wk_fail(
                err, WK_E_CONFIG,
                "--candles: market %zu is %s in the model and %s in the bot; name them in the same "
                "order",
                s, panel->symbols[s], wk_bot_market(bot, s)->symbol);
    for (size_t t = 0; t < panel->T && status == WK_OK && !atomic_load(&stop); t++) {
        wk_features_step step = wk_panel_step(panel, t);
        status = wk_bot_step(bot, &step, false, err);
        if (status == WK_OK)
            status = wk_bot_tend(bot, true, err);
    }
    wk_dataset_finish(&dataset);
    return status;
}

static void print_summary(const wk_bot *bot, bool json)
{
    wk_bot_counts c;
    wk_bot_count(bot, &c);
    printf(json ? "{\"steps\": %" PRIu64 ", \"orders\": %" PRIu64 ", \"fills\": %" PRIu64
                  ", \"trades\": %" PRIu64 ", \"held_back\": %" PRIu64
                  ", \"net\": %.8f, \"equity\": %.8f, \"inputs\": \"%016" PRIx64
                  "\", \"intents\": \"%016" PRIx64 "\"}\n"
                : "steps %" PRIu64 "  orders %" PRIu64 "  fills %" PRIu64 "  trades %" PRIu64
                  "  held back %" PRIu64 "  net %.8f  equity %.8f  inputs %016" PRIx64
                  "  intents %016" PRIx64 "\n",
           c.steps, c.orders, c.fills, c.trades, c.held_back, c.net, c.equity, c.inputs_digest,
           c.intents_digest);
}

static wk_status open_journal(const char *dir, wk_journal **out, wk_err *err)
{
    char path[PATH_MAX + 32];
    WK_TRY(wk_dir_create(dir, err));
    snprintf(path, sizeof path, "%s/journal.sqlite", dir);
    return wk_journal_open(path, out, err);
}

/* Replays tell nobody. */
static wk_status open_alerts(const wk_bot_config *config, wk_bot *bot, wk_alerts **alerts,
                             wk_err *err)
{
    char outbox[PATH_MAX + 32];
    snprintf(outbox, sizeof outbox, "%s/alerts.sqlite", config->dir);
    WK_TRY(wk_dir_create(config->dir, err));
    WK_TRY(wk_alerts_open(&config->alerts, outbox, alerts, err));
    wk_bot_set_alerts(bot, *alerts);
    return WK_OK;
}

static wk_status paper(const wk_cli *cli, wk_arena *arena, wk_journal **journal, wk_bot **bot,
                       wk_alerts **alerts, wk_err *err)
{
    wk_bot_config config;
    char dir[PATH_MAX];
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    const char *replay = wk_cli_option_value(cli, "replay"),
               *speed = wk_cli_option_value(cli, "speed");
    bool candles = wk_cli_flag(cli, "candles");
    WK_TRY(wk_config_load(&wk_bot_config_table, wk_cli_arg(cli, 0), overrides, n, arena, &config,
                          err));
    if (config.venue != WK_BOT_PAPER)
        return wk_fail(err, WK_E_CONFIG,
                       "venue: wick paper trades on paper; wick live trades on a venue");
    if (candles && replay)
        return wk_fail(err, WK_E_ARG, "--candles and --replay: choose one");
    WK_TRY(wk_bot_dir(&config, dir, sizeof dir, err));
    config.dir = dir;
    if (!wk_cli_flag(cli, "no-journal"))
        WK_TRY(open_journal(dir, journal, err));
    WK_TRY(wk_bot_open(&config, NULL, *journal, bot, err));
    if (*journal) {
        wk_journal_record note = {.kind = WK_JOURNAL_NOTE, .time_ns = wk_clock_wall_ns()};
        snprintf(note.text, sizeof note.text, "started pid=%ld", (long)getpid());
        wk_journal_put(*journal, &note);
    }
    /* All candles at once have days by the thousand. */
    wk_bot_watch watch = {.waits = candles || replay,
                          .summarise = candles ? NULL : wk_monitor_summarise};
    WK_TRY(wk_bot_watch_models(*bot, &watch, err));
    catch_signals();
    if (candles)
        return run_candles(*bot, err);
    if (!replay)
        WK_TRY(open_alerts(&config, *bot, alerts, err));
    wk_bot_feed feed = {.config = &config, .bot = *bot, .replay = replay, .stop = &stop};
    if (speed && strcmp(speed, "max") != 0) {
        char *end;
        feed.speed = strtod(speed, &end);
        if (*end || !(feed.speed > 0))
            return wk_fail(err, WK_E_ARG, "--speed %s: write max or a number above 0", speed);
    }
    return wk_bot_feed_run(&feed, err);
}

static int cmd_paper(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_journal *journal = NULL;
    wk_bot *bot = NULL;
    wk_alerts *alerts = NULL;
    wk_arena_init(&arena);
    wk_status status = paper(cli, &arena, &journal, &bot, &alerts, err);
    if (status == WK_OK)
        print_summary(bot, wk_cli_json(cli));
    if (status != WK_OK && alerts)
        wk_alerts_send(alerts, WK_ALERT_ERROR, err->msg);
    wk_bot_close(bot);
    wk_alerts_close(alerts, 5 * WK_NS_PER_S);
    wk_journal_close(journal);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"candles", NULL,
     "trade the recorded candles of the first model's configuration, as fast as it goes"},
    {"replay", "RECORDING", "trade a recording that wick record kept (keep_raw)"},
    {"speed", "N|max", "of a replay: 1 as it was, 60 a minute a second; default max"},
    {"no-journal", NULL, "keep no journal; orders then wait for no disk"},
    {.name = NULL}};

const wk_cli_command wk_cmd_paper = {
    .name = "paper",
    .usage = "CONFIG [--candles | --replay RECORDING [--speed N]]",
    .summary = "trades on paper: live data or a replay, simulated fills, a fake balance",
    .details =
        "Bars close, features step, the models forecast, the trader decides, a simulated venue "
        "fills,\n"
        "and everything is journalled. In the bot's directory (`dir`, or $WICK_HOME/bots/NAME):\n"
        "journal.sqlite and paper_trades.csv. At the end the digests of all inputs and of all "
        "order\n"
        "intents are printed: wick backtest --model prints the same over the same bars.",
    .example = "wick paper configs/paper.json --candles",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_paper};
