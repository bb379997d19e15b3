#include "nn/conv.h"

#include <string.h>

#include "nn/history.h"

/* Packed: forward panels [ldo/16][kernel * in][16], bias [ldo], backward panels
 * [ldi/16][kernel * ldo][16] with the taps reversed in time. */
static size_t n_forward(const wk__conv *c)
{
    return c->kernel * c->in * wk__pad(c->out);
}

size_t wk__conv_n_packed(const wk__conv *c)
{
    return n_forward(c) + wk__pad(c->out) + c->kernel * wk__pad(c->out) * wk__pad(c->in);
}

size_t wk__conv_n_grad(const wk__conv *c)
{
    return n_forward(c) + wk__pad(c->out);
}

size_t wk__conv_n_tape(const wk__conv *c, size_t B, size_t T)
{
    size_t past = wk__conv_past(c);
    return past ? (T + past) * B * wk__pad(c->out) : 0;
}

void wk__pack_panels(const wk_real *w, size_t K, size_t N, size_t sk, size_t sn, size_t depth,
                     size_t k0, wk_real *panels)
{
    for (size_t n = 0; n < N; n++) {
        wk_real *p = panels + (n / WK__LANES * depth + k0) * WK__LANES + n % WK__LANES;
        for (size_t k = 0; k < K; k++)
            p[k * WK__LANES] = w[k * sk + n * sn];
    }
}

void wk__conv_pack(const wk__conv *c, const wk_real *w, const wk_real *scale, const wk_real *bias,
                   wk_real *packed)
{
    const size_t ldo = wk__pad(c->out), K = c->kernel, forward = K * c->in, back = K * ldo;
    memset(packed, 0, wk__conv_n_packed(c) * sizeof *packed);
    wk_real *pb = packed + n_forward(c), *pt = pb + ldo;
    memcpy(pb, bias, c->out * sizeof *pb);
    for (size_t o = 0; o < c->out; o++) {
        wk_real s = scale ? scale[o] : 1;
        wk_real *pf = packed + o / WK__LANES * forward * WK__LANES + o % WK__LANES;
        for (size_t i = 0; i < c->in; i++) {
            wk_real *pi = pt + i / WK__LANES * back * WK__LANES + i % WK__LANES;
            for (size_t q = 0; q < K; q++) {
                wk_real v = s * w[(o * c->in + i) * K + q];
                pf[(q * c->in + i) * WK__LANES] = v;
                pi[((K - 1 - q) * ldo + o) * WK__LANES] = v;
            }
        }
    }
}

/* State: sums that prepare leaves [ldo], then the history; nothing when there is no past. */
size_t wk__conv_n_state(const wk__conv *c, size_t B, size_t T_max)
{
    const size_t past = wk__conv_past(c);
    return past ? wk__pad(c->out) + wk__history_n(past, B, wk__pad(c->in), T_max) : 0;
}

void wk__conv_reset(const wk__conv *c, const wk__run *run, wk_real *state, size_t row)
{
    if (wk__conv_past(c))
        wk__history_reset(wk__conv_past(c), run, wk__pad(c->in), state + wk__pad(c->out), row);
}

/* The product over all taps of M rows a row apart; the caller fills in what differs. */
static wk__gemm product(const wk__conv *c, const wk_real *packed, size_t M, wk__finish finish)
{
    const size_t ldi = wk__pad(c->in), ldo = wk__pad(c->out);
    return (wk__gemm){.P = 1,
                      .M = M,
                      .N = ldo,
                      .K = c->in,
                      .taps = c->kernel,
                      .lda = ldi,
                      .w = packed,
                      .depth = c->kernel * c->in,
                      .start = packed + n_forward(c),
                      .add = finish.add,
                      .ld_add = ldo,
                      .relu_first = finish.relu_first,
                      .relu_last = finish.relu_last,
                      .ldy = ldo};
}

void wk__conv_forward(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                      const wk_real *x, wk_real *y, size_t T, wk__finish finish)
{
    const size_t ldi = wk__pad(c->in), past = wk__conv_past(c);
    if (past)
        x = wk__history_push(past, run, ldi, state + wk__pad(c->out), x, T);
    wk__gemm g = product(c, packed, T * run->B, finish);
    g.a = x;
    g.tap = c->dilation * run->B * ldi;
    g.y = y;
    wk__product(run, &g);
}

void wk__conv_step(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                   const wk_real *x, wk_real *y, wk__finish finish)
{
    wk__gemm g = product(c, packed, 1, finish);
    if (wk__conv_past(c)) {
        wk__history_push(wk__conv_past(c), run, g.lda, state + g.N, x, 1);
        g.taps = 1;
        g.w += (c->kernel - 1) * c->in * WK__LANES;
        g.start = state;
    }
    g.a = x;
    g.y = y;
    wk__product(run, &g);
}

void wk__conv_prepare(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state)
{
    if (!wk__conv_past(c))
        return;
    wk__gemm g = product(c, packed, 1, (wk__finish){0});
    g.taps--;
    g.a = wk__history_last(wk__conv_past(c), run, g.lda, state + g.N);
    g.tap = c->dilation * g.lda;
    g.y = state;
    wk__product(run, &g);
}

