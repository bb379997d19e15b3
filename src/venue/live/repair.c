#include "repair.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock_probe.h"
#include "wick/clock.h"
#include "wick/log.h"
#include "wick/text.h"

/* About ten hours of tries: a venue's maintenance ends. */
enum { TRIES = 64, RETRY_S = 5, RETRY_MOST_S = 600, PROBE_S = 60 };

#define VOLUME_SAME 1e-9

/* REST has the newest candle a little later than the stream. */
#define SETTLE_NS (3 * WK_NS_PER_S)

typedef struct {
    int64_t from_ns, to_ns; /* nothing wanted: equal */
    int64_t not_before_ns;  /* monotonic */
    int failures;
    bool is_wide; /* the longer bars too, however short the range is */
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
    wk_fresh *fresh;
    /* A market each: what waits for its time, and what was asked since: asks that follow each other
     * closely must not put the first one off for ever. */
    wanted *wanted, *next;
    note *first, **last;
    wk_http *http;     /* of the clocks; opened when it is needed */
    int64_t *probe_ns; /* a venue each: monotonic time of the next look at its clock */
};

static bool is_nothing(const wanted *w)
{
    return w->from_ns == w->to_ns;
}

static void add(wanted *w, const wanted *more)
{
    if (is_nothing(w)) {
        *w = *more;
        return;
    }
    w->from_ns = more->from_ns < w->from_ns ? more->from_ns : w->from_ns;
    w->to_ns = more->to_ns > w->to_ns ? more->to_ns : w->to_ns;
    w->failures = more->failures > w->failures ? more->failures : w->failures;
    w->is_wide |= more->is_wide;
    if (more->not_before_ns > w->not_before_ns)
        w->not_before_ns = more->not_before_ns;
}

