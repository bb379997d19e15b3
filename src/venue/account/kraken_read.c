/* Replies and private frames of Kraken spot. Pure: bytes in, structs out. */
#include <stdio.h>
#include <string.h>

#include "account_internal.h"

static int8_t side_read(const char *text)
{
    return strcmp(text, "buy") == 0 ? WK_SIDE_BUY : strcmp(text, "sell") == 0 ? WK_SIDE_SELL : 0;
}

static bool ticks_of(const wk__doc *doc, uint32_t object, const char *name, const wk__market *m,
                     int64_t *ticks)
{
    wk_decimal d;
    *ticks = 0;
    if (wk__reply_get(doc, object, name) == WK__JSON_ABSENT)
        return true;
    return wk__reply_decimal(doc, object, name, &d) && wk__market_ticks(m, d, ticks);
}

static bool lots_of(const wk__doc *doc, uint32_t object, const char *name, const wk__market *m,
                    int64_t *lots)
{
    wk_decimal d;
    return wk__reply_decimal(doc, object, name, &d) && wk__market_lots(m, d, lots);
}

static bool cash_of(const wk__doc *doc, uint32_t object, const char *name, int64_t *e8)
{
    wk_decimal d;
    return wk__reply_decimal(doc, object, name, &d) && wk__cash_e8(d, e8);
}

static uint64_t client_of(const wk__doc *doc, uint32_t object)
{
    char text[64];
    return wk__reply_text(doc, object, "cl_ord_id", text, sizeof text) ? wk__client_id_read(text)
                                                                       : 0;
}

bool wk__kraken_order(const wk__doc *doc, uint32_t object, const char *txid,
                      const wk__market *markets, size_t n, wk_venue_order *out)
{
    wk_venue_order o = {0};
    char pair[40], type[8], kind[32];
    uint32_t descr = wk__reply_get(doc, object, "descr");
    if (!wk__reply_text(doc, descr, "pair", pair, sizeof pair) ||
        !wk__reply_text(doc, descr, "type", type, sizeof type) ||
        !wk__reply_text(doc, descr, "ordertype", kind, sizeof kind))
        return false;
    size_t s = wk__market_by_name(markets, n, pair);
    if (s == n || strlen(txid) >= sizeof o.venue_id || (o.side = side_read(type)) == 0)
        return false;
    const wk__market *m = &markets[s];
    wk_decimal opened;
    o.symbol = (uint32_t)s;
    o.client_id = client_of(doc, object);
    snprintf(o.venue_id, sizeof o.venue_id, "%s", txid);
    bool is_stop = strncmp(kind, "stop-loss", 9) == 0;
    if (!wk__reply_text(doc, object, "status", o.state, sizeof o.state) ||
        !lots_of(doc, object, "vol", m, &o.qty_lots) ||
        !lots_of(doc, object, "vol_exec", m, &o.filled_lots) || o.filled_lots < 0 ||
        o.filled_lots > o.qty_lots ||
        !ticks_of(doc, descr, "price", m, is_stop ? &o.stop_ticks : &o.price_ticks) ||
        !ticks_of(doc, object, "price", m, &o.average_ticks) ||
        !cash_of(doc, object, "fee", &o.fee_e8))
        return false;
    if (o.filled_lots == 0)
        o.average_ticks = 0;
    o.is_open = strcmp(o.state, "open") == 0 || strcmp(o.state, "pending") == 0;
    if (!o.is_open && strcmp(o.state, "closed") != 0 && strcmp(o.state, "canceled") != 0 &&
        strcmp(o.state, "expired") != 0)
        return false;
    o.reduce_only = wk__reply_true(doc, object, "reduce_only");
    if (wk__reply_decimal(doc, object, "opentm", &opened))
        wk__seconds_ns(opened, &o.created_ns);
    *out = o;
    return true;
}

bool wk__kraken_fill(const wk__doc *doc, uint32_t object, const char *trade_id,
                     const wk__market *markets, size_t n, wk_venue_fill *out)
{
    wk_venue_fill f = {0};
    char pair[40], type[8];
    wk_decimal time;
    if (!wk__reply_text(doc, object, "pair", pair, sizeof pair) ||
        !wk__reply_text(doc, object, "type", type, sizeof type) ||
        !wk__reply_text(doc, object, "ordertxid", f.venue_order_id, sizeof f.venue_order_id))
        return false;
    size_t s = wk__market_by_name(markets, n, pair);
    if (s == n || strlen(trade_id) >= sizeof f.fill_id || (f.side = side_read(type)) == 0 ||
        !lots_of(doc, object, "vol", &markets[s], &f.qty_lots) || f.qty_lots <= 0 ||
        !ticks_of(doc, object, "price", &markets[s], &f.price_ticks) || f.price_ticks <= 0 ||
        !cash_of(doc, object, "fee", &f.fee_e8) || !wk__reply_decimal(doc, object, "time", &time) ||
        !wk__seconds_ns(time, &f.time_ns))
        return false;
    f.symbol = (uint32_t)s;
    f.client_id = client_of(doc, object);
    f.maker = wk__reply_true(doc, object, "maker");
    snprintf(f.fill_id, sizeof f.fill_id, "%s", trade_id);
    *out = f;
    return true;
}

