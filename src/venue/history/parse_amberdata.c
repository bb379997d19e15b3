/* Replies of Amberdata's REST, the current form and the legacy one. Source: docs.amberdata.io and
 * its published OpenAPI. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "wick/clock.h"

/* payload.data, and where the next page is. */
static uint32_t data_of(const wk_doc *doc, char next[2048])
{
    uint32_t payload = wk__doc_get(doc, 0, "payload");
    uint32_t metadata = wk__doc_get(doc, payload, "metadata");
    wk__doc_copy(doc, wk__doc_get(doc, metadata, "next"), next, 2048);
    return wk__doc_get(doc, payload, "data");
}

/* The exchange's time: milliseconds, and nanoseconds below them where told. */
static const char *time_of(const wk_doc *doc, uint32_t row, const char *key, int64_t *time_ns)
{
    int64_t below_ns;
    const char *why = wk__rest_unix(doc, wk__doc_get(doc, row, key), WK_NS_PER_S / 1000, time_ns);
    if (!why &&
        !wk__doc_int(doc, wk__doc_get(doc, row, "exchangeTimestampNanoseconds"), &below_ns) &&
        below_ns > 0 && below_ns < WK_NS_PER_S / 1000)
        *time_ns += below_ns;
    return why;
}

static wk_status read_candle(const wk_doc *doc, uint32_t row, wk_rest_candle *out, wk_err *err)
{
    uint32_t at = wk__doc_get(doc, row, "exchangeTimestamp");
    const char *why = wk__rest_unix(doc, at, WK_NS_PER_S / 1000, &out->open_ns);
    if (why)
        return wk__doc_fail(doc, at, "exchangeTimestamp", why, err);
    return wk__rest_candle_values(doc, row, wk__rest_price, out, err);
}

/* A row of nulls says that nothing traded: no candle. */
static bool is_empty(const wk_doc *doc, uint32_t row)
{
    return wk__doc_is(doc, wk__doc_get(doc, row, "open"), WK__JSON_NULL) &&
           wk__doc_is(doc, wk__doc_get(doc, row, "close"), WK__JSON_NULL);
}

static bool is_other(const wk_doc *doc, uint32_t row, const char *exchange)
{
    uint32_t at = wk__doc_get(doc, row, "exchange");
    return at != WK_DOC_NONE && !wk__doc_equals(doc, at, exchange);
}

/* ---- the legacy form: payload.metadata.columns names the values of rows ---- */

enum { COLUMNS = 6 };
typedef struct {
    int place[COLUMNS]; /* of time, open, high, low, close, volume; -1: none */
} columns;

static wk_status read_columns(const wk_doc *doc, columns *out, wk_err *err)
{
    static const char *const names[COLUMNS] = {"timestamp", "open",  "high",
                                               "low",       "close", "volume"};
    uint32_t list =
        wk__doc_get(doc, wk__doc_get(doc, wk__doc_get(doc, 0, "payload"), "metadata"), "columns");
    for (int i = 0; i < COLUMNS; i++)
        out->place[i] = -1;
    if (!wk__doc_is(doc, list, WK__JSON_ARRAY))
        return wk__doc_fail(doc, list, "columns", "is no list", err);
    int place = 0;
    for (uint32_t at = wk__doc_first(doc, list); at != WK_DOC_NONE;
         at = wk__doc_next(doc, list, at), place++) {
        for (int i = 0; i < COLUMNS; i++)
            if (wk__doc_equals(doc, at, names[i]))
                out->place[i] = place;
        if (wk__doc_equals(doc, at, "exchangeTimestamp"))
            out->place[0] = place;
    }
    for (int i = 0; i < 5; i++)
        if (out->place[i] < 0)
            return wk__doc_fail(doc, list, "columns", "lacks a column of candles", err);
    return WK_OK;
}

