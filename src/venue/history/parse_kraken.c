/* Replies of Kraken's spot REST. Source: docs.kraken.com, market data. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rows.h"
#include "wick/clock.h"

/* The key of a result is not always the pair that was asked for: it is the one that is not "last".
 */
static uint32_t rows_of(const wk_doc *doc, wk__json_kind kind)
{
    uint32_t result = wk__doc_get(doc, 0, "result");
    if (!wk__doc_is(doc, result, WK__JSON_OBJECT))
        return WK_DOC_NONE;
    for (uint32_t k = wk__doc_first(doc, result); k != WK_DOC_NONE;) {
        uint32_t value = k + 1;
        if (!wk__doc_equals(doc, k, "last") && wk__doc_is(doc, value, kind))
            return value;
        k = wk__doc_next(doc, result, value);
    }
    return WK_DOC_NONE;
}

/* The n-th element of an array; WK_DOC_NONE when it is shorter or none. */
static uint32_t element(const wk_doc *doc, uint32_t array, uint32_t n)
{
    if (!wk__doc_is(doc, array, WK__JSON_ARRAY))
        return WK_DOC_NONE;
    uint32_t at = wk__doc_first(doc, array);
    while (n-- > 0 && at != WK_DOC_NONE)
        at = wk__doc_next(doc, array, at);
    return at;
}

static wk_status read_candle(const wk_doc *doc, uint32_t row, wk_rest_candle *out, wk_err *err)
{
    static const char *const names[] = {"candle's time", "open", "high",  "low",
                                        "close",         "",     "volume"};
    wk_decimal *const prices[] = {NULL, &out->open, &out->high, &out->low, &out->close};
    if (!wk__doc_is(doc, row, WK__JSON_ARRAY))
        return wk__doc_fail(doc, row, "candle", "is no array", err);
    uint32_t at = wk__doc_first(doc, row);
    for (int i = 0; i <= 6; i++) {
        const char *why = NULL;
        if (at == WK_DOC_NONE)
            return wk__doc_fail(doc, row, "candle", "has too few values", err);
        if (i == 0)
            why = wk__rest_unix(doc, at, WK_NS_PER_S, &out->open_ns);
        else if (i <= 4)
            why = wk__rest_price(doc, at, prices[i]);
        else if (i == 6)
            why = wk__rest_size(doc, at, &out->volume);
        if (why)
            return wk__doc_fail(doc, at, names[i], why, err);
        at = wk__doc_next(doc, row, at);
    }
    const char *problem = wk__rest_candle_problem(out);
    return problem ? wk__doc_fail(doc, row, "candle", problem, err) : WK_OK;
}

wk_status wk__parse_kraken_ohlc(const wk_doc *doc, wk_rest_candles *out, wk_err *err)
{
    uint32_t rows = rows_of(doc, WK__JSON_ARRAY);
    size_t before = out->n;
    if (rows == WK_DOC_NONE)
        return wk__doc_fail(doc, 0, "reply", "has no list of candles", err);
    for (uint32_t row = wk__doc_first(doc, rows); row != WK_DOC_NONE;) {
        wk_rest_candle *candle = WK_REST_ADD(out);
        wk_status status =
            candle ? read_candle(doc, row, candle, err) : wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        row = wk__doc_next(doc, rows, row);
    }
    if (out->n > before)
        out->n--;
    return WK_OK;
}

/* "1688669448.2345678": seconds with up to nine digits behind the dot, never through a double. */
static const char *read_trade_time(const wk_doc *doc, uint32_t at, int64_t *time_ns)
{
    wk_decimal seconds;
    const char *why = wk__doc_decimal(doc, at, &seconds);
    if (why)
        return why;
    if (seconds.digits < 0 || wk_decimal_units(seconds, 9, time_ns))
        return "is no time";
    return NULL;
}

