/* Operators of one number at a time, with broadcasting. */
#include <inttypes.h>
#include <string.h>

#include "nn/onnx_graph.h"
#include "wick/math.h"

enum { RANK = WK_ONNX_RANK_MAX };

wk_status wk__onnx_broadcast(wk__onnx_plan *p, const wk__onnx_tensor *a, const wk__onnx_tensor *b,
                             size_t *rank, size_t *dims)
{
    const size_t n = a->rank > b->rank ? a->rank : b->rank;
    for (size_t k = 0; k < n; k++) {
        const size_t da = k + a->rank < n ? 1 : a->dims[k + a->rank - n],
                     db = k + b->rank < n ? 1 : b->dims[k + b->rank - n];
        if (da != db && da != 1 && db != 1)
            return wk__onnx_fail(p, "%zu and %zu places on axis %zu do not fit each other", da, db,
                                 k);
        dims[k] = da == 1 ? db : da;
    }
    *rank = n;
    return WK_OK;
}

void wk__onnx_broadcast_strides(const wk__onnx_tensor *a, size_t rank, const size_t *dims,
                                ptrdiff_t *out)
{
    ptrdiff_t own[RANK];
    (void)dims;
    wk__onnx_strides(a->rank, a->dims, own);
    for (size_t k = 0; k < rank; k++) {
        const size_t at = k + a->rank - rank;
        out[k] = k + a->rank < rank || a->dims[at] == 1 ? 0 : own[at];
    }
}

/* ---- two or three numbers to one ----
 * Truth is 1 and 0; of data it is a float. */

enum {
    ADD,
    SUB,
    MUL,
    DIV,
    POW,
    MIN,
    MAX,
    MOD,
    EQUAL,
    GREATER,
    LESS,
    GREATER_EQUAL,
    LESS_EQUAL,
    AND,
    OR,
    PRELU
};

typedef struct {
    int kind;
    size_t rank, dims[RANK], n;
    ptrdiff_t sa[RANK], sb[RANK];
    bool same; /* a, b and y alike: no strides needed */
    const float *a, *b;
    float *y;
} pair;

static float power(float a, float b)
{
    const double x = (double)a, y = (double)b;
    if (b == 2)
        return a * a;
    if (b == 0.5F)
        return (float)sqrt(x);
    if (a < 0) {
        /* Negative bases have whole powers only. */
        const double half = y / 2, size = wk_pow(-x, y);
        if (!(fabs(y) < 9e15) || y != (double)(int64_t)y)
            return NAN;
        return (float)(half == (double)(int64_t)half ? size : -size);
    }
    return (float)wk_pow(x, y);
}

static float pair_of(int kind, float a, float b)
{
    switch (kind) {
    case ADD:
        return a + b;
    case SUB:
        return a - b;
    case MUL:
        return a * b;
    case DIV:
        return a / b;
    case POW:
        return power(a, b);
    case MIN:
        return isnan(a) || a < b ? a : b;
    case MAX:
        return isnan(a) || a > b ? a : b;
    case EQUAL:
        return a == b;
    case GREATER:
        return a > b;
    case LESS:
        return a < b;
    case GREATER_EQUAL:
        return a >= b;
    case LESS_EQUAL:
        return a <= b;
    case AND:
        return a != 0 && b != 0;
    case OR:
        return a != 0 || b != 0;
    default:
        return a < 0 ? a * b : a; /* PRelu */
    }
}

#define ROWS(expression)                                                                           \
    for (size_t i = 0; i < n; i++, a += da, b += db)                                               \
    y[i] = (expression)

static void pair_row(int kind, size_t n, const float *a, ptrdiff_t da, const float *b, ptrdiff_t db,
                     float *y)
{
    switch (kind) {
    case ADD:
        ROWS(*a + *b);
        break;
    case SUB:
        ROWS(*a - *b);
        break;
    case MUL:
        ROWS(*a * *b);
        break;
    case DIV:
        ROWS(*a / *b);
        break;
    default:
        ROWS(pair_of(kind, *a, *b));
    }
}

