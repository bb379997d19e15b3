/* Boosting: rounds of gradients and trees, with a validation set and early stopping.
 *
 * A row of weight 0 is left out altogether. Sums over rows are taken in blocks of fixed size that
 * join in order. */
#include "boost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    wk__gbdt_booster *b;
    const wk__gbdt_row_set *set;
    const wk__gbdt_node *nodes;
    size_t output;
} set_job;

static void apply_block(void *context, size_t block)
{
    const set_job *j = context;
    const wk__gbdt_row_set *set = j->set;
    const wk_gbdt_data *data = set->data;
    float *margin = set->margin + j->output * set->n_rows;
    size_t end = wk__gbdt_block_end(block, set->n_rows);
    for (size_t i = block * WK__GBDT_ROWS; i < end; i++)
        margin[i] +=
            wk__gbdt_tree_walk(j->nodes, data->X + (set->rows ? set->rows[i] : i) * data->stride);
}

static void keep_tree(wk__gbdt_booster *b, const wk__gbdt_node *nodes, size_t n_nodes, size_t k)
{
    wk__gbdt_tree *tree = &b->trees[b->n_trees++];
    tree->nodes = wk_arena_array(&b->pages.arena, wk__gbdt_node, n_nodes);
    memcpy(tree->nodes, nodes, n_nodes * sizeof *nodes);
    tree->n_nodes = n_nodes;
    tree->output = (uint32_t)k;
    for (size_t i = 0; b->prior && b->n_trees <= b->n_outputs && i < n_nodes; i++)
        if (tree->nodes[i].left < 0)
            tree->nodes[i].weight = tree->nodes[i].value += b->prior[k];
}

static wk__gbdt_grower *make_grower(wk__gbdt_booster *b)
{
    const wk_gbdt_params *p = &b->params;
    double alpha;
    bool quantile = wk__gbdt_leaf_quantile(p, &alpha);
    bool ones = p->objective == WK_GBDT_SQUARED_ERROR || p->objective == WK_GBDT_HUBER || quantile;
    bool custom = b->custom && b->custom->gradient;
    wk__gbdt_grower *grower = wk__gbdt_grower_create(
        p, &b->bins, ones && !custom && !b->train.weight && p->sampling_method == 0, b->team,
        &b->pages);
    wk__gbdt_grower_set_interactions(grower, &b->interactions);
    wk__gbdt_grower_set_row_numbers(grower, b->train.rows);
    wk__gbdt_quantiles quantiles = {alpha, b->train.y, b->train.weight};
    if (quantile && !custom)
        wk__gbdt_grower_set_quantiles(grower, &quantiles);
    return grower;
}

/* The trees of a round. */
static void grow_round(wk__gbdt_booster *b, wk__gbdt_grower *grower, size_t round,
                       const double *abs_g, const double *sum_h)
{
    size_t K = b->n_outputs, n = b->train.n_rows;
    for (size_t k = 0; k < K; k++) {
        const wk__gbdt_node *nodes;
        size_t n_nodes, left = K - k;
        if (k % WK__GBDT_SHARED == 0)
            wk__gbdt_share_roots(grower, round, left < WK__GBDT_SHARED ? left : WK__GBDT_SHARED,
                                 b->g + k * n, b->h + k * n, abs_g + k, sum_h + k);
        wk__gbdt_grow(grower, round, round * K + k, b->g + k * n, b->h + k * n, abs_g[k], sum_h[k],
                      b->train.margin + k * n, &nodes, &n_nodes);
        keep_tree(b, nodes, n_nodes, k);
        set_job apply = {.b = b, .set = &b->test, .nodes = nodes, .output = k};
        if (b->valid)
            wk__gbdt_team_run(b->team, wk__gbdt_n_blocks(b->test.n_rows), apply_block, &apply);
    }
}

/* All rounds; returns how many to keep. */
static size_t run_rounds(wk__gbdt_booster *b, wk_gbdt_log *log)
{
    const wk_gbdt_params *p = &b->params;
    size_t K = b->n_outputs, n = b->train.n_rows, best_round = 0;
    size_t before = b->start ? b->start->n_trees / K : 0;
    double best = HUGE_VAL;
    double *abs_g = wk__gbdt_pages_array(&b->pages, double, K),
           *sum_h = wk__gbdt_pages_array(&b->pages, double, K);
    float *score = p->sampling_method ? wk__gbdt_pages_array(&b->pages, float, 2 * n) : NULL;
    uint8_t *drawn = p->sampling_method ? wk__gbdt_pages_array(&b->pages, uint8_t, n) : NULL;
    wk__gbdt_grower *grower = make_grower(b);
    size_t round = 0;
    while (round < (size_t)p->rounds) {
        wk__gbdt_compute_gradients(b, abs_g, sum_h);
        if (drawn) {
            wk__gbdt_sample_rows(b, before + round, score, drawn);
            wk__gbdt_sum_gradients(b, abs_g, sum_h);
            wk__gbdt_grower_set_rows(grower, before + round, drawn);
        }
        grow_round(b, grower, before + round, abs_g, sum_h);
        double valid = b->valid ? wk__gbdt_metric_of(b, &b->test) : NAN;
        if (log) {
            log->train_metric[round] = wk__gbdt_metric_of(b, &b->train);
            log->valid_metric[round] = valid;
            log->n = round + 1;
        }
        if (log && b->custom && b->custom->round)
            b->custom->round(b->custom->context, before + round, log->train_metric[round], valid);
        round++;
        double cost = b->metric.larger_is_better ? -valid : valid;
        if (p->early_stopping_rounds == 0 || cost < best) {
            best = cost;
            best_round = round;
        } else if (round - best_round >= (size_t)p->early_stopping_rounds) {
            break;
        }
    }
    wk__gbdt_grower_destroy(grower);
    return best_round;
}

