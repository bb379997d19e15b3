/* Kraken spot, WebSocket v1: the frames of old recordings. Public data is an array
 * [channelID, payload, (payload,) "channel", "pair"], all else an object with "event". */
#include "parse_internal.h"
#include "wick/clock.h"

/* Rows are ["price","volume","time"] and, in a book that was sent again, "r" behind them. The
 * message's time is the newest of its rows. */
static void read_rows(wk_parser *p, uint32_t symbol, wk_side side, uint32_t array, int64_t *newest)
{
    if (array == WK__ABSENT)
        return;
    const char *what = side == WK_SIDE_BUY ? "bids" : "asks";
    if (!wk__parse_is(p, array, WK__JSON_ARRAY, what))
        return;
    uint32_t end = wk__parse_end(p, array);
    for (uint32_t row = wk__parse_first(array); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t cells[3];
        if (!wk__parse_elements(p, row, "book level", cells, 3))
            return;
        wk_decimal price = wk__parse_decimal(p, cells[0], "price");
        wk_decimal qty = wk__parse_size(p, cells[1], "volume");
        int64_t at = wk__parse_epoch(p, cells[2], "time", 0);
        *newest = at > *newest ? at : *newest;
        wk__parse_book_level(p, symbol, at, side, price, qty);
    }
}

/* An update has its asks and bids in one object or in two; the last holds the checksum "c". */
static void read_book(wk_parser *p, uint32_t symbol, const uint32_t *payloads, size_t n)
{
    static const char *const names[] = {"as", "bs", "a", "b", "c"};
    size_t begin = p->n_events;
    wk__parse_book_begin(p, symbol, 0, 0, 0, 0);
    int64_t newest = 0;
    int64_t checksum = -1;
    int is_snapshot = 0;
    for (size_t i = 0; i < n && !p->reason; i++) {
        uint32_t v[5];
        wk__parse_members(p, payloads[i], "book", names, 5, v);
        is_snapshot |= v[0] != WK__ABSENT || v[1] != WK__ABSENT;
        read_rows(p, symbol, WK_SIDE_SELL, v[0], &newest);
        read_rows(p, symbol, WK_SIDE_BUY, v[1], &newest);
        read_rows(p, symbol, WK_SIDE_SELL, v[2], &newest);
        read_rows(p, symbol, WK_SIDE_BUY, v[3], &newest);
        if (v[4] != WK__ABSENT)
            checksum = wk__parse_int(p, v[4], "checksum", 0, UINT32_MAX);
    }
    if (!is_snapshot && checksum < 0)
        wk__parse_fault(p, 0, "checksum", "is missing");
    wk__parse_book_end(p, symbol, newest, checksum >= 0, (uint32_t)checksum);
    if (p->is_out_of_memory)
        return;
    p->events[begin].book_begin.is_snapshot = is_snapshot != 0;
    p->events[begin].exchange_ns = newest;
}

/* ["price","volume","time","b|s","m|l","misc"] */
static void read_trades(wk_parser *p, uint32_t symbol, uint32_t array)
{
    if (!wk__parse_is(p, array, WK__JSON_ARRAY, "trades"))
        return;
    uint32_t end = wk__parse_end(p, array);
    for (uint32_t row = wk__parse_first(array); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t cells[4];
        if (!wk__parse_elements(p, row, "trade", cells, 4))
            return;
        int64_t at = wk__parse_epoch(p, cells[2], "time", 0);
        wk_decimal price = wk__parse_decimal(p, cells[0], "price");
        wk_decimal qty = wk__parse_size(p, cells[1], "volume");
        int is_buy = wk__parse_equals(p, cells[3], "b");
        if (!is_buy && !wk__parse_equals(p, cells[3], "s"))
            wk__parse_fault(p, cells[3], "side", "is not b or s");
        wk_event *event = wk__parse_event(p, WK_EVENT_TRADE, symbol, at);
        event->trade.price = price;
        event->trade.qty = qty;
        event->trade.side = is_buy ? WK_SIDE_BUY : WK_SIDE_SELL;
    }
}

