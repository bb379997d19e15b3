#include "session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wick/clock.h"
#include "wick/fresh.h"
#include "wick/log.h"

#define S WK_NS_PER_S

char session_dir[64];

static void on_stored(void *ctx, const wk_live_market *of, const wk_live_bar *bar)
{
    (void)of;
    (void)bar;
    atomic_fetch_add(&((session *)ctx)->stored, 1);
}

static void on_status(void *ctx, const wk_live_counts *counts, uint64_t n_stored,
                      double messages_per_s)
{
    (void)n_stored;
    (void)messages_per_s;
    atomic_store(&((session *)ctx)->messages, counts->messages);
}

void session_venue(session *s, venue_options o)
{
    char error[256];
    o.venue = "kraken";
    o.dir = session_dir;
    s->venue = venue_start(&o, error, sizeof error);
    if (!s->venue)
        fail_msg("%s", error);
}

void session_configure(session *s, const char *more, const char *top)
{
    static int n;
    snprintf(s->store, sizeof s->store, "%s/store%d", session_dir, n++);
    snprintf(s->text, sizeof s->text,
             "{\"venues\": [{\"name\": \"kraken\", \"url\": \"%s/v2\", \"symbols\": [\"BTC/USD\", "
             "\"ETH/USD\", "
             "\"DOGE/USD\"], \"symbols_per_connection\": 2, \"candles\": false, \"ping_s\": 0.5, "
             "\"backoff_min_ms\": 20, \"backoff_max_ms\": 200, \"connects_max\": 1000%s}], "
             "\"timeframes\": "
             "[\"2s\", \"4s\"], \"close_grace_ms\": 300, \"store\": \"%s\", \"ca_file\": \"%s\", "
             "\"keep_raw\": "
             "true, \"status_s\": 0.1%s}",
             venue_ws_url(s->venue), more, s->store, venue_ca_file(s->venue), top);
    wk_err err;
    wk_arena_init(&s->arena);
    if (wk_config_parse(&wk_live_config_table, "test", s->text, NULL, 0, &s->arena, &s->config,
                        &err) != WK_OK)
        fail_msg("%s", err.msg);
    s->options.stored = on_stored;
    s->options.status = on_status;
    s->options.ctx = s;
}

static void *run(void *of)
{
    session *s = of;
    s->status = wk_live_record_run(&s->config, &s->options, &s->stop, &s->summary, &s->err);
    return NULL;
}

void session_begin(session *s)
{
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
    s->is_running = true;
}

void session_end(session *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    s->is_running = false;
    if (s->status != WK_OK)
        fail_msg("%s", s->err.msg);
}

void session_finish(session *s, bool may_violate)
{
    size_t n;
    char *violations = venue_violations(s->venue, &n);
    if (n && !may_violate)
        fail_msg("%zu violations:\n%s", n, violations);
    free(violations);
    venue_stop(s->venue);
    wk_arena_finish(&s->arena);
    free(s);
}

session *session_new(void)
{
    return calloc(1, sizeof(session));
}

void session_sleep_s(double s)
{
    usleep((useconds_t)(s * 1e6));
}

void session_wait(session *s, uint64_t n_stored, uint64_t n_messages, size_t n_faults)
{
    int64_t begun = wk_clock_monotonic_ns();
    while (wk_clock_monotonic_ns() - begun < 60 * S &&
           (atomic_load(&s->stored) < n_stored || atomic_load(&s->messages) < n_messages ||
            venue_faults(s->venue) < n_faults))
        usleep(20000);
}

static void raw_dir(const session *s, char out[128])
{
    snprintf(out, 128, "%s/raw", s->store);
}

