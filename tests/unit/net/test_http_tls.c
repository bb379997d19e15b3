/* The HTTP client over TLS: whom it trusts, and what becomes of a connection that is kept. */
#include "../../loopback.h"
#include "../data/temp.h"

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "tls_files.h"
#include "wick/http.h"

/* What the server does with a request, by the number of its connection and of the request on it,
 * from 0. */
typedef enum {
    REPLY,       /* and keep the connection */
    REPLY_CLOSE, /* and say goodbye, unannounced */
    HANG_UP,     /* without a word */
    CUT          /* half a reply of no stated length, and no goodbye */
} deed;
typedef deed (*script)(int connection, int request);

typedef struct {
    int fd, port;
    pthread_t thread;
    SSL_CTX *ctx;
    script script;
    bool is_mute; /* never answers the handshake */
    atomic_int n_connections, n_requests, n_posts;
} server;

static bool read_request(SSL *ssl, server *s)
{
    char text[4096];
    size_t n = 0, got;
    while (n + 1 < sizeof text && SSL_read_ex(ssl, text + n, sizeof text - 1 - n, &got) == 1) {
        n += got;
        text[n] = 0;
        const char *end = strstr(text, "\r\n\r\n");
        if (!end)
            continue;
        const char *length = strstr(text, "Content-Length: ");
        if (length && n < (size_t)(end + 4 - text) + (size_t)atoi(length + 16))
            continue;
        atomic_fetch_add(&s->n_requests, 1);
        atomic_fetch_add(&s->n_posts, strncmp(text, "POST", 4) == 0);
        return true;
    }
    return false;
}

static void talk(server *s, SSL *ssl, int connection)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static const char half[] = "HTTP/1.1 200 OK\r\n\r\n[1,2";
    size_t written;
    for (int i = 0; read_request(ssl, s); i++) {
        deed d = s->script(connection, i);
        if (d == REPLY || d == REPLY_CLOSE)
            SSL_write_ex(ssl, whole, sizeof whole - 1, &written);
        if (d == CUT)
            SSL_write_ex(ssl, half, sizeof half - 1, &written);
        if (d == REPLY_CLOSE)
            SSL_shutdown(ssl);
        if (d != REPLY)
            return;
    }
}

static void *serve(void *ctx)
{
    server *s = ctx;
    for (;;) {
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            return NULL;
        int number = atomic_fetch_add(&s->n_connections, 1);
        char byte;
        while (s->is_mute && recv(c, &byte, 1, 0) > 0) {
        }
        SSL *ssl = SSL_new(s->ctx);
        SSL_set_fd(ssl, c);
        if (!s->is_mute && SSL_accept(ssl) == 1)
            talk(s, ssl, number);
        SSL_free(ssl);
        close(c);
    }
}

static tls_files own, foreign;

static int make_files(void **state)
{
    (void)state;
    return tls_files_make(&own, "localhost") && tls_files_make(&foreign, "elsewhere") ? 0 : -1;
}

static int remove_files(void **state)
{
    (void)state;
    tls_files_remove(&own);
    tls_files_remove(&foreign);
    return 0;
}

static void server_start(server *s, const tls_files *files, script deeds)
{
    *s = (server){.script = deeds, .ctx = SSL_CTX_new(TLS_server_method())};
    assert_int_equal(SSL_CTX_use_certificate_chain_file(s->ctx, files->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->ctx, files->key, SSL_FILETYPE_PEM), 1);
    s->fd = loopback_listen(&s->port);
}

static void server_run(server *s)
{
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    SSL_CTX_free(s->ctx);
}

static wk_err err;
static wk_http_response reply;

static wk_http *open_with(const char *ca_file, int64_t connect_timeout_ns)
{
    wk_http *http;
    wk_http_options options = {.ca_file = ca_file,
                               .connect_timeout_ns = connect_timeout_ns,
                               .total_timeout_ns = 60 * WK_NS_PER_S,
                               .address_family = 4};
    assert_int_equal(wk_http_open(&options, &http, &err), WK_OK);
    return http;
}

static wk_status call(wk_http *http, const server *s, const char *method)
{
    char url[64];
    snprintf(url, sizeof url, "https://localhost:%d/", s->port);
    wk_http_request request = {.method = method, .url = url};
    if (strcmp(method, "POST") == 0) {
        request.body = "{}";
        request.body_bytes = 2;
    }
    wk_http_response_finish(&reply);
    return wk_http_call(http, &request, &reply, &err);
}

static deed always_reply(int connection, int request)
{
    (void)connection, (void)request;
    return REPLY;
}

