/* Volatility and regime: realised volatility over a ladder of windows and its ratios, Parkinson,
 * skewness, kurtosis, downside share, efficiency ratio, autocorrelation and Bollinger bandwidth. */
#include "data/features/engine.h"
#include "wick/math.h"

enum { W6, W24, W168, W336, W720, W1440, N_SQUARES };
static const int64_t squares[N_SQUARES] = {6, 24, 168, 336, 720, 1440};

/* The sums: squares first, then powers over 48 and 168, and the others. */
enum {
    R1_48 = N_SQUARES,
    R2_48,
    R3_48,
    R1_168,
    R3_168,
    R4_168,
    ABS24,
    ABS168,
    DOWN168,
    LAG168,
    PARKINSON24,
    N_SUMS
};

typedef struct {
    double hi[N_SUMS], lo[N_SUMS];
    int64_t n1440; /* returns among the last 1440 steps */
} volatility;

static void columns(wk_features *f)
{
    static const char *const names[] = {"rv6",  "rv24",  "rv168", "rv720", "pk24",  "rngr",
                                        "vr1",  "vr2",   "sk48",  "sk168", "ku168", "dvol",
                                        "er24", "er168", "ac1",   "bbw"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wk__column(f, "vola.%s", names[i]);
}

static inline double square(double x)
{
    return x * x;
}

static void update(const wk__cell *x, void *state, void *ring)
{
    volatility *v = state;
    (void)ring;
    double r = wk__or_zero(x->r), past[N_SQUARES], in[N_SUMS], out[N_SUMS];
    for (int i = 0; i < N_SQUARES; i++) {
        past[i] = wk__back(x, squares[i], WK__R);
        in[i] = r * r;
        out[i] = past[i] * past[i];
    }
    v->n1440 += (x->r == x->r) - (past[W1440] == past[W1440]);
    double o24 = past[W24], o48 = wk__back(x, 48, WK__R), o168 = past[W168];
    in[R1_48] = in[R1_168] = r;
    in[R2_48] = r * r;
    in[R3_48] = in[R3_168] = r * r * r;
    in[R4_168] = square(r * r);
    in[ABS24] = in[ABS168] = fabs(r);
    in[DOWN168] = r < 0 ? r * r : 0.0;
    in[LAG168] = r * wk__back(x, 1, WK__R);
    in[PARKINSON24] = wk__back(x, 0, WK__PK);
    out[R1_48] = o48;
    out[R2_48] = o48 * o48;
    out[R3_48] = o48 * o48 * o48;
    out[R1_168] = o168;
    out[R3_168] = o168 * o168 * o168;
    out[R4_168] = square(o168 * o168);
    out[ABS24] = fabs(o24);
    out[ABS168] = fabs(o168);
    out[DOWN168] = o168 < 0 ? o168 * o168 : 0.0;
    out[LAG168] = o168 * wk__back(x, 169, WK__R);
    out[PARKINSON24] = wk__back(x, 24, WK__PK);
    wk__sums_slide(v->hi, v->lo, in, out, N_SUMS);
}

static inline double sum(const volatility *v, int which)
{
    return v->hi[which] + v->lo[which];
}

/* Sums of squares are never negative but for the last bit. */
static inline double root_mean(const volatility *v, int which, double n)
{
    double m = sum(v, which) / n;
    return sqrt(m > 0 ? m : 0.0);
}

/* The bias-corrected sample skewness (as pandas), NaN where nothing moves. */
static double skewness(double n, double s1, double s2, double s3)
{
    double a = s1 / n, b = s2 / n - a * a, c = s3 / n - a * a * a - 3 * a * b;
    if (b <= 1e-14)
        return NAN;
    double root = sqrt(b);
    return sqrt(n * (n - 1)) * c / ((n - 2) * root * root * root);
}

/* The bias-corrected excess kurtosis (as pandas). */
static double kurtosis(double n, double s1, double s2, double s3, double s4)
{
    double a = s1 / n, b = s2 / n - a * a, c = s3 / n - a * a * a - 3 * a * b;
    double d = s4 / n - a * a * a * a - 6 * b * a * a - 4 * c * a;
    if (b <= 1e-14)
        return NAN;
    double k = (n * n - 1) * d / (b * b) - 3 * square(n - 1);
    return k / ((n - 2) * (n - 3));
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const volatility *v = state;
    (void)ring;
    (void)scratch;
    double rms[N_SQUARES];
    for (int i = 0; i < N_SQUARES; i++)
        rms[i] = wk__whole_r(x, squares[i]) ? root_mean(v, i, (double)squares[i]) : NAN;
    rms[W1440] = v->n1440 >= 700 ? root_mean(v, W1440, (double)v->n1440) : NAN;
    *row++ = wk_log(rms[W6] + 1e-6);
    *row++ = wk_log(rms[W24] + 1e-6);
    *row++ = wk_log(rms[W168] + 1e-6);
    *row++ = wk_log(rms[W720] + 1e-6);
    *row++ = wk__whole_c(x, 24) ? wk_log(root_mean(v, PARKINSON24, 24) + 1e-6) : NAN;
    *row++ = (x->h - x->l) / (x->c * x->sd);
    *row++ = wk_log(rms[W24] / (rms[W336] + 1e-9) + 1e-9);
    *row++ = wk_log(rms[W168] / (rms[W1440] + 1e-9) + 1e-9);
    bool whole48 = wk__whole_r(x, 48), whole168 = wk__whole_r(x, 168);
    double s1 = sum(v, R1_168), s2 = sum(v, W168), s3 = sum(v, R3_168);
    *row++ = whole48 ? skewness(48, sum(v, R1_48), sum(v, R2_48), sum(v, R3_48)) : NAN;
    *row++ = whole168 ? skewness(168, s1, s2, s3) : NAN;
    *row++ = whole168 ? kurtosis(168, s1, s2, s3, sum(v, R4_168)) : NAN;
    *row++ = whole168 ? root_mean(v, DOWN168, 168) / (rms[W168] + 1e-9) : NAN;
    *row++ = wk__whole_r(x, 24) ? fabs(wk__diff(x, 24)) / (sum(v, ABS24) + 1e-9) : NAN;
    *row++ = whole168 ? fabs(wk__diff(x, 168)) / (sum(v, ABS168) + 1e-9) : NAN;
    *row++ = wk__whole_r(x, 169) ? sum(v, LAG168) / 168 / (s2 / 168 + 1e-12) : NAN;
    *row++ = x->bs20 / (x->ma20 * x->sd);
}

const wk__family wk__family_volatility = {
    .name = "volatility",
    .state_bytes = sizeof(volatility),
    .lags = {[WK__R] = 1440, [WK__PK] = 24, [WK__LC] = 168},
    .columns = columns,
    .update = update,
    .emit = emit,
};
