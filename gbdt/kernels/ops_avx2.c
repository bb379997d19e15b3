/* Needs -mavx2. A part's nodes are compared in two vectors and the bits walked from the root. */
#include <float.h>
#include <immintrin.h>
#include <string.h>

#include "gbdt/kernels/ops.h"
#include "gbdt/kinds.h"

#define TILE WK__GBDT_TILE
#define INLINE static inline __attribute__((always_inline))

/* How many of 16 thresholds are not above x; all of them for a missing value. */
INLINE unsigned count_of(__m256 x, const float *line)
{
    __m256 a = _mm256_cmp_ps(x, _mm256_load_ps(line), _CMP_NLT_UQ);
    __m256 b = _mm256_cmp_ps(x, _mm256_load_ps(line + 8), _CMP_NLT_UQ);
    unsigned bits = (unsigned)_mm256_movemask_ps(a) | (unsigned)_mm256_movemask_ps(b) << 8;
    return (unsigned)__builtin_popcount(bits);
}

/* Thresholds that are not above x, by line and within it; a missing value counts 272. */
INLINE void quantise(const wk__gbdt_plan *plan, const float *row, uint8_t *bytes)
{
    const __m256 largest = _mm256_set1_ps(FLT_MAX);
    for (size_t c = 0; c < plan->n_columns; c++) {
        const wk__gbdt_cuts *cuts = &plan->cuts[c];
        /* In this order the minimum keeps a NaN. */
        __m256 x = _mm256_min_ps(largest, _mm256_set1_ps(row[plan->feature[c]]));
        unsigned g = count_of(x, cuts->group);
        unsigned q = 16 * g + count_of(x, cuts->line[g]);
        bytes[c] = (uint8_t)(q > 255 ? 255 : q);
    }
    memset(bytes + plan->n_columns, 0, plan->n_columns_padded - plan->n_columns);
}

/* 32 nodes: bit i is set when node i sends the row right. */
INLINE uint32_t right_of(const wk__gbdt_part *part, uint32_t plus, const uint8_t *bytes,
                         size_t n_columns, int at)
{
    const __m256i each =
        _mm256_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16,
                         32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    __m256i column = _mm256_load_si256((const void *)(part->column + at));
    __m256i w = _mm256_setzero_si256();
    /* pshufb looks up 16 bytes and gives 0 where the index has its top bit set. */
    for (size_t c = 0; c < n_columns; c += 16) {
        __m128i q = _mm_load_si128((const void *)(bytes + c));
        __m256i here = _mm256_xor_si256(column, _mm256_set1_epi8((char)c));
        __m256i index = _mm256_adds_epu8(here, _mm256_set1_epi8(0x70));
        w = _mm256_or_si256(w, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(q), index));
    }
    __m256i bits = _mm256_shuffle_epi8(_mm256_set1_epi32((int)plus), spread);
    __m256i one = _mm256_cmpeq_epi8(_mm256_and_si256(bits, each), each);
    w = _mm256_sub_epi8(w, one);
    __m256i cut = _mm256_load_si256((const void *)(part->cut + at));
    __m256i left = _mm256_cmpeq_epi8(_mm256_min_epu8(w, cut), w);
    return ~(uint32_t)_mm256_movemask_epi8(left);
}

INLINE uint64_t goes_right(const wk__gbdt_part *part, uint64_t plus, const uint8_t *bytes,
                           size_t n_columns)
{
    return right_of(part, (uint32_t)plus, bytes, n_columns, 0) |
           (uint64_t)right_of(part, (uint32_t)(plus >> 32), bytes, n_columns, 32) << 32;
}

/* Parts side by side; a leaf leads to itself. Most rows arrive long before the deepest leaf: a look
 * every few steps whether all have. */
INLINE void leaves_by_steps(const wk__gbdt_links *links, const uint64_t *right, unsigned depth,
                            uint64_t *n)
{
    for (int i = 0; i < WK__GBDT_TOGETHER; i++)
        n[i] = 0;
    for (unsigned d = 0; d < depth; d += 4) {
        for (int step = 0; step < 4; step++)
            for (int i = 0; i < WK__GBDT_TOGETHER; i++)
                n[i] = links[i].step[n[i]][right[i] >> (n[i] & 63) & 1];
        if (n[0] & n[1] & n[2] & n[3] & WK__GBDT_PART)
            break;
    }
}

