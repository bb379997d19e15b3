/* A forest as one C file that needs nothing of wick: tables of nodes and a short walk. The leaves
 * are added in the order of the trees and the transform is the same arithmetic, so the bits are the
 * same. */
#include <ctype.h>
#include <stdio.h>

#include "forest.h"
#include "wick/file.h"

static const char head[] =
    "/* Boosted trees, written by wick. Compile as C99 or later with -ffp-contract=off.\n"
    " *   void %s_margin(const float *row, float *out)    row [%zu] -> out [%zu], sums of the "
    "leaves\n"
    " *   void %s_predict(const float *row, float *out)   the same, %s\n"
    " * NaN is a missing value. With -D%s_MAIN it becomes a program that reads rows of numbers "
    "from its\n"
    " * input, separated by commas, and prints predictions. */\n"
    "#include <math.h>\n"
    "#include <stdint.h>\n"
    "#include <string.h>\n\n"
    "/* x < value goes left. A leaf has right 0. Bit 31 of feature: NaN goes left. set, if not 0, "
    "is where\n"
    " * in `sets`, counted from 1, the split's categories are: how many words, and bits of those "
    "that go\n"
    " * right. */\n"
    "typedef struct {\n"
    "    float value;\n"
    "    uint32_t feature, left, right, set;\n"
    "} %s_node;\n\n";

static const char walk[] =
    "static int in_set(const uint32_t *set, float x)\n"
    "{\n"
    "    if (!(x > -1 && x < 16777216.0f))\n"
    "        return 0;\n"
    "    uint32_t c = (uint32_t)(x > 0 ? x : 0);\n"
    "    return c / 32 < set[0] && (set[1 + c / 32] >> c %% 32 & 1);\n"
    "}\n\n"
    "void %s_margin(const float *row, float *out)\n"
    "{\n"
    "    memcpy(out, base, sizeof base);\n"
    "    for (uint32_t t = 0; t < sizeof root / sizeof *root; t++) {\n"
    "        const %s_node *tree = nodes + root[t];\n"
    "        uint32_t i = 0;\n"
    "        while (tree[i].right) {\n"
    "            float x = row[tree[i].feature & 0x7fffffffu];\n"
    "            int left = x != x          ? (int)(tree[i].feature >> 31)\n"
    "                       : tree[i].set ? !in_set(sets + tree[i].set - 1, x)\n"
    "                                     : x < tree[i].value;\n"
    "            i = left ? tree[i].left : tree[i].right;\n"
    "        }\n"
    "        out[output[t]] += tree[i].value;\n"
    "    }\n"
    "}\n\n";

static const char exponential[] = "static float exponential(float x)\n"
                                  "{\n"
                                  "    x = x > 87.0f ? 87.0f : x;\n"
                                  "    x = x < -87.0f ? -87.0f : x;\n"
                                  "    float shifted = x * 1.44269504088896341f + 12582912.0f;\n"
                                  "    float n = shifted - 12582912.0f;\n"
                                  "    float r = x - n * 0.693359375f;\n"
                                  "    r = r - n * -2.12194440e-4f;\n"
                                  "    float p = 1.9875691500e-4f;\n"
                                  "    p = p * r + 1.3981999507e-3f;\n"
                                  "    p = p * r + 8.3334519073e-3f;\n"
                                  "    p = p * r + 4.1665795894e-2f;\n"
                                  "    p = p * r + 1.6666665459e-1f;\n"
                                  "    p = p * r + 5.0000001201e-1f;\n"
                                  "    p = p * (r * r) + r + 1.0f;\n"
                                  "    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;\n"
                                  "    float scale;\n"
                                  "    memcpy(&scale, &bits, sizeof scale);\n"
                                  "    return p * scale;\n"
                                  "}\n\n";

static const char *const transform[] = {"", "    out[0] = 1.0f / (1.0f + exponential(-out[0]));\n",
                                        "    float top = out[0];\n"
                                        "    for (int k = 1; k < N_OUTPUTS; k++)\n"
                                        "        top = out[k] > top ? out[k] : top;\n"
                                        "    double sum = 0;\n"
                                        "    for (int k = 0; k < N_OUTPUTS; k++) {\n"
                                        "        out[k] = exponential(out[k] - top);\n"
                                        "        sum += (double)out[k];\n"
                                        "    }\n"
                                        "    for (int k = 0; k < N_OUTPUTS; k++)\n"
                                        "        out[k] /= (float)sum;\n",
                                        "    out[0] = exponential(out[0]);\n"};

