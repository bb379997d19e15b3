/* Many rows at a time. Rows pass through one tree in tiles, so that the tree stays in the nearest
 * cache; each row still adds its trees in order, hence the same bits as row by row. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gbdt/kernels/ops.h"

#define TILE WK__GBDT_TILE /* rows that pass through a tree together */
#define SLICE WK__GBDT_SLICE
#define SLICE_LEAST 128 /* rows for which tiles are as fast */
#define SIDE 8          /* rows walked side by side */
#define THREADS_MAX 256

static void walk_tile(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                      float *out)
{
    size_t K = forest->n_outputs;
    for (size_t i = 0; i < n_rows && forest->has_sets; i++)
        wk__forest_walk(forest, X + i * stride, out + i * K);
    if (forest->has_sets)
        return;
    for (size_t i = 0; i < n_rows; i++)
        memcpy(out + i * K, forest->base_margin, K * sizeof *out);
    for (size_t t = 0; t < forest->n_trees; t++) {
        const wk__gbdt_step *steps = forest->steps + forest->step_root[t];
        uint32_t depth = forest->tree_depth[t];
        float *column = out + forest->trees[t].output;
        size_t i = 0;
        for (; i + SIDE <= n_rows; i += SIDE) {
            uint32_t at[SIDE] = {0};
            for (uint32_t d = 0, moved = 1; d < depth && moved; d++) {
                moved = 0;
                for (size_t j = 0; j < SIDE; j++) {
                    uint32_t next = wk__gbdt_step_on(steps, at[j], X + (i + j) * stride);
                    moved |= next ^ at[j];
                    at[j] = next;
                }
            }
            for (size_t j = 0; j < SIDE; j++)
                column[(i + j) * K] += steps[at[j]].value;
        }
        for (; i < n_rows; i++) {
            uint32_t at = 0;
            for (uint32_t d = 0; d < depth; d++)
                at = wk__gbdt_step_on(steps, at, X + i * stride);
            column[i * K] += steps[at].value;
        }
    }
}

/* Up to a slice of rows, behind which there are others; without a pool in tiles. */
static void predict_rows(const wk_forest *forest, const wk__gbdt_rows_of_slice *rows,
                         wk__gbdt_link link, wk__gbdt_bits *pool, float *out)
{
    size_t K = forest->n_outputs;
    if (pool && rows->n_rows > SLICE_LEAST) {
        forest->ops->slice(forest->plan, rows, (int)link, pool, out);
        return;
    }
    for (size_t i = 0; i < rows->n_rows; i += TILE) {
        size_t n = rows->n_rows - i < TILE ? rows->n_rows - i : TILE;
        const float *X = rows->X + i * rows->stride;
        if (forest->plan)
            forest->ops->tile(forest->plan, X, n, rows->stride, out + i * K);
        else
            walk_tile(forest, X, n, rows->stride, out + i * K);
    }
    for (size_t i = 0; i < rows->n_rows && link != WK__LINK_IDENTITY; i++)
        wk__gbdt_transform(forest->objective, K, out + i * K);
}

typedef struct {
    const wk_forest *forest;
    wk__gbdt_link link; /* the objective's, or identity for margins */
    const float *X;
    size_t n_rows, stride;
    float *out;
    atomic_size_t next; /* first row of the next slice that nobody has taken */
} batch_job;

/* Where the kernels have slices: the pool that is kept for one thread, or a new one. Without memory
 * the tiles do it. */
static wk__gbdt_bits *take_pool(const batch_job *job, bool *is_kept)
{
    const wk__gbdt_plan *plan = job->forest->plan;
    *is_kept = false;
    if (!plan || job->n_rows <= SLICE_LEAST || !job->forest->ops->slice || !plan->batch->slices)
        return NULL;
    *is_kept = !atomic_flag_test_and_set(&plan->batch->pool_is_taken);
    if (*is_kept)
        return plan->batch->pool;
    return aligned_alloc(64, plan->batch->slices->pool_bits * sizeof(wk__gbdt_bits));
}

static void *batch_worker(void *arg)
{
    batch_job *job = arg;
    bool is_kept;
    wk__gbdt_bits *pool = take_pool(job, &is_kept);
    for (;;) {
        size_t first = atomic_fetch_add(&job->next, SLICE);
        if (first >= job->n_rows)
            break;
        size_t left = job->n_rows - first, n = left < SLICE ? left : SLICE;
        wk__gbdt_rows_of_slice rows = {.X = job->X + first * job->stride,
                                       .n_rows = n,
                                       .stride = job->stride,
                                       .n_behind = left - n < SLICE ? left - n : SLICE};
        predict_rows(job->forest, &rows, job->link, pool,
                     job->out + first * job->forest->n_outputs);
    }
    if (is_kept)
        atomic_flag_clear(&job->forest->plan->batch->pool_is_taken);
    else
        free(pool);
    return NULL;
}

static void make_tables(const wk_forest *forest, size_t n_rows)
{
    if (forest->plan)
        wk__gbdt_plan_for_batch(forest->plan, n_rows > SLICE_LEAST ? forest->ops : NULL);
}

void wk__forest_margins(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                        float *out)
{
    batch_job job = {.forest = forest,
                     .link = WK__LINK_IDENTITY,
                     .X = X,
                     .n_rows = n_rows,
                     .stride = stride,
                     .out = out};
    make_tables(forest, n_rows);
    batch_worker(&job);
}

void wk_forest_predict_batch(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                             int threads, float *out)
{
    batch_job job = {.forest = forest,
                     .link = wk__gbdt_link_of(forest->objective),
                     .X = X,
                     .n_rows = n_rows,
                     .stride = stride,
                     .out = out};
    pthread_t helper[THREADS_MAX];
    size_t n_helpers = 0, wanted = threads > 1 ? (size_t)threads - 1 : 0;
    make_tables(forest, n_rows);
    size_t n_slices = (n_rows + SLICE - 1) / SLICE;
    if (wanted + 1 > n_slices)
        wanted = n_slices > 0 ? n_slices - 1 : 0;
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    /* A helper that cannot be started is no error: the rest take its rows. */
    while (n_helpers < wanted && pthread_create(&helper[n_helpers], NULL, batch_worker, &job) == 0)
        n_helpers++;
    batch_worker(&job);
    for (size_t i = 0; i < n_helpers; i++)
        pthread_join(helper[i], NULL);
}