void wk__conv_backward(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                       wk_real *tape, const wk_real *x, const wk_real *dy, wk_real *dx,
                       wk_real *grad, size_t T)
{
    const size_t ldi = wk__pad(c->in), ldo = wk__pad(c->out), past = wk__conv_past(c),
                 M = T * run->B;
    const size_t tap = c->dilation * run->B;
    if (past)
        x = wk__history_chunk(past, run, ldi, state + ldo, T);
    wk__product_at(run, &(wk__gemm_at){.P = 1,
                                       .M = M,
                                       .N = ldo,
                                       .K = c->in,
                                       .taps = c->kernel,
                                       .a = x,
                                       .lda = ldi,
                                       .tap = tap * ldi,
                                       .d = dy,
                                       .ldd = ldo,
                                       .g = grad,
                                       .g_tap = c->in * ldo});
    run->ops->col_sum(M, ldo, dy, ldo, grad + n_forward(c));
    if (!dx)
        return;
    /* An input bar reaches outputs at and after it: the product looks ahead in dy, which ends in
     * zeros. */
    if (past) {
        memcpy(tape, dy, M * ldo * sizeof *tape);
        memset(tape + M * ldo, 0, past * run->B * ldo * sizeof *tape);
        dy = tape;
    }
    wk__product(run, &(wk__gemm){.P = 1,
                                 .M = M,
                                 .N = ldi,
                                 .K = ldo,
                                 .taps = c->kernel,
                                 .a = dy,
                                 .lda = ldo,
                                 .tap = tap * ldo,
                                 .w = packed + n_forward(c) + ldo,
                                 .depth = c->kernel * ldo,
                                 .y = dx,
                                 .ldy = ldi});
}

/* The product of a window: position i of the output, row b of the batch. */
static wk__gemm window_product(const wk__conv *c, const wk__run *run, const wk_real *packed,
                               const wk_real *x, wk__span in, wk_real *y, wk__span out,
                               wk__finish finish)
{
    const size_t B = run->B, ldi = wk__pad(c->in), ldo = wk__pad(c->out);
    const size_t reach = wk__span_rows(in, (out.n - 1) * out.stride + wk__conv_past(c));
    wk__gemm g = product(c, packed, B, finish);
    g.P = out.n;
    /* May begin in the zeros before the window. */
    g.a = x + (ptrdiff_t)(B * ldi) * ((ptrdiff_t)in.n - 1 - (ptrdiff_t)reach);
    g.a_step = wk__span_rows(in, out.stride) * B * ldi;
    g.tap = c->kernel > 1 ? wk__span_rows(in, c->dilation) * B * ldi : 0;
    g.add_step = finish.add_step * ldo;
    g.y = y;
    g.y_step = B * ldo;
    return g;
}

void wk__conv_window(const wk__conv *c, const wk__run *run, const wk_real *packed, const wk_real *x,
                     wk__span in, wk_real *y, wk__span out, wk__finish finish)
{
    wk__gemm g = window_product(c, run, packed, x, in, y, out, finish);
    if (run->B == 1) { /* positions are rows */
        g.P = 1;
        g.M = out.n;
        g.lda = g.a_step ? g.a_step : wk__pad(c->in);
        g.ld_add = g.add_step;
    }
    wk__product(run, &g);
}

