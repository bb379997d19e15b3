/* The file holds a bound ahead of what was handed out, so that it is written once a minute and not
 * once a request; a restart begins at the bound. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/sign.h"

enum { AHEAD_US = 60 * 1000 * 1000 };

struct wk_nonce {
    pthread_mutex_t lock;
    char *path;
    int lock_fd;
    int64_t (*now_ns)(void *ctx); /* NULL: the wall clock */
    void *ctx;
    uint64_t last, bound; /* last < bound: may be handed out without a write */
    bool is_unkept;       /* the newest bound could not be written, and the log says so */
};

static wk_status read_bound(const char *path, uint64_t *bound, wk_err *err)
{
    *bound = 0;
    if (!wk_file_exists(path))
        return WK_OK;
    char *text;
    size_t n;
    WK_TRY(wk_file_read(path, &text, &n, err));
    size_t digits = strspn(text, "0123456789");
    bool good = digits > 0 && digits < 20 && strcmp(text + digits, "\n") == 0;
    if (good)
        *bound = strtoull(text, NULL, 10);
    free(text);
    if (!good)
        return wk_fail(err, WK_E_DATA,
                       "%s: is not a kept nonce; write into it a number of microseconds above the "
                       "last nonce that was used",
                       path);
    return WK_OK;
}

wk_status wk_nonce_open(const char *path, wk_nonce **out, wk_err *err)
{
    char lock_path[4096];
    if (snprintf(lock_path, sizeof lock_path, "%s.lock", path) >= (int)sizeof lock_path)
        return wk_fail(err, WK_E_ARG, "%s: the path is too long", path);
    int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return wk_fail(err, WK_E_IO, "%s: %s", lock_path, strerror(errno));
    wk_status status;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = wk_fail(err, WK_E_STATE,
                         "%s: another process uses this key; one key a process, make a second one",
                         path);
        goto shut;
    }
    uint64_t bound;
    if ((status = read_bound(path, &bound, err)) != WK_OK)
        goto shut;
    wk_nonce *nonce = calloc(1, sizeof *nonce);
    char *copy = strdup(path);
    if (!nonce || !copy) {
        free(nonce);
        free(copy);
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
        goto shut;
    }
    pthread_mutex_init(&nonce->lock, NULL);
    nonce->path = copy;
    nonce->lock_fd = fd;
    nonce->last = nonce->bound = bound;
    *out = nonce;
    return WK_OK;
shut:
    close(fd);
    return status;
}

void wk_nonce_close(wk_nonce *nonce)
{
    if (!nonce)
        return;
    pthread_mutex_destroy(&nonce->lock);
    close(nonce->lock_fd);
    free(nonce->path);
    free(nonce);
}

void wk_nonce_set_clock(wk_nonce *nonce, int64_t (*now_ns)(void *ctx), void *ctx)
{
    nonce->now_ns = now_ns;
    nonce->ctx = ctx;
}

/* Keeps a bound above `next`. Where that fails, a nonce may be handed out all the same when the
 * clock has passed the bound that is kept: a disk that has become full must not keep an exit back,
 * and a restart begins at the later of both. Below it the numbers go on from the bound, and a
 * restart would hand them out again, so nobody gets one until the clock has come there. */
static wk_status keep_bound(wk_nonce *nonce, uint64_t next, uint64_t now, wk_err *err)
{
    char text[32];
    uint64_t bound = next + AHEAD_US;
    int n = snprintf(text, sizeof text, "%llu\n", (unsigned long long)bound);
    wk_status status = wk_file_write_atomic(nonce->path, text, (size_t)n, err);
    if (status == WK_OK) {
        if (nonce->is_unkept)
            wk_log_write(WK_LOG_INFO, "net.nonce", "file=%s note=\"is kept again\"", nonce->path);
        nonce->bound = bound;
        nonce->is_unkept = false;
        return WK_OK;
    }
    wk_err why = *err;
    bool goes_on = nonce->bound > 0 && now >= nonce->bound;
    if (!nonce->is_unkept)
        wk_log_write(WK_LOG_ERROR, "net.nonce", "why=\"%s\" note=\"%s\"", why.msg,
                     goes_on ? "goes on by the clock" : "no request until it can be written");
    nonce->is_unkept = true;
    if (goes_on)
        return WK_OK;
    if (nonce->bound > 0)
        return wk_fail(err, status,
                       "%.300s; until the clock has passed the bound, in %.1f s, or it "
                       "can be written, there is no nonce",
                       why.msg, (double)(nonce->bound - now) * 1e-6);
    return status;
}

wk_status wk_nonce_next(wk_nonce *nonce, uint64_t *out, wk_err *err)
{
    wk_status status = WK_OK;
    pthread_mutex_lock(&nonce->lock);
    int64_t now_ns = nonce->now_ns ? nonce->now_ns(nonce->ctx) : wk_clock_wall_ns();
    uint64_t now = (uint64_t)(now_ns / 1000);
    uint64_t next = now > nonce->last ? now : nonce->last + 1;
    if (next >= nonce->bound && !nonce->now_ns)
        status = keep_bound(nonce, next, now, err);
    if (status == WK_OK)
        *out = nonce->last = next;
    pthread_mutex_unlock(&nonce->lock);
    return status;
}
