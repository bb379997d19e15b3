/* Rules that a node passes on to its children: bounds of weights, columns it may use, categories.
 */
#include "grow.h"

#include <float.h>

#include "wick/rng.h"

#define STREAM_LEVEL ((uint64_t)3 << 32)
#define STREAM_NODE ((uint64_t)4 << 32)

wk__gbdt_rules wk__gbdt_rules_of(const wk__gbdt_grower *w, const wk__gbdt_leaf *leaf,
                                 uint32_t feature)
{
    const wk_gbdt_params *p = w->params;
    bool monotone = p->monotone_constraints.n > feature;
    wk__gbdt_rules r = {
        .sums = {.sum = leaf->sum,
                 .n_rows = leaf->n_rows,
                 .g_unit = w->g_unit,
                 .h_unit = w->h_unit,
                 .lambda = p->lambda,
                 .alpha = p->alpha,
                 .min_child_weight = p->min_child_weight,
                 .min_rows = (size_t)p->min_rows_leaf,
                 .unit_hessian = w->unit_hessian},
        .max_delta_step = p->max_delta_step,
        .monotone = monotone ? (int)p->monotone_constraints.v[feature] : 0,
        .lower = leaf->lower,
        .upper = leaf->upper,
        .gain = leaf->gain,
        .max_cat_to_onehot = p->max_cat_to_onehot > 0 ? (size_t)p->max_cat_to_onehot : 4,
        .max_cat_threshold = p->max_cat_threshold > 0 ? (size_t)p->max_cat_threshold : 64,
        .cat_smooth = p->cat_smooth,
        .cat_l2 = p->cat_l2,
        .min_data_per_group = (double)p->min_data_per_group,
        .rest = w->bins->categorical && w->bins->categorical[feature] && w->bins->rest[feature]};
    for (size_t i = 0; i < p->monotone_constraints.n; i++)
        r.bounded |= p->monotone_constraints.v[i] != 0;
    return r;
}

static float weight_of(const wk__gbdt_grower *w, const wk__gbdt_rules *r, int64_t sum)
{
    return wk__gbdt_bounded_weight(r, wk__gbdt_g(sum) * w->g_unit, wk__gbdt_h(sum) * w->h_unit);
}

static float gain_of(const wk__gbdt_grower *w, const wk__gbdt_rules *r, int64_t sum)
{
    return wk__gbdt_bounded_gain(r, wk__gbdt_g(sum) * w->g_unit, wk__gbdt_h(sum) * w->h_unit);
}

static void make_room(wk__gbdt_grower *w)
{
    size_t words = w->interactions.n_sets > 0 ? w->interactions.words : 0;
    if (w->special)
        w->node_extra =
            wk__gbdt_room(w->node_extra, &w->extra_capacity, w->n_nodes, sizeof *w->node_extra);
    if (words)
        w->node_used = wk__gbdt_room(w->node_used, &w->used_capacity, w->n_nodes * words,
                                     sizeof *w->node_used);
}

void wk__gbdt_start_root(wk__gbdt_grower *w, wk__gbdt_leaf *root)
{
    make_room(w);
    root->lower = -FLT_MAX;
    root->upper = FLT_MAX;
    if (w->special) {
        wk__gbdt_rules r = wk__gbdt_rules_of(w, root, 0);
        root->gain = gain_of(w, &r, root->sum);
        w->node_extra[root->node] = (wk__gbdt_node_extra){.lower = -FLT_MAX, .upper = FLT_MAX};
    }
    if (w->interactions.n_sets > 0)
        memset(w->node_used, 0, w->interactions.words * sizeof *w->node_used);
    if (w->masked)
        wk__gbdt_mask_columns(w, root, 0);
}

/* Draws max(1, share * n) of the n columns, keeping their order. */
static size_t draw_some(uint32_t *columns, size_t n, double share, uint64_t seed, uint64_t stream)
{
    size_t wanted = (size_t)((double)n * share), left = n, kept = 0;
    wanted = wanted < 1 ? 1 : wanted;
    for (size_t i = 0; i < n && kept < wanted; i++, left--)
        if (wk_rng_below(seed, stream, i, left) < wanted - kept)
            columns[kept++] = columns[i];
    return kept;
}

