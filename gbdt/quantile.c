/* Leaves that are quantiles: the gradients of these losses say only which side a row is on. */
#include <math.h>
#include <stdlib.h>

#include "grow.h"

typedef struct {
    float x, weight;
    size_t at;
} item;

static int by_value(const void *a, const void *b)
{
    const item *p = a, *q = b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->at > q->at) - (p->at < q->at);
}

static float quantile_of(double alpha, item *items, size_t count, bool weighted)
{
    qsort(items, count, sizeof *items, by_value);
    if (weighted) {
        float total = 0, sum = 0;
        for (size_t i = 0; i < count; i++)
            total += items[i].weight;
        float wanted = (float)((double)total * alpha);
        for (size_t i = 0; i < count; i++) {
            sum += items[i].weight;
            if (sum >= wanted)
                return items[i].x;
        }
        return items[count - 1].x;
    }
    double n = (double)count;
    if (alpha <= 1 / (n + 1))
        return items[0].x;
    if (alpha >= n / (n + 1))
        return items[count - 1].x;
    double place = alpha * (n + 1), below = (double)(size_t)place - 1, part = place - 1 - below;
    float a = items[(size_t)below].x, b = items[(size_t)below + 1].x;
    return (float)((double)a + part * (double)(b - a));
}

float wk__gbdt_quantile(double alpha, const float *x, const float *weight, size_t n)
{
    item *items = malloc((n + 1) * sizeof *items);
    WK_ASSERT(items && n > 0);
    for (size_t i = 0; i < n; i++)
        items[i] = (item){x[i], weight ? weight[i] : 1, i};
    float q = quantile_of(alpha, items, n, weight != NULL);
    free(items);
    return q;
}

typedef struct {
    wk__gbdt_grower *w;
    const float *margin;
} renew_job;

static void renew_leaf(void *context, size_t l)
{
    const renew_job *j = context;
    const wk__gbdt_leaf *leaf = &j->w->leaves[l];
    const wk__gbdt_quantiles *q = &j->w->quantiles;
    const uint32_t *rows = j->w->rows[leaf->buffer] + leaf->begin;
    wk__gbdt_node *node = &j->w->nodes[leaf->node];
    if (leaf->n_rows == 0)
        return;
    item *items = malloc(leaf->n_rows * sizeof *items);
    WK_ASSERT(items);
    for (size_t i = 0; i < leaf->n_rows; i++)
        items[i] =
            (item){q->y[rows[i]] - j->margin[rows[i]], q->weight ? q->weight[rows[i]] : 1, i};
    float value = quantile_of(q->alpha, items, leaf->n_rows, q->weight != NULL);
    free(items);
    node->weight = node->value = value * (float)j->w->params->eta;
}

void wk__gbdt_renew_leaves(wk__gbdt_grower *w, const float *margin)
{
    renew_job j = {w, margin};
    wk__gbdt_team_run(w->team, w->n_leaves, renew_leaf, &j);
}
