/* The backtest: bars and forecasts through wk_trader_step and a simulated venue. All costs on. */
#ifndef WICK_BACKTEST_H
#define WICK_BACKTEST_H

#include "wick/bars.h"
#include "wick/config.h"
#include "wick/ledger.h"
#include "wick/sim.h"
#include "wick/trade.h"

typedef struct {
    size_t T; /* steps from..to of the run */
    size_t first_step;
    int64_t *time_ns;   /* [T] close time of each step */
    double *equity;     /* [T] mark-to-market at each close */
    double *equity_low; /* [T] with open positions at the worst price of the bar */
    double *exposure;   /* [T] gross notional / equity */
    double *symbol_pnl; /* [T * S] net profit per step and symbol, quote */
    size_t n_trades;
    wk_trade *trades;
    size_t orders_placed, orders_filled, orders_expired, orders_cancelled, liquidations;
    /* What unfilled limit entries would have earned, quote (positive: lost): the move from the
     * limit price to the close at which the signal ended or was acted on again, before costs. */
    double missed_cost;
    double fees, slippage, funding, turnover; /* totals, quote */
    double initial_cash;
    uint64_t intents_digest; /* of all orders and cancels, see wk_trader_intents_digest */
} wk_backtest;

/* forecasts [panel->T * S] and sigma [panel->T * S] are read for steps [from, to) as each closes.
 * instruments NULL: tick and lot inferred from the decimals of the prices. */
WK_MUST_CHECK wk_status wk_backtest_run(const wk_panel *panel, const wk_forecast *forecasts,
                                        const double *sigma, size_t from, size_t to,
                                        const wk_trade_config *trade, const wk_sim_config *sim,
                                        const wk_trade_instrument *instruments, wk_backtest *out,
                                        wk_err *err);
/* Frees what the result owns. Accepts NULL and a zeroed struct. */
void wk_backtest_finish(wk_backtest *backtest);

/* Fills instruments [S] from the panel: the tick from the decimals of the prices, the lot from
 * those of the volumes, but never a lot worth more than a tenth of the quote unit at the first
 * price. Reads at most 20,000 bars a market. WK_E_DATA when a market has no bar. */
WK_MUST_CHECK wk_status wk_instruments_infer(const wk_panel *panel,
                                             wk_trade_instrument *instruments, wk_err *err);

#endif
