/* Sizes and prices between the bot's lots and ticks and the venue's steps, in integers only. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_internal.h"
#include "wick/clock.h"
#include "wick/money.h"

enum { POWER_MAX = 18 };

static wk_i128 power(int n)
{
    wk_i128 p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

/* Trailing zeros say nothing here, and cost range. */
static wk_decimal trim(wk_decimal d)
{
    while (d.scale > 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.scale--;
    }
    return d;
}

/* a / b as num / den, den > 0; false when it does not fit. b > 0. */
static bool ratio(wk_decimal a, wk_decimal b, wk_i128 *num, wk_i128 *den)
{
    a = trim(a);
    b = trim(b);
    int up = b.scale - a.scale;
    if (up > POWER_MAX || up < -POWER_MAX || b.digits <= 0)
        return false;
    *num = a.digits;
    *den = b.digits;
    if (up > 0)
        *num *= power(up);
    else
        *den *= power(-up);
    return true;
}

static bool whole(wk_decimal a, wk_decimal b, int64_t *out)
{
    wk_i128 num, den;
    if (!ratio(a, b, &num, &den) || num % den != 0 || num / den > INT64_MAX ||
        num / den < -INT64_MAX)
        return false;
    *out = (int64_t)(num / den);
    return true;
}

static bool product(wk_decimal a, wk_decimal b, wk_decimal *out)
{
    a = trim(a);
    b = trim(b);
    out->scale = a.scale + b.scale;
    return out->scale <= 36 && !__builtin_mul_overflow(a.digits, b.digits, &out->digits);
}

wk_status wk__market_init(const wk_account_market *market, wk__market *out, wk_err *err)
{
    const wk_instrument *in = market->instrument;
    wk__market m = {in, market->tick, market->lot, 0, 0, market->leverage};
    wk_decimal unit = {0, 0};
    if (in->is_inverse)
        return wk_fail(err, WK_E_CONFIG,
                       "%s %s is an inverse contract, whose size is no multiple of a base lot; "
                       "trade a linear one",
                       in->venue, in->symbol);
    if (in->is_contract && in->venue_id <= 0)
        return wk_fail(err, WK_E_DATA, "%s %s has no product id; fetch its instrument again",
                       in->venue, in->symbol);
    if (!product(in->lot, in->contract_value, &unit) ||
        !whole(unit, market->lot, &m.lots_per_unit) || m.lots_per_unit < 1)
        return wk_fail(err, WK_E_CONFIG,
                       "%s %s: the venue's size step (%lld / 10^%d) is no multiple of the lot "
                       "(%lld / 10^%d); set the lot to the step",
                       in->venue, in->symbol, (long long)unit.digits, unit.scale,
                       (long long)market->lot.digits, market->lot.scale);
    if (!whole(in->tick, market->tick, &m.ticks_per_step) || m.ticks_per_step < 1)
        return wk_fail(
            err, WK_E_CONFIG,
            "%s %s: the venue's price step is no multiple of the tick (%lld / 10^%d); set "
            "the tick to the step",
            in->venue, in->symbol, (long long)market->tick.digits, market->tick.scale);
    *out = m;
    return WK_OK;
}

/* count * step as text with the step's decimals. */
static bool write_steps(int64_t count, wk_decimal step, char out[40])
{
    int64_t units;
    if (step.scale > 18 || __builtin_mul_overflow(count, step.digits, &units))
        return false;
    wk_units_format(units, step.scale, out);
    return true;
}

bool wk__market_size(const wk__market *m, int64_t lots, char out[40], int64_t *rounded_lots,
                     char why[WK__WHY])
{
    const wk_instrument *in = m->instrument;
    int64_t units = lots / m->lots_per_unit;
    wk_i128 num, den;
    /* qty_min / lot, in units, rounded up */
    int64_t least = 1;
    if (in->qty_min.digits > 0 && ratio(in->qty_min, in->lot, &num, &den))
        least = (int64_t)((num + den - 1) / den);
    if (units < 1 || units < least) {
        snprintf(why, WK__WHY,
                 "size below the venue's minimum: %" PRId64 " lots are %" PRId64
                 " steps, %s takes %" PRId64 " or more",
                 lots, units, in->symbol, least);
        return false;
    }
    if (!write_steps(units, in->lot, out)) {
        snprintf(why, WK__WHY, "size too large: %" PRId64 " lots of %s", lots, in->symbol);
        return false;
    }
    *rounded_lots = units * m->lots_per_unit;
    return true;
}

