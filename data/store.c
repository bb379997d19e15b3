/* Merging series into the store and reading them back. */
#include "wick/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_file.h"
#include "wick/clock.h"
#include "wick/file.h"

/* A year that waits beside its target until all years of the merge are safely on disk. */
typedef struct {
    char target[PATH_MAX], waiting[PATH_MAX];
} staged_year;

typedef struct {
    staged_year *v;
    size_t n;
} stage;

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

static wk_status series_directory(const char *root, const char *venue, const char *symbol,
                                  int64_t timeframe_ns, char out[PATH_MAX], wk_err *err)
{
    char name[16];
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    if (timeframe_ns < WK_NS_PER_S || timeframe_ns % WK_NS_PER_S != 0)
        return wk_fail(err, WK_E_ARG, "%s: a timeframe of %lld ns; the store holds whole seconds",
                       symbol, (long long)timeframe_ns);
    /* Room for the year and the two suffixes that staging appends. */
    if (snprintf(out, PATH_MAX, "%s/%s/%s/%s", root, venue, symbol,
                 wk_timeframe_format(timeframe_ns, name)) >= PATH_MAX - 64)
        return wk_fail(err, WK_E_ARG, "path too long: %s", root);
    return WK_OK;
}

static wk_status check_series(const wk_series *s, wk_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        char when[32];
        const wk_bar *b = &s->bars[i];
        const char *problem = wk_bar_problem(b);
        if (i > 0 && b->time_ns <= s->bars[i - 1].time_ns)
            problem = "its time is not after the bar before";
        else if ((b->time_ns - s->bars[0].time_ns) % s->timeframe_ns != 0)
            problem = "its time is off the grid";
        else if (s->provenance[i] >= WK_PROV_UNKNOWN)
            problem = "unknown bars are left out, not stored";
        if (problem)
            return wk_fail(err, WK_E_DATA, "%s: bar %zu at %s: %s", s->symbol, i,
                           wk_time_format(b->time_ns, when), problem);
    }
    return WK_OK;
}

static int same_bar(const wk_series *a, size_t i, const wk_series *b, size_t j)
{
    const wk_bar *x = &a->bars[i], *y = &b->bars[j];
    return x->open == y->open && x->high == y->high && x->low == y->low && x->close == y->close &&
           x->volume == y->volume && a->provenance[i] == b->provenance[j];
}

/* old and bars [begin, end) of fresh by time; at one time the fresh bar stays. */
static wk_status merge_bars(const wk_series *old, const wk_series *fresh, size_t begin, size_t end,
                            wk_series *out, size_t *added, size_t *changed, wk_err *err)
{
    if (old->n > 0 &&
        (old->bars[0].time_ns - fresh->bars[begin].time_ns) % fresh->timeframe_ns != 0) {
        char when[32];
        return wk_fail(err, WK_E_DATA,
                       "%s: the bar at %s is off the grid of the bars in the store; check the "
                       "timeframe of the new file",
                       fresh->symbol, wk_time_format(fresh->bars[begin].time_ns, when));
    }
    wk_series s;
    WK_TRY(wk_series_create(fresh->venue, fresh->symbol, fresh->timeframe_ns,
                            old->n + (end - begin), &s, err));
    size_t n = 0, i = 0, j = begin;
    while (i < old->n || j < end) {
        int take_old = j >= end || (i < old->n && old->bars[i].time_ns < fresh->bars[j].time_ns);
        const wk_series *from = take_old ? old : fresh;
        size_t at = take_old ? i++ : j++;
        s.bars[n] = from->bars[at];
        s.provenance[n++] = from->provenance[at];
        if (take_old)
            continue;
        if (i < old->n && old->bars[i].time_ns == fresh->bars[at].time_ns)
            *changed += !same_bar(old, i++, fresh, at);
        else
            (*added)++;
    }
    s.n = n;
    *out = s;
    return WK_OK;
}

