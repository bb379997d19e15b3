/* Boosting: rounds of gradients and trees, with a validation set and early stopping.
 *
 * A row of weight 0 is left out altogether. Sums over rows are taken in blocks of fixed size that join
 * in order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"
#include "wick/math.h"

/* A row set with its margins [n_outputs][n_rows]. */
typedef struct {
    size_t n_rows;
    uint32_t *rows; /* of the caller's table; NULL: all */
    const float *y, *weight;
    float *margin;
    double sum_weight;
} row_set;

typedef struct {
    const wk_gbdt_params *params;
    const wk_gbdt_data *valid;
    wk__gbdt_team *team;
    size_t n_outputs, n_features;
    wk__gbdt_pages pages;
    wk__gbdt_bins bins;
    row_set train, test;
    float *g, *h, *base;
    float *prior; /* [n_outputs] where the classes start; the first trees take it up. NULL: not so */
    double *partial; /* [n_blocks][2][n_outputs] */
    wk__gbdt_tree *trees;
    size_t n_trees;
} booster;

static wk_status check_rows(const wk_gbdt_params *p, const wk_gbdt_data *data, const char *what,
                            wk_err *err)
{
    if (data->n_rows == 0 || data->n_cols == 0)
        return wk_fail(err, WK_E_DATA, "the %s set has %zu rows and %zu columns", what, data->n_rows,
                       data->n_cols);
    if (data->n_rows > (size_t)1 << 30)
        return wk_fail(err, WK_E_DATA, "the %s set has %zu rows; at most 2^30 are supported", what,
                       data->n_rows);
    for (size_t i = 0; i < data->n_rows; i++) {
        float y = data->y[i], w = data->weight ? data->weight[i] : 1;
        if (!isfinite(w) || w < 0)
            return wk_fail(err, WK_E_DATA, "%s row %zu has weight %g; weights are finite and >= 0",
                           what, i, (double)w);
        if (!isfinite(y))
            return wk_fail(err, WK_E_DATA, "%s row %zu has label %g; drop rows without a label",
                           what, i, (double)y);
        if (p->objective == WK_GBDT_LOGISTIC && y != 0 && y != 1)
            return wk_fail(err, WK_E_DATA, "%s row %zu has label %g; binary:logistic takes 0 or 1",
                           what, i, (double)y);
        if (p->objective == WK_GBDT_SOFTPROB &&
            (y < 0 || y >= (float)p->num_class || y != (float)(int32_t)y))
            return wk_fail(err, WK_E_DATA,
                           "%s row %zu has label %g; multi:softprob takes 0 to %lld (num_class - 1)",
                           what, i, (double)y, (long long)p->num_class - 1);
    }
    return WK_OK;
}

static wk_status bad(wk_err *err, const char *name, double value, const char *rule)
{
    return wk_fail(err, WK_E_CONFIG, "%s is %g; it must be %s", name, value, rule);
}

