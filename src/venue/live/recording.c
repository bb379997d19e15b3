/* Writing. Messages gather in memory and leave as one gzip member in one write: what a crash can
 * cut is the last member alone, and opening the file again cuts that off, so that zcat reads every
 * file. */
#include "wick/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "recording_internal.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/text.h"

enum { MEMBER_BYTES = 256 << 10 };

struct wk_recorder {
    char dir[PATH_MAX - 32], path[PATH_MAX];
    int fd;            /* -1: none yet */
    int64_t day;       /* of the open file, days since 1970 */
    int64_t member_ns; /* receive time of the member's first message */
    wk_text member;
    unsigned char *packed;
    size_t packed_bytes;
};

wk_status wk_recorder_open(const char *dir, wk_recorder **out, wk_err *err)
{
    WK_TRY(wk_dir_create(dir, err));
    wk_recorder *recorder = calloc(1, sizeof *recorder);
    if (!recorder)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    recorder->fd = -1;
    if (snprintf(recorder->dir, sizeof recorder->dir, "%s", dir) >= (int)sizeof recorder->dir) {
        free(recorder);
        return wk_fail(err, WK_E_ARG, "the path of the recording is too long: %.80s...", dir);
    }
    *out = recorder;
    return WK_OK;
}

/* Where the last whole gzip member of the file ends. */
static wk_status whole_bytes(const char *path, int fd, off_t *whole, wk_err *err)
{
    unsigned char in[1 << 15], out[1 << 15];
    z_stream z = {0};
    off_t read_at = 0;
    *whole = 0;
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    for (int is_over = 0; !is_over;) {
        ssize_t n = pread(fd, in, sizeof in, read_at);
        if (n < 0)
            status = wk_fail(err, WK_E_IO, "%s: %s", path, strerror(errno));
        if (n <= 0)
            break;
        z.next_in = in;
        z.avail_in = (unsigned)n;
        read_at += n;
        while (z.avail_in && !is_over) {
            z.next_out = out;
            z.avail_out = sizeof out;
            int result = inflate(&z, Z_NO_FLUSH);
            if (result == Z_STREAM_END) {
                *whole = read_at - (off_t)z.avail_in;
                inflateReset(&z);
            } else if (result != Z_OK) {
                is_over = 1;
            }
        }
    }
    inflateEnd(&z);
    return status;
}

