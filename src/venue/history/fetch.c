/* wk_history_fetch: what is asked for, of which markets, and what is known of them already. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/log.h"

static const wk__venue *const venues[] = {&wk__venue_kraken, &wk__venue_kraken_futures,
                                          &wk__venue_delta_india, &wk__venue_delta_global,
                                          &wk__venue_amberdata};

static wk_status find_venue(const wk_history_request *r, const wk__venue **out, wk_err *err)
{
    for (size_t i = 0; i < sizeof venues / sizeof *venues; i++)
        if (strcmp(venues[i]->name, r->venue) == 0) {
            *out = venues[i];
            return WK_OK;
        }
    return wk_fail(err, WK_E_ARG,
                   "venue \"%s\" is unknown; there are kraken, kraken-futures, delta-india, "
                   "delta-global and amberdata",
                   r->venue);
}

static wk_status check(const wk__venue *venue, const wk_history_request *r, wk_err *err)
{
    static const char *const names[] = {"candles", "funding", "open-interest", "book",
                                        "instruments"};
    bool has = r->what == WK_HISTORY_CANDLES         ? venue->ask_candles || venue->fill
               : r->what == WK_HISTORY_FUNDING       ? venue->ask_funding != NULL
               : r->what == WK_HISTORY_OPEN_INTEREST ? venue->ask_open_interest != NULL
               : r->what == WK_HISTORY_BOOK          ? venue->ask_books != NULL
                                                     : true;
    if (!has)
        return wk_fail(err, WK_E_ARG, "%s has no %s", r->venue, names[r->what]);
    if (venue->dialect == WK_REST_AMBERDATA && (!r->exchange || !r->exchange[0]))
        return wk_fail(err, WK_E_ARG,
                       "amberdata has many exchanges: add --exchange NAME (gdax, kraken, binance)");
    if (venue->dialect == WK_REST_AMBERDATA && (!r->key || !r->key[0]))
        return wk_fail(err, WK_E_ARG,
                       "amberdata wants a key: put it into the environment variable "
                       "WICK_AMBERDATA_KEY");
    if (r->exchange && strlen(r->exchange) > 20)
        return wk_fail(err, WK_E_ARG, "exchange \"%s\": the name is too long", r->exchange);
    if (r->what != WK_HISTORY_INSTRUMENTS && r->timeframe_ns < 60 * WK_NS_PER_S)
        return wk_fail(err, WK_E_ARG, "the shortest timeframe of a venue's history is 1m");
    return WK_OK;
}

/* The longest timeframe of the venue that divides the wanted one. Weeks begin on other days there
 * than here, so they are built of days. */
static int64_t base_of(const wk__venue *venue, int64_t timeframe_ns)
{
    for (const int *m = venue->base_minutes; *m; m++)
        if (timeframe_ns % (*m * 60 * WK_NS_PER_S) == 0)
            return *m * 60 * WK_NS_PER_S;
    return 0;
}

/* "btc/usd", "XBT-USD" and "BTCUSD" mean the same: letters and digits count. */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a && !isalnum((unsigned char)*a))
            a++;
        while (*b && !isalnum((unsigned char)*b))
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

/* An instrument by any of its names; an exact one first. */
static const wk_instrument *find_instrument(const wk_instruments *list, const char *symbol)
{
    const char *colon = strchr(symbol, ':');
    const char *name = colon ? colon + 1 : symbol;
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i].symbol, name) == 0 || strcmp(list->v[i].name_rest, name) == 0)
            return &list->v[i];
    for (size_t i = 0; i < list->n; i++)
        if (same_name(list->v[i].symbol, name) || same_name(list->v[i].name_rest, name) ||
            same_name(list->v[i].name_stream, name))
            return &list->v[i];
    return NULL;
}

/* Folders of the store are named by letters, digits and ._- */
static void store_name(const char *symbol, char out[32])
{
    size_t n = 0;
    while (*symbol == '.')
        symbol++;
    for (; *symbol && n < 31; symbol++)
        out[n++] = isalnum((unsigned char)*symbol) || strchr("._-", *symbol) ? *symbol : '_';
    out[n] = 0;
}

/* MARK:BTCUSD is a series of candles of its own; FUNDING: and OI: are other ways to ask for those.
 */
