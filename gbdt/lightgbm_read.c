/* Reads LightGBM's text model (versions 3 and 4): a head of key=value lines, then one block a tree.
 * It sends x <= t left with t in double; for f32 values that is x < the next f32 above t. Its
 * categories of a split go left, so such a node has its children changed over. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"

#define LEAVES_MAX (1 << 20)
#define TREES_MAX (1 << 22)

typedef struct {
    const char *file;
    char *text; /* lines are cut off in place */
    size_t n_line;
    char *next;
    wk_forest *forest;
    wk_err *err;
} reader;

static wk_status bad(const reader *r, const char *what)
{
    return wk_fail(r->err, WK_E_PARSE, "%s: line %zu: %s; is this a LightGBM text model?", r->file,
                   r->n_line, what);
}

/* The next line without its end, or NULL. */
static char *take_line(reader *r)
{
    char *line = r->next;
    if (!*line)
        return NULL;
    size_t n = strcspn(line, "\n");
    r->next = line + n + (line[n] != 0);
    line[n] = 0;
    if (n > 0 && line[n - 1] == '\r')
        line[n - 1] = 0;
    r->n_line++;
    return line;
}

/* The value of a line KEY=..., or NULL. */
static char *value_of(char *line, const char *key)
{
    size_t n = strlen(key);
    return strncmp(line, key, n) == 0 && line[n] == '=' ? line + n + 1 : NULL;
}

static wk_status whole(const reader *r, const char *text, long min, long max, long *out)
{
    char *end;
    *out = strtol(text, &end, 10);
    if (end == text || *end || *out < min || *out > max)
        return bad(r, "a number is missing or out of range");
    return WK_OK;
}

/* Exactly n numbers, with blanks between. */
static wk_status doubles(const reader *r, const char *text, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        char *end;
        out[i] = strtod(text, &end);
        if (end == text || isnan(out[i]) || (*end && *end != ' '))
            return bad(r, "an array has too few numbers, or something else among them");
        text = end;
    }
    while (*text == ' ')
        text++;
    return *text ? bad(r, "an array has too many numbers") : WK_OK;
}

static bool is_whole(double x)
{
    return x > -0x1p53 && x < 0x1p53 && x == (double)(int64_t)x;
}

