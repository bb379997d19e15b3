/* The exported ONNX file, read field by field and run by the words of the operators' definition
 * (ai.onnx.ml 3, TreeEnsembleClassifier and TreeEnsembleRegressor), gives what the forest predicts.
 * tests/golden/gbdt/check_onnx.py does the same with ONNX Runtime. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/math.h"
#include "wick/protobuf.h"
#include "wick/rng.h"

enum { NUMBERS_MAX = 40000, FEATURES_MAX = 40 };

/* An attribute's list: numbers, or of strings whether each is BRANCH_LT. */
typedef struct {
    char name[40], text[24];
    size_t n;
    double *v;
} attribute;

typedef struct {
    char kind[40], domain[24], outputs[2][24];
    size_t n_outputs, n_attributes;
    attribute attributes[20];
} node;

static void copy_text(wk_pb_view v, char *out, size_t size)
{
    size_t n = wk_pb_left(v);
    assert_true(n < size);
    memcpy(out, v.at, n);
    out[n] = 0;
}

static void add(attribute *a, double value)
{
    if (!a->v)
        a->v = calloc(NUMBERS_MAX, sizeof *a->v);
    assert_true(a->v && a->n < NUMBERS_MAX);
    a->v[a->n++] = value;
}

static double f32_of(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof f);
    return (double)f;
}

/* AttributeProto: 1 name, 2 f, 3 i, 4 s, 7 floats, 8 ints, 9 strings. Lists are packed or not. */
static void read_attribute(wk_pb_view view, attribute *a)
{
    const char *why = NULL;
    for (wk_pb_field f; wk_pb_next(&view, &f, &why);) {
        char text[40];
        uint64_t number;
        if (f.number == 1)
            copy_text(f.bytes, a->name, sizeof a->name);
        else if (f.number == 4)
            copy_text(f.bytes, a->text, sizeof a->text);
        else if (f.number == 9) {
            copy_text(f.bytes, text, sizeof text);
            assert_true(strcmp(text, "BRANCH_LT") == 0 || strcmp(text, "LEAF") == 0);
            add(a, *text == 'B');
        } else if (f.number == 2 || (f.number == 7 && f.wire == WK_PB_I32)) {
            add(a, f32_of(f.value));
        } else if (f.number == 3 || (f.number == 8 && f.wire == WK_PB_VARINT)) {
            add(a, (double)(int64_t)f.value);
        } else if (f.number == 8) {
            while (wk_pb_varint(&f.bytes, &number))
                add(a, (double)(int64_t)number);
        } else if (f.number == 7) {
            for (; wk_pb_left(f.bytes) >= 4; f.bytes.at += 4) {
                uint32_t bits;
                memcpy(&bits, f.bytes.at, sizeof bits);
                add(a, f32_of(bits));
            }
        }
    }
    assert_null(why);
}

/* NodeProto: 2 output, 4 op_type, 5 attribute, 7 domain. */
static void read_node(wk_pb_view view, node *out)
{
    const char *why = NULL;
    for (wk_pb_field f; wk_pb_next(&view, &f, &why);) {
        if (f.number == 2) {
            assert_true(out->n_outputs < 2);
            copy_text(f.bytes, out->outputs[out->n_outputs++], sizeof out->outputs[0]);
        } else if (f.number == 4) {
            copy_text(f.bytes, out->kind, sizeof out->kind);
        } else if (f.number == 5) {
            assert_true(out->n_attributes < 20);
            read_attribute(f.bytes, &out->attributes[out->n_attributes++]);
        } else if (f.number == 7) {
            copy_text(f.bytes, out->domain, sizeof out->domain);
        }
    }
    assert_null(why);
}

/* ModelProto: 7 graph; GraphProto: 1 node. One node is all there is. */
static void read_model(const char *path, node *out)
{
    char *bytes;
    size_t size, n_nodes = 0;
    wk_err err;
    assert_int_equal(wk_file_read(path, &bytes, &size, &err), WK_OK);
    wk_pb_view model = {(const uint8_t *)bytes, (const uint8_t *)bytes + size};
    const char *why = NULL;
    for (wk_pb_field f; wk_pb_next(&model, &f, &why);)
        if (f.number == 7)
            for (wk_pb_field g; wk_pb_next(&f.bytes, &g, &why);)
                if (g.number == 1 && ++n_nodes)
                    read_node(g.bytes, out);
    assert_null(why);
    assert_int_equal(n_nodes, 1);
    free(bytes);
}

