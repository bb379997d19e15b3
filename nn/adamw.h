/* AdamW (Loshchilov & Hutter 2019) as PyTorch computes it, and the learning-rate schedule. */
#ifndef WK_NN_ADAMW_H
#define WK_NN_ADAMW_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/kernels/ops.h"

typedef struct {
    double learning_rate, beta1, beta2, eps, weight_decay;
    size_t t;       /* updates done */
    wk_real *m, *v; /* [n] moments, zero at first */
} wk__adamw;

/* One update of p [n] by gradient g * scale; decay [n] tells which parameters decay. Moments
 * smaller than 1e-30 become 0: a parameter without gradient must not fill the loop with denormals.
 */
void wk__adamw_update(wk__adamw *opt, const wk__nn_ops *ops, size_t n, const wk_real *g,
                      double scale, const bool *decay, wk_real *p);

/* RMSprop as PyTorch computes it (smoothing 0.99, eps added to the root), with the same decay; m
 * stays 0. */
void wk__rmsprop_update(wk__adamw *opt, size_t n, const wk_real *g, double scale, const bool *decay,
                        wk_real *p);

/* Factor by which to multiply gradients so that their norm is at most clip_norm (0: no limit). */
double wk__clip_scale(size_t n, const wk_real *g, double clip_norm);

/* Share of the top learning rate at update `t` of `total`: a linear rise over `warmup` of them,
 * then half a cosine down to 0. */
double wk__schedule(size_t t, size_t total, double warmup_fraction);

#endif
