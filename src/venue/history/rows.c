/* What the parsers of REST replies share. */
#include "rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"

void *wk__rest_grow(void **v, size_t *n, size_t *capacity, size_t size)
{
    if (*n == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : 64;
        char *grown = realloc(*v, larger * size);
        if (!grown)
            return NULL;
        *v = grown;
        *capacity = larger;
    }
    char *place = (char *)*v + *n * size;
    memset(place, 0, size);
    ++*n;
    return place;
}

wk_decimal wk__rest_trim(wk_decimal value)
{
    while (value.scale > 0 && value.digits % 10 == 0) {
        value.digits /= 10;
        value.scale--;
    }
    return value;
}

double wk__rest_percent(wk_decimal value)
{
    value = wk__rest_trim(value);
    value.scale += 2;
    return value.scale <= 36 ? wk_decimal_to_double(value) : 0;
}

const char *wk__rest_time(const wk_doc *doc, uint32_t at, int64_t *time_ns)
{
    char text[48], fraction[10] = "000000000";
    wk_err ignored;
    if (!wk__doc_is(doc, at, WK__JSON_STRING))
        return "is no time";
    wk__doc_copy(doc, at, text, sizeof text);
    size_t n = strlen(text);
    if (n < 20 || text[n - 1] != 'Z')
        return "is no time like 2025-07-11T08:00:00Z";
    if (text[19] == '.') {
        size_t digits = strspn(text + 20, "0123456789");
        if (digits == 0 || digits > 9 || 20 + digits + 1 != n)
            return "is no time like 2025-07-11T08:00:00.000Z";
        memcpy(fraction, text + 20, digits);
        text[19] = 'Z';
        text[20] = 0;
    }
    int64_t seconds_ns;
    if (wk_time_parse(text, &seconds_ns, &ignored) != WK_OK)
        return "is no time like 2025-07-11T08:00:00Z";
    *time_ns = seconds_ns + atoll(fraction);
    return NULL;
}

const char *wk__rest_price(const wk_doc *doc, uint32_t at, wk_decimal *out)
{
    wk_decimal value;
    const char *why = wk__doc_decimal(doc, at, &value);
    if (!why && value.digits <= 0)
        why = "is not positive";
    if (!why)
        *out = value;
    return why;
}

const char *wk__rest_size(const wk_doc *doc, uint32_t at, wk_decimal *out)
{
    wk_decimal value;
    const char *why = wk__doc_decimal(doc, at, &value);
    if (!why && value.digits < 0)
        why = "is negative";
    if (!why)
        *out = value;
    return why;
}

const char *wk__rest_unix(const wk_doc *doc, uint32_t at, int64_t unit_ns, int64_t *time_ns)
{
    int64_t value;
    const char *why = wk__doc_int(doc, at, &value);
    if (why)
        return why;
    if (value < 0 || value > 8 * (INT64_MAX / 10) / unit_ns) /* up to 2203 */
        return "is no time of this age";
    *time_ns = value * unit_ns;
    return NULL;
}

const char *wk__rest_candle_problem(const wk_rest_candle *candle)
{
    double open = wk_decimal_to_double(candle->open), high = wk_decimal_to_double(candle->high);
    double low = wk_decimal_to_double(candle->low), close = wk_decimal_to_double(candle->close);
    if (high < low || high < open || high < close || low > open || low > close)
        return "is impossible: its high or low lies inside its open and close";
    return NULL;
}

void wk__rest_instrument_init(wk_instrument *out, const char *venue, int64_t read_ns)
{
    *out = (wk_instrument){.cost_min = {0, -1},
                           .contract_value = {1, 0},
                           .maker_fee = NAN,
                           .taker_fee = NAN,
                           .initial_margin = NAN,
                           .maintenance_margin = NAN,
                           .read_ns = read_ns};
    snprintf(out->venue, sizeof out->venue, "%s", venue);
}
