/* Reading the store: yearly files with what is fresh laid over them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "store_year.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/store.h"

/* Called with each year in order; may take what the year owns. */
typedef wk_status year_visitor(void *ctx, wk__year *year, int64_t from_ns, int64_t to_ns,
                               wk_err *err);

static wk_status visit_years(const char *directory, int64_t timeframe_ns, wk__fresh_view *view,
                             wk__load what, int64_t from_ns, int64_t to_ns, year_visitor *visit,
                             void *ctx, wk_err *err)
{
    char **names = NULL;
    size_t n = 0;
    if (wk_file_exists(directory))
        WK_TRY(wk__store_names(directory, &names, &n, err));
    wk_status status = WK_OK;
    for (int year = 0; status == WK_OK && (year = wk__view_next_year(view, names, n, year)) != 0;) {
        if ((to_ns != 0 && wk_civil_to_ns(year, 1, 1) >= to_ns) ||
            (from_ns != 0 && wk_civil_to_ns(year + 1, 1, 1) <= from_ns))
            continue;
        char path[PATH_MAX];
        wk__year part = {0};
        snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
        status = wk__year_read(path, year, timeframe_ns, view, what, &part, NULL, err);
        if (status == WK_OK)
            status = visit(ctx, &part, from_ns, to_ns, err);
        wk__year_finish(&part);
    }
    wk__store_free_names(names, n);
    return status;
}

/* Both halves of a series: what is fresh is read first, so that a flush in between shows a bar
 * twice rather than not at all. */
static wk_status visit_series(const char *root, const char *venue, const char *symbol,
                              int64_t timeframe_ns, wk__load what, int64_t from_ns, int64_t to_ns,
                              year_visitor *visit, void *ctx, wk_err *err)
{
    char directory[PATH_MAX], name[16];
    wk_fresh *f = NULL;
    wk__fresh_view view = {0};
    WK_TRY(wk__store_directory(root, venue, symbol, timeframe_ns, directory, err));
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = wk__view_open(f, venue, symbol, timeframe_ns, from_ns, to_ns, &view, err);
    if (status == WK_OK && view.series == 0 && !wk_file_exists(directory))
        status = wk_fail(err, WK_E_DATA,
                         "the store %s has no %s %s %s; `wick store list` shows what it has", root,
                         venue, symbol, wk_timeframe_format(timeframe_ns, name));
    if (status == WK_OK)
        status = visit_years(directory, timeframe_ns, &view, what, from_ns, to_ns, visit, ctx, err);
    wk__view_close(&view);
    wk_fresh_close(f);
    return status;
}

/* Appends the bars of the year inside [from_ns, to_ns). */
static wk_status append(void *ctx, wk__year *year, int64_t from_ns, int64_t to_ns, wk_err *err)
{
    wk_series *out = ctx, *from = &year->series;
    if (from->n == 0)
        return WK_OK;
    int is_whole = (from_ns == 0 || from->bars[0].time_ns >= from_ns) &&
                   (to_ns == 0 || from->bars[from->n - 1].time_ns < to_ns);
    if (out->n == 0 && is_whole) {
        wk_series swap = *out;
        *out = *from;
        memcpy(out->venue, swap.venue, sizeof swap.venue);
        memcpy(out->symbol, swap.symbol, sizeof swap.symbol);
        *from = swap;
        return WK_OK;
    }
    wk_bar *bars = realloc(out->bars, (out->n + from->n) * sizeof *bars);
    if (bars)
        out->bars = bars;
    uint8_t *provenance = realloc(out->provenance, out->n + from->n);
    if (provenance)
        out->provenance = provenance;
    if (!bars || !provenance)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", out->symbol);
    for (size_t i = 0; i < from->n; i++) {
        int64_t t = from->bars[i].time_ns;
        if ((from_ns != 0 && t < from_ns) || (to_ns != 0 && t >= to_ns))
            continue;
        out->bars[out->n] = from->bars[i];
        out->provenance[out->n++] = from->provenance[i];
    }
    return WK_OK;
}

static wk_status check_order(const wk_series *s, wk_err *err)
{
    for (size_t i = 1; i < s->n; i++)
        if (s->bars[i].time_ns <= s->bars[i - 1].time_ns)
            return wk_fail(err, WK_E_DATA,
                           "%s: the store's bars are out of order; `wick store check --repair` "
                           "sorts them",
                           s->symbol);
    return WK_OK;
}

