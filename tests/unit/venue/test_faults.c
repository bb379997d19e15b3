/* The servers commit the faults of their script, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../venue/kraken.h"
#include "book_take.h"
#include "client.h"

static void test_scripted_faults_strike_where_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        long status;
        const char *holds, *holds_not;
    } cases[] = {
        {"429", 429, "EService", NULL},
        {"429-retry", 429, NULL, NULL},
        {"503", 503, NULL, NULL},
        {"html-403", 403, "<html>", NULL},
        {"html-200", 200, "<html>", NULL},
        {"cut", 0, NULL, NULL},
        {"cut-body", 0, NULL, NULL},
        {"eapi-rate", 200, "{\"error\":[\"EAPI:Rate limit exceeded\"]}", NULL},
        {"eservice-throttled", 200, "EService: Throttled: 1", NULL},
        {"empty-page", 200, "\"XXBTZUSD\":[]", NULL},
        {"slow-body", 200, "\"last\":", NULL},
        {"short-page", 200, "4000002", "4000009"},
        {"reverse-rows", 200, "4000009],[", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char script[256];
        snprintf(script, sizeof script,
                 "{\"rest\":[{\"path\":\"/0/public/Trades\",\"nth\":[2],\"fault\":\"%s\","
                 "\"seconds\":0.2}]}",
                 cases[i].fault);
        venue_options options = {.venue = "kraken", .seed = 2, .history_s = 3600};
        options.script = script;
        venue *v = start(&options);
        for (int k = 1; k <= 3; k++) {
            reply r = rest_get(v, "/0/public/Trades?pair=XBTUSD&since=0&count=10", NULL);
            int struck = r.status == cases[i].status &&
                         (!cases[i].holds || strstr(r.body, cases[i].holds)) &&
                         (!cases[i].holds_not || !strstr(r.body, cases[i].holds_not));
            if (strcmp(cases[i].fault, "slow-body") == 0)
                struck = k == 2;
            if (struck != (k == 2))
                fail_msg("%s, request %d: status %ld, %.300s", cases[i].fault, k, r.status, r.body);
            if (k == 2 && strcmp(cases[i].fault, "429-retry") == 0)
                assert_string_equal(r.retry_after, "1");
            reply_finish(&r);
        }
        assert_int_equal(venue_faults(v), 1);
        stop(v, 0);
    }
}

/* The sequence numbers of Delta's book under one fault at the third message. */
static void sequence_under(const char *fault_name, int64_t out[6])
{
    char script[256];
    snprintf(script, sizeof script,
             "{\"ws\":[{\"channel\":\"ob_updates\",\"nth\":[3],\"fault\":\"%s\"}]}", fault_name);
    venue_options options = {.venue = "delta", .seed = 2, .history_s = 3600, .speed = 20};
    options.script = script;
    venue *v = start(&options);
    socket_client c;
    assert_true(ws_open(&c, v, "/"));
    assert_true(ws_send(&c, "{\"type\":\"subscribe\",\"payload\":{\"channels\":[{\"name\":"
                            "\"ob_updates\",\"symbols\":[\"BTCUSD\"]}]}}"));
    int64_t first = 0;
    for (int i = 0; i < 6; i++) {
        json_t *root = ws_find(&c, "type", "ob_updates", NULL, NULL);
        int64_t seq = (int64_t)json_number_value(json_object_get(root, "seq"));
        first = i ? first : seq;
        out[i] = seq - first;
        json_decref(root);
    }
    ws_close(&c);
    assert_int_equal(venue_faults(v), 1);
    stop(v, 0);
}

static void test_pushed_messages_are_lost_doubled_and_swapped_on_demand(void **state)
{
    (void)state;
    static const int64_t dropped[6] = {0, 1, 3, 4, 5, 6}, doubled[6] = {0, 1, 2, 2, 3, 4},
                         swapped[6] = {0, 1, 3, 2, 4, 5};
    int64_t seen[6];
    sequence_under("drop", seen);
    assert_memory_equal(seen, dropped, sizeof seen);
    sequence_under("duplicate", seen);
    assert_memory_equal(seen, doubled, sizeof seen);
    sequence_under("reorder", seen);
    assert_memory_equal(seen, swapped, sizeof seen);
}

