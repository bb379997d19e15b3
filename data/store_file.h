/* One year file of the store as HDF5 bytes in memory: the disk is only ever touched by whole files.
 */
#ifndef WK_DATA_STORE_FILE_H
#define WK_DATA_STORE_FILE_H

#include "store_name.h"
#include "wick/bars.h"

/* The file's bytes, equal for equal bars. The caller frees *bytes. */
wk_status wk__store_encode(const wk_series *series, char **bytes, size_t *size_bytes, wk_err *err);

/* Reads a year file. times_only: prices and volume stay 0 (for lists). *out is owned by the caller.
 */
wk_status wk__store_load(const char *path, int times_only, wk_series *out, wk_err *err);

#endif
