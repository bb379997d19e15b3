/* Tapes: one market's recorded trades and order books from files, turned into bars with a row of
 * flow features each, through the engine of wick/flow.h. */
#ifndef WICK_TAPE_H
#define WICK_TAPE_H

#include "wick/bars.h"
#include "wick/flow.h"

typedef struct {
    wk_series
        series;   /* candles of the trades; flat, WK_PROV_CONFIRMED_EMPTY where nothing traded */
    double *flow; /* [series.n * WK_FLOW_COLUMNS], known at the close of the bar; owned */
    size_t n_trades, n_books;
} wk_tape;

/* trades_path: a CSV (or .gz) with the columns time|time_ms, price, size|volume|qty and, for the
 * taker's side, either side (buy|sell) or buyer_is_maker (0|1); rows in time order. Without a side
 * a trade counts as bought above the last different price and sold below it (the tick rule).
 * book_path ("" = none): time|time_ms and ask_price_i, ask_size_i, bid_price_i, bid_size_i for
 * levels 1.. (at most 10), the book after each update. At equal times trades come first: they
 * caused the update. Bars lie on the grid of timeframe_ns; the first and the last are left out when
 * the tape covers only a part of them. The caller finishes *out. */
WK_MUST_CHECK wk_status wk_tape_read(const char *trades_path, const char *book_path,
                                     const char *venue, const char *symbol, int64_t timeframe_ns,
                                     wk_tape *out, wk_err *err);
void wk_tape_finish(wk_tape *tape);

#endif
