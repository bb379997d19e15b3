/* Virtual time: the clock is what clients sign, and the market walks its candles up to it. A week
 * of trading takes as long as its requests, and is the same each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "program.h"
#include "trade_sign.h"
#include "venue.h"
#include "wick/http.h"

#define SECRET "7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f"
#define START 1600000000

typedef struct {
    char dir[64], csv[96], state_file[96];
    venue *v;
    wk_http *http;
} week;

/* Hours that rise and fall by a per cent, with 20 ticks of wick. */
static void write_candles(const char *path, int n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("time,open,high,low,close,volume\n", f);
    double price = 20000;
    for (int i = 0; i < n; i++) {
        double next = price + (double)((int)(market_hash(3, 1, (uint64_t)i) % 401) - 200);
        double high = next > price ? next : price, low = next < price ? next : price;
        fprintf(f, "%d,%.1f,%.1f,%.1f,%.1f,1.5\n", START + i * 3600, price, high + 2, low - 2,
                next);
        price = next;
    }
    fclose(f);
}

static void begin(week *w, const char *script)
{
    char error[256] = "";
    wk_err err;
    *w = (week){0};
    strcpy(w->dir, "/tmp/wick_virtual_XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->csv, sizeof w->csv, "%s/BTCUSD-1h.csv", w->dir);
    snprintf(w->state_file, sizeof w->state_file, "%s/state.json", w->dir);
    write_candles(w->csv, 200);
    venue_options o = {.venue = "delta",
                       .dir = w->dir,
                       .trade = 1,
                       .virtual_time = 1,
                       .candles = w->csv,
                       .rate_scale = -1,
                       .script = script,
                       .state_file = w->state_file};
    w->v = venue_start(&o, error, sizeof error);
    if (!w->v)
        fail_msg("%s", error);
    wk_http_options h = {.ca_file = venue_ca_file(w->v), .total_timeout_ns = 10000000000};
    assert_int_equal(wk_http_open(&h, &w->http, &err), WK_OK);
}

/* The reply, or NULL when none came. */
static json_t *send_at(week *w, int64_t time_s, const char *method, const char *target,
                       const char *body)
{
    char stamp[24], mac[65], h_time[48], h_mac[96], url[256];
    wk_err err;
    snprintf(stamp, sizeof stamp, "%lld", (long long)time_s);
    sign_delta(SECRET, method, stamp, target, body ? body : "", body ? strlen(body) : 0, mac);
    snprintf(h_time, sizeof h_time, "timestamp: %s", stamp);
    snprintf(h_mac, sizeof h_mac, "signature: %s", mac);
    snprintf(url, sizeof url, "%s%s", venue_url(w->v), target);
    const char *headers[] = {"api-key: WICKTESTKEY", h_time, h_mac,
                             body ? "Content-Type: application/json" : NULL, NULL};
    wk_http_request request = {.method = method,
                               .url = url,
                               .headers = headers,
                               .body = body,
                               .body_bytes = body ? strlen(body) : 0};
    wk_http_response reply = {0};
    json_t *out = NULL;
    if (wk_http_call(w->http, &request, &reply, &err) == WK_OK)
        out = json_loadb(reply.body, reply.body_bytes, 0, NULL);
    wk_http_response_finish(&reply);
    return out;
}

static int good(json_t *reply)
{
    int ok = json_is_true(json_object_get(reply, "success"));
    json_decref(reply);
    return ok;
}

/* A week: every six hours a trade with its bracket. Returns the truth. */
static char *live_a_week(void)
{
    week w;
    begin(&w, NULL);
    for (int hour = 5; hour < 168; hour += 6) {
        char body[256];
        snprintf(body, sizeof body,
                 "{\"product_id\":27,\"size\":10,\"side\":\"%s\",\"order_type\":\"market_order\","
                 "\"client_order_id\":\"w%d\",\"bracket_stop_loss_price\":\"%s\","
                 "\"bracket_take_profit_price\":\"%s\"}",
                 hour % 4 == 1 ? "buy" : "sell", hour, hour % 4 == 1 ? "18000.0" : "22000.0",
                 hour % 4 == 1 ? "20900.0" : "19100.0");
        assert_true(good(send_at(&w, START + hour * 3600, "POST", "/v2/orders", body)));
        assert_true(
            good(send_at(&w, START + hour * 3600, "GET", "/v2/positions?product_id=27", NULL)));
    }
    assert_true(good(send_at(&w, START + 190 * 3600, "GET", "/v2/wallet/balances", NULL)));
    size_t n;
    char *violations = venue_violations(w.v, &n);
    if (n)
        fail_msg("%s", violations);
    free(violations);
    char *state = venue_trade_state(w.v);
    wk_http_close(w.http);
    venue_stop(w.v);
    json_t *written = json_load_file(w.state_file, 0, NULL), *told = json_loads(state, 0, NULL);
    assert_true(json_equal(written, told));
    json_decref(written);
    json_decref(told);
    program_wipe(w.dir);
    return state;
}

static void test_week_is_the_same_each_time(void **state)
{
    (void)state;
    char *first = live_a_week(), *second = live_a_week();
    json_t *told = json_loads(first, 0, NULL);
    assert_string_equal(first, second);
    assert_true(json_array_size(json_object_get(told, "fills")) >= 28);
    assert_int_equal(json_integer_value(json_object_get(told, "time_ns")),
                     (START + INT64_C(190) * 3600) * NS_A_SECOND);
    const json_t *m = json_array_get(json_object_get(told, "markets"), 0);
    assert_true(json_real_value(json_object_get(m, "unprotected_longest_s")) == 0);
    json_decref(told);
    free(first);
    free(second);
}

static void test_time_never_goes_back(void **state)
{
    (void)state;
    week w;
    begin(&w, NULL);
    assert_true(good(send_at(&w, START + 7200, "GET", "/v2/wallet/balances", NULL)));
    assert_true(good(send_at(&w, START + 7196, "GET", "/v2/wallet/balances", NULL)));
    assert_false(good(send_at(&w, START + 7100, "GET", "/v2/wallet/balances", NULL)));
    assert_int_equal(venue_now_ns(w.v), (START + INT64_C(7200)) * NS_A_SECOND);
    size_t n;
    free(venue_violations(w.v, &n));
    assert_int_equal(n, 1); /* a stale signature */
    wk_http_close(w.http);
    venue_stop(w.v);
    program_wipe(w.dir);
}

static void test_outage_lasts_as_long_as_it_should(void **state)
{
    (void)state;
    week w;
    begin(&w, "{\"rest\":[{\"path\":\"/v2/wallet\",\"nth\":[2],\"fault\":\"outage\","
              "\"seconds\":3600}]}");
    assert_true(good(send_at(&w, START + 100, "GET", "/v2/wallet/balances", NULL)));
    for (int i = 0; i < 3; i++)
        assert_null(send_at(&w, START + 200 + i * 1000, "GET", "/v2/wallet/balances", NULL));
    assert_null(send_at(&w, START + 3799, "GET", "/v2/positions/margined", NULL));
    assert_true(good(send_at(&w, START + 3800, "GET", "/v2/wallet/balances", NULL)));
    wk_http_close(w.http);
    venue_stop(w.v);
    program_wipe(w.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_week_is_the_same_each_time),
                                       cmocka_unit_test(test_time_never_goes_back),
                                       cmocka_unit_test(test_outage_lasts_as_long_as_it_should)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
