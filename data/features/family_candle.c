/* Candles: the shape of the bar, simple patterns of research, and TA-Lib's patterns (1, .8, -.8,
 * -1). */
#include "data/features/candles.h"
#include "data/features/engine.h"

typedef struct {
    wk_candles candles;
    double pattern[WK_CANDLE_PATTERNS];
} candle;

static void columns(wk_features *f)
{
    static const char *const names[] = {"body",   "clv",    "uw",    "lw",     "bodyrat",
                                        "engulf", "hammer", "three", "inside", "doji"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        wk__column(f, "candle.%s", names[i]);
    for (int i = 0; i < WK_CANDLE_PATTERNS; i++)
        wk__column(f, "candle.ta_%s", wk_candles_name(i));
}

static void update(const wk__cell *x, void *state, void *ring)
{
    candle *m = state;
    (void)ring;
    if (x->c == x->c)
        wk_candles_push(&m->candles, x->o, x->h, x->l, x->c, m->pattern);
}

static double sign(double x)
{
    return x > 0 ? 1.0 : x < 0 ? -1.0 : x; /* NaN stays NaN */
}

static double truth(bool yes)
{
    return yes ? 1.0 : 0.0;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const candle *m = state;
    (void)ring;
    (void)scratch;
    double top = x->c > x->o ? x->c : x->o, bottom = x->c < x->o ? x->c : x->o;
    double length = x->h - x->l + 1e-9, body = fabs(x->c - x->o), unit = 1 / (x->c * x->sd);
    double upper = x->h - top, lower = bottom - x->l;
    double move = x->c - x->o, before = wk__back(x, 1, WK__C) - wk__back(x, 1, WK__O);
    double before2 = wk__back(x, 2, WK__C) - wk__back(x, 2, WK__O);
    *row++ = move * unit;
    *row++ = ((x->c - x->l) - (x->h - x->c)) / length;
    *row++ = upper * unit;
    *row++ = lower * unit;
    *row++ = body / length;
    *row++ = truth(sign(move) != sign(before) && body > fabs(before)) * sign(move);
    *row++ = truth(lower > 2 * body && upper < body) - truth(upper > 2 * body && lower < body);
    *row++ = sign(move) + sign(before) + sign(before2);
    *row++ = truth(x->h < wk__back(x, 1, WK__H) && x->l > wk__back(x, 1, WK__L));
    *row++ = truth(body / length < 0.1);
    for (int i = 0; i < WK_CANDLE_PATTERNS; i++)
        *row++ = x->c == x->c ? m->pattern[i] / 100 : NAN;
}

const wk__family wk__family_candle = {
    .name = "candle",
    .state_bytes = sizeof(candle),
    .lags = {[WK__C] = 2, [WK__O] = 2, [WK__H] = 1, [WK__L] = 1},
    .columns = columns,
    .update = update,
    .emit = emit,
};
