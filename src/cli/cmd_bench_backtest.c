/* `wick bench backtest.bars`: bars through wk_trader_step and the simulated venue, all costs on;
 * one JSON line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/backtest.h"
#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/cpu.h"

#define MINUTE INT64_C(60000000000)
enum { RUNS = 5, DAYS = 1825, BARS_A_DAY = 96, MARKETS = 50 };

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

static wk_status measure(const wk_panel *panel, const wk_forecast *forecasts, const double *sigma,
                         const wk_trade_instrument *instruments, wk_err *err)
{
    const wk_trade_config trade = {
        .policy = WK_POLICY_QUANTILE,
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
        /* Small slots of the initial cash: five years of costs must not end it. */
        .slots = 100000,
        .leverage = 1};
    const wk_sim_config sim = {.fees = WK_FEES_FUTURES,
                               .slippage_bps = 2,
                               .latency_ms = 250,
                               .funding = true,
                               .leverage = 3,
                               .maintenance_margin = 0.005,
                               .initial_cash = 1e9,
                               .cost_multiplier = 1};
    double seconds[RUNS];
    size_t placed = 0, trades = 0;
    for (int i = 0; i < RUNS; i++) {
        wk_backtest result = {0};
        int64_t begin = wk_clock_monotonic_ns();
        WK_TRY(wk_backtest_run(panel, forecasts, sigma, 0, panel->T, &trade, &sim, instruments,
                               &result, err));
        double took = (double)(wk_clock_monotonic_ns() - begin) * 1e-9;
        placed = result.orders_placed;
        trades = result.n_trades;
        wk_backtest_finish(&result);
        int k = i;
        for (; k > 0 && seconds[k - 1] > took; k--)
            seconds[k] = seconds[k - 1];
        seconds[k] = took;
    }
    printf("{\"name\":\"backtest.bars\",\"value\":%.4f,\"unit\":\"s\",\"p50\":%.4f,\"p99\":%.4f,"
           "\"bars\":%zu,\"orders\":%zu,\"trades\":%zu,\"threads\":1,\"cpu\":\"%s\"}\n",
           seconds[RUNS / 2], seconds[RUNS / 2], seconds[RUNS - 1], panel->T * panel->S, placed,
           trades, wk_cpu_name());
    return WK_OK;
}

static int cmd_bench_backtest(const wk_cli *cli, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, "days");
    char *end = NULL;
    unsigned long days = text ? strtoul(text, &end, 10) : DAYS;
    if (text && (*end || days < 1 || days > 20000))
        return wk_fail(err, WK_E_ARG, "--days %s: give a number from 1 to 20000", text);
    size_t T = days * BARS_A_DAY, S = MARKETS;
    wk_panel panel = {
        .T = T, .S = S, .timeframe_ns = 15 * MINUTE, .start_ns = 18000 * 1440 * MINUTE};
    wk_forecast *forecasts = malloc(T * S * sizeof *forecasts);
    double *sigma = malloc(T * S * sizeof *sigma);
    wk_trade_instrument instruments[MARKETS] = {0};
    for (size_t s = 0; s < S; s++)
        instruments[s] = (wk_trade_instrument){.tick = 0.01, .lot = 1e-4, .min_lots = 1};
    wk_status status;
    if (forecasts == NULL || sigma == NULL || make(&panel, forecasts, sigma) != 0)
        status = wk_fail(err, WK_E_NOMEM,
                         "bench backtest.bars: no memory for %zu bars; lower --days", T * S);
    else
        status = measure(&panel, forecasts, sigma, instruments, err);
    wk_panel_finish(&panel);
    free(forecasts);
    free(sigma);
    return status;
}

static const wk_cli_option options[] = {
    {"days", "N", "days of 15-minute bars of 50 markets (default 1825, 1 GB of memory)"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_backtest_bars;
const wk_cli_command wk_cmd_bench_backtest_bars = {
    .name = "bench backtest.bars",
    .usage = "[--days N]",
    .summary = "times the backtest: bars and orders through the trader and the simulated venue",
    .details =
        "Prints one JSON line: backtest.bars, the median seconds of five runs over 50 markets of\n"
        "15-minute bars with fees, slippage, funding, stops and liquidation.",
    .example = "wick bench backtest.bars --days 100",
    .options = options,
    .run = cmd_bench_backtest,
};
