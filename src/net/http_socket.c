#include "http_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wick/clock.h"

wk_status wk__http_waker_init(wk__http_waker *waker, wk_err *err)
{
    atomic_init(&waker->is_cancelled, false);
    waker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waker->wake_fd < 0)
        return wk_fail(err, WK_E_IO, "cannot make an eventfd: %s", strerror(errno));
    return WK_OK;
}

void wk__http_waker_finish(wk__http_waker *waker)
{
    if (waker->wake_fd >= 0)
        close(waker->wake_fd);
    waker->wake_fd = -1;
}

void wk__http_waker_ring(wk__http_waker *waker)
{
    uint64_t one = 1;
    ssize_t written = write(waker->wake_fd, &one, sizeof one);
    (void)written; /* full: it rings already */
}

bool wk__http_wait(wk__http_waker *waker, int fd, short events, int64_t deadline_ns)
{
    while (!atomic_load(&waker->is_cancelled)) {
        int64_t left_ns = deadline_ns - wk_clock_monotonic_ns();
        if (left_ns <= 0)
            return false;
        int64_t ms = left_ns / 1000000 + 1;
        struct pollfd fds[2] = {{.fd = waker->wake_fd, .events = POLLIN},
                                {.fd = fd, .events = events}};
        int n = poll(fds, fd < 0 ? 1 : 2, ms < 60000 ? (int)ms : 60000);
        if (n < 0 && errno != EINTR)
            return false;
        if (n <= 0)
            continue;
        if (fds[0].revents) {
            uint64_t rung;
            ssize_t got = read(waker->wake_fd, &rung, sizeof rung);
            (void)got;
        }
        if (fd < 0 || fds[1].revents)
            return !atomic_load(&waker->is_cancelled);
    }
    return false;
}

/* ---- TCP ---- */

