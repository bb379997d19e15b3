/* Operators that move numbers: each is one copy between strided views, or a few. */
#include <inttypes.h>
#include <string.h>

#include "nn/onnx_graph.h"

enum { RANK = WK_ONNX_RANK_MAX };

void wk__onnx_strides(size_t rank, const size_t *dims, ptrdiff_t *out)
{
    ptrdiff_t step = 1;
    for (size_t k = rank; k-- > 0;) {
        out[k] = step;
        /* Beside a dimension of 0 the others may be anything; such strides are never used. */
        step = (ptrdiff_t)((size_t)step * (dims[k] ? dims[k] : 1));
    }
}

/* ---- the copy ---- */

static void copy_row(const wk__onnx_copy *c, ptrdiff_t to, ptrdiff_t from)
{
    const size_t k = c->rank - 1, n = c->dims[k];
    const ptrdiff_t st = c->to[k], sf = c->from[k];
    if (c->dst_i)
        for (size_t i = 0; i < n; i++)
            c->dst_i[to + (ptrdiff_t)i * st] = c->src_i[from + (ptrdiff_t)i * sf];
    else if (st == 1 && sf == 1)
        memcpy(c->dst_f + to, c->src_f + from, n * sizeof *c->dst_f);
    else
        for (size_t i = 0; i < n; i++)
            c->dst_f[to + (ptrdiff_t)i * st] = c->src_f[from + (ptrdiff_t)i * sf];
}

static void copy_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const wk__onnx_copy *c = arg;
    size_t at[RANK] = {0};
    ptrdiff_t to = 0, from = 0;
    for (size_t k = 0; k < c->rank; k++)
        if (!c->dims[k])
            return;
    for (;;) {
        copy_row(c, to, from);
        size_t k = c->rank - 1;
        while (k > 0) {
            k--;
            to += c->to[k];
            from += c->from[k];
            if (++at[k] < c->dims[k])
                break;
            to -= (ptrdiff_t)c->dims[k] * c->to[k];
            from -= (ptrdiff_t)c->dims[k] * c->from[k];
            at[k] = 0;
            if (k == 0)
                return;
        }
        if (c->rank == 1)
            return;
    }
}

void wk__onnx_copy_add(wk__onnx_plan *p, wk__onnx_copy copy)
{
    if (copy.rank == 0) {
        copy.rank = 1;
        copy.dims[0] = 1;
        copy.to[0] = copy.from[0] = 1;
    }
    if (copy.dst_i) {
        copy_run(p->ops, &copy);
        return;
    }
    wk__onnx_copy *arg = wk__onnx_arg(p, sizeof *arg);
    *arg = copy;
    wk__onnx_step_add(p, copy_run, arg);
}

/* A copy from `src` moved by `offset` numbers to all of `dst`, whose strides are filled in. */
static wk__onnx_copy copy_of(const wk__onnx_tensor *src, ptrdiff_t offset,
                             const wk__onnx_tensor *dst)
{
    wk__onnx_copy c = {.rank = dst->rank};
    memcpy(c.dims, dst->dims, sizeof c.dims);
    wk__onnx_strides(dst->rank, dst->dims, c.to);
    if (dst->is_int) {
        c.dst_i = dst->i;
        c.src_i = src->i + offset;
    } else {
        c.dst_f = dst->f;
        c.src_f = src->f + offset;
    }
    return c;
}

/* ---- moves ---- */

static wk_status transpose(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    const int64_t *perm;
    size_t n, dims[RANK], axis[RANK];
    bool seen[RANK] = {false};
    WK_TRY(wk__onnx_in(p, 0, &x));
    WK_TRY(wk__onnx_list(p, "perm", SIZE_MAX, &perm, &n));
    if (n != SIZE_MAX && n != x->rank)
        return wk__onnx_fail(p, "perm has %zu axes, the input %zu", n, x->rank);
    for (size_t k = 0; k < x->rank; k++) {
        WK_TRY(wk__onnx_axis_of(p, n == SIZE_MAX ? (int64_t)(x->rank - 1 - k) : perm[k], x->rank,
                                &axis[k]));
        if (seen[axis[k]])
            return wk__onnx_fail(p, "perm names axis %zu twice", axis[k]);
        seen[axis[k]] = true;
        dims[k] = x->dims[axis[k]];
    }
    WK_TRY(wk__onnx_out(p, 0, x->is_int, x->rank, dims, &y));
    if (!y)
        return WK_OK;
    ptrdiff_t strides[RANK];
    wk__onnx_copy c = copy_of(x, 0, y);
    wk__onnx_strides(x->rank, x->dims, strides);
    for (size_t k = 0; k < x->rank; k++)
        c.from[k] = strides[axis[k]];
    wk__onnx_copy_add(p, c);
    return WK_OK;
}

