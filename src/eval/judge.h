/* Judging: from forecasts to money, statistics, baselines and the report's document. */
#ifndef WICK_EVAL_JUDGE_H
#define WICK_EVAL_JUDGE_H

#include <jansson.h>

#include "walk_forward.h"
#include "wick/metrics.h"

/* One line of the table of strategies, with what the verdict and the charts need. */
typedef struct {
    char name[64];
    bool main;
    size_t n_days;
    double *daily;  /* [n_days] simple returns of equity at UTC-day ends, in the arena */
    double *equity; /* [n_days + 1] */
    int64_t first_day_ns;
    double auc, rank_ic, sharpe, sortino, cagr, total, max_drawdown, profit_factor;
    double n_trades, win_rate, mean_bp, exposure, turnover, hold_bars;
} wk_judged;

/* What a judged experiment is. metrics is deterministic: no time, host, path or thread count in it.
 */
typedef struct {
    json_t *metrics, *document;
    wk_backtest backtest; /* of the main strategy */
    bool useful;
    double expectancy; /* mean net return of a trade, fraction of its notional */
    wk_interval expectancy_ci;
} wk_judgement;

void wk_judgement_finish(wk_judgement *judgement);

/* Runs every strategy and the rule baselines and the stress runs of the main one. */
WK_MUST_CHECK wk_status wk_judge(const wk_run_config *config, const wk_dataset *dataset,
                                 const wk_targets *targets, const wk_walk_forward *walk,
                                 wk_judgement *out, wk_err *err);

/* Forecasts of rules without a model, for the same trader and venue. forecasts [T * S]. */
void wk_rule_momentum(const wk_panel *panel, const wk_feature_table *table, size_t from, size_t to,
                      size_t lookback_bars, wk_forecast *forecasts);

/* Parts of the document, each from one place: see report.h for their shapes. */
json_t *wk_document_precision_coverage(const wk_dataset *dataset, const wk_targets *targets,
                                       const wk_forecast *forecasts, size_t from, size_t to,
                                       double round_trip_cost);
json_t *wk_document_calibration(const wk_dataset *dataset, const wk_targets *targets,
                                const wk_forecast *forecasts, size_t from, size_t to);
json_t *wk_document_confusion(const wk_dataset *dataset, const wk_targets *targets,
                              const wk_forecast *forecasts, size_t from, size_t to);
/* Rows of the table of skill about the three classes; empty when no classes were forecast. */
json_t *wk_document_class_skill(const wk_dataset *dataset, const wk_targets *targets,
                                const wk_forecast *forecasts, size_t from, size_t to);
json_t *wk_document_candles(const wk_panel *panel, const wk_backtest *bt);
json_t *wk_document_exits(const wk_backtest *bt);
json_t *wk_document_symbols(const wk_panel *panel, const wk_backtest *bt);
json_t *wk_document_costs(const wk_backtest *bt);
char *wk_document_trades_csv(const wk_panel *panel, const wk_backtest *bt);

#endif
