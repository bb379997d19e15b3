/* Arrays of numbers from .npy and HDF5 files. */
#ifndef WICK_ARRAY_FILE_H
#define WICK_ARRAY_FILE_H

#include <stdbool.h>

#include "wick/err.h"
#include "wick/npy.h"

typedef struct {
    size_t shape[WK_NPY_RANK_MAX], rank, n; /* shape is 1 beyond the rank */
    float *values;                          /* owned */
} wk_array;

/* The array `name` of an HDF5 file, or of an .npy file the array itself. */
WK_MUST_CHECK wk_status wk_array_read(const char *path, const char *name, wk_array *out,
                                      wk_err *err);
/* The numbers of an HDF5 file's array in f64, whatever its shape; the caller frees *out. */
WK_MUST_CHECK wk_status wk_array_read_hdf5_f64(const char *path, const char *name, double **out,
                                               size_t *n, wk_err *err);
/* By the end of the name: .h5, .hdf5 or .hdf. */
bool wk_array_is_hdf5(const char *path);
/* Whether an HDF5 file has an array `name`. */
bool wk_array_exists(const char *path, const char *name);
void wk_array_finish(wk_array *array);

#endif