/* One entry of the executions channel. Entries carry only what matters for their kind: an order is
 * told as far as it is known, with the rest 0 (the executor asks for the whole). */
static bool execution(const wk__doc *doc, uint32_t e, const wk__market *markets, size_t n,
                      const wk__frame_sink *sink, bool *is_fill)
{
    char kind[24], symbol[40], side[8] = "", time[48] = "", liquidity[4] = "";
    wk_venue_order o = {.symbol = UINT32_MAX};
    if (!wk__reply_text(doc, e, "exec_type", kind, sizeof kind) ||
        !wk__reply_text(doc, e, "order_id", o.venue_id, sizeof o.venue_id))
        return false;
    wk__reply_text(doc, e, "order_status", o.state, sizeof o.state);
    o.client_id = client_of(doc, e);
    o.is_open = strcmp(o.state, "filled") != 0 && strcmp(o.state, "canceled") != 0 &&
                strcmp(o.state, "expired") != 0;
    wk__reply_text(doc, e, "side", side, sizeof side);
    o.side = side_read(side);
    if (wk__reply_text(doc, e, "timestamp", time, sizeof time))
        wk__iso_ns(time, &o.updated_ns);
    if (wk__reply_text(doc, e, "symbol", symbol, sizeof symbol)) {
        size_t s = wk__market_by_name(markets, n, symbol);
        if (s == n)
            return true; /* a market of somebody else's hands */
        o.symbol = (uint32_t)s;
        lots_of(doc, e, "order_qty", &markets[s], &o.qty_lots);
        lots_of(doc, e, "cum_qty", &markets[s], &o.filled_lots);
        ticks_of(doc, e, "limit_price", &markets[s], &o.price_ticks);
        ticks_of(doc, e, "avg_price", &markets[s], &o.average_ticks);
        wk_venue_fill f = {.symbol = o.symbol, .client_id = o.client_id, .side = o.side};
        f.fee_e8 = WK_FEE_NOT_TOLD;
        if (strcmp(kind, "trade") == 0 &&
            wk__reply_text(doc, e, "exec_id", f.fill_id, sizeof f.fill_id) &&
            lots_of(doc, e, "last_qty", &markets[s], &f.qty_lots) &&
            ticks_of(doc, e, "last_price", &markets[s], &f.price_ticks) && f.side != 0 &&
            f.qty_lots > 0 && f.price_ticks > 0) {
            memcpy(f.venue_order_id, o.venue_id, sizeof f.venue_order_id);
            f.time_ns = o.updated_ns;
            f.maker = wk__reply_text(doc, e, "liquidity_ind", liquidity, sizeof liquidity) &&
                      liquidity[0] == 'm';
            sink->fill(sink->ctx, &f);
            *is_fill = true;
        }
    }
    sink->order(sink->ctx, &o);
    return true;
}

static wk__frame_kind read_frame(const wk__doc *doc, const wk__market *markets, size_t n,
                                 int64_t *sequence, const wk__frame_sink *sink, char why[WK__WHY])
{
    char word[32];
    if (wk__reply_text(doc, 0, "method", word, sizeof word)) {
        if (wk__reply_get(doc, 0, "success") == WK__JSON_ABSENT ||
            wk__reply_true(doc, 0, "success"))
            return strcmp(word, "subscribe") == 0 ? WK__FRAME_LOGGED_IN : WK__FRAME_HEARTBEAT;
        if (!wk__reply_text(doc, 0, "error", why, WK__WHY))
            snprintf(why, WK__WHY, "the subscription was refused");
        return WK__FRAME_REFUSED;
    }
    if (!wk__reply_text(doc, 0, "channel", word, sizeof word))
        return WK__FRAME_OTHER;
    if (strcmp(word, "heartbeat") == 0 || strcmp(word, "status") == 0)
        return WK__FRAME_HEARTBEAT;
    if (strcmp(word, "executions") != 0)
        return WK__FRAME_OTHER;
    int64_t number;
    if (!wk__reply_int(doc, 0, "sequence", &number) || number < 1 ||
        (*sequence > 0 && number - 1 != *sequence)) {
        snprintf(why, WK__WHY, "a gap in the executions");
        return WK__FRAME_BROKEN;
    }
    *sequence = number;
    bool is_fill = false;
    uint32_t data = wk__reply_get(doc, 0, "data");
    for (uint32_t e = wk__reply_first(doc, data); e != WK__JSON_ABSENT;
         e = wk__reply_after(doc, data, e))
        if (!execution(doc, e, markets, n, sink, &is_fill))
            return WK__FRAME_BROKEN;
    return is_fill ? WK__FRAME_FILLS : WK__FRAME_ORDERS;
}

wk__frame_kind wk__kraken_frame(const char *text, size_t n, const wk__market *markets,
                                size_t n_markets, int64_t *sequence, const wk__frame_sink *sink,
                                char why[WK__WHY])
{
    wk__doc doc;
    why[0] = '\0';
    if (!wk__reply_open(text, n, &doc))
        return WK__FRAME_BROKEN;
    wk__frame_kind kind = read_frame(&doc, markets, n_markets, sequence, sink, why);
    wk__reply_close(&doc);
    return kind;
}
