/* What Delta's two generations of channels share. */
#ifndef WICK_DATA_PARSE_DELTA_H
#define WICK_DATA_PARSE_DELTA_H

#include "parse_internal.h"

enum { WK__DELTA_US = 6 }; /* times are counts of 10^-6 s */

/* Names of an incremental book message's parts. */
typedef struct {
    const char *names[8]; /* action, asks, bids, sequence, checksum, symbol, time, message */
} wk__delta_book_names;
void wk__parse_delta_updates(wk_parser *p, const wk__delta_book_names *names);

/* The nanoseconds of "candlestick_15m"; a fault when there are none. */
int64_t wk__parse_delta_resolution(wk_parser *p, uint32_t type);
/* A rate in percent as a fraction. */
wk_decimal wk__parse_delta_percent(wk_parser *p, uint32_t token, const char *what);
/* A ticker event with nothing told. */
wk_event *wk__parse_delta_ticker(wk_parser *p, uint32_t symbol, int64_t exchange_ns);

#endif
