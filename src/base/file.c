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

static wk_status write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return WK_E_IO;
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return WK_OK;
}

wk_status wk_file_write_atomic(const char *path, const void *bytes, size_t size_bytes, wk_err *err)
{
    char beside[PATH_MAX], directory[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid()) >= (int)sizeof beside)
        return wk_fail(err, WK_E_IO, "path too long: %s", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return wk_fail(err, WK_E_IO, "cannot write %s: %s", path, strerror(errno));
    wk_status status = write_all(fd, bytes, size_bytes);
    if (status == WK_OK && fsync(fd) != 0)
        status = WK_E_IO;
    int why = errno;
    if (close(fd) != 0 && status == WK_OK) {
        status = WK_E_IO;
        why = errno;
    }
    if (status == WK_OK && rename(beside, path) != 0) {
        status = WK_E_IO;
        why = errno;
    }
    if (status != WK_OK) {
        unlink(beside);
        return wk_fail(err, status, "cannot write %s: %s", path, strerror(why));
    }
    snprintf(directory, sizeof directory, "%s", path);
    int dir = open(dirname(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        fsync(dir);
        close(dir);
    }
    return WK_OK;
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
            return wk_fail(err, WK_E_IO, "cannot create directory %s: %s", partial, strerror(errno));
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
