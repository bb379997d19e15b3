/* Replies of Delta Exchange's REST. Source: docs.delta.exchange; recordings. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "wick/clock.h"

/* A FUNDING: candle may be negative; MARK:, FUNDING: and OI: have no volume. */
static wk_status read_candle(const wk_doc *doc, uint32_t row, wk_rest_candle *out, wk_err *err)
{
    uint32_t at = wk__doc_get(doc, row, "time");
    const char *why = wk__rest_unix(doc, at, WK_NS_PER_S, &out->open_ns);
    if (why)
        return wk__doc_fail(doc, at, "candle's time", why, err);
    return wk__rest_candle_values(doc, row, wk__doc_decimal, out, err);
}

wk_status wk__parse_delta_candles(const wk_doc *doc, wk_rest_candles *out, wk_err *err)
{
    uint32_t rows = wk__doc_get(doc, 0, "result");
    if (!wk__doc_is(doc, rows, WK__JSON_ARRAY))
        return wk__doc_fail(doc, rows, "result", "is no list of candles", err);
    return wk__rest_candle_rows(doc, rows, read_candle, out, err);
}

static wk_status read_side(const wk_doc *doc, uint32_t levels, const char *name, double *best,
                           double *qty, wk_err *err)
{
    if (!wk__doc_is(doc, levels, WK__JSON_ARRAY))
        return wk__doc_fail(doc, levels, name, "is no list of levels", err);
    uint32_t level = wk__doc_first(doc, levels);
    for (int i = 0; level != WK_DOC_NONE && i < 10; i++) {
        wk_decimal price, size;
        const char *why = wk__rest_price(doc, wk__doc_get(doc, level, "price"), &price);
        if (!why)
            why = wk__rest_size(doc, wk__doc_get(doc, level, "size"), &size);
        if (why)
            return wk__doc_fail(doc, level, "level", why, err);
        if (i == 0) {
            *best = wk_decimal_to_double(price);
            *qty = 0;
        }
        *qty += wk_decimal_to_double(size);
        level = wk__doc_next(doc, levels, level);
    }
    return WK_OK;
}

wk_status wk__parse_delta_book(const wk_doc *doc, wk_rest_books *out, wk_err *err)
{
    uint32_t result = wk__doc_get(doc, 0, "result");
    uint32_t updated = wk__doc_get(doc, result, "last_updated_at");
    wk_rest_book book = {0, NAN, NAN, NAN, NAN};
    const char *why = wk__rest_unix(doc, updated, WK_NS_PER_S / 1000000, &book.time_ns);
    if (why)
        return wk__doc_fail(doc, updated, "last_updated_at", why, err);
    WK_TRY(read_side(doc, wk__doc_get(doc, result, "buy"), "buy", &book.bid, &book.bid_qty, err));
    WK_TRY(read_side(doc, wk__doc_get(doc, result, "sell"), "sell", &book.ask, &book.ask_qty, err));
    wk_rest_book *place = WK_REST_ADD(out);
    if (!place)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *place = book;
    return WK_OK;
}

/* A percentage that may be missing: NaN then. */
static double percent_of(const wk_doc *doc, uint32_t at)
{
    wk_decimal value;
    return wk__rest_size(doc, at, &value) ? NAN : wk__rest_percent(value);
}

static double fraction_of(const wk_doc *doc, uint32_t at)
{
    wk_decimal value;
    return wk__doc_decimal(doc, at, &value) ? NAN : wk_decimal_to_double(value);
}

static void asset_of(const wk_doc *doc, uint32_t product, const char *key, char out[16])
{
    wk__doc_copy(doc, wk__doc_get(doc, wk__doc_get(doc, product, key), "symbol"), out, 16);
}

