/* Training: determinism, early stopping, odd data and refused data. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forest.h"
#include "train.h"
#include "training.h"
#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/math.h"
#include "wick/rng.h"

#define ROWS 9000 /* more than two blocks of rows */
#define COLS 20   /* more than one block of features */

typedef struct {
    float X[ROWS * COLS], y[ROWS], weight[ROWS];
    wk_gbdt_data data;
    wk_gbdt_params params;
} fixture;

static int make_fixture(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t c = 0; c < COLS; c++) {
            double u = wk_rng_uniform(5, c, i);
            f->X[i * COLS + c] = u < 0.1 ? NAN : (float)wk_rng_normal(6, c, i);
        }
        const float *x = f->X + i * COLS;
        double s = (isnan(x[0]) ? 0.7 : (double)x[0]) + (x[1] > 0 ? (double)x[18] : 0.3);
        s = isnan(s) ? 0.2 : s + 0.5 * wk_rng_normal(7, 0, i);
        f->y[i] = s < -0.5 ? 0 : s < 0.6 ? 1 : 2;
        f->weight[i] = (float)(0.5 + wk_rng_uniform(8, 0, i));
    }
    f->data = (wk_gbdt_data){.X = f->X, .n_rows = ROWS, .n_cols = COLS, .stride = COLS, .y = f->y};
    f->params = (wk_gbdt_params){.objective = WK_GBDT_SOFTPROB,
                                 .num_class = 3,
                                 .rounds = 5,
                                 .eta = 0.3,
                                 .grow_policy = 1,
                                 .max_leaves = 15,
                                 .max_bin = 63,
                                 .lambda = 1,
                                 .min_child_weight = 1,
                                 .min_rows_leaf = 20,
                                 .subsample = 0.7,
                                 .colsample_bytree = 0.6,
                                 .base_score = NAN,
                                 .seed = 3};
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    free(*state);
    return 0;
}

