/* Replies of Kraken's spot REST. Source: docs.kraken.com, market data. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "wick/clock.h"

/* The key of a result is not always the pair that was asked for: it is the one that is not "last".
 */
static uint32_t rows_of(const wk_tape *tape, wk_tape_kind kind)
{
    uint32_t result = wk__tape_get(tape, 0, "result");
    if (!wk__tape_is(tape, result, WK_TAPE_OBJECT))
        return WK_TAPE_NONE;
    for (uint32_t k = wk__tape_first(tape, result); k != WK_TAPE_NONE;) {
        uint32_t value = k + 1;
        if (!wk__tape_equals(tape, k, "last") && wk__tape_is(tape, value, kind))
            return value;
        k = wk__tape_next(tape, result, value);
    }
    return WK_TAPE_NONE;
}

/* The n-th element of an array; WK_TAPE_NONE when it is shorter or none. */
static uint32_t element(const wk_tape *tape, uint32_t array, uint32_t n)
{
    if (!wk__tape_is(tape, array, WK_TAPE_ARRAY))
        return WK_TAPE_NONE;
    uint32_t at = wk__tape_first(tape, array);
    while (n-- > 0 && at != WK_TAPE_NONE)
        at = wk__tape_next(tape, array, at);
    return at;
}

static wk_status read_candle(const wk_tape *tape, uint32_t row, wk_rest_candle *out, wk_err *err)
{
    static const char *const names[] = {"candle's time", "open", "high", "low", "close", "",
                                        "volume"};
    wk_decimal *const prices[] = {NULL, &out->open, &out->high, &out->low, &out->close};
    if (!wk__tape_is(tape, row, WK_TAPE_ARRAY))
        return wk__tape_fail(tape, row, "candle", "is no array", err);
    uint32_t at = wk__tape_first(tape, row);
    for (int i = 0; i <= 6; i++) {
        const char *why = NULL;
        if (at == WK_TAPE_NONE)
            return wk__tape_fail(tape, row, "candle", "has too few values", err);
        if (i == 0)
            why = wk__rest_unix(tape, at, WK_NS_PER_S, &out->open_ns);
        else if (i <= 4)
            why = wk__rest_price(tape, at, prices[i]);
        else if (i == 6)
            why = wk__rest_size(tape, at, &out->volume);
        if (why)
            return wk__tape_fail(tape, at, names[i], why, err);
        at = wk__tape_next(tape, row, at);
    }
    const char *problem = wk__rest_candle_problem(out);
    return problem ? wk__tape_fail(tape, row, "candle", problem, err) : WK_OK;
}

wk_status wk__parse_kraken_ohlc(const wk_tape *tape, wk_rest_candles *out, wk_err *err)
{
    uint32_t rows = rows_of(tape, WK_TAPE_ARRAY);
    size_t before = out->n;
    if (rows == WK_TAPE_NONE)
        return wk__tape_fail(tape, 0, "reply", "has no list of candles", err);
    for (uint32_t row = wk__tape_first(tape, rows); row != WK_TAPE_NONE;) {
        wk_rest_candle *candle = WK_REST_ADD(out);
        wk_status status = candle ? read_candle(tape, row, candle, err)
                                  : wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        row = wk__tape_next(tape, rows, row);
    }
    if (out->n > before)
        out->n--;
    return WK_OK;
}

/* "1688669448.2345678": seconds with up to nine digits behind the dot, never through a double. */
static const char *read_trade_time(const wk_tape *tape, uint32_t at, int64_t *time_ns)
{
    wk_decimal seconds;
    const char *why = wk__tape_decimal(tape, at, &seconds);
    if (why)
        return why;
    if (seconds.digits < 0 || wk_decimal_units(seconds, 9, time_ns))
        return "is no time";
    return NULL;
}

static wk_status read_trade(const wk_tape *tape, uint32_t row, wk_rest_trade *out, wk_err *err)
{
    static const char *const names[] = {"trade's price", "trade's volume", "trade's time"};
    if (!wk__tape_is(tape, row, WK_TAPE_ARRAY))
        return wk__tape_fail(tape, row, "trade", "is no array", err);
    uint32_t at = wk__tape_first(tape, row);
    for (int i = 0; i <= 6; i++) {
        const char *why = NULL;
        if (at == WK_TAPE_NONE)
            return wk__tape_fail(tape, row, "trade", "has too few values", err);
        if (i == 0)
            why = wk__rest_price(tape, at, &out->price);
        else if (i == 1)
            why = wk__rest_size(tape, at, &out->qty);
        else if (i == 2)
            why = read_trade_time(tape, at, &out->time_ns);
        else if (i == 6)
            why = wk__tape_int(tape, at, &out->id);
        if (why)
            return wk__tape_fail(tape, at, i == 6 ? "trade's id" : names[i], why, err);
        at = wk__tape_next(tape, row, at);
    }
    return WK_OK;
}

