/* The start of the live executor, one case at a time: what the journal and the venue say becomes
 * one state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executor_stage.h"
#include "wick/log.h"

/* ---- positions ---- */

static void exit_fills(void *ctx)
{
    venue *v = ctx;
    there *t = stage_order_of(v, EXIT);
    if (!t || !t->v.is_open)
        return;
    t->v.is_open = false;
    t->v.filled_lots = t->v.qty_lots;
    stage_add_fill(v, "late", EXIT, -1, t->v.qty_lots);
}

/* The fills are read, then an exit fills, then the balance is read: the difference is no loss. */
static void what_fills_meanwhile_is_counted_once(bool has_brackets)
{
    stage *s = stage_build(has_brackets);
    stage_give_position(s, 10);
    stage_give_order(s, EXIT, -1, true, 10);
    s->v.held = 10;
    stage_add_order(&s->v, EXIT, -1, 10, 0);
    s->v.before_positions = exit_fills;
    wk_reconciliation found = stage_begin(s);
    assert_int_equal(found.n_differences, 0);
    stage_go(s, 5);
    assert_int_equal(stage_position(s), 0);
    assert_int_equal(s->live->symbols[MARKET].foreign_lots, 0);
    assert_int_equal(stage_fill_rows(s, -1, NULL), 1);
    assert_int_equal(s->v.held, 0);
    stage_finish(s);
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
    there *t = stage_order_of(v, ENTRY);
    if (t->v.filled_lots > 0)
        return;
    t->v.filled_lots = 4;
    stage_add_fill(v, "part", ENTRY, 1, 4);
}

/* Taken for one of other hands, it would bar every entry of that market. */
static void test_an_entry_that_fills_between_fills_and_positions_is_not_of_other_hands(void **state)
{
    (void)state;
    stage *s = stage_build(true);
    stage_give_order(s, ENTRY, 1, false, 10);
    stage_add_order(&s->v, ENTRY, 1, 10, 0);
    s->v.before_positions = entry_fills;
    wk_reconciliation found = stage_begin(s);
    assert_int_equal(found.n_differences, 0);
    stage_go(s, 5);
    assert_int_equal(stage_position(s), 4);
    assert_int_equal(s->live->symbols[MARKET].foreign_lots, 0);
    stage_finish(s);
}

static void test_what_is_left_after_a_difference_keeps_its_stop(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = 6; /* somebody withdrew 4 */
    wk_reconciliation found = stage_begin(s);
    assert_int_equal(found.n_differences, 1);
    assert_int_equal(stage_position(s), 6);
    assert_int_equal(s->v.stop_lots, 6);
    assert_int_equal(s->live->symbols[MARKET].profit_ticks, 1100);
    assert_int_equal(stage_fill_rows(s, WK_REASON_END, NULL), 1);
    stage_finish(s);
}

/* ---- orders ---- */

static void test_a_working_limit_order_is_adopted_after_a_crash(void **state)
{
    (void)state;
    for (int has_brackets = 0; has_brackets < 2; has_brackets++) {
        stage *s = stage_build(has_brackets);
        stage_give_order(s, ENTRY, 1, false, 10);
        stage_add_order(&s->v, ENTRY, 1, 10, 0);
        wk_reconciliation found = stage_begin(s);
        assert_int_equal(found.n_adopted, 1);
        assert_int_equal(found.n_orphans + found.n_never_sent + found.n_differences, 0);
        assert_int_equal(wk__live_working(s->live), 1);
        /* It fills in two parts, and is protected as far as it has. */
        there *t = stage_order_of(&s->v, ENTRY);
        t->v.filled_lots = 3;
        stage_add_fill(&s->v, "a", ENTRY, 1, 3);
        stage_go(s, 10);
        assert_int_equal(stage_position(s), 3);
        assert_int_equal(s->v.stop_lots, has_brackets ? 0 : 3);
        t->v.filled_lots = 10;
        t->v.is_open = false;
        stage_add_fill(&s->v, "b", ENTRY, 1, 7);
        stage_go(s, 10);
        assert_int_equal(stage_position(s), 10);
        assert_int_equal(wk__live_working(s->live), 0);
        assert_int_equal(s->v.stop_lots, has_brackets ? 0 : 10);
        assert_int_equal(s->v.n_places + s->v.n_cancels, 0);
        uint64_t order_id = 0;
        assert_int_equal(stage_fill_rows(s, WK_REASON_ENTRY, &order_id), 2);
        assert_int_equal(order_id, ENTRY);
        stage_finish(s);
    }
}

