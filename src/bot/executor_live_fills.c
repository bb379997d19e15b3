/* Fills: each counted once, each given to its order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/hash.h"
#include "wick/log.h"

/* Fills are read again from so far back: a venue may show one late. */
#define OVERLAP_NS (120 * WK_NS_PER_S)
/* The venue's clock and ours may differ by so much; more, and nothing is signed in time. */
#define CLOCKS_NS (5 * WK_NS_PER_S)

static uint64_t digest(const char *id)
{
    uint64_t d = wk_digest_bytes(WK_DIGEST_START, id, strlen(id));
    return d ? d : 1;
}

static uint64_t *slot_of(uint64_t *table, size_t room, uint64_t d)
{
    size_t i = (size_t)d & (room - 1);
    while (table[i] != 0 && table[i] != d)
        i = (i + 1) & (room - 1);
    return &table[i];
}

static bool seen(const wk__live *live, const char *id)
{
    return live->room_seen > 0 && *slot_of(live->seen, live->room_seen, digest(id)) != 0;
}

static void see(wk__live *live, const char *id)
{
    if (2 * (live->n_seen + 1) > live->room_seen) {
        size_t room = live->room_seen ? 2 * live->room_seen : 256;
        uint64_t *table = calloc(room, sizeof *table);
        WK_ASSERT(table != NULL);
        for (size_t i = 0; i < live->room_seen; i++)
            if (live->seen[i])
                *slot_of(table, room, live->seen[i]) = live->seen[i];
        free(live->seen);
        live->seen = table;
        live->room_seen = room;
    }
    uint64_t d = digest(id);
    uint64_t *slot = slot_of(live->seen, live->room_seen, d);
    live->n_seen += *slot == 0;
    *slot = d;
}

bool wk__live_known(wk__live *live, const char *id)
{
    if (seen(live, id))
        return true;
    see(live, id);
    return live->options.has_fill && live->options.has_fill(live->options.has_fill_ctx, id);
}

static wk__live_order *owner(wk__live *live, const wk_venue_fill *f)
{
    for (size_t i = 0; i < live->n_orders; i++) {
        wk__live_order *o = &live->orders[i];
        if ((f->client_id != 0 && f->client_id == o->order.id) ||
            (f->venue_order_id[0] && strcmp(f->venue_order_id, o->venue_id) == 0))
            return o;
    }
    return NULL;
}

/* An order whose venue id is not known may own a fill that bears only that: not one of before it
 * was sent, nor when the venue has said that it never came. */
static bool may_own(const wk__live *live, const wk_venue_fill *f)
{
    if (f->client_id != 0)
        return false;
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        if (o->order.symbol == f->symbol && o->order.side == f->side && !o->venue_id[0] &&
            !wk__live_over(o) && o->doubt_ns > 0 && f->time_ns >= o->doubt_ns - CLOCKS_NS)
            return true;
    }
    return false;
}

/* Why the venue traded by itself: the leg whose price is nearer; without legs, other hands. */
static wk_reason reason_of(const wk__live_symbol *y, const wk_venue_fill *f)
{
    if (y->position == 0 || (y->position > 0) == (f->side > 0) ||
        (y->stop_ticks == 0 && y->profit_ticks == 0))
        return WK_REASON_END;
    int64_t to_stop = y->stop_ticks ? llabs(f->price_ticks - y->stop_ticks) : INT64_MAX;
    int64_t to_profit = y->profit_ticks ? llabs(f->price_ticks - y->profit_ticks) : INT64_MAX;
    return to_stop <= to_profit ? WK_REASON_STOP_LOSS : WK_REASON_TAKE_PROFIT;
}

/* A venue may give the id of ours, or only its own: then it is a stop's whose placing was
 * answered, or that was asked about since. */
static const wk__live_stop_id *stop_of(const wk__live *live, const wk_venue_fill *f)
{
    uint64_t order = f->venue_order_id[0] ? digest(f->venue_order_id) : 0;
    for (size_t i = 0; i < WK__LIVE_STOPS; i++)
        if ((f->client_id != 0 && live->stops[i].id == f->client_id) ||
            (order != 0 && live->stops[i].venue_order == order))
            return &live->stops[i];
    return NULL;
}

void wk__live_stop_named(wk__live *live, uint64_t id, const char *venue_id)
{
    uint64_t order = venue_id[0] ? digest(venue_id) : 0;
    for (size_t i = 0; order != 0 && i < WK__LIVE_STOPS; i++)
        if (live->stops[i].id == id)
            live->stops[i].venue_order = order;
    for (size_t s = 0; order != 0 && s < live->options.S; s++)
        if (live->symbols[s].stop_id == id)
            for (size_t i = 0; i < WK__LIVE_UNOWNED; i++)
                if (live->unowned[i].venue_order == order) {
                    live->symbols[s].stop_filled_lots += live->unowned[i].lots;
                    live->unowned[i].venue_order = 0;
                }
}

