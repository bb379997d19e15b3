/* The thread, and the executor's interface. */
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

enum { RING = 4096 };

int64_t wk_virtual_now(void *clock)
{
    return ((wk_virtual_clock *)clock)->now_ns;
}

void wk_virtual_sleep(void *clock, int64_t ns)
{
    ((wk_virtual_clock *)clock)->now_ns += ns > 0 ? ns : 0;
}

/* ---- without a thread ---- */

const char *wk__live_market_name(const wk__live *live, uint32_t s)
{
    const wk_trade_instrument *all = live->options.instruments;
    return all && all[s].symbol[0] ? all[s].symbol : "?";
}

const char *wk__live_result_word(wk_request_result result)
{
    static const char *const words[] = {[WK_REQUEST_DONE] = "done",
                                        [WK_REQUEST_REFUSED] = "refused",
                                        [WK_REQUEST_UNKNOWN] = "unknown",
                                        [WK_REQUEST_LATER] = "later",
                                        [WK_REQUEST_STOP] = "stop"};
    return words[result];
}

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
    o->first_sent_ns = o->doubt_ns = r->time_ns > 0 ? r->time_ns : o->sent_ns;
}

wk_status wk__live_create(const wk_executor_live_options *options, wk__live **out, wk_err *err)
{
    wk__live *live = calloc(1, sizeof *live);
    wk__live_symbol *symbols = calloc(options->S ? options->S : 1, sizeof *symbols);
    wk_venue_fill *fills = calloc(WK__LIVE_FILLS, sizeof *fills);
    wk_venue_funding *funding = calloc(WK__LIVE_FUNDING, sizeof *funding);
    if (!live || !symbols || !fills || !funding) {
        free(live);
        free(symbols);
        free(fills);
        free(funding);
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
    live->funding = funding;
    if (live->options.poll_ns <= 0)
        live->options.poll_ns = 2 * WK_NS_PER_S;
    if (live->options.fills_ns <= 0)
        live->options.fills_ns = 2 * WK_NS_PER_S;
    int64_t day = 86400 * WK_NS_PER_S;
    live->fills_from_ns =
        options->fills_since_ns > 0 ? options->fills_since_ns : wk__live_now(live) - day;
    /* What was paid while nobody looked counts, whoever held it last. */
    live->funding_from_ns = live->fills_from_ns;
    for (size_t s = 0; s < options->S; s++)
        symbols[s].held_ns = wk__live_now(live);
    for (size_t s = 0; s < options->S && !live->account->has_brackets; s++) {
        symbols[s].stop_unsure = true; /* one of the last run may rest there */
        symbols[s].stop_number = (uint64_t)wk__live_now(live);
    }
    /* A stop that the last run had just sent may appear until its validity is over. */
    live->audit_ns =
        wk__live_now(live) + live->account->validity_ns(live->account->self) + 2 * WK_NS_PER_S;
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
    free(live->funding);
    free(live->events);
    free(live->rows);
    free(live);
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

/* All that is due now, and for a minute what is in doubt, for ten a stop; a request takes a
 * millisecond. */
static void settle(void *self)
{
    runner *r = self;
    int64_t until_ns = r->clock->now_ns + 60 * WK_NS_PER_S;
    int64_t far_ns = r->clock->now_ns + 600 * WK_NS_PER_S;
    if (until_ns > r->until_ns)
        until_ns = r->until_ns;
    if (far_ns > r->until_ns)
        far_ns = r->until_ns;
    for (;;) {
        int64_t next = wk__live_step(r->live), now = r->clock->now_ns;
        if (next <= now)
            next = now + WK_NS_PER_S / 1000;
        else if (!wk__live_unsettled(r->live))
            return;
        if (next >= (wk__live_stops_settled(r->live) ? until_ns : far_ns))
            return;
        r->clock->now_ns = next;
    }
}

/* Did a limit entry wait in the bar, at a price that the bar had or one that its open was beyond?
 */
static bool may_have_filled(const runner *r, const wk_features_step *now)
{
    for (size_t i = 0; i < r->live->n_orders; i++) {
        const wk__live_order *o = &r->live->orders[i];
        const wk_bar *bar = &now->bars[o->order.symbol];
        double price = (double)o->order.price_ticks * r->instruments[o->order.symbol].tick;
        double slack = r->instruments[o->order.symbol].tick;
        if (!wk__live_over(o) && o->order.kind == WK_ORDER_LIMIT && !o->order.reduce_only &&
            (o->order.side > 0 ? price >= bar->low - slack : price <= bar->high + slack))
            return true;
    }
    return false;
}

/* Virtual time goes through the bar. Where the venue keeps no brackets a limit entry may fill at
 * any moment of it, and its stop is due then, not at the close: reads the fills every minute, where
 * by the wall clock the stream would tell. What was left unsettled, such as a stop that the start
 * or the close before could not place, is gone on with too, as the thread would. */
static void pass(runner *r, const wk_features_step *now, int64_t close_ns)
{
    int64_t at_ns = r->clock->now_ns > now->time_ns ? r->clock->now_ns : now->time_ns;
    r->until_ns = close_ns;
    while (!r->account.has_brackets && (may_have_filled(r, now) || wk__live_unsettled(r->live))) {
        at_ns += 60 * WK_NS_PER_S;
        if (at_ns >= close_ns)
            break;
        if (at_ns > r->clock->now_ns)
            r->clock->now_ns = at_ns;
        wk__live_read_fills(r->live);
        if (wk__live_unsettled(r->live))
            settle(r);
    }
    r->until_ns = close_ns + r->timeframe_ns;
    if (close_ns > r->clock->now_ns)
        r->clock->now_ns = close_ns;
}

static void step(void *self, const wk_features_step *now, const double *sigma)
{
    runner *r = self;
    (void)sigma;
    if (r->clock) {
        int64_t close_ns = now->time_ns + r->timeframe_ns;
        pass(r, now, close_ns);
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
