/* Expected profit after costs. The three shares of SELL, HOLD and BUY are the softmax of the
 * margins, a row earns (-r - c, 0, r - c) with them, and training raises the mean of what the
 * shares earn: L = -sum_k p_k u_k / s,  g_k = -p_k (u_k - sum_j p_j u_j) / s,  h_k = 2 p_k (1 -
 * p_k) where s is the mean size of a return, so that a step does not depend on the market's units.
 * The true second derivative has no fixed sign; this one is the Fisher information of the shares,
 * and makes the leaf a natural-gradient step. */
#include <math.h>

#include "boost.h"

#define SHARES 3

static void earnings(const wk_gbdt_params *p, float y, double *u)
{
    double cost = p->cost_bps * 1e-4;
    u[0] = -(double)y - cost;
    u[1] = 0;
    u[2] = (double)y - cost;
}

void wk__gbdt_profit_gradients(const wk_gbdt_params *p, double scale, size_t n_rows, size_t begin,
                               size_t end, const float *margin, const float *y, const float *weight,
                               float *g, float *h)
{
    for (size_t i = begin; i < end; i++) {
        double u[SHARES], share[SHARES], sum = 0, mean = 0, w = weight ? (double)weight[i] : 1;
        float top = margin[i];
        for (size_t k = 1; k < SHARES; k++)
            top = margin[k * n_rows + i] > top ? margin[k * n_rows + i] : top;
        earnings(p, y[i], u);
        for (size_t k = 0; k < SHARES; k++)
            sum += share[k] = (double)wk__gbdt_exp(margin[k * n_rows + i] - top);
        for (size_t k = 0; k < SHARES; k++)
            mean += (share[k] /= sum) * u[k];
        for (size_t k = 0; k < SHARES; k++) {
            double v = 2 * share[k] * (1 - share[k]);
            g[k * n_rows + i] = (float)(-share[k] * (u[k] - mean) / scale * w);
            h[k * n_rows + i] = (float)((v > 1e-16 ? v : 1e-16) * w);
        }
    }
}

double wk__gbdt_profit_of(const wk_gbdt_params *p, const float *margin, size_t n_rows, size_t i,
                          float y)
{
    double u[SHARES];
    float sell = margin[i], hold = margin[n_rows + i], buy = margin[2 * n_rows + i];
    earnings(p, y, u);
    if (buy > hold && buy > sell)
        return u[2];
    return sell > hold && sell > buy ? u[0] : 0;
}
