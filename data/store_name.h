/* Names of the store's folders and files; no HDF5 and no SQLite here. */
#ifndef WK_DATA_STORE_NAME_H
#define WK_DATA_STORE_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

/* Fails unless the text can be one part of a path: letters, digits and ._- without a dot in front.
 */
WK_MUST_CHECK wk_status wk__store_check_name(const char *what, const char *name, wk_err *err);

/* The same for a series of values, whose name may not read like a timeframe. */
WK_MUST_CHECK wk_status wk__store_check_value_name(const char *name, wk_err *err);

/* Fails unless the timeframe is whole seconds. */
WK_MUST_CHECK wk_status wk__store_check_timeframe(const char *symbol, int64_t timeframe_ns,
                                                  wk_err *err);

/* The names in a directory in byte order, without those that start with a dot. Free with
 * wk__store_free_names. A missing directory is WK_E_IO. */
WK_MUST_CHECK wk_status wk__store_names(const char *path, char ***names, size_t *n, wk_err *err);
void wk__store_free_names(char **names, size_t n);

/* The year of "2018.h5", or 0 for any other name. */
int wk__store_year(const char *name);

#endif
