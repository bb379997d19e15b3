#include "session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subscribe.h"
#include "wick/clock.h"
#include "wick/log.h"
#include "wick/rng.h"
#include "wick/text.h"

enum { SYMBOLS_A_MESSAGE = 50 };

typedef enum { WAITING, CONNECTING, OPEN } link_state;

typedef struct {
    link_state state;
    int64_t retry_ns, opened_ns, frame_ns, ping_ns;
    uint64_t attempt; /* failures in a row */
    char note[160];   /* one that found no room in the ring yet */
} link;

typedef struct {
    uint32_t market;
    wk_live_channel channel;
    bool is_again;
} request;

typedef struct {
    int64_t *times_ns; /* of the newest connection attempts, a circle of connects_max */
    size_t n;
} attempts;

struct wk__session {
    const wk_live_config *config;
    const wk_live_venue *venues;
    int64_t timeframe_ns;
    wk__planned *plan;
    size_t n_links;
    link *links;
    attempts *attempts; /* a venue each */
    wk_frame_ring *ring;
    const char *start_note;
    bool is_started;
    wk_websocket *socket;
    uint64_t req_id, seed;
    int64_t last_ns;
    wk_text text;
    pthread_mutex_t lock; /* of the requests */
    request *requests;
    size_t n_requests, n_requests_max;
    bool is_stopping; /* nobody may wake the thread any more */
};

static const wk_live_venue *venue_of(const wk__session *s, size_t i)
{
    return &s->venues[s->plan[i].venue];
}

static bool push(wk__session *s, int source, int kind, int64_t time_ns, const char *bytes, size_t n)
{
    wk_frame frame = {.time_ns = time_ns, .source = source, .kind = kind, .bytes = bytes, .n = n};
    return wk_frame_ring_push(s->ring, &frame);
}

/* A connection's state must not be lost like a message: it waits for room, and nothing of the
 * connection overtakes it. */
static bool push_note(wk__session *s, size_t i, int64_t time_ns)
{
    link *l = &s->links[i];
    if (l->note[0] && push(s, (int)i, WK__SESSION_NOTE, time_ns, l->note, strlen(l->note)))
        l->note[0] = 0;
    return !l->note[0];
}

static void send_text(wk__session *s, size_t i)
{
    if (s->text.n && !wk_websocket_send(s->socket, (int)i, s->text.s, s->text.n))
        wk_websocket_drop(s->socket, (int)i, "requests pile up");
}

/* ---- subscriptions ---- */

static void subscribe(wk__session *s, size_t i, wk_live_channel channel, bool is_again,
                      const char *const *symbols, size_t n)
{
    const wk_live_venue *v = venue_of(s, i);
    for (size_t at = 0; at < n; at += SYMBOLS_A_MESSAGE) {
        size_t some = n - at < SYMBOLS_A_MESSAGE ? n - at : SYMBOLS_A_MESSAGE;
        for (int round = is_again ? 0 : 1; round < 2; round++) {
            wk__subscribe_text(v, channel, round == 0, symbols + at, some, s->timeframe_ns,
                               ++s->req_id, &s->text);
            send_text(s, i);
        }
    }
}

static const char *const *symbols_of(const wk__session *s, size_t i, size_t *n)
{
    uint32_t in_venue = s->plan[i].first_market;
    for (size_t v = 0; v < s->plan[i].venue; v++)
        in_venue -= (uint32_t)s->venues[v].symbols.n;
    *n = s->plan[i].n_markets;
    return venue_of(s, i)->symbols.v + in_venue;
}

static void greet(wk__session *s, size_t i)
{
    const wk_live_venue *v = venue_of(s, i);
    size_t n;
    const char *const *symbols = symbols_of(s, i, &n);
    wk__subscribe_hello(v, ++s->req_id, &s->text);
    send_text(s, i);
    wk__subscribe_ping(v, ++s->req_id, &s->text);
    send_text(s, i);
    if (v->trades)
        subscribe(s, i, WK_LIVE_CHANNEL_TRADES, false, symbols, n);
    if (v->candles)
        subscribe(s, i, WK_LIVE_CHANNEL_CANDLES, false, symbols, n);
    if (v->ticker)
        subscribe(s, i, WK_LIVE_CHANNEL_TICKER, false, symbols, n);
    /* Books are asked for by the path, once it knows their decimals. */
}

void wk__session_subscribe(wk__session *s, uint32_t market, wk_live_channel channel, bool is_again)
{
    pthread_mutex_lock(&s->lock);
    if (s->is_stopping) {
        pthread_mutex_unlock(&s->lock);
        return;
    }
    if (s->n_requests == s->n_requests_max) {
        size_t n = s->n_requests_max ? 2 * s->n_requests_max : 64;
        request *grown = realloc(s->requests, n * sizeof *grown);
        /* Without memory the request is lost; the path asks again when nothing comes. */
        if (grown) {
            s->requests = grown;
            s->n_requests_max = n;
        }
    }
    if (s->n_requests < s->n_requests_max)
        s->requests[s->n_requests++] = (request){market, channel, is_again};
    wk_websocket_wake(s->socket);
    pthread_mutex_unlock(&s->lock);
}

