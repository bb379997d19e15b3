/* Round trips: what a market's fills add up to between two flat moments. */
#include "wick/ledger.h"

#include <string.h>

#include "wick/money.h"

/* The trade that a market is in. Cash is in 1e-8. */
typedef struct {
    int64_t held; /* signed lots */
    int64_t entry_lots, exit_lots;
    int64_t cash_e8, fees_e8, slippage_e8, funding_e8, entry_value_e8;
    double entry_ticks_lots, exit_ticks_lots, entry_slip, exit_slip;
    size_t entry_step;
    int64_t entry_ns;
    double score;
    int8_t side;
} open_trade;

/* Venues are asked for funding every few minutes, and for fills at other moments: a payment may be
 * told before the fill that opened its trade, and after the one that closed it. */
enum { CLOSED = 8, WAITING = 8 };
typedef struct {
    wk_trade v[CLOSED];
    int64_t funding_e8[CLOSED], net_e8[CLOSED];
    size_t n; /* ever closed; the newest is n - 1, modulo CLOSED */
} closed_trades;

/* Payments whose trade is not closed yet, as far as is known. */
typedef struct {
    int64_t time_ns[WAITING], amount_e8[WAITING];
    size_t n;
} waiting_funding;

struct wk_ledger {
    size_t S;
    wk_unit *unit;
    double *tick, *lot;
    open_trade *open;         /* [S] */
    closed_trades *closed;    /* [S] */
    waiting_funding *waiting; /* [S] */
};

static double quote(int64_t e8)
{
    return (double)e8 / 1e8;
}

wk_status wk_ledger_plan(wk_arena *arena, const wk_trade_instrument *instruments, size_t S,
                         wk_ledger **out, wk_err *err)
{
    wk_ledger *l = wk_arena_alloc(arena, sizeof *l);
    l->S = S;
    l->unit = wk_arena_array(arena, wk_unit, S);
    l->tick = wk_arena_array(arena, double, S);
    l->lot = wk_arena_array(arena, double, S);
    l->open = wk_arena_array(arena, open_trade, S);
    l->closed = wk_arena_array(arena, closed_trades, S);
    l->waiting = wk_arena_array(arena, waiting_funding, S);
    for (size_t s = 0; s < S; s++) {
        l->tick[s] = instruments[s].tick;
        l->lot[s] = instruments[s].lot;
        if (!wk_unit_init(&l->unit[s], l->tick[s], l->lot[s]))
            return wk_fail(
                err, WK_E_ARG,
                "instrument %s: tick %g or lot %g is no positive decimal that the money type "
                "can hold",
                instruments[s].symbol, l->tick[s], l->lot[s]);
    }
    *out = l;
    return WK_OK;
}

/* The mark's own instant belongs to what was held before it. */
static bool holds(int64_t entry_ns, int64_t exit_ns, int64_t time_ns)
{
    return time_ns > entry_ns && time_ns <= exit_ns;
}

/* What waits for the trade that closes now; what is older is of none. */
static void take_waiting(wk_ledger *l, uint32_t symbol, int64_t exit_ns)
{
    waiting_funding *w = &l->waiting[symbol];
    open_trade *o = &l->open[symbol];
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (holds(o->entry_ns, exit_ns, w->time_ns[i])) {
            o->funding_e8 += w->amount_e8[i];
        } else if (w->time_ns[i] > exit_ns) {
            w->time_ns[kept] = w->time_ns[i];
            w->amount_e8[kept++] = w->amount_e8[i];
        }
    }
    w->n = kept;
}

static void close_trade(wk_ledger *l, const wk_trader_event *e, size_t step, wk_trade *trade)
{
    open_trade *o = &l->open[e->symbol];
    double tick = l->tick[e->symbol], qty = (double)o->entry_lots * l->lot[e->symbol];
    take_waiting(l, e->symbol, e->time_ns);
    int64_t net = o->cash_e8 - o->fees_e8 - o->slippage_e8 + o->funding_e8;
    *trade = (wk_trade){
        .symbol = e->symbol,
        .side = o->side,
        .exit_reason = e->reason,
        .entry_step = o->entry_step,
        .exit_step = step,
        .entry_ns = o->entry_ns,
        .exit_ns = e->time_ns,
        .entry_price =
            o->entry_ticks_lots / (double)o->entry_lots * tick + o->side * o->entry_slip / qty,
        .exit_price =
            o->exit_ticks_lots / (double)o->exit_lots * tick - o->side * o->exit_slip / qty,
        .qty = qty,
        .notional = quote(o->entry_value_e8),
        .gross = quote(o->cash_e8),
        .fees = quote(o->fees_e8),
        .slippage = quote(o->slippage_e8),
        .funding = quote(o->funding_e8),
        .net = quote(net),
        .score = o->score,
    };
    closed_trades *c = &l->closed[e->symbol];
    size_t i = c->n++ % CLOSED;
    c->v[i] = *trade;
    c->funding_e8[i] = o->funding_e8;
    c->net_e8[i] = net;
    memset(o, 0, sizeof *o);
}

