/* LSTM and GRU: our own layers with the gates brought into their order, one layer a direction. The
 * GRU whose reset gate acts before the recurrent product, which is not ours, has its own loop. */
#include <string.h>
#include <strings.h>

#include "nn/conv.h"
#include "nn/onnx_graph.h"

enum { RANK = WK_ONNX_RANK_MAX, UNITS_MAX = 4096, INPUTS_MAX = 65536 };

typedef struct {
    bool backwards, batch_first;
    size_t T, B, F, H, direction, n_directions;
    wk__layer layer;
    wk__run run;
    bool before; /* the reset gate before the product */
    float *packed, *state, *tape, *in, *out;
    const float *x, *h0, *c0;
    float *y, *y_h, *y_c;
    float *wx, *wh, *wn, *bias; /* of the own loop: panels, and biases */
} recurrent;

/* Row b of bar t, counted in the direction of the pass. */
static size_t row_of(const recurrent *r, size_t t, size_t b)
{
    t = r->backwards ? r->T - 1 - t : t;
    return r->batch_first ? b * r->T + t : t * r->B + b;
}

/* Of Y [T, D, B, H] or [B, T, D, H], and of the last states [D, B, H] or [B, D, H]. */
static size_t y_row(const recurrent *r, size_t t, size_t b)
{
    t = r->backwards ? r->T - 1 - t : t;
    return r->batch_first ? (b * r->T + t) * r->n_directions + r->direction
                          : (t * r->n_directions + r->direction) * r->B + b;
}

static size_t state_row(const recurrent *r, size_t b)
{
    return r->batch_first ? b * r->n_directions + r->direction : r->direction * r->B + b;
}

static void gates_before(const recurrent *r, const wk__nn_ops *ops)
{
    const size_t Hp = wk__pad(r->H), Fp = wk__pad(r->F), B = r->B, N = 3 * Hp, cell = B * Hp;
    float *h = r->state, *sums = r->tape, *z = sums + B * N, *gate = z + B * 2 * Hp,
          *n = gate + cell;
    for (size_t t = 0; t < r->T; t++) {
        ops->gemm(&(wk__gemm){.P = 1,
                              .M = B,
                              .N = N,
                              .K = r->F,
                              .taps = 1,
                              .a = r->in + t * B * Fp,
                              .lda = Fp,
                              .w = r->wx,
                              .depth = r->F,
                              .start = r->bias,
                              .y = sums,
                              .ldy = N});
        ops->gemm(&(wk__gemm){.P = 1,
                              .M = B,
                              .N = 2 * Hp,
                              .K = r->H,
                              .taps = 1,
                              .a = h,
                              .lda = Hp,
                              .w = r->wh,
                              .depth = r->H,
                              .add = sums,
                              .ld_add = N,
                              .y = z,
                              .ldy = 2 * Hp});
        ops->sigmoid(B * 2 * Hp, z, z);
        for (size_t b = 0; b < B; b++)
            for (size_t j = 0; j < Hp; j++)
                gate[b * Hp + j] = z[b * 2 * Hp + Hp + j] * h[b * Hp + j];
        ops->gemm(&(wk__gemm){.P = 1,
                              .M = B,
                              .N = Hp,
                              .K = r->H,
                              .taps = 1,
                              .a = gate,
                              .lda = Hp,
                              .w = r->wn,
                              .depth = r->H,
                              .start = r->bias + N,
                              .add = sums + 2 * Hp,
                              .ld_add = N,
                              .y = n,
                              .ldy = Hp});
        ops->tanh(cell, n, n);
        for (size_t b = 0; b < B; b++)
            for (size_t j = 0; j < Hp; j++) {
                const float u = z[b * 2 * Hp + j];
                h[b * Hp + j] = (1 - u) * n[b * Hp + j] + u * h[b * Hp + j];
            }
        memcpy(r->out + t * cell, h, cell * sizeof *h);
    }
}

