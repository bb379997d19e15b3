/* One strategy in one fold: training, forecasts, calibration, the threshold of its policy. */
#include "walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/calibrate.h"
#include "wick/linear.h"
#include "wick/math.h"
#include "wick/split.h"

static json_t *losses(const double *x, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, isfinite(x[i]) ? json_real(x[i]) : json_null());
    return list;
}

json_t *wk__walk_curve(const char *name, const double *train, const double *valid, size_t n)
{
    bool has_valid = false;
    for (size_t i = 0; valid && i < n; i++)
        has_valid |= isfinite(valid[i]) != 0;
    return json_pack("{s:s, s:o, s:o}", "name", name, "train", losses(train, n), "valid",
                     losses(valid, has_valid ? n : 0));
}

static wk_status fit_temperature(const wk_walk *w, const wk_blocks *b, double *temperature,
                                 wk_err *err)
{
    const wk_label *label = &w->targets->direction;
    size_t n = 0, capacity = (b->policy - b->calibrate) * w->S;
    if (capacity == 0)
        return WK_OK;
    float *p = malloc(capacity * 3 * sizeof *p);
    int8_t *y = malloc(capacity * sizeof *y);
    if (!p || !y) {
        free(p);
        free(y);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    for (size_t t = b->calibrate; t < b->policy; t++)
        for (size_t s = 0; s < w->S; s++) {
            size_t r = t * w->S + s;
            if (!w->forecasts[r].valid ||
                !wk_split_keeps(label->end[r], (size_t)w->config->split.embargo_bars, b->policy))
                continue;
            memcpy(p + n * 3, w->forecasts[r].p, 3 * sizeof *p);
            y[n++] = (int8_t)label->y[r];
        }
    if (n >= 200)
        *temperature = wk_temperature_fit_probabilities(p, y, NULL, n, 3);
    free(p);
    free(y);
    return WK_OK;
}

static double net_of(const wk_backtest *bt, size_t *wins)
{
    double net = 0;
    *wins = 0;
    for (size_t i = 0; i < bt->n_trades; i++) {
        net += bt->trades[i].net;
        *wins += bt->trades[i].net > 0;
    }
    return net;
}

/* The threshold on expected value that earned most on the policy block, among those whose share of
 * winning trades reaches the floor; INFINITY (do not trade) when none earned anything. */
static wk_status fit_threshold(const wk_walk *w, const wk_blocks *b, float *threshold, wk_err *err)
{
    static const double candidates[] = {1e-9,  0.0003, 0.0006, 0.001, 0.0015,
                                        0.002, 0.003,  0.004,  0.006};
    enum { TRADES_MIN = 20 };
    double best = 0;
    *threshold = INFINITY;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        wk_trade_config trade = w->config->trade;
        wk_backtest bt;
        size_t wins;
        trade.threshold = candidates[i];
        WK_TRY(wk_backtest_run(&w->dataset->panel, w->forecasts, w->dataset->table.sigma, b->policy,
                               b->test, &trade, &w->config->sim, w->dataset->instruments, &bt,
                               err));
        double net = net_of(&bt, &wins);
        if (bt.n_trades >= TRADES_MIN && net > best &&
            (double)wins >= w->config->split.precision_floor * (double)bt.n_trades) {
            best = net;
            *threshold = (float)candidates[i];
        }
        wk_backtest_finish(&bt);
    }
    return WK_OK;
}

/* Scores of three-class forecasts, ready for the policy block. */
void wk__walk_score_direction(wk_forecast *forecasts, size_t begin, size_t end)
{
    for (size_t r = begin; r < end; r++)
        if (forecasts[r].valid)
            forecasts[r].score = forecasts[r].p[2] - forecasts[r].p[0];
}

/* Forecasts of a branch alone: its own outputs. */
static void forecast_branch(wk_walk *w, size_t branch, size_t t0, size_t t1)
{
    for (size_t r = t0 * w->S; r < t1 * w->S; r++) {
        const float *o = w->branch_columns + r * w->n_branch_columns + branch * WK_BRANCH_COLUMNS;
        wk_forecast *f = &w->forecasts[r];
        *f = (wk_forecast){0};
        if (!w->dataset->table.valid[r] || o[0] != o[0])
            continue;
        double sigma = w->dataset->table.sigma[r];
        float *raw = w->raw + r * 3;
        raw[0] = f->p[0] = o[0];
        raw[1] = f->p[1] = 1 - o[0] - o[1];
        raw[2] = f->p[2] = o[1];
        f->magnitude =
            (float)((double)o[2] * sigma * sqrt((double)w->config->labels.magnitude_bars));
        f->volatility = (float)sigma;
        f->valid = 1;
    }
}

