/* Rows drawn by their gradients, each drawn row raised by one over its chance, so that sums keep
 * their mean. GOSS (Ke et al. 2017): the largest all, the others alike. MVS (Ibragimov & Gusev
 * 2019): by sqrt(g^2 + lambda h^2), with a chance of 1 from a threshold on. */
#include <math.h>
#include <string.h>

#include "boost.h"
#include "wick/rng.h"

#define STREAM_GRADIENT ((uint64_t)5 << 32)

/* The k-th largest of x [n], which is rearranged; k < n. */
static float kth_largest(float *x, size_t n, size_t k)
{
    size_t low = 0, high = n - 1;
    while (low < high) {
        float pivot = x[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (x[i] > pivot)
                i++;
            while (x[j] < pivot)
                j--;
            if (i >= j)
                break;
            float swap = x[i];
            x[i++] = x[j];
            x[j--] = swap;
        }
        if (k <= j)
            high = j;
        else
            low = j + 1;
    }
    return x[k];
}

/* The threshold from which a row is certain: sum of min(1, u / threshold) = wanted. */
static double mvs_threshold(const float *u, size_t n, double wanted)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < n; i++)
        high += (double)u[i];
    high = high / wanted + 1e-30;
    for (int step = 0; step < 48; step++) {
        double middle = (low + high) / 2, sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += (double)u[i] >= middle ? 1 : (double)u[i] / middle;
        if (sum > wanted)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void score_rows(const wk__gbdt_booster *b, bool goss, float *score)
{
    size_t n = b->train.n_rows;
    double lambda = b->params.lambda;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < b->n_outputs; k++) {
            double g = (double)b->g[k * n + i], h = (double)b->h[k * n + i];
            sum += goss ? fabs(g * h) : g * g + lambda * h * h;
        }
        score[i] = (float)(goss ? sum : sqrt(sum));
    }
}

void wk__gbdt_sample_rows(wk__gbdt_booster *b, size_t round, float *score, uint8_t *drawn)
{
    const wk_gbdt_params *p = &b->params;
    size_t n = b->train.n_rows;
    bool goss = p->sampling_method == 2;
    double top = p->top_rate > 0 ? p->top_rate : 0.2,
           other = p->other_rate > 0 ? p->other_rate : 0.1;
    double threshold, chance = top < 1 ? other / (1 - top) : 1;
    score_rows(b, goss, score);
    if (goss) {
        size_t n_top = (size_t)((double)n * top);
        n_top = n_top < 1 ? 1 : n_top;
        float *copy = score + n;
        memcpy(copy, score, n * sizeof *copy);
        threshold = (double)kth_largest(copy, n, n_top - 1);
    } else {
        threshold = mvs_threshold(score, n, p->subsample * (double)n);
    }
    for (size_t i = 0; i < n; i++) {
        double u = (double)score[i], q = u >= threshold ? 1 : goss ? chance : u / threshold;
        drawn[i] = q >= 1 || wk_rng_uniform((uint64_t)p->seed, STREAM_GRADIENT + round, i) < q;
        for (size_t k = 0; drawn[i] && q < 1 && k < b->n_outputs; k++) {
            b->g[k * n + i] = (float)((double)b->g[k * n + i] / q);
            b->h[k * n + i] = (float)((double)b->h[k * n + i] / q);
        }
    }
}
