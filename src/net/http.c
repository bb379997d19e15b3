/* One exchange after another: the name, an address that answers, the request, the reply.
 *
 * A connection is kept for the next GET of the same host. When that one dies before a byte of the
 * reply came, the GET is made again on a new connection; what is not a GET always has a new one, so
 * that no order is sent twice. */
#include "wick/http.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_reply.h"
#include "http_socket.h"
#include "http_url.h"
#include "proxy.h"
#include "resolve.h"
#include "wick/clock.h"
#include "wick/text.h"
#include "wick/version.h"

enum { BODY_BYTES_MAX = 64 << 20, RECEIVE_BYTES = 1 << 15 };

struct wk_http {
    wk__http_waker waker;
    wk_http_options options;
    char *ca_file, *user_agent; /* owned copies */
    SSL_CTX *trust;             /* made with the first https:// */
    wk__http_socket kept;       /* of the host below; fd -1: none */
    bool kept_tls;
    char kept_authority[272];
};

typedef struct {
    wk_http *http;
    wk__http_url url;
    wk__proxy proxy;
    wk_text request; /* its head and body */
    int64_t deadline_ns;
    bool is_sent; /* bytes of the request may have left */
    bool is_distrusted;
    wk__http_reply reply;
    char why[256];
} exchange;

wk_status wk_http_open(const wk_http_options *options, wk_http **out, wk_err *err)
{
    wk_http *http = calloc(1, sizeof *http);
    if (!http)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    http->kept.fd = -1;
    if (options)
        http->options = *options;
    wk_http_options *o = &http->options;
    if (o->connect_timeout_ns <= 0)
        o->connect_timeout_ns = 10 * WK_NS_PER_S;
    if (o->total_timeout_ns <= 0)
        o->total_timeout_ns = 60 * WK_NS_PER_S;
    if (o->body_bytes_max == 0)
        o->body_bytes_max = BODY_BYTES_MAX;
    char agent[64];
    snprintf(agent, sizeof agent, "wick/%s", wk_version());
    http->user_agent = strdup(o->user_agent ? o->user_agent : agent);
    http->ca_file = o->ca_file && *o->ca_file ? strdup(o->ca_file) : NULL;
    wk_status status = wk__http_waker_init(&http->waker, err);
    if (status == WK_OK && (!http->user_agent || (o->ca_file && *o->ca_file && !http->ca_file)))
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status != WK_OK) {
        wk_http_close(http);
        return status;
    }
    *out = http;
    return WK_OK;
}

void wk_http_close(wk_http *http)
{
    if (!http)
        return;
    wk__http_disconnect(&http->kept);
    SSL_CTX_free(http->trust);
    wk__http_waker_finish(&http->waker);
    free(http->ca_file);
    free(http->user_agent);
    free(http);
}

void wk_http_cancel(wk_http *http)
{
    atomic_store(&http->waker.is_cancelled, true);
    wk__http_waker_ring(&http->waker);
}

void wk_http_response_finish(wk_http_response *response)
{
    if (!response)
        return;
    free(response->body);
    *response = (wk_http_response){0};
}

/* ---- the request and the reply ---- */

static void add_request(wk_text *out, const wk_http *http, const wk__http_url *url,
                        const wk_http_request *r)
{
    wk_text_printf(out,
                   "%s %s%.*s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\n"
                   "Accept-Encoding: gzip, deflate\r\n",
                   r->method, *url->path == '/' ? "" : "/", url->path_bytes, url->path,
                   url->authority, http->user_agent);
    for (const char *const *h = r->headers; h && *h; h++)
        wk_text_printf(out, "%s\r\n", *h);
    if (r->body || strcmp(r->method, "POST") == 0)
        wk_text_printf(out, "Content-Length: %zu\r\n", r->body ? r->body_bytes : 0);
    wk_text_add(out, "\r\n");
    if (r->body)
        wk_text_add_bytes(out, r->body, r->body_bytes);
}

static void begin_reply(exchange *x)
{
    wk__http_body_finish(&x->reply.body);
    free(x->reply.body.bytes);
    memset(&x->reply, 0, sizeof x->reply);
    x->reply.head = (wk__http_head){.retry_ns = -1, .reset_ns = -1};
    x->reply.body.n_max = x->http->options.body_bytes_max;
    x->is_sent = false;
}

