/* Range: average true range, Bollinger %b and bandwidth, realised volatility after Parkinson and
 * Garman-Klass and their ratio to the one of closes, Donchian position, the opening gap.
 * Source: Garman and Klass (1980), eq. 19 without drift and opening jump. */
#include "data/features/engine.h"
#include "data/features/indicator.h"
#include "wick/math.h"

enum { RING = 256, N_WINDOWS = 2 };
static const int64_t windows[N_WINDOWS] = {24, 168};

typedef struct {
    bool ready;
    wk_ind_atr atr14, atr50;
    wk_ind_bbands bands;
    wk__ind_highest high20, low20, high55, low55;
    wk__sum garman[N_WINDOWS], parkinson[N_WINDOWS], closes[N_WINDOWS];
    double atr14_now, atr50_now, true_range, top20, bottom20, top55, bottom55;
    wk_ind_bands bands_now;
} range;

static void columns(wk_features *f)
{
    static const char *const names[] = {"atr14",   "atr50",   "true",    "pctb",   "bandwidth",
                                        "pk168",   "gk24",    "gk168",   "pkcc24", "gkcc24",
                                        "gkcc168", "donch20", "donch55", "gap"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wk__column(f, "rng.%s", names[i]);
}

static void slide(wk__sum *sum, double in, double out)
{
    wk__sum_add(sum, wk__or_zero(in));
    wk__sum_add(sum, -wk__or_zero(out));
}

static void init(range *m)
{
    wk_ind_atr_init(&m->atr14, 14);
    wk_ind_atr_init(&m->atr50, 50);
    wk_ind_bbands_init(&m->bands, 20, 2);
    wk__ind_highest_init(&m->high20, 20);
    wk__ind_highest_init(&m->low20, 20);
    wk__ind_highest_init(&m->high55, 55);
    wk__ind_highest_init(&m->low55, 55);
    m->ready = true;
}

static void update(const wk__cell *x, void *state, void *ring)
{
    range *m = state;
    double *kept = ring;
    if (!m->ready)
        init(m);
    double body = wk_log(x->c / x->o);
    /* The square of log(high / low) is in the history as Parkinson's term. */
    double ln2 = 0.69314718055994530942, parkinson = wk__back(x, 0, WK__PK);
    double garman = 0.5 * (4 * ln2) * parkinson - (2 * ln2 - 1) * body * body;
    for (int i = 0; i < N_WINDOWS; i++) {
        int64_t n = windows[i];
        double r_old = wk__back(x, n, WK__R);
        slide(&m->garman[i], garman, x->t >= n ? kept[(size_t)(x->t - n) % RING] : NAN);
        slide(&m->parkinson[i], parkinson, wk__back(x, n, WK__PK));
        slide(&m->closes[i], x->r * x->r, r_old * r_old);
    }
    double *slot = &kept[(size_t)x->t % RING];
    wk__undo_log(x->undo, slot);
    *slot = garman;
    if (x->c != x->c)
        return;
    m->true_range = m->atr14.age ? wk__true_range(x->h, x->l, m->atr14.before) : NAN;
    m->atr14_now = wk_ind_atr_push(&m->atr14, x->h, x->l, x->c);
    m->atr50_now = wk_ind_atr_push(&m->atr50, x->h, x->l, x->c);
    m->bands_now = wk_ind_bbands_push(&m->bands, x->c);
    m->top20 = wk__ind_highest_push(&m->high20, x->h);
    m->bottom20 = -wk__ind_highest_push(&m->low20, -x->l);
    m->top55 = wk__ind_highest_push(&m->high55, x->h);
    m->bottom55 = -wk__ind_highest_push(&m->low55, -x->l);
}

static double root(const wk__sum *sum, int64_t n)
{
    double mean = wk__sum_value(sum) / (double)n;
    return mean > 0 ? sqrt(mean) : 0.0;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const range *m = state;
    (void)ring;
    (void)scratch;
    double unit = 1 / (x->c * x->sd), parkinson[N_WINDOWS], garman[N_WINDOWS], closes[N_WINDOWS];
    for (int i = 0; i < N_WINDOWS; i++) {
        bool whole = wk__whole_r(x, windows[i]);
        parkinson[i] = whole ? root(&m->parkinson[i], windows[i]) : NAN;
        garman[i] = whole ? root(&m->garman[i], windows[i]) : NAN;
        closes[i] = whole ? root(&m->closes[i], windows[i]) : NAN;
    }
    *row++ = m->atr14_now * unit;
    *row++ = m->atr50_now * unit;
    *row++ = m->true_range / (m->atr14_now + 1e-9 * x->c);
    *row++ = (x->c - m->bands_now.lower) / (m->bands_now.upper - m->bands_now.lower + 1e-9 * x->c);
    *row++ = (m->bands_now.upper - m->bands_now.lower) / m->bands_now.middle;
    *row++ = wk_log(parkinson[1] + 1e-6);
    *row++ = wk_log(garman[0] + 1e-6);
    *row++ = wk_log(garman[1] + 1e-6);
    *row++ = parkinson[0] / (closes[0] + 1e-9);
    *row++ = garman[0] / (closes[0] + 1e-9);
    *row++ = garman[1] / (closes[1] + 1e-9);
    bool whole20 = m->high20.age == 20, whole55 = m->high55.age == 55;
    *row++ = whole20 ? (x->c - m->bottom20) / (m->top20 - m->bottom20 + 1e-9 * x->c) : NAN;
    *row++ = whole55 ? (x->c - m->bottom55) / (m->top55 - m->bottom55 + 1e-9 * x->c) : NAN;
    *row++ = (x->o - wk__back(x, 1, WK__C)) * unit;
}

const wk__family wk__family_range = {
    .name = "range",
    .state_bytes = sizeof(range),
    .ring_bytes = (RING + 1) * sizeof(double),
    .lags = {[WK__R] = 168, [WK__PK] = 168, [WK__C] = 1},
    .columns = columns,
    .update = update,
    .emit = emit,
};
