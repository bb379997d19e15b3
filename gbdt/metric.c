/* What training reports and early stopping watches. Names and definitions are XGBoost's. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boost.h"
#include "wick/math.h"

static const struct {
    const char *name;
    wk__gbdt_metric_kind kind;
    bool larger;
    int link; /* the objective's must be this one; -1: any of one output */
} metrics[] = {{"rmse", WK__METRIC_RMSE, false, -1},
               {"mae", WK__METRIC_MAE, false, -1},
               {"mphe", WK__METRIC_MPHE, false, -1},
               {"quantile", WK__METRIC_QUANTILE, false, -1},
               {"poisson-nloglik", WK__METRIC_POISSON, false, WK__LINK_EXP},
               {"logloss", WK__METRIC_LOGLOSS, false, WK__LINK_LOGISTIC},
               {"error", WK__METRIC_ERROR, false, WK__LINK_LOGISTIC},
               {"auc", WK__METRIC_AUC, true, WK__LINK_LOGISTIC},
               {"mlogloss", WK__METRIC_MLOGLOSS, false, WK__LINK_SOFTMAX},
               {"merror", WK__METRIC_MERROR, false, WK__LINK_SOFTMAX},
               {"ndcg", WK__METRIC_NDCG, true, -1},
               {"map", WK__METRIC_MAP, true, -1},
               {"profit", WK__METRIC_PROFIT, true, WK__LINK_SOFTMAX}};

static const char *const own[WK_GBDT_OBJECTIVES] = {
    [WK_GBDT_SQUARED_ERROR] = "rmse", [WK_GBDT_LOGISTIC] = "logloss",
    [WK_GBDT_SOFTPROB] = "mlogloss",  [WK_GBDT_PSEUDO_HUBER] = "mphe",
    [WK_GBDT_HUBER] = "mae",          [WK_GBDT_ABSOLUTE] = "mae",
    [WK_GBDT_QUANTILE] = "quantile",  [WK_GBDT_POISSON] = "poisson-nloglik",
    [WK_GBDT_RANK_NDCG] = "ndcg",     [WK_GBDT_RANK_PAIRWISE] = "ndcg",
    [WK_GBDT_PROFIT] = "profit",      [WK_GBDT_CUSTOM] = "rmse"};

const char *wk_gbdt_metric_name(const wk_gbdt_params *p)
{
    return p->eval_metric && *p->eval_metric ? p->eval_metric : own[p->objective];
}

wk_status wk__gbdt_metric_parse(const wk_gbdt_params *p, const wk_gbdt_custom *custom,
                                wk__gbdt_metric *out, wk_err *err)
{
    const char *name = wk_gbdt_metric_name(p), *at = strchr(name, '@');
    size_t n = at ? (size_t)(at - name) : strlen(name);
    *out = (wk__gbdt_metric){.kind = WK__METRIC_CUSTOM};
    if (custom && custom->loss) {
        out->larger_is_better = custom->loss_is_gain;
        return WK_OK;
    }
    size_t outputs = wk__gbdt_n_outputs(p, custom);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        if (strncmp(metrics[i].name, name, n) != 0 || metrics[i].name[n])
            continue;
        bool ranks = metrics[i].kind == WK__METRIC_NDCG || metrics[i].kind == WK__METRIC_MAP;
        bool profit = metrics[i].kind == WK__METRIC_PROFIT;
        bool fits = metrics[i].link < 0 ? outputs == 1
                                        : (int)wk__gbdt_link_of(p->objective) == metrics[i].link;
        fits &= ranks == wk__gbdt_objective_ranks(p->objective) || !ranks;
        fits &= profit == (p->objective == WK_GBDT_PROFIT) || (!profit && outputs == 1);
        if (p->objective == WK_GBDT_CUSTOM && outputs > 1)
            return wk_fail(err, WK_E_CONFIG,
                           "a custom objective of %zu outputs needs a loss callback", outputs);
        if (!fits)
            return wk_fail(err, WK_E_CONFIG,
                           "eval_metric %s does not fit the objective %s, whose own is %s", name,
                           wk__gbdt_objective_name(p->objective), own[p->objective]);
        char *end = NULL;
        unsigned long top = at ? strtoul(at + 1, &end, 10) : 0;
        if (at && (!ranks || top == 0 || *end))
            return wk_fail(err, WK_E_CONFIG,
                           "eval_metric %s: only ndcg and map take @n, n at least 1", name);
        *out = (wk__gbdt_metric){metrics[i].kind, metrics[i].larger, top};
        return WK_OK;
    }
    char known[256] = "";
    for (size_t i = 0, at_byte = 0; i < sizeof metrics / sizeof *metrics; i++)
        at_byte += (size_t)snprintf(known + at_byte, sizeof known - at_byte, "%s%s", i ? ", " : "",
                                    metrics[i].name);
    return wk_fail(err, WK_E_CONFIG, "eval_metric %.60s is not known; write one of %s", name,
                   known);
}

typedef struct {
    wk__gbdt_booster *b;
    const wk__gbdt_row_set *set;
} metric_job;

/* log Gamma(y + 1) by Stirling's series, shifted up to where it is exact to f64. */
static double log_factorial(double y)
{
    double x = y + 1, shift = 0;
    while (x < 16) {
        shift += wk_log(x);
        x += 1;
    }
    double r = 1 / (x * x);
    return (x - 0.5) * wk_log(x) - x + 0.91893853320467274178 +
           (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r / 1680))) / x - shift;
}

