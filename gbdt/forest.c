#include "forest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gbdt/kernels/ops.h"
#include "kinds.h"
#include "wick/math.h"

/* Trees walked side by side: enough independent chains to hide the latency of a load. */
#define SIDE 8

wk_forest *wk__forest_create(int objective, size_t n_outputs, size_t n_features,
                             size_t trees_capacity)
{
    wk_forest *forest = calloc(1, sizeof *forest);
    if (!forest)
        return NULL;
    wk_arena_init(&forest->arena);
    wk_arena_init(&forest->node_arena);
    forest->objective = objective;
    forest->n_outputs = n_outputs;
    forest->n_features = n_features;
    forest->trees_capacity = trees_capacity;
    forest->label_column = -1;
    forest->trees = wk_arena_array(&forest->arena, wk__gbdt_tree, trees_capacity + 1);
    forest->base_score = wk_arena_array(&forest->arena, float, n_outputs);
    forest->base_margin = wk_arena_array(&forest->arena, float, n_outputs);
    return forest;
}

void wk_forest_destroy(wk_forest *forest)
{
    if (!forest)
        return;
    if (forest->plan) {
        wk_arena_finish(&forest->plan->batch->arena);
        wk_arena_finish(&forest->plan->batch->link_arena);
    }
    wk_arena_finish(&forest->node_arena);
    wk_arena_finish(&forest->arena);
    free(forest);
}

void wk_forest_only_predicts(wk_forest *forest)
{
    if (forest->only_predicts || (forest->has_sets && !forest->plan))
        return;
    forest->only_predicts = true;
    for (size_t t = 0; t < forest->n_trees; t++)
        forest->trees[t].nodes = NULL;
    wk_arena_finish(&forest->node_arena);
    wk_arena_freeze(&forest->node_arena);
}

void wk__forest_has_nodes(const wk_forest *forest)
{
    WK_ASSERT(!forest->only_predicts);
}

void wk__forest_set_base(wk_forest *forest, const float *base_score)
{
    for (size_t k = 0; k < forest->n_outputs; k++) {
        float b = base_score[k];
        forest->base_score[k] = b;
        /* The base score of logistic and of Poisson is a prediction; the softmax one is a margin
         * already. */
        wk__gbdt_link link = wk__gbdt_link_of(forest->objective);
        forest->base_margin[k] = link == WK__LINK_LOGISTIC ? (float)-wk_log(1.0 / (double)b - 1.0)
                                 : link == WK__LINK_EXP    ? (float)wk_log((double)b)
                                                           : b;
    }
}

void wk__forest_set_names(wk_forest *forest, const char *const *names)
{
    forest->names = wk_arena_array(&forest->arena, char *, forest->n_features);
    for (size_t f = 0; f < forest->n_features; f++)
        forest->names[f] = wk_arena_strdup(&forest->arena, names[f]);
}

void wk__forest_add_tree(wk_forest *forest, const wk__gbdt_node *nodes, size_t n_nodes,
                         uint32_t output)
{
    WK_ASSERT(forest->n_trees < forest->trees_capacity && n_nodes > 0 && !forest->arena.frozen);
    wk__gbdt_tree *tree = &forest->trees[forest->n_trees++];
    tree->nodes = wk_arena_array(&forest->node_arena, wk__gbdt_node, n_nodes);
    memcpy(tree->nodes, nodes, n_nodes * sizeof *nodes);
    tree->n_nodes = n_nodes;
    tree->output = output;
    for (size_t i = 0; i < n_nodes; i++)
        forest->has_sets |= nodes[i].set != NULL;
}

wk__gbdt_set *wk__forest_add_set(wk_forest *forest, uint32_t n_words)
{
    wk__gbdt_set *set = wk_arena_alloc(&forest->arena, sizeof *set + n_words * sizeof *set->words);
    set->n_words = n_words;
    return set;
}

