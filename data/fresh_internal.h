/* Inside the fresh end of the store: the database, its transactions, and the history of one bar. */
#ifndef WK_DATA_FRESH_INTERNAL_H
#define WK_DATA_FRESH_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "wick/fresh.h"

enum { WK__FRESH_SCHEMA = 1, WK__FRESH_WAIT_S = 30 };

struct wk_fresh {
    sqlite3 *db;
    pthread_mutex_t lock; /* a transaction belongs to one thread */
    char *root, *path;    /* owned */
};

/* Opens the database only if it exists: *out is NULL otherwise. For readers. */
WK_MUST_CHECK wk_status wk__fresh_open_existing(const char *root, wk_fresh **out, wk_err *err);

/* What SQLite says about the last failure, with what we were about to do. */
wk_status wk__fresh_fail(const wk_fresh *f, const char *doing, wk_err *err);

/* Takes the lock and begins; for writing, other writers wait. wk__fresh_end commits when status is
 * WK_OK, otherwise takes everything back, and gives the lock up. */
WK_MUST_CHECK wk_status wk__fresh_begin(wk_fresh *f, int for_writing, wk_err *err);
WK_MUST_CHECK wk_status wk__fresh_end(wk_fresh *f, wk_status status, wk_err *err);

WK_MUST_CHECK wk_status wk__fresh_prepare(wk_fresh *f, const char *sql, sqlite3_stmt **out,
                                          wk_err *err);
/* Runs a statement without rows; resets it. */
WK_MUST_CHECK wk_status wk__fresh_run(wk_fresh *f, sqlite3_stmt *s, const char *doing, wk_err *err);
/* One statement with up to four integers bound. */
WK_MUST_CHECK wk_status wk__fresh_exec(wk_fresh *f, const char *sql, const int64_t *values, int n,
                                       wk_err *err);

/* A number that grows with each write transaction: rows carry the one they were written with. */
WK_MUST_CHECK wk_status wk__fresh_stamp(wk_fresh *f, int make, int64_t *stamp, wk_err *err);
WK_MUST_CHECK wk_status wk__fresh_set_cursor(wk_fresh *f, const wk_fresh_cursor *cursor,
                                             wk_err *err);

/* The id of a series of bars (name "", timeframe_ns > 0) or of values (timeframe_ns 0). With `make`
 * it is made when absent, else *id is 0 then. *phase_ns (may be NULL): time_ns % timeframe_ns of
 * its bars, -1 before the first. */
WK_MUST_CHECK wk_status wk__fresh_series(wk_fresh *f, const char *venue, const char *symbol,
                                         int64_t timeframe_ns, const char *name, int make,
                                         int64_t *id, int64_t *phase_ns, wk_err *err);

typedef struct {
    int64_t id, timeframe_ns, phase_ns;
    char venue[32], symbol[32], name[32];
} wk__fresh_series_row;

/* All of them, sorted by venue, symbol, timeframe, name. The caller frees *out. */
WK_MUST_CHECK wk_status wk__fresh_series_all(wk_fresh *f, wk__fresh_series_row **out, size_t *n,
                                             wk_err *err);

/* The rows of a series of bars by time, each bar's history in its order. only_new: those that no
 * yearly file has. The caller frees *out. Needs an open transaction. */
WK_MUST_CHECK wk_status wk__fresh_rows(wk_fresh *f, int64_t series, int64_t from_ns, int64_t to_ns,
                                       int only_new, wk_fresh_bar **out, size_t *n, wk_err *err);
WK_MUST_CHECK wk_status wk__fresh_value_rows(wk_fresh *f, int64_t series, int64_t from_ns,
                                             int64_t to_ns, int only_new, wk_fresh_value **out,
                                             size_t *n, wk_err *err);

/* Replaces a damaged database by what can be read of it; tells `report` (may be NULL) what it did
 * and adds to *n_repaired. A sound or missing one is left alone. */
WK_MUST_CHECK wk_status wk__fresh_repair(const char *root,
                                         void (*report)(void *ctx, const char *what), void *ctx,
                                         size_t *n_repaired, wk_err *err);

/* How much a provenance is worth: traded and confirmed-empty 3, repaired 2, imputed 1, else 0. */
int wk__provenance_strength(uint8_t provenance);
int wk__same_version(const wk_fresh_bar *a, const wk_fresh_bar *b);

/* Puts the versions of one bar into the order they became known and leaves those out that changed
 * nothing: equal to the one before, or weaker. The last one left is final, the first is as seen.
 * Returns how many are left. The result depends on the set only. */
size_t wk__versions_settle(wk_fresh_bar *versions, size_t n);
/* The same for values of one time. */
size_t wk__values_settle(wk_fresh_value *values, size_t n);

#endif
