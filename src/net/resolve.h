/* Name lookups, each on a thread of its own that nobody waits for. */
#ifndef WICK_NET_RESOLVE_H
#define WICK_NET_RESOLVE_H

#include <stdbool.h>

#include "wick/websocket.h"

enum { WK__ADDRESSES_MAX = 8 };

typedef struct wk__lookup wk__lookup;

/* Starts a lookup; `done` is called from its thread with done_ctx once it ended, unless it was
 * given up before. */
WK_MUST_CHECK wk_status wk__lookup_start(const char *host, int address_family,
                                         wk_websocket_resolver resolve, void *resolve_ctx,
                                         void (*done)(void *done_ctx), void *done_ctx,
                                         wk__lookup **out, wk_err *err);
/* Has it ended? Then the addresses are its result (none: `why`). */
bool wk__lookup_poll(wk__lookup *lookup, char (*addresses)[64], size_t *n, char why[128]);
/* The caller's half is gone; `done` is not called after this returned. Accepts NULL. */
void wk__lookup_give_up(wk__lookup *lookup);

#endif
