/* JSON as REST replies have it, kept as written: one pass over the bytes checks everything
 * (grammar, UTF-8, depth) and leaves a tape of tokens, so that numbers stay text until a decimal is
 * made of them. No I/O; any bytes are safe. */
#ifndef WICK_VENUE_HISTORY_JSON_H
#define WICK_VENUE_HISTORY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/decimal.h"
#include "wick/err.h"

enum {
    WK_JSON_BYTES_MAX = 32 << 20, /* a longer text is refused */
    WK_JSON_TOKENS_MAX = 4 << 20, /* and one with more values */
    WK_JSON_DEPTH_MAX = 32
};

typedef enum {
    WK_JSON_NULL,
    WK_JSON_FALSE,
    WK_JSON_TRUE,
    WK_JSON_NUMBER,
    WK_JSON_STRING, /* its bytes between the quotes, escapes as written */
    WK_JSON_ARRAY,
    WK_JSON_OBJECT /* children are key, value, key, value */
} wk_json_kind;

/* `end` is the index of the token after this one and all that is in it. */
typedef struct {
    uint32_t start, length, end;
    uint32_t n; /* children of an array, pairs of an object */
    uint8_t kind;
} wk_json_token;

typedef struct {
    const char *text; /* borrowed */
    wk_json_token *tokens;
    uint32_t n, capacity;
} wk_json;

#define WK_JSON_NONE UINT32_MAX

/* Reads a whole text; token 0 is its value. The tape of an earlier read is used again. */
WK_MUST_CHECK wk_status wk__json_read(wk_json *json, const char *text, size_t n_bytes, wk_err *err);
void wk__json_finish(wk_json *json);

/* Index of the value of `key` in object `at`, or WK_JSON_NONE (also when `at` is none or no
 * object). */
uint32_t wk__json_get(const wk_json *json, uint32_t at, const char *key);

/* Walks the children of `at`: first child, or WK_JSON_NONE; then the next sibling. Of an object
 * these are keys and values in turn. */
uint32_t wk__json_first(const wk_json *json, uint32_t at);
uint32_t wk__json_next(const wk_json *json, uint32_t at, uint32_t child);

bool wk__json_is(const wk_json *json, uint32_t at, wk_json_kind kind);
/* True when `at` is a string or number with exactly these bytes. */
bool wk__json_equals(const wk_json *json, uint32_t at, const char *text);
/* Copies a string with its simple escapes undone (\uXXXX as UTF-8), cut to fit; "" when it is none.
 */
void wk__json_copy(const wk_json *json, uint32_t at, char *out, size_t size_bytes);

/* Why the value is none of that kind ("is missing", "is not a number", ...), or NULL. Numbers may
 * be JSON numbers or strings. Zeros at the end that an int64 has no room for are dropped. */
const char *wk__json_decimal(const wk_json *json, uint32_t at, wk_decimal *out);
const char *wk__json_int(const wk_json *json, uint32_t at, int64_t *out);

/* Says what is wrong with a value: "<what>: <why> (\"bytes\") at byte N". */
wk_status wk__json_fail(const wk_json *json, uint32_t at, const char *what, const char *why,
                        wk_err *err);

#endif
