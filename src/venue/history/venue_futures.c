/* Kraken futures: charts, funding rates, and what the tickers say now. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "session.h"
#include "wick/clock.h"

static const int minutes[] = {1440, 720, 240, 60, 30, 15, 5, 1, 0};

static wk_status instruments(wk__session *s, const char *symbol, wk_instruments *out, wk_err *err)
{
    bool narrower;
    (void)symbol;
    WK_TRY(wk__rest_get(&s->rest, "/derivatives/api/v3/instruments", 1, &narrower, err));
    return wk__parse_futures_instruments(&s->rest.doc, s->rest.response.received_ns, out, err);
}

static wk_status ask_candles(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *out,
                             bool *narrower, wk_err *err)
{
    char path[256], resolution[16];
    snprintf(path, sizeof path, "/api/charts/v1/trade/%s/%s?from=%" PRId64 "&to=%" PRId64, x->wire,
             wk_timeframe_format(x->base_ns, resolution), from_ns / WK_NS_PER_S,
             to_ns / WK_NS_PER_S);
    WK_TRY(wk__rest_get(&x->session->rest, path, 1, narrower, err));
    return *narrower ? WK_OK : wk__parse_futures_candles(&x->session->rest.doc, out, err);
}

static int by_time(const void *a, const void *b)
{
    const wk_fresh_value *x = a, *y = b;
    return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* No hour is missing between the first rate and to_ns. */
static bool is_whole(wk_rest_values *list, size_t start, int64_t to_ns)
{
    int64_t hour_ns = 3600 * WK_NS_PER_S;
    if (list->n == start)
        return false;
    qsort(list->v + start, list->n - start, sizeof *list->v, by_time);
    for (size_t i = start + 1; i < list->n; i++)
        if (list->v[i].time_ns - list->v[i - 1].time_ns > hour_ns)
            return false;
    return list->v[list->n - 1].time_ns + hour_ns >= to_ns;
}

/* All there is comes at once, in either order. The list may be cut short: it is asked for again
 * where an hour is missing. */
static wk_status ask_funding(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_values *out,
                             bool *narrower, wk_err *err)
{
    enum { ASKS = 3 };
    char path[256];
    size_t start = out->n;
    (void)from_ns;
    snprintf(path, sizeof path, "/derivatives/api/v3/historical-funding-rates?symbol=%s", x->wire);
    for (int i = 0; i < ASKS && !is_whole(out, start, to_ns); i++) {
        WK_TRY(wk__rest_get(&x->session->rest, path, 1, narrower, err));
        if (*narrower)
            return WK_OK;
        WK_TRY(wk__parse_futures_funding(&x->session->rest.doc, out, err));
    }
    return WK_OK;
}

static wk_status ask_open_interest(wk__series *x, int64_t from_ns, int64_t to_ns,
                                   wk_rest_values *out, bool *narrower, wk_err *err)
{
    (void)from_ns, (void)to_ns; /* only what is now */
    WK_TRY(wk__rest_get(&x->session->rest, "/derivatives/api/v3/tickers", 1, narrower, err));
    return wk__parse_futures_open_interest(&x->session->rest.doc, x->wire,
                                           x->session->rest.response.received_ns, out, err);
}

static wk_status ask_books(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_books *out,
                           bool *narrower, wk_err *err)
{
    char path[256];
    (void)from_ns, (void)to_ns;
    snprintf(path, sizeof path, "/derivatives/api/v3/orderbook?symbol=%s", x->wire);
    WK_TRY(wk__rest_get(&x->session->rest, path, 1, narrower, err));
    return wk__parse_futures_book(&x->session->rest.doc, x->session->rest.response.received_ns, out,
                                  err);
}

const wk__venue wk__venue_kraken_futures = {.name = "kraken-futures",
                                            .dialect = WK_REST_KRAKEN_FUTURES,
                                            .address = offsetof(wk_history_venues, kraken_futures),
                                            .base_minutes = minutes,
                                            .window_bars = 2000,
                                            .instruments = instruments,
                                            .ask_candles = ask_candles,
                                            .ask_funding = ask_funding,
                                            .ask_open_interest = ask_open_interest,
                                            .ask_books = ask_books};