static void pair_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const pair *p = arg;
    if (!p->n)
        return;
    if (p->same || p->rank == 0) {
        pair_row(p->kind, p->n, p->a, 1, p->b, 1, p->y);
        return;
    }
    size_t at[RANK] = {0};
    const size_t last = p->rank - 1, row = p->dims[last];
    const float *a = p->a, *b = p->b;
    for (size_t done = 0; done < p->n; done += row) {
        pair_row(p->kind, row, a, p->sa[last], b, p->sb[last], p->y + done);
        for (size_t k = last; k-- > 0;) {
            a += p->sa[k];
            b += p->sb[k];
            if (++at[k] < p->dims[k])
                break;
            a -= (ptrdiff_t)p->dims[k] * p->sa[k];
            b -= (ptrdiff_t)p->dims[k] * p->sb[k];
            at[k] = 0;
        }
    }
}

/* Where element i of dims lies under the strides. */
static size_t place_of(size_t i, size_t rank, const size_t *dims, const ptrdiff_t *strides)
{
    size_t at = 0;
    for (size_t k = rank; k-- > 0; i /= dims[k])
        at += i % dims[k] * (size_t)strides[k];
    return at;
}

/* Whole numbers wrap as two's complement does. */
static wk_status int_pair(wk__onnx_plan *p, int kind, int64_t a, int64_t b, int64_t *y)
{
    const uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
    if ((kind == DIV || kind == MOD) && (b == 0 || (b == -1 && a == INT64_MIN)))
        return wk__onnx_fail(p, "%" PRId64 " divided by %" PRId64, a, b);
    switch (kind) {
    case ADD:
        *y = (int64_t)(ua + ub);
        break;
    case SUB:
        *y = (int64_t)(ua - ub);
        break;
    case MUL:
        *y = (int64_t)(ua * ub);
        break;
    case DIV:
        *y = a / b;
        break;
    case MOD:
        *y = a % b + (a % b != 0 && (a < 0) != (b < 0) ? b : 0);
        break;
    case MIN:
        *y = a < b ? a : b;
        break;
    case MAX:
        *y = a > b ? a : b;
        break;
    case EQUAL:
        *y = a == b;
        break;
    case GREATER:
        *y = a > b;
        break;
    case LESS:
        *y = a < b;
        break;
    case GREATER_EQUAL:
        *y = a >= b;
        break;
    case LESS_EQUAL:
        *y = a <= b;
        break;
    case AND:
        *y = a && b;
        break;
    case OR:
        *y = a || b;
        break;
    default:
        return wk__onnx_fail(p, "whole numbers are not supported here");
    }
    return WK_OK;
}

static wk_status plan_int_pair(wk__onnx_plan *p, int kind, const wk__onnx_tensor *a,
                               const wk__onnx_tensor *b)
{
    size_t rank, dims[RANK];
    ptrdiff_t sa[RANK], sb[RANK];
    wk__onnx_tensor *y;
    WK_TRY(wk__onnx_broadcast(p, a, b, &rank, dims));
    WK_TRY(wk__onnx_out(p, 0, true, rank, dims, &y));
    wk__onnx_broadcast_strides(a, rank, dims, sa);
    wk__onnx_broadcast_strides(b, rank, dims, sb);
    for (size_t i = 0; y && i < y->n; i++)
        WK_TRY(int_pair(p, kind, a->i[place_of(i, rank, dims, sa)],
                        b->i[place_of(i, rank, dims, sb)], &y->i[i]));
    return WK_OK;
}

/* y may lie where a does. */
static void pair_add(wk__onnx_plan *p, int kind, const wk__onnx_tensor *a, const wk__onnx_tensor *b,
                     const wk__onnx_tensor *y)
{
    pair *arg = wk__onnx_arg(p, sizeof *arg);
    *arg = (pair){.kind = kind, .rank = y->rank, .n = y->n, .a = a->f, .b = b->f, .y = y->f};
    memcpy(arg->dims, y->dims, sizeof arg->dims);
    wk__onnx_broadcast_strides(a, y->rank, y->dims, arg->sa);
    wk__onnx_broadcast_strides(b, y->rank, y->dims, arg->sb);
    arg->same = a->n == y->n && b->n == y->n;
    wk__onnx_step_add(p, pair_run, arg);
}

