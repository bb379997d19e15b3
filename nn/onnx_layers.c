/* The layers as ONNX nodes. In the one-bar form a convolution keeps the bars before as a state
 * [N, C, past], oldest first; a mean the same and the count of bars [N, 1]; recurrent layers h and
 * c [1, N, H]. Zeros are a fresh stream. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/onnx_export.h"

typedef struct {
    wk__onnx_emit *e;
    const wk__layer *l;
    const float *params; /* the layer's */
    char place[48];
    bool last;
} place;

static wk__onnx_value make(const place *p, const char *what, wk__onnx_layout layout)
{
    wk__onnx_value v = {.layout = layout};
    wk__onnx_name(p->e, p->place, what, v.name);
    return v;
}

static void weight_name(const place *p, const char *what, char out[96])
{
    snprintf(out, 96, "%s.%s", p->place, what);
}

/* States come in by their name and go out by NAME.next. */
static void add_state(const place *p, const char *what, char in[96], char next[96],
                      const wk_onnx_dim *dims, size_t rank)
{
    weight_name(p, what, in);
    snprintf(next, 96, "%s.%s.next", p->place, what);
    wk_onnx_put_value_info(&p->e->states_in, WK_ONNX_INPUT, in, WK_ONNX_FLOAT, dims, rank);
    wk_onnx_put_value_info(&p->e->states_out, WK_ONNX_OUTPUT, next, WK_ONNX_FLOAT, dims, rank);
}

static wk__onnx_value axis_op(const place *p, const char *op, const char *in, int axis,
                              wk__onnx_layout layout)
{
    wk__onnx_value out = make(p, op, layout);
    wk__onnx_node(p->e, op, in, wk__onnx_axis(p->e, axis), NULL, out.name);
    return out;
}

static wk__onnx_value simple(const place *p, const char *op, wk__onnx_value v)
{
    wk__onnx_value out = make(p, op, v.layout);
    wk__onnx_node(p->e, op, v.name, NULL, NULL, out.name);
    return out;
}

/* v with the `past` bars of the state before it, [N, C, past + 1], and the state without its oldest
 * bar and with v. */
static wk__onnx_value with_past(const place *p, const char *what, wk__onnx_value v, size_t channels,
                                size_t past)
{
    char in[96], next[96];
    const wk_onnx_dim dims[] = {{.name = "N"}, {.n = (int64_t)channels}, {.n = (int64_t)past}};
    const int64_t one = 1, most = INT64_MAX;
    add_state(p, what, in, next, dims, 3);
    wk__onnx_value bar = axis_op(p, "Unsqueeze", v.name, 2, WK__NCT);
    wk__onnx_value all = make(p, what, WK__NCT);
    wk_text attributes = {0};
    wk_onnx_put_int(&attributes, "axis", 2);
    wk__onnx_node(p->e, "Concat", in, bar.name, &attributes, all.name);
    char from[112], to[112];
    snprintf(from, sizeof from, "%s.from", in);
    snprintf(to, sizeof to, "%s.to", in);
    wk__onnx_ints(p->e, from, &one, 1);
    wk__onnx_ints(p->e, to, &most, 1);
    const char *cut[] = {all.name, from, to, wk__onnx_axis(p->e, 2)}, *out = next;
    wk__onnx_node_of(p->e, "Slice", cut, 4, &out, 1, NULL);
    return all;
}

/* y = x W^T + b over the channels; w [O, I]. */
static wk__onnx_value dense(const place *p, const char *prefix, wk__onnx_value v, const float *w,
                            const float *b, size_t O, size_t I)
{
    char weight[96], bias[96];
    const int64_t dims[] = {(int64_t)O, (int64_t)I}, turned[] = {(int64_t)I, (int64_t)O};
    snprintf(weight, sizeof weight, "%s.%sweight", p->place, prefix);
    snprintf(bias, sizeof bias, "%s.%sbias", p->place, prefix);
    wk__onnx_floats(p->e, bias, b, dims, 1);
    if (v.layout == WK__NC) {
        wk__onnx_value out = make(p, "dense", WK__NC);
        wk_text attributes = {0};
        const char *in[] = {v.name, weight, bias}, *name = out.name;
        wk__onnx_floats(p->e, weight, w, dims, 2);
        wk_onnx_put_int(&attributes, "transB", 1);
        wk__onnx_node_of(p->e, "Gemm", in, 3, &name, 1, &attributes);
        return out;
    }
    if (v.layout == WK__NCT)
        v = wk__onnx_as(p->e, v, WK__NTC);
    float *turn = malloc(O * I * sizeof *turn);
    WK_ASSERT(turn);
    for (size_t o = 0; o < O; o++)
        for (size_t i = 0; i < I; i++)
            turn[i * O + o] = w[o * I + i];
    wk__onnx_floats(p->e, weight, turn, turned, 2);
    free(turn);
    wk__onnx_value product = make(p, "product", v.layout), out = make(p, "dense", v.layout);
    wk__onnx_node(p->e, "MatMul", v.name, weight, NULL, product.name);
    wk__onnx_node(p->e, "Add", product.name, bias, NULL, out.name);
    return out;
}

