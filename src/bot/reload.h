/* Models that are renewed while a bot runs. A thread of its own looks at the models' directories,
 * loads what is new, warms it on the steps that the bot has seen, and offers it; the trader's
 * thread takes an offer at a step's boundary by exchanging a few pointers. */
#ifndef WICK_BOT_RELOAD_H
#define WICK_BOT_RELOAD_H

#include "bot_internal.h"

/* The trader's thread, before the engine sees the step: takes what is offered, and hands the step
 * to the watcher. No lock and no allocation; while the bot warms up (or replays, when the watch
 * says so) it may wait for the watcher. */
void wk__reload_boundary(wk_bot *bot, const wk_features_step *step, bool warming);
/* The trader's thread, between steps: what the watcher wants to be told. */
void wk__reload_tell(wk_bot *bot);
/* A day has ended, and its row of the journal has this number; false: nobody summarises it. The
 * trader's thread; a replay waits for the summary. */
bool wk__reload_day(wk_bot *bot, int64_t end_ns, uint64_t seq);
/* Ends the thread and frees what it holds; before the engine's arena goes. */
void wk__reload_close(wk__reload *reload);

#endif
