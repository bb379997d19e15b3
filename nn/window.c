#include "nn/window.h"

#include <string.h>

/* What each layer must compute, from the head back to the input; then what it sees. */
static void place_views(const wk__net *net, size_t T, wk__span out, bool all, wk__window *w)
{
    const wk__span whole = {T, 1};
    for (size_t i = 0; i < net->n_layers; i++)
        w->views[i] = (wk__view){T, whole, i + 1 == net->n_layers ? out : whole};
    for (size_t i = net->n_layers; i-- > 0;) {
        const wk__layer *l = &net->layers[i];
        const wk__span here = w->views[i].out;
        wk__span needed = l->ops->need ? l->ops->need(l, here, T) : here;
        if (all && i < net->trunk)
            continue;
        if (l->source == WK__JOINED) {
            w->joined_at = needed;
            for (size_t b = 0; b < net->n_branches && !all; b++)
                if (net->branches[b].end != WK__INPUT)
                    w->views[net->branches[b].end].out = needed;
        } else if (l->source != WK__INPUT) {
            w->views[l->source].out = needed;
        }
    }
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        wk__view *v = &w->views[i];
        v->in = l->source == WK__INPUT    ? whole
                : l->source == WK__JOINED ? w->joined_at
                                          : w->views[l->source].out;
        /* What works position by position computes all that it sees. */
        if (!l->ops->need)
            v->out = v->in;
    }
}

/* Layer whose output array this layer's source is; a relu shares the one of the layer before. */
static int array_of(const wk__net *net, int source)
{
    while (source >= 0 && net->layers[source].alias)
        source = net->layers[source].source;
    return source;
}

void wk__window_build(wk_arena *arena, const wk__net *net, const wk__nn_ops *ops, size_t B,
                      size_t T, wk__span out, bool all, bool backward, wk__window *window)
{
    const size_t n = net->n_layers;
    wk__window w = {.run = {.ops = ops, .B = B, .T_max = T, .n_rows = B, .backward = backward},
                    .T = T,
                    .views = wk_arena_array(arena, wk__view, n),
                    .act = wk_arena_array(arena, wk_real *, n),
                    .tape = wk_arena_array(arena, wk_real *, n)};
    place_views(net, T, out, all, &w);

    /* Zeros before each array, as many as its reader looks at: [-2] joined, [-1] input, layers. */
    size_t *fronts = wk_arena_array(arena, size_t, n + 2) + 2, widest = 0;
    for (size_t i = 0; i < n; i++) {
        const wk__layer *l = &net->layers[i];
        const int at = array_of(net, l->source);
        size_t front = l->ops->front ? l->ops->front(l, &w.views[i]) : 0;
        fronts[at] = front > fronts[at] ? front : fronts[at];
        size_t most = w.views[i].in.n * B * l->ldi, mine = w.views[i].out.n * B * l->ldo;
        widest = most > widest ? most : widest;
        widest = mine > widest ? mine : widest;
    }
    const size_t row = B * wk__pad(net->F), joined_row = B * wk__pad(net->joined);
    w.x = wk_arena_array(arena, wk_real, (fronts[WK__INPUT] + T) * row) + fronts[WK__INPUT] * row;
    if (net->n_branches)
        w.joined =
            wk_arena_array(arena, wk_real, (fronts[WK__JOINED] + w.joined_at.n) * joined_row) +
            fronts[WK__JOINED] * joined_row;
    for (size_t i = 0; i < n; i++) {
        const wk__layer *l = &net->layers[i];
        const wk__view *v = &w.views[i];
        const size_t size = B * l->ldo;
        w.act[i] = l->alias ? w.act[l->source]
                            : wk_arena_array(arena, wk_real, (fronts[i] + v->out.n) * size) +
                                  fronts[i] * size;
        size_t tape = l->ops->n_window_tape             ? l->ops->n_window_tape(l, B, v)
                      : !l->ops->need && l->ops->n_tape ? l->ops->n_tape(l, B, v->out.n)
                                                        : 0;
        w.tape[i] = tape ? wk_arena_array(arena, wk_real, tape) : NULL;
    }
    for (size_t i = 0; backward && i < 2; i++)
        w.d[i] = wk_arena_array(arena, wk_real, widest);
    if (backward && net->n_branches)
        w.d_end = wk_arena_array(arena, wk_real *, net->n_branches);
    for (size_t b = 0; backward && b < net->n_branches; b++) {
        const wk__branch *branch = &net->branches[b];
        if (branch->end != WK__INPUT)
            w.d_end[b] = wk_arena_array(arena, wk_real,
                                        w.views[branch->end].out.n * B * wk__pad(branch->out));
    }
    *window = w;
}

