/* Files of candles and rates: what is read, counted and refused. */
#include "temp.h"

#include "wick/import.h"

#define HEAD "time,open,high,low,close,volume\n"
#define ROW1 "1514764800,1,4,0.5,2,10\n"
#define ROW2 "1514768400,2,3,1,2.5,11\n"
#define ROW3 "1514772000,2,3,1,2.5,0\n"

static void expect_error(void **state, const char *text, const char *part)
{
    wk_series s = {.n = 77};
    wk_import_report report;
    wk_err err = {0};
    const char *path = temp_write(state, "bad.csv", text);
    wk_status status = wk_import_candles(path, "v", "S", 0, 0, &s, &report, &err);
    if (status == WK_OK)
        fail_msg("accepted: %s", text);
    ASSERT_CONTAINS(err.msg, part);
    ASSERT_CONTAINS(err.msg, "bad.csv");
    assert_int_equal(s.n, 77); /* untouched */
}

static void test_plain_and_gzip_give_the_same(void **state)
{
    static const char *const names[] = {"a.csv", "a.csv.gz"};
    for (int i = 0; i < 2; i++) {
        wk_series s;
        wk_import_report report;
        wk_err err = {0};
        const char *path = i ? temp_write_gz(state, names[i], HEAD ROW1 ROW2 ROW3)
                             : temp_write(state, names[i], HEAD ROW1 ROW2 ROW3);
        if (wk_import_candles(path, "venue", "SYM", 0, 0, &s, &report, &err) != WK_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(s.n, 3);
        assert_true(s.timeframe_ns == HOUR &&
                    s.bars[2].time_ns == INT64_C(1514772000) * WK_NS_PER_S);
        assert_true(s.bars[0].high == 4 && s.bars[1].close == 2.5);
        assert_int_equal(s.provenance[0], WK_PROV_TRADED);
        assert_int_equal(s.provenance[2], WK_PROV_CONFIRMED_EMPTY);
        assert_string_equal(s.venue, "venue");
        assert_true(report.rows == 3 && report.kept == 3 && report.gaps == 0);
        wk_series_finish(&s);
    }
}

static void test_each_kind_of_bad_input_names_its_row(void **state)
{
    expect_error(state, "", "is empty");
    expect_error(state, "\n\n", "no candle");
    expect_error(state, HEAD, "no candle");
    expect_error(state, HEAD ROW1 "1514768400,2,abc,1,2.5,11\n",
                 "bad.csv:3: high \"abc\" is not a number");
    expect_error(state, HEAD ROW1 "1514768400,2,nan,1,2.5,11\n", "bad.csv:3: high \"nan\"");
    expect_error(state, HEAD ROW1 "1514768400,-2,3,1,2.5,11\n",
                 "bad.csv:3: a price is zero or negative");
    expect_error(state, HEAD ROW1 "1514768400,2,1,3,2.5,11\n", "bad.csv:3: high below low");
    expect_error(state, HEAD ROW1 "1514768400,2,2.2,1,2.5,11\n",
                 "bad.csv:3: high below open or close");
    expect_error(state, HEAD ROW1 "1514768400,2,3,1,2.5,-1\n", "bad.csv:3: the volume is negative");
    expect_error(state, HEAD ROW2 ROW1,
                 "bad.csv:3: 2018-01-01T00:00:00Z comes after 2018-01-01T01:00:00Z; sort");
    expect_error(state, HEAD ROW1 "1514764800,1,4,0.5,2,11\n",
                 "bad.csv:3: a second bar for 2018-01-01T00:00:00Z");
    expect_error(state, HEAD ROW1 "15147", "bad.csv:3: 1 fields");
    expect_error(state, HEAD ROW1, "does not show its timeframe");
    expect_error(state, HEAD ROW1 ROW2 ROW3 "1514775660,2,3,1,2.5,0\n", "off the grid of 1h");
    expect_error(state, "1,2,3\n", "bad.csv:1: no header");
    wk_series s;
    wk_err err = {0};
    assert_int_equal(wk_import_candles("/nowhere/x.csv", "v", "S", 0, 0, &s, NULL, &err), WK_E_IO);
    ASSERT_CONTAINS(err.msg, "/nowhere/x.csv");
}

static void test_lenient_drops_and_counts(void **state)
{
    const char *path =
        temp_write(state, "l.csv",
                   HEAD ROW3 ROW1 ROW1 "1514768400,x,3,1,2.5,11\n"
                                       "1514768400,2,1,3,2.5,11\n" ROW2
                                       "1514768400,2,3,1,2.4,11\n" ROW3 "1514782800,2,3,1,2.5,5\n");
    wk_series s;
    wk_import_report r;
    wk_err err = {0};
    if (wk_import_candles(path, "v", "S", HOUR, 1, &s, &r, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(s.n, 4);
    for (size_t i = 1; i < s.n; i++)
        assert_true(s.bars[i].time_ns > s.bars[i - 1].time_ns);
    assert_true(s.bars[1].close == 2.5); /* the first of the two rows of 01:00 */
    assert_int_equal(r.rows, 9);
    assert_int_equal(r.kept, 4);
    assert_int_equal(r.duplicates, 2);
    assert_int_equal(r.broken, 2); /* the text and the conflicting duplicate */
    assert_int_equal(r.impossible, 1);
    assert_int_equal(r.disordered, 2);
    assert_true(r.gaps == 1 && r.bars_missing == 2);
    ASSERT_CONTAINS(r.first_problem, "l.csv:3: ");
    wk_series_finish(&s);
}

static void test_truncated_or_damaged_gzip_is_refused(void **state)
{
    char text[200000];
    size_t n = (size_t)snprintf(text, sizeof text, HEAD);
    for (int i = 0; i < 4000; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%lld,%d.5,%d.9,%d.1,%d.6,%d\n",
                              1514764800LL + i * 3600LL, 100 + i * 7919 % 50, 100 + i * 7919 % 50,
                              100 + i * 7919 % 50, 100 + i * 7919 % 50, i * 31 % 977);
    const char *path = temp_write_gz(state, "t.csv.gz", text);
    char *bytes;
    size_t size;
    wk_err err = {0};
    assert_int_equal(wk_file_read(path, &bytes, &size, &err), WK_OK);
    wk_series s = {.n = 77};
    const size_t cuts[] = {5, 12, size / 2, size - 9, size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        assert_int_equal(wk_file_write_atomic(path, bytes, cuts[i], &err), WK_OK);
        err.msg[0] = 0;
        for (int lenient = 0; lenient < 2; lenient++) {
            if (wk_import_candles(path, "v", "S", 0, lenient, &s, NULL, &err) == WK_OK)
                fail_msg("cut at %zu of %zu was accepted", cuts[i], size);
            ASSERT_CONTAINS(err.msg, "t.csv.gz:");
            ASSERT_CONTAINS(err.msg, "fetch it again");
        }
    }
    bytes[size / 2] ^= 0x55;
    assert_int_equal(wk_file_write_atomic(path, bytes, size, &err), WK_OK);
    assert_true(wk_import_candles(path, "v", "S", 0, 1, &s, NULL, &err) != WK_OK);
    assert_int_equal(s.n, 77);
    free(bytes);
}

static void test_rates(void **state)
{
    wk_rates r = {0};
    wk_err err = {0};
    const char *path =
        temp_write(state, "f.csv", "time,rate\n1578556800,0.0001\n1578585600,-3e-05\n");
    assert_int_equal(wk_import_rates(path, &r, &err), WK_OK);
    assert_true(r.n == 2 && r.rate[1] == -3e-05 &&
                r.time_ns[0] == INT64_C(1578556800) * WK_NS_PER_S);
    wk_rates_finish(&r);
    path = temp_write(state, "f.csv", "time,rate\n1578585600,0.1\n1578556800,0.1\n");
    assert_int_equal(wk_import_rates(path, &r, &err), WK_E_PARSE);
    ASSERT_CONTAINS(err.msg, "f.csv:3:");
    path = temp_write(state, "f.csv", "time,rate\n1578585600,3.5\n");
    assert_int_equal(wk_import_rates(path, &r, &err), WK_E_PARSE);
}

/* Row, gap and decimal counts that the recorded candles' own table of sources states. */
static void test_recorded_candles_match_their_table(void **state)
{
    (void)state;
    const char *root = getenv("WICK_TEST_ROOT");
    if (!root || !*root) {
        print_message("WICK_TEST_ROOT is unset: the recorded candles are not read\n");
        skip();
    }
    static const struct {
        const char *file;
        size_t rows, gaps, missing;
        int64_t step;
    } known[] = {{"binance/BTCUSDT-1h.csv.gz", 56830, 27, 122, 3600},
                 {"kraken/XBTUSD-4h.csv.gz", 1090, 2, 2, 14400},
                 {"kraken/ETHUSD-1h.csv.gz", 63568, 842, 3474, 3600},
                 {"coinbase/BTCUSD-1d.csv.gz", 1643, 0, 0, 86400},
                 {"binanceusdm/BTCUSDT-15m.csv.gz", 52512, 0, 0, 900}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char path[1024];
        wk_series s;
        wk_import_report r;
        wk_err err = {0};
        snprintf(path, sizeof path, "%s/data/market/%s", root, known[i].file);
        if (wk_import_candles(path, "v", "S", 0, 0, &s, &r, &err) != WK_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(s.n, known[i].rows);
        assert_int_equal(r.gaps, known[i].gaps);
        assert_int_equal(r.bars_missing, known[i].missing);
        assert_true(s.timeframe_ns == known[i].step * WK_NS_PER_S);
        if (i == 0) {
            int price, volume;
            wk_series_decimals(&s, &price, &volume);
            assert_int_equal(price, 2);
        }
        wk_series_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_and_gzip_give_the_same, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_each_kind_of_bad_input_names_its_row, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_lenient_drops_and_counts, temp_setup, temp_teardown),
        cmocka_unit_test_setup_teardown(test_truncated_or_damaged_gzip_is_refused, temp_setup,
                                        temp_teardown),
        cmocka_unit_test_setup_teardown(test_rates, temp_setup, temp_teardown),
        cmocka_unit_test(test_recorded_candles_match_their_table),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
