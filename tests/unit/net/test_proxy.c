/* HTTPS and WebSockets through a CONNECT proxy on the loopback, which leads to a server here
 * whatever name it is asked for: the clients cannot look up that name themselves. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../loopback.h"
#include "proxy.h"
#include "tls_files.h"
#include "wick/http.h"
#include "wick/websocket.h"
#include "ws_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static tls_files tls; /* for wick.test */
static wk_err err;

/* ---- the proxy ---- */

typedef struct {
    int fd, port, target;
    const char *reply;
    pthread_t thread;
    atomic_int n_connections;
    char request[2048]; /* the last one's head; read after a call has ended */
} proxy;

static void relay(int a, int b)
{
    char bytes[4096];
    for (;;) {
        struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
        if (poll(fds, 2, 20000) <= 0)
            return;
        for (int i = 0; i < 2; i++) {
            if (!fds[i].revents)
                continue;
            ssize_t n = recv(fds[i].fd, bytes, sizeof bytes, 0);
            if (n <= 0 || send(fds[1 - i].fd, bytes, (size_t)n, MSG_NOSIGNAL) != n)
                return;
        }
    }
}

static void *serve_proxy(void *of)
{
    proxy *p = of;
    for (;;) {
        int c = accept(p->fd, NULL, NULL);
        if (c < 0)
            return NULL;
        size_t n = 0;
        memset(p->request, 0, sizeof p->request);
        /* Not a byte more than the head: the tunnel begins behind it. */
        while (n + 1 < sizeof p->request && !strstr(p->request, "\r\n\r\n") &&
               recv(c, p->request + n, 1, 0) == 1)
            n++;
        atomic_fetch_add(&p->n_connections, 1);
        send(c, p->reply, strlen(p->reply), MSG_NOSIGNAL);
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)p->target)};
        int t = socket(AF_INET, SOCK_STREAM, 0);
        if (strstr(p->reply, " 200 ") && connect(t, (struct sockaddr *)&to, sizeof to) == 0)
            relay(c, t);
        close(t);
        close(c);
    }
}

static void proxy_start(proxy *p, int target, const char *reply)
{
    char text[128];
    *p = (proxy){.target = target, .reply = reply};
    p->fd = loopback_listen(&p->port);
    snprintf(text, sizeof text, "http://us%%65r:secret@127.0.0.1:%d", p->port);
    setenv("https_proxy", text, 1);
    assert_int_equal(pthread_create(&p->thread, NULL, serve_proxy, p), 0);
}

