/* TCN residual block, Bai, Kolter & Koltun 2018:
 *   y = relu(drop(relu(conv2(drop(relu(conv1(x)))))) + skip(x)),
 * both convolutions causal, dilated and weight-normed (w = g v / |v| for each output channel,
 * Salimans & Kingma 2016), skip the identity or a 1x1 convolution when the channels differ. The
 * initial weights are PyTorch's uniform ones: v is drawn and g = |v|. */
#include <string.h>

#include "nn/conv.h"

enum { G1, V1, B1, G2, V2, B2, DOWN_W, DOWN_B };

typedef struct {
    wk__conv conv1, conv2, down;
    bool has_down;
} parts;

static parts of(const wk__layer *l)
{
    size_t K = (size_t)l->config.kernel, dil = (size_t)l->config.dilation,
           C = (size_t)l->config.units;
    return (parts){{l->in, C, K, dil}, {C, C, K, dil}, {l->in, C, 1, 1}, l->in != C};
}

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    parts p = of(l);
    const size_t C = p.conv1.out, K = p.conv1.kernel;
    l->out = C;
    wk__layer_tensor_add(l, "conv1.weight_g", C, 1, 1, 3, false);
    wk__layer_tensor_add(l, "conv1.weight_v", C, l->in, K, 3, true);
    wk__layer_tensor_add(l, "conv1.bias", C, 1, 1, 1, false);
    wk__layer_tensor_add(l, "conv2.weight_g", C, 1, 1, 3, false);
    wk__layer_tensor_add(l, "conv2.weight_v", C, C, K, 3, true);
    wk__layer_tensor_add(l, "conv2.bias", C, 1, 1, 1, false);
    l->n_packed = wk__pad(C) + wk__conv_n_packed(&p.conv1) + wk__conv_n_packed(&p.conv2);
    l->n_grad = wk__conv_n_grad(&p.conv1) + wk__conv_n_grad(&p.conv2);
    if (p.has_down) {
        wk__layer_tensor_add(l, "downsample.weight", C, l->in, 1, 3, true);
        wk__layer_tensor_add(l, "downsample.bias", C, 1, 1, 1, false);
        l->n_packed += wk__conv_n_packed(&p.down);
        l->n_grad += wk__conv_n_grad(&p.down);
    }
    l->history = 2 * wk__conv_past(&p.conv1);
    return WK_OK;
}

/* |v| of output channel o. */
static double norm_of(const wk__conv *c, const wk_real *v, size_t o)
{
    const size_t n = c->in * c->kernel;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)v[o * n + i] * (double)v[o * n + i];
    return sqrt(sum);
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    parts p = of(l);
    const wk__conv *convs[] = {&p.conv1, &p.conv2, &p.down};
    for (size_t i = 0; i < (p.has_down ? 3u : 2u); i++) {
        /* The tensors of a convolution: g, v, bias; of the skip: weight, bias. */
        const wk__tensor *w = &l->tensors[i < 2 ? 3 * i + 1 : DOWN_W], *bias = w + 1;
        double bound = 1 / sqrt((double)(convs[i]->in * convs[i]->kernel));
        uint64_t stream = (uint64_t)l->index | (uint64_t)(i + 1) << 32;
        wk__init_uniform(params + w->at, w->n + bias->n, bound, seed, stream);
        for (size_t o = 0; i < 2 && o < convs[i]->out; o++)
            params[w[-1].at + o] = (wk_real)norm_of(convs[i], params + w->at, o);
    }
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    parts p = of(l);
    const wk__conv *convs[] = {&p.conv1, &p.conv2};
    wk_real *scale = packed, *to = packed + wk__pad(p.conv1.out);
    for (size_t i = 0; i < 2; i++) {
        const wk__tensor *t = &l->tensors[3 * i];
        const wk_real *g = params + t[0].at, *v = params + t[1].at;
        for (size_t o = 0; o < convs[i]->out; o++)
            scale[o] = (wk_real)((double)g[o] / norm_of(convs[i], v, o));
        wk__conv_pack(convs[i], v, scale, params + t[2].at, to);
        to += wk__conv_n_packed(convs[i]);
    }
    if (p.has_down)
        wk__conv_pack(&p.down, params + l->tensors[DOWN_W].at, NULL, params + l->tensors[DOWN_B].at,
                      to);
}

static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    parts p = of(l);
    return wk__conv_n_state(&p.conv1, B, T_max) + wk__conv_n_state(&p.conv2, B, T_max);
}

/* Tape: six signals [T, B, ldo] (see `signals`), one [T, B, ldi], the convolutions' scratch. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    parts p = of(l);
    return T * B * (6 * wk__pad(l->out) + wk__pad(l->in)) + wk__conv_n_tape(&p.conv1, B, T);
}

typedef struct {
    wk_real *a1, *m1, *d1, *a2, *m2; /* after relu, dropout factors, after dropout */
    wk_real *skip;                   /* forward: the skip; backward: a gradient */
    wk_real *down;                   /* [T, B, ldi] gradient through the 1x1 convolution */
    wk_real *scratch;
} signals;

