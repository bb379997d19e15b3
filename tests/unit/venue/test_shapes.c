/* What the servers send has the fields and the types of the recorded payloads, no more and no
 * fewer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client.h"

static const char *root_of_fixtures;

static char *fixture_text(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/api/fixtures/%s", root_of_fixtures, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("no fixture %s", path);
    char *out = calloc(1, 1 << 20);
    size_t n = fread(out, 1, (1 << 20) - 1, file);
    out[n] = 0;
    fclose(file);
    return out;
}

/* The JSON of a fixture from its first brace on: some begin with lines about the request. */
static json_t *fixture(const char *name)
{
    char *all = fixture_text(name), *at = strstr(all, "\n= ");
    at = strchr(at ? at : all, '{');
    json_t *out = json_loads(at, JSON_DISABLE_EOF_CHECK, NULL);
    if (!out)
        fail_msg("%s is no JSON", name);
    free(all);
    return out;
}

/* The line of a file of JSON lines that holds `word`. */
static json_t *fixture_line(const char *name, const char *word)
{
    char *all = fixture_text(name), *save = NULL;
    json_t *out = NULL;
    for (char *line = strtok_r(all, "\n", &save); line && !out; line = strtok_r(NULL, "\n", &save))
        if (strstr(line, word))
            out = json_loads(line, JSON_DECODE_INT_AS_REAL, NULL);
    free(all);
    if (!out)
        fail_msg("%s has no line with %s", name, word);
    return out;
}

static json_t *at(json_t *from, const char *path)
{
    char copy[128], *save = NULL;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key = strtok_r(copy, "/", &save); key && from; key = strtok_r(NULL, "/", &save))
        from = json_is_array(from)     ? json_array_get(from, strtoul(key, NULL, 10))
               : strcmp(key, "*") == 0 ? json_object_iter_value(json_object_iter(from))
                                       : json_object_get(from, key);
    return from;
}

static const char *type_of(json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "number";
    case JSON_NULL:
        return "null";
    default:
        return "boolean";
    }
}

static int listed(const char *word, const char *list)
{
    const char *found = strstr(list, word);
    size_t n = strlen(word);
    return found && (found == list || found[-1] == ' ') && (found[n] == ' ' || !found[n]);
}

/* `free_keys` may be on one side only. Null matches everything: both sides have nulls. */
static void same_shape(json_t *recorded, json_t *served, const char *where, const char *free_keys)
{
    if (!recorded || !served)
        fail_msg("%s: nothing to compare", where);
    if (json_is_null(recorded) || json_is_null(served))
        return;
    if (strcmp(type_of(recorded), type_of(served)) != 0)
        fail_msg("%s: recorded as %s, served as %s", where, type_of(recorded), type_of(served));
    char path[512];
    if (json_is_array(recorded) && json_array_size(recorded) > 0) {
        /* Rows of values are compared one by one, lists of objects by their first. */
        size_t n = json_is_object(json_array_get(recorded, 0)) ||
                           json_is_array(json_array_get(recorded, 0))
                       ? 1
                       : json_array_size(recorded);
        for (size_t i = 0; i < n && i < json_array_size(served); i++) {
            snprintf(path, sizeof path, "%s/%zu", where, i);
            same_shape(json_array_get(recorded, i), json_array_get(served, i), path, free_keys);
        }
    }
    const char *key;
    json_t *value;
    json_object_foreach(recorded, key, value)
    {
        snprintf(path, sizeof path, "%s/%s", where, key);
        if (json_object_get(served, key))
            same_shape(value, json_object_get(served, key), path, free_keys);
        else if (!listed(key, free_keys))
            fail_msg("%s: recorded, but not served", path);
    }
    json_object_foreach(served, key, value)
    {
        if (!json_object_get(recorded, key) && !listed(key, free_keys))
            fail_msg("%s/%s: served, but never recorded", where, key);
    }
}

typedef struct {
    const char *path, *fixture, *recorded_at, *served_at, *free_keys;
} rest_case;

static void rest_shapes(const char *name, const rest_case *cases, size_t n, const char *header)
{
    venue_options options = {.venue = name, .seed = 5};
    venue *v = start(&options);
    int64_t now = venue_now_ns(v) / NS_A_SECOND;
    for (size_t i = 0; i < n; i++) {
        char path[512];
        snprintf(path, sizeof path, cases[i].path, (long long)(now - 3600), (long long)now);
        json_t *recorded = fixture(cases[i].fixture);
        json_t *served = rest_json(v, path, header);
        same_shape(at(recorded, cases[i].recorded_at), at(served, cases[i].served_at),
                   cases[i].path, cases[i].free_keys);
        json_decref(recorded);
        json_decref(served);
    }
    stop(v, 0);
}

#define CASES(list) list, sizeof list / sizeof list[0]

