/* HDF5 files as bytes in memory: the disk is only ever touched by whole files. Columns are
 * one-dimensional, compressed, and hold no times of their own, so that equal content gives equal
 * bytes. */
#ifndef WK_DATA_STORE_HDF5_H
#define WK_DATA_STORE_HDF5_H

#include <hdf5.h>
#include <stddef.h>

#include "wick/err.h"

/* Around any use of HDF5: takes the library for this thread alone and keeps it from printing its
 * errors; ours go through wk_err. */
typedef struct {
    H5E_auto2_t print;
    void *data;
} wk__quiet;
wk__quiet wk__hdf5_be_quiet(void);
void wk__hdf5_speak_again(wk__quiet before);

wk_status wk__hdf5_fail(wk_err *err, wk_status code, const char *what, const char *path);

/* A file in memory, new or from bytes (which are copied); negative on failure. Close with
 * H5Fclose. */
hid_t wk__hdf5_new(void);
hid_t wk__hdf5_open(char *bytes, size_t size_bytes);
/* Its bytes, malloc'ed; NULL on failure. */
char *wk__hdf5_image(hid_t file, size_t *size_bytes);

/* All return 1, or 0 on failure. Types: of the file, of the memory. */
int wk__hdf5_write_attribute(hid_t file, const char *name, hid_t type, hid_t memory,
                             const void *value);
int wk__hdf5_write_text(hid_t file, const char *name, const char *text);
int wk__hdf5_read_attribute(hid_t file, const char *name, hid_t memory, void *value);
int wk__hdf5_read_text(hid_t file, const char *name, char *text, size_t size_bytes);
int wk__hdf5_has(hid_t place, const char *name); /* a group or dataset */

/* A group without times; negative on failure. */
hid_t wk__hdf5_group(hid_t file, const char *name);
int wk__hdf5_write_column(hid_t place, const char *name, hid_t type, hid_t memory, size_t n,
                          const void *values);
/* Rows of a dataset that has one dimension, or 0. */
size_t wk__hdf5_rows(hid_t place, const char *name);
int wk__hdf5_read_column(hid_t place, const char *name, hid_t memory, void *values);

/* `rows` numbers of `width` bytes from row `at`, a multiple of `chunk`, of a dataset that
 * wk__hdf5_write_column made. */
int wk__hdf5_read_chunk(hid_t set, size_t width, size_t at, size_t rows, size_t chunk, void *out);

#endif