static bool is_whole(const exchange *x)
{
    return x->reply.state == WK__REPLY_WHOLE;
}

static void converse(exchange *x, wk__http_socket *s)
{
    char bytes[RECEIVE_BYTES];
    wk__http_waker *waker = &x->http->waker;
    /* A server that refuses early may not read all of a request, and has said why. */
    bool all =
        wk__http_send(s, waker, x->request.s, x->request.n, x->deadline_ns, &x->is_sent, x->why);
    long n = 0;
    while (x->reply.state != WK__REPLY_WHOLE && x->reply.state != WK__REPLY_BAD) {
        n = wk__http_receive(s, waker, bytes, sizeof bytes, x->deadline_ns, x->why);
        if (n < 0)
            return;
        if (n == 0)
            wk__http_reply_end(&x->reply);
        else
            wk__http_reply_feed(&x->reply, bytes, (size_t)n, wk_clock_wall_ns());
    }
    if (x->reply.state == WK__REPLY_BAD)
        snprintf(x->why, sizeof x->why, "%s", x->reply.why);
    if (n == 0 || !all)
        x->reply.keeps = false;
}

/* ---- connections ---- */

static void keep(exchange *x, wk__http_socket *s)
{
    wk_http *http = x->http;
    if (!is_whole(x) || !x->reply.keeps) {
        wk__http_disconnect(s);
        return;
    }
    http->kept = *s;
    http->kept_tls = x->url.is_tls;
    memcpy(http->kept_authority, x->url.authority, sizeof http->kept_authority);
}

/* On the connection that was kept. False: there is none, or it had died and nothing came back. */
static bool use_kept(exchange *x, bool is_get)
{
    wk_http *http = x->http;
    wk__http_socket s = http->kept;
    if (s.fd < 0)
        return false;
    http->kept = (wk__http_socket){.fd = -1};
    if (!is_get || http->kept_tls != x->url.is_tls ||
        strcmp(http->kept_authority, x->url.authority) != 0 || wk__http_is_stale(&s)) {
        wk__http_disconnect(&s);
        return false;
    }
    converse(x, &s);
    keep(x, &s);
    return is_whole(x) || x->reply.head_bytes || atomic_load(&http->waker.is_cancelled) ||
           wk_clock_monotonic_ns() >= x->deadline_ns;
}

static void on_lookup(void *of)
{
    wk__http_waker_ring(of);
}

/* The addresses of the host, or of the proxy on the way to it; none: x->why. */
static size_t look_up(exchange *x, int64_t until_ns, char (*addresses)[64])
{
    struct in6_addr any;
    const char *host = x->proxy.host[0] ? x->proxy.host : x->url.host;
    if (inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1) {
        snprintf(addresses[0], 64, "%.63s", host);
        return 1;
    }
    wk__lookup *lookup = NULL;
    wk__http_waker *waker = &x->http->waker;
    size_t n = 0;
    wk_err err;
    char why[128] = "looking up the name takes too long";
    if (wk__lookup_start(host, x->http->options.address_family, NULL, NULL, on_lookup, waker,
                         &lookup, &err) != WK_OK) {
        snprintf(x->why, sizeof x->why, "%.255s", err.msg);
        return 0;
    }
    bool is_done = false;
    while (!(is_done = wk__lookup_poll(lookup, addresses, &n, why)) &&
           wk__http_wait(waker, -1, 0, until_ns)) {
    }
    wk__lookup_give_up(lookup);
    if (!is_done || n == 0)
        snprintf(x->why, sizeof x->why, "%s", why);
    return is_done ? n : 0;
}

/* ---- through a proxy ---- */

static void add_tunnel_request(const exchange *x, wk_text *out)
{
    bool is_6 = strchr(x->url.host, ':') != NULL;
    wk_text_printf(out, is_6 ? "CONNECT [%s]:%d HTTP/1.1\r\n" : "CONNECT %s:%d HTTP/1.1\r\n",
                   x->url.host, x->url.port);
    wk_text_printf(out, is_6 ? "Host: [%s]:%d\r\n" : "Host: %s:%d\r\n", x->url.host, x->url.port);
    wk_text_printf(out, "User-Agent: %s\r\n", x->http->user_agent);
    if (x->proxy.user[0]) {
        unsigned char code[sizeof x->proxy.user * 4 / 3 + 4];
        EVP_EncodeBlock(code, (const unsigned char *)x->proxy.user, (int)strlen(x->proxy.user));
        wk_text_printf(out, "Proxy-Authorization: Basic %s\r\n", (const char *)code);
    }
    wk_text_add(out, "\r\n");
}

