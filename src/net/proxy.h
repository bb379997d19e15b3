/* Proxies, as the environment names them: https_proxy or HTTPS_PROXY, else all_proxy or ALL_PROXY,
 * "http://user:password@host:port" or any part of it that has a host; no_proxy or NO_PROXY lists
 * those who are asked directly: names (with all below them), numbers, networks (10.0.0.0/8), "*".
 * Only what goes over TLS passes one, by CONNECT; the loopback never does. No I/O. */
#ifndef WICK_NET_PROXY_H
#define WICK_NET_PROXY_H

#include <stdbool.h>

#include "wick/err.h"

typedef struct {
    char host[256]; /* "": none */
    int port;
    char user[256]; /* "user:password", unescaped; "": none */
} wk__proxy;

/* What a variable's text says. */
WK_MUST_CHECK wk_status wk__proxy_parse(const char *text, wk__proxy *out, wk_err *err);
/* Does a list like no_proxy name this host? */
bool wk__proxy_is_excepted(const char *list, const char *host);
/* The proxy on the way to a host that is spoken to over TLS. */
WK_MUST_CHECK wk_status wk__proxy_for(const char *host, wk__proxy *out, wk_err *err);

#endif
