/* Splits under XGBoost's remaining rules: monotone columns and bounded leaves, where a gain follows
 * from the weights, and columns of categories. Plain C in f32 where XGBoost computes in f32, so
 * that ties fall alike; the search of plain columns is in kernels/. */
#include <math.h>
#include <string.h>

#include "train.h"

#define SLOTS_MAX 256

static double excess(double g, double alpha)
{
    return g > alpha ? g - alpha : g < -alpha ? g + alpha : 0;
}

static float free_weight(const wk__gbdt_rules *r, double g, double h)
{
    const wk__gbdt_node_sums *s = &r->sums;
    if (h < s->min_child_weight || h <= 0)
        return 0;
    double w = -excess(g, s->alpha) / (h + s->lambda);
    if (r->max_delta_step > 0 && fabs(w) > r->max_delta_step)
        w = w < 0 ? -r->max_delta_step : r->max_delta_step;
    return (float)w;
}

float wk__gbdt_bounded_weight(const wk__gbdt_rules *r, double g, double h)
{
    float w = free_weight(r, g, h);
    return !r->bounded ? w : w < r->lower ? r->lower : w > r->upper ? r->upper : w;
}

static float gain_of(const wk__gbdt_rules *r, double g, double h, float w)
{
    if (h <= 0)
        return 0;
    if (!r->bounded && r->max_delta_step <= 0) {
        double t = excess(g, r->sums.alpha);
        return (float)(t * t) / (float)(h + r->sums.lambda);
    }
    return -(2.0f * (float)g * w + ((float)h + (float)r->sums.lambda) * (w * w));
}

float wk__gbdt_bounded_gain(const wk__gbdt_rules *r, double g, double h)
{
    return gain_of(r, g, h, wk__gbdt_bounded_weight(r, g, h));
}

/* What one side of a split holds. */
typedef struct {
    int64_t sum;
    double rows;
} side;

typedef struct {
    const wk__gbdt_rules *rules;
    side all;
    uint32_t feature;
    wk__gbdt_split *best;
} search;

/* Takes the split if it is allowed and gains more than the best. */
static bool offer(const search *s, side left, int32_t bin, bool default_left)
{
    const wk__gbdt_rules *r = s->rules;
    const wk__gbdt_node_sums *n = &r->sums;
    int64_t right = s->all.sum - left.sum;
    double gl = wk__gbdt_g(left.sum) * n->g_unit, hl = wk__gbdt_h(left.sum) * n->h_unit;
    double gr = wk__gbdt_g(right) * n->g_unit, hr = wk__gbdt_h(right) * n->h_unit;
    if (!(hl >= n->min_child_weight && hr >= n->min_child_weight && hl > 0 && hr > 0) ||
        left.rows < (double)n->min_rows || s->all.rows - left.rows < (double)n->min_rows)
        return false;
    float wl = wk__gbdt_bounded_weight(r, gl, hl), wr = wk__gbdt_bounded_weight(r, gr, hr);
    if ((r->monotone > 0 && !(wl <= wr)) || (r->monotone < 0 && !(wl >= wr)))
        return false;
    float gain = gain_of(r, gl, hl, wl) + gain_of(r, gr, hr, wr) - r->gain;
    if (!(gain > s->best->gain) || isinf(gain))
        return false;
    *s->best = (wk__gbdt_split){.gain = gain,
                                .feature = s->feature,
                                .bin = bin,
                                .default_left = default_left,
                                .left = left.sum};
    return true;
}

/* Rows are counted by bins, by hessians that are all 1, or not at all: min_rows is 1 then. */
static double rows_of(const wk__gbdt_rules *r, int64_t sum, const uint32_t *counts, size_t b)
{
    return counts ? (double)counts[b] : r->sums.unit_hessian ? wk__gbdt_h(sum) * r->sums.h_unit : 0;
}

/* LightGBM counts a category's rows; where nobody counted them the hessians tell, in rows of mean
 * size. */
