/* Matrix products and convolutions, through the kernel of our own layers: rows of a times panels of
 * w. */
#include <string.h>

#include "nn/conv.h"
#include "nn/onnx_graph.h"

enum { RANK = WK_ONNX_RANK_MAX, ROWS = 64 };

/* y [M, N] = bias + a [M, K] w, rows of y N apart: panels are 16 wide, so rows pass through `rows`
 * [ROWS, pad(N)] unless N is such a multiple. */
static void multiply(const wk__nn_ops *ops, wk__gemm g, size_t N, float *rows, float *y)
{
    const size_t M = g.M, Np = wk__pad(N);
    const float *a = g.a;
    g.P = 1;
    g.N = Np;
    for (size_t m = 0; m < M; m += ROWS) {
        g.M = M - m < ROWS ? M - m : ROWS;
        g.a = a + m * g.lda;
        g.y = Np == N ? y + m * N : rows;
        g.ldy = Np;
        ops->gemm(&g);
        for (size_t i = 0; Np != N && i < g.M; i++)
            memcpy(y + (m + i) * N, rows + i * Np, N * sizeof *y);
    }
}

/* ---- MatMul and Gemm ---- */

typedef struct {
    size_t M, N, K;
    size_t rank, dims[RANK]; /* of the batches */
    size_t n;
    ptrdiff_t sa[RANK], sb[RANK];
    ptrdiff_t a_row, a_col, b_row, b_col; /* 1 apart: a's rows are used as they lie */
    const float *a, *b, *bias;
    float alpha;
    bool packed; /* b is constant, and so are its panels */
    float *panels, *rows, *turned, *y;
} product;

static void pack(const product *q, const float *b)
{
    memset(q->panels, 0, wk__pad(q->N) * q->K * sizeof *q->panels);
    wk__pack_panels(b, q->K, q->N, (size_t)q->b_row, (size_t)q->b_col, q->K, 0, q->panels);
    for (size_t i = 0; q->alpha != 1 && i < wk__pad(q->N) * q->K; i++)
        q->panels[i] *= q->alpha;
}

static void product_run(const wk__nn_ops *ops, void *arg)
{
    const product *q = arg;
    size_t at[RANK] = {0};
    const float *a = q->a, *b = q->b;
    for (size_t i = 0; i < q->n; i++) {
        const float *rows = a;
        size_t lda = (size_t)q->a_row;
        if (!q->packed)
            pack(q, b);
        if (q->a_col != 1) {
            for (size_t m = 0; m < q->M; m++)
                for (size_t k = 0; k < q->K; k++)
                    q->turned[m * q->K + k] = a[(ptrdiff_t)m * q->a_row + (ptrdiff_t)k * q->a_col];
            rows = q->turned;
            lda = q->K;
        }
        multiply(ops,
                 (wk__gemm){.M = q->M,
                            .K = q->K,
                            .taps = 1,
                            .a = rows,
                            .lda = lda,
                            .w = q->panels,
                            .depth = q->K,
                            .start = q->bias},
                 q->N, q->rows, q->y + i * q->M * q->N);
        for (size_t k = q->rank; k-- > 0;) {
            a += q->sa[k];
            b += q->sb[k];
            if (++at[k] < q->dims[k])
                break;
            a -= (ptrdiff_t)q->dims[k] * q->sa[k];
            b -= (ptrdiff_t)q->dims[k] * q->sb[k];
            at[k] = 0;
        }
    }
}

/* Memory of a product, its constant panels, and the step. */
static wk_status product_add(wk__onnx_plan *p, product q, bool b_known)
{
    product *arg = wk__onnx_arg(p, sizeof *arg);
    size_t n;
    WK_TRY(wk__onnx_count(p, 2, (size_t[]){wk__pad(q.N), q.K}, &n));
    WK_TRY(b_known ? wk__onnx_take(p, n, &q.panels) : wk__onnx_scratch(p, n, &q.panels));
    WK_TRY(wk__onnx_scratch(p, ROWS * wk__pad(q.N), &q.rows));
    if (q.a_col != 1)
        WK_TRY(wk__onnx_scratch(p, q.M * q.K, &q.turned));
    if (b_known) {
        q.packed = true;
        pack(&q, q.b);
    }
    *arg = q;
    wk__onnx_step_add(p, product_run, arg);
    return WK_OK;
}

