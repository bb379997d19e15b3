/* Operators over axes: sums and means, softmax, norms, pools. Sums are taken in f64. */
#include <inttypes.h>
#include <string.h>

#include "nn/onnx_graph.h"
#include "wick/math.h"

enum { RANK = WK_ONNX_RANK_MAX };

/* ---- reductions ---- */

enum { MEAN, SUM, MAX, MIN, PROD, L1, L2, SUM_SQUARE };

typedef struct {
    int kind;
    size_t n_out_dims, out_dims[RANK], n_in_dims, in_dims[RANK]; /* kept, and reduced */
    ptrdiff_t out_strides[RANK], in_strides[RANK];               /* both in x */
    size_t n, count;
    const float *x;
    float *y;
} reduction;

static size_t place(size_t i, size_t rank, const size_t *dims, const ptrdiff_t *strides)
{
    size_t at = 0;
    for (size_t k = rank; k-- > 0; i /= dims[k])
        at += i % dims[k] * (size_t)strides[k];
    return at;
}

static double joined(int kind, double sum, double v)
{
    switch (kind) {
    case MAX:
        return isnan(v) || v > sum ? v : sum;
    case MIN:
        return isnan(v) || v < sum ? v : sum;
    case PROD:
        return sum * v;
    case L1:
        return sum + fabs(v);
    case L2:
    case SUM_SQUARE:
        return sum + v * v;
    default:
        return sum + v;
    }
}

static void reduction_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const reduction *r = arg;
    for (size_t o = 0; o < r->n; o++) {
        const float *x = r->x + place(o, r->n_out_dims, r->out_dims, r->out_strides);
        double sum = r->kind == MAX    ? -INFINITY
                     : r->kind == MIN  ? INFINITY
                     : r->kind == PROD ? 1
                                       : 0;
        for (size_t i = 0; i < r->count; i++)
            sum =
                joined(r->kind, sum, (double)x[place(i, r->n_in_dims, r->in_dims, r->in_strides)]);
        if (r->kind == MEAN)
            sum /= (double)r->count;
        r->y[o] = (float)(r->kind == L2 ? sqrt(sum) : sum);
    }
}

/* Products of whole numbers, of shapes. */
static wk_status int_reduction(wk__onnx_plan *p, int kind, const wk__onnx_tensor *x)
{
    wk__onnx_tensor *y;
    uint64_t total = kind == PROD;
    const int64_t keep = wk__onnx_attr_int(p, "keepdims", 1);
    const size_t one = 1;
    if ((kind != PROD && kind != SUM) || x->rank > 1)
        return wk__onnx_fail(p, "whole numbers are not supported here");
    for (size_t i = 0; i < x->n; i++)
        total = kind == PROD ? total * (uint64_t)x->i[i] : total + (uint64_t)x->i[i];
    WK_TRY(wk__onnx_out(p, 0, true, keep && x->rank, &one, &y));
    if (y)
        y->i[0] = (int64_t)total;
    return WK_OK;
}

