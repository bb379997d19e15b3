#include "keeper.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/log.h"

enum { RING_ITEMS = 1 << 17, BATCH = 8192 };

typedef enum { BAR, VALUE, INSTRUMENT } item_kind;

typedef struct {
    item_kind kind;
    uint32_t market;
    uint32_t order; /* within the batch, so that sorting keeps it */
    union {
        wk_live_bar bar;
        struct {
            char name[48];
            wk_fresh_value value;
        } value;
        wk_instrument *instrument; /* owned */
    };
} item;

struct wk__keeper {
    wk_fresh *fresh;
    const wk_live *live;
    wk__stored stored;
    void *ctx;
    wk_ring *ring;
    pthread_t thread;
    atomic_bool is_ending;
    atomic_uint_fast64_t n_stored, n_failed;
    item *batch;
    wk_fresh_bar *bars;
    wk_fresh_value *values;
    int64_t *cursors; /* a market and timeframe each: newest open time stored + timeframe */
};

void wk__keeper_cursor_key(const wk_live_market *market, int64_t timeframe_ns, char out[128])
{
    char timeframe[16];
    snprintf(out, 128, "record/%s/%s/%s", market->venue, market->symbol,
             wk_timeframe_format(timeframe_ns, timeframe));
}

static int by_series(const void *of_a, const void *of_b)
{
    const item *a = of_a, *b = of_b;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->market != b->market)
        return a->market < b->market ? -1 : 1;
    if (a->kind == BAR && a->bar.timeframe_ns != b->bar.timeframe_ns)
        return a->bar.timeframe_ns < b->bar.timeframe_ns ? -1 : 1;
    int names = a->kind == VALUE ? strcmp(a->value.name, b->value.name) : 0;
    return names ? names : a->order < b->order ? -1 : a->order > b->order;
}

static bool is_same_series(const item *a, const item *b)
{
    return a->kind == b->kind && a->market == b->market &&
           (a->kind != BAR || a->bar.timeframe_ns == b->bar.timeframe_ns) &&
           (a->kind != VALUE || strcmp(a->value.name, b->value.name) == 0);
}

static int64_t *cursor_of(wk__keeper *k, uint32_t market, int64_t timeframe_ns)
{
    size_t n = wk_live_n_timeframes(k->live), t = 0;
    while (t < n && wk_live_timeframe_ns(k->live, t) != timeframe_ns)
        t++;
    WK_ASSERT(t < n);
    return &k->cursors[market * n + t];
}

static wk_status put_bars(wk__keeper *k, const item *items, size_t n, wk_err *err)
{
    const wk_live_market *market = wk_live_market_at(k->live, items[0].market);
    int64_t timeframe_ns = items[0].bar.timeframe_ns;
    int64_t *cursor = cursor_of(k, items[0].market, timeframe_ns), next = *cursor;
    for (size_t i = 0; i < n; i++) {
        const wk_live_bar *b = &items[i].bar;
        k->bars[i] = (wk_fresh_bar){b->bar, b->provenance, b->arrival_ns};
        if (b->bar.time_ns + timeframe_ns > next)
            next = b->bar.time_ns + timeframe_ns;
    }
    char key[128], text[32];
    wk__keeper_cursor_key(market, timeframe_ns, key);
    snprintf(text, sizeof text, "%" PRId64, next);
    WK_TRY(wk_fresh_put_bars(k->fresh, market->venue, market->symbol, timeframe_ns, k->bars, n,
                             &(wk_fresh_cursor){key, text}, NULL, err));
    *cursor = next;
    for (size_t i = 0; i < n; i++) {
        atomic_fetch_add(&k->n_stored, 1);
        if (k->stored)
            k->stored(k->ctx, market, &items[i].bar);
    }
    return WK_OK;
}

static wk_status put_values(wk__keeper *k, const item *items, size_t n, wk_err *err)
{
    const wk_live_market *market = wk_live_market_at(k->live, items[0].market);
    for (size_t i = 0; i < n; i++)
        k->values[i] = items[i].value.value;
    return wk_fresh_put_values(k->fresh, market->venue, market->symbol, items[0].value.name,
                               k->values, n, NULL, NULL, err);
}

/* The stream tells less of an instrument than REST does: what it does not tell stays. */
static wk_status put_instrument(wk__keeper *k, const wk_instrument *told, wk_err *err)
{
    wk_instrument known;
    wk_status status = wk_fresh_instrument(k->fresh, told->venue, told->symbol, &known, err);
    if (status == WK_E_NOT_FOUND)
        return wk_fresh_put_instrument(k->fresh, told, err);
    if (status != WK_OK)
        return status;
    if (known.price_decimals == told->price_decimals && known.qty_decimals == told->qty_decimals &&
        known.is_tradable == told->is_tradable)
        return WK_OK;
    known.price_decimals = told->price_decimals;
    known.qty_decimals = told->qty_decimals;
    known.is_tradable = told->is_tradable;
    known.read_ns = told->read_ns;
    if (told->tick.scale >= 0)
        known.tick = told->tick;
    if (told->lot.scale >= 0)
        known.lot = told->lot;
    if (told->qty_min.scale >= 0)
        known.qty_min = told->qty_min;
    return wk_fresh_put_instrument(k->fresh, &known, err);
}

