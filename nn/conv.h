/* The causal dilated convolution under dense (kernel 1), conv1d and the TCN block:
 *   y[t] = bias + sum over taps q of W_q x[t - (kernel - 1 - q) dilation]
 * as one matrix product whose taps are offsets in time. */
#ifndef WK_NN_CONV_H
#define WK_NN_CONV_H

#include "nn/layer.h"

typedef struct {
    size_t in, out, kernel, dilation;
} wk__conv;

/* What is done with the sums on their way out: y = last(add + first(sum)). */
typedef struct {
    bool relu_first, relu_last;
    const wk_real *add; /* laid out as y, or NULL */
    size_t add_step;    /* rows between positions of `add` in a window */
} wk__finish;

static inline size_t wk__conv_past(const wk__conv *c)
{
    return (c->kernel - 1) * c->dilation;
}

size_t wk__conv_n_packed(const wk__conv *c);
size_t wk__conv_n_grad(const wk__conv *c);
size_t wk__conv_n_state(const wk__conv *c, size_t B, size_t T_max);
/* Scratch of backward. */
size_t wk__conv_n_tape(const wk__conv *c, size_t B, size_t T);

/* w [out, in, kernel], scale [out] multiplies each output channel's weights (NULL: 1). */
void wk__conv_pack(const wk__conv *c, const wk_real *w, const wk_real *scale, const wk_real *bias,
                   wk_real *packed);
void wk__conv_reset(const wk__conv *c, const wk__run *run, wk_real *state, size_t row);
void wk__conv_forward(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                      const wk_real *x, wk_real *y, size_t T, wk__finish finish);
void wk__conv_backward(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                       wk_real *tape, const wk_real *x, const wk_real *dy, wk_real *dx,
                       wk_real *grad, size_t T);
void wk__conv_unpack(const wk__conv *c, const wk_real *grad, wk_real *dw, wk_real *dbias);

/* One bar: the newest tap on top of what prepare summed of the others. */
void wk__conv_step(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state,
                   const wk_real *x, wk_real *y, wk__finish finish);
void wk__conv_prepare(const wk__conv *c, const wk__run *run, const wk_real *packed, wk_real *state);

/* In a window; rows of zeros before x as wk__span_front says. */
void wk__conv_window(const wk__conv *c, const wk__run *run, const wk_real *packed, const wk_real *x,
                     wk__span in, wk_real *y, wk__span out, wk__finish finish);
/* dx [in.n, B, ldi] is written, or with `add` added to; NULL: not wanted. */
void wk__conv_window_back(const wk__conv *c, const wk__run *run, const wk_real *packed,
                          const wk_real *x, wk__span in, const wk_real *dy, wk__span out,
                          wk_real *dx, bool add, wk_real *grad);

/* Packs w, element [k, n] at w[k * sk + n * sn] for k < K, n < N, into panels
 * [pad(N)/16][depth][16] from row `k0` of each panel on. */
void wk__pack_panels(const wk_real *w, size_t K, size_t N, size_t sk, size_t sn, size_t depth,
                     size_t k0, wk_real *panels);

#endif
