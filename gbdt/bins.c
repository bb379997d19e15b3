/* Cuts and bins.
 *
 * A column with at most max_bin distinct values gets a bin for each (cuts are the values themselves,
 * as XGBoost's hist method has them); otherwise each bin takes its share of the rows that are left,
 * and a value with many rows gets a bin of its own. */
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
    return bits ^ ((uint32_t)-(int32_t)(bits >> 31) | 0x80000000u);
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
    float top = value_of(key[n - 1]);
    cuts[n_bins++] = bounded(top + (fabsf(top) + 1e-5f));
    return n_bins;
}

/* The number of real cuts (all but the last) that are <= x, by halving without branches. */
static uint8_t bin_of(const float *cuts, uint32_t n_bins, float x)
{
    uint32_t n = n_bins - 1, base = 0;
    while (n > 0) {
        uint32_t half = (n + 1) / 2;
        base += cuts[base + half - 1] <= x ? half : 0;
        n -= half;
    }
    return (uint8_t)base;
}

typedef struct {
    const wk_gbdt_data *data;
    const uint32_t *rows;
    size_t max_bin;
    wk__gbdt_bins *bins;
} job;

static const float *row_at(const job *j, size_t i)
{
    return j->data->X + (j->rows ? j->rows[i] : i) * j->data->stride;
}

static void cut_column(const job *j, size_t f, uint32_t *key, uint32_t *scratch)
{
    size_t n = 0;
    for (size_t i = 0; i < j->bins->n_rows; i++) {
        float x = row_at(j, i)[f];
        if (!isnan(x))
            key[n++] = key_of(bounded(x));
    }
    sort_keys(key, scratch, n);
    j->bins->n_bins[f] = make_cuts(key, n, j->max_bin, j->bins->cuts[f]);
    float low = n ? value_of(key[0]) : 0;
    j->bins->below[f] = bounded(low - (fabsf(low) + 1e-5f));
}

static void bin_rows(const job *j, size_t begin, size_t end)
{
    wk__gbdt_bins *bins = j->bins;
    uint8_t missing = (uint8_t)(bins->n_slots - 1);
    for (size_t i = begin; i < end; i++) {
        const float *row = row_at(j, i);
        for (size_t f = 0; f < bins->n_cols; f++) {
            uint8_t bin = isnan(row[f]) ? missing : bin_of(bins->cuts[f], bins->n_bins[f], row[f]);
            bins->by_row[((f / WK__GBDT_BLOCK) * bins->n_rows + i) * WK__GBDT_BLOCK +
                         f % WK__GBDT_BLOCK] = bin;
            bins->by_col[f * bins->n_rows + i] = bin;
        }
    }
}

void wk__gbdt_bins_make(const wk_gbdt_data *data, const uint32_t *rows, size_t n_rows,
                        size_t max_bin, int threads, wk_arena *arena, wk__gbdt_bins *out)
{
    size_t n_cols = data->n_cols;
    wk__gbdt_bins bins = {.n_rows = n_rows, .n_cols = n_cols};
    bins.n_blocks = (n_cols + WK__GBDT_BLOCK - 1) / WK__GBDT_BLOCK;
    bins.n_slots = max_bin <= 63 ? 64 : max_bin <= 127 ? 128 : 256;
    bins.by_row = wk_arena_array(arena, uint8_t, bins.n_blocks * n_rows * WK__GBDT_BLOCK);
    bins.by_col = wk_arena_array(arena, uint8_t, n_cols * n_rows);
    bins.cuts = wk_arena_array(arena, float *, n_cols);
    bins.n_bins = wk_arena_array(arena, uint32_t, n_cols);
    bins.below = wk_arena_array(arena, float, n_cols);
    for (size_t f = 0; f < n_cols; f++)
        bins.cuts[f] = wk_arena_array(arena, float, max_bin);
    job j = {data, rows, max_bin, &bins};
    wk_arena scratch;
    wk_arena_init(&scratch);
    uint32_t **key = wk_arena_array(&scratch, uint32_t *, (size_t)threads);
    for (int t = 0; t < threads; t++)
        key[t] = wk_arena_array(&scratch, uint32_t, 2 * n_rows);
    /* Each thread takes its own buffer from the list: which one is of no consequence. */
    int next = 0;
#pragma omp parallel num_threads(threads)
    {
        int mine;
#pragma omp atomic capture
        mine = next++;
#pragma omp for schedule(dynamic, 1)
        for (size_t f = 0; f < n_cols; f++)
            cut_column(&j, f, key[mine], key[mine] + n_rows);
#pragma omp for schedule(dynamic, 1)
        for (size_t b = 0; b < n_rows; b += WK__GBDT_ROWS)
            bin_rows(&j, b, b + WK__GBDT_ROWS < n_rows ? b + WK__GBDT_ROWS : n_rows);
    }
    wk_arena_finish(&scratch);
    *out = bins;
}
