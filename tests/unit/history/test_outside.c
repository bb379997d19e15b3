/* Series from JSON endpoints: what replies may look like, and one over TLS into the store. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "venue.h"
#include "wick/clock.h"
#include "wick/outside_fetch.h"

static wk_outside_source source(const char *rows, const char *time, const char *value)
{
    return (wk_outside_source){.name = "mood",
                               .venue = "outside",
                               .symbol = "ALL",
                               .url = "",
                               .rows = rows,
                               .time = time,
                               .value = value,
                               .key_header = "",
                               .key_env = ""};
}

static void test_rows_are_found_by_json_pointers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows, *time, *value;
        double wanted;
    } cases[] = {
        {"{\"data\": [{\"timestamp\": \"1700000000\", \"value\": \"42\"}]}", "/data", "/timestamp",
         "/value", 42},
        {"[[1700000000000, 1.25]]", "", "/0", "/1", 1.25},
        {"{\"t\": \"2023-11-14T22:13:20Z\", \"a\": {\"b/c\": -3e-2}}", "", "/t", "/a/b~1c", -0.03},
        {"{\"x\": {\"~k\": [{\"time\": 1700000000.5, \"value\": 7}]}}", "/x/~0k", "/time", "/value",
         7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_outside_source s = source(cases[i].rows, cases[i].time, cases[i].value);
        wk_fresh_value *v = NULL;
        size_t n = 0;
        wk_err err = {0};
        if (wk_outside_parse_json(&s, cases[i].text, strlen(cases[i].text), 99, &v, &n, &err))
            fail_msg("case %zu: %s", i, err.msg);
        assert_int_equal(n, 1);
        assert_int_equal(v[0].time_ns,
                         INT64_C(1700000000) * WK_NS_PER_S + (i == 3 ? WK_NS_PER_S / 2 : 0));
        assert_int_equal(v[0].known_ns, 99);
        assert_true(v[0].value == cases[i].wanted);
        free(v);
    }
}

static void test_what_is_no_row_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "is no JSON"},
        {"<html>", "is no JSON"},
        {"{\"data\": 1, \"data\": 2}", "is no JSON"},
        {"{}", "nothing at /data"},
        {"{\"data\": [{\"time\": 1700000000}]}", "row 0: the value at /value is missing"},
        {"{\"data\": [{\"time\": 1700000000, \"value\": 1}, {\"value\": 1}]}",
         "row 1: the time at /time is missing"},
        {"{\"data\": [{\"time\": \"soon\", \"value\": 1}]}", "the time at /time"},
        {"{\"data\": [{\"time\": 1700000000, \"value\": \"much\"}]}", "is not a number"},
        {"{\"data\": [{\"time\": 1700000000, \"value\": {}}]}", "is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_outside_source s = source("/data", "/time", "/value");
        wk_fresh_value *v = NULL;
        size_t n = 7;
        wk_err err = {0};
        assert_int_equal(
            wk_outside_parse_json(&s, cases[i].text, strlen(cases[i].text), 0, &v, &n, &err),
            WK_E_PARSE);
        if (!strstr(err.msg, cases[i].words))
            fail_msg("case %zu: %s", i, err.msg);
        assert_null(v);
    }
    /* A null is a row without a value: nothing to store. */
    wk_outside_source s = source("", "/time", "/value");
    const char *text = "[{\"time\": 1700000000, \"value\": null}]";
    wk_fresh_value *v = NULL;
    size_t n = 7;
    assert_int_equal(wk_outside_parse_json(&s, text, strlen(text), 0, &v, &n, NULL), WK_OK);
    assert_int_equal(n, 0);
    free(v);
}

static void test_an_endpoint_over_tls_reaches_the_store(void **state)
{
    (void)state;
    char dir[] = "/tmp/wick-outside-http-XXXXXX", url[300], command[96], what[256];
    assert_non_null(mkdtemp(dir));
    venue_options options = {
        .venue = "kraken",
        .dir = dir,
        .rate_scale = -1,
        .script =
            "{\"rest\": [{\"path\": \"/0/public/Time\", \"nth\": [1, 2], \"fault\": \"503\"}]}"};
    venue *server = venue_start(&options, what, sizeof what);
    if (!server)
        fail_msg("%s", what);
    snprintf(url, sizeof url, "%s/0/public/Time", venue_url(server));
    wk_outside_source s = source("/result", "/unixtime", "/unixtime");
    s.url = url;
    wk_outside_fetch_config config = {.timeout_s = 5,
                                      .tries = 30,
                                      .backoff_s = 0.01,
                                      .store = "",
                                      .ca_file = venue_ca_file(server)};
    wk_err err = {0};
    wk_fresh *fresh = NULL;
    wk_fresh_outcome o = {0};
    if (wk_fresh_open(dir, &fresh, &err) || wk_outside_fetch(&config, &s, fresh, &o, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(o.n_added, 1);
    assert_int_equal(venue_faults(server), 2);
    wk_fresh_value *v = NULL;
    size_t n = 0;
    assert_int_equal(wk_fresh_values(fresh, "outside", "ALL", "mood", 0, 0, &v, &n, &err), WK_OK);
    assert_int_equal(n, 1);
    assert_true(v[0].value == (double)(v[0].time_ns / WK_NS_PER_S));
    assert_true(v[0].known_ns > v[0].time_ns || v[0].known_ns > 0);
    free(v);

    s.key_header = "X-Key: ";
    s.key_env = "WICK_TEST_NO_SUCH_KEY";
    assert_int_equal(wk_outside_fetch(&config, &s, fresh, &o, &err), WK_E_CONFIG);
    assert_non_null(strstr(err.msg, "WICK_TEST_NO_SUCH_KEY"));
    s.key_header = "";
    config.ca_file =
        "/etc/hostname"; /* no authority in it: the server's certificate is not trusted */
    assert_true(wk_outside_fetch(&config, &s, fresh, &o, &err) != WK_OK);
    wk_fresh_close(fresh);
    venue_stop(server);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_found_by_json_pointers),
        cmocka_unit_test(test_what_is_no_row_is_refused_with_its_place),
        cmocka_unit_test(test_an_endpoint_over_tls_reaches_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
