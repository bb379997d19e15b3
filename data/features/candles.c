/* The patterns, in the order of the enum. Names as in TA-Lib's CDL functions. */
#include "data/features/candles.h"

#include <stdbool.h>

static const char *const names[WK_CANDLE_PATTERNS] = {
    "doji",      "dragonfly", "gravestone", "marubozu", "spinning", "engulfing",
    "harami",    "piercing",  "darkcloud",  "hammer",   "hangman",  "invhammer",
    "shootstar", "mornstar",  "evestar",    "soldiers", "crows"};

const char *wk_candles_name(int pattern)
{
    WK_ASSERT(pattern >= 0 && pattern < WK_CANDLE_PATTERNS);
    return names[pattern];
}

static double score(bool found, double value)
{
    return found ? value : 0.0;
}

static double engulfing(const wk__candle *x, const wk__candle *y)
{
    bool up = x->color > 0 && y->color < 0 &&
              ((x->c >= y->o && x->o < y->c) || (x->c > y->o && x->o <= y->c));
    bool down = x->color < 0 && y->color > 0 &&
                ((x->o >= y->c && x->c < y->o) || (x->o > y->c && x->c <= y->o));
    if (!up && !down)
        return 0;
    return x->color * (x->o != y->c && x->c != y->o ? 100 : 80);
}

static double harami(const wk__candle *x, const wk__candle *y)
{
    if (!(y->body > y->body_mean && x->body <= x->body_mean))
        return 0;
    if (x->top < y->top && x->bottom > y->bottom)
        return -y->color * 100;
    return score(x->top <= y->top && x->bottom >= y->bottom, -y->color * 80);
}

static double soldiers(const wk__candle *x, const wk__candle *y, const wk__candle *z)
{
    bool white = x->color > 0 && y->color > 0 && z->color > 0;
    bool shaved = z->upper < z->shadow_very_short && y->upper < y->shadow_very_short &&
                  x->upper < x->shadow_very_short;
    bool rising = x->c > y->c && y->c > z->c;
    bool inside = y->o > z->o && y->o <= z->c + z->near && x->o > y->o && x->o <= y->c + y->near;
    bool strong =
        y->body > z->body - z->far && x->body > y->body - y->far && x->body > x->body_mean;
    return score(white && shaved && rising && inside && strong, 100);
}

static double crows(const wk__candle *x, const wk__candle *y, const wk__candle *z,
                    const wk__candle *before)
{
    bool black = before->color > 0 && x->color < 0 && y->color < 0 && z->color < 0;
    bool shaved = z->lower < z->shadow_very_short && y->lower < y->shadow_very_short &&
                  x->lower < x->shadow_very_short;
    bool inside = y->o < z->o && y->o > z->c && x->o < y->o && x->o > y->c;
    bool falling = before->h > z->c && z->c > y->c && y->c > x->c;
    return score(black && shaved && inside && falling, -100);
}

static void judge(const wk_candles *s, double out[WK_CANDLE_PATTERNS])
{
    const wk__candle *x = &s->at[0], *y = &s->at[1], *z = &s->at[2];
    double very_short = x->shadow_very_short;
    bool doji = x->body <= x->doji, small = x->body<x->body_mean, big = x->body> x->body_mean;
    out[WK_CANDLE_DOJI] = score(doji, 100);
    out[WK_CANDLE_DRAGONFLY_DOJI] =
        score(doji && x->lower > very_short && x->upper < very_short, 100);
    out[WK_CANDLE_GRAVESTONE_DOJI] =
        score(doji && x->upper > very_short && x->lower < very_short, 100);
    out[WK_CANDLE_MARUBOZU] =
        score(big && x->upper < very_short && x->lower < very_short, x->color * 100);
    out[WK_CANDLE_SPINNING_TOP] =
        score(small && x->upper > x->body && x->lower > x->body, x->color * 100);
    out[WK_CANDLE_ENGULFING] = engulfing(x, y);
    out[WK_CANDLE_HARAMI] = harami(x, y);
    bool long_before = y->body > y->body_mean;
    out[WK_CANDLE_PIERCING] = score(long_before && y->color < 0 && x->color > 0 && big &&
                                        x->o < y->l && x->c < y->o && x->c > y->c + y->body * 0.5,
                                    100);
    out[WK_CANDLE_DARK_CLOUD_COVER] =
        score(long_before && y->color > 0 && x->color < 0 && x->o > y->h && x->c > y->o &&
                  x->c < y->c - y->body * 0.5,
              -100);
    bool pin_down = small && x->lower > x->body && x->upper < very_short;
    bool pin_up = small && x->upper > x->body && x->lower < very_short;
    out[WK_CANDLE_HAMMER] = score(pin_down && x->bottom <= y->l + y->near, 100);
    out[WK_CANDLE_HANGING_MAN] = score(pin_down && x->bottom >= y->h - y->near, -100);
    out[WK_CANDLE_INVERTED_HAMMER] = score(pin_up && x->top < y->bottom, 100);
    out[WK_CANDLE_SHOOTING_STAR] = score(pin_up && x->bottom > y->top, -100);
    bool star = z->body > z->body_mean && y->body <= y->body_mean && big;
    out[WK_CANDLE_MORNING_STAR] = score(star && z->color < 0 && y->top < z->bottom &&
                                            x->color > 0 && x->c > z->c + z->body * 0.3,
                                        100);
    out[WK_CANDLE_EVENING_STAR] = score(star && z->color > 0 && y->bottom > z->top &&
                                            x->color < 0 && x->c < z->c - z->body * 0.3,
                                        -100);
    out[WK_CANDLE_THREE_WHITE_SOLDIERS] = soldiers(x, y, z);
    out[WK_CANDLE_THREE_BLACK_CROWS] = crows(x, y, z, &s->at[3]);
}

void wk_candles_push(wk_candles *s, double o, double h, double l, double c,
                     double out[WK_CANDLE_PATTERNS])
{
    wk__candle x = {.o = o, .h = h, .l = l, .c = c};
    x.top = o > c ? o : c;
    x.bottom = o > c ? c : o;
    x.body = x.top - x.bottom;
    x.upper = h - x.top;
    x.lower = x.bottom - l;
    x.color = c >= o ? 1.0 : -1.0;
    double range10 = wk__sum_value(&s->range10), range5 = wk__sum_value(&s->range5);
    x.body_mean = wk__sum_value(&s->body10) / 10;
    x.doji = x.shadow_very_short = 0.1 * (range10 / 10);
    x.near = 0.2 * (range5 / 5);
    x.far = 0.6 * (range5 / 5);
    s->at[3] = s->at[2];
    s->at[2] = s->at[1];
    s->at[1] = s->at[0];
    s->at[0] = x;

    wk__sum_add(&s->body10, x.body);
    wk__sum_add(&s->range10, h - l);
    wk__sum_add(&s->range5, h - l);
    if (s->age >= 10) {
        wk__sum_add(&s->body10, -s->bodies[(s->age - 10) & 15]);
        wk__sum_add(&s->range10, -s->ranges[(s->age - 10) & 15]);
    }
    if (s->age >= 5)
        wk__sum_add(&s->range5, -s->ranges[(s->age - 5) & 15]);
    s->bodies[s->age & 15] = x.body;
    s->ranges[s->age & 15] = h - l;
    s->age++;
    for (int i = 0; i < WK_CANDLE_PATTERNS; i++)
        out[i] = 0;
    if (s->age > 13)
        judge(s, out);
}
