/* Grows one tree: rows are drawn and their gradients fixed to integers, then leaves split one after
 * the other, each on histograms built for the smaller child and subtracted for the larger. Row
 * numbers and gradients move together, stably, so the rows of a leaf are contiguous and ascending.
 * Method: Friedman 2001; histogram subtraction and leaf-wise growth as in Ke et al. 2017. */
#include "grow.h"

#include <stdlib.h>
#include <string.h>

#define G_LIMIT 1073741824.0 /* 2^30: leaves room for the rounding of up to 2^30 rows */
#define H_LIMIT 2147483648.0 /* 2^31 of an unsigned half */
#define HISTOGRAM_BYTES_MAX ((size_t)1 << 30) /* beyond it leaves do not keep their histograms */
#define MIN_GAIN 1e-6f                        /* XGBoost's kRtEps */

wk__gbdt_grower *wk__gbdt_grower_create(const wk_gbdt_params *params, const wk__gbdt_bins *bins,
                                        bool unit_hessian, wk__gbdt_team *team,
                                        wk__gbdt_pages *pages)
{
    wk__gbdt_grower *w = wk__gbdt_pages_array(pages, wk__gbdt_grower, 1);
    size_t n = bins->n_rows, n_blocks = n / WK__GBDT_ROWS + 1;
    *w = (wk__gbdt_grower){.params = params,
                           .bins = bins,
                           .pages = pages,
                           .team = team,
                           .unit_hessian = unit_hessian,
                           .sampled_round = SIZE_MAX};
    w->ops = wk__gbdt_train_ops_at(0);
    w->counted = params->min_rows_leaf > 1 && !unit_hessian;
    w->bounded = params->max_delta_step > 0;
    for (size_t i = 0; i < params->monotone_constraints.n; i++)
        w->bounded |= params->monotone_constraints.v[i] != 0;
    w->special = w->bounded || bins->categorical;
    w->masked = (params->colsample_bylevel > 0 && params->colsample_bylevel < 1) ||
                (params->colsample_bynode > 0 && params->colsample_bynode < 1);
    for (int c = 0; c < 2; c++)
        w->mask[c] = wk__gbdt_pages_array(pages, uint8_t, bins->n_cols);
    w->drawn_columns = wk__gbdt_pages_array(pages, uint32_t, bins->n_cols);
    for (int b = 0; b < 2; b++) {
        w->rows[b] = wk__gbdt_pages_array(pages, uint32_t, n + WK__GBDT_PREFETCH);
        w->gh[b] = wk__gbdt_pages_array(pages, int64_t, n);
    }
    w->sample = wk__gbdt_pages_array(pages, uint32_t, n + 1);
    w->side = wk__gbdt_pages_array(pages, uint8_t, n);
    w->block_count = wk__gbdt_pages_array(pages, size_t, n_blocks + 1);
    w->sampled_before = wk__gbdt_pages_array(pages, size_t, n_blocks + 1);
    w->block_sum = wk__gbdt_pages_array(pages, int64_t, n_blocks + 1);
    w->chosen = wk__gbdt_pages_array(pages, uint32_t, bins->n_cols);
    w->groups = wk__gbdt_pages_array(pages, wk__gbdt_group, bins->n_blocks);
    w->group_best = wk__gbdt_pages_array(pages, wk__gbdt_split, 2 * bins->n_blocks);
    w->n_chosen = (size_t)((double)bins->n_cols * params->colsample_bytree);
    w->n_chosen = w->n_chosen < 1 ? 1 : w->n_chosen;
    size_t cell_bytes = w->counted ? sizeof(int64_t) + sizeof(uint32_t) : sizeof(int64_t);
    w->slots_max = HISTOGRAM_BYTES_MAX / (w->n_chosen * bins->n_slots * cell_bytes);
    w->slots_max = w->slots_max < 2 ? 2 : w->slots_max;
    return w;
}

