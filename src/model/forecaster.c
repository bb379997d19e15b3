/* The streaming forecaster. Networks run in two lanes, as the features do: one serves, the other
 * warms up before the next anchor. */
#include "wick/forecaster.h"

#include <math.h>
#include <string.h>

#include "branch.h"
#include "meta.h"

typedef struct {
    const wk_branch *branch;
    wk_nn_plan *plan;
    wk_nn_state **states[2]; /* [lane][S] */
    wk_nn_state *before;     /* of wk_forecaster_warm: what theirs was */
    bool running[2];
    float *x;   /* [n_inputs] */
    float *out; /* [S, stride]: where its outputs go */
    size_t stride;
} network;

struct wk_forecaster {
    const wk_model *model;
    const wk_run_config *config;
    size_t S, F, n_branch_columns, n_raw;
    wk_features *features;
    double *rows; /* [S * F] */
    float *branch;
    wk_feature_table table; /* of one step */
    wk_columns columns;
    network *networks; /* [n_branches], then the one on top */
    size_t n_networks;
    float *top; /* [S * WK_BRANCH_COLUMNS] of the network on top */
    float *raw, *score;
    wk_score_scale *scale; /* NULL: the score is the direction's */
    int serving;           /* lane of the last push, -1 before the first */
    /* of wk_forecaster_warm: the newest step, and what it would lead to */
    wk_bar *bars_last;
    uint8_t *provenance_last, *valid_probe;
    double *rows_probe;
    float *raw_probe, *score_probe;
    wk_forecast *forecasts_probe;
    int64_t time_last_ns;
};

static wk_status plan_network(wk_forecaster *f, wk_arena *arena, const wk_branch *branch,
                              float *out, size_t stride, network *net, wk_err *err)
{
    *net = (network){.branch = branch, .out = out, .stride = stride};
    WK_TRY(wk_nn_plan_build(arena, branch->nn, &net->plan, err));
    for (int lane = 0; lane < 2; lane++) {
        net->states[lane] = wk_arena_array(arena, wk_nn_state *, f->S);
        for (size_t s = 0; s < f->S; s++)
            net->states[lane][s] = wk_nn_stepper_create(arena, net->plan);
    }
    net->before = wk_nn_stepper_create(arena, net->plan);
    net->x = wk_arena_array(arena, float, branch->n_inputs);
    return WK_OK;
}

static wk_status plan_networks(wk_forecaster *f, wk_arena *arena, wk_err *err)
{
    const wk_model *model = f->model;
    f->n_branch_columns = model->n_branches * WK_BRANCH_COLUMNS;
    f->branch = wk_arena_array(arena, float, f->S * f->n_branch_columns + 1);
    f->networks = wk_arena_array(arena, network, model->n_branches + 1);
    for (size_t i = 0; i < model->n_branches; i++)
        WK_TRY(plan_network(f, arena, &model->branches[i], f->branch + i * WK_BRANCH_COLUMNS,
                            f->n_branch_columns, &f->networks[f->n_networks++], err));
    if (!model->meta.is_mlp)
        return WK_OK;
    f->top = wk_arena_array(arena, float, f->S *WK_BRANCH_COLUMNS);
    return plan_network(f, arena, &model->meta.mlp, f->top, WK_BRANCH_COLUMNS,
                        &f->networks[f->n_networks++], err);
}

wk_status wk_forecaster_plan(wk_arena *arena, const wk_model *model, const wk_run_config *config,
                             const char (*symbols)[32], size_t S, wk_forecaster **out, wk_err *err)
{
    wk_forecaster *f = wk_arena_alloc(arena, sizeof *f);
    *f = (wk_forecaster){.model = model, .config = config, .S = S, .serving = -1};
    wk_features_config features = config->features;
    features.outside = wk_data_outside_names(&config->data, arena);
    WK_TRY(wk_features_plan(arena, &features, symbols, S, config->data.timeframe_ns, &f->features,
                            err));
    if (strcmp(model->feature_hash, wk_features_hash(f->features)) != 0)
        return wk_fail(err, WK_E_MODEL,
                       "feature_hash differs: the model was trained on %.12s..., these features "
                       "are %.12s...; use the "
                       "configuration that the model was trained with",
                       model->feature_hash, wk_features_hash(f->features));
    f->F = wk_features_n(f->features);
    WK_TRY(wk__model_check_columns(model, f->F, err));
    f->rows = wk_arena_array(arena, double, S * f->F);
    f->table = (wk_feature_table){1,
                                  S,
                                  f->F,
                                  wk_arena_array(arena, float, S * f->F),
                                  wk_arena_array(arena, uint8_t, S),
                                  wk_arena_array(arena, double, S)};
    for (size_t s = 0; s < S; s++)
        f->table.sigma[s] = NAN; /* nothing has been seen */
    WK_TRY(plan_networks(f, arena, err));
    f->columns = (wk_columns){&f->table, f->branch, f->n_branch_columns};
    f->n_raw = wk_meta_n_raw(&model->meta);
    f->raw = wk_arena_array(arena, float, S * f->n_raw);
    f->score = wk_arena_array(arena, float, S);
    f->bars_last = wk_arena_array(arena, wk_bar, S);
    f->provenance_last = wk_arena_array(arena, uint8_t, S);
    f->valid_probe = wk_arena_array(arena, uint8_t, S);
    f->rows_probe = wk_arena_array(arena, double, S * f->F);
    f->raw_probe = wk_arena_array(arena, float, S * f->n_raw);
    f->score_probe = wk_arena_array(arena, float, S);
    f->forecasts_probe = wk_arena_array(arena, wk_forecast, S);
    if (model->meta.score != WK_SCORE_DIRECTION)
        f->scale = wk__model_scale_plan(model, config, arena);
    *out = f;
    return WK_OK;
}