static wk_status check_params(const wk_gbdt_params *p, bool has_valid, wk_err *err)
{
    if (p->objective < WK_GBDT_SQUARED_ERROR || p->objective > WK_GBDT_SOFTPROB)
        return bad(err, "objective", p->objective, "one of the three objectives");
    if (p->objective == WK_GBDT_SOFTPROB &&
        (p->num_class < 2 || p->num_class > WK__GBDT_CLASSES_MAX))
        return bad(err, "num_class", (double)p->num_class, "2 to 10000 for multi:softprob");
    if (p->rounds < 0 || p->rounds > 10000000)
        return bad(err, "num_boost_round", (double)p->rounds, "0 to 10000000");
    if (!(p->eta > 0 && p->eta <= 1))
        return bad(err, "eta", p->eta, "above 0 and at most 1");
    if (p->grow_policy < 0 || p->grow_policy > 1)
        return bad(err, "grow_policy", p->grow_policy, "depthwise or lossguide");
    if (p->max_depth < 0 || p->max_leaves < 0 || p->max_leaves == 1)
        return bad(err, "max_depth or max_leaves", (double)p->max_leaves, "0 or at least 1 and 2");
    if (p->grow_policy == 0 && p->max_depth == 0)
        return bad(err, "max_depth", 0, "at least 1 with grow_policy depthwise");
    if (p->grow_policy == 1 && p->max_depth == 0 && p->max_leaves == 0)
        return bad(err, "max_leaves", 0, "at least 2 with grow_policy lossguide and no max_depth");
    if (p->max_bin < 2 || p->max_bin > 255)
        return bad(err, "max_bin", (double)p->max_bin, "2 to 255");
    if (!(p->lambda >= 0 && p->lambda < HUGE_VAL))
        return bad(err, "lambda", p->lambda, "0 or more");
    if (!(p->alpha >= 0 && p->alpha < HUGE_VAL))
        return bad(err, "alpha", p->alpha, "0 or more");
    if (!(p->gamma >= 0))
        return bad(err, "gamma", p->gamma, "0 or more");
    if (!(p->min_child_weight >= 0))
        return bad(err, "min_child_weight", p->min_child_weight, "0 or more");
    if (p->min_rows_leaf < 0)
        return bad(err, "min_rows_leaf", (double)p->min_rows_leaf, "0 or more");
    if (!(p->subsample > 0 && p->subsample <= 1))
        return bad(err, "subsample", p->subsample, "above 0 and at most 1");
    if (!(p->colsample_bytree > 0 && p->colsample_bytree <= 1))
        return bad(err, "colsample_bytree", p->colsample_bytree, "above 0 and at most 1");
    if (p->early_stopping_rounds < 0)
        return bad(err, "early_stopping_rounds", (double)p->early_stopping_rounds, "0 or more");
    if (p->early_stopping_rounds > 0 && !has_valid)
        return wk_fail(err, WK_E_CONFIG,
                       "early_stopping_rounds is %lld but there is no validation set",
                       (long long)p->early_stopping_rounds);
    if (isinf(p->base_score) || (p->objective == WK_GBDT_LOGISTIC && !isnan(p->base_score) &&
                                 !(p->base_score > 0 && p->base_score < 1)))
        return bad(err, "base_score", p->base_score,
                   "finite, and for binary:logistic a probability between 0 and 1");
    return WK_OK;
}

/* Leaves out rows of weight 0. */
static wk_status take_rows(booster *b, const wk_gbdt_data *data, const char *what, row_set *set,
                           wk_err *err)
{
    size_t n = 0;
    for (size_t i = 0; i < data->n_rows; i++)
        n += !data->weight || data->weight[i] > 0;
    if (n == 0)
        return wk_fail(err, WK_E_DATA, "all rows of the %s set have weight 0", what);
    set->n_rows = n;
    set->y = data->y;
    set->weight = data->weight;
    if (n < data->n_rows) {
        float *y = wk__gbdt_pages_array(&b->pages, float, n), *w = wk__gbdt_pages_array(&b->pages, float, n);
        set->rows = wk__gbdt_pages_array(&b->pages, uint32_t, n);
        size_t at = 0;
        for (size_t i = 0; i < data->n_rows; i++) {
            if (!(data->weight[i] > 0))
                continue;
            y[at] = data->y[i];
            w[at] = data->weight[i];
            set->rows[at++] = (uint32_t)i;
        }
        set->y = y;
        set->weight = w;
    }
    bool unit = true;
    for (size_t i = 0; i < n && set->weight; i++)
        unit &= set->weight[i] == 1;
    if (unit)
        set->weight = NULL;
    for (size_t i = 0; i < n; i++)
        set->sum_weight += set->weight ? (double)set->weight[i] : 1;
    set->margin = wk__gbdt_pages_array(&b->pages, float, b->n_outputs * n);
    return WK_OK;
}