static void recurrent_run(const wk__nn_ops *ops, void *arg)
{
    recurrent *r = arg;
    const size_t Hp = wk__pad(r->H), Fp = wk__pad(r->F), cell = r->B * Hp;
    const bool lstm = r->layer.ops == &wk__layer_lstm;
    memset(r->in, 0, r->T * r->B * Fp * sizeof *r->in);
    for (size_t t = 0; t < r->T; t++)
        for (size_t b = 0; b < r->B; b++)
            memcpy(r->in + (t * r->B + b) * Fp, r->x + row_of(r, t, b) * r->F,
                   r->F * sizeof *r->in);
    memset(r->state, 0, (lstm ? 2 : 1) * cell * sizeof *r->state);
    for (size_t b = 0; b < r->B; b++) {
        if (r->h0)
            memcpy(r->state + b * Hp, r->h0 + state_row(r, b) * r->H, r->H * sizeof *r->state);
        if (lstm && r->c0)
            memcpy(r->state + cell + b * Hp, r->c0 + state_row(r, b) * r->H,
                   r->H * sizeof *r->state);
    }
    if (r->before)
        gates_before(r, ops);
    else
        r->layer.ops->forward(&r->layer, &r->run, r->packed, r->state, r->tape, r->in, r->out,
                              r->T);
    for (size_t b = 0; b < r->B; b++) {
        for (size_t t = 0; r->y && t < r->T; t++)
            memcpy(r->y + y_row(r, t, b) * r->H, r->out + (t * r->B + b) * Hp, r->H * sizeof *r->y);
        if (r->y_h)
            memcpy(r->y_h + state_row(r, b) * r->H, r->state + b * Hp, r->H * sizeof *r->y_h);
        if (r->y_c)
            memcpy(r->y_c + state_row(r, b) * r->H, r->state + cell + b * Hp,
                   r->H * sizeof *r->y_c);
    }
}

/* Gate k of ours is gate order[k] of ONNX's: LSTM i f g o from i o f c, GRU r z n from z r h. */
static const size_t lstm_order[] = {0, 2, 3, 1}, gru_order[] = {1, 0, 2};

typedef struct {
    const wk__onnx_tensor *x, *w, *r, *b, *h0, *c0;
} inputs;

static wk_status pack_own(wk__onnx_plan *p, recurrent *r, const inputs *in, size_t direction)
{
    const bool lstm = r->layer.ops == &wk__layer_lstm;
    const size_t G = lstm ? 4 : 3, H = r->H, F = r->F, *order = lstm ? lstm_order : gru_order;
    float *params;
    WK_TRY(wk__onnx_scratch(p, r->layer.n_params, &params));
    memset(params, 0, r->layer.n_params * sizeof *params);
    for (size_t g = 0; g < G; g++) {
        const size_t from = direction * G + order[g];
        memcpy(params + r->layer.tensors[0].at + g * H * F, in->w->f + from * H * F,
               H * F * sizeof *params);
        memcpy(params + r->layer.tensors[1].at + g * H * H, in->r->f + from * H * H,
               H * H * sizeof *params);
        for (size_t k = 0; in->b && k < 2; k++)
            memcpy(params + r->layer.tensors[2 + k].at + g * H,
                   in->b->f + ((direction * 2 + k) * G + order[g]) * H, H * sizeof *params);
    }
    WK_TRY(wk__onnx_take(p, r->layer.n_packed, &r->packed));
    r->layer.ops->pack(&r->layer, params, r->packed);
    return WK_OK;
}

/* Gates z r h as ONNX has them; the recurrent biases of z and r join the others. */
static wk_status pack_before(wk__onnx_plan *p, recurrent *r, const inputs *in, size_t direction)
{
    const size_t H = r->H, F = r->F, Hp = wk__pad(H);
    WK_TRY(wk__onnx_take(p, 3 * Hp * F, &r->wx));
    WK_TRY(wk__onnx_take(p, 2 * Hp * H, &r->wh));
    WK_TRY(wk__onnx_take(p, Hp * H, &r->wn));
    WK_TRY(wk__onnx_take(p, 4 * Hp, &r->bias));
    for (size_t g = 0; g < 3; g++) {
        const float *w = in->w->f + (direction * 3 + g) * H * F,
                    *u = in->r->f + (direction * 3 + g) * H * H;
        wk__pack_panels(w, F, H, 1, F, F, 0, r->wx + g * Hp * F);
        wk__pack_panels(u, H, H, 1, H, H, 0, g < 2 ? r->wh + g * Hp * H : r->wn);
        for (size_t j = 0; in->b && j < H; j++) {
            const float bx = in->b->f[(direction * 6 + g) * H + j],
                        bh = in->b->f[(direction * 6 + 3 + g) * H + j];
            r->bias[g * Hp + j] = g < 2 ? bx + bh : bx;
            if (g == 2)
                r->bias[3 * Hp + j] = bh;
        }
    }
    return WK_OK;
}

