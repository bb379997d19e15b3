/* Builds the plan of prediction: columns of cuts, then the parts of the trees in blocks. */
#include "plan.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gbdt/kernels/ops.h"
#include "kinds.h"

#define LEAVES_MAX 1024 /* of a tree that is cut into parts */
#define DEPTH_MAX 62    /* levels above a cut */
#define HEAP_DEPTH 6
#define INNER_MAX (WK__GBDT_PART - 1)

typedef struct {
    uint32_t feature;
    float threshold;
} split;

static int by_feature(const void *a, const void *b)
{
    const split *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    return (x->threshold > y->threshold) - (x->threshold < y->threshold);
}

typedef struct {
    const wk_forest *forest;
    wk_arena *arena, scratch;
    split *splits; /* distinct, sorted */
    size_t n_splits;
    uint16_t *column_of; /* [n_splits] */
    uint8_t *index_of;   /* place among the cuts of its column */
    wk__gbdt_plan *plan;
    wk__gbdt_part *parts; /* grows */
    uint64_t *plus;
    uint8_t *depth, *n_inner;
    size_t n_parts, capacity;
    wk__gbdt_kind_node *kind_nodes; /* grows */
    size_t n_kind_nodes, kind_capacity;
} builder;

/* What cutting a tree needs, by node. */
typedef struct {
    const wk__gbdt_node *nodes;
    size_t n;
    uint32_t *order; /* breadth first */
    uint32_t *depth, *inner;
    uint32_t *stamp; /* the part a node was last seen in, counted from 1 */
    bool *cut;
} tree_view;

/* False where a threshold is infinite, which the kernels have no place for. */
static bool collect_splits(builder *b)
{
    const wk_forest *forest = b->forest;
    size_t n = 0;
    for (size_t t = 0; t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++)
            n += forest->trees[t].nodes[i].left >= 0;
    b->splits = wk_arena_array(&b->scratch, split, n + 1);
    size_t at = 0;
    for (size_t t = 0; t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
            const wk__gbdt_node *node = &forest->trees[t].nodes[i];
            if (node->left < 0 || node->set)
                continue;
            if (!isfinite(node->value))
                return false;
            b->splits[at++] = (split){node->feature, node->value};
        }
    qsort(b->splits, n, sizeof *b->splits, by_feature);
    for (size_t i = 0; i < n; i++)
        if (b->n_splits == 0 || by_feature(&b->splits[b->n_splits - 1], &b->splits[i]) != 0)
            b->splits[b->n_splits++] = b->splits[i];
    return true;
}

/* Gives each split a column and a place in it; false when there are too many columns. */
static bool make_columns(builder *b)
{
    wk__gbdt_plan *plan = b->plan;
    b->column_of = wk_arena_array(&b->scratch, uint16_t, b->n_splits + 1);
    b->index_of = wk_arena_array(&b->scratch, uint8_t, b->n_splits + 1);
    size_t n = 0, in_column = 0;
    for (size_t i = 0; i < b->n_splits; i++) {
        bool fresh = i == 0 || b->splits[i].feature != b->splits[i - 1].feature;
        if (fresh || in_column == WK__GBDT_CUTS) {
            if (n == WK__GBDT_COLUMNS_MAX)
                return false;
            n++;
            in_column = 0;
        }
        b->column_of[i] = (uint16_t)(n - 1);
        b->index_of[i] = (uint8_t)in_column++;
    }
    plan->n_columns = n;
    plan->n_columns_padded = (n + 63) / 64 * 64;
    plan->n_columns_padded = plan->n_columns_padded ? plan->n_columns_padded : 64;
    plan->feature = wk_arena_array(b->arena, uint32_t, n + 1);
    plan->cuts = wk_arena_array(b->arena, wk__gbdt_cuts, n + 1);
    for (size_t c = 0; c < n; c++) {
        for (size_t i = 0; i < 16; i++)
            plan->cuts[c].group[i] = INFINITY;
        for (size_t i = 0; i < 17 * 16; i++)
            plan->cuts[c].line[i / 16][i % 16] = INFINITY;
    }
    for (size_t i = 0; i < b->n_splits; i++) {
        size_t at = b->index_of[i];
        wk__gbdt_cuts *cuts = &plan->cuts[b->column_of[i]];
        plan->feature[b->column_of[i]] = b->splits[i].feature;
        cuts->line[at / 16][at % 16] = b->splits[i].threshold;
        if (at % 16 == 15)
            cuts->group[at / 16] = b->splits[i].threshold;
    }
    return true;
}

