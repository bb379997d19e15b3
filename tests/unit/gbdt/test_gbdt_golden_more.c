/* Objectives, constraints and categories: trees equal XGBoost's node by node on columns with few
 * distinct values. The golden files come from tests/golden/gbdt/make_xgboost.py (its second list).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "wick/file.h"
#include "wick/gbdt.h"

#define COLS 6
#define ROWS_MAX 700
#define ROUNDS 6

typedef struct {
    const char *name;
    wk_gbdt_params params;   /* what differs from those of `train_case` */
    const char *categorical; /* a 1 for each such column */
    bool missing, base_margin;
    int64_t first_rounds; /* of a first model that the rest continues */
    double loosest;       /* of leaf values, 0: 1e-6 */
} golden_case;

static double rising[] = {1, -1, 1, 0, 1, 0}, rising_two[] = {1, -1, 0, 1, 0, 0};

static const golden_case cases[] = {
    {"monotone", {.max_depth = 4, .monotone_constraints = {rising, 6}}, .missing = true},
    {"monotone_logistic",
     {.objective = WK_GBDT_LOGISTIC, .max_depth = 4, .monotone_constraints = {rising_two, 6}}},
    {"interaction",
     {.max_depth = 5, .interaction_constraints = "[[0,2,3],[1,4],[4,5]]"},
     .missing = true},
    {"onehot",
     {.max_depth = 4, .max_cat_to_onehot = 100},
     .categorical = "011000",
     .missing = true},
    {"partition",
     {.max_depth = 4, .max_cat_threshold = 12},
     .categorical = "111100",
     .missing = true},
    {"partition_logistic",
     {.objective = WK_GBDT_LOGISTIC, .max_depth = 4},
     .categorical = "011010"},
    {"pseudo_huber", {.objective = WK_GBDT_PSEUDO_HUBER, .max_depth = 4, .huber_slope = 0.75}},
    {"poisson", {.objective = WK_GBDT_POISSON, .max_depth = 4}, .missing = true},
    {"quantile", {.objective = WK_GBDT_QUANTILE, .max_depth = 4, .quantile_alpha = 0.8}},
    {"quantile_weighted", {.objective = WK_GBDT_QUANTILE, .max_depth = 4, .quantile_alpha = 0.3}},
    {"absolute", {.objective = WK_GBDT_ABSOLUTE, .max_depth = 3}, .missing = true},
    {"base_margin", {.objective = WK_GBDT_LOGISTIC, .max_depth = 4}, .base_margin = true},
    {"max_delta_step",
     {.objective = WK_GBDT_LOGISTIC, .max_depth = 4, .max_delta_step = 0.3},
     .missing = true},
    {"scale_pos_weight", {.objective = WK_GBDT_LOGISTIC, .max_depth = 3, .scale_pos_weight = 3}},
    {"continued", {.objective = WK_GBDT_LOGISTIC, .max_depth = 3}, .first_rounds = 3},
    {"rank_ndcg", {.objective = WK_GBDT_RANK_NDCG, .max_depth = 3}, .loosest = 1e-5},
    {"rank_pairwise", {.objective = WK_GBDT_RANK_PAIRWISE, .max_depth = 3}, .loosest = 1e-5},
};
#define CASES (sizeof cases / sizeof *cases)

typedef struct {
    float X[ROWS_MAX * COLS], y[ROWS_MAX], w[ROWS_MAX], base[ROWS_MAX];
    uint32_t group[ROWS_MAX];
    bool categorical[COLS];
    wk_gbdt_data data;
} table;

static float next_cell(char **at)
{
    char *end = *at + strcspn(*at, ",\n");
    float value = end == *at ? NAN : strtof(*at, NULL);
    *at = end + (*end != 0);
    return value;
}

