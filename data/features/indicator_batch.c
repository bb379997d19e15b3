/* The state lives in locals, so that the inlined push keeps it in registers. */
#include "data/features/indicator_batch.h"

#define BATCH1(name)                                                                               \
    void wk_ind_##name##_batch(int64_t period, const double *x, size_t n, double *out)             \
    {                                                                                              \
        wk_ind_##name s;                                                                           \
        wk_ind_##name##_init(&s, period);                                                          \
        for (size_t t = 0; t < n; t++)                                                             \
            out[t] = wk_ind_##name##_push(&s, x[t]);                                               \
    }
BATCH1(ema)
BATCH1(sma)
BATCH1(rsi)
BATCH1(roc)

#define BATCH3(name)                                                                               \
    void wk_ind_##name##_batch(int64_t period, const double *h, const double *l, const double *c,  \
                               size_t n, double *out)                                              \
    {                                                                                              \
        wk_ind_##name s;                                                                           \
        wk_ind_##name##_init(&s, period);                                                          \
        for (size_t t = 0; t < n; t++)                                                             \
            out[t] = wk_ind_##name##_push(&s, h[t], l[t], c[t]);                                   \
    }
BATCH3(atr)
BATCH3(willr)
BATCH3(cci)

static inline void put(double *out, size_t t, double value)
{
    if (out)
        out[t] = value;
}

void wk_ind_macd_batch(int64_t fast, int64_t slow, int64_t signal, const double *x, size_t n,
                       double *line, double *signals, double *histogram)
{
    wk_ind_macd s;
    wk_ind_macd_init(&s, fast, slow, signal);
    for (size_t t = 0; t < n; t++) {
        wk_ind_macd_value v = wk_ind_macd_push(&s, x[t]);
        put(line, t, v.line);
        put(signals, t, v.signal);
        put(histogram, t, v.histogram);
    }
}

void wk_ind_bbands_batch(int64_t period, double width, const double *x, size_t n, double *upper,
                         double *middle, double *lower)
{
    wk_ind_bbands s;
    wk_ind_bbands_init(&s, period, width);
    for (size_t t = 0; t < n; t++) {
        wk_ind_bands v = wk_ind_bbands_push(&s, x[t]);
        put(upper, t, v.upper);
        put(middle, t, v.middle);
        put(lower, t, v.lower);
    }
}

void wk_ind_stoch_batch(int64_t period, int64_t slow, int64_t signal, const double *h,
                        const double *l, const double *c, size_t n, double *k, double *d)
{
    wk_ind_stoch s;
    wk_ind_stoch_init(&s, period, slow, signal);
    for (size_t t = 0; t < n; t++) {
        wk_ind_stoch_value v = wk_ind_stoch_push(&s, h[t], l[t], c[t]);
        put(k, t, v.k);
        put(d, t, v.d);
    }
}

void wk_ind_mfi_batch(int64_t period, const double *h, const double *l, const double *c,
                      const double *v, size_t n, double *out)
{
    wk_ind_mfi s;
    wk_ind_mfi_init(&s, period);
    for (size_t t = 0; t < n; t++)
        out[t] = wk_ind_mfi_push(&s, h[t], l[t], c[t], v[t]);
}

void wk_ind_obv_batch(const double *c, const double *v, size_t n, double *out)
{
    wk_ind_obv s;
    wk_ind_obv_init(&s);
    for (size_t t = 0; t < n; t++)
        out[t] = wk_ind_obv_push(&s, c[t], v[t]);
}

void wk_ind_adx_batch(int64_t period, const double *h, const double *l, const double *c, size_t n,
                      double *adx, double *plus, double *minus)
{
    wk_ind_adx s;
    wk_ind_adx_init(&s, period);
    for (size_t t = 0; t < n; t++) {
        wk_ind_adx_value v = wk_ind_adx_push(&s, h[t], l[t], c[t]);
        put(adx, t, v.adx);
        put(plus, t, v.plus);
        put(minus, t, v.minus);
    }
}

void wk_candles_batch(const double *o, const double *h, const double *l, const double *c, size_t n,
                      double *out)
{
    wk_candles s;
    wk_candles_init(&s);
    for (size_t t = 0; t < n; t++)
        wk_candles_push(&s, o[t], h[t], l[t], c[t], out + t * WK_CANDLE_PATTERNS);
}