void wk_forecaster_reset(wk_forecaster *f)
{
    wk_features_reset(f->features);
    for (size_t i = 0; i < f->n_networks; i++)
        f->networks[i].running[0] = f->networks[i].running[1] = false;
    for (size_t s = 0; s < f->S; s++)
        f->table.sigma[s] = NAN;
    if (f->scale)
        wk__score_scale_reset(f->scale);
    f->serving = -1;
}

size_t wk_forecaster_warmup_bars(const wk_forecaster *f)
{
    const wk_features_config *features = &f->config->features;
    size_t stages = 1 + (f->model->n_branches > 0) + (f->model->meta.is_mlp ? 1 : 0);
    size_t bars = stages * (size_t)(features->anchor_bars + features->warmup_bars);
    return f->scale ? bars + wk__score_scale_window(f->scale) : bars;
}

/* One market's row through the lane that serves. */
static void answer_network(wk_forecaster *f, network *net, int lane, size_t s, float *out)
{
    float head[WK_NN_HEADS];
    wk__branch_standardise(net->branch, &f->columns, s, net->x);
    wk_nn_answer(net->plan, net->states[lane][s], net->x, head);
    if (f->table.valid[s])
        wk__branch_columns_of(head, out);
    else
        for (int k = 0; k < WK_BRANCH_COLUMNS; k++)
            out[k] = NAN;
}

static void start_lane(const wk_forecaster *f, network *net, int lane)
{
    for (size_t s = 0; s < f->S; s++)
        wk_nn_state_reset(net->plan, net->states[lane][s]);
    net->running[lane] = true;
}

static int64_t bar_of(const wk_forecaster *f, const wk_features_step *step)
{
    return step->time_ns / f->config->data.timeframe_ns;
}

/* Serves from the lane of this anchor period. */
static void serve_network(wk_forecaster *f, network *net, int64_t step)
{
    int serving = (int)(step / f->config->features.anchor_bars & 1);
    if (f->serving >= 0 && f->serving != serving)
        net->running[f->serving] = false;
    if (!net->running[serving])
        start_lane(f, net, serving);
    for (size_t s = 0; s < f->S; s++)
        answer_network(f, net, serving, s, net->out + s * net->stride);
}

/* What the next bar's answer will want, and the other lane, which warms up from W bars before its
 * anchor. */
static void finish_network(wk_forecaster *f, network *net, int64_t step)
{
    int64_t anchor = f->config->features.anchor_bars, warmup = f->config->features.warmup_bars;
    int64_t period = step / anchor;
    int serving = (int)(period & 1), warming = 1 - serving;
    for (size_t s = 0; s < f->S; s++)
        wk_nn_prepare(net->plan, net->states[serving][s]);
    if (step < (period + 1) * anchor - warmup)
        return;
    if (!net->running[warming])
        start_lane(f, net, warming);
    for (size_t s = 0; s < f->S; s++) {
        float head[WK_NN_HEADS];
        wk__branch_standardise(net->branch, &f->columns, s, net->x);
        wk_nn_step(net->plan, net->states[warming][s], net->x, head);
    }
}

void wk_forecaster_answer(wk_forecaster *f, const wk_features_step *step, wk_forecast *forecasts)
{
    const wk_meta *meta = &f->model->meta;
    size_t S = f->S;
    wk_features_serve(f->features, step, f->rows, f->table.valid);
    for (size_t i = 0; i < S * f->F; i++)
        f->table.X[i] = (float)f->rows[i];
    for (size_t s = 0; s < S; s++)
        f->table.sigma[s] = wk_features_sigma(f->features, s);
    int64_t bar = bar_of(f, step);
    for (size_t i = 0; i < f->n_networks; i++)
        serve_network(f, &f->networks[i], bar);
    f->serving = (int)(bar / f->config->features.anchor_bars & 1);
    for (size_t s = 0; s < S; s++)
        wk__meta_score_row(meta, f->config, &f->columns, s,
                           f->top ? f->top + s * WK_BRANCH_COLUMNS : NULL, f->raw + s * f->n_raw,
                           &forecasts[s]);
    if (f->scale)
        wk_score_scale_push(f->scale, f->raw, S, f->score);
    for (size_t s = 0; s < S; s++)
        wk__model_finish_score(f->model, f->scale ? &f->score[s] : NULL, &forecasts[s]);
}