static wk_status read_trade(const wk_doc *doc, uint32_t row, wk_rest_trade *out, wk_err *err)
{
    static const char *const names[] = {"trade's price", "trade's volume", "trade's time"};
    if (!wk__doc_is(doc, row, WK__JSON_ARRAY))
        return wk__doc_fail(doc, row, "trade", "is no array", err);
    uint32_t at = wk__doc_first(doc, row);
    for (int i = 0; i <= 6; i++) {
        const char *why = NULL;
        if (at == WK_DOC_NONE)
            return wk__doc_fail(doc, row, "trade", "has too few values", err);
        if (i == 0)
            why = wk__rest_price(doc, at, &out->price);
        else if (i == 1)
            why = wk__rest_size(doc, at, &out->qty);
        else if (i == 2)
            why = read_trade_time(doc, at, &out->time_ns);
        else if (i == 6)
            why = wk__doc_int(doc, at, &out->id);
        if (why)
            return wk__doc_fail(doc, at, i == 6 ? "trade's id" : names[i], why, err);
        at = wk__doc_next(doc, row, at);
    }
    return WK_OK;
}

wk_status wk__parse_kraken_trades(const wk_doc *doc, wk_rest_trades *out, int64_t *last_ns,
                                  wk_err *err)
{
    uint32_t rows = rows_of(doc, WK__JSON_ARRAY);
    uint32_t last = wk__doc_get(doc, wk__doc_get(doc, 0, "result"), "last");
    size_t before = out->n;
    int64_t cursor_ns;
    if (rows == WK_DOC_NONE)
        return wk__doc_fail(doc, 0, "reply", "has no list of trades", err);
    const char *why = wk__doc_int(doc, last, &cursor_ns);
    if (why)
        return wk__doc_fail(doc, last, "last", why, err);
    for (uint32_t row = wk__doc_first(doc, rows); row != WK_DOC_NONE;) {
        wk_rest_trade *trade = WK_REST_ADD(out);
        wk_status status =
            trade ? read_trade(doc, row, trade, err) : wk_fail(err, WK_E_NOMEM, "out of memory");
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        row = wk__doc_next(doc, rows, row);
    }
    *last_ns = cursor_ns;
    return WK_OK;
}

