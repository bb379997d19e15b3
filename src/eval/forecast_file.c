#include "forecast_file.h"

#include <errno.h>
#include <hdf5.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The f32 columns of a forecast and where they live in it. */
static const struct {
    const char *name;
    size_t offset;
} columns[] = {
    {"p_sell", offsetof(wk_forecast, p)},
    {"p_hold", offsetof(wk_forecast, p) + sizeof(float)},
    {"p_buy", offsetof(wk_forecast, p) + 2 * sizeof(float)},
    {"score", offsetof(wk_forecast, score)},
    {"magnitude", offsetof(wk_forecast, magnitude)},
    {"volatility", offsetof(wk_forecast, volatility)},
    {"threshold", offsetof(wk_forecast, threshold)},
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static bool write_dataset(hid_t group, const char *name, hid_t type, const hsize_t dims[2],
                          int rank, const void *values)
{
    hid_t space = H5Screate_simple(rank, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    hid_t set = H5Dcreate2(group, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool ok = set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (set >= 0)
        H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    return ok;
}

static bool read_dataset(hid_t group, const char *name, hid_t type, size_t n, void *values)
{
    hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
    if (set < 0)
        return false;
    hid_t space = H5Dget_space(set);
    bool ok = H5Sget_simple_extent_npoints(space) == (hssize_t)n &&
              H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    H5Sclose(space);
    H5Dclose(set);
    return ok;
}

static bool write_attribute(hid_t object, const char *name, int64_t value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = a >= 0 && H5Awrite(a, H5T_NATIVE_INT64, &value) >= 0;
    if (a >= 0)
        H5Aclose(a);
    H5Sclose(space);
    return ok;
}

static bool read_attribute(hid_t object, const char *name, int64_t *value)
{
    hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    bool ok = a >= 0 && H5Aread(a, H5T_NATIVE_INT64, value) >= 0;
    if (a >= 0)
        H5Aclose(a);
    return ok;
}

static hid_t create_group(hid_t file, const char *name)
{
    hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(plist, false);
    hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    H5Pclose(plist);
    return group;
}

/* HDF5's errors go through wk_err. What it could not write stays open in it, and closing that once
 * more at exit would crash, so exit leaves it alone; nothing waits to be written then. */
static void be_quiet(void)
{
    (void)H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* Group names begin with the strategy's place, so that HDF5's alphabetical order is the list's. */
static void group_name(size_t i, const char *name, char out[96])
{
    snprintf(out, 96, "%02zu %s", i, name);
}

static bool write_strategy(hid_t file, size_t i, const wk_strategy *strategy, const hsize_t dims[2],
                           float *column, uint8_t *valid)
{
    char name[96];
    size_t n = (size_t)(dims[0] * dims[1]);
    group_name(i, strategy->name, name);
    hid_t group = create_group(file, name);
    bool ok = group >= 0 && write_attribute(group, "main", strategy->main);
    for (size_t c = 0; ok && c < N_COLUMNS; c++) {
        for (size_t r = 0; r < n; r++)
            memcpy(&column[r], (const char *)&strategy->forecasts[r] + columns[c].offset,
                   sizeof(float));
        ok = write_dataset(group, columns[c].name, H5T_IEEE_F32LE, dims, 2, column);
    }
    for (size_t r = 0; r < n; r++)
        valid[r] = strategy->forecasts[r].valid;
    ok = ok && write_dataset(group, "valid", H5T_STD_U8LE, dims, 2, valid);
    if (group >= 0)
        H5Gclose(group);
    return ok;
}

wk_status wk_forecast_file_write(const char *path, const wk_panel *panel,
                                 const wk_walk_forward *walk, wk_err *err)
{
    char beside[PATH_MAX];
    const hsize_t dims[2] = {panel->T, panel->S};
    size_t n = panel->T * panel->S;
    if (snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid()) >= (int)sizeof beside)
        return wk_fail(err, WK_E_IO, "path too long: %s", path);
    be_quiet();
    float *column = malloc(n * sizeof *column);
    uint8_t *valid = malloc(n);
    int64_t *time_ns = malloc(panel->T * sizeof *time_ns);
    hid_t plist = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(plist, false);
    hid_t file = H5Fcreate(beside, H5F_ACC_TRUNC, plist, H5P_DEFAULT);
    H5Pclose(plist);
    bool ok = column && valid && time_ns && file >= 0;
    for (size_t t = 0; ok && t < panel->T; t++)
        time_ns[t] = panel->start_ns + (int64_t)t * panel->timeframe_ns;
    ok = ok && write_dataset(file, "time", H5T_STD_I64LE, dims, 1, time_ns) &&
         write_attribute(file, "first_step", (int64_t)walk->first_step) &&
         write_attribute(file, "judge_step", (int64_t)walk->judge_step) &&
         write_attribute(file, "end_step", (int64_t)walk->end_step) &&
         write_attribute(file, "n_strategies", (int64_t)walk->n_strategies);
    for (size_t i = 0; ok && i < walk->n_strategies; i++)
        ok = write_strategy(file, i, &walk->strategies[i], dims, column, valid);
    if (file >= 0 && H5Fclose(file) < 0)
        ok = false;
    free(column);
    free(valid);
    free(time_ns);
    if (ok && rename(beside, path) == 0)
        return WK_OK;
    int why = errno;
    unlink(beside);
    return wk_fail(err, WK_E_IO, "cannot write %s: %s", path, strerror(why));
}

typedef struct {
    size_t n;
    char names[64][96];
} name_list;

static herr_t collect_group(hid_t file, const char *name, const H5L_info_t *info, void *ctx)
{
    (void)file;
    (void)info;
    name_list *list = ctx;
    if (name[0] >= '0' && name[0] <= '9' && list->n < 64)
        snprintf(list->names[list->n++], sizeof list->names[0], "%s", name);
    return 0;
}

static bool read_strategy(hid_t file, const char *name, size_t n, wk_strategy *strategy,
                          float *column, uint8_t *valid)
{
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    int64_t main_flag = 0;
    bool ok = group >= 0 && strlen(name) > 3 && read_attribute(group, "main", &main_flag);
    strategy->main = main_flag != 0;
    snprintf(strategy->name, sizeof strategy->name, "%.60s", strlen(name) > 3 ? name + 3 : "");
    strategy->forecasts = calloc(n, sizeof *strategy->forecasts);
    ok = ok && strategy->forecasts;
    for (size_t c = 0; ok && c < N_COLUMNS; c++) {
        ok = read_dataset(group, columns[c].name, H5T_NATIVE_FLOAT, n, column);
        for (size_t r = 0; ok && r < n; r++)
            memcpy((char *)&strategy->forecasts[r] + columns[c].offset, &column[r], sizeof(float));
    }
    ok = ok && read_dataset(group, "valid", H5T_NATIVE_UINT8, n, valid);
    for (size_t r = 0; ok && r < n; r++)
        strategy->forecasts[r].valid = valid[r];
    if (group >= 0)
        H5Gclose(group);
    return ok;
}

wk_status wk_forecast_file_read(const char *path, const wk_panel *panel, wk_walk_forward *out,
                                wk_err *err)
{
    size_t n = panel->T * panel->S;
    int64_t first = 0, judge = 0, end = 0;
    wk_walk_forward walk = {0};
    name_list *list = calloc(1, sizeof *list);
    float *column = malloc(n * sizeof *column);
    uint8_t *valid = malloc(n);
    be_quiet();
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hsize_t at = 0;
    bool ok = list && column && valid && file >= 0 && read_attribute(file, "first_step", &first) &&
              read_attribute(file, "judge_step", &judge) &&
              read_attribute(file, "end_step", &end) &&
              H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, &at, collect_group, list) >= 0;
    ok =
        ok && first >= 0 && first <= judge && judge < end && (size_t)end <= panel->T && list->n > 0;
    if (ok) {
        walk.strategies = calloc(list->n, sizeof *walk.strategies);
        ok = walk.strategies != NULL;
    }
    for (size_t i = 0; ok && i < list->n; i++) {
        walk.n_strategies = i + 1;
        ok = read_strategy(file, list->names[i], n, &walk.strategies[i], column, valid);
    }
    if (file >= 0)
        H5Fclose(file);
    free(list);
    free(column);
    free(valid);
    if (!ok) {
        wk_walk_forward_finish(&walk);
        return wk_fail(
            err, WK_E_DATA,
            "%s cannot be read, or belongs to other candles than the configuration's; run "
            "`wick train` again",
            path);
    }
    walk.first_step = (size_t)first;
    walk.judge_step = (size_t)judge;
    walk.end_step = (size_t)end;
    *out = walk;
    return WK_OK;
}
