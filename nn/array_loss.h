/* Losses over rows of outputs and targets, in double. */
#ifndef WK_NN_ARRAY_LOSS_H
#define WK_NN_ARRAY_LOSS_H

#include "nn/real.h"
#include "wick/nn.h"

enum { WK__OUTPUTS_MAX = 4096, WK__PARTS = WK_NN_TASKS_MAX };

typedef struct {
    const wk_nn_fit_config *config;
    size_t n_outputs, K;
    const double *class_weight; /* [n_outputs] or NULL: 1 */
    size_t n_parts;             /* tasks with a weight each, or 1: all targets together */
    double weight[WK__PARTS];   /* of the parts in the loss */
    double factor[WK__PARTS];   /* of the parts in the gradient: weight, but for learned weights */
} wk__array_loss;

/* The loss for K targets; refuses task weights that do not fit. */
WK_MUST_CHECK wk_status wk__array_loss_init(const wk_nn_fit_config *config, size_t n_outputs,
                                            size_t K, wk__array_loss *out, wk_err *err);

/* Learned weights: of each part the log variance s and Adam's moments. */
typedef struct {
    double s[WK__PARTS], m[WK__PARTS], v[WK__PARTS];
} wk__uncertainty;
/* Factors of the gradient: weight c exp(-s), c 1/2 when the loss is a square without its half. */
void wk__uncertainty_factors(const wk__uncertainty *u, size_t n, bool square, const double *weight,
                             double *factor);
/* One step of Adam (betas 0.9, 0.999, eps 1e-8) number t, from 1 on, down the gradient
 * weight (1/2 - c exp(-s) loss); losses [n] are means, NaN: the part had none and stays. */
void wk__uncertainty_update(wk__uncertainty *u, size_t n, bool square, const double *weight,
                            const double *losses, double learning_rate, size_t t);

/* Sums of losses and of the weights that divide them, of each part. */
typedef struct {
    double loss[WK__PARTS], norm[WK__PARTS];
} wk__array_sums;

/* Adds the row's divisors. */
void wk__array_loss_norms(const wk__array_loss *l, const float *target, double weight,
                          wk__array_sums *sums);
/* Adds the row's losses. With `scale` [WK__PARTS] (1 / norm), dout [n_outputs] gets the gradient of
 * the whole; NULL: no gradient. */
void wk__array_loss_row(const wk__array_loss *l, const float *target, double weight,
                        const wk_real *out, const double *scale, wk__array_sums *sums,
                        wk_real *dout);
/* The whole loss: each part's sum over its divisor, times its weight. */
double wk__array_loss_total(const wk__array_loss *l, const wk__array_sums *sums);
#endif
