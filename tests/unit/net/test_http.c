/* The HTTP client against a loopback server that sends one scripted reply a connection. TLS is
 * tested with the venues' servers. */
#include "../../loopback.h"
#include "../data/temp.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "wick/http.h"

typedef struct {
    int fd, port;
    pthread_t thread;
    const char *reply; /* raw bytes; NULL: says nothing until the client goes */
    size_t n_reply;
    char request[8192]; /* of the last connection */
} server;

static void *serve(void *ctx)
{
    server *s = ctx;
    for (;;) {
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            return NULL;
        size_t n = 0;
        char *end, *length;
        for (;;) {
            ssize_t got = recv(c, s->request + n, sizeof s->request - 1 - n, 0);
            if (got <= 0)
                break;
            n += (size_t)got;
            s->request[n] = 0;
            end = strstr(s->request, "\r\n\r\n");
            length = strstr(s->request, "Content-Length: ");
            if (end &&
                n >= (size_t)(end + 4 - s->request) + (length ? (size_t)atoi(length + 16) : 0))
                break;
        }
        if (s->reply)
            for (size_t at = 0; at < s->n_reply;) {
                ssize_t sent = send(c, s->reply + at, s->n_reply - at, MSG_NOSIGNAL);
                if (sent <= 0)
                    break;
                at += (size_t)sent;
            }
        else
            while (recv(c, s->request, 1, 0) > 0) {
            }
        close(c);
    }
}

static void server_start(server *s, const char *reply, size_t n_reply)
{
    *s = (server){.reply = reply, .n_reply = n_reply};
    s->fd = loopback_listen(&s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}

static wk_err err;

static wk_status call_with(const wk_http_options *options, wk_http_request request, server *s,
                           wk_http_response *out)
{
    char url[128];
    wk_http *http;
    snprintf(url, sizeof url, "http://127.0.0.1:%d/x?y=1", s->port);
    request.url = url;
    request.method = request.method ? request.method : "GET";
    assert_int_equal(wk_http_open(options, &http, &err), WK_OK);
    wk_status status = wk_http_call(http, &request, out, &err);
    wk_http_close(http);
    return status;
}

static wk_status get(const char *reply, size_t n, wk_http_response *out)
{
    server s;
    server_start(&s, reply, n);
    wk_status status = call_with(NULL, (wk_http_request){0}, &s, out);
    server_stop(&s);
    return status;
}

static void reply_comes_with_its_headers(void **state)
{
    static const char reply[] =
        "HTTP/1.1 429 Too Many\r\nContent-Type: application/json\r\n"
        "Retry-After: 3\r\nX-RATE-LIMIT-RESET: 4500\r\n"
        "Date: Sat, 21 Nov 2026 01:00:00 GMT\r\nContent-Length: 2\r\n\r\n{}";
    wk_http_response r;
    (void)state;
    assert_int_equal(get(reply, sizeof reply - 1, &r), WK_OK);
    assert_int_equal(r.status, 429);
    assert_string_equal(r.body, "{}");
    assert_int_equal(r.body_bytes, 2);
    assert_string_equal(r.content_type, "application/json");
    assert_int_equal(r.retry_after_ns, INT64_C(4500) * 1000000);
    assert_int_equal(r.server_time_ns, INT64_C(1795222800) * WK_NS_PER_S);
    assert_true(r.sent && r.received_ns >= r.sent_ns);
    wk_http_response_finish(&r);
}

static void retry_after_may_be_a_date(void **state)
{
    char reply[256], date[64];
    time_t at = time(NULL) + 100;
    struct tm tm;
    wk_http_response r;
    (void)state;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
    int n = snprintf(reply, sizeof reply,
                     "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n", date);
    assert_int_equal(get(reply, (size_t)n, &r), WK_OK);
    assert_in_range(r.retry_after_ns, 90 * WK_NS_PER_S, 101 * WK_NS_PER_S);
    assert_string_equal(r.body, "");
    wk_http_response_finish(&r);
    static const char odd[] = "HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(get(odd, sizeof odd - 1, &r), WK_OK);
    assert_int_equal(r.retry_after_ns, -1);
    wk_http_response_finish(&r);
}

/* A gzip body of n times 'a' behind its header; the caller frees. */
static char *gzip_reply(size_t n, size_t *n_reply)
{
    char *plain = malloc(n), *out = malloc(n / 100 + 4096);
    z_stream z = {0};
    memset(plain, 'a', n);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    char *body = out + 256;
    z.next_in = (Bytef *)plain;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)body;
    z.avail_out = (uInt)(n / 100 + 3000);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    char head[256];
    int n_head = snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %lu\r\n\r\n", z.total_out);
    memmove(out + n_head, body, z.total_out);
    memcpy(out, head, (size_t)n_head);
    *n_reply = (size_t)n_head + z.total_out;
    deflateEnd(&z);
    free(plain);
    return out;
}

