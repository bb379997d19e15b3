/* The policies: which forecasts are strong enough. */
#include <math.h>

#include "trader.h"

#define ENOUGH 2000 /* values that make a tail quantile worth trusting */

void wk__signal_plan(wk_arena *arena, const wk_trade_config *config, size_t S, int64_t timeframe_ns,
                     wk__signal *signal)
{
    double bars_day = (double)WK_DAY_NS / (double)timeframe_ns;
    signal->threshold = INFINITY;
    signal->first = -1;
    signal->day = INT64_MIN;
    signal->window = (int64_t)(config->quantile_window_days * bars_day + 0.5);
    signal->window = signal->window > 1 ? signal->window : 1;
    signal->min_age = (int64_t)(config->quantile_min_days * bars_day + 0.5);
    if (config->policy != WK_POLICY_QUANTILE) {
        signal->threshold = config->threshold;
        return;
    }
    signal->stride = config->quantile_stride;
    if (signal->stride <= 0)
        signal->stride = (size_t)signal->window * S / 3 > ENOUGH ? 3 : 1;
    size_t full = (size_t)(signal->window / signal->stride) * S;
    signal->min_values = (size_t)config->quantile_min_values;
    if (config->quantile_min_values <= 0)
        signal->min_values = full / 4 < ENOUGH ? full / 4 : ENOUGH;
    /* A day's rows come on top of the window before the oldest ones are dropped. */
    size_t rows = (size_t)((signal->window + (int64_t)bars_day) / signal->stride) + 3;
    signal->pool = wk__pool_plan(arena, rows, S);
    signal->row = wk_arena_array(arena, double, S);
}

void wk__signal_push(wk__signal *signal, const wk_trade_config *config, int64_t step,
                     int64_t open_ns, const double *x, size_t S)
{
    if (config->policy != WK_POLICY_QUANTILE || !signal->pool)
        return;
    if (signal->first < 0) {
        size_t s = 0;
        while (s < S && isnan(x[s]))
            s++;
        if (s == S)
            return;
        signal->first = step;
    }
    int64_t day = open_ns / WK_DAY_NS - (open_ns % WK_DAY_NS < 0);
    if (day != signal->day) {
        signal->day = day;
        wk__pool_drop_before(signal->pool, step - signal->window);
        signal->threshold = INFINITY;
        if (step - signal->first >= signal->min_age &&
            wk__pool_count(signal->pool) > signal->min_values)
            signal->threshold = wk__pool_quantile(signal->pool, 1.0 - config->coverage);
    }
    if ((step - signal->first) % signal->stride == 0) {
        for (size_t s = 0; s < S; s++)
            signal->row[s] = fabs(x[s]);
        wk__pool_push(signal->pool, step, signal->row);
    }
}

void wk__signal_warm(const wk__signal *signal, const double *x, size_t S)
{
    for (size_t s = 0; s < S; s++)
        wk__pool_warm(signal->pool, s, fabs(x[s]));
}

/* The side whose expected profit clears the threshold: the model's own where it brings one. */
static int want_expected(const wk_trade_config *config, const wk_forecast *f, double sigma)
{
    double unit = config->stop_kind == 2 ? sigma * sqrt(24.0) : 1.0;
    double win = config->take_profit * unit, loss = config->stop_loss * unit;
    double sell = f->p[0], buy = f->p[2];
    double threshold = f->threshold > 0 ? f->threshold : config->threshold;
    if (!(sell + f->p[1] + buy > 0.0))
        return 0;
    double ev_long = buy * win - sell * loss - config->cost_estimate;
    double ev_short = sell * win - buy * loss - config->cost_estimate;
    if (ev_long >= ev_short)
        return ev_long > threshold ? 1 : 0;
    return ev_short > threshold ? -1 : 0;
}

bool wk_trade_asks_classes(const wk_trade_config *config)
{
    return config->policy == WK_POLICY_EXPECTED_VALUE || config->confidence_min > 0.0 ||
           config->confidence_full > 0.0;
}

int wk__signal_want(const wk__signal *signal, const wk_trade_config *config,
                    const wk_forecast *forecast, double x, double sigma)
{
    double strength = x, threshold = signal->threshold;
    if (config->policy == WK_POLICY_EXPECTED_VALUE)
        return want_expected(config, forecast, sigma);
    if (config->policy == WK_POLICY_THRESHOLD) {
        strength = forecast->score;
        threshold = forecast->threshold > 0 ? forecast->threshold : threshold;
    }
    return strength >= threshold ? 1 : strength <= -threshold ? -1 : 0;
}
