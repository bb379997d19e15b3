/* TCN residual block, Bai, Kolter & Koltun 2018:
 *   y = relu(drop(relu(conv2(drop(relu(conv1(x)))))) + skip(x)),
 * both convolutions causal, dilated and weight-normed (w = g v / |v| for each output channel,
 * Salimans & Kingma 2016), skip the identity or a 1x1 convolution when the channels differ. The
 * initial weights are PyTorch's uniform ones: v is drawn and g = |v|. */
#include <stdio.h>
#include <string.h>

#include "nn/conv.h"

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

/* The gains g come first in the tensors of a convolution; a plain one has a weight and no gain. */
static void add_tensors(wk__layer *l, const char *name, const wk__conv *c)
{
    char text[48];
    if (!l->config.plain) {
        snprintf(text, sizeof text, "%s.weight_g", name);
        wk__layer_tensor_add(l, text, c->out, 1, 1, 3, false);
    }
    snprintf(text, sizeof text, "%s.weight%s", name, l->config.plain ? "" : "_v");
    wk__layer_tensor_add(l, text, c->out, c->in, c->kernel, 3, true);
    snprintf(text, sizeof text, "%s.bias", name);
    wk__layer_tensor_add(l, text, c->out, 1, 1, 1, false);
}

/* The tensor of a convolution's weights, 0 or 1, and of the skip, 2; its bias follows. */
static const wk__tensor *weight_of(const wk__layer *l, size_t i)
{
    return &l->tensors[l->config.plain ? 2 * i : i < 2 ? 3 * i + 1 : 6];
}

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    parts p = of(l);
    const size_t C = p.conv1.out;
    l->out = C;
    add_tensors(l, "conv1", &p.conv1);
    add_tensors(l, "conv2", &p.conv2);
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
        const wk__tensor *w = weight_of(l, i), *bias = w + 1;
        double bound = 1 / sqrt((double)(convs[i]->in * convs[i]->kernel));
        uint64_t stream = (uint64_t)l->index | (uint64_t)(i + 1) << 32;
        wk__init_uniform(params + w->at, w->n + bias->n, bound, seed, stream);
        for (size_t o = 0; !l->config.plain && i < 2 && o < convs[i]->out; o++)
            params[w[-1].at + o] = (wk_real)norm_of(convs[i], params + w->at, o);
    }
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    parts p = of(l);
    const wk__conv *convs[] = {&p.conv1, &p.conv2};
    wk_real *scale = packed, *to = packed + wk__pad(p.conv1.out);
    for (size_t i = 0; i < 2; i++) {
        const wk__tensor *w = weight_of(l, i);
        const wk_real *v = params + w->at;
        for (size_t o = 0; !l->config.plain && o < convs[i]->out; o++)
            scale[o] = (wk_real)((double)params[w[-1].at + o] / norm_of(convs[i], v, o));
        wk__conv_pack(convs[i], v, l->config.plain ? NULL : scale, params + w[1].at, to);
        to += wk__conv_n_packed(convs[i]);
    }
    if (p.has_down)
        wk__conv_pack(&p.down, params + weight_of(l, 2)->at, NULL, params + weight_of(l, 2)[1].at,
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

/* With a tape, the signals that backward needs are kept; without, the second convolution adds the
 * skip on its way out. Both give the same bits. */
static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    parts p = of(l);
    const wk__nn_ops *ops = run->ops;
    const size_t n = T * run->B * l->ldo;
    const wk_real *p1 = packed + l->ldo, *p2 = p1 + wk__conv_n_packed(&p.conv1);
    wk_real *state2 = state + wk__conv_n_state(&p.conv1, run->B, run->T_max);
    const bool drop = run->training && l->config.dropout > 0;
    const wk__finish relu = {.relu_first = true};
    signals s = lay(l, tape, run->B, T);

    wk__conv_forward(&p.conv1, run, p1, state, x, s.a1, T, relu);
    const wk_real *mid = s.a1;
    if (drop) {
        wk__dropout_mask(run, 4 * l->index, l->config.dropout, T, l->ldo, s.m1);
        ops->mul(n, s.a1, s.m1, s.d1);
        mid = s.d1;
    }
    if (p.has_down) {
        wk__conv_forward(&p.down, run, p2 + wk__conv_n_packed(&p.conv2), NULL, x, s.skip, T,
                         (wk__finish){0});
        x = s.skip;
    }
    if (!run->backward) {
        wk__conv_forward(&p.conv2, run, p2, state2, mid, y, T, (wk__finish){true, true, x, 0});
        return;
    }
    wk__conv_forward(&p.conv2, run, p2, state2, mid, s.a2, T, relu);
    if (drop) {
        wk__dropout_mask(run, 4 * l->index + 1, l->config.dropout, T, l->ldo, s.m2);
        ops->mul(n, s.a2, s.m2, y);
        ops->add_relu(n, x, y, y);
    } else {
        ops->add_relu(n, x, s.a2, y);
    }
}

