/* wick gbdt train, wick gbdt predict: boosted trees on a table of one's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/cli.h"
#include "wick/config.h"
#include "wick/file.h"
#include "wick/gbdt.h"

typedef struct {
    int64_t label_column, weight_column;
    double valid_fraction;
    wk_gbdt_params params;
} train_config;

#define AT(field) offsetof(train_config, field)

static const wk_cfg_row rows[] = {
    {"label_column", WK_CFG_INT, AT(label_column), NULL, "0", -1, 1000000, NULL, NULL,
     "column of the label, counted from 0; -1: the last"},
    {"weight_column", WK_CFG_INT, AT(weight_column), NULL, "-1", -1, 1000000, NULL, NULL,
     "column of the rows' weights; -1: all weigh 1"},
    {"valid_fraction", WK_CFG_REAL, AT(valid_fraction), NULL, "0", 0, 0.9, NULL, NULL,
     "share of the rows, the last ones, that validate"},
    {"params", WK_CFG_SECTION, AT(params), NULL, NULL, 0, 0, NULL, &wk_gbdt_params_table,
     "of the trees"},
    {NULL, WK_CFG_BOOL, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};

static const wk_cfg_table config_table = {"gbdt", "training of boosted trees on a table",
                                          sizeof(train_config), rows};

static wk_status need(const wk_cli *cli, const char *option, const char **value, wk_err *err)
{
    *value = wk_cli_option_value(cli, option);
    if (!*value)
        return wk_fail(err, WK_E_ARG, "--%s is missing; see --help", option);
    return WK_OK;
}

/* Takes the label, and the weight if there is one, out of the table. */
static wk_status split_columns(wk_gbdt_table *table, train_config *c, float *y, float *weight,
                               wk_err *err)
{
    int64_t n = (int64_t)table->n_cols;
    if (c->label_column < 0)
        c->label_column = n - 1;
    if (c->label_column >= n || c->weight_column >= n || c->label_column == c->weight_column)
        return wk_fail(err, WK_E_CONFIG,
                       "label_column %lld and weight_column %lld do not fit a table of %lld columns",
                       (long long)c->label_column, (long long)c->weight_column, (long long)n);
    wk_gbdt_table_take(table, (size_t)c->label_column, y);
    if (c->weight_column >= 0)
        wk_gbdt_table_take(
            table, (size_t)(c->weight_column - (c->weight_column > c->label_column ? 1 : 0)), weight);
    if (table->n_cols == 0)
        return wk_fail(err, WK_E_DATA, "the table has no column besides the label");
    return WK_OK;
}

static void print_result(const wk_cli *cli, const wk_gbdt_log *log, const wk_forest *forest,
                         size_t n_train, size_t n_valid, const char *out)
{
    static const char *const metric[] = {"rmse", "logloss", "mlogloss"};
    size_t kept = log->best_round;
    bool json = wk_cli_json(cli);
    double train = kept ? log->train_metric[kept - 1] : 0;
    printf(json ? "{\"rows\": %zu, \"valid_rows\": %zu, \"features\": %zu, \"rounds\": %zu, "
                  "\"trees\": %zu"
                : "%zu rows, %zu for validation, %zu features, %zu rounds, %zu trees\n",
           n_train, n_valid, wk_forest_n_features(forest), kept, wk_forest_n_trees(forest));
    if (kept)
        printf(json ? ", \"metric\": \"%s\", \"train\": %.9g" : "%s: train %.6f",
               metric[wk_forest_objective(forest)], train);
    if (kept && n_valid)
        printf(json ? ", \"valid\": %.9g" : ", validation %.6f", log->valid_metric[kept - 1]);
    if (json)
        printf("}\n");
    else
        printf("%s%s\n", kept ? "\n" : "", out);
}