/* Asks the proxy for a way to the host; false: x->why. Nothing of the request itself leaves. */
static bool tunnel(exchange *x, wk__http_socket *s, int64_t until_ns)
{
    wk_text request = {0};
    wk__http_waker *waker = &x->http->waker;
    wk__http_reply *reply = calloc(1, sizeof *reply);
    char bytes[4096], why[256] = "out of memory";
    bool sent = false, ok = reply != NULL;
    if (ok) {
        reply->head = (wk__http_head){.retry_ns = -1, .reset_ns = -1};
        reply->body.n_max = sizeof bytes;
        add_tunnel_request(x, &request);
        ok = wk__http_send(s, waker, request.s, request.n, until_ns, &sent, why);
    }
    while (ok && reply->state == WK__REPLY_HEAD) {
        long n = wk__http_receive(s, waker, bytes, sizeof bytes, until_ns, why);
        if (n > 0)
            wk__http_reply_feed(reply, bytes, (size_t)n, wk_clock_wall_ns());
        else if (n == 0)
            snprintf(why, sizeof why, "it hung up");
        ok = n > 0;
    }
    if (ok && (reply->state == WK__REPLY_BAD || reply->status / 100 != 2 || reply->body.n)) {
        if (reply->state == WK__REPLY_BAD)
            snprintf(why, sizeof why, "%s", reply->why);
        else
            snprintf(why, sizeof why, "it answers CONNECT with HTTP %d%s", reply->status,
                     reply->status == 407 ? "; put user:password@ before its host" : "");
        ok = false;
    }
    if (!ok)
        snprintf(x->why, sizeof x->why, "the proxy %.100s:%d: %.130s", x->proxy.host, x->proxy.port,
                 why);
    if (reply) {
        wk__http_body_finish(&reply->body);
        free(reply->body.bytes);
    }
    free(reply);
    free(request.s);
    return ok;
}

static wk__http_outcome connect_to(exchange *x, const char *address, int64_t until_ns,
                                   wk__http_socket *s)
{
    wk__http_waker *waker = &x->http->waker;
    SSL_CTX *trust = x->url.is_tls ? x->http->trust : NULL;
    if (!x->proxy.host[0])
        return wk__http_connect(s, waker, address, x->url.port, trust, x->url.host, until_ns,
                                x->why);
    wk__http_outcome outcome =
        wk__http_connect(s, waker, address, x->proxy.port, NULL, NULL, until_ns, x->why);
    if (outcome == WK__HTTP_CONNECTED && !tunnel(x, s, until_ns)) {
        wk__http_disconnect(s);
        outcome = WK__HTTP_FAILED;
    }
    return outcome == WK__HTTP_CONNECTED
               ? wk__http_secure(s, waker, trust, x->url.host, until_ns, x->why)
               : outcome;
}

static void run(exchange *x, bool is_get)
{
    wk_http *http = x->http;
    char addresses[WK__ADDRESSES_MAX][64];
    if (use_kept(x, is_get))
        return;
    begin_reply(x);
    int64_t until_ns = wk_clock_monotonic_ns() + http->options.connect_timeout_ns;
    until_ns = until_ns < x->deadline_ns ? until_ns : x->deadline_ns;
    size_t n = look_up(x, until_ns, addresses);
    for (size_t i = 0; i < n && !atomic_load(&http->waker.is_cancelled); i++) {
        int64_t now_ns = wk_clock_monotonic_ns();
        wk__http_socket s;
        wk__http_outcome outcome =
            connect_to(x, addresses[i], now_ns + (until_ns - now_ns) / (int64_t)(n - i), &s);
        x->is_distrusted = outcome == WK__HTTP_DISTRUSTED;
        if (outcome == WK__HTTP_CONNECTED) {
            converse(x, &s);
            keep(x, &s);
            return;
        }
    }
}

