/* An HTTP client: TLS verified, gzip decoded, sizes and times limited, polite to rate limits. Calls
 * block their own thread; the trader's thread never makes one. */
#ifndef WICK_HTTP_H
#define WICK_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct wk_http wk_http; /* one a thread; keeps connections alive */

typedef struct {
    const char *ca_file;                          /* PEM bundle; NULL: the system's */
    const char *user_agent;                       /* NULL: "wick/<version>" */
    int64_t connect_timeout_ns, total_timeout_ns; /* 0: 10 s, 60 s */
    size_t body_bytes_max;                        /* 0: 64 MiB */
    int address_family;                           /* 0 any, 4 or 6 */
} wk_http_options;

WK_MUST_CHECK wk_status wk_http_open(const wk_http_options *options, wk_http **out, wk_err *err);
void wk_http_close(wk_http *http);
/* From any thread: makes a call in progress and all later ones return WK_E_CANCELLED. */
void wk_http_cancel(wk_http *http);

typedef struct {
    const char *method; /* "GET", "POST", "PUT", "DELETE" */
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
    const char *body;           /* NULL: none */
    size_t body_bytes;
} wk_http_request;

typedef struct {
    int status; /* HTTP status; 0: no reply came (see `sent`) */
    char *body; /* owned, 0 byte after it */
    size_t body_bytes;
    char content_type[64];
    int64_t retry_after_ns;       /* from Retry-After or X-RATE-LIMIT-RESET; -1: none */
    int64_t server_time_ns;       /* from Date; 0: none */
    int64_t sent_ns, received_ns; /* wall clock, for clock offsets */
    bool sent;                    /* the request may have reached the server (matters for orders) */
} wk_http_response;
void wk_http_response_finish(wk_http_response *response);

/* One exchange, no retry, no redirection followed. WK_OK whenever a whole reply came, whatever its
 * status. On failure *out has status 0 and `sent`: WK_E_IO (no name, no connection, time-out, a
 * reply that was cut: may pass), WK_E_DATA (a certificate that is not trusted), WK_E_RANGE (a body,
 * unpacked, above the limit), WK_E_CANCELLED. */
WK_MUST_CHECK wk_status wk_http_call(wk_http *http, const wk_http_request *request,
                                     wk_http_response *out, wk_err *err);

/* Escapes for a query value; out holds size_bytes; false when it does not fit. */
bool wk_http_escape(const char *text, char *out, size_t size_bytes);

#endif
