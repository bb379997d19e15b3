/* Needs -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mgfni. 512 rows, a bit a row; see
 * slices.h. In a vector of bits, bit i of byte s is row 8 s + 7 - i, as the transposition of 8 by 8
 * bits leaves them. */
#include <string.h>

#include "gbdt/kernels/ops.h"
#include "gbdt/kernels/quantise_avx512.h"

#define SLICE WK__GBDT_SLICE
#define GROUP 16 /* features turned into columns together */
#define INLINE static inline __attribute__((always_inline))

/* a ? b : c, and a | (b & c) */
#define CHOICE 0xCA
#define OR_AND 0xF8

/* Every 8 by 8 bits change rows and columns: bit b of the bytes of a group of eight becomes byte b,
 * the first byte last. */
INLINE __m512i transpose_bits(__m512i v)
{
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64((int64_t)0x8040201008040201), v, 0);
}

/* Sixteen rows of sixteen features become sixteen columns. */
INLINE void transpose_floats(const float *const *row, __mmask16 here, float (*to)[SLICE])
{
    __m512 a[16], b[16];
    for (int i = 0; i < 16; i++)
        a[i] = _mm512_maskz_loadu_ps(here, row[i]);
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int k = 0; k < 2; k++) {
            __m512d x = _mm512_castps_pd(b[i + k]), y = _mm512_castps_pd(b[i + k + 2]);
            a[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
            a[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
        }
    /* a[4 q + j]: feature 4 l + j of rows 4 q to 4 q + 3, in quarter l. */
    for (int j = 0; j < 4; j++) {
        __m512 p = _mm512_shuffle_f32x4(a[j], a[4 + j], 0x44);
        __m512 q = _mm512_shuffle_f32x4(a[j], a[4 + j], 0xEE);
        __m512 r = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0x44);
        __m512 s = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0xEE);
        _mm512_store_ps(to[j], _mm512_shuffle_f32x4(p, r, 0x88));
        _mm512_store_ps(to[4 + j], _mm512_shuffle_f32x4(p, r, 0xDD));
        _mm512_store_ps(to[8 + j], _mm512_shuffle_f32x4(q, s, 0x88));
        _mm512_store_ps(to[12 + j], _mm512_shuffle_f32x4(q, s, 0xDD));
    }
}

/* The eight bits of 512 bytes, the lowest first. */
INLINE void spread_bits(const uint8_t *bytes, __m512i *bit)
{
    const __m512i by_bit = _mm512_set_epi8(
        63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5,
        60, 52, 44, 36, 28, 20, 12, 4, 59, 51, 43, 35, 27, 19, 11, 3, 58, 50, 42, 34, 26, 18, 10, 2,
        57, 49, 41, 33, 25, 17, 9, 1, 56, 48, 40, 32, 24, 16, 8, 0);
    __m512i a[8], b[8];
    for (int j = 0; j < 8; j++) {
        __m512i v = transpose_bits(_mm512_load_si512(bytes + 64 * j));
        a[j] = _mm512_permutexvar_epi8(by_bit, v);
    }
    /* Eight by eight words of 64 bits change over. */
    for (int j = 0; j < 8; j += 2) {
        b[j] = _mm512_unpacklo_epi64(a[j], a[j + 1]);
        b[j + 1] = _mm512_unpackhi_epi64(a[j], a[j + 1]);
    }
    for (int k = 0; k < 2; k++) {
        __m512i p = _mm512_shuffle_i64x2(b[k], b[2 + k], 0x88);
        __m512i q = _mm512_shuffle_i64x2(b[k], b[2 + k], 0xDD);
        __m512i r = _mm512_shuffle_i64x2(b[4 + k], b[6 + k], 0x88);
        __m512i s = _mm512_shuffle_i64x2(b[4 + k], b[6 + k], 0xDD);
        bit[k] = _mm512_shuffle_i64x2(p, r, 0x88);
        bit[4 + k] = _mm512_shuffle_i64x2(p, r, 0xDD);
        bit[2 + k] = _mm512_shuffle_i64x2(q, s, 0x88);
        bit[6 + k] = _mm512_shuffle_i64x2(q, s, 0xDD);
    }
}

/* Four bits as a number: out[c] holds where it is greater than c. */
INLINE void greater(const __m512i *bit, __m512i *out)
{
    out[15] = _mm512_setzero_si512();
    out[14] = bit[0];
    for (int k = 1, n = 1; k < 4; k++, n = 2 * n + 1) {
        /* out[16 - n - 1 .. 15] are those of the k lower bits. */
        int first = 15 - n;
        for (int c = 0; c <= n; c++)
            out[first - n - 1 + c] = _mm512_or_si512(bit[k], out[first + c]);
        for (int c = 0; c <= n; c++)
            out[first + c] = _mm512_and_si512(bit[k], out[first + c]);
    }
}