/* The causal convolution; w [O, I, K]. */
static wk__onnx_value conv(const place *p, const char *prefix, wk__onnx_value v, const float *w,
                           const float *b, size_t O, size_t I, size_t K, size_t dilation)
{
    const size_t past = (K - 1) * dilation;
    if (v.layout == WK__NC && past == 0)
        return dense(p, prefix, v, w, b, O, I);
    char weight[96], bias[96], state[48];
    const int64_t dims[] = {(int64_t)O, (int64_t)I, (int64_t)K}, kernel = (int64_t)K,
                  step = (int64_t)dilation, pads[] = {p->e->step ? 0 : (int64_t)past, 0};
    snprintf(weight, sizeof weight, "%s.%sweight", p->place, prefix);
    snprintf(bias, sizeof bias, "%s.%sbias", p->place, prefix);
    snprintf(state, sizeof state, "%spast", prefix);
    wk__onnx_floats(p->e, weight, w, dims, 3);
    wk__onnx_floats(p->e, bias, b, dims, 1);
    v = p->e->step ? with_past(p, state, v, I, past) : wk__onnx_as(p->e, v, WK__NCT);
    wk__onnx_value out = make(p, "conv", WK__NCT);
    wk_text attributes = {0};
    const char *in[] = {v.name, weight, bias}, *name = out.name;
    wk_onnx_put_ints(&attributes, "kernel_shape", &kernel, 1);
    wk_onnx_put_ints(&attributes, "dilations", &step, 1);
    wk_onnx_put_ints(&attributes, "pads", pads, 2);
    wk__onnx_node_of(p->e, "Conv", in, 3, &name, 1, &attributes);
    return p->e->step ? axis_op(p, "Squeeze", out.name, 2, WK__NC) : out;
}

/* Gates change their order: LSTM i f g o -> i o f c, GRU r z n -> z r h. */
static const size_t lstm_order[] = {0, 3, 1, 2}, gru_order[] = {1, 0, 2};

/* rows [G, H, n] of the layer's tensor t in ONNX's order, appended to `to`. */
static float *reorder(const place *p, size_t t, size_t G, const size_t *order, float *to)
{
    const size_t block = p->l->tensors[t].n / G;
    const float *from = p->params + p->l->tensors[t].at;
    for (size_t g = 0; g < G; g++, to += block)
        memcpy(to, from + order[g] * block, block * sizeof *to);
    return to;
}

static wk__onnx_value recurrent(const place *p, wk__onnx_value v)
{
    const bool lstm = p->l->config.kind == WK_NN_LSTM, step = p->e->step;
    const size_t G = lstm ? 4 : 3, H = p->l->out, F = p->l->in,
                 *order = lstm ? lstm_order : gru_order;
    const int64_t dims_w[] = {1, (int64_t)(G * H), (int64_t)F},
                  dims_r[] = {1, (int64_t)(G * H), (int64_t)H},
                  dims_b[] = {1, (int64_t)(2 * G * H)};
    char W[96], R[96], B[96], h[96] = "", c[96] = "", h_next[96] = "", c_next[96] = "";
    weight_name(p, "W", W);
    weight_name(p, "R", R);
    weight_name(p, "B", B);
    float *v0 = malloc(p->l->n_params * sizeof *v0);
    WK_ASSERT(v0);
    reorder(p, 0, G, order, v0);
    wk__onnx_floats(p->e, W, v0, dims_w, 3);
    reorder(p, 1, G, order, v0);
    wk__onnx_floats(p->e, R, v0, dims_r, 3);
    reorder(p, 3, G, order, reorder(p, 2, G, order, v0));
    wk__onnx_floats(p->e, B, v0, dims_b, 2);
    free(v0);
    if (step) {
        const wk_onnx_dim dims[] = {{.n = 1}, {.name = "N"}, {.n = (int64_t)H}};
        add_state(p, "h", h, h_next, dims, 3);
        if (lstm)
            add_state(p, "c", c, c_next, dims, 3);
        v = axis_op(p, "Unsqueeze", v.name, 0, WK__TNC);
    } else {
        v = wk__onnx_as(p->e, v, WK__TNC);
    }
    wk__onnx_value all = make(p, "all", WK__TNC), end = make(p, "end", WK__NC);
    wk_text attributes = {0};
    const bool only_end = step || p->last;
    const char *in[] = {v.name, W, R, B, "", h, c};
    const char *out[] = {only_end ? "" : all.name, step ? h_next : end.name, c_next};
    wk_onnx_put_int(&attributes, "hidden_size", (int64_t)H);
    if (!lstm)
        wk_onnx_put_int(&attributes, "linear_before_reset", 1);
    wk__onnx_node_of(p->e, lstm ? "LSTM" : "GRU", in, step ? (lstm ? 7 : 6) : 4, out,
                     only_end ? (step && lstm ? 3 : 2) : 1, &attributes);
    return only_end ? axis_op(p, "Squeeze", step ? h_next : end.name, 0, WK__NC)
                    : axis_op(p, "Squeeze", all.name, 1, WK__TNC);
}

