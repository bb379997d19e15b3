/* Linear baselines: ridge and logistic regression on standardised columns.
 *
 * A model that cannot beat these does not deserve its parameters. Columns are standardised with the
 * weighted mean and deviation of the training rows (NaN counts as the mean; values beyond 10
 * deviations count as 10; a constant column gets coefficient 0). The intercept is not penalised.
 * Rows are cut into blocks by their number alone and partial sums join in block order: the same
 * bits for any number of threads. Sources: Hoerl & Kennard 1970; McCullagh & Nelder 1989 (IRLS). */
#ifndef WICK_LINEAR_H
#define WICK_LINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/err.h"

/* Rows of a table, borrowed. */
typedef struct {
    const float *X; /* row-major, NaN = missing */
    size_t stride;  /* floats between rows of X */
    size_t n_cols;
    const uint32_t *rows; /* [n_rows] indices into X, y and weight; NULL: 0..n_rows-1 */
    size_t n_rows;
    const float *y;      /* target; a row whose y is NaN is skipped */
    const float *weight; /* or NULL */
} wk_linear_data;

typedef struct {
    size_t n_cols;
    int logistic;        /* predict passes the sum through the sigmoid */
    double intercept;    /* at the mean of all columns */
    double *coefficient; /* [n_cols] per standard deviation of the column */
    double *mean;        /* [n_cols] */
    double *scale;       /* [n_cols] 1 / deviation; 0 for a constant column */
} wk_linear;

/* Ridge regression: least weighted squared error + l2 * sum of squared coefficients, where weights
 * are scaled to mean 1 and l2 is in rows (0.01 * n_rows is a usual choice). The model lives in
 * `arena`. WK_E_DATA without usable rows, WK_E_ARG for a negative l2 or no columns. */
WK_MUST_CHECK wk_status wk_linear_fit(wk_arena *arena, const wk_linear_data *data, double l2,
                                      int threads, wk_linear *out, wk_err *err);

/* Logistic regression by Newton's method (IRLS) for y > 0 against y <= 0; at most 25 steps. */
WK_MUST_CHECK wk_status wk_logistic_fit(wk_arena *arena, const wk_linear_data *data, double l2,
                                        int threads, wk_linear *out, wk_err *err);

/* One row of n_cols floats: the value (ridge) or the probability of y > 0 (logistic). */
double wk_linear_predict(const wk_linear *model, const float *row);

#endif
