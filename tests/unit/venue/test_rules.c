/* The servers' own rules: what a client does wrong is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client.h"

static void test_what_the_protocol_forbids_is_a_violation(void **state)
{
    (void)state;
    static const struct {
        const char *venue, *path, *header, *word;
    } cases[] = {
        {"kraken", "/0/public/OHLC?interval=1", NULL, "pair is missing"},
        {"kraken", "/0/public/OHLC?pair=XBTUSD&interval=2", NULL, "interval"},
        {"kraken", "/0/public/OHLC?pair=XBTUSD&limit=5", NULL, "unknown parameter \"limit\""},
        {"kraken", "/0/public/OHLC?pair=XBTUSD&pair=XBTUSD", NULL, "twice"},
        {"kraken", "/0/public/Trades?pair=XBTUSD&since=abc", NULL, "since"},
        {"kraken", "/0/public/Trades?pair=XBTUSD&count=1001", NULL, "outside 1 to 1000"},
        {"kraken", "/0/public/Depth?pair=NOSUCH", NULL, "not listed"},
        {"kraken", "/0/public/Nothing", NULL, "no such call"},
        {"kraken", "/0/public/Time", "X-Extra: 1", "unknown header"},
        {"kraken", "/0/public/Time", "User-Agent:", "no User-Agent"},
        {"delta", "/v2/history/candles?resolution=12h&symbol=BTCUSD&start=1&end=2", NULL,
         "resolution"},
        {"delta", "/v2/history/candles?resolution=1m&symbol=BTCUSD&start=1", NULL, "required"},
        {"delta", "/v2/history/candles?resolution=1m&symbol=BTCUSD&start=1&end=9000000000", NULL,
         "in the future"},
        {"delta", "/v2/history/candles?resolution=1m&symbol=BTCUSD&start=1000&end=200000", NULL,
         "more than 2000"},
        {"kraken-futures", "/api/charts/v1/last/PF_XBTUSD/1m", NULL, "tick_type"},
        {"amberdata", "/markets/spot/exchanges/reference", NULL, "x-api-key"},
        {"amberdata",
         "/markets/spot/ohlcv/btc_usd?exchange=gdax&startDate=1&endDate=200000&"
         "timeInterval=minutes&timeFormat=milliseconds",
         "x-api-key: UAKtest", "wider"},
        {"delta", "/v2/settings", "x-api-key: secret", "does not know it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        venue_options options = {.venue = cases[i].venue, .seed = 2, .history_s = 3600};
        venue *v = start(&options);
        reply r = rest_get(v, cases[i].path, cases[i].header);
        size_t n;
        char *violations = venue_violations(v, &n);
        if (n == 0 || !strstr(violations, cases[i].word))
            fail_msg("%s: no violation that says \"%s\" but: %s", cases[i].path, cases[i].word,
                     violations);
        free(violations);
        reply_finish(&r);
        stop(v, 1);
    }
}

static void test_wrong_frames_are_violations(void **state)
{
    (void)state;
    static const struct {
        const char *venue, *frame, *word;
    } cases[] = {
        {"kraken",
         "{\"method\":\"subscribe\",\"params\":{\"channel\":\"book\",\"symbol\":"
         "[\"BTC/USD\"],\"depth\":11}}",
         "depth"},
        {"kraken",
         "{\"method\":\"subscribe\",\"params\":{\"channel\":\"book\",\"symbol\":"
         "\"BTC/USD\"}}",
         "symbol is no list"},
        {"kraken",
         "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":"
         "[\"XBT/USD\"]}}",
         "not listed"},
        {"kraken",
         "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":"
         "[\"BTC/USD\"],\"depth\":10}}",
         "unknown field \"depth\""},
        {"kraken", "{\"event\":\"subscribe\"}", "method"},
        {"kraken", "not json", "no JSON"},
        {"delta",
         "{\"type\":\"subscribe\",\"payload\":{\"channels\":[{\"name\":\"ob_updates\","
         "\"symbols\":[\"all\"]}]}}",
         "not possible"},
        {"delta", "{\"type\":\"subscribe\",\"payload\":{\"channels\":[{\"name\":\"trades\"}]}}",
         "no data"},
        {"delta",
         "{\"type\":\"subscribe\",\"payload\":{\"channels\":[{\"name\":\"trades\","
         "\"symbols\":[\"BTCUSD\"]},{\"name\":\"l2_updates\",\"symbols\":[\"BTCUSD\"]}]}}",
         "two hosts"},
        {"delta",
         "{\"type\":\"subscribe\",\"payload\":{\"channels\":[{\"name\":\"candlestick_7m\","
         "\"symbols\":[\"BTCUSD\"]}]}}",
         "no channel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        venue_options options = {.venue = cases[i].venue, .seed = 2, .history_s = 3600};
        venue *v = start(&options);
        socket_client c;
        assert_true(ws_open(&c, v, strcmp(cases[i].venue, "kraken") == 0 ? "/v2" : "/"));
        assert_true(ws_send(&c, cases[i].frame));
        size_t n = 0;
        char *violations = NULL;
        for (int wait = 0; wait < 200 && n == 0; wait++) {
            struct timespec pause = {0, 10000000};
            nanosleep(&pause, NULL);
            free(violations);
            violations = venue_violations(v, &n);
        }
        if (n == 0 || !strstr(violations, cases[i].word))
            fail_msg("%s: no violation that says \"%s\" but: %s", cases[i].frame, cases[i].word,
                     violations);
        free(violations);
        ws_close(&c);
        stop(v, 1);
    }
}

static void test_the_rate_limit_is_watched(void **state)
{
    (void)state;
    venue_options options = {.venue = "kraken", .seed = 2, .history_s = 3600};
    venue *v = start(&options);
    int limited = 0;
    for (int i = 0; i < 8; i++) {
        reply r = rest_get(v, "/0/public/OHLC?pair=XBTUSD", NULL);
        limited += strstr(r.body, "EAPI:Rate limit exceeded") != NULL;
        reply_finish(&r);
    }
    size_t n;
    char *violations = venue_violations(v, &n);
    assert_true(limited > 0 && (size_t)limited == n && strstr(violations, "rate:"));
    free(violations);
    stop(v, 1);
    options = (venue_options){.venue = "delta", .seed = 2, .history_s = 3600, .rate_scale = 0.001};
    v = start(&options);
    reply r = {0};
    for (int i = 0; i < 4; i++) {
        reply_finish(&r);
        r = rest_get(v, "/v2/l2orderbook/BTCUSD", NULL);
    }
    assert_int_equal(r.status, 429);
    assert_true(atoll(r.rate_reset) > 0 && atoll(r.rate_reset) <= 300000);
    reply_finish(&r);
    stop(v, 1);
}

static void test_a_wrong_script_is_refused(void **state)
{
    (void)state;
    char error[256];
    venue_options options = {.venue = "kraken", .dir = "/tmp"};
    options.script = "{\"rest\":[{\"path\":\"/\",\"fault\":\"no-such\"}]}";
    assert_null(venue_start(&options, error, sizeof error));
    assert_non_null(strstr(error, "fault"));
    options.script = "{\"rest\":[{\"pth\":\"/\",\"fault\":\"429\"}]}";
    assert_null(venue_start(&options, error, sizeof error));
    assert_non_null(strstr(error, "pth"));
    options.script = NULL;
    options.venue = "nowhere";
    assert_null(venue_start(&options, error, sizeof error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_protocol_forbids_is_a_violation),
        cmocka_unit_test(test_wrong_frames_are_violations),
        cmocka_unit_test(test_the_rate_limit_is_watched),
        cmocka_unit_test(test_a_wrong_script_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
