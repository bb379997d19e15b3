/* Kraken Futures, feed v1: one object a message, "feed" says which. */
#include "parse_internal.h"
#include "wick/clock.h"

enum { MS = 3 }; /* times are counts of 10^-3 s */

static wk_side side_of(wk_parser *p, uint32_t token)
{
    if (wk__parse_equals(p, token, "buy"))
        return WK_SIDE_BUY;
    if (!wk__parse_equals(p, token, "sell"))
        wk__parse_fault(p, token, "side", "is not buy or sell");
    return WK_SIDE_SELL;
}

static void read_levels(wk_parser *p, uint32_t symbol, int64_t at, wk_side side, uint32_t array)
{
    static const char *const names[] = {"price", "qty"};
    if (!wk__parse_is(p, array, WK__JSON_ARRAY, side == WK_SIDE_BUY ? "bids" : "asks"))
        return;
    uint32_t end = wk__parse_end(p, array);
    for (uint32_t row = wk__parse_first(array); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t v[2];
        wk__parse_members(p, row, "book level", names, 2, v);
        wk_decimal price = wk__parse_decimal(p, v[0], "price");
        wk_decimal qty = wk__parse_size(p, v[1], "qty");
        wk__parse_book_level(p, symbol, at, side, price, qty);
    }
}

static void read_snapshot(wk_parser *p, uint32_t symbol)
{
    static const char *const names[] = {"timestamp", "seq", "bids", "asks"};
    uint32_t v[4];
    wk__parse_members(p, 0, "message", names, 4, v);
    int64_t at = wk__parse_epoch(p, v[0], "timestamp", MS);
    int64_t sequence = wk__parse_int(p, v[1], "seq", 0, INT64_MAX);
    wk__parse_book_begin(p, symbol, at, 1, sequence, 0);
    read_levels(p, symbol, at, WK_SIDE_BUY, v[2]);
    read_levels(p, symbol, at, WK_SIDE_SELL, v[3]);
    wk__parse_book_end(p, symbol, at, 0, 0);
}

static void read_update(wk_parser *p, uint32_t symbol)
{
    static const char *const names[] = {"side", "seq", "price", "qty", "timestamp"};
    uint32_t v[5];
    wk__parse_members(p, 0, "message", names, 5, v);
    int64_t at = wk__parse_epoch(p, v[4], "timestamp", MS);
    int64_t sequence = wk__parse_int(p, v[1], "seq", 1, INT64_MAX);
    wk_decimal price = wk__parse_decimal(p, v[2], "price");
    wk_decimal qty = wk__parse_size(p, v[3], "qty");
    wk_side side = side_of(p, v[0]);
    wk__parse_book_begin(p, symbol, at, 0, sequence, sequence - 1);
    wk__parse_book_level(p, symbol, at, side, price, qty);
    wk__parse_book_end(p, symbol, at, 0, 0);
}

static void read_trade(wk_parser *p, uint32_t object, uint32_t symbol, int is_snapshot)
{
    static const char *const names[] = {"side", "seq", "time", "qty", "price"};
    uint32_t v[5];
    wk__parse_members(p, object, "trade", names, 5, v);
    int64_t at = wk__parse_epoch(p, v[2], "time", MS);
    int64_t id = wk__parse_int(p, v[1], "seq", 0, INT64_MAX);
    wk_decimal qty = wk__parse_size(p, v[3], "qty");
    wk_decimal price = wk__parse_decimal(p, v[4], "price");
    wk_side side = side_of(p, v[0]);
    wk_event *event = wk__parse_event(p, WK_EVENT_TRADE, symbol, at);
    event->trade.price = price;
    event->trade.qty = qty;
    event->trade.id = id;
    event->trade.side = (int32_t)side;
    event->trade.is_snapshot = is_snapshot != 0;
}

static void read_trades(wk_parser *p, uint32_t symbol)
{
    static const char *const names[] = {"trades"};
    uint32_t trades;
    wk__parse_members(p, 0, "message", names, 1, &trades);
    if (!wk__parse_is(p, trades, WK__JSON_ARRAY, "trades"))
        return;
    uint32_t end = wk__parse_end(p, trades);
    for (uint32_t row = wk__parse_first(trades); row < end && !p->reason;
         row = wk__parse_next(p, row))
        read_trade(p, row, symbol, 1);
}

/* Prices here come from doubles (markPrice 21979.68641534714): all but the book's and the trades'
 * are read as rates. The relative rate is a fraction an hour; the absolute one is left. */
