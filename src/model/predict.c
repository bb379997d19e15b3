/* Forecasts of a finished model. */
#include "meta.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

wk_status wk_model_config(const char *dir, const char *const *overrides, size_t n_overrides,
                          wk_arena *arena, wk_run_config *out, wk_err *err)
{
    char path[PATH_MAX];
    json_error_t where;
    snprintf(path, sizeof path, "%s/model.json", dir);
    json_t *root = json_load_file(path, 0, &where);
    if (!root)
        return wk_fail(err, WK_E_MODEL, "%s:%d: %s", path, where.line, where.text);
    char *text = json_dumps(json_object_get(root, "config"), JSON_INDENT(1));
    wk_status status = text ? wk_config_parse(&wk_run_config_table, path, text, overrides,
                                              n_overrides, arena, out, err)
                            : wk_fail(err, WK_E_MODEL, "%s holds no \"config\"", path);
    free(text);
    json_decref(root);
    return status;
}

/* The step at which a stream that serves step t starts afresh: W bars before t's anchor. */
static size_t stream_begin(const wk_features_config *features, const wk_panel *panel, size_t t)
{
    int64_t first = panel->start_ns / panel->timeframe_ns;
    int64_t anchor = (first + (int64_t)t) / features->anchor_bars * features->anchor_bars;
    int64_t begin = anchor - features->warmup_bars - first;
    return begin < 0 ? 0 : (size_t)begin;
}

/* The step from which branch outputs are needed: a network over them is warmed on them. */
static size_t branches_begin(const wk_model *model, const wk_features_config *features,
                             const wk_panel *panel, size_t t0)
{
    return model->meta.is_mlp ? stream_begin(features, panel, t0) : t0;
}

size_t wk_model_first_step(const wk_model *model, const wk_features_config *features,
                           const wk_panel *panel, size_t t0)
{
    size_t t = branches_begin(model, features, panel, t0);
    if (model->n_branches > 0)
        t = stream_begin(features, panel, t);
    return stream_begin(features, panel, t);
}

/* An edited model.json can name columns that do not exist. */
static wk_status check_columns(const char *who, const uint32_t *columns, size_t n, size_t n_known,
                               wk_err *err)
{
    for (size_t i = 0; i < n; i++)
        if (columns[i] >= n_known)
            return wk_fail(
                err, WK_E_MODEL,
                "model.json: %s sees column %u, but there are %zu; the file was edited, train "
                "the model again",
                who, (unsigned)columns[i], n_known);
    return WK_OK;
}

wk_status wk__model_check_columns(const wk_model *model, size_t n_features, wk_err *err)
{
    size_t n_known = n_features + model->n_branches * WK_BRANCH_COLUMNS;
    for (size_t i = 0; i < model->n_branches; i++)
        WK_TRY(check_columns(model->branches[i].name, model->branches[i].columns,
                             model->branches[i].n_inputs, n_features, err));
    if (model->meta.is_mlp)
        WK_TRY(check_columns("the network on top", model->meta.mlp.columns,
                             model->meta.mlp.n_inputs, n_known, err));
    return check_columns("the meta-learner", model->meta.columns, model->meta.n_columns, n_known,
                         err);
}

wk_score_scale *wk__model_scale_plan(const wk_model *model, const wk_run_config *config,
                                     wk_arena *arena)
{
    double bars_a_day = 86400e9 / (double)config->data.timeframe_ns;
    size_t window = (size_t)(config->meta.scale_days * bars_a_day);
    return wk_score_scale_plan(arena, wk_meta_n_raw(&model->meta), window ? window : 1,
                               (size_t)(config->meta.scale_min_days * bars_a_day));
}

void wk__model_finish_score(const wk_model *model, const float *scaled, wk_forecast *f)
{
    f->score = scaled ? *scaled : f->p[2] - f->p[0];
    f->threshold = isnan(model->meta.threshold) ? 0 : (float)model->meta.threshold;
    if (f->score != f->score)
        *f = (wk_forecast){.threshold = f->threshold};
}

/* Scores of steps [t0, t1) from the raw forecasts. */
static void finish_scores(const wk_model *model, const wk_run_config *config, size_t S, size_t t0,
                          size_t t1, const float *raw, wk_arena *arena, wk_forecast *forecasts)
{
    bool is_direction = model->meta.score == WK_SCORE_DIRECTION;
    wk_score_scale *scale = is_direction ? NULL : wk__model_scale_plan(model, config, arena);
    float *score = wk_arena_array(arena, float, S);
    size_t n_raw = wk_meta_n_raw(&model->meta);
    for (size_t t = t0; t < t1; t++) {
        if (scale)
            wk_score_scale_push(scale, raw + t * S * n_raw, S, score);
        for (size_t s = 0; s < S; s++)
            wk__model_finish_score(model, scale ? &score[s] : NULL, &forecasts[t * S + s]);
    }
}

wk_status wk_model_forecast(const wk_model *model, const wk_run_config *config,
                            const wk_dataset *dataset, size_t t0, size_t t1, const wk_loop *loop,
                            wk_forecast *forecasts, wk_err *err)
{
    if (strcmp(model->feature_hash, dataset->feature_hash) != 0)
        return wk_fail(
            err, WK_E_MODEL,
            "feature_hash differs: the model was trained on %.12s..., these features are "
            "%.12s...; use the configuration that the model was trained with",
            model->feature_hash, dataset->feature_hash);
    WK_TRY(wk__model_check_columns(model, dataset->table.F, err));
    size_t S = dataset->panel.S, cells = dataset->panel.T * S;
    size_t n_branch_columns = model->n_branches * WK_BRANCH_COLUMNS;
    wk_arena arena;
    wk_arena_init(&arena);
    /* Zeroed by the system page by page, so that the steps before t0 cost no memory. */
    float *branch = calloc(cells * n_branch_columns + 1, sizeof *branch);
    float *raw = calloc(cells, wk_meta_n_raw(&model->meta) * sizeof *raw);
    wk_columns columns = {&dataset->table, branch, n_branch_columns};
    size_t begin = branches_begin(model, &config->features, &dataset->panel, t0);
    wk_status status = WK_OK;
    if (!branch || !raw)
        status = wk_fail(err, WK_E_NOMEM, "out of memory for forecasts of %zu rows", cells);
    for (size_t i = 0; status == WK_OK && i < model->n_branches; i++)
        status = wk_branch_outputs(&model->branches[i], &dataset->panel, &columns,
                                   &config->features, begin, t1, branch + i * WK_BRANCH_COLUMNS,
                                   n_branch_columns, loop, err);
    if (status == WK_OK)
        status = wk_meta_forecast(&model->meta, config, dataset, &columns, t0, t1, loop, raw,
                                  forecasts, err);
    if (status == WK_OK)
        finish_scores(model, config, S, t0, t1, raw, &arena, forecasts);
    free(branch);
    free(raw);
    wk_arena_finish(&arena);
    return status;
}
