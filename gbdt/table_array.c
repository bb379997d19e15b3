/* Tables that are arrays of numbers: .npy and HDF5. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "wick/array_file.h"

static wk_status check_shape(const char *name, const size_t *shape, size_t rank, wk_err *err)
{
    if (rank != 2)
        return wk_fail(err, WK_E_DATA,
                       "%s: an array of %zu dimensions; a table has two, rows and columns", name,
                       rank);
    if (shape[0] == 0 || shape[1] == 0)
        return wk_fail(err, WK_E_DATA, "%s has no %s", name, shape[0] ? "columns" : "rows");
    return WK_OK;
}

/* Column `column` of the array in f64. */
static double *npy_column(const wk_npy *npy, const size_t *column)
{
    double *values = malloc(npy->shape[0] * sizeof *values);
    for (size_t i = 0; values && i < npy->shape[0]; i++)
        values[i] = wk_npy_at(npy, i * npy->shape[1] + *column);
    return values;
}

wk_status wk__table_npy(const char *bytes, size_t size, const char *name,
                        const wk_gbdt_table_options *o, wk_gbdt_table *out, wk_err *err)
{
    wk_npy npy;
    WK_TRY(wk_npy_parse(name, bytes, size, &npy, err));
    WK_TRY(check_shape(name, npy.shape, npy.rank, err));
    WK_TRY(wk__table_check_columns(o, name, npy.shape[1], err));
    wk_gbdt_table t = {.n_rows = npy.shape[0], .n_cols = npy.shape[1]};
    t.cells = malloc(npy.n * sizeof *t.cells);
    t.time = o->time_column ? npy_column(&npy, o->time_column) : NULL;
    t.end = o->end_column ? npy_column(&npy, o->end_column) : NULL;
    if (!t.cells || !t.time != !o->time_column || !t.end != !o->end_column) {
        wk_gbdt_table_finish(&t);
        return wk_fail(err, WK_E_NOMEM, "%s: no memory for %zu numbers", name, npy.n);
    }
    wk_npy_floats(&npy, 0, npy.n, t.cells);
    *out = t;
    return WK_OK;
}

/* A number a row. `wanted` NULL or "": `usual` if the file has it. */
static wk_status read_column(const char *path, const char *wanted, const char *usual, size_t n_rows,
                             double **out, wk_err *err)
{
    const char *name = wanted && *wanted ? wanted : usual;
    double *values;
    size_t n;
    if (name == usual && !wk_array_exists(path, usual))
        return WK_OK;
    WK_TRY(wk_array_read_hdf5_f64(path, name, &values, &n, err));
    *out = values;
    if (n != n_rows)
        return wk_fail(err, WK_E_DATA,
                       "%s: array %s has %zu numbers, the table %zu rows; it needs one for each",
                       path, name, n, n_rows);
    return WK_OK;
}

static wk_status number_queries(const char *path, const double *number, wk_gbdt_table *t,
                                wk_err *err)
{
    t->query = malloc(t->n_rows * sizeof *t->query);
    if (!t->query)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    for (size_t i = 0; i < t->n_rows; i++) {
        double v = number[i];
        if (!(v >= 0 && v < 0x1p53) || v != (double)(uint64_t)v)
            return wk_fail(err, WK_E_DATA,
                           "%s: row %zu has query %g; they are whole numbers from 0 below 2^53",
                           path, i, v);
        if (i > 0 && v < number[i - 1])
            return wk_fail(err, WK_E_DATA,
                           "%s: row %zu: query %g follows %g; sort the rows by query", path, i, v,
                           number[i - 1]);
        t->query[i] = (uint64_t)v;
    }
    return WK_OK;
}

static wk_status as_floats(const char *path, const double *values, size_t n, float **out,
                           wk_err *err)
{
    if (!values)
        return WK_OK;
    *out = malloc(n * sizeof **out);
    if (!*out)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = (float)values[i];
    return WK_OK;
}

wk_status wk__table_hdf5(const char *path, const wk_gbdt_table_options *o, wk_gbdt_table *out,
                         wk_err *err)
{
    enum { LABEL, WEIGHT, QUERY, TIME, END, PARTS };
    static const char *const usual[PARTS] = {"y", "weight", "qid", "time", "end"};
    const char *const wanted[PARTS] = {o->y, o->weight, o->query, o->time, o->end};
    double *parts[PARTS] = {0};
    wk_array X = {0};
    if (o->time_column || o->end_column)
        return wk_fail(err, WK_E_CONFIG,
                       "%s: in HDF5 times are arrays of their own, time and end; leave time_column "
                       "and end_column at -1",
                       path);
    WK_TRY(wk_array_read(path, o->x && *o->x ? o->x : "X", &X, err));
    wk_gbdt_table t = {.n_rows = X.shape[0], .n_cols = X.shape[1], .cells = X.values};
    wk_status status = check_shape(path, X.shape, X.rank, err);
    for (size_t i = 0; status == WK_OK && i < PARTS; i++)
        status = read_column(path, wanted[i], usual[i], t.n_rows, &parts[i], err);
    if (status == WK_OK)
        status = as_floats(path, parts[LABEL], t.n_rows, &t.label, err);
    if (status == WK_OK)
        status = as_floats(path, parts[WEIGHT], t.n_rows, &t.weight, err);
    if (status == WK_OK && parts[QUERY])
        status = number_queries(path, parts[QUERY], &t, err);
    for (size_t i = 0; i < TIME; i++)
        free(parts[i]);
    t.time = parts[TIME];
    t.end = parts[END];
    if (status != WK_OK) {
        wk_gbdt_table_finish(&t);
        return status;
    }
    *out = t;
    return WK_OK;
}
