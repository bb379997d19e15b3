/* A running bot: an engine between a feed and an executor, with its journal. `wick paper` and `wick
 * live` run it on live data, or on a recording or recorded candles at any speed. */
#ifndef WICK_BOT_H
#define WICK_BOT_H

#include <stdatomic.h>

#include "wick/alert.h"
#include "wick/engine.h"
#include "wick/executor.h"
#include "wick/journal.h"
#include "wick/ledger.h"
#include "wick/run.h"
#include "wick/sim.h"

/* ---- its configuration ---- */

typedef struct {
    const char *dir; /* of a trained model, or where one is published */
    double weight;
    int64_t priority;
    wk_ensemble_config ensemble; /* its generations */
} wk_bot_model_config;

typedef struct {
    const char *symbol; /* as the models call it */
    const char *feed;   /* "VENUE:SYMBOL" in the feed section; "" = `symbol` at the only venue */
    const char *trade;  /* as the executor's venue calls it; "" = symbol */
    double tick,
        lot; /* NaN: from the venue's instruments in the store, else the decimals of its history */
    double lot_min; /* base currency; NaN: one lot */
} wk_bot_market_config;

typedef enum {
    WK_BOT_DECISIONS_NONE,
    WK_BOT_DECISIONS_CHANGES,
    WK_BOT_DECISIONS_ALL
} wk_bot_decisions;
typedef enum { WK_BOT_PAPER, WK_BOT_DELTA_INDIA, WK_BOT_DELTA_GLOBAL, WK_BOT_KRAKEN } wk_bot_venue;

/* The account at the venue: hosts, keys, and how orders are watched. */
typedef struct {
    const char *name;          /* what --real-money must say; "" = the venue's name */
    const char *rest, *stream; /* hosts; "" = the venue's own */
    const char *ca_file;
    const char *key_prefix; /* of the environment variables; "" = the venue's, see wick/account.h */
    const char *env_file;   /* of mode 600; "" = the environment only */
    double timeout_s, poll_s;
    double leverage; /* of entries that bring none; 0: as it stands at the venue */
    int64_t margin;  /* Kraken spot margin; 0: none, and shorts mean flat */
    double deadman_s;
    int64_t address_family;
} wk_bot_account_config;

typedef struct {
    const char *name;
    wk_sections models;  /* wk_bot_model_config */
    wk_sections markets; /* wk_bot_market_config; empty: those of the models */
    int combine;         /* wk_combine_rule */
    wk_strings set;      /* overrides of the first model's configuration for trading and costs:
                            "trade.slots=5" */
    int venue;           /* wk_bot_venue */
    bool testnet;
    double patience_s;   /* how long a step waits for markets that are late */
    double warm_share;   /* of the trader's time around a bar's close that wk_bot_warm may take */
    bool keep_awake;     /* no processor sleeps deeply around a bar's close */
    double initial_cash; /* quote; NaN: the model's sim.initial_cash, or the account's balance */
    const char *store, *history_venue; /* warm-up bars: "" = the default store, the models' venue */
    const char *dir;      /* journal.sqlite and trades.csv lie there; "" = $WICK_HOME/bots/<name> */
    int decisions;        /* wk_bot_decisions: which of them become rows of the journal */
    int64_t summary_hour; /* UTC: a day's summary ends there */
    double reload_s;      /* how often the models' directories are looked at; 0: never */
    const char *feed;     /* file with the feed's configuration (see wick record) */
    const char *overrides; /* file of a person's wishes; "" = <dir>/overrides */
    wk_bot_account_config account;
    wk_alert_config alerts;
    /* Set by the caller, not keys: what the venue says of each market (NULL: nobody asks), and
     * whether shorts are out of the question there. */
    wk_status (*instrument)(void *ctx, const wk_bot_market_config *market, wk_trade_instrument *out,
                            wk_err *err);
    void *instrument_ctx;
    bool no_shorts;
} wk_bot_config;
extern const wk_cfg_table wk_bot_config_table;

/* ---- a bot ---- */

typedef struct wk_bot wk_bot;

/* Loads the models and plans everything. The venue is the caller's executor; when it is NULL the
 * paper one, or for other venues the one that wk_bot_set_executor brings before the first step.
 * journal may be NULL: nothing is kept. `config` must outlive the bot. */
WK_MUST_CHECK wk_status wk_bot_open(const wk_bot_config *config, const wk_executor *executor,
                                    wk_journal *journal, wk_bot **out, wk_err *err);
void wk_bot_close(wk_bot *bot);
/* The caller closes it after the bot. */
void wk_bot_set_executor(wk_bot *bot, const wk_executor *executor);

/* Crash-only start, after wk_bot_open and before the executor of a real venue is made: reads what
 * the journal believes. The table of trades is written anew from it. Steps that closed by since_ns
 * or by the journal's last one (INT64_MIN: only that) are history; at the first step after them the
 * trader, the paper venue and the ledger go on from what was held. cash_e8: at the journal's very
 * first start; INT64_MIN: the configuration's. */
