/* Rows into the store. */
#include <stdlib.h>

#include "session.h"
#include "wick/clock.h"

void wk__progress_to(wk__series *x, int64_t from_ns, int64_t to_ns)
{
    wk__session *s = x->session;
    s->done += (uint64_t)((to_ns - from_ns) / x->timeframe_ns);
    if (s->done > s->total)
        s->done = s->total;
    if (s->request->progress)
        s->request->progress(s->request->ctx, s->done, s->total);
}

static void count(wk__session *s, size_t n, const wk_fresh_outcome *outcome)
{
    s->report->n_rows += n;
    s->report->n_added += outcome->n_added;
    s->report->n_equal += outcome->n_equal;
    s->report->n_revised += outcome->n_revised;
}

enum { CURSOR_BYTES = WK_SPANS_MAX * 42 };

static wk_status make_cursor(const wk_spans *spans, const char *key, char *text,
                             wk_fresh_cursor *out, wk_err *err)
{
    if (!wk__spans_write(spans, text, CURSOR_BYTES))
        return wk_fail(err, WK_E_RANGE, "the note of what is known grows too long");
    *out = (wk_fresh_cursor){key, text};
    return WK_OK;
}

wk_status wk__put_candles(wk__series *x, const wk_rest_candle *rows, size_t n, int64_t from_ns,
                          int64_t to_ns, wk_err *err)
{
    wk__session *s = x->session;
    wk_fresh_bar *bars = malloc((n ? n : 1) * sizeof *bars);
    char *text = malloc(CURSOR_BYTES);
    wk_spans *spans = malloc(sizeof *spans);
    wk_fresh_cursor cursor;
    wk_fresh_outcome outcome = {0};
    wk_status status = bars && text && spans ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n_bars = 0;
    if (status == WK_OK) {
        n_bars = wk__build_bars(rows, n, x->timeframe_ns, x->volume_unit, wk_clock_wall_ns(), bars);
        *spans = x->known;
        wk__spans_add(spans, from_ns, to_ns);
        status = make_cursor(spans, x->cursor_key, text, &cursor, err);
    }
    if (status == WK_OK)
        status = wk_fresh_put_bars(s->fresh, s->store_venue, x->symbol, x->timeframe_ns, bars,
                                   n_bars, &cursor, &outcome, err);
    if (status == WK_OK) {
        x->known = *spans;
        count(s, n_bars, &outcome);
        wk__progress_to(x, from_ns, to_ns);
    }
    free(bars);
    free(text);
    free(spans);
    return status;
}

wk_status wk__put_values(wk__series *x, const char *name, const wk_fresh_value *values, size_t n,
                         int64_t from_ns, int64_t to_ns, wk_err *err)
{
    wk__session *s = x->session;
    char *text = malloc(CURSOR_BYTES);
    wk_spans *spans = malloc(sizeof *spans);
    wk_fresh_cursor cursor;
    wk_fresh_outcome outcome = {0};
    wk_status status = text && spans ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    if (status == WK_OK) {
        *spans = x->known;
        wk__spans_add(spans, from_ns, to_ns);
        status = make_cursor(spans, x->cursor_key, text, &cursor, err);
    }
    /* An empty span leaves the note as it is: more series of the same rows will follow. */
    if (status == WK_OK)
        status = wk_fresh_put_values(s->fresh, s->store_venue, x->symbol, name, values, n,
                                     to_ns > from_ns ? &cursor : NULL, &outcome, err);
    if (status == WK_OK) {
        x->known = *spans;
        count(s, n, &outcome);
    }
    free(text);
    free(spans);
    return status;
}
