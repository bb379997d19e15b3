/* The live executor over the wire, against the local venue: orders in doubt are never doubled and
 * never lost, and on Kraken a position has its one stop and its emulated target. */
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
#include "executor_live.h"

typedef struct {
    bench b;
    wk_trade_instrument instrument;
    wk__live *live;
    size_t n_rejects, n_cancels;
    int64_t position; /* as the events say */
} stage;

static void raise_curtain(stage *s, int is_kraken, const char *script)
{
    wk_err err;
    wk_reconciliation found;
    venue_options o = {.script = script};
    bench_begin(&s->b, is_kraken, &o, NULL);
    s->n_rejects = s->n_cancels = 0;
    s->position = 0;
    s->instrument = (wk_trade_instrument){
        .symbol = "BTCUSD", .tick = 0.1, .lot = is_kraken ? 1e-8 : 1e-4, .min_lots = 1};
    wk_executor_live_options live = {.account = &s->b.account,
                                     .S = 1,
                                     .instruments = &s->instrument,
                                     .poll_ns = WK_NS_PER_S / 5,
                                     .fills_ns = WK_NS_PER_S / 5};
    assert_int_equal(wk__live_create(&live, &s->live, &err), WK_OK);
    assert_int_equal(wk__live_reconcile(s->live, &found, &err), WK_OK);
}

static void fall_curtain(stage *s, size_t violations)
{
    wk__live_destroy(s->live);
    bench_finish(&s->b, violations);
}

static void step(stage *s)
{
    wk_trader_event e;
    wk_journal_record row;
    int64_t wait = wk__live_step(s->live) - wk_clock_wall_ns();
    while (wk__live_event(s->live, &e)) {
        if (e.kind == WK_TRADER_EVENT_FILL)
            s->position += e.side * e.qty_lots;
        s->n_rejects += e.kind == WK_TRADER_EVENT_REJECT;
        s->n_cancels += e.kind == WK_TRADER_EVENT_CANCELED;
    }
    while (wk__live_row(s->live, &row)) {
    }
    if (wait > 0)
        usleep((useconds_t)(wait > 20000000 ? 20000 : wait / 1000 + 1));
}

static void until_position(stage *s, int64_t lots, int seconds)
{
    for (int64_t end = wk_clock_monotonic_ns() + seconds * WK_NS_PER_S;
         s->position != lots || wk__live_working(s->live) > 0;) {
        step(s);
        if (wk_clock_monotonic_ns() > end)
            fail_msg("position %lld, not %lld; %zu orders work", (long long)s->position,
                     (long long)lots, wk__live_working(s->live));
    }
}

static size_t posts(stage *s)
{
    return venue_requests(s->b.v, s->b.is_kraken ? "/0/private/AddOrder" : "/v2/orders");
}

/* The answer is lost, the order is there: one is accepted, none is sent again. Then the request is
 * lost: it is sent again, but not before the first one's time is over. */
static void doubtful_orders_are_asked_about(int is_kraken)
{
    static const char *const scripts[] = {
        "{\"rest\":[{\"path\":\"/v2/orders\",\"method\":\"POST\",\"nth\":[1],\"fault\":\"cut\"},"
        "{\"path\":\"/v2/orders\",\"method\":\"POST\",\"nth\":[2],\"fault\":\"cut-before\"}]}",
        "{\"rest\":[{\"path\":\"/0/private/AddOrder\",\"nth\":[1],\"fault\":\"cut\"},"
        "{\"path\":\"/0/private/AddOrder\",\"nth\":[2],\"fault\":\"html-502\"}]}"};
    stage s;
    raise_curtain(&s, is_kraken, scripts[is_kraken]);
    wk_action action = {.kind = WK_ACTION_PLACE, .order = bench_entry(&s.b, WK_ORDER_MARKET, 0)};
    wk__live_action(s.live, &action);
    until_position(&s, s.b.lots, 30);
    assert_int_equal(bench_orders(&s.b), 1);
    size_t before = posts(&s);
    /* An exit is worth any number of tries. */
    action.order = bench_entry(&s.b, WK_ORDER_MARKET, 0);
    action.order.side = -1;
    action.order.reduce_only = true;
    action.order.reason = WK_REASON_SCORE_ZERO;
    int64_t start = wk_clock_monotonic_ns();
    wk__live_action(s.live, &action);
    until_position(&s, 0, 60);
    assert_true(posts(&s) > before);
    assert_int_equal(bench_orders(&s.b), 2);
    assert_true(wk_clock_monotonic_ns() - start > 5 * WK_NS_PER_S);
    fall_curtain(&s, 0);
}

static void test_delta_doubtful_orders_are_asked_about(void **state)
{
    (void)state;
    doubtful_orders_are_asked_about(0);
}

static void test_kraken_doubtful_orders_are_asked_about(void **state)
{
    (void)state;
    doubtful_orders_are_asked_about(1);
}

static void until_stop(stage *s, const char *trigger_price)
{
    for (int64_t end = wk_clock_monotonic_ns() + 20 * WK_NS_PER_S;;) {
        size_t n;
        json_t *state = bench_state(&s->b);
        const json_t *stop = bench_stop(state, &n);
        int good = trigger_price
                       ? n == 1 && strcmp(bench_word(stop, "trigger_price"), trigger_price) == 0
                       : n == 0;
        json_decref(state);
        if (good)
            return;
        step(s);
        if (wk_clock_monotonic_ns() > end)
            fail_msg("%zu stops, none at %s", n, trigger_price ? trigger_price : "all");
    }
}

static void test_kraken_has_one_stop_and_an_emulated_target(void **unused)
{
    (void)unused;
    stage s;
    raise_curtain(&s, 1, NULL);
    wk_action action = {.kind = WK_ACTION_PLACE, .order = bench_entry(&s.b, WK_ORDER_MARKET, 0)};
    action.order.stop_ticks = 590000;
    action.order.profit_ticks = 610000;
    wk__live_action(s.live, &action);
    until_position(&s, s.b.lots, 20);
    until_stop(&s, "59000");
    /* The price touches the target: the stop goes, the position is sold, both or neither. */
    assert_true(venue_trade_price(s.b.v, "XBTUSD", "61050.0"));
    wk__live_range(s.live, 0, 600000, 610500);
    until_position(&s, 0, 20);
    until_stop(&s, NULL);
    json_t *state = bench_state(&s.b);
    const json_t *m = json_array_get(json_object_get(state, "markets"), 0);
    assert_string_equal(bench_word(m, "position"), "0");
    double naked = json_real_value(json_object_get(m, "unprotected_longest_s"));
    if (naked > 10)
        fail_msg("%.1f s without a stop", naked);
    json_decref(state);

    /* And when the stop strikes at the venue, nothing is left to sell. */
    action.order = bench_entry(&s.b, WK_ORDER_MARKET, 0);
    action.order.stop_ticks = 600000;
    action.order.profit_ticks = 620000;
    wk__live_action(s.live, &action);
    until_position(&s, s.b.lots, 20);
    until_stop(&s, "60000");
    assert_true(venue_trade_price(s.b.v, "XBTUSD", "59990.0"));
    wk__live_range(s.live, 0, 599900, 610500);
    until_position(&s, 0, 20);
    state = bench_state(&s.b);
    m = json_array_get(json_object_get(state, "markets"), 0);
    assert_string_equal(bench_word(m, "position"), "0");
    json_decref(state);
    fall_curtain(&s, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_doubtful_orders_are_asked_about),
        cmocka_unit_test(test_kraken_doubtful_orders_are_asked_about),
        cmocka_unit_test(test_kraken_has_one_stop_and_an_emulated_target)};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
