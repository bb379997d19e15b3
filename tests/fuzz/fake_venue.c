/* The other side of an account. Each reply and each frame is a copy of exact size, so that a read
 * past its end is caught. Its first byte says what it is: replies: 2 ok, 4 bad request, n not
 * found, u unauthorized, r rate limit, 5 failed, x not sent, y sent and no answer, c a certificate,
 * d ok with a date stream:  o opened, x closed, t a tick, T a tick much later, all else a message
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_account.h"
#include "wick/http.h"
#include "wick/sign.h"
#include "wick/websocket.h"

static const uint8_t *left;
static size_t n_left;
static int is_open;
static wk_websocket_handler handler;
static void *handler_ctx;

void fake_venue_set(const uint8_t *bytes, size_t n)
{
    left = bytes;
    n_left = n;
}

/* The next piece in a copy of its own; 0 when there is none. */
static char next(char **bytes, size_t *n)
{
    *bytes = NULL;
    *n = 0;
    if (n_left == 0)
        return 0;
    const uint8_t *end = memchr(left, '\f', n_left);
    size_t size = end ? (size_t)(end - left) : n_left;
    char kind = size > 0 ? (char)left[0] : '2';
    *n = size > 0 ? size - 1 : 0;
    *bytes = malloc(*n ? *n : 1);
    if (!*bytes)
        abort();
    memcpy(*bytes, left + (size > 0), *n);
    size_t step = end ? size + 1 : size;
    left += step;
    n_left -= step;
    return kind ? kind : '2';
}

static int client; /* its address stands for one */

wk_status wk_http_open(const wk_http_options *options, wk_http **out, wk_err *err)
{
    (void)options, (void)err;
    *out = (wk_http *)(void *)&client;
    return WK_OK;
}

void wk_http_close(wk_http *http)
{
    (void)http;
}

void wk_http_cancel(wk_http *http)
{
    (void)http;
}

void wk_http_response_finish(wk_http_response *response)
{
    free(response->body);
    response->body = NULL;
}

bool wk_http_escape(const char *text, char *out, size_t size_bytes)
{
    size_t n = strlen(text);
    if (n >= size_bytes)
        return false;
    memcpy(out, text, n + 1);
    return true;
}

wk_status wk_http_call(wk_http *http, const wk_http_request *request, wk_http_response *out,
                       wk_err *err)
{
    char *body;
    size_t n;
    (void)http;
    if (!request->url || strncmp(request->url, "https://", 8) != 0)
        abort();
    char kind = next(&body, &n);
    *out = (wk_http_response){.retry_after_ns = -1,
                              .sent_ns = INT64_C(1700000000000000000),
                              .received_ns = INT64_C(1700000000100000000),
                              .sent = kind != 0 && kind != 'x' && kind != 'c'};
    if (kind == 0 || kind == 'x' || kind == 'y' || kind == 'c') {
        free(body);
        return wk_fail(err, kind == 'c' ? WK_E_DATA : WK_E_IO, "no answer");
    }
    out->body = body;
    out->body_bytes = n;
    out->status = kind == '4'   ? 400
                  : kind == 'n' ? 404
                  : kind == 'u' ? 401
                  : kind == 'r' ? 429
                  : kind == '5' ? 503
                                : 200;
    if (kind == 'r')
        out->retry_after_ns = n % 3 ? (int64_t)n * 1000000 : -1;
    if (kind == 'd' || kind == 'u')
        out->server_time_ns = INT64_C(1700000007000000000);
    return WK_OK;
}

wk_status wk_websocket_open(const wk_websocket_options *options, wk_websocket_handler on_event,
                            void *ctx, wk_websocket **out, wk_err *err)
{
    (void)options, (void)err;
    handler = on_event;
    handler_ctx = ctx;
    *out = (wk_websocket *)(void *)&client;
    return WK_OK;
}

void wk_websocket_close(wk_websocket *socket)
{
    (void)socket;
}

wk_status wk_websocket_connect(wk_websocket *socket, int connection, const char *url, wk_err *err)
{
    (void)socket, (void)connection, (void)url, (void)err;
    return WK_OK;
}

int wk_websocket_send(wk_websocket *socket, int connection, const char *bytes, size_t n)
{
    (void)socket, (void)connection;
    if (n == 0 || bytes[0] != '{')
        abort();
    return 1;
}

void wk_websocket_drop(wk_websocket *socket, int connection, const char *reason)
{
    (void)socket, (void)connection, (void)reason;
    is_open = 0;
}

void fake_stream_run(void)
{
    char *bytes, kind;
    size_t n;
    wk_websocket_event event = {.time_ns = INT64_C(1700000000000000000)};
    is_open = 0;
    while ((kind = next(&bytes, &n))) {
        event.bytes = bytes;
        event.n = n;
        event.connection = 0;
        event.time_ns += kind == 'T' ? INT64_C(60000000000) : INT64_C(100000000);
        event.kind = kind == 'o'                  ? WK_WEBSOCKET_OPEN
                     : kind == 'x'                ? WK_WEBSOCKET_CLOSED
                     : kind == 's'                ? WK_WEBSOCKET_SENT
                     : kind == 't' || kind == 'T' ? WK_WEBSOCKET_TICK
                                                  : WK_WEBSOCKET_MESSAGE;
        if (event.kind == WK_WEBSOCKET_OPEN)
            is_open = 1;
        handler(handler_ctx, &event);
        free(bytes);
        if (event.kind != WK_WEBSOCKET_TICK && event.kind != WK_WEBSOCKET_SENT && !is_open) {
            event.kind = WK_WEBSOCKET_CLOSED;
            event.bytes = "dropped";
            event.n = 7;
            handler(handler_ctx, &event);
        }
    }
}

/* Signing costs more than all of the reading. */
void wk_sign_delta(const char *secret, const char *method, const char *timestamp,
                   const char *target, const char *body, size_t body_bytes, char out[WK_SIGN_HEX])
{
    (void)secret, (void)method, (void)timestamp, (void)target, (void)body, (void)body_bytes;
    memset(out, 'a', WK_SIGN_HEX - 1);
    out[WK_SIGN_HEX - 1] = 0;
}

wk_status wk_sign_kraken(const char *secret, const char *path, const char *nonce, const char *body,
                         size_t body_bytes, char out[WK_SIGN_BASE64], wk_err *err)
{
    (void)secret, (void)path, (void)nonce, (void)body, (void)body_bytes, (void)err;
    memset(out, 'a', WK_SIGN_BASE64 - 1);
    out[WK_SIGN_BASE64 - 1] = 0;
    return WK_OK;
}

wk_status wk_nonce_open(const char *path, wk_nonce **out, wk_err *err)
{
    (void)path, (void)err;
    *out = (wk_nonce *)(void *)&client;
    return WK_OK;
}

void wk_nonce_close(wk_nonce *nonce)
{
    (void)nonce;
}

void wk_nonce_set_clock(wk_nonce *nonce, int64_t (*now_ns)(void *ctx), void *ctx)
{
    (void)nonce, (void)now_ns, (void)ctx;
}

wk_status wk_nonce_next(wk_nonce *nonce, uint64_t *out, wk_err *err)
{
    static uint64_t last;
    (void)nonce, (void)err;
    *out = ++last;
    return WK_OK;
}
