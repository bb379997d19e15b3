/* Models of XGBoost 1.7 to 3.2 and of LightGBM give the margins that their makers gave, and survive
 * being written and read again. The files come from tests/golden/gbdt/make_interchange.py. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "forest.h"
#include "golden_files.h"
#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/rng.h"

#define FOLDER GOLDEN_DIR "/interchange/"

static const char *const versions[] = {"1.7.6", "2.1.4", "3.0.5", "3.1.1", "3.2.0"};
static const char *const kinds[] = {"softprob.json",  "softprob.ubj", "logistic.json",
                                    "squared.json",   "dart.json",    "categories.json",
                                    "categories.ubj", "onehot.json"};
static const char *const lightgbm[] = {"lightgbm_regression.txt", "lightgbm_binary.txt",
                                       "lightgbm_multiclass.txt", "lightgbm_categories.txt",
                                       "lightgbm_no_missing.txt"};

/* The largest difference from the margins that came with the model. */
static double worst_of(const char *file)
{
    char path[1024], margins[1024];
    snprintf(path, sizeof path, FOLDER "%s", file);
    snprintf(margins, sizeof margins, FOLDER "%.*s.margin.csv", (int)(strrchr(file, '.') - file),
             file);
    wk_forest *forest = load(path);
    wk_gbdt_table rows = read_table(FOLDER "rows.csv"), expected = read_table(margins);
    size_t K = wk_forest_n_outputs(forest);
    assert_int_equal(rows.n_cols, wk_forest_n_features(forest));
    assert_int_equal(expected.n_cols, K);
    assert_int_equal(expected.n_rows, rows.n_rows);
    double worst = 0;
    for (size_t i = 0; i < rows.n_rows; i++) {
        float margin[3];
        wk_forest_margin(forest, rows.cells + i * rows.n_cols, margin);
        for (size_t k = 0; k < K; k++) {
            double d = fabs((double)margin[k] - (double)expected.cells[i * K + k]);
            worst = d > worst ? d : worst;
        }
    }
    wk_gbdt_table_finish(&rows);
    wk_gbdt_table_finish(&expected);
    wk_forest_destroy(forest);
    return worst;
}

static void test_xgboost_models_of_all_versions_give_its_margins(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            char name[128];
            snprintf(name, sizeof name, "xgboost_%s_%s", versions[v], kinds[k]);
            /* The sums run in the same order; XGBoost's logistic base is rounded in other places.
             */
            bool exact = !strstr(name, "logistic") && !strstr(name, "dart");
            double worst = worst_of(name);
            if (worst > (exact ? 0 : 1e-6))
                fail_msg("%s: margins differ by %g", name, worst);
        }
}

static void test_lightgbm_models_give_its_margins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lightgbm / sizeof *lightgbm; i++) {
        double worst = worst_of(lightgbm[i]);
        if (worst > 1e-6)
            fail_msg("%s: margins differ by %g", lightgbm[i], worst);
    }
}

/* Values on both sides of every threshold and category. */
static void assert_same_forest(const wk_forest *a, const wk_forest *b, const char *what)
{
    for (size_t i = 0; i < 2000; i++) {
        float row[5], p[3], q[3];
        for (size_t f = 0; f < 5; f++) {
            uint64_t r = wk_rng_u64(1, f, i);
            row[f] = r % 9 == 0 ? NAN
                     : f == 3   ? (float)(r >> 8 & 63) - 5
                                : (float)((double)(r >> 40) * 0x1p-22 - 2);
        }
        wk_forest_margin(a, row, p);
        wk_forest_margin(b, row, q);
        if (memcmp(p, q, wk_forest_n_outputs(a) * sizeof *p) != 0)
            fail_msg("%s: row %zu: %a and %a", what, i, (double)p[0], (double)q[0]);
    }
}

