/* An account at Delta Exchange: the calls of wk_account over REST. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "wick/clock.h"

static int64_t validity_ns(void *self)
{
    (void)self;
    return 5 * WK_NS_PER_S; /* a request older than its signature's five seconds is refused */
}

static wk_request_result odd(char *why, const char *what)
{
    snprintf(why, WK__WHY, "the venue's answer about %s cannot be read", what);
    return WK_REQUEST_UNKNOWN;
}

/* Sends and gives the request back. */
static wk_request_result call(wk__account *a, wk__request *r, wk__exchange *e, char *why)
{
    wk_request_result result = wk__delta_send(a, r, e, why);
    wk__request_finish(r);
    return result;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    wk__account *a = self;
    wk__request r;
    wk__exchange e;
    int64_t lots;
    if (!wk__delta_place(&a->markets[order->symbol], order, &r, &lots, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = call(a, &r, &e, why);
    *wait_ns = e.wait_ns;
    if (result == WK_REQUEST_DONE &&
        !wk__delta_order(&e.doc, e.result, a->markets, a->n_markets, out))
        result = odd(why, "the order"); /* taken, but how? the query tells */
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    wk__account *a = self;
    wk__request r;
    wk__exchange e;
    wk__delta_cancel(&a->markets[symbol], client_id, &r);
    wk_request_result result = call(a, &r, &e, why);
    *wait_ns = e.wait_ns;
    wk__exchange_finish(&e);
    return result;
}

/* One page of a list into `each`, which returns false to stop; *after is the next cursor, or "". */
typedef struct {
    wk__account *a;
    void *out;
    size_t room, n;
    int64_t since_ns;
    uint64_t wanted;
    bool found, broken, past;
} page;

static wk_request_result list(page *p, const char *kind, size_t from, size_t n, int64_t since_ns,
                              void (*each)(page *p, const wk__doc *doc, uint32_t item),
                              int64_t *wait_ns, char *why)
{
    char after[512] = "";
    do {
        wk__request r;
        wk__exchange e;
        wk__delta_list(kind, p->a->markets + from, n, since_ns, after, &r);
        wk_request_result result = call(p->a, &r, &e, why);
        *wait_ns = e.wait_ns;
        after[0] = '\0';
        if (result == WK_REQUEST_DONE) {
            if (!wk__reply_kind(&e.doc, e.result, WK__JSON_ARRAY))
                result = odd(why, kind);
            for (uint32_t i = wk__reply_first(&e.doc, e.result); i != WK__JSON_ABSENT;
                 i = wk__reply_after(&e.doc, e.result, i))
                each(p, &e.doc, i);
            wk__reply_text(&e.doc, wk__reply_get(&e.doc, 0, "meta"), "after", after, sizeof after);
        }
        wk__exchange_finish(&e);
        if (result != WK_REQUEST_DONE)
            return result;
        if (p->broken)
            return odd(why, kind);
    } while (after[0] && !p->found && !p->past && p->n < p->room);
    return WK_REQUEST_DONE;
}

static wk_request_result list_all(page *p, const char *kind, int64_t since_ns,
                                  void (*each)(page *p, const wk__doc *doc, uint32_t item),
                                  char *why)
{
    int64_t wait;
    for (size_t from = 0; from < p->a->n_markets; from += WK__LIST_CHUNK) {
        size_t rest = p->a->n_markets - from;
        wk_request_result result =
            list(p, kind, from, rest < WK__LIST_CHUNK ? rest : WK__LIST_CHUNK, since_ns, each,
                 &wait, why);
        if (result != WK_REQUEST_DONE)
            return result;
    }
    return WK_REQUEST_DONE;
}

static void find_order(page *p, const wk__doc *doc, uint32_t item)
{
    wk_venue_order o;
    char id[40];
    if (p->found || !wk__reply_text(doc, item, "client_order_id", id, sizeof id) ||
        wk__client_id_read(id) != p->wanted)
        return;
    if (!wk__delta_order(doc, item, p->a->markets, p->a->n_markets, &o)) {
        p->broken = true;
        return;
    }
    *(wk_venue_order *)p->out = o;
    p->found = true;
}

/* By its id; not found there, in the history, where it stands once it is over. */
static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    wk__account *a = self;
    wk__request r;
    wk__exchange e;
    wk__delta_query(client_id, &r);
    wk_request_result result = call(a, &r, &e, why);
    int status = e.status;
    *wait_ns = e.wait_ns;
    if (result == WK_REQUEST_DONE &&
        !wk__delta_order(&e.doc, e.result, a->markets, a->n_markets, out))
        result = odd(why, "the order");
    wk__exchange_finish(&e);
    if (result != WK_REQUEST_REFUSED)
        return result;
    if (status != 404) { /* a no to the question is none to the order */
        *wait_ns = WK_NS_PER_S;
        return WK_REQUEST_UNKNOWN;
    }
    /* An order is sent at most minutes before it is asked about; a day is far more than enough. */
    page p = {.a = a, .out = out, .room = 1000, .wanted = client_id};
    int64_t since = wk__account_now(a) - 86400 * WK_NS_PER_S;
    result = list(&p, "orders/history", symbol, 1, since, find_order, wait_ns, why);
    if (result == WK_REQUEST_REFUSED)
        return WK_REQUEST_UNKNOWN;
    if (result != WK_REQUEST_DONE)
        return result;
    if (p.found)
        return WK_REQUEST_DONE;
    snprintf(why, WK__WHY, "the venue has no such order");
    return WK_REQUEST_REFUSED;
}

static void take_order(page *p, const wk__doc *doc, uint32_t item)
{
    if (p->n < p->room &&
        wk__delta_order(doc, item, p->a->markets, p->a->n_markets, (wk_venue_order *)p->out + p->n))
        p->n++;
    else
        p->broken = true;
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    page p = {.a = self, .out = out, .room = room};
    wk_request_result result = list_all(&p, "orders", 0, take_order, why);
    *n = p.n;
    return result;
}

static void take_fill(page *p, const wk__doc *doc, uint32_t item)
{
    if (p->n < p->room &&
        wk__delta_fill(doc, item, p->a->markets, p->a->n_markets, (wk_venue_fill *)p->out + p->n))
        p->n++;
    else
        p->broken = true;
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    page p = {.a = self, .out = out, .room = room};
    wk_request_result result = list_all(&p, "fills", since_ns, take_fill, why);
    *n = p.n;
    return result;
}

static void take_funding(page *p, const wk__doc *doc, uint32_t item)
{
    wk_venue_funding f;
    bool is_funding;
    if (!wk__delta_funding(doc, item, p->a->markets, p->a->n_markets, &f, &is_funding))
        p->broken = true;
    else if (is_funding && p->n < p->room)
        ((wk_venue_funding *)p->out)[p->n++] = f;
}

static wk_request_result funding(void *self, int64_t since_ns, wk_venue_funding *out, size_t room,
                                 size_t *n, char *why)
{
    page p = {.a = self, .out = out, .room = room};
    int64_t wait;
    wk_request_result result =
        list(&p, "wallet/transactions", 0, 0, since_ns, take_funding, &wait, why);
    *n = p.n;
    return result;
}

/* /v2/positions answers at once; the margined list, which knows more, lags by seconds. */
static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    wk__account *a = self;
    *n = 0;
    for (uint32_t s = 0; s < a->n_markets && *n < room; s++) {
        wk__request r = {.method = "GET"};
        wk__exchange e;
        wk_text_printf(&r.target, "/v2/positions?product_id=%" PRId64,
                       a->markets[s].instrument->venue_id);
        wk_request_result result = call(a, &r, &e, why);
        wk_venue_position p = {0};
        if (result == WK_REQUEST_DONE && e.result != WK__JSON_ABSENT &&
            !wk__delta_position(&e.doc, e.result, &a->markets[s], &p))
            result = odd(why, "a position");
        wk__exchange_finish(&e);
        if (result != WK_REQUEST_DONE)
            return result;
        p.symbol = s;
        if (p.qty_lots != 0)
            out[(*n)++] = p;
    }
    return WK_REQUEST_DONE;
}