static double rows_or_hessian(const wk__gbdt_rules *r, double h, const uint32_t *counts, size_t b)
{
    double all = wk__gbdt_h(r->sums.sum) * r->sums.h_unit;
    return counts ? (double)counts[b] : all > 0 ? h / all * (double)r->sums.n_rows : 0;
}

static search start(const wk__gbdt_rules *r, uint32_t feature, const uint32_t *counts,
                    wk__gbdt_split *best)
{
    bool counted = counts || r->sums.unit_hessian;
    /* Without counts both sides seem to have a row. */
    return (search){.rules = r,
                    .feature = feature,
                    .best = best,
                    .all = {r->sums.sum, counted ? (double)r->sums.n_rows : 1e18}};
}

static side add(const wk__gbdt_rules *r, side to, int64_t cell, const uint32_t *counts, size_t b)
{
    bool counted = counts || r->sums.unit_hessian;
    return (side){to.sum + cell, counted ? to.rows + rows_of(r, cell, counts, b) : 1e9};
}

void wk__gbdt_search_bounded(const wk__gbdt_rules *r, uint32_t feature, uint32_t n_bins,
                             size_t n_slots, const int64_t *cells, const uint32_t *counts,
                             wk__gbdt_split *best)
{
    search s = start(r, feature, counts, best);
    side left = {0};
    int64_t present = 0;
    for (uint32_t b = 0; b < n_bins; b++)
        present += cells[b];
    int64_t missing = r->sums.sum - present;
    for (uint32_t b = 0; b < n_bins - (missing == 0); b++) {
        left = add(r, left, cells[b], counts, b);
        offer(&s, left, (int32_t)b, false);
    }
    if (missing == 0)
        return;
    /* Missing values go left: from the last bin down, as XGBoost meets them. */
    side below[SLOTS_MAX + 1];
    below[0] = add(r, (side){0}, missing, counts, n_slots - 1);
    for (uint32_t b = 0; b < n_bins; b++)
        below[b + 1] = add(r, below[b], cells[b], counts, b);
    for (uint32_t b = n_bins; b-- > 0;)
        offer(&s, below[b], (int32_t)b - 1, true);
}

static void take_bins(wk__gbdt_split *best, const uint32_t *bins, size_t n)
{
    best->by_category = true;
    memset(best->right_bins, 0, sizeof best->right_bins);
    for (size_t i = 0; i < n; i++)
        best->right_bins[bins[i] / 64] |= (uint64_t)1 << bins[i] % 64;
}

static side less(side a, side b)
{
    return (side){a.sum - b.sum, a.rows > 1e17 ? 1e9 : a.rows - b.rows};
}

/* One category against all others, with the missing values on either side. */
static void one_by_one(search *s, uint32_t n, size_t n_slots, const int64_t *cells,
                       const uint32_t *counts, int64_t missing)
{
    const wk__gbdt_rules *r = s->rules;
    for (uint32_t b = 0; b < n; b++) {
        side right = add(r, (side){0}, cells[b], counts, b);
        if (offer(s, less(s->all, right), (int32_t)b, true))
            take_bins(s->best, &b, 1);
        if (missing == 0)
            continue;
        right = add(r, right, missing, counts, n_slots - 1);
        if (offer(s, less(s->all, right), (int32_t)b, false))
            take_bins(s->best, &b, 1);
    }
}

/* Categories by their weights, equal ones in their order; returns how many. With cat_smooth those
 * of less hessian than it are left out, and their sums go to *left. */
static uint32_t order_categories(const wk__gbdt_rules *r, uint32_t n_bins, const int64_t *cells,
                                 const uint32_t *counts, uint32_t *order, side *left)
{
    float weight[SLOTS_MAX];
    uint32_t n = 0;
    for (uint32_t b = 0; b < n_bins; b++) {
        double g = wk__gbdt_g(cells[b]) * r->sums.g_unit, h = wk__gbdt_h(cells[b]) * r->sums.h_unit;
        float w = r->cat_smooth > 0 ? (float)(-g / (h + r->cat_smooth)) : free_weight(r, g, h);
        if (r->cat_smooth > 0 && (h <= 0 || rows_or_hessian(r, h, counts, b) < r->cat_smooth)) {
            *left = add(r, *left, cells[b], counts, b);
            continue;
        }
        uint32_t at = n++;
        for (; at > 0 && w < weight[at - 1]; at--) {
            weight[at] = weight[at - 1];
            order[at] = order[at - 1];
        }
        weight[at] = w;
        order[at] = b;
    }
    return n;
}

