/* Outside series and tapes: what was known when, and files that lie. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wick/outside.h"
#include "wick/tape.h"

#define HOUR_NS (3600 * INT64_C(1000000000))

static char dir[] = "/tmp/wick-outside-XXXXXX";
static wk_err err;

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static const char *write_file(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* Two markets, six hours. */
static wk_panel panel_of_hours(void)
{
    wk_series series[2];
    memset(series, 0, sizeof series);
    wk_panel panel;
    for (int s = 0; s < 2; s++) {
        assert_int_equal(
            wk_series_create("v", s ? "ETHUSDT" : "BTCUSDT", HOUR_NS, 6, &series[s], &err), WK_OK);
        for (int i = 0; i < 6; i++)
            series[s].bars[i] = (wk_bar){(1000 + i) * HOUR_NS, 1, 1, 1, 1, 1};
    }
    assert_int_equal(wk_panel_build(series, 2, NULL, 0, 0, 0, &panel, &err), WK_OK);
    wk_series_finish(&series[0]);
    wk_series_finish(&series[1]);
    return panel;
}

static wk_outside series_of(const wk_outside_row *rows, size_t n)
{
    wk_outside series = {n, malloc(n * sizeof *rows)};
    assert_non_null(series.rows);
    memcpy(series.rows, rows, n * sizeof *rows);
    wk_outside_sort(&series);
    return series;
}

static void expect_column(const wk_panel *panel, size_t s, size_t k, const double *wanted)
{
    for (size_t t = 0; t < panel->T; t++) {
        double got = panel->outside[(t * panel->S + s) * panel->K + k];
        if (!(got == wanted[t] || (isnan(got) && isnan(wanted[t]))))
            fail_msg("step %zu market %zu column %zu: %g, wanted %g", t, s, k, got, wanted[t]);
    }
}

static void test_a_value_counts_from_the_first_close_after_it_was_known(void **state)
{
    (void)state;
    wk_panel panel = panel_of_hours();
    int64_t t0 = 1000 * HOUR_NS;
    const wk_outside_row rows[] = {
        {t0 - 10 * HOUR_NS, t0 + 2 * HOUR_NS,
         7}, /* known at the very close of step 1: from step 2 on */
        {t0 - 20 * HOUR_NS, t0 + 3 * HOUR_NS + 1,
         5}, /* an older time, learnt later: hides nothing */
        {t0, t0 + 4 * HOUR_NS + 1, 9},
    };
    wk_outside series[2] = {series_of(rows, 3), {0}};
    double never = 0;
    assert_int_equal(wk_panel_join(&panel, series, &never, 1, &err), WK_OK);
    expect_column(&panel, 0, 0, (double[]){NAN, NAN, 7, 7, 9, 9});
    expect_column(&panel, 1, 0, (double[]){NAN, NAN, NAN, NAN, NAN, NAN});
    /* A second join adds columns and leaves the first alone; stale values are missing. */
    double stale_s = 3600 * 1.5;
    assert_int_equal(wk_panel_join(&panel, series, &stale_s, 1, &err), WK_OK);
    assert_int_equal(panel.K, 2);
    expect_column(&panel, 0, 0, (double[]){NAN, NAN, 7, 7, 9, 9});
    expect_column(&panel, 0, 1, (double[]){NAN, NAN, 7, NAN, 9, NAN});
    wk_panel_drop(&panel, 2);
    expect_column(&panel, 0, 0, (double[]){7, 7, 9, 9});
    wk_outside_finish(&series[0]);
    wk_panel_finish(&panel);
}

static void test_a_file_says_when_its_rows_are_known(void **state)
{
    (void)state;
    const char *path = write_file("s.csv", "time,mood,seen\n"
                                           "1970-02-11,0.5,1970-02-12\n"
                                           "1970-02-12,,1970-02-13 01:00:00\n");
    wk_outside_config config = {.name = "mood",
                                .file = "s.csv",
                                .time = "time",
                                .value = "mood",
                                .known = "seen",
                                .series = "",
                                .venue = "",
                                .symbol = "",
                                .delay_s = NAN};
    wk_outside series;
    assert_int_equal(wk_outside_read(&config, path, &series, &err), WK_OK);
    assert_int_equal(series.n, 2);
    assert_int_equal(series.rows[0].known_ns, 42 * 24 * HOUR_NS);
    assert_true(series.rows[0].value == 0.5 && isnan(series.rows[1].value));
    wk_outside_finish(&series);

    config.known = "";
    assert_int_equal(wk_outside_check(&config, 1, &err), WK_E_CONFIG);
    assert_non_null(strstr(err.msg, "delay_s"));
    config.delay_s = 86400;
    assert_int_equal(wk_outside_check(&config, 1, &err), WK_OK);
    assert_int_equal(wk_outside_read(&config, path, &series, &err), WK_OK);
    assert_int_equal(series.rows[1].known_ns - series.rows[1].time_ns, 24 * HOUR_NS);
    wk_outside_finish(&series);
}

