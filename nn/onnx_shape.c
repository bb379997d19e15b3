/* Operators that make shapes and constants, or give the same numbers another shape. */
#include <inttypes.h>
#include <string.h>

#include "nn/onnx_graph.h"

enum { RANK = WK_ONNX_RANK_MAX };

enum { RESHAPE, SQUEEZE, UNSQUEEZE, FLATTEN, IDENTITY };

static wk_status reshape_dims(wk__onnx_plan *p, const wk__onnx_tensor *x, size_t *rank,
                              size_t *dims)
{
    const int64_t *v;
    size_t n, known = 1, free = RANK;
    const bool zero_is_zero = wk__onnx_attr_int(p, "allowzero", 0) != 0;
    WK_TRY(wk__onnx_list(p, "shape", 1, &v, &n));
    if (n > RANK)
        return wk__onnx_fail(p, "a shape is missing or has more than %d dimensions", RANK);
    for (size_t k = 0; k < n; k++) {
        if (v[k] < -1 || v[k] > WK__ONNX_MAX_NUMBERS || (v[k] == -1 && free < RANK))
            return wk__onnx_fail(p, "dimension %zu of the shape is %" PRId64, k, v[k]);
        if (v[k] == -1) {
            free = k;
            continue;
        }
        if (v[k] == 0 && !zero_is_zero && k >= x->rank)
            return wk__onnx_fail(p, "dimension %zu of the shape copies one that is not there", k);
        dims[k] = v[k] == 0 && !zero_is_zero ? x->dims[k] : (size_t)v[k];
        if (dims[k] && known > WK__ONNX_MAX_NUMBERS / dims[k])
            return wk__onnx_fail(p, "a shape of more than %d numbers", WK__ONNX_MAX_NUMBERS);
        known *= dims[k];
    }
    if (free < RANK)
        dims[free] = known ? x->n / known : 0;
    *rank = n;
    return WK_OK;
}

/* The axes of Squeeze and Unsqueeze, as flags over `rank`. */
static wk_status axes_of(wk__onnx_plan *p, size_t rank, bool *flags, size_t *n_axes)
{
    const int64_t *v;
    size_t axis;
    WK_TRY(wk__onnx_list(p, "axes", 1, &v, n_axes));
    for (size_t k = 0; *n_axes != SIZE_MAX && k < *n_axes; k++) {
        WK_TRY(wk__onnx_axis_of(p, v[k], rank, &axis));
        if (flags[axis])
            return wk__onnx_fail(p, "axis %zu is named twice", axis);
        flags[axis] = true;
    }
    return WK_OK;
}

static wk_status squeeze_dims(wk__onnx_plan *p, const wk__onnx_tensor *x, bool more, size_t *rank,
                              size_t *dims)
{
    bool flags[2 * RANK] = {false};
    const int64_t *v;
    size_t n, to = 0, from = 0;
    WK_TRY(wk__onnx_list(p, "axes", 1, &v, &n));
    if (more && (n == SIZE_MAX || n > RANK - x->rank))
        return wk__onnx_fail(p, "axes are missing or too many");
    const size_t all = more ? x->rank + n : x->rank;
    WK_TRY(axes_of(p, all, flags, &n));
    for (size_t k = 0; k < all; k++) {
        if (more) {
            dims[to++] = flags[k] ? 1 : x->dims[from++];
        } else if (n == SIZE_MAX ? x->dims[k] != 1 : !flags[k]) {
            dims[to++] = x->dims[k];
        } else if (x->dims[k] != 1) {
            return wk__onnx_fail(p, "axis %zu has %zu places, not one", k, x->dims[k]);
        }
    }
    *rank = to;
    return WK_OK;
}

