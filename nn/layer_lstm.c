/* LSTM, Hochreiter & Schmidhuber 1997 with forget gate, gate order i, f, g, o and both biases as
 * PyTorch: c' = f c + i g,  h' = o tanh(c'). The sums of a gate are two chains, (bias + inputs
 * ascending) + (hidden ascending): the first is one product over the chunk, the second can be made
 * before its bar arrives. */
#include <string.h>

#include "nn/conv.h"
#include "nn/recurrent.h"

enum { G = 4 };

/* Where the kernels have unit j of gate g among the 4Hp gates: by blocks of 16 units. */
static size_t column(size_t g, size_t j)
{
    return j / WK__LANES * G * WK__LANES + g * WK__LANES + j % WK__LANES;
}

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    const wk__recurrent_dims d = wk__recurrent_shape(l, G);
    /* Forward: input panels [4Hp/16][F][16], hidden panels [4Hp/16][H][16], the sum of both biases;
     * backward: [Fp/16][4Hp][16] and [Hp/16][4Hp][16]. */
    size_t N = G * d.Hp;
    l->n_packed = N * (d.F + d.H + 1 + wk__pad(d.F) + d.Hp);
    l->n_grad = N * (d.F + d.H + 1);
    return WK_OK;
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    wk__init_uniform(params, l->n_params, 1 / sqrt((double)d.H), seed, l->index);
    /* A cell that remembers at first: forget-gate bias 1 in total (Jozefowicz et al. 2015). */
    for (size_t j = d.H; j < 2 * d.H; j++) {
        params[l->tensors[2].at + j] = 1;
        params[l->tensors[3].at + j] = 0;
    }
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t N = G * d.Hp, Fp = wk__pad(d.F);
    const wk_real *wx = params + l->tensors[0].at, *wh = params + l->tensors[1].at;
    const wk_real *bx = params + l->tensors[2].at, *bh = params + l->tensors[3].at;
    memset(packed, 0, l->n_packed * sizeof *packed);
    wk_real *px = packed, *ph = px + N * d.F, *pb = ph + N * d.H, *tx = pb + N, *th = tx + N * Fp;
    for (size_t g = 0; g < G; g++)
        for (size_t j = 0; j < d.H; j++) {
            const size_t n = column(g, j), row = g * d.H + j;
            wk__pack_panels(wx + row * d.F, d.F, 1, 1, 0, d.F, 0,
                            px + n / WK__LANES * d.F * WK__LANES + n % WK__LANES);
            wk__pack_panels(wh + row * d.H, d.H, 1, 1, 0, d.H, 0,
                            ph + n / WK__LANES * d.H * WK__LANES + n % WK__LANES);
            wk__pack_panels(wx + row * d.F, 1, d.F, 0, 1, N, n, tx);
            wk__pack_panels(wh + row * d.H, 1, d.H, 0, 1, N, n, th);
            pb[n] = bx[row] + bh[row];
        }
}

/* State: h [B, Hp], c [B, Hp], and the recurrent sums that prepare leaves [4Hp]. */
static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    (void)T_max;
    return (2 * B + G) * wk__pad((size_t)l->config.units);
}

/* Tape: gates [T, B, 4Hp], c [T + 1, B, Hp] from the one before the chunk, tanh(c) [T, B, Hp],
 * h before the chunk [B, Hp]; backward adds dc [B, Hp]. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    const size_t masks = l->config.dropout > 0 ? T + 2 : 0;
    return B * wk__pad((size_t)l->config.units) * (T * (G + 2) + 3 + masks);
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t B = run->B;
    if (row == B) {
        memset(state, 0, 2 * B * d.Hp * sizeof *state);
        return;
    }
    memset(state + row * d.Hp, 0, d.Hp * sizeof *state);
    memset(state + (B + row) * d.Hp, 0, d.Hp * sizeof *state);
}

/* y = add + hidden part, of the gates of `units` units from `first` on. */
static void recur(const wk__run *run, const wk__recurrent_dims *d, const wk_real *ph, size_t B,
                  const wk_real *h, const wk_real *add, wk_real *y, size_t first, size_t units)
{
    const size_t N = G * d->Hp, n = G * first;
    wk__product(run, &(wk__gemm){.P = 1,
                                 .M = B,
                                 .N = G * units,
                                 .K = d->H,
                                 .taps = 1,
                                 .a = h,
                                 .lda = d->Hp,
                                 .w = ph + n * d->H,
                                 .depth = d->H,
                                 .add = add ? add + n : NULL,
                                 .ld_add = N,
                                 .y = y + n,
                                 .ldy = N});
}

