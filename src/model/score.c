#include "wick/model.h"

#include <math.h>

struct wk_score_scale {
    size_t n_targets, window, min_bars;
    size_t n;           /* steps pushed */
    double *mean_square; /* [window * n_targets] ring: pooled mean square of one step, NaN without rows */
};

wk_score_scale *wk_score_scale_plan(wk_arena *arena, size_t n_targets, size_t window_bars,
                                    size_t min_bars)
{
    WK_ASSERT(n_targets > 0 && window_bars > 0);
    wk_score_scale *scale = wk_arena_alloc(arena, sizeof *scale);
    *scale = (wk_score_scale){.n_targets = n_targets,
                              .window = window_bars,
                              .min_bars = min_bars ? min_bars : 1,
                              .mean_square = wk_arena_array(arena, double, window_bars * n_targets)};
    return scale;
}

/* Mean over the window's steps that had rows. Summed afresh, oldest slot first, so that the value
 * does not depend on how long the stream has run; the caller asks once a step and target. */
static double window_mean(const wk_score_scale *scale, size_t target)
{
    size_t filled = scale->n < scale->window ? scale->n : scale->window, count = 0;
    double sum = 0;
    for (size_t i = 0; i < filled; i++) {
        size_t slot = (scale->n - filled + i) % scale->window;
        double v = scale->mean_square[slot * scale->n_targets + target];
        if (v == v) {
            sum += v;
            count++;
        }
    }
    return count >= scale->min_bars ? sum / (double)count : NAN;
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
        scale->mean_square[scale->n % scale->window * K + k] = n ? square / (double)n : NAN;
    }
    scale->n++;
}
