#include "server.h"
#include "trading.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RUNNING_MAX 256

typedef struct {
    venue *v;
    int fd;
} connection;

static int64_t mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_A_SECOND + t.tv_nsec;
}

int64_t real_ms(void)
{
    return mono_ns() / 1000000;
}

int64_t now_of(const venue *v)
{
    if (v->trading && v->options.virtual_time)
        return trading_now(v);
    double passed = (double)(mono_ns() - v->mono_ns) * v->options.speed;
    return v->start_ns + v->stepped_ns + (int64_t)passed;
}

market *market_named(venue *v, const char *name)
{
    for (size_t i = 0; i < v->n_markets; i++) {
        const market_instrument *what = v->markets[i].instrument;
        if (strcmp(what->name, name) == 0)
            return &v->markets[i];
        for (int k = 0; k < 4; k++)
            if (what->alias[k] && strcmp(what->alias[k], name) == 0)
                return &v->markets[i];
    }
    return NULL;
}

void log_line(venue *v, const char *what)
{
    text_add(&v->log, "%s\n", what);
    char path[512];
    snprintf(path, sizeof path, "%s/requests.log", v->dir);
    FILE *file = fopen(path, "a");
    if (file) {
        fprintf(file, "%s\n", what);
        fclose(file);
    }
}

/* 150 connections in a while are too many: the 151st comes too early when the one that is 150
 * before it is younger than that. */
static int too_many(venue *v)
{
    size_t n = sizeof v->opened_ms / sizeof v->opened_ms[0], k = v->n_connections;
    int64_t now = real_ms(), past = k > 150 ? v->opened_ms[(k - 150) % n] : 0;
    v->opened_ms[k % n] = now;
    if (k <= 150 || v->options.rate_scale < 0 ||
        (double)(now - past) * v->options.rate_scale >= (double)v->protocol->connections_ms)
        return 0;
    complain(v, "rate: more than 150 WebSockets in %lld s",
             (long long)(v->protocol->connections_ms / 1000));
    return 1;
}

