/* The stop that follows the position where the venue keeps no bracket, the exits that wait for it
 * to go, and the dead-man switch. */
#include <stdio.h>
#include <string.h>

#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/hash.h"
#include "wick/log.h"

/* A venue or a person may take a stop away without a word. */
#define AUDIT_NS (300 * WK_NS_PER_S)
/* An exit waits no longer for the fills of the stop before it. */
#define OWED_NS (30 * WK_NS_PER_S)

static bool exit_works(const wk__live *live, uint32_t symbol)
{
    for (size_t i = 0; i < live->n_orders; i++)
        if (live->orders[i].order.symbol == symbol && live->orders[i].order.reduce_only &&
            !wk__live_over(&live->orders[i]))
            return true;
    return false;
}

bool wk__live_exit_may_go(wk__live *live, const wk__live_order *o)
{
    const wk__live_symbol *y = &live->symbols[o->order.symbol];
    if (live->account->has_brackets)
        return true;
    /* Two exits at once would each reduce the whole position. */
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *other = &live->orders[i];
        if (other != o && other->order.symbol == o->order.symbol && other->order.reduce_only &&
            other->state != WK__LIVE_PLANNED && !wk__live_over(other))
            return false;
    }
    return y->stop_lots == 0 && !y->stop_unsure && wk__live_stop_settled(live, o->order.symbol);
}

void wk__live_adopt_stop(wk__live *live, uint32_t symbol, uint64_t id)
{
    wk__live_symbol *y = &live->symbols[symbol];
    y->stop_id = id;
    y->stop_fresh = y->stop_new = false;
    live->stops[live->n_stops++ % WK__LIVE_STOPS] = (wk__live_stop_id){id, y->entry_id, symbol, 0};
}

/* The id under which the wanted stop rests or is to rest: the same as long as it is one order. */
static uint64_t stop_id_for(wk__live *live, uint32_t s)
{
    wk__live_symbol *y = &live->symbols[s];
    if (y->stop_id == 0 || y->stop_fresh || (!y->stop_unsure && y->stop_lots == 0)) {
        uint64_t parts[3] = {y->entry_id, s, ++y->stop_number};
        wk__live_adopt_stop(live, s, wk_digest_bytes(WK_DIGEST_START, parts, sizeof parts));
        y->stop_new = true;
        y->stop_told_lots = y->stop_filled_lots = 0;
    }
    for (size_t i = 0; i < WK__LIVE_STOPS; i++)
        if (live->stops[i].id == y->stop_id)
            live->stops[i].parent = y->entry_id;
    return y->stop_id;
}

/* A person has to know when a position is without its stop. */
static void tell_naked(wk__live *live, uint32_t s, const char *why)
{
    wk__live_symbol *y = &live->symbols[s];
    wk_journal_record row = {.kind = WK_JOURNAL_ALERT,
                             .market = s,
                             .time_ns = wk__live_now(live),
                             .state = WK__LIVE_NO_STOP};
    if (y->stop_told)
        return;
    y->stop_told = true;
    snprintf(row.text, sizeof row.text, "market %u: no stop rests for %lld lots: %.120s", s,
             (long long)y->position, why);
    wk__live_row_put(live, &row);
}

static void protect_one(wk__live *live, uint32_t s, int64_t lots)
{
    wk__live_symbol *y = &live->symbols[s];
    char why[256] = "";
    int64_t wait = 0;
    uint64_t id = lots != 0 ? stop_id_for(live, s) : y->stop_id;
    bool is_new = y->stop_new;
    wk_request_result result = live->account->protect_lots(live->account->self, s, lots,
                                                           y->stop_ticks, id, is_new, &wait, why);
    int64_t now = wk__live_now(live);
    /* Whatever failed may have done so after the old one was taken away. */
    y->stop_unsure = result != WK_REQUEST_DONE;
    if (result != WK_REQUEST_LATER)
        y->stop_new = false;
    if (lots == 0 || result == WK_REQUEST_REFUSED)
        y->stop_fresh = true;
    /* What was done needs no wait, whatever the calls before it left there. */
    y->stop_next_ns = now + (result == WK_REQUEST_DONE ? 0 : wait > 0 ? wait : WK_NS_PER_S);
    if (result == WK_REQUEST_REFUSED || (result == WK_REQUEST_DONE && lots == 0)) {
        y->stop_gone = live->n_reads;
        y->stop_gone_ns = now;
        y->stop_asked = id != 0 && !is_new && y->position != 0;
        live->fills_wanted = true;
    }
    if (result == WK_REQUEST_DONE) {
        y->stop_lots = lots;
        y->stop_at_ticks = y->stop_ticks;
        y->stop_told = false;
        return;
    }
    live->fills_wanted = true;
    if (result == WK_REQUEST_REFUSED && !is_new) {
        wk_log_write(WK_LOG_INFO, "trade.stop", "market=%s gone=%llu",
                     wk__live_market_name(live, s), (unsigned long long)id);
        return;
    }
    wk_log_write(WK_LOG_ERROR, "trade.stop", "market=%s lots=%lld result=%s why=\"%s\"",
                 wk__live_market_name(live, s), (long long)lots, wk__live_result_word(result), why);
    if (result == WK_REQUEST_REFUSED && lots != 0)
        tell_naked(live, s, why);
    if (result == WK_REQUEST_STOP)
        wk__live_stop_trading(live, why);
}

bool wk__live_stop_settled(const wk__live *live, uint32_t s)
{
    const wk__live_symbol *y = &live->symbols[s];
    bool owed =
        y->stop_told_lots > y->stop_filled_lots && wk__live_now(live) < y->stop_gone_ns + OWED_NS;
    return !y->stop_asked && !owed && live->n_reads > y->stop_gone;
}

