/* Keeps the connections of a configuration up: connects within the venues' limits, subscribes,
 * pings, notices silence, waits longer after each failure. All of it on the sockets' thread; what
 * happens goes into a frame ring as the path wants it. */
#ifndef WICK_VENUE_SESSION_H
#define WICK_VENUE_SESSION_H

#include "live_internal.h"
#include "wick/ring.h"
#include "wick/websocket.h"

/* Kinds of frames in the ring; a source of -1 is "wick". */
enum {
    WK__SESSION_RECEIVED = '<',
    WK__SESSION_SENT = '>',
    WK__SESSION_NOTE = '!',
    WK__SESSION_TICK = 't' /* only the time */
};

typedef struct wk__session wk__session;

/* start_note: the first note of "wick". Everything is borrowed until the session is closed. */
WK_MUST_CHECK wk_status wk__session_open(const wk_live_config *config,
                                         const wk_live_session_options *options,
                                         wk_frame_ring *ring, const char *start_note,
                                         wk__session **out, wk_err *err);
/* Any thread: a subscription is wanted. */
void wk__session_subscribe(wk__session *session, uint32_t market, wk_live_channel channel,
                           bool is_again);
/* Closes the connections, joins their thread, and leaves a last note "stop". */
void wk__session_stop(wk__session *session);
void wk__session_close(wk__session *session);

#endif
