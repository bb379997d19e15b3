/* Reads an ONNX file: protocol buffers, field numbers of onnx.proto. Nothing is believed before it
 * is checked; what is allocated is bounded by the size of the file. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/onnx_read.h"
#include "wick/file.h"

enum { NODES_MAX = 1 << 16, LIST_MAX = 1 << 16, OPSET_MIN = 7, OPSET_MAX = 26 };

wk_status wk__onnx_bad(wk__onnx_reader *r, const char *fmt, ...)
{
    char text[800];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return wk_fail(r->err, WK_E_PARSE, "%s: %s", r->m->path, text);
}

/* ---- values by name ---- */

static size_t slot_of(const wk__onnx_reader *r, const char *name)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    size_t at = (size_t)(hash ^ hash >> 32) & (r->table_size - 1);
    while (r->table[at] >= 0 && strcmp(r->m->names[r->table[at]], name) != 0)
        at = (at + 1) & (r->table_size - 1);
    return at;
}

static int find(const wk__onnx_reader *r, const char *name)
{
    return r->table[slot_of(r, name)];
}

/* A new value; what makes it is said when there is one of that name already. */
static wk_status add_value(wk__onnx_reader *r, const char *name, const char *maker, int *out)
{
    const size_t at = slot_of(r, name);
    if (r->table[at] >= 0)
        return wk__onnx_bad(r, "%s gives \"%s\" a second time; names must differ", maker, name);
    r->table[at] = *out = (int)r->m->n_values;
    r->m->names[r->m->n_values++] = name;
    return WK_OK;
}

/* ---- nodes ---- */

/* A short list of words, as activations are, becomes one text. */
static wk_status add_string(wk__onnx_reader *r, const wk_pb_field *f, wk__onnx_attribute *a)
{
    enum { WORDS = 6 };
    const char *word = "";
    if (a->n_strings++ >= WORDS)
        return WK_OK;
    WK_TRY(wk__onnx_read_text(r, f, "an attribute's text", &word));
    a->s = a->s ? wk_arena_printf(&r->m->arena, "%s %s", a->s, word) : word;
    return WK_OK;
}

static wk_status read_attribute(wk__onnx_reader *r, wk_pb_view view, const wk__onnx_op *op,
                                wk__onnx_attribute *a)
{
    wk_pb_field f;
    const char *why = NULL;
    *a = (wk__onnx_attribute){.name = ""};
    wk_pb_view again = view;
    /* Each number of a list takes a byte or more. */
    const size_t most = wk_pb_left(view);
    WK__ONNX_EACH_FIELD(view, f, why)
    {
        const bool is_int = f.wire == WK_PB_VARINT, is_float = f.wire == WK_PB_I32;
        if (f.number == 1)
            WK_TRY(wk__onnx_read_text(r, &f, "an attribute's name", &a->name));
        else if (f.number == 2 && is_float)
            a->f = wk__onnx_float_of((uint32_t)f.value);
        else if (f.number == 3 && is_int)
            a->i = (int64_t)f.value;
        else if (f.number == 4)
            WK_TRY(wk__onnx_read_text(r, &f, "an attribute's text", &a->s));
        else if (f.number == 5 && f.wire == WK_PB_BYTES)
            WK_TRY(wk__onnx_read_tensor(r, f.bytes, NULL, &a->t));
        else if (f.number == 6 || f.number == 11)
            return wk__onnx_bad(r,
                                "operator %s of node \"%s\" holds a graph, which is not supported",
                                op->op, op->name);
        else if (f.number == 9)
            WK_TRY(add_string(r, &f, a));
        else if (f.number == 7 && !a->floats)
            a->floats = wk_arena_array(&r->m->arena, float, most);
        else if (f.number == 8 && !a->ints)
            a->ints = wk_arena_array(&r->m->arena, int64_t, most);
    }
    WK__ONNX_CHECK(r, why, "an attribute");
    WK__ONNX_EACH_FIELD(again, f, why)
    {
        if (f.number == 7)
            WK_TRY(wk__onnx_read_floats(r, &f, a->floats, most, &a->n_floats));
        else if (f.number == 8)
            WK_TRY(wk__onnx_read_ints(r, &f, a->ints, most, &a->n_ints));
    }
    return WK_OK;
}

typedef struct {
    size_t in, out, attributes;
} counts;