static wk_status open_day(wk_recorder *recorder, int64_t day, wk_err *err)
{
    wk_civil date = wk_civil_from_ns(day * 86400 * WK_NS_PER_S);
    snprintf(recorder->path, sizeof recorder->path, "%s/%04d-%02d-%02d.wkr.gz", recorder->dir,
             date.year % 10000, date.month, date.day);
    int fd = open(recorder->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return wk_fail(err, WK_E_IO, "%s: %s", recorder->path, strerror(errno));
    off_t whole;
    wk_status status = WK_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = wk_fail(err, WK_E_STATE,
                         "%s is being written by another process; stop it or choose "
                         "another directory",
                         recorder->path);
    if (status == WK_OK)
        status = whole_bytes(recorder->path, fd, &whole, err);
    struct stat st;
    if (status == WK_OK && fstat(fd, &st) == 0 && st.st_size > 0 && whole == 0 &&
        st.st_size > 1 << 20)
        status = wk_fail(err, WK_E_DATA, "%s is no recording; move it away", recorder->path);
    if (status == WK_OK && (ftruncate(fd, whole) != 0 || lseek(fd, whole, SEEK_SET) != whole))
        status = wk_fail(err, WK_E_IO, "%s: %s", recorder->path, strerror(errno));
    if (status != WK_OK) {
        close(fd);
        return status;
    }
    /* The new name has to survive a power loss as well. */
    int dir = open(recorder->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    recorder->fd = fd;
    recorder->day = day;
    return WK_OK;
}

static wk_status pack(wk_recorder *recorder, size_t *n, wk_err *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t bound = deflateBound(&z, recorder->member.n);
    if (bound > recorder->packed_bytes) {
        unsigned char *grown = realloc(recorder->packed, bound);
        if (!grown) {
            deflateEnd(&z);
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        recorder->packed = grown;
        recorder->packed_bytes = bound;
    }
    z.next_in = (unsigned char *)recorder->member.s;
    z.avail_in = (unsigned)recorder->member.n;
    z.next_out = recorder->packed;
    z.avail_out = (unsigned)recorder->packed_bytes;
    int result = deflate(&z, Z_FINISH);
    WK_ASSERT(result == Z_STREAM_END);
    *n = recorder->packed_bytes - z.avail_out;
    deflateEnd(&z);
    return WK_OK;
}

/* Writes the member. A write that fails half-way (a full disk) is taken back, so that the file
 * stays whole, and its messages are kept for the next try unless they have become too many. */
static wk_status end_member(wk_recorder *recorder, wk_err *err)
{
    if (recorder->member.n == 0)
        return WK_OK;
    size_t n = 0;
    WK_TRY(pack(recorder, &n, err));
    off_t start = lseek(recorder->fd, 0, SEEK_CUR);
    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(recorder->fd, recorder->packed + done, n - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0) {
            wk_status status = wk_fail(err, WK_E_IO, "%s: %s", recorder->path, strerror(errno));
            if (ftruncate(recorder->fd, start) == 0)
                lseek(recorder->fd, start, SEEK_SET);
            if (recorder->member.n > (size_t)WK__RECORD_BYTES_MAX)
                recorder->member.n = 0;
            return status;
        }
        done += (size_t)wrote;
    }
    recorder->member.n = 0;
    return WK_OK;
}

static void close_day(wk_recorder *recorder)
{
    if (recorder->fd < 0)
        return;
    fdatasync(recorder->fd);
    close(recorder->fd);
    recorder->fd = -1;
}

wk_status wk_recorder_put(wk_recorder *recorder, int64_t receive_ns, const char *connection,
                          char direction, const char *bytes, size_t n, wk_err *err)
{
    WK_ASSERT(receive_ns >= 0 && (direction == '<' || direction == '>' || direction == '!'));
    WK_ASSERT(connection[0] && strlen(connection) < 32 && !strpbrk(connection, " \n"));
    if (n > WK__RECORD_BYTES_MAX)
        return wk_fail(err, WK_E_RANGE, "a message of %zu bytes is too long to record", n);
    int64_t day = receive_ns / (86400 * WK_NS_PER_S);
    if (recorder->fd >= 0 && day > recorder->day) {
        WK_TRY(end_member(recorder, err));
        close_day(recorder);
    }
    if (recorder->fd < 0)
        WK_TRY(open_day(recorder, day, err));
    if (recorder->member.n &&
        (recorder->member.n + n > MEMBER_BYTES || receive_ns - recorder->member_ns >= WK_NS_PER_S))
        WK_TRY(end_member(recorder, err));
    if (recorder->member.n == 0)
        recorder->member_ns = receive_ns;
    wk_text_printf(&recorder->member, "%lld %s %c %zu\n", (long long)receive_ns, connection,
                   direction, n);
    wk_text_add_bytes(&recorder->member, bytes, n);
    wk_text_add_bytes(&recorder->member, "\n", 1);
    return WK_OK;
}

wk_status wk_recorder_sync(wk_recorder *recorder, wk_err *err)
{
    if (recorder->fd < 0)
        return WK_OK;
    WK_TRY(end_member(recorder, err));
    if (fdatasync(recorder->fd) != 0)
        return wk_fail(err, WK_E_IO, "%s: %s", recorder->path, strerror(errno));
    return WK_OK;
}

void wk_recorder_close(wk_recorder *recorder)
{
    if (!recorder)
        return;
    wk_err ignored;
    if (recorder->fd >= 0 && end_member(recorder, &ignored) == WK_OK)
        close_day(recorder);
    if (recorder->fd >= 0)
        close(recorder->fd);
    free(recorder->member.s);
    free(recorder->packed);
    free(recorder);
}
