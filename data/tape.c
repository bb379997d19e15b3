/* Reads a tape: two files merged by time into the flow engine, which is closed at every step of the
 * grid. */
#include "wick/tape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

/* A time that is far off would otherwise be filled with flat bars until the memory is gone. */
enum { GAP_BARS_MAX = 1 << 22 }; /* eight years of minutes */

typedef struct {
    wk__columns *file; /* NULL: none */
    bool any;          /* the fields below hold a row that is not used yet */
    int64_t time_ns;
    int time, price, qty, side, maker;
    double last_price, tick_side; /* for the tick rule */
    size_t n_levels;
    int level[WK_FLOW_LEVELS][4]; /* ask price, ask size, bid price, bid size */
} source;

typedef struct {
    wk_tape *tape;
    size_t capacity;
    wk_flow *flow;
    int64_t timeframe_ns, open_ns;
    bool started;
} builder;

static int first_of(const wk__columns *c, const char *const *names)
{
    int found = -1;
    for (; *names && found < 0; names++)
        found = wk__columns_find(c, *names);
    return found;
}

static wk_status open_source(const char *path, source *s, wk_err *err)
{
    static const char *const times[] = {"time_ms", "time", "timestamp", NULL};
    WK_TRY(wk__columns_open(path, &s->file, err));
    s->time = first_of(s->file, times);
    return s->time >= 0 ? WK_OK : wk__columns_need(s->file, "time", &s->time, err);
}

static wk_status open_trades(const char *path, source *s, wk_err *err)
{
    static const char *const sizes[] = {"size", "volume", "qty", "amount", NULL};
    WK_TRY(open_source(path, s, err));
    WK_TRY(wk__columns_need(s->file, "price", &s->price, err));
    s->qty = first_of(s->file, sizes);
    if (s->qty < 0)
        return wk__columns_need(s->file, "size", &s->qty, err);
    s->side = wk__columns_find(s->file, "side");
    s->maker = wk__columns_find(s->file, "buyer_is_maker");
    s->tick_side = 1;
    return WK_OK;
}

static wk_status open_book(const char *path, source *s, wk_err *err)
{
    static const char *const names[] = {"ask_price", "ask_size", "bid_price", "bid_size"};
    WK_TRY(open_source(path, s, err));
    for (; s->n_levels < WK_FLOW_LEVELS; s->n_levels++)
        for (int k = 0; k < 4; k++) {
            char name[32];
            snprintf(name, sizeof name, "%s_%zu", names[k], s->n_levels + 1);
            s->level[s->n_levels][k] = wk__columns_find(s->file, name);
            if (s->level[s->n_levels][k] < 0)
                return s->n_levels && k == 0
                           ? WK_OK
                           : wk__columns_need(s->file, name, &s->level[s->n_levels][k], err);
        }
    return WK_OK;
}

static wk_status next(source *s, wk_err *err)
{
    s->any = false;
    if (!s->file)
        return WK_OK;
    int64_t before = s->time_ns;
    WK_TRY(wk__columns_next(s->file, &s->any, err));
    if (!s->any)
        return WK_OK;
    WK_TRY(wk__columns_time(s->file, s->time, &s->time_ns, err));
    if (s->time_ns < before)
        return wk_fail(err, WK_E_DATA,
                       "%s: its time is before the row above; sort the file by time",
                       wk__columns_place(s->file));
    return WK_OK;
}

static wk_status push_trade(builder *b, source *s, wk_err *err)
{
    double price, qty;
    WK_TRY(wk__columns_number(s->file, s->price, &price, err));
    WK_TRY(wk__columns_number(s->file, s->qty, &qty, err));
    if (!(price > 0) || !(qty >= 0))
        return wk_fail(err, WK_E_DATA,
                       "%s: a trade of %g at %g is impossible; correct or delete the row",
                       wk__columns_place(s->file), qty, price);
    bool is_buy;
    if (s->side >= 0) {
        is_buy = wk__columns_is(s->file, s->side, "buy") || wk__columns_is(s->file, s->side, "b");
        if (!is_buy && !wk__columns_is(s->file, s->side, "sell") &&
            !wk__columns_is(s->file, s->side, "s"))
            return wk_fail(err, WK_E_DATA, "%s: the side is neither buy nor sell; correct the row",
                           wk__columns_place(s->file));
    } else if (s->maker >= 0) {
        is_buy =
            wk__columns_is(s->file, s->maker, "0") || wk__columns_is(s->file, s->maker, "false");
    } else {
        if (s->last_price > 0 && price != s->last_price)
            s->tick_side = price > s->last_price ? 1 : -1;
        is_buy = s->tick_side > 0;
    }
    s->last_price = price;
    wk_flow_trade(b->flow, s->time_ns, price, qty, is_buy ? WK_SIDE_BUY : WK_SIDE_SELL);
    b->tape->n_trades++;
    return WK_OK;
}