void wk__gbdt_mask_columns(wk__gbdt_grower *w, const wk__gbdt_leaf *leaf, size_t which)
{
    const wk_gbdt_params *p = w->params;
    uint8_t *mask = w->mask[which];
    size_t n = w->n_chosen, n_cols = w->bins->n_cols;
    uint64_t seed = (uint64_t)p->seed;
    memcpy(w->drawn_columns, w->chosen, n * sizeof *w->chosen);
    if (p->colsample_bylevel > 0 && p->colsample_bylevel < 1)
        n = draw_some(w->drawn_columns, n, p->colsample_bylevel, seed,
                      STREAM_LEVEL + w->tree * 64 + (uint64_t)leaf->depth);
    if (p->colsample_bynode > 0 && p->colsample_bynode < 1)
        n = draw_some(w->drawn_columns, n, p->colsample_bynode, seed,
                      (STREAM_NODE + w->tree) * 0x9e3779b97f4a7c15u + leaf->node);
    memset(mask, 0, n_cols);
    for (size_t i = 0; i < n; i++)
        mask[w->drawn_columns[i]] = 1;
    if (w->interactions.n_sets == 0)
        return;
    size_t words = w->interactions.words;
    uint8_t *allowed = (uint8_t *)w->drawn_columns; /* four bytes a column are enough */
    wk__gbdt_interactions_allowed(&w->interactions, w->node_used + leaf->node * words, n_cols,
                                  allowed);
    for (size_t f = 0; f < n_cols; f++)
        mask[f] &= allowed[f];
}

/* Which categories go right, for the model. */
static const wk__gbdt_set *make_set(wk__gbdt_grower *w, const wk__gbdt_split *s)
{
    const uint32_t *categories = w->bins->categories[s->feature];
    uint32_t largest = 0;
    for (unsigned b = 0; b < w->bins->n_bins[s->feature]; b++)
        if (wk__gbdt_in_bins(s->right_bins, b))
            largest = categories[b];
    uint32_t n_words = largest / 32 + 1;
    wk__gbdt_set *set =
        wk_arena_alloc(&w->pages->arena, sizeof *set + n_words * sizeof *set->words);
    set->n_words = n_words;
    memset(set->words, 0, n_words * sizeof *set->words);
    for (unsigned b = 0; b < w->bins->n_bins[s->feature]; b++)
        if (wk__gbdt_in_bins(s->right_bins, b))
            set->words[categories[b] / 32] |= 1u << categories[b] % 32;
    return set;
}

void wk__gbdt_pass_on(wk__gbdt_grower *w, const wk__gbdt_leaf *parent, wk__gbdt_leaf *left,
                      wk__gbdt_leaf *right)
{
    const wk__gbdt_split *s = &parent->best;
    make_room(w);
    if (w->interactions.n_sets > 0) {
        size_t words = w->interactions.words;
        const uint64_t *used = w->node_used + parent->node * words;
        wk__gbdt_leaf *child[2] = {left, right};
        for (int c = 0; c < 2; c++) {
            uint64_t *to = w->node_used + child[c]->node * words;
            memcpy(to, used, words * sizeof *to);
            to[s->feature / 64] |= (uint64_t)1 << s->feature % 64;
        }
    }
    if (!w->special)
        return;
    w->nodes[parent->node].gain = s->gain;
    if (s->by_category) {
        memcpy(w->node_extra[parent->node].right_bins, s->right_bins, sizeof s->right_bins);
        w->nodes[parent->node].set = make_set(w, s);
    }
    /* Weights and gains of the children are taken within the parent's bounds, as XGBoost does. */
    wk__gbdt_rules r = wk__gbdt_rules_of(w, parent, s->feature);
    float wl = weight_of(w, &r, left->sum), wr = weight_of(w, &r, right->sum), mid = (wl + wr) / 2;
    left->gain = gain_of(w, &r, left->sum);
    right->gain = gain_of(w, &r, right->sum);
    left->lower = right->lower = parent->lower;
    left->upper = right->upper = parent->upper;
    if (r.monotone > 0)
        left->upper = right->lower = mid;
    else if (r.monotone < 0)
        left->lower = right->upper = mid;
    w->node_extra[left->node] = (wk__gbdt_node_extra){.lower = left->lower, .upper = left->upper};
    w->node_extra[right->node] =
        (wk__gbdt_node_extra){.lower = right->lower, .upper = right->upper};
}

size_t wk__gbdt_mark_categories(const uint8_t *bin, const uint32_t *rows, size_t n,
                                const wk__gbdt_split *split, unsigned missing, uint8_t *side)
{
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned b = bin[rows[i]];
        side[i] = b == missing ? split->default_left : !wk__gbdt_in_bins(split->right_bins, b);
        n_left += side[i];
    }
    return n_left;
}
