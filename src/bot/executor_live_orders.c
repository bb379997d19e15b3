/* One order's life: planned -> sent -> working -> filled | cancelled | refused, or unknown in
 * between: then it is asked about until its validity has lapsed, and only then sent again under the
 * same id. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/hash.h"
#include "wick/log.h"

/* Beyond the validity: clocks differ, and a venue's lists lag behind its books. */
#define MARGIN_NS (2 * WK_NS_PER_S)

int64_t wk__live_now(const wk__live *live)
{
    return live->options.now_ns ? live->options.now_ns(live->options.time_ctx) : wk_clock_wall_ns();
}

#define GROW(list, n, room)                                                                        \
    do {                                                                                           \
        if ((n) == (room)) {                                                                       \
            (room) = (room) ? 2 * (room) : 64;                                                     \
            void *grown = realloc((list), (room) * sizeof *(list));                                \
            WK_ASSERT(grown != NULL);                                                              \
            (list) = grown;                                                                        \
        }                                                                                          \
    } while (0)

void wk__live_say(wk__live *live, const wk_trader_event *event)
{
    GROW(live->events, live->n_events, live->room_events);
    live->events[live->n_events++] = (wk__live_said){*event, live->rows_put};
}

bool wk__live_event(wk__live *live, wk_trader_event *out)
{
    if (live->first_event == live->n_events) {
        live->first_event = live->n_events = 0;
        return false;
    }
    *out = live->events[live->first_event++].event;
    return true;
}

void wk__live_row_put(wk__live *live, const wk_journal_record *row)
{
    GROW(live->rows, live->n_rows, live->room_rows);
    live->rows[live->n_rows++] = *row;
    live->rows_put++;
}

bool wk__live_row(wk__live *live, wk_journal_record *out)
{
    if (live->first_row == live->n_rows) {
        live->first_row = live->n_rows = 0;
        return false;
    }
    *out = live->rows[live->first_row++];
    live->rows_taken++;
    return true;
}

bool wk__live_out(wk__live *live, bool *is_row, wk_trader_event *event, wk_journal_record *row)
{
    bool has_event = live->first_event < live->n_events;
    *is_row = !has_event || live->events[live->first_event].rows > live->rows_taken;
    return *is_row ? wk__live_row(live, row) : wk__live_event(live, event);
}

void wk__live_state_row(wk__live *live, const wk__live_order *o, const char *state,
                        const char *text)
{
    wk_journal_record row = {.kind = WK_JOURNAL_ORDER_STATE,
                             .market = o->order.symbol,
                             .time_ns = wk__live_now(live),
                             .order_id = o->order.id,
                             .side = o->order.side,
                             .reason = o->order.reason,
                             .reduce_only = o->order.reduce_only,
                             .qty_lots = o->filled_lots};
    snprintf(row.state, sizeof row.state, "%s", state);
    snprintf(row.text, sizeof row.text, "%.199s", text);
    memcpy(row.venue_id, o->venue_id, sizeof row.venue_id);
    wk__live_row_put(live, &row);
}

void wk__live_stop_trading(wk__live *live, const char *why)
{
    if (live->stopped)
        return;
    live->stopped = true;
    snprintf(live->why_stopped, sizeof live->why_stopped, "%s", why);
    wk_log_write(WK_LOG_ERROR, "trade.stopped", "why=\"%s\"", why);
    wk_journal_record row = {.kind = WK_JOURNAL_ALERT, .time_ns = wk__live_now(live)};
    snprintf(row.text, sizeof row.text, "no entry is sent any more: %.150s", why);
    wk__live_row_put(live, &row);
}

const char *wk__live_stopped(const wk__live *live)
{
    return live->stopped ? live->why_stopped : NULL;
}

bool wk__live_over(const wk__live_order *o)
{
    return o->state >= WK__LIVE_FILLED;
}

size_t wk__live_working(const wk__live *live)
{
    size_t n = 0;
    for (size_t i = 0; i < live->n_orders; i++)
        n += !wk__live_over(&live->orders[i]);
    return n;
}

static void tell(wk__live *live, const wk__live_order *o, wk_trader_event_kind kind,
                 wk_reason reason)
{
    if (o->parent || o->orphan)
        return; /* the trader does not know it */
    wk_trader_event e = {.kind = kind,
                         .time_ns = wk__live_now(live),
                         .symbol = o->order.symbol,
                         .order_id = o->order.id,
                         .side = o->order.side,
                         .reason = (uint8_t)reason,
                         .qty_lots = o->order.qty_lots - o->filled_lots};
    wk__live_say(live, &e);
}

