/* Plans and runs an ONNX graph. Every shape is known while planning, and so are whole numbers: what
 * is made of shapes and constants alone is computed then, and only the arithmetic on data is left
 * as steps. Values whose readers are all done hand their memory on. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/onnx_graph.h"

struct wk_onnx_plan {
    wk_arena arena;
    wk__onnx_plan p;
};

/* Memory of planning itself, apart from the numbers of values, per node: a limit is not strained by
 * it. */
enum { MEMORY_DEFAULT = 1 << 30, STEPS_FIRST = 64 };

wk_status wk__onnx_refuse(wk__onnx_plan *p, wk_status code, const char *fmt, ...)
{
    char text[640];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const wk__onnx_op *op = p->op;
    const char *name = op && *op->name                      ? op->name
                       : op && op->n_out && op->out[0] >= 0 ? p->model->names[op->out[0]]
                                                            : "";
    return op ? wk_fail(p->err, code, "%s: %.100s of node \"%.100s\": %s", p->model->path, op->op,
                        name, text)
              : wk_fail(p->err, code, "%s: %s", p->model->path, text);
}

wk_status wk__onnx_count(wk__onnx_plan *p, size_t rank, const size_t *dims, size_t *n)
{
    size_t product = 1;
    if (rank > WK_ONNX_RANK_MAX)
        return wk__onnx_fail(p, "%zu dimensions; at most %d", rank, WK_ONNX_RANK_MAX);
    for (size_t k = 0; k < rank; k++)
        if (dims[k] == 0)
            product = 0;
    for (size_t k = 0; k < rank; k++) {
        if (dims[k] > WK__ONNX_MAX_NUMBERS || (product && dims[k] > WK__ONNX_MAX_NUMBERS / product))
            return wk__onnx_refuse(p, WK_E_RANGE, "a value of more than %d numbers",
                                   WK__ONNX_MAX_NUMBERS);
        product *= dims[k];
    }
    *n = product;
    return WK_OK;
}

/* ---- memory ---- */

wk_status wk__onnx_take(wk__onnx_plan *p, size_t n, float **out)
{
    const size_t size = wk__pad(n) + WK__LANES;
    if (n > SIZE_MAX / 64 || size > (p->memory_max - p->used) / sizeof(float))
        return wk__onnx_refuse(p, WK_E_RANGE,
                               "%zu more numbers are over the limit of %zu bytes, of which %zu are "
                               "used; run fewer sequences at once",
                               n, p->memory_max, p->used);
    p->used += size * sizeof(float);
    *out = wk_arena_array(p->arena, float, size);
    return WK_OK;
}

/* The smallest free buffer that is large enough, or a new one. */
static wk_status buffer_take(wk__onnx_plan *p, size_t n, wk__onnx_buffer **out)
{
    wk__onnx_buffer **best = NULL;
    for (wk__onnx_buffer **b = &p->free; *b; b = &(*b)->next)
        if ((*b)->size >= n && (*b)->size / 4 <= n && (!best || (*b)->size < (*best)->size))
            best = b;
    if (best) {
        *out = *best;
        *best = (*best)->next;
    } else {
        float *numbers;
        WK_TRY(wk__onnx_take(p, n, &numbers));
        *out = wk_arena_alloc(p->arena, sizeof **out);
        (*out)->p = numbers;
        (*out)->size = n;
    }
    (*out)->n_users = 0;
    (*out)->next = NULL;
    return WK_OK;
}

static void buffer_leave(wk__onnx_plan *p, wk__onnx_buffer *b)
{
    if (!b || --b->n_users)
        return;
    b->next = p->free;
    p->free = b;
}

wk_status wk__onnx_scratch(wk__onnx_plan *p, size_t n, float **out)
{
    /* Steps run one after another: scratch is free again at once, but for its own node, whose
     * outputs have their memory already. */
    wk__onnx_buffer *b;
    WK_TRY(buffer_take(p, n, &b));
    *out = b->p;
    b->n_users = 1;
    b->next = p->scratch;
    p->scratch = b;
    return WK_OK;
}

void *wk__onnx_arg(wk__onnx_plan *p, size_t size_bytes)
{
    return wk_arena_alloc(p->arena, size_bytes);
}

void wk__onnx_step_add(wk__onnx_plan *p, void (*run)(const wk__nn_ops *, void *), void *arg)
{
    if (p->n_steps == p->steps_size) {
        wk__onnx_step *more = wk_arena_array(p->arena, wk__onnx_step, 2 * p->steps_size);
        memcpy(more, p->steps, p->n_steps * sizeof *more);
        p->steps = more;
        p->steps_size *= 2;
    }
    p->steps[p->n_steps++] = (wk__onnx_step){run, arg};
}

