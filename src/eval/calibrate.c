#include "wick/calibrate.h"

#include <math.h>

#include "wick/err.h"
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
