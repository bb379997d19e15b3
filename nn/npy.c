/* The header is a Python literal such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4),
 * } after "\x93NUMPY", two version bytes and its length in two or four bytes. Only what NumPy
 * itself writes is read: three keys, each once. */
#include "wick/npy.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"

enum { MAGIC = 6, HEADER_MAX = 65536 };

typedef struct {
    const char *at, *end;
} cursor;

static void spaces(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n'))
        c->at++;
}

static bool eat(cursor *c, const char *text)
{
    const size_t n = strlen(text);
    spaces(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* A quoted word of at most `size` - 1 characters. */
static bool word(cursor *c, char *out, size_t size)
{
    spaces(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    const char quote = *c->at++;
    size_t n = 0;
    while (c->at < c->end && *c->at != quote && n + 1 < size)
        out[n++] = *c->at++;
    out[n] = 0;
    if (c->at == c->end || *c->at != quote)
        return false;
    c->at++;
    return true;
}

static bool number(cursor *c, size_t *out)
{
    spaces(c);
    size_t value = 0;
    int digits = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        if (++digits > 18)
            return false;
        value = value * 10 + (size_t)(*c->at - '0');
    }
    *out = value;
    return digits > 0;
}

static bool read_shape(cursor *c, wk_npy *a)
{
    if (!eat(c, "("))
        return false;
    while (!eat(c, ")")) {
        if (a->rank == WK_NPY_RANK_MAX || !number(c, &a->shape[a->rank]))
            return false;
        a->rank++;
        if (!eat(c, ",") && (spaces(c), c->at == c->end || *c->at != ')'))
            return false;
    }
    return true;
}

static wk_status read_type(const char *path, const char *descr, wk_npy *a, wk_err *err)
{
    const char order = descr[0], kind = order ? descr[1] : 0;
    const char *size = kind ? descr + 2 : "";
    const size_t item =
        strlen(size) == 1 && *size >= '1' && *size <= '8' ? (size_t)(*size - '0') : 0;
    const bool one = item == 1 && (kind == 'i' || kind == 'u' || kind == 'b');
    const bool many = (item == 2 && kind != 'f') || item == 4 || item == 8;
    if (order == '>')
        return wk_fail(err, WK_E_PARSE,
                       "%s: numbers are big-endian (%s); save it with astype('<%c%s')", path, descr,
                       kind ? kind : 'f', size);
    if (!(one && (order == '|' || order == '<')) &&
        !(many && order == '<' && (kind == 'f' || kind == 'i' || kind == 'u')))
        return wk_fail(err, WK_E_PARSE,
                       "%s: numbers of type %s; want float32, float64, an integer or bool", path,
                       *descr ? descr : "(none)");
    a->kind = kind;
    a->item = item;
    return WK_OK;
}

static wk_status read_header(const char *path, cursor c, wk_npy *a, wk_err *err)
{
    bool descr = false, order = false, shape = false;
    char key[16], text[16];
    if (!eat(&c, "{"))
        return wk_fail(err, WK_E_PARSE, "%s: the header is no dictionary", path);
    while (!eat(&c, "}")) {
        bool ok = word(&c, key, sizeof key) && eat(&c, ":");
        if (ok && strcmp(key, "descr") == 0 && !descr) {
            descr = ok = word(&c, text, sizeof text);
            if (ok)
                WK_TRY(read_type(path, text, a, err));
            else
                return wk_fail(
                    err, WK_E_PARSE,
                    "%s: a table of named columns or objects; want a plain array of numbers", path);
        } else if (ok && strcmp(key, "fortran_order") == 0 && !order) {
            a->is_fortran = eat(&c, "True");
            order = ok = a->is_fortran || eat(&c, "False");
        } else if (ok && strcmp(key, "shape") == 0 && !shape) {
            shape = ok = read_shape(&c, a);
            if (!ok)
                return wk_fail(err, WK_E_PARSE, "%s: the shape is no tuple of at most %d numbers",
                               path, WK_NPY_RANK_MAX);
        } else {
            ok = false;
        }
        if (!ok || (!eat(&c, ",") && (spaces(&c), c.at == c.end || *c.at != '}')))
            return wk_fail(err, WK_E_PARSE, "%s: the header is not as NumPy writes it", path);
    }
    if (!descr || !order || !shape)
        return wk_fail(err, WK_E_PARSE, "%s: the header has no %s", path,
                       !descr   ? "descr"
                       : !order ? "fortran_order"
                                : "shape");
    return WK_OK;
}

wk_status wk_npy_parse(const char *path, const char *bytes, size_t size, wk_npy *out, wk_err *err)
{
    const unsigned char *u = (const unsigned char *)bytes;
    if (size < MAGIC + 4 || memcmp(bytes, "\x93NUMPY", MAGIC) != 0)
        return wk_fail(err, WK_E_PARSE, "%s: not an .npy file", path);
    const unsigned version = u[MAGIC];
    const size_t prefix = MAGIC + (version == 1 ? 4u : 6u);
    if (version < 1 || version > 3 || size < prefix)
        return wk_fail(err, WK_E_PARSE, "%s: .npy version %u; want 1 to 3", path, version);
    size_t header = u[MAGIC + 2] | (size_t)u[MAGIC + 3] << 8;
    if (version > 1)
        header |= (size_t)u[MAGIC + 4] << 16 | (size_t)u[MAGIC + 5] << 24;
    if (header > HEADER_MAX || header > size - prefix)
        return wk_fail(err, WK_E_PARSE,
                       "%s: the header claims %zu bytes of a file of %zu; cut short?", path, header,
                       size);
    wk_npy a = {.shape = {0}};
    WK_TRY(read_header(path, (cursor){bytes + prefix, bytes + prefix + header}, &a, err));
    a.data = bytes + prefix + header;
    const size_t left = size - prefix - header;
    a.n = 1;
    for (size_t i = 0; i < a.rank; i++) {
        if (a.shape[i] && a.n > SIZE_MAX / 16 / a.shape[i])
            return wk_fail(err, WK_E_PARSE, "%s: the shape has more numbers than memory", path);
        a.n *= a.shape[i];
    }
    for (size_t i = a.rank; i < WK_NPY_RANK_MAX; i++)
        a.shape[i] = 1;
    if (a.n * a.item != left)
        return wk_fail(err, WK_E_PARSE, "%s: the shape needs %zu bytes, the file has %zu", path,
                       a.n * a.item, left);
    *out = a;
    return WK_OK;
}

/* The integer of `item` bytes at p, sign extended or not. */
static double integer(const char *p, size_t item, bool sign)
{
    uint64_t v = 0;
    for (size_t k = 0; k < item; k++)
        v |= (uint64_t)(unsigned char)p[k] << (8 * k);
    if (sign && item < 8 && v >> (8 * item - 1))
        v |= ~UINT64_C(0) << (8 * item);
    return sign ? (double)(int64_t)v : (double)v;
}

/* Where number i of C order stands in the file. */
static size_t place(const wk_npy *a, size_t i)
{
    size_t at = 0, step = a->n;
    if (!a->is_fortran)
        return i;
    for (size_t d = a->rank; d-- > 0; i /= a->shape[d]) {
        step /= a->shape[d];
        at += i % a->shape[d] * step;
    }
    return at;
}

double wk_npy_at(const wk_npy *a, size_t i)
{
    WK_ASSERT(i < a->n);
    const char *p = a->data + place(a, i) * a->item;
    float f;
    double d;
    if (a->kind != 'f')
        return a->kind == 'b' ? *p != 0 : integer(p, a->item, a->kind == 'i');
    if (a->item == 4) {
        memcpy(&f, p, sizeof f);
        return (double)f;
    }
    memcpy(&d, p, sizeof d);
    return d;
}

void wk_npy_floats(const wk_npy *a, size_t from, size_t n, float *out)
{
    WK_ASSERT(from <= a->n && n <= a->n - from);
    if (a->kind == 'f' && a->item == 4 && !a->is_fortran && n)
        memcpy(out, a->data + from * 4, n * sizeof *out);
    else
        for (size_t i = 0; i < n; i++)
            out[i] = (float)wk_npy_at(a, from + i);
}

wk_status wk_npy_write(const char *path, const float *values, const size_t *shape, size_t rank,
                       wk_err *err)
{
    char header[192];
    size_t n = 1;
    int at = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    WK_ASSERT(rank <= WK_NPY_RANK_MAX);
    for (size_t i = 0; i < rank; n *= shape[i++])
        at += snprintf(header + at, sizeof header - (size_t)at, "%zu,%s", shape[i],
                       i + 1 < rank ? " " : "");
    at += snprintf(header + at, sizeof header - (size_t)at, "), }");
    /* Padded so that the numbers begin at a multiple of 64 bytes. */
    const size_t length = ((size_t)at + 1 + MAGIC + 4 + 63) / 64 * 64 - MAGIC - 4;
    const unsigned char prefix[] = {0x93,
                                    'N',
                                    'U',
                                    'M',
                                    'P',
                                    'Y',
                                    1,
                                    0,
                                    (unsigned char)(length & 0xff),
                                    (unsigned char)(length >> 8)};
    wk_draft draft;
    WK_TRY(wk_draft_open(path, &draft, err));
    fwrite(prefix, 1, sizeof prefix, draft.stream);
    fprintf(draft.stream, "%s%*s\n", header, (int)(length - (size_t)at - 1), "");
    fwrite(values, sizeof *values, n, draft.stream);
    return wk_draft_publish(&draft, err);
}