static void ask(wk__repair *r, uint32_t market, int64_t from_ns, int64_t to_ns, bool is_wide)
{
    if (!r->history || from_ns >= to_ns)
        return;
    int64_t most = (int64_t)(r->config->repair_max_h * 3600e9);
    if (from_ns < to_ns - most)
        from_ns = wk_bucket_start(to_ns - most, wk_live_timeframe_ns(r->live, 0));
    wanted more = {.from_ns = from_ns,
                   .to_ns = to_ns,
                   .not_before_ns = wk_clock_monotonic_ns() + SETTLE_NS,
                   .is_wide = is_wide};
    pthread_mutex_lock(&r->lock);
    add(is_nothing(&r->wanted[market]) ? &r->wanted[market] : &r->next[market], &more);
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void wk__repair_ask(wk__repair *r, uint32_t market, int64_t from_ns, int64_t to_ns)
{
    ask(r, market, from_ns, to_ns, false);
}

void wk__repair_confirm(wk__repair *r, uint32_t market, int64_t from_ns, int64_t to_ns)
{
    ask(r, market, from_ns, to_ns, true);
}

static void add_text(wk__repair *r, char *text)
{
    note *n = malloc(sizeof *n);
    if (!n || !text) {
        free(n);
        free(text);
        return;
    }
    *n = (note){.text = text};
    pthread_mutex_lock(&r->lock);
    *r->last = n;
    r->last = &n->next;
    pthread_mutex_unlock(&r->lock);
}

/* What the store holds as seen is not replaced by a later download, only by a correction, which is
 * as strong as what it corrects: so that a wrong bar of an earlier session goes as well. */
static void strengthen(wk__repair *r, const wk_live_market *m, int64_t timeframe_ns,
                       wk_series *series)
{
    wk_series stored = {0};
    wk_err why;
    if (wk_fresh_bars(r->fresh, m->venue, m->symbol, timeframe_ns, series->bars[0].time_ns,
                      series->bars[series->n - 1].time_ns + 1, &stored, &why) != WK_OK)
        return;
    for (size_t i = 0, k = 0; i < series->n; i++) {
        wk_bar *a = &series->bars[i];
        while (k < stored.n && stored.bars[k].time_ns < a->time_ns)
            k++;
        const wk_bar *b = k < stored.n ? &stored.bars[k] : NULL;
        if (!b || b->time_ns != a->time_ns)
            continue;
        /* Sums of contracts in doubles differ in the last bit, and that corrects nothing. */
        if (fabs(a->volume - b->volume) <= VOLUME_SAME * b->volume)
            a->volume = b->volume;
        bool is_seen = stored.provenance[k] == WK_PROV_TRADED ||
                       stored.provenance[k] == WK_PROV_CONFIRMED_EMPTY;
        if (is_seen && series->provenance[i] == WK_PROV_REPAIRED &&
            (a->open != b->open || a->high != b->high || a->low != b->low || a->close != b->close ||
             a->volume != b->volume))
            series->provenance[i] = WK_PROV_TRADED;
    }
    wk_series_finish(&stored);
}

static void add_note(wk__repair *r, uint32_t market, int64_t timeframe_ns, wk_series *series)
{
    /* A later download, whatever the venue says of it now. */
    for (size_t i = 0; i < series->n; i++)
        if (series->provenance[i] == WK_PROV_TRADED)
            series->provenance[i] = WK_PROV_REPAIRED;
    strengthen(r, wk_live_market_at(r->live, market), timeframe_ns, series);
    add_text(r, wk_live_repair_note(market, timeframe_ns, series));
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
        if (from >= to || (t > 0 && !w->is_wide && w->to_ns - w->from_ns <= longest))
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
    *w = r->next[market];
    r->next[market] = (wanted){0};
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
    job.failures++;
    int64_t wait_s = job.failures < 8 ? (int64_t)RETRY_S << job.failures : RETRY_MOST_S;
    wait_s = wait_s < RETRY_MOST_S ? wait_s : RETRY_MOST_S;
    job.not_before_ns = wk_clock_monotonic_ns() + wait_s * WK_NS_PER_S;
    add(w, &job);
}

static bool has_clock(const wk_live_config *config, size_t venue)
{
    return ((const wk_live_venue *)config->venues.v)[venue].clock_url[0] != 0;
}

/* Looks at a venue's clock when its time has come. Called and left with the lock held. */
static void probe(wk__repair *r, size_t venue)
{
    const wk_live_venue *v = (const wk_live_venue *)r->config->venues.v + venue;
    int64_t offset_ns, uncertainty_ns;
    wk_err why;
    r->probe_ns[venue] = wk_clock_monotonic_ns() + PROBE_S * WK_NS_PER_S;
    pthread_mutex_unlock(&r->lock);
    if (wk__clock_probe(r->http, v->clock_url, &offset_ns, &uncertainty_ns, &why) == WK_OK) {
        wk_text text = {0};
        wk_text_printf(&text, "clock %s %" PRId64 " %" PRId64, v->name, offset_ns, uncertainty_ns);
        add_text(r, text.s);
    } else {
        wk_log_write(WK_LOG_WARN, "live.clock", "venue=%s why=\"%s\"", v->name, why.msg);
    }
    pthread_mutex_lock(&r->lock);
}

static void *run(void *of)
{
    wk__repair *r = of;
    size_t n = wk_live_n_markets(r->live);
    pthread_mutex_lock(&r->lock);
    while (!r->is_ending) {
        int64_t now = wk_clock_monotonic_ns(), wake = now + WK_NS_PER_S;
        uint32_t first = UINT32_MAX;
        for (size_t v = 0; v < r->config->venues.n; v++)
            if (((const wk_live_venue *)r->config->venues.v)[v].clock_url[0] &&
                r->probe_ns[v] <= now)
                probe(r, v);
        for (size_t i = 0; i < n && first == UINT32_MAX; i++) {
            if (is_nothing(&r->wanted[i]))
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

wk_status wk__repair_open(const wk_live_config *config, const wk_live *live, wk_fresh *fresh,
                          wk_live_history history, void *history_ctx, wk__repair **out, wk_err *err)
{
    size_t n_markets = wk_live_n_markets(live);
    wk__repair *r = calloc(1, sizeof *r);
    wanted *all = calloc(2 * n_markets, sizeof *all);
    int64_t *probes = calloc(config->venues.n, sizeof *probes);
    if (!r || !all || !probes) {
        free(r);
        free(all);
        free(probes);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    *r = (wk__repair){.config = config,
                      .live = live,
                      .history = history,
                      .ctx = history_ctx,
                      .fresh = fresh,
                      .wanted = all,
                      .next = all + n_markets,
                      .probe_ns = probes};
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    wk_status status = WK_OK;
    for (size_t v = 0; v < config->venues.n && status == WK_OK && !r->http; v++) {
        wk_http_options options = {.ca_file = config->ca_file[0] ? config->ca_file : NULL,
                                   .address_family = (int)config->address_family};
        if (has_clock(config, v))
            status = wk_http_open(&options, &r->http, err);
    }
    if (status == WK_OK && pthread_create(&r->thread, NULL, run, r) != 0)
        status = wk_fail(err, WK_E_IO, "cannot start a thread");
    if (status != WK_OK) {
        wk_http_close(r->http);
        free(all);
        free(probes);
        free(r);
        return status;
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
    if (r->http)
        wk_http_cancel(r->http);
    pthread_join(r->thread, NULL);
    for (char *text; (text = wk__repair_take(r)) != NULL;)
        free(text);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    wk_http_close(r->http);
    free(r->wanted);
    free(r->probe_ns);
    free(r);
}
