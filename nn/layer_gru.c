/* GRU, Cho et al. 2014, in PyTorch's form: gate order r, z, n, the reset gate after the recurrent
 * product, n = tanh(W_n x + b_in + r (U_n h + b_hn)),  h' = (1 - z) n + z h. */
#include <string.h>

#include "nn/conv.h"
#include "nn/recurrent.h"

enum { G = 3 };

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    const wk__recurrent_dims d = wk__recurrent_shape(l, G);
    /* Forward: panels of input [3Hp/16][F][16] and hidden [3Hp/16][H][16], both biases apart;
     * backward: [Fp/16][3Hp][16] and [Hp/16][3Hp][16]. */
    size_t N = G * d.Hp;
    l->n_packed = N * (d.F + d.H + 2 + wk__pad(d.F) + d.Hp);
    l->n_grad = N * (d.F + d.H + 2);
    return WK_OK;
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    wk__init_uniform(params, l->n_params, 1 / sqrt((double)l->config.units), seed, l->index);
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t N = G * d.Hp, Fp = wk__pad(d.F);
    const wk_real *wx = params + l->tensors[0].at, *wh = params + l->tensors[1].at;
    memset(packed, 0, l->n_packed * sizeof *packed);
    wk_real *px = packed, *ph = px + N * d.F, *bx = ph + N * d.H, *bh = bx + N, *tx = bh + N;
    wk_real *th = tx + N * Fp;
    for (size_t g = 0; g < G; g++) {
        const wk_real *gx = wx + g * d.H * d.F, *gh = wh + g * d.H * d.H;
        wk__pack_panels(gx, d.F, d.H, 1, d.F, d.F, 0, px + g * d.Hp * d.F);
        wk__pack_panels(gh, d.H, d.H, 1, d.H, d.H, 0, ph + g * d.Hp * d.H);
        wk__pack_panels(gx, d.H, d.F, d.F, 1, N, g * d.Hp, tx);
        wk__pack_panels(gh, d.H, d.H, d.H, 1, N, g * d.Hp, th);
        memcpy(bx + g * d.Hp, params + l->tensors[2].at + g * d.H, d.H * sizeof *bx);
        memcpy(bh + g * d.Hp, params + l->tensors[3].at + g * d.H, d.H * sizeof *bh);
    }
}

/* State: h [B, Hp], and the recurrent sums that prepare leaves [3Hp]. */
static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    (void)T_max;
    return (B + G) * wk__pad((size_t)l->config.units);
}

/* Tape: input sums, then gates [T, B, 3Hp]; recurrent sums [T, B, 3Hp]; h before the chunk
 * [B, Hp]. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    const size_t masks = l->config.dropout > 0 ? T + 2 : 0;
    return B * wk__pad((size_t)l->config.units) * (T * 2 * G + 1 + masks);
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    if (row == run->B)
        memset(state, 0, run->B * d.Hp * sizeof *state);
    else
        memset(state + row * d.Hp, 0, d.Hp * sizeof *state);
}

/* y [M, 3Hp] = bias + a [M, K] w. */
static void product(const wk__run *run, const wk__recurrent_dims *d, size_t M, size_t K,
                    const wk_real *a, const wk_real *w, const wk_real *bias, wk_real *y)
{
    const size_t N = G * d->Hp;
    wk__product(run, &(wk__gemm){.P = 1,
                                 .M = M,
                                 .N = N,
                                 .K = K,
                                 .taps = 1,
                                 .a = a,
                                 .lda = wk__pad(K),
                                 .w = w,
                                 .depth = K,
                                 .start = bias,
                                 .y = y,
                                 .ldy = N});
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp;
    const wk_real *ph = packed + N * d.F, *bx = ph + N * d.H, *bh = bx + N;
    wk_real *gx = tape, *gh = gx + T * B * N, *h0 = gh + T * B * N;
    memcpy(h0, state, cell * sizeof *h0);
    product(run, &d, T * B, d.F, x, packed, bx, gx);
    const wk_real *h = h0;
    const bool mask = wk__recurrent_masked(l, run);
    wk_real *factors = h0 + cell, *seen = factors + cell;
    if (mask)
        wk__dropout_mask_locked(run, 4 * l->index, l->config.dropout, d.Hp, factors);
    for (size_t t = 0; t < T; t++) {
        if (mask)
            run->ops->mul(cell, h, factors, seen + t * cell);
        product(run, &d, B, d.H, mask ? seen + t * cell : h, ph, bh, gh + t * B * N);
        run->ops->gru_cell(B, d.Hp, gx + t * B * N, gh + t * B * N, h, y + t * cell);
        h = y + t * cell;
    }
    memcpy(state, h, cell * sizeof *h);
}

static void step(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                 wk_real *tape, const wk_real *x, wk_real *y)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    product(run, &d, 1, d.F, x, packed, packed + G * d.Hp * (d.F + d.H), tape);
    run->ops->gru_cell(1, d.Hp, tape, state + d.Hp, state, y);
    memcpy(state, y, d.Hp * sizeof *y);
}

static void prepare(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state)
{
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t N = G * d.Hp;
    const wk_real *ph = packed + N * d.F;
    product(run, &d, 1, d.H, state, ph, ph + N * d.H + N, state + d.Hp);
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)state;
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp, Fp = wk__pad(d.F);
    const wk_real *tx = packed + N * (d.F + d.H + 2), *th = tx + N * Fp;
    const wk__recurrent r = {B, T, d.F, d.H, d.Hp, N};
    wk_real *gx = tape, *gh = gx + T * B * N, *h0 = gh + T * B * N;
    wk_real *factors = h0 + cell, *seen = factors + cell, *part = seen + T * cell;
    const bool mask = wk__recurrent_masked(l, run);
    for (size_t t = T; t-- > 0;) {
        wk_real *up = dy + t * cell;
        if (t + 1 < T) {
            /* The next bar's dy now holds the direct part z dh of the gradient in this bar's h. */
            run->ops->add(cell, up + cell, up);
            wk__recurrent_back(run, &r, gh + (t + 1) * B * N, th, mask ? factors : NULL, part, up);
        }
        run->ops->gru_cell_back(B, d.Hp, gx + t * B * N, gh + t * B * N,
                                t ? y + (t - 1) * cell : h0, up);
    }
    wk_real *wx = grad, *wh = wx + N * d.F, *bx = wh + N * d.H, *bh = bx + N;
    wk__recurrent_weights(run, &r, x, gx, h0, y, mask ? seen : NULL, gh, wx, wh);
    run->ops->col_sum(T * B, N, gx, N, bx);
    run->ops->col_sum(T * B, N, gh, N, bh);
    if (dx)
        wk__recurrent_inputs(run, &r, gx, tx, dx);
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    wk__recurrent_dims d = wk__recurrent_dims_of(l);
    const size_t N = G * d.Hp;
    const wk_real *gh = grad + N * d.F, *bx = gh + N * d.H, *bh = bx + N;
    wk_real *wx = dparams + l->tensors[0].at, *wh = dparams + l->tensors[1].at;
    for (size_t g = 0; g < G; g++)
        for (size_t j = 0; j < d.H; j++) {
            size_t from = g * d.Hp + j, to = g * d.H + j;
            for (size_t k = 0; k < d.F; k++)
                wx[to * d.F + k] = grad[k * N + from];
            for (size_t k = 0; k < d.H; k++)
                wh[to * d.H + k] = gh[k * N + from];
            dparams[l->tensors[2].at + to] = bx[from];
            dparams[l->tensors[3].at + to] = bh[from];
        }
}

const wk__layer_ops wk__layer_gru = {.name = "gru",
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
