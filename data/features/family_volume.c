/* Volume: z-scores of traded value, signed volume, volume delta from candles, Chaikin flow, distance
 * to rolling and session VWAP, illiquidity and activity ratios. */
#include "data/features/engine.h"
#include "wick/math.h"

enum { N_Z = 3, N_SIGNED = 3, N_FLOW = 2, N_VALUE = 5, DAY_NS_PER_S = 86400 };
static const int64_t z_lags[N_Z] = {24, 96, 336};
static const int64_t signed_lags[N_SIGNED] = {4, 24, 168};
static const int64_t flow_lags[N_FLOW] = {4, 24};
static const int64_t value_lags[N_VALUE] = {4, 24, 168, 336, 720}; /* of traded value */
enum { V4, V24, V168, V336, V720 };

/* What leaves the windows, a row a step. */
enum { LOG_VALUE, VALUE, SIGNED, FLOW, ILLIQUID, N_KEPT };
enum { RING = 1024 };

typedef struct {
    wk__moments z[N_Z];
    wk__sum signed_sum[N_SIGNED], flow[N_FLOW], value[N_VALUE], volume[2], illiquid[2];
    double session_value, session_volume;
    int64_t session;
} volume;

static void columns(wk_features *f)
{
    static const char *const names[] = {"z24",    "z96",     "z336",      "sv4",     "sv24",  "sv168",
                                        "cmf4",   "cmf24",   "vwap24",    "vwap168", "amih",  "v24_168",
                                        "v168_720", "delta", "session"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wk__column(f, "vol.%s", names[i]);
}

static double close_location(const wk__cell *x)
{
    return ((x->c - x->l) - (x->h - x->c)) / (x->h - x->l + 1e-9);
}

static double sign(double x)
{
    return x > 0 ? 1.0 : x < 0 ? -1.0 : 0.0;
}

static double kept(const wk__cell *x, const double *ring, int64_t n, int what)
{
    return n > x->t ? NAN : ring[((size_t)(x->t - n) % RING) * N_KEPT + (size_t)what];
}

static void slide(wk__sum *sum, double in, double out)
{
    wk__sum_add(sum, wk__or_zero(in));
    wk__sum_add(sum, -wk__or_zero(out));
}

static void update(const wk__cell *x, void *state, void *ring)
{
    volume *v = state;
    double *now = (double *)ring + ((size_t)x->t % RING) * N_KEPT;
    double value = x->v * x->c;
    double row[N_KEPT] = {wk_log1p(value), value, value * sign(x->c - x->o), close_location(x) * value,
                          fabs(x->r) / (value + 1)};
    for (int i = 0; i < N_Z; i++)
        wk__moments_push(&v->z[i], z_lags[i], row[LOG_VALUE], kept(x, ring, z_lags[i], LOG_VALUE));
    for (int i = 0; i < N_SIGNED; i++)
        slide(&v->signed_sum[i], row[SIGNED], kept(x, ring, signed_lags[i], SIGNED));
    for (int i = 0; i < N_FLOW; i++)
        slide(&v->flow[i], row[FLOW], kept(x, ring, flow_lags[i], FLOW));
    for (int i = 0; i < N_VALUE; i++)
        slide(&v->value[i], row[VALUE], kept(x, ring, value_lags[i], VALUE));
    slide(&v->volume[0], x->v, wk__back(x, 24, WK__V));
    slide(&v->volume[1], x->v, wk__back(x, 168, WK__V));
    slide(&v->illiquid[0], row[ILLIQUID], kept(x, ring, 24, ILLIQUID));
    slide(&v->illiquid[1], row[ILLIQUID], kept(x, ring, 336, ILLIQUID));
    for (int i = 0; i < N_KEPT; i += 2)
        wk__undo_log(x->undo, &now[i]); /* logs two values; the row's end is padded by the ring */
    memcpy(now, row, sizeof row);

    int64_t session = x->time_ns / (DAY_NS_PER_S * INT64_C(1000000000));
    if (session != v->session)
        v->session_value = v->session_volume = 0;
    v->session = session;
    v->session_value += wk__or_zero(x->v * (x->h + x->l + x->c) / 3);
    v->session_volume += wk__or_zero(x->v);
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const volume *v = state;
    (void)scratch;
    double value[N_VALUE];
    for (int i = 0; i < N_VALUE; i++)
        value[i] = wk__whole_c(x, value_lags[i]) ? wk__sum_value(&v->value[i]) : NAN;
    double log_value = kept(x, ring, 0, LOG_VALUE);
    for (int i = 0; i < N_Z; i++)
        *row++ = wk__whole_c(x, z_lags[i]) ? (log_value - wk__moments_mean(&v->z[i], z_lags[i])) /
                                                 (wk__moments_deviation(&v->z[i], z_lags[i]) + 1e-6)
                                           : NAN;
    for (int i = 0; i < N_SIGNED; i++)
        *row++ = wk__sum_value(&v->signed_sum[i]) / (value[i] + 1e-9);
    for (int i = 0; i < N_FLOW; i++)
        *row++ = wk__sum_value(&v->flow[i]) / (value[i] + 1e-9);
    for (int i = 0; i < 2; i++) {
        double vwap = value[V24 + i] / (wk__sum_value(&v->volume[i]) + 1e-9);
        *row++ = wk_log(x->c / vwap) / (x->sd * sqrt((double)value_lags[V24 + i]));
    }
    *row++ = wk__whole_r(x, 336) ? wk_log(wk__sum_value(&v->illiquid[0]) / 24 + 1e-18) -
                                       wk_log(wk__sum_value(&v->illiquid[1]) / 336 + 1e-18)
                                 : NAN;
    double month = wk_log(value[V720] / 720 + 1), week = wk_log(value[V168] / 168 + 1);
    *row++ = wk_log(value[V24] / 24 + 1) - week;
    *row++ = week - month;
    *row++ = kept(x, ring, 0, FLOW) / (value[V24] / 24 + 1e-9);
    *row++ = v->session_volume > 0
                 ? wk_log(x->c / (v->session_value / v->session_volume)) / x->sd
                 : NAN;
}

const wk__family wk__family_volume = {
    .name = "volume",
    .state_bytes = sizeof(volume),
    .ring_bytes = (RING * N_KEPT + 1) * sizeof(double),
    .lag_max = 168,
    .columns = columns,
    .update = update,
    .emit = emit,
};