/* ---- inputs, outputs, attributes ---- */

size_t wk__onnx_n_in(const wk__onnx_plan *p)
{
    return p->op->n_in;
}

bool wk__onnx_has(const wk__onnx_plan *p, size_t i)
{
    return i < p->op->n_in && p->op->in[i] >= 0;
}

wk_status wk__onnx_in(wk__onnx_plan *p, size_t i, const wk__onnx_tensor **out)
{
    if (!wk__onnx_has(p, i))
        return wk__onnx_fail(p, "input %zu is missing", i);
    *out = &p->values[p->op->in[i]];
    return WK_OK;
}

wk_status wk__onnx_in_float(wk__onnx_plan *p, size_t i, const wk__onnx_tensor **out)
{
    WK_TRY(wk__onnx_in(p, i, out));
    if ((*out)->is_int)
        return wk__onnx_fail(p, "input %zu holds whole numbers; want floats", i);
    return WK_OK;
}

wk_status wk__onnx_in_known(wk__onnx_plan *p, size_t i, const char *what,
                            const wk__onnx_tensor **out)
{
    WK_TRY(wk__onnx_in(p, i, out));
    if (!(*out)->is_known)
        return wk__onnx_fail(p, "%s depend on the data; want constants", what);
    return WK_OK;
}

bool wk__onnx_wants(const wk__onnx_plan *p, size_t i)
{
    return i < p->op->n_out && p->op->out[i] >= 0;
}

wk_status wk__onnx_out(wk__onnx_plan *p, size_t i, bool is_int, size_t rank, const size_t *dims,
                       wk__onnx_tensor **out)
{
    wk__onnx_tensor t = {.is_int = is_int, .is_known = is_int, .rank = rank};
    WK_TRY(wk__onnx_count(p, rank, dims, &t.n));
    *out = NULL;
    if (!wk__onnx_wants(p, i))
        return WK_OK;
    const int v = p->op->out[i];
    for (size_t k = 0; k < rank; k++)
        t.dims[k] = dims[k];
    if (is_int) {
        float *numbers;
        WK_TRY(wk__onnx_take(p, 2 * t.n, &numbers));
        t.i = (int64_t *)(void *)numbers;
    } else if (p->of_constants) {
        /* Memory of its own: what is shared is written to in every run. */
        WK_TRY(wk__onnx_take(p, t.n, &t.f));
    } else {
        WK_TRY(buffer_take(p, wk__pad(t.n), &p->buffers[v]));
        p->buffers[v]->n_users = 1;
        t.f = p->buffers[v]->p;
    }
    p->values[v] = t;
    p->defined[v] = true;
    *out = &p->values[v];
    return WK_OK;
}

wk_status wk__onnx_view(wk__onnx_plan *p, size_t rank, const size_t *dims)
{
    const int from = p->op->in[0];
    wk__onnx_tensor t = p->values[from];
    size_t n;
    WK_TRY(wk__onnx_count(p, rank, dims, &n));
    if (n != t.n)
        return wk__onnx_fail(p, "%zu numbers do not fit a shape of %zu", t.n, n);
    if (!wk__onnx_wants(p, 0))
        return WK_OK;
    const int to = p->op->out[0];
    t.rank = rank;
    for (size_t k = 0; k < rank; k++)
        t.dims[k] = dims[k];
    p->values[to] = t;
    p->defined[to] = true;
    p->buffers[to] = p->buffers[from];
    p->folds[to] = NULL;
    if (p->buffers[to])
        p->buffers[to]->n_users++;
    return WK_OK;
}

const wk__onnx_attribute *wk__onnx_attr(const wk__onnx_plan *p, const char *name)
{
    for (size_t i = 0; i < p->op->n_attributes; i++)
        if (strcmp(p->op->attributes[i].name, name) == 0)
            return &p->op->attributes[i];
    return NULL;
}

int64_t wk__onnx_attr_int(const wk__onnx_plan *p, const char *name, int64_t otherwise)
{
    const wk__onnx_attribute *a = wk__onnx_attr(p, name);
    return a ? a->i : otherwise;
}

float wk__onnx_attr_float(const wk__onnx_plan *p, const char *name, float otherwise)
{
    const wk__onnx_attribute *a = wk__onnx_attr(p, name);
    return a ? a->f : otherwise;
}

