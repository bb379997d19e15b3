/* The importances as the report's document has them. */
#include "walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wick/report.h"

enum { SWARM_COLUMNS = 15 };

/* Total gain of all forests of the newest fold, as shares. */
static double *gains(wk_walk *w)
{
    const wk_meta *meta = &w->out->model.meta;
    size_t n = meta->n_targets * meta->n_seeds;
    double *total = wk_arena_array(&w->arena, double, w->explain.n_columns),
           *gain = wk_arena_array(&w->arena, double, meta->n_columns);
    for (size_t i = 0; i < n; i++) {
        wk_forest_importance(meta->forests[i], gain);
        for (size_t c = 0; c < wk_forest_n_features(meta->forests[i]); c++)
            total[meta->columns[c]] += gain[c] / (double)n;
    }
    return total;
}

static const char *name_of(const wk_walk *w, uint32_t column, char name[96], const char **family)
{
    static const char *const outputs[WK_BRANCH_COLUMNS] = {"p_sell", "p_buy", "magnitude",
                                                           "log_vol"};
    size_t F = w->dataset->table.F;
    const wk_branch_config *branches = w->config->branches.v;
    *family = column < F ? w->dataset->feature_families[column] : "branch";
    if (column < F)
        snprintf(name, 96, "%s", w->dataset->feature_names[column]);
    else
        snprintf(name, 96, "%s.%s", branches[(column - F) / WK_BRANCH_COLUMNS].name,
                 outputs[(column - F) % WK_BRANCH_COLUMNS]);
    return name;
}

static double mean_shap(const wk_explain *x, size_t c)
{
    double sum = 0;
    for (size_t i = 0; i < x->n_shap; i++)
        sum += fabs(x->shap[i * x->n_columns + c]);
    return sum / (double)x->n_shap;
}

static json_t *row_of(const wk_walk *w, uint32_t c, const double *gain)
{
    const wk_explain *x = &w->explain;
    char name[96];
    const char *family;
    name_of(w, c, name, &family);
    json_t *row = json_pack("{s:s, s:s, s:f, s:f}", "name", name, "family", family, "gain", gain[c],
                            "cover", x->cover[c]);
    if (x->seen[c] > 0) {
        double n = (double)x->seen[c], mean = x->worse[c] / n,
               variance = x->squares[c] / n - mean * mean;
        json_object_set_new(row, "permutation", wk_report_number(mean));
        json_object_set_new(row, "permutation_sd",
                            wk_report_number(sqrt(variance > 0 ? variance : 0)));
    }
    if (x->n_shap > 0)
        json_object_set_new(row, "shap", wk_report_number(mean_shap(x, c)));
    return row;
}

static int by_number(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* A point is [contribution, rank of the value], in thousandths of the largest contribution of the
 * picture and in hundredths of the ranks; null for a missing value. */
static json_t *points_of(const wk_explain *x, size_t c, double largest, float *sorted)
{
    json_t *points = json_array();
    size_t n = 0;
    for (size_t i = 0; i < x->n_shap; i++) {
        float v = x->value[i * x->n_columns + c];
        if (!isnan(v))
            sorted[n++] = v;
    }
    qsort(sorted, n, sizeof *sorted, by_number);
    for (size_t i = 0; i < x->n_shap; i++) {
        float v = x->value[i * x->n_columns + c];
        size_t below = 0, equal = 0;
        for (size_t k = 0; k < n && sorted[k] <= v; k++) {
            below += sorted[k] < v;
            equal += sorted[k] == v;
        }
        double rank = n > 1 ? ((double)below + ((double)equal - 1) / 2) / (double)(n - 1) : 0.5;
        double at = largest > 0 ? x->shap[i * x->n_columns + c] / largest * 1000 : 0;
        json_array_append_new(
            points,
            json_pack("[i, o]", (int)(at < 0 ? at - 0.5 : at + 0.5),
                      isnan(v) ? json_null() : json_integer((json_int_t)(rank * 100 + 0.5))));
    }
    return points;
}

static json_t *swarm(wk_walk *w)
{
    const wk_explain *x = &w->explain;
    size_t order[SWARM_COLUMNS], n = 0;
    double *mean = wk_arena_array(&w->arena, double, x->n_columns), largest = 0;
    float *sorted = wk_arena_array(&w->arena, float, x->n_shap + 1);
    for (size_t c = 0; c < x->n_columns; c++) {
        mean[c] = mean_shap(x, c);
        size_t at = n < SWARM_COLUMNS ? n : SWARM_COLUMNS;
        for (; at > 0 && mean[order[at - 1]] < mean[c]; at--)
            if (at < SWARM_COLUMNS)
                order[at] = order[at - 1];
        if (at < SWARM_COLUMNS && mean[c] > 0) {
            order[at] = c;
            n += n < SWARM_COLUMNS;
        }
    }
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < x->n_shap; i++)
            largest = fmax(largest, fabs(x->shap[i * x->n_columns + order[k]]));
    json_t *columns = json_array();
    for (size_t k = 0; k < n; k++) {
        char name[96];
        const char *family;
        name_of(w, (uint32_t)order[k], name, &family);
        json_array_append_new(columns, json_pack("{s:s, s:o}", "name", name, "points",
                                                 points_of(x, order[k], largest, sorted)));
    }
    bool direction = w->out->model.meta.score == WK_SCORE_DIRECTION;
    return json_pack("{s:i, s:s, s:f, s:o}", "rows", (int)x->n_shap, "of",
                     direction ? "the margin of BUY less that of SELL"
                               : "the forecast, as the mean over the targets",
                     "largest", largest, "columns", columns);
}

void wk__walk_explain(wk_walk *w)
{
    const wk_meta *meta = &w->out->model.meta;
    const wk_explain *x = &w->explain;
    if (meta->is_mlp || meta->n_targets * meta->n_seeds == 0)
        return;
    double *gain = gains(w);
    for (size_t c = 0; c < meta->n_columns; c++)
        json_array_append_new(w->out->importance, row_of(w, meta->columns[c], gain));
    json_t *about = json_pack("{s:i, s:i}", "folds", (int)x->n_folds, "rows", (int)x->n_rows);
    if (x->n_shap > 0)
        json_object_set_new(about, "shap", swarm(w));
    w->out->explanation = about;
}
