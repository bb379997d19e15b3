#include "wick/model.h"

#include <math.h>

#include "wick/math.h"

static wk_label label_alloc(wk_arena *arena, size_t n)
{
    return (wk_label){wk_arena_array(arena, float, n), wk_arena_array(arena, int32_t, n)};
}

static wk_status make(const wk_label_config *config, const wk_panel *panel, const double *sigma,
                      wk_arena *arena, wk_label *out, wk_err *err)
{
    *out = label_alloc(arena, panel->T * panel->S);
    return wk_labels_make(config, panel, sigma, out->y, out->end, err);
}

static float clip(double x, double lo, double hi)
{
    return (float)(x < lo ? lo : x > hi ? hi : x);
}

/* Three classes from a label that reaches -1 or +1 where the price crossed a bound. */
static wk_status make_direction(const wk_label_config *config, const wk_panel *panel,
                                const double *sigma, wk_arena *arena, wk_label *out, wk_err *err)
{
    if (config->kind == WK_LABEL_FORWARD_RETURN || config->kind == WK_LABEL_VOLATILITY)
        return wk_fail(
            err, WK_E_CONFIG,
            "labels.direction.kind must be threshold, bounded or triple_barrier: three classes "
            "need a bound");
    WK_TRY(make(config, panel, sigma, arena, out, err));
    for (size_t i = 0; config->kind != WK_LABEL_THRESHOLD && i < panel->T * panel->S; i++)
        if (out->end[i] > 0)
            out->y[i] = out->y[i] <= -1 ? 0 : out->y[i] >= 1 ? 2 : 1;
    return WK_OK;
}

wk_status wk_targets_make(const wk_run_config *config, const wk_panel *panel, const double *sigma,
                          wk_arena *arena, wk_targets *out, wk_err *err)
{
    const wk_labels_config *labels = &config->labels;
    size_t n = panel->T * panel->S;
    wk_targets t = {0};
    if (config->meta.score == WK_SCORE_TARGETS) {
        const wk_label_config *targets = config->meta.targets.v;
        t.n_targets = config->meta.targets.n;
        if (t.n_targets == 0)
            return wk_fail(err, WK_E_CONFIG,
                           "meta.score is \"targets\" but meta.targets is empty; "
                           "list at least one label");
        t.targets = wk_arena_array(arena, wk_label, t.n_targets);
        for (size_t i = 0; i < t.n_targets; i++)
            WK_TRY(make(&targets[i], panel, sigma, arena, &t.targets[i], err));
    }
    WK_TRY(make_direction(&labels->direction, panel, sigma, arena, &t.direction, err));
    t.uniqueness = wk_arena_array(arena, float, n);
    wk_labels_uniqueness(t.direction.end, panel->T, panel->S, t.uniqueness);

    wk_label_config forward = {.kind = WK_LABEL_FORWARD_RETURN, .horizon_bars = labels->judge_bars};
    WK_TRY(make(&forward, panel, sigma, arena, &t.judge, err));
    forward.horizon_bars = labels->magnitude_bars;
    WK_TRY(make(&forward, panel, sigma, arena, &t.magnitude, err));
    wk_label_config volatility = {.kind = WK_LABEL_VOLATILITY,
                                  .horizon_bars = labels->volatility_bars};
    WK_TRY(make(&volatility, panel, sigma, arena, &t.volatility, err));
    /* Both are learnt relative to the volatility known at the time, so that markets can be pooled.
     */
    double root = sqrt((double)labels->magnitude_bars);
    for (size_t i = 0; i < n; i++) {
        if (t.magnitude.end[i] > 0)
            t.magnitude.y[i] = clip((double)t.magnitude.y[i] / (sigma[i] * root), -4, 4);
        if (t.volatility.end[i] > 0)
            t.volatility.y[i] = clip((double)t.volatility.y[i] / sigma[i], 0.1, 10);
    }
    *out = t;
    return WK_OK;
}