static void serve_ws(venue *v, wire *w, const wire_request *http)
{
    const char *why = NULL, *host = wire_header(http, "host");
    char expected[64];
    snprintf(expected, sizeof expected, "localhost:%d", v->port);
    pthread_mutex_lock(&v->lock);
    log_line(v, "websocket");
    session s = {.v = v, .w = w, .number = (int64_t)++v->n_connections};
    fault f = fault_for_request(v->faults, "GET", "websocket");
    int status = f.kind == FAULT_STATUS || f.kind == FAULT_STATUS_RETRY ? f.status : 0;
    int cut = f.kind == FAULT_CUT;
    v->n_faults += status || cut;
    if (!v->protocol->opened) {
        complain(v, "a WebSocket to a venue that has none here");
        cut = 1;
    } else if (strcmp(v->protocol->name, "kraken") == 0 && strcmp(http->target, "/v2") != 0) {
        complain(v, "WebSocket: the path is \"%s\", not /v2", http->target);
        status = 404;
    } else if (too_many(v)) {
        status = 429;
    }
    if (!host || strcmp(host, expected) != 0)
        complain(v, "WebSocket: the Host header is \"%s\", not \"%s\"", host ? host : "", expected);
    pthread_mutex_unlock(&v->lock);
    if (status) {
        char reply[128];
        int n =
            snprintf(reply, sizeof reply,
                     "HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
        wire_write(w, reply, (size_t)n);
    }
    if (status || cut)
        return;
    if (!wire_ws_accept(w, http, &why)) {
        pthread_mutex_lock(&v->lock);
        complain(v, "WebSocket handshake: %s", why ? why : "the connection broke");
        pthread_mutex_unlock(&v->lock);
        return;
    }
    session_run(&s);
}

static void *serve_connection(void *argument)
{
    connection c = *(connection *)argument;
    free(argument);
    wire w;
    wire_request *http = calloc(1, sizeof *http);
    if (!http)
        abort();
    bool abruptly = false;
    if (wire_accept(&w, c.v->tls, c.fd, &c.v->stopping)) {
        int idle_ms = 0, got;
        while ((got = wire_read_request(&w, http, 500)) >= 0 && idle_ms < 60000) {
            idle_ms = got ? 0 : idle_ms + 500;
            const char *upgrade = got ? wire_header(http, "upgrade") : NULL;
            if (upgrade && strcasecmp(upgrade, "websocket") == 0) {
                serve_ws(c.v, &w, http);
                break;
            }
            if (got && !serve_http(c.v, &w, http, &abruptly))
                break;
        }
    }
    wire_close(&w, abruptly);
    text_finish(&http->body);
    free(http);
    atomic_fetch_sub(&c.v->n_running, 1);
    return NULL;
}

static void *accept_all(void *argument)
{
    venue *v = argument;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    while (!atomic_load(&v->stopping)) {
        struct pollfd p = {.fd = v->listener, .events = POLLIN};
        if (poll(&p, 1, 50) <= 0)
            continue;
        int fd = accept(v->listener, NULL, NULL);
        connection *c = fd >= 0 ? malloc(sizeof *c) : NULL;
        pthread_t thread;
        if (!c || atomic_load(&v->n_running) >= RUNNING_MAX) {
            free(c);
            if (fd >= 0)
                close(fd);
            continue;
        }
        *c = (connection){v, fd};
        atomic_fetch_add(&v->n_running, 1);
        if (pthread_create(&thread, &detached, serve_connection, c) != 0) {
            atomic_fetch_sub(&v->n_running, 1);
            close(fd);
            free(c);
        }
    }
    pthread_attr_destroy(&detached);
    return NULL;
}

static int listen_on(venue *v, char *error, size_t error_size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)v->options.port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t n = sizeof at;
    int on = 1;
    v->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(v->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (v->listener < 0 || bind(v->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(v->listener, 64) != 0 || getsockname(v->listener, (struct sockaddr *)&at, &n) != 0) {
        snprintf(error, error_size, "cannot listen on port %d of the loopback", v->options.port);
        return 0;
    }
    v->port = ntohs(at.sin_port);
    snprintf(v->url, sizeof v->url, "https://localhost:%d", v->port);
    snprintf(v->ws_url, sizeof v->ws_url, "wss://localhost:%d", v->port);
    return 1;
}

static int open_faults(venue *v, char *error, size_t error_size)
{
    json_error_t why = {.text = ""};
    json_t *script = NULL;
    if (v->options.script_file)
        script = json_load_file(v->options.script_file, 0, &why);
    else if (v->options.script)
        script = json_loads(v->options.script, 0, &why);
    if (!script && (v->options.script_file || v->options.script)) {
        snprintf(error, error_size, "fault script, line %d: %s", why.line, why.text);
        return 0;
    }
    v->faults = fault_open(script, v->protocol->name, v->options.seed, v->options.fault_permille,
                           v->options.ws_fault_permille, error, error_size);
    /* The rules copied what they need; texts of faults are constants. */
    json_decref(script);
    return v->faults != NULL;
}

static void open_markets(venue *v)
{
    venue_options *o = &v->options;
    market_options market_of = {.seed = o->seed, .live_ns = v->start_ns};
    market_of.begin_ns = v->start_ns - (o->history_s ? o->history_s : 3 * 86400) * NS_A_SECOND;
    market_of.end_ns = v->start_ns + (o->ahead_s ? o->ahead_s : 86400) * NS_A_SECOND;
    market_of.book_step_ns = o->book_step_ns ? o->book_step_ns : NS_A_SECOND / 5;
    market_of.busy = o->busy;
    market_of.late_every = o->late_every;
    market_of.late_ns_most = o->late_ns_most ? o->late_ns_most : 20 * NS_A_SECOND;
    if (v->trading && v->trading->e.n_markets) {
        /* The markets of the candles: what the public calls say of prices is a fable. */
        market_of.begin_ns = v->start_ns - 3600 * NS_A_SECOND;
        market_of.end_ns = v->start_ns + 3600 * NS_A_SECOND;
        for (int i = 0; i < v->trading->e.n_markets; i++)
            market_init(&v->markets[v->n_markets++], &v->trading->markets[i].instrument,
                        &market_of);
        return;
    }
    for (size_t i = 0; i < v->protocol->n_instruments && i < MARKETS_MAX; i++)
        market_init(&v->markets[v->n_markets++], &v->protocol->instruments[i], &market_of);
}

static int64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * NS_A_SECOND + t.tv_nsec;
}

venue *venue_start(const venue_options *options, char *error, size_t error_size)
{
    static const protocol *const protocols[] = {&protocol_kraken, &protocol_kraken_futures,
                                                &protocol_delta, &protocol_amberdata};
    venue *v = calloc(1, sizeof *v);
    if (!v)
        abort();
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of write, not the end of us */
    v->options = *options;
    v->listener = -1;
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (options->venue && strcmp(options->venue, protocols[i]->name) == 0)
            v->protocol = protocols[i];
    if (!v->protocol || !options->dir || strlen(options->dir) >= sizeof v->dir) {
        snprintf(error, error_size, "no such venue, or no folder is given");
        free(v);
        return NULL;
    }
    if (v->options.speed <= 0)
        v->options.speed = 1;
    if (v->options.rate_scale == 0)
        v->options.rate_scale = 1;
    snprintf(v->dir, sizeof v->dir, "%s", options->dir);
    snprintf(v->ca_file, sizeof v->ca_file, "%s/ca.pem", options->dir);
    snprintf(v->api_key, sizeof v->api_key, "%s", options->api_key ? options->api_key : "UAKtest");
    pthread_mutex_init(&v->lock, NULL);
    text_clear(&v->violations);
    text_clear(&v->log);
    v->start_ns = options->start_ns ? options->start_ns : wall_ns() + options->skew_ns;
    v->tls = wire_tls_create(v->ca_file, options->certificate, error, error_size);
    int ok = v->tls && open_faults(v, error, error_size) && listen_on(v, error, error_size);
    if (ok && options->trade)
        ok = (v->trading = trading_open(v, error, error_size)) != NULL;
    if (ok)
        open_markets(v);
    v->mono_ns = mono_ns();
    if (!options->start_ns)
        v->start_ns = wall_ns() + options->skew_ns;
    if (ok && v->trading)
        trading_begin(v);
    if (ok && pthread_create(&v->accepting, NULL, accept_all, v) == 0)
        return v;
    if (v->listener >= 0)
        close(v->listener);
    v->listener = -1;
    venue_stop(v);
    return NULL;
}

void venue_stop(venue *v)
{
    if (!v)
        return;
    atomic_store(&v->stopping, 1);
    if (v->listener >= 0) {
        pthread_join(v->accepting, NULL);
        close(v->listener);
    }
    while (atomic_load(&v->n_running) > 0) {
        struct timespec pause = {0, 2000000};
        nanosleep(&pause, NULL);
    }
    if (v->trading)
        trading_write(v);
    for (size_t i = 0; i < v->n_markets; i++)
        market_finish(&v->markets[i]);
    for (size_t i = 0; i < sizeof v->last / sizeof v->last[0]; i++)
        text_finish(&v->last[i].body);
    text_finish(&v->violations);
    text_finish(&v->log);
    trading_close(v->trading);
    fault_close(v->faults);
    SSL_CTX_free(v->tls);
    pthread_mutex_destroy(&v->lock);
    free(v);
}