static wk_status node_head(wk__onnx_reader *r, wk_pb_view view, wk__onnx_op *op, counts *n)
{
    wk_pb_field f;
    const char *why = NULL, *domain = "";
    *op = (wk__onnx_op){.op = "", .name = ""};
    *n = (counts){0};
    WK__ONNX_EACH_FIELD(view, f, why)
    {
        if (f.number == 1)
            n->in++;
        else if (f.number == 2)
            n->out++;
        else if (f.number == 3)
            WK_TRY(wk__onnx_read_text(r, &f, "a node's name", &op->name));
        else if (f.number == 4)
            WK_TRY(wk__onnx_read_text(r, &f, "a node's operator", &op->op));
        else if (f.number == 5)
            n->attributes++;
        else if (f.number == 7)
            WK_TRY(wk__onnx_read_text(r, &f, "a node's domain", &domain));
    }
    WK__ONNX_CHECK(r, why, "a node");
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        return wk__onnx_bad(r, "operator %.100s.%.100s of node \"%.100s\" is unknown", domain,
                            op->op, op->name);
    return WK_OK;
}

static wk_status read_node(wk__onnx_reader *r, wk_pb_view view, wk__onnx_op *op)
{
    wk_pb_field f;
    const char *why = NULL, *name = "";
    counts n;
    WK_TRY(node_head(r, view, op, &n));
    op->in = wk_arena_array(&r->m->arena, int, n.in);
    op->out = wk_arena_array(&r->m->arena, int, n.out);
    op->attributes = wk_arena_array(&r->m->arena, wk__onnx_attribute, n.attributes);
    wk_pb_view again = view;
    WK__ONNX_EACH_FIELD(view, f, why)
    {
        if (f.number == 5 && f.wire == WK_PB_BYTES) {
            WK_TRY(read_attribute(r, f.bytes, op, &op->attributes[op->n_attributes]));
            op->n_attributes++;
        } else if (f.number == 1) {
            WK_TRY(wk__onnx_read_text(r, &f, "a node's input", &name));
            const int value = *name ? find(r, name) : -1;
            if (*name && value < 0)
                return wk__onnx_bad(
                    r,
                    "operator %.100s of node \"%.100s\" reads \"%.200s\", which nothing before it "
                    "gives (a cycle, or an input that is missing)",
                    op->op, op->name, name);
            op->in[op->n_in++] = value;
        }
    }
    WK__ONNX_EACH_FIELD(again, f, why)
    {
        if (f.number != 2)
            continue;
        WK_TRY(wk__onnx_read_text(r, &f, "a node's output", &name));
        op->out[op->n_out] = -1;
        if (*name)
            WK_TRY(add_value(r, name, op->op, &op->out[op->n_out]));
        op->n_out++;
    }
    return WK_OK;
}

/* ---- graph ---- */

static wk_status read_dims(wk__onnx_reader *r, wk_pb_view shape, wk_onnx_shape *s)
{
    wk_pb_field f, g;
    const char *why = NULL;
    WK__ONNX_EACH_FIELD(shape, f, why)
    {
        if (f.number != 1 || f.wire != WK_PB_BYTES)
            continue;
        if (s->rank == WK_ONNX_RANK_MAX)
            return wk__onnx_bad(r, "\"%s\" has more than %d dimensions", s->name, WK_ONNX_RANK_MAX);
        int64_t dim = -1;
        WK__ONNX_EACH_FIELD(f.bytes, g, why)
        {
            if (g.number == 1 && g.wire == WK_PB_VARINT)
                dim = (int64_t)g.value;
        }
        if (dim < -1 || dim > WK__ONNX_MAX_NUMBERS)
            return wk__onnx_bad(r, "\"%s\": dimension %zu is %" PRId64, s->name, s->rank, dim);
        /* Some writers say 0 for a dimension that is free. */
        s->dims[s->rank++] = dim > 0 ? dim : -1;
    }
    WK__ONNX_CHECK(r, why, "a shape");
    return WK_OK;
}

