/* What the options of training promise, on data that nobody else has seen. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "boost.h"
#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/rng.h"

#define ROWS 9000 /* more than two blocks of rows */
#define COLS 20   /* more than one block of features */
#define GROUPS 450

typedef struct {
    float X[ROWS * COLS], y[ROWS], weight[ROWS], label[ROWS], base[ROWS * 3];
    uint32_t group[GROUPS];
    bool categorical[COLS];
    wk_gbdt_data data;
    wk_gbdt_params params;
} fixture;

static int make_fixture(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    for (size_t i = 0; i < ROWS; i++) {
        float *x = f->X + i * COLS;
        for (size_t c = 0; c < COLS; c++)
            x[c] = wk_rng_uniform(5, c, i) < 0.05 ? NAN : (float)wk_rng_normal(6, c, i);
        x[3] = (float)(wk_rng_u64(11, 3, i) % 12);  /* categories */
        x[4] = (float)(wk_rng_u64(11, 4, i) % 600); /* more of them than bins */
        double s = (isnan(x[0]) ? 0.7 : (double)x[0]) - (isnan(x[1]) ? 0 : 0.5 * (double)x[1]) +
                   ((int)x[3] % 3 == 1) + 0.4 * ((int)x[4] % 7 == 2);
        f->y[i] = (float)(s + (isnan(x[2]) || isnan(x[18]) ? 0 : (double)(x[2] * x[18])) +
                          0.5 * wk_rng_normal(7, 0, i));
        f->weight[i] = (float)(0.5 + wk_rng_uniform(8, 0, i));
        for (size_t k = 0; k < 3; k++)
            f->base[i * 3 + k] = (float)wk_rng_normal(9, k, i);
    }
    for (size_t i = 0; i < GROUPS; i++)
        f->group[i] = ROWS / GROUPS;
    f->data = (wk_gbdt_data){.X = f->X, .n_rows = ROWS, .n_cols = COLS, .stride = COLS, .y = f->y};
    f->params = (wk_gbdt_params){.rounds = 5,
                                 .eta = 0.3,
                                 .grow_policy = 1,
                                 .max_leaves = 15,
                                 .max_bin = 63,
                                 .lambda = 1,
                                 .min_child_weight = 1,
                                 .min_rows_leaf = 20,
                                 .subsample = 1,
                                 .colsample_bytree = 1,
                                 .base_score = NAN,
                                 .seed = 3,
                                 .lambdarank_normalization = true,
                                 .lambdarank_score_normalization = true,
                                 .ndcg_exp_gain = true};
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    free(*state);
    return 0;
}

static wk_forest *train_from(const wk_gbdt_params *p, const wk_forest *start,
                             const wk_gbdt_custom *custom, const wk_gbdt_data *data, int threads)
{
    wk_forest *forest = NULL;
    wk_err err;
    if (wk_gbdt_train_from(p, start, custom, data, NULL, NULL, threads, &forest, NULL, &err) !=
        WK_OK)
        fail_msg("%s", err.msg);
    return forest;
}

