/* Products in bf16 over tiles; included by low_<isa>.c after its vector type (vec_<isa>.h) and its
 * tiles (low_tile_*.h), which give
 *   tiles_begin, tiles_end   around their use
 *   round_row                a row of numbers to bf16, zeros after it
 *   pair_rows                32 rows of up to 16 numbers to a tile of pairs; or transposed
 *   tile_mul                 sums of 16 or 32 rows over all taps and depths
 *   tile_at                  sums over rows, added to a matrix
 * Here are the copies that tiles are read from, and what happens to sums on their way out. */

enum { AT_CHUNK = 512, AT_COLS = 256, AT_DEPTH = 64 };

static inline size_t deep(size_t n)
{
    return (n + DEEP - 1) / DEEP * DEEP;
}

/* Both operands of a product as bf16, and where tiles of them lie. */
typedef struct {
    const wk__gemm *g;
    bool split;
    size_t Kp;             /* depth of a tap in `rows` */
    uint16_t *rows[2];     /* of a, halves */
    bool dense;            /* rows are copied once and taps are offsets; else once a tap */
    size_t step, tap, lda; /* in `rows`, between positions, taps, rows */
    size_t first;          /* flat row that `rows` begins with */
} low_job;

/* Row of a for flat row r of the output (position r / M, row r % M) at tap q, NULL if it is one of
 * the zeros around a. */
static const float *row_of(const wk__gemm *g, size_t r, size_t q)
{
    if (!g->a_rows)
        return g->a + r / g->M * g->a_step + r % g->M * g->lda + q * g->tap;
    const size_t t = r + (g->taps > 1 ? q * (g->tap / g->lda) : 0) - g->a_before;
    return t < g->a_rows ? g->a + t * g->lda : NULL;
}

static void fill_row(const low_job *j, const float *x, size_t at)
{
    uint16_t *high = j->rows[0] + at, *low = j->split ? j->rows[1] + at : NULL;
    if (x) {
        round_row(x, j->g->K, j->Kp, high, low);
        return;
    }
    memset(high, 0, j->Kp * sizeof *high);
    if (low)
        memset(low, 0, j->Kp * sizeof *low);
}

/* Copies what flat rows [first, first + n) need. */
static void fill_rows(low_job *j, size_t first, size_t n)
{
    const wk__gemm *g = j->g;
    j->first = first;
    if (j->dense) {
        const size_t all = (n - 1) / g->M * (j->step / j->lda) + (n - 1) % g->M + 1 +
                           (g->taps - 1) * (j->tap / j->lda);
        const float *a = g->a_rows ? NULL : row_of(g, first, 0);
        for (size_t r = 0; r < all; r++)
            fill_row(j, a ? a + r * g->lda : row_of(g, first + r, 0), r * j->lda);
        return;
    }
    for (size_t r = 0; r < n; r++)
        for (size_t q = 0; q < g->taps; q++)
            fill_row(j, row_of(g, first + r, q), r * j->lda + q * j->tap);
}

/* Sums [rows][panels * 16] of rows of one position from m on, on their way out to columns n on. */
INLINE void finish_run(const wk__gemm *g, size_t p, size_t m, size_t rows, size_t n,
                       const size_t panels, const float *sums)
{
    const float *start = g->start ? g->start + p * g->start_step + m * g->lds + n : NULL,
                *add = g->add ? g->add + p * g->add_step + m * g->ld_add + n : NULL;
    const bool first = g->relu_first, last = g->relu_last;
    float *y = g->y + p * g->y_step + m * g->ldy + n;
    for (size_t i = 0; i < rows; i++, sums += panels * TILE, y += g->ldy) {
        EACH(j, panels * PANEL)
        {
            V v = LD(sums + j * VW);
            if (start)
                v = ADD(v, LD(start + j * VW));
            if (first)
                v = MAX(SET1(0), v);
            if (add)
                v = ADD(LD(add + j * VW), v);
            if (last)
                v = MAX(SET1(0), v);
            ST(y + j * VW, v);
        }
        if (start)
            start += g->lds;
        if (add)
            add += g->ld_add;
    }
}

/* Of `rows` flat rows from r on. */
static void finish_rows(const wk__gemm *g, size_t r, size_t rows, size_t n, size_t panels,
                        const float *sums)
{
    size_t p = g->P > 1 ? r / g->M : 0, m = r - p * g->M;
    for (size_t run; rows; rows -= run, sums += run * panels * TILE, p++, m = 0) {
        run = g->M - m < rows ? g->M - m : rows;
        if (panels == 1)
            finish_run(g, p, m, run, n, 1, sums);
        else if (panels == 2)
            finish_run(g, p, m, run, n, 2, sums);
        else
            finish_run(g, p, m, run, n, 4, sums);
    }
}

