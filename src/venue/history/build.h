/* Candles from trades, and longer candles from shorter ones: prices by comparison, volumes as exact
 * sums, so that the result is the venue's own candle to the last digit. */
#ifndef WICK_VENUE_HISTORY_BUILD_H
#define WICK_VENUE_HISTORY_BUILD_H

#include "rows.h"

/* One candle being built. A zeroed one is empty. */
typedef struct {
    bool has_trades;
    wk_decimal open, high, low, close;
    wk_decimal volume; /* exact while volume_is_exact */
    bool volume_is_told, volume_is_exact;
    double volume_sum;
} wk_candle_build;

void wk__build_add(wk_candle_build *build, wk_decimal open, wk_decimal high, wk_decimal low,
                   wk_decimal close, wk_decimal volume);
/* The volume as the nearest double, times `unit` (exactly, where the product fits). */
double wk__build_volume(const wk_candle_build *build, wk_decimal unit);

/* -1, 0, 1; exact for scales up to 18 apart. */
int wk__decimal_compare(wk_decimal a, wk_decimal b);
/* False when the exact result has no room. */
bool wk__decimal_add(wk_decimal a, wk_decimal b, wk_decimal *out);
bool wk__decimal_multiply(wk_decimal a, wk_decimal b, wk_decimal *out);

/* Rows of base_ns in time order, each open time once, to bars of timeframe_ns (a multiple). Rows in
 * which nothing traded (volume 0, four equal prices) matter only where a whole bar has no others:
 * then it is WK_PROV_CONFIRMED_EMPTY. volume_unit: what one of the venue's counts is worth in base
 * currency (scale -1: volumes are left 0). Appends to out, which holds room for n more. */
size_t wk__build_bars(const wk_rest_candle *rows, size_t n, int64_t timeframe_ns,
                      wk_decimal volume_unit, int64_t arrival_ns, wk_fresh_bar *out);

#endif