/* A fill that is none of our orders' either ends a position of ours (a bracket's leg, a
 * liquidation, another hand) or is of other hands altogether. The second kind is left alone: it
 * never becomes something that the trader would trade. */
static int64_t closing_lots(const wk__live_symbol *y, const wk_venue_fill *f)
{
    if (y->position == 0 || (y->position > 0) == (f->side > 0))
        return 0;
    int64_t held = llabs(y->position);
    return f->qty_lots < held ? f->qty_lots : held;
}

/* A leg's fill may be read before the entry's that it belongs to. */
static bool may_be_early(const wk__live *live, const wk_venue_fill *f)
{
    if (wk__live_now(live) - f->time_ns > 30 * WK_NS_PER_S)
        return false;
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        if (o->order.symbol == f->symbol && o->order.side == -f->side && !o->order.reduce_only &&
            o->attempts > 0 && !wk__live_over(o))
            return true;
    }
    return false;
}

static void leave_alone(wk__live *live, const wk_venue_fill *f, int64_t lots)
{
    wk__live_symbol *y = &live->symbols[f->symbol];
    wk_journal_record row = {.kind = WK_JOURNAL_NOTE, .time_ns = f->time_ns};
    if (live->account->has_brackets)
        y->foreign_lots += f->side * lots;
    snprintf(row.text, sizeof row.text,
             "market %u: other hands %s %lld lots (fill %.60s); left alone, %lld of theirs there",
             f->symbol, f->side > 0 ? "bought" : "sold", (long long)lots, f->fill_id,
             (long long)y->foreign_lots);
    wk__live_row_put(live, &row);
}

void wk__live_lost_position(wk__live *live, uint32_t symbol, int64_t there_lots)
{
    wk__live_symbol *y = &live->symbols[symbol];
    int64_t stop = y->stop_ticks, profit = y->profit_ticks;
    wk_venue_fill f = {.symbol = symbol,
                       .side = y->position > 0 ? WK_SIDE_SELL : WK_SIDE_BUY,
                       .qty_lots = llabs(y->position) - llabs(there_lots),
                       .price_ticks = y->entry_ticks > 0 ? y->entry_ticks : 1,
                       .time_ns = wk__live_now(live)};
    snprintf(f.fill_id, sizeof f.fill_id, "reconciled-%u-%lld", symbol, (long long)f.time_ns);
    y->stop_ticks = y->profit_ticks = 0; /* no leg did it, as far as anybody knows */
    wk__live_fill(live, &f);
    if (y->position == 0)
        return;
    y->stop_ticks = stop; /* what is left keeps its exits */
    y->profit_ticks = profit;
}

bool wk__live_fill(wk__live *live, const wk_venue_fill *f)
{
    if (f->symbol >= live->options.S || f->qty_lots <= 0 || !f->fill_id[0] ||
        seen(live, f->fill_id))
        return true;
    if (f->fee_e8 == WK_FEE_NOT_TOLD) {
        live->fills_wanted = true;
        return true;
    }
    wk__live_order *o = owner(live, f);
    const wk__live_stop_id *stop = o ? NULL : stop_of(live, f);
    if (stop && stop->id == live->symbols[f->symbol].stop_id)
        live->symbols[f->symbol].stop_fresh = true;
    /* The journal's position holds it already; so does its order, but for one whose own row was
     * lost. Before all doubts about its owner: one of the last run would hold back the newer fills
     * of its market, and their stop with them. */
    if (live->options.has_fill && live->options.has_fill(live->options.has_fill_ctx, f->fill_id)) {
        see(live, f->fill_id);
        if (o && o->orphan) {
            o->filled_lots += f->qty_lots;
            wk__live_settle(live, o);
        }
        return true;
    }
    if (!o && !stop && may_own(live, f))
        return false;
    wk_venue_fill part = *f;
    if (!o && !stop) {
        part.qty_lots = closing_lots(&live->symbols[f->symbol], f);
        if (part.qty_lots < f->qty_lots && may_be_early(live, f))
            return false;
    }
    see(live, f->fill_id);
    if (part.qty_lots < f->qty_lots)
        leave_alone(live, f, f->qty_lots - part.qty_lots);
    if (part.qty_lots == 0)
        return true;
    f = &part;
    wk__live_symbol *y = &live->symbols[f->symbol];
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FILL,
                         .time_ns = f->time_ns, /* of the venue: tables show the same time */
                         .symbol = f->symbol,
                         .side = f->side,
                         .maker = f->maker,
                         .qty_lots = f->qty_lots,
                         .price_ticks = f->price_ticks,
                         .fee_e8 = f->fee_e8};
    if (o && o->orphan && closing_lots(y, f) > 0) { /* an exit whose row died with its process */
        e.order_id = y->entry_id;
        e.reason = reason_of(y, f);
        o->filled_lots += f->qty_lots;
    } else if (o) {
        e.order_id = o->parent ? o->parent : o->order.id;
        e.reason = o->order.reason;
        o->filled_lots += f->qty_lots;
        if (!o->order.reduce_only && !o->orphan) {
            y->entry_id = o->order.id;
            y->stop_ticks = o->order.stop_ticks;
            y->profit_ticks = o->order.profit_ticks;
        }
    } else if (stop) {
        e.order_id = stop->parent;
        e.reason = WK_REASON_STOP_LOSS;
        if (stop->id == y->stop_id) {
            y->stop_lots += f->side * f->qty_lots; /* what rests of it */
            y->stop_filled_lots += f->qty_lots;
        }
    } else {
        e.order_id = y->entry_id;
        e.reason = reason_of(y, f);
        if (f->venue_order_id[0])
            live->unowned[live->n_unowned++ % WK__LIVE_UNOWNED] =
                (wk__live_unowned){digest(f->venue_order_id), f->qty_lots};
    }
    if (y->position == 0 || (y->position > 0) == (f->side > 0))
        y->entry_ticks = f->price_ticks;
    y->position += f->side * f->qty_lots;
    y->held_ns = f->time_ns > y->held_ns ? f->time_ns : y->held_ns;
    if (y->position == 0)
        y->stop_ticks = y->profit_ticks = 0;
    live->n_missed++;
    wk_journal_record row = {.kind = WK_JOURNAL_FILL,
                             .market = f->symbol,
                             .time_ns = f->time_ns,
                             .order_id = e.order_id,
                             .side = f->side,
                             .reason = e.reason,
                             .maker = f->maker,
                             .qty_lots = f->qty_lots,
                             .price_ticks = f->price_ticks,
                             .fee_e8 = f->fee_e8};
    memcpy(row.venue_id, f->fill_id, sizeof row.venue_id);
    wk__live_row_put(live, &row);
    wk__live_say(live, &e);
    if (o && o->state == WK__LIVE_WORKING)
        wk__live_state_row(live, o, "partial", "");
    if (o)
        wk__live_settle(live, o);
    return true;
}

