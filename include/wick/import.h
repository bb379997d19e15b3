/* Candles from files: CSV, CSV.gz or zip in wick's own form (header
 * time,open,high,low,close,volume; time in Unix seconds, milliseconds, or ISO), Kraken's OHLCVT
 * files (no header: time,o,h,l,c,volume,trades) and Binance's kline files (open_time in ms or
 * us,o,h,l,c,volume,close_time,...). A zip archive stands for the only file in it; one of several
 * is named as "archive.zip/name.csv". */
#ifndef WICK_IMPORT_H
#define WICK_IMPORT_H

#include "wick/bars.h"

/* What an import saw; `first_problem` names file, row and reason of the first one. */
typedef struct {
    size_t rows, kept, duplicates, disordered, broken, impossible, gaps, bars_missing;
    char first_problem[512];
} wk_import_report;

/* Reads one file. venue and symbol are stamped into the series. timeframe_ns 0: inferred from the
 * most common distance of rows. Equal duplicates in a row are dropped and counted. A broken row
 * (text in a number, NaN, a conflicting duplicate, a time off the grid), an impossible one
 * (negative price, high below low) and one out of order are each an error that names file and row,
 * unless `lenient`: then broken and impossible rows are dropped and disorder is sorted, all
 * counted. Damaged or truncated gzip is always an error. Bars of volume 0 are
 * WK_PROV_CONFIRMED_EMPTY. On failure *out is untouched; *report (may be NULL) then tells how far
 * it came. */
WK_MUST_CHECK wk_status wk_import_candles(const char *path, const char *venue, const char *symbol,
                                          int64_t timeframe_ns, int lenient, wk_series *out,
                                          wk_import_report *report, wk_err *err);

/* The names of the files in a zip archive, in its order. Each and the list are the caller's to
 * free. */
WK_MUST_CHECK wk_status wk_import_zip_names(const char *path, char ***names, size_t *n,
                                            wk_err *err);

/* Reads a funding file: header time,rate. */
WK_MUST_CHECK wk_status wk_import_rates(const char *path, wk_rates *out, wk_err *err);

#endif
