/* Combinatorially symmetric cross-validation. The metric mean/sd of any union of blocks follows
 * from the blocks' sums and sums of squares, so a choice costs Sb additions a configuration. */
#include <math.h>
#include <string.h>

#include "wick/arena.h"
#include "wick/err.h"
#include "wick/math.h"
#include "wick/metrics.h"

typedef struct {
    size_t N, Sb;
    double *centre;       /* [N] mean of the column: sums are relative to it */
    double *sum, *square; /* [Sb, N] */
    size_t *rows;         /* [Sb] */
} blocks;

static blocks blocks_make(wk_arena *arena, const double *M, size_t T, size_t N, size_t Sb)
{
    blocks b = {.N = N, .Sb = Sb};
    b.centre = wk_arena_array(arena, double, N);
    size_t cells = Sb * N;
    b.sum = wk_arena_array(arena, double, cells);
    b.square = wk_arena_array(arena, double, cells);
    b.rows = wk_arena_array(arena, size_t, Sb);
    for (size_t t = 0; t < T; t++)
        for (size_t j = 0; j < N; j++)
            b.centre[j] += M[t * N + j] / (double)T;
    for (size_t s = 0; s < Sb; s++) {
        size_t from = s * T / Sb, to = (s + 1) * T / Sb;
        b.rows[s] = to - from;
        for (size_t t = from; t < to; t++)
            for (size_t j = 0; j < N; j++) {
                double d = M[t * N + j] - b.centre[j];
                b.sum[s * N + j] += d;
                b.square[s * N + j] += d * d;
            }
    }
    return b;
}

/* mean/sd of every configuration over the blocks whose bit is set in `chosen`. */
static void metrics_of(const blocks *b, uint32_t chosen, double *sum, double *square,
                       double *metric)
{
    size_t rows = 0;
    memset(sum, 0, b->N * sizeof *sum);
    memset(square, 0, b->N * sizeof *square);
    for (size_t s = 0; s < b->Sb; s++) {
        if (!(chosen >> s & 1))
            continue;
        rows += b->rows[s];
        for (size_t j = 0; j < b->N; j++) {
            sum[j] += b->sum[s * b->N + j];
            square[j] += b->square[s * b->N + j];
        }
    }
    for (size_t j = 0; j < b->N; j++) {
        double mean = sum[j] / (double)rows;
        double variance = (square[j] - sum[j] * mean) / (double)(rows - 1);
        metric[j] = variance > 0 ? (b->centre[j] + mean) / sqrt(variance) : 0;
    }
}

double wk_pbo(const double *M, size_t T, size_t N, size_t Sb, double *p_loss, double *slope,
              double *mean_lambda)
{
    WK_ASSERT(Sb >= 2 && Sb <= 24 && Sb % 2 == 0);
    double share = NAN, loss = NAN, line = NAN, lambda_mean = NAN;
    if (N >= 2 && T >= 2 * Sb) {
        wk_arena arena;
        wk_arena_init(&arena);
        blocks b = blocks_make(&arena, M, T, N, Sb);
        double *sum = wk_arena_array(&arena, double, N),
               *square = wk_arena_array(&arena, double, N);
        double *inside = wk_arena_array(&arena, double, N),
               *outside = wk_arena_array(&arena, double, N);
        uint32_t all = ((uint32_t)1 << Sb) - 1;
        size_t n = 0, overfit = 0, losses = 0;
        double lambdas = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
        for (uint32_t chosen = 0; chosen <= all; chosen++) {
            if ((size_t)__builtin_popcount(chosen) != Sb / 2)
                continue;
            metrics_of(&b, chosen, sum, square, inside);
            metrics_of(&b, all & ~chosen, sum, square, outside);
            size_t best = 0;
            for (size_t j = 1; j < N; j++)
                best = inside[j] > inside[best] ? j : best;
            double rank = 1;
            for (size_t j = 0; j < N; j++)
                if (j != best)
                    rank += outside[j] < outside[best] ? 1 : outside[j] == outside[best] ? 0.5 : 0;
            double omega = rank / (double)(N + 1), lambda = wk_log(omega / (1 - omega));
            n++;
            overfit += lambda <= 0;
            losses += outside[best] < 0;
            lambdas += lambda;
            sx += inside[best];
            sy += outside[best];
            sxx += inside[best] * inside[best];
            sxy += inside[best] * outside[best];
        }
        double k = (double)n, spread = sxx - sx * sx / k;
        share = (double)overfit / k;
        loss = (double)losses / k;
        lambda_mean = lambdas / k;
        line = spread > 0 ? (sxy - sx * sy / k) / spread : NAN;
        wk_arena_finish(&arena);
    }
    if (p_loss)
        *p_loss = loss;
    if (slope)
        *slope = line;
    if (mean_lambda)
        *mean_lambda = lambda_mean;
    return share;
}
