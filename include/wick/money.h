/* Integer money: prices in ticks, sizes in lots, cash in 1e-8 of the quote currency. Products run
 * in 128 bits, are rounded where the caller says (against us) and refuse to overflow. */
#ifndef WICK_MONEY_H
#define WICK_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#define WK_E8 INT64_C(100000000)
#define WK_PPT INT64_C(1000000000000) /* rates are integers in 1e-12 */

__extension__ typedef __int128 wk_i128;

/* What one lot is worth a tick, in 1e-8 of the quote: mul / div. */
typedef struct {
    int64_t mul, div;
    double e8; /* mul / div for sizing, where no cash changes hands */
} wk_unit;

/* value = *num / 10^(*places). False when the value is no positive decimal of at most 12 places. */
static inline bool wk__money_decimal(double value, int64_t *num, int *places)
{
    double scaled = value;
    for (int d = 0; d <= 12; d++, scaled *= 10.0) {
        if (!(scaled > 0.0 && scaled < 9e15))
            return false;
        int64_t n = (int64_t)(scaled + 0.5);
        double miss = scaled - (double)n;
        if (n > 0 && miss <= 1e-13 * scaled && miss >= -1e-13 * scaled) {
            *num = n;
            *places = d;
            return true;
        }
    }
    return false;
}

/* Decomposes tick and lot into decimal fractions. False when they are no positive decimals of at
 * most 12 places, or when the product does not fit. */
static inline bool wk_unit_init(wk_unit *unit, double tick, double lot)
{
    int64_t tick_num, lot_num, mul;
    int tick_places, lot_places;
    if (!wk__money_decimal(tick, &tick_num, &tick_places) ||
        !wk__money_decimal(lot, &lot_num, &lot_places) ||
        __builtin_mul_overflow(tick_num, lot_num, &mul))
        return false;
    int places = tick_places + lot_places - 8;
    int64_t div = 1;
    for (; places > 0; places--) {
        if (mul % 10 == 0)
            mul /= 10;
        else if (__builtin_mul_overflow(div, INT64_C(10), &div))
            return false;
    }
    for (; places < 0; places++)
        if (__builtin_mul_overflow(mul, INT64_C(10), &mul))
            return false;
    unit->mul = mul;
    unit->div = div;
    unit->e8 = (double)mul / (double)div;
    return true;
}

static inline bool wk__money_div(wk_i128 p, int64_t div, bool up, int64_t *out)
{
    wk_i128 q = p / div;
    wk_i128 r = p - q * div;
    if (r > 0 && up)
        q++;
    if (r < 0 && !up)
        q--;
    if (q > INT64_MAX || q < INT64_MIN)
        return false;
    *out = (int64_t)q;
    return true;
}

/* *out = a * b * c / div, the floor or (up) the ceiling; div > 0. False on overflow, *out
 * untouched. */
static inline bool wk_money_mul_div(int64_t a, int64_t b, int64_t c, int64_t div, bool up,
                                    int64_t *out)
{
    int64_t p;
    if (!__builtin_mul_overflow(a, b, &p) && !__builtin_mul_overflow(p, c, &p)) {
        /* The usual case stays in 64 bits: a 128-bit division is several times slower. */
        if (div == 1) {
            *out = p;
            return true;
        }
        int64_t q = p / div;
        int64_t r = p - q * div;
        *out = q + (r > 0 && up) - (r < 0 && !up);
        return true;
    }
    wk_i128 w;
    if (__builtin_mul_overflow((wk_i128)a * b, (wk_i128)c, &w))
        return false;
    return wk__money_div(w, div, up, out);
}

/* The value of lots * ticks in 1e-8 of the quote, the floor or (up) the ceiling. */
static inline bool wk_money_value(const wk_unit *unit, int64_t lots, int64_t ticks, bool up,
                                  int64_t *out)
{
    return wk_money_mul_div(lots, ticks, unit->mul, unit->div, up, out);
}

/* A share of an amount; the rate is in 1e-12. */
static inline bool wk_money_share(int64_t amount_e8, int64_t rate_ppt, bool up, int64_t *out)
{
    return wk_money_mul_div(amount_e8, rate_ppt, 1, WK_PPT, up, out);
}

/* The cash that a fill moves before fees: a buy pays the ceiling (negative), a sell gets the floor.
 */
static inline bool wk_money_fill(const wk_unit *unit, int side, int64_t lots, int64_t ticks,
                                 int64_t *cash_e8)
{
    int64_t v;
    if (!wk_money_value(unit, lots, ticks, side > 0, &v))
        return false;
    *cash_e8 = side > 0 ? -v : v;
    return true;
}

/* 1 / tick, exact where that is a whole number: a decimal tick has one more often than 1.0 / tick
 * says. */
static inline double wk_money_per_tick(double tick)
{
    double per = 1.0 / tick;
    double whole = (double)(int64_t)(per + 0.5);
    return per - whole < 1e-9 * whole && whole - per < 1e-9 * whole ? whole : per;
}

/* Nearest tick of a positive price, from its 1 / tick. */
static inline int64_t wk_money_ticks(double price, double per_tick)
{
    return (int64_t)(price * per_tick + 0.5);
}

#endif
