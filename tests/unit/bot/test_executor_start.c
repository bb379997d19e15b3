/* The start of the live executor and the stops of a venue without brackets, one case at a time: the
 * account answers what the case says, and time goes by only where it does at a real venue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executor_live_internal.h"
#include "wick/clock.h"
#include "wick/log.h"

#define SECOND WK_NS_PER_S
#define BEGIN (INT64_C(1700000000) * SECOND)

enum { ENTRY = 0xe1, EXIT = 0xe2, HIDDEN = 0xe3, MARKET = 1, S = 2 };

typedef struct {
    wk_venue_order v;
    bool gone;
} there;

/* What the venue has, and what it will say. */
typedef struct {
    int64_t now;
    there orders[16];
    size_t n_orders;
    wk_venue_fill fills[16];
    size_t n_fills;
    int64_t held; /* of MARKET */
    int64_t stop_lots;
    uint64_t stop_id;
    wk_request_result protect_says, place_says;
    size_t n_protects, n_places, n_cancels;
    bool blind; /* orders are not found */
    void (*before_positions)(void *venue);
    const char *journalled; /* a fill's or funding's id */
    wk_venue_funding funding[8];
    size_t n_funding, n_funding_calls;
    wk_request_result funding_says;
} venue;

static int64_t now_ns(void *ctx)
{
    return ((venue *)ctx)->now;
}

static void pass(void *ctx, int64_t ns)
{
    ((venue *)ctx)->now += ns;
}

static int64_t validity_ns(void *self)
{
    (void)self;
    return 5 * SECOND;
}

static void add_order(venue *v, uint64_t id, int side, int64_t lots, int64_t filled)
{
    there *t = &v->orders[v->n_orders++];
    t->v = (wk_venue_order){.client_id = id,
                            .symbol = MARKET,
                            .side = (int8_t)side,
                            .is_open = filled < lots,
                            .qty_lots = lots,
                            .filled_lots = filled};
    snprintf(t->v.venue_id, sizeof t->v.venue_id, "V%llx", (unsigned long long)id);
}

static void add_fill(venue *v, const char *name, uint64_t order, int side, int64_t lots)
{
    wk_venue_fill *f = &v->fills[v->n_fills++];
    *f = (wk_venue_fill){.symbol = MARKET,
                         .side = (int8_t)side,
                         .qty_lots = lots,
                         .price_ticks = 1000,
                         .time_ns = v->now};
    snprintf(f->fill_id, sizeof f->fill_id, "%s", name);
    snprintf(f->venue_order_id, sizeof f->venue_order_id, "V%llx", (unsigned long long)order);
    v->held += side * lots;
}

static there *order_of(venue *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_orders; i++)
        if (v->orders[i].v.client_id == id)
            return &v->orders[i];
    return NULL;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    venue *v = self;
    char name[32];
    snprintf(why, 256, "scripted");
    *wait_ns = 0;
    v->n_places++;
    if (v->place_says != WK_REQUEST_DONE)
        return v->place_says;
    bool at_once = order->kind == WK_ORDER_MARKET;
    add_order(v, order->id, order->side, order->qty_lots, at_once ? order->qty_lots : 0);
    snprintf(name, sizeof name, "P%zu", v->n_places);
    if (at_once)
        add_fill(v, name, order->id, order->side, order->qty_lots);
    *out = order_of(v, order->id)->v;
    return WK_REQUEST_DONE;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    venue *v = self;
    there *t = order_of(v, client_id);
    (void)symbol;
    *wait_ns = 0;
    snprintf(why, 256, "scripted");
    v->n_cancels++;
    if (!t || !t->v.is_open)
        return WK_REQUEST_REFUSED;
    t->v.is_open = false;
    return WK_REQUEST_DONE;
}

