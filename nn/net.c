#include "nn/net.h"

#include <stdio.h>
#include <string.h>

enum { INPUTS_MAX = 65536, LAYERS_MAX = 64, OUTPUTS_MAX = 4096 };

/* Adds the layers of a stack over `in` channels from `source`; returns the last one, or `source`.
 */
static wk_status add_stack(wk__net *net, const wk_nn_layer_config *layers, size_t n, size_t in,
                           int source, int *end, size_t *out, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        wk__layer *l = &net->layers[net->n_layers];
        WK_TRY(wk__layer_setup(l, &layers[i], net->n_layers, in, err));
        l->source = source;
        /* A relu right after a product is done on the product's way out. */
        wk__layer *before = i ? l - 1 : NULL;
        if (l->config.kind == WK_NN_RELU && before &&
            (before->config.kind == WK_NN_DENSE || before->config.kind == WK_NN_CONV1D))
            before->relu = l->alias = true;
        l->at_params = net->n_params;
        l->at_packed = net->n_packed;
        l->at_grad = net->n_grad;
        net->n_params += l->n_params;
        /* Each part begins on a cache line. */
        net->n_packed += wk__pad(l->n_packed);
        net->n_grad += wk__pad(l->n_grad);
        in = l->out;
        source = (int)net->n_layers++;
    }
    *end = source;
    *out = in;
    return WK_OK;
}

static wk_status check_branches(const wk_nn_config *config, wk_err *err)
{
    const wk_nn_branch_config *b = config->branches.v;
    if (config->branches.n > WK__BRANCHES_MAX)
        return wk_fail(err, WK_E_CONFIG, "network of %zu branches: at most %d", config->branches.n,
                       WK__BRANCHES_MAX);
    for (size_t i = 0; i < config->branches.n; i++) {
        const char *name = b[i].name ? b[i].name : "";
        if (!*name || strlen(name) >= sizeof((wk__branch *)0)->name || strchr(name, '.'))
            return wk_fail(err, WK_E_CONFIG,
                           "network branch %zu: the name \"%s\" must have 1 to %zu characters, no "
                           "dot among them",
                           i, name, sizeof((wk__branch *)0)->name - 1);
        for (size_t k = 0; k < i; k++)
            if (strcmp(b[k].name, name) == 0)
                return wk_fail(err, WK_E_CONFIG, "network branches %zu and %zu are both named %s",
                               k, i, name);
    }
    return WK_OK;
}

wk_status wk__net_build(wk_arena *arena, const wk_nn_config *config, size_t F, size_t n_outputs,
                        wk__net *out, wk_err *err)
{
    if (F < 1 || F > INPUTS_MAX || n_outputs < 1 || n_outputs > INPUTS_MAX)
        return wk_fail(err, WK_E_ARG,
                       "network of %zu inputs and %zu outputs: both must be in 1..%d", F, n_outputs,
                       INPUTS_MAX);
    if (n_outputs > OUTPUTS_MAX)
        return wk_fail(err, WK_E_ARG, "network of %zu outputs: at most %d", n_outputs, OUTPUTS_MAX);
    WK_TRY(check_branches(config, err));
    const wk_nn_branch_config *branches = config->branches.v;
    size_t n_layers = config->layers.n;
    for (size_t i = 0; i < config->branches.n; i++)
        n_layers += branches[i].layers.n;
    if (n_layers > LAYERS_MAX)
        return wk_fail(err, WK_E_CONFIG, "network of %zu layers: at most %d", n_layers, LAYERS_MAX);
    wk__net net = {.layers = wk_arena_array(arena, wk__layer, n_layers + 1),
                   .F = F,
                   .n_outputs = n_outputs,
                   .n_branches = config->branches.n};
    for (size_t i = 0; i < net.n_branches; i++) {
        wk__branch *b = &net.branches[i];
        snprintf(b->name, sizeof b->name, "%s", branches[i].name);
        b->first = net.n_layers;
        b->n = branches[i].layers.n;
        WK_TRY(add_stack(&net, branches[i].layers.v, b->n, F, WK__INPUT, &b->end, &b->out, err));
        net.joined += b->out;
    }
    net.trunk = net.n_layers;
    const wk_nn_layer_config head = {.kind = WK_NN_DENSE, .units = (int64_t)n_outputs};
    int end;
    size_t width;
    WK_TRY(add_stack(&net, config->layers.v, config->layers.n, net.n_branches ? net.joined : F,
                     net.n_branches ? WK__JOINED : WK__INPUT, &end, &width, err));
    WK_TRY(add_stack(&net, &head, 1, width, end, &end, &width, err));
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

void wk__net_track(const wk__net *net, const wk_real *grad, wk_real *params)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (l->ops->track)
            l->ops->track(l, grad + l->at_grad, params + l->at_params);
    }
}