static char *model_bytes(const wk_forest *forest, const char *ending)
{
    char path[64], *text = NULL;
    wk_err err;
    snprintf(path, sizeof path, "/tmp/wick_gbdt_XXXXXX%s", ending);
    int fd = mkstemps(path, (int)strlen(ending));
    assert_true(fd >= 0);
    close(fd);
    if (wk_forest_save(forest, path, &err) != WK_OK ||
        wk_file_read(path, &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    unlink(path);
    return text;
}

static void assert_same_model(const wk_forest *a, const wk_forest *b, const char *what)
{
    char *x = model_bytes(a, ".json"), *y = model_bytes(b, ".json");
    if (strcmp(x, y) != 0)
        fail_msg("%s: the models differ", what);
    free(x);
    free(y);
}

/* Labels that the objective takes. */
static void set_labels(fixture *f, int objective)
{
    for (size_t i = 0; i < ROWS; i++) {
        double y = (double)f->y[i];
        switch (objective) {
        case WK_GBDT_LOGISTIC:
            y = y > 0.5;
            break;
        case WK_GBDT_SOFTPROB:
        case WK_GBDT_RANK_NDCG:
        case WK_GBDT_RANK_PAIRWISE:
            y = (y > -0.5) + (y > 1);
            break;
        case WK_GBDT_POISSON:
            y = y < 0 ? 0 : (double)(int)y;
            break;
        case WK_GBDT_PROFIT:
            y *= 0.01;
            break;
        default:
            break;
        }
        f->label[i] = (float)y;
    }
    f->data.y = f->label;
    f->data.group =
        objective == WK_GBDT_RANK_NDCG || objective == WK_GBDT_RANK_PAIRWISE ? f->group : NULL;
    f->data.n_groups = GROUPS;
}

typedef struct {
    const char *name;
    wk_gbdt_params params; /* fields that are not 0 replace the fixture's */
    bool categorical, weighted;
} variant;

static double falling[] = {1, -1};
static double classes[] = {1, 2, 0.5};

static const variant variants[] = {
    {"softprob",
     {.objective = WK_GBDT_SOFTPROB, .num_class = 3, .class_weights = {classes, 3}},
     false,
     true},
    {"logistic",
     {.objective = WK_GBDT_LOGISTIC, .scale_pos_weight = 2, .eval_metric = "auc"},
     true,
     true},
    {"pseudo huber", {.objective = WK_GBDT_PSEUDO_HUBER}, false, false},
    {"huber", {.objective = WK_GBDT_HUBER, .huber_slope = 0.5}, true, false},
    {"absolute", {.objective = WK_GBDT_ABSOLUTE}, false, true},
    {"quantile", {.objective = WK_GBDT_QUANTILE, .quantile_alpha = 0.9}, false, false},
    {"poisson", {.objective = WK_GBDT_POISSON}, true, true},
    {"ndcg", {.objective = WK_GBDT_RANK_NDCG, .eval_metric = "map@5"}, false, true},
    {"pairwise", {.objective = WK_GBDT_RANK_PAIRWISE}, false, false},
    {"profit", {.objective = WK_GBDT_PROFIT, .cost_bps = 20}, false, true},
    {"monotone", {.monotone_constraints = {falling, 2}}, true, true},
    {"interaction", {.interaction_constraints = "[[0, 1], [2, 18]]"}, false, false},
    {"level and node columns", {.colsample_bylevel = 0.5, .colsample_bynode = 0.5}, true, false},
    {"max_delta_step", {.max_delta_step = 0.1}, false, false},
    {"symmetric", {.grow_policy = 2, .max_depth = 5, .max_leaves = 32}, false, true},
    {"goss", {.sampling_method = 2}, false, false},
    {"gradient_based",
     {.objective = WK_GBDT_SOFTPROB, .num_class = 3, .sampling_method = 1, .subsample = 0.3},
     false,
     true},
    {"blocks", {.subsample = 0.5, .subsample_block = 100}, false, false},
    {"rare categories",
     {.objective = WK_GBDT_LOGISTIC, .cat_smooth = 10, .cat_l2 = 10, .min_data_per_group = 100},
     true,
     true},
};

static void apply(fixture *f, const variant *v, wk_gbdt_params *p)
{
    *p = v->params;
    p->rounds = f->params.rounds;
    p->eta = f->params.eta;
    p->grow_policy = p->grow_policy ? p->grow_policy : 1;
    p->max_leaves = p->max_leaves ? p->max_leaves : f->params.max_leaves;
    p->max_bin = f->params.max_bin;
    p->lambda = p->min_child_weight = 1;
    p->min_rows_leaf = 20;
    p->subsample = p->subsample > 0 ? p->subsample : 1;
    p->colsample_bytree = 1;
    p->base_score = NAN;
    p->seed = 3;
    p->lambdarank_normalization = p->lambdarank_score_normalization = p->ndcg_exp_gain = true;
    set_labels(f, p->objective);
    f->categorical[3] = f->categorical[4] = true;
    f->data.categorical = v->categorical ? f->categorical : NULL;
    f->data.weight = v->weighted ? f->weight : NULL;
}

static void test_no_option_depends_on_the_number_of_threads(void **state)
{
    fixture *f = *state;
    static const int threads[] = {2, 3, 7};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        wk_gbdt_params p;
        apply(f, &variants[v], &p);
        p.rounds = 2;
        wk_forest *one = train_from(&p, NULL, NULL, &f->data, 1);
        assert_true(one->trees[0].n_nodes > 7);
        for (size_t i = 0; i < 3; i++) {
            wk_forest *many = train_from(&p, NULL, NULL, &f->data, threads[i]);
            assert_same_model(one, many, variants[v].name);
            wk_forest_destroy(many);
        }
        wk_forest_destroy(one);
    }
}

static void test_continued_training_has_the_bits_of_training_at_once(void **state)
{
    fixture *f = *state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        wk_gbdt_params p;
        apply(f, &variants[v], &p);
        p.rounds = 3;
        wk_forest *whole = train_from(&p, NULL, NULL, &f->data, 2);
        p.rounds = 2;
        wk_forest *half = train_from(&p, NULL, NULL, &f->data, 2);
        p.rounds = 1;
        wk_forest *both = train_from(&p, half, NULL, &f->data, 2);
        assert_same_model(whole, both, variants[v].name);
        wk_forest_destroy(whole);
        wk_forest_destroy(half);
        wk_forest_destroy(both);
    }
}

