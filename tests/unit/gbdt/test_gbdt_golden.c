/* Trees equal XGBoost's hist method node by node on columns with few distinct values; its models
 * load and predict the same. The golden files come from tests/golden/gbdt/make_xgboost.py. */
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
#define ROWS_MAX 1000
#define CASES 6

typedef struct {
    const char *name;
    wk_gbdt_params params;
} golden_case;

/* The parameters of make_xgboost.py. */
static const golden_case cases[CASES] = {
    {"squared",
     {.objective = WK_GBDT_SQUARED_ERROR,
      .eta = 0.3,
      .max_depth = 4,
      .lambda = 1,
      .min_child_weight = 5,
      .base_score = 0.25}},
    {"squared_missing",
     {.objective = WK_GBDT_SQUARED_ERROR,
      .eta = 0.3,
      .max_depth = 4,
      .lambda = 1,
      .alpha = 0.5,
      .gamma = 0.1,
      .min_child_weight = 1,
      .base_score = NAN}},
    {"logistic_missing",
     {.objective = WK_GBDT_LOGISTIC,
      .eta = 0.2,
      .max_depth = 5,
      .lambda = 1,
      .min_child_weight = 2,
      .base_score = 0.4}},
    {"logistic_weighted",
     {.objective = WK_GBDT_LOGISTIC,
      .eta = 0.3,
      .max_depth = 3,
      .lambda = 2,
      .min_child_weight = 1,
      .base_score = NAN}},
    {"softprob_missing",
     {.objective = WK_GBDT_SOFTPROB,
      .num_class = 3,
      .eta = 0.3,
      .max_depth = 4,
      .lambda = 1,
      .min_child_weight = 0.9,
      .base_score = 0.5}},
    {"softprob_leaves",
     {.objective = WK_GBDT_SOFTPROB,
      .num_class = 3,
      .eta = 0.3,
      .grow_policy = 1,
      .max_leaves = 12,
      .lambda = 1,
      .min_child_weight = 1,
      .base_score = 0.5}},
};

typedef struct {
    float X[ROWS_MAX * COLS], y[ROWS_MAX], w[ROWS_MAX], pred[ROWS_MAX * 3];
    wk_gbdt_data data;
    wk_forest *theirs;
} golden;

