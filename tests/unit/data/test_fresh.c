/* The fresh end of the store without HDF5: histories of bars whatever the order of arrival,
 * transactions with their cursors, many processes, and refusals that leave everything as it was. */
#include "temp.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "wick/fresh.h"
#include "wick/rng.h"

#define T0 (INT64_C(1700000000) / 3600 * 3600 * WK_NS_PER_S)

static wk_fresh *open_fresh(void **state)
{
    wk_fresh *f = NULL;
    wk_err err = {0};
    if (wk_fresh_open(temp_path(state, "store"), &f, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return f;
}

static wk_fresh_bar bar(int i, double close, uint8_t provenance, int64_t arrival_ns)
{
    return (wk_fresh_bar){{T0 + i * HOUR, 100, 200, 50, close, close / 8}, provenance, arrival_ns};
}

static wk_fresh_outcome put(wk_fresh *f, const wk_fresh_bar *bars, size_t n)
{
    wk_fresh_outcome o = {0};
    wk_err err = {0};
    if (wk_fresh_put_bars(f, "v", "BTC", HOUR, bars, n, NULL, &o, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return o;
}

/* All rows as text, by SQLite itself: what a person with another tool sees. */
static char *dump(void **state)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    char *text = calloc(1, 1 << 20);
    size_t n = 0;
    assert_int_equal(sqlite3_open(temp_path(state, "store/fresh.sqlite"), &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT venue || symbol || timeframe_s || ' ' || time_ns || "
                           "' ' || arrival_ns || ' ' || close || ' ' || provenance "
                           "FROM versions ORDER BY venue, symbol, time_ns, arrival_ns",
                           -1, &s, NULL),
        SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        n += (size_t)snprintf(text + n, (1 << 20) - n, "%s\n", sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return text;
}

static void test_a_bar_keeps_as_seen_and_final(void **state)
{
    wk_fresh *f = open_fresh(state);
    wk_series s;
    wk_err err = {0};
    const wk_fresh_bar first = bar(0, 101, WK_PROV_TRADED, 10),
                       again = bar(0, 101, WK_PROV_TRADED, 20),
                       corrected = bar(0, 102, WK_PROV_TRADED, 30),
                       back = bar(0, 101, WK_PROV_TRADED, 40),
                       weak = bar(0, 150, WK_PROV_REPAIRED, 50),
                       empty = bar(0, 151, WK_PROV_CONFIRMED_EMPTY, 60);
    assert_int_equal(put(f, &first, 1).n_added, 1);
    assert_int_equal(put(f, &again, 1).n_equal, 1);
    assert_int_equal(put(f, &corrected, 1).n_revised, 1);
    assert_int_equal(put(f, &corrected, 1).n_equal, 1);
    assert_int_equal(put(f, &back, 1).n_revised, 1); /* the venue took its correction back */
    assert_int_equal(put(f, &weak, 1).n_weaker, 1);
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, 1);
    assert_true(s.bars[0].close == 101);
    wk_series_finish(&s);
    assert_int_equal(put(f, &empty, 1).n_revised, 1); /* as strong as traded */
    const wk_fresh_bar imputed = bar(1, 7e1, WK_PROV_IMPUTED, 10),
                       repaired = bar(1, 80, WK_PROV_REPAIRED, 20),
                       traded = bar(1, 90, WK_PROV_TRADED, 30);
    assert_int_equal(put(f, &imputed, 1).n_added, 1);
    assert_int_equal(put(f, &repaired, 1).n_revised, 1);
    assert_int_equal(put(f, &traded, 1).n_revised, 1);
    char *text = dump(state), want[1024];
    snprintf(want, sizeof want,
             "vBTC3600 %lld 10 101.0 0\nvBTC3600 %lld 30 102.0 0\nvBTC3600 %lld 40 101.0 0\n"
             "vBTC3600 %lld 60 151.0 1\nvBTC3600 %lld 10 70.0 3\nvBTC3600 %lld 20 80.0 2\n"
             "vBTC3600 %lld 30 90.0 0\n",
             (long long)T0, (long long)T0, (long long)T0, (long long)T0, (long long)(T0 + HOUR),
             (long long)(T0 + HOUR), (long long)(T0 + HOUR));
    assert_string_equal(text, want);
    free(text);
    assert_int_equal(wk_fresh_bars(f, "v", "ETH", HOUR, 0, 0, &s, &err), WK_E_NOT_FOUND);
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, T0 + HOUR, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, 1);
    assert_true(s.provenance[0] == WK_PROV_TRADED && s.bars[0].close == 90);
    wk_series_finish(&s);
    wk_fresh_close(f);
}

static void test_any_order_and_batches_give_the_same_histories(void **state)
{
    enum { N = 400 };
    wk_fresh_bar all[N];
    char *first = NULL;
    for (uint64_t i = 0; i < N; i++) /* several versions a bar, some arriving at once */
        all[i] = bar((int)wk_rng_below(1, 0, i, 120), 60 + (double)i / 4,
                     (uint8_t)wk_rng_below(1, 1, i, 4), (int64_t)(1000 + i / 2));
    for (uint64_t turn = 0; turn < 6; turn++) {
        for (uint64_t i = N - 1; i > 0; i--) {
            size_t k = turn == 0 ? i : wk_rng_below(2, turn, i, (uint32_t)i + 1);
            wk_fresh_bar moved = all[i];
            all[i] = all[k];
            all[k] = moved;
        }
        wk_fresh *f = open_fresh(state);
        for (size_t i = 0, n; i < N; i += n) {
            n = 1 + wk_rng_below(3, turn, i, 60);
            n = i + n > N ? N - i : n;
            (void)put(f, all + i, n);
        }
        wk_fresh_close(f);
        char *text = dump(state);
        if (first)
            assert_string_equal(text, first);
        else
            first = strdup(text);
        free(text);
        assert_int_equal(unlink(temp_path(state, "store/fresh.sqlite")), 0);
    }
    free(first);
}

static void test_a_cursor_and_its_rows_are_one_transaction(void **state)
{
    wk_fresh *f = open_fresh(state);
    wk_err err = {0};
    char *text;
    wk_fresh_bar two[2] = {bar(0, 101, 0, 1), bar(1, 102, 0, 1)};
    wk_fresh_outcome o = {.n_added = 77};
    const wk_fresh_cursor at = {"fetch/v/BTC", "page 1"}, next = {"fetch/v/BTC", "page 2"},
                          gone = {"fetch/v/BTC", NULL};
    assert_int_equal(wk_fresh_cursor_get(f, "fetch/v/BTC", &text, &err), WK_OK);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", HOUR, two, 1, &at, NULL, &err), WK_OK);
    two[1].bar.high = 1; /* below low: nothing of this batch may stay */
    two[0] = bar(5, 105, 0, 1);
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", HOUR, two, 2, &next, &o, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "bar 1");
    assert_int_equal(o.n_added, 77);
    two[1] = bar(1, 102, 0, 1);
    two[1].bar.time_ns += 60 * WK_NS_PER_S;
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", HOUR, two, 2, &next, &o, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "grid");
    two[1] = bar(1, 102, WK_PROV_UNKNOWN, 1);
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", HOUR, two, 2, &next, &o, &err), WK_E_DATA);
    assert_int_equal(wk_fresh_put_bars(f, "v", "../x", HOUR, two, 1, &next, &o, &err), WK_E_ARG);
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", 5, two, 1, &next, &o, &err), WK_E_ARG);
    wk_series s;
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, 1);
    wk_series_finish(&s);
    assert_int_equal(wk_fresh_cursor_get(f, "fetch/v/BTC", &text, &err), WK_OK);
    assert_string_equal(text, "page 1");
    free(text);
    /* A page without rows may still move the cursor on. */
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", HOUR, NULL, 0, &gone, &o, &err), WK_OK);
    assert_int_equal(o.n_added, 0);
    assert_int_equal(wk_fresh_cursor_get(f, "fetch/v/BTC", &text, &err), WK_OK);
    assert_string_equal(text, "");
    free(text);
    wk_fresh_close(f);
}

static void test_values_come_back_with_the_time_they_were_known(void **state)
{
    wk_fresh *f = open_fresh(state);
    wk_err err = {0};
    wk_fresh_outcome o;
    wk_fresh_value *got, v[5] = {{T0 + HOUR, T0 + 9, 2e-4},
                                 {T0, T0 + 5, 1e-4},
                                 {T0, T0 + 9, 1e-4},  /* said again */
                                 {T0, T0 + 7, -3e-4}, /* corrected in between */
                                 {T0 + 3, T0 + 3, -0.0}};
    size_t n;
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "funding", v, 5, NULL, &o, &err), WK_OK);
    assert_true(o.n_added == 3 && o.n_revised == 1 && o.n_equal == 1);
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "funding", v, 5, NULL, &o, &err), WK_OK);
    assert_true(o.n_added == 0);
    assert_int_equal(wk_fresh_values(f, "v", "BTC", "funding", 0, 0, &got, &n, &err), WK_OK);
    assert_int_equal(n, 5);
    assert_true(got[0].time_ns == T0 && got[0].known_ns == T0 + 5 && got[0].value == 1e-4);
    assert_true(got[1].known_ns == T0 + 7 && got[1].value == -3e-4);
    assert_true(got[2].known_ns == T0 + 9 && got[2].value == 1e-4);
    assert_true(got[4].time_ns == T0 + HOUR);
    free(got);
    assert_int_equal(wk_fresh_values(f, "v", "BTC", "funding", T0 + 1, T0 + HOUR, &got, &n, &err),
                     WK_OK);
    assert_int_equal(n, 1);
    assert_false(signbit(got[0].value));
    free(got);
    assert_int_equal(wk_fresh_values(f, "v", "BTC", "basis", 0, 0, &got, &n, &err), WK_OK);
    assert_int_equal(n, 0);
    free(got);
    v[0].value = NAN;
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "funding", v, 1, NULL, &o, &err),
                     WK_E_DATA);
    v[0].value = 1;
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "1h", v, 1, NULL, &o, &err), WK_E_ARG);
    ASSERT_CONTAINS(err.msg, "timeframe");
    wk_fresh_close(f);
}

