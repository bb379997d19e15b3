/* Weights on disk as safetensors: u64 length of a JSON header, the header, the tensors' bytes
 * (little endian, gapless, in the order of their offsets). The layer list stands in __metadata__,
 * whose values are strings. A reader of outside bytes: everything is checked before it is believed.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/nn.h"
#include "wick/file.h"

enum { PREFIX = 8, HEADER_MAX = 1 << 22, WARMUP_MAX = 1 << 20 };

/* Order of wk_nn_layer_kind. */
static const char *const kinds[] = {"dense",   "conv1d", "lstm", "gru",  "tcn",       "layer_norm",
                                    "dropout", "relu",   "tanh", "mean", "batch_norm"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static json_t *layers_json(const wk__net *net, size_t first, size_t n)
{
    json_t *list = json_array();
    for (size_t i = first; i < first + n; i++) {
        const wk_nn_layer_config *c = &net->layers[i].config;
        json_t *item = json_pack("{s:s, s:I, s:I, s:I, s:f}", "type", kinds[c->kind], "units",
                                 (json_int_t)c->units, "kernel", (json_int_t)c->kernel, "dilation",
                                 (json_int_t)c->dilation, "dropout", c->dropout);
        if (c->plain)
            json_object_set_new(item, "plain", json_true());
        if (c->locked)
            json_object_set_new(item, "locked", json_true());
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *branches_json(const wk__net *net)
{
    json_t *list = json_array();
    for (size_t i = 0; i < net->n_branches; i++) {
        const wk__branch *b = &net->branches[i];
        json_array_append_new(list, json_pack("{s:s, s:o}", "name", b->name, "layers",
                                              layers_json(net, b->first, b->n)));
    }
    return list;
}

/* Values of the metadata are strings: JSON inside JSON. */
static void meta_json(json_t *meta, const char *key, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_object_set_new(meta, key, json_string(text));
    free(text);
    json_decref(value);
}

static void meta_size(json_t *meta, const char *key, size_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", value);
    json_object_set_new(meta, key, json_string(text));
}

/* The header as text; NULL when memory is out. */
static char *header_text(const wk_nn *nn)
{
    const wk__net *net = &nn->net;
    json_t *root = json_object(), *meta = json_object();
    json_object_set_new(meta, "format", json_string("wick_nn"));
    if (net->n_branches)
        meta_json(meta, "branches", branches_json(net));
    meta_json(meta, "layers", layers_json(net, net->trunk, net->n_layers - 1 - net->trunk));
    meta_size(meta, "n_inputs", nn->net.F);
    meta_size(meta, "n_outputs", nn->net.n_outputs);
    meta_size(meta, "warmup", nn->warmup);
    meta_size(meta, "updates", nn->updates);
    json_object_set_new(root, "__metadata__", meta);
    for (size_t i = 0; i < nn->n_tensors; i++) {
        const wk__layer *l = &nn->net.layers[nn->tensor_layer[i]];
        const wk__tensor *t = &l->tensors[nn->tensor_index[i]];
        json_t *shape = json_array();
        for (size_t k = 0; k < t->rank; k++)
            json_array_append_new(shape, json_integer((json_int_t)t->shape[k]));
        json_int_t begin = (json_int_t)((l->at_params + t->at) * sizeof(float));
        json_int_t end = begin + (json_int_t)(t->n * sizeof(float));
        json_object_set_new(root, nn->names[i],
                            json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape,
                                      "data_offsets", begin, end));
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

wk_status wk_nn_save(const wk_nn *nn, const char *path, wk_err *err)
{
    char *header = header_text(nn);
    if (!header)
        return wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    /* Spaces pad the header, so that the tensors are aligned. */
    const size_t n = strlen(header), padded = (n + PREFIX - 1) / PREFIX * PREFIX;
    const size_t data = nn->net.n_params * sizeof(float);
    char *bytes = malloc(PREFIX + padded + data);
    wk_status status;
    if (bytes) {
        for (int k = 0; k < PREFIX; k++)
            bytes[k] = (char)((uint64_t)padded >> (8 * k) & 0xff);
        memcpy(bytes + PREFIX, header, n);
        memset(bytes + PREFIX + n, ' ', padded - n);
        memcpy(bytes + PREFIX + padded, nn->params, data);
        status = wk_file_write_atomic(path, bytes, PREFIX + padded + data, err);
    } else {
        status = wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    }
    free(bytes);
    free(header);
    return status;
}

/* A number that the metadata holds as text. */
static wk_status meta_read(const json_t *meta, const char *key, uint64_t max, size_t *out,
                           const char *path, wk_err *err)
{
    const char *text = json_string_value(json_object_get(meta, key));
    uint64_t value = 0;
    if (!text || !*text || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return wk_fail(err, WK_E_PARSE,
                       "%s: __metadata__ has no number %s; was it written by wick?", path, key);
    value = strtoull(text, NULL, 10);
    if (value > max)
        return wk_fail(err, WK_E_PARSE,
                       "%s: __metadata__ %s is %" PRIu64 ", above the limit %" PRIu64, path, key,
                       value, max);
    *out = (size_t)value;
    return WK_OK;
}

static wk_status layer_read(const json_t *item, size_t i, wk_nn_layer_config *out, const char *path,
                            wk_err *err)
{
    const char *type = json_string_value(json_object_get(item, "type"));
    int kind = 0;
    while (type && kind < N_KINDS && strcmp(type, kinds[kind]) != 0)
        kind++;
    if (!type || kind == N_KINDS)
        return wk_fail(err, WK_E_PARSE, "%s: layer %zu has the unknown type %s", path, i,
                       type ? type : "(none)");
    *out = (wk_nn_layer_config){
        .kind = kind,
        .units = json_integer_value(json_object_get(item, "units")),
        .kernel = json_integer_value(json_object_get(item, "kernel")),
        .dilation = json_integer_value(json_object_get(item, "dilation")),
        .dropout = json_number_value(json_object_get(item, "dropout")),
        .plain = json_is_true(json_object_get(item, "plain")),
        .locked = json_is_true(json_object_get(item, "locked")),
    };
    return WK_OK;
}

enum { LAYERS_MAX = 64 };

static wk_status layers_read(const json_t *list, wk_arena *arena, wk_sections *out,
                             const char *path, wk_err *err)
{
    if (!json_is_array(list) || json_array_size(list) > LAYERS_MAX)
        return wk_fail(err, WK_E_PARSE, "%s: __metadata__ has no list of at most %d layers", path,
                       LAYERS_MAX);
    wk_nn_layer_config *layers = wk_arena_array(arena, wk_nn_layer_config, json_array_size(list));
    *out = (wk_sections){layers, json_array_size(list)};
    for (size_t i = 0; i < out->n; i++)
        WK_TRY(layer_read(json_array_get(list, i), i, &layers[i], path, err));
    return WK_OK;
}

static wk_status branches_read(const json_t *list, wk_arena *arena, wk_sections *out,
                               const char *path, wk_err *err)
{
    if (!json_is_array(list) || json_array_size(list) > WK__BRANCHES_MAX)
        return wk_fail(err, WK_E_PARSE, "%s: __metadata__ has no list of at most %d branches", path,
                       WK__BRANCHES_MAX);
    wk_nn_branch_config *branches =
        wk_arena_array(arena, wk_nn_branch_config, json_array_size(list));
    *out = (wk_sections){branches, json_array_size(list)};
    for (size_t i = 0; i < out->n; i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "name"));
        branches[i].name = wk_arena_strdup(arena, name ? name : "");
        WK_TRY(layers_read(json_object_get(item, "layers"), arena, &branches[i].layers, path, err));
    }
    return WK_OK;
}

/* The network that the metadata describes. */
static wk_status config_read(const json_t *meta, wk_arena *arena, wk_nn_config *out,
                             const char *path, wk_err *err)
{
    const char *keys[] = {"branches", "layers"};
    wk_status status = WK_OK;
    *out = (wk_nn_config){0};
    for (int i = 0; i < 2 && status == WK_OK; i++) {
        const char *text = json_string_value(json_object_get(meta, keys[i]));
        json_error_t why;
        if (!text && i == 0)
            continue;
        json_t *list = text ? json_loads(text, JSON_REJECT_DUPLICATES, &why) : NULL;
        status = i == 0 ? branches_read(list, arena, &out->branches, path, err)
                        : layers_read(list, arena, &out->layers, path, err);
        json_decref(list);
    }
    return status;
}

/* Checks one tensor's entry against what the layers expect and copies its bytes. */
static wk_status tensor_read(const wk_nn *nn, size_t i, const json_t *root, const char *data,
                             size_t size, const char *path, wk_err *err)
{
    const wk__layer *l = &nn->net.layers[nn->tensor_layer[i]];
    const wk__tensor *t = &l->tensors[nn->tensor_index[i]];
    const char *name = nn->names[i];
    const json_t *entry = json_object_get(root, name);
    if (!json_is_object(entry))
        return wk_fail(err, WK_E_MODEL, "%s: tensor %s is missing", path, name);
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!dtype || strcmp(dtype, "F32") != 0)
        return wk_fail(err, WK_E_MODEL, "%s: tensor %s has dtype %s; want F32", path, name,
                       dtype ? dtype : "(none)");
    const json_t *shape = json_object_get(entry, "shape");
    bool same = json_is_array(shape) && json_array_size(shape) == t->rank;
    for (size_t k = 0; same && k < t->rank; k++) {
        const json_t *dim = json_array_get(shape, k);
        same = json_is_integer(dim) && json_integer_value(dim) == (json_int_t)t->shape[k];
    }
    if (!same)
        return wk_fail(err, WK_E_MODEL,
                       "%s: tensor %s does not have the shape of its layer (rank %zu: %zu %zu %zu)",
                       path, name, t->rank, t->shape[0], t->shape[1], t->shape[2]);
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return wk_fail(err, WK_E_PARSE, "%s: tensor %s has no data_offsets [begin, end]", path,
                       name);
    json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    if (begin < 0 || end < begin || (uint64_t)end > size ||
        (uint64_t)(end - begin) != t->n * sizeof(float))
        return wk_fail(err, WK_E_PARSE,
                       "%s: tensor %s lies at %" JSON_INTEGER_FORMAT "..%" JSON_INTEGER_FORMAT
                       " of %zu bytes; its shape needs %zu",
                       path, name, begin, end, size, t->n * sizeof(float));
    memcpy(nn->params + l->at_params + t->at, data + begin, t->n * sizeof(float));
    return WK_OK;
}

typedef struct {
    json_int_t begin, end;
    size_t i;
} extent;

static int by_begin(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* The format demands that tensors follow each other without gap or overlap to the end of the data.
 */
static wk_status extents_check(const wk_nn *nn, const json_t *root, size_t size, const char *path,
                               wk_err *err)
{
    extent *e = malloc(nn->n_tensors * sizeof *e);
    if (!e)
        return wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    for (size_t i = 0; i < nn->n_tensors; i++) {
        const json_t *offsets =
            json_object_get(json_object_get(root, nn->names[i]), "data_offsets");
        e[i] = (extent){json_integer_value(json_array_get(offsets, 0)),
                        json_integer_value(json_array_get(offsets, 1)), i};
    }
    qsort(e, nn->n_tensors, sizeof *e, by_begin);
    wk_status status = WK_OK;
    json_int_t at = 0;
    for (size_t i = 0; i < nn->n_tensors && status == WK_OK; at = e[i++].end)
        if (e[i].begin != at)
            status = wk_fail(err, WK_E_PARSE,
                             "%s: tensor %s begins at %" JSON_INTEGER_FORMAT
                             ", the one before it ends at %" JSON_INTEGER_FORMAT
                             "; tensors must not overlap "
                             "or leave gaps",
                             path, nn->names[e[i].i], e[i].begin, at);
    if (status == WK_OK && (uint64_t)at != size)
        status = wk_fail(err, WK_E_PARSE,
                         "%s: %zu bytes of tensors, the header accounts for %" JSON_INTEGER_FORMAT,
                         path, size, at);
    free(e);
    return status;
}

/* The empty network of the file. */
static wk_status create(const char *path, const json_t *meta, wk_arena *arena, size_t size,
                        wk_nn **out, wk_err *err)
{
    size_t F = 0, n_outputs = 0;
    wk_nn_config config;
    wk__net net;
    WK_TRY(meta_read(meta, "n_inputs", 65536, &F, path, err));
    WK_TRY(meta_read(meta, "n_outputs", 4096, &n_outputs, path, err));
    WK_TRY(config_read(meta, arena, &config, path, err));
    /* The layers say how many numbers there must be: compared with the file before they are
     * allocated. */
    if (wk__net_build(arena, &config, F, n_outputs, &net, err) != WK_OK)
        return wk_fail_prefix(err, "%s", path);
    if (net.n_params != size / sizeof(float) || size % sizeof(float))
        return wk_fail(err, WK_E_PARSE, "%s: %zu bytes of tensors, its layers need %zu", path, size,
                       net.n_params * sizeof(float));
    return wk_nn_create_graph(&config, F, n_outputs, 0, out, err);
}

static wk_status parse(const char *path, const json_t *root, const char *data, size_t size,
                       wk_nn **out, wk_err *err)
{
    size_t warmup = 0, updates = 0;
    const json_t *meta = json_object_get(root, "__metadata__");
    WK_TRY(meta_read(meta, "warmup", WARMUP_MAX, &warmup, path, err));
    WK_TRY(meta_read(meta, "updates", UINT64_MAX / 2, &updates, path, err));
    wk_nn *nn;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = create(path, meta, &arena, size, &nn, err);
    wk_arena_finish(&arena);
    WK_TRY(status);
    nn->warmup = warmup;
    nn->updates = updates;
    for (size_t i = 0; i < nn->n_tensors && status == WK_OK; i++)
        status = tensor_read(nn, i, root, data, size, path, err);
    if (status == WK_OK && json_object_size(root) != nn->n_tensors + 1)
        status = wk_fail(err, WK_E_MODEL, "%s: %zu tensors, its layers have %zu", path,
                         json_object_size(root) - 1, nn->n_tensors);
    if (status == WK_OK)
        status = extents_check(nn, root, size, path, err);
    for (size_t i = 0; status == WK_OK && i < nn->net.n_params; i++)
        if (!isfinite(nn->params[i]))
            status = wk_fail(err, WK_E_MODEL, "%s: parameter %zu is not a finite number", path, i);
    if (status == WK_OK)
        *out = nn;
    else
        wk_nn_destroy(nn);
    return status;
}

wk_status wk__nn_parse(const char *path, const char *bytes, size_t size, wk_nn **out, wk_err *err)
{
    if (size < PREFIX)
        return wk_fail(err, WK_E_PARSE, "%s: %zu bytes, shorter than a safetensors header", path,
                       size);
    uint64_t n = 0;
    for (int k = 0; k < PREFIX; k++)
        n |= (uint64_t)(unsigned char)bytes[k] << (8 * k);
    if (n > HEADER_MAX || n > size - PREFIX)
        return wk_fail(err, WK_E_PARSE,
                       "%s: the header claims %" PRIu64
                       " bytes of a file of %zu (limit %d); not a safetensors "
                       "file, or cut short",
                       path, n, size, HEADER_MAX);
    json_error_t why;
    json_t *root = json_loadb(bytes + PREFIX, (size_t)n, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(root)) {
        json_decref(root);
        return wk_fail(err, WK_E_PARSE, "%s: the header is not a JSON object: %s at byte %d", path,
                       why.text, why.position);
    }
    const size_t data = PREFIX + (size_t)n;
    wk_status status = parse(path, root, bytes + data, size - data, out, err);
    json_decref(root);
    return status;
}

wk_status wk_nn_load(const char *path, wk_nn **out, wk_err *err)
{
    char *bytes;
    size_t size;
    WK_TRY(wk_file_read(path, &bytes, &size, err));
    wk_status status = wk__nn_parse(path, bytes, size, out, err);
    free(bytes);
    return status;
}
