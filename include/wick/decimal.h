/* Exact decimals: venue prices and sizes as int64 counts of 10^-decimals, never through a double.
 */
#ifndef WICK_DECIMAL_H
#define WICK_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* value = digits * 10^-scale. scale is 0..36; trailing zeros are kept as written (1.500: 1500, 3).
 */
typedef struct {
    int64_t digits;
    int scale;
} wk_decimal;

/* Reads [-]digits[.digits][e[+-]digits] that fills text[0..n), as JSON numbers and venue strings
 * have it
 * ("4.21870000", "1e-08", "13834774380200032777" overflows). Returns NULL, or why it is none ("is
 * empty", "is not a number", "has too many digits"); *out is untouched then. */
const char *wk_decimal_parse(const char *text, size_t n, wk_decimal *out);

/* Counts of 10^-decimals: exact, or the reason why not ("has more than 2 decimals", "is too
 * large"). */
const char *wk_decimal_units(wk_decimal value, int decimals, int64_t *units);

/* The nearest double (ties to even). */
double wk_decimal_to_double(wk_decimal value);
/* units * 10^-decimals, correctly rounded. */
double wk_units_to_double(int64_t units, int decimals);

/* Writes units with exactly `decimals` decimals ("0.5660"); out holds 40 bytes. Returns its length.
 */
size_t wk_units_format(int64_t units, int decimals, char out[40]);

#endif