/* [time, end time, open, high, low, close, vwap, volume, count]; the channel is "ohlc-5". */
static void read_ohlc(wk_parser *p, uint32_t symbol, uint32_t payload, uint32_t channel)
{
    uint32_t v[9];
    if (!wk__parse_elements(p, payload, "ohlc", v, 9))
        return;
    const wk__json_token *name = &p->json.tokens[channel];
    wk_decimal minutes = {0, 0};
    if (name->n > 5)
        (void)wk_decimal_parse(p->json.text + name->start + 5, name->n - 5, &minutes);
    if (minutes.scale != 0 || minutes.digits < 1 || minutes.digits > 21600)
        wk__parse_fault(p, channel, "channel", "has no interval");
    int64_t timeframe_ns = minutes.digits * 60 * WK_NS_PER_S;
    wk_event *event =
        wk__parse_event(p, WK_EVENT_CANDLE, symbol, wk__parse_epoch(p, v[0], "time", 0));
    int64_t end_ns = wk__parse_epoch(p, v[1], "end time", 0);
    event->candle.open_ns = end_ns > timeframe_ns ? end_ns - timeframe_ns : 0;
    event->candle.timeframe_ns = timeframe_ns;
    event->candle.open = wk__parse_decimal(p, v[2], "open");
    event->candle.high = wk__parse_decimal(p, v[3], "high");
    event->candle.low = wk__parse_decimal(p, v[4], "low");
    event->candle.close = wk__parse_decimal(p, v[5], "close");
    event->candle.volume = wk__parse_size(p, v[7], "volume");
    event->candle.n_trades = wk__parse_int(p, v[8], "count", 0, INT64_MAX);
}

static wk_event *add_ticker(wk_parser *p, uint32_t symbol, int64_t at)
{
    wk_event *event = wk__parse_event(p, WK_EVENT_TICKER, symbol, at);
    event->ticker.bid.scale = event->ticker.bid_qty.scale = -1;
    event->ticker.ask.scale = event->ticker.ask_qty.scale = -1;
    event->ticker.last.scale = event->ticker.mark.scale = -1;
    return event;
}

/* {"a":[price, whole lots, lots],"b":[...],"c":[price, lots],...} */
static void read_ticker(wk_parser *p, uint32_t symbol, uint32_t payload)
{
    static const char *const names[] = {"a", "b", "c"};
    uint32_t v[3], ask[3], bid[3], last[1];
    wk__parse_members(p, payload, "ticker", names, 3, v);
    if (!wk__parse_elements(p, v[0], "ask", ask, 3) ||
        !wk__parse_elements(p, v[1], "bid", bid, 3) ||
        !wk__parse_elements(p, v[2], "last", last, 1))
        return;
    wk_event *event = add_ticker(p, symbol, 0);
    event->ticker.ask = wk__parse_decimal(p, ask[0], "ask");
    event->ticker.ask_qty = wk__parse_size(p, ask[2], "ask volume");
    event->ticker.bid = wk__parse_decimal(p, bid[0], "bid");
    event->ticker.bid_qty = wk__parse_size(p, bid[2], "bid volume");
    event->ticker.last = wk__parse_decimal(p, last[0], "last");
}

/* [bid, ask, time, bid volume, ask volume] */
static void read_spread(wk_parser *p, uint32_t symbol, uint32_t payload)
{
    uint32_t v[5];
    if (!wk__parse_elements(p, payload, "spread", v, 5))
        return;
    wk_event *event = add_ticker(p, symbol, wk__parse_epoch(p, v[2], "time", 0));
    event->ticker.bid = wk__parse_decimal(p, v[0], "bid");
    event->ticker.ask = wk__parse_decimal(p, v[1], "ask");
    event->ticker.bid_qty = wk__parse_size(p, v[3], "bid volume");
    event->ticker.ask_qty = wk__parse_size(p, v[4], "ask volume");
}

