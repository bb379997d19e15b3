/* Columns of a table by their roles. Groups are rows in a row with the same number. */
#include "gbdt_data.h"

#include <math.h>
#include <string.h>

enum { LABEL, WEIGHT, BASE_MARGIN, GROUP, TIME, END, ROLES };

static const char *const roles[ROLES] = {"label_column", "weight_column", "base_margin_column",
                                         "group_column", "time_column",   "end_column"};

/* Which features, counted without the columns taken out, hold categories. */
static wk_status find_categorical(const gbdt_columns *c, const int64_t *column, size_t n_cols,
                                  bool *categorical, wk_err *err)
{
    for (size_t i = 0; i < c->categorical_columns.n; i++) {
        double wanted = c->categorical_columns.v[i];
        int64_t at = (int64_t)wanted, before = 0;
        if ((double)at != wanted || at < 0 || at >= (int64_t)n_cols)
            return wk_fail(err, WK_E_CONFIG, "categorical_columns: %g is no column of %zu", wanted,
                           n_cols);
        for (int r = 0; r < ROLES; r++) {
            if (column[r] == at)
                return wk_fail(err, WK_E_CONFIG, "column %lld is both %s and categorical",
                               (long long)at, roles[r]);
            before += column[r] >= 0 && column[r] < at;
        }
        categorical[at - before] = true;
    }
    return WK_OK;
}

static wk_status check_columns(const int64_t *column, size_t n_cols, wk_err *err)
{
    for (int r = 0; r < ROLES; r++) {
        if (column[r] >= (int64_t)n_cols)
            return wk_fail(err, WK_E_CONFIG, "%s %lld does not fit a table of %zu columns",
                           roles[r], (long long)column[r], n_cols);
        for (int other = 0; other < r; other++)
            if (column[r] >= 0 && column[r] == column[other])
                return wk_fail(err, WK_E_CONFIG,
                               "%s and %s are both %lld: give each role its own column",
                               roles[other], roles[r], (long long)column[r]);
    }
    return WK_OK;
}

/* The column's numbers as queries. f32 tells whole numbers below 2^24 apart. */
static wk_status number_queries(const float *number, size_t n, uint64_t *query, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(number[i]) < 0x1p24f))
            return wk_fail(err, WK_E_DATA,
                           "row %zu has group %g; group_column gives every row a number below 2^24",
                           i, (double)number[i]);
        int32_t bits;
        memcpy(&bits, number + i, sizeof bits);
        query[i] = (uint64_t)(uint32_t)bits; /* equal numbers, equal bits, but for -0 */
        if (number[i] == 0)
            query[i] = 0;
    }
    return WK_OK;
}

size_t gbdt_data_groups(const uint64_t *query, size_t n, wk_arena *arena, uint32_t **group)
{
    size_t n_groups = 0;
    *group = wk_arena_array(arena, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || query[i] != query[i - 1])
            (*group)[n_groups++] = 0;
        (*group)[n_groups - 1]++;
    }
    return n_groups;
}

/* A role that both the file and the configuration give. */
static wk_status check_parts(const gbdt_columns *c, const wk_gbdt_table *table, wk_err *err)
{
    const char *twice = table->weight && c->weight_column >= 0 ? "weights and weight_column"
                        : table->query && c->group_column >= 0 ? "queries (qid) and group_column"
                                                               : NULL;
    if (twice)
        return wk_fail(err, WK_E_CONFIG, "the table has its own %s is set too; leave it at -1",
                       twice);
    return WK_OK;
}

