/* The end of a tree: exact sums, leaf values and the new margins. */
#include "grow.h"

#include <float.h>

/* Blocks of rows, cut by size alone; their sums join in order. */
static size_t make_tasks(wk__gbdt_grower *w)
{
    size_t n = 0;
    for (size_t l = 0; l < w->n_leaves; l++)
        for (size_t at = 0; at < w->leaves[l].n_rows; at += WK__GBDT_ROWS) {
            size_t left = w->leaves[l].n_rows - at;
            w->tasks = wk__gbdt_room(w->tasks, &w->tasks_capacity, n + 1, sizeof *w->tasks);
            w->tasks[n++] = (wk__gbdt_task){
                .leaf = l, .begin = at, .n_rows = left < WK__GBDT_ROWS ? left : WK__GBDT_ROWS};
        }
    return n;
}

static const uint32_t *task_rows(const wk__gbdt_grower *w, const wk__gbdt_task *task)
{
    const wk__gbdt_leaf *leaf = &w->leaves[task->leaf];
    return w->rows[leaf->buffer] + leaf->begin + task->begin;
}

static double gain_of(const wk_gbdt_params *p, wk__gbdt_sum s)
{
    /* T(G)^2 / (H + lambda), by way of the weight w = -T(G) / (H + lambda). */
    double w = wk__gbdt_weight(p, s.g, s.h);
    return w * w * (s.h + p->lambda);
}

static void set_values(wk__gbdt_grower *w)
{
    const wk_gbdt_params *p = w->params;
    for (size_t i = w->n_nodes; i-- > 0;) {
        wk__gbdt_node *node = &w->nodes[i];
        if (node->left >= 0) {
            wk__gbdt_sum l = w->node_sum[node->left], r = w->node_sum[node->right];
            w->node_sum[i] = (wk__gbdt_sum){l.g + r.g, l.h + r.h};
            if (!w->special)
                node->gain = (float)(gain_of(p, l) + gain_of(p, r) - gain_of(p, w->node_sum[i]));
        }
        wk__gbdt_sum s = w->node_sum[i];
        bool by_category = node->parent >= 0 && w->nodes[node->parent].set;
        float weight =
            (float)(by_category && node->left < 0 ? wk__gbdt_weight_by_category(p, s.g, s.h)
                                                  : wk__gbdt_weight(p, s.g, s.h));
        if (w->bounded) {
            const wk__gbdt_node_extra *bound = &w->node_extra[i];
            float most = p->max_delta_step > 0 ? (float)p->max_delta_step : FLT_MAX;
            weight = weight > most ? most : weight < -most ? -most : weight;
            weight = weight < bound->lower   ? bound->lower
                     : weight > bound->upper ? bound->upper
                                             : weight;
        }
        node->hessian = (float)s.h;
        node->weight = weight;
        if (node->left < 0)
            node->weight = node->value = (float)p->eta * weight;
    }
}

/* Rows that were not drawn walk down the tree by their bins. */
static float walk_bins(const wk__gbdt_grower *w, size_t row)
{
    size_t n_rows = w->bins->n_rows;
    int missing = (int)w->bins->n_slots - 1;
    const wk__gbdt_node *node = w->nodes;
    while (node->left >= 0) {
        int bin = w->bins->by_col[(size_t)node->feature * n_rows + row];
        bool left =
            node->set && bin != missing
                ? !wk__gbdt_in_bins(w->node_extra[node - w->nodes].right_bins, (unsigned)bin)
                : bin <= w->node_bin[node - w->nodes] || (bin == missing && node->default_left);
        node = w->nodes + (left ? node->left : node->right);
    }
    return node->value;
}

typedef struct {
    wk__gbdt_grower *w;
    const float *g, *h;
    float *margin;
} finish_job;

static void sum_task(void *context, size_t t)
{
    const finish_job *j = context;
    wk__gbdt_task *task = &j->w->tasks[t];
    const uint32_t *rows = task_rows(j->w, task);
    wk__gbdt_sum sum = {0};
    for (size_t i = 0; i < task->n_rows; i++) {
        sum.g += (double)j->g[rows[i]];
        sum.h += (double)j->h[rows[i]];
    }
    task->sum = sum;
}

static void add_task(void *context, size_t t)
{
    const finish_job *j = context;
    const wk__gbdt_task *task = &j->w->tasks[t];
    const uint32_t *rows = task_rows(j->w, task);
    float value = j->w->nodes[j->w->leaves[task->leaf].node].value;
    for (size_t i = 0; i < task->n_rows; i++)
        j->margin[rows[i]] += value;
}

static void walk_block(void *context, size_t block)
{
    const finish_job *j = context;
    size_t n = j->w->bins->n_rows - j->w->n_sampled, end = wk__gbdt_block_end(block, n);
    const uint32_t *rows = j->w->sample + j->w->n_sampled;
    for (size_t i = block * WK__GBDT_ROWS; i < end; i++)
        j->margin[rows[i]] += walk_bins(j->w, rows[i]);
}

void wk__gbdt_finish_tree(wk__gbdt_grower *w, const float *g, const float *h, float *margin)
{
    finish_job j = {w, g, h, margin};
    size_t n_tasks = make_tasks(w);
    wk__gbdt_team_run(w->team, n_tasks, sum_task, &j);
    for (size_t i = 0; i < w->n_nodes; i++)
        w->node_sum[i] = (wk__gbdt_sum){0};
    for (size_t t = 0; t < n_tasks; t++) {
        wk__gbdt_sum *sum = &w->node_sum[w->leaves[w->tasks[t].leaf].node];
        sum->g += w->tasks[t].sum.g;
        sum->h += w->tasks[t].sum.h;
    }
    set_values(w);
    if (w->params->grow_policy == 2)
        wk__gbdt_lend_weights(w);
    if (w->renews)
        wk__gbdt_renew_leaves(w, margin);
    wk__gbdt_team_run(w->team, n_tasks, add_task, &j);
    wk__gbdt_team_run(w->team, wk__gbdt_n_blocks(w->bins->n_rows - w->n_sampled), walk_block, &j);
}