/* Inputs beside each other along an axis. */
static wk_status concat(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x, *first;
    wk__onnx_tensor *y;
    size_t axis, dims[RANK];
    WK_TRY(wk__onnx_in(p, 0, &first));
    WK_TRY(wk__onnx_axis_of(p, wk__onnx_attr_int(p, "axis", 0), first->rank, &axis));
    memcpy(dims, first->dims, sizeof dims);
    dims[axis] = 0;
    for (size_t i = 0; i < wk__onnx_n_in(p); i++) {
        WK_TRY(wk__onnx_in(p, i, &x));
        bool fits = x->rank == first->rank && x->is_int == first->is_int;
        for (size_t k = 0; fits && k < x->rank; k++)
            fits = k == axis || x->dims[k] == first->dims[k];
        if (!fits)
            return wk__onnx_fail(p, "input %zu does not fit beside input 0", i);
        dims[axis] += x->dims[axis];
    }
    WK_TRY(wk__onnx_out(p, 0, first->is_int, first->rank, dims, &y));
    ptrdiff_t at = 0;
    for (size_t i = 0; y && i < wk__onnx_n_in(p); i++) {
        x = &p->values[p->op->in[i]];
        if (x->n) {
            wk__onnx_copy c = copy_of(x, 0, y);
            wk__onnx_strides(x->rank, x->dims, c.from);
            memcpy(c.dims, x->dims, sizeof c.dims);
            if (y->is_int)
                c.dst_i += at * c.to[axis];
            else
                c.dst_f += at * c.to[axis];
            at += (ptrdiff_t)x->dims[axis];
            wk__onnx_copy_add(p, c);
        }
    }
    return WK_OK;
}

static wk_status slice(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    const int64_t *starts, *ends, *axes, *steps;
    size_t n, n_ends, n_axes, n_steps, axis, dims[RANK];
    int64_t first[RANK] = {0}, by[RANK];
    bool seen[RANK] = {false};
    WK_TRY(wk__onnx_in(p, 0, &x));
    WK_TRY(wk__onnx_list(p, "starts", 1, &starts, &n));
    WK_TRY(wk__onnx_list(p, "ends", 2, &ends, &n_ends));
    WK_TRY(wk__onnx_list(p, "axes", 3, &axes, &n_axes));
    WK_TRY(wk__onnx_list(p, "steps", 4, &steps, &n_steps));
    if (n > x->rank || n_ends != n || (n_axes != SIZE_MAX && n_axes != n) ||
        (n_steps != SIZE_MAX && n_steps != n))
        return wk__onnx_fail(p, "starts, ends, axes and steps do not fit each other");
    memcpy(dims, x->dims, sizeof dims);
    for (size_t k = 0; k < RANK; k++)
        by[k] = 1;
    for (size_t i = 0; i < n; i++) {
        WK_TRY(wk__onnx_axis_of(p, n_axes == SIZE_MAX ? (int64_t)i : axes[i], x->rank, &axis));
        const int64_t d = (int64_t)x->dims[axis], step = n_steps == SIZE_MAX ? 1 : steps[i];
        if (seen[axis] || step == 0 || step < -WK__ONNX_MAX_NUMBERS)
            return wk__onnx_fail(p, "axis %zu is named twice or its step is %" PRId64, axis, step);
        seen[axis] = true;
        int64_t from = wk__onnx_clamp(starts[i], -d - 1, d),
                to = wk__onnx_clamp(ends[i], -d - 1, d);
        from = wk__onnx_clamp(from < 0 ? from + d : from, 0, step > 0 ? d : d - 1);
        to = wk__onnx_clamp(to < 0 ? to + d : to, step > 0 ? 0 : -1, d);
        by[axis] = step > WK__ONNX_MAX_NUMBERS ? WK__ONNX_MAX_NUMBERS : step;
        const int64_t length = step > 0 ? to - from : from - to,
                      size = by[axis] > 0 ? by[axis] : -by[axis];
        dims[axis] = length > 0 ? (size_t)((length - 1) / size + 1) : 0;
        first[axis] = from;
    }
    WK_TRY(wk__onnx_out(p, 0, x->is_int, x->rank, dims, &y));
    if (!y || !y->n)
        return WK_OK;
    ptrdiff_t strides[RANK], offset = 0;
    wk__onnx_strides(x->rank, x->dims, strides);
    for (size_t k = 0; k < x->rank; k++)
        offset += (ptrdiff_t)first[k] * strides[k];
    wk__onnx_copy c = copy_of(x, offset, y);
    for (size_t k = 0; k < x->rank; k++)
        c.from[k] = strides[k] * (ptrdiff_t)by[k];
    wk__onnx_copy_add(p, c);
    return WK_OK;
}