/* The tests of a column. */
static void make_tests(const uint8_t *bytes, const wk__gbdt_bit_test *test, size_t n,
                       wk__gbdt_bits *to)
{
    __m512i bit[8], low[16], high[2][17];
    spread_bits(bytes, bit);
    greater(bit, low);
    greater(bit + 4, high[0] + 1);
    high[0][0] = _mm512_set1_epi64(-1);
    __m512i missing = high[0][0];
    for (int i = 0; i < 8; i++)
        missing = _mm512_and_si512(missing, bit[i]);
    for (int i = 0; i < 17; i++)
        high[1][i] = _mm512_andnot_si512(missing, high[0][i]);
    for (size_t i = 0; i < n; i++) {
        const __m512i *h = high[test[i].missing_left] + (test[i].cut >> 4);
        __m512i v = _mm512_ternarylogic_epi64(h[1], h[0], low[test[i].cut & 15], OR_AND);
        _mm512_store_si512(&to[i], v);
    }
}

static void fill_tests(const wk__gbdt_plan *plan, const wk__gbdt_rows_of_slice *rows,
                       wk__gbdt_bits *pool)
{
    _Alignas(64) float column[GROUP][SLICE];
    _Alignas(64) uint8_t bytes[SLICE];
    const wk__gbdt_slices *s = plan->batch->slices;
    size_t n = rows->n_rows;
    for (size_t c = 0; c < plan->n_columns;) {
        size_t first = plan->feature[c] / GROUP * GROUP, left = plan->n_features - first;
        __mmask16 here = left < GROUP ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
        for (size_t r = 0; r < SLICE; r += 16) {
            const float *row[16];
            for (size_t i = 0; i < 16; i++)
                row[i] = rows->X + (r + i < n ? r + i : n - 1) * rows->stride + first;
            float(*to)[SLICE] = (float(*)[SLICE])(column[0] + r);
            transpose_floats(row, here, to);
        }
        for (; c < plan->n_columns && plan->feature[c] < first + GROUP; c++) {
            const float *x = column[plan->feature[c] - first];
            for (int w = 0; w < SLICE; w += 16) {
                __m128i q = wk__gbdt_count_sixteen(&plan->batch->search[c], _mm512_load_ps(x + w));
                _mm_store_si128((void *)(bytes + w), q);
            }
            size_t begin = s->column_tests[c];
            make_tests(bytes, s->tests + begin, s->column_tests[c + 1] - begin,
                       pool + WK__GBDT_FIRST_TEST + begin);
        }
    }
}

/* Codes of a kind for the rows of a slice, every eight in reverse as the bits have them. */
static void fill_codes(const wk__gbdt_kind *kind, const wk__gbdt_rows_of_slice *rows,
                       uint8_t *codes)
{
    memset(codes, 0, SLICE);
    for (size_t i = 0; i < rows->n_rows; i++) {
        uint32_t code = wk__gbdt_code_of(kind, rows->X[i * rows->stride + kind->feature]);
        codes[i ^ 7] = code > kind->n_codes ? 255 : (uint8_t)code;
    }
}

/* The tests by category: a code's bit among the 256 of a test. */
static void fill_kind_tests(const wk__gbdt_plan *plan, const wk__gbdt_rows_of_slice *rows,
                            wk__gbdt_bits *pool)
{
    const __m512i powers = _mm512_set1_epi64((int64_t)0x8040201008040201);
    const wk__gbdt_kinds *kinds = plan->kinds;
    const wk__gbdt_slices *s = plan->batch->slices;
    _Alignas(64) uint8_t codes[SLICE];
    for (size_t k = 0; k < kinds->n; k++) {
        fill_codes(&kinds->kind[k], rows, codes);
        for (size_t j = 0; j < SLICE / 64; j++) {
            __m512i code = _mm512_load_si512(codes + 64 * j);
            __m512i byte = _mm512_and_si512(_mm512_srli_epi16(code, 3), _mm512_set1_epi8(31));
            __m512i bit = _mm512_shuffle_epi8(powers, _mm512_and_si512(code, _mm512_set1_epi8(7)));
            for (size_t i = kinds->first_node[k]; i < kinds->first_node[k + 1]; i++) {
                __m512i right =
                    _mm512_broadcast_i64x4(_mm256_load_si256((const void *)s->kind_tests[i].right));
                right = _mm512_permutexvar_epi8(byte, right);
                pool[s->first_kind_test + i].words[j] = _mm512_test_epi8_mask(right, bit);
            }
        }
    }
}

INLINE __m512i bits_at(const wk__gbdt_bits *pool, uint32_t offset)
{
    return _mm512_load_si512((const uint8_t *)pool + offset);
}

