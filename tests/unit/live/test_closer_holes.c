/* What the streams lost, and what they may say of it. */
#include "closer_spy.h"

/* A bar of minute `minute` as the venue's history has it. */
static void repair(spy *s, int minute, const char *open, const char *close, const char *volume,
                   double at_s)
{
    wk__closed bar = {.time_ns = START + minute * M,
                      .open = dec(open),
                      .high = wk__exact_compare(dec(open), dec(close)) < 0 ? dec(close) : dec(open),
                      .low = wk__exact_compare(dec(open), dec(close)) < 0 ? dec(open) : dec(close),
                      .close = dec(close),
                      .volume = dec(volume),
                      .provenance = WK_PROV_REPAIRED};
    wk__closer_repair(s->closer, 0, &bar, START + (int64_t)(at_s * 1e9));
}

static void test_a_number_that_never_came_is_not_forgiven_when_a_later_gap_is_filled(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    trade(&s, 12, 30, "102", "1"); /* 11 is lost */
    settle(&s, 30);
    until(&s, 122);
    says(&s, "0 0 100 102 100 102 2 traded @62\nmissing 0..1\n"
             "0 1 102 102 102 102 0 empty @122\n");
    repair(&s, 0, "99", "102", "5", 125);
    says(&s, "0 0 99 102 99 102 5 traded revised @125\n");
    trade(&s, 14, 130, "103", "1"); /* 13 too, so long after that 11 does not come any more */
    settle(&s, 130);
    says(&s, "missing 0..2\n");
    wk__closer_down(s.closer, WK__STREAM_TRADES);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START + 140 * S);
    trade(&s, 13, 129, "101", "1");
    trade(&s, 14, 130, "103", "1");
    settle(&s, 141);
    says(&s, ""); /* nothing of the first minute: 11 is not there */
    until(&s, 182);
    says(&s, "0 2 101 103 101 103 2 traded @182\n"
             "1 0 99 103 99 103 7 traded @182\n");
    end(&s);
}

static void
test_a_lost_trade_lies_before_its_jump_was_told_though_a_late_trade_told_it(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    settle(&s, 1);
    wk_event late = {.kind = WK_EVENT_TRADE, .exchange_ns = START + 2 * S};
    late.trade.id = 12;
    late.trade.price = dec("101");
    late.trade.qty = dec("1");
    wk__closer_trade(s.closer, &late, START + 70 * S); /* 11 is of any time until then */
    settle(&s, 70);
    until(&s, 122);
    says(&s, "0 0 100 101 100 101 2 traded @62\nmissing 0..1\n"
             "0 1 101 101 101 101 0 empty @122\nmissing 1..2\n");
    end(&s);
}

static void
test_what_history_told_of_a_hole_is_not_taken_back_by_trades_that_are_not_all(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    trade(&s, 12, 70, "102", "1"); /* 11 is lost */
    settle(&s, 70);
    until(&s, 122);
    says(&s, "0 0 100 100 100 100 1 traded @62\nmissing 0..1\n"
             "0 1 102 102 102 102 1 traded @122\nmissing 1..2\n");
    repair(&s, 1, "101", "102", "4", 125);
    says(&s, "0 1 101 102 101 102 4 traded revised @125\n");
    trade(&s, 13, 30, "99", "1"); /* late: its own minute changes as far as it is known */
    settle(&s, 130);
    says(&s, "0 0 100 100 99 99 2 traded revised @130\nmissing 0..1\n");
    trade(&s, 14, 80, "105", "1"); /* late: history holds more, and is asked what this made of it */
    settle(&s, 131);
    says(&s, "missing 1..2\n");
    end(&s);
}

static void test_fewer_trades_than_the_venue_counted_make_no_bar(void **state)
{
    (void)state;
    spy s;
    start(&s, true, true);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    trade(&s, 10, 1, "100", "1");
    settle(&s, 1);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START + 30 * S); /* not whole in this minute */
    candle(&s, 0, 40, "100", "101", "100", "101", "2", 2, false);
    settle(&s, 40);
    until(&s, 62);
    says(&s, "missing 0..1\n");
    trade(&s, 11, 35, "101", "1");
    settle(&s, 63);
    says(&s, "0 0 100 101 100 101 2 repaired @63\n");
    end(&s);
}

