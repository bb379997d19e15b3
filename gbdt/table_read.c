/* Tables from files: the first bytes tell the format. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "table.h"
#include "wick/array_file.h"

/* The bytes of a file, decompressed where it is gzip. */
static wk_status read_bytes(const char *path, char **out, size_t *size, wk_err *err)
{
    gzFile f = gzopen(path, "rb");
    if (!f)
        return wk_fail(err, WK_E_IO, "cannot open %s: %s", path, strerror(errno));
    char *text = NULL;
    size_t n = 0, capacity = 0;
    wk_status status = WK_OK;
    for (;;) {
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 1 << 20;
            char *grown = realloc(text, capacity);
            if (!grown) {
                status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
                break;
            }
            text = grown;
        }
        size_t room = capacity - n;
        int got = gzread(f, text + n, room < 1 << 30 ? (unsigned)room : 1u << 30);
        if (got == 0)
            break;
        if (got < 0) {
            int code;
            status = wk_fail(err, WK_E_IO, "cannot read %s: %s", path, gzerror(f, &code));
            break;
        }
        n += (size_t)got;
    }
    /* A truncated gzip file shows up here only. */
    if (gzclose(f) != Z_OK && status == WK_OK)
        status = wk_fail(err, WK_E_IO, "cannot read %s: the compressed file is cut short", path);
    if (status != WK_OK) {
        free(text);
        return status;
    }
    *out = text;
    *size = n;
    return WK_OK;
}

static bool begins(const char *bytes, size_t n, const char *magic, size_t size)
{
    return n >= size && memcmp(bytes, magic, size) == 0;
}

static double *column_of(const wk_gbdt_table *t, const size_t *column)
{
    double *values = malloc(t->n_rows * sizeof *values);
    for (size_t i = 0; values && i < t->n_rows; i++)
        values[i] = (double)t->cells[i * t->n_cols + *column];
    return values;
}

static wk_status read_libsvm(const char *text, size_t n, const char *path,
                             const wk_gbdt_table_options *o, wk_gbdt_table *out, wk_err *err)
{
    wk_gbdt_table t = {0};
    WK_TRY(wk_gbdt_table_parse_libsvm(text, n, path, o->cells_max, &t, err));
    wk_status status = wk__table_check_columns(o, path, t.n_cols, err);
    if (status == WK_OK) {
        t.time = o->time_column ? column_of(&t, o->time_column) : NULL;
        t.end = o->end_column ? column_of(&t, o->end_column) : NULL;
        if (!t.time != !o->time_column || !t.end != !o->end_column)
            status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    }
    if (status != WK_OK) {
        wk_gbdt_table_finish(&t);
        return status;
    }
    *out = t;
    return WK_OK;
}

wk_status wk_gbdt_table_read_as(const char *path, const wk_gbdt_table_options *options,
                                wk_gbdt_table *out, wk_err *err)
{
    static const wk_gbdt_table_options defaults = {0};
    const wk_gbdt_table_options *o = options ? options : &defaults;
    char *bytes = NULL;
    size_t n = 0;
    int format = o->format;
    if (format == WK_GBDT_TABLE_HDF5 || (format == WK_GBDT_TABLE_AUTO && wk_array_is_hdf5(path)))
        return wk__table_hdf5(path, o, out, err);
    WK_TRY(read_bytes(path, &bytes, &n, err));
    if (format == WK_GBDT_TABLE_AUTO)
        format = begins(bytes, n, "\x89HDF\r\n\x1a\n", 8) ? WK_GBDT_TABLE_HDF5
                 : begins(bytes, n, "\x93NUMPY", 6)       ? WK_GBDT_TABLE_NPY
                 : wk_gbdt_table_looks_libsvm(bytes, n)   ? WK_GBDT_TABLE_LIBSVM
                                                          : WK_GBDT_TABLE_CSV;
    wk_status status = format == WK_GBDT_TABLE_NPY    ? wk__table_npy(bytes, n, path, o, out, err)
                       : format == WK_GBDT_TABLE_HDF5 ? wk__table_hdf5(path, o, out, err)
                       : format == WK_GBDT_TABLE_LIBSVM
                           ? read_libsvm(bytes, n, path, o, out, err)
                           : wk_gbdt_table_parse_as(bytes, n, path, o, out, err);
    free(bytes);
    return status;
}

wk_status wk_gbdt_table_read(const char *path, wk_gbdt_table *out, wk_err *err)
{
    return wk_gbdt_table_read_as(path, NULL, out, err);
}
