/* What training accepts. */
#include <math.h>
#include <string.h>

#include "boost.h"

bool wk__gbdt_objective_ranks(int objective)
{
    return objective == WK_GBDT_RANK_NDCG || objective == WK_GBDT_RANK_PAIRWISE;
}

size_t wk__gbdt_n_outputs(const wk_gbdt_params *p, const wk_gbdt_custom *custom)
{
    if (p->objective == WK_GBDT_CUSTOM)
        return custom && custom->n_outputs > 0 ? custom->n_outputs : 1;
    return p->objective == WK_GBDT_SOFTPROB ? (size_t)p->num_class
           : p->objective == WK_GBDT_PROFIT ? 3
                                            : 1;
}

static wk_status check_label(const wk_gbdt_params *p, const char *what, size_t i, float y,
                             wk_err *err)
{
    const char *rule = NULL, *name = wk__gbdt_objective_name(p->objective);
    if (!isfinite(y))
        return wk_fail(err, WK_E_DATA, "%s row %zu has label %g; drop rows without a label", what,
                       i, (double)y);
    if (p->objective == WK_GBDT_SOFTPROB &&
        (y < 0 || y >= (float)p->num_class || y != (float)(int32_t)y))
        return wk_fail(err, WK_E_DATA,
                       "%s row %zu has label %g; multi:softprob takes 0 to %lld (num_class - 1)",
                       what, i, (double)y, (long long)p->num_class - 1);
    if (p->objective == WK_GBDT_LOGISTIC && y != 0 && y != 1)
        rule = "0 or 1";
    else if (p->objective == WK_GBDT_POISSON && y < 0)
        rule = "0 or more";
    else if (wk__gbdt_objective_ranks(p->objective) && (y < 0 || y > 31 || y != (float)(int32_t)y))
        rule = "whole relevances from 0 to 31";
    if (rule)
        return wk_fail(err, WK_E_DATA, "%s row %zu has label %g; %s takes %s", what, i, (double)y,
                       name, rule);
    return WK_OK;
}

static wk_status check_categories(const wk_gbdt_data *data, const bool *categorical,
                                  const char *what, wk_err *err)
{
    for (size_t f = 0; categorical && f < data->n_cols; f++)
        for (size_t i = 0; categorical[f] && i < data->n_rows; i++) {
            float x = data->X[i * data->stride + f];
            if (!isnan(x) && !(x > -1 && x < (float)0x1p24))
                return wk_fail(
                    err, WK_E_DATA,
                    "%s row %zu, categorical column %zu: %g is no category; they are whole "
                    "numbers from 0 to 16777215",
                    what, i, f, (double)x);
        }
    return WK_OK;
}

static wk_status check_groups(const wk_gbdt_params *p, const wk_gbdt_data *data, const char *what,
                              wk_err *err)
{
    size_t sum = 0;
    if (!wk__gbdt_objective_ranks(p->objective) && !data->group)
        return WK_OK;
    if (!data->group || data->n_groups == 0)
        return wk_fail(err, WK_E_DATA,
                       "the %s set has no query groups; %s needs the rows of each query", what,
                       wk__gbdt_objective_name(p->objective));
    for (size_t i = 0; i < data->n_groups; i++)
        sum += data->group[i];
    if (sum != data->n_rows)
        return wk_fail(err, WK_E_DATA, "the %zu groups of the %s set hold %zu rows, the table %zu",
                       data->n_groups, what, sum, data->n_rows);
    return WK_OK;
}

wk_status wk__gbdt_check_rows(const wk_gbdt_params *p, const wk_gbdt_data *data,
                              const bool *categorical, const char *what, wk_err *err)
{
    if (data->n_rows == 0 || data->n_cols == 0)
        return wk_fail(err, WK_E_DATA, "the %s set has %zu rows and %zu columns", what,
                       data->n_rows, data->n_cols);
    if (data->n_rows > (size_t)1 << 30)
        return wk_fail(err, WK_E_DATA, "the %s set has %zu rows; at most 2^30 are supported", what,
                       data->n_rows);
    for (size_t i = 0; i < data->n_rows; i++) {
        float w = data->weight ? data->weight[i] : 1;
        if (!isfinite(w) || w < 0)
            return wk_fail(err, WK_E_DATA, "%s row %zu has weight %g; weights are finite and >= 0",
                           what, i, (double)w);
        WK_TRY(check_label(p, what, i, data->y[i], err));
    }
    for (size_t i = 0; data->base_margin && i < data->n_rows; i++)
        if (!isfinite(data->base_margin[i]))
            return wk_fail(err, WK_E_DATA, "%s row %zu has base margin %g", what, i,
                           (double)data->base_margin[i]);
    WK_TRY(check_categories(data, categorical, what, err));
    return check_groups(p, data, what, err);
}