static wk_status plan_series(wk__session *s, const wk_instrument *instrument, const char *symbol,
                             wk__series *x, wk_err *err)
{
    static const char *const names[] = {"candles", "funding", "open_interest", "book", ""};
    const wk_history_request *r = s->request;
    char timeframe[16];
    *x = (wk__series){.session = s,
                      .instrument = instrument,
                      .what = r->what,
                      .timeframe_ns = r->timeframe_ns,
                      .base_ns = base_of(s->venue, r->timeframe_ns),
                      .volume_unit = {1, 0}};
    snprintf(x->wire, sizeof x->wire, "%s", instrument->name_rest);
    store_name(instrument->symbol, x->symbol);
    if (s->venue->dialect == WK_REST_DELTA && r->what == WK_HISTORY_CANDLES) {
        if (strncmp(symbol, "FUNDING:", 8) == 0) {
            x->what = WK_HISTORY_FUNDING;
        } else if (strncmp(symbol, "OI:", 3) == 0) {
            x->what = WK_HISTORY_OPEN_INTEREST;
        } else if (strncmp(symbol, "MARK:", 5) == 0) {
            snprintf(x->wire, sizeof x->wire, "MARK:%.40s", instrument->name_rest);
            store_name(x->wire, x->symbol);
        }
    }
    /* Volumes are kept in base currency; one contract is worth contract_value of it. */
    if (instrument->is_contract && !instrument->is_inverse)
        x->volume_unit = instrument->contract_value;
    if (x->base_ns == 0)
        return wk_fail(err, WK_E_ARG, "%s has no timeframe that divides %s", r->venue,
                       wk_timeframe_format(r->timeframe_ns, timeframe));
    x->value_name = names[x->what];
    snprintf(x->cursor_key, sizeof x->cursor_key, "fetch/%s/%s/%s/%s", s->store_venue, x->symbol,
             x->value_name, wk_timeframe_format(x->timeframe_ns, timeframe));
    return WK_OK;
}

static int64_t up_to_grid(int64_t time_ns, int64_t timeframe_ns)
{
    int64_t start_ns = wk_bucket_start(time_ns, timeframe_ns);
    return start_ns == time_ns ? time_ns : start_ns + timeframe_ns;
}

/* What is to be known in the end: on the grid, closed, not before the market opened. */
static void limits(const wk__series *x, int64_t *from_ns, int64_t *to_ns)
{
    const wk__session *s = x->session;
    const wk_history_request *r = s->request;
    int64_t now_ns = wk__rest_now_ns(&s->rest) - (int64_t)(s->config->close_grace_s * 1e9);
    int64_t until_ns = r->until_ns > 0 ? r->until_ns : now_ns;
    /* Delta goes on filling candles after a contract's end: those are no prices. */
    if (s->settle_ns > 0 && until_ns > s->settle_ns)
        until_ns = s->settle_ns;
    int64_t launch_ns = x->instrument->launch_ns - 86400 * WK_NS_PER_S;
    *from_ns = r->since_ns > launch_ns ? r->since_ns : launch_ns;
    if (x->what == WK_HISTORY_CANDLES) {
        *from_ns = up_to_grid(*from_ns, x->timeframe_ns);
        *to_ns = up_to_grid(until_ns, x->timeframe_ns);
        int64_t closed_ns = wk_bucket_start(now_ns, x->timeframe_ns);
        if (*to_ns > closed_ns)
            *to_ns = closed_ns;
    } else {
        *to_ns = until_ns < now_ns ? until_ns : now_ns;
    }
    if (*to_ns < *from_ns)
        *to_ns = *from_ns;
}

static wk_status read_known(wk__series *x, wk_err *err)
{
    char *text;
    x->known.n = 0;
    if (x->session->request->again)
        return WK_OK;
    WK_TRY(wk_fresh_cursor_get(x->session->fresh, x->cursor_key, &text, err));
    wk__spans_read(text, &x->known);
    free(text);
    return WK_OK;
}

static wk_status fetch_series(wk__series *x, wk_err *err)
{
    const wk__venue *venue = x->session->venue;
    int64_t from_ns, to_ns, at_ns;
    wk_span missing;
    limits(x, &from_ns, &to_ns);
    WK_TRY(read_known(x, err));
    /* What is known counts as done at once. */
    for (at_ns = from_ns; wk__spans_missing(&x->known, at_ns, to_ns, &missing);
         at_ns = missing.to_ns)
        wk__progress_to(x, at_ns, missing.from_ns);
    wk__progress_to(x, at_ns, to_ns);
    for (at_ns = from_ns; wk__spans_missing(&x->known, at_ns, to_ns, &missing);
         at_ns = missing.to_ns) {
        if (x->what != WK_HISTORY_CANDLES)
            WK_TRY(wk__fill_values(x, missing.from_ns, missing.to_ns, err));
        else if (venue->fill)
            WK_TRY(venue->fill(x, missing.from_ns, missing.to_ns, err));
        else
            WK_TRY(wk__fill_candles(x, missing.from_ns, missing.to_ns, err));
    }
    return WK_OK;
}

static wk_status put_instruments(wk__session *s, const wk_instrument *list, size_t n, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        wk_instrument instrument = list[i];
        store_name(list[i].symbol, instrument.symbol);
        if (!instrument.symbol[0])
            continue;
        WK_TRY(wk_fresh_put_instrument(s->fresh, &instrument, err));
        s->report->n_rows += s->request->what == WK_HISTORY_INSTRUMENTS;
    }
    return WK_OK;
}