static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    venue *v = self;
    const there *t = order_of(v, client_id);
    (void)symbol;
    *wait_ns = 0;
    snprintf(why, 256, "scripted");
    if (v->blind)
        return WK_REQUEST_LATER;
    if (!t)
        return WK_REQUEST_REFUSED;
    *out = t->v;
    return WK_REQUEST_DONE;
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    venue *v = self;
    (void)room;
    (void)why;
    *n = 0;
    for (size_t i = 0; i < v->n_orders; i++)
        if (v->orders[i].v.is_open)
            out[(*n)++] = v->orders[i].v;
    if (v->stop_lots != 0)
        out[(*n)++] = (wk_venue_order){.client_id = v->stop_id,
                                       .symbol = MARKET,
                                       .side = -1,
                                       .is_open = true,
                                       .qty_lots = v->stop_lots,
                                       .stop_ticks = 900};
    return WK_REQUEST_DONE;
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    venue *v = self;
    (void)since_ns;
    (void)room;
    (void)why;
    memcpy(out, v->fills, v->n_fills * sizeof *out);
    *n = v->n_fills;
    return WK_REQUEST_DONE;
}

static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    venue *v = self;
    (void)room;
    (void)why;
    if (v->before_positions)
        v->before_positions(v);
    *n = 1;
    out[0] = (wk_venue_position){.symbol = MARKET, .qty_lots = v->held};
    return WK_REQUEST_DONE;
}

static wk_request_result funding(void *self, int64_t since_ns, wk_venue_funding *out, size_t room,
                                 size_t *n, char *why)
{
    venue *v = self;
    (void)room;
    snprintf(why, 256, "scripted");
    v->n_funding_calls++;
    *n = 0;
    for (size_t i = v->n_funding; i-- > 0;) /* the newest first */
        if (v->funding[i].time_ns >= since_ns)
            out[(*n)++] = v->funding[i];
    return v->funding_says;
}

static wk_request_result protect_lots(void *self, uint32_t symbol, int64_t lots, int64_t stop_ticks,
                                      uint64_t client_id, bool is_new, int64_t *wait_ns, char *why)
{
    venue *v = self;
    (void)stop_ticks;
    *wait_ns = 0;
    snprintf(why, 256, "scripted");
    if (symbol != MARKET)
        return WK_REQUEST_DONE;
    v->n_protects++;
    bool rests = v->stop_lots != 0 && v->stop_id == client_id;
    if (lots != 0 && !rests && !is_new)
        return WK_REQUEST_REFUSED;
    if (v->protect_says != WK_REQUEST_DONE) {
        v->stop_lots = 0; /* the old one is gone by then */
        return v->protect_says;
    }
    v->stop_lots = lots;
    v->stop_id = client_id;
    return WK_REQUEST_DONE;
}

static bool has_fill(void *ctx, const char *fill_id)
{
    const venue *v = ctx;
    return v->journalled && strcmp(v->journalled, fill_id) == 0;
}

typedef struct {
    venue v;
    wk_account account;
    wk_executor_live_options options;
    wk_journal_position position;
    wk_journal_open_order order;
    wk__live *live;
} stage;

static stage *build(bool has_brackets)
{
    stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->v.now = BEGIN;
    s->account = (wk_account){.self = &s->v,
                              .name = "scripted",
                              .validity_ns = validity_ns,
                              .place = place,
                              .cancel = cancel,
                              .query = query,
                              .open_orders = open_orders,
                              .fills = fills,
                              .funding = has_brackets ? funding : NULL,
                              .positions = positions,
                              .has_brackets = has_brackets,
                              .protect_lots = has_brackets ? NULL : protect_lots};
    s->options = (wk_executor_live_options){.account = &s->account,
                                            .S = S,
                                            .has_fill = has_fill,
                                            .has_fill_ctx = &s->v,
                                            .now_ns = now_ns,
                                            .sleep = pass,
                                            .time_ctx = &s->v};
    return s;
}

/* The journal's position, with a stop and a target. */
static void give_position(stage *s, int64_t lots)
{
    s->position = (wk_journal_position){.market = MARKET,
                                        .qty_lots = lots,
                                        .entry_ticks = 1000,
                                        .entry_id = ENTRY,
                                        .stop_ticks = 900,
                                        .profit_ticks = 1100};
    s->options.positions = &s->position;
    s->options.n_positions = 1;
}

