/* The stable partition of a leaf's rows, in plain C. */
#ifndef WICK_GBDT_PARTITION_BODY_H
#define WICK_GBDT_PARTITION_BODY_H

#include "gbdt/kernels/train_ops.h"

static size_t mark(const uint8_t *bin, const uint32_t *rows, size_t n, int last, int missing,
                   uint8_t *side)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        int v = bin[rows[i]];
        side[i] = (uint8_t)((v <= last) | (v == missing));
        count += side[i];
    }
    return count;
}

static void move(const uint32_t *rows, const int64_t *gh, const uint8_t *side, size_t n,
                 uint32_t *left, int64_t *left_gh, uint32_t *right, int64_t *right_gh)
{
    uint32_t *to[2] = {right, left};
    int64_t *to_gh[2] = {right_gh, left_gh};
    for (size_t i = 0; i < n; i++) {
        *to[side[i]]++ = rows[i];
        *to_gh[side[i]]++ = gh[i];
    }
}

#endif