bool wk__onnx_attr_is(const wk__onnx_plan *p, const char *name, const char *value)
{
    const wk__onnx_attribute *a = wk__onnx_attr(p, name);
    return a && a->s && strcmp(a->s, value) == 0;
}

wk_status wk__onnx_axis_of(wk__onnx_plan *p, int64_t axis, size_t rank, size_t *out)
{
    const int64_t at = axis < 0 ? axis + (int64_t)rank : axis;
    if (axis < -WK_ONNX_RANK_MAX || at < 0 || at >= (int64_t)rank)
        return wk__onnx_fail(p, "axis %" PRId64 " of %zu dimensions", axis, rank);
    *out = (size_t)at;
    return WK_OK;
}

wk_status wk__onnx_list(wk__onnx_plan *p, const char *name, size_t i, const int64_t **v, size_t *n)
{
    const wk__onnx_attribute *a = wk__onnx_attr(p, name);
    *v = NULL;
    *n = SIZE_MAX;
    if (a) {
        *v = a->ints;
        *n = a->n_ints;
    } else if (wk__onnx_has(p, i)) {
        const wk__onnx_tensor *t;
        WK_TRY(wk__onnx_in_known(p, i, name, &t));
        if (!t->is_int)
            return wk__onnx_fail(p, "%s are not whole numbers", name);
        *v = t->i;
        *n = t->n;
    }
    return WK_OK;
}

/* ---- the graph ---- */

static const wk__onnx_row *row_of(const char *op)
{
    const wk__onnx_row *const tables[] = {wk__onnx_move_rows,    wk__onnx_shape_rows,
                                          wk__onnx_math_rows,    wk__onnx_reduce_rows,
                                          wk__onnx_product_rows, wk__onnx_recurrent_rows};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const wk__onnx_row *row = tables[t]; row->op; row++)
            if (strcmp(row->op, op) == 0)
                return row;
    return NULL;
}

/* A value has one reader less. */
static void value_leave(wk__onnx_plan *p, int v)
{
    if (p->uses[v] && --p->uses[v] == 0) {
        buffer_leave(p, p->buffers[v]);
        p->buffers[v] = NULL;
    }
}

static void leave(wk__onnx_plan *p)
{
    const wk__onnx_op *op = p->op;
    while (p->scratch) {
        wk__onnx_buffer *b = p->scratch;
        p->scratch = b->next;
        buffer_leave(p, b);
    }
    for (size_t i = 0; i < op->n_in; i++)
        if (op->in[i] >= 0)
            value_leave(p, op->in[i]);
    for (size_t i = 0; i < op->n_out; i++)
        if (op->out[i] >= 0 && !p->uses[op->out[i]]) {
            buffer_leave(p, p->buffers[op->out[i]]);
            p->buffers[op->out[i]] = NULL;
        }
}

static wk_status plan_node(wk__onnx_plan *p)
{
    const wk__onnx_op *op = p->op;
    const wk__onnx_row *row = row_of(op->op);
    if (!row)
        return wk__onnx_fail(p, "this operator is unknown");
    bool known = true;
    for (size_t i = 0; i < op->n_in; i++) {
        if (op->in[i] < 0)
            continue;
        WK_ASSERT(p->defined[op->in[i]]);
        known = known && p->values[op->in[i]].is_known;
    }
    const size_t first = p->n_steps;
    p->of_constants = known;
    WK_TRY(row->plan(p, row->kind));
    for (size_t i = 0; i < op->n_out; i++)
        if (op->out[i] >= 0 && !p->defined[op->out[i]])
            return wk__onnx_fail(p, "output %zu is not supported", i);
    if (known && p->n_steps > first) {
        /* Of constants: done once, now, and kept. */
        for (size_t s = first; s < p->n_steps; s++)
            p->steps[s].run(p->ops, p->steps[s].arg);
        p->n_steps = first;
    }
    for (size_t i = 0; known && i < op->n_out; i++) {
        const int v = op->out[i];
        if (v < 0)
            continue;
        p->values[v].is_known = true;
        p->folds[v] = NULL;
    }
    leave(p);
    return WK_OK;
}