/* Breadth first, so that siblings are adjacent and the top of the tree shares cache lines. */
static uint32_t lay_out(const wk__gbdt_tree *tree, wk__gbdt_step *steps, uint32_t *node_of,
                        uint32_t *depth_of)
{
    uint32_t n = 1, deepest = 0;
    node_of[0] = 0;
    depth_of[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        const wk__gbdt_node *node = &tree->nodes[node_of[i]];
        if (node->left < 0) {
            steps[i] = (wk__gbdt_step){.threshold = NAN, .left = i, .value = node->value};
            deepest = depth_of[i] > deepest ? depth_of[i] : deepest;
            continue;
        }
        steps[i] = (wk__gbdt_step){.threshold = node->value,
                                   .feature = node->feature |
                                              (node->default_left ? 0 : WK__GBDT_NAN_RIGHT),
                                   .left = n};
        node_of[n] = (uint32_t)node->left;
        node_of[n + 1] = (uint32_t)node->right;
        depth_of[n] = depth_of[n + 1] = depth_of[i] + 1;
        n += 2;
    }
    return deepest;
}

static void lay_out_steps(wk_forest *forest)
{
    size_t total = 0, largest = 0;
    for (size_t t = 0; t < forest->n_trees; t++) {
        total += forest->trees[t].n_nodes;
        largest = forest->trees[t].n_nodes > largest ? forest->trees[t].n_nodes : largest;
    }
    forest->steps = wk_arena_array(&forest->arena, wk__gbdt_step, total + 1);
    forest->step_root = wk_arena_array(&forest->arena, size_t, forest->n_trees + 1);
    forest->tree_depth = wk_arena_array(&forest->arena, uint32_t, forest->n_trees + 1);
    wk_arena scratch;
    wk_arena_init(&scratch);
    uint32_t *node_of = wk_arena_array(&scratch, uint32_t, largest + 2);
    uint32_t *depth_of = wk_arena_array(&scratch, uint32_t, largest + 2);
    size_t at = 0;
    for (size_t t = 0; t < forest->n_trees; t++) {
        forest->step_root[t] = at;
        forest->tree_depth[t] = lay_out(&forest->trees[t], forest->steps + at, node_of, depth_of);
        at += forest->trees[t].n_nodes;
    }
    wk_arena_finish(&scratch);
}

void wk__forest_seal(wk_forest *forest)
{
    forest->ops = wk__gbdt_ops_at(0);
    forest->plan = forest->ops ? wk__gbdt_plan_make(forest) : NULL;
    if (!forest->plan)
        lay_out_steps(forest);
    else if (forest->ops->follows_links)
        wk__gbdt_plan_link(forest->plan);
    wk_arena_freeze(&forest->arena);
    wk_arena_freeze(&forest->node_arena);
}

const char *wk_forest_kernel(const wk_forest *forest)
{
    return forest->plan ? forest->ops->name : "c";
}

size_t wk_forest_n_outputs(const wk_forest *forest)
{
    return forest->n_outputs;
}

size_t wk_forest_n_features(const wk_forest *forest)
{
    return forest->n_features;
}

size_t wk_forest_n_trees(const wk_forest *forest)
{
    return forest->n_trees;
}

int64_t wk_forest_label_column(const wk_forest *forest)
{
    return forest->label_column;
}

void wk_forest_set_label_column(wk_forest *forest, int64_t column)
{
    forest->label_column = column;
}

const char *const *wk_forest_names(const wk_forest *forest)
{
    return (const char *const *)forest->names;
}

int wk_forest_objective(const wk_forest *forest)
{
    return forest->objective;
}

/* XGBoost's rule: a fraction is cut off; what is negative or too large is in no set. */
static bool in_set(const wk__gbdt_set *set, float x)
{
    return x > -1 && x < (float)0x1p24 && wk__gbdt_set_has(set, (uint32_t)(x > 0 ? x : 0));
}

bool wk__gbdt_goes_left(const wk__gbdt_node *node, const float *row)
{
    float x = row[node->feature];
    return isnan(x) ? node->default_left : node->set ? !in_set(node->set, x) : x < node->value;
}

uint32_t wk__gbdt_leaf_of(const wk__gbdt_node *nodes, const float *row)
{
    uint32_t at = 0;
    while (nodes[at].left >= 0)
        at = (uint32_t)(wk__gbdt_goes_left(&nodes[at], row) ? nodes[at].left : nodes[at].right);
    return at;
}

float wk__gbdt_tree_walk(const wk__gbdt_node *nodes, const float *row)
{
    return nodes[wk__gbdt_leaf_of(nodes, row)].value;
}

