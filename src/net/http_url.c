#include "http_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path and the query may hold what is nobody's business: messages end before them. */
static wk_status bad(const char *text, const char *what, wk_err *err)
{
    const char *start = strstr(text, "://");
    int n = (int)strcspn(start ? start + 3 : text, "/?#") + (start ? (int)(start + 3 - text) : 0);
    return wk_fail(err, WK_E_ARG, "%.*s: %s; write https://host/path", n < 200 ? n : 200, text,
                   what);
}

wk_status wk__http_url_parse(const char *text, wk__http_url *out, wk_err *err)
{
    wk__http_url u = {0};
    const char *rest = text;
    if (strncmp(text, "https://", 8) == 0) {
        u.is_tls = true;
        rest += 8;
    } else if (strncmp(text, "http://", 7) == 0) {
        rest += 7;
    } else {
        return bad(text, "not an address of HTTP", err);
    }
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= ' ' || *c == 127)
            return bad(text, "a space or control character in the address", err);
    const char *authority = rest, *host = rest;
    size_t n;
    if (*rest == '[') {
        host++;
        n = strcspn(host, "]/?#@");
        rest = host + n;
        if (*rest++ != ']')
            return bad(text, "no ] after the address", err);
    } else {
        n = strcspn(rest, ":/?#@");
        rest += n;
    }
    if (n == 0 || n >= sizeof u.host)
        return bad(text, "no host in the address", err);
    memcpy(u.host, host, n);
    u.port = u.is_tls ? 443 : 80;
    if (*rest == ':') {
        char *end;
        long port = strtol(rest + 1, &end, 10);
        if (rest[1] < '0' || rest[1] > '9' || port < 1 || port > 65535)
            return bad(text, "the port is none", err);
        u.port = (int)port;
        rest = end;
    }
    if (*rest && *rest != '/' && *rest != '?' && *rest != '#')
        return bad(text, "something odd after the host", err);
    if ((size_t)(rest - authority) >= sizeof u.authority) /* a port of many zeros */
        return bad(text, "the port is none", err);
    snprintf(u.authority, sizeof u.authority, "%.*s", (int)(rest - authority), authority);
    u.path = rest;
    u.path_bytes = (int)strcspn(rest, "#");
    *out = u;
    return WK_OK;
}
