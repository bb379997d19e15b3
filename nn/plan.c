/* Inference: weights packed once, one bar or a chunk of bars at a time through the same layers. */
#include <string.h>

#include "nn/plan.h"

/* Bars of wk_nn_sequence_forward that pass through the layers together. */
enum { CHUNK = 16 };

/* A batch norm right after a product goes into its weights, and a relu after it onto its way out:
 * nothing is left to run. `params` is the plan's own copy. */
static void fold_batch_norms(wk__net *net, float *params)
{
    for (size_t i = 1; i < net->n_layers; i++) {
        wk__layer *l = &net->layers[i], *before = l - 1;
        if (l->config.kind != WK_NN_BATCH_NORM || l->source != (int)i - 1 ||
            (before->config.kind != WK_NN_DENSE && before->config.kind != WK_NN_CONV1D))
            continue;
        const wk__tensor *weight = &before->tensors[0], *bias = &before->tensors[1];
        const size_t each = weight->n / before->out;
        float *w = params + before->at_params + weight->at,
              *b = params + before->at_params + bias->at;
        for (size_t o = 0; o < before->out; o++) {
            float scale, shift;
            wk__batch_norm_affine(l, params + l->at_params, o, &scale, &shift);
            for (size_t k = 0; k < each; k++)
                w[o * each + k] *= scale;
            b[o] = b[o] * scale + shift;
        }
        l->alias = true;
        wk__layer *next = i + 1 < net->n_layers ? l + 1 : NULL;
        if (next && next->config.kind == WK_NN_RELU && next->source == (int)i)
            before->relu = next->alias = true;
    }
}

wk_status wk_nn_plan_build(wk_arena *arena, const wk_nn *nn, wk_nn_plan **out, wk_err *err)
{
    for (size_t i = 0; i < nn->net.n_params; i++)
        if (!isfinite(nn->params[i]))
            return wk_fail(err, WK_E_MODEL, "network: parameter %zu of %zu is not finite", i,
                           nn->net.n_params);
    const size_t before = arena->used_bytes;
    wk_arena scratch;
    wk_arena_init(&scratch);
    wk_nn_plan *plan = wk_arena_alloc(arena, sizeof *plan);
    plan->net = nn->net;
    plan->net.layers = wk_arena_array(arena, wk__layer, nn->net.n_layers);
    memcpy(plan->net.layers, nn->net.layers, nn->net.n_layers * sizeof *plan->net.layers);
    plan->ops = wk__nn_ops_best();
    plan->packed = wk_arena_array(arena, float, nn->net.n_packed);
    float *folded = wk_arena_array(&scratch, float, nn->net.n_params);
    memcpy(folded, nn->params, nn->net.n_params * sizeof *folded);
    fold_batch_norms(&plan->net, folded);
    wk__net_pack(&plan->net, folded, plan->packed);
    wk_arena_finish(&scratch);
    plan->n_bytes = arena->used_bytes - before;
    *out = plan;
    return WK_OK;
}

const char *wk_nn_plan_kernels(const wk_nn_plan *plan)
{
    return plan->ops->name;
}

static wk_nn_state *create(wk_arena *arena, const wk_nn_plan *plan, size_t bars)
{
    wk_nn_state *state = wk_arena_alloc(arena, sizeof *state);
    wk__work_build(arena, &plan->net, plan->ops, 1, bars, false, &state->work);
    wk__net_prepare(&plan->net, plan->packed, &state->work);
    return state;
}

wk_nn_state *wk_nn_state_create(wk_arena *arena, const wk_nn_plan *plan)
{
    return create(arena, plan, CHUNK);
}

wk_nn_state *wk_nn_stepper_create(wk_arena *arena, const wk_nn_plan *plan)
{
    return create(arena, plan, 1);
}

void wk_nn_state_reset(const wk_nn_plan *plan, wk_nn_state *state)
{
    wk__work_reset(&plan->net, &state->work, 1);
    wk__net_prepare(&plan->net, plan->packed, &state->work);
}

void wk_nn_state_copy(const wk_nn_plan *plan, wk_nn_state *to, const wk_nn_state *from)
{
    (void)plan;
    WK_ASSERT(to->work.n_state == from->work.n_state);
    memcpy(to->work.state_all, from->work.state_all,
           from->work.n_state * sizeof *to->work.state_all);
}

void wk_nn_answer(const wk_nn_plan *plan, wk_nn_state *state, const float *x, float *out)
{
    memcpy(state->work.x, x, plan->net.F * sizeof *x);
    memcpy(out, wk__net_step(&plan->net, plan->packed, &state->work),
           plan->net.n_outputs * sizeof *out);
}

void wk_nn_prepare(const wk_nn_plan *plan, wk_nn_state *state)
{
    wk__net_prepare(&plan->net, plan->packed, &state->work);
}

void wk_nn_step(const wk_nn_plan *plan, wk_nn_state *state, const float *x, float *out)
{
    wk_nn_answer(plan, state, x, out);
    wk_nn_prepare(plan, state);
}

void wk_nn_sequence_forward(const wk_nn_plan *plan, wk_nn_state *state, const float *X, size_t T,
                            float *out)
{
    const size_t F = plan->net.F, O = plan->net.n_outputs, ldf = wk__pad(F), ldo = wk__pad(O);
    const size_t chunk = state->work.run.T_max;
    wk_nn_state_reset(plan, state);
    for (size_t t = 0; t < T; t += chunk) {
        size_t n = T - t < chunk ? T - t : chunk;
        for (size_t i = 0; i < n; i++)
            memcpy(state->work.x + i * ldf, X + (t + i) * F, F * sizeof *X);
        const float *y = wk__net_forward(&plan->net, plan->packed, &state->work, n);
        for (size_t i = 0; i < n; i++)
            memcpy(out + (t + i) * O, y + i * ldo, O * sizeof *out);
    }
    wk__net_prepare(&plan->net, plan->packed, &state->work);
}

wk_status wk_nn_window_build(wk_arena *arena, const wk_nn_plan *plan, size_t T, wk_nn_window **out,
                             wk_err *err)
{
    if (T < 1 || T > WK__WINDOW_MAX)
        return wk_fail(err, WK_E_ARG, "network window of %zu bars: want 1 to %d", T,
                       WK__WINDOW_MAX);
    wk_nn_window *window = wk_arena_alloc(arena, sizeof *window);
    wk__window_build(arena, &plan->net, plan->ops, 1, T, (wk__span){1, 0}, false, false,
                     &window->window);
    *out = window;
    return WK_OK;
}

void wk_nn_window_forward(const wk_nn_plan *plan, wk_nn_window *window, const float *X, float *out)
{
    const size_t F = plan->net.F, ld = wk__pad(F);
    wk__window *w = &window->window;
    for (size_t t = 0; t < w->T; t++)
        memcpy(w->x + t * ld, X + t * F, F * sizeof *X);
    memcpy(out, wk__window_forward(&plan->net, plan->packed, w), plan->net.n_outputs * sizeof *out);
}
