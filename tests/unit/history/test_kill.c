/* A fetch that is killed (kill -9) at random points and started again ends with the very files of
 * one that was left alone. WICK_KILLS=200 for the long proof; a dozen otherwise. */
#include "../data/temp.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "venue.h"
#include "wick/history.h"
#include "wick/rng.h"
#include "wick/store.h"

#define MINUTE (60 * WK_NS_PER_S)

/* The program that is killed: this one again. argv: venue host ca store symbol since until */
static int child(char **argv)
{
    wk_arena arena;
    wk_history_config config;
    wk_history_report report;
    wk_fresh *fresh;
    wk_err err;
    wk_arena_init(&arena);
    wk_config_defaults(&wk_history_config_table, &arena, &config);
    config.venues.kraken = (wk_history_venue){argv[1], 60, 1, "", "", ""};
    config.venues.delta_india = (wk_history_venue){argv[1], 180, 3, "", "", ""};
    config.ca_file = argv[2];
    config.backoff_s = 0.005;
    config.close_grace_s = 0;
    wk_history_request request = {.venue = argv[0],
                                  .symbol = argv[4],
                                  .timeframe_ns = MINUTE,
                                  .since_ns = atoll(argv[5]),
                                  .until_ns = atoll(argv[6])};
    if (wk_fresh_open(argv[3], &fresh, &err) != WK_OK ||
        wk_history_fetch(&config, &request, fresh, &report, &err) != WK_OK ||
        wk_fresh_flush(fresh, 0, &err) != WK_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    wk_fresh_close(fresh);
    wk_arena_finish(&arena);
    return 0;
}

typedef struct {
    const char *venue, *host, *ca, *symbol;
    char since[24], until[24];
} job;

static pid_t start(const job *j, const char *store)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", "test_kill", "--child", j->venue, j->host, j->ca, store, j->symbol,
              j->since, j->until, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Runs to the end, or kills after wait_ns; did it end by itself? */
static bool run(const job *j, const char *store, int64_t wait_ns)
{
    int status = 0;
    pid_t pid = start(j, store);
    assert_true(pid > 0);
    if (wait_ns > 0) {
        struct timespec wait = {wait_ns / WK_NS_PER_S, wait_ns % WK_NS_PER_S};
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return false;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return true;
}

/* The yearly files of a series are byte for byte the same; returns how many there are. */
static int assert_same_files(const char *a, const char *b, const job *j)
{
    int n = 0;
    for (int year = 2020; year < 2040; year++) {
        char path[2][512], *bytes[2];
        size_t size[2];
        wk_err err;
        snprintf(path[0], 512, "%s/%s/%s/1m/%d.h5", a, j->venue, j->symbol, year);
        snprintf(path[1], 512, "%s/%s/%s/1m/%d.h5", b, j->venue, j->symbol, year);
        if (!wk_file_exists(path[0]) && !wk_file_exists(path[1]))
            continue;
        for (int i = 0; i < 2; i++)
            assert_int_equal(wk_file_read(path[i], &bytes[i], &size[i], &err), WK_OK);
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(bytes[0], bytes[1], size[0]);
        free(bytes[0]);
        free(bytes[1]);
        n++;
    }
    return n;
}

static void remove_tree(const char *path)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

static void killed_anywhere_ends_the_same(void **state, const char *server, const char *name,
                                          int64_t minutes)
{
    char error[256];
    venue *v = venue_start(&(venue_options){.venue = server,
                                            .dir = ((temp_dir *)*state)->path,
                                            .seed = 11,
                                            .rate_scale = -1,
                                            .fault_permille = 50},
                           error, sizeof error);
    assert_non_null(v);
    int64_t until_ns = wk_bucket_start(venue_now_ns(v), MINUTE);
    job j = {.venue = name, .host = venue_url(v), .ca = venue_ca_file(v), .symbol = "BTCUSD"};
    snprintf(j.since, sizeof j.since, "%lld", (long long)(until_ns - minutes * MINUTE));
    snprintf(j.until, sizeof j.until, "%lld", (long long)until_ns);
    const char *kills_text = getenv("WICK_KILLS");
    int n_kills = kills_text ? atoi(kills_text) : 12, n_ends = 0;
    const char *alone = temp_path(state, "alone"), *killed = temp_path(state, "killed");
    int64_t begin_ns = wk_clock_monotonic_ns();
    assert_true(run(&j, alone, 0));
    int64_t whole_ns = wk_clock_monotonic_ns() - begin_ns;
    for (int i = 0; i < n_kills;) {
        int64_t wait_ns =
            1 + (int64_t)(wk_rng_uniform(5, 0, (uint64_t)(i + 1000 * n_ends)) * (double)whole_ns);
        if (!run(&j, killed, wait_ns)) {
            i++;
        } else { /* it was faster: look, and begin anew */
            assert_true(assert_same_files(alone, killed, &j) >= 1);
            remove_tree(killed);
            n_ends++;
        }
    }
    assert_true(run(&j, killed, 0));
    assert_true(assert_same_files(alone, killed, &j) >= 1);
    print_message("%d kills, %d ends between\n", n_kills, n_ends);
    size_t n;
    char *violations = venue_violations(v, &n);
    if (n > 0)
        fail_msg("the venue complains: %s", violations);
    free(violations);
    venue_stop(v);
}

static void kraken_trades_killed_anywhere(void **state)
{
    killed_anywhere_ends_the_same(state, "kraken", "kraken", 4200);
}

static void delta_windows_killed_anywhere(void **state)
{
    killed_anywhere_ends_the_same(state, "delta", "delta-india", 4300);
}

int main(int argc, char **argv)
{
    if (argc == 9 && strcmp(argv[1], "--child") == 0)
        return child(argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kraken_trades_killed_anywhere, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(delta_windows_killed_anywhere, temp_setup, temp_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
