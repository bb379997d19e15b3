/* Bars: candles of one market on a fixed time grid, and panels of several on a common one. */
#ifndef WICK_BARS_H
#define WICK_BARS_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

/* Where a bar comes from. Features see the mask; labels across WK_PROV_UNKNOWN are dropped. */
typedef enum {
    WK_PROV_TRADED = 0,
    WK_PROV_CONFIRMED_EMPTY = 1, /* the venue says that nothing traded */
    WK_PROV_REPAIRED = 2,        /* rebuilt from trades or a later download */
    WK_PROV_IMPUTED = 3,
    WK_PROV_UNKNOWN = 4 /* no bar: absent from the source */
} wk_provenance;

typedef struct {
    int64_t time_ns; /* open of the candle, UTC */
    double open, high, low, close;
    double volume; /* base currency */
} wk_bar;

/* One market's bars: strictly increasing times on the grid of `timeframe_ns`, gaps allowed. */
typedef struct {
    char venue[32];
    char symbol[32];
    int64_t timeframe_ns;
    size_t n;
    wk_bar *bars;        /* [n], owned */
    uint8_t *provenance; /* [n], owned, wk_provenance */
} wk_series;

/* Frees what the series owns. Accepts NULL and a zeroed struct. */
void wk_series_finish(wk_series *series);

/* An empty series with room for n bars (series->n = n, all zero). On failure *out is untouched. */
WK_MUST_CHECK wk_status wk_series_create(const char *venue, const char *symbol,
                                         int64_t timeframe_ns, size_t n, wk_series *out,
                                         wk_err *err);

/* What is impossible about a bar ("high below low"), or NULL when it is sound. */
const char *wk_bar_problem(const wk_bar *bar);

/* Smallest numbers of decimals that write every price and every volume exactly (at most 12): the
 * tick and lot that the data themselves show. */
void wk_series_decimals(const wk_series *series, int *price_decimals, int *volume_decimals);

/* Smallest number of decimals that writes x exactly, at most 12. */
int wk_decimals(double x);

/* Holes on the grid: how many, and how many bars are missing in them together. */
void wk_series_gaps(const wk_series *series, size_t *gaps, size_t *bars_missing);

/* Open of the bucket of `timeframe_ns` that holds time_ns: aligned to 1970-01-01 UTC, multiples of
 * a week to Monday. */
int64_t wk_bucket_start(int64_t time_ns, int64_t timeframe_ns);

/* Rate events: funding (rate as a fraction per interval), known from time_ns on. */
typedef struct {
    size_t n;
    int64_t *time_ns; /* strictly increasing */
    double *rate;
} wk_rates;

void wk_rates_finish(wk_rates *rates);

/* S markets on one grid of T steps. Cell (t, s) is at t * S + s. A cell without a bar has
 * provenance WK_PROV_UNKNOWN and NaN prices. */
typedef struct {
    size_t T, S;
    int64_t timeframe_ns;
    int64_t start_ns;    /* open of step 0; step t opens at start_ns + t * timeframe_ns */
    char (*symbols)[32]; /* [S], owned */
    wk_bar *bars;        /* [T * S], owned */
    uint8_t *provenance; /* [T * S], owned */
    double *funding; /* [T * S], owned: rate charged at the OPEN of step t (0 where none is due);
                        NULL without funding */
    double *funding_known; /* [T * S], owned: newest rate known at the CLOSE of step t, NaN before
                              the first; NULL likewise */
    size_t K; /* columns of outside series and flow features, see wick/outside.h; 0 without */
    double
        *outside; /* [T * S * K], owned: what was known at the CLOSE of step t, NaN where nothing */
} wk_panel;

/* Room for K more columns of NaN beside those there are: returns the index of the first new one
 * through *first. */
WK_MUST_CHECK wk_status wk_panel_widen(wk_panel *panel, size_t K, size_t *first, wk_err *err);

/* Aligns the series on the smallest grid that holds all of them, cut to [from_ns, to_ns) where
 * those are not 0. All series must share timeframe_ns and its phase. *out is owned by the caller.
 *
 * funding may be NULL, or hold one entry a series (n = 0: none for that market). A rate is charged
 * at the open of the step whose open is nearest to its time; several in a step (daily bars) add up,
 * but a second one within an hour replaces the first. funding_known takes a rate from the first
 * close strictly after its time. With `funding_fallback_mean` a market without its own rate at an
 * 8-hour mark, and a market without any series whenever another is charged, pays the mean of those
 * that have one, or 0.0001 an 8-hour mark when none has. */
WK_MUST_CHECK wk_status wk_panel_build(const wk_series *series, size_t S, const wk_rates *funding,
                                       int funding_fallback_mean, int64_t from_ns, int64_t to_ns,
                                       wk_panel *out, wk_err *err);
void wk_panel_finish(wk_panel *panel);

/* Drops the first n_steps < T steps and gives their memory back. */
void wk_panel_drop(wk_panel *panel, size_t n_steps);

/* Resamples to a multiple of the timeframe. A bucket appears only when it has closed, that is when
 * a bar at or after its end has been seen or the series covers its last step; a bucket without any
 * bar is absent. */
WK_MUST_CHECK wk_status wk_series_resample(const wk_series *in, int64_t timeframe_ns,
                                           wk_series *out, wk_err *err);

#endif
