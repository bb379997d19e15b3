/* The candle store: round trip, equal bytes whatever the order of arrival, and refusals that leave
 * it as it was. */
#include "temp.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "wick/rng.h"
#include "wick/store.h"

/* HDF5 1.10 loses an object header when it gives up on some damaged files; only the leak checker of
 * an ASan build calls this. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

enum { N = 1200 };

/* Hourly bars across the turn of 2019 to 2020 with a few holes. */
static wk_series sample(void)
{
    wk_series s;
    wk_err err;
    assert_int_equal(wk_series_create("venue", "BTC-USD", HOUR, N, &s, &err), WK_OK);
    int64_t t = wk_civil_to_ns(2019, 12, 10);
    for (uint64_t i = 0; i < N; i++) {
        double p = 7000 + (double)wk_rng_below(1, 1, i, 100000) / 100;
        s.bars[i] =
            (wk_bar){t, p, p + 3.25, p - 4.5, p + 1, (double)wk_rng_below(1, 2, i, 1000) / 8};
        s.provenance[i] = (uint8_t)wk_rng_below(1, 3, i, 3);
        t += i % 100 == 99 ? 5 * HOUR : HOUR;
    }
    return s;
}

static wk_series slice(const wk_series *s, size_t begin, size_t end)
{
    wk_series part = *s;
    part.bars += begin;
    part.provenance += begin;
    part.n = end - begin;
    return part;
}

