/* Reads XGBoost's model (1.7 and later), JSON or UBJSON. Nothing in the file is believed: every
 * length, index and link is checked before use, and a tree must be one tree. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "wick/file.h"

typedef struct {
    const char *file; /* for messages */
    int objective;
    size_t n_outputs, n_features, n_trees;
    wk_forest *forest;
    const json_t *weight_drop; /* of dart, or NULL */
} reader;

static wk_status member(const reader *r, const json_t *object, const char *key, json_type type,
                        json_t **out, wk_err *err)
{
    static const char *const names[] = {"an object", "an array", "a string", "an integer"};
    json_t *value = json_object_get(object, key);
    *out = value;
    if (!value)
        return wk_fail(err, WK_E_PARSE, "%s: \"%s\" is missing; is this an XGBoost JSON model?",
                       r->file, key);
    if (json_typeof(value) != type)
        return wk_fail(err, WK_E_PARSE, "%s: \"%s\" is not %s", r->file, key, names[type]);
    return WK_OK;
}

/* XGBoost writes the numbers of its parameter objects as strings. */
static wk_status param_int(const reader *r, const json_t *object, const char *key, long long min,
                           long long max, long long *out, wk_err *err)
{
    const json_t *value = json_object_get(object, key);
    long long number = 0;
    *out = 0;
    if (json_is_integer(value)) {
        number = json_integer_value(value);
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        char *end;
        number = strtoll(text, &end, 10);
        if (end == text || *end)
            return wk_fail(err, WK_E_PARSE, "%s: \"%s\" is \"%.40s\", not a whole number", r->file,
                           key, text);
    } else {
        return wk_fail(err, WK_E_PARSE, "%s: \"%s\" is missing or not a number", r->file, key);
    }
    if (number < min || number > max)
        return wk_fail(err, WK_E_PARSE, "%s: \"%s\" is %lld, outside %lld to %lld", r->file, key,
                       number, min, max);
    *out = number;
    return WK_OK;
}

static wk_status read_objective(reader *r, const json_t *learner, long long num_class, wk_err *err)
{
    json_t *objective = NULL, *name = NULL;
    WK_TRY(member(r, learner, "objective", JSON_OBJECT, &objective, err));
    WK_TRY(member(r, objective, "name", JSON_STRING, &name, err));
    const char *text = json_string_value(name);
    r->objective = wk__gbdt_objective_of_name(text);
    if (r->objective < 0 || strcmp(wk__gbdt_objective_name_in_file(r->objective), text) != 0)
        return wk_fail(err, WK_E_MODEL,
                       "%s: objective \"%.60s\" is not supported; use reg:squarederror, "
                       "binary:logistic, multi:softprob, reg:pseudohubererror, reg:absoluteerror, "
                       "reg:quantileerror, count:poisson, rank:ndcg or rank:pairwise",
                       r->file, text);
    r->n_outputs = r->objective == WK_GBDT_SOFTPROB ? (size_t)num_class : 1;
    if (r->objective == WK_GBDT_SOFTPROB && num_class < 2)
        return wk_fail(err, WK_E_PARSE, "%s: multi:softprob with num_class %lld", r->file,
                       num_class);
    if (r->objective != WK_GBDT_SOFTPROB && num_class > 1)
        return wk_fail(err, WK_E_PARSE, "%s: %s with num_class %lld", r->file, text, num_class);
    /* Ours is in an attribute; it counts only where it predicts as the file says. */
    const char *own =
        json_string_value(json_object_get(json_object_get(learner, "attributes"), "objective"));
    int known = own ? wk__gbdt_objective_of_name(own) : -1;
    if (known >= 0 &&
        (known == WK_GBDT_CUSTOM || strcmp(wk__gbdt_objective_name_in_file(known), text) == 0) &&
        (known != WK_GBDT_PROFIT || r->n_outputs == 3))
        r->objective = known;
    return WK_OK;
}

