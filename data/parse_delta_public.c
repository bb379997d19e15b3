/* Delta Exchange: the compact channels of the public socket. "sy" is the symbol, "ts" the time. */
#include "parse_delta.h"

#include "wick/clock.h"

/* The symbol and time of the frame, and the values of more names behind these two. */
static uint32_t open_frame(wk_parser *p, const char *const *names, size_t n, uint32_t *v,
                           const char *prefix, int64_t *at)
{
    wk__parse_members(p, 0, "message", names, n, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], prefix);
    *at = symbol == WK_SYMBOL_NONE ? 0 : wk__parse_epoch(p, v[1], "ts", WK__DELTA_US);
    return symbol;
}

static void read_book(wk_parser *p)
{
    static const char *const names[] = {"sy", "ts", "a", "b"};
    uint32_t v[4];
    int64_t at;
    uint32_t symbol = open_frame(p, names, 4, v, NULL, &at);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk__parse_book_begin(p, symbol, at, 1, 0, 0);
    wk__parse_book_rows(p, symbol, at, WK_SIDE_SELL, v[2], "a");
    wk__parse_book_rows(p, symbol, at, WK_SIDE_BUY, v[3], "b");
    wk__parse_book_end(p, symbol, at, 0, 0);
}

static void read_best(wk_parser *p)
{
    static const char *const names[] = {"sy", "ts", "ap", "as", "bp", "bs"};
    uint32_t v[6];
    int64_t at;
    uint32_t symbol = open_frame(p, names, 6, v, NULL, &at);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event = wk__parse_delta_ticker(p, symbol, at);
    event->ticker.ask = wk__parse_decimal_or_none(p, v[2], "ap");
    event->ticker.ask_qty = wk__parse_decimal_or_none(p, v[3], "as");
    event->ticker.bid = wk__parse_decimal_or_none(p, v[4], "bp");
    event->ticker.bid_qty = wk__parse_decimal_or_none(p, v[5], "bs");
}

/* "r" is the buyer's role: the taker is the aggressor. */
static void read_trade(wk_parser *p)
{
    static const char *const names[] = {"sy", "ts", "p", "s", "r", "t"};
    uint32_t v[6];
    int64_t at;
    uint32_t symbol = open_frame(p, names, 6, v, NULL, &at);
    if (symbol == WK_SYMBOL_NONE)
        return;
    if (!wk__parse_is_missing(p, v[5]))
        at = wk__parse_epoch(p, v[5], "t", WK__DELTA_US);
    wk_decimal price = wk__parse_decimal(p, v[2], "p");
    wk_decimal qty = wk__parse_size(p, v[3], "s");
    int is_buy = wk__parse_equals(p, v[4], "t");
    if (!is_buy && !wk__parse_equals(p, v[4], "m"))
        wk__parse_fault(p, v[4], "r", "is not m or t");
    wk_event *event = wk__parse_event(p, WK_EVENT_TRADE, symbol, at);
    event->trade.price = price;
    event->trade.qty = qty;
    event->trade.side = is_buy ? WK_SIDE_BUY : WK_SIDE_SELL;
}

/* The frame has no start time: it is the bucket that its time falls into. */
static void read_candle(wk_parser *p, uint32_t type)
{
    static const char *const names[] = {"sy", "ts", "o", "h", "l", "c", "v"};
    uint32_t v[7];
    int64_t at;
    uint32_t symbol = open_frame(p, names, 7, v, NULL, &at);
    if (symbol == WK_SYMBOL_NONE || wk__parse_is_missing(p, v[2]))
        return;
    if (at == 0)
        wk__parse_fault(p, v[1], "ts", "is missing");
    int64_t timeframe_ns = wk__parse_delta_resolution(p, type);
    /* Weeks begin on Mondays; 1970 began on a Thursday. */
    int64_t shift_ns =
        timeframe_ns % (604800 * WK_NS_PER_S) == 0 ? INT64_C(3) * 86400 * WK_NS_PER_S : 0;
    wk_event *event = wk__parse_event(p, WK_EVENT_CANDLE, symbol, at);
    event->candle.open_ns = at - (at + shift_ns) % timeframe_ns;
    event->candle.timeframe_ns = timeframe_ns;
    event->candle.open = wk__parse_decimal(p, v[2], "o");
    event->candle.high = wk__parse_decimal(p, v[3], "h");
    event->candle.low = wk__parse_decimal(p, v[4], "l");
    event->candle.close = wk__parse_decimal(p, v[5], "c");
    event->candle.volume = wk__parse_decimal_or_none(p, v[6], "v");
    event->candle.n_trades = -1;
}