static void test_kraken_rest(void **state)
{
    (void)state;
    static const rest_case cases[] = {
        {"/0/public/Time", "kraken/nautilus/http_server_time.json", "", "", ""},
        {"/0/public/SystemStatus", "kraken/nautilus/http_system_status.json", "", "", ""},
        {"/0/public/AssetPairs?pair=XBTUSD", "kraken/nautilus/http_asset_pairs.json", "result/*",
         "result/*", ""},
        {"/0/public/OHLC?pair=XBTUSD", "kraken/nautilus/http_ohlc.json", "result/*", "result/*",
         ""},
        {"/0/public/OHLC?pair=XBTUSD&interval=60",
         "kraken/kraken.net/Spot_ExchangeData_GetKlines.txt", "", "", ""},
        {"/0/public/Ticker?pair=XBTUSD", "kraken/nautilus/http_ticker.json", "result/*", "result/*",
         ""},
    };
    rest_shapes("kraken", CASES(cases), NULL);
}

static void test_kraken_futures_rest(void **state)
{
    (void)state;
    static const rest_case cases[] = {
        {"/derivatives/api/v3/tickers", "kraken/nautilus/http_futures_tickers.json", "", "", ""},
        {"/derivatives/api/v3/instruments", "kraken/nautilus/http_futures_instruments.json",
         "instruments/1", "instruments/0", ""},
        {"/derivatives/api/v3/instruments", "kraken/nautilus/http_futures_instruments.json",
         "instruments/0", "instruments/1", ""},
        {"/derivatives/api/v3/historical-funding-rates?symbol=PF_XBTUSD",
         "kraken/nautilus/http_futures_historical_funding_rates.json", "", "", ""},
        {"/api/charts/v1/trade/PF_XBTUSD/1m?from=%lld&to=%lld",
         "kraken/nautilus/http_futures_candles_trade.json", "", "", ""},
    };
    rest_shapes("kraken-futures", CASES(cases), NULL);
}

static void test_delta_rest(void **state)
{
    (void)state;
    static const rest_case cases[] = {
        {"/v2/products/DOGEUSD", "delta/live2026/product_DOGEUSD.json", "", "result", "e1 e2"},
        {"/v2/history/candles?resolution=1m&symbol=DOGEUSD&start=%lld&end=%lld",
         "delta/live2026/rest_history_candles_DOGEUSD_1m_newest.json", "", "", ""},
        /* The recorded ticker is an option's; the funding rate is a perpetual's. */
        {"/v2/tickers?contract_types=perpetual_futures", "delta/live2026/rest_tickers_one.json", "",
         "", "funding_rate"},
    };
    rest_shapes("delta", CASES(cases), NULL);
}

static void test_amberdata_rest(void **state)
{
    (void)state;
    static const rest_case cases[] = {
        {"/markets/spot/ohlcv/"
         "btc_usd?exchange=gdax&startDate=%lld&endDate=%lld&timeInterval=minutes"
         "&timeFormat=milliseconds",
         "amberdata/spot_ohlcv_instrument_.json", "", "", ""},
        {"/markets/spot/ohlcv/information?exchange=gdax&timeFormat=milliseconds",
         "amberdata/spot_ohlcv_information.json", "", "", ""},
        {"/markets/futures/open-interest/BTCUSDT?exchange=binance&startDate=%lld&endDate=%lld"
         "&timeFormat=milliseconds",
         "amberdata/futures_open-interest_instrument_.json", "", "", ""},
    };
    rest_shapes("amberdata", CASES(cases), "x-api-key: UAKtest");
}

typedef struct {
    const char *key, *value, *key2, *value2; /* which message */
    const char *fixture, *line;              /* line NULL: the whole file */
    const char *free_keys;
} ws_case;

static void ws_shapes(venue *v, const char *path, const char *const *requests, const ws_case *cases,
                      size_t n)
{
    for (size_t i = 0; i < n; i++) {
        socket_client c;
        assert_true(ws_open(&c, v, path));
        for (const char *const *request = requests; *request; request++)
            assert_true(ws_send(&c, *request));
        json_t *recorded = cases[i].line ? fixture_line(cases[i].fixture, cases[i].line)
                                         : fixture(cases[i].fixture);
        json_t *served = ws_find(&c, cases[i].key, cases[i].value, cases[i].key2, cases[i].value2);
        same_shape(recorded, served, cases[i].value, cases[i].free_keys);
        json_decref(recorded);
        json_decref(served);
        ws_close(&c);
    }
}

