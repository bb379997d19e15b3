/* Replies of HTTP/1.1 byte by byte and at once, and what is none. */
#include "../data/temp.h"

#include "../../../src/net/http_reply.h"

static wk__http_reply r;

static wk__http_reply_state read_in(const char *text, size_t n, size_t step, bool ends)
{
    wk__http_body_finish(&r.body);
    free(r.body.bytes);
    memset(&r, 0, sizeof r);
    r.body.n_max = 1000;
    for (size_t i = 0; i < n; i += step)
        wk__http_reply_feed(&r, text + i, i + step < n ? step : n - i, 0);
    if (ends)
        wk__http_reply_end(&r);
    return r.state;
}

/* In steps of 1, 2, 3, 7 and all bytes. */
static void check(const char *text, bool ends, wk__http_reply_state state, const char *body)
{
    static const size_t steps[] = {1, 2, 3, 7, 4096};
    for (size_t i = 0; i < 5; i++) {
        wk__http_reply_state got = read_in(text, strlen(text), steps[i], ends);
        if (got != state)
            fail_msg("%s in steps of %zu is %d: %s", text, steps[i], got, r.why ? r.why : "");
        if (body)
            assert_string_equal(r.body.bytes ? r.body.bytes : "", body);
    }
}

#define OK "HTTP/1.1 200 OK\r\n"

static void bodies_have_three_ends(void **state)
{
    (void)state;
    check(OK "Content-Length: 3\r\n\r\nabc", false, WK__REPLY_WHOLE, "abc");
    check(OK "content-length:3 \r\n\r\nab", true, WK__REPLY_BAD, NULL);
    check(OK "\r\nabc", false, WK__REPLY_OPEN, "abc");
    check(OK "\r\nabc", true, WK__REPLY_WHOLE, "abc");
    check(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=\"y\"\r\nc\r\n0\r\nT: 1\r\n\r\n",
          false, WK__REPLY_WHOLE, "abc");
    check(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n", true, WK__REPLY_BAD, NULL);
    check(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", true, WK__REPLY_BAD, NULL);
    check(OK "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2\r\nab\r\n0\r\n\r\n", false,
          WK__REPLY_WHOLE, "ab");
    check("HTTP/1.1 204 No\r\nContent-Length: 7\r\n\r\n", false, WK__REPLY_WHOLE, "");
    check("HTTP/1.1 304 No\r\n\r\n", false, WK__REPLY_WHOLE, "");
    check("HTTP/1.1 200\nContent-Length: 1\n\na", true, WK__REPLY_WHOLE, "a");
}

static void interim_replies_are_passed_over(void **state)
{
    (void)state;
    check("HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n"
          "HTTP/1.1 429 Wait\r\nRetry-After: 2\r\nContent-Length: 1\r\n\r\nx",
          false, WK__REPLY_WHOLE, "x");
    assert_int_equal(r.status, 429);
    assert_int_equal(r.head.retry_ns, INT64_C(2000000000));
    check("HTTP/1.1 101 Switch\r\n\r\n", false, WK__REPLY_BAD, NULL);
}

static void a_connection_is_kept_when_both_can(void **state)
{
    (void)state;
    check(OK "Content-Length: 0\r\n\r\n", false, WK__REPLY_WHOLE, "");
    assert_true(r.keeps);
    check(OK "Connection: x, Close\r\nContent-Length: 0\r\n\r\n", false, WK__REPLY_WHOLE, "");
    assert_false(r.keeps);
    check("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false, WK__REPLY_WHOLE, "");
    assert_false(r.keeps);
    check(OK "\r\n", true, WK__REPLY_WHOLE, "");
    assert_false(r.keeps);
}

static void what_is_no_reply_is_refused(void **state)
{
    static const char *const texts[] = {
        "HTTP/2 200\r\n\r\n",
        "SSH-2.0-x\r\n",
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "\r\n\r\n",
        OK "Content-Length: -1\r\n\r\n",
        OK "Content-Length: 1, 1\r\n\r\n",
        OK "Content-Length: 9999999999999999999\r\n\r\n",
        OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK "Content-Length: 1\r\n\r\nab",
        OK "Content-Length: 2000\r\n\r\n" /* then more than may be */,
        OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        OK "Content-Encoding: br\r\n\r\n",
        OK "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(texts[i], true, WK__REPLY_BAD, NULL);
    check("", true, WK__REPLY_BAD, NULL);
    assert_string_equal(r.why, "the connection ended without a reply");
}

static void sizes_are_limited(void **state)
{
    char *text = malloc(300000);
    (void)state;
    int n = sprintf(text, OK "X: ");
    memset(text + n, 'x', 100000);
    assert_int_equal(read_in(text, (size_t)n + 100000, 999, false), WK__REPLY_BAD); /* a line */
    n = sprintf(text, OK);
    for (int i = 0; i < 2000; i++)
        n += sprintf(text + n, "X%d: %060d\r\n", i, i);
    assert_int_equal(read_in(text, (size_t)n, 999, false), WK__REPLY_BAD); /* all of them */
    n = sprintf(text, OK "\r\n");
    memset(text + n, 'x', 1001);
    assert_int_equal(read_in(text, (size_t)n + 1000, 999, true), WK__REPLY_WHOLE);
    assert_int_equal(r.body.n, 1000);
    assert_int_equal(read_in(text, (size_t)n + 1001, 999, true), WK__REPLY_BAD);
    assert_true(r.body.is_too_large);
    assert_int_equal(read_in(OK "X: a\0b\r\n\r\n", sizeof OK + 10, 4096, true), WK__REPLY_BAD);
    free(text);
    read_in("", 0, 1, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_have_three_ends),
        cmocka_unit_test(interim_replies_are_passed_over),
        cmocka_unit_test(a_connection_is_kept_when_both_can),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(sizes_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
