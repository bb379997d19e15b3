/* A whole session against a venue on the loopback: over TLS, with the venue's clock ahead of ours,
 * with messages lost, doubled, out of order and damaged. argv[1] is the program wick,
 * argv[2] a pattern of the tests to run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/fresh.h"

#define S WK_NS_PER_S

static const char *wick;
extern char **environ;

static void test_bars_of_a_session_are_the_venues_and_its_replay_gives_the_same(void **state)
{
    (void)state;
    session *s = session_new();
    session_venue(s, (venue_options){.seed = 5, .skew_ns = 3700000000, .book_step_ns = 20000000});
    session_configure(s, "", "");
    session_begin(s);
    session_sleep_s(7);
    session_wait(s, 16, 600, 0);
    session_end(s);
    assert_true(s->summary.bars > 9);
    assert_int_equal(s->summary.bars, s->summary.stored);
    assert_int_equal(s->summary.stored, atomic_load(&s->stored));
    assert_int_equal(s->summary.counts.checksum_failures, 0);
    assert_int_equal(s->summary.counts.broken, 0);
    /* No better than the round trips of a busy machine. */
    assert_true(llabs(s->summary.counts.clock_offset_ns - 3700000000) < 500000000);
    session_replays(s);
    size_t n_wrong, n_messages;
    assert_true(session_bars(s, "BTCUSD", 2, 1, INT64_C(9000000000), &n_wrong, false) >= 2);
    assert_int_equal(n_wrong, 0);
    assert_true(session_bars(s, "DOGEUSD", 4, 1, INT64_C(9000000000), &n_wrong, false) >= 1);
    assert_int_equal(n_wrong, 0);
    uint64_t n_failures;
    bool is_live[3];
    assert_true(session_books(s, &n_messages, &n_failures, is_live) > 300);
    assert_true(is_live[0] && is_live[1] && is_live[2]);
    session_finish(s, false);
}

static void
test_the_book_is_the_venues_after_every_message_through_faults_and_recovers(void **state)
{
    (void)state;
    session *s = session_new();
    session_venue(
        s, (venue_options){
               .seed = 7,
               .book_step_ns = 10000000,
               .script = "{\"ws\": [{\"channel\": \"book\", \"nth\": [40], \"fault\": \"drop\"},"
                         "{\"channel\": \"book\", \"nth\": [150], \"fault\": \"duplicate\"},"
                         "{\"channel\": \"book\", \"nth\": [260], \"fault\": \"reorder\"},"
                         "{\"channel\": \"book\", \"nth\": [370], \"fault\": \"corrupt\"},"
                         "{\"channel\": \"book\", \"nth\": [480], \"fault\": \"bad-checksum\"}]}"});
    session_configure(s, "", "");
    session_begin(s);
    session_sleep_s(4);
    session_wait(s, 0, 1500, 5);
    session_sleep_s(2); /* the last fault's book comes back */
    session_end(s);
    assert_int_equal(venue_faults(s->venue), 5);
    size_t n_messages;
    uint64_t n_failures;
    bool is_live[3];
    size_t n_equal = session_books(s, &n_messages, &n_failures, is_live);
    assert_true(n_messages > 600);
    assert_true(n_failures >= 2);
    assert_true(n_equal > n_messages / 2);
    assert_true(is_live[0] && is_live[1] && is_live[2]);
    session_replays(s);
    session_finish(s, false);
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
    session *s = session_new();
    session_venue(s, (venue_options){.seed = 13, .book_step_ns = 20000000});
    session_configure(
        s, "}, {\"name\": \"elsewhere\", \"url\": \"wss://hangs.example/v2\", \"candles\": false",
        "");
    wk_ring *ring;
    assert_int_equal(wk_ring_create(sizeof(wk_live_record), 1 << 14, &ring, NULL), WK_OK);
    s->options.ring = ring;
    s->options.resolve = resolve;
    session_begin(s);
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
    session_end(s);
    assert_true(wk_clock_monotonic_ns() - stopping < 20 * S);
    assert_int_equal(wk_ring_dropped(ring), 0);
    atomic_store(&is_released, true);
    while (atomic_load(&n_hanging))
        usleep(1000);
    usleep(20000);
    wk_ring_destroy(ring);
    session_finish(s, false);
}

/* Runs `wick record CONFIG --bars` and kills it with -9 after n bars; all that it printed is
 * stored. */
static void test_kill_9_loses_no_bar_that_was_acknowledged(void **state)
{
    (void)state;
    if (!wick)
        skip();
    session *s = session_new();
    session_venue(s, (venue_options){.seed = 17, .book_step_ns = 50000000});
    session_configure(s, "", "");
    char path[128];
    snprintf(path, sizeof path, "%s/config.json", session_dir);
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
    session_finish(s, true); /* a killed client says no goodbye */
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
        cmocka_unit_test(test_a_lookup_that_hangs_changes_nothing_for_the_reader_of_the_ring),
        cmocka_unit_test(test_kill_9_loses_no_bar_that_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, session_setup, session_teardown);
}
