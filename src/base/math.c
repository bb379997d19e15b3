#include "wick/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static double from_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static uint64_t to_bits(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static const double LN2_HI = 6.93147180369123816490e-01, LN2_LO = 1.90821492927058770002e-10;

/* 2^k for k in [-1074, 1023], gradual underflow included. */
static double scale_by_power_of_two(double x, int k)
{
    if (k < -1022)
        return x * from_bits((uint64_t)(k + 54 + 1023) << 52) * 0x1p-54;
    if (k > 1023)
        return x * 0x1p1023 * from_bits((uint64_t)(k - 1023 + 1023) << 52);
    return x * from_bits((uint64_t)(k + 1023) << 52);
}

/* exp(r) - 1 for |r| <= ln(2)/2 by the Taylor series to r^13: truncation below 1e-17 relative. */
static double expm1_small(double r)
{
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return r + r * r * p;
}

/* Splits x = k ln2 + r; returns exp(r) - 1. */
static double reduce_exp(double x, int *k)
{
    double kd = x * 1.44269504088896338700;
    kd = kd < 0 ? (double)(int)(kd - 0.5) : (double)(int)(kd + 0.5);
    *k = (int)kd;
    double r = (x - kd * LN2_HI) - kd * LN2_LO;
    return expm1_small(r);
}

double wk_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.782712893383973096)
        return INFINITY;
    if (x < -745.2)
        return 0.0;
    int k;
    double e = reduce_exp(x, &k);
    return scale_by_power_of_two(1.0 + e, k);
}

double wk_expm1(double x)
{
    if (x != x || x > 0.3 || x < -0.3)
        return wk_exp(x) - 1.0;
    return expm1_small(x);
}

/* log(1 + f) - f + f^2/2 for 1 + f in [sqrt(1/2), sqrt(2)], by atanh series in s = f / (2 + f). */
static double log_core(double f)
{
    double s = f / (2.0 + f), z = s * s;
    double p = 2.0 / 27.0;
    p = p * z + 2.0 / 25.0;
    p = p * z + 2.0 / 23.0;
    p = p * z + 2.0 / 21.0;
    p = p * z + 2.0 / 19.0;
    p = p * z + 2.0 / 17.0;
    p = p * z + 2.0 / 15.0;
    p = p * z + 2.0 / 13.0;
    p = p * z + 2.0 / 11.0;
    p = p * z + 2.0 / 9.0;
    p = p * z + 2.0 / 7.0;
    p = p * z + 2.0 / 5.0;
    p = p * z + 2.0 / 3.0;
    double half_square = 0.5 * f * f;
    /* log(1+f) = f - f^2/2 + s (f^2/2 + z p) */
    return s * (half_square + z * p) - half_square;
}

