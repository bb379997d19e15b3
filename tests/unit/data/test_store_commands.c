/* wick import and wick store, through the command line. */
#include "temp.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cli_internal.h"
#include "wick/import.h"
#include "wick/store.h"

extern const wk_cli_command wk_cmd_import, wk_cmd_store_list, wk_cmd_store_check,
    wk_cmd_store_export, wk_cmd_store_flush, wk_cmd_store_gaps, wk_cmd_store_prune;

/* Runs `wick <arguments>`; what it prints (results and errors) lands in `text`. Returns the exit
 * code. */
static int run(void **state, char text[8192], int n, const char *const *arguments)
{
    static const wk_cli_command *const commands[] = {
        &wk_cmd_import,     &wk_cmd_store_check, &wk_cmd_store_export, &wk_cmd_store_flush,
        &wk_cmd_store_gaps, &wk_cmd_store_list,  &wk_cmd_store_prune,  NULL};
    static const wk_cli_program program = {"wick", "test", commands};
    char *argv[16] = {"wick"};
    for (int i = 0; i < n; i++)
        argv[i + 1] = (char *)arguments[i];
    const char *path = temp_path(state, "printed");
    int to = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(to >= 0);
    fflush(stdout);
    int out = dup(1), bad = dup(2);
    dup2(to, 1);
    dup2(to, 2);
    int code = wk_cli_main(&program, n + 1, argv);
    fflush(stdout);
    dup2(out, 1);
    dup2(bad, 2);
    close(out);
    close(bad);
    ssize_t got = pread(to, text, 8191, 0);
    text[got < 0 ? 0 : got] = 0;
    close(to);
    return code;
}

#define RUN(...)                                                                                   \
    run(state, text, (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)),                  \
        (const char *[]){__VA_ARGS__})

#define CANDLES                                                                                    \
    "time,open,high,low,close,volume\n"                                                            \
    "1514764800,13715.65,13715.65,13400.01,13529.01,443.356199\n"                                  \
    "1514768400,13528.99,13595.89,13155.38,13203.06,383.697006\n"                                  \
    "1514775600,0.00001234,123456789.5,0.00001,7,0\n"

static void make_market(void **state)
{
    wk_err err;
    assert_int_equal(wk_dir_create(temp_path(state, "market/kraken"), &err), WK_OK);
    assert_int_equal(wk_dir_create(temp_path(state, "market/binance"), &err), WK_OK);
    temp_write_gz(state, "market/binance/BTCUSDT-1h.csv.gz", CANDLES);
    temp_write(state, "market/kraken/XBTUSD_60.csv", "1381093200,122,122,122,122,0.1,1\n");
    temp_write(state, "market/SOURCES.md", "no candles here\n");
}

static void test_a_market_folder_goes_in_and_comes_out_the_same(void **state)
{
    char text[8192];
    const char *store = temp_path(state, "store"), *out = temp_path(state, "out.csv");
    make_market(state);
    assert_int_equal(RUN("import", temp_path(state, "market"), "--store", store), 0);
    ASSERT_CONTAINS(text, "4 bars of 2 files");
    ASSERT_CONTAINS(text, "1e-8"); /* the tick that the decimals show */
    assert_int_equal(RUN("store", "list", "--store", store), 0);
    ASSERT_CONTAINS(text, "BTCUSDT");
    ASSERT_CONTAINS(text, "2018-01-01T03:00:00Z");
    ASSERT_CONTAINS(text, "XBTUSD");
    assert_int_equal(RUN("store", "list", "--store", store, "--json"), 0);
    ASSERT_CONTAINS(text, "\"bars_missing\": 1");
    assert_int_equal(RUN("store", "check", "--store", store), 0);
    ASSERT_CONTAINS(text, "no problem");
    assert_int_equal(
        RUN("store", "export", "binance", "BTCUSDT", "1h", "--store", store, "--out", out), 0);
    char *bytes;
    wk_err err;
    assert_int_equal(wk_file_read(out, &bytes, NULL, &err), WK_OK);
    assert_string_equal(bytes, CANDLES);
    free(bytes);
    assert_int_equal(RUN("store", "export", "binance", "BTCUSDT", "1h", "--store", store, "--from",
                         "2018-01-01T01:00", "--to", "2018-01-01T02:00"),
                     0);
    assert_string_equal(text, "time,open,high,low,close,volume\n1514768400,13528.99,13595.89,13155."
                              "38,13203.06,383.697006\n");
    assert_int_equal(RUN("import", temp_path(state, "market/binance"), "--store", store, "--json"),
                     0);
    ASSERT_CONTAINS(text, "\"added\": 0");
    ASSERT_CONTAINS(text, "\"changed\": 0");
}

