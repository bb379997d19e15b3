/* What may go wrong beside a trader, on purpose: a venue whose REST takes half a second, a name
 * that is looked up for ever, and a disk whose syncs stall. For wick bench signal.path. */
#ifndef WICK_CLI_BENCH_SIGNAL_LOAD_H
#define WICK_CLI_BENCH_SIGNAL_LOAD_H

#include "wick/bot.h"

typedef struct wk__bench_load wk__bench_load;

/* Journals that are opened from now on stall. */
WK_MUST_CHECK wk_status wk__bench_load_start(wk__bench_load **out, wk_err *err);
/* The bot's venue: a live executor on its own thread, with that slow account. */
WK_MUST_CHECK wk_status wk__bench_load_executor(wk__bench_load *load, wk_bot *bot, wk_err *err);
/* Before the bot is closed: nothing of it is used afterwards. Journals have to be closed too before
 * wk__bench_load_stop. */
void wk__bench_load_close(wk__bench_load *load);
void wk__bench_load_stop(wk__bench_load *load);
/* What it did: requests that were slow, syncs that stalled. */
void wk__bench_load_count(const wk__bench_load *load, size_t *requests, size_t *stalls);

#endif
