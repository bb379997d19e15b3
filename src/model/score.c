/* The score's scale: root mean squares over a trailing window. */
#include <math.h>

#include "meta.h"

/* Counts of 2^-80: sums of them are exact, so that what left the window leaves no trace and the
 * value does not depend on how long the stream has run. */
__extension__ typedef __int128 exact;

struct wk_score_scale {
    size_t n_targets, window, min_bars;
    size_t n;            /* steps pushed */
    double *mean_square; /* [window * n_targets] ring: pooled mean square of one step, NaN without
                            rows */
    exact *sum;          /* [n_targets] over the ring */
    size_t *count;       /* [n_targets] of its slots that are not NaN */
    struct {
        exact sum;
        double mean_square;
        size_t count;
    } * before; /* [n_targets] of wk__score_scale_warm */
};

wk_score_scale *wk_score_scale_plan(wk_arena *arena, size_t n_targets, size_t window_bars,
                                    size_t min_bars)
{
    WK_ASSERT(n_targets > 0 && window_bars > 0);
    wk_score_scale *scale = wk_arena_alloc(arena, sizeof *scale);
    *scale = (wk_score_scale){.n_targets = n_targets,
                              .window = window_bars,
                              .min_bars = min_bars ? min_bars : 1,
                              .mean_square = wk_arena_array(arena, double, window_bars *n_targets),
                              .sum = wk_arena_array(arena, exact, n_targets),
                              .count = wk_arena_array(arena, size_t, n_targets)};
    scale->before = wk_arena_alloc(arena, n_targets * sizeof *scale->before);
    return scale;
}

size_t wk__score_scale_window(const wk_score_scale *scale)
{
    return scale->window;
}

void wk__score_scale_reset(wk_score_scale *scale)
{
    scale->n = 0;
    for (size_t k = 0; k < scale->n_targets; k++) {
        scale->sum[k] = 0;
        scale->count[k] = 0;
    }
}

static exact exact_of(double square)
{
    return (exact)((square < 0x1p20 ? square : 0x1p20) * 0x1p80);
}

/* Mean over the window's steps that had rows. */
static double window_mean(const wk_score_scale *scale, size_t target)
{
    size_t count = scale->count[target];
    return count >= scale->min_bars ? (double)scale->sum[target] * 0x1p-80 / (double)count : NAN;
}

static void replace_slot(wk_score_scale *scale, size_t target, double square)
{
    double *slot = &scale->mean_square[scale->n % scale->window * scale->n_targets + target];
    if (scale->n >= scale->window && *slot == *slot) {
        scale->sum[target] -= exact_of(*slot);
        scale->count[target]--;
    }
    *slot = square;
    if (square == square) {
        scale->sum[target] += exact_of(square);
        scale->count[target]++;
    }
}

void wk_score_scale_push(wk_score_scale *scale, const float *raw, size_t S, float *score)
{
    size_t K = scale->n_targets;
    for (size_t s = 0; s < S; s++)
        score[s] = 0;
    for (size_t k = 0; k < K; k++) {
        double root = sqrt(window_mean(scale, k)), square = 0;
        size_t n = 0;
        for (size_t s = 0; s < S; s++) {
            double x = (double)raw[s * K + k];
            score[s] += (float)(x / root / (double)K);
            if (x == x) {
                square += x * x;
                n++;
            }
        }
        replace_slot(scale, k, n ? square / (double)n : NAN);
    }
    scale->n++;
}

void wk__score_scale_warm(wk_score_scale *scale, const float *raw, size_t S, float *score)
{
    double *slots = scale->mean_square + scale->n % scale->window * scale->n_targets;
    for (size_t k = 0; k < scale->n_targets; k++) {
        scale->before[k].sum = scale->sum[k];
        scale->before[k].count = scale->count[k];
        scale->before[k].mean_square = slots[k];
    }
    wk_score_scale_push(scale, raw, S, score);
    scale->n--;
    for (size_t k = 0; k < scale->n_targets; k++) {
        scale->sum[k] = scale->before[k].sum;
        scale->count[k] = scale->before[k].count;
        slots[k] = scale->before[k].mean_square;
    }
}
