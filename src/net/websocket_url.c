#include "wick/websocket.h"

#include <stdio.h>
#include <string.h>

#include "authority.h"

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
    const char *why;
    u.port = u.is_tls ? 443 : 80;
    if (!(rest = wk__authority_parse(rest, u.host, sizeof u.host, &u.port, &why)))
        return bad(url, why, err);
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
