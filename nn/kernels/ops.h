/* The arithmetic of the layers, one table an instruction set. Every N and H is a multiple of 16 and
 * every result is defined by the C variant: products are fused multiply-adds, sums run over k (or
 * over rows m) in ascending order, vectors run over outputs only. So all tables give equal bits,
 * and a row's result does not depend on how many rows are computed together. Nothing here allocates
 * or fails. */
#ifndef WK_NN_OPS_H
#define WK_NN_OPS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/real.h"

/* A matrix product over P positions of M rows:
 *   sum[m, n] = start[m, n] + sum over taps q and channels k of a[m, q * tap + k] w[q * K + k, n]
 *   y = last(add + first(sum)),  first and last being relu or nothing.
 * Row m of position p lies at p * step + m * ld of each array; with lds 0 and start_step 0 `start`
 * is one row for all (a bias). Missing start: 0; missing add: nothing is added. w is packed in
 * panels [N/16][depth][16], of which taps * K rows from `w` on are used. y may be start or add. */
typedef struct wk__low wk__low;
typedef struct {
    size_t P, M, N, K, taps;
    const wk_real *a;
    size_t a_step, lda, tap;
    /* In bf16 only, see low.h. With a_rows, a_step is M * lda and a stands in zeros: row t of all,
     * counted from the first one read, is a[(t - a_before) * lda] if that is one of a_rows. w_tap:
     * rows of w between taps, 0 for K. */
    const wk__low *low;
    size_t a_before, a_rows, w_tap;
    const wk_real *w;
    size_t depth;
    const wk_real *start;
    size_t start_step, lds;
    const wk_real *add;
    size_t add_step, ld_add;
    bool relu_first, relu_last;
    wk_real *y;
    size_t y_step, ldy;
} wk__gemm;

/* Positions that follow each other without a gap are one with more rows. */
static inline wk__gemm wk__gemm_as_rows(const wk__gemm *given)
{
    wk__gemm g = *given;
    if (g.P > 1 && g.a_step == g.M * g.lda && g.y_step == g.M * g.ldy &&
        (!g.start || g.start_step == g.M * g.lds) && (!g.add || g.add_step == g.M * g.ld_add)) {
        g.M *= g.P;
        g.P = 1;
    }
    return g;
}

/* The products that make gradients of weights: for each tap q
 *   g[q * g_tap + k * N + n] += sum over positions p and rows m of
 *                               a[p * a_step + q * tap + m * lda + k] * d[p * d_step + m * ldd +
 * n]. */
typedef struct {
    size_t P, M, N, K, taps;
    const wk_real *a;
    size_t a_step, lda, tap;
    const wk_real *d;
    size_t d_step, ldd;
    wk_real *g;
    size_t g_tap;
    const wk__low *low;
} wk__gemm_at;

/* Constants of one update by AdamW. */
typedef struct {
    wk_real scale;          /* of the gradient */
    wk_real b1, c1, b2, c2; /* betas and 1 - betas */
    wk_real step, root, eps, keep;
} wk__adamw_step;

typedef struct {
    const char *name;
    void (*gemm)(const wk__gemm *g);
    void (*gemm_at)(const wk__gemm_at *g);
    /* g[n] += sum over m of d[m * ldd + n]. */
    void (*col_sum)(size_t M, size_t N, const wk_real *d, size_t ldd, wk_real *g);

    /* LSTM cell of B rows of H units: gates [B, H/16, 4, 16], so that the four of a unit (i, f, g,
     * o) lie close, go from sums to activations, which together with tanh_c are for backward.
     * tanh_c NULL: none of that is kept. h has the same bits both ways. */
    void (*lstm_cell)(size_t B, size_t H, wk_real *gates, const wk_real *c_prev, wk_real *c,
                      wk_real *tanh_c, wk_real *h);
    /* gates become gradients of the sums; dc [B, H] is read and replaced by that of c_prev. */
    void (*lstm_cell_back)(size_t B, size_t H, wk_real *gates, const wk_real *c_prev,
                           const wk_real *tanh_c, const wk_real *dh, wk_real *dc);
    /* GRU cell: gx [B, 3H] input sums become r, z, n; gh [B, 3H] recurrent sums, read. */
    void (*gru_cell)(size_t B, size_t H, wk_real *gx, const wk_real *gh, const wk_real *h_prev,
                     wk_real *h);
    /* gx, gh become gradients of their sums; dh is replaced by its direct part in h_prev. */
    void (*gru_cell_back)(size_t B, size_t H, wk_real *gx, wk_real *gh, const wk_real *h_prev,
                          wk_real *dh);

    void (*relu)(size_t n, const wk_real *x, wk_real *y);
    void (*relu_back)(size_t n, const wk_real *y, const wk_real *dy, wk_real *dx);
    void (*tanh)(size_t n, const wk_real *x, wk_real *y);
    void (*tanh_back)(size_t n, const wk_real *y, const wk_real *dy, wk_real *dx);
    void (*sigmoid)(size_t n, const wk_real *x, wk_real *y);
    void (*exp)(size_t n, const wk_real *x, wk_real *y);
    void (*add)(size_t n, const wk_real *x, wk_real *y);                        /* y += x */
    void (*add_relu)(size_t n, const wk_real *x, const wk_real *r, wk_real *y); /* relu(x + r) */
    void (*mul)(size_t n, const wk_real *x, const wk_real *m, wk_real *y);      /* y = x m */
    /* y[m, n] = scale[m] * sum of the `window` rows x[(m + j) * ldx + n], j ascending. */
    void (*window_mean)(size_t M, size_t N, size_t window, const wk_real *x, size_t ldx,
                        size_t step, const wk_real *scale, wk_real *y, size_t ldy);
    /* m = b1 m + c1 g, v = b2 v + c2 g^2, both 0 below 1e-30; p = keep p - step m / (root sqrt(v) +
     * eps). Any n. */
    void (*adamw)(size_t n, const wk__adamw_step *s, const wk_real *g, wk_real *m, wk_real *v,
                  wk_real *p);
    /* For benchmarks: n steps of fused multiply-adds on registers, started from x [256] and left
     * there; returns their flops. */
    size_t (*peak)(size_t n, wk_real *x);
} wk__nn_ops;

extern const wk__nn_ops wk__nn_ops_c;
extern const wk__nn_ops wk__nn_ops_avx2;
extern const wk__nn_ops wk__nn_ops_avx512;
extern const wk__nn_ops wk__nn_ops_neon;

/* The fastest table that this machine and WICK_CPU allow. */
const wk__nn_ops *wk__nn_ops_best(void);
/* Table i of those this machine can run, fastest first, NULL after the last. */
const wk__nn_ops *wk__nn_ops_at(size_t i);

#endif
