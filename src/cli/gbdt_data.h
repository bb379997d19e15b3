/* The rows of a user's table as the trees take them. */
#ifndef WICK_CLI_GBDT_DATA_H
#define WICK_CLI_GBDT_DATA_H

#include "wick/arena.h"
#include "wick/gbdt.h"

/* Columns of the table that are no features, counted from 0 in the table as it is; -1: there is
 * none (of the label: the last column). */
typedef struct {
    int64_t label_column, weight_column, base_margin_column, group_column;
    wk_reals categorical_columns; /* of the table as it is */
    double valid_fraction; /* share of the rows, the last ones, that validate; whole groups */
} gbdt_columns;

/* Takes the columns out of the table, which then holds the features, and fills both sets, which
 * borrow from the table and the arena; valid->n_rows may be 0. */
WK_MUST_CHECK wk_status gbdt_data_take(gbdt_columns *columns, wk_gbdt_table *table, wk_arena *arena,
                                       wk_gbdt_data *train, wk_gbdt_data *valid, wk_err *err);

/* Which column of the table each feature of the model is: by name where both have names, else in
 * order, leaving out the label if the table still has it. column [n_features]; `path` is for the
 * messages. */
WK_MUST_CHECK wk_status gbdt_data_match(const wk_forest *forest, const wk_gbdt_table *table,
                                        size_t *column, const char *path, wk_err *err);

#endif
