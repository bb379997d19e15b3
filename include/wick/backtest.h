/* The backtest: bars and forecasts through wk_trader_step and a simulated venue. All costs on. */
#ifndef WICK_BACKTEST_H
#define WICK_BACKTEST_H

#include "wick/bars.h"
#include "wick/config.h"
#include "wick/trade.h"

/* The simulated venue. Fees and slippage in basis points of the notional (1 bp = 0.01 %). */
typedef struct {
    int fees;                    /* named scenario: custom|futures|legacy_0.16|kraken_spot|delta_india; custom uses the two keys below */
    double maker_fee_bps, taker_fee_bps;
    double slippage_bps;         /* per side, market and stop fills */
    double slippage_sigma;       /* + this share of the bar's sigma per side */
    double latency_ms;           /* bar close -> order at the venue; below one bar: the next bar's open */
    int64_t delay_bars;          /* extra whole bars between signal and order */
    bool funding;                /* charge panel->funding */
    double leverage;             /* isolated margin; 1: never liquidated on a long */
    double maintenance_margin;   /* 0.005 */
    double liquidation_penalty;  /* of notional */
    double initial_cash;
    double cost_multiplier;      /* fees and slippage times this (stress), 1 */
} wk_sim_config;
extern const wk_cfg_table wk_sim_config_table;

typedef struct {
    uint32_t symbol;
    int8_t side;
    uint8_t exit_reason; /* wk_reason */
    size_t entry_step, exit_step;
    int64_t entry_ns, exit_ns;
    double entry_price, exit_price; /* averages, slippage included */
    double qty, notional;           /* base; quote at entry */
    double gross, fees, slippage, funding, net; /* quote; net = gross - fees - slippage + funding, gross at unslipped prices */
    double score;                   /* of the signal */
} wk_trade;

typedef struct {
    size_t T;          /* steps from..to of the run */
    size_t first_step;
    int64_t *time_ns;  /* [T] close time of each step */
    double *equity;    /* [T] mark-to-market at each close */
    double *equity_low; /* [T] with open positions at the worst price of the bar */
    double *exposure;  /* [T] gross notional / equity */
    double *symbol_pnl; /* [T * S] net profit per step and symbol, quote */
    size_t n_trades;
    wk_trade *trades;
    size_t orders_placed, orders_filled, orders_expired, orders_cancelled, liquidations;
    double missed_cost; /* what unfilled limit entries would have earned, quote (positive: lost) */
    double fees, slippage, funding, turnover; /* totals, quote */
    double initial_cash;
} wk_backtest;

/* forecasts [panel->T * S] and sigma [panel->T * S] are read for steps [from, to) as each closes.
 * instruments NULL: tick and lot inferred from the decimals of the prices. */
WK_MUST_CHECK wk_status wk_backtest_run(const wk_panel *panel, const wk_forecast *forecasts,
                                        const double *sigma, size_t from, size_t to,
                                        const wk_trade_config *trade, const wk_sim_config *sim,
                                        const wk_instrument *instruments, wk_backtest *out, wk_err *err);
void wk_backtest_finish(wk_backtest *backtest);

#endif
