#include "closer_spy.h"

static void test_a_bar_closes_at_its_end_plus_grace_though_no_trade_closes_it(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START - 1);
    s.n = 0;
    s.log[0] = 0;
    until(&s, 2);
    says(&s, "missing -1..0\n");
    trade(&s, 7, 5, "100.5", "1");
    trade(&s, 8, 6, "101.0", "0.25");
    trade(&s, 9, 59, "99.9", "0.00000001");
    settle(&s, 59);
    until(&s, 61.9);
    says(&s, "");
    until(&s, 62);
    says(&s, "0 0 100.5 101 99.9 99.9 1.25000001 traded @62\n");
    /* Quiet minutes repeat the close; the third minute makes the three-minute bar. */
    until(&s, 500);
    says(&s, "0 1 99.9 99.9 99.9 99.9 0 empty @122\n"
             "0 2 99.9 99.9 99.9 99.9 0 empty @182\n"
             "1 0 100.5 101 99.9 99.9 1.25000001 traded @182\n"
             "0 3 99.9 99.9 99.9 99.9 0 empty @242\n"
             "0 4 99.9 99.9 99.9 99.9 0 empty @302\n"
             "0 5 99.9 99.9 99.9 99.9 0 empty @362\n"
             "1 3 99.9 99.9 99.9 99.9 0 empty @362\n"
             "0 6 99.9 99.9 99.9 99.9 0 empty @422\n"
             "0 7 99.9 99.9 99.9 99.9 0 empty @482\n");
    end(&s);
}

static void test_a_trade_of_the_next_bucket_closes_the_bar_at_once(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 1, 5, "100", "1");
    settle(&s, 5);
    says(&s, "");
    trade(&s, 2, 60.1, "101", "1");
    settle(&s, 60.2);
    says(&s, "0 0 100 100 100 100 1 traded @60\n");
    trade(&s, 3, 185, "102", "1");
    settle(&s, 185);
    says(&s, "0 1 101 101 101 101 1 traded @185\n0 2 101 101 101 101 0 empty @185\n"
             "1 0 100 101 100 101 2 traded @185\n");
    /* A longer bar opens at its first trade, not at the close that an empty minute repeats. */
    until(&s, 310);
    s.n = 0;
    trade(&s, 4, 310, "90", "1");
    settle(&s, 310);
    until(&s, 482);
    s.n = 0;
    trade(&s, 5, 490, "95", "1");
    settle(&s, 490);
    until(&s, 542);
    assert_non_null(strstr(s.log, "1 6 95 95 95 95 1 traded @542\n"));
    end(&s);
}

static void test_a_late_trade_revises_its_bar_and_the_empty_ones_behind_it(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 1, 5, "100", "1");
    settle(&s, 5);
    until(&s, 122);
    says(&s, "0 0 100 100 100 100 1 traded @62\n0 1 100 100 100 100 0 empty @122\n");
    trade(&s, 2, 50, "103", "2");
    settle(&s, 130);
    says(&s,
         "0 0 100 103 100 103 3 traded revised @130\n0 1 103 103 103 103 0 empty revised @130\n");
    wk__closer_counts counts;
    wk__closer_count(s.closer, &counts);
    assert_int_equal(counts.late, 1);
    end(&s);
}

static void test_a_duplicate_trade_counts_once_and_disorder_changes_nothing(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    trade(&s, 12, 3, "102", "1");
    trade(&s, 11, 2, "99", "1");
    trade(&s, 12, 3, "102", "1");
    trade(&s, 10, 1, "100", "1");
    settle(&s, 4);
    trade(&s, 13, 60, "105", "1");
    settle(&s, 60);
    says(&s, "0 0 100 102 99 102 3 traded @60\n");
    wk__closer_counts counts;
    wk__closer_count(s.closer, &counts);
    assert_int_equal(counts.duplicates, 2);
    assert_int_equal(counts.trades, 4);
    end(&s);
}

