/* Loads an experiment's candles and computes its features. */
#include "wick/run.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/hash.h"
#include "wick/import.h"
#include "wick/log.h"
#include "wick/synthetic.h"
#include "dataset_outside.h"

/* The directory that the data section means: its root, or what the environment says. */
static const char *data_root(const wk_data_config *data)
{
    if (data->root[0])
        return data->root;
    const char *from_env = getenv("WICK_DATA");
    return from_env ? from_env : "";
}

static void candle_path(const wk_data_config *data, size_t s, char out[PATH_MAX])
{
    char timeframe[16];
    wk_timeframe_format(data->timeframe_ns, timeframe);
    snprintf(out, PATH_MAX, "%s/%s/%s-%s.csv.gz", data_root(data), data->venue, data->symbols.v[s],
             data->resample_from[0] ? data->resample_from : timeframe);
}

/* Reads market s at the experiment's timeframe. */
static wk_status read_series(const wk_data_config *data, const wk_store_reader *store, size_t s,
                             wk_series *out, wk_err *err)
{
    int64_t file_timeframe = data->timeframe_ns;
    if (data->resample_from[0])
        WK_TRY(wk_timeframe_parse(data->resample_from, &file_timeframe, err));
    wk_series series = {0};
    if (store) {
        WK_TRY(store->candles(data, data->symbols.v[s], file_timeframe, &series, err));
    } else {
        char path[PATH_MAX];
        wk_import_report report;
        candle_path(data, s, path);
        WK_TRY(wk_import_candles(path, data->venue, data->symbols.v[s], file_timeframe, 0, &series,
                                 &report, err));
    }
    if (file_timeframe == data->timeframe_ns) {
        *out = series;
        return WK_OK;
    }
    wk_status status = wk_series_resample(&series, data->timeframe_ns, out, err);
    wk_series_finish(&series);
    return status;
}

/* From the store, or from files when it is NULL. */
static wk_status load_candles(const wk_data_config *data, const wk_store_reader *store,
                              wk_panel *out, wk_err *err)
{
    size_t S = data->symbols.n;
    wk_status status = WK_OK;
    wk_series *series = calloc(S, sizeof *series);
    wk_rates *funding = calloc(S, sizeof *funding);
    bool any_funding = data->funding[0] != 0;
    if (!series || !funding)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t s = 0; status == WK_OK && s < S; s++) {
        status = read_series(data, store, s, &series[s], err);
        char path[PATH_MAX];
        if (status != WK_OK || !any_funding)
            continue;
        snprintf(path, sizeof path, "%s/%s/%s-funding.csv.gz", data_root(data), data->funding,
                 data->symbols.v[s]);
        if (wk_file_exists(path))
            status = wk_import_rates(path, &funding[s], err);
        else
            wk_log_write(WK_LOG_INFO, "data.funding", "symbol=%s file=absent charged=%s",
                         data->symbols.v[s], data->funding_mean ? "mean_of_others" : "none");
    }
    if (status == WK_OK)
        status = wk_panel_build(series, S, any_funding ? funding : NULL, data->funding_mean,
                                data->from_ns, data->to_ns, out, err);
    for (size_t s = 0; s < S; s++) {
        if (series)
            wk_series_finish(&series[s]);
        if (funding)
            wk_rates_finish(&funding[s]);
    }
    free(series);
    free(funding);
    return status;
}

static wk_status load_panel(const wk_run_config *config, const wk_store_reader *store,
                            wk_dataset *out, wk_err *err)
{
    const wk_data_config *data = &config->data;
    int source = data->source;
    /* A root that was given is meant: a file missing there is an error, not a reason to simulate.
     */
    if (source == WK_SOURCE_AUTO)
        source = *data_root(data) ? WK_SOURCE_FILES : WK_SOURCE_SYNTHETIC;
    if ((source == WK_SOURCE_FILES || source == WK_SOURCE_TAPE) && !*data_root(data))
        return wk_fail(err, WK_E_CONFIG,
                       "data.root is empty and WICK_DATA is not set; set one of them to the "
                       "directory that the files of venue %s lie in",
                       data->venue);
    if (source == WK_SOURCE_STORE && !store)
        return wk_fail(err, WK_E_CONFIG,
                       "data.source is \"store\", and this program reads no store; write its "
                       "candles as files with wick store export and set data.source=files");
    if (source == WK_SOURCE_TAPE)
        return wk__dataset_load_tapes(data, data_root(data), &out->panel, err);
    if (source != WK_SOURCE_SYNTHETIC)
        return load_candles(data, source == WK_SOURCE_STORE ? store : NULL, &out->panel, err);
    out->synthetic = true;
    wk_synthetic_params params = {.seed = (uint64_t)data->synthetic.seed,
                                  .S = (size_t)data->synthetic.symbols,
                                  .T = (size_t)data->synthetic.bars,
                                  .start_ns = wk_civil_to_ns(2021, 1, 1),
                                  .timeframe_ns = data->timeframe_ns,
                                  .edge = data->synthetic.edge,
                                  .sigma_bar = data->synthetic.sigma};
    return wk_synthetic_panel(&params, &out->panel, NULL, err);
}

