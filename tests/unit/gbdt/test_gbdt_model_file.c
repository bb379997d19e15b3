/* The model file: exact round trip, forms of several XGBoost versions, and files that are broken on
 * purpose. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forest.h"
#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/rng.h"

/* One tree of three nodes; %s: base score, objective, class count, tree arrays. */
static const char frame[] =
    "{\"learner\":{\"attributes\":{},\"feature_names\":%s,\"feature_types\":[],"
    "\"gradient_booster\":{\"name\":\"%s\",\"model\":{\"gbtree_model_param\":{\"num_trees\":\"1\","
    "\"size_leaf_vector\":\"0\"},\"tree_info\":[0],\"trees\":[{\"id\":0,\"tree_param\":{\"num_"
    "nodes\":"
    "\"%s\",\"size_leaf_vector\":\"0\"},%s}]}},\"learner_model_param\":{\"base_score\":\"%s\","
    "\"num_class\":\"%s\",\"num_feature\":\"2\"},\"objective\":{\"name\":\"%s\"}},\"version\":[1,7,"
    "6]}";
static const char good_tree[] =
    "\"left_children\":[1,-1,-1],\"right_children\":[2,-1,-1],\"split_indices\":[1,0,0],"
    "\"split_conditions\":[5E-1,-1E0,2E0],\"default_left\":[true,false,false]";

typedef struct {
    const char *names, *booster, *n_nodes, *tree, *base, *num_class, *objective;
} parts;

static const parts good = {"[]", "gbtree", "3", good_tree, "5E-1", "0", "reg:squarederror"};

static wk_status parse(parts p, wk_forest **out, wk_err *err)
{
    char text[4096];
    int n = snprintf(text, sizeof text, frame, p.names, p.booster, p.n_nodes, p.tree, p.base,
                     p.num_class, p.objective);
    assert_true(n > 0 && n < (int)sizeof text);
    return wk_forest_parse(text, (size_t)n, "model.json", out, err);
}

static float margin_of(parts p, float x0, float x1)
{
    wk_forest *forest = NULL;
    wk_err err;
    if (parse(p, &forest, &err) != WK_OK)
        fail_msg("%s", err.msg);
    float row[2] = {x0, x1}, out[16];
    wk_forest_margin(forest, row, out);
    wk_forest_destroy(forest);
    return out[0];
}

static void test_splits_send_less_left_and_missing_the_learnt_way(void **state)
{
    (void)state;
    assert_float_equal(margin_of(good, 0, 0.49f), -0.5f, 0);
    assert_float_equal(margin_of(good, 0, 0.5f), 2.5f, 0);
    assert_float_equal(margin_of(good, 0, NAN), -0.5f, 0);
    assert_float_equal(margin_of(good, NAN, INFINITY), 2.5f, 0);
    assert_float_equal(margin_of(good, INFINITY, -INFINITY), -0.5f, 0);
}

static void test_base_score_forms(void **state)
{
    (void)state;
    parts p = good;
    p.base = "[2.5E-1]"; /* 3.1 and later */
    assert_float_equal(margin_of(p, 0, 0), -0.75f, 0);
    p.objective = "binary:logistic"; /* a probability: log(1/3) */
    assert_float_equal(margin_of(p, 0, 0), -1.0986123f - 1, 1e-6f);
    p.objective = "multi:softprob"; /* a margin */
    p.num_class = "2";
    p.base = "[-1E-1,3E-1]";
    assert_float_equal(margin_of(p, 0, 0), -1.1f, 1e-6f);
    p.base = "0";
    assert_float_equal(margin_of(p, 0, 0), -1.0f, 0);
}

static void assert_refused(parts p, const char *part)
{
    wk_forest *forest = NULL;
    wk_err err = {0};
    wk_status status = parse(p, &forest, &err);
    if (status == WK_OK || !strstr(err.msg, part) || !strstr(err.msg, "model.json"))
        fail_msg("status %d, \"%s\" does not say \"%s\"", status, err.msg, part);
    assert_null(forest);
}

static void test_what_is_not_supported_is_named(void **state)
{
    (void)state;
    parts p = good;
    p.booster = "gblinear";
    assert_refused(p, "\"gblinear\"");
    p = good;
    p.objective = "survival:cox";
    assert_refused(p, "\"survival:cox\"");
    p = good;
    p.num_class = "3";
    assert_refused(p, "num_class 3");
    p.tree = "\"left_children\":[1,-1,-1],\"right_children\":[2,-1,-1],\"split_indices\":[1,0,0],"
             "\"split_conditions\":[0.5,-1,2],\"default_left\":[0,0,0],\"split_type\":[1,0,0]";
    p.num_class = "0";
    assert_refused(p, "categories");
}

