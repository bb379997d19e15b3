/* Oblivious trees: all nodes of a level share the split whose gains add up to most. A node in which
 * the split would leave too little on a side is split all the same and adds nothing to the sum; a
 * node that holds less than min_child_weight takes its parent's weight. Method: Prokhorenkova et
 * al. 2018. */
#include "grow.h"

#include <math.h>

#define SLOTS_MAX 256
#define MIN_GAIN 1e-6

typedef struct {
    wk__gbdt_grower *w;
    size_t n_leaves, n_parents; /* leaf l and leaf n_parents + l are siblings */
    bool keeps;                 /* each leaf has a histogram of its own; else all share leaf 0's */
} level_job;

/* Gains of splits behind each bin, missing values right or left; [1 + b] is bin b, [0] is none. */
typedef struct {
    double right[SLOTS_MAX + 1], left[SLOTS_MAX + 1];
} scores;

static double gain_of(const wk_gbdt_params *p, double g, double h)
{
    double t = fabs(g) - p->alpha;
    t = t > 0 ? t : 0;
    return t * t / (h + p->lambda);
}

static double score(const wk__gbdt_grower *w, int64_t all, int64_t left, double rows,
                    double left_rows)
{
    const wk_gbdt_params *p = w->params;
    double G = wk__gbdt_g(all) * w->g_unit, H = wk__gbdt_h(all) * w->h_unit;
    double g = wk__gbdt_g(left) * w->g_unit, h = wk__gbdt_h(left) * w->h_unit;
    double least = p->min_child_weight,
           min_rows = w->counted || w->unit_hessian ? (double)p->min_rows_leaf : 0;
    if (!(h >= least && H - h >= least && h > 0 && H - h > 0) || left_rows < min_rows ||
        rows - left_rows < min_rows)
        return 0;
    return gain_of(p, g, h) + gain_of(p, G - g, H - h) - gain_of(p, G, H);
}

static void score_leaf(const wk__gbdt_grower *w, const wk__gbdt_leaf *leaf, uint32_t n_bins,
                       const int64_t *cells, const uint32_t *counts, scores *s)
{
    size_t last = w->bins->n_slots - 1;
    int64_t sum = 0, present = 0;
    double rows = (double)leaf->n_rows, count = 0, lost = 0;
    for (uint32_t b = 0; b < n_bins; b++)
        present += cells[b];
    int64_t missing = leaf->sum - present;
    lost = counts ? (double)counts[last] : wk__gbdt_h(missing) * w->h_unit;
    s->left[0] += score(w, leaf->sum, missing, rows, lost);
    for (uint32_t b = 0; b < n_bins; b++) {
        sum += cells[b];
        count += counts ? (double)counts[b] : wk__gbdt_h(cells[b]) * w->h_unit;
        s->right[1 + b] += score(w, leaf->sum, sum, rows, count);
        s->left[1 + b] += score(w, leaf->sum, sum + missing, rows, count + lost);
    }
}

static void find_best(uint32_t feature, uint32_t n_bins, const scores *s, wk__gbdt_split *best)
{
    for (uint32_t b = 0; b <= n_bins; b++) {
        if (b > 0 && (float)s->right[b] > best->gain)
            *best = (wk__gbdt_split){
                .gain = (float)s->right[b], .feature = feature, .bin = (int32_t)b - 1};
        if (b < n_bins && (float)s->left[b] > best->gain)
            *best = (wk__gbdt_split){.gain = (float)s->left[b],
                                     .feature = feature,
                                     .bin = (int32_t)b - 1,
                                     .default_left = true};
    }
}

static void make_histograms(const level_job *j, const wk__gbdt_group *group)
{
    wk__gbdt_grower *w = j->w;
    if (j->n_parents == 0 && !w->root_is_made)
        wk__gbdt_build(w, group, &w->leaves[0]);
    for (size_t l = 0; l < j->n_parents; l++) {
        const wk__gbdt_leaf *a = &w->leaves[l], *b = &w->leaves[j->n_parents + l];
        const wk__gbdt_leaf *small = a->n_rows <= b->n_rows ? a : b, *large = small == a ? b : a;
        wk__gbdt_build(w, group, small);
        wk__gbdt_subtract(w, group, large->slot, small->slot);
    }
}

