/* Writes a forest as an ONNX model: TreeEnsembleClassifier for classes, TreeEnsembleRegressor for
 * values (ai.onnx.ml 3, IR 8, opset 17). Protobuf by hand: a field is its tag, (number << 3 | wire
 * type), and its bytes. Field numbers are those of onnx.proto. x < value goes to the true branch.
 */
#include <stdlib.h>
#include <string.h>

#include "forest.h"
#include "wick/file.h"
#include "wick/text.h"
#include "wick/version.h"

enum {
    ATTRIBUTE_INT = 2,
    ATTRIBUTE_STRING = 3,
    ATTRIBUTE_FLOATS = 6,
    ATTRIBUTE_INTS = 7,
    ATTRIBUTE_STRINGS = 8,
    TENSOR_FLOAT = 1,
    TENSOR_INT64 = 7
};

static void put_varint(wk_text *m, uint64_t x)
{
    char bytes[10];
    size_t n = 0;
    do {
        bytes[n++] = (char)(uint8_t)((x & 127) | (x > 127 ? 128 : 0));
        x >>= 7;
    } while (x);
    wk_text_add_bytes(m, bytes, n);
}

static void put_int(wk_text *m, unsigned field, int64_t x)
{
    put_varint(m, field << 3);
    put_varint(m, (uint64_t)x);
}

static void put_bytes(wk_text *m, unsigned field, const char *bytes, size_t n)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, n);
    wk_text_add_bytes(m, bytes, n);
}

static void put_string(wk_text *m, unsigned field, const char *s)
{
    put_bytes(m, field, s, strlen(s));
}

/* A message within `m`; frees it. */
static void put_message(wk_text *m, unsigned field, wk_text *inner)
{
    put_bytes(m, field, inner->s ? inner->s : "", inner->n);
    free(inner->s);
    *inner = (wk_text){0};
}

static void put_float_bits(wk_text *m, float x)
{
    uint32_t bits;
    char bytes[4];
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(uint8_t)(bits >> (8 * i));
    wk_text_add_bytes(m, bytes, 4);
}

/* An attribute of the tree node, whose values follow in `values` already encoded, one a field. */
static void put_attribute(wk_text *node, const char *name, int type, wk_text *values)
{
    wk_text a = {0};
    put_string(&a, 1, name);
    wk_text_add_bytes(&a, values->s ? values->s : "", values->n);
    put_int(&a, 20, type);
    put_message(node, 5, &a);
    free(values->s);
    *values = (wk_text){0};
}

typedef struct {
    const wk_forest *forest;
    wk_text tree, id, feature, mode, value, yes, no, missing, hitrate;
    wk_text leaf_tree, leaf_id, leaf_output, leaf_value;
} arrays;

static void add_int(wk_text *list, int64_t x)
{
    put_int(list, 8, x);
}

static void add_float(wk_text *list, float x)
{
    put_varint(list, 7 << 3 | 5);
    put_float_bits(list, x);
}

static void add_node(arrays *a, size_t t, size_t i)
{
    const wk__gbdt_node *node = &a->forest->trees[t].nodes[i];
    bool leaf = node->left < 0;
    add_int(&a->tree, (int64_t)t);
    add_int(&a->id, (int64_t)i);
    add_int(&a->feature, leaf ? 0 : (int64_t)node->feature);
    put_string(&a->mode, 9, leaf ? "LEAF" : "BRANCH_LT");
    add_float(&a->value, leaf ? 0 : node->value);
    add_float(&a->hitrate, 1);
    add_int(&a->yes, leaf ? 0 : node->left);
    add_int(&a->no, leaf ? 0 : node->right);
    add_int(&a->missing, !leaf && node->default_left);
    if (!leaf)
        return;
    add_int(&a->leaf_tree, (int64_t)t);
    add_int(&a->leaf_id, (int64_t)i);
    add_int(&a->leaf_output, a->forest->trees[t].output);
    add_float(&a->leaf_value, node->value);
}

static void put_text_attribute(wk_text *node, const char *name, const char *text)
{
    wk_text value = {0};
    put_string(&value, 4, text);
    put_attribute(node, name, ATTRIBUTE_STRING, &value);
}

