#include "nn_model.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curve_svg.h"
#include "wick/file.h"

#define AT(field) offsetof(nn_train_config, field)
static const wk_cfg_row rows[] = {
    {"x", WK_CFG_STRING, AT(x), NULL, "\"X\"", 0, 0, NULL, NULL,
     "name of the inputs [N, T, C] in an HDF5 file"},
    {"y", WK_CFG_STRING, AT(y), NULL, "\"y\"", 0, 0, NULL, NULL,
     "name of the targets in an HDF5 file: [N], [N, K], [N, T] or [N, T, K]"},
    {"targets", WK_CFG_ENUM, AT(targets), NULL, "\"auto\"", 0, 0, "auto|sequence|step", NULL,
     "whether targets stand at each sequence's end or at every bar; auto: [N, T, K] and classes "
     "[N, T] are of every bar"},
    {"valid_fraction", WK_CFG_REAL, AT(valid_fraction), NULL, "0", 0, 0.9, NULL, NULL,
     "share of the sequences, the last ones, that validate"},
    {"standardize", WK_CFG_BOOL, AT(standardize), NULL, "false", 0, 0, NULL, NULL,
     "scale each channel by mean and deviation of the training sequences; kept in the model"},
    {"network", WK_CFG_SECTION, AT(network), NULL, NULL, 0, 0, NULL, &wk_nn_config_table,
     "branches of layers"},
    {"fit", WK_CFG_SECTION, AT(fit), NULL, NULL, 0, 0, NULL, &wk_nn_fit_config_table,
     "how it is trained"},
    {NULL, WK_CFG_BOOL, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};
const wk_cfg_table nn_train_config_table = {"nn", "training of a network on arrays",
                                            sizeof(nn_train_config), rows};

static json_t *numbers(const float *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real((double)v[i]));
    return list;
}

/* NaN, which JSON cannot hold, becomes null. */
static json_t *curve(const double *v, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, isfinite(v[i]) ? json_real(v[i]) : json_null());
    return list;
}

static wk_status write_json(const char *dir, const char *name, json_t *root, wk_err *err)
{
    char path[4096], *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (!text || snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
        free(text);
        return wk_fail(err, WK_E_IO, "%s/%s cannot be written", dir, name);
    }
    wk_status status = wk_file_write_atomic(path, text, strlen(text), err);
    free(text);
    return status;
}

/* training.svg: the losses by epoch, those of validation only where some sequences validate. */
static wk_status draw(const wk_nn_log *log, bool validates, const char *dir, wk_err *err)
{
    const curve_line lines[] = {{"train", log->train_loss, NULL},
                                {"validation", log->valid_loss, NULL}};
    char path[4096];
    if (snprintf(path, sizeof path, "%s/training.svg", dir) >= (int)sizeof path)
        return wk_fail(err, WK_E_IO, "%s/training.svg cannot be written", dir);
    return curve_svg_write_by("epoch", path, "loss", lines, validates ? 2 : 1, log->n,
                              validates ? log->best_epoch : 0, err);
}

wk_status nn_model_save(const nn_model *m, const nn_train_config *config, const wk_nn_log *log,
                        const char *dir, wk_err *err)
{
    char path[4096];
    WK_TRY(wk_dir_create(dir, err));
    json_t *classes = json_array(), *quantiles = json_array();
    for (size_t i = 0; i < m->n_classes; i++)
        json_array_append_new(classes, json_real(m->classes[i]));
    for (size_t i = 0; i < m->fit.quantiles.n; i++)
        json_array_append_new(quantiles, json_real(m->fit.quantiles.v[i]));
    snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    wk_status status = wk_nn_save(m->nn, path, err);
    json_t *network =
        json_pack("{s:i, s:s, s:i, s:I, s:I, s:b, s:o, s:o, s:o, s:o}", "wick_network", 1, "x",
                  m->x, "loss", m->fit.loss, "inputs", (json_int_t)m->F, "targets",
                  (json_int_t)m->K, "each_bar", m->each_bar, "classes", classes, "quantiles",
                  quantiles, "mean", numbers(m->mean, m->F), "scale", numbers(m->scale, m->F));
    json_t *training =
        json_pack("{s:i, s:o, s:o}", "best_epoch", (int)log->best_epoch, "train_loss",
                  curve(log->train_loss, log->n), "valid_loss", curve(log->valid_loss, log->n));
    if (log->n_tasks)
        json_object_set_new(training, "task_log_variance",
                            curve(log->task_log_variance, log->n_tasks));
    if (status == WK_OK)
        status = write_json(dir, "training.json", training, err);
    else
        json_decref(training);
    if (status == WK_OK)
        status = draw(log, config->valid_fraction > 0, dir, err);
    char *text = wk_config_dump(&nn_train_config_table, config);
    snprintf(path, sizeof path, "%s/config.json", dir);
    if (status == WK_OK)
        status = wk_file_write_atomic(path, text, strlen(text), err);
    free(text);
    /* Last: a directory with this file is whole. */
    if (status == WK_OK)
        return write_json(dir, "network.json", network, err);
    json_decref(network);
    return status;
}

