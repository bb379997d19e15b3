/* Reads an ONNX file: protocol buffers, field numbers of onnx.proto. Nothing is believed before it
 * is checked; what is allocated is bounded by the size of the file. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/onnx_graph.h"
#include "wick/file.h"
#include "wick/protobuf.h"

enum {
    NODES_MAX = 1 << 16,
    NAME_MAX_BYTES = 4096,
    LIST_MAX = 1 << 16,
    OPSET_MIN = 7,
    OPSET_MAX = 26
};
/* TensorProto.DataType */
enum { FLOAT = 1, INT32 = 6, INT64 = 7, BOOL = 9, DOUBLE = 11 };

typedef struct {
    wk_onnx *m;
    wk_err *err;
    int *table; /* values by their name: open addressing, -1 is free */
    size_t table_size;
} reader;

static wk_status bad(reader *r, const char *fmt, ...) WK_PRINTF(2, 3);

static wk_status bad(reader *r, const char *fmt, ...)
{
    char text[800];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return wk_fail(r->err, WK_E_PARSE, "%s: %s", r->m->path, text);
}

/* A field of `view`; false at its end. */
#define EACH_FIELD(view, f, why) while (wk_pb_next(&(view), &(f), &(why)))
#define CHECK_WHY(r, why, where)                                                                   \
    do {                                                                                           \
        if (why)                                                                                   \
            return bad((r), "%s: %s; not an ONNX file, or cut short", (where), (why));             \
    } while (0)

static wk_status text_of(reader *r, const wk_pb_field *f, const char *what, const char **out)
{
    const size_t n = wk_pb_left(f->bytes);
    if (f->wire != WK_PB_BYTES || n > NAME_MAX_BYTES || (n && memchr(f->bytes.at, 0, n)))
        return bad(r, "%s is no text of at most %d bytes", what, NAME_MAX_BYTES);
    char *copy = wk_arena_alloc(&r->m->arena, n + 1);
    if (n)
        memcpy(copy, f->bytes.at, n);
    *out = copy;
    return WK_OK;
}

/* ---- values by name ---- */

static size_t slot_of(const reader *r, const char *name)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (const char *c = name; *c; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    size_t at = (size_t)(hash ^ hash >> 32) & (r->table_size - 1);
    while (r->table[at] >= 0 && strcmp(r->m->names[r->table[at]], name) != 0)
        at = (at + 1) & (r->table_size - 1);
    return at;
}

static int find(const reader *r, const char *name)
{
    return r->table[slot_of(r, name)];
}

/* A new value; what makes it is said when there is one of that name already. */
static wk_status add_value(reader *r, const char *name, const char *maker, int *out)
{
    const size_t at = slot_of(r, name);
    if (r->table[at] >= 0)
        return bad(r, "%s gives \"%s\" a second time; names must differ", maker, name);
    r->table[at] = *out = (int)r->m->n_values;
    r->m->names[r->m->n_values++] = name;
    return WK_OK;
}

/* ---- tensors ---- */

