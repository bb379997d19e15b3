#include "wire.h"

#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#define HEAD_BYTES_MAX 65536
#define MESSAGE_BYTES_MAX (1 << 20)

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits for what OpenSSL wants, at most until deadline: 1 go on, 0 time is over, -1 broken. */
static int wait_for(const wire *w, int result, int64_t deadline_ms)
{
    int why = SSL_get_error(w->ssl, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return -1;
    struct pollfd p = {.fd = w->fd, .events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
    for (;;) {
        if (atomic_load(w->stopping))
            return -1;
        int64_t left = deadline_ms - clock_ms();
        if (left <= 0)
            return 0;
        int n = poll(&p, 1, left > 50 ? 50 : (int)left);
        if (n > 0)
            return 1;
        if (n < 0)
            return -1;
    }
}

bool wire_accept(wire *w, SSL_CTX *tls, int fd, const atomic_int *stopping)
{
    memset(w, 0, sizeof *w);
    w->fd = fd;
    w->stopping = stopping;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
        return false;
    w->ssl = SSL_new(tls);
    if (!w->ssl || !SSL_set_fd(w->ssl, fd))
        return false;
    int64_t deadline = clock_ms() + 10000;
    for (;;) {
        ERR_clear_error();
        int result = SSL_accept(w->ssl);
        if (result == 1)
            return true;
        if (wait_for(w, result, deadline) != 1)
            return false;
    }
}

void wire_close(wire *w, bool abruptly)
{
    if (w->ssl && !abruptly) {
        ERR_clear_error();
        SSL_shutdown(w->ssl);
    }
    if (abruptly) {
        /* A reset rather than an orderly end: the peer loses what was still on its way. */
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    SSL_free(w->ssl);
    close(w->fd);
    text_finish(&w->in);
    w->ssl = NULL;
    w->fd = -1;
}

int wire_read(wire *w, int timeout_ms)
{
    int64_t deadline = clock_ms() + timeout_ms;
    char bytes[16384];
    for (;;) {
        ERR_clear_error();
        int n = SSL_read(w->ssl, bytes, sizeof bytes);
        if (n > 0) {
            text_add_bytes(&w->in, bytes, (size_t)n);
            return n;
        }
        int wait = wait_for(w, n, deadline);
        if (wait != 1)
            return wait;
    }
}

bool wire_write(wire *w, const void *bytes, size_t n)
{
    const char *at = bytes;
    int64_t deadline = clock_ms() + 20000;
    while (n > 0) {
        ERR_clear_error();
        int done = SSL_write(w->ssl, at, n > 16384 ? 16384 : (int)n);
        if (done > 0) {
            at += done;
            n -= (size_t)done;
        } else if (wait_for(w, done, deadline) != 1) {
            return false;
        }
    }
    return true;
}

bool wire_hung_up(const wire *w)
{
    struct pollfd p = {.fd = w->fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

bool wire_sleep(const wire *w, int64_t ns)
{
    int64_t end = clock_ms() + ns / 1000000;
    while (clock_ms() < end) {
        if (atomic_load(w->stopping))
            return false;
        struct timespec pause = {0, 5000000};
        nanosleep(&pause, NULL);
    }
    return true;
}

static void take(wire *w, size_t n)
{
    memmove(w->in.data, w->in.data + n, w->in.n - n + 1);
    w->in.n -= n;
}

static bool parse_head(char *head, wire_request *out)
{
    text_finish(&out->body);
    memset(out, 0, sizeof *out);
    char *save = NULL, *line = strtok_r(head, "\r\n", &save);
    char version[16];
    if (!line || sscanf(line, "%15s %4095s %15s", out->method, out->target, version) != 3 ||
        strcmp(version, "HTTP/1.1") != 0)
        return false;
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL) {
        char *colon = strchr(line, ':');
        if (!colon || out->n_headers == WIRE_HEADERS_MAX ||
            (size_t)(colon - line) >= sizeof out->header[0].name)
            return false;
        int i = out->n_headers++;
        for (char *c = line; c < colon; c++)
            out->header[i].name[c - line] = (char)tolower((unsigned char)*c);
        colon++;
        while (*colon == ' ')
            colon++;
        if (strlen(colon) >= sizeof out->header[0].value)
            return false;
        strcpy(out->header[i].value, colon);
    }
    return true;
}

const char *wire_header(const wire_request *request, const char *name)
{
    for (int i = 0; i < request->n_headers; i++)
        if (strcmp(request->header[i].name, name) == 0)
            return request->header[i].value;
    return NULL;
}

int wire_read_request(wire *w, wire_request *out, int timeout_ms)
{
    char *end;
    while (!w->in.n || !(end = strstr(w->in.data, "\r\n\r\n"))) {
        if (w->in.n > HEAD_BYTES_MAX)
            return -1;
        int n = wire_read(w, timeout_ms);
        if (n <= 0)
            return n < 0 || w->in.n > 0 ? -1 : 0;
    }
    size_t head = (size_t)(end - w->in.data) + 4;
    end[2] = 0;
    if (!parse_head(w->in.data, out))
        return -1;
    take(w, head);
    const char *length = wire_header(out, "content-length");
    out->body_bytes = length ? strtoul(length, NULL, 10) : 0;
    if (out->body_bytes > HEAD_BYTES_MAX)
        return -1;
    while (w->in.n < out->body_bytes)
        if (wire_read(w, timeout_ms) <= 0)
            return -1;
    text_add_bytes(&out->body, w->in.data, out->body_bytes);
    take(w, out->body_bytes);
    return 1;
}

bool wire_ws_accept(wire *w, const wire_request *request, const char **why)
{
    const char *key = wire_header(request, "sec-websocket-key");
    const char *version = wire_header(request, "sec-websocket-version");
    const char *connection = wire_header(request, "connection");
    *why = NULL;
    if (!key || strlen(key) != 24)
        *why = "Sec-WebSocket-Key is missing or not 16 bytes in base64";
    else if (!version || strcmp(version, "13") != 0)
        *why = "Sec-WebSocket-Version is not 13";
    else if (!connection || !strcasestr(connection, "upgrade"))
        *why = "the Connection header does not say Upgrade";
    if (*why)
        return false;
    char joined[128];
    snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    unsigned char digest[20], accept[64];
    if (!EVP_Digest(joined, strlen(joined), digest, NULL, EVP_sha1(), NULL))
        return false;
    EVP_EncodeBlock(accept, digest, sizeof digest);
    text reply = {0};
    text_add(&reply,
             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Accept: %s\r\n\r\n",
             (char *)accept);
    bool ok = wire_write(w, reply.data, reply.n);
    text_finish(&reply);
    return ok;
}

/* One frame out of w->in. Returns its length, 0 when more bytes are needed, -1 when it is broken.
 */
static int frame_take(wire *w, int *opcode, bool *final, text *payload, const char **why)
{
    const unsigned char *in = (const unsigned char *)w->in.data;
    if (w->in.n < 2)
        return 0;
    *final = in[0] & 0x80;
    *opcode = in[0] & 15;
    size_t n = in[1] & 127, head = 2;
    if (in[0] & 0x70)
        *why = "a WebSocket frame has reserved bits set";
    else if (!(in[1] & 0x80))
        *why = "a WebSocket frame of a client is not masked";
    if (*why)
        return -1;
    if (n == 126) {
        if (w->in.n < 4)
            return 0;
        n = (size_t)in[2] << 8 | in[3];
        head = 4;
    } else if (n == 127) {
        *why = "a WebSocket frame of a client is longer than 64 KiB";
        return -1;
    }
    if (w->in.n < head + 4 + n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = (char)(in[head + 4 + i] ^ in[head + i % 4]);
        text_add_bytes(payload, &c, 1);
    }
    take(w, head + 4 + n);
    return 1;
}

int wire_ws_read(wire *w, int timeout_ms, int *opcode, text *message, const char **why)
{
    *why = NULL;
    text_clear(message);
    for (;;) {
        bool final = true;
        text payload = {0};
        int got = frame_take(w, opcode, &final, &payload, why);
        if (got > 0)
            text_add_bytes(message, payload.data, payload.n);
        text_finish(&payload);
        if (got < 0)
            return -1;
        if (got > 0 && final)
            return 1;
        if (got > 0 || message->n > MESSAGE_BYTES_MAX) {
            *why = "a client fragments its short messages";
            return -1;
        }
        int n = wire_read(w, timeout_ms);
        if (n <= 0)
            return n;
    }
}

bool wire_ws_write(wire *w, int opcode, const void *bytes, size_t n)
{
    unsigned char head[10] = {(unsigned char)(0x80 | opcode)};
    size_t n_head = 2;
    if (n < 126) {
        head[1] = (unsigned char)n;
    } else if (n < 65536) {
        head[1] = 126;
        head[2] = (unsigned char)(n >> 8);
        head[3] = (unsigned char)n;
        n_head = 4;
    } else {
        head[1] = 127;
        for (int i = 0; i < 8; i++)
            head[2 + i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
        n_head = 10;
    }
    return wire_write(w, head, n_head) && wire_write(w, bytes, n);
}

bool wire_ws_close(wire *w, int code, const char *reason)
{
    text payload = {0};
    char big_endian[2] = {(char)(code >> 8), (char)code};
    text_add_bytes(&payload, big_endian, 2);
    text_add(&payload, "%s", reason);
    bool ok = wire_ws_write(w, WS_CLOSE, payload.data, payload.n);
    text_finish(&payload);
    return ok;
}
