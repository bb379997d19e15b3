/* Moving fresh rows into the yearly files. A year is written whole and is on disk before its rows
 * leave the database; whatever happens in between, the move is made again with the same result. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "store_internal.h"
#include "store_year.h"
#include "wick/clock.h"
#include "wick/file.h"

/* Marks what an instant's rows became: newer ones (a higher stamp) stay as they are. */
static wk_status settle_rows(wk_fresh *f, const char *table, int64_t series, int year,
                             int64_t stamp, int64_t keep_from_ns, wk_err *err)
{
    char sql[256];
    const int64_t v[5] = {series, wk_civil_to_ns(year, 1, 1), wk_civil_to_ns(year + 1, 1, 1), stamp,
                          keep_from_ns};
    snprintf(sql, sizeof sql,
             "DELETE FROM %s WHERE series = ? AND time_ns >= ? AND time_ns < ? AND stamp <= ? AND "
             "time_ns < ?",
             table);
    WK_TRY(wk__fresh_exec(f, sql, v, 5, err));
    snprintf(sql, sizeof sql,
             "UPDATE %s SET flushed = 1 WHERE series = ? AND time_ns >= ? AND time_ns < ? AND "
             "stamp <= ? AND flushed = 0",
             table);
    return wk__fresh_exec(f, sql, v, 4, err);
}

static wk_status write_file(const char *path, const char *bytes, size_t size_bytes, wk_err *err)
{
    WK_TRY(wk_file_write_atomic(path, bytes, size_bytes, err));
    /* A folder that was made for this file must be found after a power cut as well. */
    char above[PATH_MAX];
    snprintf(above, sizeof above, "%s", path);
    for (int i = 0; i < 4; i++) { /* timeframe, symbol, venue, root */
        char *slash = strrchr(above, '/');
        if (!slash || slash == above)
            break;
        *slash = 0;
        WK_TRY(wk__store_sync_directory(above, err));
    }
    return WK_OK;
}

/* Bars of one year; the series' folder is locked. */
static wk_status flush_year(wk_fresh *f, const wk__fresh_series_row *row, const char *directory,
                            int year, int64_t keep_from_ns, wk_err *err)
{
    char path[PATH_MAX], *bytes = NULL;
    wk_fresh_bar *rows = NULL;
    wk__arrivals arrivals = {0};
    wk__year old = {0}, merged = {0};
    size_t n = 0, added = 0, changed = 0, size_bytes;
    int64_t stamp = 0;
    snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
    WK_TRY(wk__fresh_begin(f, 0, err));
    wk_status status = wk__fresh_stamp(f, 0, &stamp, err);
    if (status == WK_OK)
        status = wk__fresh_rows(f, row->id, wk_civil_to_ns(year, 1, 1),
                                wk_civil_to_ns(year + 1, 1, 1), 1, &rows, &n, err);
    if (status == WK_OK)
        status = wk__arrivals_load(f, row->id, year, &arrivals, err);
    status = wk__fresh_end(f, status, err);
    if (status == WK_OK && n > 0) {
        if (wk_file_exists(path))
            status = wk__year_load(path, WK__LOAD_ALL, &old, err);
        if (status == WK_OK && old.series.n > 0 && old.series.timeframe_ns != row->timeframe_ns)
            status =
                wk_fail(err, WK_E_DATA, "%s holds another timeframe; run `wick store check`", path);
        old.series.timeframe_ns = row->timeframe_ns;
        snprintf(old.series.venue, sizeof old.series.venue, "%s", row->venue);
        snprintf(old.series.symbol, sizeof old.series.symbol, "%s", row->symbol);
        if (status == WK_OK)
            status = wk__year_merge(&old, rows, n, &arrivals, &merged, &added, &changed, err);
        if (status == WK_OK && added + changed > 0)
            status = wk__year_encode(&merged, &bytes, &size_bytes, err);
        if (bytes)
            status = write_file(path, bytes, size_bytes, err);
        if (status == WK_OK)
            status = wk__fresh_begin(f, 1, err);
        if (status == WK_OK) {
            status = wk__arrivals_save(f, row->id, year, &arrivals, err);
            if (status == WK_OK)
                status = settle_rows(f, "bar", row->id, year, stamp, keep_from_ns, err);
            status = wk__fresh_end(f, status, err);
        }
    }
    free(bytes);
    free(rows);
    free(arrivals.v);
    wk__year_finish(&old);
    wk__year_finish(&merged);
    return status;
}

