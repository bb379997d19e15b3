/* The walk in progress: what the files of walk-forward training share. */
#ifndef WICK_EVAL_WALK_H
#define WICK_EVAL_WALK_H

#include "explain.h"
#include "gate.h"
#include "walk_forward.h"

/* hybrid, the hybrid whose networks always count, gbdt and linear, and two ablations a branch */
enum { WK_BRANCHES_MAX = 16, WK_STRATEGIES_MAX = 4 + 2 * WK_BRANCHES_MAX };

/* WK_WALK_GATED trains nothing: in each fold it is the stacked strategy or the trees alone. */
typedef enum { WK_WALK_META, WK_WALK_BRANCH, WK_WALK_LINEAR, WK_WALK_GATED } wk_walk_kind;

/* What a strategy is made of, beside its public part. */
typedef struct {
    wk_walk_kind kind;
    wk_run_config config; /* the experiment's, or with another meta-learner */
    size_t branch;        /* WK_WALK_BRANCH: which */
    uint32_t *columns;    /* WK_WALK_META */
    size_t n_columns;
    bool is_direction;
    size_t n_raw;
    float *raw;     /* [T * S * n_raw] */
    double *losses; /* [WK_GATE_SLICES * wk__walk_n_losses] of the newest fold, NULL: not kept */
    double temperature; /* of the newest fold */
    float threshold;
} wk_recipe;

/* Step indices that cut a fold. */
typedef struct {
    size_t begin, stop, calibrate, policy, test, end;
} wk_blocks;

typedef struct {
    const wk_run_config *config;
    const wk_dataset *dataset;
    const wk_targets *targets;
    int threads;
    wk_loop loop; /* of so many threads */
    size_t T, S, n_branches, n_branch_columns;
    float *branch_columns; /* [T * S * n_branch_columns], NaN where no generation has spoken yet */
    wk_columns columns;
    wk_recipe recipes[WK_STRATEGIES_MAX];
    float *raw;             /* scratch of one fold, [T * S * max n_raw] */
    wk_forecast *forecasts; /* scratch of one fold, [T * S] */
    bool gated;             /* the main strategy is WK_WALK_GATED */
    size_t stacked, trees;  /* its two candidates */
    wk_gate gate;           /* their record so far */
    wk_explain explain;     /* of the main strategy's trees */
    size_t source;          /* the recipe that is the main strategy in this fold */
    wk_arena arena;
    wk_walk_forward *out;
} wk_walk;

/* Losses a row that the gate compares: the targets', or the direction's one. */
size_t wk__walk_n_losses(const wk_walk *w);

/* Trains recipe i on the fold and leaves its forecasts of the blocks from b->calibrate on in
 * w->forecasts and w->raw, and its losses on the test block where it keeps them. newest: the main
 * strategy's model is kept. */
WK_MUST_CHECK wk_status wk__walk_train(wk_walk *w, size_t i, const wk_blocks *b, bool newest,
                                       wk_err *err);

/* Chooses the threshold of recipe i's forecasts, and puts those of the test block in its strategy.
 */
WK_MUST_CHECK wk_status wk__walk_publish(wk_walk *w, size_t i, const wk_blocks *b, wk_err *err);

/* The test block of the recipe that stands for the gated one, under its name. */
void wk__walk_publish_gated(wk_walk *w, size_t i, const wk_blocks *b);

/* Scores of three-class forecasts of rows [begin, end). */
void wk__walk_score_direction(wk_forecast *forecasts, size_t begin, size_t end);

/* A curve of training, for the report: entry i is of epoch or round i + 1, null where the loss is
 * no finite number. valid may be NULL; its list is empty then, and when it has no number at all. */
json_t *wk__walk_curve(const char *name, const double *train, const double *valid, size_t n);

/* Fills the importances and the explanation of the result. */
void wk__walk_explain(wk_walk *w);

#endif
