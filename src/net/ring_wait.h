/* How a consumer of a ring sleeps: it announces itself, looks once more, then waits; the producer
 * looks for the announcement after each push and only then makes a system call. */
#ifndef WICK_NET_RING_WAIT_H
#define WICK_NET_RING_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct {
    int fd; /* eventfd */
    atomic_bool asleep;
} wk__ring_bell;

WK_MUST_CHECK wk_status wk__ring_bell_init(wk__ring_bell *bell, wk_err *err);
void wk__ring_bell_finish(wk__ring_bell *bell);
/* Producer, after what it pushed became visible. */
void wk__ring_bell_ring(wk__ring_bell *bell);
/* Consumer: sleeps while `is_empty` holds, at most timeout_ns. */
void wk__ring_bell_wait(wk__ring_bell *bell, bool (*is_empty)(const void *ring), const void *ring,
                        int64_t timeout_ns);

#endif
