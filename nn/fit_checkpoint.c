/* A training's checkpoint as a safetensors file: "weights", "m", "v" and "best" [n] in F32,
 * "curves" [3, epochs] in F64, with learned weights of tasks "tasks" [3, tasks] in F64; the rest
 * stands in __metadata__. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/fit.h"
#include "wick/file.h"

enum { PREFIX = 8, HEADER_MAX = 1 << 16 };

static const char *const vectors[] = {"weights", "m", "v", "best"};
enum { N_VECTORS = sizeof vectors / sizeof *vectors };

static json_t *entry(const char *dtype, size_t rows, size_t n, size_t begin, size_t bytes)
{
    json_t *shape = rows > 1 ? json_pack("[I,I]", (json_int_t)rows, (json_int_t)n)
                             : json_pack("[I]", (json_int_t)n);
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", dtype, "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + bytes));
}

static void meta_number(json_t *meta, const char *key, size_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", value);
    json_object_set_new(meta, key, json_string(text));
}

wk_status wk__fit_save(const wk__fit_state *s, const char *what, const char *path, wk_err *err)
{
    const float *from[N_VECTORS] = {s->params, s->m, s->v, s->best};
    const size_t size = s->n * sizeof(float), curve = s->epoch * sizeof(double),
                 tasks = 3 * s->n_tasks * sizeof(double);
    /* Doubles first: they stay aligned. */
    json_t *root = json_object(), *meta = json_object();
    json_object_set_new(meta, "format", json_string("wick_nn_checkpoint"));
    json_object_set_new(meta, "of", json_string(what));
    meta_number(meta, "epoch", s->epoch);
    meta_number(meta, "updates", s->updates);
    meta_number(meta, "best_epoch", s->best_epoch);
    json_object_set_new(root, "__metadata__", meta);
    json_object_set_new(root, "curves", entry("F64", 3, s->epoch, 0, 3 * curve));
    if (tasks)
        json_object_set_new(root, "tasks", entry("F64", 3, s->n_tasks, 3 * curve, tasks));
    for (size_t k = 0; k < N_VECTORS; k++)
        json_object_set_new(root, vectors[k],
                            entry("F32", 1, s->n, 3 * curve + tasks + k * size, size));
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    const size_t n = strlen(text), padded = (n + PREFIX - 1) / PREFIX * PREFIX;
    unsigned char prefix[PREFIX];
    for (int k = 0; k < PREFIX; k++)
        prefix[k] = (unsigned char)((uint64_t)padded >> (8 * k) & 0xff);
    wk_draft draft;
    wk_status status = wk_draft_open(path, &draft, err);
    if (status == WK_OK) {
        fwrite(prefix, 1, PREFIX, draft.stream);
        fprintf(draft.stream, "%s%*s", text, (int)(padded - n), "");
        fwrite(s->train_loss, sizeof(double), s->epoch, draft.stream);
        fwrite(s->valid_loss, sizeof(double), s->epoch, draft.stream);
        /* The third row holds the best loss, once an epoch, so that it keeps its bits. */
        for (size_t i = 0; i < s->epoch; i++)
            fwrite(&s->best_loss, sizeof(double), 1, draft.stream);
        fwrite(s->tasks.s, sizeof(double), s->n_tasks, draft.stream);
        fwrite(s->tasks.m, sizeof(double), s->n_tasks, draft.stream);
        fwrite(s->tasks.v, sizeof(double), s->n_tasks, draft.stream);
        for (size_t k = 0; k < N_VECTORS; k++)
            fwrite(from[k], sizeof(float), s->n, draft.stream);
        status = wk_draft_publish(&draft, err);
    }
    free(text);
    return status;
}

