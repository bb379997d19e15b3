/* Tables of rows for boosted trees: CSV, TSV, LIBSVM, .npy and HDF5.
 *
 * What is missing: in CSV and TSV a cell that is empty, NA, nan, null, none or ?; in .npy and HDF5
 * a NaN; in LIBSVM every index that a line does not name (as XGBoost has it: an absent value is
 * missing, not 0, while 3:0 is the value 0). */
#ifndef WICK_GBDT_TABLE_H
#define WICK_GBDT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct {
    size_t n_rows, n_cols;
    float *cells; /* [n_rows, n_cols], NaN = missing */
    char **names; /* [n_cols], or NULL without a header */
    /* [n_rows] each, or NULL. LIBSVM and HDF5 keep them apart from the features; the cells of a
     * table with a label hold nothing else. */
    float *label, *weight;
    uint64_t *query;    /* never falls from a row to the next */
    double *time, *end; /* as the options ask for them: f32 cells would round Unix times */
    /* LIBSVM: the number of columns is that of the largest index, and any further one would be
     * missing throughout. */
    bool sparse;
} wk_gbdt_table;

typedef enum {
    WK_GBDT_TABLE_AUTO = 0, /* told by the file's first bytes, then by its first line */
    WK_GBDT_TABLE_CSV = 1,  /* and TSV */
    WK_GBDT_TABLE_LIBSVM = 2,
    WK_GBDT_TABLE_NPY = 3,
    WK_GBDT_TABLE_HDF5 = 4
} wk_gbdt_table_format;

typedef struct {
    int format; /* wk_gbdt_table_format */
    /* Arrays of an HDF5 file; NULL or "": "X", "y", "weight", "qid", "time" and "end", of which all
     * but X may lack. X is [rows, columns], the others [rows]. Without y the label is a column of
     * X.
     */
    const char *x, *y, *weight, *query, *time, *end;
    /* Columns of a table in another format whose numbers are wanted in f64 too, counted from 0
     * (LIBSVM: the index, in f32); NULL: none. The cells keep them. */
    const size_t *time_column, *end_column;
    /* Most numbers of a LIBSVM table, whose rows are held with all their columns; 0: 2^31 (8 GiB).
     */
    size_t cells_max;
} wk_gbdt_table_options;

/* A table of CSV or TSV text: comma or tab (whichever the first line has), an optional header line,
 * quotes around a cell allowed. `name` is used in messages. The caller finishes *out. */
WK_MUST_CHECK wk_status wk_gbdt_table_parse(const char *text, size_t size_bytes, const char *name,
                                            wk_gbdt_table *out, wk_err *err);
/* The same with the columns of the options in f64; NULL: none. */
WK_MUST_CHECK wk_status wk_gbdt_table_parse_as(const char *text, size_t size_bytes,
                                               const char *name,
                                               const wk_gbdt_table_options *options,
                                               wk_gbdt_table *out, wk_err *err);

/* A table of LIBSVM text. A line is LABEL[:WEIGHT] [qid:QUERY] INDEX:VALUE ..., blanks or tabs
 * between them, # begins a comment, empty lines count for nothing. INDEX counts from 0 as it stands
 * (XGBoost's default), in any order: a file that counts from 1 has a column 0 that is missing
 * throughout and that no tree uses. An INDEX alone has the value 1. Either all lines have a weight
 * or none, the same for qid, whose numbers never fall. cells_max as in wk_gbdt_table_options. */
WK_MUST_CHECK wk_status wk_gbdt_table_parse_libsvm(const char *text, size_t size_bytes,
                                                   const char *name, size_t cells_max,
                                                   wk_gbdt_table *out, wk_err *err);

/* Whether a text's first line that is not empty looks like LIBSVM: a number, then INDEX:VALUE or
 * qid:QUERY. */
bool wk_gbdt_table_looks_libsvm(const char *text, size_t size_bytes);

/* The table in a file. CSV, TSV, LIBSVM and .npy may be gzip-compressed. options NULL: all at their
 * defaults. Errors name the file and, in text, the line. */
WK_MUST_CHECK wk_status wk_gbdt_table_read_as(const char *path,
                                              const wk_gbdt_table_options *options,
                                              wk_gbdt_table *out, wk_err *err);
WK_MUST_CHECK wk_status wk_gbdt_table_read(const char *path, wk_gbdt_table *out, wk_err *err);

/* Moves column `column` out of the table into values [n_rows]. */
void wk_gbdt_table_take(wk_gbdt_table *table, size_t column, float *values);
void wk_gbdt_table_finish(wk_gbdt_table *table);

#endif