/* The input part of M rows; a step adds the recurrent one. */
static void inputs(const wk__run *run, const wk__recurrent_dims *d, const wk_real *packed, size_t M,
                   const wk_real *x, const wk_real *add, wk_real *y)
{
    const size_t N = G * d->Hp;
    wk__product(run, &(wk__gemm){.P = 1,
                                 .M = M,
                                 .N = N,
                                 .K = d->F,
                                 .taps = 1,
                                 .a = x,
                                 .lda = wk__pad(d->F),
                                 .w = packed,
                                 .depth = d->F,
                                 .start = packed + N * (d->F + d->H),
                                 .add = add,
                                 .ld_add = N,
                                 .y = y,
                                 .ldy = N});
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp;
    const wk_real *ph = packed + N * d.F;
    wk_real *gates = tape, *c = gates + T * B * N, *tanh_c = c + (T + 1) * cell,
            *h0 = tanh_c + T * cell;
    memcpy(h0, state, cell * sizeof *h0);
    memcpy(c, state + cell, cell * sizeof *c);
    inputs(run, &d, packed, T * B, x, NULL, gates);
    const wk_real *h = h0;
    const bool mask = wk__recurrent_masked(l, run);
    wk_real *factors = h0 + 2 * cell, *seen = factors + cell;
    if (mask)
        wk__dropout_mask_locked(run, 4 * l->index, l->config.dropout, d.Hp, factors);
    for (size_t t = 0; t < T; t++) {
        wk_real *g = gates + t * B * N;
        const size_t at = t * cell, half = d.Hp / (2 * WK__LANES) * WK__LANES;
        if (mask) {
            run->ops->mul(cell, h, factors, seen + at);
            h = seen + at;
        }
        if (B == 1 && half) {
            /* The recurrent matrix is larger than the first-level cache: its halves are visited in
             * alternating order, so that one is still there; and the functions of the first half's
             * units run beside the products of the second's. */
            for (size_t i = 0; i < 2; i++) {
                const size_t j = (i ^ (t & 1)) * half, units = j ? d.Hp - half : half;
                recur(run, &d, ph, 1, h, g, g, j, units);
                run->ops->lstm_cell(1, units, g + G * j, c + at + j, c + at + cell + j,
                                    run->backward ? tanh_c + at + j : NULL, y + at + j);
            }
        } else {
            recur(run, &d, ph, B, h, g, g, 0, d.Hp);
            run->ops->lstm_cell(B, d.Hp, g, c + at, c + at + cell,
                                run->backward ? tanh_c + at : NULL, y + at);
        }
        h = y + at;
    }
    memcpy(state, h, cell * sizeof *h);
    memcpy(state + cell, c + T * cell, cell * sizeof *c);
}

static void step(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                 wk_real *tape, const wk_real *x, wk_real *y)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    wk_real *c = state + d.Hp, *gates = tape;
    inputs(run, &d, packed, 1, x, c + d.Hp, gates);
    run->ops->lstm_cell(1, d.Hp, gates, c, c, NULL, y);
    memcpy(state, y, d.Hp * sizeof *y);
}

static void prepare(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    recur(run, &d, packed + G * d.Hp * d.F, 1, state, NULL, state + 2 * d.Hp, 0, d.Hp);
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)state;
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp, Fp = wk__pad(d.F);
    const wk_real *tx = packed + N * (d.F + d.H + 1), *th = tx + N * Fp;
    const wk__recurrent r = {B, T, d.F, d.H, d.Hp, N};
    wk_real *gates = tape, *c = gates + T * B * N, *tanh_c = c + (T + 1) * cell,
            *h0 = tanh_c + T * cell;
    wk_real *dc = h0 + cell, *factors = dc + cell, *seen = factors + cell, *part = seen + T * cell;
    const bool mask = wk__recurrent_masked(l, run);
    memset(dc, 0, cell * sizeof *dc);
    for (size_t t = T; t-- > 0;) {
        wk_real *g = gates + t * B * N, *up = dy + t * cell;
        if (t + 1 < T)
            wk__recurrent_back(run, &r, g + B * N, th, mask ? factors : NULL, part, up);
        run->ops->lstm_cell_back(B, d.Hp, g, c + t * cell, tanh_c + t * cell, up, dc);
    }
    wk_real *gx = grad, *gh = gx + N * d.F, *gb = gh + N * d.H;
    wk__recurrent_weights(run, &r, x, gates, h0, y, mask ? seen : NULL, gates, gx, gh);
    run->ops->col_sum(T * B, N, gates, N, gb);
    if (dx)
        wk__recurrent_inputs(run, &r, gates, tx, dx);
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t N = G * d.Hp;
    const wk_real *gh = grad + N * d.F, *gb = gh + N * d.H;
    wk_real *wx = dparams + l->tensors[0].at, *wh = dparams + l->tensors[1].at;
    for (size_t g = 0; g < G; g++)
        for (size_t j = 0; j < d.H; j++) {
            size_t from = column(g, j), to = g * d.H + j;
            for (size_t k = 0; k < d.F; k++)
                wx[to * d.F + k] = grad[k * N + from];
            for (size_t k = 0; k < d.H; k++)
                wh[to * d.H + k] = gh[k * N + from];
            dparams[l->tensors[2].at + to] = gb[from];
            dparams[l->tensors[3].at + to] = gb[from];
        }
}

const wk__layer_ops wk__layer_lstm = {.name = "lstm",
                                      .shape = shape,
                                      .init = init,
                                      .pack = pack,
                                      .n_state = n_state,
                                      .n_tape = n_tape,
                                      .reset = reset,
                                      .forward = forward,
                                      .backward = backward,
                                      .unpack = unpack,
                                      .step = step,
                                      .prepare = prepare,
                                      .need = wk__recurrent_need,
                                      .n_window_tape = wk__recurrent_window_tape,
                                      .window = wk__recurrent_window,
                                      .window_back = wk__recurrent_window_back};
