/* Writes XGBoost's JSON model, or UBJSON where the name ends in .ubj: keys in alphabetical order as
 * XGBoost does, floats in the fewest digits that read back exactly, so equal forests give equal
 * bytes. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "wick/file.h"

typedef struct {
    char *bytes;
    size_t n;
    FILE *stream;
} text_buffer;

static void put_float(FILE *f, float value)
{
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    /* A number without point or exponent would be read back as an integer. */
    fputs(text, f);
    if (!strpbrk(text, ".e"))
        fputs("E0", f);
}

static void put_string(FILE *f, const char *s)
{
    json_t *value = json_string_nocheck(s);
    if (value)
        json_dumpf(value, f, JSON_ENCODE_ANY);
    json_decref(value);
}

#define PUT_ARRAY(f, key, n, statement)                                                            \
    do {                                                                                           \
        fprintf(f, "\"%s\":[", key);                                                               \
        for (size_t i = 0; i < n; i++) {                                                           \
            if (i)                                                                                 \
                fputc(',', f);                                                                     \
            statement;                                                                             \
        }                                                                                          \
        fputs("]", f);                                                                             \
    } while (0)

/* Categories of all splits in a row; for each such split its node, its first one and how many. */
static void put_sets(FILE *f, const wk__gbdt_tree *tree)
{
    static const char *const keys[] = {"categories", "categories_nodes", "categories_segments",
                                       "categories_sizes"};
    for (int key = 0; key < 4; key++) {
        size_t n = 0, first = 0;
        fprintf(f, ",\"%s\":[", keys[key]);
        for (size_t i = 0; i < tree->n_nodes; i++) {
            const wk__gbdt_set *set = tree->nodes[i].set;
            size_t size = 0;
            for (size_t c = 0; set && c < 32 * (size_t)set->n_words; c++) {
                if (!(set->words[c / 32] >> c % 32 & 1))
                    continue;
                size++;
                if (key == 0)
                    fprintf(f, n++ ? ",%zu" : "%zu", c);
            }
            if (set && key > 0)
                fprintf(f, n++ ? ",%zu" : "%zu", key == 1 ? i : key == 2 ? first : size);
            first += size;
        }
        fputs("]", f);
    }
    fputc(',', f);
}

static void put_tree(FILE *f, const wk_forest *forest, size_t index)
{
    const wk__gbdt_tree *tree = &forest->trees[index];
    const wk__gbdt_node *node = tree->nodes;
    size_t n = tree->n_nodes;
    fputs("{", f);
    PUT_ARRAY(f, "base_weights", n, put_float(f, node[i].weight));
    put_sets(f, tree);
    PUT_ARRAY(f, "default_left", n, fputc(node[i].default_left ? '1' : '0', f));
    fprintf(f, ",\"id\":%zu,", index);
    PUT_ARRAY(f, "left_children", n, fprintf(f, "%d", node[i].left));
    fputc(',', f);
    PUT_ARRAY(f, "loss_changes", n, put_float(f, node[i].gain));
    fputc(',', f);
    PUT_ARRAY(f, "parents", n, fprintf(f, "%d", node[i].parent < 0 ? INT32_MAX : node[i].parent));
    fputc(',', f);
    PUT_ARRAY(f, "right_children", n, fprintf(f, "%d", node[i].right));
    fputc(',', f);
    PUT_ARRAY(f, "split_conditions", n, put_float(f, node[i].value));
    fputc(',', f);
    PUT_ARRAY(f, "split_indices", n, fprintf(f, "%u", node[i].feature));
    fputc(',', f);
    PUT_ARRAY(f, "split_type", n, fputc(node[i].set ? '1' : '0', f));
    fputc(',', f);
    PUT_ARRAY(f, "sum_hessian", n, put_float(f, node[i].hessian));
    fprintf(f,
            ",\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"%zu\",\"num_nodes\":\"%zu\","
            "\"size_leaf_vector\":\"1\"}}",
            forest->n_features, n);
}

/* One number where all outputs share it, which every version of XGBoost can read. */
static bool base_is_shared(const wk_forest *forest)
{
    for (size_t k = 1; k < forest->n_outputs; k++)
        if (forest->base_score[k] != forest->base_score[0])
            return false;
    return true;
}

static void put_learner_param(FILE *f, const wk_forest *forest)
{
    fputs("\"learner_model_param\":{\"base_score\":\"", f);
    if (base_is_shared(forest)) {
        put_float(f, forest->base_score[0]);
    } else {
        for (size_t k = 0; k < forest->n_outputs; k++) {
            fputc(k ? ',' : '[', f);
            put_float(f, forest->base_score[k]);
        }
        fputc(']', f);
    }
    fprintf(f,
            "\",\"boost_from_average\":\"1\",\"num_class\":\"%zu\",\"num_feature\":\"%zu\","
            "\"num_target\":\"1\"}",
            forest->n_outputs > 1 ? forest->n_outputs : 0, forest->n_features);
}

