/* A bot at a real venue: its instruments, account and executor, from the configuration. */
#ifndef WICK_BOT_ACCOUNT_START_H
#define WICK_BOT_ACCOUNT_START_H

#include "executor_live.h"
#include "wick/bot.h"

typedef struct wk_bot_account wk_bot_account;

typedef struct {
    const wk_bot_config *config; /* borrowed */
    const char *dir;             /* of the bot: instruments and nonces are kept there */
    bool validate;               /* Kraken: orders are checked and not placed */
    bool virtual_time;           /* rehearsal: only where every host is this machine */
    const atomic_bool *stop;
} wk_bot_account_options;

/* Checks what can be checked without the venue, and puts itself into config->instrument:
 * wk_bot_open then asks the venue for its markets. On success wk_bot_account_close frees. */
WK_MUST_CHECK wk_status wk_bot_account_open(const wk_bot_account_options *options,
                                            wk_bot_config *config, wk_bot_account **out,
                                            wk_err *err);
/* Keys, clock, balance, recovery (wk_bot_recover with since_ns), reconciliation; then the executor
 * is the bot's. begin_ns: virtual time begins there unless the journal goes further. Nothing is
 * sent before all is well. */
WK_MUST_CHECK wk_status wk_bot_account_start(wk_bot_account *venue, wk_bot *bot,
                                             wk_journal *journal, int64_t since_ns,
                                             int64_t begin_ns, wk_err *err);
/* Waiting entries are taken back, stops and exits stay; blocks for a few seconds. */
void wk_bot_account_retire(wk_bot_account *venue, wk_bot *bot, wk_journal *journal);
/* After the bot. */
void wk_bot_account_close(wk_bot_account *venue);

/* Every model directory of the bot says USEFUL (verdict.json, written by wick run and wick
 * backtest): WK_E_CONFIG names the first that does not. */
WK_MUST_CHECK wk_status wk_bot_verdict(const wk_bot_config *config, wk_err *err);

WK_MUST_CHECK wk_status wk_bot_verdict_of(const char *model_dir, wk_err *err);

#endif
