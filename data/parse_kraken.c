/* Kraken spot, WebSocket v2. */
#include "parse_internal.h"
#include "wick/clock.h"

/* A level is {"price":P,"qty":Q}; the documentation writes them as strings once. */
static void read_levels(wk_parser *p, uint32_t symbol, int64_t exchange_ns, wk_side side,
                        uint32_t array)
{
    static const char *const names[] = {"price", "qty"};
    const char *what = side == WK_SIDE_BUY ? "bids" : "asks";
    if (array == WK__ABSENT || !wk__parse_is(p, array, WK__JSON_ARRAY, what))
        return;
    uint32_t end = wk__parse_end(p, array);
    for (uint32_t row = wk__parse_first(array); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t v[2];
        wk__parse_members(p, row, "book level", names, 2, v);
        wk_decimal price = wk__parse_decimal(p, v[0], "price");
        wk_decimal qty = wk__parse_size(p, v[1], "qty");
        wk__parse_book_level(p, symbol, exchange_ns, side, price, qty);
    }
}

static void read_book(wk_parser *p, uint32_t row, int is_snapshot)
{
    static const char *const names[] = {"symbol", "bids", "asks", "checksum", "timestamp"};
    uint32_t v[5];
    wk__parse_members(p, row, "book", names, 5, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    int64_t at = wk__parse_rfc3339(p, v[4], "timestamp");
    wk__parse_book_begin(p, symbol, at, is_snapshot, 0, 0);
    read_levels(p, symbol, at, WK_SIDE_BUY, v[1]);
    read_levels(p, symbol, at, WK_SIDE_SELL, v[2]);
    int64_t checksum = wk__parse_int(p, v[3], "checksum", 0, UINT32_MAX);
    wk__parse_book_end(p, symbol, at, 1, (uint32_t)checksum);
}

static void read_trade(wk_parser *p, uint32_t row, int is_snapshot)
{
    static const char *const names[] = {"symbol", "side", "price", "qty", "trade_id", "timestamp"};
    uint32_t v[6];
    wk__parse_members(p, row, "trade", names, 6, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    int64_t at = wk__parse_rfc3339(p, v[5], "timestamp");
    wk_decimal price = wk__parse_decimal(p, v[2], "price");
    wk_decimal qty = wk__parse_size(p, v[3], "qty");
    int64_t id = wk__parse_int(p, v[4], "trade_id", 0, INT64_MAX);
    int is_buy = wk__parse_equals(p, v[1], "buy");
    if (!is_buy && !wk__parse_equals(p, v[1], "sell"))
        wk__parse_fault(p, v[1], "side", "is not buy or sell");
    wk_event *event = wk__parse_event(p, WK_EVENT_TRADE, symbol, at);
    event->trade.price = price;
    event->trade.qty = qty;
    event->trade.id = id;
    event->trade.side = is_buy ? WK_SIDE_BUY : WK_SIDE_SELL;
    event->trade.is_snapshot = is_snapshot != 0;
}

static void read_ohlc(wk_parser *p, uint32_t row, int is_snapshot, int64_t exchange_ns)
{
    static const char *const names[] = {"symbol", "open",   "high",           "low",     "close",
                                        "trades", "volume", "interval_begin", "interval"};
    uint32_t v[9];
    wk__parse_members(p, row, "ohlc", names, 9, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event = wk__parse_event(p, WK_EVENT_CANDLE, symbol, exchange_ns);
    event->candle.open = wk__parse_decimal(p, v[1], "open");
    event->candle.high = wk__parse_decimal(p, v[2], "high");
    event->candle.low = wk__parse_decimal(p, v[3], "low");
    event->candle.close = wk__parse_decimal(p, v[4], "close");
    event->candle.n_trades =
        wk__parse_is_missing(p, v[5]) ? -1 : wk__parse_int(p, v[5], "trades", 0, INT64_MAX);
    event->candle.volume = wk__parse_size(p, v[6], "volume");
    if (wk__parse_is(p, v[7], WK__JSON_STRING, "interval_begin"))
        event->candle.open_ns = wk__parse_rfc3339(p, v[7], "interval_begin");
    event->candle.timeframe_ns = wk__parse_int(p, v[8], "interval", 1, 21600) * 60 * WK_NS_PER_S;
    event->candle.is_snapshot = is_snapshot != 0;
}

static void read_ticker(wk_parser *p, uint32_t row)
{
    static const char *const names[] = {"symbol",  "bid",  "bid_qty",  "ask",
                                        "ask_qty", "last", "timestamp"};
    uint32_t v[7];
    wk__parse_members(p, row, "ticker", names, 7, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    int64_t at = wk__parse_rfc3339(p, v[6], "timestamp");
    wk_event *event = wk__parse_event(p, WK_EVENT_TICKER, symbol, at);
    event->ticker.bid = wk__parse_decimal_or_none(p, v[1], "bid");
    event->ticker.bid_qty = wk__parse_decimal_or_none(p, v[2], "bid_qty");
    event->ticker.ask = wk__parse_decimal_or_none(p, v[3], "ask");
    event->ticker.ask_qty = wk__parse_decimal_or_none(p, v[4], "ask_qty");
    event->ticker.last = wk__parse_decimal_or_none(p, v[5], "last");
    event->ticker.mark.scale = -1;
}

/* The answer holds every pair of the venue: those not asked for are no surprise. */
static void read_instruments(wk_parser *p, uint32_t data)
{
    static const char *const lists[] = {"pairs"};
    static const char *const names[] = {"symbol",        "status",          "price_precision",
                                        "qty_precision", "price_increment", "qty_increment",
                                        "qty_min"};
    uint32_t pairs;
    wk__parse_members(p, data, "data", lists, 1, &pairs);
    if (wk__parse_is_missing(p, pairs) || !wk__parse_is(p, pairs, WK__JSON_ARRAY, "pairs"))
        return;
    uint32_t end = wk__parse_end(p, pairs);
    for (uint32_t row = wk__parse_first(pairs); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t v[7];
        wk__parse_members(p, row, "pair", names, 7, v);
        uint64_t n_unknown = p->counts.unknown_symbol;
        uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
        p->counts.unknown_symbol = n_unknown;
        if (symbol == WK_SYMBOL_NONE)
            continue;
        wk_event *event = wk__parse_event(p, WK_EVENT_INSTRUMENT, symbol, 0);
        event->instrument.is_tradable = wk__parse_equals(p, v[1], "online") != 0;
        event->instrument.price_decimals =
            (int16_t)(wk__parse_is_missing(p, v[2])
                          ? -1
                          : wk__parse_int(p, v[2], "price_precision", 0, 36));
        event->instrument.qty_decimals =
            (int16_t)(wk__parse_is_missing(p, v[3])
                          ? -1
                          : wk__parse_int(p, v[3], "qty_precision", 0, 36));
        event->instrument.price_increment = wk__parse_decimal_or_none(p, v[4], "price_increment");
        event->instrument.qty_increment = wk__parse_decimal_or_none(p, v[5], "qty_increment");
        event->instrument.qty_min = wk__parse_decimal_or_none(p, v[6], "qty_min");
    }
}

static void read_status(wk_parser *p, uint32_t row)
{
    static const char *const names[] = {"system"};
    uint32_t system;
    wk__parse_members(p, row, "status", names, 1, &system);
    if (wk__parse_is(p, system, WK__JSON_STRING, "system"))
        wk__parse_text(p, system, wk__parse_event(p, WK_EVENT_STATUS, WK_SYMBOL_NONE, 0)->text);
}

static void read_channel(wk_parser *p, uint32_t channel, uint32_t type, uint32_t data,
                         uint32_t timestamp)
{
    static const char *const known[] = {"book", "trade", "ohlc", "ticker", "status"};
    enum { BOOK, TRADE, OHLC, TICKER, STATUS, N_KNOWN };
    if (!wk__parse_is(p, channel, WK__JSON_STRING, "channel"))
        return;
    int which = 0;
    while (which < N_KNOWN && !wk__parse_equals(p, channel, known[which]))
        which++;
    int is_instrument = 0;
    if (which == N_KNOWN) {
        if (wk__parse_equals(p, channel, "heartbeat"))
            wk__parse_event(p, WK_EVENT_HEARTBEAT, WK_SYMBOL_NONE, 0);
        is_instrument = wk__parse_equals(p, channel, "instrument");
        if (!is_instrument)
            return;
    }
    p->is_known = 1;
    int is_snapshot = wk__parse_equals(p, type, "snapshot");
    if (!is_snapshot && !wk__parse_equals(p, type, "update")) {
        wk__parse_fault(p, type, "type", "is not snapshot or update");
        return;
    }
    if (is_instrument) {
        read_instruments(p, data);
        return;
    }
    if (!wk__parse_is(p, data, WK__JSON_ARRAY, "data"))
        return;
    int64_t at = which == OHLC ? wk__parse_rfc3339(p, timestamp, "timestamp") : 0;
    uint32_t end = wk__parse_end(p, data);
    for (uint32_t row = wk__parse_first(data); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        switch (which) {
        case BOOK:
            read_book(p, row, is_snapshot);
            break;
        case TRADE:
            read_trade(p, row, is_snapshot);
            break;
        case OHLC:
            read_ohlc(p, row, is_snapshot, at);
            break;
        case TICKER:
            read_ticker(p, row);
            break;
        default:
            read_status(p, row);
        }
    }
}

/* Replies to requests. Those to unsubscribe and to private methods say nothing that an event has.
 */
static void read_reply(wk_parser *p, uint32_t method, uint32_t result, const uint32_t *v)
{
    enum { SUCCESS, ERROR, SYMBOL, TIME_OUT };
    if (!wk__parse_is(p, method, WK__JSON_STRING, "method"))
        return;
    int64_t at = wk__parse_rfc3339(p, v[TIME_OUT], "time_out");
    int is_subscribe = wk__parse_equals(p, method, "subscribe");
    int is_pong = wk__parse_equals(p, method, "pong");
    uint32_t symbol = WK_SYMBOL_NONE;
    int is_refused = v[SUCCESS] != WK__ABSENT && wk__parse_kind(p, v[SUCCESS]) == WK__JSON_FALSE;
    if (is_refused || (is_pong && v[ERROR] != WK__ABSENT)) {
        uint64_t n_unknown = p->counts.unknown_symbol;
        if (!wk__parse_is_missing(p, v[SYMBOL]))
            symbol = wk__parse_symbol_of(p, v[SYMBOL], NULL);
        p->counts.unknown_symbol = n_unknown;
        wk__parse_text(p, v[ERROR], wk__parse_event(p, WK_EVENT_REFUSED, symbol, at)->text);
    } else if (is_pong) {
        wk__parse_event(p, WK_EVENT_PONG, WK_SYMBOL_NONE, at);
    } else if (is_subscribe) {
        static const char *const names[] = {"channel", "symbol"};
        uint32_t r[2];
        if (!wk__parse_is(p, v[SUCCESS], WK__JSON_TRUE, "success"))
            return;
        wk__parse_members(p, result, "result", names, 2, r);
        if (!wk__parse_is_missing(p, r[1]))
            symbol = wk__parse_symbol_of(p, r[1], NULL);
        if (wk__parse_is(p, r[0], WK__JSON_STRING, "channel"))
            wk__parse_text(p, r[0], wk__parse_event(p, WK_EVENT_SUBSCRIBED, symbol, at)->text);
    } else if (wk__parse_equals(p, method, "unsubscribe")) {
        p->is_known = 1;
    }
}

void wk__parse_kraken(wk_parser *p)
{
    static const char *const names[] = {"channel", "type",    "data",  "timestamp", "method",
                                        "result",  "success", "error", "symbol",    "time_out"};
    uint32_t v[10];
    /* Book messages have the first three only, in this order. */
    wk__parse_members(p, 0, "message", names, 10, v);
    if (p->reason)
        return;
    if (v[0] != WK__ABSENT)
        read_channel(p, v[0], v[1], v[2], v[3]);
    else if (v[4] != WK__ABSENT)
        read_reply(p, v[4], v[5], v + 6);
    else if (!wk__parse_is_missing(p, v[7]))
        wk__parse_text(p, v[7], wk__parse_event(p, WK_EVENT_REFUSED, WK_SYMBOL_NONE, 0)->text);
}
