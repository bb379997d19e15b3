/* One forecast out of several models'. */
#ifndef WICK_BOT_COMBINE_H
#define WICK_BOT_COMBINE_H

#include "wick/engine.h"

typedef struct {
    const wk_forecast *forecast;
    double weight;
    int64_t priority;
} wk__opinion;

/* +1, -1 or 0 (HOLD): the most probable class, or without classes the sign of the score. */
int wk__opinion_side(const wk_forecast *forecast);

/* Combines the n opinions by the rule; invalid forecasts and weights of 0 do not speak. A single
 * opinion comes back as it is, bit for bit. The entry threshold is the strictest of those that
 * speak. */
wk_forecast wk__combine(int rule, const wk__opinion *opinions, size_t n);

/* Whose doing the combined forecast is: of those on its side the first by priority, under the other
 * rules the heaviest, ties by index; where nobody is on its side, of all. SIZE_MAX: nobody speaks.
 */
size_t wk__combine_speaker(int rule, const wk__opinion *opinions, size_t n,
                           const wk_forecast *combined);

#endif
