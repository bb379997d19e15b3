/* Tiles of the processor. Needs -mamx-tile -mamx-bf16 -mavx512f -mavx512bw -mavx512bf16. */
#include <immintrin.h>

#include "nn/kernels/low_tile.h"
#include "nn/kernels/unroll.h"

/* Tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 weights; all of 16 rows of 64 bytes. */
static void tiles_begin(void)
{
    static const struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } layout = {.palette = 1,
                .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&layout);
}

/* Back to the initial state, which context switches need not save. */
static void tiles_end(void)
{
    _tile_release();
}

/* The first `n` of 16 numbers, zeros for the rest. */
static inline __m512 part(const float *x, size_t n)
{
    return n >= TILE ? _mm512_loadu_ps(x) : _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), x);
}

/* What is left of x and y after their high halves. */
static inline __m512i low_of(__m512i high, __m512 x, __m512 y)
{
    const __m512i a = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(high)),
                  b = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(high, 1));
    return (__m512i)_mm512_cvtne2ps_pbh(
        _mm512_sub_ps(y, _mm512_castsi512_ps(_mm512_slli_epi32(b, 16))),
        _mm512_sub_ps(x, _mm512_castsi512_ps(_mm512_slli_epi32(a, 16))));
}

static void round_row(const float *x, size_t n, size_t n_padded, uint16_t *high, uint16_t *low)
{
    for (size_t i = 0; i < n_padded; i += DEEP) {
        const size_t left = n - i, more = left > TILE ? left - TILE : 0;
        const __m512 a = part(x + i, left),
                     b = more ? part(x + i + TILE, more) : _mm512_setzero_ps();
        const __m512i h = (__m512i)_mm512_cvtne2ps_pbh(b, a);
        _mm512_storeu_si512(high + i, h);
        if (low)
            _mm512_storeu_si512(low + i, low_of(h, a, b));
    }
}

/* r[i] holds in its place c the pair of rows 2i and 2i + 1; to rows of c. */
INLINE void transpose(__m512i r[TILE])
{
    __m512i t[TILE], u[TILE];
    EACH(k, TILE / 2)
    {
        t[2 * k] = _mm512_unpacklo_epi32(r[2 * k], r[2 * k + 1]);
        t[2 * k + 1] = _mm512_unpackhi_epi32(r[2 * k], r[2 * k + 1]);
    }
    /* u[i + j], i a multiple of 4: in quarter q column 4q + j of rows i to i + 3. */
    EACH(k, TILE / 4)
    {
        u[4 * k] = _mm512_unpacklo_epi64(t[4 * k], t[4 * k + 2]);
        u[4 * k + 1] = _mm512_unpackhi_epi64(t[4 * k], t[4 * k + 2]);
        u[4 * k + 2] = _mm512_unpacklo_epi64(t[4 * k + 1], t[4 * k + 3]);
        u[4 * k + 3] = _mm512_unpackhi_epi64(t[4 * k + 1], t[4 * k + 3]);
    }
    EACH(j, TILE / 4)
    {
        const __m512i a = _mm512_shuffle_i32x4(u[j], u[4 + j], 0x88),
                      b = _mm512_shuffle_i32x4(u[j], u[4 + j], 0xdd),
                      c = _mm512_shuffle_i32x4(u[8 + j], u[12 + j], 0x88),
                      d = _mm512_shuffle_i32x4(u[8 + j], u[12 + j], 0xdd);
        r[j] = _mm512_shuffle_i32x4(a, c, 0x88);
        r[8 + j] = _mm512_shuffle_i32x4(a, c, 0xdd);
        r[4 + j] = _mm512_shuffle_i32x4(b, d, 0x88);
        r[12 + j] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
}

INLINE void store_pairs(__m512i r[TILE], uint16_t *out, size_t n, size_t ld)
{
    if (!ld) {
        EACH(i, TILE)
        {
            _mm512_storeu_si512(out + i * DEEP, r[i]);
        }
        return;
    }
    transpose(r);
    if (n < TILE) {
        for (size_t c = 0; c < n; c++)
            _mm512_storeu_si512(out + c * ld, r[c]);
        return;
    }
    EACH(c, TILE)
    {
        _mm512_storeu_si512(out + c * ld, r[c]);
    }
}

/* Puts the two halves of v, 16 numbers each, in turns. */
static const uint16_t in_turns[DEEP] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                        21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                        11, 27, 12, 28, 13, 29, 14, 30, 15, 31};

