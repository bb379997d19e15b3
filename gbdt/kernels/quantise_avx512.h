/* Bytes of a column: how many of its thresholds are not above a value. */
#ifndef WICK_GBDT_QUANTISE_AVX512_H
#define WICK_GBDT_QUANTISE_AVX512_H

#include <float.h>
#include <immintrin.h>

#include "gbdt/plan.h"

/* Sixteen values of a column: a search of four halvings among the groups, then one within each
 * value's line, all in registers. place[i] of `across` holds place i of every line, so a permutation by group
 * looks it up. */
static inline __attribute__((always_inline)) __m128i
wk__gbdt_count_sixteen(const wk__gbdt_cuts *cuts, const wk__gbdt_across *across, __m512 value)
{
    __mmask16 missing = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    __m512 v = _mm512_min_ps(_mm512_set1_ps(FLT_MAX), value), group = _mm512_load_ps(cuts->group);
    __m512i g = _mm512_setzero_si512(), upper = _mm512_set1_epi32(16);
    for (int step = 8; step > 0; step /= 2) {
        __m512i probe = _mm512_add_epi32(g, _mm512_set1_epi32(step - 1));
        __mmask16 up = _mm512_cmp_ps_mask(v, _mm512_permutexvar_ps(probe, group), _CMP_GE_OQ);
        g = _mm512_mask_add_epi32(g, up, g, _mm512_set1_epi32(step));
    }
#define PLACE(i) _mm512_load_ps(across->place[i])
#define EITHER(i, mask, j)                                                                         \
    _mm512_permutex2var_ps(PLACE(i), _mm512_mask_or_epi32(g, mask, g, upper), PLACE(j))
#define IS_ABOVE(t) _mm512_cmp_ps_mask(v, (t), _CMP_GE_OQ)
    __mmask16 a = IS_ABOVE(_mm512_permutexvar_ps(g, PLACE(7)));
    __mmask16 b = IS_ABOVE(EITHER(3, a, 11));
    __mmask16 c = IS_ABOVE(_mm512_mask_blend_ps(a, EITHER(1, b, 5), EITHER(9, b, 13)));
    __m512 low = _mm512_mask_blend_ps(b, EITHER(0, c, 2), EITHER(4, c, 6));
    __m512 high = _mm512_mask_blend_ps(b, EITHER(8, c, 10), EITHER(12, c, 14));
    __mmask16 d = IS_ABOVE(_mm512_mask_blend_ps(a, low, high));
    __m512i n = _mm512_slli_epi32(g, 4);
    n = _mm512_mask_add_epi32(n, a, n, _mm512_set1_epi32(8));
    n = _mm512_mask_add_epi32(n, b, n, _mm512_set1_epi32(4));
    n = _mm512_mask_add_epi32(n, c, n, _mm512_set1_epi32(2));
    n = _mm512_mask_add_epi32(n, d, n, _mm512_set1_epi32(1));
    return _mm512_cvtepi32_epi8(_mm512_mask_set1_epi32(n, missing, 255));
}
#undef PLACE
#undef EITHER
#undef IS_ABOVE

#endif