static wk_status forecast_meta(wk_walk *w, size_t i, const wk_blocks *b, bool newest, wk_err *err)
{
    wk_recipe *r = &w->recipes[i];
    wk_meta meta = {0};
    bool stops = r->config.meta.params.early_stopping_rounds > 0 || r->config.meta.kind == 1;
    size_t train_end = stops ? b->stop : b->calibrate;
    wk_status status =
        wk_meta_train(&r->config, w->dataset, w->targets, &w->columns, r->columns, r->n_columns,
                      i == w->source, b->begin, train_end, b->calibrate, w->threads, &meta, err);
    if (status == WK_OK)
        status = wk_meta_forecast(&meta, &r->config, w->dataset, &w->columns, b->calibrate, b->end,
                                  &w->loop, w->raw, w->forecasts, err);
    if (status == WK_OK && (r->is_direction || meta.direction))
        status = fit_temperature(w, b, &meta.temperature, err);
    if (status == WK_OK && meta.temperature != 1)
        status = wk_meta_forecast(&meta, &r->config, w->dataset, &w->columns, b->calibrate, b->end,
                                  &w->loop, w->raw, w->forecasts, err);
    r->temperature = meta.temperature;
    if (status == WK_OK && i == w->source)
        status = wk__explain_fold(&w->explain, &r->config, w->targets, &w->columns, &meta, b->test,
                                  b->end, newest, w->threads, &w->arena, err);
    if (status == WK_OK && i == w->source && newest) {
        /* The main strategy of the newest fold is the model that is kept. */
        if (meta.log.n > 0)
            json_array_append_new(w->out->training,
                                  wk__walk_curve(meta.is_mlp ? "mlp" : "gbdt",
                                                 meta.log.train_metric, meta.log.valid_metric,
                                                 meta.log.n));
        w->out->model.meta = meta;
        meta = (wk_meta){0};
    }
    wk_meta_finish(&meta);
    return status;
}

/* The rows of a linear model: those that the trees see; for the direction label without HOLD, which
 * says nothing about up against down. */
static size_t linear_rows(const wk_walk *w, const wk_blocks *b, const wk_label *label,
                          bool direction, uint32_t *rows)
{
    size_t embargo = (size_t)w->config->split.embargo_bars, n = 0;
    size_t stride = (size_t)w->config->split.row_stride;
    for (size_t t = b->begin; t < b->calibrate; t++)
        for (size_t s = 0; s < w->S; s++) {
            size_t row = t * w->S + s;
            if ((t + 3 * s) % stride == 0 && w->dataset->table.valid[row] &&
                wk_split_keeps(label->end[row], embargo, b->calibrate) &&
                !(direction && label->y[row] == 1))
                rows[n++] = (uint32_t)row;
        }
    return n;
}

static void write_linear(wk_walk *w, const wk_recipe *r, const wk_linear *model, size_t k,
                         const wk_blocks *b)
{
    const wk_feature_table *table = &w->dataset->table;
    for (size_t row = b->calibrate * w->S; row < b->end * w->S; row++) {
        wk_forecast *f = &w->forecasts[row];
        float *raw = w->raw + row * r->n_raw;
        if (k == 0)
            *f = (wk_forecast){.volatility = (float)table->sigma[row], .valid = table->valid[row]};
        if (!f->valid) {
            for (size_t i = 0; i < r->n_raw; i++)
                raw[i] = NAN;
            continue;
        }
        float v = (float)wk_linear_predict(model, table->X + row * table->F);
        if (r->is_direction) {
            raw[0] = f->p[0] = 1 - v;
            raw[1] = f->p[1] = 0;
            raw[2] = f->p[2] = v;
        } else {
            raw[k] = v;
        }
    }
}

/* A linear model on the same rows: ridge on each target, or a logistic regression on up against
 * down. */
static wk_status forecast_linear(wk_walk *w, const wk_recipe *r, const wk_blocks *b, wk_err *err)
{
    size_t n_models = r->is_direction ? 1 : w->targets->n_targets, cells = b->calibrate * w->S;
    uint32_t *rows = malloc((cells + 1) * sizeof *rows);
    float *up_down = malloc((cells + 1) * sizeof *up_down);
    wk_status status = WK_OK;
    if (!rows || !up_down)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t k = 0; status == WK_OK && k < n_models; k++) {
        const wk_label *label = r->is_direction ? &w->targets->direction : &w->targets->targets[k];
        size_t n = linear_rows(w, b, label, r->is_direction, rows);
        for (size_t i = 0; r->is_direction && i < n; i++)
            up_down[rows[i]] = label->y[rows[i]] - 1;
        wk_linear_data data = {.X = w->dataset->table.X,
                               .stride = w->dataset->table.F,
                               .n_cols = w->dataset->table.F,
                               .rows = rows,
                               .n_rows = n,
                               .y = r->is_direction ? up_down : label->y};
        wk_arena arena;
        wk_arena_init(&arena);
        wk_linear model;
        double l2 = 0.01 * (double)n;
        status = r->is_direction ? wk_logistic_fit(&arena, &data, l2, w->threads, &model, err)
                                 : wk_linear_fit(&arena, &data, l2, w->threads, &model, err);
        if (status == WK_OK)
            write_linear(w, r, &model, k, b);
        wk_arena_finish(&arena);
    }
    free(rows);
    free(up_down);
    return status;
}