static void set_base(booster *b)
{
    const wk_gbdt_params *p = b->params;
    double base = p->base_score;
    if (isnan(base) && p->objective == WK_GBDT_SOFTPROB) {
        base = 0;
    } else if (isnan(base)) {
        double sum = 0;
        for (size_t i = 0; i < b->train.n_rows; i++)
            sum += (double)b->train.y[i] * (b->train.weight ? (double)b->train.weight[i] : 1);
        base = sum / b->train.sum_weight;
        /* One class only: a probability of 0 or 1 has no finite margin. */
        if (p->objective == WK_GBDT_LOGISTIC)
            base = base < 1e-6 ? 1e-6 : base > 1 - 1e-6 ? 1 - 1e-6 : base;
    }
    for (size_t k = 0; k < b->n_outputs; k++)
        b->base[k] = (float)base;
}

/* Classes start from the log of their shares, less the mean of these. The base score in the file stays 0,
 * which every version of XGBoost reads alike, and the first tree of each class has its start added to the
 * leaves, as LightGBM does it. */
static void set_prior(booster *b)
{
    size_t K = b->n_outputs;
    if (b->params->objective != WK_GBDT_SOFTPROB || !isnan(b->params->base_score))
        return;
    double *share = wk__gbdt_pages_array(&b->pages, double, K), mean = 0;
    b->prior = wk__gbdt_pages_array(&b->pages, float, K);
    for (size_t i = 0; i < b->train.n_rows; i++)
        share[(size_t)b->train.y[i]] += b->train.weight ? (double)b->train.weight[i] : 1;
    for (size_t k = 0; k < K; k++) {
        share[k] = wk_log(share[k] / b->train.sum_weight + 1e-6);
        mean += share[k] / (double)K;
    }
    for (size_t k = 0; k < K; k++)
        b->prior[k] = (float)(share[k] - mean);
}

static void fill_margins(const booster *b, const float *base_margin, row_set *set)
{
    for (size_t k = 0; k < b->n_outputs; k++)
        for (size_t i = 0; i < set->n_rows; i++)
            set->margin[k * set->n_rows + i] = base_margin[k];
}

static void gradient_block(void *context, size_t i)
{
    booster *b = context;
    size_t n = b->train.n_rows, K = b->n_outputs;
    double *partial = b->partial + i * 2 * K;
    memset(partial, 0, 2 * K * sizeof *partial);
    wk__gbdt_gradients(b->params->objective, K, n, i * WK__GBDT_ROWS, wk__gbdt_block_end(i, n),
                       b->train.margin, b->train.y, b->train.weight, b->g, b->h, partial,
                       partial + K);
}

static void compute_gradients(booster *b, double *abs_g, double *sum_h)
{
    size_t K = b->n_outputs, n_blocks = wk__gbdt_n_blocks(b->train.n_rows);
    wk__gbdt_team_run(b->team, n_blocks, gradient_block, b);
    for (size_t k = 0; k < K; k++) {
        abs_g[k] = sum_h[k] = 0;
        for (size_t i = 0; i < n_blocks; i++) {
            abs_g[k] += b->partial[i * 2 * K + k];
            sum_h[k] += b->partial[i * 2 * K + K + k];
        }
    }
}

typedef struct {
    booster *b;
    const row_set *set;
    const wk__gbdt_node *nodes;
    size_t output;
} set_job;

static void metric_block(void *context, size_t i)
{
    const set_job *j = context;
    const row_set *set = j->set;
    j->b->partial[i] = wk__gbdt_loss(j->b->params->objective, j->b->n_outputs, set->n_rows,
                                     i * WK__GBDT_ROWS, wk__gbdt_block_end(i, set->n_rows),
                                     set->margin, set->y, set->weight);
}

static double metric_of(booster *b, const row_set *set)
{
    set_job j = {.b = b, .set = set};
    size_t n_blocks = wk__gbdt_n_blocks(set->n_rows);
    double sum = 0;
    wk__gbdt_team_run(b->team, n_blocks, metric_block, &j);
    for (size_t i = 0; i < n_blocks; i++)
        sum += b->partial[i];
    double mean = sum / set->sum_weight;
    return b->params->objective == WK_GBDT_SQUARED_ERROR ? sqrt(mean) : mean;
}

