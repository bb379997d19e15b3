/* Start-up (journal against venue), the thread, and the executor's interface. */
#include "executor_live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/log.h"
#include "wick/ring.h"

enum { RING = 4096, OPEN_MAX = 1024 };

int64_t wk_virtual_now(void *clock)
{
    return ((wk_virtual_clock *)clock)->now_ns;
}

void wk_virtual_sleep(void *clock, int64_t ns)
{
    ((wk_virtual_clock *)clock)->now_ns += ns > 0 ? ns : 0;
}

/* ---- without a thread ---- */

static void recovered(wk__live *live, const wk_journal_open_order *j)
{
    const wk_journal_record *r = &j->order;
    wk_order order = {.id = r->order_id,
                      .symbol = r->market,
                      .side = r->side,
                      .kind = r->order_kind,
                      .reason = r->reason,
                      .reduce_only = r->reduce_only,
                      .qty_lots = r->qty_lots,
                      .price_ticks = r->price_ticks,
                      .stop_ticks = r->stop_ticks,
                      .profit_ticks = r->profit_ticks,
                      .expires_ns = r->expires_ns,
                      .leverage = r->leverage};
    wk__live_order *o = wk__live_add(live, &order);
    o->cancel_wanted = j->cancel_wanted;
    /* The crash may have come between the row and the request, or behind it: the venue knows. */
    o->state = WK__LIVE_UNKNOWN;
    o->recovered = true;
    o->attempts = 1;
    o->filled_lots = j->filled_lots;
    o->sent_ns = wk__live_now(live);
    o->first_sent_ns = r->time_ns > 0 ? r->time_ns : o->sent_ns;
}

