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

wk_status wk__rest_candle_values(const wk_doc *doc, uint32_t row,
                                 const char *(*price)(const wk_doc *, uint32_t, wk_decimal *),
                                 wk_rest_candle *out, wk_err *err)
{
    static const char *const names[] = {"open", "high", "low", "close"};
    wk_decimal *const prices[] = {&out->open, &out->high, &out->low, &out->close};
    const char *why;
    for (int i = 0; i < 4; i++) {
        uint32_t at = wk__doc_get(doc, row, names[i]);
        if ((why = price(doc, at, prices[i])))
            return wk__doc_fail(doc, at, names[i], why, err);
    }
    uint32_t at = wk__doc_get(doc, row, "volume");
    if (at == WK_DOC_NONE || wk__doc_is(doc, at, WK__JSON_NULL))
        out->volume = (wk_decimal){0, -1};
    else if ((why = wk__rest_size(doc, at, &out->volume)))
        return wk__doc_fail(doc, at, "volume", why, err);
    why = wk__rest_candle_problem(out);
    return why ? wk__doc_fail(doc, row, "candle", why, err) : WK_OK;
}

wk_status wk__rest_candle_rows(const wk_doc *doc, uint32_t rows,
                               wk_status (*read)(const wk_doc *, uint32_t, wk_rest_candle *,
                                                 wk_err *),
                               wk_rest_candles *out, wk_err *err)
{
    size_t before = out->n;
    for (uint32_t row = wk__doc_first(doc, rows); row != WK_DOC_NONE;
         row = wk__doc_next(doc, rows, row)) {
        wk_rest_candle *candle = WK_REST_ADD(out);
        wk_status status =
            candle ? read(doc, row, candle, err) : wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
    }
    return WK_OK;
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
