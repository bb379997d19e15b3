/* The start at a venue: what the journal says against what the venue says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { OPEN_MAX = 1024 };

/* So long fills and balance must differ, unchanged, before it is believed: an order that works may
 * fill between the two questions, and a venue may show a fill later than what it moved. */
#define DIFFER_NS (10 * WK_NS_PER_S)
/* So long a start waits for the stops of its positions. */
#define STOPS_NS (15 * WK_NS_PER_S)
#define LOOK_AGAIN_NS (3 * WK_NS_PER_S)

static void pause_for(wk__live *live, int64_t ns)
{
    if (live->options.sleep) {
        live->options.sleep(live->options.time_ctx, ns);
        return;
    }
    struct timespec t = {(time_t)(ns / WK_NS_PER_S), (long)(ns % WK_NS_PER_S)};
    nanosleep(&t, NULL);
}

/* One step, and the wait for the next one, of at most a second. */
static void step_and_wait(wk__live *live, int64_t until_ns)
{
    int64_t next = wk__live_step(live), now = wk__live_now(live);
    int64_t longest = until_ns - now < WK_NS_PER_S ? until_ns - now : WK_NS_PER_S;
    if (next > now && longest > 0)
        pause_for(live, next - now < longest ? next - now : longest);
}

static bool closes(const wk__live_symbol *y, int side)
{
    return y->position != 0 && (y->position > 0) != (side > 0);
}

/* Orders that the venue has and the journal does not: ours are cancelled (an entry was never
 * durable, an exit's row was lost with the process and is decided anew), other hands' are counted.
 */
static wk_status read_open(wk__live *live, wk_reconciliation *found, int64_t until_ns, wk_err *err)
{
    wk_venue_order *open = calloc(OPEN_MAX, sizeof *open);
    if (!open)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n = 0;
    char why[256] = "";
    wk_request_result result;
    while ((result = live->account->open_orders(live->account->self, open, OPEN_MAX, &n, why)) !=
               WK_REQUEST_DONE &&
           result != WK_REQUEST_STOP && wk__live_now(live) < until_ns)
        pause_for(live, WK_NS_PER_S);
    for (size_t i = 0; result == WK_REQUEST_DONE && i < n; i++) {
        const wk_venue_order *v = &open[i];
        bool known = v->client_id == 0 || v->symbol >= live->options.S;
        found->n_foreign_orders += known;
        for (size_t k = 0; !known && k < live->n_orders; k++)
            known = live->orders[k].order.id == v->client_id;
        wk__live_symbol *y = known ? NULL : &live->symbols[v->symbol];
        if (known)
            continue;
        if (!live->account->has_brackets && v->stop_ticks > 0) {
            /* Stops follow the position, not the journal: one that may be right stays. */
            if (y->stop_id == 0 && v->filled_lots == 0 && (y->position == 0 || closes(y, v->side)))
                wk__live_adopt_stop(live, v->symbol, v->client_id);
            continue;
        }
        found->n_orphans++;
        wk_order order = {.id = v->client_id,
                          .symbol = v->symbol,
                          .side = v->side,
                          .reason = WK_REASON_END,
                          .reduce_only = v->reduce_only || closes(y, v->side),
                          .qty_lots = v->qty_lots,
                          .price_ticks = v->price_ticks};
        wk__live_order *o = wk__live_add(live, &order);
        o->state = WK__LIVE_WORKING;
        o->recovered = o->orphan = o->cancel_wanted = true;
        o->attempts = 1;
        o->first_sent_ns = v->created_ns > 0 ? v->created_ns : wk__live_now(live);
        o->sent_ns = wk__live_now(live);
        memcpy(o->venue_id, v->venue_id, sizeof o->venue_id);
    }
    free(open);
    if (result != WK_REQUEST_DONE)
        return wk_fail(err, WK_E_IO, "the venue does not tell its open orders: %s", why);
    return WK_OK;
}

/* An exit that the venue never saw is sent anew: that one is this run's, and no start waits for it.
 */
static bool in_doubt(const wk__live *live)
{
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        bool anew = o->state == WK__LIVE_PLANNED || o->attempts > 1;
        if (o->recovered && !wk__live_over(o) && !anew &&
            (o->state != WK__LIVE_WORKING || o->cancel_wanted))
            return true;
    }
    return live->fills_read_ns == 0 || live->fills_wanted || live->fills_deferred;
}

static wk_status settle_doubts(wk__live *live, int64_t until_ns, wk_err *err)
{
    while (in_doubt(live)) {
        step_and_wait(live, until_ns);
        if (live->stopped)
            return wk_fail(err, WK_E_STATE, "the venue refuses to work with us: %s",
                           live->why_stopped);
        if (wk__live_now(live) >= until_ns)
            return wk_fail(
                err, WK_E_IO,
                "orders of the last run are still in doubt after %lld s; is the venue "
                "up?",
                (long long)(60 + live->account->validity_ns(live->account->self) / WK_NS_PER_S));
    }
    return WK_OK;
}

/* ---- positions ---- */

/* A difference, and since when it has been the same. */
typedef struct {
    int64_t there, ours, since_ns; /* 0: none */
} difference;

/* What the venue holds beyond ours is of other hands: left alone. What it holds less, other hands
 * have closed, or the venue did when nobody looked: there is nothing of it to trade any more. On a
 * spot venue a holding is no position, and more of it is nobody's business. */
