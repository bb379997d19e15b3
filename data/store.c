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

#include "store_internal.h"
#include "store_year.h"
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

wk_status wk__store_directory(const char *root, const char *venue, const char *symbol,
                              int64_t timeframe_ns, char out[PATH_MAX], wk_err *err)
{
    char name[16];
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    WK_TRY(wk__store_check_timeframe(symbol, timeframe_ns, err));
    /* Room for the year and the two suffixes that staging appends. */
    if (snprintf(out, PATH_MAX, "%s/%s/%s/%s", root, venue, symbol,
                 wk_timeframe_format(timeframe_ns, name)) >= PATH_MAX - 64)
        return wk_fail(err, WK_E_ARG, "path too long: %s", root);
    return WK_OK;
}

wk_status wk__store_values_directory(const char *root, const char *venue, const char *symbol,
                                     const char *name, char out[PATH_MAX], wk_err *err)
{
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    WK_TRY(wk__store_check_value_name(name, err));
    if (snprintf(out, PATH_MAX, "%s/%s/%s/%s", root, venue, symbol, name) >= PATH_MAX - 64)
        return wk_fail(err, WK_E_ARG, "path too long: %s", root);
    return WK_OK;
}

int wk__store_is_leftover(const char *name)
{
    char year[8];
    snprintf(year, sizeof year, "%.7s", name);
    const char *rest = name + strlen(year);
    if (!wk__store_year(year) || !*rest)
        return 0;
    if (!strncmp(rest, ".new", 4))
        rest += 4;
    if (!*rest)
        return 1; /* "2024.h5.new" */
    size_t digits = *rest == '.' ? strspn(rest + 1, "0123456789") : 0;
    return digits > 0 && !strcmp(rest + 1 + digits, ".part"); /* "2024.h5.new.4711.part" */
}

/* Whoever holds the lock is the only writer: what another left half written is rubbish. */
static void remove_leftovers(const char *directory)
{
    char **names, path[PATH_MAX];
    size_t n;
    if (wk__store_names(directory, &names, &n, NULL) != WK_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (wk__store_is_leftover(names[i]) &&
            snprintf(path, sizeof path, "%s/%s", directory, names[i]) < (int)sizeof path)
            unlink(path);
    wk__store_free_names(names, n);
}

wk_status wk__store_lock(const char *directory, int *fd, wk_err *err)
{
    WK_TRY(wk_dir_create(directory, err));
    int opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0 || flock(opened, LOCK_EX) != 0) {
        wk_status status = wk_fail(err, WK_E_IO, "cannot lock %s: %s", directory, strerror(errno));
        if (opened >= 0)
            close(opened);
        return status;
    }
    remove_leftovers(directory);
    *fd = opened;
    return WK_OK;
}

wk_status wk__store_sync_directory(const char *directory, wk_err *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed = fd < 0 || fsync(fd) != 0, why = errno;
    if (fd >= 0)
        close(fd);
    return failed
               ? wk_fail(err, WK_E_IO, "cannot flush the folder %s: %s", directory, strerror(why))
               : WK_OK;
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
                            wk_series *out, uint8_t *marks, size_t *added, size_t *changed,
                            wk_err *err)
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
        uint8_t mark = WK_STORE_ADDED;
        if (i < old->n && old->bars[i].time_ns == fresh->bars[at].time_ns)
            mark = same_bar(old, i++, fresh, at) ? WK_STORE_EQUAL : WK_STORE_CHANGED;
        *added += mark == WK_STORE_ADDED;
        *changed += mark == WK_STORE_CHANGED;
        if (marks)
            marks[at] = mark;
    }
    s.n = n;
    *out = s;
    return WK_OK;
}

static wk_status stage_year(stage *st, const char *directory, int year, const wk_series *fresh,
                            size_t begin, size_t end, uint8_t *marks, size_t *added,
                            size_t *changed, wk_err *err)
{
    staged_year *grown = realloc(st->v, (st->n + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory merging %s", fresh->symbol);
    st->v = grown;
    staged_year *y = &st->v[st->n];
    snprintf(y->target, sizeof y->target, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
    snprintf(y->waiting, sizeof y->waiting, "%.*s/%04d.h5.new", PATH_MAX - 32, directory, year);
    wk__year old = {0}, merged = {0};
    char *bytes = NULL;
    size_t size_bytes = 0, added_here = 0, changed_here = 0;
    wk_status status = WK_OK;
    if (wk_file_exists(y->target))
        status = wk__year_load(y->target, WK__LOAD_ALL, &old, err);
    if (status == WK_OK && old.series.n > 0 && old.series.timeframe_ns != fresh->timeframe_ns)
        status = wk_fail(err, WK_E_DATA, "%s holds another timeframe; run `wick store check`",
                         y->target);
    if (status == WK_OK)
        status = merge_bars(&old.series, fresh, begin, end, &merged.series, marks, &added_here,
                            &changed_here, err);
    if (status == WK_OK && added_here + changed_here > 0) {
        merged.revisions = old.revisions; /* they stand beside the bars as before */
        merged.n_revisions = old.n_revisions;
        old.revisions = NULL;
        status = wk__year_encode(&merged, &bytes, &size_bytes, err);
        if (status == WK_OK)
            status = wk_file_write_atomic(y->waiting, bytes, size_bytes, err);
        if (status == WK_OK)
            st->n++;
    }
    free(bytes);
    wk__year_finish(&merged);
    wk__year_finish(&old);
    if (status == WK_OK) {
        *added += added_here;
        *changed += changed_here;
    }
    return status;
}

static wk_status stage_all(stage *st, const char *directory, const wk_series *series,
                           uint8_t *marks, size_t *added, size_t *changed, wk_err *err)
{
    for (size_t i = 0; i < series->n;) {
        int year = wk_civil_from_ns(series->bars[i].time_ns).year;
        int64_t next_ns = wk_civil_to_ns(year + 1, 1, 1);
        size_t j = i;
        while (j < series->n && series->bars[j].time_ns < next_ns)
            j++;
        WK_TRY(stage_year(st, directory, year, series, i, j, marks, added, changed, err));
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
    return wk_store_merge_marks(root, series, NULL, n_added, n_changed, err);
}

wk_status wk_store_merge_marks(const char *root, const wk_series *series, uint8_t *marks,
                               size_t *n_added, size_t *n_changed, wk_err *err)
{
    char directory[PATH_MAX];
    size_t added = 0, changed = 0;
    if (series->n == 0)
        return wk_fail(err, WK_E_DATA, "%s: no bars to store", series->symbol);
    WK_TRY(wk__store_directory(root, series->venue, series->symbol, series->timeframe_ns, directory,
                               err));
    WK_TRY(check_series(series, err));
    int is_new = !wk_file_exists(directory);
    int fd = -1;
    /* One writer a series: two merges at once would each lose the other's bars. */
    wk_status status = wk__store_lock(directory, &fd, err);
    stage st = {0};
    if (status == WK_OK)
        status = stage_all(&st, directory, series, marks, &added, &changed, err);
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