void wk__gbdt_grower_destroy(wk__gbdt_grower *w)
{
    if (!w)
        return;
    free(w->leaves);
    free(w->nodes);
    free(w->node_bin);
    free(w->node_sum);
    free(w->queue);
    free(w->tasks);
    free(w->slots);
    free(w->free_slots);
    free(w->node_extra);
    free(w->node_used);
}

void wk__gbdt_grower_set_quantiles(wk__gbdt_grower *w, const wk__gbdt_quantiles *quantiles)
{
    w->renews = true;
    w->quantiles = *quantiles;
}

void wk__gbdt_grower_set_interactions(wk__gbdt_grower *w, const wk__gbdt_interactions *in)
{
    w->interactions = *in;
    w->masked |= in->n_sets > 0;
}

void *wk__gbdt_room(void *array, size_t *capacity, size_t wanted, size_t size_bytes)
{
    if (wanted <= *capacity)
        return array;
    size_t grown = *capacity * 2 > wanted ? *capacity * 2 : wanted + 64;
    array = realloc(array, grown * size_bytes);
    WK_ASSERT(array);
    *capacity = grown;
    return array;
}

/* ---- histograms ---- */

size_t wk__gbdt_slot_acquire(wk__gbdt_grower *w)
{
    w->n_live++;
    if (w->n_free > 0)
        return w->free_slots[--w->n_free];
    size_t index = w->n_slots++;
    if (w->n_slots > w->slots_capacity) {
        size_t capacity = w->slots_capacity;
        w->slots = wk__gbdt_room(w->slots, &capacity, w->n_slots, sizeof *w->slots);
        w->free_slots =
            wk__gbdt_room(w->free_slots, &w->slots_capacity, w->n_slots, sizeof *w->free_slots);
    }
    size_t cells = w->n_chosen * w->bins->n_slots;
    w->slots[index].cells = wk_arena_array(&w->pages->arena, int64_t, cells);
    w->slots[index].counts = w->counted ? wk_arena_array(&w->pages->arena, uint32_t, cells) : NULL;
    return index;
}

void wk__gbdt_slot_release(wk__gbdt_grower *w, long *slot)
{
    if (*slot < 0)
        return;
    w->free_slots[w->n_free++] = (size_t)*slot;
    w->n_live--;
    *slot = -1;
}

void wk__gbdt_build(wk__gbdt_grower *w, const wk__gbdt_group *group, const wk__gbdt_leaf *leaf)
{
    size_t at = group->first * w->bins->n_slots, n = group->n * w->bins->n_slots;
    const wk__gbdt_slot *slot = &w->slots[leaf->slot];
    uint32_t *counts = slot->counts ? slot->counts + at : NULL;
    memset(slot->cells + at, 0, n * sizeof *slot->cells);
    if (counts)
        memset(counts, 0, n * sizeof *counts);
    wk__gbdt_histogram(w->bins, group, w->rows[leaf->buffer] + leaf->begin,
                       w->gh[leaf->buffer] + leaf->begin, leaf->n_rows, slot->cells + at, counts);
}

void wk__gbdt_subtract(wk__gbdt_grower *w, const wk__gbdt_group *group, long from, long what)
{
    size_t at = group->first * w->bins->n_slots, n = group->n * w->bins->n_slots;
    int64_t *restrict a = w->slots[from].cells + at;
    const int64_t *restrict b = w->slots[what].cells + at;
    for (size_t i = 0; i < n; i++)
        a[i] -= b[i];
    if (!w->counted)
        return;
    uint32_t *restrict c = w->slots[from].counts + at;
    const uint32_t *restrict d = w->slots[what].counts + at;
    for (size_t i = 0; i < n; i++)
        c[i] -= d[i];
}

