/* An account at Kraken spot: the calls of wk_account over REST. Fees are asked for in the quote
 * currency, so that a position is what was bought. */
#include "kraken.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 50, PAGES_MAX = 40 };

static int64_t validity_ns(void *self)
{
    (void)self;
    return WK__KRAKEN_DEADLINE_NS;
}

wk_request_result wk__kraken_odd(char *why, const char *what)
{
    snprintf(why, WK__WHY, "the venue's answer about %s cannot be read", what);
    return WK_REQUEST_UNKNOWN;
}

wk_request_result wk__kraken_call(wk__account *a, const char *path, const char *fields,
                                  wk__exchange *e, char *why)
{
    return wk__kraken_send(a, a->http, path, fields, e, why);
}

void wk__kraken_remember(wk__account *a, uint64_t client_id, const char *venue_id)
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

wk_request_result wk__kraken_add_order(wk__account *a, wk_text *body, char *txid, int64_t *wait_ns,
                                       char *why)
{
    wk__exchange e;
    wk_request_result result = wk__kraken_call(a, "/0/private/AddOrder", body->s, &e, why);
    free(body->s);
    *wait_ns = e.wait_ns;
    txid[0] = '\0';
    if (result == WK_REQUEST_DONE && !a->validate) {
        uint32_t list = wk__reply_get(&e.doc, e.result, "txid");
        uint32_t first = wk__reply_first(&e.doc, list);
        if (!wk__reply_token_text(&e.doc, first, txid, 64))
            result = wk__kraken_odd(why, "the order");
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
    if (!wk__kraken_place(&a->markets[order->symbol], order,
                          wk__account_now(a) + WK__KRAKEN_DEADLINE_NS, a->validate, &body,
                          &o.qty_lots, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = wk__kraken_add_order(a, &body, o.venue_id, wait_ns, why);
    if (result != WK_REQUEST_DONE)
        return result;
    if (a->validate) {
        snprintf(why, WK__WHY, "checked by the venue and not placed (validate)");
        return WK_REQUEST_REFUSED;
    }
    wk__kraken_remember(a, order->id, o.venue_id);
    *out = o;
    return WK_REQUEST_DONE;
}

wk_request_result wk__kraken_cancel(wk__account *a, uint64_t client_id, int64_t *wait_ns, char *why)
{
    wk__exchange e;
    char fields[64], id[WK__CLIENT_ID];
    wk__client_id_text(client_id, id);
    snprintf(fields, sizeof fields, "&cl_ord_id=%s", id);
    wk_request_result result = wk__kraken_call(a, "/0/private/CancelOrder", fields, &e, why);
    *wait_ns = e.wait_ns;
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    (void)symbol;
    return wk__kraken_cancel(self, client_id, wait_ns, why);
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
            wk__kraken_remember(a, o.client_id, txid);
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
    wk_request_result result = wk__kraken_call(a, path, fields, &e, why);
    *wait_ns = e.wait_ns;
    if (result == WK_REQUEST_DONE) {
        uint32_t map = name ? wk__reply_get(&e.doc, e.result, name) : e.result;
        if (!wk__reply_kind(&e.doc, map, WK__JSON_OBJECT) ||
            !take_orders(a, &e.doc, map, wanted, out, room, n, n_seen))
            result = wk__kraken_odd(why, "orders");
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
        return result == WK_REQUEST_DONE && n == 0 ? wk__kraken_odd(why, "the order") : result;
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
    return wk__kraken_odd(why, "closed orders: too many");
}

wk_request_result wk__kraken_open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
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
        wk_request_result result = wk__kraken_call(a, "/0/private/TradesHistory", fields, &e, why);
        int64_t count = 0;
        seen = 0;
        if (result == WK_REQUEST_DONE) {
            uint32_t map = wk__reply_get(&e.doc, e.result, "trades");
            wk__reply_int(&e.doc, e.result, "count", &count);
            if (!wk__reply_kind(&e.doc, map, WK__JSON_OBJECT))
                result = wk__kraken_odd(why, "fills");
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
                    result = wk__kraken_odd(why, "a fill");
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

static wk_request_result leverage(void *self, uint32_t symbol, double times, char *why)
{
    const wk__account *a = self;
    int set = a->markets[symbol].leverage;
    if (times == (double)(set > 1 ? set : 1))
        return WK_REQUEST_DONE; /* a field of each order */
    snprintf(why, WK__WHY, "leverage is a field of each order here; it is configured as %d", set);
    return WK_REQUEST_REFUSED;
}

/* It would cancel stops too: the caller arms it only while flat. */
static wk_request_result deadman(void *self, int64_t timeout_ns, char *why)
{
    wk__exchange e;
    char fields[48];
    snprintf(fields, sizeof fields, "&timeout=%" PRId64,
             (timeout_ns + WK_NS_PER_S - 1) / WK_NS_PER_S);
    wk_request_result result =
        wk__kraken_call(self, "/0/private/CancelAllOrdersAfter", fields, &e, why);
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
        wk__kraken_odd(why, "its clock");
    else {
        if (wk__reply_int(&doc, wk__reply_get(&doc, 0, "result"), "unixtime", &seconds) &&
            seconds > 0 && seconds < WK__CLOCK_MAX_NS / WK_NS_PER_S) {
            /* in whole seconds */
            *venue_minus_ours_ns =
                seconds * WK_NS_PER_S + WK_NS_PER_S / 2 - (r.sent_ns + r.received_ns) / 2;
            a->offset_ns = *venue_minus_ours_ns;
            *tolerance_ns = WK__KRAKEN_DEADLINE_NS;
            result = WK_REQUEST_DONE;
        } else
            wk__kraken_odd(why, "its clock");
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
                        .open_orders = wk__kraken_open_orders,
                        .fills = fills,
                        .positions = wk__kraken_positions,
                        .balance = wk__kraken_balance,
                        .leverage = leverage,
                        .deadman = deadman,
                        .clock = venue_clock,
                        .stream = wk__stream_open,
                        .close = wk__account_close,
                        .protect_lots = wk__kraken_protect_lots};
}
