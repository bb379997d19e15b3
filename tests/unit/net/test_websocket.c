#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/websocket.h"
#include "ws_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static tls_files tls;
static ws_server *server;
static char url[128];

/* Answers: "echo X" X; "big N" N bytes of x; "drop" cuts; "hello" at the beginning. */
static void script(void *ctx, ws_peer *peer, int n_peer, ws_peer_kind kind, const char *bytes,
                   size_t n)
{
    (void)ctx;
    (void)n_peer;
    if (kind == WS_PEER_OPEN)
        ws_peer_send(peer, "hello");
    if (kind != WS_PEER_MESSAGE)
        return;
    if (n > 5 && strncmp(bytes, "echo ", 5) == 0)
        ws_peer_send(peer, bytes + 5);
    if (strcmp(bytes, "drop") == 0)
        ws_peer_drop(peer);
    if (strncmp(bytes, "big ", 4) == 0) {
        size_t size = strtoul(bytes + 4, NULL, 10);
        char *text = malloc(size + 1);
        memset(text, 'x', size);
        text[size] = 0;
        ws_peer_send(peer, text);
        free(text);
    }
}

enum { LOG_BYTES = 1 << 16 };

/* What happened on the client, one line an event, and what the test wants done by its thread. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char log[LOG_BYTES];
    size_t n;
    int64_t last_ns;
    int runs_backwards;
    wk_websocket *client;
    const char *connect[4]; /* urls for the connections, taken at the next tick */
    char send[256];         /* to connection 0 at the next tick */
    int drop;
    int n_ticks;
} spy;