static void search_group(wk__gbdt_grower *w, const wk__gbdt_group *group, const wk__gbdt_leaf *leaf,
                         size_t which, wk__gbdt_split *best)
{
    const wk_gbdt_params *p = w->params;
    const uint8_t *mask = w->masked ? w->mask[which] : NULL;
    wk__gbdt_node_sums node = {.sum = leaf->sum,
                               .n_rows = leaf->n_rows,
                               .g_unit = w->g_unit,
                               .h_unit = w->h_unit,
                               .lambda = p->lambda,
                               .alpha = p->alpha,
                               .min_child_weight = p->min_child_weight,
                               .min_rows = (size_t)p->min_rows_leaf,
                               .unit_hessian = w->unit_hessian};
    *best = (wk__gbdt_split){0};
    for (size_t j = 0; j < group->n; j++) {
        size_t at = (group->first + j) * w->bins->n_slots;
        uint32_t feature = w->chosen[group->first + j];
        const wk__gbdt_slot *slot = &w->slots[leaf->slot];
        const uint32_t *counts = slot->counts ? slot->counts + at : NULL;
        uint32_t n_bins = w->bins->n_bins[feature];
        if (mask && !mask[feature])
            continue;
        bool by_category = w->bins->categorical && w->bins->categorical[feature];
        if (!w->bounded && !by_category) {
            w->ops->search(&node, feature, n_bins, w->bins->n_slots, slot->cells + at, counts,
                           best);
            continue;
        }
        wk__gbdt_rules rules = wk__gbdt_rules_of(w, leaf, feature);
        if (n_bins > 0)
            (by_category ? wk__gbdt_search_categories : wk__gbdt_search_bounded)(
                &rules, feature, n_bins, w->bins->n_slots, slot->cells + at, counts, best);
    }
}

static void join_best(wk__gbdt_grower *w, int child, wk__gbdt_leaf *leaf)
{
    leaf->best = (wk__gbdt_split){0};
    for (size_t i = 0; i < w->n_groups; i++)
        if (w->group_best[2 * i + (size_t)child].gain > leaf->best.gain)
            leaf->best = w->group_best[2 * i + (size_t)child];
}

/* ---- leaves ---- */

static bool searchable(const wk__gbdt_grower *w, const wk__gbdt_leaf *leaf)
{
    const wk_gbdt_params *p = w->params;
    return leaf->n_rows >= 2 * (size_t)p->min_rows_leaf && leaf->n_rows >= 2 &&
           (p->max_depth == 0 || leaf->depth < p->max_depth) &&
           (p->max_leaves == 0 || w->n_leaves < (size_t)p->max_leaves);
}

static bool expandable(const wk__gbdt_grower *w, const wk__gbdt_leaf *leaf)
{
    return leaf->best.gain > MIN_GAIN && (double)leaf->best.gain >= w->params->gamma &&
           searchable(w, leaf);
}

uint32_t wk__gbdt_new_node(wk__gbdt_grower *w, int32_t parent)
{
    size_t capacity = w->nodes_capacity;
    w->nodes = wk__gbdt_room(w->nodes, &capacity, w->n_nodes + 1, sizeof *w->nodes);
    capacity = w->nodes_capacity;
    w->node_bin = wk__gbdt_room(w->node_bin, &capacity, w->n_nodes + 1, sizeof *w->node_bin);
    w->node_sum =
        wk__gbdt_room(w->node_sum, &w->nodes_capacity, w->n_nodes + 1, sizeof *w->node_sum);
    w->nodes[w->n_nodes] = (wk__gbdt_node){.left = -1, .right = -1, .parent = parent};
    return (uint32_t)w->n_nodes++;
}

typedef struct {
    wk__gbdt_grower *w;
    const uint8_t *bin; /* of the split's feature, by row */
    int last, missing;  /* bins that go left: up to `last`, and `missing` */
    const uint32_t *rows;
    const int64_t *gh;
    uint32_t *to_rows;
    int64_t *to_gh;
    uint8_t *side;
    size_t n_rows, n_left;
    const wk__gbdt_split *split;
} partition_job;

static void mark_sides(void *context, size_t block)
{
    const partition_job *j = context;
    size_t begin = block * WK__GBDT_ROWS, end = wk__gbdt_block_end(block, j->n_rows);
    if (j->split->by_category) {
        j->w->block_count[block] =
            wk__gbdt_mark_categories(j->bin, j->rows + begin, end - begin, j->split,
                                     (unsigned)j->w->bins->n_slots - 1, j->side + begin);
        return;
    }
    j->w->block_count[block] =
        j->w->ops->mark(j->bin, j->rows + begin, end - begin, j->last, j->missing, j->side + begin);
}

