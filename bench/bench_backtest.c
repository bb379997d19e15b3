/* backtest.bars: bars through wk_trader_step and the simulated venue, all costs on.
 * Usage: bench_backtest [steps] [markets]; prints one JSON line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/backtest.h"
#include "wick/clock.h"

#define MINUTE INT64_C(60000000000)

static uint64_t state = 88172645463325252u;

static uint32_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* A market whose score forgets half of itself each bar, so that positions turn over quickly. */
static int make(wk_panel *p, wk_forecast *forecasts, double *sigma)
{
    p->symbols = calloc(p->S, sizeof *p->symbols);
    p->bars = malloc(p->T * p->S * sizeof *p->bars);
    p->provenance = calloc(p->T * p->S, 1);
    p->funding = calloc(p->T * p->S, sizeof *p->funding);
    int64_t *last = calloc(p->S, sizeof *last);
    float *score = calloc(p->S, sizeof *score);
    if (!p->symbols || !p->bars || !p->provenance || !p->funding || !last || !score)
        return 1;
    for (size_t s = 0; s < p->S; s++)
        last[s] = 100000;
    for (size_t t = 0; t < p->T; t++) {
        for (size_t s = 0; s < p->S; s++) {
            size_t i = t * p->S + s;
            int64_t o = last[s] + draw() % 21 - 10, c = o + draw() % 401 - 200;
            c = c < 50000 ? 50000 : c;
            o = o < 50000 ? 50000 : o;
            int64_t h = (o > c ? o : c) + draw() % 100, l = (o < c ? o : c) - draw() % 100;
            last[s] = c;
            score[s] = score[s] * 0.5f + (float)(int32_t)draw() / 4294967296.0f;
            p->bars[i] = (wk_bar){p->start_ns + (int64_t)t * p->timeframe_ns,
                                  (double)o / 100,
                                  (double)h / 100,
                                  (double)l / 100,
                                  (double)c / 100,
                                  1000.0};
            p->funding[i] = t % 32 == 0 ? 1e-4 : 0.0;
            forecasts[i] = (wk_forecast){
                .p = {0.3f, 0.4f, 0.3f}, .score = score[s], .volatility = 0.003f, .valid = 1};
            sigma[i] = 0.002 + (double)(draw() % 1000) * 2e-6;
        }
    }
    free(last);
    free(score);
    return 0;
}

int main(int argc, char **argv)
{
    size_t T = argc > 1 ? strtoul(argv[1], NULL, 10) : 175200,
           S = argc > 2 ? strtoul(argv[2], NULL, 10) : 50;
    wk_panel panel = {
        .T = T, .S = S, .timeframe_ns = 15 * MINUTE, .start_ns = 18000 * 1440 * MINUTE};
    wk_forecast *forecasts = malloc(T * S * sizeof *forecasts);
    double *sigma = malloc(T * S * sizeof *sigma);
    wk_instrument *in = calloc(S, sizeof *in);
    if (T == 0 || S == 0 || !forecasts || !sigma || !in || make(&panel, forecasts, sigma)) {
        fprintf(stderr, "bench_backtest: no memory for %zu steps of %zu markets\n", T, S);
        return 1;
    }
    for (size_t s = 0; s < S; s++)
        in[s] = (wk_instrument){.tick = 0.01, .lot = 1e-4, .min_lots = 1};
    wk_trade_config trade = {.policy = WK_POLICY_QUANTILE,
                             .coverage = 0.15,
                             .quantile_window_days = 180,
                             .quantile_min_days = 60,
                             .exit_at_zero = true,
                             .allow_long = true,
                             .allow_short = true,
                             .confirm_bars = 1,
                             .stop_kind = 2,
                             .stop_loss = 5,
                             .take_profit = 1,
                             .slots = 100000,
                             .leverage = 1};
    wk_sim_config sim = {.fees = WK_FEES_FUTURES,
                         .slippage_bps = 2,
                         .latency_ms = 250,
                         .funding = true,
                         .leverage = 3,
                         .maintenance_margin = 0.005,
                         .initial_cash = 1e9,
                         .cost_multiplier = 1};
    double best = INFINITY;
    wk_backtest result = {0};
    wk_err err = {0};
    for (int i = 0; i < 3; i++) {
        wk_backtest_finish(&result);
        int64_t begin = wk_clock_monotonic_ns();
        if (wk_backtest_run(&panel, forecasts, sigma, 0, T, &trade, &sim, in, &result, &err) !=
            WK_OK) {
            fprintf(stderr, "bench_backtest: %s\n", err.msg);
            return 1;
        }
        double seconds = (double)(wk_clock_monotonic_ns() - begin) * 1e-9;
        best = seconds < best ? seconds : best;
    }
    printf("{\"name\":\"backtest.bars\",\"value\":%.4f,\"unit\":\"s\",\"bars\":%zu,\"orders\":%zu,"
           "\"fills\":%zu,"
           "\"trades\":%zu,\"bars_per_s\":%.0f}\n",
           best, T * S, result.orders_placed, result.orders_filled, result.n_trades,
           (double)(T * S) / best);
    wk_backtest_finish(&result);
    free(panel.symbols);
    free(panel.bars);
    free(panel.provenance);
    free(panel.funding);
    free(forecasts);
    free(sigma);
    free(in);
    return 0;
}