static void test_refit_on_the_same_data_changes_no_leaf(void **state)
{
    fixture *f = *state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        wk_gbdt_params p;
        wk_forest *again = NULL;
        wk_err err;
        apply(f, &variants[v], &p);
        /* Leaves that depend on more than their rows: bounds, draws, weights lent to small leaves.
         */
        if (p.monotone_constraints.n || p.sampling_method || p.subsample < 1 || p.grow_policy == 2)
            continue;
        p.rounds = 2;
        wk_forest *forest = train_from(&p, NULL, NULL, &f->data, 2);
        if (wk_gbdt_refit(&p, forest, &f->data, 0, 3, &again, &err) != WK_OK)
            fail_msg("%s", err.msg);
        for (size_t t = 0; t < forest->n_trees; t++)
            for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
                const wk__gbdt_node *a = &forest->trees[t].nodes[i], *b = &again->trees[t].nodes[i];
                if (a->left < 0 && a->value != b->value)
                    fail_msg("%s tree %zu node %zu: %.9g became %.9g", variants[v].name, t, i,
                             (double)a->value, (double)b->value);
            }
        wk_forest_destroy(forest);
        wk_forest_destroy(again);
    }
}

static void test_refit_moves_leaves_to_new_labels(void **state)
{
    fixture *f = *state;
    wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2), *new = NULL, *old = NULL;
    wk_err err;
    double before = 0, after = 0;
    for (size_t i = 0; i < ROWS; i++)
        f->label[i] = -f->y[i];
    f->data.y = f->label;
    assert_int_equal(wk_gbdt_refit(&f->params, forest, &f->data, 0, 2, &new, &err), WK_OK);
    assert_int_equal(wk_gbdt_refit(&f->params, forest, &f->data, 1, 2, &old, &err), WK_OK);
    for (size_t i = 0; i < ROWS; i++) {
        float a, b, c;
        wk_forest_predict(forest, f->X + i * COLS, &a);
        wk_forest_predict(new, f->X + i * COLS, &b);
        wk_forest_predict(old, f->X + i * COLS, &c);
        assert_true(a == c); /* all of the old leaf kept */
        before += (double)((a - f->label[i]) * (a - f->label[i]));
        after += (double)((b - f->label[i]) * (b - f->label[i]));
    }
    assert_true(after < 0.5 * before);
    wk_forest_destroy(forest);
    wk_forest_destroy(new);
    wk_forest_destroy(old);
}

static void test_predictions_are_monotone_in_a_constrained_column(void **state)
{
    fixture *f = *state;
    static double up[] = {1, -1, 1, 0, 0, 0, -1};
    f->params.monotone_constraints = (wk_reals){up, 7};
    f->params.rounds = 12;
    f->categorical[3] = true;
    f->data.categorical = f->categorical;
    for (int policy = 0; policy < 2; policy++) {
        f->params.grow_policy = policy;
        f->params.max_depth = 6;
        wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2);
        double gain[COLS], spread = 0;
        wk_forest_importance(forest, gain);
        assert_true(gain[0] > 0 && gain[1] > 0 && gain[2] > 0);
        for (size_t i = 0; i < 100; i++)
            for (size_t c = 0; c < 7; c++) {
                float row[COLS], last = 0, now;
                memcpy(row, f->X + i * 89 * COLS, sizeof row);
                for (int step = 0; step <= 60 && up[c] != 0; step++) {
                    row[c] = (float)(step - 30) / 8;
                    wk_forest_predict(forest, row, &now);
                    if (step > 0 && (double)(now - last) * up[c] < 0)
                        fail_msg("column %zu at %g: %.9g after %.9g", c, (double)row[c],
                                 (double)now, (double)last);
                    spread += step > 0 ? fabs((double)(now - last)) : 0;
                    last = now;
                }
            }
        assert_true(spread > 1);
        wk_forest_destroy(forest);
    }
}