static wk_status shaped(wk__onnx_plan *p, const char *what, const wk__onnx_tensor *t, size_t rank,
                        const size_t *dims)
{
    bool same = t->rank == rank;
    for (size_t k = 0; same && k < rank; k++)
        same = t->dims[k] == dims[k];
    return same ? WK_OK
                : wk__onnx_fail(p, "%s do not have the shape that its other inputs ask for", what);
}

/* What we do not have is refused. */
static wk_status check_attributes(wk__onnx_plan *p, bool lstm, size_t T)
{
    const wk__onnx_tensor *t;
    const wk__onnx_attribute *f = wk__onnx_attr(p, "activations");
    const char *const standard[] = {"sigmoid tanh", "sigmoid tanh sigmoid tanh",
                                    "sigmoid tanh tanh", "sigmoid tanh tanh sigmoid tanh tanh"};
    const char *const *own = standard + (lstm ? 2 : 0);
    if (f && (!f->s || (strcasecmp(f->s, own[0]) != 0 && strcasecmp(f->s, own[1]) != 0)))
        return wk__onnx_fail(p, "activations other than sigmoid and tanh are not supported");
    if (wk__onnx_attr(p, "clip") || wk__onnx_attr_int(p, "input_forget", 0))
        return wk__onnx_fail(p, "clip and input_forget are not supported");
    if (lstm && wk__onnx_has(p, 7))
        return wk__onnx_fail(p, "peepholes are not supported");
    if (wk__onnx_has(p, 4)) {
        WK_TRY(wk__onnx_in_known(p, 4, "sequence lengths", &t));
        for (size_t i = 0; i < t->n; i++)
            if (!t->is_int || t->i[i] != (int64_t)T)
                return wk__onnx_fail(p, "sequences of different lengths are not supported");
    }
    return WK_OK;
}

static wk_status optional(wk__onnx_plan *p, size_t i, const wk__onnx_tensor **out)
{
    return wk__onnx_has(p, i) ? wk__onnx_in_float(p, i, out) : WK_OK;
}

static wk_status one_direction(wk__onnx_plan *p, recurrent *r, const inputs *in, bool lstm)
{
    const wk_nn_layer_config config = {.kind = lstm ? WK_NN_LSTM : WK_NN_GRU,
                                       .units = (int64_t)r->H};
    size_t n;
    WK_TRY(wk__layer_setup(&r->layer, &config, 0, r->F, p->err));
    r->run = (wk__run){.ops = p->ops, .B = r->B, .T_max = r->T, .n_rows = r->B};
    if (r->before)
        WK_TRY(pack_before(p, r, in, r->direction));
    else
        WK_TRY(pack_own(p, r, in, r->direction));
    const size_t Hp = wk__pad(r->H), Fp = wk__pad(r->F);
    WK_TRY(wk__onnx_count(p, 3, (size_t[]){r->T, r->B, Fp}, &n));
    WK_TRY(wk__onnx_scratch(p, n, &r->in));
    WK_TRY(wk__onnx_count(p, 3, (size_t[]){r->T, r->B, 8 * Hp}, &n));
    WK_TRY(wk__onnx_scratch(p, r->T * r->B * Hp, &r->out));
    WK_TRY(wk__onnx_scratch(p, r->layer.ops->n_state(&r->layer, r->B, r->T), &r->state));
    n = r->layer.ops->n_tape(&r->layer, r->B, r->T);
    WK_TRY(wk__onnx_scratch(p, r->before ? 7 * r->B * Hp : n, &r->tape));
    recurrent *arg = wk__onnx_arg(p, sizeof *arg);
    *arg = *r;
    wk__onnx_step_add(p, recurrent_run, arg);
    return WK_OK;
}