static void test_broken_trees_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *left, *right, *feature, *part;
    } trees[] = {
        {"[1,-1,-1]", "[1,-1,-1]", "[0,0,0]", "node 0"},         /* one child twice */
        {"[0,-1,-1]", "[1,-1,-1]", "[0,0,0]", "node 0"},         /* the root is its own child */
        {"[1,2,-1]", "[2,1,-1]", "[0,0,0]", "node"},             /* a cycle */
        {"[1,-1,-1]", "[3,-1,-1]", "[0,0,0]", "node 0"},         /* out of range */
        {"[1,-1,-1]", "[-1,-1,-1]", "[0,0,0]", "node 0"},        /* half a leaf */
        {"[1,-1,-1]", "[2,-1,-1]", "[2,0,0]", "split_indices"},  /* no such feature */
        {"[1,-1,-1]", "[2,-1,-1]", "[-1,0,0]", "split_indices"}, /* negative */
        {"[1,-1,-1]", "[2,-1]", "[0,0,0]", "right_children"},    /* short */
        {"[1,-1,-1]", "[2,-1,\"x\"]", "[0,0,0]", "node 2"},      /* no number */
        {"[1,-1,-1]", "[2.5,-1,-1]", "[0,0,0]", "node 0"},
        {"[99999999999,-1,-1]", "[2,-1,-1]", "[0,0,0]", "node 0"},
    };
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "\"left_children\":%s,\"right_children\":%s,\"split_indices\":%s,"
                 "\"split_conditions\":[0.5,-1,2],\"default_left\":[0,0,0]",
                 trees[i].left, trees[i].right, trees[i].feature);
        parts p = good;
        p.tree = text;
        assert_refused(p, trees[i].part);
    }
    parts p = good;
    p.n_nodes = "4";
    assert_refused(p, "4 nodes");
    p.n_nodes = "-1";
    assert_refused(p, "num_nodes");
    p.n_nodes = "3x";
    assert_refused(p, "3x");
    p = good;
    p.base = "NaN";
    assert_refused(p, "base_score");
    p.base = "[1,2,3]";
    assert_refused(p, "base_score");
    p = good;
    p.names = "[\"only one\"]";
    assert_refused(p, "feature_names");
    p = good;
    p.num_class = "99999999";
    assert_refused(p, "num_class");
}

static void test_pruned_nodes_are_dropped(void **state)
{
    (void)state;
    parts p = good;
    p.n_nodes = "5"; /* nodes 1 and 2 were pruned away */
    p.tree = "\"left_children\":[3,-1,-1,-1,-1],\"right_children\":[4,-1,-1,-1,-1],"
             "\"split_indices\":[1,0,0,0,0],\"split_conditions\":[0.5,7,7,-1,2],"
             "\"default_left\":[1,0,0,0,0]";
    assert_float_equal(margin_of(p, 0, 0), -0.5f, 0);
    assert_float_equal(margin_of(p, 0, 1), 2.5f, 0);
}

static void test_garbage_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "{", "[]", "null", "{\"learner\":3}", "{\"learner\":{}}", "\xff\xfe"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        wk_forest *forest = NULL;
        wk_err err = {0};
        assert_true(wk_forest_parse(texts[i], strlen(texts[i]), "x", &forest, &err) < 0);
        assert_true(err.msg[0] && !forest);
    }
    wk_err err = {0};
    wk_forest *forest = NULL;
    assert_int_equal(wk_forest_load("/nonexistent/model.json", &forest, &err), WK_E_IO);
}

static void test_save_and_load_change_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"squared_missing", "logistic_weighted", "softprob_leaves"};
    for (size_t c = 0; c < 3; c++) {
        char path[512], first[] = "/tmp/wick_gbdt_XXXXXX", *a = NULL, *b = NULL;
        wk_forest *x = NULL, *y = NULL;
        wk_err err;
        snprintf(path, sizeof path, GOLDEN_DIR "/%s.json", names[c]);
        int fd = mkstemp(first);
        assert_true(fd >= 0);
        close(fd);
        if (wk_forest_load(path, &x, &err) != WK_OK || wk_forest_save(x, first, &err) != WK_OK ||
            wk_forest_load(first, &y, &err) != WK_OK ||
            wk_file_read(first, &a, NULL, &err) != WK_OK ||
            wk_forest_save(y, first, &err) != WK_OK || wk_file_read(first, &b, NULL, &err) != WK_OK)
            fail_msg("%s", err.msg);
        assert_string_equal(a, b);
        for (size_t i = 0; i < 500; i++) {
            float row[6], p[3], q[3];
            for (size_t f = 0; f < 6; f++)
                row[f] = i % 7 == f ? NAN : (float)wk_rng_normal(1, f, i);
            wk_forest_margin(x, row, p);
            wk_forest_margin(y, row, q);
            assert_memory_equal(p, q, wk_forest_n_outputs(x) * sizeof *p);
        }
        unlink(first);
        free(a);
        free(b);
        wk_forest_destroy(x);
        wk_forest_destroy(y);
    }
}

