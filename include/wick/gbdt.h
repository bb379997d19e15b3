/* Gradient-boosted trees on histograms.
 * Source: Friedman 2001; Chen & Guestrin 2016 (gain, regularisation, missing direction). The model
 * on disk is XGBoost's JSON. A split sends x < threshold left; NaN goes the learnt way. */
#ifndef WICK_GBDT_H
#define WICK_GBDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/config.h"
#include "wick/err.h"
#include "wick/gbdt_table.h"

typedef enum {
    WK_GBDT_SQUARED_ERROR = 0, /* reg:squarederror */
    WK_GBDT_LOGISTIC = 1,      /* binary:logistic, labels 0 or 1 */
    WK_GBDT_SOFTPROB = 2,      /* multi:softprob, labels 0..n_classes-1 */
    WK_GBDT_PSEUDO_HUBER = 3,  /* reg:pseudohubererror */
    WK_GBDT_HUBER = 4,    /* huber: squared up to huber_slope, then straight (as LightGBM has it) */
    WK_GBDT_ABSOLUTE = 5, /* reg:absoluteerror; leaves are medians */
    WK_GBDT_QUANTILE = 6, /* reg:quantileerror; leaves are quantiles */
    WK_GBDT_POISSON = 7,  /* count:poisson, labels >= 0 */
    WK_GBDT_RANK_NDCG = 8,     /* rank:ndcg, relevance labels 0..31 in groups of rows */
    WK_GBDT_RANK_PAIRWISE = 9, /* rank:pairwise */
    WK_GBDT_PROFIT =
        10,             /* profit: the label is the return that a position of +1 earns; the three
                         * outputs are the shares of SELL, HOLD and BUY that earn most after costs */
    WK_GBDT_CUSTOM = 11 /* of wk_gbdt_custom; its margins are the predictions */
} wk_gbdt_objective;
#define WK_GBDT_OBJECTIVES 12

/* Zero in a field added after `seed` means its default, so that {.eta = ...} stays a whole
 * description; the three switches of the rankings are the exception: start those from
 * wk_config_defaults. */
typedef struct {
    int objective;     /* wk_gbdt_objective */
    int64_t num_class; /* SOFTPROB only */
    int64_t rounds;    /* num_boost_round */
    double eta;
    int grow_policy;    /* 0 depthwise, 1 lossguide, 2 symmetric: one split for a whole level */
    int64_t max_depth;  /* 0: no limit (lossguide only) */
    int64_t max_leaves; /* 0: no limit (depthwise only) */
    int64_t max_bin;    /* 2..255 */
    double lambda, alpha, gamma, min_child_weight;
    int64_t min_rows_leaf; /* least rows in a leaf (LightGBM's min_data_in_leaf) */
    double subsample;      /* rows a round, without replacement, by counter RNG */
    double colsample_bytree;
    int64_t early_stopping_rounds; /* 0: off; needs a validation set */
    /* NaN: mean of the labels (or prior log-odds). softprob: margins 0, and the first trees start
     * from the classes' shares. */
    double base_score;
    int64_t seed;

    double max_delta_step; /* bound of a leaf before eta; 0: none, but 0.7 for count:poisson */
    double colsample_bylevel, colsample_bynode; /* of the tree's columns, of the level's columns */
    int sampling_method;                        /* 0 uniform, 1 gradient_based (MVS), 2 goss */
    double top_rate, other_rate;                /* of GOSS: 0.2 and 0.1 */
    int64_t subsample_block; /* rows that are drawn together (a stretch of time); 0: each alone */
    wk_reals monotone_constraints;       /* a column's -1, 0 or 1; missing ones are 0 */
    const char *interaction_constraints; /* "[[0, 1], [2, 3, 4]]"; NULL or "": none */
    int64_t max_cat_to_onehot;           /* 4: fewer categories are split off one at a time */
    int64_t max_cat_threshold;           /* 64: categories that one side of a split may have */
    /* LightGBM's care with categories of few rows, 10, 10 and 100 in a config; 0: none, as XGBoost
     */
    double cat_smooth, cat_l2;
    int64_t min_data_per_group;
    double scale_pos_weight; /* of the positive rows of binary:logistic; 1 */
    wk_reals class_weights;  /* of the rows of each class, any objective with classes; none: 1 */
    double huber_slope;      /* 1 */
    double quantile_alpha;   /* 0.5 */
    double cost_bps;         /* profit: what entering and leaving a position costs, in bps */
    int64_t lambdarank_num_pair_per_sample; /* ranks that are paired with all below them; 32 */
    bool lambdarank_normalization, lambdarank_score_normalization, ndcg_exp_gain;
    const char *eval_metric; /* NULL or "": the objective's own */
} wk_gbdt_params;
extern const wk_cfg_table wk_gbdt_params_table; /* XGBoost's parameter names */