static void search_level(void *context, size_t i)
{
    const level_job *j = context;
    wk__gbdt_grower *w = j->w;
    const wk__gbdt_group *group = &w->groups[i];
    size_t n_slots = w->bins->n_slots;
    scores all[WK__GBDT_BLOCK];
    memset(all, 0, sizeof all);
    if (j->keeps)
        make_histograms(j, group);
    for (size_t l = 0; l < j->n_leaves; l++) {
        wk__gbdt_leaf leaf = w->leaves[l];
        if (!j->keeps) {
            leaf.slot = w->leaves[0].slot;
            wk__gbdt_build(w, group, &leaf);
        }
        const wk__gbdt_slot *slot = &w->slots[leaf.slot];
        for (size_t f = 0; f < group->n; f++) {
            size_t at = (group->first + f) * n_slots;
            score_leaf(w, &leaf, w->bins->n_bins[w->chosen[group->first + f]], slot->cells + at,
                       slot->counts ? slot->counts + at : NULL, &all[f]);
        }
    }
    wk__gbdt_split *best = &w->group_best[2 * i];
    *best = (wk__gbdt_split){0};
    for (size_t f = 0; f < group->n; f++) {
        uint32_t feature = w->chosen[group->first + f];
        if (!w->masked || w->mask[0][feature])
            find_best(feature, w->bins->n_bins[feature], &all[f], best);
    }
}

/* The sums of a leaf from its rows: the search kept none for each. */
static void sum_leaf(void *context, size_t l)
{
    wk__gbdt_grower *w = ((level_job *)context)->w;
    wk__gbdt_leaf *leaf = &w->leaves[l];
    const int64_t *gh = w->gh[leaf->buffer] + leaf->begin;
    leaf->sum = 0;
    for (size_t i = 0; i < leaf->n_rows; i++)
        leaf->sum += gh[i];
}

/* Leaf 0's histogram serves all where there is no room for more. */
static void hand_out_slots(level_job *j, const long *parent_slot)
{
    wk__gbdt_grower *w = j->w;
    j->keeps =
        j->n_leaves <= w->slots_max && (j->n_parents == 0 || parent_slot[j->n_parents - 1] >= 0);
    for (size_t l = 0; l < j->n_leaves; l++)
        w->leaves[l].slot = -1;
    if (!j->keeps) {
        for (size_t l = 0; l < j->n_parents; l++) {
            long slot = parent_slot[l];
            wk__gbdt_slot_release(w, &slot);
        }
        w->leaves[0].slot = (long)wk__gbdt_slot_acquire(w);
        return;
    }
    for (size_t l = 0; l < j->n_parents; l++) {
        wk__gbdt_leaf *a = &w->leaves[l], *b = &w->leaves[j->n_parents + l];
        wk__gbdt_leaf *small = a->n_rows <= b->n_rows ? a : b, *large = small == a ? b : a;
        large->slot = parent_slot[l];
        small->slot = (long)wk__gbdt_slot_acquire(w);
    }
}

void wk__gbdt_grow_symmetric(wk__gbdt_grower *w)
{
    const wk_gbdt_params *p = w->params;
    level_job j = {.w = w, .n_leaves = 1};
    if (w->leaves[0].slot < 0)
        return;
    /* The root's histogram is made already, by the shared search of roots. */
    j.keeps = true;
    w->root_is_made = true;
    size_t capacity = (size_t)1 << p->max_depth;
    long *parent_slot = wk_arena_array(&w->pages->arena, long, capacity);
    for (int64_t depth = 0; depth < p->max_depth; depth++) {
        wk__gbdt_split best = {0};
        if (w->masked)
            wk__gbdt_mask_columns(w, &w->leaves[0], 0);
        wk__gbdt_team_run(w->team, w->n_groups, search_level, &j);
        for (size_t i = 0; i < w->n_groups; i++)
            if (w->group_best[2 * i].gain > best.gain)
                best = w->group_best[2 * i];
        if (!((double)best.gain > MIN_GAIN) || (double)best.gain < p->gamma ||
            (p->max_leaves > 0 && 2 * j.n_leaves > (size_t)p->max_leaves))
            break;
        for (size_t l = 0; l < j.n_leaves; l++)
            parent_slot[l] = w->leaves[l].slot;
        for (size_t l = 0; l < j.n_leaves; l++) {
            w->leaves[l].best = best;
            wk__gbdt_split_leaf(w, l);
        }
        j.n_parents = j.n_leaves;
        j.n_leaves *= 2;
        wk__gbdt_team_run(w->team, j.n_leaves, sum_leaf, &j);
        if (depth + 1 < p->max_depth)
            hand_out_slots(&j, parent_slot);
        else
            for (size_t l = 0; l < j.n_parents; l++)
                wk__gbdt_slot_release(w, &parent_slot[l]);
    }
}

void wk__gbdt_lend_weights(wk__gbdt_grower *w)
{
    for (size_t i = 1; i < w->n_nodes; i++) {
        wk__gbdt_node *node = &w->nodes[i];
        if ((double)node->hessian >= w->params->min_child_weight && node->hessian > 0)
            continue;
        float weight = w->nodes[node->parent].weight;
        node->weight = weight;
        if (node->left < 0)
            node->weight = node->value = (float)w->params->eta * weight;
    }
}
