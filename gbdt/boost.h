/* A training in progress, shared by the files that check, start, run and refit it. */
#ifndef WICK_GBDT_BOOST_H
#define WICK_GBDT_BOOST_H

#include "train.h"

/* A row set with its margins [n_outputs][n_rows]. */
typedef struct {
    const wk_gbdt_data *data; /* the caller's table */
    size_t n_rows;
    uint32_t *rows;        /* of the caller's table; NULL: all */
    size_t *rows_of_table; /* the same for callbacks; NULL: all, or no callback */
    const float *y, *weight;
    const float *gradient_weight; /* weight times that of positive rows; of the training set */
    float *margin;
    double sum_weight;
    size_t n_groups;
    size_t *group_begin; /* [n_groups + 1] */
} wk__gbdt_row_set;

typedef enum {
    WK__METRIC_RMSE,
    WK__METRIC_MAE,
    WK__METRIC_MPHE,
    WK__METRIC_QUANTILE,
    WK__METRIC_POISSON,
    WK__METRIC_LOGLOSS,
    WK__METRIC_ERROR,
    WK__METRIC_AUC,
    WK__METRIC_MLOGLOSS,
    WK__METRIC_MERROR,
    WK__METRIC_NDCG,
    WK__METRIC_MAP,
    WK__METRIC_PROFIT,
    WK__METRIC_CUSTOM
} wk__gbdt_metric_kind;

typedef struct {
    wk__gbdt_metric_kind kind;
    bool larger_is_better;
    size_t top; /* of ndcg@top; 0: all */
} wk__gbdt_metric;

typedef struct {
    wk_gbdt_params params;
    const wk_gbdt_custom *custom;
    const wk_forest *start;
    const wk_gbdt_data *valid;
    wk__gbdt_metric metric;
    wk__gbdt_interactions interactions;
    wk__gbdt_team *team;
    size_t n_outputs, n_features;
    wk__gbdt_pages pages;
    wk__gbdt_bins bins;
    wk__gbdt_row_set train, test;
    float *g, *h, *base;
    float
        *prior; /* [n_outputs] where the classes start; the first trees take it up. NULL: not so */
    double *partial;      /* [n_blocks][2][n_outputs] */
    uint32_t *rank_order; /* [n_rows of the larger set], rankings only */
    double scale;         /* of profit: the mean size of a return */
    wk__gbdt_tree *trees;
    size_t n_trees;
} wk__gbdt_booster;

/* check.c */
bool wk__gbdt_objective_ranks(int objective);
wk_status wk__gbdt_check_params(const wk_gbdt_params *p, const wk_gbdt_custom *custom,
                                bool has_valid, wk_err *err);
wk_status wk__gbdt_check_rows(const wk_gbdt_params *p, const wk_gbdt_data *data,
                              const bool *categorical, const char *what, wk_err *err);
/* Outputs that the parameters ask for. */
size_t wk__gbdt_n_outputs(const wk_gbdt_params *p, const wk_gbdt_custom *custom);

/* start.c: rows without those of weight 0, base scores, first margins. */
wk_status wk__gbdt_take_rows(wk__gbdt_booster *b, const wk_gbdt_data *data, const char *what,
                             wk__gbdt_row_set *set, wk_err *err);
wk_status wk__gbdt_start_margins(wk__gbdt_booster *b, wk_err *err);

/* gradient.c: gradients of all training rows; abs_g and sum_h [n_outputs] bound their sums. */
void wk__gbdt_compute_gradients(wk__gbdt_booster *b, double *abs_g, double *sum_h);
/* Sums after something changed g and h. */
void wk__gbdt_sum_gradients(wk__gbdt_booster *b, double *abs_g, double *sum_h);
/* What one side of the curve of quantile losses leaves to a leaf; false for other objectives. */
bool wk__gbdt_leaf_quantile(const wk_gbdt_params *p, double *alpha);

/* objective_regression.c, objective_profit.c: as wk__gbdt_gradients, without the sums. */
void wk__gbdt_regression_gradients(const wk_gbdt_params *p, size_t begin, size_t end,
                                   const float *margin, const float *y, const float *weight,
                                   float *g, float *h);
void wk__gbdt_profit_gradients(const wk_gbdt_params *p, double scale, size_t n_rows, size_t begin,
                               size_t end, const float *margin, const float *y, const float *weight,
                               float *g, float *h);
/* What the position with the largest share earns after costs. */
double wk__gbdt_profit_of(const wk_gbdt_params *p, const float *margin, size_t n_rows, size_t i,
                          float y);

/* objective_rank.c: gradients of one query [begin, end). `weight` is the query's. order, scratch:
 * room for its rows. */
void wk__gbdt_rank_gradients(const wk_gbdt_params *p, size_t begin, size_t end, const float *margin,
                             const float *y, double weight, uint32_t *order, float *g, float *h);
/* Rows of a query by falling margin, numbers from 0; equal ones in their order. */
void wk__gbdt_rank_order(const float *margin, size_t n, uint32_t *order);
double wk__gbdt_ndcg(const wk_gbdt_params *p, size_t top, const float *margin, const float *y,
                     size_t n, uint32_t *order);
double wk__gbdt_map(size_t top, const float *margin, const float *y, size_t n, uint32_t *order);

/* metric.c */
wk_status wk__gbdt_metric_parse(const wk_gbdt_params *p, const wk_gbdt_custom *custom,
                                wk__gbdt_metric *out, wk_err *err);
double wk__gbdt_metric_of(wk__gbdt_booster *b, const wk__gbdt_row_set *set);

/* sampling.c: draws rows by their gradients and raises those drawn in proportion. drawn [n_rows].
 */
void wk__gbdt_sample_rows(wk__gbdt_booster *b, size_t round, float *score, uint8_t *drawn);

/* boost.c */
/* A copy of the tree with its sets of categories joins a forest that is not sealed. */
void wk__gbdt_add_tree(wk_forest *forest, const wk__gbdt_tree *tree);
wk_status wk__gbdt_with_booster(wk__gbdt_booster *b, int threads,
                                wk_status (*body)(wk__gbdt_booster *b, void *context, wk_err *err),
                                void *context, wk_err *err);
/* A sealed forest of the trees of `start` (or NULL) and then n_trees of the booster. */
wk_status wk__gbdt_make_forest(const wk__gbdt_booster *b, size_t n_trees, const char *const *names,
                               wk_forest **out, wk_err *err);

#endif
