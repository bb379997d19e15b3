/* Every prediction kernel this machine has against the plain walk, bit for bit: forests of all
 * shapes, rows of nasty values, all tails of a tile, rows that start anywhere. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forest.h"
#include "gbdt/kernels/ops.h"
#include "tests/count_allocations.h"
#include "wick/gbdt.h"
#include "wick/rng.h"

#define SEED 20240611
#define ROWS 641 /* a slice, and a tail that is just large enough for another */

typedef struct {
    const char *name;
    size_t n_features, n_outputs, n_trees, leaves_max;
    int shape; /* 0: any leaf splits, 1: chains, 2: level by level, 3: deepest leaf first */
    size_t n_thresholds; /* distinct ones a feature, about */
    bool planned;        /* the kernels can take it */
    uint32_t categories; /* of the sets of every other feature; 0: none is split by category */
    int objective;       /* 0: by the number of outputs */
} forest_case;

static const forest_case cases[] = {
    {"leaf-wise, three outputs", 64, 3, 31, 63, 0, 250, true},
    {"depth six", 64, 3, 30, 64, 2, 250, true},
    {"depth six and fewer, one output", 7, 1, 33, 40, 2, 20, true},
    {"stumps and single leaves", 3, 2, 17, 2, 0, 5, true},
    {"single leaves only", 3, 2, 5, 1, 0, 5, true},
    {"chains of 63 nodes", 20, 1, 9, 64, 1, 30, true},
    {"two vectors of columns", 100, 4, 50, 64, 0, 60, true},
    {"three vectors of columns", 170, 2, 90, 64, 0, 60, true},
    {"four vectors of columns", 250, 1, 120, 64, 0, 60, true},
    {"more thresholds than a column has", 2, 2, 60, 64, 0, 100000, true},
    {"trees of 255 leaves", 30, 3, 12, 255, 0, 200, true},
    {"level-wise trees of 1000 leaves", 30, 1, 3, 1000, 2, 200, true},
    {"trees of 200 leaves, deepest first", 30, 1, 3, 50, 3, 200, true},
    {"trees that are too large", 30, 1, 2, 1500, 0, 200, false},
    {"chains that are too long", 30, 1, 2, 200, 1, 200, false},
    {"more columns than a byte names", 300, 1, 200, 64, 0, 60, false},
    {"no trees", 4, 3, 0, 2, 0, 5, true},
    {"columns of 120 cuts", 2, 1, 40, 64, 0, 120, true},
    {"columns of 145 cuts", 2, 1, 60, 64, 0, 140, true},
    {"columns of 180 cuts", 2, 1, 60, 64, 0, 175, true},
    {"columns of 235 cuts", 2, 1, 80, 64, 0, 230, true},
    {"logistic", 20, 1, 40, 31, 0, 100, true, 0, WK_GBDT_LOGISTIC},
    {"counts", 20, 1, 40, 31, 0, 100, true, 0, WK_GBDT_POISSON},
    {"categories, leaf-wise", 12, 3, 31, 63, 0, 250, true, 40, 0},
    {"categories, depth six", 64, 1, 30, 64, 2, 250, true, 254, 0},
    {"categories, two vectors of columns", 160, 1, 40, 64, 0, 60, false, 30, 0},
    {"categories, chains", 20, 1, 9, 64, 1, 30, true, 3, 0},
    {"categories in trees of 255 leaves", 30, 3, 12, 255, 0, 200, true, 100, 0},
    {"categories only", 1, 2, 12, 20, 0, 200, true, 254, 0},
    {"more categories than a byte names", 2, 1, 12, 60, 0, 20, false, 400, 0},
};

static float draw_threshold(uint64_t stream, uint64_t i, size_t n_thresholds)
{
    static const float nasty[] = {0.0f, -0.0f, 1e-45f, -1e-45f, 3.402823466e38f, -3.402823466e38f};
    uint64_t r = wk_rng_u64(SEED, stream, i);
    if (r % 37 == 0)
        return nasty[(r >> 32) % 6];
    return ((float)((r >> 20) % n_thresholds) - (float)n_thresholds / 2) / (float)n_thresholds;
}

/* Some of the categories, the others in no set. */
static const wk__gbdt_set *draw_set(wk_forest *forest, uint32_t categories, size_t t, size_t n)
{
    wk__gbdt_set *set = wk__forest_add_set(forest, (categories + 31) / 32);
    memset(set->words, 0, set->n_words * sizeof *set->words);
    for (uint32_t k = 0; k < categories; k++)
        if (wk_rng_u64(SEED, 2000 + t, n * 1000 + k) % 3 == 0)
            set->words[k / 32] |= 1u << k % 32;
    return set;
}

