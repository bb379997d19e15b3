/* relu, tanh and dropout: elementwise, no parameters, no state. */
#include <string.h>

#include "nn/layer.h"

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)l;
    (void)err;
    return WK_OK;
}

static void relu_forward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                         wk_real *state, wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)packed, (void)state, (void)tape;
    run->ops->relu(T * run->B * l->ldo, x, y);
}

static void relu_backward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                          wk_real *state, wk_real *tape, const wk_real *x, const wk_real *y,
                          wk_real *dy, wk_real *dx, wk_real *grad, size_t T)
{
    (void)packed, (void)state, (void)tape, (void)x, (void)grad;
    if (dx)
        run->ops->relu_back(T * run->B * l->ldo, y, dy, dx);
}

static void tanh_forward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                         wk_real *state, wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)packed, (void)state, (void)tape;
    run->ops->tanh(T * run->B * l->ldo, x, y);
}

static void tanh_backward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                          wk_real *state, wk_real *tape, const wk_real *x, const wk_real *y,
                          wk_real *dy, wk_real *dx, wk_real *grad, size_t T)
{
    (void)packed, (void)state, (void)tape, (void)x, (void)grad;
    if (dx)
        run->ops->tanh_back(T * run->B * l->ldo, y, dy, dx);
}

/* Tape: the factors. */
static size_t dropout_n_tape(const wk__layer *l, size_t B, size_t T)
{
    return T * B * wk__pad(l->out);
}

static void dropout_forward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                            wk_real *state, wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)packed, (void)state;
    const size_t n = T * run->B * l->ldo;
    if (run->training && l->config.dropout > 0) {
        wk__dropout_mask(run, 4 * l->index, l->config.dropout, T, l->ldo, tape);
        run->ops->mul(n, x, tape, y);
    } else {
        memcpy(y, x, n * sizeof *y);
    }
}

static void dropout_backward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                             wk_real *state, wk_real *tape, const wk_real *x, const wk_real *y,
                             wk_real *dy, wk_real *dx, wk_real *grad, size_t T)
{
    (void)packed, (void)state, (void)x, (void)y, (void)grad;
    const size_t n = T * run->B * l->ldo;
    if (!dx)
        return;
    if (run->training && l->config.dropout > 0)
        run->ops->mul(n, dy, tape, dx);
    else
        memcpy(dx, dy, n * sizeof *dx);
}

const wk__layer_ops wk__layer_relu = {
    .name = "relu", .shape = shape, .forward = relu_forward, .backward = relu_backward};
const wk__layer_ops wk__layer_tanh = {
    .name = "tanh", .shape = shape, .forward = tanh_forward, .backward = tanh_backward};
const wk__layer_ops wk__layer_dropout = {.name = "dropout",
                                         .shape = shape,
                                         .n_tape = dropout_n_tape,
                                         .forward = dropout_forward,
                                         .backward = dropout_backward};