static wk_status matmul(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *a, *b;
    wk__onnx_tensor *y, ba, bb;
    size_t rank, dims[RANK];
    WK_TRY(wk__onnx_in_float(p, 0, &a));
    WK_TRY(wk__onnx_in_float(p, 1, &b));
    if (a->rank < 2 || b->rank < 2)
        return wk__onnx_fail(p, "inputs of %zu and %zu dimensions; want matrices", a->rank,
                             b->rank);
    product q = {.M = a->dims[a->rank - 2],
                 .K = a->dims[a->rank - 1],
                 .N = b->dims[b->rank - 1],
                 .a_col = 1,
                 .b_col = 1,
                 .a = a->f,
                 .b = b->f,
                 .alpha = 1};
    if (q.K != b->dims[b->rank - 2])
        return wk__onnx_fail(p, "rows of %zu numbers meet a matrix of %zu rows", q.K,
                             b->dims[b->rank - 2]);
    q.a_row = (ptrdiff_t)q.K;
    q.b_row = (ptrdiff_t)q.N;
    ba = *a, bb = *b;
    ba.rank -= 2;
    bb.rank -= 2;
    WK_TRY(wk__onnx_broadcast(p, &ba, &bb, &rank, dims));
    memcpy(q.dims, dims, sizeof dims);
    q.rank = rank;
    dims[rank] = q.M;
    dims[rank + 1] = q.N;
    WK_TRY(wk__onnx_out(p, 0, false, rank + 2, dims, &y));
    if (!y || !y->n)
        return WK_OK;
    q.y = y->f;
    q.n = y->n / q.M / q.N;
    if (bb.rank == 0) {
        /* One matrix for all: its batches are more rows. */
        q.M *= q.n;
        q.n = 1;
        q.rank = 0;
    } else {
        wk__onnx_broadcast_strides(&ba, rank, q.dims, q.sa);
        wk__onnx_broadcast_strides(&bb, rank, q.dims, q.sb);
        for (size_t k = 0; k < rank; k++) {
            q.sa[k] *= (ptrdiff_t)(q.M * q.K);
            q.sb[k] *= (ptrdiff_t)(q.K * q.N);
        }
    }
    return product_add(p, q, b->is_known && q.n == 1);
}

typedef struct {
    size_t M, N;
    float beta;
    ptrdiff_t row, col;
    const float *c;
    float *y;
} addition;

static void addition_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const addition *s = arg;
    for (size_t m = 0; m < s->M; m++)
        for (size_t n = 0; n < s->N; n++)
            s->y[m * s->N + n] += s->beta * s->c[(ptrdiff_t)m * s->row + (ptrdiff_t)n * s->col];
}

