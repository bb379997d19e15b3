/* The number type of the network code. Layers and kernels are written once over `wk_real`: float in
 * the libraries, double in the test build that checks the hand-written gradients by finite
 * differences. */
#ifndef WK_NN_REAL_H
#define WK_NN_REAL_H

#include <math.h>
#include <stddef.h>

#ifdef WK_NN_REAL_DOUBLE
typedef double wk_real;
#define wk__fma(a, b, c) fma((a), (b), (c))
#define wk__sqrt(a) sqrt(a)
#else
typedef float wk_real;
#define wk__fma(a, b, c) fmaf((a), (b), (c))
#define wk__sqrt(a) sqrtf(a)
#endif

enum {
    WK__LANES = 16, /* channels are padded to a multiple of this with zeros: no kernel has a tail */
    WK__BLOCK_ROWS = 8, /* batch rows that one task of training owns */
    WK__TAPS_MAX = 64   /* longest convolution kernel */
};

/* Channels after padding: the row stride of every activation inside the network. */
static inline size_t wk__pad(size_t n)
{
    return (n + WK__LANES - 1) / WK__LANES * WK__LANES;
}

#endif
