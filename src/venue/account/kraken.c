/* An account at Kraken spot: the calls of wk_account over REST. Fees are asked for in the quote
 * currency, so that a position is what was bought. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "wick/clock.h"

enum { PAGE = 50, PAGES_MAX = 40 };
#define DEADLINE_NS (5 * WK_NS_PER_S)

static int64_t validity_ns(void *self)
{
    (void)self;
    return DEADLINE_NS;
}

static wk_request_result odd(char *why, const char *what)
{
    snprintf(why, WK__WHY, "the venue's answer about %s cannot be read", what);
    return WK_REQUEST_UNKNOWN;
}

static wk_request_result call(wk__account *a, const char *path, const char *fields, wk__exchange *e,
                              char *why)
{
    return wk__kraken_send(a, a->http, path, fields, e, why);
}

static void remember(wk__account *a, uint64_t client_id, const char *venue_id)
{
    wk__known *k = &a->known[a->n_known++ % WK__KNOWN];
    k->client_id = client_id;
    snprintf(k->venue_id, sizeof k->venue_id, "%s", venue_id);
}

static const char *txid_of(const wk__account *a, uint64_t client_id)
{
    for (size_t i = 0; i < WK__KNOWN; i++)
        if (a->known[i].client_id == client_id && a->known[i].venue_id[0])
            return a->known[i].venue_id;
    return NULL;
}

static uint64_t client_of(const wk__account *a, const char *venue_id)
{
    for (size_t i = 0; i < WK__KNOWN; i++)
        if (a->known[i].venue_id[0] && strcmp(a->known[i].venue_id, venue_id) == 0)
            return a->known[i].client_id;
    return 0;
}

/* Sends AddOrder; *txid [64] is "" when the order was only checked. */
static wk_request_result add_order(wk__account *a, wk_text *body, char *txid, int64_t *wait_ns,
                                   char *why)
{
    wk__exchange e;
    wk_request_result result = call(a, "/0/private/AddOrder", body->s, &e, why);
    free(body->s);
    *wait_ns = e.wait_ns;
    txid[0] = '\0';
    if (result == WK_REQUEST_DONE && !a->validate) {
        uint32_t list = wk__reply_get(&e.doc, e.result, "txid");
        uint32_t first = wk__reply_first(&e.doc, list);
        if (!wk__reply_token_text(&e.doc, first, txid, 64))
            result = odd(why, "the order");
    }
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    wk__account *a = self;
    wk_text body = {0};
    wk_venue_order o = {.client_id = order->id,
                        .symbol = order->symbol,
                        .side = order->side,
                        .is_open = 1,
                        .reduce_only = order->reduce_only,
                        .price_ticks = order->price_ticks,
                        .state = "pending"};
    if (!wk__kraken_place(&a->markets[order->symbol], order, wk__account_now(a) + DEADLINE_NS,
                          a->validate, &body, &o.qty_lots, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = add_order(a, &body, o.venue_id, wait_ns, why);
    if (result != WK_REQUEST_DONE)
        return result;
    if (a->validate) {
        snprintf(why, WK__WHY, "checked by the venue and not placed (validate)");
        return WK_REQUEST_REFUSED;
    }
    remember(a, order->id, o.venue_id);
    *out = o;
    return WK_REQUEST_DONE;
}

static wk_request_result cancel_id(wk__account *a, uint64_t client_id, int64_t *wait_ns, char *why)
{
    wk__exchange e;
    char fields[64], id[WK__CLIENT_ID];
    wk__client_id_text(client_id, id);
    snprintf(fields, sizeof fields, "&cl_ord_id=%s", id);
    wk_request_result result = call(a, "/0/private/CancelOrder", fields, &e, why);
    *wait_ns = e.wait_ns;
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    (void)symbol;
    return cancel_id(self, client_id, wait_ns, why);
}

/* Walks a map of orders by txid. With `wanted` only that one: *n is 1 when it was found. Orders of
 * other markets are passed over. */
static bool take_orders(wk__account *a, const wk__doc *doc, uint32_t map, uint64_t wanted,
                        wk_venue_order *out, size_t room, size_t *n, size_t *n_seen)
{
    for (uint32_t key = wk__reply_first(doc, map); key != WK__JSON_ABSENT;) {
        uint32_t value = wk__reply_after(doc, map, key);
        char txid[64], id[64] = "", pair[40] = "";
        wk_venue_order o;
        wk__reply_token_text(doc, key, txid, sizeof txid);
        wk__reply_text(doc, value, "cl_ord_id", id, sizeof id);
        wk__reply_text(doc, wk__reply_get(doc, value, "descr"), "pair", pair, sizeof pair);
        ++*n_seen;
        key = wk__reply_after(doc, map, value);
        if ((wanted != 0 && wk__client_id_read(id) != wanted && client_of(a, txid) != wanted) ||
            wk__market_by_name(a->markets, a->n_markets, pair) == a->n_markets)
            continue;
        if (!wk__kraken_order(doc, value, txid, a->markets, a->n_markets, &o) || *n == room)
            return false;
        if (o.client_id == 0)
            o.client_id = client_of(a, txid);
        else if (client_of(a, txid) == 0)
            remember(a, o.client_id, txid);
        out[(*n)++] = o;
    }
    return true;
}

static wk_request_result in_list(wk__account *a, const char *path, const char *fields,
                                 const char *name, uint64_t wanted, wk_venue_order *out,
                                 size_t room, size_t *n, size_t *n_seen, int64_t *wait_ns,
                                 char *why)
{
    wk__exchange e;
    wk_request_result result = call(a, path, fields, &e, why);
    *wait_ns = e.wait_ns;
    if (result == WK_REQUEST_DONE) {
        uint32_t map = name ? wk__reply_get(&e.doc, e.result, name) : e.result;
        if (!wk__reply_kind(&e.doc, map, WK__JSON_OBJECT) ||
            !take_orders(a, &e.doc, map, wanted, out, room, n, n_seen))
            result = odd(why, "orders");
    }
    wk__exchange_finish(&e);
    /* A refused question says nothing about the order. */
    return result == WK_REQUEST_REFUSED ? WK_REQUEST_UNKNOWN : result;
}

/* By its transaction id, or else among the open and then the closed orders: an order that closes
 * between the two reads is seen by the second. */
static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    wk__account *a = self;
    const char *txid = txid_of(a, client_id);
    char fields[128], id[WK__CLIENT_ID];
    size_t n = 0, seen = 0;
    (void)symbol;
    if (txid) {
        snprintf(fields, sizeof fields, "&txid=%s", txid);
        wk_request_result result = in_list(a, "/0/private/QueryOrders", fields, NULL, client_id,
                                           out, 1, &n, &seen, wait_ns, why);
        return result == WK_REQUEST_DONE && n == 0 ? odd(why, "the order") : result;
    }
    wk__client_id_text(client_id, id);
    snprintf(fields, sizeof fields, "&cl_ord_id=%s", id);
    wk_request_result result = in_list(a, "/0/private/OpenOrders", fields, "open", client_id, out,
                                       1, &n, &seen, wait_ns, why);
    if (result != WK_REQUEST_DONE || n > 0)
        return result;
    int64_t start = wk__account_now(a) / WK_NS_PER_S - 86400;
    for (int page = 0; page < PAGES_MAX; page++) {
        snprintf(fields, sizeof fields, "&start=%" PRId64 "&ofs=%d", start, page * PAGE);
        seen = 0;
        result = in_list(a, "/0/private/ClosedOrders", fields, "closed", client_id, out, 1, &n,
                         &seen, wait_ns, why);
        if (result != WK_REQUEST_DONE || n > 0)
            return result;
        if (seen < PAGE) {
            snprintf(why, WK__WHY, "the venue has no such order");
            return WK_REQUEST_REFUSED;
        }
    }
    return odd(why, "closed orders: too many");
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    size_t seen = 0;
    int64_t wait;
    *n = 0;
    return in_list(self, "/0/private/OpenOrders", "", "open", 0, out, room, n, &seen, &wait, why);
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    wk__account *a = self;
    *n = 0;
    for (size_t seen = 0, offset = 0;; offset += seen) {
        char fields[96];
        wk__exchange e;
        /* `start` is exclusive, in seconds */
        snprintf(fields, sizeof fields, "&start=%" PRId64 "&ofs=%zu", since_ns / WK_NS_PER_S - 1,
                 offset);
        wk_request_result result = call(a, "/0/private/TradesHistory", fields, &e, why);
        int64_t count = 0;
        seen = 0;
        if (result == WK_REQUEST_DONE) {
            uint32_t map = wk__reply_get(&e.doc, e.result, "trades");
            wk__reply_int(&e.doc, e.result, "count", &count);
            if (!wk__reply_kind(&e.doc, map, WK__JSON_OBJECT))
                result = odd(why, "fills");
            for (uint32_t key = wk__reply_first(&e.doc, map);
                 result == WK_REQUEST_DONE && key != WK__JSON_ABSENT && *n < room;) {
                uint32_t value = wk__reply_after(&e.doc, map, key);
                char id[64] = "", pair[40] = "";
                wk__reply_token_text(&e.doc, key, id, sizeof id);
                wk__reply_text(&e.doc, value, "pair", pair, sizeof pair);
                key = wk__reply_after(&e.doc, map, value);
                seen++;
                if (wk__market_by_name(a->markets, a->n_markets, pair) == a->n_markets)
                    continue;
                wk_venue_fill f;
                if (!wk__kraken_fill(&e.doc, value, id, a->markets, a->n_markets, &f)) {
                    result = odd(why, "a fill");
                    break;
                }
                if (f.client_id == 0)
                    f.client_id = client_of(a, f.venue_order_id);
                out[(*n)++] = f;
            }
        }
        wk__exchange_finish(&e);
        if (result != WK_REQUEST_DONE || seen == 0 || *n == room ||
            (int64_t)(offset + seen) >= count)
            return result;
    }
}

/* XBT and XXBT are one asset, ZUSD and USD another. */
static bool same_asset(const char *told, const char *base)
{
    if (strcmp(base, "BTC") == 0)
        base = "XBT";
    if (strcmp(base, "DOGE") == 0)
        base = "XDG";
    if (strcmp(told, base) == 0)
        return true;
    return (told[0] == 'X' || told[0] == 'Z') && strlen(told) == 4 && strcmp(told + 1, base) == 0;
}

/* What a reply of Balance says of one asset; false: it cannot be read. */
static bool held_of(const wk__exchange *e, const char *asset, wk_decimal *held)
{
    *held = (wk_decimal){0, 0};
    for (uint32_t key = wk__reply_first(&e->doc, e->result); key != WK__JSON_ABSENT;) {
        uint32_t value = wk__reply_after(&e->doc, e->result, key);
        char name[24] = "", number[48];
        if (wk__reply_token_text(&e->doc, key, name, sizeof name) && same_asset(name, asset) &&
            (!wk__reply_token_text(&e->doc, value, number, sizeof number) ||
             wk_decimal_parse(number, strlen(number), held) != NULL))
            return false;
        key = wk__reply_after(&e->doc, e->result, value);
    }
    return true;
}

static wk_request_result ask_balance(wk__account *a, wk__exchange *e, char *why)
{
    wk_request_result result = call(a, "/0/private/Balance", "", e, why);
    if (result == WK_REQUEST_DONE && !wk__reply_kind(&e->doc, e->result, WK__JSON_OBJECT))
        result = odd(why, "the balance");
    return result;
}

static bool is_margin(const wk__account *a, uint32_t s)
{
    return a->markets[s].leverage >= 2;
}

/* Spot has no positions: what is held of the base is one, whoever bought it. All markets from one
 * reply: they are of one moment. */
static wk_request_result holdings(wk__account *a, int64_t *lots, char *why)
{
    wk__exchange e;
    wk_request_result result = ask_balance(a, &e, why);
    for (uint32_t s = 0; result == WK_REQUEST_DONE && s < a->n_markets; s++) {
        wk_decimal held;
        if (is_margin(a, s))
            continue;
        if (!held_of(&e, a->markets[s].instrument->base, &held)) {
            result = odd(why, "the balance");
            break;
        }
        /* Dust below the size step is nobody's position. */
        int places = a->markets[s].instrument->lot.scale;
        while (held.scale > places) {
            held.digits /= 10;
            held.scale--;
        }
        if (!wk__market_lots(&a->markets[s], held, &lots[s]))
            result = odd(why, "the balance");
    }
    wk__exchange_finish(&e);
    return result;
}

/* Of a market with margin they stand in a list of their own, one entry an opening order. */
static wk_request_result margin_positions(wk__account *a, int64_t *lots, char *why)
{
    wk__exchange e;
    wk_request_result result = call(a, "/0/private/OpenPositions", "", &e, why);
    if (result == WK_REQUEST_DONE && !wk__reply_kind(&e.doc, e.result, WK__JSON_OBJECT))
        result = odd(why, "the positions");
    for (uint32_t key = result == WK_REQUEST_DONE ? wk__reply_first(&e.doc, e.result)
                                                  : WK__JSON_ABSENT;
         key != WK__JSON_ABSENT;) {
        uint32_t value = wk__reply_after(&e.doc, e.result, key);
        char pair[40] = "", type[8] = "";
        wk_decimal volume, closed;
        int64_t all, gone;
        key = wk__reply_after(&e.doc, e.result, value);
        wk__reply_text(&e.doc, value, "pair", pair, sizeof pair);
        size_t s = wk__market_by_name(a->markets, a->n_markets, pair);
        if (s == a->n_markets || !is_margin(a, (uint32_t)s))
            continue;
        if (!wk__reply_text(&e.doc, value, "type", type, sizeof type) ||
            (strcmp(type, "buy") != 0 && strcmp(type, "sell") != 0) ||
            !wk__reply_decimal(&e.doc, value, "vol", &volume) ||
            !wk__reply_decimal(&e.doc, value, "vol_closed", &closed) ||
            !wk__market_lots(&a->markets[s], volume, &all) ||
            !wk__market_lots(&a->markets[s], closed, &gone)) {
            result = odd(why, "a position");
            break;
        }
        lots[s] += strcmp(type, "buy") == 0 ? all - gone : gone - all;
    }
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    wk__account *a = self;
    bool spot = false, margin = false;
    *n = 0;
    for (uint32_t s = 0; s < a->n_markets; s++)
        *(is_margin(a, s) ? &margin : &spot) = true;
    int64_t *lots = calloc(a->n_markets + 1, sizeof *lots);
    if (!lots)
        return odd(why, "memory");
    wk_request_result result = spot ? holdings(a, lots, why) : WK_REQUEST_DONE;
    if (result == WK_REQUEST_DONE && margin)
        result = margin_positions(a, lots, why);
    for (uint32_t s = 0; result == WK_REQUEST_DONE && s < a->n_markets && *n < room; s++)
        if (lots[s] != 0)
            out[(*n)++] = (wk_venue_position){.symbol = s, .qty_lots = lots[s]};
    free(lots);
    return result;
}

static wk_request_result balance(void *self, int64_t *cash_e8, int64_t *equity_e8, char *why)
{
    wk__account *a = self;
    wk__exchange e;
    wk_decimal cash, equity;
    wk_request_result result = ask_balance(a, &e, why);
    if (result == WK_REQUEST_DONE &&
        (!held_of(&e, a->markets[0].instrument->quote, &cash) || !wk__cash_e8(cash, cash_e8)))
        result = odd(why, "the balance");
    wk__exchange_finish(&e);
    if (result != WK_REQUEST_DONE)
        return result;
    *equity_e8 = *cash_e8;
    char fields[48];
    snprintf(fields, sizeof fields, "&asset=Z%s", a->markets[0].instrument->quote);
    result = call(a, "/0/private/TradeBalance", fields, &e, why);
    if (result == WK_REQUEST_DONE && wk__reply_decimal(&e.doc, e.result, "eb", &equity))
        wk__cash_e8(equity, equity_e8);
    wk__exchange_finish(&e);
    return WK_REQUEST_DONE;
}

static wk_request_result leverage(void *self, uint32_t symbol, double times, char *why)
{
    const wk__account *a = self;
    int set = a->markets[symbol].leverage;
    if (times == (double)(set > 1 ? set : 1))
        return WK_REQUEST_DONE; /* a field of each order */
    snprintf(why, WK__WHY, "leverage is a field of each order here; it is configured as %d", set);
    return WK_REQUEST_REFUSED;
}

/* The stops of ours that rest in a market. */
typedef struct {
    wk_venue_order own; /* under the wanted id; client_id 0: none */
    uint64_t other;     /* one under another id (of the last run, or the one before), 0: none */
} resting;

static wk_request_result find_stops(wk__account *a, uint32_t symbol, uint64_t wanted_id,
                                    resting *out, char *why)
{
    enum { ROOM = 256 };
    wk_venue_order *open = calloc(ROOM, sizeof *open);
    size_t n = 0;
    if (!open)
        return odd(why, "memory");
    wk_request_result result = open_orders(a, open, ROOM, &n, why);
    *out = (resting){0};
    for (size_t i = 0; i < n; i++) {
        const wk_venue_order *o = &open[i];
        if (o->symbol != symbol || o->stop_ticks <= 0 || o->client_id == 0)
            continue;
        if (o->client_id == wanted_id)
            out->own = *o;
        else
            out->other = o->client_id;
    }
    free(open);
    return result;
}

/* Size and trigger of one that rests are changed in place: it never goes away for it. */
static wk_request_result amend_stop(wk__account *a, const wk_venue_order *wanted, int64_t *wait_ns,
                                    char *why)
{
    wk__exchange e;
    wk_text body = {0};
    if (!wk__kraken_amend_stop(&a->markets[wanted->symbol], wanted->qty_lots, wanted->side,
                               wanted->stop_ticks, wanted->client_id,
                               wk__account_now(a) + DEADLINE_NS, &body, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = call(a, "/0/private/AmendOrder", body.s, &e, why);
    free(body.s);
    *wait_ns = e.wait_ns;
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result place_stop(wk__account *a, const wk_venue_order *wanted, int64_t *wait_ns,
                                    char *why)
{
    wk_text body = {0};
    char txid[64];
    if (!wk__kraken_stop(&a->markets[wanted->symbol], -wanted->side * wanted->qty_lots,
                         wanted->stop_ticks, wanted->client_id, wk__account_now(a) + DEADLINE_NS,
                         a->validate, &body, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = add_order(a, &body, txid, wait_ns, why);
    if (result == WK_REQUEST_DONE)
        remember(a, wanted->client_id, txid);
    /* The doubt must lapse before another is sent. */
    if (result == WK_REQUEST_UNKNOWN)
        *wait_ns = DEADLINE_NS + WK_NS_PER_S;
    return result;
}

/* Whatever is in doubt, the stop itself was certainly not sent: its id may be used again. */
static wk_request_result not_placed(wk_request_result result)
{
    return result == WK_REQUEST_UNKNOWN ? WK_REQUEST_LATER : result;
}

/* What rests under the wanted id is kept, changed in place, or, where the venue will not,
 * cancelled; what rests under another is cancelled. Then, when none rests, a new one is placed.
 * Asked again with the same id after a doubt, it first sees whether that one is there. */
static wk_request_result protect_lots(void *self, uint32_t symbol, int64_t lots, int64_t stop_ticks,
                                      uint64_t client_id, bool is_new, int64_t *wait_ns, char *why)
{
    wk__account *a = self;
    wk_venue_order wanted = {.client_id = client_id,
                             .symbol = symbol,
                             .side = lots > 0 ? -1 : 1,
                             .stop_ticks = stop_ticks};
    char size[40];
    if (lots != 0 &&
        !wk__market_size(&a->markets[symbol], llabs(lots), size, &wanted.qty_lots, why))
        return WK_REQUEST_REFUSED;
    for (int k = 0; k < 8; k++) { /* one rests; more only after crashes */
        resting r;
        wk_request_result result = find_stops(a, symbol, client_id, &r, why);
        *wait_ns = WK_NS_PER_S;
        if (result != WK_REQUEST_DONE)
            return not_placed(result);
        if (lots != 0 && !is_new && r.own.client_id == 0) {
            snprintf(why, WK__WHY, "the stop does not rest any more");
            *wait_ns = WK_NS_PER_S / 1000;
            return WK_REQUEST_REFUSED;
        }
        bool has_own = r.own.client_id != 0 && lots != 0 && r.own.side == wanted.side;
        bool is_right = has_own && r.own.qty_lots - r.own.filled_lots == wanted.qty_lots &&
                        llabs(r.own.stop_ticks - stop_ticks) < a->markets[symbol].ticks_per_step;
        if (has_own && !is_right && r.own.filled_lots > 0) {
            /* It works already: its fills say what is left to protect, under another id. */
            snprintf(why, WK__WHY, "the stop is filling; its fills have to be read first");
            *wait_ns = WK_NS_PER_S / 4;
            return WK_REQUEST_LATER;
        }
        if (has_own && !is_right) {
            result = amend_stop(a, &wanted, wait_ns, why);
            is_right = result == WK_REQUEST_DONE;
            if (!is_right && result != WK_REQUEST_REFUSED)
                return result;
        }
        uint64_t goes = r.other ? r.other : r.own.client_id && !is_right ? r.own.client_id : 0;
        if (goes == 0 && is_right)
            return WK_REQUEST_DONE;
        if (goes == 0)
            break;
        result = cancel_id(a, goes, wait_ns, why);
        if (result != WK_REQUEST_DONE && result != WK_REQUEST_REFUSED)
            return not_placed(result);
    }
    return lots == 0 ? WK_REQUEST_DONE : place_stop(a, &wanted, wait_ns, why);
}

/* It would cancel stops too: the caller arms it only while flat. */
static wk_request_result deadman(void *self, int64_t timeout_ns, char *why)
{
    wk__exchange e;
    char fields[48];
    snprintf(fields, sizeof fields, "&timeout=%" PRId64,
             (timeout_ns + WK_NS_PER_S - 1) / WK_NS_PER_S);
    wk_request_result result = call(self, "/0/private/CancelAllOrdersAfter", fields, &e, why);
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result venue_clock(void *self, int64_t *venue_minus_ours_ns,
                                     int64_t *tolerance_ns, char *why)
{
    wk__account *a = self;
    wk_text url = {0};
    wk_err err;
    wk_http_response r = {0};
    wk_text_printf(&url, "%s/0/public/Time", a->rest);
    wk_http_request request = {.method = "GET", .url = url.s};
    wk_status status = wk_http_call(a->http, &request, &r, &err);
    free(url.s);
    wk_request_result result = WK_REQUEST_UNKNOWN;
    wk__doc doc;
    int64_t seconds;
    if (status != WK_OK)
        snprintf(why, WK__WHY, "%.200s", err.msg);
    else if (!wk__reply_open(r.body, r.body_bytes, &doc))
        odd(why, "its clock");
    else {
        if (wk__reply_int(&doc, wk__reply_get(&doc, 0, "result"), "unixtime", &seconds) &&
            seconds > 0 && seconds < WK__CLOCK_MAX_NS / WK_NS_PER_S) {
            /* in whole seconds */
            *venue_minus_ours_ns =
                seconds * WK_NS_PER_S + WK_NS_PER_S / 2 - (r.sent_ns + r.received_ns) / 2;
            a->offset_ns = *venue_minus_ours_ns;
            *tolerance_ns = DEADLINE_NS;
            result = WK_REQUEST_DONE;
        } else
            odd(why, "its clock");
        wk__reply_close(&doc);
    }
    wk_http_response_finish(&r);
    return result;
}

void wk__kraken_account(wk__account *a, wk_account *out)
{
    *out = (wk_account){.self = a,
                        .name = a->name,
                        .validity_ns = validity_ns,
                        .place = place,
                        .cancel = cancel,
                        .query = query,
                        .open_orders = open_orders,
                        .fills = fills,
                        .positions = positions,
                        .balance = balance,
                        .leverage = leverage,
                        .deadman = deadman,
                        .clock = venue_clock,
                        .stream = wk__stream_open,
                        .close = wk__account_close,
                        .protect_lots = protect_lots};
}
