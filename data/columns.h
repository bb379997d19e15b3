/* Named columns of a CSV or CSV.gz file, row by row: what tapes and outside series are read with.
 */
#ifndef WICK_DATA_COLUMNS_H
#define WICK_DATA_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct wk__columns wk__columns;

/* Opens the file and reads its header line. */
WK_MUST_CHECK wk_status wk__columns_open(const char *path, wk__columns **out, wk_err *err);
void wk__columns_close(wk__columns *c);

/* Index of the column, or -1. Names are compared without case. */
int wk__columns_find(const wk__columns *c, const char *name);
/* The same, an error that lists the columns when it is missing. */
WK_MUST_CHECK wk_status wk__columns_need(const wk__columns *c, const char *name, int *column,
                                         wk_err *err);

/* The next row; *row false at the end. A row with another number of fields than the header is an
 * error. */
WK_MUST_CHECK wk_status wk__columns_next(wk__columns *c, bool *row, wk_err *err);
/* A field of the current row. An empty one is NaN as a number. Errors name file and line. */
WK_MUST_CHECK wk_status wk__columns_number(const wk__columns *c, int column, double *out,
                                           wk_err *err);
WK_MUST_CHECK wk_status wk__columns_time(const wk__columns *c, int column, int64_t *time_ns,
                                         wk_err *err);
bool wk__columns_is(const wk__columns *c, int column, const char *text);
/* For messages: "file:line". */
const char *wk__columns_place(const wk__columns *c);

#endif
