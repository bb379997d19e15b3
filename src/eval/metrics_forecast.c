#include "wick/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/arena.h"
#include "wick/math.h"

/* A value and where it came from. */
typedef struct {
    float value;
    uint32_t row;
} ranked;

/* Rows decide between equal values, so that the order does not depend on the library's sort. */
static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Average ranks (1 = lowest) of the rows for which keep[i]; rank [n] is written for those only. */
static size_t average_ranks(wk_arena *arena, const float *x, const uint8_t *keep, size_t n,
                            double *rank)
{
    ranked *order = wk_arena_array(arena, ranked, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (keep[i])
            order[kept++] = (ranked){x[i], (uint32_t)i};
    qsort(order, kept, sizeof *order, compare_ranked);
    for (size_t i = 0; i < kept;) {
        size_t j = i + 1;
        while (j < kept && order[j].value == order[i].value)
            j++;
        for (size_t k = i; k < j; k++)
            rank[order[k].row] = 0.5 * (double)(i + 1 + j);
        i = j;
    }
    return kept;
}

static uint8_t *complete_pairs(wk_arena *arena, const float *a, const float *b, size_t n)
{
    uint8_t *keep = wk_arena_array(arena, uint8_t, n);
    for (size_t i = 0; i < n; i++)
        keep[i] = !isnan(a[i]) && !isnan(b[i]);
    return keep;
}

double wk_auc(const float *score, const float *y, size_t n)
{
    wk_arena arena;
    wk_arena_init(&arena);
    uint8_t *keep = complete_pairs(&arena, score, y, n);
    double *rank = wk_arena_array(&arena, double, n);
    size_t kept = average_ranks(&arena, score, keep, n, rank), up = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (keep[i] && y[i] > 0) {
            sum += rank[i];
            up++;
        }
    wk_arena_finish(&arena);
    if (up == 0 || up == kept)
        return NAN;
    double u = (double)up;
    return (sum - u * (u + 1) / 2) / (u * (double)(kept - up));
}

double wk_rank_correlation(const float *a, const float *b, size_t n)
{
    wk_arena arena;
    wk_arena_init(&arena);
    uint8_t *keep = complete_pairs(&arena, a, b, n);
    double *ra = wk_arena_array(&arena, double, n), *rb = wk_arena_array(&arena, double, n);
    size_t kept = average_ranks(&arena, a, keep, n, ra);
    average_ranks(&arena, b, keep, n, rb);
    double middle = 0.5 * (double)(kept + 1), saa = 0, sbb = 0, sab = 0;
    for (size_t i = 0; i < n; i++) {
        if (!keep[i])
            continue;
        double da = ra[i] - middle, db = rb[i] - middle;
        saa += da * da;
        sbb += db * db;
        sab += da * db;
    }
    wk_arena_finish(&arena);
    return saa > 0 && sbb > 0 ? sab / sqrt(saa * sbb) : NAN;
}

double wk_qlike(const float *forecast_vol, const float *realised_vol, size_t n)
{
    double sum = 0;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        double f = (double)forecast_vol[i], v = (double)realised_vol[i];
        /* A bar without any movement has no logarithm: such rows say nothing about the forecast. */
        if (!(f > 0) || !(v > 0))
            continue;
        double ratio = (v / f) * (v / f);
        sum += ratio - wk_log(ratio) - 1;
        used++;
    }
    return used ? sum / (double)used : NAN;
}

double wk_log_loss(const float *p, const int8_t *y, size_t n, size_t K)
{
    double sum = 0;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (y[i] < 0)
            continue;
        double q =
            K == 1 ? (y[i] ? (double)p[i] : 1 - (double)p[i]) : (double)p[i * K + (size_t)y[i]];
        q = q < 1e-7 ? 1e-7 : q > 1 ? 1 : q;
        sum -= wk_log(q);
        used++;
    }
    return used ? sum / (double)used : NAN;
}

double wk_brier(const float *p, const int8_t *y, size_t n, size_t K)
{
    double sum = 0;
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (y[i] < 0)
            continue;
        for (size_t k = 0; k < K; k++) {
            int is_true = K == 1 ? y[i] != 0 : (size_t)y[i] == k;
            double d = (double)p[i * K + k] - (is_true ? 1 : 0);
            sum += d * d;
        }
        used++;
    }
    return used ? sum / (double)used : NAN;
}

static size_t sorted_values(const float *x, size_t n, ranked *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            out[kept++] = (ranked){x[i], (uint32_t)i};
    qsort(out, kept, sizeof *out, compare_ranked);
    return kept;
}

void wk_reliability(const float *p, const int8_t *hit, size_t n, size_t bins, double *said,
                    double *seen, size_t *count)
{
    wk_arena arena;
    wk_arena_init(&arena);
    ranked *order = wk_arena_array(&arena, ranked, n);
    size_t kept = sorted_values(p, n, order);
    for (size_t b = 0; b < bins; b++) {
        size_t from = b * kept / bins, to = (b + 1) * kept / bins;
        double sum = 0, hits = 0;
        for (size_t i = from; i < to; i++) {
            sum += (double)order[i].value;
            hits += hit[order[i].row] ? 1 : 0;
        }
        count[b] = to - from;
        said[b] = to > from ? sum / (double)(to - from) : NAN;
        seen[b] = to > from ? hits / (double)(to - from) : NAN;
    }
    wk_arena_finish(&arena);
}

