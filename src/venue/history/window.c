/* Windows of time, asked for until they are whole. A page may lie about its end, come twice, come
 * newest first or lack its oldest rows: none of that is believed. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/log.h"

typedef struct {
    int64_t from_ns, to_ns;
    int asks; /* how often an empty answer is asked for again */
    bool is_head;
    int refusals; /* how often it was too wide though it holds one candle: the venue is slow, not
                     the part wide */
} part;

enum { REFUSALS_MAX = 10 };

typedef WK_REST_LIST(part) parts;

static int by_time(const void *a, const void *b)
{
    const wk_rest_candle *x = a, *y = b;
    if (x->open_ns != y->open_ns)
        return x->open_ns < y->open_ns ? -1 : 1;
    return -wk__decimal_compare(x->volume, y->volume);
}

void wk__sort_candles(wk_rest_candles *rows, size_t from)
{
    size_t kept = from;
    if (rows->n <= from)
        return;
    qsort(rows->v + from, rows->n - from, sizeof *rows->v, by_time);
    for (size_t i = from; i < rows->n; i++)
        if (i == from || rows->v[i].open_ns != rows->v[kept - 1].open_ns)
            rows->v[kept++] = rows->v[i];
    rows->n = kept;
}

/* Keeps what was asked for of the rows from `start` on. */
static wk_status keep_asked(const wk__series *x, const part *p, wk_rest_candles *rows, size_t start,
                            wk_err *err)
{
    size_t kept = start;
    for (size_t i = start; i < rows->n; i++) {
        const wk_rest_candle *row = &rows->v[i];
        if (row->open_ns < p->from_ns || row->open_ns >= p->to_ns)
            continue;
        if (wk_bucket_start(row->open_ns, x->base_ns) != row->open_ns) {
            char time[32];
            return wk_fail(err, WK_E_DATA,
                           "%s sent a candle of %s at %s, off the grid of its timeframe",
                           x->session->rest.name, x->wire, wk_time_format(row->open_ns, time));
        }
        rows->v[kept++] = *row;
    }
    rows->n = kept;
    wk__sort_candles(rows, start);
    return WK_OK;
}

static wk_status push(parts *todo, int64_t from_ns, int64_t to_ns, int asks, bool is_head,
                      wk_err *err)
{
    if (from_ns >= to_ns)
        return WK_OK;
    part *p = WK_REST_ADD(todo);
    if (!p)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *p = (part){from_ns, to_ns, asks, is_head, 0};
    return WK_OK;
}

static wk_status push_halves(const wk__series *x, parts *todo, const part *p, wk_err *err)
{
    int64_t bars = (p->to_ns - p->from_ns) / x->base_ns;
    if (bars < 2) {
        if (p->refusals == REFUSALS_MAX)
            return wk_fail(err, WK_E_IO,
                           "%s cannot answer even for one candle of %s; the same command goes on "
                           "from here later",
                           x->session->rest.name, x->wire);
        WK_TRY(push(todo, p->from_ns, p->to_ns, p->asks, p->is_head, err));
        todo->v[todo->n - 1].refusals = p->refusals + 1;
        return WK_OK;
    }
    int64_t middle_ns = p->from_ns + bars / 2 * x->base_ns;
    WK_TRY(push(todo, middle_ns, p->to_ns, p->asks, false, err));
    return push(todo, p->from_ns, middle_ns, p->asks, p->is_head, err);
}

/* What the rows from `start` on leave open of the part. */
static wk_status push_open(const wk__series *x, parts *todo, const part *p,
                           const wk_rest_candles *rows, size_t start, wk_err *err)
{
    bool fills = x->session->venue->fills_gaps;
    WK_TRY(push(todo, p->from_ns, rows->v[start].open_ns, 1, p->is_head, err));
    for (size_t i = start + 1; i < rows->n && fills; i++)
        WK_TRY(push(todo, rows->v[i - 1].open_ns + x->base_ns, rows->v[i].open_ns, 2, false, err));
    return push(todo, rows->v[rows->n - 1].open_ns + x->base_ns, p->to_ns, 1, false, err);
}

