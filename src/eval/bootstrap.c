/* The circular block bootstrap. A draw joins blocks that start anywhere and wrap round, so every
 * period is drawn equally often. Sums of blocks come from prefix sums of the series: a draw costs
 * n / block additions, whatever n. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/arena.h"
#include "wick/metrics.h"
#include "wick/rng.h"

#include "metrics_internal.h"

/* Prefix sums over two rounds of the series; values are relative to the centre for precision. */
typedef struct {
    size_t n, block;
    double centre;
    double *sum, *square; /* [2n + 1] */
} circle;

typedef struct {
    double mean, square; /* of the drawn values relative to the centre */
} draw;

static circle circle_make(wk_arena *arena, const double *x, size_t n, size_t block)
{
    circle c = {.n = n, .block = block < 1 ? 1 : block > n ? n : block, .centre = wk_mean(x, n)};
    c.sum = wk_arena_array(arena, double, 2 * n + 1);
    c.square = wk_arena_array(arena, double, 2 * n + 1);
    for (size_t i = 0; i < 2 * n; i++) {
        double d = x[i % n] - c.centre;
        c.sum[i + 1] = c.sum[i] + d;
        c.square[i + 1] = c.square[i] + d * d;
    }
    return c;
}

static draw circle_draw(const circle *c, uint64_t seed, uint64_t number)
{
    double sum = 0, square = 0;
    size_t left = c->n;
    for (uint64_t k = 0; left > 0; k++) {
        size_t start = (size_t)wk_rng_below(seed, number, k, c->n);
        size_t length = left < c->block ? left : c->block;
        sum += c->sum[start + length] - c->sum[start];
        square += c->square[start + length] - c->square[start];
        left -= length;
    }
    return (draw){sum / (double)c->n, square / (double)c->n};
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static wk_interval interval_of(double *values, size_t n)
{
    if (n == 0)
        return (wk_interval){NAN, NAN, NAN};
    size_t at_most_zero = 0;
    for (size_t i = 0; i < n; i++)
        at_most_zero += values[i] <= 0;
    qsort(values, n, sizeof *values, compare_doubles);
    return (wk_interval){wk__quantile_sorted(values, n, 0.025),
                         wk__quantile_sorted(values, n, 0.975), (double)at_most_zero / (double)n};
}

wk_interval wk_bootstrap_mean(const double *x, size_t n, size_t block, size_t draws, uint64_t seed)
{
    if (n < 2)
        return (wk_interval){NAN, NAN, NAN};
    wk_arena arena;
    wk_arena_init(&arena);
    circle c = circle_make(&arena, x, n, block);
    double *means = wk_arena_array(&arena, double, draws);
    for (size_t d = 0; d < draws; d++)
        means[d] = c.centre + circle_draw(&c, seed, d).mean;
    wk_interval out = interval_of(means, draws);
    wk_arena_finish(&arena);
    return out;
}

wk_interval wk_bootstrap_sharpe(const double *daily, size_t n, size_t block, size_t draws,
                                uint64_t seed)
{
    if (n < 2)
        return (wk_interval){NAN, NAN, NAN};
    wk_arena arena;
    wk_arena_init(&arena);
    circle c = circle_make(&arena, daily, n, block);
    double *sharpes = wk_arena_array(&arena, double, draws);
    size_t defined = 0;
    for (size_t i = 0; i < draws; i++) {
        draw d = circle_draw(&c, seed, i);
        double variance = (d.square - d.mean * d.mean) * (double)n / (double)(n - 1);
        double mean = c.centre + d.mean;
        /* A draw of one value throughout has no Sharpe ratio; it is left out. */
        if (variance > 1e-26 * (mean * mean + d.square))
            sharpes[defined++] = mean / sqrt(variance) * sqrt(WK_DAYS_PER_YEAR);
    }
    wk_interval out = interval_of(sharpes, defined);
    wk_arena_finish(&arena);
    return out;
}

double wk_bootstrap_paired(const double *a, const double *b, size_t n, size_t block, size_t draws,
                           uint64_t seed, wk_interval *diff)
{
    if (n < 2 || draws == 0) {
        if (diff)
            *diff = (wk_interval){NAN, NAN, NAN};
        return NAN;
    }
    wk_arena arena;
    wk_arena_init(&arena);
    double *d = wk_arena_array(&arena, double, n);
    for (size_t i = 0; i < n; i++)
        d[i] = a[i] - b[i];
    circle c = circle_make(&arena, d, n, block);
    double *means = wk_arena_array(&arena, double, draws);
    /* Draws about the observed mean show how far chance moves it; the observed sample itself counts
     * as one draw, so that p is never 0. */
    size_t as_far = 1;
    for (size_t i = 0; i < draws; i++) {
        double moved = circle_draw(&c, seed, i).mean;
        as_far += fabs(moved) >= fabs(c.centre);
        means[i] = c.centre + moved;
    }
    wk_interval interval = interval_of(means, draws);
    if (diff)
        *diff = interval;
    wk_arena_finish(&arena);
    return (double)as_far / (double)(draws + 1);
}
