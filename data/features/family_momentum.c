/* Momentum: volatility-scaled returns over a ladder of lags, distances to exponential means, RSI,
 * MACD, Bollinger position and stochastics. */
#include "data/features/engine.h"

static const int64_t ladder[] = {1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72};
static const int64_t spans[] = {5, 10, 20, 50, 100, 200};
static const uint32_t ranges[] = {24, 72};
enum { N_LADDER = 12, N_SPANS = 6, N_RANGES = 2, RANGE_MAX = 72 };

typedef struct {
    wk__ewm ema[N_SPANS];
    wk__ewm up14, down14, up5, down5;
    wk__ewm macd_fast, macd_slow, macd_signal;
    double macd;
    wk__deque high, low; /* over the longest range */
} momentum;

typedef struct {
    wk__slot high[128], low[128];
} momentum_ring;

static void columns(wk_features *f)
{
    for (int i = 0; i < N_LADDER; i++)
        wk__column(f, "mom.r%d", (int)ladder[i]);
    for (int i = 0; i < N_SPANS; i++)
        wk__column(f, "mom.ema%d", (int)spans[i]);
    wk__column(f, "mom.rsi14");
    wk__column(f, "mom.rsi5");
    wk__column(f, "mom.macd");
    wk__column(f, "mom.bb");
    for (int i = 0; i < N_RANGES; i++)
        wk__column(f, "mom.stoch%d", (int)ranges[i]);
}

static void update(const wk__cell *x, void *state, void *ring)
{
    momentum *m = state;
    momentum_ring *g = ring;
    for (int i = 0; i < N_SPANS; i++)
        wk__ewm_push(&m->ema[i], wk__span_keep((double)spans[i]), x->lc);
    double up = x->r < 0 ? 0.0 : x->r, down = x->r > 0 ? 0.0 : -x->r; /* NaN stays NaN */
    wk__ewm_push(&m->up14, 1.0 - 1.0 / 14.0, up);
    wk__ewm_push(&m->down14, 1.0 - 1.0 / 14.0, down);
    wk__ewm_push(&m->up5, 1.0 - 1.0 / 5.0, up);
    wk__ewm_push(&m->down5, 1.0 - 1.0 / 5.0, down);
    wk__ewm_push(&m->macd_fast, wk__span_keep(12), x->c);
    wk__ewm_push(&m->macd_slow, wk__span_keep(26), x->c);
    m->macd = wk__ewm_value(&m->macd_fast) - wk__ewm_value(&m->macd_slow);
    wk__ewm_push(&m->macd_signal, wk__span_keep(9), m->macd);
    wk__deque_push(&m->high, g->high, RANGE_MAX, x->t, x->h, x->undo);
    wk__deque_push(&m->low, g->low, RANGE_MAX, x->t, -x->l, x->undo);
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const momentum *m = state;
    const momentum_ring *g = ring;
    (void)scratch;
    for (int i = 0; i < N_LADDER; i++)
        *row++ = wk__diff(x, ladder[i]) / (x->sd * sqrt((double)ladder[i]));
    for (int i = 0; i < N_SPANS; i++)
        *row++ = (x->lc - wk__ewm_value(&m->ema[i])) / x->sd;
    double up = wk__ewm_value(&m->up14), down = wk__ewm_value(&m->down14);
    *row++ = up / (up + down + 1e-12);
    up = wk__ewm_value(&m->up5);
    down = wk__ewm_value(&m->down5);
    *row++ = up / (up + down + 1e-12);
    *row++ = (m->macd - wk__ewm_value(&m->macd_signal)) / (x->c * x->sd);
    *row++ = (x->c - x->ma20) / (2 * x->bs20 + 1e-9);
    for (int i = 0; i < N_RANGES; i++) {
        double top = wk__deque_over(&m->high, g->high, RANGE_MAX, x->t, ranges[i]);
        double bottom = -wk__deque_over(&m->low, g->low, RANGE_MAX, x->t, ranges[i]);
        *row++ = wk__whole_c(x, ranges[i]) ? (x->c - bottom) / (top - bottom + 1e-9) : NAN;
    }
}

const wk__family wk__family_momentum = {
    .name = "momentum",
    .state_bytes = sizeof(momentum),
    .ring_bytes = sizeof(momentum_ring),
    .lags = {[WK__LC] = 72},
    .columns = columns,
    .update = update,
    .emit = emit,
};
