/* Cuts and bins.
 *
 * A column with at most max_bin distinct values gets a bin for each (cuts are the values
 * themselves, as XGBoost's hist method has them); otherwise each bin takes its share of the rows
 * that are left, and a value with many rows gets a bin of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

#define LARGEST 3.402823466e38f

static float bounded(float x)
{
    return x > LARGEST ? LARGEST : x < -LARGEST ? -LARGEST : x;
}

/* Unsigned keys in the order of the floats; -0 and 0 share one. */
static uint32_t key_of(float x)
{
    uint32_t bits;
    x = x == 0 ? 0 : x;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((uint32_t) - (int32_t)(bits >> 31) | 0x80000000u);
}

static float value_of(uint32_t key)
{
    uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Radix sort, three passes of 11 bits; the result is in `a`. */
static void sort_keys(uint32_t *a, uint32_t *scratch, size_t n)
{
    for (int shift = 0; shift < 33; shift += 11) {
        size_t at[2048] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            at[(a[i] >> shift) & 2047]++;
        for (size_t d = 0; d < 2048; d++) {
            size_t count = at[d];
            at[d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++)
            scratch[at[(a[i] >> shift) & 2047]++] = a[i];
        memcpy(a, scratch, n * sizeof *a);
    }
}

/* Cuts from sorted keys; returns the number of bins, the last cut lying above every value. */
static uint32_t make_cuts(const uint32_t *key, size_t n, size_t max_bin, float *cuts)
{
    if (n == 0)
        return 0;
    size_t n_distinct = 1;
    for (size_t i = 1; i < n; i++)
        n_distinct += key[i] != key[i - 1];
    uint32_t n_bins = 0;
    size_t in_bin = 0, left = n; /* left: rows not yet in a closed bin */
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && key[end] == key[i])
            end++;
        size_t run = end - i, bins_left = max_bin - n_bins;
        /* Close the bin before this value when it is full, or when the value alone fills one. */
        bool full = n_distinct <= max_bin || in_bin * bins_left >= left ||
                    (run * bins_left >= left && in_bin > 0);
        if (in_bin > 0 && full && bins_left > 1) {
            cuts[n_bins++] = value_of(key[i]);
            left -= in_bin;
            in_bin = 0;
        }
        in_bin += run;
        i = end;
    }
    /* In f64 before rounding, as XGBoost does. */
    double top = (double)value_of(key[n - 1]);
    cuts[n_bins++] = bounded((float)(top + (fabs(top) + (double)1e-5f)));
    return n_bins;
}

/* Columns that one task reads together, since they share cache lines. */
#define TOGETHER 4

typedef struct {
    const wk_gbdt_data *data;
    const uint32_t *rows;
    size_t max_bin;
    wk__gbdt_bins *bins;
} job;

/* Cuts of a column whose values are x [n_rows]; key has room for 2 n_rows. */
static void cut_column(const job *j, size_t f, const float *x, uint32_t *key)
{
    size_t n = 0;
    for (size_t i = 0; i < j->bins->n_rows; i++)
        if (!isnan(x[i]))
            key[n++] = key_of(bounded(x[i]));
    sort_keys(key, key + j->bins->n_rows, n);
    j->bins->n_bins[f] = make_cuts(key, n, j->max_bin, j->bins->cuts[f]);
    double low = n ? (double)value_of(key[0]) : 0;
    j->bins->below[f] = bounded((float)(low - (fabs(low) + (double)1e-5f)));
}

#define SIDE 8 /* searches side by side, to hide the latency of each */

/* A bin is the number of real cuts (all but the last) that are <= x. Halving without branches over
 * a table filled up with NaN, which nothing exceeds. */
