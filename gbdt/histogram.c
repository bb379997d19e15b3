/* The inner loop of training: each row adds its packed gradient to one cell a feature. Sixteen
 * features of 256 bins are 32 KB, which stays in the nearest cache. */
#include "train.h"

static inline __attribute__((always_inline)) void
add_rows(const uint8_t *block, const uint32_t *rows, const int64_t *gh, size_t n, size_t n_slots,
         const uint8_t *offset, size_t n_features, int64_t *cells, uint32_t *counts)
{
    for (size_t i = 0; i < n; i++) {
        __builtin_prefetch(block + (size_t)WK__GBDT_BLOCK * rows[i + WK__GBDT_PREFETCH]);
        const uint8_t *bin = block + (size_t)WK__GBDT_BLOCK * rows[i];
        int64_t v = gh[i];
        for (size_t f = 0; f < n_features; f++) {
            size_t at = f * n_slots + bin[offset ? offset[f] : f];
            cells[at] += v;
            if (counts)
                counts[at]++;
        }
    }
}

/* A copy of the loop for each number of features and slots, so that the compiler can unroll it. */
#define CASE(k)                                                                                    \
    case k:                                                                                        \
        add_rows(block, rows, gh, n, n_slots, group->offset, k, cells, (uint32_t *)0);             \
        break;

static inline __attribute__((always_inline)) void
add_group(const uint8_t *block, const wk__gbdt_group *group, const uint32_t *rows,
          const int64_t *gh, size_t n, size_t n_slots, int64_t *cells)
{
    switch (group->n) {
        CASE(1)
        CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
            CASE(13) CASE(14) CASE(15) default
            : /* all sixteen, hence in place */
              add_rows(block, rows, gh, n, n_slots, (const uint8_t *)0, WK__GBDT_BLOCK, cells,
                       (uint32_t *)0);
    }
}

void wk__gbdt_histogram(const wk__gbdt_bins *bins, const wk__gbdt_group *group,
                        const uint32_t *rows, const int64_t *gh, size_t n, int64_t *cells,
                        uint32_t *counts)
{
    const uint8_t *block = bins->by_row + group->block * bins->n_rows * WK__GBDT_BLOCK;
    if (counts)
        add_rows(block, rows, gh, n, bins->n_slots, group->offset, group->n, cells, counts);
    else if (bins->n_slots == 64)
        add_group(block, group, rows, gh, n, 64, cells);
    else if (bins->n_slots == 128)
        add_group(block, group, rows, gh, n, 128, cells);
    else
        add_group(block, group, rows, gh, n, 256, cells);
}
