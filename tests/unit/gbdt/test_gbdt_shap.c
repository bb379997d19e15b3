/* Contributions equal Shapley's definition by brute force and XGBoost's, and add up to the margin.
 * The golden files come from tests/golden/gbdt/make_shap.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "golden_files.h"
#include "wick/gbdt.h"
#include "wick/rng.h"

#define FEATURES 7

static const char *const models[] = {"softprob", "logistic",   "squared",
                                     "dart",     "categories", "onehot"};
#define MODELS (sizeof models / sizeof *models)

static double *contributions(const wk_forest *forest, const float *X, size_t n, int threads)
{
    wk_err err;
    size_t F = wk_forest_n_features(forest);
    double *out = malloc(n * wk_forest_n_outputs(forest) * (F + 1) * sizeof *out);
    assert_non_null(out);
    if (wk_forest_contributions(forest, X, n, F, threads, out, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return out;
}

/* The margin in f64 from the leaves. */
static double margin_of(const wk_forest *forest, const float *row, size_t output)
{
    double sum = (double)forest->base_margin[output];
    for (size_t t = 0; t < forest->n_trees; t++)
        if (forest->trees[t].output == output)
            sum += (double)wk__gbdt_tree_walk(forest->trees[t].nodes, row);
    return sum;
}

static void assert_sums(const wk_forest *forest, const float *X, size_t n, const char *what)
{
    size_t F = wk_forest_n_features(forest), K = wk_forest_n_outputs(forest);
    double *phi = contributions(forest, X, n, 1);
    for (size_t i = 0; i < n * K; i++) {
        double sum = 0, size = 0, margin = margin_of(forest, X + i / K * F, i % K);
        for (size_t f = 0; f <= F; f++) {
            sum += phi[i * (F + 1) + f];
            size += fabs(phi[i * (F + 1) + f]);
        }
        if (!(fabs(sum - margin) <= 1e-9 * fmax(fabs(margin), 1e-3 * size)))
            fail_msg("%s: row %zu output %zu: %.17g, the margin is %.17g", what, i / K, i % K, sum,
                     margin);
    }
    free(phi);
}

static void test_contributions_and_scores_are_those_of_xgboost(void **state)
{
    (void)state;
    char path[1024];
    wk_gbdt_table rows = read_table(GOLDEN_DIR "/interchange/rows.csv");
    for (size_t m = 0; m < MODELS; m++) {
        snprintf(path, sizeof path, GOLDEN_DIR "/interchange/xgboost_3.2.0_%s.json", models[m]);
        wk_forest *forest = load(path);
        snprintf(path, sizeof path, GOLDEN_DIR "/shap/%s.contribs.csv", models[m]);
        wk_gbdt_table expected = read_table(path);
        snprintf(path, sizeof path, GOLDEN_DIR "/shap/%s.score.csv", models[m]);
        wk_gbdt_table scores = read_table(path);
        size_t K = wk_forest_n_outputs(forest), F = wk_forest_n_features(forest);
        assert_int_equal(expected.n_rows, 60 * K);
        assert_int_equal(expected.n_cols, F + 1);
        double *phi = contributions(forest, rows.cells, 60, 1);
        for (size_t i = 0; i < 60 * K * (F + 1); i++)
            if (!(fabs(phi[i] - (double)expected.cells[i]) <= 1e-5))
                fail_msg("%s: row %zu column %zu: %.9g, XGBoost's is %.9g", models[m],
                         i / (F + 1) / K, i % (F + 1), phi[i], (double)expected.cells[i]);
        free(phi);
        assert_int_equal(scores.n_rows, WK_FOREST_MEASURES);
        for (int k = 0; k < WK_FOREST_MEASURES; k++) {
            double score[8];
            wk_forest_score(forest, k, score);
            for (size_t f = 0; f < F; f++) {
                double want = (double)scores.cells[(size_t)k * F + f];
                if (!(fabs(score[f] - want) <= 1e-6 * fabs(want)))
                    fail_msg("%s: %s of column %zu: %.9g, XGBoost's is %.9g", models[m],
                             wk_forest_measure_name(k), f, score[f], want);
            }
        }
        assert_sums(forest, rows.cells, rows.n_rows, models[m]);
        wk_gbdt_table_finish(&expected);
        wk_gbdt_table_finish(&scores);
        wk_forest_destroy(forest);
    }
    wk_gbdt_table_finish(&rows);
}

/* A tree of random shape: features repeat on a path, some splits are by category, some nodes have
 * no rows at all. */
