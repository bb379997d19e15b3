#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

void engine_finish(engine *e)
{
    free(e->orders);
    free(e->fills);
    free(e->fundings);
    free(e->events);
    memset(e, 0, sizeof *e);
}

void *engine_grow(void *rows, size_t n, size_t *size, size_t row_bytes)
{
    if (n < *size)
        return rows;
    *size = *size ? *size * 2 : 64;
    rows = realloc(rows, *size * row_bytes);
    if (!rows)
        abort();
    return rows;
}

int engine_asset_named(engine *e, const char *name)
{
    for (int i = 0; i < e->n_assets; i++)
        if (strcmp(e->assets[i].name, name) == 0)
            return i;
    return -1;
}

engine_order *engine_order_at(engine *e, uint64_t id)
{
    return id > 0 && id <= e->n_orders ? &e->orders[id - 1] : NULL;
}

int engine_is_live(const engine_order *o)
{
    return o->state == ORDER_PENDING || o->state == ORDER_OPEN;
}

int64_t engine_round(int64_t value, int64_t step, int up)
{
    if (step <= 1)
        return value;
    int64_t rest = value % step;
    if (rest < 0)
        rest += step;
    if (rest == 0)
        return value;
    return up > 0 || (up == 0 && rest * 2 >= step) ? value - rest + step : value - rest;
}

int64_t engine_value(const engine_market *m, int64_t qty, int64_t price)
{
    wide p = (wide)qty * price * m->value_mul;
    wide q = p / m->value_div, r = p % m->value_div;
    if (r * 2 >= m->value_div)
        q++;
    return engine_round((int64_t)q, m->fee_step_e8, 0);
}

int64_t engine_share(int64_t value_e8, int64_t ppt)
{
    wide p = (wide)value_e8 * ppt, div = 1000000000000;
    return (int64_t)((p + div - 1) / div);
}

int64_t engine_entry_price(const engine_market *m)
{
    int64_t size = m->position < 0 ? -m->position : m->position;
    if (size == 0)
        return 0;
    wide p = (wide)m->basis_e8 * m->value_div, q = (wide)size * m->value_mul;
    return (int64_t)((p + q / 2) / q);
}

int64_t engine_position_margin(const engine_market *m)
{
    return m->position ? engine_share(m->basis_e8, 100000000000000 / m->position_leverage) : 0;
}

/* Where the loss has eaten the margin down to what must stay. */
int64_t engine_liquidation_price(const engine_market *m)
{
    if (m->position == 0 || m->maintenance_ppt == 0)
        return 0;
    int64_t size = m->position < 0 ? -m->position : m->position;
    int64_t room = engine_position_margin(m) - engine_share(m->basis_e8, m->maintenance_ppt);
    int64_t worth = m->position > 0 ? m->basis_e8 - room : m->basis_e8 + room;
    wide p = (wide)worth * m->value_div, q = (wide)size * m->value_mul;
    int64_t price = p > 0 ? (int64_t)(p / q) : 0;
    return price / m->tick * m->tick;
}

int64_t engine_unrealized(const engine_market *m)
{
    int64_t size = m->position < 0 ? -m->position : m->position;
    int64_t worth = engine_value(m, size, m->price);
    return m->position > 0 ? worth - m->basis_e8 : m->basis_e8 - worth;
}

int64_t engine_average_price(const engine *e, const engine_order *o)
{
    const engine_market *m = &e->markets[o->market];
    if (o->filled == 0)
        return 0;
    wide p = (wide)o->value_e8 * m->value_div, q = (wide)o->filled * m->value_mul;
    return (int64_t)((p + q / 2) / q);
}

int64_t engine_order_margin(const engine *e, int asset)
{
    int64_t sum = 0;
    for (size_t i = e->first_live; i < e->n_orders; i++) {
        const engine_order *o = &e->orders[i];
        const engine_market *m = &e->markets[o->market];
        int which = m->is_spot && !o->is_margin && o->side == SIDE_SELL ? m->base : m->quote;
        if (engine_is_live(o) && which == asset)
            sum += o->hold_e8;
    }
    return sum;
}

int64_t engine_available(const engine *e, int asset)
{
    int64_t left = e->assets[asset].amount - engine_order_margin(e, asset);
    for (int i = 0; i < e->n_markets; i++)
        if (e->markets[i].quote == asset)
            left -= engine_position_margin(&e->markets[i]);
    return left;
}

/* ---- events and cover ---- */

void engine_tell(engine *e, engine_event_kind kind, int market, const engine_order *o,
                 uint64_t fill)
{
    e->events = engine_grow(e->events, e->n_events, &e->events_size, sizeof *e->events);
    engine_event *event = &e->events[e->n_events++];
    memset(event, 0, sizeof *event);
    event->kind = kind;
    event->time_ns = e->now_ns;
    event->market = market;
    event->fill = fill;
    if (o)
        event->order = *o;
    if (market >= 0) {
        event->position = e->markets[market].position;
        event->basis_e8 = e->markets[market].basis_e8;
    }
}

