/* What the report says about the trees of the main strategy, on rows that they have not seen. */
#ifndef WICK_EVAL_EXPLAIN_H
#define WICK_EVAL_EXPLAIN_H

#include <stddef.h>

#include "wick/model.h"

/* What has been gathered so far, in the walk's arena. Columns are those of wk_columns_value. */
typedef struct {
    size_t n_columns;        /* features, then the branches' outputs */
    size_t rows_max;         /* of a fold's test block that are shuffled */
    size_t n_rows, n_folds;  /* so far */
    double *worse, *squares; /* [n_columns] sums over the folds of the loss's relative rise */
    size_t *seen;            /* [n_columns] folds whose trees were given the column */
    size_t n_shap;           /* rows of the newest fold's test block */
    double *shap;            /* [n_shap, n_columns] */
    float *value;            /* [n_shap, n_columns] */
    double *cover;           /* [n_columns] the newest fold's trees: shares of the sum of covers */
} wk_explain;

/* Rows that the report can afford are shared out over n_folds folds. */
wk_explain wk__explain_make(wk_arena *arena, size_t n_columns, size_t n_folds);

/* Permutation importance of the fold's trees on a sample of the test block's steps [begin, end),
 * and with `newest` their SHAP values. Rows whose label ends behind the block are left out. Does
 * nothing where there are no trees. */
WK_MUST_CHECK wk_status wk__explain_fold(wk_explain *x, const wk_run_config *config,
                                         const wk_targets *targets, const wk_columns *data,
                                         const wk_meta *meta, size_t begin, size_t end, bool newest,
                                         int threads, wk_arena *arena, wk_err *err);

#endif
