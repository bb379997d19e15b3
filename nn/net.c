#include "nn/net.h"

wk_status wk__net_build(wk_arena *arena, const wk_nn_layer_config *layers, size_t n_layers,
                        size_t F, size_t n_outputs, wk__net *out, wk_err *err)
{
    enum { INPUTS_MAX = 65536, LAYERS_MAX = 64 };
    if (F < 1 || F > INPUTS_MAX || n_outputs < 1 || n_outputs > INPUTS_MAX)
        return wk_fail(err, WK_E_ARG,
                       "network of %zu inputs and %zu outputs: both must be in 1..%d", F, n_outputs,
                       INPUTS_MAX);
    if (n_layers > LAYERS_MAX)
        return wk_fail(err, WK_E_CONFIG, "network of %zu layers: at most %d", n_layers, LAYERS_MAX);
    wk__net net = {.layers = wk_arena_array(arena, wk__layer, n_layers + 1),
                   .n_layers = n_layers + 1,
                   .F = F,
                   .n_outputs = n_outputs};
    const wk_nn_layer_config head = {.kind = WK_NN_DENSE, .units = (int64_t)n_outputs};
    if (n_outputs > 4096)
        return wk_fail(err, WK_E_ARG, "network of %zu outputs: at most 4096", n_outputs);
    size_t in = F;
    for (size_t i = 0; i <= n_layers; i++) {
        wk__layer *l = &net.layers[i];
        WK_TRY(wk__layer_setup(l, i < n_layers ? &layers[i] : &head, i, in, err));
        l->at_params = net.n_params;
        l->at_packed = net.n_packed;
        l->at_grad = net.n_grad;
        net.n_params += l->n_params;
        /* Each part begins on a cache line. */
        net.n_packed += wk__pad(l->n_packed);
        net.n_grad += wk__pad(l->n_grad);
        in = l->out;
    }
    *out = net;
    return WK_OK;
}

void wk__net_init(const wk__net *net, wk_real *params, uint64_t seed)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (l->ops->init)
            l->ops->init(l, params + l->at_params, seed);
    }
}

void wk__net_pack(const wk__net *net, const wk_real *params, wk_real *packed)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (l->ops->pack)
            l->ops->pack(l, params + l->at_params, packed + l->at_packed);
    }
}

void wk__net_unpack(const wk__net *net, const wk_real *params, const wk_real *grad,
                    wk_real *dparams)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (l->ops->unpack)
            l->ops->unpack(l, params + l->at_params, grad + l->at_grad, dparams + l->at_params);
    }
}

void wk__work_build(wk_arena *arena, const wk__net *net, const wk__nn_ops *ops, size_t B,
                    size_t T_max, bool backward, wk__work *out)
{
    wk__work w = {.run = {.ops = ops, .B = B, .T_max = T_max, .n_rows = B}};
    const size_t n = net->n_layers;
    size_t ld_max = wk__pad(net->F);
    w.x = wk_arena_array(arena, wk_real, T_max * B * ld_max);
    w.act = wk_arena_array(arena, wk_real *, n);
    w.tape = wk_arena_array(arena, wk_real *, n);
    w.state = wk_arena_array(arena, wk_real *, n);
    for (size_t i = 0; i < n; i++) {
        const wk__layer *l = &net->layers[i];
        w.act[i] = wk_arena_array(arena, wk_real, T_max * B * l->ldo);
        if (l->ops->n_tape)
            w.tape[i] = wk_arena_array(arena, wk_real, l->ops->n_tape(l, B, T_max));
        if (l->ops->n_state)
            w.n_state += wk__pad(l->ops->n_state(l, B, T_max));
        if (l->ldo > ld_max)
            ld_max = l->ldo;
    }
    w.state_all = wk_arena_array(arena, wk_real, w.n_state);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const wk__layer *l = &net->layers[i];
        w.state[i] = w.state_all + at;
        if (l->ops->n_state)
            at += wk__pad(l->ops->n_state(l, B, T_max));
    }
    for (size_t i = 0; backward && i < 2; i++)
        w.d[i] = wk_arena_array(arena, wk_real, T_max * B * ld_max);
    *out = w;
    wk__work_reset(net, out, B);
}

void wk__work_reset(const wk__net *net, wk__work *work, size_t row)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (l->ops->reset)
            l->ops->reset(l, &work->run, work->state[i], row);
    }
}

const wk_real *wk__net_forward(const wk__net *net, const wk_real *packed, wk__work *work, size_t T)
{
    const wk_real *x = work->x;
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        l->ops->forward(l, &work->run, packed + l->at_packed, work->state[i], work->tape[i], x,
                        work->act[i], T);
        x = work->act[i];
    }
    return x;
}

void wk__net_backward(const wk__net *net, const wk_real *packed, wk__work *work, wk_real *grad,
                      size_t T)
{
    wk_real *dy = work->d[0], *dx = work->d[1];
    for (size_t i = net->n_layers; i-- > 0;) {
        const wk__layer *l = &net->layers[i];
        l->ops->backward(l, &work->run, packed + l->at_packed, work->state[i], work->tape[i],
                         i ? work->act[i - 1] : work->x, work->act[i], dy, i ? dx : NULL,
                         grad + l->at_grad, T);
        wk_real *swap = dy;
        dy = dx;
        dx = swap;
    }
}
