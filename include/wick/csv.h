/* Parsers of candle and rate rows: no I/O, no allocation, any bytes in. wick/import.h reads files
 * with them. */
#ifndef WICK_CSV_H
#define WICK_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "wick/bars.h"
#include "wick/err.h"

/* Reads a decimal number that fills text[0..n): [+-]digits[.digits][e[+-]digits], correctly
 * rounded, whatever the locale. Returns NULL, or why it is none ("is empty", "is not a number");
 * *out is untouched then. NaN and infinities are not numbers, nor is what overflows to one. */
const char *wk_number_parse(const char *text, size_t n, double *out);

/* Reads a time: Unix seconds, milliseconds, microseconds or nanoseconds (told apart by size: years
 * 1973 to 2255), or ISO 8601 in UTC ("2024-06-30", "2024-06-30 23:45:00+00:00"). Returns as
 * above. */
const char *wk_stamp_parse(const char *text, size_t n, int64_t *time_ns);

typedef enum {
    WK_CSV_UNDECIDED = 0, /* no row seen yet */
    WK_CSV_NAMED = 1,     /* a header names the columns */
    WK_CSV_KRAKEN = 2,    /* 7 columns without header: OHLCVT */
    WK_CSV_BINANCE = 3    /* 12 columns without header: klines */
} wk_csv_format;

enum { WK_CSV_COLUMNS_MAX = 64 };

/* Start with a zeroed struct. */
typedef struct {
    wk_csv_format format;
    int n_columns;
    int column[6]; /* of time, open, high, low, close, volume (candles) or time, rate */
} wk_csv_parser;

typedef enum { WK_CSV_SKIP, WK_CSV_ROW, WK_CSV_BROKEN, WK_CSV_FATAL } wk_csv_result;

/* Feeds one line without its line feed (a carriage return at its end is ignored). SKIP: header or
 * empty line. ROW: *bar is set; its prices are numbers but may be impossible (wk_bar_problem).
 * BROKEN: the row cannot be read. FATAL: the file's format cannot be told from its first row. For
 * the last two `why` (256 bytes) says why in words that end with the fix. */
wk_csv_result wk_csv_feed_candle(wk_csv_parser *parser, const char *line, size_t n, wk_bar *bar,
                                 char why[256]);

/* The same for rate files: header time,rate. */
wk_csv_result wk_csv_feed_rate(wk_csv_parser *parser, const char *line, size_t n, int64_t *time_ns,
                               double *rate, char why[256]);

#endif
