/* The private stream: login, channels, heartbeats, and reconnecting with a back-off. It only hints
 * at what the executor then asks for, so a frame lost costs time and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "wick/clock.h"
#include "wick/log.h"

#define SILENCE_DELTA (35 * WK_NS_PER_S)
#define SILENCE_KRAKEN (10 * WK_NS_PER_S)
#define RETRY_MAX (60 * WK_NS_PER_S)

static void send_text(wk__account *a, wk_text *text)
{
    wk_websocket_send(a->socket, 0, text->s, text->n);
    memset(text->s, 0, text->n); /* logins hold signatures and tokens */
    free(text->s);
    *text = (wk_text){0};
}

/* Blocks the stream's own thread; nothing else runs on it. */
static bool fetch_token(wk__account *a)
{
    wk__exchange e;
    char why[WK__WHY] = "";
    wk_request_result result =
        wk__kraken_send(a, a->stream_http, "/0/private/GetWebSocketsToken", "", &e, why);
    bool good = result == WK_REQUEST_DONE &&
                wk__reply_text(&e.doc, e.result, "token", a->token, sizeof a->token);
    wk__exchange_finish(&e);
    if (!good)
        wk_log_write(WK_LOG_WARN, "account.stream", "venue=%s why=\"no token: %s\"", a->name, why);
    return good;
}

static void later(wk__account *a, int64_t now)
{
    a->retry_wait_ns = a->retry_wait_ns > 0 ? 2 * a->retry_wait_ns : WK_NS_PER_S;
    if (a->retry_wait_ns > RETRY_MAX)
        a->retry_wait_ns = RETRY_MAX;
    a->retry_ns = now + a->retry_wait_ns;
}

static void connect_again(wk__account *a, int64_t now)
{
    wk_err err;
    if (a->venue == WK__VENUE_KRAKEN && !fetch_token(a)) {
        later(a, now);
        return;
    }
    if (wk_websocket_connect(a->socket, 0, a->stream_url, &err) != WK_OK) {
        wk_log_write(WK_LOG_ERROR, "account.stream", "venue=%s why=\"%s\"", a->name, err.msg);
        later(a, now);
        return;
    }
    a->connecting = true;
}

static void opened(wk__account *a, int64_t now)
{
    wk_text text = {0};
    a->connecting = false;
    a->connected = true;
    a->logged_in = false;
    a->heard_ns = now;
    a->sequence = 0;
    if (a->venue == WK__VENUE_DELTA) {
        wk_text_add(&text, "{\"type\":\"enable_heartbeat\"}");
        send_text(a, &text);
        wk__delta_login(&a->keys, now + a->offset_ns, &text);
    } else
        wk__kraken_subscribe(a->token, &text);
    send_text(a, &text);
}

static void message(wk__account *a, const wk_websocket_event *event)
{
    wk__frame_sink sink = {a->stream_ctx, a->on_order, a->on_fill};
    char why[WK__WHY];
    a->heard_ns = event->time_ns;
    wk__frame_kind kind =
        a->venue == WK__VENUE_DELTA
            ? wk__delta_frame(event->bytes, event->n, a->markets, a->n_markets, &sink, why)
            : wk__kraken_frame(event->bytes, event->n, a->markets, a->n_markets, &a->sequence,
                               &sink, why);
    if (kind == WK__FRAME_LOGGED_IN) {
        if (!a->logged_in)
            wk_log_write(WK_LOG_INFO, "account.stream", "venue=%s open=1", a->name);
        a->logged_in = true;
        a->retry_wait_ns = 0;
        if (a->venue == WK__VENUE_DELTA) {
            wk_text text = {0};
            wk__delta_subscribe(a->markets, a->n_markets, &text);
            send_text(a, &text);
        }
        a->on_lost(a->stream_ctx); /* what happened in between is read over REST */
    } else if (kind == WK__FRAME_REFUSED || kind == WK__FRAME_BROKEN) {
        wk_log_write(WK_LOG_WARN, "account.stream", "venue=%s why=\"%.200s\"", a->name,
                     kind == WK__FRAME_BROKEN && !why[0] ? "a frame cannot be read" : why);
        wk_websocket_drop(a->socket, 0, "refused or broken");
    }
}

static void handle(void *ctx, const wk_websocket_event *event)
{
    wk__account *a = ctx;
    int64_t silence = a->venue == WK__VENUE_DELTA ? SILENCE_DELTA : SILENCE_KRAKEN;
    if (!atomic_load(&a->has_socket))
        return; /* wk__stream_open has not returned */
    switch (event->kind) {
    case WK_WEBSOCKET_OPEN:
        opened(a, event->time_ns);
        break;
    case WK_WEBSOCKET_MESSAGE:
        message(a, event);
        break;
    case WK_WEBSOCKET_CLOSED:
        a->connected = a->connecting = false;
        later(a, event->time_ns);
        /* Fills then come by asking alone: a person should know. Backed off, so it is no flood. */
        wk_log_write(WK_LOG_WARN, "account.stream", "venue=%s open=0 again_in_s=%.0f why=\"%.*s\"",
                     a->name, (double)a->retry_wait_ns / 1e9,
                     (int)(event->n < 200 ? event->n : 200), event->bytes ? event->bytes : "");
        a->on_lost(a->stream_ctx);
        break;
    case WK_WEBSOCKET_TICK:
        if (a->connected && event->time_ns - a->heard_ns > silence)
            wk_websocket_drop(a->socket, 0, "silent");
        else if (!a->connected && !a->connecting && event->time_ns >= a->retry_ns)
            connect_again(a, event->time_ns);
        break;
    case WK_WEBSOCKET_SENT:
        break;
    }
}

wk_status wk__stream_open(void *self, void *ctx, void (*order)(void *ctx, const wk_venue_order *),
                          void (*fill)(void *ctx, const wk_venue_fill *), void (*lost)(void *ctx),
                          wk_err *err)
{
    wk__account *a = self;
    wk_websocket_options options = {.ca_file = a->options.ca_file,
                                    .address_family = a->options.address_family,
                                    .n_connections_max = 1};
    a->stream_ctx = ctx;
    a->on_order = order;
    a->on_fill = fill;
    a->on_lost = lost;
    WK_TRY(wk_websocket_open(&options, handle, a, &a->socket, err));
    atomic_store(&a->has_socket, true);
    return WK_OK;
}