static wk_status reduce(wk__onnx_plan *p, int kind)
{
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    const int64_t *axes;
    size_t n, axis, rank = 0, dims[RANK];
    bool gone[RANK] = {false};
    ptrdiff_t strides[RANK];
    WK_TRY(wk__onnx_in(p, 0, &x));
    if (x->is_int)
        return int_reduction(p, kind, x);
    WK_TRY(wk__onnx_list(p, "axes", 1, &axes, &n));
    if ((n == SIZE_MAX || n == 0) && wk__onnx_attr_int(p, "noop_with_empty_axes", 0))
        return wk__onnx_view(p, x->rank, x->dims);
    for (size_t k = 0; n != SIZE_MAX && k < n; k++) {
        WK_TRY(wk__onnx_axis_of(p, axes[k], x->rank, &axis));
        gone[axis] = true;
    }
    const bool all = n == SIZE_MAX || n == 0, keep = wk__onnx_attr_int(p, "keepdims", 1) != 0;
    reduction r = {.kind = kind, .count = 1, .x = x->f};
    wk__onnx_strides(x->rank, x->dims, strides);
    for (size_t k = 0; k < x->rank; k++) {
        const bool out = !all && !gone[k];
        if (out || keep)
            dims[rank++] = out ? x->dims[k] : 1;
        if (out) {
            r.out_dims[r.n_out_dims] = x->dims[k];
            r.out_strides[r.n_out_dims++] = strides[k];
        } else {
            r.in_dims[r.n_in_dims] = x->dims[k];
            r.in_strides[r.n_in_dims++] = strides[k];
            r.count *= x->dims[k];
        }
    }
    WK_TRY(wk__onnx_out(p, 0, false, rank, dims, &y));
    if (!y)
        return WK_OK;
    if (!r.count && y->n)
        return wk__onnx_fail(p, "nothing to reduce: an axis of no places");
    r.n = y->n;
    r.y = y->f;
    reduction *arg = wk__onnx_arg(p, sizeof *arg);
    *arg = r;
    wk__onnx_step_add(p, reduction_run, arg);
    return WK_OK;
}

static wk_status global_pool(wk__onnx_plan *p, int kind)
{
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    if (x->rank < 3)
        return wk__onnx_fail(p, "an input of %zu dimensions; want [N, C, T]", x->rank);
    size_t dims[RANK];
    reduction *r = wk__onnx_arg(p, sizeof *r);
    *r = (reduction){.kind = kind, .n_out_dims = 1, .n_in_dims = 1, .x = x->f, .count = 1};
    for (size_t k = 0; k < x->rank; k++) {
        dims[k] = k < 2 ? x->dims[k] : 1;
        r->count *= k < 2 ? 1 : x->dims[k];
    }
    WK_TRY(wk__onnx_out(p, 0, false, x->rank, dims, &y));
    if (!y)
        return WK_OK;
    if (!r->count && y->n)
        return wk__onnx_fail(p, "nothing to pool: an axis of no places");
    r->n = r->out_dims[0] = y->n;
    r->out_strides[0] = (ptrdiff_t)r->count;
    r->in_dims[0] = r->count;
    r->in_strides[0] = 1;
    r->y = y->f;
    wk__onnx_step_add(p, reduction_run, r);
    return WK_OK;
}

/* ---- softmax ---- */

typedef struct {
    bool log;
    size_t outer, n, inner;
    const float *x;
    float *y;
} softmax;

static void softmax_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const softmax *s = arg;
    for (size_t o = 0; o < s->outer; o++)
        for (size_t j = 0; j < s->inner; j++) {
            const float *x = s->x + o * s->n * s->inner + j;
            float *y = s->y + o * s->n * s->inner + j;
            double top = (double)x[0], sum = 0;
            for (size_t i = 1; i < s->n; i++)
                top = (double)x[i * s->inner] > top ? (double)x[i * s->inner] : top;
            for (size_t i = 0; i < s->n; i++)
                sum += wk_exp((double)x[i * s->inner] - top);
            for (size_t i = 0; i < s->n; i++) {
                const double v = (double)x[i * s->inner] - top;
                y[i * s->inner] = (float)(s->log ? v - wk_log(sum) : wk_exp(v) / sum);
            }
        }
}

static wk_status plan_softmax(wk__onnx_plan *p, int log)
{
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    size_t axis;
    /* Before opset 13 all axes from the given one on were taken together. */
    const bool old = p->model->opset < 13;
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    WK_TRY(wk__onnx_axis_of(p, wk__onnx_attr_int(p, "axis", old ? 1 : -1), x->rank, &axis));
    WK_TRY(wk__onnx_out(p, 0, false, x->rank, x->dims, &y));
    if (!y || !y->n)
        return WK_OK;
    softmax *s = wk__onnx_arg(p, sizeof *s);
    *s = (softmax){.log = log, .outer = 1, .n = 1, .inner = 1, .x = x->f, .y = y->f};
    for (size_t k = 0; k < x->rank; k++)
        *(k < axis ? &s->outer : k == axis || old ? &s->n : &s->inner) *= x->dims[k];
    wk__onnx_step_add(p, softmax_run, s);
    return WK_OK;
}

