/* Time: the path of the prices, and what it meets on its way. */
#include <stdlib.h>

#include "engine_internal.h"

/* The price at which a live order acts on a move from `from` to `to` (both included); 0: not. */
static int64_t acts_at(const engine *e, const engine_order *o, int64_t from, int64_t to)
{
    int64_t level;
    int below; /* acts at this price or below */
    if (o->resume_ns > e->now_ns)
        return 0;
    if (o->state == ORDER_PENDING) {
        level = o->trigger_price;
        below = (o->trigger == TRIGGER_STOP) == (o->side == SIDE_SELL);
    } else if (o->kind == KIND_MARKET) {
        return from; /* the rest of a partial fill, or of a struck stop */
    } else {
        level = o->price;
        below = o->side == SIDE_BUY;
    }
    if (below)
        return from <= level ? from : to <= level ? level : 0;
    return from >= level ? from : to >= level ? level : 0;
}

/* Moves a market's price through all levels between, nearest first. */
static void move(engine *e, int market, int64_t to, int is_jump)
{
    engine_market *m = &e->markets[market];
    int64_t from = is_jump || m->price == 0 ? to : m->price;
    for (;;) {
        uint64_t best = 0;
        int64_t best_price = 0, best_far = INT64_MAX;
        for (size_t i = e->first_live; i < e->n_orders; i++) {
            const engine_order *o = &e->orders[i];
            if (!engine_is_live(o) || o->market != market)
                continue;
            int64_t at = acts_at(e, o, from, to);
            int64_t far = at > from ? at - from : from - at;
            if (at > 0 && far < best_far) {
                best = o->id;
                best_price = at;
                best_far = far;
            }
        }
        int64_t ruin = engine_liquidation_price(m);
        if (ruin > 0 && (m->position > 0 ? to <= ruin : to >= ruin)) {
            int past = m->position > 0 ? from <= ruin : from >= ruin;
            int64_t at = past ? from : ruin, far = at > from ? at - from : from - at;
            if (far < best_far) {
                m->price = from = at;
                engine_liquidate(e, market, at);
                continue;
            }
        }
        if (!best)
            break;
        m->price = from = best_price;
        engine_strike(e, best, best_price);
    }
    m->price = to;
}

static void expire(engine *e)
{
    for (size_t i = e->first_live; i < e->n_orders; i++) {
        engine_order *o = &e->orders[i];
        if (engine_is_live(o) && o->expires_ns && o->expires_ns <= e->now_ns) {
            int market = o->market;
            engine_end(e, o, ORDER_EXPIRED, "Order expired");
            engine_watch(e, market);
        }
    }
    if (e->cancel_all_ns && e->cancel_all_ns <= e->now_ns) {
        e->cancel_all_ns = 0;
        engine_cancel_all(e, -1, "Cancelled by the dead-man switch");
    }
}

#define FUNDING_NS (INT64_C(8) * 3600 * 1000000000)

/* The next moment at which something may happen by itself. */
static int64_t next_timer(const engine *e)
{
    int64_t next = e->cancel_all_ns ? e->cancel_all_ns : INT64_MAX;
    if (e->funding_ppm)
        next = next < (e->now_ns / FUNDING_NS + 1) * FUNDING_NS
                   ? next
                   : (e->now_ns / FUNDING_NS + 1) * FUNDING_NS;
    for (size_t i = e->first_live; i < e->n_orders; i++) {
        const engine_order *o = &e->orders[i];
        if (!engine_is_live(o))
            continue;
        if (o->expires_ns && o->expires_ns < next)
            next = o->expires_ns;
        if (o->resume_ns > e->now_ns && o->resume_ns < next)
            next = o->resume_ns;
    }
    return next;
}

static void pay_funding(engine *e)
{
    for (int i = 0; i < e->n_markets && e->funding_ppm && e->now_ns % FUNDING_NS == 0; i++) {
        engine_market *m = &e->markets[i];
        int64_t size = m->position < 0 ? -m->position : m->position;
        if (m->is_spot || size == 0)
            continue;
        int64_t amount = engine_share(engine_value(m, size, m->price), e->funding_ppm * 1000000);
        amount = m->position > 0 ? -amount : amount;
        m->funding_e8 += amount;
        engine_pay(e, m->quote, amount);
        e->fundings =
            engine_grow(e->fundings, e->n_fundings, &e->fundings_size, sizeof *e->fundings);
        e->fundings[e->n_fundings++] =
            (engine_funding){i, amount, e->assets[m->quote].amount, e->now_ns};
    }
}

/* The price of the path at `now`, between its points. */
static int64_t between(const engine_market *m, int64_t now_ns)
{
    if (m->at == 0 || m->at == m->n_path || m->path[m->at].is_jump)
        return m->price;
    const engine_point *a = &m->path[m->at - 1], *b = &m->path[m->at];
    if (b->time_ns <= a->time_ns)
        return m->price;
    wide way = (wide)(b->price - a->price) * (now_ns - a->time_ns);
    return (a->price + (int64_t)(way / (b->time_ns - a->time_ns))) / m->tick * m->tick;
}

static int is_quiet(const engine *e)
{
    for (int i = 0; i < e->n_markets; i++)
        if (e->markets[i].position)
            return 0;
    return e->first_live == e->n_orders && !e->cancel_all_ns;
}

/* Goes to the time at once where nobody could notice the difference. */
static void skip(engine *e, int64_t now_ns)
{
    for (int i = 0; i < e->n_markets; i++) {
        engine_market *m = &e->markets[i];
        size_t from = m->at, to = m->n_path;
        while (from < to) {
            size_t middle = from + (to - from) / 2;
            if (m->path[middle].time_ns <= now_ns)
                from = middle + 1;
            else
                to = middle;
        }
        if (from > m->at) {
            m->at = from;
            m->price = m->path[from - 1].price;
            m->price_ns = m->path[from - 1].time_ns;
        }
        if (m->n_path)
            m->price = between(m, now_ns);
    }
    e->now_ns = now_ns;
}

void engine_advance(engine *e, int64_t now_ns)
{
    while (e->now_ns < now_ns) {
        if (is_quiet(e)) {
            skip(e, now_ns);
            return;
        }
        int64_t next = next_timer(e);
        for (int i = 0; i < e->n_markets; i++) {
            const engine_market *m = &e->markets[i];
            if (m->at < m->n_path && m->path[m->at].time_ns < next)
                next = m->path[m->at].time_ns;
        }
        e->now_ns = next < now_ns ? (next > e->now_ns ? next : e->now_ns) : now_ns;
        for (int i = 0; i < e->n_markets; i++) {
            engine_market *m = &e->markets[i];
            while (m->at < m->n_path && m->path[m->at].time_ns <= e->now_ns) {
                const engine_point *p = &m->path[m->at++];
                m->price_ns = p->time_ns;
                move(e, i, p->price, p->is_jump);
            }
            if (m->n_path && m->price)
                move(e, i, between(m, e->now_ns), 0);
            else if (m->price)
                move(e, i, m->price, 0);
        }
        pay_funding(e);
        expire(e);
    }
}

void engine_price(engine *e, int market, int64_t price, int is_jump)
{
    e->markets[market].price_ns = e->now_ns;
    move(e, market, price, is_jump);
}
