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

size_t wk__conv_n_state(const wk__conv *c, size_t B, size_t T_max)
{
    return wk__history_n(wk__conv_past(c), B, wk__pad(c->in), T_max);
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

void wk__conv_reset(const wk__conv *c, const wk__run *run, wk_real *state, size_t row)
{
    wk__history_reset(wk__conv_past(c), run, wk__pad(c->in), state, row);
}

void wk__conv_forward(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                      const wk_real *x, wk_real *y, size_t T)
{
    const size_t ldi = wk__pad(c->in), ldo = wk__pad(c->out), past = wk__conv_past(c);
    if (past)
        x = wk__history_push(past, run, ldi, state, x, T);
    run->ops->gemm(T * run->B, ldo, c->in, c->kernel, x, ldi, c->dilation * run->B * ldi, packed,
                   packed + n_forward(c), false, y, ldo);
}

void wk__conv_backward(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                       wk_real *tape, const wk_real *x, const wk_real *dy, wk_real *dx,
                       wk_real *grad, size_t T)
{
    const size_t ldi = wk__pad(c->in), ldo = wk__pad(c->out), past = wk__conv_past(c),
                 M = T * run->B;
    const size_t tap = c->dilation * run->B;
    if (past)
        x = wk__history_chunk(past, run, ldi, state, T);
    for (size_t q = 0; q < c->kernel; q++)
        run->ops->gemm_at(M, ldo, c->in, x + q * tap * ldi, ldi, dy, ldo, grad + q * c->in * ldo);
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
    run->ops->gemm(M, ldi, ldo, c->kernel, dy, ldo, tap * ldo, packed + n_forward(c) + ldo, NULL,
                   false, dx, ldi);
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