static void test_a_lost_trade_is_asked_for_and_its_bar_goes_out_as_seen_then_as_it_was(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    settle(&s, 1);
    trade(&s, 12, 30, "102", "1");
    settle(&s, 30);
    trade(&s, 13, 61, "103", "1");
    settle(&s, 61);
    says(&s, ""); /* a trade of it may be on its way: not before the grace is over */
    until(&s, 62);
    says(&s, "0 0 100 102 100 102 2 traded @62\nmissing 0..1\n");
    wk__closed repaired = {.time_ns = START,
                           .open = dec("100"),
                           .high = dec("107"),
                           .low = dec("100"),
                           .close = dec("102"),
                           .volume = dec("2.5"),
                           .provenance = WK_PROV_REPAIRED};
    wk__closer_repair(s.closer, 0, &repaired, START + 65 * S);
    says(&s, "0 0 100 107 100 102 2.5 traded revised @65\n");
    wk__closer_repair(s.closer, 0, &repaired, START + 66 * S);
    says(&s, "");
    end(&s);
}

static void test_every_jump_of_the_numbers_is_asked_for_though_an_earlier_one_is_open(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    settle(&s, 1);
    trade(&s, 12, 30, "102", "1");
    settle(&s, 30);
    until(&s, 182);
    says(&s, "0 0 100 102 100 102 2 traded @62\nmissing 0..1\n"
             "0 1 102 102 102 102 0 empty @122\n0 2 102 102 102 102 0 empty @182\n"
             "1 0 100 102 100 102 2 traded @182\n");
    /* The trade 13 was in one of the bars that went out as empty, and 11 never came. */
    trade(&s, 14, 190, "103", "1");
    settle(&s, 190);
    says(&s, "missing 0..3\n");
    /* One that comes in the same message is not missing. */
    trade(&s, 16, 191, "103", "1");
    trade(&s, 15, 191, "103", "1");
    trade(&s, 13, 100, "104", "1");
    settle(&s, 192);
    says(&s, "0 1 104 104 104 104 1 traded revised @192\n"
             "1 0 100 104 100 104 3 traded revised @192\n"
             "0 2 104 104 104 104 0 empty revised @192\n");
    end(&s);
}

static void test_a_repair_of_what_went_out_is_as_strong_as_that_in_every_timeframe(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 1, 5, "100", "1");
    settle(&s, 5);
    until(&s, 182);
    s.n = 0;
    wk__closer_doubt(s.closer, START + 70 * S);
    says(&s, "missing 1..3\n");
    wk__closed three = {.time_ns = START,
                        .open = dec("100"),
                        .high = dec("105"),
                        .low = dec("100"),
                        .close = dec("105"),
                        .volume = dec("2"),
                        .provenance = WK_PROV_REPAIRED};
    wk__closer_repair(s.closer, 1, &three, START + 190 * S);
    says(&s, "1 0 100 105 100 105 2 traded revised @190\n");
    /* One that is still running is not taken. */
    three.time_ns = START + 3 * M;
    wk__closer_repair(s.closer, 1, &three, START + 191 * S);
    says(&s, "");
    end(&s);
}

static void test_numbers_prove_that_a_lost_connection_lost_no_trade(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    settle(&s, 1);
    wk__closer_down(s.closer, WK__STREAM_TRADES);
    until(&s, 62);
    says(&s, "missing 0..1\n");
    wk__closer_up(s.closer, WK__STREAM_TRADES, START + 70 * S);
    settle(&s, 70);
    says(&s, "");
    /* The last trades of the venue hold the one we had last. */
    for (int id = 9; id < 13; id++)
        trade(&s, id, id == 9 ? 0.5 : id == 10 ? 1 : 5 + id, "101", "1");
    settle(&s, 71);
    says(&s, "0 0 100 101 100 101 3 repaired @71\n");
    until(&s, 122);
    says(&s, "0 1 101 101 101 101 0 empty @122\n");
    /* These do not. */
    wk__closer_down(s.closer, WK__STREAM_TRADES);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START + 130 * S);
    trade(&s, 20, 131, "101", "1");
    settle(&s, 131);
    until(&s, 182);
    says(&s, "missing 0..2\nmissing 2..3\n"); /* any time since the last trade we had */
    trade(&s, 21, 190, "101", "1");
    until(&s, 242);
    says(&s, "0 3 101 101 101 101 1 traded @242\n");
    end(&s);
}

