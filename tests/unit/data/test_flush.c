/* Fresh rows and yearly files together: equal files whatever the order, the batches and the flushes
 * between them, readers that see both, and kill -9 at any instant.
 *
 * WICK_KILLS=N kills N children instead of 25: the long proof. */
#include "temp.h"

#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "wick/rng.h"
#include "wick/store.h"

/* Across the turn of a year, so that a flush writes two files. */
#define T0 (wk_civil_to_ns(2023, 12, 30))

static wk_fresh *open_fresh(const char *root)
{
    wk_fresh *f = NULL;
    wk_err err = {0};
    if (wk_fresh_open(root, &f, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return f;
}

static void flush(wk_fresh *f, size_t keep)
{
    wk_err err = {0};
    if (wk_fresh_flush(f, keep, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static wk_fresh_bar bar(int i, double close, uint8_t provenance, int64_t arrival_ns)
{
    return (wk_fresh_bar){{T0 + i * HOUR, 100, 1e6, 50, close, close / 8}, provenance, arrival_ns};
}

static void put(wk_fresh *f, const wk_fresh_bar *bars, size_t n)
{
    wk_err err = {0};
    if (wk_fresh_put_bars(f, "v", "BTC", HOUR, bars, n, NULL, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static wk_series read_all(const char *root)
{
    wk_series s;
    wk_err err = {0};
    if (wk_store_read(root, "v", "BTC", HOUR, 0, 0, &s, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void test_readers_see_fresh_and_yearly_bars_as_one(void **state)
{
    const char *root = temp_path(state, "store");
    wk_fresh *f = open_fresh(root);
    wk_err err = {0};
    wk_fresh_bar old[100], corrected = bar(3, 777, WK_PROV_TRADED, 500),
                           weak = bar(4, 888, WK_PROV_REPAIRED, 500),
                           late = bar(120, 999, WK_PROV_REPAIRED, 500);
    for (int i = 0; i < 100; i++)
        old[i] = bar(i, 200 + i, WK_PROV_TRADED, 100 + i);
    put(f, old, 100);
    flush(f, 0);
    assert_true(wk_file_exists(temp_path(state, "store/v/BTC/1h/2023.h5")));
    assert_true(wk_file_exists(temp_path(state, "store/v/BTC/1h/2024.h5")));
    wk_series s;
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_E_NOT_FOUND);
    put(f, &corrected, 1);
    put(f, &weak, 1);
    put(f, &late, 1);
    for (int turn = 0; turn < 2; turn++) { /* before and after the flush */
        s = read_all(root);
        assert_int_equal(s.n, 101);
        assert_true(s.bars[3].close == 777 && s.bars[4].close == 204);
        assert_true(s.bars[100].close == 999 && s.provenance[100] == WK_PROV_REPAIRED);
        assert_string_equal(s.symbol, "BTC");
        wk_series_finish(&s);
        assert_int_equal(
            wk_store_read(root, "v", "BTC", HOUR, T0 + 3 * HOUR, T0 + 5 * HOUR, &s, &err), WK_OK);
        assert_true(s.n == 2 && s.bars[0].close == 777);
        wk_series_finish(&s);
        wk_revision *r;
        size_t n;
        assert_int_equal(wk_store_revisions(root, "v", "BTC", HOUR, 0, 0, &r, &n, &err), WK_OK);
        assert_int_equal(n, 1);
        assert_true(r[0].bar.close == 203 && r[0].arrival_ns == 103 && r[0].replaced_ns == 500);
        assert_true(r[0].bar.time_ns == T0 + 3 * HOUR && r[0].provenance == WK_PROV_TRADED);
        free(r);
        wk_store_gap *gaps;
        assert_int_equal(wk_store_gaps(root, "v", "BTC", HOUR, &gaps, &n, &err), WK_OK);
        assert_true(n == 1 && gaps[0].first_ns == T0 + 100 * HOUR && gaps[0].n_bars == 20);
        free(gaps);
        wk_store_entry *list;
        assert_int_equal(wk_store_list(root, &list, &n, &err), WK_OK);
        assert_int_equal(n, 1);
        assert_true(list[0].n == 101 && list[0].gaps == 1 && list[0].bars_missing == 20);
        assert_int_equal(list[0].n_fresh, turn == 0 ? 2 : 0); /* the weak one changes nothing */
        assert_int_equal(list[0].n_revisions, 1);
        assert_true(list[0].last_ns == T0 + 120 * HOUR);
        free(list);
        size_t problems;
        assert_int_equal(wk_store_check(root, NULL, NULL, &problems, &err), WK_OK);
        assert_int_equal(problems, 0);
        flush(f, 0);
    }
    wk_fresh_close(f);
}

static void test_the_newest_bars_stay_for_the_small_box(void **state)
{
    const char *root = temp_path(state, "store");
    wk_fresh *f = open_fresh(root);
    wk_err err = {0};
    for (int i = 0; i < 60; i++) {
        wk_fresh_bar b = bar(i, 200 + i, WK_PROV_TRADED, 100 + i);
        put(f, &b, 1);
        if (i % 20 == 19)
            flush(f, 7);
    }
    wk_series s;
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", HOUR, 0, 0, &s, &err), WK_OK);
    assert_int_equal(s.n, 7);
    assert_true(s.bars[0].time_ns == T0 + 53 * HOUR);
    wk_series_finish(&s);
    s = read_all(root);
    assert_int_equal(s.n, 60);
    /* A later import is the newest word, though an older copy is still here. */
    s.bars[59].close = 4321;
    assert_int_equal(wk_store_merge(root, &s, NULL, NULL, &err), WK_OK);
    wk_series_finish(&s);
    s = read_all(root);
    assert_true(s.bars[59].close == 4321);
    wk_series_finish(&s);
    wk_fresh_bar corrected = bar(58, 1234, WK_PROV_TRADED, 9000);
    put(f, &corrected, 1);
    s = read_all(root);
    assert_true(s.bars[58].close == 1234);
    wk_series_finish(&s);
    wk_fresh_close(f);
}

/* One market's life: bars, several versions of some, and values, in an order of one's own. */
enum { N_EVENTS = 300 };

static void put_event(wk_fresh *f, uint64_t e)
{
    wk_err err = {0};
    if (e % 5 == 4) {
        wk_fresh_value v = {T0 + (int64_t)wk_rng_below(7, 0, e, 40) * 8 * HOUR,
                            T0 + (int64_t)e * HOUR, (double)wk_rng_below(7, 1, e, 1000000) / 1e8};
        if (wk_fresh_put_values(f, "v", "BTC", "funding", &v, 1, NULL, NULL, &err) != WK_OK)
            fail_msg("%s", err.msg);
        return;
    }
    wk_fresh_bar b =
        bar((int)wk_rng_below(7, 2, e, 160), 100 + (double)wk_rng_below(7, 3, e, 900000),
            (uint8_t)wk_rng_below(7, 4, e, 3), T0 + (int64_t)(e / 3) * HOUR);
    put(f, &b, 1);
}

static void test_any_order_batches_and_flushes_give_the_same_bytes(void **state)
{
    static const char *const files[] = {"v/BTC/1h/2023.h5", "v/BTC/1h/2024.h5",
                                        "v/BTC/funding/2023.h5", "v/BTC/funding/2024.h5"};
    uint64_t order[N_EVENTS];
    for (uint64_t i = 0; i < N_EVENTS; i++)
        order[i] = i;
    for (uint64_t turn = 0; turn < 5; turn++) {
        char name[32], a[96], b[96];
        snprintf(name, sizeof name, "store%d", (int)turn);
        wk_fresh *f = open_fresh(temp_path(state, name));
        for (uint64_t i = 0; i < N_EVENTS; i++) {
            uint64_t k = turn == 0 ? i : i + wk_rng_below(8, turn, i, (uint32_t)(N_EVENTS - i));
            uint64_t e = order[k];
            order[k] = order[i];
            order[i] = e;
            put_event(f, e);
            if (turn > 1 && wk_rng_below(9, turn, i, 40) == 0)
                flush(f, wk_rng_below(10, turn, i, 3) * 5);
        }
        flush(f, 0);
        for (size_t k = 0; k < 4; k++) {
            snprintf(a, sizeof a, "store0/%s", files[k]);
            snprintf(b, sizeof b, "%s/%s", name, files[k]);
            assert_same_file(temp_path(state, a), temp_path(state, b));
        }
        wk_err err = {0};
        wk_revision *r;
        size_t n;
        assert_int_equal(
            wk_store_revisions(temp_path(state, name), "v", "BTC", HOUR, 0, 0, &r, &n, &err),
            WK_OK);
        assert_true(n > 40);
        for (size_t i = 0; i < n; i++) { /* each version ends when the next one came */
            assert_true(r[i].replaced_ns >= r[i].arrival_ns);
            if (i + 1 < n && r[i + 1].bar.time_ns == r[i].bar.time_ns)
                assert_true(r[i].replaced_ns == r[i + 1].arrival_ns);
        }
        free(r);
        wk_fresh_close(f);
    }
}

static void test_a_store_that_cannot_be_written_is_read(void **state)
{
    const char *root = temp_path(state, "store");
    wk_fresh *f = open_fresh(root);
    const wk_fresh_bar two[2] = {bar(1, 300, WK_PROV_TRADED, 10), bar(2, 301, WK_PROV_TRADED, 20)};
    put(f, two, 1);
    flush(f, 0);
    put(f, two + 1, 1);
    wk_fresh_close(f);
    assert_int_equal(chmod(((temp_dir *)*state)->path, 0755), 0);
    assert_int_equal(chmod(root, 0555), 0);
    assert_int_equal(chmod(temp_path(state, "store/fresh.sqlite"), 0444), 0);
    uid_t me = geteuid();
    if (me == 0) /* root may write anywhere */
        assert_int_equal(seteuid(65534), 0);
    wk_series s;
    wk_err err = {0};
    wk_status status = wk_store_read(root, "v", "BTC", HOUR, 0, 0, &s, &err);
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    if (status != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(s.n, 2);
    wk_series_finish(&s);
}

static void test_an_ordinary_file_is_what_an_import_writes(void **state)
{
    wk_fresh_bar bars[300];
    wk_series s;
    wk_err err = {0};
    assert_int_equal(wk_series_create("v", "BTC", HOUR, 300, &s, &err), WK_OK);
    for (int i = 0; i < 300; i++) {
        bars[i] = bar(i, 200 + i, WK_PROV_TRADED, 1000 + i * i);
        s.bars[i] = bars[i].bar;
    }
    wk_fresh *f = open_fresh(temp_path(state, "fresh"));
    put(f, bars, 300);
    put(f, bars, 300);
    flush(f, 10);
    wk_fresh_close(f);
    assert_int_equal(wk_store_merge(temp_path(state, "import"), &s, NULL, NULL, &err), WK_OK);
    assert_same_file(temp_path(state, "fresh/v/BTC/1h/2023.h5"),
                     temp_path(state, "import/v/BTC/1h/2023.h5"));
    assert_same_file(temp_path(state, "fresh/v/BTC/1h/2024.h5"),
                     temp_path(state, "import/v/BTC/1h/2024.h5"));
    wk_series_finish(&s);
}

static void test_h5py_sees_revisions_as_plain_columns(void **state)
{
    wk_fresh *f = open_fresh(temp_path(state, "store"));
    const wk_fresh_bar two[3] = {bar(1, 300, WK_PROV_TRADED, 10), bar(1, 301, WK_PROV_TRADED, 20),
                                 bar(5, 302, WK_PROV_TRADED, 30)};
    put(f, two, 3);
    flush(f, 0);
    wk_fresh_close(f);
    hid_t file = H5Fopen(temp_path(state, "store/v/BTC/1h/2023.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    static const struct {
        const char *name;
        int64_t want;
    } numbers[] = {{"revisions/arrival", 10}, {"revisions/replaced", 20}};
    for (size_t i = 0; i < 2; i++) {
        int64_t x = 0;
        hid_t set = H5Dopen2(file, numbers[i].name, H5P_DEFAULT);
        assert_true(H5Dread(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &x) >= 0);
        assert_true(x == numbers[i].want);
        H5Dclose(set);
    }
    double close[2];
    hid_t set = H5Dopen2(file, "close", H5P_DEFAULT);
    assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, close) >= 0);
    assert_true(close[0] == 301 && close[1] == 302);
    H5Dclose(set);
    int64_t gap[2];
    set = H5Dopen2(file, "gaps", H5P_DEFAULT);
    assert_true(H5Dread(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, gap) >= 0);
    assert_true(gap[0] == T0 + 2 * HOUR && gap[1] == 3);
    H5Dclose(set);
    H5Fclose(file);
}

static void test_values_of_both_halves_are_one_series(void **state)
{
    const char *root = temp_path(state, "store");
    wk_fresh *f = open_fresh(root);
    wk_err err = {0};
    wk_fresh_value *got, v[3] = {{T0, T0 + 1, 1e-4},
                                 {T0 + 100 * HOUR, T0 + 100 * HOUR, 2e-4},
                                 {T0, T0 + 5 * HOUR, -1e-4}};
    size_t n;
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "funding", v, 2, NULL, NULL, &err), WK_OK);
    flush(f, 0);
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "funding", v, 3, NULL, NULL, &err), WK_OK);
    for (int turn = 0; turn < 2; turn++) {
        assert_int_equal(wk_store_values(root, "v", "BTC", "funding", 0, 0, &got, &n, &err), WK_OK);
        assert_int_equal(n, 3);
        assert_true(got[0].known_ns == T0 + 1 && got[1].known_ns == T0 + 5 * HOUR);
        assert_true(got[1].value == -1e-4 && got[2].time_ns == T0 + 100 * HOUR);
        free(got);
        assert_int_equal(wk_store_values(root, "v", "BTC", "funding", T0 + 1, 0, &got, &n, &err),
                         WK_OK);
        assert_int_equal(n, 1);
        free(got);
        flush(f, 0);
    }
    assert_int_equal(wk_store_values(root, "v", "BTC", "basis", 0, 0, &got, &n, &err), WK_OK);
    assert_int_equal(n, 0);
    free(got);
    v[0].time_ns = T0 + 200 * HOUR;
    assert_int_equal(wk_fresh_put_values(f, "v", "BTC", "funding", v, 1, NULL, NULL, &err), WK_OK);
    assert_int_equal(wk_fresh_put_values(f, "v", "AAA", "mark", v, 1, NULL, NULL, &err), WK_OK);
    wk_store_value_entry *list;
    assert_int_equal(wk_store_list_values(root, &list, &n, &err), WK_OK);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].symbol, "AAA");
    assert_true(list[1].n == 4 && list[1].n_fresh == 1 && list[1].first_ns == T0);
    assert_true(list[1].last_ns == T0 + 200 * HOUR);
    free(list);
    wk_fresh_close(f);
}

/* ---- kill -9 ---- */

enum { BATCH = 5, BATCHES = 4000 };

static wk_fresh_bar killed_bar(uint64_t i)
{
    /* Every seventh is a correction of an earlier bar. */
    uint64_t which = i % 7 == 6 ? i - 6 : i;
    return bar((int)which, 200 + (double)(i % 977), WK_PROV_TRADED, T0 + (int64_t)i);
}

/* Puts batches from `begin` on and notes each acknowledged one where the parent sees it; flushes
 * now and then. Runs until it is killed. */
static void work_until_killed(const char *root, volatile uint64_t *acknowledged)
{
    wk_fresh *f;
    wk_err err;
    if (wk_fresh_open(root, &f, &err) != WK_OK)
        _exit(2);
    acknowledged[1]++; /* at work */
    for (uint64_t b = *acknowledged; b < BATCHES; b++) {
        wk_fresh_bar bars[BATCH];
        char text[24];
        snprintf(text, sizeof text, "%d", (int)b + 1);
        const wk_fresh_cursor at = {"batch", text};
        for (uint64_t k = 0; k < BATCH; k++)
            bars[k] = killed_bar(b * BATCH + k);
        if (wk_fresh_put_bars(f, "v", "BTC", HOUR, bars, BATCH, &at, NULL, &err) != WK_OK)
            _exit(3);
        *acknowledged = b + 1;
        if (b % 16 == 15 && wk_fresh_flush(f, (size_t)(b % 3) * 10, &err) != WK_OK)
            _exit(4);
    }
    wk_fresh_close(f);
    _exit(0);
}

/* One store's life: `kills` children, then what they left beside what a quiet life leaves. */
static void kill_and_compare(void **state, int round, int kills, volatile uint64_t *acknowledged)
{
    char name[32], twin_name[32], keep_root[512];
    snprintf(name, sizeof name, "store%d", round);
    snprintf(twin_name, sizeof twin_name, "twin%d", round);
    snprintf(keep_root, sizeof keep_root, "%s", temp_path(state, name));
    *acknowledged = 0;
    wk_err err = {0};
    int found = 0;
    for (int i = 0; i < kills; i++) {
        uint64_t at_work = acknowledged[1];
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            work_until_killed(keep_root, acknowledged);
        /* Every fourth dies at once, perhaps while it opens the store; on a slow machine all would.
         */
        for (int ms = 0; i % 4 && acknowledged[1] <= at_work && ms < 20000; ms++)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        struct timespec nap = {
            .tv_nsec = 200000 + (long)wk_rng_below(11, (uint64_t)round, (uint64_t)i, 40000000)};
        nanosleep(&nap, NULL);
        kill(child, SIGKILL);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        if (!WIFSIGNALED(how) && WEXITSTATUS(how) != 0)
            fail_msg("kill %d: the child failed with %d", i, WEXITSTATUS(how));
        uint64_t n_batches = *acknowledged;
        if (n_batches == 0)
            continue;
        found++;
        /* Every acknowledged bar is there, as its last version has it. */
        wk_series s = read_all(keep_root);
        size_t at = 0;
        for (uint64_t k = 0; k < n_batches * BATCH; k++) {
            if (k % 7 == 6)
                continue;
            wk_fresh_bar want = killed_bar(k % 7 == 0 && k + 6 < n_batches * BATCH ? k + 6 : k);
            while (at < s.n && s.bars[at].time_ns < want.bar.time_ns)
                at++;
            int there = at < s.n && s.bars[at].time_ns == want.bar.time_ns;
            /* A batch that was stored but not acknowledged may have corrected it already. */
            int equal = there && (s.bars[at].close == want.bar.close ||
                                  s.bars[at].close == killed_bar(k + 6).bar.close);
            if (!equal)
                fail_msg("kill %d: bar %d of %d is %s", i, (int)k, (int)(n_batches * BATCH),
                         there ? "another" : "lost");
        }
        wk_series_finish(&s);
        if (i % 10 == 9 || i + 1 == kills) {
            size_t problems = 99;
            char *text;
            wk_fresh *f = open_fresh(keep_root);
            flush(f, 10); /* deletes what a killed one left half written */
            assert_int_equal(wk_store_check(keep_root, NULL, NULL, &problems, &err), WK_OK);
            assert_int_equal(problems, 0);
            assert_int_equal(wk_fresh_cursor_get(f, "batch", &text, &err), WK_OK);
            assert_true((uint64_t)atoi(text) >= n_batches); /* the cursor goes with its rows */
            *acknowledged = (uint64_t)atoi(text);
            free(text);
            wk_fresh_close(f);
        }
    }
    assert_true(found > 0);
    /* What all those lives left is what one quiet life leaves. */
    uint64_t n_batches = *acknowledged;
    wk_fresh *f = open_fresh(keep_root), *twin = open_fresh(temp_path(state, twin_name));
    char *text;
    assert_int_equal(wk_fresh_cursor_get(f, "batch", &text, &err), WK_OK);
    n_batches = (uint64_t)atoi(text);
    free(text);
    wk_fresh_bar *all = malloc(n_batches * BATCH * sizeof *all);
    assert_non_null(all);
    for (uint64_t k = 0; k < n_batches * BATCH; k++)
        all[k] = killed_bar(k);
    put(twin, all, n_batches * BATCH);
    free(all);
    flush(f, 0);
    flush(twin, 0);
    wk_fresh_close(f);
    wk_fresh_close(twin);
    for (int year = 2023; year <= 2026; year++) {
        char a[96], b[96];
        snprintf(a, sizeof a, "%s/v/BTC/1h/%d.h5", name, year);
        snprintf(b, sizeof b, "%s/v/BTC/1h/%d.h5", twin_name, year);
        assert_int_equal(wk_file_exists(temp_path(state, a)), wk_file_exists(temp_path(state, b)));
        if (wk_file_exists(temp_path(state, a)))
            assert_same_file(temp_path(state, a), temp_path(state, b));
    }
    printf("# %d kills, %d bars\n", kills, (int)(n_batches * BATCH));
}

static void test_kill_at_any_instant_loses_no_acknowledged_bar(void **state)
{
    const char *many = getenv("WICK_KILLS");
    int kills = many ? atoi(many) : 25;
    volatile uint64_t *acknowledged = mmap(NULL, 2 * sizeof *acknowledged, PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(acknowledged != MAP_FAILED);
    for (int round = 0; kills > 0; round++, kills -= 50)
        kill_and_compare(state, round, kills < 50 ? kills : 50, acknowledged);
    munmap((void *)acknowledged, 2 * sizeof *acknowledged);
}

/* ---- writer, flusher and reader at once ---- */

static void flush_until_killed(const char *root)
{
    wk_err err;
    for (size_t i = 0;; i++) {
        wk_fresh *f;
        if (wk_fresh_open(root, &f, &err) != WK_OK || wk_fresh_flush(f, i % 3 * 7, &err) != WK_OK)
            _exit(5);
        wk_fresh_close(f);
    }
}

static void test_a_reader_never_misses_a_bar_while_others_write_and_flush(void **state)
{
    const char *root = temp_path(state, "store");
    char keep_root[512];
    snprintf(keep_root, sizeof keep_root, "%s", root);
    volatile uint64_t *acknowledged = mmap(NULL, 2 * sizeof *acknowledged, PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(acknowledged != MAP_FAILED);
    wk_fresh_close(open_fresh(keep_root));
    pid_t children[2];
    for (int c = 0; c < 2; c++) {
        children[c] = fork();
        assert_true(children[c] >= 0);
        if (children[c] == 0 && c == 0)
            work_until_killed(keep_root, acknowledged);
        if (children[c] == 0)
            flush_until_killed(keep_root);
    }
    int64_t until = wk_clock_monotonic_ns() + 3 * WK_NS_PER_S / 2;
    size_t reads = 0;
    while (wk_clock_monotonic_ns() < until) {
        uint64_t n_bars = *acknowledged * BATCH; /* acknowledged before the read begins */
        if (n_bars == 0)
            continue;
        wk_series s = read_all(keep_root);
        size_t want = n_bars - n_bars / 7; /* every seventh corrects another */
        if (s.n < want)
            fail_msg("read %d: %d bars of at least %d", (int)reads, (int)s.n, (int)want);
        wk_series_finish(&s);
        reads++;
    }
    for (int c = 0; c < 2; c++) {
        int how;
        kill(children[c], SIGKILL);
        assert_int_equal(waitpid(children[c], &how, 0), children[c]);
        if (!WIFSIGNALED(how))
            fail_msg("child %d ended with %d", c, WEXITSTATUS(how));
    }
    assert_true(reads > 3);
    munmap((void *)acknowledged, 2 * sizeof *acknowledged);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_setup, temp_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_readers_see_fresh_and_yearly_bars_as_one),
        TEST(test_the_newest_bars_stay_for_the_small_box),
        TEST(test_any_order_batches_and_flushes_give_the_same_bytes),
        TEST(test_a_store_that_cannot_be_written_is_read),
        TEST(test_an_ordinary_file_is_what_an_import_writes),
        TEST(test_h5py_sees_revisions_as_plain_columns),
        TEST(test_values_of_both_halves_are_one_series),
        TEST(test_kill_at_any_instant_loses_no_acknowledged_bar),
        TEST(test_a_reader_never_misses_a_bar_while_others_write_and_flush),
    };
    return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}
