/* Inside the model: what the batch forecast and the stream share. */
#ifndef WICK_MODEL_META_H
#define WICK_MODEL_META_H

#include "wick/model.h"

/* Row r: raw [n_raw] (NaN when the row is invalid) and *f without its score. network: the outputs
 * of the network on top [WK_BRANCH_COLUMNS], NULL with trees. */
void wk__meta_forecast_row(const wk_meta *meta, const wk_run_config *config, const wk_columns *data,
                           size_t r, const float *network, float *raw, wk_forecast *f);
/* The same in two parts: what the score is made of, and the rest of *f. A network has it all in
 * the first. The second leaves a forecast alone that its score has made invalid. */
void wk__meta_score_row(const wk_meta *meta, const wk_run_config *config, const wk_columns *data,
                        size_t r, const float *network, float *raw, wk_forecast *f);
void wk__meta_finish_row(const wk_meta *meta, const wk_run_config *config, const wk_columns *data,
                         size_t r, wk_forecast *f);

/* Gives *f its score (of the direction when scaled is NULL) and threshold; without a score it is
 * invalid. */
void wk__model_finish_score(const wk_model *model, const float *scaled, wk_forecast *f);

/* The scale of a model whose score is made of targets. */
wk_score_scale *wk__model_scale_plan(const wk_model *model, const wk_run_config *config,
                                     wk_arena *arena);
size_t wk__score_scale_window(const wk_score_scale *scale);
void wk__score_scale_reset(wk_score_scale *scale);
/* A push that leaves no trace, for the caches' sake. */
void wk__score_scale_warm(wk_score_scale *scale, const float *raw, size_t S, float *score);

/* Refuses a model that names columns which do not exist. */
WK_MUST_CHECK wk_status wk__model_check_columns(const wk_model *model, size_t n_features,
                                                wk_err *err);

#endif