static wk_status train(const wk_cli *cli, wk_arena *arena, wk_gbdt_table *table, wk_forest **forest,
                       wk_gbdt_log *log, wk_err *err)
{
    const char *data, *out;
    size_t n_overrides;
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    train_config c;
    WK_TRY(need(cli, "data", &data, err));
    WK_TRY(need(cli, "out", &out, err));
    WK_TRY(wk_config_load(&config_table, wk_cli_arg(cli, 0), overrides, n_overrides, arena, &c, err));
    WK_TRY(wk_gbdt_table_read(data, table, err));
    float *y = wk_arena_array(arena, float, table->n_rows);
    float *weight = wk_arena_array(arena, float, table->n_rows);
    WK_TRY(split_columns(table, &c, y, weight, err));
    bool weighted = c.weight_column >= 0;
    size_t n_valid = (size_t)((double)table->n_rows * c.valid_fraction);
    size_t n_train = table->n_rows - n_valid;
    wk_gbdt_data train_set = {.X = table->cells, .n_rows = n_train, .n_cols = table->n_cols,
                              .stride = table->n_cols, .y = y, .weight = weighted ? weight : NULL};
    wk_gbdt_data valid_set = train_set;
    valid_set.X += n_train * table->n_cols;
    valid_set.y += n_train;
    valid_set.n_rows = n_valid;
    if (weighted)
        valid_set.weight += n_train;
    wk_status status = wk_gbdt_train(&c.params, &train_set, n_valid ? &valid_set : NULL,
                                     (const char *const *)table->names, wk_cli_threads(cli), forest,
                                     log, err);
    if (status == WK_E_DATA)
        return wk_fail_prefix(err, "%s (rows count from 0)", data);
    WK_TRY(status);
    wk_forest_set_label_column(*forest, c.label_column);
    WK_TRY(wk_forest_save(*forest, out, err));
    print_result(cli, log, *forest, n_train, n_valid, out);
    return WK_OK;
}

static int cmd_gbdt_train(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_gbdt_table table = {0};
    wk_forest *forest = NULL;
    wk_gbdt_log log = {0};
    wk_arena_init(&arena);
    wk_status status = train(cli, &arena, &table, &forest, &log, err);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
    wk_gbdt_table_finish(&table);
    wk_arena_finish(&arena);
    return status;
}

/* Which column of the table each feature is: by name where both have names, else in order, leaving
 * out the label if the table still has it. */
static wk_status map_columns(const wk_forest *forest, const wk_gbdt_table *table, size_t *column,
                             const char *path, wk_err *err)
{
    size_t n = wk_forest_n_features(forest);
    const char *const *names = wk_forest_names(forest);
    int64_t label = wk_forest_label_column(forest);
    bool has_label = label >= 0 && table->n_cols == n + 1;
    if (names && table->names) {
        for (size_t f = 0; f < n; f++) {
            column[f] = 0;
            while (column[f] < table->n_cols && strcmp(names[f], table->names[column[f]]) != 0)
                column[f]++;
            if (column[f] == table->n_cols)
                return wk_fail(err, WK_E_DATA, "%s has no column \"%s\", which the model needs", path,
                               names[f]);
        }
        return WK_OK;
    }
    if (table->n_cols != n && !has_label)
        return wk_fail(err, WK_E_DATA, "%s has %zu columns, the model needs %zu", path,
                       table->n_cols, n);
    for (size_t f = 0; f < n; f++)
        column[f] = f + (has_label && f >= (size_t)label);
    return WK_OK;
}

