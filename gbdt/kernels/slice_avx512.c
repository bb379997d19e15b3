/* Needs -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi -mgfni. 512 rows, a bit a row in
 * their order; see slices.h. */
#include <immintrin.h>
#include <string.h>

#include "gbdt/kernels/ops.h"

#define SLICE WK__GBDT_SLICE
#define GROUP 16           /* features turned into columns together */
#define PITCH (SLICE + 16) /* floats from column to column, which puts them in different sets */
#define TEST_STEP 16       /* tests made between two looks at sixteen values */
#define INLINE static inline __attribute__((always_inline))

/* b ? c : a, whose destination may be a, and a | (b & c) */
#define CHOICE 0xB8
#define OR_AND 0xF8

/* Every 8 by 8 bits change rows and columns: bit b of the bytes of a group of eight becomes byte b,
 * the first byte last. */
INLINE __m512i transpose_bits(__m512i v)
{
    return _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64((int64_t)0x8040201008040201), v, 0);
}

/* Sixteen rows of sixteen features become sixteen columns. Quarters of four rows come together as
 * they are loaded, and four by four floats change over within them. */
INLINE void transpose_floats(const float *const *row, float (*to)[PITCH])
{
    for (int f = 0; f < 16; f += 4) {
        __m512 a[4], b[4];
        for (int i = 0; i < 4; i++) {
            /* Rows i, 4 + i, 8 + i and 12 + i. */
            a[i] = _mm512_castps128_ps512(_mm_loadu_ps(row[i] + f));
            a[i] = _mm512_mask_broadcast_f32x4(a[i], 0x00f0, _mm_loadu_ps(row[4 + i] + f));
            a[i] = _mm512_mask_broadcast_f32x4(a[i], 0x0f00, _mm_loadu_ps(row[8 + i] + f));
            a[i] = _mm512_mask_broadcast_f32x4(a[i], 0xf000, _mm_loadu_ps(row[12 + i] + f));
        }
        for (int i = 0; i < 2; i++) {
            b[i] = _mm512_unpacklo_ps(a[2 * i], a[2 * i + 1]);
            b[2 + i] = _mm512_unpackhi_ps(a[2 * i], a[2 * i + 1]);
        }
        for (int i = 0; i < 2; i++) {
            __m512d x = _mm512_castps_pd(b[2 * i]), y = _mm512_castps_pd(b[2 * i + 1]);
            _mm512_store_ps(to[f + 2 * i], _mm512_castpd_ps(_mm512_unpacklo_pd(x, y)));
            _mm512_store_ps(to[f + 2 * i + 1], _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
        }
    }
}

/* Bit k of the codes of 512 rows in vector k; vector 8 has the rows without a value. */
typedef struct {
    _Alignas(64) __mmask16 bit[9][SLICE / 16];
} code_bits;

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

INLINE __m512i bits_at(const void *pool, uint32_t offset)
{
    return _mm512_load_si512((const uint8_t *)pool + offset);
}

/* The tests of a column, of which the first `done` are made, and what they are made from. */
typedef struct {
    __m512i table[WK__GBDT_OUTCOMES];
    const wk__gbdt_bit_test *test;
    size_t n, done;
    wk__gbdt_bits *to;
} column_tests;

static void start_tests(const wk__gbdt_slices *s, size_t column, const code_bits *code,
                        wk__gbdt_bits *pool, column_tests *tests)
{
    __m512i bit[8], *table = tests->table;
    size_t first = s->column_tests[column];
    for (int i = 0; i < 8; i++)
        bit[i] = _mm512_load_si512(code->bit[i]);
    greater(bit, table + WK__GBDT_LOW);
    greater(bit + 4, table + WK__GBDT_HIGH + 1);
    table[WK__GBDT_HIGH] = _mm512_set1_epi64(-1);
    __m512i missing = _mm512_load_si512(code->bit[8]);
    for (int i = 0; i < 17; i++)
        table[WK__GBDT_HIGH_OR_MISSING + i] = _mm512_or_si512(missing, table[WK__GBDT_HIGH + i]);
    tests->test = s->tests + first;
    tests->n = s->column_tests[column + 1] - first;
    tests->done = 0;
    tests->to = pool + WK__GBDT_FIRST_TEST + first;
}

INLINE void make_test(const column_tests *tests, size_t i)
{
    wk__gbdt_bit_test test = tests->test[i];
    __m512i low = bits_at(tests->table, test.low), high = bits_at(tests->table, test.high);
    __m512i above = bits_at(tests->table + 1, test.high);
    _mm512_store_si512(&tests->to[i], _mm512_ternarylogic_epi64(above, high, low, OR_AND));
}

INLINE void make_step_of_tests(column_tests *tests)
{
    if (tests->done + TEST_STEP > tests->n)
        return;
    for (size_t i = 0; i < TEST_STEP; i++)
        make_test(tests, tests->done + i);
    tests->done += TEST_STEP;
}

static void finish_tests(column_tests *tests)
{
    while (tests->done < tests->n)
        make_test(tests, tests->done++);
}

/* Sixteen values go down the search tree together. A level of up to 32 nodes is one or two vectors,
 * in which a permutation by the turns so far looks the cut up; of larger levels the latest turns
 * say which two. Meanwhile tests of another column are made: they wait for the second cache to take
 * them, while the search only computes. */
INLINE void search_column(const wk__gbdt_slice_search *search, wk__gbdt_last_level last,
                          const float *x, code_bits *to, column_tests *tests)
{
#define PAIR(at, i)                                                                                \
    _mm512_permutex2var_ps(_mm512_load_ps((at) + (i)), n, _mm512_load_ps((at) + (i) + 16))
#define TURN(level)                                                                                \
    turn[level] = _mm512_cmp_ps_mask(v, cut, _CMP_GE_OQ);                                          \
    to->bit[7 - (level)][i] = turn[level];                                                         \
    n = _mm512_mask_or_epi32(n, turn[level], n, _mm512_set1_epi32(1 << (level)))
    for (size_t i = 0; i < SLICE / 16; i++) {
        make_step_of_tests(tests);
        __m512 v = _mm512_load_ps(x + 16 * i), cut = _mm512_set1_ps(search->root);
        __m512i n = _mm512_setzero_si512();
        __mmask16 turn[8];
        to->bit[8][i] = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
        TURN(0);
        cut = _mm512_mask_blend_ps(turn[0], _mm512_set1_ps(search->level_1[0]),
                                   _mm512_set1_ps(search->level_1[1]));
        TURN(1);
        cut = _mm512_permutexvar_ps(n, _mm512_load_ps(search->level_2));
        TURN(2);
        cut = _mm512_permutexvar_ps(n, _mm512_load_ps(search->level_3));
        TURN(3);
        cut = _mm512_permutexvar_ps(n, _mm512_load_ps(search->level_4));
        TURN(4);
        cut = PAIR(search->level_5, 0);
        TURN(5);
        cut = _mm512_mask_blend_ps(turn[5], PAIR(search->level_6, 0), PAIR(search->level_6, 32));
        TURN(6);
        const float *at = search->level_7;
        __mmask16 below = 0xffff;
        if (last == WK__GBDT_SEVEN_LEVELS) {
            to->bit[0][i] = 0;
            continue;
        } else if (last == WK__GBDT_LAST_QUARTER) {
            n = _mm512_srli_epi32(n, 2);
            cut = PAIR(at, 0);
            below = _mm512_kand(turn[0], turn[1]);
        } else if (last == WK__GBDT_LAST_HALF) {
            n = _mm512_srli_epi32(n, 1);
            cut = _mm512_mask_blend_ps(turn[6], PAIR(at, 0), PAIR(at, 32));
            below = turn[0];
        } else {
            __m512 left = _mm512_mask_blend_ps(turn[5], PAIR(at, 0), PAIR(at, 32));
            __m512 right = _mm512_mask_blend_ps(turn[5], PAIR(at, 64), PAIR(at, 96));
            cut = _mm512_mask_blend_ps(turn[6], left, right);
        }
        to->bit[0][i] = _mm512_mask_cmp_ps_mask(below, v, cut, _CMP_GE_OQ);
    }
#undef PAIR
#undef TURN
}

static void find_codes(const wk__gbdt_slice_search *search, const float *x, code_bits *to,
                       column_tests *tests)
{
    switch (search->last) {
    case WK__GBDT_SEVEN_LEVELS:
        search_column(search, WK__GBDT_SEVEN_LEVELS, x, to, tests);
        break;
    case WK__GBDT_LAST_QUARTER:
        search_column(search, WK__GBDT_LAST_QUARTER, x, to, tests);
        break;
    case WK__GBDT_LAST_HALF:
        search_column(search, WK__GBDT_LAST_HALF, x, to, tests);
        break;
    default:
        search_column(search, WK__GBDT_EIGHT_LEVELS, x, to, tests);
    }
}

static void fill_tests(const wk__gbdt_plan *plan, const wk__gbdt_rows_of_slice *rows,
                       wk__gbdt_bits *pool)
{
    _Alignas(64) float column[GROUP][PITCH];
    code_bits code[2];
    column_tests tests;
    tests.n = tests.done = 0;
    const wk__gbdt_slices *s = plan->batch->slices;
    size_t n = rows->n_rows;
    for (size_t c = 0; c < plan->n_columns;) {
        size_t first = plan->feature[c] / GROUP * GROUP, left = plan->n_features - first;
        for (size_t r = 0; r < SLICE; r += 16) {
            _Alignas(64) float padded[16][GROUP];
            const float *row[16];
            for (size_t i = 0; i < 16; i++) {
                row[i] = rows->X + (r + i < n ? r + i : n - 1) * rows->stride + first;
                if (left < GROUP) {
                    __mmask16 here = (__mmask16)((1u << left) - 1);
                    _mm512_store_ps(padded[i], _mm512_maskz_loadu_ps(here, row[i]));
                    row[i] = padded[i];
                }
            }
            float(*to)[PITCH] = (float(*)[PITCH])(column[0] + r);
            transpose_floats(row, to);
        }
        /* The bits that a search has stored cannot be loaded at once, so a column's tests start
         * behind the next search and are made beside the one after that. */
        size_t begin = c;
        for (; c < plan->n_columns && plan->feature[c] < first + GROUP; c++) {
            find_codes(&s->search[c], column[plan->feature[c] - first], &code[c % 2], &tests);
            finish_tests(&tests);
            if (c > begin)
                start_tests(s, c - 1, &code[(c - 1) % 2], pool, &tests);
        }
        finish_tests(&tests);
        start_tests(s, c - 1, &code[(c - 1) % 2], pool, &tests);
    }
    finish_tests(&tests);
}

/* Codes of a kind for the rows of a slice, in their order. */
static void fill_codes(const wk__gbdt_kind *kind, const wk__gbdt_rows_of_slice *rows,
                       uint8_t *codes)
{
    memset(codes, 0, SLICE);
    for (size_t i = 0; i < rows->n_rows; i++) {
        uint32_t code = wk__gbdt_code_of(kind, rows->X[i * rows->stride + kind->feature]);
        codes[i] = code > kind->n_codes ? 255 : (uint8_t)code;
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

/* Nodes of n operations each; returns where the next results go. */
INLINE wk__gbdt_bits *run_nodes(size_t n_nodes, unsigned n, const uint32_t **offsets,
                                const wk__gbdt_bits *pool, wk__gbdt_bits *to)
{
    const uint32_t *at = *offsets;
    for (size_t i = 0; i < n_nodes; i++) {
        __m512i test = bits_at(pool, *at++);
        for (unsigned k = 0; k < n; k++, at += 2, to++) {
            __m512i left = bits_at(pool, at[0]), right = bits_at(pool, at[1]);
            _mm512_store_si512(to, _mm512_ternarylogic_epi64(left, test, right, CHOICE));
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
        __m512i test = _mm512_xor_si512(bits_at(pool, at[0]), _mm512_set1_epi32((int)at[1]));
        for (int k = 0; k < WK__GBDT_CODE; k++)
            bit[k] = _mm512_ternarylogic_epi64(bit[k], test, bits_at(pool, at[2 + k]), CHOICE);
    }
}

/* The values of 64 rows whose leaves' numbers are bytes of `leaf`: byte by byte, then the bytes of
 * a value come together, by pairs of pairs. */
INLINE void add_leaves(float *sum, const __m512i *plane, __m512i leaf)
{
    __m512i byte[4], pair[4];
    for (int i = 0; i < 4; i++)
        byte[i] = _mm512_permutexvar_epi8(leaf, plane[i]);
    for (int i = 0; i < 2; i++) {
        pair[i] = _mm512_unpacklo_epi8(byte[2 * i], byte[2 * i + 1]);
        pair[2 + i] = _mm512_unpackhi_epi8(byte[2 * i], byte[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        __m512i low = _mm512_unpacklo_epi16(pair[2 * i], pair[2 * i + 1]);
        __m512i high = _mm512_unpackhi_epi16(pair[2 * i], pair[2 * i + 1]);
        float *to = sum + 32 * i;
        _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), _mm512_castsi512_ps(low)));
        to += 16;
        _mm512_store_ps(to, _mm512_add_ps(_mm512_load_ps(to), _mm512_castsi512_ps(high)));
    }
}

/* From bits to bytes: groups of eight rows get their eight bytes, the highest bit's first, which
 * the transposition turns into the rows' numbers. */
INLINE void add_part(const wk__gbdt_bit_part *part, const __m512i *a, float *sum)
{
    __m512i pairs[6], fours[8];
    __m512i plane[4];
    const __m512i zero = _mm512_setzero_si512();
    for (int i = 0; i < 4; i++)
        plane[i] = _mm512_load_si512(part->value[i]);
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
            add_leaves(sum + 64 * o, plane, transpose_bits(_mm512_unpacklo_epi32(x, y)));
            add_leaves(sum + 64 * (o + 1), plane, transpose_bits(_mm512_unpackhi_epi32(x, y)));
        }
}

/* Byte 16 (i / 4 % 4) + 4 m + i % 4 of vector o, m = i / 16 % 4. */
size_t wk__gbdt_slice_row_avx512(size_t i)
{
    size_t o = i / 64, at = 16 * (i / 4 % 4) + 4 * (i / 16 % 4) + i % 4;
    size_t group = at / 16 * 16 + 2 * o + at / 8 % 2;
    return 8 * group + at % 8;
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

/* Asks for the next lines of the rows behind this slice. */
INLINE const char *prefetch_some(const char *at, size_t n_lines, const char *end)
{
    for (size_t i = 0; i < n_lines && at < end; i++, at += 64)
        _mm_prefetch(at, _MM_HINT_T1);
    return at;
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
    const char *behind = (const char *)(rows->X + rows->n_rows * rows->stride);
    const char *behind_end = behind + rows->n_behind * rows->stride * sizeof(float);
    size_t n_lines = n_parts ? (size_t)(behind_end - behind) / 64 / n_parts + 1 : 0;
    for (size_t k = 0; k < K; k++) {
        float *sum = sums + k * SLICE;
        for (size_t i = 0; i < SLICE; i++)
            sum[i] = plan->base_margin[k];
        for (size_t p = s->output_parts[k]; p < s->output_parts[k + 1]; p++) {
            behind = prefetch_some(behind, n_lines, behind_end);
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
