#include "repair.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/log.h"

enum { TRIES = 6 };

/* REST has the newest candle a little later than the stream. */
#define SETTLE_NS (2 * WK_NS_PER_S)

typedef struct {
    int64_t from_ns, to_ns; /* nothing wanted: equal */
    int64_t not_before_ns;  /* monotonic */
    int failures;
} wanted;

typedef struct note {
    struct note *next;
    char *text;
} note;

struct wk__repair {
    const wk_live_config *config;
    const wk_live *live;
    wk_live_history history;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_ending;
    wanted *wanted; /* a market each */
    note *first, **last;
};

void wk__repair_ask(wk__repair *r, uint32_t market, int64_t from_ns, int64_t to_ns)
{
    int64_t most = (int64_t)(r->config->repair_max_h * 3600e9);
    if (from_ns < to_ns - most)
        from_ns = wk_bucket_start(to_ns - most, wk_live_timeframe_ns(r->live, 0));
    pthread_mutex_lock(&r->lock);
    wanted *w = &r->wanted[market];
    if (w->from_ns == w->to_ns) {
        *w = (wanted){.from_ns = from_ns, .to_ns = to_ns};
    } else {
        w->from_ns = from_ns < w->from_ns ? from_ns : w->from_ns;
        w->to_ns = to_ns > w->to_ns ? to_ns : w->to_ns;
    }
    if (w->failures == 0)
        w->not_before_ns = wk_clock_monotonic_ns() + SETTLE_NS;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void add_note(wk__repair *r, uint32_t market, int64_t timeframe_ns, wk_series *series)
{
    /* A later download, whatever the venue says of it now. */
    for (size_t i = 0; i < series->n; i++)
        if (series->provenance[i] == WK_PROV_TRADED)
            series->provenance[i] = WK_PROV_REPAIRED;
    note *n = malloc(sizeof *n);
    if (!n)
        return;
    *n = (note){.text = wk_live_repair_note(market, timeframe_ns, series)};
    pthread_mutex_lock(&r->lock);
    *r->last = n;
    r->last = &n->next;
    pthread_mutex_unlock(&r->lock);
}

/* Also the longer bars, when the range is longer than what the path remembers of the shortest. */
static wk_status fetch(wk__repair *r, uint32_t market, const wanted *w, wk_err *err)
{
    const wk_live_market *m = wk_live_market_at(r->live, market);
    size_t n = wk_live_n_timeframes(r->live);
    int64_t longest = wk_live_timeframe_ns(r->live, n - 1);
    for (size_t t = 0; t < n; t++) {
        int64_t timeframe_ns = wk_live_timeframe_ns(r->live, t);
        int64_t from = wk_bucket_start(w->from_ns, timeframe_ns);
        int64_t to = wk_bucket_start(w->to_ns, timeframe_ns);
        if (t > 0 && (w->to_ns - w->from_ns <= longest || from >= to))
            continue;
        wk_series series = {0};
        WK_TRY(r->history(r->ctx, m->venue, m->name_stream, timeframe_ns, from, to, &series, err));
        if (series.n)
            add_note(r, market, timeframe_ns, &series);
        bool is_empty = series.n == 0;
        wk_series_finish(&series);
        if (is_empty && t == 0)
            return wk_fail(err, WK_E_NOT_FOUND, "the venue knows no bars of this time");
    }
    return WK_OK;
}

/* Called and left with the lock held. */
static void serve(wk__repair *r, uint32_t market)
{
    wanted *w = &r->wanted[market], job = *w;
    w->to_ns = w->from_ns = 0;
    pthread_mutex_unlock(&r->lock);
    wk_err why;
    wk_status status = fetch(r, market, &job, &why);
    pthread_mutex_lock(&r->lock);
    if (status == WK_OK)
        return;
    const wk_live_market *m = wk_live_market_at(r->live, market);
    wk_log_write(WK_LOG_WARN, "live.repair", "market=%s/%s try=%d why=\"%s\"", m->venue, m->symbol,
                 job.failures + 1, why.msg);
    if (job.failures + 1 >= TRIES)
        return; /* the gap stays in the store's gap index, for wick fetch */
    if (w->from_ns != w->to_ns) {
        w->from_ns = job.from_ns < w->from_ns ? job.from_ns : w->from_ns;
    } else {
        *w = job;
    }
    w->failures = job.failures + 1;
    w->not_before_ns = wk_clock_monotonic_ns() + ((int64_t)5 << w->failures) * WK_NS_PER_S;
}

static void *run(void *of)
{
    wk__repair *r = of;
    size_t n = wk_live_n_markets(r->live);
    pthread_mutex_lock(&r->lock);
    while (!r->is_ending) {
        int64_t now = wk_clock_monotonic_ns(), wake = now + WK_NS_PER_S;
        uint32_t first = UINT32_MAX;
        for (size_t i = 0; i < n && first == UINT32_MAX; i++) {
            if (r->wanted[i].from_ns == r->wanted[i].to_ns)
                continue;
            if (r->wanted[i].not_before_ns <= now)
                first = (uint32_t)i;
            else if (r->wanted[i].not_before_ns < wake)
                wake = r->wanted[i].not_before_ns;
        }
        if (first != UINT32_MAX) {
            serve(r, first);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        int64_t ns = until.tv_nsec + (wake - now);
        until.tv_sec += ns / WK_NS_PER_S;
        until.tv_nsec = ns % WK_NS_PER_S;
        pthread_cond_timedwait(&r->changed, &r->lock, &until);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

wk_status wk__repair_open(const wk_live_config *config, const wk_live *live,
                          wk_live_history history, void *history_ctx, wk__repair **out, wk_err *err)
{
    wk__repair *r = calloc(1, sizeof *r);
    wanted *all = calloc(wk_live_n_markets(live), sizeof *all);
    if (!r || !all) {
        free(r);
        free(all);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    *r = (wk__repair){
        .config = config, .live = live, .history = history, .ctx = history_ctx, .wanted = all};
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    if (pthread_create(&r->thread, NULL, run, r) != 0) {
        free(all);
        free(r);
        return wk_fail(err, WK_E_IO, "cannot start a thread");
    }
    *out = r;
    return WK_OK;
}

char *wk__repair_take(wk__repair *r)
{
    pthread_mutex_lock(&r->lock);
    note *n = r->first;
    if (n) {
        r->first = n->next;
        if (!r->first)
            r->last = &r->first;
    }
    pthread_mutex_unlock(&r->lock);
    char *text = n ? n->text : NULL;
    free(n);
    return text;
}

void wk__repair_close(wk__repair *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->is_ending = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    for (char *text; (text = wk__repair_take(r)) != NULL;)
        free(text);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r->wanted);
    free(r);
}
