/* Repair: what can be read of a damaged file is kept, the file itself moved aside. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_hdf5.h"
#include "store_internal.h"
#include "store_year.h"
#include "wick/clock.h"
#include "wick/file.h"

typedef struct {
    const char *root;
    void (*report)(void *ctx, const char *what);
    void *ctx;
    size_t n_repaired;
} repairer;

static void WK_PRINTF(2, 3) say(repairer *r, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->report)
        r->report(r->ctx, text);
}

/* The columns of a damaged file, row by row as far as they can be read. */
typedef struct {
    size_t n;
    wk_fresh_bar *rows; /* [n], owned */
    uint8_t *is_lost;   /* [n], owned */
} wreck;

/* HDF5 refuses a file that is shorter than it says: zeros take the place of what was cut off. */
static char *read_padded(const char *path, size_t *size_bytes)
{
    char *bytes = NULL;
    uint64_t end = 0;
    if (wk_file_read(path, &bytes, size_bytes, NULL) != WK_OK)
        return NULL;
    if (*size_bytes < 56 || memcmp(bytes, "\x89HDF\r\n\x1a\n", 8) != 0 || bytes[8] != 0)
        return bytes;
    memcpy(&end, bytes + 40, 8); /* superblock version 0: end of file address */
    if (end > *size_bytes && end < (uint64_t)1 << 32) {
        char *grown = realloc(bytes, (size_t)end);
        if (grown) {
            memset(grown + *size_bytes, 0, (size_t)end - *size_bytes);
            bytes = grown;
            *size_bytes = (size_t)end;
        }
    }
    return bytes;
}

/* Reads a column chunk by chunk; rows of a chunk that cannot be read are lost. */
static void read_what_is_left(hid_t file, const char *name, hid_t memory, size_t n, char *out,
                              uint8_t *is_lost)
{
    size_t width = H5Tget_size(memory);
    hsize_t chunk = 0;
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t layout = set < 0 ? -1 : H5Dget_create_plist(set);
    int ok = layout >= 0 && H5Pget_layout(layout) == H5D_CHUNKED &&
             H5Pget_chunk(layout, 1, &chunk) == 1 && chunk > 0 && chunk <= 1 << 20 &&
             wk__hdf5_rows(file, name) == n;
    if (!ok)
        memset(is_lost, 1, n);
    for (size_t at = 0; ok && at < n; at += (size_t)chunk) {
        size_t rows = n - at < chunk ? n - at : (size_t)chunk;
        if (!wk__hdf5_read_chunk(set, width, at, rows, (size_t)chunk, out + at * width))
            memset(is_lost + at, 1, rows);
    }
    if (layout >= 0)
        H5Pclose(layout);
    if (set >= 0)
        H5Dclose(set);
}

static wk_status read_wreck(hid_t file, int is_bars, wreck *w, wk_err *err)
{
    static const char *const bars[] = {"time",  "open",   "high",      "low",
                                       "close", "volume", "provenance"},
                             *const values[] = {"time", "known", "value"};
    size_t n = wk__hdf5_rows(file, "time");
    n = n < (size_t)1 << 28 ? n : 0;
    char *buffer = calloc(n ? n : 1, 8);
    w->rows = calloc(n ? n : 1, sizeof *w->rows);
    w->is_lost = calloc(n ? n : 1, 1);
    w->n = n;
    if (!buffer || !w->rows || !w->is_lost) {
        free(buffer);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu rows of a damaged file", n);
    }
    for (int c = 0; c < (is_bars ? 7 : 3); c++) {
        hid_t type = c == 0 || (!is_bars && c == 1) ? H5T_NATIVE_INT64
                     : c == 6                       ? H5T_NATIVE_UINT8
                                                    : H5T_NATIVE_DOUBLE;
        read_what_is_left(file, is_bars ? bars[c] : values[c], type, n, buffer, w->is_lost);
        for (size_t i = 0; i < n; i++) {
            wk_fresh_bar *b = &w->rows[i];
            if (c == 6) {
                b->provenance = ((const uint8_t *)buffer)[i];
                continue;
            }
            void *to = c == 0     ? (void *)&b->bar.time_ns
                       : !is_bars ? (c == 1 ? (void *)&b->arrival_ns : (void *)&b->bar.close)
                       : c == 1   ? (void *)&b->bar.open
                       : c == 2   ? (void *)&b->bar.high
                       : c == 3   ? (void *)&b->bar.low
                       : c == 4   ? (void *)&b->bar.close
                                  : (void *)&b->bar.volume;
            memcpy(to, buffer + 8 * i, 8);
        }
    }
    free(buffer);
    return WK_OK;
}

/* Bars: by time, of two with one time the later row last. Values: by time and known time. */
static int by_time(const void *a, const void *b)
{
    const wk_fresh_bar *x = a, *y = b;
    if (x->bar.time_ns != y->bar.time_ns)
        return x->bar.time_ns < y->bar.time_ns ? -1 : 1;
    return (x->arrival_ns > y->arrival_ns) - (x->arrival_ns < y->arrival_ns);
}