static wk_status plan_pair(wk__onnx_plan *p, int kind)
{
    const wk__onnx_tensor *a, *b;
    wk__onnx_tensor *y, total;
    size_t rank, dims[RANK];
    WK_TRY(wk__onnx_in(p, 0, &a));
    if (wk__onnx_n_in(p) == 1 && (kind == ADD || kind == MIN || kind == MAX))
        return wk__onnx_view(p, a->rank, a->dims);
    WK_TRY(wk__onnx_in(p, 1, &b));
    if (a->is_int != b->is_int)
        return wk__onnx_fail(p, "whole numbers meet floats");
    if (wk__onnx_n_in(p) > 2 && a->is_int)
        return wk__onnx_fail(p, "more than two lists of whole numbers");
    if (a->is_int)
        return plan_int_pair(p, kind, a, b);
    if (kind == MOD)
        return wk__onnx_fail(p, "floats are not supported here");
    /* Sum, Min and Max take any number of inputs; all shapes are known first. */
    total = *a;
    for (size_t i = 1; i < wk__onnx_n_in(p); i++) {
        WK_TRY(wk__onnx_in_float(p, i, &b));
        WK_TRY(wk__onnx_broadcast(p, &total, b, &rank, dims));
        total.rank = rank;
        memcpy(total.dims, dims, sizeof dims);
    }
    WK_TRY(wk__onnx_out(p, 0, false, total.rank, total.dims, &y));
    for (size_t i = 1; y && i < wk__onnx_n_in(p); i++) {
        WK_TRY(wk__onnx_in_float(p, i, &b));
        pair_add(p, kind, i == 1 ? a : y, b, y);
    }
    return WK_OK;
}

typedef struct {
    size_t rank, dims[RANK], n;
    ptrdiff_t sc[RANK], sa[RANK], sb[RANK];
    const wk__onnx_tensor *c;
    const float *a, *b;
    float *y;
} choice;

static bool chosen(const choice *w, size_t i)
{
    const size_t at = place_of(i, w->rank, w->dims, w->sc);
    return w->c->is_int ? w->c->i[at] != 0 : w->c->f[at] != 0;
}

static void choice_run(const wk__nn_ops *ops, void *arg)
{
    (void)ops;
    const choice *w = arg;
    for (size_t i = 0; i < w->n; i++)
        w->y[i] = chosen(w, i) ? w->a[place_of(i, w->rank, w->dims, w->sa)]
                               : w->b[place_of(i, w->rank, w->dims, w->sb)];
}

static wk_status where(wk__onnx_plan *p, int kind)
{
    (void)kind;
    const wk__onnx_tensor *a, *b;
    wk__onnx_tensor *y, ab = {0};
    choice *w = wk__onnx_arg(p, sizeof *w);
    WK_TRY(wk__onnx_in(p, 0, &w->c));
    WK_TRY(wk__onnx_in(p, 1, &a));
    WK_TRY(wk__onnx_in(p, 2, &b));
    if (a->is_int != b->is_int)
        return wk__onnx_fail(p, "whole numbers meet floats");
    if (a->is_int)
        WK_TRY(wk__onnx_in_known(p, 0, "its conditions", &w->c));
    WK_TRY(wk__onnx_broadcast(p, a, b, &ab.rank, ab.dims));
    WK_TRY(wk__onnx_broadcast(p, w->c, &ab, &w->rank, w->dims));
    WK_TRY(wk__onnx_out(p, 0, a->is_int, w->rank, w->dims, &y));
    if (!y)
        return WK_OK;
    wk__onnx_broadcast_strides(w->c, w->rank, w->dims, w->sc);
    wk__onnx_broadcast_strides(a, w->rank, w->dims, w->sa);
    wk__onnx_broadcast_strides(b, w->rank, w->dims, w->sb);
    w->n = y->n;
    for (size_t i = 0; y->is_int && i < y->n; i++)
        y->i[i] = chosen(w, i) ? a->i[place_of(i, w->rank, w->dims, w->sa)]
                               : b->i[place_of(i, w->rank, w->dims, w->sb)];
    if (y->is_int)
        return WK_OK;
    w->a = a->f;
    w->b = b->f;
    w->y = y->f;
    wk__onnx_step_add(p, choice_run, w);
    return WK_OK;
}

/* ---- one number to one ---- */