static wk_status push_book(builder *b, const source *s, wk_err *err)
{
    wk_flow_level bids[WK_FLOW_LEVELS], asks[WK_FLOW_LEVELS];
    size_t n_bids = 0, n_asks = 0;
    for (size_t i = 0; i < s->n_levels; i++) {
        double v[4];
        for (int k = 0; k < 4; k++)
            WK_TRY(wk__columns_number(s->file, s->level[i][k], &v[k], err));
        if (v[0] > 0 && v[1] > 0 && n_asks == i)
            asks[n_asks++] = (wk_flow_level){v[0], v[1]};
        if (v[2] > 0 && v[3] > 0 && n_bids == i)
            bids[n_bids++] = (wk_flow_level){v[2], v[3]};
    }
    wk_flow_book(b->flow, s->time_ns, bids, n_bids, asks, n_asks);
    b->tape->n_books++;
    return WK_OK;
}

static wk_status close_bar(builder *b, wk_err *err)
{
    wk_tape *t = b->tape;
    if (t->series.n == b->capacity) {
        size_t capacity = b->capacity ? b->capacity * 2 : 1024;
        wk_bar *bars = realloc(t->series.bars, capacity * sizeof *bars);
        t->series.bars = bars ? bars : t->series.bars;
        uint8_t *provenance = realloc(t->series.provenance, capacity);
        t->series.provenance = provenance ? provenance : t->series.provenance;
        double *flow = realloc(t->flow, capacity * WK_FLOW_COLUMNS * sizeof *flow);
        t->flow = flow ? flow : t->flow;
        if (!bars || !provenance || !flow)
            return wk_fail(err, WK_E_NOMEM, "out of memory after %zu bars", t->series.n);
        b->capacity = capacity;
    }
    wk_bar bar = {.time_ns = b->open_ns};
    double *row = t->flow + t->series.n * WK_FLOW_COLUMNS;
    size_t n = wk_flow_close(b->flow, b->open_ns + b->timeframe_ns, &bar, row);
    b->open_ns += b->timeframe_ns;
    if (!(bar.close > 0))
        return WK_OK; /* nothing has traded yet: no bar */
    t->series.bars[t->series.n] = bar;
    t->series.provenance[t->series.n++] = n ? WK_PROV_TRADED : WK_PROV_CONFIRMED_EMPTY;
    return WK_OK;
}

/* The bar in which the tape begins is only warmed with, unless it begins at its open. */
static void begin(builder *b, int64_t time_ns)
{
    b->started = true;
    b->open_ns = wk_bucket_start(time_ns, b->timeframe_ns);
    if (b->open_ns < time_ns)
        b->open_ns += b->timeframe_ns;
}

static wk_status merge(builder *b, source *trades, source *book, wk_err *err)
{
    WK_TRY(next(trades, err));
    WK_TRY(next(book, err));
    double dropped[WK_FLOW_COLUMNS];
    bool partial = true;
    while (trades->any || book->any) {
        bool is_trade = trades->any && (!book->any || trades->time_ns <= book->time_ns);
        source *s = is_trade ? trades : book;
        if (!b->started)
            begin(b, s->time_ns);
        if (partial && s->time_ns >= b->open_ns) {
            partial = false; /* the first whole bar begins: what came before it belongs to none */
            wk_flow_close(b->flow, b->open_ns, NULL, dropped);
        }
        if ((s->time_ns - b->open_ns) / b->timeframe_ns > GAP_BARS_MAX)
            return wk_fail(err, WK_E_DATA,
                           "%s: more than %d bars after the row before; correct the time",
                           wk__columns_place(s->file), GAP_BARS_MAX);
        while (s->time_ns - b->open_ns >= b->timeframe_ns)
            WK_TRY(close_bar(b, err));
        WK_TRY(is_trade ? push_trade(b, s, err) : push_book(b, s, err));
        WK_TRY(next(s, err));
    }
    return WK_OK;
}

wk_status wk_tape_read(const char *trades_path, const char *book_path, const char *venue,
                       const char *symbol, int64_t timeframe_ns, wk_tape *out, wk_err *err)
{
    wk_tape tape = {0};
    source trades = {0}, book = {0};
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = open_trades(trades_path, &trades, err);
    if (status == WK_OK && book_path[0])
        status = open_book(book_path, &book, err);
    builder b = {.tape = &tape, .flow = wk_flow_plan(&arena, NULL), .timeframe_ns = timeframe_ns};
    if (status == WK_OK)
        status = merge(&b, &trades, &book, err);
    if (status == WK_OK && tape.series.n == 0)
        status = wk_fail(err, WK_E_DATA, "%s: the tape does not fill one bar", trades_path);
    wk__columns_close(trades.file);
    wk__columns_close(book.file);
    wk_arena_finish(&arena);
    if (status != WK_OK) {
        wk_tape_finish(&tape);
        return status;
    }
    snprintf(tape.series.venue, sizeof tape.series.venue, "%s", venue);
    snprintf(tape.series.symbol, sizeof tape.series.symbol, "%s", symbol);
    tape.series.timeframe_ns = timeframe_ns;
    *out = tape;
    return WK_OK;
}

void wk_tape_finish(wk_tape *tape)
{
    if (!tape)
        return;
    wk_series_finish(&tape->series);
    free(tape->flow);
    *tape = (wk_tape){0};
}
