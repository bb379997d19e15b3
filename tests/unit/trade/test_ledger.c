/* Round trips from fills and funding, by hand: one contract of one unit, prices in whole ticks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/ledger.h"

#define MINUTE INT64_C(60000000000)
#define E8 INT64_C(100000000)

typedef struct {
    wk_arena arena;
    wk_ledger *ledger;
    wk_trade closed;
} book;

static void open_book(book *b)
{
    static const wk_trade_instrument instrument = {.symbol = "AAA", .tick = 1.0, .lot = 1.0};
    wk_err err;
    wk_arena_init(&b->arena);
    assert_int_equal(wk_ledger_plan(&b->arena, &instrument, 1, &b->ledger, &err), WK_OK);
    wk_arena_freeze(&b->arena);
}

/* Positive lots buy. */
static bool fill(book *b, int64_t time_ns, int64_t lots, int64_t price)
{
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FILL,
                         .time_ns = time_ns,
                         .side = lots > 0 ? WK_SIDE_BUY : WK_SIDE_SELL,
                         .qty_lots = lots > 0 ? lots : -lots,
                         .price_ticks = price};
    int64_t cash;
    bool closed;
    wk_err err;
    assert_int_equal(wk_ledger_fill(b->ledger, &e, 0, 0, &cash, &closed, &b->closed, &err), WK_OK);
    return closed;
}

static void test_funding_of_the_open_trade_is_in_its_net(void **state)
{
    book b;
    wk_trade changed[2];
    (void)state;
    open_book(&b);
    assert_false(fill(&b, 1 * MINUTE, 2, 100));
    wk_ledger_funding(b.ledger, 0, -2 * E8);
    assert_false(wk_ledger_late_funding(b.ledger, 0, 2 * MINUTE, -1 * E8, changed));
    assert_true(fill(&b, 3 * MINUTE, -2, 110));
    assert_true(b.closed.gross == 20);
    assert_true(b.closed.funding == -3);
    assert_true(b.closed.net == 17);
    wk_arena_finish(&b.arena);
}

/* A venue lists a mark's payment minutes later: by then the position was closed, or turned. */
static void test_late_funding_goes_to_the_trade_that_was_held_at_its_mark(void **state)
{
    book b;
    wk_trade changed[2];
    (void)state;
    open_book(&b);
    fill(&b, 1 * MINUTE, 2, 100);
    assert_true(fill(&b, 10 * MINUTE, -2, 110));
    fill(&b, 10 * MINUTE, -1, 110); /* the other way at once */
    /* The mark is the very instant of the turn: it was held until then. */
    assert_true(wk_ledger_late_funding(b.ledger, 0, 10 * MINUTE, -3 * E8, changed));
    assert_true(changed[0].funding == 0);
    assert_true(changed[0].net == 20);
    assert_true(changed[1].funding == -3);
    assert_true(changed[1].net == 17);
    assert_int_equal(changed[1].entry_ns, 1 * MINUTE);
    /* A second payment adds to the first. */
    assert_true(wk_ledger_late_funding(b.ledger, 0, 9 * MINUTE, 1 * E8, changed));
    assert_true(changed[0].net == 17);
    assert_true(changed[1].net == 18);
    /* What is held now has paid nothing of it. */
    assert_true(fill(&b, 20 * MINUTE, 1, 109));
    assert_true(b.closed.funding == 0);
    wk_arena_finish(&b.arena);
}

static void test_late_funding_finds_its_trade_behind_newer_ones(void **state)
{
    book b;
    wk_trade changed[2];
    (void)state;
    open_book(&b);
    for (int64_t k = 0; k < 5; k++) {
        fill(&b, (10 * k + 1) * MINUTE, 1, 100);
        fill(&b, (10 * k + 6) * MINUTE, -1, 101);
    }
    assert_true(wk_ledger_late_funding(b.ledger, 0, 14 * MINUTE, 2 * E8, changed));
    assert_int_equal(changed[1].entry_ns, 11 * MINUTE);
    assert_true(changed[1].net == 3);
    /* Between two trades nothing was held. */
    assert_false(wk_ledger_late_funding(b.ledger, 0, 18 * MINUTE, 2 * E8, changed));
    fill(&b, 61 * MINUTE, 1, 100);
    assert_true(fill(&b, 66 * MINUTE, -1, 101));
    assert_true(b.closed.net == 1);
    wk_arena_finish(&b.arena);
}

/* Fills and funding are asked for one after the other: a payment may be known before its entry. */
static void test_funding_told_before_its_entry_waits_for_it(void **state)
{
    book b;
    wk_trade changed[2];
    (void)state;
    open_book(&b);
    assert_false(wk_ledger_late_funding(b.ledger, 0, 5 * MINUTE, 2 * E8, changed));
    assert_false(wk_ledger_late_funding(b.ledger, 0, 30 * MINUTE, 4 * E8, changed));
    fill(&b, 1 * MINUTE, 1, 100);
    assert_true(fill(&b, 9 * MINUTE, -1, 100));
    assert_true(b.closed.net == 2);
    fill(&b, 20 * MINUTE, 1, 100); /* the second mark was told before all of this */
    assert_true(fill(&b, 40 * MINUTE, -1, 100));
    assert_true(b.closed.net == 4);
    wk_arena_finish(&b.arena);
}

static void test_a_trade_of_many_marks_has_them_all(void **state)
{
    book b;
    wk_trade changed[2];
    (void)state;
    open_book(&b);
    fill(&b, 0, 1, 100);
    for (int64_t k = 1; k <= 100; k++)
        assert_false(wk_ledger_late_funding(b.ledger, 0, k * 480 * MINUTE, E8, changed));
    assert_true(fill(&b, 100 * 480 * MINUTE - MINUTE, -1, 100)); /* just before the last */
    assert_true(b.closed.net == 99);
    wk_arena_finish(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_funding_of_the_open_trade_is_in_its_net),
        cmocka_unit_test(test_late_funding_goes_to_the_trade_that_was_held_at_its_mark),
        cmocka_unit_test(test_late_funding_finds_its_trade_behind_newer_ones),
        cmocka_unit_test(test_funding_told_before_its_entry_waits_for_it),
        cmocka_unit_test(test_a_trade_of_many_marks_has_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
