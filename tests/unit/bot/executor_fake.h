/* A scripted account for the live executor: time-outs after accept, late arrivals, partial fills,
 * lists that lag, stops that strike. All by one random seed; `calm` ends the faults. */
#ifndef WICK_TESTS_EXECUTOR_FAKE_H
#define WICK_TESTS_EXECUTOR_FAKE_H

#include "wick/clock.h"
#include "wick/executor.h"

enum { S = 3, ORDERS = 256, FILLS = 1024, STOPS = 1024, MS = 1000000 };
#define SECOND WK_NS_PER_S
#define VALIDITY (5 * SECOND)
#define NEVER INT64_MAX

typedef struct {
    wk_order order;
    int64_t arrives_ns;
    int64_t filled;
    bool gone;
    char id[32];
} venue_order;

typedef struct {
    wk_venue_fill fill;
    int64_t visible_ns;
    int streamed; /* times */
} venue_fill;

typedef struct {
    uint64_t random;
    int64_t now;
    bool calm;                /* no faults any more */
    bool anonymous;           /* fills bear only the venue's order id */
    wk_request_result always; /* STOP: every placement */
    venue_order orders[ORDERS];
    size_t n_orders;
    venue_fill fills[FILLS];
    size_t n_fills;
    int64_t position[S];
    int64_t stop_lots[S]; /* as rests */
    uint64_t stop_id[S], used[STOPS];
    size_t n_stop_ids;
    bool stops_strike;
    size_t n_doubled, n_placed_exits, n_oversold;
} fake;

uint64_t fake_next(fake *f);
int64_t fake_now(void *ctx);
/* Time goes on, and with it what fills. */
void fake_advance(fake *f, int64_t ns);
venue_order *fake_find(fake *f, uint64_t id);
void fake_describe(const fake *f, const venue_order *o, wk_venue_order *out);
wk_account fake_account(fake *f, bool has_brackets);

#endif
