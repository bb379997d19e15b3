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

/* Tape: the factors. A locked dropout (variational: Gal & Ghahramani 2016; between layers: Merity,
 * Keskar & Socher 2018) draws them once for a sequence, whatever chunks it comes in. */
static size_t dropout_n_tape(const wk__layer *l, size_t B, size_t T)
{
    return (l->config.locked ? 1 : T) * B * wk__pad(l->out);
}

/* y = x times the factors. */
static void dropout_apply(const wk__layer *l, const wk__run *run, const wk_real *tape,
                          const wk_real *x, wk_real *y, size_t T)
{
    const size_t bar = run->B * l->ldo;
    if (!l->config.locked)
        run->ops->mul(T * bar, x, tape, y);
    for (size_t t = 0; l->config.locked && t < T; t++)
        run->ops->mul(bar, x + t * bar, tape, y + t * bar);
}

static void dropout_forward(const wk__layer *l, const wk__run *run, const wk_real *packed,
                            wk_real *state, wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)packed, (void)state;
    const size_t n = T * run->B * l->ldo;
    if (run->training && l->config.dropout > 0) {
        if (l->config.locked)
            wk__dropout_mask_locked(run, 4 * l->index, l->config.dropout, l->ldo, tape);
        else
            wk__dropout_mask(run, 4 * l->index, l->config.dropout, T, l->ldo, tape);
        dropout_apply(l, run, tape, x, y, T);
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
        dropout_apply(l, run, tape, dy, dx, T);
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