/* All markets of one connection, channel and kind in few messages. */
static void serve_requests(wk__session *s)
{
    pthread_mutex_lock(&s->lock);
    request *requests = s->requests;
    size_t n_requests = s->n_requests;
    s->requests = NULL;
    s->n_requests = s->n_requests_max = 0;
    pthread_mutex_unlock(&s->lock);
    const char **symbols = n_requests ? malloc(n_requests * sizeof *symbols) : NULL;
    for (size_t i = 0; symbols && i < s->n_links; i++) {
        uint32_t first = s->plan[i].first_market;
        size_t n_all;
        const char *const *all = symbols_of(s, i, &n_all);
        for (int what = 0; s->links[i].state == OPEN && what < 2 * WK_LIVE_CHANNELS; what++) {
            size_t n = 0;
            for (size_t r = 0; r < n_requests; r++)
                if (requests[r].market >= first && requests[r].market < first + n_all &&
                    (int)requests[r].channel == what / 2 && requests[r].is_again == what % 2)
                    symbols[n++] = all[requests[r].market - first];
            if (n)
                subscribe(s, i, (wk_live_channel)(what / 2), what % 2, symbols, n);
        }
    }
    free(symbols);
    free(requests);
}

/* ---- connecting ---- */

static bool may_connect(wk__session *s, size_t venue, int64_t now_ns)
{
    attempts *a = &s->attempts[venue];
    const wk_live_venue *v = &s->venues[venue];
    int64_t *oldest = &a->times_ns[a->n % (size_t)v->connects_max];
    if (a->n >= (size_t)v->connects_max && now_ns - *oldest < (int64_t)(v->connects_window_s * 1e9))
        return false;
    *oldest = now_ns;
    a->n++;
    return true;
}

static void wait_before_retry(wk__session *s, size_t i, int64_t now_ns, int http_status)
{
    link *l = &s->links[i];
    const wk_live_venue *v = venue_of(s, i);
    double wait_ms = (double)v->backoff_min_ms;
    for (uint64_t k = 0; k < l->attempt && wait_ms < (double)v->backoff_max_ms; k++)
        wait_ms *= 2;
    if (wait_ms > (double)v->backoff_max_ms)
        wait_ms = (double)v->backoff_max_ms;
    if (http_status == 429 && wait_ms < v->banned_s * 1e3)
        wait_ms = v->banned_s * 1e3;
    /* Half to one and a half times: connections that fell together do not come back together. */
    wait_ms *= 0.5 + wk_rng_uniform(s->seed, i, ++s->req_id);
    l->retry_ns = now_ns + (int64_t)(wait_ms * 1e6);
    l->attempt++;
    l->state = WAITING;
}

static void try_connect(wk__session *s, size_t i, int64_t now_ns)
{
    link *l = &s->links[i];
    wk_err why;
    if (now_ns < l->retry_ns || !push_note(s, i, now_ns) ||
        !may_connect(s, s->plan[i].venue, now_ns))
        return;
    if (wk_websocket_connect(s->socket, (int)i, venue_of(s, i)->url, &why) == WK_OK) {
        l->state = CONNECTING;
        return;
    }
    wk_log_write(WK_LOG_WARN, "live.connection", "connection=%s why=\"%s\"", s->plan[i].name,
                 why.msg);
    wait_before_retry(s, i, now_ns, 0);
}

static double silence_s(const wk_live_venue *v)
{
    return v->silence_s > 0 ? v->silence_s : v->dialect == WK_LIVE_KRAKEN ? 10 : 40;
}

static void watch(wk__session *s, size_t i, int64_t now_ns)
{
    link *l = &s->links[i];
    const wk_live_venue *v = venue_of(s, i);
    if ((double)(now_ns - l->frame_ns) > silence_s(v) * 1e9) {
        wk_websocket_drop(s->socket, (int)i, "silence");
        return;
    }
    if ((double)(now_ns - l->ping_ns) > v->ping_s * 1e9) {
        l->ping_ns = now_ns;
        wk__subscribe_ping(v, ++s->req_id, &s->text);
        send_text(s, i);
    }
}

static void on_tick(wk__session *s, int64_t now_ns)
{
    if (!s->is_started)
        s->is_started = push(s, -1, WK__SESSION_NOTE, now_ns, s->start_note, strlen(s->start_note));
    if (!s->is_started)
        return;
    serve_requests(s);
    for (size_t i = 0; i < s->n_links; i++) {
        push_note(s, i, now_ns);
        if (s->links[i].state == WAITING)
            try_connect(s, i, now_ns);
        else if (s->links[i].state == OPEN)
            watch(s, i, now_ns);
    }
    /* The room that is left belongs to messages. */
    if (wk_frame_ring_used_bytes(s->ring) < 1 << 19)
        push(s, -1, WK__SESSION_TICK, now_ns, NULL, 0);
}