/* The kernel of a block's convolution with its norm folded in, as the layer packs it; malloc'ed. */
static float *folded(const place *p, size_t gain, size_t t)
{
    const wk__tensor *w = &p->l->tensors[t];
    float *out = malloc(w->n * sizeof *out);
    WK_ASSERT(out);
    memcpy(out, p->params + w->at, w->n * sizeof *out);
    if (p->l->config.plain)
        return out;
    const size_t row = w->n / w->shape[0];
    for (size_t o = 0; o < w->shape[0]; o++) {
        double sum = 0;
        for (size_t i = 0; i < row; i++)
            sum += (double)out[o * row + i] * (double)out[o * row + i];
        const float s = (float)((double)p->params[p->l->tensors[gain].at + o] / sqrt(sum));
        for (size_t i = 0; i < row; i++)
            out[o * row + i] *= s;
    }
    return out;
}

static wk__onnx_value tcn(const place *p, wk__onnx_value v)
{
    const wk__layer *l = p->l;
    const size_t K = (size_t)l->config.kernel, d = (size_t)l->config.dilation, C = l->out,
                 I = l->in;
    /* Tensors: [gain] weight bias, twice, then the skip's weight and bias. */
    const size_t w1 = l->config.plain ? 0 : 1, w2 = l->config.plain ? 2 : 4, w3 = w2 + 2;
    if (!p->e->step)
        v = wk__onnx_as(p->e, v, WK__NCT);
    float *first = folded(p, 0, w1), *second = folded(p, 3, w2);
    wk__onnx_value y = conv(p, "conv1.", v, first, p->params + l->tensors[w1 + 1].at, C, I, K, d),
                   skip = v;
    y = simple(p, "Relu", y);
    y = conv(p, "conv2.", y, second, p->params + l->tensors[w2 + 1].at, C, C, K, d);
    y = simple(p, "Relu", y);
    free(first);
    free(second);
    if (I != C)
        skip = conv(p, "downsample.", v, p->params + l->tensors[w3].at,
                    p->params + l->tensors[w3 + 1].at, C, I, 1, 1);
    wk__onnx_value sum = make(p, "sum", y.layout);
    wk__onnx_node(p->e, "Add", y.name, skip.name, NULL, sum.name);
    return simple(p, "Relu", sum);
}

static wk__onnx_value layer_norm(const place *p, wk__onnx_value v)
{
    char weight[96], bias[96];
    const int64_t C = (int64_t)p->l->in;
    if (v.layout == WK__NCT)
        v = wk__onnx_as(p->e, v, WK__NTC);
    weight_name(p, "weight", weight);
    weight_name(p, "bias", bias);
    wk__onnx_floats(p->e, weight, p->params, &C, 1);
    wk__onnx_floats(p->e, bias, p->params + C, &C, 1);
    wk__onnx_value out = make(p, "norm", v.layout);
    wk_text attributes = {0};
    const char *in[] = {v.name, weight, bias}, *name = out.name;
    wk_onnx_put_int(&attributes, "axis", -1);
    wk_onnx_put_float(&attributes, "epsilon", 1e-5F);
    wk__onnx_node_of(p->e, "LayerNormalization", in, 3, &name, 1, &attributes);
    return out;
}

static wk__onnx_value batch_norm(const place *p, wk__onnx_value v)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    char full[4][96];
    const int64_t dims = (int64_t)p->l->in;
    /* Channels are ONNX's second axis. */
    if (v.layout != WK__NC)
        v = wk__onnx_as(p->e, v, WK__NCT);
    wk__onnx_value out = make(p, "norm", v.layout);
    for (size_t k = 0; k < 4; k++) {
        weight_name(p, names[k], full[k]);
        wk__onnx_floats(p->e, full[k], p->params + p->l->tensors[k].at, &dims, 1);
    }
    wk_text attributes = {0};
    wk_onnx_put_float(&attributes, "epsilon", 1e-5F);
    const char *in[] = {v.name, full[0], full[1], full[2], full[3]}, *name = out.name;
    wk__onnx_node_of(p->e, "BatchNormalization", in, 5, &name, 1, &attributes);
    return out;
}