static wk_status stage_year(stage *st, const char *directory, int year, const wk_series *fresh,
                            size_t begin, size_t end, size_t *added, size_t *changed, wk_err *err)
{
    staged_year *grown = realloc(st->v, (st->n + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory merging %s", fresh->symbol);
    st->v = grown;
    staged_year *y = &st->v[st->n];
    snprintf(y->target, sizeof y->target, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
    snprintf(y->waiting, sizeof y->waiting, "%.*s/%04d.h5.new", PATH_MAX - 32, directory, year);
    wk_series old = {0}, merged = {0};
    char *bytes = NULL;
    size_t size_bytes = 0, added_here = 0, changed_here = 0;
    wk_status status = WK_OK;
    if (wk_file_exists(y->target))
        status = wk__store_load(y->target, 0, &old, err);
    if (status == WK_OK && old.n > 0 && old.timeframe_ns != fresh->timeframe_ns)
        status = wk_fail(err, WK_E_DATA, "%s holds another timeframe; run `wick store check`",
                         y->target);
    if (status == WK_OK)
        status = merge_bars(&old, fresh, begin, end, &merged, &added_here, &changed_here, err);
    if (status == WK_OK && added_here + changed_here > 0) {
        status = wk__store_encode(&merged, &bytes, &size_bytes, err);
        if (status == WK_OK)
            status = wk_file_write_atomic(y->waiting, bytes, size_bytes, err);
        if (status == WK_OK)
            st->n++;
    }
    free(bytes);
    wk_series_finish(&merged);
    wk_series_finish(&old);
    if (status == WK_OK) {
        *added += added_here;
        *changed += changed_here;
    }
    return status;
}

static wk_status stage_all(stage *st, const char *directory, const wk_series *series, size_t *added,
                           size_t *changed, wk_err *err)
{
    for (size_t i = 0; i < series->n;) {
        int year = wk_civil_from_ns(series->bars[i].time_ns).year;
        int64_t next_ns = wk_civil_to_ns(year + 1, 1, 1);
        size_t j = i;
        while (j < series->n && series->bars[j].time_ns < next_ns)
            j++;
        WK_TRY(stage_year(st, directory, year, series, i, j, added, changed, err));
        i = j;
    }
    return WK_OK;
}

static wk_status commit(stage *st, int directory_fd, wk_err *err)
{
    for (size_t i = 0; i < st->n; i++)
        if (rename(st->v[i].waiting, st->v[i].target) != 0)
            return wk_fail(err, WK_E_IO, "cannot replace %s: %s; run the import again",
                           st->v[i].target, strerror(errno));
    if (fsync(directory_fd) != 0)
        return wk_fail(err, WK_E_IO, "cannot flush the store's directory: %s", strerror(errno));
    st->n = 0;
    return WK_OK;
}

/* Takes away the empty directories that a failed merge made, up to the root's own. */
static void remove_empty(const char *root, const char *directory)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", directory);
    while (strlen(path) > strlen(root) && rmdir(path) == 0) {
        char *slash = strrchr(path, '/');
        if (!slash)
            break;
        *slash = 0;
    }
}

wk_status wk_store_merge(const char *root, const wk_series *series, size_t *n_added,
                         size_t *n_changed, wk_err *err)
{
    char directory[PATH_MAX];
    size_t added = 0, changed = 0;
    if (series->n == 0)
        return wk_fail(err, WK_E_DATA, "%s: no bars to store", series->symbol);
    WK_TRY(series_directory(root, series->venue, series->symbol, series->timeframe_ns, directory,
                            err));
    WK_TRY(check_series(series, err));
    int is_new = !wk_file_exists(directory);
    wk_status status = wk_dir_create(directory, err);
    int fd = -1;
    if (status == WK_OK) {
        /* One writer a series: two merges at once would each lose the other's bars. */
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX) != 0)
            status = wk_fail(err, WK_E_IO, "cannot lock %s: %s", directory, strerror(errno));
    }
    stage st = {0};
    if (status == WK_OK)
        status = stage_all(&st, directory, series, &added, &changed, err);
    if (status == WK_OK)
        status = commit(&st, fd, err);
    for (size_t i = 0; i < st.n; i++)
        unlink(st.v[i].waiting);
    free(st.v);
    if (fd >= 0)
        close(fd);
    if (status != WK_OK) {
        if (is_new)
            remove_empty(root, directory);
        return status;
    }
    if (n_added)
        *n_added = added;
    if (n_changed)
        *n_changed = changed;
    return WK_OK;
}

