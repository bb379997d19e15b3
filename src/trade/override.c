/* What a person wants, see wk_override. It acts at once, without waiting for a close. */
#include "trader.h"

/* A waiting entry is given up; what it misses is followed until its signal ends. */
static void give_up(wk_trader *t, size_t s, wk_actions *actions)
{
    if (t->limit[s].id != 0) {
        t->missed[s] = t->limit[s];
        wk__trader_drop_limit(t, s, actions);
    }
    if (t->take[s].id != 0) {
        t->missed[s] = t->take[s];
        t->take[s].id = 0;
    }
}

static void flatten(wk_trader *t, size_t s, wk_actions *actions)
{
    wk__rule *r = &t->rule[s];
    int64_t lots = wk__trader_intended(t, s);
    if (r->exits_step != t->step) {
        r->exits_step = t->step;
        r->exits = 0;
    }
    /* The order id has room for 15 attempts a bar; the next close goes on. */
    if (lots == 0 || r->exits == 15)
        return;
    wk__trader_leave(t, s, lots, WK_REASON_MANUAL, ++r->exits, actions);
}

static void apply(wk_trader *t, const wk_trader_event *e, size_t s, wk_actions *actions)
{
    wk__rule *r = &t->rule[s];
    switch ((wk_override)e->override) {
    case WK_OVERRIDE_FLAT:
        give_up(t, s, actions);
        r->force = 0;
        r->flat = true;
        if (e->until_ns > r->block_until_ns)
            r->block_until_ns = e->until_ns;
        flatten(t, s, actions);
        break;
    case WK_OVERRIDE_BLOCK:
        give_up(t, s, actions);
        r->block_until_ns = e->until_ns;
        break;
    case WK_OVERRIDE_FORCE:
        WK_ASSERT(e->side == 1 || e->side == -1);
        r->flat = false;
        r->force = e->side;
        r->force_until_ns = e->until_ns;
        break;
    case WK_OVERRIDE_CLEAR:
        r->flat = false;
        r->force = 0;
        r->block_until_ns = INT64_MIN;
        break;
    case WK_OVERRIDE_GIVE_UP:
        give_up(t, s, actions);
        break;
    }
}

void wk__trader_override(wk_trader *t, const wk_trader_event *e, wk_actions *actions)
{
    bool all = e->symbol == WK_ALL_MARKETS;
    WK_ASSERT(all || e->symbol < t->S);
    t->overridden = t->guarded = true;
    size_t first = all ? 0 : e->symbol, end = all ? t->S : first + 1;
    for (size_t s = first; s < end; s++)
        apply(t, e, s, actions);
}
