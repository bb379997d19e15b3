#include "ring_wait.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "wick/clock.h"

wk_status wk__ring_bell_init(wk__ring_bell *bell, wk_err *err)
{
    bell->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (bell->fd < 0)
        return wk_fail(err, WK_E_IO, "eventfd: %s; are there too many open files?",
                       strerror(errno));
    atomic_init(&bell->asleep, false);
    return WK_OK;
}

void wk__ring_bell_finish(wk__ring_bell *bell)
{
    close(bell->fd);
}

void wk__ring_bell_ring(wk__ring_bell *bell)
{
    /* Sequentially consistent on both sides: either the consumer's second look sees the push, or
     * this exchange sees that it is asleep. */
    if (!atomic_exchange(&bell->asleep, false))
        return;
    uint64_t one = 1;
    /* A full counter wakes the consumer just as well. */
    ssize_t ignored = write(bell->fd, &one, sizeof one);
    (void)ignored;
}

void wk__ring_bell_wait(wk__ring_bell *bell, bool (*is_empty)(const void *ring), const void *ring,
                        int64_t timeout_ns)
{
    if (!is_empty(ring) || timeout_ns <= 0)
        return;
    atomic_store(&bell->asleep, true);
    if (is_empty(ring)) {
        struct pollfd wanted = {.fd = bell->fd, .events = POLLIN};
        struct timespec ts = {timeout_ns / WK_NS_PER_S, timeout_ns % WK_NS_PER_S};
        ppoll(&wanted, 1, &ts, NULL);
    }
    atomic_store(&bell->asleep, false);
    uint64_t count;
    ssize_t ignored = read(bell->fd, &count, sizeof count);
    (void)ignored;
}
