/* A model on disk: a directory written beside its target and renamed into place. */
#include "wick/model.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wick/file.h"
#include "wick/manifest.h"

enum { FORMAT_VERSION = 1 };

void wk_model_finish(wk_model *model)
{
    if (!model)
        return;
    for (size_t i = 0; i < model->n_branches; i++)
        wk_branch_finish(&model->branches[i]);
    free(model->branches);
    wk_meta_finish(&model->meta);
    free(model->instruments);
    *model = (wk_model){0};
}

static json_t *floats(const float *v, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_real((double)v[i]));
    return array;
}

static json_t *indices(const uint32_t *v, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer(v[i]));
    return array;
}

static json_t *describe_branch(const wk_branch *branch)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "name", branch->name, "columns",
                     indices(branch->columns, branch->n_inputs), "mean",
                     floats(branch->mean, branch->n_inputs), "scale",
                     floats(branch->scale, branch->n_inputs));
}

/* NaN: the configuration's threshold stands (null). Infinite: no threshold earned anything, so the
 * model does not trade; JSON has no infinity, and a null would let it trade. */
static json_t *describe_threshold(double threshold)
{
    if (isinf(threshold))
        return json_string("no trade");
    return isnan(threshold) ? json_null() : json_real(threshold);
}

static json_t *describe(const wk_model *model, const wk_run_config *config,
                        const wk_dataset *dataset)
{
    json_t *names = json_array(), *branches = json_array();
    for (size_t i = 0; i < dataset->table.F; i++)
        json_array_append_new(names, json_string(dataset->feature_names[i]));
    for (size_t i = 0; i < model->n_branches; i++)
        json_array_append_new(branches, describe_branch(&model->branches[i]));
    const wk_meta *meta = &model->meta;
    json_t *learner = json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:b, s:b, s:o, s:f, s:o}", "kind", meta->is_mlp ? "mlp" : "gbdt",
        "score", meta->score == WK_SCORE_DIRECTION ? "direction" : "targets", "n_plain",
        (int)meta->n_plain, "n_targets", (int)meta->n_targets, "n_seeds", (int)meta->n_seeds,
        "heads", meta->magnitude != NULL, "direction_head", meta->direction != NULL, "columns",
        indices(meta->columns, meta->n_columns), "temperature", meta->temperature, "threshold",
        describe_threshold(meta->threshold));
    if (meta->is_mlp)
        json_object_set_new(learner, "network", describe_branch(&meta->mlp));
    json_t *instruments = json_array();
    for (size_t s = 0; dataset->instruments && s < dataset->panel.S; s++) {
        const wk_trade_instrument *x = &dataset->instruments[s];
        json_array_append_new(instruments, json_pack("{s:s, s:f, s:f, s:I}", "symbol", x->symbol,
                                                     "tick", x->tick, "lot", x->lot, "min_lots",
                                                     (json_int_t)x->min_lots));
    }
    char *text = wk_config_dump(&wk_run_config_table, config);
    json_t *resolved = json_loads(text, 0, NULL);
    free(text);
    return json_pack("{s:i, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "wick_model", FORMAT_VERSION,
                     "name", config->name, "feature_names", names, "feature_hash",
                     dataset->feature_hash, "data_hash", dataset->data_hash, "branches", branches,
                     "meta", learner, "instruments", instruments, "config", resolved);
}

static wk_status save_parts(const wk_model *model, const char *dir, wk_err *err)
{
    char path[PATH_MAX];
    const wk_meta *meta = &model->meta;
    for (size_t i = 0; i < model->n_branches; i++) {
        snprintf(path, sizeof path, "%s/branch.%s.safetensors", dir, model->branches[i].name);
        WK_TRY(wk_nn_save(model->branches[i].nn, path, err));
    }
    if (meta->is_mlp) {
        snprintf(path, sizeof path, "%s/meta.safetensors", dir);
        return wk_nn_save(meta->mlp.nn, path, err);
    }
    for (size_t i = 0; i < meta->n_targets * meta->n_seeds; i++) {
        snprintf(path, sizeof path, "%s/meta.%zu.xgb.json", dir, i);
        WK_TRY(wk_forest_save(meta->forests[i], path, err));
    }
    if (meta->direction) {
        snprintf(path, sizeof path, "%s/direction.xgb.json", dir);
        WK_TRY(wk_forest_save(meta->direction, path, err));
    }
    if (meta->magnitude) {
        snprintf(path, sizeof path, "%s/magnitude.xgb.json", dir);
        WK_TRY(wk_forest_save(meta->magnitude, path, err));
        snprintf(path, sizeof path, "%s/volatility.xgb.json", dir);
        WK_TRY(wk_forest_save(meta->volatility, path, err));
    }
    return WK_OK;
}

