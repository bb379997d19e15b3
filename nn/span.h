/* Which positions of a window are computed: n of them, `stride` bars apart, the last one at the
 * window's end. One position has stride 0. Strides of a layer's input divide those of its output
 * and its dilation, so that every position it reads is there, or lies before the window. */
#ifndef WK_NN_SPAN_H
#define WK_NN_SPAN_H

#include <stddef.h>

typedef struct {
    size_t n, stride;
} wk__span;

/* The input positions of a causal kernel of `taps` bars `dilation` apart, within a window of T. */
static inline wk__span wk__span_of_taps(wk__span out, size_t taps, size_t dilation, size_t T)
{
    size_t a = out.stride, b = taps > 1 ? dilation : 0;
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    if (!a)
        return (wk__span){1, 0};
    size_t reach = (out.n - 1) * out.stride + (taps - 1) * dilation;
    reach = reach < T ? reach : T - 1;
    return (wk__span){reach / a + 1, a};
}

/* Rows between neighbouring positions of `bars` bars in an array of `span`. */
static inline size_t wk__span_rows(wk__span span, size_t bars)
{
    return bars ? bars / span.stride : 0;
}

/* Positions before the window that such a kernel reads. */
static inline size_t wk__span_front(wk__span in, wk__span out, size_t taps, size_t dilation)
{
    size_t reach = wk__span_rows(in, (out.n - 1) * out.stride + (taps - 1) * dilation) + 1;
    return reach > in.n ? reach - in.n : 0;
}

/* Where in an array of `in` position i of `out` lies. */
static inline size_t wk__span_at(wk__span in, wk__span out, size_t i)
{
    return in.n - 1 - wk__span_rows(in, (out.n - 1 - i) * out.stride);
}

#endif
