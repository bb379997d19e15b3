/* The hybrid model: stream-network branches, and a meta-learner over their outputs and the
 * features.
 *
 * Training keeps time's order. A branch generation learns from the rows before its early-stopping
 * block; its outputs on the block that follows are out-of-sample, and these are what later
 * meta-learners train on.
 *
 * Two libraries: wick_model_infer reads, writes and runs a model, and starts no threads;
 * wick_model_train makes labels and trains. */
#ifndef WICK_MODEL_H
#define WICK_MODEL_H

#include "wick/forecast.h"
#include "wick/loop.h"
#include "wick/run.h"

/* ---- labels of an experiment ---- */

/* One label over the panel: y [T * S] (NaN: absent), end [T * S] (0: absent). */
typedef struct {
    float *y;
    int32_t *end;
} wk_label;

typedef struct {
    size_t n_targets;
    wk_label *targets;   /* of the score, when it is made of regressions */
    wk_label direction;  /* 0, 1, 2 */
    wk_label magnitude;  /* log return over magnitude_bars / (sigma sqrt(bars)), clipped to +-4 */
    wk_label volatility; /* realised over forecast-time sigma, clipped to [0.1, 10] */
    wk_label judge;      /* log return over judge_bars */
    float *uniqueness;   /* [T * S] of the direction label */
} wk_targets;

/* Makes all labels in the arena. */
WK_MUST_CHECK wk_status wk_targets_make(const wk_run_config *config, const wk_panel *panel,
                                        const double *sigma, wk_arena *arena, wk_targets *out,
                                        wk_err *err);

/* ---- columns ---- */

/* A table of columns over the panel: features first, then WK_BRANCH_COLUMNS of each branch. */
typedef struct {
    const wk_feature_table *table;
    const float *branch; /* [T * S * n_branch_columns] or NULL */
    size_t n_branch_columns;
} wk_columns;

/* The value of column c in row r = t * S + s. */
static inline float wk_columns_value(const wk_columns *data, size_t r, uint32_t c)
{
    size_t F = data->table->F;
    return c < F ? data->table->X[r * F + c] : data->branch[r * data->n_branch_columns + c - F];
}

/* ---- branches ---- */

/* What the meta-learner sees of a branch at one bar: p(sell), p(buy), magnitude in units of
 * sigma sqrt(bars), log of volatility over sigma. */
enum { WK_BRANCH_COLUMNS = 4 };

typedef struct {
    char name[32];
    size_t n_inputs;
    uint32_t *columns;   /* [n_inputs] into wk_columns */
    float *mean, *scale; /* [n_inputs] standardisation, fitted on its training rows */
    wk_nn *nn;
    wk_nn_log log;
} wk_branch;

void wk_branch_finish(wk_branch *branch);

/* What a network is trained on: rows of steps [begin, valid_begin), early stopping on [valid_begin,
 * valid_end). Rows whose labels end less than `embargo` bars before the next block are left out. */
typedef struct {
    size_t begin, valid_begin, valid_end, embargo;
    uint64_t seed;
    int threads;
} wk_branch_span;

/* Trains the network `layers` over the columns [n_columns], which is copied. On success *out is
 * owned by the caller. */
WK_MUST_CHECK wk_status wk_branch_train(const char *name, const wk_sections *layers,
                                        const wk_nn_train_config *train, const wk_columns *data,
                                        const uint32_t *columns, size_t n_columns,
                                        const wk_targets *targets, const wk_branch_span *span,
                                        wk_branch *out, wk_err *err);

/* The feature columns that a branch of this configuration sees, in the arena. */
WK_MUST_CHECK wk_status wk_branch_columns(const wk_branch_config *config, const wk_dataset *dataset,
                                          wk_arena *arena, uint32_t **columns, size_t *n,
                                          wk_err *err);

/* Outputs of steps [t0, t1) into out[(t * S + s) * stride + 0..3]; NaN where the row is invalid.
 * The state starts afresh at the anchors of the features, so t0 does not matter to the bits. */
WK_MUST_CHECK wk_status wk_branch_outputs(const wk_branch *branch, const wk_panel *panel,
                                          const wk_columns *data,
                                          const wk_features_config *features, size_t t0, size_t t1,
                                          float *out, size_t stride, const wk_loop *loop,
                                          wk_err *err);

/* ---- meta-learner ---- */

enum { WK_META_COLUMNS_MAX = 4096 }; /* features and branch outputs together */

