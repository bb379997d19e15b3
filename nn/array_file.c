#include "wick/array_file.h"

#include <hdf5.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"

bool wk_array_is_hdf5(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot &&
           (strcmp(dot, ".h5") == 0 || strcmp(dot, ".hdf5") == 0 || strcmp(dot, ".hdf") == 0);
}

static wk_status read_npy(const char *path, wk_array *out, wk_err *err)
{
    char *bytes;
    size_t size;
    wk_npy npy;
    WK_TRY(wk_file_read(path, &bytes, &size, err));
    wk_status status = wk_npy_parse(path, bytes, size, &npy, err);
    float *values = status == WK_OK ? malloc((npy.n + 1) * sizeof *values) : NULL;
    if (status == WK_OK && !values)
        status = wk_fail(err, WK_E_NOMEM, "%s: no memory for %zu numbers", path, npy.n);
    if (status == WK_OK) {
        wk_npy_floats(&npy, 0, npy.n, values);
        *out = (wk_array){.rank = npy.rank, .n = npy.n, .values = values};
        memcpy(out->shape, npy.shape, sizeof out->shape);
    }
    free(bytes);
    return status;
}

/* HDF5 prints its errors by itself unless told otherwise; ours go through wk_err. */
typedef struct {
    H5E_auto2_t print;
    void *data;
} quiet;

static quiet be_quiet(void)
{
    quiet before = {0};
    H5Eget_auto2(H5E_DEFAULT, &before.print, &before.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return before;
}

static void speak_again(quiet before)
{
    H5Eset_auto2(H5E_DEFAULT, before.print, before.data);
}

/* The numbers of an open dataset: into out->values, or with `doubles` there, as f64. */
static wk_status read_dataset(const char *path, const char *name, hid_t set, wk_array *out,
                              double **doubles, wk_err *err)
{
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    const H5T_class_t class = H5Tget_class(type);
    const int rank = H5Sget_simple_extent_ndims(space);
    hsize_t dims[H5S_MAX_RANK] = {0};
    wk_status status = WK_OK;
    wk_array a = {.n = 1};
    void *values = NULL;
    if (class != H5T_FLOAT && class != H5T_INTEGER)
        status = wk_fail(err, WK_E_PARSE, "%s: array %s holds no numbers", path, name);
    else if (rank < 0 || rank > WK_NPY_RANK_MAX)
        status = wk_fail(err, WK_E_PARSE, "%s: array %s has %d dimensions; want at most %d", path,
                         name, rank, WK_NPY_RANK_MAX);
    else
        H5Sget_simple_extent_dims(space, dims, NULL);
    a.rank = rank > 0 ? (size_t)rank : 0;
    for (size_t i = 0; i < WK_NPY_RANK_MAX && status == WK_OK; i++) {
        a.shape[i] = i < a.rank ? (size_t)dims[i] : 1;
        if (a.shape[i] && a.n > SIZE_MAX / 16 / a.shape[i])
            status = wk_fail(err, WK_E_PARSE, "%s: array %s is larger than memory", path, name);
        else
            a.n *= a.shape[i];
    }
    if (status == WK_OK &&
        !(values = malloc((a.n + 1) * (doubles ? sizeof(double) : sizeof(float)))))
        status = wk_fail(err, WK_E_NOMEM, "%s: no memory for the %zu numbers of array %s", path,
                         a.n, name);
    if (status == WK_OK && a.n &&
        H5Dread(set, doubles ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                values) < 0)
        status =
            wk_fail(err, WK_E_IO, "%s: array %s cannot be read; is the file damaged?", path, name);
    if (status == WK_OK) {
        *out = a;
        if (doubles)
            *doubles = values;
        else
            out->values = values;
    } else {
        free(values);
    }
    H5Tclose(type);
    H5Sclose(space);
    return status;
}

static wk_status read_hdf5(const char *path, const char *name, wk_array *out, double **doubles,
                           wk_err *err)
{
    if (!wk_file_exists(path))
        return wk_fail(err, WK_E_IO, "%s: no such file", path);
    quiet before = be_quiet();
    wk_status status;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) {
        status = wk_fail(err, WK_E_PARSE, "%s: not an HDF5 file, or damaged", path);
    } else {
        hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
        status =
            set < 0
                ? wk_fail(err, WK_E_PARSE,
                          "%s: has no array named %s; name it (x, y of the configuration, or --x)",
                          path, name)
                : read_dataset(path, name, set, out, doubles, err);
        if (set >= 0)
            H5Dclose(set);
        H5Fclose(file);
    }
    speak_again(before);
    return status;
}

bool wk_array_exists(const char *path, const char *name)
{
    quiet before = be_quiet();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool there = file >= 0 && H5Lexists(file, name, H5P_DEFAULT) > 0;
    if (file >= 0)
        H5Fclose(file);
    speak_again(before);
    return there;
}

wk_status wk_array_read(const char *path, const char *name, wk_array *out, wk_err *err)
{
    return wk_array_is_hdf5(path) ? read_hdf5(path, name, out, NULL, err)
                                  : read_npy(path, out, err);
}

wk_status wk_array_read_hdf5_f64(const char *path, const char *name, double **out, size_t *n,
                                 wk_err *err)
{
    wk_array a = {0};
    WK_TRY(read_hdf5(path, name, &a, out, err));
    *n = a.n;
    return WK_OK;
}

void wk_array_finish(wk_array *array)
{
    free(array->values);
    *array = (wk_array){0};
}
