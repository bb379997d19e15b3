/* wick import and wick store, through the command line. */
#include "temp.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cli_internal.h"
#include "wick/import.h"
#include "wick/store.h"

extern const wk_cli_command wk_cmd_import, wk_cmd_store_list, wk_cmd_store_check,
    wk_cmd_store_export;

/* Runs `wick <arguments>`; what it prints (results and errors) lands in `text`. Returns the exit
 * code. */
static int run(void **state, char text[8192], int n, const char *const *arguments)
{
    static const wk_cli_command *const commands[] = {
        &wk_cmd_import, &wk_cmd_store_check, &wk_cmd_store_export, &wk_cmd_store_list, NULL};
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
        cmocka_unit_test_setup_teardown(test_wrong_usage_says_what_is_missing, temp_setup,
                                        temp_teardown),
        cmocka_unit_test(test_the_store_follows_the_environment),
    };
    return cmocka_run_group_tests_name("store_commands", tests, NULL, NULL);
}
