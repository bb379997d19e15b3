#include "store_hdf5.h"

#include <libdeflate.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 16384, DEFLATE_LEVEL = 4 };

/* The library keeps global state without locks of its own, so that one thread at a time is in it.
 */
static pthread_mutex_t only_one = PTHREAD_MUTEX_INITIALIZER;

wk__quiet wk__hdf5_be_quiet(void)
{
    wk__quiet before = {0};
    pthread_mutex_lock(&only_one);
    /* A damaged file can leave HDF5 with handles that it fails to close at exit, and says so.
     * Nothing needs that: files are images in memory, written by us. Only the first call counts. */
    (void)H5dont_atexit();
    H5Eget_auto2(H5E_DEFAULT, &before.print, &before.data);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return before;
}

void wk__hdf5_speak_again(wk__quiet before)
{
    H5Eset_auto2(H5E_DEFAULT, before.print, before.data);
    pthread_mutex_unlock(&only_one);
}

/* The innermost entry of the error stack comes first when walking upward. */
static herr_t keep_first(unsigned n, const H5E_error2_t *entry, void *text)
{
    if (n == 0 && entry->desc)
        snprintf(text, 128, "%s", entry->desc);
    return 0;
}

wk_status wk__hdf5_fail(wk_err *err, wk_status code, const char *what, const char *path)
{
    char why[128] = "no details";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, why);
    return wk_fail(err, code,
                   "%s %s: HDF5 says \"%s\"; if the file is damaged, `wick store check --repair` "
                   "saves what can be read",
                   what, path, why);
}

hid_t wk__hdf5_new(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
    if (access >= 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0)
        file = H5Fcreate("store.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

hid_t wk__hdf5_open(char *bytes, size_t size_bytes)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
    if (access >= 0 && size_bytes > 0 && H5Pset_fapl_core(access, 1 << 20, 0) >= 0 &&
        H5Pset_file_image(access, bytes, size_bytes) >= 0)
        file = H5Fopen("store.h5", H5F_ACC_RDONLY, access);
    if (access >= 0)
        H5Pclose(access);
    return file;
}

char *wk__hdf5_image(hid_t file, size_t *size_bytes)
{
    if (H5Fflush(file, H5F_SCOPE_GLOBAL) < 0)
        return NULL;
    ssize_t size = H5Fget_file_image(file, NULL, 0);
    char *image = size > 0 ? malloc((size_t)size) : NULL;
    if (!image || H5Fget_file_image(file, image, (size_t)size) != size) {
        free(image);
        return NULL;
    }
    *size_bytes = (size_t)size;
    return image;
}

int wk__hdf5_write_attribute(hid_t file, const char *name, hid_t type, hid_t memory,
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

int wk__hdf5_write_text(hid_t file, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    int ok = type >= 0 && H5Tset_size(type, strlen(text)) >= 0 &&
             H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
             wk__hdf5_write_attribute(file, name, type, type, text);
    if (type >= 0)
        H5Tclose(type);
    return ok;
}

int wk__hdf5_read_attribute(hid_t file, const char *name, hid_t memory, void *value)
{
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    int ok = attribute >= 0 && H5Aread(attribute, memory, value) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    return ok;
}

int wk__hdf5_read_text(hid_t file, const char *name, char *text, size_t size_bytes)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    memset(text, 0, size_bytes);
    int ok = type >= 0 && H5Tset_size(type, size_bytes - 1) >= 0 &&
             H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
             wk__hdf5_read_attribute(file, name, type, text);
    if (type >= 0)
        H5Tclose(type);
    return ok;
}

int wk__hdf5_has(hid_t place, const char *name)
{
    return H5Lexists(place, name, H5P_DEFAULT) > 0;
}

hid_t wk__hdf5_group(hid_t file, const char *name)
{
    hid_t create = H5Pcreate(H5P_GROUP_CREATE), group = -1;
    if (create >= 0 && H5Pset_obj_track_times(create, 0) >= 0)
        group = H5Gcreate2(file, name, H5P_DEFAULT, create, H5P_DEFAULT);
    if (create >= 0)
        H5Pclose(create);
    return group;
}

/* HDF5's shuffle filter: byte k of all numbers stands together. */
static void shuffle(unsigned char *out, const unsigned char *in, size_t n, size_t width)
{
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < n; i++)
            out[k * n + i] = in[i * width + k];
}

static void unshuffle(unsigned char *out, const unsigned char *in, size_t n, size_t width)
{
    if (width == 1) {
        memcpy(out, in, n);
        return;
    }
    WK_ASSERT(width == 8);
    for (size_t i = 0; i < n; i++) {
        uint64_t x = 0;
        for (size_t k = 0; k < 8; k++)
            x |= (uint64_t)in[k * n + i] << (8 * k);
        memcpy(out + 8 * i, &x, 8);
    }
}

/* The filters' work is ours, by libdeflate: it takes a third of the time that HDF5's own pipeline
 * takes. The last chunk is stored whole, with zeros behind the rows, as HDF5 does. */
