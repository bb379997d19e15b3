/* The building blocks of rolling statistics: drift-free sums, exponential means with the weights of
 * pandas' ewm(adjust=True), and sliding extremes by a monotonic deque. All push in O(1). */
#ifndef WICK_DATA_FEATURES_ROLL_H
#define WICK_DATA_FEATURES_ROLL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wick/err.h"

/* A sum in twice the precision (Knuth's TwoSum), so that what left a window leaves no trace in it.
 */
typedef struct {
    double hi, lo;
} wk__sum;

static inline void wk__sum_add(wk__sum *a, double x)
{
    double s = a->hi + x;
    double b = s - a->hi;
    a->lo += (a->hi - (s - b)) + (x - b);
    a->hi = s;
}

static inline double wk__sum_value(const wk__sum *a)
{
    return a->hi + a->lo;
}

/* Many sums at once: in[i] enters and out[i] leaves; NaN counts as nothing. */
static inline void wk__sums_slide(double *restrict hi, double *restrict lo,
                                  const double *restrict in, const double *restrict out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = in[i] == in[i] ? in[i] : 0.0, y = out[i] == out[i] ? -out[i] : 0.0;
        double s = hi[i] + x, b = s - hi[i];
        double error = (hi[i] - (s - b)) + (x - b);
        double u = s + y, d = u - s;
        lo[i] += error + ((s - (u - d)) + (y - d));
        hi[i] = u;
    }
}

/* NaN counts as nothing in a sum; whether the window is whole is tracked by its owner. */
static inline double wk__or_zero(double x)
{
    return x == x ? x : 0.0;
}

/* An exponential mean: num / den with weights keep^age. An absent value only ages the others. */
typedef struct {
    double num, den;
} wk__ewm;

static inline void wk__ewm_push(wk__ewm *e, double keep, double x)
{
    e->num *= keep;
    e->den *= keep;
    if (x == x) {
        e->num += x;
        e->den += 1.0;
    }
}

/* NaN before the first value. */
static inline double wk__ewm_value(const wk__ewm *e)
{
    return e->den > 0 ? e->num / e->den : NAN;
}

/* The factor of a span, as pandas: alpha = 2 / (span + 1). */
static inline double wk__span_keep(double span)
{
    return 1.0 - 2.0 / (span + 1.0);
}

/* What a peek must put back: memory outside the state blocks that a push has written. */
typedef struct {
    size_t n, cap;
    struct {
        void *at;
        double old[2];
    } * entries;
} wk__undo;

static inline void wk__undo_log(wk__undo *undo, void *at)
{
    if (!undo)
        return;
    WK_ASSERT(undo->n < undo->cap);
    undo->entries[undo->n].at = at;
    memcpy(undo->entries[undo->n++].old, at, sizeof undo->entries[0].old);
}

/* Sliding maximum over the last n pushes (a minimum is the negated maximum of negated values). The
 * slots form a ring of 2^k > n entries whose values fall from head to tail. */
typedef struct {
    double value;
    int64_t t;
} wk__slot;

typedef struct {
    uint32_t head, tail;
} wk__deque;

static inline uint32_t wk__deque_slots(uint32_t n)
{
    uint32_t cap = 2;
    while (cap <= n)
        cap *= 2;
    return cap;
}

/* Pushes x of step t; NaN is left out. */
static inline void wk__deque_push(wk__deque *d, wk__slot *slots, uint32_t n, int64_t t, double x,
                                  wk__undo *undo)
{
    uint32_t mask = wk__deque_slots(n) - 1;
    while (d->head != d->tail && slots[d->head & mask].t <= t - (int64_t)n)
        d->head++;
    if (x == x) {
        while (d->head != d->tail && slots[(d->tail - 1) & mask].value <= x)
            d->tail--;
        wk__slot *slot = &slots[d->tail++ & mask];
        wk__undo_log(undo, slot);
        slot->value = x;
        slot->t = t;
    }
}