static void settle_difference(wk__live *live, uint32_t s, int64_t there)
{
    wk__live_symbol *y = &live->symbols[s];
    int64_t ours = y->position;
    bool less =
        ours != 0 && ((there > 0) != (ours > 0) || llabs(there) < llabs(ours) || there == 0);
    if (less)
        wk__live_lost_position(live, s, (there > 0) == (ours > 0) ? there : 0);
    if (live->account->has_brackets)
        y->foreign_lots = there - y->position;
}

static bool agrees(const wk__live *live, uint32_t s, int64_t there)
{
    int64_t ours = live->symbols[s].position;
    return there == ours || (!live->account->has_brackets && there > ours && ours >= 0);
}

/* Asks for the positions once; *waits: a difference is there that is not old enough. */
static wk_status look_at_positions(wk__live *live, wk_venue_position *v, difference *d, bool *waits,
                                   int64_t until_ns, wk_err *err)
{
    size_t n = 0;
    char why[256] = "";
    wk_request_result result;
    while ((result = live->account->positions(live->account->self, v, live->options.S, &n, why)) !=
               WK_REQUEST_DONE &&
           result != WK_REQUEST_STOP && wk__live_now(live) < until_ns)
        step_and_wait(live, wk__live_now(live) + WK_NS_PER_S);
    if (result != WK_REQUEST_DONE)
        return wk_fail(err, WK_E_IO, "the venue does not tell its positions: %s", why);
    *waits = false;
    int64_t now = wk__live_now(live);
    for (uint32_t s = 0; s < live->options.S; s++) {
        int64_t there = 0, ours = live->symbols[s].position;
        for (size_t i = 0; i < n; i++)
            if (v[i].symbol == s)
                there = v[i].qty_lots;
        if (agrees(live, s, there))
            d[s].since_ns = 0;
        else if (d[s].since_ns == 0 || d[s].there != there || d[s].ours != ours)
            d[s] = (difference){there, ours, now};
        *waits |= d[s].since_ns > 0 && now - d[s].since_ns < DIFFER_NS;
    }
    return WK_OK;
}

/* Fills are read anew between two looks: what fills meanwhile shows up in both, and only what stays
 * different was done by nobody that the fills tell of. */
static wk_status watch_positions(wk__live *live, wk_venue_position *v, difference *d, wk_err *err)
{
    int64_t until = wk__live_now(live) + 60 * WK_NS_PER_S;
    bool waits = true;
    for (;;) {
        WK_TRY(look_at_positions(live, v, d, &waits, until, err));
        int64_t now = wk__live_now(live);
        if (!waits || now >= until)
            return WK_OK;
        while (wk__live_now(live) < now + LOOK_AGAIN_NS)
            step_and_wait(live, now + LOOK_AGAIN_NS);
        live->fills_wanted = true;
        live->fills_next_ns = 0;
        WK_TRY(settle_doubts(live, until + 10 * WK_NS_PER_S, err));
    }
}

static wk_status compare_positions(wk__live *live, wk_reconciliation *found, wk_err *err)
{
    wk_venue_position *v = calloc(live->options.S + 1, sizeof *v);
    difference *d = calloc(live->options.S + 1, sizeof *d);
    wk_status status = WK_E_NOMEM;
    if (v && d)
        status = watch_positions(live, v, d, err);
    else
        wk_fail(err, status, "out of memory");
    int64_t now = wk__live_now(live);
    for (uint32_t s = 0; status == WK_OK && s < live->options.S; s++) {
        if (d[s].since_ns == 0)
            continue;
        bool believed = now - d[s].since_ns >= DIFFER_NS && d[s].ours == live->symbols[s].position;
        wk_log_write(WK_LOG_WARN, "trade.reconcile", "market=%s ours=%lld venue=%lld believed=%d",
                     wk__live_market_name(live, s), (long long)d[s].ours, (long long)d[s].there,
                     believed);
        if (!believed)
            continue; /* it moves: the fills will tell, or the next start */
        if (found->n_differences < WK_RECONCILED_MAX) {
            found->differences[found->n_differences].symbol = s;
            found->differences[found->n_differences].ours_lots = d[s].ours;
            found->differences[found->n_differences].venue_lots = d[s].there;
        }
        found->n_differences++;
        settle_difference(live, s, d[s].there);
    }
    free(v);
    free(d);
    return status;
}

/* A position of the last run has its stop before anything else is done; one that is refused is for
 * the thread to try on. */
static void settle_stops(wk__live *live)
{
    int64_t until = wk__live_now(live) + STOPS_NS;
    for (uint32_t s = 0; !live->account->has_brackets && s < live->options.S; s++)
        while ((live->symbols[s].stop_unsure || wk__live_wants_stop(live, s)) &&
               wk__live_now(live) < until && !live->stopped)
            step_and_wait(live, until);
}

wk_status wk__live_reconcile(wk__live *live, wk_reconciliation *found, wk_err *err)
{
    wk_reconciliation result = {0};
    int64_t until =
        wk__live_now(live) + live->account->validity_ns(live->account->self) + 60 * WK_NS_PER_S;
    WK_TRY(read_open(live, &result, until, err));
    WK_TRY(settle_doubts(live, until, err));
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        if (o->recovered && o->venue_id[0])
            result.n_adopted++;
        else if (o->recovered)
            result.n_never_sent++;
    }
    result.n_adopted -= result.n_orphans < result.n_adopted ? result.n_orphans : result.n_adopted;
    WK_TRY(compare_positions(live, &result, err));
    settle_stops(live);
    wk__live_funding(live);
    result.n_missed_fills = live->n_missed;
    *found = result;
    return WK_OK;
}
