/* Walking the whole store: lists and checks. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store_file.h"
#include "wick/clock.h"
#include "wick/store.h"

/* Called for each directory <root>/<venue>/<symbol>/<timeframe>. */
typedef wk_status visitor(void *ctx, const char *directory, const char *venue, const char *symbol,
                          const char *timeframe, wk_err *err);

static int is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static wk_status walk(const char *path, int depth, const char *names[3], visitor *visit, void *ctx,
                      wk_err *err)
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

static wk_status walk_store(const char *root, visitor *visit, void *ctx, wk_err *err)
{
    const char *names[3] = {0};
    if (!is_directory(root))
        return wk_fail(err, WK_E_IO, "no store at %s; `wick import` makes one", root);
    return walk(root, 0, names, visit, ctx, err);
}

typedef struct {
    wk_store_entry *v;
    size_t n;
} entry_list;

static wk_status list_series(void *ctx, const char *directory, const char *venue,
                             const char *symbol, const char *timeframe, wk_err *err)
{
    entry_list *list = ctx;
    wk_store_entry e = {0};
    wk_err ignored;
    if (strlen(venue) >= sizeof e.venue || strlen(symbol) >= sizeof e.symbol ||
        wk_timeframe_parse(timeframe, &e.timeframe_ns, &ignored) != WK_OK)
        return WK_OK; /* somebody else's folder */
    snprintf(e.venue, sizeof e.venue, "%s", venue);
    snprintf(e.symbol, sizeof e.symbol, "%s", symbol);
    char **names;
    size_t n;
    WK_TRY(wk__store_names(directory, &names, &n, err));
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        char path[PATH_MAX];
        wk_series s;
        if (!wk__store_year(names[i]) ||
            snprintf(path, sizeof path, "%s/%s", directory, names[i]) >= (int)sizeof path)
            continue;
        status = wk__store_load(path, 1, &s, err);
        if (status != WK_OK)
            break;
        size_t gaps, missing;
        wk_series_gaps(&s, &gaps, &missing);
        if (e.n == 0) {
            e.first_ns = s.bars[0].time_ns;
        } else if (s.bars[0].time_ns > e.last_ns + e.timeframe_ns) {
            gaps++;
            missing += (size_t)((s.bars[0].time_ns - e.last_ns) / e.timeframe_ns) - 1;
        }
        e.last_ns = s.bars[s.n - 1].time_ns;
        e.n += s.n;
        e.gaps += gaps;
        e.bars_missing += missing;
        wk_series_finish(&s);
    }
    wk__store_free_names(names, n);
    if (status != WK_OK || e.n == 0)
        return status;
    wk_store_entry *grown = realloc(list->v, (list->n + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory listing the store");
    list->v = grown;
    list->v[list->n++] = e;
    return WK_OK;
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

wk_status wk_store_list(const char *root, wk_store_entry **out, size_t *n, wk_err *err)
{
    entry_list list = {0};
    wk_status status = walk_store(root, list_series, &list, err);
    if (status != WK_OK) {
        free(list.v);
        return status;
    }
    if (list.n > 0)
        qsort(list.v, list.n, sizeof *list.v, by_name);
    *out = list.v;
    *n = list.n;
    return WK_OK;
}

typedef struct {
    void (*report)(void *ctx, const char *problem);
    void *ctx;
    size_t n_problems;
} checker;

static void WK_PRINTF(2, 3) complain(checker *c, const char *fmt, ...)
{
    wk_err text;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text.msg, sizeof text.msg, fmt, ap);
    va_end(ap);
    c->n_problems++;
    if (c->report)
        c->report(c->ctx, text.msg);
}

/* Complains about the first bad bar of a file only: the rest is usually the same fault. */
static void check_bars(checker *c, const char *path, const wk_series *s, int year)
{
    for (size_t i = 0; i < s->n; i++) {
        const wk_bar *b = &s->bars[i];
        const char *problem = wk_bar_problem(b);
        if (!problem && s->provenance[i] >= WK_PROV_UNKNOWN)
            problem = "its provenance is unknown";
        if (!problem && i > 0 && b->time_ns <= s->bars[i - 1].time_ns)
            problem = "its time is not after the bar before";
        if (!problem && (b->time_ns - s->bars[0].time_ns) % s->timeframe_ns != 0)
            problem = "its time is off the grid";
        if (!problem && wk_civil_from_ns(b->time_ns).year != year)
            problem = "it belongs to another year";
        if (problem) {
            char when[32];
            complain(c, "%s: bar %zu at %s: %s; import these bars again", path, i,
                     wk_time_format(b->time_ns, when), problem);
            return;
        }
    }
}

static void check_file(checker *c, const char *path, int year, const char *venue,
                       const char *symbol, const char *timeframe)
{
    wk_series s;
    wk_err err;
    char name[16];
    if (wk__store_load(path, 0, &s, &err) != WK_OK) {
        complain(c, "%s", err.msg);
        return;
    }
    if (strcmp(s.venue, venue) || strcmp(s.symbol, symbol) ||
        strcmp(wk_timeframe_format(s.timeframe_ns, name), timeframe))
        complain(c, "%s: holds %s %s %s; move it to the folder of its name", path, s.venue,
                 s.symbol, name);
    check_bars(c, path, &s, year);
    wk_series_finish(&s);
}

static wk_status check_series_files(void *ctx, const char *directory, const char *venue,
                                    const char *symbol, const char *timeframe, wk_err *err)
{
    checker *c = ctx;
    char **names;
    size_t n;
    WK_TRY(wk__store_names(directory, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", directory, names[i]) >= (int)sizeof path)
            continue;
        int year = wk__store_year(names[i]);
        if (year)
            check_file(c, path, year, venue, symbol, timeframe);
        else
            complain(c, "%s: not a year's file, perhaps of an interrupted import; delete it", path);
    }
    wk__store_free_names(names, n);
    return WK_OK;
}

wk_status wk_store_check(const char *root, void (*report)(void *ctx, const char *problem),
                         void *ctx, size_t *n_problems, wk_err *err)
{
    checker c = {.report = report, .ctx = ctx};
    WK_TRY(walk_store(root, check_series_files, &c, err));
    if (n_problems)
        *n_problems = c.n_problems;
    return WK_OK;
}
