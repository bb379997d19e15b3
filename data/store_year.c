#include "store_year.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/file.h"

/* What grows while two years become one. */
typedef struct {
    const wk__year *old;
    const wk__arrivals *known;
    wk__year *out;
    wk__arrivals arrivals;
    wk_fresh_bar *history; /* [history_room] */
    size_t history_room, revisions_room, next_revision;
    size_t added, changed;
} merger;

static wk_status add_revision(merger *m, const wk_revision *r, wk_err *err)
{
    if (m->out->n_revisions == m->revisions_room) {
        size_t room = m->revisions_room ? m->revisions_room * 2 : 64;
        wk_revision *grown = realloc(m->out->revisions, room * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "out of memory for %zu revisions", room);
        m->out->revisions = grown;
        m->revisions_room = room;
    }
    m->out->revisions[m->out->n_revisions++] = *r;
    return WK_OK;
}

/* The revisions of old up to and including those at time_ns that no fresh bar touches go over as
 * they are; *begin, *end: those at time_ns. */
static wk_status pass_revisions(merger *m, int64_t time_ns, size_t *begin, size_t *end, wk_err *err)
{
    const wk__year *old = m->old;
    while (m->next_revision < old->n_revisions &&
           old->revisions[m->next_revision].bar.time_ns < time_ns)
        WK_TRY(add_revision(m, &old->revisions[m->next_revision++], err));
    *begin = m->next_revision;
    while (m->next_revision < old->n_revisions &&
           old->revisions[m->next_revision].bar.time_ns == time_ns)
        m->next_revision++;
    *end = m->next_revision;
    return WK_OK;
}

static void add_bar(merger *m, const wk_bar *bar, uint8_t provenance, int64_t arrival_ns)
{
    wk_series *s = &m->out->series;
    s->bars[s->n] = *bar;
    s->provenance[s->n++] = provenance;
    if (arrival_ns != 0)
        m->arrivals.v[m->arrivals.n++] = (wk__arrival){bar->time_ns, arrival_ns};
}

/* One bar that is fresh, and perhaps in the file as well (at `at`, else SIZE_MAX). */
static wk_status merge_bar(merger *m, size_t at, const wk_fresh_bar *rows, size_t n, wk_err *err)
{
    size_t begin, end, count = 0;
    int64_t time_ns = rows[0].bar.time_ns;
    WK_TRY(pass_revisions(m, time_ns, &begin, &end, err));
    if (m->history_room < n + (end - begin) + 1) {
        size_t room = 2 * (n + (end - begin) + 1);
        wk_fresh_bar *grown = realloc(m->history, room * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "out of memory for %zu versions of a bar", room);
        m->history = grown;
        m->history_room = room;
    }
    for (size_t i = begin; i < end; i++)
        m->history[count++] =
            (wk_fresh_bar){m->old->revisions[i].bar, m->old->revisions[i].provenance,
                           m->old->revisions[i].arrival_ns};
    if (at != SIZE_MAX) {
        wk_fresh_bar final = {m->old->series.bars[at], m->old->series.provenance[at], 0};
        final.arrival_ns = end > begin ? m->old->revisions[end - 1].replaced_ns
                                       : wk__arrivals_find(m->known, time_ns);
        /* A crash between writing the file and its arrival times leaves a bar without one; the row
         * that it came from is still here and knows. */
        int is_known = 0;
        for (size_t i = 0; i < n && final.arrival_ns == 0; i++)
            is_known |= wk__same_version(&rows[i], &final);
        if (!is_known)
            m->history[count++] = final;
    }
    memcpy(m->history + count, rows, n * sizeof *rows);
    count = wk__versions_settle(m->history, count + n);
    for (size_t i = 0; i + 1 < count; i++) {
        const wk_fresh_bar *v = &m->history[i];
        const wk_revision r = {v->bar, v->provenance, v->arrival_ns, v[1].arrival_ns};
        WK_TRY(add_revision(m, &r, err));
    }
    const wk_fresh_bar *last = &m->history[count - 1];
    add_bar(m, &last->bar, last->provenance, last->arrival_ns);
    if (at == SIZE_MAX)
        m->added++;
    else
        m->changed += count - 1 != end - begin ||
                      memcmp(&m->old->series.bars[at], &last->bar, sizeof last->bar) != 0 ||
                      m->old->series.provenance[at] != last->provenance;
    return WK_OK;
}

