/* Funding: what the venue books to the wallet for positions held at its marks. */
#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/log.h"

/* A venue's marks lie hours apart; an entry may show some time after its own. */
#define EVERY_NS (300 * WK_NS_PER_S)
#define AGAIN_NS (30 * WK_NS_PER_S)
#define LATE_NS (3600 * WK_NS_PER_S)

static bool is_wanted(const wk__live *live)
{
    for (size_t s = 0; s < live->options.S; s++)
        if (live->symbols[s].position != 0 ||
            wk__live_now(live) < live->symbols[s].held_ns + LATE_NS)
            return true;
    return false;
}

static void take(wk__live *live, const wk_venue_funding *f)
{
    if (f->symbol >= live->options.S || f->amount_e8 == 0 || !f->id[0])
        return;
    const wk__live_symbol *y = &live->symbols[f->symbol];
    /* Of a position of other hands; one that is held beside ours is not told apart. */
    if (y->position == 0 && f->time_ns > y->held_ns)
        return;
    if (wk__live_known(live, f->id))
        return;
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FUNDING,
                         .time_ns = f->time_ns,
                         .symbol = f->symbol,
                         .amount_e8 = f->amount_e8};
    wk_journal_record row = {.kind = WK_JOURNAL_FUNDING,
                             .market = f->symbol,
                             .time_ns = f->time_ns,
                             .amount_e8 = f->amount_e8};
    _Static_assert(sizeof row.venue_id >= sizeof f->id, "ids fit");
    for (size_t i = 0; i < sizeof f->id; i++)
        row.venue_id[i] = f->id[i];
    wk__live_row_put(live, &row);
    wk__live_say(live, &e);
}

bool wk__live_funding(wk__live *live)
{
    int64_t now = wk__live_now(live);
    if (!live->account->funding || now < live->funding_next_ns || live->n_reads == 0 ||
        !is_wanted(live))
        return false;
    char why[256] = "";
    size_t n = 0;
    wk_request_result result = live->account->funding(live->account->self, live->funding_from_ns,
                                                      live->funding, WK__LIVE_FUNDING, &n, why);
    int64_t asked_ns = now;
    now = wk__live_now(live);
    if (result != WK_REQUEST_DONE) {
        /* Nothing that trades waits for it, and nothing stops for it. */
        wk_log_write(WK_LOG_WARN, "trade.funding", "why=\"%s\"", why);
        live->funding_next_ns = now + AGAIN_NS;
        return true;
    }
    for (size_t i = n; i-- > 0;) /* a venue lists the newest first */
        take(live, &live->funding[i]);
    if (n < WK__LIVE_FUNDING)
        live->funding_from_ns = asked_ns - LATE_NS;
    live->funding_next_ns = now + EVERY_NS;
    return true;
}