/* Numbers of a repeated field, packed or not, appended to v [max]; *n counts them. */
static wk_status add_ints(reader *r, const wk_pb_field *f, int64_t *v, size_t max, size_t *n)
{
    wk_pb_view list = f->bytes;
    uint64_t x = f->value;
    if (f->wire != WK_PB_VARINT && f->wire != WK_PB_BYTES)
        return bad(r, "a list of whole numbers has another wire type");
    while (f->wire == WK_PB_VARINT || wk_pb_left(list)) {
        if (f->wire == WK_PB_BYTES && !wk_pb_varint(&list, &x))
            return bad(r, "a list of whole numbers is cut");
        if (*n >= max)
            return bad(r, "a list holds more than the %zu numbers that fit", max);
        v[(*n)++] = (int64_t)x;
        if (f->wire == WK_PB_VARINT)
            break;
    }
    return WK_OK;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t word_at(const uint8_t *p, size_t width)
{
    uint64_t x = 0;
    for (size_t i = 0; i < width; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static wk_status add_floats(reader *r, const wk_pb_field *f, float *v, size_t max, size_t *n)
{
    const size_t count = f->wire == WK_PB_I32 ? 1 : wk_pb_left(f->bytes) / 4;
    if (f->wire != WK_PB_I32 && (f->wire != WK_PB_BYTES || wk_pb_left(f->bytes) % 4))
        return bad(r, "a list of numbers is cut or has another wire type");
    if (count > max - *n)
        return bad(r, "a list holds more than the %zu numbers that fit", max);
    for (size_t i = 0; i < count; i++)
        v[(*n)++] = float_of(f->wire == WK_PB_I32 ? (uint32_t)f->value
                                                  : (uint32_t)word_at(f->bytes.at + 4 * i, 4));
    return WK_OK;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

typedef struct {
    int64_t type;
    int64_t dims[WK_ONNX_RANK_MAX];
    size_t rank;
    const char *name;
    wk_pb_view raw;
    bool has_raw, is_outside;
} tensor_text;

static wk_status tensor_fields(reader *r, wk_pb_view view, tensor_text *t)
{
    wk_pb_field f;
    const char *why = NULL;
    *t = (tensor_text){.name = ""};
    EACH_FIELD(view, f, why)
    {
        switch (f.number) {
        case 1:
            WK_TRY(add_ints(r, &f, t->dims, WK_ONNX_RANK_MAX, &t->rank));
            break;
        case 2:
            t->type = f.wire == WK_PB_VARINT && f.value < 64 ? (int64_t)f.value : -1;
            break;
        case 8:
            WK_TRY(text_of(r, &f, "a tensor's name", &t->name));
            break;
        case 9:
            if (f.wire != WK_PB_BYTES)
                return bad(r, "tensor %s: its raw data has another wire type", t->name);
            t->raw = f.bytes;
            t->has_raw = true;
            break;
        case 13:
            t->is_outside = true;
            break;
        case 14:
            t->is_outside = t->is_outside || f.value != 0;
            break;
        default:
            break;
        }
    }
    CHECK_WHY(r, why, "a tensor");
    return WK_OK;
}

/* The numbers that stand in lists instead of raw bytes. */
static wk_status tensor_lists(reader *r, wk_pb_view view, const tensor_text *t,
                              wk__onnx_tensor *out, size_t *n)
{
    wk_pb_field f;
    const char *why = NULL;
    EACH_FIELD(view, f, why)
    {
        if (f.number == 4 && t->type == FLOAT) {
            WK_TRY(add_floats(r, &f, out->f, out->n, n));
        } else if ((f.number == 7 && t->type == INT64) ||
                   (f.number == 5 && (t->type == INT32 || t->type == BOOL))) {
            WK_TRY(add_ints(r, &f, out->i, out->n, n));
        } else if (f.number == 10 && t->type == DOUBLE) {
            const size_t count = f.wire == WK_PB_I64 ? 1 : wk_pb_left(f.bytes) / 8;
            if (count > out->n - *n || (f.wire != WK_PB_I64 && f.wire != WK_PB_BYTES))
                return bad(r, "tensor %s holds more numbers than its shape", t->name);
            for (size_t i = 0; i < count; i++)
                out->f[(*n)++] = (float)double_of(
                    f.wire == WK_PB_I64 ? f.value : word_at(f.bytes.at + 8 * i, 8));
        }
    }
    return WK_OK;
}

static void tensor_raw(const tensor_text *t, wk__onnx_tensor *out, size_t width)
{
    for (size_t k = 0; k < out->n; k++) {
        const uint64_t x = word_at(t->raw.at + k * width, width);
        if (t->type == FLOAT)
            out->f[k] = float_of((uint32_t)x);
        else if (t->type == DOUBLE)
            out->f[k] = (float)double_of(x);
        else
            out->i[k] = t->type == INT32 ? (int64_t)(int32_t)(uint32_t)x : (int64_t)x;
    }
}

static wk_status read_tensor(reader *r, wk_pb_view view, const char **name, wk__onnx_tensor **to)
{
    static const char *const types[] = {"nothing",    "float",   "uint8",  "int8",   "uint16",
                                        "int16",      "int32",   "int64",  "string", "bool",
                                        "float16",    "double",  "uint32", "uint64", "complex64",
                                        "complex128", "bfloat16"};
    const size_t n_types = sizeof types / sizeof *types;
    tensor_text t;
    WK_TRY(tensor_fields(r, view, &t));
    const bool is_int = t.type == INT64 || t.type == INT32 || t.type == BOOL;
    if (t.is_outside)
        return bad(r,
                   "tensor %s lies in another file (external data), which is not read; save the "
                   "model in one file",
                   t.name);
    if (!is_int && t.type != FLOAT && t.type != DOUBLE)
        return bad(r, "tensor %s is of type %s; want float, int64, int32 or bool", t.name,
                   t.type >= 0 && (size_t)t.type < n_types ? types[t.type] : "(unknown)");
    wk__onnx_tensor *out = wk_arena_alloc(&r->m->arena, sizeof *out);
    *out = (wk__onnx_tensor){.is_int = is_int, .is_known = true, .rank = t.rank, .n = 1};
    /* In a file every number takes a byte or more: its size bounds what is allocated. */
    const size_t most = wk_pb_left(view);
    bool empty = false;
    for (size_t k = 0; k < t.rank; k++)
        empty = empty || t.dims[k] == 0;
    for (size_t k = 0; k < t.rank; k++) {
        if (t.dims[k] < 0 || t.dims[k] > WK__ONNX_MAX_NUMBERS ||
            (!empty && t.dims[k] > (int64_t)(most / out->n)))
            return bad(r, "tensor %s: dimension %zu is %" PRId64 ", more than its %zu bytes hold",
                       t.name, k, t.dims[k], most);
        out->dims[k] = (size_t)t.dims[k];
        out->n = empty ? 0 : out->n * out->dims[k];
    }
    if (is_int)
        out->i = wk_arena_array(&r->m->arena, int64_t, wk__pad(out->n));
    else
        out->f = wk_arena_array(&r->m->arena, float, wk__pad(out->n));
    size_t n = 0;
    if (t.has_raw) {
        const size_t width = t.type == BOOL ? 1 : t.type == INT64 || t.type == DOUBLE ? 8 : 4;
        n = wk_pb_left(t.raw) / width;
        if (n == out->n && wk_pb_left(t.raw) % width == 0)
            tensor_raw(&t, out, width);
        else
            return bad(r, "tensor %s has %zu bytes; its shape needs %zu", t.name, wk_pb_left(t.raw),
                       out->n * width);
    } else {
        WK_TRY(tensor_lists(r, view, &t, out, &n));
    }
    if (n != out->n)
        return bad(r, "tensor %s has %zu numbers; its shape needs %zu", t.name, n, out->n);
    if (name)
        *name = t.name;
    *to = out;
    return WK_OK;
}

/* ---- nodes ---- */

/* A short list of words, as activations are, becomes one text. */
static wk_status add_string(reader *r, const wk_pb_field *f, wk__onnx_attribute *a)
{
    enum { WORDS = 6 };
    const char *word = "";
    if (a->n_strings++ >= WORDS)
        return WK_OK;
    WK_TRY(text_of(r, f, "an attribute's text", &word));
    a->s = a->s ? wk_arena_printf(&r->m->arena, "%s %s", a->s, word) : word;
    return WK_OK;
}

static wk_status read_attribute(reader *r, wk_pb_view view, const wk__onnx_op *op,
                                wk__onnx_attribute *a)
{
    wk_pb_field f;
    const char *why = NULL;
    *a = (wk__onnx_attribute){.name = ""};
    wk_pb_view again = view;
    /* Each number of a list takes a byte or more. */
    const size_t most = wk_pb_left(view);
    EACH_FIELD(view, f, why)
    {
        const bool is_int = f.wire == WK_PB_VARINT, is_float = f.wire == WK_PB_I32;
        if (f.number == 1)
            WK_TRY(text_of(r, &f, "an attribute's name", &a->name));
        else if (f.number == 2 && is_float)
            a->f = float_of((uint32_t)f.value);
        else if (f.number == 3 && is_int)
            a->i = (int64_t)f.value;
        else if (f.number == 4)
            WK_TRY(text_of(r, &f, "an attribute's text", &a->s));
        else if (f.number == 5 && f.wire == WK_PB_BYTES)
            WK_TRY(read_tensor(r, f.bytes, NULL, &a->t));
        else if (f.number == 6 || f.number == 11)
            return bad(r, "operator %s of node \"%s\" holds a graph, which is not supported",
                       op->op, op->name);
        else if (f.number == 9)
            WK_TRY(add_string(r, &f, a));
        else if (f.number == 7 && !a->floats)
            a->floats = wk_arena_array(&r->m->arena, float, most);
        else if (f.number == 8 && !a->ints)
            a->ints = wk_arena_array(&r->m->arena, int64_t, most);
    }
    CHECK_WHY(r, why, "an attribute");
    EACH_FIELD(again, f, why)
    {
        if (f.number == 7)
            WK_TRY(add_floats(r, &f, a->floats, most, &a->n_floats));
        else if (f.number == 8)
            WK_TRY(add_ints(r, &f, a->ints, most, &a->n_ints));
    }
    return WK_OK;
}

typedef struct {
    size_t in, out, attributes;
} counts;

static wk_status node_head(reader *r, wk_pb_view view, wk__onnx_op *op, counts *n)
{
    wk_pb_field f;
    const char *why = NULL, *domain = "";
    *op = (wk__onnx_op){.op = "", .name = ""};
    *n = (counts){0};
    EACH_FIELD(view, f, why)
    {
        if (f.number == 1)
            n->in++;
        else if (f.number == 2)
            n->out++;
        else if (f.number == 3)
            WK_TRY(text_of(r, &f, "a node's name", &op->name));
        else if (f.number == 4)
            WK_TRY(text_of(r, &f, "a node's operator", &op->op));
        else if (f.number == 5)
            n->attributes++;
        else if (f.number == 7)
            WK_TRY(text_of(r, &f, "a node's domain", &domain));
    }
    CHECK_WHY(r, why, "a node");
    if (*domain && strcmp(domain, "ai.onnx") != 0)
        return bad(r, "operator %.100s.%.100s of node \"%.100s\" is unknown", domain, op->op,
                   op->name);
    return WK_OK;
}

static wk_status read_node(reader *r, wk_pb_view view, wk__onnx_op *op)
{
    wk_pb_field f;
    const char *why = NULL, *name = "";
    counts n;
    WK_TRY(node_head(r, view, op, &n));
    op->in = wk_arena_array(&r->m->arena, int, n.in);
    op->out = wk_arena_array(&r->m->arena, int, n.out);
    op->attributes = wk_arena_array(&r->m->arena, wk__onnx_attribute, n.attributes);
    wk_pb_view again = view;
    EACH_FIELD(view, f, why)
    {
        if (f.number == 5 && f.wire == WK_PB_BYTES) {
            WK_TRY(read_attribute(r, f.bytes, op, &op->attributes[op->n_attributes]));
            op->n_attributes++;
        } else if (f.number == 1) {
            WK_TRY(text_of(r, &f, "a node's input", &name));
            const int value = *name ? find(r, name) : -1;
            if (*name && value < 0)
                return bad(
                    r,
                    "operator %.100s of node \"%.100s\" reads \"%.200s\", which nothing before it "
                    "gives (a cycle, or an input that is missing)",
                    op->op, op->name, name);
            op->in[op->n_in++] = value;
        }
    }
    EACH_FIELD(again, f, why)
    {
        if (f.number != 2)
            continue;
        WK_TRY(text_of(r, &f, "a node's output", &name));
        op->out[op->n_out] = -1;
        if (*name)
            WK_TRY(add_value(r, name, op->op, &op->out[op->n_out]));
        op->n_out++;
    }
    return WK_OK;
}

/* ---- graph ---- */

static wk_status read_dims(reader *r, wk_pb_view shape, wk_onnx_shape *s)
{
    wk_pb_field f, g;
    const char *why = NULL;
    EACH_FIELD(shape, f, why)
    {
        if (f.number != 1 || f.wire != WK_PB_BYTES)
            continue;
        if (s->rank == WK_ONNX_RANK_MAX)
            return bad(r, "\"%s\" has more than %d dimensions", s->name, WK_ONNX_RANK_MAX);
        int64_t dim = -1;
        EACH_FIELD(f.bytes, g, why)
        {
            if (g.number == 1 && g.wire == WK_PB_VARINT)
                dim = (int64_t)g.value;
        }
        if (dim < -1 || dim > WK__ONNX_MAX_NUMBERS)
            return bad(r, "\"%s\": dimension %zu is %" PRId64, s->name, s->rank, dim);
        /* Some writers say 0 for a dimension that is free. */
        s->dims[s->rank++] = dim > 0 ? dim : -1;
    }
    CHECK_WHY(r, why, "a shape");
    return WK_OK;
}

/* A ValueInfoProto: name, and type.tensor_type {elem_type, shape}. */
static wk_status read_port(reader *r, wk_pb_view view, wk_onnx_shape *s, uint64_t *type)
{
    wk_pb_field f;
    const char *why = NULL;
    wk_pb_view kind = {0}, tensor = {0}, shape = {0};
    *s = (wk_onnx_shape){.name = ""};
    *type = 0;
    EACH_FIELD(view, f, why)
    {
        if (f.number == 1)
            WK_TRY(text_of(r, &f, "a port's name", &s->name));
        else if (f.number == 2 && f.wire == WK_PB_BYTES)
            kind = f.bytes;
    }
    EACH_FIELD(kind, f, why)
    {
        if (f.number == 1 && f.wire == WK_PB_BYTES)
            tensor = f.bytes;
    }
    EACH_FIELD(tensor, f, why)
    {
        if (f.number == 1 && f.wire == WK_PB_VARINT)
            *type = f.value;
        else if (f.number == 2 && f.wire == WK_PB_BYTES)
            shape = f.bytes;
    }
    CHECK_WHY(r, why, "an input or output");
    return read_dims(r, shape, s);
}

static wk_status read_input(reader *r, wk_pb_view view)
{
    wk_onnx *m = r->m;
    wk_onnx_shape s;
    uint64_t type;
    WK_TRY(read_port(r, view, &s, &type));
    /* Old files list their constants as inputs too. */
    const int value = find(r, s.name);
    if (value >= 0 && m->constants[value])
        return WK_OK;
    if (type != FLOAT)
        return bad(r, "input \"%s\" is not of floats (type %" PRIu64 ")", s.name, type);
    WK_TRY(add_value(r, s.name, "an input", &m->input_values[m->n_inputs]));
    m->inputs[m->n_inputs++] = s;
    return WK_OK;
}

static wk_status read_output(reader *r, wk_pb_view view)
{
    wk_onnx *m = r->m;
    wk_onnx_shape s;
    uint64_t type;
    WK_TRY(read_port(r, view, &s, &type));
    const int value = find(r, s.name);
    if (value < 0)
        return bad(r, "output \"%s\" is given by no node", s.name);
    m->output_values[m->n_outputs++] = value;
    return WK_OK;
}

static wk_status read_constant(reader *r, wk_pb_view view)
{
    const char *name = "";
    int value = -1;
    wk__onnx_tensor *t;
    WK_TRY(read_tensor(r, view, &name, &t));
    WK_TRY(add_value(r, name, "a constant", &value));
    r->m->constants[value] = t;
    return WK_OK;
}

/* The parts of a graph may come in any order, but refer to each other: one pass for each kind. */
static wk_status read_parts(reader *r, wk_pb_view graph)
{
    static const struct {
        uint32_t field;
        wk_status (*read)(reader *, wk_pb_view);
    } passes[] = {{5, read_constant}, {11, read_input}, {1, NULL}, {12, read_output}};
    for (size_t k = 0; k < sizeof passes / sizeof *passes; k++) {
        wk_pb_view view = graph;
        wk_pb_field f;
        const char *why = NULL;
        EACH_FIELD(view, f, why)
        {
            if (f.number != passes[k].field)
                continue;
            if (f.wire != WK_PB_BYTES)
                return bad(r, "field %" PRIu32 " of the graph has another wire type", f.number);
            if (passes[k].read)
                WK_TRY(passes[k].read(r, f.bytes));
            else
                WK_TRY(read_node(r, f.bytes, &r->m->ops[r->m->n_ops++]));
        }
    }
    return WK_OK;
}

static wk_status count_parts(reader *r, wk_pb_view graph, size_t *n_values)
{
    wk_pb_field f, g;
    const char *why = NULL;
    wk_onnx *m = r->m;
    size_t nodes = 0, inputs = 0, outputs = 0, constants = 0, made = 0;
    EACH_FIELD(graph, f, why)
    {
        nodes += f.number == 1;
        constants += f.number == 5;
        inputs += f.number == 11;
        outputs += f.number == 12;
        if (f.number == 15)
            return bad(r, "the graph has sparse constants, which are not supported");
        wk_pb_view node = f.bytes;
        while (f.number == 1 && f.wire == WK_PB_BYTES && wk_pb_next(&node, &g, &why))
            made += g.number == 2;
    }
    CHECK_WHY(r, why, "the graph");
    if (nodes > NODES_MAX || inputs > LIST_MAX || outputs > LIST_MAX)
        return bad(r, "%zu nodes, %zu inputs, %zu outputs: more than the limit of %d", nodes,
                   inputs, outputs, NODES_MAX);
    m->ops = wk_arena_array(&m->arena, wk__onnx_op, nodes);
    m->inputs = wk_arena_array(&m->arena, wk_onnx_shape, inputs);
    m->input_values = wk_arena_array(&m->arena, int, inputs);
    m->output_values = wk_arena_array(&m->arena, int, outputs);
    *n_values = constants + inputs + made;
    return WK_OK;
}

static wk_status read_model(reader *r, wk_pb_view model)
{
    wk_pb_field f, g;
    const char *why = NULL, *domain;
    wk_pb_view graph = {0};
    size_t n_graphs = 0;
    wk_onnx *m = r->m;
    EACH_FIELD(model, f, why)
    {
        if (f.wire != WK_PB_BYTES)
            continue;
        if (f.number == 7) {
            graph = f.bytes;
            n_graphs++;
        } else if (f.number == 8) {
            int64_t version = 0;
            domain = "";
            EACH_FIELD(f.bytes, g, why)
            {
                if (g.number == 1)
                    WK_TRY(text_of(r, &g, "an operator set's domain", &domain));
                else if (g.number == 2)
                    version = (int64_t)g.value;
            }
            if (!*domain || strcmp(domain, "ai.onnx") == 0)
                m->opset = version;
        }
    }
    CHECK_WHY(r, why, "the model");
    if (n_graphs != 1)
        return bad(r, "%zu graphs; an ONNX file has one", n_graphs);
    if (m->opset < OPSET_MIN || m->opset > OPSET_MAX)
        return bad(r, "operators of opset %" PRId64 "; want %d to %d", m->opset, OPSET_MIN,
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
        return bad(r, "the graph has no outputs");
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
    reader r = {.m = m, .err = err};
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
