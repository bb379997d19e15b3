/* A connection that waits no longer than it may: TCP, and TLS by OpenSSL on top of it. */
#ifndef WICK_NET_HTTP_SOCKET_H
#define WICK_NET_HTTP_SOCKET_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

/* What makes its waits end. wake_fd is an eventfd that is written when somebody cancels. */
typedef struct {
    int wake_fd;
    atomic_bool is_cancelled;
} wk__http_waker;

WK_MUST_CHECK wk_status wk__http_waker_init(wk__http_waker *waker, wk_err *err);
void wk__http_waker_finish(wk__http_waker *waker);
/* From any thread; waits look up. */
void wk__http_waker_ring(wk__http_waker *waker);
/* Until fd (-1: none) is ready for `events` of poll, somebody rings, or the (monotonic) time is
 * over. False: cancelled, or over. */
bool wk__http_wait(wk__http_waker *waker, int fd, short events, int64_t deadline_ns);

typedef struct {
    int fd; /* -1: closed */
    SSL *ssl;
} wk__http_socket;

typedef enum {
    WK__HTTP_FAILED = 0, /* `why` says it */
    WK__HTTP_DISTRUSTED, /* the certificate */
    WK__HTTP_CONNECTED
} wk__http_outcome;

/* Verifies, and speaks TLS 1.2 or later; ca_file NULL: whom the system trusts. */
WK_MUST_CHECK wk_status wk__http_trust(const char *ca_file, SSL_CTX **out, wk_err *err);

/* To a numeric address; with a trust also TLS, for `host`. */
wk__http_outcome wk__http_connect(wk__http_socket *out, wk__http_waker *waker, const char *address,
                                  int port, SSL_CTX *trust, const char *host, int64_t deadline_ns,
                                  char why[256]);
/* The same in two parts, for what has to be said before TLS begins: connect without a trust, then
 * this. Not CONNECTED: the socket is closed. */
wk__http_outcome wk__http_secure(wk__http_socket *socket, wk__http_waker *waker, SSL_CTX *trust,
                                 const char *host, int64_t deadline_ns, char why[256]);
/* Has the peer ended it, or said something unasked, while it was idle? */
bool wk__http_is_stale(wk__http_socket *socket);
/* All n bytes. *sent becomes true when the first may have left. */
bool wk__http_send(wk__http_socket *socket, wk__http_waker *waker, const char *bytes, size_t n,
                   int64_t deadline_ns, bool *sent, char why[256]);
/* Bytes received; 0: the peer has ended the connection as one should; -1: why. */
long wk__http_receive(wk__http_socket *socket, wk__http_waker *waker, char *bytes, size_t n,
                      int64_t deadline_ns, char why[256]);
void wk__http_disconnect(wk__http_socket *socket);

#endif
