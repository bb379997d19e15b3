/* Sockets of the service: libwebsockets on the caller's thread. A request is answered when its last
 * byte is here, within the callback, so nothing waits for anything else.
 *
 * What a client can hold is bounded: connections, head (libwebsockets' table), body, and time for
 * each; an answer that it does not take is held once, as its next request is only read after. */
#include <arpa/inet.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_internal.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"

enum { HEAD_BYTES_MAX = 8192, PATH_BYTES_MAX = 512, QUERY_BYTES_MAX = 512 };

typedef struct {
    struct lws *wsi;
    wk_text body;
    bool in_flight, is_whole; /* is_whole: the body is here, the answer is not */
    size_t body_bytes;        /* that the head promised */
    int64_t begun_ns;         /* monotonic, of the request */
    char path[PATH_BYTES_MAX];
    uint64_t version; /* of the stream's newest message sent */
} connection;

/* ---- answers ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } known[] = {{200, "OK"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {411, "Length Required"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {422, "Unprocessable Content"},
                 {426, "Upgrade Required"},
                 {500, "Internal Server Error"},
                 {503, "Service Unavailable"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status)
            return known[i].reason;
    return "Unknown";
}

static void end_request(wk_serve *serve, connection *c)
{
    if (c->in_flight)
        serve->in_flight--;
    c->in_flight = false;
}

/* A body of megabytes is not kept for a connection that is idle. */
static void shrink(connection *c)
{
    if (c->body.capacity <= 1 << 16)
        return;
    free(c->body.s);
    c->body = (wk_text){0};
}

/* Sends the whole answer in one write; with its last call the connection may be a new one.
 * `closes`: the request's rest was not read. */
static int respond(wk_serve *serve, connection *c, int status, const char *type, const char *body,
                   size_t n, const char *extra, bool closes)
{
    static const char room[LWS_PRE];
    wk_text *out = &serve->head;
    bool is_head = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
    bool last = closes || serve->is_draining;
    char head[512];
    int size = snprintf(
        head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
        status, reason_of(status), type, n, extra, last ? "Connection: close\r\n" : "");
    out->n = 0;
    wk_text_add_bytes(out, room, LWS_PRE);
    wk_text_add_bytes(out, head, (size_t)size);
    if (!is_head)
        wk_text_add_bytes(out, body, n);
    serve->stats.by_status[status / 100]++;
    serve->stats.bytes_out += out->n - LWS_PRE;
    end_request(serve, c);
    c->body.n = 0;
    shrink(c);
    if (lws_write(c->wsi, (unsigned char *)out->s + LWS_PRE, out->n - LWS_PRE,
                  LWS_WRITE_HTTP_FINAL) < 0)
        return -1;
    if (last)
        return -1;
    return lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

static int refuse(wk_serve *serve, connection *c, int status, const char *code, const char *message,
                  const char *extra, bool closes)
{
    serve->answer.n = 0;
    wk__serve_error_write(code, message, &serve->answer);
    return respond(serve, c, status, "application/json", serve->answer.s, serve->answer.n, extra,
                   closes);
}

/* ---- who may ask ---- */

/* Equal in time that does not tell where they differ. */
static bool is_token(const wk_serve *serve, const char *given, size_t n)
{
    unsigned char differs = n != strlen(serve->token);
    for (size_t i = 0; i < n && i < sizeof serve->token; i++)
        differs |= (unsigned char)(given[i] ^ serve->token[i]);
    return !differs;
}

static bool is_allowed(const wk_serve *serve, struct lws *wsi)
{
    char value[512];
    if (!serve->token[0])
        return true;
    int n = lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_HTTP_AUTHORIZATION);
    if (n > 7 && strncasecmp(value, "Bearer ", 7) == 0)
        return is_token(serve, value + 7, (size_t)n - 7);
    /* A browser's WebSocket cannot send the header. */
    if (lws_get_urlarg_by_name(wsi, "token=", value, sizeof value) && value[0])
        return is_token(serve, value, strlen(value));
    return false;
}

