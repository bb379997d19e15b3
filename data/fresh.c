/* The fresh store's database: opening it, its transactions, its names and its cursors. */
#include "wick/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fresh_internal.h"
#include "store_name.h"
#include "wick/clock.h"
#include "wick/file.h"

/* "wick" in ASCII: other programs' databases are told apart by it. */
enum { APPLICATION_ID = 0x7769636b };

/* flushed: a yearly file has the row too. The views are for people with a database browser. */
static const char schema[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES ('stamp', 0);"
    "CREATE TABLE series (id INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT NOT NULL,"
    " timeframe_ns INTEGER NOT NULL, name TEXT NOT NULL, phase_ns INTEGER NOT NULL DEFAULT -1,"
    " UNIQUE (venue, symbol, timeframe_ns, name));"
    "CREATE TABLE bar (series INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
    " arrival_ns INTEGER NOT NULL, tie INTEGER NOT NULL, open REAL NOT NULL, high REAL NOT NULL,"
    " low REAL NOT NULL, close REAL NOT NULL, volume REAL NOT NULL, provenance INTEGER NOT NULL,"
    " stamp INTEGER NOT NULL, flushed INTEGER NOT NULL,"
    " PRIMARY KEY (series, time_ns, arrival_ns, tie)) WITHOUT ROWID;"
    "CREATE TABLE value (series INTEGER NOT NULL, time_ns INTEGER NOT NULL,"
    " known_ns INTEGER NOT NULL, value REAL NOT NULL, stamp INTEGER NOT NULL,"
    " flushed INTEGER NOT NULL, PRIMARY KEY (series, time_ns, known_ns, value)) WITHOUT ROWID;"
    "CREATE TABLE arrived (series INTEGER NOT NULL, year INTEGER NOT NULL, n INTEGER NOT NULL,"
    " packed BLOB NOT NULL, PRIMARY KEY (series, year)) WITHOUT ROWID;"
    "CREATE TABLE cursor (key TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE instrument (venue TEXT NOT NULL, symbol TEXT NOT NULL, first_ns INTEGER NOT NULL,"
    " read_ns INTEGER NOT NULL, json TEXT NOT NULL,"
    " PRIMARY KEY (venue, symbol, first_ns)) WITHOUT ROWID;"
    "CREATE VIEW versions AS SELECT venue, symbol, timeframe_ns / 1000000000 AS timeframe_s,"
    " datetime(time_ns / 1000000000, 'unixepoch') AS time, open, high, low, close, volume,"
    " provenance, datetime(arrival_ns / 1000000000, 'unixepoch') AS arrival, time_ns, arrival_ns,"
    " flushed FROM bar JOIN series ON series.id = bar.series;"
    "CREATE VIEW named_values AS SELECT venue, symbol, name,"
    " datetime(time_ns / 1000000000, 'unixepoch') AS time, value,"
    " datetime(known_ns / 1000000000, 'unixepoch') AS known, time_ns, known_ns, flushed"
    " FROM value JOIN series ON series.id = value.series;";

wk_status wk__fresh_fail(const wk_fresh *f, const char *doing, wk_err *err)
{
    int code = f->db ? sqlite3_errcode(f->db) & 0xff : SQLITE_NOMEM;
    const char *why = f->db ? sqlite3_errmsg(f->db) : "out of memory";
    int os = f->db ? sqlite3_system_errno(f->db) : 0;
    switch (code) {
    case SQLITE_NOMEM:
        return wk_fail(err, WK_E_NOMEM, "%s: cannot %s: out of memory", f->path, doing);
    case SQLITE_FULL:
        return wk_fail(err, WK_E_IO,
                       "%s: cannot %s: the disk is full; make room and go on, what was stored "
                       "before is safe",
                       f->path, doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return wk_fail(err, WK_E_STATE,
                       "%s: cannot %s: another program has held it for %d s; stop that one or try "
                       "again",
                       f->path, doing, WK__FRESH_WAIT_S);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return wk_fail(err, WK_E_IO,
                       "%s: cannot %s: %s (%s); check the rights of the file and of its folder",
                       f->path, doing, why, os ? strerror(os) : "read-only");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return wk_fail(err, WK_E_DATA,
                       "%s: cannot %s: the database is damaged (%s); `wick store check --repair` "
                       "saves what can be read",
                       f->path, doing, why);
    case SQLITE_IOERR:
        return wk_fail(err, WK_E_IO, "%s: cannot %s: %s (%s)", f->path, doing, why,
                       os ? strerror(os) : "no details");
    default:
        return wk_fail(err, WK_E_IO, "%s: cannot %s: %s", f->path, doing, why);
    }
}

static wk_status pragma_int(wk_fresh *f, const char *sql, int64_t *out, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f, sql, &s, err));
    wk_status status = WK_OK;
    if (sqlite3_step(s) == SQLITE_ROW)
        *out = sqlite3_column_int64(s, 0);
    else
        status = wk__fresh_fail(f, "open it", err);
    sqlite3_finalize(s);
    return status;
}

