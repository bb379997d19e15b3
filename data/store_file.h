/* The store's files in memory. A year of bars: columns time, open, high, low, close, volume and
 * provenance of the final bars; a group "revisions" of what they replaced, only where something
 * was; a dataset "gaps" [n, 2] (first missing open, bars missing), only where some are. A year of
 * values: time, known, value. */
#ifndef WK_DATA_STORE_FILE_H
#define WK_DATA_STORE_FILE_H

#include "store_name.h"
#include "wick/fresh.h"
#include "wick/store.h"

typedef struct {
    wk_series series;
    wk_revision *revisions; /* [n_revisions], owned: by time, then in order of arrival */
    size_t n_revisions;
} wk__year;

void wk__year_finish(wk__year *year);

/* The file's bytes, equal for equal years. The caller frees *bytes. */
WK_MUST_CHECK wk_status wk__year_encode(const wk__year *year, char **bytes, size_t *size_bytes,
                                        wk_err *err);

typedef enum {
    WK__LOAD_TIMES = 1, /* and provenance; prices and volume stay 0 */
    WK__LOAD_BARS = 2,
    WK__LOAD_ALL = 3 /* with revisions */
} wk__load;

/* Reads a year's file. *out is owned by the caller. */
WK_MUST_CHECK wk_status wk__year_load(const char *path, wk__load what, wk__year *out, wk_err *err);

/* The revisions of a file that is open already (an hid_t), or none when they cannot be read. */
void wk__year_read_revisions(int64_t file, const char *path, wk__year *out);

/* What a year's file says about itself without its columns being read. */
typedef struct {
    int64_t timeframe_ns, first_ns, last_ns;
    size_t n, n_revisions, n_gaps;
    wk_store_gap *gaps; /* [n_gaps], owned */
} wk__summary;
/* WK_E_NOT_FOUND for a file of an older wick, which has no summary. The caller frees out->gaps. */
WK_MUST_CHECK wk_status wk__year_summary(const char *path, wk__summary *out, wk_err *err);

/* The holes of a series; the caller frees *out. */
WK_MUST_CHECK wk_status wk__find_gaps(const wk_series *series, wk_store_gap **out, size_t *n,
                                      wk_err *err);

typedef struct {
    char venue[32], symbol[32], name[32];
    wk_fresh_value *v; /* [n], owned: by time, then by known */
    size_t n;
} wk__values;

WK_MUST_CHECK wk_status wk__values_encode(const wk__values *values, char **bytes,
                                          size_t *size_bytes, wk_err *err);
WK_MUST_CHECK wk_status wk__values_load(const char *path, wk__values *out, wk_err *err);

#endif