static const wk_real *source_of(const wk__layer *l, const wk__window *w)
{
    return l->source == WK__INPUT ? w->x : l->source == WK__JOINED ? w->joined : w->act[l->source];
}

static wk__span end_span(const wk__window *w, const wk__branch *b)
{
    return b->end == WK__INPUT ? (wk__span){w->T, 1} : w->views[b->end].out;
}

static void join(const wk__net *net, wk__window *w)
{
    const size_t B = w->run.B, ld = wk__pad(net->joined);
    size_t at = 0;
    for (size_t k = 0; k < net->n_branches; at += net->branches[k++].out) {
        const wk__branch *b = &net->branches[k];
        const wk_real *y = b->end == WK__INPUT ? w->x : w->act[b->end];
        const size_t ldb = wk__pad(b->out);
        for (size_t i = 0; i < w->joined_at.n; i++) {
            const size_t from = wk__span_at(end_span(w, b), w->joined_at, i);
            for (size_t r = 0; r < B; r++)
                memcpy(w->joined + (i * B + r) * ld + at, y + (from * B + r) * ldb,
                       b->out * sizeof *y);
        }
    }
}

const wk_real *wk__window_forward(const wk__net *net, const wk_real *packed, wk__window *w)
{
    for (size_t i = 0; i < net->n_layers; i++) {
        const wk__layer *l = &net->layers[i];
        const wk_real *p = packed + l->at_packed, *x = source_of(l, w);
        if (i == net->trunk && net->n_branches)
            join(net, w);
        if (l->alias)
            continue;
        if (l->ops->window)
            l->ops->window(l, &w->run, p, w->tape[i], x, w->act[i], &w->views[i]);
        else
            l->ops->forward(l, &w->run, p, NULL, w->tape[i], x, w->act[i], w->views[i].out.n);
    }
    return w->act[net->n_layers - 1];
}

/* As in net.c, over the positions of the window. */
static wk_real *stack_back(const wk__net *net, const wk_real *packed, wk__window *w, wk_real *grad,
                           size_t first, size_t end, wk_real *dy)
{
    for (size_t i = end; i-- > first;) {
        const wk__layer *l = &net->layers[i];
        const wk__view *v = &w->views[i];
        const wk_real *p = packed + l->at_packed, *x = source_of(l, w);
        if (l->alias) {
            w->run.ops->relu_back(v->out.n * w->run.B * l->ldo, w->act[i], dy, dy);
            continue;
        }
        wk_real *dx = l->source == WK__INPUT ? NULL : w->d[dy == w->d[0]];
        if (l->ops->window_back)
            l->ops->window_back(l, &w->run, p, w->tape[i], x, w->act[i], dy, dx, grad + l->at_grad,
                                v);
        else
            l->ops->backward(l, &w->run, p, NULL, w->tape[i], x, w->act[i], dy, dx,
                             grad + l->at_grad, v->out.n);
        dy = dx;
    }
    return dy;
}

void wk__window_backward(const wk__net *net, const wk_real *packed, wk__window *w, wk_real *grad)
{
    const size_t B = w->run.B, ld = wk__pad(net->joined);
    const wk_real *dy = stack_back(net, packed, w, grad, net->trunk, net->n_layers, w->d[0]);
    size_t at = 0;
    for (size_t k = 0; k < net->n_branches; at += net->branches[k++].out) {
        const wk__branch *b = &net->branches[k];
        if (b->end == WK__INPUT)
            continue;
        const size_t ldb = wk__pad(b->out);
        const wk__span span = end_span(w, b);
        memset(w->d_end[k], 0, span.n * B * ldb * sizeof *dy);
        for (size_t i = 0; i < w->joined_at.n; i++) {
            const size_t to = wk__span_at(span, w->joined_at, i);
            for (size_t r = 0; r < B; r++)
                memcpy(w->d_end[k] + (to * B + r) * ldb, dy + (i * B + r) * ld + at,
                       b->out * sizeof *dy);
        }
    }
    for (size_t k = 0; k < net->n_branches; k++) {
        const wk__branch *b = &net->branches[k];
        stack_back(net, packed, w, grad, b->first, b->first + b->n, w->d_end[k]);
    }
}
