#include "judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/log.h"
#include "wick/math.h"
#include "wick/metrics.h"
#include "wick/report.h"
#include "wick/verdict.h"
#include "wick/version.h"

enum { BOOTSTRAP_DRAWS = 2000, BLOCK_DAYS = 20, RULES = 3 };

typedef struct {
    const wk_run_config *config;
    const wk_dataset *dataset;
    const wk_targets *targets;
    const wk_walk_forward *walk;
    wk_judged *judged; /* strategies, then rules */
    size_t n;
    wk_arena arena;
} judge;

static wk_status run_backtest(const judge *j, const wk_forecast *forecasts,
                              const wk_trade_config *trade, const wk_sim_config *sim,
                              wk_backtest *bt, wk_err *err)
{
    const wk_panel *panel = &j->dataset->panel;
    wk_trade_config from_judge = *trade;
    from_judge.entry_from_ns = panel->start_ns + (int64_t)j->walk->judge_step * panel->timeframe_ns;
    return wk_backtest_run(panel, forecasts, j->dataset->table.sigma, j->walk->first_step,
                           j->walk->end_step, &from_judge, sim, j->dataset->instruments, bt, err);
}

/* Equity [n] at the closes time_ns, `start` before them, at the ends of UTC days; its returns. */
static void daily_returns(judge *j, const int64_t *time_ns, const double *equity, size_t n,
                          double start, wk_judged *out)
{
    size_t days = wk_daily_count(time_ns[0], time_ns[n - 1]);
    int64_t *day_ns = wk_arena_array(&j->arena, int64_t, days);
    out->equity = wk_arena_array(&j->arena, double, days + 1);
    out->daily = wk_arena_array(&j->arena, double, days);
    out->equity[0] = start;
    out->n_days = wk_daily_returns(time_ns, equity, n, start, out->daily, day_ns, out->equity + 1);
    out->first_day_ns = day_ns[0];
}

/* The ratios of days: alike for the trader's strategies and for buy and hold. */
static void day_figures(wk_judged *out)
{
    out->sharpe = wk_sharpe(out->daily, out->n_days, 0, WK_DAYS_PER_YEAR);
    out->sortino = wk_sortino(out->daily, out->n_days, 0, WK_DAYS_PER_YEAR);
    out->max_drawdown = wk_max_drawdown(out->equity, out->n_days + 1);
    out->cagr = wk_cagr(out->equity, out->n_days + 1, WK_DAYS_PER_YEAR);
    out->total = out->equity[out->n_days] / out->equity[0] - 1;
}

static void money_figures(wk_judged *out, const wk_backtest *bt, size_t skip)
{
    double *net = malloc((bt->n_trades + 1) * sizeof *net), bp = 0, hold = 0, exposure = 0;
    WK_ASSERT(net && "out of memory");
    size_t wins = 0;
    for (size_t i = 0; i < bt->n_trades; i++) {
        const wk_trade *t = &bt->trades[i];
        net[i] = t->net;
        wins += t->net > 0;
        bp += t->net / t->notional * 1e4;
        hold += (double)(t->exit_step - t->entry_step);
    }
    double n = (double)bt->n_trades;
    out->n_trades = n;
    out->profit_factor = wk_profit_factor(net, bt->n_trades);
    out->win_rate = n > 0 ? (double)wins / n : NAN;
    out->mean_bp = n > 0 ? bp / n : NAN;
    out->hold_bars = n > 0 ? hold / n : NAN;
    for (size_t i = skip; i < bt->T; i++)
        exposure += bt->exposure[i];
    out->exposure = exposure / (double)(bt->T - skip);
    out->turnover = bt->turnover / bt->initial_cash;
    free(net);
}

