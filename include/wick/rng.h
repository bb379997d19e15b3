/* Counter-based random numbers: the value is a pure function of (seed, stream, index), so any
 * thread may draw any number in any order and the result is the same. Source: Salmon et al. 2011
 * (Philox 2x64-10). */
#ifndef WICK_RNG_H
#define WICK_RNG_H

#include <stdint.h>

uint64_t wk_rng_u64(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in [0, 1) with 53 random bits. */
double wk_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform integer in [0, n), n >= 1, without modulo bias worth speaking of (multiply-shift). */
uint64_t wk_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t n);

/* Standard normal (Box-Muller over wk_log, wk_sin, wk_cos: the same bits on every machine). */
double wk_rng_normal(uint64_t seed, uint64_t stream, uint64_t index);

#endif