/* The largest f32 that is not above t. */
static float float_below(double t)
{
    float f = t > 3.4028234663852886e38    ? 3.402823466e38f
              : t < -3.4028234663852886e38 ? -INFINITY
                                           : (float)t;
    uint32_t bits;
    if ((double)f <= t)
        return f;
    memcpy(&bits, &f, sizeof bits);
    bits = f > 0 ? bits - 1 : f < 0 ? bits + 1 : 0x80000001u;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The smallest f32 above f; infinity above the largest one. */
static float float_above(float f)
{
    uint32_t bits;
    if (f == -INFINITY)
        return -3.402823466e38f;
    memcpy(&bits, &f, sizeof bits);
    bits = f > 0 ? bits + 1 : f < 0 ? bits - 1 : 1;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* The text of a tree's arrays, each a line. */
enum {
    FEATURE,
    GAIN,
    THRESHOLD,
    DECISION,
    LEFT,
    RIGHT,
    LEAF,
    HESSIAN,
    NODE_HESSIAN,
    NODE_VALUE,
    SET_FIRST,
    SET_WORDS,
    N_ARRAYS
};
static const char *const array_names[N_ARRAYS] = {
    "split_feature",   "split_gain",     "threshold",      "decision_type",
    "left_child",      "right_child",    "leaf_value",     "leaf_weight",
    "internal_weight", "internal_value", "cat_boundaries", "cat_threshold"};

typedef struct {
    long n_leaves, n_sets;
    char *text[N_ARRAYS];
    double *values[N_ARRAYS];
    wk__gbdt_node *nodes;
    wk_arena scratch;
} tree_text;

/* Inner nodes first, then the leaves. */
static int32_t child_index(const tree_text *t, double link)
{
    long n = t->n_leaves, k;
    if (!is_whole(link) || link < (double)-n || link >= (double)(n - 1))
        return -1;
    k = (long)link;
    return (int32_t)(k >= 0 ? k : n - 1 + ~k);
}

static wk_status read_set(const reader *r, const tree_text *t, double index, wk__gbdt_node *node)
{
    const double *first = t->values[SET_FIRST];
    if (!(index >= 0 && index < (double)t->n_sets) || !is_whole(index))
        return bad(r, "a split by category without categories");
    size_t s = (size_t)index, begin = (size_t)first[s], end = (size_t)first[s + 1];
    wk__gbdt_set *set = wk__forest_add_set(r->forest, (uint32_t)(end - begin));
    for (size_t w = begin; w < end; w++)
        set->words[w - begin] = (uint32_t)t->values[SET_WORDS][w];
    node->set = set;
    /* What is missing goes where other categories go. */
    int32_t left = node->left;
    node->left = node->right;
    node->right = left;
    node->default_left = true;
    node->value = 0;
    return WK_OK;
}

static wk_status read_inner(const reader *r, const tree_text *t, size_t i, wk__gbdt_node *node)
{
    size_t n_features = r->forest->n_features;
    double feature = t->values[FEATURE][i], kind = t->values[DECISION][i];
    double threshold = t->values[THRESHOLD][i];
    if (!(feature >= 0 && feature < (double)n_features) || !is_whole(feature))
        return bad(r, "split_feature is no feature");
    if (!(kind >= 0 && kind < 16) || !is_whole(kind))
        return bad(r, "unknown decision_type");
    unsigned bits = (unsigned)kind, missing = bits >> 2;
    *node = (wk__gbdt_node){.left = child_index(t, t->values[LEFT][i]),
                            .right = child_index(t, t->values[RIGHT][i]),
                            .parent = node->parent,
                            .feature = (uint32_t)feature,
                            .gain = (float)t->values[GAIN][i],
                            .hessian = (float)t->values[NODE_HESSIAN][i],
                            .weight = (float)t->values[NODE_VALUE][i]};
    if (node->left < 0 || node->right < 0)
        return bad(r, "left_child or right_child is out of range");
    if (!isfinite(node->gain) || !isfinite(node->hessian) || !isfinite(node->weight))
        return bad(r, "split_gain, internal_weight or internal_value is out of range");
    if (bits & 1)
        return read_set(r, t, threshold, node);
    if (missing == 1)
        return wk_fail(r->err, WK_E_MODEL,
                       "%s: line %zu: zero_as_missing is not supported; train without it", r->file,
                       r->n_line);
    node->value = float_above(float_below(threshold));
    /* Without missing values in training, NaN counts as 0. */
    node->default_left = missing == 2 ? bits >> 1 & 1 : 0 <= threshold;
    return WK_OK;
}

/* One tree: every node but the root is the child of one node. Numbers the nodes level by level,
 * siblings side by side, as XGBoost needs it; *out has them in that order. */
static wk_status link_nodes(const reader *r, tree_text *t, size_t n, wk__gbdt_node **out)
{
    int32_t *queue = wk_arena_array(&t->scratch, int32_t, n);
    bool *taken = wk_arena_array(&t->scratch, bool, n);
    wk__gbdt_node *nodes = wk_arena_array(&t->scratch, wk__gbdt_node, n);
    size_t seen = 1;
    taken[0] = true;
    nodes[0].parent = -1;
    for (size_t i = 0; i < seen; i++) {
        int32_t parent = nodes[i].parent;
        nodes[i] = t->nodes[queue[i]];
        nodes[i].parent = parent;
        int32_t child[2] = {nodes[i].left, nodes[i].right};
        if (child[0] < 0)
            continue;
        nodes[i].left = (int32_t)seen;
        nodes[i].right = (int32_t)seen + 1;
        for (int c = 0; c < 2; c++) {
            if (taken[child[c]])
                return bad(r, "the links of the tree are a cycle or join");
            taken[child[c]] = true;
            nodes[seen].parent = (int32_t)i;
            queue[seen++] = child[c];
        }
    }
    *out = nodes;
    return seen == n ? WK_OK : bad(r, "some nodes of the tree are not linked");
}

static wk_status read_arrays(const reader *r, tree_text *t)
{
    size_t inner = (size_t)t->n_leaves - 1, leaves = (size_t)t->n_leaves;
    size_t n[N_ARRAYS];
    for (int k = 0; k < N_ARRAYS; k++)
        n[k] = k == LEAF || k == HESSIAN ? leaves : inner;
    n[SET_FIRST] = t->n_sets ? (size_t)t->n_sets + 1 : 0;
    n[SET_WORDS] = 0;
    for (int k = 0; k < N_ARRAYS; k++) {
        /* Weights and gains may be absent. */
        bool needed = k != GAIN && k != HESSIAN && k != NODE_HESSIAN && k != NODE_VALUE;
        if (k == SET_WORDS && t->n_sets)
            n[k] = (size_t)t->values[SET_FIRST][t->n_sets];
        if (!t->text[k] && needed && n[k] > 0)
            return wk_fail(r->err, WK_E_PARSE, "%s: line %zu: the tree above has no %s", r->file,
                           r->n_line, array_names[k]);
        /* Each number takes two bytes at least, so hostile counts ask for no more than the file. */
        if (t->text[k] && n[k] > strlen(t->text[k]) / 2 + 1)
            return bad(r, "an array is too short");
        t->values[k] = wk_arena_array(&t->scratch, double, n[k] + 1);
        if (t->text[k] && n[k] > 0)
            WK_TRY(doubles(r, t->text[k], n[k], t->values[k]));
        for (size_t i = 0; k == SET_FIRST && i < n[k]; i++)
            if (!(t->values[k][i] >= (i ? t->values[k][i - 1] : 0) &&
                  t->values[k][i] <= (double)(1 << 24)) ||
                !is_whole(t->values[k][i]))
                return bad(r, "cat_boundaries do not ascend");
        for (size_t i = 0; k == SET_WORDS && i < n[k]; i++)
            if (!(t->values[k][i] >= 0 && t->values[k][i] <= 4294967295.0))
                return bad(r, "cat_threshold is out of range");
    }
    return WK_OK;
}

static wk_status read_tree(const reader *r, tree_text *t, uint32_t output)
{
    size_t leaves = (size_t)t->n_leaves, n = 2 * leaves - 1;
    WK_TRY(read_arrays(r, t));
    t->nodes = wk_arena_array(&t->scratch, wk__gbdt_node, n);
    for (size_t i = 0; i + 1 < leaves; i++)
        WK_TRY(read_inner(r, t, i, &t->nodes[i]));
    for (size_t i = 0; i < leaves; i++) {
        float value = (float)t->values[LEAF][i], hessian = (float)t->values[HESSIAN][i];
        if (!isfinite(value) || !isfinite(hessian))
            return bad(r, "leaf_value or leaf_weight is out of range");
        t->nodes[leaves - 1 + i] = (wk__gbdt_node){
            .left = -1, .right = -1, .value = value, .weight = value, .hessian = hessian};
    }
    wk__gbdt_node *nodes = NULL;
    WK_TRY(link_nodes(r, t, n, &nodes));
    wk__forest_add_tree(r->forest, nodes, n, output);
    return WK_OK;
}

/* Lines up to an empty one. */
static wk_status take_tree(reader *r, uint32_t output)
{
    tree_text t = {0};
    char *line, *value;
    while ((line = take_line(r)) && *line) {
        if ((value = value_of(line, "num_leaves")))
            WK_TRY(whole(r, value, 1, LEAVES_MAX, &t.n_leaves));
        else if ((value = value_of(line, "num_cat")))
            WK_TRY(whole(r, value, 0, LEAVES_MAX, &t.n_sets));
        else if ((value = value_of(line, "is_linear")) && strcmp(value, "0") != 0)
            return wk_fail(r->err, WK_E_MODEL, "%s: line %zu: linear_tree is not supported",
                           r->file, r->n_line);
        for (int k = 0; k < N_ARRAYS; k++)
            if ((value = value_of(line, array_names[k])))
                t.text[k] = value;
    }
    if (t.n_leaves == 0)
        return bad(r, "a tree without num_leaves");
    wk_arena_init(&t.scratch);
    wk_status status = read_tree(r, &t, output);
    wk_arena_finish(&t.scratch);
    return status;
}

typedef struct {
    long n_outputs, n_features;
    char *objective, *names;
    bool average;
} head;

static wk_status objective_of(const reader *r, const head *h, int *objective)
{
    static const struct {
        const char *name;
        int objective;
    } known[] = {{"regression", WK_GBDT_SQUARED_ERROR},
                 {"binary sigmoid:1", WK_GBDT_LOGISTIC},
                 {"multiclass", WK_GBDT_SOFTPROB}};
    for (size_t i = 0; h->objective && i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i].name);
        if (strncmp(h->objective, known[i].name, n) == 0 &&
            (h->objective[n] == 0 || h->objective[n] == ' ') && !strstr(h->objective, "sqrt")) {
            *objective = known[i].objective;
            bool many = *objective == WK_GBDT_SOFTPROB;
            return many == (h->n_outputs > 1) ? WK_OK
                                              : bad(r, "num_class does not fit the objective");
        }
    }
    return wk_fail(r->err, WK_E_MODEL,
                   "%s: objective \"%.60s\" is not supported; use regression, binary or multiclass",
                   r->file, h->objective ? h->objective : "");
}

