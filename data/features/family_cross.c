/* Cross-section: a symbol's rank and distance among the panel, the market's own move, breadth,
 * dispersion and the rank of volatility. Symbols without a value are left out of each figure. */
#include "data/features/engine.h"

static const int64_t lags[] = {1, 4, 12, 24, 72, 168, 336, 672};
enum { N_LAGS = 8, LAG24 = 3, N_DISTANCES = 4 };
static const int distance[N_DISTANCES] = {1, 3, 5, 7}; /* lags 4, 24, 168, 672 */

/* Scratch: this head, then x [N_LAGS][S], rank [N_LAGS + 1][S], sd [S]. */
typedef struct {
    double mean[N_LAGS], market[N_LAGS], breadth, dispersion;
    double tables[];
} cross_panel;

static void columns(wk_features *f)
{
    for (int i = 0; i < N_LAGS; i++) {
        wk__column(f, "cross.rank%d", (int)lags[i]);
        for (int d = 0; d < N_DISTANCES; d++)
            if (distance[d] == i) {
                wk__column(f, "cross.dist%d", (int)lags[i]);
                wk__column(f, "cross.mkt%d", (int)lags[i]);
            }
    }
    wk__column(f, "cross.breadth24");
    wk__column(f, "cross.disp24");
    wk__column(f, "cross.rankvol");
}

/* The mean of those that are not NaN. */
static double mean_known(const double *x, size_t n)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        sum += wk__or_zero(x[i]);
        count += x[i] == x[i];
    }
    return count ? sum / (double)count : NAN;
}

/* Average ranks of ties, divided by the number of known values. Counts are integers, which the
 * compiler may add up in any order. */
static void rank_known(const double *x, size_t n, double *rank)
{
    int64_t known = 0;
    for (size_t i = 0; i < n; i++)
        known += x[i] == x[i];
    for (size_t i = 0; i < n; i++) {
        /* Twice the rank: 2 for each below, 1 for each equal, itself among them. */
        double v = x[i];
        int64_t twice = 1;
        for (size_t j = 0; j < n; j++)
            twice += (x[j] < v) + (x[j] <= v);
        rank[i] = v == v ? 0.5 * (double)twice / (double)known : NAN;
    }
}

static void panel(const wk_features *f, const wk__cell *cells, void *const *states, void *scratch)
{
    (void)states;
    cross_panel *p = scratch;
    size_t S = f->S;
    double *moves = p->tables, *rank = moves + N_LAGS * S, *sd = rank + (N_LAGS + 1) * S;
    for (size_t s = 0; s < S; s++)
        sd[s] = cells[s].sdd;
    double sdd_mean = mean_known(sd, S);
    for (int i = 0; i < N_LAGS; i++) {
        double *x = moves + (size_t)i * S;
        for (size_t s = 0; s < S; s++)
            x[s] = wk__diff(&cells[s], lags[i]);
        rank_known(x, S, rank + (size_t)i * S);
        p->mean[i] = mean_known(x, S);
        p->market[i] = p->mean[i] / (sdd_mean * sqrt((double)lags[i]));
    }
    const double *x24 = moves + LAG24 * S;
    double up = 0, live = 0, known = 0, square = 0;
    for (size_t s = 0; s < S; s++) {
        up += x24[s] > 0 ? 1.0 : 0.0;
        live += cells[s].c == cells[s].c ? 1.0 : 0.0;
        known += x24[s] == x24[s] ? 1.0 : 0.0;
        double d = wk__or_zero(x24[s] - p->mean[LAG24]);
        square += d * d;
    }
    p->breadth = up / live;
    p->dispersion = known > 1 ? sqrt(square / (known - 1)) / sdd_mean : NAN;
    for (size_t s = 0; s < S; s++)
        sd[s] = cells[s].sd;
    rank_known(sd, S, rank + N_LAGS * S);
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const cross_panel *p = scratch;
    (void)state;
    (void)ring;
    size_t S = x->f->S;
    const double *moves = p->tables, *rank = moves + N_LAGS * S;
    for (int i = 0, d = 0; i < N_LAGS; i++) {
        *row++ = rank[(size_t)i * S + x->s];
        if (d < N_DISTANCES && distance[d] == i) {
            d++;
            *row++ = (moves[(size_t)i * S + x->s] - p->mean[i]) / (x->sdd * sqrt((double)lags[i]));
            *row++ = p->market[i];
        }
    }
    *row++ = p->breadth;
    *row++ = p->dispersion;
    *row++ = rank[N_LAGS * S + x->s];
}

const wk__family wk__family_cross = {
    .name = "cross",
    .panel_bytes = sizeof(cross_panel),
    .panel_bytes_a_symbol = (2 * N_LAGS + 2) * sizeof(double),
    .lags = {[WK__LC] = 672},
    .columns = columns,
    .panel = panel,
    .emit = emit,
};