/* Removes a directory of plain files; a model directory has no others. */
static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[PATH_MAX];
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path)
            unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

wk_status wk_model_save(const wk_model *model, const wk_run_config *config,
                        const wk_dataset *dataset, const char *dir, wk_err *err)
{
    char beside[PATH_MAX - 64], old[PATH_MAX - 64], path[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.%ld.part", dir, (long)getpid()) >= (int)sizeof beside ||
        snprintf(old, sizeof old, "%s.%ld.old", dir, (long)getpid()) >= (int)sizeof old)
        return wk_fail(err, WK_E_IO, "path too long: %s", dir);
    WK_TRY(wk_dir_create(beside, err));
    wk_status status = save_parts(model, beside, err);
    if (status == WK_OK) {
        json_t *root = describe(model, config, dataset);
        char *text = json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
        snprintf(path, sizeof path, "%s/model.json", beside);
        status = wk_file_write_atomic(path, text, strlen(text), err);
        free(text);
        json_decref(root);
    }
    bool replaces = wk_file_exists(dir);
    if (status == WK_OK && replaces && rename(dir, old) != 0)
        status = wk_fail(err, WK_E_IO, "cannot replace %s: %s", dir, strerror(errno));
    if (status == WK_OK && rename(beside, dir) != 0) {
        status = wk_fail(err, WK_E_IO, "cannot move %s into place: %s", dir, strerror(errno));
        if (replaces && rename(old, dir) != 0)
            wk_fail_prefix(err, "the old model stays in %s", old);
    }
    if (status == WK_OK)
        remove_dir(old);
    else
        remove_dir(beside);
    return status;
}

/* ---- loading ---- */

static wk_status need(const json_t *root, const char *path, const char *key, json_type type,
                      json_t **out, wk_err *err)
{
    json_t *v = json_object_get(root, key);
    if (!v || json_typeof(v) != type)
        return wk_fail(err, WK_E_MODEL,
                       "%s: \"%s\" is missing or of the wrong type; the file is not a "
                       "wick model or was edited",
                       path, key);
    *out = v;
    return WK_OK;
}

static wk_status read_indices(const json_t *array, uint32_t **out, size_t *n, wk_err *err)
{
    size_t count = json_array_size(array);
    if (count > WK_META_COLUMNS_MAX)
        return wk_fail(err, WK_E_MODEL, "model.json: %zu columns; at most %d are possible", count,
                       WK_META_COLUMNS_MAX);
    uint32_t *v = calloc(count ? count : 1, sizeof *v);
    if (!v)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(array, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0 ||
            json_integer_value(item) > 1 << 20) {
            free(v);
            return wk_fail(err, WK_E_MODEL, "model.json: column %zu is not an index", i);
        }
        v[i] = (uint32_t)json_integer_value(item);
    }
    *out = v;
    *n = count;
    return WK_OK;
}

static wk_status read_floats(const json_t *array, size_t n, float **out, wk_err *err)
{
    if (json_array_size(array) != n)
        return wk_fail(err, WK_E_MODEL, "model.json: a scaler has %zu values for %zu columns",
                       json_array_size(array), n);
    float *v = calloc(n ? n : 1, sizeof *v);
    if (!v)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        v[i] = (float)json_number_value(json_array_get(array, i));
    *out = v;
    return WK_OK;
}

static wk_status load_branch(const json_t *root, const char *weights, wk_branch *out, wk_err *err)
{
    json_t *name = NULL, *columns = NULL, *mean = NULL, *scale = NULL;
    WK_TRY(need(root, "model.json", "name", JSON_STRING, &name, err));
    WK_TRY(need(root, "model.json", "columns", JSON_ARRAY, &columns, err));
    WK_TRY(need(root, "model.json", "mean", JSON_ARRAY, &mean, err));
    WK_TRY(need(root, "model.json", "scale", JSON_ARRAY, &scale, err));
    snprintf(out->name, sizeof out->name, "%s", json_string_value(name));
    WK_TRY(read_indices(columns, &out->columns, &out->n_inputs, err));
    WK_TRY(read_floats(mean, out->n_inputs, &out->mean, err));
    WK_TRY(read_floats(scale, out->n_inputs, &out->scale, err));
    WK_TRY(wk_nn_load(weights, &out->nn, err));
    if (wk_nn_n_inputs(out->nn) != out->n_inputs || wk_nn_n_outputs(out->nn) != WK_NN_HEADS)
        return wk_fail(err, WK_E_MODEL,
                       "%s: the network has %zu inputs and %zu outputs, model.json says "
                       "%zu and %d",
                       weights, wk_nn_n_inputs(out->nn), wk_nn_n_outputs(out->nn), out->n_inputs,
                       WK_NN_HEADS);
    return WK_OK;
}

