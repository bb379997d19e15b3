/* The history client writes into a store. A small one of its own takes the answer, so that the bars
 * reach the real store on the one path that is also recorded. */
#include "live_history.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/arena.h"
#include "wick/history.h"
#include "wick/log.h"

struct wk__live_history {
    const wk_live_config *config;
    wk_arena arena;
    wk_history_config history;
    char dir[PATH_MAX];
};

wk_status wk__live_history_open(const wk_live_config *config, wk__live_history **out, wk_err *err)
{
    wk__live_history *h = calloc(1, sizeof *h);
    if (!h)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    h->config = config;
    wk_arena_init(&h->arena);
    wk_config_defaults(&wk_history_config_table, &h->arena, &h->history);
    h->history.ca_file = config->ca_file;
    h->history.address_family = config->address_family;
    /* A session that ends does not wait for long, and what failed is asked for again later. */
    h->history.tries = 3;
    h->history.backoff_max_s = 2;
    h->history.timeout_s = 15;
    h->history.close_grace_s = 2;
    const char *tmp = getenv("TMPDIR");
    snprintf(h->dir, sizeof h->dir, "%.200s/wick-repair-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(h->dir)) {
        wk_status status = wk_fail(err, WK_E_IO, "cannot make a directory %s; set TMPDIR", h->dir);
        h->dir[0] = 0;
        wk__live_history_close(h);
        return status;
    }
    *out = h;
    return WK_OK;
}

/* The history client's name for a venue of the stream, with its host. */
static const char *choose_venue(wk__live_history *h, const char *name)
{
    const wk_live_venue *venues = h->config->venues.v, *v = venues;
    while (strcmp(v->name, name) != 0)
        v++;
    bool is_global = strstr(name, "global") != NULL;
    wk_history_venue *at = v->dialect == WK_LIVE_KRAKEN ? &h->history.venues.kraken
                           : is_global                  ? &h->history.venues.delta_global
                                                        : &h->history.venues.delta_india;
    if (v->rest_url[0])
        at->host = v->rest_url;
    return v->dialect == WK_LIVE_KRAKEN ? "kraken" : is_global ? "delta-global" : "delta-india";
}

static void store_symbol(const char *name_stream, char out[40])
{
    size_t n = 0;
    for (const char *c = name_stream; *c && n < 39; c++)
        if (*c != '/')
            out[n++] = *c;
    out[n] = 0;
}

wk_status wk__live_history_get(void *ctx, const char *venue, const char *name_stream,
                               int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                               wk_err *err)
{
    wk__live_history *h = ctx;
    wk_fresh *fresh;
    wk_history_report report;
    char symbol[40];
    store_symbol(name_stream, symbol);
    wk_history_request request = {.venue = choose_venue(h, venue),
                                  .symbol = symbol,
                                  .what = WK_HISTORY_CANDLES,
                                  .timeframe_ns = timeframe_ns,
                                  .since_ns = from_ns,
                                  .until_ns = to_ns,
                                  .again = true};
    WK_TRY(wk_fresh_open(h->dir, &fresh, err));
    wk_status status = wk_history_fetch(&h->history, &request, fresh, &report, err);
    if (status == WK_OK)
        status =
            wk_fresh_bars(fresh, request.venue, symbol, timeframe_ns, from_ns, to_ns, out, err);
    if (status == WK_E_NOT_FOUND)
        status = wk_series_create(venue, symbol, timeframe_ns, 0, out, err);
    wk_fresh_close(fresh);
    return status;
}

/* A market's contract value from what the store knows, else from the venue. */
static bool contract_value(wk__live_history *h, wk_fresh *fresh, const wk_live_venue *v,
                           const char *name, double *out)
{
    wk_instrument instrument;
    wk_history_report report;
    wk_err why;
    char symbol[40];
    store_symbol(name, symbol);
    wk_history_request request = {
        .venue = choose_venue(h, v->name), .symbol = symbol, .what = WK_HISTORY_INSTRUMENTS};
    wk_status status = wk_fresh_instrument(fresh, v->name, symbol, &instrument, &why);
    if (status != WK_OK && wk_history_fetch(&h->history, &request, fresh, &report, &why) == WK_OK)
        status = wk_fresh_instrument(fresh, request.venue, symbol, &instrument, &why);
    if (status != WK_OK || !instrument.is_contract || instrument.is_inverse)
        return false;
    *out = wk_decimal_to_double(instrument.contract_value);
    return true;
}

wk_status wk__live_contract_values(wk__live_history *h, wk_live_config *config, wk_arena *arena,
                                   wk_err *err)
{
    wk_live_venue *venues = config->venues.v;
    wk_fresh *fresh;
    WK_TRY(wk_fresh_open(config->store, &fresh, err));
    for (size_t i = 0; i < config->venues.n; i++) {
        wk_live_venue *v = &venues[i];
        if (v->dialect == WK_LIVE_KRAKEN || v->contract_values.n)
            continue;
        double *values = wk_arena_alloc(arena, v->symbols.n * sizeof *values);
        size_t n = 0;
        while (n < v->symbols.n && contract_value(h, fresh, v, v->symbols.v[n], &values[n]))
            n++;
        if (n == v->symbols.n)
            v->contract_values = (wk_reals){values, n};
        else
            wk_log_write(
                WK_LOG_WARN, "live.contracts",
                "venue=%s symbol=%s why=\"its contract value is not known, so volumes stay "
                "in contracts; set contract_values\"",
                v->name, v->symbols.v[n]);
    }
    wk_fresh_close(fresh);
    return WK_OK;
}

void wk__live_history_close(wk__live_history *h)
{
    static const char *const files[] = {"", "-wal", "-shm"};
    if (!h)
        return;
    char path[PATH_MAX + 32];
    for (size_t i = 0; i < 3 && h->dir[0]; i++) {
        snprintf(path, sizeof path, "%s/fresh.sqlite%s", h->dir, files[i]);
        unlink(path);
    }
    if (h->dir[0])
        rmdir(h->dir);
    wk_arena_finish(&h->arena);
    free(h);
}