/* AUC and rank correlation of the score against the judge-horizon return over steps [from, to). */
static void skill(const judge *j, const wk_forecast *forecasts, size_t from, size_t to, double *auc,
                  double *rank_ic)
{
    size_t S = j->dataset->panel.S, n = 0;
    float *score = malloc(((to - from) * S + 1) * sizeof *score);
    float *y = malloc(((to - from) * S + 1) * sizeof *y);
    WK_ASSERT(score && y && "out of memory");
    for (size_t r = from * S; r < to * S; r++)
        if (forecasts[r].valid && j->targets->judge.end[r] > 0) {
            score[n] = forecasts[r].score;
            y[n++] = j->targets->judge.y[r];
        }
    *auc = n > 100 ? wk_auc(score, y, n) : NAN;
    *rank_ic = n > 100 ? wk_rank_correlation(score, y, n) : NAN;
    free(score);
    free(y);
}

static wk_status judge_strategy(judge *j, const char *name, bool main, const wk_forecast *forecasts,
                                const wk_trade_config *trade, wk_backtest *keep, wk_err *err)
{
    wk_backtest bt;
    WK_TRY(run_backtest(j, forecasts, trade, &j->config->sim, &bt, err));
    wk_judged *out = &j->judged[j->n++];
    *out = (wk_judged){.main = main};
    snprintf(out->name, sizeof out->name, "%s", name);
    size_t skip = j->walk->judge_step - bt.first_step;
    daily_returns(j, bt.time_ns + skip, bt.equity + skip, bt.T - skip,
                  skip > 0 ? bt.equity[skip - 1] : bt.initial_cash, out);
    day_figures(out);
    money_figures(out, &bt, skip);
    skill(j, forecasts, j->walk->judge_step, j->walk->end_step, &out->auc, &out->rank_ic);
    wk_log_write(WK_LOG_INFO, "judge",
                 "strategy=\"%s\" sharpe=%.3f trades=%.0f net_bp=%.1f auc=%.4f", name, out->sharpe,
                 out->n_trades, out->mean_bp, out->auc);
    if (keep)
        *keep = bt;
    else
        wk_backtest_finish(&bt);
    return WK_OK;
}

/* Fees and slippage of market orders in and out, as a fraction of the notional. */
static double round_trip_cost(const wk_sim_config *sim)
{
    double maker_bps, taker_bps;
    wk_sim_fees(sim, &maker_bps, &taker_bps);
    return 2 * (taker_bps + sim->slippage_bps) * 1e-4 * sim->cost_multiplier;
}

/* Equal money in every market at its first open, held to the end; one round trip of cost each. */
static void judge_buy_and_hold(judge *j)
{
    const wk_panel *panel = &j->dataset->panel;
    size_t S = panel->S, from = j->walk->judge_step, n = j->walk->end_step - from;
    wk_judged *out = &j->judged[j->n++];
    *out = (wk_judged){.auc = NAN, .rank_ic = NAN, .n_trades = (double)S, .exposure = 1};
    snprintf(out->name, sizeof out->name, "buy and hold");
    int64_t *time_ns = wk_arena_array(&j->arena, int64_t, n);
    double *equity = wk_arena_array(&j->arena, double, n);
    double *first = wk_arena_array(&j->arena, double, S);
    double *last = wk_arena_array(&j->arena, double, S);
    double cost = round_trip_cost(&j->config->sim) / 2;
    for (size_t i = 0; i < n; i++) {
        size_t t = from + i;
        double sum = 0;
        for (size_t s = 0; s < S; s++) {
            if (panel->provenance[t * S + s] != WK_PROV_UNKNOWN) {
                if (first[s] == 0)
                    first[s] = panel->bars[t * S + s].open * (1 + cost);
                last[s] = panel->bars[t * S + s].close;
            }
            sum += first[s] > 0 ? last[s] / first[s] : 1;
        }
        time_ns[i] = panel->start_ns + ((int64_t)t + 1) * panel->timeframe_ns;
        equity[i] = sum / (double)S;
    }
    equity[n - 1] *= 1 - cost;
    daily_returns(j, time_ns, equity, n, 1, out);
    day_figures(out);
    out->profit_factor = out->win_rate = out->mean_bp = out->hold_bars = NAN;
    out->turnover = 1 + equity[n - 1];
}

