/* Requests to Delta, byte by byte. Pure: structs in, text out. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_internal.h"
#include "wick/clock.h"

void wk__request_finish(wk__request *r)
{
    free(r->target.s);
    free(r->body.s);
    *r = (wk__request){0};
}

static void begin(wk__request *out, const char *method, const char *target)
{
    *out = (wk__request){0};
    snprintf(out->method, sizeof out->method, "%s", method);
    wk_text_add(&out->target, target);
}

bool wk__delta_place(const wk__market *m, const wk_order *order, wk__request *out, int64_t *lots,
                     char why[WK__WHY])
{
    char size[40], limit[40], stop[40] = "", profit[40] = "", id[WK__CLIENT_ID];
    int side = order->side;
    bool is_limit = order->kind == WK_ORDER_LIMIT;
    if (!wk__market_size(m, order->qty_lots, size, lots, why))
        return false;
    if (strchr(size, '.')) {
        snprintf(why, WK__WHY, "%s contracts are no whole number", size);
        return false;
    }
    /* A limit is never worse than what was decided; exits never lie further away than that. */
    if (is_limit && !wk__market_price(m, order->price_ticks, side > 0 ? -1 : 1, limit, why))
        return false;
    bool bracket = !order->reduce_only;
    if (bracket && order->stop_ticks > 0 &&
        !wk__market_price(m, order->stop_ticks, side > 0 ? 1 : -1, stop, why))
        return false;
    if (bracket && order->profit_ticks > 0 &&
        !wk__market_price(m, order->profit_ticks, side > 0 ? -1 : 1, profit, why))
        return false;
    wk__client_id_text(order->id, id);
    begin(out, "POST", "/v2/orders");
    wk_text *b = &out->body;
    wk_text_printf(b,
                   "{\"product_id\":%" PRId64 ",\"size\":%s,\"side\":\"%s\",\"order_type\":\"%s\"",
                   m->instrument->venue_id, size, side > 0 ? "buy" : "sell",
                   is_limit ? "limit_order" : "market_order");
    if (is_limit)
        wk_text_printf(b, ",\"limit_price\":\"%s\",\"time_in_force\":\"gtc\"", limit);
    if (order->reduce_only)
        wk_text_add(b, ",\"reduce_only\":true");
    wk_text_printf(b, ",\"client_order_id\":\"%s\"", id);
    if (stop[0])
        wk_text_printf(b, ",\"bracket_stop_loss_price\":\"%s\"", stop);
    if (profit[0])
        wk_text_printf(b, ",\"bracket_take_profit_price\":\"%s\"", profit);
    if (stop[0] || profit[0])
        wk_text_add(b, ",\"bracket_stop_trigger_method\":\"last_traded_price\"");
    wk_text_add(b, "}");
    return true;
}

void wk__delta_cancel(const wk__market *m, uint64_t client_id, wk__request *out)
{
    char id[WK__CLIENT_ID];
    wk__client_id_text(client_id, id);
    begin(out, "DELETE", "/v2/orders");
    wk_text_printf(&out->body, "{\"client_order_id\":\"%s\",\"product_id\":%" PRId64 "}", id,
                   m->instrument->venue_id);
}

void wk__delta_query(uint64_t client_id, wk__request *out)
{
    char id[WK__CLIENT_ID];
    wk__client_id_text(client_id, id);
    begin(out, "GET", "/v2/orders/client_order_id/");
    wk_text_add(&out->target, id);
}

void wk__delta_list(const char *kind, const wk__market *markets, size_t n, int64_t since_ns,
                    const char *after, wk__request *out)
{
    begin(out, "GET", "/v2/");
    wk_text_add(&out->target, kind);
    for (size_t i = 0; i < n; i++)
        wk_text_printf(&out->target, "%s%" PRId64, i == 0 ? "?product_ids=" : ",",
                       markets[i].instrument->venue_id);
    if (strcmp(kind, "orders") == 0)
        wk_text_add(&out->target, "&states=open,pending");
    if (since_ns > 0)
        wk_text_printf(&out->target, "%sstart_time=%" PRId64, n > 0 ? "&" : "?", since_ns / 1000);
    wk_text_add(&out->target, n > 0 || since_ns > 0 ? "&page_size=50" : "?page_size=50");
    if (*after) {
        char escaped[768];
        if (wk_http_escape(after, escaped, sizeof escaped))
            wk_text_printf(&out->target, "&after=%s", escaped);
    }
}

bool wk__delta_protect(const wk__market *m, int side, int64_t stop_ticks, int64_t profit_ticks,
                       wk__request *out, char why[WK__WHY])
{
    char stop[40] = "", profit[40] = "";
    if ((stop_ticks > 0 && !wk__market_price(m, stop_ticks, side, stop, why)) ||
        (profit_ticks > 0 && !wk__market_price(m, profit_ticks, -side, profit, why)))
        return false;
    begin(out, "POST", "/v2/orders/bracket");
    wk_text *b = &out->body;
    wk_text_printf(b, "{\"product_id\":%" PRId64, m->instrument->venue_id);
    if (stop[0])
        wk_text_printf(
            b, ",\"stop_loss_order\":{\"order_type\":\"market_order\",\"stop_price\":\"%s\"}",
            stop);
    if (profit[0])
        wk_text_printf(
            b, ",\"take_profit_order\":{\"order_type\":\"market_order\",\"stop_price\":\"%s\"}",
            profit);
    wk_text_add(b, ",\"bracket_stop_trigger_method\":\"last_traded_price\"}");
    return true;
}

void wk__delta_leverage(const wk__market *m, double leverage, wk__request *out)
{
    char text[32];
    wk_double_format(leverage, text);
    size_t n = strlen(text);
    if (n > 2 && strcmp(text + n - 2, ".0") == 0)
        text[n - 2] = '\0';
    begin(out, "POST", "/v2/products/");
    wk_text_printf(&out->target, "%" PRId64 "/orders/leverage", m->instrument->venue_id);
    wk_text_printf(&out->body, "{\"leverage\":\"%s\"}", text);
}

void wk__delta_login(const wk_keys *keys, int64_t now_ns, wk_text *out)
{
    char timestamp[24], signature[WK_SIGN_HEX];
    snprintf(timestamp, sizeof timestamp, "%" PRId64, now_ns / WK_NS_PER_S);
    wk_sign_delta(keys->secret, "GET", timestamp, "/live", "", 0, signature);
    wk_text_printf(out,
                   "{\"type\":\"key-auth\",\"payload\":{\"api-key\":\"%s\",\"timestamp\":\"%s\","
                   "\"signature\":\"%s\"}}",
                   keys->key, timestamp, signature);
}

void wk__delta_subscribe(const wk__market *markets, size_t n, wk_text *out)
{
    static const char *const channels[] = {"orders", "v2/user_trades", "positions"};
    wk_text_add(out, "{\"type\":\"subscribe\",\"payload\":{\"channels\":[");
    for (size_t c = 0; c < 3; c++) {
        wk_text_printf(out, "%s{\"name\":\"%s\",\"symbols\":[", c > 0 ? "," : "", channels[c]);
        for (size_t i = 0; i < n; i++) {
            wk_text_add(out, i > 0 ? "," : "");
            wk_text_add_json_string(out, markets[i].instrument->symbol);
        }
        wk_text_add(out, "]}");
    }
    wk_text_add(out, "]}}");
}