static void check_path(const wk__gbdt_tree *tree, size_t at, uint32_t used)
{
    static const uint32_t sets[] = {1u << 0 | 1u << 1, 1u << 2 | 1u << 18, 1u << 0 | 1u << 2};
    const wk__gbdt_node *node = &tree->nodes[at];
    bool fits = (used & (used - 1)) == 0; /* one column alone may always be used */
    for (size_t i = 0; i < 3; i++)
        fits |= (used & ~sets[i]) == 0;
    if (!fits)
        fail_msg("node %zu lies on a path of columns %x", at, used);
    if (node->left < 0)
        return;
    check_path(tree, (size_t)node->left, used | 1u << node->feature);
    check_path(tree, (size_t)node->right, used | 1u << node->feature);
}

static void test_no_path_mixes_columns_of_different_sets(void **state)
{
    fixture *f = *state;
    f->params.interaction_constraints = " [[0, 1], [2, 18] , [0,2]] ";
    for (int policy = 0; policy < 3; policy++) {
        f->params.grow_policy = policy;
        f->params.max_depth = 5;
        f->params.max_leaves = 32;
        wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2);
        size_t n_nodes = 0;
        for (size_t t = 0; t < forest->n_trees; t++) {
            check_path(&forest->trees[t], 0, 0);
            n_nodes += forest->trees[t].n_nodes;
        }
        assert_true(n_nodes > 50);
        wk_forest_destroy(forest);
    }
}

static void test_base_margin_continues_where_another_forest_ends(void **state)
{
    fixture *f = *state;
    static const int objectives[] = {WK_GBDT_SQUARED_ERROR, WK_GBDT_LOGISTIC, WK_GBDT_SOFTPROB};
    for (size_t o = 0; o < 3; o++) {
        wk_gbdt_params p = f->params;
        p.objective = objectives[o];
        p.num_class = p.objective == WK_GBDT_SOFTPROB ? 3 : 0;
        p.base_score = 0.5;
        set_labels(f, p.objective);
        f->data.base_margin = NULL;
        wk_forest *first = train_from(&p, NULL, NULL, &f->data, 2);
        wk_forest *both = train_from(&p, first, NULL, &f->data, 2);
        size_t K = wk_forest_n_outputs(first);
        for (size_t i = 0; i < ROWS; i++)
            wk_forest_margin(first, f->X + i * COLS, f->base + i * K);
        f->data.base_margin = f->base;
        wk_forest *second = train_from(&p, NULL, NULL, &f->data, 2);
        assert_int_equal(second->n_trees + first->n_trees, both->n_trees);
        for (size_t t = 0; t < second->n_trees; t++) {
            const wk__gbdt_tree *a = &second->trees[t], *b = &both->trees[first->n_trees + t];
            assert_int_equal(a->n_nodes, b->n_nodes);
            for (size_t i = 0; i < a->n_nodes; i++)
                assert_true(a->nodes[i].value == b->nodes[i].value &&
                            a->nodes[i].feature == b->nodes[i].feature);
        }
        for (size_t i = 0; i < ROWS; i += 97) {
            float one[3], two[3];
            wk_forest_margin_from(second, f->X + i * COLS, f->base + i * K, one);
            wk_forest_margin(both, f->X + i * COLS, two);
            assert_memory_equal(one, two, K * sizeof *one);
        }
        wk_forest_destroy(first);
        wk_forest_destroy(second);
        wk_forest_destroy(both);
    }
}

