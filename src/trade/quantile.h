/* A trailing pool of magnitudes with exact quantiles, for one refresh a day.
 *
 * Values live in a ring of rows (one row a sampled bar, one cell a market) and hang on lists of
 * buckets cut by the leading bits of the double, so that a value enters and leaves in O(1) and a
 * quantile reads one or two buckets instead of the pool. */
#ifndef WICK_TRADE_QUANTILE_H
#define WICK_TRADE_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"

typedef struct wk__pool wk__pool;

/* Room for `rows` rows of S values. */
wk__pool *wk__pool_plan(wk_arena *arena, size_t rows, size_t S);

/* Appends the row of bar `index` (increasing); NaN cells are left out. The oldest row gives way
 * when the ring is full. */
void wk__pool_push(wk__pool *pool, int64_t index, const double *magnitudes);

/* Forgets rows older than `index`. */
void wk__pool_drop_before(wk__pool *pool, int64_t index);

/* Brings near what a push of this magnitude for market s would write to. */
void wk__pool_warm(const wk__pool *pool, size_t s, double magnitude);

size_t wk__pool_count(const wk__pool *pool);

/* The q-quantile by linear interpolation between order statistics (numpy's default); count >= 1. */
double wk__pool_quantile(wk__pool *pool, double q);

#endif
