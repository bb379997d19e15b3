/* What the parts of training share: binned rows, one tree's growth, gradients.
 *
 * Gradients g and hessians h are f32 a row, as in XGBoost. Histograms hold them as fixed-point
 * integers, packed into one int64 (g in the upper half, h in the lower): integer sums do not depend
 * on their order, so any number of threads gives the same bits, and subtraction is exact. The
 * scales are powers of two, chosen for each tree so that the sum over all rows just fits; leaf
 * values are then computed afresh from the f32 gradients in f64. */
#ifndef WICK_GBDT_TRAIN_H
#define WICK_GBDT_TRAIN_H

#include "forest.h"
#include "pages.h"
#include "team.h"

#define WK__GBDT_BLOCK 16    /* features whose bins lie side by side */
#define WK__GBDT_ROWS 4096   /* rows that one task of a parallel loop takes */
#define WK__GBDT_SHARED 4    /* trees whose roots share a pass over the rows */
#define WK__GBDT_PREFETCH 32 /* rows between a prefetch and its use; row lists are padded by it */

/* A cell or a gradient of each of four trees. */
typedef struct {
    _Alignas(32) int64_t of[WK__GBDT_SHARED];
} wk__gbdt_four;

typedef struct {
    size_t n_rows, n_cols, n_blocks;
    size_t n_slots;  /* bins a feature has room for: 64, 128 or 256; the last one is "missing" */
    uint8_t *by_row; /* [n_blocks][n_rows][16] */
    uint8_t *by_col; /* [n_cols][n_rows] */
    float *
        *cuts; /* [n_cols][n_bins]: bin b holds cuts[b-1] <= x < cuts[b]; the last is above all */
    uint32_t *n_bins;        /* [n_cols]; 0 when a column has no value at all */
    float *below;            /* [n_cols] less than every value */
    const bool *categorical; /* [n_cols] or NULL */
    /* [n_cols] of a categorical column: bin b holds category categories[f][b], ascending. Where
     * rest[f], its last bin holds all others, which stay on the left of every split. */
    uint32_t **categories;
    bool *rest;
} wk__gbdt_bins;

static inline size_t wk__gbdt_n_blocks(size_t n_rows)
{
    return (n_rows + WK__GBDT_ROWS - 1) / WK__GBDT_ROWS;
}

static inline size_t wk__gbdt_block_end(size_t block, size_t n_rows)
{
    return (block + 1) * WK__GBDT_ROWS < n_rows ? (block + 1) * WK__GBDT_ROWS : n_rows;
}

/* Bins the rows listed in `rows` (n_rows of them; NULL for all). An infinite value counts as the
 * largest finite one. Memory is that of `pages`. */
void wk__gbdt_bins_make(const wk_gbdt_data *data, const uint32_t *rows, size_t n_rows,
                        size_t max_bin, wk__gbdt_team *team, wk__gbdt_pages *pages,
                        wk__gbdt_bins *out);

/* Features that one histogram task covers: up to 16 chosen ones of one block. */
typedef struct {
    size_t block, n, first; /* first: position of its first feature in the list of chosen ones */
    uint8_t offset[WK__GBDT_BLOCK];
} wk__gbdt_group;

/* Adds the rows to the histograms of a group. cells and counts (NULL: not wanted) start at the
 * group's first feature; each feature has n_slots cells. rows is padded by WK__GBDT_PREFETCH. */
void wk__gbdt_histogram(const wk__gbdt_bins *bins, const wk__gbdt_group *group,
                        const uint32_t *rows, const int64_t *gh, size_t n, int64_t *cells,
                        uint32_t *counts);

typedef struct {
    float gain; /* 0: no split */
    uint32_t feature;
    int32_t bin; /* bins up to this one go left; -1: none does */
    bool default_left;
    int64_t left; /* packed sums of the left side */
    bool by_category;
    uint64_t right_bins[4]; /* by category: a bit for each bin that goes right */
} wk__gbdt_split;

/* What a search needs to know of a node. */
typedef struct {
    int64_t sum; /* packed */
    size_t n_rows;
    double g_unit, h_unit; /* real value of one fixed-point step */
    double lambda, alpha, min_child_weight;
    size_t min_rows;
    bool unit_hessian; /* every row has hessian 1, so counts follow from it */
} wk__gbdt_node_sums;

static inline double wk__gbdt_g(int64_t packed)
{
    return (double)(int32_t)(packed >> 32);
}

static inline double wk__gbdt_h(int64_t packed)
{
    return (double)(uint32_t)packed;
}

/* -T(G) / (H + lambda), 0 without hessian. */
static inline double wk__gbdt_weight(const wk_gbdt_params *p, double g, double h)
{
    if (h <= 0)
        return 0;
    double t = g > p->alpha ? g - p->alpha : g < -p->alpha ? g + p->alpha : 0;
    return -t / (h + p->lambda);
}

/* The same under a split by category. */
static inline double wk__gbdt_weight_by_category(const wk_gbdt_params *p, double g, double h)
{
    wk_gbdt_params stricter = *p;
    stricter.lambda += p->cat_l2;
    return wk__gbdt_weight(&stricter, g, h);
}

/* XGBoost's rules for one column and node where a weight is bounded or a column holds categories.
 */
