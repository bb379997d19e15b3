#include "wick/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

wk_status wk_file_read(const char *path, char **out, size_t *size_bytes, wk_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return wk_fail(err, WK_E_IO, "cannot open %s: %s", path, strerror(errno));
    size_t n = 0, capacity = 1 << 16;
    char *bytes = malloc(capacity);
    wk_status status = WK_OK;
    for (;;) {
        if (!bytes) {
            status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
            break;
        }
        ssize_t got = read(fd, bytes + n, capacity - n - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            status = wk_fail(err, WK_E_IO, "cannot read %s: %s", path, strerror(errno));
            break;
        }
        if (got == 0)
            break;
        n += (size_t)got;
        if (capacity - n < 2) {
            capacity *= 2;
            char *grown = realloc(bytes, capacity);
            if (!grown)
                free(bytes);
            bytes = grown;
        }
    }
    close(fd);
    if (status != WK_OK) {
        free(bytes);
        return status;
    }
    bytes[n] = 0;
    *out = bytes;
    if (size_bytes)
        *size_bytes = n;
    return WK_OK;
}

wk_status wk_draft_open(const char *path, wk_draft *out, wk_err *err)
{
    wk_draft draft = {.path = strdup(path)};
    if (!draft.path || asprintf(&draft.beside, "%s.%ld.part", path, (long)getpid()) < 0) {
        free(draft.path);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    draft.stream = fopen(draft.beside, "we");
    if (!draft.stream) {
        int why = errno;
        free(draft.path);
        free(draft.beside);
        return wk_fail(err, WK_E_IO, "cannot write %s: %s", path, strerror(why));
    }
    *out = draft;
    return WK_OK;
}

wk_status wk_draft_publish(wk_draft *draft, wk_err *err)
{
    /* An error of an earlier write stays in the stream's flag, errno has moved on since: one more
     * byte at the same place meets the same trouble and says what it is. */
    bool failed = ferror(draft->stream);
    int why = 0;
    if (failed)
        why = write(fileno(draft->stream), "\n", 1) < 0 ? errno : EIO;
    if (!failed && (fflush(draft->stream) != 0 || fsync(fileno(draft->stream)) != 0))
        why = errno;
    if (fclose(draft->stream) != 0 && !why)
        why = errno;
    draft->stream = NULL;
    if (!why && rename(draft->beside, draft->path) != 0)
        why = errno;
    wk_status status = WK_OK;
    if (why) {
        status = wk_fail(err, WK_E_IO, "cannot write %s: %s", draft->path, strerror(why));
    } else {
        int dir = open(dirname(draft->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir >= 0) {
            fsync(dir);
            close(dir);
        }
        free(draft->beside);
        draft->beside = NULL;
    }
    wk_draft_discard(draft);
    return status;
}

void wk_draft_discard(wk_draft *draft)
{
    if (draft->stream)
        fclose(draft->stream);
    if (draft->beside)
        unlink(draft->beside);
    free(draft->path);
    free(draft->beside);
    *draft = (wk_draft){0};
}

wk_status wk_file_write_atomic(const char *path, const void *bytes, size_t size_bytes, wk_err *err)
{
    wk_draft draft;
    WK_TRY(wk_draft_open(path, &draft, err));
    setvbuf(draft.stream, NULL, _IONBF, 0); /* the bytes are in memory already */
    errno = 0;
    if (size_bytes > 0 && fwrite(bytes, 1, size_bytes, draft.stream) != size_bytes) {
        int why = errno;
        wk_draft_discard(&draft);
        return wk_fail(err, WK_E_IO, "cannot write %s: %s", path, strerror(why));
    }
    return wk_draft_publish(&draft, err);
}

wk_status wk_dir_create(const char *path, wk_err *err)
{
    char partial[PATH_MAX];
    if (snprintf(partial, sizeof partial, "%s", path) >= (int)sizeof partial)
        return wk_fail(err, WK_E_IO, "path too long: %s", path);
    for (char *p = partial + 1;; p++) {
        if (*p != '/' && *p != 0)
            continue;
        char end = *p;
        *p = 0;
        if (mkdir(partial, 0755) != 0 && errno != EEXIST)
            return wk_fail(err, WK_E_IO, "cannot create directory %s: %s", partial,
                           strerror(errno));
        if (end == 0)
            break;
        *p = '/';
    }
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return wk_fail(err, WK_E_IO, "%s is not a directory", path);
    return WK_OK;
}

bool wk_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}
