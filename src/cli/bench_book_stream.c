/* Book streams for `wick bench book.kraken`. The venue's side is played with a book of depth 1000:
 * a message tells a subscriber what changed among its best levels. The checksum is written out
 * plainly, by other means than the book's own. */
#include "bench_book_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "wick/clock.h"
#include "wick/parse.h"
#include "wick/rng.h"

enum { VENUE_DEPTH = 1000, SEED = 7 };

/* One market as the venue has it, and as the subscriber was last told. */
typedef struct {
    wk_book *book;
    wk_book_level *told[2];
    size_t n_told[2];
} venue_market;

typedef struct {
    venue_market markets[BENCH_MARKETS_MAX];
    size_t depth;
    bench_stream *out;
    size_t n_frames_max;
    int is_out_of_memory;
} venue;

static size_t append_digits(char *out, int64_t units, int decimals)
{
    char text[40];
    wk_units_format(units, decimals, text);
    size_t n = 0;
    for (const char *c = text; *c; c++)
        if (*c != '.' && (n > 0 || *c != '0'))
            out[n++] = *c;
    return n;
}

static uint32_t plain_checksum(const wk_book *book)
{
    char text[2 * 10 * 80];
    size_t n = 0;
    for (int is_bid = 0; is_bid < 2; is_bid++) {
        size_t n_levels;
        const wk_book_level *levels =
            wk_book_levels(book, is_bid ? WK_SIDE_BUY : WK_SIDE_SELL, &n_levels);
        for (size_t i = 0; i < n_levels && i < 10; i++) {
            n += append_digits(text + n, levels[i].price, wk_book_price_decimals(book));
            n += append_digits(text + n, levels[i].qty, wk_book_qty_decimals(book));
        }
    }
    return (uint32_t)crc32(0, (const Bytef *)text, (uInt)n);
}

static void add_level(venue *v, const wk_book *book, int64_t price, int64_t qty, size_t *n)
{
    char p[40], q[40];
    wk_units_format(price, wk_book_price_decimals(book), p);
    wk_units_format(qty, wk_book_qty_decimals(book), q);
    wk_text_printf(&v->out->text, "%s{\"price\":%s,\"qty\":%s}", *n ? "," : "", p, q);
    ++*n;
}

static int is_in(const wk_book *book, wk_side side, int64_t price)
{
    size_t n;
    const wk_book_level *levels = wk_book_levels(book, side, &n);
    for (size_t i = 0; i < n; i++)
        if (levels[i].price == price)
            return 1;
    return 0;
}

/* What changed among the best; a level pushed out by better ones is not spoken of. */
static size_t add_changes(venue *v, size_t m, int is_ask)
{
    venue_market *market = &v->markets[m];
    wk_side side = is_ask ? WK_SIDE_SELL : WK_SIDE_BUY;
    size_t n_now, n = 0, a = 0, b = 0;
    const wk_book_level *now = wk_book_levels(market->book, side, &n_now);
    wk_book_level *old = market->told[is_ask];
    size_t n_old = market->n_told[is_ask];
    n_now = n_now < v->depth ? n_now : v->depth;
    while (a < n_old || b < n_now) {
        int is_gone =
            b == n_now ||
            (a < n_old && (is_ask ? old[a].price < now[b].price : old[a].price > now[b].price));
        if (is_gone) {
            if (!is_in(market->book, side, old[a].price))
                add_level(v, market->book, old[a].price, 0, &n);
            a++;
        } else if (a < n_old && old[a].price == now[b].price) {
            if (old[a].qty != now[b].qty)
                add_level(v, market->book, now[b].price, now[b].qty, &n);
            a++;
            b++;
        } else {
            add_level(v, market->book, now[b].price, now[b].qty, &n);
            b++;
        }
    }
    memcpy(old, now, n_now * sizeof *old);
    market->n_told[is_ask] = n_now;
    return n;
}

static void add_frame(venue *v, size_t m, int is_snapshot)
{
    bench_stream *out = v->out;
    size_t begin = out->text.n;
    if (out->n_frames == v->n_frames_max) {
        size_t n = v->n_frames_max ? 2 * v->n_frames_max : 1024;
        bench_frame *grown = realloc(out->frames, n * sizeof *grown);
        if (!grown) {
            v->is_out_of_memory = 1;
            return;
        }
        out->frames = grown;
        v->n_frames_max = n;
    }
    wk_text_printf(&out->text,
                   "{\"channel\":\"book\",\"type\":\"%s\",\"data\":[{\"symbol\":\"%s\",\"bids\":[",
                   is_snapshot ? "snapshot" : "update", out->symbols[m]);
    size_t n = add_changes(v, m, 0);
    wk_text_add(&out->text, "],\"asks\":[");
    n += add_changes(v, m, 1);
    if (n == 0) { /* below what the subscriber sees */
        out->text.n = begin;
        return;
    }
    wk_text_printf(&out->text, "],\"checksum\":%" PRIu32, plain_checksum(v->markets[m].book));
    if (!is_snapshot)
        wk_text_printf(&out->text, ",\"timestamp\":\"2023-10-06T17:%02zu:%02zu.%06zuZ\"",
                       out->n_frames / 60 % 60, out->n_frames % 60, out->n_frames % 1000000);
    wk_text_add(&out->text, "}]}");
    out->frames[out->n_frames++] = (bench_frame){begin, out->text.n - begin};
    out->n_levels += is_snapshot ? 0 : n;
}

