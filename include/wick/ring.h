/* Bounded rings between two threads: one producer, one consumer, no locks. Neither side ever waits
 * for the other: a full ring drops what is pushed and counts it. A consumer that has nothing to do
 * may sleep in wk_ring_wait; the producer then pays one system call to wake it, else none. */
#ifndef WICK_RING_H
#define WICK_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

/* ---- fixed records: market events for a trader, bars for the store ---- */

typedef struct wk_ring wk_ring;

/* Room for at least n_min records of record_bytes each (rounded up to a power of two, at most 2^24
 * records and 1 GiB). On failure *out is untouched. */
WK_MUST_CHECK wk_status wk_ring_create(size_t record_bytes, size_t n_min, wk_ring **out,
                                       wk_err *err);
void wk_ring_destroy(wk_ring *ring);

/* Producer: copies the record in; false when the ring is full: the record is dropped and counted.
 */
bool wk_ring_push(wk_ring *ring, const void *record);
/* The same without waking a consumer that sleeps: wk_ring_wake follows when there is time for the
 * system call, or the consumer's own time-out ends its sleep. */
bool wk_ring_push_quiet(wk_ring *ring, const void *record);
void wk_ring_wake(wk_ring *ring);
/* Consumer: copies the oldest record out; false when there is none. */
bool wk_ring_pop(wk_ring *ring, void *record);
/* Consumer: sleeps until something is there, at most timeout_ns. True when something is. */
bool wk_ring_wait(wk_ring *ring, int64_t timeout_ns);
/* Any thread. The consumer can tell from a growing count that it missed records. */
uint64_t wk_ring_dropped(const wk_ring *ring);
size_t wk_ring_used(const wk_ring *ring);

/* ---- messages of any length: frames as they came from the sockets ---- */

typedef struct wk_frame_ring wk_frame_ring;

typedef struct {
    int64_t time_ns;
    int32_t source; /* which connection */
    int32_t kind;   /* the user's */
    uint64_t lost;  /* messages of any source that were dropped just before this one */
    const char *bytes;
    size_t n;
} wk_frame;

/* capacity_bytes is rounded up to a power of two, 4 KiB..1 GiB; a message takes its length and 48
 * bytes, and may be at most half of it. */
WK_MUST_CHECK wk_status wk_frame_ring_create(size_t capacity_bytes, wk_frame_ring **out,
                                             wk_err *err);
void wk_frame_ring_destroy(wk_frame_ring *ring);

/* Producer: copies the bytes in (frame->lost is not read); false when they do not fit. */
bool wk_frame_ring_push(wk_frame_ring *ring, const wk_frame *frame);
/* Consumer: the oldest message, borrowed until wk_frame_ring_release; false when there is none. */
bool wk_frame_ring_peek(wk_frame_ring *ring, wk_frame *out);
void wk_frame_ring_release(wk_frame_ring *ring);
bool wk_frame_ring_wait(wk_frame_ring *ring, int64_t timeout_ns);
uint64_t wk_frame_ring_dropped(const wk_frame_ring *ring);
size_t wk_frame_ring_used_bytes(const wk_frame_ring *ring);

#endif