static wk_request_result balance(void *self, int64_t *cash_e8, int64_t *equity_e8, char *why)
{
    wk__account *a = self;
    wk__request r = {.method = "GET"};
    wk__exchange e;
    wk_text_add(&r.target, "/v2/wallet/balances");
    wk_request_result result = call(a, &r, &e, why);
    if (result == WK_REQUEST_DONE) {
        const char *settle = a->markets[0].instrument->settle;
        bool found = false;
        for (uint32_t i = wk__reply_first(&e.doc, e.result); i != WK__JSON_ABSENT;
             i = wk__reply_after(&e.doc, e.result, i)) {
            char asset[24];
            wk_decimal d;
            if (wk__reply_text(&e.doc, i, "asset_symbol", asset, sizeof asset) &&
                strcmp(asset, settle) == 0 && wk__reply_decimal(&e.doc, i, "balance", &d) &&
                wk__cash_e8(d, cash_e8))
                found = true;
        }
        wk_decimal net;
        *equity_e8 = *cash_e8;
        if (found &&
            wk__reply_decimal(&e.doc, wk__reply_get(&e.doc, 0, "meta"), "net_equity", &net))
            wk__cash_e8(net, equity_e8);
        if (!found) {
            snprintf(why, WK__WHY, "the wallet has no %.16s", settle);
            result = WK_REQUEST_REFUSED;
        }
    }
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result leverage(void *self, uint32_t symbol, double times, char *why)
{
    wk__account *a = self;
    wk__request r;
    wk__exchange e;
    wk__delta_leverage(&a->markets[symbol], times, &r);
    wk_request_result result = call(a, &r, &e, why);
    wk__exchange_finish(&e);
    return result;
}

/* The resting leg of a bracket, by its kind. */
typedef struct {
    const char *kind;
    char id[32];
    int64_t size_lots;
} leg;

static void find_leg(page *p, const wk__doc *doc, uint32_t item)
{
    leg *l = p->out;
    char kind[32];
    wk_venue_order o;
    if (!p->found && wk__reply_text(doc, item, "stop_order_type", kind, sizeof kind) &&
        strcmp(kind, l->kind) == 0 &&
        wk__delta_order(doc, item, p->a->markets, p->a->n_markets, &o)) {
        snprintf(l->id, sizeof l->id, "%.31s", o.venue_id);
        l->size_lots = o.qty_lots;
        p->found = true;
    }
}

static wk_request_result move_leg(wk__account *a, uint32_t symbol, const char *kind, int side,
                                  int64_t ticks, bool *found, char *why)
{
    leg l = {.kind = kind};
    page p = {.a = a, .out = &l, .room = 1};
    int64_t wait, lots;
    const wk__market *m = &a->markets[symbol];
    wk_request_result result = list(&p, "orders", symbol, 1, 0, find_leg, &wait, why);
    *found = p.found;
    if (result != WK_REQUEST_DONE || !p.found)
        return result;
    char price[40], size[40];
    if (!wk__market_price(m, ticks, side, price, why) ||
        !wk__market_size(m, l.size_lots, size, &lots, why))
        return WK_REQUEST_REFUSED;
    wk__request r = {.method = "PUT"};
    wk__exchange e;
    wk_text_add(&r.target, "/v2/orders");
    wk_text_printf(&r.body,
                   "{\"id\":%s,\"product_id\":%" PRId64 ",\"size\":%s,\"stop_price\":\"%s\"}", l.id,
                   m->instrument->venue_id, size, price);
    result = call(a, &r, &e, why);
    wk__exchange_finish(&e);
    return result;
}

/* Legs that rest are edited; what does not exist yet is made. */
static wk_request_result protect(void *self, uint32_t symbol, int64_t stop_ticks,
                                 int64_t profit_ticks, char *why)
{
    wk__account *a = self;
    wk__request r = {.method = "GET"};
    wk__exchange e;
    wk_text_printf(&r.target, "/v2/positions?product_id=%" PRId64,
                   a->markets[symbol].instrument->venue_id);
    wk_request_result result = call(a, &r, &e, why);
    wk_venue_position held = {0};
    if (result == WK_REQUEST_DONE && e.result != WK__JSON_ABSENT &&
        !wk__delta_position(&e.doc, e.result, &a->markets[symbol], &held))
        result = odd(why, "a position");
    wk__exchange_finish(&e);
    if (result != WK_REQUEST_DONE)
        return result;
    if (held.qty_lots == 0) {
        snprintf(why, WK__WHY, "there is no position to protect");
        return WK_REQUEST_REFUSED;
    }
    int side = held.qty_lots > 0 ? 1 : -1;
    bool found = false;
    if (stop_ticks > 0) {
        result = move_leg(a, symbol, "stop_loss_order", side, stop_ticks, &found, why);
        if (result != WK_REQUEST_DONE)
            return result;
        stop_ticks = found ? 0 : stop_ticks;
    }
    if (profit_ticks > 0) {
        result = move_leg(a, symbol, "take_profit_order", -side, profit_ticks, &found, why);
        if (result != WK_REQUEST_DONE)
            return result;
        profit_ticks = found ? 0 : profit_ticks;
    }
    if (stop_ticks <= 0 && profit_ticks <= 0)
        return WK_REQUEST_DONE;
    if (!wk__delta_protect(&a->markets[symbol], side, stop_ticks, profit_ticks, &r, why))
        return WK_REQUEST_REFUSED;
    result = call(a, &r, &e, why);
    wk__exchange_finish(&e);
    return result;
}

/* India's heartbeat where there is one, Global's cancel_after else. */
static wk_request_result deadman(void *self, int64_t timeout_ns, char *why)
{
    wk__account *a = self;
    int64_t ms = timeout_ns / 1000000;
    wk__request r = {.method = "POST"};
    wk__exchange e;
    wk_request_result result = WK_REQUEST_DONE;
    if (strcmp(a->name, "delta-india") != 0) {
        wk_text_add(&r.target, "/v2/orders/cancel_after");
        wk_text_printf(&r.body, "{\"cancel_after\":\"%" PRId64 "\"}", ms);
        result = call(a, &r, &e, why);
        wk__exchange_finish(&e);
        return result;
    }
    if (!a->has_heartbeat) {
        wk_text_add(&r.target, "/v2/heartbeat/create");
        wk_text_add(&r.body,
                    "{\"heartbeat_id\":\"wick\",\"impact\":\"products\",\"product_symbols\":[");
        for (size_t i = 0; i < a->n_markets; i++) {
            wk_text_add(&r.body, i > 0 ? "," : "");
            wk_text_add_json_string(&r.body, a->markets[i].instrument->symbol);
        }
        wk_text_add(&r.body,
                    "],\"config\":[{\"action\":\"cancel_orders\",\"unhealthy_count\":1}]}");
        result = call(a, &r, &e, why);
        wk__exchange_finish(&e);
        if (result != WK_REQUEST_DONE)
            return result;
        a->has_heartbeat = true;
    }
    r = (wk__request){.method = "POST"};
    wk_text_add(&r.target, "/v2/heartbeat");
    wk_text_printf(&r.body, "{\"heartbeat_id\":\"wick\",\"ttl\":%" PRId64 "}", ms);
    result = call(a, &r, &e, why);
    wk__exchange_finish(&e);
    return result;
}

static wk_request_result venue_clock(void *self, int64_t *venue_minus_ours_ns,
                                     int64_t *tolerance_ns, char *why)
{
    wk__account *a = self;
    wk__request r = {.method = "GET"};
    wk__exchange e;
    wk_text_add(&r.target, "/v2/settings");
    wk_request_result result = call(a, &r, &e, why);
    int64_t us, middle = (e.response.sent_ns + e.response.received_ns) / 2, told = 0;
    if (result == WK_REQUEST_DONE && wk__reply_int(&e.doc, e.result, "server_time", &us) &&
        us > 0 && us < WK__CLOCK_MAX_NS / 1000)
        told = us * 1000;
    else if (e.response.server_time_ns > 0 &&
             e.response.server_time_ns < WK__CLOCK_MAX_NS) /* in whole seconds */
        told = e.response.server_time_ns + WK_NS_PER_S / 2;
    wk__exchange_finish(&e);
    if (told == 0)
        return result == WK_REQUEST_DONE ? odd(why, "its clock") : result;
    a->offset_ns = *venue_minus_ours_ns = told - middle;
    *tolerance_ns = 5 * WK_NS_PER_S;
    return WK_REQUEST_DONE;
}

void wk__delta_account(wk__account *a, wk_account *out)
{
    *out = (wk_account){.self = a,
                        .name = a->name,
                        .validity_ns = validity_ns,
                        .place = place,
                        .cancel = cancel,
                        .query = query,
                        .open_orders = open_orders,
                        .fills = fills,
                        .funding = funding,
                        .positions = positions,
                        .balance = balance,
                        .leverage = leverage,
                        .protect = protect,
                        .deadman = deadman,
                        .clock = venue_clock,
                        .stream = wk__stream_open,
                        .close = wk__account_close,
                        .has_brackets = true};
}