static void end(wk__live *live, wk__live_order *o, wk__live_state state, const char *why)
{
    o->state = state;
    o->next_ns = INT64_MAX;
    wk_reason reason = o->expired ? WK_REASON_EXPIRED : (wk_reason)o->order.reason;
    if (state == WK__LIVE_REFUSED)
        tell(live, o, WK_TRADER_EVENT_REJECT, reason);
    else if (o->filled_lots < o->order.qty_lots)
        tell(live, o, WK_TRADER_EVENT_CANCELED, reason);
    const char *word = state == WK__LIVE_REFUSED  ? "refused"
                       : state == WK__LIVE_FILLED ? "filled"
                       : o->expired               ? "expired"
                                                  : "cancelled";
    wk__live_state_row(live, o, word, why);
    wk_log_write(WK_LOG_INFO, "trade.order",
                 "order=%" PRIu64 " state=%s filled=%" PRId64 " why=\"%s\"", o->order.id, word,
                 o->filled_lots, why);
}

void wk__live_settle(wk__live *live, wk__live_order *o)
{
    if (wk__live_over(o))
        return;
    bool full = o->filled_lots >= o->order.qty_lots;
    if (full || (o->state == WK__LIVE_SETTLING && o->filled_lots >= o->venue_filled_lots))
        end(live, o, full ? WK__LIVE_FILLED : WK__LIVE_CANCELLED, "");
}

wk__live_order *wk__live_add(wk__live *live, const wk_order *order)
{
    wk__live_order *o = NULL;
    /* Old ends are forgotten when there are many; their fills have long been counted. */
    for (size_t i = 0; live->n_orders >= WK__LIVE_KEPT && i < live->n_orders; i++)
        if (wk__live_over(&live->orders[i]) && (!o || live->orders[i].sent_ns < o->sent_ns))
            o = &live->orders[i];
    if (!o) {
        GROW(live->orders, live->n_orders, live->room_orders);
        o = &live->orders[live->n_orders++];
    }
    *o = (wk__live_order){.order = *order, .state = WK__LIVE_PLANNED};
    return o;
}

static wk__live_order *by_id(wk__live *live, uint64_t id)
{
    for (size_t i = 0; i < live->n_orders; i++)
        if (live->orders[i].order.id == id)
            return &live->orders[i];
    return NULL;
}

void wk__live_action(wk__live *live, const wk_action *action)
{
    wk__live_order *o = by_id(live, action->order.id);
    if (action->kind == WK_ACTION_CANCEL) {
        if (o && !wk__live_over(o) && !o->cancel_wanted) {
            o->cancel_wanted = true;
            o->next_ns = 0;
        }
        return;
    }
    if (o) {
        wk_log_write(WK_LOG_WARN, "trade.order", "order=%" PRIu64 " why=\"sent twice, taken once\"",
                     o->order.id);
        return;
    }
    WK_ASSERT(action->order.symbol < live->options.S);
    wk__live_add(live, &action->order);
}

/* Its id is derived from the position, so that a caller that stutters gets one order; one that
 * ended with lots left (a refusal, a venue that cancelled it) is followed by another. */
static uint64_t target_id(wk__live *live, uint32_t symbol)
{
    const wk__live_symbol *y = &live->symbols[symbol];
    for (uint64_t k = 0;; k++) {
        uint64_t parts[5] = {y->entry_id, symbol, (uint64_t)y->profit_ticks, (uint64_t)y->position,
                             k};
        uint64_t id = wk_digest_bytes(WK_DIGEST_START + 1, parts, sizeof parts);
        const wk__live_order *o = by_id(live, id);
        if (!o || !wk__live_over(o))
            return id;
    }
}

void wk__live_range(wk__live *live, uint32_t symbol, int64_t low_ticks, int64_t high_ticks)
{
    wk__live_symbol *y = &live->symbols[symbol];
    if (live->account->has_brackets || y->position == 0 || y->profit_ticks <= 0 ||
        (y->position > 0 ? high_ticks < y->profit_ticks : low_ticks > y->profit_ticks))
        return;
    for (size_t i = 0; i < live->n_orders; i++)
        if (live->orders[i].order.symbol == symbol && live->orders[i].order.reduce_only &&
            !wk__live_over(&live->orders[i]))
            return; /* it is being closed */
    wk_order order = {.id = target_id(live, symbol),
                      .symbol = symbol,
                      .side = y->position > 0 ? WK_SIDE_SELL : WK_SIDE_BUY,
                      .kind = WK_ORDER_MARKET,
                      .reason = WK_REASON_TAKE_PROFIT,
                      .reduce_only = true,
                      .qty_lots = llabs(y->position)};
    uint64_t parent = y->entry_id;
    wk__live_add(live, &order)->parent = parent;
}

