/* Outside series and flow features: what the panel's outside columns say, each as its level, its
 * z-score against an exponential mean (span 96), its change over 24 bars, and whether it is
 * missing. */
#include "data/features/engine.h"

enum { RING = 32, LAG = 24, KNOWN_MIN = 24 };

typedef struct {
    wk__ewm mean, square;
    int64_t n; /* known values so far */
} wk__score;

static void columns(wk_features *f)
{
    for (size_t k = 0; k < f->n_outside; k++) {
        if (f->outside_level)
            wk__column(f, "%s", f->outside_name[k]);
        if (f->outside_z)
            wk__column(f, "%s.z", f->outside_name[k]);
        if (f->outside_change)
            wk__column(f, "%s.change", f->outside_name[k]);
        if (f->outside_missing)
            wk__column(f, "%s.missing", f->outside_name[k]);
    }
}

static void update(const wk__cell *x, void *state, void *ring)
{
    wk__score *score = state;
    double *kept = ring;
    for (size_t k = 0; k < x->f->n_outside; k++) {
        double v = x->outside ? x->outside[k] : NAN;
        double keep = wk__span_keep(96);
        wk__ewm_push(&score[k].mean, keep, v);
        wk__ewm_push(&score[k].square, keep, v * v);
        score[k].n += v == v;
        double *slot = &kept[((size_t)x->t % RING) * (WK_OUTSIDE_MAX + 1) + k];
        wk__undo_log(x->undo, slot);
        *slot = v;
    }
}

/* Distance from the mean in deviations; 0 when it never moves. */
static double z_score(const wk__score *score, double v)
{
    if (score->n < KNOWN_MIN)
        return NAN;
    double mean = wk__ewm_value(&score->mean),
           variance = wk__ewm_value(&score->square) - mean * mean;
    double tiny = 1e-12 * wk__ewm_value(&score->square);
    return variance > tiny ? (v - mean) / sqrt(variance) : v - v;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const wk__score *score = state;
    const double *kept = ring;
    (void)scratch;
    for (size_t k = 0; k < x->f->n_outside; k++) {
        double v = x->outside ? x->outside[k] : NAN;
        if (x->f->outside_level)
            *row++ = v;
        if (x->f->outside_z)
            *row++ = z_score(&score[k], v);
        if (x->f->outside_change)
            *row++ = x->t >= LAG
                         ? v - kept[((size_t)(x->t - LAG) % RING) * (WK_OUTSIDE_MAX + 1) + k]
                         : NAN;
        if (x->f->outside_missing)
            *row++ = v == v ? 0 : 1;
    }
}

const wk__family wk__family_outside = {
    .name = "outside",
    .state_bytes = WK_OUTSIDE_MAX * sizeof(wk__score),
    .ring_bytes =
        RING * (WK_OUTSIDE_MAX + 1) * sizeof(double), /* the pad: an undo logs two values */
    .columns = columns,
    .update = update,
    .emit = emit,
};
