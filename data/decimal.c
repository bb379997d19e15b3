/* Exact decimals. */
#include "wick/decimal.h"

#include <stdio.h>
#include <stdlib.h>

#include "wick/err.h"

enum { SCALE_MAX = 36, POWERS_DOUBLE = 23, POWERS_INT = 19 };

static const double powers_double[POWERS_DOUBLE] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const int64_t powers_int[POWERS_INT] = {INT64_C(1),
                                               INT64_C(10),
                                               INT64_C(100),
                                               INT64_C(1000),
                                               INT64_C(10000),
                                               INT64_C(100000),
                                               INT64_C(1000000),
                                               INT64_C(10000000),
                                               INT64_C(100000000),
                                               INT64_C(1000000000),
                                               INT64_C(10000000000),
                                               INT64_C(100000000000),
                                               INT64_C(1000000000000),
                                               INT64_C(10000000000000),
                                               INT64_C(100000000000000),
                                               INT64_C(1000000000000000),
                                               INT64_C(10000000000000000),
                                               INT64_C(100000000000000000),
                                               INT64_C(1000000000000000000)};

static const char *const not_a_number = "is not a number";
static const char *const too_long = "has too many digits";

static int is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Digits read so far. A zero at the end of a fraction that no longer fits changes nothing and is
 * dropped ("1.00000000000000000000"); any digit behind a dropped one overflows. */
typedef struct {
    uint64_t digits;
    int64_t scale;
    int has_dropped;
    int overflows;
} reading;

static const char *read_digits(const char *p, const char *end, reading *r, int is_fraction)
{
    for (; p < end && is_digit(*p); p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (r->digits > (uint64_t)(INT64_MAX - 9) / 10 || r->has_dropped) {
            if (is_fraction && digit == 0) {
                r->has_dropped = 1;
                continue;
            }
            uint64_t room = (uint64_t)INT64_MAX - digit;
            if (r->has_dropped || r->digits > room / 10) {
                r->overflows = 1;
                continue;
            }
        }
        r->digits = r->digits * 10 + digit;
        r->scale += is_fraction;
    }
    return p;
}

/* Brings the scale into 0..SCALE_MAX without changing the value. */
static const char *settle(reading *r)
{
    if (r->digits == 0) {
        r->scale = r->scale < 0 ? 0 : r->scale > SCALE_MAX ? SCALE_MAX : r->scale;
        return NULL;
    }
    for (; r->scale < 0; r->scale++) {
        if (r->digits > (uint64_t)INT64_MAX / 10)
            return too_long;
        r->digits *= 10;
    }
    for (; r->scale > SCALE_MAX; r->scale--) {
        if (r->digits % 10 != 0)
            return too_long;
        r->digits /= 10;
    }
    return NULL;
}

const char *wk_decimal_parse(const char *text, size_t n, wk_decimal *out)
{
    const char *p = text, *end = text + n;
    if (n == 0)
        return "is empty";
    int is_negative = *p == '-';
    p += is_negative;
    reading r = {0};
    const char *whole = p;
    p = read_digits(p, end, &r, 0);
    if (p == whole)
        return not_a_number;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = read_digits(p, end, &r, 1);
        if (p == fraction)
            return not_a_number;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        int is_below = p < end && *p == '-';
        p += p < end && (*p == '-' || *p == '+');
        const char *first = p;
        int64_t exponent = 0;
        for (; p < end && is_digit(*p); p++)
            exponent = exponent < 1000000 ? exponent * 10 + (*p - '0') : exponent;
        if (p == first)
            return not_a_number;
        r.scale += is_below ? exponent : -exponent;
    }
    if (p != end)
        return not_a_number;
    if (r.overflows)
        return too_long;
    if (r.scale < 0 || r.scale > SCALE_MAX) {
        const char *why = settle(&r);
        if (why)
            return why;
    }
    out->digits = is_negative ? -(int64_t)r.digits : (int64_t)r.digits;
    out->scale = (int)r.scale;
    return NULL;
}

static const char *const more_decimals[SCALE_MAX + 1] = {
    "has more than 0 decimals",  "has more than 1 decimal",   "has more than 2 decimals",
    "has more than 3 decimals",  "has more than 4 decimals",  "has more than 5 decimals",
    "has more than 6 decimals",  "has more than 7 decimals",  "has more than 8 decimals",
    "has more than 9 decimals",  "has more than 10 decimals", "has more than 11 decimals",
    "has more than 12 decimals", "has more than 13 decimals", "has more than 14 decimals",
    "has more than 15 decimals", "has more than 16 decimals", "has more than 17 decimals",
    "has more than 18 decimals", "has more than 19 decimals", "has more than 20 decimals",
    "has more than 21 decimals", "has more than 22 decimals", "has more than 23 decimals",
    "has more than 24 decimals", "has more than 25 decimals", "has more than 26 decimals",
    "has more than 27 decimals", "has more than 28 decimals", "has more than 29 decimals",
    "has more than 30 decimals", "has more than 31 decimals", "has more than 32 decimals",
    "has more than 33 decimals", "has more than 34 decimals", "has more than 35 decimals",
    "has more than 36 decimals"};

const char *wk_decimal_units(wk_decimal value, int decimals, int64_t *units)
{
    WK_ASSERT(decimals >= 0 && decimals <= SCALE_MAX);
    WK_ASSERT(value.scale >= 0 && value.scale <= SCALE_MAX);
    if (value.scale == decimals || value.digits == 0) {
        *units = value.digits;
        return NULL;
    }
    int up = decimals - value.scale;
    if (up > 0) {
        int64_t product;
        if (up >= POWERS_INT || __builtin_mul_overflow(value.digits, powers_int[up], &product))
            return "is too large";
        *units = product;
        return NULL;
    }
    /* 10^19 is above any int64, so that only zero could be a multiple of it. */
    if (-up >= POWERS_INT || value.digits % powers_int[-up] != 0)
        return more_decimals[decimals];
    *units = value.digits / powers_int[-up];
    return NULL;
}

double wk_decimal_to_double(wk_decimal value)
{
    WK_ASSERT(value.scale >= 0 && value.scale <= SCALE_MAX);
    const int64_t exact = INT64_C(1) << 53;
    /* Both operands are exact, so that the one division rounds correctly (Clinger 1990). */
    if (value.digits <= exact && value.digits >= -exact && value.scale < POWERS_DOUBLE)
        return (double)value.digits / powers_double[value.scale];
    /* Digits and an exponent hold no decimal point, the only thing that a locale could change. */
    char text[32];
    snprintf(text, sizeof text, "%llde-%d", (long long)value.digits, value.scale);
    return strtod(text, NULL);
}

double wk_units_to_double(int64_t units, int decimals)
{
    return wk_decimal_to_double((wk_decimal){units, decimals});
}

size_t wk_units_format(int64_t units, int decimals, char out[40])
{
    WK_ASSERT(decimals >= 0 && decimals <= SCALE_MAX);
    char reversed[40];
    size_t n = 0;
    uint64_t rest = units < 0 ? 0 - (uint64_t)units : (uint64_t)units;
    for (int i = 0; rest > 0 || i <= decimals; i++) {
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
        if (i + 1 == decimals)
            reversed[n++] = '.';
    }
    if (units < 0)
        reversed[n++] = '-';
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = 0;
    return n;
}