static void test_a_bad_outside_file_is_an_error_that_names_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"time,value\n100000000,1\n200000000,abc\n", ":3: value \"abc\" is not a number"},
        {"time,value\n100000000\n", ":2: 1 fields where the header has 2"},
        {"time,level\n100000000,1\n", "no column \"value\" among time,level"},
        {"", "is empty"},
        {"time,value,known\n200000000,1,100000000\n", ":2: known before its own time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_outside_config config = {.name = "x",
                                    .file = "b.csv",
                                    .time = "time",
                                    .value = "value",
                                    .known = i == 4 ? "known" : "",
                                    .delay_s = 0};
        wk_outside series = {0};
        assert_true(wk_outside_read(&config, write_file("b.csv", cases[i].text), &series, &err) !=
                    WK_OK);
        if (!strstr(err.msg, cases[i].words))
            fail_msg("case %zu: %s", i, err.msg);
        assert_null(series.rows);
    }
}

static void test_patterns_take_the_symbol_and_its_base(void **state)
{
    (void)state;
    char out[64];
    assert_true(wk_outside_path("oi/{base}-oi.csv", "BTCUSDT", out, sizeof out));
    assert_string_equal(out, "oi/BTC-oi.csv");
    assert_true(wk_outside_path("{symbol}/{base}", "eth-EUR", out, sizeof out));
    assert_string_equal(out, "eth-EUR/eth");
    assert_true(wk_outside_path("{other}{symbol}", "USD", out, sizeof out));
    assert_string_equal(out, "{other}USD");
    assert_false(wk_outside_path("{symbol}{symbol}", "ABCDEFGH", out, 16));
}

static void test_a_tape_gives_whole_bars_only(void **state)
{
    (void)state;
    char trades[256], book[256];
    strcpy(trades,
           write_file("t.csv", "time_ms,price,size,buyer_is_maker\n"
                               "200000000500,100,1,0\n" /* begins inside a second: only warms */
                               "200000001000,101,2,1\n"
                               "200000001900,103,1,0\n"
                               "200000003200,102,1,0\n"
                               "200000004100,102,1,0\n")); /* its second is not over */
    strcpy(book, write_file("k.csv", "time_ms,ask_price_1,ask_size_1,bid_price_1,bid_size_1\n"
                                     "200000001000,102,3,100,1\n"));
    wk_tape tape;
    assert_int_equal(wk_tape_read(trades, book, "v", "x", HOUR_NS / 3600, &tape, &err), WK_OK);
    assert_int_equal(tape.series.n, 3);
    const wk_bar *b = tape.series.bars;
    assert_int_equal(b[0].time_ns, INT64_C(200000001) * (HOUR_NS / 3600));
    assert_true(b[0].open == 101 && b[0].high == 103 && b[0].low == 101 && b[0].close == 103 &&
                b[0].volume == 3);
    assert_int_equal(tape.series.provenance[1], WK_PROV_CONFIRMED_EMPTY);
    assert_true(b[1].close == 103 && b[1].volume == 0 && b[2].close == 102);
    assert_true(tape.flow[0] > 198 - 1 && tape.flow[0] < 199); /* 2 on 101 */
    wk_tape_finish(&tape);

    strcpy(trades,
           write_file("t.csv",
                      "time_ms,price,size,side\n200000001000,1,1,buy\n200000000999,1,1,sell\n"));
    assert_int_equal(wk_tape_read(trades, "", "v", "x", HOUR_NS / 3600, &tape, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, ":3: its time is before the row above"));
    strcpy(trades, write_file("t.csv", "time_ms,price,size,side\n200000001000,1,1,up\n"));
    assert_int_equal(wk_tape_read(trades, "", "v", "x", HOUR_NS / 3600, &tape, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "neither buy nor sell"));
    /* One time in the year 2255 is not answered with two centuries of flat seconds. */
    strcpy(trades, write_file("t.csv", "time_ms,price,size,side\n200000001000,1,1,buy\n"
                                       "8999999999999999999,1,1,sell\n"));
    assert_int_equal(wk_tape_read(trades, "", "v", "x", HOUR_NS / 3600, &tape, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, ":3: more than 4194304 bars after the row before"));
}

static void test_a_row_that_time_cannot_hold_or_hides_behind_a_zero_is_refused(void **state)
{
    (void)state;
    wk_outside_config config = {.name = "x",
                                .file = "b.csv",
                                .time = "time",
                                .value = "value",
                                .known = "",
                                .delay_s = 1e9};
    wk_outside series = {0};
    const char *path = write_file("b.csv", "time,value\n8999999999999999999,1\n");
    assert_int_equal(wk_outside_read(&config, path, &series, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, ":2: known after the year 2262"));
    static const char hidden[] = "time,value\n200000000,1\0 000\n";
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(hidden, 1, sizeof hidden - 1, f), sizeof hidden - 1);
    fclose(f);
    assert_int_equal(wk_outside_read(&config, path, &series, &err), WK_E_PARSE);
    assert_non_null(strstr(err.msg, ":2: a byte 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_counts_from_the_first_close_after_it_was_known),
        cmocka_unit_test(test_a_file_says_when_its_rows_are_known),
        cmocka_unit_test(test_a_bad_outside_file_is_an_error_that_names_its_place),
        cmocka_unit_test(test_patterns_take_the_symbol_and_its_base),
        cmocka_unit_test(test_a_tape_gives_whole_bars_only),
        cmocka_unit_test(test_a_row_that_time_cannot_hold_or_hides_behind_a_zero_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
