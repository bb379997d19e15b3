/* Bars of the fresh store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fresh_internal.h"
#include "store_name.h"
#include "wick/clock.h"

enum { VERSIONS_MAX = 1000 }; /* of one bar: a venue that corrects more often is broken */

/* The statements of one put. */
typedef struct {
    wk_fresh *f;
    sqlite3_stmt *find, *insert, *drop;
    int64_t series, stamp;
    wk_fresh_bar *history, *before; /* [VERSIONS_MAX + 1] each */
} putter;

static wk_status putter_open(putter *p, wk_err *err)
{
    WK_TRY(wk__fresh_prepare(p->f,
                             "SELECT time_ns, open, high, low, close, volume, provenance, "
                             "arrival_ns FROM bar WHERE series = ?1 AND time_ns = ?2 "
                             "ORDER BY arrival_ns, tie",
                             &p->find, err));
    WK_TRY(wk__fresh_prepare(p->f, "DELETE FROM bar WHERE series = ?1 AND time_ns = ?2", &p->drop,
                             err));
    WK_TRY(wk__fresh_prepare(p->f,
                             "INSERT INTO bar (series, time_ns, arrival_ns, tie, open, high, low, "
                             "close, volume, provenance, stamp, flushed) "
                             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
                             &p->insert, err));
    p->history = malloc((VERSIONS_MAX + 1) * sizeof *p->history);
    p->before = malloc((VERSIONS_MAX + 1) * sizeof *p->before);
    if (!p->history || !p->before)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    return WK_OK;
}

static void putter_close(putter *p)
{
    sqlite3_finalize(p->find);
    sqlite3_finalize(p->drop);
    sqlite3_finalize(p->insert);
    free(p->history);
    free(p->before);
}

static wk_fresh_bar read_row(sqlite3_stmt *s)
{
    return (wk_fresh_bar){.bar = {sqlite3_column_int64(s, 0), sqlite3_column_double(s, 1),
                                  sqlite3_column_double(s, 2), sqlite3_column_double(s, 3),
                                  sqlite3_column_double(s, 4), sqlite3_column_double(s, 5)},
                          .provenance = (uint8_t)sqlite3_column_int(s, 6),
                          .arrival_ns = sqlite3_column_int64(s, 7)};
}

static wk_status insert(putter *p, const wk_fresh_bar *b, int tie, wk_err *err)
{
    sqlite3_stmt *s = p->insert;
    sqlite3_bind_int64(s, 1, p->series);
    sqlite3_bind_int64(s, 2, b->bar.time_ns);
    sqlite3_bind_int64(s, 3, b->arrival_ns);
    sqlite3_bind_int(s, 4, tie);
    sqlite3_bind_double(s, 5, b->bar.open);
    sqlite3_bind_double(s, 6, b->bar.high);
    sqlite3_bind_double(s, 7, b->bar.low);
    sqlite3_bind_double(s, 8, b->bar.close);
    sqlite3_bind_double(s, 9, b->bar.volume);
    sqlite3_bind_int(s, 10, b->provenance);
    sqlite3_bind_int64(s, 11, p->stamp);
    return wk__fresh_run(p->f, s, "write to it", err);
}

static int same_row(const wk_fresh_bar *a, const wk_fresh_bar *b)
{
    return a->arrival_ns == b->arrival_ns && wk__same_version(a, b);
}

