#include "authority.h"

#include <stdlib.h>
#include <string.h>

const char *wk__authority_parse(const char *text, char *host, size_t host_bytes, int *port,
                                const char **why)
{
    const char *start = text, *rest;
    size_t n;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c <= ' ' || *c == 127) {
            *why = "a space or control character in the address";
            return NULL;
        }
    if (*text == '[') {
        start++;
        n = strcspn(start, "]/?#@");
        rest = start + n;
        if (*rest++ != ']') {
            *why = "no ] after the address";
            return NULL;
        }
    } else {
        n = strcspn(start, ":/?#@");
        rest = start + n;
    }
    *why = "no host in the address";
    if (n == 0 || n >= host_bytes)
        return NULL;
    memcpy(host, start, n);
    host[n] = 0;
    if (*rest != ':')
        return rest;
    char *end;
    long number = strtol(rest + 1, &end, 10);
    *why = "the port is none";
    if (rest[1] < '0' || rest[1] > '9' || number < 1 || number > 65535)
        return NULL;
    *port = (int)number;
    return end;
}
