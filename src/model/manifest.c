#include "wick/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/hash.h"

enum { FILES_MAX = 4096 };

static int is_listed(const struct dirent *e)
{
    return e->d_name[0] != '.' && strcmp(e->d_name, "manifest.json") != 0;
}

/* One file's line of the version's hash. */
static void feed_file(wk_hash *hash, const char *name, const char *sum)
{
    wk_hash_feed(hash, name, strlen(name) + 1);
    wk_hash_feed(hash, sum, 64);
}

static wk_status list(const char *dir, struct dirent ***names, int *n, wk_err *err)
{
    *n = scandir(dir, names, is_listed, alphasort);
    if (*n < 0)
        return wk_fail(err, WK_E_IO, "%s cannot be read: %s", dir, strerror(errno));
    return WK_OK;
}

static void free_list(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static wk_status checksum(const char *dir, const char *name, char sum[65], size_t *size_bytes,
                          wk_err *err)
{
    char path[PATH_MAX], *bytes;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return wk_fail(err, WK_E_IO, "path too long: %s", dir);
    WK_TRY(wk_file_read(path, &bytes, size_bytes, err));
    wk_hash_bytes(bytes, *size_bytes, sum);
    free(bytes);
    return WK_OK;
}

/* Hashes the files of `dir`; *files receives their descriptions. */
static wk_status describe(const char *dir, json_t *files, wk_manifest *out, wk_err *err)
{
    struct dirent **names;
    int n;
    wk_manifest p = {0};
    WK_TRY(list(dir, &names, &n, err));
    wk_hash *hash = wk_hash_create();
    wk_status status = n <= FILES_MAX ? WK_OK
                                      : wk_fail(err, WK_E_MODEL,
                                                "%s holds %d files; a model has "
                                                "at most %d",
                                                dir, n, FILES_MAX);
    for (int i = 0; i < n && status == WK_OK; i++) {
        char sum[65];
        size_t size;
        status = checksum(dir, names[i]->d_name, sum, &size, err);
        if (status != WK_OK)
            break;
        feed_file(hash, names[i]->d_name, sum);
        json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", names[i]->d_name, "bytes",
                                               (json_int_t)size, "sha256", sum));
        p.n_files++;
        p.size_bytes += (int64_t)size;
    }
    wk_hash_finish(hash, p.version);
    free_list(names, n);
    if (status == WK_OK)
        *out = p;
    return status;
}

wk_status wk_manifest_of(const char *dir, wk_manifest *out, wk_err *err)
{
    char path[PATH_MAX];
    wk_manifest p;
    json_t *files = json_array();
    wk_status status = describe(dir, files, &p, err);
    json_decref(files);
    WK_TRY(status);
    if (snprintf(path, sizeof path, "%s/manifest.json", dir) < (int)sizeof path &&
        wk_file_exists(path)) {
        json_t *root = json_load_file(path, 0, NULL);
        p.number = json_integer_value(json_object_get(root, "number"));
        json_decref(root);
    }
    *out = p;
    return WK_OK;
}

wk_status wk_manifest_write(const char *dir, int64_t number, wk_manifest *out, wk_err *err)
{
    char path[PATH_MAX], time[32];
    wk_manifest p;
    json_t *files = json_array();
    wk_status status = describe(dir, files, &p, err);
    if (status != WK_OK) {
        json_decref(files);
        return status;
    }
    p.number = number;
    json_t *root = json_pack("{s:i, s:s, s:I, s:s, s:o}", "wick_manifest", 1, "version", p.version,
                             "number", (json_int_t)number, "published",
                             wk_time_format(wk_clock_wall_ns(), time), "files", files);
    char *text = json_dumps(root, JSON_INDENT(1));
    snprintf(path, sizeof path, "%s/manifest.json", dir);
    status = text ? wk_file_write_atomic(path, text, strlen(text), err)
                  : wk_fail(err, WK_E_NOMEM, "out of memory");
    free(text);
    json_decref(root);
    if (status == WK_OK)
        *out = p;
    return status;
}