static void test_one_bad_file_keeps_all_out_of_the_store(void **state)
{
    char text[8192];
    const char *store = temp_path(state, "store");
    make_market(state);
    temp_write(state, "market/kraken/ZZZ-1h.csv", CANDLES "1514779200,1,x,1,1,1\n");
    assert_int_equal(RUN("import", temp_path(state, "market"), "--store", store), 1);
    ASSERT_CONTAINS(text, "ZZZ-1h.csv:5: high \"x\" is not a number; correct or delete the row");
    assert_false(wk_file_exists(store));
    assert_int_equal(RUN("import", temp_path(state, "market"), "--store", store, "--lenient"), 0);
    ASSERT_CONTAINS(text, "7 bars of 3 files");
    ASSERT_CONTAINS(text, "first_problem=");
}

/* A stored (method 0) zip with two files, as any zip program writes it. */
static size_t add_to_zip(unsigned char *zip, size_t n, const char *name, const char *text,
                         unsigned char *directory, size_t *n_directory)
{
    unsigned char head[46] = {'P', 'K', 3, 4, 20};
    size_t name_bytes = strlen(name), size = strlen(text);
    uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)text, (unsigned)size);
    const uint32_t numbers[3] = {crc, (uint32_t)size, (uint32_t)size};
    for (int i = 0; i < 12; i++)
        head[14 + i] = (unsigned char)(numbers[i / 4] >> (8 * (i % 4)));
    head[26] = (unsigned char)name_bytes;
    memcpy(zip + n, head, 30);
    memcpy(zip + n + 30, name, name_bytes);
    memcpy(zip + n + 30 + name_bytes, text, size);
    unsigned char *d = directory + *n_directory;
    memset(d, 0, 46);
    memcpy(d, "PK\1\2", 4);
    memcpy(d + 16, head + 14, 12);
    d[28] = (unsigned char)name_bytes;
    for (int i = 0; i < 4; i++)
        d[42 + i] = (unsigned char)(n >> (8 * i));
    memcpy(d + 46, name, name_bytes);
    *n_directory += 46 + name_bytes;
    return n + 30 + name_bytes + size;
}

static const char *write_zip(void **state, const char *name, size_t *n_bytes)
{
    static unsigned char zip[4096], directory[512];
    size_t n_directory = 0, n = 0;
    n = add_to_zip(zip, n, "BTCUSDT-1h-2018-01.csv", CANDLES, directory, &n_directory);
    n = add_to_zip(zip, n, "BTCUSDT-1h-2018-02.csv",
                   "time,open,high,low,close,volume\n1517443200,1,2,0.5,1.5,3\n", directory,
                   &n_directory);
    n = add_to_zip(zip, n, "__MACOSX/x.csv", "rubbish", directory, &n_directory);
    memcpy(zip + n, directory, n_directory);
    unsigned char end[22] = {'P', 'K', 5, 6, 0, 0, 0, 0, 3, 0, 3, 0};
    end[12] = (unsigned char)n_directory;
    end[13] = (unsigned char)(n_directory >> 8);
    end[16] = (unsigned char)n;
    end[17] = (unsigned char)(n >> 8);
    memcpy(zip + n + n_directory, end, 22);
    *n_bytes = n + n_directory + 22;
    const char *path = temp_path(state, name);
    wk_err err;
    assert_int_equal(wk_file_write_atomic(path, zip, *n_bytes, &err), WK_OK);
    return path;
}