void session_replays(session *s)
{
    char raw[128];
    wk_live_summary again;
    atomic_bool never = false;
    wk_err err;
    raw_dir(s, raw);
    if (wk_live_replay_run(raw, &(wk_live_replay_options){0}, &never, &again, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(again.bars, s->summary.bars);
    assert_string_equal(again.bars_hash, s->summary.bars_hash);
    assert_int_equal(again.counts.messages, s->summary.counts.messages);
    assert_int_equal(again.counts.checksum_failures, s->summary.counts.checksum_failures);
}

size_t session_bars(session *s, const char *symbol, int64_t timeframe_s, int64_t from_s,
                    int64_t to_s, size_t *n_wrong, bool is_quiet)
{
    wk_fresh *fresh;
    wk_series series = {0};
    wk_err err;
    size_t n = 0;
    *n_wrong = 0;
    assert_int_equal(wk_fresh_open(s->store, &fresh, &err), WK_OK);
    wk_status status = wk_fresh_bars(fresh, "kraken", symbol, timeframe_s * S, from_s * S, to_s * S,
                                     &series, &err);
    if (status == WK_OK) {
        char name[16];
        snprintf(name, sizeof name, "%.3s/USD", symbol);
        if (strcmp(symbol, "DOGEUSD") == 0)
            snprintf(name, sizeof name, "DOGE/USD");
        const market *m = venue_market(s->venue, name);
        assert_non_null(m);
        for (size_t i = 0; i < series.n; i++) {
            market_candle c;
            const wk_bar *b = &series.bars[i];
            int p = m->instrument->price_decimals, q = m->instrument->qty_decimals;
            assert_int_equal(venue_candles(s->venue, name, timeframe_s, b->time_ns / S,
                                           b->time_ns / S + timeframe_s, &c, 1),
                             1);
            bool is_equal = b->open == wk_units_to_double(c.open, p) &&
                            b->high == wk_units_to_double(c.high, p) &&
                            b->low == wk_units_to_double(c.low, p) &&
                            b->close == wk_units_to_double(c.close, p) &&
                            b->volume == wk_units_to_double(c.volume, q) &&
                            (series.provenance[i] == WK_PROV_CONFIRMED_EMPTY) == (c.n_trades == 0);
            if (!is_equal && !is_quiet)
                print_message("%s %llds +%lld: %g %g %g %g %.9g, provenance %d; the venue: %g %g "
                              "%g %g %.9g, %lld "
                              "trades\n",
                              symbol, (long long)timeframe_s, (long long)(b->time_ns / S - from_s),
                              b->open, b->high, b->low, b->close, b->volume, series.provenance[i],
                              wk_units_to_double(c.open, p), wk_units_to_double(c.high, p),
                              wk_units_to_double(c.low, p), wk_units_to_double(c.close, p),
                              wk_units_to_double(c.volume, q), (long long)c.n_trades);
            *n_wrong += !is_equal;
            n++;
        }
    }
    wk_series_finish(&series);
    wk_fresh_close(fresh);
    return n;
}

typedef struct {
    wk_live *live;
    int64_t book_ns[3];
    bool is_changed[3];
} book_watch;

static void watch_event(void *ctx, const wk_event *e, int64_t offset_ns)
{
    (void)offset_ns;
    book_watch *w = ctx;
    if (e->kind == WK_EVENT_BOOK_END && e->symbol < 3) {
        w->book_ns[e->symbol] = e->exchange_ns;
        w->is_changed[e->symbol] = true;
    }
}

size_t session_books(session *s, size_t *n_messages, uint64_t *n_failures, bool is_live[3])
{
    static const char *const names[] = {"BTC/USD", "ETH/USD", "DOGE/USD"};
    char raw[128];
    book_watch w = {0};
    wk_recording *recording;
    wk_recorded m;
    wk_err err;
    size_t n_equal = 0;
    *n_messages = 0;
    raw_dir(s, raw);
    wk_live_sinks sinks = {.ctx = &w, .event = watch_event};
    assert_int_equal(wk_live_create(&s->config, &sinks, &w.live, &err), WK_OK);
    assert_int_equal(wk_recording_open(raw, &recording, &err), WK_OK);
    static market_book truth;
    while (wk_recording_next(recording, &m, &err) == WK_OK) {
        for (uint32_t i = 0; i < 3 && m.direction == '<'; i++)
            is_live[i] = wk_live_book(w.live, i) != NULL;
        memset(w.is_changed, 0, sizeof w.is_changed);
        assert_int_equal(wk_live_feed(w.live, &m, &err), WK_OK);
        for (uint32_t i = 0; i < 3; i++) {
            const wk_book *book = wk_live_book(w.live, i);
            if (!w.is_changed[i])
                continue;
            ++*n_messages;
            if (!book)
                continue;
            assert_int_equal(venue_book(s->venue, names[i], w.book_ns[i], &truth), 1);
            for (int side = 0; side < 2; side++) {
                size_t n, n_true = (size_t)truth.n[side] < 10 ? (size_t)truth.n[side] : 10;
                const wk_book_level *levels =
                    wk_book_levels(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, &n);
                assert_int_equal(n, n_true);
                for (size_t k = 0; k < n; k++) {
                    assert_int_equal(levels[k].price, truth.side[side][k].price);
                    assert_int_equal(levels[k].qty, truth.side[side][k].qty);
                }
            }
            n_equal++;
        }
    }
    wk_live_counts counts;
    wk_live_count(w.live, -1, &counts);
    *n_failures = counts.checksum_failures;
    wk_recording_close(recording);
    wk_live_destroy(w.live);
    return n_equal;
}

int session_setup(void **state)
{
    (void)state;
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(session_dir, sizeof session_dir, "/tmp/wick-session-XXXXXX");
    return mkdtemp(session_dir) ? 0 : -1;
}

int session_teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", session_dir);
    return system(command);
}