static wk_status load_forest(const char *path, size_t n_columns, wk_gbdt_objective objective,
                             wk_forest **out, wk_err *err)
{
    WK_TRY(wk_forest_load(path, out, err));
    if (wk_forest_n_features(*out) != n_columns)
        return wk_fail(err, WK_E_MODEL,
                       "%s: the trees see %zu features, model.json lists %zu columns", path,
                       wk_forest_n_features(*out), n_columns);
    size_t n_outputs = objective == WK_GBDT_SOFTPROB ? 3 : 1;
    if (wk_forest_objective(*out) != (int)objective || wk_forest_n_outputs(*out) != n_outputs)
        return wk_fail(err, WK_E_MODEL,
                       "%s: trees of another objective or other classes than this place "
                       "needs; train the model again",
                       path);
    wk_forest_only_predicts(*out);
    return WK_OK;
}

static wk_status load_meta(const json_t *root, const char *dir, wk_meta *meta, wk_err *err)
{
    char path[PATH_MAX];
    json_t *columns = NULL;
    WK_TRY(need(root, "model.json", "columns", JSON_ARRAY, &columns, err));
    WK_TRY(read_indices(columns, &meta->columns, &meta->n_columns, err));
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const char *score = json_string_value(json_object_get(root, "score"));
    if (!kind || !score)
        return wk_fail(err, WK_E_MODEL, "model.json: meta.kind or meta.score is missing");
    meta->is_mlp = strcmp(kind, "mlp") == 0;
    meta->score = strcmp(score, "direction") == 0 ? WK_SCORE_DIRECTION : WK_SCORE_TARGETS;
    meta->temperature = json_number_value(json_object_get(root, "temperature"));
    if (!(meta->temperature > 0))
        return wk_fail(err, WK_E_MODEL, "model.json: meta.temperature is missing or not above 0");
    json_t *threshold = json_object_get(root, "threshold");
    if (!threshold ||
        !(json_is_null(threshold) || json_is_number(threshold) || json_is_string(threshold)))
        return wk_fail(
            err, WK_E_MODEL,
            "model.json: meta.threshold is missing; it is a number, null or \"no trade\"");
    meta->threshold = json_is_string(threshold)   ? (double)INFINITY
                      : json_is_number(threshold) ? json_number_value(threshold)
                                                  : (double)NAN;
    if (meta->is_mlp) {
        json_t *network = NULL;
        WK_TRY(need(root, "model.json", "network", JSON_OBJECT, &network, err));
        snprintf(path, sizeof path, "%s/meta.safetensors", dir);
        return load_branch(network, path, &meta->mlp, err);
    }
    json_int_t plain = json_integer_value(json_object_get(root, "n_plain"));
    if (plain < 0 || (size_t)plain > meta->n_columns)
        return wk_fail(err, WK_E_MODEL, "model.json: meta.n_plain is out of range");
    meta->n_plain = (size_t)plain;
    json_int_t targets = json_integer_value(json_object_get(root, "n_targets"));
    json_int_t seeds = json_integer_value(json_object_get(root, "n_seeds"));
    if (targets < 1 || targets > 64 || seeds < 1 || seeds > 20)
        return wk_fail(err, WK_E_MODEL, "model.json: n_targets or n_seeds is out of range");
    meta->n_targets = (size_t)targets;
    meta->n_seeds = (size_t)seeds;
    meta->forests = calloc(meta->n_targets * meta->n_seeds, sizeof *meta->forests);
    if (!meta->forests)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < meta->n_targets * meta->n_seeds; i++) {
        snprintf(path, sizeof path, "%s/meta.%zu.xgb.json", dir, i);
        WK_TRY(load_forest(path, i % meta->n_seeds % 2 == 1 ? meta->n_plain : meta->n_columns,
                           meta->score == WK_SCORE_DIRECTION ? WK_GBDT_SOFTPROB
                                                             : WK_GBDT_SQUARED_ERROR,
                           &meta->forests[i], err));
    }
    if (json_is_true(json_object_get(root, "direction_head"))) {
        snprintf(path, sizeof path, "%s/direction.xgb.json", dir);
        WK_TRY(load_forest(path, meta->n_columns, WK_GBDT_SOFTPROB, &meta->direction, err));
    }
    if (!json_is_true(json_object_get(root, "heads")))
        return WK_OK;
    snprintf(path, sizeof path, "%s/magnitude.xgb.json", dir);
    WK_TRY(load_forest(path, meta->n_columns, WK_GBDT_SQUARED_ERROR, &meta->magnitude, err));
    snprintf(path, sizeof path, "%s/volatility.xgb.json", dir);
    return load_forest(path, meta->n_columns, WK_GBDT_SQUARED_ERROR, &meta->volatility, err);
}

