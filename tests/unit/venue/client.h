/* A small client for the servers' own tests: REST on libcurl, WebSocket by hand on OpenSSL. It has
 * nothing in common with wick's clients, nor with the servers. */
#ifndef VENUE_TEST_CLIENT_H
#define VENUE_TEST_CLIENT_H

#include <jansson.h>
#include <openssl/ssl.h>

#include "venue.h"

typedef struct {
    long status; /* 0: the transfer failed */
    char *body;
    size_t n;
    char retry_after[64], rate_reset[64], content_type[64];
} reply;

/* GETs path (or a whole address); `header` is one more header or NULL. */
reply rest_get(venue *v, const char *path, const char *header);
void reply_finish(reply *r);
/* The reply as JSON; fails the test when it is none or the status is not 200. */
json_t *rest_json(venue *v, const char *path, const char *header);

typedef struct {
    SSL_CTX *tls;
    SSL *ssl;
    int fd;
} socket_client;

int ws_open(socket_client *c, venue *v, const char *path);
void ws_close(socket_client *c);
int ws_send(socket_client *c, const char *message);
/* The next text frame; NULL when the connection ends or nothing comes for timeout_ms. free() it. */
char *ws_next(socket_client *c, int timeout_ms);
/* The next message whose `key` is `value` (and `key2` is `value2`, unless NULL). */
json_t *ws_find(socket_client *c, const char *key, const char *value, const char *key2,
                const char *value2);

/* A server in a fresh folder below the temporary one; fails the test when it does not start. */
venue *start(venue_options *options);
/* Stops it and fails the test when a violation was found, unless `allowed`. */
void stop(venue *v, int allowed);

#endif
