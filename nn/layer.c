#include "nn/layer.h"

#include <stdio.h>
#include <string.h>

#include "wick/rng.h"

static const wk__layer_ops *const kinds[] = {
    [WK_NN_DENSE] = &wk__layer_dense,
    [WK_NN_CONV1D] = &wk__layer_conv1d,
    [WK_NN_LSTM] = &wk__layer_lstm,
    [WK_NN_GRU] = &wk__layer_gru,
    [WK_NN_TCN] = &wk__layer_tcn,
    [WK_NN_LAYER_NORM] = &wk__layer_norm,
    [WK_NN_DROPOUT] = &wk__layer_dropout,
    [WK_NN_RELU] = &wk__layer_relu,
    [WK_NN_TANH] = &wk__layer_tanh,
    [WK_NN_MEAN] = &wk__layer_mean,
    [WK_NN_BATCH_NORM] = &wk__layer_batch_norm,
};

/* Limits that keep every size far from overflow and every mistake visible. */
enum { UNITS_MAX = 4096, DILATION_MAX = 4096, WINDOW_MAX = 4096 };

static wk_status check(const wk_nn_layer_config *c, size_t index, wk_err *err)
{
    if (c->kind < 0 || (size_t)c->kind >= sizeof kinds / sizeof *kinds)
        return wk_fail(err, WK_E_CONFIG, "network layer %zu: unknown type %d", index, c->kind);
    const char *name = kinds[c->kind]->name;
    bool conv = c->kind == WK_NN_CONV1D || c->kind == WK_NN_TCN;
    bool sized = conv || c->kind == WK_NN_DENSE || c->kind == WK_NN_LSTM || c->kind == WK_NN_GRU;
    if ((sized || c->kind == WK_NN_MEAN) && (c->units < 1 || c->units > UNITS_MAX))
        return wk_fail(err, WK_E_CONFIG, "network layer %zu (%s): units %lld is outside 1..%d",
                       index, name, (long long)c->units, UNITS_MAX);
    if (conv && (c->kernel < 1 || c->kernel > WK__TAPS_MAX))
        return wk_fail(err, WK_E_CONFIG, "network layer %zu (%s): kernel %lld is outside 1..%d",
                       index, name, (long long)c->kernel, WK__TAPS_MAX);
    if (conv && (c->dilation < 1 || c->dilation > DILATION_MAX))
        return wk_fail(err, WK_E_CONFIG, "network layer %zu (%s): dilation %lld is outside 1..%d",
                       index, name, (long long)c->dilation, DILATION_MAX);
    if ((c->kind == WK_NN_DROPOUT || c->kind == WK_NN_TCN || c->kind == WK_NN_LSTM ||
         c->kind == WK_NN_GRU) &&
        !(c->dropout >= 0 && c->dropout < 1))
        return wk_fail(err, WK_E_CONFIG, "network layer %zu (%s): dropout %g is outside [0, 1)",
                       index, name, c->dropout);
    return WK_OK;
}

wk_status wk__layer_setup(wk__layer *l, const wk_nn_layer_config *config, size_t index, size_t in,
                          wk_err *err)
{
    WK_TRY(check(config, index, err));
    *l = (wk__layer){
        .ops = kinds[config->kind], .config = *config, .index = index, .in = in, .out = in};
    WK_TRY(l->ops->shape(l, err));
    l->ldi = wk__pad(l->in);
    l->ldo = wk__pad(l->out);
    return WK_OK;
}

void wk__layer_tensor_add(wk__layer *l, const char *name, size_t a, size_t b, size_t c, size_t rank,
                          bool decay)
{
    WK_ASSERT(l->n_tensors < WK__LAYER_TENSORS);
    wk__tensor *t = &l->tensors[l->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->shape[0] = a;
    t->shape[1] = rank > 1 ? b : 1;
    t->shape[2] = rank > 2 ? c : 1;
    t->rank = rank;
    t->decay = decay;
    t->at = l->n_params;
    t->n = t->shape[0] * t->shape[1] * t->shape[2];
    l->n_params += t->n;
}

void wk__init_uniform(wk_real *params, size_t n, double bound, uint64_t seed, uint64_t stream)
{
    for (size_t i = 0; i < n; i++)
        params[i] = (wk_real)((2 * wk_rng_uniform(seed, stream, i) - 1) * bound);
}

/* SplitMix64 (Steele, Lea & Flood 2014): the next 64 bits of a row's own stream. */
static uint64_t next_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* The factors of one row at one bar. */
static void draw_mask(uint64_t state, double p, size_t ld, wk_real *mask)
{
    /* One counter-based draw a row starts a cheap stream, whose 64 bits decide four channels. */
    const uint32_t drop = (uint32_t)(p * 65536);
    const wk_real keep = (wk_real)(65536.0 / (65536.0 - (double)drop));
    for (size_t c = 0; c < ld; c += 4) {
        uint64_t bits = next_bits(&state);
        for (size_t j = 0; j < 4; j++)
            mask[c + j] = (uint32_t)(bits >> (16 * j) & 0xffff) < drop ? 0 : keep;
    }
}

void wk__dropout_mask(const wk__run *run, size_t stream, double p, size_t T, size_t ld,
                      wk_real *mask)
{
    for (size_t t = 0; t < T; t++)
        for (size_t b = 0; b < run->B; b++, mask += ld)
            draw_mask(wk_rng_u64(run->seed, run->tick << 10 | stream,
                                 (uint64_t)t * run->n_rows + run->row0 + b),
                      p, ld, mask);
}

void wk__dropout_mask_locked(const wk__run *run, size_t stream, double p, size_t ld, wk_real *mask)
{
    for (size_t b = 0; b < run->B; b++, mask += ld)
        draw_mask(run->sequence ? wk_rng_u64(run->seed, run->sequence[b] << 10 | stream, 0)
                                : wk_rng_u64(run->seed, run->tick << 10 | stream, run->row0 + b),
                  p, ld, mask);
}