static void merge(const char *root, const wk_series *s, size_t want_added, size_t want_changed)
{
    size_t added = 99, changed = 99;
    wk_err err = {0};
    if (wk_store_merge(root, s, &added, &changed, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(added, want_added);
    assert_int_equal(changed, want_changed);
}

static void test_bars_come_back_bit_for_bit(void **state)
{
    const char *root = temp_path(state, "store");
    wk_series s = sample(), back;
    wk_err err = {0};
    merge(root, &s, N, 0);
    if (wk_store_read(root, "venue", "BTC-USD", HOUR, 0, 0, &back, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(back.n, N);
    assert_memory_equal(back.bars, s.bars, N * sizeof *s.bars);
    assert_memory_equal(back.provenance, s.provenance, N);
    wk_series_finish(&back);
    int64_t from = s.bars[700].time_ns, to = s.bars[703].time_ns;
    assert_int_equal(wk_store_read(root, "venue", "BTC-USD", HOUR, from, to, &back, &err), WK_OK);
    assert_int_equal(back.n, 3);
    assert_true(back.bars[0].time_ns == from);
    wk_series_finish(&back);
    back.n = 77;
    assert_int_equal(wk_store_read(root, "venue", "BTC-USD", 2 * HOUR, 0, 0, &back, &err),
                     WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "wick store list");
    assert_int_equal(
        wk_store_read(root, "venue", "BTC-USD", HOUR, to + 9999 * HOUR, 0, &back, &err), WK_E_DATA);
    assert_int_equal(wk_store_read(root, "../x", "BTC-USD", HOUR, 0, 0, &back, &err), WK_E_ARG);
    assert_int_equal(back.n, 77);
    wk_store_entry *list;
    size_t n;
    assert_int_equal(wk_store_list(root, &list, &n, &err), WK_OK);
    assert_int_equal(n, 1);
    assert_true(list[0].n == N && list[0].gaps == 11 && list[0].bars_missing == 44);
    assert_true(list[0].first_ns == s.bars[0].time_ns && list[0].last_ns == s.bars[N - 1].time_ns);
    assert_string_equal(list[0].symbol, "BTC-USD");
    free(list);
    wk_series_finish(&s);
}

static void test_any_order_of_arrival_gives_the_same_bytes(void **state)
{
    wk_series s = sample();
    merge(temp_path(state, "whole"), &s, N, 0);
    static const size_t edges[5] = {0, 311, 312, 805, N};
    static const int orders[3][4] = {{3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
    for (int o = 0; o < 3; o++) {
        char name[16];
        snprintf(name, sizeof name, "part%d", o);
        for (int k = 0; k < 4; k++) {
            wk_series part = slice(&s, edges[orders[o][k]], edges[orders[o][k] + 1]);
            merge(temp_path(state, name), &part, part.n, 0);
        }
        for (int year = 2019; year <= 2020; year++) {
            char a[64], b[64];
            snprintf(a, sizeof a, "whole/venue/BTC-USD/1h/%d.h5", year);
            snprintf(b, sizeof b, "%s/venue/BTC-USD/1h/%d.h5", name, year);
            assert_same_file(temp_path(state, a), temp_path(state, b));
        }
    }
    wk_series_finish(&s);
}

static void test_newer_values_win_and_are_counted(void **state)
{
    const char *root = temp_path(state, "store");
    wk_series s = sample(), back;
    wk_err err;
    merge(root, &s, N, 0);
    wk_series part = slice(&s, 5, 8);
    merge(root, &part, 0, 0);
    s.bars[6].volume = 424242;
    s.provenance[7] = WK_PROV_REPAIRED - s.provenance[7];
    merge(root, &part, 0, s.provenance[7] == WK_PROV_CONFIRMED_EMPTY ? 1 : 2);
    assert_int_equal(wk_store_read(root, "venue", "BTC-USD", HOUR, 0, 0, &back, &err), WK_OK);
    assert_true(back.n == N && back.bars[6].volume == 424242);
    wk_series_finish(&back);
    wk_series_finish(&s);
}

static void test_impossible_series_are_refused(void **state)
{
    const char *root = temp_path(state, "store");
    wk_series s = sample();
    wk_err err;
    wk_bar good = s.bars[9];
    s.bars[9].low = s.bars[9].high + 1;
    assert_int_equal(wk_store_merge(root, &s, NULL, NULL, &err), WK_E_DATA);
    s.bars[9] = good;
    s.bars[9].time_ns = s.bars[8].time_ns;
    assert_int_equal(wk_store_merge(root, &s, NULL, NULL, &err), WK_E_DATA);
    s.bars[9] = good;
    s.bars[9].time_ns++;
    assert_int_equal(wk_store_merge(root, &s, NULL, NULL, &err), WK_E_DATA);
    assert_false(wk_file_exists(root));
    wk_series_finish(&s);
}

/* The second year's file exceeds the limit, so that the first one must not have been replaced
 * either. */
static void test_a_full_disk_leaves_the_store_as_it_was(void **state)
{
    const char *root = temp_path(state, "store"), *twin = temp_path(state, "twin");
    wk_series s = sample(), back;
    wk_err err = {0};
    wk_series first = slice(&s, 0, 20);
    merge(root, &first, 20, 0);
    merge(twin, &first, 20, 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    struct stat sizes[2];
    merge(temp_path(state, "whole"), &s, N, 0);
    assert_int_equal(stat(temp_path(state, "whole/venue/BTC-USD/1h/2019.h5"), &sizes[0]), 0);
    assert_int_equal(stat(temp_path(state, "whole/venue/BTC-USD/1h/2020.h5"), &sizes[1]), 0);
    assert_true(sizes[0].st_size + 1000 < sizes[1].st_size);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = (rlim_t)sizes[0].st_size + 500;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    wk_status status = wk_store_merge(root, &s, NULL, NULL, &err);
    wk_series other = s;
    snprintf(other.symbol, sizeof other.symbol, "NEW");
    wk_status on_new = wk_store_merge(root, &other, NULL, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, WK_E_IO);
    assert_int_equal(on_new, WK_E_IO);
    ASSERT_CONTAINS(err.msg, "2020.h5");
    assert_same_file(temp_path(state, "store/venue/BTC-USD/1h/2019.h5"),
                     temp_path(state, "twin/venue/BTC-USD/1h/2019.h5"));
    assert_false(wk_file_exists(temp_path(state, "store/venue/NEW")));
    size_t problems = 99;
    assert_int_equal(wk_store_check(root, NULL, NULL, &problems, &err), WK_OK);
    assert_int_equal(problems, 0); /* nothing left over */
    assert_int_equal(wk_store_read(root, "venue", "BTC-USD", HOUR, 0, 0, &back, &err), WK_OK);
    assert_int_equal(back.n, 20);
    wk_series_finish(&back);
    wk_series_finish(&s);
}

static void test_a_directory_without_rights_is_one_clear_error(void **state)
{
    wk_series s = sample();
    wk_err err = {0};
    const char *locked = temp_path(state, "locked");
    assert_int_equal(mkdir(locked, 0555), 0);
    assert_int_equal(chmod(((temp_dir *)*state)->path, 0755), 0);
    uid_t me = geteuid();
    if (me == 0) /* root may write anywhere */
        assert_int_equal(seteuid(65534), 0);
    wk_status status = wk_store_merge(temp_path(state, "locked/store"), &s, NULL, NULL, &err);
    if (me == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, WK_E_IO);
    ASSERT_CONTAINS(err.msg, "locked/store");
    ASSERT_CONTAINS(err.msg, "Permission denied");
    wk_series_finish(&s);
}

static void keep_text(void *ctx, const char *problem)
{
    snprintf(ctx, 1024, "%s", problem);
}

static void test_check_finds_damage(void **state)
{
    const char *root = temp_path(state, "store");
    wk_series s = sample(), back;
    wk_err err = {0};
    merge(root, &s, N, 0);
    size_t problems = 99;
    char text[1024] = "";
    assert_int_equal(wk_store_check(root, keep_text, text, &problems, &err), WK_OK);
    assert_int_equal(problems, 0);
    const char *path = temp_path(state, "store/venue/BTC-USD/1h/2019.h5");
    char *bytes;
    size_t n;
    assert_int_equal(wk_file_read(path, &bytes, &n, &err), WK_OK);
    for (int kind = 0; kind < 2; kind++) { /* cut short, and emptied */
        assert_int_equal(wk_file_write_atomic(path, bytes, kind ? 0 : n / 3, &err), WK_OK);
        assert_int_equal(wk_store_check(root, keep_text, text, &problems, &err), WK_OK);
        assert_int_equal(problems, 1);
        ASSERT_CONTAINS(text, "2019.h5");
        assert_true(wk_store_read(root, "venue", "BTC-USD", HOUR, 0, 0, &back, &err) != WK_OK);
        ASSERT_CONTAINS(err.msg, "2019.h5");
        /* What cannot be read is not overwritten either. */
        assert_true(wk_store_merge(root, &s, NULL, NULL, &err) != WK_OK);
    }
    size_t found = 0;
    for (size_t at = 0; at + 64 < n;
         at += n / 64) { /* changed bytes are found, or stood in a gap of the file */
        char *bad = malloc(n);
        memcpy(bad, bytes, n);
        for (size_t k = 0; k < 64; k++)
            bad[at + k] ^= 0x5a;
        assert_int_equal(wk_file_write_atomic(path, bad, n, &err), WK_OK);
        free(bad);
        assert_int_equal(wk_store_check(root, keep_text, text, &problems, &err), WK_OK);
        found += problems;
        if (problems == 0) {
            assert_int_equal(wk_store_read(root, "venue", "BTC-USD", HOUR, 0, 0, &back, &err),
                             WK_OK);
            assert_memory_equal(back.bars, s.bars, N * sizeof *s.bars);
            wk_series_finish(&back);
        }
    }
    assert_true(found > 20);
    assert_int_equal(wk_file_write_atomic(path, bytes, n, &err), WK_OK);
    temp_write(state, "store/venue/BTC-USD/1h/2020.h5.new", "x");
    assert_int_equal(wk_store_check(root, keep_text, text, &problems, &err), WK_OK);
    assert_int_equal(problems, 1);
    ASSERT_CONTAINS(text, "interrupted");
    assert_int_equal(wk_store_check(temp_path(state, "nowhere"), NULL, NULL, &problems, &err),
                     WK_E_IO);
    free(bytes);
    wk_series_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bars_come_back_bit_for_bit, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_any_order_of_arrival_gives_the_same_bytes, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_newer_values_win_and_are_counted, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_impossible_series_are_refused, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_full_disk_leaves_the_store_as_it_was, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_directory_without_rights_is_one_clear_error,
                                        temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_check_finds_damage, temp_setup, temp_teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
