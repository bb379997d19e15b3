/* wick gbdt train, wick gbdt predict: boosted trees on a table of one's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curve_svg.h"
#include "gbdt_config.h"
#include "gbdt_progress.h"
#include "wick/file.h"
#include "wick/gbdt.h"

static void print_result(const wk_cli *cli, const wk_gbdt_log *log, const wk_forest *forest,
                         const char *metric, size_t n_train, size_t n_valid, const char *out)
{
    size_t kept = log->best_round;
    bool json = wk_cli_json(cli);
    double train = kept ? log->train_metric[kept - 1] : 0;
    printf(json ? "{\"rows\": %zu, \"valid_rows\": %zu, \"features\": %zu, \"rounds\": %zu, "
                  "\"trees\": %zu"
                : "%zu rows, %zu for validation, %zu features, %zu rounds, %zu trees\n",
           n_train, n_valid, wk_forest_n_features(forest), kept, wk_forest_n_trees(forest));
    if (kept)
        printf(json ? ", \"metric\": \"%s\", \"train\": %.9g" : "%s: train %.6f", metric, train);
    if (kept && n_valid)
        printf(json ? ", \"valid\": %.9g" : ", validation %.6f", log->valid_metric[kept - 1]);
    if (json)
        printf("}\n");
    else
        printf("%s%s\n", kept ? "\n" : "", out);
}

static wk_status save_curve(const wk_gbdt_log *log, const char *metric, bool has_valid, size_t mark,
                            const char *path, wk_err *err)
{
    const curve_line lines[] = {
        {"train", log->train_metric, NULL},
        {"validation", log->valid_metric, NULL},
    };
    return curve_svg_write(path, metric, lines, has_valid ? 2 : 1, log->n, mark, err);
}

/* Trains anew, continues a model, or gives it new leaves. */
static wk_status train_sets(const wk_cli *cli, const gbdt_config *c, const wk_gbdt_data *train,
                            const wk_gbdt_data *valid, const char *const *names, wk_forest **forest,
                            wk_gbdt_log *log, wk_err *err)
{
    const char *from = wk_cli_option_value(cli, "continue"),
               *refit = wk_cli_option_value(cli, "refit");
    const char *path = from ? from : refit;
    wk_forest *start = NULL;
    if (from && refit)
        return wk_fail(err, WK_E_ARG,
                       "--continue and --refit exclude each other; run one after the other");
    gbdt_progress progress;
    WK_TRY(gbdt_progress_start(cli, "gbdt.train", &c->params, &progress, err));
    if (path)
        WK_TRY(wk_forest_load(path, &start, err));
    const wk_gbdt_custom look = {.context = &progress, .round = gbdt_progress_round};
    wk_status status =
        refit ? wk_gbdt_refit(&c->params, start, train, c->refit_keep, wk_cli_threads(cli), forest,
                              err)
              : wk_gbdt_train_from(&c->params, start, &look, train, valid->n_rows ? valid : NULL,
                                   names, wk_cli_threads(cli), forest, log, err);
    wk_forest_destroy(start);
    return status;
}

static wk_status train(const wk_cli *cli, wk_arena *arena, gbdt_job *job, wk_forest **forest,
                       wk_gbdt_log *log, wk_err *err)
{
    const char *out, *svg = wk_cli_option_value(cli, "svg");
    const gbdt_config *c = &job->config;
    WK_TRY(gbdt_need(cli, "out", &out, err));
    WK_TRY(gbdt_job_open(cli, arena, job, err));
    wk_status status = train_sets(cli, c, &job->train, &job->valid,
                                  (const char *const *)job->table.names, forest, log, err);
    if (status == WK_E_DATA)
        return wk_fail_prefix(err, "%s (rows count from 0)", job->path);
    WK_TRY(status);
    wk_forest_set_label_column(*forest, c->columns.label_column);
    WK_TRY(wk_forest_save(*forest, out, err));
    if (svg)
        WK_TRY(save_curve(log, wk_gbdt_metric_name(&c->params), job->valid.n_rows > 0,
                          c->params.early_stopping_rounds > 0 ? log->best_round : 0, svg, err));
    print_result(cli, log, *forest, wk_gbdt_metric_name(&c->params), job->train.n_rows,
                 job->valid.n_rows, out);
    return WK_OK;
}