static void test_the_venues_candle_leads_when_it_counts_more_trades(void **state)
{
    (void)state;
    spy s;
    start(&s, true, true);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START);
    trade(&s, 1, 5, "100", "1");
    candle(&s, 0, 5, "100", "100", "100", "100", "1.0", 1, false);
    candle(&s, 0, 8, "100", "104", "100", "104", "1.5", 2, false);
    candle(&s, 0, 5, "100", "100", "100", "100", "1.0", 1, false); /* told twice */
    settle(&s, 8);
    until(&s, 62);
    says(&s, "0 0 100 104 100 104 1.5 traded @62\n");
    /* The candle stays behind: the trades lead. */
    trade(&s, 3, 65, "105", "1");
    candle(&s, 1, 65, "105", "105", "105", "105", "1", 1, false);
    trade(&s, 4, 66, "106", "1");
    settle(&s, 66);
    until(&s, 122);
    says(&s, "0 1 105 106 105 106 2 traded @122\nmissing 1..2\n");
    /* The venue corrects a closed candle. */
    candle(&s, 1, 130, "105", "108", "105", "106", "3", 3, false);
    settle(&s, 130);
    says(&s, "0 1 105 108 105 106 3 traded revised @130\n");
    end(&s);
}

static void test_a_snapshot_of_candles_tells_the_running_bucket_and_what_was_missed(void **state)
{
    (void)state;
    spy s;
    start(&s, false, true);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START + 90 * S);
    says(&s, "missing 0..1\n"); /* the part of the three minutes before us */
    candle(&s, 0, 90, "100", "101", "99", "100.5", "7", 3, true);
    candle(&s, 1, 90, "100.5", "100.5", "100.5", "100.5", "1", 1, true);
    settle(&s, 90);
    says(&s, "0 0 100 101 99 100.5 7 repaired @90\n");
    until(&s, 200);
    says(&s, "0 1 100.5 100.5 100.5 100.5 1 traded @122\n0 2 100.5 100.5 100.5 100.5 0 empty @182\n"
             "1 0 100 101 99 100.5 8 repaired @182\n");
    wk__closer_down(s.closer, WK__STREAM_CANDLES);
    until(&s, 245);
    says(&s, "missing 3..4\n");
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START + 250 * S);
    candle(&s, 2, 250, "100.5", "100.5", "100.5", "100.5", "0", 0, true);
    candle(&s, 3, 250, "100.5", "103", "100.5", "103", "2", 2, true);
    settle(&s, 250);
    says(&s, "0 3 100.5 103 100.5 103 2 repaired @250\n");
    end(&s);
}

static void test_what_changes_a_bar_that_the_streams_hold_in_part_asks_for_it_again(void **state)
{
    (void)state;
    spy s;
    start(&s, true, true);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START + 10 * S);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START + 10 * S);
    trade(&s, 7, 20, "100", "1");
    settle(&s, 20);
    until(&s, 63);
    says(&s, "missing 0..1\n"); /* what traded in its first ten seconds is not known */
    wk__closed repaired = {.time_ns = START,
                           .open = dec("100"),
                           .high = dec("100"),
                           .low = dec("100"),
                           .close = dec("100"),
                           .volume = dec("1"),
                           .provenance = WK_PROV_REPAIRED};
    wk__closer_repair(s.closer, 0, &repaired, START + 63 * S);
    says(&s, "0 0 100 100 100 100 1 repaired @63\n");
    trade(&s, 8, 40, "101", "2"); /* late */
    settle(&s, 64);
    says(&s, "missing 0..1\n");
    settle(&s, 65); /* once */
    says(&s, "");
    end(&s);
}