/* A table of rows, borrowed. X is row-major with `stride` floats between rows. */
typedef struct {
    const float *X; /* [n_rows, n_cols], NaN = missing */
    size_t n_rows, n_cols, stride;
    const float *y;      /* [n_rows] */
    const float *weight; /* [n_rows] or NULL */
    /* [n_rows, n_outputs] or NULL: where each row's margins start, in place of the base score. The
     * forest does not hold it: see wk_forest_margin_from. */
    const float *base_margin;
    const uint32_t
        *group; /* [n_groups] rows of each query, one query after the other; rankings only */
    size_t n_groups;
    /* [n_cols] or NULL: columns that hold category numbers (whole, 0 to 2^24 - 1; a fraction is cut
     * off). Of more than 255 categories the most frequent 254 can be split on and the others stay
     * together. */
    const bool *categorical;
} wk_gbdt_data;

/* What a callback sees: margins are [n_outputs][n_rows]; y, weight (or NULL) are [n_rows]. */
typedef struct {
    size_t n_outputs, n_rows;
    const float *margin, *y, *weight;
    const size_t *rows_of_table; /* NULL: row i is row i; else rows of weight 0 were left out */
} wk_gbdt_rows;

/* An objective and a metric of the caller's, and a look at each round. The first two are called
 * from several threads at once for blocks of rows, must depend on nothing but their arguments, and
 * may be NULL (the params' own then counts). gradient: g and h [n_outputs][n_rows] of the rows
 * [begin, end); finite, h >= 0 loss: the weighted sum of the rows' losses; the metric is loss / sum
 * of weights */
typedef struct {
    void *context;
    size_t n_outputs; /* for WK_GBDT_CUSTOM */
    void (*gradient)(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end, float *g,
                     float *h);
    double (*loss)(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end);
    bool loss_is_gain; /* the larger the better */
    /* After each round (counted from 0, over those of a continued model too) of a training with a
     * log, on the calling thread; valid is NaN without a validation set. */
    void (*round)(void *context, size_t round, double train_metric, double valid_metric);
} wk_gbdt_custom;

typedef struct wk_forest
    wk_forest; /* immutable after training or loading; safe from many threads */

/* Per-round evaluation, filled during training. Owned by the caller (wk_gbdt_log_finish). */
typedef struct {
    size_t n;             /* rounds done */
    double *train_metric; /* see wk_gbdt_metric_name */
    double *valid_metric; /* NaN without a validation set */
    size_t best_round;    /* rounds kept */
} wk_gbdt_log;
void wk_gbdt_log_finish(wk_gbdt_log *log);

/* Trains. valid and log may be NULL. Labels and weights are finite; a row of weight 0 has no effect
 * at all. An infinite feature counts as the largest finite f32. Rows of a round are drawn one by
 * one with probability `subsample`. At most 2^30 rows. Running out of memory stops the program.
 * names [n_cols] or NULL. Same bits for any number of threads. With early stopping the forest holds
 * the best rounds only. The caller destroys *out. */
WK_MUST_CHECK wk_status wk_gbdt_train(const wk_gbdt_params *params, const wk_gbdt_data *train,
                                      const wk_gbdt_data *valid, const char *const *names,
                                      int threads, wk_forest **out, wk_gbdt_log *log, wk_err *err);

/* The same with more: `start` (or NULL) is a forest that training continues, whose trees the new
 * one begins with and whose base score it keeps; 10 rounds and 10 more give the bits of 20.
 * `custom` or NULL. */
WK_MUST_CHECK wk_status wk_gbdt_train_from(const wk_gbdt_params *params, const wk_forest *start,
                                           const wk_gbdt_custom *custom, const wk_gbdt_data *train,
                                           const wk_gbdt_data *valid, const char *const *names,
                                           int threads, wk_forest **out, wk_gbdt_log *log,
                                           wk_err *err);

/* The forest's splits with leaves, gains and hessians of new data, tree by tree (XGBoost's updater
 * `refresh`); a leaf no row reaches becomes 0. keep is the share of the old leaf that stays, 0
 * to 1. With the data and the parameters of a training without draws and keep 0 the forest comes
 * back as it was. */
WK_MUST_CHECK wk_status wk_gbdt_refit(const wk_gbdt_params *params, const wk_forest *forest,
                                      const wk_gbdt_data *data, double keep, int threads,
                                      wk_forest **out, wk_err *err);

/* The metric that training reports: the parameter's, or the objective's own. */
const char *wk_gbdt_metric_name(const wk_gbdt_params *params);

/* No training with these parameters on tables of this size holds more bytes at a time, the caller's
 * tables aside. */
uint64_t wk_gbdt_train_bytes_max(const wk_gbdt_params *params, size_t n_rows, size_t n_cols,
                                 size_t n_valid, int threads);

void wk_forest_destroy(wk_forest *forest);

/* Lets go of the nodes as the file has them, half of a forest's memory or more: what only predicts
 * (margin, predict, predict_batch) needs none of them, and to ask anything else of the trees then
 * stops the program. Without effect where prediction itself walks them (splits by category that no
 * kernel takes). Before the forest is shared. */
