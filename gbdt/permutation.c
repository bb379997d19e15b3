/* Permutation importance. The rows are the booster's test set; a shuffled column stands in a copy
 * of them while the metric is taken, then the column comes back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "boost.h"
#include "cv.h"
#include "wick/rng.h"

typedef struct {
    size_t repeats;
    uint64_t seed;
    double *worse, *deviation, *metric;
    float *X; /* [n_rows, n_features] of the rows that count */
    wk__gbdt_booster *b;
} job;

/* Margins of the rows as they stand in the copy. */
static void margins_of_block(void *context, size_t block)
{
    const job *j = context;
    const wk__gbdt_row_set *set = &j->b->test;
    const wk_forest *forest = j->b->start;
    const float *base = set->data->base_margin;
    size_t n = set->n_rows, K = j->b->n_outputs, F = j->b->n_features,
           end = wk__gbdt_block_end(block, n);
    float *row = malloc(K * WK__GBDT_ROWS * sizeof *row);
    WK_ASSERT(row && "out of memory");
    size_t begin = block * WK__GBDT_ROWS;
    if (base)
        for (size_t i = begin; i < end; i++)
            wk_forest_margin_from(forest, j->X + i * F, base + (set->rows ? set->rows[i] : i) * K,
                                  row + (i - begin) * K);
    else
        wk__forest_margins(forest, j->X + begin * F, end - begin, F, row);
    for (size_t i = begin; i < end; i++)
        for (size_t k = 0; k < K; k++)
            set->margin[k * n + i] = row[(i - begin) * K + k];
    free(row);
}

static double measure(job *j)
{
    wk__gbdt_booster *b = j->b;
    wk__gbdt_team_run(b->team, wk__gbdt_n_blocks(b->test.n_rows), margins_of_block, j);
    return wk__gbdt_metric_of(b, &b->test);
}

/* Shuffle number `repeat` of the column's values: into the copy. */
static void shuffle(job *j, const float *column, float *shuffled, size_t f, size_t repeat)
{
    size_t n = j->b->test.n_rows, F = j->b->n_features;
    uint64_t stream = (uint64_t)f * j->repeats + repeat;
    memcpy(shuffled, column, n * sizeof *shuffled);
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)wk_rng_below(j->seed, stream, i, i);
        float swap = shuffled[i - 1];
        shuffled[i - 1] = shuffled[k];
        shuffled[k] = swap;
    }
    for (size_t i = 0; i < n; i++)
        j->X[i * F + f] = shuffled[i];
}

static wk_status run(wk__gbdt_booster *b, void *context, wk_err *err)
{
    job *j = context;
    const wk__gbdt_row_set *set = &b->test;
    size_t n = set->n_rows, F = b->n_features;
    double *uses = wk__gbdt_pages_array(&b->pages, double, F);
    float *column = wk__gbdt_pages_array(&b->pages, float, n),
          *shuffled = wk__gbdt_pages_array(&b->pages, float, n);
    (void)err;
    j->b = b;
    j->X = wk__gbdt_pages_array(&b->pages, float, n *F);
    for (size_t i = 0; i < n; i++)
        memcpy(j->X + i * F, set->data->X + (set->rows ? set->rows[i] : i) * set->data->stride,
               F * sizeof *j->X);
    wk_forest_score(b->start, WK_FOREST_WEIGHT, uses);
    double before = measure(j);
    if (j->metric)
        *j->metric = before;
    for (size_t f = 0; f < F; f++) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            column[i] = j->X[i * F + f];
        for (size_t r = 0; uses[f] > 0 && r < j->repeats; r++) {
            shuffle(j, column, shuffled, f, r);
            double change = measure(j) - before;
            change = b->metric.larger_is_better ? -change : change;
            sum += change;
            squares += change * change;
        }
        for (size_t i = 0; i < n; i++)
            j->X[i * F + f] = column[i];
        double mean = sum / (double)j->repeats,
               variance = squares / (double)j->repeats - mean * mean;
        j->worse[f] = mean;
        if (j->deviation)
            j->deviation[f] = variance > 0 ? sqrt(variance) : 0;
    }
    return WK_OK;
}

wk_status wk_gbdt_permutation(const wk_gbdt_params *params, const wk_gbdt_custom *custom,
                              const wk_forest *forest, const wk_gbdt_data *rows, size_t repeats,
                              uint64_t seed, int threads, double *worse, double *deviation,
                              double *metric, wk_err *err)
{
    WK_TRY(wk__gbdt_check_params(params, custom, true, err));
    WK_TRY(wk__gbdt_check_rows(params, rows, rows->categorical, "permuted", err));
    if (repeats < 1)
        return wk_fail(err, WK_E_ARG, "permutation importance needs at least 1 repeat");
    if (forest->n_features != rows->n_cols ||
        forest->n_outputs != wk__gbdt_n_outputs(params, custom))
        return wk_fail(err, WK_E_MODEL,
                       "the model sees %zu columns and has %zu outputs, the table %zu columns and "
                       "the objective %zu outputs",
                       forest->n_features, forest->n_outputs, rows->n_cols,
                       wk__gbdt_n_outputs(params, custom));
    wk__gbdt_booster b = {.params = *params,
                          .custom = custom,
                          .start = forest,
                          .valid = rows,
                          .n_features = rows->n_cols,
                          .train = {.data = rows}};
    job j = {
        .repeats = repeats, .seed = seed, .worse = worse, .deviation = deviation, .metric = metric};
    return wk__gbdt_with_booster(&b, threads, run, &j, err);
}

wk_status wk_gbdt_cv_permutation(const wk_gbdt_params *params, const wk_gbdt_custom *custom,
                                 const wk_gbdt_data *data, const wk_gbdt_fold *folds,
                                 const wk_gbdt_cv *cv, size_t repeats, uint64_t seed, int threads,
                                 double *worse, double *deviation, wk_err *err)
{
    size_t F = data->n_cols, K = wk__gbdt_n_outputs(params, custom);
    wk_status status = WK_OK;
    wk_arena arena;
    wk_arena_init(&arena);
    double *of_fold = wk_arena_array(&arena, double, F), *sum = wk_arena_array(&arena, double, F),
           *squares = wk_arena_array(&arena, double, F);
    for (size_t k = 0; status == WK_OK && k < cv->n_folds; k++) {
        wk_arena fold_arena;
        wk_gbdt_data test;
        wk_arena_init(&fold_arena);
        wk__gbdt_take(data, K, folds[k].test, folds[k].n_test, &fold_arena, &test);
        status = wk_gbdt_permutation(params, custom, cv->forests[k], &test, repeats, seed + k,
                                     threads, of_fold, NULL, NULL, err);
        wk_arena_finish(&fold_arena);
        if (status != WK_OK)
            status = wk_fail_prefix(err, "fold %zu of %zu", k + 1, cv->n_folds);
        for (size_t f = 0; f < F; f++) {
            sum[f] += of_fold[f];
            squares[f] += of_fold[f] * of_fold[f];
        }
    }
    double n = (double)cv->n_folds;
    for (size_t f = 0; status == WK_OK && f < F; f++) {
        double mean = sum[f] / n, variance = squares[f] / n - mean * mean;
        worse[f] = mean;
        if (deviation)
            deviation[f] = variance > 0 ? sqrt(variance) : 0;
    }
    wk_arena_finish(&arena);
    return status;
}
