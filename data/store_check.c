/* Checking the whole store. */
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"
#include "store_year.h"
#include "wick/clock.h"

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

/* What lists are made of must agree with the bars. */
static void check_summary(checker *c, const char *path, const wk__year *year)
{
    wk__summary said;
    wk_store_gap *gaps = NULL;
    size_t n = 0;
    wk_err err;
    const wk_series *s = &year->series;
    if (wk__year_summary(path, &said, &err) != WK_OK)
        return; /* of an older wick: nothing is said */
    int agrees = wk__find_gaps(s, &gaps, &n, &err) == WK_OK && said.n_gaps == n &&
                 said.first_ns == s->bars[0].time_ns && said.last_ns == s->bars[s->n - 1].time_ns;
    agrees = agrees && (n == 0 || !memcmp(gaps, said.gaps, n * sizeof *gaps));
    free(gaps);
    free(said.gaps);
    if (!agrees)
        complain(c, "%s: its index of gaps does not match its bars; `wick store check --repair`",
                 path);
}

static void check_revisions(checker *c, const char *path, const wk__year *year)
{
    for (size_t i = 0; i < year->n_revisions; i++) {
        const wk_revision *r = &year->revisions[i];
        const char *problem = wk_bar_problem(&r->bar);
        if (!problem && i > 0 && r->bar.time_ns < r[-1].bar.time_ns)
            problem = "out of order";
        if (!problem && r->provenance >= WK_PROV_UNKNOWN)
            problem = "its provenance is unknown";
        if (problem) {
            char when[32];
            complain(c, "%s: revision %zu of the bar at %s: %s; `wick store check --repair`", path,
                     i, wk_time_format(r->bar.time_ns, when), problem);
            return;
        }
    }
}

static void check_file(checker *c, const char *path, int year, const char *venue,
                       const char *symbol, const char *timeframe)
{
    wk__year y;
    wk_err err;
    char name[16];
    if (wk__year_load(path, WK__LOAD_ALL, &y, &err) != WK_OK) {
        complain(c, "%s", err.msg);
        return;
    }
    const wk_series *s = &y.series;
    size_t before = c->n_problems;
    if (strcmp(s->venue, venue) || strcmp(s->symbol, symbol) ||
        strcmp(wk_timeframe_format(s->timeframe_ns, name), timeframe))
        complain(c, "%s: holds %s %s %s; move it to the folder of its name", path, s->venue,
                 s->symbol, name);
    check_bars(c, path, s, year);
    if (c->n_problems == before)
        check_summary(c, path, &y);
    check_revisions(c, path, &y);
    wk__year_finish(&y);
}

static void check_values_file(checker *c, const char *path, int year, const char *venue,
                              const char *symbol, const char *name)
{
    wk__values v;
    wk_err err;
    if (wk__values_load(path, &v, &err) != WK_OK) {
        complain(c, "%s", err.msg);
        return;
    }
    if (strcmp(v.venue, venue) || strcmp(v.symbol, symbol) || strcmp(v.name, name))
        complain(c, "%s: holds %s %s %s; move it to the folder of its name", path, v.venue,
                 v.symbol, v.name);
    for (size_t i = 0; i < v.n; i++) {
        const char *problem = NULL;
        char when[32];
        if (!isfinite(v.v[i].value))
            problem = "is not a finite number";
        else if (i > 0 && v.v[i].time_ns < v.v[i - 1].time_ns)
            problem = "is out of order";
        else if (wk_civil_from_ns(v.v[i].time_ns).year != year)
            problem = "belongs to another year";
        if (problem) {
            complain(c, "%s: value %zu at %s %s; `wick store check --repair`", path, i,
                     wk_time_format(v.v[i].time_ns, when), problem);
            break;
        }
    }
    free(v.v);
}

