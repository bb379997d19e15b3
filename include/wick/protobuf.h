/* Protocol buffers by hand. A field is its tag, (number << 3 | wire type), and its bytes. */
#ifndef WICK_PROTOBUF_H
#define WICK_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"
#include "wick/text.h"

/* ---- writing: each call appends one field to the message `m` ---- */
void wk_pb_put_varint(wk_text *m, uint64_t x); /* no tag */
void wk_pb_put_int(wk_text *m, unsigned field, int64_t x);
void wk_pb_put_float(wk_text *m, unsigned field, float x);
void wk_pb_put_bytes(wk_text *m, unsigned field, const void *bytes, size_t n);
void wk_pb_put_string(wk_text *m, unsigned field, const char *s);
/* Frees and empties `inner`. */
void wk_pb_put_message(wk_text *m, unsigned field, wk_text *inner);

/* ---- reading ---- */
enum { WK_PB_VARINT = 0, WK_PB_I64 = 1, WK_PB_BYTES = 2, WK_PB_I32 = 5 };

/* What is left of a message; borrowed. */
typedef struct {
    const uint8_t *at, *end;
} wk_pb_view;

typedef struct {
    uint32_t number; /* >= 1 */
    int wire;
    uint64_t value;   /* varint, I64 and I32 */
    wk_pb_view bytes; /* WK_PB_BYTES: lies wholly within its message */
} wk_pb_field;

/* The next field of `view`, which moves on. False at the end and, with *why saying so, when the
 * bytes are no message; *why is otherwise untouched. Groups (wire types 3 and 4) are refused. */
bool wk_pb_next(wk_pb_view *view, wk_pb_field *out, const char **why);
/* A varint without a tag, of a packed list. */
bool wk_pb_varint(wk_pb_view *view, uint64_t *out);
static inline size_t wk_pb_left(wk_pb_view view)
{
    return (size_t)(view.end - view.at);
}

#endif
