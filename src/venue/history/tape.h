/* JSON as REST replies have it, kept as written: one pass over the bytes checks everything
 * (grammar, UTF-8, depth) and leaves a tape of tokens, so that numbers stay text until a decimal is
 * made of them. No I/O; any bytes are safe. */
#ifndef WICK_VENUE_HISTORY_TAPE_H
#define WICK_VENUE_HISTORY_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/decimal.h"
#include "wick/err.h"

enum {
    WK_TAPE_BYTES_MAX = 32 << 20, /* a longer text is refused */
    WK_TAPE_TOKENS_MAX = 4 << 20, /* and one with more values */
    WK_TAPE_DEPTH_MAX = 32
};

typedef enum {
    WK_TAPE_NULL,
    WK_TAPE_FALSE,
    WK_TAPE_TRUE,
    WK_TAPE_NUMBER,
    WK_TAPE_STRING, /* its bytes between the quotes, escapes as written */
    WK_TAPE_ARRAY,
    WK_TAPE_OBJECT /* children are key, value, key, value */
} wk_tape_kind;

/* `end` is the index of the token after this one and all that is in it. */
typedef struct {
    uint32_t start, length, end;
    uint32_t n; /* children of an array, pairs of an object */
    uint8_t kind;
} wk_tape_token;

typedef struct {
    const char *text; /* borrowed */
    wk_tape_token *tokens;
    uint32_t n, capacity;
} wk_tape;

#define WK_TAPE_NONE UINT32_MAX

/* Reads a whole text; token 0 is its value. The tape of an earlier read is used again. */
WK_MUST_CHECK wk_status wk__tape_read(wk_tape *tape, const char *text, size_t n_bytes, wk_err *err);
void wk__tape_finish(wk_tape *tape);

/* Index of the value of `key` in object `at`, or WK_TAPE_NONE (also when `at` is none or no
 * object). */
uint32_t wk__tape_get(const wk_tape *tape, uint32_t at, const char *key);

/* Walks the children of `at`: first child, or WK_TAPE_NONE; then the next sibling. Of an object
 * these are keys and values in turn. */
uint32_t wk__tape_first(const wk_tape *tape, uint32_t at);
uint32_t wk__tape_next(const wk_tape *tape, uint32_t at, uint32_t child);

bool wk__tape_is(const wk_tape *tape, uint32_t at, wk_tape_kind kind);
/* True when `at` is a string or number with exactly these bytes. */
bool wk__tape_equals(const wk_tape *tape, uint32_t at, const char *text);
/* Copies a string with its simple escapes undone (\uXXXX as UTF-8), cut to fit; "" when it is none.
 */
void wk__tape_copy(const wk_tape *tape, uint32_t at, char *out, size_t size_bytes);

/* Why the value is none of that kind ("is missing", "is not a number", ...), or NULL. Numbers may
 * be JSON numbers or strings. */
const char *wk__tape_decimal(const wk_tape *tape, uint32_t at, wk_decimal *out);
const char *wk__tape_int(const wk_tape *tape, uint32_t at, int64_t *out);

/* Says what is wrong with a value: "<what>: <why> (\"bytes\") at byte N". */
wk_status wk__tape_fail(const wk_tape *tape, uint32_t at, const char *what, const char *why,
                        wk_err *err);

#endif
