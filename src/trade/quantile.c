#include "quantile.h"

#include <string.h>

#define NONE UINT32_MAX
/* Nine bits of mantissa over 64 octaves, 2^-52 to 2^12: what lies outside shares the end buckets.
 */
#define MANTISSA_BITS 9
#define OCTAVES 64
#define BUCKETS ((uint32_t)OCTAVES << MANTISSA_BITS)
#define FIRST_EXPONENT (1023 - 52)

struct wk__pool {
    size_t rows, S, head, n_rows, count; /* head: oldest row */
    int64_t *index;                      /* [rows] */
    double *value;                       /* [rows * S], NaN: no value */
    uint32_t *next, *prev;               /* [rows * S] */
    uint32_t *first, *size;              /* [BUCKETS] */
    double *scratch;                     /* [rows * S] */
};

wk__pool *wk__pool_plan(wk_arena *arena, size_t rows, size_t S)
{
    wk__pool *p = wk_arena_alloc(arena, sizeof *p);
    WK_ASSERT(rows > 0 && S > 0 && rows < NONE / S);
    p->rows = rows;
    p->S = S;
    p->index = wk_arena_array(arena, int64_t, rows);
    p->value = wk_arena_array(arena, double, rows *S);
    p->next = wk_arena_array(arena, uint32_t, rows * S);
    p->prev = wk_arena_array(arena, uint32_t, rows * S);
    p->scratch = wk_arena_array(arena, double, rows *S);
    p->first = wk_arena_array(arena, uint32_t, BUCKETS);
    p->size = wk_arena_array(arena, uint32_t, BUCKETS);
    memset(p->first, 0xff, BUCKETS * sizeof *p->first);
    return p;
}

/* Monotone in the value, which is what makes buckets usable for order statistics. */
static uint32_t bucket_of(double magnitude)
{
    uint64_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    int64_t key =
        (int64_t)(bits >> (52 - MANTISSA_BITS)) - ((int64_t)FIRST_EXPONENT << MANTISSA_BITS);
    return key < 0 ? 0 : key >= BUCKETS ? BUCKETS - 1 : (uint32_t)key;
}

static void drop_oldest(wk__pool *p)
{
    size_t base = p->head * p->S;
    for (size_t s = 0; s < p->S; s++) {
        size_t i = base + s;
        double x = p->value[i];
        if (x != x)
            continue;
        uint32_t b = bucket_of(x);
        if (p->prev[i] == NONE)
            p->first[b] = p->next[i];
        else
            p->next[p->prev[i]] = p->next[i];
        if (p->next[i] != NONE)
            p->prev[p->next[i]] = p->prev[i];
        p->size[b]--;
        p->count--;
    }
    p->head = p->head + 1 == p->rows ? 0 : p->head + 1;
    p->n_rows--;
}

void wk__pool_push(wk__pool *p, int64_t index, const double *magnitudes)
{
    if (p->n_rows == p->rows)
        drop_oldest(p);
    size_t row = p->head + p->n_rows;
    row = row >= p->rows ? row - p->rows : row;
    p->index[row] = index;
    p->n_rows++;
    for (size_t s = 0; s < p->S; s++) {
        size_t i = row * p->S + s;
        double x = magnitudes[s];
        p->value[i] = x;
        if (x != x)
            continue;
        uint32_t b = bucket_of(x);
        p->prev[i] = NONE;
        p->next[i] = p->first[b];
        if (p->first[b] != NONE)
            p->prev[p->first[b]] = (uint32_t)i;
        p->first[b] = (uint32_t)i;
        p->size[b]++;
        p->count++;
    }
}

void wk__pool_drop_before(wk__pool *p, int64_t index)
{
    while (p->n_rows > 0 && p->index[p->head] < index)
        drop_oldest(p);
}

void wk__pool_warm(const wk__pool *p, size_t s, double magnitude)
{
    size_t row = p->head + p->n_rows;
    size_t new = (row >= p->rows ? row - p->rows : row) * p->S + s, old = p->head * p->S + s;
    const size_t at[] = {new, old};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        __builtin_prefetch(&p->value[at[i]], 1);
        __builtin_prefetch(&p->next[at[i]], 1);
        __builtin_prefetch(&p->prev[at[i]], 1);
    }
    double values[] = {p->value[old], magnitude};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (values[i] != values[i])
            continue;
        uint32_t b = bucket_of(values[i]);
        __builtin_prefetch(&p->first[b], 1);
        __builtin_prefetch(&p->size[b], 1);
    }
}

size_t wk__pool_count(const wk__pool *p)
{
    return p->count;
}

/* The k-th smallest of v[n], by three-way partitions around the median of three; reorders v. */
static double select_kth(double *v, size_t n, size_t k)
{
    size_t lo = 0, hi = n; /* [lo, hi) holds the answer */
    while (hi - lo > 1) {
        double a = v[lo], b = v[lo + (hi - lo) / 2], c = v[hi - 1];
        double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        size_t less = lo, i = lo, more = hi;
        while (i < more) {
            double x = v[i];
            if (x < pivot) {
                v[i++] = v[less];
                v[less++] = x;
            } else if (x > pivot) {
                v[i] = v[--more];
                v[more] = x;
            } else {
                i++;
            }
        }
        if (k < less)
            hi = less;
        else if (k >= more)
            lo = more;
        else
            return pivot;
    }
    return v[lo];
}

/* The k-th largest of the pool, k from 0. Tails are short from above, so the search starts there.
 */
static double kth_largest(wk__pool *p, size_t k)
{
    uint32_t b = BUCKETS;
    size_t above = 0;
    do {
        b--;
        above += p->size[b];
    } while (above <= k);
    size_t n = 0;
    for (uint32_t i = p->first[b]; i != NONE; i = p->next[i])
        p->scratch[n++] = p->value[i];
    return select_kth(p->scratch, n, above - 1 - k);
}

double wk__pool_quantile(wk__pool *p, double q)
{
    WK_ASSERT(p->count > 0 && q >= 0.0 && q <= 1.0);
    double at = q * (double)(p->count - 1);
    size_t lo = (size_t)at;
    double t = at - (double)lo;
    double a = kth_largest(p, p->count - 1 - lo);
    if (t == 0.0 || lo + 1 == p->count)
        return a;
    double b = kth_largest(p, p->count - 2 - lo);
    /* The two forms of numpy's lerp, for equal bits. */
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1.0 - t);
}
