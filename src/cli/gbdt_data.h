/* The rows of a user's table as the trees take them. */
#ifndef WICK_CLI_GBDT_DATA_H
#define WICK_CLI_GBDT_DATA_H

#include "wick/arena.h"
#include "wick/cli.h"
#include "wick/gbdt.h"

/* Columns of the table that are no features, counted from 0 in the table as it is; -1: there is
 * none (of the label: the last column). A table that keeps its labels apart (LIBSVM, HDF5 with y)
 * has no label column. */
typedef struct {
    int64_t label_column, weight_column, base_margin_column, group_column, time_column, end_column;
    wk_reals categorical_columns; /* of the table as it is */
    double valid_fraction; /* share of the rows, the last ones, that validate; whole groups */
    const uint64_t *query; /* set by gbdt_data_take: [n_rows] the rows' groups, or NULL */
} gbdt_columns;

/* Takes the columns out of the table, which then holds the features, and fills both sets, which
 * borrow from the table and the arena; valid->n_rows may be 0. */
WK_MUST_CHECK wk_status gbdt_data_take(gbdt_columns *columns, wk_gbdt_table *table, wk_arena *arena,
                                       wk_gbdt_data *train, wk_gbdt_data *valid, wk_err *err);

/* Runs of rows of the same query. Returns how many; *group [that many] is in the arena. */
size_t gbdt_data_groups(const uint64_t *query, size_t n_rows, wk_arena *arena, uint32_t **group);

/* The table's rows as the model takes them, *X [n_rows, n_features] in the arena: columns by name
 * where both have names, else in order, leaving out the label if the table still has it. What a
 * LIBSVM table does not reach is missing. `path` is for the messages. */
WK_MUST_CHECK wk_status gbdt_data_rows(const wk_forest *forest, const wk_gbdt_table *table,
                                       const char *path, wk_arena *arena, float **X, wk_err *err);

/* Reads a table as the options --format and --x say, those of GBDT_TABLE_OPTIONS. */
WK_MUST_CHECK wk_status gbdt_data_open(const wk_cli *cli, const char *path, wk_gbdt_table *table,
                                       wk_err *err);

#define GBDT_TABLE_FORMS "CSV, TSV, LIBSVM (each also .gz), .npy or HDF5"
#define GBDT_TABLE_NOTES                                                                           \
    "Tables: the columns of CSV, TSV and .npy are counted from 0. LIBSVM is LABEL[:WEIGHT] "       \
    "[qid:QUERY] INDEX:VALUE ..., with\n"                                                          \
    "INDEX as it stands (from 0); what a line does not name is missing, as in XGBoost, and not "   \
    "0. HDF5 holds arrays X [rows,\n"                                                              \
    "columns] and y [rows], and may hold weight, qid, time and end."
#define GBDT_TABLE_OPTIONS                                                                         \
    {"format", "NAME", "auto (default), csv (or TSV), libsvm, npy or hdf5"},                       \
    {                                                                                              \
        "x", "NAME", "the rows' array in an HDF5 file (default: X)"                                \
    }

#endif
