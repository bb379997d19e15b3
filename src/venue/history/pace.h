/* Politeness: how long to wait before a call. Pure: time and chance come from the caller. */
#ifndef WICK_VENUE_HISTORY_PACE_H
#define WICK_VENUE_HISTORY_PACE_H

#include <stdint.h>

/* A bucket of weights that fills by rate_per_s up to burst. A zeroed one with rate and burst set
 * starts full. */
typedef struct {
    double rate_per_s, burst;
    double level;
    int64_t time_ns; /* of level; 0: never used */
} wk_pace;

/* Takes `weight` and returns how many ns to wait before the call: 0 while there is enough. */
int64_t wk__pace_take(wk_pace *pace, double weight, int64_t now_ns);

/* The wait before try `n` (1: the first repetition): base doubles each time up to most; chance
 * [0, 1) picks from its upper half, so that many clients do not come back at once. Never less than
 * what the venue asked for (asked_ns, -1: nothing), to which a tenth of the base is added by
 * chance.
 */
int64_t wk__pace_backoff(int n, int64_t base_ns, int64_t most_ns, int64_t asked_ns, double chance);

#endif