void wk__live_stream_order(wk__live *live, const wk_venue_order *order)
{
    for (size_t i = 0; i < live->n_orders; i++) {
        wk__live_order *o = &live->orders[i];
        bool ours = (order->client_id != 0 && order->client_id == o->order.id) ||
                    (order->venue_id[0] && strcmp(order->venue_id, o->venue_id) == 0);
        /* The stream only says when to look: frames come late, twice and out of order. */
        if (ours && (o->state == WK__LIVE_WORKING || o->state == WK__LIVE_UNKNOWN))
            o->next_ns = 0;
    }
    for (size_t s = 0; s < live->options.S && order->client_id != 0 && !order->is_open; s++)
        if (live->symbols[s].stop_id == order->client_id)
            live->symbols[s].stop_unsure = true;
}

void wk__live_stream_fill(wk__live *live, const wk_venue_fill *fill)
{
    if (!wk__live_fill(live, fill))
        live->fills_wanted = true;
}

void wk__live_stream_lost(wk__live *live)
{
    live->fills_wanted = true;
    live->fills_next_ns = 0;
    for (size_t i = 0; i < live->n_orders; i++)
        if (live->orders[i].state == WK__LIVE_WORKING)
            live->orders[i].next_ns = 0;
    wk__live_doubt_stops(live, false);
}

void wk__live_look(wk__live *live)
{
    wk__live_stream_lost(live);
    live->fills_tried_ns = live->fills_read_ns > 0 ? live->fills_tried_ns - WK_NS_PER_S : 0;
}

bool wk__live_unsettled(const wk__live *live)
{
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        /* A market order is over within moments, and until its fill is seen its position has no
         * stop where the venue keeps no brackets. */
        if (!wk__live_over(o) &&
            (o->state != WK__LIVE_WORKING || o->cancel_wanted || o->expired ||
             o->order.kind == WK_ORDER_MARKET || o->venue_filled_lots > o->filled_lots))
            return true;
    }
    if (!wk__live_stops_settled(live))
        return true;
    return live->fills_wanted || live->fills_deferred;
}

static int64_t back_off(wk__live_order *o, int64_t least_ns)
{
    o->backoff_ns = o->backoff_ns > 0 ? 2 * o->backoff_ns : WK_NS_PER_S / 5;
    if (o->backoff_ns > 5 * WK_NS_PER_S)
        o->backoff_ns = 5 * WK_NS_PER_S;
    return o->backoff_ns > least_ns ? o->backoff_ns : least_ns;
}

/* What the venue says of an order that it has. */
static void adopt(wk__live *live, wk__live_order *o, const wk_venue_order *told)
{
    bool is_new = o->state == WK__LIVE_PLANNED || o->state == WK__LIVE_UNKNOWN;
    if (told->venue_id[0])
        memcpy(o->venue_id, told->venue_id, sizeof o->venue_id);
    if (told->filled_lots > o->venue_filled_lots)
        o->venue_filled_lots = told->filled_lots;
    o->unseen = 0;
    o->state = told->is_open ? WK__LIVE_WORKING : WK__LIVE_SETTLING;
    if (is_new) {
        wk__live_state_row(live, o, told->is_open ? "working" : "acked", told->state);
        if (!o->recovered)
            tell(live, o, WK_TRADER_EVENT_ACK, (wk_reason)o->order.reason);
        o->backoff_ns = 0;
    }
    if (o->venue_filled_lots > o->filled_lots)
        live->fills_wanted = true;
    int64_t wait = back_off(o, 0);
    o->next_ns = wk__live_now(live) + (wait < live->options.poll_ns ? wait : live->options.poll_ns);
    wk__live_settle(live, o);
}

static void troubled(wk__live *live, wk__live_order *o, wk_request_result result, int64_t wait_ns,
                     const char *why)
{
    if (result == WK_REQUEST_STOP) {
        wk__live_stop_trading(live, why);
        wait_ns = 5 * WK_NS_PER_S;
    }
    o->next_ns = wk__live_now(live) + back_off(o, wait_ns);
    wk_log_write(WK_LOG_WARN, "trade.order", "order=%" PRIu64 " result=%s why=\"%s\"", o->order.id,
                 wk__live_result_word(result), why);
}

