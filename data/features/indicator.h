/* The classic indicators, bar by bar, with TA-Lib's values (its defaults: classic compatibility, no
 * unstable period; candle settings as shipped).
 *
 * Each is a small struct: wk_ind_x_init (periods), wk_ind_x_push (a closed bar; returns the value,
 * NaN before the look-back is over), wk_ind_x_peek (the same for an unfinished bar, no change). The
 * batch forms in indicator_batch.h are loops over the same push. No allocation, never fails;
 * periods are 2 .. WK_IND_PERIOD_MAX where a window is kept, any for the exponential ones. Inputs
 * are finite. Source: TA-Lib 0.4/0.6, ta_func; Wilder, New Concepts in Technical Trading Systems
 * (1978). */
#ifndef WICK_DATA_FEATURES_INDICATOR_H
#define WICK_DATA_FEATURES_INDICATOR_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "data/features/roll.h"

enum { WK_IND_PERIOD_MAX = 64 };

/* wk_ind_<name>_peek for an indicator of one price / of a bar: a push into a copy. */
#define WK__IND_PEEK1(name, type)                                                                  \
    static inline double wk_ind_##name##_peek(const wk_ind_##name *self, double x)                 \
    {                                                                                              \
        wk_ind_##name copy = *self;                                                                \
        return wk_ind_##name##_push(&copy, x);                                                     \
    }
#define WK__IND_PEEK3(name)                                                                        \
    static inline double wk_ind_##name##_peek(const wk_ind_##name *self, double h, double l,       \
                                              double c)                                            \
    {                                                                                              \
        wk_ind_##name copy = *self;                                                                \
        return wk_ind_##name##_push(&copy, h, l, c);                                               \
    }

/* Exponential mean, seeded with the plain mean of its first n values; factor 2 / (n + 1). */
typedef struct {
    double k, keep, value, seed;
    int64_t n, age;
} wk_ind_ema;

static inline void wk_ind_ema_init(wk_ind_ema *e, int64_t n)
{
    double k = 2.0 / (double)(n + 1);
    *e = (wk_ind_ema){.k = k, .keep = 1 - k, .n = n};
}

static inline double wk_ind_ema_push(wk_ind_ema *e, double x)
{
    if (e->age >= e->n) {
        return e->value = e->value * e->keep + x * e->k;
    }
    e->seed += x;
    if (++e->age < e->n)
        return NAN;
    return e->value = e->seed / (double)e->n;
}
WK__IND_PEEK1(ema, wk_ind_ema)

/* Wilder's relative strength, 0 .. 100. */
typedef struct {
    double up, down, before, share, keep;
    int64_t n, age;
} wk_ind_rsi;

static inline void wk_ind_rsi_init(wk_ind_rsi *r, int64_t n)
{
    *r = (wk_ind_rsi){.n = n, .share = 1.0 / (double)n, .keep = 1.0 - 1.0 / (double)n};
}

static inline double wk_ind_rsi_push(wk_ind_rsi *r, double x)
{
    double d = x - r->before, up = d > 0 ? d : 0.0, down = d < 0 ? -d : 0.0;
    r->before = x;
    if (r->age <= r->n) {
        r->age++;
        if (r->age == 1)
            return NAN;
        r->up += up;
        r->down += down;
        if (r->age <= r->n)
            return NAN;
        r->up *= r->share;
        r->down *= r->share;
    } else {
        r->up = r->up * r->keep + up * r->share;
        r->down = r->down * r->keep + down * r->share;
    }
    double sum = r->up + r->down;
    return sum > 0 ? 100 * (r->up / sum) : 0.0;
}
WK__IND_PEEK1(rsi, wk_ind_rsi)

/* Moving average convergence; the signal and the histogram start with the signal's look-back, and
 * the line is NaN until then, as TA-Lib cuts it. The fast mean is seeded so that both start
 * together. */
typedef struct {
    wk_ind_ema fast, slow, signal;
    int64_t skip; /* bars before the fast mean starts */
} wk_ind_macd;

typedef struct {
    double line, signal, histogram;
} wk_ind_macd_value;

static inline void wk_ind_macd_init(wk_ind_macd *m, int64_t fast, int64_t slow, int64_t signal)
{
    wk_ind_ema_init(&m->fast, fast);
    wk_ind_ema_init(&m->slow, slow);
    wk_ind_ema_init(&m->signal, signal);
    m->skip = slow - fast;
}

static inline wk_ind_macd_value wk_ind_macd_push(wk_ind_macd *m, double x)
{
    double slow = wk_ind_ema_push(&m->slow, x), fast = NAN;
    if (m->skip > 0)
        m->skip--;
    else
        fast = wk_ind_ema_push(&m->fast, x);
    double line = fast - slow;
    if (line != line)
        return (wk_ind_macd_value){NAN, NAN, NAN};
    double signal = wk_ind_ema_push(&m->signal, line);
    return (wk_ind_macd_value){signal == signal ? line : NAN, signal, line - signal};
}

static inline wk_ind_macd_value wk_ind_macd_peek(const wk_ind_macd *m, double x)
{
    wk_ind_macd copy = *m;
    return wk_ind_macd_push(&copy, x);
}

