/* The truth about the account, for comparison with what a client believes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trading.h"

static const char *const triggers[] = {"none", "stop_loss", "take_profit"};

static json_t *order_of(trading *t, const engine_order *o)
{
    static const char *const states[] = {"pending", "open", "closed", "cancelled", "expired"};
    const engine_market *m = &t->e.markets[o->market];
    char txid[24];
    json_t *out = json_pack(
        "{s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:I,s:I,s:s}", "id",
        (json_int_t)o->id, "symbol", t->v->markets[o->market].instrument->name, "client_id",
        o->client_id, "side", o->side == SIDE_BUY ? "buy" : "sell", "kind",
        o->kind == KIND_LIMIT ? "limit" : "market", "trigger", triggers[o->trigger], "state",
        states[o->state], "qty", json_short(o->qty, m->qty_decimals), "filled",
        json_short(o->filled, m->qty_decimals), "price", json_short(o->price, m->price_decimals),
        "trigger_price", json_short(o->trigger_price, m->price_decimals), "average",
        json_short(engine_average_price(&t->e, o), m->price_decimals), "value",
        json_short(o->value_e8, 8), "fee", json_short(o->fee_e8, 8), "reduce_only",
        o->is_reduce_only, "bracket", o->is_bracket, "created_ns", (json_int_t)o->created_ns,
        "updated_ns", (json_int_t)o->updated_ns, "reason", o->reason);
    if (t->is_kraken)
        json_object_set_new(out, "txid", json_string(kraken_txid('O', o->id, txid)));
    return out;
}

static json_t *fill_of(trading *t, const engine_fill *f)
{
    const engine_market *m = &t->e.markets[f->market];
    char txid[24];
    json_t *out = json_pack(
        "{s:s,s:I,s:I,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:s,s:b,s:I}", "trigger",
        triggers[engine_order_at(&t->e, f->order)->trigger], "id", (json_int_t)f->id, "order",
        (json_int_t)f->order, "client_id", engine_order_at(&t->e, f->order)->client_id, "symbol",
        t->v->markets[f->market].instrument->name, "side", f->side == SIDE_BUY ? "buy" : "sell",
        "qty", json_short(f->qty, m->qty_decimals), "price",
        json_short(f->price, m->price_decimals), "value", json_short(f->value_e8, 8), "fee",
        json_short(f->fee_e8, 8), "role", f->is_maker ? "maker" : "taker", "liquidation",
        f->is_liquidation, "time_ns", (json_int_t)f->time_ns);
    if (t->is_kraken)
        json_object_set_new(out, "txid", json_string(kraken_txid('T', f->id, txid)));
    return out;
}

static json_t *seconds(int64_t ns)
{
    return json_real((double)ns / 1e9);
}

static json_t *market_of(trading *t, int i)
{
    const engine_market *m = &t->e.markets[i];
    return json_pack(
        "{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:s,s:s}", "symbol",
        t->v->markets[i].instrument->name, "position",
        json_short(m->is_spot ? m->held + m->position : m->position, m->qty_decimals),
        "entry_price", json_short(engine_entry_price(m), m->price_decimals), "price",
        json_short(m->price, m->price_decimals), "unrealized",
        json_short(m->position ? engine_unrealized(m) : 0, 8), "realized",
        json_short(m->realized_e8, 8), "fees", json_short(m->fees_e8, 8), "leverage",
        json_short(m->leverage, 2), "unprotected_longest_s", seconds(m->naked_longest_ns),
        "unprotected_total_s", seconds(m->naked_total_ns), "unprotected_count",
        (json_int_t)m->naked_count, "liquidation_price",
        json_short(engine_liquidation_price(m), m->price_decimals), "name",
        t->is_kraken && *t->markets[i].words[7] ? t->markets[i].words[7]
                                                : t->v->markets[i].instrument->name,
        "contract_value", t->is_kraken ? "1" : t->v->markets[i].instrument->contract_value);
}

/* With the lock held. */
json_t *trading_state(venue *v)
{
    trading *t = v->trading;
    json_t *orders = json_array(), *fills = json_array(), *markets = json_array(),
           *balances = json_object(), *violations = json_array(), *fundings = json_array();
    int64_t equity = t->e.assets[t->e.markets[0].quote].amount;
    engine_count_naked(&t->e);
    for (size_t i = 0; i < t->e.n_orders; i++)
        json_array_append_new(orders, order_of(t, &t->e.orders[i]));
    for (size_t i = 0; i < t->e.n_fills; i++)
        json_array_append_new(fills, fill_of(t, &t->e.fills[i]));
    for (size_t i = 0; i < t->e.n_fundings; i++)
        json_array_append_new(fundings,
                              json_pack("{s:s,s:o,s:I}", "symbol",
                                        t->v->markets[t->e.fundings[i].market].instrument->name,
                                        "amount", json_short(t->e.fundings[i].amount_e8, 8),
                                        "time_ns", (json_int_t)t->e.fundings[i].time_ns));
    for (int i = 0; i < t->e.n_markets; i++) {
        const engine_market *m = &t->e.markets[i];
        json_array_append_new(markets, market_of(t, i));
        equity += m->position ? engine_unrealized(m) : 0;
        /* Each asset once: by the market that has the account's quote. */
        equity += m->is_spot && m->price && m->quote == t->e.markets[0].quote
                      ? engine_value(m, t->e.assets[m->base].amount, m->price)
                      : 0;
    }
    for (int i = 0; i < t->e.n_assets; i++)
        if (t->e.assets[i].amount)
            json_object_set_new(balances, t->e.assets[i].name,
                                json_short(t->e.assets[i].amount, 8));
    for (const char *at = v->violations.data; *at;) {
        size_t n = strcspn(at, "\n");
        json_array_append_new(violations, json_stringn(at, n));
        at += n + (at[n] != 0);
    }
    return json_pack("{s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:I,s:I,s:I}", "venue",
                     v->protocol->name, "time_ns", (json_int_t)t->e.now_ns, "orders", orders,
                     "fills", fills, "fundings", fundings, "markets", markets, "balances", balances,
                     "equity", json_short(equity, 8), "violations", violations, "signed_requests",
                     (json_int_t)t->n_signed, "refused_by_outage",
                     (json_int_t)t->n_requests_refused, "faults", (json_int_t)v->n_faults,
                     "liquidations", (json_int_t)t->e.n_liquidations);
}

char *venue_trade_state(venue *v)
{
    pthread_mutex_lock(&v->lock);
    json_t *state = trading_state(v);
    pthread_mutex_unlock(&v->lock);
    char *out = json_dumps(state, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    json_decref(state);
    return out;
}

void trading_write(venue *v)
{
    if (!v->options.state_file)
        return;
    json_t *state = trading_state(v);
    if (json_dump_file(state, v->options.state_file, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) != 0)
        fprintf(stderr, "test_venue: cannot write %s\n", v->options.state_file);
    json_decref(state);
}

int venue_trade_price(venue *v, const char *name, const char *price)
{
    pthread_mutex_lock(&v->lock);
    trading *t = v->trading;
    int m = traded_named(t, name);
    int64_t units = 0;
    int ok = m >= 0 && units_of(price, t->e.markets[m].price_decimals, &units) &&
             units % t->e.markets[m].tick == 0;
    if (ok) {
        trading_advance(t, now_of(v));
        engine_price(&t->e, m, units, 0);
    }
    pthread_mutex_unlock(&v->lock);
    return ok;
}
