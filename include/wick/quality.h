/* How good stored candles are: coverage, outliers, frozen prices, and one venue against another. */
#ifndef WICK_QUALITY_H
#define WICK_QUALITY_H

#include "wick/bars.h"

enum { WK_QUALITY_BUCKETS = 240, WK_QUALITY_MARKS = 10, WK_STALE_BARS = 12 };

typedef enum {
    WK_MARK_JUMP,  /* the price moved and stayed */
    WK_MARK_SPIKE, /* a close far away from both its neighbours: usually a false print */
    WK_MARK_WICK   /* high or low far beyond open and close */
} wk_quality_kind;

/* A place worth looking at. */
typedef struct {
    int64_t time_ns;
    int64_t n_bars; /* of a gap or a frozen run; 1 else */
    int kind;       /* wk_quality_kind of an outlier */
    double move;    /* of an outlier: the fraction that the price moved */
    double score;   /* of an outlier: in robust standard deviations of its neighbourhood */
    double price;
} wk_quality_mark;

/* One of WK_QUALITY_BUCKETS equal spans between first and last bar. */
typedef struct {
    double low, high, close; /* NaN without a bar */
    size_t n, n_expected, n_empty;
} wk_quality_bucket;

typedef struct {
    size_t n, n_expected; /* bars, and steps of the grid from first to last */
    size_t gaps, bars_missing;
    wk_quality_mark longest_gaps[WK_QUALITY_MARKS];
    size_t n_longest_gaps;
    size_t n_outliers, n_spikes;
    wk_quality_mark outliers[WK_QUALITY_MARKS]; /* by score */
    size_t n_shown_outliers;
    /* Runs of at least WK_STALE_BARS bars whose open, high, low and close are all one price. Bars
     * that traded (volume above 0) and did not move are counted apart: a live market moves. */
    size_t stale_runs, stale_bars, stale_traded_bars;
    wk_quality_mark longest_stale[WK_QUALITY_MARKS];
    size_t n_longest_stale;
    size_t n_zero_volume;
    size_t n_provenance[WK_PROV_UNKNOWN + 1];
    double move_typical; /* median absolute return of a bar */
    wk_quality_bucket buckets[WK_QUALITY_BUCKETS];
} wk_quality;

/* series->n >= 1. Returns are taken between neighbours on the grid only. An outlier is a return, or
 * a wick, of more than 20 robust deviations (1.4826 times the median absolute return of the 192
 * bars around its block of 64, at least half the series' own): volatility comes in bursts, a false
 * print stands out of its burst. */
WK_MUST_CHECK wk_status wk_quality_measure(const wk_series *series, wk_quality *out, wk_err *err);

/* The same market at two venues, where both have a bar; differences are (b - a) / a of the closes.
 */
typedef struct {
    size_t n, only_a, only_b;     /* common bars; bars of one alone inside the common time */
    int64_t first_ns, last_ns;    /* the common time */
    double median, mad, p99, max; /* of the difference: signed median, the others absolute */
    int64_t max_ns;
    double correlation[3]; /* of returns, each cut at 10 typical ones, with b one bar early, at the
                              same time, one bar late */
    struct {
        double p5, median, p95; /* NaN without a bar */
    } buckets[WK_QUALITY_BUCKETS];
} wk_quality_pair;

/* a and b have one timeframe; WK_E_NOT_FOUND when they have fewer than 2 bars in common. */
WK_MUST_CHECK wk_status wk_quality_compare(const wk_series *a, const wk_series *b,
                                           wk_quality_pair *out, wk_err *err);

/* Do two symbols name one market? "XBT/USD" and "BTC-USD" do; so do BTCUSD and BTCUSDT, whose
 * quotes are worth nearly the same: *exact is 0 then. */
int wk_quality_same_market(const char *a, const char *b, int *exact);

#endif