/* ---- norms ---- */

typedef struct {
    size_t rows, n;
    double eps;
    const float *x, *gain, *bias;
    float *y;
} layer_norm;

static void layer_norm_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const layer_norm *l = arg;
    for (size_t m = 0; m < l->rows; m++) {
        const float *x = l->x + m * l->n;
        float *y = l->y + m * l->n;
        double sum = 0, square = 0;
        for (size_t i = 0; i < l->n; i++)
            sum += (double)x[i];
        const double mean = sum / (double)l->n;
        for (size_t i = 0; i < l->n; i++)
            square += ((double)x[i] - mean) * ((double)x[i] - mean);
        const double r = 1 / sqrt(square / (double)l->n + l->eps);
        for (size_t i = 0; i < l->n; i++) {
            const double v = ((double)x[i] - mean) * r * (double)l->gain[i];
            y[i] = (float)(l->bias ? v + (double)l->bias[i] : v);
        }
    }
}

static wk_status plan_layer_norm(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x, *gain, *bias = NULL;
    wk__onnx_tensor *y;
    size_t axis;
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    WK_TRY(wk__onnx_in_float(p, 1, &gain));
    if (wk__onnx_has(p, 2))
        WK_TRY(wk__onnx_in_float(p, 2, &bias));
    WK_TRY(wk__onnx_axis_of(p, wk__onnx_attr_int(p, "axis", -1), x->rank, &axis));
    layer_norm *l = wk__onnx_arg(p, sizeof *l);
    *l = (layer_norm){.rows = 1, .n = 1, .x = x->f, .gain = gain->f};
    l->eps = (double)wk__onnx_attr_float(p, "epsilon", 1e-5F);
    for (size_t k = 0; k < x->rank; k++)
        *(k < axis ? &l->rows : &l->n) *= x->dims[k];
    if (x->n && (gain->n != l->n || (bias && bias->n != l->n)))
        return wk__onnx_fail(p, "%zu gains of %zu numbers a row", gain->n, l->n);
    WK_TRY(wk__onnx_out(p, 0, false, x->rank, x->dims, &y));
    if (!y || !y->n)
        return WK_OK;
    l->bias = bias ? bias->f : NULL;
    l->y = y->f;
    wk__onnx_step_add(p, layer_norm_run, l);
    return WK_OK;
}

typedef struct {
    size_t N, C, inner;
    const float *x, *scale, *shift;
    float *y;
} channels;

static void channels_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const channels *b = arg;
    for (size_t k = 0; k < b->N * b->C; k++) {
        const float s = b->scale[k % b->C], t = b->shift[k % b->C];
        for (size_t i = k * b->inner; i < (k + 1) * b->inner; i++)
            b->y[i] = s * b->x[i] + t;
    }
}

/* Folded into the convolution before it where that has no other reader; else a scale and a shift of
 * each channel. */
