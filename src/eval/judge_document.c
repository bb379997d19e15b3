/* What a judgement says: the tables of metrics.json and the report's document. */
#include "judge_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/metrics.h"
#include "wick/report.h"
#include "wick/version.h"

static json_t *strategy_row(const wk_judged *s)
{
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "strategy", s->name, "kind", wk__judge_kind(s), "auc", wk_report_number(s->auc), "rank_ic",
        wk_report_number(s->rank_ic), "sharpe", wk_report_number(s->sharpe), "sortino",
        wk_report_number(s->sortino), "cagr", wk_report_number(s->cagr), "total_return",
        wk_report_number(s->total), "max_drawdown", wk_report_number(s->max_drawdown),
        "profit_factor", wk_report_number(s->profit_factor), "trades",
        wk_report_number(s->n_trades), "win_rate", wk_report_number(s->win_rate), "net_bp",
        wk_report_number(s->mean_bp), "exposure", wk_report_number(s->exposure), "turnover",
        wk_report_number(s->turnover), "hold_bars", wk_report_number(s->hold_bars));
}

static json_t *fold_rows(const wk_judge_state *j, const wk_forecast *forecasts,
                         const wk_backtest *bt)
{
    json_t *rows = json_array(), *fold;
    size_t i;
    json_array_foreach(j->walk->folds, i, fold)
    {
        size_t begin = (size_t)json_integer_value(json_object_get(fold, "begin_step"));
        size_t end = (size_t)json_integer_value(json_object_get(fold, "end_step"));
        json_t *row = json_copy(fold);
        double auc, ic, bp = 0;
        size_t n = 0;
        wk__judge_skill(j, forecasts, begin, end, &auc, &ic);
        for (size_t k = 0; k < bt->n_trades; k++)
            if (bt->trades[k].entry_step >= begin && bt->trades[k].entry_step < end) {
                n++;
                bp += bt->trades[k].net / bt->trades[k].notional * 1e4;
            }
        double from =
            begin > bt->first_step ? bt->equity[begin - bt->first_step - 1] : bt->initial_cash;
        json_object_del(row, "begin_step");
        json_object_del(row, "end_step");
        json_object_set_new(row, "auc", wk_report_number(auc));
        json_object_set_new(row, "rank_ic", wk_report_number(ic));
        json_object_set_new(row, "trades", json_integer((json_int_t)n));
        json_object_set_new(row, "net_bp", n ? wk_report_number(bp / (double)n) : json_null());
        json_object_set_new(row, "return",
                            wk_report_number(bt->equity[end - bt->first_step - 1] / from - 1));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *head_figures(const wk_judge_state *j, const wk_forecast *forecasts)
{
    size_t S = j->dataset->panel.S, n = 0, nv = 0;
    size_t cells = (j->walk->end_step - j->walk->judge_step) * S + 1;
    float *a = malloc(cells * sizeof *a), *b = malloc(cells * sizeof *b),
          *v = malloc(cells * sizeof *v);
    float *e = malloc(cells * sizeof *e), *y = malloc(cells * sizeof *y);
    WK_ASSERT(a && b && v && e && y && "out of memory");
    for (size_t r = j->walk->judge_step * S; r < j->walk->end_step * S; r++) {
        const wk_forecast *f = &forecasts[r];
        if (!f->valid)
            continue;
        if (j->targets->magnitude.end[r] > 0) {
            /* The label is in units of sigma; the forecast is a return. */
            a[n] = f->magnitude;
            b[n++] = (float)((double)j->targets->magnitude.y[r] * j->dataset->table.sigma[r]);
        }
        if (j->targets->volatility.end[r] > 0) {
            double sigma = j->dataset->table.sigma[r];
            v[nv] = f->volatility;
            e[nv] = (float)sigma;
            y[nv++] = (float)((double)j->targets->volatility.y[r] * sigma);
        }
    }
    json_t *out = json_pack("{s:o, s:o, s:o}", "magnitude_rank_ic",
                            wk_report_number(n > 100 ? wk_rank_correlation(a, b, n) : NAN),
                            "volatility_qlike", wk_report_number(nv ? wk_qlike(v, y, nv) : NAN),
                            "ewma_qlike", wk_report_number(nv ? wk_qlike(e, y, nv) : NAN));
    free(a);
    free(b);
    free(v);
    free(e);
    free(y);
    return out;
}

/* How the main strategy's AUC compares with the trees' alone: differences of monthly AUCs,
 * resampled in blocks of three months. NULL when the main strategy is the trees. */
static json_t *auc_against_trees(const wk_judge_state *j)
{
    enum { MONTHS_MAX = 1200, BLOCK_MONTHS = 3 };
    const wk_panel *panel = &j->dataset->panel;
    const wk_forecast *main = NULL, *trees = NULL;
    for (size_t i = 0; i < j->walk->n_strategies; i++) {
        const wk_strategy *s = &j->walk->strategies[i];
        if (s->main)
            main = s->forecasts;
        else if (strcmp(s->name, "gbdt") == 0)
            trees = s->forecasts;
    }
    if (!main || !trees)
        return NULL;
    double a[MONTHS_MAX], b[MONTHS_MAX], ic;
    size_t n = 0;
    for (size_t t = j->walk->judge_step; t < j->walk->end_step && n < MONTHS_MAX;) {
        wk_civil c = wk_civil_from_ns(panel->start_ns + (int64_t)t * panel->timeframe_ns);
        int64_t next = wk_civil_to_ns(c.year + c.month / 12, c.month % 12 + 1, 1);
        size_t end =
            (size_t)((next - panel->start_ns + panel->timeframe_ns - 1) / panel->timeframe_ns);
        end = end < j->walk->end_step ? end : j->walk->end_step;
        wk__judge_skill(j, main, t, end, &a[n], &ic);
        wk__judge_skill(j, trees, t, end, &b[n], &ic);
        n += isfinite(a[n]) && isfinite(b[n]);
        t = end;
    }
    if (n < 2 * BLOCK_MONTHS)
        return NULL;
    wk_interval difference;
    double mean_a = 0, mean_b = 0;
    double p = wk_bootstrap_paired(a, b, n, BLOCK_MONTHS, WK_JUDGE_DRAWS, (uint64_t)j->config->seed,
                                   &difference);
    for (size_t i = 0; i < n; i++) {
        mean_a += a[i] / (double)n;
        mean_b += b[i] / (double)n;
    }
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "months", (int)n, "main",
                     wk_report_number(mean_a), "gbdt", wk_report_number(mean_b), "difference",
                     wk_report_number(mean_a - mean_b), "difference_lo",
                     wk_report_number(difference.lo), "difference_hi",
                     wk_report_number(difference.hi), "p", wk_report_number(p));
}

static json_t *skill_row(const char *target, const char *metric, json_t *value, json_t *against,
                         const char *what)
{
    return json_pack("{s:s, s:s, s:O, s:O, s:s}", "target", target, "metric", metric, "value",
                     value, "against", against, "compared_with", what);
}

/* The table of what the forecasts are worth before any trade. heads and auc (may be NULL) are
 * borrowed. */
static json_t *skill_rows(const wk_judged *main, const json_t *heads, const json_t *auc)
{
    json_t *rows = json_array(), *half = json_real(0.5), *zero = json_real(0),
           *all = wk_report_number(main->auc);
    json_array_append_new(rows, skill_row("direction", "AUC, all bars", all, half, "chance"));
    if (auc)
        json_array_append_new(rows, skill_row("direction", "AUC, mean of months",
                                              json_object_get(auc, "main"),
                                              json_object_get(auc, "gbdt"), "trees alone"));
    json_array_append_new(rows,
                          skill_row("magnitude", "rank correlation",
                                    json_object_get(heads, "magnitude_rank_ic"), zero, "zero"));
    json_array_append_new(rows, skill_row("volatility", "QLIKE, lower is better",
                                          json_object_get(heads, "volatility_qlike"),
                                          json_object_get(heads, "ewma_qlike"), "EWMA"));
    json_decref(half);
    json_decref(zero);
    json_decref(all);
    return rows;
}

static json_t *points(const wk_judged *s, bool drawdown)
{
    json_t *rows = json_array();
    double top = s->equity[0];
    for (size_t i = 0; i <= s->n_days; i++) {
        top = s->equity[i] > top ? s->equity[i] : top;
        double value = drawdown ? s->equity[i] / top - 1 : s->equity[i] / s->equity[0];
        json_array_append_new(
            rows, json_pack("{s:I, s:f}", "time",
                            (json_int_t)(s->first_day_ns / WK_NS_PER_S + 86400 * (int64_t)i),
                            "value", value));
    }
    return rows;
}

static void summary_item(json_t *list, const char *name, double value, const char *unit,
                         const char *help)
{
    json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s}", "name", name, "value",
                                          wk_report_number(value), "unit", unit, "help", help));
}