static wk_status open_market(venue *v, size_t m, int price_decimals, int qty_decimals, wk_err *err)
{
    venue_market *market = &v->markets[m];
    v->out->price_decimals[m] = price_decimals;
    v->out->qty_decimals[m] = qty_decimals;
    for (int side = 0; side < 2; side++)
        market->told[side] = calloc(VENUE_DEPTH, sizeof(wk_book_level));
    if (!market->told[0] || !market->told[1])
        return wk_fail(err, WK_E_NOMEM, "no memory for a market");
    return wk_book_create(price_decimals, qty_decimals, VENUE_DEPTH, &market->book, err);
}

static void close_venue(venue *v)
{
    for (size_t m = 0; m < BENCH_MARKETS_MAX; m++) {
        wk_book_destroy(v->markets[m].book);
        free(v->markets[m].told[0]);
        free(v->markets[m].told[1]);
    }
}

static uint64_t draw(uint64_t *index, uint64_t n)
{
    return wk_rng_below(SEED, 1, (*index)++, n);
}

/* One or two of: change a size, take a level away, put one in; more than half within the best ten.
 */
static void move_market(wk_book *book, uint64_t *index)
{
    size_t n_ops = 1 + (draw(index, 4) == 0);
    for (size_t k = 0; k < n_ops; k++) {
        wk_side side = draw(index, 2) ? WK_SIDE_SELL : WK_SIDE_BUY;
        size_t n;
        const wk_book_level *levels = wk_book_levels(book, side, &n);
        size_t rank = (size_t)(draw(index, 5) < 3 ? draw(index, 10) : draw(index, n));
        wk_book_level level = levels[rank < n ? rank : n - 1];
        int64_t qty = 1 + (int64_t)draw(index, UINT64_C(5000000000));
        uint64_t op = draw(index, 100);
        if (op < 30 && n > VENUE_DEPTH - 100) {
            wk_book_apply(book, side, level.price, 0);
        } else if (op < 60) {
            /* Between the two sides, or a tick behind the level. */
            wk_book_apply(book, side, level.price + (side == WK_SIDE_SELL ? 1 : -1), qty);
        } else {
            wk_book_apply(book, side, level.price, qty);
        }
    }
    wk_book_cut(book);
}

wk_status bench_stream_make(size_t depth, size_t n, bench_stream *out, wk_err *err)
{
    static const int decimals[] = {1, 5, 2, 4, 5, 2, 6, 3, 1, 5};
    venue v = {.depth = depth, .out = out};
    uint64_t index = 0;
    wk_status status = WK_OK;
    *out = (bench_stream){.n_markets = 10};
    for (size_t m = 0; m < out->n_markets && status == WK_OK; m++) {
        snprintf(out->symbols[m], sizeof out->symbols[m], "COIN%zu/USD", m);
        status = open_market(&v, m, decimals[m], 8, err);
        if (status != WK_OK)
            break;
        int64_t mid = 300000 + (int64_t)draw(&index, 500000);
        for (int64_t i = 1; i <= VENUE_DEPTH; i++) {
            int64_t away = 3 * i + (int64_t)draw(&index, 3);
            wk_book_apply(v.markets[m].book, WK_SIDE_SELL, mid + away,
                          1 + (int64_t)draw(&index, UINT64_C(5000000000)));
            wk_book_apply(v.markets[m].book, WK_SIDE_BUY, mid - away,
                          1 + (int64_t)draw(&index, UINT64_C(5000000000)));
        }
        add_frame(&v, m, 1);
    }
    while (status == WK_OK && !v.is_out_of_memory && out->n_frames < n + out->n_markets) {
        size_t m = (size_t)draw(&index, out->n_markets);
        move_market(v.markets[m].book, &index);
        add_frame(&v, m, 0);
    }
    if (v.is_out_of_memory)
        status = wk_fail(err, WK_E_NOMEM, "no memory for %zu messages", n);
    close_venue(&v);
    if (status != WK_OK)
        bench_stream_finish(out);
    return status;
}