static void block(const low_job *j, size_t r, size_t rows, size_t n, size_t panels)
{
    const wk__gemm *g = j->g;
    _Alignas(64) float sums[4 * TILE * TILE];
    low_block b = {.w = g->low,
                   .split = j->split,
                   .row = (size_t)(g->w - g->low->base) / TILE + n / TILE * g->depth,
                   .depth = g->depth,
                   .w_tap = g->w_tap ? g->w_tap : g->K,
                   .K = g->K,
                   .taps = g->taps,
                   .lda = j->lda,
                   .tap = j->tap};
    for (size_t i = 0; i < 2; i++) {
        /* A second tile that is not there reads the first one. */
        const size_t from = r + (i && rows > TILE ? TILE : 0) - j->first;
        const size_t at = j->dense ? from / g->M * j->step + from % g->M * j->lda : from * j->lda;
        b.a[0][i] = j->rows[0] + at;
        b.a[1][i] = j->rows[1] + at;
    }
    tile_mul(&b, rows > TILE ? 2 : 1, panels, sums);
    finish_rows(g, r, rows, n, panels, sums);
}

/* Flat rows [first, first + n), all columns. */
static void all_columns(const low_job *j, size_t first, size_t n)
{
    const size_t N = j->g->N;
    for (size_t c = 0, panels; c < N; c += panels * TILE) {
        const size_t left = (N - c) / TILE;
        panels = n <= TILE ? (left < 4 ? 1 : 4) : left < 2 ? 1 : 2;
        for (size_t r = 0; r < n; r += 2 * TILE)
            block(j, first + r, n - r < 2 * TILE ? n - r : 2 * TILE, c, panels);
    }
}

static void gemm_tiles(const wk__gemm *given)
{
    const wk__gemm all = wk__gemm_as_rows(given);
    const wk__gemm *g = &all;
    low_job j = {.g = g,
                 .split = g->low->low[0] != NULL,
                 .Kp = deep(g->K),
                 .rows = {g->low->scratch, g->low->scratch + g->low->n_scratch}};
    const size_t n = g->P * g->M, reach = g->taps > 1 ? (g->taps - 1) * (g->tap / g->lda) : 0,
                 room = g->low->n_scratch / j.Kp;
    /* Tiles of 16 rows lie within a position, and the rows between them are not too many. */
    const size_t step = g->P > 1 ? g->a_step / g->lda : 0;
    j.dense = (g->P == 1 ||
               (g->M % TILE == 0 && g->a_step % g->lda == 0 && step <= 4 * g->M && step >= g->M)) &&
              (g->taps == 1 || g->tap % g->lda == 0) && 2 * TILE + 2 * reach + step < room;
    if (!j.dense) {
        j.tap = j.Kp;
        j.lda = g->taps * j.Kp;
        WK_ASSERT(2 * TILE * j.lda <= g->low->n_scratch);
        for (size_t r = 0; r < n; r += 2 * TILE) {
            const size_t rows = n - r < 2 * TILE ? n - r : 2 * TILE;
            fill_rows(&j, r, rows);
            all_columns(&j, r, rows);
        }
        return;
    }
    j.lda = j.Kp;
    j.tap = g->taps > 1 ? g->tap / g->lda * j.Kp : 0;
    j.step = step * j.Kp;
    /* A chunk is whole positions, or with one position a multiple of 32 rows; tiles may read up to
     * 31 rows more than there are. */
    const size_t unit = g->P > 1 ? g->M : 2 * TILE,
                 fit = (room - reach - 2 * TILE) / (g->P > 1 ? step : 2 * TILE) * unit,
                 chunk = fit < unit ? unit : fit;
    for (size_t r = 0; r < n; r += chunk) {
        const size_t rows = n - r < chunk ? n - r : chunk;
        fill_rows(&j, r, rows);
        all_columns(&j, r, rows);
    }
}

/* ---- gradients of weights ---- */

/* Flat rows [first, first + AT_CHUNK) of d as tiles of pairs, [AT_CHUNK / 32][cols / 16]; rows that
 * are not there are zeros. */
static void fill_d(const wk__gemm_at *g, size_t first, size_t n, size_t col, size_t cols,
                   uint16_t *high, uint16_t *low)
{
    const float *rows[DEEP];
    for (size_t r = 0; r < n; r += DEEP) {
        for (size_t i = 0; i < DEEP; i++) {
            const size_t at = first + r + i;
            rows[i] = r + i < n ? g->d + at / g->M * g->d_step + at % g->M * g->ldd + col : NULL;
        }
        for (size_t c = 0; c < cols; c += TILE) {
            const size_t to = (r / DEEP * (cols / TILE) + c / TILE) * TILE * DEEP;
            pair_rows(rows, c, TILE, high + to, low ? low + to : NULL, 0);
        }
    }
}

