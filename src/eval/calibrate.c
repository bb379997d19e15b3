#include "wick/calibrate.h"

#include <math.h>
#include <stdlib.h>

#include "wick/arena.h"
#include "wick/math.h"

#define BETA_MIN 0.05 /* 1 / T */
#define BETA_MAX 20.0
#define K_MAX 64

/* A probability of 0 would be an infinite logit that no temperature can soften. */
static double logit_of(float value, int is_probability)
{
    if (!is_probability)
        return (double)value;
    return wk_log((double)value < 1e-7 ? 1e-7 : (double)value);
}

/* softmax(beta * z) of one row. Returns 0 when a logit is NaN. */
static int softmax_row(const float *row, size_t K, double beta, int is_probability, double *z,
                       double *p)
{
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < K; k++) {
        if (isnan(row[k]))
            return 0;
        z[k] = logit_of(row[k], is_probability);
        most = z[k] > most ? z[k] : most;
    }
    for (size_t k = 0; k < K; k++) {
        z[k] -= most;
        p[k] = wk_exp(beta * z[k]);
        sum += p[k];
    }
    for (size_t k = 0; k < K; k++)
        p[k] /= sum;
    return 1;
}

typedef struct {
    const float *z;
    const int8_t *y;
    const float *w;
    size_t n, K;
    int is_probability;
} temperature_data;

/* First and second derivative of the log-loss by beta: sum of E[z] - z_y, and of Var[z]. */
static double loss_slope(const temperature_data *d, double beta, double *curvature)
{
    double slope = 0, bend = 0, z[K_MAX], p[K_MAX];
    for (size_t i = 0; i < d->n; i++) {
        if (d->y[i] < 0 || !softmax_row(d->z + i * d->K, d->K, beta, d->is_probability, z, p))
            continue;
        double mean = 0, square = 0, weight = d->w ? (double)d->w[i] : 1;
        for (size_t k = 0; k < d->K; k++) {
            mean += p[k] * z[k];
            square += p[k] * z[k] * z[k];
        }
        slope += weight * (mean - z[d->y[i]]);
        bend += weight * (square - mean * mean);
    }
    *curvature = bend;
    return slope;
}

/* The loss is convex in beta: Newton inside a bracket that halves whenever a step leaves it. */
static double fit(const temperature_data *d)
{
    WK_ASSERT(d->K >= 2 && d->K <= K_MAX);
    double lo = BETA_MIN, hi = BETA_MAX, beta = 1, bend;
    for (int i = 0; i < 60 && hi - lo > 1e-12 * hi; i++) {
        double slope = loss_slope(d, beta, &bend);
        if (slope == 0)
            break;
        if (slope > 0)
            hi = beta;
        else
            lo = beta;
        double next = bend > 0 ? beta - slope / bend : NAN;
        if (!(next > lo && next < hi))
            next = sqrt(lo * hi);
        if (fabs(next - beta) <= 1e-10 * beta)
            break;
        beta = next;
    }
    return 1 / beta;
}

double wk_temperature_fit(const float *z, const int8_t *y, const float *w, size_t n, size_t K)
{
    return fit(&(temperature_data){z, y, w, n, K, 0});
}

double wk_temperature_fit_probabilities(const float *p, const int8_t *y, const float *w, size_t n,
                                        size_t K)
{
    return fit(&(temperature_data){p, y, w, n, K, 1});
}

static void apply(double T, const float *in, size_t n, size_t K, int is_probability, float *out)
{
    WK_ASSERT(K >= 2 && K <= K_MAX && T > 0);
    double z[K_MAX], p[K_MAX];
    for (size_t i = 0; i < n; i++) {
        int known = softmax_row(in + i * K, K, 1 / T, is_probability, z, p);
        for (size_t k = 0; k < K; k++)
            out[i * K + k] = known ? (float)p[k] : NAN;
    }
}

void wk_temperature_apply(double T, const float *z, size_t n, size_t K, float *p)
{
    apply(T, z, n, K, 0, p);
}

void wk_temperature_apply_probabilities(double T, const float *p, size_t n, size_t K, float *out)
{
    apply(T, p, n, K, 1, out);
}

typedef struct {
    float score;
    uint32_t row;
} scored;

static int compare_scored(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

typedef struct {
    double weight, score, value; /* weighted means */
    float last;                  /* score of the last row: equal scores share a step */
} pool;

static pool merge(pool a, pool b)
{
    double weight = a.weight + b.weight, share = weight > 0 ? b.weight / weight : 0.5;
    return (pool){weight, a.score + share * (b.score - a.score),
                  a.value + share * (b.value - a.value), b.last};
}

size_t wk_isotonic_fit(const float *score, const float *y, const float *w, size_t n,
                       float *step_score, float *step_value)
{
    wk_arena arena;
    wk_arena_init(&arena);
    scored *order = wk_arena_array(&arena, scored, n);
    pool *pools = wk_arena_array(&arena, pool, n);
    size_t kept = 0, m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(score[i]))
            order[kept++] = (scored){score[i], (uint32_t)i};
    qsort(order, kept, sizeof *order, compare_scored);
    for (size_t i = 0; i < kept; i++) {
        uint32_t row = order[i].row;
        pool next = {w ? (double)w[row] : 1, (double)score[row], (double)y[row], score[row]};
        if (m > 0 && pools[m - 1].last == next.last)
            pools[m - 1] = merge(pools[m - 1], next);
        else
            pools[m++] = next;
        /* Only when the run of equal scores is complete may its pool join the one before. */
        if (i + 1 < kept && order[i + 1].score == order[i].score)
            continue;
        while (m > 1 && pools[m - 2].value >= pools[m - 1].value) {
            pools[m - 2] = merge(pools[m - 2], pools[m - 1]);
            m--;
        }
    }
    for (size_t i = 0; i < m; i++) {
        step_score[i] = (float)pools[i].score;
        step_value[i] = (float)pools[i].value;
    }
    wk_arena_finish(&arena);
    return m;
}

float wk_isotonic_apply(const float *step_score, const float *step_value, size_t m, float score)
{
    if (m == 0 || isnan(score))
        return NAN;
    if (score <= step_score[0])
        return step_value[0];
    if (score >= step_score[m - 1])
        return step_value[m - 1];
    size_t lo = 0, hi = m - 1; /* step_score[lo] < score < step_score[hi] */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (step_score[mid] <= score)
            lo = mid;
        else
            hi = mid;
    }
    float share = (score - step_score[lo]) / (step_score[hi] - step_score[lo]);
    return step_value[lo] + share * (step_value[hi] - step_value[lo]);
}