typedef struct {
    wk__gbdt_node_sums sums;
    double max_delta_step; /* 0: none */
    bool bounded;          /* some column is monotone: gains follow from the weights */
    int monotone;          /* of this column */
    float lower, upper;    /* of the node's weights */
    float gain;            /* of the node itself */
    size_t max_cat_to_onehot, max_cat_threshold;
    double cat_smooth, cat_l2, min_data_per_group;
    bool rest; /* the last bin is never split off */
} wk__gbdt_rules;

/* The weight of sums g, h within the bounds. */
float wk__gbdt_bounded_weight(const wk__gbdt_rules *r, double g, double h);
float wk__gbdt_bounded_gain(const wk__gbdt_rules *r, double g, double h);
void wk__gbdt_search_bounded(const wk__gbdt_rules *r, uint32_t feature, uint32_t n_bins,
                             size_t n_slots, const int64_t *cells, const uint32_t *counts,
                             wk__gbdt_split *best);
void wk__gbdt_search_categories(const wk__gbdt_rules *r, uint32_t feature, uint32_t n_bins,
                                size_t n_slots, const int64_t *cells, const uint32_t *counts,
                                wk__gbdt_split *best);

/* Bins of a categorical column from its values x [n]; bins and categories of it are set. */
void wk__gbdt_bin_categories(wk__gbdt_bins *bins, size_t f, const float *x, size_t n,
                             wk_arena *arena);

/* Which columns may meet: sets of columns as bits, [n_sets][words]. */
typedef struct {
    size_t n_sets, words;
    const uint64_t *sets;
} wk__gbdt_interactions;

/* Parses "[[0, 1], [2]]" for n_cols columns; *out.n_sets is 0 for an empty text. */
WK_MUST_CHECK wk_status wk__gbdt_interactions_parse(const char *text, size_t n_cols,
                                                    wk_arena *arena, wk__gbdt_interactions *out,
                                                    wk_err *err);
/* The columns that a node whose path used `used` may split on. */
void wk__gbdt_interactions_allowed(const wk__gbdt_interactions *in, const uint64_t *used,
                                   size_t n_cols, uint8_t *allowed);

/* Leaf values that are quantiles of the residuals, and rows that count by more than one. */
typedef struct {
    double alpha;
    const float *y, *weight;
} wk__gbdt_quantiles;

/* The quantile of n residuals as XGBoost takes it (interpolated; by steps where weighted). x is
 * sorted; order has room for n. */
float wk__gbdt_quantile(double alpha, const float *x, const float *weight, size_t n);

/* Grows trees; owns the buffers they share. */
typedef struct wk__gbdt_grower wk__gbdt_grower;
wk__gbdt_grower *wk__gbdt_grower_create(const wk_gbdt_params *params, const wk__gbdt_bins *bins,
                                        bool unit_hessian, wk__gbdt_team *team,
                                        wk__gbdt_pages *pages);
/* Leaves of the next trees become quantiles. */
void wk__gbdt_grower_set_quantiles(wk__gbdt_grower *grower, const wk__gbdt_quantiles *quantiles);
void wk__gbdt_grower_set_interactions(wk__gbdt_grower *grower, const wk__gbdt_interactions *in);
/* Says which rows the trees of `round` are grown on, in place of a draw. drawn [n_rows]. */
void wk__gbdt_grower_set_rows(wk__gbdt_grower *grower, size_t round, const uint8_t *drawn);
/* Numbers that rows are drawn by, ascending [n_rows]; NULL: their own. */
void wk__gbdt_grower_set_row_numbers(wk__gbdt_grower *grower, const uint32_t *rows);
void wk__gbdt_grower_destroy(wk__gbdt_grower *grower);

/* Prepares the roots of the next n_trees (at most WK__GBDT_SHARED) trees together; g and h are
 * [n_trees][n_rows]. Where nothing is gained it does nothing. */
void wk__gbdt_share_roots(wk__gbdt_grower *grower, size_t round, size_t n_trees, const float *g,
                          const float *h, const double *abs_g, const double *sum_h);

/* Grows tree number `index` on gradients g, h [n_rows] of the rows drawn for `round`, and adds its
 * leaf values to margin [n_rows] of every row. abs_g and sum_h bound the sums of |g| and h.
 * The nodes belong to the grower until the next call. */
void wk__gbdt_grow(wk__gbdt_grower *grower, size_t round, size_t index, const float *g,
                   const float *h, double abs_g, double sum_h, float *margin,
                   const wk__gbdt_node **nodes, size_t *n_nodes);

/* Gradients of a block of rows [begin, end): margin, g, h are [n_outputs][n_rows]. Adds up |g| and
 * h for each output. weight may be NULL. */
void wk__gbdt_gradients(int objective, size_t n_outputs, size_t n_rows, size_t begin, size_t end,
                        const float *margin, const float *y, const float *weight, float *g,
                        float *h, double *abs_g, double *sum_h);

/* The metric of rows [begin, end), summed and weighted: squared error or log loss. */
double wk__gbdt_loss(int objective, size_t n_outputs, size_t n_rows, size_t begin, size_t end,
                     const float *margin, const float *y, const float *weight);

#endif