/* "5E-1" or, since 3.1, "[1E-1,2E-1,7E-1]". */
static wk_status read_base_score(reader *r, const json_t *learner_param, wk_err *err)
{
    json_t *text = NULL;
    WK_TRY(member(r, learner_param, "base_score", JSON_STRING, &text, err));
    json_t *value =
        json_loads(json_string_value(text), JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    float *base = calloc(r->n_outputs, sizeof *base);
    wk_status status = WK_OK;
    if (!base) {
        status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->file);
    } else if (n != 1 && n != r->n_outputs) {
        status = wk_fail(err, WK_E_PARSE, "%s: base_score has %zu values for %zu outputs", r->file,
                         n, r->n_outputs);
    } else {
        for (size_t k = 0; k < r->n_outputs && status == WK_OK; k++) {
            const json_t *one =
                json_is_array(value) ? json_array_get(value, n == 1 ? 0 : k) : value;
            base[k] = (float)json_real_value(one);
            wk__gbdt_link link = wk__gbdt_link_of(r->objective);
            if (!json_is_real(one) || !isfinite(base[k]) ||
                (link == WK__LINK_LOGISTIC && !(base[k] > 0 && base[k] < 1)) ||
                (link == WK__LINK_EXP && !(base[k] > 0)))
                status = wk_fail(err, WK_E_PARSE, "%s: base_score \"%.60s\" is not usable", r->file,
                                 json_string_value(text));
        }
    }
    if (status == WK_OK)
        wk__forest_set_base(r->forest, base);
    free(base);
    json_decref(value);
    return status;
}

static wk_status read_names(reader *r, const json_t *learner, wk_err *err)
{
    const json_t *names = json_object_get(learner, "feature_names");
    if (json_array_size(names) == 0)
        return WK_OK;
    if (json_array_size(names) != r->n_features)
        return wk_fail(err, WK_E_PARSE, "%s: %zu feature_names for %zu features", r->file,
                       json_array_size(names), r->n_features);
    const char **text = calloc(r->n_features, sizeof *text);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->file);
    wk_status status = WK_OK;
    for (size_t i = 0; i < r->n_features && status == WK_OK; i++) {
        text[i] = json_string_value(json_array_get(names, i));
        if (!text[i])
            status = wk_fail(err, WK_E_PARSE, "%s: feature_names[%zu] is not a string", r->file, i);
    }
    if (status == WK_OK)
        wk__forest_set_names(r->forest, text);
    free(text);
    return status;
}

/* The arrays of one tree; each has one element a node. */
typedef struct {
    const json_t *left, *right, *feature, *condition, *default_left;
    const json_t *weight, *gain, *hessian, *split_type;            /* may be absent */
    const json_t *categories, *sets_node, *sets_first, *sets_size; /* of the splits by category */
} tree_arrays;

static wk_status tree_array(const reader *r, const json_t *tree, size_t index, const char *key,
                            size_t n, bool required, const json_t **out, wk_err *err)
{
    const json_t *array = json_object_get(tree, key);
    *out = array;
    if (!array && !required)
        return WK_OK;
    if (!json_is_array(array))
        return wk_fail(err, WK_E_PARSE, "%s: tree %zu: \"%s\" is not an array", r->file, index,
                       key);
    if (json_array_size(array) != n)
        return wk_fail(err, WK_E_PARSE, "%s: tree %zu: \"%s\" has %zu elements for %zu nodes",
                       r->file, index, key, json_array_size(array), n);
    return WK_OK;
}

static bool get_int(const json_t *array, size_t i, long long min, long long max, long long *out)
{
    const json_t *value = json_array_get(array, i);
    if (!json_is_integer(value))
        return false;
    *out = json_integer_value(value);
    return *out >= min && *out <= max;
}

static bool get_flag(const json_t *array, size_t i, bool *out)
{
    const json_t *value = json_array_get(array, i);
    long long number;
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return true;
    }
    if (!get_int(array, i, 0, 1, &number))
        return false;
    *out = number == 1;
    return true;
}

/* A finite f32. An absent optional array gives 0. */
static bool get_real(const json_t *array, size_t i, float *out)
{
    *out = 0;
    if (!array)
        return true;
    const json_t *value = json_array_get(array, i);
    *out = (float)json_number_value(value);
    return json_is_number(value) && isfinite(*out);
}

static const wk__gbdt_set no_set;

static wk_status bad_set(const reader *r, size_t index, long long node, wk_err *err)
{
    return wk_fail(err, WK_E_PARSE, "%s: tree %zu node %lld: bad categories", r->file, index, node);
}

