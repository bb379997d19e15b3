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
} wk__gbdt_leaf;

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
};

/* Room for `wanted` elements; stops the program when memory is out. */
void *wk__gbdt_room(void *array, size_t *capacity, size_t wanted, size_t size_bytes);

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

/* Leaf values, sums and gains from the f32 gradients; adds the leaves to the margin of every row. */
void wk__gbdt_finish_tree(wk__gbdt_grower *w, const float *g, const float *h, float *margin);

#endif