static wk_status plan_inputs(wk__onnx_plan *p, const wk_onnx_shape *shapes)
{
    const wk_onnx *m = p->model;
    for (size_t i = 0; i < m->n_inputs; i++) {
        const wk_onnx_shape *want = &m->inputs[i], *have = &shapes[i];
        const int v = m->input_values[i];
        wk__onnx_tensor t = {.rank = have->rank};
        if (have->rank > WK_ONNX_RANK_MAX || (want->rank && want->rank != have->rank))
            return wk__onnx_fail(p, "input \"%s\" has %zu dimensions; the data have %zu",
                                 want->name, want->rank, have->rank);
        for (size_t k = 0; k < have->rank; k++) {
            if (have->dims[k] < 0 || have->dims[k] > WK__ONNX_MAX_NUMBERS ||
                (want->rank && want->dims[k] >= 0 && want->dims[k] != have->dims[k]))
                return wk__onnx_fail(
                    p, "input \"%s\": dimension %zu is %" PRId64 "; the data have %" PRId64,
                    want->name, k, want->rank ? want->dims[k] : -1, have->dims[k]);
            t.dims[k] = (size_t)have->dims[k];
        }
        WK_TRY(wk__onnx_count(p, t.rank, t.dims, &t.n));
        WK_TRY(wk__onnx_take(p, t.n, &t.f));
        p->values[v] = t;
        p->defined[v] = true;
    }
    return WK_OK;
}

static wk_status plan_graph(wk__onnx_plan *p, const wk_onnx_shape *shapes)
{
    const wk_onnx *m = p->model;
    p->values = wk_arena_array(p->arena, wk__onnx_tensor, m->n_values);
    p->buffers = wk_arena_array(p->arena, wk__onnx_buffer *, m->n_values);
    p->uses = wk_arena_array(p->arena, size_t, m->n_values);
    p->defined = wk_arena_array(p->arena, bool, m->n_values);
    p->folds = wk_arena_array(p->arena, void *, m->n_values);
    p->steps_size = STEPS_FIRST;
    p->steps = wk_arena_array(p->arena, wk__onnx_step, p->steps_size);
    for (size_t v = 0; v < m->n_values; v++)
        if (m->constants[v]) {
            p->values[v] = *m->constants[v];
            p->defined[v] = true;
        }
    WK_TRY(plan_inputs(p, shapes));
    for (size_t k = 0; k < m->n_ops; k++)
        for (size_t i = 0; i < m->ops[k].n_in; i++)
            if (m->ops[k].in[i] >= 0)
                p->uses[m->ops[k].in[i]]++;
    for (size_t i = 0; i < m->n_outputs; i++)
        p->uses[m->output_values[i]]++;
    for (size_t k = 0; k < m->n_ops; k++) {
        p->op = &m->ops[k];
        WK_TRY(plan_node(p));
    }
    p->op = NULL;
    for (size_t i = 0; i < m->n_outputs; i++)
        if (p->values[m->output_values[i]].is_int)
            return wk__onnx_fail(p, "output \"%s\" holds whole numbers; want floats",
                                 m->names[m->output_values[i]]);
    return WK_OK;
}

wk_status wk_onnx_plan_build(const wk_onnx *model, const wk_onnx_shape *inputs, size_t memory_max,
                             wk_onnx_plan **out, wk_err *err)
{
    wk_onnx_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return wk_fail(err, WK_E_NOMEM, "%s: out of memory", model->path);
    wk_arena_init(&plan->arena);
    plan->p = (wk__onnx_plan){.model = model,
                              .arena = &plan->arena,
                              .ops = wk__nn_ops_best(),
                              .memory_max = memory_max ? memory_max : MEMORY_DEFAULT,
                              .err = err};
    wk_status status = plan_graph(&plan->p, inputs);
    plan->p.err = NULL;
    if (status == WK_OK)
        *out = plan;
    else
        wk_onnx_plan_destroy(plan);
    return status;
}

void wk_onnx_plan_destroy(wk_onnx_plan *plan)
{
    if (!plan)
        return;
    wk_arena_finish(&plan->arena);
    free(plan);
}

float *wk_onnx_plan_input(wk_onnx_plan *plan, size_t i)
{
    WK_ASSERT(i < plan->p.model->n_inputs);
    return plan->p.values[plan->p.model->input_values[i]].f;
}

void wk_onnx_run(wk_onnx_plan *plan)
{
    for (size_t s = 0; s < plan->p.n_steps; s++)
        plan->p.steps[s].run(plan->p.ops, plan->p.steps[s].arg);
}

const float *wk_onnx_plan_output(const wk_onnx_plan *plan, size_t i, wk_onnx_shape *shape)
{
    const wk_onnx *m = plan->p.model;
    WK_ASSERT(i < m->n_outputs);
    const wk__onnx_tensor *t = &plan->p.values[m->output_values[i]];
    *shape = (wk_onnx_shape){.name = m->names[m->output_values[i]], .rank = t->rank};
    for (size_t k = 0; k < t->rank; k++)
        shape->dims[k] = (int64_t)t->dims[k];
    return t->f;
}
