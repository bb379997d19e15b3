/* The forest as the kernels want it.
 *
 * A row becomes bytes first: a column of the plan is a feature with up to 254 of its thresholds,
 * and the byte is the number of them that are <= x, or 255 for a missing value. A feature with more
 * thresholds has several columns. A node then compares a byte: right if byte > cut. Where missing
 * values go left both are one larger, so that 255 wraps to 0.
 *
 * A part is a tree of at most 64 leaves, whose nodes fill one vector of bytes. A larger tree
 * becomes several parts, each with the path from the root and -0 in the leaves that belong to
 * another part: adding -0 changes no bit of a sum. So the order of the trees, and with it every
 * bit, is kept. */
#ifndef WICK_GBDT_PLAN_H
#define WICK_GBDT_PLAN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "forest.h"

#define WK__GBDT_CUTS 254
#define WK__GBDT_COLUMNS_MAX 256 /* what a byte can name */
#define WK__GBDT_PART 64         /* leaves of a part */
#define WK__GBDT_TOGETHER 4      /* parts of a block */
#define WK__GBDT_TILE 128        /* rows that a batch takes through the forest together */

/* Children: WK__GBDT_INNER | node, or a leaf's number. */
#define WK__GBDT_INNER 0x80

typedef struct {
    uint8_t column[WK__GBDT_PART], cut[WK__GBDT_PART];
    float value[WK__GBDT_PART];      /* of the leaves */
    uint8_t child[2][WK__GBDT_PART]; /* left, right */
} wk__gbdt_part;

/* The cuts of a column, ascending, filled up with infinity. group[i] is the last of each sixteen;
 * the seventeenth line is for missing values, which pass all groups. */
typedef struct {
    float group[16], line[17][16];
} wk__gbdt_cuts;

/* The cuts of a column as a search tree in one array: node i has the children 2i and 2i + 1, and
 * the root is 1. Where 127 are enough the tree has seven levels, else eight; the rest is infinity.
 */
typedef struct {
    _Alignas(64) float at[256];
    bool deep; /* eight levels */
} wk__gbdt_search;

/* What a batch of rows needs, rows side by side: bytes of the columns, then the bytes plus one
 * (from n_columns_padded on); results of the nodes of a part, then the numbers of its leaves. */
typedef struct {
    _Alignas(64) uint8_t columns[2 * WK__GBDT_COLUMNS_MAX][WK__GBDT_TILE];
    uint8_t slots[2 * WK__GBDT_PART][WK__GBDT_TILE];
} wk__gbdt_tile;

/* A node of the batch, children before their parent. Places in a tile, in units of eight bytes. */
typedef struct {
    uint16_t column, left, right, self;
    uint32_t cut; /* its byte four times */
} wk__gbdt_batch_node;

/* The nodes of a part of at most six levels in heap order, for a batch: node 1 is the root, node i
 * has the children 2i and 2i + 1, 64 + j is leaf j. */
typedef struct {
    uint16_t column[WK__GBDT_PART];
    uint32_t cut[WK__GBDT_PART];
    float value[WK__GBDT_PART];
} wk__gbdt_heap;

#define WK__GBDT_PLACE(tile, place) ((uint8_t *)(uintptr_t)(tile) + (size_t)8 * (place))

/* The same links for a walk: step[n][right] is a node below 64, or 64 + leaf, which leads to
 * itself. */
typedef struct {
    uint8_t step[2 * WK__GBDT_PART][2];
} wk__gbdt_links;

/* What only batches need, which a stream of single rows never asks for: made with the first one.
 * And the links, which only some kernels follow. */
typedef struct {
    wk_arena arena, link_arena;
    wk__gbdt_links *links;    /* [n_blocks * 4] or NULL */
    bool is_made, has_slices; /* slices need more, and only large batches use them */
    wk__gbdt_search *search;  /* [n_columns] */
    wk__gbdt_batch_node *nodes;
    wk__gbdt_heap *heaps; /* [n_blocks * 4] of parts that are heaps */
    bool *is_heap;        /* [n_blocks * 4] */
    size_t *part_nodes;   /* [n_blocks * 4 + 1] nodes of a part: the first, and one behind */
    const struct wk__gbdt_slices *slices; /* or NULL */
    struct wk__gbdt_bits *pool;           /* of the slices, for one thread at a time */
    atomic_flag pool_is_taken;
} wk__gbdt_batch;

typedef struct wk__gbdt_plan {
    size_t n_features, n_outputs;
    size_t n_columns, n_columns_padded; /* padded to a multiple of 64 */
    uint32_t *feature;                  /* [n_columns] */
    wk__gbdt_cuts *cuts;                /* [n_columns] */
    size_t n_blocks;
    uint8_t *block_depth;     /* [n_blocks] steps that reach every leaf */
    uint8_t *block_doublings; /* [n_blocks] 3 to 6: 2^doublings steps reach every leaf */
    wk__gbdt_part *parts;     /* [n_blocks * 4]; the last ones of an output may be fillers */
    uint64_t *plus;           /* [n_blocks * 4] nodes where missing values go left */
    size_t *output_blocks;    /* [n_outputs + 1] blocks of an output: the first, and one behind */
    uint8_t *part_depth, *part_inner; /* [n_blocks * 4] levels; nodes that are no leaves */
    wk__gbdt_batch *batch;
    const struct wk__gbdt_kinds *kinds; /* NULL without splits by category */
    const float *base_margin;
} wk__gbdt_plan;

/* The plan of a forest's trees, in its arena, or NULL when the trees do not fit (more than 256
 * columns, a tree of more than 1024 leaves or more than 48 levels where it has to be cut, a feature
 * with more than 254 categories in its sets). */
const wk__gbdt_plan *wk__gbdt_plan_make(wk_forest *forest);

/* Makes the links, if they are not there. Before a kernel that follows them; not while others use
 * the plan. */
void wk__gbdt_plan_link(const wk__gbdt_plan *plan);

/* Makes what batches need, if it is not there: before the first `tile`, and with `ops` before the
 * first `slice`; NULL where there will be none. Safe from many threads. */
void wk__gbdt_plan_for_batch(const wk__gbdt_plan *plan, const struct wk__gbdt_ops *ops);

#endif
