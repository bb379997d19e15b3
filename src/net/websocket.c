/* The thread of the clients: libwebsockets serves the sockets; after each round `pump` moves every
 * connection on (lookups that ended, next addresses, time-outs, drops) and ticks.
 *
 * A socket of libwebsockets outlives our interest in it by a little. `link` stands between the two:
 * a connection that lets go clears it, and whatever the dying socket still says is ignored. */
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"
#include "resolve.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/text.h"
#include "wick/websocket.h"

enum { QUEUE_BYTES_MAX = 1 << 20, RECEIVE_BYTES = 1 << 16 };

typedef enum { FREE, LOOKING_UP, NEXT_ADDRESS, CONNECTING, OPEN, DEAD } connection_state;

typedef struct socket_link {
    struct connection *connection; /* NULL: nobody listens any more */
    struct socket_link *next, **at;
} socket_link;

typedef struct queued {
    struct queued *next;
    size_t n;
    unsigned char bytes[]; /* LWS_PRE bytes of room, then the message */
} queued;

typedef struct connection {
    wk_websocket *client;
    int number;
    connection_state state;
    wk_websocket_url url;
    wk__proxy proxy; /* on the way; host "": none */
    wk__lookup *lookup;
    char addresses[WK__ADDRESSES_MAX][64];
    size_t n_addresses, address;
    struct lws *wsi;
    socket_link *link;
    int64_t deadline_ns; /* monotonic, of the state */
    wk_text message;
    queued *first, *last;
    size_t queued_bytes;
    int http_status;
    char why[256];
} connection;

struct wk_websocket {
    struct lws_context *context;
    struct lws_vhost *direct, *proxied;    /* proxied: NULL until the first one that needs it */
    struct lws_context_creation_info made; /* of both */
    pthread_t thread;
    atomic_bool is_stopping, is_woken;
    wk_websocket_options options;
    char *ca_file;
    wk_websocket_handler handler;
    void *ctx;
    connection *connections;
    socket_link *links;
    lws_sorted_usec_list_t timer;
    int64_t next_tick_ns;                /* monotonic */
    int64_t wall_ahead_ns, time_last_ns; /* UTC = monotonic + wall_ahead_ns */
};

/* UTC from the monotonic clock, so that time never runs backwards under the reader; a wall clock
 * that was set forward (or a machine that slept) is followed. */
static int64_t time_now(wk_websocket *client)
{
    int64_t monotonic = wk_clock_monotonic_ns(), wall = wk_clock_wall_ns();
    if (wall - monotonic - client->wall_ahead_ns > WK_NS_PER_S)
        client->wall_ahead_ns = wall - monotonic;
    int64_t now = monotonic + client->wall_ahead_ns;
    if (now > client->time_last_ns)
        client->time_last_ns = now;
    return client->time_last_ns;
}

static void tell_at(connection *c, wk_websocket_kind kind, int64_t time_ns, const char *bytes,
                    size_t n)
{
    wk_websocket_event event = {.kind = kind,
                                .connection = c->number,
                                .time_ns = time_ns,
                                .bytes = bytes,
                                .n = n,
                                .http_status = c->http_status};
    c->client->handler(c->client->ctx, &event);
}

static void let_go(connection *c)
{
    if (!c->link)
        return;
    c->link->connection = NULL;
    c->link = NULL;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    c->wsi = NULL;
}

static void clear_queue(connection *c)
{
    while (c->first) {
        queued *q = c->first;
        c->first = q->next;
        free(q);
    }
    c->last = NULL;
    c->queued_bytes = 0;
}

/* The end of a connection: everybody lets go, the user is told by the pump. */
static void die(connection *c, const char *why)
{
    wk__lookup_give_up(c->lookup);
    c->lookup = NULL;
    clear_queue(c);
    c->message.n = 0;
    c->state = DEAD;
    snprintf(c->why, sizeof c->why, "%s", why);
    atomic_store(&c->client->is_woken, true);
    lws_cancel_service(c->client->context);
}

