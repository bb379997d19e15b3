/* Statistics beside the headline: how the returns are spread, how sure the Sharpe ratio is, and
 * what choosing among the strategies of the table is worth. Definitions: metrics.h. */
#include "judge_state.h"

#include <math.h>
#include <string.h>

#include "wick/report.h"

enum { LO_DAYS = 30, PBO_BLOCKS = 10 };

static void item(json_t *list, const char *name, double value, const char *unit, const char *help)
{
    json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s}", "name", name, "value",
                                          wk_report_number(value), "unit", unit, "help", help));
}

/* Mean over standard deviation of the daily returns. */
static double daily_sharpe(const wk_judged *s)
{
    return wk_sharpe(s->daily, s->n_days, 0, 1);
}

static void spread(json_t *list, const wk_judged *m)
{
    wk_drawdown d = wk_drawdown_find(m->equity, m->n_days + 1);
    item(list, "Calmar", wk_calmar(m->equity, m->n_days + 1, WK_DAYS_PER_YEAR), "",
         "yearly growth over the deepest drawdown");
    item(list, "CVaR 5 %", wk_cvar(m->daily, m->n_days, 0.05), "fraction",
         "mean return of the worst twentieth of the days");
    item(list, "Ulcer index", wk_ulcer(m->equity, m->n_days + 1), "fraction",
         "root mean square of the daily drawdowns");
    item(list, "Longest drawdown", (double)d.longest_periods, "days", "below an earlier peak");
    item(list, "Tail ratio", wk_tail_ratio(m->daily, m->n_days), "",
         "95th percentile of the days over the 5th");
    item(list, "Skewness", wk_skewness(m->daily, m->n_days), "", "of the days");
    item(list, "Kurtosis", wk_kurtosis(m->daily, m->n_days), "", "of the days; 3 is normal");
}

static void certainty(json_t *list, const wk_judged *m, const wk_backtest *bt)
{
    double sharpe = daily_sharpe(m), skew = wk_skewness(m->daily, m->n_days);
    double kurtosis = wk_kurtosis(m->daily, m->n_days);
    size_t wins = 0;
    for (size_t i = 0; i < bt->n_trades; i++)
        wins += bt->trades[i].net > 0;
    item(list, "Sharpe, autocorrelation out",
         sharpe * wk_lo_eta(m->daily, m->n_days, LO_DAYS) * sqrt(WK_DAYS_PER_YEAR / LO_DAYS), "",
         "Lo's correction over a month of days");
    item(list, "Probabilistic Sharpe", wk_psr(sharpe, 0, m->n_days, skew, kurtosis), "fraction",
         "probability that the true Sharpe ratio is above 0");
    item(list, "Least track record", wk_min_track_record(sharpe, 0, skew, kurtosis, 1.645), "days",
         "days that this Sharpe ratio needs to be above 0 with 95 %");
    item(list, "Win rate, lower 95 %", wk_wilson_lower(wins, bt->n_trades, 1.645), "fraction",
         "Wilson's bound on the share of winning trades");
}

/* The models of the table are so many tries on one history: every model but buy and hold and flat.
 */
static void choosing(wk_judge_state *j, json_t *list, const wk_judged *m)
{
    size_t n = j->walk->n_strategies, T = m->n_days;
    double mean = 0, variance = 0;
    double *sharpes = wk_arena_array(&j->arena, double, n),
           *M = wk_arena_array(&j->arena, double, T *n);
    for (size_t i = 0; i < n; i++) {
        double s = daily_sharpe(&j->judged[i]);
        sharpes[i] = isnan(s) ? 0 : s;
        mean += sharpes[i] / (double)n;
        for (size_t t = 0; t < T; t++)
            M[t * n + i] = j->judged[i].daily[t];
    }
    for (size_t i = 0; i < n && n > 1; i++)
        variance += (sharpes[i] - mean) * (sharpes[i] - mean) / (double)(n - 1);
    double reference = wk_dsr_reference(variance, (double)n);
    item(list, "Models tried", (double)n, "", "strategies of the table that were trained");
    item(list, "Deflated Sharpe",
         wk_psr(daily_sharpe(m), reference, T, wk_skewness(m->daily, T), wk_kurtosis(m->daily, T)),
         "fraction",
         "probability that the Sharpe ratio is above the best of so many without skill");
    item(list, "Probability of overfitting",
         n > 1 && T >= 4 * PBO_BLOCKS ? wk_pbo(M, T, n, PBO_BLOCKS, NULL, NULL, NULL) : NAN,
         "fraction",
         "how often the best model of half the days is in the worse half of the others");
}

json_t *wk__judge_statistics(wk_judge_state *j, const wk_backtest *bt, const wk_judged *main)
{
    json_t *list = json_array();
    spread(list, main);
    certainty(list, main, bt);
    choosing(j, list, main);
    return list;
}
