/* Losses over rows of outputs and targets, in double. */
#ifndef WK_NN_ARRAY_LOSS_H
#define WK_NN_ARRAY_LOSS_H

#include "nn/real.h"
#include "wick/nn.h"

enum { WK__OUTPUTS_MAX = 4096, WK__PARTS = 3 };

typedef struct {
    const wk_nn_fit_config *config;
    size_t n_outputs, K;
    const double *class_weight; /* [n_outputs] or NULL: 1 */
} wk__array_loss;

/* Sums of losses and of the weights that divide them: one part, but three of the trading heads. */
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
/* Weight of part i in the whole. */
double wk__array_loss_weight(const wk__array_loss *l, int part);

#endif
