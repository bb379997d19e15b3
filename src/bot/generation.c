#include "generation.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/hash.h"
#include "wick/manifest.h"

uint64_t wk__model_fingerprint(const char *dir)
{
    struct stat st;
    DIR *d = opendir(dir);
    uint64_t sum = 0;
    bool any = false;
    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st, 0) != 0)
            continue;
        any = any || strcmp(e->d_name, "model.json") == 0;
        const int64_t facts[] = {(int64_t)st.st_ino, (int64_t)st.st_size,
                                 (int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec};
        uint64_t one = wk_digest_bytes(WK_DIGEST_START, e->d_name, strlen(e->d_name));
        sum += wk_digest_bytes(one, facts, sizeof facts); /* in whatever order they are listed */
    }
    closedir(d);
    return any ? sum | 1 : 0;
}

bool wk__model_is_published(const char *dir)
{
    char path[4096];
    return snprintf(path, sizeof path, "%s/manifest.json", dir) < (int)sizeof path &&
           wk_file_exists(path);
}

wk_status wk__model_version(const char *dir, uint64_t *version, char text[65], int64_t *number,
                            wk_err *err)
{
    wk_manifest m;
    WK_TRY(wk_manifest_of(dir, &m, err));
    char first[17];
    snprintf(first, sizeof first, "%.16s", m.version);
    *version = strtoull(first, NULL, 16);
    snprintf(text, 65, "%s", m.version);
    *number = m.number;
    return WK_OK;
}

int64_t wk__model_born(const char *dir)
{
    char path[4096];
    int64_t until = 0;
    wk_err err;
    if (snprintf(path, sizeof path, "%s/reference.json", dir) >= (int)sizeof path)
        return 0;
    json_t *root = json_load_file(path, 0, NULL);
    const char *text = json_string_value(json_object_get(root, "trained_to"));
    if (!text || wk_time_parse(text, &until, &err) != WK_OK)
        until = 0;
    json_decref(root);
    return until;
}