static void test_a_first_number_proves_nothing_of_the_gap_before_it(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    says(&s, "");
    wk__closer_down(s.closer, WK__STREAM_TRADES);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START + 30 * S);
    trade(&s, 8, 40, "101", "2"); /* 7 may have come while nobody listened */
    settle(&s, 40);
    until(&s, 63);
    says(&s, "missing 0..1\n");
    end(&s);
}

static void test_impossible_prices_never_reach_a_bar(void **state)
{
    (void)state;
    spy s;
    start(&s, true, true);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START);
    trade(&s, 1, 5, "0", "1");
    trade(&s, 2, 5, "-1", "1");
    candle(&s, 0, 5, "100", "99", "100", "100", "1.0", 1, false);
    candle(&s, 0, 5, "100", "100", "0", "100", "1.0", 1, false);
    wk__closer_counts counts;
    wk__closer_count(s.closer, &counts);
    assert_int_equal(counts.impossible, 4);
    settle(&s, 5);
    until(&s, 62);
    says(&s, "missing 0..1\n"); /* no price is known, not even an old one */
    end(&s);
}

static void test_sums_are_exact_where_doubles_are_not(void **state)
{
    (void)state;
    wk__sum sum = {0};
    for (int i = 0; i < 1000; i++)
        wk__sum_add(&sum, dec(i % 2 ? "0.1" : "0.20000000"));
    wk__sum_add(&sum, dec("1e-08"));
    wk_decimal v = wk__sum_value(&sum);
    assert_int_equal(v.digits, 15000000001);
    assert_int_equal(v.scale, 8);
    wk__sum large = {0};
    for (int i = 0; i < 30; i++)
        wk__sum_add(&large, dec("922337203685.47758"));
    assert_true(wk_decimal_to_double(wk__sum_value(&large)) == 27670116110564.3274);
    wk__sum absurd = {0};
    for (int i = 0; i < 50; i++)
        wk__sum_add(&absurd, dec(i % 2 ? "9223372036854775807" : "9.223372036854775807"));
    v = wk__sum_value(&absurd);
    assert_true(v.digits == INT64_MAX && v.scale == 0);
    assert_int_equal(wk__exact_compare(dec("1.50"), dec("1.5")), 0);
    assert_int_equal(wk__exact_compare(dec("1e-30"), dec("9223372036854775807")), -1);
    assert_int_equal(wk__exact_compare(dec("-1"), dec("-2")), 1);
    v = wk__decimal_of(30306.1);
    assert_int_equal(v.digits, 303061);
    assert_int_equal(v.scale, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bar_closes_at_its_end_plus_grace_though_no_trade_closes_it),
        cmocka_unit_test(test_a_trade_of_the_next_bucket_closes_the_bar_at_once),
        cmocka_unit_test(test_a_late_trade_revises_its_bar_and_the_empty_ones_behind_it),
        cmocka_unit_test(test_a_duplicate_trade_counts_once_and_disorder_changes_nothing),
        cmocka_unit_test(
            test_a_lost_trade_is_asked_for_and_its_bar_goes_out_as_seen_then_as_it_was),
        cmocka_unit_test(test_every_jump_of_the_numbers_is_asked_for_though_an_earlier_one_is_open),
        cmocka_unit_test(test_a_repair_of_what_went_out_is_as_strong_as_that_in_every_timeframe),
        cmocka_unit_test(test_numbers_prove_that_a_lost_connection_lost_no_trade),
        cmocka_unit_test(test_the_venues_candle_leads_when_it_counts_more_trades),
        cmocka_unit_test(test_a_snapshot_of_candles_tells_the_running_bucket_and_what_was_missed),
        cmocka_unit_test(test_what_changes_a_bar_that_the_streams_hold_in_part_asks_for_it_again),
        cmocka_unit_test(test_a_first_number_proves_nothing_of_the_gap_before_it),
        cmocka_unit_test(test_impossible_prices_never_reach_a_bar),
        cmocka_unit_test(test_sums_are_exact_where_doubles_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
