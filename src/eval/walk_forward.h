/* Walk-forward training: from a dataset to out-of-sample forecasts of every strategy. */
#ifndef WICK_EVAL_WALK_FORWARD_H
#define WICK_EVAL_WALK_FORWARD_H

#include <jansson.h>

#include "wick/model.h"

/* The forecasts of one strategy over the panel's grid; steps outside the folds are not valid. */
typedef struct {
    char name[64];
    bool main;              /* the one that the verdict speaks of */
    wk_forecast *forecasts; /* [T * S] */
} wk_strategy;

typedef struct {
    size_t n_strategies;
    wk_strategy *strategies;
    size_t first_step, judge_step,
        end_step;        /* forecasts exist in [first, end), figures from judge on */
    json_t *folds;       /* array of objects for the report */
    json_t *importance;  /* [{name, family, gain, ...}], of the main strategy: see report.h */
    json_t *explanation; /* {folds, rows, shap}; NULL without trees */
    json_t *training;    /* [{name, train, valid}] */
    wk_model model;      /* the newest fold's */
} wk_walk_forward;

WK_MUST_CHECK wk_status wk_walk_forward_run(const wk_run_config *config, const wk_dataset *dataset,
                                            const wk_targets *targets, int threads,
                                            wk_walk_forward *out, wk_err *err);
void wk_walk_forward_finish(wk_walk_forward *walk);

#endif
