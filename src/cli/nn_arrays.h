/* Arrays of numbers from .npy and HDF5 files. */
#ifndef NN_ARRAYS_H
#define NN_ARRAYS_H

#include <stdbool.h>

#include "wick/npy.h"

typedef struct {
    size_t shape[WK_NPY_RANK_MAX], rank, n; /* shape is 1 beyond the rank */
    float *values;                          /* owned */
} nn_array;

/* The array `name` of an HDF5 file, or of an .npy file the array itself. */
WK_MUST_CHECK wk_status nn_array_read(const char *path, const char *name, nn_array *out,
                                      wk_err *err);
bool nn_array_is_hdf5(const char *path);
/* Whether an HDF5 file has an array `name`. */
bool nn_array_exists(const char *path, const char *name);
void nn_array_finish(nn_array *array);

#endif
