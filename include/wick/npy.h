/* Arrays in NumPy's .npy format (versions 1 to 3): little-endian numbers, in C or Fortran order. */
#ifndef WICK_NPY_H
#define WICK_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"

enum { WK_NPY_RANK_MAX = 4 };

typedef struct {
    char kind;   /* 'f' float, 'i' integer, 'u' unsigned integer, 'b' truth value */
    size_t item; /* bytes of a number: 4 or 8 for 'f', 1, 2, 4 or 8 for 'i' and 'u', 1 for 'b' */
    size_t shape[WK_NPY_RANK_MAX], rank; /* shape is 1 beyond the rank */
    size_t n;                            /* numbers */
    bool is_fortran;                     /* the first axis runs fastest in `data` */
    const char *data;                    /* borrowed from the bytes that were parsed */
} wk_npy;

/* Parses the bytes of a file; `path` stands in messages only. What is cut, has trailing bytes,
 * another byte order, objects or more than four dimensions is refused with the
 * reason. */
WK_MUST_CHECK wk_status wk_npy_parse(const char *path, const char *bytes, size_t size_bytes,
                                     wk_npy *out, wk_err *err);
/* Number i, counted in C order, as a double; integers beyond 2^53 lose their last digits. */
double wk_npy_at(const wk_npy *array, size_t i);
/* Numbers [from, from + n) as floats. */
void wk_npy_floats(const wk_npy *array, size_t from, size_t n, float *out);

/* Writes an array of floats, version 1. */
WK_MUST_CHECK wk_status wk_npy_write(const char *path, const float *values, const size_t *shape,
                                     size_t rank, wk_err *err);

#endif