static void test_silence_cuts_refusals_and_wrong_checksums(void **state)
{
    (void)state;
    static const char *const faults[] = {"silence", "close", "cut-socket"};
    static const char subscribe[] = "{\"method\":\"subscribe\",\"params\":{\"channel\":\"book\","
                                    "\"symbol\":[\"BTC/USD\"]}}";
    char script[256];
    for (size_t i = 0; i < 3; i++) {
        snprintf(script, sizeof script,
                 "{\"ws\":[{\"channel\":\"book\",\"nth\":[2],\"fault\":\"%s\"}]}", faults[i]);
        venue_options options = {.venue = "kraken", .seed = 2, .history_s = 3600, .speed = 10};
        options.script = script;
        venue *v = start(&options);
        socket_client c;
        assert_true(ws_open(&c, v, "/v2"));
        assert_true(ws_send(&c, subscribe));
        char *message;
        int n = 0;
        while ((message = ws_next(&c, 1500)) != NULL) {
            n++;
            free(message);
        }
        assert_in_range(n, 3, 4); /* status, acknowledgement, snapshot and no more than one */
        ws_close(&c);
        stop(v, 0);
    }
    venue_options options = {.venue = "kraken", .seed = 2, .history_s = 3600, .speed = 10};
    options.script = "{\"ws\":[{\"channel\":\"book\",\"first\":1,\"fault\":\"refuse\"},"
                     "{\"channel\":\"book\",\"nth\":[1],\"fault\":\"bad-checksum\"}]}";
    venue *v = start(&options);
    socket_client c;
    assert_true(ws_open(&c, v, "/v2"));
    assert_true(ws_send(&c, subscribe));
    json_t *root = ws_find(&c, "method", "subscribe", NULL, NULL);
    assert_true(json_is_false(json_object_get(root, "success")));
    json_decref(root);
    assert_true(ws_send(&c, subscribe));
    root = ws_find(&c, "channel", "book", "type", "snapshot");
    static market_book book;
    memset(&book, 0, sizeof book);
    json_t *data = json_array_get(json_object_get(root, "data"), 0);
    book_take(&book, 0, json_object_get(data, "bids"), 1, 10);
    book_take(&book, 1, json_object_get(data, "asks"), 1, 10);
    assert_true(kraken_checksum(&book) !=
                (int64_t)json_number_value(json_object_get(data, "checksum")));
    json_decref(root);
    ws_close(&c);
    stop(v, 0);
}

static void test_bad_certificates_are_shown_on_demand(void **state)
{
    (void)state;
    static const char *const flaws[] = {"wrong-host", "expired", "other-ca"};
    for (size_t i = 0; i < 3; i++) {
        venue_options options = {.venue = "kraken", .seed = 2, .history_s = 3600};
        options.certificate = flaws[i];
        venue *v = start(&options);
        reply r = rest_get(v, "/0/public/Time", NULL);
        assert_int_equal(r.status, 0);
        reply_finish(&r);
        assert_int_equal(venue_requests(v, ""), 0);
        stop(v, 0);
    }
}

static void test_handshakes_fail_on_demand(void **state)
{
    (void)state;
    venue_options options = {.venue = "kraken", .seed = 2, .history_s = 3600};
    options.script = "{\"rest\":[{\"path\":\"websocket\",\"nth\":[1],\"fault\":\"429\"},"
                     "{\"path\":\"websocket\",\"nth\":[2],\"fault\":\"cut\"}]}";
    venue *v = start(&options);
    for (int i = 1; i <= 3; i++) {
        socket_client c;
        assert_int_equal(ws_open(&c, v, "/v2") != 0, i == 3);
        ws_close(&c);
    }
    stop(v, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripted_faults_strike_where_they_should),
        cmocka_unit_test(test_pushed_messages_are_lost_doubled_and_swapped_on_demand),
        cmocka_unit_test(test_silence_cuts_refusals_and_wrong_checksums),
        cmocka_unit_test(test_bad_certificates_are_shown_on_demand),
        cmocka_unit_test(test_handshakes_fail_on_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
