#include "rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/log.h"
#include "wick/rng.h"

enum { TRIES_BEFORE_FIRST_REPLY = 4, TRIES_OF_BROKEN_JSON = 6 };

wk_status wk__rest_open(const wk_history_config *config, const wk_history_venue *venue,
                        const char *name, wk_rest_dialect dialect, const char *key, wk_rest *out,
                        wk_err *err)
{
    wk_http_options options = {.ca_file = venue->ca_file && venue->ca_file[0] ? venue->ca_file
                                                                              : config->ca_file,
                               .total_timeout_ns = (int64_t)(config->timeout_s * 1e9),
                               .body_bytes_max = WK_DOC_BYTES_MAX,
                               .address_family = (int)config->address_family};
    wk_rest rest = {.name = name,
                    .host = venue->host,
                    .dialect = dialect,
                    .pace = {.rate_per_s = venue->weight_per_s, .burst = venue->weight_burst},
                    .tries = (int)config->tries,
                    .backoff_ns = (int64_t)(config->backoff_s * 1e9),
                    .backoff_max_ns = (int64_t)(config->backoff_max_s * 1e9),
                    .seed = (uint64_t)wk_clock_wall_ns() ^ (uint64_t)getpid() << 40};
    size_t n = strlen(rest.host);
    if (strncmp(rest.host, "https://", 8) != 0 && strncmp(rest.host, "http://", 7) != 0)
        return wk_fail(err, WK_E_CONFIG, "host \"%s\" of %s: write it like https://api.kraken.com",
                       rest.host, name);
    if (rest.host[n - 1] == '/')
        return wk_fail(err, WK_E_CONFIG, "host \"%s\" of %s: without a slash at its end", rest.host,
                       name);
    if (key && strpbrk(key, "\r\n"))
        return wk_fail(err, WK_E_CONFIG, "the key of %s holds the end of a line", name);
    if (key && snprintf(rest.key_header, sizeof rest.key_header, "x-api-key: %s", key) >=
                   (int)sizeof rest.key_header)
        return wk_fail(err, WK_E_CONFIG, "the key of %s is too long", name);
    WK_TRY(wk_http_open(&options, &rest.http, err));
    *out = rest;
    return WK_OK;
}

void wk__rest_close(wk_rest *rest)
{
    if (!rest)
        return;
    wk_http_close(rest->http);
    wk__doc_finish(&rest->doc);
    wk_http_response_finish(&rest->response);
    *rest = (wk_rest){0};
}

static void sleep_ns(int64_t ns)
{
    struct timespec left = {ns / WK_NS_PER_S, ns % WK_NS_PER_S};
    while (ns > 0 && nanosleep(&left, &left) != 0) {
    }
}

static double chance(wk_rest *rest)
{
    return wk_rng_uniform(rest->seed, 0, rest->n_chances++);
}

int64_t wk__rest_now_ns(const wk_rest *rest)
{
    int64_t now_ns = wk_clock_wall_ns();
    /* Date counts whole seconds. */
    return rest->server_ahead_ns < -WK_NS_PER_S ? now_ns + rest->server_ahead_ns + WK_NS_PER_S
                                                : now_ns;
}

/* The beginning of a body that is no JSON, for the log: printable bytes, one line. */
static void first_bytes(const wk_http_response *response, char out[64])
{
    size_t n = 0;
    for (size_t i = 0; i < response->body_bytes && n < 60; i++) {
        unsigned char c = (unsigned char)response->body[i];
        out[n++] = c >= 0x20 && c < 0x7f && c != '"' ? (char)c : ' ';
    }
    out[n] = 0;
}

static bool looks_like_json(const wk_http_response *response)
{
    size_t at = response->body ? strspn(response->body, " \t\r\n") : 0;
    return at < response->body_bytes && strchr("{[", response->body[at]);
}

