/* Products of training in bf16: operands rounded to 8 bits of mantissa, sums in f32. Either
 * plainly, or as a split that keeps nearly all of f32: x = high + low, both bf16, and three
 * products low * high + high * high + high * low (errors of about 2^-16 of the terms instead of
 * 2^-8).
 *
 * The order of sums is that of the AMX instruction TDPBF16PS (Intel SDM): over the depth in steps
 * of 32, and within one, even and odd places in a chain of fused multiply-adds each from 0, the two
 * added, then added to the sum so far. All tables give its bits when denormals are flushed as
 * training does (kernels/flush.h). Inference never uses these. */
#ifndef WK_NN_LOW_H
#define WK_NN_LOW_H

#include <stdint.h>
#include <string.h>

#include "nn/kernels/ops.h"

enum {
    WK__LOW_DEEP = 32,      /* depth of one step */
    WK__LOW_HALF = 1 << 18, /* numbers of scratch for each half, at least */
    WK__LOW_SPARE = 32 * 16 /* numbers that must be readable after the last weight */
};

/* The packed weights again in pairs of rows: the number of row r (16 numbers each, counted from
 * `base`) and lane n lies beside that of row r + 1, in [0] for even r and in [1] for odd r, because
 * a tap or a panel may begin at either. */
struct wk__low {
    const float *base;
    uint16_t *high[2], *low[2]; /* [n + WK__LOW_SPARE]; low NULL: plain bf16 */
    size_t n;
    uint16_t *scratch; /* of one thread: [2 * n_scratch] */
    size_t n_scratch;
};

/* gemm and gemm_at round their operands; `low` of their arguments must be set, and its `low` halves
 * decide between the plain product and the split. */
typedef struct {
    const char *name;
    void (*gemm)(const wk__gemm *g);
    void (*gemm_at)(const wk__gemm_at *g);
    /* Fills the halves of w from base: its rows from `first` to `end`, both even. */
    void (*pack)(const wk__low *w, size_t first, size_t end);
} wk__low_ops;

extern const wk__low_ops wk__low_ops_c, wk__low_ops_avx2, wk__low_ops_avx512, wk__low_ops_amx,
    wk__low_ops_neon;

/* Table i of those this machine can run, fastest first, NULL after the last. Asks the operating
 * system for the use of AMX the first time. */
const wk__low_ops *wk__low_ops_at(size_t i);

/* Scratch that a product of taps * K <= depth needs, for wk__low.n_scratch. */
static inline size_t wk__low_scratch(size_t depth)
{
    const size_t rows = 32 * depth;
    return rows > WK__LOW_HALF ? rows : WK__LOW_HALF;
}

static inline float wk__bf16_wide(uint16_t v)
{
    const uint32_t u = (uint32_t)v << 16;
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* To nearest, ties to even; denormals become 0 and NaN quiet, as VCVTNE2PS2BF16 does. */
static inline uint16_t wk__bf16(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    const uint32_t size = u & 0x7fffffff;
    if (size < 0x00800000)
        return (uint16_t)(u >> 16 & 0x8000);
    if (size > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#endif
