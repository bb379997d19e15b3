/* Cross-validation. All folds go on together, some rounds at a time, so that early stopping can
 * look at their mean; a training that is continued has the bits of one at once. */
#include "cv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "boost.h"

enum { FIRST_ROUNDS = 32 };

void wk__gbdt_take(const wk_gbdt_data *data, size_t K, const uint32_t *rows, size_t n,
                   wk_arena *arena, wk_gbdt_data *out)
{
    size_t C = data->n_cols;
    float *X = wk_arena_array(arena, float, n *C), *y = wk_arena_array(arena, float, n);
    float *weight = data->weight ? wk_arena_array(arena, float, n) : NULL,
          *base = data->base_margin ? wk_arena_array(arena, float, n *K) : NULL;
    uint32_t *group = data->group ? wk_arena_array(arena, uint32_t, n + 1) : NULL;
    size_t n_groups = 0, of = 0, last = SIZE_MAX, group_end = data->group ? data->group[0] : 0;
    for (size_t i = 0; i < n; i++) {
        size_t r = rows[i];
        memcpy(X + i * C, data->X + r * data->stride, C * sizeof *X);
        y[i] = data->y[r];
        if (weight)
            weight[i] = data->weight[r];
        if (base)
            memcpy(base + i * K, data->base_margin + r * K, K * sizeof *base);
        if (!group)
            continue;
        while (r >= group_end)
            group_end += data->group[++of];
        if (of != last)
            group[n_groups++] = 0;
        group[n_groups - 1]++;
        last = of;
    }
    *out = (wk_gbdt_data){.X = X,
                          .n_rows = n,
                          .n_cols = C,
                          .stride = C,
                          .y = y,
                          .weight = weight,
                          .base_margin = base,
                          .group = group,
                          .n_groups = n_groups,
                          .categorical = data->categorical};
}

void wk_gbdt_cv_finish(wk_gbdt_cv *cv)
{
    if (!cv)
        return;
    free(cv->train);
    free(cv->test);
    free(cv->train_mean);
    free(cv->train_std);
    free(cv->test_mean);
    free(cv->test_std);
    for (size_t k = 0; cv->forests && k < cv->n_folds; k++)
        wk_forest_destroy(cv->forests[k]);
    free(cv->forests);
    *cv = (wk_gbdt_cv){0};
}

typedef struct {
    wk_gbdt_params params;
    const wk_gbdt_custom *custom;
    const wk_gbdt_data *data;
    const wk_gbdt_fold *folds;
    const char *const *names;
    int threads;
    size_t most; /* rounds there is room for in a fold's figures */
    wk_gbdt_cv *cv;
} run_state;

/* The fold's next rounds, after those of its forest. */
static wk_status go_on(run_state *s, size_t k, size_t rounds, wk_err *err)
{
    wk_arena arena;
    wk_gbdt_data train, test;
    wk_gbdt_log log = {0};
    wk_forest *next = NULL, **forest = &s->cv->forests[k];
    wk_gbdt_params params = s->params;
    size_t K = wk__gbdt_n_outputs(&params, s->custom), done = s->cv->n_rounds;
    params.rounds = (int64_t)rounds;
    params.early_stopping_rounds = 0;
    wk_arena_init(&arena);
    wk__gbdt_take(s->data, K, s->folds[k].train, s->folds[k].n_train, &arena, &train);
    wk__gbdt_take(s->data, K, s->folds[k].test, s->folds[k].n_test, &arena, &test);
    wk_status status = wk_gbdt_train_from(&params, *forest, s->custom, &train, &test, s->names,
                                          s->threads, &next, &log, err);
    if (status == WK_OK) {
        memcpy(s->cv->train + k * s->most + done, log.train_metric, log.n * sizeof(double));
        memcpy(s->cv->test + k * s->most + done, log.valid_metric, log.n * sizeof(double));
        wk_forest_destroy(*forest);
        *forest = next;
    }
    wk_gbdt_log_finish(&log);
    wk_arena_finish(&arena);
    return status == WK_OK ? status : wk_fail_prefix(err, "fold %zu of %zu", k + 1, s->cv->n_folds);
}

static void mean_and_deviation(const double *values, size_t stride, size_t n, double *mean,
                               double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++)
        sum += values[k * stride];
    *mean = sum / (double)n;
    for (size_t k = 0; k < n; k++)
        squares += (values[k * stride] - *mean) * (values[k * stride] - *mean);
    *deviation = sqrt(squares / (double)n);
}

/* Looks at one more round that all folds have run. *stop: it is enough. */
static wk_status look(run_state *s, bool larger_is_better, double *best, bool *stop, wk_err *err)
{
    wk_gbdt_cv *cv = s->cv;
    size_t t = cv->n_rounds++, patience = (size_t)s->params.early_stopping_rounds;
    mean_and_deviation(cv->train + t, s->most, cv->n_folds, &cv->train_mean[t], &cv->train_std[t]);
    mean_and_deviation(cv->test + t, s->most, cv->n_folds, &cv->test_mean[t], &cv->test_std[t]);
    double mean = cv->test_mean[t], cost = larger_is_better ? -mean : mean;
    if (patience > 0 && isnan(mean))
        return wk_fail(err, WK_E_DATA,
                       "round %zu: the mean of %s over the folds is no number (a fold's test rows "
                       "may have one class only), so early stopping cannot judge it; set cv.split "
                       "to stratified or lower cv.nfold",
                       t + 1, wk_gbdt_metric_name(&s->params));
    if (patience == 0 || cost < *best) {
        *best = cost;
        cv->best_round = t + 1;
    } else {
        *stop = t + 1 - cv->best_round >= patience;
    }
    return WK_OK;
}