/* Nobody trades: what every strategy must beat first. */
static void judge_flat(judge *j, const wk_judged *like)
{
    wk_judged *out = &j->judged[j->n++];
    *out = (wk_judged){.n_days = like->n_days, .first_day_ns = like->first_day_ns};
    snprintf(out->name, sizeof out->name, "always flat");
    out->daily = wk_arena_array(&j->arena, double, out->n_days);
    out->equity = wk_arena_array(&j->arena, double, out->n_days + 1);
    for (size_t i = 0; i <= out->n_days; i++)
        out->equity[i] = 1;
    day_figures(out);
    out->auc = out->rank_ic = out->profit_factor = out->win_rate = out->mean_bp = out->hold_bars =
        NAN;
}

static wk_status judge_momentum(judge *j, wk_err *err)
{
    const wk_panel *panel = &j->dataset->panel;
    double bars_a_day = 86400e9 / (double)panel->timeframe_ns;
    wk_forecast *forecasts = calloc(panel->T * panel->S, sizeof *forecasts);
    if (!forecasts)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_rule_momentum(panel, &j->dataset->table, j->walk->first_step, j->walk->end_step,
                     (size_t)(28 * bars_a_day), forecasts);
    wk_trade_config trade = j->config->trade;
    trade.policy = WK_POLICY_THRESHOLD;
    trade.threshold = 1e-9;
    trade.entry = 0;
    trade.exit_at_zero = true;
    trade.hold_bars = 0;
    trade.confirm_bars = 1;
    trade.take_profit = trade.stop_loss = 0;
    trade.stop_kind = 0;
    wk_status status = judge_strategy(j, "momentum 4 weeks", false, forecasts, &trade, NULL, err);
    free(forecasts);
    return status;
}

/* ---- the table of strategies ---- */

/* Ablations explain the hybrid; baselines are what a user could have had more simply. */
static const char *kind_of(const wk_judged *s)
{
    if (s->main)
        return "strategy";
    bool part = strncmp(s->name, "hybrid", 6) == 0 || strstr(s->name, " alone");
    return part ? "ablation" : "baseline";
}

static json_t *strategy_row(const wk_judged *s)
{
    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "strategy", s->name, "kind", kind_of(s), "auc", wk_report_number(s->auc), "rank_ic",
        wk_report_number(s->rank_ic), "sharpe", wk_report_number(s->sharpe), "sortino",
        wk_report_number(s->sortino), "cagr", wk_report_number(s->cagr), "total_return",
        wk_report_number(s->total), "max_drawdown", wk_report_number(s->max_drawdown),
        "profit_factor", wk_report_number(s->profit_factor), "trades",
        wk_report_number(s->n_trades), "win_rate", wk_report_number(s->win_rate), "net_bp",
        wk_report_number(s->mean_bp), "exposure", wk_report_number(s->exposure), "turnover",
        wk_report_number(s->turnover), "hold_bars", wk_report_number(s->hold_bars));
}

static json_t *fold_rows(const judge *j, const wk_forecast *forecasts, const wk_backtest *bt)
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
        skill(j, forecasts, begin, end, &auc, &ic);
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

/* ---- heads: magnitude and volatility of the main strategy ---- */

static json_t *head_figures(const judge *j, const wk_forecast *forecasts)
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
static json_t *auc_against_trees(const judge *j)
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
        skill(j, main, t, end, &a[n], &ic);
        skill(j, trees, t, end, &b[n], &ic);
        n += isfinite(a[n]) && isfinite(b[n]);
        t = end;
    }
    if (n < 2 * BLOCK_MONTHS)
        return NULL;
    wk_interval difference;
    double mean_a = 0, mean_b = 0;
    double p = wk_bootstrap_paired(a, b, n, BLOCK_MONTHS, BOOTSTRAP_DRAWS,
                                   (uint64_t)j->config->seed, &difference);
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

