/* dense and conv1d: one causal convolution each, dense with kernel 1. */
#include <string.h>

#include "nn/conv.h"

static wk__conv of(const wk__layer *l)
{
    bool dense = l->config.kind == WK_NN_DENSE;
    return (wk__conv){l->in, l->out, dense ? 1 : (size_t)l->config.kernel,
                      dense ? 1 : (size_t)l->config.dilation};
}

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    l->out = (size_t)l->config.units;
    wk__conv c = of(l);
    wk__layer_tensor_add(l, "weight", c.out, c.in, c.kernel, l->config.kind == WK_NN_DENSE ? 2 : 3,
                         true);
    wk__layer_tensor_add(l, "bias", c.out, 1, 1, 1, false);
    l->n_packed = wk__conv_n_packed(&c);
    l->n_grad = wk__conv_n_grad(&c);
    l->history = wk__conv_past(&c);
    return WK_OK;
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    wk__conv c = of(l);
    double bound = 1 / sqrt((double)(c.in * c.kernel));
    wk__init_uniform(params, l->n_params, bound, seed, l->index);
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    wk__conv c = of(l);
    wk__conv_pack(&c, params, NULL, params + l->tensors[1].at, packed);
}

static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    wk__conv c = of(l);
    return wk__conv_n_state(&c, B, T_max);
}

static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    wk__conv c = of(l);
    return wk__conv_n_tape(&c, B, T);
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    wk__conv c = of(l);
    wk__conv_reset(&c, run, state, row);
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)tape;
    wk__conv c = of(l);
    wk__conv_forward(&c, run, packed, state, x, y, T, (wk__finish){.relu_first = l->relu});
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)y;
    wk__conv c = of(l);
    wk__conv_backward(&c, run, packed, state, tape, x, dy, dx, grad, T);
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    wk__conv c = of(l);
    wk__conv_unpack(&c, grad, dparams, dparams + l->tensors[1].at);
}

static void step(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                 wk_real *tape, const wk_real *x, wk_real *y)
{
    (void)tape;
    wk__conv c = of(l);
    wk__conv_step(&c, run, packed, state, x, y, (wk__finish){.relu_first = l->relu});
}

static void prepare(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state)
{
    wk__conv c = of(l);
    wk__conv_prepare(&c, run, packed, state);
}

static wk__span need(const wk__layer *l, wk__span out, size_t T)
{
    wk__conv c = of(l);
    return wk__span_of_taps(out, c.kernel, c.dilation, T);
}

static size_t front(const wk__layer *l, const wk__view *view)
{
    wk__conv c = of(l);
    return wk__span_front(view->in, view->out, c.kernel, c.dilation);
}

static void window(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *tape,
                   const wk_real *x, wk_real *y, const wk__view *view)
{
    (void)tape;
    wk__conv c = of(l);
    wk__conv_window(&c, run, packed, x, view->in, y, view->out,
                    (wk__finish){.relu_first = l->relu});
}

static void window_back(const wk__layer *l, const wk__run *run, const wk_real *packed,
                        wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                        wk_real *grad, const wk__view *view)
{
    (void)tape, (void)y;
    wk__conv c = of(l);
    wk__conv_window_back(&c, run, packed, x, view->in, dy, view->out, dx, false, grad);
}

#define OPS(title)                                                                                 \
    {                                                                                              \
        .name = title, .shape = shape, .init = init, .pack = pack, .n_state = n_state,             \
        .n_tape = n_tape, .reset = reset, .forward = forward, .backward = backward,                \
        .unpack = unpack, .step = step, .prepare = prepare, .need = need, .front = front,          \
        .window = window, .window_back = window_back                                               \
    }

const wk__layer_ops wk__layer_dense = OPS("dense");
const wk__layer_ops wk__layer_conv1d = OPS("conv1d");
