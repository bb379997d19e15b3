/* The grower's state, shared by grow.c and leaves.c. */
#ifndef WICK_GBDT_GROW_H
#define WICK_GBDT_GROW_H

#include <string.h>

#include "gbdt/kernels/train_ops.h"

typedef struct {
    size_t begin, n_rows; /* of rows[buffer] and gh[buffer] */
    int buffer;
    int64_t depth;
    long slot; /* its histogram, -1: none kept */
    int64_t sum;
    wk__gbdt_split best;
    uint32_t node;
    float lower, upper,
        gain; /* bounds of its weight, and its own gain; where weights are bounded */
} wk__gbdt_leaf;

/* What a node needs beyond its tree's: bounds of its weight, and bins that go right. */
typedef struct {
    float lower, upper;
    uint64_t right_bins[4];
} wk__gbdt_node_extra;

typedef struct {
    int64_t *cells;   /* [n_chosen][n_slots] packed gradients */
    uint32_t *counts; /* the same shape, or NULL */
} wk__gbdt_slot;

typedef struct {
    double g, h;
} wk__gbdt_sum;

/* Up to WK__GBDT_ROWS rows of one leaf. */
typedef struct {
    size_t leaf, begin, n_rows;
    wk__gbdt_sum sum;
} wk__gbdt_task;

struct wk__gbdt_grower {
    const wk_gbdt_params *params;
    const wk__gbdt_bins *bins;
    wk__gbdt_pages *pages;
    wk__gbdt_team *team;
    const wk__gbdt_train_ops *ops;
    bool unit_hessian, counted;
    uint32_t *rows[2]; /* padded by WK__GBDT_PREFETCH */
    int64_t *gh[2];
    uint32_t *sample; /* rows drawn, then the others, both ascending */
    size_t n_sampled, sampled_round, *sampled_before; /* [block] rows drawn before it */
    uint8_t *side;
    size_t *block_count;
    int64_t *block_sum;
    uint32_t *chosen; /* ascending features of this tree */
    size_t n_chosen;
    wk__gbdt_group *groups;
    size_t n_groups;
    wk__gbdt_split *group_best; /* [group][child] */
    double g_unit, h_unit;
    /* Roots made together: gradients [n_sampled][4], cells [n_chosen * n_slots][4], and one
     * histogram a tree. */
    wk__gbdt_four *shared_gh, *shared_cells;
    int64_t *shared_root[WK__GBDT_SHARED];
    size_t n_shared, next_shared;
    bool root_is_made;
    wk__gbdt_leaf *leaves;
    size_t n_leaves, leaves_capacity;
    wk__gbdt_node *nodes;
    int32_t *node_bin;
    wk__gbdt_sum *node_sum;
    size_t n_nodes, nodes_capacity;
    size_t *queue, queue_capacity;
    wk__gbdt_task *tasks;
    size_t tasks_capacity;
    wk__gbdt_slot *slots;
    size_t *free_slots, n_free, n_slots, slots_capacity, n_live, slots_max;
    /* Rules beyond the plain ones. */
    bool bounded; /* monotone columns or a largest step: weights are bounded */
    bool special; /* bounded, or columns of categories: nodes have extras */
    bool masked;  /* nodes see only some of the columns */
    wk__gbdt_node_extra *node_extra;
    size_t extra_capacity;
    wk__gbdt_interactions interactions;
    uint64_t *node_used; /* [node][interactions.words] columns of its path */
    size_t used_capacity;
    uint8_t *mask[2]; /* [n_cols] columns that a child may split on */
    uint32_t *drawn_columns;
    size_t tree; /* its number, for draws */
    bool renews;
    wk__gbdt_quantiles quantiles;
    const uint8_t *given_rows; /* [n_rows] drawn elsewhere; NULL: draw here */
    const uint32_t *row_numbers;
};

/* Room for `wanted` elements; stops the program when memory is out. */
void *wk__gbdt_room(void *array, size_t *capacity, size_t wanted, size_t size_bytes);