wk_status wk__live_create(const wk_executor_live_options *options, wk__live **out, wk_err *err)
{
    wk__live *live = calloc(1, sizeof *live);
    wk__live_symbol *symbols = calloc(options->S ? options->S : 1, sizeof *symbols);
    wk_venue_fill *fills = calloc(WK__LIVE_FILLS, sizeof *fills);
    if (!live || !symbols || !fills) {
        free(live);
        free(symbols);
        free(fills);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    live->options = *options;
    if (options->clock) {
        live->options.now_ns = wk_virtual_now;
        live->options.sleep = wk_virtual_sleep;
        live->options.time_ctx = options->clock;
    }
    live->account = options->account;
    live->symbols = symbols;
    live->fills = fills;
    if (live->options.poll_ns <= 0)
        live->options.poll_ns = 2 * WK_NS_PER_S;
    if (live->options.fills_ns <= 0)
        live->options.fills_ns = 2 * WK_NS_PER_S;
    int64_t day = 86400 * WK_NS_PER_S;
    live->fills_from_ns =
        options->fills_since_ns > 0 ? options->fills_since_ns : wk__live_now(live) - day;
    for (size_t s = 0; s < options->S && !live->account->has_brackets; s++) {
        symbols[s].stop_unsure = true; /* one of the last run may rest there */
        symbols[s].stop_number = (uint64_t)wk__live_now(live);
    }
    for (size_t i = 0; i < options->n_positions; i++) {
        const wk_journal_position *p = &options->positions[i];
        WK_ASSERT(p->market < options->S);
        symbols[p->market].position = p->qty_lots;
        symbols[p->market].entry_ticks = p->entry_ticks;
        symbols[p->market].entry_id = p->entry_id;
        symbols[p->market].stop_ticks = p->stop_ticks;
        symbols[p->market].profit_ticks = p->profit_ticks;
    }
    for (size_t i = 0; i < options->n_orders; i++)
        recovered(live, &options->orders[i]);
    *out = live;
    return WK_OK;
}

void wk__live_destroy(wk__live *live)
{
    if (!live)
        return;
    free(live->symbols);
    free(live->orders);
    free(live->seen);
    free(live->fills);
    free(live->events);
    free(live->rows);
    free(live);
}

static void pause_for(wk__live *live, int64_t ns)
{
    if (live->options.sleep) {
        live->options.sleep(live->options.time_ctx, ns);
        return;
    }
    struct timespec t = {(time_t)(ns / WK_NS_PER_S), (long)(ns % WK_NS_PER_S)};
    nanosleep(&t, NULL);
}

/* Orders that the venue has and the journal does not: ours are cancelled (their entry was never
 * durable), other hands' are counted. */
static wk_status read_open(wk__live *live, wk_reconciliation *found, int64_t until_ns, wk_err *err)
{
    wk_venue_order *open = calloc(OPEN_MAX, sizeof *open);
    if (!open)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n = 0;
    char why[256] = "";
    wk_request_result result;
    while ((result = live->account->open_orders(live->account->self, open, OPEN_MAX, &n, why)) !=
               WK_REQUEST_DONE &&
           result != WK_REQUEST_STOP && wk__live_now(live) < until_ns)
        pause_for(live, WK_NS_PER_S);
    for (size_t i = 0; result == WK_REQUEST_DONE && i < n; i++) {
        const wk_venue_order *v = &open[i];
        bool known = v->client_id == 0 || v->symbol >= live->options.S;
        found->n_foreign_orders += known;
        for (size_t k = 0; !known && k < live->n_orders; k++)
            known = live->orders[k].order.id == v->client_id;
        if (known || (!live->account->has_brackets && v->stop_ticks > 0))
            continue; /* stops follow the position, not the journal */
        found->n_orphans++;
        wk_order order = {.id = v->client_id,
                          .symbol = v->symbol,
                          .side = v->side,
                          .reduce_only = v->reduce_only,
                          .qty_lots = v->qty_lots,
                          .price_ticks = v->price_ticks};
        wk__live_order *o = wk__live_add(live, &order);
        o->state = WK__LIVE_WORKING;
        o->recovered = o->orphan = o->cancel_wanted = true;
        o->attempts = 1;
        o->first_sent_ns = v->created_ns > 0 ? v->created_ns : wk__live_now(live);
        o->sent_ns = wk__live_now(live);
        memcpy(o->venue_id, v->venue_id, sizeof o->venue_id);
    }
    free(open);
    if (result != WK_REQUEST_DONE)
        return wk_fail(err, WK_E_IO, "the venue does not tell its open orders: %s", why);
    return WK_OK;
}

/* What the venue holds beyond ours is of other hands: left alone. What it holds less, other hands
 * have closed, or the venue did when nobody looked: there is nothing of it to trade any more. On a
 * spot venue a holding is no position, and more of it is nobody's business. */
static void settle_difference(wk__live *live, uint32_t s, int64_t there)
{
    wk__live_symbol *y = &live->symbols[s];
    int64_t ours = y->position;
    bool less =
        ours != 0 && ((there > 0) != (ours > 0) || llabs(there) < llabs(ours) || there == 0);
    if (less)
        wk__live_lost_position(live, s, (there > 0) == (ours > 0) ? there : 0);
    if (live->account->has_brackets)
        y->foreign_lots = there - y->position;
}

static wk_status compare_positions(wk__live *live, wk_reconciliation *found, int64_t until_ns,
                                   wk_err *err)
{
    wk_venue_position *v = calloc(live->options.S + 1, sizeof *v);
    if (!v)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n = 0;
    char why[256] = "";
    wk_request_result result;
    while ((result = live->account->positions(live->account->self, v, live->options.S, &n, why)) !=
               WK_REQUEST_DONE &&
           result != WK_REQUEST_STOP && wk__live_now(live) < until_ns)
        pause_for(live, WK_NS_PER_S);
    for (uint32_t s = 0; result == WK_REQUEST_DONE && s < live->options.S; s++) {
        int64_t there = 0;
        for (size_t i = 0; i < n; i++)
            if (v[i].symbol == s)
                there = v[i].qty_lots;
        if (there == live->symbols[s].position ||
            (!live->account->has_brackets && there > live->symbols[s].position &&
             live->symbols[s].position >= 0))
            continue;
        wk_log_write(WK_LOG_WARN, "trade.reconcile", "symbol=%u ours=%lld venue=%lld", s,
                     (long long)live->symbols[s].position, (long long)there);
        if (found->n_differences < WK_RECONCILED_MAX) {
            found->differences[found->n_differences].symbol = s;
            found->differences[found->n_differences].ours_lots = live->symbols[s].position;
            found->differences[found->n_differences].venue_lots = there;
        }
        found->n_differences++;
        settle_difference(live, s, there);
    }
    free(v);
    if (result != WK_REQUEST_DONE)
        return wk_fail(err, WK_E_IO, "the venue does not tell its positions: %s", why);
    return WK_OK;
}

static bool in_doubt(const wk__live *live)
{
    for (size_t i = 0; i < live->n_orders; i++)
        if (live->orders[i].recovered && !wk__live_over(&live->orders[i]) &&
            (live->orders[i].state != WK__LIVE_WORKING || live->orders[i].cancel_wanted))
            return true;
    return live->fills_read_ns == 0 || live->fills_wanted || live->fills_deferred;
}

wk_status wk__live_reconcile(wk__live *live, wk_reconciliation *found, wk_err *err)
{
    wk_reconciliation result = {0};
    int64_t until =
        wk__live_now(live) + live->account->validity_ns(live->account->self) + 60 * WK_NS_PER_S;
    WK_TRY(read_open(live, &result, until, err));
    while (in_doubt(live)) {
        int64_t next = wk__live_step(live), now = wk__live_now(live);
        if (live->stopped)
            return wk_fail(err, WK_E_STATE, "the venue refuses to work with us: %s",
                           live->why_stopped);
        if (now > until)
            return wk_fail(
                err, WK_E_IO,
                "orders of the last run are still in doubt after %lld s; is the venue up?",
                (long long)(60 + live->account->validity_ns(live->account->self) / WK_NS_PER_S));
        if (next > now)
            pause_for(live, next - now < WK_NS_PER_S ? next - now : WK_NS_PER_S);
    }
    for (size_t i = 0; i < live->n_orders; i++) {
        const wk__live_order *o = &live->orders[i];
        if (o->recovered && o->venue_id[0])
            result.n_adopted++;
        else if (o->recovered)
            result.n_never_sent++;
    }
    result.n_adopted -= result.n_orphans < result.n_adopted ? result.n_orphans : result.n_adopted;
    result.n_missed_fills = live->n_missed;
    WK_TRY(compare_positions(live, &result, until, err));
    *found = result;
    return WK_OK;
}

/* ---- the thread ---- */

typedef struct {
    bool is_range;
    wk_action action;
    uint32_t symbol;
    int64_t low_ticks, high_ticks;
} inward;

typedef enum { STREAM_ORDER, STREAM_FILL, STREAM_LOST } stream_kind;
typedef struct {
    stream_kind kind;
    wk_venue_order order;
    wk_venue_fill fill;
} streamed;

typedef struct {
    bool is_row;
    wk_trader_event event;
    wk_journal_record row;
} outward;

typedef struct {
    wk__live *live;
    wk_account account;
    wk_trade_instrument *instruments;
    wk_ring *in, *out, *stream; /* NULL in virtual time */
    pthread_t thread;
    atomic_bool closing, stopped, overflow;
    char why_stopped[256]; /* written before `stopped` is */
    outward next;          /* of the executor's side */
    outward held;          /* of the trader's side */
    bool has_next, has_held;
    wk_virtual_clock *clock;
    int64_t timeframe_ns, until_ns; /* virtual: the clock stays before until_ns */
} runner;

static void pump_out(runner *r)
{
    for (;;) {
        if (!r->has_next &&
            !(r->has_next = wk__live_out(r->live, &r->next.is_row, &r->next.event, &r->next.row)))
            break;
        if (wk_ring_used(r->out) >= RING || !wk_ring_push(r->out, &r->next))
            break;
        r->has_next = false;
    }
    const char *why = wk__live_stopped(r->live);
    if (why && !atomic_load(&r->stopped)) {
        snprintf(r->why_stopped, sizeof r->why_stopped, "%s", why);
        atomic_store(&r->stopped, true);
    }
}

static void pump_in(runner *r)
{
    inward record;
    streamed frame;
    while (wk_ring_pop(r->in, &record)) {
        if (record.is_range)
            wk__live_range(r->live, record.symbol, record.low_ticks, record.high_ticks);
        else
            wk__live_action(r->live, &record.action);
    }
    while (wk_ring_pop(r->stream, &frame)) {
        if (frame.kind == STREAM_ORDER)
            wk__live_stream_order(r->live, &frame.order);
        else if (frame.kind == STREAM_FILL)
            wk__live_stream_fill(r->live, &frame.fill);
        else
            wk__live_stream_lost(r->live);
    }
    if (atomic_exchange(&r->overflow, false))
        wk__live_stream_lost(r->live);
}

static void *run(void *ctx)
{
    runner *r = ctx;
    while (!atomic_load(&r->closing)) {
        pump_in(r);
        int64_t next = wk__live_step(r->live), wait = next - wk__live_now(r->live);
        pump_out(r);
        /* Short, because the private stream cannot wake this ring. */
        int64_t longest = 5 * (WK_NS_PER_S / 1000);
        if (wait > 0)
            wk_ring_wait(r->in, wait < longest ? wait : longest);
    }
    pump_out(r);
    return NULL;
}

static bool submit(void *self, const wk_action *action, int64_t now_ns)
{
    runner *r = self;
    inward record = {.action = *action};
    (void)now_ns;
    if (r->clock) {
        wk__live_action(r->live, action);
        return true;
    }
    return wk_ring_push(r->in, &record);
}

/* Looks at what comes next; rows and events keep their order. */
static bool peek(runner *r)
{
    if (!r->has_held)
        r->has_held = r->clock
                          ? wk__live_out(r->live, &r->held.is_row, &r->held.event, &r->held.row)
                          : wk_ring_pop(r->out, &r->held);
    return r->has_held;
}

static bool poll(void *self, wk_trader_event *out)
{
    runner *r = self;
    if (!peek(r) || r->held.is_row)
        return false;
    *out = r->held.event;
    r->has_held = false;
    return true;
}

static bool row(void *self, wk_journal_record *out)
{
    runner *r = self;
    if (!peek(r) || !r->held.is_row)
        return false;
    *out = r->held.row;
    r->has_held = false;
    return true;
}

static bool stopped(void *self, char *why)
{
    runner *r = self;
    if (r->clock) {
        const char *said = wk__live_stopped(r->live);
        if (said)
            snprintf(why, 256, "%s", said);
        return said != NULL;
    }
    if (!atomic_load(&r->stopped))
        return false;
    memcpy(why, r->why_stopped, sizeof r->why_stopped);
    return true;
}

/* All that is due now, and for a minute what is in doubt; a request takes a millisecond. */
static void settle(void *self)
{
    runner *r = self;
    int64_t until_ns = r->clock->now_ns + 60 * WK_NS_PER_S;
    if (until_ns > r->until_ns)
        until_ns = r->until_ns;
    for (;;) {
        int64_t next = wk__live_step(r->live), now = r->clock->now_ns;
        if (next <= now)
            next = now + WK_NS_PER_S / 1000;
        else if (!wk__live_unsettled(r->live))
            return;
        if (next >= until_ns)
            return;
        r->clock->now_ns = next;
    }
}

static void step(void *self, const wk_features_step *now, const double *sigma)
{
    runner *r = self;
    (void)sigma;
    if (r->clock) {
        int64_t close_ns = now->time_ns + r->timeframe_ns;
        r->until_ns = close_ns + r->timeframe_ns;
        if (close_ns > r->clock->now_ns)
            r->clock->now_ns = close_ns;
        wk__live_look(r->live);
        settle(r);
    }
    if (r->account.has_brackets)
        return;
    for (uint32_t s = 0; s < r->live->options.S; s++) {
        double tick = r->instruments[s].tick;
        const wk_bar *bar = &now->bars[s];
        if (!(bar->low > 0) || !(bar->high >= bar->low))
            continue;
        inward record = {.is_range = true, .symbol = s};
        record.low_ticks = (int64_t)(bar->low / tick + 0.5);
        record.high_ticks = (int64_t)(bar->high / tick + 0.5);
        if (r->clock)
            wk__live_range(r->live, s, record.low_ticks, record.high_ticks);
        else
            wk_ring_push(r->in, &record); /* the next bar says it again */
    }
    if (r->clock)
        settle(r);
}

static void stream_push(runner *r, const streamed *frame)
{
    if (!wk_ring_push(r->stream, frame))
        atomic_store(&r->overflow, true);
}

static void on_order(void *ctx, const wk_venue_order *order)
{
    streamed frame = {.kind = STREAM_ORDER, .order = *order};
    stream_push(ctx, &frame);
}

static void on_fill(void *ctx, const wk_venue_fill *fill)
{
    streamed frame = {.kind = STREAM_FILL, .fill = *fill};
    stream_push(ctx, &frame);
}

static void on_lost(void *ctx)
{
    streamed frame = {.kind = STREAM_LOST};
    stream_push(ctx, &frame);
}

static void finish(runner *r)
{
    wk__live_destroy(r->live);
    wk_ring_destroy(r->in);
    wk_ring_destroy(r->out);
    wk_ring_destroy(r->stream);
    free(r->instruments);
    free(r);
}

/* The account ends before the rings, into which its stream's thread pushes. */
static void close_live(void *self)
{
    runner *r = self;
    if (!r)
        return;
    atomic_store(&r->closing, true);
    if (!r->clock)
        pthread_join(r->thread, NULL);
    if (r->account.close)
        r->account.close(r->account.self);
    finish(r);
}

wk_status wk_executor_live(const wk_executor_live_options *options, wk_executor *out,
                           wk_reconciliation *found, wk_err *err)
{
    runner *r = calloc(1, sizeof *r);
    if (!r)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    r->account = *options->account;
    r->clock = options->clock;
    r->timeframe_ns = options->timeframe_ns;
    wk_executor_live_options own = *options;
    own.account = &r->account;
    wk_status status = WK_E_NOMEM;
    size_t S = options->S ? options->S : 1;
    if (!(r->instruments = calloc(S, sizeof *r->instruments))) {
        wk_fail(err, status, "out of memory");
        goto fail;
    }
    if (options->S > 0)
        memcpy(r->instruments, options->instruments, options->S * sizeof *r->instruments);
    own.instruments = r->instruments;
    if ((status = wk_ring_create(sizeof(inward), RING, &r->in, err)) != WK_OK ||
        (status = wk_ring_create(sizeof(outward), RING, &r->out, err)) != WK_OK ||
        (status = wk_ring_create(sizeof(streamed), RING, &r->stream, err)) != WK_OK ||
        (status = wk__live_create(&own, &r->live, err)) != WK_OK ||
        (status = wk__live_reconcile(r->live, found, err)) != WK_OK)
        goto fail;
    *out = (wk_executor){.self = r,
                         .submit = submit,
                         .poll = poll,
                         .step = step,
                         .close = close_live,
                         .row = row,
                         .stopped = stopped,
                         .settle = r->clock ? settle : NULL};
    if (r->clock) {
        r->until_ns = r->clock->now_ns + r->timeframe_ns;
        return WK_OK;
    }
    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        status = wk_fail(err, WK_E_IO, "cannot start the executor's thread");
        goto fail;
    }
    if (r->account.stream && (status = r->account.stream(r->account.self, r, on_order, on_fill,
                                                         on_lost, err)) != WK_OK) {
        atomic_store(&r->closing, true);
        pthread_join(r->thread, NULL);
        goto fail;
    }
    return WK_OK;
fail:
    finish(r);
    return status;
}

bool wk_executor_live_journal(const wk_executor *executor, wk_journal_record *out)
{
    return executor->row(executor->self, out);
}

bool wk_executor_live_stopped(const wk_executor *executor, char *why)
{
    return executor->stopped(executor->self, why);
}
