/* How far a venue's clock is ahead of ours, from pings that carry its time and from the stamps of
 * its messages. No clock of its own. */
#ifndef WICK_VENUE_CLOCK_OFFSET_H
#define WICK_VENUE_CLOCK_OFFSET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool is_measured;       /* by a round trip; else offset_ns is the bound of the one-way stamps */
    int64_t offset_ns;      /* venue = ours + offset */
    int64_t uncertainty_ns; /* of the round trip: half of it; -1: not measured */
    int64_t measured_ns;
    bool has_bound;
    int64_t bound_ns[2]; /* the offset is at least this: newest window, the one before */
    int64_t window_ns;
} wk__clock_offset;

/* A zeroed struct is ready: no offset. */

/* A request of ours went at sent_ns, the answer with the venue's time came at receive_ns. */
void wk__clock_offset_ping(wk__clock_offset *clock, int64_t sent_ns, int64_t venue_ns,
                           int64_t receive_ns);
/* Measured elsewhere. */
void wk__clock_offset_set(wk__clock_offset *clock, int64_t now_ns, int64_t offset_ns,
                          int64_t uncertainty_ns);
/* A message with the venue's time of sending. */
void wk__clock_offset_stamp(wk__clock_offset *clock, int64_t venue_ns, int64_t receive_ns);

#endif