wk_status wk_store_read(const char *root, const char *venue, const char *symbol,
                        int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                        wk_err *err)
{
    char name[16];
    wk_series s = {0};
    WK_TRY(wk_series_create(venue, symbol, timeframe_ns, 0, &s, err));
    wk_status status = visit_series(root, venue, symbol, timeframe_ns, WK__LOAD_BARS, from_ns,
                                    to_ns, append, &s, err);
    if (status == WK_OK)
        status = check_order(&s, err);
    if (status == WK_OK && s.n == 0)
        status =
            wk_fail(err, WK_E_DATA,
                    "the store %s has no bars of %s %s %s in the asked time; `wick store list` "
                    "shows what it has",
                    root, venue, symbol, wk_timeframe_format(timeframe_ns, name));
    if (status == WK_OK)
        *out = s;
    else
        wk_series_finish(&s);
    return status;
}

typedef struct {
    wk_revision *v;
    size_t n;
} revision_list;

static wk_status append_revisions(void *ctx, wk__year *year, int64_t from_ns, int64_t to_ns,
                                  wk_err *err)
{
    revision_list *list = ctx;
    if (year->n_revisions == 0)
        return WK_OK;
    wk_revision *grown = realloc(list->v, (list->n + year->n_revisions) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading the revisions");
    list->v = grown;
    for (size_t i = 0; i < year->n_revisions; i++) {
        int64_t t = year->revisions[i].bar.time_ns;
        if ((from_ns == 0 || t >= from_ns) && (to_ns == 0 || t < to_ns))
            list->v[list->n++] = year->revisions[i];
    }
    return WK_OK;
}

wk_status wk_store_revisions(const char *root, const char *venue, const char *symbol,
                             int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                             wk_revision **out, size_t *n, wk_err *err)
{
    revision_list list = {0};
    wk_status status = visit_series(root, venue, symbol, timeframe_ns, WK__LOAD_ALL, from_ns, to_ns,
                                    append_revisions, &list, err);
    if (status != WK_OK) {
        free(list.v);
        return status;
    }
    *out = list.v;
    *n = list.n;
    return WK_OK;
}

/* The values of one file's year go between those that came before and those after. */
static wk_status read_value_file(const char *path, const char *name, wk__values *out, wk_err *err)
{
    WK_TRY(wk__values_load(path, out, err));
    if (strcmp(out->name, name) != 0) {
        free(out->v);
        return wk_fail(err, WK_E_DATA, "%s holds \"%s\"; run `wick store check`", path, out->name);
    }
    return WK_OK;
}

static wk_status append_values(wk__values *all, const wk_fresh_value *v, size_t n, int64_t from_ns,
                               int64_t to_ns, wk_err *err)
{
    wk_fresh_value *grown = realloc(all->v, (all->n + n ? all->n + n : 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading values");
    all->v = grown;
    for (size_t i = 0; i < n; i++)
        if ((from_ns == 0 || v[i].time_ns >= from_ns) && (to_ns == 0 || v[i].time_ns < to_ns))
            all->v[all->n++] = v[i];
    return WK_OK;
}

static wk_status read_value_files(const char *directory, const char *name, int64_t from_ns,
                                  int64_t to_ns, wk__values *all, wk_err *err)
{
    char **names = NULL;
    size_t n = 0;
    if (!wk_file_exists(directory))
        return WK_OK;
    WK_TRY(wk__store_names(directory, &names, &n, err));
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        int year = wk__store_year(names[i]);
        if (year == 0 || (to_ns != 0 && wk_civil_to_ns(year, 1, 1) >= to_ns) ||
            (from_ns != 0 && wk_civil_to_ns(year + 1, 1, 1) <= from_ns))
            continue;
        char path[PATH_MAX];
        wk__values part = {0};
        snprintf(path, sizeof path, "%.*s/%04d.h5", PATH_MAX - 32, directory, year);
        status = read_value_file(path, name, &part, err);
        if (status == WK_OK) {
            status = append_values(all, part.v, part.n, from_ns, to_ns, err);
            free(part.v);
        }
    }
    wk__store_free_names(names, n);
    return status;
}

wk_status wk_store_values(const char *root, const char *venue, const char *symbol, const char *name,
                          int64_t from_ns, int64_t to_ns, wk_fresh_value **out, size_t *n,
                          wk_err *err)
{
    char directory[PATH_MAX];
    wk_fresh *f = NULL;
    wk_fresh_value *fresh = NULL;
    size_t n_fresh = 0;
    wk__values old = {0}, all = {0};
    WK_TRY(wk__store_values_directory(root, venue, symbol, name, directory, err));
    WK_TRY(wk__fresh_open_existing(root, &f, err));
    wk_status status = WK_OK;
    if (f)
        status = wk_fresh_values(f, venue, symbol, name, from_ns, to_ns, &fresh, &n_fresh, err);
    if (status == WK_OK)
        status = read_value_files(directory, name, from_ns, to_ns, &old, err);
    if (status == WK_OK)
        status = wk__values_merge(&old, fresh, n_fresh, &all, err);
    free(fresh);
    free(old.v);
    wk_fresh_close(f);
    if (status == WK_OK) {
        *out = all.v;
        *n = all.n;
    }
    return status;
}
