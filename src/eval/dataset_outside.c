/* Tapes and outside series of an experiment. */
#include "dataset_outside.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"
#include "wick/log.h"
#include "wick/tape.h"

static wk_status resolve(const char *root, const char *pattern, const char *symbol,
                         char out[PATH_MAX], wk_err *err)
{
    char relative[PATH_MAX];
    if (wk_outside_path(pattern, symbol, relative, sizeof relative) &&
        snprintf(out, PATH_MAX, "%s%s%s", relative[0] == '/' ? "" : root,
                 relative[0] == '/' ? "" : "/", relative) < PATH_MAX)
        return WK_OK;
    return wk_fail(err, WK_E_CONFIG, "the path \"%.200s\" is too long", pattern);
}

/* The flow rows of one market into their cells. */
static void place_flow(wk_panel *panel, size_t s, const wk_tape *tape)
{
    for (size_t i = 0; i < tape->series.n; i++) {
        int64_t since = tape->series.bars[i].time_ns - panel->start_ns;
        size_t t = (size_t)(since / panel->timeframe_ns);
        if (since < 0 || t >= panel->T)
            continue;
        double *cell = panel->outside + (t * panel->S + s) * panel->K;
        memcpy(cell, tape->flow + i * WK_FLOW_COLUMNS, WK_FLOW_COLUMNS * sizeof *cell);
    }
}

static wk_status build_panel(const wk_data_config *data, const wk_tape *tapes, size_t S,
                             wk_panel *out, wk_err *err)
{
    wk_series *series = calloc(S, sizeof *series);
    if (!series)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t s = 0; s < S; s++)
        series[s] = tapes[s].series;
    wk_panel panel = {0};
    wk_status status = wk_panel_build(series, S, NULL, 0, data->from_ns, data->to_ns, &panel, err);
    free(series);
    WK_TRY(status);
    size_t first;
    status = wk_panel_widen(&panel, WK_FLOW_COLUMNS, &first, err);
    if (status != WK_OK) {
        wk_panel_finish(&panel);
        return status;
    }
    for (size_t s = 0; s < S; s++)
        place_flow(&panel, s, &tapes[s]);
    *out = panel;
    return WK_OK;
}

wk_status wk__dataset_load_tapes(const wk_data_config *data, const char *root, wk_panel *out,
                                 wk_err *err)
{
    size_t S = data->symbols.n;
    if (!data->tape.trades[0] || S == 0)
        return wk_fail(err, WK_E_CONFIG,
                       "data.source is \"tape\" and %s; name a file of trades, such as "
                       "binance-spot/{symbol}-trades.csv.gz",
                       S ? "data.tape.trades is empty" : "data.symbols is empty");
    wk_tape *tapes = calloc(S, sizeof *tapes);
    if (!tapes)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    for (size_t s = 0; s < S && status == WK_OK; s++) {
        char trades[PATH_MAX], book[PATH_MAX] = "";
        status = resolve(root, data->tape.trades, data->symbols.v[s], trades, err);
        if (status == WK_OK && data->tape.book[0])
            status = resolve(root, data->tape.book, data->symbols.v[s], book, err);
        if (status == WK_OK)
            status = wk_tape_read(trades, book, data->venue, data->symbols.v[s], data->timeframe_ns,
                                  &tapes[s], err);
        if (status == WK_OK)
            wk_log_write(WK_LOG_INFO, "data.tape", "symbol=%s trades=%zu books=%zu bars=%zu",
                         data->symbols.v[s], tapes[s].n_trades, tapes[s].n_books,
                         tapes[s].series.n);
    }
    if (status == WK_OK)
        status = build_panel(data, tapes, S, out, err);
    for (size_t s = 0; s < S; s++)
        wk_tape_finish(&tapes[s]);
    free(tapes);
    return status;
}

/* One series for every market from the store; some market must have one. */
static wk_status read_stored(const wk_outside_config *config, const wk_data_config *data,
                             const wk_store_reader *store, const wk_panel *panel,
                             wk_outside *series, wk_err *err)
{
    size_t found = 0;
    if (!store)
        return wk_fail(err, WK_E_CONFIG,
                       "data.outside (%s): this program reads no store; name a `file`",
                       config->name);
    for (size_t s = 0; s < panel->S; s++) {
        WK_TRY(store->values(data, config, panel->symbols[s], &series[s], err));
        found += series[s].n > 0;
    }
    if (!found)
        return wk_fail(
            err, WK_E_DATA,
            "data.outside (%s): the store has no such series; see wick store list --values",
            config->name);
    return WK_OK;
}

/* One series for every market; a market without a file has none, but some market must have one. */
static wk_status read_outside(const wk_outside_config *config, const char *root,
                              const wk_panel *panel, wk_outside *series, wk_err *err)
{
    size_t found = 0;
    char path[PATH_MAX] = "";
    for (size_t s = 0; s < panel->S; s++) {
        WK_TRY(resolve(root, config->file, panel->symbols[s], path, err));
        if (!wk_file_exists(path)) {
            wk_log_write(WK_LOG_INFO, "data.outside", "series=%s symbol=%s file=absent",
                         config->name, panel->symbols[s]);
            continue;
        }
        WK_TRY(wk_outside_read(config, path, &series[s], err));
        found++;
    }
    if (!found)
        return wk_fail(err, WK_E_IO,
                       "data.outside (%s): no market has its file, %s for one; correct `file`",
                       config->name, path);
    return WK_OK;
}

wk_status wk__dataset_join_outside(const wk_data_config *data, const char *root,
                                   const wk_store_reader *store, wk_panel *panel, wk_err *err)
{
    size_t K = data->outside.n, S = panel->S;
    const wk_outside_config *configs = data->outside.v;
    if (K == 0)
        return WK_OK;
    wk_outside *series = calloc(K * S, sizeof *series);
    double *stale = calloc(K, sizeof *stale);
    wk_status status = series && stale ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t k = 0; k < K && status == WK_OK; k++) {
        stale[k] = configs[k].stale_s;
        status = configs[k].file[0]
                     ? read_outside(&configs[k], root, panel, series + k * S, err)
                     : read_stored(&configs[k], data, store, panel, series + k * S, err);
    }
    if (status == WK_OK)
        status = wk_panel_join(panel, series, stale, K, err);
    for (size_t i = 0; series && i < K * S; i++)
        wk_outside_finish(&series[i]);
    free(series);
    free(stale);
    return status;
}