enum {
    RELU,
    TANH,
    SIGMOID,
    LEAKY_RELU,
    ELU,
    SELU,
    GELU,
    GELU_TANH,
    HARD_SIGMOID,
    HARD_SWISH,
    SOFTPLUS,
    SOFTSIGN,
    CLIP,
    ERF,
    EXP,
    LOG,
    SQRT,
    RECIPROCAL,
    NEG,
    ABS,
    NOT,
    CELU,
    MISH,
    THRESHOLDED
};

typedef struct {
    int kind;
    size_t n;
    float alpha, beta;
    const float *x;
    float *y;
} single;

static float expf_of(float x)
{
    return (float)wk_exp((double)x);
}

/* Phi is exact where 1 + erf would cancel. */
static double phi(double x)
{
    return wk_normal_cdf(x);
}

static float softplus(float x)
{
    const double v = (double)x;
    return (float)(v > 0 ? v + wk_log1p(wk_exp(-v)) : wk_log1p(wk_exp(v)));
}

static float clamp01(float x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

static float single_of(const single *s, float x)
{
    const double v = (double)x;
    switch (s->kind) {
    case LEAKY_RELU:
        return x < 0 ? s->alpha * x : x;
    case ELU:
        return x < 0 ? (float)((double)s->alpha * wk_expm1(v)) : x;
    case CELU:
        return x < 0 ? (float)((double)s->alpha * wk_expm1(v / (double)s->alpha)) : x;
    case SELU:
        return s->beta * (x <= 0 ? (float)((double)s->alpha * wk_expm1(v)) : x);
    case GELU:
        return (float)(v * phi(v));
    case GELU_TANH:
        return (float)(0.5 * v * (1 + wk_tanh(0.7978845608028654 * (v + 0.044715 * v * v * v))));
    case HARD_SIGMOID:
        return clamp01(s->alpha * x + s->beta);
    case HARD_SWISH:
        return x * clamp01(x / 6 + 0.5F);
    case SOFTPLUS:
        return softplus(x);
    case MISH:
        return (float)(v * wk_tanh((double)softplus(x)));
    case SOFTSIGN:
        return (float)(v / (1 + fabs(v)));
    case CLIP:
        return x < s->alpha ? s->alpha : x > s->beta ? s->beta : x;
    case ERF:
        return fabs(v) < 1e-3 ? (float)(1.1283791670955126 * v * (1 - v * v / 3))
                              : (float)(2 * phi(v * 1.4142135623730951) - 1);
    case EXP:
        return expf_of(x);
    case LOG:
        return (float)wk_log(v);
    case SQRT:
        return (float)sqrt(v);
    case RECIPROCAL:
        return 1 / x;
    case NEG:
        return -x;
    case NOT:
        return x == 0;
    case ABS:
        return (float)fabs(v);
    case THRESHOLDED:
        return x > s->alpha ? x : isnan(x) ? x : 0;
    default:
        return x;
    }
}

static void single_run(const wk__nn_ops *ops, void *arg)
{
    const single *s = arg;
    const size_t n = wk__pad(s->n);
    switch (s->kind) {
    case RELU:
        ops->relu(n, s->x, s->y);
        break;
    case TANH:
        ops->tanh(n, s->x, s->y);
        break;
    case SIGMOID:
        ops->sigmoid(n, s->x, s->y);
        break;
    default:
        for (size_t i = 0; i < s->n; i++)
            s->y[i] = single_of(s, s->x[i]);
    }
}

static wk_status int_single(wk__onnx_plan *p, int kind, const wk__onnx_tensor *x)
{
    wk__onnx_tensor *y;
    if (kind != NEG && kind != ABS && kind != NOT)
        return wk__onnx_fail(p, "whole numbers are not supported here");
    WK_TRY(wk__onnx_out(p, 0, true, x->rank, x->dims, &y));
    for (size_t i = 0; y && i < y->n; i++) {
        const int64_t v = x->i[i], negative = (int64_t)(0 - (uint64_t)v);
        y->i[i] = kind == NOT ? !v : kind == NEG || v < 0 ? negative : v;
    }
    return WK_OK;
}

/* Bounds of Clip are attributes in old files, inputs in new ones. */
static wk_status clip_bounds(wk__onnx_plan *p, single *s)
{
    s->alpha = wk__onnx_attr_float(p, "min", -INFINITY);
    s->beta = wk__onnx_attr_float(p, "max", INFINITY);
    for (size_t i = 1; i < 3; i++) {
        const wk__onnx_tensor *t;
        if (!wk__onnx_has(p, i))
            continue;
        WK_TRY(wk__onnx_in_known(p, i, "its bounds", &t));
        if (t->n != 1 || t->is_int)
            return wk__onnx_fail(p, "bound %zu is not one number", i);
        *(i == 1 ? &s->alpha : &s->beta) = t->f[0];
    }
    return WK_OK;
}

static wk_status plan_single(wk__onnx_plan *p, int kind)
{
    const wk__onnx_tensor *x;
    wk__onnx_tensor *y;
    single s = {.kind = kind};
    WK_TRY(wk__onnx_in(p, 0, &x));
    if (x->is_int)
        return int_single(p, kind, x);
    const float alpha[] = {[LEAKY_RELU] = 0.01F,  [ELU] = 1,  [SELU] = 1.67326324F,
                           [HARD_SIGMOID] = 0.2F, [CELU] = 1, [THRESHOLDED] = 1};
    s.alpha = wk__onnx_attr_float(p, "alpha",
                                  (size_t)kind < sizeof alpha / sizeof *alpha ? alpha[kind] : 0);
    s.beta = kind == SELU ? wk__onnx_attr_float(p, "gamma", 1.05070102F)
                          : wk__onnx_attr_float(p, "beta", 0.5F);
    if (kind == GELU && wk__onnx_attr_is(p, "approximate", "tanh"))
        s.kind = GELU_TANH;
    if (kind == CLIP)
        WK_TRY(clip_bounds(p, &s));
    WK_TRY(wk__onnx_out(p, 0, false, x->rank, x->dims, &y));
    if (!y)
        return WK_OK;
    single *arg = wk__onnx_arg(p, sizeof *arg);
    s.n = y->n;
    s.x = x->f;
    s.y = y->f;
    *arg = s;
    wk__onnx_step_add(p, single_run, arg);
    return WK_OK;
}

const wk__onnx_row wk__onnx_math_rows[] = {
    {"Abs", plan_single, ABS},
    {"Add", plan_pair, ADD},
    {"And", plan_pair, AND},
    {"Celu", plan_single, CELU},
    {"Clip", plan_single, CLIP},
    {"Div", plan_pair, DIV},
    {"Elu", plan_single, ELU},
    {"Equal", plan_pair, EQUAL},
    {"Erf", plan_single, ERF},
    {"Exp", plan_single, EXP},
    {"Gelu", plan_single, GELU},
    {"Greater", plan_pair, GREATER},
    {"GreaterOrEqual", plan_pair, GREATER_EQUAL},
    {"HardSigmoid", plan_single, HARD_SIGMOID},
    {"HardSwish", plan_single, HARD_SWISH},
    {"LeakyRelu", plan_single, LEAKY_RELU},
    {"Less", plan_pair, LESS},
    {"LessOrEqual", plan_pair, LESS_EQUAL},
    {"Log", plan_single, LOG},
    {"Max", plan_pair, MAX},
    {"Min", plan_pair, MIN},
    {"Mish", plan_single, MISH},
    {"Mod", plan_pair, MOD},
    {"Mul", plan_pair, MUL},
    {"Neg", plan_single, NEG},
    {"Not", plan_single, NOT},
    {"Or", plan_pair, OR},
    {"PRelu", plan_pair, PRELU},
    {"Pow", plan_pair, POW},
    {"Reciprocal", plan_single, RECIPROCAL},
    {"Relu", plan_single, RELU},
    {"Selu", plan_single, SELU},
    {"Sigmoid", plan_single, SIGMOID},
    {"Softplus", plan_single, SOFTPLUS},
    {"Softsign", plan_single, SOFTSIGN},
    {"Sqrt", plan_single, SQRT},
    {"Sub", plan_pair, SUB},
    {"Sum", plan_pair, ADD},
    {"Tanh", plan_single, TANH},
    {"ThresholdedRelu", plan_single, THRESHOLDED},
    {"Where", where, 0},
    {NULL, NULL, 0},
};