/* A cancel that was journalled before the crash is done after it. */
static void test_a_cancel_before_the_crash_is_done_after_it(void **state)
{
    (void)state;
    stage *s = stage_build(true);
    stage_give_order(s, ENTRY, 1, false, 10);
    s->order.cancel_wanted = true;
    stage_add_order(&s->v, ENTRY, 1, 10, 0);
    stage_begin(s);
    assert_false(stage_order_of(&s->v, ENTRY)->v.is_open);
    assert_int_equal(wk__live_working(s->live), 0);
    stage_finish(s);
}

/* The leg's fill bears no order of ours; the entry's bears an order that is not found yet. */
static void test_a_legs_fill_waits_behind_its_entrys(void **state)
{
    (void)state;
    stage *s = stage_build(true);
    stage_give_order(s, ENTRY, 1, false, 10);
    s->v.now = BEGIN - 60 * SECOND; /* long ago: no hurry excuses the leg */
    s->order.order.time_ns = s->v.now;
    stage_add_order(&s->v, ENTRY, 1, 10, 10);
    stage_add_fill(&s->v, "in", ENTRY, 1, 10);
    s->v.now += SECOND;
    stage_add_fill(&s->v, "leg", HIDDEN, -1, 10);
    s->v.now = BEGIN;
    s->v.blind = true;
    wk_err err;
    assert_int_equal(wk__live_create(&s->options, &s->live, &err), WK_OK);
    stage_go(s, 3);
    assert_int_equal(stage_position(s), 0);
    assert_int_equal(stage_fill_rows(s, -1, NULL), 0);
    s->v.blind = false;
    stage_go(s, 10);
    assert_int_equal(stage_position(s), 0);
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
    stage_finish(s);
}

/* An exit that cannot be sent now is no reason not to start: its position has its stop meanwhile.
 */
static void test_a_start_does_not_wait_for_an_exit_that_is_sent_anew(void **state)
{
    (void)state;
    stage *s = stage_build(true);
    stage_give_position(s, 10);
    stage_give_order(s, EXIT, -1, true, 10);
    s->order.order.order_kind = WK_ORDER_MARKET;
    s->v.held = 10;
    s->v.place_says = WK_REQUEST_UNKNOWN;
    wk_reconciliation found = stage_begin(s);
    assert_int_equal(found.n_never_sent, 1);
    assert_int_equal(found.n_differences, 0);
    assert_int_equal(wk__live_working(s->live), 1);
    s->v.place_says = WK_REQUEST_DONE;
    stage_go(s, 30);
    assert_int_equal(wk__live_working(s->live), 0);
    assert_int_equal(stage_position(s), 0);
    stage_finish(s);
}

/* An exit whose row died with its process is taken back; what it sold is counted, and what is left
 * keeps its stop. */
static void an_orphaned_exit_leaves_the_stop(const char *journalled)
{
    stage *s = stage_build(false);
    stage_give_position(s, journalled ? 6 : 10);
    s->v.held = 10;
    s->v.journalled = journalled;
    stage_add_order(&s->v, HIDDEN, -1, 10, 4);
    stage_add_fill(&s->v, "part", HIDDEN, -1, 4);
    wk_reconciliation found = stage_begin(s);
    assert_int_equal(found.n_orphans, 1);
    assert_int_equal(found.n_differences, 0);
    assert_false(stage_order_of(&s->v, HIDDEN)->v.is_open);
    assert_int_equal(wk__live_working(s->live), 0);
    assert_int_equal(stage_position(s), 6);
    assert_int_equal(s->v.stop_lots, 6);
    assert_int_equal(s->live->symbols[MARKET].entry_id, ENTRY);
    uint64_t order_id = ENTRY;
    assert_int_equal(stage_fill_rows(s, -1, &order_id), journalled ? 0 : 1);
    assert_int_equal(order_id, ENTRY);
    stage_finish(s);
}

static void test_an_orphaned_exit_leaves_the_stop(void **state)
{
    (void)state;
    an_orphaned_exit_leaves_the_stop(NULL);
    an_orphaned_exit_leaves_the_stop("part");
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
