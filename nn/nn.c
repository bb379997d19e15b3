#include "nn/nn.h"

#include <stdio.h>
#include <stdlib.h>

wk_status wk_nn_create(const wk_nn_layer_config *layers, size_t n_layers, size_t F,
                       size_t n_outputs, uint64_t seed, wk_nn **out, wk_err *err)
{
    wk_nn *nn = calloc(1, sizeof *nn);
    if (!nn)
        return wk_fail(err, WK_E_NOMEM, "network: out of memory");
    wk_arena_init(&nn->arena);
    wk_status status = wk__net_build(&nn->arena, layers, n_layers, F, n_outputs, &nn->net, err);
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
            if (i + 1 == net->n_layers)
                snprintf(nn->names[n], sizeof nn->names[n], "head.%s", l->tensors[j].name);
            else
                snprintf(nn->names[n], sizeof nn->names[n], "%u.%s", (unsigned)i,
                         l->tensors[j].name);
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

size_t wk_nn_receptive(const wk_nn *nn)
{
    size_t bars = 1;
    bool recurrent = false;
    for (size_t i = 0; i < nn->net.n_layers; i++) {
        bars += nn->net.layers[i].history;
        recurrent = recurrent || nn->net.layers[i].recurrent;
    }
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
