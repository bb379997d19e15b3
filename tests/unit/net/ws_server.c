#include "ws_server.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct out {
    struct out *next;
    size_t n;
    unsigned char bytes[];
} out;

struct ws_peer {
    ws_server *server;
    struct lws *wsi;
    int n, is_dropped;
    out *first, *last;
    char *message;
    size_t n_message;
    ws_peer *next, **at;
    char user[4096];
};

struct ws_server {
    struct lws_context *context;
    struct lws_vhost *vhost;
    pthread_t thread;
    atomic_int is_stopping;
    ws_server_script script;
    void *ctx;
    int n_peers;
    ws_peer *peers;
    lws_sorted_usec_list_t timer;
};

static void gone(ws_peer *peer)
{
    peer->server->script(peer->server->ctx, peer, peer->n, WS_PEER_CLOSED, NULL, 0);
    *peer->at = peer->next;
    if (peer->next)
        peer->next->at = peer->at;
    while (peer->first) {
        out *o = peer->first;
        peer->first = o->next;
        free(o);
    }
    free(peer->message);
    free(peer);
}

static int on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t n)
{
    ws_peer **slot = user, *peer = slot ? *slot : NULL;
    ws_server *server = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        *slot = peer = calloc(1, sizeof *peer);
        *peer = (ws_peer){.server = server,
                          .wsi = wsi,
                          .n = server->n_peers++,
                          .next = server->peers,
                          .at = &server->peers};
        if (peer->next)
            peer->next->at = &peer->next;
        server->peers = peer;
        server->script(server->ctx, peer, peer->n, WS_PEER_OPEN, NULL, 0);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        peer->message = realloc(peer->message, peer->n_message + n + 1);
        memcpy(peer->message + peer->n_message, in, n);
        peer->n_message += n;
        peer->message[peer->n_message] = 0;
        if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
            size_t whole = peer->n_message;
            peer->n_message = 0;
            server->script(server->ctx, peer, peer->n, WS_PEER_MESSAGE, peer->message, whole);
        }
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: {
        out *o = peer->first;
        if (!o)
            return peer->is_dropped ? -1 : 0;
        peer->first = o->next;
        if (!o->next)
            peer->last = NULL;
        int wrote = lws_write(wsi, o->bytes + LWS_PRE, o->n, LWS_WRITE_TEXT);
        free(o);
        if (peer->first || peer->is_dropped)
            lws_callback_on_writable(wsi);
        return wrote < 0 ? -1 : 0;
    }
    case LWS_CALLBACK_CLOSED:
        if (peer)
            gone(peer);
        if (slot)
            *slot = NULL;
        return 0;
    default:
        return 0;
    }
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    ws_server *server = lws_container_of(timer, ws_server, timer);
    for (ws_peer *peer = server->peers, *next; peer; peer = next) {
        next = peer->next;
        if (!peer->is_dropped)
            server->script(server->ctx, peer, peer->n, WS_PEER_TICK, NULL, 0);
    }
    lws_sul_schedule(server->context, 0, timer, on_timer, 10000);
}

static void *serve(void *of)
{
    ws_server *server = of;
    on_timer(&server->timer);
    while (!atomic_load(&server->is_stopping) && lws_service(server->context, 0) >= 0)
        ;
    lws_sul_schedule(server->context, 0, &server->timer, NULL, LWS_SET_TIMER_USEC_CANCEL);
    return NULL;
}

ws_server *ws_server_start(const tls_files *tls, ws_server_script script, void *ctx)
{
    static const struct lws_protocols protocols[] = {
        {"wick-test", on_socket, sizeof(ws_peer *), 1 << 16, 0, NULL, 0},
        {NULL, NULL, 0, 0, 0, NULL, 0}};
    ws_server *server = calloc(1, sizeof *server);
    server->script = script;
    server->ctx = ctx;
    lws_set_log_level(0, NULL);
    struct lws_context_creation_info info = {.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                                                        LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
                                             .gid = (gid_t)-1,
                                             .uid = (uid_t)-1,
                                             .user = server,
                                             .fd_limit_per_thread = 256};
    server->context = lws_create_context(&info);
    info.port = 0;
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.ssl_cert_filepath = tls->certificate;
    info.ssl_private_key_filepath = tls->key;
    server->vhost = server->context ? lws_create_vhost(server->context, &info) : NULL;
    if (!server->vhost || pthread_create(&server->thread, NULL, serve, server) != 0) {
        if (server->context)
            lws_context_destroy(server->context);
        free(server);
        return NULL;
    }
    return server;
}

int ws_server_port(const ws_server *server)
{
    return lws_get_vhost_listen_port(server->vhost);
}

void ws_server_stop(ws_server *server)
{
    if (!server)
        return;
    atomic_store(&server->is_stopping, 1);
    lws_cancel_service(server->context);
    pthread_join(server->thread, NULL);
    lws_context_destroy(server->context);
    free(server);
}

void ws_peer_send(ws_peer *peer, const char *text)
{
    size_t n = strlen(text);
    out *o = malloc(sizeof *o + LWS_PRE + n);
    o->next = NULL;
    o->n = n;
    memcpy(o->bytes + LWS_PRE, text, n);
    if (peer->last)
        peer->last->next = o;
    else
        peer->first = o;
    peer->last = o;
    lws_callback_on_writable(peer->wsi);
}

void ws_peer_drop(ws_peer *peer)
{
    peer->is_dropped = 1;
    lws_callback_on_writable(peer->wsi);
}

void *ws_peer_user(ws_peer *peer)
{
    return peer->user;
}

/* The library keeps the TLS context of a server's vhost for good. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto\nleak:libssl\n";
}
