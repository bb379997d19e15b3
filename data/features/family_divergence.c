/* Divergences: a new extreme of the close that RSI or MACD does not confirm, and the correlation of
 * price with RSI and with on-balance volume. */
#include "data/features/engine.h"

enum { N_LAGS = 3, LAG_MAX = 72, RING = 128, SLOTS = 128 };
static const int64_t lags[N_LAGS] = {14, 24, 72};

typedef struct {
    wk__ewm up, down, macd_fast, macd_slow;
    wk__deque close_high, close_low, rsi_high, rsi_low, macd_high, macd_low;
    wk__comoments moments[N_LAGS]; /* of price with RSI and with volume */
    double obv, rsi, macd;
    int64_t bad_rsi;
} divergence;

typedef struct {
    double rsi[RING], obv[RING + 1]; /* the pad: an undo logs two values */
    wk__slot close_high[SLOTS], close_low[SLOTS], rsi_high[SLOTS], rsi_low[SLOTS], macd_high[SLOTS],
        macd_low[SLOTS];
} divergence_ring;

static void columns(wk_features *f)
{
    static const char *const names[] = {"rsi", "macd", "prc", "pvc"};
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < N_LAGS; i++)
            wk__column(f, "div.%s%d", names[k], (int)lags[i]);
}

static void update(const wk__cell *x, void *state, void *ring)
{
    divergence *d = state;
    divergence_ring *g = ring;
    size_t now = (size_t)x->t % RING;
    wk__ewm_push(&d->up, 1.0 - 1.0 / 14.0, x->r < 0 ? 0.0 : x->r);
    wk__ewm_push(&d->down, 1.0 - 1.0 / 14.0, x->r > 0 ? 0.0 : -x->r);
    wk__ewm_push(&d->macd_fast, wk__span_keep(12), x->lc);
    wk__ewm_push(&d->macd_slow, wk__span_keep(26), x->lc);
    double up = wk__ewm_value(&d->up), down = wk__ewm_value(&d->down);
    d->rsi = up / (up + down + 1e-12);
    if (d->rsi != d->rsi)
        d->bad_rsi = x->t + 1;
    d->macd = wk__ewm_value(&d->macd_fast) - wk__ewm_value(&d->macd_slow);
    double side = x->r > 0 ? 1.0 : x->r < 0 ? -1.0 : 0.0;
    d->obv += x->r == x->r ? side * x->v * x->c : 0.0;
    double obv = x->r == x->r ? d->obv : 0.0;
    for (int i = 0; i < N_LAGS; i++) {
        bool has_old = x->t >= lags[i];
        size_t old = (size_t)(x->t - lags[i]) % RING;
        double price_old = wk__back(x, lags[i], WK__LC);
        wk__comoments_push(&d->moments[i], lags[i], x->lc, d->rsi, obv, price_old,
                           has_old ? g->rsi[old] : NAN, has_old ? g->obv[old] : NAN);
    }
    wk__undo_log(x->undo, &g->rsi[now]);
    wk__undo_log(x->undo, &g->obv[now]);
    g->rsi[now] = d->rsi;
    g->obv[now] = obv;
    wk__deque_push(&d->close_high, g->close_high, LAG_MAX, x->t, x->c, x->undo);
    wk__deque_push(&d->close_low, g->close_low, LAG_MAX, x->t, -x->c, x->undo);
    wk__deque_push(&d->rsi_high, g->rsi_high, LAG_MAX, x->t, d->rsi, x->undo);
    wk__deque_push(&d->rsi_low, g->rsi_low, LAG_MAX, x->t, -d->rsi, x->undo);
    wk__deque_push(&d->macd_high, g->macd_high, LAG_MAX, x->t, d->macd, x->undo);
    wk__deque_push(&d->macd_low, g->macd_low, LAG_MAX, x->t, -d->macd, x->undo);
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const divergence *d = state;
    const divergence_ring *g = ring;
    (void)scratch;
    for (int i = 0; i < N_LAGS; i++) {
        int64_t n = lags[i];
        bool whole = wk__whole_c(x, n), whole_rsi = x->t + 1 - d->bad_rsi >= n;
        double rsi = 0, macd = 0;
        if (whole && wk__deque_newest_leads(&d->close_high, g->close_high, LAG_MAX, x->t, n)) {
            rsi -= wk__deque_over(&d->rsi_high, g->rsi_high, LAG_MAX, x->t, n) - d->rsi;
            macd -= wk__deque_over(&d->macd_high, g->macd_high, LAG_MAX, x->t, n) - d->macd;
        }
        if (whole && wk__deque_newest_leads(&d->close_low, g->close_low, LAG_MAX, x->t, n)) {
            rsi += d->rsi + wk__deque_over(&d->rsi_low, g->rsi_low, LAG_MAX, x->t, n);
            macd += d->macd + wk__deque_over(&d->macd_low, g->macd_low, LAG_MAX, x->t, n);
        }
        row[i] = whole_rsi ? rsi : NAN;
        row[N_LAGS + i] = whole ? macd / x->sd : NAN;
        row[2 * N_LAGS + i] =
            whole && whole_rsi ? wk__comoments_correlation(&d->moments[i], 0, n) : NAN;
        row[3 * N_LAGS + i] = whole ? wk__comoments_correlation(&d->moments[i], 1, n) : NAN;
    }
}

const wk__family wk__family_divergence = {
    .name = "divergence",
    .state_bytes = sizeof(divergence),
    .ring_bytes = sizeof(divergence_ring),
    .lags = {[WK__LC] = LAG_MAX},
    .columns = columns,
    .update = update,
    .emit = emit,
};
