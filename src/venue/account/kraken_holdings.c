/* What an account at Kraken holds: assets of spot, positions of margin, cash and equity. */
#include "kraken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* XBT and XXBT are one asset, ZUSD and USD another. */
static bool same_asset(const char *told, const char *base)
{
    if (strcmp(base, "BTC") == 0)
        base = "XBT";
    if (strcmp(base, "DOGE") == 0)
        base = "XDG";
    if (strcmp(told, base) == 0)
        return true;
    return (told[0] == 'X' || told[0] == 'Z') && strlen(told) == 4 && strcmp(told + 1, base) == 0;
}

/* What a reply of Balance says of one asset; false: it cannot be read. */
static bool held_of(const wk__exchange *e, const char *asset, wk_decimal *held)
{
    *held = (wk_decimal){0, 0};
    for (uint32_t key = wk__reply_first(&e->doc, e->result); key != WK__JSON_ABSENT;) {
        uint32_t value = wk__reply_after(&e->doc, e->result, key);
        char name[24] = "", number[48];
        if (wk__reply_token_text(&e->doc, key, name, sizeof name) && same_asset(name, asset) &&
            (!wk__reply_token_text(&e->doc, value, number, sizeof number) ||
             wk_decimal_parse(number, strlen(number), held) != NULL))
            return false;
        key = wk__reply_after(&e->doc, e->result, value);
    }
    return true;
}

static wk_request_result ask_balance(wk__account *a, wk__exchange *e, char *why)
{
    wk_request_result result = wk__kraken_call(a, "/0/private/Balance", "", e, why);
    if (result == WK_REQUEST_DONE && !wk__reply_kind(&e->doc, e->result, WK__JSON_OBJECT))
        result = wk__kraken_odd(why, "the balance");
    return result;
}

static bool is_margin(const wk__account *a, uint32_t s)
{
    return a->markets[s].leverage >= 2;
}

/* Spot has no positions: what is held of the base is one, whoever bought it. All markets from one
 * reply: they are of one moment. */
static wk_request_result holdings(wk__account *a, int64_t *lots, char *why)
{
    wk__exchange e;
    wk_request_result result = ask_balance(a, &e, why);
    for (uint32_t s = 0; result == WK_REQUEST_DONE && s < a->n_markets; s++) {
        wk_decimal held;
        if (is_margin(a, s))
            continue;
        if (!held_of(&e, a->markets[s].instrument->base, &held)) {
            result = wk__kraken_odd(why, "the balance");
            break;
        }
        /* Dust below the size step is nobody's position. */
        int places = a->markets[s].instrument->lot.scale;
        while (held.scale > places) {
            held.digits /= 10;
            held.scale--;
        }
        if (!wk__market_lots(&a->markets[s], held, &lots[s]))
            result = wk__kraken_odd(why, "the balance");
    }
    wk__exchange_finish(&e);
    return result;
}

/* Of a market with margin they stand in a list of their own, one entry an opening order. */
static wk_request_result margin_positions(wk__account *a, int64_t *lots, char *why)
{
    wk__exchange e;
    wk_request_result result = wk__kraken_call(a, "/0/private/OpenPositions", "", &e, why);
    if (result == WK_REQUEST_DONE && !wk__reply_kind(&e.doc, e.result, WK__JSON_OBJECT))
        result = wk__kraken_odd(why, "the positions");
    for (uint32_t key = result == WK_REQUEST_DONE ? wk__reply_first(&e.doc, e.result)
                                                  : WK__JSON_ABSENT;
         key != WK__JSON_ABSENT;) {
        uint32_t value = wk__reply_after(&e.doc, e.result, key);
        char pair[40] = "", type[8] = "";
        wk_decimal volume, closed;
        int64_t all, gone;
        key = wk__reply_after(&e.doc, e.result, value);
        wk__reply_text(&e.doc, value, "pair", pair, sizeof pair);
        size_t s = wk__market_by_name(a->markets, a->n_markets, pair);
        if (s == a->n_markets || !is_margin(a, (uint32_t)s))
            continue;
        if (!wk__reply_text(&e.doc, value, "type", type, sizeof type) ||
            (strcmp(type, "buy") != 0 && strcmp(type, "sell") != 0) ||
            !wk__reply_decimal(&e.doc, value, "vol", &volume) ||
            !wk__reply_decimal(&e.doc, value, "vol_closed", &closed) ||
            !wk__market_lots(&a->markets[s], volume, &all) ||
            !wk__market_lots(&a->markets[s], closed, &gone)) {
            result = wk__kraken_odd(why, "a position");
            break;
        }
        lots[s] += strcmp(type, "buy") == 0 ? all - gone : gone - all;
    }
    wk__exchange_finish(&e);
    return result;
}

wk_request_result wk__kraken_positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                       char *why)
{
    wk__account *a = self;
    bool spot = false, margin = false;
    *n = 0;
    for (uint32_t s = 0; s < a->n_markets; s++)
        *(is_margin(a, s) ? &margin : &spot) = true;
    int64_t *lots = calloc(a->n_markets + 1, sizeof *lots);
    if (!lots)
        return wk__kraken_odd(why, "memory");
    wk_request_result result = spot ? holdings(a, lots, why) : WK_REQUEST_DONE;
    if (result == WK_REQUEST_DONE && margin)
        result = margin_positions(a, lots, why);
    for (uint32_t s = 0; result == WK_REQUEST_DONE && s < a->n_markets && *n < room; s++)
        if (lots[s] != 0)
            out[(*n)++] = (wk_venue_position){.symbol = s, .qty_lots = lots[s]};
    free(lots);
    return result;
}

wk_request_result wk__kraken_balance(void *self, int64_t *cash_e8, int64_t *equity_e8, char *why)
{
    wk__account *a = self;
    wk__exchange e;
    wk_decimal cash, equity;
    wk_request_result result = ask_balance(a, &e, why);
    if (result == WK_REQUEST_DONE &&
        (!held_of(&e, a->markets[0].instrument->quote, &cash) || !wk__cash_e8(cash, cash_e8)))
        result = wk__kraken_odd(why, "the balance");
    wk__exchange_finish(&e);
    if (result != WK_REQUEST_DONE)
        return result;
    *equity_e8 = *cash_e8;
    char fields[48];
    snprintf(fields, sizeof fields, "&asset=Z%s", a->markets[0].instrument->quote);
    result = wk__kraken_call(a, "/0/private/TradeBalance", fields, &e, why);
    if (result == WK_REQUEST_DONE && wk__reply_decimal(&e.doc, e.result, "eb", &equity))
        wk__cash_e8(equity, equity_e8);
    wk__exchange_finish(&e);
    return WK_REQUEST_DONE;
}