/* ---- what the socket says ---- */

static int on_message(connection *c, struct lws *wsi, const char *bytes, size_t n)
{
    if (lws_is_first_fragment(wsi))
        c->message.n = 0;
    if (c->message.n + n > c->client->options.message_bytes_max) {
        let_go(c);
        die(c, "a message is too long");
        return -1;
    }
    bool is_whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    if (is_whole && c->message.n == 0) {
        tell_at(c, WK_WEBSOCKET_MESSAGE, time_now(c->client), bytes, n);
        return 0;
    }
    wk_text_add_bytes(&c->message, bytes, n);
    if (is_whole) {
        size_t whole = c->message.n;
        c->message.n = 0;
        tell_at(c, WK_WEBSOCKET_MESSAGE, time_now(c->client), c->message.s, whole);
    }
    return 0;
}

static int on_writable(connection *c, struct lws *wsi)
{
    queued *q = c->first;
    if (!q)
        return 0;
    c->first = q->next;
    if (!c->first)
        c->last = NULL;
    c->queued_bytes -= q->n;
    int64_t now = time_now(c->client);
    /* The write masks the bytes in place: the user is told from a copy. */
    char *copy = malloc(q->n + 1);
    WK_ASSERT(copy);
    memcpy(copy, q->bytes + LWS_PRE, q->n);
    int written = lws_write(wsi, q->bytes + LWS_PRE, q->n, LWS_WRITE_TEXT);
    if (written >= 0)
        tell_at(c, WK_WEBSOCKET_SENT, now, copy, q->n);
    free(copy);
    free(q);
    if (c->first && c->wsi == wsi)
        lws_callback_on_writable(wsi);
    return written < 0 ? -1 : 0;
}

static void on_end(connection *c, const char *fallback, const char *text, size_t n)
{
    char why[256];
    if (text && n)
        snprintf(why, sizeof why, "%.*s", (int)(n < 200 ? n : 200), text);
    else
        snprintf(why, sizeof why, "%s", c->why[0] ? c->why : fallback);
    bool was_open = c->state == OPEN;
    c->link->connection = NULL;
    c->link = NULL;
    c->wsi = NULL;
    if (!was_open && c->http_status == 0 && c->address + 1 < c->n_addresses) {
        c->address++;
        c->state = NEXT_ADDRESS;
        atomic_store(&c->client->is_woken, true);
        lws_cancel_service(c->client->context);
        return;
    }
    die(c, why);
}

static void unlink_socket(socket_link *link)
{
    *link->at = link->next;
    if (link->next)
        link->next->at = link->at;
    free(link);
}

