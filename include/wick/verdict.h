/* The verdict: USEFUL or NOT USEFUL, line by line, from a walk-forward result net of all costs.
 *
 * All lines must hold:
 *   1. The mean net return of a trade is above 0 with confidence: the lower end of its two-sided
 *      95 % interval, from a circular block bootstrap of days (below).
 *   2. At least `min_trades` independent trades (200), see wk_verdict_independent: neither trades
 * of one market that overlap nor trades of many markets that are open at once count in full.
 *   3. Every baseline is beaten at equal volatility, that is in daily Sharpe ratio (a line each).
 *      A baseline that never moves (always flat) counts as Sharpe 0. The one-sided p-value of the
 *      difference (paired block bootstrap) is shown, and decides only where baseline_p_max is
 *      below 1: a hybrid that holds its own against its parts is rarely better at 5 %.
 *   4. Total net return above 0 at costs x 1.5.
 *   5. Total net return above 0 when every order comes one bar later.
 * A line without data (NaN) fails; it never passes for want of evidence.
 *
 * Trades open together move together, and so do neighbouring days. So line 1 draws whole days by
 * entry, in blocks, and each draw's expectancy is its sum of returns over its number of trades.
 * The days of all markets are drawn together, so trades that line 2 counts as one fall or stay as
 * one. A block is as long as the cube root of the number of days, at least twice the mean time
 * held. Sources: Politis & Romano 1992; Lahiri 2003 (block length n^(1/3)). */
#ifndef WICK_VERDICT_H
#define WICK_VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/metrics.h"

typedef struct {
    const char *name;
    const double *daily; /* [n_days] net returns of the same days as the strategy's */
} wk_verdict_baseline;

typedef struct {
    /* Closed trades in any order; arrays [n_trades], borrowed. */
    size_t n_trades;
    const uint32_t *symbol;
    const int64_t *entry_ns, *exit_ns;
    const double *net;     /* net return of the trade on its notional (fraction) */
    double uniqueness_sum; /* see wk_verdict_uniqueness; 0 or NaN: not known */

    size_t n_days;
    const double *daily; /* [n_days] net returns of equity, flat days included */
    const wk_verdict_baseline *baselines;
    size_t n_baselines;

    double net_at_costs; /* total net return at costs x 1.5 (fraction); NaN: not run */
    double net_at_delay; /* total net return at one bar's delay; NaN: not run */

    size_t min_trades;     /* 0: 200 */
    double baseline_p_max; /* 0 or 1: the p-value is information only */
    size_t draws;          /* 0: 10,000 */
    uint64_t seed;
} wk_verdict_input;

typedef struct {
    const char *name;
    const char *unit; /* of value and bound: "bp", "%", "trades", "Sharpe" */
    double value, bound;
    bool strict; /* passes when value > bound; else value >= bound */
    bool pass;
    const char *detail; /* a sentence with the figures around it */
} wk_verdict_line;

typedef struct {
    bool useful;
    size_t n_lines;
    wk_verdict_line *lines;
    double expectancy;         /* mean net return of a trade */
    wk_interval expectancy_ci; /* 95 % */
    size_t apart_trades;       /* the most of which no two of one market overlap */
    double uniqueness_sum;     /* as it was given */
    size_t independent_trades; /* the smaller of the two */
    size_t block_days;
} wk_verdict;

/* Judges. Everything in *out lives in `arena`. Deterministic; never fails. */
void wk_verdict_judge(wk_arena *arena, const wk_verdict_input *in, wk_verdict *out);

/* How many trades count as independent: the most that can be chosen so that no two of one symbol
 * overlap in time (earliest exit first), and no more than their sum of uniqueness where known. */
size_t wk_verdict_independent(size_t n, const uint32_t *symbol, const int64_t *entry_ns,
                              const int64_t *exit_ns, double uniqueness_sum);

/* Sum over the trades of their uniqueness (Lopez de Prado 2018, ch. 4): the mean, over the bars a
 * trade is open, of one over the number of trades open at that bar in all markets. Ten markets
 * bought and sold together count as one trade. A trade is open from the bar of its entry to the one
 * before that of its exit, and at least at its entry's. Steps are indices into the panel's grid;
 * entry <= exit. */
double wk_verdict_uniqueness(size_t n, const size_t *entry_step, const size_t *exit_step);

/* {"useful", "lines": [{"name", "value", "bound", "unit", "strict", "pass", "detail"}]} for the
 * report; the caller owns the reference. */
json_t *wk_verdict_json(const wk_verdict *verdict);

#endif