/* Splits one leaf after the other. */
static size_t grow(const forest_case *c, wk_forest *forest, size_t t, wk__gbdt_node *nodes)
{
    size_t n = 1, n_leaves = 1,
           wanted = c->leaves_max - wk_rng_below(SEED, 100, t, c->leaves_max) / 4;
    size_t leaf[2000] = {0};
    nodes[0] = (wk__gbdt_node){.left = -1, .right = -1, .parent = -1};
    while (n_leaves < wanted) {
        uint64_t r = wk_rng_u64(SEED, 101 + t, n);
        size_t at = c->shape == 0   ? (size_t)(r % n_leaves)
                    : c->shape == 1 ? n_leaves - 1
                    : c->shape == 2 ? 0
                                    : n_leaves - 1 - (size_t)(r % (n_leaves < 3 ? n_leaves : 3));
        size_t i = leaf[at];
        nodes[i].left = (int32_t)n;
        nodes[i].right = (int32_t)n + 1;
        nodes[i].feature = (uint32_t)((r >> 16) % c->n_features);
        nodes[i].default_left = r >> 60 & 1;
        nodes[i].value = draw_threshold(500 + t, n, c->n_thresholds);
        nodes[i].set = NULL;
        if (c->categories > 0 && nodes[i].feature % 2 == 0) {
            nodes[i].value = 0;
            nodes[i].set = draw_set(forest, c->categories, t, n);
        }
        for (size_t k = 0; k < 2; k++)
            nodes[n + k] = (wk__gbdt_node){.left = -1, .right = -1, .parent = (int32_t)i};
        /* The queue moves on level by level; else the left child takes the place. */
        if (c->shape == 2) {
            memmove(leaf, leaf + 1, (n_leaves - 1) * sizeof *leaf);
            leaf[n_leaves - 1] = n;
        } else {
            leaf[at] = n;
        }
        leaf[n_leaves++] = n + 1;
        n += 2;
    }
    for (size_t i = 0; i < n; i++)
        if (nodes[i].left < 0)
            nodes[i].value = i % 11 == 0 ? -0.0f : (float)wk_rng_normal(SEED, 900 + t, i);
    return n;
}

static wk_forest *make_forest(const forest_case *c)
{
    wk_forest *forest = wk__forest_create(c->objective > 0   ? c->objective
                                          : c->n_outputs > 1 ? WK_GBDT_SOFTPROB
                                                             : WK_GBDT_SQUARED_ERROR,
                                          c->n_outputs, c->n_features, c->n_trees);
    assert_non_null(forest);
    float *base = calloc(c->n_outputs, sizeof *base);
    wk__gbdt_node *nodes = calloc(2 * c->leaves_max, sizeof *nodes);
    assert_true(base && nodes);
    for (size_t k = 0; k < c->n_outputs; k++)
        base[k] = k % 2 ? 0.25f : c->objective > 0 ? 0.5f : -0.0f;
    wk__forest_set_base(forest, base);
    for (size_t t = 0; t < c->n_trees; t++) {
        size_t n = grow(c, forest, t, nodes);
        /* The outputs in no order. */
        uint32_t output = (uint32_t)wk_rng_below(SEED, 99, t, c->n_outputs);
        wk__forest_add_tree(forest, nodes, n, output);
    }
    wk__forest_seal(forest);
    free(base);
    free(nodes);
    return forest;
}

static void fill_row(const forest_case *c, size_t i, float *row)
{
    static const float nasty[] = {NAN,   INFINITY, -INFINITY,       0.0f,
                                  -0.0f, 1e-45f,   3.402823466e38f, -3.402823466e38f};
    for (size_t f = 0; f < c->n_features; f++) {
        uint64_t r = wk_rng_u64(SEED, 10000 + f, i);
        /* Often the very threshold, which must go right. */
        row[f] = r % 8 == 0   ? nasty[(r >> 32) % 8]
                 : r % 8 == 1 ? -NAN
                              : draw_threshold(700, r >> 3, c->n_thresholds);
        static const float odd[] = {NAN, -0.5f, -1.0f, 0.75f, 16777216.0f, 1e30f, INFINITY, -0.0f};
        if (c->categories > 0 && f % 2 == 0)
            row[f] = r % 8 == 0 ? odd[(r >> 32) % 8] : (float)((r >> 8) % (c->categories + 3));
    }
}

static void assert_equal_bits(const forest_case *c, const char *kernel, size_t row, const float *a,
                              const float *b)
{
    if (memcmp(a, b, c->n_outputs * sizeof *a) == 0)
        return;
    for (size_t k = 0; k < c->n_outputs; k++)
        print_error("output %zu: %a, the walk %a\n", k, (double)a[k], (double)b[k]);
    fail_msg("%s: kernel %s differs in row %zu (seed %d)", c->name, kernel, row, SEED);
}