static int on_socket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                     size_t n)
{
    socket_link *link = user;
    if (reason == LWS_CALLBACK_WSI_DESTROY && link) {
        if (link->connection)
            on_end(link->connection, "the socket is gone", NULL, 0);
        unlink_socket(link);
        return 0;
    }
    connection *c = link ? link->connection : NULL;
    if (!c)
        return reason == LWS_CALLBACK_CLIENT_RECEIVE ? -1 : 0;
    switch (reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        c->wsi = wsi;
        c->state = OPEN;
        tell_at(c, WK_WEBSOCKET_OPEN, time_now(c->client), NULL, 0);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return c->state == OPEN ? on_message(c, wsi, in, n) : -1;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writable(c, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        snprintf(c->why, sizeof c->why, "closed by the server, code %d%s%.*s",
                 n >= 2 ? ((unsigned char *)in)[0] * 256 + ((unsigned char *)in)[1] : 1005,
                 n > 2 ? ": " : "", n > 2 ? (int)n - 2 : 0, n > 2 ? (char *)in + 2 : "");
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        c->http_status = (int)lws_http_client_http_response(wsi);
        on_end(c, "no connection", in, n);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        on_end(c, "the connection broke", NULL, 0);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {{"wick", on_socket, 0, RECEIVE_BYTES, 0, NULL, 0},
                                                 {NULL, NULL, 0, 0, 0, NULL, 0}};

/* ---- what moves a connection on ---- */

/* The way through the proxy, whose address has been looked up: all that take it take the same. */
static bool aim_at_proxy(connection *c)
{
    wk_websocket *client = c->client;
    char where[600];
    snprintf(where, sizeof where, "%s%s%s:%d", c->proxy.user, c->proxy.user[0] ? "@" : "",
             c->addresses[c->address], c->proxy.port);
    if (!client->proxied) {
        struct lws_context_creation_info info = client->made;
        info.vhost_name = "proxied";
        client->proxied = lws_create_vhost(client->context, &info);
    }
    return client->proxied && lws_set_proxy(client->proxied, where) == 0;
}

static void connect_socket(connection *c)
{
    wk_websocket *client = c->client;
    char host[300];
    bool is_default = c->url.port == (c->url.is_tls ? 443 : 80);
    snprintf(host, sizeof host, is_default ? "%s" : "%s:%d", c->url.host, c->url.port);
    socket_link *link = calloc(1, sizeof *link);
    WK_ASSERT(link);
    *link = (socket_link){.connection = c, .next = client->links, .at = &client->links};
    if (link->next)
        link->next->at = &link->next;
    client->links = link;
    c->link = link;
    c->state = CONNECTING;
    c->http_status = 0;
    c->deadline_ns = wk_clock_monotonic_ns() + client->options.connect_timeout_ns;
    /* A proxy finds the host itself. */
    bool is_proxied = c->proxy.host[0] != 0;
    if (is_proxied && !aim_at_proxy(c)) {
        c->link->connection = NULL;
        c->link = NULL;
        die(c, "libwebsockets takes no proxy");
        return;
    }
    struct lws_client_connect_info info = {.context = client->context,
                                           .vhost = is_proxied ? client->proxied : client->direct,
                                           .address =
                                               is_proxied ? c->url.host : c->addresses[c->address],
                                           .port = c->url.port,
                                           .ssl_connection = c->url.is_tls ? LCCSCF_USE_SSL : 0,
                                           .path = c->url.path,
                                           .host = host,
                                           .local_protocol_name = "wick",
                                           .alpn = "http/1.1",
                                           .userdata = link,
                                           .ietf_version_or_minus_one = -1,
                                           .pwsi = &c->wsi};
    /* The socket may have died in the call and have said so. */
    if (!lws_client_connect_via_info(&info) && c->state == CONNECTING) {
        c->link->connection = NULL;
        c->link = NULL;
        c->wsi = NULL;
        die(c, "cannot make a socket");
    }
}

static void after_lookup(connection *c)
{
    char why[128];
    if (!wk__lookup_poll(c->lookup, c->addresses, &c->n_addresses, why)) {
        if (wk_clock_monotonic_ns() > c->deadline_ns)
            die(c, "looking up the name takes too long");
        return;
    }
    wk__lookup_give_up(c->lookup);
    c->lookup = NULL;
    c->address = 0;
    if (c->n_addresses == 0) {
        char text[256];
        snprintf(text, sizeof text, "%.120s: %.120s",
                 c->proxy.host[0] ? c->proxy.host : c->url.host, why);
        die(c, text);
        return;
    }
    connect_socket(c);
}

static void pump(wk_websocket *client)
{
    for (int i = 0; i < client->options.n_connections_max; i++) {
        connection *c = &client->connections[i];
        if (c->state == LOOKING_UP)
            after_lookup(c);
        if (c->state == NEXT_ADDRESS)
            connect_socket(c);
        if (c->state == CONNECTING && wk_clock_monotonic_ns() > c->deadline_ns) {
            let_go(c);
            die(c, "connecting takes too long");
        }
        if (c->state == DEAD) {
            c->state = FREE;
            tell_at(c, WK_WEBSOCKET_CLOSED, time_now(client), c->why, strlen(c->why));
        }
    }
    int64_t now = wk_clock_monotonic_ns();
    if (atomic_exchange(&client->is_woken, false) || now >= client->next_tick_ns) {
        client->next_tick_ns = now + client->options.tick_ns;
        wk_websocket_event tick = {
            .kind = WK_WEBSOCKET_TICK, .connection = -1, .time_ns = time_now(client)};
        client->handler(client->ctx, &tick);
    }
}

static void on_timer(lws_sorted_usec_list_t *timer)
{
    wk_websocket *client = lws_container_of(timer, wk_websocket, timer);
    lws_sul_schedule(client->context, 0, timer, on_timer, client->options.tick_ns / 1000);
}

static void *serve(void *of)
{
    wk_websocket *client = of;
    on_timer(&client->timer);
    while (!atomic_load(&client->is_stopping)) {
        pump(client);
        if (lws_service(client->context, 0) < 0)
            break;
    }
    for (int i = 0; i < client->options.n_connections_max; i++) {
        connection *c = &client->connections[i];
        if (c->state == FREE)
            continue;
        let_go(c);
        die(c, "closed by us");
        c->state = FREE;
        tell_at(c, WK_WEBSOCKET_CLOSED, time_now(client), c->why, strlen(c->why));
    }
    lws_sul_schedule(client->context, 0, &client->timer, NULL, LWS_SET_TIMER_USEC_CANCEL);
    return NULL;
}

/* ---- the interface ---- */

static void log_line(int level, const char *line)
{
    wk_log_write(level & LLL_ERR ? WK_LOG_INFO : WK_LOG_DEBUG, "net.websocket", "library=\"%.*s\"",
                 (int)strcspn(line, "\n"), line);
}

static wk_status check_ca(const char *path, wk_err *err)
{
    if (!path)
        return WK_OK;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    int is_good = SSL_CTX_load_verify_locations(ctx, path, NULL);
    SSL_CTX_free(ctx);
    if (!is_good)
        return wk_fail(err, WK_E_IO, "%s holds no certificate in PEM form; name a CA bundle", path);
    return WK_OK;
}

wk_status wk_websocket_open(const wk_websocket_options *options, wk_websocket_handler handler,
                            void *ctx, wk_websocket **out, wk_err *err)
{
    WK_TRY(check_ca(options->ca_file, err));
    wk_websocket *client = calloc(1, sizeof *client);
    if (!client)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    client->options = *options;
    wk_websocket_options *o = &client->options;
    o->message_bytes_max = o->message_bytes_max ? o->message_bytes_max : (size_t)8 << 20;
    o->connect_timeout_ns = o->connect_timeout_ns ? o->connect_timeout_ns : 20 * WK_NS_PER_S;
    o->resolve_timeout_ns = o->resolve_timeout_ns ? o->resolve_timeout_ns : 30 * WK_NS_PER_S;
    o->tick_ns = o->tick_ns ? o->tick_ns : WK_NS_PER_S / 10;
    o->n_connections_max = o->n_connections_max ? o->n_connections_max : 64;
    client->handler = handler;
    client->ctx = ctx;
    client->wall_ahead_ns = wk_clock_wall_ns() - wk_clock_monotonic_ns();
    client->connections = calloc((size_t)o->n_connections_max, sizeof *client->connections);
    client->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
    if (!client->connections || (options->ca_file && !client->ca_file)) {
        free(client->connections);
        free(client);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    for (int i = 0; i < o->n_connections_max; i++) {
        client->connections[i].client = client;
        client->connections[i].number = i;
    }
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        /* A proxy without a port is none, and keeps the library from looking for http_proxy itself,
         * which would be taken for the loopback too. */
        .http_proxy_address = "none:0",
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (client->ca_file ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
        .client_ssl_ca_filepath = client->ca_file,
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
        .fd_limit_per_thread = (unsigned)o->n_connections_max * 2 + 16,
        .user = client};
    client->made = info;
    client->context = lws_create_context(&info);
    if (client->context && !(client->direct = lws_create_vhost(client->context, &info))) {
        lws_context_destroy(client->context);
        client->context = NULL;
    }
    wk_status status = WK_OK;
    if (!client->context)
        status = wk_fail(err, WK_E_IO, "libwebsockets does not start; is there memory left?");
    int failed = 0;
    if (status == WK_OK && (failed = pthread_create(&client->thread, NULL, serve, client)) != 0) {
        lws_context_destroy(client->context);
        status = wk_fail(err, WK_E_IO, "cannot start a thread: %s", strerror(failed));
    }
    if (status != WK_OK) {
        free(client->connections);
        free(client->ca_file);
        free(client);
        return status;
    }
    *out = client;
    return WK_OK;
}

void wk_websocket_close(wk_websocket *client)
{
    if (!client)
        return;
    atomic_store(&client->is_stopping, true);
    lws_cancel_service(client->context);
    pthread_join(client->thread, NULL);
    lws_context_destroy(client->context);
    while (client->links)
        unlink_socket(client->links);
    for (int i = 0; i < client->options.n_connections_max; i++)
        free(client->connections[i].message.s);
    free(client->connections);
    free(client->ca_file);
    free(client);
}

void wk_websocket_wake(wk_websocket *client)
{
    atomic_store(&client->is_woken, true);
    lws_cancel_service(client->context);
}

static void on_lookup(void *of)
{
    lws_cancel_service(((wk_websocket *)of)->context);
}

wk_status wk_websocket_connect(wk_websocket *client, int number, const char *url, wk_err *err)
{
    WK_ASSERT(number >= 0 && number < client->options.n_connections_max);
    connection *c = &client->connections[number];
    WK_ASSERT(c->state == FREE);
    WK_TRY(wk_websocket_url_parse(url, &c->url, err));
    c->proxy = (wk__proxy){.port = 0};
    if (c->url.is_tls)
        WK_TRY(wk__proxy_for(c->url.host, &c->proxy, err));
    /* libwebsockets takes the first colon of a proxy's address for the port's. */
    bool is_proxied = c->proxy.host[0] != 0;
    WK_TRY(wk__lookup_start(
        is_proxied ? c->proxy.host : c->url.host, is_proxied ? 4 : client->options.address_family,
        client->options.resolve, client->options.resolve_ctx, on_lookup, client, &c->lookup, err));
    c->state = LOOKING_UP;
    c->why[0] = 0;
    c->http_status = 0;
    c->deadline_ns = wk_clock_monotonic_ns() + client->options.resolve_timeout_ns;
    return WK_OK;
}

int wk_websocket_send(wk_websocket *client, int number, const char *bytes, size_t n)
{
    WK_ASSERT(number >= 0 && number < client->options.n_connections_max);
    connection *c = &client->connections[number];
    if (c->state != OPEN || c->queued_bytes + n > QUEUE_BYTES_MAX)
        return 0;
    queued *q = malloc(sizeof *q + LWS_PRE + n);
    if (!q)
        return 0;
    q->next = NULL;
    q->n = n;
    memcpy(q->bytes + LWS_PRE, bytes, n);
    if (c->last)
        c->last->next = q;
    else
        c->first = q;
    c->last = q;
    c->queued_bytes += n;
    lws_callback_on_writable(c->wsi);
    return 1;
}

void wk_websocket_drop(wk_websocket *client, int number, const char *reason)
{
    WK_ASSERT(number >= 0 && number < client->options.n_connections_max);
    connection *c = &client->connections[number];
    if (c->state == FREE || c->state == DEAD)
        return;
    let_go(c);
    die(c, reason);
}