void wk__forest_walk(const wk_forest *forest, const float *row, float *out)
{
    memcpy(out, forest->base_margin, forest->n_outputs * sizeof *out);
    size_t t = 0;
    for (; (forest->has_sets || !forest->steps) && t < forest->n_trees; t++)
        out[forest->trees[t].output] += wk__gbdt_tree_walk(forest->trees[t].nodes, row);
    for (; t + SIDE <= forest->n_trees; t += SIDE) {
        const wk__gbdt_step *tree[SIDE];
        uint32_t at[SIDE] = {0}, depth = 0;
        for (size_t j = 0; j < SIDE; j++) {
            tree[j] = forest->steps + forest->step_root[t + j];
            depth = forest->tree_depth[t + j] > depth ? forest->tree_depth[t + j] : depth;
        }
        /* Most rows meet a leaf long before the deepest one: stop when a round moves nobody. */
        for (uint32_t d = 0, moved = 1; d < depth && moved; d++) {
            moved = 0;
            for (size_t j = 0; j < SIDE; j++) {
                uint32_t next = wk__gbdt_step_on(tree[j], at[j], row);
                moved |= next ^ at[j];
                at[j] = next;
            }
        }
        for (size_t j = 0; j < SIDE; j++)
            out[forest->trees[t + j].output] += tree[j][at[j]].value;
    }
    for (; t < forest->n_trees; t++) {
        const wk__gbdt_step *tree = forest->steps + forest->step_root[t];
        uint32_t at = 0;
        for (uint32_t d = 0; d < forest->tree_depth[t]; d++)
            at = wk__gbdt_step_on(tree, at, row);
        out[forest->trees[t].output] += tree[at].value;
    }
}

void wk_forest_margin(const wk_forest *forest, const float *row, float *out)
{
    if (forest->plan)
        forest->ops->row(forest->plan, row, out);
    else
        wk__forest_walk(forest, row, out);
}

void wk_forest_margin_from(const wk_forest *forest, const float *row, const float *base_margin,
                           float *out)
{
    wk__forest_has_nodes(forest);
    memcpy(out, base_margin, forest->n_outputs * sizeof *out);
    for (size_t t = 0; t < forest->n_trees; t++)
        out[forest->trees[t].output] += wk__gbdt_tree_walk(forest->trees[t].nodes, row);
}

void wk_forest_leaves(const wk_forest *forest, const float *row, uint32_t *leaf)
{
    wk__forest_has_nodes(forest);
    for (size_t t = 0; t < forest->n_trees; t++)
        leaf[t] = wk__gbdt_leaf_of(forest->trees[t].nodes, row);
}

/* Cody-Waite reduction and the polynomial of degree 6 of Cephes' expf. */
float wk__gbdt_exp(float x)
{
    x = x > 87.0f ? 87.0f : x;
    x = x < -87.0f ? -87.0f : x;
    float shifted = x * 1.44269504088896341f + 12582912.0f;
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

void wk__gbdt_transform(int objective, size_t n_outputs, float *margin)
{
    wk__gbdt_link link = wk__gbdt_link_of(objective);
    if (link == WK__LINK_EXP) {
        margin[0] = wk__gbdt_exp(margin[0]);
    } else if (link == WK__LINK_LOGISTIC) {
        margin[0] = 1.0f / (1.0f + wk__gbdt_exp(-margin[0]));
    } else if (link == WK__LINK_SOFTMAX) {
        float top = margin[0];
        for (size_t k = 1; k < n_outputs; k++)
            top = margin[k] > top ? margin[k] : top;
        double sum = 0;
        for (size_t k = 0; k < n_outputs; k++) {
            margin[k] = wk__gbdt_exp(margin[k] - top);
            sum += (double)margin[k];
        }
        for (size_t k = 0; k < n_outputs; k++)
            margin[k] /= (float)sum;
    }
}

void wk_forest_predict(const wk_forest *forest, const float *row, float *out)
{
    wk_forest_margin(forest, row, out);
    wk__gbdt_transform(forest->objective, forest->n_outputs, out);
}

void wk_forest_importance(const wk_forest *forest, double *gain)
{
    wk__forest_has_nodes(forest);
    double total = 0;
    for (size_t f = 0; f < forest->n_features; f++)
        gain[f] = 0;
    for (size_t t = 0; t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
            const wk__gbdt_node *node = &forest->trees[t].nodes[i];
            if (node->left < 0)
                continue;
            gain[node->feature] += (double)node->gain;
            total += (double)node->gain;
        }
    for (size_t f = 0; f < forest->n_features; f++)
        gain[f] = total > 0 ? gain[f] / total : 0;
}
