/* The journal's writer: a ring in, transactions out, and how far they are durable. */
#include "journal_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/log.h"

enum { RING_RECORDS = 1 << 12, BATCH = 512, WAIT_NS = 50000000, BUSY_MS = 10000 };

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS markets(id INTEGER PRIMARY KEY, venue TEXT NOT NULL, symbol TEXT "
    "NOT NULL, tick REAL NOT "
    "NULL, lot REAL NOT NULL, min_lots INTEGER NOT NULL, UNIQUE(venue, symbol));"
    "CREATE TABLE IF NOT EXISTS records(seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, time_ns "
    "INTEGER NOT NULL, market "
    "INTEGER, order_id TEXT, side INTEGER, order_kind TEXT, reason TEXT, reduce_only INTEGER, "
    "maker INTEGER, qty_lots "
    "INTEGER, price_ticks INTEGER, stop_ticks INTEGER, profit_ticks INTEGER, expires_ns INTEGER, "
    "amount_e8 INTEGER, fee_e8 "
    "INTEGER, equity_e8 INTEGER, cash_e8 INTEGER, inputs_digest TEXT, model_version TEXT, score "
    "REAL, threshold REAL, "
    "sigma REAL, p_sell REAL, p_hold REAL, p_buy REAL, magnitude REAL, volatility REAL, state "
    "TEXT, venue_id TEXT, text "
    "TEXT, slippage_e8 INTEGER, leverage REAL);"
    "CREATE INDEX IF NOT EXISTS records_order ON records(order_id, seq) WHERE order_id IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS records_kind ON records(kind, time_ns);"
    "CREATE UNIQUE INDEX IF NOT EXISTS records_fill ON records(venue_id) WHERE kind = 'fill' AND "
    "venue_id IS NOT NULL;"
    "CREATE VIEW IF NOT EXISTS readable AS SELECT seq, strftime('%Y-%m-%dT%H:%M:%fZ', time_ns / "
    "1e9, 'unixepoch') AS time, "
    "kind, symbol, order_id, CASE side WHEN 1 THEN 'buy' WHEN -1 THEN 'sell' END AS side, "
    "order_kind, reason, "
    "qty_lots * lot AS quantity, price_ticks * tick AS price, stop_ticks * tick AS stop, "
    "profit_ticks * tick AS profit, "
    "amount_e8 / 1e8 AS amount, fee_e8 / 1e8 AS fee, equity_e8 / 1e8 AS equity, cash_e8 / 1e8 AS "
    "cash, score, threshold, "
    "p_sell, p_hold, p_buy, state, venue_id, text FROM records LEFT JOIN markets ON markets.id = "
    "records.market;";

const char *const wk__journal_kinds[] = {"signal", "decision", "order",  "order_state",
                                         "fill",   "position", "equity", "funding",
                                         "model",  "alert",    "note"};

wk_status wk__journal_sql(wk_journal *j, const char *sql, wk_err *err)
{
    if (sqlite3_exec(j->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return WK_OK;
    return wk_fail(err, WK_E_IO, "%s: %s", j->path, sqlite3_errmsg(j->db));
}

static wk_status check_version(wk_journal *j, int *found, wk_err *err)
{
    sqlite3_stmt *s;
    int version = 0;
    if (sqlite3_prepare_v2(j->db, "PRAGMA user_version", -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        version = sqlite3_column_int(s, 0);
    else {
        wk_status status =
            wk_fail(err, WK_E_DATA, "%s is no journal, or a damaged one: %s; move it aside",
                    j->path, sqlite3_errmsg(j->db));
        sqlite3_finalize(s);
        return status;
    }
    sqlite3_finalize(s);
    *found = version;
    if (version > WK__JOURNAL_VERSION)
        return wk_fail(err, WK_E_DATA,
                       "%s is a journal of version %d; this wick knows up to %d: use a newer one",
                       j->path, version, WK__JOURNAL_VERSION);
    return WK_OK;
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
    if (text[0])
        sqlite3_bind_text(s, i, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(s, i);
}

static void bind_hex(sqlite3_stmt *s, int i, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    if (value)
        sqlite3_bind_text(s, i, text, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(s, i);
}

static bool insert(wk_journal *j, const wk__entry *e)
{
    const wk_journal_record *r = &e->record;
    sqlite3_stmt *s = j->insert;
    bool has_market = r->kind != WK_JOURNAL_EQUITY && r->kind != WK_JOURNAL_NOTE &&
                      r->kind != WK_JOURNAL_ALERT && r->kind != WK_JOURNAL_MODEL;
    int i = 1;
    sqlite3_bind_int64(s, i++, (sqlite3_int64)(j->seq_base + e->seq));
    sqlite3_bind_text(s, i++, wk__journal_kinds[r->kind], -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, i++, r->time_ns);
    if (has_market && r->market < WK__JOURNAL_MARKETS_MAX && j->market_ids[r->market])
        sqlite3_bind_int64(s, i++, j->market_ids[r->market]);
    else
        sqlite3_bind_null(s, i++);
    bind_hex(s, i++, r->order_id);
    sqlite3_bind_int(s, i++, r->side);
    bind_text(s, i++,
              r->kind != WK_JOURNAL_ORDER       ? ""
              : r->order_kind == WK_ORDER_LIMIT ? "limit"
                                                : "market");
    bind_text(s, i++,
              r->order_id || r->kind == WK_JOURNAL_FILL ? wk_reason_name((wk_reason)r->reason)
                                                        : "");
    sqlite3_bind_int(s, i++, r->reduce_only);
    sqlite3_bind_int(s, i++, r->maker);
    const int64_t numbers[] = {r->qty_lots,     r->price_ticks, r->stop_ticks,
                               r->profit_ticks, r->expires_ns,  r->amount_e8,
                               r->fee_e8,       r->equity_e8,   r->cash_e8};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        sqlite3_bind_int64(s, i++, numbers[k]);
    bind_hex(s, i++, r->inputs_digest);
    bind_hex(s, i++, r->model_version);
    const double reals[] = {r->score, r->threshold, r->sigma,     r->p[0],
                            r->p[1],  r->p[2],      r->magnitude, r->volatility};
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++)
        sqlite3_bind_double(s, i++, reals[k]); /* SQLite stores NaN as NULL */
    bind_text(s, i++, r->state);
    bind_text(s, i++, r->venue_id);
    bind_text(s, i++, r->text);
    sqlite3_bind_int64(s, i++, r->slippage_e8);
    sqlite3_bind_double(s, i++, r->leverage);
    int code = sqlite3_step(s);
    sqlite3_reset(s);
    /* A fill that is there already (a replayed stream) is not an error. */
    return code == SQLITE_DONE || (code == SQLITE_CONSTRAINT && r->kind == WK_JOURNAL_FILL);
}

static void set_problem(wk_journal *j, const char *text)
{
    pthread_mutex_lock(&j->lock);
    bool is_new = strncmp(j->problem, text, sizeof j->problem - 1) != 0;
    snprintf(j->problem, sizeof j->problem, "%s", text);
    pthread_mutex_unlock(&j->lock);
    if (is_new && text[0])
        wk_log_write(WK_LOG_ERROR, "journal", "path=%s problem=\"%s\" entries=held", j->path, text);
    else if (is_new)
        wk_log_write(WK_LOG_INFO, "journal", "path=%s problem=none", j->path);
}

/* One transaction; false when the disk refuses: everything in it is tried again. */
static bool write_batch(wk_journal *j, const wk__entry *batch, size_t n)
{
    wk_err err;
    bool ok = wk__journal_sql(j, "BEGIN IMMEDIATE", &err) == WK_OK;
    for (size_t i = 0; ok && i < n; i++)
        ok = insert(j, &batch[i]);
    if (ok)
        ok = wk__journal_sql(j, "COMMIT", &err) == WK_OK;
    if (!ok) {
        char why[200];
        snprintf(why, sizeof why, "%s", sqlite3_errmsg(j->db));
        sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
        set_problem(j, why);
        return false;
    }
    set_problem(j, "");
    return true;
}

static void *writer(void *context)
{
    wk_journal *j = context;
    wk__entry *batch = j->batch;
    size_t n = 0;
    wk_thread_background();
    while (true) {
        while (n < BATCH && wk_ring_pop(j->ring, &batch[n]))
            n++;
        if (n == 0) {
            if (atomic_load(&j->stop))
                return NULL;
            wk_ring_wait(j->ring, WAIT_NS);
            continue;
        }
        if (!write_batch(j, batch, n)) {
            if (atomic_load(&j->stop) && wk_clock_monotonic_ns() > atomic_load(&j->stop_ns))
                return NULL; /* what is left cannot be saved; the caller is told by wk_journal_sync
                              */
            struct timespec pause = {.tv_nsec = 200000000};
            nanosleep(&pause, NULL);
            continue;
        }
        atomic_store(&j->durable, batch[n - 1].seq);
        n = 0;
    }
}

wk_status wk_journal_open(const char *path, wk_journal **out, wk_err *err)
{
    static const char insert_sql[] =
        "INSERT INTO records "
        "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    wk_journal *j = calloc(1, sizeof *j);
    if (!j)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    int found = 0;
    j->path = strdup(path);
    j->batch = calloc(BATCH, sizeof *j->batch);
    pthread_mutex_init(&j->lock, NULL);
    if (!j->path || !j->batch)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK && sqlite3_open_v2(path, &j->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                           NULL) != SQLITE_OK)
        status = wk_fail(err, WK_E_IO,
                         "cannot open the journal %s: %s; check the directory and its rights", path,
                         sqlite3_errmsg(j->db));
    if (status == WK_OK) {
        sqlite3_busy_timeout(j->db, BUSY_MS);
        status = check_version(j, &found, err);
    }
    char version[64];
    snprintf(version, sizeof version, "PRAGMA user_version=%d", WK__JOURNAL_VERSION);
    if (status == WK_OK)
        status = wk__journal_sql(
            j, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-256;", err);
    if (status == WK_OK)
        status = wk__journal_sql(j, schema, err);
    if (status == WK_OK && found == 1)
        status = wk__journal_sql(j,
                                 "BEGIN; ALTER TABLE records ADD COLUMN slippage_e8 INTEGER; ALTER "
                                 "TABLE records ADD COLUMN leverage REAL; PRAGMA user_version=2; "
                                 "COMMIT;",
                                 err);
    if (status == WK_OK)
        status = wk__journal_sql(j, version, err);
    if (status == WK_OK && sqlite3_open_v2(path, &j->own, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        status =
            wk_fail(err, WK_E_IO, "cannot open the journal %s: %s", path, sqlite3_errmsg(j->own));
    if (status == WK_OK)
        sqlite3_busy_timeout(j->own, BUSY_MS);
    if (status == WK_OK && sqlite3_prepare_v2(j->db, insert_sql, -1, &j->insert, NULL) != SQLITE_OK)
        status = wk_fail(err, WK_E_DATA, "%s: %s", path, sqlite3_errmsg(j->db));
    sqlite3_stmt *s = NULL;
    if (status == WK_OK &&
        sqlite3_prepare_v2(j->db, "SELECT coalesce(max(seq), 0) FROM records", -1, &s, NULL) ==
            SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        j->seq_base = (uint64_t)sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    if (status == WK_OK)
        status = wk_ring_create(sizeof(wk__entry), RING_RECORDS, &j->ring, err);
    if (status == WK_OK && pthread_create(&j->thread, NULL, writer, j) != 0)
        status = wk_fail(err, WK_E_IO, "cannot start the journal's thread");
    else if (status == WK_OK)
        j->runs = true;
    if (status != WK_OK) {
        wk_journal_close(j);
        return status;
    }
    *out = j;
    return WK_OK;
}

void wk_journal_close(wk_journal *j)
{
    if (!j)
        return;
    if (j->runs) {
        atomic_store(&j->stop_ns, wk_clock_monotonic_ns() + 2 * WK_NS_PER_S);
        atomic_store(&j->stop, true);
        pthread_join(j->thread, NULL);
    }
    sqlite3_finalize(j->insert);
    sqlite3_close(j->own);
    sqlite3_close(j->db);
    wk_ring_destroy(j->ring);
    pthread_mutex_destroy(&j->lock);
    free(j->batch);
    free(j->path);
    free(j);
}

uint64_t wk_journal_put(wk_journal *j, const wk_journal_record *record)
{
    WK_ASSERT(record->kind >= 0 && record->kind <= WK_JOURNAL_NOTE);
    wk__entry entry = {.seq = j->seq + 1, .record = *record};
    if (!wk_ring_push(j->ring, &entry))
        return 0;
    return ++j->seq;
}

uint64_t wk_journal_put_quiet(wk_journal *j, const wk_journal_record *record)
{
    WK_ASSERT(record->kind >= 0 && record->kind <= WK_JOURNAL_NOTE);
    wk__entry entry = {.seq = j->seq + 1, .record = *record};
    if (!wk_ring_push_quiet(j->ring, &entry))
        return 0;
    return ++j->seq;
}

bool wk_journal_has_room(const wk_journal *j)
{
    return wk_ring_used(j->ring) < RING_RECORDS / 2;
}

void wk_journal_wake(wk_journal *j)
{
    wk_ring_wake(j->ring);
}

uint64_t wk_journal_durable(const wk_journal *j)
{
    return atomic_load(&j->durable);
}

wk_status wk_journal_sync(wk_journal *j, wk_err *err)
{
    int64_t until = wk_clock_monotonic_ns() + 10 * WK_NS_PER_S;
    wk_ring_wake(j->ring);
    while (atomic_load(&j->durable) < j->seq) {
        char problem[256];
        wk_journal_problem(j, problem);
        if (problem[0])
            return wk_fail(err, WK_E_IO, "the journal %s cannot be written: %s", j->path, problem);
        if (wk_clock_monotonic_ns() > until)
            return wk_fail(err, WK_E_IO, "the journal %s was not written within 10 s", j->path);
        struct timespec pause = {.tv_nsec = 100000};
        nanosleep(&pause, NULL);
    }
    return WK_OK;
}

void wk_journal_problem(const wk_journal *j, char out[256])
{
    wk_journal *mutable = (wk_journal *)j;
    pthread_mutex_lock(&mutable->lock);
    snprintf(out, 256, "%s", j->problem);
    pthread_mutex_unlock(&mutable->lock);
}
