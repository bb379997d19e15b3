/* GRU, Cho et al. 2014, in PyTorch's form: gate order r, z, n, the reset gate after the recurrent
 * product, n = tanh(W_n x + b_in + r (U_n h + b_hn)),  h' = (1 - z) n + z h. */
#include <string.h>

#include "nn/conv.h"

enum { G = 3 };

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
    dims d = of(l);
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

/* State: h [B, Hp]. */
static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    (void)T_max;
    return B * wk__pad((size_t)l->config.units);
}

/* Tape: input sums, then gates [T, B, 3Hp]; recurrent sums [T, B, 3Hp]; h before the chunk and
 * backward's running gradient [B, Hp]. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    return B * wk__pad((size_t)l->config.units) * (T * 2 * G + 2);
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    dims d = of(l);
    if (row == run->B)
        memset(state, 0, run->B * d.Hp * sizeof *state);
    else
        memset(state + row * d.Hp, 0, d.Hp * sizeof *state);
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    dims d = of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp;
    const wk_real *ph = packed + N * d.F, *bx = ph + N * d.H, *bh = bx + N;
    wk_real *gx = tape, *gh = gx + T * B * N, *h0 = gh + T * B * N;
    memcpy(h0, state, cell * sizeof *h0);
    run->ops->gemm(T * B, N, d.F, 1, x, wk__pad(d.F), 0, packed, bx, false, gx, N);
    const wk_real *h = h0;
    for (size_t t = 0; t < T; t++) {
        run->ops->gemm(B, N, d.H, 1, h, d.Hp, 0, ph, bh, false, gh + t * B * N, N);
        run->ops->gru_cell(B, d.Hp, gx + t * B * N, gh + t * B * N, h, y + t * cell);
        h = y + t * cell;
    }
    memcpy(state, h, cell * sizeof *h);
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)state;
    dims d = of(l);
    const size_t B = run->B, N = G * d.Hp, cell = B * d.Hp, Fp = wk__pad(d.F);
    const wk_real *tx = packed + N * (d.F + d.H + 2), *th = tx + N * Fp;
    wk_real *gx = tape, *gh = gx + T * B * N, *h0 = gh + T * B * N, *dh = h0 + cell;
    for (size_t t = T; t-- > 0;) {
        wk_real *up = dy + t * cell;
        if (t + 1 < T) {
            /* The next bar's dy now holds the direct part z dh of the gradient in this bar's h. */
            run->ops->gemm(B, d.Hp, N, 1, gh + (t + 1) * B * N, N, 0, th, NULL, false, dh, d.Hp);
            run->ops->add(cell, dh, up);
            run->ops->add(cell, up + cell, up);
        }
        run->ops->gru_cell_back(B, d.Hp, gx + t * B * N, gh + t * B * N,
                                t ? y + (t - 1) * cell : h0, up);
    }
    wk_real *wx = grad, *wh = wx + N * d.F, *bx = wh + N * d.H, *bh = bx + N;
    run->ops->gemm_at(T * B, N, d.F, x, Fp, gx, N, wx);
    run->ops->gemm_at(B, N, d.H, h0, d.Hp, gh, N, wh);
    run->ops->gemm_at((T - 1) * B, N, d.H, y, d.Hp, gh + B * N, N, wh);
    run->ops->col_sum(T * B, N, gx, N, bx);
    run->ops->col_sum(T * B, N, gh, N, bh);
    if (dx)
        run->ops->gemm(T * B, Fp, N, 1, gx, N, 0, tx, NULL, false, dx, Fp);
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    dims d = of(l);
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

const wk__layer_ops wk__layer_gru = {"gru",  shape, init,    pack,     n_state,
                                     n_tape, reset, forward, backward, unpack};
