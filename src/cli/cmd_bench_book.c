/* `wick bench book.kraken`: Kraken v2 book messages parsed, applied and checked; a JSON line a
 * depth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_book_stream.h"
#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/parse.h"
#include "wick/version.h"

enum { PASSES = 15, MESSAGES = 20000 };

/* Time of this thread on a core: other processes of a busy machine do not count. */
static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct {
    wk_book_follower followers[BENCH_MARKETS_MAX];
    wk_parser *parser;
    const bench_stream *stream;
    wk_status status;
    wk_err *err;
} session;

static void take_event(void *ctx, const wk_event *event)
{
    session *s = ctx;
    if (s->status == WK_OK)
        s->status = wk_book_follow(&s->followers[event->symbol], event, s->err);
}

static wk_status feed(session *s, size_t i)
{
    const bench_frame *frame = &s->stream->frames[i];
    wk_status status = wk_parser_feed(s->parser, s->stream->text.s + frame->begin, frame->n, 1,
                                      take_event, s, s->err);
    return status == WK_OK ? s->status : status;
}

static wk_status feed_range(session *s, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        WK_TRY(feed(s, i));
    return WK_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static wk_status measure(session *s, const char *name, const char *source, size_t depth,
                         wk_err *err)
{
    const bench_stream *stream = s->stream;
    size_t first = stream->n_markets, end = stream->n_frames, n = end - first;
    double passes[PASSES];
    double *each = malloc(n * sizeof *each);
    if (!each)
        return wk_fail(err, WK_E_NOMEM, "no memory for %zu times", n);
    wk_status status = feed_range(s, 0, end); /* warms up, and grows what must grow */
    wk_parser_counts before, after;
    wk_parser_count(s->parser, &before);
    for (int k = 0; k < PASSES && status == WK_OK; k++) {
        status = feed_range(s, 0, first);
        double start = thread_seconds();
        if (status == WK_OK)
            status = feed_range(s, first, end);
        passes[k] = thread_seconds() - start;
    }
    if (status == WK_OK)
        status = feed_range(s, 0, first);
    for (size_t i = first; i < end && status == WK_OK; i++) {
        int64_t start = wk_clock_monotonic_ns();
        status = feed(s, i);
        each[i - first] = (double)(wk_clock_monotonic_ns() - start) * 1e-3;
    }
    wk_parser_count(s->parser, &after);
    uint64_t n_checked = 0;
    for (size_t m = 0; m < stream->n_markets; m++)
        n_checked += s->followers[m].n_checked;
    if (status == WK_OK && n_checked != (PASSES + 2) * (uint64_t)end)
        status = wk_fail(err, WK_E_STATE, "%llu checksums were compared, not %llu",
                         (unsigned long long)n_checked,
                         (unsigned long long)((PASSES + 2) * (uint64_t)end));
    if (status == WK_OK) {
        qsort(passes, PASSES, sizeof *passes, by_value);
        qsort(each, n, sizeof *each, by_value);
        printf("{\"name\":\"%s\",\"case\":\"depth %zu, %s\",\"value\":%.0f,\"unit\":\"messages/s\","
               "\"best\":%.0f,\"p50\":%.3f,\"p99\":%.3f,\"allocs\":%llu,\"messages\":%zu,"
               "\"levels\":%zu,\"bytes\":%zu,\"threads\":1,\"cpu\":\"%s\",\"commit\":\"%s\"}\n",
               name, depth, source, (double)n / passes[PASSES / 2], (double)n / passes[0],
               each[n / 2], each[n - 1 - n / 100],
               (unsigned long long)(after.allocations - before.allocations), n, stream->n_levels,
               stream->text.n - stream->frames[first].begin, wk_cpu_name(), wk_commit());
    }
    free(each);
    return status;
}

static wk_status bench_depth(const char *recording, size_t depth, wk_err *err)
{
    bench_stream stream;
    WK_TRY(recording ? bench_stream_load(recording, depth, &stream, err)
                     : bench_stream_make(depth, MESSAGES, &stream, err));
    session s = {.stream = &stream, .err = err};
    const char *symbols[BENCH_MARKETS_MAX];
    for (size_t m = 0; m < stream.n_markets; m++)
        symbols[m] = stream.symbols[m];
    wk_status status =
        wk_parser_create(WK_DIALECT_KRAKEN, symbols, stream.n_markets, &s.parser, err);
    for (size_t m = 0; m < stream.n_markets && status == WK_OK; m++) {
        s.followers[m].checksum = wk_book_checksum_kraken;
        status = wk_book_create(stream.price_decimals[m], stream.qty_decimals[m], depth,
                                &s.followers[m].book, err);
    }
    if (status == WK_OK)
        status = measure(&s, "book.kraken", recording ? "recorded" : "synthetic", depth, err);
    for (size_t m = 0; m < stream.n_markets; m++)
        wk_book_destroy(s.followers[m].book);
    wk_parser_destroy(s.parser);
    bench_stream_finish(&stream);
    return status;
}

static int cmd_bench_book(const wk_cli *cli, wk_err *err)
{
    static const size_t depths[] = {10, 100, 1000};
    const char *recording = wk_cli_option_value(cli, "recording");
    const char *text = wk_cli_option_value(cli, "depth");
    size_t wanted = text ? (size_t)strtoul(text, NULL, 10) : 0;
    int found = 0;
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++) {
        if (text && depths[i] != wanted)
            continue;
        found = 1;
        WK_TRY(bench_depth(recording, depths[i], err));
    }
    if (!found)
        return wk_fail(err, WK_E_ARG, "--depth %s: give 10, 100 or 1000", text);
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"depth", "N", "only this depth: 10, 100 or 1000 (default all three)"},
    {"recording", "FILE",
     "a capture of Kraken v1 book frames, each \"<epoch>: <frame>\", retold as v2"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_book_kraken;
const wk_cli_command wk_cmd_bench_book_kraken = {
    .name = "bench book.kraken",
    .usage = "[--depth N] [--recording FILE]",
    .summary =
        "times live books: Kraken v2 messages parsed, applied, and checked by their checksums",
    .details =
        "Prints one JSON line a depth: messages a second on one core (thread time, median of 15\n"
        "passes over ten markets), and p50 and p99 of single messages in us. Every message's\n"
        "checksum is compared. Without a recording the stream is synthetic: 1 to 3 levels a\n"
        "message, most of them near the best.",
    .example = "wick bench book.kraken --depth 10",
    .options = options,
    .run = cmd_bench_book,
};
