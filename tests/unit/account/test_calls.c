/* Whole calls against a loopback server that plays a script: what goes over the wire is signed and
 * complete, what comes back has the right outcome, and no key shows up in any message or log line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../loopback.h"
#include "markets.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"

#define KEY "SENTINELKEY0123"
#define SECRET "U0VOVElORUxTRUNSRVQwMTIzNDU2Nzg5"

typedef struct {
    int status; /* 0: hangs up without a word */
    const char *body;
} scripted;

typedef struct {
    int fd, port;
    pthread_t thread;
    const scripted *script;
    size_t n_script, n_calls;
    char requests[8][4096];
} server;

static void *serve(void *ctx)
{
    server *s = ctx;
    for (;;) {
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            return NULL;
        char *text = s->requests[s->n_calls % 8];
        size_t n = 0;
        for (;;) {
            ssize_t got = recv(c, text + n, 4095 - n, 0);
            if (got <= 0)
                break;
            n += (size_t)got;
            text[n] = '\0';
            char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
            if (end && n >= (size_t)(end + 4 - text) + (length ? (size_t)atoi(length + 16) : 0))
                break;
        }
        const scripted *reply = &s->script[s->n_calls % s->n_script];
        s->n_calls++;
        if (reply->status) {
            char out[4096];
            int m = snprintf(out, sizeof out,
                             "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                             "X-RATE-LIMIT-RESET: 4500\r\n"
                             "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                             reply->status, strlen(reply->body), reply->body);
            if (send(c, out, (size_t)m, MSG_NOSIGNAL) < 0)
                s->n_calls += 1000;
        }
        close(c);
    }
}

static void server_start(server *s, const scripted *script, size_t n)
{
    *s = (server){.script = script, .n_script = n};
    s->fd = loopback_listen(&s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static char folder[] = "/tmp/wick_calls_XXXXXX", log_path[64];
static int real_stderr;

/* Everything that is logged from here on is kept, to be searched at the end. */
static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    fflush(stderr);
    real_stderr = dup(2);
    wk_log_set_level(WK_LOG_DEBUG);
    setenv("WICK_TEST_KEY", KEY, 1);
    setenv("WICK_TEST_SECRET", SECRET, 1);
    return freopen(log_path, "w", stderr) ? 0 : 1;
}

static int teardown(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static int margin; /* of the next account's market */

static void open_account(const char *venue, const wk_instrument *in, wk_decimal lot, server *s,
                         wk_account *out)
{
    static char rest[64], nonce[96];
    static wk_account_market m;
    wk_err err;
    snprintf(rest, sizeof rest, "http://127.0.0.1:%d", s->port);
    snprintf(nonce, sizeof nonce, "%s/nonce", folder);
    m = (wk_account_market){in, {1, 1}, lot, margin};
    wk_account_options o = {.venue = venue,
                            .rest = rest,
                            .key_prefix = "WICK_TEST",
                            .nonce_file = nonce,
                            .timeout_ns = 2 * WK_NS_PER_S,
                            .markets = &m,
                            .n_markets = 1};
    assert_int_equal(wk_account_open(&o, out, &err), WK_OK);
}

static void clean(const char *why)
{
    assert_null(strstr(why, "SENTINEL"));
    assert_null(strstr(why, SECRET));
}

static const wk_order entry = {.id = 9,
                               .side = 1,
                               .kind = WK_ORDER_LIMIT,
                               .qty_lots = 30,
                               .price_ticks = 590000,
                               .stop_ticks = 560000};

static void test_delta_orders_over_the_wire(void **state)
{
    (void)state;
#define ORDER                                                                                      \
    "{\"id\":5,\"product_id\":27,\"side\":\"buy\",\"size\":3,\"unfilled_size\":3,"                 \
    "\"client_order_id\":\"wk0000000000000009\",\"state\":\"open\",\"limit_price\":\"59000.0\"}"
    static const scripted script[] = {
        {200, "{\"success\":true,\"result\":" ORDER "}"},
        {0, ""},
        {200, "{\"success\":true,\"result\":{\"what\":1}}"},
        {429, "{}"},
        {400, "{\"success\":false,\"error\":{\"code\":\"insufficient_margin\"}}"},
        {401, "{\"success\":false,\"error\":{\"code\":\"invalid_api_key\"}}"},
        {404, "{\"success\":false,\"error\":{\"code\":\"not_found\"}}"},
        {200, "{\"success\":true,\"result\":[],\"meta\":{\"after\":null}}"},
        {404, "{\"success\":false,\"error\":{\"code\":\"not_found\"}}"},
        {200, "{\"success\":true,\"result\":[" ORDER "],\"meta\":{\"after\":null}}"},
        {502, "<html>bad gateway</html>"},
    };
    static const wk_request_result placed[] = {WK_REQUEST_DONE,    WK_REQUEST_UNKNOWN,
                                               WK_REQUEST_UNKNOWN, WK_REQUEST_LATER,
                                               WK_REQUEST_REFUSED, WK_REQUEST_STOP};
    server s;
    wk_account a;
    wk_venue_order o = {0};
    int64_t wait = 0;
    char why[256] = "";
    server_start(&s, script, sizeof script / sizeof *script);
    open_account("delta-india", &delta_btc, (wk_decimal){1, 4}, &s, &a);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(a.place(a.self, &entry, &o, &wait, why), placed[i]);
        clean(why);
        if (placed[i] == WK_REQUEST_LATER)
            assert_int_equal(wait, INT64_C(4500000000));
    }
    assert_string_equal(o.venue_id, "5");
    assert_non_null(strstr(s.requests[0], "POST /v2/orders HTTP"));
    assert_non_null(strstr(s.requests[0], "api-key: " KEY "\r\n"));
    assert_non_null(strstr(s.requests[0], "User-Agent: wick"));
    assert_non_null(strstr(s.requests[0], "Content-Type: application/json\r\n"));
    assert_null(strstr(s.requests[0], SECRET));
    /* the signature is that of the bytes that were sent */
    char timestamp[16], signature[WK_SIGN_HEX];
    const char *at = strstr(s.requests[0], "timestamp: "),
               *body = strstr(s.requests[0], "\r\n\r\n");
    assert_non_null(at);
    snprintf(timestamp, sizeof timestamp, "%.10s", at + 11);
    wk_sign_delta(SECRET, "POST", timestamp, "/v2/orders", body + 4, strlen(body + 4), signature);
    assert_non_null(strstr(s.requests[0], signature));
    assert_int_equal(a.query(a.self, 0, 9, &o, &wait, why), WK_REQUEST_REFUSED); /* never seen */
    assert_int_equal(a.query(a.self, 0, 9, &o, &wait, why), WK_REQUEST_DONE);    /* in history */
    assert_int_equal(o.client_id, 9);
    assert_int_equal(a.query(a.self, 0, 9, &o, &wait, why), WK_REQUEST_UNKNOWN);
    a.close(a.self);
    server_stop(&s);
}

static void test_kraken_orders_over_the_wire(void **state)
{
    (void)state;
#define LIVE                                                                                       \
    "{\"status\":\"open\",\"cl_ord_id\":\"wk0000000000000009\",\"opentm\":1688666559.8974,"        \
    "\"descr\":{\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"limit\",\"price\":\"59000."   \
    "0\"},"                                                                                        \
    "\"vol\":\"0.00100000\",\"vol_exec\":\"0.00000000\",\"fee\":\"0\",\"price\":\"0\"}"
    static const scripted script[] = {
        {200, "{\"error\":[\"EService:Unavailable\"]}"},
        {200, "{\"error\":[],\"result\":{\"open\":{}}}"},
        {200, "{\"error\":[],\"result\":{\"closed\":{},\"count\":0}}"},
        {200, "{\"error\":[],\"result\":{\"open\":{\"OABC\":" LIVE "}}}"},
        {200, "{\"error\":[],\"result\":{\"OABC\":" LIVE "}}"},
        {200, "{\"error\":[],\"result\":{\"trades\":{\"T1\":{\"ordertxid\":\"OABC\",\"pair\":"
              "\"XXBTZUSD\","
              "\"time\":1688666560.1,\"type\":\"buy\",\"price\":\"59000.0\",\"fee\":\"0.1\","
              "\"vol\":\"0.00100000\"},\"T2\":{\"ordertxid\":\"OABC\",\"pair\":\"XBTUSD\","
              "\"time\":1688666560.1,\"type\":\"buy\",\"price\":\"59000.0\",\"fee\":\"0.1\","
              "\"vol\":\"0.00100000\",\"maker\":true}},\"count\":2}}"},
        {200, "{\"error\":[],\"result\":{\"ZUSD\":\"171288.6158\",\"XXBT\":\"1.0000000199\"}}"},
    };
    server s;
    wk_account a;
    wk_venue_order o = {0};
    wk_order order = entry;
    order.qty_lots = 100000;
    int64_t wait = 0;
    char why[256] = "";
    size_t n;
    wk_venue_fill fills[4];
    wk_venue_position held[2];
    server_start(&s, script, sizeof script / sizeof *script);
    open_account("kraken", &kraken_btc, (wk_decimal){1, 8}, &s, &a);
    assert_int_equal(a.place(a.self, &order, &o, &wait, why), WK_REQUEST_UNKNOWN);
    clean(why);
    const char *body = strstr(s.requests[0], "\r\n\r\nnonce=");
    assert_non_null(body);
    char nonce[24] = "", signature[WK_SIGN_BASE64];
    snprintf(nonce, sizeof nonce, "%.16s", body + 10);
    wk_err err;
    assert_int_equal(wk_sign_kraken(SECRET, "/0/private/AddOrder", nonce, body + 4,
                                    strlen(body + 4), signature, &err),
                     WK_OK);
    assert_non_null(strstr(s.requests[0], signature));
    assert_int_equal(a.query(a.self, 0, 9, &o, &wait, why), WK_REQUEST_REFUSED);
    assert_int_equal(a.query(a.self, 0, 9, &o, &wait, why), WK_REQUEST_DONE);
    assert_string_equal(o.venue_id, "OABC");
    assert_int_equal(a.query(a.self, 0, 9, &o, &wait, why), WK_REQUEST_DONE);
    assert_non_null(strstr(s.requests[4], "POST /0/private/QueryOrders"));
    assert_non_null(strstr(s.requests[4], "&txid=OABC"));
    assert_int_equal(a.fills(a.self, WK_NS_PER_S * 1688666000, fills, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 2);
    assert_int_equal(fills[0].client_id, 9);
    assert_string_equal(fills[0].fill_id, "T1");
    assert_true(fills[1].maker);
    assert_int_equal(a.positions(a.self, held, 2, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 1);
    assert_int_equal(held[0].qty_lots, 100000001); /* dust below a lot is left out */
    a.close(a.self);
    server_stop(&s);
}

/* Found by fuzzing: a clock beyond all times made the next request's time overflow. */
static void test_a_clock_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const scripted delta[] = {
        {200, "{\"success\":true,\"result\":{\"server_time\":-9223372036854775000}}"},
        {200, "{\"success\":true,\"result\":{\"server_time\":9223372036854774}}"},
        {200, "{\"success\":true,\"result\":{\"server_time\":1900000000000000}}"}};
    static const scripted kraken[] = {
        {200, "{\"error\":[],\"result\":{\"unixtime\":-9223372036854775000}}"},
        {200, "{\"error\":[],\"result\":{\"unixtime\":9223372035}}"},
        {200, "{\"error\":[],\"result\":{\"unixtime\":1900000000}}"}};
    for (int k = 0; k < 2; k++) {
        server s;
        wk_account a;
        int64_t offset_ns, tolerance_ns;
        char why[256] = "";
        server_start(&s, k ? kraken : delta, 3);
        open_account(k ? "kraken" : "delta-india", k ? &kraken_btc : &delta_btc,
                     k ? (wk_decimal){1, 8} : (wk_decimal){1, 4}, &s, &a);
        for (int i = 0; i < 3; i++)
            assert_int_equal(a.clock(a.self, &offset_ns, &tolerance_ns, why),
                             i < 2 ? WK_REQUEST_UNKNOWN : WK_REQUEST_DONE);
        clean(why);
        a.close(a.self);
        server_stop(&s);
    }
}

/* Found by fuzzing: a list in the place of the map of balances was walked beyond its end. */
static void test_a_list_of_balances_is_refused(void **state)
{
    (void)state;
    static const scripted script[] = {{200, "{\"error\":[],\"result\":[1]}"},
                                      {200, "{\"error\":[],\"result\":[\"XXBT\",\"1\",2]}"}};
    server s;
    wk_account a;
    wk_venue_position held[2];
    size_t n;
    char why[256] = "";
    server_start(&s, script, 2);
    open_account("kraken", &kraken_btc, (wk_decimal){1, 8}, &s, &a);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a.positions(a.self, held, 2, &n, why), WK_REQUEST_UNKNOWN);
        assert_int_equal(n, 0);
    }
    a.close(a.self);
    server_stop(&s);
}

/* A position on margin is not in the balance: taken for lost, it would be left to itself. */
static void test_positions_on_margin_are_asked_for_by_themselves(void **state)
{
    (void)state;
    static const scripted script[] = {
        {200,
         "{\"error\":[],\"result\":{"
         "\"TA\":{\"pair\":\"XXBTZUSD\",\"type\":\"sell\",\"vol\":\"0.50000000\",\"vol_closed\":"
         "\"0.20000000\"},"
         "\"TB\":{\"pair\":\"XETHZUSD\",\"type\":\"buy\",\"vol\":\"9.0\",\"vol_closed\":\"0\"},"
         "\"TC\":{\"pair\":\"XBTUSD\",\"type\":\"sell\",\"vol\":\"0.10000000\",\"vol_closed\":"
         "\"0.00000000\"}}}"},
        {200, "{\"error\":[],\"result\":{\"TA\":{\"pair\":\"XBTUSD\",\"type\":\"up\",\"vol\":\"1\","
              "\"vol_closed\":\"0\"}}}"},
        {200, "{\"error\":[],\"result\":[]}"}};
    server s;
    wk_account a;
    wk_venue_position held[2];
    size_t n;
    char why[256] = "";
    server_start(&s, script, 3);
    margin = 3;
    open_account("kraken", &kraken_btc, (wk_decimal){1, 8}, &s, &a);
    margin = 0;
    assert_int_equal(a.positions(a.self, held, 2, &n, why), WK_REQUEST_DONE);
    assert_non_null(strstr(s.requests[0], "POST /0/private/OpenPositions"));
    assert_int_equal(n, 1);
    assert_int_equal(held[0].qty_lots, -40000000);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a.positions(a.self, held, 2, &n, why), WK_REQUEST_UNKNOWN);
        assert_int_equal(n, 0);
    }
    a.close(a.self);
    server_stop(&s);
}

static void test_no_key_in_any_log(void **state)
{
    (void)state;
    char *text;
    size_t n;
    wk_err err;
    wk_log_write(WK_LOG_WARN, "test", "the log is kept");
    fflush(stderr);
    assert_int_equal(wk_file_read(log_path, &text, &n, &err), WK_OK);
    dup2(real_stderr, 2);
    assert_non_null(strstr(text, "the log is kept"));
    clean(text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_orders_over_the_wire),
        cmocka_unit_test(test_kraken_orders_over_the_wire),
        cmocka_unit_test(test_a_clock_that_cannot_be_is_refused),
        cmocka_unit_test(test_a_list_of_balances_is_refused),
        cmocka_unit_test(test_positions_on_margin_are_asked_for_by_themselves),
        cmocka_unit_test(test_no_key_in_any_log),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
