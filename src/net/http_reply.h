/* A reply of HTTP/1.1 as its bytes come. No I/O; any bytes are safe. */
#ifndef WICK_NET_HTTP_REPLY_H
#define WICK_NET_HTTP_REPLY_H

#include <stdint.h>

#include "http_body.h"
#include "http_header.h"

enum { WK__HTTP_LINE_MAX = 8192, WK__HTTP_HEAD_MAX = 65536 };

typedef enum {
    WK__REPLY_HEAD = 0,   /* status and header lines */
    WK__REPLY_SIZED,      /* `left` bytes of the body */
    WK__REPLY_OPEN,       /* a body that ends with the connection */
    WK__REPLY_CHUNK_SIZE, /* the line before a chunk */
    WK__REPLY_CHUNK,      /* `left` bytes of it */
    WK__REPLY_CHUNK_END,  /* the empty line after it */
    WK__REPLY_TRAILER,    /* lines after the last chunk */
    WK__REPLY_WHOLE,
    WK__REPLY_BAD
} wk__http_reply_state;

/* Zeroed but for body.n_max before the first byte. */
typedef struct {
    wk__http_reply_state state;
    int status; /* 0 before the first line */
    bool keeps; /* the connection may be used again */
    wk__http_head head;
    wk__http_body body;
    const char *why; /* when BAD */
    bool has_length, is_chunked;
    uint64_t left;
    size_t head_bytes, n_line;
    char encoding[32], line[WK__HTTP_LINE_MAX];
} wk__http_reply;

/* now_ns: of the wall clock, for waits that are given as a date. What comes after a whole reply
 * makes it bad. */
void wk__http_reply_feed(wk__http_reply *reply, const char *bytes, size_t n, int64_t now_ns);
/* The connection has ended: WHOLE or BAD afterwards. */
void wk__http_reply_end(wk__http_reply *reply);

#endif