double wk_ece(const float *p, const int8_t *hit, size_t n, size_t bins)
{
    wk_arena arena;
    wk_arena_init(&arena);
    double *said = wk_arena_array(&arena, double, bins),
           *seen = wk_arena_array(&arena, double, bins);
    size_t *count = wk_arena_array(&arena, size_t, bins), total = 0;
    wk_reliability(p, hit, n, bins, said, seen, count);
    double sum = 0;
    for (size_t b = 0; b < bins; b++) {
        total += count[b];
        sum += count[b] ? (double)count[b] * fabs(said[b] - seen[b]) : 0;
    }
    wk_arena_finish(&arena);
    return total ? sum / (double)total : NAN;
}

void wk_confusion(const float *p, const int8_t *y, size_t n, size_t K, size_t *counts)
{
    memset(counts, 0, K * K * sizeof *counts);
    for (size_t i = 0; i < n; i++) {
        const float *row = p + i * K;
        size_t best = 0, known = 0;
        for (size_t k = 0; k < K; k++) {
            known += !isnan(row[k]);
            best = row[k] > row[best] ? k : best;
        }
        if (y[i] >= 0 && known == K)
            counts[(size_t)y[i] * K + best]++;
    }
}

double wk_wilson_lower(size_t hits, size_t n, double z)
{
    if (n == 0)
        return NAN;
    double count = (double)n, p = (double)hits / count, zz = z * z / count;
    return (p + zz / 2 - z * sqrt(p * (1 - p) / count + zz / (4 * count))) / (1 + zz);
}

/* P(X >= hits) for X binomial(n, p), hits >= 1. log_choose = log C(n, hits). The terms of the
 * shorter side of the peak are summed from the first one on by their ratio. */
static double binomial_upper_tail(size_t hits, size_t n, double p, double log_choose)
{
    double first =
        wk_exp(log_choose + (double)hits * wk_log(p) + (double)(n - hits) * wk_log1p(-p));
    double term = first, sum = first, odds = p / (1 - p);
    for (size_t j = hits; j < n; j++) {
        term *= (double)(n - j) / (double)(j + 1) * odds;
        sum += term;
        if (term < 1e-18 * sum)
            break;
    }
    return sum;
}

double wk_clopper_pearson_lower(size_t hits, size_t n, double alpha)
{
    if (n == 0)
        return NAN;
    if (hits == 0)
        return 0;
    double log_choose = 0;
    for (size_t j = 1; j <= n - hits; j++)
        log_choose += wk_log((double)(hits + j) / (double)j);
    /* The tail grows with p and is above alpha at p = hits / n: halve the interval. */
    double lo = 0, hi = (double)hits / (double)n;
    if (hits == n)
        return wk_exp(wk_log(alpha) / (double)n);
    for (int i = 0; i < 60; i++) {
        double p = 0.5 * (lo + hi);
        if (binomial_upper_tail(hits, n, p, log_choose) < alpha)
            lo = p;
        else
            hi = p;
    }
    return 0.5 * (lo + hi);
}

double wk_psi(const double *expected, const double *actual, size_t bins)
{
    double sum = 0;
    for (size_t b = 0; b < bins; b++) {
        double e = expected[b] < 1e-4 ? 1e-4 : expected[b];
        double a = actual[b] < 1e-4 ? 1e-4 : actual[b];
        sum += (a - e) * wk_log(a / e);
    }
    return bins ? sum : NAN;
}

static void sift_down(float *x, size_t i, size_t n)
{
    float moved = x[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && x[child + 1] > x[child];
        if (!(x[child] > moved))
            break;
        x[i] = x[child];
    }
    x[i] = moved;
}

/* The values that are not NaN, sorted in place: qsort takes as much memory again, and a small box
 * sorts a month of rows. */
static size_t sorted_copy(const float *from, size_t n, float *x)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(from[i]))
            x[kept++] = from[i];
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(x, i, kept);
    for (size_t end = kept; end-- > 1;) {
        float top = x[0];
        x[0] = x[end];
        x[end] = top;
        sift_down(x, 0, end);
    }
    return kept;
}

double wk_ks(const float *a, size_t n, const float *b, size_t m)
{
    wk_arena arena;
    wk_arena_init(&arena);
    float *sa = wk_arena_array(&arena, float, n), *sb = wk_arena_array(&arena, float, m);
    size_t na = sorted_copy(a, n, sa), nb = sorted_copy(b, m, sb), i = 0, j = 0;
    double most = 0;
    while (i < na && j < nb) {
        float x = sa[i] < sb[j] ? sa[i] : sb[j];
        while (i < na && sa[i] == x)
            i++;
        while (j < nb && sb[j] == x)
            j++;
        double gap = fabs((double)i / (double)na - (double)j / (double)nb);
        most = gap > most ? gap : most;
    }
    wk_arena_finish(&arena);
    return na && nb ? most : NAN;
}
