/* wick store check --repair and prune: what can be read is kept, the rest is moved aside and named.
 */
#include "temp.h"

#include <sys/stat.h>

#include "../../../data/store_file.h"
#include "wick/rng.h"

/* HDF5 1.10 loses an object header when it gives up on some damaged files; only the leak checker of
 * an ASan build calls this. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

#define MINUTE (60 * WK_NS_PER_S)
#define T0 (wk_civil_to_ns(2022, 3, 1))

enum { N = 60000 }; /* four chunks of a column */

static wk_series sample(size_t n)
{
    wk_series s;
    wk_err err;
    assert_int_equal(wk_series_create("v", "BTC", MINUTE, n, &s, &err), WK_OK);
    for (uint64_t i = 0; i < n; i++) {
        double p = 100 + (double)wk_rng_below(1, 0, i, 100000) / 100;
        s.bars[i] = (wk_bar){T0 + (int64_t)i * MINUTE, p, p + 2, p - 2, p + 1, (double)i};
        s.provenance[i] = (uint8_t)(i % 2);
    }
    return s;
}

static void store(const char *root, const wk_series *s)
{
    wk_err err = {0};
    if (wk_store_merge(root, s, NULL, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

typedef struct {
    char text[8192];
} told;

static void hear(void *ctx, const char *what)
{
    told *t = ctx;
    size_t n = strlen(t->text);
    snprintf(t->text + n, sizeof t->text - n, "%s\n", what);
}

static told repair(const char *root, size_t want)
{
    told t = {0};
    size_t n = 99;
    wk_err err = {0};
    if (wk_store_repair(root, hear, &t, &n, &err) != WK_OK)
        fail_msg("%s", err.msg);
    if (n != want)
        fail_msg("%d repairs where %d were due: %s", (int)n, (int)want, t.text);
    return t;
}

static size_t count_problems(const char *root)
{
    size_t n = 99;
    wk_err err = {0};
    if (wk_store_check(root, NULL, NULL, &n, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return n;
}

static void overwrite(const char *path, size_t at, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void test_a_damaged_chunk_costs_its_rows_only(void **state)
{
    const char *root = temp_path(state, "store"),
               *path = temp_path(state, "store/v/BTC/1m/2022.h5");
    wk_series s = sample(N), back;
    wk_err err = {0};
    store(root, &s);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    char junk[64];
    memset(junk, 0xa5, sizeof junk);
    overwrite(path, (size_t)st.st_size / 2, junk, sizeof junk);
    assert_int_equal(count_problems(root), 1);
    told t = repair(root, 1);
    ASSERT_CONTAINS(t.text, "2022.h5.damaged");
    ASSERT_CONTAINS(t.text, "of 60000 rows are kept");
    assert_true(wk_file_exists(temp_path(state, "store/v/BTC/1m/2022.h5.damaged")));
    assert_int_equal(count_problems(root), 0);
    assert_int_equal(wk_store_read(root, "v", "BTC", MINUTE, 0, 0, &back, &err), WK_OK);
    assert_true(back.n < N && back.n >= N - 16384);
    size_t at = 0;
    for (size_t i = 0; i < back.n; i++) { /* what is left is what was there */
        while (s.bars[at].time_ns < back.bars[i].time_ns)
            at++;
        assert_memory_equal(&s.bars[at], &back.bars[i], sizeof *s.bars);
        assert_int_equal(s.provenance[at], back.provenance[i]);
    }
    wk_series_finish(&back);
    /* The gap can be filled again. */
    store(root, &s);
    assert_int_equal(wk_store_read(root, "v", "BTC", MINUTE, 0, 0, &back, &err), WK_OK);
    assert_int_equal(back.n, N);
    wk_series_finish(&back);
    wk_series_finish(&s);
    (void)repair(root, 0);
}

static void test_any_damage_ends_in_a_sound_store(void **state)
{
    const char *root = temp_path(state, "store"),
               *path = temp_path(state, "store/v/BTC/1m/2022.h5");
    wk_series s = sample(2000);
    wk_err err = {0};
    store(root, &s);
    char *bytes;
    size_t n, kept = 0;
    assert_int_equal(wk_file_read(path, &bytes, &n, &err), WK_OK);
    for (uint64_t i = 0; i < 60; i++) {
        if (i % 4 == 0) { /* cut short */
            assert_int_equal(
                wk_file_write_atomic(path, bytes, wk_rng_below(2, 0, i, (uint32_t)n), &err), WK_OK);
        } else {
            unsigned char junk[200];
            for (size_t k = 0; k < sizeof junk; k++)
                junk[k] = (unsigned char)wk_rng_below(3, i, k, 256);
            assert_int_equal(wk_file_write_atomic(path, bytes, n, &err), WK_OK);
            overwrite(path, wk_rng_below(2, 1, i, (uint32_t)n - 200), junk,
                      1 + wk_rng_below(2, 2, i, 200));
        }
        size_t problems = count_problems(root);
        (void)repair(root, problems > 0);
        assert_int_equal(count_problems(root), 0);
        wk_series back;
        if (wk_store_read(root, "v", "BTC", MINUTE, 0, 0, &back, &err) == WK_OK) {
            kept += back.n;
            wk_series_finish(&back);
        }
    }
    assert_true(kept > 2000);
    free(bytes);
    wk_series_finish(&s);
}

static void test_rows_out_of_order_are_sorted_and_kept_once(void **state)
{
    const char *root = temp_path(state, "store"),
               *path = temp_path(state, "store/v/BTC/1m/2022.h5");
    wk_series s = sample(10);
    wk_err err = {0};
    store(root, &s);
    wk_series odd = sample(10);
    odd.bars[3] = s.bars[4];
    odd.bars[4] = s.bars[3];
    odd.bars[6].time_ns = odd.bars[5].time_ns; /* twice; the later row is the newer */
    odd.bars[8].low = odd.bars[8].high + 1;    /* impossible */
    wk__year year = {.series = odd};
    char *bytes;
    size_t n;
    assert_int_equal(wk__year_encode(&year, &bytes, &n, &err), WK_OK);
    assert_int_equal(wk_file_write_atomic(path, bytes, n, &err), WK_OK);
    free(bytes);
    assert_true(count_problems(root) > 0);
    told t = repair(root, 1);
    ASSERT_CONTAINS(t.text, "8 of 10 rows are kept");
    assert_int_equal(count_problems(root), 0);
    wk_series back;
    assert_int_equal(wk_store_read(root, "v", "BTC", MINUTE, 0, 0, &back, &err), WK_OK);
    assert_int_equal(back.n, 8);
    assert_memory_equal(&back.bars[3], &s.bars[3], sizeof *s.bars);
    assert_true(back.bars[5].close == odd.bars[6].close);
    wk_series_finish(&back);
    wk_series_finish(&odd);
    wk_series_finish(&s);
}

static void test_leftovers_are_deleted_and_strangers_stay(void **state)
{
    const char *root = temp_path(state, "store");
    wk_series s = sample(10);
    store(root, &s);
    temp_write(state, "store/v/BTC/1m/2021.h5.new", "x");
    temp_write(state, "store/v/BTC/1m/2022.h5.77.part", "x");
    temp_write(state, "store/v/BTC/1m/notes.txt", "mine");
    assert_int_equal(count_problems(root), 3);
    told t = repair(root, 2);
    ASSERT_CONTAINS(t.text, "2021.h5.new: left by an interrupted program, deleted");
    assert_int_equal(count_problems(root), 1);
    assert_true(wk_file_exists(temp_path(state, "store/v/BTC/1m/notes.txt")));
    wk_series_finish(&s);
}

static wk_fresh *open_fresh(const char *root)
{
    wk_fresh *f = NULL;
    wk_err err = {0};
    if (wk_fresh_open(root, &f, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return f;
}

static void fill_fresh(const char *root)
{
    enum { FRESH = 5000 };
    wk_fresh *f = open_fresh(root);
    wk_fresh_bar *bars = calloc(FRESH, sizeof *bars);
    wk_series s = sample(FRESH);
    wk_err err = {0};
    const wk_fresh_cursor cursor = {"fetch/v/BTC", "page 7"};
    for (size_t i = 0; i < FRESH; i++)
        bars[i] = (wk_fresh_bar){s.bars[i], WK_PROV_TRADED, s.bars[i].time_ns + MINUTE};
    if (wk_fresh_put_bars(f, "v", "BTC", MINUTE, bars, FRESH, &cursor, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    wk_fresh_close(f);
    free(bars);
    wk_series_finish(&s);
}

static void test_a_damaged_database_gives_what_can_be_read(void **state)
{
    const char *root = temp_path(state, "store"), *path = temp_path(state, "store/fresh.sqlite");
    char junk[4096];
    wk_err err = {0};
    memset(junk, 0x5a, sizeof junk);
    fill_fresh(root);
    assert_int_equal(count_problems(root), 0);
    (void)repair(root, 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    overwrite(path, (size_t)st.st_size / 4096 / 2 * 4096, junk, sizeof junk);
    assert_true(count_problems(root) > 0);
    wk_fresh *f = open_fresh(root); /* somebody is at work: the repair keeps its hands off */
    wk_series s;
    assert_true(wk_fresh_bars(f, "v", "BTC", MINUTE, 0, 0, &s, &err) != WK_OK);
    size_t n;
    assert_int_equal(wk_store_repair(root, NULL, NULL, &n, &err), WK_E_STATE);
    ASSERT_CONTAINS(err.msg, "stop the programs");
    wk_fresh_close(f);
    told t = repair(root, 1);
    ASSERT_CONTAINS(t.text, "fresh.sqlite.damaged");
    assert_int_equal(count_problems(root), 0);
    assert_false(wk_file_exists(temp_path(state, "store/.repair")));
    f = open_fresh(root);
    char *text;
    assert_int_equal(wk_fresh_bars(f, "v", "BTC", MINUTE, 0, 0, &s, &err), WK_OK);
    assert_true(s.n > 4800 && s.n < 5000);
    wk_series_finish(&s);
    assert_int_equal(wk_fresh_cursor_get(f, "fetch/v/BTC", &text, &err), WK_OK);
    assert_string_equal(text, "page 7");
    free(text);
    wk_fresh_close(f);
    /* Without a first page nothing can be read; the file is named and a new one begun. */
    overwrite(path, 0, junk, sizeof junk);
    t = repair(root, 1);
    ASSERT_CONTAINS(t.text, "fresh.sqlite.damaged-1");
    fill_fresh(root);
    assert_int_equal(count_problems(root), 0);
}

static void test_the_window_rolls(void **state)
{
    const char *root = temp_path(state, "store");
    wk_series s = sample(400000), back; /* into December */
    wk_err err = {0};
    s.timeframe_ns = MINUTE;
    store(root, &s);
    int64_t before_ns = s.bars[390000].time_ns;
    size_t n;
    assert_int_equal(wk_store_prune(root, "v", "BTC", MINUTE, before_ns, 1, &n, &err), WK_OK);
    assert_int_equal(n, 390000);
    assert_int_equal(wk_store_read(root, "v", "BTC", MINUTE, 0, 0, &back, &err), WK_OK);
    assert_int_equal(back.n, 400000);
    wk_series_finish(&back);
    fill_fresh(root);
    assert_int_equal(wk_store_prune(root, "v", "BTC", MINUTE, before_ns, 0, &n, &err), WK_OK);
    assert_int_equal(wk_store_read(root, "v", "BTC", MINUTE, 0, 0, &back, &err), WK_OK);
    assert_int_equal(back.n, 10000);
    assert_true(back.bars[0].time_ns == before_ns);
    wk_series_finish(&back);
    assert_int_equal(wk_store_prune(root, "v", "BTC", MINUTE, INT64_MAX / 2, 0, &n, &err), WK_OK);
    assert_int_equal(n, 10000);
    assert_false(wk_file_exists(temp_path(state, "store/v/BTC/1m/2022.h5")));
    wk_series_finish(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, temp_setup, temp_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_damaged_chunk_costs_its_rows_only),
        TEST(test_any_damage_ends_in_a_sound_store),
        TEST(test_rows_out_of_order_are_sorted_and_kept_once),
        TEST(test_leftovers_are_deleted_and_strangers_stay),
        TEST(test_a_damaged_database_gives_what_can_be_read),
        TEST(test_the_window_rolls),
    };
    return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