/* Whoever switches to the log first needs the file alone; the busy handler is not asked then. */
static wk_status use_log(wk_fresh *f, wk_err *err)
{
    int64_t until = wk_clock_monotonic_ns() + WK__FRESH_WAIT_S * WK_NS_PER_S;
    for (;;) {
        sqlite3_stmt *s = NULL;
        int rc = sqlite3_prepare_v2(f->db, "PRAGMA journal_mode=WAL", -1, &s, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(s);
        int is_log = rc == SQLITE_ROW && sqlite3_column_text(s, 0) &&
                     !strcmp((const char *)sqlite3_column_text(s, 0), "wal");
        wk_status status = WK_OK;
        if (rc != SQLITE_ROW)
            status = wk__fresh_fail(f, "open it", err);
        sqlite3_finalize(s);
        if (is_log)
            return WK_OK;
        if (status == WK_OK)
            return wk_fail(err, WK_E_IO,
                           "%s: this file system cannot hold a write-ahead log; put the store on a "
                           "local disk",
                           f->path);
        if ((rc & 0xff) != SQLITE_BUSY || wk_clock_monotonic_ns() > until)
            return status;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static wk_status check_schema(wk_fresh *f, int *is_empty, wk_err *err)
{
    int64_t version = 0, application = 0, tables = 0;
    WK_TRY(pragma_int(f, "PRAGMA user_version", &version, err));
    WK_TRY(pragma_int(f, "PRAGMA application_id", &application, err));
    WK_TRY(pragma_int(f, "SELECT count(*) FROM sqlite_master", &tables, err));
    *is_empty = version == 0 && application == 0 && tables == 0;
    if (*is_empty)
        return WK_OK;
    if (application != APPLICATION_ID)
        return wk_fail(err, WK_E_DATA, "%s is another program's database; move it away", f->path);
    if (version > WK__FRESH_SCHEMA)
        return wk_fail(err, WK_E_DATA,
                       "%s was written by a newer wick (schema %lld, this one knows %d); use that "
                       "one",
                       f->path, (long long)version, WK__FRESH_SCHEMA);
    return WK_OK;
}

/* The same in one snapshot: another program may be making the database between two questions. */
static wk_status look_at_schema(wk_fresh *f, int *is_empty, wk_err *err)
{
    if (sqlite3_exec(f->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return wk__fresh_fail(f, "open it", err);
    wk_status status = check_schema(f, is_empty, err);
    if (!sqlite3_get_autocommit(f->db))
        sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL);
    return status;
}

static wk_status create_schema(wk_fresh *f, wk_err *err)
{
    char sql[128];
    int is_empty = 0;
    WK_TRY(wk__fresh_begin(f, 1, err));
    wk_status status = check_schema(f, &is_empty, err); /* another program may have been faster */
    if (status == WK_OK && is_empty) {
        snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
                 APPLICATION_ID, WK__FRESH_SCHEMA);
        if (sqlite3_exec(f->db, schema, NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_exec(f->db, sql, NULL, NULL, NULL) != SQLITE_OK)
            status = wk__fresh_fail(f, "create it", err);
    }
    WK_TRY(wk__fresh_end(f, status, err));
    /* SQLite flushes the file; that its name is in the folder is ours to make sure of. */
    int fd = open(f->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    return WK_OK;
}

/* A database on a medium that cannot be written, with nothing in its log: SQLite must be told that
 * it needs no lock and no shared memory. */
static wk_status open_immutable(wk_fresh *f, wk_err *err)
{
    char *uri = NULL;
    sqlite3_close(f->db);
    f->db = NULL;
    char *escaped = calloc(3, strlen(f->path) + 1), *to = escaped;
    for (const char *p = f->path; escaped && *p; p++)
        to += *p == '?' || *p == '#' || *p == '%' ? sprintf(to, "%%%02x", (unsigned char)*p)
                                                  : sprintf(to, "%c", *p);
    if (!escaped || asprintf(&uri, "file:%s?immutable=1", escaped) < 0)
        uri = NULL;
    free(escaped);
    if (!uri)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    int rc = sqlite3_open_v2(uri, &f->db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_URI, NULL);
    free(uri);
    return rc == SQLITE_OK ? WK_OK : wk__fresh_fail(f, "open it", err);
}

static int has_log(const wk_fresh *f)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof path, "%s-wal", f->path);
    return stat(path, &st) == 0 && st.st_size > 0;
}

static wk_status open_database(wk_fresh *f, int create, wk_err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(f->path, &f->db, flags, NULL);
    if (rc != SQLITE_OK)
        return wk__fresh_fail(f, "open it", err);
    sqlite3_busy_timeout(f->db, WK__FRESH_WAIT_S * 1000);
    int is_empty = 0;
    wk_status status = look_at_schema(f, &is_empty, err);
    if (status == WK_E_IO && !create && !has_log(f)) {
        WK_TRY(open_immutable(f, err));
        status = look_at_schema(f, &is_empty, err);
    }
    WK_TRY(status);
    if (!create && is_empty)
        return WK_E_NOT_FOUND; /* a writer is about to make it */
    if (create)
        WK_TRY(use_log(f, err));
    if (sqlite3_exec(f->db, "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;", NULL,
                     NULL, NULL) != SQLITE_OK)
        return wk__fresh_fail(f, "open it", err);
    return is_empty ? create_schema(f, err) : WK_OK;
}

static wk_status open_at(const char *root, int create, wk_fresh **out, wk_err *err)
{
    wk_fresh *f = calloc(1, sizeof *f);
    if (!f || pthread_mutex_init(&f->lock, NULL) != 0) {
        free(f);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    wk_status status = WK_OK;
    f->root = strdup(root);
    if (!f->root || asprintf(&f->path, "%s/fresh.sqlite", root) < 0) {
        f->path = NULL;
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    if (status == WK_OK)
        status = open_database(f, create, err);
    if (status != WK_OK) {
        wk_fresh_close(f);
        return status;
    }
    *out = f;
    return WK_OK;
}

wk_status wk_fresh_open(const char *root, wk_fresh **out, wk_err *err)
{
    WK_TRY(wk_dir_create(root, err));
    return open_at(root, 1, out, err);
}

wk_status wk__fresh_open_existing(const char *root, wk_fresh **out, wk_err *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s/fresh.sqlite", root) < 0)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    bool exists = wk_file_exists(path);
    free(path);
    wk_fresh *f = NULL;
    wk_status status = exists ? open_at(root, 0, &f, err) : WK_OK;
    if (status != WK_OK && status != WK_E_NOT_FOUND)
        return status;
    *out = f;
    return WK_OK;
}

void wk_fresh_close(wk_fresh *f)
{
    if (!f)
        return;
    sqlite3_close(f->db);
    pthread_mutex_destroy(&f->lock);
    free(f->root);
    free(f->path);
    free(f);
}

wk_status wk__fresh_begin(wk_fresh *f, int for_writing, wk_err *err)
{
    pthread_mutex_lock(&f->lock);
    if (sqlite3_exec(f->db, for_writing ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL, NULL) ==
        SQLITE_OK)
        return WK_OK;
    wk_status status = wk__fresh_fail(f, for_writing ? "write to it" : "read it", err);
    pthread_mutex_unlock(&f->lock);
    return status;
}

wk_status wk__fresh_end(wk_fresh *f, wk_status status, wk_err *err)
{
    if (status == WK_OK && sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        status = wk__fresh_fail(f, "write to it", err);
    if (status != WK_OK && !sqlite3_get_autocommit(f->db))
        sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&f->lock);
    return status;
}

wk_status wk__fresh_prepare(wk_fresh *f, const char *sql, sqlite3_stmt **out, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(f->db, sql, -1, &s, NULL) != SQLITE_OK)
        return wk__fresh_fail(f, "read it", err);
    *out = s;
    return WK_OK;
}

wk_status wk__fresh_run(wk_fresh *f, sqlite3_stmt *s, const char *doing, wk_err *err)
{
    wk_status status = sqlite3_step(s) == SQLITE_DONE ? WK_OK : wk__fresh_fail(f, doing, err);
    sqlite3_reset(s);
    return status;
}

wk_status wk__fresh_exec(wk_fresh *f, const char *sql, const int64_t *values, int n, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f, sql, &s, err));
    for (int i = 0; i < n; i++)
        sqlite3_bind_int64(s, i + 1, values[i]);
    wk_status status = wk__fresh_run(f, s, "write to it", err);
    sqlite3_finalize(s);
    return status;
}

wk_status wk__fresh_stamp(wk_fresh *f, int make, int64_t *stamp, wk_err *err)
{
    if (make)
        WK_TRY(wk__fresh_exec(f, "UPDATE meta SET n = n + 1 WHERE key = 'stamp'", NULL, 0, err));
    return pragma_int(f, "SELECT n FROM meta WHERE key = 'stamp'", stamp, err);
}

wk_status wk__fresh_series(wk_fresh *f, const char *venue, const char *symbol, int64_t timeframe_ns,
                           const char *name, int make, int64_t *id, int64_t *phase_ns, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f,
                             make ? "INSERT INTO series (venue, symbol, timeframe_ns, name) VALUES "
                                    "(?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = name "
                                    "RETURNING id, phase_ns"
                                  : "SELECT id, phase_ns FROM series WHERE venue = ? AND symbol = "
                                    "? AND timeframe_ns = ? AND name = ?",
                             &s, err));
    sqlite3_bind_text(s, 1, venue, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, symbol, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, timeframe_ns);
    sqlite3_bind_text(s, 4, name, -1, SQLITE_STATIC);
    int rc = sqlite3_step(s);
    *id = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    if (phase_ns)
        *phase_ns = rc == SQLITE_ROW ? sqlite3_column_int64(s, 1) : -1;
    if (rc == SQLITE_ROW)
        rc = sqlite3_step(s);
    wk_status status = rc == SQLITE_DONE ? WK_OK : wk__fresh_fail(f, "find the series", err);
    sqlite3_finalize(s);
    return status;
}

