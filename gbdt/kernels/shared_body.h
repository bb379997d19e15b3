/* Cells of four trees side by side: one add of four integers. */
#ifndef WICK_GBDT_SHARED_BODY_H
#define WICK_GBDT_SHARED_BODY_H

#include "gbdt/kernels/train_ops.h"

static inline __attribute__((always_inline)) void
add_features(const uint8_t *bins, size_t n_features, const uint32_t *rows, const wk__gbdt_four *gh,
             size_t n, size_t n_slots, wk__gbdt_four *cells)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *bin = bins + (size_t)WK__GBDT_BLOCK * rows[i];
        for (size_t f = 0; f < n_features; f++) {
            wk__gbdt_four *cell = &cells[f * n_slots + bin[f]];
            for (int k = 0; k < WK__GBDT_SHARED; k++)
                cell->of[k] += gh[i].of[k];
        }
    }
}

static void add_shared(const uint8_t *bins, size_t n_features, const uint32_t *rows,
                       const wk__gbdt_four *gh, size_t n, size_t n_slots, wk__gbdt_four *cells)
{
    /* The common shape with constants, which the compiler unrolls. */
    if (n_features == 4 && n_slots == 256)
        add_features(bins, 4, rows, gh, n, 256, cells);
    else
        add_features(bins, n_features, rows, gh, n, n_slots, cells);
}

#endif
