#include "store_file.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"

enum { CHUNK_ROWS = 16384, DEFLATE_LEVEL = 4, N_COLUMNS = 7 };

static const char *const column_names[N_COLUMNS] = {"time",  "open",   "high",      "low",
                                                    "close", "volume", "provenance"};

/* HDF5 prints its errors by itself unless told otherwise; ours go through wk_err. */
typedef struct {
    H5E_auto2_t print;
    void *data;
} quiet;

static quiet be_quiet(void)
{
    quiet before = {0};
    /* A damaged file can leave HDF5 with handles that it fails to close at exit, and says so.
     * Nothing needs that: files are images in memory, written by us. Only the first call counts. */
    (void)H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &before.print, &before.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return before;
}

static void speak_again(quiet before)
{
    H5Eset_auto2(H5E_DEFAULT, before.print, before.data);
}

/* The innermost entry of the error stack comes first when walking upward. */
static herr_t keep_first(unsigned n, const H5E_error2_t *entry, void *text)
{
    if (n == 0 && entry->desc)
        snprintf(text, 128, "%s", entry->desc);
    return 0;
}

static wk_status hdf5_fail(wk_err *err, wk_status code, const char *what, const char *path)
{
    char why[128] = "no details";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, why);
    return wk_fail(err, code,
                   "%s %s: HDF5 says \"%s\"; import the bars again if the file is damaged", what,
                   path, why);
}

/* Column c of the series as one array of 8-byte numbers, or the provenance bytes themselves. */
static const void *gather(const wk_series *s, int c, double *buffer)
{
    if (c == N_COLUMNS - 1)
        return s->provenance;
    for (size_t i = 0; i < s->n; i++) {
        const wk_bar *b = &s->bars[i];
        if (c == 0)
            memcpy(&buffer[i], &b->time_ns, sizeof *buffer);
        else
            buffer[i] = c == 1   ? b->open
                        : c == 2 ? b->high
                        : c == 3 ? b->low
                        : c == 4 ? b->close
                                 : b->volume;
    }
    return buffer;
}

static void scatter(wk_series *s, int c, const double *buffer)
{
    for (size_t i = 0; i < s->n; i++) {
        wk_bar *b = &s->bars[i];
        if (c == 0)
            memcpy(&b->time_ns, &buffer[i], sizeof *buffer);
        else
            *(c == 1   ? &b->open
              : c == 2 ? &b->high
              : c == 3 ? &b->low
              : c == 4 ? &b->close
                       : &b->volume) = buffer[i];
    }
}

static hid_t disk_type(int c)
{
    return c == 0 ? H5T_STD_I64LE : c == N_COLUMNS - 1 ? H5T_STD_U8LE : H5T_IEEE_F64LE;
}

static hid_t memory_type(int c)
{
    return c == 0 ? H5T_NATIVE_INT64 : c == N_COLUMNS - 1 ? H5T_NATIVE_UINT8 : H5T_NATIVE_DOUBLE;
}

