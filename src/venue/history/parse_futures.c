/* Replies of Kraken's futures REST. Source: docs.kraken.com, futures; recordings. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "rows.h"
#include "wick/clock.h"

/* Mark and spot candles may have no volume. */
static wk_status read_candle(const wk_doc *doc, uint32_t row, wk_rest_candle *out, wk_err *err)
{
    uint32_t at = wk__doc_get(doc, row, "time");
    const char *why = wk__rest_unix(doc, at, WK_NS_PER_S / 1000, &out->open_ns);
    if (why)
        return wk__doc_fail(doc, at, "candle's time", why, err);
    return wk__rest_candle_values(doc, row, wk__rest_price, out, err);
}

wk_status wk__parse_futures_candles(const wk_doc *doc, wk_rest_candles *out, wk_err *err)
{
    uint32_t rows = wk__doc_get(doc, 0, "candles");
    if (!wk__doc_is(doc, rows, WK__JSON_ARRAY))
        return wk__doc_fail(doc, rows, "candles", "is no list", err);
    return wk__rest_candle_rows(doc, rows, read_candle, out, err);
}

wk_status wk__parse_futures_funding(const wk_doc *doc, wk_rest_values *out, wk_err *err)
{
    uint32_t rows = wk__doc_get(doc, 0, "rates");
    size_t before = out->n;
    if (!wk__doc_is(doc, rows, WK__JSON_ARRAY))
        return wk__doc_fail(doc, rows, "rates", "is no list", err);
    for (uint32_t row = wk__doc_first(doc, rows); row != WK_DOC_NONE;
         row = wk__doc_next(doc, rows, row)) {
        uint32_t time = wk__doc_get(doc, row, "timestamp");
        uint32_t rate = wk__doc_get(doc, row, "relativeFundingRate");
        wk_decimal value;
        int64_t time_ns;
        /* Rows of the first hours of a contract have no relative rate. */
        if (rate == WK_DOC_NONE || wk__doc_is(doc, rate, WK__JSON_NULL))
            continue;
        const char *why = wk__rest_time(doc, time, &time_ns);
        if (why) {
            out->n = before;
            return wk__doc_fail(doc, time, "funding rate's timestamp", why, err);
        }
        if ((why = wk__doc_decimal(doc, rate, &value))) {
            out->n = before;
            return wk__doc_fail(doc, rate, "relativeFundingRate", why, err);
        }
        wk_fresh_value *place = WK_REST_ADD(out);
        if (!place) {
            out->n = before;
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        *place = (wk_fresh_value){time_ns, time_ns, wk_decimal_to_double(value)};
    }
    return WK_OK;
}

static bool is_symbol(const wk_doc *doc, uint32_t at, const char *symbol)
{
    char text[40];
    wk__doc_copy(doc, at, text, sizeof text);
    return strcasecmp(text, symbol) == 0;
}

wk_status wk__parse_futures_open_interest(const wk_doc *doc, const char *symbol, int64_t time_ns,
                                          wk_rest_values *out, wk_err *err)
{
    uint32_t rows = wk__doc_get(doc, 0, "tickers");
    if (!wk__doc_is(doc, rows, WK__JSON_ARRAY))
        return wk__doc_fail(doc, rows, "tickers", "is no list", err);
    for (uint32_t row = wk__doc_first(doc, rows); row != WK_DOC_NONE;
         row = wk__doc_next(doc, rows, row)) {
        if (!is_symbol(doc, wk__doc_get(doc, row, "symbol"), symbol))
            continue;
        uint32_t at = wk__doc_get(doc, row, "openInterest");
        wk_decimal value;
        const char *why = wk__rest_size(doc, at, &value);
        if (why)
            return wk__doc_fail(doc, at, "openInterest", why, err);
        wk_fresh_value *place = WK_REST_ADD(out);
        if (!place)
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        *place = (wk_fresh_value){time_ns, time_ns, wk_decimal_to_double(value)};
        return WK_OK;
    }
    return wk_fail(err, WK_E_NOT_FOUND, "the venue's tickers do not hold %s", symbol);
}

static wk_status read_tiers(const wk_doc *doc, uint32_t instrument, wk_instrument *out, wk_err *err)
{
    uint32_t levels = wk__doc_get(doc, instrument, "marginLevels");
    if (!wk__doc_is(doc, levels, WK__JSON_ARRAY))
        return WK_OK; /* an index */
    for (uint32_t at = wk__doc_first(doc, levels);
         at != WK_DOC_NONE && out->n_tiers < WK_MARGIN_TIERS_MAX;
         at = wk__doc_next(doc, levels, at)) {
        wk_decimal from, initial, maintenance;
        uint32_t contracts = wk__doc_get(doc, at, "contracts");
        uint32_t units = wk__doc_get(doc, at, "numNonContractUnits");
        bool in_contracts = contracts != WK_DOC_NONE;
        const char *why = wk__rest_size(doc, in_contracts ? contracts : units, &from);
        if (!why)
            why = wk__rest_size(doc, wk__doc_get(doc, at, "initialMargin"), &initial);
        if (!why)
            why = wk__rest_size(doc, wk__doc_get(doc, at, "maintenanceMargin"), &maintenance);
        if (why)
            return wk__doc_fail(doc, at, "margin level", why, err);
        double notional = wk_decimal_to_double(from);
        if (in_contracts && out->is_inverse) /* an inverse contract is worth its size in quote */
            notional *= wk_decimal_to_double(out->contract_value);
        out->tiers[out->n_tiers].notional_from = notional;
        out->tiers[out->n_tiers].initial_margin = wk_decimal_to_double(initial);
        out->tiers[out->n_tiers].maintenance_margin = wk_decimal_to_double(maintenance);
        out->n_tiers++;
    }
    if (out->n_tiers > 0) {
        out->initial_margin = out->tiers[0].initial_margin;
        out->maintenance_margin = out->tiers[0].maintenance_margin;
    }
    return WK_OK;
}

/* Names of recordings without "pair": PF_ETHUSD, FI_XBTUSD_210625. The quote is the last three
 * letters. */
static void split_symbol(wk_instrument *out)
{
    const char *start = strchr(out->symbol, '_');
    start = start ? start + 1 : out->symbol;
    int n = (int)strcspn(start, "_");
    if (n <= 3 || n > 18)
        return;
    snprintf(out->base, sizeof out->base, "%.*s", n - 3, start);
    snprintf(out->quote, sizeof out->quote, "%.3s", start + n - 3);
    if (strcmp(out->base, "XBT") == 0)
        snprintf(out->base, sizeof out->base, "BTC");
}

static wk_status read_instrument(const wk_doc *doc, uint32_t at, wk_instrument *out, wk_err *err)
{
    char type[40];
    wk__doc_copy(doc, wk__doc_get(doc, at, "symbol"), out->symbol, sizeof out->symbol);
    if (!out->symbol[0])
        return wk__doc_fail(doc, at, "instrument", "has no symbol", err);
    /* Recordings of 2021 are in lower case; PF_AAPLxUSD is as it should be. */
    if (!strpbrk(out->symbol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        for (char *p = out->symbol; *p; p++)
            *p = (char)toupper((unsigned char)*p);
    snprintf(out->name_rest, sizeof out->name_rest, "%s", out->symbol);
    snprintf(out->name_stream, sizeof out->name_stream, "%s", out->symbol);
    wk__doc_copy(doc, wk__doc_get(doc, at, "type"), type, sizeof type);
    wk__doc_copy(doc, wk__doc_get(doc, at, "base"), out->base, sizeof out->base);
    wk__doc_copy(doc, wk__doc_get(doc, at, "quote"), out->quote, sizeof out->quote);
    if (!out->base[0] || !out->quote[0])
        split_symbol(out);
    out->is_contract = 1;
    out->is_inverse = strcmp(type, "futures_inverse") == 0;
    snprintf(out->settle, sizeof out->settle, "%s", out->is_inverse ? out->base : out->quote);
    uint32_t tick = wk__doc_get(doc, at, "tickSize");
    if (tick != WK_DOC_NONE) {
        const char *why = wk__rest_price(doc, tick, &out->tick);
        if (why)
            return wk__doc_fail(doc, tick, "tickSize", why, err);
        out->tick = wk__rest_trim(out->tick);
        out->price_decimals = out->tick.scale;
    }
    if (wk__rest_price(doc, wk__doc_get(doc, at, "contractSize"), &out->contract_value))
        out->contract_value = (wk_decimal){1, 0};
    int64_t precision = 0;
    out->lot = (wk_decimal){1, 0};
    if (!wk__doc_int(doc, wk__doc_get(doc, at, "contractValueTradePrecision"), &precision) &&
        precision >= -12 && precision <= 12) {
        out->qty_decimals = precision > 0 ? (int)precision : 0;
        out->lot.scale = out->qty_decimals;
        for (; precision < 0; precision++) /* -3: thousands at a time */
            out->lot.digits *= 10;
    }
    out->qty_min = out->lot;
    out->is_tradable = wk__doc_is(doc, wk__doc_get(doc, at, "tradeable"), WK__JSON_TRUE);
    if (strncmp(out->symbol, "PF_", 3) == 0 || strncmp(out->symbol, "PI_", 3) == 0)
        out->funding_interval_ns = 3600 * WK_NS_PER_S;
    if (wk__rest_time(doc, wk__doc_get(doc, at, "openingDate"), &out->launch_ns))
        out->launch_ns = 0;
    return read_tiers(doc, at, out, err);
}

wk_status wk__parse_futures_instruments(const wk_doc *doc, int64_t read_ns, wk_instruments *out,
                                        wk_err *err)
{
    uint32_t rows = wk__doc_get(doc, 0, "instruments");
    size_t before = out->n;
    if (!wk__doc_is(doc, rows, WK__JSON_ARRAY))
        return wk__doc_fail(doc, rows, "instruments", "is no list", err);
    for (uint32_t row = wk__doc_first(doc, rows); row != WK_DOC_NONE;
         row = wk__doc_next(doc, rows, row)) {
        wk_instrument *instrument = WK_REST_ADD(out);
        wk_status status = WK_E_NOMEM;
        if (instrument) {
            wk__rest_instrument_init(instrument, "kraken-futures", read_ns);
            status = read_instrument(doc, row, instrument, err);
        } else {
            wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
    }
    return WK_OK;
}