/* An element of an array that may be null or short. */
static uint32_t element(wk_parser *p, uint32_t array, const char *what, size_t i)
{
    if (wk__parse_is_missing(p, array) || !wk__parse_is(p, array, WK__JSON_ARRAY, what))
        return WK__ABSENT;
    uint32_t end = wk__parse_end(p, array);
    uint32_t token = wk__parse_first(array);
    while (i > 0 && token < end) {
        token = wk__parse_next(p, token);
        i--;
    }
    return token < end ? token : WK__ABSENT;
}

/* d[]: s, m, ohlc [o,h,l,c], oi [contracts, ...], q [ask, ask size, bid, bid size, mid] */
static void read_ticker(wk_parser *p)
{
    static const char *const outer[] = {"d", "ts"};
    static const char *const names[] = {"s", "m", "ohlc", "oi", "q"};
    uint32_t o[2];
    wk__parse_members(p, 0, "message", outer, 2, o);
    int64_t at = wk__parse_epoch(p, o[1], "ts", WK__DELTA_US);
    if (!wk__parse_is(p, o[0], WK__JSON_ARRAY, "d"))
        return;
    uint32_t end = wk__parse_end(p, o[0]);
    for (uint32_t row = wk__parse_first(o[0]); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t v[5];
        wk__parse_members(p, row, "d", names, 5, v);
        uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
        if (symbol == WK_SYMBOL_NONE)
            continue;
        wk_event *event = wk__parse_delta_ticker(p, symbol, at);
        event->ticker.mark = wk__parse_decimal_or_none(p, v[1], "m");
        event->ticker.last = wk__parse_decimal_or_none(p, element(p, v[2], "ohlc", 3), "ohlc");
        event->ticker.ask = wk__parse_decimal_or_none(p, element(p, v[4], "q", 0), "q");
        event->ticker.ask_qty = wk__parse_decimal_or_none(p, element(p, v[4], "q", 1), "q");
        event->ticker.bid = wk__parse_decimal_or_none(p, element(p, v[4], "q", 2), "q");
        event->ticker.bid_qty = wk__parse_decimal_or_none(p, element(p, v[4], "q", 3), "q");
        uint32_t interest = element(p, v[3], "oi", 0);
        if (wk__parse_is_missing(p, interest))
            continue;
        event = wk__parse_event(p, WK_EVENT_OPEN_INTEREST, symbol, at);
        event->value.value = wk__parse_rate(p, interest, "oi");
        event->value.is_contracts = 1;
    }
}

static void read_funding(wk_parser *p)
{
    static const char *const names[] = {"sy", "ts", "fi", "fr", "nfr"};
    uint32_t v[5];
    int64_t at;
    uint32_t symbol = open_frame(p, names, 5, v, NULL, &at);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event = wk__parse_event(p, WK_EVENT_FUNDING, symbol, at);
    event->value.interval_ns = wk__parse_int(p, v[2], "fi", 0, 604800) * WK_NS_PER_S;
    event->value.value = wk__parse_delta_percent(p, v[3], "fr");
    event->value.next_exchange_ns = wk__parse_epoch(p, v[4], "nfr", WK__DELTA_US);
}

static void read_price(wk_parser *p, int is_mark)
{
    static const char *const names[] = {"sy", "ts", "p"};
    uint32_t v[3];
    int64_t at;
    uint32_t symbol = open_frame(p, names, 3, v, is_mark ? "MARK:" : NULL, &at);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event = wk__parse_delta_ticker(p, symbol, at);
    wk_decimal price = wk__parse_decimal(p, v[2], "p");
    if (is_mark)
        event->ticker.mark = price;
    else
        event->ticker.last = price;
}

void wk__parse_delta_public(wk_parser *p, uint32_t type)
{
    static const wk__delta_book_names updates = {
        {"action", "a", "b", "seq", "cs", "sy", "ts", "msg"}};
    p->is_known = 1;
    if (wk__parse_equals(p, type, "ob_updates"))
        wk__parse_delta_updates(p, &updates);
    else if (wk__parse_equals(p, type, "ob_l2"))
        read_book(p);
    else if (wk__parse_equals(p, type, "ob_l1"))
        read_best(p);
    else if (wk__parse_equals(p, type, "trades"))
        read_trade(p);
    else if (wk__parse_begins(p, type, "candlestick_"))
        read_candle(p, type);
    else if (wk__parse_equals(p, type, "ticker"))
        read_ticker(p);
    else if (wk__parse_equals(p, type, "funding_rate"))
        read_funding(p);
    else if (wk__parse_equals(p, type, "mark_price"))
        read_price(p, 1);
    else if (wk__parse_equals(p, type, "spot_price"))
        read_price(p, 0);
    else
        p->is_known = 0;
}
