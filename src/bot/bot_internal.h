/* The state of a bot, shared by its files. */
#ifndef WICK_BOT_BOT_INTERNAL_H
#define WICK_BOT_BOT_INTERNAL_H

#include <stdio.h>

#include "wick/alert.h"
#include "wick/bot.h"
#include "wick/hash.h"

enum { WK__BOT_MARKETS_MAX = 512, WK__BOT_ACTIONS_MAX = 4 * WK__BOT_MARKETS_MAX };

typedef struct wk__reload wk__reload;

/* An entry that waits for its row of the journal to be durable. */
typedef struct {
    wk_action action;
    uint64_t seq;
    int64_t since_ns;
} wk__waiting;

struct wk_bot {
    const wk_bot_config *config;
    wk_arena arena;
    size_t n_models, S;
    wk_model *models;           /* [n_models] */
    wk_run_config *run_configs; /* [n_models] */
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
    double *sigma_before; /* [S] */
    size_t room, n_waiting, n_again;
    wk__waiting *waiting; /* [room] */
    wk_action *again;     /* [room] */
    FILE *trades;
    char *trades_path;
    wk_bot_counts counts;
    int64_t day; /* of the newest step, since 1970 */
    wk_bot_counts day_start;
};

/* Something the venue said, to the journal, the ledger and the engine. */
WK_MUST_CHECK wk_status wk__bot_event(wk_bot *bot, const wk_trader_event *event, wk_err *err);

/* The markets that the model was judged on, as its configuration's: a simulated one has other names
 * there. */
void wk__bot_name_markets(const wk_model *model, wk_run_config *config, wk_arena *arena);

/* A message for people, also a row of the journal; nothing when the bot has no alerts. */
void wk__bot_alert(wk_bot *bot, wk_alert_kind kind, int64_t time_ns, const char *fmt, ...)
    WK_PRINTF(4, 5);
/* At the first step of a UTC day: the day before in the log, the journal and to people. */
void wk__bot_day(wk_bot *bot);
void wk__bot_alert_fill(wk_bot *bot, const wk_trader_event *fill, const wk_trade *closed);

#endif
