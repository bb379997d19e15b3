/* Layer norm over the channels of each bar, Ba, Kiros & Hinton 2016: biased variance, eps 1e-5
 * inside the root. Sums run in 16 lanes (channel c in lane c mod 16) and fold by halves, so the
 * compiler may vectorise them and the bits stay. */
#include <string.h>

#include "nn/layer.h"

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    wk__layer_tensor_add(l, "weight", l->in, 1, 1, 1, false);
    wk__layer_tensor_add(l, "bias", l->in, 1, 1, 1, false);
    l->n_packed = l->n_grad = 2 * wk__pad(l->in);
    return WK_OK;
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    (void)seed;
    for (size_t c = 0; c < l->in; c++) {
        params[c] = 1;
        params[l->in + c] = 0;
    }
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    memset(packed, 0, l->n_packed * sizeof *packed);
    memcpy(packed, params, l->in * sizeof *packed);
    memcpy(packed + l->ldi, params + l->in, l->in * sizeof *packed);
}

/* Tape: normalised values [T, B, ld] and 1 / sqrt(variance + eps) [T, B]. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    return T * B * (wk__pad(l->in) + 1);
}

static wk_real fold(wk_real *lanes)
{
    for (size_t half = WK__LANES / 2; half; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

/* Sum of a[c] b[c] over the padded channels. */
static wk_real dot(size_t ld, const wk_real *a, const wk_real *b)
{
    wk_real lanes[WK__LANES] = {0};
    for (size_t c = 0; c < ld; c += WK__LANES)
        for (size_t j = 0; j < WK__LANES; j++)
            lanes[j] += a[c + j] * b[c + j];
    return fold(lanes);
}

static wk_real sum(size_t ld, const wk_real *a)
{
    wk_real lanes[WK__LANES] = {0};
    for (size_t c = 0; c < ld; c += WK__LANES)
        for (size_t j = 0; j < WK__LANES; j++)
            lanes[j] += a[c + j];
    return fold(lanes);
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)state;
    const size_t M = T * run->B, C = l->in, ld = l->ldi;
    const wk_real *gain = packed, *bias = packed + ld;
    wk_real *rstd = tape + M * ld;
    for (size_t m = 0; m < M; m++, x += ld, y += ld) {
        wk_real *xhat = tape + m * ld;
        wk_real mean = sum(ld, x) / (wk_real)C;
        for (size_t c = 0; c < ld; c++)
            xhat[c] = c < C ? x[c] - mean : 0;
        wk_real r = 1 / wk__sqrt(dot(ld, xhat, xhat) / (wk_real)C + (wk_real)1e-5);
        for (size_t c = 0; c < ld; c++) {
            xhat[c] *= r;
            y[c] = xhat[c] * gain[c] + bias[c];
        }
        rstd[m] = r;
    }
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)state, (void)x, (void)y;
    const size_t M = T * run->B, C = l->in, ld = l->ldi;
    const wk_real *gain = packed, *rstd = tape + M * ld;
    for (size_t m = 0; m < M; m++, dy += ld) {
        const wk_real *xhat = tape + m * ld;
        for (size_t c = 0; c < ld; c++) {
            grad[c] += dy[c] * xhat[c];
            grad[ld + c] += dy[c];
            dy[c] *= gain[c];
        }
        if (!dx)
            continue;
        wk_real mean = sum(ld, dy) / (wk_real)C, along = dot(ld, dy, xhat) / (wk_real)C;
        for (size_t c = 0; c < ld; c++)
            dx[m * ld + c] = c < C ? rstd[m] * (dy[c] - mean - xhat[c] * along) : 0;
    }
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    memcpy(dparams, grad, l->in * sizeof *grad);
    memcpy(dparams + l->in, grad + l->ldi, l->in * sizeof *grad);
}

const wk__layer_ops wk__layer_norm = {.name = "layer_norm",
                                      .shape = shape,
                                      .init = init,
                                      .pack = pack,
                                      .n_tape = n_tape,
                                      .forward = forward,
                                      .backward = backward,
                                      .unpack = unpack};
