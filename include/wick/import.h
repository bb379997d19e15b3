/* Candles from files: CSV or CSV.gz in wick's own form (header time,open,high,low,close,volume; time in
 * Unix seconds, milliseconds, or ISO), Kraken's OHLCVT files (no header: time,o,h,l,c,volume,trades)
 * and Binance's kline files (open_time in ms or us,o,h,l,c,volume,close_time,...). */
#ifndef WICK_IMPORT_H
#define WICK_IMPORT_H

#include "wick/bars.h"

/* What an import saw; `first_problem` names file, row and reason of the first one. */
typedef struct {
    size_t rows, kept, duplicates, disordered, broken, impossible, gaps, bars_missing;
    char first_problem[512];
} wk_import_report;

/* Reads one file. venue and symbol are stamped into the series. timeframe_ns 0: inferred from the
 * most common distance of rows. Equal duplicates are dropped and counted; rows out of order are
 * sorted and counted; a broken row (text in a number, NaN, negative or impossible price, conflicting
 * duplicate) is an error that names the row unless `lenient`, which drops and counts it.
 * On failure *out is untouched. */
WK_MUST_CHECK wk_status wk_import_candles(const char *path, const char *venue, const char *symbol,
                                          int64_t timeframe_ns, int lenient, wk_series *out,
                                          wk_import_report *report, wk_err *err);

/* Reads a funding file: header time,rate. */
WK_MUST_CHECK wk_status wk_import_rates(const char *path, wk_rates *out, wk_err *err);

#endif
