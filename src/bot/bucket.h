/* Bars of a longer timeframe, built as shorter ones close: wk_series_resample as a stream. */
#ifndef WICK_BOT_BUCKET_H
#define WICK_BOT_BUCKET_H

#include <stdbool.h>

#include "wick/bars.h"

typedef struct {
    wk_bar bar;
    uint8_t provenance;
    bool any, traded, filled; /* filled: nothing but filled-in bars so far */
} wk__bucket;

void wk__bucket_begin(wk__bucket *bucket, int64_t time_ns);
/* Adds a bar; one of WK_PROV_UNKNOWN changes nothing. */
void wk__bucket_add(wk__bucket *bucket, const wk_bar *bar, uint8_t provenance);
/* The bucket as a bar: WK_PROV_UNKNOWN with NaN prices when nothing came. */
void wk__bucket_close(const wk__bucket *bucket, wk_bar *bar, uint8_t *provenance);

#endif
