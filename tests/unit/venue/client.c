#include "client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static size_t on_body(char *bytes, size_t size, size_t n, void *context)
{
    reply *r = context;
    char *more = realloc(r->body, r->n + size * n + 1);
    if (!more)
        return 0;
    r->body = more;
    memcpy(r->body + r->n, bytes, size * n);
    r->n += size * n;
    r->body[r->n] = 0;
    return size * n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *context)
{
    reply *r = context;
    char line[256];
    snprintf(line, sizeof line, "%.*s", (int)(size * n), bytes);
    sscanf(line, "Retry-After: %63s", r->retry_after);
    sscanf(line, "X-RATE-LIMIT-RESET: %63s", r->rate_reset);
    sscanf(line, "Content-Type: %63s", r->content_type);
    return size * n;
}

reply rest_get(venue *v, const char *path, const char *header)
{
    reply r = {.body = calloc(1, 1)};
    char url[4096];
    snprintf(url, sizeof url, "%s%s", *path == '/' ? venue_url(v) : "", path);
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, venue_ca_file(v));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "test");
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &r);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r.status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return r;
}

void reply_finish(reply *r)
{
    free(r->body);
    r->body = NULL;
}

json_t *rest_json(venue *v, const char *path, const char *header)
{
    reply r = rest_get(v, path, header);
    json_error_t why = {.text = ""};
    json_t *root = json_loads(r.body, 0, &why);
    if (r.status != 200 || !root)
        fail_msg("%s: status %ld, %s: %.200s", path, r.status, why.text, r.body);
    reply_finish(&r);
    return root;
}

static int send_all(socket_client *c, const void *bytes, size_t n)
{
    return SSL_write(c->ssl, bytes, (int)n) == (int)n;
}

static int receive(socket_client *c, void *out, size_t n, int timeout_ms)
{
    char *at = out;
    while (n > 0) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (SSL_pending(c->ssl) == 0 && poll(&p, 1, timeout_ms) <= 0)
            return 0;
        int got = SSL_read(c->ssl, at, (int)n);
        if (got <= 0)
            return 0;
        at += got;
        n -= (size_t)got;
    }
    return 1;
}

int ws_open(socket_client *c, venue *v, const char *path)
{
    memset(c, 0, sizeof *c);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)venue_port(v))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_locations(c->tls, venue_ca_file(v), NULL);
    SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->ssl = SSL_new(c->tls);
    SSL_set1_host(c->ssl, "localhost");
    SSL_set_tlsext_host_name(c->ssl, "localhost");
    SSL_set_fd(c->ssl, c->fd);
    if (connect(c->fd, (struct sockaddr *)&at, sizeof at) != 0 || SSL_connect(c->ssl) != 1)
        return 0;
    char head[1024];
    int n = snprintf(head, sizeof head,
                     "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     path, venue_port(v));
    if (!send_all(c, head, (size_t)n))
        return 0;
    size_t k = 0;
    while (k < sizeof head - 1 && receive(c, head + k, 1, 3000)) {
        head[++k] = 0;
        if (strstr(head, "\r\n\r\n"))
            /* The value that RFC 6455 prints for this key. */
            return strstr(head, " 101 ") && strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
    return 0;
}

void ws_close(socket_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->tls);
    close(c->fd);
}

static int send_frame(socket_client *c, int opcode, const char *payload, size_t n)
{
    unsigned char frame[4096 + 8] = {(unsigned char)(0x80 | opcode)};
    size_t head = 2;
    if (n > 4096)
        return 0;
    if (n < 126) {
        frame[1] = (unsigned char)(0x80 | n);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(n >> 8);
        frame[3] = (unsigned char)n;
        head = 4;
    }
    static const unsigned char mask[4] = {1, 2, 3, 4};
    memcpy(frame + head, mask, 4);
    for (size_t i = 0; i < n; i++)
        frame[head + 4 + i] = (unsigned char)payload[i] ^ mask[i % 4];
    return send_all(c, frame, head + 4 + n);
}

int ws_send(socket_client *c, const char *message)
{
    return send_frame(c, 1, message, strlen(message));
}

char *ws_next(socket_client *c, int timeout_ms)
{
    for (;;) {
        unsigned char head[10];
        if (!receive(c, head, 2, timeout_ms))
            return NULL;
        size_t n = head[1] & 127;
        if (n == 126 && receive(c, head + 2, 2, timeout_ms)) {
            n = (size_t)head[2] << 8 | head[3];
        } else if (n == 127 && receive(c, head + 2, 8, timeout_ms)) {
            n = 0;
            for (int i = 0; i < 8; i++)
                n = n << 8 | head[2 + i];
        }
        char *payload = malloc(n + 1);
        if (!payload || !receive(c, payload, n, timeout_ms)) {
            free(payload);
            return NULL;
        }
        payload[n] = 0;
        int opcode = head[0] & 15;
        if (opcode == 1)
            return payload;
        if (opcode == 9)
            send_frame(c, 10, payload, n);
        free(payload);
        if (opcode == 8)
            return NULL;
    }
}

static int is_word(json_t *root, const char *key, const char *value)
{
    const char *found = json_string_value(json_object_get(root, key));
    return !key || (found && strcmp(found, value) == 0);
}

json_t *ws_find(socket_client *c, const char *key, const char *value, const char *key2,
                const char *value2)
{
    char *message;
    while ((message = ws_next(c, 6000)) != NULL) {
        /* A connection_id is above 2^63. */
        json_t *root = json_loads(message, JSON_DECODE_INT_AS_REAL, NULL);
        free(message);
        if (root && is_word(root, key, value) && is_word(root, key2, value2))
            return root;
        json_decref(root);
    }
    fail_msg("no message with %s %s came", key, value);
    return NULL;
}

venue *start(venue_options *options)
{
    static char dir[256];
    char error[256];
    const char *base = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/wick-venue-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(dir))
        fail_msg("no folder %s", dir);
    options->dir = dir;
    venue *v = venue_start(options, error, sizeof error);
    if (!v)
        fail_msg("%s", error);
    return v;
}

void stop(venue *v, int allowed)
{
    static const char *const files[] = {"ca.pem", "violations.txt", "requests.log"};
    size_t n;
    char *violations = venue_violations(v, &n), path[600], dir[512];
    snprintf(dir, sizeof dir, "%s", venue_ca_file(v));
    *strrchr(dir, '/') = 0;
    venue_stop(v);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
    if (n && !allowed)
        fail_msg("%s", violations);
    free(violations);
}
