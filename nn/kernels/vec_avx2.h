/* Eight lanes. Needs -mavx2 -mfma. */
#ifndef WK_NN_VEC_H
#define WK_NN_VEC_H

#include <immintrin.h>

#include "nn/real.h"

typedef __m256 V;
enum {
    VW = 8,
    GEMM_ROWS = 6,
    AT_ROWS = 6,
    GEMM_PANELS = 1,
    AT_PANELS = 1,
    DEEP_STEP = 4,
    STEP_PANELS = 4
};
#define GEMM_CASES(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define FEW_CASES(X) X(6) X(4) X(2) X(1)

#define KEEP(v) (void)0
#define LD(p) _mm256_loadu_ps(p)
#define ST(p, v) _mm256_storeu_ps((p), (v))
#define SET1(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps((a), (b), (c))
#define ADD(a, b) _mm256_add_ps((a), (b))
#define SUB(a, b) _mm256_sub_ps((a), (b))
#define MUL(a, b) _mm256_mul_ps((a), (b))
#define DIV(a, b) _mm256_div_ps((a), (b))
#define SQRT(x) _mm256_sqrt_ps(x)
/* 0 where x < b, else v. */
#define WHERE_LESS(x, b, v) _mm256_andnot_ps(_mm256_cmp_ps((x), (b), _CMP_LT_OQ), (v))
#define MAX(a, b) _mm256_max_ps((a), (b))
#define MIN(a, b) _mm256_min_ps((a), (b))
#define WHERE_POSITIVE(x, v) _mm256_and_ps((v), _mm256_cmp_ps((x), _mm256_setzero_ps(), _CMP_GT_OQ))
#define SCALE2(v, m)                                                                               \
    _mm256_castsi256_ps(                                                                           \
        _mm256_add_epi32(_mm256_castps_si256(v), _mm256_slli_epi32(_mm256_castps_si256(m), 23)))
/* Of pairs of bf16 numbers: the first and the second of each. */
#define PAIRS_FIRST(p)                                                                             \
    _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256((const void *)(p)), 16))
#define PAIRS_SECOND(p)                                                                            \
    _mm256_castsi256_ps(                                                                           \
        _mm256_and_si256(_mm256_loadu_si256((const void *)(p)), _mm256_set1_epi32(-65536)))

#endif
