#include "wick/ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ring_wait.h"

enum { LINE = 64, PAGE = 4096, RECORDS_MAX = 1 << 24 };

/* Each side owns a cache line with its own position and its last look at the other's. */
struct wk_ring {
    size_t record_bytes, mask;
    char *records;
    wk__ring_bell bell;
    alignas(LINE) atomic_size_t head; /* producer: records ever pushed */
    size_t tail_seen;
    atomic_uint_fast64_t dropped;
    alignas(LINE) atomic_size_t tail; /* consumer: records ever popped */
    size_t head_seen;
};

wk_status wk_ring_create(size_t record_bytes, size_t n_min, wk_ring **out, wk_err *err)
{
    size_t n = 2;
    while (n < n_min && n < RECORDS_MAX)
        n *= 2;
    if (record_bytes == 0 || n < n_min || record_bytes > ((size_t)1 << 30) / n)
        return wk_fail(err, WK_E_RANGE,
                       "a ring of %zu records of %zu bytes is too large; at most 2^24 records and "
                       "1 GiB",
                       n_min, record_bytes);
    wk_ring *ring = aligned_alloc(LINE, (sizeof *ring + LINE - 1) / LINE * LINE);
    char *records = malloc(n * record_bytes);
    if (!ring || !records) {
        free(ring);
        free(records);
        return wk_fail(err, WK_E_NOMEM, "out of memory: a ring of %zu bytes", n * record_bytes);
    }
    memset(ring, 0, sizeof *ring);
    /* Touched here, so that no push meets a page fault and memory does not grow while it runs: a
     * memset would become a calloc, which touches nothing. */
    for (size_t i = 0; i < n * record_bytes; i += PAGE)
        *(volatile char *)(records + i) = 0;
    ring->record_bytes = record_bytes;
    ring->mask = n - 1;
    ring->records = records;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    atomic_init(&ring->dropped, 0);
    wk_status status = wk__ring_bell_init(&ring->bell, err);
    if (status != WK_OK) {
        free(records);
        free(ring);
        return status;
    }
    *out = ring;
    return WK_OK;
}

void wk_ring_destroy(wk_ring *ring)
{
    if (!ring)
        return;
    wk__ring_bell_finish(&ring->bell);
    free(ring->records);
    free(ring);
}

bool wk_ring_push_quiet(wk_ring *ring, const void *record)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - ring->tail_seen > ring->mask) {
        ring->tail_seen = atomic_load_explicit(&ring->tail, memory_order_acquire);
        if (head - ring->tail_seen > ring->mask) {
            atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
            return false;
        }
    }
    memcpy(ring->records + (head & ring->mask) * ring->record_bytes, record, ring->record_bytes);
    atomic_store(&ring->head, head + 1);
    return true;
}

void wk_ring_wake(wk_ring *ring)
{
    wk__ring_bell_ring(&ring->bell);
}

bool wk_ring_push(wk_ring *ring, const void *record)
{
    if (!wk_ring_push_quiet(ring, record))
        return false;
    wk__ring_bell_ring(&ring->bell);
    return true;
}

bool wk_ring_pop(wk_ring *ring, void *record)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    if (tail == ring->head_seen) {
        ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
        if (tail == ring->head_seen)
            return false;
    }
    memcpy(record, ring->records + (tail & ring->mask) * ring->record_bytes, ring->record_bytes);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

static bool is_empty(const void *of)
{
    const wk_ring *ring = of;
    return atomic_load(&ring->head) == atomic_load_explicit(&ring->tail, memory_order_relaxed);
}

bool wk_ring_wait(wk_ring *ring, int64_t timeout_ns)
{
    wk__ring_bell_wait(&ring->bell, is_empty, ring, timeout_ns);
    return !is_empty(ring);
}

uint64_t wk_ring_dropped(const wk_ring *ring)
{
    return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}

size_t wk_ring_used(const wk_ring *ring)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
}