static bool is_of_one_market(wk_status status)
{
    return status == WK_E_DATA || status == WK_E_PARSE || status == WK_E_NOT_FOUND ||
           status == WK_E_RANGE || status == WK_E_ARG;
}

static wk_status fetch_market(wk__session *s, wk__series *x, const wk_instrument *instrument,
                              const char *symbol, wk_err *err)
{
    s->report->n_series++;
    WK_TRY(put_instruments(s, instrument, 1, err));
    WK_TRY(plan_series(s, instrument, symbol, x, err));
    return fetch_series(x, err);
}

static uint64_t candles_of(const wk__session *s)
{
    const wk_history_request *r = s->request;
    int64_t until_ns = r->until_ns > 0 ? r->until_ns : wk_clock_wall_ns();
    return until_ns > r->since_ns ? (uint64_t)((until_ns - r->since_ns) / r->timeframe_ns) : 0;
}

/* Every market that trades, one after the other; one that fails is noted and passed over. */
static wk_status fetch_all(wk__session *s, wk__series *x, const wk_instruments *list, wk_err *err)
{
    uint64_t n_tradable = 0, each = candles_of(s);
    for (size_t i = 0; i < list->n; i++)
        n_tradable += list->v[i].is_tradable;
    s->total = n_tradable * each;
    for (size_t i = 0, k = 0; i < list->n; i++) {
        wk_err why;
        if (!list->v[i].is_tradable)
            continue;
        s->done = k++ * each;
        wk_status status = fetch_market(s, x, &list->v[i], list->v[i].symbol, &why);
        if (status == WK_OK)
            continue;
        if (!is_of_one_market(status))
            return wk_fail(err, status, "%s: %s", list->v[i].symbol, why.msg);
        wk_log_write(WK_LOG_WARN, "fetch.failed", "symbol=%s why=\"%s\"", list->v[i].symbol,
                     why.msg);
        if (s->report->n_failed++ == 0)
            snprintf(s->report->first_failure, sizeof s->report->first_failure, "%s: %.440s",
                     list->v[i].symbol, why.msg);
    }
    if (s->report->n_failed > 0)
        return wk_fail(err, WK_E_DATA, "%zu of %zu markets failed, the first was %s",
                       s->report->n_failed, s->report->n_series, s->report->first_failure);
    return WK_OK;
}

static wk_status fetch(wk__session *s, wk__series *x, wk_instruments *list, wk_err *err)
{
    const wk_history_request *r = s->request;
    bool is_all = strcmp(r->symbol, "all") == 0;
    WK_TRY(s->venue->instruments(s, is_all ? NULL : r->symbol, list, err));
    if (is_all && list->n == 0)
        return wk_fail(err, WK_E_DATA, "%s lists no instrument", r->venue);
    if (is_all && r->what == WK_HISTORY_INSTRUMENTS)
        return put_instruments(s, list->v, list->n, err);
    if (is_all)
        return fetch_all(s, x, list, err);
    const wk_instrument *one = find_instrument(list, r->symbol);
    if (!one)
        return wk_fail(err, WK_E_NOT_FOUND,
                       "%s has no market called %s; wick fetch --venue %s --what instruments "
                       "--symbol all reads the list",
                       r->venue, r->symbol, r->venue);
    if (r->what == WK_HISTORY_INSTRUMENTS)
        return put_instruments(s, one, 1, err);
    s->total = candles_of(s);
    return fetch_market(s, x, one, r->symbol, err);
}

wk_status wk_history_fetch(const wk_history_config *config, const wk_history_request *request,
                           wk_fresh *fresh, wk_history_report *report, wk_err *err)
{
    wk__session s = {.config = config, .request = request, .fresh = fresh, .report = report};
    *report = (wk_history_report){0};
    WK_TRY(find_venue(request, &s.venue, err));
    WK_TRY(check(s.venue, request, err));
    s.address = (const wk_history_venue *)((const char *)&config->venues + s.venue->address);
    if (s.venue->dialect == WK_REST_AMBERDATA)
        snprintf(s.store_venue, sizeof s.store_venue, "amberdata-%.20s", request->exchange);
    else
        snprintf(s.store_venue, sizeof s.store_venue, "%s", request->venue);
    bool has_key = s.venue->dialect == WK_REST_AMBERDATA;
    WK_TRY(wk__rest_open(config, s.address, request->venue, s.venue->dialect,
                         has_key ? request->key : NULL, &s.rest, err));
    wk_instruments list = {0};
    wk__series *x = calloc(1, sizeof *x);
    wk_status status = x ? fetch(&s, x, &list, err) : wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK && request->progress && s.total > 0)
        request->progress(request->ctx, s.total, s.total);
    report->n_requests = s.rest.n_requests;
    report->n_repeated = s.rest.n_repeated;
    free(x);
    free(list.v);
    wk__rest_close(&s.rest);
    return status;
}