wk_status wk__cover_candles(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *out,
                            wk_err *err)
{
    parts todo = {0};
    size_t first = out->n;
    wk_status status = push(&todo, from_ns, to_ns, 2, true, err);
    while (status == WK_OK && todo.n > 0) {
        part p = todo.v[--todo.n];
        size_t start = out->n;
        bool narrower = false;
        status = x->session->venue->ask_candles(x, p.from_ns, p.to_ns, out, &narrower, err);
        if (status != WK_OK)
            break;
        if (narrower) {
            out->n = start;
            status = push_halves(x, &todo, &p, err);
            continue;
        }
        status = keep_asked(x, &p, out, start, err);
        if (status == WK_OK && out->n > start)
            status = push_open(x, &todo, &p, out, start, err);
        else if (status == WK_OK && --p.asks > 0)
            status = push(&todo, p.from_ns, p.to_ns, p.asks, p.is_head, err);
        else if (status == WK_OK && x->session->venue->fills_gaps && !p.is_head)
            x->session->report->n_missing += (size_t)((p.to_ns - p.from_ns) / x->base_ns);
    }
    free(todo.v);
    wk__sort_candles(out, first);
    return status;
}

/* A venue that fills gaps begins at the first trade of what it was asked for. Before that stands
 * what the window before ended with. */
static wk_status find_previous(wk__series *x, int64_t before_ns, wk_err *err)
{
    enum { WINDOWS = 8 };
    wk_rest_candles rows = {0};
    wk_status status = WK_OK;
    int64_t width_ns = x->session->venue->window_bars * x->base_ns;
    for (int i = 0; i < WINDOWS && status == WK_OK && rows.n == 0; i++) {
        int64_t to_ns = before_ns - i * width_ns, launch_ns = x->instrument->launch_ns;
        bool narrower;
        if (to_ns - width_ns < 0 || (launch_ns > 0 && to_ns < launch_ns))
            break;
        status = x->session->venue->ask_candles(x, to_ns - width_ns, to_ns, &rows, &narrower, err);
        if (status == WK_OK)
            status = keep_asked(x, &(part){to_ns - width_ns, to_ns, 0, false}, &rows, 0, err);
    }
    if (status == WK_OK && rows.n > 0)
        x->previous = rows.v[rows.n - 1];
    else
        x->previous.open_ns = -1;
    free(rows.v);
    return status;
}

/* Puts flat candles before the first row where the venue has confirmed that nothing traded. */
static wk_status fill_head(wk__series *x, int64_t from_ns, int64_t to_ns, wk_rest_candles *rows,
                           wk_err *err)
{
    int64_t first_ns = rows->n > 0 ? rows->v[0].open_ns : to_ns;
    size_t n = (size_t)((first_ns - from_ns) / x->base_ns), n_rows = rows->n;
    if (n == 0)
        return WK_OK;
    if (x->previous.open_ns == 0)
        WK_TRY(find_previous(x, from_ns, err));
    if (x->previous.open_ns < 0 || x->previous.volume.scale < 0)
        return WK_OK; /* nothing traded before, or these are no trades */
    for (size_t i = 0; i < n; i++)
        if (!WK_REST_ADD(rows))
            return wk_fail(err, WK_E_NOMEM, "out of memory");
    memmove(rows->v + n, rows->v, n_rows * sizeof *rows->v);
    for (size_t i = 0; i < n; i++) {
        wk_decimal price = x->previous.close;
        rows->v[i] = (wk_rest_candle){.open_ns = from_ns + (int64_t)i * x->base_ns,
                                      .open = price,
                                      .high = price,
                                      .low = price,
                                      .close = price,
                                      .volume = {0, 0}};
    }
    return WK_OK;
}

wk_status wk__fill_candles(wk__series *x, int64_t from_ns, int64_t to_ns, wk_err *err)
{
    const wk__venue *venue = x->session->venue;
    int64_t width_ns = venue->window_bars * x->base_ns;
    width_ns -= width_ns % x->timeframe_ns;
    if (width_ns < x->timeframe_ns)
        width_ns = x->timeframe_ns;
    wk_rest_candles rows = {0};
    wk_status status = WK_OK;
    x->previous.open_ns = 0;
    for (int64_t at_ns = from_ns; at_ns < to_ns && status == WK_OK;) {
        int64_t end_ns = to_ns - at_ns > width_ns ? at_ns + width_ns : to_ns;
        rows.n = 0;
        status = wk__cover_candles(x, at_ns, end_ns, &rows, err);
        if (status == WK_OK && venue->fills_gaps)
            status = fill_head(x, at_ns, end_ns, &rows, err);
        if (status == WK_OK && rows.n > 0)
            x->previous = rows.v[rows.n - 1];
        if (status == WK_OK)
            status = wk__put_candles(x, rows.v, rows.n, at_ns, end_ns, err);
        at_ns = end_ns;
    }
    free(rows.v);
    return status;
}
