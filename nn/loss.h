/* The losses of the three heads, one bar at a time, in double. */
#ifndef WK_NN_LOSS_H
#define WK_NN_LOSS_H

#include <stdint.h>

#include "nn/real.h"

enum { WK__CLASSES = 3, WK__LOSSES = 3 }; /* direction, magnitude, volatility */

typedef struct {
    double label_smoothing, huber_delta;
    double weight[WK__LOSSES];        /* of the three losses */
    double class_weight[WK__CLASSES]; /* of the cross-entropy */
} wk__loss_config;

typedef struct {
    double loss[WK__LOSSES],
        norm[WK__LOSSES]; /* sums of losses, and of the weights that divide them */
} wk__loss_sums;

typedef struct {
    int direction;                /* -1: no target */
    double magnitude, volatility; /* NaN: no target */
    double weight;
} wk__target;

/* The divisors alone: a batch's must be known before its gradients. */
void wk__loss_norms(const wk__loss_config *config, const wk__target *target, wk__loss_sums *sums);
/* Adds the bar's losses to sums->loss. With `scale` (weight of each loss / its norm), dout [5] gets
 * the gradient of the total; NULL: no gradient. direction   softmax cross-entropy, class weights w
 * and smoothing eps as PyTorch (eps / 3 to each class) magnitude   Huber: e^2 / 2 up to delta, then
 * delta (|e| - delta / 2) volatility  QLIKE (Patton 2011): r / v - log(r / v) - 1, r = realised^2,
 * v = exp(2 out); out is clamped to [-20, 20] */
void wk__loss_bar(const wk__loss_config *config, const wk__target *target, const wk_real *out,
                  const double *scale, wk__loss_sums *sums, wk_real *dout);
/* Weighted total of the means. */
double wk__loss_total(const wk__loss_config *config, const wk__loss_sums *sums);

#endif
