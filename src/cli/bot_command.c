/* A bot's life: configuration, journal, models, venue, bars, end. */
#include "bot_command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "account_start.h"
#include "bot_feed.h"
#include "executor_recorded.h"
#include "feed_columns.h"
#include "monitor.h"
#include "stop_signal.h"
#include "wick/bot.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/recording.h"

typedef struct {
    const wk_cli *cli;
    bool is_live, candles;
    const char *replay, *events;
    double speed;
    int64_t since_ns;
    wk_arena arena;
    wk_bot_config config;
    char dir[PATH_MAX];
    int lock_fd; /* -1: none */
    wk_journal *journal;
    wk_bot_account *venue;
    wk_recorded_venue *recorded;
    int64_t cash_e8;
    wk_bot *bot;
    wk_alerts *alerts;
    wk_dataset dataset; /* --candles */
    bool has_dataset;
} command;

/* Does it send orders? */
static bool is_real(const command *c)
{
    return !c->events && c->config.venue != WK_BOT_PAPER;
}

static const char *venue_word(const command *c)
{
    return c->config.venue == WK_BOT_KRAKEN        ? "kraken"
           : c->config.venue == WK_BOT_DELTA_INDIA ? "delta-india"
                                                   : "delta-global";
}

/* ---- what was asked ---- */