static wk_status plan_recurrent(wk__onnx_plan *p, int lstm)
{
    inputs in = {0};
    wk__onnx_tensor *y, *y_h, *y_c = NULL;
    WK_TRY(wk__onnx_in_float(p, 0, &in.x));
    WK_TRY(wk__onnx_in_float(p, 1, &in.w));
    WK_TRY(wk__onnx_in_known(p, 1, "its weights", &in.w));
    WK_TRY(wk__onnx_in_float(p, 2, &in.r));
    WK_TRY(wk__onnx_in_known(p, 2, "its weights", &in.r));
    WK_TRY(optional(p, 3, &in.b));
    WK_TRY(optional(p, 5, &in.h0));
    if (lstm)
        WK_TRY(optional(p, 6, &in.c0));
    if (in.b)
        WK_TRY(wk__onnx_in_known(p, 3, "its biases", &in.b));
    if (in.x->rank != 3 || in.w->rank != 3 || in.r->rank != 3)
        return wk__onnx_fail(p, "inputs that are not of three dimensions");
    const bool batch_first = wk__onnx_attr_int(p, "layout", 0) == 1;
    const size_t G = lstm ? 4 : 3, H = in.r->dims[2], F = in.x->dims[2], D = in.w->dims[0],
                 T = in.x->dims[batch_first], B = in.x->dims[!batch_first];
    WK_TRY(check_attributes(p, lstm != 0, T));
    const bool both = wk__onnx_attr_is(p, "direction", "bidirectional");
    const bool reverse = wk__onnx_attr_is(p, "direction", "reverse");
    if (H < 1 || H > UNITS_MAX || F < 1 || F > INPUTS_MAX || D != (both ? 2 : 1) || T < 1)
        return wk__onnx_fail(p,
                             "%zu units, %zu inputs, %zu directions, %zu bars: want 1..%d units, "
                             "1..%d inputs, a direction or two, a bar or more",
                             H, F, D, T, UNITS_MAX, INPUTS_MAX);
    WK_TRY(shaped(p, "weights", in.w, 3, (size_t[]){D, G * H, F}));
    WK_TRY(shaped(p, "recurrent weights", in.r, 3, (size_t[]){D, G * H, H}));
    const size_t state_dims[] = {batch_first ? B : D, batch_first ? D : B, H},
                 y_dims[] = {batch_first ? B : T, batch_first ? T : D, batch_first ? D : B, H};
    if (in.b)
        WK_TRY(shaped(p, "biases", in.b, 2, (size_t[]){D, 2 * G * H}));
    if (in.h0)
        WK_TRY(shaped(p, "initial states", in.h0, 3, state_dims));
    if (in.c0)
        WK_TRY(shaped(p, "initial states", in.c0, 3, state_dims));
    WK_TRY(wk__onnx_out(p, 0, false, 4, y_dims, &y));
    WK_TRY(wk__onnx_out(p, 1, false, 3, state_dims, &y_h));
    if (lstm)
        WK_TRY(wk__onnx_out(p, 2, false, 3, state_dims, &y_c));
    for (size_t d = 0; B && d < D; d++) {
        recurrent r = {.backwards = reverse || d == 1,
                       .batch_first = batch_first,
                       .T = T,
                       .B = B,
                       .F = F,
                       .H = H,
                       .direction = d,
                       .n_directions = D,
                       .before = !lstm && !wk__onnx_attr_int(p, "linear_before_reset", 0),
                       .x = in.x->f,
                       .h0 = in.h0 ? in.h0->f : NULL,
                       .c0 = in.c0 ? in.c0->f : NULL,
                       .y = y ? y->f : NULL,
                       .y_h = y_h ? y_h->f : NULL,
                       .y_c = y_c ? y_c->f : NULL};
        WK_TRY(one_direction(p, &r, &in, lstm != 0));
    }
    return WK_OK;
}

const wk__onnx_row wk__onnx_recurrent_rows[] = {
    {"GRU", plan_recurrent, 0},
    {"LSTM", plan_recurrent, 1},
    {NULL, NULL, 0},
};
