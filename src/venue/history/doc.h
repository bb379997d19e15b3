/* A REST reply as JSON, kept as written: one pass over the bytes checks everything (grammar, UTF-8,
 * depth) and leaves tokens, so that numbers stay text until a decimal is made of them. No I/O; any
 * bytes are safe. */
#ifndef WICK_VENUE_HISTORY_DOC_H
#define WICK_VENUE_HISTORY_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_scan.h"
#include "wick/decimal.h"
#include "wick/err.h"

enum { WK_DOC_BYTES_MAX = 32 << 20 }; /* a longer text is refused */

typedef struct {
    const char *text; /* borrowed */
    wk__json_token *tokens;
    size_t n, capacity;
} wk_doc;

#define WK_DOC_NONE WK__JSON_ABSENT

/* Reads a whole text; token 0 is its value. The room of an earlier read is used again. On failure
 * doc->n is 0. */
WK_MUST_CHECK wk_status wk__doc_read(wk_doc *doc, const char *text, size_t n_bytes, wk_err *err);
void wk__doc_finish(wk_doc *doc);

/* Index of the value of `key` in object `at`, or WK_DOC_NONE (also when `at` is none or no
 * object). Of a key that stands twice the first counts. */
uint32_t wk__doc_get(const wk_doc *doc, uint32_t at, const char *key);

/* Walks the children of `at`: first child, or WK_DOC_NONE; then the next sibling. Of an object
 * these are keys and values in turn. */
uint32_t wk__doc_first(const wk_doc *doc, uint32_t at);
uint32_t wk__doc_next(const wk_doc *doc, uint32_t at, uint32_t child);

bool wk__doc_is(const wk_doc *doc, uint32_t at, wk__json_kind kind);
/* True when `at` is a string that says exactly this. */
bool wk__doc_equals(const wk_doc *doc, uint32_t at, const char *text);
/* Copies a string, decoded and cut to fit; "" when it is none. */
void wk__doc_copy(const wk_doc *doc, uint32_t at, char *out, size_t size_bytes);

/* Why the value is none of that kind ("is missing", "is not a number", ...), or NULL. Numbers may
 * be JSON numbers or strings. */
const char *wk__doc_decimal(const wk_doc *doc, uint32_t at, wk_decimal *out);
const char *wk__doc_int(const wk_doc *doc, uint32_t at, int64_t *out);

/* Says what is wrong with a value: "<what> <why>: bytes (byte N)". */
wk_status wk__doc_fail(const wk_doc *doc, uint32_t at, const char *what, const char *why,
                       wk_err *err);

#endif