/* ---- stress ---- */

static wk_status stress_total(judge *j, const wk_forecast *forecasts, double cost_multiplier,
                              int64_t delay_bars, double *total, wk_err *err)
{
    wk_sim_config sim = j->config->sim;
    wk_backtest bt;
    sim.cost_multiplier *= cost_multiplier;
    sim.delay_bars += delay_bars;
    WK_TRY(run_backtest(j, forecasts, &j->config->trade, &sim, &bt, err));
    *total = bt.equity[bt.T - 1] / bt.initial_cash - 1;
    wk_backtest_finish(&bt);
    return WK_OK;
}

/* ---- the whole ---- */

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

/* The trades as the verdict wants them; arrays in the arena. */
static void trade_columns(judge *j, const wk_backtest *bt, wk_verdict_input *input)
{
    size_t n = bt->n_trades;
    uint32_t *symbol = wk_arena_array(&j->arena, uint32_t, n);
    int64_t *entry = wk_arena_array(&j->arena, int64_t, n),
            *exit = wk_arena_array(&j->arena, int64_t, n);
    double *net = wk_arena_array(&j->arena, double, n);
    size_t *from = wk_arena_array(&j->arena, size_t, n), *to = wk_arena_array(&j->arena, size_t, n);
    for (size_t i = 0; i < n; i++) {
        const wk_trade *t = &bt->trades[i];
        from[i] = t->entry_step;
        to[i] = t->exit_step;
        symbol[i] = t->symbol;
        entry[i] = t->entry_ns;
        exit[i] = t->exit_ns;
        net[i] = t->net / t->notional;
    }
    input->n_trades = n;
    input->symbol = symbol;
    input->entry_ns = entry;
    input->exit_ns = exit;
    input->net = net;
    input->uniqueness_sum = wk_verdict_uniqueness(n, from, to);
}

/* Is strategy i the main one under another name? The trees are, when no network earned its place in
 * any fold; a strategy is no baseline to itself. */
static bool is_main_itself(const judge *j, size_t i)
{
    const wk_walk_forward *walk = j->walk;
    size_t S = j->dataset->panel.S;
    const wk_forecast *main = NULL;
    for (size_t k = 0; k < walk->n_strategies; k++)
        if (walk->strategies[k].main)
            main = walk->strategies[k].forecasts;
    if (i >= walk->n_strategies || !main)
        return false;
    const wk_forecast *other = walk->strategies[i].forecasts;
    for (size_t r = walk->first_step * S; r < walk->end_step * S; r++)
        if (main[r].valid != other[r].valid || main[r].score != other[r].score ||
            main[r].threshold != other[r].threshold)
            return false;
    return true;
}

static wk_status decide(judge *j, const wk_backtest *bt, const wk_judged *main,
                        const wk_forecast *forecasts, wk_verdict *verdict, wk_err *err)
{
    wk_verdict_input input = {
        .daily = main->daily, .n_days = main->n_days, .seed = (uint64_t)j->config->seed};
    wk_verdict_baseline *baselines = wk_arena_array(&j->arena, wk_verdict_baseline, j->n + 1);
    for (size_t i = 0; i < j->n; i++) {
        const char *name = j->judged[i].name;
        if (strcmp(kind_of(&j->judged[i]), "baseline") != 0 || is_main_itself(j, i))
            continue;
        WK_ASSERT(j->judged[i].n_days == main->n_days);
        baselines[input.n_baselines++] = (wk_verdict_baseline){name, j->judged[i].daily};
    }
    input.baselines = baselines;
    trade_columns(j, bt, &input);
    WK_TRY(stress_total(j, forecasts, 1.5, 0, &input.net_at_costs, err));
    WK_TRY(stress_total(j, forecasts, 1, 1, &input.net_at_delay, err));
    wk_verdict_judge(&j->arena, &input, verdict);
    return WK_OK;
}

static json_t *config_json(const wk_run_config *config)
{
    char *text = wk_config_dump(&wk_run_config_table, config);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    return root;
}

