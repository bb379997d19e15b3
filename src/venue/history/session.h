/* One run of wk_history_fetch, and what its parts share. */
#ifndef WICK_VENUE_HISTORY_SESSION_H
#define WICK_VENUE_HISTORY_SESSION_H

#include "build.h"
#include "rest.h"
#include "spans.h"

typedef struct wk__venue wk__venue;

typedef struct {
    const wk_history_config *config;
    const wk_history_request *request;
    const wk_history_venue *address;
    const wk__venue *venue;
    char store_venue[32]; /* "kraken", "amberdata-gdax" */
    wk_rest rest;
    wk_fresh *fresh;
    wk_history_report *report;
    int64_t settle_ns;    /* the one market that was asked for ends here; 0: never */
    uint64_t done, total; /* candles, for progress */
} wk__session;

/* What is fetched of one market. */
typedef struct {
    wk__session *session;
    const wk_instrument *instrument;
    char symbol[32]; /* in the store */
    char wire[48];   /* in requests */
    wk_history_what what;
    const char *value_name; /* "funding", ... */
    int64_t timeframe_ns;
    int64_t base_ns; /* what the venue is asked for: timeframe_ns or a part of it */
    wk_decimal volume_unit;
    char cursor_key[128];
    wk_spans known;
    wk_rest_candle previous; /* the newest row before the window; open_ns 0: not known, -1: none */
} wk__series;

/* What a venue can do. */
struct wk__venue {
    const char *name;
    wk_rest_dialect dialect;
    size_t address;          /* offset in wk_history_venues */
    const int *base_minutes; /* timeframes it has, longest first, 0 at the end */
    int64_t window_bars;     /* asked for at once */
    bool fills_gaps; /* candles without a trade are there, save before a window's first trade */

    /* All instruments, or those that `symbol` may mean. */
    wk_status (*instruments)(wk__session *s, const char *symbol, wk_instruments *out, wk_err *err);

    /* All of these append rows of [from, to), in any order, perhaps not all, perhaps others. */
    wk_status (*ask_candles)(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *out,
                             bool *narrower, wk_err *err);
    /* Stores all of [from, to); NULL: windows of ask_candles do. */
    wk_status (*fill)(wk__series *x, int64_t from_ns, int64_t to_ns, wk_err *err);

    /* The same for values. window_ns: how much at once; 0: the venue gives all it has, or what is
     * now, in one answer; -1: window_bars candles. NULL: it has none. */
    wk_status (*ask_funding)(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_values *out,
                             bool *narrower, wk_err *err);
    int64_t funding_window_ns;
    wk_status (*ask_open_interest)(wk__series *x, int64_t from_ns, int64_t to_ns,
                                   wk_rest_values *out, bool *narrower, wk_err *err);
    int64_t open_interest_window_ns;
    wk_status (*ask_books)(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_books *out,
                           bool *narrower, wk_err *err);
    int64_t book_window_ns;
};

extern const wk__venue wk__venue_kraken, wk__venue_kraken_futures, wk__venue_delta_india,
    wk__venue_delta_global, wk__venue_amberdata;

/* window.c, values.c */

/* All rows of [from, to) that the venue has: sorted, each once. Head and tail of what came are
 * asked for again until the venue says that there is nothing. */
WK_MUST_CHECK wk_status wk__cover_candles(wk__series *x, int64_t from_ns, int64_t to_ns,
                                          wk_rest_candles *out, wk_err *err);
WK_MUST_CHECK wk_status wk__fill_candles(wk__series *x, int64_t from_ns, int64_t to_ns,
                                         wk_err *err);
WK_MUST_CHECK wk_status wk__fill_values(wk__series *x, int64_t from_ns, int64_t to_ns, wk_err *err);
/* Sorts by time; of several rows of one time the one with the largest volume stays. */
void wk__sort_candles(wk_rest_candles *rows, size_t from);

/* put.c: rows of whole candles into the store, with the note that [from, to) is known. */
WK_MUST_CHECK wk_status wk__put_candles(wk__series *x, const wk_rest_candle *rows, size_t n,
                                        int64_t from_ns, int64_t to_ns, wk_err *err);
WK_MUST_CHECK wk_status wk__put_values(wk__series *x, const char *name,
                                       const wk_fresh_value *values, size_t n, int64_t from_ns,
                                       int64_t to_ns, wk_err *err);
void wk__progress_to(wk__series *x, int64_t from_ns, int64_t to_ns);

/* venue_kraken.c: a call about one market; a reply about another one is asked for again. */
WK_MUST_CHECK wk_status wk__kraken_get(wk__series *x, const char *path, double weight, wk_err *err);

/* kraken_trades.c: the same candles from trades. later_trades: the venue has shown trades at or
 * after to_ns, so that an end before it is none. */
WK_MUST_CHECK wk_status wk__fill_from_trades(wk__series *x, int64_t from_ns, int64_t to_ns,
                                             bool later_trades, wk_err *err);

#endif
