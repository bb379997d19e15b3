#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/websocket.h"

static wk_status bad(const char *url, const char *what, wk_err *err)
{
    return wk_fail(err, WK_E_ARG, "%.200s: %s; write wss://host/path or wss://host:port/path", url,
                   what);
}

wk_status wk_websocket_url_parse(const char *url, wk_websocket_url *out, wk_err *err)
{
    wk_websocket_url u = {0};
    const char *rest = url;
    if (strncmp(url, "wss://", 6) == 0) {
        u.is_tls = 1;
        rest += 6;
    } else if (strncmp(url, "ws://", 5) == 0) {
        rest += 5;
    } else {
        return bad(url, "not a WebSocket address", err);
    }
    for (const char *c = url; *c; c++)
        if (*c <= ' ' || *c == 127)
            return bad(url, "a space or control character in the address", err);
    const char *host = rest;
    size_t n;
    if (*rest == '[') {
        host++;
        n = strcspn(host, "]/?#@");
        rest = host + n;
        if (*rest++ != ']')
            return bad(url, "no ] after the address", err);
    } else {
        n = strcspn(rest, ":/?#@");
        rest += n;
    }
    if (n == 0 || n >= sizeof u.host)
        return bad(url, "no host in the address", err);
    memcpy(u.host, host, n);
    u.port = u.is_tls ? 443 : 80;
    if (*rest == ':') {
        char *end;
        long port = strtol(rest + 1, &end, 10);
        if (end == rest + 1 || port < 1 || port > 65535)
            return bad(url, "the port is none", err);
        u.port = (int)port;
        rest = end;
    }
    if (*rest && *rest != '/' && *rest != '?')
        return bad(url, "something odd after the host", err);
    if (snprintf(u.path, sizeof u.path, "%s%s", *rest == '/' ? "" : "/", rest) >=
        (int)sizeof u.path)
        return bad(url, "the path is too long", err);
    if (!u.is_tls && strcmp(u.host, "localhost") && strncmp(u.host, "127.", 4) &&
        strcmp(u.host, "::1"))
        return bad(url, "without TLS only the loopback may be asked", err);
    *out = u;
    return WK_OK;
}
