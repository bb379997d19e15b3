/* libFuzzer target over exact decimals: what is accepted must come back from its text, and as the
 * double that strtod reads. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wick/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    /* A copy of exact size, so that a read past the text is caught. */
    char *text = malloc(n ? n : 1);
    if (!text)
        return 0;
    if (n > 0)
        memcpy(text, bytes, n);
    wk_decimal d = {0, 0}, again = {0, 0};
    const char *why = wk_decimal_parse(text, n, &d);
    if (!why) {
        check(d.scale >= 0 && d.scale <= 36 && d.digits > INT64_MIN);
        char plain[40];
        size_t length = wk_units_format(d.digits, d.scale, plain);
        check(length < sizeof plain && strlen(plain) == length);
        check(wk_decimal_parse(plain, length, &again) == NULL);
        check(again.digits == d.digits && again.scale == d.scale);
        if (n < 200) {
            char ended[200];
            memcpy(ended, text, n);
            ended[n] = 0;
            check(strtod(ended, NULL) == wk_decimal_to_double(d));
        }
        for (int decimals = 0; decimals <= 36; decimals++) {
            int64_t units = 7;
            const char *not_exact = wk_decimal_units(d, decimals, &units);
            if (not_exact)
                check(units == 7);
            else
                check(wk_units_to_double(units, decimals) == wk_decimal_to_double(d));
        }
    }
    free(text);
    return 0;
}