static bool connect_tcp(wk__http_socket *s, wk__http_waker *waker, const char *address, int port,
                        int64_t deadline_ns, char why[256])
{
    char service[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *at = NULL;
    snprintf(service, sizeof service, "%d", port);
    int code = getaddrinfo(address, service, &hints, &at);
    if (code != 0) {
        snprintf(why, 256, "%s: %s", address, gai_strerror(code));
        return false;
    }
    s->fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = s->fd < 0 ? errno : connect(s->fd, at->ai_addr, at->ai_addrlen) ? errno : 0;
    freeaddrinfo(at);
    if (failed == EINPROGRESS) {
        socklen_t size = sizeof failed;
        if (!wk__http_wait(waker, s->fd, POLLOUT, deadline_ns)) {
            snprintf(why, 256, "connecting takes too long");
            return false;
        }
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
    }
    if (failed) {
        snprintf(why, 256, "cannot connect to %s port %d: %s", address, port, strerror(failed));
        return false;
    }
    int on = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return true;
}

/* ---- TLS ---- */

static void say_tls(const char *what, int code, char why[256])
{
    unsigned long error = ERR_get_error();
    const char *text = error ? ERR_reason_error_string(error) : NULL;
    if (!text)
        text = code == SSL_ERROR_SYSCALL && errno ? strerror(errno) : "the connection broke";
    snprintf(why, 256, "%s: %.200s", what, text);
    ERR_clear_error();
}

wk_status wk__http_trust(const char *ca_file, SSL_CTX **out, wk_err *err)
{
    SSL_CTX *trust = SSL_CTX_new(TLS_client_method());
    if (!trust)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    SSL_CTX_set_verify(trust, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(trust, TLS1_2_VERSION);
    SSL_CTX_set_mode(trust, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    static const unsigned char http1[] = "\x08http/1.1";
    if ((ca_file ? SSL_CTX_load_verify_locations(trust, ca_file, NULL)
                 : SSL_CTX_set_default_verify_paths(trust)) != 1 ||
        SSL_CTX_set_alpn_protos(trust, http1, sizeof http1 - 1) != 0) {
        ERR_clear_error();
        SSL_CTX_free(trust);
        return wk_fail(err, WK_E_DATA, "%s holds no certificate in PEM form; name a CA bundle",
                       ca_file ? ca_file : "the system's list of authorities");
    }
    *out = trust;
    return WK_OK;
}

/* The names that the certificate must have one of; a number has no name to ask for. */
static bool set_host(SSL *ssl, const char *host)
{
    unsigned char any[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Waits for what OpenSSL waits for. */
static bool wait_tls(wk__http_socket *s, wk__http_waker *waker, int code, int64_t deadline_ns,
                     char why[256])
{
    if (wk__http_wait(waker, s->fd, code == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline_ns))
        return true;
    snprintf(why, 256, "the time is over");
    return false;
}

static bool wants(int code)
{
    return code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE;
}

static wk__http_outcome connect_tls(wk__http_socket *s, wk__http_waker *waker, SSL_CTX *trust,
                                    const char *host, int64_t deadline_ns, char why[256])
{
    s->ssl = SSL_new(trust);
    if (!s->ssl || SSL_set_fd(s->ssl, s->fd) != 1 || !set_host(s->ssl, host)) {
        say_tls("TLS does not start", 0, why);
        return WK__HTTP_FAILED;
    }
    for (;;) {
        ERR_clear_error();
        int done = SSL_connect(s->ssl), code = SSL_get_error(s->ssl, done);
        if (done == 1)
            return WK__HTTP_CONNECTED;
        if (wants(code)) {
            if (!wait_tls(s, waker, code, deadline_ns, why))
                return WK__HTTP_FAILED;
            continue;
        }
        long verdict = SSL_get_verify_result(s->ssl);
        if (verdict != X509_V_OK) {
            snprintf(why, 256, "%.200s", X509_verify_cert_error_string(verdict));
            ERR_clear_error();
            return WK__HTTP_DISTRUSTED;
        }
        say_tls("TLS", code, why);
        return WK__HTTP_FAILED;
    }
}

/* ---- both ---- */

wk__http_outcome wk__http_connect(wk__http_socket *out, wk__http_waker *waker, const char *address,
                                  int port, SSL_CTX *trust, const char *host, int64_t deadline_ns,
                                  char why[256])
{
    *out = (wk__http_socket){.fd = -1};
    wk__http_outcome outcome = WK__HTTP_FAILED;
    if (connect_tcp(out, waker, address, port, deadline_ns, why))
        outcome = WK__HTTP_CONNECTED;
    else
        wk__http_disconnect(out);
    if (outcome == WK__HTTP_CONNECTED && trust)
        outcome = wk__http_secure(out, waker, trust, host, deadline_ns, why);
    return outcome;
}

wk__http_outcome wk__http_secure(wk__http_socket *s, wk__http_waker *waker, SSL_CTX *trust,
                                 const char *host, int64_t deadline_ns, char why[256])
{
    wk__http_outcome outcome = connect_tls(s, waker, trust, host, deadline_ns, why);
    if (outcome != WK__HTTP_CONNECTED)
        wk__http_disconnect(s);
    return outcome;
}

bool wk__http_is_stale(wk__http_socket *s)
{
    /* Between two replies a server has nothing to say but tickets for a later session, which are
     * read here: then there is nothing left. */
    struct pollfd one = {.fd = s->fd, .events = POLLIN};
    char byte;
    if (poll(&one, 1, 0) == 0)
        return false;
    if (!s->ssl || (one.revents & (POLLERR | POLLHUP | POLLNVAL)))
        return true;
    ERR_clear_error();
    int n = SSL_peek(s->ssl, &byte, 1);
    return n > 0 || SSL_get_error(s->ssl, n) != SSL_ERROR_WANT_READ;
}

bool wk__http_send(wk__http_socket *s, wk__http_waker *waker, const char *bytes, size_t n,
                   int64_t deadline_ns, bool *sent, char why[256])
{
    while (n) {
        size_t done = 0;
        *sent = true;
        if (s->ssl) {
            ERR_clear_error();
            int ok = SSL_write_ex(s->ssl, bytes, n, &done), code = SSL_get_error(s->ssl, ok);
            if (ok != 1 && !wants(code)) {
                say_tls("sending", code, why);
                return false;
            }
            if (ok != 1 && !wait_tls(s, waker, code, deadline_ns, why))
                return false;
        } else {
            ssize_t wrote = send(s->fd, bytes, n, MSG_NOSIGNAL);
            if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
                snprintf(why, 256, "sending: %s", strerror(errno));
                return false;
            }
            if (wrote < 0 && !wk__http_wait(waker, s->fd, POLLOUT, deadline_ns)) {
                snprintf(why, 256, "the time is over");
                return false;
            }
            done = wrote > 0 ? (size_t)wrote : 0;
        }
        bytes += done;
        n -= done;
    }
    return true;
}

long wk__http_receive(wk__http_socket *s, wk__http_waker *waker, char *bytes, size_t n,
                      int64_t deadline_ns, char why[256])
{
    for (;;) {
        if (s->ssl) {
            size_t got = 0;
            ERR_clear_error();
            int ok = SSL_read_ex(s->ssl, bytes, n, &got), code = SSL_get_error(s->ssl, ok);
            if (ok == 1)
                return (long)got;
            if (code == SSL_ERROR_ZERO_RETURN)
                return 0;
            if (!wants(code)) {
                say_tls("receiving", code, why);
                return -1;
            }
            if (!wait_tls(s, waker, code, deadline_ns, why))
                return -1;
            continue;
        }
        ssize_t got = recv(s->fd, bytes, n, 0);
        if (got >= 0)
            return got;
        if (errno != EAGAIN && errno != EINTR) {
            snprintf(why, 256, "receiving: %s", strerror(errno));
            return -1;
        }
        if (!wk__http_wait(waker, s->fd, POLLIN, deadline_ns)) {
            snprintf(why, 256, "the time is over");
            return -1;
        }
    }
}

void wk__http_disconnect(wk__http_socket *s)
{
    if (s->ssl) {
        ERR_clear_error();
        if (SSL_is_init_finished(s->ssl))
            SSL_shutdown(s->ssl); /* a word of goodbye, whose answer nobody waits for */
        SSL_free(s->ssl);
        ERR_clear_error();
    }
    if (s->fd >= 0)
        close(s->fd);
    *s = (wk__http_socket){.fd = -1};
}
