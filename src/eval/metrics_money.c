#include "wick/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/arena.h"
#include "wick/math.h"

#include "metrics_internal.h"

double wk_mean(const double *x, size_t n)
{
    if (n == 0)
        return NAN;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

/* The sum of (x - mean)^power, power 2..4. */
static double central_sum(const double *x, size_t n, double mean, int power)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = x[i] - mean, term = d * d;
        if (power == 3)
            term *= d;
        else if (power == 4)
            term *= term;
        sum += term;
    }
    return sum;
}

double wk_stdev(const double *x, size_t n)
{
    if (n < 2)
        return NAN;
    return sqrt(central_sum(x, n, wk_mean(x, n), 2) / (double)(n - 1));
}

/* A constant series has a deviation of some rounding errors: that is zero, and no ratio exists. */
static int is_degenerate(double deviation, double scale)
{
    return !(deviation > 1e-14 * fabs(scale)) || !(deviation > 0);
}

double wk_sharpe(const double *r, size_t n, double rf, double B)
{
    double mean = wk_mean(r, n), sd = wk_stdev(r, n);
    if (n < 2 || is_degenerate(sd, mean))
        return NAN;
    return (mean - rf) / sd * sqrt(B);
}

double wk_sortino(const double *r, size_t n, double target, double B)
{
    if (n == 0)
        return NAN;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double below = r[i] < target ? r[i] - target : 0;
        sum += below * below;
    }
    double downside = sqrt(sum / (double)n);
    if (!(downside > 0))
        return NAN;
    return (wk_mean(r, n) - target) / downside * sqrt(B);
}

wk_drawdown wk_drawdown_find(const double *equity, size_t n)
{
    wk_drawdown out = {.depth = n ? 0 : NAN, .recovered = n};
    size_t peak = 0;
    for (size_t i = 0; i < n; i++) {
        if (equity[i] >= equity[peak]) {
            peak = i;
            continue;
        }
        if (i - peak > out.longest_periods)
            out.longest_periods = i - peak;
        double depth = 1 - equity[i] / equity[peak];
        if (depth > out.depth) {
            out.depth = depth;
            out.peak = peak;
            out.trough = i;
        }
    }
    for (size_t i = out.trough; i < n; i++)
        if (equity[i] >= equity[out.peak]) {
            out.recovered = i;
            break;
        }
    return out;
}

double wk_max_drawdown(const double *equity, size_t n)
{
    return wk_drawdown_find(equity, n).depth;
}

double wk_cagr(const double *equity, size_t n, double B)
{
    if (n < 2 || !(equity[0] > 0))
        return NAN;
    if (!(equity[n - 1] > 0))
        return -1;
    return wk_exp(wk_log(equity[n - 1] / equity[0]) * B / (double)(n - 1)) - 1;
}

double wk_calmar(const double *equity, size_t n, double B)
{
    double depth = wk_max_drawdown(equity, n);
    return depth > 0 ? wk_cagr(equity, n, B) / depth : NAN;
}