static void test_the_newest_instrument_comes_back_whole(void **state)
{
    wk_fresh *f = open_fresh(state);
    wk_err err = {0};
    wk_instrument got, in = {.venue = "kraken",
                             .symbol = "BTCUSD",
                             .name_rest = "XXBTZUSD",
                             .name_stream = "BTC/USD",
                             .base = "BTC",
                             .quote = "USD",
                             .settle = "USD",
                             .venue_id = INT64_C(9007199254740993),
                             .price_decimals = 1,
                             .qty_decimals = 8,
                             .tick = {1, 1},
                             .lot = {1, 8},
                             .qty_min = {100, 6},
                             .cost_min = {0, -1},
                             .contract_value = {1, 0},
                             .is_tradable = 1,
                             .maker_fee = 0.0025,
                             .taker_fee = 0.004,
                             .initial_margin = NAN,
                             .maintenance_margin = NAN,
                             .n_tiers = 2,
                             .tiers = {{0, 0.01, 0.005}, {1e6, 0.1, 1.0 / 3}},
                             .funding_interval_ns = 8 * HOUR,
                             .launch_ns = T0,
                             .read_ns = T0 + 5};
    assert_int_equal(wk_fresh_instrument(f, "kraken", "BTCUSD", &got, &err), WK_E_NOT_FOUND);
    assert_int_equal(wk_fresh_put_instrument(f, &in, &err), WK_OK);
    in.read_ns += HOUR;
    assert_int_equal(wk_fresh_put_instrument(f, &in, &err), WK_OK);
    wk_instrument older = in;
    older.read_ns -= 2 * HOUR;
    older.taker_fee = 0.5;
    assert_int_equal(wk_fresh_put_instrument(f, &older, &err), WK_OK);
    assert_int_equal(wk_fresh_instrument(f, "kraken", "BTCUSD", &got, &err), WK_OK);
    assert_true(got.read_ns == in.read_ns && got.venue_id == in.venue_id);
    assert_true(isnan(got.initial_margin) && got.taker_fee == 0.004 && got.maker_fee == 0.0025);
    assert_true(got.cost_min.scale == -1 && got.lot.digits == 1 && got.lot.scale == 8);
    assert_true(got.qty_min.digits == 100 && got.qty_min.scale == 6);
    assert_true(got.n_tiers == 2 && got.tiers[1].maintenance_margin == 1.0 / 3);
    assert_true(got.is_tradable && !got.is_contract && !got.is_inverse);
    assert_true(got.funding_interval_ns == 8 * HOUR && got.launch_ns == T0);
    assert_string_equal(got.name_rest, "XXBTZUSD");
    assert_string_equal(got.name_stream, "BTC/USD");
    wk_fresh_close(f);
}