/* How much of the stop that went had filled: a venue's list of fills may lag behind. */
static void ask_stop(wk__live *live, uint32_t s)
{
    wk__live_symbol *y = &live->symbols[s];
    char why[256] = "";
    int64_t wait = 0;
    wk_venue_order told = {0};
    wk_request_result result =
        live->account->query(live->account->self, s, y->stop_id, &told, &wait, why);
    int64_t now = wk__live_now(live);
    y->stop_next_ns = now;
    if (result == WK_REQUEST_STOP)
        wk__live_stop_trading(live, why);
    if ((result == WK_REQUEST_DONE && !told.is_open) || result == WK_REQUEST_REFUSED ||
        now > y->stop_gone_ns + OWED_NS) {
        y->stop_asked = false;
        y->stop_told_lots = result == WK_REQUEST_DONE ? told.filled_lots : 0;
        wk__live_stop_named(live, y->stop_id, told.venue_id);
        live->fills_wanted |= y->stop_told_lots > y->stop_filled_lots;
    } else {
        y->stop_next_ns = now + (wait > 0 ? wait : WK_NS_PER_S / 4);
    }
}

void wk__live_doubt_stops(wk__live *live, bool all)
{
    for (uint32_t s = 0; s < live->options.S && !live->account->has_brackets; s++)
        live->symbols[s].stop_unsure |= all || live->symbols[s].position != 0;
}

/* The lots that a stop should rest for. */
static int64_t stop_wanted(const wk__live *live, uint32_t s)
{
    const wk__live_symbol *y = &live->symbols[s];
    return y->stop_ticks > 0 && !exit_works(live, s) ? y->position : 0;
}

bool wk__live_wants_stop(const wk__live *live, uint32_t s)
{
    return !live->account->has_brackets && stop_wanted(live, s) != live->symbols[s].stop_lots;
}

bool wk__live_stops_settled(const wk__live *live)
{
    for (uint32_t s = 0; !live->account->has_brackets && s < live->options.S; s++)
        if (live->symbols[s].stop_unsure || wk__live_wants_stop(live, s) ||
            !wk__live_stop_settled(live, s))
            return false;
    return true;
}

bool wk__live_protect(wk__live *live, int64_t *next_ns)
{
    /* What is held is not known before the fills were read. */
    if (live->account->has_brackets || live->n_reads == 0)
        return false;
    if (wk__live_now(live) >= live->audit_ns) {
        wk__live_doubt_stops(live, !live->audited);
        live->audited = true;
        live->audit_ns = wk__live_now(live) + AUDIT_NS;
    }
    for (uint32_t s = 0; s < live->options.S; s++) {
        wk__live_symbol *y = &live->symbols[s];
        int64_t lots = stop_wanted(live, s);
        /* A fill waits whose order is in doubt: there may be something to protect after all. */
        if (lots == 0 && y->is_held && !exit_works(live, s))
            continue;
        if (!y->stop_asked && lots == y->stop_lots && !y->stop_unsure &&
            (lots == 0 || y->stop_at_ticks == y->stop_ticks))
            continue;
        if (lots != 0 && !y->stop_asked && !wk__live_stop_settled(live, s))
            continue; /* it may have filled: the fills come first */
        if (y->stop_next_ns > wk__live_now(live)) {
            if (y->stop_next_ns < *next_ns)
                *next_ns = y->stop_next_ns;
            continue;
        }
        if (y->stop_asked)
            ask_stop(live, s);
        else
            protect_one(live, s, lots);
        return true;
    }
    return false;
}

static bool deadman_wanted(const wk__live *live)
{
    bool entries = false;
    for (uint32_t s = 0; s < live->options.S; s++)
        if (live->symbols[s].position != 0 || live->symbols[s].foreign_lots != 0)
            return false;
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        if (wk__live_over(o))
            continue;
        /* A fill may have made a position that has not been read yet. */
        if (o->order.reduce_only || o->state == WK__LIVE_SETTLING || o->filled_lots > 0 ||
            o->venue_filled_lots > 0 || o->order.kind == WK_ORDER_MARKET)
            return false;
        entries |= o->state == WK__LIVE_WORKING;
    }
    return entries;
}

bool wk__live_deadman(wk__live *live, int64_t *next_ns)
{
    if (live->options.deadman_ns <= 0 || !live->account->deadman)
        return false;
    bool wanted = deadman_wanted(live);
    int64_t now = wk__live_now(live);
    if (!wanted && !live->deadman_armed)
        return false;
    /* To disarm waits for nothing but the pause after a failure. */
    if ((wanted || live->deadman_failed) && now < live->deadman_next_ns) {
        if (live->deadman_next_ns < *next_ns)
            *next_ns = live->deadman_next_ns;
        return false;
    }
    char why[256] = "";
    wk_request_result result =
        live->account->deadman(live->account->self, wanted ? live->options.deadman_ns : 0, why);
    bool done = result == WK_REQUEST_DONE;
    if (!done)
        wk_log_write(WK_LOG_WARN, "trade.deadman", "armed=%d result=%s why=\"%s\"", (int)wanted,
                     wk__live_result_word(result), why);
    if (done || result == WK_REQUEST_UNKNOWN)
        live->deadman_armed = wanted || !done; /* in doubt it is taken as armed */
    live->deadman_failed = !done;
    live->deadman_next_ns =
        wk__live_now(live) + (done && wanted ? live->options.deadman_ns / 3 : WK_NS_PER_S);
    return true;
}
