/* Training the meta-learner. */
#include "wick/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/split.h"

enum { CLASSES = 3 };

/* Rows gathered for one label. */
typedef struct {
    float *X, *y, *weight;
    size_t n;
} row_set;

static void row_set_finish(row_set *rows)
{
    free(rows->X);
    free(rows->y);
    free(rows->weight);
    *rows = (row_set){0};
}

/* Which rows a label is trained on. The stride is staggered by market, so that at every bar some
 * markets are seen. */
typedef struct {
    const wk_columns *data;
    const uint32_t *columns;
    size_t n_columns, begin, end, stride, embargo;
} row_choice;

static bool row_wanted(const row_choice *choice, const wk_label *label, size_t t, size_t s)
{
    size_t r = t * choice->data->table->S + s;
    return (t + 3 * s) % choice->stride == 0 && choice->data->table->valid[r] &&
           wk_split_keeps(label->end[r], choice->embargo, choice->end);
}

static wk_status gather(const row_choice *choice, const wk_label *label, const float *weight,
                        row_set *out, wk_err *err)
{
    size_t S = choice->data->table->S, n = 0, C = choice->n_columns;
    for (size_t t = choice->begin; t < choice->end; t++)
        for (size_t s = 0; s < S; s++)
            n += row_wanted(choice, label, t, s);
    row_set rows = {.X = malloc((n ? n : 1) * C * sizeof(float)),
                    .y = malloc((n ? n : 1) * sizeof(float)),
                    .weight = weight ? malloc((n ? n : 1) * sizeof(float)) : NULL,
                    .n = n};
    if (!rows.X || !rows.y || (weight && !rows.weight)) {
        row_set_finish(&rows);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu training rows of %zu columns", n, C);
    }
    size_t i = 0;
    for (size_t t = choice->begin; t < choice->end; t++)
        for (size_t s = 0; s < S; s++) {
            if (!row_wanted(choice, label, t, s))
                continue;
            size_t r = t * S + s;
            for (size_t c = 0; c < C; c++)
                rows.X[i * C + c] = wk_columns_value(choice->data, r, choice->columns[c]);
            rows.y[i] = label->y[r];
            if (weight)
                rows.weight[i] = weight[r];
            i++;
        }
    *out = rows;
    return WK_OK;
}

static wk_gbdt_data table_of(const row_set *rows, size_t C)
{
    return (wk_gbdt_data){.X = rows->X,
                          .n_rows = rows->n,
                          .n_cols = C,
                          .stride = C,
                          .y = rows->y,
                          .weight = rows->weight};
}

/* The state of one wk_meta_train call. */
typedef struct {
    const wk_run_config *config;
    row_choice train, stop;
    size_t n_plain; /* the first columns, that plain forests see */
    int threads;
} trainer;

/* Trains one forest a seed for the label into forests[0..n_seeds). Of each two, the first sees all
 * columns and the second the features alone: branch outputs that are noise then spoil only half. */
static wk_status train_label(const trainer *job, const wk_label *label, const float *weight,
                             wk_gbdt_objective objective, size_t n_seeds, size_t stride,
                             wk_forest **forests, wk_gbdt_log *log, wk_err *err)
{
    row_choice train = job->train, stop = job->stop;
    train.stride *= stride;
    stop.stride *= stride;
    row_set rows = {0}, stop_rows = {0};
    wk_status status = gather(&train, label, weight, &rows, err);
    wk_gbdt_params params = job->config->meta.params;
    bool stops = params.early_stopping_rounds > 0 && stop.end > stop.begin;
    if (status == WK_OK && stops)
        status = gather(&stop, label, weight, &stop_rows, err);
    if (status == WK_OK && rows.n < 100)
        status =
            wk_fail(err, WK_E_DATA,
                    "only %zu training rows before step %zu; start the folds later or read more "
                    "history",
                    rows.n, train.end);
    stops = stops && stop_rows.n > 0;
    params.objective = objective;
    params.num_class = objective == WK_GBDT_SOFTPROB ? CLASSES : 0;
    if (!stops)
        params.early_stopping_rounds = 0;
    wk_gbdt_data train_table = table_of(&rows, train.n_columns);
    wk_gbdt_data stop_table = table_of(&stop_rows, train.n_columns);
    for (size_t i = 0; status == WK_OK && i < n_seeds; i++) {
        params.seed = job->config->seed * 1000 + job->config->meta.params.seed + (int64_t)i;
        train_table.n_cols = stop_table.n_cols = i % 2 == 1 ? job->n_plain : train.n_columns;
        status = wk_gbdt_train(&params, &train_table, stops ? &stop_table : NULL, NULL,
                               job->threads, &forests[i], i == 0 ? log : NULL, err);
    }
    row_set_finish(&rows);
    row_set_finish(&stop_rows);
    return status;
}

