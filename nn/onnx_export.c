/* ONNX export: one graph for windows [N, T, C], where N and T are free, and one for a single bar
 * [N, C] with the states as inputs and outputs. Dropout is left out, weight norm is folded, and
 * where only the last bar's output is asked for, layers without memory see that bar alone. */
#include "nn/onnx_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"

void wk__onnx_node_of(wk__onnx_emit *e, const char *op, const char *const *in, size_t n_in,
                      const char *const *out, size_t n_out, wk_text *attributes)
{
    wk_text node = {0};
    for (size_t i = 0; i < n_in; i++)
        wk_pb_put_string(&node, 1, in[i]);
    for (size_t i = 0; i < n_out; i++)
        wk_pb_put_string(&node, 2, out[i]);
    /* Nodes are named by what they make. */
    wk_pb_put_string(&node, 3, out[n_out - 1]);
    wk_pb_put_string(&node, 4, op);
    if (attributes && attributes->s) {
        wk_text_add_bytes(&node, attributes->s, attributes->n);
        free(attributes->s);
        *attributes = (wk_text){0};
    }
    wk_pb_put_message(&e->nodes, 1, &node);
}

void wk__onnx_node(wk__onnx_emit *e, const char *op, const char *a, const char *b,
                   wk_text *attributes, const char *out)
{
    const char *in[] = {a, b};
    wk__onnx_node_of(e, op, in, b ? 2 : 1, &out, 1, attributes);
}

void wk__onnx_name(wk__onnx_emit *e, const char *place, const char *what, char out[96])
{
    snprintf(out, 96, "%s/%s.%zu", place, what, e->n_names++);
}

/* Numbers in a file are little-endian. */
static void put_words(wk_text *to, const void *v, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t word = 0;
        char bytes[8];
        if (width == 4) {
            uint32_t half;
            memcpy(&half, (const float *)v + i, sizeof half);
            word = half;
        } else {
            memcpy(&word, (const int64_t *)v + i, sizeof word);
        }
        for (size_t k = 0; k < width; k++)
            bytes[k] = (char)(uint8_t)(word >> (8 * k));
        wk_text_add_bytes(to, bytes, width);
    }
}