static void step(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                 wk_real *tape, const wk_real *x, wk_real *y)
{
    parts p = of(l);
    const wk_real *p1 = packed + l->ldo, *p2 = p1 + wk__conv_n_packed(&p.conv1);
    signals s = lay(l, tape, 1, 1);
    wk__conv_step(&p.conv1, run, p1, state, x, s.a1, (wk__finish){.relu_first = true});
    if (p.has_down) {
        wk__conv_step(&p.down, run, p2 + wk__conv_n_packed(&p.conv2), NULL, x, s.skip,
                      (wk__finish){0});
        x = s.skip;
    }
    wk__conv_step(&p.conv2, run, p2, state + wk__conv_n_state(&p.conv1, run->B, run->T_max), s.a1,
                  y, (wk__finish){true, true, x, 0});
}

static void prepare(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state)
{
    parts p = of(l);
    const wk_real *p1 = packed + l->ldo;
    wk__conv_prepare(&p.conv1, run, p1, state);
    wk__conv_prepare(&p.conv2, run, p1 + wk__conv_n_packed(&p.conv1),
                     state + wk__conv_n_state(&p.conv1, run->B, run->T_max));
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
        const wk__tensor *w = weight_of(l, i);
        const size_t n = convs[i]->in * convs[i]->kernel;
        const wk_real *v = params + w->at;
        wk_real *dv = dparams + w->at;
        wk__conv_unpack(convs[i], grad, dv, dparams + w[1].at);
        grad += wk__conv_n_grad(convs[i]);
        if (l->config.plain)
            continue;
        const wk_real *g = params + w[-1].at;
        wk_real *dg = dparams + w[-1].at;
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
    }
    if (p.has_down)
        wk__conv_unpack(&p.down, grad, dparams + weight_of(l, 2)->at,
                        dparams + weight_of(l, 2)[1].at);
}

/* What lies where in a window: a1 with the zeros before it that conv2 reads, its dropout factors
 * and products, a2, m2 and the skip at the output's positions, the gradients. */
typedef struct {
    wk__span mid;
    size_t front; /* of conv2, in positions */
    wk_real *a1, *m1, *d1, *a2, *m2, *skip, *up, *up1;
} places;

static places place(const wk__layer *l, wk_real *tape, size_t B, const wk__view *v)
{
    parts p = of(l);
    places w = {.mid = wk__span_of_taps(v->out, p.conv2.kernel, p.conv2.dilation, v->T)};
    w.front = wk__span_front(w.mid, v->out, p.conv2.kernel, p.conv2.dilation);
    const size_t row = B * wk__pad(l->out), n_mid = w.mid.n * row, n_out = v->out.n * row;
    w.a1 = tape + w.front * row;
    w.m1 = w.a1 + n_mid;
    w.d1 = w.m1 + n_mid + w.front * row;
    w.a2 = w.d1 + n_mid;
    w.m2 = w.a2 + n_out;
    w.skip = w.m2 + n_out;
    w.up = w.skip + n_out;
    w.up1 = w.up + n_out;
    return w;
}

static size_t n_window_tape(const wk__layer *l, size_t B, const wk__view *v)
{
    parts p = of(l);
    wk__span mid = wk__span_of_taps(v->out, p.conv2.kernel, p.conv2.dilation, v->T);
    size_t before = wk__span_front(mid, v->out, p.conv2.kernel, p.conv2.dilation);
    return B * wk__pad(l->out) * (2 * before + 4 * mid.n + 4 * v->out.n);
}

static wk__span need(const wk__layer *l, wk__span out, size_t T)
{
    parts p = of(l);
    wk__span mid = wk__span_of_taps(out, p.conv2.kernel, p.conv2.dilation, T);
    return wk__span_of_taps(mid, p.conv1.kernel, p.conv1.dilation, T);
}

