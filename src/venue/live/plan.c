/* What a configuration comes to: markets, and the connections that carry them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live_internal.h"
#include "wick/clock.h"
#include "wick/websocket.h"

void wk__live_store_symbol(const char *name_stream, char out[32])
{
    size_t n = 0;
    for (const char *c = name_stream; *c && n < 31; c++)
        if (*c != '/')
            out[n++] = *c;
    out[n] = 0;
}

static bool is_name(const char *s, const char *more)
{
    if (!*s || strlen(s) > 31)
        return false;
    for (; *s; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
              strchr("-_.", *s) || strchr(more, *s)))
            return false;
    return true;
}

/* The lengths of candles that a dialect has, in minutes. */
static bool has_candles(int dialect, int64_t timeframe_ns)
{
    static const int kraken[] = {1, 5, 15, 30, 60, 240, 1440};
    static const int delta[] = {1, 3, 5, 15, 30, 60, 120, 240, 360, 720, 1440};
    const int *list = dialect == WK_LIVE_KRAKEN ? kraken : delta;
    size_t n =
        dialect == WK_LIVE_KRAKEN ? sizeof kraken / sizeof *kraken : sizeof delta / sizeof *delta;
    for (size_t i = 0; i < n; i++)
        if (timeframe_ns == list[i] * 60 * WK_NS_PER_S)
            return true;
    return false;
}

wk_status wk__live_timeframes(const wk_live_config *config, int64_t ns[WK__TIMEFRAMES_MAX],
                              wk_err *err)
{
    const wk_strings *names = &config->timeframes;
    if (names->n == 0 || names->n > WK__TIMEFRAMES_MAX)
        return wk_fail(err, WK_E_CONFIG, "timeframes: give 1 to %d", WK__TIMEFRAMES_MAX);
    for (size_t i = 0; i < names->n; i++) {
        if (wk_timeframe_parse(names->v[i], &ns[i], err) != WK_OK) {
            wk_fail_prefix(err, "timeframes");
            return err ? (err->code = WK_E_CONFIG) : WK_E_CONFIG;
        }
        if (i && (ns[i] <= ns[i - 1] || ns[i] % ns[0] || ns[i] / ns[0] > 1440))
            return wk_fail(err, WK_E_CONFIG,
                           "timeframes: %s has to be longer than the one before it, a multiple of "
                           "the first and at most 1440 times as long",
                           names->v[i]);
    }
    for (size_t v = 0; v < config->venues.n; v++) {
        const wk_live_venue *venue = (const wk_live_venue *)config->venues.v + v;
        if (venue->candles && !has_candles(venue->dialect, ns[0]))
            return wk_fail(err, WK_E_CONFIG,
                           "timeframes: %s has no candles of %s; turn candles off there",
                           venue->name, names->v[0]);
    }
    return WK_OK;
}

static wk_status check_venue(const wk_live_venue *v, wk_err *err)
{
    wk_websocket_url url;
    if (!is_name(v->name, "") || strlen(v->name) > 24 || v->name[0] == '.' ||
        strcmp(v->name, "wick") == 0)
        return wk_fail(err, WK_E_CONFIG,
                       "venues.name \"%.40s\": write up to 24 letters, digits, - or _", v->name);
    if (wk_websocket_url_parse(v->url, &url, err) != WK_OK) {
        wk_fail_prefix(err, "venues.url of %s", v->name);
        return err ? (err->code = WK_E_CONFIG) : WK_E_CONFIG;
    }
    if (v->symbols.n == 0)
        return wk_fail(err, WK_E_CONFIG, "venues.symbols of %s is empty; name a market", v->name);
    if (v->contract_values.n && v->contract_values.n != v->symbols.n)
        return wk_fail(err, WK_E_CONFIG,
                       "venues.contract_values of %s has %zu values for %zu symbols; give one each",
                       v->name, v->contract_values.n, v->symbols.n);
    for (size_t i = 0; i < v->contract_values.n; i++)
        if (!(v->contract_values.v[i] > 0))
            return wk_fail(err, WK_E_CONFIG,
                           "venues.contract_values of %s: value %zu is not above 0", v->name, i);
    if (!v->candles && !v->trades && !v->book && !v->ticker)
        return wk_fail(err, WK_E_CONFIG, "venues of %s: every channel is off; turn one on",
                       v->name);
    for (size_t i = 0; i < v->symbols.n; i++) {
        if (!is_name(v->symbols.v[i], "/:") || v->symbols.v[i][0] == '.')
            return wk_fail(err, WK_E_CONFIG, "venues.symbols of %s: \"%.40s\" is no market's name",
                           v->name, v->symbols.v[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(v->symbols.v[i], v->symbols.v[k]) == 0)
                return wk_fail(err, WK_E_CONFIG, "venues.symbols of %s: %s is there twice", v->name,
                               v->symbols.v[i]);
    }
    static const int64_t depths[] = {10, 25, 100, 500, 1000};
    bool is_depth = v->dialect != WK_LIVE_KRAKEN;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        is_depth |= v->book_depth == depths[i];
    if (!is_depth)
        return wk_fail(err, WK_E_CONFIG,
                       "venues.book_depth of %s is %lld; Kraken has 10, 25, 100, 500 and 1000",
                       v->name, (long long)v->book_depth);
    return WK_OK;
}

wk_status wk__live_plan(const wk_live_config *config, wk__planned **out, size_t *n, wk_err *err)
{
    const wk_live_venue *venues = config->venues.v;
    size_t n_connections = 0;
    if (config->venues.n == 0)
        return wk_fail(err, WK_E_CONFIG, "venues is empty; see configs/record.json");
    for (size_t v = 0; v < config->venues.n; v++) {
        WK_TRY(check_venue(&venues[v], err));
        for (size_t w = 0; w < v; w++)
            if (strcmp(venues[v].name, venues[w].name) == 0)
                return wk_fail(err, WK_E_CONFIG, "two venues are named %s", venues[v].name);
        size_t each = (size_t)venues[v].symbols_per_connection;
        n_connections += (venues[v].symbols.n + each - 1) / each;
    }
    if (n_connections > 256)
        return wk_fail(err, WK_E_CONFIG,
                       "%zu connections are too many; raise symbols_per_connection", n_connections);
    wk__planned *planned = calloc(n_connections, sizeof *planned);
    if (!planned)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t at = 0;
    uint32_t market = 0;
    for (size_t v = 0; v < config->venues.n; v++) {
        size_t each = (size_t)venues[v].symbols_per_connection;
        for (size_t first = 0, k = 1; first < venues[v].symbols.n; first += each, k++) {
            size_t left = venues[v].symbols.n - first;
            wk__planned *p = &planned[at++];
            p->venue = (uint32_t)v;
            p->first_market = market;
            p->n_markets = (uint32_t)(left < each ? left : each);
            snprintf(p->name, sizeof p->name, "%.24s-%u", venues[v].name, (unsigned)k % 1000);
            market += p->n_markets;
        }
    }
    *out = planned;
    *n = n_connections;
    return WK_OK;
}