/* Whole numbers only, rounded down: liquidation then lies further away, never nearer. */
static double whole(double leverage)
{
    return leverage < 2 ? 1 : (double)(int64_t)leverage;
}

/* Before the first entry of a market, and whenever it changes; false: not set, the order waits or
 * has ended. */
static bool set_leverage(wk__live *live, wk__live_order *o)
{
    char why[256] = "";
    wk__live_symbol *y = &live->symbols[o->order.symbol];
    double wanted = o->order.leverage > 0 ? o->order.leverage : live->options.leverage;
    if (o->order.reduce_only || !live->account->leverage || !(wanted > 0) ||
        whole(wanted) == y->leverage)
        return true;
    wk_request_result result =
        live->account->leverage(live->account->self, o->order.symbol, whole(wanted), why);
    if (result == WK_REQUEST_DONE) {
        y->leverage = whole(wanted);
        return true;
    }
    y->leverage = 0; /* a time-out may have set it */
    if (result == WK_REQUEST_REFUSED && o->attempts == 0)
        end(live, o, WK__LIVE_REFUSED, why);
    else
        troubled(live, o, result, 0, why);
    return false;
}

static void place(wk__live *live, wk__live_order *o)
{
    char why[256] = "";
    int64_t wait = 0;
    if (!set_leverage(live, o))
        return;
    wk_venue_order told = {0};
    wk_order order = o->order;
    const wk__live_symbol *y = &live->symbols[order.symbol];
    if (order.reduce_only && !live->account->has_brackets) {
        /* The venue itself would let it open a position. */
        int64_t there = -order.side * y->position;
        if (there <= 0) {
            end(live, o, WK__LIVE_CANCELLED, "nothing to reduce");
            return;
        }
        if (order.qty_lots > there)
            order.qty_lots = there;
    }
    int64_t now = wk__live_now(live);
    if (o->attempts++ == 0)
        o->first_sent_ns = now;
    bool doubted = o->doubt_ns > 0;
    if (!doubted)
        o->doubt_ns = now;
    wk__live_state_row(live, o, "sent", "");
    wk_request_result result = live->account->place(live->account->self, &order, &told, &wait, why);
    o->sent_ns = wk__live_now(live);
    switch (result) {
    case WK_REQUEST_DONE:
        adopt(live, o, &told);
        break;
    case WK_REQUEST_REFUSED:
        if (o->attempts > 1) {
            /* An earlier attempt may be what it collides with. */
            o->state = WK__LIVE_UNKNOWN;
            o->next_ns = 0;
            o->unseen = -1;
        } else
            end(live, o, WK__LIVE_REFUSED, why);
        break;
    case WK_REQUEST_UNKNOWN:
        o->state = WK__LIVE_UNKNOWN;
        o->backoff_ns = 0;
        wk__live_state_row(live, o, "unknown", why);
        troubled(live, o, result, wait, why);
        break;
    case WK_REQUEST_LATER:
        if (!doubted)
            o->doubt_ns = 0; /* it was not taken */
        troubled(live, o, result, wait, why);
        break;
    case WK_REQUEST_STOP:
        wk__live_stop_trading(live, why);
        if (!o->order.reduce_only && o->attempts == 1)
            end(live, o, WK__LIVE_REFUSED, why);
        else
            troubled(live, o, result, wait, why);
        break;
    }
}

static void ask(wk__live *live, wk__live_order *o)
{
    char why[256] = "";
    int64_t wait = 0, asked_ns = wk__live_now(live);
    wk_venue_order told = {0};
    wk_request_result result =
        live->account->query(live->account->self, o->order.symbol, o->order.id, &told, &wait, why);
    if (result == WK_REQUEST_DONE) {
        adopt(live, o, &told);
        return;
    }
    if (result != WK_REQUEST_REFUSED) {
        troubled(live, o, result, wait, why);
        return;
    }
    bool lapsed =
        asked_ns > o->sent_ns + live->account->validity_ns(live->account->self) + MARGIN_NS;
    if (o->state == WK__LIVE_WORKING) {
        /* It was there and is not: believed when said three times, long after it was sent. */
        if (lapsed && ++o->unseen >= 3) {
            o->state = WK__LIVE_SETTLING;
            wk__live_settle(live, o);
            return;
        }
        o->next_ns = wk__live_now(live) + back_off(o, WK_NS_PER_S);
        return;
    }
    if (!lapsed) {
        o->next_ns = wk__live_now(live) + back_off(o, 0);
        return;
    }
    if (o->unseen < 0)
        end(live, o, WK__LIVE_REFUSED, "refused when it was sent again");
    else if (o->cancel_wanted || o->expired ||
             (!o->order.reduce_only && (o->recovered || live->stopped)))
        end(live, o, WK__LIVE_CANCELLED, "the venue never saw it");
    else {
        o->state = WK__LIVE_PLANNED;
        o->doubt_ns = 0;
        o->backoff_ns = 0;
        o->next_ns = 0;
    }
}