static int same_revisions(const wk__year *a, const wk__year *b)
{
    if (a->n_revisions != b->n_revisions)
        return 0;
    for (size_t i = 0; i < a->n_revisions; i++) {
        const wk_revision *x = &a->revisions[i], *y = &b->revisions[i];
        if (memcmp(&x->bar, &y->bar, sizeof x->bar) != 0 || x->provenance != y->provenance ||
            x->arrival_ns != y->arrival_ns || x->replaced_ns != y->replaced_ns)
            return 0;
    }
    return 1;
}

static wk_status merge_all(merger *m, const wk_fresh_bar *rows, size_t n, wk_err *err)
{
    const wk_series *old = &m->old->series;
    size_t i = 0, j = 0, begin, end;
    while (i < old->n || j < n) {
        if (j >= n || (i < old->n && old->bars[i].time_ns < rows[j].bar.time_ns)) {
            add_bar(m, &old->bars[i], old->provenance[i],
                    wk__arrivals_find(m->known, old->bars[i].time_ns));
            i++;
            continue;
        }
        size_t k = j;
        while (k < n && rows[k].bar.time_ns == rows[j].bar.time_ns)
            k++;
        size_t at = i < old->n && old->bars[i].time_ns == rows[j].bar.time_ns ? i++ : SIZE_MAX;
        WK_TRY(merge_bar(m, at, rows + j, k - j, err));
        j = k;
    }
    WK_TRY(pass_revisions(m, INT64_MAX, &begin, &end, err));
    if (m->changed == 0 && m->added == 0 && !same_revisions(m->old, m->out))
        m->changed = 1; /* the same bars with another history */
    return WK_OK;
}

wk_status wk__year_merge(const wk__year *old, const wk_fresh_bar *rows, size_t n,
                         wk__arrivals *arrivals, wk__year *out, size_t *added, size_t *changed,
                         wk_err *err)
{
    const wk_series *s = &old->series;
    if (s->n > 0 && (s->bars[0].time_ns - rows[0].bar.time_ns) % s->timeframe_ns != 0) {
        char when[32];
        return wk_fail(err, WK_E_DATA,
                       "%s: the fresh bar at %s is off the grid of the bars in the yearly file; "
                       "check the timeframe of both",
                       s->symbol, wk_time_format(rows[0].bar.time_ns, when));
    }
    static const wk__arrivals none;
    wk__year year = {0};
    merger m = {.old = old, .known = arrivals ? arrivals : &none, .out = &year};
    WK_TRY(wk_series_create(s->venue, s->symbol, s->timeframe_ns, s->n + n, &year.series, err));
    year.series.n = 0;
    m.arrivals.v = malloc((s->n + n) * sizeof *m.arrivals.v);
    wk_status status = m.arrivals.v
                           ? merge_all(&m, rows, n, err)
                           : wk_fail(err, WK_E_NOMEM, "out of memory merging %s", s->symbol);
    free(m.history);
    if (status != WK_OK) {
        free(m.arrivals.v);
        wk__year_finish(&year);
        return status;
    }
    if (arrivals) {
        free(arrivals->v);
        *arrivals = m.arrivals;
    } else {
        free(m.arrivals.v);
    }
    *added = m.added;
    *changed = m.changed;
    *out = year;
    return WK_OK;
}

wk_status wk__view_open(wk_fresh *f, const char *venue, const char *symbol, int64_t timeframe_ns,
                        int64_t from_ns, int64_t to_ns, wk__fresh_view *out, wk_err *err)
{
    wk__fresh_view view = {.f = f};
    if (f) {
        WK_TRY(wk__fresh_begin(f, 0, err));
        wk_status status =
            wk__fresh_series(f, venue, symbol, timeframe_ns, "", 0, &view.series, NULL, err);
        if (status == WK_OK && view.series)
            status = wk__fresh_rows(f, view.series, from_ns, to_ns, 1, &view.rows, &view.n, err);
        status = wk__fresh_end(f, status, err);
        if (status != WK_OK) {
            free(view.rows);
            return status;
        }
    }
    *out = view;
    return WK_OK;
}