static wk_status put_bar(putter *p, const wk_fresh_bar *b, wk_fresh_outcome *o, wk_err *err)
{
    size_t n = 0;
    int rc;
    sqlite3_bind_int64(p->find, 1, p->series);
    sqlite3_bind_int64(p->find, 2, b->bar.time_ns);
    while ((rc = sqlite3_step(p->find)) == SQLITE_ROW && n < VERSIONS_MAX)
        p->history[n++] = read_row(p->find);
    wk_status status =
        rc == SQLITE_ROW || rc == SQLITE_DONE ? WK_OK : wk__fresh_fail(p->f, "read its bars", err);
    sqlite3_reset(p->find);
    WK_TRY(status);
    if (n == 0) {
        o->n_added++;
        return insert(p, b, 0, err);
    }
    if (n == VERSIONS_MAX)
        return wk_fail(err, WK_E_RANGE, "%s: a bar with %d versions; its source is broken",
                       p->f->path, VERSIONS_MAX);
    size_t n_before = n;
    int known = 0;
    memcpy(p->before, p->history, n * sizeof *p->history);
    for (size_t i = 0; i < n; i++)
        known |= same_row(b, &p->history[i]);
    if (!known) {
        p->history[n++] = *b;
        n = wk__versions_settle(p->history, n);
    }
    int stays = n == n_before;
    for (size_t i = 0; stays && i < n; i++)
        stays = same_row(&p->history[i], &p->before[i]);
    if (stays) {
        if (wk__provenance_strength(b->provenance) <
            wk__provenance_strength(p->history[n - 1].provenance))
            o->n_weaker++;
        else
            o->n_equal++;
        return WK_OK;
    }
    sqlite3_bind_int64(p->drop, 1, p->series);
    sqlite3_bind_int64(p->drop, 2, b->bar.time_ns);
    WK_TRY(wk__fresh_run(p->f, p->drop, "write to it", err));
    int tie = 0;
    for (size_t i = 0; i < n; i++) {
        tie = i > 0 && p->history[i].arrival_ns == p->history[i - 1].arrival_ns ? tie + 1 : 0;
        WK_TRY(insert(p, &p->history[i], tie, err));
    }
    /* An earlier arrival of what is there already revises nothing. */
    if (n > n_before || !wk__same_version(&p->history[n - 1], &p->before[n_before - 1]))
        o->n_revised++;
    else
        o->n_equal++;
    return WK_OK;
}

/* SQLite keeps no minus zero. */
static double plus(double x)
{
    return x == 0 ? 0.0 : x;
}

static wk_status check_bar(const wk_fresh_bar *b, const char *symbol, size_t i,
                           int64_t timeframe_ns, int64_t phase_ns, wk_err *err)
{
    char when[32];
    const char *problem = wk_bar_problem(&b->bar);
    int64_t phase = b->bar.time_ns % timeframe_ns;
    if (!problem && (phase < 0 ? phase + timeframe_ns : phase) != phase_ns)
        problem = "its time is off the grid of the series";
    if (!problem && b->provenance >= WK_PROV_UNKNOWN)
        problem = "unknown bars are left out, not stored";
    if (!problem)
        return WK_OK;
    return wk_fail(err, WK_E_DATA, "%s: bar %zu at %s: %s", symbol, i,
                   wk_time_format(b->bar.time_ns, when), problem);
}

static wk_status put_all(putter *p, const char *venue, const char *symbol, int64_t timeframe_ns,
                         const wk_fresh_bar *bars, size_t n, wk_fresh_outcome *o, wk_err *err)
{
    int64_t phase_ns;
    if (n == 0)
        return WK_OK;
    WK_TRY(wk__fresh_series(p->f, venue, symbol, timeframe_ns, "", 1, &p->series, &phase_ns, err));
    if (phase_ns < 0) {
        phase_ns = bars[0].bar.time_ns % timeframe_ns;
        phase_ns = phase_ns < 0 ? phase_ns + timeframe_ns : phase_ns;
        const int64_t set[2] = {phase_ns, p->series};
        WK_TRY(wk__fresh_exec(p->f, "UPDATE series SET phase_ns = ? WHERE id = ?", set, 2, err));
    }
    WK_TRY(wk__fresh_stamp(p->f, 1, &p->stamp, err));
    WK_TRY(putter_open(p, err));
    for (size_t i = 0; i < n; i++) {
        wk_fresh_bar b = bars[i];
        WK_TRY(check_bar(&b, symbol, i, timeframe_ns, phase_ns, err));
        b.bar.volume = plus(b.bar.volume);
        WK_TRY(put_bar(p, &b, o, err));
    }
    return WK_OK;
}

wk_status wk_fresh_put_bars(wk_fresh *fresh, const char *venue, const char *symbol,
                            int64_t timeframe_ns, const wk_fresh_bar *bars, size_t n,
                            const wk_fresh_cursor *cursor, wk_fresh_outcome *outcome, wk_err *err)
{
    putter p = {.f = fresh};
    wk_fresh_outcome o = {0};
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    WK_TRY(wk__store_check_timeframe(symbol, timeframe_ns, err));
    WK_TRY(wk__fresh_begin(fresh, 1, err));
    wk_status status = put_all(&p, venue, symbol, timeframe_ns, bars, n, &o, err);
    if (status == WK_OK)
        status = wk__fresh_set_cursor(fresh, cursor, err);
    putter_close(&p);
    WK_TRY(wk__fresh_end(fresh, status, err));
    if (outcome)
        *outcome = o;
    return WK_OK;
}