static char *read_golden(const char *name, const char *ending)
{
    char path[512], *text = NULL;
    wk_err err;
    snprintf(path, sizeof path, GOLDEN_DIR "/%s%s", name, ending);
    if (wk_file_read(path, &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return text;
}

/* Numbers separated by commas and newlines; an empty cell is NaN. */
static float next_cell(char **at)
{
    char *end = *at + strcspn(*at, ",\n");
    float value = end == *at ? NAN : strtof(*at, NULL);
    *at = end + (*end != 0);
    return value;
}

static golden *load_case(const golden_case *c)
{
    golden *g = calloc(1, sizeof *g);
    assert_non_null(g);
    char *rows = read_golden(c->name, ".csv"), *pred = read_golden(c->name, ".pred.csv");
    char *at = rows, *p = pred;
    size_t n = 0, K = c->params.num_class ? 3 : 1;
    while (*at) {
        assert_true(n < ROWS_MAX);
        g->y[n] = next_cell(&at);
        g->w[n] = next_cell(&at);
        for (size_t f = 0; f < COLS; f++)
            g->X[n * COLS + f] = next_cell(&at);
        for (size_t k = 0; k < K; k++)
            g->pred[n * K + k] = next_cell(&p);
        n++;
    }
    free(rows);
    free(pred);
    g->data = (wk_gbdt_data){
        .X = g->X, .n_rows = n, .n_cols = COLS, .stride = COLS, .y = g->y, .weight = g->w};
    char path[512];
    wk_err err;
    snprintf(path, sizeof path, GOLDEN_DIR "/%s.json", c->name);
    if (wk_forest_load(path, &g->theirs, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return g;
}

static void drop_case(golden *g)
{
    wk_forest_destroy(g->theirs);
    free(g);
}

static wk_forest *train_case(const golden_case *c, const golden *g)
{
    wk_gbdt_params p = c->params;
    p.rounds = 6;
    p.max_bin = 255;
    p.min_rows_leaf = 1;
    p.subsample = p.colsample_bytree = 1;
    wk_forest *ours = NULL;
    wk_err err;
    if (wk_gbdt_train(&p, &g->data, NULL, NULL, 2, &ours, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return ours;
}

static bool near(double a, double b, double tolerance)
{
    return fabs(a - b) <= tolerance * (1 + fabs(b));
}

static void compare_node(const char *name, size_t t, size_t i, const wk__gbdt_node *a,
                         const wk__gbdt_node *b, bool any_missing)
{
    bool same = a->left == b->left && a->right == b->right;
    if (same && a->left < 0)
        same = near((double)a->value, (double)b->value, 1e-6);
    else if (same)
        same = a->feature == b->feature && a->value == b->value &&
               near((double)a->gain, (double)b->gain, 1e-4) &&
               (!any_missing || a->default_left == b->default_left);
    same = same && near((double)a->hessian, (double)b->hessian, 1e-5);
    if (!same)
        fail_msg("%s tree %zu node %zu: ours %d %d f%u %.9g left=%d gain %g h %g; theirs %d %d f%u "
                 "%.9g left=%d gain %g h %g",
                 name, t, i, a->left, a->right, a->feature, (double)a->value, a->default_left,
                 (double)a->gain, (double)a->hessian, b->left, b->right, b->feature,
                 (double)b->value, b->default_left, (double)b->gain, (double)b->hessian);
}

static void test_trees_equal_xgboost_node_by_node(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        golden *g = load_case(&cases[c]);
        wk_forest *ours = train_case(&cases[c], g);
        assert_int_equal(ours->n_trees, g->theirs->n_trees);
        for (size_t k = 0; k < ours->n_outputs; k++)
            assert_true(near((double)ours->base_score[k], (double)g->theirs->base_score[k], 1e-6));
        bool any_missing = strstr(cases[c].name, "missing") || strstr(cases[c].name, "leaves");
        for (size_t t = 0; t < ours->n_trees; t++) {
            const wk__gbdt_tree *a = &ours->trees[t], *b = &g->theirs->trees[t];
            assert_int_equal(a->output, b->output);
            for (size_t i = 0; i < a->n_nodes && i < b->n_nodes; i++)
                compare_node(cases[c].name, t, i, &a->nodes[i], &b->nodes[i], any_missing);
            assert_int_equal(a->n_nodes, b->n_nodes);
        }
        wk_forest_destroy(ours);
        drop_case(g);
    }
}

static void test_loaded_models_predict_as_xgboost_does(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        golden *g = load_case(&cases[c]);
        size_t K = wk_forest_n_outputs(g->theirs);
        float out[3];
        for (size_t i = 0; i < g->data.n_rows; i++) {
            wk_forest_predict(g->theirs, g->X + i * COLS, out);
            for (size_t k = 0; k < K; k++)
                if (!near((double)out[k], (double)g->pred[i * K + k], 1e-6))
                    fail_msg("%s row %zu output %zu: %.9g, expected %.9g", cases[c].name, i, k,
                             (double)out[k], (double)g->pred[i * K + k]);
        }
        drop_case(g);
    }
}

static void test_batch_has_the_bits_of_single_rows(void **state)
{
    (void)state;
    for (size_t c = 0; c < CASES; c++) {
        golden *g = load_case(&cases[c]);
        size_t K = wk_forest_n_outputs(g->theirs);
        float *batch = malloc(ROWS_MAX * 3 * sizeof *batch), out[3];
        assert_non_null(batch);
        for (int threads = 1; threads <= 3; threads++) {
            wk_forest_predict_batch(g->theirs, g->X, g->data.n_rows, COLS, threads, batch);
            for (size_t i = 0; i < g->data.n_rows; i++) {
                wk_forest_predict(g->theirs, g->X + i * COLS, out);
                assert_memory_equal(out, batch + i * K, K * sizeof *out);
            }
        }
        free(batch);
        drop_case(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees_equal_xgboost_node_by_node),
        cmocka_unit_test(test_loaded_models_predict_as_xgboost_does),
        cmocka_unit_test(test_batch_has_the_bits_of_single_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
