/* Exact texts to numbers and times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/csv.h"

enum { DIGITS_MAX = 40, POWERS = 23 };

static const double exact_powers[POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Significant digits, and the power of ten that the last of them stands at. */
typedef struct {
    char digits[DIGITS_MAX + 1];
    int n;
    int64_t exponent;
    uint64_t mantissa; /* of the digits, exact while n <= 19 */
} decimal;

/* Zeros wait until another digit follows: "43.35600000" is as short as "43.356". */
static const char *scan_digits(const char *p, const char *end, decimal *d, int *zeros, int fraction)
{
    for (; p < end && is_digit(*p); p++) {
        d->exponent -= fraction;
        if (*p == '0') {
            *zeros += d->n > 0;
            continue;
        }
        while (d->n > 0 && *zeros > 0 && d->n < DIGITS_MAX) {
            d->digits[d->n++] = '0';
            d->mantissa *= 10;
            (*zeros)--;
        }
        if (d->n == DIGITS_MAX)
            return NULL;
        d->digits[d->n++] = *p;
        d->mantissa = d->mantissa * 10 + (uint64_t)(*p - '0');
    }
    return p;
}

const char *wk_number_parse(const char *text, size_t n, double *out)
{
    const char *p = text, *end = text + n;
    if (n == 0)
        return "is empty";
    decimal d = {.n = 0};
    int zeros = 0;
    int negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    const char *whole = p;
    p = scan_digits(p, end, &d, &zeros, 0);
    size_t n_digits = p ? (size_t)(p - whole) : 0;
    if (p && p < end && *p == '.') {
        const char *fraction = ++p;
        p = scan_digits(p, end, &d, &zeros, 1);
        n_digits += p ? (size_t)(p - fraction) : 0;
    }
    if (!p)
        return "has too many digits";
    if (n_digits == 0)
        return "is not a number";
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        int below = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        const char *first = p;
        int64_t e = 0;
        for (; p < end && is_digit(*p); p++)
            e = e < 100000 ? e * 10 + (*p - '0') : e;
        if (p == first)
            return "is not a number";
        d.exponent += below ? -e : e;
    }
    if (p != end)
        return "is not a number";
    d.exponent += zeros;
    double value = 0;
    if (d.n > 0 && d.n <= 19 && d.mantissa <= UINT64_C(9007199254740992) && d.exponent > -POWERS &&
        d.exponent < POWERS) {
        /* Both operands are exact, so that the one operation rounds correctly (Clinger 1990). */
        value = (double)d.mantissa;
        value =
            d.exponent < 0 ? value / exact_powers[-d.exponent] : value * exact_powers[d.exponent];
    } else if (d.n > 0) {
        /* Digits and an exponent hold no decimal point, the only thing a locale could change. */
        char plain[DIGITS_MAX + 32];
        d.digits[d.n] = 0;
        snprintf(plain, sizeof plain, "%se%lld", d.digits, (long long)d.exponent);
        value = strtod(plain, NULL);
    }
    if (!isfinite(value))
        return "is out of range";
    *out = negative ? -value : value;
    return NULL;
}

static int two_digits(const char *p, int *out)
{
    if (!is_digit(p[0]) || !is_digit(p[1]))
        return 0;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return 1;
}

static const char *parse_iso(const char *text, size_t n, int64_t *time_ns)
{
    static const char *const wrong = "is not a time like 2024-06-30T23:45:00Z";
    int century, year, month, day, hour = 0, minute = 0, second = 0;
    if (n < 10 || !two_digits(text, &century) || !two_digits(text + 2, &year) || text[4] != '-' ||
        !two_digits(text + 5, &month) || text[7] != '-' || !two_digits(text + 8, &day))
        return wrong;
    size_t i = 10;
    if (i < n) {
        if ((text[i] != 'T' && text[i] != ' ') || n < i + 6 || !two_digits(text + i + 1, &hour) ||
            text[i + 3] != ':' || !two_digits(text + i + 4, &minute))
            return wrong;
        i += 6;
        if (n >= i + 3 && text[i] == ':') {
            if (!two_digits(text + i + 1, &second))
                return wrong;
            i += 3;
        }
    }
    if (i < n && text[i] == '.') /* a candle opens on a whole second */
        for (i++; i < n && text[i] == '0'; i++)
            ;
    if (!(i == n || (n - i == 1 && text[i] == 'Z') ||
          (n - i == 6 && !memcmp(text + i, "+00:00", 6))))
        return wrong;
    year += century * 100;
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || hour > 23 ||
        minute > 59 || second > 59)
        return wrong;
    int64_t day_ns = wk_civil_to_ns(year, month, day);
    if (wk_civil_from_ns(day_ns).month != month)
        return wrong;
    *time_ns = day_ns + ((int64_t)hour * 3600 + minute * 60 + second) * WK_NS_PER_S;
    return NULL;
}

const char *wk_stamp_parse(const char *text, size_t n, int64_t *time_ns)
{
    if (n == 0)
        return "is empty";
    if (n >= 5 && text[4] == '-')
        return parse_iso(text, n, time_ns);
    uint64_t v = 0; /* nineteen digits fit */
    size_t i = 0;
    for (; i < n && is_digit(text[i]); i++) {
        if (i == 19)
            return "is not a Unix time";
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    size_t n_digits = i;
    if (i < n && text[i] == '.') /* spreadsheets write 1514764800.0 */
        for (i++; i < n && text[i] == '0'; i++)
            ;
    if (i != n || n_digits == 0)
        return "is not a Unix time";
    const uint64_t first_ms = UINT64_C(100000000000); /* as seconds, the year 5138 */
    uint64_t unit_ns = v < first_ms             ? 1000000000
                       : v < first_ms * 1000    ? 1000000
                       : v < first_ms * 1000000 ? 1000
                                                : 1;
    if (v > UINT64_C(9000000000000000000) / unit_ns) /* the year 2255 */
        return "is not a Unix time";
    *time_ns = (int64_t)(v * unit_ns);
    return NULL;
}