static void check_tails(const forest_case *c, const wk_forest *forest, const wk__gbdt_ops *ops,
                        const float *X, size_t stride, const float *expected)
{
    size_t K = c->n_outputs;
    float *out = malloc((WK__GBDT_TILE * K + 1) * sizeof *out);
    assert_non_null(out);
    wk__gbdt_plan_for_batch(forest->plan, ops);
    for (size_t n = 1; n <= WK__GBDT_TILE; n += n < 20 ? 1 : 9) {
        out[n * K] = 123.0f;
        ops->tile(forest->plan, X, n, stride, out);
        for (size_t i = 0; i < n; i++)
            assert_equal_bits(c, ops->name, i, out + i * K, expected + i * K);
        assert_true(out[n * K] == 123.0f);
    }
    free(out);
}

static void check_case(const forest_case *c)
{
    wk_forest *forest = make_forest(c);
    size_t K = c->n_outputs, stride = c->n_features + 3;
    float *X = malloc((ROWS * stride + 1) * sizeof *X),
          *expected = malloc(ROWS * K * sizeof *expected);
    float *batch = malloc(ROWS * K * sizeof *batch), *one = malloc(K * sizeof *one);
    assert_true(X && expected && batch && one);
    float *rows = X + 1; /* not aligned */
    if (wk__gbdt_ops_at(0))
        assert_int_equal(forest->plan != NULL, c->planned);
    for (size_t i = 0; i < ROWS; i++) {
        fill_row(c, i, rows + i * stride);
        wk__forest_walk(forest, rows + i * stride, expected + i * K);
    }
    const wk__gbdt_ops *ops;
    if (forest->plan)
        wk__gbdt_plan_link(forest->plan);
    for (size_t k = 0; forest->plan && (ops = wk__gbdt_ops_at(k)); k++) {
        for (size_t i = 0; i < ROWS; i++) {
            ops->row(forest->plan, rows + i * stride, one);
            assert_equal_bits(c, ops->name, i, one, expected + i * K);
        }
        check_tails(c, forest, ops, rows, stride, expected);
    }
    for (size_t i = 0; i < ROWS; i++)
        wk__gbdt_transform(forest->objective, K, expected + i * K);
    for (int threads = 1; threads <= 3; threads += 2) {
        wk_forest_predict_batch(forest, rows, ROWS, stride, threads, batch);
        assert_memory_equal(batch, expected, ROWS * K * sizeof *batch);
    }
    wk_forest_destroy(forest);
    free(X);
    free(expected);
    free(batch);
    free(one);
}

static void test_kernels_give_the_bits_of_the_walk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_case(&cases[i]);
}

static void test_leaves_are_nodes_of_the_file(void **state)
{
    (void)state;
    wk_forest *forest = make_forest(&cases[0]);
    float row[64], margin[3], sum[3];
    uint32_t leaf[31];
    for (size_t i = 0; i < 50; i++) {
        fill_row(&cases[0], i, row);
        wk_forest_leaves(forest, row, leaf);
        wk_forest_margin(forest, row, margin);
        memcpy(sum, forest->base_margin, sizeof sum);
        for (size_t t = 0; t < 31; t++) {
            assert_true(forest->trees[t].nodes[leaf[t]].left < 0);
            sum[forest->trees[t].output] += forest->trees[t].nodes[leaf[t]].value;
        }
        assert_memory_equal(sum, margin, sizeof sum);
    }
    wk_forest_destroy(forest);
}

static void test_prediction_never_allocates(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        allocations = 0;
        wk_forest *forest = make_forest(&cases[c]);
        assert_true(allocations > 0); /* the count works */
        float *X = malloc(3 * 300 * sizeof *X), out[64];
        uint32_t *leaf = malloc((cases[c].n_trees + 1) * sizeof *leaf);
        assert_true(X && leaf);
        for (size_t i = 0; i < 3; i++)
            fill_row(&cases[c], i, X + i * 300);
        allocations = 0;
        wk_forest_margin(forest, X, out);
        wk_forest_predict(forest, X, out);
        wk_forest_leaves(forest, X, leaf);
        assert_int_equal(allocations, 0);
        /* The first batch of a forest makes its tables, the others find them. */
        wk_forest_predict_batch(forest, X, 3, 300, 1, out);
        allocations = 0;
        wk_forest_predict_batch(forest, X, 3, 300, 1, out);
        assert_int_equal(allocations, 0);
        free(X);
        free(leaf);
        wk_forest_destroy(forest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_give_the_bits_of_the_walk),
        cmocka_unit_test(test_leaves_are_nodes_of_the_file),
        cmocka_unit_test(test_prediction_never_allocates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
