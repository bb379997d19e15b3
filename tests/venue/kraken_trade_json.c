/* Kraken's orders and trades as its REST replies have them. */
#include <stdio.h>
#include <string.h>

#include "kraken_trade.h"

/* OUF4EM-FRGI2-MQMWZD: the number in base 32 behind a letter, with the venue's dashes. */
const char *kraken_txid(char first, uint64_t id, char out[24])
{
    static const char digits[] = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    uint64_t mixed = market_hash(97, (uint64_t)first, id);
    char *at = out;
    *at++ = first;
    for (int i = 0; i < 16; i++) {
        uint64_t part = i < 8 ? mixed >> (i * 5) : id >> ((15 - i) * 5);
        if (i == 5 || i == 10)
            *at++ = '-';
        *at++ = digits[part & 31];
    }
    *at = 0;
    return out;
}

json_t *kraken_seconds_of(int64_t time_ns)
{
    return time_ns ? json_real((double)(time_ns / 1000) / 1e6) : json_integer(0);
}

static const char *type_of(engine_kind kind, engine_trigger trigger)
{
    static const char *const names[3][2] = {{"limit", "market"},
                                            {"stop-loss-limit", "stop-loss"},
                                            {"take-profit-limit", "take-profit"}};
    return names[trigger][kind == KIND_MARKET];
}

void kraken_describe(trading *t, const engine_order *o, text *order, text *close)
{
    const engine_market *m = &t->e.markets[o->market];
    const market_instrument *p = t->v->markets[o->market].instrument;
    text_clear(order);
    text_clear(close);
    text_add(order, "%s ", o->side == SIDE_BUY ? "buy" : "sell");
    text_add_fixed(order, o->qty, m->qty_decimals);
    text_add(order, " %s @ ", p->alias[0]);
    if (o->trigger != TRIGGER_NONE) {
        text_add(order, "%s ", o->trigger == TRIGGER_STOP ? "stop loss" : "take profit");
        text_add_fixed(order, o->trigger_price, m->price_decimals);
        if (o->kind == KIND_LIMIT) {
            text_add(order, " -> limit ");
            text_add_fixed(order, o->price, m->price_decimals);
        }
    } else if (o->kind == KIND_LIMIT) {
        text_add(order, "limit ");
        text_add_fixed(order, o->price, m->price_decimals);
    } else {
        text_add(order, "market");
    }
    if (o->is_margin)
        text_add(order, " with %lld:1 leverage", (long long)(o->leverage / 100));
    if (o->has_close) {
        text_add(close, "close position @ %s ",
                 o->close_trigger == TRIGGER_STOP     ? "stop loss"
                 : o->close_trigger == TRIGGER_PROFIT ? "take profit"
                                                      : "limit");
        text_add_fixed(close, o->close_trigger ? o->close_trigger_price : o->close_price,
                       m->price_decimals);
        if (o->close_trigger && o->close_kind == KIND_LIMIT) {
            text_add(close, " -> limit ");
            text_add_fixed(close, o->close_price, m->price_decimals);
        }
    }
}

json_t *kraken_order_json(trading *t, const engine_order *o, int with_trades)
{
    static const char *const states[] = {"open", "open", "closed", "canceled", "expired"};
    const engine_market *m = &t->e.markets[o->market];
    const market_instrument *p = t->v->markets[o->market].instrument;
    int decimals = m->price_decimals;
    text order = {0}, close = {0};
    char leverage[24];
    snprintf(leverage, sizeof leverage, "%lld:1", (long long)(o->leverage / 100));
    kraken_describe(t, o, &order, &close);
    int64_t first = o->trigger ? o->trigger_price : o->kind == KIND_LIMIT ? o->price : 0;
    int64_t second = o->trigger && o->kind == KIND_LIMIT ? o->price : 0;
    json_t *descr =
        json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:s}", "pair", p->alias[0], "type",
                  o->side == SIDE_BUY ? "buy" : "sell", "ordertype", type_of(o->kind, o->trigger),
                  "price", first ? json_fixed(first, decimals) : json_string("0"), "price2",
                  second ? json_fixed(second, decimals) : json_string("0"), "leverage",
                  o->is_margin ? leverage : "none", "order", order.data, "close", close.data);
    json_t *out = json_pack(
        "{s:n,s:s,s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:s}", "refid", "status",
        states[o->state], "opentm", kraken_seconds_of(o->created_ns), "starttm", 0, "expiretm",
        json_integer(o->expires_ns / NS_A_SECOND), "descr", descr, "vol",
        json_fixed(o->qty, m->qty_decimals), "vol_exec", json_fixed(o->filled, m->qty_decimals),
        "cost", json_fixed(o->value_e8 / 1000, 5), "fee", json_fixed(o->fee_e8 / 1000, 5), "price",
        json_fixed(engine_average_price(&t->e, o), decimals), "stopprice",
        json_fixed(o->is_triggered ? o->trigger_price : 0, decimals), "limitprice",
        json_fixed(o->is_triggered && o->kind == KIND_LIMIT ? o->price : 0, decimals), "misc", "",
        "oflags", o->is_post_only ? "fciq,post" : "fciq");
    if (o->has_userref)
        json_object_set_new(out, "userref", json_integer(o->userref));
    else
        json_object_set_new(out, "userref", json_null());
    if (*o->client_id)
        json_object_set_new(out, "cl_ord_id", json_string(o->client_id));
    if (!engine_is_live(o)) {
        json_object_set_new(out, "closetm", kraken_seconds_of(o->updated_ns));
        json_object_set_new(out, "reason", *o->reason ? json_string(o->reason) : json_null());
    }
    if (with_trades && o->filled) {
        json_t *trades = json_array();
        char id[24];
        for (size_t i = 0; i < t->e.n_fills; i++)
            if (t->e.fills[i].order == o->id)
                json_array_append_new(trades, json_string(kraken_txid('T', t->e.fills[i].id, id)));
        json_object_set_new(out, "trades", trades);
    }
    text_finish(&order);
    text_finish(&close);
    return out;
}

json_t *kraken_trade_json(trading *t, const engine_fill *f)
{
    const engine_order *o = engine_order_at(&t->e, f->order);
    const engine_market *m = &t->e.markets[f->market];
    char txid[24];
    return json_pack(
        "{s:s,s:s,s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:b}", "ordertxid",
        kraken_txid('O', f->order, txid), "postxid", "TKH2SE-M7IF5-CFI7LT", "pair",
        t->v->markets[f->market].instrument->name, "time", kraken_seconds_of(f->time_ns), "type",
        f->side == SIDE_BUY ? "buy" : "sell", "ordertype", type_of(o->kind, o->trigger), "price",
        json_fixed(f->price, m->price_decimals), "cost", json_fixed(f->value_e8 / 1000, 5), "fee",
        json_fixed(f->fee_e8 / 1000, 5), "vol", json_fixed(f->qty, m->qty_decimals), "margin",
        json_fixed(0, 5), "misc", "", "trade_id", (json_int_t)f->id, "maker", f->is_maker);
}
