/* Candles from Kraken's trades, paged by a nanosecond cursor from the oldest on. A page may come
 * twice, shuffled, with a false cursor or end early: trade ids, which have no gap, tell. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/log.h"

enum {
    COUNT = 1000,
    CHUNK = 1000,  /* candles stored at once */
    ASKS = 3,      /* before a missing trade id or an end is believed */
    ASKS_LATER = 8 /* before an end is believed though later trades were seen */
};

typedef struct {
    wk__series *x;
    int64_t from_ns, to_ns;
    int64_t open_ns; /* of the candle that is being built */
    wk_candle_build build;
    wk_decimal close; /* of the newest trade */
    bool has_close;
    int64_t last_id, last_ns; /* of the newest trade; id -1: none yet */
    int64_t stored_ns;        /* up to here it is stored */
    wk_rest_candles rows;
} walk;

static int by_id(const void *a, const void *b)
{
    const wk_rest_trade *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* One page from a cursor on, in the order of ids, each once. */
static wk_status ask_page(wk__series *x, int64_t since_ns, wk_rest_trades *page, int64_t *last_ns,
                          wk_err *err)
{
    char path[256];
    snprintf(path, sizeof path, "/0/public/Trades?pair=%s&since=%" PRId64 "&count=%d", x->wire,
             since_ns, COUNT);
    WK_TRY(wk__kraken_get(x, path, 1.5, err));
    page->n = 0;
    WK_TRY(wk__parse_kraken_trades(&x->session->rest.doc, page, last_ns, err));
    if (page->n == 0)
        return WK_OK;
    bool has_ids = true;
    for (size_t i = 0; i < page->n; i++)
        has_ids = has_ids && page->v[i].id > 0;
    if (!has_ids)
        return wk_fail(err, WK_E_DATA, "%s sent trades of %s without an id", x->session->rest.name,
                       x->wire);
    qsort(page->v, page->n, sizeof *page->v, by_id);
    size_t kept = 1;
    for (size_t i = 1; i < page->n; i++)
        if (page->v[i].id != page->v[kept - 1].id)
            page->v[kept++] = page->v[i];
    page->n = kept;
    return WK_OK;
}

/* Finds a page that begins before from_ns, further and further back. From there ids without a gap
 * prove that no trade was left out (a page may be a stale one of elsewhere), and the price before
 * from_ns is known. Without one, the market begins later. */
static wk_status find_anchor(walk *w, wk_rest_trades *page, int64_t *cursor_ns, int64_t *last_ns,
                             bool *has_page, wk_err *err)
{
    static const int64_t minutes[] = {10,
                                      60,
                                      24 * 60,
                                      30 * 24 * 60,
                                      365 * 24 * 60,
                                      50 * 365 * 24 * 60}; /* before there were any */
    enum { TWICE = 2 };
    for (size_t i = 0; i < TWICE * sizeof minutes / sizeof *minutes; i++) {
        *cursor_ns = w->from_ns - minutes[i / TWICE] * 60 * WK_NS_PER_S;
        if (*cursor_ns < 0)
            *cursor_ns = 0;
        WK_TRY(ask_page(w->x, *cursor_ns, page, last_ns, err));
        *has_page = page->n > 0 && page->v[0].time_ns < w->from_ns;
        if (*has_page || (*cursor_ns == 0 && i % TWICE == TWICE - 1))
            break;
    }
    return WK_OK;
}

static wk_status store(walk *w, wk_err *err)
{
    /* Only whole candles of the series' own timeframe. */
    int64_t end_ns = wk_bucket_start(w->open_ns, w->x->timeframe_ns);
    if (end_ns <= w->stored_ns)
        return WK_OK;
    size_t n = 0;
    while (n < w->rows.n && w->rows.v[n].open_ns < end_ns)
        n++;
    WK_TRY(wk__put_candles(w->x, w->rows.v, n, w->stored_ns, end_ns, err));
    for (size_t i = n; i < w->rows.n; i++)
        w->rows.v[i - n] = w->rows.v[i];
    w->rows.n -= n;
    w->stored_ns = end_ns;
    return WK_OK;
}

/* Closes candles until the one that holds time_ns (or the end) is the open one. */
static wk_status go_to(walk *w, int64_t time_ns, wk_err *err)
{
    int64_t base_ns = w->x->base_ns;
    while (w->open_ns + base_ns <= time_ns && w->open_ns < w->to_ns) {
        const wk_candle_build *b = &w->build;
        if (b->has_trades || w->has_close) {
            wk_rest_candle *row = WK_REST_ADD(&w->rows);
            if (!row)
                return wk_fail(err, WK_E_NOMEM, "out of memory");
            if (b->has_trades && !b->volume_is_exact)
                return wk_fail(err, WK_E_RANGE, "a volume of %s is too long to be exact",
                               w->x->wire);
            *row =
                b->has_trades
                    ? (wk_rest_candle){w->open_ns, b->open, b->high, b->low, b->close, b->volume}
                    : (wk_rest_candle){w->open_ns, w->close, w->close, w->close, w->close, {0, 0}};
        }
        w->build = (wk_candle_build){0};
        w->open_ns += base_ns;
        if (w->rows.n >= CHUNK)
            WK_TRY(store(w, err));
    }
    return WK_OK;
}

static wk_status take(walk *w, const wk_rest_trade *trade, wk_err *err)
{
    if (trade->time_ns >= w->from_ns) {
        WK_TRY(go_to(w, trade->time_ns < w->to_ns ? trade->time_ns : w->to_ns, err));
        if (trade->time_ns < w->to_ns)
            wk__build_add(&w->build, trade->price, trade->price, trade->price, trade->price,
                          trade->qty);
    }
    if (trade->time_ns < w->to_ns) {
        w->close = trade->price;
        w->has_close = true;
    }
    w->last_id = trade->id;
    if (trade->time_ns > w->last_ns)
        w->last_ns = trade->time_ns;
    return WK_OK;
}

/* Ids that are missing behind the newest one taken, or inside the page. */
static bool has_hole(const walk *w, const wk_rest_trades *page)
{
    int64_t id = w->last_id;
    for (size_t i = 0; i < page->n; i++) {
        if (page->v[i].id <= w->last_id)
            continue;
        if (id >= 0 && page->v[i].id != id + 1)
            return true;
        id = page->v[i].id;
    }
    return false;
}

static wk_status walk_pages(walk *w, bool later_trades, wk_rest_trades *page, wk_err *err)
{
    int64_t cursor_ns, last_ns;
    int n_quiet = 0, n_holes = 0;
    bool has_page;
    WK_TRY(find_anchor(w, page, &cursor_ns, &last_ns, &has_page, err));
    while (w->last_ns < w->to_ns) {
        if (!has_page)
            WK_TRY(ask_page(w->x, cursor_ns, page, &last_ns, err));
        has_page = false;
        if (has_hole(w, page) && ++n_holes < ASKS) {
            if (w->last_id >= 0)
                cursor_ns = w->last_ns - 1;
            continue;
        }
        if (n_holes >= ASKS)
            wk_log_write(WK_LOG_WARN, "fetch.trades", "symbol=%s missing_ids_after=%" PRId64,
                         w->x->symbol, w->last_id);
        n_holes = 0;
        size_t n_new = 0;
        for (size_t i = 0; i < page->n && w->last_ns < w->to_ns; i++) {
            if (page->v[i].id <= w->last_id)
                continue;
            n_new++;
            WK_TRY(take(w, &page->v[i], err));
        }
        if (n_new > 0) {
            n_quiet = 0;
            /* Our own newest time: the venue's cursor could lead past trades. */
            cursor_ns = w->last_ns > cursor_ns ? w->last_ns : cursor_ns;
        } else if (page->n > 0 && last_ns > cursor_ns) {
            cursor_ns = last_ns; /* a page full of trades of one instant */
        } else if (++n_quiet >= (later_trades ? ASKS_LATER : ASKS)) {
            break;
        }
        WK_TRY(store(w, err));
    }
    if (w->last_ns < w->to_ns && later_trades)
        return wk_fail(err, WK_E_DATA,
                       "%s shows candles with trades of %s but ends its list of trades before; try "
                       "again later",
                       w->x->session->rest.name, w->x->wire);
    WK_TRY(go_to(w, w->to_ns, err));
    return store(w, err);
}

wk_status wk__fill_from_trades(wk__series *x, int64_t from_ns, int64_t to_ns, bool later_trades,
                               wk_err *err)
{
    walk w = {.x = x,
              .from_ns = from_ns,
              .to_ns = to_ns,
              .open_ns = from_ns,
              .stored_ns = from_ns,
              .last_id = -1};
    wk_rest_trades page = {0};
    wk_status status = walk_pages(&w, later_trades, &page, err);
    free(page.v);
    free(w.rows.v);
    return status;
}
