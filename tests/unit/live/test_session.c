/* A whole session against a venue on the loopback: over TLS, with the venue's clock ahead of ours,
 * with messages lost, doubled, out of order and damaged. argv[1] is the program wick,
 * argv[2] a pattern of the tests to run. */
#include <math.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "venue.h"
#include "wick/arena.h"
#include "wick/clock.h"
#include "wick/fresh.h"
#include "wick/live.h"
#include "wick/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define S WK_NS_PER_S

static const char *wick;
static char dir[64];
extern char **environ;

typedef struct {
    venue *venue;
    wk_arena arena;
    wk_live_config config;
    char text[2048], store[96];
    atomic_bool stop;
    pthread_t thread;
    bool is_running;
    wk_live_session_options options;
    wk_live_summary summary;
    wk_status status;
    wk_err err;
    atomic_uint_fast64_t stored, messages;
} session;

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

static void start_venue(session *s, venue_options o)
{
    char error[256];
    o.venue = "kraken";
    o.dir = dir;
    s->venue = venue_start(&o, error, sizeof error);
    if (!s->venue)
        fail_msg("%s", error);
}

/* `more` are keys of the venue, `top` of the configuration. */
static void configure(session *s, const char *more, const char *top)
{
    static int n;
    snprintf(s->store, sizeof s->store, "%s/store%d", dir, n++);
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

static void begin(session *s)
{
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
    s->is_running = true;
}

static void end(session *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    s->is_running = false;
    if (s->status != WK_OK)
        fail_msg("%s", s->err.msg);
}

static void finish(session *s, bool may_violate)
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

static session *new_session(void)
{
    return calloc(1, sizeof(session));
}

static void sleep_s(double s)
{
    usleep((useconds_t)(s * 1e6));
}

/* Waits on a machine as slow as it may be; what is then wrong the test finds out. */
static void wait_for(session *s, uint64_t n_stored, uint64_t n_messages, size_t n_faults)
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

/* The replay of its recording gives the same bars. */
static void assert_replays(session *s)
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

/* Every stored bar of the market that opened in [from, to) is the venue's own. Returns how many. */
static size_t compare_bars(session *s, const char *symbol, int64_t timeframe_s, int64_t from_s,
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

/* Feeds the recording and looks at the book after each message: it is the venue's, or none. Returns
 * how often it was there. */
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

static size_t compare_books(session *s, size_t *n_messages, uint64_t *n_failures, bool is_live[3])
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

static void test_bars_of_a_session_are_the_venues_and_its_replay_gives_the_same(void **state)
{
    (void)state;
    session *s = new_session();
    start_venue(s, (venue_options){.seed = 5, .skew_ns = 3700000000, .book_step_ns = 20000000});
    configure(s, "", "");
    begin(s);
    sleep_s(7);
    wait_for(s, 16, 600, 0);
    end(s);
    assert_true(s->summary.bars > 9);
    assert_int_equal(s->summary.bars, s->summary.stored);
    assert_int_equal(s->summary.stored, atomic_load(&s->stored));
    assert_int_equal(s->summary.counts.checksum_failures, 0);
    assert_int_equal(s->summary.counts.broken, 0);
    /* No better than the round trips of a busy machine. */
    assert_true(llabs(s->summary.counts.clock_offset_ns - 3700000000) < 500000000);
    assert_replays(s);
    size_t n_wrong, n_messages;
    assert_true(compare_bars(s, "BTCUSD", 2, 1, INT64_C(9000000000), &n_wrong, false) >= 2);
    assert_int_equal(n_wrong, 0);
    assert_true(compare_bars(s, "DOGEUSD", 4, 1, INT64_C(9000000000), &n_wrong, false) >= 1);
    assert_int_equal(n_wrong, 0);
    uint64_t n_failures;
    bool is_live[3];
    assert_true(compare_books(s, &n_messages, &n_failures, is_live) > 300);
    assert_true(is_live[0] && is_live[1] && is_live[2]);
    finish(s, false);
}

static void
test_the_book_is_the_venues_after_every_message_through_faults_and_recovers(void **state)
{
    (void)state;
    session *s = new_session();
    start_venue(
        s, (venue_options){
               .seed = 7,
               .book_step_ns = 10000000,
               .script = "{\"ws\": [{\"channel\": \"book\", \"nth\": [40], \"fault\": \"drop\"},"
                         "{\"channel\": \"book\", \"nth\": [150], \"fault\": \"duplicate\"},"
                         "{\"channel\": \"book\", \"nth\": [260], \"fault\": \"reorder\"},"
                         "{\"channel\": \"book\", \"nth\": [370], \"fault\": \"corrupt\"},"
                         "{\"channel\": \"book\", \"nth\": [480], \"fault\": \"bad-checksum\"}]}"});
    configure(s, "", "");
    begin(s);
    sleep_s(4);
    wait_for(s, 0, 1500, 5);
    sleep_s(2); /* the last fault's book comes back */
    end(s);
    assert_int_equal(venue_faults(s->venue), 5);
    size_t n_messages;
    uint64_t n_failures;
    bool is_live[3];
    size_t n_equal = compare_books(s, &n_messages, &n_failures, is_live);
    assert_true(n_messages > 600);
    assert_true(n_failures >= 2);
    assert_true(n_equal > n_messages / 2);
    assert_true(is_live[0] && is_live[1] && is_live[2]);
    assert_replays(s);
    finish(s, false);
}

static wk_status true_history(void *ctx, const char *venue_name, const char *name_stream,
                              int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                              wk_err *err)
{
    session *s = ctx;
    const market *m = venue_market(s->venue, name_stream);
    assert_non_null(m);
    int64_t now = venue_now_ns(s->venue);
    size_t n_max = (size_t)((to_ns - from_ns) / timeframe_ns);
    market_candle *candles = calloc(n_max + 1, sizeof *candles);
    if (to_ns > now)
        to_ns = now / timeframe_ns * timeframe_ns;
    size_t n = venue_candles(s->venue, name_stream, timeframe_ns / S, from_ns / S, to_ns / S,
                             candles, n_max);
    WK_TRY(wk_series_create(venue_name, "X", timeframe_ns, n, out, err));
    for (size_t i = 0; i < n; i++) {
        int p = m->instrument->price_decimals, q = m->instrument->qty_decimals;
        out->bars[i] = (wk_bar){candles[i].open_s * S,
                                wk_units_to_double(candles[i].open, p),
                                wk_units_to_double(candles[i].high, p),
                                wk_units_to_double(candles[i].low, p),
                                wk_units_to_double(candles[i].close, p),
                                wk_units_to_double(candles[i].volume, q)};
        out->provenance[i] = candles[i].n_trades ? WK_PROV_TRADED : WK_PROV_CONFIRMED_EMPTY;
    }
    free(candles);
    return WK_OK;
}

static const char *const stored_symbols[] = {"BTCUSD", "ETHUSD", "DOGEUSD"};

/* Until all bars of [first_s, last_s) are stored and right: after repairs and confirmations, so in
 * seconds, on a busy machine in many. */
static void await_the_venues(session *s, int64_t first_s, int64_t last_s)
{
    int64_t begun = wk_clock_monotonic_ns();
    for (bool is_done = false; !is_done && wk_clock_monotonic_ns() - begun < 60 * S;) {
        sleep_s(0.5);
        is_done = true;
        for (int i = 0; i < 3; i++)
            for (int timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
                size_t n_wrong;
                size_t n = compare_bars(s, stored_symbols[i], timeframe_s, first_s, last_s,
                                        &n_wrong, true);
                is_done &= n == (size_t)(last_s - first_s) / (size_t)timeframe_s && n_wrong == 0;
            }
    }
}

static void
test_silence_and_broken_connections_are_left_and_what_was_missed_is_repaired(void **state)
{
    (void)state;
    session *s = new_session();
    /* Trades are lost as well, the newest of a market perhaps, which nothing but the venue's
     * history tells; a silent connection is left after 1.2 s. */
    start_venue(
        s, (venue_options){
               .seed = 11,
               .busy = 60,
               .book_step_ns = 50000000,
               .late_every = 4,
               .late_ns_most = 3000000000,
               .script = "{\"ws\": [{\"channel\": \"book\", \"nth\": [80], \"fault\": \"silence\"},"
                         "{\"channel\": \"book\", \"nth\": [160], \"fault\": \"close\"},"
                         "{\"channel\": \"book\", \"nth\": [240], \"fault\": \"cut-socket\"},"
                         "{\"channel\": \"trade\", \"nth\": [5, 9, 12, 15], \"fault\": \"drop\"},"
                         "{\"channel\": \"trade\", \"nth\": [7, 10], \"fault\": \"duplicate\"}]}"});
    configure(s, ", \"silence_s\": 1.2", ", \"confirm_s\": 2");
    s->options.history = true_history;
    s->options.history_ctx = s;
    begin(s);
    int64_t first_s = venue_now_ns(s->venue) / S / 4 * 4;
    sleep_s(8);
    wait_for(s, 0, 0, 9);
    int64_t last_s = venue_now_ns(s->venue) / S / 4 * 4;
    await_the_venues(s, first_s, last_s);
    end(s);
    assert_int_equal(s->summary.counts.impossible, 0);
    assert_true(s->summary.counts.disconnects >= 5); /* three of faults, two at the end */
    assert_replays(s);
    for (int i = 0; i < 3; i++)
        for (int timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
            size_t n_wrong;
            size_t n =
                compare_bars(s, stored_symbols[i], timeframe_s, first_s, last_s, &n_wrong, false);
            assert_int_equal(n, (last_s - first_s) / timeframe_s);
            assert_int_equal(n_wrong, 0);
        }
    size_t n_messages;
    uint64_t n_failures;
    bool is_live[3];
    compare_books(s, &n_messages, &n_failures, is_live);
    assert_true(is_live[0] && is_live[1] && is_live[2]);
    finish(s, false);
}

/* Bars as a session left them that was killed before their repair: flat, where the venue traded. */
static void store_wrong_bars(session *s, int64_t first_s, int64_t last_s)
{
    wk_fresh *fresh;
    wk_err err;
    assert_int_equal(wk_fresh_open(s->store, &fresh, &err), WK_OK);
    for (int i = 0; i < 3; i++)
        for (int64_t timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
            wk_fresh_bar bars[32];
            char key[64], next[32];
            size_t n = 0;
            for (int64_t at = first_s; at < last_s; at += timeframe_s)
                bars[n++] = (wk_fresh_bar){
                    {at * S, 7, 7, 7, 7, 0}, WK_PROV_CONFIRMED_EMPTY, (at + timeframe_s) * S};
            snprintf(key, sizeof key, "record/kraken/%s/%llds", stored_symbols[i],
                     (long long)timeframe_s);
            snprintf(next, sizeof next, "%lld", (long long)(last_s * S));
            assert_int_equal(wk_fresh_put_bars(fresh, "kraken", stored_symbols[i], timeframe_s * S,
                                               bars, n, &(wk_fresh_cursor){key, next}, NULL, &err),
                             WK_OK);
        }
    wk_fresh_close(fresh);
}

static void test_what_an_earlier_session_left_wrong_is_corrected(void **state)
{
    (void)state;
    session *s = new_session();
    start_venue(s, (venue_options){.seed = 19, .busy = 60});
    configure(s, "", ", \"confirm_s\": 60");
    s->options.history = true_history;
    s->options.history_ctx = s;
    int64_t last_s = venue_now_ns(s->venue) / S / 4 * 4, first_s = last_s - 40;
    store_wrong_bars(s, first_s, last_s);
    begin(s);
    await_the_venues(s, first_s, last_s);
    end(s);
    for (int i = 0; i < 3; i++)
        for (int timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
            size_t n_wrong;
            assert_int_equal(
                compare_bars(s, stored_symbols[i], timeframe_s, first_s, last_s, &n_wrong, false),
                (last_s - first_s) / timeframe_s);
            assert_int_equal(n_wrong, 0);
        }
    assert_replays(s);
    finish(s, false);
}

/* A name server that does not answer until the test lets it go. */
static atomic_bool is_released;
static atomic_int n_hanging;

static size_t resolve(void *ctx, const char *host, int family, char (*addresses)[64], size_t n_max,
                      char why[128])
{
    (void)ctx;
    (void)family;
    (void)n_max;
    (void)why;
    if (strcmp(host, "localhost") != 0) {
        atomic_fetch_add(&n_hanging, 1);
        while (!atomic_load(&is_released))
            usleep(1000);
        atomic_fetch_sub(&n_hanging, 1);
    }
    snprintf(addresses[0], 64, "127.0.0.1");
    return 1;
}

static void test_a_lookup_that_hangs_changes_nothing_for_the_reader_of_the_ring(void **state)
{
    (void)state;
    session *s = new_session();
    start_venue(s, (venue_options){.seed = 13, .book_step_ns = 20000000});
    configure(
        s, "}, {\"name\": \"elsewhere\", \"url\": \"wss://hangs.example/v2\", \"candles\": false",
        "");
    wk_ring *ring;
    assert_int_equal(wk_ring_create(sizeof(wk_live_record), 1 << 14, &ring, NULL), WK_OK);
    s->options.ring = ring;
    s->options.resolve = resolve;
    begin(s);
    int64_t start = wk_clock_monotonic_ns(), last = 0, longest = 0;
    size_t n = 0;
    while (wk_clock_monotonic_ns() - start < 4 * S ||
           (n <= 300 && wk_clock_monotonic_ns() - start < 60 * S)) {
        wk_live_record record;
        wk_ring_wait(ring, S);
        while (wk_ring_pop(ring, &record)) {
            int64_t now = wk_clock_monotonic_ns();
            if (last && now - last > longest)
                longest = now - last;
            last = now;
            n++;
        }
    }
    assert_int_equal(atomic_load(&n_hanging), 1);
    assert_true(n > 300);
    /* Books change 50 times a second; the lookup hangs all the time. */
    assert_true(longest < 3 * S);
    int64_t stopping = wk_clock_monotonic_ns();
    end(s);
    assert_true(wk_clock_monotonic_ns() - stopping < 20 * S);
    assert_int_equal(wk_ring_dropped(ring), 0);
    atomic_store(&is_released, true);
    while (atomic_load(&n_hanging))
        usleep(1000);
    usleep(20000);
    wk_ring_destroy(ring);
    finish(s, false);
}

/* Runs `wick record CONFIG --bars` and kills it with -9 after n bars; all that it printed is
 * stored. */
static void test_kill_9_loses_no_bar_that_was_acknowledged(void **state)
{
    (void)state;
    if (!wick)
        skip();
    session *s = new_session();
    start_venue(s, (venue_options){.seed = 17, .book_step_ns = 50000000});
    configure(s, "", "");
    char path[128];
    snprintf(path, sizeof path, "%s/config.json", dir);
    FILE *f = fopen(path, "w");
    fputs(s->text, f);
    fclose(f);
    size_t n_stored = 0;
    for (int round = 0; round < 3; round++) {
        int out[2];
        assert_int_equal(pipe(out), 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        posix_spawn_file_actions_addclose(&actions, out[0]);
        char *args[] = {(char *)(size_t)wick, "record", path, "--bars", NULL};
        pid_t pid;
        assert_int_equal(posix_spawn(&pid, wick, &actions, NULL, args, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        close(out[1]);
        FILE *lines = fdopen(out[0], "r");
        char line[512], all[64][256];
        int n = 0;
        while (n < 5 + 2 * round && fgets(line, sizeof line, lines))
            snprintf(all[n++], sizeof all[0], "%.255s", line);
        usleep((useconds_t)(100 * round));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (n < 64 && fgets(line, sizeof line, lines))
            if (strchr(line, '\n'))
                snprintf(all[n++], sizeof all[0], "%.255s", line);
        fclose(lines);
        assert_true(n >= 5);
        wk_fresh *fresh;
        wk_err err;
        assert_int_equal(wk_fresh_open(s->store, &fresh, &err), WK_OK);
        for (int i = 0; i < n; i++) {
            char symbol[32], timeframe[16], time[32], close_price[32];
            int64_t timeframe_ns, time_ns;
            assert_int_equal(sscanf(all[i],
                                    "kraken,%31[^,],%15[^,],%31[^,],%*[^,],%*[^,],%*[^,],%31[^,]",
                                    symbol, timeframe, time, close_price),
                             4);
            assert_int_equal(wk_timeframe_parse(timeframe, &timeframe_ns, &err), WK_OK);
            assert_int_equal(wk_time_parse(time, &time_ns, &err), WK_OK);
            wk_series series = {0};
            if (wk_fresh_bars(fresh, "kraken", symbol, timeframe_ns, time_ns, time_ns + 1, &series,
                              &err) != WK_OK)
                fail_msg("%s is lost: %s", all[i], err.msg);
            assert_int_equal(series.n, 1);
            n_stored++;
            wk_series_finish(&series);
        }
        wk_fresh_close(fresh);
    }
    assert_true(n_stored >= 20);
    finish(s, true); /* a killed client says no goodbye */
}

static int setup(void **state)
{
    (void)state;
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(dir, sizeof dir, "/tmp/wick-session-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(int argc, char **argv)
{
    wick = argc > 1 ? argv[1] : NULL;
    if (argc > 2)
        cmocka_set_test_filter(argv[2]); /* each waits for a clock: side by side they take less */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars_of_a_session_are_the_venues_and_its_replay_gives_the_same),
        cmocka_unit_test(
            test_the_book_is_the_venues_after_every_message_through_faults_and_recovers),
        cmocka_unit_test(
            test_silence_and_broken_connections_are_left_and_what_was_missed_is_repaired),
        cmocka_unit_test(test_what_an_earlier_session_left_wrong_is_corrected),
        cmocka_unit_test(test_a_lookup_that_hangs_changes_nothing_for_the_reader_of_the_ring),
        cmocka_unit_test(test_kill_9_loses_no_bar_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
