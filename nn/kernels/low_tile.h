/* What a tile is asked to do; see low_body.h. */
#ifndef WK_NN_LOW_TILE_H
#define WK_NN_LOW_TILE_H

#include "nn/kernels/low.h"
#include "wick/err.h"

enum { TILE = 16, DEEP = WK__LOW_DEEP };

/* Sums of one or two tiles of 16 rows over taps * K. */
typedef struct {
    const wk__low *w;
    bool split;
    size_t row, depth, w_tap; /* first panel's row of the weights; rows between panels, taps */
    size_t K, taps;           /* K rounded up to 32 in a, zeros at its end */
    const uint16_t *a[2][2];  /* [half][tile] */
    size_t lda, tap;          /* numbers between rows, between taps */
} low_block;

/* g [K, N] += sum over `steps` times 32 rows of a, transposed [K][ld], and d, in tiles of pairs
 * [steps][N / 16]. */
typedef struct {
    const uint16_t *a[2], *d[2];
    size_t ld, K, N, steps;
    bool split;
    float *g;
    size_t ldg;
} low_at;

/* The halves of a and w that are multiplied, in order: plainly the last two. */
static const struct {
    unsigned char a, w;
} low_turns[] = {{1, 0}, {0, 0}, {0, 1}};

/* Pairs of rows of the weights from `row` on. */
static inline const uint16_t *pairs_at(uint16_t *const half[2], size_t row)
{
    return half[row & 1] + row / 2 * 2 * TILE;
}

#endif
