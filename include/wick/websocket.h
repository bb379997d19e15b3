/* WebSocket clients (RFC 6455, text frames) on libwebsockets: any number of connections, all on one
 * thread of their own. TLS is verified, name included. Names are resolved on yet other threads, so
 * that a hanging lookup delays neither the other connections nor anybody else. */
#ifndef WICK_WEBSOCKET_H
#define WICK_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct wk_websocket wk_websocket;

typedef enum {
    WK_WEBSOCKET_OPEN,    /* the handshake is done: send now */
    WK_WEBSOCKET_MESSAGE, /* a whole message */
    WK_WEBSOCKET_SENT,    /* a message of ours went out */
    WK_WEBSOCKET_CLOSED,  /* or never came to be; bytes say why. The number is free again */
    WK_WEBSOCKET_TICK /* about every tick_ns, and at once after wk_websocket_wake; connection -1 */
} wk_websocket_kind;

typedef struct {
    wk_websocket_kind kind;
    int connection;
    int64_t time_ns; /* UTC when it happened; never runs backwards within a client */
    const char *bytes;
    size_t n;
    int http_status; /* CLOSED before the handshake was done: the server's answer, 0 when none */
} wk_websocket_event;

/* Runs on the client's thread; it must return soon and may call the functions below. */
typedef void (*wk_websocket_handler)(void *ctx, const wk_websocket_event *event);

/* Writes numeric addresses of `host` ("1.2.3.4" or an IPv6 one), at most n_max, best first; returns
 * how many, 0 with a reason in `why`. May block: it runs on a thread of its own, which a client
 * that is closed meanwhile does not wait for (then ctx must outlive it). */
typedef size_t (*wk_websocket_resolver)(void *ctx, const char *host, int address_family,
                                        char (*addresses)[64], size_t n_max, char why[128]);

typedef struct {
    const char *ca_file;           /* PEM bundle to trust alone; NULL: the system's */
    size_t message_bytes_max;      /* 0: 8 MiB; a longer one closes the connection */
    int64_t connect_timeout_ns;    /* 0: 20 s, the lookup apart */
    int64_t resolve_timeout_ns;    /* 0: 30 s */
    int64_t tick_ns;               /* 0: 100 ms */
    int address_family;            /* 0 any, 4 or 6 */
    int n_connections_max;         /* 0: 64 */
    wk_websocket_resolver resolve; /* NULL: getaddrinfo */
    void *resolve_ctx;
} wk_websocket_options;

/* Starts the thread. `handler` is called from it until wk_websocket_close has returned. */
WK_MUST_CHECK wk_status wk_websocket_open(const wk_websocket_options *options,
                                          wk_websocket_handler handler, void *ctx,
                                          wk_websocket **out, wk_err *err);
/* Closes all connections (each is told) and joins the thread. Not from the handler. */
void wk_websocket_close(wk_websocket *client);

/* Any thread: makes a TICK come at once. */
void wk_websocket_wake(wk_websocket *client);

/* The following only from the handler. */

/* Begins to connect; the number (0 .. n_connections_max - 1) is the caller's choice and not in use.
 * The outcome arrives as OPEN or CLOSED, never before this call returned. A url that cannot be
 * understood is WK_E_ARG. "ws://" is refused unless the host is the loopback. */
WK_MUST_CHECK wk_status wk_websocket_connect(wk_websocket *client, int connection, const char *url,
                                             wk_err *err);
/* Queues a text message; false when the connection is not open or 1 MiB waits already. */
int wk_websocket_send(wk_websocket *client, int connection, const char *bytes, size_t n);
/* Drops the connection, if there is one; CLOSED with this reason follows. */
void wk_websocket_drop(wk_websocket *client, int connection, const char *reason);

/* ---- the pieces of a url, for those who print or check them ---- */

typedef struct {
    int is_tls;
    char host[256];
    int port;
    char path[512]; /* "/" at least */
} wk_websocket_url;

WK_MUST_CHECK wk_status wk_websocket_url_parse(const char *url, wk_websocket_url *out, wk_err *err);

#endif
