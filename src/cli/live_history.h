/* What wick record asks wick fetch for: bars that the streams did not tell. */
#ifndef WICK_CLI_LIVE_HISTORY_H
#define WICK_CLI_LIVE_HISTORY_H

#include "wick/arena.h"
#include "wick/live.h"

typedef struct wk__live_history wk__live_history;

/* Borrows the configuration. */
WK_MUST_CHECK wk_status wk__live_history_open(const wk_live_config *config, wk__live_history **out,
                                              wk_err *err);
/* A wk_live_history; ctx is the wk__live_history. One thread at a time. */
wk_status wk__live_history_get(void *ctx, const char *venue, const char *name_stream,
                               int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                               wk_err *err);
/* Fills in the contract values that the configuration leaves out, where a venue trades contracts:
 * volumes of bars are in the base currency. Unknown ones are a warning. */
WK_MUST_CHECK wk_status wk__live_contract_values(wk__live_history *history, wk_live_config *config,
                                                 wk_arena *arena, wk_err *err);
void wk__live_history_close(wk__live_history *history);

#endif