void engine_pay(engine *e, int asset, int64_t amount)
{
    if (amount == 0)
        return;
    e->assets[asset].amount += amount;
    engine_tell(e, EVENT_BALANCE, -1, NULL, 0);
    engine_event *event = &e->events[e->n_events - 1];
    event->asset = asset;
    event->balance_e8 = e->assets[asset].amount;
    event->change_e8 = amount;
}

/* Whether live stops on the other side are worth the whole of what is held. */
static int is_covered(const engine *e, int market)
{
    const engine_market *m = &e->markets[market];
    int64_t size = m->is_spot ? m->held + m->position : m->position, stops = 0;
    for (size_t i = e->first_live; i < e->n_orders; i++) {
        const engine_order *o = &e->orders[i];
        if (o->market == market && engine_is_live(o) && o->trigger == TRIGGER_STOP &&
            (o->side == SIDE_SELL) == (size > 0))
            stops += o->is_bracket ? INT64_MAX / 4 : o->qty - o->filled;
    }
    return size == 0 || stops >= (size < 0 ? -size : size);
}

static void end_naked(engine *e, engine_market *m)
{
    int64_t took = e->now_ns - m->naked_since_ns;
    m->naked_total_ns += e->now_ns - m->naked_counted_ns;
    m->naked_counted_ns = e->now_ns;
    if (took > m->naked_longest_ns)
        m->naked_longest_ns = took;
}

void engine_watch(engine *e, int market)
{
    engine_market *m = &e->markets[market];
    int covered = is_covered(e, market);
    if (covered && m->naked_since_ns) {
        end_naked(e, m);
        m->naked_since_ns = 0;
    } else if (!covered && !m->naked_since_ns) {
        m->naked_since_ns = m->naked_counted_ns = e->now_ns;
        m->naked_count++;
    }
}

void engine_count_naked(engine *e)
{
    for (int i = 0; i < e->n_markets; i++)
        if (e->markets[i].naked_since_ns)
            end_naked(e, &e->markets[i]);
}

/* ---- brackets ---- */

static engine_order *leg_of(engine *e, int market, engine_trigger trigger)
{
    for (size_t i = e->first_live; i < e->n_orders; i++) {
        engine_order *o = &e->orders[i];
        if (o->market == market && o->is_bracket && o->trigger == trigger && engine_is_live(o))
            return o;
    }
    return NULL;
}

static void set_leg(engine *e, int market, engine_trigger trigger, int64_t at, int64_t limit)
{
    engine_market *m = &e->markets[market];
    engine_order *leg = leg_of(e, market, trigger);
    int64_t size = m->position < 0 ? -m->position : m->position;
    engine_side side = m->position > 0 ? SIDE_SELL : SIDE_BUY;
    if (leg && (size == 0 || at == 0 || leg->side != side)) {
        engine_end(e, leg, ORDER_CANCELLED, size == 0 ? "position_closed" : "bracket_changed");
        leg = NULL;
    }
    if (size == 0 || at == 0)
        return;
    if (!leg) {
        engine_order want = {.market = market,
                             .side = side,
                             .kind = limit ? KIND_LIMIT : KIND_MARKET,
                             .trigger = trigger,
                             .trigger_price = at,
                             .price = limit,
                             .qty = size,
                             .is_reduce_only = 1,
                             .is_margin = 1,
                             .is_bracket = 1,
                             .leverage = m->position_leverage};
        engine_add(e, &want);
        return;
    }
    if (leg->qty - leg->filled == size && leg->trigger_price == at && leg->price == limit)
        return;
    leg->qty = leg->filled + size;
    if (!leg->is_triggered) {
        leg->trigger_price = at;
        leg->price = limit;
        leg->kind = limit ? KIND_LIMIT : KIND_MARKET;
    }
    leg->updated_ns = e->now_ns;
    engine_tell(e, EVENT_AMENDED, market, leg, 0);
}

void engine_legs(engine *e, int market)
{
    engine_market *m = &e->markets[market];
    if (m->position == 0) {
        m->bracket_stop = m->bracket_stop_limit = 0;
        m->bracket_profit = m->bracket_profit_limit = 0;
    }
    set_leg(e, market, TRIGGER_STOP, m->bracket_stop, m->bracket_stop_limit);
    set_leg(e, market, TRIGGER_PROFIT, m->bracket_profit, m->bracket_profit_limit);
}

engine_refusal engine_bracket(engine *e, int market, int64_t stop, int64_t stop_limit,
                              int64_t profit, int64_t profit_limit)
{
    engine_market *m = &e->markets[market];
    int up = m->position > 0;
    if (m->position == 0)
        return REFUSE_STATE;
    if ((stop > 0 && stop % m->tick) || (profit > 0 && profit % m->tick))
        return REFUSE_TICK;
    /* A trigger on the wrong side would strike at once. */
    if ((stop > 0 && (up ? stop >= m->price : stop <= m->price)) ||
        (profit > 0 && (up ? profit <= m->price : profit >= m->price)))
        return REFUSE_POST_ONLY;
    if (stop >= 0) {
        m->bracket_stop = stop;
        m->bracket_stop_limit = stop_limit;
    }
    if (profit >= 0) {
        m->bracket_profit = profit;
        m->bracket_profit_limit = profit_limit;
    }
    engine_legs(e, market);
    engine_watch(e, market);
    return REFUSE_NONE;
}
