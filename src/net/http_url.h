/* Addresses of HTTP requests. No I/O; any text is safe. */
#ifndef WICK_NET_HTTP_URL_H
#define WICK_NET_HTTP_URL_H

#include <stdbool.h>

#include "wick/err.h"

typedef struct {
    bool is_tls;
    int port;
    char host[256];      /* without the brackets of an IPv6 address */
    char authority[272]; /* as the Host header has it */
    const char *path;    /* within the text that was parsed: from '/' on, or "" or "?..." */
    int path_bytes;      /* less a fragment */
} wk__http_url;

/* http:// and https://; a user's name in it is refused. */
WK_MUST_CHECK wk_status wk__http_url_parse(const char *text, wk__http_url *out, wk_err *err);

#endif