static wk_status flatten_dims(wk__onnx_plan *p, const wk__onnx_tensor *x, size_t *rank,
                              size_t *dims)
{
    const int64_t axis = wk__onnx_attr_int(p, "axis", 1), r = (int64_t)x->rank;
    if (axis < -r || axis > r)
        return wk__onnx_fail(p, "axis %" PRId64 " of %zu dimensions", axis, x->rank);
    dims[0] = dims[1] = 1;
    for (size_t k = 0; k < x->rank; k++)
        dims[(int64_t)k >= (axis < 0 ? axis + r : axis)] *= x->dims[k];
    *rank = 2;
    return WK_OK;
}

static wk_status view(wk__onnx_plan *p, int kind)
{
    const wk__onnx_tensor *x;
    size_t rank = 0, dims[RANK] = {0};
    WK_TRY(wk__onnx_in(p, 0, &x));
    switch (kind) {
    case RESHAPE:
        WK_TRY(reshape_dims(p, x, &rank, dims));
        break;
    case SQUEEZE:
    case UNSQUEEZE:
        WK_TRY(squeeze_dims(p, x, kind == UNSQUEEZE, &rank, dims));
        break;
    case FLATTEN:
        WK_TRY(flatten_dims(p, x, &rank, dims));
        break;
    default:
        rank = x->rank;
        memcpy(dims, x->dims, sizeof dims);
    }
    return wk__onnx_view(p, rank, dims);
}

static wk_status shape_of(wk__onnx_plan *p, int size_only)
{
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    WK_TRY(wk__onnx_in(p, 0, &x));
    const int64_t r = (int64_t)x->rank;
    int64_t from = wk__onnx_attr_int(p, "start", 0), to = wk__onnx_attr_int(p, "end", r);
    from = wk__onnx_clamp(from < -r ? 0 : from < 0 ? from + r : from, 0, r);
    to = wk__onnx_clamp(to < -r ? 0 : to < 0 ? to + r : to, from, r);
    const size_t n = (size_t)(to - from);
    WK_TRY(wk__onnx_out(p, 0, true, size_only ? 0 : 1, &n, &y));
    if (y && size_only)
        y->i[0] = (int64_t)x->n;
    for (size_t k = 0; y && !size_only && k < n; k++)
        y->i[k] = (int64_t)x->dims[(size_t)from + k];
    return WK_OK;
}

static wk_status constant(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_attribute *a;
    wk__onnx_tensor *y;
    if ((a = wk__onnx_attr(p, "value")) && a->t) {
        WK_TRY(wk__onnx_out(p, 0, a->t->is_int, a->t->rank, a->t->dims, &y));
        if (y && y->is_int)
            memcpy(y->i, a->t->i, y->n * sizeof *y->i);
        else if (y)
            memcpy(y->f, a->t->f, y->n * sizeof *y->f);
    } else if ((a = wk__onnx_attr(p, "value_float")) || (a = wk__onnx_attr(p, "value_floats"))) {
        const bool list = strcmp(a->name, "value_floats") == 0;
        WK_TRY(wk__onnx_out(p, 0, false, list, &a->n_floats, &y));
        for (size_t i = 0; y && i < y->n; i++)
            y->f[i] = list ? a->floats[i] : a->f;
    } else if ((a = wk__onnx_attr(p, "value_int")) || (a = wk__onnx_attr(p, "value_ints"))) {
        const bool list = strcmp(a->name, "value_ints") == 0;
        WK_TRY(wk__onnx_out(p, 0, true, list, &a->n_ints, &y));
        for (size_t i = 0; y && i < y->n; i++)
            y->i[i] = list ? a->ints[i] : a->i;
    } else {
        return wk__onnx_fail(p, "no value of floats or whole numbers");
    }
    return WK_OK;
}