void wk_forecaster_heads(wk_forecaster *f, wk_forecast *forecasts)
{
    for (size_t s = 0; s < f->S; s++)
        wk__meta_finish_row(&f->model->meta, f->config, &f->columns, s, &forecasts[s]);
}

void wk_forecaster_finish(wk_forecaster *f, const wk_features_step *step)
{
    wk_features_finish(f->features, step);
    for (size_t i = 0; i < f->n_networks; i++)
        finish_network(f, &f->networks[i], bar_of(f, step));
    memcpy(f->bars_last, step->bars, f->S * sizeof *f->bars_last);
    memcpy(f->provenance_last, step->provenance, f->S);
    f->time_last_ns = step->time_ns;
}

void wk_forecaster_push(wk_forecaster *f, const wk_features_step *step, wk_forecast *forecasts)
{
    wk_forecaster_answer(f, step, forecasts);
    wk_forecaster_heads(f, forecasts);
    wk_forecaster_finish(f, step);
}

/* The networks' own states go the way, not copies of them, and are put back: it is their memory
 * that has to be near. */
static void warm_network(const wk_forecaster *f, const network *net)
{
    for (size_t s = 0; s < f->S; s++) {
        float head[WK_NN_HEADS];
        wk_nn_state *state = net->states[f->serving][s];
        wk_nn_state_copy(net->plan, net->before, state);
        wk__branch_standardise(net->branch, &f->columns, s, net->x);
        wk_nn_answer(net->plan, state, net->x, head);
        wk_nn_state_copy(net->plan, state, net->before);
    }
}

void wk_forecaster_warm(wk_forecaster *f, bool with_heads)
{
    const wk_meta *meta = &f->model->meta;
    if (f->serving < 0)
        return;
    wk_features_step next = {.time_ns = f->time_last_ns + f->config->data.timeframe_ns,
                             .bars = f->bars_last,
                             .provenance = f->provenance_last};
    wk_features_peek(f->features, &next, f->rows_probe, f->valid_probe);
    for (size_t i = 0; i < f->n_networks; i++)
        warm_network(f, &f->networks[i]);
    for (size_t s = 0; s < f->S; s++)
        wk__meta_score_row(meta, f->config, &f->columns, s,
                           f->top ? f->top + s * WK_BRANCH_COLUMNS : NULL,
                           f->raw_probe + s * f->n_raw, &f->forecasts_probe[s]);
    if (f->scale)
        wk__score_scale_warm(f->scale, f->raw_probe, f->S, f->score_probe);
    for (size_t s = 0; s < f->S; s++) {
        wk__model_finish_score(f->model, f->scale ? &f->score_probe[s] : NULL,
                               &f->forecasts_probe[s]);
        if (with_heads)
            wk__meta_finish_row(meta, f->config, &f->columns, s, &f->forecasts_probe[s]);
    }
}

const double *wk_forecaster_sigma(const wk_forecaster *f)
{
    return f->table.sigma;
}

const float *wk_forecaster_rows(const wk_forecaster *f, size_t *F)
{
    *F = f->F;
    return f->table.X;
}

const uint8_t *wk_forecaster_valid(const wk_forecaster *f)
{
    return f->table.valid;
}

wk_status wk_forecaster_row(wk_forecaster *f, const float *features, double sigma, wk_forecast *out,
                            wk_err *err)
{
    if (f->n_networks)
        return wk_fail(err, WK_E_STATE,
                       "this model has networks, which need the bars before; ask with candles");
    memcpy(f->table.X, features, f->F * sizeof *features);
    f->table.valid[0] = 1;
    f->table.sigma[0] = sigma;
    wk__meta_forecast_row(&f->model->meta, f->config, &f->columns, 0, NULL, f->raw, out);
    float mean = 0;
    for (size_t k = 0; k < f->n_raw; k++)
        mean += f->raw[k] / (float)f->n_raw;
    wk__model_finish_score(f->model, f->scale ? &mean : NULL, out);
    return WK_OK;
}

uint64_t wk_digest_step(uint64_t digest, const float *rows, const uint8_t *valid, size_t S,
                        size_t F, const wk_forecast *forecasts)
{
    for (size_t s = 0; s < S; s++) {
        digest = wk_digest_bytes(digest, &valid[s], 1);
        for (size_t i = 0; valid[s] && i < F; i++) {
            float x = rows[s * F + i] == rows[s * F + i] ? rows[s * F + i] : NAN; /* one NaN */
            digest = wk_digest_bytes(digest, &x, sizeof x);
        }
        const wk_forecast *f = &forecasts[s];
        digest = wk_digest_bytes(digest, &f->valid, 1);
        if (f->valid) {
            const float values[] = {f->p[0],      f->p[1],       f->p[2],     f->score,
                                    f->magnitude, f->volatility, f->threshold};
            digest = wk_digest_bytes(digest, values, sizeof values);
        }
    }
    return digest;
}
