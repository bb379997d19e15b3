/* What is not sent yet, in SQLite: it survives the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts_internal.h"

enum { VERSION = 1, BUSY_MS = 2000 };

struct wk__outbox {
    sqlite3 *db;
    sqlite3_stmt *add, *add_send, *next, *begin, *remove, *drop, *prune;
    char tag[9]; /* of this outbox: ids of two bots in one chat differ */
};

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO meta VALUES('tag', lower(hex(randomblob(3))));"
    "CREATE TABLE IF NOT EXISTS alerts(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT "
    "NULL, time_ns INTEGER NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS sends(alert INTEGER NOT NULL, channel INTEGER NOT NULL, priority "
    "INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, dropped TEXT, PRIMARY KEY(alert, "
    "channel)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS sends_turn ON sends(channel, tries / 5, priority, alert) WHERE "
    "dropped IS NULL;"
    "PRAGMA user_version=1;";

static wk_status refuse(wk__outbox *o, wk_err *err)
{
    return wk_fail(err, WK_E_IO, "the outbox of the alerts: %s", sqlite3_errmsg(o->db));
}

static bool prepare(wk__outbox *o, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v2(o->db, sql, -1, out, NULL) == SQLITE_OK;
}

static wk_status prepare_all(wk__outbox *o, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (!prepare(o, "INSERT INTO alerts(kind, time_ns, text) VALUES(?,?,?)", &o->add) ||
        !prepare(o, "INSERT INTO sends(alert, channel, priority) VALUES(?,?,?)", &o->add_send) ||
        !prepare(
            o,
            "SELECT a.id, a.kind, s.tries, a.text FROM sends s JOIN alerts a ON a.id = s.alert "
            "WHERE s.channel = ? AND s.dropped IS NULL ORDER BY s.tries / 5, s.priority, "
            "s.alert LIMIT 1",
            &o->next) ||
        !prepare(o, "UPDATE sends SET tries = tries + 1 WHERE channel = ? AND alert = ?",
                 &o->begin) ||
        !prepare(o, "DELETE FROM sends WHERE channel = ? AND alert = ?", &o->remove) ||
        !prepare(o, "UPDATE sends SET dropped = ?3 WHERE channel = ?1 AND alert = ?2", &o->drop) ||
        !prepare(o,
                 "DELETE FROM alerts WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sends WHERE alert "
                 "= ?1)",
                 &o->prune) ||
        !prepare(o, "SELECT value FROM meta WHERE key = 'tag'", &s) ||
        sqlite3_step(s) != SQLITE_ROW)
        return refuse(o, err);
    snprintf(o->tag, sizeof o->tag, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return WK_OK;
}

wk_status wk__outbox_open(const char *path, wk__outbox **out, wk_err *err)
{
    wk__outbox *o = calloc(1, sizeof *o);
    if (!o)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    sqlite3_stmt *s = NULL;
    if (sqlite3_open_v2(path, &o->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK)
        status =
            wk_fail(err, WK_E_IO, "cannot open the outbox %s: %s", path, sqlite3_errmsg(o->db));
    if (status == WK_OK) {
        sqlite3_busy_timeout(o->db, BUSY_MS);
        if (!prepare(o, "PRAGMA user_version", &s) || sqlite3_step(s) != SQLITE_ROW)
            status = wk_fail(err, WK_E_DATA, "%s is no outbox, or a damaged one: %s; move it aside",
                             path, sqlite3_errmsg(o->db));
        else if (sqlite3_column_int(s, 0) > VERSION)
            status = wk_fail(err, WK_E_DATA, "%s is of a newer wick; use that one", path);
        sqlite3_finalize(s);
    }
    if (status == WK_OK && (sqlite3_exec(o->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                                         NULL, NULL, NULL) != SQLITE_OK ||
                            sqlite3_exec(o->db, schema, NULL, NULL, NULL) != SQLITE_OK))
        status = refuse(o, err);
    if (status == WK_OK)
        status = prepare_all(o, err);
    if (status != WK_OK) {
        wk__outbox_close(o);
        return status;
    }
    *out = o;
    return WK_OK;
}

void wk__outbox_close(wk__outbox *o)
{
    if (!o)
        return;
    sqlite3_stmt *all[] = {o->add, o->add_send, o->next, o->begin, o->remove, o->drop, o->prune};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        sqlite3_finalize(all[i]);
    sqlite3_close(o->db);
    free(o);
}

static bool run(sqlite3_stmt *s)
{
    int code = sqlite3_step(s);
    sqlite3_reset(s);
    return code == SQLITE_DONE;
}

/* Whoever trades reads what stopped before what went well. */
static int priority_of(int kind)
{
    static const int priorities[WK__ALERT_KINDS] = {[WK_ALERT_HALT] = 0,
                                                    [WK_ALERT_ERROR] = 0,
                                                    [WK_ALERT_STOP] = 1,
                                                    [WK_ALERT_FILL] = 2,
                                                    [WK_ALERT_SUMMARY] = 3};
    return priorities[kind];
}

wk_status wk__outbox_add(wk__outbox *o, int kind, const char *text, int64_t time_ns,
                         unsigned channels, wk_err *err)
{
    bool ok = sqlite3_exec(o->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_bind_int(o->add, 1, kind);
    sqlite3_bind_int64(o->add, 2, time_ns);
    sqlite3_bind_text(o->add, 3, text, -1, SQLITE_STATIC);
    ok = ok && run(o->add);
    sqlite3_int64 id = sqlite3_last_insert_rowid(o->db);
    for (int c = 0; ok && c < WK__CHANNELS; c++) {
        if (!(channels >> c & 1))
            continue;
        sqlite3_bind_int64(o->add_send, 1, id);
        sqlite3_bind_int(o->add_send, 2, c);
        sqlite3_bind_int(o->add_send, 3, priority_of(kind));
        ok = run(o->add_send);
    }
    if (ok && sqlite3_exec(o->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return WK_OK;
    wk_status status = refuse(o, err);
    sqlite3_exec(o->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

wk_status wk__outbox_next(wk__outbox *o, wk__channel_kind channel, wk__outbox_item *out,
                          bool *found, wk_err *err)
{
    sqlite3_bind_int(o->next, 1, (int)channel);
    int code = sqlite3_step(o->next);
    *found = code == SQLITE_ROW;
    if (*found) {
        out->id = sqlite3_column_int64(o->next, 0);
        out->kind = sqlite3_column_int(o->next, 1);
        out->tries = sqlite3_column_int(o->next, 2);
        if (out->kind < 0 || out->kind >= WK__ALERT_KINDS)
            out->kind = WK_ALERT_ERROR;
        snprintf(out->text, sizeof out->text, "[%s #%s-%lld] %s", wk__alert_kind_names[out->kind],
                 o->tag, (long long)out->id, (const char *)sqlite3_column_text(o->next, 3));
    }
    sqlite3_reset(o->next);
    return *found || code == SQLITE_DONE ? WK_OK : refuse(o, err);
}

static void bind_send(sqlite3_stmt *s, wk__channel_kind channel, int64_t id)
{
    sqlite3_bind_int(s, 1, (int)channel);
    sqlite3_bind_int64(s, 2, id);
}

wk_status wk__outbox_begin(wk__outbox *o, wk__channel_kind channel, int64_t id, wk_err *err)
{
    bind_send(o->begin, channel, id);
    return run(o->begin) ? WK_OK : refuse(o, err);
}

wk_status wk__outbox_end(wk__outbox *o, wk__channel_kind channel, int64_t id, const char *why,
                         wk_err *err)
{
    sqlite3_stmt *s = why ? o->drop : o->remove;
    bind_send(s, channel, id);
    if (why)
        sqlite3_bind_text(s, 3, why, -1, SQLITE_TRANSIENT);
    if (!run(s))
        return refuse(o, err);
    sqlite3_bind_int64(o->prune, 1, id);
    return run(o->prune) ? WK_OK : refuse(o, err);
}