static wk_status flush_values_year(wk_fresh *f, const wk__fresh_series_row *row,
                                   const char *directory, int year, int64_t keep_from_ns,
                                   wk_err *err)
{
    char path[PATH_MAX], *bytes = NULL;
    wk_fresh_value *rows = NULL;
    wk__values old = {0}, merged = {0};
    size_t n = 0, size_bytes;
    int64_t stamp = 0;
    snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
    snprintf(merged.venue, sizeof merged.venue, "%s", row->venue);
    snprintf(merged.symbol, sizeof merged.symbol, "%s", row->symbol);
    snprintf(merged.name, sizeof merged.name, "%s", row->name);
    WK_TRY(wk__fresh_begin(f, 0, err));
    wk_status status = wk__fresh_stamp(f, 0, &stamp, err);
    if (status == WK_OK)
        status = wk__fresh_value_rows(f, row->id, wk_civil_to_ns(year, 1, 1),
                                      wk_civil_to_ns(year + 1, 1, 1), 1, &rows, &n, err);
    status = wk__fresh_end(f, status, err);
    if (status == WK_OK && n > 0) {
        if (wk_file_exists(path))
            status = wk__values_load(path, &old, err);
        if (status == WK_OK)
            status = wk__values_merge(&old, rows, n, &merged, err);
        if (status == WK_OK &&
            (merged.n != old.n || memcmp(merged.v, old.v, merged.n * sizeof *merged.v) != 0))
            status = wk__values_encode(&merged, &bytes, &size_bytes, err);
        if (bytes)
            status = write_file(path, bytes, size_bytes, err);
        if (status == WK_OK)
            status = wk__fresh_begin(f, 1, err);
        if (status == WK_OK)
            status = wk__fresh_end(
                f, settle_rows(f, "value", row->id, year, stamp, keep_from_ns, err), err);
    }
    free(bytes);
    free(rows);
    free(old.v);
    free(merged.v);
    return status;
}

/* One integer of a query with up to two bound; *found 0 when it has no row or NULL. */
static wk_status ask(wk_fresh *f, const char *sql, int64_t a, int64_t b, int64_t *out, int *found,
                     wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f, sql, &s, err));
    sqlite3_bind_int64(s, 1, a);
    if (sqlite3_bind_parameter_count(s) > 1)
        sqlite3_bind_int64(s, 2, b);
    int rc = sqlite3_step(s);
    *found = rc == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_INTEGER;
    if (*found)
        *out = sqlite3_column_int64(s, 0);
    wk_status status =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? WK_OK : wk__fresh_fail(f, "read it", err);
    sqlite3_finalize(s);
    return status;
}

/* The first year at or after from_ns with a row that no file has. */
static wk_status next_year(wk_fresh *f, int is_bars, int64_t series, int64_t from_ns, int *year,
                           wk_err *err)
{
    int64_t time_ns = 0;
    int found = 0;
    WK_TRY(wk__fresh_begin(f, 0, err));
    wk_status status = wk__fresh_end(
        f,
        ask(f,
            is_bars ? "SELECT min(time_ns) FROM bar WHERE series = ?1 AND time_ns >= ?2 AND "
                      "flushed = 0"
                    : "SELECT min(time_ns) FROM value WHERE series = ?1 AND time_ns >= ?2 AND "
                      "flushed = 0",
            series, from_ns, &time_ns, &found, err),
        err);
    *year = found ? wk_civil_from_ns(time_ns).year : 0;
    return status;
}