static void proxy_stop(proxy *p)
{
    shutdown(p->fd, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    close(p->fd);
    unsetenv("https_proxy");
}

/* ---- a server over TLS ---- */

typedef struct {
    int fd, port;
    pthread_t thread;
    SSL_CTX *ctx;
} server;

static void *serve(void *of)
{
    static const char whole[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    server *s = of;
    for (;;) {
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            return NULL;
        SSL *ssl = SSL_new(s->ctx);
        SSL_set_fd(ssl, c);
        char text[2048];
        size_t n;
        if (SSL_accept(ssl) == 1 && SSL_read_ex(ssl, text, sizeof text, &n) == 1 &&
            SSL_write_ex(ssl, whole, sizeof whole - 1, &n) == 1)
            SSL_shutdown(ssl);
        SSL_free(ssl);
        close(c);
    }
}

static void server_start(server *s)
{
    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(s->ctx, tls.certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->ctx, tls.key, SSL_FILETYPE_PEM), 1);
    s->fd = loopback_listen(&s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    SSL_CTX_free(s->ctx);
}

static wk_status get(const char *host, int port, wk_http_response *reply)
{
    wk_http *http;
    char url[128];
    snprintf(url, sizeof url, "https://%s:%d/x", host, port);
    wk_http_options options = {.ca_file = tls.certificate,
                               .connect_timeout_ns = 20000000000,
                               .total_timeout_ns = 20000000000};
    assert_int_equal(wk_http_open(&options, &http, &err), WK_OK);
    wk_status status =
        wk_http_call(http, &(wk_http_request){.method = "GET", .url = url}, reply, &err);
    wk_http_close(http);
    return status;
}

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";

static void test_https_goes_through_the_proxy_and_is_verified_behind_it(void **state)
{
    (void)state;
    server s;
    proxy p;
    wk_http_response reply;
    char first[64];
    server_start(&s);
    proxy_start(&p, s.port, established);
    if (get("wick.test", s.port, &reply) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body, "ok");
    wk_http_response_finish(&reply);
    snprintf(first, sizeof first, "CONNECT wick.test:%d HTTP/1.1\r\n", s.port);
    assert_int_equal(strncmp(p.request, first, strlen(first)), 0);
    /* base64 of "user:secret", by coreutils */
    assert_non_null(strstr(p.request, "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    /* Whoever answers at the other end must be who was asked for. */
    assert_int_equal(get("other.test", s.port, &reply), WK_E_DATA);
    assert_false(reply.sent);
    proxy_stop(&p);
    server_stop(&s);
}

static void test_a_refusal_of_the_proxy_is_said_and_nothing_was_sent(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *says;
    } cases[] = {{"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno\n",
                  "HTTP 407; put user:password@"},
                 {"HTTP/1.1 503 Sorry\r\n\r\n", "HTTP 503"},
                 {"", "it hung up"},
                 {"SSH-2.0-x\r\n", "the proxy 127.0.0.1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        proxy p;
        wk_http_response reply;
        proxy_start(&p, 1, cases[i].reply);
        assert_int_equal(get("wick.test", 443, &reply), WK_E_IO);
        if (!strstr(err.msg, cases[i].says) || !strstr(err.msg, "the proxy 127.0.0.1:"))
            fail_msg("\"%s\" does not say %s", err.msg, cases[i].says);
        assert_null(strstr(err.msg, "secret"));
        assert_false(reply.sent);
        proxy_stop(&p);
    }
}

static void test_the_loopback_and_the_exceptions_are_asked_directly(void **state)
{
    (void)state;
    server s;
    proxy p;
    wk_http_response reply;
    server_start(&s);
    proxy_start(&p, s.port, established);
    /* Its certificate is for another name, which is all that goes wrong. */
    assert_int_equal(get("localhost", s.port, &reply), WK_E_DATA);
    assert_int_equal(get("127.0.0.1", s.port, &reply), WK_E_DATA);
    setenv("no_proxy", "elsewhere, .test", 1);
    assert_int_equal(get("wick.test", s.port, &reply), WK_E_IO); /* no such name */
    unsetenv("no_proxy");
    assert_int_equal(atomic_load(&p.n_connections), 0);
    proxy_stop(&p);
    server_stop(&s);
}

/* ---- a WebSocket ---- */

static void greet(void *ctx, ws_peer *peer, int n_peer, ws_peer_kind kind, const char *bytes,
                  size_t n)
{
    (void)ctx;
    (void)n_peer;
    (void)bytes;
    (void)n;
    if (kind == WS_PEER_OPEN)
        ws_peer_send(peer, "hello");
}

typedef struct {
    wk_websocket *_Atomic client;
    char url[128], why[256];
    atomic_int began, heard, closed;
} listener;

static void on_event(void *ctx, const wk_websocket_event *e)
{
    listener *l = ctx;
    wk_err why;
    wk_websocket *client = atomic_load(&l->client);
    if (e->kind == WK_WEBSOCKET_TICK && client && !atomic_exchange(&l->began, 1) &&
        wk_websocket_connect(client, 0, l->url, &why) != WK_OK)
        atomic_store(&l->closed, 1);
    if (e->kind == WK_WEBSOCKET_MESSAGE && e->n == 5 && memcmp(e->bytes, "hello", 5) == 0)
        atomic_store(&l->heard, 1);
    if (e->kind == WK_WEBSOCKET_CLOSED && !atomic_load(&l->heard)) {
        snprintf(l->why, sizeof l->why, "%.*s", (int)e->n, e->bytes);
        atomic_store(&l->closed, 1);
    }
}

static void run_listener(listener *l, const char *host, int port)
{
    wk_websocket *client;
    *l = (listener){.closed = 0};
    snprintf(l->url, sizeof l->url, "wss://%s:%d/", host, port);
    assert_int_equal(wk_websocket_open(&(wk_websocket_options){.ca_file = tls.certificate},
                                       on_event, l, &client, &err),
                     WK_OK);
    atomic_store(&l->client, client);
    for (int i = 0; i < 1500 && !atomic_load(&l->heard) && !atomic_load(&l->closed); i++)
        usleep(10000);
    wk_websocket_close(client);
}

static void test_a_websocket_goes_through_the_proxy(void **state)
{
    (void)state;
    ws_server *s = ws_server_start(&tls, greet, NULL);
    proxy p;
    listener l;
    char first[64];
    assert_non_null(s);
    proxy_start(&p, ws_server_port(s), established);
    run_listener(&l, "wick.test", ws_server_port(s));
    if (!atomic_load(&l.heard))
        fail_msg("closed: %s", l.why);
    assert_int_equal(atomic_load(&p.n_connections), 1);
    proxy_stop(&p);
    snprintf(first, sizeof first, "CONNECT wick.test:%d HTTP/1.", ws_server_port(s));
    assert_int_equal(strncmp(p.request, first, strlen(first)), 0);
    assert_non_null(strcasestr(p.request, "\r\nProxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    proxy_start(&p, ws_server_port(s), "HTTP/1.1 403 Forbidden\r\n\r\n");
    run_listener(&l, "wick.test", ws_server_port(s));
    assert_true(atomic_load(&l.closed) && !atomic_load(&l.heard));
    proxy_stop(&p);
    ws_server_stop(s);
}

/* ---- texts ---- */

static void test_addresses_of_proxies(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *user;
        int port;
    } good[] = {{"http://p.example:3128", "p.example", "", 3128},
                {"p.example:3128/", "p.example", "", 3128},
                {"HTTP://p.example", "p.example", "", 1080},
                {"http://a:b%40c@p.example:1", "p.example", "a:b@c", 1},
                {"http://a:b@c@[::1]:8", "::1", "a:b@c", 8}};
    static const char *const bad[] = {"socks5://p:1", "https://p:1",    "http://",
                                      "http://p:0",   "http://p:99999", "http://a%0d%0ab:c@p:80",
                                      "http://p:1?"};
    wk__proxy p;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (wk__proxy_parse(good[i].text, &p, &err) != WK_OK)
            fail_msg("%s: %s", good[i].text, err.msg);
        assert_string_equal(p.host, good[i].host);
        assert_string_equal(p.user, good[i].user);
        assert_int_equal(p.port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wk__proxy_parse(bad[i], &p, &err), WK_E_CONFIG);
}

static void test_lists_of_exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *list, *host;
        bool is;
    } cases[] = {{"*", "api.kraken.com", true},
                 {"kraken.com", "api.kraken.com", true},
                 {".kraken.com", "API.Kraken.com", true},
                 {"kraken.com", "kraken.com", true},
                 {"a.b, ,kraken.com c.d", "ws.kraken.com", true},
                 {"kraken.com", "notkraken.com", false},
                 {"api.kraken.com", "kraken.com", false},
                 {"", "kraken.com", false},
                 {"10.0.0.0/8", "10.200.3.4", true},
                 {"10.0.0.0/8", "11.0.0.1", false},
                 {"10.1.2.3", "10.1.2.3", true},
                 {"fd00::/8", "fd12::1", true},
                 {"fd00::/8", "fe12::1", false},
                 {"10.0.0.0/99", "10.0.0.1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (wk__proxy_is_excepted(cases[i].list, cases[i].host) != cases[i].is)
            fail_msg("%s in \"%s\"", cases[i].host, cases[i].list);
}

static int make_files(void **state)
{
    static const char *const all[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                      "no_proxy",    "NO_PROXY",    "http_proxy"};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        unsetenv(all[i]);
    signal(SIGPIPE, SIG_IGN); /* of the servers here */
    return tls_files_make(&tls, "wick.test") ? 0 : -1;
}

static int remove_files(void **state)
{
    (void)state;
    tls_files_remove(&tls);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_https_goes_through_the_proxy_and_is_verified_behind_it),
        cmocka_unit_test(test_a_refusal_of_the_proxy_is_said_and_nothing_was_sent),
        cmocka_unit_test(test_the_loopback_and_the_exceptions_are_asked_directly),
        cmocka_unit_test(test_a_websocket_goes_through_the_proxy),
        cmocka_unit_test(test_addresses_of_proxies),
        cmocka_unit_test(test_lists_of_exceptions),
    };
    return cmocka_run_group_tests_name("proxy", tests, make_files, remove_files);
}
