#include "wick/rng.h"

#include <math.h>

#include "wick/math.h"

__extension__ typedef unsigned __int128 u128;

/* Philox 2x64 with ten rounds; constants from the paper. The key is the seed, the counter is
 * (index, stream). */
static void philox(uint64_t seed, uint64_t stream, uint64_t index, uint64_t out[2])
{
    uint64_t x0 = index, x1 = stream, key = seed;
    for (int round = 0; round < 10; round++) {
        u128 product = (u128)x0 * 0xD2B74407B1CE6E93u;
        uint64_t hi = (uint64_t)(product >> 64), lo = (uint64_t)product;
        x0 = hi ^ key ^ x1;
        x1 = lo;
        key += 0x9E3779B97F4A7C15u;
    }
    out[0] = x0;
    out[1] = x1;
}

static double unit(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

uint64_t wk_rng_u64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t out[2];
    philox(seed, stream, index, out);
    return out[0];
}

double wk_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return unit(wk_rng_u64(seed, stream, index));
}

uint64_t wk_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t n)
{
    return (uint64_t)(((u128)wk_rng_u64(seed, stream, index) * n) >> 64);
}

double wk_rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t out[2];
    philox(seed, stream, index, out);
    double radius = sqrt(-2.0 * wk_log(1.0 - unit(out[0])));
    return radius * wk_cos(6.283185307179586477 * unit(out[1]));
}