/* ---- the call ---- */

static wk_status say_why(const exchange *x, wk_err *err)
{
    const char *host = x->url.authority;
    const wk__http_body *body = &x->reply.body;
    if (body->is_too_large)
        return wk_fail(err, WK_E_RANGE,
                       "the reply of %s is larger than %zu bytes; nothing that is wanted is that "
                       "large, so it was refused",
                       host, body->n_max);
    if (body->out_of_memory)
        return wk_fail(err, WK_E_NOMEM, "out of memory for the reply of %s", host);
    if (atomic_load(&x->http->waker.is_cancelled))
        return wk_fail(err, WK_E_CANCELLED, "the call of %s was cancelled", host);
    if (x->is_distrusted)
        return wk_fail(err, WK_E_DATA,
                       "%s has no certificate that is trusted here: %s; a test server's authority "
                       "goes into ca_file",
                       host, x->why);
    return wk_fail(err, WK_E_IO, "no reply from %s: %s", host, x->why);
}

static wk_status finish(exchange *x, wk_http_response *out, wk_err *err)
{
    wk__http_reply *r = &x->reply;
    out->sent = x->is_sent;
    out->server_time_ns = r->head.server_time_ns;
    memcpy(out->content_type, r->head.content_type, sizeof out->content_type);
    bool whole = is_whole(x);
    if (whole && !r->body.bytes && !(r->body.bytes = calloc(1, 1)))
        whole = !(r->body.out_of_memory = true);
    wk__http_body_finish(&r->body);
    if (!whole) {
        free(r->body.bytes);
        return say_why(x, err);
    }
    out->status = r->status;
    out->body = r->body.bytes;
    out->body_bytes = r->body.n;
    out->retry_after_ns = r->head.retry_ns > r->head.reset_ns ? r->head.retry_ns : r->head.reset_ns;
    return WK_OK;
}

/* OpenSSL writes to sockets that may be gone: the signal of that is kept from the program. */
static void hold_sigpipe(sigset_t *before, bool *was_pending)
{
    sigset_t pipe, pending;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    *was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, before);
}

static void release_sigpipe(const sigset_t *before, bool was_pending)
{
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!was_pending)
        (void)sigtimedwait(&pipe, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

wk_status wk_http_call(wk_http *http, const wk_http_request *request, wk_http_response *out,
                       wk_err *err)
{
    wk__http_url url;
    sigset_t before;
    bool was_pending;
    *out = (wk_http_response){.retry_after_ns = -1};
    if (atomic_load(&http->waker.is_cancelled))
        return wk_fail(err, WK_E_CANCELLED, "calls were cancelled");
    WK_TRY(wk__http_url_parse(request->url, &url, err));
    wk__proxy proxy = {.port = 0};
    if (url.is_tls)
        WK_TRY(wk__proxy_for(url.host, &proxy, err));
    if (url.is_tls && !http->trust)
        WK_TRY(wk__http_trust(http->ca_file, &http->trust, err));
    exchange *x = calloc(1, sizeof *x);
    if (!x)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    x->http = http;
    x->url = url;
    x->proxy = proxy;
    x->deadline_ns = wk_clock_monotonic_ns() + http->options.total_timeout_ns;
    begin_reply(x);
    add_request(&x->request, http, &url, request);
    hold_sigpipe(&before, &was_pending);
    out->sent_ns = wk_clock_wall_ns();
    run(x, strcmp(request->method, "GET") == 0 && !request->body);
    out->received_ns = wk_clock_wall_ns();
    release_sigpipe(&before, was_pending);
    wk_status status = finish(x, out, err);
    free(x->request.s);
    free(x);
    return status;
}

bool wk_http_escape(const char *text, char *out, size_t size_bytes)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("-._~", *p);
        if (n + (plain ? 1 : 3) + 1 > size_bytes)
            return false;
        if (plain) {
            out[n++] = (char)*p;
        } else {
            out[n++] = '%';
            out[n++] = hex[*p >> 4];
            out[n++] = hex[*p & 15];
        }
    }
    if (size_bytes == 0)
        return false;
    out[n] = 0;
    return true;
}
