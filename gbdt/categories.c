/* Bins of categorical columns. Categories up to 254 are their own bins, absent ones included, as in
 * XGBoost. Where a number is larger the most frequent 254 get a bin and all others share one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

#define OWN 254

typedef struct {
    uint32_t category;
    size_t count;
} tally;

static int by_category(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static int by_count(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : (x->category > y->category) - (x->category < y->category);
}

/* The most frequent categories, ascending; returns how many. */
static uint32_t most_frequent(const float *x, size_t n, wk_arena *arena, uint32_t *out, bool *rest)
{
    uint32_t *all = wk_arena_array(arena, uint32_t, n);
    size_t n_all = 0, n_tallies = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            all[n_all++] = (uint32_t)x[i];
    qsort(all, n_all, sizeof *all, by_category);
    tally *tallies = wk_arena_array(arena, tally, n_all);
    for (size_t i = 0; i < n_all; i++) {
        if (n_tallies == 0 || tallies[n_tallies - 1].category != all[i])
            tallies[n_tallies++] = (tally){all[i], 0};
        tallies[n_tallies - 1].count++;
    }
    qsort(tallies, n_tallies, sizeof *tallies, by_count);
    *rest = n_tallies > OWN;
    uint32_t kept = (uint32_t)(n_tallies < OWN ? n_tallies : OWN);
    for (uint32_t i = 0; i < kept; i++)
        out[i] = tallies[i].category;
    qsort(out, kept, sizeof *out, by_category);
    return kept;
}

void wk__gbdt_bin_categories(wk__gbdt_bins *bins, size_t f, const float *x, size_t n,
                             wk_arena *arena)
{
    uint32_t largest = 0, n_own = 0, *own = bins->categories[f];
    bool any = false;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i])) {
            largest = (uint32_t)x[i] > largest ? (uint32_t)x[i] : largest;
            any = true;
        }
    bool direct = largest <= OWN;
    bins->rest[f] = false;
    if (direct) {
        n_own = any ? largest + 1 : 0;
        for (uint32_t b = 0; b < n_own; b++)
            own[b] = b;
    } else {
        n_own = most_frequent(x, n, arena, own, &bins->rest[f]);
    }
    bins->n_bins[f] = n_own + bins->rest[f];
    uint8_t *col = bins->by_col + f * bins->n_rows, missing = (uint8_t)(bins->n_slots - 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t category = isnan(x[i]) ? 0 : (uint32_t)x[i];
        if (isnan(x[i])) {
            col[i] = missing;
        } else if (direct) {
            col[i] = (uint8_t)category;
        } else {
            const uint32_t *at = bsearch(&category, own, n_own, sizeof *own, by_category);
            col[i] = (uint8_t)(at ? at - own : (ptrdiff_t)n_own);
        }
    }
}