static wk_status bad(wk_err *err, const char *name, double value, const char *rule)
{
    return wk_fail(err, WK_E_CONFIG, "%s is %g; it must be %s", name, value, rule);
}

static wk_status check_growth(const wk_gbdt_params *p, wk_err *err)
{
    if (p->grow_policy < 0 || p->grow_policy > 2)
        return bad(err, "grow_policy", p->grow_policy, "depthwise, lossguide or symmetric");
    if (p->max_depth < 0 || p->max_leaves < 0 || p->max_leaves == 1)
        return bad(err, "max_depth or max_leaves", (double)p->max_leaves, "0 or at least 1 and 2");
    if (p->grow_policy == 0 && p->max_depth == 0)
        return bad(err, "max_depth", 0, "at least 1 with grow_policy depthwise");
    if (p->grow_policy == 1 && p->max_depth == 0 && p->max_leaves == 0)
        return bad(err, "max_leaves", 0, "at least 2 with grow_policy lossguide and no max_depth");
    if (p->grow_policy == 2 && (p->max_depth == 0 || p->max_depth > 16))
        return bad(err, "max_depth", (double)p->max_depth, "1 to 16 with grow_policy symmetric");
    if (p->max_bin < 2 || p->max_bin > 255)
        return bad(err, "max_bin", (double)p->max_bin, "2 to 255");
    if (!(p->lambda >= 0 && p->lambda < HUGE_VAL))
        return bad(err, "lambda", p->lambda, "0 or more");
    if (!(p->alpha >= 0 && p->alpha < HUGE_VAL))
        return bad(err, "alpha", p->alpha, "0 or more");
    if (!(p->gamma >= 0))
        return bad(err, "gamma", p->gamma, "0 or more");
    if (!(p->min_child_weight >= 0))
        return bad(err, "min_child_weight", p->min_child_weight, "0 or more");
    if (p->min_rows_leaf < 0)
        return bad(err, "min_rows_leaf", (double)p->min_rows_leaf, "0 or more");
    if (!(p->max_delta_step >= 0))
        return bad(err, "max_delta_step", p->max_delta_step, "0 or more");
    if (!(p->cat_smooth >= 0) || !(p->cat_l2 >= 0))
        return bad(err, "cat_smooth or cat_l2", p->cat_smooth + p->cat_l2, "0 or more");
    if (p->min_data_per_group < 0)
        return bad(err, "min_data_per_group", (double)p->min_data_per_group, "0 or more");
    for (size_t i = 0; i < p->monotone_constraints.n; i++) {
        double c = p->monotone_constraints.v[i];
        if (c != -1 && c != 0 && c != 1)
            return bad(err, "an element of monotone_constraints", c, "-1, 0 or 1");
        if (c != 0 && p->grow_policy == 2)
            return wk_fail(
                err, WK_E_CONFIG,
                "monotone_constraints do not go with grow_policy symmetric; use depthwise");
    }
    return WK_OK;
}

static wk_status check_draws(const wk_gbdt_params *p, wk_err *err)
{
    double alpha;
    if (!(p->subsample > 0 && p->subsample <= 1))
        return bad(err, "subsample", p->subsample, "above 0 and at most 1");
    if (!(p->colsample_bytree > 0 && p->colsample_bytree <= 1))
        return bad(err, "colsample_bytree", p->colsample_bytree, "above 0 and at most 1");
    if (!(p->colsample_bylevel >= 0 && p->colsample_bylevel <= 1))
        return bad(err, "colsample_bylevel", p->colsample_bylevel, "above 0 and at most 1");
    if (!(p->colsample_bynode >= 0 && p->colsample_bynode <= 1))
        return bad(err, "colsample_bynode", p->colsample_bynode, "above 0 and at most 1");
    if (p->subsample_block < 0)
        return bad(err, "subsample_block", (double)p->subsample_block, "0 or more");
    if (p->sampling_method < 0 || p->sampling_method > 2)
        return bad(err, "sampling_method", p->sampling_method, "uniform, gradient_based or goss");
    if (p->sampling_method != 0 && (p->subsample_block > 1 || wk__gbdt_leaf_quantile(p, &alpha)))
        return wk_fail(
            err, WK_E_CONFIG,
            "sampling_method other than uniform does not go with subsample_block or with leaves "
            "that are quantiles (%s)",
            wk__gbdt_objective_name(p->objective));
    if (p->sampling_method == 2 && p->subsample < 1)
        return bad(err, "subsample", p->subsample,
                   "1 with goss, which has top_rate and other_rate");
    double top = p->top_rate > 0 ? p->top_rate : 0.2,
           other = p->other_rate > 0 ? p->other_rate : 0.1;
    if (p->sampling_method == 2 &&
        (!(p->top_rate >= 0) || !(p->other_rate >= 0) || !(top + other <= 1)))
        return bad(err, "top_rate + other_rate", top + other, "above 0 and at most 1");
    return WK_OK;
}

