/* LambdaMART with XGBoost's pairs: each of the top ranks with every rank below it, by the change of
 * NDCG that changing places makes (rank:ndcg) or alike (rank:pairwise). Burges 2010. */
#include <math.h>
#include <stdlib.h>

#include "boost.h"
#include "wick/math.h"

#define LN2 0.69314718055994530942

static double discount(size_t rank)
{
    return LN2 / wk_log((double)rank + 2);
}

static double gain_of(const wk_gbdt_params *p, float y)
{
    return p->ndcg_exp_gain ? (double)((1u << (uint32_t)y) - 1) : (double)y;
}

typedef struct {
    float margin;
    uint32_t row;
} place;

static int by_margin(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return p->margin != q->margin ? (p->margin < q->margin) - (p->margin > q->margin)
                                  : (p->row > q->row) - (p->row < q->row);
}

void wk__gbdt_rank_order(const float *margin, size_t n, uint32_t *order)
{
    place *places = malloc((n + 1) * sizeof *places);
    WK_ASSERT(places);
    for (size_t i = 0; i < n; i++)
        places[i] = (place){margin[i], (uint32_t)i};
    qsort(places, n, sizeof *places, by_margin);
    for (size_t i = 0; i < n; i++)
        order[i] = places[i].row;
    free(places);
}

/* DCG of the best order, over the first `top` ranks (0: all). */
static double ideal(const wk_gbdt_params *p, const float *y, size_t n, size_t top, uint32_t *order)
{
    double sum = 0;
    wk__gbdt_rank_order(y, n, order);
    for (size_t i = 0; i < n && (top == 0 || i < top); i++)
        sum += gain_of(p, y[order[i]]) * discount(i);
    return sum;
}

void wk__gbdt_rank_gradients(const wk_gbdt_params *p, size_t begin, size_t end, const float *margin,
                             const float *y, double weight, uint32_t *order, float *g, float *h)
{
    size_t n = end - begin, pairs = p->lambdarank_num_pair_per_sample > 0
                                        ? (size_t)p->lambdarank_num_pair_per_sample
                                        : 32;
    margin += begin;
    y += begin;
    g += begin;
    h += begin;
    bool ndcg = p->objective == WK_GBDT_RANK_NDCG;
    double best = ndcg ? ideal(p, y, n, pairs, order) : 1, inverse = best > 0 ? 1 / best : 0,
           total = 0;
    wk__gbdt_rank_order(margin, n, order);
    for (size_t i = 0; i < n; i++)
        g[i] = h[i] = 0;
    bool spread = n > 0 && margin[order[0]] != margin[order[n - 1]];
    for (size_t i = 0; i < n && i < pairs; i++)
        for (size_t j = i + 1; j < n; j++) {
            if (y[order[i]] == y[order[j]])
                continue;
            bool swapped = y[order[i]] < y[order[j]];
            uint32_t high = order[swapped ? j : i], low = order[swapped ? i : j];
            double distance = (double)(margin[high] - margin[low]);
            double s = wk_sigmoid(distance), delta = 1;
            if (ndcg)
                delta = (gain_of(p, y[high]) - gain_of(p, y[low])) *
                        fabs(discount(i) - discount(j)) * inverse;
            if (p->lambdarank_score_normalization && spread)
                delta /= fabs(distance) + 0.01;
            double v = s * (1 - s);
            float lambda = (float)((s - 1) * delta);
            float hessian = (float)((v > 1e-16 ? v : 1e-16) * delta * 2);
            g[high] += lambda;
            g[low] -= lambda;
            h[high] += hessian;
            h[low] += hessian;
            total -= 2 * (double)lambda;
        }
    double norm = p->lambdarank_normalization && total > 0 ? wk_log(1 + total) / LN2 / total : 1;
    for (size_t i = 0; i < n; i++) {
        g[i] = (float)((double)(g[i] * (float)norm) * weight);
        h[i] = (float)((double)(h[i] * (float)norm) * weight);
    }
}

double wk__gbdt_ndcg(const wk_gbdt_params *p, size_t top, const float *margin, const float *y,
                     size_t n, uint32_t *order)
{
    double best = ideal(p, y, n, top, order), sum = 0;
    if (!(best > 0))
        return 1; /* nothing to find */
    wk__gbdt_rank_order(margin, n, order);
    for (size_t i = 0; i < n && (top == 0 || i < top); i++)
        sum += gain_of(p, y[order[i]]) * discount(i);
    return sum / best;
}

double wk__gbdt_map(size_t top, const float *margin, const float *y, size_t n, uint32_t *order)
{
    double hits = 0, sum = 0;
    wk__gbdt_rank_order(margin, n, order);
    for (size_t i = 0; i < n; i++) {
        if (!(y[order[i]] > 0))
            continue;
        hits += 1;
        if (top == 0 || i < top)
            sum += hits / (double)(i + 1);
    }
    double most = top > 0 && hits > (double)top ? (double)top : hits;
    return hits > 0 ? sum / most : 1;
}