static size_t grow(wk_forest *forest, wk__gbdt_node *nodes, size_t n_max, uint64_t seed)
{
    size_t n = 1;
    nodes[0].parent = -1;
    for (size_t i = 0; i < n; i++) {
        uint64_t r = wk_rng_u64(seed, 1, i);
        wk__gbdt_node *node = &nodes[i];
        node->hessian = r % 11 == 0 ? 0 : (float)(1 + (r >> 8) % 100);
        node->value = (float)((double)(r >> 40) * 0x1p-23 - 1);
        if (n + 2 > n_max || (i > 2 && r >> 20 & 1 && (r >> 21 & 1))) {
            node->left = node->right = -1;
            continue;
        }
        node->feature = (uint32_t)((r >> 32) % forest->n_features);
        node->default_left = r >> 24 & 1;
        if (node->feature == 3) {
            wk__gbdt_set *set = wk__forest_add_set(forest, 1);
            set->words[0] = (uint32_t)wk_rng_u64(seed, 2, i);
            node->set = set;
        }
        node->left = (int32_t)n++;
        node->right = (int32_t)n++;
        nodes[node->left].parent = nodes[node->right].parent = (int32_t)i;
    }
    return n;
}

static wk_forest *random_forest(uint64_t seed, size_t n_trees, size_t n_features, size_t n_max)
{
    const float base[2] = {0.25f, -0.5f};
    wk_forest *forest = wk__forest_create(WK_GBDT_SOFTPROB, 2, n_features, n_trees);
    wk__gbdt_node *nodes = calloc(n_max, sizeof *nodes);
    assert_true(forest && nodes);
    wk__forest_set_base(forest, base);
    for (size_t t = 0; t < n_trees; t++) {
        memset(nodes, 0, n_max * sizeof *nodes);
        size_t n = grow(forest, nodes, n_max, seed * 100 + t);
        wk__forest_add_tree(forest, nodes, n, (uint32_t)(t & 1));
    }
    wk__forest_seal(forest);
    free(nodes);
    return forest;
}

static void random_row(uint64_t seed, size_t n, float *row)
{
    for (size_t f = 0; f < n; f++) {
        uint64_t r = wk_rng_u64(seed, 3, f);
        row[f] = r % 5 == 0 ? NAN
                 : f == 3   ? (float)(r >> 32 & 31)
                            : (float)((double)(r >> 40) * 0x1p-23 - 1);
    }
}

/* The mean of the tree when the features of the set are known: the definition. */
static double mean_given(const wk__gbdt_node *nodes, int32_t at, const float *row, uint32_t known)
{
    const wk__gbdt_node *node = &nodes[at];
    if (node->left < 0)
        return (double)node->value;
    if (known >> node->feature & 1)
        return mean_given(nodes, wk__gbdt_goes_left(node, row) ? node->left : node->right, row,
                          known);
    double left = (double)nodes[node->left].hessian, right = (double)nodes[node->right].hessian;
    double share = left + right > 0 ? left / (left + right) : 0.5;
    return share * mean_given(nodes, node->left, row, known) +
           (1 - share) * mean_given(nodes, node->right, row, known);
}

static void test_contributions_are_shapley_values_by_brute_force(void **state)
{
    (void)state;
    double factorial[FEATURES + 1] = {1};
    for (size_t i = 1; i <= FEATURES; i++)
        factorial[i] = factorial[i - 1] * (double)i;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        size_t n_trees = 1 + seed % 4;
        wk_forest *forest = random_forest(seed, n_trees, FEATURES, 3 + seed % 60);
        float row[FEATURES];
        random_row(seed, FEATURES, row);
        double *phi = contributions(forest, row, 1, 1), want[2][FEATURES + 1] = {{0}};
        for (size_t k = 0; k < 2; k++)
            want[k][FEATURES] = (double)forest->base_margin[k];
        for (size_t t = 0; t < n_trees; t++) {
            double mean[1 << FEATURES], *w = want[t & 1];
            for (uint32_t known = 0; known < 1 << FEATURES; known++)
                mean[known] = mean_given(forest->trees[t].nodes, 0, row, known);
            w[FEATURES] += mean[0];
            for (uint32_t known = 0; known < 1 << FEATURES; known++)
                for (size_t f = 0; f < FEATURES; f++) {
                    size_t size = (size_t)__builtin_popcount(known);
                    if (!(known >> f & 1))
                        w[f] += factorial[size] * factorial[FEATURES - 1 - size] /
                                factorial[FEATURES] * (mean[known | 1u << f] - mean[known]);
                }
        }
        for (size_t i = 0; i < 2 * (FEATURES + 1); i++) {
            double expected = want[i / (FEATURES + 1)][i % (FEATURES + 1)];
            if (!(fabs(phi[i] - expected) <= 1e-12))
                fail_msg("seed %llu output %zu feature %zu: %.17g, by brute force %.17g",
                         (unsigned long long)seed, i / (FEATURES + 1), i % (FEATURES + 1), phi[i],
                         expected);
        }
        free(phi);
        wk_forest_destroy(forest);
    }
}

