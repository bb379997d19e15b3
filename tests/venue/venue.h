/* Local servers that speak a venue's protocols, REST and WebSocket on one TLS port, over a small
 * deterministic market (market.h), with faults on demand. For tests only: see README.md.
 *
 * Every request is checked against the venue's documented protocol; what does not conform is a
 * violation, and a test that ends with violations has failed. All functions are safe from any
 * thread. */
#ifndef VENUE_VENUE_H
#define VENUE_VENUE_H

#include <stddef.h>
#include <stdint.h>

#include "market.h"

typedef struct venue venue;

typedef struct {
    const char *venue;    /* "kraken", "kraken-futures", "delta", "amberdata" */
    const char *dir;      /* an existing folder: ca.pem, violations.txt and requests.log go there */
    int port;             /* 0: any free one */
    uint64_t seed;        /* of the market and of random faults */
    int64_t start_ns;     /* the venue's time at the start; 0: the wall clock */
    double speed;         /* venue seconds a real second; 0: 1 */
    int64_t skew_ns;      /* added to the wall clock when start_ns is 0 */
    int64_t history_s;    /* length of the market before the start; 0: 3 days */
    int64_t ahead_s;      /* and after it; 0: 1 day */
    int64_t book_step_ns; /* between changes of a book; 0: 200 ms */
    int busy;       /* about so many trades a minute from the start on; 0: a few, as before it */
    int late_every; /* every n-th live trade is told late */
    int64_t late_ns_most; /* 0: 20 s */
    double rate_scale;    /* the venue's rate limits are multiplied by this; 0: 1; negative: none */
    const char *api_key;  /* Amberdata; NULL: "UAKtest" */
    /* NULL: a good one; "wrong-host", "expired", "other-ca": clients have to refuse it. */
    const char *certificate;
    const char *script; /* JSON text of the fault script; NULL: none; see fault.h */
    const char *script_file;
    int latency_ms;        /* before each REST reply */
    int fault_permille;    /* of REST requests that get a random fault */
    int ws_fault_permille; /* of pushed book, trade and candle messages */

    /* The trading side, of Kraken and Delta: one account behind signed calls, see README.md. */
    int trade;
    const char *trade_key, *trade_secret; /* NULL: "WICKTESTKEY", the documentation's secret */
    const char *candles; /* a CSV or a folder of them, SYMBOL-15m.csv[.gz]: the path of the prices;
                            NULL: the trades of the market */
    int manual;          /* prices move by venue_trade_price() only */
    int64_t funding_ppm; /* Delta: of a position's value, at 0, 8 and 16 UTC */
    int virtual_time;    /* the clock is the newest signed timestamp */
    const char *cash;    /* of the quote currency; NULL: 10000 */
    int half_spread_ticks;  /* 0: 1; negative: none */
    int stops_hold;         /* Kraken: waiting stops reserve their assets */
    const char *state_file; /* the account's truth at the end; NULL: not written */
} venue_options;

/* NULL on failure, and `error` says why. */
venue *venue_start(const venue_options *options, char *error, size_t error_size);
void venue_stop(venue *v); /* closes all connections; accepts NULL */

const char *venue_url(const venue *v);    /* https://localhost:PORT */
const char *venue_ws_url(const venue *v); /* wss://localhost:PORT */
const char *venue_ca_file(const venue *v);
int venue_port(const venue *v);

/* The violations so far, joined by newlines; free() it. *n may be NULL. */
char *venue_violations(venue *v, size_t *n);
/* Requests served on paths (or subscriptions of channels) that begin with `prefix`. */
size_t venue_requests(venue *v, const char *prefix);
size_t venue_faults(venue *v); /* committed so far */
size_t venue_connections(venue *v);

int64_t venue_now_ns(venue *v);
void venue_clock_step(venue *v, int64_t ns); /* forward only */

/* The truth. `name` is any spelling the venue knows. All trades count, told late or not. */
const market *venue_market(venue *v, const char *name); /* NULL: unknown */
/* Candles with from_s <= open time < to_s, with filled ones; returns how many there are. */
size_t venue_candles(venue *v, const char *name, int64_t seconds, int64_t from_s, int64_t to_s,
                     market_candle *out, size_t n_max);
/* The book after the last change at or before time_ns, the timestamp of a message; 0: not found. */
int venue_book(venue *v, const char *name, int64_t time_ns, market_book *out);

/* ---- the trading side ---- */

/* Everything that happened, as JSON: orders, fills, positions, balances, how long positions were
 * without a stop, violations. free() it. */
char *venue_trade_state(venue *v);
/* Moves the price of a market; 0 when there is none or the price is no multiple of its tick. */
int venue_trade_price(venue *v, const char *name, const char *price);

#endif
