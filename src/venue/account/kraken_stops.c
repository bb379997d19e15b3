/* The one stop that protects a position at Kraken: found, changed in place, replaced. */
#include "kraken.h"

#include <stdio.h>
#include <stdlib.h>

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
    *out = (resting){0};
    if (!open)
        return wk__kraken_odd(why, "memory");
    wk_request_result result = wk__kraken_open_orders(a, open, ROOM, &n, why);
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
                               wk__account_now(a) + WK__KRAKEN_DEADLINE_NS, &body, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = wk__kraken_call(a, "/0/private/AmendOrder", body.s, &e, why);
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
                         wanted->stop_ticks, wanted->client_id,
                         wk__account_now(a) + WK__KRAKEN_DEADLINE_NS, a->validate, &body, why))
        return WK_REQUEST_REFUSED;
    wk_request_result result = wk__kraken_add_order(a, &body, txid, wait_ns, why);
    if (result == WK_REQUEST_DONE)
        wk__kraken_remember(a, wanted->client_id, txid);
    /* The doubt must lapse before another is sent. */
    if (result == WK_REQUEST_UNKNOWN)
        *wait_ns = WK__KRAKEN_DEADLINE_NS + WK_NS_PER_S;
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
wk_request_result wk__kraken_protect_lots(void *self, uint32_t symbol, int64_t lots,
                                          int64_t stop_ticks, uint64_t client_id, bool is_new,
                                          int64_t *wait_ns, char *why)
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
        result = wk__kraken_cancel(a, goes, wait_ns, why);
        if (result != WK_REQUEST_DONE && result != WK_REQUEST_REFUSED)
            return not_placed(result);
    }
    return lots == 0 ? WK_REQUEST_DONE : place_stop(a, &wanted, wait_ns, why);
}
