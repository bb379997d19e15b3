/* Flow features of the live path. */
#ifndef WICK_VENUE_LIVE_FLOW_H
#define WICK_VENUE_LIVE_FLOW_H

#include "live_internal.h"

WK_MUST_CHECK wk_status wk__live_flow_timeframes(const wk_live_config *config, wk__flow_frames *out,
                                                 wk_err *err);
void wk__live_flow_plan(wk_live *live, wk__market *market);
/* A trade in base currency. */
void wk__live_flow_trade(wk_live *live, wk__market *market, const wk_event *event);
/* The end of a book's message, after which the book is trusted. */
void wk__live_flow_book(wk_live *live, wk__market *market, const wk_event *event);
void wk__live_flow_gap(wk_live *live, wk__market *market, int64_t now_ns);
/* A bar that ended at end_ns goes out: its period is over too. */
void wk__live_flow_end(wk_live *live, wk__market *market, int64_t length_ns, int64_t end_ns);
/* Ends the periods whose grace is over. */
void wk__live_flow_advance(wk_live *live, int64_t now_ns);

#endif