static wk_status read_options(command *c, wk_err *err)
{
    const char *speed = wk_cli_option_value(c->cli, "speed"),
               *since = wk_cli_option_value(c->cli, "since");
    c->replay = wk_cli_option_value(c->cli, "replay");
    c->candles = wk_cli_flag(c->cli, "candles");
    c->events = wk_cli_option_value(c->cli, "events");
    c->since_ns = c->cash_e8 = INT64_MIN;
    if (c->events && !c->candles && !c->replay)
        return wk_fail(err, WK_E_ARG, "--events wants the bars of then: --candles or --replay");
    if (c->candles && c->replay)
        return wk_fail(err, WK_E_ARG, "--candles and --replay: choose one");
    if (since && wk_time_parse(since, &c->since_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--since %s: write 2024-06-30 or 2024-06-30T23:45:00Z",
                       since);
    if (speed && !c->replay)
        return wk_fail(err, WK_E_ARG, "--speed is of a --replay; %s",
                       c->candles ? "candles go as fast as they can" : "live data has its own");
    if (speed && strcmp(speed, "max") != 0) {
        char *end;
        c->speed = strtod(speed, &end);
        if (*end || !(c->speed > 0))
            return wk_fail(err, WK_E_ARG, "--speed %s: write max or a number above 0", speed);
    }
    return WK_OK;
}

static bool needs_verdict(const command *c)
{
    return c->is_live && !c->config.testnet && !wk_cli_flag(c->cli, "validate") &&
           !wk_cli_flag(c->cli, "i-accept-not-useful");
}

/* A renewed model must be as good as the first one. */
static wk_status accept_model(void *ctx, const char *dir, wk_err *err)
{
    (void)ctx;
    return wk_bot_verdict_of(dir, err);
}

/* Real money only when it was asked for by the account's own name, and only for models that were
 * judged useful. */
static wk_status check_live(const command *c, wk_err *err)
{
    const char *name = c->config.account.name[0] ? c->config.account.name : venue_word(c),
               *said = wk_cli_option_value(c->cli, "real-money");
    if (!is_real(c))
        return wk_fail(err, WK_E_CONFIG,
                       "venue: paper is traded by wick paper; name delta-india, delta-global or "
                       "kraken");
    if (c->config.testnet || wk_cli_flag(c->cli, "validate"))
        return WK_OK;
    if (!said)
        return wk_fail(err, WK_E_ARG,
                       "this trades real money: say so with --real-money %s, or set testnet: true",
                       name);
    if (strcmp(said, name) != 0)
        return wk_fail(err, WK_E_ARG, "--real-money %s: the configuration's account is \"%s\"",
                       said, name);
    return needs_verdict(c) ? wk_bot_verdict(&c->config, err) : WK_OK;
}

static wk_status check_paper(const command *c, wk_err *err)
{
    if (is_real(c) && !c->config.testnet)
        return wk_fail(err, WK_E_CONFIG,
                       "venue: wick paper trades on paper, or with testnet: true on Delta's "
                       "testnet; wick live trades real money");
    return WK_OK;
}

static wk_status load(command *c, wk_err *err)
{
    size_t n;
    const char *const *overrides = wk_cli_overrides(c->cli, &n);
    WK_TRY(read_options(c, err));
    WK_TRY(wk_config_load(&wk_bot_config_table, wk_cli_arg(c->cli, 0), overrides, n, &c->arena,
                          &c->config, err));
    if (!c->events)
        WK_TRY(c->is_live ? check_live(c, err) : check_paper(c, err));
    c->config.no_shorts = c->config.venue == WK_BOT_KRAKEN && c->config.account.margin < 2;
    WK_TRY(wk_bot_dir(&c->config, c->dir, sizeof c->dir, err));
    c->config.dir = c->dir;
    return WK_OK;
}

/* ---- the journal ---- */

/* Two bots on one journal would double each other's orders. */
static wk_status lock_dir(command *c, wk_err *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/lock", c->dir);
    WK_TRY(wk_dir_create(c->dir, err));
    c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (c->lock_fd < 0)
        return wk_fail(err, WK_E_IO, "%s: %s", path, strerror(errno));
    if (flock(c->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return wk_fail(err, WK_E_STATE, "another bot runs in %s; stop it, or set another dir",
                       c->dir);
    return WK_OK;
}

static wk_status open_journal(command *c, wk_err *err)
{
    char path[PATH_MAX + 32];
    if (c->events)
        return WK_OK;
    if (!c->is_live && wk_cli_flag(c->cli, "no-journal")) {
        if (is_real(c))
            return wk_fail(err, WK_E_ARG, "--no-journal: a venue is never traded without one");
        return WK_OK;
    }
    WK_TRY(lock_dir(c, err));
    snprintf(path, sizeof path, "%s/journal.sqlite", c->dir);
    return wk_journal_open(path, &c->journal, err);
}

static void note(command *c, const char *format, ...) WK_PRINTF(2, 3);
static void note(command *c, const char *format, ...)
{
    if (!c->journal)
        return;
    wk_journal_record r = {.kind = WK_JOURNAL_NOTE, .time_ns = wk_clock_wall_ns()};
    va_list args;
    va_start(args, format);
    vsnprintf(r.text, sizeof r.text, format, args);
    va_end(args);
    wk_journal_put(c->journal, &r);
}

static wk_status note_start(command *c, wk_err *err)
{
    wk_err why;
    note(c, "started pid=%ld", (long)getpid());
    for (size_t i = 0; i < c->config.set.n; i++)
        note(c, "set %.180s", c->config.set.v[i]);
    if (c->is_live && wk_cli_flag(c->cli, "i-accept-not-useful"))
        note(c, "accepted by --i-accept-not-useful: %.160s",
             wk_bot_verdict(&c->config, &why) == WK_OK ? "all models are USEFUL" : why.msg);
    /* A full disk is told now, and not when the first entry waits for its row. */
    return c->journal ? wk_journal_sync(c->journal, err) : WK_OK;
}

/* ---- the venue ---- */

static wk_status open_venue(command *c, wk_err *err)
{
    int64_t since_ns;
    if (c->events) {
        c->config.dir = ""; /* that bot's tables are its own */
        if (c->config.venue == WK_BOT_PAPER)
            c->config.venue = WK_BOT_DELTA_INDIA; /* any but the simulated one */
        WK_TRY(wk_recorded_venue_open(c->events, &c->config, &c->recorded, &since_ns, &c->cash_e8,
                                      err));
        c->since_ns = since_ns > c->since_ns ? since_ns : c->since_ns;
        return WK_OK;
    }
    if (!is_real(c))
        return WK_OK;
    wk_bot_account_options options = {.config = &c->config,
                                      .dir = c->dir,
                                      .validate = c->is_live && wk_cli_flag(c->cli, "validate"),
                                      .virtual_time = c->candles || c->replay,
                                      .stop = &wk__stop};
    return wk_bot_account_open(&options, &c->config, &c->venue, err);
}

/* When virtual time begins at a first start: with the bars. */
static wk_status first_time(const command *c, int64_t *out, wk_err *err)
{
    *out = INT64_MIN;
    if (c->candles)
        *out = c->dataset.panel.start_ns;
    if (!c->replay || !is_real(c))
        return WK_OK;
    wk_recording *recording;
    wk_recorded message;
    WK_TRY(wk_recording_open(c->replay, &recording, err));
    wk_status status = wk_recording_next(recording, &message, err);
    if (status == WK_OK)
        *out = message.receive_ns;
    wk_recording_close(recording);
    return status;
}

static wk_status start(command *c, wk_err *err)
{
    int64_t begin_ns;
    const wk_data_config *columns;
    WK_TRY(wk__feed_columns_agree(&c->config, c->bot, &columns, err));
    /* All candles at once have days by the thousand. */
    wk_bot_watch watch = {.waits = c->candles || c->replay,
                          .summarise = c->candles ? NULL : wk_monitor_summarise,
                          .accept = needs_verdict(c) ? accept_model : NULL};
    WK_TRY(wk_bot_watch_models(c->bot, &watch, err));
    WK_TRY(first_time(c, &begin_ns, err));
    if (is_real(c))
        WK_TRY(wk_bot_account_start(c->venue, c->bot, c->journal, c->since_ns, begin_ns, err));
    else
        WK_TRY(wk_bot_recover(c->bot, c->since_ns, c->cash_e8, err));
    return c->recorded ? wk_recorded_venue_start(c->recorded, c->bot, err) : WK_OK;
}

/* ---- the bars ---- */

/* All candles of the first model's configuration, every step traded. */
static wk_status load_candles(command *c, wk_err *err)
{
    const wk_run_config *config = wk_bot_model_run_config(c->bot, 0);
    WK_TRY(wk_dataset_load_panel(config, wk_cli_store(), &c->dataset, err));
    c->has_dataset = true;
    const wk_panel *panel = &c->dataset.panel;
    if (panel->S != wk_bot_n_markets(c->bot) || panel->timeframe_ns != wk_bot_timeframe_ns(c->bot))
        return wk_fail(
            err, WK_E_CONFIG,
            "--candles takes the first model's candles, so the bot must have its %zu markets and "
            "its timeframe",
            panel->S);
    for (size_t s = 0; s < panel->S; s++)
        if (strcmp(panel->symbols[s], wk_bot_market(c->bot, s)->symbol) != 0)
            return wk_fail(
                err, WK_E_CONFIG,
                "--candles: market %zu is %s in the model and %s in the bot; name them in the same "
                "order",
                s, panel->symbols[s], wk_bot_market(c->bot, s)->symbol);
    return WK_OK;
}

static wk_status run_candles(command *c, wk_err *err)
{
    const wk_panel *panel = &c->dataset.panel;
    for (size_t t = 0; t < panel->T && !atomic_load(&wk__stop); t++) {
        wk_features_step step = wk_panel_step(panel, t);
        WK_TRY(wk_bot_step(c->bot, &step, false, err));
        WK_TRY(wk_bot_tend(c->bot, true, err));
    }
    return WK_OK;
}

/* Replays tell nobody. */
static wk_status open_alerts(command *c, wk_err *err)
{
    char outbox[PATH_MAX + 32];
    snprintf(outbox, sizeof outbox, "%s/alerts.sqlite", c->dir);
    WK_TRY(wk_dir_create(c->dir, err));
    WK_TRY(wk_alerts_open(&c->config.alerts, outbox, &c->alerts, err));
    wk_bot_set_alerts(c->bot, c->alerts);
    return WK_OK;
}

static wk_status run(command *c, wk_err *err)
{
    WK_TRY(load(c, err));
    WK_TRY(open_journal(c, err));
    WK_TRY(open_venue(c, err));
    WK_TRY(wk_bot_open(&c->config, NULL, c->journal, &c->bot, err));
    wk__stop_on_signals();
    WK_TRY(wk_log_start(err));
    if (c->candles)
        WK_TRY(load_candles(c, err));
    WK_TRY(note_start(c, err));
    WK_TRY(start(c, err));
    if (c->candles)
        return run_candles(c, err);
    if (!c->replay)
        WK_TRY(open_alerts(c, err));
    wk_bot_feed feed = {.config = &c->config,
                        .bot = c->bot,
                        .replay = c->replay,
                        .speed = c->speed,
                        .stop = &wk__stop};
    WK_TRY(wk_bot_feed_run(&feed, err));
    if (c->venue)
        wk_bot_account_retire(c->venue, c->bot, c->journal);
    return WK_OK;
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

int wk__bot_command(const wk_cli *cli, bool is_live, wk_err *err)
{
    command c = {.cli = cli, .is_live = is_live, .lock_fd = -1};
    wk_arena_init(&c.arena);
    wk_status status = run(&c, err);
    if (status == WK_OK)
        print_summary(c.bot, wk_cli_json(cli));
    if (status != WK_OK && c.alerts)
        wk_alerts_send(c.alerts, WK_ALERT_ERROR, err->msg);
    if (status == WK_OK)
        note(&c, "stopped");
    else
        note(&c, "stopped: %.180s", err->msg);
    wk_bot_close(c.bot);
    wk_bot_account_close(c.venue);
    wk_recorded_venue_close(c.recorded);
    wk_alerts_close(c.alerts, 5 * WK_NS_PER_S);
    wk_journal_close(c.journal);
    if (c.has_dataset)
        wk_dataset_finish(&c.dataset);
    if (c.lock_fd >= 0)
        close(c.lock_fd);
    wk_arena_finish(&c.arena);
    wk_log_stop();
    return status;
}
