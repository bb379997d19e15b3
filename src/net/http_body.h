/* A reply's body as it comes: unpacked, and limited in its unpacked size. */
#ifndef WICK_NET_HTTP_BODY_H
#define WICK_NET_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#define ZLIB_CONST
#include <zlib.h>

typedef struct {
    char *bytes; /* owned; a 0 byte follows */
    size_t n, capacity, n_max;
    z_stream unpacker;
    bool is_packed, is_unpacked; /* Content-Encoding is gzip or deflate; its end was seen */
    bool is_too_large, is_damaged, out_of_memory;
} wk__http_body;

/* encoding: of the Content-Encoding header, "" for none. False where it is none that we asked for.
 */
bool wk__http_body_begin(wk__http_body *body, const char *encoding);
/* False: one of the three flags says why. */
bool wk__http_body_add(wk__http_body *body, const char *bytes, size_t n);
/* After the last byte: is the packed stream whole (or was there none)? */
bool wk__http_body_is_whole(const wk__http_body *body);
/* Frees what unpacks; the bytes stay. */
void wk__http_body_finish(wk__http_body *body);

#endif