static wk_status read_legacy_row(const wk_doc *doc, uint32_t row, const columns *c,
                                 wk_rest_candles *out, wk_err *err)
{
    wk_rest_candle candle = {.volume = {0, -1}};
    wk_decimal *const numbers[] = {NULL,        &candle.open,  &candle.high,
                                   &candle.low, &candle.close, &candle.volume};
    unsigned seen = 0;
    int place = 0;
    for (uint32_t at = wk__doc_first(doc, row); at != WK_DOC_NONE;
         at = wk__doc_next(doc, row, at), place++) {
        for (int i = 0; i < COLUMNS; i++) {
            if (c->place[i] != place)
                continue;
            const char *why = NULL;
            if (i == 0)
                why = wk__rest_unix(doc, at, WK_NS_PER_S / 1000, &candle.open_ns);
            else if (i < 5)
                why = wk__rest_price(doc, at, numbers[i]);
            else if (!wk__doc_is(doc, at, WK__JSON_NULL))
                why = wk__rest_size(doc, at, numbers[i]);
            if (why)
                return wk__doc_fail(doc, at, "candle's value", why, err);
            seen |= 1u << i;
        }
    }
    const char *why = (seen & 31) != 31 ? "has too few values" : wk__rest_candle_problem(&candle);
    if (why)
        return wk__doc_fail(doc, row, "candle", why, err);
    wk_rest_candle *place_of = WK_REST_ADD(out);
    if (!place_of)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *place_of = candle;
    return WK_OK;
}

/* data is keyed by exchange or pair, once or twice; below are a row or a list of rows. */
static wk_status read_legacy(const wk_doc *doc, uint32_t at, const columns *c, wk_rest_candles *out,
                             wk_err *err)
{
    uint32_t first = wk__doc_first(doc, at);
    if (wk__doc_is(doc, at, WK__JSON_OBJECT)) {
        for (uint32_t k = first; k != WK_DOC_NONE; k = wk__doc_next(doc, at, k + 1))
            WK_TRY(read_legacy(doc, k + 1, c, out, err));
        return WK_OK;
    }
    if (!wk__doc_is(doc, at, WK__JSON_ARRAY))
        return wk__doc_fail(doc, at, "data", "holds what is no row", err);
    if (first != WK_DOC_NONE && !wk__doc_is(doc, first, WK__JSON_ARRAY))
        return read_legacy_row(doc, at, c, out, err);
    for (uint32_t row = first; row != WK_DOC_NONE; row = wk__doc_next(doc, at, row))
        WK_TRY(read_legacy_row(doc, row, c, out, err));
    return WK_OK;
}

wk_status wk__parse_amberdata_candles(const wk_doc *doc, const char *exchange, wk_rest_candles *out,
                                      char next[2048], wk_err *err)
{
    uint32_t data = data_of(doc, next);
    size_t before = out->n;
    wk_status status = WK_OK;
    if (wk__doc_is(doc, data, WK__JSON_OBJECT)) {
        columns c;
        status = read_columns(doc, &c, err);
        if (status == WK_OK)
            status = read_legacy(doc, data, &c, out, err);
    } else if (!wk__doc_is(doc, data, WK__JSON_ARRAY)) {
        status = wk__doc_fail(doc, data, "data", "is no list of candles", err);
    } else {
        for (uint32_t row = wk__doc_first(doc, data); row != WK_DOC_NONE && status == WK_OK;
             row = wk__doc_next(doc, data, row)) {
            if (is_other(doc, row, exchange) || is_empty(doc, row))
                continue;
            wk_rest_candle *candle = WK_REST_ADD(out);
            status = candle ? read_candle(doc, row, candle, err)
                            : wk_fail(err, WK_E_NOMEM, "out of memory");
        }
    }
    if (status != WK_OK)
        out->n = before;
    return status;
}

/* Rows with a time and a number, as values known at that time; where `must` is given, only rows
 * in which it is true. */