wk_status gbdt_data_take(gbdt_columns *c, wk_gbdt_table *table, wk_arena *arena,
                         wk_gbdt_data *train, wk_gbdt_data *valid, wk_err *err)
{
    size_t n_rows = table->n_rows, n_cols = table->n_cols;
    WK_TRY(check_parts(c, table, err));
    if (table->label)
        c->label_column = -1;
    else if (c->label_column < 0)
        c->label_column = (int64_t)n_cols - 1;
    int64_t column[ROLES] = {c->label_column, c->weight_column, c->base_margin_column,
                             c->group_column, c->time_column,   c->end_column};
    float *values[ROLES] = {0};
    bool *categorical = wk_arena_array(arena, bool, n_cols);
    WK_TRY(check_columns(column, n_cols, err));
    WK_TRY(find_categorical(c, column, n_cols, categorical, err));
    for (int r = 0; r < ROLES; r++) {
        if (column[r] < 0)
            continue;
        int64_t at = column[r];
        for (int taken = 0; taken < r; taken++)
            at -= column[taken] >= 0 && column[taken] < column[r];
        values[r] = wk_arena_array(arena, float, n_rows);
        wk_gbdt_table_take(table, (size_t)at, values[r]);
    }
    if (table->n_cols == 0)
        return wk_fail(err, WK_E_DATA, "the table has no column besides the label");
    if (table->label)
        values[LABEL] = table->label;
    if (table->weight)
        values[WEIGHT] = table->weight;
    uint32_t *group = NULL;
    uint64_t *query = table->query;
    size_t n_groups = 0, n_train_groups = 0,
           n_train = n_rows - (size_t)((double)n_rows * c->valid_fraction);
    if (values[GROUP]) {
        query = wk_arena_array(arena, uint64_t, n_rows);
        WK_TRY(number_queries(values[GROUP], n_rows, query, err));
    }
    c->query = query;
    if (query) {
        size_t rows = 0;
        n_groups = gbdt_data_groups(query, n_rows, arena, &group);
        while (n_train_groups < n_groups && rows < n_train)
            rows += group[n_train_groups++];
        n_train = rows;
    }
    *train = (wk_gbdt_data){.X = table->cells,
                            .n_rows = n_train,
                            .n_cols = table->n_cols,
                            .stride = table->n_cols,
                            .y = values[LABEL],
                            .weight = values[WEIGHT],
                            .base_margin = values[BASE_MARGIN],
                            .group = group,
                            .n_groups = n_train_groups,
                            .categorical = c->categorical_columns.n > 0 ? categorical : NULL};
    *valid = *train;
    valid->n_rows = n_rows - n_train;
    valid->X += n_train * table->n_cols;
    valid->y += n_train;
    valid->weight = values[WEIGHT] ? values[WEIGHT] + n_train : NULL;
    valid->base_margin = values[BASE_MARGIN] ? values[BASE_MARGIN] + n_train : NULL;
    valid->group = group ? group + n_train_groups : NULL;
    valid->n_groups = n_groups - n_train_groups;
    return WK_OK;
}

enum { ABSENT = -1 };

/* Which column of the table each feature of the model is. */
static wk_status match(const wk_forest *forest, const wk_gbdt_table *table, int64_t *column,
                       const char *path, wk_err *err)
{
    size_t n = wk_forest_n_features(forest);
    const char *const *names = wk_forest_names(forest);
    int64_t label = table->label ? -1 : wk_forest_label_column(forest);
    bool has_label = label >= 0 && table->n_cols == n + 1;
    for (size_t f = 0; names && table->names && f < n; f++) {
        size_t at = 0;
        while (at < table->n_cols && strcmp(names[f], table->names[at]) != 0)
            at++;
        if (at == table->n_cols)
            return wk_fail(err, WK_E_DATA, "%s has no column \"%s\", which the model needs", path,
                           names[f]);
        column[f] = (int64_t)at;
    }
    if (names && table->names)
        return WK_OK;
    if (table->n_cols != n && !has_label && !(table->sparse && table->n_cols < n))
        return wk_fail(err, WK_E_DATA, "%s has %zu columns, the model needs %zu", path,
                       table->n_cols, n);
    for (size_t f = 0; f < n; f++) {
        size_t at = f + (has_label && f >= (size_t)label);
        column[f] = at < table->n_cols ? (int64_t)at : ABSENT;
    }
    return WK_OK;
}

wk_status gbdt_data_rows(const wk_forest *forest, const wk_gbdt_table *table, const char *path,
                         wk_arena *arena, float **X, wk_err *err)
{
    size_t n = wk_forest_n_features(forest);
    int64_t *column = wk_arena_array(arena, int64_t, n);
    WK_TRY(match(forest, table, column, path, err));
    float *to = *X = wk_arena_array(arena, float, table->n_rows *n);
    for (size_t i = 0; i < table->n_rows; i++)
        for (size_t f = 0; f < n; f++)
            *to++ = column[f] == ABSENT ? NAN : table->cells[i * table->n_cols + (size_t)column[f]];
    return WK_OK;
}

wk_status gbdt_data_open(const wk_cli *cli, const char *path, wk_gbdt_table *table, wk_err *err)
{
    static const char *const formats[] = {"auto", "csv", "libsvm", "npy", "hdf5"};
    const char *format = wk_cli_option_value(cli, "format");
    wk_gbdt_table_options options = {.x = wk_cli_option_value(cli, "x")};
    while (format && strcmp(format, formats[options.format]) != 0)
        if (++options.format == sizeof formats / sizeof *formats)
            return wk_fail(err, WK_E_ARG, "--format %s: write auto, csv, libsvm, npy or hdf5",
                           format);
    return wk_gbdt_table_read_as(path, &options, table, err);
}
