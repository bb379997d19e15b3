/* Virtual time within a bar, at a venue without brackets: a position does not wait for the close to
 * get its stop. */
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

#define MINUTE (60 * SECOND)

static const wk_trade_instrument instruments[S] = {{"A", 1, 1, 1}, {"B", 1, 1, 1}};

/* Starts at BEGIN and passes the bar that opened ten minutes before; prices of MARKET. */
static void pass_a_bar(stage *s, double low, double high)
{
    wk_virtual_clock clock = {BEGIN};
    wk_executor executor;
    wk_reconciliation found;
    wk_err err;
    wk_bar bars[S] = {{.open = high, .high = high, .low = low, .close = low},
                      {.open = high, .high = high, .low = low, .close = low}};
    uint8_t provenance[S] = {0};
    double sigma[S] = {0};
    wk_features_step step = {
        .time_ns = BEGIN - 10 * MINUTE, .bars = bars, .provenance = provenance};
    s->v.clock = &clock;
    s->options.clock = &clock;
    s->options.timeframe_ns = 60 * MINUTE;
    s->options.instruments = instruments;
    if (wk_executor_live(&s->options, &executor, &found, &err) != WK_OK)
        fail_msg("%s", err.msg);
    executor.step(executor.self, &step, sigma);
    executor.close(executor.self);
    s->v.clock = NULL;
}

static void expect_protected(const stage *s, int64_t from_ns)
{
    int64_t seconds = (s->v.protected_ns - from_ns) / SECOND;
    if (s->v.stop_lots != 10 || seconds < 0 || seconds > 120)
        fail_msg("a stop for %lld lots after %lld s", (long long)s->v.stop_lots,
                 (long long)seconds);
}

static void test_a_stop_that_the_start_could_not_place_follows_within_the_bar(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_position(s, 10);
    s->v.held = 10;
    s->v.no_stops_until_ns = BEGIN + 25 * MINUTE;
    pass_a_bar(s, 950, 1050);
    expect_protected(s, BEGIN + 25 * MINUTE);
    stage_finish(s);
}

/* A buy above the whole bar was met at its open: the bar need not go through its price. */
static void test_a_limit_beyond_the_bar_has_filled_within_it(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_order(s, ENTRY, 1, false, 10);
    s->order.order.price_ticks = 1000;
    stage_add_order(&s->v, ENTRY, 1, 10, 0);
    stage_add_fill(&s->v, "in", ENTRY, 1, 10);
    s->v.held = 0; /* until the fill is told */
    s->v.no_fills_until_ns = BEGIN + 20 * MINUTE;
    pass_a_bar(s, 920, 960);
    expect_protected(s, BEGIN + 20 * MINUTE);
    stage_finish(s);
}

/* One that the bar did not reach is not asked about every minute. */
static void test_a_limit_that_the_bar_did_not_reach_still_waits(void **state)
{
    (void)state;
    stage *s = stage_build(false);
    stage_give_order(s, ENTRY, 1, false, 10);
    s->order.order.price_ticks = 1000;
    stage_add_order(&s->v, ENTRY, 1, 10, 0);
    s->v.no_fills_until_ns = BEGIN + 20 * MINUTE;
    pass_a_bar(s, 1020, 1060);
    assert_int_equal(s->v.stop_lots, 0);
    stage_finish(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stop_that_the_start_could_not_place_follows_within_the_bar),
        cmocka_unit_test(test_a_limit_beyond_the_bar_has_filled_within_it),
        cmocka_unit_test(test_a_limit_that_the_bar_did_not_reach_still_waits),
    };
    wk_log_set_level(WK_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
