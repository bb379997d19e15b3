#include "nn/recurrent.h"

#include <string.h>

#include "nn/conv.h"

wk__recurrent_dims wk__recurrent_dims_of(const wk__layer *l)
{
    const size_t H = (size_t)l->config.units;
    return (wk__recurrent_dims){l->in, H, wk__pad(H)};
}

wk__recurrent_dims wk__recurrent_shape(wk__layer *l, size_t gates)
{
    const wk__recurrent_dims d = wk__recurrent_dims_of(l);
    l->out = d.H;
    l->recurrent = true;
    wk__layer_tensor_add(l, "weight_ih", gates * d.H, d.F, 1, 2, true);
    wk__layer_tensor_add(l, "weight_hh", gates * d.H, d.H, 1, 2, true);
    wk__layer_tensor_add(l, "bias_ih", gates * d.H, 1, 1, 1, false);
    wk__layer_tensor_add(l, "bias_hh", gates * d.H, 1, 1, 1, false);
    return d;
}

bool wk__recurrent_masked(const wk__layer *l, const wk__run *run)
{
    return run->training && l->config.dropout > 0;
}

void wk__recurrent_back(const wk__run *run, const wk__recurrent *r, const wk_real *sums,
                        const wk_real *w, const wk_real *factors, wk_real *part, wk_real *up)
{
    const size_t cell = r->B * r->Hp;
    wk__product(run, &(wk__gemm){.P = 1,
                                 .M = r->B,
                                 .N = r->Hp,
                                 .K = r->N,
                                 .taps = 1,
                                 .a = sums,
                                 .lda = r->N,
                                 .w = w,
                                 .depth = r->N,
                                 .add = factors ? NULL : up,
                                 .ld_add = r->Hp,
                                 .y = factors ? part : up,
                                 .ldy = r->Hp});
    if (factors) {
        run->ops->mul(cell, part, factors, part);
        run->ops->add(cell, part, up);
    }
}

/* g [K, N] += a^T d over the rows of `bars` bars. */
static void weights(const wk__run *run, const wk__recurrent *r, size_t bars, size_t K,
                    const wk_real *a, const wk_real *d, wk_real *g)
{
    wk__product_at(run, &(wk__gemm_at){.P = 1,
                                       .M = bars * r->B,
                                       .N = r->N,
                                       .K = K,
                                       .taps = 1,
                                       .a = a,
                                       .lda = wk__pad(K),
                                       .d = d,
                                       .ldd = r->N,
                                       .g = g});
}

void wk__recurrent_weights(const wk__run *run, const wk__recurrent *r, const wk_real *x,
                           const wk_real *dx, const wk_real *h0, const wk_real *y,
                           const wk_real *seen, const wk_real *dh, wk_real *gx, wk_real *gh)
{
    weights(run, r, r->T, r->F, x, dx, gx);
    if (seen) {
        weights(run, r, r->T, r->H, seen, dh, gh);
        return;
    }
    weights(run, r, 1, r->H, h0, dh, gh);
    if (r->T > 1)
        weights(run, r, r->T - 1, r->H, y, dh + r->B * r->N, gh);
}

void wk__recurrent_inputs(const wk__run *run, const wk__recurrent *r, const wk_real *sums,
                          const wk_real *w, wk_real *dx)
{
    wk__product(run, &(wk__gemm){.P = 1,
                                 .M = r->T * r->B,
                                 .N = wk__pad(r->F),
                                 .K = r->N,
                                 .taps = 1,
                                 .a = sums,
                                 .lda = r->N,
                                 .w = w,
                                 .depth = r->N,
                                 .y = dx,
                                 .ldy = wk__pad(r->F)});
}

wk__span wk__recurrent_need(const wk__layer *l, wk__span out, size_t T)
{
    (void)l, (void)out;
    return (wk__span){T, 1};
}

size_t wk__recurrent_window_tape(const wk__layer *l, size_t B, const wk__view *v)
{
    return l->ops->n_tape(l, B, v->T) + 2 * v->T * B * wk__pad(l->out) +
           l->ops->n_state(l, B, v->T);
}

void wk__recurrent_window(const wk__layer *l, const wk__run *run, const wk_real *packed,
                          wk_real *tape, const wk_real *x, wk_real *y, const wk__view *v)
{
    const size_t row = run->B * l->ldo;
    wk_real *all = tape + l->ops->n_tape(l, run->B, v->T), *state = all + 2 * v->T * row;
    l->ops->reset(l, run, state, run->B);
    l->ops->forward(l, run, packed, state, tape, x, all, v->T);
    for (size_t i = 0; i < v->out.n; i++)
        memcpy(y + i * row, all + wk__span_at(v->in, v->out, i) * row, row * sizeof *y);
}

void wk__recurrent_window_back(const wk__layer *l, const wk__run *run, const wk_real *packed,
                               wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy,
                               wk_real *dx, wk_real *grad, const wk__view *v)
{
    (void)y;
    const size_t row = run->B * l->ldo;
    wk_real *all = tape + l->ops->n_tape(l, run->B, v->T), *up = all + v->T * row;
    memset(up, 0, v->T * row * sizeof *up);
    for (size_t i = 0; i < v->out.n; i++)
        memcpy(up + wk__span_at(v->in, v->out, i) * row, dy + i * row, row * sizeof *up);
    l->ops->backward(l, run, packed, NULL, tape, x, all, up, dx, grad, v->T);
}