static void apply_block(void *context, size_t block)
{
    const set_job *j = context;
    const row_set *set = j->set;
    const wk_gbdt_data *data = j->b->valid;
    float *margin = set->margin + j->output * set->n_rows;
    size_t end = wk__gbdt_block_end(block, set->n_rows);
    for (size_t i = block * WK__GBDT_ROWS; i < end; i++)
        margin[i] += wk__gbdt_tree_walk(j->nodes,
                                        data->X + (set->rows ? set->rows[i] : i) * data->stride);
}

static void keep_tree(booster *b, const wk__gbdt_node *nodes, size_t n_nodes, size_t k)
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

/* All rounds; returns how many to keep. */
static size_t run_rounds(booster *b, wk_gbdt_log *log)
{
    const wk_gbdt_params *p = b->params;
    size_t K = b->n_outputs, n = b->train.n_rows, best_round = 0;
    double best = HUGE_VAL;
    double *abs_g = wk__gbdt_pages_array(&b->pages, double, K), *sum_h = wk__gbdt_pages_array(&b->pages, double, K);
    bool unit_hessian = p->objective == WK_GBDT_SQUARED_ERROR && !b->train.weight;
    wk__gbdt_grower *grower =
        wk__gbdt_grower_create(p, &b->bins, unit_hessian, b->team, &b->pages);
    size_t round = 0;
    while (round < (size_t)p->rounds) {
        compute_gradients(b, abs_g, sum_h);
        for (size_t k = 0; k < K; k++) {
            const wk__gbdt_node *nodes;
            size_t n_nodes, left = K - k;
            if (k % WK__GBDT_SHARED == 0)
                wk__gbdt_share_roots(grower, round, left < WK__GBDT_SHARED ? left : WK__GBDT_SHARED,
                                     b->g + k * n, b->h + k * n, abs_g + k, sum_h + k);
            wk__gbdt_grow(grower, round, round * K + k, b->g + k * n, b->h + k * n, abs_g[k],
                          sum_h[k], b->train.margin + k * n, &nodes, &n_nodes);
            keep_tree(b, nodes, n_nodes, k);
            set_job apply = {.b = b, .set = &b->test, .nodes = nodes, .output = k};
            if (b->valid)
                wk__gbdt_team_run(b->team, wk__gbdt_n_blocks(b->test.n_rows), apply_block, &apply);
        }
        double valid = b->valid ? metric_of(b, &b->test) : NAN;
        if (log) {
            log->train_metric[round] = metric_of(b, &b->train);
            log->valid_metric[round] = valid;
            log->n = round + 1;
        }
        round++;
        if (p->early_stopping_rounds == 0 || valid < best) {
            best = valid;
            best_round = round;
        } else if (round - best_round >= (size_t)p->early_stopping_rounds) {
            break;
        }
    }
    wk__gbdt_grower_destroy(grower);
    return best_round;
}

static wk_status make_forest(const booster *b, size_t n_rounds, const char *const *names,
                             wk_forest **out, wk_err *err)
{
    size_t n_trees = n_rounds * b->n_outputs;
    wk_forest *forest =
        wk__forest_create(b->params->objective, b->n_outputs, b->n_features, n_trees);
    if (!forest)
        return wk_fail(err, WK_E_NOMEM, "out of memory for a forest of %zu trees", n_trees);
    wk__forest_set_base(forest, b->base);
    if (names)
        wk__forest_set_names(forest, names);
    for (size_t t = 0; t < n_trees; t++)
        wk__forest_add_tree(forest, b->trees[t].nodes, b->trees[t].n_nodes, b->trees[t].output);
    wk__forest_seal(forest);
    *out = forest;
    return WK_OK;
}

/* The margins that the base score stands for, as the forest will have them. */
static wk_status base_margins(const booster *b, float *margin, wk_err *err)
{
    wk_forest *empty = wk__forest_create(b->params->objective, b->n_outputs, b->n_features, 0);
    if (!empty)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk__forest_set_base(empty, b->base);
    memcpy(margin, empty->base_margin, b->n_outputs * sizeof *margin);
    wk_forest_destroy(empty);
    return WK_OK;
}

