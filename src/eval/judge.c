#include "judge_state.h"

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

enum { RULES = 3 };

static wk_status run_backtest(const wk_judge_state *j, const wk_forecast *forecasts,
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
static void daily_returns(wk_judge_state *j, const int64_t *time_ns, const double *equity, size_t n,
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
void wk__judge_skill(const wk_judge_state *j, const wk_forecast *forecasts, size_t from, size_t to,
                     double *auc, double *rank_ic)
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

static wk_status judge_strategy(wk_judge_state *j, const char *name, bool main,
                                const wk_forecast *forecasts, const wk_trade_config *trade,
                                wk_backtest *keep, wk_err *err)
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
    wk__judge_skill(j, forecasts, j->walk->judge_step, j->walk->end_step, &out->auc, &out->rank_ic);
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
double wk__round_trip_cost(const wk_sim_config *sim)
{
    double maker_bps, taker_bps;
    wk_sim_fees(sim, &maker_bps, &taker_bps);
    return 2 * (taker_bps + sim->slippage_bps) * 1e-4 * sim->cost_multiplier;
}

/* Equal money in every market at its first open, held to the end; one round trip of cost each. */
static void judge_buy_and_hold(wk_judge_state *j)
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
    double cost = wk__round_trip_cost(&j->config->sim) / 2;
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
static void judge_flat(wk_judge_state *j, const wk_judged *like)
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

static wk_status judge_momentum(wk_judge_state *j, wk_err *err)
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

/* Ablations explain the hybrid; baselines are what a user could have had more simply. */
const char *wk__judge_kind(const wk_judged *s)
{
    if (s->main)
        return "strategy";
    bool part = strncmp(s->name, "hybrid", 6) == 0 || strstr(s->name, " alone");
    return part ? "ablation" : "baseline";
}

/* ---- stress ---- */

static wk_status stress_total(wk_judge_state *j, const wk_forecast *forecasts,
                              double cost_multiplier, int64_t delay_bars, double *total,
                              wk_err *err)
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

/* The trades as the verdict wants them; arrays in the arena. */
static void trade_columns(wk_judge_state *j, const wk_backtest *bt, wk_verdict_input *input)
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
static bool is_main_itself(const wk_judge_state *j, size_t i)
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

static wk_status decide(wk_judge_state *j, const wk_backtest *bt, const wk_judged *main,
                        const wk_forecast *forecasts, wk_verdict *verdict, wk_err *err)
{
    wk_verdict_input input = {
        .daily = main->daily, .n_days = main->n_days, .seed = (uint64_t)j->config->seed};
    wk_verdict_baseline *baselines = wk_arena_array(&j->arena, wk_verdict_baseline, j->n + 1);
    for (size_t i = 0; i < j->n; i++) {
        const char *name = j->judged[i].name;
        if (strcmp(wk__judge_kind(&j->judged[i]), "baseline") != 0 || is_main_itself(j, i))
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
    wk_judge_state j = {.config = config, .dataset = dataset, .targets = targets, .walk = walk};
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
            wk__judge_document(&j, &result.backtest, &j.judged[main], main_forecasts, &verdict,
                               &result.metrics, &result.document);
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
