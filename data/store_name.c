#include "store_name.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/store.h"

wk_status wk_store_root(const char *given, char *out, size_t size_bytes, wk_err *err)
{
    const char *wick_home = getenv("WICK_HOME"), *home = getenv("HOME");
    int n;
    if (given)
        n = snprintf(out, size_bytes, "%s", given);
    else if (wick_home && *wick_home)
        n = snprintf(out, size_bytes, "%s/store", wick_home);
    else if (home && *home)
        n = snprintf(out, size_bytes, "%s/.wick/store", home);
    else
        return wk_fail(
            err, WK_E_ARG,
            "neither WICK_HOME nor HOME is set; say where the store is with --store DIR");
    if (n <= 0 || (size_t)n >= size_bytes)
        return wk_fail(err, WK_E_ARG,
                       "the store's path is empty or too long; choose another --store DIR");
    return WK_OK;
}

wk_status wk__store_check_name(const char *what, const char *name, wk_err *err)
{
    size_t n = strlen(name);
    int ok = n > 0 && n < 32 && name[0] != '.';
    for (size_t i = 0; ok && i < n; i++)
        ok = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
             (name[i] >= '0' && name[i] <= '9') || strchr("._-", name[i]);
    if (!ok)
        return wk_fail(err, WK_E_ARG,
                       "%s \"%.40s\" cannot name a folder; use up to 31 letters, digits, dots, "
                       "dashes and underscores",
                       what, name);
    return WK_OK;
}

wk_status wk__store_check_value_name(const char *name, wk_err *err)
{
    int64_t ns;
    wk_err ignored;
    WK_TRY(wk__store_check_name("series of values", name, err));
    if (wk_timeframe_parse(name, &ns, &ignored) == WK_OK)
        return wk_fail(err, WK_E_ARG,
                       "series of values \"%s\" has the name of a timeframe; choose another", name);
    return WK_OK;
}

wk_status wk__store_check_timeframe(const char *symbol, int64_t timeframe_ns, wk_err *err)
{
    if (timeframe_ns < WK_NS_PER_S || timeframe_ns % WK_NS_PER_S != 0)
        return wk_fail(err, WK_E_ARG, "%s: a timeframe of %lld ns; the store holds whole seconds",
                       symbol, (long long)timeframe_ns);
    return WK_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

wk_status wk__store_names(const char *path, char ***names, size_t *n, wk_err *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return wk_fail(err, WK_E_IO, "cannot open %s: %s", path, strerror(errno));
    char **list = NULL;
    size_t count = 0;
    wk_status status = WK_OK;
    for (struct dirent *e; status == WK_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        char **grown = realloc(list, (count + 1) * sizeof *list);
        list = grown ? grown : list;
        char *copy = grown ? strdup(e->d_name) : NULL;
        if (copy)
            list[count++] = copy;
        else
            status = wk_fail(err, WK_E_NOMEM, "out of memory listing %s", path);
    }
    closedir(dir);
    if (status != WK_OK) {
        wk__store_free_names(list, count);
        return status;
    }
    if (count > 0)
        qsort(list, count, sizeof *list, by_bytes);
    *names = list;
    *n = count;
    return WK_OK;
}

void wk__store_free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

int wk__store_year(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (name[i] < '0' || name[i] > '9')
            return 0;
    return strcmp(name + 4, ".h5") == 0 ? atoi(name) : 0;
}