/* The categories of the marked nodes: which node, where in `categories` its own begin, how many. */
static wk_status read_sets(const reader *r, size_t index, const tree_arrays *a, size_t n,
                           wk__gbdt_node *nodes, wk_err *err)
{
    size_t n_sets = json_array_size(a->sets_node), n_categories = json_array_size(a->categories);
    if (json_array_size(a->sets_first) != n_sets || json_array_size(a->sets_size) != n_sets)
        return bad_set(r, index, -1, err);
    for (size_t s = 0; s < n_sets; s++) {
        long long i = 0, first = 0, size = 0, category = 0, largest = 0;
        if (!get_int(a->sets_node, s, 0, (long long)n - 1, &i) || nodes[i].set != &no_set ||
            !get_int(a->sets_first, s, 0, (long long)n_categories, &first) ||
            !get_int(a->sets_size, s, 0, (long long)n_categories - first, &size))
            return bad_set(r, index, i, err);
        for (long long c = first; c < first + size; c++) {
            if (!get_int(a->categories, (size_t)c, 0, (1 << 24) - 1, &category))
                return bad_set(r, index, i, err);
            largest = category > largest ? category : largest;
        }
        wk__gbdt_set *set = wk__forest_add_set(r->forest, (uint32_t)largest / 32 + 1);
        for (long long c = first; c < first + size; c++) {
            (void)get_int(a->categories, (size_t)c, 0, (1 << 24) - 1, &category);
            set->words[category / 32] |= 1u << category % 32;
        }
        nodes[i].set = set;
    }
    for (size_t i = 0; i < n; i++)
        if (nodes[i].set == &no_set)
            return bad_set(r, index, (long long)i, err);
    return WK_OK;
}

static wk_status read_node(const reader *r, size_t index, const tree_arrays *a, size_t i, size_t n,
                           wk__gbdt_node *node, wk_err *err)
{
    long long left = 0, right = 0, feature = 0, type = 0;
    if (!get_int(a->left, i, -1, (long long)n - 1, &left) ||
        !get_int(a->right, i, -1, (long long)n - 1, &right) || left == 0 || right == 0 ||
        (left < 0) != (right < 0) || (left >= 0 && left == right))
        return wk_fail(err, WK_E_PARSE,
                       "%s: tree %zu node %zu: bad left_children or right_children", r->file, index,
                       i);
    if (!get_int(a->feature, i, 0, WK__GBDT_FEATURES_MAX, &feature) ||
        (left >= 0 && (size_t)feature >= r->n_features))
        return wk_fail(err, WK_E_PARSE,
                       "%s: tree %zu node %zu: split_indices is no feature below %zu", r->file,
                       index, i, r->n_features);
    if (a->split_type && !get_int(a->split_type, i, 0, 1, &type))
        return wk_fail(err, WK_E_PARSE, "%s: tree %zu node %zu: bad split_type", r->file, index, i);
    *node = (wk__gbdt_node){.left = (int32_t)left,
                            .right = (int32_t)right,
                            .parent = -1,
                            .feature = left >= 0 ? (uint32_t)feature : 0};
    /* A set follows; until it does the node is marked. */
    if (type == 1 && left >= 0)
        node->set = &no_set;
    bool no_number = type == 1 && json_is_string(json_array_get(a->condition, i));
    if ((!no_number && !get_real(a->condition, i, &node->value)) ||
        !get_flag(a->default_left, i, &node->default_left))
        return wk_fail(err, WK_E_PARSE,
                       "%s: tree %zu node %zu: bad split_conditions or default_left", r->file,
                       index, i);
    if (!get_real(a->weight, i, &node->weight) || !get_real(a->gain, i, &node->gain) ||
        !get_real(a->hessian, i, &node->hessian))
        return wk_fail(err, WK_E_PARSE,
                       "%s: tree %zu node %zu: bad base_weights, loss_changes or sum_hessian",
                       r->file, index, i);
    return WK_OK;
}

/* Sets the parents, refuses a node with two of them or a cycle, and drops nodes that were pruned
 * away, keeping the order of the rest. new_id and queue have room for n. */
