/* What addresses of HTTP and of WebSockets share. No I/O; any text is safe. */
#ifndef WICK_NET_AUTHORITY_H
#define WICK_NET_AUTHORITY_H

#include <stddef.h>

/* Host and port of an address, from behind its scheme on: what follows them, or NULL and *why. The
 * host is without the brackets of an IPv6 address; *port stays where none is given. */
const char *wk__authority_parse(const char *text, char *host, size_t host_bytes, int *port,
                                const char **why);

#endif
