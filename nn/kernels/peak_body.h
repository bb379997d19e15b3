/* What the machine can do at best: fused multiply-adds on registers only, in chains enough to hide
 * their latency. Written over the vector type of the header included before. */
#ifndef WK_NN_PEAK_BODY_H
#define WK_NN_PEAK_BODY_H

static size_t peak(size_t n, wk_real *x)
{
    enum { CHAINS = 12 };
    /* Shrinking towards a fixed point: neither denormals nor infinities, whatever n is. */
    const V a = SET1((wk_real)0.5), b = SET1((wk_real)0.25);
    V v[CHAINS];
    for (size_t j = 0; j < CHAINS; j++)
        v[j] = LD(x + j * VW);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < CHAINS; j++)
            v[j] = FMA(v[j], a, b);
    for (size_t j = 0; j < CHAINS; j++)
        ST(x + j * VW, v[j]);
    return 2 * n * CHAINS * VW;
}

#endif