static void move_rows(void *context, size_t block)
{
    const partition_job *j = context;
    size_t begin = block * WK__GBDT_ROWS, end = wk__gbdt_block_end(block, j->n_rows);
    size_t left = j->w->block_count[block], right = j->n_left + begin - left;
    j->w->ops->move(j->rows + begin, j->gh + begin, j->side + begin, end - begin, j->to_rows + left,
                    j->to_gh + left, j->to_rows + right, j->to_gh + right);
}

size_t wk__gbdt_running_total(size_t *count, size_t n_blocks)
{
    size_t total = 0;
    for (size_t b = 0; b < n_blocks; b++) {
        size_t here = count[b];
        count[b] = total;
        total += here;
    }
    return total;
}

size_t wk__gbdt_partition(wk__gbdt_grower *w, const wk__gbdt_leaf *leaf)
{
    const wk__gbdt_split *s = &leaf->best;
    size_t at = leaf->begin, n_blocks = wk__gbdt_n_blocks(leaf->n_rows);
    partition_job j = {.w = w,
                       .split = s,
                       .last = s->bin,
                       .n_rows = leaf->n_rows,
                       .side = w->side + at,
                       .bin = w->bins->by_col + (size_t)s->feature * w->bins->n_rows,
                       .missing = s->default_left ? (int)w->bins->n_slots - 1 : -2,
                       .rows = w->rows[leaf->buffer] + at,
                       .gh = w->gh[leaf->buffer] + at,
                       .to_rows = w->rows[!leaf->buffer] + at,
                       .to_gh = w->gh[!leaf->buffer] + at};
    wk__gbdt_team_run(w->team, n_blocks, mark_sides, &j);
    j.n_left = wk__gbdt_running_total(w->block_count, n_blocks);
    wk__gbdt_team_run(w->team, n_blocks, move_rows, &j);
    return j.n_left;
}

float wk__gbdt_threshold_of(const wk__gbdt_bins *bins, const wk__gbdt_split *s)
{
    if (s->by_category)
        return 0;
    return s->bin < 0 ? bins->below[s->feature] : bins->cuts[s->feature][s->bin];
}

typedef struct {
    wk__gbdt_grower *w;
    const wk__gbdt_leaf *child[2], *small, *large;
    bool want[2], subtracts;
} children_job;

static void evaluate_group(void *context, size_t i)
{
    const children_job *j = context;
    const wk__gbdt_group *group = &j->w->groups[i];
    wk__gbdt_build(j->w, group, j->small);
    if (j->subtracts)
        wk__gbdt_subtract(j->w, group, j->large->slot, j->small->slot);
    else if (j->large)
        wk__gbdt_build(j->w, group, j->large);
    for (size_t c = 0; c < 2; c++)
        if (j->want[c])
            search_group(j->w, group, j->child[c], c, &j->w->group_best[2 * i + c]);
}

/* Histograms and best splits of two children, the smaller built, the larger parent minus smaller.
 */
static void evaluate_children(wk__gbdt_grower *w, wk__gbdt_leaf *left, wk__gbdt_leaf *right,
                              long parent_slot)
{
    children_job j = {.w = w,
                      .child = {left, right},
                      .want = {searchable(w, left), searchable(w, right)},
                      .subtracts = parent_slot >= 0};
    wk__gbdt_leaf *small = left->n_rows <= right->n_rows ? left : right;
    wk__gbdt_leaf *large = small == left ? right : left;
    left->slot = right->slot = -1;
    if (!j.want[0] && !j.want[1]) {
        wk__gbdt_slot_release(w, &parent_slot);
        return;
    }
    small->slot = (long)wk__gbdt_slot_acquire(w);
    large->slot = parent_slot >= 0 ? parent_slot : (long)wk__gbdt_slot_acquire(w);
    j.small = small;
    j.large = large;
    for (size_t c = 0; c < 2 && w->masked; c++)
        if (j.want[c])
            wk__gbdt_mask_columns(w, j.child[c], c);
    wk__gbdt_team_run(w->team, w->n_groups, evaluate_group, &j);
    if (j.want[0])
        join_best(w, 0, left);
    if (j.want[1])
        join_best(w, 1, right);
    if (!expandable(w, left) || w->n_live > w->slots_max)
        wk__gbdt_slot_release(w, &left->slot);
    if (!expandable(w, right) || w->n_live > w->slots_max)
        wk__gbdt_slot_release(w, &right->slot);
}

