/* The executor against a scripted account: time-outs after accept, late arrivals, partial fills,
 * duplicates, reordering, crashes. No order is doubled or lost, and the position always equals the
 * fills. WICK_LIVE_SEEDS sets the number of seeds, 10,000 by default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executor_live.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { S = 3, ORDERS = 256, FILLS = 1024, STOPS = 1024, MS = 1000000 };
#define SECOND WK_NS_PER_S
#define VALIDITY (5 * SECOND)
#define NEVER INT64_MAX

typedef struct {
    wk_order order;
    int64_t arrives_ns;
    int64_t filled;
    bool gone;
    char id[32];
} venue_order;

typedef struct {
    wk_venue_fill fill;
    int64_t visible_ns;
    int streamed; /* times */
} venue_fill;

typedef struct {
    uint64_t random;
    int64_t now;
    bool calm;                /* no faults any more */
    bool anonymous;           /* fills bear only the venue's order id */
    wk_request_result always; /* STOP: every placement */
    venue_order orders[ORDERS];
    size_t n_orders;
    venue_fill fills[FILLS];
    size_t n_fills;
    int64_t position[S];
    int64_t stop_lots[S]; /* as rests */
    uint64_t stop_id[S], used[STOPS];
    size_t n_stop_ids;
    bool stops_strike;
    size_t n_doubled, n_placed_exits, n_oversold;
} fake;

static uint64_t next(fake *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random * UINT64_C(0x2545F4914F6CDD1D) >> 11;
}

static bool chance(fake *f, int percent)
{
    return !f->calm && (int)(next(f) % 100) < percent;
}

static int64_t now_ns(void *ctx)
{
    return ((fake *)ctx)->now;
}

static void add_fill(fake *f, uint32_t symbol, int side, int64_t lots, uint64_t client,
                     const char *order_id)
{
    assert_true(f->n_fills < FILLS);
    venue_fill *v = &f->fills[f->n_fills];
    *v = (venue_fill){.visible_ns = f->now + (int64_t)(next(f) % 3000) * MS};
    v->fill = (wk_venue_fill){.client_id = f->anonymous ? 0 : client,
                              .symbol = symbol,
                              .side = (int8_t)side,
                              .qty_lots = lots,
                              .price_ticks = 1000 + (int64_t)(next(f) % 10),
                              .fee_e8 = 7 * lots,
                              .time_ns = f->now};
    snprintf(v->fill.fill_id, sizeof v->fill.fill_id, "F%zu", f->n_fills++);
    snprintf(v->fill.venue_order_id, sizeof v->fill.venue_order_id, "%s", order_id);
    f->position[symbol] += side * lots;
    f->n_oversold += f->stops_strike && f->position[symbol] < 0;
}

/* A resting stop strikes now and then, at times in two parts. */
static void strike(fake *f)
{
    for (uint32_t s = 0; s < S && f->stops_strike && !f->calm; s++) {
        char id[32];
        int64_t lots = f->stop_lots[s];
        if (lots <= 0 || next(f) % 400 != 0)
            continue;
        if (lots > 1 && next(f) % 3 == 0)
            lots = 1 + (int64_t)(next(f) % (uint64_t)(lots - 1));
        if (lots > f->position[s])
            lots = f->position[s]; /* a spot venue sells what is there */
        snprintf(id, sizeof id, "S%llx", (unsigned long long)f->stop_id[s]);
        if (lots > 0)
            add_fill(f, s, -1, lots, f->stop_id[s], id);
        f->stop_lots[s] = lots > 0 ? f->stop_lots[s] - lots : 0;
    }
}

static void advance(fake *f, int64_t ns)
{
    f->now += ns;
    for (size_t i = 0; i < f->n_orders; i++) {
        venue_order *o = &f->orders[i];
        int64_t rest = o->order.qty_lots - o->filled;
        if (o->arrives_ns > f->now || o->gone || rest == 0)
            continue;
        bool market = o->order.kind == WK_ORDER_MARKET;
        if (!market && next(f) % 100 >= 3)
            continue;
        int64_t lots = next(f) % 2 ? rest : 1 + (int64_t)(next(f) % (uint64_t)rest);
        o->filled += lots;
        add_fill(f, o->order.symbol, o->order.side, lots, o->order.id, o->id);
    }
    strike(f);
}

static void wait_some(fake *f, bool timed_out)
{
    advance(f, timed_out ? 3 * SECOND : (int64_t)(5 + next(f) % 200) * MS);
}

