/* Matrix products of one instruction set; included by ops_<isa>.c after its vec_<isa>.h.
 *
 * A block keeps rows x panels accumulators in registers; the order of additions of one output is k
 * ascending whatever the block, so blocks of any shape give equal bits. */

#include "nn/kernels/unroll.h"

/* One place k of the depth. */
INLINE void gemm_step(V acc[ACC_ROWS][ACC_COLS], const size_t rows, const size_t cols,
                      const wk_real *const a5[3], size_t lda, size_t k, const wk_real *w,
                      size_t next)
{
    V b[ACC_COLS];
    EACH(j, cols)
    {
        b[j] = LD(w + j / PANEL * next + j % PANEL * VW);
        /* Else the compiler may load it again for each row. */
        if (rows > 1)
            KEEP(b[j]);
    }
    EACH(i, rows)
    {
        V x = SET1(a5[i / 5][i % 5 * lda + k]);
        EACH(j, cols)
        {
            acc[i][j] = FMA(x, b[j], acc[i][j]);
        }
    }
}

/* One block of rows x panels at row `m` of position `p`. Rows are addressed in groups of five from
 * their own base: more multiples of lda than that do not fit the processor's addressing. */
INLINE void gemm_block(const wk__gemm *g, const size_t rows, const size_t panels, size_t p,
                       size_t m, size_t n)
{
    V acc[ACC_ROWS][ACC_COLS];
    const size_t cols = panels * PANEL, lda = g->lda;
    const wk_real *start = g->start ? g->start + p * g->start_step + m * g->lds + n : NULL;
    EACH(i, rows)
    {
        EACH(j, cols)
        {
            acc[i][j] = start ? LD(start + i * g->lds + j * VW) : SET1(0);
        }
    }
    const wk_real *w = g->w + n * g->depth, *a = g->a + p * g->a_step + m * lda;
    const size_t next = g->depth * WK__LANES, K = g->K;
    for (size_t q = 0; q < g->taps; q++, a += g->tap) {
        const wk_real *a5[] = {a, rows > 5 ? a + 5 * lda : a, rows > 10 ? a + 10 * lda : a};
        size_t k = 0;
        /* Few turns, whose end the processor foresees. */
        for (; k + DEEP_STEP <= K; k += DEEP_STEP, w += DEEP_STEP * WK__LANES) {
            EACH(d, DEEP_STEP)
            {
                gemm_step(acc, rows, cols, a5, lda, k + d, w + d * WK__LANES, next);
            }
        }
        for (; k < K; k++, w += WK__LANES)
            gemm_step(acc, rows, cols, a5, lda, k, w, next);
    }
    wk_real *y = g->y + p * g->y_step + m * g->ldy + n;
    const wk_real *add = g->add ? g->add + p * g->add_step + m * g->ld_add + n : NULL;
    if (!add && !g->relu_first && !g->relu_last) {
        EACH(i, rows)
        {
            EACH(j, cols)
            {
                ST(y + i * g->ldy + j * VW, acc[i][j]);
            }
        }
        return;
    }
    EACH(i, rows)
    {
        EACH(j, cols)
        {
            V v = acc[i][j];
            if (g->relu_first)
                v = MAX(SET1(0), v);
            if (add)
                v = ADD(LD(add + i * g->ld_add + j * VW), v);
            if (g->relu_last)
                v = MAX(SET1(0), v);
            ST(y + i * g->ldy + j * VW, v);
        }
    }
}

/* All rows of a strip of panels: each position in blocks as equal as they can be. */
#define GEMM_CASE(r)                                                                               \
    case r:                                                                                        \
        gemm_block(g, r, panels, p, m, n);                                                         \
        break;
#define GEMM_STRIP(name, n_panels, most, cases)                                                    \
    INLINE void name(const wk__gemm *g, size_t n)                                                  \
    {                                                                                              \
        enum { panels = n_panels };                                                                \
        const size_t blocks = (g->M + (most)-1) / (most);                                          \
        for (size_t p = 0; p < g->P; p++)                                                          \
            for (size_t i = 0, m = 0; i < blocks; i++) {                                           \
                const size_t rows = (g->M - m + blocks - i - 1) / (blocks - i);                    \
                switch (rows) {                                                                    \
                    cases(GEMM_CASE)                                                               \
                }                                                                                  \
                m += rows;                                                                         \
            }                                                                                      \
    }
GEMM_STRIP(gemm_strip, GEMM_PANELS, GEMM_ROWS, GEMM_CASES)
#ifdef PAIR_CASES
GEMM_STRIP(gemm_pair, 2, AT_ROWS, PAIR_CASES)
#endif

/* The same for a panel left over: few sizes of blocks, as each costs time to compile. */
INLINE void gemm_last(const wk__gemm *g, size_t n)
{
    for (size_t p = 0; p < g->P; p++)
        for (size_t m = 0; m < g->M;) {
#define LAST_CASE(r)                                                                               \
    if (g->M - m >= (r)) {                                                                         \
        gemm_block(g, r, 1, p, m, n);                                                              \
        m += (r);                                                                                  \
        continue;                                                                                  \
    }
            FEW_CASES(LAST_CASE)
#undef LAST_CASE
        }
}

