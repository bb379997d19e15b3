/* A WebSocket server over TLS on the loopback, on its own thread, that a test scripts. */
#ifndef WICK_TESTS_WS_SERVER_H
#define WICK_TESTS_WS_SERVER_H

#include <stddef.h>

#include "tls_files.h"

typedef struct ws_server ws_server;
typedef struct ws_peer ws_peer; /* one client that is connected */

typedef enum { WS_PEER_OPEN, WS_PEER_MESSAGE, WS_PEER_CLOSED, WS_PEER_TICK } ws_peer_kind;

/* On the server's thread; TICK about every 10 ms for each peer. n_peer counts connections from 0.
 */
typedef void (*ws_server_script)(void *ctx, ws_peer *peer, int n_peer, ws_peer_kind kind,
                                 const char *bytes, size_t n);

ws_server *ws_server_start(const tls_files *tls, ws_server_script script, void *ctx);
int ws_server_port(const ws_server *server);
void ws_server_stop(ws_server *server);

/* Only from the script. */
void ws_peer_send(ws_peer *peer, const char *text);
void ws_peer_drop(ws_peer *peer);  /* cuts the connection, after what was sent */
void *ws_peer_user(ws_peer *peer); /* 4 KiB of zeroed memory of the peer's own */

#endif
