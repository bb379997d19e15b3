/* The executor against a scripted account: time-outs after accept, late arrivals, partial fills,
 * duplicates, reordering, crashes. No order is doubled or lost, and the position always equals the
 * fills. WICK_LIVE_SEEDS sets the number of seeds, 3000 by default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executor_fake.h"
#include "executor_live.h"
#include "wick/clock.h"
#include "wick/log.h"

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
    fake_advance(ctx, ns);
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
                                        .now_ns = fake_now,
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
        fake_advance(f, ahead < 300 * MS ? ahead : 300 * MS);
    for (int k = 0; k < 2 && f->n_fills > 0 && !f->calm; k++) { /* any fill, again, in any order */
        venue_fill *v = &f->fills[fake_next(f) % f->n_fills];
        wk_venue_fill fill = v->fill;
        if (fake_next(f) % 2)
            fill.fee_e8 = WK_FEE_NOT_TOLD;
        if (fake_next(f) % 2)
            wk__live_stream_fill(live, &fill);
    }
    if (f->n_orders > 0 && fake_next(f) % 4 == 0) {
        wk_venue_order told;
        fake_describe(f, &f->orders[fake_next(f) % f->n_orders], &told);
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
    wk_account account = fake_account(f, seed % 3 != 0);
    if (seed % 3 == 0)
        f->anonymous = false; /* Kraken tells client ids of stops */
    f->stops_strike = !account.has_brackets;
    wk__live *live = start(f, t, &account, NULL);
    size_t n = 4 + fake_next(f) % 16, crashes = 0, n_differences = 0;
    for (int i = 0; t->n < n || i < 200; i++) {
        if (t->n < n && fake_next(f) % 4 == 0) {
            uint32_t s = (uint32_t)(fake_next(f) % S);
            bool reduces = t->position[s] != 0 && fake_next(f) % 2;
            wk_action a = {.kind = WK_ACTION_PLACE};
            a.order = (wk_order){
                .id = (seed << 16) + t->n + 1,
                .symbol = s,
                .side = reduces ? (t->position[s] > 0 ? -1 : 1) : 1,
                .kind = reduces || fake_next(f) % 2 ? WK_ORDER_MARKET : WK_ORDER_LIMIT,
                .reason = reduces ? WK_REASON_FLIP : WK_REASON_ENTRY,
                .reduce_only = reduces,
                .qty_lots = reduces ? llabs(t->position[s]) : 1 + (int64_t)(fake_next(f) % 50),
                .price_ticks = 1000,
                .stop_ticks = reduces ? 0 : 900,
                .profit_ticks = reduces ? 0 : 1100};
            if (!reduces && fake_next(f) % 2)
                a.order.expires_ns = f->now + (int64_t)(fake_next(f) % 20) * SECOND;
            t->orders[t->n++].order = a.order;
            wk__live_action(live, &a);
            if (fake_next(f) % 8 == 0)
                wk__live_action(live, &a); /* a caller that stutters */
        }
        if (t->n > 0 && fake_next(f) % 20 == 0) {
            wk_action a = {.kind = WK_ACTION_CANCEL};
            a.order = t->orders[fake_next(f) % t->n].order;
            wk__live_action(live, &a);
        }
        if (fake_next(f) % 50 == 0)
            wk__live_range(live, (uint32_t)(fake_next(f) % S), 1050, 1150);
        turn(live, f, t);
        if (crashes < 2 && fake_next(f) % 200 == 0) {
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
        const venue_order *v = fake_find(f, b->order.id);
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
    uint64_t seeds = text ? strtoull(text, NULL, 10) : 3000;
    const char *first = getenv("WICK_LIVE_FIRST");
    for (uint64_t seed = first ? strtoull(first, NULL, 10) : 0; seed < seeds; seed++)
        run_seed(seed);
}

static void test_after_a_stop_entries_are_refused_and_exits_still_sent(void **state)
{
    (void)state;
    fake f = {.random = 5, .now = SECOND, .calm = true, .always = WK_REQUEST_STOP};
    wk_account account = fake_account(&f, true);
    wk_executor_live_options options = {
        .account = &account, .S = S, .now_ns = fake_now, .time_ctx = &f};
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
        fake_advance(&f, SECOND);
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
    wk_account account = fake_account(f, true);
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
                                        .now_ns = fake_now,
                                        .time_ctx = f};
    options.sleep = (void (*)(void *, int64_t))fake_advance;
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
    assert_int_equal(fake_find(f, 5) == NULL, 1); /* an old entry is not sent */
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
    wk_account account = fake_account(f, true);
    wk_trade_instrument instruments[S] = {{"A", 1, 1, 1}, {"B", 1, 1, 1}, {"C", 1, 1, 1}};
    wk_executor_live_options options = {.account = &account,
                                        .S = S,
                                        .instruments = instruments,
                                        .now_ns = ticking_now,
                                        .time_ctx = f};
    options.sleep = (void (*)(void *, int64_t))fake_advance;
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
                                        .now_ns = fake_now,
                                        .time_ctx = f};
    wk__live *live;
    wk_err err;
    f->now = INT64_C(1700000000) * SECOND;
    f->calm = true;
    f->random = 7;
    *account = fake_account(f, true);
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
        fake_advance(f, SECOND / 4);
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
    assert_null(fake_find(f, 1));
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