/* Nodes of n operations each; returns where the next results go. */
INLINE wk__gbdt_bits *run_nodes(size_t n_nodes, unsigned n, const uint32_t **offsets,
                                const wk__gbdt_bits *pool, wk__gbdt_bits *to)
{
    const uint32_t *at = *offsets;
    for (size_t i = 0; i < n_nodes; i++) {
        __m512i test = bits_at(pool, *at++);
        for (unsigned k = 0; k < n; k++, at += 2, to++) {
            __m512i left = bits_at(pool, at[0]), right = bits_at(pool, at[1]);
            _mm512_store_si512(to, _mm512_ternarylogic_epi64(test, right, left, CHOICE));
        }
    }
    *offsets = at;
    return to;
}

/* The bits of a part's leaves' numbers. */
INLINE void run_part(const wk__gbdt_slices *s, const wk__gbdt_bit_part *part, wk__gbdt_bits *pool,
                     __m512i *bit)
{
    const uint32_t *at = s->offsets + part->first;
    wk__gbdt_bits *to = pool + s->first_result;
    to = run_nodes(part->n_nodes[0], 1, &at, pool, to);
    to = run_nodes(part->n_nodes[1], 2, &at, pool, to);
    to = run_nodes(part->n_nodes[2], 3, &at, pool, to);
    to = run_nodes(part->n_nodes[3], 4, &at, pool, to);
    to = run_nodes(part->n_nodes[4], 5, &at, pool, to);
    run_nodes(part->n_nodes[5], 6, &at, pool, to);
    for (int k = 0; k < WK__GBDT_CODE; k++)
        bit[k] = bits_at(pool, *at++);
    for (size_t i = 0; i < part->n_spine; i++, at += 2 + WK__GBDT_CODE) {
        __m512i test = _mm512_xor_si512(bits_at(pool, at[0]), bits_at(pool, at[1]));
        for (int k = 0; k < WK__GBDT_CODE; k++)
            bit[k] = _mm512_ternarylogic_epi64(test, bits_at(pool, at[2 + k]), bit[k], CHOICE);
    }
}

/* The values of four times sixteen rows whose leaves' numbers are bytes of `leaf`. */
INLINE void add_leaves(float *sum, const __m512 *value, __m512i leaf)
{
    for (int m = 0; m < 4; m++) {
        __m512i i = m ? _mm512_srli_epi32(leaf, 8 * m) : leaf;
        __m512 low = _mm512_permutex2var_ps(value[0], i, value[1]);
        __m512 high = _mm512_permutex2var_ps(value[2], i, value[3]);
        __mmask16 upper = _mm512_test_epi32_mask(i, _mm512_set1_epi32(32));
        __m512 v = _mm512_mask_blend_ps(upper, low, high);
        _mm512_store_ps(sum + 16 * m, _mm512_add_ps(_mm512_load_ps(sum + 16 * m), v));
    }
}

/* From bits to bytes: groups of eight rows get their eight bytes, the highest bit's first, which
 * the transposition turns into the rows' numbers. */
INLINE void add_part(const wk__gbdt_bit_part *part, const __m512i *a, float *sum)
{
    __m512i pairs[6], fours[8];
    __m512 value[4];
    const __m512i zero = _mm512_setzero_si512();
    for (int i = 0; i < 4; i++)
        value[i] = _mm512_load_ps(part->value + 16 * i);
    for (int k = 0; k < 3; k++) {
        /* Bits 5 and 4, 3 and 2, 1 and 0. */
        pairs[2 * k] = _mm512_unpacklo_epi8(a[5 - 2 * k], a[4 - 2 * k]);
        pairs[2 * k + 1] = _mm512_unpackhi_epi8(a[5 - 2 * k], a[4 - 2 * k]);
    }
    for (int h = 0; h < 2; h++) {
        fours[4 * h] = _mm512_unpacklo_epi16(zero, pairs[h]);
        fours[4 * h + 1] = _mm512_unpackhi_epi16(zero, pairs[h]);
        fours[4 * h + 2] = _mm512_unpacklo_epi16(pairs[2 + h], pairs[4 + h]);
        fours[4 * h + 3] = _mm512_unpackhi_epi16(pairs[2 + h], pairs[4 + h]);
    }
    for (int h = 0; h < 2; h++)
        for (int g = 0; g < 2; g++) {
            __m512i x = fours[4 * h + g], y = fours[4 * h + 2 + g];
            int o = 4 * h + 2 * g;
            add_leaves(sum + 64 * o, value, transpose_bits(_mm512_unpacklo_epi32(x, y)));
            add_leaves(sum + 64 * (o + 1), value, transpose_bits(_mm512_unpackhi_epi32(x, y)));
        }
}