static void on_event(void *ctx, const wk_websocket_event *e)
{
    static const char *const names[] = {"open", "message", "sent", "closed", "tick"};
    spy *s = ctx;
    pthread_mutex_lock(&s->lock);
    if (e->time_ns < s->last_ns)
        s->runs_backwards = 1;
    s->last_ns = e->time_ns;
    if (e->kind == WK_WEBSOCKET_TICK) {
        s->n_ticks++;
        for (int i = 0; i < 4; i++)
            if (s->connect[i]) {
                wk_err err;
                if (wk_websocket_connect(s->client, i, s->connect[i], &err) != WK_OK)
                    s->n +=
                        (size_t)snprintf(s->log + s->n, LOG_BYTES - s->n, "refused %s\n", err.msg);
                s->connect[i] = NULL;
            }
        if (s->send[0])
            wk_websocket_send(s->client, 0, s->send, strlen(s->send));
        s->send[0] = 0;
        if (s->drop)
            wk_websocket_drop(s->client, 0, "enough");
        s->drop = 0;
    } else if (s->n + 300 < LOG_BYTES) {
        s->n += (size_t)snprintf(s->log + s->n, LOG_BYTES - s->n, "%s %d %zu %.*s\n",
                                 names[e->kind], e->connection, e->n,
                                 (int)(e->n < 200 ? e->n : 200), e->bytes ? e->bytes : "");
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void wait_for(spy *s, const char *text)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 15;
    pthread_mutex_lock(&s->lock);
    while (!strstr(s->log, text) && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
        ;
    int is_there = strstr(s->log, text) != NULL;
    if (!is_there)
        print_message("no \"%s\" in:\n%s", text, s->log);
    pthread_mutex_unlock(&s->lock);
    assert_true(is_there);
}

static spy *spy_start(const wk_websocket_options *options)
{
    spy *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_mutex_lock(&s->lock);
    wk_err err;
    if (wk_websocket_open(options, on_event, s, &s->client, &err) != WK_OK)
        fail_msg("%s", err.msg);
    pthread_mutex_unlock(&s->lock);
    return s;
}

static void ask(spy *s, int connection, const char *where, const char *send, int drop)
{
    pthread_mutex_lock(&s->lock);
    if (where)
        s->connect[connection] = where;
    if (send)
        snprintf(s->send, sizeof s->send, "%s", send);
    s->drop = drop;
    pthread_mutex_unlock(&s->lock);
    wk_websocket_wake(s->client);
}

static void spy_stop(spy *s)
{
    wk_websocket_close(s->client);
    assert_false(s->runs_backwards);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}

static void test_messages_of_all_sizes_cross_a_tls_connection(void **state)
{
    (void)state;
    spy *s = spy_start(&(wk_websocket_options){.ca_file = tls.certificate});
    ask(s, 0, url, NULL, 0);
    wait_for(s, "open 0");
    wait_for(s, "message 0 5 hello");
    ask(s, 0, NULL, "echo back", 0);
    wait_for(s, "sent 0 9 echo back");
    wait_for(s, "message 0 4 back");
    ask(s, 0, NULL, "big 3000000", 0);
    wait_for(s, "message 0 3000000 xxx");
    ask(s, 0, NULL, "drop", 0);
    wait_for(s, "closed 0");
    ask(s, 0, url, NULL, 0); /* the number is free again */
    pthread_mutex_lock(&s->lock);
    s->n = 0;
    memset(s->log, 0, LOG_BYTES);
    pthread_mutex_unlock(&s->lock);
    wait_for(s, "message 0 5 hello");
    ask(s, 0, NULL, NULL, 1);
    wait_for(s, "closed 0 6 enough");
    spy_stop(s);
}

static void test_a_message_over_the_limit_closes_the_connection(void **state)
{
    (void)state;
    spy *s =
        spy_start(&(wk_websocket_options){.ca_file = tls.certificate, .message_bytes_max = 100000});
    ask(s, 0, url, NULL, 0);
    wait_for(s, "message 0 5 hello");
    ask(s, 0, NULL, "big 100000", 0);
    wait_for(s, "message 0 100000 xxx");
    ask(s, 0, NULL, "big 100001", 0);
    wait_for(s, "closed 0 21 a message is too long");
    spy_stop(s);
}

static void test_a_certificate_that_is_not_trusted_or_of_another_name_is_refused(void **state)
{
    (void)state;
    tls_files other;
    assert_true(tls_files_make(&other, "localhost"));
    spy *s = spy_start(&(wk_websocket_options){.ca_file = other.certificate});
    ask(s, 0, url, NULL, 0);
    wait_for(s, "closed 0");
    assert_null(strstr(s->log, "open 0"));
    spy_stop(s);
    s = spy_start(&(wk_websocket_options){0}); /* the system's authorities do not know it either */
    ask(s, 0, url, NULL, 0);
    wait_for(s, "closed 0");
    assert_null(strstr(s->log, "open 0"));
    spy_stop(s);
    tls_files_remove(&other);

    assert_true(tls_files_make(&other, "elsewhere.example"));
    ws_server *impostor = ws_server_start(&other, script, NULL);
    assert_non_null(impostor);
    char there[128];
    snprintf(there, sizeof there, "wss://localhost:%d/v2", ws_server_port(impostor));
    s = spy_start(&(wk_websocket_options){.ca_file = other.certificate});
    ask(s, 0, there, NULL, 0);
    wait_for(s, "closed 0");
    assert_null(strstr(s->log, "open 0"));
    spy_stop(s);
    ws_server_stop(impostor);
    tls_files_remove(&other);
}

static void test_no_listener_and_bad_addresses_are_reported(void **state)
{
    (void)state;
    spy *s = spy_start(&(wk_websocket_options){.ca_file = tls.certificate});
    ask(s, 0, "wss://localhost:1/", NULL, 0);
    wait_for(s, "closed 0");
    ask(s, 1, "https://localhost/", NULL, 0);
    wait_for(s, "refused https://localhost/: not a WebSocket address");
    ask(s, 2, "ws://example.com/", NULL, 0);
    wait_for(s, "refused ws://example.com/: without TLS only the loopback may be asked");
    spy_stop(s);
    wk_websocket *client = NULL;
    wk_err err;
    assert_int_equal(wk_websocket_open(&(wk_websocket_options){.ca_file = "/nowhere.pem"}, on_event,
                                       NULL, &client, &err),
                     WK_E_IO);
    assert_null(client);
}

static void test_urls_split_into_host_port_and_path(void **state)
{
    (void)state;
    wk_websocket_url u;
    wk_err err;
    assert_int_equal(wk_websocket_url_parse("wss://ws.kraken.com/v2", &u, &err), WK_OK);
    assert_string_equal(u.host, "ws.kraken.com");
    assert_int_equal(u.port, 443);
    assert_string_equal(u.path, "/v2");
    assert_true(u.is_tls);
    assert_int_equal(wk_websocket_url_parse("wss://socket.delta.exchange", &u, &err), WK_OK);
    assert_string_equal(u.path, "/");
    assert_int_equal(wk_websocket_url_parse("ws://[::1]:8080?a=b", &u, &err), WK_OK);
    assert_string_equal(u.host, "::1");
    assert_int_equal(u.port, 8080);
    assert_string_equal(u.path, "/?a=b");
    static const char *const bad[] = {"",           "wss://",      "wss://h:0/", "wss://h:65536/",
                                      "wss://h:x/", "wss://[::1",  "wss://a@b/", "wss://h/a b",
                                      "http://h/",  "wss://h\r\n/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wk_websocket_url_parse(bad[i], &u, &err), WK_E_ARG);
}

/* A name server that does not answer: until the test lets it go, for "slow" hosts. */
typedef struct {
    atomic_int is_released, n_asked, n_left;
} slow_dns;

static size_t resolve_slowly(void *ctx, const char *host, int family, char (*addresses)[64],
                             size_t n_max, char why[128])
{
    (void)family;
    (void)n_max;
    slow_dns *dns = ctx;
    if (strcmp(host, "nowhere") == 0) {
        snprintf(why, 128, "no such name");
        return 0;
    }
    if (strcmp(host, "localhost") != 0) {
        atomic_fetch_add(&dns->n_asked, 1);
        while (!atomic_load(&dns->is_released))
            usleep(1000);
        atomic_fetch_add(&dns->n_left, 1);
    }
    snprintf(addresses[0], 64, "127.0.0.1");
    return 1;
}

static void test_a_hanging_lookup_delays_no_other_connection_and_no_close(void **state)
{
    (void)state;
    slow_dns dns = {0};
    spy *s = spy_start(&(wk_websocket_options){.ca_file = tls.certificate,
                                               .resolve = resolve_slowly,
                                               .resolve_ctx = &dns,
                                               .tick_ns = 10000000});
    ask(s, 1, "wss://hangs.example/", NULL, 0);
    ask(s, 0, url, NULL, 0);
    wait_for(s, "message 0 5 hello");
    int64_t start = wk_clock_monotonic_ns();
    for (int i = 0; i < 20; i++) {
        char text[32], answer[32];
        snprintf(text, sizeof text, "echo n%dn", i);
        snprintf(answer, sizeof answer, " n%dn\n", i);
        ask(s, 0, NULL, text, 0);
        wait_for(s, answer);
    }
    assert_int_equal(atomic_load(&dns.n_asked), 1);
    assert_int_equal(atomic_load(&dns.n_left), 0);
    assert_true(wk_clock_monotonic_ns() - start < 20 * WK_NS_PER_S);
    pthread_mutex_lock(&s->lock);
    assert_true(s->n_ticks > 5);
    pthread_mutex_unlock(&s->lock);
    ask(s, 2, "wss://nowhere/", NULL, 0);
    wait_for(s, "closed 2 21 nowhere: no such name");
    start = wk_clock_monotonic_ns();
    spy_stop(s); /* does not wait for the name server */
    assert_true(wk_clock_monotonic_ns() - start < 20 * WK_NS_PER_S);
    atomic_store(&dns.is_released, 1);
    while (atomic_load(&dns.n_left) < 1)
        usleep(1000);
    usleep(20000);
}

static void test_a_lookup_that_takes_too_long_closes_its_connection(void **state)
{
    (void)state;
    slow_dns dns = {0};
    spy *s = spy_start(&(wk_websocket_options){.ca_file = tls.certificate,
                                               .resolve = resolve_slowly,
                                               .resolve_ctx = &dns,
                                               .tick_ns = 10000000,
                                               .resolve_timeout_ns = 50000000});
    ask(s, 1, "wss://hangs.example/", NULL, 0);
    wait_for(s, "closed 1 34 looking up the name takes too long");
    spy_stop(s);
    atomic_store(&dns.is_released, 1);
    while (atomic_load(&dns.n_left) < 1)
        usleep(1000);
    usleep(20000);
}

static int setup(void **state)
{
    (void)state;
    if (!tls_files_make(&tls, "localhost"))
        return -1;
    server = ws_server_start(&tls, script, NULL);
    if (!server)
        return -1;
    snprintf(url, sizeof url, "wss://localhost:%d/v2", ws_server_port(server));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ws_server_stop(server);
    tls_files_remove(&tls);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_of_all_sizes_cross_a_tls_connection),
        cmocka_unit_test(test_a_message_over_the_limit_closes_the_connection),
        cmocka_unit_test(test_a_certificate_that_is_not_trusted_or_of_another_name_is_refused),
        cmocka_unit_test(test_no_listener_and_bad_addresses_are_reported),
        cmocka_unit_test(test_urls_split_into_host_port_and_path),
        cmocka_unit_test(test_a_hanging_lookup_delays_no_other_connection_and_no_close),
        cmocka_unit_test(test_a_lookup_that_takes_too_long_closes_its_connection),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