static wk_status check_loss(const wk_gbdt_params *p, wk_err *err)
{
    if (p->objective == WK_GBDT_SOFTPROB &&
        (p->num_class < 2 || p->num_class > WK__GBDT_CLASSES_MAX))
        return bad(err, "num_class", (double)p->num_class, "2 to 10000 for multi:softprob");
    if (!(p->scale_pos_weight >= 0) || !(p->scale_pos_weight < HUGE_VAL))
        return bad(err, "scale_pos_weight", p->scale_pos_weight, "above 0");
    if (!(p->huber_slope >= 0) || !(p->huber_slope < HUGE_VAL))
        return bad(err, "huber_slope", p->huber_slope, "above 0");
    if (!(p->quantile_alpha >= 0 && p->quantile_alpha < 1))
        return bad(err, "quantile_alpha", p->quantile_alpha, "between 0 and 1");
    if (!(p->cost_bps >= 0) || !(p->cost_bps < HUGE_VAL))
        return bad(err, "cost_bps", p->cost_bps, "0 or more");
    size_t n_classes = p->objective == WK_GBDT_SOFTPROB   ? (size_t)p->num_class
                       : p->objective == WK_GBDT_LOGISTIC ? 2
                                                          : 0;
    if (p->class_weights.n > 0 && p->class_weights.n != n_classes)
        return wk_fail(err, WK_E_CONFIG, "class_weights has %zu weights for %zu classes",
                       p->class_weights.n, n_classes);
    for (size_t i = 0; i < p->class_weights.n; i++)
        if (!(p->class_weights.v[i] >= 0) || !(p->class_weights.v[i] < HUGE_VAL))
            return bad(err, "an element of class_weights", p->class_weights.v[i], "0 or more");
    bool link_log = p->objective == WK_GBDT_POISSON;
    if (isinf(p->base_score) || (p->objective == WK_GBDT_LOGISTIC && !isnan(p->base_score) &&
                                 !(p->base_score > 0 && p->base_score < 1)))
        return bad(err, "base_score", p->base_score,
                   "finite, and for binary:logistic a probability between 0 and 1");
    if (link_log && !isnan(p->base_score) && !(p->base_score > 0))
        return bad(err, "base_score", p->base_score, "above 0 for count:poisson");
    return WK_OK;
}

wk_status wk__gbdt_check_params(const wk_gbdt_params *p, const wk_gbdt_custom *custom,
                                bool has_valid, wk_err *err)
{
    if (p->objective < WK_GBDT_SQUARED_ERROR || p->objective >= WK_GBDT_OBJECTIVES)
        return bad(err, "objective", p->objective, "one of the objectives");
    if (p->objective == WK_GBDT_CUSTOM && !(custom && custom->gradient))
        return wk_fail(err, WK_E_CONFIG,
                       "the objective is custom, but there is no gradient callback");
    if (custom && custom->n_outputs > WK__GBDT_CLASSES_MAX)
        return bad(err, "n_outputs", (double)custom->n_outputs, "1 to 10000");
    if (p->rounds < 0 || p->rounds > 10000000)
        return bad(err, "num_boost_round", (double)p->rounds, "0 to 10000000");
    if (!(p->eta > 0 && p->eta <= 1))
        return bad(err, "eta", p->eta, "above 0 and at most 1");
    WK_TRY(check_loss(p, err));
    WK_TRY(check_growth(p, err));
    WK_TRY(check_draws(p, err));
    if (p->early_stopping_rounds < 0)
        return bad(err, "early_stopping_rounds", (double)p->early_stopping_rounds, "0 or more");
    if (p->early_stopping_rounds > 0 && !has_valid)
        return wk_fail(err, WK_E_CONFIG,
                       "early_stopping_rounds is %lld but there is no validation set",
                       (long long)p->early_stopping_rounds);
    return WK_OK;
}