static size_t find_split(const builder *b, const wk__gbdt_node *node)
{
    split wanted = {node->feature, node->value};
    const split *at = bsearch(&wanted, b->splits, b->n_splits, sizeof wanted, by_feature);
    WK_ASSERT(at);
    return (size_t)(at - b->splits);
}

static void view_tree(builder *b, const wk__gbdt_tree *tree, tree_view *v)
{
    size_t n = tree->n_nodes, seen = 1;
    *v = (tree_view){.nodes = tree->nodes, .n = n};
    v->order = wk_arena_array(&b->scratch, uint32_t, n);
    v->depth = wk_arena_array(&b->scratch, uint32_t, n);
    v->inner = wk_arena_array(&b->scratch, uint32_t, n);
    v->stamp = wk_arena_array(&b->scratch, uint32_t, n);
    v->cut = wk_arena_array(&b->scratch, bool, n);
    for (size_t i = 0; i < seen; i++) {
        const wk__gbdt_node *node = &v->nodes[v->order[i]];
        if (node->left < 0)
            continue;
        v->order[seen++] = (uint32_t)node->left;
        v->order[seen++] = (uint32_t)node->right;
        v->depth[node->left] = v->depth[node->right] = v->depth[v->order[i]] + 1;
    }
}

/* Inner nodes below each node, itself included, without those below a cut. */
static void count_inner(tree_view *v)
{
    for (size_t k = v->n; k-- > 0;) {
        uint32_t i = v->order[k];
        const wk__gbdt_node *node = &v->nodes[i];
        v->inner[i] = 0;
        if (node->left < 0)
            continue;
        v->inner[i] = 1;
        for (int side = 0; side < 2; side++) {
            int32_t child = side ? node->right : node->left;
            v->inner[i] += v->cut[child] ? 0 : v->inner[child];
        }
    }
}

/* Cuts subtrees off, the largest that make a part of their own, until the rest is one. */
static bool cut_tree(tree_view *v)
{
    count_inner(v);
    while (v->inner[0] > INNER_MAX) {
        uint32_t best = 0, best_inner = 0;
        for (size_t k = 1; k < v->n; k++) {
            uint32_t i = v->order[k], inner = v->inner[i];
            if (!v->cut[i] && inner > best_inner && v->depth[i] <= DEPTH_MAX &&
                inner + v->depth[i] <= INNER_MAX) {
                /* Below a cut nothing is left to cut. */
                int32_t up = v->nodes[i].parent;
                while (up >= 0 && !v->cut[up])
                    up = v->nodes[up].parent;
                if (up < 0) {
                    best = i;
                    best_inner = inner;
                }
            }
        }
        if (best_inner == 0)
            return false;
        v->cut[best] = true;
        count_inner(v);
    }
    return true;
}

static void room_for_part(builder *b)
{
    if (b->n_parts < b->capacity)
        return;
    b->capacity = b->capacity ? 2 * b->capacity : 512;
    b->parts = realloc(b->parts, b->capacity * sizeof *b->parts);
    b->plus = realloc(b->plus, b->capacity * sizeof *b->plus);
    b->depth = realloc(b->depth, b->capacity);
    b->n_inner = realloc(b->n_inner, b->capacity);
    WK_ASSERT(b->parts && b->plus && b->depth && b->n_inner);
}

/* A node by category never sends a row right by its byte. */
static void add_kind_node(builder *b, const wk__gbdt_node *node, size_t p, size_t i)
{
    if (b->n_kind_nodes == b->kind_capacity) {
        b->kind_capacity = b->kind_capacity ? 2 * b->kind_capacity : 512;
        b->kind_nodes = realloc(b->kind_nodes, b->kind_capacity * sizeof *b->kind_nodes);
        WK_ASSERT(b->kind_nodes);
    }
    b->kind_nodes[b->n_kind_nodes++] = (wk__gbdt_kind_node){.part = (uint32_t)p,
                                                            .feature = node->feature,
                                                            .set = node->set,
                                                            .node = (uint8_t)i,
                                                            .default_left = node->default_left};
}