static void hash_panel(const wk_panel *panel, char out[65])
{
    wk_hash *hash = wk_hash_create();
    size_t n = panel->T * panel->S;
    wk_hash_feed(hash, panel->symbols, panel->S * sizeof *panel->symbols);
    wk_hash_feed(hash, &panel->timeframe_ns, sizeof panel->timeframe_ns);
    wk_hash_feed(hash, panel->provenance, n);
    for (size_t i = 0; i < n; i++)
        if (panel->provenance[i] != WK_PROV_UNKNOWN)
            wk_hash_feed(hash, &panel->bars[i], sizeof panel->bars[i]);
    if (panel->funding)
        wk_hash_feed(hash, panel->funding, n * sizeof *panel->funding);
    for (size_t i = 0; i < n * panel->K; i++) { /* one NaN stands for all */
        double value = panel->outside[i] == panel->outside[i] ? panel->outside[i] : NAN;
        wk_hash_feed(hash, &value, sizeof value);
    }
    wk_hash_finish(hash, out);
}

wk_status wk_dataset_load_panel(const wk_run_config *config, const wk_store_reader *store,
                                wk_dataset *out, wk_err *err)
{
    wk_dataset d = {0};
    wk_arena_init(&d.arena);
    wk_status status = wk_outside_check(config->data.outside.v, config->data.outside.n, err);
    if (status == WK_OK)
        status = load_panel(config, store, &d, err);
    if (status == WK_OK)
        status =
            wk__dataset_join_outside(&config->data, data_root(&config->data), store, &d.panel, err);
    if (status != WK_OK) {
        wk_dataset_finish(&d);
        return status;
    }
    hash_panel(&d.panel, d.data_hash);
    *out = d;
    return WK_OK;
}

wk_status wk_dataset_compute(const wk_run_config *config, wk_dataset *d, wk_err *err)
{
    wk_features *features;
    wk_features_config wanted = config->features;
    wanted.outside = wk_data_outside_names(&config->data, &d->arena);
    WK_TRY(wk_features_plan(&d->arena, &wanted, (const char(*)[32])d->panel.symbols, d->panel.S,
                            d->panel.timeframe_ns, &features, err));
    WK_TRY(wk_features_batch(features, &d->panel, &d->arena, &d->table, err));
    d->feature_names = wk_arena_array(&d->arena, const char *, d->table.F);
    d->feature_families = wk_arena_array(&d->arena, const char *, d->table.F);
    for (size_t i = 0; i < d->table.F; i++) {
        d->feature_names[i] = wk_features_name(features, i);
        d->feature_families[i] = wk_features_family(features, i);
    }
    snprintf(d->feature_hash, sizeof d->feature_hash, "%s", wk_features_hash(features));
    return WK_OK;
}

wk_status wk_dataset_load(const wk_run_config *config, const wk_store_reader *store,
                          wk_dataset *out, wk_err *err)
{
    wk_dataset d;
    WK_TRY(wk_dataset_load_panel(config, store, &d, err));
    wk_status status = wk_dataset_compute(config, &d, err);
    if (status != WK_OK) {
        wk_dataset_finish(&d);
        return status;
    }
    *out = d;
    return WK_OK;
}

void wk_dataset_finish(wk_dataset *dataset)
{
    if (!dataset)
        return;
    wk_panel_finish(&dataset->panel);
    wk_arena_finish(&dataset->arena);
    *dataset = (wk_dataset){0};
}
