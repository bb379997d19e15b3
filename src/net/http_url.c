#include "http_url.h"

#include <stdio.h>
#include <string.h>

#include "authority.h"

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
    const char *authority = rest, *why;
    u.port = u.is_tls ? 443 : 80;
    if (!(rest = wk__authority_parse(authority, u.host, sizeof u.host, &u.port, &why)))
        return bad(text, why, err);
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
