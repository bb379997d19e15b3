/* Closes the bars of one market by the venue's clock. Trades and the venue's own candles come in,
 * in the order of their arrival; bars of the base timeframe and of its multiples come out, again
 * when they change. A bar that the streams did not cover wholly does not come out: it is asked for
 * (`missing`) and enters through wk__closer_repair.
 *
 * No clock, no I/O: the same calls give the same bars. */
#ifndef WICK_VENUE_CLOSER_H
#define WICK_VENUE_CLOSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/decimal.h"
#include "wick/err.h"
#include "wick/event.h"

enum { WK__TIMEFRAMES_MAX = 8 };

typedef struct {
    int64_t time_ns; /* open of the bucket */
    wk_decimal open, high, low, close, volume;
    uint8_t provenance; /* wk_provenance */
} wk__closed;

typedef struct {
    int64_t
        timeframes_ns[WK__TIMEFRAMES_MAX]; /* rising multiples of the first, at most 1440 times */
    size_t n_timeframes;
    int64_t grace_ns;
    bool uses_trades, uses_candles; /* candles of the first timeframe */
    /* A bar for the first time, or (is_revision) another one in its place. */
    void (*bar)(void *ctx, size_t timeframe, const wk__closed *bar, int64_t arrival_ns,
                bool is_revision);
    /* Buckets [from_ns, to_ns) of the first timeframe are not known from the streams. */
    void (*missing)(void *ctx, int64_t from_ns, int64_t to_ns);
    void *ctx;
} wk__closer_options;

typedef struct {
    uint64_t trades, duplicates; /* trades that came twice */
    uint64_t late;               /* trades after their bar had closed */
    uint64_t too_late;           /* and after it was forgotten */
    uint64_t impossible;         /* prices or sizes that cannot be */
    uint64_t disagree;           /* closed bars where trades and candle differ */
    uint64_t gaps;               /* jumps of the trade ids */
} wk__closer_counts;

typedef struct wk__closer wk__closer;

WK_MUST_CHECK wk_status wk__closer_create(const wk__closer_options *options, wk__closer **out,
                                          wk_err *err);
void wk__closer_destroy(wk__closer *closer);

/* Bars before this one are stored already: they are not asked for. Before the first stream. */
void wk__closer_resume(wk__closer *closer, int64_t known_until_ns);

typedef enum { WK__STREAM_TRADES, WK__STREAM_CANDLES } wk__stream;

/* The stream is whole from this venue time on. */
void wk__closer_up(wk__closer *closer, wk__stream stream, int64_t venue_ns);
/* Messages may be missing from now on. */
void wk__closer_down(wk__closer *closer, wk__stream stream);

/* The closed bars from this venue time on may lack what the stream did not deliver: they are asked
 * for, though they went out. */
void wk__closer_doubt(wk__closer *closer, int64_t from_ns);

/* venue_ns: the venue's clock when it arrived, rather late than early. */
void wk__closer_trade(wk__closer *closer, const wk_event *event, int64_t venue_ns);
void wk__closer_candle(wk__closer *closer, const wk_event *event);

/* After the events of a message: closes what both streams have passed. */
void wk__closer_settle(wk__closer *closer, int64_t arrival_ns);

/* Venue time at which the next bar is due; INT64_MAX: none. */
int64_t wk__closer_due(const wk__closer *closer);
/* Closes that bar. */
void wk__closer_close(wk__closer *closer, int64_t arrival_ns);

/* When the clock leapt over more than 20,000 buckets, they are asked for instead of closed one by
 * one. */
void wk__closer_skip(wk__closer *closer, int64_t venue_ns);

/* A bar from elsewhere (REST). */
void wk__closer_repair(wk__closer *closer, size_t timeframe, const wk__closed *bar,
                       int64_t arrival_ns);

void wk__closer_count(const wk__closer *closer, wk__closer_counts *out);

#endif