static void only_a_trusted_certificate_of_that_name_will_do(void **state)
{
    server s;
    (void)state;
    server_start(&s, &own, always_reply);
    server_run(&s);
    wk_http *http = open_with(own.certificate, 0);
    assert_int_equal(call(http, &s, "GET"), WK_OK);
    assert_string_equal(reply.body, "ok");
    wk_http_close(http);
    http = open_with(NULL, 0); /* the system does not know it */
    assert_int_equal(call(http, &s, "GET"), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "has no certificate that is trusted here: self");
    assert_false(reply.sent);
    wk_http_close(http);
    http = open_with(own.key, 0);
    assert_int_equal(call(http, &s, "GET"), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "holds no certificate");
    wk_http_close(http);
    assert_int_equal(s.n_requests, 1);
    server_stop(&s);
    server_start(&s, &foreign, always_reply);
    server_run(&s);
    http = open_with(foreign.certificate, 0);
    assert_int_equal(call(http, &s, "POST"), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "ostname mismatch");
    assert_false(reply.sent);
    assert_int_equal(s.n_requests, 0);
    wk_http_close(http);
    server_stop(&s);
}

static void a_get_uses_the_kept_connection_and_an_order_never_does(void **state)
{
    server s;
    (void)state;
    server_start(&s, &own, always_reply);
    server_run(&s);
    wk_http *http = open_with(own.certificate, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(http, &s, "GET"), WK_OK);
    assert_int_equal(s.n_connections, 1);
    assert_int_equal(call(http, &s, "POST"), WK_OK);
    assert_int_equal(s.n_connections, 2);
    assert_int_equal(call(http, &s, "GET"), WK_OK); /* the order's may be kept, too */
    assert_int_equal(call(http, &s, "DELETE"), WK_OK);
    assert_int_equal(s.n_connections, 3);
    assert_int_equal(s.n_requests, 6);
    wk_http_close(http);
    server_stop(&s);
}

static deed close_each(int connection, int request)
{
    (void)connection, (void)request;
    return REPLY_CLOSE;
}

static deed hang_up_on_the_second(int connection, int request)
{
    return connection == 0 && request == 1 ? HANG_UP : REPLY;
}

static deed hang_up(int connection, int request)
{
    (void)connection, (void)request;
    return HANG_UP;
}

static void a_get_outlives_a_kept_connection(void **state)
{
    server s;
    (void)state;
    server_start(&s, &own, close_each);
    server_run(&s);
    wk_http *http = open_with(own.certificate, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(call(http, &s, "GET"), WK_OK);
    assert_int_equal(s.n_connections, 5);
    wk_http_close(http);
    server_stop(&s);
    server_start(&s, &own, hang_up_on_the_second);
    server_run(&s);
    http = open_with(own.certificate, 0);
    assert_int_equal(call(http, &s, "GET"), WK_OK);
    assert_int_equal(call(http, &s, "GET"), WK_OK); /* hung up on, and made again */
    assert_int_equal(s.n_connections, 2);
    assert_int_equal(s.n_requests, 3);
    wk_http_close(http);
    server_stop(&s);
}

static void what_may_have_arrived_is_not_sent_again(void **state)
{
    static const char *const methods[] = {"POST", "GET"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        server s;
        server_start(&s, &own, hang_up);
        server_run(&s);
        wk_http *http = open_with(own.certificate, 0);
        assert_int_equal(call(http, &s, methods[i]), WK_E_IO);
        assert_true(reply.sent);
        assert_int_equal(reply.status, 0);
        assert_int_equal(s.n_requests, 1); /* a fresh connection: not even a GET */
        wk_http_close(http);
        server_stop(&s);
    }
}

static deed cut(int connection, int request)
{
    (void)connection, (void)request;
    return CUT;
}

static void a_reply_that_is_cut_without_a_goodbye_is_none(void **state)
{
    server s;
    (void)state;
    server_start(&s, &own, cut);
    server_run(&s);
    wk_http *http = open_with(own.certificate, 0);
    assert_int_equal(call(http, &s, "GET"), WK_E_IO);
    assert_null(reply.body);
    assert_true(reply.sent);
    wk_http_close(http);
    server_stop(&s);
}

static void a_mute_server_is_left_at_the_time_for_connecting(void **state)
{
    server s;
    (void)state;
    server_start(&s, &own, always_reply);
    s.is_mute = true;
    server_run(&s);
    wk_http *http = open_with(own.certificate, WK_NS_PER_S / 5);
    int64_t begin_ns = wk_clock_monotonic_ns();
    assert_int_equal(call(http, &s, "POST"), WK_E_IO);
    assert_in_range(wk_clock_monotonic_ns() - begin_ns, WK_NS_PER_S / 10, 20 * WK_NS_PER_S);
    assert_false(reply.sent);
    wk_http_close(http);
    server_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_trusted_certificate_of_that_name_will_do),
        cmocka_unit_test(a_get_uses_the_kept_connection_and_an_order_never_does),
        cmocka_unit_test(a_get_outlives_a_kept_connection),
        cmocka_unit_test(what_may_have_arrived_is_not_sent_again),
        cmocka_unit_test(a_reply_that_is_cut_without_a_goodbye_is_none),
        cmocka_unit_test(a_mute_server_is_left_at_the_time_for_connecting),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