static wk_status put(wk__keeper *k, const item *items, size_t n, wk_err *err)
{
    switch (items[0].kind) {
    case BAR:
        return put_bars(k, items, n, err);
    case VALUE:
        return put_values(k, items, n, err);
    default:
        /* The newest of them. */
        return put_instrument(k, items[n - 1].instrument, err);
    }
}

/* Tries until it is stored: a full disk or a locked database gets better or the operator acts. Only
 * an ending keeper gives up. */
static void keep(wk__keeper *k, const item *items, size_t n)
{
    for (int failures = 0;; failures++) {
        wk_err why;
        if (put(k, items, n, &why) == WK_OK)
            break;
        const wk_live_market *market = wk_live_market_at(k->live, items[0].market);
        if (failures % 60 == 0)
            wk_log_write(WK_LOG_ERROR, "live.store", "market=%s/%s rows=%zu why=\"%s\"",
                         market->venue, market->symbol, n, why.msg);
        if (atomic_load(&k->is_ending) && failures >= 3) {
            atomic_fetch_add(&k->n_failed, n);
            break;
        }
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    for (size_t i = 0; i < n && items[0].kind == INSTRUMENT; i++)
        free(items[i].instrument);
}

static void *run(void *of)
{
    wk__keeper *k = of;
    for (;;) {
        bool is_ending = atomic_load(&k->is_ending);
        size_t n = 0;
        while (n < BATCH && wk_ring_pop(k->ring, &k->batch[n])) {
            k->batch[n].order = (uint32_t)n;
            n++;
        }
        qsort(k->batch, n, sizeof *k->batch, by_series);
        for (size_t from = 0, to; from < n; from = to) {
            for (to = from + 1; to < n && is_same_series(&k->batch[from], &k->batch[to]); to++)
                ;
            keep(k, &k->batch[from], to - from);
        }
        if (n == 0 && is_ending)
            return NULL;
        if (n == 0)
            wk_ring_wait(k->ring, WK_NS_PER_S / 5);
    }
}

static void destroy(wk__keeper *k)
{
    wk_ring_destroy(k->ring);
    free(k->batch);
    free(k->bars);
    free(k->values);
    free(k->cursors);
    free(k);
}

wk_status wk__keeper_open(wk_fresh *fresh, const wk_live *live, wk__stored stored, void *ctx,
                          wk__keeper **out, wk_err *err)
{
    wk__keeper *k = calloc(1, sizeof *k);
    if (!k)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    k->fresh = fresh;
    k->live = live;
    k->stored = stored;
    k->ctx = ctx;
    k->batch = malloc(BATCH * sizeof *k->batch);
    k->bars = malloc(BATCH * sizeof *k->bars);
    k->values = malloc(BATCH * sizeof *k->values);
    k->cursors = calloc(wk_live_n_markets(live) * wk_live_n_timeframes(live), sizeof *k->cursors);
    wk_status status = WK_OK;
    if (!k->batch || !k->bars || !k->values || !k->cursors)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK)
        status = wk_ring_create(sizeof(item), RING_ITEMS, &k->ring, err);
    if (status == WK_OK && pthread_create(&k->thread, NULL, run, k) != 0)
        status = wk_fail(err, WK_E_IO, "cannot start a thread");
    if (status != WK_OK) {
        destroy(k);
        return status;
    }
    *out = k;
    return WK_OK;
}

/* A ring of 2^17 rows is full after hours of a stuck disk; what it drops is not acknowledged, and
 * the gap is repaired by the next start. */
static bool push(wk__keeper *k, const item *x)
{
    if (wk_ring_push(k->ring, x))
        return true;
    if (wk_ring_dropped(k->ring) % 1000 == 1)
        wk_log_write(WK_LOG_ERROR, "live.store", "dropped=%" PRIu64 " why=\"the disk is stuck\"",
                     wk_ring_dropped(k->ring));
    return false;
}

void wk__keeper_bar(wk__keeper *k, const wk_live_bar *bar)
{
    item x = {.kind = BAR, .market = bar->market, .bar = *bar};
    push(k, &x);
}

void wk__keeper_value(wk__keeper *k, uint32_t market, const char *name, int64_t time_ns,
                      int64_t known_ns, double value)
{
    item x = {.kind = VALUE, .market = market};
    snprintf(x.value.name, sizeof x.value.name, "%s", name);
    x.value.value = (wk_fresh_value){time_ns, known_ns, value};
    push(k, &x);
}

void wk__keeper_instrument(wk__keeper *k, uint32_t market, const wk_instrument *instrument)
{
    item x = {.kind = INSTRUMENT, .market = market, .instrument = malloc(sizeof *instrument)};
    if (!x.instrument)
        return;
    *x.instrument = *instrument;
    if (!push(k, &x))
        free(x.instrument);
}

uint64_t wk__keeper_stored(const wk__keeper *k)
{
    return atomic_load(&k->n_stored);
}

wk_status wk__keeper_finish(wk__keeper *k, uint64_t *n_stored, wk_err *err)
{
    atomic_store(&k->is_ending, true);
    pthread_join(k->thread, NULL);
    *n_stored = wk__keeper_stored(k);
    uint64_t n = atomic_load(&k->n_failed) + wk_ring_dropped(k->ring);
    destroy(k);
    if (n)
        return wk_fail(err, WK_E_IO,
                       "%" PRIu64 " rows could not be stored; free some space, then wick fetch "
                       "brings the bars back",
                       n);
    return WK_OK;
}
