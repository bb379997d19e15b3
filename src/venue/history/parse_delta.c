/* Replies of Delta Exchange's REST. Source: docs.delta.exchange; recordings. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "wick/clock.h"

static wk_status read_candle(const wk_tape *tape, uint32_t row, wk_rest_candle *out, wk_err *err)
{
    static const char *const names[] = {"open", "high", "low", "close"};
    wk_decimal *const prices[] = {&out->open, &out->high, &out->low, &out->close};
    uint32_t at = wk__tape_get(tape, row, "time");
    const char *why = wk__rest_unix(tape, at, WK_NS_PER_S, &out->open_ns);
    if (why)
        return wk__tape_fail(tape, at, "candle's time", why, err);
    for (int i = 0; i < 4; i++) {
        at = wk__tape_get(tape, row, names[i]);
        why = wk__tape_decimal(tape, at, prices[i]); /* a FUNDING: candle may be negative */
        if (why)
            return wk__tape_fail(tape, at, names[i], why, err);
    }
    at = wk__tape_get(tape, row, "volume"); /* null for MARK:, FUNDING: and OI: */
    if (at == WK_TAPE_NONE || wk__tape_is(tape, at, WK_TAPE_NULL))
        out->volume = (wk_decimal){0, -1};
    else if ((why = wk__rest_size(tape, at, &out->volume)))
        return wk__tape_fail(tape, at, "volume", why, err);
    why = wk__rest_candle_problem(out);
    return why ? wk__tape_fail(tape, row, "candle", why, err) : WK_OK;
}

wk_status wk__parse_delta_candles(const wk_tape *tape, wk_rest_candles *out, wk_err *err)
{
    uint32_t rows = wk__tape_get(tape, 0, "result");
    size_t before = out->n;
    if (!wk__tape_is(tape, rows, WK_TAPE_ARRAY))
        return wk__tape_fail(tape, rows, "result", "is no list of candles", err);
    for (uint32_t row = wk__tape_first(tape, rows); row != WK_TAPE_NONE;
         row = wk__tape_next(tape, rows, row)) {
        wk_rest_candle *candle = WK_REST_ADD(out);
        wk_status status = candle ? read_candle(tape, row, candle, err)
                                  : wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
    }
    return WK_OK;
}

static wk_status read_side(const wk_tape *tape, uint32_t levels, const char *name, double *best,
                           double *qty, wk_err *err)
{
    if (!wk__tape_is(tape, levels, WK_TAPE_ARRAY))
        return wk__tape_fail(tape, levels, name, "is no list of levels", err);
    uint32_t level = wk__tape_first(tape, levels);
    for (int i = 0; level != WK_TAPE_NONE && i < 10; i++) {
        wk_decimal price, size;
        const char *why = wk__rest_price(tape, wk__tape_get(tape, level, "price"), &price);
        if (!why)
            why = wk__rest_size(tape, wk__tape_get(tape, level, "size"), &size);
        if (why)
            return wk__tape_fail(tape, level, "level", why, err);
        if (i == 0) {
            *best = wk_decimal_to_double(price);
            *qty = 0;
        }
        *qty += wk_decimal_to_double(size);
        level = wk__tape_next(tape, levels, level);
    }
    return WK_OK;
}

wk_status wk__parse_delta_book(const wk_tape *tape, wk_rest_books *out, wk_err *err)
{
    uint32_t result = wk__tape_get(tape, 0, "result");
    uint32_t updated = wk__tape_get(tape, result, "last_updated_at");
    wk_rest_book book = {0, NAN, NAN, NAN, NAN};
    const char *why = wk__rest_unix(tape, updated, WK_NS_PER_S / 1000000, &book.time_ns);
    if (why)
        return wk__tape_fail(tape, updated, "last_updated_at", why, err);
    WK_TRY(read_side(tape, wk__tape_get(tape, result, "buy"), "buy", &book.bid, &book.bid_qty, err));
    WK_TRY(
        read_side(tape, wk__tape_get(tape, result, "sell"), "sell", &book.ask, &book.ask_qty, err));
    wk_rest_book *place = WK_REST_ADD(out);
    if (!place)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *place = book;
    return WK_OK;
}

/* A percentage that may be missing: NaN then. */
static double percent_of(const wk_tape *tape, uint32_t at)
{
    wk_decimal value;
    return wk__rest_size(tape, at, &value) ? NAN : wk__rest_percent(value);
}

static double fraction_of(const wk_tape *tape, uint32_t at)
{
    wk_decimal value;
    return wk__tape_decimal(tape, at, &value) ? NAN : wk_decimal_to_double(value);
}