static wk_status read_product(const wk_doc *doc, uint32_t at, wk_instrument *out, wk_err *err)
{
    uint32_t tick = wk__doc_get(doc, at, "tick_size");
    uint32_t value = wk__doc_get(doc, at, "contract_value");
    uint32_t specs = wk__doc_get(doc, at, "product_specs");
    uint32_t trading = wk__doc_get(doc, at, "trading_status");
    wk__doc_copy(doc, wk__doc_get(doc, at, "symbol"), out->symbol, sizeof out->symbol);
    if (!out->symbol[0])
        return wk__doc_fail(doc, at, "product", "has no symbol", err);
    snprintf(out->name_rest, sizeof out->name_rest, "%s", out->symbol);
    snprintf(out->name_stream, sizeof out->name_stream, "%s", out->symbol);
    const char *why = wk__doc_int(doc, wk__doc_get(doc, at, "id"), &out->venue_id);
    if (why)
        return wk__doc_fail(doc, wk__doc_get(doc, at, "id"), "product's id", why, err);
    if ((why = wk__rest_price(doc, tick, &out->tick)))
        return wk__doc_fail(doc, tick, "tick_size", why, err);
    out->tick = wk__rest_trim(out->tick);
    out->price_decimals = out->tick.scale;
    if ((why = wk__rest_price(doc, value, &out->contract_value)))
        return wk__doc_fail(doc, value, "contract_value", why, err);
    out->contract_value = wk__rest_trim(out->contract_value);
    out->lot = out->qty_min = (wk_decimal){1, 0}; /* sizes are whole contracts */
    asset_of(doc, at, "underlying_asset", out->base);
    asset_of(doc, at, "quoting_asset", out->quote);
    asset_of(doc, at, "settling_asset", out->settle);
    out->is_contract = !wk__doc_equals(doc, wk__doc_get(doc, at, "contract_type"), "spot");
    out->is_inverse = wk__doc_equals(doc, wk__doc_get(doc, at, "notional_type"), "inverse");
    uint32_t reduce_only = wk__doc_get(doc, specs, "only_reduce_only_orders_allowed");
    out->is_tradable = wk__doc_equals(doc, wk__doc_get(doc, at, "state"), "live") &&
                       (trading == WK_DOC_NONE || wk__doc_equals(doc, trading, "operational")) &&
                       !wk__doc_is(doc, reduce_only, WK__JSON_TRUE);
    out->maker_fee = fraction_of(doc, wk__doc_get(doc, at, "maker_commission_rate"));
    out->taker_fee = fraction_of(doc, wk__doc_get(doc, at, "taker_commission_rate"));
    out->initial_margin = percent_of(doc, wk__doc_get(doc, at, "initial_margin"));
    out->maintenance_margin = percent_of(doc, wk__doc_get(doc, at, "maintenance_margin"));
    int64_t interval_s;
    if (!wk__doc_int(doc, wk__doc_get(doc, specs, "rate_exchange_interval"), &interval_s) &&
        interval_s > 0 && interval_s <= 86400)
        out->funding_interval_ns = interval_s * WK_NS_PER_S;
    if (wk__rest_time(doc, wk__doc_get(doc, at, "launch_time"), &out->launch_ns))
        out->launch_ns = 0;
    return WK_OK;
}

/* GET /v2/products lists them under "result"; GET /v2/products/{symbol} has one there; a recording
 * may be a product alone. */
wk_status wk__parse_delta_products(const wk_doc *doc, const char *venue, int64_t read_ns,
                                   wk_instruments *out, char after[256], wk_err *err)
{
    uint32_t result = wk__doc_get(doc, 0, "result");
    size_t before = out->n;
    bool is_list = wk__doc_is(doc, result, WK__JSON_ARRAY);
    uint32_t at = is_list ? wk__doc_first(doc, result) : result == WK_DOC_NONE ? 0 : result;
    while (at != WK_DOC_NONE) {
        wk_instrument *instrument = WK_REST_ADD(out);
        wk_status status = WK_E_NOMEM;
        if (instrument) {
            wk__rest_instrument_init(instrument, venue, read_ns);
            status = read_product(doc, at, instrument, err);
        } else {
            wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        at = is_list ? wk__doc_next(doc, result, at) : WK_DOC_NONE;
    }
    wk__doc_copy(doc, wk__doc_get(doc, wk__doc_get(doc, 0, "meta"), "after"), after, 256);
    return WK_OK;
}

int64_t wk__parse_delta_settlement(const wk_doc *doc)
{
    int64_t time_ns;
    uint32_t product = wk__doc_get(doc, 0, "result");
    return wk__rest_time(doc, wk__doc_get(doc, product, "settlement_time"), &time_ns) ? 0 : time_ns;
}