static void pair_rows(const float *const rows[DEEP], size_t k, size_t n, uint16_t *high,
                      uint16_t *low, size_t ld)
{
    const __m512i turns = _mm512_loadu_si512(in_turns);
    __m512i r[TILE], rest[TILE];
    EACH(i, TILE)
    {
        const float *x = rows[2 * i], *y = rows[2 * i + 1];
        const __m512 a = x ? part(x + k, n) : _mm512_setzero_ps(),
                     b = y ? part(y + k, n) : _mm512_setzero_ps();
        const __m512i h = (__m512i)_mm512_cvtne2ps_pbh(b, a);
        r[i] = _mm512_permutexvar_epi16(turns, h);
        if (low)
            rest[i] = _mm512_permutexvar_epi16(turns, low_of(h, a, b));
    }
    store_pairs(r, high, n, ld);
    if (low)
        store_pairs(rest, low, n, ld);
}

/* Two tiles of rows by one or two panels. */
INLINE void mul_2(const low_block *b, const size_t panels, const bool split, float *out)
{
    const int stride = (int)(b->lda * sizeof(uint16_t));
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t q = 0; q < b->taps; q++)
        for (size_t k = 0; k < b->K; k += DEEP) {
            const size_t at = q * b->tap + k, row = b->row + q * b->w_tap + k;
            _tile_loadd(6, pairs_at(b->w->high, row), 64);
            if (panels > 1)
                _tile_loadd(7, pairs_at(b->w->high, row + b->depth), 64);
#define MUL_2                                                                                      \
    do {                                                                                           \
        _tile_dpbf16ps(0, 4, 6);                                                                   \
        _tile_dpbf16ps(2, 5, 6);                                                                   \
        if (panels > 1) {                                                                          \
            _tile_dpbf16ps(1, 4, 7);                                                               \
            _tile_dpbf16ps(3, 5, 7);                                                               \
        }                                                                                          \
    } while (0)
            if (split) {
                _tile_loadd(4, b->a[1][0] + at, stride);
                _tile_loadd(5, b->a[1][1] + at, stride);
                MUL_2;
            }
            _tile_loadd(4, b->a[0][0] + at, stride);
            _tile_loadd(5, b->a[0][1] + at, stride);
            MUL_2;
            if (split) {
                _tile_loadd(6, pairs_at(b->w->low, row), 64);
                if (panels > 1)
                    _tile_loadd(7, pairs_at(b->w->low, row + b->depth), 64);
                MUL_2;
            }
#undef MUL_2
        }
    const int ld = (int)(panels * TILE * sizeof *out);
    _tile_stored(0, out, ld);
    _tile_stored(2, out + TILE * TILE * panels, ld);
    if (panels > 1) {
        _tile_stored(1, out + TILE, ld);
        _tile_stored(3, out + TILE * TILE * panels + TILE, ld);
    }
}

/* One tile of rows by up to four panels. */
INLINE void mul_1(const low_block *b, const size_t panels, const bool split, float *out)
{
    const int stride = (int)(b->lda * sizeof(uint16_t));
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (size_t q = 0; q < b->taps; q++)
        for (size_t k = 0; k < b->K; k += DEEP) {
            const size_t at = q * b->tap + k, row = b->row + q * b->w_tap + k;
            _tile_loadd(4, b->a[0][0] + at, stride);
            if (split)
                _tile_loadd(5, b->a[1][0] + at, stride);
#define MUL_1(n, tile)                                                                             \
    if (panels > (n)) {                                                                            \
        _tile_loadd(tile, pairs_at(b->w->high, row + (n)*b->depth), 64);                           \
        if (split)                                                                                 \
            _tile_dpbf16ps(n, 5, tile);                                                            \
        _tile_dpbf16ps(n, 4, tile);                                                                \
        if (split) {                                                                               \
            _tile_loadd(tile, pairs_at(b->w->low, row + (n)*b->depth), 64);                        \
            _tile_dpbf16ps(n, 4, tile);                                                            \
        }                                                                                          \
    }
            MUL_1(0, 6)
            MUL_1(1, 7)
            MUL_1(2, 6)
            MUL_1(3, 7)
#undef MUL_1
        }
    const int ld = (int)(panels * TILE * sizeof *out);
    _tile_stored(0, out, ld);
    if (panels > 1)
        _tile_stored(1, out + TILE, ld);
    if (panels > 2) {
        _tile_stored(2, out + 2 * TILE, ld);
        _tile_stored(3, out + 3 * TILE, ld);
    }
}

