/* See wk_series_resample: the same rules, bar by bar. */
#include "bucket.h"

#include <math.h>

void wk__bucket_begin(wk__bucket *bucket, int64_t time_ns)
{
    *bucket = (wk__bucket){.bar = {.time_ns = time_ns}};
}

void wk__bucket_add(wk__bucket *bucket, const wk_bar *bar, uint8_t provenance)
{
    if (provenance == WK_PROV_UNKNOWN)
        return;
    wk_bar *b = &bucket->bar;
    bool filled = provenance ==
                  WK_PROV_CONFIRMED_EMPTY; /* stands at the price before: no trade of this bucket */
    if (!bucket->any || (bucket->filled && !filled)) {
        int64_t time_ns = b->time_ns;
        *b = *bar;
        b->time_ns = time_ns;
        bucket->filled = filled;
    } else if (!filled) {
        b->high = bar->high > b->high ? bar->high : b->high;
        b->low = bar->low < b->low ? bar->low : b->low;
        b->close = bar->close;
        b->volume += bar->volume;
    }
    bucket->any = true;
    bucket->traded |= provenance == WK_PROV_TRADED;
    bucket->provenance = provenance > bucket->provenance ? provenance : bucket->provenance;
}

void wk__bucket_close(const wk__bucket *bucket, wk_bar *bar, uint8_t *provenance)
{
    if (!bucket->any) {
        *bar = (wk_bar){bucket->bar.time_ns, NAN, NAN, NAN, NAN, NAN};
        *provenance = WK_PROV_UNKNOWN;
        return;
    }
    *bar = bucket->bar;
    bool empty_only = bucket->traded && bucket->provenance == WK_PROV_CONFIRMED_EMPTY;
    *provenance = empty_only ? WK_PROV_TRADED : bucket->provenance;
}