static inline bool wk__gbdt_in_bins(const uint64_t bins[4], unsigned bin)
{
    return bins[bin / 64] >> bin % 64 & 1;
}

/* The rules of a column in a leaf. */
wk__gbdt_rules wk__gbdt_rules_of(const wk__gbdt_grower *w, const wk__gbdt_leaf *leaf,
                                 uint32_t feature);
/* Which columns child `which`, of this depth, may split on; fills mask[which]. */
void wk__gbdt_mask_columns(wk__gbdt_grower *w, const wk__gbdt_leaf *leaf, size_t which);
/* Bounds, categories and the path of the two children of a split. */
void wk__gbdt_pass_on(wk__gbdt_grower *w, const wk__gbdt_leaf *parent, wk__gbdt_leaf *left,
                      wk__gbdt_leaf *right);
void wk__gbdt_start_root(wk__gbdt_grower *w, wk__gbdt_leaf *root);
/* side[i] = 1 where the row goes left by the split's categories; returns how many do. */
size_t wk__gbdt_mark_categories(const uint8_t *bin, const uint32_t *rows, size_t n,
                                const wk__gbdt_split *split, unsigned missing, uint8_t *side);
void wk__gbdt_renew_leaves(wk__gbdt_grower *w, const float *margin);

/* Parts of growth that grow_symmetric.c shares. */
size_t wk__gbdt_slot_acquire(wk__gbdt_grower *w);
void wk__gbdt_slot_release(wk__gbdt_grower *w, long *slot);
void wk__gbdt_build(wk__gbdt_grower *w, const wk__gbdt_group *group, const wk__gbdt_leaf *leaf);
void wk__gbdt_subtract(wk__gbdt_grower *w, const wk__gbdt_group *group, long from, long what);
uint32_t wk__gbdt_new_node(wk__gbdt_grower *w, int32_t parent);
/* Counts per block become the number in all blocks before; returns the total. */
size_t wk__gbdt_running_total(size_t *count, size_t n_blocks);
/* Moves the rows of a leaf to the other buffer, those of the left child first. */
size_t wk__gbdt_partition(wk__gbdt_grower *w, const wk__gbdt_leaf *leaf);
float wk__gbdt_threshold_of(const wk__gbdt_bins *bins, const wk__gbdt_split *s);
/* Makes a leaf's split in the tree; its rows move, its entry becomes the left child and *right the
 * appended one. Histograms are left to the caller. */
void wk__gbdt_split_leaf(wk__gbdt_grower *w, size_t index);
void wk__gbdt_grow_symmetric(wk__gbdt_grower *w);
/* Nodes of a symmetric tree that hold too little take their parents' weights. */
void wk__gbdt_lend_weights(wk__gbdt_grower *w);

/* Draws the rows of a round and the columns of a tree. */
void wk__gbdt_draw(wk__gbdt_grower *w, size_t round, size_t tree);

/* Powers of two that bring sums of |g| and of h into their halves of a cell. */
double wk__gbdt_g_scale(double abs_g);
double wk__gbdt_h_scale(double sum_h);

/* The nearest whole number (ties to even) of |x| < 2^50, by adding a constant that leaves no
 * fraction bits. */
static inline int64_t wk__gbdt_nearest(double x)
{
    double shifted = x + 0x1.8p52;
    int64_t bits, zero;
    const double base = 0x1.8p52;
    memcpy(&bits, &shifted, sizeof bits);
    memcpy(&zero, &base, sizeof zero);
    return bits - zero;
}

static inline int64_t wk__gbdt_fixed(float g, float h, double g_scale, double h_scale)
{
    return wk__gbdt_nearest((double)g * g_scale) * ((int64_t)1 << 32) +
           wk__gbdt_nearest((double)h * h_scale);
}

/* Leaf values, sums and gains from the f32 gradients; adds the leaves to the margin of every row.
 */
void wk__gbdt_finish_tree(wk__gbdt_grower *w, const float *g, const float *h, float *margin);

#endif
