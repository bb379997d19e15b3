/* Forecasts of the meta-learner: trees (or a small network) over features and branch outputs. */
#include "meta.h"

#include <math.h>
#include <stdlib.h>

#include "wick/math.h"

enum { PREDICT_BLOCK = 256, CLASSES = 3 };

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
    wk_forest_destroy(meta->direction);
    wk_branch_finish(&meta->mlp);
    wk_gbdt_log_finish(&meta->log);
    *meta = (wk_meta){0};
}

size_t wk_meta_n_raw(const wk_meta *meta)
{
    return meta->score == WK_SCORE_DIRECTION ? CLASSES : meta->n_targets;
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

static void score_trees(const wk_meta *meta, const float *row, float *raw)
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
}

/* What the score does not need. */
static void finish_trees(const wk_meta *meta, const wk_run_config *config, const float *row,
                         double sigma, wk_forecast *f)
{
    float head, p[CLASSES];
    if (meta->magnitude) {
        wk_forest_predict(meta->magnitude, row, &head);
        f->magnitude = (float)((double)head * sigma * sqrt((double)config->labels.magnitude_bars));
    }
    if (meta->direction && meta->score != WK_SCORE_DIRECTION) {
        wk_forest_predict(meta->direction, row, p);
        temper(p, meta->temperature, f->p);
    }
    f->volatility = (float)sigma;
    if (meta->volatility) {
        wk_forest_predict(meta->volatility, row, &head);
        f->volatility = (float)((head > 0.05f ? (double)head : 0.05) * sigma);
    }
}

/* The network's outputs of one row: p(sell), p(buy), magnitude, log volatility ratio. */
static void forecast_network(const wk_run_config *config, const float *out, double sigma,
                             float *raw, wk_forecast *f)
{
    raw[0] = out[0];
    raw[1] = 1.0f - out[0] - out[1];
    raw[2] = out[1];
    f->magnitude = (float)((double)out[2] * sigma * sqrt((double)config->labels.magnitude_bars));
    f->volatility = (float)(wk_exp((double)out[3]) * sigma);
}

static void gather(const wk_meta *meta, const wk_columns *data, size_t r, float *row)
{
    for (size_t c = 0; c < meta->n_columns; c++)
        row[c] = wk_columns_value(data, r, meta->columns[c]);
}

void wk__meta_score_row(const wk_meta *meta, const wk_run_config *config, const wk_columns *data,
                        size_t r, const float *network, float *raw, wk_forecast *f)
{
    size_t n_raw = wk_meta_n_raw(meta);
    *f = (wk_forecast){0};
    for (size_t k = 0; k < n_raw; k++)
        raw[k] = NAN;
    if (!data->table->valid[r])
        return;
    double sigma = data->table->sigma[r];
    if (meta->is_mlp) {
        forecast_network(config, network, sigma, raw, f);
    } else {
        float row[WK_META_COLUMNS_MAX];
        gather(meta, data, r, row);
        score_trees(meta, row, raw);
    }
    if (meta->score == WK_SCORE_DIRECTION)
        temper(raw, meta->temperature, f->p);
    f->valid = 1;
}

void wk__meta_finish_row(const wk_meta *meta, const wk_run_config *config, const wk_columns *data,
                         size_t r, wk_forecast *f)
{
    if (meta->is_mlp || !f->valid)
        return;
    float row[WK_META_COLUMNS_MAX];
    gather(meta, data, r, row);
    finish_trees(meta, config, row, data->table->sigma[r], f);
}

void wk__meta_forecast_row(const wk_meta *meta, const wk_run_config *config, const wk_columns *data,
                           size_t r, const float *network, float *raw, wk_forecast *f)
{
    wk__meta_score_row(meta, config, data, r, network, raw, f);
    wk__meta_finish_row(meta, config, data, r, f);
}

/* What all blocks' turns share. */
typedef struct {
    const wk_meta *meta;
    const wk_run_config *config;
    const wk_columns *data;
    const float *network; /* [T * S * WK_BRANCH_COLUMNS] of the network, NULL with trees */
    size_t begin, end;    /* rows */
    float *raw;
    wk_forecast *forecasts;
} forecast_job;

static void forecast_block(void *context, size_t b)
{
    const forecast_job *job = context;
    const wk_meta *meta = job->meta;
    const wk_columns *data = job->data;
    size_t n_raw = wk_meta_n_raw(meta), begin = job->begin + b * PREDICT_BLOCK;
    for (size_t r = begin; r < job->end && r < begin + PREDICT_BLOCK; r++)
        wk__meta_forecast_row(meta, job->config, data, r,
                              job->network ? job->network + r * WK_BRANCH_COLUMNS : NULL,
                              job->raw + r * n_raw, &job->forecasts[r]);
}

wk_status wk_meta_forecast(const wk_meta *meta, const wk_run_config *config,
                           const wk_dataset *dataset, const wk_columns *data, size_t t0, size_t t1,
                           const wk_loop *loop, float *raw, wk_forecast *forecasts, wk_err *err)
{
    size_t S = data->table->S;
    float *network = NULL;
    WK_ASSERT(meta->n_columns <= WK_META_COLUMNS_MAX);
    if (meta->is_mlp) {
        network = calloc(data->table->T * S, WK_BRANCH_COLUMNS * sizeof *network);
        if (!network)
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        wk_status status = wk_branch_outputs(&meta->mlp, &dataset->panel, data, &config->features,
                                             t0, t1, network, WK_BRANCH_COLUMNS, loop, err);
        if (status != WK_OK) {
            free(network);
            return status;
        }
    }
    forecast_job job = {meta, config, data, network, t0 * S, t1 * S, raw, forecasts};
    wk_loop_run(loop, ((t1 - t0) * S + PREDICT_BLOCK - 1) / PREDICT_BLOCK, forecast_block, &job);
    free(network);
    return WK_OK;
}