/* What the gate decided, for a reader of the folds' table. */
static json_t *gate_notes(const judge *j)
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
                            "alone). The other folds are the trees alone.",
                            earned, gated));
    if (earned == 0)
        json_array_append_new(notes, json_string("The hybrid is the trees alone throughout, so "
                                                 "these are no baseline to it."));
    return notes;
}

static void build(judge *j, const wk_backtest *bt, const wk_judged *main,
                  const wk_forecast *forecasts, const wk_verdict *verdict, json_t **metrics,
                  json_t **document)
{
    size_t from = j->walk->judge_step, to = j->walk->end_step;
    wk_interval interval = wk_bootstrap_sharpe(main->daily, main->n_days, BLOCK_DAYS,
                                               BOOTSTRAP_DRAWS, (uint64_t)j->config->seed);
    json_t *strategies = json_array(), *others = json_object();
    for (size_t i = 0; i < j->n; i++) {
        json_array_append_new(strategies, strategy_row(&j->judged[i]));
        if (!j->judged[i].main)
            json_object_set_new(others, j->judged[i].name, points(&j->judged[i], false));
    }
    json_t *folds = fold_rows(j, forecasts, bt), *exits = wk_document_exits(bt);
    json_t *symbols = wk_document_symbols(&j->dataset->panel, bt), *costs = wk_document_costs(bt);
    json_t *coverage = wk_document_precision_coverage(j->dataset, j->targets, forecasts, from, to,
                                                      round_trip_cost(&j->config->sim));
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
    json_object_set_new(doc, "skill", skill_rows(main, heads, auc));
    json_decref(heads);
    json_object_set_new(doc, "precision_coverage", coverage);
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
    json_object_set(doc, "training", j->walk->training);
    json_object_set_new(doc, "config", config_json(j->config));
    *document = doc;
}

void wk_judgement_finish(wk_judgement *judgement)
{
    if (!judgement)
        return;
    json_decref(judgement->metrics);
    json_decref(judgement->document);
    wk_backtest_finish(&judgement->backtest);
    *judgement = (wk_judgement){0};
}

wk_status wk_judge(const wk_run_config *config, const wk_dataset *dataset,
                   const wk_targets *targets, const wk_walk_forward *walk, wk_judgement *out,
                   wk_err *err)
{
    judge j = {.config = config, .dataset = dataset, .targets = targets, .walk = walk};
    wk_arena_init(&j.arena);
    j.judged = wk_arena_array(&j.arena, wk_judged, walk->n_strategies + RULES);
    wk_judgement result = {0};
    const wk_forecast *main_forecasts = NULL;
    size_t main = 0;
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < walk->n_strategies; i++) {
        const wk_strategy *s = &walk->strategies[i];
        status = judge_strategy(&j, s->name, s->main, s->forecasts, &config->trade,
                                s->main ? &result.backtest : NULL, err);
        if (s->main) {
            main = i;
            main_forecasts = s->forecasts;
        }
    }
    if (status == WK_OK && !main_forecasts)
        status =
            wk_fail(err, WK_E_DATA, "the forecasts name no main strategy; run `wick train` again");
    if (status == WK_OK)
        status = judge_momentum(&j, err);
    if (status == WK_OK) {
        wk_verdict verdict;
        judge_buy_and_hold(&j);
        judge_flat(&j, &j.judged[main]);
        status = decide(&j, &result.backtest, &j.judged[main], main_forecasts, &verdict, err);
        if (status == WK_OK) {
            build(&j, &result.backtest, &j.judged[main], main_forecasts, &verdict, &result.metrics,
                  &result.document);
            result.useful = verdict.useful;
            result.expectancy = verdict.expectancy;
            result.expectancy_ci = verdict.expectancy_ci;
        }
    }
    wk_arena_finish(&j.arena);
    if (status != WK_OK) {
        wk_judgement_finish(&result);
        return status;
    }
    *out = result;
    return WK_OK;
}
