/* Names in use: DEST, DEST.next (being made, or just replaced), DEST.previous. */
#include "wick/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wick/file.h"
#include "wick/model.h"

typedef struct {
    char dest[PATH_MAX - 32], next[PATH_MAX], previous[PATH_MAX];
} places;

static wk_status name_places(const char *dest, places *out, wk_err *err)
{
    size_t n = strlen(dest);
    while (n > 1 && dest[n - 1] == '/')
        n--;
    if (n == 0 || n >= sizeof out->dest)
        return wk_fail(err, WK_E_ARG, "%s is no place for a model", dest);
    snprintf(out->dest, sizeof out->dest, "%.*s", (int)n, dest);
    snprintf(out->next, sizeof out->next, "%s.next", out->dest);
    snprintf(out->previous, sizeof out->previous, "%s.previous", out->dest);
    return WK_OK;
}

/* A model directory holds plain files only. */
static void remove_dir(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    rmdir(dir);
}

static wk_status sync_dir(const char *dir, wk_err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    return good ? WK_OK : wk_fail(err, WK_E_IO, "cannot sync %s: %s", dir, strerror(why));
}

static wk_status sync_parent(const places *p, wk_err *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", p->dest);
    return sync_dir(dirname(copy), err);
}

static wk_status copy_files(const char *from, const char *to, wk_err *err)
{
    WK_TRY(wk_dir_create(to, err));
    DIR *d = opendir(from);
    if (!d)
        return wk_fail(err, WK_E_IO, "%s cannot be read: %s", from, strerror(errno));
    wk_status status = WK_OK;
    for (struct dirent *e; status == WK_OK && (e = readdir(d));) {
        char source[PATH_MAX], target[PATH_MAX], *bytes;
        size_t n;
        struct stat st;
        if (e->d_name[0] == '.' || strcmp(e->d_name, "manifest.json") == 0)
            continue;
        if (snprintf(source, sizeof source, "%s/%s", from, e->d_name) >= (int)sizeof source ||
            snprintf(target, sizeof target, "%s/%s", to, e->d_name) >= (int)sizeof target)
            status = wk_fail(err, WK_E_IO, "path too long: %s", from);
        else if (stat(source, &st) != 0 || !S_ISREG(st.st_mode))
            status = wk_fail(err, WK_E_MODEL, "%s is no plain file; a model has no other", source);
        else if ((status = wk_file_read(source, &bytes, &n, err)) == WK_OK) {
            status = wk_file_write_atomic(target, bytes, n, err); /* synced */
            free(bytes);
        }
    }
    closedir(d);
    return status;
}

/* Both names change at once; where the file system cannot, one after the other. */
static wk_status exchange(const char *a, const char *b, wk_err *err)
{
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
        return WK_OK;
    return wk_fail(err, WK_E_IO,
                   "cannot exchange %s and %s: %s; both must lie on one file system that can "
                   "(ext4, xfs, btrfs, tmpfs)",
                   a, b, strerror(errno));
}

