/* The candle store: HDF5 files <root>/<venue>/<symbol>/<timeframe>/<year>.h5, each with the
 * datasets time (int64 ns), open, high, low, close, volume (f64) and provenance (u8), readable by
 * h5py. A file is written whole beside its target, fsynced and renamed; it is never updated in
 * place. Files hold no object times: equal bars give equal bytes whichever order they arrived in.
 */
#ifndef WICK_STORE_H
#define WICK_STORE_H

#include "wick/bars.h"

/* Where the store is: `given` if not NULL, else $WICK_HOME/store, else ~/.wick/store. The path is
 * written to out (size_bytes). */
WK_MUST_CHECK wk_status wk_store_root(const char *given, char *out, size_t size_bytes, wk_err *err);

/* Merges `series` into the store: years it touches are read, merged (the newer value wins and is
 * counted in *n_changed) and, where anything changed, rewritten. All years are safely on disk
 * before the first replaces its old file, so that a full disk leaves the store as it was. One
 * writer a series at a time: a second waits. n_changed, n_added may be NULL. */
WK_MUST_CHECK wk_status wk_store_merge(const char *root, const wk_series *series, size_t *n_added,
                                       size_t *n_changed, wk_err *err);

/* Reads [from_ns, to_ns) (0, 0: everything). *out is owned by the caller. */
WK_MUST_CHECK wk_status wk_store_read(const char *root, const char *venue, const char *symbol,
                                      int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                                      wk_series *out, wk_err *err);

typedef struct {
    char venue[32], symbol[32];
    int64_t timeframe_ns, first_ns, last_ns;
    size_t n, gaps, bars_missing;
} wk_store_entry;

/* Lists all series, sorted by venue, symbol, timeframe. The caller frees *out. */
WK_MUST_CHECK wk_status wk_store_list(const char *root, wk_store_entry **out, size_t *n,
                                      wk_err *err);

/* Opens every file and checks grid, order, prices; calls `report` (may be NULL) for each problem.
 */
WK_MUST_CHECK wk_status wk_store_check(const char *root,
                                       void (*report)(void *ctx, const char *problem), void *ctx,
                                       size_t *n_problems, wk_err *err);

#endif
