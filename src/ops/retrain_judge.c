/* Champion and challenger on the same block. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "retrain.h"
#include "wick/math.h"
#include "wick/metrics.h"
#include "wick/model.h"

/* Scores and later returns of the block's rows. */
static size_t collect(const wk_panel *p, const wk_forecast *f, size_t first, int64_t bars,
                      float *score, float *y)
{
    size_t n = 0;
    for (size_t t = first; t + (size_t)bars < p->T; t++)
        for (size_t s = 0; s < p->S; s++) {
            size_t a = t * p->S + s, b = (t + (size_t)bars) * p->S + s;
            if (!f[a].valid || p->provenance[a] == WK_PROV_UNKNOWN ||
                p->provenance[b] == WK_PROV_UNKNOWN)
                continue;
            score[n] = f[a].score;
            y[n++] = (float)wk_log(p->bars[b].close / p->bars[a].close);
        }
    return n;
}

static wk_status judge(const wk_model *model, const wk_run_config *config, wk_dataset *d,
                       const wk_loop *loop, int64_t from_ns, int64_t bars, int metric,
                       double *value, size_t *n, wk_err *err)
{
    wk_panel *p = &d->panel;
    int64_t tf = p->timeframe_ns;
    /* The score's scale looks back so far. */
    int64_t back =
        (int64_t)((config->meta.scale_days + config->meta.scale_min_days) * 86400e9) / tf;
    int64_t block = (from_ns - p->start_ns) / tf, t0 = block - back > 0 ? block - back : 0;
    if (block < 0 || block >= (int64_t)p->T)
        return wk_fail(err, WK_E_DATA, "the candles of the model do not reach the newest block");
    size_t unused = wk_model_first_step(model, &config->features, p, (size_t)t0);
    wk_panel_drop(p, unused);
    t0 -= (int64_t)unused;
    block -= (int64_t)unused;
    WK_TRY(wk_dataset_compute(config, d, err));
    size_t cells = p->T * p->S;
    wk_forecast *forecasts = calloc(cells, sizeof *forecasts);
    float *score = calloc(cells, sizeof *score), *y = calloc(cells, sizeof *y);
    wk_status status = forecasts && score && y ? wk_model_forecast(model, config, d, (size_t)t0,
                                                                   p->T, loop, forecasts, err)
                                               : wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK) {
        *n = collect(p, forecasts, (size_t)block, bars, score, y);
        *value = *n == 0                        ? NAN
                 : metric == WK_RETRAIN_RANK_IC ? wk_rank_correlation(score, y, *n)
                                                : wk_auc(score, y, *n);
    }
    free(forecasts);
    free(score);
    free(y);
    return status;
}

wk_status wk_retrain_judge(const char *model_dir, const char *const *overrides, size_t n_overrides,
                           const wk_store_reader *store, const wk_loop *loop, int64_t block_from_ns,
                           int64_t bars, int metric, double *value, size_t *n, wk_err *err)
{
    wk_arena arena;
    wk_model model = {0};
    wk_dataset d = {0};
    wk_run_config config;
    wk_arena_init(&arena);
    wk_status status = wk_model_load(model_dir, &model, err);
    if (status == WK_OK)
        status = wk_model_config(model_dir, overrides, n_overrides, &arena, &config, err);
    if (status == WK_OK)
        status = wk_dataset_load_panel(&config, store, &d, err);
    if (status == WK_OK) {
        status = judge(&model, &config, &d, loop, block_from_ns, bars, metric, value, n, err);
        wk_dataset_finish(&d);
    }
    wk_model_finish(&model);
    wk_arena_finish(&arena);
    return status;
}

void wk_retrain_decide(const wk_retrain_config *config, bool has_champion, wk_retrain_result *r)
{
    const char *metric = config->metric == WK_RETRAIN_RANK_IC ? "rank_ic" : "auc";
    r->published = false;
    if (isnan(r->challenger) || (int64_t)r->n_challenger < config->rows_min)
        snprintf(r->why, sizeof r->why,
                 "kept: the challenger has %zu rows in the block, %lld are needed", r->n_challenger,
                 (long long)config->rows_min);
    else if (!has_champion) {
        r->published = true;
        snprintf(r->why, sizeof r->why, "published: there was no usable champion; %s %.5f", metric,
                 r->challenger);
    } else if (isnan(r->champion) || (int64_t)r->n_champion < config->rows_min)
        snprintf(r->why, sizeof r->why,
                 "kept: the champion has %zu rows in the block, %lld are needed", r->n_champion,
                 (long long)config->rows_min);
    else {
        r->published = r->challenger > r->champion + config->margin;
        snprintf(r->why, sizeof r->why, "%s: %s %.5f against %.5f, margin %.5f",
                 r->published ? "published" : "kept", metric, r->challenger, r->champion,
                 config->margin);
    }
}