void wk_forest_only_predicts(wk_forest *forest);

size_t wk_forest_n_outputs(const wk_forest *forest); /* 1, or the number of classes */
size_t wk_forest_n_features(const wk_forest *forest);
size_t wk_forest_n_trees(const wk_forest *forest);
int wk_forest_objective(const wk_forest *forest);

/* One row of n_features floats -> n_outputs raw margins / transformed (probabilities, or the
 * value). A margin is the base score plus the leaves in the order of the trees, in f32 (as XGBoost
 * sums). Never allocates, locks or fails. */
void wk_forest_margin(const wk_forest *forest, const float *row, float *out);
void wk_forest_predict(const wk_forest *forest, const float *row, float *out);
/* The margins that start from base_margin [n_outputs] in place of the base score. */
void wk_forest_margin_from(const wk_forest *forest, const float *row, const float *base_margin,
                           float *out);
/* The leaf of each tree that a row ends in, as the node's number in XGBoost's file. leaf [n_trees].
 */
void wk_forest_leaves(const wk_forest *forest, const float *row, uint32_t *leaf);
/* The kernels that prediction uses: "avx512", "avx2" or "c". All give the same bits. */
const char *wk_forest_kernel(const wk_forest *forest);
/* Many rows; out [n_rows, n_outputs]; transformed. The same bits as row by row. The first batch of
 * a forest makes tables that rows alone do not need, later ones on one thread allocate nothing. */
void wk_forest_predict_batch(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                             int threads, float *out);

/* Total gain per feature, normalised to sum 1 (all 0 for a forest without splits). gain
 * [n_features]. */
void wk_forest_importance(const wk_forest *forest, double *gain);

/* The measures of XGBoost's get_score, over all splits that use a feature; 0 for one that none
 * uses. */
typedef enum {
    WK_FOREST_WEIGHT = 0,     /* how many splits */
    WK_FOREST_GAIN = 1,       /* mean gain of a split */
    WK_FOREST_COVER = 2,      /* mean hessian of a split's rows */
    WK_FOREST_TOTAL_GAIN = 3, /* sums, not normalised */
    WK_FOREST_TOTAL_COVER = 4
} wk_forest_measure;
#define WK_FOREST_MEASURES 5
const char *wk_forest_measure_name(int measure); /* as get_score's importance_type */
void wk_forest_score(const wk_forest *forest, int measure, double *score); /* [n_features] */

/* Exact path-dependent SHAP values: what each feature adds to a row's margin, against the mean over
 * the training rows as the nodes' hessians have it.
 *   X    [n_rows, n_features], `stride` floats between rows, NaN = missing
 *   out  [n_rows, n_outputs, n_features + 1]; the last column is the base margin plus the trees'
 *        means, so that a row's sum is its margin (in f64, to rounding)
 * Same bits for any number of threads. Fails for a model with a path of more than 1024 different
 * features or of absurd depth; *out is then untouched. Allocates; the memory of one path a thread.
 * Source: Lundberg et al. 2020, algorithm 1 (the definition), summed as gbdt.md says. */
WK_MUST_CHECK wk_status wk_forest_contributions(const wk_forest *forest, const float *X,
                                                size_t n_rows, size_t stride, int threads,
                                                double *out, wk_err *err);

/* Writes XGBoost's JSON, or its UBJSON when the path ends in .ubj. */
WK_MUST_CHECK wk_status wk_forest_save(const wk_forest *forest, const char *path, wk_err *err);
/* Reads XGBoost's JSON or UBJSON (1.7 to 3.x, dart and splits by category included) or LightGBM's
 * text; the bytes tell which. A broken, cyclic or hostile file is one clear error. */
WK_MUST_CHECK wk_status wk_forest_load(const char *path, wk_forest **out, wk_err *err);
WK_MUST_CHECK wk_status wk_forest_parse(const char *bytes, size_t size_bytes, const char *name,
                                        wk_forest **out, wk_err *err);

/* A C file that compiles without wick, with NAME_margin(row, out) and NAME_predict(row, out), which
 * give the same bits. */
WK_MUST_CHECK wk_status wk_forest_save_c(const wk_forest *forest, const char *path,
                                         const char *name, wk_err *err);

/* ONNX: TreeEnsembleClassifier (outputs label, probabilities) or TreeEnsembleRegressor (value); the
 * input is X [N, n_features], f32. Refuses splits by category. */
WK_MUST_CHECK wk_status wk_forest_save_onnx(const wk_forest *forest, const char *path, wk_err *err);

/* Which column of the table it was trained on held the label, for readers of the same table; -1
 * when unknown. The file keeps it as an attribute. Set it before the forest is shared. */
int64_t wk_forest_label_column(const wk_forest *forest);
void wk_forest_set_label_column(wk_forest *forest, int64_t column);
/* The features' names, or NULL. Borrowed. */
const char *const *wk_forest_names(const wk_forest *forest);

#endif