static json_t *summary(const wk_judged *m, const wk_interval *sharpe_interval)
{
    json_t *s = json_array();
    summary_item(s, "Net return", m->total, "fraction",
                 "equity at the end over its start, less one");
    summary_item(s, "Sharpe", m->sharpe, "", "daily net returns, times the root of 365");
    summary_item(s, "Sharpe, lower 95 %", sharpe_interval->lo, "",
                 "block bootstrap, blocks of 20 days");
    summary_item(s, "Sharpe, upper 95 %", sharpe_interval->hi, "",
                 "block bootstrap, blocks of 20 days");
    summary_item(s, "Sortino", m->sortino, "", "downside deviation over all days");
    summary_item(s, "Max drawdown", m->max_drawdown, "fraction", "of daily equity");
    summary_item(s, "Trades", m->n_trades, "", "closed round trips");
    summary_item(s, "Net per trade", m->mean_bp, "bp", "of the notional at entry");
    summary_item(s, "Win rate", m->win_rate, "fraction", "share of trades with a net gain");
    summary_item(s, "Profit factor", m->profit_factor, "", "net gains over net losses");
    summary_item(s, "AUC", m->auc, "", "of the score against the sign of the next return");
    summary_item(s, "Exposure", m->exposure, "fraction", "mean gross position over equity");
    return s;
}

