#include "subscribe.h"

#include <inttypes.h>
#include <stdio.h>

#include "wick/clock.h"

static void add_symbols(const char *const *symbols, size_t n, wk_text *out)
{
    wk_text_add(out, "[");
    for (size_t i = 0; i < n; i++) {
        wk_text_add(out, i ? "," : "");
        wk_text_add_json_string(out, symbols[i]);
    }
    wk_text_add(out, "]");
}

static void kraken(const wk_live_venue *venue, wk_live_channel channel, bool is_unsubscribe,
                   const char *const *symbols, size_t n, int64_t timeframe_ns, uint64_t req_id,
                   wk_text *out)
{
    static const char *const names[] = {"ohlc", "trade", "book", "ticker"};
    wk_text_printf(out, "{\"method\":\"%s\",\"params\":{\"channel\":\"%s\",\"symbol\":",
                   is_unsubscribe ? "unsubscribe" : "subscribe", names[channel]);
    add_symbols(symbols, n, out);
    if (channel == WK_LIVE_CHANNEL_CANDLES)
        wk_text_printf(out, ",\"interval\":%" PRId64, timeframe_ns / (60 * WK_NS_PER_S));
    if (channel == WK_LIVE_CHANNEL_BOOK)
        wk_text_printf(out, ",\"depth\":%" PRId64, venue->book_depth);
    if (!is_unsubscribe)
        wk_text_add(out, ",\"snapshot\":true");
    wk_text_printf(out, "},\"req_id\":%" PRIu64 "}", req_id);
}

static void add_channel(const char *name, const char *const *symbols, size_t n, bool is_first,
                        wk_text *out)
{
    wk_text_printf(out, "%s{\"name\":\"%s\",\"symbols\":", is_first ? "" : ",", name);
    add_symbols(symbols, n, out);
    wk_text_add(out, "}");
}

static void delta(const wk_live_venue *venue, wk_live_channel channel, bool is_unsubscribe,
                  const char *const *symbols, size_t n, int64_t timeframe_ns, wk_text *out)
{
    bool is_legacy = venue->dialect == WK_LIVE_DELTA;
    char timeframe[16];
    wk_text_printf(out, "{\"type\":\"%s\",\"payload\":{\"channels\":[",
                   is_unsubscribe ? "unsubscribe" : "subscribe");
    switch (channel) {
    case WK_LIVE_CHANNEL_CANDLES: {
        char name[40];
        wk_timeframe_format(timeframe_ns, timeframe);
        snprintf(name, sizeof name, "candlestick_%s", timeframe);
        add_channel(name, symbols, n, true, out);
        break;
    }
    case WK_LIVE_CHANNEL_TRADES:
        add_channel(is_legacy ? "all_trades" : "trades", symbols, n, true, out);
        break;
    case WK_LIVE_CHANNEL_BOOK:
        add_channel(is_legacy ? "l2_updates" : "ob_updates", symbols, n, true, out);
        break;
    default:
        add_channel(is_legacy ? "v2/ticker" : "ticker", symbols, n, true, out);
        add_channel("funding_rate", symbols, n, false, out);
    }
    wk_text_add(out, "]}}");
}

void wk__subscribe_text(const wk_live_venue *venue, wk_live_channel channel, bool is_unsubscribe,
                        const char *const *symbols, size_t n, int64_t timeframe_ns, uint64_t req_id,
                        wk_text *out)
{
    out->n = 0;
    if (venue->dialect == WK_LIVE_KRAKEN)
        kraken(venue, channel, is_unsubscribe, symbols, n, timeframe_ns, req_id, out);
    else
        delta(venue, channel, is_unsubscribe, symbols, n, timeframe_ns, out);
}

void wk__subscribe_hello(const wk_live_venue *venue, uint64_t req_id, wk_text *out)
{
    out->n = 0;
    wk_text_add(out, "");
    if (venue->dialect != WK_LIVE_KRAKEN)
        wk_text_add(out, "{\"type\":\"enable_heartbeat\"}");
    else if (venue->book)
        wk_text_printf(out,
                       "{\"method\":\"subscribe\",\"params\":{\"channel\":\"instrument\","
                       "\"snapshot\":true},\"req_id\":%" PRIu64 "}",
                       req_id);
}

void wk__subscribe_ping(const wk_live_venue *venue, uint64_t req_id, wk_text *out)
{
    out->n = 0;
    if (venue->dialect == WK_LIVE_KRAKEN)
        wk_text_printf(out, "{\"method\":\"ping\",\"req_id\":%" PRIu64 "}", req_id);
    else
        wk_text_add(out, "{\"type\":\"ping\"}");
}
