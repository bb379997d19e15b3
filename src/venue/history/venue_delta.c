/* Delta Exchange, India and Global: candles in windows of 2000, also of mark prices, funding rates
 * and open interest. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "wick/clock.h"

static const int minutes[] = {1440, 360, 240, 120, 60, 30, 15, 5, 3, 1, 0};

enum { WINDOW = 2000, WEIGHT = 3, PAGES_MAX = 1000 };

static wk_status escaped(const char *text, char *out, size_t size_bytes, wk_err *err)
{
    if (!wk_http_escape(text, out, size_bytes))
        return wk_fail(err, WK_E_ARG, "\"%s\" is too long", text);
    return WK_OK;
}

static wk_status instruments(wk__session *s, const char *symbol, wk_instruments *out, wk_err *err)
{
    char path[1024], after[256] = "", before[256] = "", name[128];
    bool narrower;
    int n_same = 0;
    if (symbol) {
        const char *colon = strchr(symbol, ':'); /* MARK:BTCUSD is of BTCUSD */
        WK_TRY(escaped(colon ? colon + 1 : symbol, name, sizeof name, err));
        snprintf(path, sizeof path, "/v2/products/%s", name);
        WK_TRY(wk__rest_get(&s->rest, path, WEIGHT, &narrower, err));
        s->settle_ns = wk__parse_delta_settlement(&s->rest.doc);
        return wk__parse_delta_products(&s->rest.doc, s->store_venue, s->rest.response.received_ns,
                                        out, after, err);
    }
    for (int i = 0; i < PAGES_MAX; i++) {
        char escaped_after[770];
        WK_TRY(escaped(after, escaped_after, sizeof escaped_after, err));
        snprintf(path, sizeof path,
                 "/v2/products?contract_types=perpetual_futures&states=live&page_size=100%s%s",
                 after[0] ? "&after=" : "", escaped_after);
        WK_TRY(wk__rest_get(&s->rest, path, WEIGHT, &narrower, err));
        snprintf(before, sizeof before, "%s", after);
        WK_TRY(wk__parse_delta_products(&s->rest.doc, s->store_venue, s->rest.response.received_ns,
                                        out, after, err));
        if (!after[0])
            return WK_OK;
        /* The same cursor again is a page that was empty by mistake. */
        n_same = strcmp(after, before) == 0 ? n_same + 1 : 0;
        if (n_same > 5)
            break;
    }
    return wk_fail(err, WK_E_DATA, "%s: the list of products has no end", s->rest.name);
}

static wk_status ask(wk__series *x, const char *prefix, int64_t from_ns, int64_t to_ns,
                     wk_rest_candles *out, bool *narrower, wk_err *err)
{
    char path[512], symbol[160], prefixed[64], resolution[16];
    snprintf(prefixed, sizeof prefixed, "%s%s", prefix, x->wire);
    WK_TRY(escaped(prefixed, symbol, sizeof symbol, err));
    /* `end` is the open time of the last candle; it is never a running one, and never in the
     * future, where Delta invents candles. */
    snprintf(path, sizeof path,
             "/v2/history/candles?resolution=%s&symbol=%s&start=%" PRId64 "&end=%" PRId64,
             wk_timeframe_format(x->base_ns, resolution), symbol, from_ns / WK_NS_PER_S,
             (to_ns - x->base_ns) / WK_NS_PER_S);
    WK_TRY(wk__rest_get(&x->session->rest, path, WEIGHT, narrower, err));
    return *narrower ? WK_OK : wk__parse_delta_candles(&x->session->rest.doc, out, err);
}

static wk_status ask_candles(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *out,
                             bool *narrower, wk_err *err)
{
    return ask(x, "", from_ns, to_ns, out, narrower, err);
}

/* The close of a candle is a value that is known when the candle ends. */
static wk_status ask_closes(wk__series *x, const char *prefix, bool is_percent, int64_t from_ns,
                            int64_t to_ns, wk_rest_values *out, bool *narrower, wk_err *err)
{
    wk_rest_candles rows = {0};
    /* Values of [from, to) are closes of candles that open one before. */
    int64_t open_from_ns = wk_bucket_start(from_ns + x->base_ns - 1, x->base_ns) - x->base_ns;
    int64_t open_to_ns = wk_bucket_start(to_ns - 1, x->base_ns);
    if (open_to_ns <= open_from_ns)
        return WK_OK;
    wk_status status = ask(x, prefix, open_from_ns, open_to_ns, &rows, narrower, err);
    for (size_t i = 0; i < rows.n && status == WK_OK && !*narrower; i++) {
        int64_t time_ns = rows.v[i].open_ns + x->base_ns;
        wk_fresh_value *place = WK_REST_ADD(out);
        if (!place)
            status = wk_fail(err, WK_E_NOMEM, "out of memory");
        else
            *place = (wk_fresh_value){time_ns, time_ns,
                                      is_percent ? wk__rest_percent(rows.v[i].close)
                                                 : wk_decimal_to_double(rows.v[i].close)};
    }
    free(rows.v);
    return status;
}

static wk_status ask_funding(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_values *out,
                             bool *narrower, wk_err *err)
{
    return ask_closes(x, "FUNDING:", true, from_ns, to_ns, out, narrower, err);
}

static wk_status ask_open_interest(wk__series *x, int64_t from_ns, int64_t to_ns,
                                   wk_rest_values *out, bool *narrower, wk_err *err)
{
    return ask_closes(x, "OI:", false, from_ns, to_ns, out, narrower, err);
}

static wk_status ask_books(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_books *out,
                           bool *narrower, wk_err *err)
{
    char path[256], symbol[160];
    (void)from_ns, (void)to_ns;
    WK_TRY(escaped(x->wire, symbol, sizeof symbol, err));
    snprintf(path, sizeof path, "/v2/l2orderbook/%s?depth=20", symbol);
    WK_TRY(wk__rest_get(&x->session->rest, path, WEIGHT, narrower, err));
    return wk__parse_delta_book(&x->session->rest.doc, out, err);
}

#define DELTA(id, text)                                                                            \
    const wk__venue wk__venue_##id = {.name = text,                                                \
                                      .dialect = WK_REST_DELTA,                                    \
                                      .address = offsetof(wk_history_venues, id),                  \
                                      .base_minutes = minutes,                                     \
                                      .window_bars = WINDOW,                                       \
                                      .fills_gaps = true,                                          \
                                      .instruments = instruments,                                  \
                                      .ask_candles = ask_candles,                                  \
                                      .ask_funding = ask_funding,                                  \
                                      .funding_window_ns = -1,                                     \
                                      .open_interest_window_ns = -1,                               \
                                      .ask_open_interest = ask_open_interest,                      \
                                      .ask_books = ask_books}
DELTA(delta_india, "delta-india");
DELTA(delta_global, "delta-global");
