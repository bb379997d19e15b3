#include "journal_read.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { JOURNAL_VERSION = 2, BUSY_MS = 5000 };

wk_status wk_ops_journal_open(const char *where, sqlite3 **out, char *path, wk_err *err)
{
    char file[PATH_MAX];
    struct stat st;
    bool is_dir = stat(where, &st) == 0 && S_ISDIR(st.st_mode);
    if (snprintf(file, sizeof file, is_dir ? "%s/journal.sqlite" : "%s", where) >= (int)sizeof file)
        return wk_fail(err, WK_E_IO, "path too long: %s", where);
    if (stat(file, &st) != 0)
        return wk_fail(err, WK_E_IO,
                       "%s is not there; name the bot's directory or its journal.sqlite", file);
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    wk_status status = WK_OK;
    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        status = wk_fail(err, WK_E_IO, "cannot open the journal %s: %s", file, sqlite3_errmsg(db));
    if (status == WK_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL) != SQLITE_OK ||
            sqlite3_step(s) != SQLITE_ROW || sqlite3_column_int(s, 0) == 0)
            status = wk_fail(err, WK_E_DATA, "%s is no journal, or a damaged one: %s", file,
                             sqlite3_errmsg(db));
        else if (sqlite3_column_int(s, 0) > JOURNAL_VERSION)
            status =
                wk_fail(err, WK_E_DATA, "%s is a journal of version %d; this wick knows up to %d",
                        file, sqlite3_column_int(s, 0), JOURNAL_VERSION);
        sqlite3_finalize(s);
    }
    if (status != WK_OK) {
        sqlite3_close(db);
        return status;
    }
    if (path)
        snprintf(path, PATH_MAX, "%s", file);
    *out = db;
    return WK_OK;
}

static void copy(sqlite3_stmt *s, int column, char *out, size_t size_bytes)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    snprintf(out, size_bytes, "%s", text ? text : "");
}

/* Appends a zeroed element to an array that doubles; NULL: out of memory. */
static void *grow(void **array, size_t *n, size_t size_bytes)
{
    if ((*n & (*n - 1)) == 0) {
        void *more = realloc(*array, (*n ? 2 * *n : 1) * size_bytes);
        if (!more)
            return NULL;
        *array = more;
    }
    void *element = (char *)*array + (*n)++ * size_bytes;
    memset(element, 0, size_bytes);
    return element;
}

static wk_status refuse(sqlite3 *db, wk_err *err)
{
    return wk_fail(err, WK_E_DATA, "the journal cannot be read: %s", sqlite3_errmsg(db));
}

static wk_status read_markets(sqlite3 *db, wk_ops_trips *out, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, "SELECT id, venue, symbol, tick, lot FROM markets ORDER BY id", -1,
                           &s, NULL) != SQLITE_OK)
        return refuse(db, err);
    int code;
    wk_status status = WK_OK;
    while (status == WK_OK && (code = sqlite3_step(s)) != SQLITE_DONE) {
        wk_ops_market *m = NULL;
        if (code != SQLITE_ROW)
            status = refuse(db, err);
        else if (!(m = grow((void **)&out->markets, &out->n_markets, sizeof *m)))
            status = wk_fail(err, WK_E_NOMEM, "out of memory");
        else {
            m->id = sqlite3_column_int64(s, 0);
            copy(s, 1, m->venue, sizeof m->venue);
            copy(s, 2, m->symbol, sizeof m->symbol);
            m->tick = sqlite3_column_double(s, 3);
            m->lot = sqlite3_column_double(s, 4);
        }
    }
    sqlite3_finalize(s);
    return status;
}

static const char fills_sql[] =
    "SELECT r.seq, r.kind, r.time_ns, r.market, r.order_id, r.side, r.reason, r.maker, r.qty_lots, "
    "r.price_ticks, r.fee_e8, r.amount_e8, g.score, g.model_version, r.venue_id, g.text FROM "
    "records r "
    "LEFT JOIN "
    "records g ON r.kind = 'fill' AND g.seq = (SELECT max(seq) FROM records WHERE order_id = "
    "r.order_id AND kind = 'signal') WHERE r.kind IN ('fill', 'funding') ORDER BY r.seq";

static int reason_of(const char *name)
{
    for (int i = 0; name && i < WK_REASON_COUNT; i++)
        if (strcmp(wk_reason_name((wk_reason)i), name) == 0)
            return i;
    return WK_REASON_END;
}

/* Funding that was told after its trade had closed. */
static void change_trade(wk_ops_trips *out, const wk_trade changed[2])
{
    for (size_t i = out->n_trips; i-- > 0;) {
        wk_ops_trip *t = &out->trips[i];
        if (t->closed && t->trade.symbol == changed[0].symbol &&
            t->trade.entry_ns == changed[0].entry_ns && t->trade.exit_ns == changed[0].exit_ns) {
            t->trade = changed[1];
            return;
        }
    }
}