static wk_status run(booster *b, const wk_gbdt_data *train, const char *const *names,
                     wk_forest **out, wk_gbdt_log *log, wk_err *err)
{
    const wk_gbdt_params *p = b->params;
    size_t K = b->n_outputs;
    WK_TRY(take_rows(b, train, "training", &b->train, err));
    if (b->valid)
        WK_TRY(take_rows(b, b->valid, "validation", &b->test, err));
    b->base = wk__gbdt_pages_array(&b->pages, float, K);
    float *margin = wk__gbdt_pages_array(&b->pages, float, K);
    set_base(b);
    WK_TRY(base_margins(b, margin, err));
    set_prior(b);
    margin = b->prior ? b->prior : margin;
    fill_margins(b, margin, &b->train);
    if (b->valid)
        fill_margins(b, margin, &b->test);
    size_t n = b->train.n_rows, most = n > b->test.n_rows ? n : b->test.n_rows;
    b->g = wk__gbdt_pages_array(&b->pages, float, K * n);
    b->h = wk__gbdt_pages_array(&b->pages, float, K * n);
    b->partial = wk__gbdt_pages_array(&b->pages, double, wk__gbdt_n_blocks(most) * 2 * K);
    b->trees = wk__gbdt_pages_array(&b->pages, wk__gbdt_tree, (size_t)p->rounds * K + 1);
    wk__gbdt_bins_make(train, b->train.rows, n, (size_t)p->max_bin, b->team, &b->pages, &b->bins);
    wk_gbdt_log mine = {0};
    if (log) {
        mine.train_metric = calloc((size_t)p->rounds + 1, sizeof *mine.train_metric);
        mine.valid_metric = calloc((size_t)p->rounds + 1, sizeof *mine.valid_metric);
        if (!mine.train_metric || !mine.valid_metric) {
            wk_gbdt_log_finish(&mine);
            return wk_fail(err, WK_E_NOMEM, "out of memory for a log of %lld rounds",
                           (long long)p->rounds);
        }
    }
    mine.best_round = run_rounds(b, log ? &mine : NULL);
    wk_status status = make_forest(b, mine.best_round, names, out, err);
    if (status != WK_OK)
        wk_gbdt_log_finish(&mine);
    else if (log)
        *log = mine;
    return status;
}

typedef struct {
    booster *b;
    const wk_gbdt_data *train;
    const char *const *names;
    wk_forest **out;
    wk_gbdt_log *log;
    wk_err *err;
    wk_status status;
} call;

static void run_with_team(wk__gbdt_team *team, void *context)
{
    call *c = context;
    c->b->team = team;
    c->status = run(c->b, c->train, c->names, c->out, c->log, c->err);
}

wk_status wk_gbdt_train(const wk_gbdt_params *params, const wk_gbdt_data *train,
                        const wk_gbdt_data *valid, const char *const *names, int threads,
                        wk_forest **out, wk_gbdt_log *log, wk_err *err)
{
    WK_TRY(check_params(params, valid != NULL, err));
    WK_TRY(check_rows(params, train, "training", err));
    if (valid) {
        WK_TRY(check_rows(params, valid, "validation", err));
        if (valid->n_cols != train->n_cols)
            return wk_fail(err, WK_E_DATA, "the validation set has %zu columns, the training set %zu",
                           valid->n_cols, train->n_cols);
    }
    booster b = {.params = params, .valid = valid};
    b.n_outputs = params->objective == WK_GBDT_SOFTPROB ? (size_t)params->num_class : 1;
    b.n_features = train->n_cols;
    wk__gbdt_pages_init(&b.pages);
    call c = {&b, train, names, out, log, err, WK_OK};
    wk__gbdt_team_with(threads, run_with_team, &c);
    wk__gbdt_pages_finish(&b.pages);
    return c.status;
}