static void test_symmetric_trees_ask_one_question_a_level(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.grow_policy = 2;
    p.max_depth = 6;
    p.max_leaves = 0;
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&p, &f->data, NULL, NULL, 2, &forest, &log, &err), WK_OK);
    /* Not far from trees that ask each node its own question. */
    wk_gbdt_log free_log = {0};
    wk_forest *free_forest = NULL;
    p.grow_policy = 0;
    assert_int_equal(wk_gbdt_train(&p, &f->data, NULL, NULL, 2, &free_forest, &free_log, &err),
                     WK_OK);
    wk_forest_destroy(free_forest);
    double fell = log.train_metric[0] - log.train_metric[4];
    double fell_free = free_log.train_metric[0] - free_log.train_metric[4];
    if (!(fell > 0.7 * fell_free))
        fail_msg("fell by %g, free trees by %g", fell, fell_free);
    wk_gbdt_log_finish(&free_log);
    for (size_t t = 0; t < forest->n_trees; t++) {
        const wk__gbdt_tree *tree = &forest->trees[t];
        assert_int_equal(tree->n_nodes, 127);
        uint32_t depth[127] = {0};
        const wk__gbdt_node *question[8] = {0};
        for (size_t i = 0; i < tree->n_nodes; i++) {
            const wk__gbdt_node *node = &tree->nodes[i];
            depth[i] = i ? depth[node->parent] + 1 : 0;
            assert_int_equal(node->left < 0, depth[i] == 6);
            if (node->left < 0)
                continue;
            const wk__gbdt_node *first = question[depth[i]] ? question[depth[i]] : node;
            question[depth[i]] = first;
            assert_true(first->feature == node->feature && first->value == node->value &&
                        first->default_left == node->default_left);
        }
    }
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

static void squared(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end, float *g,
                    float *h)
{
    (void)context;
    for (size_t i = begin; i < end; i++) {
        float w = rows->weight ? rows->weight[i] : 1;
        g[i] = (rows->margin[i] - rows->y[i]) * w;
        h[i] = w;
    }
}

static double negated(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end)
{
    double sum = 0;
    (void)context;
    for (size_t i = begin; i < end; i++) {
        double d = (double)rows->margin[i] - (double)rows->y[i];
        sum -= d * d * (rows->weight ? (double)rows->weight[i] : 1);
    }
    return sum;
}

static void test_a_custom_objective_gives_the_trees_of_the_one_it_copies(void **state)
{
    fixture *f = *state;
    wk_gbdt_custom custom = {
        .n_outputs = 1, .gradient = squared, .loss = negated, .loss_is_gain = true};
    f->data.weight = f->weight;
    f->params.base_score = 0.25;
    f->params.rounds = 40;
    f->params.eta = 0.9;
    f->params.early_stopping_rounds = 3;
    wk_gbdt_params own = f->params;
    own.objective = WK_GBDT_CUSTOM;
    wk_gbdt_data half = f->data, rest = f->data;
    half.n_rows = 2000;
    rest.n_rows = 3000;
    rest.X += 6000 * COLS;
    rest.y += 6000;
    rest.weight += 6000;
    wk_forest *a = NULL, *b = NULL;
    wk_gbdt_log log_a = {0}, log_b = {0};
    wk_err err;
    assert_int_equal(wk_gbdt_train(&f->params, &half, &rest, NULL, 2, &a, &log_a, &err), WK_OK);
    assert_int_equal(
        wk_gbdt_train_from(&own, NULL, &custom, &half, &rest, NULL, 2, &b, &log_b, &err), WK_OK);
    assert_int_equal(log_a.best_round, log_b.best_round);
    assert_true(log_a.best_round < 37);
    for (size_t i = 0; i < log_a.n; i++)
        assert_true(fabs(log_a.valid_metric[i] * log_a.valid_metric[i] + log_b.valid_metric[i]) <
                    1e-9);
    for (size_t i = 0; i < ROWS; i += 31) {
        float x, y;
        wk_forest_predict(a, f->X + i * COLS, &x);
        wk_forest_predict(b, f->X + i * COLS, &y);
        assert_true(x == y);
    }
    /* XGBoost reads it as squared error; here it stays what it was. */
    char *text = model_bytes(b, ".json");
    wk_forest *read = NULL;
    assert_non_null(strstr(text, "\"name\":\"reg:squarederror\""));
    assert_int_equal(wk_forest_parse(text, strlen(text), "custom", &read, &err), WK_OK);
    assert_int_equal(wk_forest_objective(read), WK_GBDT_CUSTOM);
    free(text);
    wk_forest_destroy(read);
    wk_gbdt_log_finish(&log_a);
    wk_gbdt_log_finish(&log_b);
    wk_forest_destroy(a);
    wk_forest_destroy(b);
}