static void bin_column(const job *j, size_t f, const float *x)
{
    wk__gbdt_bins *bins = j->bins;
    uint8_t *col = bins->by_col + f * bins->n_rows;
    uint32_t n_cuts = bins->n_bins[f] - 1, missing = (uint32_t)bins->n_slots - 1, size = 1;
    float table[256];
    while (size < n_cuts + 1)
        size *= 2;
    for (uint32_t i = 0; i < size; i++)
        table[i] = i < n_cuts ? bins->cuts[f][i] : NAN;
    size_t i = 0;
    for (; i + SIDE <= bins->n_rows; i += SIDE) {
        uint32_t at[SIDE] = {0};
        for (uint32_t step = size / 2; step > 0; step /= 2)
            for (size_t k = 0; k < SIDE; k++)
                at[k] += step & (0 - (uint32_t)(table[at[k] + step - 1] <= x[i + k]));
        for (size_t k = 0; k < SIDE; k++)
            col[i + k] = (uint8_t)(at[k] | (missing & (0 - (uint32_t)isnan(x[i + k]))));
    }
    for (; i < bins->n_rows; i++) {
        uint32_t at = 0;
        for (uint32_t step = size / 2; step > 0; step /= 2)
            at += step & (0 - (uint32_t)(table[at + step - 1] <= x[i]));
        col[i] = isnan(x[i]) ? (uint8_t)missing : (uint8_t)at;
    }
}

static void do_columns(void *context, size_t task)
{
    const job *j = context;
    wk__gbdt_bins *bins = j->bins;
    size_t n = bins->n_rows, first = task * TOGETHER;
    size_t n_here = bins->n_cols - first < TOGETHER ? bins->n_cols - first : TOGETHER;
    wk_arena scratch;
    wk_arena_init(&scratch);
    float *x = wk_arena_array(&scratch, float, TOGETHER *n);
    uint32_t *key = wk_arena_array(&scratch, uint32_t, 2 * n);
    for (size_t i = 0; i < n; i++) {
        const float *row = j->data->X + (j->rows ? j->rows[i] : i) * j->data->stride + first;
        for (size_t c = 0; c < n_here; c++)
            x[c * n + i] = row[c];
    }
    for (size_t c = 0; c < n_here; c++) {
        if (bins->categorical && bins->categorical[first + c]) {
            wk__gbdt_bin_categories(bins, first + c, x + c * n, n, &scratch);
            continue;
        }
        cut_column(j, first + c, x + c * n, key);
        if (bins->n_bins[first + c] > 0)
            bin_column(j, first + c, x + c * n);
        else
            memset(bins->by_col + (first + c) * n, (int)bins->n_slots - 1, n);
    }
    uint8_t *block = bins->by_row + (first / WK__GBDT_BLOCK) * n * WK__GBDT_BLOCK;
    const uint8_t *col = bins->by_col + first * n;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < n_here; c++)
            block[i * WK__GBDT_BLOCK + first % WK__GBDT_BLOCK + c] = col[c * n + i];
    wk_arena_finish(&scratch);
}

void wk__gbdt_bins_make(const wk_gbdt_data *data, const uint32_t *rows, size_t n_rows,
                        size_t max_bin, wk__gbdt_team *team, wk__gbdt_pages *pages,
                        wk__gbdt_bins *out)
{
    size_t n_cols = data->n_cols;
    wk__gbdt_bins bins = {.n_rows = n_rows, .n_cols = n_cols};
    bins.n_blocks = (n_cols + WK__GBDT_BLOCK - 1) / WK__GBDT_BLOCK;
    bins.n_slots = data->categorical ? 256 : max_bin <= 63 ? 64 : max_bin <= 127 ? 128 : 256;
    bins.by_row = wk__gbdt_pages_array(pages, uint8_t, bins.n_blocks * n_rows * WK__GBDT_BLOCK);
    bins.by_col = wk__gbdt_pages_array(pages, uint8_t, n_cols * n_rows + 4); /* see `mark` */
    bins.cuts = wk__gbdt_pages_array(pages, float *, n_cols);
    bins.n_bins = wk__gbdt_pages_array(pages, uint32_t, n_cols);
    bins.below = wk__gbdt_pages_array(pages, float, n_cols);
    for (size_t f = 0; f < n_cols; f++)
        bins.cuts[f] = wk__gbdt_pages_array(pages, float, max_bin);
    bins.categorical = data->categorical;
    if (data->categorical) {
        bins.categories = wk__gbdt_pages_array(pages, uint32_t *, n_cols);
        bins.rest = wk__gbdt_pages_array(pages, bool, n_cols);
        for (size_t f = 0; f < n_cols; f++)
            if (data->categorical[f])
                bins.categories[f] = wk__gbdt_pages_array(pages, uint32_t, 256);
    }
    job j = {data, rows, max_bin, &bins};
    wk__gbdt_team_run(team, (n_cols + TOGETHER - 1) / TOGETHER, do_columns, &j);
    *out = bins;
}
