/* What the store has: lists and holes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_internal.h"
#include "store_year.h"
#include "wick/clock.h"
#include "wick/file.h"

static int is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static wk_status walk(const char *path, int depth, const char *names[3], wk__store_visitor *visit,
                      void *ctx, wk_err *err)
{
    if (depth == 3)
        return visit(ctx, path, names[0], names[1], names[2], err);
    char **entries;
    size_t n;
    WK_TRY(wk__store_names(path, &entries, &n, err));
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        char below[PATH_MAX];
        if (snprintf(below, sizeof below, "%s/%s", path, entries[i]) >= (int)sizeof below ||
            !is_directory(below))
            continue;
        names[depth] = entries[i];
        status = walk(below, depth + 1, names, visit, ctx, err);
    }
    wk__store_free_names(entries, n);
    return status;
}

wk_status wk__store_walk(const char *root, wk__store_visitor *visit, void *ctx, wk_err *err)
{
    const char *names[3] = {0};
    if (!is_directory(root))
        return wk_fail(err, WK_E_IO, "no store at %s; `wick import` makes one", root);
    return walk(root, 0, names, visit, ctx, err);
}

typedef struct {
    wk_store_gap *v;
    size_t n, capacity;
} gap_list;

static wk_status add_gap(gap_list *list, int64_t first_ns, int64_t n_bars, wk_err *err)
{
    if (list->n == list->capacity) {
        size_t more = list->capacity ? list->capacity * 2 : 64;
        wk_store_gap *grown = realloc(list->v, more * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "out of memory for %zu gaps", more);
        list->v = grown;
        list->capacity = more;
    }
    list->v[list->n++] = (wk_store_gap){first_ns, n_bars};
    return WK_OK;
}

/* The summary of one year: from the file's own index, or from its bars where fresh ones change it
 * or an older wick wrote no index. */
static wk_status summarise(const char *path, int year, int64_t timeframe_ns,
                           const wk__fresh_view *view, wk__summary *out, size_t *n_fresh,
                           wk_err *err)
{
    size_t n;
    *n_fresh = 0;
    wk__view_year(view, year, &n);
    if (n == 0) {
        wk_status status = wk__year_summary(path, out, err);
        if (status == WK_OK && out->timeframe_ns != timeframe_ns) {
            free(out->gaps);
            return wk_fail(err, WK_E_DATA, "%s holds another timeframe; run `wick store check`",
                           path);
        }
        if (status != WK_E_NOT_FOUND)
            return status;
    }
    wk__year part = {0};
    WK_TRY(wk__year_read(path, year, timeframe_ns, view, WK__LOAD_ALL, &part, n_fresh, err));
    wk__summary s = {
        .timeframe_ns = timeframe_ns, .n = part.series.n, .n_revisions = part.n_revisions};
    wk_status status = WK_OK;
    if (s.n > 0) {
        s.first_ns = part.series.bars[0].time_ns;
        s.last_ns = part.series.bars[s.n - 1].time_ns;
        status = wk__find_gaps(&part.series, &s.gaps, &s.n_gaps, err);
    }
    wk__year_finish(&part);
    if (status == WK_OK)
        *out = s;
    return status;
}

static wk_status take_summary(wk_store_entry *e, const wk__summary *s, gap_list *gaps, wk_err *err)
{
    if (s->n == 0)
        return WK_OK;
    if (e->n == 0)
        e->first_ns = s->first_ns;
    else if (s->first_ns > e->last_ns + e->timeframe_ns)
        WK_TRY(add_gap(gaps, e->last_ns + e->timeframe_ns,
                       (s->first_ns - e->last_ns) / e->timeframe_ns - 1, err));
    for (size_t i = 0; i < s->n_gaps; i++)
        WK_TRY(add_gap(gaps, s->gaps[i].first_ns, s->gaps[i].n_bars, err));
    e->last_ns = s->last_ns;
    e->n += s->n;
    e->n_revisions += s->n_revisions;
    return WK_OK;
}