static void put_trees(wk_text *node, const wk_forest *forest, bool classes)
{
    arrays a = {.forest = forest};
    const char *prefix = classes ? "class" : "target";
    char name[32];
    for (size_t t = 0; t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++)
            add_node(&a, t, i);
    const struct {
        const char *name;
        int type;
        wk_text *values;
    } lists[] = {{"nodes_treeids", ATTRIBUTE_INTS, &a.tree},
                 {"nodes_nodeids", ATTRIBUTE_INTS, &a.id},
                 {"nodes_featureids", ATTRIBUTE_INTS, &a.feature},
                 {"nodes_modes", ATTRIBUTE_STRINGS, &a.mode},
                 {"nodes_values", ATTRIBUTE_FLOATS, &a.value},
                 {"nodes_hitrates", ATTRIBUTE_FLOATS, &a.hitrate},
                 {"nodes_truenodeids", ATTRIBUTE_INTS, &a.yes},
                 {"nodes_falsenodeids", ATTRIBUTE_INTS, &a.no},
                 {"nodes_missing_value_tracks_true", ATTRIBUTE_INTS, &a.missing}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        put_attribute(node, lists[i].name, lists[i].type, lists[i].values);
    const struct {
        const char *suffix;
        int type;
        wk_text *values;
    } leaves[] = {{"treeids", ATTRIBUTE_INTS, &a.leaf_tree},
                  {"nodeids", ATTRIBUTE_INTS, &a.leaf_id},
                  {"ids", ATTRIBUTE_INTS, &a.leaf_output},
                  {"weights", ATTRIBUTE_FLOATS, &a.leaf_value}};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        snprintf(name, sizeof name, "%s_%s", prefix, leaves[i].suffix);
        put_attribute(node, name, leaves[i].type, leaves[i].values);
    }
}

static void put_tree_node(wk_text *graph, const wk_forest *forest)
{
    bool classes = wk__gbdt_link_of(forest->objective) != WK__LINK_IDENTITY;
    size_t K = forest->n_outputs, n_labels = K > 1 ? K : 2;
    wk_text node = {0}, list = {0};
    put_string(&node, 1, "X");
    if (classes)
        put_string(&node, 2, "label");
    put_string(&node, 2, classes ? "probabilities" : "value");
    put_string(&node, 3, "trees");
    put_string(&node, 4, classes ? "TreeEnsembleClassifier" : "TreeEnsembleRegressor");
    put_string(&node, 7, "ai.onnx.ml");
    put_trees(&node, forest, classes);
    for (size_t k = 0; k < K; k++)
        add_float(&list, forest->base_margin[k]);
    put_attribute(&node, "base_values", ATTRIBUTE_FLOATS, &list);
    if (classes) {
        for (size_t k = 0; k < n_labels; k++)
            add_int(&list, (int64_t)k);
        put_attribute(&node, "classlabels_int64s", ATTRIBUTE_INTS, &list);
        put_text_attribute(&node, "post_transform", K > 1 ? "SOFTMAX" : "LOGISTIC");
    } else {
        put_int(&list, 3, 1);
        put_attribute(&node, "n_targets", ATTRIBUTE_INT, &list);
        put_text_attribute(&node, "post_transform", "NONE");
    }
    put_message(graph, 1, &node);
}

/* A graph input or output: [N] or [N, columns]. */
static void put_value_info(wk_text *graph, unsigned field, const char *name, int type,
                           size_t columns)
{
    wk_text dim = {0}, shape = {0}, tensor = {0}, kind = {0}, info = {0};
    put_string(&dim, 2, "N");
    put_message(&shape, 1, &dim);
    if (columns) {
        put_int(&dim, 1, (int64_t)columns);
        put_message(&shape, 1, &dim);
    }
    put_int(&tensor, 1, type);
    put_message(&tensor, 2, &shape);
    put_message(&kind, 1, &tensor);
    put_string(&info, 1, name);
    put_message(&info, 2, &kind);
    put_message(graph, field, &info);
}

static void put_opset(wk_text *model, const char *domain, int64_t version)
{
    wk_text opset = {0};
    put_string(&opset, 1, domain);
    put_int(&opset, 2, version);
    put_message(model, 8, &opset);
}

wk_status wk_forest_save_onnx(const wk_forest *forest, const char *path, wk_err *err)
{
    bool classes = wk__gbdt_link_of(forest->objective) != WK__LINK_IDENTITY;
    size_t K = forest->n_outputs;
    if (forest->has_sets)
        return wk_fail(err, WK_E_MODEL,
                       "the model splits by category, which ONNX's trees of this version "
                       "cannot");
    if (wk__gbdt_link_of(forest->objective) == WK__LINK_EXP)
        return wk_fail(err, WK_E_MODEL,
                       "a %s model predicts exp(margin), which ONNX's trees have no transform for",
                       wk__gbdt_objective_name(forest->objective));
    if (forest->n_trees == 0)
        return wk_fail(err, WK_E_MODEL, "the model has no trees, and ONNX has no such forest");
    wk_text model = {0}, graph = {0};
    put_tree_node(&graph, forest);
    put_string(&graph, 2, "forest");
    put_value_info(&graph, 11, "X", TENSOR_FLOAT, forest->n_features);
    if (classes)
        put_value_info(&graph, 12, "label", TENSOR_INT64, 0);
    put_value_info(&graph, 12, classes ? "probabilities" : "value", TENSOR_FLOAT,
                   classes && K == 1 ? 2 : K);
    put_int(&model, 1, 8);
    put_string(&model, 2, "wick");
    put_string(&model, 3, wk_version());
    put_message(&model, 7, &graph);
    put_opset(&model, "", 17);
    put_opset(&model, "ai.onnx.ml", 3);
    wk_status status = wk_file_write_atomic(path, model.s, model.n, err);
    free(model.s);
    return status;
}