/* Text of the predictions: a column a class, or one of values. */
static char *format_predictions(const wk_forest *forest, const float *p, size_t n_rows, size_t *size)
{
    size_t K = wk_forest_n_outputs(forest);
    int objective = wk_forest_objective(forest);
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    if (!f)
        return NULL;
    if (objective == WK_GBDT_SQUARED_ERROR)
        fputs("value\n", f);
    else if (objective == WK_GBDT_LOGISTIC)
        fputs("p0,p1\n", f);
    else
        for (size_t k = 0; k < K; k++)
            fprintf(f, "p%zu%c", k, k + 1 < K ? ',' : '\n');
    for (size_t i = 0; i < n_rows; i++) {
        if (objective == WK_GBDT_LOGISTIC)
            fprintf(f, "%.9g,", 1 - (double)p[i]);
        for (size_t k = 0; k < K; k++)
            fprintf(f, "%.9g%c", (double)p[i * K + k], k + 1 < K ? ',' : '\n');
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static wk_status predict(const wk_cli *cli, wk_arena *arena, wk_gbdt_table *table,
                         wk_forest **forest, wk_err *err)
{
    const char *data, *out;
    WK_TRY(need(cli, "data", &data, err));
    WK_TRY(need(cli, "out", &out, err));
    WK_TRY(wk_forest_load(wk_cli_arg(cli, 0), forest, err));
    WK_TRY(wk_gbdt_table_read(data, table, err));
    size_t n = wk_forest_n_features(*forest), n_rows = table->n_rows;
    size_t *column = wk_arena_array(arena, size_t, n);
    WK_TRY(map_columns(*forest, table, column, data, err));
    float *X = wk_arena_array(arena, float, n_rows * n);
    for (size_t i = 0; i < n_rows; i++)
        for (size_t f = 0; f < n; f++)
            X[i * n + f] = table->cells[i * table->n_cols + column[f]];
    float *p = wk_arena_array(arena, float, n_rows * wk_forest_n_outputs(*forest));
    wk_forest_predict_batch(*forest, X, n_rows, n, wk_cli_threads(cli), p);
    size_t size;
    char *text = format_predictions(*forest, p, n_rows, &size);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "out of memory writing %s", out);
    wk_status status = wk_file_write_atomic(out, text, size, err);
    free(text);
    if (status == WK_OK)
        printf(wk_cli_json(cli) ? "{\"rows\": %zu}\n" : "%zu rows\n", n_rows);
    return status;
}

static int cmd_gbdt_predict(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_gbdt_table table = {0};
    wk_forest *forest = NULL;
    wk_arena_init(&arena);
    wk_status status = predict(cli, &arena, &table, &forest, err);
    wk_forest_destroy(forest);
    wk_gbdt_table_finish(&table);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option train_options[] = {
    {"data", "F", "table: CSV or TSV, with or without a header, .gz allowed"},
    {"out", "MODEL.json", "the model, as XGBoost writes it"},
    {NULL, NULL, NULL}};

static const wk_cli_option predict_options[] = {
    {"data", "F", "table: CSV or TSV, with or without a header and label, .gz allowed"},
    {"out", "F.csv", "predictions: a column a class (p0, p1, ...), or one named value"},
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_gbdt_train = {
    .name = "gbdt train",
    .usage = "CONFIG --data F --out MODEL.json",
    .summary = "train boosted trees on a table",
    .details = "CONFIG is a JSON file: {\"label_column\": 0, \"valid_fraction\": 0.2, \"params\": "
               "{\"objective\": \"multi:softprob\", \"num_class\": 3}}. params takes XGBoost's names.",
    .example = "wick gbdt train tests/cli/gbdt.json --data "
               "tests/golden/gbdt/softprob_missing.csv --out trees.json",
    .args_min = 1,
    .args_max = 1,
    .options = train_options,
    .run = cmd_gbdt_train};

const wk_cli_command wk_cmd_gbdt_predict = {
    .name = "gbdt predict",
    .usage = "MODEL.json --data F --out F.csv",
    .summary = "predict the rows of a table with a model of XGBoost's JSON form",
    .example = "wick gbdt predict trees.json --data tests/golden/gbdt/softprob_missing.csv "
               "--out predictions.csv",
    .args_min = 1,
    .args_max = 1,
    .options = predict_options,
    .run = cmd_gbdt_predict};
