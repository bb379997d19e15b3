/* One lane: the definition that the vector variants reproduce. */
#ifndef WK_NN_VEC_H
#define WK_NN_VEC_H

#include <stdint.h>
#include <string.h>

#include "nn/real.h"

typedef wk_real V;
enum {
    VW = 1,
    GEMM_ROWS = 4,
    AT_ROWS = 4,
    GEMM_PANELS = 1,
    AT_PANELS = 1,
    DEEP_STEP = 1,
    STEP_PANELS = 1
};
#define GEMM_CASES(X) X(1) X(2) X(3) X(4)
#define FEW_CASES(X) X(4) X(2) X(1)

#define KEEP(v) (void)0
#define LD(p) (*(p))
#define ST(p, v) (*(p) = (v))
#define SET1(x) ((wk_real)(x))
#define FMA(a, b, c) wk__fma((a), (b), (c))
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define DIV(a, b) ((a) / (b))
#define SQRT(x) wk__sqrt(x)
/* 0 where x < b, else v. */
#define WHERE_LESS(x, b, v) ((x) < (b) ? (wk_real)0 : (v))
/* As maxps and minps: the second operand when either is NaN. */
#define MAX(a, b) wk__max1((a), (b))
#define MIN(a, b) wk__min1((a), (b))
/* v where x > 0, else 0. */
#define WHERE_POSITIVE(x, v) ((x) > 0 ? (v) : (wk_real)0)

/* Of pairs of bf16 numbers, low.h: the first and the second of each of VW pairs. */
#define PAIRS_FIRST(p) wk__bf16_wide((p)[0])
#define PAIRS_SECOND(p) wk__bf16_wide((p)[1])

static inline V wk__max1(V a, V b)
{
    return a > b ? a : b;
}

static inline V wk__min1(V a, V b)
{
    return a < b ? a : b;
}

#ifndef WK_NN_REAL_DOUBLE
/* v * 2^n, where n stands in the low bits of `m` (a float of about 1.5 * 2^23). */
#define SCALE2(v, m) wk__scale2((v), (m))
static inline float wk__scale2(float v, float m)
{
    uint32_t a, b;
    memcpy(&a, &v, 4);
    memcpy(&b, &m, 4);
    a += b << 23;
    memcpy(&v, &a, 4);
    return v;
}
#endif

#endif
