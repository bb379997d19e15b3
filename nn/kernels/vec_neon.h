/* Four lanes, of every 64-bit ARM. */
#ifndef WK_NN_VEC_H
#define WK_NN_VEC_H

#include <arm_neon.h>

#include "nn/real.h"

typedef float32x4_t V;
enum {
    VW = 4,
    GEMM_ROWS = 6,
    AT_ROWS = 6,
    GEMM_PANELS = 1,
    AT_PANELS = 1,
    DEEP_STEP = 2,
    STEP_PANELS = 4
};
#define GEMM_CASES(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define FEW_CASES(X) X(6) X(4) X(2) X(1)

#define KEEP(v) (void)0
#define LD(p) vld1q_f32(p)
#define ST(p, v) vst1q_f32((p), (v))
#define SET1(x) vdupq_n_f32(x)
#define FMA(a, b, c) vfmaq_f32((c), (a), (b))
#define ADD(a, b) vaddq_f32((a), (b))
#define SUB(a, b) vsubq_f32((a), (b))
#define MUL(a, b) vmulq_f32((a), (b))
#define DIV(a, b) vdivq_f32((a), (b))
#define SQRT(x) vsqrtq_f32(x)
#define WK__BITS(v) vreinterpretq_u32_f32(v)
#define WK__FLOATS(v) vreinterpretq_f32_u32(v)
/* 0 where x < b, else v. */
#define WHERE_LESS(x, b, v) WK__FLOATS(vbicq_u32(WK__BITS(v), vcltq_f32((x), (b))))
/* The second operand when either is NaN, which fmax and fmin are not. */
#define MAX(a, b) wk__max4((a), (b))
#define MIN(a, b) wk__min4((a), (b))
#define WHERE_POSITIVE(x, v) WK__FLOATS(vandq_u32(WK__BITS(v), vcgtzq_f32(x)))
#define SCALE2(v, m) WK__FLOATS(vaddq_u32(WK__BITS(v), vshlq_n_u32(WK__BITS(m), 23)))
/* Of pairs of bf16 numbers: the first and the second of each. */
#define PAIRS_FIRST(p) WK__FLOATS(vshlq_n_u32(vreinterpretq_u32_u16(vld1q_u16(p)), 16))
#define PAIRS_SECOND(p)                                                                            \
    WK__FLOATS(vandq_u32(vreinterpretq_u32_u16(vld1q_u16(p)), vdupq_n_u32(0xffff0000)))

static inline V wk__max4(V a, V b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline V wk__min4(V a, V b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

#endif