static wk_status load_instruments(const json_t *list, wk_model *model, wk_err *err)
{
    size_t n = json_array_size(list);
    if (n == 0)
        return WK_OK;
    model->instruments = calloc(n, sizeof *model->instruments);
    if (!model->instruments)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        const char *symbol = json_string_value(json_object_get(item, "symbol"));
        wk_trade_instrument *x = &model->instruments[i];
        x->tick = json_number_value(json_object_get(item, "tick"));
        x->lot = json_number_value(json_object_get(item, "lot"));
        x->min_lots = json_integer_value(json_object_get(item, "min_lots"));
        if (!symbol || strlen(symbol) >= sizeof x->symbol || !(x->tick > 0) || !(x->lot > 0))
            return wk_fail(err, WK_E_MODEL,
                           "model.json: instrument %zu has no usable symbol, tick or lot", i);
        snprintf(x->symbol, sizeof x->symbol, "%s", symbol);
    }
    model->n_instruments = n;
    return WK_OK;
}

static wk_status load_parts(const json_t *root, const char *dir, wk_model *model, wk_err *err)
{
    char path[PATH_MAX];
    json_t *hash = NULL, *branches = NULL, *meta = NULL;
    if (json_integer_value(json_object_get(root, "wick_model")) != FORMAT_VERSION)
        return wk_fail(err, WK_E_MODEL, "%s/model.json is not a wick model of version %d", dir,
                       FORMAT_VERSION);
    WK_TRY(need(root, "model.json", "feature_hash", JSON_STRING, &hash, err));
    WK_TRY(need(root, "model.json", "branches", JSON_ARRAY, &branches, err));
    WK_TRY(need(root, "model.json", "meta", JSON_OBJECT, &meta, err));
    snprintf(model->feature_hash, sizeof model->feature_hash, "%s", json_string_value(hash));
    size_t n = json_array_size(branches);
    model->branches = calloc(n ? n : 1, sizeof *model->branches);
    if (!model->branches)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const json_t *branch = json_array_get(branches, i);
        const char *name = json_string_value(json_object_get(branch, "name"));
        if (!name || strchr(name, '/'))
            return wk_fail(err, WK_E_MODEL, "model.json: branch %zu has no usable name", i);
        snprintf(path, sizeof path, "%s/branch.%s.safetensors", dir, name);
        model->n_branches = i + 1;
        WK_TRY(load_branch(branch, path, &model->branches[i], err));
    }
    WK_TRY(load_instruments(json_object_get(root, "instruments"), model, err));
    return load_meta(meta, dir, &model->meta, err);
}

wk_status wk_model_load(const char *dir, wk_model *out, wk_err *err)
{
    char path[PATH_MAX];
    char *text;
    size_t n;
    if (snprintf(path, sizeof path, "%s/model.json", dir) >= (int)sizeof path)
        return wk_fail(err, WK_E_IO, "path too long: %s", dir);
    wk_status whole =
        wk_manifest_verify(dir, NULL, err); /* only published models have a manifest */
    if (whole != WK_OK && whole != WK_E_NOT_FOUND)
        return whole;
    WK_TRY(wk_file_read(path, &text, &n, err));
    json_error_t where;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &where);
    free(text);
    if (!root)
        return wk_fail(err, WK_E_MODEL, "%s:%d: %s", path, where.line, where.text);
    wk_model model = {0};
    wk_status status = load_parts(root, dir, &model, err);
    json_decref(root);
    if (status != WK_OK) {
        wk_model_finish(&model);
        return status;
    }
    *out = model;
    return WK_OK;
}
