/* Higher timeframes: long windows of base bars that end at this bar, and indicators on 1h, 4h and
 * 1d bars (those above the base) which change only when such a bar has closed. A bucket that the
 * state has not seen from its first bar on is left out. */
#include "data/features/engine.h"
#include "data/features/indicator.h"
#include "wick/clock.h"
#include "wick/math.h"

static const int64_t lags[] = {120, 168, 336, 504, 672, 1440, 2160};
static const int64_t spans[] = {480, 1200, 2400};
static const int64_t ranges[] = {168, 672, 2160};
static const int64_t frame_hours[] = {1, 4, 24};
static const char *const frame_names[] = {"1h", "4h", "1d"};
enum { N_LAGS = 7, N_SPANS = 3, N_RANGES = 3, N_FRAMES = 3, RANGE_MAX = 2160, SLOTS = 4096 };

/* One higher timeframe: the open bucket, indicators of the closed ones and what they last said. */
typedef struct {
    bool whole, any; /* seen from its first bar; holds a price */
    int64_t at, n; /* place of the next base bar in the bucket, of so many; 0: not above the base */
    double h, l, c;
    wk_ind_rsi rsi;
    wk_ind_macd macd;
    wk_ind_ema ema;
    wk_ind_bbands bands;
    wk_ind_atr atr;
    wk_ind_willr willr;
    wk_ind_roc roc1, roc6;
    struct {
        double c, rsi, macd, ema, bands, atr, willr, roc1, roc6;
    } last;
} frame;

typedef struct {
    bool ready;
    wk__ewm ema[N_SPANS], up, down;
    wk__deque high, low;
    int64_t n_live[N_RANGES], n_lc; /* prices within each range; since the start */
    frame frames[N_FRAMES];
} htf;

typedef struct {
    wk__slot high[SLOTS], low[SLOTS];
} htf_ring;

static int64_t frame_ns(int k)
{
    return frame_hours[k] * 3600 * WK_NS_PER_S;
}

static bool has_frame(const wk_features *f, int k)
{
    return frame_ns(k) > f->timeframe_ns && frame_ns(k) % f->timeframe_ns == 0;
}

static void columns(wk_features *f)
{
    static const char *const of_frame[] = {"r1",   "r6", "ema20", "rsi14",
                                           "macd", "bb", "atr14", "willr14"};
    for (int i = 0; i < N_LAGS; i++)
        wk__column(f, "htf.r%d", (int)lags[i]);
    for (int i = 0; i < N_SPANS; i++)
        wk__column(f, "htf.ema%d", (int)spans[i]);
    for (int i = 0; i < N_RANGES; i++) {
        wk__column(f, "htf.pos%d", (int)ranges[i]);
        wk__column(f, "htf.dd%d", (int)ranges[i]);
    }
    wk__column(f, "htf.rsid");
    for (int k = 0; k < N_FRAMES; k++)
        for (size_t i = 0; has_frame(f, k) && i < sizeof of_frame / sizeof of_frame[0]; i++)
            wk__column(f, "htf.%s.%s", frame_names[k], of_frame[i]);
}

static void frame_init(frame *b, const wk__cell *x, int k)
{
    if (!has_frame(x->f, k))
        return;
    int64_t rest = x->time_ns % frame_ns(k);
    b->at = (rest < 0 ? rest + frame_ns(k) : rest) / x->f->timeframe_ns;
    b->n = frame_ns(k) / x->f->timeframe_ns;
    wk_ind_rsi_init(&b->rsi, 14);
    wk_ind_macd_init(&b->macd, 12, 26, 9);
    wk_ind_ema_init(&b->ema, 20);
    wk_ind_bbands_init(&b->bands, 20, 2);
    wk_ind_atr_init(&b->atr, 14);
    wk_ind_willr_init(&b->willr, 14);
    wk_ind_roc_init(&b->roc1, 1);
    wk_ind_roc_init(&b->roc6, 6);
    b->last.c = b->last.rsi = b->last.macd = b->last.ema = b->last.bands = NAN;
    b->last.atr = b->last.willr = b->last.roc1 = b->last.roc6 = NAN;
}

