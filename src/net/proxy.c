#include "proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "authority.h"

enum { PORT = 1080 }; /* where none is given, as curl has it */

/* The text may hold a password: messages do not repeat it. */
static wk_status bad(const char *what, wk_err *err)
{
    return wk_fail(err, WK_E_CONFIG,
                   "the proxy of the environment (https_proxy, all_proxy): %s; write "
                   "http://host:port or http://user:password@host:port",
                   what);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool unescape(const char *text, size_t n, char *out, size_t out_bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '%' && i + 2 < n && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
            c = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
            i += 2;
        }
        if (at + 1 >= out_bytes || c == 0 || c == '\r' || c == '\n')
            return false;
        out[at++] = c;
    }
    out[at] = 0;
    return true;
}

wk_status wk__proxy_parse(const char *text, wk__proxy *out, wk_err *err)
{
    wk__proxy p = {.port = PORT};
    const char *rest = text, *scheme = strstr(text, "://"), *why;
    if (scheme) {
        if (strncasecmp(text, "http://", 7) != 0)
            return bad("it is spoken to by plain HTTP only, which the address does not say", err);
        rest = scheme + 3;
    }
    const char *at = strrchr(rest, '@');
    if (at) {
        if (!unescape(rest, (size_t)(at - rest), p.user, sizeof p.user))
            return bad("its user and password are too long, or odd", err);
        rest = at + 1;
    }
    if (!(rest = wk__authority_parse(rest, p.host, sizeof p.host, &p.port, &why)))
        return bad(why, err);
    if (*rest && *rest != '/')
        return bad("something odd after the host", err);
    *out = p;
    return WK_OK;
}

/* "10.0.0.0/8", "fd00::/8", or one address. */
static bool in_network(const char *network, const char *host)
{
    unsigned char net[16], address[16];
    char text[64];
    const char *slash = strchr(network, '/');
    int n = snprintf(text, sizeof text, "%.*s",
                     (int)(slash ? (size_t)(slash - network) : strlen(network)), network);
    if (n < 0 || (size_t)n >= sizeof text)
        return false;
    bool is_4 = inet_pton(AF_INET, text, net) == 1 && inet_pton(AF_INET, host, address) == 1;
    bool is_6 =
        !is_4 && inet_pton(AF_INET6, text, net) == 1 && inet_pton(AF_INET6, host, address) == 1;
    int most = is_4 ? 32 : 128, bits = slash ? atoi(slash + 1) : most;
    if ((!is_4 && !is_6) || bits < 0 || bits > most)
        return false;
    for (int i = 0; i < bits; i++)
        if ((net[i / 8] ^ address[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

bool wk__proxy_is_excepted(const char *list, const char *host)
{
    size_t n_host = strlen(host);
    for (const char *c = list; *c;) {
        char one[256];
        c += strspn(c, ", \t");
        size_t n = strcspn(c, ", \t");
        int kept = snprintf(one, sizeof one, "%.*s", (int)(n < 255 ? n : 255), c);
        c += n;
        if (kept <= 0 || n > 255)
            continue;
        if (strcmp(one, "*") == 0 || in_network(one, host))
            return true;
        const char *name = one + (one[0] == '.');
        size_t n_name = strlen(name);
        if (n_name && n_name <= n_host && strcasecmp(host + n_host - n_name, name) == 0 &&
            (n_name == n_host || host[n_host - n_name - 1] == '.'))
            return true;
    }
    return false;
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || in_network("127.0.0.0/8", host) ||
           in_network("::1", host);
}

static const char *first_of(const char *const *names)
{
    for (; *names; names++) {
        const char *text = getenv(*names);
        if (text && *text)
            return text;
    }
    return NULL;
}

wk_status wk__proxy_for(const char *host, wk__proxy *out, wk_err *err)
{
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                          NULL};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY", NULL};
    const char *text = first_of(proxies), *list = first_of(exceptions);
    *out = (wk__proxy){.port = 0};
    if (!text || is_loopback(host) || (list && wk__proxy_is_excepted(list, host)))
        return WK_OK;
    return wk__proxy_parse(text, out, err);
}
