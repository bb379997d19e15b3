/* A plan told in words and numbers: what was chosen, and what a bar and a window cost. */
#include <stdio.h>

#include "nn/plan.h"

static size_t units_of(const wk__layer *l)
{
    return (size_t)l->config.units;
}

/* Flops of one position: of a TCN's first convolution, and of everything else. */
typedef struct {
    size_t first, rest;
} flops;

static flops flops_of(const wk__layer *l)
{
    const size_t n = units_of(l), kernel = (size_t)l->config.kernel;
    switch (l->config.kind) {
    case WK_NN_DENSE:
        return (flops){0, 2 * l->in * n};
    case WK_NN_CONV1D:
        return (flops){0, 2 * l->in * kernel * n};
    case WK_NN_LSTM:
        return (flops){0, 2 * 4 * n * (l->in + n)};
    case WK_NN_GRU:
        return (flops){0, 2 * 3 * n * (l->in + n)};
    case WK_NN_TCN:
        return (flops){2 * l->in * kernel * n,
                       2 * n * kernel * n + (l->in == n ? 0 : 2 * l->in * n)};
    case WK_NN_MEAN:
        return (flops){0, n * l->in};
    default:
        return (flops){0, 0};
    }
}

static const char *kernels_of(const wk__layer *l)
{
    switch (l->config.kind) {
    case WK_NN_DENSE:
    case WK_NN_CONV1D:
        return l->relu ? "gemm with relu" : "gemm";
    case WK_NN_LSTM:
        return "gemm, lstm_cell";
    case WK_NN_GRU:
        return "gemm, gru_cell";
    case WK_NN_TCN:
        return l->in == l->out ? "gemm with relu and skip" : "gemm with relu and skip, gemm";
    case WK_NN_RELU:
        return l->alias ? "in the layer before" : "relu";
    case WK_NN_TANH:
        return "tanh";
    case WK_NN_MEAN:
        return "window_mean";
    case WK_NN_LAYER_NORM:
        return "c";
    case WK_NN_BATCH_NORM:
        return l->alias ? "in the layer before" : "c";
    default:
        return "copy";
    }
}

static void say_shape(const wk__layer *l, char *text, size_t size)
{
    const wk_nn_layer_config *c = &l->config;
    const char *name = l->ops->name;
    if (c->kind == WK_NN_CONV1D || c->kind == WK_NN_TCN)
        snprintf(text, size, "%s(%zu, %lld, %lld)", name, units_of(l), (long long)c->kernel,
                 (long long)c->dilation);
    else if (c->kind == WK_NN_DENSE || c->kind == WK_NN_LSTM || c->kind == WK_NN_GRU ||
             c->kind == WK_NN_MEAN)
        snprintf(text, size, "%s(%zu)", name, units_of(l));
    else
        snprintf(text, size, "%s", name);
}

static void describe_layer(const wk__net *net, size_t i, const wk__view *view, wk_plan_layer *out)
{
    const wk__layer *l = &net->layers[i];
    const flops f = flops_of(l);
    *out = (wk_plan_layer){.kernels = kernels_of(l),
                           .in = l->in,
                           .out = l->out,
                           .n_params = l->n_params,
                           .packed_bytes = l->n_packed * sizeof(wk_real),
                           .flops_step = f.first + f.rest};
    wk__nn_layer_name(net, i, out->name, sizeof out->name);
    say_shape(l, out->shape, sizeof out->shape);
    if (!view)
        return;
    /* Recurrent layers run every bar, whatever is wanted of them. */
    out->positions = l->recurrent ? view->T : view->out.n;
    out->flops_window = out->positions * f.rest;
    if (f.first)
        out->flops_window += f.first * wk__span_of_taps(view->out, (size_t)l->config.kernel,
                                                        (size_t)l->config.dilation, view->T)
                                           .n;
}

wk_status wk_plan_describe(wk_arena *arena, const wk_nn_plan *plan, size_t T,
                           wk_plan_description *out, wk_err *err)
{
    const wk__net *net = &plan->net;
    wk_plan_description d = {.isa = plan->ops->name,
                             .F = net->F,
                             .n_outputs = net->n_outputs,
                             .n_params = net->n_params,
                             .T = T,
                             .n_layers = net->n_layers,
                             .packed_bytes = net->n_packed * sizeof(wk_real),
                             .plan_bytes = plan->n_bytes};
    wk_nn_window *window = NULL;
    /* The sizes are those of a real state and a real window, built and let go. */
    wk_arena scratch;
    wk_arena_init(&scratch);
    wk_nn_state_create(&scratch, plan);
    d.state_bytes = scratch.used_bytes;
    wk_status status = T ? wk_nn_window_build(&scratch, plan, T, &window, err) : WK_OK;
    if (status == WK_OK) {
        d.window_bytes = scratch.used_bytes - d.state_bytes;
        wk_plan_layer *layers = wk_arena_array(arena, wk_plan_layer, net->n_layers);
        for (size_t i = 0; i < net->n_layers; i++) {
            describe_layer(net, i, window ? &window->window.views[i] : NULL, &layers[i]);
            d.flops_step += layers[i].flops_step;
            d.flops_window += layers[i].flops_window;
        }
        d.layers = layers;
        *out = d;
    }
    wk_arena_finish(&scratch);
    return status;
}
