/* A recording through the path of the live session. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "digest.h"
#include "keeper.h"
#include "wick/arena.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/fresh.h"

typedef struct {
    const wk_live_replay_options *options;
    wk_arena arena;
    wk_live_config config;
    wk_live *live;
    wk_fresh *fresh;
    wk__keeper *keeper;
    wk__digest digest;
    uint64_t stored;
    int64_t first_ns, begun_ns; /* receive time and monotonic, of the first message */
} replay;

static void on_event(void *ctx, const wk_event *event, int64_t clock_offset_ns)
{
    replay *r = ctx;
    wk_live_record record = {.is_bar = 0, .clock_offset_ns = clock_offset_ns, .event = *event};
    wk_ring_push(r->options->ring, &record);
}

static void on_bar(void *ctx, const wk_live_bar *bar)
{
    replay *r = ctx;
    const wk_live_market *market = wk_live_market_at(r->live, bar->market);
    wk__digest_bar(&r->digest, market, bar);
    if (r->keeper)
        wk__keeper_bar(r->keeper, bar);
    if (r->options->bar)
        r->options->bar(r->options->ctx, market, bar);
    if (r->options->ring) {
        wk_live_record record = {.is_bar = 1, .bar = *bar};
        wk_ring_push(r->options->ring, &record);
    }
}

static void on_value(void *ctx, uint32_t market, const char *name, int64_t time_ns,
                     int64_t known_ns, double value)
{
    replay *r = ctx;
    if (r->keeper)
        wk__keeper_value(r->keeper, market, name, time_ns, known_ns, value);
}

static void on_flow(void *ctx, const wk_live_flow *flow)
{
    replay *r = ctx;
    r->options->flow(r->options->ctx, wk_live_market_at(r->live, flow->market), flow);
}

static void on_instrument(void *ctx, uint32_t market, const wk_instrument *instrument)
{
    replay *r = ctx;
    if (r->keeper)
        wk__keeper_instrument(r->keeper, market, instrument);
}

static void add_counts(wk_live_counts *sum, const wk_live_counts *c)
{
    const uint64_t *from = &c->messages;
    uint64_t *to = &sum->messages;
    for (size_t i = 0; i < (size_t)(&c->repaired - &c->messages) + 1; i++)
        to[i] += from[i];
    sum->symbols = c->symbols;
    sum->books = c->books;
    sum->books_live = c->books_live;
    sum->connections = c->connections;
    sum->connections_open = c->connections_open;
    sum->clock_offset_ns = c->clock_offset_ns;
    sum->clock_uncertainty_ns = c->clock_uncertainty_ns;
    sum->lag_ns_last = c->lag_ns_last;
    sum->lag_ns_max = c->lag_ns_max > sum->lag_ns_max ? c->lag_ns_max : sum->lag_ns_max;
}

static wk_status end_session(replay *r, wk_live_summary *out, wk_err *err)
{
    wk_status status = WK_OK;
    if (!r->live)
        return WK_OK;
    if (r->keeper) {
        uint64_t stored = 0;
        status = wk__keeper_finish(r->keeper, &stored, err);
        out->stored += stored;
        r->keeper = NULL;
    }
    wk_live_counts counts;
    wk_live_count(r->live, -1, &counts);
    add_counts(&out->counts, &counts);
    wk_live_destroy(r->live);
    r->live = NULL;
    return status;
}

/* The period that is asked for, unless the recording's session had it. */
static wk_status add_flow(replay *r, wk_err *err)
{
    wk_strings *flow = &r->config.flow;
    int64_t wanted_ns, ns;
    if (!r->options->flow_period)
        return WK_OK;
    WK_TRY(wk_timeframe_parse(r->options->flow_period, &wanted_ns, err));
    for (size_t i = 0; i < flow->n; i++)
        if (wk_timeframe_parse(flow->v[i], &ns, err) == WK_OK && ns == wanted_ns)
            return WK_OK;
    const char **names = wk_arena_array(&r->arena, const char *, flow->n + 1);
    for (size_t i = 0; i < flow->n; i++)
        names[i] = flow->v[i];
    names[flow->n] = r->options->flow_period;
    *flow = (wk_strings){names, flow->n + 1};
    return WK_OK;
}

