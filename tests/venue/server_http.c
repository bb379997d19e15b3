#include "server.h"
#include "trading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int unescape(const char *from, size_t n, char *out, size_t size)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        char c = from[i];
        if (c == '%') {
            if (i + 2 >= n || hex(from[i + 1]) < 0 || hex(from[i + 2]) < 0)
                return 0;
            c = (char)(hex(from[i + 1]) * 16 + hex(from[i + 2]));
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        if (k + 1 >= size)
            return 0;
        out[k++] = c;
    }
    out[k] = 0;
    return 1;
}

static void parse_target(request *r)
{
    const char *target = r->http->target, *query = strchr(target, '?');
    size_t n = query ? (size_t)(query - target) : strlen(target);
    if (!unescape(target, n, r->path, sizeof r->path))
        complain_request(r, "the path is malformed");
    snprintf(r->query, sizeof r->query, "%s", query ? query + 1 : "");
    if (!form_read(r, r->query))
        complain_request(r, "the query is malformed");
}

int form_read(request *r, const char *from)
{
    for (const char *at = from; *at;) {
        size_t length = strcspn(at, "&"), name = strcspn(at, "=&");
        int i = r->n_params;
        if (i == PARAMS_MAX || name >= length ||
            !unescape(at, name, r->param[i].name, sizeof r->param[i].name) ||
            !unescape(at + name + 1, length - name - 1, r->param[i].value,
                      sizeof r->param[i].value))
            return 0;
        r->n_params++;
        at += length;
        if (*at)
            at++;
    }
    return 1;
}

static void check_request(request *r)
{
    static const char usual[] = "host user-agent accept accept-encoding accept-language connection "
                                "content-type content-length cache-control x-api-key api-version";
    const char *agent = wire_header(r->http, "user-agent"), *host = wire_header(r->http, "host");
    char expected[64];
    snprintf(expected, sizeof expected, "localhost:%d", r->v->port);
    if (strcmp(r->http->method, "GET") != 0)
        complain_request(r, "public data are read with GET");
    if (!agent || !*agent)
        complain_request(r, "there is no User-Agent");
    if (!host || strcmp(host, expected) != 0)
        complain_request(r, "the Host header is \"%s\", not \"%s\"", host ? host : "", expected);
    if (r->http->body_bytes > 0)
        complain_request(r, "a GET request with a body");
    for (int i = 0; i < r->http->n_headers; i++)
        if (!one_of(r->http->header[i].name, usual))
            complain_request(r, "unknown header \"%s\"", r->http->header[i].name);
    if (r->v->protocol != &protocol_amberdata && wire_header(r->http, "x-api-key"))
        complain_request(r, "the header x-api-key goes to a venue that does not know it");
}

static void gzip_body(text *body)
{
    z_stream z = {0};
    text out = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    unsigned char block[8192];
    z.next_in = (unsigned char *)body->data;
    z.avail_in = (unsigned)body->n;
    do {
        z.next_out = block;
        z.avail_out = sizeof block;
        deflate(&z, Z_FINISH);
        text_add_bytes(&out, block, sizeof block - z.avail_out);
    } while (z.avail_out == 0);
    deflateEnd(&z);
    text_finish(body);
    *body = out;
}

/* The replies that never reach the venue's own code. */
static int serve_fault(request *r)
{
    const fault *f = &r->fault;
    switch (f->kind) {
    case FAULT_STATUS_RETRY:
        if (r->v->protocol == &protocol_delta)
            text_add(&r->headers, "X-RATE-LIMIT-RESET: %lld\r\n", (long long)(f->seconds * 1000));
        else
            text_add(&r->headers, "Retry-After: %lld\r\n", (long long)(f->seconds + 0.999));
        /* fall through */
    case FAULT_STATUS:
        r->status = f->status;
        text_add(&r->body, "%s", r->v->protocol->status_body);
        return 1;
    case FAULT_HTML:
        r->status = f->status;
        text_add(&r->body, "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head>"
                           "<body><h1>Error {\"error\":[]}</h1></body></html>\n");
        return 1;
    case FAULT_API:
        if (r->v->protocol == &protocol_kraken_futures) {
            text_add(&r->body, "{\"result\":\"error\",\"error\":\"%s\",\"serverTime\":\"", f->text);
            text_add_time(&r->body, r->now_ns, 3);
            text_add(&r->body, "\"}");
        } else if (strstr(f->text, "Throttled")) {
            text_add(&r->body, "{\"error\":[\"%s%lld\"]}", f->text,
                     (long long)(r->now_ns / NS_A_SECOND + 1));
        } else {
            text_add(&r->body, "{\"error\":[\"%s\"]}", f->text);
        }
        return 1;
    default:
        return 0;
    }
}

/* The newest reply on this path; the slots go round when there are more paths. */
static text *last_body_of(request *r)
{
    venue *v = r->v;
    size_t n = sizeof v->last / sizeof v->last[0], i = 0;
    while (i < n && strcmp(v->last[i].path, r->path) != 0)
        i++;
    if (i == n) {
        i = v->n_requests % n;
        for (size_t k = 0; k < n; k++)
            if (!*v->last[k].path)
                i = k;
        snprintf(v->last[i].path, sizeof v->last[i].path, "%.255s", r->path);
        text_clear(&v->last[i].body);
    }
    return &v->last[i].body;
}