static int by_time(const void *a, const void *b)
{
    const wk_venue_fill *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return strcmp(x->fill_id, y->fill_id);
}

void wk__live_read_fills(wk__live *live)
{
    char why[256] = "";
    size_t n = 0;
    int64_t asked_ns = wk__live_now(live), since = live->fills_from_ns;
    for (size_t i = 0; i < live->n_orders; i++)
        if (!wk__live_over(&live->orders[i]) && live->orders[i].attempts > 0 &&
            live->orders[i].first_sent_ns - OVERLAP_NS < since)
            since = live->orders[i].first_sent_ns - OVERLAP_NS;
    wk_request_result result = live->account->fills(live->account->self, since > 0 ? since : 0,
                                                    live->fills, WK__LIVE_FILLS, &n, why);
    int64_t now = live->fills_tried_ns = wk__live_now(live);
    if (result != WK_REQUEST_DONE) {
        wk_log_write(WK_LOG_WARN, "trade.fills", "why=\"%s\"", why);
        if (result == WK_REQUEST_STOP)
            wk__live_stop_trading(live, why);
        live->fills_next_ns = now + WK_NS_PER_S;
        live->fills_wanted = true;
        return;
    }
    live->fills_wanted = live->fills_deferred = false;
    /* A venue lists the newest first; a leg's fill must not come before its entry's. */
    qsort(live->fills, n, sizeof *live->fills, by_time);
    for (size_t s = 0; s < live->options.S; s++)
        live->symbols[s].is_held = false;
    for (size_t i = 0; i < n; i++) {
        const wk_venue_fill *f = &live->fills[i];
        if (f->symbol >= live->options.S)
            continue;
        wk__live_symbol *y = &live->symbols[f->symbol];
        y->is_held = y->is_held || !wk__live_fill(live, f);
        live->fills_deferred |= y->is_held;
    }
    if (n == WK__LIVE_FILLS)
        wk_log_write(WK_LOG_ERROR, "trade.fills", "why=\"more fills than fit; reading on\"");
    else if (!live->fills_deferred)
        live->fills_from_ns = asked_ns - OVERLAP_NS;
    live->fills_read_ns = asked_ns;
    live->n_reads++;
    live->fills_next_ns = now + live->options.fills_ns;
    /* An order that has ended but whose fills are missing is the usual reason to look again soon.
     */
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        if (o->state == WK__LIVE_SETTLING || o->venue_filled_lots > o->filled_lots)
            live->fills_next_ns = now + WK_NS_PER_S / 2;
    }
    for (uint32_t s = 0; s < live->options.S; s++)
        if (!live->account->has_brackets && !wk__live_stop_settled(live, s))
            live->fills_next_ns = now + WK_NS_PER_S / 2;
}
