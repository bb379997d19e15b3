/* A year of the store and what is fresh of it, put together: what a flush writes and what readers
 * see until it does. */
#ifndef WK_DATA_STORE_YEAR_H
#define WK_DATA_STORE_YEAR_H

#include "fresh_internal.h"
#include "store_file.h"

/* When the final bars of a year became known. Ordinary yearly files have no room for it (they
 * would differ from download to download); the database keeps it packed, one row a year, so that a
 * correction can be put into its place whenever it comes. */
typedef struct {
    int64_t time_ns, arrival_ns;
} wk__arrival;

typedef struct {
    wk__arrival *v; /* [n], owned, by time */
    size_t n;
} wk__arrivals;

WK_MUST_CHECK wk_status wk__arrivals_load(wk_fresh *f, int64_t series, int year, wk__arrivals *out,
                                          wk_err *err);
/* In a transaction for writing. None: the row goes. */
WK_MUST_CHECK wk_status wk__arrivals_save(wk_fresh *f, int64_t series, int year,
                                          const wk__arrivals *arrivals, wk_err *err);
/* 0 when it is not known. */
int64_t wk__arrivals_find(const wk__arrivals *arrivals, int64_t time_ns);

/* old (may be empty) and the fresh versions `rows` [n > 0] (by time, in order) make *out, owned by
 * the caller, with the arrivals of its final bars where `arrivals` is not NULL (which holds old's
 * before and out's after). *added, *changed: bars that old lacks or has otherwise. */
WK_MUST_CHECK wk_status wk__year_merge(const wk__year *old, const wk_fresh_bar *rows, size_t n,
                                       wk__arrivals *arrivals, wk__year *out, size_t *added,
                                       size_t *changed, wk_err *err);

/* All fresh rows of a series that no yearly file has, read at one instant, with the arrivals of the
 * years they touch at hand. A zeroed struct is empty. */
typedef struct {
    wk_fresh *f;
    int64_t series;
    wk_fresh_bar *rows;
    size_t n;
} wk__fresh_view;

/* f may be NULL: an empty view. The view borrows f. */
WK_MUST_CHECK wk_status wk__view_open(wk_fresh *f, const char *venue, const char *symbol,
                                      int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                                      wk__fresh_view *out, wk_err *err);
void wk__view_close(wk__fresh_view *view);
/* The rows of one year. */
const wk_fresh_bar *wk__view_year(const wk__fresh_view *view, int year, size_t *n);

/* The next year after `year` (0: the first) that one of the files `names` [n] or the view has; 0 at
 * the end. */
int wk__view_next_year(const wk__fresh_view *view, char *const *names, size_t n, int year);

/* Loads the file (which may be missing) and lays the view's rows of that year over it. *out may be
 * empty. *n_fresh (may be NULL): bars that are not in the file, or not so. */
WK_MUST_CHECK wk_status wk__year_read(const char *path, int year, int64_t timeframe_ns,
                                      const wk__fresh_view *view, wk__load what, wk__year *out,
                                      size_t *n_fresh, wk_err *err);

/* Two lists, each by time, then by known time, become one history a time in out->v. */
WK_MUST_CHECK wk_status wk__values_merge(const wk__values *old, const wk_fresh_value *rows,
                                         size_t n, wk__values *out, wk_err *err);

#endif