static size_t front(const wk__layer *l, const wk__view *v)
{
    parts p = of(l);
    wk__span mid = wk__span_of_taps(v->out, p.conv2.kernel, p.conv2.dilation, v->T);
    return wk__span_front(v->in, mid, p.conv1.kernel, p.conv1.dilation);
}

static void window(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *tape,
                   const wk_real *x, wk_real *y, const wk__view *v)
{
    parts p = of(l);
    const wk__nn_ops *ops = run->ops;
    const size_t row = run->B * l->ldo;
    const wk_real *p1 = packed + l->ldo, *p2 = p1 + wk__conv_n_packed(&p.conv1);
    const bool drop = run->training && l->config.dropout > 0;
    const wk__finish relu = {.relu_first = true};
    places w = place(l, tape, run->B, v);

    wk__conv_window(&p.conv1, run, p1, x, v->in, w.a1, w.mid, relu);
    const wk_real *mid = w.a1;
    if (drop) {
        wk__dropout_mask(run, 4 * l->index, l->config.dropout, w.mid.n, l->ldo, w.m1);
        ops->mul(w.mid.n * row, w.a1, w.m1, w.d1);
        mid = w.d1;
    }
    wk__finish last = {true, true, x + wk__span_at(v->in, v->out, 0) * row,
                       wk__span_rows(v->in, v->out.stride) * run->B};
    if (p.has_down) {
        wk__conv_window(&p.down, run, p2 + wk__conv_n_packed(&p.conv2), x, v->in, w.skip, v->out,
                        (wk__finish){0});
        last.add = w.skip;
        last.add_step = run->B;
    }
    if (!run->backward) {
        wk__conv_window(&p.conv2, run, p2, mid, w.mid, y, v->out, last);
        return;
    }
    wk__conv_window(&p.conv2, run, p2, mid, w.mid, w.a2, v->out, relu);
    if (drop) {
        wk__dropout_mask(run, 4 * l->index + 1, l->config.dropout, v->out.n, l->ldo, w.m2);
        ops->mul(v->out.n * row, w.a2, w.m2, y);
    }
    for (size_t i = 0; i < v->out.n; i++)
        ops->add_relu(row, last.add + i * last.add_step * l->ldo, (drop ? y : w.a2) + i * row,
                      y + i * row);
}

static void window_back(const wk__layer *l, const wk__run *run, const wk_real *packed,
                        wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                        wk_real *grad, const wk__view *v)
{
    parts p = of(l);
    const wk__nn_ops *ops = run->ops;
    const size_t row = run->B * l->ldo, n_out = v->out.n * row;
    const wk_real *p1 = packed + l->ldo, *p2 = p1 + wk__conv_n_packed(&p.conv1);
    wk_real *g2 = grad + wk__conv_n_grad(&p.conv1), *g3 = g2 + wk__conv_n_grad(&p.conv2);
    const bool drop = run->training && l->config.dropout > 0;
    places w = place(l, tape, run->B, v);

    ops->relu_back(n_out, y, dy, dy);
    if (drop)
        ops->mul(n_out, dy, w.m2, w.up);
    ops->relu_back(n_out, w.a2, drop ? w.up : dy, w.up);
    wk__conv_window_back(&p.conv2, run, p2, drop ? w.d1 : w.a1, w.mid, w.up, v->out, w.up1, false,
                         g2);
    if (drop)
        ops->mul(w.mid.n * row, w.up1, w.m1, w.up1);
    ops->relu_back(w.mid.n * row, w.a1, w.up1, w.up1);
    wk__conv_window_back(&p.conv1, run, p1, x, v->in, w.up1, w.mid, dx, false, grad);
    if (p.has_down)
        wk__conv_window_back(&p.down, run, p2 + wk__conv_n_packed(&p.conv2), x, v->in, dy, v->out,
                             dx, true, g3);
    else if (dx)
        for (size_t i = 0; i < v->out.n; i++)
            ops->add(row, dy + i * row, dx + wk__span_at(v->in, v->out, i) * row);
}

const wk__layer_ops wk__layer_tcn = {.name = "tcn",
                                     .shape = shape,
                                     .init = init,
                                     .pack = pack,
                                     .n_state = n_state,
                                     .n_tape = n_tape,
                                     .reset = reset,
                                     .forward = forward,
                                     .backward = backward,
                                     .unpack = unpack,
                                     .step = step,
                                     .prepare = prepare,
                                     .need = need,
                                     .front = front,
                                     .n_window_tape = n_window_tape,
                                     .window = window,
                                     .window_back = window_back};