/* Appends the bars of `from` inside [from_ns, to_ns). */
static wk_status append(wk_series *out, const wk_series *from, int64_t from_ns, int64_t to_ns,
                        wk_err *err)
{
    wk_bar *bars = realloc(out->bars, (out->n + from->n) * sizeof *bars);
    if (bars)
        out->bars = bars;
    uint8_t *provenance = realloc(out->provenance, out->n + from->n);
    if (provenance)
        out->provenance = provenance;
    if (!bars || !provenance)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", from->symbol);
    for (size_t i = 0; i < from->n; i++) {
        int64_t t = from->bars[i].time_ns;
        if ((from_ns != 0 && t < from_ns) || (to_ns != 0 && t >= to_ns))
            continue;
        if (out->n > 0 && t <= out->bars[out->n - 1].time_ns)
            return wk_fail(err, WK_E_DATA,
                           "%s: the store's bars are out of order; run `wick store check`",
                           from->symbol);
        out->bars[out->n] = from->bars[i];
        out->provenance[out->n++] = from->provenance[i];
    }
    return WK_OK;
}

static wk_status read_years(const char *directory, char **names, size_t n, int64_t from_ns,
                            int64_t to_ns, wk_series *out, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        int year = wk__store_year(names[i]);
        if (year == 0 || (to_ns != 0 && wk_civil_to_ns(year, 1, 1) >= to_ns) ||
            (from_ns != 0 && wk_civil_to_ns(year + 1, 1, 1) <= from_ns))
            continue;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
        wk_series part = {0};
        wk_status status = wk__store_load(path, 0, &part, err);
        if (status == WK_OK && part.timeframe_ns != out->timeframe_ns)
            status =
                wk_fail(err, WK_E_DATA, "%s holds another timeframe; run `wick store check`", path);
        if (status == WK_OK)
            status = append(out, &part, from_ns, to_ns, err);
        wk_series_finish(&part);
        if (status != WK_OK)
            return status;
    }
    return WK_OK;
}

wk_status wk_store_read(const char *root, const char *venue, const char *symbol,
                        int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                        wk_err *err)
{
    char directory[PATH_MAX], name[16];
    WK_TRY(series_directory(root, venue, symbol, timeframe_ns, directory, err));
    wk_timeframe_format(timeframe_ns, name);
    if (!wk_file_exists(directory))
        return wk_fail(err, WK_E_DATA,
                       "the store %s has no %s %s %s; `wick store list` shows what it has", root,
                       venue, symbol, name);
    char **names;
    size_t n;
    WK_TRY(wk__store_names(directory, &names, &n, err));
    wk_series s = {0};
    wk_status status = wk_series_create(venue, symbol, timeframe_ns, 0, &s, err);
    if (status == WK_OK)
        status = read_years(directory, names, n, from_ns, to_ns, &s, err);
    wk__store_free_names(names, n);
    if (status == WK_OK && s.n == 0)
        status =
            wk_fail(err, WK_E_DATA,
                    "the store %s has no bars of %s %s %s in the asked time; `wick store list` "
                    "shows what it has",
                    root, venue, symbol, name);
    if (status == WK_OK)
        *out = s;
    else
        wk_series_finish(&s);
    return status;
}