static venue_order *find(fake *f, uint64_t id)
{
    for (size_t i = 0; i < f->n_orders; i++)
        if (f->orders[i].order.id == id)
            return &f->orders[i];
    return NULL;
}

static void describe(const fake *f, const venue_order *o, wk_venue_order *out)
{
    (void)f;
    *out = (wk_venue_order){.client_id = o->order.id,
                            .symbol = o->order.symbol,
                            .side = o->order.side,
                            .is_open = !o->gone && o->filled < o->order.qty_lots,
                            .qty_lots = o->order.qty_lots,
                            .filled_lots = o->filled};
    snprintf(out->venue_id, sizeof out->venue_id, "%s", o->id);
}

static int64_t validity_ns(void *self)
{
    (void)self;
    return VALIDITY;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    f->n_placed_exits += order->reduce_only;
    if (f->always == WK_REQUEST_STOP)
        return WK_REQUEST_STOP;
    int64_t arrives = f->now;
    wk_request_result result = WK_REQUEST_DONE;
    int dice = f->calm ? 99 : (int)(next(f) % 100);
    if (dice < 6)
        return WK_REQUEST_REFUSED;
    if (dice < 16) {
        *wait_ns = (int64_t)(next(f) % 1500) * MS;
        return WK_REQUEST_LATER;
    }
    if (dice < 55) {
        result = WK_REQUEST_UNKNOWN;
        arrives = dice < 30   ? NEVER
                  : dice < 40 ? f->now
                              : f->now + (int64_t)(next(f) % (uint64_t)(VALIDITY / MS)) * MS;
    }
    if (arrives != NEVER) {
        f->n_doubled += find(f, order->id) != NULL;
        assert_true(f->n_orders < ORDERS);
        venue_order *o = &f->orders[f->n_orders];
        *o = (venue_order){.order = *order, .arrives_ns = arrives};
        snprintf(o->id, sizeof o->id, "V%zu", f->n_orders++);
    }
    wait_some(f, result == WK_REQUEST_UNKNOWN);
    if (result == WK_REQUEST_DONE)
        describe(f, find(f, order->id), out);
    return result;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    fake *f = self;
    (void)symbol;
    snprintf(why, 256, "scripted");
    *wait_ns = 100 * MS;
    if (chance(f, 10))
        return WK_REQUEST_LATER;
    venue_order *o = find(f, client_id);
    bool lost = chance(f, 20);
    wait_some(f, lost);
    if (lost && chance(f, 50))
        return WK_REQUEST_UNKNOWN;
    bool open = o && o->arrives_ns <= f->now && !o->gone && o->filled < o->order.qty_lots;
    if (open)
        o->gone = true;
    return lost ? WK_REQUEST_UNKNOWN : open ? WK_REQUEST_DONE : WK_REQUEST_REFUSED;
}

static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    *wait_ns = 100 * MS;
    if (chance(f, 15))
        return next(f) % 2 ? WK_REQUEST_UNKNOWN : WK_REQUEST_LATER;
    wait_some(f, false);
    for (size_t i = 0; i < f->n_stop_ids; i++)
        if (f->used[i] == client_id) {
            *out = (wk_venue_order){.client_id = client_id,
                                    .symbol = symbol,
                                    .is_open = f->stop_lots[symbol] > 0 &&
                                               f->stop_id[symbol] == client_id};
            for (size_t k = 0; k < f->n_fills; k++)
                if (f->fills[k].fill.client_id == client_id)
                    out->filled_lots += f->fills[k].fill.qty_lots;
            return WK_REQUEST_DONE;
        }
    venue_order *o = find(f, client_id);
    if (!o || o->arrives_ns > f->now)
        return WK_REQUEST_REFUSED;
    describe(f, o, out);
    return WK_REQUEST_DONE;
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    *n = 0;
    if (chance(f, 15))
        return WK_REQUEST_UNKNOWN;
    for (size_t i = 0; i < f->n_orders && *n < room; i++)
        if (f->orders[i].arrives_ns <= f->now && !f->orders[i].gone &&
            f->orders[i].filled < f->orders[i].order.qty_lots)
            describe(f, &f->orders[i], &out[(*n)++]);
    for (uint32_t s = 0; s < S && *n < room; s++)
        if (f->stop_lots[s] > 0)
            out[(*n)++] = (wk_venue_order){.client_id = f->stop_id[s],
                                           .symbol = s,
                                           .side = -1,
                                           .is_open = true,
                                           .qty_lots = f->stop_lots[s],
                                           .stop_ticks = 900};
    return WK_REQUEST_DONE;
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    wait_some(f, false);
    if (chance(f, 15))
        return WK_REQUEST_UNKNOWN;
    *n = 0;
    for (size_t i = f->n_fills; i-- > 0 && *n < room;) /* newest first, as some venues do */
        if (f->fills[i].visible_ns <= f->now && f->fills[i].fill.time_ns >= since_ns) {
            out[(*n)++] = f->fills[i].fill;
            if (chance(f, 10) && *n < room)
                out[(*n)++] = f->fills[i].fill;
        }
    return WK_REQUEST_DONE;
}