static void take_back(wk__live *live, wk__live_order *o)
{
    char why[256] = "";
    int64_t wait = 0;
    wk_request_result result =
        live->account->cancel(live->account->self, o->order.symbol, o->order.id, &wait, why);
    if (result == WK_REQUEST_DONE || result == WK_REQUEST_REFUSED || result == WK_REQUEST_UNKNOWN)
        ask(live, o); /* how much of it had filled; still open: again after the back-off */
    else
        troubled(live, o, result, wait, why);
}

/* What comes first when several wait: exits, then cancels, then doubts, then entries. */
static int urgency(const wk__live_order *o)
{
    if (o->order.reduce_only)
        return o->state == WK__LIVE_PLANNED ? 0 : 1;
    return o->cancel_wanted ? 2 : o->state == WK__LIVE_PLANNED ? 4 : 3;
}

static void advance(wk__live *live, wk__live_order *o)
{
    switch (o->state) {
    case WK__LIVE_PLANNED:
        if (o->cancel_wanted || o->expired)
            end(live, o, WK__LIVE_CANCELLED, "not sent");
        else if (live->stopped && !o->order.reduce_only)
            end(live, o, WK__LIVE_REFUSED, live->why_stopped);
        else if (!o->order.reduce_only && live->symbols[o->order.symbol].foreign_lots != 0)
            end(live, o, WK__LIVE_REFUSED,
                "other hands hold a position in this market; no entry is made beside it");
        else
            place(live, o);
        break;
    case WK__LIVE_UNKNOWN:
        ask(live, o);
        break;
    case WK__LIVE_WORKING:
        if (o->cancel_wanted || o->expired)
            take_back(live, o);
        else
            ask(live, o);
        break;
    default:
        break;
    }
}

int64_t wk__live_step(wk__live *live)
{
    int64_t now = wk__live_now(live), next = INT64_MAX;
    bool works = false;
    wk__live_order *chosen = NULL;
    if (wk__live_protect(live, &next) || wk__live_deadman(live, &next))
        return now;
    for (size_t i = 0; i < live->n_orders; i++) {
        wk__live_order *o = &live->orders[i];
        if (wk__live_over(o))
            continue;
        works = true;
        if (o->order.expires_ns > 0 && now >= o->order.expires_ns && !o->expired &&
            !o->cancel_wanted && !o->order.reduce_only) {
            o->expired = true;
            if (o->state == WK__LIVE_WORKING || o->state == WK__LIVE_PLANNED)
                o->next_ns = 0;
        }
        if (o->state == WK__LIVE_SETTLING)
            continue; /* waits for its fills */
        if (o->state == WK__LIVE_PLANNED && o->order.reduce_only && !wk__live_exit_may_go(live, o))
            continue;
        if (o->order.expires_ns > now && !o->order.reduce_only && o->order.expires_ns < next)
            next = o->order.expires_ns;
        if (o->next_ns > now)
            next = o->next_ns < next ? o->next_ns : next;
        else if (!chosen || urgency(o) < urgency(chosen))
            chosen = o;
    }
    /* An exit never waits behind a look at the fills. */
    int64_t fills_ns = live->fills_next_ns + (works ? 0 : 4 * live->options.fills_ns);
    if ((live->fills_wanted || live->fills_deferred) &&
        live->fills_tried_ns + WK_NS_PER_S / 4 < fills_ns)
        fills_ns = live->fills_tried_ns + WK_NS_PER_S / 4;
    bool fills_due = fills_ns <= now;
    if (chosen && (!fills_due || urgency(chosen) == 0)) {
        advance(live, chosen);
        return now;
    }
    if (fills_due) {
        wk__live_read_fills(live);
        return now;
    }
    if (wk__live_funding(live))
        return now;
    return fills_ns < next ? fills_ns : next;
}
