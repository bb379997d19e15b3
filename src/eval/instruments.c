#include "wick/run.h"

#include "wick/log.h"

static wk_status check_count(const char *key, const wk_reals *values, size_t S, wk_err *err)
{
    if (values->n == 0 || values->n == S)
        return WK_OK;
    return wk_fail(err, WK_E_CONFIG,
                   "data.%s has %zu values for %zu markets; give one each or none", key, values->n,
                   S);
}

wk_status wk_dataset_instruments(const wk_run_config *config, wk_dataset *dataset, wk_err *err)
{
    const wk_data_config *data = &config->data;
    size_t S = dataset->panel.S;
    WK_TRY(check_count("ticks", &data->ticks, S, err));
    WK_TRY(check_count("lots", &data->lots, S, err));
    wk_trade_instrument *instruments = wk_arena_array(&dataset->arena, wk_trade_instrument, S);
    WK_TRY(wk_instruments_infer(&dataset->panel, instruments, err));
    for (size_t s = 0; s < S; s++) {
        if (data->ticks.n)
            instruments[s].tick = data->ticks.v[s];
        if (data->lots.n)
            instruments[s].lot = data->lots.v[s];
        wk_log_write(WK_LOG_INFO, "data.instrument", "symbol=%s tick=%.10g lot=%.10g from=%s",
                     instruments[s].symbol, instruments[s].tick, instruments[s].lot,
                     data->ticks.n && data->lots.n ? "config" : "decimals");
    }
    dataset->instruments = instruments;
    return WK_OK;
}