static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    fake *f = self;
    (void)room;
    snprintf(why, 256, "scripted");
    wait_some(f, false);
    if (chance(f, 30))
        return WK_REQUEST_UNKNOWN;
    for (*n = 0; *n < S; (*n)++)
        out[*n] = (wk_venue_position){.symbol = (uint32_t)*n, .qty_lots = f->position[*n]};
    return WK_REQUEST_DONE;
}

static wk_request_result put_stop(fake *f, uint32_t symbol, int64_t lots, uint64_t id, bool is_new)
{
    bool rests = f->stop_lots[symbol] > 0 && f->stop_id[symbol] == id;
    if (lots != 0 && !rests && !is_new)
        return WK_REQUEST_REFUSED;
    f->stop_lots[symbol] = 0; /* the old one goes first */
    if (f->stops_strike && (lots > f->position[symbol] || chance(f, 5)))
        return WK_REQUEST_REFUSED;
    for (size_t i = 0; lots != 0 && !rests && i < f->n_stop_ids; i++)
        f->n_doubled += f->used[i] == id;
    if (lots != 0 && !rests) {
        assert_true(f->n_stop_ids < STOPS);
        f->used[f->n_stop_ids++] = id;
    }
    f->stop_lots[symbol] = lots;
    f->stop_id[symbol] = id;
    return WK_REQUEST_DONE;
}

static wk_request_result protect_lots(void *self, uint32_t symbol, int64_t lots, int64_t stop_ticks,
                                      uint64_t client_id, bool is_new, int64_t *wait_ns, char *why)
{
    fake *f = self;
    (void)stop_ticks;
    snprintf(why, 256, "scripted");
    *wait_ns = 0;
    if (chance(f, 10)) {
        if (chance(f, 50))
            f->stop_lots[symbol] = 0; /* cancelled, and then the rate limit */
        return WK_REQUEST_LATER;
    }
    bool lost = chance(f, 20);
    wait_some(f, lost);
    if (lost && chance(f, 50))
        return WK_REQUEST_UNKNOWN;
    wk_request_result result = put_stop(f, symbol, lots, client_id, is_new);
    return lost ? WK_REQUEST_UNKNOWN : result;
}

static wk_account account_of(fake *f, bool has_brackets)
{
    return (wk_account){.self = f,
                        .name = "fake",
                        .validity_ns = validity_ns,
                        .place = place,
                        .cancel = cancel,
                        .query = query,
                        .open_orders = open_orders,
                        .fills = fills,
                        .positions = positions,
                        .has_brackets = has_brackets,
                        .protect_lots = has_brackets ? NULL : protect_lots};
}

/* ---- what the trader and its journal know ---- */

typedef struct {
    wk_order order;
    int64_t filled, rest;
    int ends;
    bool over;
} believed;

typedef struct {
    believed orders[ORDERS];
    size_t n;
    int64_t position[S];
    uint64_t entry_id[S];
    char fill_ids[FILLS][16];
    size_t n_fill_ids;
    uint64_t seed;
} trader;

static bool has_fill(void *ctx, const char *id)
{
    trader *t = ctx;
    for (size_t i = 0; i < t->n_fill_ids; i++)
        if (strcmp(t->fill_ids[i], id) == 0)
            return true;
    return false;
}

static believed *believed_of(trader *t, uint64_t id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->orders[i].order.id == id)
            return &t->orders[i];
    return NULL;
}

