/* A backtest of one finished model. */
#include "wick/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "wick/backtest.h"
#include "wick/file.h"
#include "wick/forecaster.h"

static wk_status write_trades(const char *path, const wk_panel *panel, const wk_backtest *bt,
                              wk_err *err)
{
    wk_draft draft;
    WK_TRY(wk_draft_open(path, &draft, err));
    fputs(wk_trades_csv_header(), draft.stream);
    for (size_t i = 0; i < bt->n_trades; i++) {
        char line[512];
        wk_trades_csv_line(&bt->trades[i], panel->symbols[bt->trades[i].symbol], line);
        fputs(line, draft.stream);
    }
    return wk_draft_publish(&draft, err);
}

static uint64_t digest(const wk_dataset *d, const wk_forecast *forecasts)
{
    size_t S = d->panel.S, F = d->table.F;
    uint64_t all = WK_DIGEST_START;
    for (size_t t = 0; t < d->panel.T; t++) {
        uint64_t step = wk_digest_step(WK_DIGEST_START, d->table.X + t * S * F,
                                       d->table.valid + t * S, S, F, forecasts + t * S);
        all = wk_digest_bytes(all, &step, sizeof step);
    }
    return all;
}

static wk_status run(const wk_run_config *config, const wk_model *model, const wk_dataset *d,
                     const wk_loop *loop, const char *trades_path, wk_forecast *forecasts,
                     wk_model_backtest *out, wk_err *err)
{
    size_t T = d->panel.T;
    wk_backtest bt;
    WK_TRY(wk_model_forecast(model, config, d, 0, T, loop, forecasts, err));
    WK_TRY(wk_backtest_run(&d->panel, forecasts, d->table.sigma, 0, T, &config->trade, &config->sim,
                           d->instruments, &bt, err));
    *out = (wk_model_backtest){.inputs_digest = digest(d, forecasts),
                               .intents_digest = bt.intents_digest,
                               .steps = T,
                               .trades = bt.n_trades,
                               .equity = bt.equity[T - 1]};
    for (size_t i = 0; i < bt.n_trades; i++)
        out->net += bt.trades[i].net;
    wk_status status = trades_path ? write_trades(trades_path, &d->panel, &bt, err) : WK_OK;
    wk_backtest_finish(&bt);
    return status;
}

wk_status wk_model_backtest_run(const wk_run_config *config, const char *model_dir,
                                const wk_loop *loop, const char *trades_path,
                                wk_model_backtest *out, wk_err *err)
{
    wk_model model = {0};
    wk_dataset dataset = {0};
    wk_forecast *forecasts = NULL;
    wk_status status = wk_model_load(model_dir, &model, err);
    if (status == WK_OK)
        status = wk_dataset_load(config, &wk_dataset_store, &dataset, err);
    if (status == WK_OK)
        status = wk_dataset_instruments(config, &dataset, err);
    if (status == WK_OK) {
        forecasts = calloc(dataset.panel.T * dataset.panel.S, sizeof *forecasts);
        status = forecasts ? run(config, &model, &dataset, loop, trades_path, forecasts, out, err)
                           : wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    free(forecasts);
    wk_dataset_finish(&dataset);
    wk_model_finish(&model);
    return status;
}
