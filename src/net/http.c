/* The HTTP client on libcurl. */
#include "wick/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_header.h"
#include "wick/clock.h"
#include "wick/version.h"

enum { BODY_BYTES_MAX = 64 << 20 };

struct wk_http {
    CURL *curl;
    atomic_int cancelled;
    wk_http_options options;
    char *ca_file, *user_agent; /* owned copies */
};

/* What the callbacks of one call fill. */
typedef struct {
    wk_http *http;
    wk_http_response *out;
    size_t capacity, body_bytes_max;
    bool too_large, out_of_memory;
    wk__http_head head;
} exchange;

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

wk_status wk_http_open(const wk_http_options *options, wk_http **out, wk_err *err)
{
    pthread_once(&curl_once, init_curl);
    if (curl_ready != CURLE_OK)
        return wk_fail(err, WK_E_STATE, "libcurl does not start: %s",
                       curl_easy_strerror(curl_ready));
    wk_http *http = calloc(1, sizeof *http);
    if (!http)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    if (options)
        http->options = *options;
    wk_http_options *o = &http->options;
    if (o->connect_timeout_ns <= 0)
        o->connect_timeout_ns = 10 * WK_NS_PER_S;
    if (o->total_timeout_ns <= 0)
        o->total_timeout_ns = 60 * WK_NS_PER_S;
    if (o->body_bytes_max == 0)
        o->body_bytes_max = BODY_BYTES_MAX;
    http->curl = curl_easy_init();
    http->ca_file = o->ca_file && *o->ca_file ? strdup(o->ca_file) : NULL;
    if (o->user_agent) {
        http->user_agent = strdup(o->user_agent);
    } else {
        char agent[64];
        snprintf(agent, sizeof agent, "wick/%s", wk_version());
        http->user_agent = strdup(agent);
    }
    if (!http->curl || !http->user_agent || (o->ca_file && *o->ca_file && !http->ca_file)) {
        wk_http_close(http);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    *out = http;
    return WK_OK;
}

void wk_http_close(wk_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    free(http->ca_file);
    free(http->user_agent);
    free(http);
}

void wk_http_cancel(wk_http *http)
{
    atomic_store(&http->cancelled, 1);
}

void wk_http_response_finish(wk_http_response *response)
{
    if (!response)
        return;
    free(response->body);
    *response = (wk_http_response){0};
}

/* Counts decoded bytes, so that a small gzip body cannot become a large one. */
static size_t take_body(char *bytes, size_t size, size_t n, void *ctx)
{
    exchange *x = ctx;
    size_t more = size * n;
    wk_http_response *r = x->out;
    if (more > x->body_bytes_max - r->body_bytes) {
        x->too_large = true;
        return 0;
    }
    if (r->body_bytes + more + 1 > x->capacity) {
        size_t capacity = x->capacity ? x->capacity : 16384;
        while (capacity < r->body_bytes + more + 1)
            capacity *= 2;
        char *grown = realloc(r->body, capacity);
        if (!grown) {
            x->out_of_memory = true;
            return 0;
        }
        r->body = grown;
        x->capacity = capacity;
    }
    memcpy(r->body + r->body_bytes, bytes, more);
    r->body_bytes += more;
    r->body[r->body_bytes] = 0;
    return more;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *ctx)
{
    exchange *x = ctx;
    wk__http_header(&x->head, bytes, size * n, wk_clock_wall_ns());
    return size * n;
}

static int is_cancelled(void *ctx, curl_off_t total_down, curl_off_t down, curl_off_t total_up,
                        curl_off_t up)
{
    (void)total_down, (void)down, (void)total_up, (void)up;
    return atomic_load(&((wk_http *)ctx)->cancelled);
}

static long milliseconds(int64_t ns)
{
    int64_t ms = ns / (WK_NS_PER_S / 1000);
    return ms < 1 ? 1 : ms > 86400000 ? 86400000 : (long)ms;
}

static void set_method(CURL *curl, const wk_http_request *request)
{
    bool has_body = request->body != NULL;
    if (strcmp(request->method, "GET") == 0 && !has_body) {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    } else {
        if (has_body || strcmp(request->method, "POST") == 0) {
            curl_easy_setopt(curl, CURLOPT_POST, 1L);
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, has_body ? request->body : "");
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                             (curl_off_t)(has_body ? request->body_bytes : 0));
        }
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
        /* libcurl quietly sends again when a kept connection dies without a reply: an order could
         * be placed twice. */
        curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    }
}