static void drain(wk__live *live, trader *t)
{
    wk_trader_event e;
    wk_journal_record row;
    while (wk__live_event(live, &e)) {
        believed *b = believed_of(t, e.order_id);
        if (e.kind == WK_TRADER_EVENT_FILL) {
            t->position[e.symbol] += e.side * e.qty_lots;
            if (e.reason == WK_REASON_STOP_LOSS || e.reason == WK_REASON_TAKE_PROFIT ||
                e.reason == WK_REASON_END)
                continue;
            assert_non_null(b);
            b->filled += e.qty_lots;
            b->over |= b->filled >= b->order.qty_lots;
            if (!b->order.reduce_only)
                t->entry_id[e.symbol] = b->order.id;
        } else if (e.kind == WK_TRADER_EVENT_CANCELED || e.kind == WK_TRADER_EVENT_REJECT) {
            assert_non_null(b);
            b->ends++;
            b->rest = e.qty_lots;
            b->over = true;
        }
    }
    while (wk__live_row(live, &row))
        if (row.kind == WK_JOURNAL_FILL) {
            assert_false(has_fill(t, row.venue_id));
            assert_true(t->n_fill_ids < FILLS);
            snprintf(t->fill_ids[t->n_fill_ids++], 16, "%.15s", row.venue_id);
        }
}

static void pass(void *ctx, int64_t ns)
{
    advance(ctx, ns);
}

static wk__live *start(fake *f, trader *t, const wk_account *account, wk_reconciliation *found)
{
    wk_journal_open_order orders[ORDERS];
    wk_journal_position held[S];
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        const believed *b = &t->orders[i];
        if (b->over)
            continue;
        orders[n] = (wk_journal_open_order){.filled_lots = b->filled};
        orders[n++].order = (wk_journal_record){.order_id = b->order.id,
                                                .market = b->order.symbol,
                                                .side = b->order.side,
                                                .order_kind = b->order.kind,
                                                .reason = b->order.reason,
                                                .reduce_only = b->order.reduce_only,
                                                .qty_lots = b->order.qty_lots,
                                                .stop_ticks = b->order.stop_ticks,
                                                .time_ns = f->now};
    }
    for (uint32_t s = 0; s < S; s++)
        held[s] = (wk_journal_position){.market = s,
                                        .qty_lots = t->position[s],
                                        .entry_id = t->entry_id[s],
                                        .stop_ticks = 900,
                                        .profit_ticks = 1100};
    wk_executor_live_options options = {.account = account,
                                        .S = S,
                                        .orders = orders,
                                        .n_orders = n,
                                        .positions = held,
                                        .n_positions = t->n ? S : 0,
                                        .fills_since_ns = 1,
                                        .has_fill = has_fill,
                                        .has_fill_ctx = t,
                                        .now_ns = now_ns,
                                        .sleep = pass,
                                        .time_ctx = f};
    wk__live *live;
    wk_err err;
    assert_int_equal(wk__live_create(&options, &live, &err), WK_OK);
    if (found && wk__live_reconcile(live, found, &err) != WK_OK) {
        print_error("%s\n", err.msg);
        wk__live_destroy(live);
        return NULL;
    }
    return live;
}

static void turn(wk__live *live, fake *f, trader *t)
{
    int64_t due = wk__live_step(live), ahead = due - f->now;
    if (ahead > 0)
        advance(f, ahead < 300 * MS ? ahead : 300 * MS);
    for (int k = 0; k < 2 && f->n_fills > 0 && !f->calm; k++) { /* any fill, again, in any order */
        venue_fill *v = &f->fills[next(f) % f->n_fills];
        wk_venue_fill fill = v->fill;
        if (next(f) % 2)
            fill.fee_e8 = WK_FEE_NOT_TOLD;
        if (next(f) % 2)
            wk__live_stream_fill(live, &fill);
    }
    if (f->n_orders > 0 && next(f) % 4 == 0) {
        wk_venue_order told;
        describe(f, &f->orders[next(f) % f->n_orders], &told);
        wk__live_stream_order(live, &told);
    }
    drain(live, t);
}