static const char program[] =
    "#ifdef %s_MAIN\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "int main(void)\n"
    "{\n"
    "    static char line[1 << 20];\n"
    "    static float row[N_FEATURES + 1], out[N_OUTPUTS];\n"
    "    while (fgets(line, sizeof line, stdin)) {\n"
    "        char *at = line;\n"
    "        for (int f = 0; f < N_FEATURES; f++) {\n"
    "            char *end;\n"
    "            row[f] = strtof(at, &end);\n"
    "            if (end == at)\n"
    "                row[f] = NAN;\n"
    "            at = end + strcspn(end, \",\\n\");\n"
    "            at += *at == ',';\n"
    "        }\n"
    "        %s_predict(row, out);\n"
    "        for (int k = 0; k < N_OUTPUTS; k++)\n"
    "            printf(\"%%.9g%%c\", (double)out[k], k + 1 < N_OUTPUTS ? ',' : '\\n');\n"
    "    }\n"
    "    return 0;\n"
    "}\n"
    "#endif\n";

static void put_nodes(FILE *f, const wk_forest *forest, const char *name)
{
    size_t at = 0;
    fprintf(f, "static const %s_node nodes[] = {\n", name);
    for (size_t t = 0; t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
            const wk__gbdt_node *node = &forest->trees[t].nodes[i];
            uint32_t leftward = node->default_left ? 0x80000000u : 0;
            if (node->left < 0) {
                fprintf(f, "    {%af, 0, 0, 0, 0},\n", (double)node->value);
                continue;
            }
            fprintf(f, "    {%af, %uu, %d, %d, %zu},\n", node->set ? 0 : (double)node->value,
                    node->feature | leftward, node->left, node->right, node->set ? at + 1 : 0);
            at += node->set ? 1 + (size_t)node->set->n_words : 0;
        }
    /* An array needs an element, also for a forest without trees. */
    fputs("    {0, 0, 0, 0, 0}};\n", f);
}

static void put_sets(FILE *f, const wk_forest *forest)
{
    fputs("static const uint32_t sets[] = {", f);
    for (size_t t = 0; t < forest->n_trees && forest->has_sets; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
            const wk__gbdt_set *set = forest->trees[t].nodes[i].set;
            if (!set)
                continue;
            fprintf(f, "\n    %uu,", set->n_words);
            for (uint32_t w = 0; w < set->n_words; w++)
                fprintf(f, " 0x%xu,", set->words[w]);
        }
    /* For a model without sets: an empty one. */
    fputs(" 0, 0};\n", f);
}

static void put_tables(FILE *f, const wk_forest *forest)
{
    size_t at = 0, n = forest->n_trees;
    fprintf(f, "static const uint32_t root[%zu] = {", n ? n : 1);
    for (size_t t = 0; t < n; t++) {
        fprintf(f, "%s%zu", t ? (t % 12 ? ", " : ",\n    ") : "", at);
        at += forest->trees[t].n_nodes;
    }
    fprintf(f, "%s};\nstatic const uint32_t output[%zu] = {", n ? "" : "0", n ? n : 1);
    for (size_t t = 0; t < n; t++)
        fprintf(f, "%s%u", t ? (t % 24 ? ", " : ",\n    ") : "", forest->trees[t].output);
    fprintf(f, "%s};\nstatic const float base[N_OUTPUTS] = {", n ? "" : "0");
    for (size_t k = 0; k < forest->n_outputs; k++)
        fprintf(f, "%s%af", k ? ", " : "", (double)forest->base_margin[k]);
    fputs("};\n\n", f);
}

static bool is_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_')
            return false;
    return true;
}

wk_status wk_forest_save_c(const wk_forest *forest, const char *path, const char *name, wk_err *err)
{
    wk__forest_has_nodes(forest);
    static const char *const what[] = {"which is the value", "as the probability of class 1",
                                       "as a probability a class", "which is the value"};
    size_t n_nodes = 0;
    for (size_t t = 0; t < forest->n_trees; t++)
        n_nodes += forest->trees[t].n_nodes;
    if (!is_name(name))
        return wk_fail(err, WK_E_ARG, "\"%.40s\" is no name in C; use letters, digits and _", name);
    if (n_nodes > UINT32_MAX)
        return wk_fail(err, WK_E_MODEL, "%zu nodes are too many for a C file", n_nodes);
    wk_draft draft;
    WK_TRY(wk_draft_open(path, &draft, err));
    FILE *f = draft.stream;
    fprintf(f, head, name, forest->n_features, forest->n_outputs, name,
            what[wk__gbdt_link_of(forest->objective)], name, name);
    fprintf(f, "enum { N_FEATURES = %zu, N_OUTPUTS = %zu };\n\n", forest->n_features,
            forest->n_outputs);
    fprintf(f,
            "void %s_margin(const float *row, float *out);\n"
            "void %s_predict(const float *row, float *out);\n\n",
            name, name);
    put_nodes(f, forest, name);
    put_sets(f, forest);
    put_tables(f, forest);
    fprintf(f, walk, name, name);
    if (wk__gbdt_link_of(forest->objective) != WK__LINK_IDENTITY)
        fputs(exponential, f);
    fprintf(f,
            "void %s_predict(const float *row, float *out)\n{\n    %s_margin(row, out);\n%s}\n\n",
            name, name, transform[wk__gbdt_link_of(forest->objective)]);
    fprintf(f, program, name, name);
    return wk_draft_publish(&draft, err);
}
