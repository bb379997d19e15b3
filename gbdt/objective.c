/* Gradients, hessians and metrics of the three objectives, with XGBoost's definitions: softprob has
 * h = max(2 p (1 - p) w, 1e-16), logistic h = max(p (1 - p), 1e-16) w, squared error h = w. */
#include <math.h>

#include "train.h"
#include "wick/math.h"

#define H_LEAST 1e-16f
#define TILE 256

static void squared_error(size_t begin, size_t end, const float *margin, const float *y,
                          const float *weight, float *g, float *h)
{
    for (size_t i = begin; i < end; i++) {
        float w = weight ? weight[i] : 1;
        g[i] = (margin[i] - y[i]) * w;
        h[i] = w;
    }
}

static void logistic(size_t begin, size_t end, const float *margin, const float *y,
                     const float *weight, float *g, float *h)
{
    for (size_t i = begin; i < end; i++) {
        float w = weight ? weight[i] : 1;
        float p = 1.0f / (1.0f + wk__gbdt_exp(-margin[i]));
        float v = p * (1.0f - p);
        g[i] = (p - y[i]) * w;
        h[i] = (v > H_LEAST ? v : H_LEAST) * w;
    }
}

static void softprob(size_t K, size_t n_rows, size_t begin, size_t end, const float *margin,
                     const float *y, const float *weight, float *g, float *h)
{
    for (size_t at = begin; at < end; at += TILE) {
        size_t n = end - at < TILE ? end - at : TILE;
        float top[TILE], scale[TILE];
        double sum[TILE];
        for (size_t i = 0; i < n; i++) {
            top[i] = margin[at + i];
            sum[i] = 0;
        }
        for (size_t k = 1; k < K; k++)
            for (size_t i = 0; i < n; i++) {
                float z = margin[k * n_rows + at + i];
                top[i] = z > top[i] ? z : top[i];
            }
        for (size_t k = 0; k < K; k++)
            for (size_t i = 0; i < n; i++) {
                float e = wk__gbdt_exp(margin[k * n_rows + at + i] - top[i]);
                g[k * n_rows + at + i] = e;
                sum[i] += (double)e;
            }
        for (size_t i = 0; i < n; i++)
            scale[i] = (float)sum[i];
        for (size_t k = 0; k < K; k++) {
            float class = (float)k;
            for (size_t i = 0; i < n; i++) {
                size_t j = k * n_rows + at + i;
                float w = weight ? weight[at + i] : 1;
                float p = g[j] / scale[i];
                float v = 2.0f * p * (1.0f - p) * w;
                h[j] = v > H_LEAST ? v : H_LEAST;
                g[j] = (p - (y[at + i] == class ? 1.0f : 0.0f)) * w;
            }
        }
    }
}

void wk__gbdt_gradients(int objective, size_t n_outputs, size_t n_rows, size_t begin, size_t end,
                        const float *margin, const float *y, const float *weight, float *g,
                        float *h, double *abs_g, double *sum_h)
{
    if (objective == WK_GBDT_SQUARED_ERROR)
        squared_error(begin, end, margin, y, weight, g, h);
    else if (objective == WK_GBDT_LOGISTIC)
        logistic(begin, end, margin, y, weight, g, h);
    else
        softprob(n_outputs, n_rows, begin, end, margin, y, weight, g, h);
    for (size_t k = 0; k < n_outputs; k++)
        for (size_t i = begin; i < end; i++) {
            abs_g[k] += fabs((double)g[k * n_rows + i]);
            sum_h[k] += (double)h[k * n_rows + i];
        }
}

static double row_loss(int objective, size_t K, size_t n_rows, size_t i, const float *margin,
                       float y)
{
    if (objective == WK_GBDT_SQUARED_ERROR) {
        double d = (double)margin[i] - (double)y;
        return d * d;
    }
    if (objective == WK_GBDT_LOGISTIC) {
        /* log(1 + exp(-z)) on the right side of 0, so that nothing overflows. */
        double z = y > 0.5f ? (double)margin[i] : -(double)margin[i];
        return z > 0 ? wk_log1p(wk_exp(-z)) : wk_log1p(wk_exp(z)) - z;
    }
    double top = (double)margin[i], sum = 0;
    for (size_t k = 1; k < K; k++)
        top = (double)margin[k * n_rows + i] > top ? (double)margin[k * n_rows + i] : top;
    for (size_t k = 0; k < K; k++)
        sum += wk_exp((double)margin[k * n_rows + i] - top);
    return wk_log(sum) + top - (double)margin[(size_t)y * n_rows + i];
}

double wk__gbdt_loss(int objective, size_t n_outputs, size_t n_rows, size_t begin, size_t end,
                     const float *margin, const float *y, const float *weight)
{
    double sum = 0;
    for (size_t i = begin; i < end; i++) {
        double loss = row_loss(objective, n_outputs, n_rows, i, margin, y[i]);
        sum += weight ? (double)weight[i] * loss : loss;
    }
    return sum;
}
