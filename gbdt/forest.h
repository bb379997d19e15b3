/* The forest in memory, shared by the trainer, the JSON reader and the JSON writer.
 *
 * A forest is built tree by tree and then sealed; sealing lays out the steps that prediction walks.
 * After that nothing in it changes. Everything lives in the forest's own arena. */
#ifndef WICK_GBDT_FOREST_H
#define WICK_GBDT_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/gbdt.h"

/* Categories of a split: whole numbers below 32 * n_words whose bit is set. */
typedef struct {
    uint32_t n_words;
    uint32_t words[];
} wk__gbdt_set;

/* A node as the file has it. A leaf has left = right = -1. */
typedef struct {
    int32_t left, right, parent; /* parent of the root: -1 */
    uint32_t feature;
    float value;             /* x < value goes left; in a leaf: the amount added to the margin */
    float gain;              /* loss change of the split, 0 in a leaf */
    float hessian;           /* sum over the node's rows */
    float weight;            /* unshrunk weight of an inner node; a leaf's value */
    bool default_left;       /* where NaN goes */
    const wk__gbdt_set *set; /* or NULL. A category of the set goes right, any other value left */
} wk__gbdt_node;

typedef struct {
    wk__gbdt_node *nodes;
    size_t n_nodes;
    uint32_t output; /* which margin the tree adds to */
} wk__gbdt_tree;

/* A node as prediction walks it: siblings are adjacent, and a leaf steps onto itself because its
 * threshold is NaN, so that a walk of fixed length needs no test for the end. */
typedef struct {
    float threshold;
    uint32_t feature; /* top bit: NaN goes right */
    uint32_t left;    /* index within the tree; the right child follows */
    float value;      /* of a leaf */
} wk__gbdt_step;

#define WK__GBDT_NAN_RIGHT 0x80000000u
#define WK__GBDT_FEATURES_MAX 0x7fffffffu
#define WK__GBDT_CLASSES_MAX 10000

/* How a margin becomes a prediction. */
typedef enum { WK__LINK_IDENTITY, WK__LINK_LOGISTIC, WK__LINK_SOFTMAX, WK__LINK_EXP } wk__gbdt_link;

wk__gbdt_link wk__gbdt_link_of(int objective);
/* XGBoost's name, or our own. */
const char *wk__gbdt_objective_name(int objective);
/* The name under which the file carries it, so that XGBoost predicts the same: its own, or one of
 * the same link. */
const char *wk__gbdt_objective_name_in_file(int objective);
/* -1 when there is none of that name. */
int wk__gbdt_objective_of_name(const char *name);

struct wk_forest {
    wk_arena arena, node_arena;
    int objective;
    size_t n_outputs, n_features;
    size_t n_trees, trees_capacity;
    wk__gbdt_tree *trees;
    float *base_score;    /* [n_outputs] as in the file: a probability for the logistic objective */
    float *base_margin;   /* [n_outputs] */
    char **names;         /* [n_features] or NULL */
    int64_t label_column; /* of the table it was trained on; -1: unknown */
    bool has_sets;        /* some split is by category */
    bool only_predicts;   /* the nodes are gone */
    wk__gbdt_step *steps;
    size_t *step_root;                /* [n_trees] */
    uint32_t *tree_depth;             /* [n_trees] */
    const struct wk__gbdt_plan *plan; /* for the kernels; NULL where the plain walk does it */
    const struct wk__gbdt_ops *ops;
};

/* An empty forest; trees_capacity is the most trees it will hold. NULL when memory is out. */
wk_forest *wk__forest_create(int objective, size_t n_outputs, size_t n_features,
                             size_t trees_capacity);
/* Sets the base score of every output and derives the margins. */
void wk__forest_set_base(wk_forest *forest, const float *base_score);
void wk__forest_set_names(wk_forest *forest, const char *const *names);
/* Copies the nodes of one more tree, whose links must already be sound. */
void wk__forest_add_tree(wk_forest *forest, const wk__gbdt_node *nodes, size_t n_nodes,
                         uint32_t output);
/* Lays out the steps. Nothing may be added afterwards. */
void wk__forest_seal(wk_forest *forest);

/* A set with room for category numbers below 32 * n_words, empty, in the forest's arena. */
wk__gbdt_set *wk__forest_add_set(wk_forest *forest, uint32_t n_words);

/* Stops the program when the nodes are gone. */
void wk__forest_has_nodes(const wk_forest *forest);

/* The decision of an inner node. */
bool wk__gbdt_goes_left(const wk__gbdt_node *node, const float *row);

/* The leaf that a row ends in, as a node's number. */
uint32_t wk__gbdt_leaf_of(const wk__gbdt_node *nodes, const float *row);

/* The leaf value that a tree gives to a row, from the nodes themselves (before sealing too). */
float wk__gbdt_tree_walk(const wk__gbdt_node *nodes, const float *row);

/* The margins of a row by the plain walk, which defines the bits of every kernel. */
void wk__forest_walk(const wk_forest *forest, const float *row, float *out);

/* The margins of many rows on the calling thread, out [n_rows, n_outputs]: the bits of the walk. */
void wk__forest_margins(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                        float *out);

/* One step down a tree: the index of the child that the row goes to. */
static inline uint32_t wk__gbdt_step_on(const wk__gbdt_step *steps, uint32_t i, const float *row)
{
    const wk__gbdt_step *s = &steps[i];
    float x = row[s->feature & WK__GBDT_FEATURES_MAX];
    return s->left + ((uint32_t)(x >= s->threshold) | ((uint32_t)(x != x) & (s->feature >> 31)));
}

/* exp in f32 by + - * only, within 2 ULP, equal bits on every machine; x is clamped to +-87. */
float wk__gbdt_exp(float x);

/* Margins [n_outputs] to probabilities (or the value), in place. */
void wk__gbdt_transform(int objective, size_t n_outputs, float *margin);

#endif
