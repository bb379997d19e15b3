/* The candle store: HDF5 files <root>/<venue>/<symbol>/<timeframe>/<year>.h5, each with the
 * datasets time (int64 ns), open, high, low, close, volume (f64) and provenance (u8), readable by
 * h5py. Bars that were corrected have the versions before the final one in the group "revisions"
 * (the same columns, arrival and replaced: when that version and the next became known); holes are
 * listed in the dataset "gaps" (first missing open, bars missing). Series of values (funding, open
 * interest, ...) are <root>/<venue>/<symbol>/<name>/<year>.h5 with time, known and value.
 *
 * A file is written whole beside its target, fsynced and renamed; it is never updated in
 * place. Files hold no object times: equal bars give equal bytes whichever order they arrived in.
 * What arrived since is in <root>/fresh.sqlite (wick/fresh.h); every reader here sees both, as if
 * wk_fresh_flush had run just before. */
#ifndef WICK_STORE_H
#define WICK_STORE_H

#include "wick/bars.h"
#include "wick/fresh.h"

/* Where the store is: `given` if not NULL, else $WICK_HOME/store, else ~/.wick/store. The path is
 * written to out (size_bytes). */
WK_MUST_CHECK wk_status wk_store_root(const char *given, char *out, size_t size_bytes, wk_err *err);

/* Merges `series` into the store: years it touches are read, merged (the newer value wins and is
 * counted in *n_changed) and, where anything changed, rewritten. All years are safely on disk
 * before the first replaces its old file, so that a full disk leaves the store as it was. One
 * writer a series at a time: a second waits. n_changed, n_added may be NULL. */
WK_MUST_CHECK wk_status wk_store_merge(const char *root, const wk_series *series, size_t *n_added,
                                       size_t *n_changed, wk_err *err);

/* The same; marks [series->n] (may be NULL) says what became of each bar. */
enum { WK_STORE_EQUAL, WK_STORE_ADDED, WK_STORE_CHANGED };
WK_MUST_CHECK wk_status wk_store_merge_marks(const char *root, const wk_series *series,
                                             uint8_t *marks, size_t *n_added, size_t *n_changed,
                                             wk_err *err);

/* Reads [from_ns, to_ns) (0, 0: everything). *out is owned by the caller. */
WK_MUST_CHECK wk_status wk_store_read(const char *root, const char *venue, const char *symbol,
                                      int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                                      wk_series *out, wk_err *err);

/* A version of a bar that was replaced. */
typedef struct {
    wk_bar bar;
    uint8_t provenance;
    int64_t arrival_ns;  /* when we learnt it; 0: not told */
    int64_t replaced_ns; /* when we learnt the next version */
} wk_revision;

/* All replaced versions of the bars in [from_ns, to_ns) (0, 0: everything), by time, then in order
 * of arrival. The caller frees *out. */
WK_MUST_CHECK wk_status wk_store_revisions(const char *root, const char *venue, const char *symbol,
                                           int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                                           wk_revision **out, size_t *n, wk_err *err);

/* A hole: n_bars missing from first_ns on. */
typedef struct {
    int64_t first_ns;
    int64_t n_bars;
} wk_store_gap;

/* The holes between the first and the last bar, in order, from the index that the files carry. The
 * caller frees *out. */
WK_MUST_CHECK wk_status wk_store_gaps(const char *root, const char *venue, const char *symbol,
                                      int64_t timeframe_ns, wk_store_gap **out, size_t *n,
                                      wk_err *err);

/* A series of values by time, then by known time, [from_ns, to_ns) (0, 0: everything). The caller
 * frees *out. Nothing stored is no error: *n is 0. */
WK_MUST_CHECK wk_status wk_store_values(const char *root, const char *venue, const char *symbol,
                                        const char *name, int64_t from_ns, int64_t to_ns,
                                        wk_fresh_value **out, size_t *n, wk_err *err);

typedef struct {
    char venue[32], symbol[32];
    int64_t timeframe_ns, first_ns, last_ns;
    size_t n, gaps, bars_missing;
    size_t n_fresh;     /* of them not in the yearly files yet */
    size_t n_revisions; /* replaced versions beside them */
} wk_store_entry;

/* Lists all series, sorted by venue, symbol, timeframe. The caller frees *out. */
WK_MUST_CHECK wk_status wk_store_list(const char *root, wk_store_entry **out, size_t *n,
                                      wk_err *err);

typedef struct {
    char venue[32], symbol[32], name[32];
    int64_t first_ns, last_ns; /* by the time that they speak of */
    size_t n, n_fresh;
} wk_store_value_entry;

/* Lists all series of values, sorted by venue, symbol, name. The caller frees *out. */
WK_MUST_CHECK wk_status wk_store_list_values(const char *root, wk_store_value_entry **out,
                                             size_t *n, wk_err *err);

/* Opens every file and checks grid, order, prices; calls `report` (may be NULL) for each problem.
 */
WK_MUST_CHECK wk_status wk_store_check(const char *root,
                                       void (*report)(void *ctx, const char *problem), void *ctx,
                                       size_t *n_problems, wk_err *err);

/* Repairs what wk_store_check complains about: of a damaged file, sorted and each time once, what
 * can be read is kept; the damaged one is moved aside as <year>.h5.damaged and never deleted.
 * Leftovers of interrupted programs are deleted, a damaged fresh.sqlite is rebuilt from its
 * readable rows. `report` (may be NULL) is told each thing that was done. n_repaired may be NULL.
 */
WK_MUST_CHECK wk_status wk_store_repair(const char *root,
                                        void (*report)(void *ctx, const char *what), void *ctx,
                                        size_t *n_repaired, wk_err *err);

/* The rolling window: forgets the bars and revisions of a series that opened before before_ns, in
 * the yearly files and in the fresh ones. Whole years are deleted, the year of before_ns is written
 * anew. n_dropped may be NULL. With dry_run nothing is changed, only counted. */
WK_MUST_CHECK wk_status wk_store_prune(const char *root, const char *venue, const char *symbol,
                                       int64_t timeframe_ns, int64_t before_ns, int dry_run,
                                       size_t *n_dropped, wk_err *err);

enum { WK_STORE_WINDOWS_MAX = 32 };

/* How long the bars of each timeframe stay. */
typedef struct {
    size_t n;
    struct {
        int64_t timeframe_ns, keep_ns; /* timeframe 0: all others */
    } v[WK_STORE_WINDOWS_MAX];
} wk_store_windows;

/* Reads "1m=30d,15m=26w,1h=18mo,all=5y"; errors begin with `what`, the key or option it stands in.
 */
WK_MUST_CHECK wk_status wk_store_windows_parse(const char *what, const char *text,
                                               wk_store_windows *out, wk_err *err);

/* The window of a timeframe; 0: its bars stay for ever. */
int64_t wk_store_window(const wk_store_windows *windows, int64_t timeframe_ns);

/* wk_store_prune of each series that has a window, counted back from the series' newest bar: a
 * market that ended keeps its last one. Of one venue or symbol only where these are given.
 * `report` (may be NULL) is told each series that was cut. n_dropped may be NULL. A
 * program without HDF5 cuts what is fresh, and knows no dry run. */
WK_MUST_CHECK wk_status wk_store_prune_windows(const char *root, const wk_store_windows *windows,
                                               const char *venue, const char *symbol, int dry_run,
                                               void (*report)(void *ctx,
                                                              const wk_store_entry *series,
                                                              int64_t before_ns, size_t n_dropped),
                                               void *ctx, size_t *n_dropped, wk_err *err);

#endif