/* Reading a recording: snapshots in a first pass over its lines, updates in a second. */
typedef struct {
    venue *v;
    wk_status status;
    wk_err *err;
} loading;

static void take_event(void *ctx, const wk_event *event)
{
    loading *l = ctx;
    venue_market *market = event->symbol < BENCH_MARKETS_MAX ? &l->v->markets[event->symbol] : NULL;
    if (!market || l->status != WK_OK)
        return;
    if (event->kind == WK_EVENT_BOOK_LEVEL) {
        if (!market->book)
            l->status = open_market(l->v, event->symbol, event->level.price.scale,
                                    event->level.qty.scale, l->err);
        if (l->status == WK_OK &&
            wk_book_apply_decimal(market->book, (wk_side)event->level.side, event->level.price,
                                  event->level.qty) != NULL)
            l->status = wk_fail(l->err, WK_E_DATA, "a recorded level is not exact");
    } else if (event->kind == WK_EVENT_BOOK_END && market->book) {
        wk_book_cut(market->book);
        add_frame(l->v, event->symbol, !event->book_end.has_checksum);
    }
}

/* Feeds the lines "<epoch>: [...]" of book frames; first the snapshots, then the updates. */
static wk_status feed_lines(wk_parser *parser, const char *text, int snapshots, loading *l)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        const char *frame = memchr(line, '[', n);
        size_t length = frame ? n - (size_t)(frame - line) : 0;
        if (length > 0 && line[0] >= '0' && line[0] <= '9') {
            int is_snapshot = memmem(frame, length < 64 ? length : 64, "\"as\"", 4) != NULL;
            if (is_snapshot == snapshots)
                WK_TRY(wk_parser_feed(parser, frame, length, 0, take_event, l, l->err));
            WK_TRY(l->status);
        }
        line += n + (line[n] == '\n');
    }
    return WK_OK;
}

static wk_status read_all(const char *path, wk_text *text, wk_err *err)
{
    gzFile file = gzopen(path, "rb");
    if (!file)
        return wk_fail(err, WK_E_IO, "%s cannot be read; give a capture of Kraken v1 book frames",
                       path);
    char piece[1 << 16];
    int n;
    while ((n = gzread(file, piece, sizeof piece)) > 0)
        wk_text_add_bytes(text, piece, (size_t)n);
    gzclose(file);
    if (n < 0 || text->n == 0)
        return wk_fail(err, WK_E_IO, "%s is empty or damaged", path);
    return WK_OK;
}

/* Pairs of the recording, from the ends of its lines: ..."book-1000","XMR/USD"]. */
static void find_pairs(const char *text, bench_stream *out)
{
    for (const char *p = text; (p = strstr(p, "\"book-")) != NULL; p++) {
        char pair[32];
        int n = 0; /* set when all of it matched */
        if (sscanf(p, "\"book-%*[0-9]\",\"%31[^\"]\"]%n", pair, &n) != 1 || n == 0)
            continue;
        size_t m = 0;
        while (m < out->n_markets && strcmp(out->symbols[m], pair) != 0)
            m++;
        if (m == out->n_markets && m < BENCH_MARKETS_MAX)
            snprintf(out->symbols[out->n_markets++], sizeof pair, "%s", pair);
    }
}

wk_status bench_stream_load(const char *path, size_t depth, bench_stream *out, wk_err *err)
{
    venue v = {.depth = depth, .out = out};
    loading l = {.v = &v, .err = err};
    wk_text text = {0};
    wk_parser *parser = NULL;
    const char *symbols[BENCH_MARKETS_MAX];
    *out = (bench_stream){0};
    wk_status status = read_all(path, &text, err);
    if (status == WK_OK) {
        find_pairs(text.s, out);
        for (size_t m = 0; m < out->n_markets; m++)
            symbols[m] = out->symbols[m];
        status = wk_parser_create(WK_DIALECT_KRAKEN_V1, symbols, out->n_markets, &parser, err);
    }
    if (status == WK_OK)
        status = feed_lines(parser, text.s, 1, &l);
    size_t n_snapshots = out->n_frames;
    if (status == WK_OK)
        status = feed_lines(parser, text.s, 0, &l);
    if (status == WK_OK && (n_snapshots != out->n_markets || out->n_frames < n_snapshots + 100))
        status = wk_fail(err, WK_E_DATA, "%s holds %zu snapshots and %zu updates: too few to time",
                         path, n_snapshots, out->n_frames - n_snapshots);
    wk_parser_destroy(parser);
    close_venue(&v);
    free(text.s);
    if (status != WK_OK)
        bench_stream_finish(out);
    return status;
}

void bench_stream_finish(bench_stream *stream)
{
    free(stream->text.s);
    free(stream->frames);
    *stream = (bench_stream){0};
}