static void gzip_is_decoded_and_its_unpacked_size_limited(void **state)
{
    size_t n;
    wk_http_response r;
    server s;
    (void)state;
    char *reply = gzip_reply(100000, &n);
    assert_int_equal(get(reply, n, &r), WK_OK);
    assert_int_equal(r.body_bytes, 100000);
    assert_int_equal(r.body[99999], 'a');
    wk_http_response_finish(&r);
    reply[n - 20] ^= 0x55;
    assert_int_equal(get(reply, n, &r), WK_E_IO);
    wk_http_response_finish(&r);
    free(reply);
    reply = gzip_reply((size_t)50 << 20, &n); /* 50 MB in some 50 kB */
    server_start(&s, reply, n);
    assert_int_equal(
        call_with(&(wk_http_options){.body_bytes_max = 32 << 20}, (wk_http_request){0}, &s, &r),
        WK_E_RANGE);
    ASSERT_CONTAINS(err.msg, "larger than 33554432 bytes");
    assert_int_equal(r.status, 0);
    assert_null(r.body);
    server_stop(&s);
    free(reply);
}

static void cut_reply_is_no_reply(void **state)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":";
    wk_http_response r;
    (void)state;
    assert_int_equal(get(reply, sizeof reply - 1, &r), WK_E_IO);
    assert_int_equal(r.status, 0);
    assert_true(r.sent); /* the server may have acted on it */
    assert_int_equal(get("", 0, &r), WK_E_IO);
    assert_true(r.sent);
}

static void reply_in_chunks_is_joined(void **state)
{
    static const char reply[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
        "10;ext=1\r\n0123456789abcdef\r\n0\r\n\r\n";
    wk_http_response r;
    (void)state;
    assert_int_equal(get(reply, sizeof reply - 1, &r), WK_OK);
    assert_string_equal(r.body, "hello0123456789abcdef");
    wk_http_response_finish(&r);
    /* Without its last chunk it is cut. */
    assert_int_equal(get(reply, sizeof reply - 1 - 5, &r), WK_E_IO);
    assert_int_equal(get(reply, sizeof reply - 1 - 12, &r), WK_E_IO);
    assert_null(r.body);
}

static void reply_without_a_length_ends_with_the_connection(void **state)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"a\":1}";
    static const char none[] = "HTTP/1.1 204 No Content\r\n\r\n";
    wk_http_response r;
    (void)state;
    assert_int_equal(get(reply, sizeof reply - 1, &r), WK_OK);
    assert_string_equal(r.body, "{\"a\":1}");
    wk_http_response_finish(&r);
    assert_int_equal(get(none, sizeof none - 1, &r), WK_OK);
    assert_int_equal(r.status, 204);
    assert_string_equal(r.body, "");
    wk_http_response_finish(&r);
}

static void long_replies_and_many_headers_come_whole(void **state)
{
    enum { N = 3000000, HEADERS = 60 };
    char *reply = malloc(N + 16384);
    size_t at = (size_t)sprintf(reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", N);
    wk_http_response r;
    (void)state;
    for (int i = 0; i < HEADERS; i++)
        at += (size_t)sprintf(reply + at, "X-Header-%d: %0100d\r\n", i, i);
    at += (size_t)sprintf(reply + at, "Retry-After: 7\r\n\r\n");
    for (size_t i = 0; i < N; i++)
        reply[at + i] = (char)('a' + i * 7919 % 26);
    assert_int_equal(get(reply, at + N, &r), WK_OK);
    assert_int_equal(r.body_bytes, N);
    assert_memory_equal(r.body, reply + at, N);
    assert_int_equal(r.retry_after_ns, 7 * WK_NS_PER_S);
    wk_http_response_finish(&r);
    free(reply);
}

static void a_client_is_good_for_many_calls(void **state)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    server s;
    wk_http *http;
    char url[64], *body = malloc(200000);
    (void)state;
    memset(body, 'b', 200000);
    server_start(&s, reply, sizeof reply - 1);
    snprintf(url, sizeof url, "http://localhost:%d/p?q#fragment", s.port);
    assert_int_equal(wk_http_open(&(wk_http_options){.address_family = 4}, &http, &err), WK_OK);
    for (int i = 0; i < 20; i++) {
        wk_http_response r;
        /* The scripted server keeps 8 kB of a request. */
        wk_http_request request = {.method = i % 2 ? "POST" : "GET", .url = url};
        request.body = i % 2 ? body : NULL;
        request.body_bytes = i % 2 ? 7000 : 0;
        assert_int_equal(wk_http_call(http, &request, &r, &err), WK_OK);
        assert_string_equal(r.body, "ok");
        assert_memory_equal(s.request, i % 2 ? "POST /p?q HTTP/1.1\r\n" : "GET /p?q HTTP/1.1\r\n",
                            i % 2 ? 20 : 19);
        wk_http_response_finish(&r);
    }
    wk_http_response r;
    assert_int_equal(
        wk_http_call(http, &(wk_http_request){.method = "GET", .url = "ftp://h/"}, &r, &err),
        WK_E_ARG);
    assert_false(r.sent);
    wk_http_close(http);
    server_stop(&s);
    free(body);
}

