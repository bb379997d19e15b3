/* Labels: what a model learns to predict, with the time until which each looks ahead.
 *
 * All labels of step t are known from the open of step t+1 (the first tradable price after the
 * close of t) on, and look at most at the bars up to `end` (a step index): the label is absent
 * (NaN, end = 0) unless all of them exist. A label never spans an unknown bar's open. */
#ifndef WICK_LABELS_H
#define WICK_LABELS_H

#include "wick/bars.h"
#include "wick/config.h"

typedef enum {
    WK_LABEL_BOUNDED = 0,        /* clip(log(open[t+1+k] / open[t+1]) / bound, -1, 1) */
    WK_LABEL_FORWARD_RETURN = 1, /* log(open[t+1+k] / open[t+1]) */
    WK_LABEL_THRESHOLD =
        2, /* class 0 SELL, 1 HOLD, 2 BUY: return over k bars below -bound, between, above bound */
    WK_LABEL_TRIPLE_BARRIER =
        3, /* -1 SL first, +1 TP first, 0 at a double touch; at time out return / barrier clipped */
    WK_LABEL_VOLATILITY = 4 /* sqrt(mean of squared log returns) over bars t+1..t+k */
} wk_label_kind;

typedef struct {
    int kind; /* wk_label_kind */
    int64_t horizon_bars;
    double bound; /* fraction of the price (0.005), or multiples of sigma when vol_scaled */
    double take_profit, stop_loss; /* triple barrier widths, fraction or multiples; 0: bound */
    bool vol_scaled;               /* widths x sigma[t] x sqrt(horizon) */
} wk_label_config;
extern const wk_cfg_table wk_label_config_table;

/* y [T * S] and end [T * S] (the last step index the label looks at; 0 where absent).
 * sigma [T * S] is needed for vol_scaled only; a label whose sigma is not above 0 is absent.
 *
 * Returns over k bars (bounded, forward return, threshold) are logarithms, need the opens of t+1
 * and t+1+k only, and end at t+1+k. Triple barrier and volatility need all bars t+1..t+k and end at
 * t+k. A barrier is a fraction of the entry price and is touched at equality; at time out the close
 * of t+k counts, over the barrier on its side. The first return of a volatility runs from the open
 * of t+1 to its close. */
WK_MUST_CHECK wk_status wk_labels_make(const wk_label_config *config, const wk_panel *panel,
                                       const double *sigma, float *y, int32_t *end, wk_err *err);

/* Average uniqueness of each label (Lopez de Prado 2018, ch. 4) per symbol: w [T * S]; 0 where
 * absent. */
void wk_labels_uniqueness(const int32_t *end, size_t T, size_t S, float *w);

#endif
