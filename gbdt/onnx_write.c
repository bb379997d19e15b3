/* Writes a forest as an ONNX model: TreeEnsembleClassifier for classes, TreeEnsembleRegressor for
 * values (ai.onnx.ml 3). x < value goes to the true branch. */
#include <stdlib.h>
#include <string.h>

#include "forest.h"
#include "wick/file.h"
#include "wick/onnx_write.h"

typedef struct {
    const wk_forest *forest;
    wk_text tree, id, feature, mode, value, yes, no, missing, hitrate;
    wk_text leaf_tree, leaf_id, leaf_output, leaf_value;
} arrays;

static void add_node(arrays *a, size_t t, size_t i)
{
    const wk__gbdt_node *node = &a->forest->trees[t].nodes[i];
    bool leaf = node->left < 0;
    wk_onnx_add_int(&a->tree, (int64_t)t);
    wk_onnx_add_int(&a->id, (int64_t)i);
    wk_onnx_add_int(&a->feature, leaf ? 0 : (int64_t)node->feature);
    wk_pb_put_string(&a->mode, 9, leaf ? "LEAF" : "BRANCH_LT");
    wk_onnx_add_float(&a->value, leaf ? 0 : node->value);
    wk_onnx_add_float(&a->hitrate, 1);
    wk_onnx_add_int(&a->yes, leaf ? 0 : node->left);
    wk_onnx_add_int(&a->no, leaf ? 0 : node->right);
    wk_onnx_add_int(&a->missing, !leaf && node->default_left);
    if (!leaf)
        return;
    wk_onnx_add_int(&a->leaf_tree, (int64_t)t);
    wk_onnx_add_int(&a->leaf_id, (int64_t)i);
    wk_onnx_add_int(&a->leaf_output, a->forest->trees[t].output);
    wk_onnx_add_float(&a->leaf_value, node->value);
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
    } lists[] = {{"nodes_treeids", WK_ONNX_ATTRIBUTE_INTS, &a.tree},
                 {"nodes_nodeids", WK_ONNX_ATTRIBUTE_INTS, &a.id},
                 {"nodes_featureids", WK_ONNX_ATTRIBUTE_INTS, &a.feature},
                 {"nodes_modes", WK_ONNX_ATTRIBUTE_STRINGS, &a.mode},
                 {"nodes_values", WK_ONNX_ATTRIBUTE_FLOATS, &a.value},
                 {"nodes_hitrates", WK_ONNX_ATTRIBUTE_FLOATS, &a.hitrate},
                 {"nodes_truenodeids", WK_ONNX_ATTRIBUTE_INTS, &a.yes},
                 {"nodes_falsenodeids", WK_ONNX_ATTRIBUTE_INTS, &a.no},
                 {"nodes_missing_value_tracks_true", WK_ONNX_ATTRIBUTE_INTS, &a.missing}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        wk_onnx_put_attribute(node, lists[i].name, lists[i].type, lists[i].values);
    const struct {
        const char *suffix;
        int type;
        wk_text *values;
    } leaves[] = {{"treeids", WK_ONNX_ATTRIBUTE_INTS, &a.leaf_tree},
                  {"nodeids", WK_ONNX_ATTRIBUTE_INTS, &a.leaf_id},
                  {"ids", WK_ONNX_ATTRIBUTE_INTS, &a.leaf_output},
                  {"weights", WK_ONNX_ATTRIBUTE_FLOATS, &a.leaf_value}};
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves; i++) {
        snprintf(name, sizeof name, "%s_%s", prefix, leaves[i].suffix);
        wk_onnx_put_attribute(node, name, leaves[i].type, leaves[i].values);
    }
}

static void put_tree_node(wk_text *graph, const wk_forest *forest)
{
    bool classes = wk__gbdt_link_of(forest->objective) != WK__LINK_IDENTITY;
    size_t K = forest->n_outputs, n_labels = K > 1 ? K : 2;
    wk_text node = {0}, list = {0};
    wk_pb_put_string(&node, 1, "X");
    if (classes)
        wk_pb_put_string(&node, 2, "label");
    wk_pb_put_string(&node, 2, classes ? "probabilities" : "value");
    wk_pb_put_string(&node, 3, "trees");
    wk_pb_put_string(&node, 4, classes ? "TreeEnsembleClassifier" : "TreeEnsembleRegressor");
    wk_pb_put_string(&node, 7, "ai.onnx.ml");
    put_trees(&node, forest, classes);
    for (size_t k = 0; k < K; k++)
        wk_onnx_add_float(&list, forest->base_margin[k]);
    wk_onnx_put_attribute(&node, "base_values", WK_ONNX_ATTRIBUTE_FLOATS, &list);
    if (classes) {
        for (size_t k = 0; k < n_labels; k++)
            wk_onnx_add_int(&list, (int64_t)k);
        wk_onnx_put_attribute(&node, "classlabels_int64s", WK_ONNX_ATTRIBUTE_INTS, &list);
        wk_onnx_put_string(&node, "post_transform", K > 1 ? "SOFTMAX" : "LOGISTIC");
    } else {
        wk_onnx_put_int(&node, "n_targets", (int64_t)K);
        wk_onnx_put_string(&node, "post_transform", "NONE");
    }
    wk_pb_put_message(graph, 1, &node);
}

/* A graph output: [N] or [N, columns]. */
static void put_value(wk_text *graph, unsigned field, const char *name, int type, size_t columns)
{
    const wk_onnx_dim dims[] = {{.name = "N"}, {.n = (int64_t)columns}};
    wk_onnx_put_value_info(graph, field, name, type, dims, columns ? 2 : 1);
}

wk_status wk_forest_save_onnx(const wk_forest *forest, const char *path, wk_err *err)
{
    wk__forest_has_nodes(forest);
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
    wk_pb_put_string(&graph, 2, "forest");
    put_value(&graph, WK_ONNX_INPUT, "X", WK_ONNX_FLOAT, forest->n_features);
    if (classes)
        put_value(&graph, WK_ONNX_OUTPUT, "label", WK_ONNX_INT64, 0);
    put_value(&graph, WK_ONNX_OUTPUT, classes ? "probabilities" : "value", WK_ONNX_FLOAT,
              classes && K == 1 ? 2 : K);
    wk_onnx_put_model(&model, &graph, true);
    wk_status status = wk_file_write_atomic(path, model.s, model.n, err);
    free(model.s);
    return status;
}
