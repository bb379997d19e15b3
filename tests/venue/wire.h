/* TLS, HTTP/1.1 and WebSocket frames of the servers, on OpenSSL and a non-blocking socket: low
 * enough that a reply can be cut, dripped or damaged at any byte. */
#ifndef VENUE_WIRE_H
#define VENUE_WIRE_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* Makes a CA and a certificate for localhost, writes the CA to ca_path. NULL on failure. `flaw`:
 * NULL, or "wrong-host", "expired", "other-ca". */
SSL_CTX *wire_tls_create(const char *ca_path, const char *flaw, char *error, size_t error_size);

typedef struct {
    int fd;
    SSL *ssl;
    const atomic_int *stopping; /* reads and writes fail soon after it is set */
    text in;                    /* bytes read and not yet used */
} wire;

bool wire_accept(wire *w, SSL_CTX *tls, int fd, const atomic_int *stopping);
void wire_close(wire *w, bool abruptly);

/* Reads more bytes into w->in: > 0 how many, 0 nothing within timeout_ms, < 0 the end. */
int wire_read(wire *w, int timeout_ms);
bool wire_write(wire *w, const void *bytes, size_t n);
/* The peer has closed its side: nobody waits for an answer. */
bool wire_hung_up(const wire *w);
/* Sleeps, but not past `stopping`. */
bool wire_sleep(const wire *w, int64_t ns);

#define WIRE_HEADERS_MAX 40

typedef struct {
    char method[16];
    char target[4096];
    int n_headers;
    struct {
        char name[64]; /* lower case */
        char value[1024];
    } header[WIRE_HEADERS_MAX];
    size_t body_bytes;
    text body; /* of the newest request; text_finish() it at the end */
} wire_request;

/* 1 a request, 0 nothing came within timeout_ms, -1 the end or garbage. */
int wire_read_request(wire *w, wire_request *out, int timeout_ms);
const char *wire_header(const wire_request *request, const char *name); /* NULL: absent */

/* Answers the WebSocket handshake; false when it is malformed (`why` says how). */
bool wire_ws_accept(wire *w, const wire_request *request, const char **why);

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* 1: a whole message in *opcode and *message, 0: nothing yet, -1: the end or a broken frame (then
 * *why says how, or is NULL). Reads for at most timeout_ms. */
int wire_ws_read(wire *w, int timeout_ms, int *opcode, text *message, const char **why);
bool wire_ws_write(wire *w, int opcode, const void *bytes, size_t n);
bool wire_ws_close(wire *w, int code, const char *reason);

#endif
