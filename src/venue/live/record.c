/* A session: sockets -> frame ring -> this thread, the path -> store, recording, trader. */
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "keeper.h"
#include "repair.h"
#include "session.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/fresh.h"
#include "wick/hash.h"
#include "wick/log.h"
#include "wick/text.h"

/* Trades are told late, and REST has them later still. */
#define CONFIRM_AGE_NS (5 * WK_NS_PER_S)

typedef struct {
    const wk_live_config *config;
    const wk_live_session_options *options;
    wk_live *live;
    wk_fresh *fresh;
    wk__keeper *keeper;
    wk__tape *tape;
    wk__repair *repair;
    wk_frame_ring *ring;
    wk__session *session;
    char *start_note;
    pthread_t thread;
    bool is_running;
    atomic_bool is_ending;
    wk__digest digest;
    int64_t time_ns; /* of the last frame */
    /* A market each: until when its bars were confirmed, and our time of the next look at them. */
    int64_t *confirmed_ns, *confirm_ns;
    int64_t day_ns; /* begin of the day that the report counts */
    wk_live_counts day;
    pthread_mutex_t lock; /* of what the status line shows */
    wk_live_counts shown;
} recording;

/* ---- sinks: on the path's thread ---- */

static void on_event(void *ctx, const wk_event *event, int64_t clock_offset_ns)
{
    recording *r = ctx;
    wk_live_record record = {.is_bar = 0, .clock_offset_ns = clock_offset_ns, .event = *event};
    wk_ring_push(r->options->ring, &record);
}

static void on_bar(void *ctx, const wk_live_bar *bar)
{
    recording *r = ctx;
    wk__digest_bar(&r->digest, wk_live_market_at(r->live, bar->market), bar);
    wk__keeper_bar(r->keeper, bar);
    if (r->options->ring) {
        wk_live_record record = {.is_bar = 1, .bar = *bar};
        wk_ring_push(r->options->ring, &record);
    }
}

static void on_flow(void *ctx, const wk_live_flow *flow)
{
    recording *r = ctx;
    wk_live_record record = {.is_flow = 1, .flow = *flow};
    wk_ring_push(r->options->ring, &record);
}

static void on_value(void *ctx, uint32_t market, const char *name, int64_t time_ns,
                     int64_t known_ns, double value)
{
    wk__keeper_value(((recording *)ctx)->keeper, market, name, time_ns, known_ns, value);
}

static void on_instrument(void *ctx, uint32_t market, const wk_instrument *instrument)
{
    wk__keeper_instrument(((recording *)ctx)->keeper, market, instrument);
}

static void on_subscribe(void *ctx, uint32_t market, wk_live_channel channel, bool is_again)
{
    wk__session_subscribe(((recording *)ctx)->session, market, channel, is_again);
}

static void on_missing(void *ctx, uint32_t market, int64_t from_ns, int64_t to_ns)
{
    recording *r = ctx;
    if (r->repair)
        wk__repair_ask(r->repair, market, from_ns, to_ns);
}

/* ---- the path's thread ---- */

static void feed(recording *r, int64_t time_ns, int connection, char direction, const char *bytes,
                 size_t n)
{
    wk_recorded m = {.receive_ns = time_ns, .direction = direction, .bytes = bytes, .n = n};
    wk_err why;
    snprintf(m.connection, sizeof m.connection, "%s",
             connection < 0 ? "wick" : wk_live_connection_name(r->live, (uint32_t)connection));
    if (r->tape)
        wk__tape_put(r->tape, time_ns, connection, direction, bytes, n);
    if (wk_live_feed(r->live, &m, &why) != WK_OK)
        wk_log_write(WK_LOG_ERROR, "live.path", "why=\"%s\"", why.msg);
}

static void note(recording *r, const char *text)
{
    feed(r, r->time_ns, -1, '!', text, strlen(text));
}

static void report_day(recording *r, const wk_live_counts *c)
{
    const wk_live_counts *b = &r->day;
    char day[32];
    wk_log_write(
        WK_LOG_INFO, "live.day",
        "day=%.10s bars=%" PRIu64 " changed=%" PRIu64 " empty=%" PRIu64 " missing=%" PRIu64
        " repaired=%" PRIu64 " late_trades=%" PRIu64 " messages=%" PRIu64 " reconnects=%" PRIu64
        " book_failures=%" PRIu64 " broken=%" PRIu64 " lost=%" PRIu64,
        wk_time_format(r->day_ns, day), c->bars - b->bars, c->revised - b->revised,
        c->empty - b->empty, c->missing - b->missing, c->repaired - b->repaired, c->late - b->late,
        c->messages - b->messages, c->disconnects - b->disconnects,
        c->checksum_failures - b->checksum_failures, c->broken - b->broken, c->lost - b->lost);
    r->day = *c;
}