static void nobody_there_means_nothing_was_sent(void **state)
{
    server s;
    wk_http_response r;
    (void)state;
    server_start(&s, "", 0);
    server_stop(&s);
    assert_int_equal(
        call_with(NULL, (wk_http_request){.method = "POST", .body = "a", .body_bytes = 1}, &s, &r),
        WK_E_IO);
    assert_false(r.sent);
}

static void method_headers_and_body_go_as_given(void **state)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char *const methods[] = {"POST", "PUT", "DELETE"};
    const char *headers[] = {"api-key: k", "Content-Type: application/json", NULL};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        server s;
        wk_http_response r;
        char line[64];
        server_start(&s, reply, sizeof reply - 1);
        assert_int_equal(call_with(NULL,
                                   (wk_http_request){.method = methods[i],
                                                     .headers = headers,
                                                     .body = "{\"id\":1}",
                                                     .body_bytes = 8},
                                   &s, &r),
                         WK_OK);
        snprintf(line, sizeof line, "%s /x?y=1 HTTP/1.1\r\n", methods[i]);
        assert_memory_equal(s.request, line, strlen(line));
        ASSERT_CONTAINS(s.request, "api-key: k\r\n");
        ASSERT_CONTAINS(s.request, "Content-Type: application/json\r\n");
        ASSERT_CONTAINS(s.request, "User-Agent: wick/");
        ASSERT_CONTAINS(s.request, "Accept-Encoding: gzip, deflate\r\n");
        ASSERT_CONTAINS(s.request, "\r\n\r\n{\"id\":1}");
        wk_http_response_finish(&r);
        server_stop(&s);
    }
}

static void redirection_is_a_reply_and_not_followed(void **state)
{
    static const char reply[] =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    wk_http_response r;
    (void)state;
    assert_int_equal(get(reply, sizeof reply - 1, &r), WK_OK);
    assert_int_equal(r.status, 302);
    wk_http_response_finish(&r);
}

static void silence_ends_at_the_timeout(void **state)
{
    server s;
    wk_http_response r;
    (void)state;
    server_start(&s, NULL, 0);
    int64_t begin_ns = wk_clock_monotonic_ns();
    assert_int_equal(call_with(&(wk_http_options){.total_timeout_ns = WK_NS_PER_S / 5},
                               (wk_http_request){0}, &s, &r),
                     WK_E_IO);
    assert_in_range(wk_clock_monotonic_ns() - begin_ns, WK_NS_PER_S / 10, 5 * WK_NS_PER_S);
    assert_true(r.sent);
    server_stop(&s);
}

static void *cancel_soon(void *http)
{
    nanosleep(&(struct timespec){0, 100000000}, NULL);
    wk_http_cancel(http);
    return NULL;
}

static void cancel_ends_a_call_and_all_later_ones(void **state)
{
    server s;
    wk_http *http;
    wk_http_response r;
    pthread_t thread;
    char url[64];
    (void)state;
    server_start(&s, NULL, 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", s.port);
    assert_int_equal(wk_http_open(NULL, &http, &err), WK_OK);
    pthread_create(&thread, NULL, cancel_soon, http);
    wk_http_request request = {.method = "GET", .url = url};
    assert_int_equal(wk_http_call(http, &request, &r, &err), WK_E_CANCELLED);
    assert_int_equal(wk_http_call(http, &request, &r, &err), WK_E_CANCELLED);
    pthread_join(thread, NULL);
    wk_http_close(http);
    server_stop(&s);
}

static void values_are_escaped(void **state)
{
    char out[32];
    (void)state;
    assert_true(wk_http_escape("MARK:BTC/USD +1", out, sizeof out));
    assert_string_equal(out, "MARK%3ABTC%2FUSD%20%2B1");
    assert_false(wk_http_escape("0123456789", out, 10));
    assert_true(wk_http_escape("0123456789", out, 11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_comes_with_its_headers),
        cmocka_unit_test(retry_after_may_be_a_date),
        cmocka_unit_test(gzip_is_decoded_and_its_unpacked_size_limited),
        cmocka_unit_test(cut_reply_is_no_reply),
        cmocka_unit_test(reply_in_chunks_is_joined),
        cmocka_unit_test(reply_without_a_length_ends_with_the_connection),
        cmocka_unit_test(long_replies_and_many_headers_come_whole),
        cmocka_unit_test(a_client_is_good_for_many_calls),
        cmocka_unit_test(nobody_there_means_nothing_was_sent),
        cmocka_unit_test(method_headers_and_body_go_as_given),
        cmocka_unit_test(redirection_is_a_reply_and_not_followed),
        cmocka_unit_test(silence_ends_at_the_timeout),
        cmocka_unit_test(cancel_ends_a_call_and_all_later_ones),
        cmocka_unit_test(values_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