static void run_seed(uint64_t seed)
{
    fake *f = calloc(1, sizeof *f);
    trader *t = calloc(1, sizeof *t);
    assert_non_null(f);
    assert_non_null(t);
    f->random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15);
    f->now = INT64_C(1700000000) * SECOND;
    f->anonymous = seed % 2;
    wk_account account = account_of(f, seed % 3 != 0);
    if (seed % 3 == 0)
        f->anonymous = false; /* Kraken tells client ids of stops */
    f->stops_strike = !account.has_brackets;
    wk__live *live = start(f, t, &account, NULL);
    size_t n = 4 + next(f) % 16, crashes = 0, n_differences = 0;
    for (int i = 0; t->n < n || i < 200; i++) {
        if (t->n < n && next(f) % 4 == 0) {
            uint32_t s = (uint32_t)(next(f) % S);
            bool reduces = t->position[s] != 0 && next(f) % 2;
            wk_action a = {.kind = WK_ACTION_PLACE};
            a.order = (wk_order){.id = (seed << 16) + t->n + 1,
                                 .symbol = s,
                                 .side = reduces ? (t->position[s] > 0 ? -1 : 1) : 1,
                                 .kind = reduces || next(f) % 2 ? WK_ORDER_MARKET : WK_ORDER_LIMIT,
                                 .reason = reduces ? WK_REASON_FLIP : WK_REASON_ENTRY,
                                 .reduce_only = reduces,
                                 .qty_lots =
                                     reduces ? llabs(t->position[s]) : 1 + (int64_t)(next(f) % 50),
                                 .price_ticks = 1000,
                                 .stop_ticks = reduces ? 0 : 900,
                                 .profit_ticks = reduces ? 0 : 1100};
            if (!reduces && next(f) % 2)
                a.order.expires_ns = f->now + (int64_t)(next(f) % 20) * SECOND;
            t->orders[t->n++].order = a.order;
            wk__live_action(live, &a);
            if (next(f) % 8 == 0)
                wk__live_action(live, &a); /* a caller that stutters */
        }
        if (t->n > 0 && next(f) % 20 == 0) {
            wk_action a = {.kind = WK_ACTION_CANCEL};
            a.order = t->orders[next(f) % t->n].order;
            wk__live_action(live, &a);
        }
        if (next(f) % 50 == 0)
            wk__live_range(live, (uint32_t)(next(f) % S), 1050, 1150);
        turn(live, f, t);
        if (crashes < 2 && next(f) % 200 == 0) {
            crashes++;
            wk__live_step(live); /* its rows and events are lost */
            wk__live_destroy(live);
            wk_reconciliation found = {0};
            while (!(live = start(f, t, &account, &found))) {
            }
            n_differences += found.n_differences;
            drain(live, t);
        }
    }
    int turns = 0;
    while (wk__live_working(live) > 0 && turns++ < 20000) {
        if (turns == 300)
            for (size_t i = 0; i < t->n; i++) { /* limits that nobody takes */
                wk_action a = {.kind = WK_ACTION_CANCEL, .order = t->orders[i].order};
                if (!a.order.reduce_only)
                    wk__live_action(live, &a);
            }
        turn(live, f, t);
    }
    f->calm = true;
    for (int i = 0; i < 400; i++)
        turn(live, f, t);
    bool good = wk__live_working(live) == 0 && f->n_doubled == 0 && n_differences == 0 &&
                f->n_oversold == 0;
    for (size_t i = 0; i < t->n; i++) {
        const believed *b = &t->orders[i];
        bool complete = b->ends == 0 ? b->filled == b->order.qty_lots
                                     : b->ends == 1 && b->filled + b->rest == b->order.qty_lots;
        const venue_order *v = find(f, b->order.id);
        complete &= b->filled == (v ? v->filled : 0);
        if (!complete)
            print_error("seed %llu order %zu: qty %lld filled %lld ends %d rest %lld venue %lld\n",
                        (unsigned long long)seed, i, (long long)b->order.qty_lots,
                        (long long)b->filled, b->ends, (long long)b->rest,
                        (long long)(v ? v->filled : -1));
        good &= complete;
    }
    for (int s = 0; s < S; s++) {
        good &= t->position[s] == f->position[s];
        if (!account.has_brackets)
            good &= f->stop_lots[s] == f->position[s];
    }
    if (!good)
        print_error("seed %llu: working %zu doubled %zu differences %zu oversold %zu positions "
                    "%lld %lld, %lld %lld, %lld %lld stops "
                    "%lld %lld %lld crashes %zu\n",
                    (unsigned long long)seed, wk__live_working(live), f->n_doubled, n_differences,
                    f->n_oversold, (long long)t->position[0], (long long)f->position[0],
                    (long long)t->position[1], (long long)f->position[1], (long long)t->position[2],
                    (long long)f->position[2], (long long)f->stop_lots[0],
                    (long long)f->stop_lots[1], (long long)f->stop_lots[2], crashes);
    wk__live_destroy(live);
    free(f);
    free(t);
    assert_true(good);
}