void wk__gbdt_split_leaf(wk__gbdt_grower *w, size_t index)
{
    wk__gbdt_leaf parent = w->leaves[index];
    size_t n_left = wk__gbdt_partition(w, &parent);
    uint32_t l = wk__gbdt_new_node(w, (int32_t)parent.node),
             r = wk__gbdt_new_node(w, (int32_t)parent.node);
    wk__gbdt_node *node = &w->nodes[parent.node];
    node->left = (int32_t)l;
    node->right = (int32_t)r;
    node->feature = parent.best.feature;
    node->value = wk__gbdt_threshold_of(w->bins, &parent.best);
    node->default_left = parent.best.default_left;
    w->node_bin[parent.node] = parent.best.bin;
    w->leaves = wk__gbdt_room(w->leaves, &w->leaves_capacity, w->n_leaves + 1, sizeof *w->leaves);
    wk__gbdt_leaf *left = &w->leaves[index], *right = &w->leaves[w->n_leaves++];
    *left = (wk__gbdt_leaf){.begin = parent.begin,
                            .n_rows = n_left,
                            .buffer = !parent.buffer,
                            .depth = parent.depth + 1,
                            .sum = parent.best.left,
                            .node = l,
                            .slot = -1};
    *right = (wk__gbdt_leaf){.begin = parent.begin + n_left,
                             .n_rows = parent.n_rows - n_left,
                             .buffer = !parent.buffer,
                             .depth = parent.depth + 1,
                             .sum = parent.sum - parent.best.left,
                             .node = r,
                             .slot = -1};
    if (w->special || w->interactions.n_sets > 0)
        wk__gbdt_pass_on(w, &parent, left, right);
}

/* Splits a leaf: its entry becomes the left child, the right one is appended. */
static void expand(wk__gbdt_grower *w, size_t index)
{
    long slot = w->leaves[index].slot;
    wk__gbdt_split_leaf(w, index);
    wk__gbdt_leaf *left = &w->leaves[index], *right = &w->leaves[w->n_leaves - 1];
    WK_ASSERT(left->n_rows > 0 && right->n_rows > 0);
    evaluate_children(w, left, right, slot);
}

static void grow_lossguide(wk__gbdt_grower *w)
{
    for (;;) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < w->n_leaves; i++) {
            const wk__gbdt_leaf *leaf = &w->leaves[i];
            if (!expandable(w, leaf))
                continue;
            if (best == SIZE_MAX || leaf->best.gain > w->leaves[best].best.gain ||
                (leaf->best.gain == w->leaves[best].best.gain && leaf->node < w->leaves[best].node))
                best = i;
        }
        if (best == SIZE_MAX)
            return;
        expand(w, best);
    }
}

/* First in, first out is level by level in the order of node numbers. */
static void grow_depthwise(wk__gbdt_grower *w)
{
    size_t head = 0, tail = 0;
    w->queue = wk__gbdt_room(w->queue, &w->queue_capacity, 1, sizeof *w->queue);
    w->queue[tail++] = 0;
    while (head < tail) {
        size_t index = w->queue[head++];
        if (!expandable(w, &w->leaves[index])) {
            wk__gbdt_slot_release(w, &w->leaves[index].slot);
            continue;
        }
        expand(w, index);
        w->queue = wk__gbdt_room(w->queue, &w->queue_capacity, tail + 2, sizeof *w->queue);
        w->queue[tail++] = index;
        w->queue[tail++] = w->n_leaves - 1;
    }
}