static wk_status train_forests(const trainer *job, const wk_targets *targets, bool heads,
                               wk_meta *meta, wk_err *err)
{
    const wk_meta_config *config = &job->config->meta;
    meta->n_seeds = (size_t)config->seeds;
    meta->n_targets = config->score == WK_SCORE_TARGETS ? targets->n_targets : 1;
    meta->forests = calloc(meta->n_targets * meta->n_seeds, sizeof *meta->forests);
    if (!meta->forests)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    if (config->score == WK_SCORE_DIRECTION) {
        WK_TRY(train_label(job, &targets->direction, targets->uniqueness, WK_GBDT_SOFTPROB,
                           meta->n_seeds, 1, meta->forests, &meta->log, err));
    } else {
        for (size_t i = 0; i < meta->n_targets; i++)
            WK_TRY(train_label(job, &targets->targets[i], NULL, WK_GBDT_SQUARED_ERROR,
                               meta->n_seeds, 1, meta->forests + i * meta->n_seeds,
                               i == 0 ? &meta->log : NULL, err));
    }
    if (!heads)
        return WK_OK;
    size_t stride = (size_t)config->heads_stride;
    if (config->score == WK_SCORE_TARGETS)
        WK_TRY(train_label(job, &targets->direction, targets->uniqueness, WK_GBDT_SOFTPROB, 1,
                           stride, &meta->direction, NULL, err));
    WK_TRY(train_label(job, &targets->magnitude, NULL, WK_GBDT_SQUARED_ERROR, 1, stride,
                       &meta->magnitude, NULL, err));
    return train_label(job, &targets->volatility, NULL, WK_GBDT_SQUARED_ERROR, 1, stride,
                       &meta->volatility, NULL, err);
}

/* Trees that somebody else trained, over this table's features in their order. */
static wk_status import_forest(const wk_run_config *config, const wk_dataset *dataset,
                               wk_meta *meta, wk_err *err)
{
    const char *path = config->meta.model;
    bool direction = meta->score == WK_SCORE_DIRECTION;
    if (config->branches.n > 0)
        return wk_fail(err, WK_E_CONFIG,
                       "meta.model is used without branches; set \"branches\": []");
    if (!direction && config->meta.targets.n != 1)
        return wk_fail(err, WK_E_CONFIG,
                       "meta.model is one regression, meta.targets has %zu; list the one "
                       "that it was trained on",
                       config->meta.targets.n);
    meta->n_targets = meta->n_seeds = 1;
    meta->forests = calloc(1, sizeof *meta->forests);
    if (!meta->forests)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    WK_TRY(wk_forest_load(path, &meta->forests[0], err));
    const wk_forest *forest = meta->forests[0];
    if (wk_forest_n_features(forest) != meta->n_columns)
        return wk_fail(err, WK_E_MODEL,
                       "%s: the trees see %zu features, the configuration has %zu columns; "
                       "`wick features` writes them",
                       path, wk_forest_n_features(forest), meta->n_columns);
    int objective = direction ? WK_GBDT_SOFTPROB : WK_GBDT_SQUARED_ERROR;
    if (wk_forest_objective(forest) != objective ||
        wk_forest_n_outputs(forest) != (direction ? CLASSES : 1))
        return wk_fail(err, WK_E_MODEL, "%s: meta.score \"%s\" needs %s", path,
                       direction ? "direction" : "targets",
                       direction ? "multi:softprob of three classes" : "reg:squarederror");
    const char *const *names = wk_forest_names(forest);
    for (size_t i = 0; names && i < meta->n_columns; i++)
        if (strcmp(names[i], dataset->feature_names[meta->columns[i]]) != 0)
            return wk_fail(err, WK_E_MODEL,
                           "%s: feature %zu is \"%s\", the configuration's is \"%s\"; train on "
                           "the columns of `wick features` in their order",
                           path, i, names[i], dataset->feature_names[meta->columns[i]]);
    return WK_OK;
}

/* How many of the columns are features; these stand first. */
static size_t plain_columns(const uint32_t *columns, size_t n_columns, size_t F)
{
    size_t n = 0;
    while (n < n_columns && columns[n] < F)
        n++;
    return n;
}

wk_status wk_meta_train(const wk_run_config *config, const wk_dataset *dataset,
                        const wk_targets *targets, const wk_columns *data, const uint32_t *columns,
                        size_t n_columns, bool heads, size_t begin, size_t end, size_t stop_end,
                        int threads, wk_meta *out, wk_err *err)
{
    wk_meta meta = {.is_mlp = config->meta.kind == 1,
                    .score = config->meta.score,
                    .n_columns = n_columns,
                    .n_plain = plain_columns(columns, n_columns, dataset->table.F),
                    .temperature = 1,
                    .threshold = NAN};
    size_t embargo = (size_t)config->split.embargo_bars;
    wk_status status;
    meta.columns = malloc(n_columns * sizeof *columns);
    if (!meta.columns)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    memcpy(meta.columns, columns, n_columns * sizeof *columns);
    if (meta.is_mlp) {
        meta.score = WK_SCORE_DIRECTION;
        wk_branch_span span = {begin, end, stop_end, embargo, (uint64_t)config->seed, threads};
        status = wk_branch_train("mlp", &config->meta.mlp_layers, &config->meta.mlp_train, data,
                                 columns, n_columns, targets, &span, &meta.mlp, err);
    } else if (config->meta.model[0]) {
        status = import_forest(config, dataset, &meta, err);
    } else {
        size_t stride = (size_t)config->split.row_stride;
        trainer job = {.config = config,
                       .train = {data, columns, n_columns, begin, end, stride, embargo},
                       .stop = {data, columns, n_columns, end, stop_end, stride, embargo},
                       .n_plain = meta.n_plain,
                       .threads = threads};
        status = train_forests(&job, targets, heads, &meta, err);
    }
    if (status != WK_OK) {
        wk_meta_finish(&meta);
        return status;
    }
    *out = meta;
    return WK_OK;
}
