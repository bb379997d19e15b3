/* What a model says about one market at one bar's close. Class 0 is SELL, 1 HOLD, 2 BUY. */
#ifndef WICK_FORECAST_H
#define WICK_FORECAST_H

#include <stdint.h>

typedef struct {
    float p[3];  /* calibrated probabilities; all 0 when the model has no direction classes */
    float score; /* signed strength: p_buy - p_sell, or the mean scaled bounded-return forecast */
    float magnitude;  /* expected log return over the horizon */
    float volatility; /* expected volatility per bar (fraction); > 0 */
    float threshold;  /* of the policy, chosen with the model; 0: the configuration's; INFINITY: do
                         not enter */
    uint8_t valid;    /* 0: no forecast (warm-up, missing bar) */
} wk_forecast;

#endif
