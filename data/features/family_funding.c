/* Funding: the newest known rate, its means and z-score, the panel's mean and the distance to it
 * (in 1e-4). NaN without a funding file. */
#include "data/features/engine.h"

enum { RING = 1024 };

typedef struct {
    wk__sum days3, days14, market7;
    wk__moments days30;
    int64_t bad, bad_market; /* 1 + the newest step without a rate */
    double market;
} funding;

typedef struct {
    double rate[RING], market[RING + 1]; /* the pad: an undo logs two values */
} funding_ring;

static void columns(wk_features *f)
{
    static const char *const names[] = {"f", "f3d", "f14d", "fz", "mf", "mf7d", "fx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wk__column(f, "fund.%s", names[i]);
}

static double kept(const double *ring, int64_t t, int64_t n)
{
    return t >= n ? ring[(size_t)(t - n) % RING] : NAN;
}

static void slide(wk__sum *sum, double in, double out)
{
    wk__sum_add(sum, wk__or_zero(in));
    wk__sum_add(sum, -wk__or_zero(out));
}

static void update(const wk__cell *x, void *state, void *ring)
{
    funding *m = state;
    funding_ring *g = ring;
    double sum = 0, known = 0;
    for (size_t s = 0; s < x->f->S; s++) {
        double rate = x->f->cells[s].funding;
        sum += wk__or_zero(rate);
        known += rate == rate ? 1.0 : 0.0;
    }
    m->market = known > 0 ? sum / known : NAN;
    if (x->funding != x->funding)
        m->bad = x->t + 1;
    if (m->market != m->market)
        m->bad_market = x->t + 1;
    slide(&m->days3, x->funding, kept(g->rate, x->t, 72));
    slide(&m->days14, x->funding, kept(g->rate, x->t, 336));
    slide(&m->market7, m->market, kept(g->market, x->t, 168));
    wk__moments_push(&m->days30, 720, x->funding, kept(g->rate, x->t, 720));
    size_t now = (size_t)x->t % RING;
    wk__undo_log(x->undo, &g->rate[now]);
    wk__undo_log(x->undo, &g->market[now]);
    g->rate[now] = x->funding;
    g->market[now] = m->market;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const funding *m = state;
    (void)ring;
    (void)scratch;
    int64_t known = x->t + 1 - m->bad, known_market = x->t + 1 - m->bad_market;
    *row++ = x->funding * 1e4;
    *row++ = known >= 72 ? wk__sum_value(&m->days3) / 72 * 1e4 : NAN;
    *row++ = known >= 336 ? wk__sum_value(&m->days14) / 336 * 1e4 : NAN;
    *row++ = known >= 720 ? (x->funding - wk__moments_mean(&m->days30, 720)) /
                                (wk__moments_deviation(&m->days30, 720) + 1e-6)
                          : NAN;
    *row++ = m->market * 1e4;
    *row++ = known_market >= 168 ? wk__sum_value(&m->market7) / 168 * 1e4 : NAN;
    *row++ = (x->funding - m->market) * 1e4;
}

const wk__family wk__family_funding = {
    .name = "funding",
    .state_bytes = sizeof(funding),
    .ring_bytes = sizeof(funding_ring),
    .columns = columns,
    .update = update,
    .emit = emit,
};
