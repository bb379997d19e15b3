/* Series of values: funding rates, open interest, what a book says. */
#include <math.h>
#include <stdlib.h>

#include "session.h"
#include "wick/clock.h"

/* One answer: values, or books that become values. */
typedef struct {
    wk_rest_values values;
    wk_rest_books books;
} answer;

static wk_status ask(wk__series *x, int64_t from_ns, int64_t to_ns, answer *out, bool *narrower,
                     wk_err *err)
{
    const wk__venue *venue = x->session->venue;
    if (x->what == WK_HISTORY_BOOK)
        return venue->ask_books(x, from_ns, to_ns, &out->books, narrower, err);
    if (x->what == WK_HISTORY_FUNDING)
        return venue->ask_funding(x, from_ns, to_ns, &out->values, narrower, err);
    return venue->ask_open_interest(x, from_ns, to_ns, &out->values, narrower, err);
}

/* The newest time of rows in [from, to), or from - 1. Drops the others from index `start` on. */
static int64_t keep_values(wk_rest_values *list, size_t start, int64_t from_ns, int64_t to_ns)
{
    int64_t newest_ns = from_ns - 1;
    size_t kept = start;
    for (size_t i = start; i < list->n; i++) {
        if (list->v[i].time_ns < from_ns || list->v[i].time_ns >= to_ns)
            continue;
        if (list->v[i].time_ns > newest_ns)
            newest_ns = list->v[i].time_ns;
        list->v[kept++] = list->v[i];
    }
    list->n = kept;
    return newest_ns;
}

static int64_t keep_books(wk_rest_books *list, size_t start, int64_t from_ns, int64_t to_ns)
{
    int64_t newest_ns = from_ns - 1;
    size_t kept = start;
    for (size_t i = start; i < list->n; i++) {
        if (list->v[i].time_ns < from_ns || list->v[i].time_ns >= to_ns)
            continue;
        if (list->v[i].time_ns > newest_ns)
            newest_ns = list->v[i].time_ns;
        list->v[kept++] = list->v[i];
    }
    list->n = kept;
    return newest_ns;
}

/* Everything of [from, to): behind what came it is asked again until nothing comes; an empty first
 * answer is asked for twice. */
static wk_status cover(wk__series *x, int64_t from_ns, int64_t to_ns, answer *out, wk_err *err)
{
    int64_t at_ns = from_ns, end_ns = to_ns;
    int asks = 2;
    while (at_ns < to_ns) {
        size_t n_values = out->values.n, n_books = out->books.n;
        bool narrower = false;
        WK_TRY(ask(x, at_ns, end_ns, out, &narrower, err));
        if (narrower) {
            out->values.n = n_values;
            out->books.n = n_books;
            if (end_ns - at_ns < 2 * WK_NS_PER_S)
                return wk_fail(err, WK_E_IO, "%s cannot answer even for a second of %s",
                               x->session->rest.name, x->wire);
            end_ns = at_ns + (end_ns - at_ns) / 2;
            continue;
        }
        int64_t newest_ns = keep_values(&out->values, n_values, at_ns, end_ns);
        int64_t newest_book_ns = keep_books(&out->books, n_books, at_ns, end_ns);
        if (newest_book_ns > newest_ns)
            newest_ns = newest_book_ns;
        if (newest_ns >= at_ns) {
            at_ns = newest_ns + 1;
            asks = 1;
        } else if (--asks <= 0) {
            at_ns = end_ns; /* nothing more in this part */
            end_ns = to_ns;
            asks = 2;
        }
    }
    return WK_OK;
}

/* Five series of values say what a snapshot says; the note comes with the last. */
static wk_status put_books(wk__series *x, const wk_rest_books *books, int64_t from_ns,
                           int64_t to_ns, wk_err *err)
{
    static const char *const names[] = {"book_bid", "book_ask", "book_bid_qty10", "book_ask_qty10",
                                        "book_imbalance10"};
    enum { NAMES = sizeof names / sizeof *names };
    wk_fresh_value *values = malloc((books->n ? books->n : 1) * sizeof *values);
    if (!values)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    for (int k = 0; k < NAMES && status == WK_OK; k++) {
        size_t n = 0;
        for (size_t i = 0; i < books->n; i++) {
            const wk_rest_book *b = &books->v[i];
            double both = b->bid_qty + b->ask_qty;
            double of[NAMES] = {b->bid, b->ask, b->bid_qty, b->ask_qty,
                                both > 0 ? (b->bid_qty - b->ask_qty) / both : NAN};
            if (!isnan(of[k]))
                values[n++] = (wk_fresh_value){b->time_ns, b->time_ns, of[k]};
        }
        bool is_last = k == NAMES - 1;
        status =
            wk__put_values(x, names[k], values, n, is_last ? from_ns : 0, is_last ? to_ns : 0, err);
    }
    free(values);
    return status;
}

/* Rates that a payment is made by, at the ends of funding intervals; all others are forecasts. */
static wk_status put_funding(wk__series *x, const wk_rest_values *all, int64_t from_ns,
                             int64_t to_ns, wk_err *err)
{
    int64_t interval_ns = x->instrument->funding_interval_ns;
    wk_fresh_value *paid = malloc((all->n ? all->n : 1) * sizeof *paid);
    if (!paid)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        if (interval_ns <= 0 || all->v[i].time_ns % interval_ns == 0)
            paid[n++] = all->v[i];
    wk_status status = WK_OK;
    if (n < all->n)
        status = wk__put_values(x, "funding_predicted", all->v, all->n, 0, 0, err);
    if (status == WK_OK)
        status = wk__put_values(x, x->value_name, paid, n, from_ns, to_ns, err);
    free(paid);
    return status;
}

wk_status wk__fill_values(wk__series *x, int64_t from_ns, int64_t to_ns, wk_err *err)
{
    const wk__venue *venue = x->session->venue;
    int64_t width_ns = x->what == WK_HISTORY_BOOK      ? venue->book_window_ns
                       : x->what == WK_HISTORY_FUNDING ? venue->funding_window_ns
                                                       : venue->open_interest_window_ns;
    if (width_ns < 0) /* values are the closes of candles */
        width_ns = venue->window_bars * x->base_ns;
    answer got = {0};
    wk_status status = WK_OK;
    for (int64_t at_ns = from_ns; at_ns < to_ns && status == WK_OK;) {
        int64_t end_ns = width_ns > 0 && to_ns - at_ns > width_ns ? at_ns + width_ns : to_ns;
        bool narrower = false;
        got.values.n = got.books.n = 0;
        if (width_ns > 0) {
            status = cover(x, at_ns, end_ns, &got, err);
        } else { /* all there is, or what is now */
            status = ask(x, at_ns, end_ns, &got, &narrower, err);
            keep_values(&got.values, 0, at_ns, INT64_MAX);
        }
        if (status == WK_OK && x->what == WK_HISTORY_BOOK)
            status = put_books(x, &got.books, at_ns, end_ns, err);
        else if (status == WK_OK && x->what == WK_HISTORY_FUNDING)
            status = put_funding(x, &got.values, at_ns, end_ns, err);
        else if (status == WK_OK)
            status =
                wk__put_values(x, x->value_name, got.values.v, got.values.n, at_ns, end_ns, err);
        if (status == WK_OK)
            wk__progress_to(x, at_ns, end_ns);
        at_ns = end_ns;
    }
    free(got.values.v);
    free(got.books.v);
    return status;
}