static void test_no_order_is_doubled_or_lost_and_positions_equal_fills(void **state)
{
    (void)state;
    const char *text = getenv("WICK_LIVE_SEEDS");
    uint64_t seeds = text ? strtoull(text, NULL, 10) : 10000;
    const char *first = getenv("WICK_LIVE_FIRST");
    for (uint64_t seed = first ? strtoull(first, NULL, 10) : 0; seed < seeds; seed++)
        run_seed(seed);
}

static void test_after_a_stop_entries_are_refused_and_exits_still_sent(void **state)
{
    (void)state;
    fake f = {.random = 5, .now = SECOND, .calm = true, .always = WK_REQUEST_STOP};
    wk_account account = account_of(&f, true);
    wk_executor_live_options options = {
        .account = &account, .S = S, .now_ns = now_ns, .time_ctx = &f};
    wk__live *live;
    wk_err err;
    assert_int_equal(wk__live_create(&options, &live, &err), WK_OK);
    wk_action entry = {.order = {.id = 1, .side = 1, .qty_lots = 3, .reason = WK_REASON_ENTRY}};
    wk_action exit_order = {.order = {.id = 2, .side = -1, .qty_lots = 3, .reduce_only = true}};
    wk__live_action(live, &entry);
    wk__live_step(live); /* reads fills */
    wk__live_step(live);
    wk_trader_event e;
    assert_true(wk__live_event(live, &e));
    assert_int_equal(e.kind, WK_TRADER_EVENT_REJECT);
    assert_string_equal(wk__live_stopped(live), "scripted");
    wk__live_action(live, &exit_order);
    for (int i = 0; i < 50; i++) {
        wk__live_step(live);
        f.now += SECOND;
    }
    assert_true(f.n_placed_exits >= 3);
    f.always = WK_REQUEST_DONE; /* the person has mended it */
    for (int i = 0; i < 50; i++) {
        wk__live_step(live);
        advance(&f, SECOND);
    }
    assert_int_equal(wk__live_working(live), 0);
    assert_int_equal(f.position[0], -3);
    wk__live_destroy(live);
}

static void test_start_reports_orphans_foreign_orders_and_hand_made_positions(void **state)
{
    (void)state;
    fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->random = 9;
    f->now = INT64_C(1700000000) * SECOND;
    f->calm = true;
    wk_account account = account_of(f, true);
    for (uint64_t i = 0; i < 2; i++) { /* 77 is ours but unknown to the journal; 0 is by hand */
        f->orders[i] = (venue_order){
            .order = {.id = i ? 0 : 77, .kind = WK_ORDER_LIMIT, .side = 1, .qty_lots = 1000000000}};
        snprintf(f->orders[i].id, 32, "V%d", (int)i);
    }
    f->n_orders = 2;
    f->position[1] = 12;
    wk_journal_open_order lost = {.order = {.order_id = 5, .side = 1, .qty_lots = 4}};
    wk_executor_live_options options = {.account = &account,
                                        .S = S,
                                        .orders = &lost,
                                        .n_orders = 1,
                                        .now_ns = now_ns,
                                        .time_ctx = f};
    options.sleep = (void (*)(void *, int64_t))advance;
    wk__live *live;
    wk_err err;
    wk_reconciliation found;
    assert_int_equal(wk__live_create(&options, &live, &err), WK_OK);
    assert_int_equal(wk__live_reconcile(live, &found, &err), WK_OK);
    assert_int_equal(found.n_orphans, 1);
    assert_int_equal(found.n_foreign_orders, 1);
    assert_int_equal(found.n_never_sent, 1);
    assert_true(f->orders[0].gone);
    assert_false(f->orders[1].gone);
    assert_true(found.n_differences >= 1);
    assert_int_equal(find(f, 5) == NULL, 1); /* an old entry is not sent */
    wk__live_destroy(live);
    free(f);
}

static int64_t ticking_now(void *ctx)
{
    return ((fake *)ctx)->now += 5 * MS; /* all calls come from the executor's thread */
}