static void read_data(wk_parser *p)
{
    enum { N_MAX = 5 };
    uint32_t v[N_MAX];
    size_t n = 0;
    uint32_t end = wk__parse_end(p, 0);
    for (uint32_t t = wk__parse_first(0); t < end; t = wk__parse_next(p, t)) {
        if (n == N_MAX) {
            wk__parse_fault(p, t, "message", "has too many elements");
            return;
        }
        v[n++] = t;
    }
    if (n < 4) {
        wk__parse_fault(p, 0, "message", "has too few elements");
        return;
    }
    uint32_t channel = v[n - 2];
    if (!wk__parse_is(p, channel, WK__JSON_STRING, "channel") ||
        !wk__parse_is(p, v[n - 1], WK__JSON_STRING, "pair"))
        return;
    int is_book = wk__parse_begins(p, channel, "book-");
    int is_ohlc = wk__parse_begins(p, channel, "ohlc-");
    int is_trade = wk__parse_equals(p, channel, "trade");
    int is_ticker = wk__parse_equals(p, channel, "ticker");
    if (!is_book && !is_ohlc && !is_trade && !is_ticker && !wk__parse_equals(p, channel, "spread"))
        return;
    p->is_known = 1;
    uint32_t symbol = wk__parse_symbol_of(p, v[n - 1], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    if (is_book)
        read_book(p, symbol, v + 1, n - 3);
    else if (n != 4)
        wk__parse_fault(p, 0, "message", "has too many elements");
    else if (is_ohlc)
        read_ohlc(p, symbol, v[1], channel);
    else if (is_trade)
        read_trades(p, symbol, v[1]);
    else if (is_ticker)
        read_ticker(p, symbol, v[1]);
    else
        read_spread(p, symbol, v[1]);
}

static void read_event(wk_parser *p)
{
    static const char *const names[] = {"event", "status", "pair", "channelName", "errorMessage"};
    uint32_t v[5];
    wk__parse_members(p, 0, "message", names, 5, v);
    if (p->reason || !wk__parse_is(p, v[0], WK__JSON_STRING, "event"))
        return;
    if (wk__parse_equals(p, v[0], "heartbeat")) {
        wk__parse_event(p, WK_EVENT_HEARTBEAT, WK_SYMBOL_NONE, 0);
    } else if (wk__parse_equals(p, v[0], "pong")) {
        wk__parse_event(p, WK_EVENT_PONG, WK_SYMBOL_NONE, 0);
    } else if (wk__parse_equals(p, v[0], "systemStatus")) {
        if (wk__parse_is(p, v[1], WK__JSON_STRING, "status"))
            wk__parse_text(p, v[1], wk__parse_event(p, WK_EVENT_STATUS, WK_SYMBOL_NONE, 0)->text);
    } else if (wk__parse_equals(p, v[0], "error")) {
        wk__parse_text(p, v[4], wk__parse_event(p, WK_EVENT_REFUSED, WK_SYMBOL_NONE, 0)->text);
    } else if (wk__parse_equals(p, v[0], "subscriptionStatus")) {
        p->is_known = 1;
        uint32_t symbol =
            wk__parse_is_missing(p, v[2]) ? WK_SYMBOL_NONE : wk__parse_symbol_of(p, v[2], NULL);
        if (wk__parse_equals(p, v[1], "subscribed") &&
            wk__parse_is(p, v[3], WK__JSON_STRING, "channelName"))
            wk__parse_text(p, v[3], wk__parse_event(p, WK_EVENT_SUBSCRIBED, symbol, 0)->text);
        else if (wk__parse_equals(p, v[1], "error"))
            wk__parse_text(p, v[4], wk__parse_event(p, WK_EVENT_REFUSED, symbol, 0)->text);
    }
}

void wk__parse_kraken_v1(wk_parser *p)
{
    if (wk__parse_kind(p, 0) == WK__JSON_ARRAY)
        read_data(p);
    else
        read_event(p);
}