static wk_status batch_norm(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x, *t[4];
    wk__onnx_tensor *y;
    float *scale, *shift;
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    if (x->rank < 2)
        return wk__onnx_fail(p, "an input of %zu dimensions; want [N, C, ...]", x->rank);
    if (wk__onnx_attr_int(p, "training_mode", 0))
        return wk__onnx_fail(p, "training mode is not supported; export the network in eval mode");
    const size_t C = x->dims[1];
    for (size_t i = 0; i < 4; i++) {
        WK_TRY(wk__onnx_in_float(p, i + 1, &t[i]));
        WK_TRY(wk__onnx_in_known(p, i + 1, "its statistics", &t[i]));
        if (t[i]->n != C)
            return wk__onnx_fail(p, "input %zu has %zu numbers for %zu channels", i + 1, t[i]->n,
                                 C);
    }
    const double eps = (double)wk__onnx_attr_float(p, "epsilon", 1e-5F);
    WK_TRY(wk__onnx_take(p, C, &scale));
    WK_TRY(wk__onnx_take(p, C, &shift));
    for (size_t c = 0; c < C; c++) {
        const double s = (double)t[0]->f[c] / sqrt((double)t[3]->f[c] + eps);
        scale[c] = (float)s;
        shift[c] = (float)((double)t[1]->f[c] - (double)t[2]->f[c] * s);
    }
    const int from = p->op->in[0];
    if (p->folds[from] && p->uses[from] == 1 && wk__onnx_wants(p, 0)) {
        wk__onnx_fold(p->folds[from], scale, shift);
        return wk__onnx_view(p, x->rank, x->dims);
    }
    WK_TRY(wk__onnx_out(p, 0, false, x->rank, x->dims, &y));
    if (!y || !y->n)
        return WK_OK;
    channels *b = wk__onnx_arg(p, sizeof *b);
    *b = (channels){x->dims[0], C, y->n / x->dims[0] / C, x->f, scale, shift, y->f};
    wk__onnx_step_add(p, channels_run, b);
    return WK_OK;
}

/* ---- pools ---- */

typedef struct {
    bool is_max, with_pads;
    size_t rows, T, out, kernel, stride, dilation, before, after;
    const float *x;
    float *y;
} pool;

/* Taps of a window from `start` that lie before place `end`. */
static size_t taps_before(const pool *q, size_t start, size_t end)
{
    const size_t n = start < end ? (end - start - 1) / q->dilation + 1 : 0;
    return n < q->kernel ? n : q->kernel;
}

/* A kernel may be longer than the sequence by any factor: only its taps on it are visited. */
static void pool_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const pool *q = arg;
    for (size_t m = 0; m < q->rows; m++)
        for (size_t o = 0; o < q->out; o++) {
            double sum = q->is_max ? -INFINITY : 0;
            const size_t start = o * q->stride;
            const size_t first = taps_before(q, start, q->before),
                         end = taps_before(q, start, q->before + q->T);
            for (size_t k = first; k < end; k++) {
                const double v = (double)q->x[m * q->T + start + k * q->dilation - q->before];
                sum = !q->is_max ? sum + v : isnan(v) || v > sum ? v : sum;
            }
            const size_t padded = taps_before(q, start, q->before + q->T + q->after);
            if (!q->is_max)
                sum /= (double)(q->with_pads ? padded : end - first);
            q->y[m * q->out + o] = (float)sum;
        }
}

static wk_status one_of(wk__onnx_plan *p, const char *name, int64_t otherwise, int64_t *out)
{
    const wk__onnx_attribute *a = wk__onnx_attr(p, name);
    *out = a ? (a->n_ints ? a->ints[0] : 0) : otherwise;
    if (a && a->n_ints != 1)
        return wk__onnx_fail(p, "%s has %zu numbers; only one dimension is supported", name,
                             a->n_ints);
    if (*out < 1 || *out > WK__ONNX_MAX_NUMBERS)
        return wk__onnx_fail(p, "%s is %" PRId64, name, *out);
    return WK_OK;
}

