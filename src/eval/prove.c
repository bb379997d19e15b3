#include "wick/prove.h"

#include <math.h>
#include <stdlib.h>

#include "judge.h"
#include "walk_forward.h"
#include "wick/clock.h"
#include "wick/synthetic.h"

/* mean[t] is the conditional mean of the log return of bar t+1, and each bar opens where the last
 * one closed: a trade from the open of step a to the open of step b earns mean[a - 1] + ... +
 * mean[b - 2]. */
static double true_expectancy(const wk_backtest *bt, const double *mean, size_t S)
{
    double sum = 0;
    for (size_t i = 0; i < bt->n_trades; i++) {
        const wk_trade *t = &bt->trades[i];
        double drift = 0;
        for (size_t u = t->entry_step; u < t->exit_step; u++)
            drift += u > 0 ? mean[(u - 1) * S + t->symbol] : 0;
        sum += (double)t->side * drift - (t->fees + t->slippage - t->funding) / t->notional;
    }
    return bt->n_trades ? sum / (double)bt->n_trades : NAN;
}

wk_status wk_prove_seed(const wk_run_config *config, uint64_t seed, double edge, int threads,
                        wk_proof *out, wk_err *err)
{
    wk_run_config c = *config;
    c.data.source = WK_SOURCE_SYNTHETIC;
    c.data.synthetic.seed = (int64_t)seed;
    c.data.synthetic.edge = edge;
    c.seed = (int64_t)seed;
    wk_dataset dataset = {0};
    wk_targets targets;
    wk_walk_forward walk = {0};
    wk_judgement judged = {0};
    WK_TRY(wk_dataset_load(&c, &wk_dataset_store, &dataset, err));
    size_t S = dataset.panel.S;
    double *mean = calloc(dataset.panel.T * S, sizeof *mean);
    wk_status status = mean ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK) {
        wk_synthetic_params params = {.seed = seed,
                                      .S = S,
                                      .T = dataset.panel.T,
                                      .start_ns = dataset.panel.start_ns,
                                      .timeframe_ns = dataset.panel.timeframe_ns,
                                      .edge = edge,
                                      .sigma_bar = c.data.synthetic.sigma};
        wk_panel again = {0};
        status = wk_synthetic_panel(&params, &again, mean, err);
        wk_panel_finish(&again);
    }
    if (status == WK_OK)
        status = wk_dataset_instruments(&c, &dataset, err);
    if (status == WK_OK)
        status =
            wk_targets_make(&c, &dataset.panel, dataset.table.sigma, &dataset.arena, &targets, err);
    if (status == WK_OK)
        status = wk_walk_forward_run(&c, &dataset, &targets, threads, &walk, err);
    if (status == WK_OK)
        status = wk_judge(&c, &dataset, &targets, &walk, &judged, err);
    if (status == WK_OK) {
        *out = (wk_proof){.seed = seed,
                          .useful = judged.useful,
                          .n_trades = judged.backtest.n_trades,
                          .expectancy = judged.expectancy,
                          .lo = judged.expectancy_ci.lo,
                          .hi = judged.expectancy_ci.hi,
                          .truth = true_expectancy(&judged.backtest, mean, S)};
        out->covered = out->truth >= out->lo && out->truth <= out->hi;
    }
    free(mean);
    wk_judgement_finish(&judged);
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&dataset);
    return status;
}