int wk__store_has_problem(const char *path, int year, const char *venue, const char *symbol,
                          const char *timeframe)
{
    checker c = {0};
    int64_t ns;
    wk_err ignored;
    if (wk_timeframe_parse(timeframe, &ns, &ignored) == WK_OK)
        check_file(&c, path, year, venue, symbol, timeframe);
    else
        check_values_file(&c, path, year, venue, symbol, timeframe);
    return c.n_problems > 0;
}

static wk_status check_series_files(void *ctx, const char *directory, const char *venue,
                                    const char *symbol, const char *timeframe, wk_err *err)
{
    checker *c = ctx;
    char **names;
    size_t n;
    int64_t ns;
    wk_err ignored;
    int is_bars = wk_timeframe_parse(timeframe, &ns, &ignored) == WK_OK;
    WK_TRY(wk__store_names(directory, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof path, "%s/%s", directory, names[i]) >= (int)sizeof path)
            continue;
        int year = wk__store_year(names[i]);
        if (year && is_bars)
            check_file(c, path, year, venue, symbol, timeframe);
        else if (year)
            check_values_file(c, path, year, venue, symbol, timeframe);
        else if (!strstr(names[i], WK__DAMAGED))
            complain(c,
                     "%s: not a year's file, perhaps of an interrupted import; `wick store check "
                     "--repair` deletes it if so",
                     path);
    }
    wk__store_free_names(names, n);
    return WK_OK;
}

/* SQLite's own look at the pages, then ours at what a flush would make of the rows. */
static void check_database(checker *c, wk_fresh *f)
{
    sqlite3_stmt *s = NULL;
    wk_err err;
    if (wk__fresh_prepare(f, "PRAGMA integrity_check(20)", &s, &err) != WK_OK) {
        complain(c, "%s", err.msg);
        return;
    }
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        if (text && strcmp(text, "ok") != 0)
            complain(c, "%s: %s; `wick store check --repair` saves what can be read", f->path,
                     text);
    }
    if (rc != SQLITE_DONE) {
        wk__fresh_fail(f, "check it", &err);
        complain(c, "%s", err.msg);
    }
    sqlite3_finalize(s);
}

static void check_fresh_series(checker *c, const char *root, wk_fresh *f)
{
    wk__fresh_series_row *rows = NULL;
    size_t n = 0;
    wk_err err;
    wk_status status = wk__fresh_begin(f, 0, &err);
    if (status == WK_OK)
        status = wk__fresh_end(f, wk__fresh_series_all(f, &rows, &n, &err), &err);
    if (status != WK_OK)
        complain(c, "%s", err.msg);
    for (size_t i = 0; i < n; i++) {
        wk_series bars = {0};
        wk__fresh_view view;
        if (rows[i].timeframe_ns <= 0)
            continue;
        if (wk__view_open(f, rows[i].venue, rows[i].symbol, rows[i].timeframe_ns, 0, 0, &view,
                          &err) != WK_OK) {
            complain(c, "%s", err.msg);
            continue;
        }
        size_t n_rows = view.n;
        wk__view_close(&view);
        if (n_rows > 0 && wk_store_read(root, rows[i].venue, rows[i].symbol, rows[i].timeframe_ns,
                                        0, 0, &bars, &err) != WK_OK)
            complain(c, "%s: its bars do not fit the yearly files: %s", f->path, err.msg);
        wk_series_finish(&bars);
    }
    free(rows);
}

wk_status wk_store_check(const char *root, void (*report)(void *ctx, const char *problem),
                         void *ctx, size_t *n_problems, wk_err *err)
{
    checker c = {.report = report, .ctx = ctx};
    wk_fresh *f = NULL;
    wk_err why;
    WK_TRY(wk__store_walk(root, check_series_files, &c, err));
    size_t in_files = c.n_problems;
    if (wk__fresh_open_existing(root, &f, &why) != WK_OK)
        complain(&c, "%s", why.msg);
    if (f) {
        check_database(&c, f);
        if (in_files == 0)
            check_fresh_series(&c, root, f);
        wk_fresh_close(f);
    }
    if (n_problems)
        *n_problems = c.n_problems;
    return WK_OK;
}
