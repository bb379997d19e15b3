/* The stages of an experiment, joined only by the files of the run directory. */
#include "wick/run.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forecast_file.h"
#include "judge.h"
#include "reference.h"
#include "walk_forward.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/report.h"

/* Enough digits that every double comes back; keys in the order they were made. */
enum { JSON_STYLE = JSON_INDENT(1) };

static wk_status write_json(const char *dir, const char *name, const json_t *value, wk_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    char *text = json_dumps(value, JSON_STYLE);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "cannot format %s", path);
    wk_status status = wk_file_write_atomic(path, text, strlen(text), err);
    free(text);
    return status;
}

static wk_status read_json(const char *dir, const char *name, json_t **out, wk_err *err)
{
    char path[PATH_MAX];
    json_error_t where;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    json_t *root = json_load_file(path, 0, &where);
    if (!root)
        return wk_fail(err, WK_E_IO,
                       "%s cannot be read (line %d: %s); run the stage before this one", path,
                       where.line, where.text);
    *out = root;
    return WK_OK;
}

/* Labels beside the dataset that they belong to. */
static wk_status load(const wk_run_config *config, wk_dataset *dataset, wk_targets *targets,
                      wk_err *err)
{
    WK_TRY(wk_dataset_load(config, &wk_dataset_store, dataset, err));
    wk_status status = wk_dataset_instruments(config, dataset, err);
    if (status == WK_OK)
        status = wk_targets_make(config, &dataset->panel, dataset->table.sigma, &dataset->arena,
                                 targets, err);
    if (status != WK_OK) {
        wk_dataset_finish(dataset);
        return status;
    }
    wk_log_write(WK_LOG_INFO, "data", "symbols=%zu bars=%zu columns=%zu synthetic=%d",
                 dataset->panel.S, dataset->panel.T, dataset->table.F, (int)dataset->synthetic);
    return WK_OK;
}

static wk_status save_walk(const wk_run_config *config, const wk_dataset *dataset,
                           const wk_walk_forward *walk, const char *dir, wk_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/forecasts.h5", dir);
    WK_TRY(wk_forecast_file_write(path, &dataset->panel, walk, err));
    snprintf(path, sizeof path, "%s/model", dir);
    WK_TRY(wk_model_save(&walk->model, config, dataset, path, err));
    /* The newest fold trained on what lies before its test block. */
    const json_t *fold = json_array_get(walk->folds, json_array_size(walk->folds) - 1);
    const json_t *begin = json_object_get(fold, "begin_step");
    WK_TRY(wk_reference_write(dataset, begin ? (size_t)json_integer_value(begin) : dataset->panel.T,
                              path, err));
    char *text = wk_config_dump(&wk_run_config_table, config);
    snprintf(path, sizeof path, "%s/config.json", dir);
    wk_status status = wk_file_write_atomic(path, text, strlen(text), err);
    free(text);
    if (status != WK_OK)
        return status;
    json_t *training =
        json_pack("{s:s, s:O, s:O, s:O}", "data_hash", dataset->data_hash, "folds", walk->folds,
                  "importance", walk->importance, "training", walk->training);
    if (walk->explanation)
        json_object_set(training, "explanation", walk->explanation);
    status = write_json(dir, "training.json", training, err);
    json_decref(training);
    return status;
}

wk_status wk_stage_train(const wk_run_config *config, const char *dir, int threads, wk_err *err)
{
    wk_dataset dataset = {0};
    wk_targets targets;
    wk_walk_forward walk = {0};
    WK_TRY(wk_dir_create(dir, err));
    WK_TRY(load(config, &dataset, &targets, err));
    wk_status status = wk_walk_forward_run(config, &dataset, &targets, threads, &walk, err);
    if (status == WK_OK)
        status = save_walk(config, &dataset, &walk, dir, err);
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&dataset);
    return status;
}

/* What the training stage left: forecasts, folds, importance, curves. */
static wk_status load_walk(const char *model_dir, const wk_dataset *dataset, wk_walk_forward *walk,
                           wk_err *err)
{
    char path[PATH_MAX];
    json_t *training = NULL;
    snprintf(path, sizeof path, "%s/forecasts.h5", model_dir);
    WK_TRY(wk_forecast_file_read(path, &dataset->panel, walk, err));
    wk_status status = read_json(model_dir, "training.json", &training, err);
    const char *hash = json_string_value(json_object_get(training, "data_hash"));
    if (status == WK_OK && (!hash || strcmp(hash, dataset->data_hash) != 0))
        status = wk_fail(
            err, WK_E_DATA,
            "%s/training.json: the forecasts belong to candles of hash %.12s, the configuration "
            "reads %.12s; run `wick train` again",
            model_dir, hash ? hash : "(none)", dataset->data_hash);
    if (status != WK_OK) {
        json_decref(training);
        wk_walk_forward_finish(walk);
        return status;
    }
    walk->folds = json_incref(json_object_get(training, "folds"));
    walk->importance = json_incref(json_object_get(training, "importance"));
    walk->training = json_incref(json_object_get(training, "training"));
    walk->explanation = json_incref(json_object_get(training, "explanation")); /* NULL: none */
    json_decref(training);
    return WK_OK;
}

/* The verdict goes with the model, where wick live asks for it. */
static wk_status save_verdict(const wk_run_config *config, const char *model_dir,
                              const wk_judgement *judged, wk_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/model/model.json", model_dir);
    if (!wk_file_exists(path))
        return WK_OK;
    json_t *verdict = json_deep_copy(json_object_get(judged->metrics, "verdict"));
    if (!json_is_object(verdict)) {
        json_decref(verdict);
        verdict = json_object();
    }
    json_object_set_new(verdict, "useful", json_boolean(judged->useful));
    json_object_set_new(verdict, "experiment", json_string(config->name));
    wk_status status = write_json(model_dir, "model/verdict.json", verdict, err);
    json_decref(verdict);
    return status;
}

wk_status wk_stage_backtest(const wk_run_config *config, const char *model_dir, const char *dir,
                            wk_err *err)
{
    wk_dataset dataset = {0};
    wk_targets targets;
    wk_walk_forward walk = {0};
    wk_judgement judged = {0};
    char path[PATH_MAX];
    WK_TRY(wk_dir_create(dir, err));
    WK_TRY(load(config, &dataset, &targets, err));
    wk_status status = load_walk(model_dir, &dataset, &walk, err);
    if (status == WK_OK)
        status = wk_judge(config, &dataset, &targets, &walk, &judged, err);
    if (status == WK_OK)
        status = write_json(dir, "metrics.json", judged.metrics, err);
    if (status == WK_OK)
        status = write_json(dir, "report.json", judged.document, err);
    if (status == WK_OK && strcmp(dir, model_dir) == 0) /* judged as it was trained */
        status = save_verdict(config, model_dir, &judged, err);
    if (status == WK_OK) {
        char *trades = wk_document_trades_csv(&dataset.panel, &judged.backtest);
        snprintf(path, sizeof path, "%s/trades.csv", dir);
        status = wk_file_write_atomic(path, trades, strlen(trades), err);
        free(trades);
    }
    wk_judgement_finish(&judged);
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&dataset);
    return status;
}

wk_status wk_stage_report(const char *dir, wk_err *err)
{
    char path[PATH_MAX];
    json_t *document = NULL;
    WK_TRY(read_json(dir, "report.json", &document, err));
    snprintf(path, sizeof path, "%s/report.html", dir);
    wk_status status = wk_report_write(path, document, err);
    json_decref(document);
    return status;
}
