/* Kraken v2 book streams to time: from a recording of v1 frames, or made from nothing with the same
 * statistics (1 to 3 levels a message, most near the best). */
#ifndef WICK_BENCH_BOOK_STREAM_H
#define WICK_BENCH_BOOK_STREAM_H

#include "wick/book.h"
#include "wick/err.h"
#include "wick/text.h"

enum { BENCH_MARKETS_MAX = 16 };

typedef struct {
    size_t begin, n; /* bytes of `text` */
} bench_frame;

/* Owns all but the symbols' texts. */
typedef struct {
    char symbols[BENCH_MARKETS_MAX][32];
    int price_decimals[BENCH_MARKETS_MAX], qty_decimals[BENCH_MARKETS_MAX];
    size_t n_markets;
    wk_text text;
    bench_frame *frames; /* first one snapshot a market, then updates */
    size_t n_frames, n_levels;
} bench_stream;

/* n updates of ten markets, seen by a subscriber of `depth`. */
WK_MUST_CHECK wk_status bench_stream_make(size_t depth, size_t n, bench_stream *out, wk_err *err);
/* The same from a capture of v1 book frames at depth 1000 (gzip or not), all its updates. */
WK_MUST_CHECK wk_status bench_stream_load(const char *path, size_t depth, bench_stream *out,
                                          wk_err *err);
void bench_stream_finish(bench_stream *stream);

#endif