typedef struct {
    bool is_mlp;
    int score; /* wk_score_kind */
    size_t n_columns;
    uint32_t *columns;         /* into wk_columns, features first */
    size_t n_plain;            /* how many of them are features */
    size_t n_targets, n_seeds; /* n_targets 1 for direction */
    wk_forest **forests; /* [n_targets * n_seeds]; odd seeds see the first n_plain columns only */
    wk_forest *magnitude, *volatility; /* NULL: not trained */
    wk_forest *direction; /* three classes beside a score of targets; NULL: not trained */
    wk_branch mlp;        /* kind mlp: its outputs are the forecast */
    wk_gbdt_log log;      /* of the first forest */
    double temperature;   /* of the direction probabilities */
    double threshold;     /* of the policy, chosen on its block; NaN: the configuration's */
} wk_meta;

void wk_meta_finish(wk_meta *meta);

/* Trains on the rows of steps [begin, end) that the stride keeps and whose labels end `embargo`
 * bars before `end`; `stop` rows [end, stop_end) serve early stopping when the parameters ask for
 * it. columns [n_columns] is copied. heads: also the magnitude and volatility forests, and that of
 * the direction beside a score of targets. With config->meta.model the trees of that file are taken
 * instead. */
WK_MUST_CHECK wk_status wk_meta_train(const wk_run_config *config, const wk_dataset *dataset,
                                      const wk_targets *targets, const wk_columns *data,
                                      const uint32_t *columns, size_t n_columns, bool heads,
                                      size_t begin, size_t end, size_t stop_end, int threads,
                                      wk_meta *out, wk_err *err);

size_t
wk_meta_n_raw(const wk_meta *meta); /* numbers a row before scaling: targets, or 3 probabilities */

/* raw [(t * S + s) * n_raw + i] for steps [t0, t1) (NaN: invalid row); magnitude and volatility
 * forecasts go to forecasts[t * S + s] with p (calibrated) and valid; score is left 0. */
WK_MUST_CHECK wk_status wk_meta_forecast(const wk_meta *meta, const wk_run_config *config,
                                         const wk_dataset *dataset, const wk_columns *data,
                                         size_t t0, size_t t1, const wk_loop *loop, float *raw,
                                         wk_forecast *forecasts, wk_err *err);

/* ---- the score ---- */

/* A stream that divides each target's forecast by the root mean square of the pooled forecasts over
 * a trailing window (the current bar excluded), then averages the targets. */
typedef struct wk_score_scale wk_score_scale;
wk_score_scale *wk_score_scale_plan(wk_arena *arena, size_t n_targets, size_t window_bars,
                                    size_t min_bars);
/* raw [S * n_targets] of one step -> score [S], NaN before min_bars or for NaN rows. */
void wk_score_scale_push(wk_score_scale *scale, const float *raw, size_t S, float *score);

/* ---- the bundle on disk ---- */

typedef struct {
    char feature_hash[65];
    size_t n_branches;
    wk_branch *branches;
    wk_meta meta;
    size_t n_instruments;             /* 0: the file has none */
    wk_trade_instrument *instruments; /* of the markets it was trained and judged on */
} wk_model;

void wk_model_finish(wk_model *model);

/* Writes <dir>/model.json, meta.<i>.xgb.json, branch.<name>.safetensors beside the target and
 * renames. */
WK_MUST_CHECK wk_status wk_model_save(const wk_model *model, const wk_run_config *config,
                                      const wk_dataset *dataset, const char *dir, wk_err *err);
/* Its forests only predict (wk_forest_only_predicts): a loaded model cannot be saved. */
WK_MUST_CHECK wk_status wk_model_load(const char *dir, wk_model *out, wk_err *err);

/* The experiment's configuration that the bundle was trained with, strings in the arena; overrides
 * as in wk_config_parse. */
WK_MUST_CHECK wk_status wk_model_config(const char *dir, const char *const *overrides,
                                        size_t n_overrides, wk_arena *arena, wk_run_config *out,
                                        wk_err *err);

/* The first step that the forecasts of step t0 and later depend on, as far as the panel reaches
 * back: with the steps before it dropped they have the same bits. */
size_t wk_model_first_step(const wk_model *model, const wk_features_config *features,
                           const wk_panel *panel, size_t t0);

/* Forecasts of steps [t0, t1) into forecasts [T * S]. The score's scale starts at t0, so its first
 * meta.scale_min_days give no valid forecast. Refuses a dataset of other features. */
WK_MUST_CHECK wk_status wk_model_forecast(const wk_model *model, const wk_run_config *config,
                                          const wk_dataset *dataset, size_t t0, size_t t1,
                                          const wk_loop *loop, wk_forecast *forecasts, wk_err *err);

#endif
