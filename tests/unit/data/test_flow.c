/* Flow features against a definition over whole arrays (tests/golden/data/make_flow.py), and their
 * edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wick/flow.h"

#define S_NS INT64_C(1000000000)

static wk_arena arena;
static wk_flow *flow;

static int set_up(void **state)
{
    (void)state;
    wk_arena_init(&arena);
    flow = wk_flow_plan(&arena, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wk_arena_finish(&arena);
    return 0;
}

static int column(const char *name)
{
    for (int i = 0; i < WK_FLOW_COLUMNS; i++)
        if (strcmp(wk_flow_name((size_t)i), name) == 0)
            return i;
    fail_msg("no column %s", name);
    return -1;
}

static FILE *open_golden(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/flow/%s", WICK_GOLDEN_DIR, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    return f;
}

static void push_line(char *line)
{
    char *rest, *save = NULL;
    int64_t time_ns = strtoll(strtok_r(line, ",", &save), &rest, 10);
    char kind = strtok_r(NULL, ",", &save)[0];
    double v[40];
    int n = 0;
    for (char *cell; n < 40 && (cell = strtok_r(NULL, ",", &save));)
        v[n++] = strtod(cell, NULL);
    if (kind == 'T') {
        wk_flow_trade(flow, time_ns, v[0], v[1], v[2] > 0 ? WK_SIDE_BUY : WK_SIDE_SELL);
        return;
    }
    assert_int_equal(n, 40);
    wk_flow_level bids[10], asks[10];
    for (int i = 0; i < 10; i++) {
        asks[i] = (wk_flow_level){v[4 * i], v[4 * i + 1]};
        bids[i] = (wk_flow_level){v[4 * i + 2], v[4 * i + 3]};
    }
    wk_flow_book(flow, time_ns, bids, 10, asks, 10);
}

static void test_flow_rows_equal_the_definition_over_arrays(void **state)
{
    (void)state;
    FILE *events = open_golden("events.csv"), *rows = open_golden("rows.csv");
    char line[4096], names[4096], wanted[4096];
    assert_non_null(fgets(names, sizeof names, rows));
    int columns[WK_FLOW_COLUMNS];
    char *save = NULL;
    for (int i = 0; i < WK_FLOW_COLUMNS; i++)
        columns[i] = column(strtok_r(i ? NULL : names, ",\n", &save));
    int64_t close_ns = S_NS;
    bool more = fgets(line, sizeof line, events) != NULL;
    size_t n = 0;
    for (; fgets(wanted, sizeof wanted, rows); n++, close_ns += S_NS) {
        while (more && strtoll(line, NULL, 10) < close_ns) {
            push_line(line);
            more = fgets(line, sizeof line, events) != NULL;
        }
        double row[WK_FLOW_COLUMNS];
        wk_flow_close(flow, close_ns, NULL, row);
        char *at = wanted;
        for (int i = 0; i < WK_FLOW_COLUMNS; i++) {
            char *cell = strsep(&at, ",\n");
            double x = *cell ? strtod(cell, NULL) : NAN, y = row[columns[i]];
            if (!((isnan(x) && isnan(y)) || fabs(x - y) <= 1e-8 * (1 + fabs(x))))
                fail_msg("second %zu, %s: %.15g, golden %.15g", n, wk_flow_name((size_t)columns[i]),
                         y, x);
        }
    }
    assert_true(n > 100);
    fclose(events);
    fclose(rows);
}

static void quote(int64_t time_ns, double bid, double ask)
{
    wk_flow_level b = {bid, 1}, a = {ask, 1};
    wk_flow_book(flow, time_ns, &b, 1, &a, 1);
}

static void test_a_period_without_events_keeps_the_quote_and_the_price(void **state)
{
    (void)state;
    double row[WK_FLOW_COLUMNS];
    wk_bar bar;
    assert_int_equal(wk_flow_close(flow, S_NS, &bar, row), 0);
    assert_true(isnan(bar.close) && isnan(row[column("spread_bps")]));
    quote(S_NS, 99, 101);
    wk_flow_trade(flow, S_NS + 1, 101, 2, WK_SIDE_BUY);
    assert_int_equal(wk_flow_close(flow, 2 * S_NS, &bar, row), 1);
    assert_int_equal(wk_flow_close(flow, 3 * S_NS, &bar, row), 0);
    assert_true(bar.open == 101 && bar.high == 101 && bar.low == 101 && bar.close == 101 &&
                bar.volume == 0);
    assert_true(fabs(row[column("spread_bps")] - 200) <= 1e-9);
    assert_true(fabs(row[column("volume_delta")]) <= 0);
    assert_true(isnan(row[column("vwap_bps")]));
}

static void test_a_lost_or_crossed_book_is_unknown_until_the_next(void **state)
{
    (void)state;
    double row[WK_FLOW_COLUMNS];
    quote(0, 99, 101);
    wk_flow_gap(flow, S_NS / 2);
    wk_flow_close(flow, S_NS, NULL, row);
    assert_true(isnan(row[column("spread_bps")]));
    assert_true(fabs(row[column("spread_bps_mean")] - 200) <=
                1e-9); /* of the half in which it was known */
    quote(S_NS, 99, 101);
    quote(S_NS + 1, 101, 99);
    wk_flow_close(flow, 2 * S_NS, NULL, row);
    assert_true(isnan(row[column("imbalance_1")]));
    quote(2 * S_NS, 99, 101);
    wk_flow_book(flow, 2 * S_NS + 1, NULL, 0, NULL, 0);
    wk_flow_close(flow, 3 * S_NS, NULL, row);
    assert_true(isnan(row[column("imbalance_1")]));
}

