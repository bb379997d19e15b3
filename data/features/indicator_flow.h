/* Indicators of money flow and of direction: MFI, OBV, DMI and ADX. As indicator.h. */
#ifndef WICK_DATA_FEATURES_INDICATOR_FLOW_H
#define WICK_DATA_FEATURES_INDICATOR_FLOW_H

#include "data/features/indicator.h"

/* Money flow index, 0 .. 100; 0 where less than one unit of money moved (as TA-Lib). The sums are
 * renewed each time the window has been replaced, so that they cannot drift. */
typedef struct {
    double up_window[WK_IND_PERIOD_MAX], down_window[WK_IND_PERIOD_MAX];
    double up, down, up_renewed, down_renewed;
    double before;
    int64_t n, age, at;
} wk_ind_mfi;

static inline void wk_ind_mfi_init(wk_ind_mfi *m, int64_t n)
{
    WK_ASSERT(n >= 2 && n <= WK_IND_PERIOD_MAX);
    *m = (wk_ind_mfi){.n = n};
}

static inline double wk_ind_mfi_push(wk_ind_mfi *m, double h, double l, double c, double v)
{
    double typical = (h + l + c) / 3, flow = typical * v;
    double up = typical > m->before ? flow : 0.0, down = typical < m->before ? flow : 0.0;
    m->before = typical;
    if (m->age == 0) {
        m->age = 1;
        return NAN;
    }
    m->up += up - m->up_window[m->at];
    m->down += down - m->down_window[m->at];
    m->up_renewed += up;
    m->down_renewed += down;
    m->up_window[m->at] = up;
    m->down_window[m->at] = down;
    if (++m->at == m->n) {
        m->at = 0;
        m->up = m->up_renewed;
        m->down = m->down_renewed;
        m->up_renewed = m->down_renewed = 0;
    }
    m->age += m->age <= m->n;
    if (m->age <= m->n)
        return NAN;
    double all = m->up + m->down;
    return all < 1.0 ? 0.0 : 100 * (m->up / all);
}

static inline double wk_ind_mfi_peek(const wk_ind_mfi *m, double h, double l, double c, double v)
{
    wk_ind_mfi copy = *m;
    return wk_ind_mfi_push(&copy, h, l, c, v);
}

/* On-balance volume; starts at the first bar's volume. */
typedef struct {
    double value, before;
    int64_t age;
} wk_ind_obv;

static inline void wk_ind_obv_init(wk_ind_obv *m)
{
    *m = (wk_ind_obv){0};
}

static inline double wk_ind_obv_push(wk_ind_obv *m, double c, double v)
{
    double rise = m->age == 0 || c > m->before ? v : 0.0, fall = c < m->before ? v : 0.0;
    m->value += m->age == 0 ? v : rise - fall;
    m->age = 1;
    m->before = c;
    return m->value;
}

static inline double wk_ind_obv_peek(const wk_ind_obv *m, double c, double v)
{
    wk_ind_obv copy = *m;
    return wk_ind_obv_push(&copy, c, v);
}

/* Wilder's directional movement: +DI and -DI from bar n on, ADX from bar 2n - 1 on. */
typedef struct {
    double h, l, c;            /* of the bar before */
    double plus, minus, range; /* smoothed sums */
    double adx, share, keep;
    int64_t n, age;
} wk_ind_adx;

typedef struct {
    double adx, plus, minus;
} wk_ind_adx_value;

static inline void wk_ind_adx_init(wk_ind_adx *m, int64_t n)
{
    *m = (wk_ind_adx){.n = n, .share = 1.0 / (double)n, .keep = (double)(n - 1)};
}

static inline wk_ind_adx_value wk_ind_adx_push(wk_ind_adx *m, double h, double l, double c)
{
    wk_ind_adx_value out = {NAN, NAN, NAN};
    double rise = h - m->h, fall = m->l - l, range = wk__true_range(h, l, m->c);
    m->h = h;
    m->l = l;
    m->c = c;
    if (m->age++ == 0)
        return out;
    double plus = rise > 0 && rise > fall ? rise : 0.0,
           minus = fall > 0 && fall > rise ? fall : 0.0;
    double fade = m->age > m->n ? 1.0 - m->share : 1.0;
    m->plus = m->plus * fade + plus;
    m->minus = m->minus * fade + minus;
    m->range = m->range * fade + range;
    if (m->age <= m->n)
        return out;
    double scale = m->range > 0 ? 100 / m->range : 0.0;
    out.plus = m->plus * scale;
    out.minus = m->minus * scale;
    double sum = out.plus + out.minus;
    if (m->age <= 2 * m->n) { /* the first ADX is the mean of n values */
        m->adx += sum > 0 ? 100 * fabs(out.plus - out.minus) / sum * m->share : 0.0;
        if (m->age < 2 * m->n)
            return out;
    } else if (sum > 0) {
        m->adx = (m->adx * m->keep + 100 * fabs(out.plus - out.minus) / sum) * m->share;
    }
    out.adx = m->adx;
    return out;
}

static inline wk_ind_adx_value wk_ind_adx_peek(const wk_ind_adx *m, double h, double l, double c)
{
    wk_ind_adx copy = *m;
    return wk_ind_adx_push(&copy, h, l, c);
}

#endif