static double row_loss(const wk__gbdt_booster *b, const wk__gbdt_row_set *set, size_t i)
{
    const wk_gbdt_params *p = &b->params;
    size_t n = set->n_rows;
    double z = (double)set->margin[i], y = (double)set->y[i];
    double slope = p->huber_slope > 0 ? p->huber_slope : 1, top;
    double alpha = p->quantile_alpha > 0 ? p->quantile_alpha : 0.5, d;
    size_t best = 0;
    wk__gbdt_link link = wk__gbdt_link_of(p->objective);
    double value = link == WK__LINK_EXP ? wk_exp(z) : link == WK__LINK_LOGISTIC ? wk_sigmoid(z) : z;
    switch (b->metric.kind) {
    case WK__METRIC_RMSE:
        return (value - y) * (value - y);
    case WK__METRIC_MAE:
        return fabs(value - y);
    case WK__METRIC_MPHE:
        d = (value - y) / slope;
        return slope * slope * (sqrt(1 + d * d) - 1);
    case WK__METRIC_QUANTILE:
        d = y - value;
        return d >= 0 ? alpha * d : (alpha - 1) * d;
    case WK__METRIC_POISSON:
        return log_factorial(y) + wk_exp(z) - y * z;
    case WK__METRIC_ERROR:
        return (z > 0) != (y > 0.5);
    case WK__METRIC_MERROR:
        top = z;
        for (size_t k = 1; k < b->n_outputs; k++)
            if ((double)set->margin[k * n + i] > top) {
                top = (double)set->margin[k * n + i];
                best = k;
            }
        return best != (size_t)set->y[i];
    case WK__METRIC_PROFIT:
        return wk__gbdt_profit_of(p, set->margin, n, i, set->y[i]);
    default:
        return 0;
    }
}

static void metric_block(void *context, size_t block)
{
    const metric_job *j = context;
    const wk__gbdt_row_set *set = j->set;
    wk__gbdt_booster *b = j->b;
    size_t begin = block * WK__GBDT_ROWS, end = wk__gbdt_block_end(block, set->n_rows);
    double sum = 0;
    int objective = b->params.objective;
    bool plain = (b->metric.kind == WK__METRIC_RMSE && objective == WK_GBDT_SQUARED_ERROR) ||
                 b->metric.kind == WK__METRIC_LOGLOSS || b->metric.kind == WK__METRIC_MLOGLOSS;
    if (b->metric.kind == WK__METRIC_CUSTOM) {
        wk_gbdt_rows rows = {b->n_outputs, set->n_rows, set->margin,
                             set->y,       set->weight, set->rows_of_table};
        sum = b->custom->loss(b->custom->context, &rows, begin, end);
    } else if (plain) {
        sum = wk__gbdt_loss(objective, b->n_outputs, set->n_rows, begin, end, set->margin, set->y,
                            set->weight);
    } else {
        for (size_t i = begin; i < end; i++)
            sum += (set->weight ? (double)set->weight[i] : 1) * row_loss(b, set, i);
    }
    b->partial[block] = sum;
}

typedef struct {
    float margin;
    bool positive;
    double weight;
} scored;

static int by_margin(const void *a, const void *b)
{
    float x = ((const scored *)a)->margin, y = ((const scored *)b)->margin;
    return (x > y) - (x < y);
}

/* The chance that a positive row stands above a negative one; equal margins count half. NaN without
 * both. */
static double area(const wk__gbdt_row_set *set)
{
    size_t n = set->n_rows;
    scored *rows = malloc(n * sizeof *rows);
    WK_ASSERT(rows);
    for (size_t i = 0; i < n; i++)
        rows[i] =
            (scored){set->margin[i], set->y[i] > 0.5f, set->weight ? (double)set->weight[i] : 1};
    qsort(rows, n, sizeof *rows, by_margin);
    double below = 0, positive = 0, sum = 0;
    for (size_t i = 0; i < n;) {
        double here[2] = {0, 0};
        size_t end = i;
        for (; end < n && rows[end].margin == rows[i].margin; end++)
            here[rows[end].positive] += rows[end].weight;
        sum += here[1] * (below + here[0] / 2);
        below += here[0];
        positive += here[1];
        i = end;
    }
    free(rows);
    return positive > 0 && below > 0 ? sum / positive / below : NAN;
}

static double mean_over_queries(wk__gbdt_booster *b, const wk__gbdt_row_set *set)
{
    double sum = 0, weights = 0;
    for (size_t q = 0; q < set->n_groups; q++) {
        size_t begin = set->group_begin[q], n = set->group_begin[q + 1] - begin;
        double w = 0;
        for (size_t i = begin; i < begin + n; i++)
            w += (set->weight ? (double)set->weight[i] : 1) / (double)n;
        if (n == 0)
            continue;
        weights += w;
        sum += w * (b->metric.kind == WK__METRIC_NDCG
                        ? wk__gbdt_ndcg(&b->params, b->metric.top, set->margin + begin,
                                        set->y + begin, n, b->rank_order)
                        : wk__gbdt_map(b->metric.top, set->margin + begin, set->y + begin, n,
                                       b->rank_order));
    }
    return sum / weights;
}

double wk__gbdt_metric_of(wk__gbdt_booster *b, const wk__gbdt_row_set *set)
{
    metric_job j = {.b = b, .set = set};
    size_t n_blocks = wk__gbdt_n_blocks(set->n_rows);
    double sum = 0;
    if (b->metric.kind == WK__METRIC_AUC)
        return area(set);
    if (b->metric.kind == WK__METRIC_NDCG || b->metric.kind == WK__METRIC_MAP)
        return mean_over_queries(b, set);
    wk__gbdt_team_run(b->team, n_blocks, metric_block, &j);
    for (size_t i = 0; i < n_blocks; i++)
        sum += b->partial[i];
    double mean = sum / set->sum_weight;
    return b->metric.kind == WK__METRIC_RMSE ? sqrt(mean) : mean;
}
