/* The definition of tiles in bf16, over the vectors of the header included before. */
#include "nn/kernels/low_tile.h"
#include "nn/kernels/unroll.h"

enum { BLOCK = 4 }; /* rows summed side by side, to hide the latency of the multiply-add */

static void tiles_begin(void)
{
}

static void tiles_end(void)
{
}

static void round_row(const float *x, size_t n, size_t n_padded, uint16_t *high, uint16_t *low)
{
    for (size_t i = 0; i < n; i++)
        high[i] = wk__bf16(x[i]);
    for (size_t i = 0; low && i < n; i++)
        low[i] = wk__bf16(x[i] - wk__bf16_wide(high[i]));
    memset(high + n, 0, (n_padded - n) * sizeof *high);
    if (low)
        memset(low + n, 0, (n_padded - n) * sizeof *low);
}

/* Rows NULL are zeros. ld 0: [16][16][2]; else [n][ld]. */
static void pair_rows(const float *const rows[DEEP], size_t k, size_t n, uint16_t *high,
                      uint16_t *low, size_t ld)
{
    for (size_t r = 0; r < DEEP; r++)
        for (size_t c = 0; c < n; c++) {
            const size_t at = ld ? c * ld + r : (r / 2 * TILE + c) * 2 + r % 2;
            const float x = rows[r] ? rows[r][k + c] : 0;
            high[at] = wk__bf16(x);
            if (low)
                low[at] = wk__bf16(x - wk__bf16_wide(high[at]));
        }
}

/* acc += one step of `rows` rows of a, lda apart, and the 16 pairs of rows of w. */
INLINE void step(const size_t rows, const uint16_t *a, size_t lda, const uint16_t *w,
                 V acc[BLOCK][PANEL])
{
    V even[BLOCK][PANEL], odd[BLOCK][PANEL];
    EACH(i, rows)
    {
        EACH(j, PANEL)
        {
            even[i][j] = odd[i][j] = SET1(0);
        }
    }
    for (size_t k = 0; k < DEEP; k += 2, w += 2 * TILE) {
        EACH(j, PANEL)
        {
            const V first = PAIRS_FIRST(w + 2 * j * VW), second = PAIRS_SECOND(w + 2 * j * VW);
            EACH(i, rows)
            {
                even[i][j] = FMA(SET1(wk__bf16_wide(a[i * lda + k])), first, even[i][j]);
                odd[i][j] = FMA(SET1(wk__bf16_wide(a[i * lda + k + 1])), second, odd[i][j]);
            }
        }
    }
    EACH(i, rows)
    {
        EACH(j, PANEL)
        {
            acc[i][j] = ADD(acc[i][j], ADD(even[i][j], odd[i][j]));
        }
    }
}

static void tile_mul(const low_block *b, size_t tiles, size_t panels, float *out)
{
    for (size_t i = 0; i < tiles * TILE; i += BLOCK)
        for (size_t j = 0; j < panels; j++) {
            V acc[BLOCK][PANEL];
            EACH(x, BLOCK)
            {
                EACH(v, PANEL)
                {
                    acc[x][v] = SET1(0);
                }
            }
            for (size_t q = 0; q < b->taps; q++)
                for (size_t k = 0; k < b->K; k += DEEP)
                    for (size_t turn = b->split ? 0 : 1; turn < (b->split ? 3 : 2); turn++) {
                        uint16_t *const *half = low_turns[turn].w ? b->w->low : b->w->high;
                        const uint16_t *a =
                            b->a[low_turns[turn].a][i / TILE] + i % TILE * b->lda + q * b->tap + k;
                        step(BLOCK, a, b->lda,
                             pairs_at(half, b->row + j * b->depth + q * b->w_tap + k), acc);
                    }
            EACH(x, BLOCK)
            {
                EACH(v, PANEL)
                {
                    ST(out + (i + x) * panels * TILE + j * TILE + v * VW, acc[x][v]);
                }
            }
        }
}

INLINE void at_rows(const low_at *t, const size_t rows, size_t k)
{
    for (size_t n = 0; n < t->N; n += TILE) {
        V acc[BLOCK][PANEL];
        float *g = t->g + k * t->ldg + n;
        EACH(x, rows)
        {
            EACH(v, PANEL)
            {
                acc[x][v] = LD(g + x * t->ldg + v * VW);
            }
        }
        for (size_t s = 0; s < t->steps; s++)
            for (size_t turn = t->split ? 0 : 1; turn < (t->split ? 3 : 2); turn++)
                step(rows, t->a[low_turns[turn].a] + k * t->ld + s * DEEP, t->ld,
                     t->d[low_turns[turn].w] + (s * (t->N / TILE) + n / TILE) * TILE * DEEP, acc);
        EACH(x, rows)
        {
            EACH(v, PANEL)
            {
                ST(g + x * t->ldg + v * VW, acc[x][v]);
            }
        }
    }
}

static void tile_at(const low_at *t)
{
    size_t k = 0;
    for (; k + BLOCK <= t->K; k += BLOCK)
        at_rows(t, BLOCK, k);
    for (; k < t->K; k++)
        at_rows(t, 1, k);
}
