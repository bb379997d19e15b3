/* Replies and private frames of Delta. Pure: bytes in, structs out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account_internal.h"

static bool side_of(const wk__doc *doc, uint32_t object, const char *name, int8_t *side)
{
    char text[8];
    if (!wk__reply_text(doc, object, name, text, sizeof text))
        return false;
    *side = strcmp(text, "buy") == 0 ? WK_SIDE_BUY : strcmp(text, "sell") == 0 ? WK_SIDE_SELL : 0;
    return *side != 0;
}

/* A price that may be absent or null: 0 then. False when it stands there and is none. */
static bool ticks_of(const wk__doc *doc, uint32_t object, const char *name, const wk__market *m,
                     int64_t *ticks)
{
    wk_decimal d;
    *ticks = 0;
    if (wk__reply_get(doc, object, name) == WK__JSON_ABSENT)
        return true;
    char text[4];
    if (wk__reply_text(doc, object, name, text, sizeof text) && text[0] == '\0')
        return true;
    return wk__reply_decimal(doc, object, name, &d) && wk__market_ticks(m, d, ticks);
}

static bool lots_of(const wk__doc *doc, uint32_t object, const char *name, const wk__market *m,
                    int64_t *lots)
{
    wk_decimal d;
    return wk__reply_decimal(doc, object, name, &d) && wk__market_lots(m, d, lots);
}

/* Microseconds, bare or as text, or an ISO date. */
static int64_t time_of(const wk__doc *doc, uint32_t object, const char *name)
{
    int64_t v;
    char text[48];
    if (wk__reply_int(doc, object, name, &v) && v > 0 && v < INT64_MAX / 1000)
        return v * 1000;
    if (wk__reply_text(doc, object, name, text, sizeof text) && wk__iso_ns(text, &v))
        return v;
    return 0;
}

static size_t market_of(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n)
{
    int64_t product = 0;
    char symbol[48] = "";
    wk__reply_int(doc, object, "product_id", &product);
    if (!wk__reply_text(doc, object, "product_symbol", symbol, sizeof symbol) &&
        !wk__reply_text(doc, object, "symbol", symbol, sizeof symbol))
        wk__reply_text(doc, object, "sy", symbol, sizeof symbol);
    return wk__market_by_product(markets, n, product, symbol);
}

static uint64_t client_of(const wk__doc *doc, uint32_t object, const char *name)
{
    char text[40];
    return wk__reply_text(doc, object, name, text, sizeof text) ? wk__client_id_read(text) : 0;
}

bool wk__delta_order(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n,
                     wk_venue_order *out)
{
    wk_venue_order o = {0};
    size_t s = market_of(doc, object, markets, n);
    if (s == n)
        return false;
    const wk__market *m = &markets[s];
    int64_t unfilled;
    o.symbol = (uint32_t)s;
    o.client_id = client_of(doc, object, "client_order_id");
    if (!wk__reply_text(doc, object, "id", o.venue_id, sizeof o.venue_id) &&
        !wk__reply_text(doc, object, "order_id", o.venue_id, sizeof o.venue_id))
        return false;
    if (!side_of(doc, object, "side", &o.side) || !lots_of(doc, object, "size", m, &o.qty_lots) ||
        !lots_of(doc, object, "unfilled_size", m, &unfilled) || unfilled < 0 ||
        unfilled > o.qty_lots || !wk__reply_text(doc, object, "state", o.state, sizeof o.state) ||
        !ticks_of(doc, object, "limit_price", m, &o.price_ticks) ||
        !ticks_of(doc, object, "average_fill_price", m, &o.average_ticks) ||
        !ticks_of(doc, object, "bracket_stop_loss_price", m, &o.stop_ticks) ||
        !ticks_of(doc, object, "bracket_take_profit_price", m, &o.profit_ticks))
        return false;
    o.filled_lots = o.qty_lots - unfilled;
    o.is_open = strcmp(o.state, "open") == 0 || strcmp(o.state, "pending") == 0;
    if (!o.is_open && strcmp(o.state, "closed") != 0 && strcmp(o.state, "cancelled") != 0)
        return false;
    o.reduce_only = wk__reply_true(doc, object, "reduce_only");
    wk_decimal fee;
    if (wk__reply_decimal(doc, object, "paid_commission", &fee) && !wk__cash_e8(fee, &o.fee_e8))
        return false;
    o.created_ns = time_of(doc, object, "created_at");
    o.updated_ns = time_of(doc, object, "timestamp");
    *out = o;
    return true;
}

bool wk__delta_fill(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n,
                    wk_venue_fill *out)
{
    wk_venue_fill f = {0};
    size_t s = market_of(doc, object, markets, n);
    char role[8] = "";
    wk_decimal fee;
    if (s == n || !wk__reply_text(doc, object, "id", f.fill_id, sizeof f.fill_id) ||
        !wk__reply_text(doc, object, "order_id", f.venue_order_id, sizeof f.venue_order_id) ||
        !side_of(doc, object, "side", &f.side) ||
        !lots_of(doc, object, "size", &markets[s], &f.qty_lots) || f.qty_lots <= 0 ||
        !ticks_of(doc, object, "price", &markets[s], &f.price_ticks) || f.price_ticks <= 0 ||
        !wk__reply_decimal(doc, object, "commission", &fee) || !wk__cash_e8(fee, &f.fee_e8))
        return false;
    f.symbol = (uint32_t)s;
    f.client_id = client_of(doc, object, "client_order_id");
    f.maker = wk__reply_text(doc, object, "role", role, sizeof role) && strcmp(role, "maker") == 0;
    f.time_ns = time_of(doc, object, "created_at");
    *out = f;
    return true;
}

