/* What a reply's header lines say that matters here. No I/O; any bytes are safe. */
#ifndef WICK_NET_HTTP_HEADER_H
#define WICK_NET_HTTP_HEADER_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t retry_ns, reset_ns; /* waits that were asked for, at most a day; -1: none */
    int64_t server_time_ns;     /* 0: none */
    char content_type[64];
} wk__http_head;

/* One line of n bytes, with or without its end; a status line begins anew. now_ns is the wall
 * clock, for waits that are given as a date. */
void wk__http_header(wk__http_head *head, const char *bytes, size_t n, int64_t now_ns);

#endif
