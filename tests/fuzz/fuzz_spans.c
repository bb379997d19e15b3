/* libFuzzer target over the spans that a cursor of the store keeps as text. Spans stay sorted
 * and apart, and text that was written reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "spans.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static wk_spans spans, again;
    char *text = malloc(n + 1); /* of exact size, so that a read past the end is caught */
    if (!text)
        return 0;
    memcpy(text, bytes, n);
    text[n] = 0;
    wk__spans_read(text, &spans);
    free(text);
    for (size_t i = 0; i < spans.n; i++)
        check(spans.v[i].from_ns < spans.v[i].to_ns &&
              (i == 0 || spans.v[i - 1].to_ns < spans.v[i].from_ns));
    wk_span gap;
    if (wk__spans_missing(&spans, 100, 1000, &gap))
        check(gap.from_ns >= 100 && gap.from_ns < gap.to_ns && gap.to_ns <= 1000);
    size_t room = 16 + n % 64 + 40 * spans.n;
    char *written = malloc(room);
    if (written && wk__spans_write(&spans, written, room)) {
        wk__spans_read(written, &again);
        check(again.n == spans.n &&
              (again.n == 0 || memcmp(again.v, spans.v, again.n * sizeof *again.v) == 0));
    } else {
        check(!written || spans.n == 0);
    }
    if (written && spans.n > 0)
        check(!wk__spans_write(&spans, written, 3));
    free(written);
    return 0;
}