static wk_status split(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    const int64_t *sizes;
    const size_t parts = p->op->n_out;
    size_t n, axis, at = 0;
    WK_TRY(wk__onnx_in(p, 0, &x));
    WK_TRY(wk__onnx_axis_of(p, wk__onnx_attr_int(p, "axis", 0), x->rank, &axis));
    WK_TRY(wk__onnx_list(p, "split", 1, &sizes, &n));
    if (!parts || (n != SIZE_MAX && n != parts))
        return wk__onnx_fail(p, "%zu sizes for %zu parts", n, parts);
    const size_t each = (x->dims[axis] + parts - 1) / parts;
    for (size_t i = 0; i < parts; i++) {
        const size_t left = x->dims[axis] - at,
                     size = n == SIZE_MAX ? (each < left ? each : left) : (size_t)sizes[i];
        size_t dims[RANK];
        if (size > left)
            return wk__onnx_fail(p, "part %zu reaches past the axis's %zu places", i,
                                 x->dims[axis]);
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = size;
        WK_TRY(wk__onnx_out(p, i, x->is_int, x->rank, dims, &y));
        if (y && y->n) {
            ptrdiff_t strides[RANK];
            wk__onnx_strides(x->rank, x->dims, strides);
            wk__onnx_copy c = copy_of(x, (ptrdiff_t)at * strides[axis], y);
            memcpy(c.from, strides, sizeof strides);
            wk__onnx_copy_add(p, c);
        }
        at += size;
    }
    if (at != x->dims[axis])
        return wk__onnx_fail(p, "the parts hold %zu of the axis's %zu places", at, x->dims[axis]);
    return WK_OK;
}

typedef struct {
    const wk__onnx_tensor *index;
    const float *x_f;
    const int64_t *x_i;
    float *y_f;
    int64_t *y_i;
    size_t outer, inner, places;
} gathering;

static void gather_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const gathering *g = arg;
    const size_t inner = g->inner, n = g->index->n;
    for (size_t o = 0; o < g->outer; o++)
        for (size_t i = 0; i < n; i++) {
            const int64_t at = g->index->i[i];
            const size_t place = (size_t)(at < 0 ? at + (int64_t)g->places : at);
            const size_t from = (o * g->places + place) * inner, to = (o * n + i) * inner;
            if (g->y_i)
                memcpy(g->y_i + to, g->x_i + from, inner * sizeof *g->y_i);
            else
                memcpy(g->y_f + to, g->x_f + from, inner * sizeof *g->y_f);
        }
}

/* Places along an axis. */
static wk_status gather(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x, *index;
    wk__onnx_tensor *y;
    size_t axis, rank = 0, dims[2 * RANK];
    WK_TRY(wk__onnx_in(p, 0, &x));
    WK_TRY(wk__onnx_in_known(p, 1, "indices", &index));
    WK_TRY(wk__onnx_axis_of(p, wk__onnx_attr_int(p, "axis", 0), x->rank, &axis));
    if (!index->is_int || x->rank - 1 + index->rank > RANK)
        return wk__onnx_fail(p, "indices are not whole numbers or have too many dimensions");
    const int64_t d = (int64_t)x->dims[axis];
    for (size_t i = 0; i < index->n; i++)
        if (index->i[i] < -d || index->i[i] >= d)
            return wk__onnx_fail(p, "index %" PRId64 " of %" PRId64 " places", index->i[i], d);
    for (size_t k = 0; k < axis; k++)
        dims[rank++] = x->dims[k];
    for (size_t k = 0; k < index->rank; k++)
        dims[rank++] = index->dims[k];
    for (size_t k = axis + 1; k < x->rank; k++)
        dims[rank++] = x->dims[k];
    WK_TRY(wk__onnx_out(p, 0, x->is_int, rank, dims, &y));
    if (!y || !y->n)
        return WK_OK;
    gathering g = {index, x->f, x->i, y->f, y->i, 1, 1, x->dims[axis]};
    for (size_t k = 0; k < x->rank; k++)
        *(k < axis ? &g.outer : &g.inner) *= k == axis ? 1 : x->dims[k];
    if (y->is_int) {
        gather_run(p->ops, &g);
        return WK_OK;
    }
    gathering *arg = wk__onnx_arg(p, sizeof *arg);
    *arg = g;
    wk__onnx_step_add(p, gather_run, arg);
    return WK_OK;
}

