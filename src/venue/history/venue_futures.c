/* Kraken futures: charts, funding rates, and what the tickers say now. */
#include <inttypes.h>
#include <stdio.h>

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

static wk_status ask_funding(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_values *out,
                             bool *narrower, wk_err *err)
{
    char path[256];
    (void)from_ns, (void)to_ns; /* all there is comes at once */
    snprintf(path, sizeof path, "/derivatives/api/v3/historical-funding-rates?symbol=%s", x->wire);
    WK_TRY(wk__rest_get(&x->session->rest, path, 1, narrower, err));
    return *narrower ? WK_OK : wk__parse_futures_funding(&x->session->rest.doc, out, err);
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
    return wk__parse_futures_book(&x->session->rest.doc, x->session->rest.response.received_ns,
                                  out, err);
}

const wk__venue wk__venue_kraken_futures = {
    .name = "kraken-futures",
    .dialect = WK_REST_KRAKEN_FUTURES,
    .address = offsetof(wk_history_venues, kraken_futures),
    .base_minutes = minutes,
    .window_bars = 2000,
    .instruments = instruments,
    .ask_candles = ask_candles,
    .ask_funding = ask_funding,
    .ask_open_interest = ask_open_interest,
    .ask_books = ask_books};