double wk_profit_factor(const double *pnl, size_t n)
{
    if (n == 0)
        return NAN;
    double gains = 0, losses = 0;
    for (size_t i = 0; i < n; i++) {
        if (pnl[i] > 0)
            gains += pnl[i];
        else
            losses -= pnl[i];
    }
    if (losses > 0)
        return gains / losses;
    return gains > 0 ? INFINITY : NAN;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *sorted_copy(wk_arena *arena, const double *x, size_t n)
{
    double *s = wk_arena_array(arena, double, n);
    memcpy(s, x, n * sizeof *s);
    qsort(s, n, sizeof *s, compare_doubles);
    return s;
}

double wk_cvar(const double *r, size_t n, double tail)
{
    if (n == 0 || !(tail > 0) || tail > 1)
        return NAN;
    wk_arena arena;
    wk_arena_init(&arena);
    const double *s = sorted_copy(&arena, r, n);
    double mass = tail * (double)n, left = mass, sum = 0;
    for (size_t i = 0; i < n && left > 0; i++) {
        double share = left < 1 ? left : 1;
        sum += share * s[i];
        left -= share;
    }
    wk_arena_finish(&arena);
    return sum / mass;
}

double wk_ulcer(const double *equity, size_t n)
{
    if (n == 0)
        return NAN;
    double peak = equity[0], sum = 0;
    for (size_t i = 0; i < n; i++) {
        peak = equity[i] > peak ? equity[i] : peak;
        double depth = 1 - equity[i] / peak;
        sum += depth * depth;
    }
    return sqrt(sum / (double)n);
}

double wk__quantile_sorted(const double *s, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    if (i + 1 >= n)
        return s[n - 1];
    return s[i] + (at - (double)i) * (s[i + 1] - s[i]);
}

double wk_tail_ratio(const double *r, size_t n)
{
    if (n == 0)
        return NAN;
    wk_arena arena;
    wk_arena_init(&arena);
    const double *s = sorted_copy(&arena, r, n);
    double low = fabs(wk__quantile_sorted(s, n, 0.05)), high = wk__quantile_sorted(s, n, 0.95);
    wk_arena_finish(&arena);
    return low > 0 ? high / low : NAN;
}

/* A moment about the mean over the matching power of the population deviation. */
static double standard_moment(const double *r, size_t n, int power)
{
    if (n < 2)
        return NAN;
    double mean = wk_mean(r, n), sd = sqrt(central_sum(r, n, mean, 2) / (double)n);
    if (is_degenerate(sd, mean))
        return NAN;
    double scale = power == 3 ? sd * sd * sd : sd * sd * sd * sd;
    return central_sum(r, n, mean, power) / (double)n / scale;
}

double wk_skewness(const double *r, size_t n)
{
    return standard_moment(r, n, 3);
}

double wk_kurtosis(const double *r, size_t n)
{
    return standard_moment(r, n, 4);
}

/* The variance of a Sharpe estimate times (n - 1), after Mertens. */
static double sharpe_variance(double sharpe, double skew, double kurt)
{
    return 1 - skew * sharpe + (kurt - 1) / 4 * sharpe * sharpe;
}

double wk_psr(double sharpe_per_bar, double sharpe_ref, size_t n, double skew, double kurt)
{
    double variance = sharpe_variance(sharpe_per_bar, skew, kurt);
    if (n < 2 || !(variance > 0))
        return NAN;
    return wk_normal_cdf((sharpe_per_bar - sharpe_ref) * sqrt((double)(n - 1)) / sqrt(variance));
}

double wk_min_track_record(double sharpe_per_bar, double sharpe_ref, double skew, double kurt,
                           double z)
{
    double edge = sharpe_per_bar - sharpe_ref;
    if (!(edge > 0))
        return INFINITY;
    return 1 + sharpe_variance(sharpe_per_bar, skew, kurt) * (z / edge) * (z / edge);
}

double wk_dsr_reference(double variance_of_sharpes, double n_trials)
{
    static const double EULER_GAMMA = 0.57721566490153286061, E = 2.71828182845904523536;
    if (!(n_trials > 1))
        return n_trials > 0 ? 0 : NAN;
    return sqrt(variance_of_sharpes) * ((1 - EULER_GAMMA) * wk_normal_quantile(1 - 1 / n_trials) +
                                        EULER_GAMMA * wk_normal_quantile(1 - 1 / (n_trials * E)));
}

double wk_effective_trials(double n_trials, double mean_correlation)
{
    return mean_correlation + (1 - mean_correlation) * n_trials;
}

double wk_lo_eta(const double *r, size_t n, size_t q)
{
    if (n < 2 || q == 0)
        return NAN;
    double mean = wk_mean(r, n), variance = central_sum(r, n, mean, 2);
    if (is_degenerate(sqrt(variance / (double)n), mean))
        return NAN;
    double sum = 0;
    for (size_t k = 1; k < q && k < n; k++) {
        double covariance = 0;
        for (size_t i = k; i < n; i++)
            covariance += (r[i] - mean) * (r[i - k] - mean);
        sum += (double)(q - k) * covariance / variance;
    }
    double under = (double)q + 2 * sum;
    return under > 0 ? (double)q / sqrt(under) : NAN;
}