static void asset_of(const wk_tape *tape, uint32_t product, const char *key, char out[16])
{
    wk__tape_copy(tape, wk__tape_get(tape, wk__tape_get(tape, product, key), "symbol"), out, 16);
}

static wk_status read_product(const wk_tape *tape, uint32_t at, wk_instrument *out, wk_err *err)
{
    uint32_t tick = wk__tape_get(tape, at, "tick_size");
    uint32_t value = wk__tape_get(tape, at, "contract_value");
    uint32_t specs = wk__tape_get(tape, at, "product_specs");
    uint32_t trading = wk__tape_get(tape, at, "trading_status");
    wk__tape_copy(tape, wk__tape_get(tape, at, "symbol"), out->symbol, sizeof out->symbol);
    if (!out->symbol[0])
        return wk__tape_fail(tape, at, "product", "has no symbol", err);
    snprintf(out->name_rest, sizeof out->name_rest, "%s", out->symbol);
    snprintf(out->name_stream, sizeof out->name_stream, "%s", out->symbol);
    const char *why = wk__tape_int(tape, wk__tape_get(tape, at, "id"), &out->venue_id);
    if (why)
        return wk__tape_fail(tape, wk__tape_get(tape, at, "id"), "product's id", why, err);
    if ((why = wk__rest_price(tape, tick, &out->tick)))
        return wk__tape_fail(tape, tick, "tick_size", why, err);
    out->tick = wk__rest_trim(out->tick);
    out->price_decimals = out->tick.scale;
    if ((why = wk__rest_price(tape, value, &out->contract_value)))
        return wk__tape_fail(tape, value, "contract_value", why, err);
    out->contract_value = wk__rest_trim(out->contract_value);
    out->lot = out->qty_min = (wk_decimal){1, 0}; /* sizes are whole contracts */
    asset_of(tape, at, "underlying_asset", out->base);
    asset_of(tape, at, "quoting_asset", out->quote);
    asset_of(tape, at, "settling_asset", out->settle);
    out->is_contract = !wk__tape_equals(tape, wk__tape_get(tape, at, "contract_type"), "spot");
    out->is_inverse = wk__tape_equals(tape, wk__tape_get(tape, at, "notional_type"), "inverse");
    uint32_t reduce_only = wk__tape_get(tape, specs, "only_reduce_only_orders_allowed");
    out->is_tradable = wk__tape_equals(tape, wk__tape_get(tape, at, "state"), "live") &&
                       (trading == WK_TAPE_NONE || wk__tape_equals(tape, trading, "operational")) &&
                       !wk__tape_is(tape, reduce_only, WK_TAPE_TRUE);
    out->maker_fee = fraction_of(tape, wk__tape_get(tape, at, "maker_commission_rate"));
    out->taker_fee = fraction_of(tape, wk__tape_get(tape, at, "taker_commission_rate"));
    out->initial_margin = percent_of(tape, wk__tape_get(tape, at, "initial_margin"));
    out->maintenance_margin = percent_of(tape, wk__tape_get(tape, at, "maintenance_margin"));
    int64_t interval_s;
    if (!wk__tape_int(tape, wk__tape_get(tape, specs, "rate_exchange_interval"), &interval_s) &&
        interval_s > 0 && interval_s <= 86400)
        out->funding_interval_ns = interval_s * WK_NS_PER_S;
    if (wk__rest_time(tape, wk__tape_get(tape, at, "launch_time"), &out->launch_ns))
        out->launch_ns = 0;
    return WK_OK;
}

/* GET /v2/products lists them under "result"; GET /v2/products/{symbol} has one there; a recording
 * may be a product alone. */
wk_status wk__parse_delta_products(const wk_tape *tape, const char *venue, int64_t read_ns,
                                   wk_instruments *out, char after[256], wk_err *err)
{
    uint32_t result = wk__tape_get(tape, 0, "result");
    size_t before = out->n;
    bool is_list = wk__tape_is(tape, result, WK_TAPE_ARRAY);
    uint32_t at = is_list                  ? wk__tape_first(tape, result)
                  : result == WK_TAPE_NONE ? 0
                                           : result;
    while (at != WK_TAPE_NONE) {
        wk_instrument *instrument = WK_REST_ADD(out);
        wk_status status = WK_E_NOMEM;
        if (instrument) {
            wk__rest_instrument_init(instrument, venue, read_ns);
            status = read_product(tape, at, instrument, err);
        } else {
            wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        at = is_list ? wk__tape_next(tape, result, at) : WK_TAPE_NONE;
    }
    wk__tape_copy(tape, wk__tape_get(tape, wk__tape_get(tape, 0, "meta"), "after"), after, 256);
    return WK_OK;
}