static void test_both_forms_round_trip(void **state)
{
    (void)state;
    static const char *const files[] = {
        "xgboost_3.2.0_softprob.json", "xgboost_3.2.0_categories.ubj", "xgboost_2.1.4_dart.json",
        "xgboost_1.7.6_onehot.json",   "lightgbm_categories.txt",      "lightgbm_multiclass.txt"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (int ubj = 0; ubj < 2; ubj++) {
            char path[1024], copy[] = "/tmp/wick_gbdt_XXXXXX.json",
                             copy_ubj[] = "/tmp/wick_gbdt_XXXXXX.ubj";
            char *to = ubj ? copy_ubj : copy;
            wk_err err;
            int fd = mkstemps(to, ubj ? 4 : 5);
            assert_true(fd >= 0);
            close(fd);
            snprintf(path, sizeof path, FOLDER "%s", files[i]);
            wk_forest *a = load(path);
            if (wk_forest_save(a, to, &err) != WK_OK)
                fail_msg("%s", err.msg);
            wk_forest *b = load(to);
            assert_same_forest(a, b, files[i]);
            unlink(to);
            wk_forest_destroy(a);
            wk_forest_destroy(b);
        }
}

static void test_ubjson_and_json_of_one_model_are_one_forest(void **state)
{
    (void)state;
    wk_forest *a = load(FOLDER "xgboost_3.2.0_categories.json");
    wk_forest *b = load(FOLDER "xgboost_3.2.0_categories.ubj");
    assert_same_forest(a, b, "categories");
    wk_forest_destroy(a);
    wk_forest_destroy(b);
}

/* Cut short anywhere and with bytes changed: an error with a message, or a forest that predicts. */
static void mutate(const char *file, size_t rounds)
{
    char path[1024], *bytes = NULL;
    size_t n, refused = 0;
    wk_err err;
    snprintf(path, sizeof path, FOLDER "%s", file);
    if (wk_file_read(path, &bytes, &n, &err) != WK_OK)
        fail_msg("%s", err.msg);
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    for (size_t round = 0; round < rounds; round++) {
        size_t m = round % 4 == 0 ? wk_rng_below(9, 0, round, n) : n;
        memcpy(copy, bytes, n);
        for (size_t c = 0; round % 4 && c < 1 + round % 3; c++)
            copy[wk_rng_below(9, 1 + c, round, n)] = (char)wk_rng_u64(9, 10 + c, round);
        wk_forest *forest = NULL;
        err.msg[0] = 0;
        if (wk_forest_parse(copy, m, "mutated", &forest, &err) != WK_OK) {
            assert_true(err.msg[0] && !forest);
            refused++;
            continue;
        }
        float out[3], *row = calloc(wk_forest_n_features(forest) + 1, sizeof *row);
        assert_non_null(row);
        if (wk_forest_n_outputs(forest) <= 3)
            wk_forest_predict(forest, row, out);
        free(row);
        wk_forest_destroy(forest);
    }
    assert_true(refused > rounds / 5);
    free(copy);
    free(bytes);
}

static void test_broken_files_are_refused_or_predict(void **state)
{
    (void)state;
    mutate("xgboost_3.2.0_categories.ubj", 2000);
    mutate("xgboost_3.2.0_categories.json", 2000);
    mutate("lightgbm_categories.txt", 2000);
}

static void assert_refused(const char *text, const char *part)
{
    wk_forest *forest = NULL;
    wk_err err = {0};
    wk_status status = wk_forest_parse(text, strlen(text), "m.txt", &forest, &err);
    if (status == WK_OK || !strstr(err.msg, part) || !strstr(err.msg, "m.txt"))
        fail_msg("status %d, \"%s\" does not say \"%s\"", status, err.msg, part);
}

#define HEAD "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\n"
#define TREE(left)                                                                                 \
    "\nTree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 1\nthreshold=0.5 1.5\n"                    \
    "decision_type=2 2\nleft_child=" left "\nright_child=-2 -3\nleaf_value=1 2 3\n\n"

static void test_lightgbm_errors_name_the_line(void **state)
{
    (void)state;
    assert_refused("tree\n", "head is not complete");
    assert_refused(HEAD "objective=lambdarank\n" TREE("1 -1") "end of trees\n", "\"lambdarank\"");
    assert_refused(HEAD "objective=regression\naverage_output\n" TREE("1 -1") "end of trees\n",
                   "random forest");
    assert_refused(HEAD "objective=regression\n" TREE("1 -1"), "end of trees");
    assert_refused(HEAD "objective=regression\n" TREE("0 -1") "end of trees\n", "cycle");
    assert_refused(HEAD "objective=regression\n" TREE("9 -1") "end of trees\n", "left_child");
    assert_refused(HEAD "objective=regression\n" TREE("1") "end of trees\n", "line 17");
    assert_refused(HEAD "objective=regression\n" TREE("1 -1 1") "end of trees\n",
                   "too many numbers");
    assert_refused(HEAD "objective=multiclass num_class:3\n" TREE("1 -1") "end of trees\n",
                   "num_class");
}

static void test_lightgbm_thresholds_take_equal_values_left(void **state)
{
    (void)state;
    const char *text = HEAD "objective=regression\n" TREE("1 -1") "end of trees\n";
    wk_forest *forest = NULL;
    wk_err err;
    if (wk_forest_parse(text, strlen(text), "m.txt", &forest, &err) != WK_OK)
        fail_msg("%s", err.msg);
    /* Node 0: x0 <= 0.5 to node 1, else leaf 1. Node 1: x1 <= 1.5 to leaf 0, else leaf 2. */
    float out, rows[][2] = {{0.5f, 1.5f}, {0.50000006f, 0}, {0, 1.5000001f}, {NAN, 0}};
    float expected[] = {1, 2, 3,
                        1}; /* decision_type 2: what is missing goes left, and counts as 0 */
    for (size_t i = 0; i < 4; i++) {
        wk_forest_margin(forest, rows[i], &out);
        assert_float_equal(out, expected[i], 0);
    }
    wk_forest_destroy(forest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xgboost_models_of_all_versions_give_its_margins),
        cmocka_unit_test(test_lightgbm_models_give_its_margins),
        cmocka_unit_test(test_both_forms_round_trip),
        cmocka_unit_test(test_ubjson_and_json_of_one_model_are_one_forest),
        cmocka_unit_test(test_broken_files_are_refused_or_predict),
        cmocka_unit_test(test_lightgbm_errors_name_the_line),
        cmocka_unit_test(test_lightgbm_thresholds_take_equal_values_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