static void test_zip_archives_are_read_as_they_are(void **state)
{
    char text[8192];
    const char *store = temp_path(state, "store");
    size_t n;
    const char *path = write_zip(state, "months.zip", &n);
    assert_int_equal(RUN("import", path, "--store", store, "--venue", "binance", "--json"), 0);
    ASSERT_CONTAINS(text, "months.zip/BTCUSDT-1h-2018-02.csv");
    ASSERT_CONTAINS(text, "\"added\": 3");
    ASSERT_CONTAINS(text, "\"added\": 1");
    assert_int_equal(RUN("store", "list", "--store", store, "--json"), 0);
    ASSERT_CONTAINS(text, "\"bars\": 4");
    char inner[600];
    snprintf(inner, sizeof inner, "%s/BTCUSDT-1h-2018-02.csv", path);
    wk_series s;
    wk_err err = {0};
    assert_int_equal(wk_import_candles(inner, "v", "s", HOUR, 0, &s, NULL, &err), WK_OK);
    assert_int_equal(s.n, 1);
    wk_series_finish(&s);
    assert_int_equal(wk_import_candles(path, "v", "s", HOUR, 0, &s, NULL, &err), WK_E_PARSE);
    ASSERT_CONTAINS(err.msg, "holds 2 files");
    /* One changed byte of a candle fails the checksum; a cut archive has no directory. */
    char *bytes;
    assert_int_equal(wk_file_read(path, &bytes, &n, &err), WK_OK);
    bytes[120] ^= 1;
    assert_int_equal(wk_file_write_atomic(path, bytes, n, &err), WK_OK);
    assert_int_equal(RUN("import", path, "--store", store, "--venue", "binance"), 1);
    ASSERT_CONTAINS(text, "zip");
    assert_int_equal(wk_file_write_atomic(path, bytes, n - 30, &err), WK_OK);
    assert_int_equal(RUN("import", path, "--store", store, "--venue", "binance"), 1);
    ASSERT_CONTAINS(text, "damaged or cut off; fetch it again");
    free(bytes);
}

static void test_an_import_is_newer_than_what_was_fresh(void **state)
{
    char text[8192];
    const char *store = temp_path(state, "store"), *file = temp_write(state, "BTC-1h.csv", CANDLES);
    wk_fresh *f;
    wk_err err = {0};
    const wk_fresh_bar b = {{INT64_C(1514764800) * WK_NS_PER_S, 1, 2, 0.5, 1.5, 3}, 0, 5};
    assert_int_equal(wk_fresh_open(store, &f, &err), WK_OK);
    assert_int_equal(wk_fresh_put_bars(f, "v", "BTC", HOUR, &b, 1, NULL, NULL, &err), WK_OK);
    wk_fresh_close(f);
    assert_int_equal(RUN("store", "list", "--store", store, "--json"), 0);
    ASSERT_CONTAINS(text, "\"fresh\": 1");
    assert_int_equal(RUN("import", file, "--store", store, "--venue", "v", "--json"), 0);
    ASSERT_CONTAINS(text, "\"changed\": 1");
    assert_int_equal(RUN("store", "export", "v", "BTC", "1h", "--store", store), 0);
    assert_string_equal(text, CANDLES);
    assert_int_equal(RUN("store", "gaps", "v", "BTC", "1h", "--store", store), 0);
    assert_string_equal(text, "2018-01-01T02:00:00Z  2018-01-01T03:00:00Z        1\n"
                              "1 gaps, 1 bars missing\n");
    assert_int_equal(RUN("store", "prune", "--store", store, "--keep", "soon"), 2);
    assert_int_equal(RUN("store", "prune", "--store", store, "--keep", "1h=3h"), 2);
    ASSERT_CONTAINS(text, "30d");
    assert_int_equal(RUN("store", "prune", "--store", store, "--keep", "15m=1d,all=30d"), 0);
    ASSERT_CONTAINS(text, "0 bars are dropped");
    assert_int_equal(RUN("store", "flush", "--store", store, "--keep", "x"), 2);
    assert_int_equal(RUN("store", "flush", "--store", store), 0);
    ASSERT_CONTAINS(text, "0 fresh bars");
}

