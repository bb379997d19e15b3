/* Matrix products of one instruction set; included by ops_<isa>.c after its vec_<isa>.h.
 *
 * A block keeps rows x panels accumulators in registers; the order of additions of one output is k
 * ascending whatever the block, so blocks of any shape give equal bits. */

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define EACH(i, n) UNROLL for (size_t i = 0; i < (n); i++)
#define INLINE static inline __attribute__((always_inline))

enum { PANEL = WK__LANES / VW, ACC_ROWS = 8, ACC_COLS = 8 * PANEL };

INLINE void gemm_block(const size_t rows, const size_t panels, size_t K, size_t taps,
                       const wk_real *a, size_t lda, size_t tap, const wk_real *w,
                       const wk_real *bias, bool add, wk_real *y, size_t ldy)
{
    V acc[ACC_ROWS][ACC_COLS];
    const size_t cols = panels * PANEL, depth = taps * K;
    EACH(i, rows)
    {
        EACH(j, cols)
        {
            acc[i][j] = add ? LD(y + i * ldy + j * VW) : bias ? LD(bias + j * VW) : SET1(0);
        }
    }
    for (size_t q = 0; q < taps; q++) {
        const wk_real *p = a + q * tap;
        for (size_t k = 0; k < K; k++, w += WK__LANES) {
            V b[ACC_COLS];
            EACH(j, cols)
            {
                b[j] = LD(w + j / PANEL * depth * WK__LANES + j % PANEL * VW);
            }
            EACH(i, rows)
            {
                V x = SET1(p[i * lda + k]);
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
            ST(y + i * ldy + j * VW, acc[i][j]);
        }
    }
}

/* All rows of a strip of panels. */
INLINE void gemm_strip(const size_t panels, size_t M, size_t K, size_t taps, const wk_real *a,
                       size_t lda, size_t tap, const wk_real *w, const wk_real *bias, bool add,
                       wk_real *y, size_t ldy)
{
    size_t m = 0;
    for (; m + GEMM_ROWS <= M; m += GEMM_ROWS)
        gemm_block(GEMM_ROWS, panels, K, taps, a + m * lda, lda, tap, w, bias, add, y + m * ldy,
                   ldy);
    for (; m + 2 <= M; m += 2)
        gemm_block(2, panels, K, taps, a + m * lda, lda, tap, w, bias, add, y + m * ldy, ldy);
    if (m < M)
        gemm_block(1, panels, K, taps, a + m * lda, lda, tap, w, bias, add, y + m * ldy, ldy);
}

static void gemm(size_t M, size_t N, size_t K, size_t taps, const wk_real *a, size_t lda,
                 size_t tap, const wk_real *w, const wk_real *bias, bool add, wk_real *y,
                 size_t ldy)
{
    const size_t depth = taps * K;
    size_t n = 0;
    /* One row has few accumulators: many panels at once hide the latency of the fused multiply-add.
     */
    if (M == 1)
        for (; n + STEP_PANELS * WK__LANES <= N; n += STEP_PANELS * WK__LANES)
            gemm_block(1, STEP_PANELS, K, taps, a, lda, tap, w + n * depth, bias ? bias + n : NULL,
                       add, y + n, ldy);
    for (; n + GEMM_PANELS * WK__LANES <= N; n += GEMM_PANELS * WK__LANES)
        gemm_strip(GEMM_PANELS, M, K, taps, a, lda, tap, w + n * depth, bias ? bias + n : NULL, add,
                   y + n, ldy);
    for (; n < N; n += WK__LANES)
        gemm_strip(1, M, K, taps, a, lda, tap, w + n * depth, bias ? bias + n : NULL, add, y + n,
                   ldy);
}

INLINE void at_block(const size_t rows, const size_t panels, size_t M, const wk_real *a, size_t lda,
                     const wk_real *d, size_t ldd, wk_real *g, size_t ldg)
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
    for (size_t m = 0; m < M; m++, a += lda, d += ldd) {
        V b[ACC_COLS];
        EACH(j, cols)
        {
            b[j] = LD(d + j * VW);
        }
        EACH(i, rows)
        {
            V x = SET1(a[i]);
            EACH(j, cols)
            {
                acc[i][j] = FMA(x, b[j], acc[i][j]);
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

INLINE void at_strip(const size_t panels, size_t M, size_t K, const wk_real *a, size_t lda,
                     const wk_real *d, size_t ldd, wk_real *g, size_t ldg)
{
    size_t k = 0;
    for (; k + GEMM_ROWS <= K; k += GEMM_ROWS)
        at_block(GEMM_ROWS, panels, M, a + k, lda, d, ldd, g + k * ldg, ldg);
    for (; k + 2 <= K; k += 2)
        at_block(2, panels, M, a + k, lda, d, ldd, g + k * ldg, ldg);
    if (k < K)
        at_block(1, panels, M, a + k, lda, d, ldd, g + k * ldg, ldg);
}

static void gemm_at(size_t M, size_t N, size_t K, const wk_real *a, size_t lda, const wk_real *d,
                    size_t ldd, wk_real *g)
{
    /* Rows in portions that stay in the first-level cache while the blocks of g pass over them. */
    enum { PORTION = 64 };
    for (size_t m = 0; m < M; m += PORTION) {
        size_t rows = M - m < PORTION ? M - m : PORTION;
        const wk_real *am = a + m * lda, *dm = d + m * ldd;
        size_t n = 0;
        for (; n + GEMM_PANELS * WK__LANES <= N; n += GEMM_PANELS * WK__LANES)
            at_strip(GEMM_PANELS, rows, K, am, lda, dm + n, ldd, g + n, N);
        for (; n < N; n += WK__LANES)
            at_strip(1, rows, K, am, lda, dm + n, ldd, g + n, N);
    }
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
