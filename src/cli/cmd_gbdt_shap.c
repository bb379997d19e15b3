/* wick gbdt shap: what each column adds to each prediction of a model of trees. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gbdt_data.h"
#include "wick/cli.h"
#include "wick/file.h"

#define BARS_MAX 30 /* of the plot */

typedef struct {
    const wk_forest *forest;
    size_t n_rows, F, K;
    char **names; /* [F] */
    double *phi;  /* [n_rows, K, F + 1] */
    double *mean; /* [F] mean |contribution|, summed over the outputs */
    double *score[WK_FOREST_MEASURES];
    size_t *order; /* [F] features, the largest mean first */
} shap;

static void summarise(shap *s, wk_arena *arena)
{
    s->mean = wk_arena_array(arena, double, s->F);
    s->order = wk_arena_array(arena, size_t, s->F);
    for (size_t i = 0; i < s->n_rows * s->K; i++)
        for (size_t f = 0; f < s->F; f++)
            s->mean[f] += fabs(s->phi[i * (s->F + 1) + f]) / (double)s->n_rows;
    for (int m = 0; m < WK_FOREST_MEASURES; m++) {
        s->score[m] = wk_arena_array(arena, double, s->F);
        wk_forest_score(s->forest, m, s->score[m]);
    }
    /* Equal features stay in the table's order. */
    for (size_t f = 0; f < s->F; f++) {
        size_t at = f;
        for (; at > 0 && s->mean[s->order[at - 1]] < s->mean[f]; at--)
            s->order[at] = s->order[at - 1];
        s->order[at] = f;
    }
}

/* A name in quotes: CSV doubles a quote inside, JSON puts a backslash before it. */
static void put_quoted(FILE *f, const char *name, bool json)
{
    fputc('"', f);
    for (; *name; name++) {
        if (json && (unsigned char)*name < 32) {
            fprintf(f, "\\u%04x", (unsigned)(unsigned char)*name);
            continue;
        }
        if (*name == '"')
            fputc(json ? '\\' : '"', f);
        else if (json && *name == '\\')
            fputc('\\', f);
        fputc(*name, f);
    }
    fputc('"', f);
}

static void put_xml(FILE *f, const char *name)
{
    for (; *name; name++)
        if (*name == '<' || *name == '&' || (unsigned char)*name < 32)
            fprintf(f, *name == '<' ? "&lt;" : *name == '&' ? "&amp;" : " ");
        else
            fputc(*name, f);
}

static void write_csv(const shap *s, FILE *f)
{
    fputs("row,output,", f);
    for (size_t k = 0; k < s->F; k++) {
        if (strpbrk(s->names[k], ",\"\t\n"))
            put_quoted(f, s->names[k], false);
        else
            fputs(s->names[k], f);
        fputc(',', f);
    }
    fputs("bias\n", f);
    for (size_t i = 0; i < s->n_rows * s->K; i++) {
        fprintf(f, "%zu,%zu", i / s->K, i % s->K);
        for (size_t k = 0; k <= s->F; k++)
            fprintf(f, ",%.12g", s->phi[i * (s->F + 1) + k]);
        fputc('\n', f);
    }
}

static void write_svg(const shap *s, FILE *f)
{
    size_t n = s->F < BARS_MAX ? s->F : BARS_MAX;
    double most = n > 0 ? s->mean[s->order[0]] : 0;
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"%zu\" "
            "font-family=\"sans-serif\" font-size=\"13\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
            "<text x=\"10\" y=\"22\" font-size=\"15\">mean |SHAP| of the margin, %zu rows</text>\n",
            44 + 22 * n, s->n_rows);
    for (size_t i = 0; i < n; i++) {
        size_t k = s->order[i], y = 36 + 22 * i;
        fprintf(f, "<text x=\"190\" y=\"%zu\" text-anchor=\"end\">", y + 13);
        put_xml(f, s->names[k]);
        double width = most > 0 ? 420 * s->mean[k] / most : 0;
        fprintf(f,
                "</text>\n<rect x=\"200\" y=\"%zu\" width=\"%.1f\" height=\"16\" "
                "fill=\"#3366aa\"/>\n<text x=\"%.1f\" y=\"%zu\">%.4g</text>\n",
                y, width, 206 + width, y + 13, s->mean[k]);
    }
    fputs("</svg>\n", f);
}