void wk__work_build(wk_arena *arena, const wk__net *net, const wk__nn_ops *ops, size_t B,
                    size_t T_max, bool backward, wk__work *out)
{
    wk__work w = {.run = {.ops = ops, .B = B, .T_max = T_max, .n_rows = B, .backward = backward}};
    const size_t n = net->n_layers, M = T_max * B;
    size_t ld_max = wk__pad(net->F > net->joined ? net->F : net->joined);
    w.x = wk_arena_array(arena, wk_real, M * wk__pad(net->F));
    if (net->n_branches)
        w.joined = wk_arena_array(arena, wk_real, M * wk__pad(net->joined));
    w.act = wk_arena_array(arena, wk_real *, n);
    w.tape = wk_arena_array(arena, wk_real *, n);
    w.state = wk_arena_array(arena, wk_real *, n);
    for (size_t i = 0; i < n; i++) {
        const wk__layer *l = &net->layers[i];
        w.act[i] = l->alias ? w.act[l->source] : wk_arena_array(arena, wk_real, M * l->ldo);
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
        w.d[i] = wk_arena_array(arena, wk_real, M * ld_max);
    if (backward && net->n_branches) {
        w.d_end = wk_arena_array(arena, wk_real *, net->n_branches);
        for (size_t b = 0; b < net->n_branches; b++)
            w.d_end[b] = wk_arena_array(arena, wk_real, M * wk__pad(net->branches[b].out));
    }
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

static const wk_real *source_of(const wk__layer *l, const wk__work *w)
{
    return l->source == WK__INPUT ? w->x : l->source == WK__JOINED ? w->joined : w->act[l->source];
}

/* Puts the branches' outputs beside each other. */
static void join(const wk__net *net, wk__work *w, size_t M)
{
    const size_t ld = wk__pad(net->joined);
    size_t at = 0;
    for (size_t i = 0; i < net->n_branches; at += net->branches[i++].out) {
        const wk__branch *b = &net->branches[i];
        const wk_real *y = b->end == WK__INPUT ? w->x : w->act[b->end];
        for (size_t m = 0; m < M; m++)
            memcpy(w->joined + m * ld + at, y + m * wk__pad(b->out), b->out * sizeof *y);
    }
}

const wk_real *wk__net_forward(const wk__net *net, const wk_real *packed, wk__work *work, size_t T)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (i == net->trunk && net->n_branches)
            join(net, work, T * work->run.B);
        if (!l->alias)
            l->ops->forward(l, &work->run, packed + l->at_packed, work->state[i], work->tape[i],
                            source_of(l, work), work->act[i], T);
    }
    return work->act[net->n_layers - 1];
}

/* Backward through layers [first, end) from the gradient dy of the last one's output; returns the
 * gradient of what the first one sees, NULL when that is the input. */
static wk_real *stack_back(const wk__net *net, const wk_real *packed, wk__work *work, wk_real *grad,
                           size_t T, size_t first, size_t end, wk_real *dy)
{
    for (size_t i = end; i-- > first;) {
        const wk__layer *l = &net->layers[i];
        if (l->alias) {
            work->run.ops->relu_back(T * work->run.B * l->ldo, work->act[i], dy, dy);
            continue;
        }
        wk_real *dx = l->source == WK__INPUT ? NULL : work->d[dy == work->d[0]];
        l->ops->backward(l, &work->run, packed + l->at_packed, work->state[i], work->tape[i],
                         source_of(l, work), work->act[i], dy, dx, grad + l->at_grad, T);
        dy = dx;
    }
    return dy;
}

void wk__net_backward(const wk__net *net, const wk_real *packed, wk__work *work, wk_real *grad,
                      size_t T)
{
    const size_t M = T * work->run.B, ld = wk__pad(net->joined);
    const wk_real *dy =
        stack_back(net, packed, work, grad, T, net->trunk, net->n_layers, work->d[0]);
    size_t at = 0;
    for (size_t i = 0; i < net->n_branches; at += net->branches[i++].out) {
        const size_t out = net->branches[i].out, ldb = wk__pad(out);
        for (size_t m = 0; m < M; m++)
            memcpy(work->d_end[i] + m * ldb, dy + m * ld + at, out * sizeof *dy);
    }
    for (size_t i = 0; i < net->n_branches; i++) {
        const wk__branch *b = &net->branches[i];
        stack_back(net, packed, work, grad, T, b->first, b->first + b->n, work->d_end[i]);
    }
}

const wk_real *wk__net_step(const wk__net *net, const wk_real *packed, wk__work *work)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (i == net->trunk && net->n_branches)
            join(net, work, 1);
        if (l->alias)
            continue;
        const wk_real *w = packed + l->at_packed, *x = source_of(l, work);
        if (l->ops->step)
            l->ops->step(l, &work->run, w, work->state[i], work->tape[i], x, work->act[i]);
        else
            l->ops->forward(l, &work->run, w, work->state[i], work->tape[i], x, work->act[i], 1);
    }
    return work->act[net->n_layers - 1];
}

void wk__net_prepare(const wk__net *net, const wk_real *packed, wk__work *work)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        if (l->ops->prepare)
            l->ops->prepare(l, &work->run, packed + l->at_packed, work->state[i]);
    }
}