/* The bars since the last look, once they are old enough for the venue's history to hold them. */
static void confirm(recording *r)
{
    int64_t every_ns = (int64_t)(r->config->confirm_s * 1e9);
    int64_t base_ns = wk_live_timeframe_ns(r->live, 0);
    size_t n = wk_live_n_markets(r->live);
    for (uint32_t i = 0; r->repair && every_ns > 0 && i < n; i++) {
        if (r->confirm_ns[i] == 0) /* not all markets at once */
            r->confirm_ns[i] = r->time_ns + every_ns * (i + 1) / (int64_t)n;
        if (r->time_ns < r->confirm_ns[i])
            continue;
        wk_live_counts c;
        wk_live_count(r->live, (int)wk_live_market_at(r->live, i)->venue_index, &c);
        pthread_mutex_lock(&r->lock); /* counting forgets the longest lag */
        if (c.lag_ns_max > r->shown.lag_ns_max)
            r->shown.lag_ns_max = c.lag_ns_max;
        pthread_mutex_unlock(&r->lock);
        int64_t to = wk_bucket_start(r->time_ns + c.clock_offset_ns -
                                         r->config->close_grace_ms * 1000000 - CONFIRM_AGE_NS,
                                     base_ns);
        /* The longer bars that end in it begin before it. */
        int64_t from = r->confirmed_ns[i] ? r->confirmed_ns[i] : to - every_ns;
        wk__repair_confirm(r->repair, i, wk_bucket_start(from, base_ns), to);
        r->confirmed_ns[i] = to;
        r->confirm_ns[i] = r->time_ns + every_ns;
    }
}

/* About every tick: subscriptions, what the status line shows, the day's report. */
static void look_around(recording *r)
{
    wk_live_counts c;
    wk_live_check(r->live, r->time_ns);
    confirm(r);
    wk_live_count(r->live, -1, &c);
    int64_t lag_max = c.lag_ns_max;
    pthread_mutex_lock(&r->lock);
    if (r->shown.lag_ns_max > c.lag_ns_max)
        c.lag_ns_max = r->shown.lag_ns_max;
    r->shown = c;
    pthread_mutex_unlock(&r->lock);
    c.lag_ns_max = lag_max;
    int64_t day_ns = wk_bucket_start(r->time_ns + c.clock_offset_ns, 86400 * WK_NS_PER_S);
    if (r->day_ns && day_ns > r->day_ns)
        report_day(r, &c);
    r->day_ns = day_ns;
}

static void on_frame(recording *r, const wk_frame *f)
{
    if (f->lost) {
        char text[64];
        snprintf(text, sizeof text, "lost %" PRIu64, f->lost);
        r->time_ns = f->time_ns;
        note(r, text);
        wk_log_write(WK_LOG_WARN, "live.path", "lost=%" PRIu64, f->lost);
    }
    bool is_first = r->time_ns == 0;
    r->time_ns = f->time_ns;
    if (f->kind == WK__SESSION_TICK) {
        wk_live_advance(r->live, f->time_ns);
        look_around(r);
        return;
    }
    feed(r, f->time_ns, f->source, (char)f->kind, f->bytes, f->n);
    if (!is_first)
        return;
    /* Behind "start": where each series goes on. */
    for (uint32_t i = 0; i < wk_live_n_markets(r->live); i++) {
        int64_t timeframe_ns = wk_live_timeframe_ns(r->live, 0);
        char key[128], text[96], *cursor;
        wk_err why;
        wk__keeper_cursor_key(wk_live_market_at(r->live, i), timeframe_ns, key);
        if (wk_fresh_cursor_get(r->fresh, key, &cursor, &why) != WK_OK)
            continue;
        if (cursor[0]) {
            snprintf(text, sizeof text, "resume %u %" PRId64 " %.20s", i, timeframe_ns, cursor);
            note(r, text);
            /* What the last session had not confirmed when it ended. */
            int64_t known_ns = strtoll(cursor, NULL, 10);
            int64_t back_ns = (int64_t)(2 * r->config->confirm_s * 1e9);
            if (r->repair && back_ns > 0)
                wk__repair_confirm(r->repair, i, wk_bucket_start(known_ns - back_ns, timeframe_ns),
                                   known_ns);
        }
        free(cursor);
    }
}

static void *run(void *of)
{
    recording *r = of;
    for (;;) {
        bool is_ending = atomic_load(&r->is_ending);
        wk_frame f;
        int n = 0;
        while (wk_frame_ring_peek(r->ring, &f)) {
            on_frame(r, &f);
            wk_frame_ring_release(r->ring);
            n++;
        }
        char *text = r->repair && r->time_ns ? wk__repair_take(r->repair) : NULL;
        if (text) {
            note(r, text);
            free(text);
            n++;
        }
        if (n == 0 && is_ending)
            break;
        if (n == 0)
            wk_frame_ring_wait(r->ring, WK_NS_PER_S / 10);
    }
    if (r->time_ns)
        look_around(r);
    return NULL;
}

