/* The simulated venue: orders against bars, with fees, slippage, funding, brackets and liquidation.
 *
 * One rule for what a bar cannot tell: the worse outcome. Per bar and market, in this order:
 *   funding and rollovers on the position held across the open; market orders at the open; limit
 * orders; then the stop before the take-profit. A limit fills only when the bar trades through it
 * by a tick. The mark of liquidation is the traded bar itself: its low for a long, its high for a
 * short. */
#ifndef WICK_SIM_H
#define WICK_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/bars.h"
#include "wick/config.h"
#include "wick/money.h"
#include "wick/trade.h"

typedef enum {
    WK_FEES_CUSTOM = 0,  /* maker_fee_bps, taker_fee_bps */
    WK_FEES_FUTURES,     /* Kraken Futures and Delta, entry tier: 0.02 % / 0.05 % */
    WK_FEES_LEGACY_016,  /* Kraken spot's old entry tier: 0.16 % / 0.26 % */
    WK_FEES_KRAKEN_SPOT, /* Kraken spot's entry tier, 2026-05: 0.25 % / 0.40 % */
    WK_FEES_DELTA_INDIA  /* Delta India: 0.02 % / 0.05 % plus 18 % GST */
} wk_fee_scenario;

/* Fees and slippage in basis points of the notional (1 bp = 0.01 %). */
typedef struct {
    int fees; /* wk_fee_scenario; custom uses the two keys below */
    double maker_fee_bps, taker_fee_bps;
    double slippage_bps;   /* per side, market and stop fills */
    double slippage_sigma; /* + this share of the bar's sigma per side */
    double latency_ms;     /* bar close -> order at the venue; below one bar: the next bar's open */
    int64_t delay_bars;    /* extra whole bars between signal and order */
    bool funding;          /* charge panel->funding */
    double
        leverage; /* isolated margin where the order brings none; 1: never liquidated on a long */
    double maintenance_margin;  /* 0.005 */
    double liquidation_penalty; /* of notional */
    double initial_cash;
    double cost_multiplier; /* fees and slippage times this (stress), 1 */
    /* Borrowed money, as Kraken's spot margin takes it: this share of a position's cost when it is
     * opened, and again margin_rollover_h after its opening, and so on; 0: nothing is borrowed. A
     * long borrows quote, a short the coin. Rollovers come as funding. */
    double margin_long_bps, margin_short_bps, margin_rollover_h;
} wk_sim_config;
extern const wk_cfg_table wk_sim_config_table;

/* Maker and taker fee in basis points of the scenario, without the multiplier. */
void wk_sim_fees(const wk_sim_config *config, double *maker_bps, double *taker_bps);

/* Liquidation prices of an isolated position without added margin; `side` +1 long, -1 short, L the
 * leverage, m the maintenance rate (add the closing fee to reserve for it); m = 0 is bankruptcy.
 * Source: reference/trading.md 3.5. */
double wk_liquidation_mark_based(int side, double entry, double leverage, double m);
double wk_liquidation_entry_based(int side, double entry, double leverage, double m);
/* Inverse contracts of 1 quote unit, margin in coin; long. */
double wk_liquidation_inverse_long(double entry, double contracts, double margin_coin, double m);

typedef struct {
    size_t n, capacity;
    wk_trader_event *v; /* caller's storage */
} wk_events;

typedef struct wk_sim_venue wk_sim_venue;

WK_MUST_CHECK wk_status wk_sim_venue_plan(wk_arena *arena, const wk_sim_config *config,
                                          const wk_trade_instrument *instruments, size_t S,
                                          int64_t timeframe_ns, wk_sim_venue **out, wk_err *err);

/* At most so many events come from one bar of all markets, or from wk_sim_flatten. */
size_t wk_sim_events_max(const wk_sim_venue *venue);

/* Orders and cancels sent at the close of `step`; they reach the book in the first bar after the
 * delay. WK_E_STATE when a market holds too many orders. */
WK_MUST_CHECK wk_status wk_sim_place(wk_sim_venue *venue, const wk_order *order, int64_t step,
                                     wk_err *err);
void wk_sim_cancel(wk_sim_venue *venue, uint32_t symbol, uint64_t id, int64_t step);

/* Plays bar `step` of every market: bars, provenance [S]; funding [S] or NULL: due at the open;
 * sigma [S]: volatility known before the bar, for slippage. Appends fills, cancels and funding. */
WK_MUST_CHECK wk_status wk_sim_bar(wk_sim_venue *venue, int64_t step, int64_t close_ns,
                                   const wk_bar *bars, const uint8_t *provenance,
                                   const double *funding, const double *sigma, wk_events *events,
                                   wk_err *err);

/* Cancels every order and closes every position at its mark, with costs; reason END. */
WK_MUST_CHECK wk_status wk_sim_flatten(wk_sim_venue *venue, int64_t close_ns, const double *sigma,
                                       wk_events *events, wk_err *err);

/* Recovery: what a journal says is held, told to a fresh venue before its first bar. The position
 * is taken as opened by one fill at entry_ticks; funding received (positive) or paid since has
 * moved its margin. WK_E_STATE when the market holds something already. */
typedef struct {
    uint32_t symbol;
    int64_t lots; /* signed; 0: nothing to do */
    int64_t entry_ticks, mark_ticks;
    int64_t stop_ticks, profit_ticks; /* 0: none */
    int64_t funding_e8;
    double leverage;   /* of the entry order; 0: the configuration's */
    int64_t opened_ns; /* the rollovers count from there; 0: from the first bar */
    uint64_t parent;   /* id of the entry order */
} wk_sim_position;
WK_MUST_CHECK wk_status wk_sim_restore(wk_sim_venue *venue, const wk_sim_position *position,
                                       wk_err *err);
void wk_sim_restore_cash(wk_sim_venue *venue, int64_t cash_e8);

/* Positions in lots [S], marks in ticks [S] (last price of each position's market), cash. */
const int64_t *wk_sim_positions(const wk_sim_venue *venue);
const int64_t *wk_sim_marks(const wk_sim_venue *venue);
int64_t wk_sim_cash_e8(const wk_sim_venue *venue);
const wk_unit *wk_sim_units(const wk_sim_venue *venue);
/* Ticks at which the position of market s is liquidated; 0: never. */
int64_t wk_sim_liquidation_ticks(const wk_sim_venue *venue, size_t s);

#endif
