/* Many rows at a time. Rows pass through one tree in tiles, so that the tree stays in the nearest
 * cache; each row still adds its trees in order, hence the same bits as row by row. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "gbdt/kernels/ops.h"

#define TILE WK__GBDT_TILE /* rows that pass through a tree together */
#define SIDE 8   /* rows walked side by side */
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

static void margins_of_tile(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                            float *out)
{
    if (forest->plan)
        forest->ops->tile(forest->plan, X, n_rows, stride, out);
    else
        walk_tile(forest, X, n_rows, stride, out);
}

void wk__forest_margins(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                        float *out)
{
    if (forest->plan)
        wk__gbdt_plan_for_batch(forest->plan);
    for (size_t i = 0; i < n_rows; i += TILE)
        margins_of_tile(forest, X + i * stride, n_rows - i < TILE ? n_rows - i : TILE, stride,
                        out + i * forest->n_outputs);
}

static void predict_tile(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                         float *out)
{
    margins_of_tile(forest, X, n_rows, stride, out);
    for (size_t i = 0; i < n_rows; i++)
        wk__gbdt_transform(forest->objective, forest->n_outputs, out + i * forest->n_outputs);
}

typedef struct {
    const wk_forest *forest;
    const float *X;
    size_t n_rows, stride;
    float *out;
    atomic_size_t next; /* first row of the next tile that nobody has taken */
} batch_job;

static void *batch_worker(void *arg)
{
    batch_job *job = arg;
    for (;;) {
        size_t first = atomic_fetch_add(&job->next, TILE);
        if (first >= job->n_rows)
            return NULL;
        size_t n = job->n_rows - first < TILE ? job->n_rows - first : TILE;
        predict_tile(job->forest, job->X + first * job->stride, n, job->stride,
                     job->out + first * job->forest->n_outputs);
    }
}

void wk_forest_predict_batch(const wk_forest *forest, const float *X, size_t n_rows, size_t stride,
                             int threads, float *out)
{
    batch_job job = {.forest = forest, .X = X, .n_rows = n_rows, .stride = stride, .out = out};
    pthread_t helper[THREADS_MAX];
    size_t n_helpers = 0, wanted = threads > 1 ? (size_t)threads - 1 : 0;
    if (forest->plan)
        wk__gbdt_plan_for_batch(forest->plan);
    size_t n_tiles = (n_rows + TILE - 1) / TILE;
    if (wanted + 1 > n_tiles)
        wanted = n_tiles > 0 ? n_tiles - 1 : 0;
    if (wanted > THREADS_MAX)
        wanted = THREADS_MAX;
    /* A helper that cannot be started is no error: the rest take its tiles. */
    while (n_helpers < wanted &&
           pthread_create(&helper[n_helpers], NULL, batch_worker, &job) == 0)
        n_helpers++;
    batch_worker(&job);
    for (size_t i = 0; i < n_helpers; i++)
        pthread_join(helper[i], NULL);
}