/* Bollinger bands: plain mean, and width times the population deviation. Sums are of values less a
 * level; both are renewed each time the window has been replaced (index 1 gathers what index 0 will
 * be), so that neither drift nor a far level costs digits. */
typedef struct {
    double window[WK_IND_PERIOD_MAX], width, share;
    double level[2], sum[2], square[2];
    int64_t n, age, at;
} wk_ind_bbands;

typedef struct {
    double upper, middle, lower;
} wk_ind_bands;

static inline void wk_ind_bbands_init(wk_ind_bbands *b, int64_t n, double width)
{
    WK_ASSERT(n >= 2 && n <= WK_IND_PERIOD_MAX);
    *b = (wk_ind_bbands){.width = width, .share = 1.0 / (double)n, .n = n};
}

static inline wk_ind_bands wk_ind_bbands_push(wk_ind_bbands *b, double x)
{
    if (b->at == 0) {
        bool first = b->age == 0;
        b->level[0] = first ? x : b->level[1];
        b->sum[0] = b->sum[1];
        b->square[0] = b->square[1];
        b->level[1] = x;
        b->sum[1] = b->square[1] = 0;
    }
    double d = x - b->level[0], f = x - b->level[1];
    double e = b->age < b->n ? 0.0 : b->window[b->at] - b->level[0];
    b->window[b->at] = x;
    b->at = b->at + 1 == b->n ? 0 : b->at + 1;
    b->age += b->age < b->n;
    b->sum[0] += d - e;
    b->square[0] += d * d - e * e;
    b->sum[1] += f;
    b->square[1] += f * f;
    if (b->age < b->n)
        return (wk_ind_bands){NAN, NAN, NAN};
    double mean = b->sum[0] * b->share, variance = b->square[0] * b->share - mean * mean;
    double half = variance > 0 ? b->width * sqrt(variance) : 0.0, middle = mean + b->level[0];
    return (wk_ind_bands){middle + half, middle, middle - half};
}

static inline wk_ind_bands wk_ind_bbands_peek(const wk_ind_bbands *b, double x)
{
    wk_ind_bbands copy = *b;
    return wk_ind_bbands_push(&copy, x);
}

static inline double wk__true_range(double h, double l, double close_before)
{
    double a = h - l, b = fabs(h - close_before), c = fabs(l - close_before);
    a = b > a ? b : a;
    return c > a ? c : a;
}

/* Wilder's average true range. */
typedef struct {
    double value, before, share, keep;
    int64_t n, age;
} wk_ind_atr;

static inline void wk_ind_atr_init(wk_ind_atr *a, int64_t n)
{
    *a = (wk_ind_atr){.n = n, .share = 1.0 / (double)n, .keep = 1.0 - 1.0 / (double)n};
}

static inline double wk_ind_atr_push(wk_ind_atr *a, double h, double l, double c)
{
    double range = wk__true_range(h, l, a->before);
    a->before = c;
    if (a->age > a->n)
        return a->value = a->value * a->keep + range * a->share;
    if (a->age++ == 0)
        return NAN;
    a->value += range;
    if (a->age <= a->n)
        return NAN;
    return a->value *= a->share;
}
WK__IND_PEEK3(atr)

/* The largest of the last n values (van Herk): of this block so far, and of what the block before
 * it still lends. `block` holds this block's values below `at` and, from there on, running maxima
 * of the block before taken from its end. */
typedef struct {
    double block[WK_IND_PERIOD_MAX + 1], so_far;
    int64_t n, age, at;
} wk__ind_highest;

static inline void wk__ind_highest_init(wk__ind_highest *w, int64_t n)
{
    WK_ASSERT(n >= 1 && n <= WK_IND_PERIOD_MAX);
    *w = (wk__ind_highest){.n = n, .so_far = -INFINITY};
    for (int i = 0; i <= WK_IND_PERIOD_MAX; i++)
        w->block[i] = -INFINITY;
}

static inline double wk__ind_highest_push(wk__ind_highest *w, double x)
{
    w->so_far = x > w->so_far ? x : w->so_far;
    w->block[w->at++] = x;
    w->age += w->age < w->n;
    double lent = w->block[w->at], top = w->so_far > lent ? w->so_far : lent;
    if (w->at == w->n) {
        w->at = 0;
        w->so_far = -INFINITY;
        for (int64_t i = w->n - 2; i >= 0; i--)
            w->block[i] = w->block[i] > w->block[i + 1] ? w->block[i] : w->block[i + 1];
    }
    return top;
}

/* A plain mean. The sum is renewed each time the window has been replaced, so that it cannot drift.
 */
typedef struct {
    double window[WK_IND_PERIOD_MAX], share, sum, renewed;
    int64_t n, age, at;
} wk_ind_sma;

static inline void wk_ind_sma_init(wk_ind_sma *m, int64_t n)
{
    WK_ASSERT(n >= 1 && n <= WK_IND_PERIOD_MAX);
    *m = (wk_ind_sma){.n = n, .share = 1.0 / (double)n};
}

