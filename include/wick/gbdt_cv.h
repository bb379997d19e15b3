/* Cross-validation of boosted trees: folds, per-round figures over them, and permutation importance
 * on what their trees have not seen. */
#ifndef WICK_GBDT_CV_H
#define WICK_GBDT_CV_H

#include "wick/arena.h"
#include "wick/gbdt.h"

typedef enum {
    /* by time where there are times, whole groups where there are groups, else stratified where
     * labels are classes, else KFOLD */
    WK_GBDT_SPLIT_AUTO = 0,
    WK_GBDT_SPLIT_KFOLD = 1,      /* rows in runs, or shuffled */
    WK_GBDT_SPLIT_STRATIFIED = 2, /* each class alike over the folds (as scikit-learn shares out) */
    WK_GBDT_SPLIT_GROUP = 3,      /* no group in two folds, the largest groups placed first */
    WK_GBDT_SPLIT_EXPANDING = 4,  /* in time order: all that came before a test block trains */
    WK_GBDT_SPLIT_ROLLING = 5     /* the same, but only rows of the last train_window */
} wk_gbdt_split;

/* The last three are in the unit of the times. A row trains for a test block that begins at time b
 * when its label's end + embargo < b; the label ends at time + horizon unless ends are given. */
typedef struct {
    int split;     /* wk_gbdt_split */
    int64_t nfold; /* 2 to 1000; by time: test blocks of about n_rows / (nfold + 1) rows */
    bool shuffle;  /* KFOLD and STRATIFIED */
    int64_t seed;
    double horizon, embargo, train_window;
} wk_gbdt_split_params;
extern const wk_cfg_table wk_gbdt_split_table;

/* Rows of one fold, ascending; both in the arena. */
typedef struct {
    const uint32_t *train, *test;
    size_t n_train, n_test;
} wk_gbdt_fold;

/* Cuts the rows of a table.
 *   y      [n_rows] classes, for STRATIFIED and AUTO
 *   group  [n_rows] or NULL: equal numbers stay in one fold
 *   time   [n_rows] or NULL, in any order; equal times stay on one side of a cut
 *   end    [n_rows] or NULL: when a row's label is known, not before its time
 * Refuses what leaves a fold without test or training rows, and says which. Deterministic. */
WK_MUST_CHECK wk_status wk_gbdt_folds_make(const wk_gbdt_split_params *params, size_t n_rows,
                                           const float *y, bool y_is_class, const uint64_t *group,
                                           const double *time, const double *end, wk_arena *arena,
                                           wk_gbdt_fold **out, size_t *n_folds, wk_err *err);

/* What cross-validation found; wk_gbdt_cv_finish. Deviations are of the population, as XGBoost's.
 */
typedef struct {
    size_t n_folds, n_rounds; /* rounds that were run, on every fold */
    size_t best_round;    /* rounds with the best mean test metric (all without early stopping) */
    double *train, *test; /* [n_folds][n_rounds] the metric: see wk_gbdt_metric_name */
    double *train_mean, *train_std, *test_mean, *test_std; /* [n_rounds] */
    wk_forest **forests; /* [n_folds], each of best_round rounds */
} wk_gbdt_cv;
void wk_gbdt_cv_finish(wk_gbdt_cv *cv);

/* Called after a round is known on every fold; round counts from 0. */
typedef void (*wk_gbdt_cv_progress)(void *context, const wk_gbdt_cv *so_far, size_t round);

/* Trains params->rounds rounds on every fold's training rows and takes the metric on its test rows.
 * With early_stopping_rounds it stops when the mean over the folds has not become better for so
 * many rounds, and best_round says how many gave the best. A fold has the bits of wk_gbdt_train on
 * its rows. custom, names and progress may be NULL; custom's rows_of_table counts within a fold.
 * Same bits for any number of threads. */
WK_MUST_CHECK wk_status wk_gbdt_cv_run(const wk_gbdt_params *params, const wk_gbdt_custom *custom,
                                       const wk_gbdt_data *data, const wk_gbdt_fold *folds,
                                       size_t n_folds, const char *const *names, int threads,
                                       wk_gbdt_cv_progress progress, void *context, wk_gbdt_cv *out,
                                       wk_err *err);

/* How much worse the metric becomes when one column's values change places among the rows: the mean
 * over `repeats` shuffles, and their deviation. Rows the forest has not seen make it an honest
 * figure. A column that no split uses gets 0 without being tried; a figure below 0 means the column
 * misleads. Source: Breiman 2001; Fisher, Rudin and Dominici 2019.
 *   worse, deviation  [n_cols]; deviation may be NULL
 *   metric            the metric as the rows are; may be NULL */
WK_MUST_CHECK wk_status wk_gbdt_permutation(const wk_gbdt_params *params,
                                            const wk_gbdt_custom *custom, const wk_forest *forest,
                                            const wk_gbdt_data *rows, size_t repeats, uint64_t seed,
                                            int threads, double *worse, double *deviation,
                                            double *metric, wk_err *err);

/* The same on the test rows of every fold with the fold's own forest: the mean over the folds and
 * its deviation between them. */
WK_MUST_CHECK wk_status wk_gbdt_cv_permutation(const wk_gbdt_params *params,
                                               const wk_gbdt_custom *custom,
                                               const wk_gbdt_data *data, const wk_gbdt_fold *folds,
                                               const wk_gbdt_cv *cv, size_t repeats, uint64_t seed,
                                               int threads, double *worse, double *deviation,
                                               wk_err *err);

#endif