/* Channels [k, k + depth) of flat rows [first, first + n) of a at tap q, transposed: [depth][ld];
 * dense, n rows that follow each other. Zeros up to `all` rows, which tiles read too. */
static void fill_a(const wk__gemm_at *g, size_t first, size_t n, size_t all, size_t q, bool dense,
                   size_t k, size_t depth, uint16_t *high, uint16_t *low, size_t ld)
{
    const float *rows[DEEP], *base = g->a + first / g->M * g->a_step + first % g->M * g->lda;
    for (size_t r = 0; r < all; r += DEEP) {
        for (size_t i = 0; i < DEEP; i++) {
            const size_t at = first + r + i;
            rows[i] = r + i >= n ? NULL
                      : dense    ? base + (r + i) * g->lda + k
                              : g->a + at / g->M * g->a_step + at % g->M * g->lda + q * g->tap + k;
        }
        for (size_t c = 0; c < depth; c += TILE) {
            const size_t left = depth - c < TILE ? depth - c : TILE, to = c * ld + r;
            pair_rows(rows, c, left, high + to, low ? low + to : NULL, ld);
        }
    }
}

static void at_tiles(const wk__gemm_at *g)
{
    const size_t n = g->P * g->M, reach = g->taps > 1 ? (g->taps - 1) * (g->tap / g->lda) : 0;
    const bool split = g->low->low[0] != NULL, flat = g->P == 1 || g->a_step == g->M * g->lda,
               dense = flat && (g->taps == 1 || (g->tap % g->lda == 0 && reach <= AT_CHUNK));
    /* Rows of a stand so far apart that they do not meet in the cache. */
    const size_t ld = dense ? deep(AT_CHUNK + reach) + DEEP : AT_CHUNK + DEEP;
    uint16_t *a[] = {g->low->scratch, g->low->scratch + g->low->n_scratch},
             *d[] = {a[0] + AT_DEPTH * (2 * AT_CHUNK + 2 * DEEP),
                     a[1] + AT_DEPTH * (2 * AT_CHUNK + 2 * DEEP)};
    WK_ASSERT(AT_DEPTH * (2 * AT_CHUNK + 2 * DEEP) + AT_CHUNK * AT_COLS <= g->low->n_scratch);
    for (size_t col = 0; col < g->N; col += AT_COLS)
        for (size_t r = 0; r < n; r += AT_CHUNK) {
            const size_t rows = n - r < AT_CHUNK ? n - r : AT_CHUNK,
                         cols = g->N - col < AT_COLS ? g->N - col : AT_COLS;
            fill_d(g, r, rows, col, cols, d[0], split ? d[1] : NULL);
            for (size_t k = 0; k < g->K; k += AT_DEPTH) {
                const size_t depth = g->K - k < AT_DEPTH ? g->K - k : AT_DEPTH;
                for (size_t q = 0; q < g->taps; q++) {
                    if (!dense || q == 0)
                        fill_a(g, r, rows + (dense ? reach : 0), deep(rows) + (dense ? reach : 0),
                               q, dense, k, depth, a[0], split ? a[1] : NULL, ld);
                    const size_t shift = dense && q ? q * (g->tap / g->lda) : 0;
                    tile_at(&(low_at){.a = {a[0] + shift, a[1] + shift},
                                      .ld = ld,
                                      .d = {d[0], d[1]},
                                      .split = split,
                                      .K = depth,
                                      .N = cols,
                                      .steps = (rows + DEEP - 1) / DEEP,
                                      .g = g->g + q * g->g_tap + k * g->N + col,
                                      .ldg = g->N});
                }
            }
        }
}

static void low_gemm(const wk__gemm *g)
{
    tiles_begin();
    gemm_tiles(g);
    tiles_end();
}

static void low_gemm_at(const wk__gemm_at *g)
{
    tiles_begin();
    at_tiles(g);
    tiles_end();
}

static void low_pack(const wk__low *w, size_t first, size_t end)
{
    const size_t n_rows = w->n / TILE;
    for (size_t r = first; r < end; r += DEEP)
        for (size_t odd = 0; odd < 2; odd++) {
            const float *rows[DEEP];
            const size_t left = end - r < DEEP ? end - r : DEEP;
            for (size_t i = 0; i < DEEP; i++)
                rows[i] = i < left && r + i + odd < n_rows ? w->base + (r + i + odd) * TILE : NULL;
            uint16_t high[TILE * DEEP], low[TILE * DEEP];
            pair_rows(rows, 0, TILE, high, w->low[0] ? low : NULL, 0);
            memcpy(w->high[odd] + r * TILE, high, left * TILE * sizeof *high);
            if (w->low[0])
                memcpy(w->low[odd] + r * TILE, low, left * TILE * sizeof *low);
        }
}

#define WK__LOW_OPS(isa)                                                                           \
    {                                                                                              \
        isa, low_gemm, low_gemm_at, low_pack                                                       \
    }