static inline double wk_ind_sma_push(wk_ind_sma *m, double x)
{
    m->sum += x - m->window[m->at];
    m->renewed += x;
    m->window[m->at] = x;
    if (++m->at == m->n) {
        m->at = 0;
        m->sum = m->renewed;
        m->renewed = 0;
    }
    if (m->age + 1 < m->n) {
        m->age++;
        return NAN;
    }
    return m->sum * m->share;
}
WK__IND_PEEK1(sma, wk_ind_sma)

/* Stochastic oscillator: %K smoothed by a plain mean, and its own plain mean %D. */
typedef struct {
    wk__ind_highest high, low;
    wk_ind_sma slow, signal;
} wk_ind_stoch;

typedef struct {
    double k, d;
} wk_ind_stoch_value;

static inline void wk_ind_stoch_init(wk_ind_stoch *s, int64_t n, int64_t slow, int64_t signal)
{
    wk__ind_highest_init(&s->high, n);
    wk__ind_highest_init(&s->low, n);
    wk_ind_sma_init(&s->slow, slow);
    wk_ind_sma_init(&s->signal, signal);
}

static inline wk_ind_stoch_value wk_ind_stoch_push(wk_ind_stoch *s, double h, double l, double c)
{
    double top = wk__ind_highest_push(&s->high, h), bottom = -wk__ind_highest_push(&s->low, -l);
    if (s->high.age < s->high.n)
        return (wk_ind_stoch_value){NAN, NAN};
    double k = wk_ind_sma_push(&s->slow, top > bottom ? 100 * (c - bottom) / (top - bottom) : 0.0);
    if (k != k)
        return (wk_ind_stoch_value){NAN, NAN};
    double d = wk_ind_sma_push(&s->signal, k);
    return (wk_ind_stoch_value){d == d ? k : NAN, d};
}

static inline wk_ind_stoch_value wk_ind_stoch_peek(const wk_ind_stoch *s, double h, double l,
                                                   double c)
{
    wk_ind_stoch copy = *s;
    return wk_ind_stoch_push(&copy, h, l, c);
}

/* Williams %R, -100 .. 0. */
typedef struct {
    wk__ind_highest high, low;
} wk_ind_willr;

static inline void wk_ind_willr_init(wk_ind_willr *w, int64_t n)
{
    wk__ind_highest_init(&w->high, n);
    wk__ind_highest_init(&w->low, n);
}

static inline double wk_ind_willr_push(wk_ind_willr *w, double h, double l, double c)
{
    double top = wk__ind_highest_push(&w->high, h), bottom = -wk__ind_highest_push(&w->low, -l);
    if (w->high.age < w->high.n)
        return NAN;
    return top > bottom ? -100 * (top - c) / (top - bottom) : 0.0;
}
WK__IND_PEEK3(willr)

/* Commodity channel index: distance of the typical price to its mean over .015 mean deviations. */
typedef struct {
    double window[WK_IND_PERIOD_MAX];
    wk__sum sum;
    int64_t n, age, at;
} wk_ind_cci;

static inline void wk_ind_cci_init(wk_ind_cci *m, int64_t n)
{
    WK_ASSERT(n >= 2 && n <= WK_IND_PERIOD_MAX);
    *m = (wk_ind_cci){.n = n};
}

static inline double wk_ind_cci_push(wk_ind_cci *m, double h, double l, double c)
{
    double x = (h + l + c) / 3;
    wk__sum_add(&m->sum, x);
    if (m->age >= m->n)
        wk__sum_add(&m->sum, -m->window[m->at]);
    else
        m->age++;
    m->window[m->at] = x;
    m->at = m->at + 1 == m->n ? 0 : m->at + 1;
    if (m->age < m->n)
        return NAN;
    double n = (double)m->n, mean = wk__sum_value(&m->sum) / n, part[2] = {0, 0};
    for (int64_t i = 0; i + 1 < m->n; i += 2) {
        part[0] += fabs(m->window[i] - mean);
        part[1] += fabs(m->window[i + 1] - mean);
    }
    if (m->n % 2)
        part[0] += fabs(m->window[m->n - 1] - mean);
    double deviation = part[0] + part[1];
    return x - mean != 0 && deviation != 0 ? (x - mean) / (0.015 * (deviation / n)) : 0.0;
}
WK__IND_PEEK3(cci)

/* Rate of change in percent. */
typedef struct {
    double window[WK_IND_PERIOD_MAX];
    int64_t n, age, at;
} wk_ind_roc;

static inline void wk_ind_roc_init(wk_ind_roc *m, int64_t n)
{
    WK_ASSERT(n >= 1 && n <= WK_IND_PERIOD_MAX);
    *m = (wk_ind_roc){.n = n};
}

static inline double wk_ind_roc_push(wk_ind_roc *m, double x)
{
    double old = m->window[m->at];
    m->window[m->at] = x;
    m->at = m->at + 1 == m->n ? 0 : m->at + 1;
    if (m->age < m->n) {
        m->age++;
        return NAN;
    }
    return old != 0 ? (x / old - 1) * 100 : 0.0;
}
WK__IND_PEEK1(roc, wk_ind_roc)

#endif