/* ---- what the gate compares ---- */

size_t wk__walk_n_losses(const wk_walk *w)
{
    return w->config->meta.score == WK_SCORE_DIRECTION ? 1 : w->targets->n_targets;
}

/* The loss of row r in label k; NaN where nothing was forecast or the label ends behind the block.
 */
static double row_loss(const wk_walk *w, const wk_recipe *recipe, const wk_blocks *b, size_t r,
                       size_t k)
{
    const wk_label *label = recipe->is_direction ? &w->targets->direction : &w->targets->targets[k];
    size_t embargo = (size_t)w->config->split.embargo_bars;
    if (!w->forecasts[r].valid || !wk_split_keeps(label->end[r], embargo, b->end))
        return NAN;
    if (!recipe->is_direction) {
        double off = (double)label->y[r] - (double)w->raw[r * recipe->n_raw + k];
        return off * off;
    }
    double p = (double)w->forecasts[r].p[(int)label->y[r]];
    return -wk_log(p > 1e-9 ? p : 1e-9);
}

/* Mean losses of the slices of the test block. */
static void keep_losses(const wk_walk *w, wk_recipe *recipe, const wk_blocks *b)
{
    size_t K = wk__walk_n_losses(w), length = b->end - b->test;
    for (size_t i = 0; i < WK_GATE_SLICES; i++) {
        size_t from = b->test + length * i / WK_GATE_SLICES;
        size_t to = b->test + length * (i + 1) / WK_GATE_SLICES;
        for (size_t k = 0; k < K; k++) {
            double sum = 0;
            size_t n = 0;
            for (size_t r = from * w->S; r < to * w->S; r++) {
                double loss = row_loss(w, recipe, b, r, k);
                if (isnan(loss))
                    continue;
                sum += loss;
                n++;
            }
            recipe->losses[i * K + k] = n ? sum / (double)n : NAN;
        }
    }
}

/* ---- training and publishing ---- */

wk_status wk__walk_train(wk_walk *w, size_t i, const wk_blocks *b, bool newest, wk_err *err)
{
    wk_recipe *r = &w->recipes[i];
    r->temperature = 1;
    switch (r->kind) {
    case WK_WALK_META:
        WK_TRY(forecast_meta(w, i, b, newest, err));
        break;
    case WK_WALK_BRANCH:
        forecast_branch(w, r->branch, b->calibrate, b->end);
        break;
    case WK_WALK_LINEAR:
        WK_TRY(forecast_linear(w, r, b, err));
        break;
    case WK_WALK_GATED:
        WK_ASSERT(!"the gated strategy is one of the others");
    }
    if (r->losses)
        keep_losses(w, r, b);
    return WK_OK;
}

wk_status wk__walk_publish(wk_walk *w, size_t i, const wk_blocks *b, wk_err *err)
{
    wk_recipe *r = &w->recipes[i];
    wk_forecast *forecasts = w->out->strategies[i].forecasts;
    r->threshold = 0;
    if (r->is_direction && w->config->trade.policy == WK_POLICY_EXPECTED_VALUE &&
        b->policy < b->test) {
        wk__walk_score_direction(w->forecasts, b->policy * w->S, b->test * w->S);
        WK_TRY(fit_threshold(w, b, &r->threshold, err));
    }
    for (size_t row = b->test * w->S; row < b->end * w->S; row++) {
        forecasts[row] = w->forecasts[row];
        forecasts[row].threshold = r->threshold;
        memcpy(r->raw + row * r->n_raw, w->raw + row * r->n_raw, r->n_raw * sizeof(float));
    }
    return WK_OK;
}

void wk__walk_publish_gated(wk_walk *w, size_t i, const wk_blocks *b)
{
    wk_recipe *r = &w->recipes[i], *source = &w->recipes[w->source];
    size_t from = b->test * w->S, rows = (b->end - b->test) * w->S, n_raw = r->n_raw;
    WK_ASSERT(source->n_raw == n_raw);
    memcpy(w->out->strategies[i].forecasts + from, w->out->strategies[w->source].forecasts + from,
           rows * sizeof(wk_forecast));
    memcpy(r->raw + from * n_raw, source->raw + from * n_raw, rows * n_raw * sizeof(float));
}
