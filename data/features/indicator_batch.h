/* Whole arrays through the indicators: loops over the same push, one output a bar. Inputs [n],
 * outputs [n] that may not alias them; an output pointer may be NULL where several are given. */
#ifndef WICK_DATA_FEATURES_INDICATOR_BATCH_H
#define WICK_DATA_FEATURES_INDICATOR_BATCH_H

#include "data/features/candles.h"
#include "data/features/indicator_flow.h"

void wk_ind_ema_batch(int64_t period, const double *x, size_t n, double *out);
void wk_ind_sma_batch(int64_t period, const double *x, size_t n, double *out);
void wk_ind_rsi_batch(int64_t period, const double *x, size_t n, double *out);
void wk_ind_roc_batch(int64_t period, const double *x, size_t n, double *out);
void wk_ind_macd_batch(int64_t fast, int64_t slow, int64_t signal, const double *x, size_t n,
                       double *line, double *signals, double *histogram);
void wk_ind_bbands_batch(int64_t period, double width, const double *x, size_t n, double *upper,
                         double *middle, double *lower);
void wk_ind_atr_batch(int64_t period, const double *h, const double *l, const double *c, size_t n,
                      double *out);
void wk_ind_willr_batch(int64_t period, const double *h, const double *l, const double *c, size_t n,
                        double *out);
void wk_ind_cci_batch(int64_t period, const double *h, const double *l, const double *c, size_t n,
                      double *out);
void wk_ind_stoch_batch(int64_t period, int64_t slow, int64_t signal, const double *h,
                        const double *l, const double *c, size_t n, double *k, double *d);
void wk_ind_mfi_batch(int64_t period, const double *h, const double *l, const double *c,
                      const double *v, size_t n, double *out);
void wk_ind_obv_batch(const double *c, const double *v, size_t n, double *out);
void wk_ind_adx_batch(int64_t period, const double *h, const double *l, const double *c, size_t n,
                      double *adx, double *plus, double *minus);
/* All patterns: out [n * WK_CANDLE_PATTERNS]. */
void wk_candles_batch(const double *o, const double *h, const double *l, const double *c, size_t n,
                      double *out);

#endif
