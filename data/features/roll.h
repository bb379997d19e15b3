/* The building blocks of rolling statistics: drift-free sums, exponential means with the weights of
 * pandas' ewm(adjust=True), and sliding extremes by a monotonic deque. All push in O(1). */
#ifndef WICK_DATA_FEATURES_ROLL_H
#define WICK_DATA_FEATURES_ROLL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wick/err.h"

/* A sum in twice the precision (Knuth's TwoSum), so that what left a window leaves no trace in it. */
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

/* Pushes x of step t and returns the maximum over steps t-n+1 .. t; NaN x is left out. */
static inline double wk__deque_push(wk__deque *d, wk__slot *slots, uint32_t n, int64_t t, double x,
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
    return d->head != d->tail ? slots[d->head & mask].value : NAN;
}

static inline double wk__deque_front(const wk__deque *d, const wk__slot *slots, uint32_t n)
{
    return d->head != d->tail ? slots[d->head & (wk__deque_slots(n) - 1)].value : NAN;
}

#endif