static void put_objective(FILE *f, const wk_forest *forest)
{
    /* The parameter blocks that XGBoost asks for; prediction needs none of their values. */
    static const struct {
        const char *name, *block;
    } blocks[] = {{"reg:pseudohubererror", "\"pseudo_huber_param\":{\"huber_slope\":\"1\"}"},
                  {"reg:quantileerror", "\"quantile_loss_param\":{\"quantile_alpha\":\"[0.5]\"}"},
                  {"count:poisson", "\"poisson_regression_param\":{\"max_delta_step\":\"0.7\"}"},
                  {"rank:ndcg", "\"lambdarank_param\":{}"},
                  {"rank:pairwise", "\"lambdarank_param\":{}"}};
    const char *name = forest->n_outputs > 1 ? wk__gbdt_objective_name(WK_GBDT_SOFTPROB)
                                             : wk__gbdt_objective_name_in_file(forest->objective);
    if (forest->n_outputs > 1) {
        fprintf(f, "{\"name\":\"%s\",\"softmax_multiclass_param\":{\"num_class\":\"%zu\"}}", name,
                forest->n_outputs);
        return;
    }
    if (strcmp(name, "reg:absoluteerror") == 0) {
        fprintf(f, "{\"name\":\"%s\"}", name);
        return;
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (strcmp(name, blocks[i].name) == 0) {
            fprintf(f, "{%s,\"name\":\"%s\"}", blocks[i].block, name);
            return;
        }
    fprintf(f, "{\"name\":\"%s\",\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}", name);
}

/* Which features some split takes by category; NULL when none. */
static bool *categorical_features(const wk_forest *forest)
{
    bool *is = forest->has_sets ? calloc(forest->n_features, 1) : NULL;
    for (size_t t = 0; is && t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++)
            if (forest->trees[t].nodes[i].set)
                is[forest->trees[t].nodes[i].feature] = true;
    return is;
}

static void put_model(FILE *f, const wk_forest *forest)
{
    size_t n_names = forest->names ? forest->n_features : 0, n_trees = forest->n_trees;
    size_t a_round = forest->n_outputs;
    fputs("{\"learner\":{\"attributes\":{", f);
    if (forest->label_column >= 0)
        fprintf(f, "\"label_column\":\"%lld\"", (long long)forest->label_column);
    /* What it was trained for, where XGBoost has no such objective. */
    const char *own = wk__gbdt_objective_name(forest->objective);
    if (strcmp(own, wk__gbdt_objective_name_in_file(forest->objective)) != 0)
        fprintf(f, "%s\"objective\":\"%s\"", forest->label_column >= 0 ? "," : "", own);
    fputs("},", f);
    PUT_ARRAY(f, "feature_names", n_names, put_string(f, forest->names[i]));
    fputc(',', f);
    bool *by_category = categorical_features(forest);
    size_t n_types = by_category ? forest->n_features : n_names;
    PUT_ARRAY(f, "feature_types", n_types,
              fputs(by_category && by_category[i] ? "\"c\"" : "\"float\"", f));
    free(by_category);
    fprintf(f,
            ",\"gradient_booster\":{\"model\":{\"gbtree_model_param\":{"
            "\"num_parallel_tree\":\"1\",\"num_trees\":\"%zu\"},",
            n_trees);
    PUT_ARRAY(f, "iteration_indptr", n_trees / a_round + 1, fprintf(f, "%zu", i * a_round));
    fputc(',', f);
    PUT_ARRAY(f, "tree_info", n_trees, fprintf(f, "%u", forest->trees[i].output));
    fputc(',', f);
    PUT_ARRAY(f, "trees", n_trees, put_tree(f, forest, i));
    fputs("},\"name\":\"gbtree\"},", f);
    put_learner_param(f, forest);
    fputs(",\"objective\":", f);
    put_objective(f, forest);
    /* Base scores as an array came with 3.1. */
    fprintf(f, "},\"version\":[%s]}", base_is_shared(forest) ? "2,1,4" : "3,1,0");
}

wk_status wk_forest_save(const wk_forest *forest, const char *path, wk_err *err)
{
    wk__forest_has_nodes(forest);
    size_t n = strlen(path);
    text_buffer text = {0};
    text.stream = open_memstream(&text.bytes, &text.n);
    if (!text.stream)
        return wk_fail(err, WK_E_NOMEM, "out of memory writing %s", path);
    put_model(text.stream, forest);
    bool failed = ferror(text.stream) != 0;
    failed |= fclose(text.stream) != 0;
    if (!failed && n >= 4 && strcmp(path + n - 4, ".ubj") == 0) {
        json_t *root = json_loadb(text.bytes, text.n, 0, NULL);
        free(text.bytes);
        text.bytes = root ? wk__gbdt_dump_ubjson(root, &text.n) : NULL;
        failed = !text.bytes;
        json_decref(root);
    }
    wk_status status = failed ? wk_fail(err, WK_E_NOMEM, "out of memory writing %s", path)
                              : wk_file_write_atomic(path, text.bytes, text.n, err);
    free(text.bytes);
    return status;
}