wk_status wk_ledger_fill(wk_ledger *l, const wk_trader_event *e, size_t step, double score,
                         int64_t *cash_e8, bool *closed, wk_trade *trade, wk_err *err)
{
    WK_ASSERT(e->symbol < l->S);
    open_trade *o = &l->open[e->symbol];
    int64_t cash;
    if (!wk_money_fill(&l->unit[e->symbol], e->side, e->qty_lots, e->price_ticks, &cash))
        return wk_fail(err, WK_E_RANGE, "money overflow in market %u", e->symbol);
    int64_t value = cash < 0 ? -cash : cash;
    bool adds = o->held == 0 || (o->held > 0) == (e->side > 0);
    if (o->held == 0) {
        o->side = e->side;
        o->entry_step = step;
        o->entry_ns = e->time_ns;
        o->score = score;
    }
    o->held += e->side * e->qty_lots;
    o->cash_e8 += cash;
    o->fees_e8 += e->fee_e8;
    o->slippage_e8 += e->slippage_e8;
    if (adds) {
        o->entry_lots += e->qty_lots;
        o->entry_value_e8 += value;
        o->entry_ticks_lots += (double)e->price_ticks * (double)e->qty_lots;
        o->entry_slip += quote(e->slippage_e8);
    } else {
        o->exit_lots += e->qty_lots;
        o->exit_ticks_lots += (double)e->price_ticks * (double)e->qty_lots;
        o->exit_slip += quote(e->slippage_e8);
    }
    *cash_e8 = cash;
    *closed = o->held == 0;
    if (*closed)
        close_trade(l, e, step, trade);
    return WK_OK;
}

wk_status wk_ledger_restore(wk_ledger *l, const wk_ledger_position *p, wk_err *err)
{
    WK_ASSERT(p->symbol < l->S);
    open_trade *o = &l->open[p->symbol];
    memset(o, 0, sizeof *o);
    if (p->lots == 0)
        return WK_OK;
    wk_trader_event fill = {.kind = WK_TRADER_EVENT_FILL,
                            .time_ns = p->entry_ns,
                            .symbol = p->symbol,
                            .side = p->lots > 0 ? WK_SIDE_BUY : WK_SIDE_SELL,
                            .qty_lots = p->lots > 0 ? p->lots : -p->lots,
                            .price_ticks = p->entry_ticks,
                            .fee_e8 = p->fees_e8,
                            .slippage_e8 = p->slippage_e8};
    int64_t cash;
    bool closed;
    wk_trade trade;
    WK_TRY(wk_ledger_fill(l, &fill, p->entry_step, p->score, &cash, &closed, &trade, err));
    o->funding_e8 = p->funding_e8;
    return WK_OK;
}

void wk_ledger_funding(wk_ledger *l, uint32_t symbol, int64_t amount_e8)
{
    WK_ASSERT(symbol < l->S);
    l->open[symbol].funding_e8 += amount_e8;
}

bool wk_ledger_late_funding(wk_ledger *l, uint32_t symbol, int64_t time_ns, int64_t amount_e8,
                            wk_trade changed[2])
{
    WK_ASSERT(symbol < l->S);
    closed_trades *c = &l->closed[symbol];
    waiting_funding *w = &l->waiting[symbol];
    size_t kept = c->n < CLOSED ? c->n : CLOSED;
    for (size_t k = 1; k <= kept; k++) {
        size_t i = (c->n - k) % CLOSED;
        wk_trade *trade = &c->v[i];
        if (!holds(trade->entry_ns, trade->exit_ns, time_ns))
            continue;
        changed[0] = *trade;
        c->funding_e8[i] += amount_e8;
        c->net_e8[i] += amount_e8;
        trade->funding = quote(c->funding_e8[i]);
        trade->net = quote(c->net_e8[i]);
        changed[1] = *trade;
        return true;
    }
    if (w->n == WAITING) { /* marks lie hours apart: the oldest is of what is held */
        l->open[symbol].funding_e8 += l->open[symbol].held ? w->amount_e8[0] : 0;
        memmove(w->time_ns, w->time_ns + 1, (WAITING - 1) * sizeof *w->time_ns);
        memmove(w->amount_e8, w->amount_e8 + 1, (WAITING - 1) * sizeof *w->amount_e8);
        w->n--;
    }
    w->time_ns[w->n] = time_ns;
    w->amount_e8[w->n++] = amount_e8;
    return false;
}

int64_t wk_ledger_held(const wk_ledger *l, uint32_t symbol)
{
    WK_ASSERT(symbol < l->S);
    return l->open[symbol].held;
}