static wk_status read_values(const wk_doc *doc, const char *key, const char *must,
                             wk_rest_values *out, char next[2048], wk_err *err)
{
    uint32_t data = data_of(doc, next);
    size_t before = out->n;
    if (!wk__doc_is(doc, data, WK__JSON_ARRAY))
        return wk__doc_fail(doc, data, "data", "is no list", err);
    for (uint32_t row = wk__doc_first(doc, data); row != WK_DOC_NONE;
         row = wk__doc_next(doc, data, row)) {
        uint32_t flag = must ? wk__doc_get(doc, row, must) : WK_DOC_NONE;
        uint32_t at = wk__doc_get(doc, row, key);
        wk_decimal value;
        int64_t time_ns;
        if ((flag != WK_DOC_NONE && !wk__doc_is(doc, flag, WK__JSON_TRUE)) ||
            wk__doc_is(doc, at, WK__JSON_NULL))
            continue;
        const char *why = time_of(doc, row, "exchangeTimestamp", &time_ns);
        if (!why)
            why = wk__doc_decimal(doc, at, &value);
        wk_fresh_value *place = why ? NULL : WK_REST_ADD(out);
        if (!place) {
            out->n = before;
            return why ? wk__doc_fail(doc, row, key, why, err)
                       : wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        *place = (wk_fresh_value){time_ns, time_ns, wk_decimal_to_double(value)};
    }
    return WK_OK;
}

wk_status wk__parse_amberdata_funding(const wk_doc *doc, wk_rest_values *out, char next[2048],
                                      wk_err *err)
{
    /* The others are forecasts: to use them as payments would look ahead. */
    return read_values(doc, "fundingRate", "isActualFundingRate", out, next, err);
}

wk_status wk__parse_amberdata_open_interest(const wk_doc *doc, wk_rest_values *out, char next[2048],
                                            wk_err *err)
{
    return read_values(doc, "value", NULL, out, next, err);
}

static wk_status read_side(const wk_doc *doc, uint32_t levels, bool is_bid, double *best,
                           double *qty, wk_err *err)
{
    if (levels == WK_DOC_NONE || wk__doc_is(doc, levels, WK__JSON_NULL))
        return WK_OK; /* one side may be missing */
    if (!wk__doc_is(doc, levels, WK__JSON_ARRAY))
        return wk__doc_fail(doc, levels, is_bid ? "bid" : "ask", "is no list of levels", err);
    int n = 0;
    for (uint32_t at = wk__doc_first(doc, levels); at != WK_DOC_NONE && n < 10;
         at = wk__doc_next(doc, levels, at), n++) {
        wk_decimal price, size;
        const char *why = wk__rest_price(doc, wk__doc_get(doc, at, "price"), &price);
        if (!why)
            why = wk__rest_size(doc, wk__doc_get(doc, at, "volume"), &size);
        if (why)
            return wk__doc_fail(doc, at, "level", why, err);
        double p = wk_decimal_to_double(price);
        if (n == 0 || (is_bid ? p > *best : p < *best))
            *best = p;
        *qty = (n == 0 ? 0 : *qty) + wk_decimal_to_double(size);
    }
    return WK_OK;
}

wk_status wk__parse_amberdata_books(const wk_doc *doc, wk_rest_books *out, char next[2048],
                                    wk_err *err)
{
    uint32_t data = data_of(doc, next);
    size_t before = out->n;
    if (!wk__doc_is(doc, data, WK__JSON_ARRAY))
        return wk__doc_fail(doc, data, "data", "is no list of books", err);
    for (uint32_t row = wk__doc_first(doc, data); row != WK_DOC_NONE;
         row = wk__doc_next(doc, data, row)) {
        wk_rest_book book = {0, NAN, NAN, NAN, NAN}, *place = NULL;
        const char *why = time_of(doc, row, "timestamp", &book.time_ns);
        wk_status status = why ? wk__doc_fail(doc, row, "book's timestamp", why, err) : WK_OK;
        if (status == WK_OK)
            status =
                read_side(doc, wk__doc_get(doc, row, "bid"), true, &book.bid, &book.bid_qty, err);
        if (status == WK_OK)
            status =
                read_side(doc, wk__doc_get(doc, row, "ask"), false, &book.ask, &book.ask_qty, err);
        if (status == WK_OK && !(place = WK_REST_ADD(out)))
            status = wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        *place = book;
    }
    return WK_OK;
}

/* "btc_usd" is BTCUSD in the store; futures keep the exchange's own spelling. */
void wk__amberdata_name(wk_instrument *out, const char *instrument)
{
    const char *underscore = strchr(instrument, '_');
    bool is_spot = underscore && islower((unsigned char)instrument[0]);
    snprintf(out->name_rest, sizeof out->name_rest, "%.39s", instrument);
    snprintf(out->name_stream, sizeof out->name_stream, "%.39s", instrument);
    if (is_spot) {
        int n_base = underscore - instrument < 15 ? (int)(underscore - instrument) : 15;
        snprintf(out->base, sizeof out->base, "%.*s", n_base, instrument);
        snprintf(out->quote, sizeof out->quote, "%.15s", underscore + 1);
        for (char *p = out->base; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        for (char *p = out->quote; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        snprintf(out->symbol, sizeof out->symbol, "%s%s", out->base, out->quote);
        snprintf(out->settle, sizeof out->settle, "%s", out->quote);
    } else {
        snprintf(out->symbol, sizeof out->symbol, "%.31s", instrument);
        out->is_contract = 1;
    }
}

wk_status wk__parse_amberdata_instruments(const wk_doc *doc, const char *exchange, int64_t read_ns,
                                          wk_instruments *out, char next[2048], wk_err *err)
{
    uint32_t data = data_of(doc, next);
    size_t before = out->n;
    if (!wk__doc_is(doc, data, WK__JSON_ARRAY))
        return wk__doc_fail(doc, data, "data", "is no list of instruments", err);
    for (uint32_t row = wk__doc_first(doc, data); row != WK_DOC_NONE;
         row = wk__doc_next(doc, data, row)) {
        char instrument[40];
        wk__doc_copy(doc, wk__doc_get(doc, row, "instrument"), instrument, sizeof instrument);
        if (is_other(doc, row, exchange) || !instrument[0])
            continue;
        wk_instrument *place = WK_REST_ADD(out);
        if (!place) {
            out->n = before;
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        wk__rest_instrument_init(place, "amberdata", read_ns);
        snprintf(place->venue, sizeof place->venue, "amberdata-%.20s", exchange);
        wk__amberdata_name(place, instrument);
        if (!wk__rest_price(doc, wk__doc_get(doc, row, "precisionPrice"), &place->tick))
            place->tick = wk__rest_trim(place->tick);
        if (!wk__rest_price(doc, wk__doc_get(doc, row, "precisionVolume"), &place->lot))
            place->lot = wk__rest_trim(place->lot);
        place->price_decimals = place->tick.scale;
        place->qty_decimals = place->lot.scale;
        if (wk__rest_size(doc, wk__doc_get(doc, row, "limitsVolumeMin"), &place->qty_min))
            place->qty_min = place->lot;
        if (wk__rest_size(doc, wk__doc_get(doc, row, "limitsCostMin"), &place->cost_min))
            place->cost_min = (wk_decimal){0, -1};
        uint32_t enabled = wk__doc_get(doc, row, "exchangeEnabled");
        place->is_tradable = !wk__doc_is(doc, enabled, WK__JSON_FALSE);
        if (wk__rest_unix(doc, wk__doc_get(doc, row, "startDate"), WK_NS_PER_S / 1000,
                          &place->launch_ns))
            place->launch_ns = 0;
    }
    return WK_OK;
}