static void test_other_databases_are_refused_with_the_reason(void **state)
{
    wk_fresh *f = open_fresh(state), *none = NULL;
    const char *path = temp_path(state, "store/fresh.sqlite");
    wk_err err = {0};
    wk_fresh_close(f);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=9", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(wk_fresh_open(temp_path(state, "store"), &none, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "newer wick");
    ASSERT_CONTAINS(err.msg, "schema 9");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(wk_fresh_open(temp_path(state, "store"), &none, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "another program");
    assert_int_equal(unlink(path), 0);
    char junk[5000];
    memset(junk, 'x', sizeof junk);
    assert_int_equal(wk_file_write_atomic(path, junk, sizeof junk, &err), WK_OK);
    assert_int_equal(wk_fresh_open(temp_path(state, "store"), &none, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "wick store check --repair");
    assert_null(none);
}

static void test_a_full_or_read_only_disk_is_one_clear_error(void **state)
{
    wk_fresh *f = open_fresh(state);
    wk_err err = {0};
    wk_fresh_bar many[3000];
    for (int i = 0; i < 3000; i++)
        many[i] = bar(i, 101 + i % 7, 0, i);
    (void)put(f, many, 10);
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){150000, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    wk_status status = wk_fresh_put_bars(f, "v", "BTC", HOUR, many, 3000, NULL, NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, WK_E_IO);
    ASSERT_CONTAINS(err.msg, "fresh.sqlite");
    wk_series s;
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, 10); /* nothing of the failed batch, and all from before */
    wk_series_finish(&s);
    assert_int_equal(put(f, many, 3000).n_added, 2990); /* it goes on once there is room */
    wk_fresh_close(f);
    /* Root may write anywhere: look on as somebody else. */
    assert_int_equal(chmod(((temp_dir *)*state)->path, 0755), 0);
    assert_int_equal(chmod(temp_path(state, "store"), 0555), 0);
    assert_int_equal(chmod(temp_path(state, "store/fresh.sqlite"), 0444), 0);
    uid_t me = geteuid();
    if (me == 0)
        assert_int_equal(seteuid(65534), 0);
    wk_fresh *none = NULL;
    status = wk_fresh_open(temp_path(state, "store"), &none, &err);
    if (status == WK_OK) { /* SQLite opens it for reading; the first write is refused */
        status = wk_fresh_put_bars(none, "v", "BTC", HOUR, many, 1, NULL, NULL, &err);
        wk_fresh_close(none);
    }
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, WK_E_IO);
    ASSERT_CONTAINS(err.msg, "check the rights");
}

