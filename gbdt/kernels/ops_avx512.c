/* Needs -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vbmi. A part's nodes are compared at
 * once: vpermb fetches the byte of each node's column. */
#include <float.h>
#include <immintrin.h>
#include <string.h>

#include "gbdt/kernels/ops.h"
#include "gbdt/kernels/quantise_avx512.h"
#include "gbdt/kinds.h"

#define TILE WK__GBDT_TILE
#define INLINE static inline __attribute__((always_inline))

/* Thresholds that are not above x, by group and within its line; a missing value counts 272, which
 * saturates later. */
INLINE uint16_t count_cuts(const wk__gbdt_cuts *cuts, float value)
{
    /* In this order the minimum keeps a NaN. */
    __m512 x = _mm512_min_ps(_mm512_set1_ps(FLT_MAX), _mm512_set1_ps(value));
    unsigned g = (unsigned)__builtin_popcount(
        _mm512_cmp_ps_mask(x, _mm512_load_ps(cuts->group), _CMP_NLT_UQ));
    unsigned k = (unsigned)__builtin_popcount(
        _mm512_cmp_ps_mask(x, _mm512_load_ps(cuts->line[g]), _CMP_NLT_UQ));
    return (uint16_t)(16 * g + k);
}

INLINE void quantise(const wk__gbdt_plan *plan, const float *row, uint8_t *bytes)
{
    uint16_t count[WK__GBDT_COLUMNS_MAX] __attribute__((aligned(64)));
    for (size_t c = 0; c < plan->n_columns; c++)
        count[c] = count_cuts(&plan->cuts[c], row[plan->feature[c]]);
    for (size_t c = plan->n_columns; c < plan->n_columns_padded; c++)
        count[c] = 0;
    for (size_t c = 0; c < plan->n_columns_padded; c += 32)
        _mm256_store_si256((void *)(bytes + c),
                           _mm512_cvtusepi16_epi8(_mm512_load_si512((const void *)(count + c))));
}

/* The bytes of 64 nodes' columns, from a row in one, two or four vectors. */
INLINE __m512i fetch(const __m512i *q, int n_vectors, __m512i column)
{
    if (n_vectors == 1)
        return _mm512_permutexvar_epi8(column, q[0]);
    __m512i low = _mm512_permutex2var_epi8(q[0], column, q[1]);
    if (n_vectors == 2)
        return low;
    __m512i high = _mm512_permutex2var_epi8(q[2], column, q[3]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(column), high);
}

INLINE __mmask64 goes_right(const wk__gbdt_part *part, uint64_t plus, const __m512i *q,
                            int n_vectors)
{
    __m512i w = fetch(q, n_vectors, _mm512_load_si512(part->column));
    w = _mm512_mask_add_epi8(w, plus, w, _mm512_set1_epi8(1));
    return _mm512_cmpgt_epu8_mask(w, _mm512_load_si512(part->cut));
}

/* Every node's child, then the child's child and so on: lane 0 ends at the leaf. */
INLINE float leaf_by_doubling(const wk__gbdt_part *part, __mmask64 right, int doublings)
{
    __m512i n = _mm512_mask_blend_epi8(right, _mm512_load_si512(part->child[0]),
                                       _mm512_load_si512(part->child[1]));
    for (int i = 0; i < doublings; i++)
        n = _mm512_mask_permutexvar_epi8(n, _mm512_movepi8_mask(n), n, n);
    return part->value[_mm_cvtsi128_si32(_mm512_castsi512_si128(n)) & 63];
}