static void test_kraken_ws(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"ticker\",\"symbol\":[\"BTC/USD\"]},"
        "\"req_id\":1}",
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"ohlc\",\"symbol\":[\"BTC/USD\"],"
        "\"interval\":1}}",
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"trade\",\"symbol\":[\"BTC/USD\"]}}",
        "{\"method\":\"subscribe\",\"params\":{\"channel\":\"book\",\"symbol\":[\"BTC/USD\"]}}",
        "{\"method\":\"ping\",\"req_id\":101}",
        NULL};
    static const char frames[] = "kraken/docs/ws2_frames.jsonl";
    static const ws_case cases[] = {
        {"channel", "status", NULL, NULL, frames, "\"status\"", ""},
        {"method", "pong", NULL, NULL, frames, "pong", ""},
        {"method", "pong", NULL, NULL, "kraken/nautilus/ws_pong.json", NULL, ""},
        {"channel", "ohlc", "type", "snapshot", frames, "ohlc", ""},
        {"channel", "ohlc", "type", "update", "kraken/kraken.net/Subscriptions_Spot_Kline.txt",
         NULL, ""},
        {"channel", "trade", "type", "update", "kraken/nautilus/ws_trade_update.json", NULL, ""},
        {"channel", "ticker", "type", "snapshot", "kraken/nautilus/ws_ticker_snapshot.json", NULL,
         ""},
        {"method", "subscribe", NULL, NULL, "kraken/nautilus/ws_subscribe_response.json", NULL,
         "event_trigger"},
        {"channel", "book", "type", "snapshot", "kraken/docs/ws2_book_btcusd_snapshot.json", NULL,
         "timestamp"},
    };
    venue_options options = {.venue = "kraken", .seed = 5, .speed = 60};
    venue *v = start(&options);
    ws_shapes(v, "/v2", requests, CASES(cases));
    stop(v, 0);
}

static void test_delta_ws(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "{\"type\":\"enable_heartbeat\"}", "{\"type\":\"ping\"}",
        "{\"type\":\"subscribe\",\"payload\":{\"channels\":["
        "{\"name\":\"candlestick_1m\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"trades\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"ob_l1\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"ob_l2\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"ob_updates\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"ticker\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"funding_rate\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"mark_price\",\"symbols\":[\"MARK:BTCUSD\"]}]}}",
        NULL};
    static const char frames[] = "delta/docs/ws_public_small_frames.jsonl";
    static const ws_case cases[] = {
        {"type", "pong", NULL, NULL, frames, "pong", ""},
        {"type", "heartbeat", NULL, NULL, frames, "heartbeat", ""},
        {"type", "candlestick_1m", NULL, NULL, frames, "candlestick_1m", ""},
        {"type", "trades", NULL, NULL, frames, "trades", ""},
        {"type", "ob_l1", NULL, NULL, frames, "ob_l1", ""},
        {"type", "funding_rate", NULL, NULL, frames, "funding_rate", ""},
        {"type", "mark_price", NULL, NULL, frames, "mark_price", ""},
        {"type", "ob_l2", NULL, NULL, "delta/live2026/ws_public_ob_l2.jsonl", NULL, ""},
        {"type", "ticker", NULL, NULL, "delta/live2026/ws_public_ticker_BTCUSD.json", NULL, ""},
        {"type", "ob_updates", "action", "snapshot", "delta/docs/ws_ob_updates_snapshot.json", NULL,
         ""},
    };
    venue_options options = {.venue = "delta", .seed = 5, .speed = 60};
    venue *v = start(&options);
    ws_shapes(v, "/", requests, CASES(cases));
    stop(v, 0);
}

/* The frames of a recording are "<time>: <frame>". */
static void test_delta_legacy_ws(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "{\"type\":\"subscribe\",\"payload\":{\"channels\":["
        "{\"name\":\"candlestick_1m\",\"symbols\":[\"BTCUSD\"]},"
        "{\"name\":\"l2_orderbook\",\"symbols\":[\"BTCUSD\"]}]}}",
        NULL};
    venue_options options = {.venue = "delta", .seed = 5, .speed = 60};
    venue *v = start(&options);
    static const char *const types[] = {"candlestick_1m", "l2_orderbook"};
    for (size_t i = 0; i < 2; i++) {
        char *all = fixture_text("delta/cryptofeed/ws_legacy_half_a.txt"), *save = NULL, word[64];
        snprintf(word, sizeof word, "\"type\":\"%s\"", types[i]);
        json_t *recorded = NULL;
        for (char *line = strtok_r(all, "\n", &save); line && !recorded;
             line = strtok_r(NULL, "\n", &save))
            if (strstr(line, word))
                recorded = json_loads(strchr(line, '{'), 0, NULL);
        free(all);
        socket_client c;
        assert_true(ws_open(&c, v, "/"));
        assert_true(ws_send(&c, requests[0]));
        json_t *served = ws_find(&c, "type", types[i], NULL, NULL);
        same_shape(recorded, served, types[i], "");
        json_decref(recorded);
        json_decref(served);
        ws_close(&c);
    }
    stop(v, 0);
}

int main(void)
{
    root_of_fixtures = getenv("WICK_TEST_ROOT");
    if (!root_of_fixtures) {
        puts("1..0 # SKIP WICK_TEST_ROOT is unset: there are no recorded payloads");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kraken_rest),     cmocka_unit_test(test_kraken_futures_rest),
        cmocka_unit_test(test_delta_rest),      cmocka_unit_test(test_amberdata_rest),
        cmocka_unit_test(test_kraken_ws),       cmocka_unit_test(test_delta_ws),
        cmocka_unit_test(test_delta_legacy_ws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