/* The first trees of a forest. */
static wk_status shorten(wk_forest **forest, size_t n_trees, wk_err *err)
{
    const wk_forest *from = *forest;
    if (from->n_trees == n_trees)
        return WK_OK;
    wk_forest *out = wk__forest_create(from->objective, from->n_outputs, from->n_features, n_trees);
    if (!out)
        return wk_fail(err, WK_E_NOMEM, "out of memory for a forest of %zu trees", n_trees);
    wk__forest_set_base(out, from->base_score);
    if (from->names)
        wk__forest_set_names(out, (const char *const *)from->names);
    for (size_t t = 0; t < n_trees; t++)
        wk__gbdt_add_tree(out, &from->trees[t]);
    out->label_column = from->label_column;
    wk__forest_seal(out);
    wk_forest_destroy(*forest);
    *forest = out;
    return WK_OK;
}

static bool allocate(wk_gbdt_cv *cv, size_t n_folds, size_t rounds)
{
    size_t n = rounds + 1;
    *cv = (wk_gbdt_cv){.n_folds = n_folds,
                       .train = calloc(n * n_folds, sizeof(double)),
                       .test = calloc(n * n_folds, sizeof(double)),
                       .train_mean = calloc(n, sizeof(double)),
                       .train_std = calloc(n, sizeof(double)),
                       .test_mean = calloc(n, sizeof(double)),
                       .test_std = calloc(n, sizeof(double)),
                       .forests = calloc(n_folds, sizeof(wk_forest *))};
    return cv->train && cv->test && cv->train_mean && cv->train_std && cv->test_mean &&
           cv->test_std && cv->forests;
}

static wk_status run_all(run_state *s, bool larger_is_better, wk_gbdt_cv_progress progress,
                         void *context, wk_err *err)
{
    wk_gbdt_cv *cv = s->cv;
    size_t rounds = (size_t)s->params.rounds, ahead = 0;
    double best = HUGE_VAL;
    bool stop = false;
    do {
        /* Longer and longer stretches: what is run beyond the stop stays below half. */
        size_t step = ahead / 2 > FIRST_ROUNDS ? ahead / 2 : FIRST_ROUNDS;
        step = step < rounds - ahead ? step : rounds - ahead;
        for (size_t k = 0; k < cv->n_folds; k++)
            WK_TRY(go_on(s, k, step, err));
        for (ahead += step; !stop && cv->n_rounds < ahead;) {
            WK_TRY(look(s, larger_is_better, &best, &stop, err));
            if (progress)
                progress(context, cv, cv->n_rounds - 1);
        }
    } while (!stop && ahead < rounds);
    for (size_t k = 0; k < cv->n_folds; k++) {
        size_t K = cv->forests[k]->n_outputs;
        memmove(cv->train + k * cv->n_rounds, cv->train + k * s->most,
                cv->n_rounds * sizeof *cv->train);
        memmove(cv->test + k * cv->n_rounds, cv->test + k * s->most,
                cv->n_rounds * sizeof *cv->test);
        WK_TRY(shorten(&cv->forests[k], cv->best_round * K, err));
    }
    return WK_OK;
}

wk_status wk_gbdt_cv_run(const wk_gbdt_params *params, const wk_gbdt_custom *custom,
                         const wk_gbdt_data *data, const wk_gbdt_fold *folds, size_t n_folds,
                         const char *const *names, int threads, wk_gbdt_cv_progress progress,
                         void *context, wk_gbdt_cv *out, wk_err *err)
{
    wk__gbdt_metric metric;
    wk_gbdt_cv cv;
    if (n_folds < 1)
        return wk_fail(err, WK_E_ARG, "cross-validation needs folds");
    WK_TRY(wk__gbdt_check_params(params, custom, true, err));
    WK_TRY(wk__gbdt_check_rows(params, data, data->categorical, "table", err));
    WK_TRY(wk__gbdt_metric_parse(params, custom, &metric, err));
    for (size_t k = 0; k < n_folds; k++)
        if (folds[k].n_train == 0 || folds[k].n_test == 0)
            return wk_fail(err, WK_E_DATA,
                           "fold %zu of %zu has %zu rows to train on and %zu to "
                           "test",
                           k + 1, n_folds, folds[k].n_train, folds[k].n_test);
    if (!allocate(&cv, n_folds, (size_t)params->rounds)) {
        wk_gbdt_cv_finish(&cv);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %lld rounds on %zu folds",
                       (long long)params->rounds, n_folds);
    }
    run_state s = {.params = *params,
                   .custom = custom,
                   .data = data,
                   .folds = folds,
                   .names = names,
                   .threads = threads,
                   .most = (size_t)params->rounds + 1,
                   .cv = &cv};
    wk_status status = run_all(&s, metric.larger_is_better, progress, context, err);
    if (status != WK_OK) {
        wk_gbdt_cv_finish(&cv);
        return status;
    }
    *out = cv;
    return WK_OK;
}