/* Trees live in the training's memory until here; their sets of categories move along. */
void wk__gbdt_add_tree(wk_forest *forest, const wk__gbdt_tree *tree)
{
    wk__forest_add_tree(forest, tree->nodes, tree->n_nodes, tree->output);
    wk__gbdt_node *nodes = forest->trees[forest->n_trees - 1].nodes;
    for (size_t i = 0; i < tree->n_nodes; i++) {
        const wk__gbdt_set *from = nodes[i].set;
        if (!from)
            continue;
        wk__gbdt_set *set = wk__forest_add_set(forest, from->n_words);
        memcpy(set->words, from->words, from->n_words * sizeof *set->words);
        nodes[i].set = set;
    }
}

wk_status wk__gbdt_make_forest(const wk__gbdt_booster *b, size_t n_trees, const char *const *names,
                               wk_forest **out, wk_err *err)
{
    size_t n_before = b->start ? b->start->n_trees : 0;
    wk_forest *forest =
        wk__forest_create(b->params.objective, b->n_outputs, b->n_features, n_before + n_trees);
    if (!forest)
        return wk_fail(err, WK_E_NOMEM, "out of memory for a forest of %zu trees",
                       n_before + n_trees);
    wk__forest_set_base(forest, b->base);
    if (names)
        wk__forest_set_names(forest, names);
    for (size_t t = 0; t < n_before; t++)
        wk__gbdt_add_tree(forest, &b->start->trees[t]);
    for (size_t t = 0; t < n_trees; t++)
        wk__gbdt_add_tree(forest, &b->trees[t]);
    if (b->start)
        forest->label_column = b->start->label_column;
    wk__forest_seal(forest);
    *out = forest;
    return WK_OK;
}

typedef struct {
    const wk_gbdt_data *train;
    const char *const *names;
    wk_forest **out;
    wk_gbdt_log *log;
} train_call;

static wk_status run(wk__gbdt_booster *b, void *context, wk_err *err)
{
    train_call *c = context;
    const wk_gbdt_params *p = &b->params;
    size_t K = b->n_outputs;
    wk_gbdt_log mine = {0};
    if (c->log) {
        mine.train_metric = calloc((size_t)p->rounds + 1, sizeof *mine.train_metric);
        mine.valid_metric = calloc((size_t)p->rounds + 1, sizeof *mine.valid_metric);
        if (!mine.train_metric || !mine.valid_metric) {
            wk_gbdt_log_finish(&mine);
            return wk_fail(err, WK_E_NOMEM, "out of memory for a log of %lld rounds",
                           (long long)p->rounds);
        }
    }
    b->trees = wk__gbdt_pages_array(&b->pages, wk__gbdt_tree, (size_t)p->rounds * K + 1);
    wk__gbdt_bins_make(c->train, b->train.rows, b->train.n_rows, (size_t)p->max_bin, b->team,
                       &b->pages, &b->bins);
    mine.best_round = run_rounds(b, c->log ? &mine : NULL);
    wk_status status = wk__gbdt_make_forest(b, mine.best_round * K, c->names, c->out, err);
    if (status != WK_OK)
        wk_gbdt_log_finish(&mine);
    else if (c->log)
        *c->log = mine;
    return status;
}

typedef struct {
    wk__gbdt_booster *b;
    wk_status (*body)(wk__gbdt_booster *b, void *context, wk_err *err);
    void *context;
    wk_err *err;
    wk_status status;
} team_call;

/* What every use of a booster needs before its own work. */
static wk_status prepare(wk__gbdt_booster *b, wk_err *err)
{
    size_t K = b->n_outputs;
    WK_TRY(wk__gbdt_take_rows(b, b->train.data, "training", &b->train, err));
    if (b->valid)
        WK_TRY(wk__gbdt_take_rows(b, b->valid, "validation", &b->test, err));
    size_t n = b->train.n_rows, most = n > b->test.n_rows ? n : b->test.n_rows;
    b->g = wk__gbdt_pages_array(&b->pages, float, K *n);
    b->h = wk__gbdt_pages_array(&b->pages, float, K *n);
    b->partial = wk__gbdt_pages_array(&b->pages, double, wk__gbdt_n_blocks(most) * 2 * K);
    if (wk__gbdt_objective_ranks(b->params.objective))
        b->rank_order = wk__gbdt_pages_array(&b->pages, uint32_t, most);
    return wk__gbdt_start_margins(b, err);
}

