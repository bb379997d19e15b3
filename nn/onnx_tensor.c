/* Texts, lists and tensors of an ONNX file. */
#include <inttypes.h>
#include <string.h>

#include "nn/onnx_read.h"

enum { NAME_MAX_BYTES = 4096 };

wk_status wk__onnx_read_text(wk__onnx_reader *r, const wk_pb_field *f, const char *what,
                             const char **out)
{
    const size_t n = wk_pb_left(f->bytes);
    if (f->wire != WK_PB_BYTES || n > NAME_MAX_BYTES || (n && memchr(f->bytes.at, 0, n)))
        return wk__onnx_bad(r, "%s is no text of at most %d bytes", what, NAME_MAX_BYTES);
    char *copy = wk_arena_alloc(&r->m->arena, n + 1);
    if (n)
        memcpy(copy, f->bytes.at, n);
    *out = copy;
    return WK_OK;
}

wk_status wk__onnx_read_ints(wk__onnx_reader *r, const wk_pb_field *f, int64_t *v, size_t max,
                             size_t *n)
{
    wk_pb_view list = f->bytes;
    uint64_t x = f->value;
    if (f->wire != WK_PB_VARINT && f->wire != WK_PB_BYTES)
        return wk__onnx_bad(r, "a list of whole numbers has another wire type");
    while (f->wire == WK_PB_VARINT || wk_pb_left(list)) {
        if (f->wire == WK_PB_BYTES && !wk_pb_varint(&list, &x))
            return wk__onnx_bad(r, "a list of whole numbers is cut");
        if (*n >= max)
            return wk__onnx_bad(r, "a list holds more than the %zu numbers that fit", max);
        v[(*n)++] = (int64_t)x;
        if (f->wire == WK_PB_VARINT)
            break;
    }
    return WK_OK;
}

float wk__onnx_float_of(uint32_t bits)
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

wk_status wk__onnx_read_floats(wk__onnx_reader *r, const wk_pb_field *f, float *v, size_t max,
                               size_t *n)
{
    const size_t count = f->wire == WK_PB_I32 ? 1 : wk_pb_left(f->bytes) / 4;
    if (f->wire != WK_PB_I32 && (f->wire != WK_PB_BYTES || wk_pb_left(f->bytes) % 4))
        return wk__onnx_bad(r, "a list of numbers is cut or has another wire type");
    if (count > max - *n)
        return wk__onnx_bad(r, "a list holds more than the %zu numbers that fit", max);
    for (size_t i = 0; i < count; i++)
        v[(*n)++] = wk__onnx_float_of(
            f->wire == WK_PB_I32 ? (uint32_t)f->value : (uint32_t)word_at(f->bytes.at + 4 * i, 4));
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

static wk_status tensor_fields(wk__onnx_reader *r, wk_pb_view view, tensor_text *t)
{
    wk_pb_field f;
    const char *why = NULL;
    *t = (tensor_text){.name = ""};
    WK__ONNX_EACH_FIELD(view, f, why)
    {
        switch (f.number) {
        case 1:
            WK_TRY(wk__onnx_read_ints(r, &f, t->dims, WK_ONNX_RANK_MAX, &t->rank));
            break;
        case 2:
            t->type = f.wire == WK_PB_VARINT && f.value < 64 ? (int64_t)f.value : -1;
            break;
        case 8:
            WK_TRY(wk__onnx_read_text(r, &f, "a tensor's name", &t->name));
            break;
        case 9:
            if (f.wire != WK_PB_BYTES)
                return wk__onnx_bad(r, "tensor \"%.200s\": its raw data has another wire type",
                                    t->name);
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
    WK__ONNX_CHECK(r, why, "a tensor");
    return WK_OK;
}

/* The numbers that stand in lists instead of raw bytes. */
static wk_status tensor_lists(wk__onnx_reader *r, wk_pb_view view, const tensor_text *t,
                              wk__onnx_tensor *out, size_t *n)
{
    wk_pb_field f;
    const char *why = NULL;
    WK__ONNX_EACH_FIELD(view, f, why)
    {
        if (f.number == 4 && t->type == WK__ONNX_FLOAT) {
            WK_TRY(wk__onnx_read_floats(r, &f, out->f, out->n, n));
        } else if ((f.number == 7 && t->type == WK__ONNX_INT64) ||
                   (f.number == 5 && (t->type == WK__ONNX_INT32 || t->type == WK__ONNX_BOOL))) {
            WK_TRY(wk__onnx_read_ints(r, &f, out->i, out->n, n));
        } else if (f.number == 10 && t->type == WK__ONNX_DOUBLE) {
            const size_t count = f.wire == WK_PB_I64 ? 1 : wk_pb_left(f.bytes) / 8;
            if (count > out->n - *n || (f.wire != WK_PB_I64 && f.wire != WK_PB_BYTES))
                return wk__onnx_bad(r, "tensor \"%.200s\" holds more numbers than its shape",
                                    t->name);
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
        if (t->type == WK__ONNX_FLOAT)
            out->f[k] = wk__onnx_float_of((uint32_t)x);
        else if (t->type == WK__ONNX_DOUBLE)
            out->f[k] = (float)double_of(x);
        else
            out->i[k] = t->type == WK__ONNX_INT32 ? (int64_t)(int32_t)(uint32_t)x : (int64_t)x;
    }
}

wk_status wk__onnx_read_tensor(wk__onnx_reader *r, wk_pb_view view, const char **name,
                               wk__onnx_tensor **to)
{
    static const char *const types[] = {"nothing",    "float",   "uint8",  "int8",   "uint16",
                                        "int16",      "int32",   "int64",  "string", "bool",
                                        "float16",    "double",  "uint32", "uint64", "complex64",
                                        "complex128", "bfloat16"};
    const size_t n_types = sizeof types / sizeof *types;
    tensor_text t;
    WK_TRY(tensor_fields(r, view, &t));
    const bool is_int =
        t.type == WK__ONNX_INT64 || t.type == WK__ONNX_INT32 || t.type == WK__ONNX_BOOL;
    if (t.is_outside)
        return wk__onnx_bad(
            r,
            "tensor \"%.200s\" lies in another file (external data), which is not read; save the "
            "model in one file",
            t.name);
    if (!is_int && t.type != WK__ONNX_FLOAT && t.type != WK__ONNX_DOUBLE)
        return wk__onnx_bad(r, "tensor \"%.200s\" is of type %s; want float, int64, int32 or bool",
                            t.name,
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
            return wk__onnx_bad(
                r, "tensor \"%.200s\": dimension %zu is %" PRId64 ", more than its %zu bytes hold",
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
        const size_t width = t.type == WK__ONNX_BOOL                                 ? 1
                             : t.type == WK__ONNX_INT64 || t.type == WK__ONNX_DOUBLE ? 8
                                                                                     : 4;
        n = wk_pb_left(t.raw) / width;
        if (n == out->n && wk_pb_left(t.raw) % width == 0)
            tensor_raw(&t, out, width);
        else
            return wk__onnx_bad(r, "tensor \"%.200s\" has %zu bytes; its shape needs %zu", t.name,
                                wk_pb_left(t.raw), out->n * width);
    } else {
        WK_TRY(tensor_lists(r, view, &t, out, &n));
    }
    if (n != out->n)
        return wk__onnx_bad(r, "tensor \"%.200s\" has %zu numbers; its shape needs %zu", t.name, n,
                            out->n);
    if (name)
        *name = t.name;
    *to = out;
    return WK_OK;
}