static void test_the_thread_carries_orders_in_and_fills_out(void **state)
{
    (void)state;
    fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->random = 3;
    f->now = INT64_C(1700000000) * SECOND;
    f->calm = true;
    wk_account account = account_of(f, true);
    wk_trade_instrument instruments[S] = {{"A", 1, 1, 1}, {"B", 1, 1, 1}, {"C", 1, 1, 1}};
    wk_executor_live_options options = {.account = &account,
                                        .S = S,
                                        .instruments = instruments,
                                        .now_ns = ticking_now,
                                        .time_ctx = f};
    options.sleep = (void (*)(void *, int64_t))advance;
    wk_executor executor;
    wk_reconciliation found;
    wk_err err;
    assert_int_equal(wk_executor_live(&options, &executor, &found, &err), WK_OK);
    for (uint64_t i = 1; i <= 20; i++) {
        wk_action a = {.order = {.id = i, .symbol = (uint32_t)(i % S), .side = 1, .qty_lots = 7}};
        assert_true(executor.submit(executor.self, &a, 0));
    }
    int64_t lots = 0, until = wk_clock_monotonic_ns() + 30 * SECOND;
    size_t acks = 0, rows = 0;
    wk_trader_event e;
    wk_journal_record row;
    char why[256];
    while (lots < 140 && wk_clock_monotonic_ns() < until) {
        while (executor.poll(executor.self, &e)) {
            acks += e.kind == WK_TRADER_EVENT_ACK;
            lots += e.kind == WK_TRADER_EVENT_FILL ? e.qty_lots : 0;
        }
        while (wk_executor_live_journal(&executor, &row))
            rows++;
    }
    assert_int_equal(lots, 140);
    assert_int_equal(acks, 20);
    assert_true(rows >= 40);
    assert_false(wk_executor_live_stopped(&executor, why));
    executor.close(executor.self);
    assert_int_equal(f->position[0] + f->position[1] + f->position[2], 140);
    free(f);
}

/* ---- leverage, the dead-man switch, other hands ---- */

static double asked_leverage;
static int n_leverage;
static int64_t armed_ns;

static wk_request_result set_leverage(void *self, uint32_t symbol, double leverage, char *why)
{
    (void)self;
    (void)symbol;
    (void)why;
    asked_leverage = leverage;
    n_leverage++;
    return WK_REQUEST_DONE;
}

static wk_request_result set_deadman(void *self, int64_t timeout_ns, char *why)
{
    (void)self;
    (void)why;
    armed_ns = timeout_ns;
    return WK_REQUEST_DONE;
}

static wk__live *begin(fake *f, wk_account *account, int64_t deadman_ns)
{
    wk_executor_live_options options = {.account = account,
                                        .S = S,
                                        .leverage = 3.9,
                                        .deadman_ns = deadman_ns,
                                        .now_ns = now_ns,
                                        .time_ctx = f};
    wk__live *live;
    wk_err err;
    f->now = INT64_C(1700000000) * SECOND;
    f->calm = true;
    f->random = 7;
    *account = account_of(f, true);
    account->leverage = set_leverage;
    account->deadman = set_deadman;
    n_leverage = 0;
    armed_ns = -1;
    assert_int_equal(wk__live_create(&options, &live, &err), WK_OK);
    return live;
}

static void go(wk__live *live, fake *f, int turns)
{
    for (int i = 0; i < turns; i++) {
        wk__live_step(live);
        advance(f, SECOND / 4);
    }
}

static void test_leverage_is_set_before_the_first_entry_and_when_it_changes(void **state)
{
    (void)state;
    fake *f = calloc(1, sizeof *f);
    wk_account account;
    wk__live *live = begin(f, &account, 0);
    const double wanted[] = {0, 0, 2.5, 2.9, 5}, set[] = {3, 3, 2, 2, 5};
    const int times[] = {1, 1, 2, 2, 3};
    for (uint64_t i = 0; i < 5; i++) {
        wk_action a = {.order = {.id = i + 1, .side = 1, .qty_lots = 1, .leverage = wanted[i]}};
        wk__live_action(live, &a);
        go(live, f, 20);
        assert_true(asked_leverage == set[i]);
        assert_int_equal(n_leverage, times[i]);
    }
    wk_action exit_order = {
        .order = {.id = 9, .side = -1, .qty_lots = 5, .reduce_only = true, .leverage = 9}};
    wk__live_action(live, &exit_order);
    go(live, f, 20);
    assert_int_equal(n_leverage, 3);
    wk__live_destroy(live);
    free(f);
}