wk_status wk__fresh_series_all(wk_fresh *f, wk__fresh_series_row **out, size_t *n, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f,
                             "SELECT id, timeframe_ns, phase_ns, venue, symbol, name FROM series "
                             "ORDER BY venue, symbol, timeframe_ns, name",
                             &s, err));
    wk__fresh_series_row *list = NULL;
    size_t count = 0;
    wk_status status = WK_OK;
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        wk__fresh_series_row *grown = realloc(list, (count + 1) * sizeof *list);
        if (!grown) {
            status = wk_fail(err, WK_E_NOMEM, "out of memory");
            break;
        }
        list = grown;
        wk__fresh_series_row *r = &list[count++];
        *r = (wk__fresh_series_row){.id = sqlite3_column_int64(s, 0),
                                    .timeframe_ns = sqlite3_column_int64(s, 1),
                                    .phase_ns = sqlite3_column_int64(s, 2)};
        snprintf(r->venue, sizeof r->venue, "%s", (const char *)sqlite3_column_text(s, 3));
        snprintf(r->symbol, sizeof r->symbol, "%s", (const char *)sqlite3_column_text(s, 4));
        snprintf(r->name, sizeof r->name, "%s", (const char *)sqlite3_column_text(s, 5));
    }
    if (status == WK_OK && rc != SQLITE_DONE)
        status = wk__fresh_fail(f, "list the series", err);
    sqlite3_finalize(s);
    if (status != WK_OK) {
        free(list);
        return status;
    }
    *out = list;
    *n = count;
    return WK_OK;
}