static void give_order(stage *s, uint64_t id, int side, bool reduces, int64_t lots)
{
    s->order.order = (wk_journal_record){.order_id = id,
                                         .market = MARKET,
                                         .side = (int8_t)side,
                                         .order_kind = WK_ORDER_LIMIT,
                                         .reason = reduces ? WK_REASON_FLIP : WK_REASON_ENTRY,
                                         .reduce_only = reduces,
                                         .qty_lots = lots,
                                         .stop_ticks = reduces ? 0 : 900,
                                         .profit_ticks = reduces ? 0 : 1100,
                                         .time_ns = BEGIN - SECOND};
    s->options.orders = &s->order;
    s->options.n_orders = 1;
}

static wk_reconciliation begin(stage *s)
{
    wk_err err;
    wk_reconciliation found = {0};
    assert_int_equal(wk__live_create(&s->options, &s->live, &err), WK_OK);
    if (wk__live_reconcile(s->live, &found, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return found;
}

static void finish(stage *s)
{
    wk__live_destroy(s->live);
    free(s);
}

static void go(stage *s, int seconds)
{
    for (int64_t until = s->v.now + seconds * SECOND; s->v.now < until;) {
        int64_t next = wk__live_step(s->live);
        if (next > s->v.now)
            s->v.now = next < s->v.now + SECOND / 10 ? next : s->v.now + SECOND / 10;
        else
            s->v.now += SECOND / 1000;
    }
}

static int64_t position(const stage *s)
{
    return s->live->symbols[MARKET].position;
}

/* Counts the fills of a reason in the journal's rows; -1: all. */
static size_t fill_rows(stage *s, int reason, uint64_t *order_id)
{
    wk_journal_record row;
    size_t n = 0;
    while (wk__live_row(s->live, &row))
        if (row.kind == WK_JOURNAL_FILL && (reason < 0 || row.reason == reason)) {
            n++;
            if (order_id)
                *order_id = row.order_id;
        }
    return n;
}

/* ---- positions ---- */

static void exit_fills(void *ctx)
{
    venue *v = ctx;
    there *t = order_of(v, EXIT);
    if (!t || !t->v.is_open)
        return;
    t->v.is_open = false;
    t->v.filled_lots = t->v.qty_lots;
    add_fill(v, "late", EXIT, -1, t->v.qty_lots);
}

/* The fills are read, then an exit fills, then the balance is read: the difference is no loss. */
static void what_fills_meanwhile_is_counted_once(bool has_brackets)
{
    stage *s = build(has_brackets);
    give_position(s, 10);
    give_order(s, EXIT, -1, true, 10);
    s->v.held = 10;
    add_order(&s->v, EXIT, -1, 10, 0);
    s->v.before_positions = exit_fills;
    wk_reconciliation found = begin(s);
    assert_int_equal(found.n_differences, 0);
    go(s, 5);
    assert_int_equal(position(s), 0);
    assert_int_equal(s->live->symbols[MARKET].foreign_lots, 0);
    assert_int_equal(fill_rows(s, -1, NULL), 1);
    assert_int_equal(s->v.held, 0);
    finish(s);
}

static void test_an_exit_that_fills_between_fills_and_balance_is_counted_once(void **state)
{
    (void)state;
    what_fills_meanwhile_is_counted_once(false);
    what_fills_meanwhile_is_counted_once(true);
}

static void entry_fills(void *ctx)
{
    venue *v = ctx;
    there *t = order_of(v, ENTRY);
    if (t->v.filled_lots > 0)
        return;
    t->v.filled_lots = 4;
    add_fill(v, "part", ENTRY, 1, 4);
}

/* Taken for one of other hands, it would bar every entry of that market. */
static void test_an_entry_that_fills_between_fills_and_positions_is_not_of_other_hands(void **state)
{
    (void)state;
    stage *s = build(true);
    give_order(s, ENTRY, 1, false, 10);
    add_order(&s->v, ENTRY, 1, 10, 0);
    s->v.before_positions = entry_fills;
    wk_reconciliation found = begin(s);
    assert_int_equal(found.n_differences, 0);
    go(s, 5);
    assert_int_equal(position(s), 4);
    assert_int_equal(s->live->symbols[MARKET].foreign_lots, 0);
    finish(s);
}

static void test_what_is_left_after_a_difference_keeps_its_stop(void **state)
{
    (void)state;
    stage *s = build(false);
    give_position(s, 10);
    s->v.held = 6; /* somebody withdrew 4 */
    wk_reconciliation found = begin(s);
    assert_int_equal(found.n_differences, 1);
    assert_int_equal(position(s), 6);
    assert_int_equal(s->v.stop_lots, 6);
    assert_int_equal(s->live->symbols[MARKET].profit_ticks, 1100);
    assert_int_equal(fill_rows(s, WK_REASON_END, NULL), 1);
    finish(s);
}

/* ---- orders ---- */

static void test_a_working_limit_order_is_adopted_after_a_crash(void **state)
{
    (void)state;
    for (int has_brackets = 0; has_brackets < 2; has_brackets++) {
        stage *s = build(has_brackets);
        give_order(s, ENTRY, 1, false, 10);
        add_order(&s->v, ENTRY, 1, 10, 0);
        wk_reconciliation found = begin(s);
        assert_int_equal(found.n_adopted, 1);
        assert_int_equal(found.n_orphans + found.n_never_sent + found.n_differences, 0);
        assert_int_equal(wk__live_working(s->live), 1);
        /* It fills in two parts, and is protected as far as it has. */
        there *t = order_of(&s->v, ENTRY);
        t->v.filled_lots = 3;
        add_fill(&s->v, "a", ENTRY, 1, 3);
        go(s, 10);
        assert_int_equal(position(s), 3);
        assert_int_equal(s->v.stop_lots, has_brackets ? 0 : 3);
        t->v.filled_lots = 10;
        t->v.is_open = false;
        add_fill(&s->v, "b", ENTRY, 1, 7);
        go(s, 10);
        assert_int_equal(position(s), 10);
        assert_int_equal(wk__live_working(s->live), 0);
        assert_int_equal(s->v.stop_lots, has_brackets ? 0 : 10);
        assert_int_equal(s->v.n_places + s->v.n_cancels, 0);
        uint64_t order_id = 0;
        assert_int_equal(fill_rows(s, WK_REASON_ENTRY, &order_id), 2);
        assert_int_equal(order_id, ENTRY);
        finish(s);
    }
}

/* A cancel that was journalled before the crash is done after it. */
static void test_a_cancel_before_the_crash_is_done_after_it(void **state)
{
    (void)state;
    stage *s = build(true);
    give_order(s, ENTRY, 1, false, 10);
    s->order.cancel_wanted = true;
    add_order(&s->v, ENTRY, 1, 10, 0);
    begin(s);
    assert_false(order_of(&s->v, ENTRY)->v.is_open);
    assert_int_equal(wk__live_working(s->live), 0);
    finish(s);
}

/* The leg's fill bears no order of ours; the entry's bears an order that is not found yet. */
static void test_a_legs_fill_waits_behind_its_entrys(void **state)
{
    (void)state;
    stage *s = build(true);
    give_order(s, ENTRY, 1, false, 10);
    s->v.now = BEGIN - 60 * SECOND; /* long ago: no hurry excuses the leg */
    s->order.order.time_ns = s->v.now;
    add_order(&s->v, ENTRY, 1, 10, 10);
    add_fill(&s->v, "in", ENTRY, 1, 10);
    s->v.now += SECOND;
    add_fill(&s->v, "leg", HIDDEN, -1, 10);
    s->v.now = BEGIN;
    s->v.blind = true;
    wk_err err;
    assert_int_equal(wk__live_create(&s->options, &s->live, &err), WK_OK);
    go(s, 3);
    assert_int_equal(position(s), 0);
    assert_int_equal(fill_rows(s, -1, NULL), 0);
    s->v.blind = false;
    go(s, 10);
    assert_int_equal(position(s), 0);
    assert_int_equal(s->live->symbols[MARKET].foreign_lots, 0);
    wk_journal_record row;
    size_t n = 0;
    while (wk__live_row(s->live, &row)) {
        assert_int_not_equal(row.kind, WK_JOURNAL_NOTE); /* of other hands */
        if (row.kind == WK_JOURNAL_FILL) {
            assert_string_equal(row.venue_id, n == 0 ? "in" : "leg");
            assert_int_equal(row.order_id, ENTRY);
            n++;
        }
    }
    assert_int_equal(n, 2);
    finish(s);
}

/* An exit that cannot be sent now is no reason not to start: its position has its stop meanwhile.
 */
static void test_a_start_does_not_wait_for_an_exit_that_is_sent_anew(void **state)
{
    (void)state;
    stage *s = build(true);
    give_position(s, 10);
    give_order(s, EXIT, -1, true, 10);
    s->order.order.order_kind = WK_ORDER_MARKET;
    s->v.held = 10;
    s->v.place_says = WK_REQUEST_UNKNOWN;
    wk_reconciliation found = begin(s);
    assert_int_equal(found.n_never_sent, 1);
    assert_int_equal(found.n_differences, 0);
    assert_int_equal(wk__live_working(s->live), 1);
    s->v.place_says = WK_REQUEST_DONE;
    go(s, 30);
    assert_int_equal(wk__live_working(s->live), 0);
    assert_int_equal(position(s), 0);
    finish(s);
}

/* An exit whose row died with its process is taken back; what it sold is counted, and what is left
 * keeps its stop. */
static void an_orphaned_exit_leaves_the_stop(const char *journalled)
{
    stage *s = build(false);
    give_position(s, journalled ? 6 : 10);
    s->v.held = 10;
    s->v.journalled = journalled;
    add_order(&s->v, HIDDEN, -1, 10, 4);
    add_fill(&s->v, "part", HIDDEN, -1, 4);
    wk_reconciliation found = begin(s);
    assert_int_equal(found.n_orphans, 1);
    assert_int_equal(found.n_differences, 0);
    assert_false(order_of(&s->v, HIDDEN)->v.is_open);
    assert_int_equal(wk__live_working(s->live), 0);
    assert_int_equal(position(s), 6);
    assert_int_equal(s->v.stop_lots, 6);
    assert_int_equal(s->live->symbols[MARKET].entry_id, ENTRY);
    uint64_t order_id = ENTRY;
    assert_int_equal(fill_rows(s, -1, &order_id), journalled ? 0 : 1);
    assert_int_equal(order_id, ENTRY);
    finish(s);
}

static void test_an_orphaned_exit_leaves_the_stop(void **state)
{
    (void)state;
    an_orphaned_exit_leaves_the_stop(NULL);
    an_orphaned_exit_leaves_the_stop("part");
}

/* ---- stops ---- */

static void test_a_resting_stop_is_kept_over_a_restart(void **state)
{
    (void)state;
    stage *s = build(false);
    give_position(s, 10);
    s->v.held = s->v.stop_lots = 10;
    s->v.stop_id = 0x77;
    begin(s);
    go(s, 30);
    assert_int_equal(s->v.stop_lots, 10);
    assert_int_equal(s->v.stop_id, 0x77);
    finish(s);
}

/* What the venue holds is not known before the fills were read: no stop is touched. */
static void test_no_stop_is_touched_before_the_fills_are_known(void **state)
{
    (void)state;
    stage *s = build(false);
    give_order(s, ENTRY, 1, false, 10);
    s->v.stop_lots = 10; /* the last run placed it, and died before the fill was journalled */
    s->v.stop_id = 0x77;
    add_order(&s->v, ENTRY, 1, 10, 10);
    add_fill(&s->v, "in", ENTRY, 1, 10);
    s->v.blind = true;
    wk_err err;
    assert_int_equal(wk__live_create(&s->options, &s->live, &err), WK_OK);
    go(s, 3);
    assert_int_equal(s->v.stop_lots, 10);
    assert_int_equal(s->v.n_protects, 0);
    s->v.blind = false;
    go(s, 10);
    assert_int_equal(position(s), 10);
    assert_int_equal(s->v.stop_lots, 10);
    finish(s);
}

/* One alert for as long as the venue says no. */
static void test_a_refused_stop_is_told_once_and_tried_on(void **state)
{
    (void)state;
    stage *s = build(false);
    give_position(s, 10);
    s->v.held = 10;
    s->v.protect_says = WK_REQUEST_REFUSED;
    begin(s);
    go(s, 30);
    wk_journal_record row;
    size_t told = 0;
    while (wk__live_row(s->live, &row))
        told += row.kind == WK_JOURNAL_ALERT && strcmp(row.state, WK__LIVE_NO_STOP) == 0 &&
                row.market == MARKET;
    assert_int_equal(told, 1);
    assert_in_range(s->v.n_protects, 20, 60); /* every second */
    s->v.protect_says = WK_REQUEST_DONE;
    go(s, 5);
    assert_int_equal(s->v.stop_lots, 10);
    finish(s);
}

/* The old one was cancelled, then the venue would not: what was before is not believed to rest. */
static void test_a_stop_that_failed_half_way_is_placed_again(void **state)
{
    (void)state;
    static const wk_request_result says[] = {WK_REQUEST_LATER, WK_REQUEST_REFUSED,
                                             WK_REQUEST_UNKNOWN};
    for (size_t i = 0; i < 3; i++) {
        stage *s = build(false);
        give_position(s, 10);
        s->v.held = 10;
        begin(s);
        assert_int_equal(s->v.stop_lots, 10);
        /* An exit takes the stop away, fails half-way, and is given up: as it was before. */
        s->v.place_says = WK_REQUEST_REFUSED;
        s->v.protect_says = says[i];
        wk_action exit_order = {
            .order = {
                .id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 10}};
        wk__live_action(s->live, &exit_order);
        wk__live_step(s->live);
        assert_int_equal(s->v.stop_lots, 0);
        exit_order.kind = WK_ACTION_CANCEL;
        wk__live_action(s->live, &exit_order);
        s->v.protect_says = WK_REQUEST_DONE;
        go(s, 30);
        assert_int_equal(s->v.stop_lots, 10);
        finish(s);
    }
}

static void test_a_stop_that_went_without_a_word_is_found_out(void **state)
{
    (void)state;
    stage *s = build(false);
    give_position(s, 10);
    s->v.held = 10;
    begin(s);
    uint64_t first = s->v.stop_id;
    s->v.stop_lots = 0; /* by hand, or the venue */
    wk_venue_order told = {.client_id = first, .symbol = MARKET, .is_open = false};
    wk__live_stream_order(s->live, &told);
    go(s, 5);
    assert_int_equal(s->v.stop_lots, 10);
    assert_int_not_equal(s->v.stop_id, first); /* the first one's id may have filled */
    s->v.stop_lots = 0;                        /* and when no frame tells */
    go(s, 400);
    assert_int_equal(s->v.stop_lots, 10);
    finish(s);
}

/* It struck, its fill shows late: neither another stop nor an exit is sent for what is sold. */
static void test_a_stop_that_struck_is_not_followed_by_an_exit(void **state)
{
    (void)state;
    stage *s = build(false);
    give_position(s, 10);
    s->v.held = 10;
    begin(s);
    uint64_t id = s->v.stop_id;
    s->v.stop_lots = 0;
    add_order(&s->v, id, -1, 10, 10);
    s->v.held = 0;
    wk_action exit_order = {
        .order = {.id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 10}};
    wk__live_action(s->live, &exit_order);
    go(s, 10);
    assert_int_equal(s->v.n_places, 0);
    add_fill(&s->v, "stop", id, -1, 10); /* the list has caught up */
    s->v.fills[0].client_id = id;
    s->v.held = 0;
    go(s, 10);
    assert_int_equal(s->v.n_places, 0);
    assert_int_equal(position(s), 0);
    assert_int_equal(wk__live_working(s->live), 0);
    assert_int_equal(s->v.stop_lots, 0);
    assert_int_equal(fill_rows(s, WK_REASON_STOP_LOSS, NULL), 1);
    finish(s);
}

/* The answer to the stop's placing was lost, so its fill bears an id that nobody knows: it is
 * booked all the same, and what is left gets out as soon as the venue has said whose fill that was.
 */
static void test_a_stop_whose_answer_was_lost_does_not_hold_up_the_exit(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        stage *s = build(false);
        give_position(s, 10);
        s->v.held = 10;
        s->v.protect_says = WK_REQUEST_UNKNOWN;
        begin(s);
        go(s, 1);
        uint64_t id = s->live->symbols[MARKET].stop_id;
        add_order(&s->v, id, -1, 10, 4);
        order_of(&s->v, id)->v.is_open = false;
        s->v.protect_says = WK_REQUEST_DONE;
        if (!late)
            add_fill(&s->v, "stop", id, -1, 4);
        wk_action exit_order = {
            .order = {
                .id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 6}};
        wk__live_action(s->live, &exit_order);
        go(s, 3);
        if (late) { /* asked about before its fill is in the list */
            assert_int_equal(s->v.n_places, 0);
            add_fill(&s->v, "stop", id, -1, 4);
            go(s, 2);
        }
        assert_int_equal(s->v.n_places, 1);
        assert_int_equal(position(s), 0);
        assert_int_equal(s->v.held, 0);
        assert_int_equal(fill_rows(s, WK_REASON_STOP_LOSS, NULL), 1);
        finish(s);
    }
}

/* A bracket's leg fills while an exit is in doubt: it may be the exit's until that is said never to
 * have come, and is the leg's then, though the exit is sent and lost again. */
static void test_a_leg_is_not_held_back_by_an_exit_that_never_came(void **state)
{
    (void)state;
    stage *s = build(true);
    give_position(s, 10);
    s->v.held = 10;
    begin(s);
    s->v.place_says = WK_REQUEST_UNKNOWN;
    wk_action exit_order = {
        .order = {.id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 10}};
    wk__live_action(s->live, &exit_order);
    go(s, 1);
    assert_int_equal(s->v.n_places, 1);
    add_fill(&s->v, "leg", HIDDEN, -1, 10);
    go(s, 4);
    assert_int_equal(position(s), 10); /* nobody can say yet */
    go(s, 10);
    assert_int_equal(s->v.n_places, 2);
    assert_int_equal(position(s), 0);
    assert_int_equal(fill_rows(s, WK_REASON_STOP_LOSS, NULL), 1);
    finish(s);
}

static void test_a_refused_target_is_tried_again(void **state)
{
    (void)state;
    stage *s = build(false);
    give_position(s, 10);
    s->v.held = 10;
    begin(s);
    s->v.place_says = WK_REQUEST_REFUSED;
    wk__live_range(s->live, MARKET, 1000, 1110);
    go(s, 10);
    assert_int_equal(position(s), 10);
    assert_int_equal(s->v.n_places, 1);
    assert_int_equal(s->v.stop_lots, 10); /* protected again */
    s->v.place_says = WK_REQUEST_DONE;
    wk__live_range(s->live, MARKET, 1000, 1110);
    wk__live_range(s->live, MARKET, 1000, 1110); /* once */
    go(s, 10);
    assert_int_equal(position(s), 0);
    assert_int_equal(s->v.n_places, 2);
    assert_int_equal(s->v.stop_lots, 0);
    assert_int_equal(fill_rows(s, WK_REASON_TAKE_PROFIT, NULL), 1);
    finish(s);
}

/* ---- funding ---- */

static void pay(venue *v, const char *id, int64_t amount_e8)
{
    wk_venue_funding *f = &v->funding[v->n_funding++];
    *f = (wk_venue_funding){.symbol = MARKET, .amount_e8 = amount_e8, .time_ns = v->now};
    snprintf(f->id, sizeof f->id, "%s", id);
}

/* Adds up the events, each right behind its row. */
static int64_t funded(stage *s)
{
    bool is_row;
    wk_trader_event e;
    wk_journal_record row = {.kind = -1};
    int64_t sum = 0;
    while (wk__live_out(s->live, &is_row, &e, &row))
        if (!is_row && e.kind == WK_TRADER_EVENT_FUNDING) {
            assert_int_equal(row.kind, WK_JOURNAL_FUNDING);
            assert_int_equal(row.amount_e8, e.amount_e8);
            assert_int_equal(row.time_ns, e.time_ns);
            assert_true(row.venue_id[0]);
            sum += e.amount_e8;
        }
    return sum;
}

static void test_funding_is_booked_once_and_only_for_what_is_held(void **state)
{
    (void)state;
    stage *s = build(true);
    give_position(s, 10);
    s->v.held = 10;
    s->v.now = BEGIN - 600 * SECOND;
    pay(&s->v, "known", -7); /* by the last run */
    pay(&s->v, "missed", -5);
    s->v.now = BEGIN;
    s->v.journalled = "known";
    begin(s);
    assert_int_equal(funded(s), -5);
    pay(&s->v, "now", -11);
    s->v.funding_says = WK_REQUEST_UNKNOWN; /* nothing waits or stops for it */
    go(s, 400);
    assert_int_equal(funded(s), 0);
    assert_null(wk__live_stopped(s->live));
    s->v.funding_says = WK_REQUEST_DONE;
    go(s, 60);
    assert_int_equal(funded(s), -11);
    size_t calls = s->v.n_funding_calls;
    go(s, 900);
    assert_int_equal(funded(s), 0);
    assert_in_range(s->v.n_funding_calls, calls + 2, calls + 4);
    /* An entry that shows after the position has gone is ours still; later ones are not. */
    pay(&s->v, "last", 3);
    s->v.now += SECOND;
    add_fill(&s->v, "out", HIDDEN, -1, 10);
    go(s, 5);
    pay(&s->v, "theirs", 100);
    go(s, 400);
    assert_int_equal(position(s), 0);
    assert_int_equal(funded(s), 3);
    go(s, 4000);
    calls = s->v.n_funding_calls;
    go(s, 2000);
    assert_int_equal(s->v.n_funding_calls, calls); /* nobody asks while flat */
    finish(s);
}

int main(void)
{
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_exit_that_fills_between_fills_and_balance_is_counted_once),
        cmocka_unit_test(
            test_an_entry_that_fills_between_fills_and_positions_is_not_of_other_hands),
        cmocka_unit_test(test_what_is_left_after_a_difference_keeps_its_stop),
        cmocka_unit_test(test_a_working_limit_order_is_adopted_after_a_crash),
        cmocka_unit_test(test_a_cancel_before_the_crash_is_done_after_it),
        cmocka_unit_test(test_a_legs_fill_waits_behind_its_entrys),
        cmocka_unit_test(test_a_start_does_not_wait_for_an_exit_that_is_sent_anew),
        cmocka_unit_test(test_an_orphaned_exit_leaves_the_stop),
        cmocka_unit_test(test_a_resting_stop_is_kept_over_a_restart),
        cmocka_unit_test(test_no_stop_is_touched_before_the_fills_are_known),
        cmocka_unit_test(test_a_refused_stop_is_told_once_and_tried_on),
        cmocka_unit_test(test_a_stop_that_failed_half_way_is_placed_again),
        cmocka_unit_test(test_a_stop_that_went_without_a_word_is_found_out),
        cmocka_unit_test(test_a_stop_that_struck_is_not_followed_by_an_exit),
        cmocka_unit_test(test_a_stop_whose_answer_was_lost_does_not_hold_up_the_exit),
        cmocka_unit_test(test_a_leg_is_not_held_back_by_an_exit_that_never_came),
        cmocka_unit_test(test_a_refused_target_is_tried_again),
        cmocka_unit_test(test_funding_is_booked_once_and_only_for_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
