/* Steps of the whole panel out of bars that close market by market. What a step holds depends on
 * arrival times alone, so a replay makes the steps of the live session. */
#ifndef WICK_BOT_ASSEMBLE_H
#define WICK_BOT_ASSEMBLE_H

#include "wick/features.h"

typedef struct wk_assembler wk_assembler;

/* patience_ns: a step waits so long after its close for markets that are late; then they are
 * missing in it. */
wk_assembler *wk_assembler_plan(wk_arena *arena, size_t S, int64_t timeframe_ns,
                                int64_t patience_ns);

/* The first step that will come opens at time_ns (on the grid); whatever waits is dropped. */
void wk_assembler_begin(wk_assembler *a, int64_t time_ns);

/* A bar has closed. One that comes too late for its step, or is beyond the room ahead, is dropped.
 */
void wk_assembler_bar(wk_assembler *a, size_t s, const wk_bar *bar, uint8_t provenance,
                      int64_t arrival_ns);
/* A funding rate became known. */
void wk_assembler_funding(wk_assembler *a, size_t s, double rate);

/* The next step when it is whole, or when its patience ended at now_ns; borrowed until the next
 * call. */
bool wk_assembler_next(wk_assembler *a, int64_t now_ns, wk_features_step *out);
/* When to ask again though nothing came: INT64_MAX when nothing waits. */
int64_t wk_assembler_due_ns(const wk_assembler *a);

#endif
