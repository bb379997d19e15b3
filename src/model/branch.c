/* A branch's outputs: a stream network over some feature families, step by step. */
#include "branch.h"

#include <math.h>
#include <stdlib.h>

#include "wick/math.h"

enum { CLIP_SIGMAS = 5 };

void wk_branch_finish(wk_branch *branch)
{
    if (!branch)
        return;
    free(branch->columns);
    free(branch->mean);
    free(branch->scale);
    wk_nn_destroy(branch->nn);
    wk_nn_log_finish(&branch->log);
    *branch = (wk_branch){0};
}

void wk__branch_standardise(const wk_branch *branch, const wk_columns *data, size_t r, float *x)
{
    bool valid = data->table->valid[r];
    for (size_t i = 0; i < branch->n_inputs; i++) {
        float v = wk_columns_value(data, r, branch->columns[i]);
        v = (v - branch->mean[i]) * branch->scale[i];
        if (!valid || v != v)
            v = 0;
        x[i] = v > CLIP_SIGMAS ? CLIP_SIGMAS : v < -CLIP_SIGMAS ? -CLIP_SIGMAS : v;
    }
}

void wk__branch_columns_of(const float *head, float *out)
{
    double top = fmax((double)head[0], fmax((double)head[1], (double)head[2])), e[3], sum = 0;
    for (int k = 0; k < 3; k++)
        sum += e[k] = wk_exp((double)head[k] - top);
    out[0] = (float)(e[0] / sum);
    out[1] = (float)(e[2] / sum);
    out[2] = head[3];
    out[3] = head[4];
}

/* What all markets' turns share, and where market s writes. */
typedef struct {
    const wk_branch *branch;
    const wk_columns *data;
    const wk_nn_plan *plan;
    wk_nn_state **states; /* [S] */
    float **x;            /* [S], each [n_inputs] */
    int64_t first;        /* bars from 1970 to step 0 */
    int64_t anchor, warmup;
    size_t t0, t1, stride;
    float *out;
} outputs;

static void market_outputs(void *context, size_t s)
{
    const outputs *job = context;
    size_t S = job->data->table->S;
    for (size_t t = job->t0; t < job->t1;) {
        /* The serving span of one anchor, warmed by the W bars before the anchor. */
        int64_t absolute = job->first + (int64_t)t, anchor = absolute / job->anchor * job->anchor;
        int64_t from = anchor - job->warmup - job->first, to = anchor + job->anchor - job->first;
        size_t begin = from < 0 ? 0 : (size_t)from;
        size_t end = (size_t)to < job->t1 ? (size_t)to : job->t1;
        wk_nn_state_reset(job->plan, job->states[s]);
        for (size_t u = begin; u < end; u++) {
            float head[WK_NN_HEADS];
            size_t r = u * S + s;
            wk__branch_standardise(job->branch, job->data, r, job->x[s]);
            wk_nn_step(job->plan, job->states[s], job->x[s], head);
            if (u < t)
                continue;
            if (job->data->table->valid[r])
                wk__branch_columns_of(head, job->out + r * job->stride);
            else
                for (int k = 0; k < WK_BRANCH_COLUMNS; k++)
                    job->out[r * job->stride + (size_t)k] = NAN;
        }
        t = end;
    }
}

wk_status wk_branch_outputs(const wk_branch *branch, const wk_panel *panel, const wk_columns *data,
                            const wk_features_config *features, size_t t0, size_t t1, float *out,
                            size_t stride, const wk_loop *loop, wk_err *err)
{
    size_t S = data->table->S;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_plan *plan;
    wk_status status = wk_nn_plan_build(&arena, branch->nn, &plan, err);
    if (status != WK_OK) {
        wk_arena_finish(&arena);
        return status;
    }
    outputs job = {.branch = branch,
                   .data = data,
                   .plan = plan,
                   .states = wk_arena_array(&arena, wk_nn_state *, S),
                   .x = wk_arena_array(&arena, float *, S),
                   .first = panel->start_ns / panel->timeframe_ns,
                   .anchor = features->anchor_bars,
                   .warmup = features->warmup_bars,
                   .t0 = t0,
                   .t1 = t1,
                   .stride = stride,
                   .out = out};
    for (size_t s = 0; s < S; s++) {
        job.states[s] = wk_nn_state_create(&arena, plan);
        job.x[s] = wk_arena_array(&arena, float, branch->n_inputs);
    }
    wk_loop_run(loop, S, market_outputs, &job);
    wk_arena_finish(&arena);
    return WK_OK;
}
