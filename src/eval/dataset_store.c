/* The candle store as a source of experiments. */
#include <limits.h>
#include <stdlib.h>

#include "wick/run.h"
#include "wick/store.h"

static wk_status read_candles(const wk_data_config *data, const char *symbol, int64_t timeframe_ns,
                              wk_series *out, wk_err *err)
{
    char root[PATH_MAX];
    WK_TRY(wk_store_root(data->root[0] ? data->root : NULL, root, sizeof root, err));
    return wk_store_read(root, data->venue, symbol, timeframe_ns, data->from_ns, data->to_ns, out,
                         err);
}

/* What the configuration leaves empty is the market's own. Candles from files have their root
 * elsewhere, so values then come from the default store. */
static wk_status read_values(const wk_data_config *data, const wk_outside_config *series,
                             const char *symbol, wk_outside *out, wk_err *err)
{
    char root[PATH_MAX];
    wk_fresh_value *values = NULL;
    size_t n = 0;
    bool same_root = data->source == WK_SOURCE_STORE && data->root[0];
    WK_TRY(wk_store_root(same_root ? data->root : NULL, root, sizeof root, err));
    WK_TRY(wk_store_values(root, series->venue[0] ? series->venue : data->venue,
                           series->symbol[0] ? series->symbol : symbol,
                           series->series[0] ? series->series : series->name, 0, data->to_ns,
                           &values, &n, err));
    out->n = n;
    out->rows = n ? calloc(n, sizeof *out->rows) : NULL;
    if (n && !out->rows) {
        free(values);
        *out = (wk_outside){0};
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu values", n);
    }
    for (size_t i = 0; i < n; i++)
        out->rows[i] = (wk_outside_row){values[i].time_ns, values[i].known_ns, values[i].value};
    free(values);
    wk_outside_sort(out);
    return WK_OK;
}

const wk_store_reader wk_dataset_store = {read_candles, read_values};