static wk_status set_names(const reader *r, const head *h)
{
    size_t n = r->forest->n_features, found = 0;
    if (!h->names)
        return WK_OK;
    wk_arena scratch;
    wk_arena_init(&scratch);
    const char **names = wk_arena_array(&scratch, const char *, n);
    char *rest = NULL;
    for (char *name = strtok_r(h->names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        if (found < n)
            names[found] = name;
        found++;
    }
    if (found == n)
        wk__forest_set_names(r->forest, names);
    wk_arena_finish(&scratch);
    return found == n ? WK_OK : bad(r, "feature_names does not fit max_feature_idx");
}

static wk_status read_model(reader *r)
{
    head h = {.n_outputs = 1, .n_features = -1};
    char *line, *value;
    while ((line = take_line(r)) && strncmp(line, "Tree=", 5) != 0 &&
           strcmp(line, "end of trees") != 0) {
        if ((value = value_of(line, "num_tree_per_iteration")))
            WK_TRY(whole(r, value, 1, WK__GBDT_CLASSES_MAX, &h.n_outputs));
        else if ((value = value_of(line, "max_feature_idx")))
            WK_TRY(whole(r, value, 0, (1 << 24) - 1, &h.n_features));
        else if ((value = value_of(line, "objective")))
            h.objective = value;
        else if ((value = value_of(line, "feature_names")))
            h.names = value;
        else if (strcmp(line, "average_output") == 0)
            h.average = true;
    }
    int objective = 0;
    if (!line || h.n_features < 0)
        return bad(r, "the head is not complete");
    if (h.average)
        return wk_fail(r->err, WK_E_MODEL, "%s: a random forest (average_output) is not supported",
                       r->file);
    WK_TRY(objective_of(r, &h, &objective));
    size_t n_trees = 0;
    for (const char *at = r->next; (at = strstr(at, "\nTree=")) && n_trees < TREES_MAX; at++)
        n_trees++;
    r->forest =
        wk__forest_create(objective, (size_t)h.n_outputs, (size_t)h.n_features + 1, n_trees + 1);
    if (!r->forest)
        return wk_fail(r->err, WK_E_NOMEM, "out of memory reading %s", r->file);
    WK_TRY(set_names(r, &h));
    float base[1] = {objective == WK_GBDT_LOGISTIC ? 0.5f : 0};
    float *all = wk_arena_array(&r->forest->arena, float, (size_t)h.n_outputs);
    for (long k = 0; k < h.n_outputs; k++)
        all[k] = base[0];
    wk__forest_set_base(r->forest, all);
    for (uint32_t t = 0; line && strcmp(line, "end of trees") != 0; line = take_line(r)) {
        if (strncmp(line, "Tree=", 5) != 0)
            continue;
        if (t > n_trees)
            return bad(r, "too many trees");
        WK_TRY(take_tree(r, t % (uint32_t)h.n_outputs));
        t++;
    }
    if (!line)
        return bad(r, "the file ends before \"end of trees\"");
    if (r->forest->n_trees % (size_t)h.n_outputs)
        return bad(r, "the last round has not a tree for every class");
    return WK_OK;
}

bool wk__gbdt_is_lightgbm(const char *bytes, size_t size_bytes)
{
    return size_bytes >= 5 && memcmp(bytes, "tree", 4) == 0 &&
           (bytes[4] == '\n' || bytes[4] == '\r');
}

wk_status wk__gbdt_parse_lightgbm(const char *bytes, size_t size_bytes, const char *name,
                                  wk_forest **out, wk_err *err)
{
    char *text = malloc(size_bytes + 1);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", name);
    memcpy(text, bytes, size_bytes);
    text[size_bytes] = 0;
    reader r = {.file = name, .text = text, .next = text, .err = err};
    wk_status status = read_model(&r);
    free(text);
    if (status != WK_OK) {
        wk_forest_destroy(r.forest);
        return status;
    }
    wk__forest_seal(r.forest);
    *out = r.forest;
    return WK_OK;
}
