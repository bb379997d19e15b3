/* A simulated market with a planted, known edge: the demo without data, and the proofs of the
 * verdict.
 *
 * Log returns follow a GARCH-like volatility with a common factor; with edge > 0 the next-bar
 * return has the conditional mean edge * sigma_t * g(state_t), where g is a bounded function of the
 * last bars' returns (short-term overreaction conditional on the common factor), so that causal
 * features can recover it; edge 0 is a random walk of the log price with fat tails. Market 0 leads:
 * the others' overreaction is judged against its last bar. Every open is the close before; prices
 * have six decimals. Bars are built from intrabar steps so that high and low are consistent. Same
 * (seed, S, T, edge) gives the same bits on every machine. */
#ifndef WICK_SYNTHETIC_H
#define WICK_SYNTHETIC_H

#include "wick/bars.h"

typedef struct {
    uint64_t seed;
    size_t S, T;
    int64_t start_ns, timeframe_ns;
    double edge; /* 0: none; 0.10: a clear one (information coefficient of the conditional mean) */
    double sigma_bar; /* typical volatility of one bar, e.g. 0.008 */
} wk_synthetic_params;

/* Symbols are "SYN0".."SYNn". If `mean` is not NULL it receives [T * S] the true conditional mean
 * of the log return of bar t+1 known at the close of bar t (for tests). */
WK_MUST_CHECK wk_status wk_synthetic_panel(const wk_synthetic_params *params, wk_panel *out,
                                           double *mean, wk_err *err);

#endif