static void run_with_team(wk__gbdt_team *team, void *context)
{
    team_call *c = context;
    c->b->team = team;
    c->status = prepare(c->b, c->err);
    if (c->status == WK_OK)
        c->status = c->body(c->b, c->context, c->err);
}

wk_status wk__gbdt_with_booster(wk__gbdt_booster *b, int threads,
                                wk_status (*body)(wk__gbdt_booster *b, void *context, wk_err *err),
                                void *context, wk_err *err)
{
    wk_gbdt_params *p = &b->params;
    wk__gbdt_pages_init(&b->pages);
    b->n_outputs = wk__gbdt_n_outputs(p, b->custom);
    if (p->objective == WK_GBDT_POISSON && p->max_delta_step <= 0)
        p->max_delta_step = (double)0.7f;
    team_call c = {b, body, context, err, WK_OK};
    c.status = wk__gbdt_metric_parse(p, b->custom, &b->metric, err);
    if (c.status == WK_OK)
        c.status = wk__gbdt_interactions_parse(p->interaction_constraints, b->n_features,
                                               &b->pages.arena, &b->interactions, err);
    if (c.status == WK_OK)
        wk__gbdt_team_with(threads, run_with_team, &c);
    wk__gbdt_pages_finish(&b->pages);
    return c.status;
}

static wk_status check_start(const wk_gbdt_params *p, const wk_gbdt_custom *custom,
                             const wk_forest *start, size_t n_cols, wk_err *err)
{
    if (!start)
        return WK_OK;
    if (start->n_features != n_cols)
        return wk_fail(err, WK_E_MODEL, "the model to continue sees %zu columns, the table has %zu",
                       start->n_features, n_cols);
    if (start->n_outputs != wk__gbdt_n_outputs(p, custom) ||
        wk__gbdt_link_of(start->objective) != wk__gbdt_link_of(p->objective))
        return wk_fail(err, WK_E_MODEL,
                       "the model to continue is %s with %zu outputs, the objective %s",
                       wk__gbdt_objective_name(start->objective), start->n_outputs,
                       wk__gbdt_objective_name(p->objective));
    return WK_OK;
}

wk_status wk_gbdt_train_from(const wk_gbdt_params *params, const wk_forest *start,
                             const wk_gbdt_custom *custom, const wk_gbdt_data *train,
                             const wk_gbdt_data *valid, const char *const *names, int threads,
                             wk_forest **out, wk_gbdt_log *log, wk_err *err)
{
    if (start)
        wk__forest_has_nodes(start);
    WK_TRY(wk__gbdt_check_params(params, custom, valid != NULL, err));
    WK_TRY(wk__gbdt_check_rows(params, train, train->categorical, "training", err));
    if (valid) {
        WK_TRY(wk__gbdt_check_rows(params, valid, train->categorical, "validation", err));
        if (valid->n_cols != train->n_cols)
            return wk_fail(err, WK_E_DATA,
                           "the validation set has %zu columns, the training set %zu",
                           valid->n_cols, train->n_cols);
        if (!valid->base_margin != !train->base_margin)
            return wk_fail(err, WK_E_DATA,
                           "only one of the training and the validation set has base margins");
    }
    bool categorical = false;
    for (size_t f = 0; train->categorical && f < train->n_cols; f++)
        categorical |= train->categorical[f];
    if (categorical && params->grow_policy == 2)
        return wk_fail(
            err, WK_E_CONFIG,
            "grow_policy symmetric does not split by category; use depthwise or lossguide");
    if (params->monotone_constraints.n > train->n_cols)
        return wk_fail(err, WK_E_CONFIG, "monotone_constraints has %zu elements for %zu columns",
                       params->monotone_constraints.n, train->n_cols);
    for (size_t f = 0; categorical && f < params->monotone_constraints.n; f++)
        if (train->categorical[f] && params->monotone_constraints.v[f] != 0)
            return wk_fail(err, WK_E_CONFIG, "column %zu is categorical and cannot be monotone", f);
    WK_TRY(check_start(params, custom, start, train->n_cols, err));
    wk_gbdt_data table = *train;
    if (!categorical)
        table.categorical = NULL;
    wk__gbdt_booster b = {.params = *params,
                          .custom = custom,
                          .start = start,
                          .valid = valid,
                          .n_features = train->n_cols,
                          .train = {.data = &table}};
    train_call c = {&table, names, out, log};
    return wk__gbdt_with_booster(&b, threads, run, &c, err);
}

wk_status wk_gbdt_train(const wk_gbdt_params *params, const wk_gbdt_data *train,
                        const wk_gbdt_data *valid, const char *const *names, int threads,
                        wk_forest **out, wk_gbdt_log *log, wk_err *err)
{
    return wk_gbdt_train_from(params, NULL, NULL, train, valid, names, threads, out, log, err);
}
