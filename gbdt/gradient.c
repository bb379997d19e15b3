/* Gradients of all rows, in blocks of rows or query by query. */
#include <math.h>
#include <string.h>

#include "boost.h"

static void sum_block(wk__gbdt_booster *b, size_t i, double *partial)
{
    size_t n = b->train.n_rows, K = b->n_outputs, end = wk__gbdt_block_end(i, n);
    for (size_t k = 0; k < K; k++)
        for (size_t r = i * WK__GBDT_ROWS; r < end; r++) {
            partial[k] += fabs((double)b->g[k * n + r]);
            partial[K + k] += (double)b->h[k * n + r];
        }
}

static void gradient_block(void *context, size_t i)
{
    wk__gbdt_booster *b = context;
    const wk__gbdt_row_set *set = &b->train;
    size_t n = set->n_rows, K = b->n_outputs, begin = i * WK__GBDT_ROWS,
           end = wk__gbdt_block_end(i, n);
    int objective = b->params.objective;
    const float *weight = set->gradient_weight;
    double *partial = b->partial + i * 2 * K;
    memset(partial, 0, 2 * K * sizeof *partial);
    if (b->custom && b->custom->gradient) {
        wk_gbdt_rows rows = {K, n, set->margin, set->y, weight, set->rows_of_table};
        b->custom->gradient(b->custom->context, &rows, begin, end, b->g, b->h);
    } else if (objective <= WK_GBDT_SOFTPROB) {
        wk__gbdt_gradients(objective, K, n, begin, end, set->margin, set->y, weight, b->g, b->h,
                           partial, partial + K);
        return;
    } else if (objective == WK_GBDT_PROFIT) {
        wk__gbdt_profit_gradients(&b->params, b->scale, n, begin, end, set->margin, set->y, weight,
                                  b->g, b->h);
    } else if (!wk__gbdt_objective_ranks(objective)) {
        wk__gbdt_regression_gradients(&b->params, begin, end, set->margin, set->y, weight, b->g,
                                      b->h);
    }
    sum_block(b, i, partial);
}

static void resum_block(void *context, size_t i)
{
    wk__gbdt_booster *b = context;
    size_t K = b->n_outputs;
    double *partial = b->partial + i * 2 * K;
    memset(partial, 0, 2 * K * sizeof *partial);
    sum_block(b, i, partial);
}

/* A query counts by the mean weight of its rows; all queries together weigh as many as there are.
 */
typedef struct {
    wk__gbdt_booster *b;
    double norm;
    uint32_t *order; /* [n_rows] */
} rank_job;

static double query_weight(const wk__gbdt_row_set *set, size_t q)
{
    double sum = 0, n = (double)(set->group_begin[q + 1] - set->group_begin[q]);
    for (size_t i = set->group_begin[q]; i < set->group_begin[q + 1]; i++)
        sum += set->weight ? (double)set->weight[i] : 1;
    return n > 0 ? sum / n : 0;
}

static void rank_query(void *context, size_t q)
{
    const rank_job *j = context;
    const wk__gbdt_row_set *set = &j->b->train;
    size_t begin = set->group_begin[q];
    wk__gbdt_rank_gradients(&j->b->params, begin, set->group_begin[q + 1], set->margin, set->y,
                            query_weight(set, q) * j->norm, j->order + begin, j->b->g, j->b->h);
}

static void compute_rank_gradients(wk__gbdt_booster *b)
{
    double sum = 0;
    for (size_t q = 0; q < b->train.n_groups; q++)
        sum += query_weight(&b->train, q);
    rank_job j = {b, (double)b->train.n_groups / sum, b->rank_order};
    wk__gbdt_team_run(b->team, b->train.n_groups, rank_query, &j);
}

static void join_sums(wk__gbdt_booster *b, double *abs_g, double *sum_h)
{
    size_t K = b->n_outputs, n_blocks = wk__gbdt_n_blocks(b->train.n_rows);
    for (size_t k = 0; k < K; k++) {
        abs_g[k] = sum_h[k] = 0;
        for (size_t i = 0; i < n_blocks; i++) {
            abs_g[k] += b->partial[i * 2 * K + k];
            sum_h[k] += b->partial[i * 2 * K + K + k];
        }
    }
}

void wk__gbdt_compute_gradients(wk__gbdt_booster *b, double *abs_g, double *sum_h)
{
    bool custom = b->custom && b->custom->gradient;
    if (!custom && wk__gbdt_objective_ranks(b->params.objective))
        compute_rank_gradients(b);
    wk__gbdt_team_run(b->team, wk__gbdt_n_blocks(b->train.n_rows), gradient_block, b);
    join_sums(b, abs_g, sum_h);
}

void wk__gbdt_sum_gradients(wk__gbdt_booster *b, double *abs_g, double *sum_h)
{
    wk__gbdt_team_run(b->team, wk__gbdt_n_blocks(b->train.n_rows), resum_block, b);
    join_sums(b, abs_g, sum_h);
}
