#include "clock_offset.h"

#include "wick/clock.h"

enum { DRIFT_PPM = 100 };

#define WINDOW_NS (60 * WK_NS_PER_S)

void wk__clock_offset_set(wk__clock_offset *c, int64_t now_ns, int64_t offset_ns,
                          int64_t uncertainty_ns)
{
    /* The best round trip holds until clocks may have drifted apart by more than a new one errs. */
    int64_t aged = c->uncertainty_ns + (now_ns - c->measured_ns) / 1000000 * DRIFT_PPM;
    if (c->is_measured && uncertainty_ns > aged)
        return;
    c->is_measured = true;
    c->offset_ns = offset_ns;
    c->uncertainty_ns = uncertainty_ns;
    c->measured_ns = now_ns;
}

void wk__clock_offset_ping(wk__clock_offset *c, int64_t sent_ns, int64_t venue_ns,
                           int64_t receive_ns)
{
    int64_t trip = receive_ns - sent_ns;
    if (trip < 0 || trip > 30 * WK_NS_PER_S || venue_ns <= 0)
        return;
    wk__clock_offset_set(c, receive_ns, venue_ns - sent_ns - trip / 2, trip / 2);
}

void wk__clock_offset_stamp(wk__clock_offset *c, int64_t venue_ns, int64_t receive_ns)
{
    /* A message cannot arrive before it was sent. */
    int64_t bound = venue_ns - receive_ns;
    if (!c->has_bound || receive_ns - c->window_ns >= WINDOW_NS) {
        c->bound_ns[1] = c->has_bound ? c->bound_ns[0] : bound;
        c->bound_ns[0] = bound;
        c->window_ns = receive_ns;
        c->has_bound = true;
    } else if (bound > c->bound_ns[0]) {
        c->bound_ns[0] = bound;
    }
    int64_t least = c->bound_ns[0] > c->bound_ns[1] ? c->bound_ns[0] : c->bound_ns[1];
    if (!c->is_measured) {
        c->offset_ns = least;
        c->uncertainty_ns = -1;
    } else if (least > c->offset_ns + c->uncertainty_ns) {
        /* One of the clocks was set since. */
        c->offset_ns = least;
        c->is_measured = false;
        c->uncertainty_ns = -1;
    }
}
