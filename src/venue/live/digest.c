#include "digest.h"

#include <string.h>

void wk__digest_init(wk__digest *digest)
{
    *digest = (wk__digest){.hash = wk_hash_create()};
}

void wk__digest_bar(wk__digest *digest, const wk_live_market *market, const wk_live_bar *bar)
{
    /* Fields, not the struct: its padding is nobody's. */
    const int64_t whole[] = {bar->timeframe_ns, bar->bar.time_ns, bar->arrival_ns, bar->provenance,
                             bar->is_revision};
    const double real[] = {bar->bar.open, bar->bar.high, bar->bar.low, bar->bar.close,
                           bar->bar.volume};
    digest->n++;
    wk_hash_feed(digest->hash, market->venue, strlen(market->venue) + 1);
    wk_hash_feed(digest->hash, market->symbol, strlen(market->symbol) + 1);
    wk_hash_feed(digest->hash, whole, sizeof whole);
    wk_hash_feed(digest->hash, real, sizeof real);
}

void wk__digest_finish(wk__digest *digest, wk_live_summary *out)
{
    out->bars = digest->n;
    wk_hash_finish(digest->hash, out->bars_hash);
    digest->hash = NULL;
}