INLINE void walk_parts(const wk__gbdt_plan *plan, const uint8_t *bytes,
                       const uint64_t *const *kinds, float *margin, int n_vectors)
{
    __m512i q[4];
    for (int i = 0; i < n_vectors; i++)
        q[i] = _mm512_load_si512((const void *)(bytes + 64 * i));
    for (size_t k = 0; k < plan->n_outputs; k++) {
        float sum = plan->base_margin[k];
        for (size_t b = plan->output_blocks[k]; b < plan->output_blocks[k + 1]; b++) {
            const wk__gbdt_part *part = &plan->parts[b * WK__GBDT_TOGETHER];
            const uint64_t *plus = &plan->plus[b * WK__GBDT_TOGETHER];
            float value[WK__GBDT_TOGETHER];
            uint64_t by_kind[WK__GBDT_TOGETHER] = {0};
            for (size_t n = 0; kinds && n < plan->kinds->n; n++)
                for (size_t i = 0; i < WK__GBDT_TOGETHER; i++)
                    by_kind[i] |= kinds[n][b * WK__GBDT_TOGETHER + i];
#define EACH(doublings)                                                                            \
    for (int i = 0; i < WK__GBDT_TOGETHER; i++)                                                    \
        value[i] = leaf_by_doubling(                                                               \
            part + i, goes_right(part + i, plus[i], q, n_vectors) | by_kind[i], doublings);        \
    break
            switch (plan->block_doublings[b]) {
            case 3:
                EACH(3);
            case 4:
                EACH(4);
            case 5:
                EACH(5);
            default:
                EACH(6);
            }
            for (int i = 0; i < WK__GBDT_TOGETHER; i++)
                sum += value[i];
        }
        margin[k] = sum;
    }
}

INLINE void walk_bytes(const wk__gbdt_plan *plan, uint8_t *bytes, const uint64_t *const *kinds,
                       float *margin)
{
    if (plan->n_columns_padded == 64) {
        walk_parts(plan, bytes, kinds, margin, 1);
    } else if (plan->n_columns_padded == 128) {
        walk_parts(plan, bytes, kinds, margin, 2);
    } else {
        memset(bytes + plan->n_columns_padded, 0, WK__GBDT_COLUMNS_MAX - plan->n_columns_padded);
        walk_parts(plan, bytes, kinds, margin, 4);
    }
}

static void predict_row(const wk__gbdt_plan *plan, const float *row, float *margin)
{
    uint8_t bytes[WK__GBDT_COLUMNS_MAX] __attribute__((aligned(64)));
    quantise(plan, row, bytes);
    if (plan->kinds) {
        const uint64_t *kinds[WK__GBDT_KINDS_MAX];
        wk__gbdt_kinds_of_row(plan->kinds, row, kinds);
        walk_bytes(plan, bytes, kinds, margin);
    } else {
        walk_bytes(plan, bytes, NULL, margin);
    }
}

/* ---- batch ---- */

/* A column at a time, whose cuts stay in the nearest cache. */
INLINE void fill_columns(const wk__gbdt_plan *plan, const float *X, size_t n_rows, size_t stride,
                         wk__gbdt_tile *t)
{
    float x[TILE] __attribute__((aligned(64)));
    memset(x, 0, sizeof x);
    for (size_t c = 0; c < plan->n_columns; c++) {
        const float *from = X + plan->feature[c];
        for (size_t i = 0; i < n_rows; i++)
            x[i] = from[i * stride];
        for (int w = 0; w < TILE; w += 16) {
            __m128i q = wk__gbdt_count_sixteen(&plan->batch->search[c], _mm512_load_ps(x + w));
            _mm_store_si128((void *)(t->columns[c] + w), q);
            _mm_store_si128((void *)(t->columns[plan->n_columns_padded + c] + w),
                            _mm_add_epi8(q, _mm_set1_epi8(1)));
        }
    }
}

INLINE void add_leaves(float *sum, const float *value, const uint8_t *leaf)
{
    __m512 a = _mm512_load_ps(value), b = _mm512_load_ps(value + 16);
    __m512 c = _mm512_load_ps(value + 32), d = _mm512_load_ps(value + 48);
    for (int j = 0; j < TILE; j += 16) {
        __m512i i = _mm512_cvtepu8_epi32(_mm_load_si128((const void *)(leaf + j)));
        __m512 low = _mm512_permutex2var_ps(a, i, b), high = _mm512_permutex2var_ps(c, i, d);
        __mmask16 upper = _mm512_test_epi32_mask(i, _mm512_set1_epi32(32));
        __m512 v = _mm512_mask_blend_ps(upper, low, high);
        _mm512_store_ps(sum + j, _mm512_add_ps(_mm512_load_ps(sum + j), v));
    }
}