static int cmd_gbdt_train(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    gbdt_job job = {0};
    wk_forest *forest = NULL;
    wk_gbdt_log log = {0};
    wk_arena_init(&arena);
    wk_status status = train(cli, &arena, &job, &forest, &log, err);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
    wk_gbdt_table_finish(&job.table);
    wk_arena_finish(&arena);
    return status;
}

/* Text of the predictions: a column a class, or one of values. */
static char *format_predictions(const wk_forest *forest, const float *p, size_t n_rows,
                                size_t *size)
{
    size_t K = wk_forest_n_outputs(forest);
    int objective = wk_forest_objective(forest);
    char *text = NULL;
    FILE *f = open_memstream(&text, size);
    if (!f)
        return NULL;
    if (objective == WK_GBDT_LOGISTIC)
        fputs("p0,p1\n", f);
    else if (K == 1)
        fputs("value\n", f);
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
    WK_TRY(gbdt_need(cli, "data", &data, err));
    WK_TRY(gbdt_need(cli, "out", &out, err));
    WK_TRY(wk_forest_load(wk_cli_arg(cli, 0), forest, err));
    WK_TRY(gbdt_data_open(cli, data, table, err));
    size_t n = wk_forest_n_features(*forest), n_rows = table->n_rows;
    float *X;
    WK_TRY(gbdt_data_rows(*forest, table, data, arena, &X, err));
    float *p = wk_arena_array(arena, float, n_rows *wk_forest_n_outputs(*forest));
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
    {"data", "F", "table: " GBDT_TABLE_FORMS},
    {"out", "MODEL.json", "the model, as XGBoost writes it"},
    {"svg", "F.svg", "a plot of the metric over the rounds"},
    GBDT_PROGRESS_OPTION,
    {"continue", "OLD.json", "a model whose trees come first; num_boost_round more follow"},
    {"refit", "OLD.json", "a model whose splits get leaves of these rows"},
    {NULL, NULL, NULL}};

static const wk_cli_option predict_options[] = {
    {"data", "F", "table with or without labels: " GBDT_TABLE_FORMS},
    GBDT_TABLE_OPTIONS,
    {"out", "F.csv", "predictions: a column a class (p0, p1, ...), or one named value"},
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_gbdt_train = {
    .name = "gbdt train",
    .usage = "CONFIG --data F --out MODEL.json",
    .summary = "trains boosted trees on a table",
    .details = "CONFIG is a JSON file: {\"label_column\": 0, \"valid_fraction\": 0.2,\n"
               "\"params\": {\"objective\": \"multi:softprob\", \"num_class\": 3}}. params takes\n"
               "XGBoost's names; all keys: wick config reference --kind gbdt\n" GBDT_TABLE_NOTES,
    .example = "wick gbdt train tests/cli/gbdt.json --data "
               "tests/golden/gbdt/softprob_missing.csv --out trees.json",
    .args_min = 1,
    .args_max = 1,
    .options = train_options,
    .run = cmd_gbdt_train};

const wk_cli_command wk_cmd_gbdt_predict = {
    .name = "gbdt predict",
    .usage = "MODEL.json --data F --out F.csv",
    .summary = "predicts the rows of a table with a model of XGBoost, LightGBM or our own",
    .details =
        "MODEL.json may also be XGBoost's UBJSON or LightGBM's text. A table with the model's "
        "columns in their\norder needs no names; one with one column more has the label where "
        "training had it. Where both\nhave names, columns are found by them.",
    .example = "wick gbdt predict trees.json --data tests/golden/gbdt/softprob_missing.csv "
               "--out predictions.csv",
    .args_min = 1,
    .args_max = 1,
    .options = predict_options,
    .run = cmd_gbdt_predict};
