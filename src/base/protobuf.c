#include "wick/protobuf.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT_MAX = 10, TAG_BITS = 32 };

void wk_pb_put_varint(wk_text *m, uint64_t x)
{
    char bytes[VARINT_MAX];
    size_t n = 0;
    do {
        bytes[n++] = (char)(uint8_t)((x & 127) | (x > 127 ? 128 : 0));
        x >>= 7;
    } while (x);
    wk_text_add_bytes(m, bytes, n);
}

static void put_tag(wk_text *m, unsigned field, unsigned wire)
{
    wk_pb_put_varint(m, (uint64_t)field << 3 | wire);
}

void wk_pb_put_int(wk_text *m, unsigned field, int64_t x)
{
    put_tag(m, field, WK_PB_VARINT);
    wk_pb_put_varint(m, (uint64_t)x);
}

void wk_pb_put_float(wk_text *m, unsigned field, float x)
{
    uint32_t bits;
    char bytes[4];
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(uint8_t)(bits >> (8 * i));
    put_tag(m, field, WK_PB_I32);
    wk_text_add_bytes(m, bytes, sizeof bytes);
}

void wk_pb_put_bytes(wk_text *m, unsigned field, const void *bytes, size_t n)
{
    put_tag(m, field, WK_PB_BYTES);
    wk_pb_put_varint(m, n);
    wk_text_add_bytes(m, bytes, n);
}

void wk_pb_put_string(wk_text *m, unsigned field, const char *s)
{
    wk_pb_put_bytes(m, field, s, strlen(s));
}

void wk_pb_put_message(wk_text *m, unsigned field, wk_text *inner)
{
    wk_pb_put_bytes(m, field, inner->s ? inner->s : "", inner->n);
    free(inner->s);
    *inner = (wk_text){0};
}

bool wk_pb_varint(wk_pb_view *view, uint64_t *out)
{
    uint64_t x = 0;
    const size_t left = wk_pb_left(*view);
    for (size_t i = 0; i < left && i < VARINT_MAX; i++) {
        const uint8_t byte = view->at[i];
        /* The tenth byte holds the 64th bit alone. */
        if (i == VARINT_MAX - 1 && byte > 1)
            return false;
        x |= (uint64_t)(byte & 127) << (7 * i);
        if (byte < 128) {
            view->at += i + 1;
            *out = x;
            return true;
        }
    }
    return false;
}

static bool fixed(wk_pb_view *view, size_t n, uint64_t *out)
{
    if (wk_pb_left(*view) < n)
        return false;
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)view->at[i] << (8 * i);
    view->at += n;
    *out = x;
    return true;
}

bool wk_pb_next(wk_pb_view *view, wk_pb_field *out, const char **why)
{
    uint64_t tag, n;
    if (view->at == view->end)
        return false;
    wk_pb_field f = {0};
    if (!wk_pb_varint(view, &tag) || tag >> TAG_BITS || tag >> 3 == 0) {
        *why = "a field's tag is cut or impossible";
        return false;
    }
    f.number = (uint32_t)(tag >> 3);
    f.wire = (int)(tag & 7);
    bool good = false;
    switch (f.wire) {
    case WK_PB_VARINT:
        good = wk_pb_varint(view, &f.value);
        *why = good ? *why : "a number is cut or longer than 64 bits";
        break;
    case WK_PB_I64:
    case WK_PB_I32:
        good = fixed(view, f.wire == WK_PB_I64 ? 8 : 4, &f.value);
        *why = good ? *why : "a number is cut";
        break;
    case WK_PB_BYTES:
        good = wk_pb_varint(view, &n) && n <= wk_pb_left(*view);
        *why = good ? *why : "a length reaches past the end of its message";
        if (good) {
            f.bytes = (wk_pb_view){view->at, view->at + n};
            view->at += n;
        }
        break;
    default:
        *why = "a field has an unknown wire type";
    }
    if (good)
        *out = f;
    return good;
}
