#include "serve_number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POWERS = 23, NUMBER_BYTES_MAX = 511 };

/* These powers are exact in a double. */
static const double power[POWERS] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int read_slowly(const char *text, size_t n, double *out)
{
    char copy[NUMBER_BYTES_MAX + 1];
    if (n > NUMBER_BYTES_MAX)
        return 0;
    memcpy(copy, text, n);
    copy[n] = 0;
    *out = strtod(copy, NULL);
    return isfinite(*out);
}

int wk__serve_number_read(const char *text, size_t n, double *out)
{
    const char *p = text, *end = text + n;
    uint64_t digits = 0;
    int scale = 0, seen = 0;
    int negative = p < end && *p == '-';
    for (p += negative; p < end && *p >= '0' && *p <= '9'; p++, seen++)
        digits = digits * 10 + (uint64_t)(*p - '0');
    if (p < end && *p == '.')
        for (p++; p < end && *p >= '0' && *p <= '9'; p++, seen++, scale++)
            digits = digits * 10 + (uint64_t)(*p - '0');
    /* An integer below 2^53 over an exact power of ten: one rounding, so the nearest double. */
    if (p != end || seen > 18 || digits > (UINT64_C(1) << 53) || scale >= POWERS)
        return read_slowly(text, n, out);
    double value = (double)digits / power[scale];
    *out = negative ? -value : value;
    return 1;
}

static size_t write_slowly(float x, char *out)
{
    for (int digits = 1; digits <= 9; digits++) {
        int n = snprintf(out, 32, "%.*g", digits, (double)x);
        if ((float)strtod(out, NULL) == x)
            return (size_t)n;
    }
    return 0;
}

/* mantissa / 10^scale, scale >= 0 or a few zeros to append. */
static size_t write_digits(int negative, uint64_t mantissa, int scale, char *out)
{
    char digits[24];
    int n = 0;
    size_t at = 0;
    for (; mantissa; mantissa /= 10)
        digits[n++] = (char)('0' + mantissa % 10);
    if (negative)
        out[at++] = '-';
    if (n <= scale) {
        out[at++] = '0';
        out[at++] = '.';
        for (int i = n; i < scale; i++)
            out[at++] = '0';
    }
    while (n) {
        out[at++] = digits[--n];
        if (n && n == scale)
            out[at++] = '.';
    }
    for (; scale < 0; scale++)
        out[at++] = '0';
    return at;
}

size_t wk__serve_float_write(float x, char *out)
{
    if (!isfinite(x)) {
        memcpy(out, "null", 4);
        return 4;
    }
    if (x == 0) {
        memcpy(out, "-0.0", 4);
        if (!signbit(x))
            out[0] = '0';
        return signbit(x) ? 4 : 1;
    }
    double v = fabs((double)x);
    if (v < 1e-8 || v >= 1e9)
        return write_slowly(x, out);
    int whole = 1; /* digits before the point; 0 and less: zeros behind it */
    if (v >= 1)
        while (v >= power[whole])
            whole++;
    else
        while (v * power[1 - whole] < 1)
            whole--;
    for (int digits = 1; digits <= 9; digits++) {
        int scale = digits - whole;
        double shifted = scale >= 0 ? v * power[scale] : v / power[-scale];
        uint64_t mantissa = (uint64_t)(shifted + 0.5);
        double back =
            scale >= 0 ? (double)mantissa / power[scale] : (double)mantissa * power[-scale];
        if ((float)back == (float)v)
            return write_digits(x < 0, mantissa, scale, out);
    }
    return write_slowly(x, out);
}
