/* A fingerprint of the bars that came out: equal for a session and its replay. */
#ifndef WICK_VENUE_DIGEST_H
#define WICK_VENUE_DIGEST_H

#include "wick/hash.h"
#include "wick/live.h"

typedef struct {
    wk_hash *hash;
    uint64_t n;
} wk__digest;

void wk__digest_init(wk__digest *digest);
void wk__digest_bar(wk__digest *digest, const wk_live_market *market, const wk_live_bar *bar);
/* Writes bars and bars_hash, and destroys the digest. */
void wk__digest_finish(wk__digest *digest, wk_live_summary *out);

#endif
