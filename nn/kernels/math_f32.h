/* exp, tanh and sigmoid over vectors V, equal bits in every width. NaN in gives NaN out.
 *   exp      at most 2 ULP on [-87, 88], clamped outside (never a denormal or an infinity)
 *   tanh     at most 6 ULP
 *   sigmoid  at most 4 ULP above -87
 * The parts are tanh's numerator and denominator and the sigmoid's denominator: divisions are dear,
 * and a product of two such functions needs one. In the double test build they are wick/math.h's,
 * so that the same layers can be checked to 1e-8.
 */
#ifndef WK_NN_MATH_F32_H
#define WK_NN_MATH_F32_H

#ifdef WK_NN_REAL_DOUBLE

#include "wick/math.h"

static inline V wk__vexp(V x)
{
    return wk_exp(x);
}
static inline V wk__vtanh(V x)
{
    return wk_tanh(x);
}
static inline V wk__vsigmoid(V x)
{
    return wk_sigmoid(x);
}
static inline V wk__vtanh_parts(V x, V *below)
{
    *below = 1;
    return wk_tanh(x);
}
static inline V wk__vsigmoid_below(V x)
{
    return 1 / wk_sigmoid(x);
}

#else

/* x = n ln 2 + r with |r| <= ln 2 / 2; a polynomial in r (Cephes' expf); n goes into the exponent.
 */
static inline V wk__vexp(V x)
{
    x = MIN(SET1(88.0f), MAX(SET1(-87.0f), x));
    V magic = SET1(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    V m = FMA(x, SET1(1.44269504088896341f), magic);
    V n = SUB(m, magic);
    V r = FMA(n, SET1(-0.693359375f), x);
    r = FMA(n, SET1(2.12194440e-4f), r);
    V p = SET1(1.9875691500e-4f);
    p = FMA(p, r, SET1(1.3981999507e-3f));
    p = FMA(p, r, SET1(8.3334519073e-3f));
    p = FMA(p, r, SET1(4.1665795894e-2f));
    p = FMA(p, r, SET1(1.6666665459e-1f));
    p = FMA(p, r, SET1(5.0000001201e-1f));
    p = FMA(p, MUL(r, r), r);
    return SCALE2(ADD(p, SET1(1.0f)), m);
}

/* An odd rational function of degree 13 over 6 (Eigen's coefficients), 1 beyond the clamp. */
static inline V wk__vtanh_parts(V x, V *below)
{
    x = MIN(SET1(7.90531110763549805f), MAX(SET1(-7.90531110763549805f), x));
    V z = MUL(x, x);
    V p = SET1(-2.76076847742355e-16f);
    p = FMA(p, z, SET1(2.00018790482477e-13f));
    p = FMA(p, z, SET1(-8.60467152213735e-11f));
    p = FMA(p, z, SET1(5.12229709037114e-08f));
    p = FMA(p, z, SET1(1.48572235717979e-05f));
    p = FMA(p, z, SET1(6.37261928875436e-04f));
    p = FMA(p, z, SET1(4.89352455891786e-03f));
    V q = SET1(1.19825839466702e-06f);
    q = FMA(q, z, SET1(1.18534705686654e-04f));
    q = FMA(q, z, SET1(2.26843463243900e-03f));
    *below = FMA(q, z, SET1(4.89352518554385e-03f));
    return MUL(p, x);
}

static inline V wk__vsigmoid_below(V x)
{
    return ADD(SET1(1.0f), wk__vexp(SUB(SET1(0.0f), x)));
}

static inline V wk__vtanh(V x)
{
    V below, above = wk__vtanh_parts(x, &below);
    return DIV(above, below);
}

static inline V wk__vsigmoid(V x)
{
    return DIV(SET1(1.0f), wk__vsigmoid_below(x));
}

#endif

#endif