/* One try. A reply that cannot be read leaves the doc empty. */
static wk_reply call(wk_rest *rest, const char *path, char words[400], int64_t *asked_ns,
                     int *tries_max, wk_status *fatal, wk_err *err)
{
    char url[4096];
    const char *headers[] = {"Accept: application/json",
                             rest->key_header[0] ? rest->key_header : NULL, NULL};
    wk_err why = {0};
    wk_http_response_finish(&rest->response);
    rest->doc.n = 0;
    if (snprintf(url, sizeof url, "%s%s", rest->host, path) >= (int)sizeof url) {
        *fatal = wk_fail(err, WK_E_RANGE, "an address of %s is too long", rest->name);
        return WK_REPLY_REFUSED;
    }
    rest->n_requests++;
    wk_status status = wk_http_call(
        rest->http, &(wk_http_request){.method = "GET", .url = url, .headers = headers},
        &rest->response, &why);
    if (status == WK_E_IO) {
        snprintf(words, 400, "%.390s", why.msg);
        if (!rest->has_answered && *tries_max > TRIES_BEFORE_FIRST_REPLY)
            *tries_max = TRIES_BEFORE_FIRST_REPLY;
        return WK_REPLY_TRY;
    }
    if (status != WK_OK) {
        *fatal = wk_fail(err, status, "%s", why.msg);
        return WK_REPLY_REFUSED;
    }
    rest->has_answered = true;
    if (rest->response.server_time_ns)
        rest->server_ahead_ns = rest->response.server_time_ns - rest->response.received_ns;
    status = wk__doc_read(&rest->doc, rest->response.body, rest->response.body_bytes, &why);
    int64_t until_ns = 0;
    char said[256];
    wk_reply reply =
        wk__rest_judge(rest->dialect, rest->response.status, &rest->doc, said, &until_ns);
    if (status != WK_OK) {
        char bytes[64];
        first_bytes(&rest->response, bytes);
        bool is_broken = rest->response.status < 300 && looks_like_json(&rest->response);
        snprintf(words, 400, "%.160s: %.160s: \"%s\"", said, is_broken ? why.msg : "it begins",
                 bytes);
        if (is_broken && *tries_max > TRIES_OF_BROKEN_JSON)
            *tries_max = TRIES_OF_BROKEN_JSON;
    } else {
        snprintf(words, 400, "%s", said);
    }
    *asked_ns = rest->response.retry_after_ns;
    if (until_ns > 0 && until_ns - wk_clock_wall_ns() > *asked_ns)
        *asked_ns = until_ns - wk_clock_wall_ns();
    if (*asked_ns > 3600 * WK_NS_PER_S) /* nobody waits longer for one call */
        *asked_ns = 3600 * WK_NS_PER_S;
    return reply;
}

wk_status wk__rest_get(wk_rest *rest, const char *path, double weight, bool *narrower, wk_err *err)
{
    char words[400] = "";
    int tries_max = rest->tries;
    *narrower = false;
    for (int n = 1;; n++) {
        int64_t asked_ns = -1;
        wk_status fatal = WK_OK;
        sleep_ns(wk__pace_take(&rest->pace, weight, wk_clock_monotonic_ns()));
        wk_reply reply = call(rest, path, words, &asked_ns, &tries_max, &fatal, err);
        if (fatal != WK_OK)
            return fatal;
        if (reply == WK_REPLY_OK)
            return WK_OK;
        if (reply == WK_REPLY_NARROWER) {
            *narrower = true;
            return WK_OK;
        }
        if (reply == WK_REPLY_REFUSED)
            return wk_fail(err, WK_E_DATA, "%s refuses: %s", rest->name, words);
        if (n >= tries_max)
            return wk_fail(err, WK_E_IO,
                           "%s did not answer in %d tries: %s; is the network there? start "
                           "again: nothing is asked for twice",
                           rest->name, n, words);
        int64_t wait_ns =
            wk__pace_backoff(n, rest->backoff_ns, rest->backoff_max_ns, asked_ns, chance(rest));
        wk_log_write(WK_LOG_DEBUG, "fetch.retry", "venue=%s try=%d wait_s=%.3f why=\"%s\"",
                     rest->name, n, (double)wait_ns * 1e-9, words);
        rest->n_repeated++;
        sleep_ns(wait_ns);
    }
}
