/* wk_account over the wire, against the local venue with its own reading of the protocols: whole
 * lives of orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "account_bench.h"

static void test_orders_live_their_life(int is_kraken)
{
    bench b;
    wk_venue_order o = {0}, open[8];
    wk_venue_fill fills[8];
    wk_venue_position positions[4];
    size_t n;
    int64_t wait, cash, equity;
    char why[256] = "";
    bench_begin(&b, is_kraken, NULL, NULL);
    void *self = b.account.self;

    /* One that rests, is seen, is cancelled, and is gone. */
    wk_order resting = bench_entry(&b, WK_ORDER_LIMIT, 590000);
    assert_int_equal(bench_place(&b, &resting, &o), WK_REQUEST_DONE);
    assert_true(o.venue_id[0] != 0);
    assert_int_equal(b.account.open_orders(self, open, 8, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 1);
    assert_int_equal(open[0].client_id, resting.id);
    assert_int_equal(open[0].price_ticks, 590000);
    assert_int_equal(open[0].qty_lots, b.lots);
    assert_int_equal(bench_ask(&b, resting.id, &o), WK_REQUEST_DONE);
    assert_true(o.is_open);
    assert_int_equal(b.account.cancel(self, 0, resting.id, &wait, why), WK_REQUEST_DONE);
    assert_int_equal(bench_ask(&b, resting.id, &o), WK_REQUEST_DONE);
    assert_false(o.is_open);
    assert_int_equal(o.filled_lots, 0);
    assert_int_equal(b.account.cancel(self, 0, resting.id, &wait, why), WK_REQUEST_REFUSED);
    assert_int_equal(bench_ask(&b, 0x999, &o), WK_REQUEST_REFUSED);

    /* One that rests and fills as maker when the price comes. */
    resting = bench_entry(&b, WK_ORDER_LIMIT, 595000);
    assert_int_equal(bench_place(&b, &resting, &o), WK_REQUEST_DONE);
    assert_true(venue_trade_price(b.v, b.market.instrument->name_rest, "59400.0"));
    assert_int_equal(bench_ask(&b, resting.id, &o), WK_REQUEST_DONE);
    assert_false(o.is_open);
    assert_int_equal(o.filled_lots, b.lots);
    assert_int_equal(o.average_ticks, 595000);

    /* And a market order, that takes. */
    wk_order taking = bench_entry(&b, WK_ORDER_MARKET, 0);
    assert_int_equal(bench_place(&b, &taking, &o), WK_REQUEST_DONE);
    assert_int_equal(bench_ask(&b, taking.id, &o), WK_REQUEST_DONE);
    assert_false(o.is_open);
    assert_int_equal(o.filled_lots, b.lots);

    assert_int_equal(
        b.account.fills(self, wk_clock_wall_ns() - 60 * WK_NS_PER_S, fills, 8, &n, why),
        WK_REQUEST_DONE);
    assert_int_equal(n, 2);
    size_t maker = fills[0].maker ? 0 : 1;
    assert_int_equal(fills[maker].client_id ? fills[maker].client_id : resting.id, resting.id);
    assert_true(fills[maker].maker && !fills[1 - maker].maker);
    assert_int_equal(fills[maker].price_ticks, 595000);
    assert_int_equal(fills[maker].qty_lots, b.lots);
    /* 595 USD: Delta's 0.02 %, Kraken's 0.25 %. */
    assert_int_equal(fills[maker].fee_e8, is_kraken ? 148750000 : 11900000);
    assert_int_equal(b.account.positions(self, positions, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 1);
    assert_int_equal(positions[0].qty_lots, 2 * b.lots);

    json_t *state = bench_state(&b);
    assert_int_equal(b.account.balance(self, &cash, &equity, why), WK_REQUEST_DONE);
    json_t *balances = json_object_get(state, "balances");
    double quote = strtod(bench_word(balances, is_kraken ? "ZUSD" : "USD"), NULL);
    assert_true(quote > 8000 && quote < 10000);
    /* Kraken shows four decimals of dollars. */
    assert_true(llabs(cash - (int64_t)(quote * 1e8 + 0.5)) <= (is_kraken ? 10000 : 0));
    assert_true(llabs(equity - (int64_t)(strtod(bench_word(state, "equity"), NULL) * 1e8 + 0.5)) <=
                (is_kraken ? 10000 : 1));
    json_decref(state);

    /* Leaving what is held. */
    wk_order leaving = bench_entry(&b, WK_ORDER_MARKET, 0);
    leaving.side = -1;
    leaving.qty_lots = 2 * b.lots;
    leaving.reduce_only = true;
    assert_int_equal(bench_place(&b, &leaving, &o), WK_REQUEST_DONE);
    assert_int_equal(b.account.positions(self, positions, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 0);
    bench_finish(&b, 0);
}

static void test_delta_orders_live_their_life(void **state)
{
    (void)state;
    test_orders_live_their_life(0);
}

static void test_kraken_orders_live_their_life(void **state)
{
    (void)state;
    test_orders_live_their_life(1);
}

static void test_delta_brackets_protect_and_move(void **unused)
{
    (void)unused;
    bench b;
    wk_venue_order o = {0};
    wk_venue_position positions[4];
    size_t n;
    char why[256] = "";
    bench_begin(&b, 0, NULL, NULL);
    assert_int_equal(b.account.leverage(b.account.self, 0, 5, why), WK_REQUEST_DONE);
    wk_order want = bench_entry(&b, WK_ORDER_MARKET, 0);
    want.stop_ticks = 590000;
    want.profit_ticks = 620000;
    assert_int_equal(bench_place(&b, &want, &o), WK_REQUEST_DONE);
    json_t *state = bench_state(&b);
    assert_string_equal(bench_word(bench_stop(state, &n), "trigger_price"), "59000");
    assert_int_equal(n, 1);
    assert_string_equal(
        bench_word(json_array_get(json_object_get(state, "markets"), 0), "leverage"), "5");
    json_decref(state);
    assert_int_equal(b.account.protect(b.account.self, 0, 595000, 0, why), WK_REQUEST_DONE);
    state = bench_state(&b);
    assert_string_equal(bench_word(bench_stop(state, &n), "trigger_price"), "59500");
    assert_int_equal(n, 1);
    json_decref(state);
    assert_true(venue_trade_price(b.v, "BTCUSD", "59450.0"));
    assert_int_equal(b.account.positions(b.account.self, positions, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 0);
    /* Nothing is left of the bracket. */
    assert_int_equal(b.account.open_orders(b.account.self, &o, 1, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 0);
    /* Without a position there is nothing to protect; one without a bracket gets one. */
    assert_int_equal(b.account.protect(b.account.self, 0, 590000, 0, why), WK_REQUEST_REFUSED);
    want = bench_entry(&b, WK_ORDER_MARKET, 0);
    want.side = -1;
    assert_int_equal(bench_place(&b, &want, &o), WK_REQUEST_DONE);
    assert_int_equal(b.account.protect(b.account.self, 0, 605000, 580000, why), WK_REQUEST_DONE);
    state = bench_state(&b);
    assert_string_equal(bench_word(bench_stop(state, &n), "trigger_price"), "60500");
    assert_string_equal(bench_word(bench_stop(state, &n), "side"), "buy");
    json_decref(state);
    bench_finish(&b, 0);
}

static void test_kraken_keeps_one_stop_a_position(void **unused)
{
    (void)unused;
    bench b;
    wk_venue_order o = {0};
    size_t n;
    int64_t wait;
    char why[256] = "";
    bench_begin(&b, 1, NULL, NULL);
    void *self = b.account.self;
    wk_order want = bench_entry(&b, WK_ORDER_MARKET, 0);
    assert_int_equal(bench_place(&b, &want, &o), WK_REQUEST_DONE);
#define PROTECT(lots, ticks, id, is_new)                                                           \
    b.account.protect_lots(self, 0, lots, ticks, id, is_new, &wait, why)
    assert_int_equal(PROTECT(b.lots, 590000, 0x5001, true), WK_REQUEST_DONE);
    /* One that rests is kept, and its size and trigger change in place: it never goes away. */
    size_t placed = venue_requests(b.v, "/0/private/AddOrder");
    assert_int_equal(PROTECT(b.lots, 590000, 0x5001, false), WK_REQUEST_DONE);
    assert_int_equal(PROTECT(b.lots / 2, 580000, 0x5001, false), WK_REQUEST_DONE);
    json_t *state = bench_state(&b);
    const json_t *stop = bench_stop(state, &n);
    assert_int_equal(n, 1);
    assert_string_equal(bench_word(stop, "trigger_price"), "58000");
    assert_string_equal(bench_word(stop, "qty"), "0.005");
    json_decref(state);
    assert_int_equal(venue_requests(b.v, "/0/private/AmendOrder"), 1);
    assert_int_equal(venue_requests(b.v, "/0/private/AddOrder"), placed);
    assert_int_equal(venue_requests(b.v, "/0/private/CancelOrder"), 0);
    /* One that is not there is not placed again under an id that may have filled. */
    assert_int_equal(PROTECT(b.lots, 590000, 0x5009, false), WK_REQUEST_REFUSED);
    assert_int_equal(venue_requests(b.v, "/0/private/AddOrder"), placed);
    assert_int_equal(PROTECT(b.lots, 595000, 0x5002, true), WK_REQUEST_DONE);
    state = bench_state(&b);
    stop = bench_stop(state, &n);
    assert_int_equal(n, 1);
    assert_string_equal(bench_word(stop, "trigger_price"), "59500");
    assert_string_equal(bench_word(stop, "qty"), "0.01");
    json_decref(state);
    assert_true(venue_trade_price(b.v, "XBTUSD", "59490.0"));
    assert_int_equal(bench_ask(&b, 0x5002, &o), WK_REQUEST_DONE);
    assert_int_equal(o.filled_lots, b.lots);
    assert_int_equal(PROTECT(b.lots, 595000, 0x5002, false), WK_REQUEST_REFUSED); /* it filled */
    assert_int_equal(PROTECT(0, 0, 0x5003, false), WK_REQUEST_DONE);
#undef PROTECT
    bench_finish(&b, 0);
}

static void test_deadman_cancels(int is_kraken)
{
    bench b;
    wk_venue_order o = {0};
    char why[256] = "";
    bench_begin(&b, is_kraken, NULL, NULL);
    wk_order want = bench_entry(&b, WK_ORDER_LIMIT, 590000);
    assert_int_equal(bench_place(&b, &want, &o), WK_REQUEST_DONE);
    assert_int_equal(b.account.deadman(b.account.self, 60 * WK_NS_PER_S, why), WK_REQUEST_DONE);
    assert_int_equal(b.account.deadman(b.account.self, 0, why), WK_REQUEST_DONE);
    assert_int_equal(bench_ask(&b, want.id, &o), WK_REQUEST_DONE);
    assert_true(o.is_open);
    assert_int_equal(b.account.deadman(b.account.self, WK_NS_PER_S, why), WK_REQUEST_DONE);
    for (int64_t end = wk_clock_monotonic_ns() + BENCH_PATIENCE_NS; o.is_open;) {
        assert_true(wk_clock_monotonic_ns() < end);
        assert_int_equal(bench_ask(&b, want.id, &o), WK_REQUEST_DONE);
        usleep(50000);
    }
    bench_finish(&b, 0);
}

static void test_delta_deadman_cancels(void **state)
{
    (void)state;
    test_deadman_cancels(0);
}

static void test_kraken_deadman_cancels(void **state)
{
    (void)state;
    test_deadman_cancels(1);
}

static void test_clock_is_measured(void **state)
{
    (void)state;
    for (int is_kraken = 0; is_kraken < 2; is_kraken++) {
        bench b;
        int64_t off = 0, tolerance = 0, cash, equity;
        char why[256] = "";
        venue_options o = {.skew_ns = 40 * WK_NS_PER_S};
        bench_begin(&b, is_kraken, &o, NULL);
        assert_int_equal(b.account.clock(b.account.self, &off, &tolerance, why), WK_REQUEST_DONE);
        assert_in_range(off, 38 * WK_NS_PER_S, 42 * WK_NS_PER_S);
        assert_int_equal(tolerance, 5 * WK_NS_PER_S);
        /* From here on it signs with the venue's time. */
        assert_int_equal(b.account.balance(b.account.self, &cash, &equity, why), WK_REQUEST_DONE);
        bench_finish(&b, 0);
    }
}

static void test_wrong_secret_stops(void **state)
{
    (void)state;
    for (int is_kraken = 0; is_kraken < 2; is_kraken++) {
        bench b;
        int64_t cash, equity;
        char why[256] = "";
        bench_begin(&b, is_kraken, NULL, is_kraken ? "U0VOVElORUxTRUNSRVQwMTIzNDU2Nzg5" : "wrong");
        assert_int_equal(b.account.balance(b.account.self, &cash, &equity, why), WK_REQUEST_STOP);
        bench_finish(&b, 1);
    }
}

static void test_partial_fills_are_seen(void **state)
{
    (void)state;
    for (int is_kraken = 0; is_kraken < 2; is_kraken++) {
        static const char script[] = "{\"rest\":[{\"path\":\"/\",\"method\":\"POST\",\"first\":1,"
                                     "\"fault\":\"partial\",\"share\":0.4,\"seconds\":3600}]}";
        venue_options o = {.script = script};
        bench b;
        wk_venue_order out = {0};
        int64_t wait;
        char why[256] = "";
        bench_begin(&b, is_kraken, &o, NULL);
        wk_order want = bench_entry(&b, WK_ORDER_LIMIT, 601000);
        assert_int_equal(bench_place(&b, &want, &out), WK_REQUEST_DONE);
        assert_int_equal(bench_ask(&b, want.id, &out), WK_REQUEST_DONE);
        assert_true(out.is_open);
        assert_int_equal(out.filled_lots, b.lots * 4 / 10);
        assert_int_equal(b.account.cancel(b.account.self, 0, want.id, &wait, why), WK_REQUEST_DONE);
        assert_int_equal(bench_ask(&b, want.id, &out), WK_REQUEST_DONE);
        assert_false(out.is_open);
        assert_int_equal(out.filled_lots, b.lots * 4 / 10);
        bench_finish(&b, 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_orders_live_their_life),
        cmocka_unit_test(test_kraken_orders_live_their_life),
        cmocka_unit_test(test_delta_brackets_protect_and_move),
        cmocka_unit_test(test_kraken_keeps_one_stop_a_position),
        cmocka_unit_test(test_delta_deadman_cancels),
        cmocka_unit_test(test_kraken_deadman_cancels),
        cmocka_unit_test(test_clock_is_measured),
        cmocka_unit_test(test_wrong_secret_stops),
        cmocka_unit_test(test_partial_fills_are_seen),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