wk_status wk__fresh_rows(wk_fresh *f, int64_t series, int64_t from_ns, int64_t to_ns, int only_new,
                         wk_fresh_bar **out, size_t *n, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f,
                             "SELECT time_ns, open, high, low, close, volume, provenance, "
                             "arrival_ns FROM bar WHERE series = ?1 AND time_ns >= ?2 AND time_ns "
                             "< ?3 AND flushed <= ?4 ORDER BY time_ns, arrival_ns, tie",
                             &s, err));
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int64(s, 2, from_ns ? from_ns : INT64_MIN);
    sqlite3_bind_int64(s, 3, to_ns ? to_ns : INT64_MAX);
    sqlite3_bind_int(s, 4, !only_new);
    wk_fresh_bar *rows = NULL;
    size_t count = 0, capacity = 0;
    wk_status status = WK_OK;
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            wk_fresh_bar *grown = realloc(rows, capacity * sizeof *rows);
            if (!grown) {
                status = wk_fail(err, WK_E_NOMEM, "out of memory for %zu fresh bars", capacity);
                break;
            }
            rows = grown;
        }
        rows[count++] = read_row(s);
    }
    if (status == WK_OK && rc != SQLITE_DONE)
        status = wk__fresh_fail(f, "read its bars", err);
    sqlite3_finalize(s);
    if (status != WK_OK) {
        free(rows);
        return status;
    }
    *out = rows;
    *n = count;
    return WK_OK;
}

wk_status wk_fresh_bars(wk_fresh *fresh, const char *venue, const char *symbol,
                        int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                        wk_err *err)
{
    wk_fresh_bar *rows = NULL;
    size_t n = 0;
    int64_t id = 0;
    char name[16];
    WK_TRY(wk__fresh_begin(fresh, 0, err));
    wk_status status = wk__fresh_series(fresh, venue, symbol, timeframe_ns, "", 0, &id, NULL, err);
    if (status == WK_OK && id)
        status = wk__fresh_rows(fresh, id, from_ns, to_ns, 0, &rows, &n, err);
    status = wk__fresh_end(fresh, status, err);
    if (status == WK_OK && n == 0)
        status = wk_fail(err, WK_E_NOT_FOUND, "%s has no bars of %s %s %s in the asked time",
                         fresh->path, venue, symbol, wk_timeframe_format(timeframe_ns, name));
    wk_series s = {0};
    if (status == WK_OK)
        status = wk_series_create(venue, symbol, timeframe_ns, n, &s, err);
    if (status != WK_OK) {
        free(rows);
        return status;
    }
    s.n = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && rows[i + 1].bar.time_ns == rows[i].bar.time_ns)
            continue; /* the last version of a bar is the final one */
        s.bars[s.n] = rows[i].bar;
        s.provenance[s.n++] = rows[i].provenance;
    }
    free(rows);
    *out = s;
    return WK_OK;
}

wk_status wk_fresh_prune(wk_fresh *fresh, const char *venue, const char *symbol,
                         int64_t timeframe_ns, int64_t before_ns, size_t *n_dropped, wk_err *err)
{
    int64_t id = 0;
    size_t n = 0;
    WK_TRY(wk__fresh_begin(fresh, 1, err));
    wk_status status = wk__fresh_series(fresh, venue, symbol, timeframe_ns, "", 0, &id, NULL, err);
    if (status == WK_OK && id) {
        const int64_t bound[2] = {id, before_ns};
        status = wk__fresh_exec(fresh, "DELETE FROM bar WHERE series = ? AND time_ns < ?", bound, 2,
                                err);
        n = (size_t)sqlite3_changes(fresh->db);
    }
    WK_TRY(wk__fresh_end(fresh, status, err));
    if (n_dropped)
        *n_dropped = n;
    return WK_OK;
}
