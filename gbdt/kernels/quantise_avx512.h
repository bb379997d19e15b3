/* Bytes of a column: how many of its cuts are not above a value; 255 for a missing one. */
#ifndef WICK_GBDT_QUANTISE_AVX512_H
#define WICK_GBDT_QUANTISE_AVX512_H

#include <float.h>
#include <immintrin.h>

#include "gbdt/plan.h"

/* Sixteen values go down the search tree together. A level of up to 32 nodes is one or two vectors,
 * in which a permutation by the node's number looks the cut up; of larger levels the first turns
 * say which two. */
static inline __attribute__((always_inline)) __m128i
wk__gbdt_count_sixteen(const wk__gbdt_search *search, __m512 value)
{
    const float *at = search->at;
    const __m512i one = _mm512_set1_epi32(1);
    __mmask16 missing = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    __m512 v = _mm512_min_ps(_mm512_set1_ps(FLT_MAX), value), cut, other;
#define VECTOR(i) _mm512_load_ps(at + 16 * (i))
#define PAIR(i) _mm512_permutex2var_ps(VECTOR(i), n, VECTOR((i) + 1))
#define TURN(mask)                                                                                 \
    mask = _mm512_cmp_ps_mask(v, cut, _CMP_GE_OQ);                                                 \
    n = _mm512_add_epi32(n, n);                                                                    \
    n = _mm512_mask_or_epi32(n, mask, n, one)
    __mmask16 first, second, turn;
    __m512i n = one;
    cut = _mm512_set1_ps(at[1]);
    TURN(first);
    cut = _mm512_mask_blend_ps(first, _mm512_set1_ps(at[2]), _mm512_set1_ps(at[3]));
    TURN(second);
    for (int level = 2; level < 4; level++) {
        cut = _mm512_permutexvar_ps(n, VECTOR(0));
        TURN(turn);
    }
    cut = _mm512_permutexvar_ps(n, VECTOR(1));
    TURN(turn);
    cut = PAIR(2);
    TURN(turn);
    cut = _mm512_mask_blend_ps(first, PAIR(4), PAIR(6));
    TURN(turn);
    if (search->deep) {
        cut = _mm512_mask_blend_ps(second, PAIR(8), PAIR(10));
        other = _mm512_mask_blend_ps(second, PAIR(12), PAIR(14));
        cut = _mm512_mask_blend_ps(first, cut, other);
        TURN(turn);
    }
#undef VECTOR
#undef PAIR
#undef TURN
    /* Without the leading 1. */
    n = _mm512_and_si512(n, _mm512_set1_epi32(search->deep ? 255 : 127));
    return _mm512_cvtepi32_epi8(_mm512_mask_set1_epi32(n, missing, 255));
}

#endif
