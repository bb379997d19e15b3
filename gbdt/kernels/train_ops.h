/* Inner loops of training, one table an instruction set; all give the same bits. Histograms are not
 * among them: their one load, add and store a cell is the same everywhere. */
#ifndef WICK_GBDT_TRAIN_OPS_H
#define WICK_GBDT_TRAIN_OPS_H

#include "gbdt/train.h"

typedef struct wk__gbdt_train_ops {
    const char *name;
    /* The best split of one feature replaces *best if its gain is larger. */
    void (*search)(const wk__gbdt_node_sums *node, uint32_t feature, uint32_t n_bins,
                   size_t n_slots, const int64_t *cells, const uint32_t *counts,
                   wk__gbdt_split *best);
    /* side[i] = 1 when the bin of rows[i] is <= last or is `missing`; returns how many are. May
     * read three bytes behind the last row's bin. */
    size_t (*mark)(const uint8_t *bin, const uint32_t *rows, size_t n, int last, int missing,
                   uint8_t *side);
    /* Rows and gradients of side 1 to `left`, the others to `right`, in order. */
    void (*move)(const uint32_t *rows, const int64_t *gh, const uint8_t *side, size_t n,
                 uint32_t *left, int64_t *left_gh, uint32_t *right, int64_t *right_gh);
    /* Adds n rows to the histograms of up to four neighbouring features, for four trees at once.
     * bins starts at the first feature's place in its block. */
    void (*add_shared)(const uint8_t *bins, size_t n_features, const uint32_t *rows,
                       const wk__gbdt_four *gh, size_t n, size_t n_slots, wk__gbdt_four *cells);
} wk__gbdt_train_ops;

extern const wk__gbdt_train_ops wk__gbdt_train_ops_c;
extern const wk__gbdt_train_ops wk__gbdt_train_ops_avx2;
extern const wk__gbdt_train_ops wk__gbdt_train_ops_avx512;

/* Table i of those this machine and WICK_CPU allow, fastest first; NULL after the last. */
const wk__gbdt_train_ops *wk__gbdt_train_ops_at(size_t i);

#endif
