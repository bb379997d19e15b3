/* Drift of live features against those of training: PSI over the training deciles, and
 * Kolmogorov-Smirnov. */
#ifndef WICK_OPS_DRIFT_H
#define WICK_OPS_DRIFT_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"

enum { WK_DRIFT_POINTS_MAX = 1024 };

typedef struct {
    char name[64];
    size_t n_points, n; /* n: training values behind the points */
    double missing;     /* share */
    float *points;      /* quantiles, rising */
} wk_drift_column;

typedef struct {
    size_t n;
    wk_drift_column *columns;
} wk_drift_reference;

/* Reads model_dir/reference.json; a model trained without one is WK_E_NOT_FOUND. */
WK_MUST_CHECK wk_status wk_drift_reference_read(const char *model_dir, wk_drift_reference *out,
                                                wk_err *err);
void wk_drift_reference_finish(wk_drift_reference *reference);

typedef struct {
    size_t n;
    double psi, ks, p; /* p: of the KS distance were the rows independent; NaN without rows */
    double missing, missing_before;
    bool flagged; /* from 200 rows on: by PSI >= 0.25, or KS >= 0.1 that holds under a false
                     discovery rate of 5 % */
} wk_drift;

/* One column of live values [n]; NaN: missing. flagged is left to wk_drift_flag. */
wk_drift wk_drift_measure(const wk_drift_column *before, const float *now, size_t n);
/* Flags among all columns: Benjamini-Hochberg over their p. */
void wk_drift_flag(wk_drift *columns, size_t n);
/* P(D > d) of the asymptotic Kolmogorov distribution with Stephens' correction; n_effective =
 * n m / (n + m). */
double wk_drift_ks_p(double d, double n_effective);

#endif
