/* Calibration: making forecast probabilities mean what they say.
 *
 * Temperature scaling divides the logits by one number T > 0 (T > 1: the model was over-confident);
 * it never changes which class is likeliest. Never fails; the same bits for equal inputs.
 * Source: Guo et al. 2017. */
#ifndef WICK_CALIBRATE_H
#define WICK_CALIBRATE_H

#include <stddef.h>
#include <stdint.h>

/* The temperature that minimises the weighted log-loss of softmax(z / T).
 *   z [n, K]  logits, or log-probabilities (equal up to a constant a row); K >= 2
 *   y [n]     classes; rows with y < 0 or a NaN logit are skipped
 *   w [n]     weights or NULL
 * Kept within [0.05, 20]; 1 when no row is left. */
double wk_temperature_fit(const float *z, const int8_t *y, const float *w, size_t n, size_t K);

/* The same for probabilities p [n, K] (their logarithms are the logits). */
double wk_temperature_fit_probabilities(const float *p, const int8_t *y, const float *w, size_t n,
                                        size_t K);

/* Rows z [n, K] of logits -> probabilities p [n, K]; may be in place. A NaN row stays NaN. */
void wk_temperature_apply(double T, const float *z, size_t n, size_t K, float *p);

/* The same from probabilities: p^(1/T), normalised; may be in place. */
void wk_temperature_apply_probabilities(double T, const float *p, size_t n, size_t K, float *out);

#endif