/* Some environments give their transactions no id: product and time are one as well. */
bool wk__delta_funding(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n,
                       wk_venue_funding *out, bool *is_funding)
{
    wk_venue_funding f = {0};
    char type[40] = "", asset[24] = "";
    int64_t product = 0;
    wk_decimal amount;
    *is_funding = false;
    if (!wk__reply_text(doc, object, "transaction_type", type, sizeof type))
        return false;
    if (strcmp(type, "funding") != 0)
        return true;
    f.time_ns = time_of(doc, object, "created_at");
    if (!wk__reply_int(doc, object, "product_id", &product) || product <= 0 || f.time_ns <= 0 ||
        !wk__reply_decimal(doc, object, "amount", &amount) || !wk__cash_e8(amount, &f.amount_e8))
        return false;
    size_t s = wk__market_by_product(markets, n, product, "");
    if (s == n || f.amount_e8 == 0 ||
        (wk__reply_text(doc, object, "asset_symbol", asset, sizeof asset) &&
         strcmp(asset, markets[s].instrument->settle) != 0))
        return true;
    f.symbol = (uint32_t)s;
    snprintf(f.id, sizeof f.id, "funding-%" PRId64 "-%" PRId64, product, f.time_ns / 1000);
    *out = f;
    *is_funding = true;
    return true;
}

bool wk__delta_position(const wk__doc *doc, uint32_t object, const wk__market *m,
                        wk_venue_position *out)
{
    wk_venue_position p = {0};
    wk_decimal margin;
    if (!lots_of(doc, object, "size", m, &p.qty_lots) ||
        !ticks_of(doc, object, "entry_price", m, &p.entry_ticks) ||
        !ticks_of(doc, object, "liquidation_price", m, &p.liquidation_ticks))
        return false;
    if (wk__reply_decimal(doc, object, "margin", &margin) && !wk__cash_e8(margin, &p.margin_e8))
        return false;
    *out = p;
    return true;
}

static bool fast_fill(const wk__doc *doc, const wk__market *markets, size_t n, wk_venue_fill *f)
{
    size_t s = market_of(doc, 0, markets, n);
    char role[8] = "";
    *f = (wk_venue_fill){.fee_e8 = WK_FEE_NOT_TOLD};
    if (s == n || !wk__reply_text(doc, 0, "f", f->fill_id, sizeof f->fill_id) ||
        !wk__reply_text(doc, 0, "o", f->venue_order_id, sizeof f->venue_order_id) ||
        !side_of(doc, 0, "S", &f->side) || !lots_of(doc, 0, "s", &markets[s], &f->qty_lots) ||
        f->qty_lots <= 0 || !ticks_of(doc, 0, "p", &markets[s], &f->price_ticks) ||
        f->price_ticks <= 0)
        return false;
    f->symbol = (uint32_t)s;
    f->client_id = client_of(doc, 0, "c");
    f->maker = wk__reply_text(doc, 0, "r", role, sizeof role) && strcmp(role, "maker") == 0;
    f->time_ns = time_of(doc, 0, "t");
    return true;
}

static wk__frame_kind read_frame(const wk__doc *doc, const wk__market *markets, size_t n,
                                 const wk__frame_sink *sink, char why[WK__WHY])
{
    char type[32];
    if (!wk__reply_text(doc, 0, "type", type, sizeof type))
        return WK__FRAME_OTHER;
    if (strcmp(type, "heartbeat") == 0 || strcmp(type, "pong") == 0)
        return WK__FRAME_HEARTBEAT;
    if (strcmp(type, "key-auth") == 0) {
        if (wk__reply_true(doc, 0, "success"))
            return WK__FRAME_LOGGED_IN;
        if (!wk__reply_text(doc, 0, "status", why, WK__WHY))
            snprintf(why, WK__WHY, "the login was refused");
        return WK__FRAME_REFUSED;
    }
    if (strcmp(type, "subscriptions") == 0) {
        uint32_t channels = wk__reply_get(doc, 0, "channels");
        for (uint32_t c = wk__reply_first(doc, channels); c != WK__JSON_ABSENT;
             c = wk__reply_after(doc, channels, c))
            if (wk__reply_text(doc, c, "error", why, WK__WHY))
                return WK__FRAME_REFUSED;
        return WK__FRAME_OTHER;
    }
    if (strcmp(type, "v2/user_trades") == 0) {
        wk_venue_fill f;
        if (!fast_fill(doc, markets, n, &f))
            return WK__FRAME_BROKEN;
        sink->fill(sink->ctx, &f);
        return WK__FRAME_FILLS;
    }
    if (strcmp(type, "orders") == 0) {
        uint32_t list = wk__reply_get(doc, 0, "result");
        wk_venue_order o;
        if (list == WK__JSON_ABSENT) {
            if (!wk__delta_order(doc, 0, markets, n, &o))
                return WK__FRAME_BROKEN;
            sink->order(sink->ctx, &o);
            return WK__FRAME_ORDERS;
        }
        for (uint32_t i = wk__reply_first(doc, list); i != WK__JSON_ABSENT;
             i = wk__reply_after(doc, list, i)) {
            if (!wk__delta_order(doc, i, markets, n, &o))
                return WK__FRAME_BROKEN;
            sink->order(sink->ctx, &o);
        }
        return WK__FRAME_ORDERS;
    }
    return WK__FRAME_OTHER;
}

wk__frame_kind wk__delta_frame(const char *text, size_t n, const wk__market *markets,
                               size_t n_markets, const wk__frame_sink *sink, char why[WK__WHY])
{
    wk__doc doc;
    why[0] = '\0';
    if (!wk__reply_open(text, n, &doc))
        return WK__FRAME_BROKEN;
    wk__frame_kind kind = read_frame(&doc, markets, n_markets, sink, why);
    wk__reply_close(&doc);
    return kind;
}
