/* Amberdata: candles of many exchanges, futures' funding rates and open interest, book snapshots.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/log.h"

/* minutes, hours, days: everything else is built from these */
static const int minutes[] = {1440, 60, 1, 0};

enum { PAGES_MAX = 100000 };
#define DAY_NS (86400 * WK_NS_PER_S)

/* The path of a next page on our own host, or NULL: the key goes nowhere else. */
static const char *path_of(const wk__session *s, const char *next)
{
    static const char home[] = "https://api.amberdata.com/";
    size_t n = strlen(s->rest.host);
    if (next[0] == '/' && next[1] != '/')
        return next;
    if (strncmp(next, s->rest.host, n) == 0 && next[n] == '/')
        return next + n;
    return strncmp(next, home, sizeof home - 1) == 0 ? next + sizeof home - 2 : NULL;
}

/* Follows `next` from path on; `take` reads each page and says what is next. A chain that leads to
 * another host or comes back to where it was ends there: what it left out is asked for again by
 * time. */
typedef wk_status (*page_reader)(wk__session *s, void *rows, char next[2048], wk_err *err);

static wk_status follow(wk__session *s, const char *path, page_reader take, void *rows,
                        bool *narrower, wk_err *err)
{
    char at[2048], next[2048], marked[2048];
    snprintf(at, sizeof at, "%s", path);
    snprintf(marked, sizeof marked, "%s", path);
    for (int i = 0; i < PAGES_MAX; i++) {
        WK_TRY(wk__rest_get(&s->rest, at, 1, narrower, err));
        if (*narrower)
            return WK_OK;
        WK_TRY(take(s, rows, next, err));
        if (!next[0])
            return WK_OK;
        const char *further = path_of(s, next);
        if (!further || strcmp(further, marked) == 0) {
            wk_log_write(WK_LOG_WARN, "fetch.pages", "venue=%s why=\"%s\"", s->rest.name,
                         further ? "the next page is one that was read"
                                 : "the next page is on another host; it was not asked");
            return WK_OK;
        }
        snprintf(at, sizeof at, "%s", further);
        if ((i & (i + 1)) == 0) /* Brent: the mark moves at powers of two */
            snprintf(marked, sizeof marked, "%s", at);
    }
    return wk_fail(err, WK_E_DATA, "%s: the list of pages has no end", s->rest.name);
}

static wk_status take_candles(wk__session *s, void *rows, char next[2048], wk_err *err)
{
    return wk__parse_amberdata_candles(&s->rest.doc, s->request->exchange, rows, next, err);
}

static wk_status take_funding(wk__session *s, void *rows, char next[2048], wk_err *err)
{
    return wk__parse_amberdata_funding(&s->rest.doc, rows, next, err);
}

static wk_status take_open_interest(wk__session *s, void *rows, char next[2048], wk_err *err)
{
    return wk__parse_amberdata_open_interest(&s->rest.doc, rows, next, err);
}

static wk_status take_books(wk__session *s, void *rows, char next[2048], wk_err *err)
{
    return wk__parse_amberdata_books(&s->rest.doc, rows, next, err);
}

static wk_status take_instruments(wk__session *s, void *rows, char next[2048], wk_err *err)
{
    return wk__parse_amberdata_instruments(&s->rest.doc, s->request->exchange,
                                           s->rest.response.received_ns, rows, next, err);
}

/* Spot instruments are btc_usd; futures keep the exchange's spelling, in upper case. */
static bool is_spot(const char *instrument)
{
    return islower((unsigned char)instrument[0]) || isdigit((unsigned char)instrument[0]);
}

/* A market under the name that was asked for, when the venue does not describe it. */
static wk_status assume(wk__session *s, const char *symbol, wk_instruments *out, wk_err *err)
{
    wk_instrument *place = WK_REST_ADD(out);
    if (!place)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk__rest_instrument_init(place, s->store_venue, wk_clock_wall_ns());
    wk__amberdata_name(place, symbol);
    place->is_tradable = 1;
    return WK_OK;
}

/* One market needs no list: it is asked for by the name that the venue has for it. Only its first
 * candle is worth a question. */
static wk_status instruments(wk__session *s, const char *symbol, wk_instruments *out, wk_err *err)
{
    char path[512], exchange[100], name[160];
    bool narrower, is_list = !symbol || s->request->what == WK_HISTORY_INSTRUMENTS;
    wk_history_what what = s->request->what;
    if (!wk_http_escape(s->request->exchange, exchange, sizeof exchange) ||
        (symbol && !wk_http_escape(symbol, name, sizeof name)))
        return wk_fail(err, WK_E_ARG, "the name of the exchange or symbol is too long");
    const char *call = what == WK_HISTORY_FUNDING         ? "futures/funding-rates/information"
                       : what == WK_HISTORY_OPEN_INTEREST ? "futures/open-interest/information"
                       : what == WK_HISTORY_BOOK          ? "spot/order-book-snapshots/information"
                       : what == WK_HISTORY_INSTRUMENTS   ? "spot/exchanges/reference"
                                                          : "spot/ohlcv/information";
    if (!is_list && (what != WK_HISTORY_CANDLES || !is_spot(symbol)))
        return assume(s, symbol, out, err);
    snprintf(path, sizeof path, "/markets/%s?exchange=%s%s%s%s", call, exchange,
             symbol ? "&instrument=" : "", symbol ? name : "",
             what == WK_HISTORY_INSTRUMENTS ? "" : "&timeFormat=milliseconds");
    WK_TRY(follow(s, path, take_instruments, out, &narrower, err));
    return out->n == 0 && symbol ? assume(s, symbol, out, err) : WK_OK;
}

