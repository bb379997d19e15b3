/* wick features: the feature rows of an experiment as a table for other tools. */
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/run.h"

static wk_status write_csv(const wk_dataset *d, const char *path, wk_err *err)
{
    char *text = NULL, time[32];
    size_t size = 0, S = d->panel.S, F = d->table.F;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    fputs("time,symbol", f);
    for (size_t i = 0; i < F; i++)
        fprintf(f, ",%s", d->feature_names[i]);
    fputc('\n', f);
    for (size_t t = 0; t < d->panel.T; t++)
        for (size_t s = 0; s < S; s++) {
            size_t r = t * S + s;
            if (!d->table.valid[r])
                continue;
            wk_time_format(d->panel.start_ns + (int64_t)t * d->panel.timeframe_ns, time);
            fprintf(f, "%s,%s", time, d->panel.symbols[s]);
            for (size_t i = 0; i < F; i++) {
                float v = d->table.X[r * F + i];
                if (isnan(v))
                    fputc(',', f);
                else
                    fprintf(f, ",%.9g", (double)v);
            }
            fputc('\n', f);
        }
    wk_status status = fclose(f) == 0 ? wk_file_write_atomic(path, text, size, err)
                                      : wk_fail(err, WK_E_NOMEM, "out of memory");
    free(text);
    return status;
}

static bool put(hid_t file, const char *name, hid_t type, hid_t memory, int rank,
                const hsize_t *dims, const void *values)
{
    hid_t space = H5Screate_simple(rank, dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(plist, false);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool ok = set >= 0 && H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    if (set >= 0)
        H5Dclose(set);
    H5Pclose(plist);
    H5Sclose(space);
    return ok;
}

/* X [T, S, F], valid [T, S], time [T], and the names as fixed-length strings. */
static wk_status write_hdf5(const wk_dataset *d, const char *path, wk_err *err)
{
    enum { NAME_BYTES = 64 };
    char beside[4096];
    size_t T = d->panel.T, S = d->panel.S, F = d->table.F;
    const hsize_t x_dims[3] = {T, S, F}, name_dims[1] = {F}, symbol_dims[1] = {S};
    snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid());
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    char *names = calloc(F, NAME_BYTES);
    int64_t *time_ns = calloc(T, sizeof *time_ns);
    hid_t plist = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(plist, false);
    hid_t file = H5Fcreate(beside, H5F_ACC_TRUNC, plist, H5P_DEFAULT);
    hid_t name_type = H5Tcopy(H5T_C_S1), symbol_type = H5Tcopy(H5T_C_S1);
    H5Tset_size(name_type, NAME_BYTES);
    H5Tset_size(symbol_type, sizeof d->panel.symbols[0]);
    bool ok = names && time_ns && file >= 0;
    for (size_t i = 0; ok && i < F; i++)
        snprintf(names + i * NAME_BYTES, NAME_BYTES, "%s", d->feature_names[i]);
    for (size_t t = 0; ok && t < T; t++)
        time_ns[t] = d->panel.start_ns + (int64_t)t * d->panel.timeframe_ns;
    ok = ok && put(file, "X", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, x_dims, d->table.X) &&
         put(file, "valid", H5T_STD_U8LE, H5T_NATIVE_UINT8, 2, x_dims, d->table.valid) &&
         put(file, "time", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, x_dims, time_ns) &&
         put(file, "names", name_type, name_type, 1, name_dims, names) &&
         put(file, "symbols", symbol_type, symbol_type, 1, symbol_dims, d->panel.symbols);
    H5Tclose(name_type);
    H5Tclose(symbol_type);
    H5Pclose(plist);
    if (file >= 0 && H5Fclose(file) < 0)
        ok = false;
    free(names);
    free(time_ns);
    if (ok && rename(beside, path) == 0)
        return WK_OK;
    unlink(beside);
    return wk_fail(err, WK_E_IO, "cannot write %s; is the directory there, and is there room?",
                   path);
}

static int cmd_features(const wk_cli *cli, wk_err *err)
{
    const char *out = wk_cli_option_value(cli, "out");
    if (!out)
        return wk_fail(err, WK_E_ARG, "--out F.h5 or F.csv is missing");
    size_t n_overrides, length = strlen(out);
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    bool csv = length > 4 && strcmp(out + length - 4, ".csv") == 0;
    wk_run_config config;
    wk_dataset dataset = {0};
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = wk_config_load(&wk_run_config_table, wk_cli_arg(cli, 0), overrides,
                                      n_overrides, &arena, &config, err);
    if (status == WK_OK)
        status = wk_dataset_load(&config, &wk_dataset_store, &dataset, err);
    if (status == WK_OK)
        status = csv ? write_csv(&dataset, out, err) : write_hdf5(&dataset, out, err);
    if (status == WK_OK && wk_cli_json(cli))
        printf("{\"out\": \"%s\", \"columns\": %zu, \"bars\": %zu, \"symbols\": %zu, \"hash\": "
               "\"%s\"}\n",
               out, dataset.table.F, dataset.panel.T, dataset.panel.S, dataset.feature_hash);
    else if (status == WK_OK)
        printf("%s: %zu columns of %zu bars of %zu markets\n", out, dataset.table.F,
               dataset.panel.T, dataset.panel.S);
    wk_dataset_finish(&dataset);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {{"out", "F.h5|F.csv", "the table to write"},
                                        {.name = NULL}};

const wk_cli_command wk_cmd_features = {
    .name = "features",
    .usage = "CONFIG --out F.h5|F.csv",
    .summary = "computes the feature rows of an experiment",
    .details = "HDF5: X [T, S, F] f32, valid [T, S], time [T] ns, names [F], symbols [S]. CSV: one "
               "line a\n"
               "valid row, empty where a feature is not defined.",
    .example = "wick features configs/demo.json --out features.h5",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_features};