static wk_status constant_of_shape(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_attribute *a = wk__onnx_attr(p, "value");
    const int64_t *v;
    wk__onnx_tensor *y;
    size_t n, dims[RANK];
    WK_TRY(wk__onnx_list(p, "shape", 0, &v, &n));
    if (n > RANK || (a && (!a->t || a->t->n != 1)))
        return wk__onnx_fail(p, "a shape is missing or too long, or the value is not one number");
    for (size_t k = 0; k < n; k++) {
        if (v[k] < 0 || v[k] > WK__ONNX_MAX_NUMBERS)
            return wk__onnx_fail(p, "dimension %zu of the shape is %" PRId64, k, v[k]);
        dims[k] = (size_t)v[k];
    }
    WK_TRY(wk__onnx_out(p, 0, a && a->t->is_int, n, dims, &y));
    for (size_t i = 0; y && i < y->n; i++) {
        if (y->is_int)
            y->i[i] = a->t->i[0];
        else
            y->f[i] = a ? a->t->f[0] : 0;
    }
    return WK_OK;
}

static wk_status range(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *t;
    wk__onnx_tensor *y;
    int64_t v[3];
    for (size_t i = 0; i < 3; i++) {
        WK_TRY(wk__onnx_in_known(p, i, "its bounds", &t));
        if (!t->is_int || t->n != 1 || t->i[0] > INT32_MAX || t->i[0] < INT32_MIN)
            return wk__onnx_fail(p, "bound %zu is not one whole number of 32 bits", i);
        v[i] = t->i[0];
    }
    if (!v[2])
        return wk__onnx_fail(p, "the step is 0");
    const int64_t length = v[2] > 0 ? v[1] - v[0] : v[0] - v[1], by = v[2] > 0 ? v[2] : -v[2];
    const size_t n = length > 0 ? (size_t)((length - 1) / by + 1) : 0;
    WK_TRY(wk__onnx_out(p, 0, true, 1, &n, &y));
    for (size_t i = 0; y && i < n; i++)
        y->i[i] = v[0] + (int64_t)i * v[2];
    return WK_OK;
}

static wk_status cast(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const int64_t to = wk__onnx_attr_int(p, "to", 0);
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    WK_TRY(wk__onnx_in(p, 0, &x));
    const bool is_int = to == WK__ONNX_INT32 || to == WK__ONNX_INT64 || to == WK__ONNX_BOOL;
    if (!is_int && to != WK__ONNX_FLOAT && to != WK__ONNX_DOUBLE)
        return wk__onnx_fail(p, "to type %" PRId64 " is not supported; want float or int64", to);
    if (is_int == x->is_int && to != WK__ONNX_BOOL)
        return wk__onnx_view(p, x->rank, x->dims);
    if (!x->is_known)
        return wk__onnx_fail(p, "data cannot become whole numbers or truths");
    WK_TRY(wk__onnx_out(p, 0, is_int, x->rank, x->dims, &y));
    for (size_t i = 0; y && i < y->n; i++) {
        if (!is_int) {
            y->f[i] = (float)x->i[i];
            continue;
        }
        const float v = x->is_int ? 0 : x->f[i];
        if (!x->is_int && !(v > -9e15F && v < 9e15F))
            return wk__onnx_fail(p, "%g is no whole number", (double)v);
        const int64_t whole = x->is_int ? x->i[i] : (int64_t)v;
        y->i[i] = to == WK__ONNX_BOOL ? (x->is_int ? whole != 0 : v != 0) : whole;
    }
    return WK_OK;
}

const wk__onnx_row wk__onnx_shape_rows[] = {
    {"Cast", cast, 0},
    {"Constant", constant, 0},
    {"ConstantOfShape", constant_of_shape, 0},
    {"Dropout", view, IDENTITY},
    {"Flatten", view, FLATTEN},
    {"Identity", view, IDENTITY},
    {"Range", range, 0},
    {"Reshape", view, RESHAPE},
    {"Shape", shape_of, 0},
    {"Size", shape_of, 1},
    {"Squeeze", view, SQUEEZE},
    {"Unsqueeze", view, UNSQUEEZE},
    {NULL, NULL, 0},
};