/* One fill or funding row; open[s] is the market's open trip plus one. */
static wk_status take_row(sqlite3_stmt *s, wk_ops_trips *out, wk_ledger *ledger, size_t *open,
                          wk_err *err)
{
    size_t m = 0;
    while (m < out->n_markets && out->markets[m].id != sqlite3_column_int64(s, 3))
        m++;
    if (m == out->n_markets)
        return WK_OK; /* a row without a market moves no position */
    if (strcmp((const char *)sqlite3_column_text(s, 1), "funding") == 0) {
        wk_trade changed[2];
        if (sqlite3_column_type(s, 14) == SQLITE_NULL || !sqlite3_column_bytes(s, 14)) /* paper's */
            wk_ledger_funding(ledger, (uint32_t)m, sqlite3_column_int64(s, 11));
        else if (wk_ledger_late_funding(ledger, (uint32_t)m, sqlite3_column_int64(s, 2),
                                        sqlite3_column_int64(s, 11), changed))
            change_trade(out, changed);
        return WK_OK;
    }
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FILL,
                         .time_ns = sqlite3_column_int64(s, 2),
                         .symbol = (uint32_t)m,
                         .side = (int8_t)sqlite3_column_int(s, 5),
                         .reason = (uint8_t)reason_of((const char *)sqlite3_column_text(s, 6)),
                         .maker = sqlite3_column_int(s, 7) != 0,
                         .qty_lots = sqlite3_column_int64(s, 8),
                         .price_ticks = sqlite3_column_int64(s, 9),
                         .fee_e8 = sqlite3_column_int64(s, 10)};
    if (!open[m]) {
        wk_ops_trip *t = grow((void **)&out->trips, &out->n_trips, sizeof *t);
        if (!t)
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        open[m] = out->n_trips;
        t->first_seq = sqlite3_column_int64(s, 0);
        t->trade = (wk_trade){.symbol = (uint32_t)m, .side = e.side, .entry_ns = e.time_ns};
        copy(s, 4, t->entry_order, sizeof t->entry_order);
        copy(s, 13, t->model, sizeof t->model);
        copy(s, 15, t->strategy, sizeof t->strategy);
        if (strcmp(t->strategy, wk_reason_name(WK_REASON_ENTRY)) == 0) /* of an older journal */
            t->strategy[0] = 0;
    }
    wk_ops_trip *t = &out->trips[open[m] - 1];
    t->last_seq = sqlite3_column_int64(s, 0);
    t->fees_e8 += e.fee_e8;
    double score = sqlite3_column_type(s, 12) == SQLITE_NULL ? NAN : sqlite3_column_double(s, 12);
    int64_t cash;
    wk_trade trade;
    WK_TRY(wk_ledger_fill(ledger, &e, 0, score, &cash, &t->closed, &trade, err));
    if (t->closed) {
        t->trade = trade;
        open[m] = 0;
    }
    return WK_OK;
}

static wk_status read_trips(sqlite3 *db, wk_arena *arena, wk_ops_trips *out, wk_err *err)
{
    WK_TRY(read_markets(db, out, err));
    size_t S = out->n_markets;
    if (S == 0)
        return WK_OK;
    wk_trade_instrument *x = wk_arena_array(arena, wk_trade_instrument, S);
    size_t *open = wk_arena_array(arena, size_t, S);
    for (size_t i = 0; i < S; i++) {
        x[i] = (wk_trade_instrument){
            .tick = out->markets[i].tick, .lot = out->markets[i].lot, .min_lots = 1};
        snprintf(x[i].symbol, sizeof x[i].symbol, "%s", out->markets[i].symbol);
    }
    wk_ledger *ledger;
    WK_TRY(wk_ledger_plan(arena, x, S, &ledger, err));
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, fills_sql, -1, &s, NULL) != SQLITE_OK)
        return refuse(db, err);
    int code;
    wk_status status = WK_OK;
    while (status == WK_OK && (code = sqlite3_step(s)) != SQLITE_DONE)
        status = code == SQLITE_ROW ? take_row(s, out, ledger, open, err) : refuse(db, err);
    sqlite3_finalize(s);
    return status;
}

wk_status wk_ops_trips_read(sqlite3 *db, wk_ops_trips *out, wk_err *err)
{
    wk_arena arena;
    wk_ops_trips trips = {0};
    wk_arena_init(&arena);
    wk_status status = read_trips(db, &arena, &trips, err);
    wk_arena_finish(&arena);
    if (status != WK_OK) {
        wk_ops_trips_finish(&trips);
        return status;
    }
    *out = trips;
    return WK_OK;
}

void wk_ops_trips_finish(wk_ops_trips *trips)
{
    if (!trips)
        return;
    free(trips->markets);
    free(trips->trips);
    *trips = (wk_ops_trips){0};
}
