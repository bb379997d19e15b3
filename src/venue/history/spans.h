/* What is known of a series: time spans [from, to), kept as text in a cursor of the store. */
#ifndef WICK_VENUE_HISTORY_SPANS_H
#define WICK_VENUE_HISTORY_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WK_SPANS_MAX = 256 };

typedef struct {
    int64_t from_ns, to_ns;
} wk_span;

typedef struct {
    size_t n;
    wk_span v[WK_SPANS_MAX]; /* sorted, apart */
} wk_spans;

/* "from-to from-to", in ns. What is none is read as nothing known: then it is asked for again. */
void wk__spans_read(const char *text, wk_spans *out);
/* Writes the text; false when it does not fit. */
bool wk__spans_write(const wk_spans *spans, char *out, size_t size_bytes);

/* Adds a span, joining what touches. When there are too many spans the shortest is forgotten. */
void wk__spans_add(wk_spans *spans, int64_t from_ns, int64_t to_ns);
/* The first part of [from, to) that is not known; false when all of it is. */
bool wk__spans_missing(const wk_spans *spans, int64_t from_ns, int64_t to_ns, wk_span *out);

#endif