wk_status wk__onnx_window(wk__onnx_plan *p, size_t T, size_t kernel_size, wk__onnx_taps *out)
{
    int64_t kernel, stride, dilation, pads[2] = {0, 0};
    const wk__onnx_attribute *a = wk__onnx_attr(p, "pads");
    WK_TRY(one_of(p, "kernel_shape", kernel_size ? (int64_t)kernel_size : -1, &kernel));
    WK_TRY(one_of(p, "strides", 1, &stride));
    WK_TRY(one_of(p, "dilations", 1, &dilation));
    if (kernel_size && kernel != (int64_t)kernel_size)
        return wk__onnx_fail(p, "kernel_shape %" PRId64 ", the weights have %zu taps", kernel,
                             kernel_size);
    if ((kernel - 1) > WK__ONNX_MAX_NUMBERS / dilation)
        return wk__onnx_fail(p, "%" PRId64 " taps %" PRId64 " apart", kernel, dilation);
    const int64_t reach = (kernel - 1) * dilation + 1, t = (int64_t)T;
    const bool upper = wk__onnx_attr_is(p, "auto_pad", "SAME_UPPER"),
               lower = wk__onnx_attr_is(p, "auto_pad", "SAME_LOWER");
    if (upper || lower) {
        const int64_t n = (t + stride - 1) / stride, need = (n - 1) * stride + reach - t;
        const int64_t all = t && need > 0 ? need : 0;
        pads[upper] = all - all / 2;
        pads[lower] = all / 2;
    } else if (a && !wk__onnx_attr_is(p, "auto_pad", "VALID")) {
        if (a->n_ints != 2 || a->ints[0] < 0 || a->ints[1] < 0 ||
            a->ints[0] > WK__ONNX_MAX_NUMBERS || a->ints[1] > WK__ONNX_MAX_NUMBERS)
            return wk__onnx_fail(p, "pads must be two numbers, neither negative");
        pads[0] = a->ints[0];
        pads[1] = a->ints[1];
    }
    const int64_t room = t + pads[0] + pads[1] - reach;
    if (room < 0)
        return wk__onnx_fail(
            p, "a kernel over %" PRId64 " places of %" PRId64 ": the sequence is too short", reach,
            t + pads[0] + pads[1]);
    int64_t n = room / stride + 1;
    if (wk__onnx_attr_int(p, "ceil_mode", 0) && room % stride && n * stride < t + pads[0])
        n++;
    *out = (wk__onnx_taps){(size_t)kernel,  (size_t)stride,  (size_t)dilation,
                           (size_t)pads[0], (size_t)pads[1], (size_t)n};
    return WK_OK;
}

static wk_status plan_pool(wk__onnx_plan *p, int is_max)
{
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    wk__onnx_taps w;
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    if (x->rank != 3)
        return wk__onnx_fail(p, "an input of %zu dimensions; want [N, C, T]", x->rank);
    WK_TRY(wk__onnx_window(p, x->dims[2], 0, &w));
    if (w.before >= w.kernel * w.dilation || w.after >= w.kernel * w.dilation)
        return wk__onnx_fail(p, "pads as long as the kernel");
    const size_t dims[] = {x->dims[0], x->dims[1], w.out};
    WK_TRY(wk__onnx_out(p, 0, false, 3, dims, &y));
    if (!y || !y->n)
        return WK_OK;
    pool *q = wk__onnx_arg(p, sizeof *q);
    *q = (pool){is_max,
                wk__onnx_attr_int(p, "count_include_pad", 0) != 0,
                x->dims[0] * x->dims[1],
                x->dims[2],
                w.out,
                w.kernel,
                w.stride,
                w.dilation,
                w.before,
                w.after,
                x->f,
                y->f};
    wk__onnx_step_add(p, pool_run, q);
    return WK_OK;
}

const wk__onnx_row wk__onnx_reduce_rows[] = {
    {"AveragePool", plan_pool, 0},
    {"BatchNormalization", batch_norm, 0},
    {"GlobalAveragePool", global_pool, MEAN},
    {"GlobalMaxPool", global_pool, MAX},
    {"LayerNormalization", plan_layer_norm, 0},
    {"LogSoftmax", plan_softmax, 1},
    {"MaxPool", plan_pool, 1},
    {"ReduceL1", reduce, L1},
    {"ReduceL2", reduce, L2},
    {"ReduceMax", reduce, MAX},
    {"ReduceMean", reduce, MEAN},
    {"ReduceMin", reduce, MIN},
    {"ReduceProd", reduce, PROD},
    {"ReduceSum", reduce, SUM},
    {"ReduceSumSquare", reduce, SUM_SQUARE},
    {"Softmax", plan_softmax, 0},
    {NULL, NULL, 0},
};