wk_status wk__parse_kraken_trades(const wk_tape *tape, wk_rest_trades *out, int64_t *last_ns,
                                  wk_err *err)
{
    uint32_t rows = rows_of(tape, WK_TAPE_ARRAY);
    uint32_t last = wk__tape_get(tape, wk__tape_get(tape, 0, "result"), "last");
    size_t before = out->n;
    int64_t cursor_ns;
    if (rows == WK_TAPE_NONE)
        return wk__tape_fail(tape, 0, "reply", "has no list of trades", err);
    const char *why = wk__tape_int(tape, last, &cursor_ns);
    if (why)
        return wk__tape_fail(tape, last, "last", why, err);
    for (uint32_t row = wk__tape_first(tape, rows); row != WK_TAPE_NONE;) {
        wk_rest_trade *trade = WK_REST_ADD(out);
        wk_status status = trade ? read_trade(tape, row, trade, err)
                                 : wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        row = wk__tape_next(tape, rows, row);
    }
    *last_ns = cursor_ns;
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
        const char *why = wk__rest_price(tape, element(tape, level, 0), &price);
        if (!why)
            why = wk__rest_size(tape, element(tape, level, 1), &size);
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

/* asks and bids of `at`, best level first, as [price, size, ...] arrays. */
static wk_status read_book(const wk_tape *tape, uint32_t at, int64_t time_ns, wk_rest_books *out,
                           wk_err *err)
{
    wk_rest_book book = {time_ns, NAN, NAN, NAN, NAN};
    WK_TRY(read_side(tape, wk__tape_get(tape, at, "bids"), "bids", &book.bid, &book.bid_qty, err));
    WK_TRY(read_side(tape, wk__tape_get(tape, at, "asks"), "asks", &book.ask, &book.ask_qty, err));
    wk_rest_book *place = WK_REST_ADD(out);
    if (!place)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *place = book;
    return WK_OK;
}

wk_status wk__parse_kraken_depth(const wk_tape *tape, int64_t time_ns, wk_rest_books *out,
                                 wk_err *err)
{
    return read_book(tape, rows_of(tape, WK_TAPE_OBJECT), time_ns, out, err);
}

wk_status wk__parse_futures_book(const wk_tape *tape, int64_t time_ns, wk_rest_books *out,
                                 wk_err *err)
{
    return read_book(tape, wk__tape_get(tape, 0, "orderBook"), time_ns, out, err);
}

/* REST calls bitcoin XBT and dogecoin XDG; everybody else, and Kraken's WebSocket v2, do not. */
static const char *common_name(const char *asset)
{
    if (strcmp(asset, "XBT") == 0)
        return "BTC";
    return strcmp(asset, "XDG") == 0 ? "DOGE" : asset;
}

static wk_decimal power_of_ten(int64_t decimals)
{
    return (wk_decimal){1, (int)decimals};
}

static wk_status read_pair(const wk_tape *tape, uint32_t pair, wk_instrument *out, wk_err *err)
{
    char ws[40], rest[40];
    int64_t price_decimals, qty_decimals;
    wk__tape_copy(tape, wk__tape_get(tape, pair, "altname"), rest, sizeof rest);
    wk__tape_copy(tape, wk__tape_get(tape, pair, "wsname"), ws, sizeof ws);
    char *slash = strchr(ws, '/');
    if (!rest[0])
        return wk__tape_fail(tape, wk__tape_get(tape, pair, "altname"), "altname", "is missing",
                             err);
    uint32_t at = wk__tape_get(tape, pair, "pair_decimals");
    const char *why = wk__tape_int(tape, at, &price_decimals);
    if (!why && (price_decimals < 0 || price_decimals > 18))
        why = "is out of range";
    if (why)
        return wk__tape_fail(tape, at, "pair_decimals", why, err);
    at = wk__tape_get(tape, pair, "lot_decimals");
    why = wk__tape_int(tape, at, &qty_decimals);
    if (!why && (qty_decimals < 0 || qty_decimals > 18))
        why = "is out of range";
    if (why)
        return wk__tape_fail(tape, at, "lot_decimals", why, err);
    if (slash) {
        *slash = 0;
        snprintf(out->base, sizeof out->base, "%.15s", common_name(ws));
        snprintf(out->quote, sizeof out->quote, "%.15s", common_name(slash + 1));
        snprintf(out->symbol, sizeof out->symbol, "%s%s", out->base, out->quote);
        snprintf(out->name_stream, sizeof out->name_stream, "%s/%s", out->base, out->quote);
    } else {
        snprintf(out->symbol, sizeof out->symbol, "%.31s", rest);
        snprintf(out->name_stream, sizeof out->name_stream, "%s", rest);
    }
    snprintf(out->settle, sizeof out->settle, "%s", out->quote);
    snprintf(out->name_rest, sizeof out->name_rest, "%s", rest);
    out->price_decimals = (int)price_decimals;
    out->qty_decimals = (int)qty_decimals;
    out->lot = power_of_ten(qty_decimals);
    /* Recordings of 2021 have neither tick_size nor costmin nor status. */
    if (wk__rest_price(tape, wk__tape_get(tape, pair, "tick_size"), &out->tick))
        out->tick = power_of_ten(price_decimals);
    if (wk__rest_size(tape, wk__tape_get(tape, pair, "ordermin"), &out->qty_min))
        out->qty_min = out->lot;
    if (wk__rest_size(tape, wk__tape_get(tape, pair, "costmin"), &out->cost_min))
        out->cost_min = (wk_decimal){0, -1};
    uint32_t status = wk__tape_get(tape, pair, "status");
    out->is_tradable = status == WK_TAPE_NONE || wk__tape_equals(tape, status, "online");
    return WK_OK;
}

/* Fees of the lowest volume, and the margin that the largest leverage asks for. */
static void read_costs(const wk_tape *tape, uint32_t pair, wk_instrument *out)
{
    wk_decimal value;
    uint32_t fees = wk__tape_get(tape, pair, "fees"), maker = wk__tape_get(tape, pair, "fees_maker");
    if (!wk__rest_size(tape, element(tape, element(tape, fees, 0), 1), &value))
        out->taker_fee = wk__rest_percent(value);
    if (!wk__rest_size(tape, element(tape, element(tape, maker, 0), 1), &value))
        out->maker_fee = wk__rest_percent(value);
    uint32_t leverages = wk__tape_get(tape, pair, "leverage_buy");
    int64_t leverage = 0, most = 0;
    if (!wk__tape_is(tape, leverages, WK_TAPE_ARRAY))
        return;
    for (uint32_t at = wk__tape_first(tape, leverages); at != WK_TAPE_NONE;
         at = wk__tape_next(tape, leverages, at))
        if (!wk__tape_int(tape, at, &leverage) && leverage > most)
            most = leverage;
    if (most > 0)
        out->initial_margin = 1.0 / (double)most;
}

wk_status wk__parse_kraken_pairs(const wk_tape *tape, int64_t read_ns, wk_instruments *out,
                                 wk_err *err)
{
    uint32_t result = wk__tape_get(tape, 0, "result");
    size_t before = out->n;
    if (!wk__tape_is(tape, result, WK_TAPE_OBJECT))
        return wk__tape_fail(tape, result, "result", "is no map of pairs", err);
    for (uint32_t k = wk__tape_first(tape, result); k != WK_TAPE_NONE;) {
        uint32_t pair = k + 1;
        wk_instrument *instrument = WK_REST_ADD(out);
        wk_status status = WK_E_NOMEM;
        if (!instrument) {
            wk_fail(err, WK_E_NOMEM, "out of memory");
        } else if (!wk__tape_is(tape, pair, WK_TAPE_OBJECT)) {
            status = wk__tape_fail(tape, pair, "pair", "is no object", err);
        } else {
            wk__rest_instrument_init(instrument, "kraken", read_ns);
            status = read_pair(tape, pair, instrument, err);
            read_costs(tape, pair, instrument);
        }
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        k = wk__tape_next(tape, result, pair);
    }
    return WK_OK;
}