static void test_a_candle_of_a_mark_price_has_no_volume_and_is_not_empty(void **state)
{
    (void)state;
    spy s;
    start(&s, false, true);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START);
    wk_event e = {.kind = WK_EVENT_CANDLE, .exchange_ns = START + 5 * S};
    e.candle.open_ns = START;
    e.candle.timeframe_ns = M;
    e.candle.open = e.candle.low = dec("100");
    e.candle.high = e.candle.close = dec("101");
    e.candle.volume.scale = -1;
    e.candle.n_trades = -1;
    wk__closer_candle(s.closer, &e);
    settle(&s, 5);
    until(&s, 62);
    says(&s, "0 0 100 101 100 101 0 traded @62\n");
    end(&s);
}

static void test_a_note_of_what_is_stored_that_no_bar_begins_at_asks_for_whole_bars(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_resume(s.closer, START - 4 * M + 7);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    says(&s, "missing -4..0\n");
    end(&s);
    start(&s, true, false);
    wk__closer_resume(s.closer, -7);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START);
    says(&s, "");
    end(&s);
}

static void test_empty_bars_repeat_a_late_close_though_the_bar_of_it_is_not_known_yet(void **state)
{
    (void)state;
    spy s;
    start(&s, true, false);
    wk__closer_up(s.closer, WK__STREAM_TRADES, START + 10 * S);
    trade(&s, 10, 5, "100", "1");
    settle(&s, 10);
    until(&s, 122);
    says(&s, "missing 0..1\n0 1 100 100 100 100 0 empty @122\n");
    trade(&s, 11, 40, "101", "1"); /* its minute is not whole: history has to tell it */
    settle(&s, 123);
    says(&s, "0 1 101 101 101 101 0 empty revised @123\n");
    end(&s);
}

static void test_a_candle_corrects_a_bar_of_which_the_streams_details_are_forgotten(void **state)
{
    (void)state;
    spy s;
    start(&s, false, true);
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START);
    candle(&s, 0, 5, "100", "100", "100", "100", "1", 1, false);
    candle(&s, 1, 65, "101", "101", "101", "101", "1", 1, false);
    settle(&s, 65);
    says(&s, "0 0 100 100 100 100 1 traded @65\n");
    wk__closer_down(s.closer, WK__STREAM_CANDLES);
    for (int minute = 1; minute < 66; minute++) {
        until(&s, 60 * (minute + 1) + 2);
        s.n = s.log[0] = 0; /* it asks for each of them */
    }
    wk__closer_up(s.closer, WK__STREAM_CANDLES, START + 3970 * S);
    /* Equal to what went out: nothing. Another: the venue's last word, or (late) a question. */
    candle(&s, 0, 3970, "100", "100", "100", "100", "1", 1, true);
    says(&s, "");
    candle(&s, 0, 3971, "100", "100", "99", "99", "3", 2, true);
    says(&s, "0 0 100 100 99 99 3 traded revised @3971\n");
    candle(&s, 0, 3972, "100", "100", "100", "100", "1", 1, false);
    says(&s, "missing 0..1\n");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_number_that_never_came_is_not_forgiven_when_a_later_gap_is_filled),
        cmocka_unit_test(test_fewer_trades_than_the_venue_counted_make_no_bar),
        cmocka_unit_test(test_a_candle_of_a_mark_price_has_no_volume_and_is_not_empty),
        cmocka_unit_test(test_a_note_of_what_is_stored_that_no_bar_begins_at_asks_for_whole_bars),
        cmocka_unit_test(
            test_a_lost_trade_lies_before_its_jump_was_told_though_a_late_trade_told_it),
        cmocka_unit_test(
            test_what_history_told_of_a_hole_is_not_taken_back_by_trades_that_are_not_all),
        cmocka_unit_test(test_a_candle_corrects_a_bar_of_which_the_streams_details_are_forgotten),
        cmocka_unit_test(test_empty_bars_repeat_a_late_close_though_the_bar_of_it_is_not_known_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
