/* What the readers of tables share. */
#ifndef WICK_GBDT_TABLE_INTERNAL_H
#define WICK_GBDT_TABLE_INTERNAL_H

#include "wick/gbdt_table.h"

typedef struct {
    const char *text;
    size_t n;
} wk__table_cell;

/* A decimal number, or what stands for a missing one (NaN); false for anything else. */
bool wk__table_number(wk__table_cell cell, float *out);

/* Whether the columns that the options ask for exist. */
WK_MUST_CHECK wk_status wk__table_check_columns(const wk_gbdt_table_options *options,
                                                const char *name, size_t n_cols, wk_err *err);

/* table_array.c: the bytes of an .npy file; an HDF5 file by its path. */
WK_MUST_CHECK wk_status wk__table_npy(const char *bytes, size_t size_bytes, const char *name,
                                      const wk_gbdt_table_options *options, wk_gbdt_table *out,
                                      wk_err *err);
WK_MUST_CHECK wk_status wk__table_hdf5(const char *path, const wk_gbdt_table_options *options,
                                       wk_gbdt_table *out, wk_err *err);

#endif
