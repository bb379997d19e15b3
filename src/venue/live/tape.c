/* The recorder's thread: compresses and syncs once a second. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "keeper.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { RING_BYTES = 64 << 20 };

struct wk__tape {
    wk_recorder *recorder;
    const wk_live *live;
    wk_frame_ring *ring;
    pthread_t thread;
    atomic_bool is_ending;
    uint64_t n_failed;
};

static void failed(wk__tape *t, const wk_err *why)
{
    if (t->n_failed++ % 1000 == 0)
        wk_log_write(WK_LOG_ERROR, "live.recording", "failed=%" PRIu64 " why=\"%s\"", t->n_failed,
                     why->msg);
}

static void *run(void *of)
{
    wk__tape *t = of;
    int64_t synced_ns = wk_clock_monotonic_ns();
    for (;;) {
        bool is_ending = atomic_load(&t->is_ending), is_idle = true;
        wk_frame f;
        wk_err why;
        for (int n = 0; n < 1000 && wk_frame_ring_peek(t->ring, &f); n++) {
            const char *name =
                f.source < 0 ? "wick" : wk_live_connection_name(t->live, (uint32_t)f.source);
            is_idle = false;
            if (f.lost)
                wk_log_write(WK_LOG_ERROR, "live.recording",
                             "lost=%" PRIu64 " why=\"the disk is too slow\"", f.lost);
            if (wk_recorder_put(t->recorder, f.time_ns, name, (char)f.kind, f.bytes, f.n, &why) !=
                WK_OK)
                failed(t, &why);
            wk_frame_ring_release(t->ring);
        }
        int64_t now = wk_clock_monotonic_ns();
        if (now - synced_ns >= WK_NS_PER_S) {
            synced_ns = now;
            if (wk_recorder_sync(t->recorder, &why) != WK_OK)
                failed(t, &why);
        }
        if (is_idle && is_ending)
            return NULL;
        if (is_idle)
            wk_frame_ring_wait(t->ring, WK_NS_PER_S / 5);
    }
}

wk_status wk__tape_open(const char *dir, const wk_live *live, wk__tape **out, wk_err *err)
{
    wk__tape *t = calloc(1, sizeof *t);
    if (!t)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    t->live = live;
    wk_status status = wk_recorder_open(dir, &t->recorder, err);
    if (status == WK_OK)
        status = wk_frame_ring_create(RING_BYTES, &t->ring, err);
    if (status == WK_OK && pthread_create(&t->thread, NULL, run, t) != 0)
        status = wk_fail(err, WK_E_IO, "cannot start a thread");
    if (status != WK_OK) {
        wk_recorder_close(t->recorder);
        wk_frame_ring_destroy(t->ring);
        free(t);
        return status;
    }
    *out = t;
    return WK_OK;
}

void wk__tape_put(wk__tape *t, int64_t receive_ns, int connection, char direction,
                  const char *bytes, size_t n)
{
    wk_frame f = {
        .time_ns = receive_ns, .source = connection, .kind = direction, .bytes = bytes, .n = n};
    wk_frame_ring_push(t->ring, &f);
}

void wk__tape_close(wk__tape *t)
{
    if (!t)
        return;
    atomic_store(&t->is_ending, true);
    pthread_join(t->thread, NULL);
    wk_recorder_close(t->recorder);
    wk_frame_ring_destroy(t->ring);
    free(t);
}
