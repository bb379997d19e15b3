/* The stops of a venue without brackets and the funding of one that pays it, one case at a time. */
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

/* ---- stops ---- */

static void test_a_resting_stop_is_kept_over_a_restart(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = s->v.stop_lots = 10;
    s->v.stop_id = 0x77;
    stage_begin(s);
    stage_go(s, 30);
    assert_int_equal(s->v.stop_lots, 10);
    assert_int_equal(s->v.stop_id, 0x77);
    stage_finish(s);
}

/* What the venue holds is not known before the fills were read: no stop is touched. */
static void test_no_stop_is_touched_before_the_fills_are_known(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_order(s, ENTRY, 1, false, 10);
    s->v.stop_lots = 10; /* the last run placed it, and died before the fill was journalled */
    s->v.stop_id = 0x77;
    stage_add_order(&s->v, ENTRY, 1, 10, 10);
    stage_add_fill(&s->v, "in", ENTRY, 1, 10);
    s->v.blind = true;
    wk_err err;
    assert_int_equal(wk__live_create(&s->options, &s->live, &err), WK_OK);
    stage_go(s, 3);
    assert_int_equal(s->v.stop_lots, 10);
    assert_int_equal(s->v.n_protects, 0);
    s->v.blind = false;
    stage_go(s, 10);
    assert_int_equal(stage_position(s), 10);
    assert_int_equal(s->v.stop_lots, 10);
    stage_finish(s);
}

/* One alert for as long as the venue says no. */
static void test_a_refused_stop_is_told_once_and_tried_on(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = 10;
    s->v.protect_says = WK_REQUEST_REFUSED;
    stage_begin(s);
    stage_go(s, 30);
    wk_journal_record row;
    size_t told = 0;
    while (wk__live_row(s->live, &row))
        told += row.kind == WK_JOURNAL_ALERT && strcmp(row.state, WK__LIVE_NO_STOP) == 0 &&
                row.market == MARKET;
    assert_int_equal(told, 1);
    assert_in_range(s->v.n_protects, 20, 60); /* every second */
    s->v.protect_says = WK_REQUEST_DONE;
    stage_go(s, 5);
    assert_int_equal(s->v.stop_lots, 10);
    stage_finish(s);
}

/* The old one was cancelled, then the venue would not: what was before is not believed to rest. */
static void test_a_stop_that_failed_half_way_is_placed_again(void **state)
{
    (void)state;
    static const wk_request_result says[] = {WK_REQUEST_LATER, WK_REQUEST_REFUSED,
                                             WK_REQUEST_UNKNOWN};
    for (size_t i = 0; i < 3; i++) {
        stage *s = stage_build(false);
        stage_give_position(s, 10);
        s->v.held = 10;
        stage_begin(s);
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
        stage_go(s, 30);
        assert_int_equal(s->v.stop_lots, 10);
        stage_finish(s);
    }
}

static void test_a_stop_that_went_without_a_word_is_found_out(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = 10;
    stage_begin(s);
    uint64_t first = s->v.stop_id;
    s->v.stop_lots = 0; /* by hand, or the venue */
    wk_venue_order told = {.client_id = first, .symbol = MARKET, .is_open = false};
    wk__live_stream_order(s->live, &told);
    stage_go(s, 5);
    assert_int_equal(s->v.stop_lots, 10);
    assert_int_not_equal(s->v.stop_id, first); /* the first one's id may have filled */
    s->v.stop_lots = 0;                        /* and when no frame tells */
    stage_go(s, 400);
    assert_int_equal(s->v.stop_lots, 10);
    stage_finish(s);
}

/* It struck, its fill shows late: neither another stop nor an exit is sent for what is sold. */
static void test_a_stop_that_struck_is_not_followed_by_an_exit(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = 10;
    stage_begin(s);
    uint64_t id = s->v.stop_id;
    s->v.stop_lots = 0;
    stage_add_order(&s->v, id, -1, 10, 10);
    s->v.held = 0;
    wk_action exit_order = {
        .order = {.id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 10}};
    wk__live_action(s->live, &exit_order);
    stage_go(s, 10);
    assert_int_equal(s->v.n_places, 0);
    stage_add_fill(&s->v, "stop", id, -1, 10); /* the list has caught up */
    s->v.fills[0].client_id = id;
    s->v.held = 0;
    stage_go(s, 10);
    assert_int_equal(s->v.n_places, 0);
    assert_int_equal(stage_position(s), 0);
    assert_int_equal(wk__live_working(s->live), 0);
    assert_int_equal(s->v.stop_lots, 0);
    assert_int_equal(stage_fill_rows(s, WK_REASON_STOP_LOSS, NULL), 1);
    stage_finish(s);
}

/* The answer to the stop's placing was lost, so its fill bears an id that nobody knows: it is
 * booked all the same, and what is left gets out as soon as the venue has said whose fill that was.
 */