static void test_profit_trades_where_it_pays_and_rests_where_costs_eat_it(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ROWS; i++) {
        f->X[i * COLS] = (float)(wk_rng_u64(12, 0, i) % 4);
        /* Column 0 tells: a loss, nothing, less than the costs, a gain. */
        static const double mean[] = {-0.004, 0, 0.0005, 0.005};
        f->label[i] = (float)(mean[(size_t)f->X[i * COLS]] + 0.01 * wk_rng_normal(13, 0, i));
    }
    f->data.y = f->label;
    f->params.objective = WK_GBDT_PROFIT;
    f->params.cost_bps = 20;
    f->params.rounds = 30;
    f->params.min_rows_leaf = 500;
    f->params.max_leaves = 4;
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&f->params, &f->data, NULL, NULL, 2, &forest, &log, &err),
                     WK_OK);
    assert_int_equal(wk_forest_n_outputs(forest), 3);
    static const size_t wanted[] = {0, 1, 1, 2};
    for (size_t c = 0; c < 4; c++) {
        float row[COLS] = {(float)c}, p[3];
        wk_forest_predict(forest, row, p);
        size_t best = p[1] >= p[0] ? 1 : 0;
        best = p[2] > p[best] ? 2 : best;
        assert_int_equal(best, wanted[c]);
    }
    /* Half of the rows trade; they earn 2 and 3 thousandths. */
    assert_true(log.train_metric[29] > 0.0008 && log.train_metric[29] < 0.0020);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

static void test_draws_by_blocks_take_whole_blocks(void **state)
{
    fixture *f = *state;
    /* Labels that alternate within a block: a draw of whole blocks keeps every root's sum at 0. */
    for (size_t i = 0; i < ROWS; i++)
        f->label[i] = i % 2 ? 1 : -1;
    f->data.y = f->label;
    f->params.base_score = 0;
    f->params.eta = 1e-6;
    f->params.subsample = 0.5;
    f->params.max_leaves = 2;
    f->params.rounds = 20;
    f->params.subsample_block = 50;
    wk_forest *blocks = train_from(&f->params, NULL, NULL, &f->data, 2);
    f->params.subsample_block = 0;
    wk_forest *rows = train_from(&f->params, NULL, NULL, &f->data, 2);
    double from_blocks = 0, from_rows = 0;
    for (size_t t = 0; t < 20; t++) {
        from_blocks += fabs((double)blocks->trees[t].nodes[0].weight);
        from_rows += fabs((double)rows->trees[t].nodes[0].weight);
        double n = (double)blocks->trees[t].nodes[0].hessian;
        assert_true((size_t)n % 50 == 0 && n > 0.3 * ROWS && n < 0.7 * ROWS);
    }
    assert_true(from_blocks < 1e-4 && from_rows > 1e-2);
    wk_forest_destroy(blocks);
    wk_forest_destroy(rows);
}

static void test_draws_by_gradients_keep_the_sums(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.rounds = 1;
    wk_forest *all = train_from(&p, NULL, NULL, &f->data, 2);
    double h_all = (double)all->trees[0].nodes[0].hessian;
    for (int method = 1; method <= 2; method++) {
        double mean = 0, close = 0;
        for (int64_t seed = 0; seed < 10; seed++) {
            p.sampling_method = method;
            p.subsample = method == 1 ? 0.3 : 1;
            p.seed = seed;
            wk_forest *some = train_from(&p, NULL, NULL, &f->data, 2);
            double h = (double)some->trees[0].nodes[0].hessian;
            mean += h / 10;
            close += fabs(h - h_all) > 1e-6;
            wk_forest_destroy(some);
        }
        assert_true(fabs(mean / h_all - 1) < 0.03 && close > 0);
    }
    wk_forest_destroy(all);
}

