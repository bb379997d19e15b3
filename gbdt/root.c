/* Root histograms of up to four trees of a round in one pass: their rows and bins are the same, so
 * that one read of a bin serves them all. */
#include "grow.h"

#define SHARED WK__GBDT_SHARED

typedef struct {
    wk__gbdt_grower *w;
    size_t n_trees;
    const float *g, *h;
    double g_scale[SHARED], h_scale[SHARED];
} share_job;

static void fill_block(void *context, size_t block)
{
    const share_job *j = context;
    const wk__gbdt_grower *w = j->w;
    size_t n_rows = w->bins->n_rows, end = wk__gbdt_block_end(block, w->n_sampled);
    for (size_t k = 0; k < j->n_trees; k++) {
        const float *g = j->g + k * n_rows, *h = j->h + k * n_rows;
        for (size_t i = block * WK__GBDT_ROWS; i < end; i++)
            w->shared_gh[i].of[k] =
                wk__gbdt_fixed(g[w->sample[i]], h[w->sample[i]], j->g_scale[k], j->h_scale[k]);
    }
}

static void add_group(void *context, size_t index)
{
    const share_job *j = context;
    const wk__gbdt_grower *w = j->w;
    const wk__gbdt_group *group = &w->groups[index];
    size_t n_slots = w->bins->n_slots, at = group->first * n_slots, n = group->n * n_slots;
    const uint8_t *block = w->bins->by_row + group->block * w->bins->n_rows * WK__GBDT_BLOCK;
    memset(w->shared_cells + at, 0, n * sizeof *w->shared_cells);
    /* Rows in tiles that stay in the second cache, features a few at a time, whose cells stay in
     * the first. All columns take part, so those of a block are neighbours. */
    for (size_t begin = 0; begin < w->n_sampled; begin += WK__GBDT_ROWS) {
        size_t left = w->n_sampled - begin, rows = left < WK__GBDT_ROWS ? left : WK__GBDT_ROWS;
        for (size_t f = 0; f < group->n; f += SHARED)
            w->ops->add_shared(block + f, group->n - f < SHARED ? group->n - f : SHARED,
                               w->sample + begin, w->shared_gh + begin, rows, n_slots,
                               w->shared_cells + at + f * n_slots);
    }
    for (size_t k = 0; k < j->n_trees; k++)
        for (size_t i = at; i < at + n; i++)
            w->shared_root[k][i] = w->shared_cells[i].of[k];
}

void wk__gbdt_share_roots(wk__gbdt_grower *w, size_t round, size_t n_trees, const float *g,
                          const float *h, const double *abs_g, const double *sum_h)
{
    w->n_shared = w->next_shared = 0;
    if (n_trees < 2 || w->n_chosen < w->bins->n_cols || w->counted)
        return;
    wk__gbdt_draw(w, round, 0);
    size_t cells = w->n_chosen * w->bins->n_slots;
    if (!w->shared_gh) {
        w->shared_gh = wk__gbdt_pages_array(w->pages, wk__gbdt_four, w->bins->n_rows);
        w->shared_cells = wk__gbdt_pages_array(w->pages, wk__gbdt_four, cells);
        for (size_t k = 0; k < SHARED; k++)
            w->shared_root[k] = wk__gbdt_pages_array(w->pages, int64_t, cells);
    }
    share_job j = {.w = w, .n_trees = n_trees, .g = g, .h = h};
    for (size_t k = 0; k < n_trees; k++) {
        j.g_scale[k] = wk__gbdt_g_scale(abs_g[k]);
        j.h_scale[k] = wk__gbdt_h_scale(sum_h[k]);
    }
    wk__gbdt_team_run(w->team, wk__gbdt_n_blocks(w->n_sampled), fill_block, &j);
    wk__gbdt_team_run(w->team, w->n_groups, add_group, &j);
    w->n_shared = n_trees;
}