/* A ValueInfoProto: name, and type.tensor_type {elem_type, shape}. */
static wk_status read_port(wk__onnx_reader *r, wk_pb_view view, wk_onnx_shape *s, uint64_t *type)
{
    wk_pb_field f;
    const char *why = NULL;
    wk_pb_view kind = {0}, tensor = {0}, shape = {0};
    *s = (wk_onnx_shape){.name = ""};
    *type = 0;
    WK__ONNX_EACH_FIELD(view, f, why)
    {
        if (f.number == 1)
            WK_TRY(wk__onnx_read_text(r, &f, "a port's name", &s->name));
        else if (f.number == 2 && f.wire == WK_PB_BYTES)
            kind = f.bytes;
    }
    WK__ONNX_EACH_FIELD(kind, f, why)
    {
        if (f.number == 1 && f.wire == WK_PB_BYTES)
            tensor = f.bytes;
    }
    WK__ONNX_EACH_FIELD(tensor, f, why)
    {
        if (f.number == 1 && f.wire == WK_PB_VARINT)
            *type = f.value;
        else if (f.number == 2 && f.wire == WK_PB_BYTES)
            shape = f.bytes;
    }
    WK__ONNX_CHECK(r, why, "an input or output");
    return read_dims(r, shape, s);
}

static wk_status read_input(wk__onnx_reader *r, wk_pb_view view)
{
    wk_onnx *m = r->m;
    wk_onnx_shape s;
    uint64_t type;
    WK_TRY(read_port(r, view, &s, &type));
    /* Old files list their constants as inputs too. */
    const int value = find(r, s.name);
    if (value >= 0 && m->constants[value])
        return WK_OK;
    if (type != WK__ONNX_FLOAT)
        return wk__onnx_bad(r, "input \"%s\" is not of floats (type %" PRIu64 ")", s.name, type);
    WK_TRY(add_value(r, s.name, "an input", &m->input_values[m->n_inputs]));
    m->inputs[m->n_inputs++] = s;
    return WK_OK;
}

static wk_status read_output(wk__onnx_reader *r, wk_pb_view view)
{
    wk_onnx *m = r->m;
    wk_onnx_shape s;
    uint64_t type;
    WK_TRY(read_port(r, view, &s, &type));
    const int value = find(r, s.name);
    if (value < 0)
        return wk__onnx_bad(r, "output \"%s\" is given by no node", s.name);
    m->output_values[m->n_outputs++] = value;
    return WK_OK;
}

static wk_status read_constant(wk__onnx_reader *r, wk_pb_view view)
{
    const char *name = "";
    int value = -1;
    wk__onnx_tensor *t;
    WK_TRY(wk__onnx_read_tensor(r, view, &name, &t));
    WK_TRY(add_value(r, name, "a constant", &value));
    r->m->constants[value] = t;
    return WK_OK;
}

/* The parts of a graph may come in any order, but refer to each other: one pass for each kind. */
static wk_status read_parts(wk__onnx_reader *r, wk_pb_view graph)
{
    static const struct {
        uint32_t field;
        wk_status (*read)(wk__onnx_reader *, wk_pb_view);
    } passes[] = {{5, read_constant}, {11, read_input}, {1, NULL}, {12, read_output}};
    for (size_t k = 0; k < sizeof passes / sizeof *passes; k++) {
        wk_pb_view view = graph;
        wk_pb_field f;
        const char *why = NULL;
        WK__ONNX_EACH_FIELD(view, f, why)
        {
            if (f.number != passes[k].field)
                continue;
            if (f.wire != WK_PB_BYTES)
                return wk__onnx_bad(r, "field %" PRIu32 " of the graph has another wire type",
                                    f.number);
            if (passes[k].read)
                WK_TRY(passes[k].read(r, f.bytes));
            else
                WK_TRY(read_node(r, f.bytes, &r->m->ops[r->m->n_ops++]));
        }
    }
    return WK_OK;
}

static wk_status count_parts(wk__onnx_reader *r, wk_pb_view graph, size_t *n_values)
{
    wk_pb_field f, g;
    const char *why = NULL;
    wk_onnx *m = r->m;
    size_t nodes = 0, inputs = 0, outputs = 0, constants = 0, made = 0;
    WK__ONNX_EACH_FIELD(graph, f, why)
    {
        nodes += f.number == 1;
        constants += f.number == 5;
        inputs += f.number == 11;
        outputs += f.number == 12;
        if (f.number == 15)
            return wk__onnx_bad(r, "the graph has sparse constants, which are not supported");
        wk_pb_view node = f.bytes;
        while (f.number == 1 && f.wire == WK_PB_BYTES && wk_pb_next(&node, &g, &why))
            made += g.number == 2;
    }
    WK__ONNX_CHECK(r, why, "the graph");
    if (nodes > NODES_MAX || inputs > LIST_MAX || outputs > LIST_MAX)
        return wk__onnx_bad(r, "%zu nodes, %zu inputs, %zu outputs: more than the limit of %d",
                            nodes, inputs, outputs, NODES_MAX);
    m->ops = wk_arena_array(&m->arena, wk__onnx_op, nodes);
    m->inputs = wk_arena_array(&m->arena, wk_onnx_shape, inputs);
    m->input_values = wk_arena_array(&m->arena, int, inputs);
    m->output_values = wk_arena_array(&m->arena, int, outputs);
    *n_values = constants + inputs + made;
    return WK_OK;
}