static wk_status read_side(const wk_doc *doc, uint32_t levels, const char *name, double *best,
                           double *qty, wk_err *err)
{
    if (!wk__doc_is(doc, levels, WK__JSON_ARRAY))
        return wk__doc_fail(doc, levels, name, "is no list of levels", err);
    uint32_t level = wk__doc_first(doc, levels);
    for (int i = 0; level != WK_DOC_NONE && i < 10; i++) {
        wk_decimal price, size;
        const char *why = wk__rest_price(doc, element(doc, level, 0), &price);
        if (!why)
            why = wk__rest_size(doc, element(doc, level, 1), &size);
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

/* asks and bids of `at`, best level first, as [price, size, ...] arrays. */
static wk_status read_book(const wk_doc *doc, uint32_t at, int64_t time_ns, wk_rest_books *out,
                           wk_err *err)
{
    wk_rest_book book = {time_ns, NAN, NAN, NAN, NAN};
    WK_TRY(read_side(doc, wk__doc_get(doc, at, "bids"), "bids", &book.bid, &book.bid_qty, err));
    WK_TRY(read_side(doc, wk__doc_get(doc, at, "asks"), "asks", &book.ask, &book.ask_qty, err));
    wk_rest_book *place = WK_REST_ADD(out);
    if (!place)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *place = book;
    return WK_OK;
}

wk_status wk__parse_kraken_depth(const wk_doc *doc, int64_t time_ns, wk_rest_books *out,
                                 wk_err *err)
{
    return read_book(doc, rows_of(doc, WK__JSON_OBJECT), time_ns, out, err);
}

wk_status wk__parse_futures_book(const wk_doc *doc, int64_t time_ns, wk_rest_books *out,
                                 wk_err *err)
{
    return read_book(doc, wk__doc_get(doc, 0, "orderBook"), time_ns, out, err);
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

static wk_status read_pair(const wk_doc *doc, uint32_t pair, wk_instrument *out, wk_err *err)
{
    char ws[40], rest[40];
    int64_t price_decimals, qty_decimals;
    wk__doc_copy(doc, wk__doc_get(doc, pair, "altname"), rest, sizeof rest);
    wk__doc_copy(doc, wk__doc_get(doc, pair, "wsname"), ws, sizeof ws);
    char *slash = strchr(ws, '/');
    if (!rest[0])
        return wk__doc_fail(doc, wk__doc_get(doc, pair, "altname"), "altname", "is missing", err);
    uint32_t at = wk__doc_get(doc, pair, "pair_decimals");
    const char *why = wk__doc_int(doc, at, &price_decimals);
    if (!why && (price_decimals < 0 || price_decimals > 18))
        why = "is out of range";
    if (why)
        return wk__doc_fail(doc, at, "pair_decimals", why, err);
    at = wk__doc_get(doc, pair, "lot_decimals");
    why = wk__doc_int(doc, at, &qty_decimals);
    if (!why && (qty_decimals < 0 || qty_decimals > 18))
        why = "is out of range";
    if (why)
        return wk__doc_fail(doc, at, "lot_decimals", why, err);
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
    if (wk__rest_price(doc, wk__doc_get(doc, pair, "tick_size"), &out->tick))
        out->tick = power_of_ten(price_decimals);
    if (wk__rest_size(doc, wk__doc_get(doc, pair, "ordermin"), &out->qty_min))
        out->qty_min = out->lot;
    if (wk__rest_size(doc, wk__doc_get(doc, pair, "costmin"), &out->cost_min))
        out->cost_min = (wk_decimal){0, -1};
    uint32_t status = wk__doc_get(doc, pair, "status");
    out->is_tradable = status == WK_DOC_NONE || wk__doc_equals(doc, status, "online");
    return WK_OK;
}

/* Fees of the lowest volume, and the margin that the largest leverage asks for. */
static void read_costs(const wk_doc *doc, uint32_t pair, wk_instrument *out)
{
    wk_decimal value;
    uint32_t fees = wk__doc_get(doc, pair, "fees"), maker = wk__doc_get(doc, pair, "fees_maker");
    if (!wk__rest_size(doc, element(doc, element(doc, fees, 0), 1), &value))
        out->taker_fee = wk__rest_percent(value);
    if (!wk__rest_size(doc, element(doc, element(doc, maker, 0), 1), &value))
        out->maker_fee = wk__rest_percent(value);
    uint32_t leverages = wk__doc_get(doc, pair, "leverage_buy");
    int64_t leverage = 0, most = 0;
    if (!wk__doc_is(doc, leverages, WK__JSON_ARRAY))
        return;
    for (uint32_t at = wk__doc_first(doc, leverages); at != WK_DOC_NONE;
         at = wk__doc_next(doc, leverages, at))
        if (!wk__doc_int(doc, at, &leverage) && leverage > most)
            most = leverage;
    if (most > 0)
        out->initial_margin = 1.0 / (double)most;
}

wk_status wk__parse_kraken_pairs(const wk_doc *doc, int64_t read_ns, wk_instruments *out,
                                 wk_err *err)
{
    uint32_t result = wk__doc_get(doc, 0, "result");
    size_t before = out->n;
    if (!wk__doc_is(doc, result, WK__JSON_OBJECT))
        return wk__doc_fail(doc, result, "result", "is no map of pairs", err);
    for (uint32_t k = wk__doc_first(doc, result); k != WK_DOC_NONE;) {
        uint32_t pair = k + 1;
        wk_instrument *instrument = WK_REST_ADD(out);
        wk_status status = WK_E_NOMEM;
        if (!instrument) {
            wk_fail(err, WK_E_NOMEM, "out of memory");
        } else if (!wk__doc_is(doc, pair, WK__JSON_OBJECT)) {
            status = wk__doc_fail(doc, pair, "pair", "is no object", err);
        } else {
            wk__rest_instrument_init(instrument, "kraken", read_ns);
            status = read_pair(doc, pair, instrument, err);
            read_costs(doc, pair, instrument);
        }
        if (status != WK_OK) {
            out->n = before;
            return status;
        }
        k = wk__doc_next(doc, result, pair);
    }
    return WK_OK;
}