/* The phase that most rows share: a damaged time must not choose the grid. */
static int64_t common_phase(const wreck *w, int64_t timeframe_ns)
{
    int64_t phase = 0;
    size_t votes = 0;
    for (size_t i = 0; i < w->n; i++) {
        int64_t p = w->rows[i].bar.time_ns % timeframe_ns;
        if (w->is_lost[i])
            continue;
        if (votes == 0)
            phase = p;
        votes = p == phase ? votes + 1 : votes - 1;
    }
    return phase;
}

/* Leaves the rows that are whole, possible, on the grid and of this year, each time once. */
static void sift(wreck *w, int year, int64_t timeframe_ns)
{
    int64_t begin_ns = wk_civil_to_ns(year, 1, 1), end_ns = wk_civil_to_ns(year + 1, 1, 1);
    int64_t phase = timeframe_ns ? common_phase(w, timeframe_ns) : 0;
    size_t kept = 0;
    for (size_t i = 0; i < w->n; i++) {
        wk_fresh_bar *b = &w->rows[i];
        int ok = !w->is_lost[i] && b->bar.time_ns >= begin_ns && b->bar.time_ns < end_ns;
        if (timeframe_ns) {
            ok = ok && !wk_bar_problem(&b->bar) && b->provenance < WK_PROV_UNKNOWN &&
                 b->bar.time_ns % timeframe_ns == phase;
            b->arrival_ns = (int64_t)i; /* the row, so that sorting keeps the order of equals */
        } else {
            ok = ok && isfinite(b->bar.close);
        }
        if (ok)
            w->rows[kept++] = *b;
    }
    if (kept > 0)
        qsort(w->rows, kept, sizeof *w->rows, by_time);
    w->n = 0;
    for (size_t i = 0; i < kept; i++) {
        if (timeframe_ns && i + 1 < kept && w->rows[i + 1].bar.time_ns == w->rows[i].bar.time_ns)
            continue; /* the later row is the newer word */
        w->rows[w->n++] = w->rows[i];
    }
}

static wk_status encode_bars(const wreck *w, const char *venue, const char *symbol,
                             int64_t timeframe_ns, wk__year *damaged, char **bytes,
                             size_t *size_bytes, wk_err *err)
{
    wk__year year = {0};
    WK_TRY(wk_series_create(venue, symbol, timeframe_ns, w->n, &year.series, err));
    for (size_t i = 0; i < w->n; i++) {
        year.series.bars[i] = w->rows[i].bar;
        year.series.provenance[i] = w->rows[i].provenance;
    }
    year.revisions = damaged->revisions;
    for (size_t i = 0; i < damaged->n_revisions; i++) {
        const wk_revision *r = &damaged->revisions[i];
        if (!wk_bar_problem(&r->bar) && r->provenance < WK_PROV_UNKNOWN &&
            (year.n_revisions == 0 ||
             r->bar.time_ns >= year.revisions[year.n_revisions - 1].bar.time_ns))
            year.revisions[year.n_revisions++] = *r;
    }
    damaged->revisions = NULL;
    wk_status status = wk__year_encode(&year, bytes, size_bytes, err);
    wk__year_finish(&year);
    return status;
}

static wk_status encode_values(const wreck *w, const char *venue, const char *symbol,
                               const char *name, char **bytes, size_t *size_bytes, wk_err *err)
{
    wk__values values = {.n = w->n};
    snprintf(values.venue, sizeof values.venue, "%s", venue);
    snprintf(values.symbol, sizeof values.symbol, "%s", symbol);
    snprintf(values.name, sizeof values.name, "%s", name);
    values.v = malloc(w->n * sizeof *values.v);
    if (!values.v)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu values", w->n);
    for (size_t i = 0; i < w->n; i++)
        values.v[i] =
            (wk_fresh_value){w->rows[i].bar.time_ns, w->rows[i].arrival_ns, w->rows[i].bar.close};
    wk_status status = wk__values_encode(&values, bytes, size_bytes, err);
    free(values.v);
    return status;
}

/* The old file gets another name, then the new one its place: at no instant is there none. */
static wk_status put_in_place(repairer *r, const char *path, const char *bytes, size_t size_bytes,
                              size_t n_kept, size_t n_rows, wk_err *err)
{
    char aside[PATH_MAX], beside[PATH_MAX];
    int k = 0;
    do
        snprintf(aside, sizeof aside, k ? "%.*s.damaged-%d" : "%.*s.damaged", PATH_MAX - 32, path,
                 k);
    while (wk_file_exists(aside) && ++k < 1000);
    snprintf(beside, sizeof beside, "%.*s.new", PATH_MAX - 32, path);
    if (bytes)
        WK_TRY(wk_file_write_atomic(beside, bytes, size_bytes, err));
    if (bytes && link(path, aside) == 0) {
        if (rename(beside, path) != 0)
            return wk_fail(err, WK_E_IO, "cannot replace %s: %s", path, strerror(errno));
    } else {
        if (rename(path, aside) != 0 || (bytes && rename(beside, path) != 0))
            return wk_fail(err, WK_E_IO, "cannot move %s aside: %s", path, strerror(errno));
    }
    r->n_repaired++;
    if (n_kept)
        say(r, "%s: %zu of %zu rows are kept, the damaged file is %s", path, n_kept, n_rows, aside);
    else
        say(r, "%s: nothing could be read, the damaged file is %s; import or fetch the year again",
            path, aside);
    return WK_OK;
}

