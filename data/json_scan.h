/* A strict JSON scanner (RFC 8259) that never allocates and keeps numbers as they are written:
 * prices never pass through a double. It checks a whole text and leaves a flat list of tokens, each
 * knowing where its subtree ends, so that a reader may go through them in any order.
 *
 * Refused, with the reason and the byte: anything that JSON does not allow, UTF-8 that is not
 * (surrogates and overlong forms included), lone surrogates as \u escapes, more than
 * WK__JSON_DEPTH_MAX levels, and more than WK__JSON_TOKENS_MAX tokens. A key that stands twice in
 * one object is the reader's to refuse: wk__json_members does so for the keys it is asked for. */
#ifndef WICK_DATA_JSON_SCAN_H
#define WICK_DATA_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

enum { WK__JSON_DEPTH_MAX = 32, WK__JSON_TOKENS_MAX = 1 << 20 };

typedef enum {
    WK__JSON_NULL,
    WK__JSON_FALSE,
    WK__JSON_TRUE,
    WK__JSON_NUMBER,
    WK__JSON_STRING,
    WK__JSON_ARRAY,
    WK__JSON_OBJECT
} wk__json_kind;

typedef struct {
    uint32_t start, n; /* bytes: a string's without its quotes; a container's from bracket on */
    uint32_t next;     /* index of the first token behind this one and all in it */
    uint8_t kind;
    uint8_t has_escapes; /* of a string */
} wk__json_token;        /* an object's children are key, value, key, value */

typedef struct {
    const char *text;
    const wk__json_token *tokens;
} wk__json;

typedef enum { WK__JSON_OK, WK__JSON_BROKEN, WK__JSON_FULL } wk__json_result;

/* Scans text [n], n below 2^32, into tokens [capacity]. WK__JSON_FULL: more room is needed (never
 * when capacity is WK__JSON_TOKENS_MAX). WK__JSON_BROKEN: *reason and *at say what and where. */
wk__json_result wk__json_scan(const char *text, size_t n, wk__json_token *tokens, size_t capacity,
                              size_t *n_tokens, const char **reason, size_t *at);

/* Does the string token say exactly `name`? Escapes are decoded. */
int wk__json_equals(const wk__json *json, uint32_t token, const char *name);

/* Writes the decoded string with a 0 byte behind it, cut to what fits `out` [size] at the end of a
 * character. Returns the length, or SIZE_MAX when it was cut. */
size_t wk__json_decode(const wk__json *json, uint32_t token, char *out, size_t size);

#define WK__JSON_ABSENT UINT32_MAX

/* Finds the values of names [n] in an object: values[i] is a token, or WK__JSON_ABSENT. Other keys
 * are passed over. Returns WK__JSON_ABSENT, or the key token that repeats one of the names. */
uint32_t wk__json_members(const wk__json *json, uint32_t object, const char *const *names, size_t n,
                          uint32_t *values);

#endif
