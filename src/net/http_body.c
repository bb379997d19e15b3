#include "http_body.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_BYTES = 16384, PIECE_BYTES = 16384 };

/* 32: gzip or zlib, whichever the first bytes say; what servers call deflate is zlib. */
bool wk__http_body_begin(wk__http_body *body, const char *encoding)
{
    if (!*encoding || strcasecmp(encoding, "identity") == 0)
        return true;
    if (strcasecmp(encoding, "gzip") != 0 && strcasecmp(encoding, "x-gzip") != 0 &&
        strcasecmp(encoding, "deflate") != 0)
        return false;
    body->is_packed = inflateInit2(&body->unpacker, 15 + 32) == Z_OK;
    body->out_of_memory = !body->is_packed;
    return body->is_packed;
}

static bool append(wk__http_body *body, const char *bytes, size_t n)
{
    if (n > body->n_max - body->n) {
        body->is_too_large = true;
        return false;
    }
    if (body->n + n + 1 > body->capacity) {
        size_t capacity = body->capacity ? body->capacity : FIRST_BYTES;
        while (capacity < body->n + n + 1)
            capacity *= 2;
        char *grown = realloc(body->bytes, capacity);
        if (!grown) {
            body->out_of_memory = true;
            return false;
        }
        body->bytes = grown;
        body->capacity = capacity;
    }
    memcpy(body->bytes + body->n, bytes, n);
    body->n += n;
    body->bytes[body->n] = 0;
    return true;
}

bool wk__http_body_add(wk__http_body *body, const char *bytes, size_t n)
{
    if (!body->is_packed)
        return append(body, bytes, n);
    char piece[PIECE_BYTES];
    z_stream *z = &body->unpacker;
    z->next_in = (const Bytef *)bytes;
    z->avail_in = (uInt)n;
    do {
        if (body->is_unpacked && z->avail_in) {
            body->is_damaged = true; /* something after the end */
            return false;
        }
        z->next_out = (Bytef *)piece;
        z->avail_out = sizeof piece;
        int code = inflate(z, Z_NO_FLUSH);
        if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
            body->is_damaged = true;
            return false;
        }
        body->is_unpacked = code == Z_STREAM_END;
        if (!append(body, piece, sizeof piece - z->avail_out))
            return false;
    } while (z->avail_in || z->avail_out == 0);
    return true;
}

bool wk__http_body_is_whole(const wk__http_body *body)
{
    return !body->is_packed || body->is_unpacked || body->unpacker.total_in == 0;
}

void wk__http_body_finish(wk__http_body *body)
{
    if (body->is_packed)
        inflateEnd(&body->unpacker);
    body->is_packed = false;
}