bool wk__market_price(const wk__market *m, int64_t ticks, int direction, char out[40],
                      char why[WK__WHY])
{
    int64_t per = m->ticks_per_step, steps = ticks / per, rest = ticks % per;
    if (direction > 0 ? rest > 0 : direction == 0 && rest >= per - rest && rest > 0)
        steps++;
    if (ticks <= 0 || steps <= 0 || !write_steps(steps, m->instrument->tick, out)) {
        snprintf(why, WK__WHY, "%" PRId64 " ticks are no price of %s", ticks,
                 m->instrument->symbol);
        return false;
    }
    return true;
}

bool wk__market_lots(const wk__market *m, wk_decimal size, int64_t *lots)
{
    int64_t units, n;
    if (!whole(size, m->instrument->lot, &units) ||
        __builtin_mul_overflow(units, m->lots_per_unit, &n))
        return false;
    *lots = n;
    return true;
}

bool wk__market_ticks(const wk__market *m, wk_decimal price, int64_t *ticks)
{
    wk_i128 num, den;
    if (price.digits < 0 || !ratio(price, m->tick, &num, &den))
        return false;
    wk_i128 q = (2 * num + den) / (2 * den);
    if (q > INT64_MAX)
        return false;
    *ticks = (int64_t)q;
    return true;
}

bool wk__cash_e8(wk_decimal amount, int64_t *out)
{
    wk_i128 num, den;
    if (!ratio(amount, (wk_decimal){1, 8}, &num, &den))
        return false;
    wk_i128 q = num / den, rest = num % den;
    q += rest > 0 ? 1 : rest < 0 ? -1 : 0;
    if (q > INT64_MAX || q < -INT64_MAX)
        return false;
    *out = (int64_t)q;
    return true;
}

bool wk__market_cost_at_least(const wk__market *m, int64_t lots, int64_t ticks, wk_decimal least)
{
    wk_decimal tick = trim(m->tick), lot = trim(m->lot), value;
    wk_i128 num, den, cost;
    if (!product(tick, lot, &value) || !ratio(least, value, &num, &den))
        return false;
    cost = (wk_i128)lots * ticks;
    return cost >= (num + den - 1) / den;
}

void wk__client_id_text(uint64_t id, char out[WK__CLIENT_ID])
{
    snprintf(out, WK__CLIENT_ID, "wk%016" PRIx64, id);
}

uint64_t wk__client_id_read(const char *text)
{
    if (strlen(text) != WK__CLIENT_ID - 1 || text[0] != 'w' || text[1] != 'k' ||
        strspn(text + 2, "0123456789abcdef") != 16)
        return 0;
    return strtoull(text + 2, NULL, 16);
}

size_t wk__market_by_product(const wk__market *markets, size_t n, int64_t product_id,
                             const char *symbol)
{
    for (size_t i = 0; i < n; i++)
        if (product_id > 0 ? markets[i].instrument->venue_id == product_id
                           : strcmp(markets[i].instrument->symbol, symbol) == 0)
            return i;
    return n;
}

size_t wk__market_by_name(const wk__market *markets, size_t n, const char *name)
{
    /* Kraken's older pairs have a second name: XXBTZUSD is XBTUSD. */
    char alternative[8] = "";
    if (strlen(name) == 8 && name[0] == 'X' && (name[4] == 'Z' || name[4] == 'X')) {
        memcpy(alternative, name + 1, 3);
        memcpy(alternative + 3, name + 5, 4);
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(markets[i].instrument->name_rest, name) == 0 ||
            (alternative[0] && strcmp(markets[i].instrument->name_rest, alternative) == 0) ||
            strcmp(markets[i].instrument->name_stream, name) == 0 ||
            strcmp(markets[i].instrument->symbol, name) == 0)
            return i;
    return n;
}

bool wk__seconds_ns(wk_decimal seconds, int64_t *ns)
{
    seconds = trim(seconds);
    return seconds.digits >= 0 && wk_decimal_units(seconds, 9, ns) == NULL;
}

bool wk__iso_ns(const char *text, int64_t *ns)
{
    char whole_seconds[24];
    wk_err err;
    if (strlen(text) < 20)
        return false;
    memcpy(whole_seconds, text, 19);
    memcpy(whole_seconds + 19, "Z", 2);
    if (wk_time_parse(whole_seconds, ns, &err) != WK_OK)
        return false;
    int64_t unit = WK_NS_PER_S / 10;
    const char *p = text + 19;
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
            *ns += (*p - '0') * unit;
    return strcmp(p, "Z") == 0 || strcmp(p, "+00:00") == 0;
}
