/* A file instead of memory: the small box keeps months of bars of many markets, and reads them only
 * when a new model comes. */
#include "reload_history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HAS_FUNDING = 1, HAS_OUTSIDE = 2 };

typedef struct {
    uint64_t seq;
    int64_t time_ns;
    uint64_t flags;
} head;

wk__step_layout wk__step_layout_of(size_t S, size_t K)
{
    size_t bytes = sizeof(head) + S * sizeof(wk_bar) + (S + S * K) * sizeof(double) + S;
    return (wk__step_layout){S, K, (bytes + 7) / 8 * 8};
}

void wk__step_pack(const wk__step_layout *l, uint64_t seq, const wk_features_step *step,
                   void *record)
{
    char *at = record;
    head h = {seq, step->time_ns,
              (step->funding_known ? HAS_FUNDING : 0u) | (step->outside ? HAS_OUTSIDE : 0u)};
    memcpy(at, &h, sizeof h);
    at += sizeof h;
    memcpy(at, step->bars, l->S * sizeof *step->bars);
    at += l->S * sizeof *step->bars;
    if (step->funding_known)
        memcpy(at, step->funding_known, l->S * sizeof(double));
    at += l->S * sizeof(double);
    if (step->outside)
        memcpy(at, step->outside, l->S * l->K * sizeof(double));
    at += l->S * l->K * sizeof(double);
    memcpy(at, step->provenance, l->S);
}

uint64_t wk__step_unpack(const wk__step_layout *l, const void *record, wk_features_step *step)
{
    const char *at = record;
    head h;
    memcpy(&h, at, sizeof h);
    at += sizeof h;
    *step = (wk_features_step){.time_ns = h.time_ns, .bars = (const void *)at};
    at += l->S * sizeof(wk_bar);
    step->funding_known = h.flags & HAS_FUNDING ? (const void *)at : NULL;
    at += l->S * sizeof(double);
    step->outside = h.flags & HAS_OUTSIDE ? (const void *)at : NULL;
    at += l->S * l->K * sizeof(double);
    step->provenance = (const void *)at;
    return h.seq;
}

wk_status wk__history_file(const char *dir, int *out, wk_err *err)
{
    const char *tmp = getenv("TMPDIR");
    if (!dir[0])
        dir = tmp && tmp[0] ? tmp : "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system that does not know nameless files */
        char path[4096];
        snprintf(path, sizeof path, "%.4000s/history.XXXXXX", dir);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    if (fd < 0)
        return wk_fail(err, WK_E_IO, "cannot make a file in %s: %s", dir, strerror(errno));
    *out = fd;
    return WK_OK;
}

wk_status wk__history_open(const char *dir, const wk__step_layout *layout, uint64_t capacity,
                           wk__history *out, wk_err *err)
{
    int fd;
    WK_TRY(wk__history_file(dir, &fd, err));
    *out = (wk__history){.layout = *layout, .fd = fd, .capacity = capacity};
    return WK_OK;
}

void wk__history_close(wk__history *h)
{
    if (h->capacity && !h->is_part)
        close(h->fd);
    *h = (wk__history){0};
}

void wk__history_part(const wk__history *whole, size_t slot, wk__history *out)
{
    *out = (wk__history){.layout = whole->layout,
                         .fd = whole->fd,
                         .is_part = true,
                         .base = (int64_t)(slot * whole->capacity * whole->layout.size_bytes),
                         .capacity = whole->capacity};
}

static off_t place(const wk__history *h, uint64_t seq)
{
    return (off_t)(h->base + (int64_t)(seq % h->capacity * h->layout.size_bytes));
}

wk_status wk__history_append(wk__history *h, const void *record, wk_err *err)
{
    uint64_t seq;
    memcpy(&seq, record, sizeof seq);
    if (seq != h->next || h->first == h->next)
        h->first = seq;
    /* The oldest is gone before its place is written to. */
    if (seq >= h->first + h->capacity)
        h->first = seq + 1 - h->capacity;
    h->next = seq;
    ssize_t n = pwrite(h->fd, record, h->layout.size_bytes, place(h, seq));
    if (n != (ssize_t)h->layout.size_bytes)
        return wk_fail(err, WK_E_IO, "the history of bars cannot be written: %s",
                       n < 0 ? strerror(errno) : "the disk is full");
    h->next = seq + 1;
    return WK_OK;
}

wk_status wk__history_read(const wk__history *h, uint64_t seq, void *record, wk_err *err)
{
    WK_ASSERT(seq >= h->first && seq < h->next);
    ssize_t n = pread(h->fd, record, h->layout.size_bytes, place(h, seq));
    uint64_t found;
    memcpy(&found, record, sizeof found);
    if (n != (ssize_t)h->layout.size_bytes || found != seq)
        return wk_fail(err, WK_E_IO, "the history of bars cannot be read: %s",
                       n < 0 ? strerror(errno) : "it is damaged");
    return WK_OK;
}