static void test_no_number_of_trades_or_range_of_prices_breaks_the_engine(void **state)
{
    (void)state;
    double row[WK_FLOW_COLUMNS];
    wk_flow_bucket buckets[WK_FLOW_BUCKETS];
    quote(0, 99, 101);
    double volume = 0;
    for (int i = 0; i < 20000; i++) {
        double price = i % 3 == 0 ? 1e-12 : i % 3 == 1 ? 1e12 : 100;
        wk_flow_trade(flow, i, price, 1, i % 2 ? WK_SIDE_BUY : WK_SIDE_SELL);
        volume += 1;
    }
    wk_flow_trade(flow, 20000, NAN, 1, WK_SIDE_BUY);
    wk_flow_trade(flow, 20000, -5, 1, WK_SIDE_BUY);
    wk_flow_trade(flow, 20000, 5, INFINITY, WK_SIDE_BUY);
    size_t n = wk_flow_footprint(flow, buckets);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += buckets[i].buy + buckets[i].sell;
    assert_true(n >= 1 && n <= WK_FLOW_BUCKETS);
    assert_true(fabs(sum - volume) <= 0);
    assert_int_equal(wk_flow_close(flow, 10 * S_NS, NULL, row), 20000);
    for (int i = 0; i < WK_FLOW_COLUMNS; i++)
        assert_true(isnan(row[i]) || isfinite(row[i]));
}

static void test_an_earlier_time_counts_as_now(void **state)
{
    (void)state;
    double a[WK_FLOW_COLUMNS], b[WK_FLOW_COLUMNS];
    for (int k = 0; k < 2; k++) {
        wk_flow_reset(flow);
        quote(S_NS / 2, 99, 101);
        quote(k ? S_NS / 2 : S_NS / 4, 98, 101);
        wk_flow_close(flow, S_NS, NULL, k ? b : a);
    }
    assert_memory_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flow_rows_equal_the_definition_over_arrays, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_period_without_events_keeps_the_quote_and_the_price,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_or_crossed_book_is_unknown_until_the_next,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_no_number_of_trades_or_range_of_prices_breaks_the_engine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_earlier_time_counts_as_now, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