static void test_a_stop_whose_answer_was_lost_does_not_hold_up_the_exit(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        stage *s = stage_build(false);
        stage_give_position(s, 10);
        s->v.held = 10;
        s->v.protect_says = WK_REQUEST_UNKNOWN;
        stage_begin(s);
        stage_go(s, 1);
        uint64_t id = s->live->symbols[MARKET].stop_id;
        stage_add_order(&s->v, id, -1, 10, 4);
        stage_order_of(&s->v, id)->v.is_open = false;
        s->v.protect_says = WK_REQUEST_DONE;
        if (!late)
            stage_add_fill(&s->v, "stop", id, -1, 4);
        wk_action exit_order = {
            .order = {
                .id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 6}};
        wk__live_action(s->live, &exit_order);
        stage_go(s, 3);
        if (late) { /* asked about before its fill is in the list */
            assert_int_equal(s->v.n_places, 0);
            stage_add_fill(&s->v, "stop", id, -1, 4);
            stage_go(s, 2);
        }
        assert_int_equal(s->v.n_places, 1);
        assert_int_equal(stage_position(s), 0);
        assert_int_equal(s->v.held, 0);
        assert_int_equal(stage_fill_rows(s, WK_REASON_STOP_LOSS, NULL), 1);
        stage_finish(s);
    }
}

/* A bracket's leg fills while an exit is in doubt: it may be the exit's until that is said never to
 * have come, and is the leg's then, though the exit is sent and lost again. */
static void test_a_leg_is_not_held_back_by_an_exit_that_never_came(void **state)
{
    (void)state;
    stage *s = stage_build(true);
    stage_give_position(s, 10);
    s->v.held = 10;
    stage_begin(s);
    s->v.place_says = WK_REQUEST_UNKNOWN;
    wk_action exit_order = {
        .order = {.id = EXIT, .symbol = MARKET, .side = -1, .reduce_only = true, .qty_lots = 10}};
    wk__live_action(s->live, &exit_order);
    stage_go(s, 1);
    assert_int_equal(s->v.n_places, 1);
    stage_add_fill(&s->v, "leg", HIDDEN, -1, 10);
    stage_go(s, 4);
    assert_int_equal(stage_position(s), 10); /* nobody can say yet */
    stage_go(s, 10);
    assert_int_equal(s->v.n_places, 2);
    assert_int_equal(stage_position(s), 0);
    assert_int_equal(stage_fill_rows(s, WK_REASON_STOP_LOSS, NULL), 1);
    stage_finish(s);
}

static void test_a_refused_target_is_tried_again(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = 10;
    stage_begin(s);
    s->v.place_says = WK_REQUEST_REFUSED;
    wk__live_range(s->live, MARKET, 1000, 1110);
    stage_go(s, 10);
    assert_int_equal(stage_position(s), 10);
    assert_int_equal(s->v.n_places, 1);
    assert_int_equal(s->v.stop_lots, 10); /* protected again */
    s->v.place_says = WK_REQUEST_DONE;
    wk__live_range(s->live, MARKET, 1000, 1110);
    wk__live_range(s->live, MARKET, 1000, 1110); /* once */
    stage_go(s, 10);
    assert_int_equal(stage_position(s), 0);
    assert_int_equal(s->v.n_places, 2);
    assert_int_equal(s->v.stop_lots, 0);
    assert_int_equal(stage_fill_rows(s, WK_REASON_TAKE_PROFIT, NULL), 1);
    stage_finish(s);
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
    stage *s = stage_build(true);
    stage_give_position(s, 10);
    s->v.held = 10;
    s->v.now = BEGIN - 600 * SECOND;
    pay(&s->v, "known", -7); /* by the last run */
    pay(&s->v, "missed", -5);
    s->v.now = BEGIN;
    s->v.journalled = "known";
    stage_begin(s);
    assert_int_equal(funded(s), -5);
    pay(&s->v, "now", -11);
    s->v.funding_says = WK_REQUEST_UNKNOWN; /* nothing waits or stops for it */
    stage_go(s, 400);
    assert_int_equal(funded(s), 0);
    assert_null(wk__live_stopped(s->live));
    s->v.funding_says = WK_REQUEST_DONE;
    stage_go(s, 60);
    assert_int_equal(funded(s), -11);
    size_t calls = s->v.n_funding_calls;
    stage_go(s, 900);
    assert_int_equal(funded(s), 0);
    assert_in_range(s->v.n_funding_calls, calls + 2, calls + 4);
    /* An entry that shows after the position has gone is ours still; later ones are not. */
    pay(&s->v, "last", 3);
    s->v.now += SECOND;
    stage_add_fill(&s->v, "out", HIDDEN, -1, 10);
    stage_go(s, 5);
    pay(&s->v, "theirs", 100);
    stage_go(s, 400);
    assert_int_equal(stage_position(s), 0);
    assert_int_equal(funded(s), 3);
    stage_go(s, 4000);
    calls = s->v.n_funding_calls;
    stage_go(s, 2000);
    assert_int_equal(s->v.n_funding_calls, calls); /* nobody asks while flat */
    stage_finish(s);
}

int main(void)
{
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
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
