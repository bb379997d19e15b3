#include "wick/bars.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"

enum { DECIMALS_MAX = 12 };

void wk_series_finish(wk_series *series)
{
    if (!series)
        return;
    free(series->bars);
    free(series->provenance);
    *series = (wk_series){0};
}

wk_status wk_series_create(const char *venue, const char *symbol, int64_t timeframe_ns, size_t n,
                           wk_series *out, wk_err *err)
{
    wk_series s = {.timeframe_ns = timeframe_ns, .n = n};
    if (strlen(venue) >= sizeof s.venue || strlen(symbol) >= sizeof s.symbol)
        return wk_fail(err, WK_E_ARG,
                       "name too long: venue \"%.40s\", symbol \"%.40s\"; use at most %zu letters",
                       venue, symbol, sizeof s.symbol - 1);
    snprintf(s.venue, sizeof s.venue, "%s", venue);
    snprintf(s.symbol, sizeof s.symbol, "%s", symbol);
    s.bars = calloc(n ? n : 1, sizeof *s.bars);
    s.provenance = calloc(n ? n : 1, 1);
    if (!s.bars || !s.provenance) {
        wk_series_finish(&s);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu bars of %s", n, symbol);
    }
    *out = s;
    return WK_OK;
}

void wk_rates_finish(wk_rates *rates)
{
    if (!rates)
        return;
    free(rates->time_ns);
    free(rates->rate);
    *rates = (wk_rates){0};
}

const char *wk_bar_problem(const wk_bar *b)
{
    if (!isfinite(b->open) || !isfinite(b->high) || !isfinite(b->low) || !isfinite(b->close))
        return "a price is not a finite number";
    if (!isfinite(b->volume))
        return "the volume is not a finite number";
    if (b->open <= 0 || b->high <= 0 || b->low <= 0 || b->close <= 0)
        return "a price is zero or negative";
    if (b->volume < 0)
        return "the volume is negative";
    if (b->high < b->low)
        return "high below low";
    if (b->high < b->open || b->high < b->close)
        return "high below open or close";
    if (b->low > b->open || b->low > b->close)
        return "low above open or close";
    return NULL;
}

static const double powers_of_ten[DECIMALS_MAX + 1] = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                       1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

/* An integer below 2^53 over an exact power of ten is rounded once, as the decimal text was, so the
 * comparison is exact. */
static int fits_decimals(double x, int decimals)
{
    double scaled = fabs(x) * powers_of_ten[decimals];
    if (!(scaled < 9007199254740992.0))
        return 1; /* further decimals lie below the double's own grain */
    return (double)(int64_t)(scaled + 0.5) / powers_of_ten[decimals] == fabs(x);
}

static int widen_decimals(double x, int decimals)
{
    while (decimals < DECIMALS_MAX && !fits_decimals(x, decimals))
        decimals++;
    return decimals;
}

int wk_decimals(double x)
{
    return widen_decimals(x, 0);
}

void wk_series_decimals(const wk_series *series, int *price_decimals, int *volume_decimals)
{
    int price = 0, volume = 0;
    for (size_t i = 0; i < series->n; i++) {
        const wk_bar *b = &series->bars[i];
        price = widen_decimals(b->open, price);
        price = widen_decimals(b->high, price);
        price = widen_decimals(b->low, price);
        price = widen_decimals(b->close, price);
        volume = widen_decimals(b->volume, volume);
    }
    *price_decimals = price;
    *volume_decimals = volume;
}

void wk_series_gaps(const wk_series *series, size_t *gaps, size_t *bars_missing)
{
    size_t holes = 0, missing = 0;
    for (size_t i = 1; i < series->n; i++) {
        int64_t step = series->bars[i].time_ns - series->bars[i - 1].time_ns;
        if (step > series->timeframe_ns) {
            holes++;
            missing += (size_t)(step / series->timeframe_ns) - 1;
        }
    }
    *gaps = holes;
    *bars_missing = missing;
}

int64_t wk_bucket_start(int64_t time_ns, int64_t timeframe_ns)
{
    const int64_t day_ns = 86400 * WK_NS_PER_S;
    /* 1970-01-01 was a Thursday, so that weeks start four days later. */
    int64_t origin = timeframe_ns % (7 * day_ns) == 0 ? 4 * day_ns : 0;
    int64_t since = time_ns - origin;
    int64_t phase = since % timeframe_ns;
    return time_ns - (phase < 0 ? phase + timeframe_ns : phase);
}

wk_status wk_series_resample(const wk_series *in, int64_t timeframe_ns, wk_series *out, wk_err *err)
{
    if (in->timeframe_ns <= 0 || timeframe_ns <= 0 || timeframe_ns % in->timeframe_ns != 0) {
        char from[16], to[16];
        return wk_fail(err, WK_E_ARG, "cannot resample %s from %s to %s; choose a multiple of it",
                       in->symbol, wk_timeframe_format(in->timeframe_ns, from),
                       wk_timeframe_format(timeframe_ns, to));
    }
    wk_series s;
    WK_TRY(wk_series_create(in->venue, in->symbol, timeframe_ns, in->n, &s, err));
    size_t n = 0;
    for (size_t i = 0; i < in->n;) {
        int64_t start = wk_bucket_start(in->bars[i].time_ns, timeframe_ns);
        wk_bar bucket = in->bars[i];
        bucket.time_ns = start;
        uint8_t worst = 0;
        int traded = 0, filled = 1; /* filled: nothing but filled-in bars so far */
        size_t j = i;
        for (; j < in->n && in->bars[j].time_ns < start + timeframe_ns; j++) {
            const wk_bar *b = &in->bars[j];
            uint8_t from = in->provenance[j];
            traded |= from == WK_PROV_TRADED;
            worst = from > worst ? from : worst;
            /* A bar that the venue filled in stands at the price before: it is no trade of this
             * bucket. */
            if (from == WK_PROV_CONFIRMED_EMPTY && !(filled && j == i))
                continue;
            if (filled && from != WK_PROV_CONFIRMED_EMPTY) {
                bucket = *b;
                bucket.time_ns = start;
                filled = 0;
            } else if (j > i) {
                bucket.high = b->high > bucket.high ? b->high : bucket.high;
                bucket.low = b->low < bucket.low ? b->low : bucket.low;
                bucket.volume += b->volume;
                bucket.close = b->close;
            }
        }
        int closed =
            j < in->n || in->bars[j - 1].time_ns + in->timeframe_ns >= start + timeframe_ns;
        if (closed) {
            s.bars[n] = bucket;
            s.provenance[n] = traded && worst == WK_PROV_CONFIRMED_EMPTY ? WK_PROV_TRADED : worst;
            n++;
        }
        i = j;
    }
    s.n = n;
    *out = s;
    return WK_OK;
}