static wk_status link_nodes(const reader *r, size_t index, wk__gbdt_node *nodes, size_t *n,
                            int32_t *new_id, int32_t *queue, wk_err *err)
{
    for (size_t i = 0; i < *n; i++)
        new_id[i] = -1;
    size_t n_seen = 1;
    queue[0] = 0;
    new_id[0] = 0;
    for (size_t i = 0; i < n_seen; i++) {
        const wk__gbdt_node *node = &nodes[queue[i]];
        int32_t child[2] = {node->left, node->right};
        for (int c = 0; c < 2 && node->left >= 0; c++) {
            if (new_id[child[c]] >= 0)
                return wk_fail(err, WK_E_PARSE,
                               "%s: tree %zu: node %d is reached twice; the links are a cycle or "
                               "join",
                               r->file, index, child[c]);
            new_id[child[c]] = 0;
            nodes[child[c]].parent = queue[i];
            queue[n_seen++] = child[c];
        }
    }
    int32_t kept = 0;
    for (size_t i = 0; i < *n; i++)
        if (new_id[i] >= 0)
            new_id[i] = kept++;
    for (size_t i = 0; i < *n; i++) {
        if (new_id[i] < 0)
            continue;
        wk__gbdt_node node = nodes[i];
        node.parent = node.parent >= 0 ? new_id[node.parent] : -1;
        if (node.left >= 0) {
            node.left = new_id[node.left];
            node.right = new_id[node.right];
        }
        nodes[new_id[i]] = node;
    }
    *n = (size_t)kept;
    return WK_OK;
}

/* Dart: the tree counts by a weight, which its leaves take up. */
static wk_status weigh_leaves(const reader *r, size_t index, wk__gbdt_node *nodes, size_t n,
                              wk_err *err)
{
    float weight;
    if (!r->weight_drop)
        return WK_OK;
    if (!get_real(r->weight_drop, index, &weight))
        return wk_fail(err, WK_E_PARSE, "%s: weight_drop[%zu] is not a number", r->file, index);
    for (size_t i = 0; i < n; i++) {
        if (nodes[i].left < 0)
            nodes[i].value *= weight;
        if (!isfinite(nodes[i].value))
            return wk_fail(err, WK_E_PARSE, "%s: tree %zu node %zu: leaf out of range", r->file,
                           index, i);
    }
    return WK_OK;
}

static wk_status read_tree(const reader *r, const json_t *tree, size_t index, uint32_t output,
                           wk_err *err)
{
    json_t *param = NULL, *left = NULL;
    WK_TRY(member(r, tree, "tree_param", JSON_OBJECT, &param, err));
    WK_TRY(member(r, tree, "left_children", JSON_ARRAY, &left, err));
    long long n_nodes = 0, leaf_size = 0;
    WK_TRY(param_int(r, param, "num_nodes", 1, INT32_MAX, &n_nodes, err));
    if (json_object_get(param, "size_leaf_vector")) {
        WK_TRY(param_int(r, param, "size_leaf_vector", 0, INT32_MAX, &leaf_size, err));
        if (leaf_size > 1)
            return wk_fail(err, WK_E_MODEL,
                           "%s: tree %zu has vector leaves (multi_output_tree), which are not "
                           "supported",
                           r->file, index);
    }
    size_t n = (size_t)n_nodes;
    tree_arrays a;
    WK_TRY(tree_array(r, tree, index, "left_children", n, true, &a.left, err));
    WK_TRY(tree_array(r, tree, index, "right_children", n, true, &a.right, err));
    WK_TRY(tree_array(r, tree, index, "split_indices", n, true, &a.feature, err));
    WK_TRY(tree_array(r, tree, index, "split_conditions", n, true, &a.condition, err));
    WK_TRY(tree_array(r, tree, index, "default_left", n, true, &a.default_left, err));
    WK_TRY(tree_array(r, tree, index, "base_weights", n, false, &a.weight, err));
    WK_TRY(tree_array(r, tree, index, "loss_changes", n, false, &a.gain, err));
    WK_TRY(tree_array(r, tree, index, "sum_hessian", n, false, &a.hessian, err));
    WK_TRY(tree_array(r, tree, index, "split_type", n, false, &a.split_type, err));
    a.categories = json_object_get(tree, "categories");
    a.sets_node = json_object_get(tree, "categories_nodes");
    a.sets_first = json_object_get(tree, "categories_segments");
    a.sets_size = json_object_get(tree, "categories_sizes");
    wk__gbdt_node *nodes = malloc(n * sizeof *nodes);
    int32_t *ids = malloc(2 * n * sizeof *ids);
    wk_status status = WK_OK;
    if (!nodes || !ids)
        status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->file);
    for (size_t i = 0; i < n && status == WK_OK; i++)
        status = read_node(r, index, &a, i, n, &nodes[i], err);
    if (status == WK_OK)
        status = read_sets(r, index, &a, n, nodes, err);
    if (status == WK_OK)
        status = link_nodes(r, index, nodes, &n, ids, ids + n, err);
    if (status == WK_OK)
        status = weigh_leaves(r, index, nodes, n, err);
    if (status == WK_OK)
        wk__forest_add_tree(r->forest, nodes, n, output);
    free(ids);
    free(nodes);
    return status;
}

