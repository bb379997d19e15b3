/* The most memory that a training holds at a time, added up from what its parts take. A bound:
 * alignment, huge pages and doubled arrays are counted at their worst. */
#include "boost.h"
#include "grow.h"

#define HUGE_PAGE ((uint64_t)1 << 21)
#define HISTOGRAM_BYTES_MAX ((uint64_t)1 << 30) /* as in grow.c */

/* An array from the pages: rounded up to a huge page and one more. */
static uint64_t paged(uint64_t bytes)
{
    return bytes + (bytes >= HUGE_PAGE / 2 ? 2 * HUGE_PAGE : 64);
}

static uint64_t most_leaves(const wk_gbdt_params *p, uint64_t n)
{
    uint64_t leaves = n;
    if (p->max_leaves > 0 && (uint64_t)p->max_leaves < leaves)
        leaves = (uint64_t)p->max_leaves;
    uint64_t by_depth =
        p->max_depth > 0 && p->max_depth < 40 ? (uint64_t)1 << p->max_depth : UINT64_MAX;
    /* A level of a symmetric tree is split whole, empty nodes included. */
    if (p->grow_policy == 2)
        return by_depth;
    return by_depth < leaves ? by_depth : leaves;
}

uint64_t wk_gbdt_train_bytes_max(const wk_gbdt_params *p, size_t n_rows, size_t n_cols,
                                 size_t n_valid, int threads)
{
    uint64_t n = n_rows, F = n_cols,
             K = p->objective == WK_GBDT_SOFTPROB ? (uint64_t)p->num_class
                 : p->objective == WK_GBDT_PROFIT ? 3
                                                  : 1;
    uint64_t blocks = (F + WK__GBDT_BLOCK - 1) / WK__GBDT_BLOCK, slots = 256;
    uint64_t leaves = most_leaves(p, n), nodes = 2 * leaves;
    uint64_t all = 0;
    /* Row sets: labels, weights (two kinds), numbers, margins. */
    for (int set = 0; set < 2; set++) {
        uint64_t rows = set ? n_valid : n;
        all += 4 * paged(rows * 4) + paged(rows * 8) + paged(rows * K * 4) + paged(rows * 4) +
               paged(rows * 8);
    }
    /* Bins, and their makers' scratch of four columns a thread. */
    all += paged(blocks * n * WK__GBDT_BLOCK) + paged(F * n + 4) + paged(F * 8) +
           F * (256 * 8 + 128) + paged(F * 8);
    all += (uint64_t)(threads < 1 ? 1 : threads) * (n * 4 * 6 + n * 24 + HUGE_PAGE);
    /* Gradients, draws, and the grower's lists of rows, twice. */
    all += 2 * paged(K * n * 4) + paged(2 * n * 4) + paged(n);
    all += 2 * paged((n + WK__GBDT_PREFETCH) * 4) + 2 * paged(n * 8) + paged(n * 4) + paged(n);
    all += paged(n / WK__GBDT_ROWS * (3 + 2 * K) * 8 + 4096) + 16 * F + 4 * HUGE_PAGE;
    /* Roots made together. */
    uint64_t histogram = F * slots * 8, kept = HISTOGRAM_BYTES_MAX / histogram;
    if (K > 1)
        all += paged(n * sizeof(wk__gbdt_four)) + paged(F * slots * sizeof(wk__gbdt_four)) +
               WK__GBDT_SHARED * paged(histogram);
    /* Histograms: one a leaf up to the cap, and those of the split at work; with counts half as
     * much again. */
    kept = (kept < 2 ? 2 : kept) + 2;
    all += (leaves + 2 < kept ? leaves + 2 : kept) * (histogram + histogram / 2 + 128);
    /* A tree at work (doubled arrays), and all trees: here, and in the forest with its walking
     * steps. */
    uint64_t words = (F + 63) / 64;
    all += 3 * nodes *
               (sizeof(wk__gbdt_node) + sizeof(wk__gbdt_leaf) + sizeof(wk__gbdt_node_extra) + 64 +
                8 * words) +
           2 * (n / WK__GBDT_ROWS + leaves) * sizeof(wk__gbdt_task);
    uint64_t trees = (uint64_t)p->rounds * K;
    all += trees * (2 * nodes * sizeof(wk__gbdt_node) + 4 * nodes * sizeof(wk__gbdt_step) + 512);
    /* The compiled forest: parts of 64 leaves, their cuts by column. */
    uint64_t parts = trees * (leaves / 32 + 2) + 8;
    all += parts * (sizeof(uint64_t) * 512) + 256 * 8192 + nodes * 64;
    return all;
}