/* ---- the root ---- */

typedef struct {
    wk__gbdt_grower *w;
    const float *g, *h;
} root_job;

/* The largest power of two with scale * sum <= limit. */
static double scale_for(double sum, double limit)
{
    double scale = 1;
    if (!(sum > 0))
        return 1;
    while (scale * 2 * sum <= limit && scale < 0x1p60)
        scale *= 2;
    while (scale * sum > limit)
        scale /= 2;
    return scale;
}

double wk__gbdt_g_scale(double abs_g)
{
    return scale_for(abs_g, G_LIMIT);
}

double wk__gbdt_h_scale(double sum_h)
{
    return scale_for(sum_h, H_LIMIT);
}

static void fill_block(void *context, size_t block)
{
    const root_job *j = context;
    wk__gbdt_grower *w = j->w;
    double g_scale = 1 / w->g_unit, h_scale = 1 / w->h_unit;
    size_t end = wk__gbdt_block_end(block, w->n_sampled);
    int64_t sum = 0;
    for (size_t i = block * WK__GBDT_ROWS; i < end; i++) {
        uint32_t row = w->sample[i];
        int64_t v = wk__gbdt_fixed(j->g[row], j->h[row], g_scale, h_scale);
        w->rows[0][i] = row;
        w->gh[0][i] = v;
        sum += v;
    }
    w->block_sum[block] = sum;
}

static void evaluate_root_group(void *context, size_t i)
{
    wk__gbdt_grower *w = context;
    if (!w->root_is_made)
        wk__gbdt_build(w, &w->groups[i], &w->leaves[0]);
    search_group(w, &w->groups[i], &w->leaves[0], 0, &w->group_best[2 * i]);
}

void wk__gbdt_grow(wk__gbdt_grower *w, size_t round, size_t index, const float *g, const float *h,
                   double abs_g, double sum_h, float *margin, const wk__gbdt_node **nodes,
                   size_t *n_nodes)
{
    root_job j = {.w = w, .g = g, .h = h};
    wk__gbdt_draw(w, round, index);
    w->g_unit = 1 / wk__gbdt_g_scale(abs_g);
    w->h_unit = 1 / wk__gbdt_h_scale(sum_h);
    w->n_nodes = 0;
    w->n_leaves = 1;
    w->leaves = wk__gbdt_room(w->leaves, &w->leaves_capacity, 1, sizeof *w->leaves);
    wk__gbdt_leaf *root = &w->leaves[0];
    *root = (wk__gbdt_leaf){.n_rows = w->n_sampled, .slot = -1};
    size_t n_blocks = wk__gbdt_n_blocks(w->n_sampled);
    wk__gbdt_team_run(w->team, n_blocks, fill_block, &j);
    for (size_t b = 0; b < n_blocks; b++)
        root->sum += w->block_sum[b];
    root->node = wk__gbdt_new_node(w, -1);
    wk__gbdt_start_root(w, root);
    w->root_is_made = w->next_shared < w->n_shared;
    if (searchable(w, root)) {
        root->slot = (long)wk__gbdt_slot_acquire(w);
        if (w->root_is_made) {
            int64_t **made = &w->shared_root[w->next_shared], *cells = w->slots[root->slot].cells;
            w->slots[root->slot].cells = *made;
            *made = cells;
        }
        wk__gbdt_team_run(w->team, w->n_groups, evaluate_root_group, w);
        join_best(w, 0, root);
    }
    w->next_shared += w->root_is_made;
    if (w->params->grow_policy == 2)
        wk__gbdt_grow_symmetric(w);
    else if (w->params->grow_policy == 1)
        grow_lossguide(w);
    else
        grow_depthwise(w);
    for (size_t i = 0; i < w->n_leaves; i++)
        wk__gbdt_slot_release(w, &w->leaves[i].slot);
    wk__gbdt_finish_tree(w, g, h, margin);
    *nodes = w->nodes;
    *n_nodes = w->n_nodes;
}
