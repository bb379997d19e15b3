/* Candlestick patterns with TA-Lib's definitions and default settings: bodies and shadows are
 * judged against the mean of the ten candles before (five for "near" and "far"). */
#ifndef WICK_DATA_FEATURES_CANDLES_H
#define WICK_DATA_FEATURES_CANDLES_H

#include "data/features/roll.h"

enum {
    WK_CANDLE_DOJI,
    WK_CANDLE_DRAGONFLY_DOJI,
    WK_CANDLE_GRAVESTONE_DOJI,
    WK_CANDLE_MARUBOZU,
    WK_CANDLE_SPINNING_TOP,
    WK_CANDLE_ENGULFING,
    WK_CANDLE_HARAMI,
    WK_CANDLE_PIERCING,
    WK_CANDLE_DARK_CLOUD_COVER,
    WK_CANDLE_HAMMER,
    WK_CANDLE_HANGING_MAN,
    WK_CANDLE_INVERTED_HAMMER,
    WK_CANDLE_SHOOTING_STAR,
    WK_CANDLE_MORNING_STAR,
    WK_CANDLE_EVENING_STAR,
    WK_CANDLE_THREE_WHITE_SOLDIERS,
    WK_CANDLE_THREE_BLACK_CROWS,
    WK_CANDLE_PATTERNS
};

/* One candle with the settings that hold for it. */
typedef struct {
    double o, h, l, c;
    double top, bottom, body; /* of the body */
    double upper, lower;      /* shadows */
    double color;             /* 1 white (close at or over open), -1 black */
    double body_mean, doji, shadow_very_short, near, far;
} wk__candle;

typedef struct {
    wk__candle at[4]; /* newest first */
    double bodies[16], ranges[16];
    wk__sum body10, range10, range5;
    int64_t age;
} wk_candles;

static inline void wk_candles_init(wk_candles *s)
{
    *s = (wk_candles){.age = 0};
}

/* Pushes a candle; out receives 0, +-80 or +-100 for each pattern (0 before 13 candles). */
void wk_candles_push(wk_candles *s, double o, double h, double l, double c,
                     double out[WK_CANDLE_PATTERNS]);

/* The same for an unfinished candle. */
static inline void wk_candles_peek(const wk_candles *s, double o, double h, double l, double c,
                                   double out[WK_CANDLE_PATTERNS])
{
    wk_candles copy = *s;
    wk_candles_push(&copy, o, h, l, c, out);
}

/* "doji", "engulfing" ...: what the columns are called. */
const char *wk_candles_name(int pattern);

#endif
