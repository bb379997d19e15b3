/* A message lies in one piece behind its head; one that would wrap starts at the front again, and a
 * head with kind FILLER takes the rest of the end. */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ring_wait.h"
#include "wick/ring.h"

enum { LINE = 64, ALIGN = 16 };

typedef struct {
    int64_t time_ns;
    uint64_t lost;
    uint64_t n;
    int32_t source, kind;
    uint64_t is_filler;
    uint64_t size; /* of head, bytes and padding */
} head;

struct wk_frame_ring {
    size_t capacity;
    char *bytes;
    wk__ring_bell bell;
    alignas(LINE) atomic_size_t written; /* producer: bytes ever */
    uint64_t lost;
    atomic_uint_fast64_t dropped;
    alignas(LINE) atomic_size_t taken; /* consumer: bytes ever */
};

wk_status wk_frame_ring_create(size_t capacity_bytes, wk_frame_ring **out, wk_err *err)
{
    size_t capacity = 4096, most = (size_t)1 << 30;
    while (capacity < capacity_bytes && capacity < most)
        capacity *= 2;
    if (capacity < capacity_bytes)
        return wk_fail(err, WK_E_RANGE, "a frame ring of %zu bytes is too large; at most 1 GiB",
                       capacity_bytes);
    wk_frame_ring *ring = aligned_alloc(LINE, (sizeof *ring + LINE - 1) / LINE * LINE);
    char *bytes = aligned_alloc(LINE, capacity);
    if (!ring || !bytes) {
        free(ring);
        free(bytes);
        return wk_fail(err, WK_E_NOMEM, "out of memory: a frame ring of %zu bytes", capacity);
    }
    memset(ring, 0, sizeof *ring);
    ring->capacity = capacity;
    ring->bytes = bytes;
    atomic_init(&ring->written, 0);
    atomic_init(&ring->taken, 0);
    atomic_init(&ring->dropped, 0);
    wk_status status = wk__ring_bell_init(&ring->bell, err);
    if (status != WK_OK) {
        free(bytes);
        free(ring);
        return status;
    }
    *out = ring;
    return WK_OK;
}

void wk_frame_ring_destroy(wk_frame_ring *ring)
{
    if (!ring)
        return;
    wk__ring_bell_finish(&ring->bell);
    free(ring->bytes);
    free(ring);
}

bool wk_frame_ring_push(wk_frame_ring *ring, const wk_frame *frame)
{
    size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    size_t room =
        ring->capacity - (written - atomic_load_explicit(&ring->taken, memory_order_acquire));
    size_t at = written & (ring->capacity - 1), end = ring->capacity - at;
    size_t size = 0, filler = 0;
    bool fits = frame->n <= ring->capacity / 2 - sizeof(head) - ALIGN;
    if (fits) {
        size = (sizeof(head) + frame->n + ALIGN - 1) / ALIGN * ALIGN;
        filler = size > end ? end : 0;
        fits = filler + size <= room;
    }
    if (!fits) {
        ring->lost++;
        atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
        return false;
    }
    if (filler) {
        /* The end may be shorter than a head: then its length alone tells the consumer. */
        if (end >= sizeof(head)) {
            head h = {.is_filler = 1, .size = end};
            memcpy(ring->bytes + at, &h, sizeof h);
        }
        at = 0;
    }
    head h = {.time_ns = frame->time_ns,
              .lost = ring->lost,
              .n = frame->n,
              .source = frame->source,
              .kind = frame->kind,
              .size = size};
    memcpy(ring->bytes + at, &h, sizeof h);
    if (frame->n)
        memcpy(ring->bytes + at + sizeof h, frame->bytes, frame->n);
    ring->lost = 0;
    atomic_store(&ring->written, written + filler + size);
    wk__ring_bell_ring(&ring->bell);
    return true;
}

static size_t skip_filler(const wk_frame_ring *ring, size_t taken, head *h)
{
    size_t at = taken & (ring->capacity - 1), end = ring->capacity - at;
    if (end >= sizeof *h)
        memcpy(h, ring->bytes + at, sizeof *h);
    if (end < sizeof *h || h->is_filler) {
        taken += end;
        memcpy(h, ring->bytes, sizeof *h);
    }
    return taken;
}

bool wk_frame_ring_peek(wk_frame_ring *ring, wk_frame *out)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&ring->written, memory_order_acquire))
        return false;
    head h;
    taken = skip_filler(ring, taken, &h);
    *out = (wk_frame){.time_ns = h.time_ns,
                      .source = h.source,
                      .kind = h.kind,
                      .lost = h.lost,
                      .bytes = ring->bytes + (taken & (ring->capacity - 1)) + sizeof h,
                      .n = h.n};
    return true;
}

void wk_frame_ring_release(wk_frame_ring *ring)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    WK_ASSERT(taken != atomic_load_explicit(&ring->written, memory_order_acquire));
    head h;
    taken = skip_filler(ring, taken, &h);
    atomic_store_explicit(&ring->taken, taken + h.size, memory_order_release);
}

static bool is_empty(const void *of)
{
    const wk_frame_ring *ring = of;
    return atomic_load(&ring->written) == atomic_load_explicit(&ring->taken, memory_order_relaxed);
}

bool wk_frame_ring_wait(wk_frame_ring *ring, int64_t timeout_ns)
{
    wk__ring_bell_wait(&ring->bell, is_empty, ring, timeout_ns);
    return !is_empty(ring);
}

uint64_t wk_frame_ring_dropped(const wk_frame_ring *ring)
{
    return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}

size_t wk_frame_ring_used_bytes(const wk_frame_ring *ring)
{
    size_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
    return atomic_load_explicit(&ring->written, memory_order_acquire) - taken;
}
