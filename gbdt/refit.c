/* New leaves for old trees: each tree's rows are summed as if it had just been grown, and the next
 * tree sees the margins of the new leaves. */
#include <math.h>
#include <string.h>

#include "boost.h"

typedef struct {
    double g, h;
} sum;

typedef struct {
    const wk_forest *forest;
    double keep;
    wk_forest **out;
    uint32_t *leaf, *order; /* [n_rows] the leaf of each row; rows by leaf */
    size_t *begin;          /* [n_nodes + 1] a leaf's rows in order */
    const wk__gbdt_node *nodes;
} refit_call;

typedef struct {
    wk__gbdt_booster *b;
    refit_call *c;
} refit_job;

static void find_leaves(void *context, size_t block)
{
    const refit_job *j = context;
    const wk__gbdt_row_set *set = &j->b->train;
    size_t end = wk__gbdt_block_end(block, set->n_rows);
    for (size_t i = block * WK__GBDT_ROWS; i < end; i++)
        j->c->leaf[i] = wk__gbdt_leaf_of(
            j->c->nodes, set->data->X + (set->rows ? set->rows[i] : i) * set->data->stride);
}

static void group_rows(const wk__gbdt_booster *b, refit_call *c, size_t n_nodes)
{
    memset(c->begin, 0, (n_nodes + 2) * sizeof *c->begin);
    for (size_t i = 0; i < b->train.n_rows; i++)
        c->begin[c->leaf[i] + 2]++;
    for (size_t i = 2; i < n_nodes + 2; i++)
        c->begin[i] += c->begin[i - 1];
    for (size_t i = 0; i < b->train.n_rows; i++)
        c->order[c->begin[c->leaf[i] + 1]++] = (uint32_t)i;
}

/* In blocks that join in order: the sums that growth has. */
static sum sum_rows(const uint32_t *rows, size_t n, const float *g, const float *h)
{
    sum total = {0};
    for (size_t at = 0; at < n; at += WK__GBDT_ROWS) {
        sum part = {0};
        for (size_t i = at; i < n && i < at + WK__GBDT_ROWS; i++) {
            part.g += (double)g[rows[i]];
            part.h += (double)h[rows[i]];
        }
        total.g += part.g;
        total.h += part.h;
    }
    return total;
}

static double bounded_weight(const wk_gbdt_params *p, sum s, bool by_category)
{
    double w =
        by_category ? wk__gbdt_weight_by_category(p, s.g, s.h) : wk__gbdt_weight(p, s.g, s.h);
    double most = p->max_delta_step;
    return most > 0 && w > most ? most : most > 0 && w < -most ? -most : w;
}

static double gain_of(const wk_gbdt_params *p, sum s)
{
    double w = wk__gbdt_weight(p, s.g, s.h);
    return w * w * (s.h + p->lambda);
}

static float leaf_value(const wk__gbdt_booster *b, const refit_call *c, size_t node, size_t k,
                        float weight)
{
    size_t first = c->begin[node], n = c->begin[node + 1] - first, n_rows = b->train.n_rows;
    double alpha;
    if (n == 0 || !wk__gbdt_leaf_quantile(&b->params, &alpha))
        return (float)b->params.eta * weight;
    float *x = wk_arena_array((wk_arena *)(uintptr_t)&b->pages.arena, float, 2 * n), *w = x + n;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = c->order[first + i];
        x[i] = b->train.y[row] - b->train.margin[k * n_rows + row];
        w[i] = b->train.weight ? b->train.weight[row] : 1;
    }
    return wk__gbdt_quantile(alpha, x, b->train.weight ? w : NULL, n) * (float)b->params.eta;
}

/* The file's numbers may have any order. */
static void parents_first(const wk__gbdt_tree *tree, uint32_t *order)
{
    size_t n = 1;
    order[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const wk__gbdt_node *node = &tree->nodes[order[i]];
        if (node->left < 0)
            continue;
        order[n++] = (uint32_t)node->left;
        order[n++] = (uint32_t)node->right;
    }
    WK_ASSERT(n == tree->n_nodes);
}