/* A part without nodes: one leaf, whose value is -0. */
static wk__gbdt_part *add_filler(builder *b)
{
    room_for_part(b);
    wk__gbdt_part *part = &b->parts[b->n_parts];
    memset(part, 0, sizeof *part);
    memset(part->cut, 255, sizeof part->cut);
    for (size_t i = 0; i < WK__GBDT_PART; i++)
        part->value[i] = -0.0f;
    b->plus[b->n_parts] = 0;
    b->depth[b->n_parts] = 1;
    b->n_inner[b->n_parts] = 1;
    b->n_parts++;
    return part;
}

/* The part whose own nodes are those below `top`, less what was cut. */
static void add_part(builder *b, tree_view *v, uint32_t top)
{
    wk__gbdt_part *part = add_filler(b);
    size_t p = b->n_parts - 1;
    uint32_t mark = (uint32_t)b->n_parts;
    for (int32_t i = (int32_t)top; i >= 0; i = v->nodes[i].parent)
        v->stamp[i] = mark;
    for (size_t k = 0; k < v->n; k++) {
        uint32_t i = v->order[k];
        int32_t up = v->nodes[i].parent;
        bool below = up >= 0 && v->depth[i] > v->depth[top] && v->stamp[up] == mark;
        if (below && !v->cut[i])
            v->stamp[i] = mark;
    }
    if (v->nodes[0].left < 0) {
        part->value[0] = v->nodes[0].value;
        return;
    }
    uint32_t queue[WK__GBDT_PART];
    size_t n = 1, n_leaves = 0;
    queue[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const wk__gbdt_node *node = &v->nodes[queue[i]];
        if (node->set) {
            add_kind_node(b, node, p, i);
        } else {
            size_t s = find_split(b, node);
            part->column[i] = (uint8_t)b->column_of[s];
            part->cut[i] = (uint8_t)(b->index_of[s] + node->default_left);
            b->plus[p] |= (uint64_t)node->default_left << i;
        }
        for (int side = 0; side < 2; side++) {
            uint32_t child = (uint32_t)(side ? node->right : node->left);
            uint8_t *link = &part->child[side][i];
            if (v->stamp[child] == mark && v->nodes[child].left >= 0) {
                WK_ASSERT(n < WK__GBDT_PART);
                *link = (uint8_t)(WK__GBDT_INNER | n);
                queue[n++] = child;
                continue;
            }
            WK_ASSERT(n_leaves < WK__GBDT_PART);
            part->value[n_leaves] = v->stamp[child] == mark ? v->nodes[child].value : -0.0f;
            *link = (uint8_t)n_leaves++;
            if (v->depth[child] > b->depth[p])
                b->depth[p] = (uint8_t)v->depth[child];
        }
    }
    b->n_inner[p] = (uint8_t)n;
}

static bool add_tree(builder *b, const wk__gbdt_tree *tree)
{
    if (tree->n_nodes > 2 * LEAVES_MAX)
        return false;
    wk_arena kept = b->scratch;
    wk_arena_init(&b->scratch);
    tree_view v;
    view_tree(b, tree, &v);
    bool fits = cut_tree(&v);
    if (fits) {
        add_part(b, &v, 0);
        for (size_t k = 1; k < v.n; k++)
            if (v.cut[v.order[k]])
                add_part(b, &v, v.order[k]);
    }
    wk_arena_finish(&b->scratch);
    b->scratch = kept;
    return fits;
}

static uint16_t place_of_slot(size_t slot)
{
    return (uint16_t)((offsetof(wk__gbdt_tile, slots) + slot * WK__GBDT_TILE) / 8);
}

static uint16_t place_of_column(const wk__gbdt_plan *plan, const wk__gbdt_part *part, uint64_t plus,
                                size_t node)
{
    size_t plane = plus >> node & 1 ? plan->n_columns_padded : 0;
    return (uint16_t)((plane + part->column[node]) * WK__GBDT_TILE / 8);
}

static void add_batch_nodes(const wk__gbdt_plan *plan, size_t p, size_t *at)
{
    const wk__gbdt_part *part = &plan->parts[p];
    plan->batch->part_nodes[p] = *at;
    for (size_t i = plan->part_inner[p]; i-- > 0;) {
        uint16_t place[2];
        for (int side = 0; side < 2; side++) {
            uint8_t link = part->child[side][i];
            place[side] = place_of_slot(link & WK__GBDT_INNER ? link & (WK__GBDT_INNER - 1)
                                                              : WK__GBDT_PART + (size_t)link);
        }
        uint16_t column = place_of_column(plan, part, plan->plus[p], i);
        plan->batch->nodes[(*at)++] = (wk__gbdt_batch_node){.column = column,
                                                            .cut = part->cut[i] * 0x01010101u,
                                                            .left = place[0],
                                                            .right = place[1],
                                                            .self = place_of_slot(i)};
    }
}