/* ---- requests ---- */

static void count_latency(wk_serve *serve, int64_t ns)
{
    static const int64_t bounds_ns[WK__SERVE_BUCKETS - 1] = {
        10000,   25000,   50000,    100000,    250000,    500000,
        1000000, 5000000, 25000000, 100000000, 1000000000};
    int k = 0;
    while (k < WK__SERVE_BUCKETS - 1 && ns > bounds_ns[k])
        k++;
    serve->stats.predict_buckets[k]++;
    serve->stats.predict_count++;
    serve->stats.predict_s += (double)ns * 1e-9;
}

static int on_predict(wk_serve *serve, connection *c)
{
    wk__serve_problem problem = {.status = 400, .code = "bad_request"};
    wk_text *out = &serve->answer;
    int64_t begun_ns = wk_clock_monotonic_ns();
    out->n = 0;
    size_t n = c->body.n
                   ? wk__serve_scan(&serve->parser, c->body.s, c->body.n, &problem)
                   : (wk__serve_refuse(&problem, 400, "bad_json", "the body is empty"), (size_t)0);
    if (n == 0)
        return refuse(serve, c, problem.status, problem.code, problem.message, "", false);
    if (serve->parser.is_batch)
        wk_text_add(out, "{\"results\":[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            wk_text_add(out, ",");
        const wk__serve_request *request = wk__serve_parse(&serve->parser, i, &problem);
        if (request && wk__serve_answer(&serve->predictor, request, out, &problem))
            continue;
        if (!serve->parser.is_batch)
            return refuse(serve, c, problem.status, problem.code, problem.message, "", false);
        wk__serve_error_write(problem.code, problem.message, out);
    }
    if (serve->parser.is_batch)
        wk_text_add(out, "]}");
    count_latency(serve, wk_clock_monotonic_ns() - begun_ns);
    return respond(serve, c, 200, "application/json", out->s, out->n, "", false);
}

static int on_get(wk_serve *serve, connection *c)
{
    char query[QUERY_BYTES_MAX] = "";
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_URI_ARGS) > 0)
        lws_hdr_copy(c->wsi, query, sizeof query, WSI_TOKEN_HTTP_URI_ARGS);
    wk__serve_page page = wk__serve_get(serve, c->path, query);
    return respond(
        serve, c, page.status, page.type, page.body, page.n,
        strncmp(page.type, "text/html", 9) == 0
            ? "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
              "script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:\r\n"
              "X-Frame-Options: DENY\r\nCache-Control: no-cache\r\n"
            : "Cache-Control: no-store\r\n",
        false);
}

/* Does the request have a body that is still to come? Then a refusal closes the connection. */
static bool has_body(struct lws *wsi)
{
    char length[24] = "";
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return true;
    if (lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0)
        return true;
    return length[0] && strcmp(length, "0") != 0;
}

static int begin_post(wk_serve *serve, connection *c)
{
    char text[24] = "", *end;
    int n = lws_hdr_copy(c->wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 || n == 0)
        return refuse(serve, c, 411, "length_required",
                      "send the body with Content-Length, not in chunks", "", true);
    unsigned long long size = strtoull(text, &end, 10);
    if (n < 0 || *end || text[0] < '0' || text[0] > '9')
        return refuse(serve, c, 400, "bad_request", "Content-Length is no number", "", true);
    if (size > (unsigned long long)serve->config->body_bytes_max) {
        char message[128];
        snprintf(message, sizeof message, "the body has %llu bytes; at most %lld are taken", size,
                 (long long)serve->config->body_bytes_max);
        return refuse(serve, c, 413, "too_large", message, "", true);
    }
    c->body.n = 0;
    c->body_bytes = (size_t)size;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)serve->config->body_s + 1);
    return size == 0 ? on_predict(serve, c) : 0;
}