/* Each start of a recorded session starts the path afresh, as it did then. */
static wk_status begin_session(replay *r, const char *config, wk_live_summary *out, wk_err *err)
{
    WK_TRY(end_session(r, out, err));
    wk_arena_finish(&r->arena);
    wk_arena_init(&r->arena);
    WK_TRY(wk_config_parse(&wk_live_config_table, "the recording", config, NULL, 0, &r->arena,
                           &r->config, err));
    WK_TRY(add_flow(r, err));
    wk_live_sinks sinks = {.ctx = r,
                           .event = r->options->ring ? on_event : NULL,
                           .bar = on_bar,
                           .value = on_value,
                           .flow = r->options->flow ? on_flow : NULL,
                           .instrument = on_instrument};
    WK_TRY(wk_live_create(&r->config, &sinks, &r->live, err));
    if (r->fresh)
        WK_TRY(wk__keeper_open(r->fresh, r->live, NULL, NULL, &r->keeper, err));
    return WK_OK;
}

static void wait_for_time(replay *r, int64_t receive_ns, const atomic_bool *stop)
{
    if (r->first_ns == 0) {
        r->first_ns = receive_ns;
        r->begun_ns = wk_clock_monotonic_ns();
    }
    if (r->options->speed <= 0)
        return;
    int64_t due = r->begun_ns + (int64_t)((double)(receive_ns - r->first_ns) / r->options->speed);
    for (int64_t now; (now = wk_clock_monotonic_ns()) < due && !atomic_load(stop);) {
        int64_t wait = due - now < WK_NS_PER_S / 20 ? due - now : WK_NS_PER_S / 20;
        nanosleep(&(struct timespec){.tv_nsec = wait}, NULL);
    }
}

static wk_status run(replay *r, wk_recording *recording, const atomic_bool *stop,
                     wk_live_summary *out, wk_err *err)
{
    wk_recorded m;
    wk_status status;
    while (!atomic_load(stop) && (status = wk_recording_next(recording, &m, err)) == WK_OK) {
        wait_for_time(r, m.receive_ns, stop);
        if (strcmp(m.connection, "wick") == 0 && m.direction == '!' && m.n > 6 &&
            memcmp(m.bytes, "start ", 6) == 0)
            WK_TRY(begin_session(r, m.bytes + 6, out, err));
        if (!r->live)
            return wk_fail(err, WK_E_DATA,
                           "the recording does not begin with the start of a session; replay the "
                           "directory or an earlier day");
        WK_TRY(wk_live_feed(r->live, &m, err));
    }
    return atomic_load(stop) || status == WK_E_NOT_FOUND ? WK_OK : status;
}

wk_status wk_live_replay_run(const char *path, const wk_live_replay_options *options,
                             const atomic_bool *stop, wk_live_summary *out, wk_err *err)
{
    wk_recording *recording;
    replay r = {.options = options};
    *out = (wk_live_summary){0};
    WK_TRY(wk_recording_open(path, &recording, err));
    wk_arena_init(&r.arena);
    wk__digest_init(&r.digest);
    wk_status status = WK_OK;
    if (options->store && (status = wk_dir_create(options->store, err)) == WK_OK)
        status = wk_fresh_open(options->store, &r.fresh, err);
    if (status == WK_OK)
        status = run(&r, recording, stop, out, err);
    wk_err ignored;
    wk_status ended = end_session(&r, out, status == WK_OK ? err : &ignored);
    wk__digest_finish(&r.digest, out);
    wk_fresh_close(r.fresh);
    wk_recording_close(recording);
    wk_arena_finish(&r.arena);
    return status == WK_OK ? ended : status;
}
