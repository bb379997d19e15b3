/* Regressions beside squared error, as XGBoost defines them (huber: LightGBM). All of them keep to
 * f32. */
#include <math.h>

#include "boost.h"

static double or_default(double value, double dflt)
{
    return value > 0 ? value : dflt;
}

static float root(float x)
{
    return (float)sqrt((double)x);
}

bool wk__gbdt_leaf_quantile(const wk_gbdt_params *p, double *alpha)
{
    *alpha =
        p->objective == WK_GBDT_QUANTILE ? (double)(float)or_default(p->quantile_alpha, 0.5) : 0.5;
    return p->objective == WK_GBDT_QUANTILE || p->objective == WK_GBDT_ABSOLUTE;
}

void wk__gbdt_regression_gradients(const wk_gbdt_params *p, size_t begin, size_t end,
                                   const float *margin, const float *y, const float *weight,
                                   float *g, float *h)
{
    float slope = (float)or_default(p->huber_slope, 1),
          alpha = (float)or_default(p->quantile_alpha, 0.5);
    float step = (float)p->max_delta_step;
    for (size_t i = begin; i < end; i++) {
        float w = weight ? weight[i] : 1, d = margin[i] - y[i];
        float gradient = d, hessian = 1;
        switch (p->objective) {
        case WK_GBDT_PSEUDO_HUBER: {
            float scale_root = root(1 + d * d / (slope * slope));
            gradient = d / scale_root;
            hessian = slope * slope / ((slope * slope + d * d) * scale_root);
            break;
        }
        case WK_GBDT_HUBER:
            gradient = d > slope ? slope : d < -slope ? -slope : d;
            break;
        case WK_GBDT_ABSOLUTE:
            gradient = (float)((d > 0) - (d < 0));
            break;
        case WK_GBDT_QUANTILE:
            gradient = d >= 0 ? 1.0f - alpha : -alpha;
            break;
        default: /* Poisson */
            gradient = wk__gbdt_exp(margin[i]) - y[i];
            hessian = wk__gbdt_exp(margin[i] + step);
        }
        g[i] = gradient * w;
        h[i] = hessian * w;
    }
}