static wk_status expand(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y, shape = {0};
    const int64_t *v;
    size_t n, rank, dims[RANK];
    WK_TRY(wk__onnx_in(p, 0, &x));
    WK_TRY(wk__onnx_list(p, "shape", 1, &v, &n));
    if (n > RANK)
        return wk__onnx_fail(p, "a shape is missing or has more than %d dimensions", RANK);
    shape.rank = n;
    for (size_t k = 0; k < n; k++) {
        if (v[k] < 0 || v[k] > WK__ONNX_MAX_NUMBERS)
            return wk__onnx_fail(p, "dimension %zu of the shape is %" PRId64, k, v[k]);
        shape.dims[k] = (size_t)v[k];
    }
    WK_TRY(wk__onnx_broadcast(p, x, &shape, &rank, dims));
    WK_TRY(wk__onnx_out(p, 0, x->is_int, rank, dims, &y));
    if (!y || !y->n)
        return WK_OK;
    wk__onnx_copy c = copy_of(x, 0, y);
    wk__onnx_broadcast_strides(x, rank, dims, c.from);
    wk__onnx_copy_add(p, c);
    return WK_OK;
}

typedef struct {
    float *y, value;
    size_t n;
} fill;

static void fill_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const fill *f = arg;
    for (size_t i = 0; i < f->n; i++)
        f->y[i] = f->value;
}

static wk_status pad(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x, *t;
    wk__onnx_tensor *y;
    const int64_t *pads, *axes;
    size_t n, n_axes, dims[RANK];
    int64_t before[RANK] = {0}, after[RANK] = {0};
    float value = wk__onnx_attr_float(p, "value", 0);
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    WK_TRY(wk__onnx_list(p, "pads", 1, &pads, &n));
    WK_TRY(wk__onnx_list(p, "axes", 3, &axes, &n_axes));
    const wk__onnx_attribute *mode = wk__onnx_attr(p, "mode");
    if (mode && mode->s && strcmp(mode->s, "constant") != 0)
        return wk__onnx_fail(p, "mode %.20s is not supported; want constant", mode->s);
    if (wk__onnx_has(p, 2)) {
        WK_TRY(wk__onnx_in_known(p, 2, "the value", &t));
        if (t->n != 1)
            return wk__onnx_fail(p, "the value is not one number");
        value = t->is_int ? (float)t->i[0] : t->f[0];
    }
    const size_t n_pairs = n_axes == SIZE_MAX ? x->rank : n_axes;
    if (n == SIZE_MAX || n_pairs > x->rank || n != 2 * n_pairs)
        return wk__onnx_fail(p, "pads do not fit %zu dimensions", x->rank);
    for (size_t i = 0; i < n_pairs; i++) {
        size_t axis = i;
        if (n_axes != SIZE_MAX)
            WK_TRY(wk__onnx_axis_of(p, axes[i], x->rank, &axis));
        before[axis] = wk__onnx_clamp(pads[i], INT32_MIN, INT32_MAX);
        after[axis] = wk__onnx_clamp(pads[n_pairs + i], INT32_MIN, INT32_MAX);
    }
    /* Negative pads cut. */
    ptrdiff_t from[RANK], src = 0, dst = 0, to[RANK];
    size_t kept[RANK];
    bool empty = false;
    for (size_t k = 0; k < x->rank; k++) {
        const int64_t d = (int64_t)x->dims[k], all = d + before[k] + after[k];
        const int64_t keep = d + (before[k] < 0 ? before[k] : 0) + (after[k] < 0 ? after[k] : 0);
        if (all < 0)
            return wk__onnx_fail(p, "axis %zu would have %" PRId64 " places", k, all);
        dims[k] = (size_t)all;
        kept[k] = keep > 0 ? (size_t)keep : 0;
        empty = empty || keep <= 0;
    }
    WK_TRY(wk__onnx_out(p, 0, false, x->rank, dims, &y));
    if (!y)
        return WK_OK;
    fill *f = wk__onnx_arg(p, sizeof *f);
    *f = (fill){y->f, value, y->n};
    wk__onnx_step_add(p, fill_run, f);
    if (empty)
        return WK_OK;
    wk__onnx_strides(x->rank, x->dims, from);
    wk__onnx_strides(x->rank, y->dims, to);
    for (size_t k = 0; k < x->rank; k++) {
        src += (ptrdiff_t)(before[k] < 0 ? -before[k] : 0) * from[k];
        dst += (ptrdiff_t)(before[k] > 0 ? before[k] : 0) * to[k];
    }
    wk__onnx_copy c = copy_of(x, src, y);
    memcpy(c.from, from, sizeof from);
    memcpy(c.dims, kept, sizeof kept);
    c.dst_f += dst;
    wk__onnx_copy_add(p, c);
    return WK_OK;
}

const wk__onnx_row wk__onnx_move_rows[] = {
    {"Concat", concat, 0}, {"Expand", expand, 0}, {"Gather", gather, 0},       {"Pad", pad, 0},
    {"Slice", slice, 0},   {"Split", split, 0},   {"Transpose", transpose, 0}, {NULL, NULL, 0},
};