static wk_status salvage(repairer *r, const char *path, int year, const char *venue,
                         const char *symbol, const char *timeframe, int64_t timeframe_ns,
                         wk_err *err)
{
    size_t size_bytes = 0, n_rows = 0, new_size = 0;
    char *bytes = read_padded(path, &size_bytes), *made = NULL;
    wreck w = {0};
    wk__year damaged = {0};
    wk_status status = WK_OK;
    if (!bytes)
        return wk_fail(err, WK_E_IO, "cannot read %s: %s", path, strerror(errno));
    wk__quiet before = wk__hdf5_be_quiet();
    hid_t file = wk__hdf5_open(bytes, size_bytes);
    if (file >= 0) {
        status = read_wreck(file, timeframe_ns > 0, &w, err);
        n_rows = w.n;
        if (status == WK_OK && timeframe_ns > 0)
            wk__year_read_revisions(file, path, &damaged);
        H5Fclose(file);
    }
    wk__hdf5_speak_again(before);
    free(bytes);
    if (status == WK_OK)
        sift(&w, year, timeframe_ns);
    if (status == WK_OK && w.n > 0 && timeframe_ns > 0)
        status = encode_bars(&w, venue, symbol, timeframe_ns, &damaged, &made, &new_size, err);
    else if (status == WK_OK && w.n > 0)
        status = encode_values(&w, venue, symbol, timeframe, &made, &new_size, err);
    if (status == WK_OK)
        status = put_in_place(r, path, made, new_size, w.n, n_rows, err);
    free(made);
    free(w.rows);
    free(w.is_lost);
    wk__year_finish(&damaged);
    return status;
}

/* A file that holds another series is whole; only its owner knows where it belongs. */
static int belongs_elsewhere(const char *path, int is_bars, const char *venue, const char *symbol)
{
    wk_err ignored;
    wk__year y;
    wk__values v;
    int elsewhere = 0;
    if (is_bars && wk__year_load(path, WK__LOAD_TIMES, &y, &ignored) == WK_OK) {
        elsewhere = strcmp(y.series.venue, venue) || strcmp(y.series.symbol, symbol);
        wk__year_finish(&y);
    } else if (!is_bars && wk__values_load(path, &v, &ignored) == WK_OK) {
        elsewhere = strcmp(v.venue, venue) || strcmp(v.symbol, symbol);
        free(v.v);
    }
    return elsewhere;
}

static wk_status repair_series(void *ctx, const char *directory, const char *venue,
                               const char *symbol, const char *timeframe, wk_err *err)
{
    repairer *r = ctx;
    char **names = NULL;
    size_t n = 0;
    int64_t timeframe_ns = 0;
    int fd = -1;
    wk_err ignored;
    if (wk_timeframe_parse(timeframe, &timeframe_ns, &ignored) != WK_OK)
        timeframe_ns = 0;
    WK_TRY(wk__store_names(directory, &names, &n, err));
    wk_status status = wk__store_lock(directory, &fd, err); /* deletes what was never finished */
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", directory, names[i]) >= (int)sizeof path - 64)
            continue;
        int year = wk__store_year(names[i]);
        if (!year && wk__store_is_leftover(names[i])) {
            say(r, "%s: left by an interrupted program, deleted", path);
            r->n_repaired++;
        }
        if (!year || !wk__store_has_problem(path, year, venue, symbol, timeframe))
            continue;
        if (belongs_elsewhere(path, timeframe_ns > 0, venue, symbol))
            say(r, "%s: holds another series, left as it is; move it to the folder of its name",
                path);
        else
            status = salvage(r, path, year, venue, symbol, timeframe, timeframe_ns, err);
    }
    if (fd >= 0) {
        if (status == WK_OK)
            status = wk__store_sync_directory(directory, err);
        close(fd);
    }
    wk__store_free_names(names, n);
    return status;
}

wk_status wk_store_repair(const char *root, void (*report)(void *ctx, const char *what), void *ctx,
                          size_t *n_repaired, wk_err *err)
{
    repairer r = {.root = root, .report = report, .ctx = ctx};
    WK_TRY(wk__store_walk(root, repair_series, &r, err));
    WK_TRY(wk__fresh_repair(root, report, ctx, &r.n_repaired, err));
    if (n_repaired)
        *n_repaired = r.n_repaired;
    return WK_OK;
}
