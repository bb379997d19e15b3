/* A session of wk_live_record_run against a venue on the loopback: over TLS, three markets, bars of
 * two and four seconds, all in a folder that goes away with the group. Whatever fails, the test
 * does. */
#ifndef WICK_TEST_SESSION_H
#define WICK_TEST_SESSION_H

#include <pthread.h>
#include <stdatomic.h>

#include "venue.h"
#include "wick/arena.h"
#include "wick/live.h"

typedef struct {
    venue *venue;
    wk_arena arena;
    wk_live_config config;
    char text[2048], store[96];
    atomic_bool stop;
    pthread_t thread;
    bool is_running;
    wk_live_session_options options;
    wk_live_summary summary;
    wk_status status;
    wk_err err;
    atomic_uint_fast64_t stored, messages;
} session;

/* Of the group: everything of its sessions is below. */
extern char session_dir[64];
int session_setup(void **state);
int session_teardown(void **state);

session *session_new(void);
void session_venue(session *s, venue_options o);
/* `more` are keys of the venue, `top` of the configuration. */
void session_configure(session *s, const char *more, const char *top);
void session_begin(session *s);
/* Stops recording; fails when it failed. */
void session_end(session *s);
/* Stops the venue, which saw no violation unless it may have. */
void session_finish(session *s, bool may_violate);

void session_sleep_s(double s);
/* Waits on a machine as slow as it may be; what is then wrong the test finds out. */
void session_wait(session *s, uint64_t n_stored, uint64_t n_messages, size_t n_faults);

/* The replay of its recording gives the same bars. */
void session_replays(session *s);
/* Every stored bar of the market that opened in [from, to) is the venue's own. Returns how many. */
size_t session_bars(session *s, const char *symbol, int64_t timeframe_s, int64_t from_s,
                    int64_t to_s, size_t *n_wrong, bool is_quiet);
/* Feeds the recording and looks at the book after each message: it is the venue's, or none. Returns
 * how often it was there. */
size_t session_books(session *s, size_t *n_messages, uint64_t *n_failures, bool is_live[3]);

#endif