static void test_the_deadman_switch_is_armed_only_while_flat_with_entries_working(void **state)
{
    (void)state;
    fake *f = calloc(1, sizeof *f);
    wk_account account;
    wk__live *live = begin(f, &account, 60 * SECOND);
    go(live, f, 20);
    assert_int_equal(armed_ns, -1); /* nothing waits */
    wk_action limit = {
        .order = {.id = 1, .kind = WK_ORDER_LIMIT, .side = 1, .qty_lots = 1000, .price_ticks = 5}};
    wk__live_action(live, &limit);
    for (int i = 0; i < 8 && armed_ns != 60 * SECOND; i++)
        wk__live_step(live);
    assert_int_equal(armed_ns, 60 * SECOND);
    for (int i = 0; i < 4000 && armed_ns != 0; i++)
        go(live, f, 1); /* sooner or later somebody takes some */
    assert_int_equal(armed_ns, 0);
    go(live, f, 100);
    assert_int_equal(armed_ns, 0); /* a position is held: never again */
    wk__live_destroy(live);
    free(f);
}

static void test_fills_of_other_hands_are_left_alone_and_no_entry_is_made_beside_them(void **state)
{
    (void)state;
    fake *f = calloc(1, sizeof *f);
    wk_account account;
    wk__live *live = begin(f, &account, 0);
    wk_venue_fill by_hand = {.fill_id = "H1",
                             .venue_order_id = "X",
                             .symbol = 1,
                             .side = 1,
                             .qty_lots = 4,
                             .price_ticks = 10,
                             .time_ns = f->now};
    wk__live_stream_fill(live, &by_hand);
    wk_trader_event e;
    assert_false(wk__live_event(live, &e)); /* the trader never hears of it */
    wk_action a = {.order = {.id = 1, .symbol = 1, .side = 1, .qty_lots = 2}};
    wk__live_action(live, &a);
    go(live, f, 10);
    assert_true(wk__live_event(live, &e));
    assert_int_equal(e.kind, WK_TRADER_EVENT_REJECT);
    assert_null(find(f, 1));
    by_hand.side = -1; /* they close it: the market is free again */
    strcpy(by_hand.fill_id, "H2");
    wk__live_stream_fill(live, &by_hand);
    a.order.id = 2;
    wk__live_action(live, &a);
    go(live, f, 40);
    int64_t lots = 0;
    while (wk__live_event(live, &e))
        lots += e.kind == WK_TRADER_EVENT_FILL ? e.side * e.qty_lots : 0;
    assert_int_equal(lots, 2);
    /* What they close of ours is booked as closed, and the rest of theirs is theirs. */
    by_hand.qty_lots = 5;
    strcpy(by_hand.fill_id, "H3");
    wk__live_stream_fill(live, &by_hand);
    assert_true(wk__live_event(live, &e));
    assert_int_equal(e.qty_lots, 2);
    assert_int_equal(e.reason, WK_REASON_END);
    wk__live_destroy(live);
    free(f);
}

static void test_a_row_comes_right_before_its_event(void **state)
{
    (void)state;
    fake *f = calloc(1, sizeof *f);
    wk_account account;
    wk__live *live = begin(f, &account, 0);
    wk_action a = {.order = {.id = 1, .side = 1, .qty_lots = 50}};
    wk__live_action(live, &a);
    go(live, f, 60);
    bool is_row;
    wk_trader_event e;
    wk_journal_record row = {.kind = -1};
    size_t fills = 0;
    while (wk__live_out(live, &is_row, &e, &row))
        if (!is_row && e.kind == WK_TRADER_EVENT_FILL) {
            assert_int_equal(row.kind, WK_JOURNAL_FILL); /* the newest row */
            assert_int_equal(row.qty_lots, e.qty_lots);
            fills++;
        }
    assert_true(fills > 0);
    wk__live_destroy(live);
    free(f);
}

int main(void)
{
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_order_is_doubled_or_lost_and_positions_equal_fills),
        cmocka_unit_test(test_after_a_stop_entries_are_refused_and_exits_still_sent),
        cmocka_unit_test(test_the_thread_carries_orders_in_and_fills_out),
        cmocka_unit_test(test_leverage_is_set_before_the_first_entry_and_when_it_changes),
        cmocka_unit_test(test_the_deadman_switch_is_armed_only_while_flat_with_entries_working),
        cmocka_unit_test(test_fills_of_other_hands_are_left_alone_and_no_entry_is_made_beside_them),
        cmocka_unit_test(test_a_row_comes_right_before_its_event),
        cmocka_unit_test(test_start_reports_orphans_foreign_orders_and_hand_made_positions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
