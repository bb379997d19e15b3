/* Volume: z-scores of traded value, signed volume, volume delta from candles, Chaikin flow,
 * distance to rolling and session VWAP, illiquidity and activity ratios. */
#include "data/features/engine.h"
#include "wick/clock.h"
#include "wick/math.h"

enum { N_Z = 3, N_VALUE = 4, RING = 1024 };
static const int64_t z_lags[N_Z] = {24, 96, 336};

/* What leaves the windows, a row a step. */
enum { LOG_VALUE, VALUE, SIGNED, FLOW, ILLIQUID, VOLUME, N_KEPT };

/* The sums: of what, over how many bars. */
enum {
    VALUE4,
    VALUE24,
    VALUE168,
    VALUE720,
    SIGNED4,
    SIGNED24,
    SIGNED168,
    FLOW4,
    FLOW24,
    VOLUME24,
    VOLUME168,
    ILLIQUID24,
    ILLIQUID336,
    N_SUMS
};
static const struct {
    int what;
    int64_t n;
} sums[N_SUMS] = {{VALUE, 4},    {VALUE, 24},    {VALUE, 168},   {VALUE, 720}, {SIGNED, 4},
                  {SIGNED, 24},  {SIGNED, 168},  {FLOW, 4},      {FLOW, 24},   {VOLUME, 24},
                  {VOLUME, 168}, {ILLIQUID, 24}, {ILLIQUID, 336}};
enum { V4, V24, V168, V720 };
static const int64_t value_lags[N_VALUE] = {4, 24, 168, 720};

typedef struct {
    wk__moments z[N_Z];
    double hi[N_SUMS], lo[N_SUMS];
    double session_value, session_volume;
    int64_t session;
} volume;

static void columns(wk_features *f)
{
    static const char *const names[] = {"z24",   "z96",     "z336",     "sv4",    "sv24",
                                        "sv168", "cmf4",    "cmf24",    "vwap24", "vwap168",
                                        "amih",  "v24_168", "v168_720", "delta",  "session"};
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

static double sum(const volume *v, int which)
{
    return v->hi[which] + v->lo[which];
}

static void update(const wk__cell *x, void *state, void *ring)
{
    volume *v = state;
    double *now = (double *)ring + ((size_t)x->t % RING) * N_KEPT;
    double value = x->v * x->c;
    double row[N_KEPT] = {wk_log1p(value),           value,
                          value * sign(x->c - x->o), close_location(x) * value,
                          fabs(x->r) / (value + 1),  x->v};
    for (int i = 0; i < N_Z; i++)
        wk__moments_push(&v->z[i], z_lags[i], row[LOG_VALUE], kept(x, ring, z_lags[i], LOG_VALUE));
    double in[N_SUMS], out[N_SUMS];
    for (int i = 0; i < N_SUMS; i++) {
        in[i] = row[sums[i].what];
        out[i] = kept(x, ring, sums[i].n, sums[i].what);
    }
    wk__sums_slide(v->hi, v->lo, in, out, N_SUMS);
    for (int i = 0; i < N_KEPT; i += 2)
        wk__undo_log(x->undo, &now[i]); /* logs two values */
    memcpy(now, row, sizeof row);

    int64_t session = x->time_ns / (86400 * WK_NS_PER_S);
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
        value[i] = wk__whole_c(x, value_lags[i]) ? sum(v, VALUE4 + i) : NAN;
    double log_value = kept(x, ring, 0, LOG_VALUE);
    for (int i = 0; i < N_Z; i++)
        *row++ = wk__whole_c(x, z_lags[i]) ? (log_value - wk__moments_mean(&v->z[i], z_lags[i])) /
                                                 (wk__moments_deviation(&v->z[i], z_lags[i]) + 1e-6)
                                           : NAN;
    for (int i = 0; i < 3; i++)
        *row++ = sum(v, SIGNED4 + i) / (value[V4 + i] + 1e-9);
    for (int i = 0; i < 2; i++)
        *row++ = sum(v, FLOW4 + i) / (value[V4 + i] + 1e-9);
    for (int i = 0; i < 2; i++) {
        double vwap = value[V24 + i] / (sum(v, VOLUME24 + i) + 1e-9);
        *row++ = wk_log(x->c / vwap) / (x->sd * sqrt((double)value_lags[V24 + i]));
    }
    *row++ = wk__whole_r(x, 336)
                 ? wk_log((sum(v, ILLIQUID24) / 24 + 1e-18) / (sum(v, ILLIQUID336) / 336 + 1e-18))
                 : NAN;
    double week = value[V168] / 168 + 1;
    *row++ = wk_log((value[V24] / 24 + 1) / week);
    *row++ = wk_log(week / (value[V720] / 720 + 1));
    *row++ = kept(x, ring, 0, FLOW) / (value[V24] / 24 + 1e-9);
    *row++ =
        v->session_volume > 0 ? (x->c / (v->session_value / v->session_volume) - 1) / x->sd : NAN;
}

const wk__family wk__family_volume = {
    .name = "volume",
    .state_bytes = sizeof(volume),
    .ring_bytes = RING * N_KEPT * sizeof(double),
    .columns = columns,
    .update = update,
    .emit = emit,
};