static table *load_table(const char *name)
{
    char path[512], *text = NULL;
    wk_err err;
    table *t = calloc(1, sizeof *t);
    snprintf(path, sizeof path, GOLDEN_DIR "/%s.csv", name);
    assert_non_null(t);
    if (wk_file_read(path, &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    size_t n = 0;
    for (char *at = text; *at; n++) {
        assert_true(n < ROWS_MAX);
        t->y[n] = next_cell(&at);
        t->w[n] = next_cell(&at);
        t->base[n] = next_cell(&at);
        for (size_t f = 0; f < COLS; f++)
            t->X[n * COLS + f] = next_cell(&at);
    }
    free(text);
    t->data = (wk_gbdt_data){
        .X = t->X, .n_rows = n, .n_cols = COLS, .stride = COLS, .y = t->y, .weight = t->w};
    return t;
}

static wk_forest *load_forest(const char *name, const char *ending)
{
    char path[512];
    wk_err err;
    wk_forest *forest = NULL;
    snprintf(path, sizeof path, GOLDEN_DIR "/%s%s", name, ending);
    if (wk_forest_load(path, &forest, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return forest;
}

static wk_gbdt_params full_params(const wk_gbdt_params *from)
{
    wk_gbdt_params p = *from;
    p.rounds = ROUNDS;
    p.eta = 0.3;
    p.lambda = 1;
    p.min_child_weight = 0.9;
    p.max_bin = 255;
    p.min_rows_leaf = 1;
    p.subsample = p.colsample_bytree = 1;
    p.base_score = NAN;
    p.lambdarank_normalization = p.lambdarank_score_normalization = p.ndcg_exp_gain = true;
    return p;
}

static wk_forest *train_case(const golden_case *c, table *t, int threads, const char *metric,
                             wk_gbdt_log *log)
{
    wk_gbdt_params p = full_params(&c->params);
    p.eval_metric = metric;
    wk_err err;
    wk_forest *ours = NULL, *first = NULL;
    for (size_t f = 0; c->categorical && f < COLS; f++)
        t->categorical[f] = c->categorical[f] == '1';
    t->data.categorical = c->categorical ? t->categorical : NULL;
    t->data.base_margin = c->base_margin ? t->base : NULL;
    if (strncmp(c->name, "rank", 4) == 0) {
        t->data.group = t->group;
        t->data.n_groups = t->data.n_rows / 15;
        for (size_t i = 0; i < t->data.n_groups; i++)
            t->group[i] = 15;
    }
    if (c->first_rounds > 0) {
        p.rounds = c->first_rounds;
        if (wk_gbdt_train(&p, &t->data, NULL, NULL, threads, &first, NULL, &err) != WK_OK)
            fail_msg("%s", err.msg);
        p.rounds = ROUNDS - c->first_rounds;
    }
    if (wk_gbdt_train_from(&p, first, NULL, &t->data, NULL, NULL, threads, &ours, log, &err) !=
        WK_OK)
        fail_msg("%s: %s", c->name, err.msg);
    wk_forest_destroy(first);
    return ours;
}

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * (1 + fabs(b));
}

static bool same_set(const wk__gbdt_set *a, const wk__gbdt_set *b)
{
    if (!a || !b)
        return a == b;
    for (uint32_t i = 0; i < a->n_words || i < b->n_words; i++)
        if ((i < a->n_words ? a->words[i] : 0) != (i < b->n_words ? b->words[i] : 0))
            return false;
    return true;
}

static bool same_node(const golden_case *c, const wk__gbdt_node *a, const wk__gbdt_node *b)
{
    if (a->left != b->left || a->right != b->right ||
        !near((double)a->hessian, (double)b->hessian, 1e-4))
        return false;
    if (a->left < 0)
        return near((double)a->value, (double)b->value, c->loosest > 0 ? c->loosest : 1e-6);
    return a->feature == b->feature && same_set(a->set, b->set) &&
           (a->set || a->value == b->value) && near((double)a->gain, (double)b->gain, 1e-3) &&
           (!c->missing || a->default_left == b->default_left);
}

static void assert_same_trees(const golden_case *c, const wk_forest *ours, const wk_forest *theirs)
{
    assert_int_equal(ours->n_trees, theirs->n_trees);
    assert_int_equal(ours->objective, theirs->objective);
    if (!near((double)ours->base_margin[0], (double)theirs->base_margin[0], 1e-6))
        fail_msg("%s: base margin %.9g, theirs %.9g", c->name, (double)ours->base_margin[0],
                 (double)theirs->base_margin[0]);
    for (size_t t = 0; t < ours->n_trees; t++)
        for (size_t i = 0; i < ours->trees[t].n_nodes; i++) {
            const wk__gbdt_node *a = &ours->trees[t].nodes[i], *b = &theirs->trees[t].nodes[i];
            if (i >= theirs->trees[t].n_nodes || !same_node(c, a, b))
                fail_msg("%s tree %zu node %zu: ours %d %d f%u %.9g left=%d gain %g h %g; theirs "
                         "%d %d f%u "
                         "%.9g left=%d gain %g h %g",
                         c->name, t, i, a->left, a->right, a->feature, (double)a->value,
                         a->default_left, (double)a->gain, (double)a->hessian, b->left, b->right,
                         b->feature, (double)b->value, b->default_left, (double)b->gain,
                         (double)b->hessian);
            if (i + 1 == ours->trees[t].n_nodes)
                assert_int_equal(ours->trees[t].n_nodes, theirs->trees[t].n_nodes);
        }
}

static void check_case(void **state)
{
    const golden_case *c = *state;
    table *t = load_table(c->name);
    wk_forest *theirs = load_forest(c->name, ".json"), *ours = train_case(c, t, 2, NULL, NULL);
    size_t n_nodes = 0;
    for (size_t i = 0; i < ours->n_trees; i++)
        n_nodes += ours->trees[i].n_nodes;
    assert_true(n_nodes > 50);
    assert_same_trees(c, ours, theirs);
    wk_forest_destroy(ours);
    wk_forest_destroy(theirs);
    free(t);
}

/* tests/golden/gbdt/lightgbm_care.csv: the care with categories of few rows is LightGBM's. */
static void test_stumps_by_category_are_those_of_lightgbm(void **state)
{
    enum { N = 1500, F = 3 };
    static float X[N * F], y[N], theirs[N];
    static const bool categorical[F] = {true, true, false};
    char *text = NULL, *at;
    size_t n = 0, by_category = 0;
    wk_err err;
    (void)state;
    if (wk_file_read(GOLDEN_DIR "/lightgbm_care.csv", &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    for (at = text; *at; n++) {
        assert_true(n < N);
        y[n] = next_cell(&at);
        for (size_t f = 0; f < F; f++)
            X[n * F + f] = next_cell(&at);
        theirs[n] = next_cell(&at);
    }
    free(text);
    assert_int_equal(n, N);
    wk_gbdt_params p = {.rounds = 12,
                        .eta = 0.3,
                        .grow_policy = 1,
                        .max_leaves = 2,
                        .max_bin = 255,
                        .lambda = 1,
                        .min_child_weight = 1e-3,
                        .min_rows_leaf = 1,
                        .subsample = 1,
                        .colsample_bytree = 1,
                        .base_score = NAN,
                        .max_cat_threshold = 32,
                        .cat_smooth = 10,
                        .cat_l2 = 10,
                        .min_data_per_group = 100};
    wk_gbdt_data data = {
        .X = X, .n_rows = N, .n_cols = F, .stride = F, .y = y, .categorical = categorical};
    wk_forest *forest = NULL;
    if (wk_gbdt_train(&p, &data, NULL, NULL, 2, &forest, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    for (size_t t = 0; t < forest->n_trees; t++)
        by_category += forest->trees[t].nodes[0].set != NULL;
    assert_true(by_category > 5);
    for (size_t i = 0; i < N; i++) {
        float ours;
        wk_forest_predict(forest, X + i * F, &ours);
        if (!near((double)ours, (double)theirs[i], 2e-6))
            fail_msg("row %zu: %.9g, LightGBM %.9g", i, (double)ours, (double)theirs[i]);
    }
    wk_forest_destroy(forest);
}

/* tests/golden/gbdt/metrics.csv: what XGBoost measures on the rows of a case after the last round.
 */
static void test_metrics_are_those_of_xgboost(void **state)
{
    char *text = NULL, *at, name[64], metric[64];
    double value;
    int used = 0, n = 0;
    wk_err err;
    (void)state;
    if (wk_file_read(GOLDEN_DIR "/metrics.csv", &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    for (at = text; sscanf(at, "%63[^,],%63[^,],%lf\n%n", name, metric, &value, &used) == 3;
         at += used, n++)
        for (size_t i = 0; i < CASES; i++) {
            if (strcmp(cases[i].name, name) != 0)
                continue;
            table *t = load_table(name);
            wk_gbdt_log log = {0};
            wk_forest_destroy(train_case(&cases[i], t, 2, metric, &log));
            if (!near(log.train_metric[ROUNDS - 1], value, 2e-6))
                fail_msg("%s of %s is %.9g, XGBoost's %.9g", metric, name,
                         log.train_metric[ROUNDS - 1], value);
            wk_gbdt_log_finish(&log);
            free(t);
        }
    assert_true(n > 15);
    free(text);
}

/* XGBoost's updater `refresh` on the same rows with other labels. */
static void test_refit_equals_refresh(void **state)
{
    (void)state;
    golden_case c = {"refresh", {.max_depth = 4}};
    table *t = load_table(c.name);
    wk_forest *before = load_forest(c.name, ".before.json"), *after = load_forest(c.name, ".json"),
              *ours = NULL;
    wk_gbdt_params p = full_params(&c.params);
    wk_err err;
    if (wk_gbdt_refit(&p, before, &t->data, 0, 2, &ours, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_same_trees(&c, ours, after);
    wk_forest_destroy(ours);
    wk_forest_destroy(before);
    wk_forest_destroy(after);
    free(t);
}

int main(void)
{
    struct CMUnitTest tests[CASES + 3];
    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
                                       .test_func = check_case,
                                       .initial_state = (void *)(uintptr_t)&cases[i]};
    tests[CASES] = (struct CMUnitTest)cmocka_unit_test(test_refit_equals_refresh);
    tests[CASES + 1] = (struct CMUnitTest)cmocka_unit_test(test_metrics_are_those_of_xgboost);
    tests[CASES + 2] =
        (struct CMUnitTest)cmocka_unit_test(test_stumps_by_category_are_those_of_lightgbm);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