static wk_status read_model(wk__onnx_reader *r, wk_pb_view model)
{
    wk_pb_field f, g;
    const char *why = NULL, *domain;
    wk_pb_view graph = {0};
    size_t n_graphs = 0;
    wk_onnx *m = r->m;
    WK__ONNX_EACH_FIELD(model, f, why)
    {
        if (f.wire != WK_PB_BYTES)
            continue;
        if (f.number == 7) {
            graph = f.bytes;
            n_graphs++;
        } else if (f.number == 8) {
            int64_t version = 0;
            domain = "";
            WK__ONNX_EACH_FIELD(f.bytes, g, why)
            {
                if (g.number == 1)
                    WK_TRY(wk__onnx_read_text(r, &g, "an operator set's domain", &domain));
                else if (g.number == 2)
                    version = (int64_t)g.value;
            }
            if (!*domain || strcmp(domain, "ai.onnx") == 0)
                m->opset = version;
        }
    }
    WK__ONNX_CHECK(r, why, "the model");
    if (n_graphs != 1)
        return wk__onnx_bad(r, "%zu graphs; an ONNX file has one", n_graphs);
    if (m->opset < OPSET_MIN || m->opset > OPSET_MAX)
        return wk__onnx_bad(r, "operators of opset %" PRId64 "; want %d to %d", m->opset, OPSET_MIN,
                            OPSET_MAX);
    size_t n = 0;
    WK_TRY(count_parts(r, graph, &n));
    m->names = wk_arena_array(&m->arena, const char *, n);
    m->constants = wk_arena_array(&m->arena, wk__onnx_tensor *, n);
    for (r->table_size = 16; r->table_size < 2 * n;)
        r->table_size *= 2;
    r->table = wk_arena_array(&m->arena, int, r->table_size);
    for (size_t i = 0; i < r->table_size; i++)
        r->table[i] = -1;
    WK_TRY(read_parts(r, graph));
    if (!m->n_outputs)
        return wk__onnx_bad(r, "the graph has no outputs");
    return WK_OK;
}

wk_status wk_onnx_parse(const char *path, const void *bytes, size_t size_bytes, wk_onnx **out,
                        wk_err *err)
{
    wk_onnx *m = calloc(1, sizeof *m);
    if (!m)
        return wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    wk_arena_init(&m->arena);
    m->path = wk_arena_strdup(&m->arena, path);
    wk__onnx_reader r = {.m = m, .err = err};
    const uint8_t *at = bytes;
    wk_status status = size_bytes ? read_model(&r, (wk_pb_view){at, at + size_bytes})
                                  : wk_fail(err, WK_E_PARSE, "%s: an empty file", path);
    if (status == WK_OK)
        *out = m;
    else
        wk_onnx_destroy(m);
    return status;
}

wk_status wk_onnx_load(const char *path, wk_onnx **out, wk_err *err)
{
    char *bytes;
    size_t size;
    WK_TRY(wk_file_read(path, &bytes, &size, err));
    wk_status status = wk_onnx_parse(path, bytes, size, out, err);
    free(bytes);
    return status;
}

void wk_onnx_destroy(wk_onnx *model)
{
    if (!model)
        return;
    wk_arena_finish(&model->arena);
    free(model);
}

size_t wk_onnx_n_inputs(const wk_onnx *model)
{
    return model->n_inputs;
}

size_t wk_onnx_n_outputs(const wk_onnx *model)
{
    return model->n_outputs;
}

const wk_onnx_shape *wk_onnx_input(const wk_onnx *model, size_t i)
{
    WK_ASSERT(i < model->n_inputs);
    return &model->inputs[i];
}

const char *wk_onnx_output_name(const wk_onnx *model, size_t i)
{
    WK_ASSERT(i < model->n_outputs);
    return model->names[model->output_values[i]];
}
