/* What wick record and wick replay print. */
#ifndef WICK_CLI_LIVE_OUTPUT_H
#define WICK_CLI_LIVE_OUTPUT_H

#include "wick/live.h"

/* "venue,symbol,timeframe,time,open,high,low,close,volume,provenance,revision,arrival_ns" */
void wk__print_bar(const wk_live_market *market, const wk_live_bar *bar);
void wk__print_summary(const wk_live_summary *summary, bool is_json);

#endif