static json_t *config_json(const wk_run_config *config)
{
    char *text = wk_config_dump(&wk_run_config_table, config);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    return root;
}

/* What the gate decided, for a reader of the folds' table. */
static json_t *gate_notes(const wk_judge_state *j)
{
    json_t *notes = json_array(), *fold;
    size_t i, earned = 0, gated = 0;
    json_array_foreach(j->walk->folds, i, fold)
    {
        const char *networks = json_string_value(json_object_get(fold, "networks"));
        gated += networks != NULL;
        earned += networks && strcmp(networks, "earned") == 0;
    }
    if (gated == 0)
        return notes;
    json_array_append_new(
        notes, json_sprintf("The networks earned their place in %zu of %zu folds: there the "
                            "saving of loss on all earlier blocks exceeded its standard error "
                            "(network_gain_pct and network_error_pct, of the loss of the trees "
                            "alone). The other folds are the trees alone. The rows of the "
                            "hybrid without a network are without this gate too.",
                            earned, gated));
    if (earned == 0)
        json_array_append_new(notes, json_string("The hybrid is the trees alone throughout, so "
                                                 "these are no baseline to it."));
    return notes;
}

void wk__judge_document(wk_judge_state *j, const wk_backtest *bt, const wk_judged *main,
                        const wk_forecast *forecasts, const wk_verdict *verdict, json_t **metrics,
                        json_t **document)
{
    size_t from = j->walk->judge_step, to = j->walk->end_step;
    wk_interval interval = wk_bootstrap_sharpe(main->daily, main->n_days, WK_JUDGE_BLOCK_DAYS,
                                               WK_JUDGE_DRAWS, (uint64_t)j->config->seed);
    json_t *strategies = json_array(), *others = json_object();
    for (size_t i = 0; i < j->n; i++) {
        json_array_append_new(strategies, strategy_row(&j->judged[i]));
        if (!j->judged[i].main)
            json_object_set_new(others, j->judged[i].name, points(&j->judged[i], false));
    }
    json_t *folds = fold_rows(j, forecasts, bt), *exits = wk_document_exits(bt);
    json_t *symbols = wk_document_symbols(&j->dataset->panel, bt), *costs = wk_document_costs(bt);
    json_t *coverage = wk_document_precision_coverage(j->dataset, j->targets, forecasts, from, to,
                                                      wk__round_trip_cost(&j->config->sim));
    json_t *heads = head_figures(j, forecasts), *decision = wk_verdict_json(verdict);
    json_t *origin = json_pack("{s:s, s:s, s:s, s:I}", "data_hash", j->dataset->data_hash,
                               "feature_hash", j->dataset->feature_hash, "commit", wk_commit(),
                               "seed", (json_int_t)j->config->seed);
    *metrics =
        json_pack("{s:s, s:b, s:O, s:O, s:o, s:o, s:O, s:O, s:O, s:O, s:O, s:O, s:O}", "name",
                  j->config->name, "synthetic", (int)j->dataset->synthetic, "generated_from",
                  origin, "verdict", decision, "sharpe_interval",
                  json_pack("[o, o]", wk_report_number(interval.lo), wk_report_number(interval.hi)),
                  "expectancy_bp",
                  json_pack("[o, o, o]", wk_report_number(verdict->expectancy * 1e4),
                            wk_report_number(verdict->expectancy_ci.lo * 1e4),
                            wk_report_number(verdict->expectancy_ci.hi * 1e4)),
                  "strategies", strategies, "heads", heads, "folds", folds, "symbols", symbols,
                  "exits", exits, "costs", costs, "precision_coverage", coverage);
    json_object_set_new(*metrics, "independent_trades",
                        json_pack("{s:i, s:i, s:f, s:i}", "closed", (int)bt->n_trades, "apart",
                                  (int)verdict->apart_trades, "uniqueness", verdict->uniqueness_sum,
                                  "counted", (int)verdict->independent_trades));
    json_t *doc = json_pack(
        "{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "title",
        j->config->name, "synthetic", (int)j->dataset->synthetic, "generated_from", origin,
        "verdict", decision, "summary", summary(main, &interval), "equity", points(main, false),
        "drawdown", points(main, true), "baselines_equity", others, "strategies", strategies,
        "folds", folds, "symbols", symbols, "exits", exits, "costs", costs);
    json_t *auc = auc_against_trees(j);
    if (auc)
        json_object_set_new(*metrics, "monthly_auc", auc);
    json_t *skill = skill_rows(main, heads, auc);
    json_t *classes = wk_document_class_skill(j->dataset, j->targets, forecasts, from, to);
    json_array_extend(skill, classes);
    json_decref(classes);
    json_object_set(*metrics, "skill", skill);
    json_object_set_new(doc, "skill", skill);
    json_decref(heads);
    json_object_set_new(doc, "precision_coverage", coverage);
    json_t *statistics = wk__judge_statistics(j, bt, main);
    json_object_set(*metrics, "statistics", statistics);
    json_object_set_new(doc, "statistics", statistics);
    json_object_set_new(doc, "candles", wk_document_candles(&j->dataset->panel, bt));
    json_object_set_new(doc, "calibration",
                        wk_document_calibration(j->dataset, j->targets, forecasts, from, to));
    json_t *confusion = wk_document_confusion(j->dataset, j->targets, forecasts, from, to);
    if (confusion)
        json_object_set_new(doc, "confusion", confusion);
    json_t *notes = gate_notes(j);
    if (json_array_size(notes) > 0)
        json_object_set(doc, "notes", notes);
    json_decref(notes);
    json_object_set(doc, "importance", j->walk->importance);
    if (j->walk->explanation)
        json_object_set(doc, "explanation", j->walk->explanation);
    json_object_set(doc, "training", j->walk->training);
    json_object_set_new(doc, "config", config_json(j->config));
    *document = doc;
}