/* Byte 4 (i % 16) + m of vector o, m = i / 16 % 4. */
size_t wk__gbdt_slice_row_avx512(size_t i)
{
    size_t o = i / 64, at = 4 * (i % 16) + i / 16 % 4;
    size_t group = at / 16 * 16 + 2 * o + at / 8 % 2;
    return 8 * group + 7 - at % 8;
}

/* wk__gbdt_exp in the same operations. */
INLINE __m512 exp_of(__m512 x)
{
    x = _mm512_max_ps(_mm512_set1_ps(-87.0f), _mm512_min_ps(_mm512_set1_ps(87.0f), x));
    __m512 shifted = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)),
                                   _mm512_set1_ps(12582912.0f));
    __m512 n = _mm512_sub_ps(shifted, _mm512_set1_ps(12582912.0f));
    __m512 r = _mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(0.693359375f)));
    r = _mm512_sub_ps(r, _mm512_mul_ps(n, _mm512_set1_ps(-2.12194440e-4f)));
    static const float factor[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                                   4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    __m512 p = _mm512_set1_ps(factor[0]);
    for (int i = 1; i < 6; i++)
        p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(factor[i]));
    p = _mm512_add_ps(_mm512_mul_ps(p, _mm512_mul_ps(r, r)), r);
    p = _mm512_add_ps(p, _mm512_set1_ps(1.0f));
    __m512i power = _mm512_add_epi32(_mm512_cvttps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_slli_epi32(power, 23)));
}

/* wk__gbdt_transform of sixteen rows in the same operations; z [K][SLICE]. */
INLINE void link_sixteen(int link, size_t K, float *z)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 first = _mm512_load_ps(z);
    if (link == WK__LINK_EXP) {
        _mm512_store_ps(z, exp_of(first));
    } else if (link == WK__LINK_LOGISTIC) {
        __m512 turned = _mm512_xor_ps(first, _mm512_set1_ps(-0.0f));
        _mm512_store_ps(z, _mm512_div_ps(one, _mm512_add_ps(one, exp_of(turned))));
    } else if (link == WK__LINK_SOFTMAX) {
        __m512d low = _mm512_setzero_pd(), high = low;
        __m512 top = first;
        for (size_t k = 1; k < K; k++)
            top = _mm512_max_ps(_mm512_load_ps(z + k * SLICE), top);
        for (size_t k = 0; k < K; k++) {
            __m512 p = exp_of(_mm512_sub_ps(_mm512_load_ps(z + k * SLICE), top));
            low = _mm512_add_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(p)));
            high = _mm512_add_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(p, 1)));
            _mm512_store_ps(z + k * SLICE, p);
        }
        __m512 sum = _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)),
                                        _mm512_cvtpd_ps(high), 1);
        for (size_t k = 0; k < K; k++)
            _mm512_store_ps(z + k * SLICE, _mm512_div_ps(_mm512_load_ps(z + k * SLICE), sum));
    }
}

/* Asks for a share of the rows behind this slice. */
INLINE void prefetch_some(const float *X, size_t n_floats, size_t share, size_t n_shares)
{
    size_t n_lines = n_floats / 16, begin = n_lines * share / n_shares;
    for (size_t i = begin; i < n_lines * (share + 1) / n_shares; i++)
        _mm_prefetch((const char *)(X + 16 * i), _MM_HINT_T1);
}

void wk__gbdt_slice_avx512(const wk__gbdt_plan *plan, const wk__gbdt_rows_of_slice *rows, int link,
                           wk__gbdt_bits *pool, float *out)
{
    const wk__gbdt_slices *s = plan->batch->slices;
    size_t K = plan->n_outputs, n_parts = s->output_parts[K];
    float *sums = (float *)(void *)(pool + s->first_sum);
    memset(&pool[WK__GBDT_ZEROS], 0, sizeof *pool);
    memset(&pool[WK__GBDT_ONES], 255, sizeof *pool);
    fill_tests(plan, rows, pool);
    if (plan->kinds)
        fill_kind_tests(plan, rows, pool);
    const float *behind = rows->X + rows->n_rows * rows->stride;
    for (size_t k = 0; k < K; k++) {
        float *sum = sums + k * SLICE;
        for (size_t i = 0; i < SLICE; i++)
            sum[i] = plan->base_margin[k];
        for (size_t p = s->output_parts[k]; p < s->output_parts[k + 1]; p++) {
            prefetch_some(behind, rows->n_behind * rows->stride, p, n_parts);
            __m512i bit[WK__GBDT_CODE];
            run_part(s, &s->parts[p], pool, bit);
            add_part(&s->parts[p], bit, sum);
        }
    }
    for (size_t i = 0; i < SLICE; i += 16)
        link_sixteen(link, K, sums + i);
    for (size_t i = 0; i < SLICE; i++) {
        size_t row = s->row[i];
        for (size_t k = 0; k < K && row < rows->n_rows; k++)
            out[row * K + k] = sums[k * SLICE + i];
    }
}