static void refit_tree(wk__gbdt_booster *b, refit_call *c, size_t t)
{
    const wk_gbdt_params *p = &b->params;
    const wk__gbdt_tree *from = &c->forest->trees[t];
    wk__gbdt_tree *tree = &b->trees[b->n_trees++];
    size_t n = b->train.n_rows, k = from->output, n_nodes = from->n_nodes;
    float prior = b->prior && t < b->n_outputs ? b->prior[k] : 0;
    *tree = *from;
    tree->nodes = wk_arena_array(&b->pages.arena, wk__gbdt_node, n_nodes);
    memcpy(tree->nodes, from->nodes, n_nodes * sizeof *tree->nodes);
    sum *sums = wk_arena_array(&b->pages.arena, sum, n_nodes);
    c->nodes = from->nodes;
    c->begin = wk_arena_array(&b->pages.arena, size_t, n_nodes + 2);
    refit_job j = {b, c};
    wk__gbdt_team_run(b->team, wk__gbdt_n_blocks(n), find_leaves, &j);
    group_rows(b, c, n_nodes);
    uint32_t *order = wk_arena_array(&b->pages.arena, uint32_t, n_nodes);
    parents_first(from, order);
    for (size_t place = n_nodes; place-- > 0;) {
        size_t i = order[place];
        wk__gbdt_node *node = &tree->nodes[i];
        size_t first = c->begin[i];
        if (node->left < 0) {
            sums[i] =
                sum_rows(c->order + first, c->begin[i + 1] - first, b->g + k * n, b->h + k * n);
        } else {
            sum l = sums[node->left], r = sums[node->right];
            sums[i] = (sum){l.g + r.g, l.h + r.h};
            node->gain = (float)(gain_of(p, l) + gain_of(p, r) - gain_of(p, sums[i]));
        }
        bool by_category = node->left < 0 && node->parent >= 0 && from->nodes[node->parent].set;
        float weight = (float)bounded_weight(p, sums[i], by_category);
        node->hessian = (float)sums[i].h;
        node->weight = weight;
        if (node->left < 0) {
            float value = leaf_value(b, c, i, k, weight), old = from->nodes[i].value - prior;
            if (c->keep > 0)
                value = (float)(c->keep * (double)old + (1 - c->keep) * (double)value);
            node->weight = node->value = value;
        }
    }
    for (size_t i = 0; i < n; i++)
        b->train.margin[k * n + i] += tree->nodes[c->leaf[i]].value;
    for (size_t i = 0; prior != 0 && i < n_nodes; i++)
        if (tree->nodes[i].left < 0)
            tree->nodes[i].weight = tree->nodes[i].value += prior;
}

static wk_status run(wk__gbdt_booster *b, void *context, wk_err *err)
{
    refit_call *c = context;
    size_t K = b->n_outputs, n = b->train.n_rows, n_trees = c->forest->n_trees;
    double *sums = wk__gbdt_pages_array(&b->pages, double, 2 * K);
    b->trees = wk__gbdt_pages_array(&b->pages, wk__gbdt_tree, n_trees + 1);
    c->leaf = wk__gbdt_pages_array(&b->pages, uint32_t, n);
    c->order = wk__gbdt_pages_array(&b->pages, uint32_t, n);
    for (size_t t = 0; t < n_trees; t++) {
        if (t % K == 0)
            wk__gbdt_compute_gradients(b, sums, sums + K);
        refit_tree(b, c, t);
    }
    b->n_features = c->forest->n_features;
    WK_TRY(wk__gbdt_make_forest(b, n_trees, wk_forest_names(c->forest), c->out, err));
    (*c->out)->label_column = c->forest->label_column;
    return WK_OK;
}

wk_status wk_gbdt_refit(const wk_gbdt_params *params, const wk_forest *forest,
                        const wk_gbdt_data *data, double keep, int threads, wk_forest **out,
                        wk_err *err)
{
    wk__forest_has_nodes(forest);
    WK_TRY(wk__gbdt_check_params(params, NULL, true, err));
    WK_TRY(wk__gbdt_check_rows(params, data, NULL, "refit", err));
    size_t K = wk__gbdt_n_outputs(params, NULL);
    if (!(keep >= 0 && keep <= 1))
        return wk_fail(err, WK_E_ARG, "the share of the old leaves to keep is %g; it is 0 to 1",
                       keep);
    if (forest->n_features != data->n_cols)
        return wk_fail(err, WK_E_MODEL, "the model to refit sees %zu columns, the table has %zu",
                       forest->n_features, data->n_cols);
    bool fits = forest->n_outputs == K &&
                wk__gbdt_link_of(forest->objective) == wk__gbdt_link_of(params->objective);
    for (size_t t = 0; fits && t < forest->n_trees; t++)
        fits = forest->trees[t].output == t % K;
    if (!fits)
        return wk_fail(
            err, WK_E_MODEL,
            "the model to refit (%s, %zu outputs, a tree for each in turn) does not fit the "
            "objective %s",
            wk__gbdt_objective_name(forest->objective), forest->n_outputs,
            wk__gbdt_objective_name(params->objective));
    /* The base score of new data would move every margin: it stays the forest's, where it is known.
     */
    wk__gbdt_booster b = {.params = *params, .n_features = data->n_cols, .train = {.data = data}};
    if (params->objective != WK_GBDT_SOFTPROB || forest->base_score[0] != 0)
        b.params.base_score = (double)forest->base_score[0];
    b.params.rounds = 0;
    refit_call c = {.forest = forest, .keep = keep, .out = out};
    return wk__gbdt_with_booster(&b, threads, run, &c, err);
}