static wk_status gemm(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *a, *b, *c = NULL;
    wk__onnx_tensor *y, out = {.rank = 2};
    WK_TRY(wk__onnx_in_float(p, 0, &a));
    WK_TRY(wk__onnx_in_float(p, 1, &b));
    if (wk__onnx_has(p, 2))
        WK_TRY(wk__onnx_in_float(p, 2, &c));
    if (a->rank != 2 || b->rank != 2)
        return wk__onnx_fail(p, "inputs of %zu and %zu dimensions; want matrices", a->rank,
                             b->rank);
    const bool ta = wk__onnx_attr_int(p, "transA", 0) != 0,
               tb = wk__onnx_attr_int(p, "transB", 0) != 0;
    product q = {
        .M = a->dims[ta], .K = a->dims[!ta], .N = b->dims[!tb], .n = 1, .a = a->f, .b = b->f};
    q.alpha = wk__onnx_attr_float(p, "alpha", 1);
    if (q.K != b->dims[tb])
        return wk__onnx_fail(p, "rows of %zu numbers meet a matrix of %zu rows", q.K, b->dims[tb]);
    q.a_row = ta ? 1 : (ptrdiff_t)q.K;
    q.a_col = ta ? (ptrdiff_t)q.M : 1;
    q.b_row = tb ? 1 : (ptrdiff_t)q.N;
    q.b_col = tb ? (ptrdiff_t)q.K : 1;
    out.dims[0] = q.M;
    out.dims[1] = q.N;
    if (c) {
        size_t rank, dims[RANK];
        WK_TRY(wk__onnx_broadcast(p, c, &out, &rank, dims));
        if (rank != 2 || dims[0] != q.M || dims[1] != q.N)
            return wk__onnx_fail(p, "what is added does not fit [%zu, %zu]", q.M, q.N);
    }
    WK_TRY(wk__onnx_out(p, 0, false, 2, out.dims, &y));
    if (!y || !y->n)
        return WK_OK;
    q.y = y->f;
    const float beta = wk__onnx_attr_float(p, "beta", 1);
    const bool as_bias =
        c && c->is_known && beta == 1 && c->n == q.N && c->dims[c->rank - 1] == q.N;
    if (as_bias) {
        float *bias;
        WK_TRY(wk__onnx_take(p, q.N, &bias));
        memcpy(bias, c->f, q.N * sizeof *bias);
        q.bias = bias;
    }
    WK_TRY(product_add(p, q, b->is_known));
    if (c && !as_bias) {
        ptrdiff_t strides[RANK];
        wk__onnx_broadcast_strides(c, 2, out.dims, strides);
        addition *s = wk__onnx_arg(p, sizeof *s);
        *s = (addition){q.M, q.N, beta, strides[0], strides[1], c->f, y->f};
        wk__onnx_step_add(p, addition_run, s);
    }
    return WK_OK;
}

/* ---- Conv ---- */

/* Sequences [C, T] are turned to rows of a bar, zeros before and after; taps are then offsets in
 * time. */
typedef struct {
    size_t N, groups, C, O, T; /* channels of a group, in and out */
    wk__onnx_taps taps;
    float *panels, *bias; /* of the groups, one after another */
    const float *x;
    float *bars, *rows, *y;
} conv;

static void conv_run(const wk__nn_ops *ops, void *arg)
{
    const conv *c = arg;
    const wk__onnx_taps *w = &c->taps;
    const size_t Op = wk__pad(c->O), depth = w->kernel * c->C, L = w->before + c->T + w->after;
    memset(c->bars, 0, L * c->C * sizeof *c->bars);
    for (size_t k = 0; k < c->N * c->groups; k++) {
        const size_t g = k % c->groups;
        const float *x = c->x + k * c->C * c->T;
        float *y = c->y + k * c->O * w->out;
        for (size_t i = 0; i < c->C; i++)
            for (size_t t = 0; t < c->T; t++)
                c->bars[(w->before + t) * c->C + i] = x[i * c->T + t];
        for (size_t t = 0; t < w->out; t += ROWS) {
            const size_t n = w->out - t < ROWS ? w->out - t : ROWS;
            ops->gemm(&(wk__gemm){.P = 1,
                                  .M = n,
                                  .N = Op,
                                  .K = c->C,
                                  .taps = w->kernel,
                                  .a = c->bars + t * w->stride * c->C,
                                  .lda = w->stride * c->C,
                                  .tap = w->dilation * c->C,
                                  .w = c->panels + g * Op * depth,
                                  .depth = depth,
                                  .start = c->bias + g * Op,
                                  .y = c->rows,
                                  .ldy = Op});
            for (size_t o = 0; o < c->O; o++)
                for (size_t i = 0; i < n; i++)
                    y[o * w->out + t + i] = c->rows[i * Op + o];
        }
    }
}

