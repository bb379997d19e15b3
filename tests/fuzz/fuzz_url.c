/* libFuzzer target over addresses, which replies (the next page) and configurations hold: what is
 * accepted has a host and a port that can be, and its parts are those of the text; a refusal says
 * why, without what may be a key behind the host. */
#include <stdlib.h>
#include <string.h>

#include "../../src/net/http_url.h"
#include "wick/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void read_http(const char *text)
{
    wk__http_url u;
    wk_err err = {0};
    if (wk__http_url_parse(text, &u, &err) != WK_OK) {
        check(err.msg[0] && memchr(err.msg, 0, sizeof err.msg) != NULL);
        return;
    }
    check(memchr(u.host, 0, sizeof u.host) && memchr(u.authority, 0, sizeof u.authority));
    check(u.host[0] && u.port >= 1 && u.port <= 65535 && strstr(text, u.host));
    check(u.path >= text && u.path_bytes >= 0 && u.path + u.path_bytes <= text + strlen(text) &&
          !memchr(u.path, '#', (size_t)u.path_bytes));
    check(!strpbrk(u.authority, "/?#@ ") && strncmp(text, u.is_tls ? "https" : "http:", 5) == 0);
    /* Whole as the Host header has it: what follows it is the path. */
    check(strncmp(u.path - strlen(u.authority), u.authority, strlen(u.authority)) == 0);
}

static void read_websocket(const char *text)
{
    wk_websocket_url u;
    wk_err err = {0};
    if (wk_websocket_url_parse(text, &u, &err) != WK_OK) {
        check(err.msg[0] != 0);
        return;
    }
    check(memchr(u.host, 0, sizeof u.host) && u.host[0] && strstr(text, u.host));
    check(u.port >= 1 && u.port <= 65535);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    /* A copy of exact size, so that a read past the end is caught. */
    char *text = malloc(n + 1);
    if (!text)
        return 0;
    memcpy(text, bytes, n);
    text[n] = 0;
    read_http(text);
    read_websocket(text);
    free(text);
    return 0;
}