/* Rows before this stay in the files only. */
static wk_status find_keep(wk_fresh *f, int is_bars, int64_t series, size_t keep,
                           int64_t *keep_from_ns, wk_err *err)
{
    int found = 0;
    *keep_from_ns = INT64_MAX;
    if (keep == 0)
        return WK_OK;
    WK_TRY(wk__fresh_begin(f, 0, err));
    wk_status status = wk__fresh_end(
        f,
        ask(f,
            is_bars ? "SELECT DISTINCT time_ns FROM bar WHERE series = ?1 ORDER BY time_ns DESC "
                      "LIMIT 1 OFFSET ?2"
                    : "SELECT DISTINCT time_ns FROM value WHERE series = ?1 ORDER BY time_ns DESC "
                      "LIMIT 1 OFFSET ?2",
            series, (int64_t)keep - 1, keep_from_ns, &found, err),
        err);
    if (status == WK_OK && !found)
        *keep_from_ns = INT64_MIN;
    return status;
}

static wk_status flush_series(wk_fresh *f, const wk__fresh_series_row *row, size_t keep,
                              wk_err *err)
{
    char directory[PATH_MAX];
    int is_bars = row->timeframe_ns > 0, year = 0, fd = -1;
    int64_t keep_from_ns = 0;
    if (is_bars)
        WK_TRY(wk__store_directory(f->root, row->venue, row->symbol, row->timeframe_ns, directory,
                                   err));
    else
        WK_TRY(wk__store_values_directory(f->root, row->venue, row->symbol, row->name, directory,
                                          err));
    WK_TRY(find_keep(f, is_bars, row->id, keep, &keep_from_ns, err));
    WK_TRY(next_year(f, is_bars, row->id, INT64_MIN, &year, err));
    wk_status status = WK_OK;
    if (year)
        status = wk__store_lock(directory, &fd, err);
    while (status == WK_OK && year) {
        status = is_bars ? flush_year(f, row, directory, year, keep_from_ns, err)
                         : flush_values_year(f, row, directory, year, keep_from_ns, err);
        if (status == WK_OK)
            status = next_year(f, is_bars, row->id, wk_civil_to_ns(year + 1, 1, 1), &year, err);
    }
    if (fd >= 0)
        close(fd);
    WK_TRY(status);
    const int64_t old[2] = {row->id, keep_from_ns};
    WK_TRY(wk__fresh_begin(f, 1, err));
    return wk__fresh_end(
        f,
        wk__fresh_exec(f,
                       is_bars
                           ? "DELETE FROM bar WHERE series = ? AND flushed = 1 AND time_ns < ?"
                           : "DELETE FROM value WHERE series = ? AND flushed = 1 AND time_ns < ?",
                       old, 2, err),
        err);
}

wk_status wk_fresh_flush(wk_fresh *fresh, size_t keep_bars, wk_err *err)
{
    wk__fresh_series_row *rows = NULL;
    size_t n = 0;
    /* One flush at a time: each updates the arrival times of a year it has read before. */
    int root = open(fresh->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || flock(root, LOCK_EX) != 0) {
        wk_status status =
            wk_fail(err, WK_E_IO, "cannot lock %s: %s", fresh->root, strerror(errno));
        if (root >= 0)
            close(root);
        return status;
    }
    wk_status status = wk__fresh_begin(fresh, 0, err);
    if (status == WK_OK)
        status = wk__fresh_end(fresh, wk__fresh_series_all(fresh, &rows, &n, err), err);
    /* One series that cannot be flushed holds the others up no longer than itself. */
    for (size_t i = 0; i < n; i++) {
        wk_err other;
        wk_status here = flush_series(fresh, &rows[i], keep_bars, status == WK_OK ? err : &other);
        status = status == WK_OK ? here : status;
    }
    free(rows);
    close(root);
    return status;
}