/* A number of the metadata, at most `max`. */
static bool meta_read(const json_t *meta, const char *key, size_t max, size_t *out)
{
    const char *text = json_string_value(json_object_get(meta, key));
    if (!text || !*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return false;
    *out = (size_t)strtoull(text, NULL, 10);
    return *out <= max;
}

/* The file must be exactly what wk__fit_save writes for this state: header and place of every byte.
 */
wk_status wk__fit_parse(wk__fit_state *s, size_t epochs_max, const char *what, const char *path,
                        const char *bytes, size_t size, wk_err *err)
{
    uint64_t n = 0;
    for (int k = 0; k < PREFIX && size >= PREFIX; k++)
        n |= (uint64_t)(unsigned char)bytes[k] << (8 * k);
    if (size < PREFIX || n > HEADER_MAX || n > size - PREFIX)
        return wk_fail(err, WK_E_PARSE, "%s: no checkpoint, or cut short", path);
    json_t *root = json_loadb(bytes + PREFIX, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
    const json_t *meta = json_object_get(root, "__metadata__");
    const char *of = json_string_value(json_object_get(meta, "of"));
    size_t epoch = 0, updates = 0, best_epoch = 0;
    const bool numbers = meta_read(meta, "epoch", epochs_max, &epoch) &&
                         meta_read(meta, "updates", SIZE_MAX, &updates) &&
                         meta_read(meta, "best_epoch", epoch, &best_epoch);
    const bool mine = of && strcmp(of, what) == 0;
    json_decref(root);
    if (!mine)
        return wk_fail(err, WK_E_MODEL,
                       "%s: the checkpoint of another training (its configuration, network or data "
                       "differ); remove it, or train without --resume",
                       path);
    const size_t curve = epoch * sizeof(double), vector = s->n * sizeof(float),
                 task = s->n_tasks * sizeof(double), front = 3 * curve + 3 * task;
    if (!numbers || !epoch || size - PREFIX - (size_t)n != front + N_VECTORS * vector)
        return wk_fail(err, WK_E_PARSE, "%s: the checkpoint is damaged: %zu bytes, want %zu", path,
                       size - PREFIX - (size_t)n, front + N_VECTORS * vector);
    const char *data = bytes + PREFIX + n;
    float *to[N_VECTORS] = {s->params, s->m, s->v, s->best};
    for (size_t k = 0; k < N_VECTORS; k++)
        for (size_t i = 0; i < s->n; i++) {
            float value;
            memcpy(&value, data + front + k * vector + i * sizeof value, sizeof value);
            if (!isfinite(value))
                return wk_fail(err, WK_E_PARSE, "%s: the checkpoint is damaged: %s[%zu] is %g",
                               path, vectors[k], i, (double)value);
        }
    wk__uncertainty tasks = {0};
    double *const of_tasks[] = {tasks.s, tasks.m, tasks.v};
    for (size_t k = 0; k < 3; k++) {
        memcpy(of_tasks[k], data + 3 * curve + k * task, task);
        for (size_t i = 0; i < s->n_tasks; i++)
            if (!isfinite(of_tasks[k][i]))
                return wk_fail(err, WK_E_PARSE, "%s: the checkpoint is damaged: tasks[%zu] is %g",
                               path, k * s->n_tasks + i, of_tasks[k][i]);
    }
    for (size_t k = 0; k < N_VECTORS; k++)
        memcpy(to[k], data + front + k * vector, vector);
    s->tasks = tasks;
    memcpy(s->train_loss, data, curve);
    memcpy(s->valid_loss, data + curve, curve);
    memcpy(&s->best_loss, data + 2 * curve, sizeof s->best_loss);
    s->epoch = epoch;
    s->updates = updates;
    s->best_epoch = best_epoch;
    return WK_OK;
}

wk_status wk__fit_load(wk__fit_state *s, size_t epochs_max, const char *what, const char *path,
                       wk_err *err)
{
    char *bytes;
    size_t size;
    WK_TRY(wk_file_read(path, &bytes, &size, err));
    wk_status status = wk__fit_parse(s, epochs_max, what, path, bytes, size, err);
    free(bytes);
    return status;
}