/* The mean of the last n bars, or of as many as there are. */
static wk__onnx_value mean_step(const place *p, wk__onnx_value v, size_t n)
{
    char count[96], next[96], one[96], most[96];
    const wk_onnx_dim dims[] = {{.name = "N"}, {.n = 1}};
    const float first = 1, limit = (float)n;
    const int64_t dim = 1;
    wk__onnx_value all = with_past(p, "past", v, p->l->in, n - 1);
    add_state(p, "count", count, next, dims, 2);
    weight_name(p, "one", one);
    weight_name(p, "most", most);
    wk__onnx_floats(p->e, one, &first, &dim, 1);
    wk__onnx_floats(p->e, most, &limit, &dim, 1);
    wk__onnx_value more = make(p, "count", WK__NC), sum = make(p, "sum", WK__NC),
                   out = make(p, "mean", WK__NC);
    wk_text attributes = {0};
    wk__onnx_node(p->e, "Add", count, one, NULL, more.name);
    wk__onnx_node(p->e, "Min", more.name, most, NULL, next);
    wk_onnx_put_int(&attributes, "keepdims", 0);
    wk__onnx_node(p->e, "ReduceSum", all.name, wk__onnx_axis(p->e, 2), &attributes, sum.name);
    wk__onnx_node(p->e, "Div", sum.name, next, NULL, out.name);
    return out;
}

static wk__onnx_value mean(const place *p, wk__onnx_value v)
{
    const size_t n = (size_t)p->l->config.units;
    if (n == 1)
        return v;
    if (p->e->step)
        return mean_step(p, v, n);
    v = wk__onnx_as(p->e, v, WK__NCT);
    wk_text attributes = {0};
    if (p->last) {
        char from[96], to[96];
        const int64_t first = -(int64_t)n, end = INT64_MAX, axis = 2;
        weight_name(p, "from", from);
        weight_name(p, "to", to);
        wk__onnx_ints(p->e, from, &first, 1);
        wk__onnx_ints(p->e, to, &end, 1);
        wk__onnx_value bars = make(p, "bars", WK__NCT), out = make(p, "mean", WK__NC);
        const char *in[] = {v.name, from, to, wk__onnx_axis(p->e, 2)}, *name = bars.name;
        wk__onnx_node_of(p->e, "Slice", in, 4, &name, 1, NULL);
        wk_onnx_put_ints(&attributes, "axes", &axis, 1);
        wk_onnx_put_int(&attributes, "keepdims", 0);
        wk__onnx_node(p->e, "ReduceMean", bars.name, NULL, &attributes, out.name);
        return out;
    }
    const int64_t kernel = (int64_t)n, pads[] = {kernel - 1, 0};
    wk__onnx_value out = make(p, "mean", WK__NCT);
    wk_onnx_put_ints(&attributes, "kernel_shape", &kernel, 1);
    wk_onnx_put_ints(&attributes, "pads", pads, 2);
    wk_onnx_put_int(&attributes, "count_include_pad", 0);
    wk__onnx_node(p->e, "AveragePool", v.name, NULL, &attributes, out.name);
    return out;
}

wk__onnx_value wk__onnx_layer(wk__onnx_emit *e, size_t i, wk__onnx_value v, bool last)
{
    const wk__net *net = &e->nn->net;
    const wk__layer *l = &net->layers[i];
    place p = {.e = e, .l = l, .params = e->nn->params + l->at_params, .last = last};
    wk__nn_layer_name(net, i, p.place, sizeof p.place);
    const float *bias = p.params + l->tensors[1].at;
    switch ((wk_nn_layer_kind)l->config.kind) {
    case WK_NN_DENSE:
        return dense(&p, "", v, p.params, bias, l->out, l->in);
    case WK_NN_CONV1D:
        return conv(&p, "", v, p.params, bias, l->out, l->in, (size_t)l->config.kernel,
                    (size_t)l->config.dilation);
    case WK_NN_LSTM:
    case WK_NN_GRU:
        return recurrent(&p, v);
    case WK_NN_TCN:
        return tcn(&p, v);
    case WK_NN_LAYER_NORM:
        return layer_norm(&p, v);
    case WK_NN_BATCH_NORM:
        return batch_norm(&p, v);
    case WK_NN_RELU:
        return simple(&p, "Relu", v);
    case WK_NN_TANH:
        return simple(&p, "Tanh", v);
    case WK_NN_MEAN:
        return mean(&p, v);
    case WK_NN_DROPOUT:
        break;
    }
    return v;
}
