/* The linear congruence that the golden script also draws from: uniform in (-1/2, 1/2). */
#ifndef WICK_TEST_LCG_H
#define WICK_TEST_LCG_H

#include <stdint.h>

static inline double lcg_next(uint32_t *x)
{
    *x = 1664525u * *x + 1013904223u;
    return ((double)*x + 0.5) / 4294967296.0 - 0.5;
}

#endif