void wk__view_close(wk__fresh_view *view)
{
    free(view->rows);
    *view = (wk__fresh_view){0};
}

static size_t first_from(const wk__fresh_view *view, int64_t time_ns)
{
    size_t lo = 0, hi = view->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (view->rows[mid].bar.time_ns < time_ns)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

const wk_fresh_bar *wk__view_year(const wk__fresh_view *view, int year, size_t *n)
{
    size_t begin = first_from(view, wk_civil_to_ns(year, 1, 1)),
           end = first_from(view, wk_civil_to_ns(year + 1, 1, 1));
    *n = end - begin;
    return view->rows ? view->rows + begin : NULL;
}

int wk__view_next_year(const wk__fresh_view *view, char *const *names, size_t n, int year)
{
    int best = 0;
    for (size_t i = 0; i < n; i++) {
        int y = wk__store_year(names[i]);
        if (y > year && (best == 0 || y < best))
            best = y;
    }
    size_t lo = first_from(view, year == 0 ? INT64_MIN : wk_civil_to_ns(year + 1, 1, 1));
    if (lo < view->n) {
        int y = wk_civil_from_ns(view->rows[lo].bar.time_ns).year;
        if (best == 0 || y < best)
            best = y;
    }
    return best;
}

static wk_status lay_over(int year, const wk__fresh_view *view, const wk_fresh_bar *rows, size_t n,
                          const wk__year *old, wk__year *out, size_t *n_fresh, wk_err *err)
{
    wk__arrivals arrivals = {0};
    size_t added = 0, changed = 0;
    if (old->series.n > 0) {
        WK_TRY(wk__fresh_begin(view->f, 0, err));
        WK_TRY(wk__fresh_end(view->f,
                             wk__arrivals_load(view->f, view->series, year, &arrivals, err), err));
    }
    wk_status status = wk__year_merge(old, rows, n, &arrivals, out, &added, &changed, err);
    free(arrivals.v);
    if (status == WK_OK && n_fresh)
        *n_fresh = added + changed;
    return status;
}

wk_status wk__year_read(const char *path, int year, int64_t timeframe_ns,
                        const wk__fresh_view *view, wk__load what, wk__year *out, size_t *n_fresh,
                        wk_err *err)
{
    size_t n;
    const wk_fresh_bar *rows = wk__view_year(view, year, &n);
    wk__year old = {0};
    if (n_fresh)
        *n_fresh = 0;
    if (wk_file_exists(path)) {
        WK_TRY(wk__year_load(path, n > 0 ? WK__LOAD_ALL : what, &old, err));
        if (old.series.timeframe_ns != timeframe_ns) {
            wk__year_finish(&old);
            return wk_fail(err, WK_E_DATA, "%s holds another timeframe; run `wick store check`",
                           path);
        }
    }
    old.series.timeframe_ns = timeframe_ns;
    if (n == 0) {
        *out = old;
        return WK_OK;
    }
    wk_status status = lay_over(year, view, rows, n, &old, out, n_fresh, err);
    wk__year_finish(&old);
    return status;
}

wk_status wk__values_merge(const wk__values *old, const wk_fresh_value *rows, size_t n,
                           wk__values *out, wk_err *err)
{
    wk_fresh_value *v = malloc((old->n + n ? old->n + n : 1) * sizeof *v);
    if (!v)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu values", old->n + n);
    size_t i = 0, j = 0, count = 0;
    while (i < old->n || j < n) {
        int64_t t = i < old->n && (j >= n || old->v[i].time_ns <= rows[j].time_ns)
                        ? old->v[i].time_ns
                        : rows[j].time_ns;
        size_t begin = count;
        while (i < old->n && old->v[i].time_ns == t)
            v[count++] = old->v[i++];
        while (j < n && rows[j].time_ns == t)
            v[count++] = rows[j++];
        count = begin + wk__values_settle(v + begin, count - begin);
    }
    out->v = v;
    out->n = count;
    return WK_OK;
}