static wk_status read_trees(reader *r, const json_t *model, const json_t *trees, wk_err *err)
{
    json_t *info = NULL;
    WK_TRY(member(r, model, "tree_info", JSON_ARRAY, &info, err));
    if (json_array_size(info) != r->n_trees)
        return wk_fail(err, WK_E_PARSE, "%s: tree_info has %zu elements for %zu trees", r->file,
                       json_array_size(info), r->n_trees);
    for (size_t t = 0; t < r->n_trees; t++) {
        const json_t *tree = json_array_get(trees, t);
        long long output = 0, id = (long long)t;
        if (!json_is_object(tree))
            return wk_fail(err, WK_E_PARSE, "%s: tree %zu is not an object", r->file, t);
        if (json_object_get(tree, "id"))
            WK_TRY(param_int(r, tree, "id", 0, INT32_MAX, &id, err));
        if (id != (long long)t)
            return wk_fail(err, WK_E_PARSE, "%s: tree %zu has id %lld", r->file, t, id);
        if (!get_int(info, t, 0, (long long)r->n_outputs - 1, &output))
            return wk_fail(err, WK_E_PARSE, "%s: tree_info[%zu] is no output below %zu", r->file, t,
                           r->n_outputs);
        WK_TRY(read_tree(r, tree, t, (uint32_t)output, err));
    }
    return WK_OK;
}

/* Dart keeps the weights of its trees beside them: outside the trees' model up to 3.3, inside
 * since. */
static wk_status read_booster(reader *r, const json_t *learner, json_t **model, wk_err *err)
{
    json_t *booster = NULL, *name = NULL, *weights;
    WK_TRY(member(r, learner, "gradient_booster", JSON_OBJECT, &booster, err));
    WK_TRY(member(r, booster, "name", JSON_STRING, &name, err));
    bool dart = strcmp(json_string_value(name), "dart") == 0;
    if (!dart && strcmp(json_string_value(name), "gbtree") != 0)
        return wk_fail(err, WK_E_MODEL,
                       "%s: booster \"%.40s\" is not supported; train with booster=gbtree or dart",
                       r->file, json_string_value(name));
    weights = json_object_get(booster, "weight_drop");
    if (dart)
        WK_TRY(member(r, booster, "gbtree", JSON_OBJECT, &booster, err));
    WK_TRY(member(r, booster, "model", JSON_OBJECT, model, err));
    weights = weights ? weights : json_object_get(*model, "weight_drop");
    r->weight_drop = json_array_size(weights) > 0 ? weights : NULL;
    if (dart && !r->weight_drop && json_array_size(json_object_get(*model, "trees")) > 0)
        return wk_fail(err, WK_E_PARSE, "%s: dart without weight_drop", r->file);
    return WK_OK;
}

