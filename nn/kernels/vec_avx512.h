/* Sixteen lanes. Needs -mavx512f. */
#ifndef WK_NN_VEC_H
#define WK_NN_VEC_H

#include <immintrin.h>

#include "nn/real.h"

typedef __m512 V;
enum {
    VW = 16,
    GEMM_ROWS = 6,
    AT_ROWS = 8,
    GEMM_PANELS = 4,
    AT_PANELS = 2,
    DEEP_STEP = 8,
    STEP_PANELS = 8
};
#define GEMM_CASES(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define PAIR_CASES(X) GEMM_CASES(X) X(7) X(8)
#define FEW_CASES(X) X(8) X(4) X(2) X(1)

#define KEEP(v) __asm__("" : "+v"(v))
#define LD(p) _mm512_loadu_ps(p)
#define ST(p, v) _mm512_storeu_ps((p), (v))
#define SET1(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps((a), (b), (c))
#define ADD(a, b) _mm512_add_ps((a), (b))
#define SUB(a, b) _mm512_sub_ps((a), (b))
#define MUL(a, b) _mm512_mul_ps((a), (b))
#define DIV(a, b) _mm512_div_ps((a), (b))
#define SQRT(x) _mm512_sqrt_ps(x)
/* 0 where x < b, else v. */
#define WHERE_LESS(x, b, v)                                                                        \
    _mm512_maskz_mov_ps((__mmask16)~_mm512_cmp_ps_mask((x), (b), _CMP_LT_OQ), (v))
#define MAX(a, b) _mm512_max_ps((a), (b))
#define MIN(a, b) _mm512_min_ps((a), (b))
#define WHERE_POSITIVE(x, v)                                                                       \
    _mm512_maskz_mov_ps(_mm512_cmp_ps_mask((x), _mm512_setzero_ps(), _CMP_GT_OQ), (v))
#define SCALE2(v, m)                                                                               \
    _mm512_castsi512_ps(                                                                           \
        _mm512_add_epi32(_mm512_castps_si512(v), _mm512_slli_epi32(_mm512_castps_si512(m), 23)))
/* Of pairs of bf16 numbers: the first and the second of each. */
#define PAIRS_FIRST(p) _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16))
#define PAIRS_SECOND(p)                                                                            \
    _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(-65536)))

#endif
