/* Saving what can be read of a damaged fresh database. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fresh_internal.h"
#include "wick/file.h"

/* Tables and the keys that their rows lie in order of: from either end up to the damage. */
static const struct {
    const char *name, *ascending, *descending;
    int columns;
} tables[] = {
    {"series", "id", "id DESC", 6},
    {"bar", "series, time_ns, arrival_ns, tie",
     "series DESC, time_ns DESC, arrival_ns DESC, tie DESC", 12},
    {"value", "series, time_ns, known_ns, value",
     "series DESC, time_ns DESC, known_ns DESC, value DESC", 6},
    {"arrived", "series, year", "series DESC, year DESC", 4},
    {"cursor", "key", "key DESC", 2},
    {"instrument", "venue, symbol, first_ns", "venue DESC, symbol DESC, first_ns DESC", 5},
};

/* Copies rows until the table ends (returns 1) or cannot be read any further (0). */
static int copy_rows(sqlite3 *from, sqlite3 *to, const char *table, const char *order, int columns,
                     size_t *n)
{
    char sql[256], marks[64] = "?";
    sqlite3_stmt *in = NULL, *out = NULL;
    for (int i = 1; i < columns; i++)
        strcat(marks, ",?");
    snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s", table, order);
    int whole = 0;
    if (sqlite3_prepare_v2(from, sql, -1, &in, NULL) == SQLITE_OK &&
        sqlite3_column_count(in) == columns) {
        snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO %s VALUES (%s)", table, marks);
        if (sqlite3_prepare_v2(to, sql, -1, &out, NULL) == SQLITE_OK) {
            int rc;
            while ((rc = sqlite3_step(in)) == SQLITE_ROW) {
                for (int i = 0; i < columns; i++)
                    sqlite3_bind_value(out, i + 1, sqlite3_column_value(in, i));
                /* A row that the constraints refuse is damage, too. */
                if (sqlite3_step(out) == SQLITE_DONE)
                    *n += (size_t)sqlite3_changes(to);
                sqlite3_reset(out);
            }
            whole = rc == SQLITE_DONE;
        }
    }
    sqlite3_finalize(in);
    sqlite3_finalize(out);
    return whole;
}

/* SQLite has no checksums: what is impossible goes. */
static const char clean_up[] =
    "DELETE FROM bar WHERE NOT (low > 0 AND low <= open AND low <= close AND high >= open AND "
    "high >= close AND high < 9e999 AND volume >= 0 AND volume < 9e999 AND provenance BETWEEN 0 "
    "AND 3 AND series IN (SELECT id FROM series WHERE timeframe_ns > 0));"
    "DELETE FROM value WHERE series NOT IN (SELECT id FROM series WHERE timeframe_ns = 0);"
    "DELETE FROM arrived WHERE series NOT IN (SELECT id FROM series);"
    "UPDATE meta SET n = 1 + max((SELECT coalesce(max(stamp), 0) FROM bar), (SELECT "
    "coalesce(max(stamp), 0) FROM value)) WHERE key = 'stamp';";

static void WK_PRINTF(3, 4)
    say(void (*report)(void *ctx, const char *what), void *ctx, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (report)
        report(ctx, text);
}

static wk_status copy_all(sqlite3 *from, wk_fresh *to, void (*report)(void *ctx, const char *what),
                          void *ctx, wk_err *err)
{
    WK_TRY(wk__fresh_begin(to, 1, err));
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        size_t n = 0;
        int whole =
            copy_rows(from, to->db, tables[t].name, tables[t].ascending, tables[t].columns, &n);
        if (!whole)
            (void)copy_rows(from, to->db, tables[t].name, tables[t].descending, tables[t].columns,
                            &n);
        say(report, ctx, "fresh.sqlite: %zu rows of table %s saved%s", n, tables[t].name,
            whole ? "" : ", others lie in damaged pages");
    }
    wk_status status = WK_OK;
    if (sqlite3_exec(to->db, clean_up, NULL, NULL, NULL) != SQLITE_OK)
        status = wk__fresh_fail(to, "write to it", err);
    return wk__fresh_end(to, status, err);
}

/* Sound, or *damage says what is wrong with it. */
static wk_status look(wk_fresh *f, int *is_damaged, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    *is_damaged = 1;
    if (wk__fresh_prepare(f, "PRAGMA integrity_check(1)", &s, err) != WK_OK)
        return WK_OK;
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0))
        *is_damaged = strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0;
    sqlite3_finalize(s);
    return WK_OK;
}

static wk_status replace(const char *path, const char *fresh_path, char aside[4200], wk_err *err)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    int k = 0;
    do
        snprintf(aside, 4200, k ? "%s.damaged-%d" : "%s.damaged", path, k);
    while (wk_file_exists(aside) && ++k < 1000);
    for (int i = 0; i < 3; i++) {
        char from[4300], to[4300];
        snprintf(from, sizeof from, "%s%s", path, parts[i]);
        snprintf(to, sizeof to, "%s%s", aside, parts[i]);
        if (wk_file_exists(from) && rename(from, to) != 0)
            return wk_fail(err, WK_E_IO, "cannot move %s aside", from);
    }
    if (rename(fresh_path, path) != 0)
        return wk_fail(err, WK_E_IO, "cannot put %s in place of %s", fresh_path, path);
    return WK_OK;
}

wk_status wk__fresh_repair(const char *root, void (*report)(void *ctx, const char *what), void *ctx,
                           size_t *n_repaired, wk_err *err)
{
    char path[4100], beside[4100], made[4200], aside[4200];
    wk_fresh *f = NULL;
    wk_err why;
    int is_damaged = 0;
    if (snprintf(path, sizeof path, "%s/fresh.sqlite", root) >= (int)sizeof path - 64)
        return wk_fail(err, WK_E_ARG, "path too long: %s", root);
    if (!wk_file_exists(path))
        return WK_OK;
    wk_status status = wk__fresh_open_existing(root, &f, &why);
    if (status == WK_OK && f)
        WK_TRY(look(f, &is_damaged, &why));
    wk_fresh_close(f);
    if (status == WK_OK && !is_damaged)
        return WK_OK;
    if (status != WK_OK && !strstr(why.msg, "damaged"))
        return wk_fail(err, status, "%s", why.msg); /* not ours, of a newer wick, in use */
    sqlite3 *from = NULL;
    wk_fresh *to = NULL;
    snprintf(beside, sizeof beside, "%s/.repair", root);
    snprintf(made, sizeof made, "%s/fresh.sqlite", beside);
    unlink(made);
    WK_TRY(wk_fresh_open(beside, &to, err));
    status = WK_OK;
    if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        status = wk_fail(err, WK_E_IO, "cannot open %s", path);
    /* Nobody else may be writing to what is about to be moved away. */
    if (status == WK_OK && sqlite3_exec(from, "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE",
                                        NULL, NULL, NULL) == SQLITE_BUSY)
        status = wk_fail(err, WK_E_STATE,
                         "%s is damaged and in use; stop the programs that write to it, then "
                         "repair it",
                         path);
    if (status == WK_OK)
        status = copy_all(from, to, report, ctx, err);
    sqlite3_close(from);
    wk_fresh_close(to);
    if (status == WK_OK)
        status = replace(path, made, aside, err);
    if (status == WK_OK) {
        say(report, ctx, "%s: damaged; what could be read is kept, the old one is %s", path, aside);
        (*n_repaired)++;
    }
    unlink(made);
    rmdir(beside);
    return status;
}
