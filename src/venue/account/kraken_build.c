/* Bodies of Kraken's spot requests, byte by byte; the nonce goes in front when they are sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "account_internal.h"
#include "wick/clock.h"

static void add(wk_text *body, const char *name, const char *value)
{
    char escaped[512];
    bool fits = wk_http_escape(value, escaped, sizeof escaped);
    WK_ASSERT(fits);
    wk_text_printf(body, "&%s=%s", name, escaped);
}

static void add_deadline(wk_text *body, int64_t deadline_ns)
{
    char seconds[32], text[48];
    wk_time_format(deadline_ns, seconds);
    seconds[strlen(seconds) - 1] = '\0'; /* its Z */
    snprintf(text, sizeof text, "%s.%03dZ", seconds,
             (int)(deadline_ns % WK_NS_PER_S / (WK_NS_PER_S / 1000)));
    add(body, "deadline", text);
}

static void begin(wk_text *body, const wk__market *m, int side, const char *type, const char *size)
{
    *body = (wk_text){0};
    add(body, "pair", m->instrument->name_rest);
    add(body, "type", side > 0 ? "buy" : "sell");
    add(body, "ordertype", type);
    add(body, "volume", size);
}

/* Fees in the quote currency: then the position is what was bought. */
static void finish(wk_text *body, uint64_t client_id, int64_t deadline_ns, bool validate)
{
    char id[WK__CLIENT_ID];
    wk__client_id_text(client_id, id);
    add(body, "oflags", "fciq");
    add(body, "cl_ord_id", id);
    add_deadline(body, deadline_ns);
    if (validate)
        add(body, "validate", "true");
}

bool wk__kraken_place(const wk__market *m, const wk_order *order, int64_t deadline_ns,
                      bool validate, wk_text *out, int64_t *lots, char why[WK__WHY])
{
    char size[40], limit[40] = "", leverage[16];
    const wk_instrument *in = m->instrument;
    if (order->side < 0 && !order->reduce_only && m->leverage < 2) {
        snprintf(why, WK__WHY, "%s: a short needs margin, and none is configured", in->symbol);
        return false;
    }
    if (!wk__market_size(m, order->qty_lots, size, lots, why))
        return false;
    if (order->kind == WK_ORDER_LIMIT) {
        if (!wk__market_price(m, order->price_ticks, order->side > 0 ? -1 : 1, limit, why))
            return false;
        if (in->cost_min.scale >= 0 && in->cost_min.digits > 0 &&
            !wk__market_cost_at_least(m, *lots, order->price_ticks, in->cost_min)) {
            snprintf(why, WK__WHY, "%s: size below the venue's minimum cost", in->symbol);
            return false;
        }
    }
    begin(out, m, order->side, limit[0] ? "limit" : "market", size);
    if (limit[0])
        add(out, "price", limit);
    if (m->leverage >= 2) {
        snprintf(leverage, sizeof leverage, "%d", m->leverage);
        add(out, "leverage", leverage);
        if (order->reduce_only)
            add(out, "reduce_only", "true");
    }
    finish(out, order->id, deadline_ns, validate);
    return true;
}

bool wk__kraken_stop(const wk__market *m, int64_t lots, int64_t stop_ticks, uint64_t client_id,
                     int64_t deadline_ns, bool validate, wk_text *out, char why[WK__WHY])
{
    char size[40], trigger[40], leverage[16];
    int side = lots > 0 ? 1 : -1;
    int64_t rounded;
    if (!wk__market_size(m, lots * side, size, &rounded, why) ||
        !wk__market_price(m, stop_ticks, side, trigger, why))
        return false;
    begin(out, m, -side, "stop-loss", size);
    add(out, "price", trigger);
    if (m->leverage >= 2) {
        snprintf(leverage, sizeof leverage, "%d", m->leverage);
        add(out, "leverage", leverage);
        add(out, "reduce_only", "true");
    }
    finish(out, client_id, deadline_ns, validate);
    return true;
}

bool wk__kraken_amend_stop(const wk__market *m, int64_t lots, int side, int64_t stop_ticks,
                           uint64_t client_id, int64_t deadline_ns, wk_text *out, char why[WK__WHY])
{
    char size[40], trigger[40], id[WK__CLIENT_ID];
    int64_t rounded;
    if (!wk__market_size(m, lots, size, &rounded, why) ||
        !wk__market_price(m, stop_ticks, -side, trigger, why))
        return false;
    *out = (wk_text){0};
    wk__client_id_text(client_id, id);
    add(out, "cl_ord_id", id);
    add(out, "order_qty", size);
    add(out, "trigger_price", trigger);
    add_deadline(out, deadline_ns);
    return true;
}

void wk__kraken_subscribe(const char *token, wk_text *out)
{
    wk_text_add(out, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"executions\","
                     "\"snap_orders\":true,\"snap_trades\":false,\"token\":");
    wk_text_add_json_string(out, token);
    wk_text_add(out, "},\"req_id\":1}");
}
