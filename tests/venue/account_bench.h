/* An account at the local venue, as the tests of its clients open it. */
#ifndef VENUE_ACCOUNT_BENCH_H
#define VENUE_ACCOUNT_BENCH_H

#include <jansson.h>

#include "venue.h"
#include "wick/account.h"
#include "wick/clock.h"

#define BENCH_PATIENCE_NS (40 * WK_NS_PER_S) /* on a busy machine */

typedef struct {
    char dir[64], nonce[96];
    venue *v;
    wk_account account;
    wk_account_market market;
    int is_kraken;
    int64_t lots; /* a good size: 0.01 BTC */
    uint64_t next_id;
} bench;

/* One market at 60000.0; prices stand until the test moves them. `more`: further options of the
 * venue, may be NULL; `secret` NULL: the right one. Fails the test on error. */
void bench_begin(bench *b, int is_kraken, const venue_options *more, const char *secret);
/* Violations are failures, but for those that the test provokes. */
void bench_finish(bench *b, size_t violations);
json_t *bench_state(bench *b); /* the venue's truth */
const char *bench_word(const json_t *object, const char *name);
size_t bench_orders(bench *b); /* accepted so far */
/* The newest waiting stop, or NULL; *n is how many there are. */
const json_t *bench_stop(const json_t *state, size_t *n);
wk_order bench_entry(bench *b, wk_order_kind kind, int64_t price_ticks);
/* Sends the order; prints why when it is not done. */
wk_request_result bench_place(bench *b, const wk_order *o, wk_venue_order *out);
wk_request_result bench_ask(bench *b, uint64_t id, wk_venue_order *out);

#endif