void wk__onnx_fold(void *fold, const float *scale, const float *shift)
{
    conv *c = fold;
    const size_t Op = wk__pad(c->O), depth = c->taps.kernel * c->C;
    for (size_t g = 0; g < c->groups; g++)
        for (size_t o = 0; o < c->O; o++) {
            const float s = scale[g * c->O + o];
            float *w =
                c->panels + g * Op * depth + o / WK__LANES * depth * WK__LANES + o % WK__LANES;
            for (size_t k = 0; k < depth; k++)
                w[k * WK__LANES] *= s;
            c->bias[g * Op + o] = c->bias[g * Op + o] * s + shift[g * c->O + o];
        }
}

/* w [groups * O, C, kernel] */
static void conv_pack(const conv *c, const float *w, const float *bias)
{
    const size_t K = c->taps.kernel, Op = wk__pad(c->O), depth = K * c->C;
    for (size_t g = 0; g < c->groups; g++) {
        for (size_t q = 0; q < K; q++)
            wk__pack_panels(w + g * c->O * depth + q, c->C, c->O, K, depth, depth, q * c->C,
                            c->panels + g * Op * depth);
        for (size_t o = 0; bias && o < c->O; o++)
            c->bias[g * Op + o] = bias[g * c->O + o];
    }
}

static wk_status plan_conv(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *x, *w, *b = NULL;
    wk__onnx_tensor *y;
    WK_TRY(wk__onnx_in_float(p, 0, &x));
    WK_TRY(wk__onnx_in_float(p, 1, &w));
    WK_TRY(wk__onnx_in_known(p, 1, "its weights", &w));
    if (wk__onnx_has(p, 2)) {
        WK_TRY(wk__onnx_in_float(p, 2, &b));
        WK_TRY(wk__onnx_in_known(p, 2, "its biases", &b));
    }
    if (x->rank != 3 || w->rank != 3)
        return wk__onnx_fail(p, "inputs of %zu and %zu dimensions; want [N, C, T] and [O, C, taps]",
                             x->rank, w->rank);
    const int64_t groups = wk__onnx_attr_int(p, "group", 1);
    if (groups < 1 || groups > WK__ONNX_MAX_NUMBERS || !w->n || w->dims[0] % (size_t)groups ||
        x->dims[1] != w->dims[1] * (size_t)groups || (b && b->n != w->dims[0]))
        return wk__onnx_fail(p, "%zu channels, weights [%zu, %zu, %zu] and %lld groups do not fit",
                             x->dims[1], w->dims[0], w->dims[1], w->dims[2], (long long)groups);
    conv *c = wk__onnx_arg(p, sizeof *c);
    *c = (conv){.N = x->dims[0], .groups = (size_t)groups, .C = w->dims[1], .T = x->dims[2]};
    c->O = w->dims[0] / c->groups;
    WK_TRY(wk__onnx_window(p, c->T, w->dims[2], &c->taps));
    const size_t dims[] = {c->N, w->dims[0], c->taps.out};
    WK_TRY(wk__onnx_out(p, 0, false, 3, dims, &y));
    if (!y || !y->n)
        return WK_OK;
    size_t n;
    const size_t Op = wk__pad(c->O);
    WK_TRY(wk__onnx_count(p, 4, (size_t[]){c->groups, Op, c->taps.kernel, c->C}, &n));
    WK_TRY(wk__onnx_take(p, n, &c->panels));
    WK_TRY(wk__onnx_take(p, c->groups * Op, &c->bias));
    WK_TRY(wk__onnx_count(p, 2, (size_t[]){c->taps.before + c->T + c->taps.after, c->C}, &n));
    WK_TRY(wk__onnx_scratch(p, n, &c->bars));
    WK_TRY(wk__onnx_scratch(p, ROWS * Op, &c->rows));
    conv_pack(c, w->f, b ? b->f : NULL);
    c->x = x->f;
    c->y = y->f;
    wk__onnx_step_add(p, conv_run, c);
    p->folds[p->op->out[0]] = c;
    return WK_OK;
}

const wk__onnx_row wk__onnx_product_rows[] = {
    {"Conv", plan_conv, 0},
    {"Gemm", gemm, 0},
    {"MatMul", matmul, 0},
    {NULL, NULL, 0},
};