static void configure(wk_http *http, exchange *x, const wk_http_request *request,
                      struct curl_slist *headers, char *why)
{
    CURL *curl = http->curl;
    const wk_http_options *o = &http->options;
    curl_easy_reset(curl); /* keeps connections and the DNS cache */
    set_method(curl, request);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, http->user_agent);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L); /* a key never goes to another host */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (http->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca_file);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(o->connect_timeout_ns));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds(o->total_timeout_ns));
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_IPRESOLVE,
                     (long)(o->address_family == 4   ? CURL_IPRESOLVE_V4
                            : o->address_family == 6 ? CURL_IPRESOLVE_V6
                                                     : CURL_IPRESOLVE_WHATEVER));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_cancelled);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, http);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
}

/* The host of a URL, for messages: a query may hold what is nobody's business. */
static void host_of(const char *url, char out[128])
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    snprintf(out, 128, "%.*s", (int)strcspn(start, "/?#"), start);
}

static wk_status say_why(const exchange *x, CURLcode code, const char *url, const char *why,
                         wk_err *err)
{
    char host[128];
    host_of(url, host);
    if (x->too_large)
        return wk_fail(err, WK_E_RANGE,
                       "the reply of %s is larger than %zu bytes; nothing that is wanted is that "
                       "large, so it was refused",
                       host, x->body_bytes_max);
    if (x->out_of_memory)
        return wk_fail(err, WK_E_NOMEM, "out of memory for the reply of %s", host);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return wk_fail(err, WK_E_CANCELLED, "the call of %s was cancelled", host);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return wk_fail(err, WK_E_DATA,
                       "%s has no certificate that is trusted here: %s; a test server's authority "
                       "goes into ca_file",
                       host, why[0] ? why : curl_easy_strerror(code));
    return wk_fail(err, WK_E_IO, "no reply from %s: %s", host,
                   why[0] ? why : curl_easy_strerror(code));
}

wk_status wk_http_call(wk_http *http, const wk_http_request *request, wk_http_response *out,
                       wk_err *err)
{
    *out = (wk_http_response){.retry_after_ns = -1};
    if (atomic_load(&http->cancelled))
        return wk_fail(err, WK_E_CANCELLED, "calls were cancelled");
    struct curl_slist *headers = NULL;
    for (const char *const *h = request->headers; h && *h; h++) {
        struct curl_slist *longer = curl_slist_append(headers, *h);
        if (!longer) {
            curl_slist_free_all(headers);
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        headers = longer;
    }
    char why[CURL_ERROR_SIZE] = "";
    exchange x = {.http = http,
                  .out = out,
                  .body_bytes_max = http->options.body_bytes_max,
                  .head = {.retry_ns = -1, .reset_ns = -1}};
    configure(http, &x, request, headers, why);
    out->sent_ns = wk_clock_wall_ns();
    CURLcode code = curl_easy_perform(http->curl);
    out->received_ns = wk_clock_wall_ns();
    long request_bytes = 0, status = 0;
    curl_easy_getinfo(http->curl, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    out->sent = request_bytes > 0;
    out->server_time_ns = x.head.server_time_ns;
    memcpy(out->content_type, x.head.content_type, sizeof out->content_type);
    wk_status result = WK_OK;
    if (code == CURLE_OK && !out->body && !(out->body = calloc(1, 1)))
        x.out_of_memory = true;
    if (code != CURLE_OK || x.out_of_memory) {
        result = say_why(&x, code, request->url, why, err);
        free(out->body);
        out->body = NULL;
        out->body_bytes = 0;
    } else {
        out->status = (int)status;
        out->retry_after_ns = x.head.retry_ns > x.head.reset_ns ? x.head.retry_ns : x.head.reset_ns;
    }
    return result;
}

bool wk_http_escape(const char *text, char *out, size_t size_bytes)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("-._~", *p);
        if (n + (plain ? 1 : 3) + 1 > size_bytes)
            return false;
        if (plain) {
            out[n++] = (char)*p;
        } else {
            out[n++] = '%';
            out[n++] = hex[*p >> 4];
            out[n++] = hex[*p & 15];
        }
    }
    if (size_bytes == 0)
        return false;
    out[n] = 0;
    return true;
}