void wk__onnx_floats(wk__onnx_emit *e, const char *name, const float *v, const int64_t *dims,
                     size_t rank)
{
    size_t n = 1;
    wk_text raw = {0};
    for (size_t i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    put_words(&raw, v, n, 4);
    wk_onnx_put_tensor(&e->weights, name, WK_ONNX_FLOAT, dims, rank, raw.s, raw.n);
    free(raw.s);
}

void wk__onnx_ints(wk__onnx_emit *e, const char *name, const int64_t *v, size_t n)
{
    wk_text raw = {0};
    const int64_t dim = (int64_t)n;
    put_words(&raw, v, n, 8);
    wk_onnx_put_tensor(&e->weights, name, WK_ONNX_INT64, &dim, 1, raw.s, raw.n);
    free(raw.s);
}

const char *wk__onnx_axis(wk__onnx_emit *e, int axis)
{
    static const char *const names[] = {"axis.0", "axis.1", "axis.2"};
    const int64_t v = axis;
    if (!e->has_axis[axis])
        wk__onnx_ints(e, names[axis], &v, 1);
    e->has_axis[axis] = true;
    return names[axis];
}

wk__onnx_value wk__onnx_as(wk__onnx_emit *e, wk__onnx_value v, wk__onnx_layout layout)
{
    /* Where the axes of the wanted layout lie in the present one. */
    static const int64_t perm[3][3][3] = {
        [WK__NTC] = {[WK__NCT] = {0, 2, 1}, [WK__TNC] = {1, 0, 2}},
        [WK__NCT] = {[WK__NTC] = {0, 2, 1}, [WK__TNC] = {2, 0, 1}},
        [WK__TNC] = {[WK__NTC] = {1, 0, 2}, [WK__NCT] = {1, 2, 0}}};
    if (v.layout == layout || v.layout == WK__NC)
        return v;
    wk__onnx_value out = {.layout = layout};
    wk_text attributes = {0};
    wk__onnx_name(e, "net", "transpose", out.name);
    wk_onnx_put_ints(&attributes, "perm", perm[v.layout][layout], 3);
    wk__onnx_node(e, "Transpose", v.name, NULL, &attributes, out.name);
    return out;
}

static int time_axis(wk__onnx_layout layout)
{
    return layout == WK__TNC ? 0 : layout == WK__NTC ? 1 : 2;
}

wk__onnx_value wk__onnx_last(wk__onnx_emit *e, wk__onnx_value v)
{
    if (v.layout == WK__NC)
        return v;
    wk__onnx_value out = {.layout = WK__NC};
    wk_text attributes = {0};
    char row[96];
    const int64_t last = -1;
    if (!e->has_last)
        wk__onnx_ints(e, "last", &last, 1);
    e->has_last = true;
    wk__onnx_name(e, "net", "row", row);
    wk__onnx_name(e, "net", "last", out.name);
    wk_onnx_put_int(&attributes, "axis", time_axis(v.layout));
    wk__onnx_node(e, "Gather", v.name, "last", &attributes, row);
    wk__onnx_node(e, "Squeeze", row, wk__onnx_axis(e, time_axis(v.layout)), NULL, out.name);
    return out;
}

/* Do layers [first, end) of one stack, and the trunk if that was a branch, see one bar at a time?
 */
static bool without_memory(const wk__net *net, size_t first, size_t end)
{
    bool plain = true;
    for (size_t i = first; i < end; i++)
        plain = plain && !net->layers[i].history && !net->layers[i].recurrent;
    for (size_t i = end > net->trunk ? end : net->trunk; i < net->n_layers; i++)
        plain = plain && !net->layers[i].history && !net->layers[i].recurrent;
    return plain;
}

static wk__onnx_value stack(wk__onnx_emit *e, size_t first, size_t n, wk__onnx_value v)
{
    const wk__net *net = &e->nn->net;
    const bool each = e->step || e->options->every_bar;
    for (size_t i = first; i < first + n; i++) {
        if (!each && without_memory(net, i, first + n))
            v = wk__onnx_last(e, v);
        v = wk__onnx_layer(e, i, v, !each && without_memory(net, i + 1, first + n));
    }
    return !each && without_memory(net, first + n, first + n) ? wk__onnx_last(e, v) : v;
}

/* X, standardised when the model has a scale. */
static wk__onnx_value inputs(wk__onnx_emit *e)
{
    const wk_nn_onnx *o = e->options;
    const int64_t F = (int64_t)e->nn->net.F;
    wk__onnx_value v = {.name = "X", .layout = e->step ? WK__NC : WK__NTC};
    bool scaled = false;
    for (int64_t f = 0; o->mean && o->scale && f < F; f++)
        scaled = scaled || o->mean[f] != 0 || o->scale[f] != 1;
    if (!scaled)
        return v;
    wk__onnx_floats(e, "input.mean", o->mean, &F, 1);
    wk__onnx_floats(e, "input.scale", o->scale, &F, 1);
    wk__onnx_node(e, "Sub", v.name, "input.mean", NULL, "input.centred");
    wk__onnx_node(e, "Div", "input.centred", "input.scale", NULL, "input.scaled");
    snprintf(v.name, sizeof v.name, "input.scaled");
    return v;
}

static wk__onnx_value branches(wk__onnx_emit *e, wk__onnx_value x)
{
    const wk__net *net = &e->nn->net;
    wk__onnx_value ends[WK__BRANCHES_MAX];
    const char *names[WK__BRANCHES_MAX];
    for (size_t b = 0; b < net->n_branches; b++) {
        ends[b] = stack(e, net->branches[b].first, net->branches[b].n, x);
        ends[b] = wk__onnx_as(e, ends[b], WK__NTC);
        names[b] = ends[b].name;
    }
    wk__onnx_value out = {.name = "joined", .layout = ends[0].layout};
    const char *joined = out.name;
    wk_text attributes = {0};
    wk_onnx_put_int(&attributes, "axis", -1);
    wk__onnx_node_of(e, "Concat", names, net->n_branches, &joined, 1, &attributes);
    return out;
}

/* What output i goes through: 's'oftmax, 'e'xp or '-' nothing. */
static char finish_of(const wk_nn_onnx *o, size_t i)
{
    return i < o->n_classes ? 's' : o->logs && o->logs[i] ? 'e' : '-';
}

/* Outputs [first, end) of the head, finished. */
static void finish_part(wk__onnx_emit *e, const char *in, const char *out, char how)
{
    wk_text attributes = {0};
    if (how == 's')
        wk_onnx_put_int(&attributes, "axis", -1);
    wk__onnx_node(e,
                  how == 's'   ? "Softmax"
                  : how == 'e' ? "Exp"
                               : "Identity",
                  in, NULL, &attributes, out);
}

static void finish(wk__onnx_emit *e, const char *head)
{
    const wk_nn_onnx *o = e->options;
    const size_t O = e->nn->net.n_outputs;
    size_t n_parts = 1, part = 0;
    for (size_t i = 1; i < O; i++)
        n_parts += finish_of(o, i) != finish_of(o, i - 1);
    if (n_parts == 1) {
        finish_part(e, head, "Y", finish_of(o, 0));
        return;
    }
    wk_text attributes = {0}, concat = {0};
    const char *in[4] = {head};
    const int64_t axis = -1;
    wk__onnx_ints(e, "output.axis", &axis, 1);
    for (size_t i = 0, end; i < O; i = end, part++) {
        char from[96], to[96], cut[96], done[96];
        const char *name = cut;
        for (end = i + 1; end < O && finish_of(o, end) == finish_of(o, i);)
            end++;
        const int64_t bounds[] = {(int64_t)i, (int64_t)end};
        snprintf(from, sizeof from, "output.%zu.from", part);
        snprintf(to, sizeof to, "output.%zu.to", part);
        snprintf(cut, sizeof cut, "output.%zu", part);
        snprintf(done, sizeof done, "output.%zu.done", part);
        wk__onnx_ints(e, from, &bounds[0], 1);
        wk__onnx_ints(e, to, &bounds[1], 1);
        in[1] = from, in[2] = to, in[3] = "output.axis";
        wk__onnx_node_of(e, "Slice", in, 4, &name, 1, NULL);
        finish_part(e, cut, done, finish_of(o, i));
        wk_pb_put_string(&concat, 1, done);
    }
    wk_pb_put_string(&concat, 2, "Y");
    wk_pb_put_string(&concat, 3, "Y");
    wk_pb_put_string(&concat, 4, "Concat");
    wk_onnx_put_int(&attributes, "axis", -1);
    wk_text_add_bytes(&concat, attributes.s, attributes.n);
    free(attributes.s);
    wk_pb_put_message(&e->nodes, 1, &concat);
}

static void append(wk_text *graph, wk_text *part)
{
    if (part->s)
        wk_text_add_bytes(graph, part->s, part->n);
    free(part->s);
    *part = (wk_text){0};
}

wk_status wk__nn_onnx_bytes(const wk_nn *nn, const wk_nn_onnx *options, bool step, wk_text *out,
                            wk_err *err)
{
    const wk__net *net = &nn->net;
    for (size_t i = 0; i < net->n_params; i++)
        if (!isfinite(nn->params[i]))
            return wk_fail(err, WK_E_MODEL, "network: parameter %zu of %zu is not finite", i,
                           net->n_params);
    if (options->n_classes > net->n_outputs)
        return wk_fail(err, WK_E_ARG, "%zu classes of a network of %zu outputs", options->n_classes,
                       net->n_outputs);
    wk__onnx_emit e = {.nn = nn, .options = options, .step = step};
    wk__onnx_value v = inputs(&e);
    if (net->n_branches)
        v = branches(&e, v);
    v = stack(&e, net->trunk, net->n_layers - net->trunk, v);
    v = wk__onnx_as(&e, v, WK__NTC);
    finish(&e, v.name);

    wk_text graph = {0};
    const wk_onnx_dim N = {.name = "N"}, T = {.name = "T"}, F = {.n = (int64_t)net->F},
                      O = {.n = (int64_t)net->n_outputs};
    const bool rank3 = v.layout != WK__NC;
    append(&graph, &e.nodes);
    wk_pb_put_string(&graph, 2, step ? "step" : "window");
    append(&graph, &e.weights);
    wk_onnx_put_value_info(&graph, WK_ONNX_INPUT, "X", WK_ONNX_FLOAT,
                           step ? (wk_onnx_dim[]){N, F} : (wk_onnx_dim[]){N, T, F}, step ? 2 : 3);
    append(&graph, &e.states_in);
    wk_onnx_put_value_info(&graph, WK_ONNX_OUTPUT, "Y", WK_ONNX_FLOAT,
                           rank3 ? (wk_onnx_dim[]){N, T, O} : (wk_onnx_dim[]){N, O}, rank3 ? 3 : 2);
    append(&graph, &e.states_out);
    *out = (wk_text){0};
    wk_onnx_put_model(out, &graph, false);
    return WK_OK;
}

static wk_status save(const wk_nn *nn, const wk_nn_onnx *options, bool step, const char *path,
                      wk_err *err)
{
    wk_text bytes;
    const wk_nn_onnx none = {0};
    WK_TRY(wk__nn_onnx_bytes(nn, options ? options : &none, step, &bytes, err));
    wk_status status = wk_file_write_atomic(path, bytes.s, bytes.n, err);
    free(bytes.s);
    return status;
}

wk_status wk_nn_save_onnx_window(const wk_nn *nn, const wk_nn_onnx *options, const char *path,
                                 wk_err *err)
{
    return save(nn, options, false, path, err);
}

wk_status wk_nn_save_onnx_step(const wk_nn *nn, const wk_nn_onnx *options, const char *path,
                               wk_err *err)
{
    return save(nn, options, true, path, err);
}
