/* The start of a training: which rows count, where their margins begin. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "boost.h"
#include "wick/math.h"

static double weight_of(const wk__gbdt_booster *b, const wk_gbdt_data *data, size_t i,
                        bool training)
{
    const wk_reals *classes = &b->params.class_weights;
    double w = data->weight ? (double)data->weight[i] : 1;
    return training && classes->n > 0 ? w * classes->v[(size_t)data->y[i]] : w;
}

/* Groups lose their rows of weight 0; empty groups stay, and do nothing. */
static void take_groups(wk__gbdt_booster *b, const wk_gbdt_data *data, wk__gbdt_row_set *set)
{
    size_t row = 0, kept = 0;
    if (!data->group)
        return;
    set->n_groups = data->n_groups;
    set->group_begin = wk__gbdt_pages_array(&b->pages, size_t, data->n_groups + 1);
    for (size_t i = 0; i < data->n_groups; i++) {
        for (size_t end = row + data->group[i]; row < end; row++)
            kept += !set->rows || (kept < set->n_rows && set->rows[kept] == row);
        set->group_begin[i + 1] = kept;
    }
}

/* Positive rows of binary:logistic weigh more in the gradients, not in the metric. */
static void weigh_positives(wk__gbdt_booster *b, wk__gbdt_row_set *set)
{
    double scale = b->params.scale_pos_weight > 0 ? b->params.scale_pos_weight : 1;
    set->gradient_weight = set->weight;
    if (b->params.objective != WK_GBDT_LOGISTIC || scale == 1)
        return;
    float *weight = wk__gbdt_pages_array(&b->pages, float, set->n_rows);
    for (size_t i = 0; i < set->n_rows; i++)
        weight[i] = (set->weight ? set->weight[i] : 1) * (set->y[i] == 1 ? (float)scale : 1);
    set->gradient_weight = weight;
}

/* Leaves out rows of weight 0. */
wk_status wk__gbdt_take_rows(wk__gbdt_booster *b, const wk_gbdt_data *data, const char *what,
                             wk__gbdt_row_set *set, wk_err *err)
{
    size_t n = 0;
    bool training = set == &b->train, weighs = training && b->params.class_weights.n > 0;
    for (size_t i = 0; i < data->n_rows; i++)
        n += weight_of(b, data, i, training) > 0;
    if (n == 0)
        return wk_fail(err, WK_E_DATA, "all rows of the %s set have weight 0", what);
    set->data = data;
    set->n_rows = n;
    set->y = data->y;
    set->weight = data->weight;
    if (n < data->n_rows || weighs) {
        float *y = wk__gbdt_pages_array(&b->pages, float, n),
              *w = wk__gbdt_pages_array(&b->pages, float, n);
        set->rows = wk__gbdt_pages_array(&b->pages, uint32_t, n);
        size_t at = 0;
        for (size_t i = 0; i < data->n_rows; i++) {
            double weight = weight_of(b, data, i, training);
            if (!(weight > 0))
                continue;
            y[at] = data->y[i];
            w[at] = (float)weight;
            set->rows[at++] = (uint32_t)i;
        }
        set->y = y;
        set->weight = w;
    }
    bool unit = true;
    for (size_t i = 0; i < n && set->weight; i++)
        unit &= set->weight[i] == 1;
    if (unit)
        set->weight = NULL;
    for (size_t i = 0; i < n; i++)
        set->sum_weight += set->weight ? (double)set->weight[i] : 1;
    set->margin = wk__gbdt_pages_array(&b->pages, float, b->n_outputs *n);
    if (set->rows && b->custom) {
        set->rows_of_table = wk__gbdt_pages_array(&b->pages, size_t, n);
        for (size_t i = 0; i < n; i++)
            set->rows_of_table[i] = set->rows[i];
    }
    take_groups(b, data, set);
    weigh_positives(b, set);
    return WK_OK;
}

static double mean_label(const wk__gbdt_row_set *set)
{
    double sum = 0;
    for (size_t i = 0; i < set->n_rows; i++)
        sum += (double)set->y[i] * (set->weight ? (double)set->weight[i] : 1);
    return sum / set->sum_weight;
}

/* One Newton step from margin 0, as XGBoost starts objectives without a formula. */
static double newton_step(wk__gbdt_booster *b)
{
    double g = 0, h = 0;
    double *abs_g = wk__gbdt_pages_array(&b->pages, double, 2);
    memset(b->train.margin, 0, b->train.n_rows * sizeof *b->train.margin);
    wk__gbdt_compute_gradients(b, abs_g, abs_g + 1);
    for (size_t i = 0; i < b->train.n_rows; i++) {
        g += (double)b->g[i];
        h += (double)b->h[i];
    }
    return -g / (h > 1e-6 ? h : 1e-6);
}