static size_t common(size_t a, size_t b)
{
    while (b) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* dx position by position, in bf16, where a sum is rounded on its way in and should be made once.
 * Output i reads positions at + q * apart + i * step of the input. So a position is reached by the
 * taps q that lie `every` apart, from outputs that follow each other; positions `step` apart are
 * reached by the same taps. */
static void window_dx(const wk__conv *c, const wk__run *run, const wk_real *packed, size_t n_in,
                      ptrdiff_t at, size_t step, size_t apart, const wk_real *dy, size_t n_out,
                      wk_real *dx, bool add)
{
    const size_t B = run->B, ldi = wk__pad(c->in), ldo = wk__pad(c->out),
                 every = step / common(step, apart), jump = every * apart / step;
    for (size_t class = 0; class < step && class < n_in; class ++) {
        const size_t n = (n_in - class + step - 1) / step;
        wk_real *y = dx + class * B * ldi;
        size_t q = 0, taps = 0;
        while (q < c->kernel && (at + (ptrdiff_t)(q * apart) - (ptrdiff_t) class) % (ptrdiff_t)step)
            q++;
        if (q < c->kernel)
            taps = (c->kernel - 1 - q) / every + 1;
        /* The output that the last of these taps and the class's first position belong to. */
        const size_t last = q + (taps - 1) * every;
        const ptrdiff_t first =
            taps ? ((ptrdiff_t) class - at - (ptrdiff_t)(last * apart)) / (ptrdiff_t)step : 0;
        if (!taps || first >= (ptrdiff_t)n_out) {
            for (size_t i = 0; !add && i < n; i++)
                memset(y + i * step * B * ldi, 0, B * ldi * sizeof *y);
            continue;
        }
        const size_t skipped = first > 0 ? (size_t)first : 0;
        wk__product(run, &(wk__gemm){.P = n,
                                     .M = B,
                                     .N = ldi,
                                     .K = ldo,
                                     .taps = taps,
                                     .a = dy + skipped * B * ldo,
                                     .a_step = B * ldo,
                                     .lda = ldo,
                                     .tap = jump * B * ldo,
                                     .a_before = first < 0 ? (size_t)-first * B : 0,
                                     .a_rows = (n_out - skipped) * B,
                                     .w_tap = every * ldo,
                                     .w = packed + n_forward(c) + ldo +
                                          (c->kernel - 1 - last) * ldo * WK__LANES,
                                     .depth = c->kernel * ldo,
                                     .start = add ? y : NULL,
                                     .start_step = step * B * ldi,
                                     .lds = ldi,
                                     .y = y,
                                     .y_step = step * B * ldi,
                                     .ldy = ldi});
    }
}

void wk__conv_window_back(const wk__conv *c, const wk__run *run, const wk_real *packed,
                          const wk_real *x, wk__span in, const wk_real *dy, wk__span out,
                          wk_real *dx, bool add, wk_real *grad)
{
    const size_t B = run->B, ldi = wk__pad(c->in), ldo = wk__pad(c->out);
    const size_t step = wk__span_rows(in, out.stride);
    run->ops->col_sum(out.n * B, ldo, dy, ldo, grad + n_forward(c));
    if (run->low) {
        /* Tiles of all taps share what is made of x and dy: that is worth more than to leave out
         * the zeros before the window. */
        const wk__gemm g = window_product(c, run, packed, x, in, NULL, out, (wk__finish){0});
        wk__product_at(run, &(wk__gemm_at){.P = out.n,
                                           .M = B,
                                           .N = ldo,
                                           .K = c->in,
                                           .taps = c->kernel,
                                           .a = g.a,
                                           .a_step = g.a_step,
                                           .lda = ldi,
                                           .tap = g.tap,
                                           .d = dy,
                                           .d_step = B * ldo,
                                           .ldd = ldo,
                                           .g = grad,
                                           .g_tap = c->in * ldo});
        const size_t apart = c->kernel > 1 ? wk__span_rows(in, c->dilation) : 0,
                     reach = (out.n - 1) * step + (c->kernel - 1) * apart, every = step ? step : 1;
        if (!dx)
            return;
        if (in.n <= 2 * (every * out.n + (c->kernel - 1) * apart)) {
            window_dx(c, run, packed, in.n, (ptrdiff_t)in.n - 1 - (ptrdiff_t)reach, every, apart,
                      dy, out.n, dx, add);
            return;
        }
    }
    if (dx && !add)
        memset(dx, 0, in.n * B * ldi * sizeof *dx);
    for (size_t q = 0; q < c->kernel; q++) {
        /* Position i of the output reads `first + i * step` of the input; before 0 lie zeros. */
        const size_t back =
            wk__span_rows(in, (out.n - 1) * out.stride + (c->kernel - 1 - q) * c->dilation);
        size_t i = 0, at = in.n - 1;
        if (back > in.n - 1)
            i = step ? (back - (in.n - 1) + step - 1) / step : out.n;
        if (i >= out.n)
            continue;
        at = in.n - 1 + i * step - back;
        if (!run->low)
            wk__product_at(run, &(wk__gemm_at){.P = out.n - i,
                                               .M = B,
                                               .N = ldo,
                                               .K = c->in,
                                               .taps = 1,
                                               .a = x + at * B * ldi,
                                               .a_step = step * B * ldi,
                                               .lda = ldi,
                                               .d = dy + i * B * ldo,
                                               .d_step = B * ldo,
                                               .ldd = ldo,
                                               .g = grad + q * c->in * ldo});
        if (dx)
            wk__product(run, &(wk__gemm){.P = out.n - i,
                                         .M = B,
                                         .N = ldi,
                                         .K = ldo,
                                         .taps = 1,
                                         .a = dy + i * B * ldo,
                                         .a_step = B * ldo,
                                         .lda = ldo,
                                         .w = packed + n_forward(c) + ldo +
                                              (c->kernel - 1 - q) * ldo * WK__LANES,
                                         .depth = c->kernel * ldo,
                                         .start = dx + at * B * ldi,
                                         .start_step = step * B * ldi,
                                         .lds = ldi,
                                         .y = dx + at * B * ldi,
                                         .y_step = step * B * ldi,
                                         .ldy = ldi});
    }
}

void wk__conv_unpack(const wk__conv *c, const wk_real *grad, wk_real *dw, wk_real *dbias)
{
    const size_t ldo = wk__pad(c->out);
    for (size_t o = 0; o < c->out; o++) {
        dbias[o] = grad[n_forward(c) + o];
        for (size_t i = 0; i < c->in; i++)
            for (size_t q = 0; q < c->kernel; q++)
                dw[(o * c->in + i) * c->kernel + q] = grad[(q * c->in + i) * ldo + o];
    }
}
