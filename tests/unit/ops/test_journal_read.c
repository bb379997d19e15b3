/* Round trips read back from a journal, by hand-made fills. */
#include "../data/temp.h"

#include <math.h>

#include "journal_read.h"
#include "wick/journal.h"

static const wk_trade_instrument btc = {"BTCUSD", 0.5, 0.001, 1};

static void put(wk_journal *j, int kind, uint32_t market, uint64_t id, int side, int64_t lots,
                int64_t ticks, int64_t fee_e8, int64_t time_ns)
{
    wk_journal_record r = {.kind = kind,
                           .market = market,
                           .order_id = id,
                           .side = (int8_t)side,
                           .qty_lots = lots,
                           .price_ticks = ticks,
                           .fee_e8 = fee_e8,
                           .time_ns = time_ns,
                           .score = 0.5};
    if (kind == WK_JOURNAL_SIGNAL) /* of a journal from before strategies were said: the reason */
        snprintf(r.text, sizeof r.text, "%s", market == 1 ? "coins 1h" : "entry");
    assert_true(wk_journal_put(j, &r) > 0);
}

static void test_round_trips_add_up_over_markets_and_partial_fills(void **state)
{
    wk_journal *j = NULL;
    wk_err err = {0};
    wk_trade_instrument eth = btc;
    snprintf(eth.symbol, sizeof eth.symbol, "ETHUSD");
    assert_int_equal(wk_journal_open(temp_path(state, "journal.sqlite"), &j, &err), WK_OK);
    assert_int_equal(wk_journal_market(j, 0, "x", "BTCUSD", &btc, &err), WK_OK);
    assert_int_equal(wk_journal_market(j, 1, "x", "ETHUSD", &eth, &err), WK_OK);
    put(j, WK_JOURNAL_SIGNAL, 0, 1, 1, 0, 0, 0, 5);
    put(j, WK_JOURNAL_FILL, 0, 1, 1, 10, 2000, 1000000, 10); /* 0.010 at 1000 */
    put(j, WK_JOURNAL_SIGNAL, 1, 2, -1, 0, 0, 0, 6);
    put(j, WK_JOURNAL_FILL, 1, 2, -1, 100, 200, 500000, 11);  /* short 0.1 at 100 */
    put(j, WK_JOURNAL_FILL, 0, 1, 1, 10, 2100, 1000000, 12);  /* 0.010 at 1050 */
    put(j, WK_JOURNAL_FILL, 0, 3, -1, 20, 2200, 2000000, 20); /* 0.020 at 1100 */
    assert_int_equal(wk_journal_sync(j, &err), WK_OK);
    wk_ops_trips trips;
    sqlite3 *db = NULL;
    assert_int_equal(wk_ops_journal_open(((temp_dir *)*state)->path, &db, NULL, &err), WK_OK);
    assert_int_equal(wk_ops_trips_read(db, &trips, &err), WK_OK);
    assert_int_equal(trips.n_trips, 2);
    const wk_ops_trip *t = &trips.trips[0];
    assert_true(t->closed && t->trade.side == 1);
    /* 22 - 20.5 gross, 0.04 of fees */
    assert_true(fabs(t->trade.gross - 1.5) < 1e-9 && fabs(t->trade.net - 1.46) < 1e-9);
    assert_true(fabs(t->trade.entry_price - 1025) < 1e-9 && t->trade.exit_price == 1100);
    assert_true(t->trade.score == 0.5);
    assert_string_equal(t->entry_order, "0000000000000001");
    assert_false(trips.trips[1].closed);
    assert_int_equal(trips.trips[1].trade.side, -1);
    assert_int_equal(trips.trips[1].fees_e8, 500000);
    assert_string_equal(trips.trips[0].strategy, "");
    assert_string_equal(trips.trips[1].strategy, "coins 1h");
    wk_ops_trips_finish(&trips);
    sqlite3_close(db);
    wk_journal_close(j);
}

static void test_what_is_no_journal_is_refused(void **state)
{
    sqlite3 *db = NULL;
    wk_err err = {0};
    assert_int_equal(wk_ops_journal_open(((temp_dir *)*state)->path, &db, NULL, &err), WK_E_IO);
    ASSERT_CONTAINS(err.msg, "journal.sqlite is not there");
    const char *path = temp_write(state, "journal.sqlite", "no database, but long enough to look");
    assert_int_equal(wk_ops_journal_open(path, &db, NULL, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "is no journal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trips_add_up_over_markets_and_partial_fills,
                                        temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_journal_is_refused, temp_setup,
                                        temp_teardown),
    };
    return cmocka_run_group_tests_name("journal_read", tests, NULL, NULL);
}