static void add_links(const wk__gbdt_part *part, wk__gbdt_links *links)
{
    for (size_t i = 0; i < WK__GBDT_PART; i++)
        for (int side = 0; side < 2; side++) {
            uint8_t link = part->child[side][i];
            links->step[i][side] = link & WK__GBDT_INNER ? link & (WK__GBDT_INNER - 1)
                                                         : (uint8_t)(WK__GBDT_PART + link);
            links->step[WK__GBDT_PART + i][side] = (uint8_t)(WK__GBDT_PART + i);
        }
}

/* Puts node or leaf `link` of a part at place i; a leaf fills all places below. */
static void add_heap(const wk__gbdt_plan *plan, size_t p, uint8_t link, size_t i,
                     wk__gbdt_heap *heap)
{
    const wk__gbdt_part *part = &plan->parts[p];
    if (i >= WK__GBDT_PART) {
        heap->value[i - WK__GBDT_PART] = part->value[link];
        return;
    }
    bool inner = link & WK__GBDT_INNER;
    uint8_t k = link & (WK__GBDT_INNER - 1);
    heap->column[i] = inner ? place_of_column(plan, part, plan->plus[p], k) : 0;
    heap->cut[i] = inner ? part->cut[k] * 0x01010101u : UINT32_MAX;
    add_heap(plan, p, inner ? part->child[0][k] : link, 2 * i, heap);
    add_heap(plan, p, inner ? part->child[1][k] : link, 2 * i + 1, heap);
}

/* The finished parts, block by block. */
static void lay_out(builder *b)
{
    wk__gbdt_plan *plan = b->plan;
    size_t n = b->n_parts;
    plan->n_blocks = n / WK__GBDT_TOGETHER;
    plan->block_doublings = wk_arena_array(b->arena, uint8_t, plan->n_blocks + 1);
    plan->block_depth = wk_arena_array(b->arena, uint8_t, plan->n_blocks + 1);
    plan->parts = wk_arena_array(b->arena, wk__gbdt_part, n + 1);
    plan->plus = wk_arena_array(b->arena, uint64_t, n + 1);
    plan->part_depth = wk_arena_array(b->arena, uint8_t, n + 1);
    plan->part_inner = wk_arena_array(b->arena, uint8_t, n + 1);
    plan->batch = wk_arena_array(b->arena, wk__gbdt_batch, 1);
    wk_arena_init(&plan->batch->arena);
    wk_arena_init(&plan->batch->link_arena);
    for (size_t i = 0; i < plan->n_blocks; i++) {
        size_t first = i * WK__GBDT_TOGETHER;
        unsigned deepest = 0, doublings = 3;
        for (size_t p = first; p < first + WK__GBDT_TOGETHER; p++)
            deepest = b->depth[p] > deepest ? b->depth[p] : deepest;
        while (1u << doublings < deepest)
            doublings++;
        plan->block_depth[i] = (uint8_t)deepest;
        plan->block_doublings[i] = (uint8_t)doublings;
    }
    if (n == 0)
        return;
    memcpy(plan->parts, b->parts, n * sizeof *b->parts);
    memcpy(plan->plus, b->plus, n * sizeof *b->plus);
    memcpy(plan->part_depth, b->depth, n);
    memcpy(plan->part_inner, b->n_inner, n);
}

static void make_search(const wk__gbdt_cuts *cuts, wk__gbdt_search *search)
{
    search->deep = cuts->line[7][15] < INFINITY;
    for (size_t levels = search->deep ? 8 : 7, level = 0; level < levels; level++)
        for (size_t i = 0, n = (size_t)1 << level; i < n; i++) {
            size_t cut = ((2 * i + 1) << (levels - 1 - level)) - 1;
            search->at[n + i] = cuts->line[cut / 16][cut % 16];
        }
}

