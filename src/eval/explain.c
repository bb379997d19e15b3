/* The sample, the shuffles and the SHAP values behind the report's importances. */
#include "explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/gbdt_cv.h"
#include "wick/split.h"

enum { ROWS_TOTAL = 4096, ROWS_LEAST = 96, ROWS_MOST = 512, SHAP_ROWS = 240, CLASSES = 3 };

wk_explain wk__explain_make(wk_arena *arena, size_t n_columns, size_t n_folds)
{
    size_t rows = ROWS_TOTAL / (n_folds ? n_folds : 1);
    rows = rows < ROWS_LEAST ? ROWS_LEAST : rows > ROWS_MOST ? ROWS_MOST : rows;
    return (wk_explain){.n_columns = n_columns,
                        .rows_max = rows,
                        .worse = wk_arena_array(arena, double, n_columns),
                        .squares = wk_arena_array(arena, double, n_columns),
                        .seen = wk_arena_array(arena, size_t, n_columns),
                        .cover = wk_arena_array(arena, double, n_columns)};
}

/* What one fold's turns share. */
typedef struct {
    wk_explain *x;
    const wk_run_config *config;
    const wk_targets *targets;
    const wk_columns *data;
    const wk_meta *meta;
    size_t begin, end;
    int threads;
} turn;

static const wk_label *label_of(const turn *j, size_t target)
{
    return j->meta->score == WK_SCORE_DIRECTION ? &j->targets->direction
                                                : &j->targets->targets[target];
}

static bool counts(const turn *j, const wk_label *label, size_t r)
{
    return j->data->table->valid[r] && !isnan(label->y[r]) &&
           wk_split_keeps(label->end[r], (size_t)j->config->split.embargo_bars, j->end);
}

/* Rows at equal distances among those that count, at most `most`. Returns how many. */
static size_t sample(const turn *j, const wk_label *label, size_t most, uint32_t *rows)
{
    size_t S = j->data->table->S, n = 0, at = 0, kept = 0;
    for (size_t r = j->begin * S; r < j->end * S; r++)
        n += counts(j, label, r);
    for (size_t r = j->begin * S; r < j->end * S && kept < most; r++)
        if (counts(j, label, r)) {
            if (n <= most || at * most / n >= kept)
                rows[kept++] = (uint32_t)r;
            at++;
        }
    return kept;
}

static wk_gbdt_data gather(const turn *j, const wk_label *label, const uint32_t *rows, size_t n,
                           wk_arena *arena)
{
    size_t C = j->meta->n_columns;
    float *X = wk_arena_array(arena, float, n *C), *y = wk_arena_array(arena, float, n);
    for (size_t i = 0; i < n; i++) {
        y[i] = label->y[rows[i]];
        for (size_t c = 0; c < C; c++)
            X[i * C + c] = wk_columns_value(j->data, rows[i], j->meta->columns[c]);
    }
    return (wk_gbdt_data){.X = X, .n_rows = n, .n_cols = C, .stride = C, .y = y};
}

/* The mean over the targets of the loss's rise, as a share of the loss. The first forest of each
 * target stands for all of them: it is the one that sees every column. */
static wk_status shuffle(const turn *j, wk_arena *arena, wk_err *err)
{
    wk_explain *x = j->x;
    const wk_meta *meta = j->meta;
    size_t C = meta->n_columns, n_targets = 0;
    double *of_target = wk_arena_array(arena, double, C), *sum = wk_arena_array(arena, double, C);
    uint32_t *rows = wk_arena_array(arena, uint32_t, x->rows_max);
    wk_gbdt_params params = j->config->meta.params;
    params.objective = meta->score == WK_SCORE_DIRECTION ? WK_GBDT_SOFTPROB : WK_GBDT_SQUARED_ERROR;
    params.num_class = meta->score == WK_SCORE_DIRECTION ? CLASSES : 0;
    params.class_weights.n = 0; /* the loss is of rows as they come */
    for (size_t k = 0; k < meta->n_targets; k++) {
        const wk_forest *forest = meta->forests[k * meta->n_seeds];
        size_t n = sample(j, label_of(j, k), x->rows_max, rows);
        double loss;
        if (n < 2 || wk_forest_n_features(forest) != C)
            continue;
        wk_gbdt_data table = gather(j, label_of(j, k), rows, n, arena);
        WK_TRY(wk_gbdt_permutation(&params, NULL, forest, &table, 1, (uint64_t)j->config->seed,
                                   j->threads, of_target, NULL, &loss, err));
        for (size_t c = 0; c < C; c++)
            sum[c] += fabs(loss) > 0 ? of_target[c] / fabs(loss) : 0;
        x->n_rows += n;
        n_targets++;
    }
    for (size_t c = 0; c < C && n_targets > 0; c++) {
        double share = sum[c] / (double)n_targets;
        x->worse[meta->columns[c]] += share;
        x->squares[meta->columns[c]] += share * share;
        x->seen[meta->columns[c]]++;
    }
    x->n_folds += n_targets > 0;
    return WK_OK;
}