INLINE void walk_parts(const wk__gbdt_plan *plan, const uint8_t *bytes,
                       const uint64_t *const *kinds, float *margin, size_t n_columns)
{
    for (size_t k = 0; k < plan->n_outputs; k++) {
        float sum = plan->base_margin[k];
        for (size_t b = plan->output_blocks[k]; b < plan->output_blocks[k + 1]; b++) {
            const wk__gbdt_part *part = &plan->parts[b * WK__GBDT_TOGETHER];
            const wk__gbdt_links *links = &plan->batch->links[b * WK__GBDT_TOGETHER];
            const uint64_t *plus = &plan->plus[b * WK__GBDT_TOGETHER];
            uint64_t right[WK__GBDT_TOGETHER], leaf[WK__GBDT_TOGETHER];
            for (int i = 0; i < WK__GBDT_TOGETHER; i++)
                right[i] = goes_right(part + i, plus[i], bytes, n_columns);
            for (size_t n = 0; kinds && n < plan->kinds->n; n++)
                for (size_t i = 0; i < WK__GBDT_TOGETHER; i++)
                    right[i] |= kinds[n][b * WK__GBDT_TOGETHER + i];
            leaves_by_steps(links, right, plan->block_depth[b], leaf);
            for (int i = 0; i < WK__GBDT_TOGETHER; i++)
                sum += part[i].value[leaf[i] - WK__GBDT_PART];
        }
        margin[k] = sum;
    }
}

INLINE void walk_bytes(const wk__gbdt_plan *plan, const uint8_t *bytes,
                       const uint64_t *const *kinds, float *margin)
{
    /* A constant number of columns lets the compiler keep them in registers. */
    if (plan->n_columns <= 32)
        walk_parts(plan, bytes, kinds, margin, 32);
    else if (plan->n_columns <= 64)
        walk_parts(plan, bytes, kinds, margin, 64);
    else
        walk_parts(plan, bytes, kinds, margin, plan->n_columns_padded);
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

INLINE void add_leaves(float *sum, const float *value, const uint8_t *leaf)
{
    for (int j = 0; j < TILE; j += 8) {
        __m256i i = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(leaf + j)));
        __m256 v = _mm256_i32gather_ps(value, i, 4);
        _mm256_store_ps(sum + j, _mm256_add_ps(_mm256_load_ps(sum + j), v));
    }
}

/* From the leaves up, each node takes the result of the child that the row goes to. */
INLINE void fold_nodes(wk__gbdt_tile *t, const wk__gbdt_batch_node *node, size_t n)
{
    for (const wk__gbdt_batch_node *end = node + n; node < end; node++) {
        __m256i cut = _mm256_set1_epi32((int)node->cut);
        const uint8_t *column = WK__GBDT_PLACE(t, node->column);
        const uint8_t *left = WK__GBDT_PLACE(t, node->left);
        const uint8_t *right = WK__GBDT_PLACE(t, node->right);
        uint8_t *self = WK__GBDT_PLACE(t, node->self);
        for (int w = 0; w < TILE; w += 32) {
            __m256i q = _mm256_load_si256((const void *)(column + w));
            __m256i stays = _mm256_cmpeq_epi8(_mm256_min_epu8(q, cut), q);
            __m256i v = _mm256_blendv_epi8(_mm256_load_si256((const void *)(right + w)),
                                           _mm256_load_si256((const void *)(left + w)), stays);
            _mm256_store_si256((void *)(self + w), v);
        }
    }
}

static void fill_columns(const wk__gbdt_plan *plan, const float *X, size_t n_rows, size_t stride,
                         wk__gbdt_tile *t)
{
    uint8_t bytes[WK__GBDT_COLUMNS_MAX] __attribute__((aligned(64)));
    for (size_t i = 0; i < TILE; i++) {
        quantise(plan, X + (i < n_rows ? i : n_rows - 1) * stride, bytes);
        for (size_t c = 0; c < plan->n_columns; c++)
            t->columns[c][i] = bytes[c];
    }
    for (size_t c = 0; c < plan->n_columns; c++)
        for (size_t i = 0; i < TILE; i++)
            t->columns[plan->n_columns_padded + c][i] = (uint8_t)(t->columns[c][i] + 1);
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
    memset(t.columns[0], 0, TILE);
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
            fold_nodes(&t, batch->nodes + at, batch->part_nodes[p + 1] - at);
            add_leaves(sum, plan->parts[p].value, t.slots[0]);
        }
        for (size_t i = 0; i < n_rows; i++)
            margin[i * K + k] = sum[i];
    }
}

const wk__gbdt_ops wk__gbdt_ops_avx2 = {"avx2", true, predict_row, predict_tile, NULL, NULL};
