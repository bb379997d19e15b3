/* What the flow engine keeps; flow.c feeds it, flow_row.c writes rows from it. */
#ifndef WICK_DATA_FLOW_INTERNAL_H
#define WICK_DATA_FLOW_INTERNAL_H

#include <stdbool.h>

#include "wick/flow.h"

enum { WK__PENDING = 4096, WK__SIZE_TRADES_MIN = 50 };

typedef struct {
    bool known;
    size_t n_bids, n_asks;
    wk_flow_level bid[WK_FLOW_LEVELS], ask[WK_FLOW_LEVELS];
    double mid, spread_bps, micro_bps, imbalance5;
} wk__quote;

/* A trade whose realised spread is not known yet. */
typedef struct {
    int64_t due_ns;
    double price, qty, mid, sign;
} wk__pending;

/* Volume by price: bucket k holds prices in [k, k + 1) * width; the width doubles until all fit.
 * The width starts at a power of two near 1e-6 of the first price, so merging pairs gives the same
 * buckets in any order. */
typedef struct {
    double width;
    int64_t first; /* index of bucket 0 */
    size_t n;
    double buy[WK_FLOW_BUCKETS], sell[WK_FLOW_BUCKETS];
} wk__footprint;

struct wk_flow {
    int64_t realised_ns;
    double large_multiple;
    int64_t now_ns;
    wk__quote quote;
    /* Mean trade size with weights falling as pandas' ewm of span 1000. */
    double size_num, size_den;
    uint64_t trades_seen;
    double last_price; /* NaN before the first trade */
    wk__pending pending[WK__PENDING];
    size_t pending_head, pending_n;
    struct {
        double known_ns, spread, micro, imbalance5, depth1, depth10; /* integrals over time */
        double ofi1, ofi10;
        size_t n_books, n_trades, n_buys;
        double open, high, low, volume, buy, sell, notional, large_buy, large_sell;
        double effective, realised, effective_qty, realised_qty;
        wk__footprint footprint;
    } period;
};

void wk__footprint_add(wk__footprint *f, double price, double qty, bool is_buy);
void wk__flow_row(const wk_flow *flow, double *row);

#endif