static void read_ticker(wk_parser *p, uint32_t symbol, uint32_t product)
{
    static const char *const names[] = {"time",
                                        "bid",
                                        "bid_size",
                                        "ask",
                                        "ask_size",
                                        "last",
                                        "markPrice",
                                        "relative_funding_rate",
                                        "next_funding_rate_time",
                                        "openInterest"};
    enum { TIME, BID, BID_SIZE, ASK, ASK_SIZE, LAST, MARK, RATE, NEXT, INTEREST, N };
    uint32_t v[N];
    wk__parse_members(p, 0, "message", names, N, v);
    int64_t at = wk__parse_epoch(p, v[TIME], "time", MS);
    wk_event *event = wk__parse_event(p, WK_EVENT_TICKER, symbol, at);
    event->ticker.bid = wk__parse_decimal_or_none(p, v[BID], "bid");
    event->ticker.bid_qty = wk__parse_decimal_or_none(p, v[BID_SIZE], "bid_size");
    event->ticker.ask = wk__parse_decimal_or_none(p, v[ASK], "ask");
    event->ticker.ask_qty = wk__parse_decimal_or_none(p, v[ASK_SIZE], "ask_size");
    event->ticker.last = wk__parse_decimal_or_none(p, v[LAST], "last");
    event->ticker.mark.scale = -1;
    if (!wk__parse_is_missing(p, v[MARK]))
        event->ticker.mark = wk__parse_rate(p, v[MARK], "markPrice");
    if (!wk__parse_is_missing(p, v[RATE])) {
        event = wk__parse_event(p, WK_EVENT_FUNDING, symbol, at);
        event->value.value = wk__parse_rate(p, v[RATE], "relative_funding_rate");
        event->value.interval_ns = 3600 * WK_NS_PER_S;
        event->value.next_exchange_ns = wk__parse_epoch(p, v[NEXT], "next_funding_rate_time", MS);
    }
    if (!wk__parse_is_missing(p, v[INTEREST])) {
        event = wk__parse_event(p, WK_EVENT_OPEN_INTEREST, symbol, at);
        event->value.value = wk__parse_rate(p, v[INTEREST], "openInterest");
        event->value.is_contracts = !wk__parse_begins(p, product, "PF_");
    }
}

/* {"event":"subscribed","feed":"book","product_ids":["PI_XBTUSD"]} */
static void read_event(wk_parser *p, uint32_t kind, uint32_t feed)
{
    static const char *const names[] = {"product_ids", "message"};
    uint32_t v[2];
    if (!wk__parse_is(p, kind, WK__JSON_STRING, "event"))
        return;
    wk__parse_members(p, 0, "message", names, 2, v);
    if (wk__parse_equals(p, kind, "alert") || wk__parse_equals(p, kind, "error")) {
        wk__parse_text(p, v[1], wk__parse_event(p, WK_EVENT_REFUSED, WK_SYMBOL_NONE, 0)->text);
    } else if (wk__parse_equals(p, kind, "info")) {
        wk__parse_text(p, kind, wk__parse_event(p, WK_EVENT_STATUS, WK_SYMBOL_NONE, 0)->text);
    } else if (wk__parse_equals(p, kind, "pong")) {
        wk__parse_event(p, WK_EVENT_PONG, WK_SYMBOL_NONE, 0);
    } else if (wk__parse_equals(p, kind, "subscribed") ||
               wk__parse_equals(p, kind, "subscribed_failed")) {
        int is_refused = !wk__parse_equals(p, kind, "subscribed");
        wk_event_kind says = is_refused ? WK_EVENT_REFUSED : WK_EVENT_SUBSCRIBED;
        if (!wk__parse_is(p, feed, WK__JSON_STRING, "feed"))
            return;
        if (wk__parse_is_missing(p, v[0])) { /* a feed without products */
            wk__parse_text(p, feed, wk__parse_event(p, says, WK_SYMBOL_NONE, 0)->text);
            return;
        }
        if (!wk__parse_is(p, v[0], WK__JSON_ARRAY, "product_ids"))
            return;
        p->is_known = 1;
        uint32_t end = wk__parse_end(p, v[0]);
        for (uint32_t t = wk__parse_first(v[0]); t < end && !p->reason; t = wk__parse_next(p, t)) {
            uint32_t symbol = wk__parse_symbol_of(p, t, NULL);
            wk__parse_text(p, feed, wk__parse_event(p, says, symbol, 0)->text);
        }
    } else if (wk__parse_equals(p, kind, "unsubscribed")) {
        p->is_known = 1;
    }
}

void wk__parse_kraken_futures(wk_parser *p)
{
    static const char *const names[] = {"feed", "product_id", "event", "time"};
    static const char *const feeds[] = {"book",           "trade",       "ticker",
                                        "trade_snapshot", "ticker_lite", "book_snapshot"};
    enum { BOOK, TRADE, TICKER, TRADE_SNAPSHOT, TICKER_LITE, BOOK_SNAPSHOT, N_FEEDS };
    uint32_t v[4];
    wk__parse_members(p, 0, "message", names, 4, v);
    if (p->reason)
        return;
    if (v[2] != WK__ABSENT) {
        read_event(p, v[2], v[0]);
        return;
    }
    if (!wk__parse_is(p, v[0], WK__JSON_STRING, "feed"))
        return;
    if (wk__parse_equals(p, v[0], "heartbeat")) {
        wk__parse_event(p, WK_EVENT_HEARTBEAT, WK_SYMBOL_NONE,
                        wk__parse_epoch(p, v[3], "time", MS));
        return;
    }
    int which = 0;
    while (which < N_FEEDS && !wk__parse_equals(p, v[0], feeds[which]))
        which++;
    if (which == N_FEEDS)
        return;
    p->is_known = 1;
    uint32_t symbol = wk__parse_symbol_of(p, v[1], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    switch (which) {
    case BOOK:
        read_update(p, symbol);
        break;
    case TRADE:
        read_trade(p, 0, symbol, 0);
        break;
    case TRADE_SNAPSHOT:
        read_trades(p, symbol);
        break;
    case BOOK_SNAPSHOT:
        read_snapshot(p, symbol);
        break;
    default:
        read_ticker(p, symbol, v[1]);
    }
}