static int write_chunks(hid_t set, size_t width, size_t n, size_t chunk, const void *values)
{
    size_t room = libdeflate_zlib_compress_bound(NULL, chunk * width);
    struct libdeflate_compressor *deflate = libdeflate_alloc_compressor(DEFLATE_LEVEL);
    unsigned char *plain = malloc(chunk * width), *mixed = malloc(chunk * width),
                  *packed = malloc(room);
    int ok = deflate && plain && mixed && packed;
    for (size_t at = 0; ok && at < n; at += chunk) {
        size_t rows = n - at < chunk ? n - at : chunk;
        memcpy(plain, (const char *)values + at * width, rows * width);
        memset(plain + rows * width, 0, (chunk - rows) * width);
        shuffle(mixed, plain, chunk, width);
        size_t size = libdeflate_zlib_compress(deflate, mixed, chunk * width, packed, room);
        hsize_t offset = at;
        ok = size > 0 && H5Dwrite_chunk(set, H5P_DEFAULT, 0, &offset, size, packed) >= 0;
    }
    libdeflate_free_compressor(deflate);
    free(plain);
    free(mixed);
    free(packed);
    return ok;
}

int wk__hdf5_write_column(hid_t place, const char *name, hid_t type, hid_t memory, size_t n,
                          const void *values)
{
    hsize_t rows = n, chunk = n < CHUNK_ROWS ? n : CHUNK_ROWS;
    hid_t space = H5Screate_simple(1, &rows, NULL), layout = H5Pcreate(H5P_DATASET_CREATE);
    hid_t set = -1;
    /* Without object times equal columns give equal bytes. */
    if (space >= 0 && layout >= 0 && H5Pset_obj_track_times(layout, 0) >= 0 &&
        H5Pset_chunk(layout, 1, &chunk) >= 0 && H5Pset_shuffle(layout) >= 0 &&
        H5Pset_deflate(layout, DEFLATE_LEVEL) >= 0)
        set = H5Dcreate2(place, name, type, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    int ok = set >= 0;
    if (ok && H5Tequal(type, memory) > 0)
        ok = write_chunks(set, H5Tget_size(memory), n, (size_t)chunk, values);
    else if (ok) /* a machine of the other byte order */
        ok = H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (set >= 0)
        H5Dclose(set);
    if (layout >= 0)
        H5Pclose(layout);
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

size_t wk__hdf5_rows(hid_t place, const char *name)
{
    hsize_t n = 0;
    hid_t set = H5Dopen2(place, name, H5P_DEFAULT);
    hid_t space = set < 0 ? -1 : H5Dget_space(set);
    if (space >= 0 && H5Sget_simple_extent_ndims(space) == 1)
        H5Sget_simple_extent_dims(space, &n, NULL);
    if (space >= 0)
        H5Sclose(space);
    if (set >= 0)
        H5Dclose(set);
    return (size_t)n;
}

/* Rows of a chunk when the dataset is as wk__hdf5_write_column makes it, else 0. */
static size_t own_chunk_rows(hid_t set, hid_t memory)
{
    hid_t type = H5Dget_type(set), layout = H5Dget_create_plist(set), space = H5Dget_space(set);
    hsize_t chunk = 0;
    unsigned flags, values[8], config;
    size_t n_values = 8;
    int own = type >= 0 && layout >= 0 && space >= 0 && H5Tequal(type, memory) > 0 &&
              H5Sget_simple_extent_ndims(space) == 1 && H5Pget_layout(layout) == H5D_CHUNKED &&
              H5Pget_chunk(layout, 1, &chunk) == 1 && H5Pget_nfilters(layout) == 2 &&
              H5Pget_filter2(layout, 0, &flags, &n_values, values, 0, NULL, &config) ==
                  H5Z_FILTER_SHUFFLE;
    n_values = 8;
    own = own && H5Pget_filter2(layout, 1, &flags, &n_values, values, 0, NULL, &config) ==
                     H5Z_FILTER_DEFLATE;
    if (type >= 0)
        H5Tclose(type);
    if (layout >= 0)
        H5Pclose(layout);
    if (space >= 0)
        H5Sclose(space);
    return own ? (size_t)chunk : 0;
}

int wk__hdf5_read_chunk(hid_t set, size_t width, size_t at, size_t rows, size_t chunk, void *out)
{
    hsize_t offset = at, size = 0;
    uint32_t mask = 0;
    size_t got = 0;
    if (H5Dget_chunk_storage_size(set, &offset, &size) < 0 || size == 0 ||
        size > 2 * chunk * width + 1024)
        return 0;
    struct libdeflate_decompressor *inflate = libdeflate_alloc_decompressor();
    unsigned char *packed = malloc((size_t)size), *mixed = malloc(chunk * width),
                  *plain = malloc(chunk * width);
    int ok = inflate && packed && mixed && plain &&
             H5Dread_chunk(set, H5P_DEFAULT, &offset, &mask, packed) >= 0 && mask == 0 &&
             libdeflate_zlib_decompress(inflate, packed, (size_t)size, mixed, chunk * width,
                                        &got) == LIBDEFLATE_SUCCESS &&
             got == chunk * width;
    if (ok) {
        unshuffle(plain, mixed, chunk, width);
        memcpy(out, plain, rows * width);
    }
    libdeflate_free_decompressor(inflate);
    free(packed);
    free(mixed);
    free(plain);
    return ok;
}

int wk__hdf5_read_column(hid_t place, const char *name, hid_t memory, void *values)
{
    hid_t set = H5Dopen2(place, name, H5P_DEFAULT);
    size_t n = wk__hdf5_rows(place, name), width = H5Tget_size(memory);
    size_t chunk = set < 0 ? 0 : own_chunk_rows(set, memory);
    int ok = set >= 0;
    for (size_t at = 0; ok && chunk > 0 && at < n; at += chunk)
        ok = wk__hdf5_read_chunk(set, width, at, n - at < chunk ? n - at : chunk, chunk,
                                 (char *)values + at * width);
    if (ok && chunk == 0) /* another program's file */
        ok = H5Dread(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (set >= 0)
        H5Dclose(set);
    return ok;
}