static void test_categories_survive_json_and_ubjson(void **state)
{
    fixture *f = *state;
    f->categorical[3] = f->categorical[4] = true;
    f->data.categorical = f->categorical;
    wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2), *json = NULL,
              *ubjson = NULL;
    char path[] = "/tmp/wick_gbdt_XXXXXX.ubj";
    wk_err err;
    double gain[COLS];
    wk_forest_importance(forest, gain);
    assert_true(forest->has_sets && gain[3] > 0 && gain[4] > 0);
    char *text = model_bytes(forest, ".json");
    assert_int_equal(wk_forest_parse(text, strlen(text), "json", &json, &err), WK_OK);
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(wk_forest_save(forest, path, &err), WK_OK);
    assert_int_equal(wk_forest_load(path, &ubjson, &err), WK_OK);
    unlink(path);
    float *batch = malloc(ROWS * sizeof *batch);
    assert_non_null(batch);
    wk_forest_predict_batch(forest, f->X, ROWS, COLS, 2, batch);
    for (size_t i = 0; i < ROWS; i++) {
        float a, b, c;
        wk_forest_predict(forest, f->X + i * COLS, &a);
        wk_forest_predict(json, f->X + i * COLS, &b);
        wk_forest_predict(ubjson, f->X + i * COLS, &c);
        assert_true(a == b && a == c && a == batch[i]);
    }
    free(batch);
    free(text);
    wk_forest_destroy(forest);
    wk_forest_destroy(json);
    wk_forest_destroy(ubjson);
}

static void test_margins_in_training_are_those_of_the_forest(void **state)
{
    fixture *f = *state;
    f->categorical[3] = f->categorical[4] = true;
    f->data.categorical = f->categorical;
    f->params.subsample = 0.6; /* rows that were not drawn walk by their bins */
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&f->params, &f->data, NULL, NULL, 2, &forest, &log, &err),
                     WK_OK);
    double sum = 0;
    for (size_t i = 0; i < ROWS; i++) {
        float z;
        wk_forest_predict(forest, f->X + i * COLS, &z);
        sum += ((double)z - (double)f->y[i]) * ((double)z - (double)f->y[i]);
    }
    assert_true(fabs(sqrt(sum / ROWS) - log.train_metric[4]) < 1e-9);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