/* Categories in the order of their weights. */
typedef struct {
    const uint32_t *order;
    size_t n, most; /* categories; one more than a side may take */
    const int64_t *cells;
    const uint32_t *counts;
} column;

/* Which side takes categories, and from which end; missing values are on the other one. */
typedef enum { LIGHTEST_RIGHT, HEAVIEST_LEFT, HEAVIEST_RIGHT } turn;

/* One category after the other changes sides. Split there only when min_data_per_group rows have
 * come since the last place that could be split, and only while so many are left on the other side.
 */
static void take_in_turn(search *s, const column *c, turn how, side taken)
{
    const wk__gbdt_rules *r = s->rules;
    double group = 0, left_over = (double)r->sums.n_rows;
    for (size_t i = 0; i + 1 < c->most && i < c->n; i++) {
        size_t last = c->n - 1 - i;
        uint32_t b = c->order[how == LIGHTEST_RIGHT ? i : last];
        taken = add(r, taken, c->cells[b], c->counts, b);
        if (r->min_data_per_group > 0) {
            double h = wk__gbdt_h(c->cells[b]) * r->sums.h_unit;
            double rows = rows_or_hessian(r, h, c->counts, b);
            group += rows;
            left_over -= rows;
            if (left_over < r->min_data_per_group)
                return;
            if (group < r->min_data_per_group)
                continue;
            group = 0;
        }
        side left = how == HEAVIEST_LEFT ? taken : less(s->all, taken);
        if (!offer(s, left, -1, how != HEAVIEST_LEFT))
            continue;
        if (how == LIGHTEST_RIGHT)
            take_bins(s->best, c->order, i + 1);
        else if (how == HEAVIEST_LEFT)
            take_bins(s->best, c->order, last);
        else
            take_bins(s->best, c->order + last, i + 1);
    }
}

void wk__gbdt_search_categories(const wk__gbdt_rules *r, uint32_t feature, uint32_t n_bins,
                                size_t n_slots, const int64_t *cells, const uint32_t *counts,
                                wk__gbdt_split *best)
{
    search s = start(r, feature, counts, best);
    uint32_t order[SLOTS_MAX];
    int64_t present = 0;
    for (uint32_t b = 0; b < n_bins; b++)
        present += cells[b];
    /* The children's weights have cat_l2, the node's own gain has not: such a split has to be worth
     * more than one at a threshold. */
    wk__gbdt_rules stricter = *r;
    stricter.sums.lambda += r->cat_l2;
    s.rules = &stricter;
    if (n_bins < r->max_cat_to_onehot) {
        one_by_one(&s, n_bins - r->rest, n_slots, cells, counts, r->sums.sum - present);
        return;
    }
    side none = {0}, always_left = {0};
    uint32_t n = order_categories(r, n_bins - r->rest, cells, counts, order, &always_left);
    if (r->rest)
        always_left = add(r, always_left, cells[n_bins - 1], counts, n_bins - 1);
    column col = {.order = order, .n = n, .cells = cells, .counts = counts};
    if (r->cat_smooth > 0) {
        size_t half = (n + 1) / 2;
        col.most = 1 + (half < r->max_cat_threshold ? half : r->max_cat_threshold);
    } else {
        col.most = n < r->max_cat_threshold ? n : r->max_cat_threshold;
    }
    take_in_turn(&s, &col, LIGHTEST_RIGHT, none);
    take_in_turn(&s, &col, HEAVIEST_LEFT, always_left);
    /* Rare categories stay left: to the right of the rest there may also be the heaviest. */
    if (r->cat_smooth > 0)
        take_in_turn(&s, &col, HEAVIEST_RIGHT, none);
}