/* ---- beginning and end ---- */

static wk_status begin(recording *r, wk_err *err)
{
    const wk_live_config *config = r->config;
    char raw[PATH_MAX];
    wk_live_sinks sinks = {.ctx = r,
                           .event = r->options->ring ? on_event : NULL,
                           .bar = on_bar,
                           .value = on_value,
                           .flow = r->options->ring ? on_flow : NULL,
                           .instrument = on_instrument,
                           .subscribe = on_subscribe,
                           .missing = on_missing};
    WK_TRY(wk_live_create(config, &sinks, &r->live, err));
    r->confirmed_ns = calloc(wk_live_n_markets(r->live), sizeof(int64_t));
    r->confirm_ns = calloc(wk_live_n_markets(r->live), sizeof(int64_t));
    if (!r->confirmed_ns || !r->confirm_ns)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    WK_TRY(wk_dir_create(config->store, err));
    WK_TRY(wk_fresh_open(config->store, &r->fresh, err));
    WK_TRY(
        wk__keeper_open(r->fresh, r->live, r->options->stored, r->options->ctx, &r->keeper, err));
    if (config->keep_raw) {
        if (snprintf(raw, sizeof raw, config->raw_dir[0] ? "%s" : "%s/raw",
                     config->raw_dir[0] ? config->raw_dir : config->store) >= (int)sizeof raw)
            return wk_fail(err, WK_E_ARG, "raw_dir is too long");
        WK_TRY(wk__tape_open(raw, r->live, &r->tape, err));
    }
    bool has_clock = false;
    for (size_t v = 0; v < config->venues.n; v++)
        has_clock |= ((const wk_live_venue *)config->venues.v)[v].clock_url[0] != 0;
    wk_live_history history = config->repair ? r->options->history : NULL;
    if (history || has_clock)
        WK_TRY(wk__repair_open(config, r->live, r->fresh, history, r->options->history_ctx,
                               &r->repair, err));
    WK_TRY(wk_frame_ring_create((size_t)config->ring_mib << 20, &r->ring, err));
    char *dump = wk_config_dump(&wk_live_config_table, config);
    wk_text start = {0};
    wk_text_printf(&start, "start %s", dump);
    free(dump);
    r->start_note = start.s;
    wk__digest_init(&r->digest);
    WK_TRY(wk__session_open(config, r->options, r->ring, r->start_note, &r->session, err));
    /* The session has begun to fill the ring; the path needs it for its requests. */
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        return wk_fail(err, WK_E_IO, "cannot start a thread");
    r->is_running = true;
    return WK_OK;
}

static wk_status end(recording *r, wk_live_summary *out, wk_err *err)
{
    if (r->session)
        wk__session_stop(r->session);
    atomic_store(&r->is_ending, true);
    if (r->is_running)
        pthread_join(r->thread, NULL);
    if (r->is_running && r->day_ns)
        report_day(r, &r->shown);
    wk__repair_close(r->repair);
    wk__session_close(r->session);
    wk__tape_close(r->tape);
    wk_status status = WK_OK;
    if (r->keeper)
        status = wk__keeper_finish(r->keeper, &out->stored, err);
    if (r->live)
        wk_live_count(r->live, -1, &out->counts);
    if (r->digest.hash)
        wk__digest_finish(&r->digest, out);
    wk_fresh_close(r->fresh);
    wk_frame_ring_destroy(r->ring);
    wk_live_destroy(r->live);
    free(r->start_note);
    free(r->confirmed_ns);
    free(r->confirm_ns);
    pthread_mutex_destroy(&r->lock);
    return status;
}

wk_status wk_live_record_run(const wk_live_config *config, const wk_live_session_options *options,
                             const atomic_bool *stop, wk_live_summary *out, wk_err *err)
{
    recording r = {.config = config, .options = options};
    *out = (wk_live_summary){0};
    pthread_mutex_init(&r.lock, NULL);
    wk_status status = begin(&r, err);
    int64_t shown_ns = wk_clock_monotonic_ns();
    uint64_t messages = 0;
    while (status == WK_OK && !atomic_load(stop)) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        int64_t now = wk_clock_monotonic_ns();
        double elapsed_s = (double)(now - shown_ns) * 1e-9;
        if (!options->status || elapsed_s < config->status_s)
            continue;
        pthread_mutex_lock(&r.lock);
        wk_live_counts counts = r.shown;
        r.shown.lag_ns_max = 0;
        pthread_mutex_unlock(&r.lock);
        options->status(options->ctx, &counts, wk__keeper_stored(r.keeper),
                        (double)(counts.messages - messages) / elapsed_s);
        messages = counts.messages;
        shown_ns = now;
    }
    wk_err ignored;
    wk_status ended = end(&r, out, status == WK_OK ? err : &ignored);
    return status == WK_OK ? ended : status;
}