static void test_a_forest_without_its_nodes_predicts_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"squared_missing", "logistic_weighted", "softprob_leaves"};
    enum { ROWS = 300 };
    for (size_t c = 0; c < 3; c++) {
        char path[512];
        wk_forest *x = NULL, *y = NULL;
        wk_err err;
        static float X[ROWS][6], p[ROWS][3], q[ROWS][3];
        snprintf(path, sizeof path, GOLDEN_DIR "/%s.json", names[c]);
        if (wk_forest_load(path, &x, &err) != WK_OK || wk_forest_load(path, &y, &err) != WK_OK)
            fail_msg("%s", err.msg);
        wk_forest_only_predicts(y);
        wk_forest_only_predicts(y);
        for (size_t i = 0; i < ROWS; i++)
            for (size_t f = 0; f < 6; f++)
                X[i][f] = i % 7 == f ? NAN : (float)wk_rng_normal(1, f, i);
        for (size_t i = 0; i < ROWS; i++) {
            wk_forest_predict(x, X[i], p[0]);
            wk_forest_predict(y, X[i], q[0]);
            assert_memory_equal(p[0], q[0], wk_forest_n_outputs(x) * sizeof(float));
        }
        wk_forest_predict_batch(x, X[0], ROWS, 6, 1, p[0]);
        wk_forest_predict_batch(y, X[0], ROWS, 6, 1, q[0]);
        assert_memory_equal(p, q, ROWS * wk_forest_n_outputs(x) * sizeof(float));
        assert_int_equal(wk_forest_n_trees(x), wk_forest_n_trees(y));
        wk_forest_destroy(x);
        wk_forest_destroy(y);
    }
}

static void test_feature_names_survive(void **state)
{
    (void)state;
    wk_forest *x = NULL, *y = NULL;
    wk_err err;
    parts p = good;
    p.names = "[\"a \\\"b\\\"\",\"\\u00e9\"]";
    char path[] = "/tmp/wick_gbdt_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    if (parse(p, &x, &err) != WK_OK || wk_forest_save(x, path, &err) != WK_OK ||
        wk_forest_load(path, &y, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(y->names[0], "a \"b\"");
    assert_string_equal(y->names[1], "\xc3\xa9");
    unlink(path);
    wk_forest_destroy(x);
    wk_forest_destroy(y);
}

static void test_mutated_files_never_break_prediction(void **state)
{
    (void)state;
    char path[512], *text = NULL;
    size_t n;
    wk_err err;
    snprintf(path, sizeof path, GOLDEN_DIR "/logistic_weighted.json");
    if (wk_file_read(path, &text, &n, &err) != WK_OK)
        fail_msg("%s", err.msg);
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    static const char nasty[] = "0123456789-eE.,:[]{}\" \\\0tfn";
    size_t loaded = 0;
    for (uint64_t round = 0; round < 3000; round++) {
        memcpy(copy, text, n + 1);
        size_t n_changes = 1 + wk_rng_below(4, 0, round, 4), m = n;
        for (size_t c = 0; c < n_changes; c++)
            copy[wk_rng_below(4, 1 + c, round, n)] =
                nasty[wk_rng_below(4, 10 + c, round, sizeof nasty - 1)];
        if (round % 10 == 0)
            m = wk_rng_below(4, 20, round, n); /* cut short */
        wk_forest *forest = NULL;
        err.msg[0] = 0;
        if (wk_forest_parse(copy, m, "mutated", &forest, &err) != WK_OK) {
            assert_true(err.msg[0] != 0 && !forest);
            continue;
        }
        loaded++;
        float out[1], *row = calloc(wk_forest_n_features(forest) + 1, sizeof *row);
        assert_non_null(row);
        wk_forest_predict(forest, row, out);
        free(row);
        wk_forest_destroy(forest);
    }
    assert_true(loaded > 100 && loaded < 3000); /* the test is worth its name */
    free(copy);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_send_less_left_and_missing_the_learnt_way),
        cmocka_unit_test(test_base_score_forms),
        cmocka_unit_test(test_what_is_not_supported_is_named),
        cmocka_unit_test(test_broken_trees_are_refused),
        cmocka_unit_test(test_pruned_nodes_are_dropped),
        cmocka_unit_test(test_garbage_is_an_error),
        cmocka_unit_test(test_save_and_load_change_nothing),
        cmocka_unit_test(test_a_forest_without_its_nodes_predicts_the_same),
        cmocka_unit_test(test_feature_names_survive),
        cmocka_unit_test(test_mutated_files_never_break_prediction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