static void test_a_damaged_file_is_repaired_on_demand(void **state)
{
    char text[8192], path[600];
    const char *store = temp_path(state, "store"), *file = temp_write(state, "BTC-1h.csv", CANDLES);
    assert_int_equal(RUN("import", file, "--store", store, "--venue", "v"), 0);
    snprintf(path, sizeof path, "%s/v/BTC/1h/2018.h5", store);
    assert_int_equal(truncate(path, 700), 0);
    assert_int_equal(RUN("store", "check", "--store", store), 1);
    ASSERT_CONTAINS(text, "--repair");
    assert_int_equal(RUN("store", "check", "--store", store, "--repair"), 0);
    ASSERT_CONTAINS(text, "2018.h5.damaged");
    assert_int_equal(RUN("import", file, "--store", store, "--venue", "v"), 0);
    assert_int_equal(RUN("store", "export", "v", "BTC", "1h", "--store", store), 0);
    assert_string_equal(text, CANDLES);
}

static void test_wrong_usage_says_what_is_missing(void **state)
{
    char text[8192];
    const char *store = temp_path(state, "store"), *file = temp_write(state, "BTC-1h.csv", CANDLES);
    assert_int_equal(RUN("import", file, "--store", store), 2);
    ASSERT_CONTAINS(text, "--venue");
    assert_int_equal(RUN("import", file, "--store", store, "--venue", "a/b"), 2);
    assert_int_equal(RUN("import", file, "--store", store, "--venue", "v", "--timeframe", "soon"),
                     2);
    assert_int_equal(
        RUN("import", temp_path(state, "absent.csv"), "--venue", "v", "--store", store), 1);
    ASSERT_CONTAINS(text, "absent.csv");
    assert_int_equal(RUN("store", "list", "--store", store), 1);
    ASSERT_CONTAINS(text, "wick import");
    assert_false(wk_file_exists(store));
    assert_int_equal(RUN("import", file, "--store", store, "--venue", "v", "--symbol", "ETH"), 0);
    assert_int_equal(RUN("store", "export", "v", "BTC", "1h", "--store", store), 1);
    ASSERT_CONTAINS(text, "wick store list");
    assert_int_equal(RUN("store", "export", "v", "ETH", "1h", "--store", store, "--from", "then"),
                     2);
    char path[600];
    snprintf(path, sizeof path, "%s/v/ETH/1h/2018.h5", store);
    assert_int_equal(truncate(path, 500), 0);
    assert_int_equal(RUN("store", "check", "--store", store), 1);
    ASSERT_CONTAINS(text, "1 problem in the store");
}

static void test_the_store_follows_the_environment(void **state)
{
    char root[512];
    wk_err err;
    (void)state;
    assert_int_equal(setenv("WICK_HOME", "/a/b", 1), 0);
    assert_int_equal(wk_store_root(NULL, root, sizeof root, &err), WK_OK);
    assert_string_equal(root, "/a/b/store");
    assert_int_equal(wk_store_root("here", root, sizeof root, &err), WK_OK);
    assert_string_equal(root, "here");
    assert_int_equal(unsetenv("WICK_HOME"), 0);
    assert_int_equal(setenv("HOME", "/h", 1), 0);
    assert_int_equal(wk_store_root(NULL, root, sizeof root, &err), WK_OK);
    assert_string_equal(root, "/h/.wick/store");
    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(wk_store_root(NULL, root, sizeof root, &err), WK_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_market_folder_goes_in_and_comes_out_the_same,
                                        temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_one_bad_file_keeps_all_out_of_the_store, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_zip_archives_are_read_as_they_are, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_an_import_is_newer_than_what_was_fresh, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_file_is_repaired_on_demand, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_wrong_usage_says_what_is_missing, temp_setup,
                                        temp_teardown),
        cmocka_unit_test(test_the_store_follows_the_environment),
    };
    return cmocka_run_group_tests_name("store_commands", tests, NULL, NULL);
}
