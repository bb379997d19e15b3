/* The flow engine: state of the quote, integrals over the period, trades waiting for their realised
 * spread. */
#include "flow_internal.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static void start_period(wk_flow *flow)
{
    memset(&flow->period, 0, sizeof flow->period);
}

wk_flow *wk_flow_plan(wk_arena *arena, const wk_flow_config *config)
{
    wk_flow *flow = wk_arena_alloc(arena, sizeof *flow);
    flow->realised_ns =
        config && config->realised_ns > 0 ? config->realised_ns : INT64_C(5000000000);
    flow->large_multiple = config && config->large_multiple > 0 ? config->large_multiple : 5;
    wk_flow_reset(flow);
    return flow;
}

void wk_flow_reset(wk_flow *flow)
{
    int64_t realised_ns = flow->realised_ns;
    double large_multiple = flow->large_multiple;
    /* All but the ring, whose places are written before they are read. */
    memset(flow, 0, offsetof(wk_flow, pending));
    flow->realised_ns = realised_ns;
    flow->large_multiple = large_multiple;
    flow->now_ns = INT64_MIN;
    flow->last_price = NAN;
    flow->pending_head = flow->pending_n = 0;
    start_period(flow);
}

/* Settles the trades that are due before time_ns against the mid that held then. */
static void settle(wk_flow *flow, int64_t time_ns)
{
    while (flow->pending_n) {
        const wk__pending *p = &flow->pending[flow->pending_head];
        if (p->due_ns >= time_ns)
            return;
        if (flow->quote.known) {
            flow->period.realised +=
                p->qty * 2 * p->sign * (p->price - flow->quote.mid) / p->mid * 1e4;
            flow->period.realised_qty += p->qty;
        }
        flow->pending_head = (flow->pending_head + 1) % WK__PENDING;
        flow->pending_n--;
    }
}

static double depth(const wk_flow_level *level, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += level[i].qty;
    return sum;
}

/* Moves the clock: the quote has held since the last event. */
static void advance(wk_flow *flow, int64_t time_ns)
{
    settle(flow, time_ns);
    if (time_ns <= flow->now_ns)
        return;
    if (flow->quote.known && flow->now_ns != INT64_MIN) {
        const wk__quote *q = &flow->quote;
        double held = (double)(time_ns - flow->now_ns);
        flow->period.known_ns += held;
        flow->period.spread += held * q->spread_bps;
        flow->period.micro += held * q->micro_bps;
        flow->period.imbalance5 += held * q->imbalance5;
        flow->period.depth1 += held * (q->bid[0].qty + q->ask[0].qty) / 2;
        flow->period.depth10 += held * (depth(q->bid, q->n_bids) + depth(q->ask, q->n_asks)) / 2;
    }
    flow->now_ns = time_ns;
}

/* What one level adds to the order-flow imbalance: size that came at the bid less size that came at
 * the ask. */
static double level_flow(wk_flow_level bid_before, wk_flow_level bid, wk_flow_level ask_before,
                         wk_flow_level ask)
{
    double e = 0;
    if (bid.price >= bid_before.price)
        e += bid.qty;
    if (bid.price <= bid_before.price)
        e -= bid_before.qty;
    if (ask.price <= ask_before.price)
        e -= ask.qty;
    if (ask.price >= ask_before.price)
        e += ask_before.qty;
    return e;
}

static void add_order_flow(wk_flow *flow, const wk__quote *before, const wk__quote *now)
{
    flow->period.ofi1 += level_flow(before->bid[0], now->bid[0], before->ask[0], now->ask[0]);
    size_t n = WK_FLOW_LEVELS;
    n = before->n_bids < n ? before->n_bids : n;
    n = before->n_asks < n ? before->n_asks : n;
    n = now->n_bids < n ? now->n_bids : n;
    n = now->n_asks < n ? now->n_asks : n;
    for (size_t i = 0; i < n; i++)
        flow->period.ofi10 += level_flow(before->bid[i], now->bid[i], before->ask[i], now->ask[i]);
}

static size_t copy_side(wk_flow_level *to, const wk_flow_level *from, size_t n)
{
    n = n < WK_FLOW_LEVELS ? n : WK_FLOW_LEVELS;
    memcpy(to, from, n * sizeof *to);
    return n;
}

