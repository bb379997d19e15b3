/* The judgement in progress: what judging and its document share. */
#ifndef WICK_EVAL_JUDGE_STATE_H
#define WICK_EVAL_JUDGE_STATE_H

#include "judge.h"
#include "wick/verdict.h"

/* Draws of the intervals, and the length of a block of days. */
enum { WK_JUDGE_DRAWS = 2000, WK_JUDGE_BLOCK_DAYS = 20 };

typedef struct {
    const wk_run_config *config;
    const wk_dataset *dataset;
    const wk_targets *targets;
    const wk_walk_forward *walk;
    wk_judged *judged; /* strategies, then rules */
    size_t n;
    wk_arena arena;
} wk_judge_state;

/* AUC and rank correlation of the score against the judge-horizon return over steps [from, to). */
void wk__judge_skill(const wk_judge_state *j, const wk_forecast *forecasts, size_t from, size_t to,
                     double *auc, double *rank_ic);

/* "strategy", "baseline" (what a user could have had more simply) or "ablation" (explains the
 * hybrid). */
const char *wk__judge_kind(const wk_judged *s);

/* Fees and slippage of market orders in and out, as a fraction of the notional. */
double wk__round_trip_cost(const wk_sim_config *sim);

/* The figures of metrics.json and the report's document; the caller owns both. */
void wk__judge_document(wk_judge_state *j, const wk_backtest *bt, const wk_judged *main,
                        const wk_forecast *forecasts, const wk_verdict *verdict, json_t **metrics,
                        json_t **document);

/* Statistics of the main strategy's daily returns and trades, and of choosing among the strategies:
 * [{name, value, unit, help}]. */
json_t *wk__judge_statistics(wk_judge_state *j, const wk_backtest *bt, const wk_judged *main);

#endif