/* A path of many features, where unwinding would lose digits. */
static wk_forest *chain(size_t length, size_t n_features)
{
    const float base = 0.5f;
    wk_forest *forest = wk__forest_create(WK_GBDT_SQUARED_ERROR, 1, n_features, 1);
    wk__gbdt_node *nodes = calloc(2 * length + 1, sizeof *nodes);
    assert_true(forest && nodes);
    wk__forest_set_base(forest, &base);
    nodes[0].parent = -1;
    for (size_t d = 0; d < length; d++) {
        wk__gbdt_node *node = &nodes[2 * d];
        node->feature = (uint32_t)(d % n_features);
        node->hessian = (float)(2 * length - d);
        node->left = (int32_t)(2 * d + 1);
        node->right = (int32_t)(2 * d + 2);
        nodes[2 * d + 1] = (wk__gbdt_node){.left = -1,
                                           .right = -1,
                                           .parent = (int32_t)(2 * d),
                                           .hessian = 1,
                                           .value = (float)(d % 7) - 3};
        nodes[2 * d + 2].parent = (int32_t)(2 * d);
    }
    wk__gbdt_node *last = &nodes[2 * length];
    last->left = last->right = -1;
    last->hessian = (float)length;
    last->value = 2;
    wk__forest_add_tree(forest, nodes, 2 * length + 1, 0);
    wk__forest_seal(forest);
    free(nodes);
    return forest;
}

static void test_a_row_sums_to_its_margin_on_deep_and_odd_trees(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        wk_forest *forest = random_forest(1000 + seed, 6, 40, 2000);
        float X[16 * 40];
        for (size_t i = 0; i < 16; i++)
            random_row(seed * 16 + i, 40, X + i * 40);
        assert_sums(forest, X, 16, "random forest");
        wk_forest_destroy(forest);
    }
    static const size_t lengths[] = {1, 2, 60, 300, 1024};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        wk_forest *forest = chain(lengths[i], lengths[i]);
        float row[1024];
        for (size_t f = 0; f < 1024; f++)
            row[f] = 1;
        assert_sums(forest, row, 1, "chain");
        row[lengths[i] / 2] = -1;
        assert_sums(forest, row, 1, "chain, left in the middle");
        wk_forest_destroy(forest);
    }
}

static void test_a_path_of_too_many_features_is_refused(void **state)
{
    (void)state;
    wk_forest *forest = chain(1030, 1030);
    float row[1030] = {0};
    double *out = calloc(1031, sizeof *out);
    wk_err err;
    assert_non_null(out);
    out[7] = 42;
    assert_int_equal(wk_forest_contributions(forest, row, 1, 1030, 1, out, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "more than 1024 different features"));
    assert_true(out[7] == 42);
    free(out);
    wk_forest_destroy(forest);
}

static void test_any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    wk_forest *forest = random_forest(5, 8, 12, 200);
    float X[150 * 12];
    for (size_t i = 0; i < 150; i++)
        random_row(i, 12, X + i * 12);
    double *one = contributions(forest, X, 150, 1);
    for (int threads = 2; threads <= 7; threads += 5) {
        double *many = contributions(forest, X, 150, threads);
        assert_memory_equal(one, many, (size_t)150 * 2 * 13 * sizeof *one);
        free(many);
    }
    free(one);
    wk_forest_destroy(forest);
}

static void test_a_forest_without_splits_contributes_its_mean(void **state)
{
    (void)state;
    wk_forest *forest = chain(0, 3);
    float row[3] = {0};
    double *phi = contributions(forest, row, 1, 1), score[3] = {1, 1, 1};
    assert_true(phi[0] == 0 && phi[1] == 0 && phi[2] == 0 && phi[3] == 2.5);
    for (int k = 0; k < WK_FOREST_MEASURES; k++) {
        wk_forest_score(forest, k, score);
        assert_true(score[0] == 0 && score[1] == 0 && score[2] == 0);
    }
    free(phi);
    wk_forest_destroy(forest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contributions_and_scores_are_those_of_xgboost),
        cmocka_unit_test(test_contributions_are_shapley_values_by_brute_force),
        cmocka_unit_test(test_a_row_sums_to_its_margin_on_deep_and_odd_trees),
        cmocka_unit_test(test_a_path_of_too_many_features_is_refused),
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(test_a_forest_without_splits_contributes_its_mean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
