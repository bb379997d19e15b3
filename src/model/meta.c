/* The meta-learner: trees (or a small network) over features and branch outputs. */
#include "wick/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/math.h"
#include "wick/split.h"

enum { PREDICT_BLOCK = 256, CLASSES = 3, COLUMNS_MAX = 4096 };

void wk_meta_finish(wk_meta *meta)
{
    if (!meta)
        return;
    for (size_t i = 0; meta->forests && i < meta->n_targets * meta->n_seeds; i++)
        wk_forest_destroy(meta->forests[i]);
    free(meta->forests);
    free(meta->columns);
    wk_forest_destroy(meta->magnitude);
    wk_forest_destroy(meta->volatility);
    wk_branch_finish(&meta->mlp);
    wk_gbdt_log_finish(&meta->log);
    *meta = (wk_meta){0};
}

size_t wk_meta_n_raw(const wk_meta *meta)
{
    return meta->score == WK_SCORE_DIRECTION ? CLASSES : meta->n_targets;
}

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
        status = wk_fail(err, WK_E_DATA,
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
        status = wk_gbdt_train(&params, &train_table, stops ? &stop_table : NULL, NULL, job->threads,
                               &forests[i], i == 0 ? log : NULL, err);
    }
    row_set_finish(&rows);
    row_set_finish(&stop_rows);
    return status;
}

static wk_status train_forests(const trainer *job, const wk_targets *targets, bool heads, wk_meta *meta,
                               wk_err *err)
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
            WK_TRY(train_label(job, &targets->targets[i], NULL, WK_GBDT_SQUARED_ERROR, meta->n_seeds, 1,
                               meta->forests + i * meta->n_seeds, i == 0 ? &meta->log : NULL, err));
    }
    if (!heads)
        return WK_OK;
    size_t stride = (size_t)config->heads_stride;
    WK_TRY(train_label(job, &targets->magnitude, NULL, WK_GBDT_SQUARED_ERROR, 1, stride, &meta->magnitude,
                       NULL, err));
    return train_label(job, &targets->volatility, NULL, WK_GBDT_SQUARED_ERROR, 1, stride,
                       &meta->volatility, NULL, err);
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
        status = wk_branch_train("mlp", &config->meta.mlp_layers, &config->meta.mlp_train, data, columns,
                                 n_columns, targets, &span, &meta.mlp, err);
    } else {
        size_t stride = (size_t)config->split.row_stride;
        trainer job = {.config = config,
                       .train = {data, columns, n_columns, begin, end, stride, embargo},
                       .stop = {data, columns, n_columns, end, stop_end, stride, embargo},
                       .n_plain = plain_columns(columns, n_columns, dataset->table.F),
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

/* p^(1/temperature), renormalised: the softmax of the logits over the temperature. */
static void temper(const float *p, double temperature, float *out)
{
    double q[CLASSES], sum = 0;
    for (int k = 0; k < CLASSES; k++) {
        double pk = (double)p[k] > 1e-9 ? (double)p[k] : 1e-9;
        sum += q[k] = temperature == 1 ? pk : wk_exp(wk_log(pk) / temperature);
    }
    for (int k = 0; k < CLASSES; k++)
        out[k] = (float)(q[k] / sum);
}

static void forecast_trees(const wk_meta *meta, const wk_run_config *config, const float *row,
                           double sigma, float *raw, wk_forecast *f)
{
    float p[CLASSES];
    size_t n_raw = wk_meta_n_raw(meta);
    double sum[64] = {0};
    WK_ASSERT(n_raw <= sizeof sum / sizeof *sum);
    for (size_t i = 0; i < meta->n_targets; i++)
        for (size_t j = 0; j < meta->n_seeds; j++) {
            wk_forest_predict(meta->forests[i * meta->n_seeds + j], row, p);
            if (meta->score == WK_SCORE_DIRECTION)
                for (size_t k = 0; k < CLASSES; k++)
                    sum[k] += (double)p[k];
            else
                sum[i] += (double)p[0];
        }
    for (size_t i = 0; i < n_raw; i++)
        raw[i] = (float)(sum[i] / (double)meta->n_seeds);
    float head;
    if (meta->magnitude) {
        wk_forest_predict(meta->magnitude, row, &head);
        f->magnitude = (float)((double)head * sigma * sqrt((double)config->labels.magnitude_bars));
    }
    f->volatility = (float)sigma;
    if (meta->volatility) {
        wk_forest_predict(meta->volatility, row, &head);
        f->volatility = (float)((head > 0.05f ? (double)head : 0.05) * sigma);
    }
}

/* The network's outputs of one row: p(sell), p(buy), magnitude, log volatility ratio. */
static void forecast_network(const wk_run_config *config, const float *out, double sigma, float *raw,
                             wk_forecast *f)
{
    raw[0] = out[0];
    raw[1] = 1.0f - out[0] - out[1];
    raw[2] = out[1];
    f->magnitude = (float)((double)out[2] * sigma * sqrt((double)config->labels.magnitude_bars));
    f->volatility = (float)(wk_exp((double)out[3]) * sigma);
}

wk_status wk_meta_forecast(const wk_meta *meta, const wk_run_config *config, const wk_dataset *dataset,
                           const wk_columns *data, size_t t0, size_t t1, int threads, float *raw,
                           wk_forecast *forecasts, wk_err *err)
{
    size_t S = data->table->S, C = meta->n_columns, n_raw = wk_meta_n_raw(meta);
    float *network = NULL;
    wk_status status = WK_OK;
    WK_ASSERT(C <= COLUMNS_MAX);
    if (meta->is_mlp) {
        network = calloc(data->table->T * S, WK_BRANCH_COLUMNS * sizeof *network);
        if (!network)
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        status = wk_branch_outputs(&meta->mlp, &dataset->panel, data, &config->features, t0, t1, network,
                                   WK_BRANCH_COLUMNS, threads, err);
    }
    size_t n = (t1 - t0) * S, n_blocks = (n + PREDICT_BLOCK - 1) / PREDICT_BLOCK;
    if (status != WK_OK)
        n_blocks = 0;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t b = 0; b < n_blocks; b++) {
        float row[COLUMNS_MAX];
        for (size_t i = b * PREDICT_BLOCK; i < n && i < (b + 1) * PREDICT_BLOCK; i++) {
            size_t r = t0 * S + i;
            wk_forecast *f = &forecasts[r];
            *f = (wk_forecast){0};
            for (size_t k = 0; k < n_raw; k++)
                raw[r * n_raw + k] = NAN;
            if (!data->table->valid[r])
                continue;
            double sigma = data->table->sigma[r];
            if (meta->is_mlp) {
                forecast_network(config, network + r * WK_BRANCH_COLUMNS, sigma, raw + r * n_raw, f);
            } else {
                for (size_t c = 0; c < C; c++)
                    row[c] = wk_columns_value(data, r, meta->columns[c]);
                forecast_trees(meta, config, row, sigma, raw + r * n_raw, f);
            }
            if (meta->score == WK_SCORE_DIRECTION)
                temper(raw + r * n_raw, meta->temperature, f->p);
            f->valid = 1;
        }
    }
    free(network);
    return status;
}