static const attribute *find(const node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attributes; i++)
        if (strcmp(n->attributes[i].name, name) == 0)
            return &n->attributes[i];
    fail_msg("no attribute %s", name);
    return NULL;
}

static const attribute *list(const node *n, const char *prefix, const char *suffix)
{
    char name[40];
    snprintf(name, sizeof name, "%s_%s", prefix, suffix);
    return find(n, name);
}

/* Margins of a row: from each tree's node 0 down, sums of the leaves' weights over base_values. */
static void run(const node *n, bool classes, const float *row, size_t K, double *out)
{
    const char *prefix = classes ? "class" : "target";
    const attribute *tree = find(n, "nodes_treeids"), *id = find(n, "nodes_nodeids"),
                    *feature = find(n, "nodes_featureids"), *branch = find(n, "nodes_modes"),
                    *value = find(n, "nodes_values"), *yes = find(n, "nodes_truenodeids"),
                    *no = find(n, "nodes_falsenodeids"),
                    *missing = find(n, "nodes_missing_value_tracks_true"),
                    *of = list(n, prefix, "treeids"), *leaf = list(n, prefix, "nodeids"),
                    *output = list(n, prefix, "ids"), *weight = list(n, prefix, "weights");
    const attribute *base = find(n, "base_values");
    assert_int_equal(base->n, K);
    for (size_t k = 0; k < K; k++)
        out[k] = base->v[k];
    for (size_t first = 0, leaves = 0; first < tree->n;) {
        size_t end = first, at = first;
        while (end < tree->n && tree->v[end] == tree->v[first])
            end++;
        for (size_t i = first; i < end; i++)
            assert_true(id->v[i] == (double)(i - first));
        while (branch->v[at] != 0) {
            double x = (double)row[(size_t)feature->v[at]];
            bool left = isnan(x) ? missing->v[at] != 0 : x < value->v[at];
            at = first + (size_t)(left ? yes->v[at] : no->v[at]);
            assert_true(at < end);
        }
        while (of->v[leaves] != tree->v[first] || leaf->v[leaves] != id->v[at])
            leaves++;
        out[(size_t)output->v[leaves]] += weight->v[leaves];
        while (leaves < of->n && of->v[leaves] == tree->v[first])
            leaves++;
        first = end;
    }
}

static void transform(const char *how, size_t K, double *z)
{
    double top = z[0], sum = 0;
    if (strcmp(how, "LOGISTIC") == 0)
        z[0] = 1 / (1 + wk_exp(-z[0]));
    if (strcmp(how, "SOFTMAX") != 0)
        return;
    for (size_t k = 1; k < K; k++)
        top = z[k] > top ? z[k] : top;
    for (size_t k = 0; k < K; k++)
        sum += z[k] = wk_exp(z[k] - top);
    for (size_t k = 0; k < K; k++)
        z[k] /= sum;
}

static void compare(const wk_forest *forest, const char *name, const char *kind, const char *how)
{
    char path[] = "/tmp/wick_onnx_XXXXXX";
    node *n = calloc(1, sizeof *n);
    wk_err err;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && n);
    close(fd);
    if (wk_forest_save_onnx(forest, path, &err) != WK_OK)
        fail_msg("%s: %s", name, err.msg);
    read_model(path, n);
    unlink(path);
    size_t K = wk_forest_n_outputs(forest), F = wk_forest_n_features(forest);
    bool classes = strcmp(kind, "TreeEnsembleClassifier") == 0;
    assert_string_equal(n->kind, kind);
    assert_string_equal(n->domain, "ai.onnx.ml");
    assert_string_equal(n->outputs[0], classes ? "label" : "value");
    assert_string_equal(find(n, "post_transform")->text, how);
    if (classes)
        assert_int_equal(find(n, "classlabels_int64s")->n, K > 1 ? K : 2);
    else
        assert_true(find(n, "n_targets")->v[0] == (double)K);
    assert_true(F <= FEATURES_MAX && K <= 8);
    for (uint64_t i = 0; i < 300; i++) {
        float row[FEATURES_MAX], want[8];
        double got[8];
        for (size_t f = 0; f < F; f++)
            row[f] = wk_rng_below(1, f, i, 6) == 0 ? NAN : 2 * (float)wk_rng_normal(2, f, i);
        wk_forest_predict(forest, row, want);
        run(n, classes, row, K, got);
        transform(how, K, got);
        for (size_t k = 0; k < K; k++)
            if (fabs(got[k] - (double)want[k]) > 1e-6 * (1 + fabs((double)want[k])))
                fail_msg("%s row %zu output %zu: ONNX %.9g, the forest %.9g", name, (size_t)i, k,
                         got[k], (double)want[k]);
    }
    for (size_t i = 0; i < n->n_attributes; i++)
        free(n->attributes[i].v);
    free(n);
}

