#include "exact.h"

#include <string.h>

#include "wick/err.h"
#include "wick/text.h"

enum { SCALE_MAX = 18 };

static wk__int128 power_of_ten(int n)
{
    wk__int128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

/* Half away from zero: ties are as rare as 19 significant digits. */
static wk__int128 divide_rounded(wk__int128 a, wk__int128 b)
{
    return (a + (a < 0 ? -b : b) / 2) / b;
}

void wk__sum_add(wk__sum *sum, wk_decimal term)
{
    wk__int128 digits = term.digits;
    int scale = term.scale;
    if (scale > SCALE_MAX) {
        digits = divide_rounded(digits, power_of_ten(scale - SCALE_MAX));
        scale = SCALE_MAX;
    }
    if (scale > sum->scale) {
        wk__int128 factor = power_of_ten(scale - sum->scale), most = power_of_ten(37) / factor;
        sum->digits = sum->digits > most ? most : sum->digits < -most ? -most : sum->digits;
        sum->digits *= factor;
        sum->scale = scale;
    } else {
        digits *= power_of_ten(sum->scale - scale);
    }
    sum->digits += digits;
    /* No market trades so much; what claims it must not overflow the next sum. */
    wk__int128 most = power_of_ten(37);
    if (sum->digits > most)
        sum->digits = most;
    if (sum->digits < -most)
        sum->digits = -most;
}

wk_decimal wk__sum_value(const wk__sum *sum)
{
    wk__int128 digits = sum->digits;
    int scale = sum->scale;
    while (scale > 0 && digits % 10 == 0) {
        digits /= 10;
        scale--;
    }
    while (scale > 0 && (scale > SCALE_MAX || digits > INT64_MAX || digits < -INT64_MAX)) {
        digits = divide_rounded(digits, 10);
        scale--;
    }
    if (digits > INT64_MAX)
        digits = INT64_MAX;
    if (digits < -INT64_MAX)
        digits = -INT64_MAX;
    return (wk_decimal){(int64_t)digits, scale};
}

static wk_decimal without_zeros(wk_decimal x)
{
    while (x.scale > 0 && x.digits % 10 == 0) {
        x.digits /= 10;
        x.scale--;
    }
    return x;
}

int wk__exact_compare(wk_decimal a, wk_decimal b)
{
    a = without_zeros(a);
    b = without_zeros(b);
    int apart = a.scale - b.scale;
    if (apart > SCALE_MAX || apart < -SCALE_MAX) {
        double x = wk_decimal_to_double(a), y = wk_decimal_to_double(b);
        return (x > y) - (x < y);
    }
    wk__int128 x = a.digits, y = b.digits;
    if (apart < 0)
        x *= power_of_ten(-apart);
    else
        y *= power_of_ten(apart);
    return (x > y) - (x < y);
}

wk_decimal wk__decimal_of(double x)
{
    char text[32];
    wk_decimal out = {0};
    wk_double_format(x, text);
    const char *why = wk_decimal_parse(text, strlen(text), &out);
    /* The shortest form has at most 17 digits; only magnitudes no price has are beyond a decimal.
     */
    return why ? (wk_decimal){0} : out;
}