static wk_status dates(wk__series *x, const char *before, int64_t from_ns, int64_t to_ns,
                       const char *more, char path[1024], wk_err *err)
{
    char name[160], exchange[100];
    if (!wk_http_escape(x->wire, name, sizeof name) ||
        !wk_http_escape(x->session->request->exchange, exchange, sizeof exchange) ||
        snprintf(path, 1024,
                 "%s%s?exchange=%s&startDate=%" PRId64 "&endDate=%" PRId64
                 "&timeFormat=milliseconds%s",
                 before, name, exchange, from_ns / (WK_NS_PER_S / 1000),
                 (to_ns + WK_NS_PER_S / 1000 - 1) / (WK_NS_PER_S / 1000), more) >= 1024)
        return wk_fail(err, WK_E_ARG, "the name of the exchange or symbol is too long");
    return WK_OK;
}

/* The legacy path of the newest candles, when the configuration names one. What it has is taken;
 * a refusal is only noted: the current path has it all. */
static void ask_latest(wk__series *x, wk_rest_candles *out)
{
    char path[1024], before[512];
    const char *form = x->session->address->latest_path, *percent = strstr(form, "%s");
    bool narrower;
    wk_err why;
    size_t n = out->n;
    snprintf(before, sizeof before, "%.*s%s%s", percent ? (int)(percent - form) : 400, form,
             percent ? x->session->request->exchange : "", percent ? percent + 2 : "");
    snprintf(path, sizeof path, "%s?pair=%s&timeInterval=%s&timeFormat=milliseconds", before,
             x->wire,
             x->base_ns == 60 * WK_NS_PER_S     ? "minutes"
             : x->base_ns == 3600 * WK_NS_PER_S ? "hours"
                                                : "days");
    if (follow(x->session, path, take_candles, out, &narrower, &why) != WK_OK) {
        out->n = n;
        wk_log_write(WK_LOG_INFO, "fetch.latest", "legacy_path=refused why=\"%s\"", why.msg);
    }
}

static wk_status ask_candles(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *out,
                             bool *narrower, wk_err *err)
{
    char path[1024];
    const wk_history_venue *address = x->session->address;
    const char *interval = x->base_ns == 60 * WK_NS_PER_S     ? "&timeInterval=minutes"
                           : x->base_ns == 3600 * WK_NS_PER_S ? "&timeInterval=hours"
                                                              : "&timeInterval=days";
    if (address->latest_path[0] && is_spot(x->wire) &&
        to_ns > wk__rest_now_ns(&x->session->rest) - 2 * x->timeframe_ns)
        ask_latest(x, out);
    WK_TRY(dates(x, is_spot(x->wire) ? address->candles_path : "/markets/futures/ohlcv/", from_ns,
                 to_ns, interval, path, err));
    return follow(x->session, path, take_candles, out, narrower, err);
}

/* A day of minutes, 30 days of hours, a year of days: within every limit that was ever documented.
 */
static wk_status fill(wk__series *x, int64_t from_ns, int64_t to_ns, wk_err *err)
{
    int64_t width_ns = x->base_ns == 60 * WK_NS_PER_S     ? DAY_NS
                       : x->base_ns == 3600 * WK_NS_PER_S ? 30 * DAY_NS
                                                          : 364 * DAY_NS;
    while (from_ns < to_ns) {
        int64_t end_ns = to_ns - from_ns > width_ns ? from_ns + width_ns : to_ns;
        WK_TRY(wk__fill_candles(x, from_ns, end_ns, err));
        from_ns = end_ns;
    }
    return WK_OK;
}

static wk_status ask_funding(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_values *out,
                             bool *narrower, wk_err *err)
{
    char path[1024];
    WK_TRY(dates(x, "/markets/futures/funding-rates/", from_ns, to_ns, "&rateType=applied", path,
                 err));
    return follow(x->session, path, take_funding, out, narrower, err);
}

static wk_status ask_open_interest(wk__series *x, int64_t from_ns, int64_t to_ns,
                                   wk_rest_values *out, bool *narrower, wk_err *err)
{
    char path[1024];
    WK_TRY(dates(x, "/markets/futures/open-interest/", from_ns, to_ns, "", path, err));
    return follow(x->session, path, take_open_interest, out, narrower, err);
}

static wk_status ask_books(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_books *out,
                           bool *narrower, wk_err *err)
{
    char path[1024];
    WK_TRY(
        dates(x, "/markets/spot/order-book-snapshots/", from_ns, to_ns, "&maxLevel=10", path, err));
    return follow(x->session, path, take_books, out, narrower, err);
}

const wk__venue wk__venue_amberdata = {.name = "amberdata",
                                       .dialect = WK_REST_AMBERDATA,
                                       .address = offsetof(wk_history_venues, amberdata),
                                       .base_minutes = minutes,
                                       .window_bars = 1440,
                                       .instruments = instruments,
                                       .ask_candles = ask_candles,
                                       .fill = fill,
                                       .ask_funding = ask_funding,
                                       .funding_window_ns = 30 * DAY_NS,
                                       .ask_open_interest = ask_open_interest,
                                       .open_interest_window_ns = DAY_NS,
                                       .ask_books = ask_books,
                                       .book_window_ns = DAY_NS / 4};