/* One publisher at a time in a directory: held until the file is closed. -1: failed. */
static int lock_parent(const places *p, wk_err *err)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", p->dest);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result;
    while (fd >= 0 && (result = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        continue;
    if (fd >= 0 && result == 0)
        return fd;
    (void)wk_fail(err, WK_E_IO, "cannot lock the directory of %s: %s", p->dest, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* What a crash left in DEST.next: an older publication is the previous one, anything else is half
 * of a copy. */
static wk_status clean_up(const places *p, int64_t number, wk_err *err)
{
    wk_manifest left;
    wk_err ignored;
    if (!wk_file_exists(p->next))
        return WK_OK;
    if (wk_manifest_verify(p->next, &left, &ignored) != WK_OK || left.number >= number) {
        remove_dir(p->next);
        return WK_OK;
    }
    remove_dir(p->previous);
    if (rename(p->next, p->previous) != 0)
        return wk_fail(err, WK_E_IO, "cannot rename %s: %s", p->next, strerror(errno));
    return sync_parent(p, err);
}

/* The number of what is at DEST; what was never published gets a manifest of number 0, so that it
 * can be told from a half copy later. */
static wk_status current_number(const places *p, int64_t *number, wk_err *err)
{
    wk_manifest now;
    wk_err why;
    *number = 0;
    if (!wk_file_exists(p->dest))
        return WK_OK;
    wk_status status = wk_manifest_verify(p->dest, &now, &why);
    if (status == WK_E_NOT_FOUND) {
        wk_model model = {0};
        if (wk_model_load(p->dest, &model, &why) != WK_OK)
            return wk_fail(err, WK_E_ARG,
                           "%s is there and is no model (%.300s); choose another "
                           "place or remove it",
                           p->dest, why.msg);
        wk_model_finish(&model);
        return wk_manifest_write(p->dest, 0, &now, err);
    }
    /* A damaged one is replaced, and is never rolled back to. */
    if (status != WK_OK)
        status = wk_manifest_verify(p->previous, &now, &why);
    *number = status == WK_OK ? now.number : 0;
    return WK_OK;
}

/* Makes room for a new DEST.previous: the one that lies there becomes DEST.g<number>, of which the
 * newest keep - 1 stay. */
static wk_status age(const places *p, int64_t keep, wk_err *err)
{
    wk_manifest last;
    wk_err ignored;
    char kept[PATH_MAX + 32];
    if (keep <= 1 || wk_manifest_verify(p->previous, &last, &ignored) != WK_OK) {
        remove_dir(p->previous);
        return WK_OK;
    }
    snprintf(kept, sizeof kept, "%s.g%lld", p->dest, (long long)last.number);
    remove_dir(kept);
    if (rename(p->previous, kept) != 0)
        return wk_fail(err, WK_E_IO, "cannot rename %s: %s", p->previous, strerror(errno));
    for (int64_t old = last.number - keep + 1, gone = 0; old >= 0 && gone < 16; old--, gone++) {
        snprintf(kept, sizeof kept, "%s.g%lld", p->dest, (long long)old);
        remove_dir(kept);
    }
    return WK_OK;
}

static wk_status publish(const char *model_dir, const places *at, int64_t keep, wk_manifest *out,
                         wk_err *err)
{
    places p = *at;
    wk_model model = {0};
    wk_manifest fresh, seen;
    wk_err ignored;
    int64_t number;
    WK_TRY(wk_model_load(model_dir, &model, err));
    wk_model_finish(&model);
    WK_TRY(current_number(&p, &number, err));
    WK_TRY(clean_up(&p, number, err));
    wk_status status = copy_files(model_dir, p.next, err);
    if (status == WK_OK)
        status = wk_manifest_write(p.next, number + 1, &fresh, err);
    if (status == WK_OK)
        status = sync_dir(p.next, err);
    if (status == WK_OK) /* what the disk now holds, and that it loads */
        status = wk_manifest_verify(p.next, &seen, err);
    if (status == WK_OK && (status = wk_model_load(p.next, &model, err)) == WK_OK)
        wk_model_finish(&model);
    bool replaces = wk_file_exists(p.dest);
    if (status == WK_OK && replaces)
        status = exchange(p.next, p.dest, err);
    else if (status == WK_OK && rename(p.next, p.dest) != 0)
        status = wk_fail(err, WK_E_IO, "cannot move %s into place: %s", p.dest, strerror(errno));
    if (status != WK_OK) {
        remove_dir(p.next);
        return status;
    }
    *out = fresh;
    if (replaces && wk_manifest_verify(p.next, NULL, &ignored) != WK_OK) {
        remove_dir(p.next);
    } else if (replaces) {
        WK_TRY(age(&p, keep, err));
        if (rename(p.next, p.previous) != 0)
            return wk_fail(err, WK_E_IO, "published, but the old one stays at %s: %s", p.next,
                           strerror(errno));
    }
    return sync_parent(&p, err);
}

static wk_status roll_back(const places *at, wk_manifest *out, wk_err *err)
{
    places p = *at;
    wk_manifest back;
    int64_t number;
    WK_TRY(current_number(&p, &number, err));
    WK_TRY(clean_up(&p, number, err));
    if (!wk_file_exists(p.previous))
        return wk_fail(err, WK_E_NOT_FOUND, "%s is not there: nothing was published before",
                       p.previous);
    WK_TRY(wk_manifest_verify(p.previous, &back, err));
    if (wk_file_exists(p.dest))
        WK_TRY(exchange(p.previous, p.dest, err));
    else if (rename(p.previous, p.dest) != 0)
        return wk_fail(err, WK_E_IO, "cannot rename %s: %s", p.previous, strerror(errno));
    *out = back;
    return sync_parent(&p, err);
}

wk_status wk_publish_keep(const char *model_dir, const char *dest, int64_t keep, wk_manifest *out,
                          wk_err *err)
{
    places p;
    char parent[PATH_MAX];
    WK_TRY(name_places(dest, &p, err));
    snprintf(parent, sizeof parent, "%s", p.dest);
    WK_TRY(wk_dir_create(dirname(parent), err));
    int lock = lock_parent(&p, err);
    if (lock < 0)
        return WK_E_IO;
    wk_status status = publish(model_dir, &p, keep, out, err);
    close(lock);
    return status;
}

wk_status wk_publish(const char *model_dir, const char *dest, wk_manifest *out, wk_err *err)
{
    return wk_publish_keep(model_dir, dest, 1, out, err);
}

wk_status wk_publish_rollback(const char *dest, wk_manifest *out, wk_err *err)
{
    places p;
    WK_TRY(name_places(dest, &p, err));
    int lock = lock_parent(&p, err);
    if (lock < 0)
        return WK_E_IO;
    wk_status status = roll_back(&p, out, err);
    close(lock);
    return status;
}