wk_status wk__fresh_set_cursor(wk_fresh *f, const wk_fresh_cursor *cursor, wk_err *err)
{
    if (!cursor)
        return WK_OK;
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f,
                             cursor->text
                                 ? "INSERT OR REPLACE INTO cursor (key, text) VALUES (?, ?)"
                                 : "DELETE FROM cursor WHERE key = ?",
                             &s, err));
    sqlite3_bind_text(s, 1, cursor->key, -1, SQLITE_STATIC);
    if (cursor->text)
        sqlite3_bind_text(s, 2, cursor->text, -1, SQLITE_STATIC);
    wk_status status = wk__fresh_run(f, s, "write to it", err);
    sqlite3_finalize(s);
    return status;
}

wk_status wk_fresh_cursor_get(wk_fresh *f, const char *key, char **out, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_begin(f, 0, err));
    wk_status status = wk__fresh_prepare(f, "SELECT text FROM cursor WHERE key = ?", &s, err);
    if (status != WK_OK)
        return wk__fresh_end(f, status, err);
    sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    char *text = NULL;
    int rc = sqlite3_step(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        status = wk__fresh_fail(f, "read a cursor", err);
    else if (!(text = strdup(rc == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : "")))
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    sqlite3_finalize(s);
    status = wk__fresh_end(f, status, err);
    if (status == WK_OK)
        *out = text;
    else
        free(text);
    return status;
}