static void gemm(const wk__gemm *given)
{
    /* A copy, since stores of vectors might change what is read through the pointer. */
    const wk__gemm all = wk__gemm_as_rows(given);
    const wk__gemm *g = &all;
    const size_t N = g->N;
    size_t n = 0;
    /* One row has few accumulators: many panels at once hide the latency of the fused multiply-add.
     */
    if (g->M == 1 && g->P == 1) {
        for (; n + STEP_PANELS * WK__LANES <= N; n += STEP_PANELS * WK__LANES)
            gemm_block(g, 1, STEP_PANELS, 0, 0, n);
        if (STEP_PANELS > 4 && n + 4 * WK__LANES <= N) {
            gemm_block(g, 1, STEP_PANELS > 4 ? 4 : 1, 0, 0, n);
            n += 4 * WK__LANES;
        }
    }
    for (; n + GEMM_PANELS * WK__LANES <= N; n += GEMM_PANELS * WK__LANES)
        gemm_strip(g, n);
#ifdef PAIR_CASES
    for (; n + 2 * WK__LANES <= N; n += 2 * WK__LANES)
        gemm_pair(g, n);
#endif
    for (; n < N; n += WK__LANES)
        gemm_last(g, n);
}

INLINE void at_block(const size_t rows, const size_t panels, size_t P, size_t M, const wk_real *a,
                     size_t a_step, size_t lda, const wk_real *d, size_t d_step, size_t ldd,
                     wk_real *g, size_t ldg)
{
    V acc[ACC_ROWS][ACC_COLS];
    const size_t cols = panels * PANEL;
    EACH(i, rows)
    {
        EACH(j, cols)
        {
            acc[i][j] = LD(g + i * ldg + j * VW);
        }
    }
    for (size_t p = 0; p < P; p++, a += a_step, d += d_step) {
        const wk_real *am = a, *dm = d;
        for (size_t m = 0; m < M; m++, am += lda, dm += ldd) {
            V b[ACC_COLS];
            EACH(j, cols)
            {
                b[j] = LD(dm + j * VW);
            }
            EACH(i, rows)
            {
                V x = SET1(am[i]);
                EACH(j, cols)
                {
                    acc[i][j] = FMA(x, b[j], acc[i][j]);
                }
            }
        }
    }
    EACH(i, rows)
    {
        EACH(j, cols)
        {
            ST(g + i * ldg + j * VW, acc[i][j]);
        }
    }
}

INLINE void at_strip(const size_t panels, size_t P, size_t M, size_t K, const wk_real *a,
                     size_t a_step, size_t lda, const wk_real *d, size_t d_step, size_t ldd,
                     wk_real *g, size_t ldg)
{
    for (size_t k = 0; k < K;) {
#define AT_CASE(r)                                                                                 \
    if (K - k >= (r)) {                                                                            \
        at_block(r, panels, P, M, a + k, a_step, lda, d, d_step, ldd, g + k * ldg, ldg);           \
        k += (r);                                                                                  \
        continue;                                                                                  \
    }
        FEW_CASES(AT_CASE)
#undef AT_CASE
    }
}

static void at_rows(size_t P, size_t M, size_t N, size_t K, const wk_real *a, size_t a_step,
                    size_t lda, const wk_real *d, size_t d_step, size_t ldd, wk_real *g)
{
    /* Rows in portions that stay in the first-level cache while the blocks of g pass over them. */
    enum { PORTION = 64 };
    const size_t all = P * M, left = all % PORTION;
    if (all > PORTION && M != PORTION && (P == 1 || (a_step == M * lda && d_step == M * ldd))) {
        /* One long run of rows becomes positions of a portion each, and what is left. */
        at_rows(all / PORTION, PORTION, N, K, a, PORTION * lda, lda, d, PORTION * ldd, ldd, g);
        if (left)
            at_rows(1, left, N, K, a + (all - left) * lda, 0, lda, d + (all - left) * ldd, 0, ldd,
                    g);
        return;
    }
    const size_t many = M < PORTION ? PORTION / M : 1;
    for (size_t p = 0; p < P; p += many) {
        const size_t n_p = P - p < many ? P - p : many;
        const wk_real *ap = a + p * a_step, *dp = d + p * d_step;
        size_t n = 0;
        for (; n + AT_PANELS * WK__LANES <= N; n += AT_PANELS * WK__LANES)
            at_strip(AT_PANELS, n_p, M, K, ap, a_step, lda, dp + n, d_step, ldd, g + n, N);
        for (; n < N; n += WK__LANES)
            at_strip(1, n_p, M, K, ap, a_step, lda, dp + n, d_step, ldd, g + n, N);
    }
}

static void gemm_at(const wk__gemm_at *g)
{
    for (size_t q = 0; q < g->taps; q++)
        at_rows(g->P, g->M, g->N, g->K, g->a + q * g->tap, g->a_step, g->lda, g->d, g->d_step,
                g->ldd, g->g + q * g->g_tap);
}

static void col_sum(size_t M, size_t N, const wk_real *d, size_t ldd, wk_real *g)
{
    for (size_t n = 0; n < N; n += VW) {
        V acc = LD(g + n);
        for (size_t m = 0; m < M; m++)
            acc = ADD(acc, LD(d + m * ldd + n));
        ST(g + n, acc);
    }
}

static void window_mean(size_t M, size_t N, size_t window, const wk_real *x, size_t ldx,
                        size_t step, const wk_real *scale, wk_real *y, size_t ldy)
{
    for (size_t m = 0; m < M; m++) {
        V s = SET1(scale[m]);
        for (size_t n = 0; n < N; n += VW) {
            const wk_real *p = x + m * ldx + n;
            V acc = LD(p);
            for (size_t j = 1; j < window; j++)
                acc = ADD(acc, LD(p + j * step));
            ST(y + m * ldy + n, MUL(s, acc));
        }
    }
}
