/* Features of the order book and the trades, streaming: events in, one row a period out. The same
 * engine serves research (tapes from files), replay and live sessions; a period is a bar, or one
 * second.
 *
 * Sources: microprice Stoikov 2018 (first-order form: sizes cross over); order-flow imbalance Cont,
 * Kukanov and Stoikov 2014, over several levels Xu, Gould and Howison 2018; effective and realised
 * spread Huang and Stoll 1996; point of control: the price with the most volume (market profile).
 */
#ifndef WICK_FLOW_H
#define WICK_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/bars.h"
#include "wick/event.h"

enum { WK_FLOW_LEVELS = 10, WK_FLOW_COLUMNS = 26, WK_FLOW_BUCKETS = 64 };

typedef struct {
    double price, qty;
} wk_flow_level;

typedef struct {
    int64_t realised_ns;   /* horizon of the realised spread; 0: 5 s */
    double large_multiple; /* a trade is large from so many times the mean size of the last 1000; 0:
                              5 */
} wk_flow_config;

typedef struct wk_flow wk_flow;

/* The engine lives in `arena`; nothing below allocates. config may be NULL. */
wk_flow *wk_flow_plan(wk_arena *arena, const wk_flow_config *config);
void wk_flow_reset(wk_flow *flow);

/* Column i: its name ("spread_bps"), and what it is in one line. */
const char *wk_flow_name(size_t i);
const char *wk_flow_doc(size_t i);

/* Events come in time order (equal times in the order of arrival; an earlier time counts as now).
 * The book after a message, best level first; more than WK_FLOW_LEVELS are not looked at. An empty
 * side or a crossed book counts as unknown. */
void wk_flow_book(wk_flow *flow, int64_t time_ns, const wk_flow_level *bids, size_t n_bids,
                  const wk_flow_level *asks, size_t n_asks);
void wk_flow_trade(wk_flow *flow, int64_t time_ns, double price, double qty, wk_side taker);
/* Messages were lost: the book is unknown up to the next one. */
void wk_flow_gap(wk_flow *flow, int64_t time_ns);

/* Ends the period at time_ns, which holds the events before time_ns since the last close. row
 * [WK_FLOW_COLUMNS] has NaN where something is unknown. *bar (may be NULL) gets the candle of the
 * period's trades without its time: without a trade it is flat at the last price with volume 0, or
 * NaN before the first. Returns the number of trades. */
size_t wk_flow_close(wk_flow *flow, int64_t time_ns, wk_bar *bar, double *row);

/* The volume at price of the running period, prices rising: its `footprint`. */
typedef struct {
    double price_low, price_high, buy, sell; /* taker volume */
} wk_flow_bucket;
size_t wk_flow_footprint(const wk_flow *flow, wk_flow_bucket out[WK_FLOW_BUCKETS]);

#endif
