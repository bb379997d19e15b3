/* The state of a bot, shared by its files. */
#ifndef WICK_BOT_BOT_INTERNAL_H
#define WICK_BOT_BOT_INTERNAL_H

#include <stdio.h>

#include "wick/alert.h"
#include "wick/bot.h"
#include "wick/hash.h"
#include "wick/ledger.h"
#include "wick/text.h"

/* Events of the venue between a start and the first step. */
enum { WK__BOT_EARLY = 256 };

enum { WK__BOT_MARKETS_MAX = 512, WK__BOT_ACTIONS_MAX = 4 * WK__BOT_MARKETS_MAX };

typedef struct wk__reload wk__reload;

/* An entry that waits for its row of the journal to be durable. */
typedef struct {
    wk_action action;
    uint64_t seq;
    int64_t since_ns;
} wk__waiting;

/* A market's open round trip, as the journal's fills add up. */
typedef struct {
    int64_t cash_e8, funding_e8, entered_ns, stopped_ns;
    uint64_t parent;
} wk__trip;
typedef struct wk__recovery wk__recovery;

/* The signals behind a market's newest entries. */
enum { WK__BOT_SCORES = 4 };
typedef struct {
    struct {
        uint64_t order_id;
        double score;
    } v[WK__BOT_SCORES];
    size_t next;
} wk__scores;

/* The halts that people know of. */
typedef struct {
    bool drawdown, day, markets;
    int64_t pause_until_ns; /* 0: none */
} wk__halts;

struct wk_bot {
    const wk_bot_config *config;
    wk_arena arena;
    size_t n_models, S;
    wk_model *models;           /* [n_models] */
    wk_run_config *run_configs; /* [n_models] */
    char (*strategies)[64];     /* [n_models] name and timeframe of the experiment */
    wk_bot_market_config *markets;
    wk_trade_instrument *instruments;
    int64_t timeframe_ns, now_ns;
    wk_engine *engine;
    wk_engine_outcome outcome; /* of the newest step */
    wk__reload *reload;        /* NULL: the models stay as they are */
    wk_arena watch_arena;      /* of its start */
    wk_executor executor;
    wk_journal *journal;
    wk_alerts *alerts; /* NULL: none are sent */
    wk_ledger *ledger;
    double *sigma_before;   /* [S] */
    wk__scores *scores;     /* [S] */
    int64_t since_ns;       /* steps that closed by then are history */
    wk__recovery *recovery; /* until the first step */
    bool began, halt_told, has_row, has_overrides;
    uint8_t *verdicts;     /* [S] wk_trade_verdict of the newest row */
    bool has_news;         /* rows that the journal's thread was not woken for */
    wk_journal_record row; /* of the executor, when the journal's ring was full */
    char *overrides_path;
    int64_t overrides_mark;
    size_t room, n_waiting, n_again;
    wk__waiting *waiting;   /* [room] */
    wk_action *again;       /* [room] */
    wk_trader_event *early; /* [WK__BOT_EARLY] before the first step */
    size_t n_early;
    FILE *trades;
    char *trades_path;
    bool trades_told; /* that it cannot be written */
    wk_bot_counts counts;
    int64_t heard_ns, silent_ns; /* close of the newest bar; and of the one before a silence that
                                    was told, 0: none */
    wk__halts halts;
    int64_t day; /* of the newest step, since 1970 */
    wk_bot_counts day_start, week_start;
};

/* Something the venue said, to the journal, the ledger and the engine. */
WK_MUST_CHECK wk_status wk__bot_event(wk_bot *bot, const wk_trader_event *event, wk_err *err);

/* The markets that the model was judged on, as its configuration's: a simulated one has other names
 * there. */
void wk__bot_name_markets(const wk_model *model, wk_run_config *config, wk_arena *arena);
/* The score behind an entry, for the trade that it opens. */
void wk__bot_remember_score(wk_bot *bot, const wk_order *entry, double score);
/* What a person or the bot itself wants of the trader. */
WK_MUST_CHECK wk_status wk__bot_override(wk_bot *bot, const wk_trader_event *event, wk_err *err);
/* Reads the file of wishes when it has changed. */
WK_MUST_CHECK wk_status wk__bot_wishes(wk_bot *bot, wk_err *err);
/* Before the first step that is not history, which opens at open_ns. */
WK_MUST_CHECK wk_status wk__bot_restore(wk_bot *bot, int64_t open_ns, wk_err *err);
/* At the first step: a market in which no position could ever be opened is an error at a venue. */
WK_MUST_CHECK wk_status wk__bot_check_sizes(wk_bot *bot, const wk_features_step *step, wk_err *err);
/* Before the first step the trader has no money yet: the journal knows. */
void wk__bot_recovered_money(const wk_bot *bot, wk_bot_counts *out);
void wk__bot_recovery_finish(wk_bot *bot);

WK_MUST_CHECK wk_status wk__bot_table_open(wk_bot *bot, wk_err *err);
void wk__bot_table_add(wk_bot *bot, const wk_trade *trade);
/* As wk_ledger_funding says. */
void wk__bot_table_change(wk_bot *bot, const wk_trade changed[2]);
/* The same in a table that is not written yet; false when the trade's line is not in it. */
bool wk__trades_change(wk_text *table, const char *symbol, const wk_trade changed[2]);
/* The whole table, whatever a crash left of it. `others`: the journal has markets that the bot has
 * no more. */
WK_MUST_CHECK wk_status wk__bot_table_write(wk_bot *bot, const wk_text *table, bool others,
                                            wk_err *err);

/* A message for people, also a row of the journal; nothing when the bot has no alerts. */
void wk__bot_alert(wk_bot *bot, wk_alert_kind kind, int64_t time_ns, const char *fmt, ...)
    WK_PRINTF(4, 5);
/* At the first step of a UTC day: the day before in the log, the journal and to people. */
void wk__bot_day(wk_bot *bot);
/* The day of its summaries, since 1970, in which a step closes at time_ns; and that day's week. */
int64_t wk__bot_day_of(const wk_bot *bot, int64_t time_ns);
int64_t wk__bot_week_of(int64_t day);
/* Halts of the whole portfolio, each told once when it begins and once when it ends: after a step's
 * close, and after a fill, which may begin a pause. _restored: those of the run before, told once
 * more before the first step, as who starts a bot that will not trade must know. */
void wk__bot_halts(wk_bot *bot, bool at_close);
void wk__bot_halts_restored(wk_bot *bot);
void wk__bot_alert_fill(wk_bot *bot, const wk_trader_event *fill, const wk_trade *closed);

#endif
