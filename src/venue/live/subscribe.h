/* What we say to the venues: subscriptions and pings, as text. */
#ifndef WICK_VENUE_SUBSCRIBE_H
#define WICK_VENUE_SUBSCRIBE_H

#include "wick/live.h"
#include "wick/text.h"

/* One message for n markets. timeframe_ns is that of the candles. */
void wk__subscribe_text(const wk_live_venue *venue, wk_live_channel channel, bool is_unsubscribe,
                        const char *const *symbols, size_t n, int64_t timeframe_ns, uint64_t req_id,
                        wk_text *out);
/* What comes before all subscriptions of a connection, or "". */
void wk__subscribe_hello(const wk_live_venue *venue, uint64_t req_id, wk_text *out);
void wk__subscribe_ping(const wk_live_venue *venue, uint64_t req_id, wk_text *out);

#endif
