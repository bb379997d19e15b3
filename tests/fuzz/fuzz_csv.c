/* libFuzzer target over the candle and rate parsers: the input is a whole file, fed line by line.
 * What they accept must be finite and in range; the rest must only be refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_csv_parser candles = {0}, rates = {0};
    for (size_t i = 0; i < n;) {
        const uint8_t *feed = memchr(bytes + i, '\n', n - i);
        size_t length = feed ? (size_t)(feed - (bytes + i)) : n - i;
        /* A copy of exact size, so that a read past the line is caught. */
        char *line = malloc(length ? length : 1);
        if (!line)
            return 0;
        memcpy(line, bytes + i, length);
        char why[256];
        wk_bar bar;
        if (wk_csv_feed_candle(&candles, line, length, &bar, why) == WK_CSV_ROW &&
            !(isfinite(bar.open) && isfinite(bar.high) && isfinite(bar.low) &&
              isfinite(bar.close) && isfinite(bar.volume) && bar.time_ns >= 0))
            abort();
        int64_t time_ns;
        double rate;
        if (wk_csv_feed_rate(&rates, line, length, &time_ns, &rate, why) == WK_CSV_ROW &&
            !(isfinite(rate) && time_ns >= 0))
            abort();
        free(line);
        i += length + 1;
    }
    return 0;
}
