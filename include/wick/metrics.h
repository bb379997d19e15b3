/* Metrics and statistics of forecasts and of money, as defined in trading practice: simple returns of
 * mark-to-market equity, ddof 1, 365 days a year. Undefined values are NaN (printed "n/a").
 * Sources: Sharpe 1994; Sortino 1994; Lo 2002; Bailey & Lopez de Prado 2012 (PSR), 2014 (DSR);
 * Bailey et al. 2015 (PBO); Wilson 1927; Patton 2011 (QLIKE). */
#ifndef WICK_METRICS_H
#define WICK_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* ---- money: r [n] simple returns, B periods a year ---- */
double wk_sharpe(const double *r, size_t n, double rf, double B);
double wk_sortino(const double *r, size_t n, double target, double B);
double wk_max_drawdown(const double *equity, size_t n); /* equity[0] is the start */
double wk_cagr(const double *equity, size_t n, double B);  /* n - 1 periods */
double wk_profit_factor(const double *pnl, size_t n);      /* inf without losses, NaN without trades */
double wk_cvar(const double *r, size_t n, double tail);
double wk_skewness(const double *r, size_t n); /* population */
double wk_kurtosis(const double *r, size_t n); /* population, non-excess */
double wk_psr(double sharpe_per_bar, double sharpe_ref, size_t n, double skew, double kurt);
double wk_min_track_record(double sharpe_per_bar, double sharpe_ref, double skew, double kurt, double z);
double wk_dsr_reference(double variance_of_sharpes, double n_trials);
double wk_lo_eta(const double *r, size_t n, size_t q);
/* Probability of backtest overfitting; M [T, N] row-major, Sb even blocks. */
double wk_pbo(const double *M, size_t T, size_t N, size_t Sb, double *p_loss, double *slope, double *mean_lambda);

/* ---- resampling: circular block bootstrap of the mean (or Sharpe), deterministic by seed ---- */
typedef struct { double lo, hi, p_le_zero; } wk_interval;
wk_interval wk_bootstrap_sharpe(const double *daily, size_t n, size_t block, size_t draws, uint64_t seed);
wk_interval wk_bootstrap_mean(const double *x, size_t n, size_t block, size_t draws, uint64_t seed);
/* Two-sided p-value of mean(a - b) = 0 by the same scheme, and the interval of the difference. */
double wk_bootstrap_paired(const double *a, const double *b, size_t n, size_t block, size_t draws,
                           uint64_t seed, wk_interval *diff);

/* ---- forecasts ---- */
/* Area under the ROC curve of score against y > 0; NaN pairs are skipped; ties count half. */
double wk_auc(const float *score, const float *y, size_t n);
double wk_rank_correlation(const float *a, const float *b, size_t n); /* Spearman, average ranks */
double wk_qlike(const float *forecast_vol, const float *realised_vol, size_t n); /* mean of v/f - log(v/f) - 1, v = variance */
double wk_log_loss(const float *p, const int8_t *y, size_t n, size_t K);
double wk_brier(const float *p, const int8_t *y, size_t n, size_t K);
double wk_ece(const float *p, const int8_t *hit, size_t n, size_t bins); /* equal-mass bins */
double wk_wilson_lower(size_t hits, size_t n, double z);
double wk_clopper_pearson_lower(size_t hits, size_t n, double alpha);
double wk_psi(const double *expected, const double *actual, size_t bins);
double wk_ks(const float *a, size_t n, const float *b, size_t m);

#endif