/* Every file of the manifest is there and whole. */
static wk_status check_files(const char *dir, const json_t *files, wk_manifest *p, wk_hash *hash,
                             wk_err *err)
{
    size_t i;
    json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *name = json_string_value(json_object_get(file, "name")),
                   *wanted = json_string_value(json_object_get(file, "sha256"));
        char sum[65];
        size_t size;
        if (!name || !wanted || strchr(name, '/') || strlen(wanted) != 64)
            return wk_fail(err, WK_E_MODEL, "%s/manifest.json: file %zu is not described", dir, i);
        if (checksum(dir, name, sum, &size, err) != WK_OK)
            return wk_fail(err, WK_E_MODEL, "%s/%s is missing: publish the model again", dir, name);
        if (strcmp(sum, wanted) != 0)
            return wk_fail(err, WK_E_MODEL,
                           "%s/%s is damaged: its checksum is %.12s, the manifest says %.12s; "
                           "publish the model again or roll back",
                           dir, name, sum, wanted);
        feed_file(hash, name, sum);
        p->n_files++;
        p->size_bytes += (int64_t)size;
    }
    return WK_OK;
}

static wk_status check_extra(const char *dir, const json_t *files, wk_err *err)
{
    struct dirent **names;
    int n;
    wk_status status = WK_OK;
    WK_TRY(list(dir, &names, &n, err));
    for (int i = 0; i < n && status == WK_OK; i++) {
        size_t k;
        json_t *file;
        bool known = false;
        json_array_foreach(files, k, file) known =
            known ||
            strcmp(json_string_value(json_object_get(file, "name")), names[i]->d_name) == 0;
        if (!known)
            status = wk_fail(err, WK_E_MODEL, "%s/%s is not in the manifest: somebody put it there",
                             dir, names[i]->d_name);
    }
    free_list(names, n);
    return status;
}

wk_status wk_manifest_verify(const char *dir, wk_manifest *out, wk_err *err)
{
    char path[PATH_MAX];
    json_error_t where;
    if (snprintf(path, sizeof path, "%s/manifest.json", dir) >= (int)sizeof path)
        return wk_fail(err, WK_E_IO, "path too long: %s", dir);
    if (!wk_file_exists(path))
        return wk_fail(err, WK_E_NOT_FOUND, "%s is not there: %s was not published", path, dir);
    json_t *root = json_load_file(path, 0, &where);
    const json_t *files = json_object_get(root, "files");
    const char *version = json_string_value(json_object_get(root, "version"));
    wk_manifest p = {.number = json_integer_value(json_object_get(root, "number"))};
    if (!root || json_integer_value(json_object_get(root, "wick_manifest")) != 1 || !version ||
        !json_is_array(files)) {
        json_decref(root);
        return wk_fail(err, WK_E_MODEL, "%s is damaged or no manifest of version 1", path);
    }
    wk_hash *hash = wk_hash_create();
    wk_status status = check_files(dir, files, &p, hash, err);
    wk_hash_finish(hash, p.version);
    if (status == WK_OK && strcmp(p.version, version) != 0)
        status = wk_fail(err, WK_E_MODEL, "%s: the version does not belong to the files", path);
    if (status == WK_OK)
        status = check_extra(dir, files, err);
    json_decref(root);
    if (status == WK_OK && out)
        *out = p;
    return status;
}

bool wk_publish_find(const char *dest, int64_t number, char *out)
{
    int length = (int)strlen(dest);
    while (length > 1 && dest[length - 1] == '/')
        length--;
    for (int i = 0; i < 2; i++) {
        char path[4096 + 16], text[24] = "previous";
        if (i)
            snprintf(text, sizeof text, "g%lld", (long long)number);
        if (snprintf(out, 4096, "%.*s.%s", length, dest, text) >= 4096)
            return false;
        snprintf(path, sizeof path, "%s/manifest.json", out);
        json_t *root = json_load_file(path, 0, NULL);
        bool found = root && json_integer_value(json_object_get(root, "number")) == number;
        json_decref(root);
        if (found)
            return true;
    }
    return false;
}
