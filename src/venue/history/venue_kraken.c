/* Kraken spot: the newest 720 candles from OHLC, everything older from trades. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/log.h"

/* Longer ones (a week, 15 days) begin elsewhere than wick's; they are built from days. */
static const int minutes[] = {1440, 240, 60, 30, 15, 5, 1, 0};

enum { NEWEST = 720, ASKS = 3 };

static wk_status instruments(wk__session *s, const char *symbol, wk_instruments *out, wk_err *err)
{
    bool narrower;
    (void)symbol; /* one answer holds every pair with all its names */
    WK_TRY(wk__rest_get(&s->rest, "/0/public/AssetPairs", 1, &narrower, err));
    return wk__parse_kraken_pairs(&s->rest.doc, s->rest.response.received_ns, out, err);
}

/* Is the result of this market? Its key is XXBTZUSD for XBTUSD: names of assets may have an X or Z
 * before them. */
static bool is_of_market(const wk_doc *doc, const char *wire)
{
    char key[40];
    uint32_t result = wk__doc_get(doc, 0, "result"), k = wk__doc_first(doc, result);
    if (!wk__doc_is(doc, result, WK__JSON_OBJECT) || k == WK_DOC_NONE)
        return true; /* the parser will say what it misses */
    if (wk__doc_equals(doc, k, "last"))
        k = wk__doc_next(doc, result, k + 1);
    wk__doc_copy(doc, k, key, sizeof key);
    const char *p = key;
    for (; *p; p++) {
        if (*p == *wire)
            wire++;
        else if (*p != 'X' && *p != 'Z')
            return false;
    }
    return !*wire;
}

wk_status wk__kraken_get(wk__series *x, const char *path, double weight, wk_err *err)
{
    bool narrower;
    for (int i = 0; i < 2 * ASKS; i++) {
        WK_TRY(wk__rest_get(&x->session->rest, path, weight, &narrower, err));
        if (is_of_market(&x->session->rest.doc, x->wire))
            return WK_OK;
    }
    return wk_fail(err, WK_E_DATA, "%s answers with another market than %s", x->session->rest.name,
                   x->wire);
}

static wk_status ask_ohlc(wk__series *x, int64_t from_ns, wk_rest_candles *out, wk_err *err)
{
    char path[256];
    snprintf(path, sizeof path, "/0/public/OHLC?pair=%s&interval=%d&since=%" PRId64, x->wire,
             (int)(x->base_ns / (60 * WK_NS_PER_S)), (from_ns - x->base_ns) / WK_NS_PER_S);
    WK_TRY(wk__kraken_get(x, path, 1, err));
    return wk__parse_kraken_ohlc(&x->session->rest.doc, out, err);
}

/* The newest candles without a hole up to to_ns: the server fills gaps, so a hole or an early end
 * is a page that lies. What is missing after all asks comes from trades. */
static wk_status ask_newest(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *out,
                            wk_err *err)
{
    for (int i = 0; i < ASKS; i++) {
        WK_TRY(ask_ohlc(x, from_ns, out, err));
        size_t kept = 0;
        for (size_t k = 0; k < out->n; k++) /* rows off the grid or not closed are none of ours */
            if (out->v[k].open_ns % x->base_ns == 0 && out->v[k].open_ns < to_ns)
                out->v[kept++] = out->v[k];
        out->n = kept;
        wk__sort_candles(out, 0);
        bool whole = out->n > 0 && out->v[out->n - 1].open_ns + x->base_ns == to_ns;
        for (size_t k = 1; k < out->n; k++)
            whole = whole && out->v[k].open_ns == out->v[k - 1].open_ns + x->base_ns;
        /* Fewer than the venue keeps: the market is young, or rows are left out. */
        whole = whole && (out->v[0].open_ns <= from_ns || out->n >= NEWEST - 1 || i > 0);
        if (whole)
            break;
    }
    return WK_OK;
}

/* Whole candles of x->timeframe_ns: from and to are on its grid. */
static wk_status fill(wk__series *x, int64_t from_ns, int64_t to_ns, wk_err *err)
{
    wk_rest_candles newest = {0};
    int64_t now_ns = wk__rest_now_ns(&x->session->rest);
    int64_t boundary_ns = to_ns; /* trades before, OHLC from here on */
    wk_status status = WK_OK;
    if (to_ns > now_ns - (NEWEST + 1) * x->base_ns)
        status = ask_newest(x, from_ns, to_ns, &newest, err);
    if (status == WK_OK && newest.n > 0 && newest.v[newest.n - 1].open_ns + x->base_ns == to_ns) {
        size_t first = newest.n - 1; /* of those without a hole up to the end */
        while (first > 0 && newest.v[first - 1].open_ns + x->base_ns == newest.v[first].open_ns)
            first--;
        while (first < newest.n && (newest.v[first].open_ns < from_ns ||
                                    wk_bucket_start(newest.v[first].open_ns, x->timeframe_ns) !=
                                        newest.v[first].open_ns))
            first++;
        memmove(newest.v, newest.v + first, (newest.n - first) * sizeof *newest.v);
        newest.n -= first;
        if (newest.n > 0)
            boundary_ns = newest.v[0].open_ns;
    } else {
        newest.n = 0;
    }
    if (status == WK_OK && from_ns < boundary_ns) {
        bool later = false;
        for (size_t i = 0; i < newest.n; i++)
            later = later || newest.v[i].volume.digits > 0;
        status = wk__fill_from_trades(x, from_ns, boundary_ns, later, err);
    }
    if (status == WK_OK && boundary_ns < to_ns)
        status = wk__put_candles(x, newest.v, newest.n, boundary_ns, to_ns, err);
    free(newest.v);
    return status;
}

static wk_status ask_books(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_books *out,
                           bool *narrower, wk_err *err)
{
    char path[256];
    (void)from_ns, (void)to_ns, (void)narrower;
    snprintf(path, sizeof path, "/0/public/Depth?pair=%s&count=10", x->wire);
    WK_TRY(wk__kraken_get(x, path, 1, err));
    return wk__parse_kraken_depth(&x->session->rest.doc, x->session->rest.response.received_ns, out,
                                  err);
}

const wk__venue wk__venue_kraken = {.name = "kraken",
                                    .dialect = WK_REST_KRAKEN,
                                    .address = offsetof(wk_history_venues, kraken),
                                    .base_minutes = minutes,
                                    .window_bars = NEWEST,
                                    .fills_gaps = true,
                                    .instruments = instruments,
                                    .fill = fill,
                                    .ask_books = ask_books};