static void frame_close(frame *b)
{
    b->last.c = b->c;
    b->last.rsi = wk_ind_rsi_push(&b->rsi, b->c);
    b->last.macd = wk_ind_macd_push(&b->macd, b->c).histogram;
    b->last.ema = wk_ind_ema_push(&b->ema, b->c);
    wk_ind_bands bands = wk_ind_bbands_push(&b->bands, b->c);
    b->last.bands = (b->c - bands.middle) / (bands.upper - bands.middle + 1e-9 * b->c);
    b->last.atr = wk_ind_atr_push(&b->atr, b->h, b->l, b->c);
    b->last.willr = wk_ind_willr_push(&b->willr, b->h, b->l, b->c);
    b->last.roc1 = wk_log1p(wk_ind_roc_push(&b->roc1, b->c) / 100);
    b->last.roc6 = wk_log1p(wk_ind_roc_push(&b->roc6, b->c) / 100);
}

static void frame_update(frame *b, const wk__cell *x)
{
    if (b->at == 0) {
        b->whole = true;
        b->any = false;
    }
    if (x->c == x->c) {
        b->h = b->any && b->h > x->h ? b->h : x->h;
        b->l = b->any && b->l < x->l ? b->l : x->l;
        b->c = x->c;
        b->any = true;
    }
    if (++b->at < b->n)
        return;
    b->at = 0;
    if (b->whole && b->any)
        frame_close(b);
}

static void update(const wk__cell *x, void *state, void *ring)
{
    htf *m = state;
    htf_ring *g = ring;
    for (int k = 0; k < N_FRAMES && !m->ready; k++)
        frame_init(&m->frames[k], x, k);
    m->ready = true;
    bool live = x->c == x->c;
    m->n_lc += live;
    for (int i = 0; i < N_SPANS; i++)
        wk__ewm_push(&m->ema[i], wk__span_keep((double)spans[i]), x->lc);
    double day = wk__diff(x, 24);
    wk__ewm_push(&m->up, wk__span_keep(24 * 14), day < 0 ? 0.0 : day);
    wk__ewm_push(&m->down, wk__span_keep(24 * 14), day > 0 ? 0.0 : -day);
    wk__deque_push(&m->high, g->high, RANGE_MAX, x->t, x->h, x->undo);
    wk__deque_push(&m->low, g->low, RANGE_MAX, x->t, -x->l, x->undo);
    for (int i = 0; i < N_RANGES; i++) {
        double old = wk__back(x, ranges[i], WK__C);
        m->n_live[i] += live - (old == old);
    }
    for (int k = 0; k < N_FRAMES; k++)
        if (m->frames[k].n)
            frame_update(&m->frames[k], x);
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const htf *m = state;
    const htf_ring *g = ring;
    (void)scratch;
    double unit = 1 / x->sdd;
    for (int i = 0; i < N_LAGS; i++)
        *row++ = wk__diff(x, lags[i]) * unit / sqrt((double)lags[i]);
    for (int i = 0; i < N_SPANS; i++)
        *row++ = m->n_lc >= spans[i] / 2
                     ? (x->lc - wk__ewm_value(&m->ema[i])) * unit / sqrt((double)spans[i])
                     : NAN;
    for (int i = 0; i < N_RANGES; i++) {
        bool enough = m->n_live[i] >= ranges[i] / 2;
        double top = enough ? wk__deque_over(&m->high, g->high, RANGE_MAX, x->t, ranges[i]) : NAN;
        double bottom = -wk__deque_over(&m->low, g->low, RANGE_MAX, x->t, ranges[i]);
        *row++ = (x->c - bottom) / (top - bottom + 1e-9);
        *row++ = wk_log(x->c / top) * unit / sqrt((double)ranges[i]);
    }
    double up = wk__ewm_value(&m->up), down = wk__ewm_value(&m->down);
    *row++ = up / (up + down + 1e-12);
    for (int k = 0; k < N_FRAMES; k++) {
        const frame *b = &m->frames[k];
        if (!b->n)
            continue;
        double sigma = x->sdd * sqrt((double)b->n);
        double price = 1 / (b->last.c * sigma);
        *row++ = b->last.roc1 / sigma;
        *row++ = b->last.roc6 / (sigma * sqrt(6));
        *row++ = (b->last.c - b->last.ema) * price;
        *row++ = b->last.rsi;
        *row++ = b->last.macd * price;
        *row++ = b->last.bands;
        *row++ = b->last.atr * price;
        *row++ = b->last.willr;
    }
}

const wk__family wk__family_htf = {
    .name = "htf",
    .state_bytes = sizeof(htf),
    .ring_bytes = sizeof(htf_ring),
    .lags = {[WK__LC] = 2160, [WK__C] = RANGE_MAX},
    .columns = columns,
    .update = update,
    .emit = emit,
};
