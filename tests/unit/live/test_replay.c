/* Recordings through the path: a golden one, damaged ones, and trades of the venue against its own
 * candles. argv[1] is the source root. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../src/venue/live/closer.h"
#include "../../../src/venue/live/exact.h"
#include "wick/bars.h"
#include "wick/clock.h"
#include "wick/live.h"
#include "wick/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *root;

static wk_status replay(const char *path, double speed, wk_live_summary *out, wk_err *err)
{
    atomic_bool never = false;
    return wk_live_replay_run(path, &(wk_live_replay_options){.speed = speed}, &never, out, err);
}

static void test_a_golden_recording_gives_the_same_bars_on_every_machine(void **state)
{
    (void)state;
    char path[512], line[128] = "";
    wk_live_summary summary;
    wk_err err;
    snprintf(path, sizeof path, "%s/tests/golden/live/bars_hash", root);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    line[strcspn(line, "\n")] = 0;
    snprintf(path, sizeof path, "%s/tests/golden/live", root);
    if (replay(path, 0, &summary, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(summary.bars > 5);
    assert_true(summary.counts.checksum_failures > 0);
    assert_string_equal(summary.bars_hash, line);
    /* Faster than it was, but not at once: the same. */
    int64_t start = wk_clock_monotonic_ns();
    assert_int_equal(replay(path, 20, &summary, &err), WK_OK);
    assert_true(wk_clock_monotonic_ns() - start > 300000000);
    assert_string_equal(summary.bars_hash, line);
}

static void expect_refused(const char *text, wk_status code, const char *why)
{
    char path[] = "/tmp/wick-replay-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    wk_live_summary summary;
    wk_err err;
    assert_int_equal(replay(path, 0, &summary, &err), code);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    unlink(path);
}

#define START "start {\"venues\": [{\"name\": \"v\", \"symbols\": [\"A/B\"]}]}"

static void test_a_recording_that_is_none_says_what_is_wrong(void **state)
{
    (void)state;
    char text[512];
    expect_refused("5 v-1 < 2\n{}\n", WK_E_DATA, "does not begin with the start");
    expect_refused("5 wick ! 7\nstart {\n", WK_E_CONFIG, "the recording:1");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 other-1 < 2\n{}\n", strlen(START), START);
    expect_refused(text, WK_E_PARSE, "no connection named other-1");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 wick ! 5\nhello\n", strlen(START), START);
    expect_refused(text, WK_E_PARSE, "an unknown note: \"hello\"");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 wick ! 26\nrepair 0 60000000000 1\n7 1\n",
             strlen(START), START);
    expect_refused(text, WK_E_PARSE, "repair");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 v-1 ! 4\nwhat\n", strlen(START), START);
    expect_refused(text, WK_E_PARSE, "an unknown note of v-1");
}

static void test_an_empty_session_has_no_bars(void **state)
{
    (void)state;
    char text[512], path[] = "/tmp/wick-replay-XXXXXX";
    snprintf(text, sizeof text,
             "5 wick ! %zu\n%s\n6 v-1 ! 4\nopen\n7 v-1 ! 9\nclosed up\n8 wick ! 4\nstop\n",
             strlen(START), START);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    wk_live_summary summary;
    wk_err err;
    assert_int_equal(replay(path, 0, &summary, &err), WK_OK);
    assert_int_equal(summary.bars, 0);
    assert_int_equal(summary.counts.connects, 1);
    unlink(path);
}

/* ---- trades of the venue against its own candles ---- */

typedef struct {
    wk__closed bars[4096];
    size_t n;
} list;

static void on_bar(void *ctx, size_t timeframe, const wk__closed *bar, int64_t arrival_ns,
                   bool is_revision)
{
    (void)timeframe;
    (void)arrival_ns;
    (void)is_revision;
    list *l = ctx;
    assert_true(l->n < 4096);
    l->bars[l->n++] = *bar;
}

static void on_missing(void *ctx, int64_t from_ns, int64_t to_ns)
{
    (void)ctx;
    (void)from_ns;
    (void)to_ns;
}

