/* Keys come from the environment or from a file that nobody else can read. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wick/sign.h"

enum { FILE_BYTES_MAX = 64 << 10 };

/* Copies a value without its quotes and the blanks around it; false when it does not fit or holds
 * anything but printable ASCII, which no venue's keys do. */
static bool take(const char *value, size_t n, char *out, size_t size)
{
    while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t' || value[n - 1] == '\r'))
        n--;
    while (n > 0 && (*value == ' ' || *value == '\t'))
        value++, n--;
    if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value)
        value++, n -= 2;
    if (n == 0 || n >= size)
        return false;
    for (size_t i = 0; i < n; i++)
        if (value[i] <= ' ' || value[i] > '~')
            return false;
    memcpy(out, value, n);
    out[n] = '\0';
    return true;
}

static wk_status bad_value(wk_err *err, const char *where, const char *name)
{
    return wk_fail(err, WK_E_CONFIG,
                   "%s: %s is empty, too long or holds blanks; copy it again from the venue's key "
                   "page",
                   where, name);
}

/* The file's text; refused while anybody else may read it. The same descriptor is checked and read.
 */
static wk_status read_private(const char *path, char *text, size_t *n, wk_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return wk_fail(err, WK_E_CONFIG,
                       "%s: %s, and the environment lacks the keys that it should hold", path,
                       strerror(errno));
    struct stat st;
    wk_status status = WK_OK;
    if (fstat(fd, &st) != 0)
        status = wk_fail(err, WK_E_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = wk_fail(err, WK_E_CONFIG, "%s: is not a file", path);
    else if ((st.st_mode & 077) != 0 || st.st_uid != geteuid())
        status = wk_fail(err, WK_E_CONFIG,
                         "%s: holds keys but has mode %03o%s; run: chmod 600 %s, and make new keys "
                         "if others could read it",
                         path, (unsigned)(st.st_mode & 0777),
                         st.st_uid != geteuid() ? " and another owner" : "", path);
    *n = 0;
    while (status == WK_OK) {
        ssize_t got = read(fd, text + *n, FILE_BYTES_MAX - *n);
        if (got == 0)
            break;
        if (got < 0)
            status = wk_fail(err, WK_E_IO, "%s: %s", path, strerror(errno));
        else if ((*n += (size_t)got) == FILE_BYTES_MAX)
            status = wk_fail(err, WK_E_CONFIG, "%s: is larger than 64 KiB; is it a .env?", path);
    }
    close(fd);
    return status;
}

static wk_status from_file(const char *path, const char *name, char *out, size_t size, bool *found,
                           wk_err *err)
{
    char *text = malloc(FILE_BYTES_MAX);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n = 0, name_n = strlen(name);
    wk_status status = read_private(path, text, &n, err);
    for (size_t at = 0; status == WK_OK && at < n;) {
        const char *line = text + at;
        const char *newline = memchr(line, '\n', n - at);
        size_t length = newline ? (size_t)(newline - line) : n - at;
        at += length + 1;
        while (length > 0 && (*line == ' ' || *line == '\t'))
            line++, length--;
        if (length > 7 && memcmp(line, "export ", 7) == 0)
            line += 7, length -= 7;
        if (length <= name_n || memcmp(line, name, name_n) != 0 || line[name_n] != '=')
            continue;
        if (!take(line + name_n + 1, length - name_n - 1, out, size))
            status = bad_value(err, path, name);
        else
            *found = true;
    }
    OPENSSL_cleanse(text, FILE_BYTES_MAX);
    free(text);
    return status;
}

static wk_status one(const char *prefix, const char *suffix, const char *env_file, char *out,
                     size_t size, wk_err *err)
{
    char name[96];
    if (snprintf(name, sizeof name, "%s_%s", prefix, suffix) >= (int)sizeof name)
        return wk_fail(err, WK_E_ARG, "the name %s is too long", prefix);
    const char *value = getenv(name);
    if (value) {
        if (!take(value, strlen(value), out, size))
            return bad_value(err, "environment", name);
        return WK_OK;
    }
    bool found = false;
    if (env_file)
        WK_TRY(from_file(env_file, name, out, size, &found, err));
    if (!found)
        return wk_fail(err, WK_E_CONFIG, "%s is neither in the environment nor in %s; set it", name,
                       env_file ? env_file : "a .env file");
    return WK_OK;
}

wk_status wk_keys_read(const char *prefix, const char *env_file, wk_keys *out, wk_err *err)
{
    wk_keys keys = {0};
    wk_status status = one(prefix, "KEY", env_file, keys.key, sizeof keys.key, err);
    if (status == WK_OK)
        status = one(prefix, "SECRET", env_file, keys.secret, sizeof keys.secret, err);
    if (status == WK_OK)
        *out = keys;
    wk_keys_forget(&keys);
    return status;
}

void wk_keys_forget(wk_keys *keys)
{
    if (keys)
        OPENSSL_cleanse(keys, sizeof *keys);
}