double wk_log(double x)
{
    if (x != x || x == INFINITY)
        return x;
    if (x < 0)
        return NAN;
    if (x == 0)
        return -INFINITY;
    int k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t u = to_bits(x);
    k += (int)(u >> 52) - 1023;
    u = (u & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    double m = from_bits(u);
    if (m > 1.41421356237309504880) {
        m *= 0.5;
        k++;
    }
    double f = m - 1.0, kd = (double)k;
    return kd * LN2_HI + (f + (log_core(f) + kd * LN2_LO));
}

double wk_log1p(double x)
{
    if (x > -0.25 && x < 0.4)
        return x + log_core(x);
    return wk_log(1.0 + x);
}

double wk_tanh(double x)
{
    if (x != x)
        return x;
    if (x > 22.0)
        return 1.0;
    if (x < -22.0)
        return -1.0;
    double e = wk_expm1(2.0 * x);
    return e / (e + 2.0);
}

double wk_sigmoid(double x)
{
    if (x >= 0)
        return 1.0 / (1.0 + wk_exp(-x));
    double e = wk_exp(x);
    return e / (1.0 + e);
}

/* Cody-Waite reduction by pi/2 in three parts, then the Taylor polynomials on [-pi/4, pi/4]. */
static double sin_core(double r)
{
    double z = r * r, p = -1.0 / 1307674368000.0;
    p = p * z + 1.0 / 6227020800.0;
    p = p * z - 1.0 / 39916800.0;
    p = p * z + 1.0 / 362880.0;
    p = p * z - 1.0 / 5040.0;
    p = p * z + 1.0 / 120.0;
    p = p * z - 1.0 / 6.0;
    return r + r * z * p;
}

static double cos_core(double r)
{
    double z = r * r, p = 1.0 / 20922789888000.0;
    p = p * z - 1.0 / 87178291200.0;
    p = p * z + 1.0 / 479001600.0;
    p = p * z - 1.0 / 3628800.0;
    p = p * z + 1.0 / 40320.0;
    p = p * z - 1.0 / 720.0;
    p = p * z + 1.0 / 24.0;
    return 1.0 - 0.5 * z + z * z * p;
}

static double reduce_trig(double x, int *quadrant)
{
    double kd = x * 0.63661977236758134308;
    long k = (long)(kd < 0 ? kd - 0.5 : kd + 0.5);
    double n = (double)k;
    double r = x - n * 1.57079632673412561417e+00;
    r -= n * 6.07710050630396597660e-11;
    r -= n * 2.02226624879595063154e-21;
    *quadrant = (int)(k & 3);
    return r;
}

double wk_sin(double x)
{
    if (!(x > -1e6 && x < 1e6))
        return NAN;
    int q;
    double r = reduce_trig(x, &q);
    double v = (q & 1) ? cos_core(r) : sin_core(r);
    return (q & 2) ? -v : v;
}

double wk_cos(double x)
{
    if (!(x > -1e6 && x < 1e6))
        return NAN;
    int q;
    double r = reduce_trig(x, &q);
    double v = (q & 1) ? sin_core(r) : cos_core(r);
    return (q == 1 || q == 2) ? -v : v;
}

double wk_pow(double x, double y)
{
    if (y == (double)(int)y && y > -64 && y < 64) {
        int n = (int)y, m = n < 0 ? -n : n;
        double v = 1.0, base = x;
        for (; m; m >>= 1) {
            if (m & 1)
                v *= base;
            base *= base;
        }
        return n < 0 ? 1.0 / v : v;
    }
    if (x == 0)
        return y > 0 ? 0.0 : INFINITY;
    return wk_exp(y * wk_log(x));
}

/* Upper tail of the normal distribution by West's double-precision form of Hart's algorithm 5666.
 */
double wk_normal_cdf(double x)
{
    if (x != x)
        return x;
    double a = x < 0 ? -x : x, tail;
    if (a > 37) {
        tail = 0;
    } else {
        double e = wk_exp(-0.5 * a * a);
        if (a < 7.07106781186547) {
            double n = 3.52624965998911e-02 * a + 0.700383064443688;
            n = n * a + 6.37396220353165;
            n = n * a + 33.912866078383;
            n = n * a + 112.079291497871;
            n = n * a + 221.213596169931;
            n = n * a + 220.206867912376;
            double d = 8.83883476483184e-02 * a + 1.75566716318264;
            d = d * a + 16.064177579207;
            d = d * a + 86.7807322029461;
            d = d * a + 296.564248779674;
            d = d * a + 637.333633378831;
            d = d * a + 793.826512519948;
            d = d * a + 440.413735824752;
            tail = e * n / d;
        } else {
            double d = a + 0.65;
            d = a + 4.0 / d;
            d = a + 3.0 / d;
            d = a + 2.0 / d;
            d = a + 1.0 / d;
            tail = e / (d * 2.506628274631);
        }
    }
    return x > 0 ? 1.0 - tail : tail;
}

static double ratio(const double num[8], const double den[8], double r)
{
    double n = num[7], d = den[7];
    for (int i = 6; i >= 0; i--) {
        n = n * r + num[i];
        d = d * r + den[i];
    }
    return n / d;
}

/* Algorithm AS 241, routine PPND16. */
double wk_normal_quantile(double p)
{
    static const double a[8] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                1.9715909503065514427e3, 1.3731693765509461125e4,
                                4.5921953931549871457e4, 6.7265770927008700853e4,
                                3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[8] = {1.0,
                                4.2313330701600911252e1,
                                6.8718700749205790830e2,
                                5.3941960214247511077e3,
                                2.1213794301586595867e4,
                                3.9307895800092710610e4,
                                2.8729085735721942674e4,
                                5.2264952788528545610e3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    if (!(p > 0 && p < 1))
        return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    double q = p - 0.5;
    if (q > -0.425 && q < 0.425)
        return q * ratio(a, b, 0.180625 - q * q);
    double r = sqrt(-wk_log(q < 0 ? p : 1.0 - p));
    double v = r <= 5.0 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5.0);
    return q < 0 ? -v : v;
}
