/* LSTM, Hochreiter & Schmidhuber 1997 with forget gate, gate order i, f, g, o and both biases as
 * PyTorch: c' = f c + i g,  h' = o tanh(c'). The input part of all gates is one product over the
 * chunk; each bar then adds its recurrent part to the same sums (bias, then inputs ascending, then
 * hidden ascending). */
#include <string.h>

#include "nn/conv.h"

enum { G = 4 };

typedef struct {
    size_t F, H, Hp; /* inputs, hidden, padded hidden */
} dims;

static dims of(const wk__layer *l)
{
    size_t H = (size_t)l->config.units;
    return (dims){l->in, H, wk__pad(H)};
}

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    dims d = of(l);
    l->out = d.H;
    l->recurrent = true;
    wk__layer_tensor_add(l, "weight_ih", G * d.H, d.F, 1, 2, true);
    wk__layer_tensor_add(l, "weight_hh", G * d.H, d.H, 1, 2, true);
    wk__layer_tensor_add(l, "bias_ih", G * d.H, 1, 1, 1, false);
    wk__layer_tensor_add(l, "bias_hh", G * d.H, 1, 1, 1, false);
    /* Forward: input panels [4Hp/16][F][16], hidden panels [4Hp/16][H][16], the sum of both biases;
     * backward: [Fp/16][4Hp][16] and [Hp/16][4Hp][16]. */
    size_t N = G * d.Hp;
    l->n_packed = N * (d.F + d.H + 1 + wk__pad(d.F) + d.Hp);
    l->n_grad = N * (d.F + d.H + 1);
    return WK_OK;
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    dims d = of(l);
    wk__init_uniform(params, l->n_params, 1 / sqrt((double)d.H), seed, l->index);
    /* A cell that remembers at first: forget-gate bias 1 in total (Jozefowicz et al. 2015). */
    for (size_t j = d.H; j < 2 * d.H; j++) {
        params[l->tensors[2].at + j] = 1;
        params[l->tensors[3].at + j] = 0;
    }
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    dims d = of(l);
    const size_t N = G * d.Hp, Fp = wk__pad(d.F);
    const wk_real *wx = params + l->tensors[0].at, *wh = params + l->tensors[1].at;
    const wk_real *bx = params + l->tensors[2].at, *bh = params + l->tensors[3].at;
    memset(packed, 0, l->n_packed * sizeof *packed);
    wk_real *px = packed, *ph = px + N * d.F, *pb = ph + N * d.H, *tx = pb + N, *th = tx + N * Fp;
    for (size_t g = 0; g < G; g++) {
        const wk_real *gx = wx + g * d.H * d.F, *gh = wh + g * d.H * d.H;
        wk__pack_panels(gx, d.F, d.H, 1, d.F, d.F, 0, px + g * d.Hp * d.F);
        wk__pack_panels(gh, d.H, d.H, 1, d.H, d.H, 0, ph + g * d.Hp * d.H);
        wk__pack_panels(gx, d.H, d.F, d.F, 1, N, g * d.Hp, tx);
        wk__pack_panels(gh, d.H, d.H, d.H, 1, N, g * d.Hp, th);
        for (size_t j = 0; j < d.H; j++)
            pb[g * d.Hp + j] = bx[g * d.H + j] + bh[g * d.H + j];
    }
}

/* State: h [B, Hp], c [B, Hp]. */
static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    (void)T_max;
    return 2 * B * wk__pad((size_t)l->config.units);
}

/* Tape: gates [T, B, 4Hp], c [T + 1, B, Hp] from the one before the chunk, tanh(c) [T, B, Hp],
 * h before the chunk [B, Hp]; backward adds dh and dc [B, Hp]. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    return B * wk__pad((size_t)l->config.units) * (T * (G + 2) + 4);
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    dims d = of(l);
    const size_t B = run->B;
    if (row == B) {
        memset(state, 0, 2 * B * d.Hp * sizeof *state);
        return;
    }
    memset(state + row * d.Hp, 0, d.Hp * sizeof *state);
    memset(state + (B + row) * d.Hp, 0, d.Hp * sizeof *state);
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    dims d = of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp;
    const wk_real *ph = packed + N * d.F, *pb = ph + N * d.H;
    wk_real *gates = tape, *c = gates + T * B * N, *tanh_c = c + (T + 1) * cell,
            *h0 = tanh_c + T * cell;
    memcpy(h0, state, cell * sizeof *h0);
    memcpy(c, state + cell, cell * sizeof *c);
    run->ops->gemm(T * B, N, d.F, 1, x, wk__pad(d.F), 0, packed, pb, false, gates, N);
    const wk_real *h = h0;
    for (size_t t = 0; t < T; t++) {
        wk_real *g = gates + t * B * N;
        run->ops->gemm(B, N, d.H, 1, h, d.Hp, 0, ph, NULL, true, g, N);
        run->ops->lstm_cell(B, d.Hp, g, c + t * cell, c + (t + 1) * cell, tanh_c + t * cell,
                            y + t * cell);
        h = y + t * cell;
    }
    memcpy(state, h, cell * sizeof *h);
    memcpy(state + cell, c + T * cell, cell * sizeof *c);
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)state;
    dims d = of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp, Fp = wk__pad(d.F);
    const wk_real *tx = packed + N * (d.F + d.H + 1), *th = tx + N * Fp;
    wk_real *gates = tape, *c = gates + T * B * N, *tanh_c = c + (T + 1) * cell,
            *h0 = tanh_c + T * cell;
    wk_real *dh = h0 + cell, *dc = dh + cell;
    memset(dc, 0, cell * sizeof *dc);
    for (size_t t = T; t-- > 0;) {
        wk_real *g = gates + t * B * N, *up = dy + t * cell;
        if (t + 1 < T) {
            run->ops->gemm(B, d.Hp, N, 1, g + B * N, N, 0, th, NULL, false, dh, d.Hp);
            run->ops->add(cell, dh, up);
        }
        run->ops->lstm_cell_back(B, d.Hp, g, c + t * cell, tanh_c + t * cell, up, dc);
    }
    wk_real *gx = grad, *gh = gx + N * d.F, *gb = gh + N * d.H;
    run->ops->gemm_at(T * B, N, d.F, x, Fp, gates, N, gx);
    run->ops->gemm_at(B, N, d.H, h0, d.Hp, gates, N, gh);
    run->ops->gemm_at((T - 1) * B, N, d.H, y, d.Hp, gates + B * N, N, gh);
    run->ops->col_sum(T * B, N, gates, N, gb);
    if (dx)
        run->ops->gemm(T * B, Fp, N, 1, gates, N, 0, tx, NULL, false, dx, Fp);
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    dims d = of(l);
    const size_t N = G * d.Hp;
    const wk_real *gh = grad + N * d.F, *gb = gh + N * d.H;
    wk_real *wx = dparams + l->tensors[0].at, *wh = dparams + l->tensors[1].at;
    for (size_t g = 0; g < G; g++)
        for (size_t j = 0; j < d.H; j++) {
            size_t from = g * d.Hp + j, to = g * d.H + j;
            for (size_t k = 0; k < d.F; k++)
                wx[to * d.F + k] = grad[k * N + from];
            for (size_t k = 0; k < d.H; k++)
                wh[to * d.H + k] = gh[k * N + from];
            dparams[l->tensors[2].at + to] = gb[from];
            dparams[l->tensors[3].at + to] = gb[from];
        }
}

const wk__layer_ops wk__layer_lstm = {"lstm", shape, init,    pack,     n_state,
                                      n_tape, reset, forward, backward, unpack};
