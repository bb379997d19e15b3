/* Signed requests: each is signed anew, sent once, and its outcome judged by reactions.c. Retries
 * are the executor's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "wick/clock.h"
#include "wick/log.h"

int64_t wk__account_now(const wk__account *a)
{
    return a->options.now_ns ? a->options.now_ns(a->options.time_ctx)
                             : wk_clock_wall_ns() + a->offset_ns;
}

void wk__exchange_finish(wk__exchange *e)
{
    wk__reply_close(&e->doc);
    wk_http_response_finish(&e->response);
}

static wk_request_result judge(wk__account *a, wk_http *http, const wk_http_request *request,
                               wk__exchange *e, char *why)
{
    wk_err err;
    wk_status status = wk_http_call(http, request, &e->response, &err);
    bool later = status == WK_OK || e->response.sent;
    wk__reaction r = wk__react(a->venue, status == WK_OK ? e->response.status : 0, later,
                               status == WK_OK ? e->response.retry_after_ns : -1, e->response.body,
                               status == WK_OK ? e->response.body_bytes : 0, wk__account_now(a));
    e->status = e->response.status;
    e->wait_ns = r.wait_ns;
    if (status != WK_OK)
        snprintf(why, WK__WHY, "%.100s: %.140s", r.why, err.msg);
    else
        snprintf(why, WK__WHY, "%s", r.why);
    if (status == WK_E_DATA && !e->response.sent) /* a certificate: no waiting mends it */
        return WK_REQUEST_STOP;
    if (r.clock && e->response.server_time_ns > 0 && e->response.server_time_ns < WK__CLOCK_MAX_NS)
        a->offset_ns =
            e->response.server_time_ns - (e->response.sent_ns + e->response.received_ns) / 2;
    if (r.result != WK_REQUEST_DONE)
        return r.result;
    if (!wk__reply_open(e->response.body, e->response.body_bytes, &e->doc))
        return WK_REQUEST_UNKNOWN;
    e->result = wk__reply_get(&e->doc, 0, "result");
    return WK_REQUEST_DONE;
}

wk_request_result wk__delta_send(wk__account *a, const wk__request *request, wk__exchange *e,
                                 char *why)
{
    *e = (wk__exchange){.result = WK__JSON_ABSENT};
    char timestamp[24], signature[WK_SIGN_HEX];
    char h_key[200], h_time[48], h_sign[96];
    wk_text url = {0};
    const char *body = request->body.s ? request->body.s : "";
    snprintf(timestamp, sizeof timestamp, "%" PRId64, wk__account_now(a) / WK_NS_PER_S);
    wk_sign_delta(a->keys.secret, request->method, timestamp, request->target.s, body,
                  request->body.n, signature);
    snprintf(h_key, sizeof h_key, "api-key: %s", a->keys.key);
    snprintf(h_time, sizeof h_time, "timestamp: %s", timestamp);
    snprintf(h_sign, sizeof h_sign, "signature: %s", signature);
    const char *headers[] = {h_key,
                             h_time,
                             h_sign,
                             "Accept: application/json",
                             request->body.n > 0 ? "Content-Type: application/json" : NULL,
                             NULL};
    wk_text_add(&url, a->rest);
    wk_text_add(&url, request->target.s);
    wk_http_request http = {.method = request->method,
                            .url = url.s,
                            .headers = headers,
                            .body = request->body.n > 0 ? body : NULL,
                            .body_bytes = request->body.n};
    wk_request_result result = judge(a, a->http, &http, e, why);
    free(url.s);
    return result;
}

static wk_request_result send_in_turn(wk__account *a, wk_http *client, const char *path,
                                      const char *fields, wk__exchange *e, char *why)
{
    *e = (wk__exchange){.result = WK__JSON_ABSENT};
    uint64_t nonce;
    wk_err err;
    if (wk_nonce_next(a->nonce, &nonce, &err) != WK_OK) {
        snprintf(why, WK__WHY, "%.200s", err.msg);
        e->wait_ns = WK_NS_PER_S;
        return WK_REQUEST_LATER;
    }
    char text[28], signature[WK_SIGN_BASE64], h_key[200], h_sign[112];
    wk_text body = {0}, url = {0};
    snprintf(text, sizeof text, "%" PRIu64 "%s", nonce, a->options.now_ns ? "000" : "");
    wk_text_printf(&body, "nonce=%s%s", text, fields);
    wk_request_result result;
    if (wk_sign_kraken(a->keys.secret, path, text, body.s, body.n, signature, &err) != WK_OK) {
        snprintf(why, WK__WHY, "%.200s", err.msg);
        result = WK_REQUEST_STOP;
    } else {
        snprintf(h_key, sizeof h_key, "API-Key: %s", a->keys.key);
        snprintf(h_sign, sizeof h_sign, "API-Sign: %s", signature);
        const char *headers[] = {h_key, h_sign, "Content-Type: application/x-www-form-urlencoded",
                                 NULL};
        wk_text_add(&url, a->rest);
        wk_text_add(&url, path);
        wk_http_request http = {.method = "POST",
                                .url = url.s,
                                .headers = headers,
                                .body = body.s,
                                .body_bytes = body.n};
        result = judge(a, client, &http, e, why);
    }
    free(body.s);
    free(url.s);
    return result;
}

wk_request_result wk__kraken_send(wk__account *a, wk_http *client, const char *path,
                                  const char *fields, wk__exchange *e, char *why)
{
    pthread_mutex_lock(&a->sending);
    wk_request_result result = send_in_turn(a, client, path, fields, e, why);
    pthread_mutex_unlock(&a->sending);
    return result;
}
