/* The rolling window of a series. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_internal.h"
#include "store_year.h"
#include "wick/clock.h"
#include "wick/file.h"

/* The year that the window begins in, without what lies before it. */
static wk_status cut_year(const char *path, int64_t before_ns, int dry_run, size_t *n_dropped,
                          wk_err *err)
{
    wk__year y;
    char *bytes = NULL;
    size_t size_bytes = 0, n = 0, r = 0;
    WK_TRY(wk__year_load(path, WK__LOAD_ALL, &y, err));
    while (n < y.series.n && y.series.bars[n].time_ns < before_ns)
        n++;
    while (r < y.n_revisions && y.revisions[r].bar.time_ns < before_ns)
        r++;
    wk_status status = WK_OK;
    *n_dropped += n;
    if (n > 0 && !dry_run && n == y.series.n) {
        if (unlink(path) != 0)
            status = wk_fail(err, WK_E_IO, "cannot delete %s: %s", path, strerror(errno));
    } else if (n > 0 && !dry_run) {
        memmove(y.series.bars, y.series.bars + n, (y.series.n - n) * sizeof *y.series.bars);
        memmove(y.series.provenance, y.series.provenance + n, y.series.n - n);
        y.series.n -= n;
        if (r > 0)
            memmove(y.revisions, y.revisions + r, (y.n_revisions - r) * sizeof *y.revisions);
        y.n_revisions -= r;
        status = wk__year_encode(&y, &bytes, &size_bytes, err);
        if (status == WK_OK)
            status = wk_file_write_atomic(path, bytes, size_bytes, err);
    }
    free(bytes);
    wk__year_finish(&y);
    return status;
}

static wk_status prune_files(const char *directory, int64_t before_ns, int dry_run,
                             size_t *n_dropped, wk_err *err)
{
    char **names = NULL, path[PATH_MAX];
    size_t n = 0;
    int fd = -1, last = wk_civil_from_ns(before_ns).year;
    WK_TRY(wk__store_lock(directory, &fd, err));
    wk_status status = wk__store_names(directory, &names, &n, err);
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        int year = wk__store_year(names[i]);
        if (!year || year > last)
            continue;
        snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
        status = cut_year(path, before_ns, dry_run, n_dropped, err);
    }
    if (status == WK_OK && !dry_run)
        status = wk__store_sync_directory(directory, err);
    wk__store_free_names(names, n);
    close(fd);
    return status;
}

/* Fresh rows that no file has count as bars dropped; arrival times of years that are gone go, too.
 */
static wk_status prune_fresh(wk_fresh *f, const char *venue, const char *symbol,
                             int64_t timeframe_ns, int64_t before_ns, int dry_run,
                             size_t *n_dropped, wk_err *err)
{
    wk__fresh_view view;
    WK_TRY(wk__view_open(f, venue, symbol, timeframe_ns, 0, before_ns, &view, err));
    for (size_t i = 0; i < view.n; i++)
        *n_dropped += i == 0 || view.rows[i].bar.time_ns != view.rows[i - 1].bar.time_ns;
    int64_t series = view.series;
    wk__view_close(&view);
    if (dry_run || series == 0)
        return WK_OK;
    WK_TRY(wk_fresh_prune(f, venue, symbol, timeframe_ns, before_ns, NULL, err));
    const int64_t gone[2] = {series, wk_civil_from_ns(before_ns).year};
    WK_TRY(wk__fresh_begin(f, 1, err));
    return wk__fresh_end(
        f, wk__fresh_exec(f, "DELETE FROM arrived WHERE series = ? AND year < ?", gone, 2, err),
        err);
}

wk_status wk_store_prune(const char *root, const char *venue, const char *symbol,
                         int64_t timeframe_ns, int64_t before_ns, int dry_run, size_t *n_dropped,
                         wk_err *err)
{
    char directory[PATH_MAX];
    wk_fresh *f = NULL;
    size_t n = 0;
    WK_TRY(wk__store_directory(root, venue, symbol, timeframe_ns, directory, err));
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = WK_OK;
    if (f)
        status = prune_fresh(f, venue, symbol, timeframe_ns, before_ns, dry_run, &n, err);
    if (status == WK_OK && wk_file_exists(directory))
        status = prune_files(directory, before_ns, dry_run, &n, err);
    wk_fresh_close(f);
    if (status == WK_OK && n_dropped)
        *n_dropped = n;
    return status;
}

wk_status wk_store_prune_windows(const char *root, const wk_store_windows *windows,
                                 const char *venue, const char *symbol, int dry_run,
                                 void (*report)(void *ctx, const wk_store_entry *series,
                                                int64_t before_ns, size_t n_dropped),
                                 void *ctx, size_t *n_dropped, wk_err *err)
{
    wk_store_entry *list;
    size_t n = 0, total = 0;
    WK_TRY(wk_store_list(root, &list, &n, err));
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        const wk_store_entry *e = &list[i];
        int64_t keep_ns = wk_store_window(windows, e->timeframe_ns);
        size_t dropped = 0;
        if (keep_ns == 0 || (venue && strcmp(venue, e->venue)) ||
            (symbol && strcmp(symbol, e->symbol)))
            continue;
        int64_t before_ns = e->last_ns + e->timeframe_ns - keep_ns;
        if (before_ns <= e->first_ns)
            continue;
        status = wk_store_prune(root, e->venue, e->symbol, e->timeframe_ns, before_ns, dry_run,
                                &dropped, err);
        total += dropped;
        if (status == WK_OK && report)
            report(ctx, e, before_ns, dropped);
    }
    free(list);
    if (status == WK_OK && n_dropped)
        *n_dropped = total;
    return status;
}