static void serve_page(request *r)
{
    text *last = last_body_of(r);
    if (r->fault.kind == FAULT_DUPLICATE_PAGE && last->n > 0 && r->v->protocol->serve) {
        /* The checks still run; then the reply to the call before goes out once more. */
        r->v->protocol->serve(r);
        text_clear(&r->body);
        text_add_bytes(&r->body, last->data, last->n);
        r->did_page = 1;
    } else {
        r->v->protocol->serve(r);
        if (r->status == 200) {
            text_clear(last);
            text_add_bytes(last, r->body.data, r->body.n);
        }
    }
}

static void make_reply(request *r, text *out)
{
    const char *accepts = wire_header(r->http, "accept-encoding");
    int gzip = r->body.n > 0 && accepts && strstr(accepts, "gzip") &&
               (r->always_gzip || r->fault.kind == FAULT_GZIP_DAMAGE ||
                (r->body.n > 600 && r->v->n_requests % 2));
    if (r->fault.kind == FAULT_TRUNCATE && r->body.n > 4)
        r->body.n /= 2;
    if (gzip)
        gzip_body(&r->body);
    if (gzip && r->fault.kind == FAULT_GZIP_DAMAGE) {
        r->body.data[r->body.n / 2] ^= 0x55;
        r->body.data[r->body.n - 6] ^= 0x55; /* and the checksum at the end */
        r->did_page = 1;
    }
    static const struct {
        int status;
        const char *says;
    } words[] = {{200, "OK"},          {400, "Bad Request"},         {401, "Unauthorized"},
                 {403, "Forbidden"},   {404, "Not Found"},           {405, "Method Not Allowed"},
                 {410, "Gone"},        {429, "Too Many Requests"},   {500, "Internal Server Error"},
                 {502, "Bad Gateway"}, {503, "Service Unavailable"}, {504, "Gateway Timeout"}};
    const char *says = "Unknown";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].status == r->status)
            says = words[i].says;
    int html = r->fault.kind == FAULT_HTML;
    text_add(out, "HTTP/1.1 %d %s\r\nDate: ", r->status, says);
    text_add_time_http(out, r->now_ns);
    text_add(out,
             "\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: keep-alive\r\n%s%s\r\n",
             html ? "text/html; charset=UTF-8" : "application/json", r->body.n,
             gzip ? "Content-Encoding: gzip\r\n" : "", r->headers.data ? r->headers.data : "");
}

/* Sends the reply as the fault has it; 0 when the connection is over (then *abruptly says how). */
static int send_reply(wire *w, request *r, const text *head, bool *abruptly)
{
    switch (r->fault.kind) {
    case FAULT_CUT:
    case FAULT_CUT_BEFORE:
    case FAULT_OUTAGE:
        *abruptly = true;
        return 0;
    case FAULT_HANG:
    case FAULT_HANG_BEFORE:
        wire_sleep(w, 3600 * NS_A_SECOND);
        return 0;
    case FAULT_CUT_BODY:
        wire_write(w, head->data, head->n);
        wire_write(w, r->body.data, r->body.n / 2);
        wire_sleep(w, NS_A_SECOND / 50);
        *abruptly = r->is_odd;
        return 0;
    case FAULT_SLOW_BODY:
        if (!wire_write(w, head->data, head->n))
            return 0;
        for (size_t i = 0; i < 10; i++) {
            size_t from = r->body.n * i / 10, to = r->body.n * (i + 1) / 10;
            if (!wire_sleep(w, (int64_t)(r->fault.seconds * 1e8)) ||
                !wire_write(w, r->body.data + from, to - from))
                return 0;
        }
        return 1;
    default:
        return wire_write(w, head->data, head->n) && wire_write(w, r->body.data, r->body.n);
    }
}

int serve_http(venue *v, wire *w, const wire_request *http, bool *abruptly)
{
    request *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    *r = (request){.v = v, .http = http, .status = 200};
    text head = {0};
    text_clear(&r->body);
    pthread_mutex_lock(&v->lock);
    r->now_ns = now_of(v);
    r->is_odd = v->n_requests++ % 2;
    r->is_abandoned = wire_hung_up(w);
    parse_target(r);
    int is_trade = trading_owns(r);
    if (!is_trade)
        check_request(r);
    log_line(v, http->target);
    r->fault = fault_for_request(v->faults, http->method, r->path);
    if (v->trading && trading_refuses(r))
        r->fault.kind = FAULT_OUTAGE;
    const char *agent = wire_header(http, "user-agent");
    if (v->protocol == &protocol_delta && (!agent || !*agent)) {
        r->status = 403;
        text_add(&r->body, "Forbidden");
    } else if (r->fault.kind == FAULT_OUTAGE || r->fault.kind == FAULT_CUT_BEFORE ||
               r->fault.kind == FAULT_HANG_BEFORE) {
        r->status = 503; /* nobody will read it */
    } else if (!serve_fault(r)) {
        if (is_trade)
            trading_serve(r);
        else
            serve_page(r);
    }
    make_reply(r, &head);
    int is_page = r->fault.kind >= FAULT_GZIP_DAMAGE && r->fault.kind <= FAULT_SAME_NEXT;
    if (r->fault.kind != FAULT_NONE && (!is_page || r->did_page))
        v->n_faults++;
    pthread_mutex_unlock(&v->lock);
    wire_sleep(w, (int64_t)v->options.latency_ms * 1000000);
    int on = send_reply(w, r, &head, abruptly);
    text_finish(&head);
    text_finish(&r->headers);
    text_finish(&r->body);
    for (size_t i = 0; i < r->n_rows; i++)
        text_finish(&r->rows[i]);
    free(r->rows);
    free(r);
    return on;
}
