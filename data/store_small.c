/* The store of a program without HDF5: bars and values that fresh.sqlite holds. It says so where
 * yearly files lie beside them, for a reader that sees half of a series must not look like one that
 * sees all of it. */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fresh_internal.h"
#include "store_name.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/store.h"

/* Are there files of this series that we cannot read? `part` is a timeframe or the name of values.
 */
static bool has_files(const char *root, const char *venue, const char *symbol, const char *part)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s/%s/%s", root, venue, symbol, part);
    return n > 0 && (size_t)n < sizeof path && wk_file_exists(path);
}

/* Said once: a program that follows the store would say it with every bar. */
static void tell_of_files(const char *venue, const char *symbol, const char *part)
{
    static atomic_bool told;
    if (!atomic_exchange(&told, true))
        wk_log_write(
            WK_LOG_WARN, "data.store",
            "venue=%s symbol=%s series=%s note=\"older rows, also of other series, may lie "
            "in yearly files, which this program does not read\"",
            venue, symbol, part);
}

static wk_status read_fresh(const char *root, const char *venue, const char *symbol,
                            int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                            wk_err *err)
{
    wk_fresh *fresh = NULL;
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    WK_TRY(wk__fresh_open_existing(root, &fresh, err));
    if (!fresh)
        return WK_E_NOT_FOUND;
    wk_status status = wk_fresh_bars(fresh, venue, symbol, timeframe_ns, from_ns, to_ns, out, err);
    wk_fresh_close(fresh);
    return status;
}

wk_status wk_store_read(const char *root, const char *venue, const char *symbol,
                        int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                        wk_err *err)
{
    char timeframe[16];
    wk_timeframe_format(timeframe_ns, timeframe);
    wk_status status = read_fresh(root, venue, symbol, timeframe_ns, from_ns, to_ns, out, err);
    bool files = has_files(root, venue, symbol, timeframe);
    if (status == WK_E_NOT_FOUND)
        return wk_fail(err, WK_E_DATA,
                       files
                           ? "%s/fresh.sqlite has no bars of %s %s %s in the asked time, and this "
                             "program does not read the yearly files; keep the newest bars there "
                             "with `wick store flush --keep N`, or write them as files with `wick "
                             "store export`"
                           : "%s/fresh.sqlite has no bars of %s %s %s in the asked time; fetch "
                             "or record them, or carry files of `wick store export`",
                       root, venue, symbol, timeframe);
    if (status == WK_OK && files && (from_ns == 0 || out->bars[0].time_ns > from_ns))
        tell_of_files(venue, symbol, timeframe);
    return status;
}

wk_status wk_store_values(const char *root, const char *venue, const char *symbol, const char *name,
                          int64_t from_ns, int64_t to_ns, wk_fresh_value **out, size_t *n,
                          wk_err *err)
{
    wk_fresh *fresh = NULL;
    wk_fresh_value *values = NULL;
    size_t n_values = 0;
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    WK_TRY(wk__store_check_value_name(name, err));
    WK_TRY(wk__fresh_open_existing(root, &fresh, err));
    wk_status status = WK_OK;
    if (fresh)
        status =
            wk_fresh_values(fresh, venue, symbol, name, from_ns, to_ns, &values, &n_values, err);
    wk_fresh_close(fresh);
    if (status != WK_OK)
        return status;
    if (has_files(root, venue, symbol, name))
        tell_of_files(venue, symbol, name);
    *out = values;
    *n = n_values;
    return WK_OK;
}

/* There are no yearly files to write: everything stays, and wk_fresh_prune is the rolling window.
 */
wk_status wk_fresh_flush(wk_fresh *fresh, size_t keep_bars, wk_err *err)
{
    (void)fresh;
    (void)keep_bars;
    (void)err;
    return WK_OK;
}

static wk_status newest(wk_fresh *f, int64_t series, int64_t *time_ns, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f, "SELECT max(time_ns) FROM bar WHERE series = ?", &s, err));
    sqlite3_bind_int64(s, 1, series);
    *time_ns = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return WK_OK;
}

wk_status wk_store_prune_windows(const char *root, const wk_store_windows *windows,
                                 const char *venue, const char *symbol, int dry_run,
                                 void (*report)(void *ctx, const wk_store_entry *series,
                                                int64_t before_ns, size_t n_dropped),
                                 void *ctx, size_t *n_dropped, wk_err *err)
{
    wk_fresh *f = NULL;
    wk__fresh_series_row *rows = NULL;
    size_t n = 0, total = 0;
    if (dry_run)
        return wk_fail(err, WK_E_ARG, "this program can only drop bars, not count them first");
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = f ? wk__fresh_begin(f, 0, err) : WK_OK;
    if (f && status == WK_OK)
        status = wk__fresh_end(f, wk__fresh_series_all(f, &rows, &n, err), err);
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        const wk__fresh_series_row *r = &rows[i];
        int64_t keep_ns = r->timeframe_ns > 0 ? wk_store_window(windows, r->timeframe_ns) : 0;
        int64_t last_ns = 0;
        size_t dropped = 0;
        if (keep_ns == 0 || (venue && strcmp(venue, r->venue)) ||
            (symbol && strcmp(symbol, r->symbol)))
            continue;
        status = newest(f, r->id, &last_ns, err);
        int64_t before_ns = last_ns + r->timeframe_ns - keep_ns;
        if (status == WK_OK)
            status =
                wk_fresh_prune(f, r->venue, r->symbol, r->timeframe_ns, before_ns, &dropped, err);
        total += dropped;
        wk_store_entry e = {.timeframe_ns = r->timeframe_ns, .last_ns = last_ns};
        snprintf(e.venue, sizeof e.venue, "%s", r->venue);
        snprintf(e.symbol, sizeof e.symbol, "%s", r->symbol);
        if (status == WK_OK && report && dropped > 0)
            report(ctx, &e, before_ns, dropped);
    }
    free(rows);
    wk_fresh_close(f);
    if (status == WK_OK && n_dropped)
        *n_dropped = total;
    return status;
}