static int write_attribute(hid_t file, const char *name, hid_t type, hid_t memory,
                           const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute =
        space < 0 ? -1 : H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    int ok = attribute >= 0 && H5Awrite(attribute, memory, value) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

static int write_text(hid_t file, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    int ok = type >= 0 && H5Tset_size(type, strlen(text)) >= 0 &&
             H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
             write_attribute(file, name, type, type, text);
    if (type >= 0)
        H5Tclose(type);
    return ok;
}

static int write_attributes(hid_t file, const wk_series *s)
{
    int price = 0, volume = 0;
    wk_series_decimals(s, &price, &volume);
    return write_text(file, "venue", s->venue) && write_text(file, "symbol", s->symbol) &&
           write_attribute(file, "timeframe_ns", H5T_STD_I64LE, H5T_NATIVE_INT64,
                           &s->timeframe_ns) &&
           write_attribute(file, "price_decimals", H5T_STD_I32LE, H5T_NATIVE_INT, &price) &&
           write_attribute(file, "volume_decimals", H5T_STD_I32LE, H5T_NATIVE_INT, &volume);
}

static int write_columns(hid_t file, const wk_series *s, double *buffer)
{
    hsize_t n = s->n, chunk = s->n < CHUNK_ROWS ? s->n : CHUNK_ROWS;
    hid_t space = H5Screate_simple(1, &n, NULL), layout = H5Pcreate(H5P_DATASET_CREATE);
    /* Without object times equal bars give equal bytes. */
    int ok = space >= 0 && layout >= 0 && H5Pset_obj_track_times(layout, 0) >= 0 &&
             H5Pset_chunk(layout, 1, &chunk) >= 0 && H5Pset_shuffle(layout) >= 0 &&
             H5Pset_deflate(layout, DEFLATE_LEVEL) >= 0;
    for (int c = 0; ok && c < N_COLUMNS; c++) {
        hid_t set = H5Dcreate2(file, column_names[c], disk_type(c), space, H5P_DEFAULT, layout,
                               H5P_DEFAULT);
        ok = set >= 0 && H5Dwrite(set, memory_type(c), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                  gather(s, c, buffer)) >= 0;
        if (set >= 0)
            H5Dclose(set);
    }
    if (layout >= 0)
        H5Pclose(layout);
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

wk_status wk__store_encode(const wk_series *series, char **bytes, size_t *size_bytes, wk_err *err)
{
    WK_ASSERT(series->n > 0);
    double *buffer = malloc(series->n * sizeof *buffer);
    if (!buffer)
        return wk_fail(err, WK_E_NOMEM, "out of memory writing %zu bars", series->n);
    quiet before = be_quiet();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
    char *image = NULL;
    ssize_t size = -1;
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0)
        file = H5Fcreate("store.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    int ok = file >= 0 && write_attributes(file, series) && write_columns(file, series, buffer) &&
             H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
    if (ok)
        size = H5Fget_file_image(file, NULL, 0);
    if (size > 0)
        image = malloc((size_t)size);
    ok = image && H5Fget_file_image(file, image, (size_t)size) == size;
    wk_status status = WK_OK;
    if (!ok) {
        status = hdf5_fail(err, WK_E_IO, "cannot build the store file of", series->symbol);
        free(image);
    }
    if (file >= 0)
        H5Fclose(file);
    if (access >= 0)
        H5Pclose(access);
    speak_again(before);
    free(buffer);
    if (status == WK_OK) {
        *bytes = image;
        *size_bytes = (size_t)size;
    }
    return status;
}

static int read_attribute(hid_t file, const char *name, hid_t memory, void *value)
{
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    int ok = attribute >= 0 && H5Aread(attribute, memory, value) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    return ok;
}

static int read_text(hid_t file, const char *name, char *text, size_t size_bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    memset(text, 0, size_bytes);
    int ok = type >= 0 && H5Tset_size(type, size_bytes - 1) >= 0 &&
             H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 && read_attribute(file, name, type, text);
    if (type >= 0)
        H5Tclose(type);
    return ok;
}

/* Rows of a dataset that has one dimension, or 0. */
static size_t count_rows(hid_t file, const char *name)
{
    hsize_t n = 0;
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = set < 0 ? -1 : H5Dget_space(set);
    if (space >= 0 && H5Sget_simple_extent_ndims(space) == 1)
        H5Sget_simple_extent_dims(space, &n, NULL);
    if (space >= 0)
        H5Sclose(space);
    if (set >= 0)
        H5Dclose(set);
    return (size_t)n;
}

static wk_status read_columns(hid_t file, const char *path, int times_only, wk_series *s,
                              double *buffer, wk_err *err)
{
    for (int c = 0; c < N_COLUMNS; c++) {
        if (times_only && c > 0 && c < N_COLUMNS - 1)
            continue;
        if (count_rows(file, column_names[c]) != s->n)
            return wk_fail(err, WK_E_DATA,
                           "%s: column \"%s\" is missing or has other rows than \"time\"; import "
                           "the bars again",
                           path, column_names[c]);
        int bytes = c == N_COLUMNS - 1;
        hid_t set = H5Dopen2(file, column_names[c], H5P_DEFAULT);
        int ok = set >= 0 && H5Dread(set, memory_type(c), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                                     bytes ? (void *)s->provenance : (void *)buffer) >= 0;
        if (set >= 0)
            H5Dclose(set);
        if (!ok)
            return hdf5_fail(err, WK_E_DATA, "cannot read", path);
        if (!bytes)
            scatter(s, c, buffer);
    }
    return WK_OK;
}

static wk_status read_file(hid_t file, const char *path, int times_only, wk_series *out,
                           wk_err *err)
{
    wk_series s = {0};
    int64_t timeframe_ns = 0;
    char venue[32], symbol[32];
    if (!read_text(file, "venue", venue, sizeof venue) ||
        !read_text(file, "symbol", symbol, sizeof symbol) ||
        !read_attribute(file, "timeframe_ns", H5T_NATIVE_INT64, &timeframe_ns) || timeframe_ns <= 0)
        return wk_fail(err, WK_E_DATA,
                       "%s lacks the attributes venue, symbol and timeframe_ns; it is no file of a "
                       "candle store",
                       path);
    size_t n = count_rows(file, "time");
    if (n == 0)
        return wk_fail(err, WK_E_DATA, "%s holds no bars; delete it", path);
    WK_TRY(wk_series_create(venue, symbol, timeframe_ns, n, &s, err));
    double *buffer = malloc(n * sizeof *buffer);
    wk_status status = buffer ? read_columns(file, path, times_only, &s, buffer, err)
                              : wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    free(buffer);
    if (status == WK_OK)
        *out = s;
    else
        wk_series_finish(&s);
    return status;
}

wk_status wk__store_load(const char *path, int times_only, wk_series *out, wk_err *err)
{
    char *bytes;
    size_t size_bytes;
    WK_TRY(wk_file_read(path, &bytes, &size_bytes, err));
    quiet before = be_quiet();
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
    if (access >= 0 && size_bytes > 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0 &&
        H5Pset_file_image(access, bytes, size_bytes) >= 0)
        file = H5Fopen("store.h5", H5F_ACC_RDONLY, access);
    wk_status status = file < 0 ? hdf5_fail(err, WK_E_DATA, "cannot read", path)
                                : read_file(file, path, times_only, out, err);
    if (file >= 0)
        H5Fclose(file);
    if (access >= 0)
        H5Pclose(access);
    speak_again(before);
    free(bytes);
    return status;
}