WK_MUST_CHECK wk_status wk_bot_recover(wk_bot *bot, int64_t since_ns, int64_t cash_e8, wk_err *err);
/* What it found, for the executor of a real venue; borrowed. */
typedef struct {
    wk_journal_open_order *orders;
    wk_journal_position *positions;
    size_t n_orders, n_positions;
    int64_t last_step_ns; /* close of the newest journalled step; INT64_MIN: none */
    int64_t cash_e8;      /* now, as fills and funding add up */
} wk_bot_recovered;
const wk_bot_recovered *wk_bot_recovery(const wk_bot *bot);
/* Takes back every entry that waits; nothing else is touched. */
WK_MUST_CHECK wk_status wk_bot_give_up_entries(wk_bot *bot, wk_err *err);
/* Who is told of fills, stops, halts and errors; the caller opens and, after the bot, closes it. */
void wk_bot_set_alerts(wk_bot *bot, wk_alerts *alerts);

size_t wk_bot_n_markets(const wk_bot *bot);
const wk_bot_market_config *wk_bot_market(const wk_bot *bot, size_t s);
const wk_trade_instrument *wk_bot_instruments(const wk_bot *bot);
int64_t wk_bot_timeframe_ns(const wk_bot *bot);
size_t wk_bot_warmup_steps(const wk_bot *bot);
wk_engine *wk_bot_engine(wk_bot *bot);
const wk_forecast *wk_bot_forecasts(const wk_bot *bot); /* [markets] of the newest step */
const wk_run_config *wk_bot_model_run_config(const wk_bot *bot, size_t k);

/* ---- models that are renewed while it runs ---- */

/* What a day's summary is made of. Borrowed. */
typedef struct {
    int64_t from_ns, to_ns, now_ns;
    const char *journal;               /* its directory */
    const char *model;                 /* directory of the first model */
    const wk_run_config *config;       /* likewise */
    const wk_panel *panel;             /* the day's bars; NULL: none */
    const wk_feature_columns *columns; /* with panel: of the 30 days before to_ns */
} wk_bot_day;
enum { WK_BOT_SUMMARY_BYTES = 1500 };

typedef struct {
    bool waits; /* a replay: steps wait for the watcher where they must, so that none is lost */
    /* Is the model in `dir` one that this bot may trade with (a verdict, say)? NULL: any. Called on
     * the watcher's thread. */
    wk_status (*accept)(void *ctx, const char *dir, wk_err *err);
    /* Writes the summary of a day, lines of less than 180 bytes, when the first step after
     * summary_hour has come; it goes to the log, the journal and people. Called on the watcher's
     * thread; a replay waits for it. NULL: none. */
    wk_status (*summarise)(void *ctx, const wk_bot_day *day, char out[WK_BOT_SUMMARY_BYTES],
                           wk_err *err);
    void *ctx;
} wk_bot_watch;

/* Watches the directories of the models, before the first step. A new generation there is loaded,
 * checked, warmed on the steps that the bot has seen and swapped in at a step's boundary, all but
 * the last on a thread of its own; one that does not fit is refused in the log, the journal and by
 * an alert, and the one before serves on. The model begins with the bits of a bot that was started
 * with it. Trading rules stay those of the start. Nothing happens with reload_s 0. */
WK_MUST_CHECK wk_status wk_bot_watch_models(wk_bot *bot, const wk_bot_watch *how, wk_err *err);
/* Waits until the watcher has looked at the directories and has done what it could: for replays and
 * tests. */
void wk_bot_settle(wk_bot *bot);

/* A step that has closed: the executor's bars, its events, the models, the trader, its orders.
 * `warming`: history. */
WK_MUST_CHECK wk_status wk_bot_step(wk_bot *bot, const wk_features_step *step, bool warming,
                                    wk_err *err);

/* Between steps: takes what the venue has to say and sends what has become durable. Call it often.
 * With `wait`, waits for the journal first (replays). */
WK_MUST_CHECK wk_status wk_bot_tend(wk_bot *bot, bool wait, wk_err *err);

/* Between steps of a live feed, often: after trade.stale_bars without any bar, and slack_ns (how
 * late a bar may be), takes waiting entries back and tells people; without stale_bars people are
 * told after a bar and a minute. Told again when bars come. */
WK_MUST_CHECK wk_status wk_bot_listen(wk_bot *bot, int64_t now_ns, int64_t slack_ns, wk_err *err);

/* Goes the way of the next step with the newest bar, so that what it needs lies in the processor's
 * caches when its bar closes: for idle moments shortly before. Changes no bit of what follows.
 * Returns after how many ns it is worth it again, so that it takes warm_share of the time; 0: at
 * once. */
int64_t wk_bot_warm(wk_bot *bot);

typedef struct {
    uint64_t steps, orders, cancels, fills, trades,
        held_back; /* held_back: entries dropped, journal not durable in time */
    uint64_t inputs_digest, intents_digest;
    int64_t decided_ns;       /* monotonic: when the newest step's intents stood, and its exits and
                                 cancels       were with the executor; rows and all else come after */
    double cash, equity, net; /* quote; net: of closed trades */
} wk_bot_counts;
void wk_bot_count(const wk_bot *bot, wk_bot_counts *out);

#endif