static json_t *load_rows(const char *folder, const char *name, json_t **document)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/api/fixtures/kraken/%s/%s", getenv("WICK_TEST_ROOT"), folder,
             name);
    *document = json_load_file(path, 0, &error);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(*document, "result"), key,
                        value) if (strcmp(key, "last") != 0) return value;
    return NULL;
}

static wk_decimal decimal_of(json_t *text)
{
    wk_decimal x;
    assert_null(wk_decimal_parse(json_string_value(text), json_string_length(text), &x));
    return x;
}

static void test_bars_of_recorded_trades_are_the_venues_candles(void **state)
{
    (void)state;
    json_t *trades_document = NULL, *candles_document = NULL;
    if (!getenv("WICK_TEST_ROOT"))
        skip();
    json_t *trades = load_rows("nautilus", "http_trades.json", &trades_document);
    json_t *candles = load_rows("nautilus", "http_ohlc.json", &candles_document);
    if (!trades || !candles) {
        print_message("no recording with both trades and candles\n");
        json_decref(trades_document);
        json_decref(candles_document);
        skip();
    }
    static list made;
    wk__closer_options options = {.timeframes_ns = {60 * WK_NS_PER_S},
                                  .n_timeframes = 1,
                                  .grace_ns = 2 * WK_NS_PER_S,
                                  .uses_trades = true,
                                  .bar = on_bar,
                                  .missing = on_missing,
                                  .ctx = &made};
    wk__closer *closer;
    assert_int_equal(wk__closer_create(&options, &closer, NULL), WK_OK);
    size_t i;
    json_t *row;
    json_array_foreach(trades, i, row)
    {
        wk_event e = {.kind = WK_EVENT_TRADE};
        e.exchange_ns = (int64_t)llround(json_number_value(json_array_get(row, 2)) * 1e7) * 100;
        e.trade.price = decimal_of(json_array_get(row, 0));
        e.trade.qty = decimal_of(json_array_get(row, 1));
        e.trade.id = json_integer_value(json_array_get(row, 6));
        if (i == 0)
            wk__closer_up(closer, WK__STREAM_TRADES, e.exchange_ns);
        while (wk__closer_due(closer) <= e.exchange_ns)
            wk__closer_close(closer, e.exchange_ns);
        wk__closer_trade(closer, &e);
        wk__closer_settle(closer, e.exchange_ns);
    }
    size_t n_compared = 0;
    json_array_foreach(candles, i, row)
    {
        int64_t time_ns = json_integer_value(json_array_get(row, 0)) * WK_NS_PER_S;
        for (size_t k = 0; k < made.n; k++) {
            const wk__closed *b = &made.bars[k];
            if (b->time_ns != time_ns)
                continue;
            n_compared++;
            assert_int_equal(wk__exact_compare(b->open, decimal_of(json_array_get(row, 1))), 0);
            assert_int_equal(wk__exact_compare(b->high, decimal_of(json_array_get(row, 2))), 0);
            assert_int_equal(wk__exact_compare(b->low, decimal_of(json_array_get(row, 3))), 0);
            assert_int_equal(wk__exact_compare(b->close, decimal_of(json_array_get(row, 4))), 0);
            assert_int_equal(wk__exact_compare(b->volume, decimal_of(json_array_get(row, 6))), 0);
            assert_int_equal(b->provenance == WK_PROV_CONFIRMED_EMPTY,
                             json_integer_value(json_array_get(row, 7)) == 0);
        }
    }
    print_message("%zu minutes made of trades are the venue's\n", n_compared);
    assert_true(n_compared > 0);
    wk__closer_destroy(closer);
    json_decref(trades_document);
    json_decref(candles_document);
}

int main(int argc, char **argv)
{
    root = argc > 1 ? argv[1] : ".";
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_golden_recording_gives_the_same_bars_on_every_machine),
        cmocka_unit_test(test_a_recording_that_is_none_says_what_is_wrong),
        cmocka_unit_test(test_an_empty_session_has_no_bars),
        cmocka_unit_test(test_bars_of_recorded_trades_are_the_venues_candles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