void wk_flow_book(wk_flow *flow, int64_t time_ns, const wk_flow_level *bids, size_t n_bids,
                  const wk_flow_level *asks, size_t n_asks)
{
    advance(flow, time_ns);
    wk__quote q = {0};
    q.n_bids = n_bids ? copy_side(q.bid, bids, n_bids) : 0;
    q.n_asks = n_asks ? copy_side(q.ask, asks, n_asks) : 0;
    q.known = n_bids && n_asks && bids[0].price > 0 && asks[0].price > bids[0].price &&
              bids[0].qty > 0 && asks[0].qty > 0;
    if (q.known) {
        double b = q.bid[0].price, a = q.ask[0].price, bq = q.bid[0].qty, aq = q.ask[0].qty;
        q.mid = (a + b) / 2;
        q.spread_bps = (a - b) / q.mid * 1e4;
        q.micro_bps = ((a * bq + b * aq) / (aq + bq) - q.mid) / q.mid * 1e4;
        double bid5 = depth(q.bid, q.n_bids < 5 ? q.n_bids : 5),
               ask5 = depth(q.ask, q.n_asks < 5 ? q.n_asks : 5);
        q.imbalance5 = (bid5 - ask5) / (bid5 + ask5);
        if (flow->quote.known)
            add_order_flow(flow, &flow->quote, &q);
    }
    flow->period.n_books++;
    flow->quote = q;
}

void wk_flow_gap(wk_flow *flow, int64_t time_ns)
{
    advance(flow, time_ns);
    flow->quote.known = false;
    flow->pending_n = 0;
}

static void await_realised(wk_flow *flow, int64_t time_ns, double price, double qty, double sign)
{
    if (flow->pending_n == WK__PENDING) { /* the oldest one gives way */
        flow->pending_head = (flow->pending_head + 1) % WK__PENDING;
        flow->pending_n--;
    }
    flow->pending[(flow->pending_head + flow->pending_n++) % WK__PENDING] =
        (wk__pending){time_ns + flow->realised_ns, price, qty, flow->quote.mid, sign};
}

void wk_flow_trade(wk_flow *flow, int64_t time_ns, double price, double qty, wk_side taker)
{
    if (!(price > 0 && qty > 0 && price < INFINITY && qty < INFINITY))
        return;
    advance(flow, time_ns);
    bool is_buy = taker == WK_SIDE_BUY;
    double sign = is_buy ? 1 : -1;
    bool first = flow->period.n_trades++ == 0;
    flow->period.n_buys += is_buy;
    flow->period.open = first ? price : flow->period.open;
    flow->period.high = first || price > flow->period.high ? price : flow->period.high;
    flow->period.low = first || price < flow->period.low ? price : flow->period.low;
    flow->period.volume += qty;
    flow->period.notional += price * qty;
    *(is_buy ? &flow->period.buy : &flow->period.sell) += qty;
    if (flow->trades_seen >= WK__SIZE_TRADES_MIN &&
        qty >= flow->large_multiple * flow->size_num / flow->size_den)
        *(is_buy ? &flow->period.large_buy : &flow->period.large_sell) += qty;
    static const double keep = 1 - 2.0 / 1001;
    flow->size_num = flow->size_num * keep + qty;
    flow->size_den = flow->size_den * keep + 1;
    flow->trades_seen++;
    if (flow->quote.known) {
        flow->period.effective +=
            qty * 2 * sign * (price - flow->quote.mid) / flow->quote.mid * 1e4;
        flow->period.effective_qty += qty;
        await_realised(flow, flow->now_ns, price, qty, sign);
    }
    flow->last_price = price;
    wk__footprint_add(&flow->period.footprint, price, qty, is_buy);
}

size_t wk_flow_close(wk_flow *flow, int64_t time_ns, wk_bar *bar, double *row)
{
    advance(flow, time_ns);
    wk__flow_row(flow, row);
    size_t n = flow->period.n_trades;
    if (bar) {
        double last = flow->last_price;
        bar->open = n ? flow->period.open : last;
        bar->high = n ? flow->period.high : last;
        bar->low = n ? flow->period.low : last;
        bar->close = last;
        bar->volume = last == last ? flow->period.volume : NAN;
    }
    start_period(flow);
    return n;
}