/* A list of at most `max` numbers, copied into the arena. */
static bool list(const json_t *root, const char *key, size_t max, wk_arena *arena, double **v,
                 size_t *n)
{
    const json_t *a = json_object_get(root, key);
    if (!json_is_array(a) || json_array_size(a) > max)
        return false;
    *n = json_array_size(a);
    *v = wk_arena_array(arena, double, *n);
    for (size_t i = 0; i < *n; i++) {
        const json_t *item = json_array_get(a, i);
        (*v)[i] = json_number_value(item);
        if (!json_is_number(item) || !isfinite((*v)[i]))
            return false;
    }
    return true;
}

static wk_status parse(const char *path, const json_t *root, wk_arena *arena, nn_model *m,
                       wk_err *err)
{
    enum { MAX = 65536 };
    const json_int_t F = json_integer_value(json_object_get(root, "inputs")),
                     K = json_integer_value(json_object_get(root, "targets")),
                     loss = json_integer_value(json_object_get(root, "loss"));
    const char *x = json_string_value(json_object_get(root, "x"));
    double *mean, *scale;
    size_t n_mean, n_scale;
    if (json_integer_value(json_object_get(root, "wick_network")) != 1)
        return wk_fail(err, WK_E_MODEL, "%s: not a network that nn train wrote", path);
    if (F < 1 || F > MAX || K < 1 || K > MAX || loss < 0 || loss > WK_NN_TRADING || !x ||
        !list(root, "mean", MAX, arena, &mean, &n_mean) || n_mean != (size_t)F ||
        !list(root, "scale", MAX, arena, &scale, &n_scale) || n_scale != (size_t)F ||
        !list(root, "classes", MAX, arena, &m->classes, &m->n_classes) ||
        !list(root, "quantiles", 4096, arena, &m->fit.quantiles.v, &m->fit.quantiles.n))
        return wk_fail(
            err, WK_E_MODEL,
            "%s: loss, inputs, targets, mean, scale, classes or quantiles are missing or do "
            "not fit each other",
            path);
    m->x = wk_arena_strdup(arena, x);
    m->fit.loss = (int)loss;
    m->F = (size_t)F;
    m->K = (size_t)K;
    m->each_bar = json_is_true(json_object_get(root, "each_bar"));
    m->mean = wk_arena_array(arena, float, m->F);
    m->scale = wk_arena_array(arena, float, m->F);
    for (size_t f = 0; f < m->F; f++) {
        m->mean[f] = (float)mean[f];
        m->scale[f] = (float)scale[f];
        if (!(m->scale[f] > 0))
            return wk_fail(err, WK_E_MODEL, "%s: scale[%zu] is %g; want a positive number", path, f,
                           scale[f]);
    }
    return WK_OK;
}

wk_status nn_model_load(const char *dir, wk_arena *arena, nn_model *out, wk_err *err)
{
    char path[4096], *text;
    size_t size;
    nn_model m = {0};
    if (snprintf(path, sizeof path, "%s/network.json", dir) >= (int)sizeof path)
        return wk_fail(err, WK_E_IO, "path too long: %s", dir);
    if (!wk_file_exists(path))
        return wk_fail(err, WK_E_IO,
                       "%s: no network of nn train, whose directory has a network.json", dir);
    WK_TRY(wk_file_read(path, &text, &size, err));
    json_error_t why;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    free(text);
    if (!root)
        return wk_fail(err, WK_E_PARSE, "%s: line %d: %s", path, why.line, why.text);
    wk_status status = parse(path, root, arena, &m, err);
    json_decref(root);
    WK_TRY(status);
    snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    WK_TRY(wk_nn_load(path, &m.nn, err));
    const size_t n = m.n_classes ? m.n_classes : m.K;
    if (wk_nn_n_inputs(m.nn) != m.F || wk_nn_n_outputs(m.nn) != wk_nn_fit_outputs(&m.fit, n)) {
        wk_status bad =
            wk_fail(err, WK_E_MODEL, "%s: %zu inputs and %zu outputs do not fit network.json", path,
                    wk_nn_n_inputs(m.nn), wk_nn_n_outputs(m.nn));
        wk_nn_destroy(m.nn);
        return bad;
    }
    *out = m;
    return WK_OK;
}

void nn_model_scale(const nn_model *m, float *X, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < m->F; f++)
            X[i * m->F + f] = (X[i * m->F + f] - m->mean[f]) / m->scale[f];
}