enum { WRITERS = 4, EACH = 60 };

static void write_some(const char *root, int writer)
{
    wk_fresh *f;
    wk_err err = {0};
    if (wk_fresh_open(root, &f, &err) != WK_OK)
        _exit(2);
    for (int i = 0; i < EACH; i++) {
        wk_fresh_bar b = bar(i * WRITERS + writer, 101, 0, 1);
        if (wk_fresh_put_bars(f, "v", "BTC", HOUR, &b, 1, NULL, NULL, &err) != WK_OK)
            _exit(3);
    }
    wk_fresh_close(f);
    _exit(0);
}

static void test_many_processes_write_at_once(void **state)
{
    const char *root = temp_path(state, "store");
    for (int w = 0; w < WRITERS; w++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            write_some(root, w); /* the first ones make the database together */
    }
    for (int w = 0; w < WRITERS; w++) {
        int how;
        assert_true(wait(&how) > 0);
        assert_int_equal(how, 0);
    }
    wk_fresh *f = open_fresh(state);
    wk_series s;
    wk_err err = {0};
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, WRITERS * EACH);
    wk_series_finish(&s);
    size_t dropped;
    assert_int_equal(wk_fresh_prune(f, "v", "BTC", HOUR, T0 + 100 * HOUR, &dropped, &err), WK_OK);
    assert_int_equal(dropped, 100);
    wk_fresh_close(f);
}

static void *write_from_thread(void *fresh)
{
    static _Atomic int next;
    wk_err err;
    for (int i = 0; i < EACH; i++) {
        wk_fresh_bar b = bar(next++, 101, 0, 1);
        if (wk_fresh_put_bars(fresh, "v", "BTC", HOUR, &b, 1, NULL, NULL, &err) != WK_OK)
            return fresh;
    }
    return NULL;
}

static void test_many_threads_share_one_handle(void **state)
{
    wk_fresh *f = open_fresh(state);
    pthread_t threads[WRITERS];
    wk_series s;
    wk_err err = {0};
    for (int w = 0; w < WRITERS; w++)
        assert_int_equal(pthread_create(&threads[w], NULL, write_from_thread, f), 0);
    for (int w = 0; w < WRITERS; w++) {
        void *failed;
        assert_int_equal(pthread_join(threads[w], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, WRITERS * EACH);
    wk_series_finish(&s);
    wk_fresh_close(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_setup, temp_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_bar_keeps_as_seen_and_final),
        TEST(test_any_order_and_batches_give_the_same_histories),
        TEST(test_a_cursor_and_its_rows_are_one_transaction),
        TEST(test_values_come_back_with_the_time_they_were_known),
        TEST(test_the_newest_instrument_comes_back_whole),
        TEST(test_other_databases_are_refused_with_the_reason),
        TEST(test_a_full_or_read_only_disk_is_one_clear_error),
        TEST(test_many_processes_write_at_once),
        TEST(test_many_threads_share_one_handle),
    };
    return cmocka_run_group_tests_name("fresh", tests, NULL, NULL);
}
