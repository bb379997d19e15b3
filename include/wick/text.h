/* Text: a buffer that grows, JSON strings, numbers in their shortest exact form, and the nearest
 * word for a mistyped one. */
#ifndef WICK_TEXT_H
#define WICK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"

/* A growing text. A zeroed struct is empty; `s` ends with a 0 byte once anything was appended and
 * is the caller's to free. Stops the program when memory is out. */
typedef struct {
    char *s;
    size_t n, capacity;
} wk_text;

void wk_text_add(wk_text *text, const char *s);
void wk_text_add_bytes(wk_text *text, const char *bytes, size_t n);
void wk_text_printf(wk_text *text, const char *fmt, ...) WK_PRINTF(2, 3);

/* Appends `s` as a JSON string with its quotes. */
void wk_text_add_json_string(wk_text *text, const char *s);

/* Writes the shortest decimal form of x that strtod reads back to the same bits. `out` holds 32
 * bytes; x is finite. Minus zero is "-0.0", which JSON parsers keep a real. Returns out. */
char *wk_double_format(double x, char out[32]);

/* The number of insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
 * (optimal string alignment); texts longer than 63 bytes are compared by their first 63. */
size_t wk_edit_distance(const char *a, const char *b);

/* Is `candidate` near enough to `word` to be offered as "did you mean"? Then updates *best_distance
 * (start it at SIZE_MAX) and returns true when it is nearer than what was seen so far. */
bool wk_nearer(const char *word, const char *candidate, size_t *best_distance);

#endif
