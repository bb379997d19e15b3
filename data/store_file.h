/* One year file of the store as HDF5 bytes in memory: the disk is only ever touched by whole files.
 */
#ifndef WK_DATA_STORE_FILE_H
#define WK_DATA_STORE_FILE_H

#include "wick/bars.h"

/* The file's bytes, equal for equal bars. The caller frees *bytes. */
wk_status wk__store_encode(const wk_series *series, char **bytes, size_t *size_bytes, wk_err *err);

/* Reads a year file. times_only: prices and volume stay 0 (for lists). *out is owned by the caller.
 */
wk_status wk__store_load(const char *path, int times_only, wk_series *out, wk_err *err);

/* Fails unless the text can be one part of a path: letters, digits and ._- without a dot in front.
 */
wk_status wk__store_check_name(const char *what, const char *name, wk_err *err);

/* The names in a directory in byte order, without those that start with a dot. Free with
 * wk__store_free_names. A missing directory is WK_E_IO. */
wk_status wk__store_names(const char *path, char ***names, size_t *n, wk_err *err);
void wk__store_free_names(char **names, size_t n);

/* The year of "2018.h5", or 0 for any other name. */
int wk__store_year(const char *name);

#endif