static void tile_mul(const low_block *b, size_t tiles, size_t panels, float *out)
{
#define SHAPE(mul, n)                                                                              \
    if (panels == (n)) {                                                                           \
        if (b->split)                                                                              \
            mul(b, n, true, out);                                                                  \
        else                                                                                       \
            mul(b, n, false, out);                                                                 \
        return;                                                                                    \
    }
    if (tiles > 1) {
        SHAPE(mul_2, 2)
        SHAPE(mul_2, 1)
    }
    SHAPE(mul_1, 4)
    SHAPE(mul_1, 2)
    SHAPE(mul_1, 1)
#undef SHAPE
}

/* 32 rows and 32 columns of g from k and n on; those that g does not have are not touched. */
INLINE void at_block(const low_at *t, size_t k, size_t n, const bool split)
{
    const size_t rows = t->K - k < 2 * TILE ? t->K - k : 2 * TILE,
                 cols = t->N - n < 2 * TILE ? TILE : 2 * TILE;
    const bool whole = rows == 2 * TILE && cols == 2 * TILE, lower = rows > TILE;
    _Alignas(64) float copy[4 * TILE * TILE];
    float *g = t->g + k * t->ldg + n, *c = whole ? g : copy;
    const size_t ldc = whole ? t->ldg : 2 * TILE;
    const int ld = (int)(ldc * sizeof *c), lda = (int)(t->ld * sizeof *t->a[0]);
    if (!whole) {
        memset(copy, 0, sizeof copy);
        for (size_t i = 0; i < rows; i++)
            memcpy(copy + i * ldc, g + i * t->ldg, cols * sizeof *g);
    }
    _tile_loadd(0, c, ld);
    _tile_loadd(1, c + TILE, ld);
    _tile_loadd(2, c + TILE * ldc, ld);
    _tile_loadd(3, c + TILE * ldc + TILE, ld);
    const size_t first = k * t->ld, second = lower ? first + TILE * t->ld : first,
                 next = cols > TILE ? TILE * DEEP : 0, tiles = t->N / TILE * TILE * DEEP;
    for (size_t s = 0, at = n / TILE * TILE * DEEP; s < t->steps; s++, at += tiles) {
        _tile_loadd(6, t->d[0] + at, 64);
        _tile_loadd(7, t->d[0] + at + next, 64);
#define MUL_AT                                                                                     \
    do {                                                                                           \
        _tile_dpbf16ps(0, 4, 6);                                                                   \
        _tile_dpbf16ps(1, 4, 7);                                                                   \
        _tile_dpbf16ps(2, 5, 6);                                                                   \
        _tile_dpbf16ps(3, 5, 7);                                                                   \
    } while (0)
        if (split) {
            _tile_loadd(4, t->a[1] + first + s * DEEP, lda);
            _tile_loadd(5, t->a[1] + second + s * DEEP, lda);
            MUL_AT;
        }
        _tile_loadd(4, t->a[0] + first + s * DEEP, lda);
        _tile_loadd(5, t->a[0] + second + s * DEEP, lda);
        MUL_AT;
        if (split) {
            _tile_loadd(6, t->d[1] + at, 64);
            _tile_loadd(7, t->d[1] + at + next, 64);
            MUL_AT;
        }
#undef MUL_AT
    }
    _tile_stored(0, c, ld);
    _tile_stored(1, c + TILE, ld);
    _tile_stored(2, c + TILE * ldc, ld);
    _tile_stored(3, c + TILE * ldc + TILE, ld);
    for (size_t i = 0; !whole && i < rows; i++)
        memcpy(g + i * t->ldg, copy + i * ldc, cols * sizeof *g);
}

static void tile_at(const low_at *t)
{
    for (size_t n = 0; n < t->N; n += 2 * TILE)
        for (size_t k = 0; k < t->K; k += 2 * TILE)
            if (t->split)
                at_block(t, k, n, true);
            else
                at_block(t, k, n, false);
}