static void test_exported_trees_predict_by_the_operators_definition(void **state)
{
    (void)state;
    static const struct {
        const char *file, *kind, *how;
    } cases[] = {
        {"squared_missing.json", "TreeEnsembleRegressor", "NONE"},
        {"logistic_missing.json", "TreeEnsembleClassifier", "LOGISTIC"},
        {"softprob_leaves.json", "TreeEnsembleClassifier", "SOFTMAX"},
        {"interchange/xgboost_3.2.0_dart.json", "TreeEnsembleClassifier", "LOGISTIC"},
        {"interchange/lightgbm_multiclass.txt", "TreeEnsembleClassifier", "SOFTMAX"},
        {"interchange/lightgbm_regression.txt", "TreeEnsembleRegressor", "NONE"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[512];
        wk_forest *forest;
        wk_err err;
        snprintf(path, sizeof path, GOLDEN_DIR "/%s", cases[i].file);
        if (wk_forest_load(path, &forest, &err) != WK_OK)
            fail_msg("%s", err.msg);
        compare(forest, cases[i].file, cases[i].kind, cases[i].how);
        wk_forest_destroy(forest);
    }
}

static void gradient_of_two(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end,
                            float *g, float *h)
{
    (void)context;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = begin; i < end; i++) {
            size_t at = k * rows->n_rows + i;
            g[at] = rows->margin[at] - (k ? 2 : -1) * rows->y[i];
            h[at] = 1;
        }
}

static double loss_of_two(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end)
{
    (void)context;
    (void)rows;
    return (double)(end - begin);
}

/* A custom objective of two outputs, and our own expected profit. */
static void test_objectives_of_ours_are_exported(void **state)
{
    (void)state;
    enum { N = 400 };
    float X[N * 3], y[N];
    for (uint64_t i = 0; i < N; i++) {
        for (uint64_t f = 0; f < 3; f++)
            X[i * 3 + f] = (float)wk_rng_normal(3, f, i);
        y[i] = X[i * 3] > 0 ? 0.02f : -0.02f;
    }
    const wk_gbdt_data data = {.X = X, .n_rows = N, .n_cols = 3, .stride = 3, .y = y};
    const wk_gbdt_custom custom = {
        .n_outputs = 2, .gradient = gradient_of_two, .loss = loss_of_two};
    wk_gbdt_params p = {.objective = WK_GBDT_CUSTOM,
                        .rounds = 5,
                        .eta = 0.5,
                        .max_depth = 3,
                        .max_bin = 255,
                        .lambda = 1,
                        .subsample = 1,
                        .colsample_bytree = 1,
                        .base_score = NAN,
                        .cost_bps = 10};
    wk_forest *forest;
    wk_err err;
    if (wk_gbdt_train_from(&p, NULL, &custom, &data, NULL, NULL, 1, &forest, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    compare(forest, "custom", "TreeEnsembleRegressor", "NONE");
    wk_forest_destroy(forest);
    p.objective = WK_GBDT_PROFIT;
    assert_int_equal(wk_gbdt_train(&p, &data, NULL, NULL, 1, &forest, NULL, &err), WK_OK);
    compare(forest, "profit", "TreeEnsembleClassifier", "SOFTMAX");
    wk_forest_destroy(forest);
}

static void test_what_onnx_cannot_say_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"interchange/xgboost_3.2.0_categories.json", "splits by category"},
        {"poisson.json", "predicts exp(margin)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[512];
        wk_forest *forest;
        wk_err err = {0};
        snprintf(path, sizeof path, GOLDEN_DIR "/%s", cases[i][0]);
        assert_int_equal(wk_forest_load(path, &forest, &err), WK_OK);
        assert_true(wk_forest_save_onnx(forest, "/nowhere/model.onnx", &err) < 0);
        assert_non_null(strstr(err.msg, cases[i][1]));
        wk_forest_destroy(forest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exported_trees_predict_by_the_operators_definition),
        cmocka_unit_test(test_objectives_of_ours_are_exported),
        cmocka_unit_test(test_what_onnx_cannot_say_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