/* Mean contributions over the targets; of three classes those to BUY less those to SELL. `kept` is
 * the arena of what stays. */
static wk_status contribute(const turn *j, wk_arena *arena, wk_arena *kept, wk_err *err)
{
    wk_explain *x = j->x;
    const wk_meta *meta = j->meta;
    size_t C = meta->n_columns, K = meta->score == WK_SCORE_DIRECTION ? CLASSES : 1;
    uint32_t *rows = wk_arena_array(arena, uint32_t, SHAP_ROWS);
    size_t n = sample(j, label_of(j, 0), SHAP_ROWS, rows);
    if (n < 2)
        return WK_OK;
    wk_gbdt_data table = gather(j, label_of(j, 0), rows, n, arena);
    double *phi = wk_arena_array(arena, double, n *K *(C + 1));
    x->shap = wk_arena_array(kept, double, n * x->n_columns);
    x->value = wk_arena_array(kept, float, n * x->n_columns);
    for (size_t k = 0; k < meta->n_targets; k++) {
        const wk_forest *forest = meta->forests[k * meta->n_seeds];
        if (wk_forest_n_features(forest) != C)
            continue;
        WK_TRY(wk_forest_contributions(forest, table.X, n, C, j->threads, phi, err));
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < C; c++) {
                const double *p = phi + i * K * (C + 1) + c;
                double v = K == 1 ? p[0] : p[2 * (C + 1)] - p[0];
                x->shap[i * x->n_columns + meta->columns[c]] += v / (double)meta->n_targets;
                x->value[i * x->n_columns + meta->columns[c]] = table.X[i * C + c];
            }
    }
    x->n_shap = n;
    return WK_OK;
}

/* Shares of the sum of covers over all forests. */
static void cover(const turn *j, wk_arena *arena)
{
    const wk_meta *meta = j->meta;
    double *score = wk_arena_array(arena, double, meta->n_columns), sum = 0;
    for (size_t i = 0; i < meta->n_targets * meta->n_seeds; i++) {
        wk_forest_score(meta->forests[i], WK_FOREST_TOTAL_COVER, score);
        for (size_t c = 0; c < wk_forest_n_features(meta->forests[i]); c++) {
            j->x->cover[meta->columns[c]] += score[c];
            sum += score[c];
        }
    }
    for (size_t c = 0; c < j->x->n_columns && sum > 0; c++)
        j->x->cover[c] /= sum;
}

wk_status wk__explain_fold(wk_explain *x, const wk_run_config *config, const wk_targets *targets,
                           const wk_columns *data, const wk_meta *meta, size_t begin, size_t end,
                           bool newest, int threads, wk_arena *arena, wk_err *err)
{
    if (meta->is_mlp || !meta->forests || !meta->forests[0])
        return WK_OK;
    turn j = {x, config, targets, data, meta, begin, end, threads};
    wk_arena scratch;
    wk_arena_init(&scratch);
    wk_status status = shuffle(&j, &scratch, err);
    if (status == WK_OK && newest) {
        cover(&j, &scratch);
        status = contribute(&j, &scratch, arena, err);
    }
    wk_arena_finish(&scratch);
    return status;
}
