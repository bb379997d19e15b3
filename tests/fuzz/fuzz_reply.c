/* libFuzzer target over whole replies of HTTP/1.1: the input in one piece, byte by byte and in
 * pieces that its first byte chooses must give the same reply; none is larger than it may be. */
#include <stdlib.h>
#include <string.h>

#include "../../src/net/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { BODY_BYTES_MAX = 1 << 16 };

static wk__http_reply *read_in(const char *text, size_t n, size_t step, bool ends)
{
    wk__http_reply *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->body.n_max = BODY_BYTES_MAX;
    for (size_t i = 0; i < n; i += step) {
        size_t piece = i + step < n ? step : n - i;
        /* A copy of exact size, so that a read past the piece is caught. */
        char *copy = malloc(piece);
        if (!copy)
            abort();
        memcpy(copy, text + i, piece);
        wk__http_reply_feed(r, copy, piece, INT64_C(1700000000000000000));
        free(copy);
    }
    if (ends)
        wk__http_reply_end(r);
    if (r->body.n > BODY_BYTES_MAX || (r->body.bytes && r->body.bytes[r->body.n]) ||
        (ends && r->state != WK__REPLY_WHOLE && r->state != WK__REPLY_BAD) ||
        (r->state == WK__REPLY_BAD) != (r->why != NULL) ||
        (r->state == WK__REPLY_WHOLE && (r->status < 200 || r->status > 999)))
        abort();
    return r;
}

static void finish(wk__http_reply *r)
{
    wk__http_body_finish(&r->body);
    free(r->body.bytes);
    free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 1)
        return 0;
    const char *text = (const char *)bytes + 1;
    const size_t steps[2] = {1, 2 + bytes[0] / 2};
    bool ends = bytes[0] & 1;
    wk__http_reply *whole = read_in(text, n - 1, n, ends);
    for (int i = 0; i < 2; i++) {
        wk__http_reply *r = read_in(text, n - 1, steps[i], ends);
        if (r->state != whole->state ||
            (r->state == WK__REPLY_WHOLE &&
             (r->status != whole->status || r->keeps != whole->keeps ||
              r->body.n != whole->body.n ||
              (r->body.n && memcmp(r->body.bytes, whole->body.bytes, r->body.n) != 0))))
            abort();
        finish(r);
    }
    finish(whole);
    return 0;
}