static int on_request(wk_serve *serve, connection *c, const char *path, size_t n)
{
    struct lws *wsi = c->wsi;
    c->begun_ns = wk_clock_monotonic_ns();
    if (!c->in_flight)
        serve->in_flight++;
    c->in_flight = true;
    if (n >= sizeof c->path)
        return refuse(serve, c, 414, "uri_too_long", "the path is too long", "", true);
    memcpy(c->path, path, n);
    c->path[n] = 0;
    const char *methods = wk__serve_methods(c->path);
    bool gets = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0 ||
                lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    bool posts = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    bool closes = !gets || has_body(wsi);
    if (!wk__serve_is_open(c->path) && !is_allowed(serve, wsi))
        return refuse(serve, c, 401, "unauthorized",
                      "send the token as Authorization: Bearer TOKEN",
                      "WWW-Authenticate: Bearer\r\n", closes);
    if (!methods)
        return refuse(serve, c, 404, "not_found", "there is no such page; see /openapi.json", "",
                      closes);
    if (methods[0] == 'P' ? !posts : !gets)
        return refuse(serve, c, 405, "method_not_allowed",
                      methods[0] == 'P' ? "this page takes POST" : "this page takes GET",
                      methods[0] == 'P' ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n", closes);
    if (strcmp(c->path, "/v1/stream") == 0)
        return refuse(serve, c, 426, "upgrade_required", "this is a WebSocket", "", closes);
    return posts ? begin_post(serve, c) : on_get(serve, c);
}

static int on_body(wk_serve *serve, connection *c, const char *bytes, size_t n)
{
    if (c->body.n + n > c->body_bytes)
        return -1;
    /* libwebsockets begins its limit anew with every piece; a client that drips meets this one. */
    if ((double)(wk_clock_monotonic_ns() - c->begun_ns) > serve->config->body_s * 1e9) {
        serve->stats.timeouts++;
        return refuse(serve, c, 408, "timeout", "the body did not come in time", "", true);
    }
    /* libwebsockets 4.1 loses its place in a read that holds the next request behind a body, and
     * hands its head over as the body. No body of ours begins like that: the connection is in
     * disorder. */
    if (c->body.n == 0 && n && !strchr("{[ \t\r\n\"", bytes[0]))
        return n >= 5 && memcmp(bytes, "POST ", 5) == 0
                   ? refuse(serve, c, 400, "pipelined",
                            "a POST came before the answer to the request before it, and was not "
                            "read; send it again on a new connection",
                            "", true)
                   : refuse(serve, c, 400, "bad_json", "the body is no JSON object", "", true);
    wk_text_add_bytes(&c->body, bytes, n);
    serve->stats.bytes_in += n;
    return 0;
}

/* ---- the stream of the dashboard ---- */

static int on_stream_writable(wk_serve *serve, connection *c)
{
    wk_text *out = &serve->head;
    static const char room[LWS_PRE];
    if (c->version == serve->live.version)
        return 0;
    out->n = 0;
    wk_text_add_bytes(out, room, LWS_PRE);
    /* Whoever missed a message reads everything anew. */
    if (c->version + 1 == serve->live.version)
        wk_text_add_bytes(out, serve->live.update.s, serve->live.update.n);
    else
        wk_text_add(out, "{\"reload\":true}");
    c->version = serve->live.version;
    serve->stats.stream_messages++;
    return lws_write(c->wsi, (unsigned char *)out->s + LWS_PRE, out->n - LWS_PRE, LWS_WRITE_TEXT) <
                   0
               ? -1
               : 0;
}

static int on_upgrade(wk_serve *serve, struct lws *wsi)
{
    char path[PATH_BYTES_MAX] = "";
    if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) < 0 ||
        strcmp(path, "/v1/stream") != 0)
        return -1;
    return is_allowed(serve, wsi) ? 0 : -1;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    connection *c = user;
    struct lws_context *context = lws_get_context(wsi);
    wk_serve *serve = context ? lws_context_user(context) : NULL;
    if (!serve)
        return 0;
    switch ((int)reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        if (serve->stats.open_connections < serve->config->connections_max && !serve->is_draining)
            return 0;
        serve->stats.refused_connections++;
        return 1;
    case LWS_CALLBACK_WSI_CREATE:
        serve->stats.connections++;
        serve->stats.open_connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        serve->stats.open_connections--;
        return 0;
    case LWS_CALLBACK_HTTP_BIND_PROTOCOL:
        if (c)
            c->wsi = wsi;
        return 0;
    case LWS_CALLBACK_HTTP:
        c->wsi = wsi;
        return on_request(serve, c, in, n);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(serve, c, in, n);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        c->is_whole = true;
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE: {
        if (!c->is_whole)
            return lws_callback_http_dummy(wsi, reason, user, in, n);
        c->is_whole = false;
        return on_predict(serve, c);
    }
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return on_upgrade(serve, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        c->wsi = wsi;
        c->version = serve->live.version;
        serve->stats.streams++;
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return on_stream_writable(serve, c);
    case LWS_CALLBACK_RECEIVE:
        return n > 4096 ? -1 : 0; /* nothing that it says matters */
    case LWS_CALLBACK_CLOSED:
        serve->stats.streams--;
        return 0;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        if (c) {
            end_request(serve, c);
            free(c->body.s);
            c->body = (wk_text){0};
        }
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = callback, .per_session_data_size = sizeof(connection)},
    {.name = NULL}};