static double first_prediction(wk__gbdt_booster *b)
{
    const wk_gbdt_params *p = &b->params;
    double alpha, base;
    if (wk__gbdt_leaf_quantile(p, &alpha))
        return (double)wk__gbdt_quantile(alpha, b->train.y, b->train.weight, b->train.n_rows);
    switch (p->objective) {
    case WK_GBDT_LOGISTIC:
        base = p->scale_pos_weight > 0 && p->scale_pos_weight != 1 ? wk_sigmoid(newton_step(b))
                                                                   : mean_label(&b->train);
        /* One class only: a probability of 0 or 1 has no finite margin. */
        return base < 1e-6 ? 1e-6 : base > 1 - 1e-6 ? 1 - 1e-6 : base;
    case WK_GBDT_POISSON:
        base = mean_label(&b->train);
        return base < 1e-6 ? 1e-6 : base;
    case WK_GBDT_PSEUDO_HUBER:
        return newton_step(b);
    case WK_GBDT_SQUARED_ERROR:
    case WK_GBDT_HUBER:
        return mean_label(&b->train);
    default:
        return 0;
    }
}

static void set_base(wk__gbdt_booster *b)
{
    double base = b->params.base_score;
    if (isnan(base))
        base = first_prediction(b);
    for (size_t k = 0; k < b->n_outputs; k++)
        b->base[k] = b->start ? b->start->base_score[k] : (float)base;
}

/* Classes start from the log of their shares, less the mean of these. The base score in the file
 * stays 0, which every version of XGBoost reads alike, and the first tree of each class has its
 * start added to the leaves, as LightGBM does it. */
static void set_prior(wk__gbdt_booster *b)
{
    size_t K = b->n_outputs;
    if (b->params.objective != WK_GBDT_SOFTPROB || !isnan(b->params.base_score) || b->start ||
        b->train.data->base_margin)
        return;
    double *share = wk__gbdt_pages_array(&b->pages, double, K), mean = 0;
    b->prior = wk__gbdt_pages_array(&b->pages, float, K);
    for (size_t i = 0; i < b->train.n_rows; i++)
        share[(size_t)b->train.y[i]] += b->train.weight ? (double)b->train.weight[i] : 1;
    for (size_t k = 0; k < K; k++) {
        share[k] = wk_log(share[k] / b->train.sum_weight + 1e-6);
        mean += share[k] / (double)K;
    }
    for (size_t k = 0; k < K; k++)
        b->prior[k] = (float)(share[k] - mean);
}

static void fill_margins(const wk__gbdt_booster *b, const float *base_margin, float *row,
                         wk__gbdt_row_set *set)
{
    size_t K = b->n_outputs;
    const wk_gbdt_data *data = set->data;
    for (size_t i = 0; i < set->n_rows; i++) {
        size_t at = set->rows ? set->rows[i] : i;
        const float *start = data->base_margin ? data->base_margin + at * K : base_margin;
        if (b->start)
            wk_forest_margin_from(b->start, data->X + at * data->stride, start, row);
        else
            memcpy(row, start, K * sizeof *row);
        for (size_t k = 0; k < K; k++)
            set->margin[k * set->n_rows + i] = row[k];
    }
}

wk_status wk__gbdt_start_margins(wk__gbdt_booster *b, wk_err *err)
{
    size_t K = b->n_outputs;
    b->base = wk__gbdt_pages_array(&b->pages, float, K);
    float *margin = wk__gbdt_pages_array(&b->pages, float, 2 * K);
    double sum = 0;
    for (size_t i = 0; i < b->train.n_rows; i++)
        sum += fabs((double)b->train.y[i]) * (b->train.weight ? (double)b->train.weight[i] : 1);
    b->scale = sum > 0 ? sum / b->train.sum_weight : 1;
    set_base(b);
    wk_forest *empty = wk__forest_create(b->params.objective, K, b->n_features, 0);
    if (!empty)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk__forest_set_base(empty, b->base);
    memcpy(margin, empty->base_margin, K * sizeof *margin);
    wk_forest_destroy(empty);
    set_prior(b);
    const float *first = b->prior ? b->prior : margin;
    fill_margins(b, first, margin + K, &b->train);
    if (b->valid)
        fill_margins(b, first, margin + K, &b->test);
    return WK_OK;
}