static void make_batch(const wk__gbdt_plan *plan)
{
    wk__gbdt_batch *batch = plan->batch;
    size_t n = plan->n_blocks * WK__GBDT_TOGETHER, n_nodes = 0, at = 0;
    for (size_t p = 0; p < n; p++)
        n_nodes += plan->part_inner[p];
    batch->search = wk_arena_array(&batch->arena, wk__gbdt_search, plan->n_columns + 1);
    batch->nodes = wk_arena_array(&batch->arena, wk__gbdt_batch_node, n_nodes + 1);
    batch->part_nodes = wk_arena_array(&batch->arena, size_t, n + 1);
    batch->heaps = wk_arena_array(&batch->arena, wk__gbdt_heap, n + 1);
    batch->is_heap = wk_arena_array(&batch->arena, bool, n + 1);
    for (size_t c = 0; c < plan->n_columns; c++)
        make_search(&plan->cuts[c], &batch->search[c]);
    for (size_t p = 0; p < n; p++) {
        add_batch_nodes(plan, p, &at);
        batch->is_heap[p] = plan->part_depth[p] <= HEAP_DEPTH;
        if (batch->is_heap[p])
            add_heap(plan, p, WK__GBDT_INNER, 1, &batch->heaps[p]);
    }
    batch->part_nodes[n] = at;
    atomic_flag_clear(&batch->pool_is_taken);
    batch->is_made = true;
}

void wk__gbdt_plan_link(const wk__gbdt_plan *plan)
{
    wk__gbdt_batch *batch = plan->batch;
    size_t n = plan->n_blocks * WK__GBDT_TOGETHER;
    if (batch->links)
        return;
    batch->links = wk_arena_array(&batch->link_arena, wk__gbdt_links, n + 1);
    for (size_t p = 0; p < n; p++)
        add_links(&plan->parts[p], &batch->links[p]);
    wk_arena_freeze(&batch->link_arena);
}

static void make_slices(const wk__gbdt_plan *plan, const wk__gbdt_ops *ops)
{
    wk__gbdt_batch *batch = plan->batch;
    batch->slices = wk__gbdt_slices_make(plan, ops->slice_row);
    if (batch->slices)
        batch->pool = wk_arena_array(&batch->arena, wk__gbdt_bits, batch->slices->pool_bits);
    batch->has_slices = true;
}

void wk__gbdt_plan_for_batch(const wk__gbdt_plan *plan, const struct wk__gbdt_ops *ops)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    if (!plan->batch->is_made)
        make_batch(plan);
    if (ops && ops->slice && !plan->batch->has_slices)
        make_slices(plan, ops);
    pthread_mutex_unlock(&lock);
}

static bool make_parts(builder *b)
{
    const wk_forest *forest = b->forest;
    wk__gbdt_plan *plan = b->plan;
    size_t K = forest->n_outputs, n = forest->n_trees;
    size_t *first = wk_arena_array(&b->scratch, size_t, K + 2);
    size_t *sorted = wk_arena_array(&b->scratch, size_t, n + 1);
    for (size_t t = 0; t < n; t++)
        first[forest->trees[t].output + 2]++;
    for (size_t k = 2; k < K + 2; k++)
        first[k] += first[k - 1];
    for (size_t t = 0; t < n; t++)
        sorted[first[forest->trees[t].output + 1]++] = t;
    plan->output_blocks = wk_arena_array(b->arena, size_t, K + 1);
    for (size_t k = 0; k < K; k++) {
        for (size_t i = first[k]; i < first[k + 1]; i++)
            if (!add_tree(b, &forest->trees[sorted[i]]))
                return false;
        while (b->n_parts % WK__GBDT_TOGETHER)
            add_filler(b);
        plan->output_blocks[k + 1] = b->n_parts / WK__GBDT_TOGETHER;
    }
    return true;
}

const wk__gbdt_plan *wk__gbdt_plan_make(wk_forest *forest)
{
    builder b = {.forest = forest, .arena = &forest->arena};
    wk_arena_init(&b.scratch);
    b.plan = wk_arena_array(&forest->arena, wk__gbdt_plan, 1);
    b.plan->n_features = forest->n_features;
    b.plan->n_outputs = forest->n_outputs;
    b.plan->base_margin = forest->base_margin;
    bool fits = collect_splits(&b) && make_columns(&b) && make_parts(&b);
    if (fits && b.n_kind_nodes > 0) {
        b.plan->kinds =
            wk__gbdt_kinds_make(&forest->arena, b.kind_nodes, b.n_kind_nodes, b.n_parts);
        fits = b.plan->kinds != NULL;
    }
    if (fits)
        lay_out(&b);
    free(b.kind_nodes);
    free(b.parts);
    free(b.plus);
    free(b.depth);
    free(b.n_inner);
    wk_arena_finish(&b.scratch);
    return fits ? b.plan : NULL;
}