/* ---- life ---- */

static void log_line(int level, const char *line)
{
    int n = (int)strcspn(line, "\n");
    wk_log_write(level & LLL_ERR ? WK_LOG_ERROR : WK_LOG_WARN, "serve.http", "note=\"%.*s\"", n,
                 line);
}

static bool is_loopback(const char *address)
{
    struct in_addr v4;
    return strcmp(address, "::1") == 0 ||
           (inet_pton(AF_INET, address, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

static wk_status check(const wk_serve_config *config, const char *token, wk_err *err)
{
    unsigned char bytes[16];
    if (inet_pton(AF_INET, config->address, bytes) != 1 &&
        inet_pton(AF_INET6, config->address, bytes) != 1)
        return wk_fail(err, WK_E_CONFIG, "address: \"%s\" is no IP address; 127.0.0.1 is loopback",
                       config->address);
    if (!is_loopback(config->address) && !token[0])
        return wk_fail(err, WK_E_CONFIG,
                       "address %s can be reached by others: set a token in WICK_SERVE_TOKEN, or "
                       "listen on 127.0.0.1",
                       config->address);
    if (token[0] && (strlen(token) < 16 || strlen(token) > 255))
        return wk_fail(err, WK_E_CONFIG, "WICK_SERVE_TOKEN has %zu bytes; 16 to 255 are safe",
                       strlen(token));
    if (!config->tls_cert[0] != !config->tls_key[0])
        return wk_fail(err, WK_E_CONFIG, "tls_cert and tls_key belong together");
    const char *const files[] = {config->tls_cert, config->tls_key};
    for (int i = 0; i < 2; i++)
        if (files[i][0] && !wk_file_exists(files[i]))
            return wk_fail(err, WK_E_CONFIG, "%s: there is no file %s", i ? "tls_key" : "tls_cert",
                           files[i]);
    return WK_OK;
}

static wk_status listen_there(wk_serve *serve, wk_err *err)
{
    const wk_serve_config *config = serve->config;
    bool is_v6 = strchr(config->address, ':') != NULL;
    struct lws_context_creation_info info = {
        .port = (int)config->port,
        .iface = config->address,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (is_v6 ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6) |
                   LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .user = serve,
        .max_http_header_data = HEAD_BYTES_MAX,
        .max_http_header_pool = (unsigned short)config->connections_max,
        .keepalive_timeout = (int)config->idle_s,
        .timeout_secs = (unsigned)config->header_s,
        .timeout_secs_ah_idle = (unsigned)config->header_s,
        .pt_serv_buf_size = 1 << 16,
        .server_string = "wick",
    };
    if (config->tls_cert[0]) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = config->tls_cert;
        info.ssl_private_key_filepath = config->tls_key;
        info.ssl_options_set = 0;
        info.alpn = "http/1.1";
    }
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    serve->context = lws_create_context(&info);
    struct lws_vhost *vhost = serve->context ? lws_create_vhost(serve->context, &info) : NULL;
    if (!vhost || (serve->port = lws_get_vhost_listen_port(vhost)) <= 0)
        return wk_fail(err, WK_E_IO,
                       "cannot listen on %s port %lld%s; is another server there? port 0 takes a "
                       "free one",
                       config->address, (long long)config->port,
                       config->tls_cert[0] ? ", or certificate and key do not fit" : "");
    return WK_OK;
}

wk_status wk_serve_open(const wk_serve_config *config, const char *token, wk_serve **out,
                        wk_err *err)
{
    token = token ? token : "";
    WK_TRY(check(config, token, err));
    wk_serve *serve = calloc(1, sizeof *serve);
    if (!serve)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    serve->config = config;
    serve->parser.steps_max = config->steps_max;
    serve->parser.batch_max = config->batch_max;
    serve->started_ns = wk_clock_monotonic_ns();
    snprintf(serve->token, sizeof serve->token, "%s", token);
    wk_status status = wk__serve_predictor_open(config, &serve->predictor, err);
    if (status == WK_OK)
        status = wk__serve_live_open(serve, err);
    if (status == WK_OK)
        status = listen_there(serve, err);
    if (status != WK_OK) {
        wk_serve_close(serve);
        return status;
    }
    *out = serve;
    return WK_OK;
}

int wk_serve_port(const wk_serve *serve)
{
    return serve->port;
}

typedef struct {
    lws_sorted_usec_list_t list; /* first: the timer is this */
    wk_serve *serve;
    int64_t every_us;
} ticker;

static void tick(lws_sorted_usec_list_t *list)
{
    ticker *t = (ticker *)list;
    if (!t->serve->is_ready && !t->serve->is_draining) {
        t->serve->is_ready = wk__serve_store_warm(t->serve);
        lws_sul_schedule(t->serve->context, 0, list, tick, 1);
        return;
    }
    if (wk__serve_live_poll(t->serve))
        lws_callback_on_writable_all_protocol(t->serve->context, &protocols[0]);
    lws_sul_schedule(t->serve->context, 0, list, tick, t->every_us);
}

wk_status wk_serve_run(wk_serve *serve, const atomic_bool *stop, wk_err *err)
{
    (void)err;
    ticker timer = {.serve = serve, .every_us = (int64_t)(serve->config->poll_s * 1e6)};
    lws_sul_schedule(serve->context, 0, &timer.list, tick, 1);
    while (!atomic_load(stop))
        lws_service(serve->context, 0);
    serve->is_draining = true;
    serve->is_ready = false;
    int64_t until_ns = wk_clock_monotonic_ns() + (int64_t)(serve->config->drain_s * 1e9);
    timer.every_us = 50000;
    lws_sul_schedule(serve->context, 0, &timer.list, tick, timer.every_us);
    while (serve->in_flight > 0 && wk_clock_monotonic_ns() < until_ns)
        lws_service(serve->context, 0);
    lws_sul_schedule(serve->context, 0, &timer.list, tick, LWS_SET_TIMER_USEC_CANCEL);
    return WK_OK;
}

void wk_serve_close(wk_serve *serve)
{
    if (!serve)
        return;
    if (serve->context)
        lws_context_destroy(serve->context);
    wk__serve_live_close(serve);
    wk__serve_parser_finish(&serve->parser);
    wk__serve_predictor_close(&serve->predictor);
    free(serve->answer.s);
    free(serve->head.s);
    free(serve);
}