/* Fills the rest of *e, whose names and timeframe are set, and lists its gaps. */
static wk_status look_at(const char *root, wk_fresh *f, wk_store_entry *e, gap_list *gaps,
                         wk_err *err)
{
    char directory[PATH_MAX], **names = NULL;
    size_t n = 0;
    wk__fresh_view view = {0};
    WK_TRY(wk__store_directory(root, e->venue, e->symbol, e->timeframe_ns, directory, err));
    WK_TRY(wk__view_open(f, e->venue, e->symbol, e->timeframe_ns, 0, 0, &view, err));
    wk_status status = WK_OK;
    if (wk_file_exists(directory))
        status = wk__store_names(directory, &names, &n, err);
    for (int year = 0;
         status == WK_OK && (year = wk__view_next_year(&view, names, n, year)) != 0;) {
        char path[PATH_MAX];
        wk__summary s = {0};
        size_t n_fresh = 0;
        snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
        status = summarise(path, year, e->timeframe_ns, &view, &s, &n_fresh, err);
        if (status == WK_OK) {
            status = take_summary(e, &s, gaps, err);
            free(s.gaps);
            e->n_fresh += n_fresh;
        }
    }
    for (size_t i = 0; i < gaps->n; i++)
        e->bars_missing += (size_t)gaps->v[i].n_bars;
    e->gaps = gaps->n;
    wk__store_free_names(names, n);
    wk__view_close(&view);
    return status;
}

wk_status wk_store_gaps(const char *root, const char *venue, const char *symbol,
                        int64_t timeframe_ns, wk_store_gap **out, size_t *n, wk_err *err)
{
    wk_store_entry e = {.timeframe_ns = timeframe_ns};
    wk_fresh *f = NULL;
    gap_list gaps = {0};
    char name[16];
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    snprintf(e.venue, sizeof e.venue, "%s", venue);
    snprintf(e.symbol, sizeof e.symbol, "%s", symbol);
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = look_at(root, f, &e, &gaps, err);
    wk_fresh_close(f);
    if (status == WK_OK && e.n == 0)
        status = wk_fail(err, WK_E_DATA,
                         "the store %s has no %s %s %s; `wick store list` shows what it has", root,
                         venue, symbol, wk_timeframe_format(timeframe_ns, name));
    if (status != WK_OK) {
        free(gaps.v);
        return status;
    }
    *out = gaps.v;
    *n = gaps.n;
    return WK_OK;
}

typedef struct {
    wk_store_entry *v;
    size_t n;
} entry_list;