static void on_socket(void *ctx, const wk_websocket_event *e)
{
    wk__session *s = ctx;
    s->last_ns = e->time_ns;
    if (e->kind == WK_WEBSOCKET_TICK) {
        on_tick(s, e->time_ns);
        return;
    }
    size_t i = (size_t)e->connection;
    link *l = &s->links[i];
    switch (e->kind) {
    case WK_WEBSOCKET_OPEN:
        l->state = OPEN;
        l->opened_ns = l->frame_ns = l->ping_ns = e->time_ns;
        snprintf(l->note, sizeof l->note, "open");
        push_note(s, i, e->time_ns);
        wk_log_write(WK_LOG_INFO, "live.connection", "connection=%s open=1", s->plan[i].name);
        greet(s, i);
        return;
    case WK_WEBSOCKET_MESSAGE:
        l->frame_ns = e->time_ns;
        if (push_note(s, i, e->time_ns))
            push(s, (int)i, WK__SESSION_RECEIVED, e->time_ns, e->bytes, e->n);
        return;
    case WK_WEBSOCKET_SENT:
        if (push_note(s, i, e->time_ns))
            push(s, (int)i, WK__SESSION_SENT, e->time_ns, e->bytes, e->n);
        return;
    default:
        if (l->state == OPEN) {
            /* A note that still waits is "open": then nobody has seen this connection. */
            bool was_seen = !l->note[0];
            snprintf(l->note, sizeof l->note, "closed %.120s", e->bytes);
            if (!was_seen)
                l->note[0] = 0;
            push_note(s, i, e->time_ns);
            if (e->time_ns - l->opened_ns > 10 * WK_NS_PER_S)
                l->attempt = 0;
        } else {
            wk_log_write(WK_LOG_WARN, "live.connection", "connection=%s failed=\"%.*s\"",
                         s->plan[i].name, (int)e->n, e->bytes);
        }
        wait_before_retry(s, i, e->time_ns, e->http_status);
    }
}

/* ---- the interface ---- */

static wk_status make(wk__session *s, wk_err *err)
{
    int64_t timeframes_ns[WK__TIMEFRAMES_MAX];
    WK_TRY(wk__live_timeframes(s->config, timeframes_ns, err));
    s->timeframe_ns = timeframes_ns[0];
    WK_TRY(wk__live_plan(s->config, &s->plan, &s->n_links, err));
    s->links = calloc(s->n_links, sizeof *s->links);
    s->attempts = calloc(s->config->venues.n, sizeof *s->attempts);
    if (!s->links || !s->attempts)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t v = 0; v < s->config->venues.n; v++) {
        s->attempts[v].times_ns = calloc((size_t)s->venues[v].connects_max, sizeof(int64_t));
        if (!s->attempts[v].times_ns)
            return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    return WK_OK;
}

wk_status wk__session_open(const wk_live_config *config, const wk_live_session_options *options,
                           wk_frame_ring *ring, const char *start_note, wk__session **out,
                           wk_err *err)
{
    wk__session *s = calloc(1, sizeof *s);
    if (!s)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    s->config = config;
    s->venues = config->venues.v;
    s->ring = ring;
    s->start_note = start_note;
    s->seed = (uint64_t)wk_clock_wall_ns();
    pthread_mutex_init(&s->lock, NULL);
    wk_status status = make(s, err);
    /* The handler waits for this lock in its first tick until s->socket is there. */
    pthread_mutex_lock(&s->lock);
    if (status == WK_OK)
        status = wk_websocket_open(
            &(wk_websocket_options){.ca_file = config->ca_file[0] ? config->ca_file : NULL,
                                    .message_bytes_max = WK_FRAME_BYTES_MAX,
                                    .tick_ns = WK_NS_PER_S / 20,
                                    .address_family = (int)config->address_family,
                                    .n_connections_max = (int)s->n_links,
                                    .resolve = options->resolve,
                                    .resolve_ctx = options->resolve_ctx},
            on_socket, s, &s->socket, err);
    pthread_mutex_unlock(&s->lock);
    if (status != WK_OK) {
        wk__session_close(s);
        return status;
    }
    *out = s;
    return WK_OK;
}

void wk__session_stop(wk__session *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_stopping = true;
    pthread_mutex_unlock(&s->lock);
    wk_websocket_close(s->socket);
    s->socket = NULL;
    for (size_t i = 0; i < s->n_links; i++)
        push_note(s, i, s->last_ns);
    if (s->is_started)
        push(s, -1, WK__SESSION_NOTE, s->last_ns, "stop", 4);
}

void wk__session_close(wk__session *s)
{
    if (!s)
        return;
    wk_websocket_close(s->socket);
    for (size_t v = 0; s->attempts && v < s->config->venues.n; v++)
        free(s->attempts[v].times_ns);
    free(s->attempts);
    free(s->links);
    free(s->plan);
    free(s->requests);
    free(s->text.s);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
