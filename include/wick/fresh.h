/* The fresh end of the store: what arrived since the yearly HDF5 files were last written, in one
 * SQLite database <root>/fresh.sqlite (WAL, synchronous FULL). An append that returned WK_OK
 * survives kill -9 and power loss. wk_store_read sees both; wk_fresh_flush moves rows into the
 * yearly files.
 *
 * Safe from many threads and processes, one writer at a time (a second waits). */
#ifndef WICK_FRESH_H
#define WICK_FRESH_H

#include "wick/bars.h"
#include "wick/instrument.h"

typedef struct wk_fresh wk_fresh;

WK_MUST_CHECK wk_status wk_fresh_open(const char *root, wk_fresh **out, wk_err *err);
void wk_fresh_close(wk_fresh *fresh);

typedef struct {
    wk_bar bar;
    uint8_t provenance; /* wk_provenance */
    int64_t arrival_ns; /* when we learnt it */
} wk_fresh_bar;

typedef struct {
    int64_t time_ns;  /* what it speaks of */
    int64_t known_ns; /* when we learnt it: joins use this one */
    double value;
} wk_fresh_value;

/* A place to go on from, written in the same transaction as the rows it speaks of. */
typedef struct {
    const char *key;  /* e.g. "fetch/kraken/BTCUSD/trades" */
    const char *text; /* NULL deletes */
} wk_fresh_cursor;

typedef struct {
    size_t n_added, n_equal;
    size_t n_revised; /* bars that differ from the stored one: the older stays as a revision */
    size_t n_weaker;  /* of a weaker provenance than the stored one: left out */
} wk_fresh_outcome;

/* Rows in any order; equal ones are not stored again. The bars of one open time make a history by
 * arrival_ns (not by the order of the calls), in which a bar equal to the one before it counts
 * once. The first bar stored of an open time is the
 * one as seen; a later different one becomes the final one and both are kept. A weaker provenance
 * never replaces a stronger one (traded and confirmed-empty over repaired over imputed). cursor,
 * outcome may be NULL. */
WK_MUST_CHECK wk_status wk_fresh_put_bars(wk_fresh *fresh, const char *venue, const char *symbol,
                                          int64_t timeframe_ns, const wk_fresh_bar *bars, size_t n,
                                          const wk_fresh_cursor *cursor, wk_fresh_outcome *outcome,
                                          wk_err *err);

/* The final bars that are here, [from_ns, to_ns) (0, 0: everything): for programs without HDF5.
 * WK_E_NOT_FOUND when there is none. *out is owned by the caller. wk_store_read sees more. */
WK_MUST_CHECK wk_status wk_fresh_bars(wk_fresh *fresh, const char *venue, const char *symbol,
                                      int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                                      wk_series *out, wk_err *err);

/* Forgets what opened before before_ns (the rolling window of a box without HDF5). n_dropped may be
 * NULL. */
WK_MUST_CHECK wk_status wk_fresh_prune(wk_fresh *fresh, const char *venue, const char *symbol,
                                       int64_t timeframe_ns, int64_t before_ns, size_t *n_dropped,
                                       wk_err *err);

/* Any named series of values: "funding" (fraction per interval), "open_interest" (base currency),
 * "mark", "basis", "long_short", "sentiment", ... */
WK_MUST_CHECK wk_status wk_fresh_put_values(wk_fresh *fresh, const char *venue, const char *symbol,
                                            const char *name, const wk_fresh_value *values,
                                            size_t n, const wk_fresh_cursor *cursor,
                                            wk_fresh_outcome *outcome, wk_err *err);
/* [from_ns, to_ns) by time_ns (0, 0: everything), sorted by time then arrival: what is here, which
 * after a flush is the newest ones (wk_store_values sees all). The caller frees *out. */
WK_MUST_CHECK wk_status wk_fresh_values(wk_fresh *fresh, const char *venue, const char *symbol,
                                        const char *name, int64_t from_ns, int64_t to_ns,
                                        wk_fresh_value **out, size_t *n, wk_err *err);

WK_MUST_CHECK wk_status wk_fresh_put_instrument(wk_fresh *fresh, const wk_instrument *instrument,
                                                wk_err *err);
/* The newest; WK_E_NOT_FOUND when there is none. */
WK_MUST_CHECK wk_status wk_fresh_instrument(wk_fresh *fresh, const char *venue, const char *symbol,
                                            wk_instrument *out, wk_err *err);

/* The text of a cursor, "" when there is none; the caller frees *out. */
WK_MUST_CHECK wk_status wk_fresh_cursor_get(wk_fresh *fresh, const char *key, char **out,
                                            wk_err *err);

/* Moves every bar and value into the HDF5 files and drops it here once they are safely on disk (a
 * crash in between repeats the move: no harm). keep_bars newest bars of each series stay here too,
 * for the small box that has no HDF5. */
WK_MUST_CHECK wk_status wk_fresh_flush(wk_fresh *fresh, size_t keep_bars, wk_err *err);

#endif