/* From the leaves up, each node takes the result of the child that the row goes to. */
INLINE void fold_nodes(wk__gbdt_tile *t, const wk__gbdt_batch_node *node, size_t n)
{
    for (const wk__gbdt_batch_node *end = node + n; node < end; node++) {
        __m512i cut = _mm512_set1_epi32((int)node->cut);
        const uint8_t *column = WK__GBDT_PLACE(t, node->column);
        const uint8_t *left = WK__GBDT_PLACE(t, node->left);
        const uint8_t *right = WK__GBDT_PLACE(t, node->right);
        uint8_t *self = WK__GBDT_PLACE(t, node->self);
        for (int w = 0; w < TILE; w += 64) {
            __mmask64 m = _mm512_cmpgt_epu8_mask(_mm512_load_si512(column + w), cut);
            __m512i v =
                _mm512_mask_mov_epi8(_mm512_load_si512(left + w), m, _mm512_load_si512(right + w));
            _mm512_store_si512(self + w, v);
        }
    }
}

/* A heap is folded in registers: two vectors of rows. */
typedef struct {
    __m512i a, b;
} two;

INLINE two fold_6(const wk__gbdt_heap *heap, const wk__gbdt_tile *t, size_t i)
{
    (void)heap;
    __m512i leaf = _mm512_load_si512(t->slots[i]);
    return (two){leaf, leaf};
}

#define FOLD(name, below)                                                                          \
    INLINE two name(const wk__gbdt_heap *heap, const wk__gbdt_tile *t, size_t i)                   \
    {                                                                                              \
        two l = below(heap, t, 2 * i), r = below(heap, t, 2 * i + 1);                              \
        const uint8_t *column = WK__GBDT_PLACE(t, heap->column[i]);                                \
        __m512i cut = _mm512_set1_epi32((int)heap->cut[i]);                                        \
        __mmask64 a = _mm512_cmpgt_epu8_mask(_mm512_load_si512(column), cut);                      \
        __mmask64 b = _mm512_cmpgt_epu8_mask(_mm512_load_si512(column + 64), cut);                 \
        return (two){_mm512_mask_mov_epi8(l.a, a, r.a), _mm512_mask_mov_epi8(l.b, b, r.b)};        \
    }
FOLD(fold_5, fold_6)
FOLD(fold_4, fold_5)
FOLD(fold_3, fold_4)
FOLD(fold_2, fold_3)
FOLD(fold_1, fold_2)
FOLD(fold_0, fold_1)
_Static_assert(TILE == 128, "a tile is two vectors");

static void fold_heap(wk__gbdt_tile *t, const wk__gbdt_heap *heap)
{
    two leaf = fold_0(heap, t, 1);
    _mm512_store_si512(t->slots[0], leaf.a);
    _mm512_store_si512(t->slots[0] + 64, leaf.b);
}

static void predict_tile(const wk__gbdt_plan *plan, const float *X, size_t n_rows, size_t stride,
                         float *margin)
{
    wk__gbdt_tile t;
    float sum[TILE] __attribute__((aligned(64)));
    size_t K = plan->n_outputs;
    for (size_t i = 0; plan->kinds && i < n_rows; i++)
        predict_row(plan, X + i * stride, margin + i * K);
    if (plan->kinds)
        return;
    const wk__gbdt_batch *batch = plan->batch;
    memset(t.columns[0], 0, TILE); /* a forest without splits has no column */
    fill_columns(plan, X, n_rows, stride, &t);
    for (size_t i = 0; i < WK__GBDT_PART; i++)
        memset(t.slots[WK__GBDT_PART + i], (int)i, TILE);
    for (size_t k = 0; k < K; k++) {
        for (size_t i = 0; i < TILE; i++)
            sum[i] = plan->base_margin[k];
        size_t begin = plan->output_blocks[k] * WK__GBDT_TOGETHER;
        size_t end = plan->output_blocks[k + 1] * WK__GBDT_TOGETHER;
        for (size_t p = begin; p < end; p++) {
            size_t at = batch->part_nodes[p];
            if (batch->is_heap[p])
                fold_heap(&t, &batch->heaps[p]);
            else
                fold_nodes(&t, batch->nodes + at, batch->part_nodes[p + 1] - at);
            add_leaves(sum, batch->is_heap[p] ? batch->heaps[p].value : plan->parts[p].value,
                       t.slots[0]);
        }
        for (size_t i = 0; i < n_rows; i++)
            margin[i * K + k] = sum[i];
    }
}

const wk__gbdt_ops wk__gbdt_ops_avx512 = {"avx512", false, predict_row, predict_tile, NULL, NULL};
const wk__gbdt_ops wk__gbdt_ops_avx512_gfni = {
    "avx512", false, predict_row, predict_tile, wk__gbdt_slice_avx512, wk__gbdt_slice_row_avx512};
