/* Delta Exchange: what both sockets send, and the legacy channels. A session understands both
 * generations, whichever socket it is on: the venue is moving from one to the other. */
#include "parse_delta.h"

#include "wick/clock.h"

void wk__parse_delta_updates(wk_parser *p, const wk__delta_book_names *names)
{
    enum { ACTION, ASKS, BIDS, SEQUENCE, CHECKSUM, SYMBOL, TIME, MESSAGE, N };
    uint32_t v[N];
    wk__parse_members(p, 0, "message", names->names, N, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[SYMBOL], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    int64_t at = wk__parse_epoch(p, v[TIME], "time", WK__DELTA_US);
    if (wk__parse_equals(p, v[ACTION], "error")) {
        wk__parse_text(p, v[MESSAGE], wk__parse_event(p, WK_EVENT_REFUSED, symbol, at)->text);
        return;
    }
    int is_snapshot = wk__parse_equals(p, v[ACTION], "snapshot");
    if (!is_snapshot && !wk__parse_equals(p, v[ACTION], "update")) {
        wk__parse_fault(p, v[ACTION], "action", "is not snapshot, update or error");
        return;
    }
    int64_t sequence = wk__parse_int(p, v[SEQUENCE], "sequence", 0, INT64_MAX);
    int64_t checksum = wk__parse_int(p, v[CHECKSUM], "checksum", 0, UINT32_MAX);
    wk__parse_book_begin(p, symbol, at, is_snapshot, sequence, is_snapshot ? 0 : sequence - 1);
    if (!wk__parse_is_missing(p, v[ASKS]))
        wk__parse_book_rows(p, symbol, at, WK_SIDE_SELL, v[ASKS], "asks");
    if (!wk__parse_is_missing(p, v[BIDS]))
        wk__parse_book_rows(p, symbol, at, WK_SIDE_BUY, v[BIDS], "bids");
    wk__parse_book_end(p, symbol, at, 1, (uint32_t)checksum);
}

int64_t wk__parse_delta_resolution(wk_parser *p, uint32_t type)
{
    const wk__json_token *t = &p->json.tokens[type];
    const char *text = p->json.text + t->start + 12; /* behind "candlestick_" */
    size_t n = t->n - 12;
    wk_decimal count = {0, 0};
    int64_t seconds = 0;
    if (n > 1 && !wk_decimal_parse(text, n - 1, &count))
        seconds = text[n - 1] == 'm'   ? 60
                  : text[n - 1] == 'h' ? 3600
                  : text[n - 1] == 'd' ? 86400
                  : text[n - 1] == 'w' ? 604800
                                       : 0;
    if (seconds == 0 || count.scale != 0 || count.digits < 1 || count.digits > 1000) {
        wk__parse_fault(p, type, "type", "has no resolution");
        return WK_NS_PER_S;
    }
    return count.digits * seconds * WK_NS_PER_S;
}

wk_decimal wk__parse_delta_percent(wk_parser *p, uint32_t token, const char *what)
{
    wk_decimal d = wk__parse_rate(p, token, what);
    d.scale += 2;
    for (; d.scale > 36; d.scale--)
        d.digits /= 10;
    return d;
}

wk_event *wk__parse_delta_ticker(wk_parser *p, uint32_t symbol, int64_t exchange_ns)
{
    wk_event *event = wk__parse_event(p, WK_EVENT_TICKER, symbol, exchange_ns);
    event->ticker.bid.scale = event->ticker.bid_qty.scale = -1;
    event->ticker.ask.scale = event->ticker.ask_qty.scale = -1;
    event->ticker.last.scale = event->ticker.mark.scale = -1;
    return event;
}

/* {"limit_price","size","depth"}: the whole book each time. */
static void read_orderbook_side(wk_parser *p, uint32_t symbol, int64_t at, wk_side side,
                                uint32_t array)
{
    static const char *const names[] = {"limit_price", "size"};
    if (!wk__parse_is(p, array, WK__JSON_ARRAY, side == WK_SIDE_BUY ? "buy" : "sell"))
        return;
    uint32_t end = wk__parse_end(p, array);
    for (uint32_t row = wk__parse_first(array); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t v[2];
        wk__parse_members(p, row, "book level", names, 2, v);
        wk_decimal price = wk__parse_decimal(p, v[0], "limit_price");
        wk_decimal qty = wk__parse_size(p, v[1], "size");
        wk__parse_book_level(p, symbol, at, side, price, qty);
    }
}

static void read_orderbook(wk_parser *p)
{
    static const char *const names[] = {"symbol", "timestamp", "buy", "sell", "last_sequence_no"};
    uint32_t v[5];
    wk__parse_members(p, 0, "message", names, 5, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    int64_t at = wk__parse_epoch(p, v[1], "timestamp", WK__DELTA_US);
    int64_t sequence = wk__parse_is_missing(p, v[4])
                           ? 0
                           : wk__parse_int(p, v[4], "last_sequence_no", 0, INT64_MAX);
    wk__parse_book_begin(p, symbol, at, 1, sequence, 0);
    read_orderbook_side(p, symbol, at, WK_SIDE_BUY, v[2]);
    read_orderbook_side(p, symbol, at, WK_SIDE_SELL, v[3]);
    wk__parse_book_end(p, symbol, at, 0, 0);
}

/* The aggressor is the taker. */
static void read_trade(wk_parser *p, uint32_t object, uint32_t symbol, int is_snapshot)
{
    static const char *const names[] = {"price", "size", "buyer_role", "timestamp"};
    uint32_t v[4];
    wk__parse_members(p, object, "trade", names, 4, v);
    int64_t at = wk__parse_epoch(p, v[3], "timestamp", WK__DELTA_US);
    wk_decimal price = wk__parse_decimal(p, v[0], "price");
    wk_decimal qty = wk__parse_size(p, v[1], "size");
    int is_buy = wk__parse_equals(p, v[2], "taker");
    if (!is_buy && !wk__parse_equals(p, v[2], "maker"))
        wk__parse_fault(p, v[2], "buyer_role", "is not maker or taker");
    wk_event *event = wk__parse_event(p, WK_EVENT_TRADE, symbol, at);
    event->trade.price = price;
    event->trade.qty = qty;
    event->trade.side = is_buy ? WK_SIDE_BUY : WK_SIDE_SELL;
    event->trade.is_snapshot = is_snapshot != 0;
}

static void read_trades(wk_parser *p, int is_snapshot)
{
    static const char *const names[] = {"symbol", "trades"};
    uint32_t v[2];
    wk__parse_members(p, 0, "message", names, 2, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    if (!is_snapshot) {
        read_trade(p, 0, symbol, 0);
        return;
    }
    if (!wk__parse_is(p, v[1], WK__JSON_ARRAY, "trades"))
        return;
    uint32_t end = wk__parse_end(p, v[1]);
    for (uint32_t row = wk__parse_first(v[1]); row < end && !p->reason;
         row = wk__parse_next(p, row))
        read_trade(p, row, symbol, 1);
}

/* A candle in which nothing traded has nulls, and says nothing. */
static void read_candle(wk_parser *p, uint32_t type)
{
    static const char *const names[] = {
        "symbol", "candle_start_time", "open", "high", "low", "close", "volume", "timestamp"};
    uint32_t v[8];
    wk__parse_members(p, 0, "message", names, 8, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE || wk__parse_is_missing(p, v[2]))
        return;
    int64_t timeframe_ns = wk__parse_delta_resolution(p, type);
    wk_event *event = wk__parse_event(p, WK_EVENT_CANDLE, symbol,
                                      wk__parse_epoch(p, v[7], "timestamp", WK__DELTA_US));
    event->candle.open_ns = wk__parse_epoch(p, v[1], "candle_start_time", WK__DELTA_US);
    event->candle.timeframe_ns = timeframe_ns;
    event->candle.open = wk__parse_decimal(p, v[2], "open");
    event->candle.high = wk__parse_decimal(p, v[3], "high");
    event->candle.low = wk__parse_decimal(p, v[4], "low");
    event->candle.close = wk__parse_decimal(p, v[5], "close");
    event->candle.volume = wk__parse_decimal_or_none(p, v[6], "volume");
    event->candle.n_trades = -1;
}

/* The REST ticker with a type; the funding rate is in percent. */
static void read_ticker(wk_parser *p)
{
    static const char *const names[] = {"symbol", "timestamp",    "close", "mark_price",
                                        "quotes", "oi_contracts", "oi",    "funding_rate"};
    static const char *const quotes[] = {"best_bid", "bid_size", "best_ask", "ask_size"};
    uint32_t v[8], q[4];
    wk__parse_members(p, 0, "message", names, 8, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    int64_t at = wk__parse_epoch(p, v[1], "timestamp", WK__DELTA_US);
    wk_event *event = wk__parse_delta_ticker(p, symbol, at);
    event->ticker.last = wk__parse_decimal_or_none(p, v[2], "close");
    event->ticker.mark = wk__parse_decimal_or_none(p, v[3], "mark_price");
    if (!wk__parse_is_missing(p, v[4])) {
        wk__parse_members(p, v[4], "quotes", quotes, 4, q);
        event->ticker.bid = wk__parse_decimal_or_none(p, q[0], "best_bid");
        event->ticker.bid_qty = wk__parse_decimal_or_none(p, q[1], "bid_size");
        event->ticker.ask = wk__parse_decimal_or_none(p, q[2], "best_ask");
        event->ticker.ask_qty = wk__parse_decimal_or_none(p, q[3], "ask_size");
    }
    int is_contracts = !wk__parse_is_missing(p, v[5]);
    if (is_contracts || !wk__parse_is_missing(p, v[6])) {
        event = wk__parse_event(p, WK_EVENT_OPEN_INTEREST, symbol, at);
        event->value.value = wk__parse_rate(p, v[is_contracts ? 5 : 6], "open interest");
        event->value.is_contracts = is_contracts != 0;
    }
    if (!wk__parse_is_missing(p, v[7]))
        wk__parse_event(p, WK_EVENT_FUNDING, symbol, at)->value.value =
            wk__parse_delta_percent(p, v[7], "funding_rate");
}

static void read_funding(wk_parser *p)
{
    static const char *const names[] = {"symbol", "funding_rate", "next_funding_realization",
                                        "timestamp"};
    uint32_t v[4];
    wk__parse_members(p, 0, "message", names, 4, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event = wk__parse_event(p, WK_EVENT_FUNDING, symbol,
                                      wk__parse_epoch(p, v[3], "timestamp", WK__DELTA_US));
    event->value.value = wk__parse_delta_percent(p, v[1], "funding_rate");
    event->value.next_exchange_ns =
        wk__parse_epoch(p, v[2], "next_funding_realization", WK__DELTA_US);
}

static void read_best(wk_parser *p)
{
    static const char *const names[] = {"symbol",  "timestamp", "best_bid",
                                        "bid_qty", "best_ask",  "ask_qty"};
    uint32_t v[6];
    wk__parse_members(p, 0, "message", names, 6, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event =
        wk__parse_delta_ticker(p, symbol, wk__parse_epoch(p, v[1], "timestamp", WK__DELTA_US));
    event->ticker.bid = wk__parse_decimal_or_none(p, v[2], "best_bid");
    event->ticker.bid_qty = wk__parse_decimal_or_none(p, v[3], "bid_qty");
    event->ticker.ask = wk__parse_decimal_or_none(p, v[4], "best_ask");
    event->ticker.ask_qty = wk__parse_decimal_or_none(p, v[5], "ask_qty");
}

/* Mark prices come under "MARK:BTCUSD": a session that knows only BTCUSD has them too. */
static void read_price(wk_parser *p, int is_mark)
{
    static const char *const names[] = {"symbol", "timestamp", "price"};
    uint32_t v[3];
    wk__parse_members(p, 0, "message", names, 3, v);
    uint32_t symbol = wk__parse_symbol_of(p, v[0], is_mark ? "MARK:" : NULL);
    if (symbol == WK_SYMBOL_NONE)
        return;
    wk_event *event =
        wk__parse_delta_ticker(p, symbol, wk__parse_epoch(p, v[1], "timestamp", WK__DELTA_US));
    wk_decimal price = wk__parse_decimal(p, v[2], "price");
    if (is_mark)
        event->ticker.mark = price;
    else
        event->ticker.last = price;
}

/* {"channels":[{"name":N,"symbols":[...]},{"name":N,"error":E}]}: all that is active now. */
static void read_subscriptions(wk_parser *p)
{
    static const char *const lists[] = {"channels"};
    static const char *const names[] = {"name", "symbols", "error"};
    uint32_t channels;
    wk__parse_members(p, 0, "message", lists, 1, &channels);
    if (!wk__parse_is(p, channels, WK__JSON_ARRAY, "channels"))
        return;
    uint32_t end = wk__parse_end(p, channels);
    uint64_t n_unknown = p->counts.unknown_symbol;
    for (uint32_t row = wk__parse_first(channels); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t v[3];
        wk__parse_members(p, row, "channel", names, 3, v);
        if (!wk__parse_is(p, v[0], WK__JSON_STRING, "name"))
            return;
        if (!wk__parse_is_missing(p, v[2])) {
            wk__parse_text(p, v[2], wk__parse_event(p, WK_EVENT_REFUSED, WK_SYMBOL_NONE, 0)->text);
            continue;
        }
        if (wk__parse_is_missing(p, v[1])) {
            wk__parse_text(p, v[0],
                           wk__parse_event(p, WK_EVENT_SUBSCRIBED, WK_SYMBOL_NONE, 0)->text);
            continue;
        }
        if (!wk__parse_is(p, v[1], WK__JSON_ARRAY, "symbols"))
            return;
        uint32_t last = wk__parse_end(p, v[1]);
        for (uint32_t t = wk__parse_first(v[1]); t < last && !p->reason; t = wk__parse_next(p, t)) {
            uint32_t symbol = wk__parse_symbol_of(p, t, NULL);
            wk__parse_text(p, v[0], wk__parse_event(p, WK_EVENT_SUBSCRIBED, symbol, 0)->text);
        }
    }
    p->counts.unknown_symbol = n_unknown; /* "all" and names of kinds are no surprise */
}

/* Words about the venue, a market, or a request of ours. */
static int read_notice(wk_parser *p, uint32_t type)
{
    static const char *const names[] = {"status",  "event",   "success",
                                        "message", "product", "error"};
    enum { STATUS, EVENT, SUCCESS, MESSAGE, PRODUCT, ERROR, N };
    uint32_t v[N];
    if (wk__parse_equals(p, type, "heartbeat")) {
        wk__parse_event(p, WK_EVENT_HEARTBEAT, WK_SYMBOL_NONE, 0);
        return 1;
    }
    if (wk__parse_equals(p, type, "pong")) {
        wk__parse_event(p, WK_EVENT_PONG, WK_SYMBOL_NONE, 0);
        return 1;
    }
    int is_status = wk__parse_equals(p, type, "system_status");
    int is_product = wk__parse_equals(p, type, "product_updates");
    int is_reply = wk__parse_equals(p, type, "key-auth") || wk__parse_equals(p, type, "error");
    if (!is_status && !is_product && !is_reply)
        return 0;
    wk__parse_members(p, 0, "message", names, N, v);
    if (is_reply) {
        p->is_known = 1;
        uint32_t says = v[STATUS] != WK__ABSENT    ? v[STATUS]
                        : v[MESSAGE] != WK__ABSENT ? v[MESSAGE]
                                                   : v[ERROR];
        if (v[SUCCESS] == WK__ABSENT || wk__parse_kind(p, v[SUCCESS]) != WK__JSON_TRUE)
            wk__parse_text(p, says, wk__parse_event(p, WK_EVENT_REFUSED, WK_SYMBOL_NONE, 0)->text);
    } else if (is_status) {
        uint32_t says = v[STATUS] != WK__ABSENT ? v[STATUS] : v[EVENT];
        if (wk__parse_is(p, says, WK__JSON_STRING, "status"))
            wk__parse_text(p, says, wk__parse_event(p, WK_EVENT_STATUS, WK_SYMBOL_NONE, 0)->text);
    } else {
        static const char *const parts[] = {"symbol"};
        uint32_t name = WK__ABSENT;
        if (!wk__parse_is(p, v[EVENT], WK__JSON_STRING, "event"))
            return 1;
        wk__parse_members(p, v[PRODUCT], "product", parts, 1, &name);
        p->is_known = 1;
        uint32_t symbol = wk__parse_symbol_of(p, name, NULL);
        if (symbol != WK_SYMBOL_NONE)
            wk__parse_text(p, v[EVENT], wk__parse_event(p, WK_EVENT_STATUS, symbol, 0)->text);
    }
    return 1;
}

void wk__parse_delta(wk_parser *p)
{
    static const char *const names[] = {"type", "sy"};
    static const wk__delta_book_names updates = {
        {"action", "asks", "bids", "sequence_no", "cs", "symbol", "timestamp", "msg"}};
    /* A failing compact book names its market in full. */
    static const wk__delta_book_names failures = {
        {"action", "a", "b", "seq", "cs", "symbol", "ts", "msg"}};
    uint32_t v[2];
    wk__parse_members(p, 0, "message", names, 2, v);
    uint32_t type = v[0];
    if (p->reason || !wk__parse_is(p, type, WK__JSON_STRING, "type") || read_notice(p, type))
        return;
    if (v[1] != WK__ABSENT) {
        wk__parse_delta_public(p, type);
        return;
    }
    p->is_known = 1;
    if (wk__parse_equals(p, type, "l2_updates"))
        wk__parse_delta_updates(p, &updates);
    else if (wk__parse_equals(p, type, "ob_updates"))
        wk__parse_delta_updates(p, &failures);
    else if (wk__parse_equals(p, type, "l2_orderbook"))
        read_orderbook(p);
    else if (wk__parse_equals(p, type, "all_trades"))
        read_trades(p, 0);
    else if (wk__parse_equals(p, type, "all_trades_snapshot"))
        read_trades(p, 1);
    else if (wk__parse_begins(p, type, "candlestick_"))
        read_candle(p, type);
    else if (wk__parse_equals(p, type, "v2/ticker"))
        read_ticker(p);
    else if (wk__parse_equals(p, type, "funding_rate"))
        read_funding(p);
    else if (wk__parse_equals(p, type, "l1_orderbook"))
        read_best(p);
    else if (wk__parse_equals(p, type, "mark_price"))
        read_price(p, 1);
    else if (wk__parse_equals(p, type, "v2/spot_price") || wk__parse_equals(p, type, "spot_price"))
        read_price(p, 0);
    else if (wk__parse_equals(p, type, "subscriptions"))
        read_subscriptions(p);
    else
        p->is_known = 0;
}
