/* A scripted account for the start of the live executor: it answers what the case says, and time
 * goes by only where it does at a real venue. */
#ifndef WICK_TESTS_EXECUTOR_STAGE_H
#define WICK_TESTS_EXECUTOR_STAGE_H

#include "executor_live_internal.h"
#include "wick/clock.h"

#define SECOND WK_NS_PER_S
#define BEGIN (INT64_C(1700000000) * SECOND)

enum { ENTRY = 0xe1, EXIT = 0xe2, HIDDEN = 0xe3, MARKET = 1, S = 2 };

typedef struct {
    wk_venue_order v;
    bool gone;
} there;

/* What the venue has, and what it will say. */
typedef struct {
    int64_t now;
    there orders[16];
    size_t n_orders;
    wk_venue_fill fills[16];
    size_t n_fills;
    int64_t held; /* of MARKET */
    int64_t stop_lots;
    uint64_t stop_id;
    wk_request_result protect_says, place_says;
    size_t n_protects, n_places, n_cancels;
    bool blind; /* orders are not found */
    void (*before_positions)(void *venue);
    const char *journalled; /* a fill's or funding's id */
    wk_venue_funding funding[8];
    size_t n_funding, n_funding_calls;
    wk_request_result funding_says;
    /* In virtual time: no stop is taken before the one, no fill told before the other; when the
     * first stop was placed. */
    const wk_virtual_clock *clock;
    int64_t no_stops_until_ns, no_fills_until_ns, protected_ns;
} venue;

typedef struct {
    venue v;
    wk_account account;
    wk_executor_live_options options;
    wk_journal_position position;
    wk_journal_open_order order;
    wk__live *live;
} stage;

stage *stage_build(bool has_brackets);
/* The journal's position, with a stop and a target. */
void stage_give_position(stage *s, int64_t lots);
/* The journal's open order. */
void stage_give_order(stage *s, uint64_t id, int side, bool reduces, int64_t lots);
/* The start, which must succeed. */
wk_reconciliation stage_begin(stage *s);
void stage_finish(stage *s);
/* Time goes by. */
void stage_go(stage *s, int seconds);
/* Lots that the executor believes it holds. */
int64_t stage_position(const stage *s);
/* Counts the fills of a reason in the journal's rows; -1: all. */
size_t stage_fill_rows(stage *s, int reason, uint64_t *order_id);
/* At the venue. */
void stage_add_order(venue *v, uint64_t id, int side, int64_t lots, int64_t filled);
void stage_add_fill(venue *v, const char *name, uint64_t order, int side, int64_t lots);
there *stage_order_of(venue *v, uint64_t id);

#endif
