/* Proofs on the simulator: does the whole machine find an edge that is there, and none that is not?
 */
#ifndef WICK_PROVE_H
#define WICK_PROVE_H

#include "wick/run.h"

typedef struct {
    uint64_t seed;
    bool useful, covered; /* covered: the interval of the expectancy holds the true one */
    size_t n_trades;
    double expectancy, lo, hi, truth; /* net return of a trade, fractions */
} wk_proof;

/* Runs the experiment on the simulated market of `seed` with the planted `edge`, from candles to
 * verdict. The truth is the mean over its trades of the planted conditional mean returns while the
 * trade was held, less its fees and slippage. */
WK_MUST_CHECK wk_status wk_prove_seed(const wk_run_config *config, uint64_t seed, double edge,
                                      int threads, wk_proof *out, wk_err *err);

#endif
