/* The thread that asks for what the streams did not tell: missed bars and, by clock_url, the
 * venue's time. */
#ifndef WICK_VENUE_REPAIR_H
#define WICK_VENUE_REPAIR_H

#include "wick/fresh.h"
#include "wick/live.h"

typedef struct wk__repair wk__repair;

/* history NULL: only clocks. Everything is borrowed until it is closed. */
WK_MUST_CHECK wk_status wk__repair_open(const wk_live_config *config, const wk_live *live,
                                        wk_fresh *fresh, wk_live_history history, void *history_ctx,
                                        wk__repair **out, wk_err *err);
/* Any thread. Bars [from_ns, to_ns) of the shortest timeframe; asks add up. */
void wk__repair_ask(wk__repair *repair, uint32_t market, int64_t from_ns, int64_t to_ns);
/* The same of bars that are stored, of all timeframes: what the venue's history has otherwise is
 * corrected. */
void wk__repair_confirm(wk__repair *repair, uint32_t market, int64_t from_ns, int64_t to_ns);
/* The text of the next "repair" note, NULL when there is none; the caller frees. */
char *wk__repair_take(wk__repair *repair);
void wk__repair_close(wk__repair *repair);

#endif
