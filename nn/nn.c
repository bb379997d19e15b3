#include "nn/nn.h"

#include <stdio.h>
#include <stdlib.h>

void wk__nn_layer_name(const wk__net *net, size_t i, char *text, size_t size)
{
    if (i + 1 == net->n_layers) {
        snprintf(text, size, "head");
        return;
    }
    for (size_t k = 0; k < net->n_branches; k++) {
        const wk__branch *b = &net->branches[k];
        if (i >= b->first && i < b->first + b->n) {
            snprintf(text, size, "%s.%zu", b->name, i - b->first);
            return;
        }
    }
    snprintf(text, size, "%s%zu", net->n_branches ? "trunk." : "", i - net->trunk);
}

wk_status wk_nn_create(const wk_nn_layer_config *layers, size_t n_layers, size_t F,
                       size_t n_outputs, uint64_t seed, wk_nn **out, wk_err *err)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_layer_config *copy = wk_arena_array(&arena, wk_nn_layer_config, n_layers);
    for (size_t i = 0; i < n_layers; i++)
        copy[i] = layers[i];
    const wk_nn_config config = {.layers = {copy, n_layers}};
    wk_status status = wk_nn_create_graph(&config, F, n_outputs, seed, out, err);
    wk_arena_finish(&arena);
    return status;
}

wk_status wk_nn_create_graph(const wk_nn_config *config, size_t F, size_t n_outputs, uint64_t seed,
                             wk_nn **out, wk_err *err)
{
    wk_nn *nn = calloc(1, sizeof *nn);
    if (!nn)
        return wk_fail(err, WK_E_NOMEM, "network: out of memory");
    wk_arena_init(&nn->arena);
    wk_status status = wk__net_build(&nn->arena, config, F, n_outputs, &nn->net, err);
    if (status != WK_OK) {
        wk_nn_destroy(nn);
        return status;
    }
    const wk__net *net = &nn->net;
    for (size_t i = 0; i < net->n_layers; i++)
        nn->n_tensors += net->layers[i].n_tensors;
    nn->params = wk_arena_array(&nn->arena, float, net->n_params);
    nn->decay = wk_arena_array(&nn->arena, bool, net->n_params);
    nn->names = wk_arena_alloc(&nn->arena, nn->n_tensors * sizeof *nn->names);
    nn->tensor_layer = wk_arena_array(&nn->arena, size_t, nn->n_tensors);
    nn->tensor_index = wk_arena_array(&nn->arena, size_t, nn->n_tensors);
    size_t n = 0;
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        for (size_t j = 0; j < l->n_tensors; j++, n++) {
            char place[48];
            wk__nn_layer_name(net, i, place, sizeof place);
            snprintf(nn->names[n], sizeof nn->names[n], "%s.%s", place, l->tensors[j].name);
            nn->tensor_layer[n] = i;
            nn->tensor_index[n] = j;
            for (size_t k = 0; k < l->tensors[j].n; k++)
                nn->decay[l->at_params + l->tensors[j].at + k] = l->tensors[j].decay;
        }
    }
    nn->warmup = WK__WARMUP_CHUNKS * WK__TRUNCATION_DEFAULT;
    wk__net_init(net, nn->params, seed);
    *out = nn;
    return WK_OK;
}

void wk_nn_destroy(wk_nn *nn)
{
    if (!nn)
        return;
    wk_arena_finish(&nn->arena);
    free(nn);
}

size_t wk_nn_n_inputs(const wk_nn *nn)
{
    return nn->net.F;
}

size_t wk_nn_n_outputs(const wk_nn *nn)
{
    return nn->net.n_outputs;
}

size_t wk_nn_n_params(const wk_nn *nn)
{
    return nn->net.n_params;
}

/* Bars that layers [first, end) look back together. */
static size_t history_of(const wk__net *net, size_t first, size_t end, bool *recurrent)
{
    size_t bars = 0;
    for (size_t i = first; i < end; i++) {
        bars += net->layers[i].history;
        *recurrent = *recurrent || net->layers[i].recurrent;
    }
    return bars;
}

size_t wk_nn_receptive(const wk_nn *nn)
{
    const wk__net *net = &nn->net;
    bool recurrent = false;
    size_t longest = 0;
    for (size_t k = 0; k < net->n_branches; k++) {
        const wk__branch *b = &net->branches[k];
        size_t bars = history_of(net, b->first, b->first + b->n, &recurrent);
        longest = bars > longest ? bars : longest;
    }
    size_t bars = 1 + longest + history_of(net, net->trunk, net->n_layers, &recurrent);
    return recurrent ? bars + nn->warmup : bars;
}

size_t wk_nn_n_tensors(const wk_nn *nn)
{
    return nn->n_tensors;
}

void wk_nn_tensor(wk_nn *nn, size_t i, const char **name, float **values, size_t shape[3],
                  size_t *rank)
{
    WK_ASSERT(i < nn->n_tensors);
    const wk__layer *l = &nn->net.layers[nn->tensor_layer[i]];
    const wk__tensor *t = &l->tensors[nn->tensor_index[i]];
    *name = nn->names[i];
    *values = nn->params + l->at_params + t->at;
    for (size_t k = 0; k < 3; k++)
        shape[k] = t->shape[k];
    *rank = t->rank;
}
