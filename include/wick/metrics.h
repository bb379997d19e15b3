/* Metrics and statistics of forecasts and of money, as defined in trading practice: simple returns
 * of mark-to-market equity, ddof 1, 365 days a year. Undefined values are NaN (printed "n/a").
 * Inputs are borrowed and unchanged; nothing fails (memory that runs out stops the program), and
 * all sums run in index order, so equal inputs give equal bits.
 * Sources: Sharpe 1994; Sortino 1994; Lo 2002; Bailey & Lopez de Prado 2012 (PSR), 2014 (DSR);
 * Bailey et al. 2015 (PBO); Acerbi & Tasche 2002 (CVaR); Politis & Romano 1992 (circular blocks);
 * Wilson 1927; Clopper & Pearson 1934; Patton 2011 (QLIKE). */
#ifndef WICK_METRICS_H
#define WICK_METRICS_H

#include <stddef.h>
#include <stdint.h>

/* Periods a year of a market that never closes. */
#define WK_DAYS_PER_YEAR 365.0

/* ---- money: r [n] simple returns, B periods a year ---- */
double wk_mean(const double *x, size_t n);
double wk_stdev(const double *x, size_t n); /* ddof 1; NaN below two values */
double wk_sharpe(const double *r, size_t n, double rf, double B);
/* The downside deviation is taken over all periods, not over the losing ones only. */
double wk_sortino(const double *r, size_t n, double target, double B);
double wk_max_drawdown(const double *equity, size_t n);     /* equity[0] is the start */
double wk_cagr(const double *equity, size_t n, double B);   /* n - 1 periods */
double wk_calmar(const double *equity, size_t n, double B); /* CAGR / max drawdown, whole period */
double wk_profit_factor(const double *pnl, size_t n); /* inf without losses, NaN without trades */
/* Expected loss in the worst `tail` share of periods, as a (mostly negative) return; a period that
 * straddles the tail counts with the share inside it. */
double wk_cvar(const double *r, size_t n, double tail);
double wk_ulcer(const double *equity, size_t n); /* root mean square of the drawdowns */
/* 95th percentile over |5th percentile| of r. */
double wk_tail_ratio(const double *r, size_t n);
double wk_skewness(const double *r, size_t n); /* population */
double wk_kurtosis(const double *r, size_t n); /* population, non-excess */
/* Probability that the true Sharpe exceeds sharpe_ref; all Sharpes per bar. */
double wk_psr(double sharpe_per_bar, double sharpe_ref, size_t n, double skew, double kurt);
double wk_min_track_record(double sharpe_per_bar, double sharpe_ref, double skew, double kurt,
                           double z);
/* Sharpe expected of the best of n_trials without skill: the reference of the deflated Sharpe,
 * DSR = wk_psr(sharpe, wk_dsr_reference(...), ...). One trial: 0. */
double wk_dsr_reference(double variance_of_sharpes, double n_trials);
/* Trials that count when they correlate: rho + (1 - rho) N. */
double wk_effective_trials(double n_trials, double mean_correlation);
double wk_lo_eta(const double *r, size_t n, size_t q);

/* The deepest fall of equity: from its peak to its lowest point, in periods. */
typedef struct {
    double depth;           /* fraction of the peak */
    size_t peak, trough;    /* indices */
    size_t recovered;       /* first index back at the peak; n when it never came back */
    size_t longest_periods; /* longest time under water of the whole series */
} wk_drawdown;
wk_drawdown wk_drawdown_find(const double *equity, size_t n);

/* Probability of backtest overfitting; M [T, N] row-major, Sb even blocks (2..24). Metric: mean/sd.
 * p_loss: share of choices whose metric out of sample is below 0; slope: of out-of-sample on
 * in-sample metric; mean_lambda: mean logit of the relative rank. Each may be NULL. */
double wk_pbo(const double *M, size_t T, size_t N, size_t Sb, double *p_loss, double *slope,
              double *mean_lambda);

/* ---- days: the headline ratios are those of daily returns ----
 * A UTC day ends with its midnight: a bar that closes at 00:00 belongs to the day before. */
size_t wk_daily_count(int64_t first_close_ns, int64_t last_close_ns);
/* Daily returns of mark-to-market equity from its bar closes, time_ns [n] rising. start: equity
 * before the first bar. Writes wk_daily_count(time_ns[0], time_ns[n - 1]) values to returns, day_ns
 * (the day's first instant) and equity_out (equity at its end), each of which may be NULL; days
 * without bars have return 0. Equity at or below 0 is ruin: -1 on its day and 0 ever after. Returns
 * the number of days. */
size_t wk_daily_returns(const int64_t *time_ns, const double *equity, size_t n, double start,
                        double *returns, int64_t *day_ns, double *equity_out);

/* ---- resampling: circular block bootstrap of the mean (or Sharpe), deterministic by seed ----
 * lo and hi are the 2.5 % and 97.5 % percentiles of the draws, p_le_zero the share at or below 0.
 * All NaN for n < 2. A block longer than n is cut to n. */
typedef struct {
    double lo, hi, p_le_zero;
} wk_interval;
/* Annualised by sqrt(365). */
wk_interval wk_bootstrap_sharpe(const double *daily, size_t n, size_t block, size_t draws,
                                uint64_t seed);
wk_interval wk_bootstrap_mean(const double *x, size_t n, size_t block, size_t draws, uint64_t seed);
/* Two-sided p-value of mean(a - b) = 0 by the same scheme, and the interval of the difference. */
double wk_bootstrap_paired(const double *a, const double *b, size_t n, size_t block, size_t draws,
                           uint64_t seed, wk_interval *diff);

/* ---- forecasts ---- */
/* Area under the ROC curve of score against y > 0; NaN pairs are skipped; ties count half. */
double wk_auc(const float *score, const float *y, size_t n);
/* Spearman: of average ranks; NaN pairs are skipped. */
double wk_rank_correlation(const float *a, const float *b, size_t n);
/* Mean of v/f - log(v/f) - 1 over variances v and f; rows where either is 0 or NaN are skipped. */
double wk_qlike(const float *forecast_vol, const float *realised_vol, size_t n);
/* p [n, K] probabilities, y [n] classes; rows with y < 0 are skipped. K = 1: p is that of y = 1.
 * Log-loss clips p at 1e-7; the Brier score of K > 1 sums over classes (0..2). */
double wk_log_loss(const float *p, const int8_t *y, size_t n, size_t K);
double wk_brier(const float *p, const int8_t *y, size_t n, size_t K);
double wk_ece(const float *p, const int8_t *hit, size_t n, size_t bins); /* equal-mass bins */
/* The reliability curve behind it: per bin the mean forecast, the observed share and the count,
 * each [bins]. An empty bin (n < bins) has count 0 and NaN. */
void wk_reliability(const float *p, const int8_t *hit, size_t n, size_t bins, double *said,
                    double *seen, size_t *count);
/* counts [K, K]: rows the class y, columns the likeliest forecast of p [n, K] (the lower class at a
 * tie); rows with y < 0 or a NaN are skipped. */
void wk_confusion(const float *p, const int8_t *y, size_t n, size_t K, size_t *counts);
double wk_wilson_lower(size_t hits, size_t n, double z);
double wk_clopper_pearson_lower(size_t hits, size_t n, double alpha);
/* Population stability of two histograms of shares; a share below 1e-4 counts as 1e-4. */
double wk_psi(const double *expected, const double *actual, size_t bins);
double wk_ks(const float *a, size_t n, const float *b, size_t m); /* NaN values are skipped */

#endif