static wk_status read_model(reader *r, const json_t *root, wk_err *err)
{
    json_t *learner = NULL, *param = NULL, *model = NULL, *trees = NULL;
    long long num_class = 0, num_feature = 0, num_target = 1, num_trees = 0;
    if (!json_is_object(root))
        return wk_fail(err, WK_E_PARSE, "%s: not a JSON object", r->file);
    WK_TRY(member(r, root, "learner", JSON_OBJECT, &learner, err));
    WK_TRY(member(r, learner, "learner_model_param", JSON_OBJECT, &param, err));
    WK_TRY(param_int(r, param, "num_feature", 0, WK__GBDT_FEATURES_MAX, &num_feature, err));
    WK_TRY(param_int(r, param, "num_class", 0, WK__GBDT_CLASSES_MAX, &num_class, err));
    if (json_object_get(param, "num_target"))
        WK_TRY(param_int(r, param, "num_target", 0, INT32_MAX, &num_target, err));
    if (num_target > 1)
        return wk_fail(err, WK_E_MODEL,
                       "%s: %lld targets (multi-output), which is not supported; train one model a "
                       "target",
                       r->file, num_target);
    WK_TRY(read_objective(r, learner, num_class, err));
    WK_TRY(read_booster(r, learner, &model, err));
    WK_TRY(member(r, model, "trees", JSON_ARRAY, &trees, err));
    WK_TRY(member(r, model, "gbtree_model_param", JSON_OBJECT, &param, err));
    WK_TRY(param_int(r, param, "num_trees", 0, INT32_MAX, &num_trees, err));
    r->n_trees = json_array_size(trees);
    r->n_features = (size_t)num_feature;
    if ((size_t)num_trees != r->n_trees)
        return wk_fail(err, WK_E_PARSE, "%s: num_trees is %lld but there are %zu trees", r->file,
                       num_trees, r->n_trees);
    if (r->weight_drop && json_array_size(r->weight_drop) != r->n_trees)
        return wk_fail(err, WK_E_PARSE, "%s: weight_drop has %zu elements for %zu trees", r->file,
                       json_array_size(r->weight_drop), r->n_trees);
    r->forest = wk__forest_create(r->objective, r->n_outputs, r->n_features, r->n_trees);
    if (!r->forest)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->file);
    WK_TRY(read_base_score(r, json_object_get(learner, "learner_model_param"), err));
    WK_TRY(read_names(r, learner, err));
    const json_t *attributes = json_object_get(learner, "attributes");
    if (json_object_get(attributes, "label_column")) {
        long long column;
        WK_TRY(param_int(r, attributes, "label_column", 0, INT32_MAX, &column, err));
        wk_forest_set_label_column(r->forest, column);
    }
    return read_trees(r, model, trees, err);
}

/* XGBoost writes a bare NaN as the threshold of a split by category, which is no JSON: it becomes
 * the string "-", of equal length. */
static char *without_nan(const char *bytes, size_t n)
{
    char *text = malloc(n + 1);
    bool quoted = false;
    if (!text)
        return NULL;
    memcpy(text, bytes, n);
    for (size_t i = 0; i < n; i++) {
        if (quoted && text[i] == '\\' && i + 1 < n)
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && n - i >= 3 && memcmp(text + i, "NaN", 3) == 0) {
            memcpy(text + i, "\"-\"", 3);
            i += 2;
        }
    }
    return text;
}

wk_status wk_forest_parse(const char *bytes, size_t size_bytes, const char *name, wk_forest **out,
                          wk_err *err)
{
    if (wk__gbdt_is_lightgbm(bytes, size_bytes))
        return wk__gbdt_parse_lightgbm(bytes, size_bytes, name, out, err);
    json_error_t why;
    json_t *root = NULL;
    if (wk__gbdt_is_ubjson(bytes, size_bytes)) {
        WK_TRY(wk__gbdt_parse_ubjson(bytes, size_bytes, name, &root, err));
    } else {
        char *text = without_nan(bytes, size_bytes);
        if (!text)
            return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", name);
        root = json_loadb(text, size_bytes, 0, &why);
        free(text);
        if (!root)
            return wk_fail(err, WK_E_PARSE, "%s: line %d: %s", name, why.line, why.text);
    }
    reader r = {.file = name};
    wk_status status = read_model(&r, root, err);
    json_decref(root);
    if (status != WK_OK) {
        wk_forest_destroy(r.forest);
        return status;
    }
    wk__forest_seal(r.forest);
    *out = r.forest;
    return WK_OK;
}

wk_status wk_forest_load(const char *path, wk_forest **out, wk_err *err)
{
    char *bytes;
    size_t size_bytes;
    WK_TRY(wk_file_read(path, &bytes, &size_bytes, err));
    wk_status status = wk_forest_parse(bytes, size_bytes, path, out, err);
    free(bytes);
    return status;
}