static signals lay(const wk__layer *l, wk_real *tape, size_t B, size_t T)
{
    const size_t n = T * B * wk__pad(l->out);
    return (signals){
        tape,         tape + n,     tape + 2 * n, tape + 3 * n,
        tape + 4 * n, tape + 5 * n, tape + 6 * n, tape + 6 * n + T * B * wk__pad(l->in)};
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    parts p = of(l);
    wk__conv_reset(&p.conv1, run, state, row);
    wk__conv_reset(&p.conv2, run, state + wk__conv_n_state(&p.conv1, run->B, run->T_max), row);
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    parts p = of(l);
    const wk__nn_ops *ops = run->ops;
    const size_t n = T * run->B * l->ldo;
    const wk_real *p1 = packed + l->ldo, *p2 = p1 + wk__conv_n_packed(&p.conv1);
    const bool drop = run->training && l->config.dropout > 0;
    signals s = lay(l, tape, run->B, T);

    wk__conv_forward(&p.conv1, run, p1, state, x, y, T);
    ops->relu(n, y, s.a1);
    const wk_real *mid = s.a1;
    if (drop) {
        wk__dropout_mask(run, 4 * l->index, l->config.dropout, T, l->ldo, s.m1);
        ops->mul(n, s.a1, s.m1, s.d1);
        mid = s.d1;
    }
    wk__conv_forward(&p.conv2, run, p2, state + wk__conv_n_state(&p.conv1, run->B, run->T_max), mid,
                     y, T);
    ops->relu(n, y, s.a2);
    if (drop) {
        wk__dropout_mask(run, 4 * l->index + 1, l->config.dropout, T, l->ldo, s.m2);
        ops->mul(n, s.a2, s.m2, y);
    } else {
        memcpy(y, s.a2, n * sizeof *y);
    }
    if (p.has_down) {
        wk__conv_forward(&p.down, run, p2 + wk__conv_n_packed(&p.conv2), NULL, x, s.skip, T);
        x = s.skip;
    }
    ops->add(n, x, y);
    ops->relu(n, y, y);
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    parts p = of(l);
    const wk__nn_ops *ops = run->ops;
    const size_t n = T * run->B * l->ldo;
    const wk_real *p1 = packed + l->ldo, *p2 = p1 + wk__conv_n_packed(&p.conv1);
    wk_real *g2 = grad + wk__conv_n_grad(&p.conv1), *g3 = g2 + wk__conv_n_grad(&p.conv2);
    const bool drop = run->training && l->config.dropout > 0;
    signals s = lay(l, tape, run->B, T);
    wk_real *up = s.skip;

    ops->relu_back(n, y, dy, dy); /* of the sum: reaches both the block and the skip */
    if (drop)
        ops->mul(n, dy, s.m2, up);
    ops->relu_back(n, s.a2, drop ? up : dy, up);
    /* s.a2 is free after this: it takes the gradient between the convolutions. */
    wk__conv_backward(&p.conv2, run, p2, state + wk__conv_n_state(&p.conv1, run->B, run->T_max),
                      s.scratch, drop ? s.d1 : s.a1, up, s.a2, g2, T);
    if (drop)
        ops->mul(n, s.a2, s.m1, s.a2);
    ops->relu_back(n, s.a1, s.a2, up);
    wk__conv_backward(&p.conv1, run, p1, state, s.scratch, x, up, dx, grad, T);
    if (p.has_down) {
        wk__conv_backward(&p.down, run, p2 + wk__conv_n_packed(&p.conv2), NULL, NULL, x, dy,
                          dx ? s.down : NULL, g3, T);
        if (dx)
            ops->add(T * run->B * l->ldi, s.down, dx);
    } else if (dx) {
        ops->add(n, dy, dx);
    }
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    parts p = of(l);
    const wk__conv *convs[] = {&p.conv1, &p.conv2};
    for (size_t i = 0; i < 2; i++) {
        const wk__tensor *t = &l->tensors[3 * i];
        const size_t n = convs[i]->in * convs[i]->kernel;
        const wk_real *g = params + t[0].at, *v = params + t[1].at;
        wk_real *dg = dparams + t[0].at, *dv = dparams + t[1].at;
        wk__conv_unpack(convs[i], grad, dv, dparams + t[2].at);
        for (size_t o = 0; o < convs[i]->out; o++, v += n, dv += n) {
            /* dv holds dw: dg = dw.v / |v|, dv = g / |v| (dw - v dw.v / |v|^2). */
            double dot = 0, norm = norm_of(convs[i], v, 0);
            for (size_t k = 0; k < n; k++)
                dot += (double)dv[k] * (double)v[k];
            dg[o] = (wk_real)(dot / norm);
            for (size_t k = 0; k < n; k++)
                dv[k] = (wk_real)((double)g[o] / norm *
                                  ((double)dv[k] - (double)v[k] * dot / (norm * norm)));
        }
        grad += wk__conv_n_grad(convs[i]);
    }
    if (p.has_down)
        wk__conv_unpack(&p.down, grad, dparams + l->tensors[DOWN_W].at,
                        dparams + l->tensors[DOWN_B].at);
}

const wk__layer_ops wk__layer_tcn = {"tcn",  shape, init,    pack,     n_state,
                                     n_tape, reset, forward, backward, unpack};