/* The maximum over the last n <= cap steps (t is the newest), by bisection among what is left. */
static inline double wk__deque_over(const wk__deque *d, const wk__slot *slots, uint32_t cap,
                                    int64_t t, int64_t n)
{
    uint32_t mask = wk__deque_slots(cap) - 1, lo = d->head, hi = d->tail;
    if (n >= (int64_t)cap)
        hi = lo; /* the push has dropped what is older */
    while (lo != hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (slots[mid & mask].t > t - n)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo != d->tail ? slots[lo & mask].value : NAN;
}

/* True when the newest step (just pushed) holds the maximum of the last n steps, ties included. */
static inline bool wk__deque_newest_leads(const wk__deque *d, const wk__slot *slots, uint32_t cap,
                                          int64_t t, int64_t n)
{
    uint32_t mask = wk__deque_slots(cap) - 1;
    if (d->head == d->tail || slots[(d->tail - 1) & mask].t != t)
        return false;
    return d->tail - d->head == 1 || slots[(d->tail - 2) & mask].t <= t - n;
}

/* Mean and variance over the last n pushes. Values are taken from a reference that is renewed every
 * n pushes (set 1 gathers what set 0 will be), so that neither level nor drift costs digits. */
typedef struct {
    double ref[2], sum[2], square[2];
    int64_t age;
} wk__moments;

/* x enters, `old` (n pushes back, NaN where there was none) leaves; NaN counts as nothing. */
static inline void wk__moments_push(wk__moments *m, int64_t n, double x, double old)
{
    if (m->age % n == 0) {
        m->ref[0] = m->age ? m->ref[1] : wk__or_zero(x);
        m->sum[0] = m->sum[1];
        m->square[0] = m->square[1];
        m->ref[1] = wk__or_zero(x);
        m->sum[1] = m->square[1] = 0;
    }
    m->age++;
    for (int k = 0; k < 2; k++) {
        double d = wk__or_zero(x - m->ref[k]), e = k ? 0.0 : wk__or_zero(old - m->ref[k]);
        m->sum[k] += d - e;
        m->square[k] += d * d - e * e;
    }
}

static inline double wk__moments_mean(const wk__moments *m, int64_t n)
{
    return m->ref[0] + m->sum[0] / (double)n;
}

/* The sample deviation. */
static inline double wk__moments_deviation(const wk__moments *m, int64_t n)
{
    double v = (m->square[0] - m->sum[0] * m->sum[0] / (double)n) / (double)(n - 1);
    return v > 0 ? sqrt(v) : 0.0;
}

/* The correlations of x with y and with z over the last n pushes, centred likewise. */
typedef struct {
    wk__moments x, y, z;
    double xy[2], xz[2];
} wk__comoments;

static inline void wk__comoments_push(wk__comoments *m, int64_t n, double x, double y, double z,
                                      double x_old, double y_old, double z_old)
{
    if (m->x.age % n == 0) {
        m->xy[0] = m->xy[1];
        m->xz[0] = m->xz[1];
        m->xy[1] = m->xz[1] = 0;
    }
    wk__moments_push(&m->x, n, x, x_old);
    wk__moments_push(&m->y, n, y, y_old);
    wk__moments_push(&m->z, n, z, z_old);
    for (int k = 0; k < 2; k++) {
        double d = x - m->x.ref[k];
        m->xy[k] += wk__or_zero(d * (y - m->y.ref[k]));
        m->xz[k] += wk__or_zero(d * (z - m->z.ref[k]));
    }
    double e = x_old - m->x.ref[0];
    m->xy[0] -= wk__or_zero(e * (y_old - m->y.ref[0]));
    m->xz[0] -= wk__or_zero(e * (z_old - m->z.ref[0]));
}

/* Of x with y (which = 0) or z (1); NaN where one of them is constant. */
static inline double wk__comoments_correlation(const wk__comoments *m, int which, int64_t n)
{
    const wk__moments *x = &m->x, *y = which ? &m->z : &m->y;
    double share = 1 / (double)n, product = which ? m->xz[0] : m->xy[0];
    double cov = product - x->sum[0] * y->sum[0] * share;
    double vx = x->square[0] - x->sum[0] * x->sum[0] * share;
    double vy = y->square[0] - y->sum[0] * y->sum[0] * share;
    return vx > 0 && vy > 0 ? cov / sqrt(vx * vy) : NAN;
}

#endif
