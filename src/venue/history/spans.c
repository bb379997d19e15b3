#include "spans.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wk__spans_read(const char *text, wk_spans *out)
{
    out->n = 0;
    while (*text) {
        char *end;
        long long from = strtoll(text, &end, 10);
        if (end == text || *end != '-')
            return;
        text = end + 1;
        long long to = strtoll(text, &end, 10);
        if (end == text || (*end != ' ' && *end != 0) || from < 0)
            return;
        wk__spans_add(out, from, to);
        text = *end ? end + 1 : end;
    }
}

bool wk__spans_write(const wk_spans *spans, char *out, size_t size_bytes)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < spans->n; i++) {
        int more = snprintf(out + n, size_bytes - n, "%s%" PRId64 "-%" PRId64, i ? " " : "",
                            spans->v[i].from_ns, spans->v[i].to_ns);
        if (more < 0 || (size_t)more >= size_bytes - n)
            return false;
        n += (size_t)more;
    }
    return true;
}

static void forget_shortest(wk_spans *spans)
{
    size_t shortest = 0;
    for (size_t i = 1; i < spans->n; i++)
        if (spans->v[i].to_ns - spans->v[i].from_ns <
            spans->v[shortest].to_ns - spans->v[shortest].from_ns)
            shortest = i;
    memmove(&spans->v[shortest], &spans->v[shortest + 1],
            (spans->n - shortest - 1) * sizeof spans->v[0]);
    spans->n--;
}

void wk__spans_add(wk_spans *spans, int64_t from_ns, int64_t to_ns)
{
    if (to_ns <= from_ns)
        return;
    size_t first = 0;
    while (first < spans->n && spans->v[first].to_ns < from_ns)
        first++;
    size_t last = first; /* behind the last one that touches */
    while (last < spans->n && spans->v[last].from_ns <= to_ns) {
        if (spans->v[last].from_ns < from_ns)
            from_ns = spans->v[last].from_ns;
        if (spans->v[last].to_ns > to_ns)
            to_ns = spans->v[last].to_ns;
        last++;
    }
    if (last == first) {
        if (spans->n == WK_SPANS_MAX) {
            forget_shortest(spans);
            wk__spans_add(spans, from_ns, to_ns);
            return;
        }
        memmove(&spans->v[first + 1], &spans->v[first], (spans->n - first) * sizeof spans->v[0]);
        spans->n++;
    } else {
        memmove(&spans->v[first + 1], &spans->v[last], (spans->n - last) * sizeof spans->v[0]);
        spans->n -= last - first - 1;
    }
    spans->v[first] = (wk_span){from_ns, to_ns};
}

bool wk__spans_missing(const wk_spans *spans, int64_t from_ns, int64_t to_ns, wk_span *out)
{
    for (size_t i = 0; i < spans->n && from_ns < to_ns; i++) {
        if (spans->v[i].to_ns <= from_ns)
            continue;
        if (spans->v[i].from_ns > from_ns) {
            if (spans->v[i].from_ns < to_ns)
                to_ns = spans->v[i].from_ns;
            break;
        }
        from_ns = spans->v[i].to_ns;
    }
    if (from_ns >= to_ns)
        return false;
    *out = (wk_span){from_ns, to_ns};
    return true;
}