static void assert_refused(const wk_gbdt_params *p, const wk_gbdt_data *data, wk_status code,
                           const char *part)
{
    wk_forest *forest = NULL;
    wk_err err = {0};
    assert_int_equal(wk_gbdt_train(p, data, NULL, NULL, 1, &forest, NULL, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, part);
    assert_null(forest);
}

static void test_unusable_options_are_refused(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.objective = WK_GBDT_POISSON;
    assert_refused(&p, &f->data, WK_E_DATA, "count:poisson takes 0 or more");
    p.objective = WK_GBDT_RANK_NDCG;
    set_labels(f, p.objective);
    f->group[7]++;
    assert_refused(&p, &f->data, WK_E_DATA, "hold 9001 rows, the table 9000");
    f->data.group = NULL;
    assert_refused(&p, &f->data, WK_E_DATA, "no query groups");
    f->label[5] = 40;
    f->data.group = f->group;
    assert_refused(&p, &f->data, WK_E_DATA, "row 5 has label 40");
    f->data.group = NULL;
    f->data.y = f->y;
    p = f->params;
    f->categorical[0] = true;
    f->data.categorical = f->categorical;
    assert_refused(&p, &f->data, WK_E_DATA, "categorical column 0");
    f->categorical[0] = false;
    f->categorical[3] = true;
    p.grow_policy = 2;
    p.max_depth = 3;
    assert_refused(&p, &f->data, WK_E_CONFIG, "does not split by category");
    p = f->params;
    static double constraints[COLS + 1] = {0, 0, 0, 1};
    p.monotone_constraints = (wk_reals){constraints, 4};
    assert_refused(&p, &f->data, WK_E_CONFIG, "cannot be monotone");
    f->data.categorical = NULL;
    p.monotone_constraints.n = COLS + 1;
    assert_refused(&p, &f->data, WK_E_CONFIG, "21 elements for 20 columns");
    p = f->params;
    static const char *const broken[] = {"[[0, 1]", "[[0 1]]", "[0]", "[[x]]", "[[0],,]", "0"};
    for (size_t i = 0; i < 6; i++) {
        p.interaction_constraints = broken[i];
        assert_refused(&p, &f->data, WK_E_CONFIG, "interaction_constraints");
    }
    p.interaction_constraints = "[[0, 20]]";
    assert_refused(&p, &f->data, WK_E_CONFIG, "column 20 of 20");
    p = f->params;
    p.eval_metric = "ndcg";
    assert_refused(&p, &f->data, WK_E_CONFIG, "does not fit");
    p.eval_metric = "accuracy";
    assert_refused(&p, &f->data, WK_E_CONFIG, "not known");
    p = f->params;
    p.objective = WK_GBDT_CUSTOM;
    assert_refused(&p, &f->data, WK_E_CONFIG, "no gradient callback");
    p = f->params;
    p.class_weights = (wk_reals){classes, 3};
    assert_refused(&p, &f->data, WK_E_CONFIG, "class_weights has 3 weights for 0 classes");
    p = f->params;
    p.sampling_method = 2;
    p.objective = WK_GBDT_QUANTILE;
    assert_refused(&p, &f->data, WK_E_CONFIG, "sampling_method");
}

/* Groups of no rows, of one row, of weight 0 and of equal labels give no gradient and no harm. */
static void test_odd_groups_are_harmless(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.objective = WK_GBDT_RANK_NDCG;
    p.rounds = 3;
    set_labels(f, p.objective);
    f->group[0] = 0;
    f->group[1] = 1;
    f->group[2] = 59;
    for (size_t i = 0; i < ROWS; i++)
        f->weight[i] = i < 3000 || i > 5000 ? 1 : 0;
    for (size_t i = 6000; i < 7000; i++)
        f->label[i] = 1;
    f->data.weight = f->weight;
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&p, &f->data, NULL, NULL, 2, &forest, &log, &err), WK_OK);
    assert_true(log.train_metric[2] > 0.5 && log.train_metric[2] <= 1 &&
                log.train_metric[2] > log.train_metric[0]);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
    /* Nothing to tell apart at all: single leaves. */
    for (size_t i = 0; i < ROWS; i++)
        f->label[i] = 2;
    forest = train_from(&p, NULL, NULL, &f->data, 2);
    assert_int_equal(forest->trees[0].n_nodes, 1);
    wk_forest_destroy(forest);
}

static void test_average_precision_of_small_queries(void **state)
{
    (void)state;
    static const float margin[] = {4, 3, 2, 1}, two[] = {1, 0, 1, 0}, none[4] = {0},
                       last[] = {0, 0, 0, 1};
    uint32_t order[4];
    assert_true(fabs(wk__gbdt_map(0, margin, two, 4, order) - (1 + 2.0 / 3) / 2) < 1e-12);
    assert_true(fabs(wk__gbdt_map(1, margin, two, 4, order) - 1) < 1e-12);
    assert_true(fabs(wk__gbdt_map(0, margin, last, 4, order) - 0.25) < 1e-12);
    assert_true(wk__gbdt_map(2, margin, last, 4, order) == 0);
    assert_true(wk__gbdt_map(0, margin, none, 4, order) == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, drop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_option_depends_on_the_number_of_threads),
        TEST(test_continued_training_has_the_bits_of_training_at_once),
        TEST(test_refit_on_the_same_data_changes_no_leaf),
        TEST(test_refit_moves_leaves_to_new_labels),
        TEST(test_predictions_are_monotone_in_a_constrained_column),
        TEST(test_no_path_mixes_columns_of_different_sets),
        TEST(test_base_margin_continues_where_another_forest_ends),
        TEST(test_symmetric_trees_ask_one_question_a_level),
        TEST(test_a_custom_objective_gives_the_trees_of_the_one_it_copies),
        TEST(test_profit_trades_where_it_pays_and_rests_where_costs_eat_it),
        TEST(test_draws_by_blocks_take_whole_blocks),
        TEST(test_draws_by_gradients_keep_the_sums),
        TEST(test_categories_survive_json_and_ubjson),
        TEST(test_margins_in_training_are_those_of_the_forest),
        TEST(test_unusable_options_are_refused),
        TEST(test_odd_groups_are_harmless),
        cmocka_unit_test(test_average_precision_of_small_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