static wk_forest *train(const wk_gbdt_params *p, const wk_gbdt_data *data,
                        const wk_gbdt_data *valid, int threads, wk_gbdt_log *log)
{
    wk_forest *forest = NULL;
    wk_err err;
    if (wk_gbdt_train(p, data, valid, NULL, threads, &forest, log, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return forest;
}

static char *model_bytes(const wk_forest *forest)
{
    char path[] = "/tmp/wick_gbdt_XXXXXX", *text = NULL;
    wk_err err;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    if (wk_forest_save(forest, path, &err) != WK_OK ||
        wk_file_read(path, &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    unlink(path);
    return text;
}

static void assert_same_model(wk_forest *a, wk_forest *b)
{
    char *x = model_bytes(a), *y = model_bytes(b);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

static void test_model_bytes_do_not_depend_on_threads(void **state)
{
    fixture *f = *state;
    const float *weights[] = {NULL, f->weight};
    for (int objective = 0; objective < 3; objective++)
        for (int policy = 0; policy < 2; policy++) {
            wk_gbdt_params p = f->params;
            float *y = malloc(ROWS * sizeof *y);
            assert_non_null(y);
            for (size_t i = 0; i < ROWS; i++)
                y[i] = objective == WK_GBDT_LOGISTIC ? (float)(f->y[i] > 1) : f->y[i];
            p.objective = objective;
            p.grow_policy = policy;
            p.max_depth = 5;
            wk_gbdt_data data = f->data;
            data.y = y;
            data.weight = weights[policy];
            wk_forest *one = train(&p, &data, NULL, 1, NULL);
            assert_true(one->trees[0].n_nodes > 7);
            static const int threads[] = {2, 3, 7};
            for (size_t i = 0; i < 3; i++) {
                wk_forest *many = train(&p, &data, NULL, threads[i], NULL);
                assert_same_model(one, many);
                wk_forest_destroy(many);
            }
            wk_forest_destroy(one);
            free(y);
        }
}

static void test_min_rows_leaf_holds_in_every_leaf(void **state)
{
    fixture *f = *state;
    for (int objective = 0; objective < 3; objective += 2) {
        wk_gbdt_params p = f->params;
        p.objective = objective;
        p.subsample = 1;
        p.min_rows_leaf = 700;
        p.rounds = 1;
        wk_forest *forest = train(&p, &f->data, NULL, 2, NULL);
        const wk__gbdt_tree *tree = &forest->trees[0];
        size_t rows_of[64] = {0}, n_leaves = 0;
        for (size_t i = 0; i < ROWS; i++) {
            const wk__gbdt_node *node = tree->nodes;
            while (node->left >= 0) {
                float x = f->X[i * COLS + node->feature];
                bool left = isnan(x) ? node->default_left : x < node->value;
                node = tree->nodes + (left ? node->left : node->right);
            }
            rows_of[node - tree->nodes]++;
        }
        for (size_t i = 0; i < tree->n_nodes; i++)
            if (tree->nodes[i].left < 0) {
                assert_true(rows_of[i] >= 700);
                n_leaves++;
            }
        assert_true(n_leaves > 3);
        wk_forest_destroy(forest);
    }
}

static void test_training_lowers_the_loss_and_the_log_tells_it(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.rounds = 10;
    wk_gbdt_log log = {0};
    wk_gbdt_data half = f->data, rest = f->data;
    half.n_rows = 6000;
    rest.n_rows = ROWS - 6000;
    rest.X += 6000 * COLS;
    rest.y += 6000;
    wk_forest *forest = train(&p, &half, &rest, 2, &log);
    assert_int_equal(log.n, 10);
    assert_int_equal(log.best_round, 10);
    assert_true(log.train_metric[9] < log.train_metric[0]);
    assert_true(log.valid_metric[9] < log.valid_metric[0]);
    /* The logged value is that of the forest's own predictions. */
    double sum = 0;
    for (size_t i = 0; i < rest.n_rows; i++) {
        float out[3];
        wk_forest_predict(forest, rest.X + i * COLS, out);
        sum -= wk_log((double)out[(size_t)rest.y[i]]);
    }
    assert_true(fabs(sum / (double)rest.n_rows - log.valid_metric[9]) < 1e-5);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

static void test_early_stopping_keeps_the_best_rounds(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.rounds = 400;
    p.eta = 0.9;
    p.early_stopping_rounds = 5;
    wk_gbdt_log log = {0};
    wk_gbdt_data half = f->data, rest = f->data;
    half.n_rows = 1500;
    rest.n_rows = 1500;
    rest.X += 6000 * COLS;
    rest.y += 6000;
    wk_forest *forest = train(&p, &half, &rest, 2, &log);
    assert_true(log.n < 400);
    assert_int_equal(log.n, log.best_round + 5);
    assert_int_equal(wk_forest_n_trees(forest), log.best_round * 3);
    for (size_t i = 0; i < log.n; i++)
        assert_true(log.valid_metric[i] >= log.valid_metric[log.best_round - 1]);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

static void test_rows_of_weight_zero_have_no_effect(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.subsample = 1;
    wk_gbdt_data with = f->data, without = f->data;
    float *X = malloc(sizeof f->X), *y = malloc(sizeof f->y), *w = malloc(sizeof f->weight);
    assert_true(X && y && w);
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++) {
        w[i] = i % 3 ? f->weight[i] : 0;
        if (i % 3 == 0)
            continue;
        memcpy(X + n * COLS, f->X + i * COLS, COLS * sizeof *X);
        y[n] = f->y[i];
        f->weight[n++] = w[i];
    }
    with.weight = w;
    without = (wk_gbdt_data){
        .X = X, .n_rows = n, .n_cols = COLS, .stride = COLS, .y = y, .weight = f->weight};
    wk_forest *a = train(&p, &with, NULL, 2, NULL), *b = train(&p, &without, NULL, 2, NULL);
    assert_same_model(a, b);
    wk_forest_destroy(a);
    wk_forest_destroy(b);
    free(X);
    free(y);
    free(w);
}

static void test_weight_two_equals_the_row_twice(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.objective = WK_GBDT_SQUARED_ERROR;
    p.subsample = p.colsample_bytree = 1;
    p.min_rows_leaf = 1;
    p.base_score = 1;
    p.rounds = 1;
    enum { N = 400 };
    float X[2 * N * COLS], y[2 * N], w[N];
    for (size_t i = 0; i < N; i++) {
        for (size_t c = 0; c < COLS; c++) /* few values, so that both have the same cuts */
            X[i * COLS + c] = X[(N + i) * COLS + c] = (float)(wk_rng_u64(9, c, i) % 20);
        y[i] = y[N + i] = f->y[i];
        w[i] = 2;
    }
    wk_gbdt_data twice = {.X = X, .n_rows = 2 * N, .n_cols = COLS, .stride = COLS, .y = y};
    wk_gbdt_data heavy = {.X = X, .n_rows = N, .n_cols = COLS, .stride = COLS, .y = y, .weight = w};
    wk_forest *a = train(&p, &twice, NULL, 1, NULL), *b = train(&p, &heavy, NULL, 1, NULL);
    assert_same_model(a, b);
    wk_forest_destroy(a);
    wk_forest_destroy(b);
}

static void test_constant_and_missing_columns_are_never_split(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ROWS; i++) {
        f->X[i * COLS + 0] = 3.5f;
        f->X[i * COLS + 1] = NAN;
    }
    wk_gbdt_params p = f->params;
    p.colsample_bytree = 1;
    wk_forest *forest = train(&p, &f->data, NULL, 2, NULL);
    double gain[COLS];
    wk_forest_importance(forest, gain);
    assert_true(gain[0] == 0 && gain[1] == 0 && gain[18] > 0);
    wk_forest_destroy(forest);
    /* Nothing but such columns: one leaf a tree. */
    wk_gbdt_data two = f->data;
    two.n_cols = 2;
    forest = train(&p, &two, NULL, 2, NULL);
    for (size_t t = 0; t < wk_forest_n_trees(forest); t++)
        assert_int_equal(forest->trees[t].n_nodes, 1);
    wk_forest_importance(forest, gain);
    assert_true(gain[0] == 0 && gain[1] == 0);
    wk_forest_destroy(forest);
}

static void test_one_class_only_gives_a_finite_certain_model(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ROWS; i++)
        f->y[i] = 1;
    float out[3];
    wk_gbdt_params p = f->params;
    wk_forest *forest = train(&p, &f->data, NULL, 2, NULL);
    wk_forest_predict(forest, f->X, out);
    assert_true(isfinite(out[0]) && out[1] > 0.8f);
    wk_forest_destroy(forest);
    p.objective = WK_GBDT_LOGISTIC;
    forest = train(&p, &f->data, NULL, 2, NULL);
    wk_forest_predict(forest, f->X, out);
    assert_true(isfinite(out[0]) && out[0] > 0.99f);
    wk_forest_destroy(forest);
}

static void test_infinity_counts_as_the_largest_value(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.objective = WK_GBDT_SQUARED_ERROR;
    p.rounds = 1;
    p.subsample = p.colsample_bytree = 1;
    p.eta = 1;
    p.lambda = 0;
    for (size_t i = 0; i < ROWS; i++) {
        f->X[i * COLS + 2] = i % 3 == 0 ? INFINITY : i % 3 == 1 ? -INFINITY : 1.0f;
        f->y[i] = i % 3 == 0 ? 5 : 0;
    }
    wk_forest *forest = train(&p, &f->data, NULL, 2, NULL);
    const wk__gbdt_node *root = &forest->trees[0].nodes[0];
    assert_int_equal(root->feature, 2);
    assert_true(isfinite(root->value));
    float out;
    wk_forest_predict(forest, f->X, &out);
    assert_true(fabsf(out - 5) < 1e-3f);
    wk_forest_predict(forest, f->X + COLS, &out);
    assert_true(fabsf(out) < 1e-3f);
    wk_forest_destroy(forest);
}

typedef struct {
    const wk_gbdt_data *data;
    wk__gbdt_pages *pages;
    wk__gbdt_bins bins;
} bins_call;

static void make_bins(wk__gbdt_team *team, void *context)
{
    bins_call *call = context;
    wk__gbdt_bins_make(call->data, NULL, ROWS, 20, team, call->pages, &call->bins);
}

static void test_many_distinct_values_get_bins_of_equal_mass(void **state)
{
    fixture *f = *state;
    wk__gbdt_pages pages;
    wk__gbdt_pages_init(&pages);
    bins_call call = {&f->data, &pages, {0}};
    wk__gbdt_team_with(2, make_bins, &call);
    wk__gbdt_bins bins = call.bins;
    for (size_t c = 0; c < COLS; c++) {
        size_t count[64] = {0}, present = 0;
        assert_int_equal(bins.n_bins[c], 20);
        for (size_t i = 0; i < ROWS; i++) {
            uint8_t b = bins.by_col[c * ROWS + i];
            float x = f->X[i * COLS + c];
            count[b]++;
            assert_int_equal(bins.by_row[((c / 16) * ROWS + i) * 16 + c % 16], b);
            if (isnan(x)) {
                assert_int_equal(b, 63);
                continue;
            }
            present++;
            assert_true(x < bins.cuts[c][b] && (b == 0 || x >= bins.cuts[c][b - 1]));
        }
        for (size_t b = 0; b < 20; b++)
            assert_true(count[b] > present / 25 && count[b] < present / 15);
    }
    wk__gbdt_pages_finish(&pages);
}

static void test_unusable_data_and_parameters_are_refused(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    wk_gbdt_data data = f->data;
    f->y[17] = 3;
    assert_refused(&p, &data, WK_E_DATA, "row 17 has label 3");
    f->y[17] = 0.5f;
    assert_refused(&p, &data, WK_E_DATA, "row 17 has label 0.5");
    f->y[17] = NAN;
    assert_refused(&p, &data, WK_E_DATA, "row 17 has label nan");
    f->y[17] = 2;
    p.objective = WK_GBDT_LOGISTIC;
    assert_refused(&p, &data, WK_E_DATA, "takes 0 or 1");
    p = f->params;
    data.weight = f->weight;
    f->weight[3] = -1;
    assert_refused(&p, &data, WK_E_DATA, "row 3 has weight -1");
    memset(f->weight, 0, sizeof f->weight);
    assert_refused(&p, &data, WK_E_DATA, "weight 0");
    data = f->data;
    data.n_rows = 0;
    assert_refused(&p, &data, WK_E_DATA, "0 rows");
    data = f->data;
    p.max_bin = 256;
    assert_refused(&p, &data, WK_E_CONFIG, "max_bin is 256");
    p = f->params;
    p.early_stopping_rounds = 3;
    assert_refused(&p, &data, WK_E_CONFIG, "no validation set");
    p = f->params;
    p.grow_policy = 0;
    assert_refused(&p, &data, WK_E_CONFIG, "max_depth");
    p = f->params;
    p.num_class = 1;
    assert_refused(&p, &data, WK_E_CONFIG, "num_class is 1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, drop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_model_bytes_do_not_depend_on_threads),
        TEST(test_min_rows_leaf_holds_in_every_leaf),
        TEST(test_training_lowers_the_loss_and_the_log_tells_it),
        TEST(test_early_stopping_keeps_the_best_rounds),
        TEST(test_rows_of_weight_zero_have_no_effect),
        TEST(test_weight_two_equals_the_row_twice),
        TEST(test_constant_and_missing_columns_are_never_split),
        TEST(test_one_class_only_gives_a_finite_certain_model),
        TEST(test_infinity_counts_as_the_largest_value),
        TEST(test_many_distinct_values_get_bins_of_equal_mass),
        TEST(test_unusable_data_and_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