static wk_status add_entry(entry_list *list, const char *venue, const char *symbol,
                           int64_t timeframe_ns, wk_err *err)
{
    wk_store_entry e = {.timeframe_ns = timeframe_ns};
    snprintf(e.venue, sizeof e.venue, "%s", venue);
    snprintf(e.symbol, sizeof e.symbol, "%s", symbol);
    wk_store_entry *grown = realloc(list->v, (list->n + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory listing the store");
    list->v = grown;
    list->v[list->n++] = e;
    return WK_OK;
}

static wk_status add_folder(void *ctx, const char *directory, const char *venue, const char *symbol,
                            const char *timeframe, wk_err *err)
{
    (void)directory;
    int64_t timeframe_ns;
    wk_err ignored;
    wk_store_entry e;
    if (strlen(venue) >= sizeof e.venue || strlen(symbol) >= sizeof e.symbol ||
        wk_timeframe_parse(timeframe, &timeframe_ns, &ignored) != WK_OK)
        return WK_OK; /* values, or somebody else's folder */
    return add_entry(ctx, venue, symbol, timeframe_ns, err);
}

static int by_name(const void *a, const void *b)
{
    const wk_store_entry *x = a, *y = b;
    int order = strcmp(x->venue, y->venue);
    if (order == 0)
        order = strcmp(x->symbol, y->symbol);
    return order != 0 ? order
                      : (x->timeframe_ns > y->timeframe_ns) - (x->timeframe_ns < y->timeframe_ns);
}

/* Every series that has a folder or fresh rows, each once. */
static wk_status collect(const char *root, wk_fresh *f, entry_list *list, wk_err *err)
{
    wk__fresh_series_row *rows = NULL;
    size_t n = 0;
    wk_status status = wk__store_walk(root, add_folder, list, err);
    if (status == WK_OK && f) {
        status = wk__fresh_begin(f, 0, err);
        if (status == WK_OK)
            status = wk__fresh_end(f, wk__fresh_series_all(f, &rows, &n, err), err);
    }
    for (size_t i = 0; status == WK_OK && i < n; i++)
        if (rows[i].timeframe_ns > 0)
            status = add_entry(list, rows[i].venue, rows[i].symbol, rows[i].timeframe_ns, err);
    free(rows);
    if (status != WK_OK || list->n == 0)
        return status;
    qsort(list->v, list->n, sizeof *list->v, by_name);
    size_t kept = 1;
    for (size_t i = 1; i < list->n; i++)
        if (by_name(&list->v[i], &list->v[kept - 1]) != 0)
            list->v[kept++] = list->v[i];
    list->n = kept;
    return WK_OK;
}

wk_status wk_store_list(const char *root, wk_store_entry **out, size_t *n, wk_err *err)
{
    entry_list list = {0};
    wk_fresh *f = NULL;
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = collect(root, f, &list, err);
    size_t kept = 0;
    for (size_t i = 0; status == WK_OK && i < list.n; i++) {
        gap_list gaps = {0};
        status = look_at(root, f, &list.v[i], &gaps, err);
        free(gaps.v);
        if (list.v[i].n > 0)
            list.v[kept++] = list.v[i];
    }
    wk_fresh_close(f);
    if (status != WK_OK) {
        free(list.v);
        return status;
    }
    *out = list.v;
    *n = kept;
    return WK_OK;
}

/* ---- values ---- */

typedef struct {
    wk_store_value_entry *v;
    size_t n;
} value_list;

static wk_status add_value_entry(value_list *list, const char *venue, const char *symbol,
                                 const char *name, wk_err *err)
{
    wk_store_value_entry *grown = realloc(list->v, (list->n + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory listing the store");
    list->v = grown;
    wk_store_value_entry *e = &list->v[list->n++];
    *e = (wk_store_value_entry){0};
    snprintf(e->venue, sizeof e->venue, "%s", venue);
    snprintf(e->symbol, sizeof e->symbol, "%s", symbol);
    snprintf(e->name, sizeof e->name, "%s", name);
    return WK_OK;
}

static wk_status add_value_folder(void *ctx, const char *directory, const char *venue,
                                  const char *symbol, const char *name, wk_err *err)
{
    (void)directory;
    wk_err ignored;
    if (wk__store_check_name("venue", venue, &ignored) != WK_OK ||
        wk__store_check_name("symbol", symbol, &ignored) != WK_OK ||
        wk__store_check_value_name(name, &ignored) != WK_OK)
        return WK_OK; /* candles, or somebody else's folder */
    return add_value_entry(ctx, venue, symbol, name, err);
}

static int by_value_name(const void *a, const void *b)
{
    const wk_store_value_entry *x = a, *y = b;
    int order = strcmp(x->venue, y->venue);
    order = order ? order : strcmp(x->symbol, y->symbol);
    return order ? order : strcmp(x->name, y->name);
}

static wk_status look_at_values(const char *root, wk_fresh *f, wk_store_value_entry *e, wk_err *err)
{
    wk_fresh_value *v = NULL;
    size_t n = 0;
    int64_t id = 0;
    WK_TRY(wk_store_values(root, e->venue, e->symbol, e->name, 0, 0, &v, &n, err));
    e->n = n;
    if (n > 0) {
        e->first_ns = v[0].time_ns;
        e->last_ns = v[n - 1].time_ns;
    }
    free(v);
    if (!f)
        return WK_OK;
    v = NULL;
    WK_TRY(wk__fresh_begin(f, 0, err));
    wk_status status = wk__fresh_series(f, e->venue, e->symbol, 0, e->name, 0, &id, NULL, err);
    if (status == WK_OK && id)
        status = wk__fresh_value_rows(f, id, 0, 0, 1, &v, &e->n_fresh, err);
    free(v);
    return wk__fresh_end(f, status, err);
}

wk_status wk_store_list_values(const char *root, wk_store_value_entry **out, size_t *n, wk_err *err)
{
    value_list list = {0};
    wk__fresh_series_row *rows = NULL;
    wk_fresh *f = NULL;
    size_t n_rows = 0, kept = 0;
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = wk__store_walk(root, add_value_folder, &list, err);
    if (status == WK_OK && f) {
        status = wk__fresh_begin(f, 0, err);
        if (status == WK_OK)
            status = wk__fresh_end(f, wk__fresh_series_all(f, &rows, &n_rows, err), err);
    }
    for (size_t i = 0; status == WK_OK && i < n_rows; i++)
        if (rows[i].timeframe_ns == 0)
            status = add_value_entry(&list, rows[i].venue, rows[i].symbol, rows[i].name, err);
    free(rows);
    if (status == WK_OK && list.n > 0)
        qsort(list.v, list.n, sizeof *list.v, by_value_name);
    for (size_t i = 0; status == WK_OK && i < list.n; i++) {
        if (kept > 0 && by_value_name(&list.v[i], &list.v[kept - 1]) == 0)
            continue;
        list.v[kept] = list.v[i];
        status = look_at_values(root, f, &list.v[kept], err);
        kept += list.v[kept].n > 0;
    }
    wk_fresh_close(f);
    if (status != WK_OK) {
        free(list.v);
        return status;
    }
    *out = list.v;
    *n = kept;
    return WK_OK;
}