static wk_status save(const shap *s, void (*write)(const shap *, FILE *), const char *path,
                      wk_err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return wk_fail(err, WK_E_NOMEM, "out of memory writing %s", path);
    write(s, f);
    wk_status status = fclose(f) == 0 ? wk_file_write_atomic(path, text, size, err)
                                      : wk_fail(err, WK_E_NOMEM, "out of memory writing %s", path);
    free(text);
    return status;
}

static void print_summary(const shap *s, bool json)
{
    if (json)
        printf("{\"rows\": %zu, \"outputs\": %zu, \"features\": [", s->n_rows, s->K);
    else
        printf("%zu rows, %zu features\n%-24s %12s %12s %12s %12s %12s %12s\n", s->n_rows, s->F,
               "feature", "mean |SHAP|", "weight", "gain", "cover", "total_gain", "total_cover");
    for (size_t i = 0; i < s->F; i++) {
        size_t k = s->order[i];
        if (json) {
            printf("%s{\"name\": ", i ? ", " : "");
            put_quoted(stdout, s->names[k], true);
            printf(", \"mean_abs_shap\": %.12g", s->mean[k]);
        } else {
            printf("%-24s %12.6g", s->names[k], s->mean[k]);
        }
        for (int m = 0; m < WK_FOREST_MEASURES; m++)
            if (json)
                printf(", \"%s\": %.12g", wk_forest_measure_name(m), s->score[m][k]);
            else
                printf(" %12.6g", s->score[m][k]);
        if (json)
            printf("}");
        else
            printf("\n");
    }
    if (json)
        printf("]}\n");
}

static wk_status explain(const wk_cli *cli, wk_arena *arena, wk_gbdt_table *table,
                         wk_forest **forest, wk_err *err)
{
    const char *data = wk_cli_option_value(cli, "data"), *out = wk_cli_option_value(cli, "out"),
               *svg = wk_cli_option_value(cli, "svg");
    if (!data)
        return wk_fail(err, WK_E_ARG, "--data is missing; see --help");
    WK_TRY(wk_forest_load(wk_cli_arg(cli, 0), forest, err));
    WK_TRY(gbdt_data_open(cli, data, table, err));
    shap s = {.forest = *forest,
              .n_rows = table->n_rows,
              .F = wk_forest_n_features(*forest),
              .K = wk_forest_n_outputs(*forest)};
    s.names = wk_arena_array(arena, char *, s.F);
    for (size_t f = 0; f < s.F; f++)
        s.names[f] = wk_forest_names(*forest) ? wk_arena_strdup(arena, wk_forest_names(*forest)[f])
                                              : wk_arena_printf(arena, "f%zu", f);
    float *X;
    WK_TRY(gbdt_data_rows(*forest, table, data, arena, &X, err));
    s.phi = wk_arena_array(arena, double, s.n_rows *s.K *(s.F + 1));
    if (wk_forest_contributions(*forest, X, s.n_rows, s.F, wk_cli_threads(cli), s.phi, err) !=
        WK_OK)
        return wk_fail_prefix(err, "%s", wk_cli_arg(cli, 0));
    summarise(&s, arena);
    if (out)
        WK_TRY(save(&s, write_csv, out, err));
    if (svg)
        WK_TRY(save(&s, write_svg, svg, err));
    print_summary(&s, wk_cli_json(cli));
    return WK_OK;
}

static int cmd_gbdt_shap(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_gbdt_table table = {0};
    wk_forest *forest = NULL;
    wk_arena_init(&arena);
    wk_status status = explain(cli, &arena, &table, &forest, err);
    wk_forest_destroy(forest);
    wk_gbdt_table_finish(&table);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"data", "F", "table with or without labels: " GBDT_TABLE_FORMS},
    GBDT_TABLE_OPTIONS,
    {"out", "F.csv", "contributions: a line a row and output, a column a feature, then the bias"},
    {"svg", "F.svg", "a plot of the mean |SHAP| of the 30 largest features"},
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_gbdt_shap = {
    .name = "gbdt shap",
    .usage = "MODEL.json --data F [--out F.csv] [--svg F.svg]",
    .summary = "what each column adds to a model's predictions (SHAP), and importances",
    .details =
        "Contributions are exact path-dependent SHAP values of the margin: a line's sum is the\n"
        "margin. Prints the mean |SHAP| of each feature (summed over the outputs) and\n"
        "XGBoost's importances: weight, gain, cover, total_gain, total_cover.",
    .example = "wick gbdt shap trees.json --data tests/golden/gbdt/softprob_missing.csv --out "
               "shap.csv --svg shap.svg",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_gbdt_shap};
