/* The rows and columns that a tree may see. Rows are drawn once a round; a draw goes by the row's
 * number, so that neither threads nor blocks matter. */
#include "grow.h"

#include "wick/rng.h"

#define STREAM_ROWS ((uint64_t)1 << 32)
#define STREAM_COLS ((uint64_t)2 << 32)

typedef struct {
    wk__gbdt_grower *w;
    size_t round;
} draw_job;

static void draw_block(void *context, size_t block)
{
    const draw_job *j = context;
    const wk_gbdt_params *p = j->w->params;
    size_t end = wk__gbdt_block_end(block, j->w->bins->n_rows), count = 0;
    for (size_t i = block * WK__GBDT_ROWS; i < end; i++) {
        bool drawn = p->subsample >= 1;
        if (j->w->given_rows) {
            drawn = j->w->given_rows[i];
        } else if (!drawn) {
            size_t number = j->w->row_numbers ? j->w->row_numbers[i] : i;
            if (p->subsample_block > 1)
                number /= (size_t)p->subsample_block;
            drawn =
                wk_rng_uniform((uint64_t)p->seed, STREAM_ROWS + j->round, number) < p->subsample;
        }
        j->w->side[i] = drawn;
        count += drawn;
    }
    j->w->sampled_before[block] = count;
}

static void list_block(void *context, size_t block)
{
    wk__gbdt_grower *w = ((draw_job *)context)->w;
    size_t begin = block * WK__GBDT_ROWS, end = wk__gbdt_block_end(block, w->bins->n_rows);
    size_t before = w->sampled_before[block];
    size_t at[2] = {w->n_sampled + begin - before, before};
    for (size_t i = begin; i < end; i++)
        w->sample[at[w->side[i]]++] = (uint32_t)i;
}

static void draw_rows(draw_job *j)
{
    wk__gbdt_grower *w = j->w;
    bool all = w->params->subsample >= 1 && !w->given_rows;
    if (w->sampled_round == j->round || (all && w->sampled_round != SIZE_MAX))
        return;
    w->sampled_round = j->round;
    size_t n_blocks = wk__gbdt_n_blocks(w->bins->n_rows);
    wk__gbdt_team_run(w->team, n_blocks, draw_block, j);
    w->n_sampled = wk__gbdt_running_total(w->sampled_before, n_blocks);
    wk__gbdt_team_run(w->team, n_blocks, list_block, j);
}

static void draw_columns(wk__gbdt_grower *w, size_t tree)
{
    size_t n = w->bins->n_cols;
    uint32_t *list = w->chosen;
    for (size_t i = 0; i < n; i++)
        list[i] = (uint32_t)i;
    if (w->n_chosen < n) {
        uint64_t seed = (uint64_t)w->params->seed;
        for (size_t i = 0; i < w->n_chosen; i++) {
            size_t j = i + wk_rng_below(seed, STREAM_COLS + tree, i, n - i);
            uint32_t swap = list[i];
            list[i] = list[j];
            list[j] = swap;
        }
        /* Ascending order, so that ties go to the smaller feature. */
        for (size_t i = 1; i < w->n_chosen; i++)
            for (size_t j = i; j > 0 && list[j - 1] > list[j]; j--) {
                uint32_t swap = list[j];
                list[j] = list[j - 1];
                list[j - 1] = swap;
            }
    }
    w->n_groups = 0;
    for (size_t i = 0; i < w->n_chosen; i++) {
        size_t block = list[i] / WK__GBDT_BLOCK;
        if (w->n_groups == 0 || w->groups[w->n_groups - 1].block != block)
            w->groups[w->n_groups++] = (wk__gbdt_group){.block = block, .first = i};
        wk__gbdt_group *group = &w->groups[w->n_groups - 1];
        group->offset[group->n++] = (uint8_t)(list[i] % WK__GBDT_BLOCK);
    }
}

void wk__gbdt_draw(wk__gbdt_grower *w, size_t round, size_t tree)
{
    draw_job j = {.w = w, .round = round};
    draw_rows(&j);
    draw_columns(w, tree);
    w->tree = tree;
}

void wk__gbdt_grower_set_rows(wk__gbdt_grower *w, size_t round, const uint8_t *drawn)
{
    draw_job j = {.w = w, .round = round};
    w->given_rows = drawn;
    w->sampled_round = SIZE_MAX;
    draw_rows(&j);
}

void wk__gbdt_grower_set_row_numbers(wk__gbdt_grower *w, const uint32_t *rows)
{
    w->row_numbers = w->params->subsample_block > 1 ? rows : NULL;
}
